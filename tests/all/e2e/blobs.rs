//! Files of tenants in a folder and in an object store: sealed there, copied with everything else, back after a restore.

use super::{Database, block_on, on_each_database};
use atalaya_kernel::{
    Ctx, Error,
    blobs::{self, Blob, BlobStore},
    db::Db,
    events::Subscriptions,
    ids::{BlobId, TenantId},
    runtime::Runtime,
    secrets::{InstallationKey, Secrets, rotation},
    testing::postgres_empty,
    time::SystemClock,
    write_tx,
};
use atalaya_server::{
    adapters::{S3Settings, S3Store},
    config::Config,
};
use atalaya_tests::{
    harness::{ControlPlane, ObjectStore, Options, object_store, run_command},
    isp::Founded,
};
use sha2::{Digest, Sha256};
use std::{fs, path::Path, process::Command, sync::Arc};

const CONTENT: &[u8] = b"contrato de la familia Quispe, firmado en Cerro Alto";

fn settings(store: &ObjectStore, folder: &Path) -> S3Settings {
    let key_file = folder.join("object-store-key");
    let text = store.settings(&key_file).expect("a file can be written");
    let path = folder.join("only-blobs.toml");
    fs::write(&path, text).expect("a file can be written");
    let config = Config::read(Some(&path)).expect("the settings are right");
    config.blobs.s3.expect("it names a store")
}

