//! The engine against a sorted map: any order of appends, seals and reopenings gives the same answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use atalaya_metrics::{EmbeddedStore, Function, Mark, MetricStore, Options, Selector, SeriesKind, increase};
use proptest::prelude::*;

use crate::support::*;

/// Start of the time in which the samples lie: an hour's start, one day ago.
const START: i64 = NOW - DAY;
/// Samples lie within so many seconds of it; few moments, so that duplicates and late ones are common.
const SPAN_S: i64 = 4 * 3600;

#[derive(Debug, Clone)]
enum Action {
    Append(usize, Vec<(i64, f64, Option<Mark>)>),
    Checkpoint,
    Reopen,
}

fn samples() -> impl Strategy<Value = Vec<(i64, f64, Option<Mark>)>> {
    let time = (1..=SPAN_S / 40).prop_map(|i| START + i * 40_000);
    let value = (0u32..1000).prop_map(f64::from);
    let mark = prop_oneof![8 => Just(None), 1 => Just(Some(Mark::Reset)), 1 => Just(Some(Mark::Wrap32))];
    prop_oneof![
        2 => prop::collection::vec((time, value.clone(), mark.clone()), 1..12),
        // A run in order, as live data comes.
        3 => (1..SPAN_S / 40 - 30, prop::collection::vec((value, mark), 1..30)).prop_map(|(first, values)| {
            let numbered = values.into_iter().zip(first..);
            numbered.map(|((value, mark), i)| (START + i * 40_000, value, mark)).collect()
        }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0usize..3, samples()).prop_map(|(series, samples)| Action::Append(series, samples)),
        2 => Just(Action::Checkpoint),
        1 => Just(Action::Reopen),
    ]
}

type Model = BTreeMap<i64, (f64, Option<Mark>)>;

/// What the function is over (from, to] by the letter of the definition.
fn expected(model: &Model, from: i64, to: i64, function: Function) -> Option<f64> {
    let mut steps: Vec<(i64, f64)> = Vec::new();
    let mut before: Option<(i64, f64)> = None;
    for (&t, &(value, mark)) in model {
        if let Some((then, was)) = before.filter(|_| t > from && t <= to) {
            steps.push((t - then, increase(was, value, mark)));
        }
        before = Some((t, value));
    }
    let values: Vec<f64> = model.range(from + 1..=to).map(|(_, (value, _))| *value).collect();
    let rise: f64 = steps.iter().map(|s| s.1).sum();
    let seconds = steps.iter().map(|s| s.0).sum::<i64>() / 1000;
    let seconds = f64::from(i32::try_from(seconds).unwrap());
    let count = f64::from(i32::try_from(values.len()).unwrap());
    match function {
        Function::Raw | Function::Last => values.last().copied(),
        Function::Min => values.iter().copied().reduce(f64::min),
        Function::Max => values.iter().copied().reduce(f64::max),
        Function::Avg => (count > 0.0).then(|| values.iter().sum::<f64>() / count),
        Function::Increase => (!steps.is_empty()).then_some(rise),
        Function::Rate => (!steps.is_empty()).then(|| rise / seconds),
    }
}

async fn check(store: &dyn MetricStore, models: &[Model; 3]) -> Result<(), TestCaseError> {
    let t = tenant("ten_a");
    for (device, model) in ["r0", "r1", "r2"].into_iter().zip(models) {
        let selector = || Selector::all().label("device", device);
        let raw = points(store, &t, selector(), (0, NOW, 1), Function::Raw).await;
        let all: Vec<(i64, f64)> = model.iter().map(|(&t, &(value, _))| (t, value)).collect();
        prop_assert_eq!(raw, all);
        let newest = store.last(&t, &selector()).await.unwrap();
        let newest = newest.first().map(|l| (l.sample.t_ms, l.sample.value));
        prop_assert_eq!(newest, model.last_key_value().map(|(&t, &(value, _))| (t, value)));
        // 7 minutes is served by raw samples, 10 by five-minute buckets, 60 and 120 by hours; the last one starts late.
        for (step, skip) in [(7, 0), (10, 0), (60, 0), (120, 0), (60, 90)] {
            let step = step * MINUTE;
            let first = START + skip * MINUTE + step;
            for function in [
                Function::Increase,
                Function::Rate,
                Function::Avg,
                Function::Min,
                Function::Max,
                Function::Last,
            ] {
                let found =
                    points(store, &t, selector(), (first, START + SPAN_S * 1000, step), function).await;
                let ends = (0..).map(|k| first + k * step).take_while(|end| *end <= START + SPAN_S * 1000);
                let wanted: Vec<(i64, f64)> =
                    ends.filter_map(|end| Some((end, expected(model, end - step, end, function)?))).collect();
                let close = found.len() == wanted.len()
                    && found
                        .iter()
                        .zip(&wanted)
                        .all(|(f, w)| f.0 == w.0 && (f.1 - w.1).abs() <= 1e-9 * w.1.abs());
                prop_assert!(close, "{device} {function:?} step {step}: {found:?} instead of {wanted:?}");
            }
        }
    }
    Ok(())
}

async fn run(actions: Vec<Action>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { merge_width: 3, ..Options::default() };
    let clock = TestClock::at(NOW);
    let open = || EmbeddedStore::open(dir.path(), options.clone(), Arc::clone(&clock) as Arc<_>).unwrap();
    let t = tenant("ten_a");
    let specs = [counter("r0"), gauge("r1"), spec("octets", "r2", SeriesKind::Counter)];
    let mut store = open();
    let mut ids = store.register(&t, &specs).await.unwrap();
    let mut models: [Model; 3] = Default::default();
    for (action, sequence) in actions.into_iter().zip(1u64..) {
        match action {
            Action::Append(series, samples) => {
                let plain: Vec<(i64, f64)> = samples.iter().map(|s| (s.0, s.1)).collect();
                let marks: Vec<(usize, Mark)> =
                    samples.iter().enumerate().filter_map(|(i, s)| Some((i, s.2?))).collect();
                append_marked(&store, &t, sequence, ids[series], &plain, &marks).await;
                models[series].extend(samples.into_iter().map(|(t, value, mark)| (t, (value, mark))));
            }
            Action::Checkpoint => store.checkpoint().await.unwrap(),
            Action::Reopen => {
                drop(store);
                store = open();
                ids = store.register(&t, &specs).await.unwrap();
            }
        }
        check(&store, &models).await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_store_is_a_sorted_map(actions in prop::collection::vec(action(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(actions))?;
    }
}
