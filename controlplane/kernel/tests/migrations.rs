//! One history on both databases: run once, by one of several migrators, and never on a database that is newer.
#![allow(clippy::unwrap_used, clippy::panic)]

use atalaya_kernel::{
    db::{Db, Dialect},
    migrations::{self, Migration, MigrationError},
    testing::{START, postgres_empty, schema},
};
use std::{fs, path::Path};
use tempfile::TempDir;

/// An empty database that may be opened several times, and one who may write what no migrator would.
struct Empty {
    url: String,
    tamper: String,
    _folder: TempDir,
}

impl Empty {
    async fn make(dialect: Dialect) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (url, tamper) = match dialect {
            Dialect::Sqlite => {
                let url = format!("sqlite:{}", folder.path().join("empty.db").display());
                (url.clone(), url)
            }
            Dialect::Postgres => {
                let urls = postgres_empty().await;
                (urls.owner, urls.superuser)
            }
        };
        Self { url, tamper, _folder: folder }
    }

    async fn open(&self) -> Db {
        Db::open(&self.url).await.unwrap()
    }

    async fn write(&self, statement: &'static str) {
        atalaya_kernel::testing::execute(&self.tamper, statement).await.unwrap();
    }
}

fn numbers(steps: &[Migration]) -> Vec<i64> {
    steps.iter().map(|step| step.number).collect()
}

async fn two_migrators_run_each_step_once(dialect: Dialect) {
    let empty = Empty::make(dialect).await;
    let (one, other) = (empty.open().await, empty.open().await);
    let before = migrations::status(&one).await.unwrap();
    assert_eq!((before.applied, before.is_complete()), (0, false));
    let (first, second) =
        tokio::join!(migrations::migrate(&one, START, None), migrations::migrate(&other, START, None),);
    let mut ran = [numbers(&first.unwrap()), numbers(&second.unwrap())].concat();
    ran.sort_unstable();
    assert_eq!(ran, numbers(&migrations::history(dialect)), "each once, by one of the two");
    assert!(migrations::status(&one).await.unwrap().is_complete());
    assert!(migrations::migrate(&one, START, None).await.unwrap().is_empty());
}

async fn a_newer_or_changed_history_is_refused(dialect: Dialect) {
    let empty = Empty::make(dialect).await;
    let db = empty.open().await;
    migrations::migrate(&db, START, None).await.unwrap();
    let known = migrations::history(dialect).last().unwrap().number;
    empty
        .write("INSERT INTO kernel_migration (number, name, digest, applied_at) VALUES (9001, 'x', 'x', 0)")
        .await;
    for refused in
        [migrations::status(&db).await.map(drop), migrations::migrate(&db, START, None).await.map(drop)]
    {
        let Err(error) = refused else { panic!("a newer schema was taken") };
        assert!(
            matches!(error, MigrationError::Newer { found: 9001, known: ours } if ours == known),
            "{error}"
        );
        assert!(error.to_string().contains("install a newer atalaya"), "{error}");
    }
    empty.write("DELETE FROM kernel_migration WHERE number = 9001").await;
    empty.write("UPDATE kernel_migration SET digest = 'other' WHERE number = 3").await;
    let refused = migrations::migrate(&db, START, None).await;
    assert!(matches!(refused, Err(MigrationError::Changed { number: 3 })));
}

/// The schema stands in the repository, so that a change of it is seen in review as what it is.
async fn the_schema_is_the_one_checked_in(dialect: Dialect) {
    let name = match dialect {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/schema/{name}.txt"));
    let empty = Empty::make(dialect).await;
    let db = empty.open().await;
    migrations::migrate(&db, START, None).await.unwrap();
    let found = schema(&db).await.unwrap();
    if std::env::var_os("ATALAYA_WRITE").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let present = fs::read_to_string(&file).unwrap_or_default();
    let differ = present.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(
        present == found,
        "controlplane/kernel/tests/schema/{name}.txt is not what the migrations make; first difference: {differ:?}\n\
         Write it anew: ATALAYA_WRITE=1 cargo nextest run --workspace -E 'test(the_schema_is_the_one_checked_in)'"
    );
}

macro_rules! on_each {
    ($($name:ident),+) => {$(
        mod $name {
            use atalaya_kernel::db::Dialect;
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Dialect::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Dialect::Postgres).await;
            }
        }
    )+};
}
on_each!(
    two_migrators_run_each_step_once,
    a_newer_or_changed_history_is_refused,
    the_schema_is_the_one_checked_in
);
