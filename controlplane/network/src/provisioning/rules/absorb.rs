//! What an observation changes, and which effects it proves. Pure.

use crate::provisioning::{
    AttachmentKind, Desired, DesiredStatus, Observation, Observed, ObservedStatus, Outcome,
};
use atalaya_kernel::time::Timestamp;

/// Something that was read back, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The cut took effect.
    Cut(Timestamp),
    /// The subscriber is unblocked.
    Unblocked(Timestamp),
    /// The session after it is there.
    SessionSeen(Timestamp),
    /// The device did not take the change.
    Failed,
    /// The rows are gone.
    Gone,
}

/// The new observed state and what it proves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Absorbed {
    pub(crate) observed: Observed,
    pub(crate) effects: Vec<Effect>,
}

/// Takes an observation in. None when it is older than what is known.
pub(crate) fn absorb(
    desired: &Desired,
    kind: AttachmentKind,
    known: Option<&Observed>,
    seen: &Observation,
) -> Option<Absorbed> {
    if known.is_some_and(|known| known.read_at > seen.read_at) {
        return None;
    }
    let mut observed = Observed {
        status: seen.status,
        outcome: seen.outcome,
        timeline: seen.timeline,
        generation: seen.generation,
        detail: seen.detail.clone(),
        read_at: seen.read_at,
        applied_at: seen.applied_at.or_else(|| known.and_then(|known| known.applied_at)),
        cut_at: known.and_then(|known| known.cut_at),
        unblocked_at: known.and_then(|known| known.unblocked_at),
        session_seen_at: known.and_then(|known| known.session_seen_at),
        session: seen.session.clone(),
    };
    let mut effects = Vec::new();
    let answers = (seen.timeline, seen.generation) >= (desired.timeline, desired.generation);
    if answers && seen.outcome.is_in_place() {
        let at = seen.applied_at.unwrap_or(seen.read_at);
        match (desired.status, seen.status) {
            // An end is a cut too where something stays: an address that nobody else has, a row that is not ours.
            (DesiredStatus::Suspended | DesiredStatus::Terminated, ObservedStatus::Suspended)
                if !is_cut(&observed) =>
            {
                let at = observed.unblocked_at.map_or(at, |unblocked| at.max(unblocked));
                observed.cut_at = Some(at);
                effects.push(Effect::Cut(at));
            }
            (DesiredStatus::Active, ObservedStatus::Active) if was_cut(&observed, known) => {
                // Corrected clocks may step back; which came last must stay told apart.
                let at = observed.cut_at.map_or(at, |cut| at.max(cut.plus_millis(1)));
                observed.unblocked_at = Some(at);
                effects.push(Effect::Unblocked(at));
            }
            (DesiredStatus::Terminated, ObservedStatus::Absent) => effects.push(Effect::Gone),
            _ => {}
        }
    }
    if let Some(at) = session_since_unblocked(desired, kind, &observed) {
        observed.session_seen_at = Some(at);
        effects.push(Effect::SessionSeen(at));
    }
    let troubled = |outcome| {
        matches!(
            outcome,
            Outcome::Failed | Outcome::NoEffect | Outcome::Contested | Outcome::Unknown | Outcome::Expired
        )
    };
    let told = known.is_some_and(|known| {
        (known.timeline, known.generation, known.outcome) == (seen.timeline, seen.generation, seen.outcome)
    });
    if troubled(seen.outcome) && !told {
        effects.push(Effect::Failed);
    }
    Some(Absorbed { observed, effects })
}

/// The last cut is not followed by an unblocking.
fn is_cut(observed: &Observed) -> bool {
    observed.cut_at.is_some() && observed.cut_at >= observed.unblocked_at
}

/// It was cut: by us, or it was found so (imported as cut, cut by hand).
fn was_cut(observed: &Observed, known: Option<&Observed>) -> bool {
    is_cut(observed) || known.is_some_and(|known| known.status == ObservedStatus::Suspended)
}

