//! What [`RouterSim`] offers in its own process, as requests of the [control port](crate::control):
//! `{"op":"verdict","cpe":"sub0001"}`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cpe::CpeConfig;
use super::fault::Faults;
use super::inspect::RouterSim;

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Addresses and certificate: `{api, api_ssl, certificate}`.
    Hello,
    /// Counters, faults, open connections, every CPE, every row's digest.
    State,
    /// Rows of a menu.
    Rows {
        /// Path.
        menu: String,
    },
    /// Digest of every row, by menu and name.
    Digests,
    /// Every CPE.
    Cpes,
    /// One CPE's traffic verdict.
    Verdict {
        /// Its name.
        cpe: String,
    },
    /// One CPE's state.
    Cpe {
        /// Its name.
        cpe: String,
    },
    /// Adds a CPE.
    AddCpe {
        /// The CPE.
        cpe: CpeConfig,
    },
    /// Plugs a CPE in or out.
    Power {
        /// Its name.
        cpe: String,
        /// In or out.
        on: bool,
    },
    /// Sets all knobs; those left out are turned back.
    Faults {
        /// The knobs.
        faults: Faults,
    },
    /// Counters.
    Counters,
    /// Counts from zero again.
    ResetCounters,
    /// Interface counter values served.
    Served {
        /// First sequence number wanted.
        since: u64,
        /// Most entries.
        limit: usize,
    },
    /// Executes a command by hand; answers with the reply sentences.
    Operate {
        /// Words.
        words: Vec<String>,
    },
    /// Turns the router off and on.
    Reboot,
    /// Drops all API connections.
    DropConnections,
    /// Turns device time forward.
    Advance {
        /// Milliseconds.
        ms: u64,
    },
}

/// Answers one request.
///
/// # Errors
/// What is wrong with the request, in words.
pub fn answer(sim: &RouterSim, request: Request) -> Result<Value, String> {
    let unknown = || "no such CPE".to_owned();
    let done = |found: bool| if found { Ok(Value::Null) } else { Err(unknown()) };
    match request {
        Request::Hello => Ok(json!({
            "api": sim.address(),
            "api_ssl": sim.tls_address(),
            "certificate": sim.certificate_pem(),
        })),
        Request::State => Ok(json!({
            "counters": sim.counters(),
            "faults": sim.faults(),
            "open_connections": sim.open_connections(),
            "cpes": sim.cpes(),
            "digests": sim.digests(),
        })),
        Request::Rows { menu } => value(sim.rows(&menu).ok_or("no such menu")?),
        Request::Digests => value(sim.digests()),
        Request::Cpes => value(sim.cpes()),
        Request::Verdict { cpe } => value(sim.passes_traffic(&cpe).ok_or_else(unknown)?),
        Request::Cpe { cpe } => value(sim.cpe(&cpe).ok_or_else(unknown)?),
        Request::AddCpe { cpe } => {
            if sim.add_cpe(cpe) {
                Ok(Value::Null)
            } else {
                Err("name is taken".to_owned())
            }
        }
        Request::Power { cpe, on } => done(sim.set_powered(&cpe, on)),
        Request::Faults { faults } => {
            sim.update_faults(|knobs| *knobs = faults);
            Ok(Value::Null)
        }
        Request::Counters => value(sim.counters()),
        Request::ResetCounters => {
            sim.reset_counters();
            Ok(Value::Null)
        }
        Request::Served { since, limit } => value(sim.served(since, limit)),
        Request::Operate { words } => value(sim.operate(&words)),
        Request::Reboot => {
            sim.reboot();
            Ok(Value::Null)
        }
        Request::DropConnections => {
            sim.drop_connections();
            Ok(Value::Null)
        }
        Request::Advance { ms } => {
            sim.advance(Duration::from_millis(ms));
            Ok(Value::Null)
        }
    }
}

fn value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|error| error.to_string())
}
