//! What every engine must do, whatever it is made of. A second engine adds a line to the macro at the end.

use atalaya_metrics::{
    AgentKey, Batch, BatchIdentity, Column, Epoch, Function, Labels, Mark, MetricStore, QueryError,
    RangeQuery, Selector, SequenceRanges, StoreError, Test, TopQuery, Window,
};

use crate::support::*;

async fn what_is_appended_is_read(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, gauge("r1")).await;
    let samples = [(NOW - 3 * MINUTE, 41.5), (NOW - 2 * MINUTE, -3.25), (NOW - MINUTE, 1e300)];
    let ack = append(store, &t, 1, series, &samples).await;
    assert_eq!((ack.duplicate, ack.stored, ack.quarantined), (false, 3, 0));
    assert_eq!(raw(store, &t, "celsius").await, samples);
    let newest = store.last(&t, &Selector::all()).await.unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!((newest[0].sample.t_ms, newest[0].sample.value), (NOW - MINUTE, 1e300));
    assert_eq!(newest[0].labels.get("device"), Some("r1"));
}

async fn a_batch_counts_once(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, counter("r1")).await;
    assert_eq!(append(store, &t, 7, series, &[(NOW - MINUTE, 1.0)]).await.stored, 1);
    let again = append(store, &t, 7, series, &[(NOW - MINUTE, 1.0)]).await;
    assert!(again.duplicate);
    assert_eq!(again.stored, 0);
    for sequence in [9, 8, 3] {
        append(store, &t, sequence, series, &[(NOW - 2 * MINUTE, 1.0)]).await;
    }
    let received = store.received(&t, &agent(), EPOCH).await.unwrap();
    assert_eq!(received.as_slice(), [(3, 3), (7, 9)]);
    assert_eq!(store.received(&t, &agent(), Epoch([2; 16])).await.unwrap(), SequenceRanges::default());
    let other = AgentKey::new("agt_2").unwrap();
    assert_eq!(store.received(&t, &other, EPOCH).await.unwrap(), SequenceRanges::default());
    assert_eq!(raw(store, &t, "octets").await, [(NOW - 2 * MINUTE, 1.0), (NOW - MINUTE, 1.0)]);
}

async fn late_and_repeated_samples(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, counter("r1")).await;
    append(store, &t, 1, series, &[(NOW - MINUTE, 50.0), (NOW - 5 * MINUTE, 10.0)]).await;
    append(store, &t, 2, series, &[(NOW - 3 * MINUTE, 30.0), (NOW - 5 * MINUTE, 10.0)]).await;
    let expected = [(NOW - 5 * MINUTE, 10.0), (NOW - 3 * MINUTE, 30.0), (NOW - MINUTE, 50.0)];
    assert_eq!(raw(store, &t, "octets").await, expected);
}

async fn impossible_samples_are_set_aside(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, counter("r1")).await;
    let samples = [
        (NOW - 31 * DAY, 1.0),
        (NOW - 29 * DAY, 2.0),
        (NOW + 9 * MINUTE, 3.0),
        (NOW + 11 * MINUTE, 4.0),
        (i64::MAX, 5.0),
        (NOW, f64::NAN),
    ];
    let ack = append(store, &t, 1, series, &samples).await;
    assert_eq!((ack.stored, ack.quarantined), (2, 4));
    assert_eq!(raw(store, &t, "octets").await, [(NOW - 29 * DAY, 2.0), (NOW + 9 * MINUTE, 3.0)]);
    assert!(append(store, &t, 1, series, &samples).await.duplicate);
}

async fn counters_reset_and_wrap(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, counter("r1")).await;
    let base = NOW - HOUR;
    let at = |minute: i64| base + minute * MINUTE;
    let samples = [
        (at(0), 1000.0),
        (at(1), 1600.0),
        (at(2), 300.0),
        (at(3), 4_294_967_000.0),
        (at(4), 704.0),
        (at(5), 900.0),
    ];
    let marks = [(4, Mark::Wrap32), (5, Mark::Reset)];
    append_marked(store, &t, 1, series, &samples, &marks).await;
    let range = (at(0), at(5), MINUTE);
    let increase = points(store, &t, Selector::metric("octets"), range, Function::Increase).await;
    let expected =
        [(at(1), 600.0), (at(2), 300.0), (at(3), 4_294_966_700.0), (at(4), 1000.0), (at(5), 900.0)];
    assert_eq!(increase, expected);
    let rate = points(store, &t, Selector::metric("octets"), (at(1), at(1), MINUTE), Function::Rate).await;
    assert_eq!(rate, [(at(1), 10.0)]);
}

