//! What an operator of the installation sees of its tenants: plan, use against limits, health. Nothing of their customers but
//! how many there are. And the same figures of use, for a tenant of itself.

pub mod http;
mod service;

pub use service::{
    LimitUse, NewTenantMade, NewTenantRequest, TenantHealth, TenantRow, TenantUse, tenant_make, tenant_row,
    tenant_use, tenants_list,
};
