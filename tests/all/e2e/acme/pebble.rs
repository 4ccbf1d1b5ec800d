//! `pebble`, the test authority that Let's Encrypt's people wrote, with the name server that comes with it: every name leads to
//! this machine.

use atalaya_tests::harness::{Process, skipped, wait_for};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(30);
/// It issues for no name below.
pub(super) const REFUSED: &str = "refused.example";

/// Whether the programs are there; a line says why not.
pub(super) fn is_there() -> bool {
    let missing = ["pebble", "pebble-challtestsrv"].into_iter().find(|program| {
        let asked = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        !asked.is_ok_and(|output| output.status.success())
    });
    let Some(missing) = missing else { return true };
    skipped(&format!("{missing} is missing (packaging/setup.sh installs it)"));
    false
}

/// A port that nobody listens on.
fn free() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it listens")
}

/// Where an authority is, or will be.
pub(super) struct Place {
    folder: PathBuf,
    api: SocketAddr,
    management: SocketAddr,
}

/// A running authority. What it knew is gone with it.
pub(super) struct Pebble {
    place: Place,
    process: Process,
    _names: Process,
}

impl Place {
    /// Nobody listens there yet.
    pub(super) fn choose(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder can be made");
        let now = atalaya_pki::UnixTime::now();
        let made = atalaya_pki::web::self_made(&["127.0.0.1".to_owned()], now).expect("a certificate");
        fs::write(folder.join("server.pem"), &made.chain).expect("it can be written");
        fs::write(folder.join("server.key"), made.key.as_bytes()).expect("it can be written");
        Self { folder: folder.to_owned(), api: free(), management: free() }
    }

    /// URL of its directory.
    pub(super) fn directory(&self) -> String {
        format!("https://{}/dir", self.api)
    }

    /// What its own certificate is judged by.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// Starts it: it looks for proofs on a port of this machine, and what it issues lives for so long.
    pub(super) fn start(self, http_port: u16, life: Duration) -> Pebble {
        let dns = free();
        let mut command = Command::new("pebble-challtestsrv");
        command
            .args(["-dns01", &dns.to_string(), "-management", &free().to_string()])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]);
        let names = Process::start("names", &self.folder, &mut command).expect("it starts");
        let config = serde_json::json!({"pebble": {
            "listenAddress": self.api.to_string(),
            "managementListenAddress": self.management.to_string(),
            "certificate": self.folder.join("server.pem"),
            "privateKey": self.folder.join("server.key"),
            "httpPort": http_port,
            "tlsPort": 1,
            "domainBlocklist": [REFUSED],
            "certificateValidityPeriod": life.as_secs(),
        }});
        let path = self.folder.join("pebble.json");
        fs::write(&path, config.to_string()).expect("it can be written");
        let mut command = Command::new("pebble");
        command
            .arg("-config")
            .arg(&path)
            .args(["-strict", "-dnsserver", &dns.to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            // Each order is proven anew.
            .env("PEBBLE_AUTHZREUSE", "0");
        let process = Process::start("pebble", &self.folder, &mut command).expect("it starts");
        let pebble = Pebble { place: self, process, _names: names };
        wait_for("pebble to listen", SOON, || pebble.fetch_root());
        pebble
    }
}

impl Pebble {
    /// The file of the root that what it issues is judged by: it makes a new one at each start.
    fn fetch_root(&self) -> Option<()> {
        let output = Command::new("curl")
            .args(["--silent", "--fail", "--cacert"])
            .arg(self.place.ca_file())
            .arg(format!("https://{}/roots/0", self.place.management))
            .output()
            .expect("curl is installed: packaging/setup.sh");
        fs::write(self.root(), &output.stdout).expect("it can be written");
        (output.status.success() && output.stdout.starts_with(b"-----BEGIN")).then_some(())
    }

    /// What browsers would have to trust.
    pub(super) fn root(&self) -> PathBuf {
        self.place.folder.join("root.pem")
    }

    /// How often a certificate was ordered.
    pub(super) fn orders(&self) -> usize {
        self.process.log().matches("POST /order-plz").count()
    }

    /// What it said.
    pub(super) fn log(&self) -> String {
        self.process.log()
    }

    /// Nobody listens there any more; where it was.
    pub(super) fn stop(mut self) -> Place {
        self.process.kill().expect("it can be killed");
        self.place
    }
}
