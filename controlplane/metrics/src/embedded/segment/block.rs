//! A block: a directory of series, and their columns.

use crate::embedded::codec::{Decoder, Encoder, Input, put, put_signed};
use crate::embedded::num::{index, long};
use crate::embedded::row::Row;
use crate::model::SeriesKind;

/// Most bytes that the compressed part may unpack to; a block closes near 8,000 rows, at some tens of bytes each.
const MAX_META: usize = 64 << 20;

/// Where a block lies and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct BlockInfo {
    pub(super) offset: u64,
    /// Compressed bytes.
    pub(super) packed: u32,
    /// Bytes of the compressed part once unpacked.
    pub(super) meta: u32,
    pub(super) bits: u32,
    pub(super) crc: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) min_t: i64,
    pub(super) max_t: i64,
    pub(super) rows: u32,
}

/// One series of a block, its columns still packed.
#[derive(Debug, Clone, Copy)]
struct Entry {
    series: u32,
    rows: usize,
    min_t: i64,
    max_t: i64,
    /// Start in the column meta and in the bits.
    at: (usize, usize),
    end: (usize, usize),
    /// Entry that holds the times which this one shares; its own place if they are its own.
    times_at: usize,
}

/// Collects series of a block.
#[derive(Default)]
pub(super) struct BlockBuilder {
    encoder: Encoder,
    entries: Vec<Entry>,
    times: Vec<i64>,
    pub(super) rows: usize,
}

/// A finished block, to be written at `info.offset`.
pub(super) struct Packed {
    pub(super) info: BlockInfo,
    pub(super) bytes: Vec<u8>,
}

impl BlockBuilder {
    /// Adds rows of a series, ascending and not empty; series come in ascending order.
    pub(super) fn push<R: Row>(&mut self, series: u32, kind: SeriesKind, rows: &[R]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        self.times.clear();
        self.times.extend(rows.iter().map(Row::t));
        let at = self.encoder.mark();
        self.encoder.times(&self.times);
        R::encode(rows, kind, &mut self.encoder);
        let end = self.encoder.mark();
        self.entries.push(Entry {
            series,
            rows: rows.len(),
            min_t: first.t(),
            max_t: last.t(),
            at,
            end,
            times_at: 0,
        });
        self.rows += rows.len();
    }

    /// Packs what was collected, `None` if nothing was.
    pub(super) fn finish(&mut self, offset: u64) -> std::io::Result<Option<Packed>> {
        let (Some(first), Some(last)) = (self.entries.first().copied(), self.entries.last().copied()) else {
            return Ok(None);
        };
        let (columns, bits) = self.encoder.take();
        let mut meta = directory(&self.entries);
        meta.extend_from_slice(&columns);
        let mut bytes = zstd::bulk::compress(&meta, 3)?;
        let packed = bytes.len();
        bytes.extend_from_slice(&bits);
        let short = |length: usize| u32::try_from(length).map_err(|_| std::io::ErrorKind::FileTooLarge);
        let info = BlockInfo {
            offset,
            packed: short(packed)?,
            meta: short(meta.len())?,
            bits: short(bits.len())?,
            crc: crc32fast::hash(&bytes),
            first: first.series,
            last: last.series,
            min_t: self.entries.iter().map(|e| e.min_t).min().unwrap_or(0),
            max_t: self.entries.iter().map(|e| e.max_t).max().unwrap_or(0),
            rows: short(self.rows)?,
        };
        self.entries.clear();
        self.rows = 0;
        Ok(Some(Packed { info, bytes }))
    }
}

fn directory(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, long(entries.len()));
    let (mut series, mut t) = (0u32, 0i64);
    for entry in entries {
        put(&mut out, u64::from(entry.series - series));
        put(&mut out, long(entry.rows));
        put_signed(&mut out, entry.min_t.wrapping_sub(t));
        put_signed(&mut out, entry.max_t.wrapping_sub(entry.min_t));
        put(&mut out, long(entry.end.0 - entry.at.0));
        put(&mut out, long(entry.end.1 - entry.at.1));
        (series, t) = (entry.series, entry.min_t);
    }
    out
}

/// An unpacked block; columns are decoded when asked for.
pub(super) struct Block {
    entries: Vec<Entry>,
    columns: Vec<u8>,
    bits: Vec<u8>,
}

impl Block {
    /// `None` if the bytes are not what was written.
    pub(super) fn unpack(info: &BlockInfo, bytes: &[u8]) -> Option<Self> {
        if crc32fast::hash(bytes) != info.crc {
            return None;
        }
        let (packed, bits) = bytes.split_at_checked(index(info.packed))?;
        let meta_length = index(info.meta);
        if meta_length > MAX_META {
            return None;
        }
        let meta = zstd::bulk::decompress(packed, meta_length).ok()?;
        let mut input = Input(&meta);
        let count = input.length()?;
        // Six bytes at least per entry: a count that cannot be true is found before allocating.
        if count > meta.len() / 6 {
            return None;
        }
        let mut entries = Vec::with_capacity(count);
        let (mut series, mut t, mut at) = (0u32, 0i64, (0usize, 0usize));
        for _ in 0..count {
            series = series.checked_add(input.short()?)?;
            let rows = input.length()?;
            t = t.wrapping_add(input.signed()?);
            let max_t = t.wrapping_add(input.signed()?);
            let end = (at.0.checked_add(input.length()?)?, at.1.checked_add(input.length()?)?);
            entries.push(Entry { series, rows, min_t: t, max_t, at, end, times_at: 0 });
            at = end;
        }
        let columns = input.0.to_vec();
        if at.0 > columns.len() || at.1 > bits.len() {
            return None;
        }
        let mut block = Self { entries, columns, bits: bits.to_vec() };
        let mut times_at = 0;
        for i in 0..block.entries.len() {
            if !block.decoder(i).shares_times() {
                times_at = i;
            }
            block.entries[i].times_at = times_at;
        }
        Some(block)
    }

    /// Numbers of the series in it.
    pub(super) fn series(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|e| e.series)
    }

    /// First and last time of a series, if the block has it.
    pub(super) fn span(&self, series: u32) -> Option<(i64, i64)> {
        let at = self.entries.binary_search_by_key(&series, |e| e.series).ok()?;
        Some((self.entries[at].min_t, self.entries[at].max_t))
    }

    /// Rows of a series: `Some(None)` if the block has none, `None` if it is damaged.
    #[allow(clippy::option_option, reason = "absent and damaged are different answers")]
    pub(super) fn rows<R: Row>(&self, series: u32) -> Option<Option<(Vec<R>, SeriesKind)>> {
        let Ok(at) = self.entries.binary_search_by_key(&series, |e| e.series) else { return Some(None) };
        let entry = &self.entries[at];
        let mut times = Vec::new();
        self.decoder(entry.times_at).times(self.entries[entry.times_at].rows, &mut times)?;
        let mut decoder = self.decoder(at);
        decoder.times(entry.rows, &mut times)?;
        Some(Some(R::decode(&times, &mut decoder)?))
    }

    fn decoder(&self, at: usize) -> Decoder<'_> {
        let entry = &self.entries[at];
        Decoder::new(&self.columns[entry.at.0..entry.end.0], &self.bits[entry.at.1..entry.end.1])
    }
}
