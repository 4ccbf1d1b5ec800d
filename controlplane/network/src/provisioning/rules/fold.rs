//! A service's state on the network: the fold of its points.

use crate::provisioning::{AttachmentKind, DesiredStatus, NetworkState, Point, PointState, ServiceNetwork};
use atalaya_kernel::time::Timestamp;

/// Folds the points of one service.
pub(crate) fn fold(points: &[Point]) -> ServiceNetwork {
    let applied = points.iter().filter(|point| is_applied(point)).count();
    let observed = || points.iter().filter_map(|point| point.observed.as_ref());
    let last =
        |pick: fn(&crate::provisioning::Observed) -> Option<Timestamp>| observed().filter_map(pick).max();
    let unblocked_at = last(|observed| observed.unblocked_at);
    ServiceNetwork {
        state: state(points, applied),
        points_total: count(points.len()),
        points_applied: count(applied),
        unblocked_at,
        session_seen_at: last(|observed| observed.session_seen_at).filter(|seen| Some(*seen) >= unblocked_at),
        cut_at: last(|observed| observed.cut_at),
        detail: detail(points),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn is_applied(point: &Point) -> bool {
    matches!(point.state, PointState::Applied | PointState::Drift | PointState::Partly)
}

fn state(points: &[Point], applied: usize) -> NetworkState {
    let any = |states: &[PointState]| points.iter().any(|point| states.contains(&point.state));
    if points.is_empty() {
        NetworkState::NoAttachment
    } else if any(&[PointState::Unknown]) {
        NetworkState::Unknown
    } else if any(&[
        PointState::WouldApply,
        PointState::Held,
        PointState::Failed,
        PointState::Contested,
        PointState::NoEffect,
    ]) {
        NetworkState::NotApplied
    } else if applied < points.len() {
        NetworkState::Pending
    } else if points.iter().any(|point| point.desired.status == DesiredStatus::Active) {
        if has_session(points) { NetworkState::Online } else { NetworkState::UnblockedWaiting }
    } else {
        NetworkState::Cut
    }
}

/// One session is enough: a subscriber with two BRAS dials one of them. A fixed address has no session to wait for.
fn has_session(points: &[Point]) -> bool {
    let mut active = points.iter().filter(|point| point.desired.status == DesiredStatus::Active);
    active.any(|point| {
        point.kind == AttachmentKind::Static
            || point.observed.as_ref().is_some_and(|observed| observed.session.present)
    })
}

/// The words of the first point that is not as it should be; of one where something is left as it is, when all are.
fn detail(points: &[Point]) -> String {
    let troubled = points.iter().find(|point| !is_applied(point) && point.state != PointState::Pending);
    let partly = || points.iter().find(|point| point.state == PointState::Partly);
    troubled.or_else(partly).map_or_else(String::new, |point| {
        let words = point.observed.as_ref().map(|observed| observed.detail.as_str()).unwrap_or_default();
        match (&point.held_reason, words) {
            (Some(reason), "") => format!("{}: held ({reason})", point.device_name),
            (_, words) => format!("{}: {words}", point.device_name),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        devices::DeviceMode,
        provisioning::{Desired, Observed, ObservedSession, ObservedStatus, Outcome},
    };
    use atalaya_kernel::{
        ids::{DeviceId, PointId},
        testing::START,
    };
    use proptest::prelude::*;

    fn point(status: DesiredStatus, state: PointState, session: bool, kind: AttachmentKind) -> Point {
        Point {
            id: PointId::new(START),
            device_id: DeviceId::new(START),
            device_name: "BRAS".to_owned(),
            device_mode: DeviceMode::Enforce,
            desired: Desired { status, timeline: 1, generation: 1, download_bps: 1, upload_bps: 1 },
            observed: Some(Observed {
                status: ObservedStatus::Active,
                outcome: Outcome::Applied,
                timeline: 1,
                generation: 1,
                detail: "no such item".to_owned(),
                read_at: START,
                applied_at: None,
                cut_at: None,
                unblocked_at: None,
                session_seen_at: None,
                session: ObservedSession {
                    present: session,
                    since: None,
                    address: String::new(),
                    caller_id: String::new(),
                },
            }),
            state,
            held_reason: None,
            hold_open_until: None,
            kind,
        }
    }

    #[test]
    fn the_words_of_the_contract() {
        use AttachmentKind::{Pppoe, Static};
        use DesiredStatus::{Active, Suspended};
        use PointState as P;
        for (points, expected) in [
            (vec![], NetworkState::NoAttachment),
            (vec![point(Active, P::Applied, true, Pppoe)], NetworkState::Online),
            (vec![point(Active, P::Applied, false, Pppoe)], NetworkState::UnblockedWaiting),
            (vec![point(Active, P::Applied, false, Static)], NetworkState::Online),
            (vec![point(Suspended, P::Applied, true, Pppoe)], NetworkState::Cut),
            (
                vec![point(Suspended, P::Applied, false, Pppoe), point(Suspended, P::Pending, false, Pppoe)],
                NetworkState::Pending,
            ),
            (
                vec![
                    point(Suspended, P::Applied, false, Pppoe),
                    point(Suspended, P::WouldApply, false, Pppoe),
                ],
                NetworkState::NotApplied,
            ),
            (vec![point(Active, P::Held, false, Pppoe)], NetworkState::NotApplied),
            (
                vec![point(Active, P::Unknown, false, Pppoe), point(Active, P::Held, false, Pppoe)],
                NetworkState::Unknown,
            ),
        ] {
            assert_eq!(fold(&points).state, expected);
        }
        let troubled = [point(Suspended, P::Failed, false, Pppoe)];
        assert_eq!(fold(&troubled).detail, "BRAS: no such item");
        let left = [point(Active, P::Applied, true, Pppoe), point(Active, P::Partly, true, Pppoe)];
        let shown = fold(&left);
        assert_eq!((shown.state, shown.points_applied), (NetworkState::Online, 2));
        assert_eq!(shown.detail, "BRAS: no such item", "what is left as it is has its words shown");
        let both = [point(Active, P::Partly, true, Pppoe), point(Active, P::Held, true, Pppoe)];
        assert_eq!(fold(&both).state, NetworkState::NotApplied);
    }

    proptest! {
        #[test]
        fn cut_and_online_mean_everywhere(states in prop::collection::vec(prop::sample::select(PointState::ALL), 1..4), suspended: bool) {
            let status = if suspended { DesiredStatus::Suspended } else { DesiredStatus::Active };
            let points: Vec<Point> = states.iter().map(|state| point(status, *state, true, AttachmentKind::Pppoe)).collect();
            let folded = fold(&points);
            if matches!(folded.state, NetworkState::Cut | NetworkState::Online) {
                prop_assert_eq!(folded.points_applied, folded.points_total);
                prop_assert_eq!(folded.state == NetworkState::Cut, suspended);
            }
        }
    }
}
