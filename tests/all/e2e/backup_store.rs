//! Copies of the installation in an object store: in parts, whole or not at all, and back from there on another machine.

use super::{Database, blobs, block_on, on_each_database};
use atalaya_kernel::{
    archive::Unfinished,
    secrets::fill_random,
    testing::postgres_empty,
    time::{Clock, SystemClock},
};
use atalaya_server::{
    adapters::S3Settings,
    backup::{CopyName, ObjectStore as Store, Place},
    config::Config,
};
use atalaya_tests::{
    harness::{ControlPlane, ObjectStore, Options, object_store, object_store::Lies, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);
/// Bytes of a part.
const PART: usize = 16 << 20;

fn settings(double: &ObjectStore, folder: &Path) -> S3Settings {
    let text = double.copies(&folder.join("store-key")).expect("a file can be written");
    let path = folder.join("only-copies.toml");
    fs::write(&path, text).expect("a file can be written");
    let config = Config::read(Some(&path)).expect("the settings are right");
    config.backup.s3.expect("it names a store")
}

fn store(settings: S3Settings, folder: &Path) -> Store {
    Store::new(settings, Arc::new(SystemClock), folder.join("scratch")).expect("the settings are right")
}

fn name(text: &str) -> CopyName {
    text.parse().expect("the name of a copy")
}

/// Two whole parts and a bit, all different.
fn content() -> Vec<u8> {
    [vec![1; PART], vec![2; PART], vec![3; 1_000]].concat()
}

fn written(upload: &mut Box<dyn Unfinished>, bytes: &[u8]) -> io::Result<()> {
    upload.write_all(bytes)?;
    upload.finish()
}

fn listed(store: &Store) -> Vec<(String, u64)> {
    let found = store.list().expect("it lists");
    found.into_iter().map(|found| (found.name.to_string(), found.bytes)).collect()
}

#[test]
fn a_copy_goes_in_parts_and_is_there_when_it_is_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let store = store(settings(&double, folder.path()), folder.path());
    assert!(listed(&store).is_empty());
    let (older, newer) = (name("atalaya-2026-11-05T150709Z.copy"), name("atalaya-2026-11-06T150709Z.copy"));
    assert_eq!(store.shown(&older), "s3://isp-files/copies/atalaya-2026-11-05T150709Z.copy");

    let content = content();
    let mut upload = store.begin(&newer).expect("it begins");
    upload.write_all(&content).expect("it takes it");
    let parts = double.calls().iter().filter(|call| call.starts_with("PUT")).count();
    assert_eq!(parts, 2, "a part goes when it is full, and is not kept in memory");
    assert!(listed(&store).is_empty() && double.keys().is_empty(), "nothing is there before it is whole");
    upload.finish().expect("it is made");
    assert!(double.uploads().is_empty());
    written(&mut store.begin(&older).expect("it begins"), b"small").expect("one part is enough");

    // What else is in the bucket is nobody's copy.
    for other in ["copies/atalaya-notes.txt", "copies/atalaya-x/y.copy", "else/atalaya-1.copy"] {
        double.plant(other, b"theirs");
    }
    double.list_at_most(1);
    let size = u64::try_from(content.len()).expect("it fits");
    assert_eq!(listed(&store), [(older.to_string(), 5), (newer.to_string(), size)], "oldest first");

    let mut back = Vec::new();
    store.open(&newer).expect("it opens").read_to_end(&mut back).expect("it can be read");
    assert!(back == content, "every byte comes back, in ranges");
    store.remove(&older).expect("it can be removed");
    let gone = store.open(&older).map(drop).expect_err("it is gone");
    assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    assert!(gone.to_string().contains("s3://isp-files/copies/atalaya-2026-11-05"), "{gone}");
    assert_eq!(store.set_aside(&newer).expect("a bad one goes"), "it was removed");
    assert!(listed(&store).is_empty());
}

#[test]
fn what_passes_is_tried_again_and_half_a_copy_is_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let store = store(settings(&double, folder.path()), folder.path());
    let content = content();
    let good = |number: u8, fault: &dyn Fn()| {
        let name = name(&format!("atalaya-{number}.copy"));
        fault();
        let mut upload = store.begin(&name).expect("it begins");
        written(&mut upload, &content).expect("it is made all the same");
        assert!(double.object(&format!("copies/{name}")).as_ref() == Some(&content), "{name}");
        store.remove(&name).expect("it can be removed");
    };
    good(1, &|| double.fail_parts(2));
    good(2, &|| double.cut_off(2));
    good(3, &|| double.lie(Lies::LosesAnAnswer));
    good(4, &|| double.lie(Lies::FailsWith200));

    let bad = |number: u8, fault: &dyn Fn(), why: &str| {
        let mut upload = store.begin(&name(&format!("atalaya-{number}.copy"))).expect("it begins");
        fault();
        let error = written(&mut upload, &content).expect_err("there is no copy").to_string();
        assert!(error.contains(why), "{error}");
        double.cut_off(0);
        upload.abandon();
        assert!(double.uploads().is_empty(), "{why}: it was aborted");
        assert!(double.keys().is_empty() && listed(&store).is_empty(), "{why}: nothing is left");
        double.lie(Lies::Never);
    };
    bad(5, &|| double.cut_off(99), "the object store at");
    bad(6, &|| double.lie(Lies::OfTheSize), "has 33555433 bytes of the 33555432 that it was sent");
    bad(7, &|| double.burn(), "does not know this upload any more");
}

