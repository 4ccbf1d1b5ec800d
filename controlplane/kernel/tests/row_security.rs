//! PostgreSQL keeps tenants apart though a statement forgets to: tried with raw SQL, as the role that serves, on every
//! table that the catalogue names.
#![allow(clippy::unwrap_used, clippy::panic)]

use atalaya_kernel::{
    db::Db,
    migrations,
    row_security::{self, Access, Unprotected, lookups},
    testing::{PostgresUrls, START, execute, postgres_database, postgres_empty, postgres_urls},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

const ONE: &str = "ten_one";
const OTHER: &str = "ten_other";

/// A table whose rows belong to tenants.
struct Table {
    name: String,
    /// Column that names the tenant.
    key: String,
    /// Columns and their kinds.
    columns: Vec<(String, String)>,
    /// What a platform transaction may do.
    platform: Option<Access>,
}

impl Table {
    /// A row of a tenant. `variant` makes it another one than others of that tenant.
    fn insert(&self, tenant: &str, variant: i64) -> String {
        let values = self.columns.iter().map(|(column, kind)| {
            if *column == self.key {
                return format!("'{tenant}'");
            }
            match kind.as_str() {
                "text" => format!("'{tenant}-{variant}'"),
                "bigint" => format!("{}", variant * 1_000 + i64::from(tenant == ONE)),
                "double precision" => "1.5".to_owned(),
                "boolean" => "true".to_owned(),
                "bytea" => format!("'{tenant}-{variant}'::bytea"),
                other => {
                    panic!("{}.{column} is of kind {other}, which no migration of ours makes", self.name)
                }
            }
        });
        let names = self.columns.iter().map(|(column, _)| format!("\"{column}\""));
        let (names, values) = (names.collect::<Vec<_>>(), values.collect::<Vec<_>>());
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), values.join(", "))
    }
}

/// Every table with a column `tenant_id`, as the catalogue has it, and the look-ups that name their tenant otherwise.
async fn tables(superuser: &mut PgConnection) -> Vec<Table> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
         WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
    )
    .fetch_all(superuser)
    .await
    .unwrap();
    let mut tables: Vec<Table> = Vec::new();
    for (name, column, kind) in rows {
        match tables.last_mut() {
            Some(table) if table.name == name => table.columns.push((column, kind)),
            _ => {
                tables.push(Table {
                    key: String::new(),
                    columns: vec![(column, kind)],
                    platform: None,
                    name,
                });
            }
        }
    }
    tables.retain_mut(|table| {
        let lookup = lookups().find(|lookup| lookup.table == table.name);
        table.platform = lookup.map(|lookup| lookup.access);
        table.key = lookup.map_or("tenant_id", |lookup| lookup.column).to_owned();
        table.columns.iter().any(|(column, _)| *column == table.key)
    });
    tables
}

/// A transaction of the serving role that says these settings first.
struct Serving(PgConnection);

impl Serving {
    /// What a statement does under a setting; undone afterwards. Rows affected or found.
    async fn tries(&mut self, setting: Option<(&str, &str)>, statement: &str) -> Result<u64, String> {
        let mut tx = self.0.begin().await.unwrap();
        if let Some((name, value)) = setting {
            tx.execute(AssertSqlSafe(format!("SET LOCAL {name} = '{value}'"))).await.unwrap();
        }
        let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await;
        tx.rollback().await.unwrap();
        done.map(|done| done.rows_affected()).map_err(|error| match &error {
            sqlx::Error::Database(told) => told.code().unwrap_or_default().into_owned(),
            _ => panic!("{statement}: {error}"),
        })
    }
}

/// PostgreSQL's word for a new row that no policy lets in.
const REFUSED: &str = "42501";
const TENANT: &str = "atalaya.tenant";
const PLATFORM: (&str, &str) = ("atalaya.platform", "on");

