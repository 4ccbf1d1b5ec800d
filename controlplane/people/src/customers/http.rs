//! `/customers/{id}` and making customers. The list, which shows what each owes and whether it is online, crosses
//! domains and is served by `operations`.

use super::{Customer, CustomerChange, NewCustomer, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Versioned},
    ids::CustomerId,
};
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of customers.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(get, update))
}

/// Makes a customer.
#[utoipa::path(post, path = "/customers", tag = "customers", request_body(content = NewCustomer, example = json!({"name": "Quispe Mamani, Rosa", "document": "12345678", "phone": "987654321", "email": "rosa.quispe@correo.example"})),
    responses((status = 201, body = Customer), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("customer.write"))))]
async fn create(ctx: Ctx, Json(new): Json<NewCustomer>) -> Result<(StatusCode, Versioned<Customer>), Error> {
    let customer = service::customer_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(customer.version, customer)))
}

/// One customer.
#[utoipa::path(get, path = "/customers/{id}", tag = "customers", params(("id" = CustomerId, Path)),
    responses((status = 200, body = Customer), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("customer.read"))))]
async fn get(ctx: Ctx, Path(id): Path<CustomerId>) -> Result<Versioned<Customer>, Error> {
    let customer = service::customer_get(&ctx, &id).await?;
    Ok(Versioned(customer.version, customer))
}

/// Changes a customer.
#[utoipa::path(patch, path = "/customers/{id}", tag = "customers",
    params(("id" = CustomerId, Path), ("If-Match" = String, Header)), request_body(content = CustomerChange, example = json!({"phone": "987654322"})),
    responses((status = 200, body = Customer), (status = 404, body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("customer.write"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<CustomerId>,
    IfMatch(version): IfMatch,
    Json(change): Json<CustomerChange>,
) -> Result<Versioned<Customer>, Error> {
    let customer = service::customer_update(&ctx, &id, version, change).await?;
    Ok(Versioned(customer.version, customer))
}
