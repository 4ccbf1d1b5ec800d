//! The tables of a tenant, row by row.

use atalaya_tests::harness::{Api, Options, wait_until};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Tables that change by themselves while the agent of the test measures and reports.
const BY_THEMSELVES: [&str; 14] = [
    "kernel_audit_head",
    "kernel_delivery",
    "kernel_event",
    // Keys of requests, those that were refused after a look at what is there too.
    "kernel_idempotency",
    "kernel_job",
    // A service is found by the session that its router shows.
    "kernel_search_word",
    // With each event.
    "kernel_timeline",
    "network_agent_job",
    "network_agent_session",
    "network_agent_status",
    "network_device_status",
    "network_observed",
    "network_report",
    // Whoever asks is counted.
    "people_request_window",
];

/// Columns of other tables that change by themselves: an audit row is sealed some seconds later; and an agent's session
/// changes what it is told next, what a router shows, what is gone from it, when a person
/// was last there.
const BY_THEMSELVES_IN: [(&str, &str); 15] = [
    ("kernel_audit", "position"),
    ("kernel_audit", "actor_salt"),
    ("kernel_audit", "actor_hash"),
    ("kernel_audit", "content_salt"),
    ("kernel_audit", "content_hash"),
    ("kernel_audit", "chain"),
    ("kernel_search_entry", "updated_at"),
    ("network_agent", "config_version"),
    ("network_agent", "config_digest"),
    ("network_point", "access_key"),
    ("network_point", "before_image"),
    ("network_point", "forgotten_at"),
    // Once a minute, whoever asks for anything.
    ("people_api_key", "last_used_at"),
    ("people_session", "expires_at"),
    ("people_session", "last_seen_at"),
];

/// Those of them that move whatever an agent says.
const WHATEVER_AN_AGENT_SAYS: [&str; 5] =
    ["kernel_audit_head", "kernel_delivery", "kernel_idempotency", "kernel_job", "people_request_window"];

/// Events reach their subscribers within a second or so; on a busy machine later.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// Looks at the rows of one tenant in every table that has tenants.
pub(super) struct Digests {
    runtime: Runtime,
    database: Database,
    /// By table, the statement that gives its rows.
    statements: BTreeMap<String, String>,
    tenant: String,
}

impl Digests {
    /// Of the tenant of somebody who is logged in.
    pub(super) fn open(options: &Options, owner: &Api) -> Self {
        let runtime = Runtime::new().expect("a test has threads");
        let session = owner.get("/session").expect("the owner is logged in");
        let tenant = session["tenant"]["id"].as_str().expect("of a tenant").to_owned();
        let (database, statements) = runtime.block_on(async {
            let database = Database::open(options).await;
            let statements = database.statements().await;
            (database, statements)
        });
        assert!(statements.len() > 20, "tables that have tenants: {statements:?}");
        for table in BY_THEMSELVES {
            assert!(statements.contains_key(table), "{table} is no table of a tenant any more");
        }
        Self { runtime, database, statements, tenant }
    }

    /// Does something after which no table is another one.
    pub(super) fn same_around(&self, what: &str, act: impl FnOnce()) {
        let changed = self.changed_around(&BY_THEMSELVES, act);
        assert!(changed.is_empty(), "{what}: a refused call changed {changed:?}");
    }

    /// Rows that came or went, with their table, around something that agents said: what people do is still, and so
    /// are the agents whom it concerns.
    pub(super) fn changed_by_an_agent(&self, act: impl FnOnce()) -> Vec<(String, String)> {
        self.changed_around(&WHATEVER_AN_AGENT_SAYS, act)
    }

    fn changed_around(&self, left_out: &[&str], act: impl FnOnce()) -> Vec<(String, String)> {
        wait_until("what was done before to have all its consequences", SETTLED_WITHIN, || self.is_settled());
        let before = self.take(left_out);
        act();
        let after = self.take(left_out);
        let mut changed = Vec::new();
        for (table, rows) in &before {
            let now = after.get(table).map(Vec::as_slice).unwrap_or_default();
            let gone = rows.iter().filter(|row| !now.contains(row));
            let come = now.iter().filter(|row| !rows.contains(row));
            let told = |row: &Option<String>| (table.clone(), row.clone().unwrap_or_default());
            changed.extend(gone.chain(come).map(told));
        }
        changed
    }

