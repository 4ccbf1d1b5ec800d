//! How long things took since the process began, in the Prometheus text format.

use std::time::{Duration, Instant};

/// Upper bounds of the buckets: microseconds, and the same in seconds as the format writes them.
const BOUNDS: [(u64, &str); 8] = [
    (1_000, "0.001"),
    (5_000, "0.005"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (30_000_000, "30"),
];

/// Measures how long something takes. What it says is shown and decides nothing: whatever does has the clock of its context.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins now.
    #[allow(
        clippy::disallowed_methods,
        reason = "the clocks of contexts have milliseconds, and may be set back"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How often something took how long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By bucket; the last one is for what took longer than every bound.
    counts: [u64; BOUNDS.len() + 1],
    sum_us: u64,
}

impl Histogram {
    /// Counts one.
    pub fn note(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|(bound, _)| us <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum_us = self.sum_us.saturating_add(us);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds its lines to a text. `labels` are the other ones, at least one, as `route="/sites",status="2xx"`; values must need no
    /// escape.
    pub fn write(&self, text: &mut String, name: &str, labels: &str) {
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        for (bound, count) in bounds.zip(self.counts) {
            sum += count;
            text.push_str(&format!("{name}_bucket{{{labels},le=\"{bound}\"}} {sum}\n"));
        }
        let (seconds, rest) = (self.sum_us / 1_000_000, self.sum_us % 1_000_000);
        text.push_str(&format!(
            "{name}_sum{{{labels}}} {seconds}.{rest:06}\n{name}_count{{{labels}}} {sum}\n"
        ));
    }
}

/// The lines that stand before those of a histogram.
pub fn heading(name: &str, help: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} histogram\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_took_no_longer_and_the_last_one_everything() {
        let mut took = Histogram::default();
        for us in [0, 1_000, 1_001, 2_500_000, 60_000_000] {
            took.note(Duration::from_micros(us));
        }
        let mut text = String::new();
        took.write(&mut text, "x_seconds", "of=\"it\"");
        let counts: Vec<&str> = text.lines().filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(counts, ["2", "3", "3", "3", "3", "3", "4", "4", "5", "62.502001", "5"], "{text}");
        assert!(text.starts_with("x_seconds_bucket{of=\"it\",le=\"0.001\"} 2\n"), "{text}");
        assert!(text.contains("x_seconds_bucket{of=\"it\",le=\"+Inf\"} 5\n"), "{text}");
        assert_eq!(took.count(), 5);
    }
}