fn s3(settings: S3Settings) -> S3Store {
    S3Store::new(settings, Arc::new(SystemClock)).expect("the settings are right")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_keeps_what_it_is_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let store = s3(settings(&double, folder.path()));
    assert_eq!(store.get("ten_1/blb_1").await.expect("it answers"), None);
    let large = vec![7; 3 << 20];
    store.put("ten_1/blb_1", large.clone()).await.expect("it takes it");
    assert_eq!(double.keys(), ["atalaya/ten_1/blb_1"]);
    assert_eq!(store.get("ten_1/blb_1").await.expect("it answers").as_ref(), Some(&large));
    store.put("ten_1/blb_1", b"small".to_vec()).await.expect("it replaces it");
    assert_eq!(store.get("ten_1/blb_1").await.expect("it answers").as_deref(), Some(&b"small"[..]));
    store.delete("ten_1/blb_1").await.expect("it removes it");
    store.delete("ten_1/blb_1").await.expect("nothing there is fine");
    for wrong in ["../x", "a//b", ""] {
        store.put(wrong, Vec::new()).await.expect_err("no key");
    }

    // What others keep in the bucket is not seen.
    double.plant("atalaya-else/x", b"theirs");
    double.list_at_most(2);
    let keys: Vec<_> = (1..=7).map(|number| format!("ten_{}/blb_{number}", number % 2)).collect();
    for key in &keys {
        store.put(key, b"x".to_vec()).await.expect("it takes it");
    }
    let mut sorted = keys.clone();
    sorted.sort();
    let listed = async |prefix: &str, after: &str, limit| {
        let listed = store.list(prefix, after, limit).await.expect("it lists");
        listed.into_iter().map(|listed| listed.key).collect::<Vec<_>>()
    };
    assert_eq!(listed("", "", 99).await, sorted);
    assert_eq!(listed("", "", 3).await, sorted[..3]);
    assert_eq!(listed("", &sorted[2], 99).await, sorted[3..]);
    assert_eq!(listed("ten_1/", "", 99).await, sorted[3..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_is_asked_again_and_one_that_refuses_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let right = settings(&double, folder.path());
    let store = s3(right.clone());
    double.be_busy(2);
    store.put("ten_1/blb_1", b"x".to_vec()).await.expect("the third time");
    assert_eq!(double.calls().len(), 3);
    double.be_busy(99);
    let error = store.get("ten_1/blb_1").await.expect_err("it stays busy").to_string();
    assert!(error.contains("503 SlowDown"), "{error}");
    double.be_busy(0);
    assert_eq!(double.calls().len(), 8, "five times and no more");

    let impatient = s3(S3Settings { timeout_s: 1, ..right.clone() });
    double.be_silent(1);
    impatient.put("ten_1/blb_2", b"y".to_vec()).await.expect("the second time");
    assert_eq!(double.object("atalaya/ten_1/blb_2").as_deref(), Some(&b"y"[..]));

    // A line that breaks while bytes are sent: it is sent again, and half of it is never there.
    double.cut_off(2);
    let large = vec![9; 3 << 20];
    store.put("ten_1/blb_3", large.clone()).await.expect("the third time");
    assert_eq!(double.object("atalaya/ten_1/blb_3"), Some(large.clone()));
    double.cut_off(99);
    store.put("ten_1/blb_4", large).await.expect_err("it breaks each time");
    double.cut_off(0);
    assert_eq!(double.object("atalaya/ten_1/blb_4"), None);
    store.put("ten_1/blb_5", Vec::new()).await.expect("nothing is something too");
    assert_eq!(store.get("ten_1/blb_5").await.expect("it answers"), Some(Vec::new()));

    let before = double.calls().len();
    let wrong_key = folder.path().join("wrong");
    let text =
        format!("aws_access_key_id = {}\naws_secret_access_key = Wrong/one-51c7\n", object_store::KEY_ID);
    fs::write(&wrong_key, text).expect("a file can be written");
    for (settings, named) in [
        (S3Settings { key_file: wrong_key, ..right.clone() }, "SignatureDoesNotMatch"),
        (S3Settings { bucket: "not-there".to_owned(), ..right.clone() }, "NoSuchBucket"),
        (S3Settings { region: "us-east-1".to_owned(), ..right.clone() }, "AuthorizationHeaderMalformed"),
    ] {
        let error = s3(settings).get("ten_1/blb_1").await.expect_err("it refuses").to_string();
        assert!(
            error.contains(named) && !error.contains("Wrong/one") && error.contains("[blobs.s3]"),
            "{error}"
        );
    }
    assert_eq!(double.calls().len(), before + 3, "each was asked once");
}

/// The double is what S3 is to a client that others wrote.
#[test]
fn the_double_lets_another_client_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    let file = folder.path().join("file");
    fs::write(&file, CONTENT).expect("a file can be written");
    let url = |rest: &str| format!("{}/{}{rest}", double.endpoint(), object_store::BUCKET);
    let curl = |secret: &str, content: &[u8], words: &[&str]| {
        let region = format!("aws:amz:{}:s3", object_store::REGION);
        let user = format!("{}:{secret}", object_store::KEY_ID);
        // It signs what this header says of the bytes; not all versions of it say it by themselves.
        let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = format!("x-amz-content-sha256: {digest}");
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--write-out", "%{http_code}", "--aws-sigv4", &region]);
        command.args(["--user", &user, "--header", &digest]).args(words);
        let output = command.output().expect("curl is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let path = file.to_str().expect("text");
    let put = |key: &str| curl(object_store::SECRET, CONTENT, &["--upload-file", path, &url(key)]);
    assert_eq!(put("/ten_1/blb%201"), "200");
    assert_eq!(double.object("ten_1/blb 1").as_deref(), Some(CONTENT));
    let got = curl(object_store::SECRET, b"", &[&url("/ten_1/blb%201")]);
    assert_eq!(got, format!("{}200", String::from_utf8_lossy(CONTENT)));
    assert_eq!(put("/ten_1/blb_2"), "200");
    assert_eq!(curl(object_store::SECRET, b"", &["--request", "DELETE", &url("/ten_1/blb_2")]), "204");
    assert_eq!(double.keys(), ["ten_1/blb 1"]);
    let listed = curl(object_store::SECRET, b"", &[&url("?list-type=2&prefix=ten_1%2F")]);
    assert!(listed.contains("<Key>ten_1/blb 1</Key>") && listed.ends_with("200"), "{listed}");
    let refused = curl("Wrong/one-51c7", b"", &[&url("/ten_1/blb%201")]);
    assert!(refused.contains("SignatureDoesNotMatch") && refused.ends_with("403"), "{refused}");
}

on_each_database!(files_in_a_folder_come_back_from_a_copy);
on_each_database!(files_in_an_object_store_come_back_from_a_copy);

fn files_in_a_folder_come_back_from_a_copy(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    come_back(database, folder.path(), None);
}

fn files_in_an_object_store_come_back_from_a_copy(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let double = ObjectStore::start().expect("it starts");
    come_back(database, folder.path(), Some(&double));
}

fn come_back(database: Database, folder: &Path, store: Option<&ObjectStore>) {
    let config = match store {
        Some(store) => store.settings(&folder.join("object-store-key")).expect("a file can be written"),
        None => format!("[blobs]\nfolder = \"{}\"\n", folder.join("files").display()),
    };
    let options = Options { config: Some(config), ..database.options(folder) };
    let mut isp = Founded::start(options).expect("it starts");
    let tenant: TenantId = isp.tenant_id.parse().expect("an id");
    let id = block_on(stored(&isp.control_plane.options, &tenant, CONTENT));
    let lies = match store {
        Some(store) => store.object(&format!("atalaya/{tenant}/{id}")),
        None => fs::read(folder.join("files").join(tenant.as_str()).join(id.as_str())).ok(),
    };
    let lies = lies.expect("its bytes are where the configuration says");
    assert!(!lies.windows(6).any(|window| window == b"Quispe"), "they are sealed");
    assert!(
        metric(&isp.control_plane, "atalaya_blobs_missing 0")
            && metric(&isp.control_plane, "atalaya_blobs 1")
    );
    let said = isp.control_plane.command(&["backup"], "").expect("it can be copied");
    assert!(said.contains(" 1 files"), "{said}");

    // The machine burns, and a store that somebody else runs with it; a folder on another disk does not, and has what was stored
    // after the copy.
    let newer = block_on(stored(&isp.control_plane.options, &tenant, CONTENT));
    isp.control_plane.process.kill().expect("it can be killed");
    let data = isp.control_plane.options.folder.join("data");
    let copy = said.split(": ").next().expect("it says where the copy is").to_owned();
    let kept = folder.join("kept.copy");
    fs::copy(copy, &kept).expect("the copy lies elsewhere too");
    let key = fs::read(data.join("installation-key")).expect("the key is a file");
    fs::remove_dir_all(&data).expect("the data can be removed");
    fs::create_dir_all(&data).expect("and a folder made anew");
    fs::write(data.join("installation-key"), key).expect("the key comes from the safe");
    if let Some(store) = store {
        store.burn();
    }
    let options = &mut isp.control_plane.options;
    if options.database.is_some() {
        let urls = block_on(postgres_empty());
        (options.database, options.database_owner) = (Some(urls.serving), Some(urls.owner));
    }
    let restored =
        run_command(options, &["restore", kept.to_str().expect("text")], "").expect("it comes back");
    assert!(restored.contains("1 files"), "{restored}");
    assert_eq!(block_on(read(options, &tenant, &id)).expect("it comes back").content, CONTENT);
    let unnamed = block_on(read(options, &tenant, &newer));
    assert!(matches!(unnamed, Err(Error::NotFound)), "the copy knows nothing of it: {unnamed:?}");
    if store.is_none() {
        let lies = folder.join("files").join(tenant.as_str()).join(newer.as_str());
        assert!(lies.exists(), "a sweep removes it, and not the restore: somebody may look for it first");
    }
    isp.control_plane.restart(None).expect("it starts on what was restored");
    assert!(metric(&isp.control_plane, "atalaya_blobs 1"));
}

/// The installation's parts, as its own program puts them together.
async fn runtime(options: &Options) -> Arc<Runtime> {
    let mut config =
        Config::read(Some(&options.folder.join("atalaya.toml"))).expect("the configuration is right");
    config.data_dir = options.folder.join("data");
    config.database.clone_from(&options.database);
    let key = fs::read_to_string(config.data_dir.join("installation-key")).expect("the key is a file");
    let secrets = Secrets::new(InstallationKey::from_hex(&key).expect("a key"));
    let db = Db::open(&config.database_url()).await.expect("the database opens");
    let blobs = config.blob_store(Arc::new(SystemClock)).expect("the settings are right");
    let runtime = Runtime::new(db, Arc::new(SystemClock), Subscriptions::default(), secrets, blobs);
    rotation::learn(&runtime).await.expect("the platform's keys open");
    runtime
}

/// Stores a file of a tenant, beside the running program.
pub(super) async fn stored(options: &Options, tenant: &TenantId, content: &[u8]) -> BlobId {
    let runtime = runtime(options).await;
    let ctx = Ctx::system(runtime.tenant(tenant.clone()), "test");
    let new = blobs::put(&ctx, "document", content.to_vec()).await.expect("it is stored");
    write_tx!(ctx, tx => { blobs::record(&mut tx, &new, ctx.now()).await }).expect("it is named");
    runtime.db().close().await;
    new.id
}

/// Reads one.
pub(super) async fn read(options: &Options, tenant: &TenantId, id: &BlobId) -> Result<Blob, Error> {
    let runtime = runtime(options).await;
    let ctx = Ctx::system(runtime.tenant(tenant.clone()), "test");
    let blob = blobs::get(&ctx, id).await;
    runtime.db().close().await;
    blob
}

/// Whether `/metrics` has a line.
fn metric(control_plane: &ControlPlane, line: &str) -> bool {
    let mut answer =
        ureq::get(format!("http://{}/metrics", control_plane.http())).call().expect("it answers");
    let text = answer.body_mut().read_to_string().expect("text");
    text.lines().any(|found| found == line)
}
