//! Fixed addresses: entries of the cut list, our simple queues.

use std::collections::HashMap;

use super::super::client::{CallError, Client, Command, Row, TrapClass};
use super::super::map::{FixedWrite, carries_marker};
use super::super::tables::queue_target;
use super::Outcome;
use super::batch::{self, Batch, ROWS_PER_COMMAND};
use crate::desired::{Access, bare_address};
use crate::driver::{Change, RouterosOptions};

/// Writes the changes at `positions`.
pub(super) async fn write(
    client: &Client,
    changes: &[Change],
    positions: &[usize],
    options: &RouterosOptions,
    outcomes: &mut [Outcome],
) {
    if positions.is_empty() {
        return;
    }
    // v6 has menus of its own; a router without that package refuses its own commands alone.
    for v6 in [false, true] {
        let of_family: Vec<usize> =
            positions.iter().copied().filter(|at| address(&changes[*at]).contains(':') == v6).collect();
        if of_family.is_empty() {
            continue;
        }
        if let Err(error) = entries(client, changes, &of_family, options, v6, outcomes).await {
            fail(&of_family, &error, outcomes);
        }
    }
    if let Err(error) = queues(client, changes, positions, outcomes).await {
        fail(positions, &error, outcomes);
    }
}

/// IPv6 prefixes of PPPoE subscribers at `positions`: a cut profile walls the IPv4 address alone.
pub(super) async fn prefixes(
    client: &Client,
    changes: &[Change],
    positions: &[usize],
    options: &RouterosOptions,
    outcomes: &mut [Outcome],
) {
    let todo: Vec<usize> =
        positions.iter().copied().filter(|at| outcomes[*at].is_ok() && touches_list(&changes[*at])).collect();
    if let Err(error) = entries(client, changes, &todo, options, true, outcomes).await {
        fail(&todo, &error, outcomes);
    }
}

fn touches_list(change: &Change) -> bool {
    pending(change, FixedWrite::LIST).chain(pending(change, FixedWrite::UNLIST)).next().is_some()
}

fn fail(positions: &[usize], error: &CallError, outcomes: &mut [Outcome]) {
    for at in positions {
        if outcomes[*at].is_ok() {
            outcomes[*at] = Err(error.clone().into());
        }
    }
}

fn address(change: &Change) -> &str {
    match &change.want.point.access {
        Access::Static { address } => address,
        Access::Pppoe { .. } | Access::Unsupported { .. } => "",
    }
}

