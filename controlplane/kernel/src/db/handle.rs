//! The two ways to the database: of one tenant, and of the platform.

use super::{Db, DbError, Handle, Priority, query::SealedHandle, reach::Reach, sql, tx::Tx};
use crate::{context::Scope, ids::TenantId, runtime::Runtime};
use std::sync::Arc;

/// The way to one tenant's tables. It says whose they are; nothing else does.
#[derive(Clone)]
pub struct TenantDb {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) tenant: TenantId,
}

impl TenantDb {
    /// Opens the way to a tenant. Called where a principal was established (log-in, certificate, job claim), nowhere
    /// else.
    pub fn new(runtime: Arc<Runtime>, tenant: TenantId) -> Self {
        Self { runtime, tenant }
    }
    /// Whose tables.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }
    /// What the process shares.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    pub(crate) async fn begin(&self, scope: Scope, write: Option<Priority>) -> Result<TenantTx, DbError> {
        let reach = Reach::Tenant(&self.tenant);
        let tx = match write {
            Some(priority) => self.runtime.db.begin_write(reach, priority).await?,
            None => self.runtime.db.begin_read(reach).await?,
        };
        let (tenant, runtime) = (self.tenant.clone(), self.runtime.clone());
        Ok(TenantTx { tx, tenant, scope, runtime, wake: false, asks_for_job: false })
    }
}

/// A transaction in one tenant's tables, within a scope.
pub struct TenantTx {
    tx: Tx,
    tenant: TenantId,
    scope: Scope,
    runtime: Arc<Runtime>,
    /// Whether events were emitted, so that the dispatcher is woken after the commit.
    pub(crate) wake: bool,
    /// Whether a job was asked for, so that the runners are woken after the commit.
    asks_for_job: bool,
}

impl TenantTx {
    /// Whose tables; bound as `tenant_id` by every statement.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }
    /// What of the tenant may be seen; applied by every list and read.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
    /// What the process shares.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }
    /// Rings the bell after the commit though no event is written: for changes that only another part of this
    /// process waits for.
    pub fn ring(&mut self) {
        self.wake = true;
    }
    /// Makes the changes durable and wakes whoever waits for their events.
    ///
    /// # Errors
    /// The database's; [`DbError::is_retryable`] tells whether to run again.
    pub async fn commit(self) -> Result<(), DbError> {
        let Self { tx, runtime, wake, asks_for_job, .. } = self;
        tx.commit().await?;
        if wake {
            runtime.committed.notify_waiters();
        }
        if asks_for_job {
            runtime.job_asked.notify_waiters();
        }
        Ok(())
    }
    /// Gives the changes up.
    ///
    /// # Errors
    /// The database's.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.tx.rollback().await
    }
}

#[allow(private_interfaces, reason = "sealed: nobody outside can call it")]
impl SealedHandle for TenantTx {
    fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }
    fn job_asked(&mut self) {
        self.asks_for_job = true;
    }
}

/// The way to kernel, platform and look-up tables (`migrations/lookups.txt`). A test lists who may call it.
#[derive(Clone)]
pub struct PlatformDb(Db);

impl PlatformDb {
    /// Opens the way.
    pub fn new(db: Db) -> Self {
        Self(db)
    }
    /// A write transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_write(&self) -> Result<PlatformTx, DbError> {
        Ok(PlatformTx(self.0.begin_write(Reach::Platform, Priority::Interactive).await?))
    }
    /// For reading: each statement sees what is committed when it begins, so two of them may see two moments.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_read(&self) -> Result<PlatformTx, DbError> {
        Ok(PlatformTx(self.0.begin_read(Reach::Platform).await?))
    }
    /// A write transaction that changes the schema, and rows of every tenant with it.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn begin_migration(&self) -> Result<PlatformTx, DbError> {
        Ok(PlatformTx(self.0.begin_write(Reach::Migration, Priority::Interactive).await?))
    }
    /// Asks the database for an answer, whatever it is.
    ///
    /// # Errors
    /// The database's, when it does not answer.
    pub async fn ping(&self) -> Result<(), DbError> {
        let mut tx = self.begin_read().await?;
        sql("SELECT CAST(1 AS BIGINT)").fetch_one::<(i64,)>(&mut tx).await?;
        tx.rollback().await
    }
}

/// A transaction in kernel, platform and look-up tables.
pub struct PlatformTx(Tx);

impl PlatformTx {
    /// The transaction itself, for migrations.
    pub(crate) fn raw(&mut self) -> &mut Tx {
        &mut self.0
    }
    /// Makes the changes durable.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit(self) -> Result<(), DbError> {
        self.0.commit().await
    }
    /// Gives the changes up.
    ///
    /// # Errors
    /// The database's.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.0.rollback().await
    }
}

#[allow(private_interfaces, reason = "sealed: nobody outside can call it")]
impl SealedHandle for PlatformTx {
    fn tx(&mut self) -> &mut Tx {
        &mut self.0
    }
    /// Nobody is woken: the runners' own poll finds it.
    fn job_asked(&mut self) {}
}

const _: fn() = || {
    fn is_handle<T: Handle>() {}
    is_handle::<TenantTx>();
    is_handle::<PlatformTx>();
};
