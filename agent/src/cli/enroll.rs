//! `enroll`: this machine becomes an agent.

use std::sync::Arc;

use anyhow::Context;
use atalaya_pki::{JoinString, validity};

use crate::app::BuildTime;
use crate::config::{Local, SealingKey};
use crate::enrol::{self, IdentityStore};

#[derive(Debug, clap::Args)]
pub(super) struct Enroll {
    /// The join string that headquarters printed; the same one may be said again after a failure
    #[arg(long, env = "ATALAYA_JOIN", hide_env_values = true, value_name = "STRING")]
    join: String,
}

impl Enroll {
    pub(super) async fn run(self, local: &Local) -> anyhow::Result<u8> {
        let mut join = JoinString::decode(self.join.trim()).context("the join string")?;
        if !local.gateways.is_empty() {
            join.gateways.clone_from(&local.gateways);
        }
        let state_dir = &local.state_dir;
        std::fs::create_dir_all(state_dir)
            .with_context(|| format!("state directory {}", state_dir.display()))?;
        let store = IdentityStore::open(state_dir)?;
        SealingKey::load_or_create(&state_dir.join("identity"))?;
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let enrolled = enrol::enroll(&store, &join, hostname.trim(), Arc::new(BuildTime)).await?;
        println!("enrolled as {} of {}", enrolled.agent, enrolled.tenant);
        println!("state directory: {}", state_dir.display());
        let ends = validity(&enrolled.certificate())?.not_after;
        println!("certificate until Unix time {} (renewed by itself)", ends.as_secs());
        println!("start it: systemctl enable --now atalaya-agent");
        Ok(0)
    }
}
