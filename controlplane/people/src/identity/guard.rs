//! Guessing is slowed down without locking anybody out.
//!
//! Failures count by what is guessed at *and* where the guess comes from: whoever guesses from elsewhere delays nobody but
//! themselves, and a browser from which somebody has logged in before has a count of its own. The count is raised before the
//! guess is judged, so that many guesses at once are no way around it, and forgotten when one is right.

use super::store;
use atalaya_kernel::{
    Ctx, Error,
    ids::{SessionId, UserId},
    time::Timestamp,
    write_tx,
};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Failures that cost no wait.
const FREE: i64 = 5;
/// Longest wait, ms.
const LONGEST_MS: i64 = 15 * 60_000;
/// Failures are forgotten after so long without another, ms.
pub(crate) const FORGET_MS: i64 = 24 * 3_600_000;

/// How long the next guess waits after so many failures in a row, ms.
fn delay_ms(failures: i64) -> i64 {
    let beyond = failures.saturating_sub(FREE);
    if beyond < 0 {
        return 0;
    }
    // 2^10 s is beyond the longest wait already.
    (1_000_i64 << beyond.min(10)).min(LONGEST_MS)
}

/// What is left of the wait, ms.
pub(crate) fn wait_ms(failures: i64, last_at: Timestamp, now: Timestamp) -> i64 {
    (last_at.as_millis() + delay_ms(failures) - now.as_millis()).max(0)
}

/// What is guessed at.
#[derive(Debug, Clone)]
pub(crate) struct Target(String);

impl Target {
    /// The password of an e-mail, which may be nobody's: the answer must not tell.
    pub(crate) fn password(email: &str) -> Self {
        Self(hex::encode(Sha256::digest(format!("password/{email}"))))
    }
    /// A link that sets a password, asked for an e-mail, which may be nobody's. Every asking counts: there is nothing to be right.
    pub(crate) fn link(email: &str) -> Self {
        Self(hex::encode(Sha256::digest(format!("link/{email}"))))
    }
    /// The second factor of a user.
    pub(crate) fn factor(user: &UserId) -> Self {
        Self(hex::encode(Sha256::digest(format!("factor/{user}"))))
    }
}

/// Where a guess comes from.
#[derive(Debug, Clone)]
pub(crate) struct Source(String);

impl Source {
    /// A browser that the user has logged in from.
    pub(crate) fn browser(token_hash: &str) -> Self {
        Self(format!("browser/{token_hash}"))
    }
    /// An address; of IPv6 the /64 that one subscriber has.
    pub(crate) fn address(address: &str) -> Self {
        let prefix = match address.parse() {
            Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            _ => address.to_owned(),
        };
        Self(format!("address/{prefix}"))
    }
    /// As it is kept.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
    /// A session: whoever holds its cookie guesses at what it would let them do.
    pub(crate) fn session(id: &SessionId) -> Self {
        Self(format!("session/{id}"))
    }
    /// Anybody who is not known: for guesses that only somebody with the password can make.
    pub(crate) fn anybody() -> Self {
        Self("anybody".to_owned())
    }
}

/// Failures in a row, with the guess that is about to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted(i64);

impl Counted {
    /// Whether, should it be wrong too, the next one is the first that waits: then somebody is told.
    pub(crate) fn begins_to_wait(self) -> bool {
        self.0 == FREE
    }
}

/// Counts a guess that is about to be judged.
///
/// # Errors
/// [`Error::RateLimited`] while the wait of earlier failures lasts.
pub(crate) async fn count(ctx: &Ctx, target: &Target, source: &Source) -> Result<Counted, Error> {
    write_tx!(ctx, tx => {
        let now = ctx.now();
        store::guesses_forget(&mut tx, now.plus_millis(-FORGET_MS)).await?;
        let kept = store::guesses_get(&mut tx, &target.0, &source.0).await?;
        if let Some((failures, last_at)) = kept {
            let wait_ms = wait_ms(failures, last_at, now);
            if wait_ms > 0 {
                return Err(Error::RateLimited { retry_after_s: u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000) });
            }
        }
        let failures = kept.map_or(0, |(failures, _)| failures).saturating_add(1);
        store::guesses_put(&mut tx, &target.0, &source.0, failures, now).await?;
        Ok(Counted(failures))
    })
}

/// Forgets the failures after a guess that was right.
///
/// # Errors
/// The database's.
pub(crate) async fn clear(ctx: &Ctx, target: &Target, source: &Source) -> Result<(), Error> {
    write_tx!(ctx, tx => { Ok(store::guesses_clear(&mut tx, &target.0, &source.0).await?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_and_ends() {
        let waits: Vec<i64> = (0..8).map(delay_ms).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1_000, 2_000, 4_000]);
        assert_eq!(delay_ms(14), 512_000);
        assert_eq!((delay_ms(15), delay_ms(i64::MAX)), (LONGEST_MS, LONGEST_MS));
        let at = Timestamp::from_millis(1_000_000);
        assert_eq!(wait_ms(6, at, at.plus_millis(500)), 1_500);
        assert_eq!(wait_ms(6, at, at.plus_millis(2_000)), 0);
    }

    #[test]
    fn one_subscriber_is_one_source() {
        let text = |address: &str| Source::address(address).0;
        assert_eq!(text("2001:db8::1"), text("2001:db8::ffff"));
        assert_ne!(text("2001:db8::1"), text("2001:db8:0:1::1"));
        assert_ne!(text("192.0.2.1"), text("192.0.2.2"));
    }
}
