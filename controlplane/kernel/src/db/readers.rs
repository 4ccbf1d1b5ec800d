//! SQLite's connections for reading, kept by ourselves.
//!
//! Each message to a connection is a change of threads and costs more than most statements. Of a pool it takes three around
//! each statement (begin, roll back, ask whether the connection still stands); here it takes none: a statement of a reader is a
//! transaction by itself, which is what PostgreSQL's READ COMMITTED gives there. Decision 0038.

use super::DbError;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Statements that are read at the same time.
const PLACES: u32 = 4;
/// Who waits longer for a place is told so.
const PATIENCE: Duration = Duration::from_secs(30);

/// All of them.
pub(crate) struct Readers {
    options: SqliteConnectOptions,
    places: Arc<Semaphore>,
    idle: Arc<Idle>,
    /// How long one waits for a place.
    patience: Duration,
}

#[derive(Default)]
struct Idle(Mutex<Vec<SqliteConnection>>);

impl Idle {
    fn take(&self) -> Option<SqliteConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
    fn give_back(&self, connection: SqliteConnection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Readers {
    /// Opens the first, so that a file that cannot be read is known at once.
    pub(crate) async fn open(options: SqliteConnectOptions) -> Result<Self, DbError> {
        let idle = Arc::<Idle>::default();
        idle.give_back(SqliteConnection::connect_with(&options).await?);
        Ok(Self { options, places: Arc::new(Semaphore::new(PLACES as usize)), idle, patience: PATIENCE })
    }

    /// One of them, as soon as there is one: who comes first is served first.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] for whoever waited [`PATIENCE`] in vain: as many statements as there are places took longer than that.
    pub(crate) async fn reader(&self) -> Result<Reader, DbError> {
        let place = tokio::time::timeout(self.patience, self.places.clone().acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.idle.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        let home = Home { idle: self.idle.clone(), _place: place };
        Ok(Reader { connection: Some(connection), home: Some(home), unsettled: false })
    }

    /// One whose statements all see the same moment, for as long as it is held. It has a connection of its own, which ends with it.
    pub(crate) async fn snapshot(&self) -> Result<Reader, DbError> {
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        sqlx::query("BEGIN").execute(&mut connection).await?;
        Ok(Reader { connection: Some(connection), home: None, unsettled: false })
    }

    /// Waits for those that read, and closes.
    pub(crate) async fn close(&self) {
        // An error says that it is closed already.
        let _all = self.places.acquire_many(PLACES).await;
        self.places.close();
        while let Some(connection) = self.idle.take() {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database was not closed in order");
            }
        }
    }
}

/// Where a connection goes back to, before its place is another's.
struct Home {
    idle: Arc<Idle>,
    _place: OwnedSemaphorePermit,
}

/// A connection that reads, given back on drop.
pub(crate) struct Reader {
    /// There until it is dropped.
    connection: Option<SqliteConnection>,
    home: Option<Home>,
    /// A statement was begun and is not known to have ended well: it was given up halfway, or failed.
    unsettled: bool,
}

impl Reader {
    /// Its statement ended well.
    pub(crate) fn settle(&mut self) {
        self.unsettled = false;
    }
}

const HELD: &str = "a reader has its connection until it is dropped";

impl Deref for Reader {
    type Target = SqliteConnection;

    #[expect(clippy::expect_used, reason = "only drop takes it")]
    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect(HELD)
    }
}

impl DerefMut for Reader {
    #[expect(clippy::expect_used, reason = "only drop takes it")]
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.unsettled = true;
        self.connection.as_mut().expect(HELD)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let (Some(mut connection), Some(home)) = (self.connection.take(), self.home.take()) else { return };
        if !self.unsettled {
            return home.idle.give_back(connection);
        }
        // A long statement that nobody waits for any more still has its thread: whoever reads next would stand behind it.
        // Without a runtime nobody waits, and the connection is closed.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                match connection.ping().await {
                    Ok(()) => home.idle.give_back(connection),
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the database does not stand any more");
                    }
                }
                drop(home);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Reach, SealedHandle, Tx, sql};

    /// A handle without a tenant, for statements of these tests.
    struct Bare(Tx);

    #[allow(private_interfaces, reason = "sealed: nobody outside can call it")]
    impl SealedHandle for Bare {
        fn tx(&mut self) -> &mut Tx {
            &mut self.0
        }
        fn job_asked(&mut self) {}
    }

    async fn db() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("a.db").display())).await.unwrap();
        let mut tx = db.begin_write(Reach::Migration, crate::db::Priority::Bulk).await.unwrap();
        Db::run_script(&mut tx, "CREATE TABLE thing (number BIGINT)".to_owned()).await.unwrap();
        tx.commit().await.unwrap();
        (folder, db)
    }

    async fn reading(db: &Db, reach: Reach<'_>) -> Bare {
        Bare(db.begin_read(reach).await.unwrap())
    }

    async fn count(from: &mut Bare) -> i64 {
        sql("SELECT CAST(COUNT(*) AS BIGINT) FROM thing").fetch_one::<(i64,)>(from).await.unwrap().0
    }

    async fn add(db: &Db) {
        let mut tx = Bare(db.begin_write(Reach::Platform, crate::db::Priority::Bulk).await.unwrap());
        sql("INSERT INTO thing (number) VALUES (1)").execute(&mut tx).await.unwrap();
        tx.0.commit().await.unwrap();
    }

    #[tokio::test]
    async fn each_statement_sees_what_is_committed_and_a_snapshot_one_moment() {
        let (_folder, db) = db().await;
        let (mut reader, mut snapshot) =
            (reading(&db, Reach::Platform).await, reading(&db, Reach::Snapshot).await);
        assert_eq!((count(&mut reader).await, count(&mut snapshot).await), (0, 0));
        add(&db).await;
        assert_eq!((count(&mut reader).await, count(&mut snapshot).await), (1, 0));
        drop(snapshot);
        assert_eq!(count(&mut reading(&db, Reach::Snapshot).await).await, 1);
    }

    #[tokio::test]
    async fn a_reader_changes_nothing() {
        let (_folder, db) = db().await;
        for reach in [Reach::Platform, Reach::Snapshot] {
            let mut reader = reading(&db, reach).await;
            let refused =
                sql("INSERT INTO thing (number) VALUES (1)").execute(&mut reader).await.unwrap_err();
            assert!(format!("{refused:?}").contains("readonly"), "{refused:?}");
        }
        assert_eq!(count(&mut reading(&db, Reach::Platform).await).await, 0);
    }

    /// A statement that runs until its thread is asked to end.
    const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
                           SELECT CAST(COUNT(*) AS BIGINT) FROM n";

    #[tokio::test]
    async fn who_gives_a_long_statement_up_leaves_nobody_behind_it() {
        let (_folder, db) = db().await;
        // All but one are busy with what nobody waits for.
        for _ in 1..PLACES {
            let mut reader = reading(&db, Reach::Platform).await;
            let asked = sql(ENDLESS).fetch_one::<(i64,)>(&mut reader);
            assert!(
                tokio::time::timeout(Duration::from_millis(20), asked).await.is_err(),
                "too quick to be given up"
            );
        }
        let crate::db::Inner::Sqlite { readers, .. } = &*db.0 else { unreachable!("it is SQLite") };
        assert_eq!(readers.idle.len(), 0, "a connection that is busy does not wait for the next reader");
        assert_eq!(count(&mut reading(&db, Reach::Platform).await).await, 0);
        // In the end all places are there again.
        let mut held = Vec::new();
        for _ in 0..PLACES {
            held.push(reading(&db, Reach::Platform).await);
        }
        drop(held);
        assert_eq!(readers.idle.len(), PLACES as usize);
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_place_is_told_and_the_others_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let options =
            SqliteConnectOptions::new().filename(folder.path().join("a.db")).create_if_missing(true);
        let mut readers = Readers::open(options).await.unwrap();
        assert_eq!(readers.patience, PATIENCE);
        let mut held = Vec::new();
        for _ in 0..PLACES {
            held.push(readers.reader().await.ok().unwrap());
        }
        readers.patience = Duration::from_millis(20);
        let refused = readers.reader().await.err().unwrap();
        assert!(matches!(refused, DbError::Unavailable(sqlx::Error::PoolTimedOut)), "{refused:?}");
        // Who still waits when one is done is served, and who was refused has taken nobody's place.
        readers.patience = PATIENCE;
        let (served, ()) = tokio::join!(readers.reader(), async { drop(held.pop()) });
        held.push(served.ok().unwrap());
        drop(held);
        assert_eq!((readers.idle.len(), readers.places.available_permits()), (4, 4));
    }

    #[tokio::test]
    async fn a_refused_statement_costs_no_connection() {
        let (_folder, db) = db().await;
        for _ in 0..2 * PLACES {
            let mut reader = reading(&db, Reach::Platform).await;
            sql("SELECT nothing FROM nowhere").fetch_all::<(i64,)>(&mut reader).await.unwrap_err();
        }
        assert_eq!(count(&mut reading(&db, Reach::Platform).await).await, 0);
    }

    #[tokio::test]
    async fn closing_waits_for_whoever_reads() {
        let (_folder, db) = db().await;
        let reader = reading(&db, Reach::Platform).await;
        let mut closing = std::pin::pin!(db.close());
        assert!(
            tokio::time::timeout(Duration::from_millis(20), &mut closing).await.is_err(),
            "somebody reads"
        );
        drop(reader);
        closing.await;
        assert!(db.begin_read(Reach::Platform).await.is_err(), "closed");
    }
}
