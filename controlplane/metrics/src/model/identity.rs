//! Keys by which the store tells tenants, agents and series apart.

use std::fmt;
use std::sync::Arc;

/// Longest key in bytes: our typed ids have 30 characters; nothing legitimate comes near.
const KEY_BYTES: usize = 128;

/// Why a text cannot be a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is empty or longer than 128 bytes.
    #[error("a key has 1 to 128 bytes, this one has {0}")]
    Length(usize),
    /// The text holds a control character.
    #[error("a key holds no control characters")]
    Control,
}

fn key(text: &str) -> Result<Arc<str>, KeyError> {
    if text.is_empty() || text.len() > KEY_BYTES {
        return Err(KeyError::Length(text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(KeyError::Control);
    }
    Ok(Arc::from(text))
}

/// The tenant a call acts for. Opaque: the store never reads a meaning out of it and never uses it as a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantKey(Arc<str>);

/// The agent that packed a batch. Opaque, unique within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentKey(Arc<str>);

impl TenantKey {
    /// Takes 1 to 128 bytes without control characters.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        key(text).map(Self)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AgentKey {
    /// Takes 1 to 128 bytes without control characters.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        key(text).map(Self)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Life of an agent's buffer: 16 random bytes, minted whenever a buffer is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub [u8; 16]);

impl fmt::Display for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AgentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Handle of a registered series, so that a batch carries a number and not labels.
///
/// Valid for the tenant that it was registered for and for this opened store: keep it in memory, never on disk. It names
/// the tenant too, so a handle used under another tenant is refused and not silently somebody else's series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId {
    /// Number of the tenant within the store; never used again after the tenant is deleted.
    pub(crate) tenant: u32,
    /// Number of the series within its tenant, dense from 0.
    pub(crate) local: u32,
}
