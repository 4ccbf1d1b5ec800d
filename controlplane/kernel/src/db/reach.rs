//! Whose rows a transaction is for, as PostgreSQL's policies ask for it; see [`crate::row_security`]. SQLite has no such
//! thing: there the statements alone say it.

use crate::ids::TenantId;

/// Said with the transaction's start and forgotten with its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach<'t> {
    /// The rows of one tenant.
    Tenant(&'t TenantId),
    /// Of tables that have tenants, those of the look-ups.
    Platform,
    /// The same, all statements seeing one moment, and changing nothing; which tenant's rows is said on the way.
    Snapshot,
    /// Everything: a script that brings old rows into a new shape. Only a table's owner is let.
    Migration,
}

/// Setting that names the tenant.
pub(crate) const TENANT: &str = "atalaya.tenant";
/// Setting that is `on` in the platform's transactions.
pub(crate) const PLATFORM: &str = "atalaya.platform";
/// Setting that is `on` while the schema is changed.
pub(crate) const MIGRATION: &str = "atalaya.migration";

impl Reach<'_> {
    /// PostgreSQL: start of the transaction and the setting in one message, so that it costs no round trip of its own.
    /// `SET LOCAL` ends with the transaction, so nothing is left on a connection that goes back to the pool.
    pub(crate) fn begin(self) -> String {
        match self {
            // A typed id is its prefix, an underscore and letters and digits: there is nothing in it to quote.
            Self::Tenant(tenant) => format!("BEGIN; SET LOCAL {TENANT} = '{tenant}'"),
            Self::Platform => format!("BEGIN; SET LOCAL {PLATFORM} = 'on'"),
            Self::Snapshot => {
                format!("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL {PLATFORM} = 'on'")
            }
            Self::Migration => format!("BEGIN; SET LOCAL {MIGRATION} = 'on'"),
        }
    }
}
