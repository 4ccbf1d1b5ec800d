//! Headquarters' configuration: opened, turned into devices, put in force, kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atalaya_protocol::wire::{self, AgentConfig, ConfigApplied, DeviceConfig};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::sealing::SealingKey;
use crate::driver::icmp::IcmpDevice;
use crate::driver::registry::Resources;
use crate::driver::{Credentials, Device, DeviceError, Measure, RouterosOptions, Target, TlsMode};
use crate::uplink::ports::ConfigSink;

const FILE: &str = "config.sealed";
const DEFAULT_MEASURE: Duration = Duration::from_secs(60);
const DEFAULT_SWEEP: Duration = Duration::from_secs(300);

/// One device in force.
pub struct ActiveDevice {
    /// Its driver.
    pub driver: Arc<dyn Device>,
    /// Echo requests beside it; none where the driver itself pings, or headquarters turned them off.
    pub ping: Option<Arc<dyn Measure>>,
    /// Between two measurements.
    pub measure_every: Duration,
    /// Between two full comparisons of desired with observed.
    pub sweep_every: Duration,
    /// Whether changes are made, or only told. `observe` unless headquarters says otherwise.
    pub mode: wire::DeviceMode,
    /// What it was made from, to see whether it changed.
    source: DeviceConfig,
}

#[cfg(test)]
impl ActiveDevice {
    pub(crate) fn for_test(driver: Arc<dyn Device>, measure_every: Duration) -> Self {
        let source = DeviceConfig { device_id: driver.target().device_id.clone(), ..DeviceConfig::default() };
        let mode = wire::DeviceMode::Observe;
        Self { driver, ping: None, measure_every, sweep_every: DEFAULT_SWEEP, mode, source }
    }
}

/// The configuration in force.
#[derive(Default)]
pub struct ActiveConfig {
    /// Its version; 0 when there is none yet.
    pub version: u64,
    /// Devices that can be spoken to.
    pub devices: Vec<Arc<ActiveDevice>>,
    /// Devices that cannot, and why: an unknown kind, credentials that do not open.
    pub refused: BTreeMap<String, DeviceError>,
    /// The rest, as it came: sites, brake, offline cuts. Its credentials stay sealed.
    pub message: AgentConfig,
}

impl ActiveConfig {
    /// Every configured device, those that cannot be spoken to included.
    pub fn device_ids(&self) -> impl Iterator<Item = &str> {
        let spoken_to = self.devices.iter().map(|device| device.driver.target().device_id.as_str());
        spoken_to.chain(self.refused.keys().map(String::as_str))
    }

    /// A device by its id or its name.
    pub fn find(&self, id_or_name: &str) -> Option<&Arc<ActiveDevice>> {
        self.devices.iter().find(|device| {
            let target = device.driver.target();
            target.device_id == id_or_name || target.name == id_or_name
        })
    }
}

/// Takes configurations and keeps the last good one.
pub struct ConfigKeeper {
    path: PathBuf,
    key: SealingKey,
    resources: Arc<Resources>,
    active: watch::Sender<Arc<ActiveConfig>>,
    /// One at a time: versions must not overtake each other.
    applying: Mutex<()>,
}

impl ConfigKeeper {
    /// Starts with the configuration kept in `state_dir`, if there is one that opens.
    pub fn open(state_dir: &Path, key: SealingKey, resources: Arc<Resources>) -> Self {
        let path = state_dir.join(FILE);
        let (active, _) = watch::channel(Arc::default());
        let keeper = Self { path, key, resources, active, applying: Mutex::default() };
        match keeper.kept() {
            Ok(Some(message)) => {
                let config = keeper.activate(message);
                tracing::info!(
                    version = config.version,
                    devices = config.devices.len(),
                    "last configuration in force"
                );
                keeper.active.send_replace(Arc::new(config));
            }
            Ok(None) => {}
            // Headquarters sends it again at the next connection.
            Err(reason) => tracing::error!(%reason, "the kept configuration cannot be used"),
        }
        keeper
    }

