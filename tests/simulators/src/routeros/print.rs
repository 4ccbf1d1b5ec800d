//! `print`: rows out of a table, with what is computed at the time of reading.

use std::borrow::Cow;
use std::time::Duration;

use super::command::{Command, Reply, Trap};
use super::config::CounterMode;
use super::router::{Caller, Router};
use super::store::{Row, RowId};
use super::value;

/// Flags of `print` that change nothing on the API.
const FLAGS: &[&str] = &["detail", "stats", "stats-detail", "without-paging", "terse", "bytes", "value-list"];

/// Executes `print` or `getall`.
pub(super) fn print(router: &mut Router, caller: &Caller, command: &Command) -> Result<Vec<Reply>, Trap> {
    let Some(table) = router.store.find(&command.menu) else {
        return Err(Trap::new("no such command prefix"));
    };
    let menu = table.menu;
    let query = command.query()?;
    let mut proplist: Option<Vec<&str>> = None;
    let mut count_only = false;
    let mut ids: Option<Vec<RowId>> = None;
    for (name, value) in &command.attributes {
        match name.as_str() {
            ".proplist" => proplist = Some(value.split(',').map(str::trim).collect()),
            "count-only" => count_only = true,
            ".id" | "from" | "numbers" => {
                ids = Some(value.split(',').filter_map(|id| id.parse().ok()).collect());
            }
            flag if FLAGS.contains(&flag) => {}
            _ => return Err(Trap::new("unknown parameter")),
        }
    }
    *router.counters.reads.entry(command.menu.clone()).or_default() += 1;

    let wanted = |row: &&Row| {
        ids.as_ref().is_none_or(|ids| ids.contains(&row.id))
            && query.matches(|name| stored_or_live(router, menu.path, row, name))
    };
    let rows: Vec<RowId> = match query.required(menu.key) {
        Some(key) => table.with_key(key).filter(wanted).map(|row| row.id).collect(),
        None => table.rows().filter(wanted).map(|row| row.id).collect(),
    };
    if count_only {
        return Ok(vec![Reply::Done(Some(rows.len().to_string()))]);
    }
    let sensitive = router.allows(caller, "sensitive");
    let path = menu.path;
    let mut replies = Vec::with_capacity(rows.len() + 1);
    for id in rows {
        refresh(router, path, id);
        replies.push(Reply::Re(properties(router, path, id, proplist.as_deref(), sensitive)));
    }
    if replies.is_empty() && router.config.version.says_empty() {
        replies.push(Reply::Empty);
    }
    replies.push(Reply::Done(None));
    Ok(replies)
}

/// The properties to send of one row; served interface counters are logged.
fn properties(
    router: &mut Router,
    path: &'static str,
    id: RowId,
    proplist: Option<&[&str]>,
    sensitive: bool,
) -> Vec<(String, String)> {
    let table = router.store.table(path);
    let menu = table.menu;
    let Some(row) = table.get(id) else { return Vec::new() };
    let hidden = |name: &str| !sensitive && menu.attribute(name).is_some_and(|attribute| attribute.sensitive);
    let names: Vec<&str> = match proplist {
        Some(names) => names.to_vec(),
        None => {
            let id = (!menu.single).then_some(".id");
            id.into_iter()
                .chain(row.properties().map(|(key, _)| key))
                .chain(menu.live.iter().copied())
                .collect()
        }
    };
    let mut properties: Vec<(String, String)> = names
        .into_iter()
        .filter(|name| !hidden(name))
        .filter_map(|name| Some((name.to_owned(), stored_or_live(router, path, row, name)?.into_owned())))
        .collect();
    if path == "/interface" {
        let (name, kind) = (row.text("name").to_owned(), row.text("type").to_owned());
        serve_counters(router, &name, &kind, &mut properties);
    }
    properties
}

/// Logs interface counters on their way out, and puts the serve count in their place where that is asked.
fn serve_counters(router: &mut Router, interface: &str, kind: &str, properties: &mut [(String, String)]) {
    let unix_ms = router.clock.wall_unix_ms();
    for (name, value) in
        properties.iter_mut().filter(|(name, _)| matches!(name.as_str(), "rx-byte" | "tx-byte"))
    {
        if router.config.counters == CounterMode::ServeCount && kind == "ether" {
            router.serve_count += 1;
            *value = router.serve_count.to_string();
        }
        if let Ok(value) = value.parse() {
            router.serve_log.record(interface, name, value, unix_ms);
        }
    }
}

