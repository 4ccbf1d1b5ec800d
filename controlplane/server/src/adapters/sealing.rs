//! Sealing to an agent's key (libsodium sealed box), so that what travels and what it keeps opens there only.

use crypto_box::{PublicKey, aead::OsRng};

/// Why a credential could not be sealed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    /// The agent gave no key in its last `Hello`.
    #[error("the agent gave no key to seal to")]
    NoKey,
    /// The message is too long.
    #[error("the credential is too long to be sealed")]
    TooLong,
}

/// Seals to a key of 32 bytes.
pub(super) fn seal_to(key: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let key = <[u8; 32]>::try_from(key).map_err(|_| SealError::NoKey)?;
    PublicKey::from(key).seal(&mut OsRng, plain).map_err(|_| SealError::TooLong)
}
