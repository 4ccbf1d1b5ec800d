//! The thread that seals, merges and forgets.
//!
//! It alone writes segments and the manifest. A failure there makes the log fail: a store that can only take samples and
//! never seal them would end in a full memory and a full disk, so it says so at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::engine::{Engine, Orders};
use super::head::Head;
use super::manifest::{Manifest, SegmentEntry, TenantEntry};
use super::recovery::quarantine_file;
use super::resolution::Resolution;
use super::row::{RawRow, RollupRow};
use super::segment::{Cursor, Segment, merge};
use super::tenant::{Reader, Sealed, Tenant, directory, is_tenant, seal};

/// How often age is looked at when nobody asks.
const TICK: Duration = Duration::from_secs(1);
/// Merges after which a segment is left alone.
const TOP_LEVEL: u8 = 4;

/// The thread's own state.
pub(crate) struct Maintenance {
    engine: Arc<Engine>,
    manifest: Manifest,
}

/// One tenant at the moment of a checkpoint.
struct Job {
    tenant: Arc<Tenant>,
    head: Option<Arc<Head>>,
    entry: TenantEntry,
}

impl Maintenance {
    pub(crate) fn new(engine: Arc<Engine>, manifest: Manifest) -> Self {
        Self { engine, manifest }
    }

    /// Works until the store is closed.
    pub(crate) fn run(mut self) {
        let engine = Arc::clone(&self.engine);
        let guard = FailOnPanic(&engine);
        loop {
            let waiting = {
                let mut orders = engine.orders.lock();
                if !orders.closing && !self.is_asked(&orders) {
                    engine.ordered.wait_for(&mut orders, TICK);
                }
                if orders.closing {
                    break;
                }
                if !self.is_asked(&orders) {
                    continue;
                }
                orders.seal = false;
                std::mem::take(&mut orders.checkpoint)
            };
            let result = self.maintain().map_err(|error| {
                tracing::error!(%error, dir = %engine.dir.display(), "the metrics store cannot be maintained");
                let why = format!("samples cannot be sealed: {error}");
                engine.log.fail(&why);
                Arc::from(why.as_str())
            });
            engine.space.notify_waiters();
            let failed = result.is_err();
            for done in waiting {
                // Whoever asked may be gone; the work is done all the same.
                let _ = done.send(result.clone());
            }
            if failed {
                break;
            }
        }
        std::mem::forget(guard);
        engine.stop_taking_orders();
    }

    fn is_asked(&self, orders: &Orders) -> bool {
        orders.seal || !orders.checkpoint.is_empty() || self.engine.is_full() || self.head_is_old()
    }

    fn head_is_old(&self) -> bool {
        let since = self.engine.head_since.load(Ordering::Relaxed);
        let now = self.engine.clock.now_ms();
        since != i64::MAX && now.saturating_sub(since) >= self.engine.options.head_age_ms
    }

    fn maintain(&mut self) -> io::Result<()> {
        if let Some(why) = self.engine.log.failure() {
            return Err(io::Error::other(why.to_string()));
        }
        self.checkpoint()?;
        self.drop_expired()?;
        self.merge_all()
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        let engine = Arc::clone(&self.engine);
        let (jobs, floor, position, next_tenant) = {
            let tenants = engine.tenants.write();
            let (floor, position) = engine.log.rotate();
            engine.head_since.store(i64::MAX, Ordering::Relaxed);
            let jobs: Vec<Job> = tenants.by_key.values().map(|t| self.job(t)).collect();
            (jobs, floor, position, tenants.next)
        };
        let mut manifest = Manifest::default();
        (manifest.log_floor, manifest.next_tenant) = (floor, next_tenant);
        manifest.next_segment = self.manifest.next_segment;
        let mut sealed: Vec<(Arc<Tenant>, Sealed, u64)> = Vec::new();
        for Job { tenant, head, mut entry } in jobs {
            let head = head.unwrap_or_default();
            let reader = Reader::new(&tenant.state.lock().segments, &engine.counters);
            let made = seal(&tenant, &head, reader, |resolution| name(&mut manifest, resolution))?;
            entry.series_bytes = made.series_bytes;
            for (list, segment) in entry.segments.iter_mut().zip(&made.segments) {
                list.extend(segment.as_ref().map(entry_of));
            }
            manifest.tenants.push(entry);
            sealed.push((tenant, made, head.samples));
        }
        manifest.save(&engine.dir)?;
        self.manifest = manifest;
        for (tenant, made, samples) in sealed {
            made.publish(&tenant);
            engine.head_samples.fetch_sub(samples, Ordering::Relaxed);
        }
        self.remove_deleted_tenants()?;
        engine.log.durable_blocking(position).map_err(|why| io::Error::other(why.to_string()))?;
        engine.log.remove_before(floor)
    }

    /// Moves a tenant's head aside and notes what the log before this moment amounts to.
    fn job(&self, tenant: &Arc<Tenant>) -> Job {
        let mut state = tenant.state.lock();
        let head = (state.head.samples > 0).then(|| Arc::new(std::mem::take(&mut state.head)));
        state.sealing.clone_from(&head);
        let list = |r: Resolution| state.segments[r.index()].iter().map(|s| entry_of(s)).collect();
        let entry = TenantEntry {
            number: tenant.number,
            key: tenant.key.as_str().to_owned(),
            series_bytes: state.series_bytes,
            received: state.received.export(),
            segments: Resolution::ALL.map(list),
        };
        Job { tenant: Arc::clone(tenant), head, entry }
    }

