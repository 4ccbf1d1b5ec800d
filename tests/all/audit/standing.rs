//! What the operator of an installation decides of an ISP, as its people meet it: a limit, read-only, a visit, a host name.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, bytes},
    isp::{Founded, LOGO, OWNER, PASSWORD, TENANT},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

on_each_database!(a_running_server_holds_what_the_operator_decides);

fn a_running_server_holds_what_the_operator_decides(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let founded = Founded::start(database.options(folder.path())).expect("it starts");
    limits(&founded);
    read_only(&founded);
    visit(&founded);
    hosts(&founded);
}

fn run(founded: &Founded, command: &[&str], input: &str) -> String {
    founded.control_plane.command(command, input).expect("the command is right")
}

fn limits(founded: &Founded) {
    let plan = [
        "platform",
        "plan",
        "create",
        "--name",
        "Inicio",
        "--customers",
        "1",
        "--contact",
        "ventas@hosting.example",
    ];
    run(founded, &plan, "");
    run(founded, &["platform", "tenant", "plan", "--tenant", TENANT, "--plan", "Inicio"], "");
    founded.owner.post("/customers", &json!({"name": "Rosa"})).expect("there is room for one");
    let refused = founded.owner.post("/customers", &json!({"name": "Luis"})).expect_err("and no more");
    assert_eq!((refused.status, refused.code()), (409, "plan_limit_reached"), "{refused}");
    assert_eq!(refused.problem["params"]["contact"], "ventas@hosting.example");
    let usage = founded.owner.get("/tenant/use").expect("the use can be read");
    let customers = &usage["limits"][0];
    assert_eq!(
        (&customers["limit"], &customers["used"], &customers["allowed"]),
        (&json!("customers"), &json!(1), &json!(1))
    );
    run(founded, &["platform", "tenant", "plan", "--tenant", TENANT], "");
    founded.owner.post("/customers", &json!({"name": "Luis"})).expect("nothing is limited");
}

fn read_only(founded: &Founded) {
    let owner = &founded.owner;
    let key = owner
        .post("/api-keys", &json!({"name": "Web", "permissions": ["site.write"]}))
        .expect("a key can be made");
    let program = Api::with_key(founded.control_plane.http(), key["token"].as_str().expect("a token"));
    let state = |state: &str| {
        let set =
            ["platform", "tenant", "state", "--tenant", TENANT, "--state", state, "--reason", "no ha pagado"];
        run(founded, &set, "");
    };
    state("read_only");
    let site = json!({"name": "Cerro Alto"});
    for (who, refused) in
        [("the owner", owner.post("/sites", &site)), ("a program", program.post("/sites", &site))]
    {
        let refused = refused.expect_err("nothing is changed");
        assert_eq!((refused.status, refused.code()), (409, "tenant_read_only"), "{who}: {refused}");
        assert_eq!(refused.problem["params"]["reason"], "no ha pagado", "{who}");
    }
    let version = owner.get("/tenant").expect("it can be read")["version"].as_i64().expect("a version");
    let refused = owner.patch("/tenant", version, &json!({"grace_days": 9})).expect_err("nor the settings");
    assert_eq!(refused.code(), "tenant_read_only");
    let session = owner.get("/session").expect("people look and log in");
    assert_eq!(
        (&session["tenant"]["state"], &session["tenant"]["state_reason"]),
        (&json!("read_only"), &json!("no ha pagado"))
    );
    let other = founded.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("they log in");
    other.call("DELETE", "/session", None, None).expect("and out");
    state("active");
    owner.post("/sites", &site).expect("as before");
}

