use super::{
    admin::{explained, tenant_ctx},
    open_migrated, print_line,
};
use crate::{config::Config, worker::every_tenant};
use anyhow::{Context, bail};
use atalaya_kernel::{
    Ctx,
    audit::{self, ExportedHead, Fault, Verified},
    runtime::Runtime,
};
use clap::{Args, Subcommand};
use std::{fs, path::PathBuf, sync::Arc};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Walks the chains of the audit trails; fails and names the first bad row when one was changed, is missing or was cut
    /// off.
    Verify(Verify),
    /// Prints where the chains end, one JSON object a line: keep it elsewhere, and give it to `verify --head` later.
    Head(Which),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    which: Which,
    /// File of heads that were exported before: by `audit head`, the API, or the server into its data folder.
    #[arg(long)]
    head: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Slug of a tenant; the installation's own trail and every tenant's when absent.
    #[arg(long)]
    tenant: Option<String>,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let runtime = open_migrated(config).await?;
        match self {
            Self::Head(which) => which.print(&runtime).await,
            Self::Verify(verify) => verify.run(&runtime).await,
        }
    }
}

impl Which {
    /// The tenants asked for.
    async fn tenants(&self, runtime: &Arc<Runtime>) -> anyhow::Result<Vec<Ctx>> {
        Ok(match &self.tenant {
            Some(slug) => vec![tenant_ctx(runtime, slug).await?],
            None => every_tenant(runtime, "audit").await?,
        })
    }

    async fn print(&self, runtime: &Arc<Runtime>) -> anyhow::Result<()> {
        let mut heads = Vec::new();
        if self.tenant.is_none() {
            heads.push(audit::head_platform(&runtime.platform(), runtime.clock.now()).await?);
        }
        for ctx in self.tenants(runtime).await? {
            heads.push(audit::head(&ctx).await?);
        }
        for head in heads {
            print_line(&serde_json::to_string(&head)?);
        }
        Ok(())
    }
}

impl Verify {
    async fn run(&self, runtime: &Arc<Runtime>) -> anyhow::Result<()> {
        let exported = self.exported()?;
        let mut outcomes = Vec::new();
        if self.which.tenant.is_none() {
            let outcome = audit::verify_platform(&runtime.platform(), &exported).await?;
            outcomes.push((audit::PLATFORM.to_owned(), outcome));
        }
        for ctx in self.which.tenants(runtime).await? {
            outcomes.push((ctx.tenant().to_string(), audit::verify(&ctx, &exported).await?));
        }
        if let Some(head) = self.unknown(&exported, &outcomes) {
            bail!("the file has a head of {}, and there is no such trail: it was removed", head.trail);
        }
        let faults: Vec<_> = outcomes.iter().filter_map(|(trail, outcome)| said(trail, outcome)).collect();
        if faults.is_empty() { Ok(()) } else { bail!(faults.join("\n")) }
    }

    fn exported(&self) -> anyhow::Result<Vec<ExportedHead>> {
        let Some(file) = &self.head else { return Ok(Vec::new()) };
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        audit::heads_of(&text).map_err(explained).with_context(|| format!("{} is damaged", file.display()))
    }

    /// A head of a trail that is not there, when all were asked for.
    fn unknown<'h, T>(
        &self,
        exported: &'h [ExportedHead],
        outcomes: &[(String, T)],
    ) -> Option<&'h ExportedHead> {
        let is_known = |head: &&ExportedHead| outcomes.iter().all(|(trail, _)| *trail != head.trail);
        if self.which.tenant.is_some() { None } else { exported.iter().find(is_known) }
    }
}

/// Prints what holds; what does not is the answer.
fn said(trail: &str, outcome: &Result<Verified, Fault>) -> Option<String> {
    match outcome {
        Ok(Verified { rows, erased, unsealed }) => {
            print_line(&format!(
                "{trail}: {rows} rows hold, {erased} of them erased in part; {unsealed} not sealed yet"
            ));
            None
        }
        Err(fault) => Some(format!("{trail}: {fault}")),
    }
}
