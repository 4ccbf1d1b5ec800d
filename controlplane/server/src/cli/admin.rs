use super::{open_migrated, print_line, secrets::as_command_line};
use crate::{
    config::{Config, host_fingerprint},
    worker::every_tenant,
};
use anyhow::{Context, bail};
use atalaya_kernel::{
    Ctx, Permissions, Principal, Scope,
    audit::{self, AuditFilter},
    installation,
    money::Currency,
    runtime::Runtime,
    secrets::SecretText,
    time::TimeZone,
};
use atalaya_people::{
    identity::{self, NewUser, Role},
    messaging,
    tenancy::{self, NewTenant},
};
use clap::{Args, Subcommand};
use std::{io::Read, sync::Arc};

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Tenants of the installation.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Staff of a tenant.
    #[command(subcommand)]
    User(UserCommand),
    /// Sets a user's password, read from standard input.
    Password(UserName),
    /// Lets a restored copy act from this machine on: until then nothing leaves it.
    Arm,
    /// Shows who did what to the installation itself, newest first, one JSON object a line.
    Audit {
        /// Rows at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
        limit: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Makes a tenant.
    Create(TenantCreate),
    /// Lists the tenants.
    List,
}

#[derive(Debug, Args)]
pub(super) struct TenantCreate {
    /// Short name in host names: lower-case letters, digits, hyphens.
    #[arg(long)]
    slug: String,
    /// Name.
    #[arg(long)]
    name: String,
    /// ISO 3166 code, such as PE.
    #[arg(long)]
    country: String,
    /// ISO 4217 code, such as PEN.
    #[arg(long)]
    currency: Currency,
    /// IANA zone, such as America/Lima.
    #[arg(long)]
    time_zone: TimeZone,
    /// es-419, en or pt-BR.
    #[arg(long, default_value = "es-419")]
    locale: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Makes a user; the password is read from standard input.
    Create(UserCreate),
}

#[derive(Debug, Args)]
pub(super) struct UserCreate {
    #[command(flatten)]
    user: UserName,
    /// Name.
    #[arg(long)]
    name: String,
    /// owner, admin, billing_clerk, cashier, noc_operator, technician, support, partner or read_only.
    #[arg(long, default_value = "owner")]
    role: Role,
}

#[derive(Debug, Args)]
pub(super) struct UserName {
    /// Slug of the tenant.
    #[arg(long)]
    tenant: String,
    /// E-mail.
    #[arg(long)]
    email: String,
}

impl Admin {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let runtime = open_migrated(config).await?;
        match self {
            Self::Tenant(TenantCommand::Create(new)) => {
                let new = NewTenant {
                    slug: new.slug,
                    name: new.name,
                    country: new.country,
                    currency: new.currency,
                    time_zone: new.time_zone,
                    locale: new.locale,
                };
                let (_, tenant) = tenancy::tenant_create(&runtime, new).await.map_err(explained)?;
                print_line(tenant.id.as_str());
            }
            Self::Tenant(TenantCommand::List) => {
                let mut tx = runtime.platform().begin_read().await?;
                for tenant in tenancy::tenants_list(&mut tx).await? {
                    print_line(&format!("{}  {}  {}", tenant.id, tenant.slug, tenant.name));
                }
            }
            Self::User(UserCommand::Create(UserCreate { user, name, role })) => {
                let ctx = tenant_ctx(&runtime, &user.tenant).await?;
                let new = NewUser {
                    name,
                    email: user.email,
                    role: Some(role.into()),
                    roles: None,
                    scope: None,
                    password: Some(password_from_input()?),
                };
                let user = identity::user_create(&ctx, new).await.map_err(explained)?;
                print_line(user.id.as_str());
            }
            Self::Password(user) => {
                let ctx = tenant_ctx(&runtime, &user.tenant).await?;
                let found = identity::user_find(&ctx, &user.email).await.map_err(explained)?;
                identity::password_set(&ctx, &found.id, &password_from_input()?).await.map_err(explained)?;
                print_line("done");
            }
            Self::Arm => {
                let (environment, host) = (config.environment, host_fingerprint());
                let here = installation::open(&runtime, environment, &host).await.map_err(explained)?;
                if here.safe_mode {
                    // The original sends what waited when the copy was made.
                    for ctx in every_tenant(&runtime, "arm").await? {
                        messaging::hold_waiting(&as_command_line(&ctx)).await.map_err(explained)?;
                    }
                }
                installation::arm(&runtime, environment, &host).await.map_err(explained)?;
                print_line("armed: restart the control plane");
            }
            Self::Audit { limit } => {
                let filter = AuditFilter { limit, ..AuditFilter::default() };
                let mut tx = runtime.platform().begin_read().await?;
                for row in audit::list_platform(&mut tx, &filter).await? {
                    print_line(&serde_json::to_string(&row)?);
                }
            }
        }
        Ok(())
    }
}

/// A context of the command line in a tenant.
pub(super) async fn tenant_ctx(runtime: &Arc<Runtime>, slug: &str) -> anyhow::Result<Ctx> {
    let mut tx = runtime.platform().begin_read().await?;
    let tenant = tenancy::find_tenant(&mut tx, slug).await?;
    let tenant =
        tenant.with_context(|| format!("there is no tenant {slug}: see `atalaya admin tenant list`"))?;
    Ok(Ctx::new(
        runtime.tenant(tenant.id),
        Principal::CommandLine,
        Permissions::All,
        Scope::All,
        &audit::command_id(),
    ))
}

/// Passwords are never arguments: other users of the machine see those.
pub(super) fn password_from_input() -> anyhow::Result<SecretText> {
    let mut text = String::new();
    std::io::stdin()
        .take(1_024)
        .read_to_string(&mut text)
        .context("cannot read the password from standard input")?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("give the password on standard input, for example: printf %s \"$PASSWORD\" | atalaya admin …");
    }
    Ok(SecretText::new(password.to_owned()))
}

/// Names the wrong fields: a terminal has no problem document.
pub(super) fn explained(error: atalaya_kernel::Error) -> anyhow::Error {
    match &error {
        atalaya_kernel::Error::Invalid(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| format!("{}: {}", field.pointer.trim_start_matches('/'), field.detail))
                .collect();
            anyhow::anyhow!(fields.join("; "))
        }
        _ => error.into(),
    }
}
