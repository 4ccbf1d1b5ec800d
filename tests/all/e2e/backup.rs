//! A copy made while everything runs brings the ISP back on an empty machine, on either database, and lets nobody be cut
//! for what was paid since.

use super::{Database, block_on, on_each_database};
use atalaya_kernel::testing::postgres_empty;
use atalaya_tests::{
    harness::{Options, wait_until},
    isp::{Isp, OWNER, PASSWORD, Size, TENANT},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);

on_each_database!(a_copy_made_while_it_runs_brings_everything_back);

fn a_copy_made_while_it_runs_brings_everything_back(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut options = database.options(folder.path());
    // Every hour is late enough for the day's copy.
    options.config = Some("[backup]\ndaily = true\nat = \"00:00\"\nkeep = 2\n".to_owned());
    let mut isp =
        Isp::start(folder.path(), options, Size { subscribers: 3, sites: 1 }).expect("the ISP starts");
    let data = isp.control_plane.options.folder.join("data");
    let command = |isp: &Isp, words: &[&str]| isp.control_plane.command(words, "");

    wait_until("the day's copy to be made and rehearsed", SOON, || {
        isp.owner
            .get("/home")
            .is_ok_and(|home| home["backup_at"].is_string() && home["backup_overdue"] == false)
    });
    let days = copies(&data.join("backups"));
    assert_eq!(days.len(), 1, "one a day: {days:?}");
    let said = command(&isp, &["backup"]).expect("it can be copied");
    assert!(said.contains("rehearsed and holds the same"), "{said}");
    let all = copies(&data.join("backups"));
    let [_, copy] = all.as_slice() else { panic!("two copies by now: {all:?}") };
    let copy = copy.to_str().expect("the path is text");
    let checked = command(&isp, &["restore", "--check", copy]).expect("the copy can be tried");
    assert!(checked.starts_with("good: "), "{checked}");
    let refused = command(&isp, &["restore", copy]).expect_err("there is something already");
    assert!(format!("{refused:#}").contains("is not empty"), "{refused:#}");

    let before = seen(&isp);
    let payer = isp.sites[0].subscribers[1].customer.clone();
    let payment =
        json!({"customer_id": payer, "amount": {"amount": 1_700, "currency": "PEN"}, "method": "cash"});
    isp.owner.post("/payments", &payment).expect("a payment can be registered");
    assert_ne!(seen(&isp), before, "a payment after the copy shows");

    // The machine burns. Another one has the copy and the installation key, and an empty database of the other kind.
    isp.control_plane.process.kill().expect("it can be killed");
    let kept = folder.path().join("kept.copy");
    fs::copy(copy, &kept).expect("the copy lies elsewhere too");
    let key = fs::read(data.join("installation-key")).expect("the key is a file");
    fs::remove_dir_all(&data).expect("the data can be removed");
    fs::create_dir_all(&data).expect("and a folder made anew");
    fs::write(data.join("installation-key"), key).expect("the key comes from the safe");
    if let Database::Sqlite = database {
        to_new_postgres(&mut isp.control_plane.options);
    } else {
        isp.control_plane.options.database = None;
    }
    let restored = command(&isp, &["restore", kept.to_str().expect("text")]).expect("it comes back");
    assert!(restored.contains("restored: ") && restored.contains("waits for a person"), "{restored}");

    isp.control_plane.restart(None).expect("it starts on the restored database");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in as ever");
    assert_eq!(seen(&isp), before, "what was there when it was copied is there");
    let tenant = isp.owner.get("/tenant").expect("the tenant can be read");
    assert_eq!(tenant["automatic_cuts"], "off_until_preview", "a person looks first: {tenant}");
    let audit = isp.owner.get("/audit?limit=50").expect("the audit can be read");
    let raised = |row: &Value| row["action"] == "network.timeline_raise";
    assert!(audit["items"].as_array().is_some_and(|rows| rows.iter().any(raised)), "{audit}");
    // The agent knows its headquarters by their certificates, which were in the copy.
    wait_until("the agent to be back", SOON, || {
        let agent = isp.owner.get(&format!("/agents/{}", isp.sites[0].agent_id));
        agent.is_ok_and(|agent| agent["connected"] == true || agent["state"] == "connected")
    });

    // And back to the first kind, straight from one database to the other.
    isp.control_plane.process.stop(SOON).expect("it stops when asked");
    let url = |options: &Options| {
        options.database.clone().unwrap_or_else(|| format!("sqlite:{}", data.join("atalaya.db").display()))
    };
    let from = url(&isp.control_plane.options);
    if let Database::Postgres = database {
        to_new_postgres(&mut isp.control_plane.options);
    } else {
        (isp.control_plane.options.database, isp.control_plane.options.database_owner) = (None, None);
    }
    let to = url(&isp.control_plane.options);
    let owner = isp.control_plane.options.database_owner.clone().unwrap_or_else(|| to.clone());
    let moved = command(&isp, &["move", "--from", &from, "--to", &to, "--to-owner", &owner])
        .expect("it can be moved");
    assert!(moved.contains("people_tenant: 1 rows") && moved.contains("moved and read back"), "{moved}");
    isp.control_plane.restart(None).expect("it starts on the database it was moved to");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in as ever");
    assert_eq!(seen(&isp), before);
    let session = isp.owner.get("/session").expect("the session can be read");
    assert_eq!(session["safe_mode"], false, "the new home may act");
}

/// What a person sees of customers, invoices, payments and plans; of devices and sites, which there are: how they are changes
/// by the second.
fn seen(isp: &Isp) -> Vec<Value> {
    let read = |path: &str| isp.owner.get(path).unwrap_or_else(|error| panic!("{path}: {error:?}"));
    let whole = ["/invoices", "/payments", "/plans"].map(read);
    let named = ["/customers?owed_gte=0", "/devices", "/sites"].map(|path| {
        let answer = read(path);
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        assert!(!items.is_empty(), "{path}");
        items.iter().map(|item| json!([item["id"], item["name"], item["balance"]])).collect::<Value>()
    });
    whole.into_iter().chain(named).collect()
}

/// The copies in a folder, oldest first.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let mut copies: Vec<_> = fs::read_dir(folder)
        .expect("there is a folder of copies")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "copy"))
        .collect();
    copies.sort();
    copies
}

fn to_new_postgres(options: &mut Options) {
    let urls = block_on(postgres_empty());
    (options.database, options.database_owner) = (Some(urls.serving), Some(urls.owner));
}
