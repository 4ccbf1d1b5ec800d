use super::{Owner, open, print_line};
use crate::config::Config;
use atalaya_kernel::{
    Principal,
    audit::{self, Entry},
    events::EntityRef,
    write_tx,
};
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only says what is missing; fails when something is.
    #[arg(long)]
    status: bool,
    /// Only lists the steps that would run.
    #[arg(long, conflicts_with = "status")]
    dry_run: bool,
}

impl Migrate {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let runtime = open(config, &[]).await?;
        let owner = Owner::open(config, &runtime).await?;
        let status = owner.status().await?;
        if self.status || self.dry_run {
            print_line(&format!("schema {:04}, {} to run", status.applied, status.pending.len()));
            for step in &status.pending {
                print_line(&format!("  {:04} {}", step.number, step.name));
            }
            for lack in &status.unprotected {
                print_line(&format!("  {}", lack.statement));
            }
            owner.close().await;
            anyhow::ensure!(
                self.dry_run || status.is_complete(),
                "the schema is behind: run `atalaya migrate`"
            );
            return Ok(());
        }
        let before = status.applied;
        let ran = owner.migrate(&runtime).await?;
        owner.close().await;
        if let Some(last) = ran.last() {
            let (platform, now) = (runtime.platform(), runtime.clock.now());
            let (id, after) = (audit::command_id(), last.number);
            write_tx!(platform, tx => {
                let entry = Entry::new("schema.migrate", EntityRef::new("schema", after))
                    .before(&json!({"schema": before}))?
                    .after(&json!({"schema": after}))?;
                audit::record_platform(&mut tx, &Principal::CommandLine, &id, now, entry).await
            })?;
        }
        for step in &ran {
            print_line(&format!("{:04} {}", step.number, step.name));
        }
        print_line(if ran.is_empty() { "nothing to do" } else { "done" });
        Ok(())
    }
}
