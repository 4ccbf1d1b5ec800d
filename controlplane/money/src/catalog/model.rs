use atalaya_kernel::{
    ids::PlanId,
    money::{Currency, Money},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Plan {
    /// Which.
    pub id: PlanId,
    /// Name, unique within the tenant.
    #[schema(example = "Fibra 100")]
    pub name: String,
    /// Bits per second to the subscriber.
    #[schema(example = 100_000_000)]
    pub download_bps: i64,
    /// Bits per second from the subscriber.
    #[schema(example = 50_000_000)]
    pub upload_bps: i64,
    /// Price of a month.
    pub price: Money,
    /// Whether it is still sold.
    pub active: bool,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct PlanRow {
    id: PlanId,
    name: String,
    download_bps: i64,
    upload_bps: i64,
    price: i64,
    currency: Currency,
    active: bool,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<PlanRow> for Plan {
    fn from(row: PlanRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            download_bps: row.download_bps,
            upload_bps: row.upload_bps,
            price: Money::new(row.price, row.currency),
            active: row.active,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A plan to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// Name, unique within the tenant.
    #[schema(example = "Fibra 100")]
    pub name: String,
    /// Bits per second to the subscriber.
    #[schema(example = 100_000_000)]
    pub download_bps: i64,
    /// Bits per second from the subscriber.
    #[schema(example = 50_000_000)]
    pub upload_bps: i64,
    /// Price of a month, in the tenant's currency.
    pub price: Money,
    /// Whether it is sold; true when absent.
    pub active: Option<bool>,
}

/// What to change; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanChange {
    /// Name.
    pub name: Option<String>,
    /// Bits per second to the subscriber.
    pub download_bps: Option<i64>,
    /// Bits per second from the subscriber.
    pub upload_bps: Option<i64>,
    /// Price of a month.
    pub price: Option<Money>,
    /// Whether it is sold.
    pub active: Option<bool>,
}
