use proptest::prelude::*;

use super::*;
use crate::core::brake::BrakeRule;
use crate::desired::Access;
use crate::driver::SessionKey;

fn point(status: Status) -> Point {
    Point {
        id: "enp_1".into(),
        device_id: "dev_1".into(),
        order: Order { timeline: 1, generation: 1 },
        status,
        speed: None,
        access: Access::Pppoe {
            user: "juan".into(),
            profile: "10M".into(),
            address: None,
            sealed_password: Vec::new(),
        },
        not_before_ms: 0,
        not_after_ms: 0,
        hold_open_until_ms: 0,
        released: false,
        before_restore: None,
        restore: Vec::new(),
        marker: "atalaya:enp_1".into(),
        adopt: false,
        address_free: false,
    }
}

fn situation(now_ms: i64) -> Situation<'static> {
    Situation {
        now_ms,
        mode: Mode::Enforce,
        headquarters_present: true,
        cuts_while_away: false,
        journal_writable: true,
        base_timeline: 1,
        no_effect: None,
        site: "sit_1",
        site_points: 100,
    }
}

/// A row of `status` that is as `wanted`, or that is not.
fn row(status: RowStatus, wanted: Status) -> ObservedRow {
    let same = matches!(
        (status, wanted),
        (RowStatus::Active, Status::Active)
            | (RowStatus::Suspended | RowStatus::Absent, Status::Suspended)
            | (RowStatus::Absent, Status::Terminated)
    );
    ObservedRow {
        status,
        speed: None,
        sessions: Vec::new(),
        fields: Vec::new(),
        pending: if same { Vec::new() } else { vec![("profile".into(), "other".into())] },
        stale: Vec::new(),
        walled: false,
        blocked: None,
        left: None,
    }
}

fn run(point: &Point, status: RowStatus, memory: &mut PointMemory, situation: &Situation<'_>) -> Decision {
    let row = row(status, point.wanted(situation.now_ms));
    decide(point, &row, memory, situation, &mut Brake::default())
}

#[test]
fn bounds_hold_only_the_first_application() {
    let mut cut = point(Status::Suspended);
    (cut.not_before_ms, cut.not_after_ms) = (100, 200);
    let mut memory = PointMemory::default();
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(50)), Decision::Hold(Hold::NotYet));
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(150)), Decision::Apply(Action::Cut));
    assert_eq!(run(&cut, RowStatus::Suspended, &mut memory, &situation(151)), Decision::InPlace);
    // A hand edit long after `not_after`, with headquarters away: the cut is in force and is put back.
    let away = Situation { headquarters_present: false, ..situation(10_000) };
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &away), Decision::Apply(Action::Cut));
}

#[test]
fn a_cut_never_applied_in_time_expires_for_good() {
    let mut cut = point(Status::Suspended);
    cut.not_after_ms = 200;
    let mut memory = PointMemory::default();
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(201)), Decision::Expired);
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(100)), Decision::Expired);
    cut.order.generation = 2;
    cut.not_after_ms = 400;
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(300)), Decision::Apply(Action::Cut));
}

#[test]
fn a_new_timeline_holds_cuts_until_a_person_releases_them() {
    let mut cut = point(Status::Suspended);
    cut.order.timeline = 2;
    let mut memory = PointMemory::default();
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(1)), Decision::Hold(Hold::Timeline));
    let mut back = point(Status::Active);
    back.order.timeline = 2;
    let reconnect = run(&back, RowStatus::Suspended, &mut PointMemory::default(), &situation(1));
    assert_eq!(reconnect, Decision::Apply(Action::Reconnect));
    cut.order.generation = 2;
    cut.released = true;
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(1)), Decision::Apply(Action::Cut));
}

#[test]
fn the_second_foreign_revert_in_a_day_is_left_to_people() {
    let cut = point(Status::Suspended);
    let mut memory = PointMemory::default();
    assert_eq!(run(&cut, RowStatus::Suspended, &mut memory, &situation(0)), Decision::InPlace);
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(10)), Decision::Apply(Action::Cut));
    assert_eq!(run(&cut, RowStatus::Suspended, &mut memory, &situation(20)), Decision::InPlace);
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(30)), Decision::Contested);
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(40)), Decision::Contested);
}

#[test]
fn two_reverts_far_apart_are_both_healed() {
    let cut = point(Status::Suspended);
    let mut memory = PointMemory::default();
    for at in [0, CONTEST_WINDOW_MS + 1] {
        assert_eq!(run(&cut, RowStatus::Suspended, &mut memory, &situation(at)), Decision::InPlace);
        assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(at)), Decision::Apply(Action::Cut));
    }
}

#[test]
fn held_open_is_opened_and_kept_open_and_cut_afterwards() {
    let mut cut = point(Status::Suspended);
    cut.hold_open_until_ms = 100;
    let mut memory = PointMemory::default();
    assert_eq!(
        run(&cut, RowStatus::Suspended, &mut memory, &situation(1)),
        Decision::Apply(Action::Reconnect)
    );
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(2)), Decision::Hold(Hold::Open));
    assert_eq!(run(&cut, RowStatus::Active, &mut memory, &situation(100)), Decision::Apply(Action::Cut));
}

