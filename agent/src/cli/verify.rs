//! `verify DEVICE`: does this router behave as our driver believes routers behave?

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;

use super::{Bench, label};
use crate::config::Local;
use crate::enforcer::verify_router;

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// Its id (dev_…) or its name
    device: String,
    /// Also write the transcript to this file
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// You own this router, or its owner allows that a test subscriber is made and removed on it
    #[arg(long)]
    i_may_change_this_router: bool,
}

impl Verify {
    pub(super) async fn run(self, local: &Local) -> anyhow::Result<u8> {
        let bench = Bench::open(local)?;
        let device = bench.device(&self.device)?;
        let target = device.driver.target();
        anyhow::ensure!(
            target.kind == "routeros",
            "{} is of kind {}; verify is for routeros",
            label(target),
            target.kind
        );
        anyhow::ensure!(
            self.i_may_change_this_router,
            "this makes a PPP secret `atalaya-test` on {}, cuts it, reconnects it and removes it; \
             say --i-may-change-this-router",
            label(target)
        );
        let (transcript, outcome) = verify_router(target.clone(), bench.resources.clock.clone()).await;
        for line in &transcript {
            println!("{line}");
        }
        if let Some(path) = &self.transcript {
            let mut file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
            for line in &transcript {
                writeln!(file, "{line}")?;
            }
        }
        match outcome {
            Ok(()) => Ok(0),
            Err(error) => {
                println!("FAILED   {error}");
                Ok(1)
            }
        }
    }
}