/// Brings what is counted lazily up to now, for one row.
fn refresh(router: &mut Router, path: &'static str, id: RowId) {
    let now = router.clock.now();
    if let Some(index) = router.owner(path, id) {
        router.accrue(index, now);
    } else if path == "/interface"
        && router.store.table(path).get(id).is_some_and(|row| row.text("name") == "ether1")
    {
        // The uplink carries everyone.
        router.accrue_all(now);
    }
}

/// A property as stored, or as it is at this moment.
fn stored_or_live<'r>(router: &Router, path: &'static str, row: &'r Row, name: &str) -> Option<Cow<'r, str>> {
    if name == ".id" {
        return Some(Cow::Owned(row.id.to_string()));
    }
    if let Some(stored) = row.get(name) {
        return Some(Cow::Borrowed(stored));
    }
    live(router, path, row, name).map(Cow::Owned)
}

fn live(router: &Router, path: &'static str, row: &Row, name: &str) -> Option<String> {
    let now = router.clock.now();
    let uptime = now.saturating_sub(router.booted_at);
    let owner = router.owner(path, row.id).and_then(|index| router.cpes.get(index));
    match (path, name) {
        ("/ppp/active" | "/ip/hotspot/active", "uptime") => {
            let since = owner?.session.as_ref()?.since;
            Some(value::duration(now.saturating_sub(since)))
        }
        ("/system/resource", "uptime") => Some(value::duration(uptime)),
        ("/system/resource", "free-memory") => Some("3221225472".to_owned()),
        ("/system/resource", "cpu-load") => Some((uptime.as_secs() % 17 + 3).to_string()),
        ("/system/clock", "date") => Some(router.local_time().0),
        ("/system/clock", "time") => Some(router.local_time().1),
        ("/ip/dhcp-server/lease", "expires-after") => {
            (row.text("status") == "bound").then(|| "10m".to_owned())
        }
        ("/interface", "rx-byte" | "tx-byte" | "rx-packet" | "tx-packet") => {
            let bytes = interface_bytes(router, row, name.starts_with("rx"), uptime);
            // A packet of 1,000 bytes, on average.
            Some(if name.ends_with("packet") { bytes / 1_000 } else { bytes }.to_string())
        }
        ("/queue/simple", "bytes" | "rate") => {
            let (up, down) = match (owner, name) {
                (Some(cpe), "bytes") => (cpe.upload_bytes(), cpe.download_bytes()),
                (Some(cpe), _) => cpe.current_bps(),
                (None, _) => (0, 0),
            };
            Some(format!("{up}/{down}"))
        }
        _ => None,
    }
}

/// Bytes of an interface since boot: of its session, of everyone on the uplink, or of background traffic.
fn interface_bytes(router: &Router, row: &Row, received: bool, uptime: Duration) -> u64 {
    if let Some(cpe) = router.owner("/interface", row.id).and_then(|index| router.cpes.get(index)) {
        // What the router receives on a session's interface is what the customer uploads.
        return if received { cpe.upload_bytes() } else { cpe.download_bytes() };
    }
    if row.text("type") != "ether" || row.is("disabled") {
        return 0;
    }
    let uptime_ms = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
    let background = uptime_ms.saturating_mul(router.config.background_bps) / 8_000;
    if row.text("name") != "ether1" {
        return background;
    }
    let live = router.cpes.iter().fold(0_u64, |sum, cpe| {
        sum.saturating_add(if received { cpe.download_bytes() } else { cpe.upload_bytes() })
    });
    let gone = if received { router.gone_download_bits } else { router.gone_upload_bits } / 8;
    background.saturating_add(live).saturating_add(gone)
}

impl Router {
    /// Bytes received and sent on an interface, up to now.
    pub(super) fn interface_counters(&mut self, name: &str) -> Option<(u64, u64)> {
        let id = self.store.table("/interface").named(name)?.id;
        refresh(self, "/interface", id);
        let row = self.store.table("/interface").get(id)?;
        let uptime = self.clock.now().saturating_sub(self.booted_at);
        Some((interface_bytes(self, row, true, uptime), interface_bytes(self, row, false, uptime)))
    }
}