    /// Directories of tenants that the manifest does not name any more.
    fn remove_deleted_tenants(&self) -> io::Result<()> {
        let live: Vec<_> =
            self.manifest.tenants.iter().map(|t| directory(&self.engine.dir, t.number)).collect();
        for entry in std::fs::read_dir(&self.engine.dir)? {
            let path = entry?.path();
            if is_tenant(&path) && !live.contains(&path) {
                std::fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.engine.tenants.read().by_key.values().cloned().collect()
    }

    /// Replaces `range` of a tenant's segments by `by`, in the manifest and then in memory; returns what went.
    fn replace_segments(
        &mut self,
        tenant: &Tenant,
        resolution: Resolution,
        range: std::ops::Range<usize>,
        by: Option<Segment>,
    ) -> io::Result<Vec<Arc<Segment>>> {
        let Some(entry) = self.manifest.tenants.iter_mut().find(|t| t.number == tenant.number) else {
            return Ok(Vec::new());
        };
        entry.segments[resolution.index()].splice(range.clone(), by.as_ref().map(entry_of));
        self.manifest.save(&self.engine.dir)?;
        let mut state = tenant.state.lock();
        Ok(state.segments[resolution.index()].splice(range, by.map(Arc::new)).collect())
    }

    fn drop_expired(&mut self) -> io::Result<()> {
        let now = self.engine.clock.now_ms();
        for tenant in self.tenants() {
            for resolution in Resolution::ALL {
                let horizon = self.engine.options.horizon(resolution, now);
                let expired = |s: &Arc<Segment>| s.max_t < horizon;
                loop {
                    let at = tenant.state.lock().segments[resolution.index()].iter().position(expired);
                    let Some(at) = at else { break };
                    for gone in self.replace_segments(&tenant, resolution, at..at + 1, None)? {
                        gone.retire();
                    }
                }
            }
        }
        Ok(())
    }

    fn merge_all(&mut self) -> io::Result<()> {
        for tenant in self.tenants() {
            if !self.manifest.tenants.iter().any(|t| t.number == tenant.number) {
                continue;
            }
            for resolution in Resolution::ALL {
                loop {
                    let segments = tenant.state.lock().segments[resolution.index()].clone();
                    let width = self.engine.options.merge_width;
                    let Some(run) = run_to_merge(&segments, width, resolution.max_span()) else { break };
                    self.merge_run(&tenant, resolution, &segments[run.clone()], run)?;
                }
            }
        }
        Ok(())
    }

    fn merge_run(
        &mut self,
        tenant: &Tenant,
        resolution: Resolution,
        sources: &[Arc<Segment>],
        run: std::ops::Range<usize>,
    ) -> io::Result<()> {
        let counters = &self.engine.counters;
        let mut cursors: Vec<Cursor> =
            sources.iter().map(|s| Cursor::new(Arc::clone(s), Arc::clone(counters))).collect();
        let path = tenant.dir.join(name(&mut self.manifest, resolution));
        let merged = match resolution {
            Resolution::Raw => merge::<RawRow>(&mut cursors, &path, resolution)?,
            Resolution::FiveMinutes | Resolution::Hour => {
                merge::<RollupRow>(&mut cursors, &path, resolution)?
            }
        };
        let level = sources.iter().map(|s| s.level).max().unwrap_or(0).saturating_add(1);
        let merged = merged.map(|path| Segment::open(&path, resolution, level)).transpose()?;
        super::disk::sync_dir(&tenant.dir)?;
        let gone = self.replace_segments(tenant, resolution, run, merged)?;
        for (segment, cursor) in gone.iter().zip(&cursors) {
            if cursor.damaged {
                self.engine.counters.damaged_segments.fetch_add(1, Ordering::Relaxed);
                quarantine_file(&self.engine.dir, &segment.path)?;
            } else {
                segment.retire();
            }
        }
        Ok(())
    }
}

fn entry_of(segment: &Segment) -> SegmentEntry {
    let file = segment.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    SegmentEntry { file, level: segment.level }
}

fn name(manifest: &mut Manifest, resolution: Resolution) -> String {
    let number = manifest.next_segment;
    manifest.next_segment += 1;
    format!("{}-{number:012}", resolution.name())
}

/// First run of `width` neighbours of one level whose time together is not too long.
///
/// Neighbours, because order decides which of two rows with one time is right.
fn run_to_merge(segments: &[Arc<Segment>], width: usize, max_span: i64) -> Option<std::ops::Range<usize>> {
    let fits = |run: &[Arc<Segment>]| {
        let level = run[0].level;
        let start = run.iter().map(|s| s.min_t).min().unwrap_or(0);
        let end = run.iter().map(|s| s.max_t).max().unwrap_or(0);
        level < TOP_LEVEL && run.iter().all(|s| s.level == level) && end.saturating_sub(start) <= max_span
    };
    let width = width.max(2);
    let at = segments.windows(width).position(fits)?;
    Some(at..at + width)
}

/// Nobody may wait for ever for a thread that is gone.
struct FailOnPanic<'a>(&'a Engine);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        self.0.log.fail("the maintenance thread panicked");
        self.0.space.notify_waiters();
        self.0.stop_taking_orders();
    }
}