#[test]
fn without_a_journal_cuts_stop_and_reconnections_go_on() {
    let readonly = Situation { journal_writable: false, ..situation(1) };
    let mut memory = PointMemory::default();
    let cut = run(&point(Status::Suspended), RowStatus::Active, &mut memory, &readonly);
    assert_eq!(cut, Decision::Hold(Hold::Disk));
    let back = run(&point(Status::Active), RowStatus::Suspended, &mut PointMemory::default(), &readonly);
    assert_eq!(back, Decision::Apply(Action::Reconnect));
}

#[test]
fn observing_confirms_nothing() {
    let observe = Situation { mode: Mode::Observe, ..situation(1) };
    let mut memory = PointMemory::default();
    assert_eq!(
        run(&point(Status::Suspended), RowStatus::Suspended, &mut memory, &observe),
        Decision::InPlace
    );
    assert_eq!(memory.phase, Phase::New);
    let would = run(&point(Status::Suspended), RowStatus::Active, &mut memory, &observe);
    assert_eq!(would, Decision::WouldApply(Action::Cut));
}

#[test]
fn a_failing_change_is_retried_later_and_later() {
    let back = point(Status::Active);
    let mut memory = PointMemory { order: back.order, ..PointMemory::default() };
    memory.failed(0);
    assert_eq!(run(&back, RowStatus::Suspended, &mut memory, &situation(4_999)), Decision::Waiting);
    assert_eq!(
        run(&back, RowStatus::Suspended, &mut memory, &situation(5_000)),
        Decision::Apply(Action::Reconnect)
    );
    for _ in 0..100 {
        memory.failed(0);
    }
    assert_eq!(memory.retry_at_ms, LAST_RETRY_MS);
}

#[test]
fn what_ends_an_interrupted_reconnection_is_no_change_that_may_be_held() {
    let key = SessionKey { id: "0x81".into(), caller_id: "02:00".into(), since_ms: 1 };
    let slow = ObservedRow { stale: vec![key], ..row(RowStatus::Active, Status::Active) };
    let active = point(Status::Active);
    let of = |row: &ObservedRow| {
        let action = action_of(row, Status::Active);
        (action, is_counted_change(action, row, &active))
    };
    assert_eq!(of(&slow), (Action::Adjust, true));
    assert_eq!(of(&ObservedRow { walled: true, ..slow }), (Action::Reconnect, false));
}

fn statuses() -> impl Strategy<Value = Status> {
    prop::sample::select(vec![Status::Active, Status::Suspended, Status::Terminated])
}

fn rows() -> impl Strategy<Value = RowStatus> {
    prop::sample::select(vec![RowStatus::Active, RowStatus::Suspended, RowStatus::Absent])
}

prop_compose! {
    fn points()(status in statuses(), timeline in 1u64..3, generation in 1u64..4, not_before_ms in 0i64..50,
        not_after_ms in prop::sample::select(vec![0i64, 20, 60]), hold in 0i64..60, released: bool,
        before_restore in prop::option::of(any::<bool>())) -> Point {
        Point { order: Order { timeline, generation }, not_before_ms, not_after_ms, hold_open_until_ms: hold, released,
            before_restore, ..point(status) }
    }
}

prop_compose! {
    fn situations()(now_ms in 0i64..100, observe: bool, headquarters_present: bool, cuts_while_away: bool,
        journal_writable: bool, bites: bool) -> Situation<'static> {
        Situation { mode: if observe { Mode::Observe } else { Mode::Enforce }, headquarters_present, cuts_while_away,
            journal_writable, no_effect: (!bites).then_some("no rule"), ..situation(now_ms) }
    }
}

proptest! {
    /// Whatever comes in whatever order, with whatever the device shows, over one memory.
    #[test]
    fn no_sequence_cuts_wrongly(
        steps in prop::collection::vec((points(), rows(), situations(), any::<bool>()), 1..40), floor in 0u32..4,
    ) {
        let mut memory = PointMemory::default();
        let mut brake = Brake::new(BrakeRule { floor, basis_points: 0 });
        for (point, status, situation, crash_unknown) in steps {
            if crash_unknown {
                memory.phase = Phase::Unknown;
            }
            let before = memory.clone();
            let row = row(status, point.wanted(situation.now_ms));
            let decision = decide(&point, &row, &mut memory, &situation, &mut brake);
            let was_first = before.order != point.order || before.phase == Phase::New;
            if let Decision::Apply(action) = decision {
                prop_assert_eq!(situation.mode, Mode::Enforce);
                prop_assert!(!row.is_in_place());
                if action.takes_service() {
                    prop_assert_ne!(point.wanted(situation.now_ms), Status::Active);
                    prop_assert!(situation.now_ms >= point.hold_open_until_ms);
                    prop_assert!(situation.journal_writable);
                    prop_assert!(situation.no_effect.is_none());
                    if was_first {
                        let newer = point.order.timeline > situation.base_timeline;
                        prop_assert!(point.released || !point.before_restore.unwrap_or(newer));
                        prop_assert!(situation.now_ms >= point.not_before_ms);
                        prop_assert!(point.not_after_ms == 0 || situation.now_ms <= point.not_after_ms);
                        prop_assert!(situation.headquarters_present || situation.cuts_while_away);
                        prop_assert!(floor > 0 || point.released);
                    }
                }
            }
            // A reconnection is never held: only a contest, a person's open hold or observe stand in its way.
            if situation.mode == Mode::Enforce && point.status == Status::Active && status != RowStatus::Active {
                prop_assert!(matches!(decision, Decision::Apply(Action::Reconnect | Action::Create) | Decision::Contested));
            }
        }
    }
}
