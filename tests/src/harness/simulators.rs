//! Simulated devices as processes, and their control ports.

use super::{Process, program, wait_for};
use anyhow::Context;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

const READY_WITHIN: Duration = Duration::from_secs(20);

/// The line that a simulator prints once it is ready.
fn announcement(process: &mut Process) -> anyhow::Result<Value> {
    wait_for("a simulator to be ready", READY_WITHIN, || {
        if let Ok(Some(status)) = process.ended() {
            return Some(Err(anyhow::anyhow!("a simulator ended: {status}\n{}", process.log())));
        }
        process.log().lines().find_map(|line| serde_json::from_str(line).ok()).map(Ok)
    })
}

fn address(announced: &Value, name: &str) -> anyhow::Result<SocketAddr> {
    announced[name]
        .as_str()
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("no {name} in {announced}"))
}

/// A simulated MikroTik router.
pub struct Router {
    /// The process.
    pub process: Process,
    /// Where its API listens.
    pub api: SocketAddr,
    control: Mutex<BufReader<TcpStream>>,
}

impl Router {
    /// Starts one with a configuration of the simulator (`SimConfig` as JSON).
    ///
    /// # Errors
    /// It ended instead, with its log.
    pub fn start(folder: &Path, config: &Value) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("router.json");
        fs::write(&file, config.to_string())?;
        let log = folder.join("log");
        let _ = fs::remove_file(log.join("router.log"));
        let mut command = Command::new(program("atalaya-sim")?);
        command.arg("routeros").arg("--config").arg(&file).args(["--control", "127.0.0.1:0"]);
        let mut process = Process::start("router", &log, &mut command)?;
        let announced = announcement(&mut process)?;
        let control = TcpStream::connect(address(&announced, "control")?)?;
        Ok(Self { process, api: address(&announced, "api")?, control: Mutex::new(BufReader::new(control)) })
    }

    /// Asks the control port.
    ///
    /// # Panics
    /// When it refuses: the test asks something that makes no sense.
    #[allow(clippy::panic, clippy::expect_used, reason = "test equipment fails loudly")]
    pub fn ask(&self, request: &Value) -> Value {
        let mut control = self.control.lock();
        writeln!(control.get_mut(), "{request}").expect("the control port takes a line");
        let mut line = String::new();
        control.read_line(&mut line).expect("the control port answers a line");
        let mut answer: Value = serde_json::from_str(&line).expect("the control port answers JSON");
        assert!(answer["error"].is_null(), "{request} was refused: {answer}");
        answer["ok"].take()
    }

    /// What a subscriber's traffic meets.
    pub fn verdict(&self, cpe: &str) -> Value {
        self.ask(&json!({"op": "verdict", "cpe": cpe}))
    }

    /// Digest of every row, by menu and name.
    pub fn digests(&self) -> Value {
        self.ask(&json!({"op": "digests"}))
    }

    /// Writes, session drops, commands in flight.
    pub fn counters(&self) -> Value {
        self.ask(&json!({"op": "counters"}))
    }

    /// Executes a command by hand, as a technician on the router would.
    pub fn operate(&self, words: &[&str]) -> Value {
        self.ask(&json!({"op": "operate", "words": words}))
    }
}

/// The real `snmpd` of net-snmp.
pub struct SnmpDevice {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl SnmpDevice {
    /// Starts one that answers to a community.
    ///
    /// # Errors
    /// It ended instead, with its log.
    pub fn start(folder: &Path, system_name: &str, community: &str) -> anyhow::Result<Self> {
        let log = folder.join("log");
        let _ = fs::remove_file(log.join("snmp.log"));
        let mut command = Command::new(program("atalaya-sim")?);
        command.args(["snmpd", "--system-name", system_name, "--community", community]);
        let mut process = Process::start("snmp", &log, &mut command)?;
        let announced = announcement(&mut process)?;
        Ok(Self { process, address: address(&announced, "snmp")? })
    }
}
