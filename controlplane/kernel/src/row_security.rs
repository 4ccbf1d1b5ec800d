//! Row security of PostgreSQL: a statement that forgets its tenant sees nothing, instead of everybody's rows.
//!
//! - Every table with a column `tenant_id` has forced row security, so that it holds for the table's owner too. A
//!   transaction says whose rows it is for as it begins (`db::reach`); one that says nothing sees no row and inserts none.
//! - A platform transaction sees the rows of the look-ups (`migrations/lookups.txt`) and of no other such table.
//! - Nobody has to remember it for a new table: the migrator reads the catalogue after each step, in the step's own
//!   transaction, and makes what is [`lacking`]. It also gives the serving role its rights.
//! - Only a superuser and a role with BYPASSRLS pass over it, so a server does not [`demand`] less than a role that is
//!   neither.
//!
//! SQLite has no roles and one process; there the tests alone show that each statement names its tenant.

use crate::{
    Error,
    db::{Db, DbError, Dialect, PlatformDb, PlatformTx},
};

mod catalogue;
mod policies;

pub use policies::{Access, Lookup, lookups};

/// Why rows are not kept apart, and the mend.
#[derive(Debug, thiserror::Error)]
pub enum Unprotected {
    /// The serving role passes over row security.
    #[error(
        "the database role {role} {why}, so PostgreSQL would not keep the ISPs apart: give `database` a role that is \
         neither superuser nor BYPASSRLS (docs/operations/install.md, \"PostgreSQL\")"
    )]
    Bypass {
        /// Which.
        role: String,
        /// `is a superuser`, `has BYPASSRLS`.
        why: &'static str,
    },
    /// Tables lack it.
    #[error(
        "row security is not in force on {tables}: run `atalaya migrate` as the role that owns the tables (`database_owner`)"
    )]
    Tables {
        /// Their names.
        tables: String,
    },
    /// The serving role may not use tables.
    #[error(
        "the database role {role} may not use {tables}: run `atalaya migrate` with `database_owner` and `database` set, \
         which gives it the rights"
    )]
    Rights {
        /// Which.
        role: String,
        /// Their names.
        tables: String,
    },
    /// The role that is to serve does not exist.
    #[error("there is no database role {role}: make it with `CREATE ROLE {role} LOGIN PASSWORD '…'`")]
    NoRole {
        /// Which.
        role: String,
    },
    /// The database's own error.
    #[error(transparent)]
    Store(#[from] Error),
}
impl From<DbError> for Unprotected {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}

/// Refuses a connection on which PostgreSQL would not keep tenants apart, or that cannot work. For whoever is about to
/// serve.
///
/// # Errors
/// What is wrong, with the mend.
pub async fn demand(db: &Db) -> Result<(), Unprotected> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let mut tx = PlatformDb::new(db.clone()).begin_read().await?;
    let me = catalogue::me(&mut tx).await?;
    let why = match (me.superuser, me.bypasses) {
        (true, _) => Some("is a superuser"),
        (false, true) => Some("has BYPASSRLS"),
        (false, false) => None,
    };
    if let Some(why) = why {
        return Err(Unprotected::Bypass { role: me.name, why });
    }
    let mut tables: Vec<_> = lacking(&mut tx).await?.into_iter().map(|lack| lack.table).collect();
    tables.dedup();
    if !tables.is_empty() {
        return Err(Unprotected::Tables { tables: tables.join(", ") });
    }
    let ungranted = catalogue::ungranted(&mut tx, &me.name).await?;
    if !ungranted.is_empty() {
        let tables = ungranted.into_iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        return Err(Unprotected::Rights { role: me.name, tables });
    }
    Ok(())
}

/// What a table needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Which.
    pub table: String,
    /// The statement that mends it; its owner's to run.
    pub statement: String,
}

/// What tables with tenants lack, compared with the catalogue; empty when all is in force.
///
/// # Errors
/// The database's.
pub async fn lacking(tx: &mut PlatformTx) -> Result<Vec<Lack>, DbError> {
    let policies = catalogue::policies(tx).await?;
    let tables = catalogue::tables(tx).await?;
    Ok(tables
        .iter()
        .flat_map(|table| {
            policies::lacking(table, policies.iter().filter(|policy| policy.table == table.name))
        })
        .collect())
}

/// Puts row security in force, and gives the serving role its rights where it is not the owner itself; how many
/// statements it took. In a migrator's transaction.
pub(crate) async fn enforce(tx: &mut PlatformTx, serving: Option<&str>) -> Result<usize, Unprotected> {
    let mut statements: Vec<_> = lacking(tx).await?.into_iter().map(|lack| lack.statement).collect();
    if let Some(role) = serving {
        statements.extend(catalogue::grants(tx, role).await?);
    }
    let count = statements.len();
    for statement in statements {
        Db::run_script(tx.raw(), statement).await?;
    }
    Ok(count)
}
