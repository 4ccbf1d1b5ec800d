//! Tools that stream: `/ping` and `/tool/traceroute`.
//!
//! Who answers: a subscriber with a session, at once; the host on the Internet, behind one more hop; this machine's own
//! loopback. Everybody else is silent. Walls are no obstacle: the router itself asks.

use std::net::IpAddr;
use std::time::Duration;

use super::command::{Command, Reply, Trap};
use super::firewall::INTERNET_HOST;
use super::router::{Caller, Router};
use super::server::Shared;
use super::session::Replies;

/// Echo requests and rounds where the command does not say.
const DEFAULT_COUNT: u32 = 4;
/// The hop between the router and the Internet, as traceroute shows it.
const UPSTREAM: &str = "198.51.100.1";

/// Whether a command is one of these tools.
pub(super) fn is_tool(command: &Command) -> bool {
    matches!(path(command), Some("ping" | "traceroute"))
}

/// `/ping` stands at the root and, as every tool, below `/tool`.
fn path(command: &Command) -> Option<&str> {
    match (command.menu.as_str(), command.verb.as_str()) {
        ("" | "/tool", "ping") => Some("ping"),
        ("/tool", "traceroute") => Some("traceroute"),
        _ => None,
    }
}

/// Runs a tool to its end.
pub(super) async fn run(
    shared: &Shared,
    caller: &Caller,
    command: &Command,
    replies: &Replies,
) -> Result<(), Trap> {
    let tool = path(command).unwrap_or_default();
    let (target, count, interval) = {
        let mut router = shared.router.lock();
        router.advance();
        if !router.allows(caller, "test") {
            return Err(Trap::new("not enough permissions (9)"));
        }
        *router.counters.tools.entry(tool.to_owned()).or_default() += 1;
        let interval = Duration::from_millis(router.config.echo_interval_ms);
        (address(command)?, number(command, "count", DEFAULT_COUNT)?, interval)
    };
    let size = number(command, "size", 56)?;
    let mut tally = Tally::default();
    for round in 0..count {
        if round > 0 {
            tokio::time::sleep(interval).await;
        }
        let answers = answers(&mut shared.router.lock(), target);
        tally.count(answers);
        let rows = if tool == "ping" {
            vec![echo(round, target, size, answers, &tally)]
        } else {
            trace(round, target, answers, &tally)
        };
        for row in rows {
            if !replies.send(&Reply::Re(row), None).await {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn address(command: &Command) -> Result<IpAddr, Trap> {
    let text = command.get("address").ok_or_else(|| Trap::new("missing value(s) of argument(s) address"))?;
    text.parse().map_err(|_| Trap::new("invalid value for argument address"))
}

fn number(command: &Command, name: &str, default: u32) -> Result<u32, Trap> {
    let Some(text) = command.get(name) else { return Ok(default) };
    text.parse().map_err(|_| Trap::categorised(1, format!("invalid value for argument {name}")))
}

fn answers(router: &mut Router, target: IpAddr) -> bool {
    router.advance();
    let now = router.clock.now();
    let IpAddr::V4(address) = target else { return target.is_loopback() };
    let held = |state: super::cpe::CpeState| state.powered && state.address == Some(address);
    address == INTERNET_HOST
        || address.is_loopback()
        || (0..router.cpes.len()).filter_map(|index| router.cpe_state(index, now)).any(held)
}

/// What was asked and what came back so far.
#[derive(Default)]
struct Tally {
    sent: u32,
    received: u32,
}

impl Tally {
    fn count(&mut self, answered: bool) {
        self.sent += 1;
        self.received += u32::from(answered);
    }

    fn loss(&self) -> String {
        ((self.sent - self.received) * 100 / self.sent.max(1)).to_string()
    }
}

type Properties = Vec<(String, String)>;

fn echo(sequence: u32, target: IpAddr, size: u32, answered: bool, tally: &Tally) -> Properties {
    let mut row = vec![("seq".to_owned(), sequence.to_string()), ("host".to_owned(), target.to_string())];
    if answered {
        row.push(("size".to_owned(), size.to_string()));
        row.push(("ttl".to_owned(), "64".to_owned()));
        row.push(("time".to_owned(), format!("1ms{}us", 100 + sequence)));
    } else {
        row.push(("status".to_owned(), "timeout".to_owned()));
    }
    row.push(("sent".to_owned(), tally.sent.to_string()));
    row.push(("received".to_owned(), tally.received.to_string()));
    row.push(("packet-loss".to_owned(), tally.loss()));
    row
}

/// The table of a round. A target that is silent leaves one hop without a name.
fn trace(round: u32, target: IpAddr, answered: bool, tally: &Tally) -> Vec<Properties> {
    let sent = tally.sent.to_string();
    let hop = |address: &str, last: &str, loss: &str| {
        let mut row: Properties =
            vec![(".section".to_owned(), round.to_string()), ("address".to_owned(), address.to_owned())];
        row.push(("loss".to_owned(), format!("{loss}%")));
        row.push(("sent".to_owned(), sent.clone()));
        row.push(("last".to_owned(), last.to_owned()));
        if last != "timeout" {
            for name in ["avg", "best", "worst"] {
                row.push((name.to_owned(), last.trim_end_matches("ms").to_owned()));
            }
        }
        row
    };
    let last =
        if answered { hop(&target.to_string(), "2.4ms", &tally.loss()) } else { hop("", "timeout", "100") };
    if target == IpAddr::V4(INTERNET_HOST) || !answered {
        vec![hop(UPSTREAM, "1.2ms", "0"), last]
    } else {
        vec![last]
    }
}
