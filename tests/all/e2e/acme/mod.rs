//! Certificates by ACME, from an authority that others wrote (`pebble`): ordered, shown, renewed without a restart, and what is
//! shown and said while none can be had.

mod pebble;

use super::{Database, block_on, on_each_database};
use atalaya_kernel::testing::postgres_database;
use atalaya_tests::harness::{ControlPlane, Options, wait_for, wait_until};
use pebble::{Place, REFUSED, is_there};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

const NAME: &str = "atalaya.isp.example";
const SOON: Duration = Duration::from_secs(90);
/// Two thirds of it have to pass by the clock of this machine until it is renewed.
const SHORT: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(86_400);

fn config(place: &Place, names: &[&str]) -> String {
    format!(
        "[http]\nredirect = \"127.0.0.1:0\"\n[http.tls]\nfrom = \"acme\"\nnames = {names:?}\n\
         contact = [\"ana@isp.example\"]\nterms_agreed = true\ndirectory = {:?}\nca_file = {:?}\n",
        place.directory(),
        place.ca_file()
    )
}

/// Starts one, and where its door for plain HTTP is.
fn start(options: Options, config: String) -> (ControlPlane, SocketAddr) {
    let control_plane =
        ControlPlane::start(Options { config: Some(config), ..options }).expect("the control plane starts");
    let redirect = redirect_of(&control_plane);
    (control_plane, redirect)
}

fn redirect_of(control_plane: &ControlPlane) -> SocketAddr {
    let said = fs::read(control_plane.options.folder.join("ready.json")).expect("it is ready");
    let said: serde_json::Value = serde_json::from_slice(&said).expect("it is JSON");
    said["redirect"].as_str().and_then(|text| text.parse().ok()).expect("an address")
}

/// What is said to whoever trusts the certificates of a file and asks the name.
fn asked(control_plane: &ControlPlane, trust: &Path, path: &str) -> Result<String, String> {
    let http = control_plane.http();
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--max-time", "20", "--cacert"])
        .arg(trust)
        .args(["--resolve", &format!("{NAME}:{}:127.0.0.1", http.port())])
        .arg(format!("https://{NAME}:{}{path}", http.port()))
        .output()
        .expect("curl is installed: packaging/setup.sh");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn is_trusted(control_plane: &ControlPlane, trust: &Path) -> bool {
    asked(control_plane, trust, "/healthz").is_ok_and(|said| said == "ok\n")
}

/// A connection that stays, with what was shown when it was made.
struct Kept {
    stream: rustls::StreamOwned<rustls::ClientConnection, TcpStream>,
}

impl Kept {
    fn open(control_plane: &ControlPlane, trust: &Path) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(trust).expect("a file of certificates") {
            roots.add(root.expect("a certificate")).expect("a root");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(NAME).expect("a name");
        let client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
        let stream = TcpStream::connect(control_plane.http()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket takes it");
        let mut kept = Self { stream: rustls::StreamOwned::new(client, stream) };
        kept.ask();
        kept
    }

    /// A request on it; the answer is whole.
    fn ask(&mut self) {
        write!(self.stream, "GET /healthz HTTP/1.1\r\nhost: {NAME}\r\n\r\n").expect("it is open");
        let mut said = Vec::new();
        while !said.ends_with(b"ok\n") {
            let mut buffer = [0; 1_024];
            let length = self.stream.read(&mut buffer).expect("an answer");
            assert!(length > 0, "the connection was closed");
            said.extend(&buffer[..length]);
        }
        assert!(said.starts_with(b"HTTP/1.1 200"));
    }

    /// What was shown to it.
    fn leaf(&self) -> CertificateDer<'static> {
        let shown = self.stream.conn.peer_certificates().expect("a server shows one");
        shown.first().expect("a leaf").clone().into_owned()
    }
}

fn self_made(control_plane: &ControlPlane) -> std::path::PathBuf {
    control_plane.options.folder.join("data/tls/certificate.pem")
}

fn figure(metrics: &str, name: &str) -> Option<i64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

on_each_database!(a_certificate_is_ordered_shown_and_renewed);

fn a_certificate_is_ordered_shown_and_renewed(database: Database) {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::choose(&folder.path().join("pebble"));
    let (control_plane, redirect) = start(database.options(folder.path()), config(&place, &[NAME]));

    // Nobody is there to order from: people are served, and what is wrong is said.
    let fallback = self_made(&control_plane);
    assert!(is_trusted(&control_plane, &fallback), "{:?}", asked(&control_plane, &fallback, "/healthz"));
    let failed = format!("atalaya_certificate_failed_orders{{names=\"{NAME}\"}}");
    wait_until("an order to fail", SOON, || {
        asked(&control_plane, &fallback, "/metrics").is_ok_and(|said| figure(&said, &failed) == Some(1))
    });
    let said = asked(&control_plane, &fallback, "/readyz").expect("it is ready all the same");
    assert!(said.starts_with("ready\n") && said.contains(&format!("certificate of {NAME}: 1 ")), "{said}");

    // It is there, and a person does not wait for the next try.
    let pebble = place.start(redirect.port(), SHORT);
    let again = control_plane.command(&["certificate", "retry"], "").expect("the command is right");
    assert!(again.contains(NAME), "{again}");
    wait_until("a certificate to be issued", SOON, || is_trusted(&control_plane, &pebble.root()));
    let metrics = asked(&control_plane, &pebble.root(), "/metrics").expect("the machine itself asks");
    assert_eq!(figure(&metrics, &failed), Some(0), "{metrics}");
    assert_eq!(figure(&metrics, "atalaya_certificate_days_left "), Some(0), "{metrics}");
    assert_eq!(asked(&control_plane, &pebble.root(), "/readyz").as_deref(), Ok("ready\n"));
    assert!(!is_trusted(&control_plane, &fallback), "the self-made one is shown no longer");

    // Renewed at two thirds of its life, under an open connection.
    let mut kept = Kept::open(&control_plane, &pebble.root());
    let first = kept.leaf();
    wait_until("another certificate to be shown", SOON, || {
        kept.ask();
        Kept::open(&control_plane, &pebble.root()).leaf() != first
    });
    kept.ask();
    assert_eq!(kept.leaf(), first, "a connection keeps what it was shown");

    // The authority is away again: what is there is shown, also after a restart.
    let root = fs::read(pebble.root()).expect("it is there");
    let place = pebble.stop();
    let listed = || control_plane.command(&["certificate", "list"], "").expect("the command is right");
    wait_until("a renewal to fail", SOON, || listed().contains("\"failures\":1"));
    let second = shown_leaf(&control_plane);
    let mut control_plane = control_plane;
    control_plane.restart(None).expect("it starts again");
    assert_eq!(shown_leaf(&control_plane), second, "the one that is kept, and not a self-made one");

    // What the authority forgot is made anew: it knows no account of before.
    let pebble = place.start(redirect_of(&control_plane).port(), LONG);
    assert_ne!(fs::read(pebble.root()).expect("it is there"), root, "another authority by the same address");
    control_plane.command(&["certificate", "retry"], "").expect("the command is right");
    wait_until("a certificate of the new authority", SOON, || is_trusted(&control_plane, &pebble.root()));
    let audit = control_plane.command(&["admin", "audit"], "").expect("the command is right");
    for action in ["certificate.issue", "certificate.retry"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
    let log = control_plane.process.log();
    assert!(!log.contains("PRIVATE KEY"), "a key stands in the log");
}

/// What is shown, whoever signed it.
fn shown_leaf(control_plane: &ControlPlane) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &control_plane.http().to_string(), "-servername", NAME])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let leaf = said.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
    leaf.unwrap_or_else(|| panic!("nothing was shown: {said}")).0.to_owned()
}

