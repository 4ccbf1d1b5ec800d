//! Sealing of what must not be read from a stolen database: router passwords, CA keys, token keys.
//!
//! Three layers of keys. A key **outside the database** (the *installation key* of a file, the environment or a systemd
//! credential, or one that a transit engine never gives out) wraps the **platform's keys**; they seal the platform's own
//! secrets and the **tenants' keys**, one of each in use, which seal the tenants' values. A value is bound to a context
//! text, so that one that was copied to another row or tenant does not open.
//!
//! Keys have numbers and are replaced while everything runs ([`rotation`], [`reseal`]): a value says which number it lies
//! under, what is sealed lies under the newest, and a key is destroyed when nothing lies under it any more. Which key is
//! the newest is read in the transaction that writes the value, under a lock that whoever retires the key waits for: so
//! nothing is ever sealed with a key that may be destroyed, in whichever process.

mod cipher;
mod provider;
pub mod reseal;
mod ring;
pub mod rotation;
mod store;
pub(crate) mod stream;
mod text;

pub use cipher::Owner;
pub use provider::{InstallationKey, KeyProvider, Wrapped};
pub use text::{SecretBytes, SecretText, ShownOnce, fill_random, random_token};

use crate::{
    Error,
    db::{DbError, Handle, TenantTx},
    ids::TenantId,
    time::Timestamp,
};
use cipher::{Key, does_not_open};
use ring::Ring;
use std::sync::Arc;

/// How often the newest key is looked for: a lock that was waited for while another key was put in its place finds none.
const LOOKS: u32 = 5;

/// Seals and opens.
pub struct Secrets {
    /// The first wraps; the others only open what they wrapped before.
    providers: Vec<Arc<dyn KeyProvider>>,
    ring: Ring,
}

impl Secrets {
    /// Under an installation key.
    pub fn new(installation: InstallationKey) -> Self {
        Self::with(vec![Arc::new(installation)])
    }

    /// Under keys outside the database: the first is the one in use, those after it are former ones that may still have
    /// to open something, newest first.
    pub fn with(providers: Vec<Arc<dyn KeyProvider>>) -> Self {
        let oldest = providers.iter().rev().find_map(|provider| provider.installation_key());
        let ring = Ring::starting(oldest.map(|key| key.0.clone()));
        Self { providers, ring }
    }

    /// Seals a secret of the transaction's tenant. `context` names the row and field (`device/dev_…/credentials`) and
    /// must be given again to open. The value belongs into this transaction and no later one.
    ///
    /// # Errors
    /// The database's.
    pub async fn seal(&self, tx: &mut TenantTx, context: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let (number, key) = self.tenant_current(tx).await?;
        key.seal(&Owner::Tenant.header(number), context, secret)
    }

    /// Opens what [`Secrets::seal`] sealed.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was changed, or sealed for another tenant or context.
    pub async fn open(&self, tx: &mut TenantTx, context: &str, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let number = Owner::Tenant.number_of(sealed)?;
        let tenant = tx.tenant().clone();
        let key = match self.ring.tenant(&tenant, number) {
            Some(key) => key,
            None => {
                let row = store::tenant_key(tx, number).await?.ok_or_else(does_not_open)?;
                self.unwrapped(&tenant, number, &row.wrapped)?
            }
        };
        key.open(context, sealed)
    }

