//! Keys are replaced under a running control plane: by commands of another process, through a kill in the middle, and with
//! copies from before and after.

use super::{Database, block_on, on_each_database};
use atalaya_kernel::testing::postgres_empty;
use atalaya_tests::{
    harness::{ControlPlane, Options, TransitEngine, wait_for, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);
/// Requests with a key of their own, whose answers are sealed: more than two chunks.
const ANSWERS: usize = 120;

/// What is sealed: answers to requests, and an authority with its agent's join string.
struct Sealed {
    answers: Vec<Value>,
}

impl Sealed {
    fn make(isp: &Founded) -> Self {
        let answers = (0..ANSWERS).map(|number| customer(isp, number)).collect();
        let site = isp.owner.post("/sites", &json!({"name": "Cerro Alto"})).expect("a site can be made");
        let token = json!({"site_id": id_of(&site).expect("it has an id"), "name": "uno"});
        isp.owner.post("/agent-tokens", &token).expect("a join string can be made");
        Self { answers }
    }

    /// Each of them still opens.
    fn assert_there(&self, isp: &Founded) {
        for (number, answer) in self.answers.iter().enumerate().step_by(17) {
            assert_eq!(customer(isp, number), *answer, "the answer is opened and given again");
        }
    }
}

fn customer(isp: &Founded, number: usize) -> Value {
    let body = json!({"name": format!("Customer {number:03}")});
    isp.owner.post_with_key("/customers", &body, &format!("key-{number:03}")).expect("a customer can be made")
}

fn status(isp: &Founded) -> String {
    isp.control_plane.command(&["secrets", "status"], "").expect("it can be asked for")
}

fn run(isp: &Founded, words: &[&str]) -> String {
    isp.control_plane.command(words, "").unwrap_or_else(|error| panic!("{words:?}: {error:#}"))
}

/// Waits until no key is retired and nothing lies under an older one.
fn wait_until_brought_over(isp: &Founded) {
    wait_until("everything to lie under the newest keys", SOON, || {
        let status = status(isp);
        !status.contains("retired")
            && status.matches(" values, ").count() == status.matches(", 0 under an older key").count()
    });
}

fn restarted(isp: Founded, options: impl FnOnce(&mut Options)) -> Founded {
    let Founded { mut control_plane, tenant_id, owner_id, .. } = isp;
    control_plane.process.kill().expect("it can be killed");
    let mut with = Options { fault: None, ..control_plane.options.clone() };
    options(&mut with);
    let control_plane = ControlPlane::start(with).expect("it starts again");
    let owner = control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
    Founded { control_plane, owner, tenant_id, owner_id }
}

on_each_database!(a_tenants_key_is_replaced_through_a_kill);

fn a_tenants_key_is_replaced_through_a_kill(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fault = Some("secrets.between_chunks:1".to_owned());
    let mut isp = Founded::start(Options { fault, ..database.options(folder.path()) }).expect("it starts");
    let sealed = Sealed::make(&isp);
    let copy = copied(&isp);
    let said = run(&isp, &["secrets", "rotate", "--tenant", TENANT]);
    assert!(said.contains("key 2 is in use"), "{said}");
    // The server brings over by itself, and dies after the first chunk.
    isp.control_plane.process.wait_for_abort(SOON);
    let left = status(&isp);
    assert!(left.contains("key 2, retired 1"), "the old key stays while something lies under it: {left}");

    let isp = restarted(isp, |_| {});
    wait_until_brought_over(&isp);
    sealed.assert_there(&isp);
    let rows = isp.owner.get("/audit?limit=50&action=secret.*").expect("the trail can be read");
    let actions: Vec<_> =
        rows["items"].as_array().expect("a page").iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["secret.destroy_key", "secret.rotate"], "newest first");

    // The copy from before brings back the key that it needs.
    let isp = restored(isp, &copy, database);
    assert!(status(&isp).contains(": key 1\n"), "{}", status(&isp));
    sealed.assert_there(&isp);
}

on_each_database!(the_installation_key_moves_into_a_transit_engine);

