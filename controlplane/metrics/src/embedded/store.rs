//! The engine behind the trait.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::thread::JoinHandle;

use async_trait::async_trait;
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::Notify;

use super::disk::make_dir;
use super::engine::{Engine, Orders, Tenants};
use super::maintenance::Maintenance;
use super::options::{OpenError, Options};
use super::recovery::{LOG, Recovered, recover};
use super::stats::{Counters, Stats};
use super::tenant::{Reader, Tenant, View, evaluate_range, evaluate_top, newest};
use super::wal::Log;
use crate::clock::Clock;
use crate::model::{
    AgentKey, AppendAck, Batch, Epoch, LabelledPoints, LabelledSample, Labels, RangeQuery, Selector,
    SequenceRanges, SeriesId, SeriesSpec, TenantKey, TopQuery, Window,
};
use crate::store::{MetricStore, StoreError};

/// A metrics store in a directory of this machine. One instance per directory.
///
/// Dropping it writes what is pending, joins its threads and releases the directory; it blocks for that long.
pub struct EmbeddedStore {
    engine: Arc<Engine>,
    maintenance: Option<JoinHandle<()>>,
}

impl EmbeddedStore {
    /// Opens the store in `dir`, making it if there is none. Reads the log since the last checkpoint: blocks.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if another instance has it; [`OpenError::Unreadable`]; [`OpenError::Io`].
    pub fn open(dir: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::InvalidData => {
                OpenError::Unreadable { path: dir.to_owned(), reason: source.to_string() }
            }
            _ => OpenError::Io { path: dir.to_owned(), source },
        };
        make_dir(dir).map_err(failed)?;
        let lock = File::create(dir.join("LOCK")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let counters = Arc::new(Counters::default());
        let recovered = recover(dir, &counters).map_err(failed)?;
        Self::start(dir, options, clock, counters, recovered, lock).map_err(failed)
    }

    fn start(
        dir: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
        counters: Arc<Counters>,
        recovered: Recovered,
        lock: File,
    ) -> io::Result<Self> {
        let Recovered { manifest, tenants, next_tenant, log_file, damaged } = recovered;
        let log = Log::open(&dir.join(LOG), log_file, Arc::clone(&counters))?;
        let head_samples: u64 = tenants.values().map(|(_, state)| state.head.samples).sum();
        let by_key = tenants.into_iter().map(|(number, (key, state))| {
            let tenant = Tenant::new(number, key.clone(), dir, state);
            (key, tenant)
        });
        let engine = Arc::new(Engine {
            dir: dir.to_owned(),
            head_since: AtomicI64::new(if head_samples > 0 { clock.now_ms() } else { i64::MAX }),
            options,
            clock,
            counters,
            log,
            tenants: RwLock::new(Tenants { by_key: by_key.collect(), next: next_tenant }),
            head_samples: AtomicU64::new(head_samples),
            space: Notify::new(),
            orders: Mutex::new(Orders { seal: damaged, ..Orders::default() }),
            ordered: Condvar::new(),
            _lock: lock,
        });
        let maintenance = Maintenance::new(Arc::clone(&engine), manifest);
        let thread =
            std::thread::Builder::new().name("metrics-seal".into()).spawn(move || maintenance.run())?;
        Ok(Self { engine, maintenance: Some(thread) })
    }

    /// Figures of now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Seals what is in memory, applies retention and merges; returns when that is on disk. The store does so by itself;
    /// this is for before a copy of the directory, and for tests.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.engine.checkpoint().await
    }

    /// Runs a question on the blocking pool; a tenant that is not known has the answer `T::default()`.
    async fn ask<T, F>(
        &self,
        tenant: &TenantKey,
        selector: &Selector,
        window: Window,
        answer: F,
    ) -> Result<T, StoreError>
    where
        T: Default + Send + 'static,
        F: FnOnce(View, Reader, &Engine) -> io::Result<Result<T, StoreError>> + Send + 'static,
    {
        let Some(tenant) = self.engine.tenant(tenant) else { return Ok(T::default()) };
        let (engine, selector) = (Arc::clone(&self.engine), selector.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let view = View::take(&tenant.state.lock(), &selector, window);
            let reader = Reader::new(&view.segments, &engine.counters);
            answer(view, reader, &engine)
        });
        match asked.await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(StoreError::Read(error.to_string().into())),
            Err(error) => Err(StoreError::Read(error.to_string().into())),
        }
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.engine.orders.lock().closing = true;
        self.engine.ordered.notify_all();
        if self.maintenance.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that seals samples panicked");
        }
    }
}

#[async_trait]
impl MetricStore for EmbeddedStore {
    async fn register(&self, tenant: &TenantKey, series: &[SeriesSpec]) -> Result<Vec<SeriesId>, StoreError> {
        self.engine.register(tenant, series)
    }

    async fn append(&self, tenant: &TenantKey, batch: Batch<'_>) -> Result<AppendAck, StoreError> {
        self.engine.space().await?;
        let (ack, position) = self.engine.append(tenant, &batch)?;
        self.engine.durable(position).await?;
        Ok(ack)
    }

    async fn received(
        &self,
        tenant: &TenantKey,
        agent: &AgentKey,
        epoch: Epoch,
    ) -> Result<SequenceRanges, StoreError> {
        let Some(tenant) = self.engine.tenant(tenant) else { return Ok(SequenceRanges::default()) };
        let ranges = tenant.state.lock().received.of(agent, epoch).cloned().unwrap_or_default();
        self.engine.durable(self.engine.log.end()).await?;
        Ok(ranges)
    }

    async fn range(&self, tenant: &TenantKey, query: &RangeQuery) -> Result<Vec<LabelledPoints>, StoreError> {
        query.validate()?;
        let window = Window { from_ms: query.from_ms.saturating_sub(query.step_ms), to_ms: query.to_ms };
        let asked = query.clone();
        self.ask(tenant, &query.selector, window, move |view, reader, engine| {
            let now = engine.clock.now_ms();
            Ok(evaluate_range(view, reader, &asked, &engine.options, now)?.map_err(StoreError::Query))
        })
        .await
    }

    async fn last(&self, tenant: &TenantKey, selector: &Selector) -> Result<Vec<LabelledSample>, StoreError> {
        // An empty window at the end of time: only what comes before it is wanted.
        let window = Window { from_ms: i64::MAX, to_ms: i64::MAX };
        self.ask(tenant, selector, window, |view, reader, _| Ok(Ok(newest(view, reader)?))).await
    }

    async fn top(&self, tenant: &TenantKey, query: &TopQuery) -> Result<Vec<LabelledSample>, StoreError> {
        query.validate()?;
        let asked = query.clone();
        self.ask(tenant, &query.selector, query.window, move |view, reader, engine| {
            let now = engine.clock.now_ms();
            Ok(Ok(evaluate_top(view, reader, &asked, &engine.options, now)?))
        })
        .await
    }

    async fn series(&self, tenant: &TenantKey, selector: &Selector) -> Result<Vec<Labels>, StoreError> {
        let window = Window { from_ms: i64::MAX, to_ms: i64::MAX };
        self.ask(tenant, selector, window, |view, _, _| {
            let mut labels: Vec<Labels> = view.series.into_iter().map(|s| s.labels).collect();
            labels.sort();
            Ok(Ok(labels))
        })
        .await
    }

    async fn delete_tenant(&self, tenant: &TenantKey) -> Result<(), StoreError> {
        let Some(position) = self.engine.tenant_forget(tenant)? else { return Ok(()) };
        self.engine.durable(position).await?;
        self.engine.checkpoint().await
    }
}
