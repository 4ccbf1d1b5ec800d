//! The installation key as systemd hands it over: a file in a folder of credentials, and nowhere else.

use super::{Database, on_each_database};
use atalaya_kernel::secrets::InstallationKey;
use atalaya_tests::{
    harness::{ControlPlane, Options},
    isp::{Founded, OWNER, PASSWORD, TENANT},
};
use serde_json::json;
use std::{fs, path::Path};

on_each_database!(the_key_comes_from_a_credential);

/// Puts a key into a folder of credentials.
fn credential(folder: &Path, key: &InstallationKey) {
    fs::create_dir_all(folder).expect("a folder can be made");
    fs::write(folder.join("installation-key"), &*key.to_hex()).expect("and a file in it");
}

fn the_key_comes_from_a_credential(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let credentials = folder.path().join("credentials");
    let key = InstallationKey::generate();
    credential(&credentials, &key);
    let options = Options { credentials: Some(credentials.clone()), ..database.options(folder.path()) };
    let mut isp = Founded::start(options).expect("it starts");
    let data = isp.control_plane.options.folder.join("data");
    assert!(!data.join("installation-key").exists(), "no key is made beside the one that is handed over");
    let said = isp.control_plane.command(&["secrets", "status"], "").expect("it can be asked for");
    assert!(said.contains(&key.name()), "it is this key that wraps: {said}");
    // What is answered is kept sealed, and opened when the request comes again.
    let site = json!({"name": "Cerro Alto"});
    let made = isp.owner.post_with_key("/sites", &site, "once").expect("a site can be made");
    isp.control_plane.restart(None).expect("it starts again");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
    assert_eq!(isp.owner.post_with_key("/sites", &site, "once").expect("it is answered again"), made);

    isp.control_plane.process.kill().expect("it can be killed");
    let started = |credentials: Option<&Path>| {
        let options = isp.control_plane.options.clone();
        ControlPlane::start(Options { credentials: credentials.map(Path::to_owned), ..options })
    };
    let other = folder.path().join("others");
    credential(&other, &InstallationKey::generate());
    let refused = started(Some(&other)).err().expect("another key opens nothing");
    let told = format!("{refused:#}");
    assert!(told.contains("the control plane ended") && !told.contains(&*key.to_hex()), "{told}");
    let refused = started(None).err().expect("nor does none");
    assert!(format!("{refused:#}").contains("the control plane ended"), "{refused:#}");
    let again = started(Some(&credentials)).expect("the first one does");
    again.log_in(TENANT, OWNER, PASSWORD).expect("and everything is as it was");
}
