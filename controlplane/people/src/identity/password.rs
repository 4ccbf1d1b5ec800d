//! Argon2id, at the strength OWASP asks for (19 MiB, 2 passes), off the async threads and a few at a time.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use atalaya_kernel::{Error, Validation, secrets::SecretText};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// Each hash holds 19 MiB: a flood of log-ins must not become a flood of memory.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Verified against when there is no such user, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    Argon2::default().hash_password(b"nobody").map_or_else(|_| String::new(), |hash| hash.to_string())
});

/// Notes a password that is too short or too long.
pub(crate) fn check(validation: &mut Validation, password: &SecretText) {
    let length = password.expose().chars().count();
    validation.check((10..=128).contains(&length), "/password", "out_of_range", "10 to 128 characters");
}

/// PHC string of a password.
pub(crate) async fn hash(password: &SecretText) -> Result<String, Error> {
    let password = password.clone();
    run(move || {
        let hash = Argon2::default().hash_password(password.expose().as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await?
}

/// Whether a password is the one of the hash; without a hash, or with an empty one, it takes as long and is never right.
pub(crate) async fn verify(password: &SecretText, hash: Option<String>) -> Result<bool, Error> {
    let password = password.clone();
    run(move || {
        let hash = hash.filter(|hash| !hash.is_empty());
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&text).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}
