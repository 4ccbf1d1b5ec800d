//! The tables of a tenant and those of the installation, row by row.

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
const BY_THEMSELVES_IN: [(&str, &str); 24] = [
    ("kernel_audit", "position"),
    ("kernel_audit", "actor_salt"),
    ("kernel_audit", "actor_hash"),
    ("kernel_audit", "content_salt"),
    ("kernel_audit", "content_hash"),
    ("kernel_audit", "chain"),
    ("kernel_platform_audit", "position"),
    ("kernel_platform_audit", "actor_salt"),
    ("kernel_platform_audit", "actor_hash"),
    ("kernel_platform_audit", "content_salt"),
    ("kernel_platform_audit", "content_hash"),
    ("kernel_platform_audit", "chain"),
    ("kernel_search_entry", "updated_at"),
    // Once an invoice's day is past, within a minute.
    ("money_invoice", "overdue_told"),
    ("network_agent", "config_version"),
    ("network_agent", "config_digest"),
    ("network_point", "access_key"),
    ("network_point", "before_image"),
    ("network_point", "forgotten_at"),
    // Once a minute, whoever asks for anything.
    ("people_api_key", "last_used_at"),
    ("people_operator_session", "expires_at"),
    ("people_operator_session", "last_seen_at"),
    ("people_session", "expires_at"),
    ("people_session", "last_seen_at"),
];

/// Tables of the installation that change by themselves, and nothing of which a tenant's person could change.
const OF_THE_INSTALLATION_BY_THEMSELVES: [&str; 2] = [
    // A copy that an operator asked for takes as long as it takes.
    "kernel_backup",
    // Its trail is sealed some seconds later, as a tenant's.
    "kernel_platform_audit_head",
];

/// Those that move whatever an agent says, and also where there is none.
const WHATEVER_AN_AGENT_SAYS: [&str; 5] =
    ["kernel_audit_head", "kernel_delivery", "kernel_idempotency", "kernel_job", "people_request_window"];

/// Events reach their subscribers within a second or so; on a busy machine later.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// Looks at the rows of one tenant in every table that has tenants, and at all rows of every other table.
pub(super) struct Digests {
    runtime: Runtime,
    database: Database,
    /// By table, what gives its rows.
    statements: BTreeMap<String, Statement>,
    tenant: String,
    /// Tables that are not looked at around what people do.
    by_themselves: &'static [&'static str],
}

/// What gives the rows of a table.
#[derive(Debug)]
struct Statement {
    text: String,
    /// Whether they are of a tenant, which the statement names by `$1`.
    of_a_tenant: bool,
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
        let of_a_tenant =
            |table: &str| statements.get(table).map(|statement: &Statement| statement.of_a_tenant);
        for table in BY_THEMSELVES {
            assert_eq!(of_a_tenant(table), Some(true), "{table} is no table of a tenant any more");
        }
        for table in OF_THE_INSTALLATION_BY_THEMSELVES.into_iter().chain(["people_tenant", "network_root"]) {
            assert_eq!(of_a_tenant(table), Some(false), "{table} is no table of the installation any more");
        }
        Self { runtime, database, statements, tenant, by_themselves: &BY_THEMSELVES }
    }

    /// The same where no agent measures and reports: few tables change by themselves.
    pub(super) fn without_agents(self) -> Self {
        Self { by_themselves: &WHATEVER_AN_AGENT_SAYS, ..self }
    }

    /// Does something after which no table is another one.
    pub(super) fn same_around(&self, what: &str, act: impl FnOnce()) {
        let changed = self.changed_around(self.by_themselves, act);
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
        let is_left_out =
            |table: &str| left_out.contains(&table) || OF_THE_INSTALLATION_BY_THEMSELVES.contains(&table);
        let stable = self.statements.iter().filter(|(table, _)| !is_left_out(table));
        let rows = |(table, statement): (&String, &Statement)| {
            let tenant = statement.of_a_tenant.then_some(self.tenant.as_str());
            (table.clone(), self.runtime.block_on(self.database.texts(&statement.text, tenant)))
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

    /// For each table what gives its rows; of one that has tenants, the rows of one.
    async fn statements(&self) -> BTreeMap<String, Statement> {
        let tables = match self {
            // What the engine keeps for itself is none of ours.
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
            }
            Self::Postgres(_) => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
            }
        };
        let mut statements = BTreeMap::new();
        for table in self.names(tables).await {
            let columns = self.names(&self.columns(&table)).await;
            let of_a_tenant = columns.iter().any(|column| column == "tenant_id");
            let stable = columns
                .iter()
                .filter(|column| !BY_THEMSELVES_IN.contains(&(table.as_str(), column.as_str())));
            let row = match self {
                Self::Sqlite(_) => {
                    stable.map(|column| format!("quote({column})")).collect::<Vec<_>>().join("||','||")
                }
                Self::Postgres(_) => format!("ROW({})::text", stable.cloned().collect::<Vec<_>>().join(", ")),
            };
            let whose = if of_a_tenant { " WHERE tenant_id = $1" } else { "" };
            let text = format!("SELECT {row} FROM {table}{whose} ORDER BY 1");
            statements.insert(table.clone(), Statement { text, of_a_tenant });
        }
        statements
    }
}
