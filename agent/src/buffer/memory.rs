//! The log in memory: bounded, oldest out first, used while the disk refuses.

use std::collections::VecDeque;

use super::BufferStats;
use super::record::{Block, Stored};

pub(super) struct MemoryLog {
    epoch: [u8; 16],
    entries: VecDeque<Stored>,
    bytes: u64,
    next: u64,
    confirmed: u64,
}

impl MemoryLog {
    pub(super) fn new(epoch: [u8; 16]) -> Self {
        Self { epoch, entries: VecDeque::new(), bytes: 0, next: 1, confirmed: 1 }
    }

    pub(super) fn epoch(&self) -> [u8; 16] {
        self.epoch
    }

    pub(super) fn end(&self) -> u64 {
        self.confirmed
    }

    /// Appends and gives the sequence and how many samples had to go for it.
    pub(super) fn append(&mut self, block: Block, run: [u8; 16], max_bytes: u64) -> (u64, u64) {
        let sequence = self.next;
        self.next += 1;
        self.bytes += length(&block);
        self.entries.push_back(Stored { sequence, block, run });
        let mut evicted = 0;
        while self.bytes > max_bytes
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= length(&oldest.block);
            evicted += u64::from(oldest.block.sample_count);
        }
        (sequence, evicted)
    }

    pub(super) fn confirm(&mut self) {
        self.confirmed = self.next;
    }

    pub(super) fn peek(&self, from: u64, until: Option<u64>) -> Option<Stored> {
        let end = until.unwrap_or(u64::MAX).min(self.confirmed);
        let at = self.entries.partition_point(|entry| entry.sequence < from);
        self.entries.get(at).filter(|entry| entry.sequence < end).cloned()
    }

    pub(super) fn ack(&mut self, ranges: &[(u64, u64)]) {
        self.entries
            .retain(|entry| !ranges.iter().any(|(first, last)| (*first..=*last).contains(&entry.sequence)));
        self.bytes = self.entries.iter().map(|entry| length(&entry.block)).sum();
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = (&Block, [u8; 16])> {
        self.entries.iter().map(|entry| (&entry.block, entry.run))
    }

    pub(super) fn stats(&self, stats: &mut BufferStats) {
        stats.blocks = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        stats.bytes = self.bytes;
        stats.oldest_ms = self.entries.front().map(|entry| entry.block.first_ms);
    }
}

fn length(block: &Block) -> u64 {
    u64::try_from(block.bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(length: usize) -> Block {
        Block {
            bytes: vec![7; length].into(),
            sample_count: 10,
            first_ms: 1,
            last_ms: 2,
            applied_offset_ms: 0,
        }
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut log = MemoryLog::new([1; 16]);
        let evicted: u64 = (0..10).map(|_| log.append(block(100), [0; 16], 350).1).sum();
        log.confirm();
        assert_eq!(evicted, 70);
        assert_eq!(log.peek(0, None).map(|stored| stored.sequence), Some(8));
    }

    #[test]
    fn unconfirmed_blocks_are_not_shown_and_acknowledged_ones_are_gone() {
        let mut log = MemoryLog::new([1; 16]);
        log.append(block(1), [0; 16], 1000);
        assert_eq!(log.peek(0, None), None);
        log.confirm();
        log.append(block(1), [0; 16], 1000);
        assert_eq!(log.peek(0, None).map(|stored| stored.sequence), Some(1));
        assert_eq!(log.peek(2, None), None);
        log.confirm();
        log.ack(&[(1, 1)]);
        assert_eq!(log.peek(0, None).map(|stored| stored.sequence), Some(2));
        assert_eq!(log.peek(0, Some(2)), None);
    }
}
