//! What must be true of a point, given what was decided about its service.

use crate::provisioning::{DesiredStatus, HoldReason};
use atalaya_kernel::time::Timestamp;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What should be true at last.
    pub(crate) status: DesiredStatus,
    /// A person asked for this very change; otherwise it came from collections.
    pub(crate) by_person: bool,
    /// When it was decided.
    pub(crate) decided_at: Timestamp,
}

/// What the agent was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) status: DesiredStatus,
    pub(crate) hold: Option<HoldReason>,
    pub(crate) released: bool,
    /// The agent reported that this order's cut came too late: only a new decision can cut.
    pub(crate) expired: bool,
}

/// What surrounds the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Whether the site's brake lets another cut pass.
    pub(crate) brake_open: bool,
    /// When the timeline was last raised; none when it never was.
    pub(crate) raised_at: Option<Timestamp>,
}

/// What the agent shall be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) status: DesiredStatus,
    pub(crate) hold: Option<HoldReason>,
    /// Neither brake nor timeline hold of the agent apply.
    pub(crate) released: bool,
    /// It counts against the brake.
    pub(crate) counted: bool,
}

/// In doubt towards service: whatever is not clearly to be cut stays as it is.
pub(crate) fn decide(current: Current, wanted: Wanted, around: Circumstances) -> Decision {
    let passes = |status| Decision { status, hold: None, released: false, counted: false };
    if wanted.status == DesiredStatus::Active {
        return passes(DesiredStatus::Active);
    }
    let is_cut = current.status != DesiredStatus::Active && !current.expired;
    if is_cut {
        // Told already; what holds it there and whether a person released it stays. A cut that becomes an end
        // is as much a person's as an end always is.
        let ends = wanted.status == DesiredStatus::Terminated && current.status != DesiredStatus::Terminated;
        let released = current.released || (ends && wanted.by_person && current.hold.is_none());
        return Decision { hold: current.hold, released, ..passes(wanted.status) };
    }
    let restored = around.raised_at.is_some_and(|raised| wanted.decided_at < raised);
    if restored {
        return Decision { hold: Some(HoldReason::Timeline), ..passes(wanted.status) };
    }
    if wanted.by_person {
        return Decision { released: true, ..passes(wanted.status) };
    }
    if current.hold == Some(HoldReason::Brake) || !around.brake_open {
        return Decision { hold: Some(HoldReason::Brake), ..passes(DesiredStatus::Active) };
    }
    // After a raise too: the agent is told that it is newer than the restored copy, and counts it like any other.
    Decision { counted: true, ..passes(wanted.status) }
}