fn pending<'a>(change: &'a Change, wanted: &'a str) -> impl Iterator<Item = &'a str> {
    change.row.pending.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

async fn entries(
    client: &Client,
    changes: &[Change],
    positions: &[usize],
    options: &RouterosOptions,
    v6: bool,
    outcomes: &mut [Outcome],
) -> Result<(), CallError> {
    let menu = if v6 { "/ipv6/firewall/address-list" } else { "/ip/firewall/address-list" };
    let touched: Vec<usize> = positions.iter().copied().filter(|at| touches_list(&changes[*at])).collect();
    if touched.is_empty() {
        return Ok(());
    }
    let command = Command::new(&format!("{menu}/print"))
        .columns(&[".id", "address", "disabled"])
        .any_of("list", [options.cut_address_list.as_str()]);
    let mut ids: HashMap<String, Vec<Row>> = HashMap::new();
    for row in client.call(&command).await?.rows {
        ids.entry(bare_address(row.text("address")).to_owned()).or_default().push(row);
    }
    let mut batches = Vec::new();
    let mut removals = Vec::new();
    for at in touched {
        let change = &changes[at];
        for address in pending(change, FixedWrite::UNLIST) {
            let rows = ids.get(bare_address(address)).into_iter().flatten();
            removals.extend(rows.map(|row| (at, row.text(".id").to_owned())));
        }
        for address in pending(change, FixedWrite::LIST) {
            let there = ids.get(bare_address(address)).and_then(|rows| rows.first());
            let command = match there {
                Some(row) => {
                    Command::new(&format!("{menu}/set")).with(".id", row.text(".id")).with("disabled", "no")
                }
                None => Command::new(&format!("{menu}/add"))
                    .with("list", &options.cut_address_list)
                    .with("address", address)
                    .with("comment", &change.want.point.marker),
            };
            batches.push(Batch { command, changes: vec![at] });
        }
    }
    let remove = Command::new(&format!("{menu}/remove"));
    for (of, outcome) in batch::run(client, batches).await {
        match outcome.map_err(|error| (error.class(), error)) {
            // Someone was faster.
            Ok(_) | Err((Some(TrapClass::Conflict), _)) => {}
            Err((_, error)) => fail(&of, &error, outcomes),
        }
    }
    remove_rows(client, &remove, removals, outcomes).await;
    Ok(())
}

/// Removes rows; what is gone already is as wanted.
async fn remove_rows(
    client: &Client,
    remove: &Command,
    rows: Vec<(usize, String)>,
    outcomes: &mut [Outcome],
) {
    let mut todo = rows;
    for per_command in [ROWS_PER_COMMAND, 1] {
        if todo.is_empty() {
            return;
        }
        let mut again = Vec::new();
        for (of, outcome) in batch::run(client, batch::by_ids(remove, &todo, per_command)).await {
            let Err(error) = outcome else { continue };
            match error.class() {
                Some(TrapClass::Gone) if of.len() == 1 => {}
                Some(_) if of.len() > 1 => {
                    again.extend(todo.iter().filter(|(at, _)| of.contains(at)).cloned());
                }
                _ => fail(&of, &error, outcomes),
            }
        }
        todo = again;
    }
}

async fn queues(
    client: &Client,
    changes: &[Change],
    positions: &[usize],
    outcomes: &mut [Outcome],
) -> Result<(), CallError> {
    let touched: Vec<usize> = positions
        .iter()
        .copied()
        .filter(|at| changes[*at].row.pending.iter().any(|(name, _)| name.starts_with("queue.")))
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let print = Command::new("/queue/simple/print")
        .columns(&[".id", "name", "target", "comment"])
        .query("?dynamic=true")
        .query("?#!");
    let rows = client.call(&print).await?.rows;
    let mut batches = Vec::new();
    let mut removals = Vec::new();
    for at in touched {
        let change = &changes[at];
        let point = &change.want.point;
        let is_marked = |row: &&Row| carries_marker(row.text("comment"), point);
        if let Some(name) = pending(change, FixedWrite::UNQUEUE).next() {
            // The one that was read, and no copy of it.
            let ours = rows.iter().find(|row| is_marked(row) && row.text("name") == name);
            removals.extend(ours.map(|row| (at, row.text(".id").to_owned())));
            continue;
        }
        let here = || rows.iter().filter(|row| bare_address(row.text("target")) == address(change));
        let found = here().find(is_marked).or_else(|| rows.iter().find(is_marked)).or_else(|| here().next());
        batches.push(Batch { command: queue_command(change, found), changes: vec![at] });
    }
    for (of, outcome) in batch::run(client, batches).await {
        if let Err(error) = outcome {
            fail(&of, &error, outcomes);
        }
    }
    remove_rows(client, &Command::new("/queue/simple/remove"), removals, outcomes).await;
    Ok(())
}

fn queue_command(change: &Change, found: Option<&Row>) -> Command {
    let start = match found {
        Some(row) => Command::new("/queue/simple/set").with(".id", row.text(".id")),
        None => Command::new("/queue/simple/add")
            .with("name", &change.want.point.marker)
            .with("comment", &change.want.point.marker)
            .with("target", &queue_target(address(change))),
    };
    change.row.pending.iter().fold(start, |command, (name, value)| match name.strip_prefix("queue.") {
        Some("target") if found.is_none() => command,
        Some(attribute @ ("max-limit" | "disabled" | "target")) => command.with(attribute, value),
        _ => command,
    })
}

/// Live connections of an address are removed by this, after it was put on the list.
pub(super) fn connection_menu(address: &str) -> &'static str {
    if address.contains(':') { "/ipv6/firewall/connection" } else { "/ip/firewall/connection" }
}

/// An address that a change has just put on the cut list.
pub(super) fn newly_listed(change: &Change) -> Option<&str> {
    pending(change, FixedWrite::LIST).next()
}
