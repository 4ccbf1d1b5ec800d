//! A process that appends is killed with SIGKILL: nothing that it was told to be durable is lost, nothing is doubled.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use atalaya_metrics::{EmbeddedStore, MetricStore, Options};

use crate::support::*;

const DIR: &str = "ATALAYA_METRICS_CRASH_DIR";
/// Samples of a batch; the value of a sample is its batch's number.
const SAMPLES: i64 = 50;

fn batch(sequence: u64) -> Vec<(i64, f64)> {
    let number = i32::try_from(sequence).unwrap();
    let first = NOW - 20 * DAY + i64::from(number) * SAMPLES * 1000;
    (0..SAMPLES).map(|i| (first + i * 1000, f64::from(number))).collect()
}

/// Small heads, so that the kill also falls into seals and merges.
fn open_small(dir: &std::path::Path) -> EmbeddedStore {
    let options = Options { head_samples: 2_000, merge_width: 3, ..Options::default() };
    EmbeddedStore::open(dir, options, TestClock::at(NOW)).unwrap()
}

/// Not a test of its own: the process that the test below kills.
#[tokio::test]
#[ignore = "run by the test below as a process of its own"]
async fn writer() {
    let dir = std::env::var_os(DIR).expect("set by the test that starts this process");
    let store = open_small(dir.as_ref());
    let t = tenant("ten_a");
    let series = register_one(&store, &t, counter("r1")).await;
    let received = store.received(&t, &agent(), EPOCH).await.unwrap();
    let next = received.as_slice().last().map_or(1, |(_, last)| last + 1);
    for sequence in next.. {
        append(&store, &t, sequence, series, &batch(sequence)).await;
        writeln!(std::io::stdout(), "acked {sequence}").unwrap();
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acked: BTreeSet<u64> = BTreeSet::new();
    for round in 1..=14u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::writer", "--exact", "--ignored", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut here = 0;
        for line in lines {
            let line = line.unwrap();
            let Some((_, number)) = line.split_once("acked ") else { continue };
            assert!(acked.insert(number.parse().unwrap()), "batch {number} was acknowledged twice");
            here += 1;
            // About when the 40th batch starts a seal, and a little later each time.
            if here == 36 + 2 * round {
                child.kill().unwrap();
            }
        }
        let status = child.wait().unwrap();
        assert!(!status.success(), "the writer ended by itself: {status}");

        let store = open_small(dir.path());
        let t = tenant("ten_a");
        let received = store.received(&t, &agent(), EPOCH).await.unwrap();
        assert!(acked.iter().all(|sequence| received.contains(*sequence)));
        let stored: Vec<u64> = received.as_slice().iter().flat_map(|(first, last)| *first..=*last).collect();
        let expected: Vec<(i64, f64)> = stored.iter().flat_map(|sequence| batch(*sequence)).collect();
        assert_eq!(raw(&store, &t, "octets").await, expected, "round {round}");
        // An agent that did not get its acknowledgement sends again.
        let series = register_one(&store, &t, counter("r1")).await;
        for sequence in &stored {
            assert!(append(&store, &t, *sequence, series, &batch(*sequence)).await.duplicate);
        }
        acked.extend(stored);
    }
}