/// When the session that followed the last unblocking came up, if it was not told yet.
fn session_since_unblocked(
    desired: &Desired,
    kind: AttachmentKind,
    observed: &Observed,
) -> Option<Timestamp> {
    let unblocked = observed.unblocked_at?;
    let waiting = observed.session_seen_at.is_none_or(|seen| seen < unblocked);
    let is_up =
        kind == AttachmentKind::Pppoe && observed.session.present && desired.status == DesiredStatus::Active;
    if !(waiting && is_up && !is_cut(observed)) {
        return None;
    }
    // A router tells uptime in whole seconds: a session may seem to begin just before the drop that made way for it.
    Some(observed.session.since.unwrap_or(observed.read_at).max(unblocked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::ObservedSession;
    use atalaya_kernel::ids::PointId;
    use proptest::prelude::*;

    fn desired(status: DesiredStatus, generation: i64) -> Desired {
        Desired { status, timeline: 1, generation, download_bps: 1, upload_bps: 1 }
    }

    fn seen(
        status: ObservedStatus,
        outcome: Outcome,
        generation: i64,
        at: i64,
        session: bool,
    ) -> Observation {
        Observation {
            point_id: PointId::new(Timestamp::from_millis(0)),
            timeline: 1,
            generation,
            status,
            outcome,
            detail: String::new(),
            drift: false,
            session: ObservedSession {
                present: session,
                since: None,
                address: String::new(),
                caller_id: String::new(),
            },
            read_at: Timestamp::from_millis(at),
            applied_at: None,
            before: Vec::new(),
        }
    }

    #[test]
    fn a_payments_way() {
        use ObservedStatus::{Active, Suspended};
        let at = Timestamp::from_millis;
        let kind = AttachmentKind::Pppoe;
        let cut = absorb(
            &desired(DesiredStatus::Suspended, 2),
            kind,
            None,
            &seen(Suspended, Outcome::Applied, 2, 10, false),
        )
        .unwrap();
        assert_eq!(cut.effects, [Effect::Cut(at(10))]);
        let again = absorb(
            &desired(DesiredStatus::Suspended, 2),
            kind,
            Some(&cut.observed),
            &seen(Suspended, Outcome::InPlace, 2, 20, false),
        )
        .unwrap();
        assert_eq!(again.effects, []);
        let back = desired(DesiredStatus::Active, 3);
        let unblocked =
            absorb(&back, kind, Some(&again.observed), &seen(Active, Outcome::Applied, 3, 30, false))
                .unwrap();
        assert_eq!(unblocked.effects, [Effect::Unblocked(at(30))]);
        let online =
            absorb(&back, kind, Some(&unblocked.observed), &seen(Active, Outcome::InPlace, 3, 40, true))
                .unwrap();
        assert_eq!(online.effects, [Effect::SessionSeen(at(40))]);
        let quiet = absorb(&back, kind, Some(&online.observed), &seen(Active, Outcome::InPlace, 3, 50, true))
            .unwrap();
        assert_eq!(quiet.effects, []);
        assert!(
            absorb(&back, kind, Some(&quiet.observed), &seen(Suspended, Outcome::InPlace, 2, 45, false))
                .is_none(),
            "late news"
        );
    }

    #[test]
    fn a_device_in_observe_proves_nothing() {
        let cut = desired(DesiredStatus::Suspended, 2);
        let would = seen(ObservedStatus::Active, Outcome::WouldApply, 2, 10, true);
        assert_eq!(absorb(&cut, AttachmentKind::Pppoe, None, &would).unwrap().effects, []);
    }

    #[test]
    fn an_answer_to_an_older_order_proves_nothing() {
        let back = desired(DesiredStatus::Active, 3);
        let old = seen(ObservedStatus::Suspended, Outcome::Applied, 2, 10, false);
        assert_eq!(absorb(&back, AttachmentKind::Pppoe, None, &old).unwrap().effects, []);
    }

    #[test]
    fn an_end_that_leaves_the_address_cut_is_told_as_a_cut_and_forgotten_when_it_is_free() {
        let end = desired(DesiredStatus::Terminated, 2);
        let cut = seen(ObservedStatus::Suspended, Outcome::Applied, 2, 10, false);
        let cut = absorb(&end, AttachmentKind::Static, None, &cut).unwrap();
        assert_eq!(cut.effects, [Effect::Cut(Timestamp::from_millis(10))]);
        let partly = seen(ObservedStatus::Suspended, Outcome::Partly, 2, 20, false);
        let still = absorb(&end, AttachmentKind::Static, Some(&cut.observed), &partly).unwrap();
        assert_eq!(still.effects, []);
        let free = seen(ObservedStatus::Absent, Outcome::Applied, 3, 30, false);
        let free = absorb(&end, AttachmentKind::Static, Some(&still.observed), &free).unwrap();
        assert_eq!(free.effects, [Effect::Gone]);
    }

    #[test]
    fn a_payer_whose_speed_is_left_as_it_is_is_unblocked_all_the_same() {
        let back = desired(DesiredStatus::Active, 3);
        let cut = seen(ObservedStatus::Suspended, Outcome::InPlace, 2, 10, false);
        let cut = absorb(&back, AttachmentKind::Pppoe, None, &cut).unwrap();
        let partly = seen(ObservedStatus::Active, Outcome::Partly, 3, 20, true);
        let unblocked = absorb(&back, AttachmentKind::Pppoe, Some(&cut.observed), &partly).unwrap();
        let at = Timestamp::from_millis(20);
        assert_eq!(unblocked.effects, [Effect::Unblocked(at), Effect::SessionSeen(at)]);
    }

    #[test]
    fn trouble_is_told_once() {
        let cut = desired(DesiredStatus::Suspended, 2);
        let failed = |at| seen(ObservedStatus::Active, Outcome::Failed, 2, at, false);
        let first = absorb(&cut, AttachmentKind::Pppoe, None, &failed(10)).unwrap();
        assert_eq!(first.effects, [Effect::Failed]);
        assert_eq!(
            absorb(&cut, AttachmentKind::Pppoe, Some(&first.observed), &failed(20)).unwrap().effects,
            []
        );
    }

    proptest! {
        /// Cuts and unblockings alternate, whatever is reported in whatever order.
        #[test]
        fn effects_alternate(steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0_i64..50, any::<bool>()), 0..40)) {
            let (mut known, mut cut, mut generation) = (None::<Observed>, false, 0);
            for (suspend, is_suspended, at, session) in steps {
                generation += 1;
                let status = if suspend { DesiredStatus::Suspended } else { DesiredStatus::Active };
                let read = if is_suspended { ObservedStatus::Suspended } else { ObservedStatus::Active };
                let report = seen(read, Outcome::InPlace, generation, at, session);
                let Some(absorbed) = absorb(&desired(status, generation), AttachmentKind::Pppoe, known.as_ref(), &report) else { continue };
                for effect in &absorbed.effects {
                    match effect {
                        Effect::Cut(_) => { prop_assert!(!cut); cut = true; }
                        Effect::Unblocked(_) => { prop_assert!(suspend == is_suspended && !suspend); cut = false; }
                        Effect::SessionSeen(_) => prop_assert!(!suspend && session),
                        Effect::Failed | Effect::Gone => prop_assert!(false),
                    }
                }
                known = Some(absorbed.observed);
            }
        }
    }
}
