//! `/metrics/*`: what was measured, of the caller's tenant and within its scope.
//!
//! The tenant is a parameter of the store and no label, so no selector reaches another one's data. A scope of sites is a
//! condition on the label that the gateway wrote; a customer's scope sees no equipment.

mod parameters;

use atalaya_kernel::{
    Ctx, Error, Permission, Scope, Validation,
    http::{Json, Problem, Query},
    ids::DeviceId,
};
use atalaya_metrics::{
    Function, LabelledPoints, LabelledSample, Labels, METRIC_NAME, MetricStore, Point, RangeQuery, Selector,
    StoreError, TenantKey, Test, TopQuery, Window,
};
use axum::Extension;
use parameters::{duration, moment, with_labels};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// See measurements.
pub(crate) const READ: Permission = Permission::new("metrics.read");

/// Raw samples of one answer at most; computed points are bounded by the store.
const MAX_RAW_POINTS: usize = 200_000;
/// Series of a ranking at most.
const MAX_TOP: usize = 100;

pub(crate) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(range))
        .routes(routes!(last))
        .routes(routes!(top))
        .routes(routes!(series))
}

/// What is computed from the samples of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Computed {
    Raw,
    Last,
    Avg,
    Max,
    Min,
    Rate,
    Increase,
}

impl From<Computed> for Function {
    fn from(computed: Computed) -> Self {
        match computed {
            Computed::Raw => Self::Raw,
            Computed::Last => Self::Last,
            Computed::Avg => Self::Avg,
            Computed::Max => Self::Max,
            Computed::Min => Self::Min,
            Computed::Rate => Self::Rate,
            Computed::Increase => Self::Increase,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RangeParams {
    /// Name of the metric.
    #[param(example = "interface_receive_bytes_total")]
    metric: String,
    /// Only of this device.
    device: Option<DeviceId>,
    /// Start, RFC 3339 or Unix ms.
    from: String,
    /// End, RFC 3339 or Unix ms.
    to: String,
    /// Distance of points: `60s`, `5m`, `1h`, or ms.
    #[param(example = "5m")]
    step: Option<String>,
    /// What a point tells; `avg` when absent.
    #[param(inline)]
    r#fn: Option<Computed>,
    /// Other labels, `name:value,name:value`.
    #[param(example = "interface:ether1")]
    labels: Option<String>,
}

/// One series.
#[derive(Debug, Serialize, ToSchema)]
struct SeriesPoints {
    /// Its labels.
    labels: BTreeMap<String, String>,
    /// `[Unix ms, value]`, ascending; null where nothing was measured.
    points: Vec<(i64, Option<f64>)>,
}

/// Points over time.
#[derive(Debug, Serialize, ToSchema)]
struct RangeAnswer {
    /// One per set of labels.
    series: Vec<SeriesPoints>,
    /// Distance of points, ms.
    step_ms: i64,
    /// `raw` for samples as stored, else the distance of points.
    #[schema(example = "raw")]
    resolution: String,
}

/// One value.
#[derive(Debug, Serialize, ToSchema)]
struct SeriesValue {
    /// Its labels, the metric's name as `__name__`.
    labels: BTreeMap<String, String>,
    /// Unix ms.
    t: i64,
    /// Value.
    #[schema(example = 42.5)]
    value: f64,
}

/// Values.
#[derive(Debug, Serialize, ToSchema)]
struct Values {
    /// One per set of labels.
    series: Vec<SeriesValue>,
}

/// Which series there are.
#[derive(Debug, Serialize, ToSchema)]
struct Known {
    /// Their labels, the metric's name as `__name__`.
    series: Vec<BTreeMap<String, String>>,
}

/// Points over time.
#[utoipa::path(get, path = "/metrics/range", tag = "metrics", params(RangeParams),
    responses((status = 200, body = RangeAnswer), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("metrics.read"))))]
