//! What gets through, and how much.
//!
//! Bytes are counted only for time in which traffic passed at the beginning *and* at the end, so that a wall
//! shows at once and a reconnection is never counted early.

use std::time::Duration;

use super::firewall::{Probe, TrafficVerdict};
use super::router::Router;

impl Router {
    /// Would a packet of this customer pass, now? The oracle of every cut and reconnection.
    pub(super) fn verdict(&mut self, index: usize) -> TrafficVerdict {
        let Some(cpe) = self.cpes.get(index) else {
            return TrafficVerdict::NoSession { reason: "no such CPE".to_owned() };
        };
        if !cpe.config.powered {
            return TrafficVerdict::NoSession { reason: "not powered".to_owned() };
        }
        let Some(session) = &cpe.session else {
            let reason = cpe.refused.clone().unwrap_or_else(|| "not dialled yet".to_owned());
            return TrafficVerdict::NoSession { reason };
        };
        let probe = Probe { address: session.address.into(), interface: session.interface_name.clone() };
        let connections = self.store.table("/ip/firewall/connection");
        let live = cpe.connection.and_then(|id| connections.get(id));
        let live = live.map(|row| row.is("fasttrack"));
        self.view().judge(&probe, live)
    }

    /// Brings the byte counters of a CPE up to `now`, by the rules as they stand.
    pub(super) fn accrue(&mut self, index: usize, now: Duration) {
        if self.cpes.get(index).is_none_or(|cpe| cpe.session.is_none()) {
            return;
        }
        let verdict = self.verdict(index);
        let Some(cpe) = self.cpes.get_mut(index) else { return };
        let passing = match &verdict {
            TrafficVerdict::Passes { upload_bps, download_bps, .. } => Some((
                upload_bps.unwrap_or(u64::MAX).min(cpe.config.upload_bps),
                download_bps.unwrap_or(u64::MAX).min(cpe.config.download_bps),
            )),
            TrafficVerdict::NoSession { .. } | TrafficVerdict::Walled { .. } => None,
        };
        let elapsed_ms = u64::try_from(now.saturating_sub(cpe.accrued_at).as_millis()).unwrap_or(u64::MAX);
        if let (Some(before), Some(after)) = (cpe.passing, passing) {
            let grown = |bps: u64| bps.saturating_mul(elapsed_ms) / 1_000;
            cpe.upload_bits = cpe.upload_bits.saturating_add(grown(before.0.min(after.0)));
            cpe.download_bits = cpe.download_bits.saturating_add(grown(before.1.min(after.1)));
        }
        cpe.passing = passing;
        // Whole milliseconds only: the rest is counted next time.
        cpe.accrued_at = cpe.accrued_at.saturating_add(Duration::from_millis(elapsed_ms));
        self.track_connection(index, passing.is_some());
    }

    /// A customer whose traffic passes has a long-lived connection; it is what `established` rules see.
    fn track_connection(&mut self, index: usize, passes: bool) {
        let view = self.view();
        let Some(cpe) = self.cpes.get_mut(index) else { return };
        let Some(session) = &cpe.session else { return };
        let table = self.store.table_mut("/ip/firewall/connection");
        let live = cpe.connection.filter(|id| table.get(*id).is_some());
        let probe = Probe { address: session.address.into(), interface: session.interface_name.clone() };
        let fasttrack = if passes && view.fasttracks(&probe) { "true" } else { "false" };
        cpe.connection = match live {
            Some(id) => {
                // Once marked, a connection stays on the fast path until it is gone.
                table.update(id, |row| fasttrack == "true" && row.set("fasttrack", fasttrack));
                Some(id)
            }
            None if passes => {
                let source = format!("{}:40000", session.address);
                let properties = [
                    ("protocol", "tcp"),
                    ("src-address", source.as_str()),
                    ("dst-address", "203.0.113.80:443"),
                    ("tcp-state", "established"),
                    ("timeout", "1d"),
                    ("fasttrack", fasttrack),
                ];
                Some(table.insert(&properties, true))
            }
            None => None,
        };
    }
}
