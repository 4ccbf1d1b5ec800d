//! The door as others see it: `curl` speaks HTTPS and HTTP/2 with it, and comes from addresses that are let in or not.

use atalaya_tests::harness::{ControlPlane, Options, wait_until};
use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

const SOON: Duration = Duration::from_secs(60);

/// What curl said: head and body of the answer, and what it complained of.
fn curl(arguments: &[&str]) -> (String, String) {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "20"])
        .args(arguments)
        .output();
    let output = output.expect("curl is installed: packaging/setup.sh");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

fn start(folder: &Path, config: &str) -> ControlPlane {
    let options = Options { config: Some(config.to_owned()), ..Options::in_folder(folder) };
    ControlPlane::start(options).expect("the control plane starts")
}

#[test]
fn https_by_the_program_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tls = "[http.tls]\nfrom = \"self-made\"\nnames = [\"localhost\", \"127.0.0.1\", \"isp.example\"]\n";
    let control_plane = start(folder.path(), tls);
    let (address, certificate) = (control_plane.http(), folder.path().join("data/tls/certificate.pem"));
    let trust = certificate.to_str().expect("a path in UTF-8");
    let at = |path: &str| format!("https://{address}{path}");

    let (said, wrong) = curl(&["--http2", "--cacert", trust, &at("/healthz")]);
    assert!(said.starts_with("HTTP/2 200") && said.ends_with("ok\n"), "{said}{wrong}");
    let (said, wrong) = curl(&["--http1.1", "--tls-max", "1.2", "--cacert", trust, &at("/healthz")]);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}{wrong}");
    browsers_are_bound(folder.path(), address, &certificate);
    let (_, wrong) = curl(&["--tlsv1.1", "--tls-max", "1.1", "--cacert", trust, &at("/healthz")]);
    assert!(!wrong.is_empty(), "nothing older than TLS 1.2");
    let (_, wrong) = curl(&[&at("/healthz")]);
    assert!(wrong.contains("certificate"), "{wrong}");
    let (said, _) = curl(&[&format!("http://{address}/customers?x=1")]);
    let to = format!("location: https://{address}/customers?x=1");
    assert!(said.starts_with("HTTP/1.1 308") && said.contains(&to), "{said}");

    let tenant = ["admin", "tenant", "create", "--slug", "isp", "--name", "Isp", "--country", "PE"];
    control_plane
        .command(&[&tenant[..], &["--currency", "PEN", "--time-zone", "America/Lima"]].concat(), "")
        .expect("a tenant");
    let user = ["admin", "user", "create", "--tenant", "isp", "--email", "ana@isp.example", "--name", "Ana"];
    control_plane.command(&user, "long enough to count").expect("a user");
    let body = r#"{"tenant":"isp","email":"ana@isp.example","password":"long enough to count"}"#;
    let (said, wrong) = curl(&["--cacert", trust, "--json", body, &at("/api/v1/session")]);
    let cookie =
        said.lines().find(|line| line.to_lowercase().starts_with("set-cookie: ")).unwrap_or_default();
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{said}{wrong}");

    // Another certificate is shown as soon as the files hold one, without a restart.
    let old = folder.path().join("old.pem");
    fs::copy(&certificate, &old).expect("it can be read");
    fs::remove_file(&certificate).expect("and removed");
    wait_until("another certificate to be shown", SOON, || {
        certificate.exists() && curl(&["--cacert", trust, &at("/healthz")]).0.starts_with("HTTP/2 200")
    });
    let (_, wrong) = curl(&["--cacert", old.to_str().expect("a path in UTF-8"), &at("/healthz")]);
    assert!(wrong.contains("certificate"), "{wrong}");
    use std::os::unix::fs::PermissionsExt;
    let mode =
        fs::metadata(folder.path().join("data/tls/key.pem")).expect("the key is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the key is its owner's alone");
}

/// Browsers are told to ask for nothing but HTTPS where they believe the certificate, which one is that stands in files; and by a
/// name that is not everybody's.
fn browsers_are_bound(folder: &Path, made_itself: SocketAddr, certificate: &Path) {
    let trust = certificate.to_str().expect("a path in UTF-8");
    let key = certificate.with_file_name("key.pem");
    let files = format!(
        "[http.tls]\nfrom = \"files\"\ncertificate = {trust:?}\nkey = {:?}\n",
        key.to_str().expect("a path in UTF-8")
    );
    let of_files = start(&folder.join("of-files"), &files);
    let asked = |address: SocketAddr, host: &str| {
        let resolve = format!("{host}:{}:127.0.0.1", address.port());
        let url = format!("https://{host}:{}/healthz", address.port());
        let (said, wrong) = curl(&["--cacert", trust, "--resolve", &resolve, &url]);
        assert!(said.ends_with("ok\n"), "{said}{wrong}");
        said.to_lowercase().contains("strict-transport-security: max-age=2592000\r\n")
    };
    assert!(asked(of_files.http(), "isp.example"));
    assert!(!asked(of_files.http(), "localhost"), "a name of everybody who works on this machine");
    assert!(!asked(made_itself, "isp.example"), "a certificate that is clicked through");
}

#[test]
fn addresses_that_are_not_let_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n[http.allow]\nnetworks = [\"198.51.100.0/24\"]\n";
    let control_plane = start(folder.path(), list);
    let ask = |client: Option<&str>, path: &str| {
        let from = client.map_or("x-nothing: 1".to_owned(), |client| format!("x-forwarded-for: {client}"));
        curl(&["--header", &from, &format!("http://{}{path}", control_plane.http())]).0
    };
    let wrong = format!("http://{}/api/v1/login-options", control_plane.http());
    let (said, _) = curl(&["--request", "DELETE", &wrong]);
    let told = said.to_lowercase().contains("allow: get") && said.contains("method_not_allowed");
    assert!(said.starts_with("HTTP/1.1 405") && told, "what stands beside a problem stays: {said}");
    for path in ["/", "/healthz", "/api/v1/login-options", "/api/docs/"] {
        assert!(ask(Some("198.51.100.7"), path).starts_with("HTTP/1.1 200"), "{path}");
        assert!(ask(None, path).starts_with("HTTP/1.1 200"), "the machine itself: {path}");
        let refused = ask(Some("203.0.113.9"), path);
        assert!(
            refused.starts_with("HTTP/1.1 403") && refused.contains("address_not_allowed"),
            "{path}: {refused}"
        );
    }
}

#[test]
fn slow_statements_are_written_down_without_their_values() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let control_plane = start(folder.path(), "[log]\nslow_query_ms = 0\n");
    let body = r#"{"tenant":"isp","email":"valentina.quiroga@isp.example","password":"of nobody at all"}"#;
    let (said, _) = curl(&["--json", body, &format!("http://{}/api/v1/session", control_plane.http())]);
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
    let log = control_plane.process.log();
    assert!(log.contains("slow statement") && log.contains("FROM people_"), "{log}");
    assert!(!log.contains("valentina.quiroga"), "a value stands in the log");
}
