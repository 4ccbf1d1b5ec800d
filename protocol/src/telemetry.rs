//! Metric batches: what they must carry, and sets of sequence numbers.

use crate::wire::{MetricBatch, SequenceRange};

/// Most entries of one series table: keeps the frame within its lane's limit.
pub const MAX_SERIES_ENTRIES: usize = 2_000;

/// A batch that cannot be taken.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidBatch {
    /// An epoch is 16 bytes.
    #[error("epoch has {0} bytes, not 16")]
    Epoch(usize),
    /// There is no block.
    #[error("batch has no block")]
    NoBlock,
}

/// The epoch of a message as its 16 bytes.
///
/// # Errors
/// [`InvalidBatch::Epoch`].
pub fn epoch(bytes: &[u8]) -> Result<[u8; 16], InvalidBatch> {
    bytes.try_into().map_err(|_| InvalidBatch::Epoch(bytes.len()))
}

/// Checks a batch and gives its epoch.
///
/// # Errors
/// [`InvalidBatch`].
pub fn check(batch: &MetricBatch) -> Result<[u8; 16], InvalidBatch> {
    if batch.block.is_empty() {
        return Err(InvalidBatch::NoBlock);
    }
    epoch(&batch.epoch)
}

/// Joins sequence numbers into ranges, lowest first; repeats count once.
pub fn ranges(mut sequences: Vec<u64>) -> Vec<SequenceRange> {
    sequences.sort_unstable();
    let mut ranges: Vec<SequenceRange> = Vec::new();
    for sequence in sequences {
        match ranges.last_mut() {
            Some(range) if sequence.saturating_sub(range.last) <= 1 => range.last = sequence,
            _ => ranges.push(SequenceRange { first: sequence, last: sequence }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn neighbours_join_and_gaps_stay() {
        let range = |first, last| SequenceRange { first, last };
        assert_eq!(ranges(vec![5, 3, 4, 4, 9]), vec![range(3, 5), range(9, 9)]);
        assert_eq!(ranges(vec![u64::MAX, u64::MAX - 1]), vec![range(u64::MAX - 1, u64::MAX)]);
        assert!(ranges(vec![]).is_empty());
    }

    #[test]
    fn batches_without_epoch_or_block_are_refused() {
        let batch = |epoch: &'static [u8], block: &'static [u8]| MetricBatch {
            epoch: Bytes::from_static(epoch),
            block: Bytes::from_static(block),
            ..MetricBatch::default()
        };
        assert_eq!(check(&batch(b"short", b"x")), Err(InvalidBatch::Epoch(5)));
        assert_eq!(check(&batch(&[7; 16], b"")), Err(InvalidBatch::NoBlock));
        assert_eq!(check(&batch(&[7; 16], b"x")), Ok([7; 16]));
    }
}