/// What is wrong with a table: the serving role sees or changes what it should not, or not what it should.
async fn faults(serving: &mut Serving, table: &Table) -> Vec<String> {
    let Table { name, key, .. } = table;
    let own = format!("SELECT 1 FROM {name} WHERE {key} = '{ONE}'");
    let all = format!("SELECT 1 FROM {name}");
    let seize = format!("UPDATE {name} SET {key} = '{ONE}' WHERE {key} = '{OTHER}'");
    let give_away = format!("UPDATE {name} SET {key} = '{OTHER}' WHERE {key} = '{ONE}'");
    let touch = format!("UPDATE {name} SET {key} = {key}");
    let remove = format!("DELETE FROM {name}");
    let (mine, foreign) = (table.insert(ONE, 2), table.insert(OTHER, 2));
    let one = Some((TENANT, ONE));
    let seen_by_platform = if table.platform.is_some() { 2 } else { 0 };
    let changed_by_platform = if table.platform == Some(Access::Write) { 2 } else { 0 };
    let refused = || Err(REFUSED.to_owned());
    let expected = [
        ("without a tenant, read", None, &all, Ok(0)),
        ("without a tenant, insert", None, &mine, refused()),
        ("without a tenant, update", None, &touch, Ok(0)),
        ("without a tenant, delete", None, &remove, Ok(0)),
        ("with an empty tenant, read", Some((TENANT, "")), &all, Ok(0)),
        ("with a tenant, read all", one, &all, Ok(1)),
        ("with a tenant, read its own", one, &own, Ok(1)),
        ("with a tenant, update all", one, &touch, Ok(1)),
        ("with a tenant, take another's row", one, &seize, Ok(0)),
        ("with a tenant, give its row away", one, &give_away, refused()),
        ("with a tenant, insert for another", one, &foreign, refused()),
        ("with a tenant, delete all", one, &remove, Ok(1)),
        ("the platform, read", Some(PLATFORM), &all, Ok(seen_by_platform)),
        ("the platform, update", Some(PLATFORM), &touch, Ok(changed_by_platform)),
        ("the owner's setting, read", Some(("atalaya.migration", "on")), &all, Ok(0)),
    ];
    let mut faults = Vec::new();
    for (what, setting, statement, wanted) in expected {
        let got = serving.tries(setting, statement).await;
        // Rows that refer to others cannot be deleted here: the foreign key is asked after the policy.
        if got != wanted && !(what.ends_with("delete all") && got == Err("23503".to_owned())) {
            faults.push(format!("{name}, {what}: {got:?} instead of {wanted:?}"));
        }
    }
    faults
}

/// A migrated database with a row of each of two tenants in every table.
async fn populated() -> (PostgresUrls, Vec<Table>) {
    let urls = postgres_urls(&postgres_database().await).await;
    let mut superuser = PgConnection::connect(&urls.superuser).await.unwrap();
    let tables = tables(&mut superuser).await;
    // Rows of our making refer to nothing.
    superuser.execute("SET session_replication_role = replica").await.unwrap();
    for table in &tables {
        for tenant in [ONE, OTHER] {
            let statement = table.insert(tenant, 1);
            if let Err(error) = superuser.execute(AssertSqlSafe(statement.clone())).await {
                panic!("{statement}: {error}");
            }
        }
    }
    (urls, tables)
}

