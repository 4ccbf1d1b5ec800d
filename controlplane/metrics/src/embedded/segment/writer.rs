//! Writes a segment from series in ascending order.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::MAGIC;
use super::block::{BlockBuilder, BlockInfo};
use crate::embedded::num::long;
use crate::embedded::resolution::Resolution;
use crate::embedded::row::Row;
use crate::model::SeriesKind;

/// Rows at which a block is closed.
const BLOCK_ROWS: usize = 8192;

/// A segment being written; nothing points to it until it is finished and named in the manifest.
pub(crate) struct SegmentWriter {
    path: PathBuf,
    file: BufWriter<File>,
    resolution: Resolution,
    block: BlockBuilder,
    index: Vec<BlockInfo>,
    offset: u64,
}

impl SegmentWriter {
    pub(crate) fn create(path: &Path, resolution: Resolution) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        file.write_all(&MAGIC)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            resolution,
            block: BlockBuilder::default(),
            index: Vec::new(),
            offset: long(MAGIC.len()),
        })
    }

    /// Adds rows (ascending, one per time) of a series whose number is greater than those before.
    pub(crate) fn push<R: Row>(&mut self, series: u32, kind: SeriesKind, rows: &[R]) -> io::Result<()> {
        self.block.push(series, kind, rows);
        if self.block.rows >= BLOCK_ROWS {
            self.close_block()?;
        }
        Ok(())
    }

    fn close_block(&mut self) -> io::Result<()> {
        if let Some(packed) = self.block.finish(self.offset)? {
            self.file.write_all(&packed.bytes)?;
            self.offset += long(packed.bytes.len());
            self.index.push(packed.info);
        }
        Ok(())
    }

    /// Makes the file durable and returns its path; `None`, and no file, if it would be empty.
    pub(crate) fn finish(mut self) -> io::Result<Option<PathBuf>> {
        self.close_block()?;
        if self.index.is_empty() {
            drop(self.file);
            std::fs::remove_file(&self.path)?;
            return Ok(None);
        }
        let index = postcard::to_allocvec(&self.index).map_err(io::Error::other)?;
        let index_length = u32::try_from(index.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.file.write_all(&index)?;
        self.file.write_all(&self.offset.to_le_bytes())?;
        self.file.write_all(&index_length.to_le_bytes())?;
        self.file.write_all(&crc32fast::hash(&index).to_le_bytes())?;
        self.file.write_all(&[u8::try_from(self.resolution.index()).unwrap_or(u8::MAX)])?;
        self.file.write_all(&MAGIC)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Some(self.path))
    }
}
