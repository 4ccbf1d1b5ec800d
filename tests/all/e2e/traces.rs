//! Traces: what reaches a collector, what must not, and that one which is away, hangs or refuses is nobody's problem.

use super::{Database, now_ms, on_each_database};
use atalaya_tests::{
    harness::{Api, COLLECTOR_KEY, Collector, ControlPlane, Options, wait_for, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const SOON: Duration = Duration::from_secs(60);
/// What people and programs say, in all places in which they can. None of it may leave.
const PLANTED: &str = "Plantado7f3c";

struct Scene {
    isp: Founded,
    collector: Collector,
}

/// An ISP whose control plane exports, with more settings in front; none where the collector cannot run.
fn scene(database: Database, folder: &Path, settings: &str) -> Option<Scene> {
    let collector = Collector::start(&folder.join("collector")).expect("it starts")?;
    let config = Some(format!("{settings}\n{}", collector.settings()));
    let options = Options { config, log_json: true, ..database.options(folder) };
    Some(Scene { isp: Founded::start(options).expect("it starts"), collector })
}

impl Scene {
    fn control_plane(&self) -> &ControlPlane {
        &self.isp.control_plane
    }

    /// The span that fits, once it is there.
    fn span(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, SOON, || self.collector.spans().expect("it writes spans").into_iter().find(&fits))
    }

    fn of_request(&self, id: &str) -> Value {
        self.span("the span of a request", |span| span["attributes"]["atalaya.request.id"] == id)
    }

    /// The line of the log that tells of a request.
    fn line(&self, id: &str) -> Value {
        let lines = self.control_plane().process.log();
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .find(|line| line["request_id"] == id && line["message"] == "request")
            .expect("each request has a line")
    }

    /// Asks for a page of the machine's own; the status, and how long it took, ms.
    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String, i64) {
        let url = format!("http://{}{path}", self.control_plane().http());
        let begun = now_ms();
        let request =
            headers.iter().fold(ureq::get(&url), |request, (name, value)| request.header(*name, *value));
        let mut answer = request.config().http_status_as_error(false).build().call().expect("it answers");
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        (answer.status().as_u16(), text, now_ms() - begun)
    }

    /// A figure of the export.
    fn figure(&self, outcome: &str) -> u64 {
        let (_, text, _) = self.ask("/metrics", &[]);
        let name = format!("atalaya_trace_spans_total{{outcome=\"{outcome}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name)).expect("it is told");
        line.parse().expect("a number")
    }
}

on_each_database!(spans_arrive_and_nothing_that_was_said_does);

fn spans_arrive_and_nothing_that_was_said_does(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Every statement is slow: what is said of them is looked at too.
    let Some(scene) = scene(database, folder.path(), "[log]\nslow_query_ms = 0") else { return };
    said_everywhere(&scene);
    a_request(&scene);
    a_request_that_is_refused(&scene);
    work_behind_it(&scene);
    no_trace_of_a_stranger(&scene);
    wait_until("what arrived to be counted", SOON, || scene.figure("exported") > 10);
    assert_eq!((scene.figure("failed"), scene.figure("dropped")), (0, 0));

    let bytes = scene.collector.bytes();
    let log = scene.control_plane().process.log();
    for secret in [PLANTED, PASSWORD, OWNER, COLLECTOR_KEY, "NetAndina", "Rosa"] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} left");
    }
    assert!(!log.contains(COLLECTOR_KEY), "the log says more than it may");
    let call = &scene.collector.calls().expect("it writes calls")[0];
    assert_eq!(call["path"], "/v1/traces");
    assert_eq!(call["headers"]["authorization"], format!("Bearer {COLLECTOR_KEY}"));
    assert_eq!(call["headers"]["content-type"], "application/x-protobuf");
}

/// In bodies, headers, queries, paths.
fn said_everywhere(scene: &Scene) {
    let (address, owner) = (scene.control_plane().http(), &scene.isp.owner);
    assert!(Api::log_in(address, TENANT, "nadie@netandina.example", PLANTED).is_err());
    assert!(Api::with_key(address, &format!("atk_{PLANTED}")).get("/sites").is_err());
    let name = format!("{PLANTED} Quispe");
    owner
        .post("/customers", &json!({"name": name, "phone": "910000001", "address": PLANTED}))
        .expect("a customer can be made");
    owner.get(&format!("/customers?q={PLANTED}")).expect("it can be looked for");
    assert!(owner.get(&format!("/customers/{PLANTED}")).is_err());
    assert!(owner.get(&format!("/{PLANTED}/{PLANTED}")).is_err());
    scene.ask(&format!("/{PLANTED}?{PLANTED}={PLANTED}"), &[("user-agent", PLANTED), ("referer", PLANTED)]);
}

