use super::{
    admin::{explained, tenant_ctx},
    open_migrated, print_line,
};
use crate::{
    config::{Config, make_key},
    worker::{every_tenant, every_tenant_id, secrets::sealed_columns},
};
use anyhow::bail;
use atalaya_kernel::{
    Ctx,
    runtime::Runtime,
    secrets::{
        reseal::{self, Standing},
        rotation::{self, KeysThere, Rotation},
    },
};
use atalaya_people::{platform::PlatformCtx, tokens};
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc, time::Duration};

#[derive(Debug, Subcommand)]
pub(super) enum SecretsCommand {
    /// Shows which keys there are, what wraps them, and how far values are brought over.
    Status,
    /// Makes new keys. A running server brings over what the old ones seal and then destroys them; nothing stops meanwhile.
    Rotate(Rotate),
    /// Removes what former keys outside the database open. Last step of replacing the installation key.
    Finish,
    /// Makes a new key that signs tokens of programs, besides the one that is made every thirty days.
    TokenKey {
        /// Somebody may have seen the old ones: tokens that they signed are refused from now on. Programs refresh theirs.
        #[arg(long)]
        at_once: bool,
    },
    /// Makes an installation key in a new file, for its owner's eyes.
    NewKey {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Rotate {
    /// Slug of the tenant that gets a new key.
    #[arg(long)]
    tenant: Option<String>,
    /// Every tenant gets a new key.
    #[arg(long)]
    all_tenants: bool,
    /// The platform gets a new key, wrapped by what `[secrets] key` names and, until `finish`, by the former ones.
    #[arg(long)]
    installation_key: bool,
}

impl SecretsCommand {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        if let Self::NewKey { file } = &self {
            print_line(&format!("{}: keep a copy apart from the backups", make_key(file)?.name()));
            return Ok(());
        }
        let runtime = open_migrated(config).await?;
        let outcome = match self {
            Self::Rotate(rotate) => rotate.run(&runtime).await,
            Self::Finish => finish(&runtime).await,
            Self::TokenKey { at_once } => token_key(&runtime, at_once).await,
            Self::Status | Self::NewKey { .. } => status(&runtime).await,
        };
        runtime.db().close().await;
        outcome
    }
}

impl Rotate {
    async fn run(self, runtime: &Arc<Runtime>) -> anyhow::Result<()> {
        if self.installation_key {
            return rotate_platform(runtime).await;
        }
        let tenants = match &self.tenant {
            Some(slug) => vec![tenant_ctx(runtime, slug).await?],
            None => every_tenant(runtime, "secrets").await?,
        };
        for ctx in tenants {
            let rotation = rotation::rotate_tenant(&as_command_line(&ctx)).await.map_err(explained)?;
            print_line(&said(ctx.tenant().as_str(), rotation));
        }
        Ok(())
    }
}

/// A person at the machine did it, also where every tenant is meant.
pub(super) fn as_command_line(ctx: &Ctx) -> Ctx {
    Ctx::new(
        ctx.db().runtime().tenant(ctx.tenant().clone()),
        atalaya_kernel::Principal::CommandLine,
        atalaya_kernel::Permissions::All,
        atalaya_kernel::Scope::All,
        &atalaya_kernel::audit::command_id(),
    )
}

async fn rotate_platform(runtime: &Arc<Runtime>) -> anyhow::Result<()> {
    let rotation = rotation::announce(runtime).await.map_err(explained)?;
    if let Rotation::Begun(number) = rotation {
        tokio::time::sleep(Duration::from_millis(rotation::ANNOUNCED_MS)).await;
        rotation::activate(runtime, number).await.map_err(explained)?;
    }
    print_line(&said("platform", rotation));
    Ok(())
}

fn said(owner: &str, rotation: Rotation) -> String {
    match rotation {
        Rotation::Begun(number) => {
            format!(
                "{owner}: key {number} is in use; see `atalaya secrets status` for what lies under older ones"
            )
        }
        Rotation::UnderWay(number) => {
            format!("{owner}: values are still being brought over to key {number}; no further key was made")
        }
    }
}

async fn token_key(runtime: &Arc<Runtime>, at_once: bool) -> anyhow::Result<()> {
    let ctx = PlatformCtx::command_line(runtime.clone());
    let kid = tokens::key_rotate(&ctx, at_once).await.map_err(explained)?;
    print_line(&format!("tokens are signed by {kid}"));
    Ok(())
}

async fn finish(runtime: &Arc<Runtime>) -> anyhow::Result<()> {
    let gone = rotation::forget_former(runtime).await.map_err(explained)?;
    if gone.is_empty() {
        print_line("nothing is wrapped by a former key");
    }
    for by in gone {
        print_line(&format!("removed what {by} opened"));
    }
    Ok(())
}

async fn status(runtime: &Arc<Runtime>) -> anyhow::Result<()> {
    let columns = sealed_columns();
    let tenants = every_tenant_id(runtime).await?;
    let Some(keys) = rotation::platform_keys(runtime).await? else { bail!("the platform has no key yet") };
    print_line(&format!(
        "platform: {}; wrapped by {}",
        numbers(&keys),
        rotation::wrapped_by(runtime).await?.join(", ")
    ));
    print_standings(&reseal::platform_standing(runtime, &columns, &tenants).await?);
    for ctx in every_tenant(runtime, "secrets").await? {
        let mut tx = ctx.begin_read().await?;
        let keys = rotation::tenant_keys(&mut tx).await?;
        tx.rollback().await?;
        print_line(&format!("{}: {}", ctx.tenant(), numbers(&keys)));
        print_standings(&reseal::tenant_standing(&ctx, &columns).await?);
    }
    Ok(())
}

fn numbers(keys: &KeysThere) -> String {
    let retired: Vec<_> = keys.retired.iter().map(u32::to_string).collect();
    if retired.is_empty() {
        format!("key {}", keys.newest)
    } else {
        format!("key {}, retired {}", keys.newest, retired.join(", "))
    }
}

fn print_standings(standings: &[Standing]) {
    for standing in standings {
        let (table, column) = standing.column;
        print_line(&format!(
            "  {table}.{column}: {} values, {} under an older key",
            standing.values, standing.behind
        ));
    }
}
