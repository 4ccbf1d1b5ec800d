//! A private PostgreSQL cluster for tests.
#![allow(clippy::panic, clippy::unwrap_used, reason = "test equipment fails loudly")]

use crate::{
    db::{Db, Dialect, PlatformDb, sql},
    migrations,
    testing::START,
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Role that owns databases and tables, and role that serves; as in the manual.
const OWNER: &str = "atalaya_owner";
const SERVING: &str = "atalaya_app";
/// Of both, where the cluster asks for one. Nothing but tests is ever behind it.
const PASSWORD: &str = "only-for-tests";

/// One database as three roles.
#[derive(Debug, Clone)]
pub struct PostgresUrls {
    /// As the role that serves.
    pub serving: String,
    /// As the role that owns the tables and migrates.
    pub owner: String,
    /// As a superuser, who sees every row: for tests that look past the program, or tamper.
    pub superuser: String,
}

/// The same database as each role, from the URL of one of them.
pub async fn postgres_urls(url: &str) -> PostgresUrls {
    let (_, name) = url.rsplit_once('/').unwrap();
    let server = tokio::task::spawn_blocking(server).await.unwrap();
    let (_, address) = server.rsplit_once('@').unwrap();
    let of = |role: &str| format!("postgres://{role}:{PASSWORD}@{address}/{name}");
    PostgresUrls { serving: of(SERVING), owner: of(OWNER), superuser: format!("{server}/{name}") }
}

/// URL of a fresh database, migrated.
pub(super) async fn database() -> String {
    let server = tokio::task::spawn_blocking(server).await.unwrap();
    let template = format!("template_{}", &schema_digest()[..16]);
    let admin = Db::open(&format!("{server}/postgres")).await.unwrap();
    let lock = Lock::take("template");
    let platform = PlatformDb::new(admin.clone());
    if !exists(&platform, &template).await {
        roles_ensure(&server).await;
        let building = format!("{template}_{}", std::process::id());
        let urls = make(&server, &building, "template0 LOCALE 'C' ENCODING 'UTF8'").await;
        let db = Db::open(&urls.owner).await.unwrap();
        migrations::migrate(&db, START, Some(SERVING)).await.unwrap();
        db.close().await;
        execute_outside(&server, &format!("ALTER DATABASE {building} RENAME TO {template}")).await;
    }
    let urls = make(&server, &fresh_name("test"), &template).await;
    drop(lock);
    admin.close().await;
    urls.serving
}

/// An empty database of the owner.
pub(super) async fn empty() -> PostgresUrls {
    let server = tokio::task::spawn_blocking(server).await.unwrap();
    let lock = Lock::take("template");
    roles_ensure(&server).await;
    drop(lock);
    make(&server, &fresh_name("empty"), "template0 LOCALE 'C' ENCODING 'UTF8'").await
}

async fn make(server: &str, name: &str, template: &str) -> PostgresUrls {
    execute_outside(server, &format!("CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")).await;
    postgres_urls(&format!("{server}/{name}")).await
}

fn fresh_name(kind: &str) -> String {
    format!("{kind}_{}", &crate::secrets::random_token()[..20])
}

/// Makes the roles of the cluster; under a lock, for there are several test processes.
async fn roles_ensure(server: &str) {
    for role in [OWNER, SERVING] {
        let make = format!(
            "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN \
             CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; END IF; END $$"
        );
        execute_outside(server, &make).await;
    }
}

/// A copy of a database that nobody is connected to.
pub(super) async fn copy(url: &str) -> String {
    let superuser = postgres_urls(url).await.superuser;
    let (server, name) = superuser.rsplit_once('/').unwrap();
    make(server, &fresh_name("copy"), name).await.serving
}

/// Drops a database and gives its name to another.
pub(super) async fn replace(url: &str, copy: &str) {
    let superuser = postgres_urls(url).await.superuser;
    let (server, name) = superuser.rsplit_once('/').unwrap();
    let (_, copy) = copy.rsplit_once('/').unwrap();
    execute_outside(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    execute_outside(server, &format!("ALTER DATABASE {copy} RENAME TO {name}")).await;
}

async fn exists(platform: &PlatformDb, database: &str) -> bool {
    let mut tx = platform.begin_read().await.unwrap();
    let row: Option<(String,)> = sql("SELECT CAST(datname AS TEXT) FROM pg_database WHERE datname = $1")
        .bind(database)
        .fetch_optional(&mut tx)
        .await
        .unwrap();
    row.is_some()
}

/// CREATE DATABASE does not run in a transaction.
async fn execute_outside(server: &str, statement: &str) {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}

fn schema_digest() -> String {
    let mut hash = Sha256::new();
    for step in migrations::history(Dialect::Postgres) {
        hash.update(format!("{step:?}"));
    }
    // What the migrator makes of the scripts is part of the template too.
    hash.update(include_str!("../../../../migrations/lookups.txt"));
    hash.update(include_str!("../row_security/policies.rs"));
    hash.update(include_str!("../row_security/catalogue.rs"));
    hex::encode(hash.finalize())
}

/// URL of a running server, without a database name.
fn server() -> String {
    if let Ok(url) = std::env::var("ATALAYA_TEST_POSTGRES") {
        return url;
    }
    let _lock = Lock::take("server");
    let folder = folder();
    let data = folder.join("data");
    let port_file = folder.join("port");
    if let Ok(port) = fs::read_to_string(&port_file) {
        let url = format!("postgres://postgres@127.0.0.1:{}", port.trim());
        if std::net::TcpStream::connect(format!("127.0.0.1:{}", port.trim())).is_ok() {
            return url;
        }
    }
    let _ = fs::remove_dir_all(&data);
    let bin = binaries();
    run(
        &bin.join("initdb"),
        &["-D", text(&data), "-U", "postgres", "--auth=trust", "--locale=C", "-E", "UTF8", "--no-sync"],
    );
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200"
    );
    run(
        &bin.join("pg_ctl"),
        &["-D", text(&data), "-w", "-t", "60", "-l", text(&folder.join("log")), "-o", &options, "start"],
    );
    fs::write(&port_file, port.to_string()).unwrap();
    format!("postgres://postgres@127.0.0.1:{port}")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One cluster per user, kept between runs of the tests.
fn folder() -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("atalaya-test-postgres-{}", rustix::process::getuid().as_raw()));
    fs::create_dir_all(&folder).unwrap();
    // As root the server runs as another user, who must be able to write here.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Newest server binaries of the system.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .unwrap_or_else(|_| panic!("PostgreSQL is not installed: run packaging/setup.sh"))
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| panic!("the PostgreSQL server is not installed: run packaging/setup.sh"))
}

fn run(program: &Path, arguments: &[&str]) {
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let output = command
        .args(arguments)
        .current_dir("/tmp")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .status()
        .unwrap();
    assert!(output.success(), "{} failed", program.display());
}

/// A lock between test processes, free when dropped.
struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

impl Lock {
    fn take(name: &str) -> Self {
        let file = File::create(folder().join(format!("{name}.lock"))).unwrap();
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
        Self(file)
    }
}
