//! Files and pictures of tenants: what is stored comes back or says why not, nobody else's opens, and what lost its row or its
//! bytes is found. On both databases.
#![allow(clippy::unwrap_used, clippy::panic)]

use atalaya_kernel::{
    Ctx, Error,
    blobs::{
        self, BlobError, Figures, FolderStore,
        sweep::{self, KEPT_MS, OWNER, Swept},
    },
    ids::{BlobId, TenantId},
    installation::{self, Environment},
    jobs::{self, Handler, Job, NewJob},
    on_both,
    runtime::Runtime,
    secrets::{
        Secrets, reseal,
        rotation::{self, Rotation},
    },
    testing::{START, World},
    write_tx,
};
use parking_lot::Mutex;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

fn tenants() -> Vec<TenantId> {
    ["ten_01jd3k5m7nf8v9q0r1s2t3w4x5", "ten_01jd3k5m7nf8v9q0r1s2t3w4x6"]
        .iter()
        .map(|id| id.parse().unwrap())
        .collect()
}

/// A world whose blobs lie in a folder that the test sees, with two tenants.
struct Stored {
    runtime: Arc<Runtime>,
    world: World,
    folder: tempfile::TempDir,
}

impl Stored {
    async fn new(world: World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(world.installation_key());
        let store = Arc::new(FolderStore::new(folder.path()));
        let runtime =
            Runtime::new(world.runtime.db().clone(), world.clock.clone(), Default::default(), secrets, store);
        installation::open(&runtime, Environment::Development, "here").await.unwrap();
        rotation::establish(&runtime, &[]).await.unwrap();
        let stored = Self { runtime, world, folder };
        for number in [0, 1] {
            let ctx = stored.ctx(number);
            write_tx!(ctx, tx => { stored.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
        }
        stored
    }

    fn ctx(&self, number: usize) -> Ctx {
        Ctx::system(self.runtime.tenant(tenants()[number].clone()), "test")
    }

    fn path(&self, number: usize, id: &BlobId) -> PathBuf {
        self.folder.path().join(tenants()[number].as_str()).join(id.as_str())
    }

    async fn put(&self, number: usize, content: &[u8]) -> BlobId {
        let ctx = self.ctx(number);
        let new = blobs::put(&ctx, "document", content.to_vec()).await.unwrap();
        write_tx!(ctx, tx => { blobs::record(&mut tx, &new, ctx.now()).await }).unwrap();
        written_at(&self.path(number, &new.id), 0);
        new.id
    }

    async fn remove(&self, number: usize, id: &BlobId) -> Result<(), Error> {
        let ctx = self.ctx(number);
        write_tx!(ctx, tx => { blobs::remove(&mut tx, id, ctx.now()).await })
    }

    /// Has a sweep done, as the daily job does; how it went.
    async fn sweep(&self, runtime: &Arc<Runtime>, day: &str) -> Result<Swept, String> {
        let platform = runtime.platform();
        write_tx!(platform, tx => {
            let job = NewJob { kind: "sweep", tenant: None, payload: serde_json::json!({}), dedupe_key: day.to_owned(), run_at: START };
            Ok(jobs::enqueue(&mut tx, job, runtime.clock.now()).await?)
        })
        .unwrap();
        let sweeping = Arc::new(Sweeping::default());
        let handlers: [Arc<dyn Handler>; 1] = [sweeping.clone()];
        assert!(jobs::run_due(runtime, &handlers).await.unwrap(), "there is a sweep to do");
        sweeping.0.lock().take().unwrap()
    }

    async fn figures(&self) -> Figures {
        let mut tx = self.runtime.platform().begin_read().await.unwrap();
        let figures = blobs::figures(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        figures
    }
}

/// Sweeps, and keeps what it was told.
#[derive(Default)]
struct Sweeping(Mutex<Option<Result<Swept, String>>>);

#[async_trait::async_trait]
impl Handler for Sweeping {
    fn kind(&self) -> &'static str {
        "sweep"
    }
    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let outcome = sweep::run(runtime, &tenants(), job).await;
        *self.0.lock() = Some(outcome.map_err(|error| error.to_string()));
        Ok(())
    }
}

/// Says of a file when it was written, ms after the start: the clock of the tests is not the disk's.
fn written_at(path: &Path, after_start_ms: i64) {
    let at = u64::try_from(START.as_millis() + after_start_ms).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(UNIX_EPOCH + Duration::from_millis(at))
        .unwrap();
}

/// Why it does not come back.
async fn refused(ctx: &Ctx, id: &BlobId) -> BlobError {
    match blobs::get(ctx, id).await {
        Err(Error::Internal(cause)) => *cause.downcast().unwrap(),
        other => panic!("{other:?}"),
    }
}

on_both!(what_is_stored_comes_back_sealed_for_its_tenant, |world: World| async move {
    let stored = Stored::new(world).await;
    let (ctx, other) = (stored.ctx(0), stored.ctx(1));
    let content = b"recibo de luz de la familia Quispe".to_vec();
    let id = stored.put(0, &content).await;
    let blob = blobs::get(&ctx, &id).await.unwrap();
    assert_eq!((blob.kind.as_str(), &blob.content), ("document", &content));
    assert_eq!(blob.sha256, "0b79a97d9c30b45b6ebdc3dd4ccd0f9e1f8029bf9b834fcedb6654ebf28c5a0e");
    let bytes = fs::read(stored.path(0, &id)).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"recibo"), "it lies open");
    assert!(
        matches!(blobs::get(&other, &id).await, Err(Error::NotFound)),
        "another tenant's id means nothing"
    );
    assert!(matches!(stored.remove(1, &id).await, Err(Error::NotFound)));

