//! `/customers` as a list, `/customers/{id}/overview`.

use super::{CustomerOverview, CustomerRow, CustomerRows, list, overview};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::CustomerId,
    list::ListQuery,
    page::Page,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of customers as a whole.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(customers)).routes(routes!(customer_overview))
}

/// Customers with what they owe and how they are connected.
#[utoipa::path(get, path = "/customers", tag = "customers", params(ListQuery<CustomerRows>),
    responses((status = 200, body = Page<CustomerRow>), (status = 403, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("customer.read"))))]
async fn customers(ctx: Ctx, asked: ListQuery<CustomerRows>) -> Result<Json<Page<CustomerRow>>, Error> {
    list::customer_rows(&ctx, &asked).await.map(Json)
}

/// A customer as a whole.
#[utoipa::path(get, path = "/customers/{id}/overview", tag = "customers", params(("id" = CustomerId, Path)),
    responses((status = 200, body = CustomerOverview), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("customer.read"))))]
async fn customer_overview(ctx: Ctx, Path(id): Path<CustomerId>) -> Result<Json<CustomerOverview>, Error> {
    overview::customer_overview(&ctx, &id).await.map(Json)
}