    /// Whether every event was delivered, no job is under way, and no notice waits for its first attempt.
    fn is_settled(&self) -> bool {
        let waiting =
            "SELECT CAST(COUNT(*) AS TEXT) FROM kernel_delivery WHERE tenant_id = $1 AND state <> 'done'";
        let running =
            "SELECT CAST(COUNT(*) AS TEXT) FROM kernel_job WHERE tenant_id = $1 AND state = 'leased'";
        let untold = "SELECT CAST(COUNT(*) AS TEXT) FROM kernel_job WHERE tenant_id = $1 AND state = 'pending' AND kind IN ('people.notice', 'people.push')";
        [waiting, running, untold].iter().all(|statement| {
            let count = self.runtime.block_on(self.database.texts(statement, Some(&self.tenant)));
            count == [Some("0".to_owned())]
        })
    }

    fn take(&self, left_out: &[&str]) -> BTreeMap<String, Vec<Option<String>>> {
        let stable = self.statements.iter().filter(|(table, _)| !left_out.contains(&table.as_str()));
        let rows = |(table, statement): (&String, &String)| {
            (table.clone(), self.runtime.block_on(self.database.texts(statement, Some(&self.tenant))))
        };
        stable.map(rows).collect()
    }
}

enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    async fn open(options: &Options) -> Self {
        match &options.database {
            Some(url) => {
                // The serving role sees no row without saying whose.
                let url = atalaya_kernel::testing::postgres_urls(url).await.superuser;
                Self::Postgres(PgPool::connect(&url).await.expect("the database opens"))
            }
            None => {
                let url = format!("sqlite:{}?mode=ro", options.folder.join("data/atalaya.db").display());
                Self::Sqlite(SqlitePool::connect(&url).await.expect("the database opens"))
            }
        }
    }

    /// The first column of what a statement finds.
    async fn texts(&self, statement: &str, bound: Option<&str>) -> Vec<Option<String>> {
        let statement = AssertSqlSafe(statement.to_owned());
        let found = match self {
            Self::Sqlite(pool) => match bound {
                Some(bound) => sqlx::query_scalar(statement).bind(bound).fetch_all(pool).await,
                None => sqlx::query_scalar(statement).fetch_all(pool).await,
            },
            Self::Postgres(pool) => match bound {
                Some(bound) => sqlx::query_scalar(statement).bind(bound).fetch_all(pool).await,
                None => sqlx::query_scalar(statement).fetch_all(pool).await,
            },
        };
        found.expect("a statement of ours")
    }

    async fn names(&self, statement: &str) -> Vec<String> {
        self.texts(statement, None).await.into_iter().flatten().collect()
    }

    fn columns(&self, table: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
            Self::Postgres(_) => format!(
                "SELECT column_name::text FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            ),
        }
    }

    /// For each table that has tenants, what gives the rows of one.
    async fn statements(&self) -> BTreeMap<String, String> {
        let tables = match self {
            Self::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Self::Postgres(_) => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
            }
        };
        let mut statements = BTreeMap::new();
        for table in self.names(tables).await {
            let columns = self.names(&self.columns(&table)).await;
            if !columns.iter().any(|column| column == "tenant_id") {
                continue;
            }
            let stable = columns
                .iter()
                .filter(|column| !BY_THEMSELVES_IN.contains(&(table.as_str(), column.as_str())));
            let row = match self {
                Self::Sqlite(_) => {
                    stable.map(|column| format!("quote({column})")).collect::<Vec<_>>().join("||','||")
                }
                Self::Postgres(_) => format!("ROW({})::text", stable.cloned().collect::<Vec<_>>().join(", ")),
            };
            statements
                .insert(table.clone(), format!("SELECT {row} FROM {table} WHERE tenant_id = $1 ORDER BY 1"));
        }
        statements
    }
}
