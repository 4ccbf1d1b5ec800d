//! Copies of everything: what comes back is what was there, on either database, or nothing at all.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx,
    archive::{self, ArchiveError, FileCopy, Imported, Unfinished},
    blobs::{BlobStore, FolderStore},
    db::{Db, Dialect, Handle, Value, sql},
    events::Subscriptions,
    ids::TenantId,
    testing::{START, World, postgres_urls},
    write_tx,
};
use std::{fs, io, path::Path};

/// Id, parent, latitude, longitude.
type SiteRow = (String, Option<String>, Option<f64>, Option<f64>);

const DIALECTS: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

async fn empty(dialect: Dialect) -> World {
    World::new(dialect, Subscriptions::default()).await
}

fn tenant(number: i64) -> TenantId {
    TenantId::new(START.plus_millis(number))
}

/// Two ISPs with sites whose parent is younger than they are, a sealed key, and a job of nobody's.
async fn furnished(dialect: Dialect) -> (World, Vec<TenantId>) {
    let world = empty(dialect).await;
    let tenants = vec![tenant(1), tenant(2)];
    for (number, tenant) in tenants.iter().enumerate() {
        let db = Ctx::system(world.runtime.tenant(tenant.clone()), "test");
        write_tx!(db, tx => {
            sql("INSERT INTO people_tenant (id, slug, name, country, currency, time_zone, locale, brand_color, grace_days, \
                 debt_tolerance, automatic_cuts, cut_brake_floor, cut_brake_basis_points, offline_cuts, version, created_at, \
                 updated_at) VALUES ($1, $2, 'Señal «Ñandú» 📡', 'PE', 'PEN', 'America/Lima', 'es', NULL, 5, 100, 'on', 20, 500, \
                 'hold', 1, 1, 1)")
                .bind(tenant)
                .bind(format!("isp-{number}"))
                .execute(&mut tx)
                .await?;
            world.runtime.secrets.tenant_key_create(&mut tx, START).await
        })
        .unwrap();
        write_tx!(db, tx => {
            // First without a parent, then below one that sorts after them.
            for site in ["sit_a", "sit_b"] {
                insert_site(&mut tx, tenant, site).await?;
            }
            insert_site(&mut tx, tenant, "sit_z").await?;
            sql("UPDATE places_site SET parent_id = 'sit_z' WHERE tenant_id = $1 AND id <> 'sit_z'")
                .bind(tenant)
                .execute(&mut tx)
                .await?;
            Ok(())
        })
        .unwrap();
        world.runtime.blobs.put(&format!("{tenant}/logo/light.svg"), b"<svg/>".to_vec()).await.unwrap();
    }
    let platform = world.platform();
    write_tx!(platform, tx => {
        let job = atalaya_kernel::jobs::NewJob {
            kind: "test",
            tenant: None,
            payload: serde_json::json!({"text": "\u{0}'\"\n"}),
            dedupe_key: "once".to_owned(),
            run_at: START,
        };
        Ok(atalaya_kernel::jobs::enqueue(&mut tx, job, START).await?)
    })
    .unwrap();
    (world, tenants)
}

async fn insert_site(
    tx: &mut impl Handle,
    tenant: &TenantId,
    site: &str,
) -> Result<(), atalaya_kernel::Error> {
    sql("INSERT INTO places_site (tenant_id, id, name, name_key, parent_id, latitude, longitude, version, created_at, updated_at) \
         VALUES ($1, $2, $2, $2, NULL, $3, $4, 1, 1, 1)")
        .bind(tenant)
        .bind(site)
        .bind(-12.046_373_1)
        .bind(Value::Real(None))
        .execute(tx)
        .await?;
    Ok(())
}

/// A world's database as the role that owns it.
async fn owner(world: &World) -> Db {
    match world.runtime.db().dialect() {
        Dialect::Sqlite => world.runtime.db().clone(),
        Dialect::Postgres => Db::open(&postgres_urls(&world.url).await.owner).await.unwrap(),
    }
}

/// A new copy as a file.
fn file(path: &Path) -> impl FnOnce() -> io::Result<Box<dyn Unfinished>> + Send + use<> {
    let path = path.to_owned();
    move || FileCopy::begin(&path)
}

