//! Where a point stands, in one word.

use crate::provisioning::{Desired, HoldReason, Observed, Outcome, PointState};

/// The state and, for a held one, why.
pub(crate) fn point_state(
    desired: &Desired,
    hold: Option<HoldReason>,
    drift: bool,
    observed: Option<&Observed>,
) -> (PointState, Option<String>) {
    let order = (desired.timeline, desired.generation);
    let answer = observed.filter(|observed| (observed.timeline, observed.generation) >= order);
    let in_place = answer.is_some_and(|answer| answer.outcome.is_in_place());
    if let Some(hold) = hold.filter(|hold| *hold == HoldReason::Brake || !in_place) {
        return (PointState::Held, Some(hold.to_string()));
    }
    let Some(answer) = answer else { return (PointState::Pending, None) };
    let state = match answer.outcome {
        Outcome::Applied | Outcome::InPlace if drift => PointState::Drift,
        Outcome::Partly => PointState::Partly,
        Outcome::Applied | Outcome::InPlace => PointState::Applied,
        Outcome::WouldApply => PointState::WouldApply,
        Outcome::Failed => PointState::Failed,
        Outcome::Contested => PointState::Contested,
        Outcome::Unknown => PointState::Unknown,
        Outcome::NoEffect => PointState::NoEffect,
        Outcome::Expired => return (PointState::Failed, Some("expired".to_owned())),
        Outcome::HeldBrake => return held("brake"),
        Outcome::HeldTimeline => return held("timeline"),
        Outcome::HeldOffline => return held("offline"),
        Outcome::HeldOpen => return held("open"),
        Outcome::HeldNotYet => return held("not_yet"),
        Outcome::HeldDisk => return held("disk"),
        Outcome::HeldChanges => return held("changes"),
    };
    (state, None)
}

fn held(reason: &str) -> (PointState, Option<String>) {
    (PointState::Held, Some(reason.to_owned()))
}
