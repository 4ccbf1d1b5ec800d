//! Fresh samples into segments, and the roll-ups of every hour that they touch.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::buckets::{roll_up, touched_hours};
use super::{Reader, SERIES_LOG, Tenant};
use crate::embedded::disk::{make_dir, sync_dir};
use crate::embedded::head::Head;
use crate::embedded::num::long;
use crate::embedded::resolution::Resolution;
use crate::embedded::row::{RollupRow, sort_and_collapse};
use crate::embedded::segment::{Segment, SegmentWriter};
use crate::embedded::wal;
use crate::model::{SeriesKind, SeriesSpec};

/// What a seal made; it counts once the manifest names it.
pub(crate) struct Sealed {
    /// By resolution; `None` where nothing was to be written.
    pub(crate) segments: [Option<Segment>; 3],
    /// Length of the series log with the new series.
    pub(crate) series_bytes: u64,
    pub(crate) series_logged: u32,
}

/// Seals `head` of a tenant; `name` gives each new file its name.
pub(crate) fn seal(
    tenant: &Tenant,
    head: &Head,
    mut reader: Reader,
    mut name: impl FnMut(Resolution) -> String,
) -> io::Result<Sealed> {
    let (series_bytes, series_logged) = log_series(tenant)?;
    if head.samples == 0 {
        return Ok(Sealed { segments: [None, None, None], series_bytes, series_logged });
    }
    make_dir(&tenant.dir)?;
    let mut create = |resolution| SegmentWriter::create(&tenant.dir.join(name(resolution)), resolution);
    let mut raw = create(Resolution::Raw)?;
    let mut rollups = [create(Resolution::FiveMinutes)?, create(Resolution::Hour)?];
    let mut rows = Vec::new();
    for (local, arrived) in head.iter() {
        rows.clear();
        rows.extend_from_slice(arrived);
        sort_and_collapse(&mut rows);
        let kind = tenant.state.lock().index.spec(local).map_or(SeriesKind::Gauge, |s| s.kind);
        raw.push(local, kind, &rows)?;
        let hours = touched_hours(&rows, |t| reader.successor(local, t))?;
        let mut buckets: [Vec<RollupRow>; 2] = Default::default();
        for hour in hours {
            let read = reader.raw(local, &rows, hour, true)?;
            for (bucket, resolution) in buckets.iter_mut().zip(Resolution::ROLLUPS) {
                bucket.extend(roll_up(read.before.as_ref(), &read.rows, resolution.width()));
            }
        }
        for (writer, buckets) in rollups.iter_mut().zip(&buckets) {
            writer.push(local, kind, buckets)?;
        }
    }
    let [five, hour] = rollups;
    let open = |path: Option<PathBuf>, resolution| path.map(|p| Segment::open(&p, resolution, 0)).transpose();
    let segments = [
        open(raw.finish()?, Resolution::Raw)?,
        open(five.finish()?, Resolution::FiveMinutes)?,
        open(hour.finish()?, Resolution::Hour)?,
    ];
    sync_dir(&tenant.dir)?;
    Ok(Sealed { segments, series_bytes, series_logged })
}

/// Appends series that the series log does not have; returns its length and their number.
fn log_series(tenant: &Tenant) -> io::Result<(u64, u32)> {
    let (from, bytes, new): (u32, u64, Vec<SeriesSpec>) = {
        let state = tenant.state.lock();
        (state.series_logged, state.series_bytes, state.index.since(state.series_logged).to_vec())
    };
    if new.is_empty() {
        return Ok((bytes, from));
    }
    make_dir(&tenant.dir)?;
    let mut records = Vec::new();
    for (spec, local) in new.iter().zip(from..) {
        wal::frame(&mut records, |out| wal::encode_series(out, tenant.number, local, spec))
            .ok_or(io::ErrorKind::FileTooLarge)?;
    }
    let path = tenant.dir.join(SERIES_LOG);
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    // A crash may have left more than the manifest vouches for.
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes))?;
    file.write_all(&records)?;
    file.sync_all()?;
    sync_dir(&tenant.dir)?;
    let logged = from.saturating_add(u32::try_from(new.len()).unwrap_or(u32::MAX));
    Ok((bytes + long(records.len()), logged))
}

impl Sealed {
    /// Adds what was sealed to a tenant, in the step in which the rows leave memory.
    pub(crate) fn publish(self, tenant: &Tenant) {
        let mut state = tenant.state.lock();
        for (list, segment) in state.segments.iter_mut().zip(self.segments) {
            list.extend(segment.map(Arc::new));
        }
        state.series_bytes = self.series_bytes;
        state.series_logged = self.series_logged;
        state.sealing = None;
    }
}
