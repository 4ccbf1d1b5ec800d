//! What is live follows what was written: stale sessions are dropped, connections of cut addresses removed.

use std::collections::{BTreeMap, HashMap};

use super::super::client::{CallError, Client, Command, Row, TrapClass};
use super::super::tables::narrowed;
use super::super::{parse, tables};
use super::Outcome;
use super::addresses::{connection_menu, newly_listed};
use super::batch::{self, ROWS_PER_COMMAND};
use crate::desired::{Access, span};
use crate::driver::{Change, SessionKey};

/// A print of connections is cut short when one of them vanishes meanwhile; so often it is tried.
const CONNECTION_TRIES: usize = 4;

pub(super) async fn settle(client: &Client, changes: &[Change], now_ms: i64) -> Vec<Outcome> {
    let mut outcomes = vec![Ok(()); changes.len()];
    let (sessions, connections) =
        futures::join!(drop_sessions(client, changes, now_ms), remove_connections(client, changes));
    for (at, error) in sessions.into_iter().chain(connections) {
        outcomes[at] = Err(error.into());
    }
    outcomes
}

type Failures = Vec<(usize, CallError)>;

/// The name under which the sessions of a change run: of the row as it was, should it have been renamed.
fn session_name(change: &Change) -> Option<&str> {
    let Access::Pppoe { user, .. } = &change.want.point.access else { return None };
    let as_it_was =
        change.row.fields.iter().find(|(name, _)| name == "name").map(|(_, value)| value.as_str());
    Some(as_it_was.unwrap_or(user))
}

async fn drop_sessions(client: &Client, changes: &[Change], now_ms: i64) -> Failures {
    let mut stale: BTreeMap<&str, Vec<(usize, &SessionKey)>> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let Some(name) = session_name(change) else { continue };
        for key in &change.row.stale {
            stale.entry(name).or_default().push((at, key));
        }
    }
    if stale.is_empty() {
        return Vec::new();
    }
    let everyone: Vec<usize> = stale.values().flatten().map(|(at, _)| *at).collect();
    let names: Vec<&str> = stale.keys().copied().collect();
    let columns = [".id", "name", "service", "caller-id", "uptime", "session-id"];
    let print = narrowed(Command::new("/ppp/active/print").columns(&columns), "name", &names);
    let rows = match client.call(&print).await {
        Ok(reply) => reply.rows,
        Err(error) => return everyone.into_iter().map(|at| (at, error.clone())).collect(),
    };
    let mut removals = Vec::new();
    for row in rows.iter().filter(|row| tables::is_pppoe(row.text("service"))) {
        let key = key(row, now_ms);
        // Exactly the sessions that were stale then: whoever has redialled since lives by the new settings.
        let of = stale.get(row.text("name")).into_iter().flatten().find(|(_, stale)| stale.is_same(&key));
        removals.extend(of.map(|(at, _)| (*at, row.text(".id").to_owned())));
    }
    remove(client, "/ppp/active/remove", removals).await
}

fn key(row: &Row, now_ms: i64) -> SessionKey {
    let uptime = parse::duration(row.text("uptime")).unwrap_or_default();
    SessionKey {
        id: row.text("session-id").to_owned(),
        caller_id: row.text("caller-id").to_owned(),
        since_ms: now_ms.saturating_sub(crate::clock::millis(uptime)),
    }
}

async fn remove_connections(client: &Client, changes: &[Change]) -> Failures {
    let mut by_menu: BTreeMap<&'static str, Walled<'_>> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        if let Some(address) = newly_listed(change) {
            by_menu.entry(connection_menu(address)).or_default().add(address, at);
        }
    }
    let mut failures = Vec::new();
    for (menu, walled) in by_menu {
        match connections(client, menu).await {
            Ok(rows) => {
                let end = |row: &Row, side: &str| walled.of(parse::host(row.text(side)));
                let removals = rows
                    .iter()
                    .filter_map(|row| {
                        let at = end(row, "src-address").or_else(|| end(row, "dst-address"))?;
                        Some((at, row.text(".id").to_owned()))
                    })
                    .collect();
                failures.extend(remove(client, &format!("{menu}/remove"), removals).await);
            }
            // Without a connection table there is nothing to remove.
            Err(error) if error.class() == Some(TrapClass::NoSuchCommand) => {}
            Err(error) => failures.extend(walled.changes().map(|at| (at, error.clone()))),
        }
    }
    failures
}

/// Addresses that were just put on the cut list, and the change (by position) of each.
#[derive(Default)]
struct Walled<'a> {
    hosts: HashMap<&'a str, usize>,
    /// First and last address of what is more than a host.
    prefixes: Vec<(u128, u128, usize)>,
}

impl<'a> Walled<'a> {
    fn add(&mut self, address: &'a str, change: usize) {
        match span(address) {
            Some((first, last)) if first != last => self.prefixes.push((first, last, change)),
            _ => {
                self.hosts.insert(address, change);
            }
        }
    }

    /// The change that walled this host.
    fn of(&self, host: &str) -> Option<usize> {
        let in_prefix = || {
            let (host, _) = span(host).filter(|_| !self.prefixes.is_empty())?;
            let mut prefixes = self.prefixes.iter();
            prefixes.find(|(first, last, _)| (*first..=*last).contains(&host)).map(|(_, _, change)| *change)
        };
        self.hosts.get(host).copied().or_else(in_prefix)
    }

    fn changes(&self) -> impl Iterator<Item = usize> {
        self.hosts.values().copied().chain(self.prefixes.iter().map(|(_, _, change)| *change))
    }
}

async fn connections(client: &Client, menu: &str) -> Result<Vec<Row>, CallError> {
    let print = Command::new(&format!("{menu}/print")).columns(&[".id", "src-address", "dst-address"]);
    let mut last = client.call(&print).await;
    for _ in 1..CONNECTION_TRIES {
        if !matches!(&last, Err(error) if error.class() == Some(TrapClass::Gone)) {
            break;
        }
        last = client.call(&print).await;
    }
    last.map(|reply| reply.rows)
}

/// Removes live rows in batches; a batch in which one vanished is repeated one by one, and gone is as wanted.
async fn remove(client: &Client, path: &str, rows: Vec<(usize, String)>) -> Failures {
    let command = Command::new(path);
    let mut failures = Vec::new();
    let mut todo = rows;
    for per_command in [ROWS_PER_COMMAND, 1] {
        let batches = batch::by_ids(&command, &todo, per_command);
        let chunks: Vec<Vec<(usize, String)>> = todo.chunks(per_command).map(<[_]>::to_vec).collect();
        let mut again = Vec::new();
        for (chunk, (of, outcome)) in chunks.into_iter().zip(batch::run(client, batches).await) {
            let Err(error) = outcome else { continue };
            match error.class() {
                Some(TrapClass::Gone) if per_command == 1 => {}
                Some(_) if per_command > 1 => again.extend(chunk),
                _ => failures.extend(of.into_iter().map(|at| (at, error.clone()))),
            }
        }
        todo = again;
    }
    failures
}
