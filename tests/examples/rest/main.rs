//! `make bench`, part `rest`: requests that a second of the REST API answers, with everything on, beside a handler that has
//! nothing but the database. Nothing passes or fails.
//!
//! All of it is a release build: the load shares the machine with what it measures, for us and for the peer alike.
// A program for a terminal, with a clock of its own; a directory that cannot be made ends it.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used
)]

mod bare;
mod load;
#[path = "../bench/process.rs"]
#[allow(dead_code, reason = "shared with the other bench, which needs more of it")]
mod process;
mod seed;
#[path = "../bench/table.rs"]
#[allow(dead_code, reason = "shared with the other bench, which needs more of it")]
mod table;

use anyhow::Context;
use atalaya_kernel::testing::postgres_database;
use atalaya_tests::{
    harness::{Api, Options as Start},
    isp::{Founded, OWNER, PASSWORD, TENANT},
};
use clap::Parser;
use load::{Load, Measured};
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use table::{line, median, spread};

/// What is measured, and how long.
#[derive(Debug, Parser)]
struct Options {
    /// Customers of the tenant.
    #[arg(long, default_value_t = 100_000)]
    customers: u32,
    /// Runs of each figure.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds of a run.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections that ask at the same time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Serve the bare handler on this file instead of measuring.
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(file) = &options.bare {
        return runtime.block_on(bare::serve(file));
    }
    println!("load of this machine before: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    table::head();
    on("SQLite", None, &options)?;
    let postgres = runtime.block_on(postgres_database());
    on("PostgreSQL", Some(postgres), &options)
}

/// Measures on one database, the bare handler beside it where that is SQLite.
fn on(name: &str, database: Option<String>, options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = Some("[http]\ntrusted_proxies = [\"127.0.0.0/8\"]\n".to_owned());
    let start = Start {
        database: database.clone(),
        config,
        ..Start::in_folder(&folder.path().join("control-plane"))
    };
    let founded = Founded::start(start)?;
    let file = folder.path().join("control-plane/data/atalaya.db");
    let url = database.unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let runtime = tokio::runtime::Runtime::new()?;
    let ids = runtime.block_on(seed::customers(&url, &founded.tenant_id, options.customers))?;
    let peer = if url.starts_with("sqlite:") { Some(bare::Bare::start(&file)?) } else { None };

    let ours = founded.control_plane.http();
    let pid = founded.control_plane.process.id();
    let head = format!("Cookie: {}\r\n", founded.owner.cookie());
    let pages = pages(&founded.owner)?;
    let lists: Vec<_> = pages.iter().map(|page| load::get(&format!("/api/v1{page}"), &head)).collect();
    let ones: Vec<_> = ids.iter().map(|id| load::get(&format!("/api/v1/customers/{id}"), &head)).collect();
    let bare_lists: Vec<_> =
        seed::places(options.customers).map(|at| load::get(&format!("/list/{at}"), "")).collect();
    let bare_ones: Vec<_> = ids.iter().map(|id| load::get(&format!("/one/{id}"), "")).collect();

    for (work, requests, bare_requests, aim) in
        [("list 50 of them", &lists, &bare_lists, "half of bare"), ("read one", &ones, &bare_ones, "")]
    {
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            mine.push(measure(ours, pid, requests, options)?);
            if let Some(peer) = &peer {
                theirs.push(measure(peer.address, peer.pid(), bare_requests, options)?);
            }
        }
        print(&format!("{name}, {} customers: {work}", options.customers), &mine, &theirs, aim);
    }
    let entries: Vec<_> =
        (0..options.runs).map(|_| enter(ours, pid, options)).collect::<anyhow::Result<_>>()?;
    print(&format!("{name}: log-ins"), &entries, &[], "");
    Ok(())
}

/// Pages all over the list, by the cursors that the API gives.
fn pages(api: &Api) -> anyhow::Result<Vec<String>> {
    const PAGES: usize = 200;
    let mut pages = vec!["/customers?limit=50".to_owned()];
    let mut next = "/customers?limit=200".to_owned();
    while pages.len() < PAGES {
        let page = api.get(&next)?;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        pages.push(format!("/customers?limit=50&cursor={cursor}"));
        next = format!("/customers?limit=200&cursor={cursor}");
    }
    anyhow::ensure!(pages.len() > 1, "the list has one page: {}", api.get(&next)?);
    Ok(pages)
}

fn measure(
    address: SocketAddr,
    pid: u32,
    requests: &[Vec<u8>],
    options: &Options,
) -> anyhow::Result<Measured> {
    let load =
        Load { address, connections: options.connections, within: Duration::from_secs(options.seconds) };
    load.run(pid, requests)
}

/// Log-ins, as if each came from another address: those of one are limited.
fn enter(address: SocketAddr, pid: u32, options: &Options) -> anyhow::Result<Measured> {
    let body = json!({"tenant": TENANT, "email": OWNER, "password": PASSWORD}).to_string();
    let requests: Vec<_> = (0..20_000_u32)
        .map(|number| {
            let client = std::net::Ipv4Addr::from(0x0a00_0000 + number);
            load::post("/api/v1/session", &format!("X-Forwarded-For: {client}\r\n"), &body)
        })
        .collect();
    measure(address, pid, &requests, options).context("log-ins")
}

fn print(work: &str, ours: &[Measured], theirs: &[Measured], aim: &str) {
    let of =
        |all: &[Measured], figure: fn(&Measured) -> f64| -> Vec<f64> { all.iter().map(figure).collect() };
    let one = |what: &str, figure: fn(&Measured) -> f64, digits: usize, aim: &str| {
        let (mine, bare) = (of(ours, figure), of(theirs, figure));
        let peer = match (median(&mine), median(&bare)) {
            (Some(mine), Some(theirs)) => {
                format!("bare axum + SQLite {}, ours is {:.2} of it", spread(&bare, digits), mine / theirs)
            }
            _ => String::new(),
        };
        line(what, &spread(&mine, digits), aim, &peer);
    };
    one(&format!("{work}, a second"), |measured| measured.per_second, 0, aim);
    one("  99th percentile, ms", |measured| measured.p99_ms, 1, "");
    one("  CPU of the server, ms each", |measured| measured.cpu_ms, 3, "");
}
