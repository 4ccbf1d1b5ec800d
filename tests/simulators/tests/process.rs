//! The simulators as processes, held by their control ports; and the real snmpd.

use std::net::SocketAddr;
use std::process::Stdio;

use crate::client::{self, Client};
use atalaya_simulators::control::ControlClient;
use atalaya_simulators::relay;
use atalaya_simulators::routeros::control::Request;
use atalaya_simulators::routeros::{Counters, Faults, Served, TrafficVerdict, WriteEffect, WriteFault};
use atalaya_simulators::snmpd::{Snmpd, SnmpdConfig};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Starts `atalaya-sim` and reads its addresses.
async fn sim(arguments: &[&str]) -> (Child, serde_json::Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_atalaya-sim"))
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("built with the tests");
    let output = child.stdout.take().expect("piped");
    let mut lines = BufReader::new(output).lines();
    let line = tokio::time::timeout(client::PATIENCE, lines.next_line()).await.expect("in time");
    let line = line.expect("readable").expect("one line of addresses");
    (child, serde_json::from_str(&line).expect("JSON"))
}

fn address(addresses: &serde_json::Value, name: &str) -> SocketAddr {
    addresses[name].as_str().expect("an address").parse().expect("an address")
}

#[tokio::test]
async fn a_router_is_held_by_its_control_port() {
    let arguments = ["routeros", "--subscribers", "5", "--control", "127.0.0.1:0", "--speed", "100"];
    let (_router, addresses) = sim(&arguments).await;
    let mut control = ControlClient::connect(address(&addresses, "control")).await.expect("control port");
    let mut client = Client::admin(address(&addresses, "api")).await;
    let verdict = Request::Verdict { cpe: "sub0001".to_owned() };
    let passes: TrafficVerdict = control.ask_as(&verdict).await.expect("a verdict");
    assert!(passes.passes());

    let writes = vec![WriteFault::on("/ppp/secret", WriteEffect::Lie).times(1)];
    let faults = Faults { writes, ..Faults::default() };
    control.ask(&Request::Faults { faults }).await.expect("set");
    client.ask(&["/ppp/secret/disable", "=.id=sub0001"]).await;
    let counters: Counters = control.ask_as(&Request::Counters).await.expect("counters");
    assert_eq!(counters.writes_total(), 0, "it lied");

    client.ask(&["/interface/print", "=.proplist=name,rx-byte", "?name=ether1"]).await;
    let served: Vec<Served> = control.ask_as(&Request::Served { since: 0, limit: 9 }).await.expect("log");
    assert_eq!((served.len(), served[0].interface.as_str()), (1, "ether1"));

    let state = control.ask(&Request::State).await.expect("state");
    assert_eq!(state["cpes"].as_array().expect("CPEs").len(), 5);
    assert_eq!(state["digests"]["/ppp/secret"].as_object().expect("digests").len(), 5);
    let words = vec!["/ppp/secret/remove".to_owned(), "=.id=sub0002".to_owned()];
    let replies = control.ask(&Request::Operate { words }).await.expect("by hand");
    assert_eq!(replies, serde_json::json!([["!done"]]));
    let error = control.ask(&Request::Verdict { cpe: "nobody".to_owned() }).await.expect_err("unknown");
    assert_eq!(error.to_string(), "no such CPE");
    control.ask(&Request::Reboot).await.expect("reboot");
    assert_eq!(client.receive().await, None);
}

#[tokio::test]
async fn a_relay_is_held_by_its_control_port() {
    let (_router, router) = sim(&["routeros"]).await;
    let upstream = address(&router, "api").to_string();
    let (_relay, link) =
        sim(&["relay", "--transport", "tcp", "--upstream", &upstream, "--control", "127.0.0.1:0"]).await;
    let mut control = ControlClient::connect(address(&link, "control")).await.expect("control port");
    let mut client = Client::admin(address(&link, "listen")).await;
    control.ask(&relay::control::Request::Rebind).await.expect("rebind");
    assert_eq!(client.receive().await, None, "the connection is gone");
    Client::admin(address(&link, "listen")).await;
    let passed: relay::Passed = control.ask_as(&relay::control::Request::Passed).await.expect("counters");
    assert_eq!(passed.clients, 2);
}

#[tokio::test]
#[allow(clippy::print_stderr)] // says why it is skipped
async fn the_real_snmpd_answers() {
    if !Snmpd::installed() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "snmpd is missing");
        eprintln!("skipped: snmpd is not installed");
        return;
    }
    let config = SnmpdConfig { system_name: "tower-7".to_owned(), ..SnmpdConfig::default() };
    let agent = Snmpd::start(&config).await.expect("snmpd answers");
    let other = Snmpd::start(&config).await.expect("a second one beside it");
    assert_ne!(agent.address(), other.address());
    agent.stop().await.expect("killed");
}

#[tokio::test]
async fn tls_with_the_routers_own_certificate() {
    let (_router, addresses) =
        sim(&["routeros", "--listen-tls", "127.0.0.1:0", "--control", "127.0.0.1:0"]).await;
    let mut control = ControlClient::connect(address(&addresses, "control")).await.expect("control port");
    let hello = control.ask(&Request::Hello).await.expect("hello");
    let pem = hello["certificate"].as_str().expect("PEM");

    use rustls_pki_types::pem::PemObject as _;
    let certificate = rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let tcp = tokio::net::TcpStream::connect(address(&addresses, "api_ssl")).await.expect("listens");
    let name = rustls_pki_types::ServerName::try_from("localhost").expect("name");
    let mut client = Client::over(connector.connect(name, tcp).await.expect("handshake"));
    assert_eq!(client.ask(&["/login", "=name=admin", "=password=admin"]).await, [["!done"]]);
    let row = client.ask(&["/system/identity/print"]).await;
    assert_eq!(row[0], ["!re", "=name=sim-router"]);
}
