use atalaya_kernel::{
    ids::{ApprovalId, CustomerId, RunId, ServiceId, SiteId},
    money::{Currency, Money},
    text_enum,
    time::{Date, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

text_enum! {
    /// How far a cut run is.
    pub enum RunState {
        /// Nothing was done.
        Preview = "preview",
        /// Suspensions are being decided.
        Executing = "executing",
        /// All are decided.
        Done = "done",
        /// Too old to be executed.
        Expired = "expired",
    }
}

text_enum! {
    /// What became of one service of a run.
    pub enum ItemResult {
        /// It is suspended.
        Suspended = "suspended",
        /// The debt was settled meanwhile, or it was suspended or ended already.
        AlreadyPaid = "already_paid",
        /// It could not be decided; `failure` says why.
        Failed = "failed",
    }
}

/// A cut run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// How far.
    pub state: RunState,
    /// When it was previewed.
    pub created_at: Timestamp,
    /// Who previewed it.
    #[schema(example = "Rosa Quispe")]
    pub created_by: String,
    /// Days of grace that it went by.
    pub grace_days: i64,
    /// Debt that it let pass.
    pub tolerance: Money,
    /// Sums of what is included.
    pub totals: RunTotals,
    /// The services, by site; empty in lists.
    pub items: Vec<RunItem>,
    /// Whether automatic cuts are still off because no previewed run was executed.
    pub first_preview: bool,
    /// The request that waits for a second person, when the run was to be executed and one is wanted.
    pub approval_id: Option<ApprovalId>,
    /// Grows with each change.
    pub version: i64,
}

/// Sums of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunTotals {
    /// Services that would be suspended.
    pub services: i64,
    /// Their customers.
    pub customers: i64,
    /// What these customers owe past the grace days.
    pub owed: Money,
    /// Services taken out.
    pub excluded: i64,
    /// Of those included, decided so far.
    pub decided: i64,
    /// Of those decided, suspended.
    pub suspended: i64,
    /// Of those decided, failed.
    pub failed: i64,
}

/// One service of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunItem {
    /// Which.
    pub service_id: ServiceId,
    /// Whose.
    pub customer_id: CustomerId,
    /// Name of whose.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
    /// Site that serves it.
    pub site_id: SiteId,
    /// Name of the site.
    #[schema(example = "Cerro Alto")]
    pub site_name: String,
    /// Debt of the customer past the grace days.
    pub owed: Money,
    /// Days since the oldest of it was due.
    pub days_overdue: i64,
    /// When the customer last paid.
    pub last_payment_at: Option<Timestamp>,
    /// Why it is on the list, in English; people read it from the figures.
    #[schema(example = "S/ 89.00 overdue since 2026-11-05")]
    pub why: String,
    /// Day on which a person left it connected in spite of an older debt.
    pub spared_on: Option<Date>,
    /// Whether it would be suspended.
    pub included: bool,
    /// Why it was taken out.
    pub exclusion_reason: Option<String>,
    /// What became of it.
    pub result: Option<ItemResult>,
    /// Why it could not be decided, in English.
    pub failure: Option<String>,
    /// Stable word of `failure`: the code of a problem document; none of runs before there was one.
    #[schema(example = "internal")]
    pub failure_code: Option<String>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct RunRow {
    pub(super) id: RunId,
    pub(super) state: RunState,
    pub(super) created_by: String,
    pub(super) grace_days: i64,
    pub(super) tolerance: i64,
    pub(super) currency: Currency,
    pub(super) version: i64,
    pub(super) created_at: Timestamp,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ItemRow {
    pub(super) service_id: ServiceId,
    pub(super) customer_id: CustomerId,
    pub(super) site_id: SiteId,
    pub(super) owed: i64,
    pub(super) days_overdue: i64,
    pub(super) last_payment_at: Option<Timestamp>,
    pub(super) why: String,
    pub(super) spared_on: Option<Date>,
    pub(super) included: bool,
    pub(super) exclusion_reason: Option<String>,
    pub(super) result: Option<ItemResult>,
    pub(super) failure: Option<String>,
    pub(super) failure_code: Option<String>,
}

/// Sums of a run as the database adds them up.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub(super) struct TotalsRow {
    pub(super) services: i64,
    pub(super) customers: i64,
    pub(super) owed: i64,
    pub(super) excluded: i64,
    pub(super) decided: i64,
    pub(super) suspended: i64,
    pub(super) failed: i64,
}

impl TotalsRow {
    pub(super) fn in_currency(self, currency: Currency) -> RunTotals {
        let Self { services, customers, owed, excluded, decided, suspended, failed } = self;
        let owed = Money::new(owed, currency);
        RunTotals { services, customers, owed, excluded, decided, suspended, failed }
    }
}
