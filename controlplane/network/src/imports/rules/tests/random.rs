use super::{known, secret};
use crate::imports::rules::{Bin, FoundRow, Known, Pattern, RowKind, groups, propose};
use atalaya_kernel::{ids::PointId, testing::START};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const USERS: [&str; 5] = ["rquispe", "RQuispe", "jperez", "luis.huaman", ""];
const ADDRESSES: [&str; 4] = ["10.30.0.1", "10.30.0.2/32", "10.30.0.3", ""];
const MACS: [&str; 3] = ["AA:BB:CC:00:00:01", "aabbcc000002", ""];
const NAMES: [&str; 4] = ["Quispe Mamani, Rosa", "Juan Pérez Gómez", "Juan Pérez López", "Luis Huamán"];
const COMMENTS: [&str; 6] =
    ["", "ROSA QUISPE", "juan perez 900000017 nap 4", "DNI 99000017", "debe 2 meses", "libre"];

fn pick(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(from).prop_map(str::to_owned)
}

/// Rows and known services out of a small town, so that they meet; some rows carry markers, some of them twice.
fn town() -> impl Strategy<Value = (Vec<FoundRow>, Vec<Known>)> {
    let points: Vec<PointId> = (0..6).map(|_| PointId::new(START)).collect();
    let row = (
        prop::sample::select(RowKind::ALL),
        pick(&USERS),
        pick(&ADDRESSES),
        pick(&MACS),
        pick(&COMMENTS),
        prop::option::weighted(0.2, 0..8_usize),
        any::<bool>(),
    );
    let of = (pick(&NAMES), pick(&USERS), pick(&ADDRESSES), pick(&MACS), any::<bool>(), any::<bool>());
    (prop::collection::vec(row, 0..24), prop::collection::vec(of, 0..6)).prop_map(move |(rows, of)| {
        let rows = rows.into_iter().enumerate().map(
            |(at, (kind, user, address, mac, comment, marker, disabled))| {
                let marker = marker.map(|marker| match points.get(marker) {
                    Some(point) => format!(" atalaya:{point}"),
                    None => format!(" atalaya:{}", PointId::new(START)),
                });
                FoundRow {
                    key: format!("{kind}/{at}"),
                    kind,
                    user: if kind == RowKind::Secret { user } else { String::new() },
                    address,
                    mac,
                    disabled,
                    ..secret("", &format!("{comment}{}", marker.unwrap_or_default()))
                }
            },
        );
        let known = of.into_iter().enumerate().map(|(at, (name, user, address, mac, has_service, here))| {
            let mut one = known(&name);
            if has_service {
                one.points = points.get(at).cloned().into_iter().collect();
                one.users_here = if here { vec![user.clone()] } else { Vec::new() };
                one.users = vec![user];
                one.addresses = vec![address];
                one.macs = vec![mac];
            } else {
                one.service_id = None;
            }
            one.document = Some("99000017".to_owned());
            one
        });
        (rows.collect(), known.collect())
    })
}

proptest! {
    #[test]
    fn each_row_is_in_one_bin_and_no_service_stands_twice((rows, known) in town()) {
        let patterns = [Pattern::parse("{name} {phone} NAP {box}").expect("it is a pattern")];
        let found = propose(&rows, &known, &patterns);
        prop_assert_eq!(found.len(), rows.len());
        let mut exact = BTreeSet::new();
        for (row, proposal) in rows.iter().zip(&found) {
            let candidates = proposal.candidates.len();
            match proposal.bin {
                Bin::Exact => {
                    prop_assert_eq!((candidates, proposal.candidates[0].score), (1, 100));
                    let service = proposal.candidates[0].service_id.clone().expect("a service");
                    prop_assert!(exact.insert((row.kind, service)), "two rows of one service");
                }
                Bin::Suggested => {
                    prop_assert!((1..=3).contains(&candidates));
                    prop_assert!(proposal.candidates.iter().all(|one| (1..=99).contains(&one.score)));
                }
                Bin::Leftover | Bin::Companion => prop_assert_eq!(candidates, 0),
            }
            let belongs = proposal.companion_of.is_some();
            prop_assert_eq!(belongs, proposal.bin == Bin::Companion);
            prop_assert!(proposal.companion_of.as_ref() != Some(&row.key));
        }
        for (row, proposal) in rows.iter().zip(&found).filter(|(_, proposal)| proposal.bin == Bin::Suggested) {
            let taken = proposal.candidates.iter().filter_map(|one| one.service_id.clone());
            for service in taken {
                prop_assert!(!exact.contains(&(row.kind, service)), "it stands exactly on another row");
            }
        }
    }

    /// What a row is does not depend on where in the listing it stands.
    #[test]
    fn the_order_of_rows_changes_nothing((rows, known) in town()) {
        let by_key = |rows: &[FoundRow]| -> BTreeMap<String, _> {
            let found = propose(rows, &known, &[]);
            rows.iter().zip(found).map(|(row, found)| (row.key.clone(), (found.bin, found.candidates))).collect()
        };
        let mut turned = rows.clone();
        turned.reverse();
        let (one, other) = (by_key(&rows), by_key(&turned));
        for (key, (bin, candidates)) in &one {
            // Which of two queues of one address is the first one does; nothing else.
            if *bin != Bin::Companion {
                prop_assert_eq!((bin, candidates), (&other[key].0, &other[key].1));
            }
        }
    }

    #[test]
    fn a_row_is_in_one_group_at_most((rows, _) in town()) {
        let mut seen = BTreeSet::new();
        for at in groups(&rows, &[], &[]).into_iter().flat_map(|group| group.rows) {
            prop_assert!(seen.insert(at));
        }
        let off = rows.iter().enumerate().filter(|(_, row)| row.disabled && row.kind != RowKind::ListEntry);
        for (at, _) in off {
            prop_assert!(seen.contains(&at), "what is switched off is asked about");
        }
    }
}

/// As many as a big router has, in a build without optimisation beside other tests; comparing each with each would take minutes.
#[test]
fn five_thousand_rows_meet_five_thousand_services() {
    let word = |number: usize| {
        let beginning = ["Ca", "Me", "Ri", "So", "Tu", "Va", "Lo", "Ne"][number % 8];
        format!(
            "{beginning}{}",
            ["mbra", "rdano", "stiza", "lluri", "ngora", "viedes", "zarte", "quico"][number / 8 % 8]
        )
    };
    let names = |number: usize| format!("{} {}, {}", word(number), word(number / 64), word(number / 7));
    let services: Vec<Known> = (0..5_000)
        .map(|number| Known {
            document: Some(format!("{}", 99_000_000 + number)),
            users: vec![format!("user{number}")],
            macs: vec![format!("02000000{number:04X}")],
            ..known(&names(number))
        })
        .collect();
    let rows: Vec<FoundRow> = (0..5_000)
        .map(|number| match number % 3 {
            0 => FoundRow { mac: format!("02000000{number:04X}"), ..secret(&format!("user{number}"), "") },
            1 => secret(&format!("ppp{number}"), &format!("{} DNI {}", names(number), 99_000_000 + number)),
            _ => secret(&format!("ppp{number}"), &names(number)),
        })
        .collect();
    let found = propose(&rows, &services, &[]);
    for (number, found) in found.iter().enumerate().filter(|(number, _)| number % 3 < 2) {
        assert_eq!(found.candidates[0].customer_id, services[number].customer_id, "{number}");
        assert_eq!(found.bin == Bin::Exact, number % 3 == 0, "{number}");
    }
}
