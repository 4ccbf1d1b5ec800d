//! `doctor`: everything that a working agent needs, one line each, with the mend.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atalaya_pki::{client, validity};
use atalaya_protocol::wire::{CheckStatus, DeviceMode};

use crate::app::{BuildTime, build_time_ms, gateways};
use crate::clock::{AgentClock, Clock};
use crate::config::{ActiveConfig, ConfigKeeper, Local, SealingKey};
use crate::driver::registry::Resources;
use crate::enrol::{Enrolled, IdentityStore};
use crate::status::Status;
use crate::uplink::quic;

/// Free space below which a warning is due.
const LITTLE_SPACE: u64 = 256 << 20;
const DAY_MS: i64 = 86_400_000;
/// Longest time for which a device is asked whether cuts bite.
const BITE_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Well,
    Warning,
    Failed,
}

#[derive(Default)]
struct Findings {
    failed: bool,
}

impl Findings {
    fn say(&mut self, grade: Grade, what: &str, detail: impl std::fmt::Display) {
        let word = match grade {
            Grade::Well => "ok     ",
            Grade::Warning => "warning",
            Grade::Failed => "FAILED ",
        };
        self.failed |= grade == Grade::Failed;
        println!("{word}  {what}: {detail}");
    }
}

pub(super) async fn run(local: &Local) -> anyhow::Result<u8> {
    let mut findings = Findings::default();
    let clock = Arc::new(AgentClock::start());
    state_directory(&local.state_dir, &mut findings);
    let enrolled = identity(&local.state_dir, clock.local_ms(), &mut findings);
    if let Some(enrolled) = &enrolled {
        gateway(local, enrolled, &mut findings).await;
    }
    time(clock.local_ms(), enrolled.as_ref(), &mut findings);
    let resources = Arc::new(Resources::open(clock.clone(), local.echo_plan()));
    for (family, v4) in [("ICMP", true), ("ICMPv6", false)] {
        match resources.echoes.problem(v4) {
            None => findings.say(Grade::Well, family, "permitted"),
            Some(problem) => findings.say(Grade::Warning, family, problem),
        }
    }
    profiles(local, &mut findings);
    if let Some(config) = configuration(&local.state_dir, resources, &mut findings) {
        bites(&config, &mut findings).await;
    }
    running(&local.state_dir, clock.local_ms(), &mut findings);
    Ok(u8::from(findings.failed))
}

fn state_directory(dir: &Path, findings: &mut Findings) {
    let probe = dir.join(".doctor");
    let written = std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        let detail = format!("{} cannot be written: {error}", dir.display());
        findings.say(Grade::Failed, "state directory", detail);
        return;
    }
    match rustix::fs::statvfs(dir) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let grade = if free < LITTLE_SPACE { Grade::Warning } else { Grade::Well };
            findings.say(grade, "state directory", format!("{}, {} MiB free", dir.display(), free >> 20));
        }
        Err(error) => findings.say(Grade::Warning, "state directory", error),
    }
}

fn identity(dir: &Path, now_ms: i64, findings: &mut Findings) -> Option<Enrolled> {
    let enrolled = match IdentityStore::open(dir).and_then(|store| store.enrolled()) {
        Ok(Some(enrolled)) => enrolled,
        Ok(None) => {
            findings.say(Grade::Failed, "identity", "not enrolled: run `atalaya-agent enroll --join STRING`");
            return None;
        }
        Err(error) => {
            findings.say(Grade::Failed, "identity", error);
            return None;
        }
    };
    match validity(&enrolled.certificate()) {
        Ok(validity) => {
            let end_ms = i64::try_from(validity.not_after.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000);
            let days = (end_ms - now_ms) / DAY_MS;
            let grade = if days < 0 {
                Grade::Failed
            } else if days < 15 {
                Grade::Warning
            } else {
                Grade::Well
            };
            let detail =
                format!("{} of {}, certificate for {days} more days", enrolled.agent, enrolled.tenant);
            findings.say(grade, "identity", detail);
        }
        Err(error) => findings.say(Grade::Failed, "identity", error),
    }
    Some(enrolled)
}

/// Only the way there: a handshake on the enrolment protocol, which asks for no certificate and disturbs nobody.
async fn gateway(local: &Local, enrolled: &Enrolled, findings: &mut Findings) {
    let gateways = gateways(local, enrolled);
    let tls = match client::enrolment(client::Trust::Roots(enrolled.roots()), Arc::new(BuildTime)) {
        Ok(tls) => tls,
        Err(error) => return findings.say(Grade::Failed, "gateway", error),
    };
    match quic::connect(&gateways, tls).await {
        Ok(link) => findings.say(Grade::Well, "gateway", format!("{} answers and is ours", link.gateway)),
        Err(error) => {
            let detail = format!("{}: {error}; is UDP let through to it?", gateways.join(", "));
            findings.say(Grade::Failed, "gateway", detail);
        }
    }
}

