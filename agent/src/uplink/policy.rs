//! What to do after a connection ended. Pure: takes the end and a die, gives the state to show and the wait.

use std::time::Duration;

use atalaya_protocol::wire::{Goodbye, GoodbyeReason};

use super::{session::SessionEnd, status::LinkState};
use crate::core::backoff::Backoff;

const BASE: Duration = Duration::from_millis(500);
const CEILING: Duration = Duration::from_secs(60);
/// Another process holds our identity, or headquarters does not know us: a person has to act.
const NEEDS_A_PERSON: Duration = Duration::from_secs(300);
/// A connection that stood this long was good, however long the waits before it: the next failure is a first one. A
/// headquarters that restarts twice in a minute is not met with a minute of silence; one that greets and drops everybody is.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    /// The state to show meanwhile.
    pub(super) state: LinkState,
    /// Wait before the next attempt; `None` = do not come back.
    pub(super) wait: Option<Duration>,
    /// Renew the certificate before it.
    pub(super) renew: bool,
}

/// Remembers failures in a row.
#[derive(Debug)]
pub(super) struct Policy {
    backoff: Backoff,
}

impl Policy {
    pub(super) fn new() -> Self {
        Self { backoff: Backoff::new(BASE, CEILING) }
    }

    /// `stood` is how long the connection was up (after `HelloAck`), `dice` is in [0, 1).
    pub(super) fn after(&mut self, end: &SessionEnd, stood: Duration, dice: f64) -> Next {
        if stood >= GOOD_AFTER {
            self.backoff.succeeded();
        }
        let again = |wait| Next { state: LinkState::Waiting, wait: Some(wait), renew: false };
        match end {
            SessionEnd::Stopped => Next { state: LinkState::Stopped, wait: None, renew: false },
            SessionEnd::CertificateExpired => Next { renew: true, ..again(self.backoff.failed(dice)) },
            SessionEnd::Goodbye(goodbye) => self.after_goodbye(goodbye, dice),
            // Our own buffer moved: nothing failed out there.
            SessionEnd::Port(crate::uplink::ports::PortError::EpochChanged) => again(BASE.mul_f64(dice)),
            SessionEnd::Port(_)
            | SessionEnd::Lost(_)
            | SessionEnd::Silent
            | SessionEnd::Protocol(_)
            | SessionEnd::Connect(_) => again(self.backoff.failed(dice)),
        }
    }

    fn after_goodbye(&mut self, goodbye: &Goodbye, dice: f64) -> Next {
        // At least what was asked for, and jitter on top of it: many agents are asked at once.
        let asked = Duration::from_millis(goodbye.retry_after_ms.into());
        let jittered = self.backoff.failed(dice);
        let rarely = asked.max(NEEDS_A_PERSON) + NEEDS_A_PERSON.mul_f64(dice);
        let (state, wait) = match goodbye.reason() {
            GoodbyeReason::Revoked => (LinkState::Revoked, None),
            GoodbyeReason::Superseded => (LinkState::Superseded, Some(rarely)),
            GoodbyeReason::NotEnrolled => (LinkState::NotEnrolled, Some(rarely)),
            GoodbyeReason::VersionUnsupported => (LinkState::VersionUnsupported, Some(rarely)),
            GoodbyeReason::Draining
            | GoodbyeReason::Shutdown
            | GoodbyeReason::ProtocolError
            | GoodbyeReason::Unspecified => (LinkState::Waiting, Some(asked + jittered)),
        };
        Next { state, wait, renew: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goodbye(reason: GoodbyeReason, retry_after_ms: u32) -> SessionEnd {
        SessionEnd::Goodbye(Goodbye { reason: reason.into(), detail: String::new(), retry_after_ms })
    }

    fn lost() -> SessionEnd {
        SessionEnd::Lost("timed out".into())
    }

    #[test]
    fn losses_back_off_with_full_jitter_and_a_good_connection_forgives_them() {
        let mut policy = Policy::new();
        let waits: Vec<u64> = (0..9)
            .map(|_| policy.after(&lost(), Duration::ZERO, 1.0).wait.unwrap().as_millis().try_into().unwrap())
            .collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(policy.after(&lost(), Duration::ZERO, 0.0).wait, Some(Duration::ZERO));
        assert_eq!(policy.after(&lost(), GOOD_AFTER, 1.0).wait, Some(BASE));
    }

    #[test]
    fn a_connection_that_ends_at_once_forgives_nothing() {
        let mut policy = Policy::new();
        let mut wait = |stood: Duration| policy.after(&lost(), stood, 1.0).wait.unwrap();
        for _ in 0..6 {
            wait(Duration::ZERO);
        }
        assert_eq!(wait(GOOD_AFTER - Duration::from_millis(1)), Duration::from_secs(32));
        assert_eq!(wait(GOOD_AFTER), BASE, "however long was waited before");
    }

    #[test]
    fn the_servers_retry_after_is_a_lower_bound() {
        let mut policy = Policy::new();
        let next = policy.after(&goodbye(GoodbyeReason::Draining, 7_000), Duration::ZERO, 0.0);
        assert_eq!((next.state, next.wait), (LinkState::Waiting, Some(Duration::from_secs(7))));
    }

    #[test]
    fn a_superseded_agent_stays_away_and_shows_it() {
        let next = Policy::new().after(&goodbye(GoodbyeReason::Superseded, 0), Duration::from_secs(999), 0.0);
        assert_eq!((next.state, next.wait), (LinkState::Superseded, Some(NEEDS_A_PERSON)));
        let asked = Policy::new().after(&goodbye(GoodbyeReason::Superseded, 900_000), Duration::ZERO, 0.0);
        assert_eq!(asked.wait, Some(Duration::from_secs(900)));
    }

    #[test]
    fn a_revoked_agent_does_not_come_back() {
        let next = Policy::new().after(&goodbye(GoodbyeReason::Revoked, 1), Duration::ZERO, 0.5);
        assert_eq!((next.state, next.wait), (LinkState::Revoked, None));
    }

    #[test]
    fn an_expired_certificate_is_renewed_before_the_next_attempt() {
        assert!(Policy::new().after(&SessionEnd::CertificateExpired, Duration::ZERO, 0.5).renew);
    }
}
