//! The identity on disk: `key.pem` (0600) and `enrolled`, one record.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use atalaya_pki::{AgentIdentity, AgentKey, CertificateDer, PkiError};
use serde::{Deserialize, Serialize};

const KEY_FILE: &str = "key.pem";
const ENROLLED_FILE: &str = "enrolled";
/// First byte of `enrolled`.
const FORMAT: u8 = 1;

/// What enrolment and renewals brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Who this agent is.
    pub installation: String,
    /// Its tenant.
    pub tenant: String,
    /// Its id.
    pub agent: String,
    /// Gateways named by the join string, `host:port`.
    pub gateways: Vec<String>,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Roots by which the gateway is known, DER.
    pub roots: Vec<Vec<u8>>,
    /// Headquarters' time when the certificate was issued, Unix ms: a time that has certainly passed.
    pub confirmed_time_ms: i64,
}

impl Enrolled {
    /// The certificate for rustls.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone().into()
    }

    /// The roots for rustls.
    pub fn roots(&self) -> Vec<CertificateDer<'static>> {
        self.roots.iter().map(|root| root.clone().into()).collect()
    }

    /// The three ids.
    ///
    /// # Errors
    /// [`PkiError::BadId`] when the record was edited.
    pub fn identity(&self) -> Result<AgentIdentity, PkiError> {
        AgentIdentity::new(&self.installation, &self.tenant, &self.agent)
    }
}

/// Why the identity cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key file is no key.
    #[error("{}: {source}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PkiError,
    },
    /// The record is damaged or of a newer agent.
    #[error("{} cannot be read: enrol again into an empty state directory", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
}

/// The directory `identity/` of the state directory.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    folder: PathBuf,
}

impl IdentityStore {
    /// Opens or makes `STATE_DIR/identity`, readable by its owner only.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let folder = state_dir.join("identity");
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| StoreError::Io { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    /// The key, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn key(&self) -> Result<Option<AgentKey>, StoreError> {
        let path = self.folder.join(KEY_FILE);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let pem = zeroize::Zeroizing::new(bytes);
        let text = std::str::from_utf8(&pem).map_err(|_| StoreError::Damaged { path: path.clone() })?;
        AgentKey::from_pem(text).map(Some).map_err(|source| StoreError::Key { path, source })
    }

    /// The key, made and synced to disk where there is none yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn key_or_new(&self) -> Result<AgentKey, StoreError> {
        if let Some(key) = self.key()? {
            return Ok(key);
        }
        let path = self.folder.join(KEY_FILE);
        let key = AgentKey::generate().map_err(|source| StoreError::Key { path, source })?;
        self.replace(KEY_FILE, key.to_pem().as_bytes())?;
        Ok(key)
    }

    /// What enrolment brought, `None` before it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn enrolled(&self) -> Result<Option<Enrolled>, StoreError> {
        let path = self.folder.join(ENROLLED_FILE);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        match bytes.split_first() {
            Some((&FORMAT, record)) => {
                postcard::from_bytes(record).map(Some).map_err(|_| StoreError::Damaged { path })
            }
            _ => Err(StoreError::Damaged { path }),
        }
    }

    /// Keeps what enrolment or renewal brought.
    ///
    /// # Errors
    /// [`StoreError`]; the old record is then still whole.
    pub fn keep(&self, enrolled: &Enrolled) -> Result<(), StoreError> {
        let record = postcard::to_stdvec(enrolled)
            .map_err(|_| StoreError::Damaged { path: self.folder.join(ENROLLED_FILE) })?;
        self.replace(ENROLLED_FILE, &[&[FORMAT], record.as_slice()].concat())
    }

    /// Writes beside, syncs, renames over, syncs the folder: after a power cut the old file or the new one is there.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| StoreError::Io { path: path.clone(), source })
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io { path: path.into(), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn enrolled() -> Enrolled {
        Enrolled {
            installation: "ins_1".into(),
            tenant: "ten_1".into(),
            agent: "agt_1".into(),
            gateways: vec!["192.0.2.1:8443".into()],
            certificate: vec![1, 2],
            roots: vec![vec![3]],
            confirmed_time_ms: 4,
        }
    }

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        let state = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(state.path()).unwrap();
        assert!(store.key().unwrap().is_none());
        let made = store.key_or_new().unwrap();
        let again = IdentityStore::open(state.path()).unwrap().key_or_new().unwrap();
        assert_eq!(again.public_key_hash(), made.public_key_hash());
        let mode = |name: &str| fs::metadata(state.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("identity"), mode("identity/key.pem")), (0o700, 0o600));
    }

    #[test]
    fn what_was_kept_comes_back_and_a_half_written_file_is_no_harm() {
        let state = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(state.path()).unwrap();
        assert_eq!(store.enrolled().unwrap(), None);
        store.keep(&enrolled()).unwrap();
        fs::write(state.path().join("identity/enrolled.new"), b"\x01cut").unwrap();
        assert_eq!(store.enrolled().unwrap(), Some(enrolled()));
        let renewed = Enrolled { certificate: vec![9], ..enrolled() };
        store.keep(&renewed).unwrap();
        assert_eq!(store.enrolled().unwrap(), Some(renewed));
    }

    #[test]
    fn damage_is_told_not_guessed() {
        let state = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(state.path()).unwrap();
        for bytes in [&b""[..], b"\x02newer", b"\x01\xff\xff\xff"] {
            fs::write(state.path().join("identity/enrolled"), bytes).unwrap();
            assert!(matches!(store.enrolled(), Err(StoreError::Damaged { .. })));
        }
        fs::write(state.path().join("identity/key.pem"), "no key").unwrap();
        assert!(
            matches!(store.key_or_new(), Err(StoreError::Key { .. })),
            "a bad key is never replaced silently"
        );
    }
}
