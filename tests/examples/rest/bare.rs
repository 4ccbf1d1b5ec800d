//! The peer: axum and SQLite and nothing else. No log-in, no tenant, no permission, no limit, no request id.

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::Serialize;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

const COLUMNS: &str =
    "id, name, document, phone, email, address, notes, site_id, version, created_at, updated_at";

/// The peer as a process, killed with this.
pub(crate) struct Bare {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Bare {
    pub(crate) fn start(file: &std::path::Path) -> anyhow::Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg("--bare").arg(file).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is ours")?).read_line(&mut line)?;
        let address = line.trim().parse().context("it says where it listens")?;
        Ok(Self { child, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Serialize, sqlx::FromRow)]
struct Customer {
    id: String,
    name: String,
    document: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    address: Option<String>,
    notes: Option<String>,
    site_id: Option<String>,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

fn failed(_: sqlx::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn list(
    State(pool): State<SqlitePool>,
    Path(at): Path<u32>,
) -> Result<Json<Vec<Customer>>, StatusCode> {
    let text = format!(
        "SELECT {COLUMNS} FROM people_customer WHERE tenant_id = (SELECT tenant_id FROM people_customer LIMIT 1) AND name_key > ? ORDER BY name_key, id LIMIT 50"
    );
    let after = format!("cliente {at:07}");
    sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(after).fetch_all(&pool).await.map(Json).map_err(failed)
}

async fn one(State(pool): State<SqlitePool>, Path(id): Path<String>) -> Result<Json<Customer>, StatusCode> {
    let text = format!(
        "SELECT {COLUMNS} FROM people_customer WHERE tenant_id = (SELECT tenant_id FROM people_customer LIMIT 1) AND id = ?"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(id).fetch_one(&pool).await.map(Json).map_err(failed)
}

/// Serves until it is killed; its address is the first line that it prints.
pub(crate) async fn serve(file: &std::path::Path) -> anyhow::Result<()> {
    let connect =
        SqliteConnectOptions::new().filename(file).read_only(true).journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(connect).await?;
    let app = Router::new().route("/list/{at}", get(list)).route("/one/{id}", get(one)).with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
