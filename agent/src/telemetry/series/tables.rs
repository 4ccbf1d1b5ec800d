//! What a number stands for, down to its texts.

use atalaya_protocol::wire;

use super::interner::Interner;
use super::numbers::{Numbers, Series};
use crate::driver::Kind;

/// What series of many devices have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Shape {
    metric: u32,
    labels: u32,
    kind: Kind,
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        *shape
    }
}

/// Texts, label sets, shapes and series, each held once.
#[derive(Debug, Default)]
pub(super) struct Tables {
    texts: Interner<Box<str>>,
    /// Pairs of text numbers: name, value, name, value, …
    label_sets: Interner<Box<[u32]>>,
    shapes: Interner<Shape>,
    pub(super) numbers: Numbers,
    /// The number that the next new series gets.
    pub(super) next: u32,
    /// Numbers that the buffer has not been told yet.
    pub(super) fresh: Vec<u32>,
    scratch: Vec<u32>,
}

impl Tables {
    /// Nothing known; the first new series gets the number `next`.
    pub(super) fn from(next: u32) -> Self {
        Self { next, ..Self::default() }
    }

    /// The series of these texts, which are held from now on.
    pub(super) fn intern<'a>(
        &mut self,
        device_id: &str,
        metric: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
        kind: Kind,
    ) -> Series {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for (name, value) in labels {
            scratch.push(self.texts.number(name));
            scratch.push(self.texts.number(value));
        }
        let shape = Shape {
            metric: self.texts.number(metric),
            labels: self.label_sets.number(scratch.as_slice()),
            kind,
        };
        let series = Series { device: self.texts.number(device_id), shape: self.shapes.number(&shape) };
        self.scratch = scratch;
        series
    }

    /// Whether a number stands for this series; tells without hashing.
    pub(super) fn is(
        &self,
        number: u32,
        device_id: &str,
        metric: &str,
        labels: &[(&str, &str)],
        kind: Kind,
    ) -> bool {
        let Some(series) = self.numbers.series(number) else { return false };
        let Some(shape) = self.shapes.value(series.shape) else { return false };
        let text = |number: u32, wanted: &str| self.text(number) == wanted;
        let known_labels = self.labels(shape);
        shape.kind == kind
            && text(series.device, device_id)
            && text(shape.metric, metric)
            && known_labels.len() == 2 * labels.len()
            && known_labels
                .chunks_exact(2)
                .zip(labels)
                .all(|(pair, (name, value))| text(pair[0], name) && text(pair[1], value))
    }

    /// What a number stands for, in full.
    pub(super) fn entry(&self, number: u32) -> Option<wire::SeriesEntry> {
        let series = self.numbers.series(number)?;
        let shape = self.shapes.value(series.shape)?;
        let text = |number: u32| self.text(number).to_owned();
        let kind = match shape.kind {
            Kind::Counter => wire::MetricKind::Counter,
            Kind::Gauge => wire::MetricKind::Gauge,
        };
        Some(wire::SeriesEntry {
            number,
            name: text(shape.metric),
            device_id: text(series.device),
            labels: self
                .labels(shape)
                .chunks_exact(2)
                .map(|pair| wire::Label { name: text(pair[0]), value: text(pair[1]) })
                .collect(),
            kind: kind.into(),
        })
    }

    fn text(&self, number: u32) -> &str {
        self.texts.value(number).map(AsRef::as_ref).unwrap_or_default()
    }

    fn labels(&self, shape: &Shape) -> &[u32] {
        self.label_sets.value(shape.labels).map(AsRef::as_ref).unwrap_or_default()
    }
}
