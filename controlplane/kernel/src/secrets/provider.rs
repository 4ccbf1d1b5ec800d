//! Keys outside the database, which wrap the platform's keys: whoever has the database alone opens nothing.

use super::{
    cipher::{KEY_BYTES, Key, Owner},
    text::SecretBytes,
};
use crate::Error;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A key as it may lie in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Which key wrapped it, with its version.
    pub by: String,
    /// What came out.
    pub bytes: Vec<u8>,
}

/// Something that holds a key outside the database: this process itself, or a service that lets nobody have it.
///
/// Called at start and when keys are replaced, never within a transaction.
#[async_trait::async_trait]
pub trait KeyProvider: Send + Sync + 'static {
    /// What it is, for people: `transit atalaya at https://…`.
    fn shown(&self) -> String;
    /// Whether it opens what was wrapped by the key of this name.
    fn knows(&self, by: &str) -> bool;
    /// Wraps a key. `context` must be given again to open it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] naming the setting and the mend.
    async fn wrap(&self, context: &str, key: &[u8]) -> Result<Wrapped, Error>;
    /// Opens what [`KeyProvider::wrap`] gave.
    ///
    /// # Errors
    /// [`Error::Unavailable`] naming the setting and the mend, or [`Error::Internal`] for what was changed.
    async fn unwrap(&self, context: &str, wrapped: &Wrapped) -> Result<SecretBytes, Error>;
    /// The key itself, where this process has it: before keys had numbers it sealed the platform's secrets directly.
    fn installation_key(&self) -> Option<&InstallationKey> {
        None
    }
}

/// A key that this process has: of a file, the environment or a systemd credential.
#[derive(Clone)]
pub struct InstallationKey(pub(super) Key);

impl InstallationKey {
    /// A fresh one.
    pub fn generate() -> Self {
        Self(Key::random())
    }
    /// From its text form of 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the mend, never the text.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), &mut *key)
            .map_err(|_| Error::internal("the installation key must be 64 hexadecimal digits"))?;
        Key::new(&*key).map(Self)
    }
    /// Its text form, to be written where only the service can read it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.bytes()))
    }
    /// What tells it from another one, and nothing of it.
    pub fn name(&self) -> String {
        let tag = derive(&self.0, b"name\0", "");
        format!("local/{}", hex::encode(tag.get(..8).unwrap_or_default()))
    }
}

/// A secret made of a key for a purpose; it tells nothing of the key (HMAC-SHA-256 as a key derivation, NIST SP 800-108).
pub(super) fn derive(key: &Key, label: &[u8], purpose: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes a key of any length");
    mac.update(label);
    mac.update(purpose.as_bytes());
    mac.finalize().into_bytes().into()
}

#[async_trait::async_trait]
impl KeyProvider for InstallationKey {
    fn shown(&self) -> String {
        self.name()
    }

    fn knows(&self, by: &str) -> bool {
        by == self.name()
    }

    async fn wrap(&self, context: &str, key: &[u8]) -> Result<Wrapped, Error> {
        let header = Owner::Platform.header(Owner::Platform.first());
        Ok(Wrapped { by: self.name(), bytes: self.0.seal(&header, context, key)? })
    }

    async fn unwrap(&self, context: &str, wrapped: &Wrapped) -> Result<SecretBytes, Error> {
        self.0.open(context, &wrapped.bytes)
    }

    fn installation_key(&self) -> Option<&InstallationKey> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installation_key_has_a_text_form_and_a_name() {
        let key = InstallationKey::generate();
        let again = InstallationKey::from_hex(&key.to_hex()).unwrap();
        assert_eq!(key.0.bytes(), again.0.bytes());
        assert_eq!(key.name(), again.name());
        assert!(key.knows(&again.name()) && !key.knows(&InstallationKey::generate().name()));
        assert!(!key.name().contains(&key.to_hex()[..8]));
        assert!(InstallationKey::from_hex("abc").is_err());
    }

    #[tokio::test]
    async fn what_is_wrapped_opens_in_its_context_and_with_its_key_only() {
        let key = InstallationKey::generate();
        let wrapped = key.wrap("kernel_platform_key/1", b"a key").await.unwrap();
        assert_eq!(wrapped.by, key.name());
        assert_eq!(key.unwrap("kernel_platform_key/1", &wrapped).await.unwrap().expose(), b"a key");
        assert!(key.unwrap("kernel_platform_key/2", &wrapped).await.is_err());
        assert!(InstallationKey::generate().unwrap("kernel_platform_key/1", &wrapped).await.is_err());
    }
}