#[test]
fn what_will_not_pass_is_told_with_its_mend() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let right = settings(&double, folder.path());
    let wrong_key = folder.path().join("wrong");
    let text =
        format!("aws_access_key_id = {}\naws_secret_access_key = Wrong/one-51c7\n", object_store::KEY_ID);
    fs::write(&wrong_key, text).expect("a file can be written");
    for (wrong, named, mend) in [
        (
            S3Settings { key_file: wrong_key, ..right.clone() },
            "SignatureDoesNotMatch",
            "look at [backup.s3] key_file",
        ),
        (S3Settings { bucket: "not-there".to_owned(), ..right.clone() }, "NoSuchBucket", "make the bucket"),
        (S3Settings { key_file: "/nowhere".into(), ..right }, "[backup.s3] key_file", "cannot read /nowhere"),
    ] {
        let before = double.calls().len();
        let store = store(wrong, folder.path());
        let errors = [
            format!("{:#}", store.list().expect_err("it refuses")),
            store.begin(&name("atalaya-1.copy")).map(drop).expect_err("it refuses").to_string(),
        ];
        for error in errors {
            assert!(error.contains(named) && error.contains(mend), "{error}");
            assert!(!error.contains("Wrong/one"), "{error}");
        }
        assert!(double.calls().len() <= before + 2, "each was asked once");
    }
}

#[test]
fn what_killed_copies_left_behind_is_aborted_by_a_later_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let store = store(settings(&double, folder.path()), folder.path());
    let _claim = store.claim().expect("nobody else makes one");
    let refused = store.claim().expect_err("one at a time");
    assert!(refused.to_string().contains("another copy is being made"), "{refused}");
    for old in ["copies/atalaya-1.copy", "copies/theirs", "atalaya/blb_1"] {
        double.plant_upload(old);
    }
    double.age_uploads(25 * 3_600);
    double.plant_upload("copies/atalaya-2.copy");
    store.sweep(SystemClock.now()).expect("it is swept");
    let mut left = double.uploads();
    left.sort();
    // A young one may be another server's, at work.
    assert_eq!(left, ["atalaya/blb_1", "copies/atalaya-2.copy", "copies/theirs"]);
}

/// The double is to uploads in parts what S3 is to a client that others wrote.
#[test]
fn the_double_takes_parts_from_another_client() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let url = |rest: &str| format!("{}/{}/a.copy{rest}", double.endpoint(), object_store::BUCKET);
    let curl = |secret: &str, content: &[u8], words: &[&str]| {
        let region = format!("aws:amz:{}:s3", object_store::REGION);
        let user = format!("{}:{secret}", object_store::KEY_ID);
        let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = format!("x-amz-content-sha256: {digest}");
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--include", "--aws-sigv4", &region]);
        command.args(["--user", &user, "--header", &digest]).args(words);
        let output = command.output().expect("curl is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let between = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}"));
        rest.split_once(to).unwrap_or_else(|| panic!("no {to} in {text}")).0.to_owned()
    };
    let right = object_store::SECRET;
    let refused = curl("Wrong/one-51c7", b"", &["--request", "POST", &url("?uploads=")]);
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
    let begun = curl(right, b"", &["--request", "POST", &url("?uploads=")]);
    let upload = between(&begun, "<UploadId>", "</UploadId>").replace("&amp;", "%26");

    let mut tags = Vec::new();
    for (number, bytes) in [(1, vec![7; 5 << 20]), (2, b"the rest".to_vec())] {
        let file = folder.path().join(format!("part-{number}"));
        fs::write(&file, &bytes).expect("a file can be written");
        let to = url(&format!("?partNumber={number}&uploadId={upload}"));
        let sent = curl(right, &bytes, &["--upload-file", file.to_str().expect("text"), &to]);
        tags.push(between(&sent, "etag: ", "\r\n"));
    }
    let complete = |tags: &[&str]| {
        let parts = tags
            .iter()
            .zip(1..)
            .map(|(tag, number)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
        let text =
            format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
        curl(right, text.as_bytes(), &["--data-binary", &text, &url(&format!("?uploadId={upload}"))])
    };
    assert!(complete(&[&tags[1], &tags[0]]).contains("InvalidPart"), "tags are those of the parts");
    assert!(double.keys().is_empty());
    let made = complete(&[&tags[0], &tags[1]]);
    assert!(made.contains("CompleteMultipartUploadResult"), "{made}");
    let object = double.object("a.copy").expect("it is there");
    assert_eq!(object.len(), (5 << 20) + 8);
    let head = curl(right, b"", &["--head", &url("")]);
    assert!(head.contains(&format!("content-length: {}", object.len())), "{head}");
    let range = curl(right, b"", &["--range", "5242880-5242882", &url("")]);
    assert!(range.contains(" 206 ") && range.ends_with("the"), "{range}");
    let again = complete(&[&tags[0], &tags[1]]);
    assert!(again.contains("NoSuchUpload"), "{again}");

    curl(right, b"", &["--request", "POST", &url("?uploads=")]);
    let bucket = format!("{}/{}?uploads=", double.endpoint(), object_store::BUCKET);
    let open = curl(right, b"", &[&bucket]);
    let upload = between(&open, "<UploadId>", "</UploadId>").replace("&amp;", "%26");
    let aborted = curl(right, b"", &["--request", "DELETE", &url(&format!("?uploadId={upload}"))]);
    assert!(aborted.contains(" 204 "), "{aborted}");
    assert!(double.uploads().is_empty());
}

