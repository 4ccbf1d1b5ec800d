use atalaya_kernel::{
    ids::{CustomerId, PlanId, ServiceId, SiteId},
    text_enum,
    time::{Date, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What is decided about a service.
    pub enum Status {
        /// It should work.
        Active = "active",
        /// It should be cut.
        Suspended = "suspended",
        /// It has ended.
        Terminated = "terminated",
    }
}

text_enum! {
    /// Why a service is suspended.
    pub enum SuspendedBecause {
        /// Debt past the grace days; a payment brings it back.
        Overdue = "overdue",
        /// A person's decision; a person brings it back.
        Manual = "manual",
    }
}

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Service {
    /// Which.
    pub id: ServiceId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// What for.
    pub plan_id: PlanId,
    /// Which site serves it.
    pub site_id: SiteId,
    /// Where it is.
    #[schema(example = "Jr. Los Andes 412")]
    pub address: Option<String>,
    /// First day.
    pub starts_on: Date,
    /// What is decided.
    pub status: Status,
    /// Why it is suspended.
    pub suspended_because: Option<SuspendedBecause>,
    /// Reason of the last change of status, for people.
    pub status_reason: Option<String>,
    /// When the status last changed.
    pub status_changed_at: Timestamp,
    /// Day on which a person left it connected in spite of its debt: reconnected by hand, or taken out of a cut run that
    /// was executed. Automatic cuts count only debt that passes the grace days later.
    pub spared_on: Option<Date>,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

/// A service to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// Who pays.
    pub customer_id: CustomerId,
    /// What for.
    pub plan_id: PlanId,
    /// Which site serves it.
    pub site_id: SiteId,
    /// Where it is.
    pub address: Option<String>,
    /// First day; today when absent.
    pub starts_on: Option<Date>,
}