async fn rates_are_right_over_gaps(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, counter("r1")).await;
    let base = NOW - 10 * HOUR;
    append(store, &t, 1, series, &[(base, 0.0), (base + 2 * HOUR, 7200.0)]).await;
    let range = (base + HOUR, base + 3 * HOUR, HOUR);
    let rate = points(store, &t, Selector::all(), range, Function::Rate).await;
    assert_eq!(rate, [(base + 2 * HOUR, 1.0)]);
    let increase = points(store, &t, Selector::all(), range, Function::Increase).await;
    assert_eq!(increase, [(base + 2 * HOUR, 7200.0)]);
}

async fn windows_fold_gauges(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, gauge("r1")).await;
    let base = NOW - HOUR;
    let samples: Vec<(i64, f64)> =
        [4.0, 8.0, 6.0, 1.0, 3.0, 5.0].into_iter().zip(1i64..).map(|(v, i)| (base + i * MINUTE, v)).collect();
    append(store, &t, 1, series, &samples).await;
    let ends = (base + 3 * MINUTE, base + 9 * MINUTE, 3 * MINUTE);
    for (function, first, second) in [
        (Function::Avg, 6.0, 3.0),
        (Function::Min, 4.0, 1.0),
        (Function::Max, 8.0, 5.0),
        (Function::Last, 6.0, 5.0),
    ] {
        let found = points(store, &t, Selector::all(), ends, function).await;
        assert_eq!(found, [(ends.0, first), (ends.0 + 3 * MINUTE, second)], "{function:?}");
    }
}

async fn selectors_find_by_label(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let specs = [gauge("r1"), gauge("r2"), gauge("olt1"), counter("r1")];
    store.register(&t, &specs).await.unwrap();
    let count = async |selector: Selector| store.series(&t, &selector).await.unwrap().len();
    let celsius = || Selector::metric("celsius");
    assert_eq!(count(Selector::all()).await, 4);
    assert_eq!(count(celsius()).await, 3);
    assert_eq!(count(celsius().label("device", "r1")).await, 1);
    assert_eq!(count(celsius().with("device", Test::NotEquals("r1".into()))).await, 2);
    assert_eq!(count(celsius().with("device", Test::Prefix("r".into()))).await, 2);
    assert_eq!(
        count(celsius().with("device", Test::In(vec!["olt1".into(), "r2".into(), "x".into()]))).await,
        2
    );
    assert_eq!(count(Selector::all().with("rack", Test::NotEquals("a".into()))).await, 4);
    assert_eq!(count(Selector::all().with("rack", Test::Equals(String::new()))).await, 4);
    assert_eq!(count(Selector::all().label("rack", "a")).await, 0);
    let labels = store.series(&t, &Selector::metric("octets")).await.unwrap();
    assert_eq!(labels, [Labels::new("octets", [("device", "r1")]).unwrap()]);
}

async fn top_ranks(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let from = NOW - HOUR;
    let mut sequence = 0;
    for (device, rise) in [("a", 10.0), ("b", 30.0), ("c", 20.0), ("d", 30.0)] {
        let series = register_one(store, &t, counter(device)).await;
        sequence += 1;
        append(store, &t, sequence, series, &[(from, 5.0), (from + 30 * MINUTE, 5.0 + rise)]).await;
    }
    let window = Window { from_ms: from, to_ms: NOW };
    let query = TopQuery { selector: Selector::all(), window, count: 3, function: Function::Increase };
    let found = store.top(&t, &query).await.unwrap();
    let ranked: Vec<_> =
        found.iter().map(|f| (f.labels.get("device").unwrap(), f.sample.value, f.sample.t_ms)).collect();
    assert_eq!(ranked, [("b", 30.0, NOW), ("d", 30.0, NOW), ("c", 20.0, NOW)]);
    assert_eq!(store.top(&t, &TopQuery { count: 0, ..query.clone() }).await.unwrap(), []);
    let raw = TopQuery { function: Function::Raw, ..query };
    assert_eq!(store.top(&t, &raw).await, Err(StoreError::Query(QueryError::RankRaw)));
}

