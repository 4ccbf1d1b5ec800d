//! Reads segments: the index once, blocks when asked for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::MAGIC;
use super::block::{Block, BlockInfo};
use crate::embedded::num::{index, long};
use crate::embedded::resolution::Resolution;
use crate::embedded::row::Row;
use crate::embedded::stats::Counters;
use crate::model::SeriesKind;

/// Offset, length and CRC of the index, resolution, magic.
const FOOTER: usize = 8 + 4 + 4 + 1 + 8;

/// An immutable file of rows.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    blocks: Vec<BlockInfo>,
    pub(crate) min_t: i64,
    pub(crate) max_t: i64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// How many merges it has been through.
    pub(crate) level: u8,
    /// No longer in the manifest: the file goes when the last reader is done.
    retired: AtomicBool,
}

impl Segment {
    /// Opens a file and reads its index.
    pub(crate) fn open(path: &Path, resolution: Resolution, level: u8) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "not a segment, or a damaged one");
        let footer_at = bytes.checked_sub(long(FOOTER)).ok_or_else(damaged)?;
        let mut footer = [0u8; FOOTER];
        file.read_exact_at(&mut footer, footer_at)?;
        let word =
            |at: usize| u32::from_le_bytes([footer[at], footer[at + 1], footer[at + 2], footer[at + 3]]);
        let offset = u64::from(word(0)) | (u64::from(word(4)) << 32);
        let length = word(8);
        let fits = offset.checked_add(u64::from(length)) == Some(footer_at);
        if footer[17..] != MAGIC || usize::from(footer[16]) != resolution.index() || !fits {
            return Err(damaged());
        }
        let mut bytes_of_index = vec![0u8; index(length)];
        file.read_exact_at(&mut bytes_of_index, offset)?;
        if crc32fast::hash(&bytes_of_index) != word(12) {
            return Err(damaged());
        }
        let blocks: Vec<BlockInfo> = postcard::from_bytes(&bytes_of_index).map_err(|_| damaged())?;
        Ok(Self {
            path: path.to_owned(),
            min_t: blocks.iter().map(|b| b.min_t).min().unwrap_or(0),
            max_t: blocks.iter().map(|b| b.max_t).max().unwrap_or(0),
            rows: blocks.iter().map(|b| u64::from(b.rows)).sum(),
            blocks,
            bytes,
            level,
            retired: AtomicBool::new(false),
        })
    }

    /// Removes the file once nobody reads it any more.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Acquire)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            // Not in the manifest: the next start removes it.
            tracing::warn!(path = %self.path.display(), %error, "a dropped segment could not be removed");
        }
    }
}

/// Reads one segment; keeps its last block, so that series in ascending order unpack each block once.
pub(crate) struct Cursor {
    pub(crate) segment: Arc<Segment>,
    counters: Arc<Counters>,
    file: Option<File>,
    block: Option<(usize, Option<Block>)>,
    /// A block was damaged.
    pub(crate) damaged: bool,
}

impl Cursor {
    pub(crate) fn new(segment: Arc<Segment>, counters: Arc<Counters>) -> Self {
        Self { segment, counters, file: None, block: None, damaged: false }
    }

    /// Numbers of all series in the segment, ascending.
    pub(crate) fn series(&mut self) -> io::Result<Vec<u32>> {
        let mut all = Vec::new();
        for at in 0..self.segment.blocks.len() {
            if let Some(block) = self.load(at)? {
                all.extend(block.series());
            }
        }
        Ok(all)
    }

    /// First and last time of a series.
    pub(crate) fn span(&mut self, series: u32) -> io::Result<Option<(i64, i64)>> {
        let Some(at) = self.block_of(series) else { return Ok(None) };
        Ok(self.load(at)?.and_then(|block| block.span(series)))
    }

    /// All rows of a series in this segment, ascending. A damaged block is counted and reads as empty.
    pub(crate) fn rows<R: Row>(&mut self, series: u32) -> io::Result<Option<(Vec<R>, SeriesKind)>> {
        let Some(at) = self.block_of(series) else { return Ok(None) };
        let Some(block) = self.load(at)? else { return Ok(None) };
        let rows = block.rows(series);
        if rows.is_none() {
            self.found_damage();
        }
        Ok(rows.flatten())
    }

    /// A series never spans blocks: it is in the first block that does not end before it.
    fn block_of(&self, series: u32) -> Option<usize> {
        let blocks = &self.segment.blocks;
        let at = blocks.partition_point(|b| b.last < series);
        (blocks.get(at)?.first <= series).then_some(at)
    }

    fn load(&mut self, at: usize) -> io::Result<Option<&Block>> {
        if self.block.as_ref().is_none_or(|(loaded, _)| *loaded != at) {
            let info = self.segment.blocks[at];
            let file = match self.file.take() {
                Some(file) => file,
                None => File::open(&self.segment.path)?,
            };
            let mut bytes = vec![0u8; index(info.packed) + index(info.bits)];
            let read = file.read_exact_at(&mut bytes, info.offset);
            self.file = Some(file);
            read?;
            let block = Block::unpack(&info, &bytes);
            if block.is_none() {
                self.found_damage();
            }
            self.block = Some((at, block));
        }
        Ok(self.block.as_ref().and_then(|(_, block)| block.as_ref()))
    }

    fn found_damage(&mut self) {
        if !self.damaged {
            tracing::error!(path = %self.segment.path.display(), "a block of this segment is damaged");
        }
        self.damaged = true;
        self.counters.damaged_blocks.fetch_add(1, Ordering::Relaxed);
    }
}
