use atalaya_kernel::{
    ids::{CustomerId, InvoiceId, PaymentId, ServiceId},
    money::{Currency, Money},
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// How money came.
    pub enum Method {
        /// Over the counter.
        Cash = "cash",
        /// Bank transfer.
        Transfer = "transfer",
        /// Yape, Plin, Nequi, PIX and the like.
        Wallet = "wallet",
        /// Card.
        Card = "card",
    }
}

/// Money received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payment {
    /// Which.
    pub id: PaymentId,
    /// From whom.
    pub customer_id: CustomerId,
    /// How much.
    pub amount: Money,
    /// What of it pays no invoice yet.
    pub credit: Money,
    /// How.
    pub method: Method,
    /// The bank's or wallet's number of the operation.
    #[schema(example = "00412877")]
    pub operation_number: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
    /// What the staff noted.
    #[schema(example = "Pagó en la oficina")]
    pub note: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct PaymentRow {
    pub(super) id: PaymentId,
    pub(super) customer_id: CustomerId,
    pub(super) amount: i64,
    pub(super) allocated: i64,
    pub(super) currency: Currency,
    pub(super) method: Method,
    pub(super) operation_number: Option<String>,
    pub(super) received_at: Timestamp,
    pub(super) note: Option<String>,
    pub(super) created_at: Timestamp,
}

impl From<PaymentRow> for Payment {
    fn from(row: PaymentRow) -> Self {
        Self {
            id: row.id,
            customer_id: row.customer_id,
            amount: Money::new(row.amount, row.currency),
            credit: Money::new(row.amount - row.allocated, row.currency),
            method: row.method,
            operation_number: row.operation_number,
            received_at: row.received_at,
            note: row.note,
            created_at: row.created_at,
        }
    }
}

/// A payment to be registered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// From whom.
    pub customer_id: CustomerId,
    /// How much, in the tenant's currency.
    pub amount: Money,
    /// How.
    pub method: Method,
    /// The bank's or wallet's number of the operation.
    pub operation_number: Option<String>,
    /// When it was received; now when absent.
    pub received_at: Option<Timestamp>,
    /// What the staff notes.
    pub note: Option<String>,
}

/// What a payment pays of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Allocation {
    /// Which invoice.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub number: i64,
    /// How much.
    pub amount: Money,
}

/// A payment as its receipt says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaymentDetail {
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
    /// Name of who paid.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
    /// What it pays, the oldest debt first; what a voided invoice gave back is not in it.
    pub allocations: Vec<Allocation>,
}

/// What registering a payment did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// The payment.
    pub payment: Payment,
    /// What it paid.
    pub allocations: Vec<Allocation>,
    /// What of it is left as credit.
    pub credit: Money,
    /// Services that are being reconnected because of it.
    pub reconnecting: Vec<ServiceId>,
}
