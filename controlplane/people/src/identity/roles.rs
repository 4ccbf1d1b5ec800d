//! What each built-in role may do, by the names of rights that the domains declare.

use super::Role;
use atalaya_kernel::Permissions;

const SEE: &[&str] = &[
    "agent.read",
    "collections.read",
    "customer.read",
    "device.read",
    "event.read",
    "invoice.read",
    "metrics.read",
    "payment.read",
    "plan.read",
    "service.read",
    "site.read",
];
const BILLING: &[&str] = &[
    "collections.read",
    "collections.run",
    "customer.read",
    "customer.write",
    "event.read",
    "invoice.issue",
    "invoice.read",
    "invoice.void",
    "payment.read",
    "payment.register",
    "plan.read",
    "plan.write",
    "service.read",
    "service.reconnect",
    "service.suspend",
    "service.write",
    "site.read",
];
const NOC: &[&str] = &[
    "agent.enroll",
    "agent.read",
    "agent.revoke",
    "attachment.write",
    "customer.read",
    "device.enforce",
    "device.read",
    "device.write",
    "event.read",
    "metrics.read",
    "plan.read",
    "service.read",
    "service.reconnect",
    "site.read",
    "site.write",
];
const FIELD: &[&str] = &[
    "agent.enroll",
    "agent.read",
    "attachment.write",
    "customer.read",
    "device.read",
    "device.write",
    "metrics.read",
    "plan.read",
    "service.read",
    "site.read",
];

/// The rights of a role.
pub fn permissions_of(role: Role) -> Permissions {
    let names = match role {
        Role::Owner | Role::Admin => return Permissions::All,
        Role::BillingClerk => BILLING,
        Role::NocOperator => NOC,
        Role::Technician => FIELD,
        Role::ReadOnly => SEE,
    };
    Permissions::These(names.iter().map(|name| (*name).to_owned()).collect())
}