on_each_database!(a_copy_in_a_store_brings_everything_back);
on_each_database!(a_killed_upload_is_no_copy_and_is_cleared_away);

fn a_killed_upload_is_no_copy_and_is_cleared_away(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    // Its parts are tried again and again, until the process dies.
    double.fail_parts(u32::MAX);
    let store = double.copies(&folder.path().join("store-key")).expect("a file can be written");
    let config = format!("[backup]\ndaily = true\nat = \"00:00\"\n{store}");
    let options = Options { config: Some(config), ..database.options(folder.path()) };
    let mut isp = Founded::start(options).expect("it starts");
    wait_until("an upload to be under way", SOON, || double.uploads().len() == 1);
    isp.control_plane.process.kill().expect("it can be killed");
    assert!(double.keys().is_empty() && double.uploads().len() == 1, "half of it lies there");

    double.fail_parts(0);
    double.age_uploads(25 * 3_600);
    isp.control_plane.restart(None).expect("it starts again");
    wait_until("the day's copy to be made all the same", 2 * SOON, || {
        isp.owner.get("/home").is_ok_and(|home| home["backup_at"].is_string())
    });
    assert_eq!(double.keys().len(), 1);
    assert!(double.uploads().is_empty(), "what the killed one left is gone");
    let states = isp.owner.get("/backups").expect("they can be read");
    let states: Vec<_> = items(&states).map(|copy| copy["state"].clone()).collect();
    assert_eq!(states.first(), Some(&json!("good")), "{states:?}");
    assert!(states.contains(&json!("interrupted")), "{states:?}");
}