#[tokio::test]
async fn every_table_with_tenants_keeps_them_apart() {
    let (urls, tables) = populated().await;
    assert!(tables.len() > 30, "{}", tables.len());
    let mut serving = Serving(PgConnection::connect(&urls.serving).await.unwrap());
    let mut found = Vec::new();
    for table in &tables {
        found.extend(faults(&mut serving, table).await);
    }
    assert!(found.is_empty(), "{found:#?}");
    row_security::demand(&Db::open(&urls.serving).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_table_without_it_is_found_refused_and_mended_by_the_next_migration() {
    let (urls, _) = populated().await;
    for statement in [
        "CREATE TABLE probe_thing (tenant_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant_id, id))",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON probe_thing TO atalaya_app",
        "INSERT INTO probe_thing VALUES ('ten_one', 'a'), ('ten_other', 'b')",
    ] {
        execute(&urls.owner, statement).await.unwrap();
    }
    let mut superuser = PgConnection::connect(&urls.superuser).await.unwrap();
    let probe = tables(&mut superuser).await.into_iter().find(|table| table.name == "probe_thing").unwrap();
    let mut serving = Serving(PgConnection::connect(&urls.serving).await.unwrap());
    assert!(faults(&mut serving, &probe).await.len() > 5, "the test of all tables would see it");
    let db = Db::open(&urls.serving).await.unwrap();
    let refused = row_security::demand(&db).await;
    assert!(
        matches!(&refused, Err(Unprotected::Tables { tables }) if tables == "probe_thing"),
        "{refused:?}"
    );

    let owner = Db::open(&urls.owner).await.unwrap();
    assert_eq!(migrations::status(&owner).await.unwrap().unprotected.len(), 4);
    migrations::migrate(&owner, START, Some("atalaya_app")).await.unwrap();
    assert_eq!(faults(&mut serving, &probe).await, [] as [String; 0]);
    row_security::demand(&db).await.unwrap();

    // A policy by hand lets more through: PostgreSQL adds policies up.
    execute(&urls.owner, "CREATE POLICY open ON money_invoice USING (true)").await.unwrap();
    let refused = row_security::demand(&db).await;
    assert!(
        matches!(&refused, Err(Unprotected::Tables { tables }) if tables == "money_invoice"),
        "{refused:?}"
    );
    execute(&urls.owner, "ALTER TABLE money_plan NO FORCE ROW LEVEL SECURITY").await.unwrap();
    migrations::migrate(&owner, START, None).await.unwrap();
    row_security::demand(&db).await.unwrap();
}

#[tokio::test]
async fn a_role_that_passes_over_it_may_not_serve_and_an_owner_may() {
    let urls = postgres_empty().await;
    let owner = Db::open(&urls.owner).await.unwrap();
    migrations::migrate(&owner, START, None).await.unwrap();
    // One role for all: its tables hold it to the policies too.
    row_security::demand(&owner).await.unwrap();
    let refused = row_security::demand(&Db::open(&urls.superuser).await.unwrap()).await;
    assert!(matches!(&refused, Err(Unprotected::Bypass { why: "is a superuser", .. })), "{refused:?}");
    let serving = Db::open(&urls.serving).await.unwrap();
    let refused = migrations::status(&serving).await.unwrap_err();
    assert!(refused.to_string().contains("database_owner"), "without its rights: {refused}");
    migrations::migrate(&owner, START, Some("atalaya_app")).await.unwrap();
    row_security::demand(&serving).await.unwrap();
    let nobody = migrations::migrate(&owner, START, Some("atalaya_nobody")).await.unwrap_err();
    assert!(nobody.to_string().contains("CREATE ROLE atalaya_nobody"), "{nobody}");

    // The role that serves may not change the schema, and says who may.
    let rights = "SELECT 1 FROM pg_roles WHERE rolname = 'atalaya_app' AND (rolsuper OR rolbypassrls OR rolcreaterole)";
    let mut connection = PgConnection::connect(&urls.serving).await.unwrap();
    assert!(sqlx::query(rights).fetch_optional(&mut connection).await.unwrap().is_none());
    for statement in [
        "ALTER TABLE money_plan DISABLE ROW LEVEL SECURITY",
        "DROP POLICY atalaya_tenant ON money_plan",
        "UPDATE kernel_migration SET digest = 'x'",
        "CREATE TABLE mine (id TEXT)",
    ] {
        assert!(execute(&urls.serving, statement).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn every_lookup_is_a_table_of_tenants() {
    let urls = postgres_urls(&postgres_database().await).await;
    let tables = tables(&mut PgConnection::connect(&urls.superuser).await.unwrap()).await;
    for lookup in lookups() {
        let found = tables.iter().any(|table| table.name == lookup.table && table.key == lookup.column);
        assert!(found, "migrations/lookups.txt names {} by {}", lookup.table, lookup.column);
    }
}
