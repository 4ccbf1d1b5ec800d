use super::{Owner, open, print_line};
use crate::{
    backup::{self, CopyName, Place},
    config::{Config, host_fingerprint},
};
use anyhow::{Context, bail};
use atalaya_kernel::{
    Principal,
    archive::{self, FileCopy, Imported},
    audit::{self, Entry},
    db::Db,
    events::EntityRef,
    installation, migrations,
    runtime::Runtime,
    time::{Clock, SystemClock},
    write_tx,
};
use atalaya_network::provisioning;
use atalaya_people::tenancy;
use clap::Args;
use serde_json::json;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Folder for the copy, instead of the configured place; `s3:` is the store of `[backup.s3]`.
    #[arg(long)]
    to: Option<PathBuf>,
    /// Only lists the copies that lie there.
    #[arg(long)]
    list: bool,
}

impl Backup {
    pub(super) async fn run(self, mut config: Config) -> anyhow::Result<()> {
        match self.to {
            Some(to) if to == Path::new("s3:") => demand_store(&config)?,
            Some(to) => (config.backup.folder, config.backup.s3) = (Some(to), None),
            None => {}
        }
        if self.list {
            let place = config.backup_place(Arc::new(SystemClock))?;
            for found in backup::blocking(&place, |place| place.list()).await? {
                print_line(&format!("{}: {} bytes", place.shown(&found.name), found.bytes));
            }
            return Ok(());
        }
        let runtime = open(&config, &[]).await?;
        let place = config.backup_place(runtime.clock.clone())?;
        let status = migrations::status(runtime.db()).await?;
        if !status.pending.is_empty() {
            bail!(
                "the schema is behind this program: run `atalaya migrate`, or copy with the program that serves"
            );
        }
        let made = backup::make(&runtime, &place, config.backup.keep).await?;
        print_line(&format!(
            "{}: {} bytes, {} rows, {} files; a restore of it was rehearsed and holds the same",
            made.shown,
            made.saved.bytes,
            made.saved.totals.rows(),
            made.saved.totals.blobs
        ));
        Ok(())
    }
}

fn demand_store(config: &Config) -> anyhow::Result<()> {
    if config.backup.s3.is_none() {
        bail!("there is no [backup.s3] in the configuration: say there where the store is");
    }
    Ok(())
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The copy: a file, or `s3:NAME` or `s3:newest` of the store of `[backup.s3]`.
    #[arg(required_unless_present = "from")]
    copy: Option<String>,
    /// The same.
    #[arg(long, value_name = "COPY", conflicts_with = "copy")]
    from: Option<String>,
    /// Only tries it in a database that is thrown away again.
    #[arg(long)]
    check: bool,
}

/// A copy that is there, wherever it lies.
enum Source {
    File(PathBuf),
    In(Arc<dyn Place>, CopyName),
}

impl Source {
    async fn find(config: &Config, text: &str) -> anyhow::Result<Self> {
        let Some(rest) = text.strip_prefix("s3:") else { return Ok(Self::File(text.into())) };
        demand_store(config)?;
        let place = config.backup_place(Arc::new(SystemClock))?;
        if rest == "newest" {
            let mut copies = backup::blocking(&place, |place| place.list()).await?;
            let newest = copies.pop().context("there is no copy in the store of [backup.s3]")?;
            return Ok(Self::In(place, newest.name));
        }
        let name: CopyName = rest.rsplit('/').next().unwrap_or_default().parse()?;
        let shown = place.shown(&name);
        if rest.contains('/') && text != shown {
            bail!("{text} is in another store than [backup.s3] names: there it would be {shown}");
        }
        Ok(Self::In(place, name))
    }

    /// Its bytes; for a thread that may block.
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        match self {
            Self::File(path) => FileCopy::open(path),
            Self::In(place, name) => place.open(name),
        }
    }
}

impl Restore {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let copy = self.copy.or(self.from).context("name the copy")?;
        let source = Source::find(config, &copy).await?;
        let runtime = open(config, &[]).await?;
        if self.check {
            let imported = archive::rehearse(&runtime, move || source.open(), &std::env::temp_dir()).await?;
            print_line(&format!("good: {}", described(&imported)));
            return Ok(());
        }
        let owner = Owner::open(config, &runtime).await?;
        let opened = move || source.open();
        let imported = archive::load(&runtime, owner.db(), owner.serving(), &*runtime.blobs, opened)
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
        let now = SystemClock.now();
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
