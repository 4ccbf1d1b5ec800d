//! A clock that stands still, and short ways to say what tests say often.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use atalaya_metrics::{
    AgentKey, AppendAck, Batch, BatchIdentity, Clock, Column, EmbeddedStore, Epoch, Function, Labels, Mark,
    MetricStore, Options, Point, RangeQuery, Selector, SeriesId, SeriesKind, SeriesSpec, TenantKey,
};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// 2026-01-01, the moment at which the tests' clock stands.
pub(crate) const NOW: i64 = 1_767_225_600_000;

/// A clock that moves when told to.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now_ms)))
    }

    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, Options::default(), TestClock::at(NOW)).unwrap()
}

pub(crate) fn tenant(name: &str) -> TenantKey {
    TenantKey::new(name).unwrap()
}

pub(crate) fn agent() -> AgentKey {
    AgentKey::new("agt_1").unwrap()
}

pub(crate) const EPOCH: Epoch = Epoch([1; 16]);

pub(crate) fn spec(metric: &str, device: &str, kind: SeriesKind) -> SeriesSpec {
    SeriesSpec { labels: Labels::new(metric, [("device", device)]).unwrap(), kind }
}

pub(crate) fn counter(device: &str) -> SeriesSpec {
    spec("octets", device, SeriesKind::Counter)
}

pub(crate) fn gauge(device: &str) -> SeriesSpec {
    spec("celsius", device, SeriesKind::Gauge)
}

pub(crate) async fn register_one(store: &dyn MetricStore, tenant: &TenantKey, spec: SeriesSpec) -> SeriesId {
    store.register(tenant, &[spec]).await.unwrap()[0]
}

/// Appends samples of one series as batch number `sequence`.
pub(crate) async fn append(
    store: &dyn MetricStore,
    tenant: &TenantKey,
    sequence: u64,
    series: SeriesId,
    samples: &[(i64, f64)],
) -> AppendAck {
    append_marked(store, tenant, sequence, series, samples, &[]).await
}

pub(crate) async fn append_marked(
    store: &dyn MetricStore,
    tenant: &TenantKey,
    sequence: u64,
    series: SeriesId,
    samples: &[(i64, f64)],
    marks: &[(usize, Mark)],
) -> AppendAck {
    let times: Vec<i64> = samples.iter().map(|s| s.0).collect();
    let values: Vec<f64> = samples.iter().map(|s| s.1).collect();
    let columns = [Column { series, times: &times, values: &values, marks }];
    let identity = BatchIdentity { agent: agent(), epoch: EPOCH, sequence };
    store.append(tenant, Batch { identity, columns: &columns }).await.unwrap()
}

/// Points of the only series that `selector` finds; none if it finds none.
pub(crate) async fn points(
    store: &dyn MetricStore,
    tenant: &TenantKey,
    selector: Selector,
    (from_ms, to_ms, step_ms): (i64, i64, i64),
    function: Function,
) -> Vec<(i64, f64)> {
    let query = RangeQuery { selector, from_ms, to_ms, step_ms, function };
    let found = store.range(tenant, &query).await.unwrap();
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|s| pairs(&s.points)).unwrap_or_default()
}

pub(crate) fn pairs(points: &[Point]) -> Vec<(i64, f64)> {
    points.iter().map(|p| (p.t_ms, p.value)).collect()
}

/// All samples of the only series of a metric.
pub(crate) async fn raw(store: &dyn MetricStore, tenant: &TenantKey, metric: &str) -> Vec<(i64, f64)> {
    points(store, tenant, Selector::metric(metric), (0, NOW * 2, 1), Function::Raw).await
}
