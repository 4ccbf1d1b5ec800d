use crate::tenancy::Tenant;
use atalaya_kernel::{ids::UserId, secrets::SecretText, text_enum, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What a user is in the tenant.
    pub enum Role {
        /// Everything.
        Owner = "owner",
        /// Everything but taking the owner's place.
        Admin = "admin",
        /// Customers, invoices, payments, collections.
        BillingClerk = "billing_clerk",
        /// Devices, agents, services; no money.
        NocOperator = "noc_operator",
        /// Sites, devices and customers of the day's work.
        Technician = "technician",
        /// Sees, changes nothing.
        ReadOnly = "read_only",
    }
}

/// A person of the tenant's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct User {
    /// Which.
    pub id: UserId,
    /// Name.
    pub name: String,
    /// E-mail, lower case; the log-in name.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
    /// Role.
    pub role: Role,
    /// Whether log-in is refused.
    pub disabled: bool,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

/// A user to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Name.
    pub name: String,
    /// E-mail; the log-in name.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
    /// Role.
    pub role: Role,
    /// First password, 10 to 128 characters.
    pub password: SecretText,
}

/// What to change; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Name.
    pub name: Option<String>,
    /// Role.
    pub role: Option<Role>,
    /// Whether log-in is refused.
    pub disabled: Option<bool>,
}

/// Who a session belongs to.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The user.
    pub user: User,
    /// The ISP.
    pub tenant: Tenant,
    /// To be sent back as `X-CSRF-Token` with every change.
    pub csrf_token: String,
}
