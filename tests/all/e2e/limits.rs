//! What is refused before it is looked at, and what stands with every answer: the rate of an ISP and of a key, the size of a body,
//! and headers for browsers.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Options, wait_for},
    isp::{Founded, OWNER, PASSWORD, TENANT},
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use ureq::http::{HeaderMap, Request};

const SOON: Duration = Duration::from_secs(60);

/// An answer as it came.
struct Said {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// That it is a problem document of a status and a code.
    fn demand_problem(&self, status: u16, code: &str) {
        let told = (self.status, self.body["code"].as_str(), self.body["status"].as_u64());
        assert_eq!(told, (status, Some(code), Some(status.into())), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
    }

    /// What stands with every answer; nothing here speaks HTTPS.
    fn demand_headers(&self, of_what: &str) {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(self.header(name), value, "{of_what}: {name}");
        }
    }
}

fn ask(address: SocketAddr, method: &str, path: &str, key: Option<&str>, body: Vec<u8>) -> Said {
    let key = key.map(|key| format!("Bearer {key}"));
    ask_with(address, method, path, key.as_deref().map(|key| ("authorization", key)), body)
}

fn ask_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    header: Option<(&str, &str)>,
    body: Vec<u8>,
) -> Said {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.header("content-type", "application/json").body(body).expect("a request");
    let mut answer = agent.run(request).expect("an answer");
    let text = answer.body_mut().read_to_string().expect("a text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Said { status: answer.status().as_u16(), headers: answer.headers().clone(), body }
}

on_each_database!(a_key_and_an_isp_may_ask_so_often_a_minute);

fn a_key_and_an_isp_may_ask_so_often_a_minute(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Founded::start(database.options(folder.path())).expect("it starts");
    let address = isp.control_plane.http();
    let key = |name: &str, limit: Option<i64>| {
        let new = json!({"name": name, "permissions": ["site.read"], "requests_per_minute": limit});
        let made = isp.owner.post("/api-keys", &new).expect("a key can be made");
        made["token"].as_str().expect("it is shown once").to_owned()
    };
    let (slow, free) = (key("Web", Some(5)), key("Contabilidad", None));
    let sites = |key: &str| ask(address, "GET", "/api/v1/sites", Some(key), Vec::new());

    let first = sites(&slow);
    assert_eq!((first.status, first.header("ratelimit-policy")), (200, "\"key\";q=5;w=60"));
    demand_refusal(&slow, "key", 5, &sites);
    assert_eq!(sites(&free).status, 200, "another key asks on");
    isp.owner.get("/sites").expect("and so do people");

    let plan = ["platform", "plan", "create", "--name", "Inicio", "--contact", "ventas@hosting.example"];
    let plan = [&plan[..], &["--requests-per-minute", "60"]].concat();
    isp.control_plane.command(&plan, "").expect("a plan can be made");
    let given = ["platform", "tenant", "plan", "--tenant", TENANT, "--plan", "Inicio"];
    isp.control_plane.command(&given, "").expect("and given");
    demand_refusal(&free, "tenant", 60, &sites);
    let refused = wait_for("people to be refused too", SOON, || isp.owner.get("/sites").err());
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
}

/// Asks until it is too often. A minute may end meanwhile, and another begin.
fn demand_refusal(key: &str, subject: &str, limit: u64, ask: &dyn Fn(&str) -> Said) {
    let refused = wait_for("a request too many", SOON, || Some(ask(key)).filter(|said| said.status != 200));
    refused.demand_problem(429, "rate_limited");
    refused.demand_headers("a request too many");
    assert_eq!(refused.header("ratelimit-policy"), format!("\"{subject}\";q={limit};w=60"));
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait} s");
    assert_eq!(refused.header("ratelimit"), format!("\"{subject}\";r=0;t={wait}"));
    assert_eq!(refused.body["params"]["retry_after_s"], wait);
}

