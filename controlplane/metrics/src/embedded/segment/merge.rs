//! Several segments into one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::reader::Cursor;
use super::writer::SegmentWriter;
use crate::embedded::resolution::Resolution;
use crate::embedded::row::{Row, sort_and_collapse};
use crate::model::SeriesKind;

/// Writes the union of `sources`, oldest first, to `path`; of rows with one time the youngest source's stays.
pub(crate) fn merge<R: Row>(
    sources: &mut [Cursor],
    path: &Path,
    resolution: Resolution,
) -> io::Result<Option<PathBuf>> {
    let mut all = BTreeSet::new();
    for source in sources.iter_mut() {
        all.extend(source.series()?);
    }
    let mut writer = SegmentWriter::create(path, resolution)?;
    for series in all {
        let mut rows: Vec<R> = Vec::new();
        let mut kind = SeriesKind::Gauge;
        for source in sources.iter_mut() {
            if let Some((more, of)) = source.rows::<R>(series)? {
                rows.extend(more);
                kind = of;
            }
        }
        sort_and_collapse(&mut rows);
        writer.push(series, kind, &rows)?;
    }
    writer.finish()
}
