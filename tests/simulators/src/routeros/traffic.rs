//! What gets through, and how much.
//!
//! Bytes are counted only for time in which traffic passed at the beginning *and* at the end, so that a wall
//! shows at once and a reconnection is never counted early.

use std::time::Duration;

use super::cpe::Cpe;
use super::firewall::{Family, INTERNET_HOST, INTERNET_HOST_V6, Probe, TrafficVerdict, View};
use super::router::Router;
use super::store::{RowId, Table};
use super::value;

impl Router {
    /// Would a packet of this customer pass, now? The oracle of every cut and reconnection.
    pub(super) fn verdict(&mut self, index: usize) -> TrafficVerdict {
        self.verdict_of(index, Family::V4)
            .unwrap_or_else(|| TrafficVerdict::NoSession { reason: "no such CPE".to_owned() })
    }

    /// The same over IPv6; `None` for a customer who has no address of it, or no session.
    pub(super) fn verdict_v6(&mut self, index: usize) -> Option<TrafficVerdict> {
        self.verdict_of(index, Family::V6)
    }

    fn verdict_of(&mut self, index: usize, family: Family) -> Option<TrafficVerdict> {
        let cpe = self.cpes.get(index)?;
        if !cpe.config.powered {
            let reason = "not powered".to_owned();
            return (family == Family::V4).then_some(TrafficVerdict::NoSession { reason });
        }
        if cpe.session.is_none() {
            let reason = cpe.refused.clone().unwrap_or_else(|| "not dialled yet".to_owned());
            return (family == Family::V4).then_some(TrafficVerdict::NoSession { reason });
        }
        let probe = probe(cpe, family)?;
        let connections = self.store.table(connections(family));
        let live = connection(cpe, family).and_then(|id| connections.get(id));
        let live = live.map(|row| row.is("fasttrack"));
        let views = self.views();
        let view = match family {
            Family::V4 => &views.v4,
            Family::V6 => &views.v6,
        };
        Some(view.judge(&probe, live))
    }

    /// Brings the byte counters of a CPE up to `now`, by the rules as they stand.
    pub(super) fn accrue(&mut self, index: usize, now: Duration) {
        if self.cpes.get(index).is_none_or(|cpe| cpe.session.is_none()) {
            return;
        }
        let (verdict, verdict_v6) = (self.verdict(index), self.verdict_v6(index));
        let Some(cpe) = self.cpes.get_mut(index) else { return };
        let (passing, passing_v6) = (rates(cpe, Some(&verdict)), rates(cpe, verdict_v6.as_ref()));
        let elapsed_ms = u64::try_from(now.saturating_sub(cpe.accrued_at).as_millis()).unwrap_or(u64::MAX);
        let grown = |bps: u64| bps.saturating_mul(elapsed_ms) / 1_000;
        if let (Some(before), Some(after)) = (cpe.passing, passing) {
            cpe.upload_bits = cpe.upload_bits.saturating_add(grown(before.0.min(after.0)));
            cpe.download_bits = cpe.download_bits.saturating_add(grown(before.1.min(after.1)));
        }
        if let (Some(before), Some(after)) = (cpe.passing_v6, passing_v6) {
            cpe.upload_bits_v6 = cpe.upload_bits_v6.saturating_add(grown(before.0.min(after.0)));
            cpe.download_bits_v6 = cpe.download_bits_v6.saturating_add(grown(before.1.min(after.1)));
        }
        (cpe.passing, cpe.passing_v6) = (passing, passing_v6);
        // Whole milliseconds only: the rest is counted next time.
        cpe.accrued_at = cpe.accrued_at.saturating_add(Duration::from_millis(elapsed_ms));
        let views = self.views();
        self.track_connection(index, Family::V4, &views.v4, passing.is_some());
        self.track_connection(index, Family::V6, &views.v6, passing_v6.is_some());
    }

    /// A customer whose traffic passes has a long-lived connection; it is what `established` rules see.
    fn track_connection(&mut self, index: usize, family: Family, view: &View, passes: bool) {
        let Some(cpe) = self.cpes.get_mut(index) else { return };
        let Some(probe) = probe(cpe, family) else { return };
        let table = self.store.table_mut(connections(family));
        let live = connection(cpe, family).filter(|id| table.get(*id).is_some());
        let fasttrack = if passes && view.fasttracks(&probe) { "true" } else { "false" };
        let live = match live {
            Some(id) => {
                // Once marked, a connection stays on the fast path until it is gone.
                table.update(id, |row| fasttrack == "true" && row.set("fasttrack", fasttrack));
                Some(id)
            }
            None if passes => Some(begin(table, cpe, family, fasttrack)),
            None => None,
        };
        match family {
            Family::V4 => cpe.connection = live,
            Family::V6 => cpe.connection_v6 = live,
        }
    }
}

/// Bits per second that pass, upload and download, as the rules and the customer's demand have it.
fn rates(cpe: &Cpe, verdict: Option<&TrafficVerdict>) -> Option<(u64, u64)> {
    match verdict? {
        TrafficVerdict::Passes { upload_bps, download_bps, .. } => Some((
            upload_bps.unwrap_or(u64::MAX).min(cpe.config.upload_bps),
            download_bps.unwrap_or(u64::MAX).min(cpe.config.download_bps),
        )),
        TrafficVerdict::NoSession { .. } | TrafficVerdict::Walled { .. } => None,
    }
}

fn probe(cpe: &Cpe, family: Family) -> Option<Probe> {
    let session = cpe.session.as_ref()?;
    let address = match family {
        Family::V4 => value::mapped(session.address.into()),
        Family::V6 => session.ipv6?.into(),
    };
    Some(Probe { address, interface: session.interface_name.clone() })
}

fn connections(family: Family) -> &'static str {
    match family {
        Family::V4 => "/ip/firewall/connection",
        Family::V6 => "/ipv6/firewall/connection",
    }
}

fn connection(cpe: &Cpe, family: Family) -> Option<RowId> {
    match family {
        Family::V4 => cpe.connection,
        Family::V6 => cpe.connection_v6,
    }
}

/// A row of the customer's connection to the host on the Internet.
fn begin(table: &mut Table, cpe: &Cpe, family: Family, fasttrack: &str) -> RowId {
    let session = cpe.session.as_ref();
    let (source, destination) = match family {
        Family::V4 => {
            let address = session.map(|session| session.address.to_string()).unwrap_or_default();
            (format!("{address}:40000"), format!("{INTERNET_HOST}:443"))
        }
        Family::V6 => {
            let address = session.and_then(|session| session.ipv6).map(|address| address.to_string());
            (format!("[{}]:40000", address.unwrap_or_default()), format!("[{INTERNET_HOST_V6}]:443"))
        }
    };
    let properties = [
        ("protocol", "tcp"),
        ("src-address", source.as_str()),
        ("dst-address", destination.as_str()),
        ("tcp-state", "established"),
        ("timeout", "1d"),
        ("fasttrack", fasttrack),
    ];
    table.insert(&properties, true)
}
