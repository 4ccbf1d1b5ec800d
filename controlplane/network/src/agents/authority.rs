//! Keys and certificates of the installation's root and of the tenants' issuing authorities, as sealed rows.
//!
//! What they are is none of this module's business: the caller makes and reads the bytes. Making happens once, under
//! the writer's lock, also when two processes start at the same moment.

use super::store;
use atalaya_kernel::{Ctx, Error, ids::TenantId, runtime::Runtime, secrets::SecretBytes, write_tx};
use std::sync::Arc;

/// A certificate and its key, DER.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Certificate.
    pub certificate: Vec<u8>,
    /// Private key.
    pub key: SecretBytes,
}

pub(crate) const ROOT_CONTEXT: &str = "network_root/key";

pub(crate) fn authority_context(tenant: &str) -> String {
    format!("network_authority/{tenant}/key")
}

/// The installation's root; `make` is called when there is none yet.
///
/// # Errors
/// The database's, `make`'s, or a key sealed under another installation key.
pub async fn root_ensure(
    runtime: &Arc<Runtime>,
    make: &(dyn Fn() -> Result<KeyPair, Error> + Send + Sync),
) -> Result<KeyPair, Error> {
    let platform = runtime.platform();
    let now = runtime.clock.now();
    write_tx!(platform, tx => {
        if let Some(row) = store::root_get(&mut tx).await? {
            let key = runtime.secrets.open_platform(ROOT_CONTEXT, &row.sealed_key)?;
            return Ok(KeyPair { certificate: row.certificate, key });
        }
        let made = make()?;
        let sealed = runtime.secrets.seal_platform(&mut tx, ROOT_CONTEXT, made.key.expose()).await?;
        store::root_insert(&mut tx, &made.certificate, sealed, now).await?;
        Ok(made)
    })
}

/// The issuing authority of the context's tenant; `make` is called when there is none yet.
///
/// # Errors
/// The database's or `make`'s.
pub async fn authority_ensure(
    ctx: &Ctx,
    make: &(dyn Fn() -> Result<KeyPair, Error> + Send + Sync),
) -> Result<KeyPair, Error> {
    let context = authority_context(ctx.tenant().as_str());
    write_tx!(ctx, tx => {
        let runtime = tx.runtime().clone();
        if let Some(row) = store::authority_get(&mut tx).await? {
            let key = runtime.secrets.open(&mut tx, &context, &row.sealed_key).await?;
            return Ok(KeyPair { certificate: row.certificate, key });
        }
        let made = make()?;
        let sealed = runtime.secrets.seal(&mut tx, &context, made.key.expose()).await?;
        store::authority_insert(&mut tx, &made.certificate, sealed, ctx.now()).await?;
        Ok(made)
    })
}

/// Certificates of all tenants' authorities, for the handshake's directory.
///
/// # Errors
/// The database's.
pub async fn authorities_list(runtime: &Arc<Runtime>) -> Result<Vec<(TenantId, Vec<u8>)>, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    Ok(store::authorities_list(&mut tx).await?)
}
