//! Who runs the installation and what they may do to the ISPs that it hosts.
//!
//! - A **plan** names what a tenant may have. A limit is demanded in the transaction that makes the thing, behind a lock of the
//!   tenant, so that two at once do not pass it; a lower one stops only what is new.
//! - A tenant is **active** or **read-only**. Read-only, its people change nothing but their own log-in; agents, reconnections
//!   and measurements go on, and nobody is cut.
//! - An **operator** is a person of the installation: another kind of principal, with a log-in and a cookie of its own. It sees
//!   tenants with their plan, use and health, and nothing of their customers.
//! - A **visit** is an operator in a tenant: with a reason, for a limited time, with the rights that were named. The tenant sees
//!   it and can end it.
//!
//! Whatever an operator or the command line does leaves a row in the installation's own trail, and one in the tenant's when it
//! is about a tenant, in one transaction.

mod context;
pub mod http;
pub mod operators;
pub mod plans;
pub mod visits;

pub use context::PlatformCtx;
