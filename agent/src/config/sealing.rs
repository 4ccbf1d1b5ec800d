//! The X25519 key to which headquarters seals credentials, and this agent its last configuration.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crypto_box::aead::OsRng;
use crypto_box::{PublicKey, SecretKey};
use zeroize::Zeroizing;

const FILE: &str = "sealing.key";

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key cannot be read or kept.
    #[error("sealing key: {0}")]
    Key(#[from] io::Error),
    /// The key file has another length than 32 bytes.
    #[error(
        "sealing key: the file is damaged; remove it, and headquarters seals anew at the next connection"
    )]
    Damaged,
    /// Not sealed to this key, or changed since.
    #[error("sealed to another key, or damaged")]
    Unopenable,
}

/// The agent's sealing key pair. It never leaves the machine.
#[derive(Clone)]
pub struct SealingKey {
    secret: SecretKey,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    /// Reads the key of an identity directory, or makes it (0600, on disk before this returns).
    ///
    /// # Errors
    /// [`SealError::Key`], [`SealError::Damaged`].
    pub fn load_or_create(identity_dir: &Path) -> Result<Self, SealError> {
        let path = identity_dir.join(FILE);
        match fs::read(&path).map(Zeroizing::new) {
            Ok(bytes) => {
                let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| SealError::Damaged)?;
                return Ok(Self { secret: SecretKey::from(*Zeroizing::new(bytes)) });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let secret = SecretKey::generate(&mut OsRng);
        fs::create_dir_all(identity_dir)?;
        let unfinished = identity_dir.join(format!("{FILE}.new"));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(Zeroizing::new(secret.to_bytes()).as_slice())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        fs::File::open(identity_dir)?.sync_all()?;
        Ok(Self { secret })
    }

    /// The public half, for `Hello`.
    pub fn public(&self) -> [u8; 32] {
        *self.secret.public_key().as_bytes()
    }

    /// Opens what was sealed to this key (libsodium sealed box).
    ///
    /// # Errors
    /// [`SealError::Unopenable`].
    pub fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.secret.unseal(sealed).map(Zeroizing::new).map_err(|_| SealError::Unopenable)
    }

    /// Seals to this key.
    ///
    /// # Errors
    /// [`SealError::Unopenable`] when the message is too long to be sealed.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        seal_to(&self.public(), plain)
    }
}

/// Seals to a public key, as headquarters does.
pub(super) fn seal_to(public: &[u8; 32], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    PublicKey::from(*public).seal(&mut OsRng, plain).map_err(|_| SealError::Unopenable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_we_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = SealingKey::load_or_create(dir.path()).unwrap();
        let again = SealingKey::load_or_create(dir.path()).unwrap();
        assert_eq!(key.public(), again.public());
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut sealed = seal_to(&key.public(), b"community").unwrap();
        assert_eq!(again.open(&sealed).unwrap().as_slice(), b"community");
        sealed[40] ^= 1;
        assert!(matches!(again.open(&sealed), Err(SealError::Unopenable)));
        fs::write(dir.path().join(FILE), b"short").unwrap();
        assert!(matches!(SealingKey::load_or_create(dir.path()), Err(SealError::Damaged)));
    }
}