#[test]
fn a_body_is_of_a_mebibyte_at_most_and_every_answer_has_its_headers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Founded::start(Options::in_folder(folder.path())).expect("it starts");
    let address = isp.control_plane.http();
    let new = json!({"name": "Web", "permissions": ["site.read", "site.write"]});
    let key = isp.owner.post("/api-keys", &new).expect("a key can be made");
    let key = key["token"].as_str().expect("it is shown once");
    let site = |letters: usize| {
        let body = json!({"name": "a".repeat(letters)}).to_string().into_bytes();
        ask(address, "POST", "/api/v1/sites", Some(key), body)
    };
    let refused = site(1 << 20);
    refused.demand_problem(413, "body_too_large");
    assert_eq!(refused.body["params"]["limit"], 1 << 20);
    site((1 << 20) - 100).demand_problem(422, "invalid");
    let sites = isp.owner.get("/sites").expect("sites can be listed");
    assert_eq!(sites["items"], json!([]), "nothing was made");

    let metrics = ask(address, "GET", "/metrics", None, Vec::new());
    let metrics = metrics.body.as_str().expect("a text");
    for line in [
        "atalaya_http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/sites\",status=\"4xx\"} 2\n",
        "atalaya_database_writer_wait_seconds_bucket{priority=\"interactive\",le=\"+Inf\"} ",
        "atalaya_deliveries{state=\"dead\"} 0\n",
        "atalaya_jobs{state=\"dead\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }

    refused.demand_headers("a body that is too large");
    for (path, key, status) in [
        ("/", None, None),
        ("/customers/unknown", None, None),
        ("/assets/none.js", None, Some(404)),
        ("/healthz", None, Some(200)),
        ("/api/openapi.json", None, Some(200)),
        ("/api/v1/login-options", None, Some(200)),
        ("/api/v1/sites", Some(key), Some(200)),
        ("/api/v1/sites", None, Some(401)),
        ("/api/v1/customers", Some(key), Some(403)),
        ("/api/v1/nowhere", Some(key), Some(404)),
    ] {
        let said = ask(address, "GET", path, key, Vec::new());
        assert!(status.is_none_or(|status| status == said.status), "{path}: {}", said.status);
        said.demand_headers(path);
        if said.header("content-type").starts_with("text/html") {
            assert!(said.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        }
    }
}

/// Somebody tries e-mails from an address until it has to wait.
fn use_up(log_in: &dyn Fn(&str, Option<&str>) -> Said) {
    for number in 0..60 {
        let said = log_in(&format!("nobody-{number}@netandina.example"), None);
        if said.status == 429 {
            return said.demand_problem(429, "rate_limited");
        }
        assert_eq!(said.status, 401, "{}", said.body);
    }
    panic!("an address may try 60 times");
}

#[test]
fn a_known_browser_is_let_through_where_strangers_used_the_address_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Founded::start(Options::in_folder(folder.path())).expect("it starts");
    let address = isp.control_plane.http();
    let log_in = |email: &str, browser: Option<&str>| {
        let body = json!({"tenant": TENANT, "email": email, "password": PASSWORD}).to_string();
        let cookie = browser.map(|browser| format!("atalaya_browser={browser}"));
        let cookie = cookie.as_deref().map(|cookie| ("cookie", cookie));
        ask_with(address, "POST", "/api/v1/session", cookie, body.into_bytes())
    };
    let entered = log_in(OWNER, None);
    assert_eq!(entered.status, 200, "{}", entered.body);
    let cookies = entered.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let known = cookies.filter_map(|cookie| cookie.strip_prefix("atalaya_browser=")).next();
    let known = known.and_then(|cookie| cookie.split(';').next()).expect("the browser is known from now on");

    for _ in 0..3 {
        use_up(&log_in);
        assert_eq!(log_in(OWNER, Some(known)).status, 200, "it is not the one that guesses");
    }
    use_up(&log_in);
    // One more may be free again every three seconds.
    let refused = (0..5).filter(|_| log_in(OWNER, Some("made-up")).status == 429).count();
    assert!(refused >= 3, "a browser that nobody knows waits with its address: {refused}");
    let refused = wait_for("the known browser to have asked too often itself", SOON, || {
        Some(log_in(OWNER, Some(known))).filter(|said| said.status == 429)
    });
    refused.demand_problem(429, "rate_limited");
}
