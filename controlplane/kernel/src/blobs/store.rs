//! Where the bytes of blobs lie, by key: what every such place can do.

use crate::time::Timestamp;
use std::io;

/// What a place lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written, by the place's own clock.
    pub written_at: Timestamp,
}

/// A place for bytes. Keys look like `tenant/name` and hold letters, digits, `.`, `_`, `-` and `/` only; no part of one
/// begins with a dot.
#[async_trait::async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores durably, replacing what was there: a reader sees all of it or nothing.
    ///
    /// # Errors
    /// A bad key, or the place's.
    async fn put(&self, key: &str, bytes: Vec<u8>) -> io::Result<()>;
    /// Reads; `None` when there is nothing.
    ///
    /// # Errors
    /// A bad key, or the place's.
    async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>>;
    /// Removes; nothing there is fine.
    ///
    /// # Errors
    /// A bad key, or the place's.
    async fn delete(&self, key: &str) -> io::Result<()>;
    /// The next `limit` keys behind `after` that begin with `prefix`, in the order of their bytes. Fewer than `limit`:
    /// there are no more.
    ///
    /// # Errors
    /// The place's.
    async fn list(&self, prefix: &str, after: &str, limit: usize) -> io::Result<Vec<Listed>>;
}

/// Whether a text can be a key.
pub fn is_key(text: &str) -> bool {
    let sane = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    text.split('/').all(sane)
}

/// The same, demanded.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`], with the text.
pub fn demand_key(text: &str) -> io::Result<()> {
    if is_key(text) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("bad blob key {text:?}")))
}