fn the_installation_key_moves_into_a_transit_engine(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Founded::start(database.options(folder.path())).expect("it starts");
    let sealed = Sealed::make(&isp);
    let former_copy = copied(&isp);
    let engine = TransitEngine::start("first-token").expect("the double starts");
    let token = folder.path().join("token");
    fs::write(&token, "first-token\n").expect("a token can be written");
    let former = isp.control_plane.options.folder.join("data/installation-key");
    let with_former = format!(
        "[secrets]\nkey = \"transit\"\nformer = [\"file:{}\"]\n{}",
        former.display(),
        engine.settings(&token)
    );
    let alone = format!("[secrets]\nkey = \"transit\"\n{}", engine.settings(&token));

    // The commands are told of both; the server runs on with what it was started with.
    let mut isp = isp;
    isp.control_plane.options.config = Some(with_former.clone());
    let said = run(&isp, &["secrets", "rotate", "--installation-key"]);
    assert!(said.contains("platform: key 1 is in use"), "{said}");
    isp.owner.post("/sites", &json!({"name": "Loma Verde"})).expect("nothing stops meanwhile");
    wait_until_brought_over(&isp);
    let wrapped = status(&isp);
    assert!(wrapped.contains("local/") && wrapped.contains("transit/transit/atalaya/v1"), "{wrapped}");
    sealed.assert_there(&isp);
    let said = run(&isp, &["secrets", "finish"]);
    assert!(said.contains("removed what local/"), "{said}");

    // From now on the engine alone opens the database, once, at start.
    fs::rename(&former, folder.path().join("former-key")).expect("the former key goes into the safe");
    let isp = restarted(isp, |options| options.config = Some(alone.clone()));
    sealed.assert_there(&isp);
    let calls = engine.calls().len();
    engine.seal(true);
    isp.owner.post("/sites", &json!({"name": "Valle Sur"})).expect("an engine that is away stops nobody");
    assert_eq!(engine.calls().len(), calls);
    let refused = isp.control_plane.command(&["secrets", "status"], "").expect_err("a start needs it");
    assert!(format!("{refused:#}").contains("unseal it"), "{refused:#}");
    engine.seal(false);
    engine.set_token("second-token");
    let refused = isp.control_plane.command(&["secrets", "status"], "").expect_err("the token is another");
    assert!(format!("{refused:#}").contains("token_file"), "{refused:#}");
    fs::write(&token, "second-token").expect("a token can be written");

    // The next version of the engine's key, and copies under both.
    let copy = copied(&isp);
    engine.rotate();
    run(&isp, &["secrets", "rotate", "--installation-key"]);
    wait_until_brought_over(&isp);
    assert!(status(&isp).contains("transit/transit/atalaya/v2"), "{}", status(&isp));
    let isp = restored(isp, &copy, database);
    assert!(status(&isp).contains("transit/transit/atalaya/v1"), "{}", status(&isp));
    sealed.assert_there(&isp);

    // A copy from before the engine needs the former key, and says so.
    let refused = isp.control_plane.command(&["restore", "--check", &text(&former_copy)], "");
    let refused = format!("{:#}", refused.expect_err("the former key is not named"));
    assert!(refused.contains("local/") && refused.contains("former"), "{refused}");
    let mut isp = isp;
    let safe = folder.path().join("former-key");
    isp.control_plane.options.config = Some(with_former.replace(&text(&former), &text(&safe)));
    let checked = run(&isp, &["restore", "--check", &text(&former_copy)]);
    assert!(checked.starts_with("good: "), "{checked}");
}

fn text(path: &Path) -> String {
    path.to_str().expect("the path is text").to_owned()
}

/// Makes a copy and puts it aside.
fn copied(isp: &Founded) -> PathBuf {
    run(isp, &["backup"]);
    let folder = isp.control_plane.options.folder.join("data/backups");
    let newest = wait_for("the copy", SOON, || {
        let names = fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path());
        names.filter(|path| path.extension().is_some_and(|suffix| suffix == "copy")).max()
    });
    let aside =
        isp.control_plane.options.folder.join(format!("aside-{}.copy", isp.control_plane.process.id()));
    fs::copy(newest, &aside).expect("it can be copied");
    aside
}

/// The copy in an empty database, with the keys that the configuration names.
fn restored(isp: Founded, copy: &Path, database: Database) -> Founded {
    let Founded { mut control_plane, tenant_id, owner_id, .. } = isp;
    control_plane.process.kill().expect("it can be killed");
    let data = control_plane.options.folder.join("data");
    for file in ["atalaya.db", "atalaya.db-wal", "atalaya.db-shm"] {
        // SQLite has these alone.
        let _ = fs::remove_file(data.join(file));
    }
    if let Database::Postgres = database {
        let urls = block_on(postgres_empty());
        (control_plane.options.database, control_plane.options.database_owner) =
            (Some(urls.serving), Some(urls.owner));
    }
    control_plane.command(&["restore", &text(copy)], "").expect("it comes back");
    control_plane.restart(None).expect("it starts");
    let owner = control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
    Founded { control_plane, owner, tenant_id, owner_id }
}
