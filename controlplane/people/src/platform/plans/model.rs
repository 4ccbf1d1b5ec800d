use atalaya_kernel::{ids::TenantPlanId, text_enum, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What a plan limits the number of.
    pub enum Limit {
        /// Customers.
        Customers = "customers",
        /// Devices.
        Devices = "devices",
        /// Users who are not disabled.
        Users = "users",
    }
}

/// What a tenant may have; null is unlimited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct TenantPlan {
    /// Which.
    pub id: TenantPlanId,
    /// Name, unique in the installation.
    #[schema(example = "Starter")]
    pub name: String,
    /// Customers at most.
    #[schema(example = 500)]
    pub customers: Option<i64>,
    /// Devices at most.
    #[schema(example = 50)]
    pub devices: Option<i64>,
    /// Users who are not disabled, at most.
    #[schema(example = 10)]
    pub users: Option<i64>,
    /// API requests of the whole ISP in a minute at most.
    #[schema(example = 600)]
    pub requests_per_minute: Option<i64>,
    /// Whom the ISP asks for more.
    #[schema(example = "sales@hosting.example")]
    pub contact: String,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

impl TenantPlan {
    /// How many of something at most.
    pub fn allows(&self, limit: Limit) -> Option<i64> {
        match limit {
            Limit::Customers => self.customers,
            Limit::Devices => self.devices,
            Limit::Users => self.users,
        }
    }
}

/// A plan as it is to be; absent limits are unlimited.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenantPlan {
    /// Name, unique in the installation.
    #[schema(example = "Starter")]
    pub name: String,
    /// Customers at most.
    pub customers: Option<i64>,
    /// Devices at most.
    pub devices: Option<i64>,
    /// Users who are not disabled, at most.
    pub users: Option<i64>,
    /// API requests of the whole ISP in a minute at most.
    pub requests_per_minute: Option<i64>,
    /// Whom the ISP asks for more.
    #[schema(example = "sales@hosting.example")]
    pub contact: String,
}