    // Bytes that were carried to another blob, of this tenant or another, are none of its own.
    let second = stored.put(0, b"another").await;
    fs::copy(stored.path(0, &id), stored.path(0, &second)).unwrap();
    assert!(matches!(refused(&ctx, &second).await, BlobError::Changed(of) if of == second));
    let theirs = stored.put(1, b"theirs").await;
    fs::copy(stored.path(0, &id), stored.path(1, &theirs)).unwrap();
    assert!(matches!(refused(&other, &theirs).await, BlobError::Changed(_)));
    assert_eq!(stored.figures().await, Figures { blobs: 3, bytes: 34 + 7 + 6, missing: 0 });
});

on_both!(equal_and_empty_contents_are_blobs_of_their_own, |world: World| async move {
    let stored = Stored::new(world).await;
    let ctx = stored.ctx(0);
    let (one, other, empty) =
        (stored.put(0, b"igual").await, stored.put(0, b"igual").await, stored.put(0, b"").await);
    assert_ne!(one, other);
    let bytes = |id: &BlobId| fs::read(stored.path(0, id)).unwrap();
    assert_ne!(bytes(&one), bytes(&other), "nobody sees from outside that they are equal");
    stored.remove(0, &one).await.unwrap();
    stored.world.clock.advance_millis(KEPT_MS + 1);
    stored.sweep(&stored.runtime, "one").await.unwrap();
    assert!(!stored.path(0, &one).exists());
    assert_eq!(blobs::get(&ctx, &other).await.unwrap().content, b"igual");
    assert_eq!(blobs::get(&ctx, &empty).await.unwrap().content, b"");
    assert_eq!(stored.figures().await, Figures { blobs: 2, bytes: 5, missing: 0 });
});

on_both!(large_contents_wait_for_room_and_come_back, |world: World| async move {
    let stored = Stored::new(world).await;
    // More at once than there is room for: nobody is refused, and nobody waits for ever. Sealing so much without optimisation
    // takes minutes, so the short tier stores a sixteenth, for which there is room.
    let soak = std::env::var("ATALAYA_TIER").is_ok_and(|tier| tier == "soak");
    let bytes = if soak { blobs::MAX_BYTES } else { blobs::MAX_BYTES / 16 };
    let puts = (0..6).map(|number| {
        let ctx = stored.ctx(number % 2);
        async move { blobs::put(&ctx, "document", vec![u8::try_from(number).unwrap(); bytes]).await.unwrap() }
    });
    let put = futures::future::join_all(puts).await;
    let ctx = stored.ctx(0);
    write_tx!(ctx, tx => { blobs::record(&mut tx, &put[4], ctx.now()).await }).unwrap();
    let blob = blobs::get(&ctx, &put[4].id).await.unwrap();
    assert_eq!((blob.content.len(), blob.content[0]), (bytes, 4));
});