async fn tenants_are_apart(store: &dyn MetricStore) {
    let (a, b) = (tenant("ten_a"), tenant("ten_b"));
    let in_a = register_one(store, &a, counter("r1")).await;
    append(store, &a, 1, in_a, &[(NOW - MINUTE, 1.0)]).await;
    assert_eq!(store.series(&b, &Selector::all()).await.unwrap(), []);
    let in_b = register_one(store, &b, counter("r1")).await;
    assert_ne!(in_a, in_b);
    // The same identity in another tenant is another batch.
    assert!(!append(store, &b, 1, in_b, &[(NOW - MINUTE, 2.0)]).await.duplicate);
    assert_eq!(raw(store, &a, "octets").await, [(NOW - MINUTE, 1.0)]);
    assert_eq!(raw(store, &b, "octets").await, [(NOW - MINUTE, 2.0)]);
    // A handle of one tenant is not a handle of another.
    let column = [Column { series: in_a, times: &[NOW], values: &[9.0], marks: &[] }];
    let identity = BatchIdentity { agent: agent(), epoch: EPOCH, sequence: 2 };
    let refused = store.append(&b, Batch { identity, columns: &column }).await;
    assert_eq!(refused, Err(StoreError::UnknownSeries));
    assert_eq!(raw(store, &b, "octets").await, [(NOW - MINUTE, 2.0)]);
}

async fn a_deleted_tenant_is_gone(store: &dyn MetricStore) {
    let (a, b) = (tenant("ten_a"), tenant("ten_b"));
    let old = register_one(store, &a, counter("r1")).await;
    let kept = register_one(store, &b, counter("r1")).await;
    append(store, &a, 1, old, &[(NOW - MINUTE, 1.0)]).await;
    append(store, &b, 1, kept, &[(NOW - MINUTE, 2.0)]).await;
    store.delete_tenant(&a).await.unwrap();
    store.delete_tenant(&a).await.unwrap();
    assert_eq!(store.series(&a, &Selector::all()).await.unwrap(), []);
    assert_eq!(store.received(&a, &agent(), EPOCH).await.unwrap(), SequenceRanges::default());
    // The same key later is a new tenant: nothing of the old is in it, and old handles do not fit.
    let new = register_one(store, &a, counter("r1")).await;
    assert_eq!(raw(store, &a, "octets").await, []);
    let column = [Column { series: old, times: &[NOW], values: &[9.0], marks: &[] }];
    let identity = BatchIdentity { agent: agent(), epoch: EPOCH, sequence: 1 };
    let refused = store.append(&a, Batch { identity, columns: &column }).await;
    assert_eq!(refused, Err(StoreError::UnknownSeries));
    assert!(!append(store, &a, 1, new, &[(NOW, 3.0)]).await.duplicate);
    assert_eq!(raw(store, &b, "octets").await, [(NOW - MINUTE, 2.0)]);
}

async fn nonsense_is_refused(store: &dyn MetricStore) {
    let t = tenant("ten_a");
    let series = register_one(store, &t, counter("r1")).await;
    let identity = || BatchIdentity { agent: agent(), epoch: EPOCH, sequence: 1 };
    let uneven = [Column { series, times: &[NOW, NOW + 1], values: &[1.0], marks: &[] }];
    let refused = store.append(&t, Batch { identity: identity(), columns: &uneven }).await;
    assert!(matches!(refused, Err(StoreError::MalformedBatch(_))), "{refused:?}");
    let stray = [Column { series, times: &[NOW], values: &[1.0], marks: &[(1, Mark::Reset)] }];
    let refused = store.append(&t, Batch { identity: identity(), columns: &stray }).await;
    assert!(matches!(refused, Err(StoreError::MalformedBatch(_))), "{refused:?}");
    let ask = async |from_ms, to_ms, step_ms| {
        let selector = Selector::all();
        let query = RangeQuery { selector, from_ms, to_ms, step_ms, function: Function::Max };
        store.range(&t, &query).await.unwrap_err()
    };
    assert_eq!(ask(0, 1, 0).await, StoreError::Query(QueryError::Step));
    assert_eq!(ask(1, 0, 1).await, StoreError::Query(QueryError::Backwards));
    assert_eq!(ask(i64::MIN, i64::MAX, i64::MAX).await, StoreError::Query(QueryError::Time));
    assert_eq!(ask(0, NOW, 1).await, StoreError::Query(QueryError::TooManyPoints(1_767_225_600_001)));
    // Nothing was stored, and the identity is free.
    assert!(!append(store, &t, 1, series, &[]).await.duplicate);
}

macro_rules! conformance {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                let dir = tempfile::tempdir().unwrap();
                super::$name(&crate::support::open(dir.path())).await;
            })*
        }
    };
}

conformance! {
    a_batch_counts_once,
    a_deleted_tenant_is_gone,
    counters_reset_and_wrap,
    impossible_samples_are_set_aside,
    late_and_repeated_samples,
    nonsense_is_refused,
    rates_are_right_over_gaps,
    selectors_find_by_label,
    tenants_are_apart,
    top_ranks,
    what_is_appended_is_read,
    windows_fold_gauges,
}
