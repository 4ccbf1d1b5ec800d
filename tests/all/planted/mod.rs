//! Secrets of every sort are given to a running installation, which is then used, misused, copied, killed and started
//! again, with its programs telling everything that they have to tell. Afterwards no secret lies anywhere in clear, nor in any
//! form that anybody could turn back without a key: not in logs, answers, live events, the database with its log of
//! writes, copies, the agent's folder.
//!
//! Where a secret must be: in the answer that shows it once, in the file of the installation key. Nothing else is excused.
//! In each place something harmless is planted too, in a form of its own: the search has to find it.

#![allow(clippy::panic, reason = "a failed test")]

mod needle;
mod places;
mod scene;

use crate::e2e::{Database, block_on, on_each_database};
use aho_corasick::AhoCorasick;
use needle::forms;
use places::{Place, dump, files, plant};
use scene::Scene;
use std::collections::{BTreeMap, BTreeSet};

/// What must not be found, or must.
struct Needle {
    name: &'static str,
    secret: Vec<u8>,
    /// Parts of the names of places where it is by design.
    shown_in: &'static [&'static str],
}

on_each_database!(no_secret_lies_anywhere_in_clear);

fn no_secret_lies_anywhere_in_clear(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut scene = Scene::play(database, folder.path());
    let mut places: Vec<_> = scene
        .transcript
        .lock()
        .iter()
        .map(|exchange| Place::new(format!("answer to {}", exchange.request), exchange.answer.clone()))
        .collect();
    places.push(Place::new("what enrolment said", scene.enrolment.clone()));
    places.push(Place::new("live events", scene.events.lock().clone()));
    for (number, said) in scene.commands.iter().enumerate() {
        places.push(Place::new(format!("what command {number} said"), said.clone()));
    }
    // Programs still run: their files are as somebody would steal them.
    let home = scene.isp.control_plane.options.folder.clone();
    let agent = scene.agent.folder().to_owned();
    let controls = [
        ("raw", home.join("data"), b"control-raw-1f6c".to_vec()),
        ("in the log folder", home.join("log"), b"Y29udHJvbC1iYXNlNjQtOWEyZA==".to_vec()),
        ("among the copies", home.join("data/backups"), b"636f6e74726f6c2d6865782d37653031".to_vec()),
        ("in the agent's folder", agent.join("state"), b"control%2Furl%2F5b3c".to_vec()),
    ];
    for (_, folder, text) in &controls {
        plant(folder, text);
    }
    places.extend(files(&home));
    places.extend(files(&agent));
    if let Some(url) = &scene.isp.control_plane.options.database {
        places.extend(block_on(dump(url)));
    }
    scene.stop();
    places.extend(
        files(&home.join("data"))
            .into_iter()
            .map(|place| Place { name: format!("{} (stopped)", place.name), ..place }),
    );

    let controls = [
        Needle { name: "control in data", secret: b"control-raw-1f6c".to_vec(), shown_in: &["data/planted"] },
        Needle {
            name: "control in log",
            secret: b"control-base64-9a2d".to_vec(),
            shown_in: &["log/planted"],
        },
        Needle {
            name: "control in copies",
            secret: b"control-hex-7e01".to_vec(),
            shown_in: &["backups/planted"],
        },
        Needle {
            name: "control in agent",
            secret: b"control/url/5b3c".to_vec(),
            shown_in: &["state/planted"],
        },
    ];
    let found = search(&controls, &places);
    for control in &controls {
        let places = &found[control.name];
        assert!(
            !places.is_empty() && places.iter().all(|place| place.contains(control.shown_in[0])),
            "{} is found where it was planted: {places:?}",
            control.name
        );
    }
    // What is no secret is everywhere: the search reads what the programs write.
    let open = [Needle { name: "customer", secret: scene::CUSTOMER.as_bytes().to_vec(), shown_in: &[] }];
    let open = &search(&open, &places)["customer"];
    let stored = if scene.isp.control_plane.options.database.is_some() {
        "table people_customer"
    } else {
        "atalaya.db"
    };
    for place in ["answer to POST /customers", "live events", stored] {
        assert!(open.iter().any(|found| found.contains(place)), "a customer's name is in {place}: {open:?}");
    }
    assert!(places.iter().any(|place| place.name.ends_with(".copy")), "there is a copy");
    assert!(
        places.iter().any(|place| place.name.ends_with("agent.log") && place.bytes.len() > 1_000),
        "and a log"
    );

    let mut bad = BTreeMap::new();
    for (name, places) in search(&scene.needles, &places) {
        let needle = scene.needles.iter().find(|needle| needle.name == name).expect("one of them");
        let excused = |place: &String| needle.shown_in.iter().any(|part| place.contains(part));
        let shown = places.iter().any(excused);
        assert!(
            shown || needle.shown_in.is_empty(),
            "{name} was not even shown where it is shown once: was it used?"
        );
        let places: BTreeSet<_> = places.into_iter().filter(|place| !excused(place)).collect();
        if !places.is_empty() {
            bad.insert(name, places);
        }
    }
    assert!(bad.is_empty(), "secrets lie in clear: {bad:#?}");
}

/// Names of the places in which each needle is found, in whatever form.
fn search(needles: &[Needle], places: &[Place]) -> BTreeMap<&'static str, BTreeSet<String>> {
    let (mut patterns, mut owners) = (Vec::new(), Vec::new());
    for needle in needles {
        for form in forms(&needle.secret) {
            patterns.push(form);
            owners.push(needle.name);
        }
    }
    let search = AhoCorasick::new(&patterns).expect("patterns are bytes");
    let mut found: BTreeMap<_, BTreeSet<String>> =
        needles.iter().map(|needle| (needle.name, BTreeSet::new())).collect();
    for place in places {
        for hit in search.find_overlapping_iter(&place.bytes) {
            found.entry(owners[hit.pattern().as_usize()]).or_default().insert(place.name.clone());
        }
    }
    found
}