/// Two processes behind one name: one of them orders, whichever is asked for the proof answers, both show it.
#[test]
fn two_control_planes_order_one_certificate() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::choose(&folder.path().join("pebble"));
    let config = config(&place, &[NAME]);
    let database = block_on(postgres_database());
    let of = |name: &str| Options {
        database: Some(database.clone()),
        ..Options::in_folder(&folder.path().join(name))
    };
    let (one, _) = start(of("one"), config.clone());
    let fallback = self_made(&one);
    let failed = format!("atalaya_certificate_failed_orders{{names=\"{NAME}\"}}");
    wait_until("an order to fail", SOON, || {
        asked(&one, &fallback, "/metrics").is_ok_and(|said| figure(&said, &failed) == Some(1))
    });
    let key = "installation-key";
    fs::create_dir_all(folder.path().join("two/data")).expect("a folder can be made");
    fs::copy(folder.path().join("one/data").join(key), folder.path().join("two/data").join(key))
        .expect("both have the same key");
    let (two, redirect_of_two) = start(of("two"), config);

    let pebble = place.start(redirect_of_two.port(), LONG);
    one.command(&["certificate", "retry"], "").expect("the command is right");
    for control_plane in [&one, &two] {
        wait_until("both to show it", SOON, || is_trusted(control_plane, &pebble.root()));
    }
    assert_eq!(shown_leaf(&one), shown_leaf(&two));
    assert_eq!(pebble.orders(), 1, "{}", pebble.log());

    // An ISP's own host name that does not lead here is told, and not ordered for.
    let own = "red.netandina.example";
    let tenant = ["admin", "tenant", "create", "--slug", "isp", "--name", "Isp", "--country", "PE"];
    one.command(&[&tenant[..], &["--currency", "PEN", "--time-zone", "America/Lima"]].concat(), "")
        .expect("a tenant");
    one.command(&["platform", "tenant", "domain", "--tenant", "isp", "--domain", own], "").expect("a domain");
    let line = wait_for("the name to be asked", SOON, || {
        let listed = two.command(&["certificate", "list"], "").expect("the command is right");
        listed
            .lines()
            .find(|line| line.contains(own) && line.contains("was asked on port 80"))
            .map(str::to_owned)
    });
    assert!(line.contains("\"issue\":0"), "{line}");
    assert_eq!(pebble.orders(), 1, "{}", pebble.log());
}

/// A name that the authority does not issue for, and one that leads nowhere it can ask: said as the authority says it, and
/// people are served.
#[test]
fn a_refused_name_is_told_with_the_authoritys_words() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::choose(&folder.path().join("pebble"));
    let directory = config(&place, &[NAME, REFUSED]);
    let unproven = config(&place, &[NAME]);
    // Nobody listens where it looks for proofs.
    let pebble = place.start(1, LONG);
    for (config, word) in [(directory, "rejectedIdentifier"), (unproven, "acme:error:connection")] {
        let (control_plane, _) = start(Options::in_folder(&folder.path().join(word)), config);
        let fallback = self_made(&control_plane);
        let said = wait_for("the refusal to be said", SOON, || {
            asked(&control_plane, &fallback, "/readyz").ok().filter(|said| said.contains("certificate of"))
        });
        assert!(said.contains(word) && said.contains(NAME), "{said}\n{}", pebble.log());
        let listed = control_plane.command(&["certificate", "list"], "").expect("the command is right");
        assert!(listed.contains(word) && listed.contains("\"issue\":0"), "{listed}");
    }
}
