//! `/services`: the decision. The state on the network is shown by the network's and the overview's routes.

use super::{NewService, Service, ServiceList, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Versioned},
    ids::{PlanId, ServiceId},
    list::ListQuery,
    page::Page,
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of services.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(cut))
        .routes(routes!(reconnect))
        .routes(routes!(terminate))
        .routes(routes!(plan_change))
}

/// Services, oldest first unless another order is asked for; those of one customer with `customer`.
#[utoipa::path(get, path = "/services", tag = "services", params(ListQuery<ServiceList>),
    responses((status = 200, body = Page<Service>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("service.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<ServiceList>) -> Result<Json<Page<Service>>, Error> {
    service::services_list(&ctx, &asked).await.map(Json)
}

/// Makes a service.
#[utoipa::path(post, path = "/services", tag = "services", request_body(content = NewService, example = json!({"customer_id": "cus_01jd3k5m7nf8v9q0r1s2t3w4x5", "plan_id": "pln_01jd3k5m7nf8v9q0r1s2t3w4x5", "site_id": "sit_01jd3k5m7nf8v9q0r1s2t3w4x5"})),
    responses((status = 201, body = Service), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("service.write"))))]
async fn create(ctx: Ctx, Json(new): Json<NewService>) -> Result<(StatusCode, Versioned<Service>), Error> {
    let service = service::service_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(service.version, service)))
}

/// One service.
#[utoipa::path(get, path = "/services/{id}", tag = "services", params(("id" = ServiceId, Path)),
    responses((status = 200, body = Service), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("service.read"))))]
async fn get(ctx: Ctx, Path(id): Path<ServiceId>) -> Result<Versioned<Service>, Error> {
    let service = service::service_get(&ctx, &id).await?;
    Ok(Versioned(service.version, service))
}

/// Why a person does it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// For the audit row and for whoever asks later.
    #[schema(example = "asked by the customer")]
    reason: String,
}

/// Cuts a service by hand; only a person brings it back.
#[utoipa::path(post, path = "/services/{id}/cut", tag = "services", params(("id" = ServiceId, Path)), request_body(content = Reason, example = json!({"reason": "Asked by the customer"})),
    responses((status = 200, body = Service), (status = 404, body = Problem), (status = 409, description = "`service_terminated`: the service has ended", body = Problem)),
    extensions(("x-permission" = json!("service.suspend"))))]
async fn cut(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    Json(body): Json<Reason>,
) -> Result<Versioned<Service>, Error> {
    let service = service::service_cut(&ctx, &id, &body.reason).await?;
    Ok(Versioned(service.version, service))
}

/// Reconnects a service by hand, whatever the debt.
#[utoipa::path(post, path = "/services/{id}/reconnect", tag = "services", params(("id" = ServiceId, Path)), request_body(content = Reason, example = json!({"reason": "Paid at the desk"})),
    responses((status = 200, body = Service), (status = 404, body = Problem), (status = 409, description = "`service_terminated`: the service has ended", body = Problem)),
    extensions(("x-permission" = json!("service.reconnect"))))]
async fn reconnect(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    Json(body): Json<Reason>,
) -> Result<Versioned<Service>, Error> {
    let service = service::service_reconnect(&ctx, &id, &body.reason).await?;
    Ok(Versioned(service.version, service))
}

/// Ends a subscription.
#[utoipa::path(post, path = "/services/{id}/terminate", tag = "services", params(("id" = ServiceId, Path)), request_body(content = Reason, example = json!({"reason": "Moved to another town"})),
    responses((status = 200, body = Service), (status = 404, body = Problem), (status = 409, description = "`service_terminated`: the service has ended", body = Problem)),
    extensions(("x-permission" = json!("service.write"))))]
async fn terminate(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    Json(body): Json<Reason>,
) -> Result<Versioned<Service>, Error> {
    let service = service::service_terminate(&ctx, &id, &body.reason).await?;
    Ok(Versioned(service.version, service))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanChoice {
    /// The plan from now on.
    plan_id: PlanId,
}

/// Moves a service to another plan.
#[utoipa::path(post, path = "/services/{id}/plan", tag = "services", params(("id" = ServiceId, Path)), request_body(content = PlanChoice, example = json!({"plan_id": "pln_01jd3k5m7nf8v9q0r1s2t3w4x5"})),
    responses((status = 200, body = Service), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("service.write"))))]
async fn plan_change(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    Json(body): Json<PlanChoice>,
) -> Result<Versioned<Service>, Error> {
    let service = service::service_plan_change(&ctx, &id, &body.plan_id).await?;
    Ok(Versioned(service.version, service))
}
