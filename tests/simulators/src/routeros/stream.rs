//! Commands that go on until they are cancelled: `listen`, `monitor-traffic`, and the tools.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::command::{Command, Reply, Trap};
use super::router::{Caller, Router};
use super::server::Shared;
use super::session::{InFlight, Replies};
use super::store::RowId;
use super::tools;

/// How often a table is looked at for `listen`, wall time.
const LOOK: Duration = Duration::from_millis(50);
/// Between two rows of `monitor-traffic`, wall time.
const MONITOR: Duration = Duration::from_secs(1);

/// Whether a command streams. `monitor-traffic =once=` does so for one row.
pub(super) fn streams(command: &Command) -> bool {
    let monitors = command.menu == "/interface" && command.verb == "monitor-traffic";
    command.verb == "listen" || monitors || tools::is_tool(command)
}

/// Runs a streaming command to its end.
pub(super) async fn run(
    shared: &Shared,
    caller: &Caller,
    command: &Command,
    replies: &Replies,
    stop: &CancellationToken,
    in_flight: InFlight,
) {
    let streamed = async {
        let outcome = if command.verb == "listen" {
            listen(shared, caller, command, replies).await
        } else if tools::is_tool(command) {
            tools::run(shared, caller, command, replies).await
        } else {
            monitor(shared, caller, command, replies).await
        };
        if let Err(trap) = outcome {
            replies.send(&Reply::Trap(trap), None).await;
        }
        replies.send(&Reply::Done(None), Some(in_flight)).await;
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = streamed => {}
    }
}

/// Rows of a menu as they change; what is gone comes as `.dead=true`.
async fn listen(shared: &Shared, caller: &Caller, command: &Command, replies: &Replies) -> Result<(), Trap> {
    let mut seen = rows(&mut shared.router.lock(), caller, command)?;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = rows(&mut shared.router.lock(), caller, command)?;
        let changed = now.iter().filter(|(id, row)| seen.get(id) != Some(row)).map(|(_, row)| row.clone());
        let gone = seen
            .keys()
            .filter(|id| !now.contains_key(id))
            .map(|id| vec![(".id".to_owned(), id.to_string()), (".dead".to_owned(), "true".to_owned())]);
        for row in changed.chain(gone) {
            if !replies.send(&Reply::Re(row), None).await {
                return Ok(());
            }
        }
        seen = now;
    }
}

type Properties = Vec<(String, String)>;

fn rows(
    router: &mut Router,
    caller: &Caller,
    command: &Command,
) -> Result<BTreeMap<RowId, Properties>, Trap> {
    router.advance();
    if !router.allows(caller, "read") {
        return Err(Trap::new("not enough permissions (9)"));
    }
    let sensitive = router.allows(caller, "sensitive");
    let table = router.store.find(&command.menu).ok_or_else(|| Trap::new("no such command prefix"))?;
    let hidden = |name: &str| !sensitive && table.menu.attribute(name).is_some_and(|found| found.sensitive);
    Ok(table
        .rows()
        .map(|row| {
            let id = [(".id".to_owned(), row.id.to_string())];
            let stored = row.properties().filter(|(name, _)| !hidden(name));
            let stored = stored.map(|(name, value)| (name.to_owned(), value.to_owned()));
            (row.id, id.into_iter().chain(stored).collect())
        })
        .collect())
}

/// Rates of the named interfaces, each second or once.
async fn monitor(shared: &Shared, caller: &Caller, command: &Command, replies: &Replies) -> Result<(), Trap> {
    let names: Vec<String> =
        command.get("interface").unwrap_or_default().split(',').map(str::to_owned).collect();
    let mut before = Vec::new();
    loop {
        let mut now = Vec::new();
        {
            let mut router = shared.router.lock();
            if !router.allows(caller, "read") {
                return Err(Trap::new("not enough permissions (9)"));
            }
            for name in &names {
                let bytes = router
                    .interface_counters(name)
                    .ok_or_else(|| Trap::new("input does not match any value of interface"))?;
                now.push((bytes, shared.clock.now()));
            }
        }
        for (position, name) in names.iter().enumerate() {
            let Some(((rx, tx), at)) = now.get(position).copied() else { continue };
            let ((rx_before, tx_before), since) = before.get(position).copied().unwrap_or(((rx, tx), at));
            let elapsed_ms = u64::try_from(at.saturating_sub(since).as_millis()).unwrap_or(u64::MAX).max(1);
            let rate = |now: u64, before: u64| now.saturating_sub(before).saturating_mul(8_000) / elapsed_ms;
            let row = vec![
                ("name".to_owned(), name.clone()),
                ("rx-bits-per-second".to_owned(), rate(rx, rx_before).to_string()),
                ("tx-bits-per-second".to_owned(), rate(tx, tx_before).to_string()),
            ];
            // With `once` the first look has nothing to compare with: measured over a short while instead.
            if (!before.is_empty() || command.get("once").is_none())
                && !replies.send(&Reply::Re(row), None).await
            {
                return Ok(());
            }
        }
        if command.get("once").is_some() && !before.is_empty() {
            return Ok(());
        }
        before = now;
        tokio::time::sleep(if command.get("once").is_some() { LOOK } else { MONITOR }).await;
    }
}
