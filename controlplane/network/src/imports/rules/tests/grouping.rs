use super::{of_address, secret};
use crate::imports::rules::{FoundRow, How, Meaning, RowKind, groups, meaning_said};

#[test]
fn what_disabled_means_is_asked_once_for_each_sort() {
    let off = |user: &str, comment: &str| FoundRow { disabled: true, ..secret(user, comment) };
    let at = |address: &str| FoundRow { address: address.to_owned(), ..secret(address, "") };
    let on = |list: &str, address: &str| FoundRow {
        list: list.to_owned(),
        ..of_address(RowKind::ListEntry, address)
    };
    let rows = [
        off("a", "CORTADO 15/03"),
        off("b", "retirado"),
        off("c", "debe 2 meses"),
        secret("d", "debe 2 meses"),
        FoundRow { profile: "corte".to_owned(), ..secret("e", "") },
        FoundRow { profile: "plan-x".to_owned(), ..secret("f", "") },
        at("10.30.0.1"),
        at("10.30.0.2"),
        on("MOROSOS", "10.30.0.1"),
        FoundRow { disabled: true, ..on("MOROSOS", "10.30.0.2") },
        on("admin", "10.30.0.2"),
    ];
    let found = groups(&rows, &["plan-x".to_owned()], &[]);
    let found: Vec<_> =
        found.iter().map(|group| (group.how, group.what.as_str(), group.said, group.rows.clone())).collect();
    assert_eq!(
        found,
        [
            (How::Disabled, "100M", Some(Meaning::Cut), vec![0, 2]),
            (How::Disabled, "100M", Some(Meaning::Former), vec![1]),
            (How::Listed, "MOROSOS", None, vec![6]),
            (How::Profile, "corte", None, vec![4]),
            (How::Profile, "plan-x", None, vec![5]),
        ]
    );
}

#[test]
fn comments_say_what_they_mean() {
    for (comment, meaning) in [
        ("SUSPENDIDO", Some(Meaning::Cut)),
        ("ex cliente, debe 3 meses", Some(Meaning::Former)),
        ("caja 3 pto 8 disponible", Some(Meaning::Spare)),
        ("cliente vip", None),
        ("Extremo norte", None),
    ] {
        assert_eq!(meaning_said(comment), meaning, "{comment}");
    }
}

#[test]
fn a_group_shows_some() {
    let rows: Vec<_> =
        (0..9).map(|number| FoundRow { disabled: true, ..secret(&number.to_string(), "") }).collect();
    let found = groups(&rows, &[], &[]);
    assert_eq!((found[0].rows.len(), found[0].sample()), (9, &[0, 1, 2, 3, 4][..]));
}
