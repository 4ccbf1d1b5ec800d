//! The installation itself: who it is, and whether it may act.
//!
//! A database that is opened on another host or in another environment than the one that armed it is a copy: a test
//! restore, a clone of the machine. It starts in *safe mode*: no agent is let in, no automatic pass runs, nothing
//! leaves, until a person arms it with one audited command.

use crate::{
    Error, Principal,
    audit::{self, Entry, command_id},
    db::{Db, PlatformDb, PlatformTx, sql},
    events::EntityRef,
    ids::InstallationId,
    runtime::Runtime,
    text_enum,
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use sha2::{Digest, Sha256};

text_enum! {
    /// What an installation is for.
    pub enum Environment {
        /// Real customers.
        Production = "production",
        /// A rehearsal on copies.
        Staging = "staging",
        /// A developer's machine or a demo.
        Development = "development",
    }
}

/// This installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Which; in every certificate.
    pub id: InstallationId,
    /// What for.
    pub environment: Environment,
    /// Whether it is a copy that nobody armed.
    pub safe_mode: bool,
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct InstallationRow {
    id: InstallationId,
    environment: Environment,
    host: String,
    armed: bool,
    created_at: Timestamp,
}

impl InstallationRow {
    /// As audit rows keep it.
    fn shown(&self) -> serde_json::Value {
        json!({"environment": self.environment, "host": self.host, "armed": self.armed})
    }
}

async fn find(tx: &mut PlatformTx) -> Result<Option<InstallationRow>, Error> {
    Ok(sql("SELECT id, environment, host, armed, created_at FROM kernel_installation ORDER BY created_at LIMIT 1")
        .fetch_optional(tx)
        .await?)
}

/// Who acts on this database and where, as a note for others: it tells nothing of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(pub String);

/// The home of this installation.
///
/// # Errors
/// [`Error::NotFound`] before the first start, or the database's.
pub async fn home(runtime: &Runtime) -> Result<Home, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    let row = find(&mut tx).await?.ok_or(Error::NotFound)?;
    tx.rollback().await?;
    let place = Sha256::digest(format!("{}\0{}", row.environment, row.host).as_bytes());
    Ok(Home(format!("{}\n{}\n", row.id, hex::encode(place.get(..8).unwrap_or_default()))))
}

/// Which installation this is.
///
/// # Errors
/// Before its first start.
pub async fn id(tx: &mut PlatformTx) -> Result<InstallationId, Error> {
    Ok(find(tx).await?.ok_or(Error::NotFound)?.id)
}

/// When it was first started.
///
/// # Errors
/// [`Error::NotFound`] before that, or the database's.
pub async fn founded_at(tx: &mut PlatformTx) -> Result<Timestamp, Error> {
    Ok(find(tx).await?.ok_or(Error::NotFound)?.created_at)
}

/// Opens the installation, making it on first start. `host` tells machines apart and means nothing else.
///
/// # Errors
/// The database's.
pub async fn open(runtime: &Runtime, environment: Environment, host: &str) -> Result<Installation, Error> {
    let now = runtime.clock.now();
    let platform = runtime.platform();
    let row = write_tx!(platform, tx => {
        if let Some(row) = find(&mut tx).await? {
            return Ok(row);
        }
        let row = InstallationRow { id: InstallationId::new(now), environment, host: host.to_owned(), armed: true, created_at: now };
        sql("INSERT INTO kernel_installation (id, environment, host, armed, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&row.id)
            .bind(row.environment)
            .bind(&row.host)
            .bind(row.armed)
            .bind(row.created_at)
            .execute(&mut tx)
            .await?;
        let entry = Entry::new("installation.create", EntityRef::new("installation", &row.id)).after(&row.shown())?;
        audit::record_platform(&mut tx, &Principal::System("first start"), "first-start", now, entry).await?;
        Ok(row)
    })?;
    let at_home = row.host == host && row.environment == environment;
    Ok(Installation { id: row.id, environment, safe_mode: !(row.armed && at_home) })
}

/// Lets a copy act from here on: this host and environment are its home now. Done at the command line, and audited.
///
/// # Errors
/// [`Error::NotFound`] before the first start, or the database's.
pub async fn arm(runtime: &Runtime, environment: Environment, host: &str) -> Result<(), Error> {
    let platform = runtime.platform();
    write_tx!(platform, tx => {
        let before = find(&mut tx).await?.ok_or(Error::NotFound)?;
        let after = InstallationRow { environment, host: host.to_owned(), armed: true, ..before.clone() };
        sql("UPDATE kernel_installation SET environment = $1, host = $2, armed = true WHERE id = $3")
            .bind(environment)
            .bind(host)
            .bind(&before.id)
            .execute(&mut tx)
            .await?;
        let entity = EntityRef::new("installation", &before.id);
        let entry = Entry::new("installation.arm", entity).before(&before.shown())?.after(&after.shown())?;
        audit::record_platform(&mut tx, &Principal::CommandLine, &command_id(), runtime.clock.now(), entry).await
    })
}

/// Takes the right to act from a database that was moved elsewhere: should it be served again by mistake, it starts in
/// safe mode. Audited.
///
/// # Errors
/// The database's.
pub async fn disarm(db: &Db, now: Timestamp) -> Result<(), Error> {
    let platform = PlatformDb::new(db.clone());
    write_tx!(platform, tx => {
        let Some(before) = find(&mut tx).await? else { return Ok(()) };
        sql("UPDATE kernel_installation SET armed = false WHERE id = $1").bind(&before.id).execute(&mut tx).await?;
        let after = InstallationRow { armed: false, ..before.clone() };
        let entity = EntityRef::new("installation", &before.id);
        let entry = Entry::new("installation.disarm", entity).before(&before.shown())?.after(&after.shown())?;
        audit::record_platform(&mut tx, &Principal::CommandLine, &command_id(), now, entry).await
    })
}
