//! Keys are replaced while everything runs: nothing is lost, nothing lies under a key that was destroyed, and whoever has
//! the former key outside the database opens nothing afterwards. On both databases.
#![allow(clippy::unwrap_used, clippy::panic)]

use atalaya_kernel::{
    Ctx, Error,
    audit::{self, AuditFilter},
    db::sql,
    ids::TenantId,
    jobs::{self, Handler, Job},
    on_both,
    runtime::Runtime,
    secrets::{
        InstallationKey, KeyProvider, reseal,
        rotation::{self, Rotation},
    },
    testing::{START, World},
    write_tx,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// More than two chunks.
const VALUES: usize = 120;

/// The one tenant.
fn tenant() -> TenantId {
    "ten_01jd3k5m7nf8v9q0r1s2t3w4x5".parse().unwrap()
}

fn ctx_of(runtime: &Arc<Runtime>) -> Ctx {
    Ctx::system(runtime.tenant(tenant()), "test")
}

fn context(number: usize) -> String {
    format!("kernel_idempotency/rosa/key-{number:04}")
}

async fn put(ctx: &Ctx, numbers: std::ops::Range<usize>) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        let runtime = tx.runtime().clone();
        let tenant = tx.tenant().clone();
        for number in numbers.clone() {
            let sealed = runtime.secrets.seal(&mut tx, &context(number), format!("answer {number}").as_bytes()).await?;
            sql("INSERT INTO kernel_idempotency (tenant_id, asked_by, request_key, fingerprint, holder, created_at, body) \
                 VALUES ($1, 'rosa', $2, 'f', 'h', 1, $3)")
                .bind(&tenant)
                .bind(format!("key-{number:04}"))
                .bind(sealed)
                .execute(&mut tx)
                .await?;
        }
        Ok(())
    })
}

/// Every value, with the number in front that it lies under.
async fn opened(ctx: &Ctx) -> Vec<(u32, String)> {
    let mut tx = ctx.begin_read().await.unwrap();
    let tenant = tx.tenant().clone();
    let rows: Vec<(String, Vec<u8>)> =
        sql("SELECT request_key, body FROM kernel_idempotency WHERE tenant_id = $1 ORDER BY request_key")
            .bind(tenant)
            .fetch_all(&mut tx)
            .await
            .unwrap();
    let mut values = Vec::new();
    for (key, sealed) in rows {
        let context = format!("kernel_idempotency/rosa/{key}");
        let plain = ctx.db().runtime().secrets.open(&mut tx, &context, &sealed).await.unwrap();
        let number = if sealed[0] == 1 { 1 } else { u32::from_be_bytes(sealed[1..5].try_into().unwrap()) };
        values.push((number, String::from_utf8(plain.expose().to_vec()).unwrap()));
    }
    values
}

/// Does the job that brings values over.
struct Resealing;

#[async_trait::async_trait]
impl Handler for Resealing {
    fn kind(&self) -> &'static str {
        rotation::RESEAL
    }
    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        reseal::run(runtime, reseal::COLUMNS, &[tenant()], job).await
    }
}

async fn work(runtime: &Arc<Runtime>) {
    while jobs::run_due(runtime, &[Arc::new(Resealing)]).await.unwrap() {}
}

