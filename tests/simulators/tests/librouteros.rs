//! An independent client, librouteros, gets what the simulator holds.
//!
//! It runs as a process of its own (it is GPL; nothing of it is linked or copied), with the Python that
//! `ATALAYA_PYTHON` names or that of `tests/.venv`, which `packaging/setup.sh` makes from
//! `tests/requirements.lock`.

use std::path::{Path, PathBuf};

use atalaya_simulators::routeros::{RouterSim, SimConfig, Version};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client;

/// A Python that has librouteros, or why there is none.
async fn python() -> Result<PathBuf, String> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let python = std::env::var_os("ATALAYA_PYTHON").map_or_else(default, PathBuf::from);
    let found = Command::new(&python).args(["-c", "import librouteros"]).output().await;
    match found {
        Ok(output) if output.status.success() => Ok(python),
        Ok(_) => Err(format!("{} has no librouteros", python.display())),
        Err(error) => Err(format!("{}: {error}", python.display())),
    }
}

/// Runs the script against a router; `None` when there is no librouteros and that is allowed.
#[allow(clippy::print_stderr)] // says why it is skipped
async fn drive(sim: &RouterSim, method: &str) -> Option<Value> {
    let python = match python().await {
        Ok(python) => python,
        Err(reason) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "librouteros is missing: {reason}");
            eprintln!("skipped: {reason} (packaging/setup.sh installs it)");
            return None;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/drive.py");
    let run = Command::new(python)
        .arg(script)
        .args([sim.address().port().to_string().as_str(), method])
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(client::PATIENCE, run).await.expect("in time").expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "librouteros stumbled: {errors}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// What the router holds in one property of every secret, in order.
fn secrets(sim: &RouterSim, property: &str) -> Vec<String> {
    let rows = sim.rows("/ppp/secret").expect("menu");
    rows.into_iter().map(|row| row.get(property).cloned().unwrap_or_default()).collect()
}

async fn compare(version: Version, method: &str, wrong_password: &str) {
    let sim = RouterSim::start(SimConfig { version, ..SimConfig::isp(4, false) }).await.expect("starts");
    let whole: Value = json!(sim.rows("/ppp/secret").expect("menu")[0]);
    let Some(got) = drive(&sim, method).await else { return };

    assert_eq!(got["wrong_password"]["message"], wrong_password);
    assert_eq!(got["identity"], json!([{"name": "sim-router"}]));
    assert_eq!(got["all"], json!(["sub0001", "sub0002", "sub0003", "sub0004"]));
    let row = got["whole_row"].as_object().expect("a row");
    for (name, value) in whole.as_object().expect("a row") {
        // librouteros turns words into booleans and numbers.
        let text = match &row[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(text, value.as_str().expect("text"), "{name}");
    }
    assert_eq!(row.len(), whole.as_object().expect("a row").len(), "and no more: {row:?}");

    assert_eq!(got["equal"], json!(["sub0003"]));
    assert_eq!(got["unequal"], json!(["sub0001", "sub0002", "sub0004"]));
    assert_eq!(got["in"], json!(["sub0001", "sub0004"]));
    assert_eq!(got["or"], json!(["sub0001", "sub0003"]));
    assert_eq!(got["and"], json!(["sub0001", "sub0002", "sub0004"]));
    assert_eq!(got["greater"], json!(["sub0003", "sub0004"]));
    assert_eq!(got["nothing"], json!([]), "with or without !empty");
    assert_eq!(got["count"], json!([{"ret": 4}]));

    assert_eq!(got["comment"], json!([format!("Muñoz {}", "x".repeat(20_000))]));
    assert_eq!(got["changed"], json!([{"name": "ana", "disabled": true, "comment": "a=b"}]));
    assert_eq!(got["unset"], json!([{"name": "ana"}]));

    for (step, message) in [
        ("duplicate", "failure: secret with the same name already exists"),
        ("missing_profile", "input does not match any value of profile"),
        ("unknown_parameter", "unknown parameter"),
        ("unknown_menu", "no such command prefix"),
        ("bad_value", "invalid value for argument address"),
        ("gone", "no such item"),
    ] {
        assert_eq!(got[step]["message"], message, "{step}");
    }
    assert_eq!(got["bad_value"]["category"], 1);
    assert_eq!(got["quit"], "session terminated on request");
    assert_eq!(got["after_quit"], "closed");

    assert_eq!(secrets(&sim, "name"), ["sub0001", "sub0004", "ana"], "the router's own state");
    assert_eq!(secrets(&sim, "profile"), ["10M", "cut", "10M"]);
    assert_eq!(secrets(&sim, "disabled"), ["false", "false", "true"]);
    assert_eq!(json!(secrets(&sim, ".id")[2]), got["added"]);
    let rules = sim.rows("/ip/firewall/filter").expect("menu");
    let comments: Vec<String> = rows_comments(&rules);
    assert_eq!(json!(comments), got["rules"]);
    assert_eq!(comments[0], "first");
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.login_failures), (1, 1));
}

fn rows_comments(rows: &[std::collections::BTreeMap<String, String>]) -> Vec<String> {
    rows.iter().map(|row| row.get("comment").cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn with_the_plain_login_of_7_18() {
    compare(Version::new(7, 18, 2), "plain", "invalid user name or password (6)").await;
}

#[tokio::test]
async fn with_the_plain_login_of_6_49() {
    compare(Version::new(6, 49, 10), "plain", "invalid user name or password (6)").await;
}

#[tokio::test]
async fn with_the_challenge_of_6_42() {
    compare(Version::new(6, 42, 12), "token", "cannot log in").await;
}
