//! The installation's key pair, made once and sealed.

use super::{
    store::{self, KeyRow},
    vapid::Identity,
};
use atalaya_kernel::{
    Error, Principal,
    audit::{self, Entry},
    events::EntityRef,
    runtime::Runtime,
    write_tx,
};
use serde_json::json;
use std::{fmt::Display, sync::Arc};

/// Context under which the private half is sealed.
pub(crate) fn secret_context(id: impl Display) -> String {
    format!("push/key/{id}")
}

/// Makes the installation's key pair, where there is none yet.
///
/// # Errors
/// The database's.
pub async fn key_ensure(runtime: &Arc<Runtime>) -> Result<(), Error> {
    identity(runtime).await.map(drop)
}

/// The installation's key pair.
pub(super) async fn identity(runtime: &Arc<Runtime>) -> Result<Identity, Error> {
    let platform = runtime.platform();
    let mut tx = platform.begin_read().await?;
    let found = store::key_get(&mut tx).await?;
    tx.rollback().await?;
    let row = match found {
        Some(row) => row,
        None => made(runtime).await?,
    };
    Identity::read(&runtime.secrets.open_platform(&secret_context(&row.id), &row.sealed_key)?)
}

/// Makes it; or the one that another process was faster to make.
async fn made(runtime: &Arc<Runtime>) -> Result<KeyRow, Error> {
    let pkcs8 = Identity::fresh()?;
    let public_key = Identity::read(&pkcs8)?.public_key();
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => {
        let id = store::KEY;
        let sealed_key = runtime.secrets.seal_platform(&mut tx, &secret_context(id), pkcs8.expose()).await?;
        let row = KeyRow { id: id.to_owned(), sealed_key };
        if store::key_insert(&mut tx, &row, &public_key, now).await? {
            let entry = Entry::new("push_key.create", EntityRef::new("push_key", id));
            let entry = entry.after(&json!({"public_key": public_key, "created_at": now}))?;
            audit::record_platform(&mut tx, &Principal::System("push"), "push-key", now, entry).await?;
        }
        store::key_get(&mut tx).await?.ok_or_else(|| Error::internal("the key was just kept"))
    })
}
