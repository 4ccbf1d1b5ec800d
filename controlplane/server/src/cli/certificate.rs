use super::{admin::explained, open_migrated, print_line};
use crate::config::Config;
use atalaya_kernel::{Principal, acme, audit::command_id, write_tx};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Certificate {
    /// Lists those that the installation orders from a public authority, one JSON object a line: until when each is valid, and
    /// why the last order failed.
    List,
    /// Has those whose last order failed ordered again within seconds, when what was wrong has been mended.
    Retry,
}

impl Certificate {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let runtime = open_migrated(config).await?;
        let (platform, now) = (runtime.platform(), runtime.clock.now());
        match self {
            Self::List => {
                let mut tx = platform.begin_read().await?;
                for certificate in acme::list(&mut tx, now).await? {
                    print_line(&serde_json::to_string(&certificate)?);
                }
                tx.rollback().await?;
            }
            Self::Retry => {
                let id = command_id();
                let again = write_tx!(platform, tx => { acme::retry(&mut tx, &Principal::CommandLine, &id, now).await });
                for names in again.map_err(explained)? {
                    print_line(&names);
                }
            }
        }
        runtime.db().close().await;
        Ok(())
    }
}
