//! `/devices`.

use super::{
    ConnectionTest, Device, DeviceChange, DeviceList, DevicePlanView, ModeChange, NewConnectionTest,
    NewDevice, RouterosScript, ScriptRequest, plan, reading, routeros_script as script, service,
    testing_connection,
};
use atalaya_kernel::{
    Ctx, Error, fault,
    http::{IfMatch, Json, Path, Problem, Versioned},
    ids::{DeviceId, JobId},
    list::ListQuery,
    page::Page,
};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of devices.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(connection_test_create))
        .routes(routes!(connection_test_get))
        .routes(routes!(routeros_script))
        .routes(routes!(get, update, remove))
        .routes(routes!(plan_get, plan_request))
        .routes(routes!(mode_set))
}

/// Something that was asked for and will be answered.
#[derive(Debug, Serialize, ToSchema)]
struct Asked {
    /// Where to look for the answer.
    id: JobId,
}

/// Devices, by name unless another order is asked for.
#[utoipa::path(get, path = "/devices", tag = "devices", params(ListQuery<DeviceList>),
    responses((status = 200, body = Page<Device>), (status = 403, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<DeviceList>) -> Result<Json<Page<Device>>, Error> {
    reading::devices_list(&ctx, &asked).await.map(Json)
}

/// Adds a device; it observes.
#[utoipa::path(post, path = "/devices", tag = "devices",
    request_body(content = NewDevice, example = json!({"site_id": "sit_01jd3k5m7nf8v9q0r1s2t3w4x5", "agent_id": "agt_01jd3k5m7nf8v9q0r1s2t3w4x5", "name": "BRAS Cerro Alto", "kind": "routeros", "host": "10.20.0.1", "tls": true, "credentials": {"user": "atalaya", "password": "…"}})),
    responses((status = 201, body = Device), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.write"))))]
async fn create(ctx: Ctx, Json(new): Json<NewDevice>) -> Result<(StatusCode, Versioned<Device>), Error> {
    fault::panic_with("devices.password_at_hand", &new);
    let device = service::device_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(device.revision, device)))
}

/// One device.
#[utoipa::path(get, path = "/devices/{id}", tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = Device), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn get(ctx: Ctx, Path(id): Path<DeviceId>) -> Result<Versioned<Device>, Error> {
    let device = reading::device_get(&ctx, &id).await?;
    Ok(Versioned(device.revision, device))
}

/// Changes a device.
#[utoipa::path(patch, path = "/devices/{id}", tag = "devices",
    params(("id" = DeviceId, Path), ("If-Match" = String, Header)),
    request_body(content = DeviceChange, example = json!({"host": "10.20.0.2"})),
    responses((status = 200, body = Device), (status = 404, body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("device.write"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    IfMatch(version): IfMatch,
    Json(change): Json<DeviceChange>,
) -> Result<Versioned<Device>, Error> {
    let device = service::device_update(&ctx, &id, version, change).await?;
    Ok(Versioned(device.revision, device))
}

/// Removes a device on which nothing is enforced.
#[utoipa::path(delete, path = "/devices/{id}", tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`device_in_use`: services are attached to this device: detach them first", body = Problem)),
    extensions(("x-permission" = json!("device.write"))))]
async fn remove(ctx: Ctx, Path(id): Path<DeviceId>) -> Result<StatusCode, Error> {
    service::device_delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks an agent to try a device, stage by stage.
#[utoipa::path(post, path = "/devices/connection-tests", tag = "devices",
    request_body(content = NewConnectionTest, example = json!({"agent_id": "agt_01jd3k5m7nf8v9q0r1s2t3w4x5", "kind": "routeros", "host": "10.20.0.1", "tls": false, "credentials": {"user": "atalaya", "password": "…"}})),
    responses((status = 202, body = Asked), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.write"))))]
async fn connection_test_create(
    ctx: Ctx,
    Json(new): Json<NewConnectionTest>,
) -> Result<(StatusCode, Json<Asked>), Error> {
    let id = testing_connection::connection_test_create(&ctx, new).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { id })))
}

/// What a connection test found.
#[utoipa::path(get, path = "/devices/connection-tests/{id}", tag = "devices", params(("id" = JobId, Path)),
    responses((status = 200, body = ConnectionTest), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.write"))))]
async fn connection_test_get(ctx: Ctx, Path(id): Path<JobId>) -> Result<Json<ConnectionTest>, Error> {
    testing_connection::connection_test_get(&ctx, &id).await.map(Json)
}

/// The lines that make a least-privilege user on a MikroTik router; the password is shown this once.
#[utoipa::path(post, path = "/devices/routeros-script", tag = "devices",
    request_body(content = ScriptRequest, example = json!({"name": "BRAS Cerro Alto", "agent_id": "agt_01jd3k5m7nf8v9q0r1s2t3w4x5", "tls": true})),
    responses((status = 200, body = RouterosScript), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.write"))))]
async fn routeros_script(
    ctx: Ctx,
    Json(request): Json<ScriptRequest>,
) -> Result<Json<RouterosScript>, Error> {
    script::routeros_script(&ctx, request).await.map(Json)
}

/// What enforcing would do on a device.
#[utoipa::path(get, path = "/devices/{id}/plan", tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = DevicePlanView), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn plan_get(ctx: Ctx, Path(id): Path<DeviceId>) -> Result<Json<DevicePlanView>, Error> {
    plan::device_plan_get(&ctx, &id).await.map(Json)
}

/// Asks the device's agent to read it and plan.
#[utoipa::path(post, path = "/devices/{id}/plan", tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 202, body = Asked), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn plan_request(ctx: Ctx, Path(id): Path<DeviceId>) -> Result<(StatusCode, Json<Asked>), Error> {
    let id = plan::device_plan_request(&ctx, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { id })))
}

/// Lets the system change a device, or stops it.
#[utoipa::path(post, path = "/devices/{id}/mode", tag = "devices", params(("id" = DeviceId, Path)),
    request_body(content = ModeChange, example = json!({"mode": "enforce"})),
    responses((status = 200, body = Device), (status = 404, body = Problem), (status = 409, description = "`cannot_bite`: a cut would not take effect on this device yet", body = Problem)),
    extensions(("x-permission" = json!("device.enforce"))))]
async fn mode_set(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    Json(change): Json<ModeChange>,
) -> Result<Versioned<Device>, Error> {
    let device = plan::device_mode_set(&ctx, &id, change.mode).await?;
    Ok(Versioned(device.revision, device))
}
