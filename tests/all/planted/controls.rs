//! Something harmless in each kind of place and in each form: a search that does not find it would find no secret either.

use super::{
    Needle,
    needle::{Form, forms_by_name},
    places::{PG_FILES, PG_LOG, Place},
    scene::Scene,
    search,
};
use crate::e2e::block_on;
use atalaya_kernel::testing::{execute, postgres_urls};
use atalaya_tests::harness::wait_until;
use serde_json::json;
use std::{fs, path::PathBuf, time::Duration};

/// Letters in which the forms differ.
fn text(place: &str, form: &str) -> String {
    format!("control/\"ñ+{place}.{form}")
}

/// Where it was planted.
pub(super) struct Controls(Vec<Planted>);

struct Planted {
    needle: Needle,
    /// Parts of the names of all places in which it has to be found.
    in_places: Vec<&'static str>,
    /// Whether it may be found in no other.
    nowhere_else: bool,
}

/// A control of its own for each form, and the bytes that carry it.
fn each_form(place: &'static str) -> impl Iterator<Item = (Needle, Form)> {
    let names: Vec<_> =
        forms_by_name(text(place, "any").as_bytes()).into_iter().map(|form| form.name).collect();
    names.into_iter().map(move |name| {
        let text = text(place, &name);
        let mut made = forms_by_name(text.as_bytes()).into_iter();
        let form = made.find(|form| form.name == name).expect("the forms have names");
        (Needle::new(format!("control in {place}, {name}"), text.as_bytes(), &[]), form)
    })
}

impl Controls {
    /// Plants them in a scene whose programs still run.
    pub(super) fn plant(scene: &Scene) -> Self {
        let home = &scene.isp.control_plane.options.folder;
        let mut planted = Vec::new();
        let folders: [(&str, PathBuf, &str); 4] = [
            ("the data folder", home.join("data"), "data/planted"),
            ("the log folder", home.join("log"), "log/planted"),
            ("the copies", home.join("data/backups"), "backups/planted"),
            ("the agent's folder", scene.agent.folder().join("state"), "state/planted"),
        ];
        for (place, folder, part) in folders {
            for (number, (needle, form)) in each_form(place).enumerate() {
                let path = folder.join(format!("planted-{number}"));
                fs::write(path, [b"before ", form.bytes.as_slice(), b" after"].concat())
                    .expect("a file can be written");
                planted.push(Planted { needle, in_places: vec![part], nowhere_else: true });
            }
        }
        planted.extend(Self::in_database(scene));
        planted.extend(Self::through_the_product(scene));
        Self(planted)
    }

    /// In rows, as texts and as bytes: a table that the search does not know of.
    fn in_database(scene: &Scene) -> Vec<Planted> {
        let options = &scene.isp.control_plane.options;
        let (url, in_places) = match &options.database {
            Some(url) => (block_on(postgres_urls(url)).superuser, vec!["table planted", PG_FILES, PG_LOG]),
            None => {
                (format!("sqlite:{}", options.folder.join("data/atalaya.db").display()), vec!["atalaya.db"])
            }
        };
        let bytes = if options.database.is_some() { "BYTEA" } else { "BLOB" };
        let mut statements = vec![format!("CREATE TABLE planted (said TEXT, given {bytes})")];
        let mut planted = Vec::new();
        for (place, is_text) in [("a text of a row", true), ("bytes of a row", false)] {
            for (needle, form) in each_form(place) {
                let value =
                    String::from_utf8(form.bytes.clone()).expect("every form is text").replace('\'', "''");
                let hex = hex(&form.bytes);
                let value = match (is_text, options.database.is_some()) {
                    (true, _) => format!("'{value}', NULL"),
                    (false, true) => format!("NULL, decode('{hex}', 'hex')"),
                    (false, false) => format!("NULL, x'{hex}'"),
                };
                statements.push(format!("INSERT INTO planted VALUES ({value})"));
                planted.push(Planted { needle, in_places: in_places.clone(), nowhere_else: true });
            }
        }
        block_on(execute(&url, &statements.join(";\n"))).expect("rows can be planted");
        planted
    }

    /// As names of customers, which every part of the product may tell.
    fn through_the_product(scene: &Scene) -> Vec<Planted> {
        let mut in_places = vec!["answer to POST /customers", "live events"];
        if scene.isp.control_plane.options.database.is_some() {
            in_places.extend(["table people_customer", PG_FILES, PG_LOG]);
        } else {
            in_places.push("atalaya.db");
        }
        let planted: Vec<_> = each_form("a name")
            .map(|(needle, form)| {
                let name = String::from_utf8(form.bytes).expect("every form is text");
                scene.owner.post("/customers", &json!({"name": name})).expect("a customer can have any name");
                Planted { needle, in_places: in_places.clone(), nowhere_else: false }
            })
            .collect();
        let needles: Vec<_> = planted.iter().map(|planted| &planted.needle).collect();
        wait_until("the names to be told live", Duration::from_secs(30), || {
            let told = [Place::new("live", scene.events.lock().clone())];
            search(needles.iter().copied(), &told).values().all(|found| !found.is_empty())
        });
        planted
    }

    /// Demands that each is found where it was planted, and the ones that were put into files and rows nowhere else.
    pub(super) fn are_found(self, places: &[Place]) {
        let found = search(self.0.iter().map(|planted| &planted.needle), places);
        for Planted { needle, in_places, nowhere_else } in &self.0 {
            let places = &found[&needle.name];
            for part in in_places {
                assert!(
                    places.iter().any(|place| place.contains(part)),
                    "{} in {part}: {places:?}",
                    needle.name
                );
            }
            let is_meant = |place: &String| in_places.iter().any(|part| place.contains(part));
            assert!(!nowhere_else || places.iter().all(is_meant), "{}: {places:?}", needle.name);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
