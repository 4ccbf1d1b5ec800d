//! Sealing of what must not be read from a stolen database: router passwords, CA keys, token keys.
//!
//! The **installation key** (32 bytes, outside the database: a file, the environment or a systemd credential) wraps one
//! random key per tenant, which lives sealed in `kernel_tenant_key`. Values are sealed with XChaCha20-Poly1305 under
//! the tenant's key and bound to a context text, so that a value copied to another row or tenant does not open. The
//! platform's own secrets use the installation key itself.

use crate::{
    Error,
    db::{TenantTx, sql},
    ids::TenantId,
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use std::{collections::HashMap, fmt};
use zeroize::{Zeroize, Zeroizing};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// First byte of everything sealed: the format.
const FORMAT: u8 = 1;

/// Bytes of a secret; wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
    /// The bytes, for the one place that uses them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}
impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// Text of a secret as it arrives in a request; wiped when dropped, never printed or serialised.
#[derive(Clone, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// The text, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl<'de> serde::Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer).map(Self::new)
    }
}
impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// The key that is not in the database.
pub struct InstallationKey(Zeroizing<[u8; KEY_BYTES]>);

impl InstallationKey {
    /// A fresh one.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        fill_random(&mut *key);
        Self(key)
    }
    /// From its text form of 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the mend, never the text.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), &mut *key)
            .map_err(|_| Error::internal("the installation key must be 64 hexadecimal digits"))?;
        Ok(Self(key))
    }
    /// Its text form, to be written where only the service can read it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }
}

/// Seals and opens.
pub struct Secrets {
    installation: InstallationKey,
    tenants: Mutex<HashMap<TenantId, Zeroizing<[u8; KEY_BYTES]>>>,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    wrapped: Vec<u8>,
}

impl Secrets {
    /// Under an installation key.
    pub fn new(installation: InstallationKey) -> Self {
        Self { installation, tenants: Mutex::default() }
    }

    /// Seals a secret of the transaction's tenant. `context` names the row and field (`device/dev_…/credentials`) and
    /// must be given again to open.
    ///
    /// # Errors
    /// The database's, when the tenant's key had to be read or made.
    pub async fn seal(&self, tx: &mut TenantTx, context: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.tenant_key(tx).await?;
        seal(&key, context, secret)
    }

    /// Opens what [`Secrets::seal`] sealed.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was changed, or sealed for another tenant or context.
    pub async fn open(&self, tx: &mut TenantTx, context: &str, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let key = self.tenant_key(tx).await?;
        open(&key, context, sealed)
    }

    /// Seals a secret of the platform itself, e.g. the root CA's key.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn seal_platform(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        seal(&self.installation.0, context, secret)
    }

    /// Opens what [`Secrets::seal_platform`] sealed.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was changed or the installation key is another.
    pub fn open_platform(&self, context: &str, sealed: &[u8]) -> Result<SecretBytes, Error> {
        open(&self.installation.0, context, sealed)
    }

    /// A secret of its own for a purpose that has no row: the same at each start, and it tells nothing of the
    /// installation key (HMAC-SHA-256 as a key derivation, NIST SP 800-108).
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&*self.installation.0).expect("HMAC takes a key of any length");
        mac.update(b"derive\0");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Makes a tenant's key, in the transaction that makes the tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn tenant_key_create(
        &self,
        tx: &mut TenantTx,
        now: crate::time::Timestamp,
    ) -> Result<(), Error> {
        let tenant = tx.tenant().clone();
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        fill_random(&mut *key);
        let wrapped = seal(&self.installation.0, &key_context(&tenant), &*key)?;
        sql("INSERT INTO kernel_tenant_key (tenant_id, wrapped, created_at) VALUES ($1, $2, $3)")
            .bind(tenant)
            .bind(wrapped)
            .bind(now)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn tenant_key(&self, tx: &mut TenantTx) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        let tenant = tx.tenant().clone();
        if let Some(key) = self.tenants.lock().get(&tenant) {
            return Ok(key.clone());
        }
        let row: KeyRow = sql("SELECT wrapped FROM kernel_tenant_key WHERE tenant_id = $1")
            .bind(&tenant)
            .fetch_one(tx)
            .await?;
        let opened = open(&self.installation.0, &key_context(&tenant), &row.wrapped)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if opened.expose().len() != KEY_BYTES {
            return Err(Error::internal("a tenant key has the wrong length"));
        }
        key.copy_from_slice(opened.expose());
        self.tenants.lock().insert(tenant, key.clone());
        Ok(key)
    }
}

fn key_context(tenant: &TenantId) -> String {
    format!("kernel_tenant_key/{tenant}")
}

fn seal(key: &[u8; KEY_BYTES], context: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce);
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    let body = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: context.as_bytes() })
        .map_err(|_| Error::internal("sealing failed"))?;
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + body.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

fn open(key: &[u8; KEY_BYTES], context: &str, sealed: &[u8]) -> Result<SecretBytes, Error> {
    let refuse = || {
        Error::internal("a sealed value does not open: changed, moved, or the installation key is another")
    };
    let rest = sealed.strip_prefix(&[FORMAT]).ok_or_else(refuse)?;
    let (nonce, body) = rest.split_at_checked(NONCE_BYTES).ok_or_else(refuse)?;
    let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| refuse())?;
    XChaCha20Poly1305::new(&(*key).into())
        .decrypt(&XNonce::from(nonce), Payload { msg: body, aad: context.as_bytes() })
        .map(SecretBytes::new)
        .map_err(|_| refuse())
}

/// Fills with random bytes of the operating system.
pub fn fill_random(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // Without randomness every key would be guessable: there is nothing sensible left to do.
        bytes.zeroize();
        std::process::abort();
    }
}

/// 32 random bytes as 64 hexadecimal digits.
pub fn random_token() -> String {
    let mut bytes = [0; 32];
    fill_random(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_values_open_only_in_their_context() {
        let secrets = Secrets::new(InstallationKey::generate());
        let sealed = secrets.seal_platform("ca/root", b"key").unwrap();
        assert_eq!(secrets.open_platform("ca/root", &sealed).unwrap().expose(), b"key");
        assert!(secrets.open_platform("ca/other", &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(secrets.open_platform("ca/root", &changed).is_err());
        assert!(secrets.open_platform("ca/root", &[]).is_err());
        assert!(Secrets::new(InstallationKey::generate()).open_platform("ca/root", &sealed).is_err());
    }

    #[test]
    fn the_installation_key_has_a_text_form() {
        let key = InstallationKey::generate();
        let again = InstallationKey::from_hex(&key.to_hex()).unwrap();
        assert_eq!(*key.0, *again.0);
        assert!(InstallationKey::from_hex("abc").is_err());
    }
}
