//! Planted mismatches of each sort are found, and nothing is said of what is not known.

use super::*;
use crate::{
    inventory::{ListingRow, RowTable, field},
    provisioning::AttachmentKind,
};
use atalaya_kernel::{
    ids::{CustomerId, PointId, ServiceId},
    testing::START,
    time::Timestamp,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const CUTTING: Cutting<'static> = Cutting { profile: "cut", list: "cut-list" };
const READ_AT: Timestamp = START;

fn now() -> Timestamp {
    READ_AT.plus_millis(60_000)
}

fn subject(user: &str, expected: Expected) -> Subject {
    Subject {
        point_id: PointId::new(START),
        service_id: ServiceId::new(START),
        customer_id: CustomerId::new(START),
        kind: AttachmentKind::Pppoe,
        user: user.to_owned(),
        address: String::new(),
        profile: "100M".to_owned(),
        expected,
        changed_at: READ_AT.plus_millis(-SETTLED_MS),
    }
}

fn fixed(address: &str, expected: Expected) -> Subject {
    let address = address.to_owned();
    Subject { kind: AttachmentKind::Static, address, profile: String::new(), ..subject("", expected) }
}

fn row(table: RowTable, key: &str, fields: &[(&str, &str)]) -> ListingRow {
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    ListingRow { table, key: key.to_owned(), fields }
}

fn secret(name: &str, more: &[(&str, &str)]) -> ListingRow {
    let mut secret = row(RowTable::Secrets, name, &[(field::NAME, name), (field::PROFILE, "100M")]);
    secret.fields.extend(row(RowTable::Secrets, name, more).fields);
    secret
}

fn session(name: &str) -> ListingRow {
    row(RowTable::Sessions, name, &[(field::NAME, name), (field::ADDRESS, "10.30.0.17")])
}

fn entry(list: &str, address: &str, disabled: &str) -> ListingRow {
    let fields = [(field::LIST, list), (field::ADDRESS, address), (field::DISABLED, disabled)];
    row(RowTable::ListEntries, &format!("{list}/{address}"), &fields)
}

fn compare(subjects: &[Subject], rows: &[ListingRow]) -> Compared {
    let reading = Reading { read_at: READ_AT, tables: RowTable::ALL, rows };
    classify(Standing { enforces: true, cutting: CUTTING, reading: Some(reading) }, subjects, now())
}

/// Class and facts of the only finding.
fn only(subject: Subject, rows: &[ListingRow]) -> Option<(Class, Vec<(String, String)>)> {
    let compared = compare(&[subject], rows);
    assert!(compared.not_known.is_empty(), "{compared:?}");
    assert_eq!(compared.findings.len() + usize::from(compared.in_order == 1), 1, "{compared:?}");
    let finding = compared.findings.into_iter().next()?;
    let facts = finding.facts.into_iter().map(|fact| (fact.name, fact.value));
    Some((finding.class, facts.collect()))
}

fn facts(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_was_planted_is_found_and_explained() {
    use Class::{CutButOnline, Differs, NotInRouter, PaidButCut};
    use Expected::{Cut, Gone, Passes};
    let with = |more: &[(&str, &str)]| vec![secret("rosa", more)];
    let listed = |disabled| {
        vec![secret("rosa", &[(field::ADDRESS, "10.30.0.1")]), entry("cut-list", "10.30.0.1", disabled)]
    };
    for (subject, rows, expected) in [
        (subject("rosa", Passes), with(&[]), None),
        (
            subject("rosa", Passes),
            with(&[("disabled", "true")]),
            Some((PaidButCut, facts(&[("disabled", "true")]))),
        ),
        (
            subject("rosa", Passes),
            with(&[("profile", "cut")]),
            Some((PaidButCut, facts(&[("profile", "cut")]))),
        ),
        (subject("rosa", Passes), listed("false"), Some((PaidButCut, facts(&[("list", "cut-list")])))),
        (subject("rosa", Passes), listed("true"), None),
        (subject("rosa", Passes), with(&[("profile", "10M")]), Some((Differs, facts(&[("profile", "10M")])))),
        (subject("rosa", Passes), vec![], Some((NotInRouter, facts(&[("name", "rosa")])))),
        (subject("rosa", Cut), vec![], Some((NotInRouter, facts(&[("name", "rosa")])))),
        (subject("rosa", Cut), with(&[("profile", "cut")]), None),
        (subject("rosa", Cut), with(&[("disabled", "true")]), None),
        (subject("rosa", Cut), with(&[]), Some((CutButOnline, facts(&[("profile", "100M")])))),
        (
            subject("rosa", Cut),
            vec![secret("rosa", &[]), session("rosa")],
            Some((CutButOnline, facts(&[("profile", "100M"), ("session", "10.30.0.17")]))),
        ),
        (
            subject("rosa", Cut),
            vec![secret("rosa", &[("disabled", "true")]), session("rosa")],
            Some((CutButOnline, facts(&[("disabled", "true"), ("session", "10.30.0.17")]))),
        ),
        // A session on the cut profile is how the subscriber learns why.
        (subject("rosa", Cut), vec![secret("rosa", &[("profile", "cut")]), session("rosa")], None),
        (subject("rosa", Gone), vec![], None),
        (subject("rosa", Gone), with(&[("comment", "somebody else's")]), None),
        (fixed("10.30.0.1", Passes), vec![], None),
        (
            fixed("10.30.0.1", Passes),
            vec![entry("cut-list", "10.30.0.1/32", "false")],
            Some((PaidButCut, facts(&[("list", "cut-list")]))),
        ),
        (fixed("10.30.0.1", Passes), vec![entry("admin", "10.30.0.1", "false")], None),
        (fixed("10.30.0.1", Cut), vec![entry("cut-list", "10.30.0.1", "false")], None),
        (fixed("10.30.0.1", Cut), vec![], Some((CutButOnline, facts(&[("address", "10.30.0.1")])))),
        (fixed("10.30.0.1", Gone), vec![entry("cut-list", "10.30.0.1", "false")], None),
    ] {
        assert_eq!(only(subject.clone(), &rows), expected, "{subject:?} {rows:?}");
    }
    let gone = subject("rosa", Gone);
    let left = secret("rosa", &[("comment", &format!("Rosa atalaya:{}", gone.point_id))]);
    assert_eq!(only(gone, &[left]).map(|(class, _)| class), Some(Differs), "a row of ours was left behind");
    let moved = Subject { address: "10.30.0.9".to_owned(), ..subject("rosa", Passes) };
    assert_eq!(only(moved, &with(&[])), Some((Differs, facts(&[("address", "")]))));
}

#[test]
fn rows_of_nobody_are_unknown_to_us() {
    let compared = compare(
        &[subject("rosa", Expected::Passes)],
        &[secret("ROSA", &[]), secret("rosa", &[]), secret("ana", &[])],
    );
    let strangers: Vec<_> =
        compared.findings.iter().map(|finding| (finding.class, finding.row.as_str())).collect();
    assert_eq!(strangers, [(Class::UnknownToUs, "secrets/ROSA"), (Class::UnknownToUs, "secrets/ana")]);
}

#[test]
fn what_is_not_known_is_counted_and_never_in_order() {
    let subjects = [subject("rosa", Expected::Passes), subject("ana", Expected::Cut)];
    let rows = [secret("rosa", &[])];
    let reading = Reading { read_at: READ_AT, tables: RowTable::ALL, rows: &rows };
    let standing = Standing { enforces: true, cutting: CUTTING, reading: Some(reading) };
    for (standing, now, why) in [
        (Standing { enforces: false, ..standing }, now(), NotKnown::Observes),
        (Standing { reading: None, ..standing }, now(), NotKnown::NoListing),
        (standing, READ_AT.plus_millis(FRESH_MS + 1), NotKnown::ListingOld),
    ] {
        let compared = classify(standing, &subjects, now);
        assert_eq!((compared.in_order, compared.findings.len()), (0, 0));
        assert_eq!(compared.not_known, BTreeMap::from([(why, 2)]));
        let empty = classify(standing, &[], now);
        assert_eq!(
            empty.not_known,
            BTreeMap::from([(why, 0)]),
            "a router without points is not known either"
        );
    }
    let no_secrets = Reading { tables: &[RowTable::Leases], ..reading };
    let compared = classify(Standing { reading: Some(no_secrets), ..standing }, &subjects, now());
    assert_eq!(compared.not_known, BTreeMap::from([(NotKnown::NotListed, 2)]));
}

#[test]
fn an_order_that_was_under_way_is_not_judged() {
    let held = compare(&[subject("rosa", Expected::Held)], &[secret("rosa", &[])]);
    assert_eq!(held.not_known, BTreeMap::from([(NotKnown::Held, 1)]), "nor is one that waits for a person");
    for late_by in [-SETTLED_MS + 1, 0, 1_000] {
        let young = Subject { changed_at: READ_AT.plus_millis(late_by), ..subject("rosa", Expected::Cut) };
        let compared = compare(&[young], &[secret("rosa", &[])]);
        assert_eq!(compared.not_known, BTreeMap::from([(NotKnown::Changing, 1)]));
        assert!(compared.findings.is_empty(), "{compared:?}");
    }
}

proptest! {
    /// Every point is in order, wrong, or not known: once.
    #[test]
    fn each_point_is_counted_once(
        points in prop::collection::vec((0..6_usize, 0..4_usize, any::<bool>(), -2_000_000..2_000_i64), 0..12),
        present in prop::collection::vec((0..8_usize, any::<bool>(), any::<bool>()), 0..8),
        enforces: bool,
        tables in prop::sample::subsequence(RowTable::ALL.to_vec(), 0..=8),
    ) {
        let expected = [Expected::Passes, Expected::Cut, Expected::Held, Expected::Gone];
        let subjects: Vec<_> = points
            .into_iter()
            .map(|(user, wanted, is_fixed, changed)| {
                let of = if is_fixed {
                    fixed(&format!("10.30.0.{user}"), expected[wanted])
                } else {
                    subject(&format!("user{user}"), expected[wanted])
                };
                Subject { changed_at: READ_AT.plus_millis(changed), ..of }
            })
            .collect();
        let rows: Vec<_> = present
            .into_iter()
            .flat_map(|(user, disabled, listed)| {
                let secret = secret(&format!("user{user}"), &[("disabled", if disabled { "true" } else { "false" })]);
                let entry = entry("cut-list", &format!("10.30.0.{user}"), if listed { "false" } else { "true" });
                [secret, entry]
            })
            .collect();
        let reading = Reading { read_at: READ_AT, tables: &tables, rows: &rows };
        let compared = classify(Standing { enforces, cutting: CUTTING, reading: Some(reading) }, &subjects, now());
        let mut seen: Vec<_> = compared.findings.iter().filter_map(|finding| finding.subject).collect();
        let wrong = seen.len();
        seen.dedup();
        prop_assert_eq!(seen.len(), wrong);
        let not_known: i64 = compared.not_known.values().sum();
        let counted = compared.in_order + not_known + i64::try_from(wrong).expect("few");
        prop_assert_eq!(counted, i64::try_from(subjects.len()).expect("few"));
        if !enforces {
            prop_assert!(compared.findings.is_empty() && compared.in_order == 0);
        }
    }
}
