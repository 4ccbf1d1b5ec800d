//! What all parts of a control-plane process share.

use crate::{
    blobs::{BlobStore, ROOM},
    db::{Db, PlatformDb, TenantDb},
    events::Subscriptions,
    ids::TenantId,
    secrets::Secrets,
    time::Clock,
};
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// Shared by reference; made once in `server`, once per test in the harness.
pub struct Runtime {
    /// The database.
    pub(crate) db: Db,
    /// Who tells the time.
    pub clock: Arc<dyn Clock>,
    /// Who wants which events; decides the delivery rows of each.
    pub subscriptions: Subscriptions,
    /// Sealing of secrets, and the keys that do it.
    pub secrets: Secrets,
    /// Where the bytes of files and pictures lie: reached through [`crate::blobs`].
    pub blobs: Arc<dyn BlobStore>,
    /// Room in memory for blobs that are sealed or opened, MiB.
    pub(crate) blob_room: Semaphore,
    /// Rung after a commit that emitted events: a hint, a poll is the truth.
    pub committed: Notify,
}

impl Runtime {
    /// Puts the parts together.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        subscriptions: Subscriptions,
        secrets: Secrets,
        blobs: Arc<dyn BlobStore>,
    ) -> Arc<Self> {
        let blob_room = Semaphore::new(ROOM);
        Arc::new(Self { db, clock, subscriptions, secrets, blobs, blob_room, committed: Notify::new() })
    }
    /// The way to kernel and platform tables.
    pub fn platform(&self) -> PlatformDb {
        PlatformDb::new(self.db.clone())
    }
    /// The way to one tenant's tables.
    pub fn tenant(self: &Arc<Self>, tenant: TenantId) -> TenantDb {
        TenantDb::new(self.clone(), tenant)
    }
    /// The database itself, for migrations and closing.
    pub fn db(&self) -> &Db {
        &self.db
    }
}
