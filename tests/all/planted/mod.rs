//! Secrets of every sort are given to a running installation, which is then used, misused, copied, killed and started
//! again, with its programs telling everything that they have to tell. Afterwards no secret lies anywhere in clear, nor in any
//! form that anybody could turn back without a key: not in logs (the messages of panics go there), answers, live events, what
//! commands say, the database with its files and its log of writes, copies (as they lie, and restored), the agent's folder.
//!
//! Where a secret must be: in the answer that shows it once, in the file of the installation key and the copy of that file
//! that a restore needs, and the agent's own keys in its folder. Nothing else is excused. The simulated devices have their own
//! passwords by nature, so their folders are not looked at.
//!
//! - [`controls`] plants something harmless in each kind of place and in each form: the search has to find it there.
//! - Programs that make no PDF, send no message and call no webhook yet write no such thing: whoever adds one adds the place.

#![allow(clippy::panic, reason = "a failed test")]

mod controls;
mod keys;
mod needle;
mod panics;
mod places;
mod push;
mod scene;
mod sign_in;
mod staff;

use crate::e2e::{Database, block_on, now_ms, on_each_database};
use aho_corasick::AhoCorasick;
use controls::Controls;
use needle::forms;
use places::{Place, dump, files, postgres_files};
use scene::Scene;
use std::collections::{BTreeMap, BTreeSet};

/// What must not be found, or must.
struct Needle {
    name: String,
    /// The forms in which it is looked for.
    forms: BTreeSet<Vec<u8>>,
    /// Parts of the names of places where it is by design.
    shown_in: &'static [&'static str],
}

impl Needle {
    /// A secret, to be looked for in every form.
    fn new(name: impl Into<String>, secret: &[u8], shown_in: &'static [&'static str]) -> Self {
        Self { name: name.into(), forms: forms(secret), shown_in }
    }
}

on_each_database!(no_secret_lies_anywhere_in_clear);

fn no_secret_lies_anywhere_in_clear(database: Database) {
    let (folder, began_ms) = (tempfile::tempdir().expect("a temporary folder"), now_ms());
    let mut scene = Scene::play(database, folder.path());
    let controls = Controls::plant(&scene);
    let mut places: Vec<_> = scene
        .transcript
        .lock()
        .iter()
        .map(|exchange| Place::new(format!("answer to {}", exchange.request), exchange.answer.clone()))
        .collect();
    places.push(Place::new("what enrolment said", scene.enrolment.clone()));
    places.push(Place::new("live events", scene.events.lock().clone()));
    for (command, said) in &scene.commands {
        places.push(Place::new(format!("what {command} said"), said.clone()));
    }
    // Programs still run: their files are as somebody would steal them.
    let home = scene.isp.control_plane.options.folder.clone();
    places.extend(files(&home));
    places.extend(files(scene.agent.folder()));
    places.extend(files(&folder.path().join("restored")));
    for key in scene.store.keys() {
        places.extend(scene.store.object(&key).map(|bytes| Place::new(key, bytes)));
    }
    if let Some(url) = &scene.isp.control_plane.options.database {
        places.extend(block_on(dump(url)));
        places.extend(block_on(postgres_files(url, began_ms)));
    }
    scene.stop();
    places.extend(
        files(&home.join("data"))
            .into_iter()
            .map(|place| Place { name: format!("{} (stopped)", place.name), ..place }),
    );
    controls.are_found(&places);
    assert!(places.iter().any(|place| place.name.ends_with(".copy")), "there is a copy");
    for log in ["agent.log", "control-plane.log"] {
        let told = |place: &Place| place.name.ends_with(log) && place.bytes.len() > 1_000;
        assert!(places.iter().any(told), "there is an {log}");
    }

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
fn search<'n>(
    needles: impl IntoIterator<Item = &'n Needle>,
    places: &[Place],
) -> BTreeMap<String, BTreeSet<String>> {
    let (mut patterns, mut owners, mut found) = (Vec::new(), Vec::new(), BTreeMap::new());
    for needle in needles {
        found.insert(needle.name.clone(), BTreeSet::new());
        for form in &needle.forms {
            patterns.push(form);
            owners.push(&needle.name);
        }
    }
    let search = AhoCorasick::new(&patterns).expect("patterns are bytes");
    for place in places {
        for hit in search.find_overlapping_iter(&place.bytes) {
            found.entry(owners[hit.pattern().as_usize()].clone()).or_default().insert(place.name.clone());
        }
    }
    found
}
