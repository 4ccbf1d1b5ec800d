use std::sync::Arc;

use atalaya_protocol::wire;
use zeroize::Zeroizing;

use super::super::super::tables::{ListEntry, Queue};
use super::*;
use crate::desired::{Point, Speed};

const TEN: Speed = Speed { download_bps: 10_000_000, upload_bps: 10_000_000 };

fn want(status: Status) -> Want {
    let access = wire::PppoeAccess { user: "juan".into(), profile: "10M".into(), ..Default::default() };
    let mut point = Point::from_wire(wire::DesiredPoint {
        point_id: "enp_1".into(),
        device_id: "dev_1".into(),
        status: wire::DesiredStatus::Active.into(),
        method: wire::Method::Pppoe.into(),
        access: Some(wire::desired_point::Access::Pppoe(access)),
        marker: "atalaya:enp_1".into(),
        ..Default::default()
    });
    point.status = status;
    point.speed = Some(TEN);
    Want {
        point: Arc::new(point),
        status,
        fresh: true,
        speed_conflict: None,
        taken: false,
        in_use: false,
        users: Arc::default(),
        password: None,
    }
}

fn tables(secret: Option<Secret>) -> Tables {
    let profile = |rate: &str, list: &str| Profile {
        rate_limit: rate.into(),
        speed: parse::speed(rate),
        address_list: list.into(),
        comment: PROFILE_MARKER.into(),
    };
    let mut tables = Tables::default();
    tables.profiles.insert("10M".into(), profile("10M/10M", ""));
    tables.profiles.insert("cut".into(), profile("128k/128k", "cortados"));
    if let Some(secret) = secret {
        tables.secrets.insert(secret.name.clone(), vec![secret]);
    }
    tables
}

fn secret(profile: &str) -> Secret {
    Secret { name: "juan".into(), service: "pppoe".into(), profile: profile.into(), ..Secret::default() }
}

fn with_session(mut tables: Tables, live_rate: &str) -> Tables {
    let key = SessionKey { id: "0x81".into(), caller_id: "02:00".into(), since_ms: 1 };
    tables.sessions.insert("juan".into(), vec![Session { key, address: "10.0.0.9".into() }]);
    if !live_rate.is_empty() {
        let queue = Queue {
            target: "<pppoe-juan>".into(),
            speed: parse::speed(live_rate),
            dynamic: true,
            ..Queue::default()
        };
        tables.queues.insert("<pppoe-juan>".into(), vec![queue]);
    }
    tables
}

fn see(want: &Want, tables: &Tables) -> ObservedRow {
    observe(want, tables, &RouterosOptions::default())
}

