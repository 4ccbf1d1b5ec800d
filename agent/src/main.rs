//! `atalaya-agent`: the daemon at a site. Parse, run, exit code; everything else is the library's.

use std::process::ExitCode;

use atalaya_agent::cli::{self, Cli};
use clap::Parser;

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // The terminal of a person, or the journal of the service manager.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("atalaya-agent: {error:#}");
            }
            ExitCode::from(2)
        }
    }
}