fn a_copy_in_a_store_brings_everything_back(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let key_file = folder.path().join("store-key");
    let store = double.copies(&key_file).expect("a file can be written");
    let config = format!("[backup]\ndaily = true\nat = \"00:00\"\nkeep = 2\n{store}");
    let options = Options { config: Some(config), ..database.options(folder.path()) };
    let mut isp = Founded::start(options).expect("it starts");
    let data = isp.control_plane.options.folder.join("data");

    wait_until("the day's copy to be made and rehearsed", SOON, || {
        isp.owner
            .get("/home")
            .is_ok_and(|home| home["backup_at"].is_string() && home["backup_overdue"] == false)
    });
    assert_eq!(double.keys().len(), 1, "one a day: {:?}", double.keys());
    assert!(figures(&isp.control_plane).contains("atalaya_backup_last_success_timestamp_seconds "));

    // More than a part, and nothing that could be compressed.
    let mut content = vec![0; 20 << 20];
    fill_random(&mut content);
    let tenant = isp.tenant_id.parse().expect("an id");
    let id = block_on(blobs::stored(&isp.control_plane.options, &tenant, &content));
    isp.owner.post("/customers", &json!({"name": "Quispe Mamani, Carmen"})).expect("a customer");
    let before = isp.owner.get("/customers").expect("they can be read");
    let said = isp.control_plane.command(&["backup"], "").expect("it can be copied");
    assert!(said.starts_with("s3://isp-files/copies/atalaya-") && said.contains("rehearsed"), "{said}");
    assert_eq!(double.keys().len(), 2);
    assert!(double.uploads().is_empty());
    let said = isp.control_plane.command(&["backup", "--to", "s3:"], "").expect("once more");
    let newest = said.split(": ").next().expect("it says where the copy is").to_owned();
    let keys = double.keys();
    assert_eq!(keys.len(), 2, "two are kept: {keys:?}");
    assert_eq!(keys.last().map(|key| format!("s3://isp-files/{key}")), Some(newest.clone()));
    let bytes = double.object(&keys[1]).expect("it is there");
    assert!(bytes.len() > PART, "it took more than a part");
    assert!(!bytes.windows(6).any(|window| window == b"Quispe"), "it is sealed");
    let local = fs::read_dir(data.join("backups")).expect("rehearsals are here");
    let local: Vec<_> = local.map(|entry| entry.expect("it can be read").file_name()).collect();
    assert_eq!(local, [".lock"], "nothing of it stays on this machine");

    let listed = isp.control_plane.command(&["backup", "--list"], "").expect("it lists");
    assert!(listed.lines().count() == 2 && listed.contains(&newest), "{listed}");
    for copy in ["s3:newest", newest.as_str(), keys[0].replace("copies/", "s3:").as_str()] {
        let checked = isp.control_plane.command(&["restore", "--check", copy], "").expect("it can be tried");
        assert!(checked.starts_with("good: "), "{copy}: {checked}");
    }
    for (wrong, why) in [
        ("s3://elsewhere/copies/atalaya-1.copy", "in another store"),
        ("s3:atalaya-1.copy", "there is no s3://isp-files/copies/atalaya-1.copy"),
        ("s3:copy", "expected the name of a copy"),
    ] {
        let refused = isp.control_plane.command(&["restore", "--check", wrong], "").expect_err("no such");
        assert!(format!("{refused:#}").contains(why), "{wrong}: {refused:#}");
    }

    // A key that was taken back: the day counts as not copied, and everybody who may sees so.
    let good_key = fs::read(&key_file).expect("the key is a file");
    let text =
        format!("aws_access_key_id = {}\naws_secret_access_key = Wrong/one-51c7\n", object_store::KEY_ID);
    fs::write(&key_file, text).expect("a file can be written");
    let refused = isp.control_plane.command(&["backup"], "").expect_err("the store refuses");
    assert!(format!("{refused:#}").contains("look at [backup.s3] key_file"), "{refused:#}");
    let states = isp.owner.get("/backups").expect("they can be read");
    let states: Vec<_> = items(&states).map(|copy| copy["state"].clone()).collect();
    assert_eq!(states, ["failed", "good", "good", "good"]);
    fs::write(&key_file, good_key).expect("a file can be written");
    assert_eq!(double.keys(), keys, "who made none removed none");

    // The machine burns. Another one has the configuration and the key, and an empty database of the other kind.
    isp.control_plane.process.kill().expect("it can be killed");
    let key = fs::read(data.join("installation-key")).expect("the key is a file");
    fs::remove_dir_all(&data).expect("the data can be removed");
    fs::create_dir_all(&data).expect("and a folder made anew");
    fs::write(data.join("installation-key"), key).expect("the key comes from the safe");
    let options = &mut isp.control_plane.options;
    if let Database::Sqlite = database {
        let urls = block_on(postgres_empty());
        (options.database, options.database_owner) = (Some(urls.serving), Some(urls.owner));
    } else {
        (options.database, options.database_owner) = (None, None);
    }
    let restored = isp.control_plane.command(&["restore", "--from", "s3:newest"], "").expect("it comes back");
    assert!(restored.contains("restored: ") && restored.contains("waits for a person"), "{restored}");
    isp.control_plane.restart(None).expect("it starts on the restored database");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in as ever");
    assert_eq!(isp.owner.get("/customers").expect("they can be read"), before);
    let blob = block_on(blobs::read(&isp.control_plane.options, &tenant, &id)).expect("it comes back");
    assert!(blob.content == content, "the file is what it was");
    let tenant = isp.owner.get("/tenant").expect("the tenant can be read");
    assert_eq!(tenant["automatic_cuts"], "off_until_preview", "a person looks first: {tenant}");
    let audit = isp.owner.get("/audit?limit=50").expect("the audit can be read");
    assert!(items(&audit).any(|row| row["action"] == "network.timeline_raise"), "{audit}");
}

fn items(page: &Value) -> impl Iterator<Item = &Value> {
    page["items"].as_array().into_iter().flatten()
}

/// What `/metrics` says.
fn figures(control_plane: &ControlPlane) -> String {
    let mut answer =
        ureq::get(format!("http://{}/metrics", control_plane.http())).call().expect("it answers");
    answer.body_mut().read_to_string().expect("text")
}
