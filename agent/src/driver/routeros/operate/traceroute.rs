//! `/tool/traceroute`: the whole table of hops, sent anew for each round.
//!
//! The rows of one round carry the same `.section`; attributes as in the RouterOS manual (Tools, Traceroute). From
//! memory: that old versions leave `.section` out, so a round also ends where the rows begin again, at the row that is
//! numbered no higher than the one before. Times come as `12.3` (milliseconds), `12ms345us` or `timeout`, depending on
//! the version; whatever else they are is shown in the router's words.

use atalaya_protocol::wire;

use super::super::client::{Client, Command, Row};
use super::super::parse;
use super::{address, bounded, ended};
use crate::driver::{DeviceError, Output};

const DEFAULT_COUNT: u32 = 3;
const MOST_COUNT: u32 = 20;
const MOST_HOPS: u32 = 64;
/// Rows of a round that are kept: a router that says more than it was asked for is not believed.
const MOST_ROWS: usize = 255;

pub(super) async fn run(
    client: &Client,
    order: &wire::Traceroute,
    output: &dyn Output,
) -> Result<(), DeviceError> {
    let address = address(&order.address)?;
    let count = bounded(order.count, DEFAULT_COUNT, MOST_COUNT);
    let mut command = Command::new("/tool/traceroute")
        .with("address", &address.to_string())
        .with("count", &count.to_string())
        .with("use-dns", "no");
    if order.max_hops != 0 {
        command = command.with("max-hops", &order.max_hops.min(MOST_HOPS).to_string());
    }
    let mut rows = client.stream(&command).await?;
    let mut round = Round::default();
    let outcome = loop {
        match rows.next().await {
            Ok(Some(row)) => {
                if let Some(done) = round.take(&row) {
                    put(output, done).await?;
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break ended(error),
        }
    };
    // What the last round had found counts also when the router broke off.
    if !round.hops.is_empty() {
        put(output, round.hops).await?;
    }
    outcome
}

async fn put(output: &dyn Output, hops: Vec<wire::TraceHop>) -> Result<(), DeviceError> {
    output.put(wire::job_part::Content::Trace(wire::TraceRound { hops })).await
}

/// The round that is being read.
#[derive(Default)]
struct Round {
    section: String,
    hops: Vec<wire::TraceHop>,
}

impl Round {
    /// Takes a row; the round before it, when the row begins a new one.
    fn take(&mut self, row: &Row) -> Option<Vec<wire::TraceHop>> {
        let section = row.text(".section");
        let begins = !self.hops.is_empty() && (section != self.section || self.starts_over(row));
        let done = begins.then(|| std::mem::take(&mut self.hops));
        section.clone_into(&mut self.section);
        if self.hops.len() < MOST_ROWS {
            self.hops.push(hop(row));
        }
        done
    }

    /// Without sections: the first hop again. Its counter of requests tells it from a second silent hop.
    fn starts_over(&self, row: &Row) -> bool {
        let (Some(first), true) = (self.hops.first(), row.text(".section").is_empty()) else { return false };
        let sent: u32 = row.text("sent").parse().unwrap_or(0);
        let last = self.hops.last().map_or(0, |hop| hop.sent);
        first.address == row.text("address") && sent > last && !first.address.is_empty()
    }
}

fn hop(row: &Row) -> wire::TraceHop {
    let words = [row.text("status"), row.text("last")];
    let words = words.into_iter().find(|text| !text.is_empty() && micros(text).is_none()).unwrap_or_default();
    wire::TraceHop {
        address: row.text("address").to_owned(),
        sent: row.text("sent").parse().unwrap_or(0),
        loss_basis_points: loss(row.text("loss")),
        last_us: micros(row.text("last")),
        best_us: micros(row.text("best")),
        average_us: micros(row.text("avg")),
        worst_us: micros(row.text("worst")),
        words: words.to_owned(),
    }
}

/// `12.3` and `12.3ms` are milliseconds; `12ms345us` is what other menus write.
fn micros(text: &str) -> Option<u64> {
    let number = text.strip_suffix("ms").unwrap_or(text);
    if let Some(micros) = milliseconds(number) {
        return Some(micros);
    }
    parse::duration(text).and_then(|time| u64::try_from(time.as_micros()).ok())
}

fn milliseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(part.parse().ok()?)
}

/// `33%`, `33.3%` or `33` as hundredths of a percent.
fn loss(text: &str) -> u32 {
    let thousandths = milliseconds(text.trim_end_matches('%')).unwrap_or(0);
    u32::try_from(thousandths / 10).unwrap_or(u32::MAX).min(10_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(section: &str, address: &str, sent: &str, last: &str) -> Row {
        Row::from([
            (".section", section),
            ("address", address),
            ("sent", sent),
            ("last", last),
            ("loss", "0%"),
        ])
    }

    #[test]
    fn rounds_are_told_apart_by_their_section() {
        let mut round = Round::default();
        assert_eq!(round.take(&row("0", "10.0.0.1", "1", "1.2ms")), None);
        assert_eq!(round.take(&row("0", "", "1", "timeout")), None);
        let done = round.take(&row("1", "10.0.0.1", "2", "1.3ms")).unwrap();
        assert_eq!(done.len(), 2);
        assert_eq!((done[0].last_us, done[0].words.as_str()), (Some(1_200), ""));
        assert_eq!((done[1].last_us, done[1].words.as_str()), (None, "timeout"));
        assert_eq!(round.hops.len(), 1);
    }

    #[test]
    fn without_sections_the_first_hop_begins_a_round() {
        let mut round = Round::default();
        assert_eq!(round.take(&row("", "10.0.0.1", "1", "1")), None);
        assert_eq!(round.take(&row("", "", "1", "timeout")), None);
        assert_eq!(round.take(&row("", "10.9.0.1", "1", "2")), None);
        assert_eq!(round.take(&row("", "10.0.0.1", "2", "1")).map(|done| done.len()), Some(3));
    }

    #[test]
    fn times_and_losses_of_several_versions() {
        for (text, expected) in [
            ("12.3", Some(12_300)),
            ("12.3ms", Some(12_300)),
            ("12", Some(12_000)),
            ("12ms345us", Some(12_345)),
            ("345us", Some(345)),
            ("timeout", None),
            ("", None),
            (".5", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
        assert_eq!((loss("33.3%"), loss("100%"), loss("0"), loss("what")), (3_330, 10_000, 0, 0));
    }

    proptest! {
        #[test]
        fn no_text_of_a_router_panics(text in any::<String>(), other in any::<String>()) {
            let mut round = Round::default();
            for _ in 0..3 {
                round.take(&row(&text, &other, &text, &other));
                round.take(&row("", &text, &other, &text));
            }
        }
    }
}
