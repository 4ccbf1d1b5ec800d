//! `/permissions`, `/roles`.

use super::{Catalog, NewRole, PermissionInfo, RoleChange, RoleKey, StaffRole, service};
use crate::identity;
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Versioned},
    page::Page,
};
use axum::{Extension, http::StatusCode};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of rights and roles.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(permissions))
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
}

/// Every right there is, by name.
#[utoipa::path(get, path = "/permissions", tag = "roles", responses((status = 200, body = Page<PermissionInfo>)),
    extensions(("x-permission" = json!("user.read"))))]
async fn permissions(
    ctx: Ctx,
    Extension(catalog): Extension<Arc<Catalog>>,
) -> Result<Json<Page<PermissionInfo>>, Error> {
    ctx.authorize_whole(identity::READ)?;
    Ok(Json(Page { items: catalog.all().to_vec(), next_cursor: None }))
}

/// The built-in roles and the ISP's own, each with the number of its users.
#[utoipa::path(get, path = "/roles", tag = "roles", responses((status = 200, body = Page<StaffRole>)),
    extensions(("x-permission" = json!("user.read"))))]
async fn list(ctx: Ctx) -> Result<Json<Page<StaffRole>>, Error> {
    service::roles_list(&ctx).await.map(Json)
}

/// Makes a role, from nothing or as the copy of another.
#[utoipa::path(post, path = "/roles", tag = "roles", request_body(content = NewRole, example = json!({"name": "Night shift", "allow": ["customer.read", "service.reconnect"]})),
    responses((status = 201, body = StaffRole), (status = 409, description = "`beyond_own_rights`: it names rights that the caller does not hold", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("role.write"))))]
async fn create(
    ctx: Ctx,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(new): Json<NewRole>,
) -> Result<(StatusCode, Versioned<StaffRole>), Error> {
    let role = service::role_create(&ctx, &catalog, new).await?;
    Ok((StatusCode::CREATED, Versioned(role.version, role)))
}

/// One role.
#[utoipa::path(get, path = "/roles/{id}", tag = "roles", params(("id" = RoleKey, Path)),
    responses((status = 200, body = StaffRole), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn get(ctx: Ctx, Path(id): Path<RoleKey>) -> Result<Versioned<StaffRole>, Error> {
    let role = service::role_get(&ctx, &id).await?;
    Ok(Versioned(role.version, role))
}

/// Changes a role; whoever has it has its new rights at once. A built-in one is not changed.
#[utoipa::path(patch, path = "/roles/{id}", tag = "roles", params(("id" = RoleKey, Path), ("If-Match" = String, Header)),
    request_body(content = RoleChange, example = json!({"deny": ["service.cut"]})),
    responses((status = 200, body = StaffRole), (status = 404, body = Problem), (status = 409, description = "`role_built_in`: a built-in role stays as it is: make one of your own", body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("role.write"))))]
async fn update(
    ctx: Ctx,
    Extension(catalog): Extension<Arc<Catalog>>,
    Path(id): Path<RoleKey>,
    IfMatch(version): IfMatch,
    Json(change): Json<RoleChange>,
) -> Result<Versioned<StaffRole>, Error> {
    let role = service::role_update(&ctx, &catalog, &id, version, change).await?;
    Ok(Versioned(role.version, role))
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/roles/{id}", tag = "roles", params(("id" = RoleKey, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`role_in_use`: give its users another role first", body = Problem)),
    extensions(("x-permission" = json!("role.write"))))]
async fn delete(ctx: Ctx, Path(id): Path<RoleKey>) -> Result<StatusCode, Error> {
    service::role_delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