fn visit(founded: &Founded) {
    let make = ["platform", "operator", "create", "--email", "olga@hosting.example", "--name", "Olga Norte"];
    run(founded, &make, PASSWORD);
    let olga =
        Api::operator(founded.control_plane.http(), "olga@hosting.example", PASSWORD).expect("she logs in");
    let tenants = olga.get("/platform/tenants").expect("she sees tenants");
    assert_eq!(
        (&tenants["items"][0]["slug"], &tenants["items"][0]["usage"]["limits"][0]["used"]),
        (&json!(TENANT), &json!(2))
    );
    assert!(!tenants.to_string().contains("Rosa"), "and no customer: {tenants}");
    assert_eq!(olga.get("/customers").expect_err("nor asks for them").status, 401);
    let inside = olga.visit(&founded.tenant_id, &json!({"reason": "ticket 4711"})).expect("she enters");
    let session = inside.get("/session").expect("she is there");
    assert_eq!(
        (&session["visit"]["reason"], &session["user"]["name"]),
        (&json!("ticket 4711"), &json!("Olga Norte"))
    );
    assert!(inside.get("/customers").is_ok());
    let refused = inside.post("/sites", &json!({"name": "X"})).expect_err("she may look");
    assert_eq!((refused.status, refused.code()), (403, "permission_missing"));
    let visits = founded.owner.get("/operator-visits").expect("the owner sees it");
    let id = visits["items"][0]["id"].as_str().expect("a visit").to_owned();
    assert_eq!(visits["items"][0]["open"], true);
    let state = |state: &str| {
        let set = ["platform", "tenant", "state", "--tenant", TENANT, "--state", state, "--reason", "prueba"];
        run(founded, &set, "");
    };
    state("read_only");
    let end = format!("/operator-visits/{id}");
    founded.owner.call("DELETE", &end, None, None).expect("and ends it, whatever the ISP may do else");
    state("active");
    assert_eq!(inside.get("/customers").expect_err("at once").status, 401);
    let writer = json!({"reason": "ticket 4712", "permissions": ["site.write"]});
    let inside = olga.visit(&founded.tenant_id, &writer).expect("she enters again");
    inside.post("/sites", &json!({"name": "Loma Verde"})).expect("with the right that she named");
    let rows = founded.owner.get("/audit?actor_kind=operator&action=site.*").expect("the trail can be read");
    assert_eq!(rows["items"][0]["actor_name"], "Olga Norte", "{rows}");
    inside.call("DELETE", "/session", None, None).expect("she leaves");
    assert_eq!(inside.get("/session").expect_err("and is gone").status, 401);
}

/// What a browser is answered before log-in, by the host that it asked: head, and body.
fn asked(address: SocketAddr, host: &str, path: &str, header: &str) -> (String, Vec<u8>) {
    let mut connection = TcpStream::connect(address).expect("the server listens");
    let request = format!("GET /api/v1{path} HTTP/1.1\r\nHost: {host}\r\n{header}Connection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("it takes a request");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("with a body");
    let body = answer.split_off(end + 4);
    (String::from_utf8_lossy(&answer).to_lowercase(), body)
}

fn login_options(address: SocketAddr, host: &str) -> Value {
    let (head, body) = asked(address, host, "/login-options", "");
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {head}"))
}

/// The logo is shown by the host that selects the ISP, and tells nobody else that there is one.
fn logo_by_host(founded: &Founded) {
    let address = founded.control_plane.http();
    let own = "red.netandina.example";
    let logo =
        |host: &str, query: &str, header: &str| asked(address, host, &format!("/brand/logo{query}"), header);
    assert!(logo(own, "", "").0.contains(" 404 "), "there is none yet");
    founded.owner.call("PUT", "/tenant/logo", None, Some(&bytes(LOGO))).expect("the owner gives it one");
    let (head, body) = logo(own, "?theme=dark", "");
    assert!(head.contains(" 200 ") && body == LOGO, "{head}");
    for line in [
        "content-type: image/png",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; sandbox",
        "cache-control: public, max-age=300",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    let tag = head.split("etag: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("an ETag");
    let (head, body) = logo(own, "", &format!("If-None-Match: {tag}\r\n"));
    assert!(head.contains(" 304 ") && body.is_empty(), "{head}");
    let chosen = format!("?tenant={TENANT}");
    assert!(logo("localhost:8080", &chosen, "").0.contains(" 200 "), "where ISPs can be chosen");
    for (host, query) in
        [("localhost:8080", ""), ("localhost:8080", "?tenant=nobody"), ("elsewhere.example", &chosen)]
    {
        let (head, body) = logo(host, query, "");
        assert!(
            head.contains(" 404 ") && !String::from_utf8_lossy(&body).contains(TENANT),
            "{host}{query}: {head}"
        );
    }
    let svg = bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    let refused = founded.owner.call("PUT", "/tenant/logo", None, Some(&svg)).err().expect("it is refused");
    assert_eq!((refused.status, &refused.problem["errors"][0]["pointer"]), (422, &json!("/logo")));
    let heavy = bytes(&vec![0; 300_000]);
    let refused = founded.owner.call("PUT", "/tenant/logo", None, Some(&heavy)).err().expect("it is refused");
    assert_eq!(refused.problem["errors"][0]["code"], "too_large");
}

fn hosts(founded: &Founded) {
    let address = founded.control_plane.http();
    run(
        founded,
        &["platform", "tenant", "domain", "--tenant", TENANT, "--domain", "red.netandina.example"],
        "",
    );
    let own = login_options(address, "Red.NetAndina.example:8080");
    assert_eq!((&own["tenant"]["slug"], &own["tenants"]), (&json!(TENANT), &json!([])));
    for local in ["localhost:8080", "127.0.0.1", "[::1]:8080"] {
        assert_eq!(login_options(address, local)["tenants"][0]["slug"], TENANT, "{local}");
    }
    let world = login_options(address, "elsewhere.example");
    assert_eq!(
        world,
        json!({"can_ask_link": false, "tenant": null, "tenants": []}),
        "nobody is told which ISPs there are"
    );
    logo_by_host(founded);
}
