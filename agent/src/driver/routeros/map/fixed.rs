//! A subscriber on a fixed address: an entry on the address list while cut, a simple queue for speed.

use super::super::parse;
use super::super::tables::{ListEntry, Queue, Tables, queue_target};
use super::{carries_marker, empty, field};
use crate::desired::{Status, bare_address};
use crate::driver::{ObservedRow, RouterosOptions, RowStatus, Want};

/// Names in `pending` of a fixed address, shared with the writer.
pub(in super::super) struct FixedWrite;

impl FixedWrite {
    /// Put the address on the cut list.
    pub(in super::super) const LIST: &'static str = "address-list.address";
    /// Take an address off the cut list.
    pub(in super::super) const UNLIST: &'static str = "address-list.removed";
    /// Make or change the queue; the value is its rate.
    pub(in super::super) const QUEUE: &'static str = "queue.max-limit";
    /// Enable the queue.
    pub(in super::super) const QUEUE_ON: &'static str = "queue.disabled";
    /// Remove our queue of this name.
    pub(in super::super) const UNQUEUE: &'static str = "queue.removed";
}

pub(super) fn observe(want: &Want, address: &str, tables: &Tables, options: &RouterosOptions) -> ObservedRow {
    let list = &options.cut_address_list;
    let here: Vec<&ListEntry> =
        tables.lists.get(address).into_iter().flatten().filter(|entry| entry.list == *list).collect();
    let is_cut = here.iter().any(|entry| !entry.disabled);
    // Ours under an address that is no longer this subscriber's: it would cut the next holder.
    let left_over: Vec<&ListEntry> = tables
        .lists
        .values()
        .flatten()
        .filter(|entry| entry.list == *list && carries_marker(&entry.comment, &want.point))
        .filter(|entry| bare_address(&entry.address) != address)
        .collect();
    let queue = own_queue(want, address, tables);
    let mut row = ObservedRow {
        speed: queue.filter(|queue| !queue.disabled).and_then(|queue| queue.speed),
        ..empty(if is_cut { RowStatus::Suspended } else { RowStatus::Active })
    };
    row.fields = fields(address, is_cut, queue);
    row.pending.extend(left_over.iter().map(|entry| field(FixedWrite::UNLIST, &entry.address)));
    match want.status {
        Status::Active => {
            row.pending.extend(here.iter().map(|entry| field(FixedWrite::UNLIST, &entry.address)));
            row.pending.dedup();
            row.pending.extend(queue_pending(want, address, queue));
        }
        Status::Suspended if !is_cut => match pool_of(address, tables) {
            Some(pool) => {
                row.blocked =
                    Some(format!("{address} belongs to pool {pool}: the list would cut its next holder"));
            }
            None => row.pending.push(field(FixedWrite::LIST, address)),
        },
        Status::Suspended => {}
        Status::Terminated => terminated(&mut row, want, address, &here, queue, tables),
    }
    row
}

/// The end of a subscriber is no end of their address: most routers forward what nothing forbids, so it stays cut until
/// it is free. It is let go at once when it has a next holder, who would be cut by it: somebody who has not ended, or, of
/// a pool, whoever comes.
fn terminated(
    row: &mut ObservedRow,
    want: &Want,
    address: &str,
    here: &[&ListEntry],
    queue: Option<&Queue>,
    tables: &Tables,
) {
    let is_let_go =
        want.taken || want.in_use || want.point.address_free || pool_of(address, tables).is_some();
    if !is_let_go && row.status != RowStatus::Suspended {
        row.pending.push(field(FixedWrite::LIST, address));
    }
    // Another point of this device has the very address by now: what stands on the list for it is theirs.
    if is_let_go && !want.taken {
        let ours = here.iter().filter(|entry| carries_marker(&entry.comment, &want.point));
        row.pending.extend(ours.map(|entry| field(FixedWrite::UNLIST, &entry.address)));
    }
    let our_queue = queue.filter(|queue| carries_marker(&queue.comment, &want.point));
    row.pending.extend(our_queue.map(|queue| field(FixedWrite::UNQUEUE, &queue.name)));
    if is_let_go && row.pending.is_empty() {
        row.status = RowStatus::Absent;
    }
}

/// The pool that gives this address to whoever comes.
fn pool_of<'a>(address: &str, tables: &'a Tables) -> Option<&'a str> {
    let pool = tables.pools.iter().find(|(_, ranges)| parse::in_ranges(address, ranges));
    pool.map(|(pool, _)| pool.as_str())
}

fn fields(address: &str, is_cut: bool, queue: Option<&Queue>) -> Vec<(String, String)> {
    let mut fields = vec![field("address", address), field("cut", if is_cut { "yes" } else { "no" })];
    if let Some(queue) = queue {
        fields.push(field("queue.name", &queue.name));
        fields.push(field("queue.max-limit", &queue.max_limit));
        fields.push(field("queue.disabled", if queue.disabled { "yes" } else { "no" }));
    }
    fields
}

/// The queue that carries our marker, or else a static one for exactly this address. A copy of it carries the marker
/// too: then the one of the address is meant.
fn own_queue<'a>(want: &Want, address: &str, tables: &'a Tables) -> Option<&'a Queue> {
    let here = || tables.queues.get(address).into_iter().flatten().filter(|queue| !queue.dynamic);
    let is_marked = |queue: &&Queue| carries_marker(&queue.comment, &want.point);
    let elsewhere = || tables.queues.values().flatten().filter(|queue| !queue.dynamic);
    here().find(is_marked).or_else(|| elsewhere().find(is_marked)).or_else(|| here().next())
}

fn queue_pending(want: &Want, address: &str, queue: Option<&Queue>) -> Vec<(String, String)> {
    let Some(speed) = want.point.speed else { return Vec::new() };
    let mut pending = Vec::new();
    let at_home = queue.is_some_and(|queue| bare_address(&queue.target) == address);
    if queue.and_then(|queue| queue.speed) != Some(speed) || !at_home {
        pending.push(field(FixedWrite::QUEUE, parse::rate(speed)));
    }
    if queue.is_some_and(|queue| queue.disabled) {
        pending.push(field(FixedWrite::QUEUE_ON, "no"));
    }
    if !at_home && queue.is_some() {
        pending.push(field("queue.target", queue_target(address)));
    }
    pending
}