fn pending(row: &ObservedRow) -> Vec<(&str, &str)> {
    row.pending.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_subscriber_as_wanted_costs_nothing() {
    let row = see(&want(Status::Active), &with_session(tables(Some(secret("10M"))), "10000000/10000000"));
    assert!(row.is_in_place());
    assert_eq!(row.speed, Some(TEN));
}

#[test]
fn a_cut_moves_the_secret_and_drops_the_session() {
    let row = see(&want(Status::Suspended), &with_session(tables(Some(secret("10M"))), "10M/10M"));
    assert_eq!(
        (row.status, pending(&row), row.stale.len()),
        (RowStatus::Active, vec![("profile", "cut")], 1)
    );
}

#[test]
fn a_secret_disabled_by_hand_is_cut_already() {
    let disabled = Secret { disabled: true, ..secret("10M") };
    let row = see(&want(Status::Suspended), &tables(Some(disabled.clone())));
    assert!(row.is_in_place());
    let row = see(&want(Status::Active), &tables(Some(disabled)));
    assert_eq!((row.status, pending(&row)), (RowStatus::Suspended, vec![("disabled", "no")]));
}

#[test]
fn a_session_that_outlived_the_cut_is_dropped_and_a_new_one_is_not() {
    let old = with_session(tables(Some(secret("cut"))), "10M/10M");
    let row = see(&want(Status::Suspended), &old);
    assert_eq!((pending(&row), row.stale.len()), (vec![], 1));
    let walled = with_session(tables(Some(secret("cut"))), "128k/128k");
    assert!(see(&want(Status::Suspended), &walled).is_in_place());
}

#[test]
fn without_a_live_queue_the_address_list_tells() {
    let mut without_rate = with_session(tables(Some(secret("cut"))), "");
    if let Some(cut) = without_rate.profiles.get_mut("cut") {
        cut.speed = None;
    }
    assert_eq!(see(&want(Status::Suspended), &without_rate).stale.len(), 1);
    let entry = ListEntry { list: "cortados".into(), dynamic: true, ..ListEntry::default() };
    without_rate.lists.insert("10.0.0.9".into(), vec![entry]);
    assert!(see(&want(Status::Suspended), &without_rate).is_in_place());
}

#[test]
fn a_walled_session_of_a_paid_subscriber_is_dropped() {
    let row = see(&want(Status::Active), &with_session(tables(Some(secret("10M"))), "128k/128k"));
    assert_eq!((pending(&row), row.stale.len()), (vec![], 1));
    assert!(row.walled, "what gives it back is a reconnection");
    let mut listed = with_session(tables(Some(secret("10M"))), "");
    let entry = ListEntry { list: "cortados".into(), dynamic: true, ..ListEntry::default() };
    listed.lists.insert("10.0.0.9".into(), vec![entry]);
    let row = see(&want(Status::Active), &listed);
    assert!(row.walled && row.stale.len() == 1, "{row:?}");
    // A session at some other speed is behind no wall.
    let slow = see(&want(Status::Active), &with_session(tables(Some(secret("10M"))), "5M/5M"));
    assert!(!slow.walled && slow.stale.len() == 1, "{slow:?}");
}

#[test]
fn speed_changes_at_the_profile() {
    let mut tables = with_session(tables(Some(secret("10M"))), "10M/10M");
    let mut faster = want(Status::Active);
    let speed = Speed { download_bps: 20_000_000, upload_bps: 5_000_000 };
    Arc::get_mut(&mut faster.point).unwrap().speed = Some(speed);
    let row = see(&faster, &tables);
    assert_eq!((pending(&row), row.stale.len()), (vec![("profile.rate-limit", "5M/20M")], 1));
    tables.profiles.remove("10M");
    assert_eq!(pending(&see(&faster, &tables)), [("profile.rate-limit", "5M/20M")]);
    faster.speed_conflict = Some("two speeds".into());
    let row = see(&faster, &with_session(super::tests::tables(Some(secret("10M"))), "10M/10M"));
    assert_eq!(row.blocked.as_deref(), Some("two speeds"));
}

#[test]
fn a_profile_that_is_not_ours_keeps_its_rate() {
    let mut tables = with_session(tables(Some(secret("10M"))), "10M/10M");
    if let Some(plan) = tables.profiles.get_mut("10M") {
        plan.comment = "the one of the atalaya street".into();
    }
    let mut faster = want(Status::Active);
    Arc::get_mut(&mut faster.point).unwrap().speed =
        Some(Speed { download_bps: 20_000_000, upload_bps: 5_000_000 });
    // The word stands in its comment: it was given to us.
    assert_eq!(pending(&see(&faster, &tables)), [("profile.rate-limit", "5M/20M")]);
    if let Some(plan) = tables.profiles.get_mut("10M") {
        plan.comment = "todos".into();
    }
    let row = see(&faster, &tables);
    assert!(row.is_in_place(), "{row:?}");
    let left = row.left.as_deref().unwrap();
    assert!(left.contains("profile 10M") && left.contains("10M/10M") && left.contains("5M/20M"), "{left}");
    // A reconnection does not wait for it.
    let mut cut = with_session(super::tests::tables(Some(secret("cut"))), "128k/128k");
    if let Some(plan) = cut.profiles.get_mut("10M") {
        plan.comment.clear();
    }
    let row = see(&faster, &cut);
    assert_eq!((pending(&row), &row.blocked), (vec![("profile", "10M")], &None));
}

#[test]
fn a_recognised_secret_gets_the_marker_behind_a_persons_words() {
    let mut adopted = want(Status::Active);
    Arc::get_mut(&mut adopted.point).unwrap().adopt = true;
    let theirs = Secret { comment: "Juan Perez 987 NAP 4 ".into(), ..secret("10M") };
    let row = see(&adopted, &with_session(tables(Some(theirs.clone())), "10M/10M"));
    assert_eq!(pending(&row), [("comment", "Juan Perez 987 NAP 4 atalaya:enp_1")]);
    assert!(row.lacks_marker_only() && row.stale.is_empty(), "no session drops for a comment");
    // Cut already: the marker is all that is written.
    adopted.status = Status::Suspended;
    let row = see(&adopted, &tables(Some(Secret { profile: "cut".into(), ..theirs.clone() })));
    assert!(row.lacks_marker_only());
    // It ends before the marker was written: a person said whose it is.
    adopted.status = Status::Terminated;
    assert_eq!(pending(&see(&adopted, &tables(Some(theirs)))), [("removed", "yes")]);
    adopted.status = Status::Active;
    let full = Secret { comment: "x".repeat(250), ..secret("10M") };
    let row = see(&adopted, &tables(Some(full)));
    assert!(row.is_in_place() && row.left.as_deref().is_some_and(|left| left.contains("no room")), "{row:?}");
}

#[test]
fn a_new_subscriber_needs_a_password() {
    assert!(see(&want(Status::Active), &tables(None)).blocked.is_some());
    let mut with_password = want(Status::Active);
    with_password.password = Some(Zeroizing::new("hunter2".into()));
    Arc::get_mut(&mut with_password.point).unwrap().restore =
        vec![("caller-id".into(), "02:00".into()), ("profile".into(), "old".into())];
    let row = see(&with_password, &tables(None));
    assert_eq!(
        pending(&row),
        [
            ("name", "juan"),
            ("service", "pppoe"),
            ("profile", "10M"),
            ("password", "(new)"),
            ("comment", "atalaya:enp_1"),
            ("caller-id", "02:00"),
        ]
    );
    assert!(!format!("{row:?}").contains("hunter2"));
}

#[test]
fn a_hidden_password_is_written_once_per_order() {
    let mut fresh = want(Status::Active);
    fresh.password = Some(Zeroizing::new("hunter2".into()));
    assert_eq!(pending(&see(&fresh, &tables(Some(secret("10M"))))), [("password", "(new)")]);
    fresh.fresh = false;
    assert!(see(&fresh, &tables(Some(secret("10M")))).is_in_place());
    let shown = Secret { password: Password::Same, ..secret("10M") };
    fresh.fresh = true;
    assert!(see(&fresh, &tables(Some(shown))).is_in_place());
}

#[test]
fn only_rows_of_ours_are_removed() {
    let row = see(&want(Status::Terminated), &tables(Some(secret("10M"))));
    assert_eq!(pending(&row), [("profile", "cut")]);
    let row = see(&want(Status::Terminated), &tables(Some(secret("cut"))));
    assert!(row.is_in_place() && row.status == RowStatus::Suspended && row.left.is_some(), "{row:?}");
    let ours = Secret { comment: "atalaya:enp_1 house on the corner".into(), ..secret("10M") };
    assert_eq!(pending(&see(&want(Status::Terminated), &tables(Some(ours)))), [("removed", "yes")]);
    let anothers = Secret { comment: "atalaya:enp_12".into(), ..secret("10M") };
    assert_eq!(pending(&see(&want(Status::Terminated), &tables(Some(anothers)))), [("profile", "cut")]);
    // Someone else has the user name by now: it is theirs.
    let taken = Want { taken: true, ..want(Status::Terminated) };
    let row = see(&taken, &tables(Some(secret("10M"))));
    assert!(row.is_in_place() && row.status == RowStatus::Absent, "{row:?}");
    assert!(see(&want(Status::Terminated), &tables(None)).is_in_place());
}

#[test]
fn a_renamed_user_keeps_the_secret() {
    let ours = Secret { name: "old".into(), comment: "atalaya:enp_1".into(), ..secret("10M") };
    let row = see(&want(Status::Active), &tables(Some(ours)));
    assert_eq!(pending(&row), [("name", "juan")]);
}

#[test]
fn a_copy_that_another_point_goes_by_is_never_taken_for_ours() {
    let copy = Secret { name: "pedro".into(), comment: "atalaya:enp_1".into(), ..secret("10M") };
    let mut tables = tables(None);
    tables.secrets.insert("pedro".into(), vec![copy]);
    let users = std::sync::Arc::new(["juan".to_owned(), "pedro".to_owned()].into());
    for status in [Status::Active, Status::Suspended, Status::Terminated] {
        let row = see(&Want { users: std::sync::Arc::clone(&users), ..want(status) }, &tables);
        let untouched = row.pending.is_empty() && row.stale.is_empty();
        assert!(untouched && row.status == RowStatus::Absent, "{row:?}");
    }
}

#[test]
fn a_secret_that_was_only_recognised_is_left_when_it_is_let_go() {
    let mut let_go = want(Status::Terminated);
    let point = std::sync::Arc::make_mut(&mut let_go.point);
    (point.adopt, point.address_free) = (true, true);
    let row = see(&let_go, &tables(Some(secret("10M"))));
    assert!(row.is_in_place() && row.status == RowStatus::Absent, "{row:?}");
    let ours = Secret { comment: "atalaya:enp_1".into(), ..secret("10M") };
    assert_eq!(pending(&see(&let_go, &tables(Some(ours)))), [("removed", "yes")]);
}

#[test]
fn the_copy_of_a_secret_that_ended_is_not_removed_after_it() {
    let ours = |name: &str| Secret { name: name.into(), comment: "atalaya:enp_1".into(), ..secret("10M") };
    let mut both = tables(Some(ours("juan")));
    both.secrets.insert("new-one".into(), vec![ours("new-one")]);
    assert_eq!(pending(&see(&want(Status::Terminated), &both)), [("removed", "yes")]);
    both.secrets.remove("juan");
    let row = see(&want(Status::Terminated), &both);
    assert!(row.blocked.as_deref().is_some_and(|why| why.contains("new-one")), "{row:?}");
    assert!(row.pending.is_empty() && row.stale.is_empty(), "{row:?}");
}

#[test]
fn a_secret_that_is_not_ours_is_left_alone_once_it_is_released() {
    let mut released = want(Status::Terminated);
    Arc::get_mut(&mut released.point).unwrap().address_free = true;
    // Its operator has put it back on a plan, for somebody we do not know.
    let row = see(&released, &with_session(tables(Some(secret("10M"))), "10M/10M"));
    assert!(row.is_in_place() && row.status == RowStatus::Absent, "{row:?}");
}

#[test]
fn the_prefix_of_a_secret_is_walled_beside_its_profile() {
    let with_prefix = |profile: &str, prefix: &str| Secret {
        others: vec![("remote-ipv6-prefix".into(), prefix.into())],
        comment: "atalaya:enp_1".into(),
        ..secret(profile)
    };
    let walls = [("profile", "cut"), ("address-list.address", "2001:db8:5::/56")];
    let row = see(&want(Status::Suspended), &tables(Some(with_prefix("10M", "2001:db8:5::/56"))));
    assert_eq!(pending(&row), walls);
    // Nobody's, or everybody's.
    for none in ["::/0", "2001:db8::/32", "", "10.0.0.0/24", "x/56"] {
        let row = see(&want(Status::Suspended), &tables(Some(with_prefix("10M", none))));
        assert_eq!(pending(&row), walls[..1], "{none}");
    }
    // Cut by hand, and passing over IPv6.
    let mut cut = with_session(tables(Some(with_prefix("cut", "2001:db8:5::/56"))), "128k/128k");
    let row = see(&want(Status::Suspended), &cut);
    assert_eq!((pending(&row), row.stale.len()), (walls[1..].to_vec(), 1));
    let entry = ListEntry {
        list: "cortados".into(),
        address: "2001:db8:5::/56".into(),
        comment: "atalaya:enp_1".into(),
        ..ListEntry::default()
    };
    cut.lists.insert("2001:db8:5::/56".into(), vec![entry]);
    assert!(see(&want(Status::Suspended), &cut).is_in_place());
    let unlisted = ("address-list.removed", "2001:db8:5::/56");
    assert_eq!(pending(&see(&want(Status::Active), &cut)), [("profile", "10M"), unlisted]);
    let mut half = with_session(tables(Some(with_prefix("10M", "2001:db8:5::/56"))), "10M/10M");
    half.lists.clone_from(&cut.lists);
    let row = see(&want(Status::Active), &half);
    assert_eq!((pending(&row), row.stale.len(), row.walled), (vec![unlisted], 0, true));
    assert_eq!(pending(&see(&want(Status::Terminated), &cut)), [("removed", "yes"), unlisted]);
}

#[test]
fn a_marker_that_was_copied_is_left_to_people() {
    let carrying =
        |name: &str| Secret { name: name.into(), comment: "atalaya:enp_1".into(), ..secret("10M") };
    let mut tables = tables(Some(carrying("old")));
    tables.secrets.insert("copy".into(), vec![carrying("copy")]);
    for status in [Status::Active, Status::Suspended, Status::Terminated] {
        let row = see(&want(status), &tables);
        assert!(row.blocked.as_deref().is_some_and(|why| why.contains("both carry")), "{row:?}");
    }
    // The one of the name counts; the copy is told.
    tables.secrets.insert("juan".into(), vec![carrying("juan")]);
    tables.carriers.insert("atalaya:enp_1".into(), vec!["juan".into(), "copy".into()]);
    let row = see(&want(Status::Active), &tables);
    assert!(row.is_in_place() && row.left.as_deref().is_some_and(|left| left.contains("copy")), "{row:?}");
}

#[test]
fn names_that_exist_twice_are_left_to_people() {
    let mut tables = tables(Some(secret("10M")));
    tables.secrets.get_mut("juan").unwrap().push(secret("cut"));
    assert!(see(&want(Status::Suspended), &tables).blocked.is_some());
    // A secret of another service is not this subscriber's.
    tables.secrets.get_mut("juan").unwrap()[1].service = "l2tp".into();
    assert!(see(&want(Status::Suspended), &tables).blocked.is_none());
}