on_both!(what_was_changed_or_is_missing_says_so, |world: World| async move {
    let stored = Stored::new(world).await;
    let ctx = stored.ctx(0);
    let id = stored.put(0, b"contrato firmado").await;
    let path = stored.path(0, &id);
    let whole = fs::read(&path).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&path, changed).unwrap();
    assert!(matches!(refused(&ctx, &id).await, BlobError::Changed(_)));
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    assert!(matches!(refused(&ctx, &id).await, BlobError::Changed(_)));
    fs::write(&path, b"<svg/>").unwrap();
    assert!(matches!(refused(&ctx, &id).await, BlobError::Changed(_)), "plain bytes are not ours");
    let mut newer = whole.clone();
    newer[13] = b'7';
    fs::write(&path, newer).unwrap();
    assert!(matches!(refused(&ctx, &id).await, BlobError::NewerFormat(_)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(refused(&ctx, &id).await, BlobError::Missing(_)));
    fs::write(&path, &whole).unwrap();
    assert_eq!(blobs::get(&ctx, &id).await.unwrap().content, b"contrato firmado");

    // A row that says another content than the bytes hold, which only somebody with the key could make.
    stored.world.tamper("UPDATE kernel_blob SET content_sha256 = 'ab'").await;
    assert!(matches!(refused(&ctx, &id).await, BlobError::Changed(_)));

    let too_large = blobs::put(&ctx, "document", vec![0; blobs::MAX_BYTES + 1]).await;
    assert!(matches!(too_large, Err(Error::Invalid(_))));
    fs::remove_dir_all(stored.folder.path()).unwrap();
    fs::write(stored.folder.path(), "no folder").unwrap();
    assert!(matches!(blobs::put(&ctx, "document", vec![1]).await, Err(Error::Unavailable(_))));
    fs::remove_file(stored.folder.path()).unwrap();
    fs::create_dir(stored.folder.path()).unwrap();
});

on_both!(a_sweep_removes_what_no_row_names_and_notes_what_has_no_bytes, |world: World| async move {
    let stored = Stored::new(world).await;
    let ctx = stored.ctx(0);
    let kept = stored.put(0, b"kept").await;
    let lost = stored.put(1, b"lost").await;
    // Its transaction never committed.
    let orphan = blobs::put(&ctx, "document", b"orphan".to_vec()).await.unwrap().id;
    written_at(&stored.path(0, &orphan), 0);
    let young = blobs::put(&ctx, "document", b"young".to_vec()).await.unwrap().id;
    written_at(&stored.path(0, &young), KEPT_MS / 2);
    let removed = stored.put(1, b"removed").await;
    stored.remove(1, &removed).await.unwrap();
    assert!(matches!(stored.remove(1, &removed).await, Err(Error::NotFound)), "once");
    assert!(matches!(blobs::get(&stored.ctx(1), &removed).await, Err(Error::NotFound)), "gone at once");
    fs::remove_file(stored.path(1, &lost)).unwrap();
    let unfinished = stored.path(0, &kept).with_extension("partial");
    let foreign = stored.folder.path().join("README");
    for path in [&unfinished, &foreign] {
        fs::write(path, b"left").unwrap();
        written_at(path, 0);
    }

    // Within the day only what is missing is found.
    let swept = stored.sweep(&stored.runtime, "one").await.unwrap();
    assert_eq!(swept, Swept { forgotten: 0, orphans: 0, missing: 1 });
    assert_eq!(stored.figures().await, Figures { blobs: 2, bytes: 8, missing: 1 });
    for there in [&stored.path(0, &orphan), &stored.path(1, &removed), &unfinished, &foreign] {
        assert!(there.exists(), "{}", there.display());
    }

    stored.world.clock.advance_millis(KEPT_MS + 1);
    let swept = stored.sweep(&stored.runtime, "two").await.unwrap();
    assert_eq!(swept, Swept { forgotten: 1, orphans: 3, missing: 1 });
    for gone in [&stored.path(0, &orphan), &stored.path(1, &removed), &unfinished] {
        assert!(!gone.exists(), "{}", gone.display());
    }
    for there in [&stored.path(0, &kept), &stored.path(0, &young), &foreign] {
        assert!(there.exists(), "{}", there.display());
    }
    assert_eq!(blobs::get(&ctx, &kept).await.unwrap().content, b"kept");

    // The bytes come back from a copy.
    fs::copy(stored.path(0, &kept), stored.path(1, &lost)).unwrap();
    let swept = stored.sweep(&stored.runtime, "three").await.unwrap();
    assert_eq!(swept, Swept { forgotten: 0, orphans: 0, missing: 0 });
    assert_eq!(stored.figures().await.missing, 0);
});