async fn founded(world: &World) -> Ctx {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let ctx = ctx_of(&world.runtime);
    write_tx!(ctx, tx => { world.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
    put(&ctx, 0..VALUES).await.unwrap();
    ctx
}

async fn tenant_keys(ctx: &Ctx) -> rotation::KeysThere {
    rotation::tenant_keys(&mut ctx.begin_read().await.unwrap()).await.unwrap()
}

/// Sealed answers, and those of them that lie under an older key.
fn of_answers(standing: &[reseal::Standing]) -> (i64, i64) {
    let found = standing.iter().find(|standing| standing.column.0 == "kernel_idempotency");
    found.map(|standing| (standing.values, standing.behind)).unwrap()
}

on_both!(a_tenant_gets_a_new_key_and_the_old_one_is_destroyed, |world: World| async move {
    let ctx = founded(&world).await;
    let other = world.another().await;
    rotation::learn(&other).await.unwrap();
    let elsewhere = ctx_of(&other);
    assert_eq!(opened(&elsewhere).await.len(), VALUES, "another process knows the first key");

    assert_eq!(rotation::rotate_tenant(&ctx).await.unwrap(), Rotation::Begun(2));
    assert_eq!(rotation::rotate_tenant(&ctx).await.unwrap(), Rotation::UnderWay(2));
    // At once, and also in a process that has used the old key until now.
    put(&elsewhere, VALUES..VALUES + 1).await.unwrap();
    let values = opened(&ctx).await;
    assert_eq!(
        values.iter().filter(|(number, _)| *number == 1).count(),
        VALUES,
        "the old one goes on opening"
    );
    assert_eq!(values[VALUES], (2, format!("answer {VALUES}")));
    let standing = reseal::tenant_standing(&ctx, reseal::COLUMNS).await.unwrap();
    assert_eq!(of_answers(&standing), (121, 120));

    work(&world.runtime).await;
    let expected: Vec<_> = (0..=VALUES).map(|number| (2, format!("answer {number}"))).collect();
    assert_eq!(opened(&ctx).await, expected);
    assert_eq!(opened(&elsewhere).await, expected);
    let keys = tenant_keys(&ctx).await;
    assert_eq!((keys.newest, keys.retired), (2, vec![]));
    let filter = AuditFilter { limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    let mut actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["secret.destroy_key", "secret.rotate"]);
    assert_eq!(rotation::rotate_tenant(&ctx).await.unwrap(), Rotation::Begun(3), "and again");
});

on_both!(a_value_that_does_not_open_keeps_its_key_alive, |world: World| async move {
    let ctx = founded(&world).await;
    world.tamper("UPDATE kernel_idempotency SET request_key = 'moved' WHERE request_key = 'key-0007'").await;
    rotation::rotate_tenant(&ctx).await.unwrap();
    jobs::run_due(&world.runtime, &[Arc::new(Resealing)]).await.unwrap();
    let standing = reseal::tenant_standing(&ctx, reseal::COLUMNS).await.unwrap();
    assert_eq!(of_answers(&standing), (120, 1), "all others were brought over");
    assert_eq!(tenant_keys(&ctx).await.retired, [1], "the key stays");
    // Back in its place it opens, and the next attempt comes to an end.
    world.tamper("UPDATE kernel_idempotency SET request_key = 'key-0007' WHERE request_key = 'moved'").await;
    world.clock.advance_millis(60_000);
    work(&world.runtime).await;
    assert!(tenant_keys(&ctx).await.retired.is_empty());
    assert_eq!(opened(&ctx).await.len(), VALUES);
});

/// Whether somebody waits for a lock, or the database has one writer, which all others wait for.
async fn somebody_waits(runtime: &Arc<Runtime>) -> bool {
    let mut tx = runtime.platform().begin_read().await.unwrap();
    let waiting: Result<(i64,), _> = sql(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .fetch_one(&mut tx)
    .await;
    waiting.is_ok_and(|(count,)| count > 0)
}

on_both!(a_key_is_not_retired_under_whoever_is_sealing_with_it, |world: World| async move {
    let ctx = founded(&world).await;
    let mut sealing = ctx.begin_write().await.unwrap();
    let sealed = world.runtime.secrets.seal(&mut sealing, &context(9_999), b"answer 9999").await.unwrap();
    let other = world.another().await;
    rotation::learn(&other).await.unwrap();
    let mut rotating = JoinSet::new();
    rotating.spawn(async move {
        let rotation = rotation::rotate_tenant(&ctx_of(&other)).await;
        work(&other).await;
        rotation
    });
    if world.runtime.db().dialect() == atalaya_kernel::db::Dialect::Postgres {
        let waited = async {
            while !somebody_waits(&world.runtime).await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited).await.unwrap();
    }
    assert!(rotating.try_join_next().is_none(), "it waits for whoever is sealing");
    let tenant = sealing.tenant().clone();
    sql("INSERT INTO kernel_idempotency (tenant_id, asked_by, request_key, fingerprint, holder, created_at, body) \
         VALUES ($1, 'rosa', 'key-9999', 'f', 'h', 1, $2)")
        .bind(tenant)
        .bind(sealed)
        .execute(&mut sealing)
        .await
        .unwrap();
    sealing.commit().await.unwrap();
    assert_eq!(rotating.join_next().await.unwrap().unwrap().unwrap(), Rotation::Begun(2));
    assert!(tenant_keys(&ctx).await.retired.is_empty(), "the old key is destroyed");
    let values = opened(&ctx).await;
    assert_eq!(values[VALUES], (2, "answer 9999".to_owned()), "what was sealed with it was brought over");
});

on_both!(the_installation_key_is_replaced_while_processes_run, |world: World| async move {
    let ctx = founded(&world).await;
    let (former, newer) = (world.installation_key(), InstallationKey::generate());
    // A server that was started with the former key and knows nothing of the newer one.
    let server = world.another().await;
    rotation::learn(&server).await.unwrap();
    let platform = server.platform();
    let root =
        write_tx!(platform, tx => { server.secrets.seal_platform(&mut tx, "root", b"root key").await })
            .unwrap();
    let passing = server.secrets.seal_passing("log-in", b"challenge").unwrap();

    let command = world.another_with(vec![Arc::new(newer.clone()), Arc::new(former.clone())]).await;
    rotation::learn(&command).await.unwrap();
    assert!(matches!(
        rotation::forget_former(&command).await,
        Err(Error::Conflict { code: "not_wrapped", .. })
    ));
    let Rotation::Begun(number) = rotation::announce(&command).await.unwrap() else {
        panic!("nothing is under way")
    };
    let refused =
        write_tx!(platform, tx => { server.secrets.seal_platform(&mut tx, "root", b"x").await }).unwrap();
    assert_eq!(refused[0], 1, "what is announced is not used yet");
    rotation::activate(&command, number).await.unwrap();
    let refused = write_tx!(platform, tx => { server.secrets.seal_platform(&mut tx, "root", b"x").await });
    assert!(
        matches!(refused, Err(Error::Unavailable(_))),
        "a process that did not learn it yet seals with no old one"
    );
    rotation::learn(&server).await.unwrap();
    let sealed =
        write_tx!(platform, tx => { server.secrets.seal_platform(&mut tx, "root", b"x").await }).unwrap();
    assert_eq!(sealed[..5], [2, 0, 0, 0, 1]);
    assert_eq!(
        server.secrets.open_platform("root", &root).unwrap().expose(),
        b"root key",
        "the old one goes on opening"
    );
    assert_eq!(server.secrets.open_platform("log-in", &passing).unwrap().expose(), b"challenge");

    assert!(matches!(
        rotation::forget_former(&command).await,
        Err(Error::Conflict { code: "rotation_under_way", .. })
    ));
    work(&server).await;
    assert_eq!(opened(&ctx_of(&server)).await.len(), VALUES);
    assert!(
        server.secrets.open_platform("root", &root).is_err(),
        "the installation key itself opens nothing any more"
    );
    assert_eq!(rotation::wrapped_by(&command).await.unwrap().len(), 2, "until the former one is forgotten");
    assert_eq!(rotation::forget_former(&command).await.unwrap(), [former.name()]);

    let next = world.another_with(vec![Arc::new(newer)]).await;
    rotation::establish(&next, &[tenant()]).await.unwrap();
    put(&ctx_of(&next), VALUES..VALUES + 1).await.unwrap();
    assert_eq!(opened(&ctx_of(&next)).await.len(), VALUES + 1);
    let stale = world.another().await;
    let error = rotation::establish(&stale, &[tenant()]).await.unwrap_err().to_string();
    assert!(
        error.contains("local/") && error.contains("[secrets]"),
        "it names the key and the setting: {error}"
    );
    assert!(ctx.db().runtime().secrets.derive("purpose").is_ok());
});

on_both!(whoever_looks_while_keys_are_destroyed_sees_them_with_what_wraps_them, |world: World| async move {
    founded(&world).await;
    let looking = world.another().await;
    let runtime = world.runtime.clone();
    let mut announcing = JoinSet::new();
    announcing.spawn(async move {
        for _ in 0..60 {
            // The one before was never used, and is destroyed.
            rotation::announce(&runtime).await.unwrap();
        }
    });
    loop {
        rotation::learn(&looking).await.unwrap();
        if let Some(done) = announcing.try_join_next() {
            return done.unwrap();
        }
    }
});

on_both!(a_wrong_installation_key_is_not_written_down_as_the_right_one, |world: World| async move {
    let ctx = ctx_of(&world.runtime);
    write_tx!(ctx, tx => { world.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
    let wrong: Arc<dyn KeyProvider> = Arc::new(InstallationKey::generate());
    let stranger = world.another_with(vec![wrong]).await;
    let error = rotation::establish(&stranger, &[tenant()]).await.unwrap_err().to_string();
    assert!(error.contains("is not the one that sealed this database"), "{error}");
    rotation::establish(&world.runtime, &[tenant()]).await.unwrap();
    put(&ctx, 0..1).await.unwrap();
});
