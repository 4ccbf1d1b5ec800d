use super::{Owner, open, print_line};
use crate::{
    backup,
    config::{Config, host_fingerprint},
};
use anyhow::{Context, bail};
use atalaya_kernel::{
    Principal,
    archive::{self, Imported},
    audit::{self, Entry},
    db::Db,
    events::EntityRef,
    installation, migrations,
    runtime::Runtime,
    write_tx,
};
use atalaya_network::provisioning;
use atalaya_people::tenancy;
use clap::Args;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Folder for the copy, instead of the configured one.
    #[arg(long)]
    to: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self, mut config: Config) -> anyhow::Result<()> {
        config.backup.folder = self.to.or(config.backup.folder);
        let runtime = open(&config, &[]).await?;
        let status = migrations::status(runtime.db()).await?;
        if !status.pending.is_empty() {
            bail!(
                "the schema is behind this program: run `atalaya migrate`, or copy with the program that serves"
            );
        }
        let made = backup::make(&runtime, &config).await?;
        print_line(&format!(
            "{}: {} bytes, {} rows, {} files; a restore of it was rehearsed and holds the same",
            made.path.display(),
            made.saved.bytes,
            made.saved.totals.rows(),
            made.saved.totals.blobs
        ));
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The copy.
    file: PathBuf,
    /// Only tries it in a database that is thrown away again.
    #[arg(long)]
    check: bool,
}

impl Restore {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let runtime = open(config, &[]).await?;
        if self.check {
            let imported = archive::rehearse(&runtime, self.file, &std::env::temp_dir()).await?;
            print_line(&format!("good: {}", described(&imported)));
            return Ok(());
        }
        let owner = Owner::open(config, &runtime).await?;
        let imported = archive::load(&runtime, owner.db(), owner.serving(), &*runtime.blobs, self.file)
            .await
            .context("nothing was restored")?;
        owner.close().await;
        after_restore(&runtime, config, &imported).await?;
        print_line(&format!("restored: {}", described(&imported)));
        print_line(
            "every cut waits for a person now: register what was paid since, then release the held cuts",
        );
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Move {
    /// URL of the database that is left.
    #[arg(long)]
    from: String,
    /// URL of an empty database of either kind.
    #[arg(long)]
    to: String,
    /// The same as the role that owns its tables, where `--to` names the one that serves.
    #[arg(long)]
    to_owner: Option<String>,
}

impl Move {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let from = Db::open(&self.from).await.context("cannot open the database that is left")?;
        let owner = self.to_owner.as_ref().unwrap_or(&self.to);
        let to = Db::open(owner).await.context("cannot open the new database")?;
        let serving = Db::role(&self.to)?.filter(|_| *owner != self.to);
        let clock = atalaya_kernel::time::SystemClock;
        let now = atalaya_kernel::time::Clock::now(&clock);
        let mut tx = atalaya_kernel::db::PlatformDb::new(from.clone()).begin_read().await?;
        let tenants = tenancy::tenant_ids(&mut tx).await?;
        tx.rollback().await?;
        let moved = archive::transfer(&from, &tenants, &to, serving.as_deref(), now)
            .await
            .context("nothing was moved")?;
        // Two control planes on two databases would contradict each other at the agents.
        installation::disarm(&from, now).await?;
        for (table, total) in &moved.totals.tables {
            print_line(&format!("{table}: {} rows, {:032x}", total.rows, total.digest));
        }
        print_line(&format!("moved and read back: {}", described(&moved)));
        print_line("name the new database in the configuration; files and metrics stay in the data folder");
        Ok(())
    }
}

fn described(imported: &Imported) -> String {
    format!(
        "{} rows of {} tables and {} files, as they were at {} (schema {:04}, atalaya {})",
        imported.totals.rows(),
        imported.totals.tables.len(),
        imported.totals.blobs,
        imported.head.taken_at,
        imported.head.schema,
        imported.head.program
    )
}

/// What a restored database must know before anybody acts on it: that it is older than the world.
async fn after_restore(runtime: &Arc<Runtime>, config: &Config, imported: &Imported) -> anyhow::Result<()> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    let id = audit::command_id();
    write_tx!(platform, tx => {
        let entry = Entry::new("installation.restore", EntityRef::new("schema", imported.head.schema))
            .after(&json!({"taken_at": imported.head.taken_at, "rows": imported.totals.rows()}))?;
        audit::record_platform(&mut tx, &Principal::CommandLine, &id, now, entry).await
    })?;
    for ctx in crate::worker::every_tenant(runtime, "restore").await? {
        provisioning::timeline_raise(&ctx).await?;
    }
    let installation = installation::open(runtime, config.environment, &host_fingerprint()).await?;
    if installation.safe_mode {
        print_line(
            "this is another machine or environment: it starts in safe mode until `atalaya admin arm`",
        );
    }
    Ok(())
}
