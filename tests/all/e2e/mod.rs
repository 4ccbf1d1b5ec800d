//! The whole product: real processes, real sockets, on both databases.

#![allow(clippy::panic, clippy::print_stderr, reason = "a failed test, and what one that passed has to say")]

mod acme;
mod backup;
mod backup_store;
mod blobs;
mod browser;
mod credential;
mod cut_run;
mod diagnosing;
mod files;
mod https;
mod identity;
mod jobs;
mod keys;
mod latency;
mod limits;
mod logs;
mod mail;
mod main_job;
mod measured;
mod outage;
mod push;
mod repeated;
mod restore;
mod safe_mode;
mod samples;
mod schema;
mod sign_in;
mod tokens;
mod traces;
mod witness;

use atalaya_kernel::testing::{execute, postgres_database, postgres_urls};
use atalaya_tests::{
    harness::Options,
    isp::{Isp, Size, Subscriber},
};
use serde_json::{Value, json};
use std::path::Path;

/// Which database the control plane stands on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(crate) fn options(self, folder: &Path) -> Options {
        let database = match self {
            Self::Sqlite => None,
            Self::Postgres => Some(block_on(postgres_database())),
        };
        Options { database, ..Options::in_folder(&folder.join("control-plane")) }
    }

    /// Behind a proxy, which is the test: it may speak for clients of many addresses.
    pub(crate) fn options_behind_proxy(self, folder: &Path) -> Options {
        let config = Some(
            "[http]\ntrusted_proxies = [\"127.0.0.0/8\"]\n[single_sign_on]\nnetworks = [\"127.0.0.1\"]\n"
                .to_owned(),
        );
        Options { config, ..self.options(folder) }
    }

    /// The fictional ISP behind a proxy.
    pub(crate) fn isp_behind_proxy(self, folder: &Path, size: Size) -> Isp {
        Isp::start(folder, self.options_behind_proxy(folder), size).expect("the fictional ISP starts")
    }

    pub(crate) fn isp(self, folder: &Path, size: Size) -> Isp {
        Isp::start(folder, self.options(folder), size).expect("the fictional ISP starts")
    }
}

/// Waits for the harness's own work, outside of any runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a test has threads").block_on(future)
}

/// Writes into the database of a control plane what no program of ours writes.
pub(crate) fn by_hand(options: &Options, statement: &str) {
    block_on(async {
        let url = match &options.database {
            Some(url) => postgres_urls(url).await.superuser,
            None => format!("sqlite:{}", options.folder.join("data/atalaya.db").display()),
        };
        execute(&url, statement).await.expect("the statement is right");
    });
}

/// Whether full counts were asked for.
pub(crate) fn soak() -> bool {
    std::env::var("ATALAYA_TIER").is_ok_and(|tier| tier == "soak")
}

/// By the clock of this machine, which is everybody's here.
#[allow(clippy::disallowed_methods, reason = "the test compares with stamps of real processes")]
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292 million")
}

/// Bills a subscriber in the past, previews a run and executes it; the preview.
fn cut_by_run(isp: &Isp, debtor: &Subscriber) -> Value {
    let bill = json!({
        "customer_id": debtor.customer, "service_id": debtor.service, "description": "octubre",
        "amount": {"amount": 5_900, "currency": "PEN"}, "due_on": "2026-01-10",
    });
    isp.owner.post("/invoices", &bill).expect("an invoice can be issued");
    let run = isp.owner.post("/collections/runs", &json!({})).expect("a run can be previewed");
    let execute = format!("/collections/runs/{}/execute", run["id"].as_str().expect("a run has an id"));
    let wrong = isp.owner.post(&execute, &json!({"expected_services": 999}));
    assert_eq!(wrong.expect_err("the number is another").code(), "numbers_changed");
    isp.owner.post(&execute, &json!({"expected_services": 1})).expect("a run can be executed");
    run
}

/// Runs a test on each database.
macro_rules! on_each_database {
    ($name:ident) => {
        mod $name {
            #[test]
            fn sqlite() {
                super::$name($crate::e2e::Database::Sqlite);
            }
            #[test]
            fn postgres() {
                super::$name($crate::e2e::Database::Postgres);
            }
        }
    };
}
pub(crate) use on_each_database;
