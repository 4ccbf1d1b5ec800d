//! The test harness: a database of its own for each test, on SQLite and on PostgreSQL.
//!
//! PostgreSQL is a private cluster of the system's own binaries, started on first need and shared by the tests of a
//! run (`ATALAYA_TEST_POSTGRES` names one that runs already). It refuses root, so as root its programs run as user
//! `postgres`. A template is migrated once, by `atalaya_owner`; each test's database is a copy of it, which the test serves
//! as `atalaya_app`, as an installation does.

use crate::{
    blobs::FolderStore,
    db::{Db, Dialect, PlatformDb},
    events::Subscriptions,
    migrations, row_security,
    runtime::Runtime,
    secrets::{InstallationKey, KeyProvider, Secrets},
    time::{ManualClock, Timestamp},
};
use std::sync::Arc;

mod contents;
mod postgres;
mod schema;

pub use contents::contents;
pub use schema::schema;

/// URL of a migrated PostgreSQL database of its own, to serve it; for tests that run the programs themselves.
pub async fn postgres_database() -> String {
    postgres::database().await
}

/// URLs of an empty PostgreSQL database of its own.
pub async fn postgres_empty() -> PostgresUrls {
    postgres::empty().await
}

/// The same database as another role.
pub use postgres::{PostgresUrls, postgres_urls};

/// Copies a database that nobody is connected to; URL of the copy.
pub async fn postgres_copy(url: &str) -> String {
    postgres::copy(url).await
}

/// Puts a copy in the place of a database, as a restored backup. Connections to either are cut.
pub async fn postgres_replace(url: &str, copy: &str) {
    postgres::replace(url, copy).await;
}

/// Runs one statement outside of the program's handles, as whoever the URL names: to make a database what it should not be.
///
/// # Errors
/// The database's.
pub async fn execute(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await?;
        connection.execute(statement).await?;
        return connection.close().await;
    }
    let mut connection = sqlx::PgConnection::connect(url).await?;
    connection.execute(statement).await?;
    connection.close().await
}

/// Where the clock of a test stands at first: 2026-11-05T15:07:09Z, a Thursday.
pub const START: Timestamp = Timestamp::from_millis(1_793_891_229_000);

/// A database, a clock to move and everything that stands on them.
pub struct World {
    /// The runtime on this world's database.
    pub runtime: Arc<Runtime>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// URL of the database, to open it a second time.
    pub url: String,
    key: InstallationKey,
    _folder: tempfile::TempDir,
}

impl World {
    /// A world on a dialect, with these subscriptions.
    ///
    /// # Panics
    /// When the database cannot be had: a test cannot go on without it.
    #[allow(clippy::panic, clippy::unwrap_used, reason = "test equipment fails loudly")]
    pub async fn new(dialect: Dialect, subscriptions: Subscriptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match dialect {
            Dialect::Sqlite => format!("sqlite:{}", folder.path().join("test.db").display()),
            Dialect::Postgres => postgres::database().await,
        };
        let db = Db::open(&url).await.unwrap();
        migrations::migrate(&db, START, None).await.unwrap();
        row_security::demand(&db).await.unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let key = InstallationKey::generate();
        let secrets = Secrets::new(key.clone());
        let blobs = Arc::new(FolderStore::new(folder.path().join("blobs")));
        let runtime = Runtime::new(db, clock.clone(), subscriptions, secrets, blobs);
        Self { runtime, clock, url, key, _folder: folder }
    }

    /// Another process on the same database: its own connections, the same installation key and clock.
    ///
    /// # Panics
    /// When the database does not open.
    pub async fn another(&self) -> Arc<Runtime> {
        self.another_with(vec![Arc::new(self.key.clone())]).await
    }

    /// The installation key of this world.
    pub fn installation_key(&self) -> InstallationKey {
        self.key.clone()
    }

    /// Another process on the same database, with keys of its own outside it.
    ///
    /// # Panics
    /// When the database does not open.
    #[allow(clippy::unwrap_used, reason = "test equipment fails loudly")]
    pub async fn another_with(&self, providers: Vec<Arc<dyn KeyProvider>>) -> Arc<Runtime> {
        let db = Db::open(&self.url).await.unwrap();
        let secrets = Secrets::with(providers);
        let blobs = self.runtime.blobs.clone();
        Runtime::new(db, self.clock.clone(), self.runtime.subscriptions.clone(), secrets, blobs)
    }

    /// Writes what no program of ours would, past every check: on PostgreSQL as a superuser.
    ///
    /// # Panics
    /// When the statement fails.
    #[allow(clippy::panic, reason = "test equipment fails loudly")]
    pub async fn tamper(&self, statement: &str) {
        let url = match self.runtime.db().dialect() {
            Dialect::Sqlite => self.url.clone(),
            Dialect::Postgres => postgres_urls(&self.url).await.superuser,
        };
        execute(&url, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// The way to kernel and look-up tables.
    pub fn platform(&self) -> PlatformDb {
        self.runtime.platform()
    }
}

/// Runs an async test once on each database: `on_both!(name, |world| async move { … });`.
#[macro_export]
macro_rules! on_both {
    ($name:ident, $body:expr) => {
        $crate::on_both!($name, $crate::events::Subscriptions::default(), $body);
    };
    ($name:ident, $subscriptions:expr, $body:expr) => {
        mod $name {
            use super::*;
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let world = $crate::testing::World::new($crate::db::Dialect::Sqlite, $subscriptions).await;
                ($body)(world).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let world = $crate::testing::World::new($crate::db::Dialect::Postgres, $subscriptions).await;
                ($body)(world).await;
            }
        }
    };
}
