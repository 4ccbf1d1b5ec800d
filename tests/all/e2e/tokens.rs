//! Tokens of programs, as a client that others wrote reads them, and as a running server takes them.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, python, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

const SOON: Duration = Duration::from_secs(30);
const OURS: &str = "red.netandina.example";
const THEIRS: &str = "otra.example";

on_each_database!(a_program_acts_for_a_person);

fn a_program_acts_for_a_person(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let founded = Founded::start(database.options(folder.path())).expect("it starts");
    let pair = grant(&founded);
    another_client_agrees(&founded, &pair);
    a_host_is_one_tenants(&founded, &pair);
    a_read_only_tenant(&founded, &pair);
    let pair = a_key_is_replaced(&founded, &pair);
    a_stream_ends_with_its_family(&founded, &pair);
}

fn http(founded: &Founded) -> SocketAddr {
    founded.control_plane.http()
}

fn run(founded: &Founded, command: &[&str], input: &str) -> String {
    founded.control_plane.command(command, input).expect("the command is right")
}

fn grant(founded: &Founded) -> Value {
    let wanted = json!({"tenant": TENANT, "email": OWNER, "password": PASSWORD, "name": "Contabilidad"});
    Api::anonymous(http(founded)).post("/tokens", &wanted).expect("the password is right")
}

fn access(pair: &Value) -> &str {
    pair["access_token"].as_str().expect("it is shown once")
}

fn program(founded: &Founded, pair: &Value) -> Api {
    Api::with_key(http(founded), access(pair))
}

fn refresh(founded: &Founded, pair: &Value) -> Value {
    let token = json!({"refresh_token": pair["refresh_token"]});
    Api::anonymous(http(founded)).post("/tokens/refresh", &token).expect("it is good")
}

/// PyJWT verifies a token with the keys that we publish; what it forges from them lets nobody in.
fn another_client_agrees(founded: &Founded, pair: &Value) {
    let Some(python) = python(&["jwt", "cryptography"]) else { return };
    let mut child = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/tokens.py"))
        .arg(format!("http://{}/.well-known/jwks.json", http(founded)))
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the script starts");
    let mut input = child.stdin.take().expect("it has an input");
    writeln!(input, "{}", access(pair)).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let said: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    assert_eq!((&said["header"]["alg"], &said["header"]["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let claims = &said["claims"];
    assert_eq!((&claims["sub"], &claims["tenant"]), (&json!(founded.owner_id), &json!(founded.tenant_id)));
    assert_eq!(claims["client_id"], pair["family_id"]);
    let seconds = |name: &str| claims[name].as_i64().expect("seconds");
    assert_eq!(seconds("exp") - seconds("iat"), 600);
    let forged = said["forged"].as_object().expect("forged tokens");
    assert!(forged.len() >= 8);
    for (what, token) in forged {
        let refused = Api::with_key(http(founded), token.as_str().expect("a token")).get("/customers");
        let refused = refused.expect_err(what);
        assert_eq!((refused.status, refused.code()), (401, "unauthenticated"), "{what}");
    }
    program(founded, pair).get("/customers").expect("the true one lets in");
}

fn a_host_is_one_tenants(founded: &Founded, pair: &Value) {
    let other = ["--slug", "otra-red", "--name", "Otra Red", "--country", "PE", "--currency", "PEN"];
    let zone = ["--time-zone", "America/Lima"];
    run(founded, &[&["admin", "tenant", "create"][..], &other[..], &zone[..]].concat(), "");
    for (tenant, domain) in [(TENANT, OURS), ("otra-red", THEIRS)] {
        run(founded, &["platform", "tenant", "domain", "--tenant", tenant, "--domain", domain], "");
    }
    let program = || program(founded, pair);
    program().asking(OURS).get("/customers").expect("at home");
    program().asking("elsewhere.example").get("/customers").expect("a host that selects nobody");
    let refused = program().asking(THEIRS).get("/customers").expect_err("another tenant's host");
    assert_eq!((refused.status, refused.code()), (401, "unauthenticated"));
    let wanted = json!({"tenant": TENANT, "email": OWNER, "password": PASSWORD, "name": "Contabilidad"});
    let there = Api::anonymous(http(founded)).asking(THEIRS);
    let refused = there.post("/tokens", &wanted).expect_err("the host selects the tenant");
    assert_eq!((refused.status, refused.code()), (401, "wrong_login"));
    let token = json!({"refresh_token": pair["refresh_token"]});
    assert_eq!(there.post("/tokens/refresh", &token).expect_err("it is nothing there").status, 401);
    there.post("/tokens/revoke", &token).expect("as good as revoked");
    program().get("/customers").expect("and goes on here");
}

fn a_read_only_tenant(founded: &Founded, pair: &Value) {
    let state = |state: &str| {
        let set =
            ["platform", "tenant", "state", "--tenant", TENANT, "--state", state, "--reason", "no ha pagado"];
        run(founded, &set, "");
    };
    state("read_only");
    let program = program(founded, pair);
    let site = json!({"name": "Cerro Alto"});
    let refused = program.post("/sites", &site).expect_err("nothing is changed");
    assert_eq!(refused.code(), "tenant_read_only");
    program.get("/sites").expect("it may look");
    let extra = grant(founded);
    let path = format!("/me/tokens/{}", extra["family_id"].as_str().expect("it has one"));
    founded.owner.call("DELETE", &path, None, None).expect("one's own log-in is not the ISP's");
    state("active");
    program.post("/sites", &site).expect("at once");
}

fn a_key_is_replaced(founded: &Founded, pair: &Value) -> Value {
    run(founded, &["secrets", "token-key"], "");
    program(founded, pair).get("/customers").expect("the old key verifies what it signed");
    let next = refresh(founded, pair);
    run(founded, &["secrets", "token-key", "--at-once"], "");
    assert_eq!(program(founded, &next).get("/customers").expect_err("a key that was seen").status, 401);
    let next = refresh(founded, &next);
    program(founded, &next).get("/customers").expect("the program goes on");
    let status = run(founded, &["secrets", "status"], "");
    assert!(status.contains("people_token_key.sealed_key: 1 values"), "{status}");
    next
}

/// A live stream that a program listens to ends when its tokens do.
fn a_stream_ends_with_its_family(founded: &Founded, pair: &Value) {
    let mut stream = TcpStream::connect(http(founded)).expect("the server listens");
    let request = format!(
        "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        access(pair)
    );
    stream.write_all(request.as_bytes()).expect("it takes a request");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit can be set");
    let mut text = String::new();
    let mut read = |text: &mut String| -> bool {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes) {
            Ok(0) => true,
            Ok(length) => {
                text.push_str(&String::from_utf8_lossy(&bytes[..length]));
                false
            }
            Err(_) => false,
        }
    };
    wait_until("the stream to begin", SOON, || {
        assert!(!read(&mut text), "it goes on: {text}");
        text.contains("200 OK")
    });
    let token = json!({"refresh_token": pair["refresh_token"]});
    Api::anonymous(http(founded)).post("/tokens/revoke", &token).expect("a program ends its own");
    wait_until("the stream to end", SOON, || read(&mut text));
}
