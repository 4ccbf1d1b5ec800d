//! A process that writes into a buffer until it is killed, and says what was confirmed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use atalaya_agent::buffer::{Block, Bounds, Buffer};

use crate::support::wait_for;

const DIR: &str = "ATALAYA_TEST_WRITER_DIR";

/// Bounds that no test of survival reaches by accident.
pub(super) fn bounds() -> Bounds {
    Bounds { min_free_bytes: 0, shrink_above_bytes: 8 << 20, ..Bounds::default() }
}

/// A block whose bytes tell its number, of a length that varies from one to the next.
pub(super) fn block(number: u64) -> Block {
    let length = 200 + usize::try_from(number * 7919 % 12_000).unwrap();
    let bytes: Vec<u8> = number.to_be_bytes().iter().copied().cycle().take(length).collect();
    let stamp = 1_700_000_000_000 + i64::try_from(number).unwrap();
    Block { bytes: bytes.into(), sample_count: 3, first_ms: stamp, last_ms: stamp, applied_offset_ms: 0 }
}

/// What a writer said before it died.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Sequences that were confirmed.
    pub(super) confirmed: BTreeSet<u64>,
    /// Sequences whose removal was begun.
    pub(super) acknowledged: BTreeSet<u64>,
}

pub(super) struct Writer {
    process: Child,
    lines: JoinHandle<Said>,
    confirmed: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts one on a directory.
    pub(super) fn start(dir: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "buffer::writer::writes_until_killed", "--nocapture"])
            .env(DIR, dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = process.stdout.take().unwrap();
        let confirmed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&confirmed);
        let lines = std::thread::spawn(move || {
            let mut said = Said::default();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let number = |text: &str| text.trim().parse::<u64>().ok();
                if let Some(sequence) = line.strip_prefix("confirmed ").and_then(number) {
                    said.confirmed.insert(sequence);
                    count.fetch_add(1, Ordering::SeqCst);
                } else if let Some(sequence) = line.strip_prefix("acknowledged ").and_then(number) {
                    said.acknowledged.insert(sequence);
                }
            }
            said
        });
        Self { process, lines, confirmed }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until so many blocks were confirmed.
    pub(super) fn reaches(&self, count: usize) {
        wait_for(Duration::from_secs(120), "the writer confirms", || {
            self.confirmed.load(Ordering::SeqCst) >= count
        });
    }

    /// Kills it (-9) and gives everything it said.
    pub(super) fn kill(mut self) -> Said {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.lines.join().unwrap()
    }
}

/// Everything confirmed and not acknowledged is there and whole. Gives how many blocks there are.
pub(super) fn check(dir: &Path, said: &Said) -> usize {
    let buffer = Buffer::open(dir, bounds(), [9; 16]);
    let stats = buffer.stats();
    assert!(!buffer.in_memory(), "the database did not open: {stats:?}");
    assert_eq!(stats.quarantined_databases, 0, "the database was set aside");
    let mut present = BTreeSet::new();
    let mut from = 0;
    while let Some(stored) = buffer.peek(buffer.epoch(), from, None).unwrap() {
        let number = u64::from_be_bytes(stored.block.bytes[..8].try_into().unwrap());
        assert_eq!(stored.block, block(number), "block {} is not whole", stored.sequence);
        assert_eq!(number, stored.sequence, "a sequence was given twice");
        present.insert(stored.sequence);
        from = stored.sequence + 1;
    }
    let lost: Vec<&u64> =
        said.confirmed.difference(&said.acknowledged).filter(|seq| !present.contains(seq)).collect();
    assert!(lost.is_empty(), "confirmed and lost: {lost:?}");
    present.len()
}

/// Not a test of its own: the body of the writer process.
#[test]
fn writes_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let buffer = Buffer::open(Path::new(&dir), bounds(), [1; 16]);
    let (epoch, mut number) = buffer.end();
    let mut confirmed = Vec::new();
    loop {
        let from = number;
        for _ in 0..=(number % 4) {
            assert_eq!(buffer.append(&block(number), 0), number);
            number += 1;
        }
        buffer.confirm();
        assert!(!buffer.in_memory());
        for sequence in from..number {
            println!("confirmed {sequence}");
            confirmed.push(sequence);
        }
        if confirmed.len() > 60 {
            for sequence in confirmed.drain(..40) {
                println!("acknowledged {sequence}");
                buffer.ack(epoch, &[(sequence, sequence)]);
            }
        }
    }
}