fn a_request(scene: &Scene) {
    let asked = scene.isp.owner.call("GET", "/customers?q=abc", None, None).expect("it answers");
    let span = scene.of_request(&asked.request_id);
    assert_eq!((&span["name"], &span["kind"]), (&json!("GET /api/v1/customers"), &json!("SPAN_KIND_SERVER")));
    let wanted = json!({
        "http.request.method": "GET",
        "http.route": "/api/v1/customers",
        "http.response.status_code": 200,
        "atalaya.request.id": asked.request_id,
        "atalaya.tenant.id": scene.isp.tenant_id,
    });
    assert_eq!(span["attributes"], wanted);
    assert_eq!((&span["parent"], &span["status"]), (&json!(""), &json!("STATUS_CODE_UNSET")));
    assert!(span["took_ms"].as_f64().is_some_and(|took| took > 0.0 && took < 60_000.0), "{span}");
    assert_eq!(scene.line(&asked.request_id)["trace_id"], span["trace"], "the log names the trace");
    let resource = &span["resource"];
    assert_eq!(
        (&resource["service.name"], &resource["deployment.environment.name"]),
        (&json!("atalaya"), &json!("development"))
    );
    assert!(
        resource["service.version"].is_string() && resource["service.instance.id"].is_string(),
        "{resource}"
    );
    let statement = &span["events"][0];
    assert_eq!(statement["name"], "slow statement", "{span}");
    assert!(statement["attributes"]["summary"].is_string(), "{statement}");
}

fn a_request_that_is_refused(scene: &Scene) {
    let body = json!({"tenant": TENANT, "email": OWNER, "password": PLANTED});
    let refused = Api::anonymous(scene.control_plane().http()).post("/session", &body);
    let problem = refused.expect_err("the password is wrong").problem;
    let id = problem["request_id"].as_str().expect("a problem names its request");
    let span = scene.of_request(id);
    assert_eq!(
        (&span["name"], &span["attributes"]["http.response.status_code"]),
        (&json!("POST /api/v1/session"), &json!(401))
    );
    assert_eq!(scene.line(id)["trace_id"], span["trace"]);
}

/// Jobs that are run, and events that are delivered.
fn work_behind_it(scene: &Scene) {
    // The first start asks for one.
    let job = scene.span("the span of a job", |span| span["name"] == "job blobs.sweep");
    assert_eq!((&job["attributes"]["atalaya.attempt"], &job["parent"]), (&json!(1), &json!("")));
    assert!(job["attributes"]["atalaya.job.id"].is_string(), "{job}");
    let owner = &scene.isp.owner;
    let site = id_of(&owner.post("/sites", &json!({"name": PLANTED})).expect("a site")).expect("with an id");
    let plan = json!({"name": PLANTED, "download_bps": 1_000_000, "upload_bps": 1_000_000, "price": {"amount": 5_900, "currency": "PEN"}});
    let plan = id_of(&owner.post("/plans", &plan).expect("a plan")).expect("with an id");
    let customer = json!({"name": PLANTED, "document": "40000009", "phone": "910000009", "address": PLANTED});
    let customer = id_of(&owner.post("/customers", &customer).expect("a customer")).expect("with an id");
    let service =
        json!({"customer_id": customer, "plan_id": plan, "site_id": site, "starts_on": "2026-01-01"});
    owner.post("/services", &service).expect("a service");
    let span = scene.span("the span of a delivery", |span| {
        span["name"].as_str().is_some_and(|name| name.starts_with("delivery "))
    });
    let attributes = &span["attributes"];
    assert_eq!(attributes["atalaya.tenant.id"], scene.isp.tenant_id);
    assert_eq!(attributes["atalaya.attempt"], 1);
    assert!(
        attributes["atalaya.event.id"].is_string() && attributes["atalaya.subscriber"].is_string(),
        "{span}"
    );
}

const SENT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traceparent() -> String {
    format!("00-{SENT}-00f067aa0ba902b7-01")
}

fn no_trace_of_a_stranger(scene: &Scene) {
    let id = "of-a-stranger-1";
    scene.ask("/healthz", &[("traceparent", &traceparent()), ("x-request-id", id)]);
    let span = scene.of_request(id);
    assert_eq!(span["name"], "GET /healthz");
    assert!(span["trace"] != SENT && span["parent"] == "", "{span}");
}

