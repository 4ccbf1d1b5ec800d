use super::{known, of_address, secret};
use crate::imports::rules::{Bin, Doubt, FoundRow, Known, Proposal, Reason, RowKind, propose};
use atalaya_kernel::{ids::PointId, testing::START};

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn one(row: FoundRow, known: &Known) -> Proposal {
    let mut all = propose(&[row], std::slice::from_ref(known), &[]);
    all.remove(0)
}

#[test]
fn our_marker_is_exact_and_a_copied_one_is_not() {
    let point = PointId::new(START);
    let rosa = Known { points: vec![point.clone()], ..known("Rosa Quispe") };
    let marked = |user: &str| secret(user, &format!("Rosa atalaya:{point}"));
    let found = one(marked("whatever"), &rosa);
    assert_eq!((found.bin, &found.candidates[0].reasons), (Bin::Exact, &vec![Reason::Marker]));
    let twice = propose(&[marked("a"), marked("b")], &[rosa], &[]);
    assert!(
        twice.iter().all(|found| found.bin == Bin::Suggested && found.doubts.contains(&Doubt::Contended))
    );
    let strange = one(secret("x", &format!("atalaya:{}", PointId::new(START))), &known("Luis Huamán"));
    assert_eq!((strange.bin, strange.doubts), (Bin::Leftover, vec![Doubt::StrangeMarker]));
}

#[test]
fn a_user_alone_is_never_exact() {
    let rosa = Known {
        document: Some("99000017".to_owned()),
        users: texts(&["rquispe"]),
        macs: texts(&["AA:BB:CC:00:00:01"]),
        addresses: texts(&["10.30.0.17"]),
        ..known("Rosa Quispe")
    };
    let bare = one(secret("rquispe", ""), &rosa);
    assert_eq!((bare.bin, bare.candidates[0].reasons[0]), (Bin::Suggested, Reason::User));
    let wrong_name = one(secret("rquispe", "Luis Huamán"), &rosa);
    assert_eq!(wrong_name.bin, Bin::Suggested);
    for (row, reason) in [
        (FoundRow { mac: "aa-bb-cc-00-00-01".to_owned(), ..secret("rquispe", "") }, Reason::Mac),
        (FoundRow { address: "10.30.0.17/32".to_owned(), ..secret("rquispe", "") }, Reason::Address),
        (secret("rquispe", "DNI 99.000.017"), Reason::Document),
    ] {
        let found = one(row, &rosa);
        assert_eq!((found.bin, found.candidates[0].score), (Bin::Exact, 100));
        assert_eq!(found.candidates[0].reasons, [Reason::User, reason]);
    }
    // The same without the user: a person looks.
    let found = one(FoundRow { mac: "AABBCC000001".to_owned(), ..secret("other", "99000017") }, &rosa);
    assert_eq!(found.bin, Bin::Suggested);
    assert!(found.candidates[0].score > 90 && found.candidates[0].score < 100);
}

#[test]
fn a_customer_without_a_service_is_never_exact() {
    let rosa = Known { service_id: None, document: Some("99000017".to_owned()), ..known("Rosa Quispe") };
    let found = one(secret("rquispe", "Rosa Quispe 99000017"), &rosa);
    assert_eq!((found.bin, found.candidates[0].service_id.as_ref()), (Bin::Suggested, None));
}

#[test]
fn case_is_told_apart_and_shown() {
    let rosa = Known { users: texts(&["RQuispe"]), macs: texts(&["AA:BB:CC:00:00:01"]), ..known("Rosa") };
    let found = one(secret("rquispe", ""), &rosa);
    assert_eq!(found.candidates[0].reasons, [Reason::UserCase]);
    let with_mac = |user: &str| FoundRow { mac: "AABBCC000001".to_owned(), ..secret(user, "") };
    assert_eq!(one(with_mac("RQuispe"), &rosa).bin, Bin::Exact);
    let both = propose(&[with_mac("RQuispe"), secret("rquispe", "")], std::slice::from_ref(&rosa), &[]);
    assert!(both.iter().all(|found| found.bin == Bin::Suggested && found.doubts.contains(&Doubt::Twin)));
    let dotted = one(secret("r.quispe", ""), &rosa);
    assert_eq!(dotted.candidates[0].reasons, [Reason::UserSpelling]);
}

#[test]
fn what_is_attached_here_is_exact_whatever_else_stands_there() {
    let here = Known { users: texts(&["rquispe"]), users_here: texts(&["rquispe"]), ..known("Rosa Quispe") };
    let elsewhere =
        Known { users: texts(&["rquispe"]), macs: texts(&["AABBCC000001"]), ..known("Luis Huamán") };
    let row = FoundRow { mac: "AABBCC000001".to_owned(), ..secret("rquispe", "Luis Huamán") };
    let found = propose(&[row], &[elsewhere, here.clone()], &[]).remove(0);
    assert_eq!((found.bin, &found.candidates[0].customer_id), (Bin::Exact, &here.customer_id));
    assert_eq!(found.candidates[0].reasons, [Reason::Attached]);
}

#[test]
fn two_services_that_fit_alike_are_both_shown() {
    let homes = [known("Juan Pérez Gómez"), known("Juan Pérez Gómez"), known("Rosa Quispe")];
    let found = propose(&[secret("x1", "JUAN PEREZ GOMEZ")], &homes, &[]).remove(0);
    assert_eq!((found.bin, found.candidates.len()), (Bin::Suggested, 2));
    assert!(found.doubts.contains(&Doubt::Ambiguous));
}

#[test]
fn what_stands_exactly_somewhere_is_not_proposed_elsewhere() {
    let rosa =
        Known { users: texts(&["rquispe"]), users_here: texts(&["rquispe"]), ..known("Rosa Quispe Mamani") };
    let found = propose(
        &[secret("rquispe", ""), secret("x9", "Rosa Quispe Mamani")],
        std::slice::from_ref(&rosa),
        &[],
    );
    assert_eq!((found[0].bin, found[1].bin), (Bin::Exact, Bin::Leftover));
}

#[test]
fn queues_and_list_entries_belong_to_whoever_has_the_address() {
    let rows = [
        of_address(RowKind::ListEntry, "10.30.0.17"),
        of_address(RowKind::Queue, "10.30.0.17/32"),
        FoundRow { address: "10.30.0.17".to_owned(), ..secret("rquispe", "") },
        of_address(RowKind::Queue, "10.30.0.18"),
        of_address(RowKind::ListEntry, "10.30.0.18"),
        of_address(RowKind::ListEntry, "10.30.0.19"),
    ];
    let found = propose(&rows, &[], &[]);
    let of: Vec<_> = found.iter().map(|found| found.companion_of.as_deref()).collect();
    let secret = Some("secrets/rquispe");
    assert_eq!(of, [secret, secret, None, None, Some("queue/10.30.0.18"), None]);
    let here = Known { addresses_here: texts(&["10.30.0.19"]), ..known("Rosa Quispe") };
    assert_eq!(one(rows[5].clone(), &here).bin, Bin::Exact, "a fixed address that is attached here");
}
