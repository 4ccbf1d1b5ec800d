//! What each built-in role may do, by the names of rights that the domains declare.

use super::{MAKE_OWNER, Role, model::Rights};

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
    "approval.decide",
    "approval.read",
    "collections.read",
    "collections.run",
    "customer.read",
    "customer.see_contact",
    "customer.see_document",
    "customer.write",
    "event.read",
    "invoice.issue",
    "invoice.read",
    "invoice.void",
    "note.write",
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
const COUNTER: &[&str] = &[
    "customer.read",
    "customer.see_contact",
    "customer.see_document",
    "event.read",
    "invoice.read",
    "note.write",
    "payment.read",
    "payment.register",
    "plan.read",
    "service.read",
    "site.read",
];
const NOC: &[&str] = &[
    "agent.enroll",
    "agent.read",
    "agent.revoke",
    "attachment.write",
    "customer.read",
    "customer.see_contact",
    "device.enforce",
    "device.read",
    "device.write",
    "event.read",
    "metrics.read",
    "note.write",
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
    "customer.see_contact",
    "device.read",
    "device.write",
    "metrics.read",
    "note.write",
    "plan.read",
    "service.read",
    "site.read",
];
const DESK: &[&str] = &[
    "customer.read",
    "customer.see_contact",
    "customer.see_document",
    "customer.write",
    "device.read",
    "event.read",
    "invoice.read",
    "metrics.read",
    "note.write",
    "payment.read",
    "plan.read",
    "service.read",
    "service.reconnect",
    "site.read",
];
const RESALE: &[&str] = &[
    "customer.read",
    "customer.see_contact",
    "customer.write",
    "event.read",
    "invoice.read",
    "note.write",
    "payment.read",
    "plan.read",
    "service.read",
    "service.write",
    "site.read",
];

/// The rights of a built-in role.
pub(super) fn rights(role: Role) -> Rights {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let only = |allow: &[&str]| Rights { allow: names(allow), ..Rights::default() };
    match role {
        Role::Owner => Rights { everything: true, ..Rights::default() },
        Role::Admin => Rights { everything: true, deny: names(&[MAKE_OWNER.0]), ..Rights::default() },
        Role::BillingClerk => only(BILLING),
        Role::Cashier => only(COUNTER),
        Role::NocOperator => only(NOC),
        Role::Technician => only(FIELD),
        Role::Support => only(DESK),
        Role::Partner => only(RESALE),
        Role::ReadOnly => only(SEE),
    }
}
