//! Lines of the log as a collector reads them.

use atalaya_tests::{harness::Options, isp::Founded};
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields of the line of a request of somebody of an ISP; no more, for what is told is decided and not left to chance.
const OF_A_REQUEST: [&str; 12] = [
    "action",
    "duration_ms",
    "ip",
    "level",
    "message",
    "request_id",
    "service",
    "status",
    "target",
    "tenant",
    "timestamp",
    "user",
];

#[test]
fn a_request_is_one_object_with_these_fields() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { log_json: true, ..Options::in_folder(folder.path()) };
    let isp = Founded::start(options).expect("it starts");
    let asked = isp.owner.call("GET", "/sites?limit=1", None, None).expect("it answers");
    let log = isp.control_plane.process.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.iter().all(|line| line["service"] == "atalaya"), "{log}");
    let of_it: Vec<&Value> = lines.iter().filter(|line| line["request_id"] == *asked.request_id).collect();
    let [line] = of_it[..] else { panic!("one line a request: {of_it:?}") };
    let fields: BTreeSet<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(OF_A_REQUEST), "{line}");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["action"], "GET /api/v1/sites", "the query stays out");
    assert_eq!(line["tenant"], isp.tenant_id.as_str());
    assert_eq!(line["user"], isp.owner_id.as_str());
    assert_eq!(line["ip"], "127.0.0.1");
    assert!(line["duration_ms"].as_i64().is_some_and(|took| (0..60_000).contains(&took)), "{line}");
    let written = line["timestamp"].as_str().unwrap_or_default();
    assert!(written.starts_with("20") && written.ends_with('Z'), "{line}");
}