fn time(now_ms: i64, enrolled: Option<&Enrolled>, findings: &mut Findings) {
    let floor = enrolled.map_or(0, |enrolled| enrolled.confirmed_time_ms).max(build_time_ms());
    if now_ms < floor {
        let days = (floor - now_ms) / DAY_MS;
        let detail = format!("at least {days} days behind; samples are corrected by headquarters' time");
        findings.say(Grade::Warning, "clock", detail);
    } else {
        findings.say(Grade::Well, "clock", "not before the last time that headquarters confirmed");
    }
}

fn configuration(
    dir: &Path,
    resources: Arc<Resources>,
    findings: &mut Findings,
) -> Option<Arc<ActiveConfig>> {
    let key = match SealingKey::load_or_create(&dir.join("identity")) {
        Ok(key) => key,
        Err(error) => {
            findings.say(Grade::Failed, "configuration", error);
            return None;
        }
    };
    let config = ConfigKeeper::open(dir, key, resources).subscribe().borrow().clone();
    if config.version == 0 {
        findings.say(Grade::Warning, "configuration", "none yet; it comes at the first connection");
        return None;
    }
    let detail = format!("version {}, {} devices", config.version, config.devices.len());
    findings.say(Grade::Well, "configuration", detail);
    for (device, error) in &config.refused {
        findings.say(Grade::Warning, "device", format!("{device}: {error}"));
    }
    Some(config)
}

/// Whether cuts would have an effect, on every device that can make any. What fails on one that only observes is no
/// harm yet.
async fn bites(config: &ActiveConfig, findings: &mut Findings) {
    for device in &config.devices {
        let Some(enforce) = device.driver.enforce() else { continue };
        let name = &device.driver.target().name;
        let checks = match tokio::time::timeout(BITE_PATIENCE, enforce.can_bite()).await {
            Ok(Ok(checks)) => checks,
            Ok(Err(error)) => {
                findings.say(Grade::Warning, "cuts", format!("{name}: not checked: {error}"));
                continue;
            }
            Err(_) => {
                let detail = format!("{name}: not checked within {} s", BITE_PATIENCE.as_secs());
                findings.say(Grade::Warning, "cuts", detail);
                continue;
            }
        };
        for check in checks.into_iter().map(|bite| bite.check) {
            let grade = match check.status() {
                CheckStatus::Failed if device.mode == DeviceMode::Enforce => Grade::Failed,
                CheckStatus::Failed | CheckStatus::Warning | CheckStatus::Unspecified => Grade::Warning,
                CheckStatus::Passed => Grade::Well,
                CheckStatus::Skipped => continue,
            };
            findings.say(grade, "cuts", format!("{name}: {}: {}", check.code, check.detail));
            for line in check.remedy.lines() {
                println!("         {line}");
            }
        }
    }
}

fn profiles(local: &Local, findings: &mut Findings) {
    let (profiles, wrong) = local.profiles();
    for error in &wrong {
        findings.say(Grade::Failed, "device profile", error);
    }
    let own = profiles.all().filter(|profile| profile.file.contains('/')).count();
    let detail = format!("{} in force, {own} of this machine's own", profiles.all().count());
    findings.say(Grade::Well, "device profiles", detail);
}

fn running(dir: &Path, now_ms: i64, findings: &mut Findings) {
    match Status::read(dir) {
        Ok(Some(status)) => {
            let lives = Path::new("/proc").join(status.pid.to_string()).exists();
            if status.health(now_ms, lives) == crate::status::Health::NotRunning {
                findings.say(Grade::Warning, "daemon", "not running: systemctl start atalaya-agent");
                return;
            }
            findings.say(Grade::Well, "daemon", format!("runs as process {}", status.pid));
            for device in &status.devices {
                let grade = if device.state == "answers" { Grade::Well } else { Grade::Warning };
                findings.say(grade, "device", format!("{} {} {}", device.name, device.state, device.detail));
            }
        }
        Ok(None) => findings.say(Grade::Warning, "daemon", "never ran here: systemctl start atalaya-agent"),
        Err(error) => findings.say(Grade::Failed, "daemon", format!("status file: {error}")),
    }
}
