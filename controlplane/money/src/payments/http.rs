//! `/payments`.

use super::{NewPayment, Payment, PaymentDetail, PaymentList, Registered, service};
use crate::Listed;
use atalaya_kernel::{
    Ctx, Error,
    http::{IdempotencyKey, Json, Path, Problem},
    ids::PaymentId,
    list::ListQuery,
    page::Page,
};
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of payments.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, register)).routes(routes!(get))
}

/// Payments, newest first unless another order is asked for.
#[utoipa::path(get, path = "/payments", tag = "payments", params(ListQuery<PaymentList>),
    responses((status = 200, body = Page<Listed<Payment>>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("payment.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<PaymentList>) -> Result<Json<Page<Listed<Payment>>>, Error> {
    service::payments_list(&ctx, &asked).await.map(Json)
}

/// Registers a payment; reconnects what was suspended for a debt that is settled with it.
#[utoipa::path(post, path = "/payments", tag = "payments", request_body(content = NewPayment, example = json!({"customer_id": "cus_01jd3k5m7nf8v9q0r1s2t3w4x5", "amount": {"amount": 5_900, "currency": "PEN"}, "method": "cash"})),
    params(("Idempotency-Key" = String, Header, description = "One key per payment, so that it can be sent again")),
    responses((status = 201, body = Registered), (status = 409, description = "`duplicate_operation`: this operation number was registered before", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("payment.register"))))]
async fn register(
    ctx: Ctx,
    IdempotencyKey(key): IdempotencyKey,
    Json(new): Json<NewPayment>,
) -> Result<(StatusCode, Json<Registered>), Error> {
    let key = key.ok_or_else(|| {
        Error::invalid(
            "Idempotency-Key",
            "required",
            "send a key of your own, so that a repetition is one payment",
        )
    })?;
    let registered = service::payment_register(&ctx, new, Some(&key)).await?;
    Ok((StatusCode::CREATED, Json(registered)))
}

/// One payment with what it paid: its receipt.
#[utoipa::path(get, path = "/payments/{id}", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = PaymentDetail), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("payment.read"))))]
async fn get(ctx: Ctx, Path(id): Path<PaymentId>) -> Result<Json<PaymentDetail>, Error> {
    service::payment_get(&ctx, &id).await.map(Json)
}