on_both!(a_large_store_is_swept_in_steps, |world: World| async move {
    let stored = Stored::new(world).await;
    let mut ids = Vec::new();
    for number in 0..450 {
        ids.push(stored.put(number % 2, b"x").await);
    }
    let mut orphans = Vec::new();
    for _ in 0..230 {
        let orphan = blobs::put(&stored.ctx(0), "document", b"y".to_vec()).await.unwrap().id;
        written_at(&stored.path(0, &orphan), 0);
        orphans.push(orphan);
    }
    for id in ids.iter().step_by(9) {
        let number = usize::from(!stored.path(0, id).exists());
        fs::remove_file(stored.path(number, id)).unwrap();
    }
    stored.world.clock.advance_millis(KEPT_MS + 1);
    let swept = stored.sweep(&stored.runtime, "one").await.unwrap();
    assert_eq!(swept, Swept { forgotten: 0, orphans: 230, missing: 50 });
    assert!(orphans.iter().all(|id| !stored.path(0, id).exists()));
    let there = stored.runtime.blobs.list("ten_", "", 1_000).await.unwrap().len();
    assert_eq!(there, 400, "what a row names and is there stays");
});

on_both!(a_store_is_swept_by_one_installation_only, |world: World| async move {
    let stored = Stored::new(world).await;
    let orphan = blobs::put(&stored.ctx(0), "document", b"orphan".to_vec()).await.unwrap().id;
    written_at(&stored.path(0, &orphan), 0);
    stored.sweep(&stored.runtime, "one").await.unwrap();
    stored.world.clock.advance_millis(KEPT_MS + 1);

    // A copy of the database that was armed on another machine, and is told of the same store.
    installation::arm(&stored.runtime, Environment::Staging, "elsewhere").await.unwrap();
    let refused = stored.sweep(&stored.runtime, "two").await.unwrap_err();
    assert!(refused.contains("another installation") && refused.contains(OWNER), "{refused}");
    assert!(stored.path(0, &orphan).exists(), "nothing was removed");

    // The first one is gone, and a person says so.
    fs::remove_file(stored.folder.path().join(OWNER)).unwrap();
    assert_eq!(stored.sweep(&stored.runtime, "three").await.unwrap().orphans, 1);
});

on_both!(a_new_key_of_the_tenant_seals_the_rows_and_not_the_bytes, |world: World| async move {
    let stored = Stored::new(world).await;
    let ctx = stored.ctx(0);
    let id = stored.put(0, b"contrato").await;
    let before = fs::read(stored.path(0, &id)).unwrap();
    assert_eq!(rotation::rotate_tenant(&ctx).await.unwrap(), Rotation::Begun(2));
    while jobs::run_due(&stored.runtime, &[Arc::new(Resealing)]).await.unwrap() {}
    let standing = reseal::tenant_standing(&ctx, reseal::COLUMNS).await.unwrap();
    let rows = standing.iter().find(|standing| standing.column.0 == "kernel_blob").unwrap();
    assert_eq!((rows.values, rows.behind), (1, 0));
    assert_eq!(fs::read(stored.path(0, &id)).unwrap(), before);
    assert_eq!(blobs::get(&ctx, &id).await.unwrap().content, b"contrato");
});

/// Does the job that brings values over.
struct Resealing;

#[async_trait::async_trait]
impl Handler for Resealing {
    fn kind(&self) -> &'static str {
        rotation::RESEAL
    }
    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        reseal::run(runtime, reseal::COLUMNS, &tenants(), job).await
    }
}