    /// The configuration in force, now and at each change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<ActiveConfig>> {
        self.active.subscribe()
    }

    /// Builds the device of a configuration that is not in force: for a connection test.
    ///
    /// # Errors
    /// Why there is no driver for it.
    pub fn device(&self, source: &DeviceConfig) -> Result<Arc<dyn Device>, DeviceError> {
        self.resources.device(target(source, &self.key)?)
    }

    fn ping(&self, source: &DeviceConfig, target: &Target) -> Option<Arc<dyn Measure>> {
        let wanted = !source.without_ping && source.kind != "icmp";
        let Resources { echoes, echo_plan, .. } = self.resources.as_ref();
        wanted.then(|| -> Arc<dyn Measure> {
            Arc::new(IcmpDevice::beside(target, Arc::clone(echoes), *echo_plan))
        })
    }

    fn kept(&self) -> Result<Option<AgentConfig>, String> {
        let sealed = match fs::read(&self.path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let plain = self.key.open(&sealed).map_err(|error| error.to_string())?;
        AgentConfig::decode(plain.as_slice()).map(Some).map_err(|error| error.to_string())
    }

    fn keep(&self, message: &AgentConfig) -> anyhow::Result<()> {
        let sealed = self.key.seal(&Zeroizing::new(message.encode_to_vec()))?;
        let unfinished = self.path.with_extension("sealed.new");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        if let Some(dir) = self.path.parent() {
            fs::File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn apply(&self, message: AgentConfig) -> ConfigApplied {
        let _one_at_a_time = self.applying.lock();
        let in_force = self.active.borrow().version;
        let version = message.version;
        if version == in_force {
            return ConfigApplied { version, error: String::new() };
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = message.devices.iter().find(|device| !ids.insert(&device.device_id)) {
            let error = format!("device {} is configured twice", twice.device_id);
            return ConfigApplied { version: in_force, error };
        }
        // A disk that refuses must not keep a site on an old configuration: it is in force, and comes again.
        if let Err(error) = self.keep(&message) {
            tracing::error!(%error, version, "the configuration is in force and could not be kept");
        }
        let config = self.activate(message);
        tracing::info!(
            version,
            devices = config.devices.len(),
            refused = config.refused.len(),
            "configuration in force"
        );
        self.active.send_replace(Arc::new(config));
        ConfigApplied { version, error: String::new() }
    }

    /// Builds every device, keeping those that did not change with all they learnt.
    fn activate(&self, message: AgentConfig) -> ActiveConfig {
        let before = self.active.borrow().clone();
        let mut config = ActiveConfig { version: message.version, ..ActiveConfig::default() };
        for source in &message.devices {
            if let Some(same) = before.devices.iter().find(|device| device.source == *source) {
                config.devices.push(Arc::clone(same));
                continue;
            }
            match self.device(source) {
                Ok(driver) => config.devices.push(Arc::new(ActiveDevice {
                    ping: self.ping(source, driver.target()),
                    driver,
                    measure_every: interval(source.measure_interval_ms, DEFAULT_MEASURE),
                    sweep_every: interval(source.sweep_interval_ms, DEFAULT_SWEEP),
                    mode: match source.mode() {
                        wire::DeviceMode::Enforce => wire::DeviceMode::Enforce,
                        wire::DeviceMode::Observe | wire::DeviceMode::Unspecified => {
                            wire::DeviceMode::Observe
                        }
                    },
                    source: source.clone(),
                })),
                Err(error) => {
                    tracing::warn!(device = source.device_id, %error, "device left alone");
                    config.refused.insert(source.device_id.clone(), error);
                }
            }
        }
        config.message = message;
        config
    }
}

#[async_trait]
impl ConfigSink for ConfigKeeper {
    async fn received(&self, config: AgentConfig) -> ConfigApplied {
        self.apply(config)
    }

    fn version(&self) -> u64 {
        self.active.borrow().version
    }
}

fn interval(millis: u32, default: Duration) -> Duration {
    if millis == 0 { default } else { Duration::from_millis(u64::from(millis)).max(Duration::from_secs(1)) }
}

fn target(source: &DeviceConfig, key: &SealingKey) -> Result<Target, DeviceError> {
    let tls = match (source.tls, source.tls_fingerprint.as_ref()) {
        (false, _) => TlsMode::Off,
        (true, []) => TlsMode::AnyCertificate,
        (true, fingerprint) => TlsMode::Pinned(fingerprint.try_into().map_err(|_| DeviceError::Config {
            words: format!("a certificate fingerprint has 32 bytes, not {}", fingerprint.len()),
        })?),
    };
    let port = u16::try_from(source.port)
        .map_err(|_| DeviceError::Config { words: format!("port {} does not exist", source.port) })?;
    let given = source.routeros.clone().unwrap_or_default();
    let defaults = RouterosOptions::default();
    let or = |given: String, default| if given.is_empty() { default } else { given };
    Ok(Target {
        device_id: source.device_id.clone(),
        site_id: source.site_id.clone(),
        name: source.name.clone(),
        kind: source.kind.clone(),
        host: source.host.clone(),
        port: (port > 0).then_some(port),
        tls,
        credentials: credentials(&source.sealed_credentials, key)?,
        max_in_flight: usize::try_from(source.max_in_flight).unwrap_or(usize::MAX),
        routeros: RouterosOptions {
            cut_profile: or(given.cut_profile, defaults.cut_profile),
            cut_address_list: or(given.cut_address_list, defaults.cut_address_list),
            legacy_login: given.legacy_login,
        },
    })
}

fn credentials(sealed: &[u8], key: &SealingKey) -> Result<Credentials, DeviceError> {
    if sealed.is_empty() {
        return Ok(Credentials::None);
    }
    let config = |words: String| DeviceError::Config { words };
    let plain =
        key.open(sealed).map_err(|error| config(format!("credentials: {error}; enter them again")))?;
    let opened = wire::Credentials::decode(plain.as_slice())
        .map_err(|error| config(format!("credentials: {error}")))?;
    Ok(match opened.kind {
        Some(wire::credentials::Kind::UserPassword(login)) => {
            Credentials::UserPassword { user: login.user, password: Zeroizing::new(login.password) }
        }
        Some(wire::credentials::Kind::SnmpV2c(snmp)) => {
            Credentials::SnmpV2c { community: Zeroizing::new(snmp.community) }
        }
        None => return Err(config("credentials of a kind that this agent does not know".into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::AgentClock;
    use crate::config::sealing::seal_to;
    use crate::driver::icmp::EchoPlan;

    fn snmp(key: &SealingKey, id: &str) -> DeviceConfig {
        let community = wire::SnmpCommunity { community: "secreto".into() };
        let plain = wire::Credentials { kind: Some(wire::credentials::Kind::SnmpV2c(community)) };
        DeviceConfig {
            device_id: id.into(),
            kind: "snmp".into(),
            host: "192.0.2.1".into(),
            sealed_credentials: seal_to(&key.public(), &plain.encode_to_vec()).unwrap().into(),
            ..DeviceConfig::default()
        }
    }

    fn keeper(dir: &Path) -> (ConfigKeeper, SealingKey) {
        let key = SealingKey::load_or_create(&dir.join("identity")).unwrap();
        let resources = Resources::open(Arc::new(AgentClock::start()), EchoPlan::default());
        (ConfigKeeper::open(dir, key.clone(), Arc::new(resources)), key)
    }

    #[tokio::test]
    async fn a_configuration_is_in_force_again_after_a_restart_and_sealed_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let (first, key) = keeper(dir.path());
        let message =
            AgentConfig { version: 7, devices: vec![snmp(&key, "dev_1")], ..AgentConfig::default() };
        assert_eq!(first.received(message).await, ConfigApplied { version: 7, error: String::new() });
        drop(first);
        let bytes = fs::read(dir.path().join(FILE)).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"dev_1"));
        let (second, _) = keeper(dir.path());
        assert_eq!(second.version(), 7);
        let config = second.subscribe().borrow().clone();
        let target = config.find("dev_1").unwrap().driver.target();
        assert!(
            matches!(&target.credentials, Credentials::SnmpV2c { community } if community.as_str() == "secreto")
        );
        assert_eq!(config.devices[0].mode, wire::DeviceMode::Observe);
    }

    #[tokio::test]
    async fn every_device_is_pinged_unless_it_is_turned_off_or_pings_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, key) = keeper(dir.path());
        let off = DeviceConfig { without_ping: true, ..snmp(&key, "dev_2") };
        let icmp = DeviceConfig {
            device_id: "dev_3".into(),
            kind: "icmp".into(),
            host: "192.0.2.1".into(),
            ..DeviceConfig::default()
        };
        let devices = vec![snmp(&key, "dev_1"), off, icmp];
        keeper.received(AgentConfig { version: 1, devices, ..AgentConfig::default() }).await;
        let config = keeper.subscribe().borrow().clone();
        let pinged: Vec<bool> = config.devices.iter().map(|device| device.ping.is_some()).collect();
        assert_eq!(pinged, [true, false, false]);
    }

    #[tokio::test]
    async fn what_cannot_be_spoken_to_is_told_and_does_not_stop_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, key) = keeper(dir.path());
        let stranger = SealingKey::load_or_create(&dir.path().join("other")).unwrap();
        let unknown =
            DeviceConfig { device_id: "dev_2".into(), kind: "teleport".into(), ..DeviceConfig::default() };
        let devices = vec![snmp(&key, "dev_1"), unknown, snmp(&stranger, "dev_3")];
        keeper.received(AgentConfig { version: 1, devices, ..AgentConfig::default() }).await;
        let config = keeper.subscribe().borrow().clone();
        assert_eq!(config.devices.len(), 1);
        assert!(config.refused["dev_2"].to_string().contains("`teleport`"));
        assert!(config.refused["dev_3"].to_string().contains("sealed to another key"));
    }

    #[tokio::test]
    async fn an_unchanged_device_keeps_its_handle_and_a_contradiction_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, key) = keeper(dir.path());
        let device = snmp(&key, "dev_1");
        let config = |version, devices| AgentConfig { version, devices, ..AgentConfig::default() };
        keeper.received(config(1, vec![device.clone()])).await;
        let before = keeper.subscribe().borrow().devices[0].clone();
        keeper.received(config(2, vec![device.clone()])).await;
        assert!(Arc::ptr_eq(&before, &keeper.subscribe().borrow().devices[0]));
        let answer = keeper.received(config(3, vec![device.clone(), device])).await;
        assert_eq!((answer.version, answer.error.as_str()), (2, "device dev_1 is configured twice"));
    }
}