/// Whether a decision depends on the brake.
pub(crate) fn hangs_on_brake(current: Current, wanted: Wanted, raised_at: Option<Timestamp>) -> bool {
    let decided = |brake_open| decide(current, wanted, Circumstances { brake_open, raised_at });
    decided(true) != decided(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = DesiredStatus> {
        prop::sample::select(DesiredStatus::ALL)
    }
    fn hold() -> impl Strategy<Value = Option<HoldReason>> {
        prop::option::of(prop::sample::select(HoldReason::ALL))
    }
    prop_compose! {
        fn current()(status in status(), hold in hold(), released: bool, expired: bool) -> Current {
            Current { status, hold, released, expired }
        }
    }
    prop_compose! {
        fn wanted()(status in status(), by_person: bool, at in 0_i64..100) -> Wanted {
            Wanted { status, by_person, decided_at: Timestamp::from_millis(at) }
        }
    }
    prop_compose! {
        fn around()(brake_open: bool, raised in prop::option::of(0_i64..100)) -> Circumstances {
            Circumstances { brake_open, raised_at: raised.map(Timestamp::from_millis) }
        }
    }
    fn after(decision: Decision) -> Current {
        Current { status: decision.status, hold: decision.hold, released: decision.released, expired: false }
    }

    proptest! {
        #[test]
        fn an_active_service_is_never_cut_or_held(current in current(), mut wanted in wanted(), around in around()) {
            wanted.status = DesiredStatus::Active;
            let decision = decide(current, wanted, around);
            prop_assert_eq!(decision.status, DesiredStatus::Active);
            prop_assert_eq!(decision.hold, None);
        }

        #[test]
        fn a_new_cut_of_collections_needs_an_open_brake(mut current in current(), mut wanted in wanted(), mut around in around()) {
            current.status = DesiredStatus::Active;
            wanted.by_person = false;
            around.brake_open = false;
            let decision = decide(current, wanted, around);
            // Either nobody is told to cut, or the agent is told and holds it: restored decisions.
            prop_assert!(decision.status == DesiredStatus::Active || decision.hold == Some(HoldReason::Timeline));
            prop_assert!(!decision.released && !decision.counted);
        }

        #[test]
        fn only_a_new_cut_of_collections_hangs_on_the_brake(current in current(), wanted in wanted(), around in around()) {
            let hangs = hangs_on_brake(current, wanted, around.raised_at);
            let is_new = current.status == DesiredStatus::Active || current.expired;
            prop_assert!(!hangs || (wanted.status != DesiredStatus::Active && !wanted.by_person && is_new));
            let other = Circumstances { brake_open: !around.brake_open, ..around };
            prop_assert!(hangs || decide(current, wanted, around) == decide(current, wanted, other));
        }

        #[test]
        fn what_was_decided_before_a_restore_is_never_released(mut current in current(), wanted in wanted(), around in around()) {
            current.status = DesiredStatus::Active;
            current.released = false;
            let decision = decide(current, wanted, around);
            if around.raised_at.is_some_and(|raised| wanted.decided_at < raised) {
                prop_assert!(!decision.released);
            }
        }

        #[test]
        fn looking_again_changes_nothing(current in current(), wanted in wanted(), around in around()) {
            let once = decide(current, wanted, around);
            let again = decide(after(once), wanted, around);
            prop_assert_eq!((again.status, again.hold, again.released), (once.status, once.hold, once.released));
            prop_assert!(!again.counted, "a cut is counted once");
        }

        #[test]
        fn a_hold_of_the_brake_outlasts_the_brake(mut wanted in wanted(), raised in prop::option::of(0_i64..100)) {
            wanted.status = DesiredStatus::Suspended;
            wanted.by_person = false;
            let around = Circumstances { brake_open: true, raised_at: raised.map(Timestamp::from_millis) };
            let held = Current { status: DesiredStatus::Active, hold: Some(HoldReason::Brake), released: false, expired: false };
            prop_assert!(decide(held, wanted, around).hold.is_some());
        }

        #[test]
        fn a_persons_cut_passes(mut wanted in wanted()) {
            wanted.status = DesiredStatus::Suspended;
            wanted.by_person = true;
            let closed = Circumstances { brake_open: false, raised_at: None };
            let active = Current { status: DesiredStatus::Active, hold: None, released: false, expired: false };
            let decision = decide(active, wanted, closed);
            prop_assert_eq!((decision.status, decision.hold, decision.released), (DesiredStatus::Suspended, None, true));
        }
    }

    #[test]
    fn a_cut_decided_after_a_restore_is_counted_and_not_released() {
        let active = Current { status: DesiredStatus::Active, hold: None, released: false, expired: false };
        let wanted = |at| Wanted {
            status: DesiredStatus::Suspended,
            by_person: false,
            decided_at: Timestamp::from_millis(at),
        };
        let around = Circumstances { brake_open: true, raised_at: Some(Timestamp::from_millis(50)) };
        let after = decide(active, wanted(50), around);
        assert_eq!((after.hold, after.released, after.counted), (None, false, true));
        let before = decide(active, wanted(49), around);
        assert_eq!(
            (before.hold, before.released, before.counted),
            (Some(HoldReason::Timeline), false, false)
        );
    }

    #[test]
    fn an_expired_cut_is_decided_anew() {
        let expired =
            Current { status: DesiredStatus::Suspended, hold: None, released: false, expired: true };
        let wanted = Wanted {
            status: DesiredStatus::Suspended,
            by_person: false,
            decided_at: Timestamp::from_millis(5),
        };
        let open = Circumstances { brake_open: true, raised_at: None };
        assert!(decide(expired, wanted, open).counted);
        let closed = Circumstances { brake_open: false, raised_at: None };
        assert_eq!(decide(expired, wanted, closed).hold, Some(HoldReason::Brake));
    }
}
