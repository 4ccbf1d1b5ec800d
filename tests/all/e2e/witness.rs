//! Replays what an agent's buffer told of itself: which samples were confirmed, and so have to arrive.

use atalaya_protocol::{
    block::{self, Values},
    wire::SeriesTable,
};
use prost::Message;
use std::collections::{BTreeMap, HashMap};

/// A sample as the buffer had it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// `metric device label=value,…`
    pub(super) series: String,
    /// Unix ms as the agent stamped it.
    pub(super) at_ms: i64,
    /// Value.
    pub(super) value: f64,
}

#[derive(Default)]
struct Replay {
    names: HashMap<u32, String>,
    /// By epoch and sequence.
    blocks: BTreeMap<(String, u64), Vec<u8>>,
    /// End of what was confirmed, by epoch.
    confirmed: BTreeMap<String, u64>,
    /// Written last, its sequence not told yet.
    unnumbered: Option<Vec<u8>>,
}

/// Every sample that was confirmed, in no order.
pub(super) fn confirmed(witness: &str) -> Vec<Sample> {
    let mut replay = Replay::default();
    for line in witness.lines() {
        replay.line(line);
    }
    let confirmed = |key: &(String, u64)| replay.confirmed.get(&key.0).is_some_and(|end| key.1 < *end);
    let blocks = replay.blocks.iter().filter(|(key, _)| confirmed(key));
    blocks.flat_map(|(_, block)| replay.samples(block)).collect()
}

impl Replay {
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |text: &str| text.parse::<u64>().expect("a sequence is a number");
        match words[..] {
            ["series", table] => {
                let table = SeriesTable::decode(bytes(table).as_slice()).expect("the buffer encodes series");
                for entry in table.entries {
                    let labels: Vec<String> =
                        entry.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
                    let name = format!("{} {} {}", entry.name, entry.device_id, labels.join(","));
                    self.names.insert(entry.number, name);
                }
            }
            ["block", block] => self.unnumbered = Some(bytes(block)),
            ["appended", epoch, sequence] => {
                let block = self.unnumbered.take().expect("a block comes before its number");
                self.blocks.insert((epoch.to_owned(), number(sequence)), block);
            }
            ["confirmed", epoch, end] => self.confirm(epoch, number(end)),
            ["opened", epoch, end] => {
                let end = number(end);
                // Killed between the write and the word of it: the block may be there all the same.
                if let Some(block) = self.unnumbered.take()
                    && let Some(last) = end.checked_sub(1)
                {
                    self.blocks.entry((epoch.to_owned(), last)).or_insert(block);
                }
                // Appended, never confirmed, and gone: its number is given again.
                self.blocks.retain(|key, _| key.0 != *epoch || key.1 < end);
                self.confirm(epoch, end);
            }
            _ => panic!("a line of the witness that nobody knows: {line}"),
        }
    }

    fn confirm(&mut self, epoch: &str, end: u64) {
        let known = self.confirmed.entry(epoch.to_owned()).or_default();
        *known = end.max(*known);
    }

    fn samples(&self, encoded: &[u8]) -> Vec<Sample> {
        let columns = block::decode(encoded, &block::Limits::default()).expect("the buffer encodes blocks");
        let mut samples = Vec::new();
        for column in columns {
            let series = self.names.get(&column.series).expect("a series comes before its samples");
            #[allow(clippy::cast_precision_loss, reason = "as the store keeps them")]
            let values: Vec<f64> = match column.values {
                Values::Float(values) => values,
                Values::Int(values) => values.into_iter().map(|value| value as f64).collect(),
            };
            let stamped = column.timestamps_ms.into_iter().zip(values);
            samples.extend(stamped.map(|(at_ms, value)| Sample { series: series.clone(), at_ms, value }));
        }
        samples
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        std::str::from_utf8(pair)
            .ok()
            .and_then(|text| u8::from_str_radix(text, 16).ok())
            .expect("hexadecimal")
    };
    digits.map(byte).collect()
}
