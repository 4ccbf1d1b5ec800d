//! The parts of an opened store, and what appending does with them.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::{Notify, oneshot};

use super::num::long;
use super::options::Options;
use super::row::RawRow;
use super::stats::{Counters, Stats};
use super::tenant::{Tenant, TenantState};
use super::wal::{Log, Position, encode_batch, encode_series, encode_tenant, encode_tenant_deleted};
use crate::clock::Clock;
use crate::model::{AppendAck, Batch, Column, SeriesId, SeriesSpec, TenantKey};
use crate::store::StoreError;

/// An opened store. Lock order: `tenants`, then a tenant's `state`, then the log's own.
pub(crate) struct Engine {
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) log: Log,
    /// Read while a record goes to the log and its rows to the head: whoever writes sees both or neither.
    pub(crate) tenants: RwLock<Tenants>,
    /// Samples in heads and on their way into segments.
    pub(crate) head_samples: AtomicU64,
    /// When the oldest head got its first sample, by our clock; `i64::MAX` when heads are empty.
    pub(crate) head_since: AtomicI64,
    /// Told when heads have been sealed.
    pub(crate) space: Notify,
    pub(crate) orders: Mutex<Orders>,
    pub(crate) ordered: Condvar,
    /// Held as long as the store is open; last, so that the log is closed before another may open it.
    pub(crate) _lock: File,
}

/// Tenants by key.
#[derive(Default)]
pub(crate) struct Tenants {
    pub(crate) by_key: HashMap<TenantKey, Arc<Tenant>>,
    pub(crate) next: u32,
}

/// What the maintenance thread is asked to do.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) closing: bool,
    /// Seal now, and tell these.
    pub(crate) checkpoint: Vec<oneshot::Sender<Result<(), Arc<str>>>>,
    /// Seal now, whatever there is.
    pub(crate) seal: bool,
}

/// What happened to a batch, true once the log is durable up to the position.
pub(crate) type Appended = (AppendAck, Position);

impl Engine {
    pub(crate) fn tenant(&self, key: &TenantKey) -> Option<Arc<Tenant>> {
        self.tenants.read().by_key.get(key).cloned()
    }

    fn check_health(&self) -> Result<(), StoreError> {
        self.log.failure().map_or(Ok(()), |why| Err(StoreError::Failed(why)))
    }

    /// Registers what is not known.
    pub(crate) fn register(
        &self,
        key: &TenantKey,
        series: &[SeriesSpec],
    ) -> Result<Vec<SeriesId>, StoreError> {
        self.check_health()?;
        if !self.tenants.read().by_key.contains_key(key) {
            self.tenant_create(key)?;
        }
        let tenants = self.tenants.read();
        // Deleted between the two locks: the caller's next try makes it anew.
        let tenant = tenants.by_key.get(key).ok_or(StoreError::UnknownSeries)?;
        let mut state = tenant.state.lock();
        let mut ids = Vec::with_capacity(series.len());
        for spec in series {
            let local = match state.index.find(&spec.labels) {
                Some(local) => local,
                None => {
                    let next = state.index.len();
                    if next >= self.options.series_per_tenant {
                        return Err(StoreError::TooManySeries(self.options.series_per_tenant));
                    }
                    self.log
                        .append(|out| encode_series(out, tenant.number, next, spec))
                        .ok_or(StoreError::MalformedBatch("a series is larger than a log record"))?;
                    state.index.insert(spec.clone())
                }
            };
            ids.push(SeriesId { tenant: tenant.number, local });
        }
        Ok(ids)
    }

    fn tenant_create(&self, key: &TenantKey) -> Result<(), StoreError> {
        let mut tenants = self.tenants.write();
        if !tenants.by_key.contains_key(key) {
            let number = tenants.next;
            self.log
                .append(|out| encode_tenant(out, number, key))
                .ok_or(StoreError::MalformedBatch("a tenant is larger than a log record"))?;
            tenants.next = number.checked_add(1).ok_or(StoreError::TooManySeries(u32::MAX))?;
            let tenant = Tenant::new(number, key.clone(), &self.dir, TenantState::default());
            tenants.by_key.insert(key.clone(), tenant);
        }
        Ok(())
    }