/// Puts a copy into an empty world with the key of the world it was made in.
async fn load(from: &World, into: &World, path: &Path, blobs: &Path) -> Result<Imported, ArchiveError> {
    let blobs = FolderStore::new(blobs);
    let path = path.to_owned();
    let open = move || FileCopy::open(&path);
    archive::load(&from.runtime, &owner(into).await, None, &blobs, open).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_comes_back_on_either_database() {
    for from in DIALECTS {
        let (world, tenants) = furnished(from).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.atalaya");
        let saved = archive::save(&world.runtime, &tenants, file(&path)).await.unwrap();
        assert_eq!(saved.bytes, fs::metadata(&path).unwrap().len());
        assert_eq!((saved.totals.blobs, saved.totals.blob_bytes), (2, 12));
        assert_eq!(saved.totals.tables["places_site"].rows, 6);
        let raw = fs::read(&path).unwrap();
        assert!(
            !raw.windows(5).any(|window| window == b"isp-0" || window == b"sit_z"),
            "names lie open in the file"
        );
        for to in DIALECTS {
            let target = empty(to).await;
            let blobs = folder.path().join(format!("{to:?}"));
            let imported = load(&world, &target, &path, &blobs).await.unwrap();
            assert_eq!(imported.totals, saved.totals, "{from:?} to {to:?}");
            let mut tx =
                Ctx::system(target.runtime.tenant(tenants[1].clone()), "test").begin_read().await.unwrap();
            let rows: Vec<SiteRow> = sql(
                "SELECT id, parent_id, latitude, longitude FROM places_site WHERE tenant_id = $1 ORDER BY id",
            )
            .bind(&tenants[1])
            .fetch_all(&mut tx)
            .await
            .unwrap();
            let z = || Some("sit_z".to_owned());
            assert_eq!(
                rows,
                [
                    ("sit_a".to_owned(), z(), Some(-12.046_373_1), None),
                    ("sit_b".to_owned(), z(), Some(-12.046_373_1), None),
                    ("sit_z".to_owned(), None, Some(-12.046_373_1), None)
                ]
            );
            assert_eq!(FolderStore::new(&blobs).list("", "", 99).await.unwrap().len(), 2);
            // The foreign keys hold again.
            let nobody = Ctx::system(target.runtime.tenant(tenant(9)), "test");
            let orphan: Result<(), atalaya_kernel::Error> = write_tx!(nobody, tx => {
                sql("INSERT INTO people_user (tenant_id, id, email, name, role, password_hash, disabled, version, created_at, updated_at) \
                     VALUES ($1, 'usr_1', 'a', 'a', 'owner', 'x', false, 1, 1, 1)")
                    .bind(nobody.tenant())
                    .execute(&mut tx)
                    .await?;
                Ok(())
            });
            assert!(orphan.is_err());
            // A second copy into the same place is refused, and so is no copy at all.
            let again = load(&world, &target, &path, &blobs).await;
            assert!(matches!(again, Err(ArchiveError::NotEmpty(_))), "{again:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_moves_to_the_other_kind() {
    for from in DIALECTS {
        let (world, tenants) = furnished(from).await;
        for to in DIALECTS {
            let target = empty(to).await;
            let moved = archive::transfer(world.runtime.db(), &tenants, &owner(&target).await, None, START)
                .await
                .unwrap();
            assert_eq!(moved.totals.tables["people_tenant"].rows, 2);
            assert_eq!(moved.totals.tables["kernel_job"].rows, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_touched_fills_nothing() {
    let (world, tenants) = furnished(Dialect::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.atalaya");
    archive::save(&world.runtime, &tenants, file(&path)).await.unwrap();
    let whole = fs::read(&path).unwrap();
    let other = empty(Dialect::Sqlite).await;
    let blobs = folder.path().join("blobs");

    let refused = load(&other, &other, &path, &blobs).await;
    assert!(
        matches!(&refused, Err(ArchiveError::Unreadable(why)) if why.contains("another installation key"))
    );

    let mut spoiled: Vec<(String, Vec<u8>)> = Vec::new();
    for at in [0, 17, 40, 100, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        spoiled.push((format!("byte {at} changed"), bytes));
    }
    for length in [0, 10, 16, 60, whole.len() / 2, whole.len() - 1] {
        spoiled.push((format!("cut at {length}"), whole[..length].to_vec()));
    }
    for (what, bytes) in spoiled {
        let path = folder.path().join("spoiled");
        fs::write(&path, bytes).unwrap();
        let target = empty(Dialect::Sqlite).await;
        let outcome = load(&world, &target, &path, &blobs).await;
        assert!(
            matches!(outcome, Err(ArchiveError::Unreadable(_) | ArchiveError::CutOff)),
            "{what}: {outcome:?}"
        );
        let mut tx = target.platform().begin_read().await.unwrap();
        let tenants: Vec<(String,)> = sql("SELECT id FROM people_tenant").fetch_all(&mut tx).await.unwrap();
        assert!(tenants.is_empty(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_cannot_be_written_leaves_nothing() {
    let (world, tenants) = furnished(Dialect::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    // The name is taken by a folder: the last step fails.
    let path = folder.path().join("taken.atalaya");
    fs::create_dir_all(path.join("something")).unwrap();
    assert!(archive::save(&world.runtime, &tenants, file(&path)).await.is_err());
    let missing = folder.path().join("no/such/folder/one.atalaya");
    assert!(archive::save(&world.runtime, &tenants, file(&missing)).await.is_err());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["taken.atalaya"]);
}
