//! `/devices/{id}/imports`, `/imports/{id}` and `/import-patterns`.

use super::{
    Decided, Import, ImportChange, ImportPattern, ImportRow, ImportSummary, NewImport, NewPattern, RowResult,
    RowsWanted, decisions, job, patterns, rules::Bin, service,
};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, OptionalJson, Path, Problem, Query, Versioned},
    ids::{DeviceId, ImportId, ImportPatternId},
    page::{Page, PageQuery},
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of imports.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, change, close))
        .routes(routes!(rows))
        .routes(routes!(decide))
        .routes(routes!(refresh))
        .routes(routes!(run))
        .routes(routes!(undo))
        .routes(routes!(pattern_create, pattern_list))
        .routes(routes!(pattern_delete))
}

type Shown = Result<Versioned<Import>, Error>;

fn shown(import: Import) -> Versioned<Import> {
    Versioned(import.version, import)
}

/// Begins an import from the newest reading of a device. Nothing is made yet.
#[utoipa::path(post, path = "/devices/{id}/imports", tag = "imports", params(("id" = DeviceId, Path)),
    request_body(content = Option<NewImport>, example = json!({})),
    responses((status = 201, body = Import), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn create(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    OptionalJson(new): OptionalJson<NewImport>,
) -> Result<(StatusCode, Versioned<Import>), Error> {
    Ok((StatusCode::CREATED, shown(service::import_create(&ctx, &id, &new).await?)))
}

/// Imports of a device, newest first.
#[utoipa::path(get, path = "/devices/{id}/imports", tag = "imports", params(("id" = DeviceId, Path), PageQuery),
    responses((status = 200, body = Page<ImportSummary>), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn list(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ImportSummary>>, Error> {
    service::imports_list(&ctx, &id, &page).await.map(Json)
}

/// An import, with what would be done: the dry run.
#[utoipa::path(get, path = "/imports/{id}", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 200, body = Import), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn get(ctx: Ctx, Path(id): Path<ImportId>) -> Shown {
    service::import_get(&ctx, &id).await.map(shown)
}

/// Says what groups of rows mean, and which plans the services get that are made.
#[utoipa::path(patch, path = "/imports/{id}", tag = "imports",
    params(("id" = ImportId, Path), ("If-Match" = String, Header)),
    request_body(content = ImportChange, example = json!({"answers": [{"group": "disabled/100M/cut", "meaning": "cut"}]})),
    responses((status = 200, body = Import), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn change(
    ctx: Ctx,
    Path(id): Path<ImportId>,
    IfMatch(version): IfMatch,
    Json(change): Json<ImportChange>,
) -> Shown {
    decisions::import_change(&ctx, &id, version, &change).await.map(shown)
}

/// Closes an import: what was made stays, what was left over is let go of.
#[utoipa::path(delete, path = "/imports/{id}", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn close(ctx: Ctx, Path(id): Path<ImportId>) -> Result<StatusCode, Error> {
    service::import_close(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RowsQuery {
    /// Of this bin.
    bin: Option<Bin>,
    /// Of this group.
    #[param(example = "disabled/100M/cut")]
    group: Option<String>,
    /// With this result.
    result: Option<RowResult>,
    /// Only those about which nobody decided and with which nothing was done.
    #[serde(default)]
    undecided: bool,
    /// With this in user, address, equipment or comment.
    #[param(example = "quispe")]
    q: Option<String>,
}

/// Rows of an import, with whose they may be and what would be done with each.
#[utoipa::path(get, path = "/imports/{id}/rows", tag = "imports", params(("id" = ImportId, Path), RowsQuery, PageQuery),
    responses((status = 200, body = Page<ImportRow>), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn rows(
    ctx: Ctx,
    Path(id): Path<ImportId>,
    Query(of): Query<RowsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ImportRow>>, Error> {
    let RowsQuery { bin, group, result, undecided, q } = of;
    let wanted = RowsWanted { bin, group, result, undecided, text: q };
    service::import_rows_list(&ctx, &id, &wanted, &page).await.map(Json)
}

/// Decisions about rows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportDecisions {
    /// 1 to 200.
    rows: Vec<Decided>,
}

/// Decides about rows, many at once.
#[utoipa::path(post, path = "/imports/{id}/decisions", tag = "imports", params(("id" = ImportId, Path)),
    request_body(content = ImportDecisions, example = json!({"rows": [{"row": "secrets/rquispe", "decision": "create"}]})),
    responses((status = 200, body = Import), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn decide(ctx: Ctx, Path(id): Path<ImportId>, Json(decided): Json<ImportDecisions>) -> Shown {
    decisions::import_decide(&ctx, &id, &decided.rows).await.map(shown)
}

/// Compares the rows about which nobody decided with the customers and the patterns that there are now.
#[utoipa::path(post, path = "/imports/{id}/refresh", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 200, body = Import), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn refresh(ctx: Ctx, Path(id): Path<ImportId>) -> Shown {
    decisions::import_refresh(&ctx, &id).await.map(shown)
}

/// What the person saw that would be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportOrder {
    /// Rows that would be done: attached, with a new service, with a new customer.
    #[schema(example = 412)]
    expected_rows: i64,
}

/// Carries out what was decided; a job does it, and the import is open again when it is done.
#[utoipa::path(post, path = "/imports/{id}/run", tag = "imports", params(("id" = ImportId, Path)),
    request_body(content = ImportOrder, example = json!({"expected_rows": 412})),
    responses((status = 202, body = Import), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn run(
    ctx: Ctx,
    Path(id): Path<ImportId>,
    Json(order): Json<ImportOrder>,
) -> Result<(StatusCode, Versioned<Import>), Error> {
    Ok((StatusCode::ACCEPTED, shown(job::import_run(&ctx, &id, order.expected_rows).await?)))
}

/// Takes back what an import made and nobody changed since; a job does it, and the import is closed when it is done.
#[utoipa::path(post, path = "/imports/{id}/undo", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 202, body = Import), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn undo(ctx: Ctx, Path(id): Path<ImportId>) -> Result<(StatusCode, Versioned<Import>), Error> {
    Ok((StatusCode::ACCEPTED, shown(job::import_undo(&ctx, &id).await?)))
}

/// Saves how people write who a row is for.
#[utoipa::path(post, path = "/import-patterns", tag = "imports",
    request_body(content = NewPattern, example = json!({"pattern": "{name} {document} NAP {box}"})),
    responses((status = 201, body = ImportPattern), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn pattern_create(
    ctx: Ctx,
    Json(new): Json<NewPattern>,
) -> Result<(StatusCode, Json<ImportPattern>), Error> {
    Ok((StatusCode::CREATED, Json(patterns::pattern_create(&ctx, &new).await?)))
}

/// Patterns, in the order in which they are tried.
#[utoipa::path(get, path = "/import-patterns", tag = "imports", params(PageQuery),
    responses((status = 200, body = Page<ImportPattern>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn pattern_list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<ImportPattern>>, Error> {
    patterns::patterns_list(&ctx, &page).await.map(Json)
}

/// Removes a pattern.
#[utoipa::path(delete, path = "/import-patterns/{id}", tag = "imports", params(("id" = ImportPatternId, Path)),
    responses((status = 204), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("import.run"))))]
async fn pattern_delete(ctx: Ctx, Path(id): Path<ImportPatternId>) -> Result<StatusCode, Error> {
    patterns::pattern_delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