    /// Puts a batch into log and head.
    pub(crate) fn append(&self, key: &TenantKey, batch: &Batch<'_>) -> Result<Appended, StoreError> {
        self.check_health()?;
        let now = self.clock.now_ms();
        let oldest = now.saturating_sub(self.options.raw_retention_ms);
        let newest = now.saturating_add(self.options.future_tolerance_ms);
        let accept = |t: i64, value: f64| t >= oldest && t <= newest && value.is_finite();

        let tenants = self.tenants.read();
        let tenant = tenants.by_key.get(key).ok_or(StoreError::UnknownSeries)?;
        let mut state = tenant.state.lock();
        check_columns(batch.columns, tenant.number, state.index.len())?;
        if state.received.contains(&batch.identity) {
            self.counters.duplicate_batches.fetch_add(1, Ordering::Relaxed);
            // Received, but perhaps not durable yet: the acknowledgement waits for that too.
            return Ok((AppendAck { duplicate: true, ..AppendAck::default() }, self.log.end()));
        }
        state.received.check(&batch.identity).map_err(|_| StoreError::TooFragmented)?;
        let (stored, position) = self
            .log
            .append(|out| encode_batch(out, tenant.number, &batch.identity, batch.columns, accept))
            .ok_or(StoreError::MalformedBatch("larger than a log record"))?;
        state.received.insert(&batch.identity);
        for column in batch.columns {
            push_column(&mut state, column, accept);
        }
        drop(state);
        let offered: u64 = batch.columns.iter().map(|c| long(c.times.len())).sum();
        let ack = AppendAck { duplicate: false, stored, quarantined: offered - stored };
        self.counters.stored.fetch_add(stored, Ordering::Relaxed);
        self.counters.quarantined.fetch_add(ack.quarantined, Ordering::Relaxed);
        self.head_since.fetch_min(now, Ordering::Relaxed);
        let held = self.head_samples.fetch_add(stored, Ordering::Relaxed) + stored;
        if held >= self.options.head_samples {
            // Under the lock, so that the thread is either waiting or about to look at the number itself.
            let _orders = self.orders.lock();
            self.ordered.notify_one();
        }
        Ok((ack, position))
    }

    /// Waits while memory is full of samples that have not been sealed.
    pub(crate) async fn space(&self) -> Result<(), StoreError> {
        loop {
            let freed = self.space.notified();
            self.check_health()?;
            if self.head_samples.load(Ordering::Relaxed) < self.options.head_samples.saturating_mul(2) {
                return Ok(());
            }
            freed.await;
        }
    }

    /// Whether heads hold so much that they should be sealed.
    pub(crate) fn is_full(&self) -> bool {
        self.head_samples.load(Ordering::Relaxed) >= self.options.head_samples
    }

    pub(crate) async fn durable(&self, position: Position) -> Result<(), StoreError> {
        self.log.durable(position).await.map_err(StoreError::Failed)
    }

    /// Seals all heads and waits for it.
    pub(crate) async fn checkpoint(&self) -> Result<(), StoreError> {
        self.check_health()?;
        let (done, wait) = oneshot::channel();
        {
            let mut orders = self.orders.lock();
            if !orders.closing {
                orders.checkpoint.push(done);
            }
        }
        self.ordered.notify_one();
        match wait.await {
            Ok(result) => result.map_err(StoreError::Failed),
            Err(_) => {
                Err(StoreError::Failed(self.log.failure().unwrap_or_else(|| "the store is closed".into())))
            }
        }
    }

    /// The thread that takes orders ends: nobody may wait for it any more.
    pub(crate) fn stop_taking_orders(&self) {
        let mut orders = self.orders.lock();
        orders.closing = true;
        orders.checkpoint.clear();
    }

    /// Forgets a tenant in memory and log; a checkpoint removes its files. `None` if there is none.
    pub(crate) fn tenant_forget(&self, key: &TenantKey) -> Result<Option<Position>, StoreError> {
        self.check_health()?;
        let mut tenants = self.tenants.write();
        let Some(tenant) = tenants.by_key.get(key) else { return Ok(None) };
        let number = tenant.number;
        let ((), position) = self
            .log
            .append(|out| encode_tenant_deleted(out, number))
            .ok_or(StoreError::MalformedBatch("larger than a log record"))?;
        tenants.by_key.remove(key);
        Ok(Some(position))
    }

    /// Figures of now.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.counters.snapshot();
        stats.head_samples = self.head_samples.load(Ordering::Relaxed);
        for tenant in self.tenants.read().by_key.values() {
            let state = tenant.state.lock();
            for (i, segments) in state.segments.iter().enumerate() {
                let bytes: u64 = segments.iter().map(|s| s.bytes).sum();
                stats.segments += long(segments.len());
                if i == 0 {
                    stats.raw_bytes += bytes;
                    stats.raw_samples += segments.iter().map(|s| s.rows).sum::<u64>();
                } else {
                    stats.rollup_bytes += bytes;
                }
            }
        }
        stats
    }
}

fn check_columns(columns: &[Column<'_>], tenant: u32, series: u32) -> Result<(), StoreError> {
    for column in columns {
        if column.series.tenant != tenant || column.series.local >= series {
            return Err(StoreError::UnknownSeries);
        }
        if column.times.len() != column.values.len() {
            return Err(StoreError::MalformedBatch("times and values differ in number"));
        }
        if column.marks.iter().any(|(at, _)| *at >= column.times.len()) {
            return Err(StoreError::MalformedBatch("a mark is out of place"));
        }
    }
    Ok(())
}

fn push_column(state: &mut TenantState, column: &Column<'_>, accept: impl Fn(i64, f64) -> bool) {
    let mark = |at: usize| column.marks.iter().rfind(|(marked, _)| *marked == at).map(|(_, mark)| *mark);
    let samples = column.times.iter().zip(column.values).enumerate();
    let accepted = samples.filter(|(_, (t, value))| accept(**t, **value));
    let rows = accepted.map(|(at, (&t, &value))| RawRow::new(t, value, mark(at)));
    state.head.push(column.series.local, rows);
}
