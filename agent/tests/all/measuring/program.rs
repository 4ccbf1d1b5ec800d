//! The program itself: enrolled, headquarters away, it measures a real SNMP agent into its buffer.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use atalaya_agent::buffer::{Bounds, Buffer};
use atalaya_protocol::block::{self, Values};
use atalaya_protocol::wire;
use atalaya_simulators::routeros::{RouterSim, SimConfig};

use super::snmp::{COMMUNITY, snmpd};
use crate::support::enrolled::{configure, enrol, sealed, sealed_community};
use crate::support::wait_for;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atalaya-agent");

struct Running(Child);

impl Running {
    fn start(state_dir: &Path) -> Self {
        Self::start_under(state_dir, &[])
    }

    /// With the variables by which a service manager speaks to its services.
    fn start_under(state_dir: &Path, manager: &[(&str, &str)]) -> Self {
        let log = std::fs::File::create(state_dir.join("log")).unwrap();
        let child = Command::new(PROGRAM)
            .args(["run", "--state-dir", state_dir.to_str().unwrap(), "--log", "debug"])
            .envs(manager.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    /// SIGTERM; true when it ended well.
    fn terminate(mut self) -> bool {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut status = None;
        wait_for(Duration::from_secs(30), "the agent stops", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.is_some_and(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone when the test went well.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn agent(state_dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .args(["--state-dir", state_dir.to_str().unwrap()])
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_device_is_measured_into_the_buffer_while_headquarters_is_away() {
    let Some(snmpd) = snmpd().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let state_dir = dir.path();
    enrol(state_dir);
    let switch = wire::DeviceConfig {
        device_id: "dev_switch".into(),
        name: "switch norte".into(),
        kind: "snmp".into(),
        host: "127.0.0.1".into(),
        port: snmpd.address().port().into(),
        sealed_credentials: sealed_community(state_dir, COMMUNITY),
        measure_interval_ms: 1_000,
        ..Default::default()
    };
    let future =
        wire::DeviceConfig { device_id: "dev_x".into(), kind: "teleport".into(), ..Default::default() };
    configure(state_dir, vec![switch, future]).await;

    let running = Running::start(state_dir);
    let mut last = String::new();
    wait_for(Duration::from_secs(60), "status shows an answering device", || {
        let (code, text) = agent(state_dir, &["status", "--json"]);
        let Ok(status) = serde_json::from_str::<serde_json::Value>(&text) else { return false };
        last.clone_from(&text);
        let switch = status["devices"].as_array().and_then(|devices| {
            devices.iter().find(|device| device["device_id"] == "dev_switch" && device["state"] == "answers")
        });
        // Headquarters is said once the first attempt has failed.
        let away = text.contains("headquarters: ");
        switch.is_some() && away && status["buffer"]["blocks"].as_u64() > Some(0) && code == 1
    });
    // Degraded: headquarters is away, and one kind is unknown; both are said.
    assert!(last.contains("headquarters: "), "{last}");
    assert!(last.contains("`teleport`"), "{last}");
    let (code, text) = agent(state_dir, &["probe", "switch norte"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("interface_receive_bytes_total{interface=\"lo\"}"), "{text}");
    let (code, text) = agent(state_dir, &["doctor"]);
    assert_eq!(code, 1, "the gateway does not answer: {text}");
    assert!(text.contains("FAILED   gateway") && text.contains("agt_test of ten_test"), "{text}");
    assert!(running.terminate(), "{}", std::fs::read_to_string(state_dir.join("log")).unwrap());
    assert_eq!(agent(state_dir, &["status"]).0, 3);

    // What it left behind is what was measured.
    let buffer = Buffer::open(&state_dir.join("buffer"), Bounds::default(), [9; 16]);
    let series: std::collections::HashMap<u32, wire::SeriesEntry> =
        buffer.persisted_series().into_iter().map(|entry| (entry.number, entry)).collect();
    let (mut from, mut loopback, mut up) = (0, Vec::new(), Vec::new());
    while let Some(stored) = buffer.peek(buffer.epoch(), from, None).unwrap() {
        from = stored.sequence + 1;
        for column in block::decode(&stored.block.bytes, &block::Limits::default()).unwrap() {
            let entry = &series[&column.series];
            let is_loopback = entry.labels.iter().any(|label| label.value == "lo");
            let Values::Int(values) = column.values else { continue };
            match entry.name.as_str() {
                "interface_receive_bytes_total" if is_loopback => {
                    assert_eq!(
                        (entry.device_id.as_str(), entry.kind()),
                        ("dev_switch", wire::MetricKind::Counter)
                    );
                    loopback.extend(values);
                }
                "device_up" => up.extend(values),
                _ => {}
            }
        }
    }
    assert!(up.iter().all(|value| *value == 1) && !up.is_empty(), "{up:?}");
    assert!(loopback.len() >= 2 && loopback.is_sorted(), "{loopback:?}");
}

fn sealed_login(state_dir: &Path) -> bytes::Bytes {
    let login = wire::UserPassword { user: "admin".into(), password: "admin".into() };
    sealed(state_dir, wire::credentials::Kind::UserPassword(login))
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_whether_cuts_would_have_an_effect() {
    let sim = RouterSim::start(SimConfig::isp(2, false)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    enrol(dir.path());
    let router = |mode: wire::DeviceMode| wire::DeviceConfig {
        device_id: "dev_router".into(),
        name: "RB norte".into(),
        kind: "routeros".into(),
        host: "127.0.0.1".into(),
        port: sim.address().port().into(),
        sealed_credentials: sealed_login(dir.path()),
        mode: mode.into(),
        ..Default::default()
    };
    configure(dir.path(), vec![router(wire::DeviceMode::Observe)]).await;
    let (_, text) = agent(dir.path(), &["doctor"]);
    assert!(text.contains("ok       cuts: RB norte: cut_profile: "), "{text}");
    // Nobody walls the list of fixed addresses on this router: no harm while it only observes.
    assert!(text.contains("warning  cuts: RB norte: cut_list_rule: "), "{text}");
    assert!(text.contains("/ip firewall filter add chain=forward"), "{text}");
    let enforced = tempfile::tempdir().unwrap();
    enrol(enforced.path());
    let login = sealed_login(enforced.path());
    let device = wire::DeviceConfig { sealed_credentials: login, ..router(wire::DeviceMode::Enforce) };
    configure(enforced.path(), vec![device]).await;
    let (_, text) = agent(enforced.path(), &["doctor"]);
    assert!(text.contains("FAILED   cuts: RB norte: cut_list_rule: "), "{text}");
}

#[test]
fn the_service_manager_is_told_ready_alive_and_stopping() {
    let dir = tempfile::tempdir().unwrap();
    enrol(dir.path());
    let socket_path = dir.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&socket_path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let manager = [("NOTIFY_SOCKET", socket_path.to_str().unwrap()), ("WATCHDOG_USEC", "600000")];
    let running = Running::start_under(dir.path(), &manager);
    let mut said = Vec::new();
    let mut hear = |what: &str, times: usize| {
        wait_for(Duration::from_secs(30), what, || {
            let mut datagram = [0; 512];
            while let Ok(length) = socket.recv(&mut datagram) {
                said.push(String::from_utf8_lossy(&datagram[..length]).into_owned());
            }
            said.iter().filter(|text| text.contains(what)).count() >= times
        });
    };
    hear("READY=1", 1);
    hear("WATCHDOG=1", 3);
    assert!(running.terminate());
    hear("STOPPING=1", 1);
}

#[test]
fn a_machine_that_is_not_enrolled_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (code, text) = agent(dir.path(), &["run"]);
    assert_eq!(code, 2);
    assert!(text.contains("atalaya-agent enroll --join"), "{text}");
    let (code, text) = agent(dir.path(), &["status"]);
    assert_eq!(code, 3, "{text}");
    let (code, text) = agent(dir.path(), &["doctor"]);
    assert_eq!(code, 1);
    assert!(text.contains("not enrolled"), "{text}");
}