    /// Seals a secret of the platform itself, e.g. the root CA's key, to be written in this transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn seal_platform(
        &self,
        tx: &mut impl Handle,
        context: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let (number, key) = self.platform_current(tx).await?;
        key.seal(&Owner::Platform.header(number), context, secret)
    }

    /// Seals what is not kept: it is handed out and comes back within minutes, or not at all.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn seal_passing(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let (number, key) = self.ring.platform_newest().ok_or_else(|| unknown(None))?;
        key.seal(&Owner::Platform.header(number), context, secret)
    }

    /// Opens what [`Secrets::seal_platform`] or [`Secrets::seal_passing`] sealed.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was changed or the key is another.
    pub fn open_platform(&self, context: &str, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let number = Owner::Platform.number_of(sealed)?;
        self.ring.platform(number).ok_or_else(does_not_open)?.open(context, sealed)
    }

    /// A secret of its own for a purpose that has no row: the same at each start until the platform's key is replaced,
    /// and it tells nothing of any key.
    ///
    /// # Errors
    /// [`Error::Internal`] before the platform's keys are known.
    pub fn derive(&self, purpose: &str) -> Result<[u8; 32], Error> {
        let (_, key) = self.ring.platform_newest().ok_or_else(|| unknown(None))?;
        Ok(provider::derive(&key, b"derive\0", purpose))
    }

    /// Wraps a key for a file that must open without this database: under the key outside it.
    ///
    /// # Errors
    /// The provider's.
    pub async fn wrap_outside(&self, context: &str, key: &[u8]) -> Result<Wrapped, Error> {
        let first = self.providers.first().ok_or_else(|| Error::internal("there is no key provider"))?;
        first.wrap(context, key).await
    }

    /// Opens what [`Secrets::wrap_outside`] wrapped, with whichever of the keys did.
    ///
    /// # Errors
    /// [`Error::Unavailable`] naming the key that is needed, or the provider's.
    pub async fn unwrap_outside(&self, context: &str, wrapped: &Wrapped) -> Result<SecretBytes, Error> {
        let provider = self.providers.iter().find(|provider| provider.knows(&wrapped.by));
        provider.ok_or_else(|| self.not_ours(&wrapped.by))?.unwrap(context, wrapped).await
    }

    /// Opens what an installation key sealed before it had a name.
    pub(crate) fn open_unnamed(&self, context: &str, sealed: &[u8]) -> Option<SecretBytes> {
        let mut keys = self.providers.iter().filter_map(|provider| provider.installation_key());
        keys.find_map(|key| key.0.open(context, sealed).ok())
    }

    /// Makes a tenant's first key, in the transaction that makes the tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn tenant_key_create(&self, tx: &mut TenantTx, now: Timestamp) -> Result<(), Error> {
        self.tenant_key_add(tx, Owner::Tenant.first(), now).await
    }

    async fn tenant_key_add(&self, tx: &mut TenantTx, number: u32, now: Timestamp) -> Result<(), Error> {
        let context = tenant_key_context(tx.tenant(), number);
        let wrapped = self.seal_platform(tx, &context, Key::random().bytes()).await?;
        Ok(store::tenant_key_insert(tx, number, wrapped, now).await?)
    }

    /// The tenant's key to seal with.
    async fn tenant_current(&self, tx: &mut TenantTx) -> Result<(u32, Key), Error> {
        let tenant = tx.tenant().clone();
        for _ in 0..LOOKS {
            let Some(row) = store::tenant_current(tx).await? else { continue };
            let number = number(row.number)?;
            let key = match self.ring.tenant(&tenant, number) {
                Some(key) => key,
                None => self.unwrapped(&tenant, number, &row.wrapped)?,
            };
            return Ok((number, key));
        }
        Err(DbError::NoRow.into())
    }

    /// The platform's key to seal with; before there are any rows, the installation key itself.
    async fn platform_current(&self, tx: &mut impl Handle) -> Result<(u32, Key), Error> {
        for _ in 0..LOOKS {
            let found = match store::platform_current(tx).await? {
                Some((found,)) => number(found)?,
                None if store::platform_any(tx).await? => continue,
                None => Owner::Platform.first(),
            };
            let key = self.ring.platform(found).ok_or_else(|| unknown(Some(found)))?;
            return Ok((found, key));
        }
        Err(DbError::NoRow.into())
    }

    fn unwrapped(&self, tenant: &TenantId, number: u32, wrapped: &[u8]) -> Result<Key, Error> {
        let opened = self.open_platform(&tenant_key_context(tenant, number), wrapped)?;
        let key = Key::new(opened.expose())?;
        self.ring.remember(tenant, number, key.clone());
        Ok(key)
    }

    fn not_ours(&self, by: &str) -> Error {
        let ours: Vec<_> = self.providers.iter().map(|provider| provider.shown()).collect();
        Error::Unavailable(format!(
            "this needs the key {by}, and here is {}: name it in [secrets] key or former (docs/operations/keys.md)",
            ours.join(", ")
        ))
    }
}

/// The context that a tenant's key is sealed in.
fn tenant_key_context(tenant: &TenantId, number: u32) -> String {
    if number == Owner::Tenant.first() {
        format!("kernel_tenant_key/{tenant}")
    } else {
        format!("kernel_tenant_key/{tenant}/{number}")
    }
}

fn number(stored: i64) -> Result<u32, Error> {
    u32::try_from(stored).map_err(Error::internal)
}

fn unknown(number: Option<u32>) -> Error {
    let which =
        number.map_or_else(|| "The platform's key".to_owned(), |number| format!("Platform key {number}"));
    Error::Unavailable(format!("{which} is not known to this process yet; it looks each second"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_opens_only_in_its_context() {
        let secrets = Secrets::new(InstallationKey::generate());
        let sealed = secrets.seal_passing("log-in", b"challenge").unwrap();
        assert_eq!(secrets.open_platform("log-in", &sealed).unwrap().expose(), b"challenge");
        assert!(secrets.open_platform("other", &sealed).is_err());
        assert!(secrets.open_platform("log-in", &[]).is_err());
        assert!(Secrets::new(InstallationKey::generate()).open_platform("log-in", &sealed).is_err());
    }
}
