//! `/invoices`.

use super::{BillingRun, Invoice, InvoiceDetail, InvoiceList, NewInvoice, service};
use crate::Listed;
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Versioned},
    ids::InvoiceId,
    list::ListQuery,
    page::Page,
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of invoices.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(billing_run))
        .routes(routes!(get))
        .routes(routes!(void))
}

/// Invoices, newest first unless another order is asked for.
#[utoipa::path(get, path = "/invoices", tag = "invoices", params(ListQuery<InvoiceList>),
    responses((status = 200, body = Page<Listed<Invoice>>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("invoice.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<InvoiceList>) -> Result<Json<Page<Listed<Invoice>>>, Error> {
    service::invoices_list(&ctx, &asked).await.map(Json)
}

/// Issues a single invoice.
#[utoipa::path(post, path = "/invoices", tag = "invoices", request_body(content = NewInvoice, example = json!({"customer_id": "cus_01jd3k5m7nf8v9q0r1s2t3w4x5", "service_id": "svc_01jd3k5m7nf8v9q0r1s2t3w4x5", "amount": {"amount": 5_900, "currency": "PEN"}, "due_on": "2026-12-10", "description": "Instalación"})),
    responses((status = 201, body = Invoice), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("invoice.issue"))))]
async fn create(ctx: Ctx, Json(new): Json<NewInvoice>) -> Result<(StatusCode, Versioned<Invoice>), Error> {
    let invoice = service::invoice_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(invoice.version, invoice)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBillingRun {
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
    /// Last day to pay within the month, 1 to 31; 10 when absent.
    due_day: Option<i8>,
}

/// Bills a month: one invoice for each active service that has none yet. May be sent again.
#[utoipa::path(post, path = "/invoices/billing-runs", tag = "invoices", request_body(content = NewBillingRun, example = json!({"month": "2026-12", "due_day": 10})),
    responses((status = 200, body = BillingRun), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("invoice.issue"))))]
async fn billing_run(ctx: Ctx, Json(new): Json<NewBillingRun>) -> Result<Json<BillingRun>, Error> {
    super::billing_run(&ctx, &new.month, new.due_day).await.map(Json)
}

/// One invoice with its lines.
#[utoipa::path(get, path = "/invoices/{id}", tag = "invoices", params(("id" = InvoiceId, Path)),
    responses((status = 200, body = InvoiceDetail), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("invoice.read"))))]
async fn get(ctx: Ctx, Path(id): Path<InvoiceId>) -> Result<Versioned<InvoiceDetail>, Error> {
    let detail = service::invoice_get(&ctx, &id).await?;
    Ok(Versioned(detail.invoice.version, detail))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VoidReason {
    /// For the audit row and for whoever asks later.
    reason: String,
}

/// Voids an invoice; what was paid of it is credit again.
#[utoipa::path(post, path = "/invoices/{id}/void", tag = "invoices", params(("id" = InvoiceId, Path)), request_body(content = VoidReason, example = json!({"reason": "Billed twice"})),
    responses((status = 200, body = Invoice), (status = 404, body = Problem), (status = 409, description = "`invoice_void`: the invoice is void already", body = Problem)),
    extensions(("x-permission" = json!("invoice.void"))))]
async fn void(
    ctx: Ctx,
    Path(id): Path<InvoiceId>,
    Json(body): Json<VoidReason>,
) -> Result<Versioned<Invoice>, Error> {
    let invoice = service::invoice_void(&ctx, &id, &body.reason).await?;
    Ok(Versioned(invoice.version, invoice))
}