async fn range(
    ctx: Ctx,
    Extension(store): Extension<Arc<dyn MetricStore>>,
    Query(asked): Query<RangeParams>,
) -> Result<Json<RangeAnswer>, Error> {
    ctx.authorize(READ)?;
    let mut validation = Validation::new();
    let from_ms = moment(&mut validation, "?from", &asked.from);
    let to_ms = moment(&mut validation, "?to", &asked.to);
    let step_ms = asked.step.as_deref().map_or(60_000, |text| duration(&mut validation, "?step", text));
    let selector = selector(&ctx, &asked.metric, asked.device.as_ref())?;
    let selector = with_labels(&mut validation, selector, asked.labels.as_deref());
    validation.finish()?;
    let function = Function::from(asked.r#fn.unwrap_or(Computed::Avg));
    // Aligned to the step, so that a chart that moves on shows the same points and roll-ups can serve it.
    let from_ms =
        if function == Function::Raw { from_ms } else { from_ms - from_ms.rem_euclid(step_ms.max(1)) };
    let query = RangeQuery { selector, from_ms, to_ms, step_ms, function };
    let found = store.range(&tenant(&ctx)?, &query).await.map_err(refused)?;
    if function == Function::Raw
        && found.iter().map(|series| series.points.len()).sum::<usize>() > MAX_RAW_POINTS
    {
        return Err(Error::invalid(
            "?from",
            "too_large",
            "too many samples: ask for less time, or for computed points",
        ));
    }
    let raw = function == Function::Raw;
    let series = found.into_iter().map(|series| points(series, (!raw).then_some(&query))).collect();
    let resolution = if raw { "raw".to_owned() } else { format!("{}s", step_ms / 1_000) };
    Ok(Json(RangeAnswer { series, step_ms, resolution }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LastParams {
    /// Name of the metric.
    #[param(example = "device_up")]
    metric: String,
    /// Only of this device.
    device: Option<DeviceId>,
}

/// Newest value of each series.
#[utoipa::path(get, path = "/metrics/last", tag = "metrics", params(LastParams),
    responses((status = 200, body = Values), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("metrics.read"))))]
async fn last(
    ctx: Ctx,
    Extension(store): Extension<Arc<dyn MetricStore>>,
    Query(asked): Query<LastParams>,
) -> Result<Json<Values>, Error> {
    ctx.authorize(READ)?;
    let selector = selector(&ctx, &asked.metric, asked.device.as_ref())?;
    let found = store.last(&tenant(&ctx)?, &selector).await.map_err(refused)?;
    Ok(Json(values(found)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TopParams {
    /// Name of the metric.
    #[param(example = "interface_receive_bytes_total")]
    metric: String,
    /// What is compared; `last` when absent.
    #[param(inline)]
    r#fn: Option<Computed>,
    /// Over what time, up to now: `5m`, `1h`.
    #[param(example = "5m")]
    window: Option<String>,
    /// How many, 1 to 100; 10 when absent.
    n: Option<usize>,
}

/// The series with the greatest values.
#[utoipa::path(get, path = "/metrics/top", tag = "metrics", params(TopParams),
    responses((status = 200, body = Values), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("metrics.read"))))]
async fn top(
    ctx: Ctx,
    Extension(store): Extension<Arc<dyn MetricStore>>,
    Query(asked): Query<TopParams>,
) -> Result<Json<Values>, Error> {
    ctx.authorize(READ)?;
    let mut validation = Validation::new();
    let window_ms =
        asked.window.as_deref().map_or(300_000, |text| duration(&mut validation, "?window", text));
    let count = asked.n.unwrap_or(10);
    validation.check((1..=MAX_TOP).contains(&count), "?n", "out_of_range", format!("1 to {MAX_TOP}"));
    validation.finish()?;
    let to_ms = ctx.now().as_millis();
    let query = TopQuery {
        selector: selector(&ctx, &asked.metric, None)?,
        window: Window { from_ms: to_ms.saturating_sub(window_ms), to_ms },
        count,
        function: asked.r#fn.unwrap_or(Computed::Last).into(),
    };
    let found = store.top(&tenant(&ctx)?, &query).await.map_err(refused)?;
    Ok(Json(values(found)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SeriesParams {
    /// Only of this device.
    device: Option<DeviceId>,
}

/// Which series there are.
#[utoipa::path(get, path = "/metrics/series", tag = "metrics", params(SeriesParams),
    responses((status = 200, body = Known), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("metrics.read"))))]
async fn series(
    ctx: Ctx,
    Extension(store): Extension<Arc<dyn MetricStore>>,
    Query(asked): Query<SeriesParams>,
) -> Result<Json<Known>, Error> {
    ctx.authorize(READ)?;
    let selector = within_scope(&ctx, Selector::all(), asked.device.as_ref())?;
    let found = store.series(&tenant(&ctx)?, &selector).await.map_err(refused)?;
    Ok(Json(Known { series: found.iter().map(|labels| shown(labels, true)).collect() }))
}

fn tenant(ctx: &Ctx) -> Result<TenantKey, Error> {
    TenantKey::new(ctx.tenant().as_str()).map_err(Error::internal)
}

fn selector(ctx: &Ctx, metric: &str, device: Option<&DeviceId>) -> Result<Selector, Error> {
    within_scope(ctx, Selector::metric(metric), device)
}

fn within_scope(ctx: &Ctx, selector: Selector, device: Option<&DeviceId>) -> Result<Selector, Error> {
    let selector = match ctx.scope() {
        Scope::All => selector,
        Scope::Sites(sites) => {
            selector.with("site", Test::In(sites.iter().map(ToString::to_string).collect()))
        }
        Scope::Partner(_) | Scope::Customer(_) => return Err(Error::Forbidden(READ.0)),
    };
    Ok(match device {
        Some(device) => selector.label("device", device.as_str()),
        None => selector,
    })
}

fn refused(error: StoreError) -> Error {
    match error {
        StoreError::Query(error) => Error::invalid("?", "refused", error.to_string()),
        StoreError::Read(_) | StoreError::Failed(_) => {
            tracing::error!(%error, "metrics could not be read");
            Error::Unavailable("measurements cannot be read at present".to_owned())
        }
        error => Error::internal(error),
    }
}

fn shown(labels: &Labels, with_name: bool) -> BTreeMap<String, String> {
    let pairs = labels.iter().filter(|(name, _)| with_name || *name != METRIC_NAME);
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn values(found: Vec<LabelledSample>) -> Values {
    let series = found.into_iter().map(|sample| SeriesValue {
        labels: shown(&sample.labels, true),
        t: sample.sample.t_ms,
        value: sample.sample.value,
    });
    Values { series: series.collect() }
}

/// Computed points get their empty windows back, so that a chart breaks its line there.
fn points(series: LabelledPoints, grid: Option<&RangeQuery>) -> SeriesPoints {
    let labels = shown(&series.labels, false);
    let plain = |point: &Point| (point.t_ms, Some(point.value));
    let points = match (grid, series.points.first(), series.points.last()) {
        (Some(query), Some(first), Some(last)) if query.step_ms > 0 => {
            let known: BTreeMap<i64, f64> =
                series.points.iter().map(|point| (point.t_ms, point.value)).collect();
            let mut filled = Vec::with_capacity(known.len());
            let mut at = first.t_ms;
            while at <= last.t_ms {
                filled.push((at, known.get(&at).copied()));
                at = at.saturating_add(query.step_ms);
            }
            filled
        }
        _ => series.points.iter().map(plain).collect(),
    };
    SeriesPoints { labels, points }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_null() {
        let labels = Labels::new("up", [("device", "d")]).unwrap();
        let point = |t_ms, value| Point { t_ms, value };
        let found = LabelledPoints { labels, points: vec![point(10, 1.0), point(30, 2.0)] };
        let query = RangeQuery {
            selector: Selector::all(),
            from_ms: 0,
            to_ms: 40,
            step_ms: 10,
            function: Function::Avg,
        };
        assert_eq!(points(found, Some(&query)).points, [(10, Some(1.0)), (20, None), (30, Some(2.0))]);
    }
}