#[test]
fn the_trace_of_a_trusted_proxy_is_continued() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(collector) = Collector::start(&folder.path().join("collector")).expect("it starts") else {
        return;
    };
    let settings = collector.settings();
    let config = Some(format!(
        "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n{settings}from_proxies = true\nratio = 0.0\n"
    ));
    let options =
        Options { config, log_json: true, ..Options::in_folder(&folder.path().join("control-plane")) };
    let isp = Founded::start(options).expect("it starts");
    let scene = Scene { isp, collector };
    let id = "of-the-proxy-1";
    let headers = [("traceparent", &*traceparent()), ("tracestate", "vendor=abc"), ("x-request-id", id)];
    scene.ask("/healthz", &headers);
    let span = scene.of_request(id);
    assert_eq!((&span["trace"], &span["parent"]), (&json!(SENT), &json!("00f067aa0ba902b7")));
    assert_eq!(span["state"], "", "what others wrote does not go on");
    // Nothing else was chosen, and the log names no trace that is not there.
    let asked = scene.isp.owner.call("GET", "/sites", None, None).expect("it answers");
    assert!(scene.line(&asked.request_id)["trace_id"].is_null());
    assert_eq!(scene.collector.spans().expect("it writes spans").len(), 1);
}

#[test]
fn a_collector_that_is_away_is_nobodys_problem() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(mut scene) = scene(Database::Sqlite, folder.path(), "") else { return };
    it_hangs(&scene);
    stopped_while_it_hangs(&mut scene);
    it_refuses(&scene);
    stopped_while_it_takes(&mut scene);
}

fn it_hangs(scene: &Scene) {
    scene.collector.mode("hang").expect("it can be told");
    let mut slowest = 0;
    // More than may wait.
    wait_until("spans to be dropped", Duration::from_secs(120), || {
        for _ in 0..200 {
            let (status, _, took) = scene.ask("/healthz", &[]);
            assert_eq!(status, 200);
            slowest = slowest.max(took);
        }
        scene.figure("dropped") > 0
    });
    assert!(
        slowest < 2_500,
        "a request took {slowest} ms: as long as the collector let itself be waited for"
    );
    let (_, text, _) = scene.ask("/metrics", &[]);
    let waiting = text.lines().find_map(|line| line.strip_prefix("atalaya_trace_spans_waiting "));
    let waiting: u64 = waiting.and_then(|text| text.parse().ok()).expect("it is told");
    assert!(waiting <= 2_048, "{waiting} wait");
    wait_until("a batch to be given up", SOON, || scene.figure("failed") > 0);
    let told = |log: &str| log.matches("spans do not reach the collector").count();
    wait_until("the log to say so", SOON, || told(&scene.control_plane().process.log()) > 0);
    assert!(told(&scene.control_plane().process.log()) <= 2, "at most once a minute");
}

fn stopped_while_it_hangs(scene: &mut Scene) {
    let begun = now_ms();
    scene.isp.control_plane.process.stop(Duration::from_secs(20)).expect("it stops");
    let took = now_ms() - begun;
    assert!(took < 10_000, "the stop took {took} ms");
    assert!(scene.control_plane().process.log().contains("left behind at the stop"));
    scene.collector.mode("ok").expect("it can be told");
    scene.isp.control_plane.restart(None).expect("it starts again");
}

fn it_refuses(scene: &Scene) {
    scene.collector.mode("503").expect("it can be told");
    scene.ask("/healthz", &[]);
    wait_until("a batch to be given up", SOON, || scene.figure("failed") > 0);
    scene.collector.mode("429").expect("it can be told");
    let before = scene.figure("failed");
    scene.ask("/healthz", &[]);
    wait_until("another one", SOON, || scene.figure("failed") > before);
    scene.collector.mode("ok").expect("it can be told");
    scene.ask("/healthz", &[("x-request-id", "after-the-refusal")]);
    scene.of_request("after-the-refusal");
}

/// What waits leaves before the process ends.
fn stopped_while_it_takes(scene: &mut Scene) {
    scene.ask("/healthz", &[("x-request-id", "the-last-one")]);
    scene.isp.control_plane.process.stop(Duration::from_secs(20)).expect("it stops");
    let spans = scene.collector.spans().expect("it writes spans");
    assert!(spans.iter().any(|span| span["attributes"]["atalaya.request.id"] == "the-last-one"));
}
