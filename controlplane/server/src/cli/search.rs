use super::{
    admin::{explained, tenant_ctx},
    open_migrated, print_line,
};
use crate::{
    config::Config,
    worker::{every_tenant, search},
};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Search {
    /// Makes the index of the search anew from what it is an index of. People find and change things meanwhile; nothing else
    /// needs it, and it may be broken off and begun again.
    Rebuild(Rebuild),
}

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// Slug of a tenant; every tenant when absent.
    #[arg(long)]
    tenant: Option<String>,
}

impl Search {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Rebuild(rebuild) = self;
        let runtime = open_migrated(config).await?;
        let tenants = match &rebuild.tenant {
            Some(slug) => vec![tenant_ctx(&runtime, slug).await?],
            None => every_tenant(&runtime, "search").await?,
        };
        for ctx in tenants {
            let ctx = ctx.in_bulk();
            let rebuilt = search::rebuild(&ctx, None).await.map_err(explained)?;
            print_line(&format!(
                "{}: {} things can be found, {} that are gone were removed",
                ctx.tenant(),
                rebuilt.written,
                rebuilt.removed
            ));
        }
        runtime.db().close().await;
        Ok(())
    }
}
