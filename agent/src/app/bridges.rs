//! Small pieces that let one part of the agent speak to another through the trait that the other owns.

use std::sync::Arc;

use atalaya_protocol::wire;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::config::{ActiveConfig, ConfigKeeper, SealingKey};
use crate::core::brake::BrakeRule;
use crate::core::changes::ChangeRule;
use crate::core::enforcement::Mode;
use crate::driver::{Device, DeviceError};
use crate::enforcer::{EnforcedDevice, Enforcer, EnforcerConfig, Unseal};
use crate::jobs::DeviceBuilder;
use crate::poller::DeviceBoard;
use crate::uplink::ports::HealthSource;
use crate::uplink::{LinkState, UplinkStatus};

/// Opens subscribers' passwords for the enforcer.
pub(super) struct Unsealer(pub(super) SealingKey);

impl Unseal for Unsealer {
    fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let plain = self.0.open(sealed).ok()?;
        std::str::from_utf8(&plain).ok().map(|text| Zeroizing::new(text.to_owned()))
    }
}

/// Health for heartbeats.
pub(super) struct Health {
    pub(super) board: Arc<DeviceBoard>,
    pub(super) enforcer: Arc<Enforcer>,
}

impl HealthSource for Health {
    fn devices(&self) -> Vec<wire::DeviceState> {
        self.board.states()
    }

    fn cuts_held_reason(&self) -> String {
        self.enforcer.cuts_held_reason()
    }
}

impl DeviceBuilder for ConfigKeeper {
    fn build(&self, config: &wire::DeviceConfig) -> Result<Arc<dyn Device>, DeviceError> {
        self.device(config)
    }
}

/// Hands each configuration to the enforcer.
pub(super) async fn configure(
    mut config: watch::Receiver<Arc<ActiveConfig>>,
    enforcer: Arc<Enforcer>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        enforcer.configure(for_enforcer(&config.borrow_and_update()));
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = config.changed() => changed?,
        }
    }
}

fn for_enforcer(config: &ActiveConfig) -> EnforcerConfig {
    let brake = config.message.brake.as_ref().map_or_else(BrakeRule::default, |brake| BrakeRule {
        floor: brake.per_hour_floor,
        basis_points: brake.per_hour_basis_points,
    });
    let usual = ChangeRule::default();
    let given = config.message.brake.as_ref().and_then(|brake| brake.changes.as_ref());
    let changes = given.map_or(usual, |given| ChangeRule {
        hold: BrakeRule { floor: given.per_hour_floor, basis_points: given.per_hour_basis_points },
        per_minute: if given.per_minute == 0 { usual.per_minute } else { given.per_minute },
    });
    let devices = config.devices.iter().map(|device| EnforcedDevice {
        device: device.driver.clone(),
        mode: match device.mode {
            wire::DeviceMode::Enforce => Mode::Enforce,
            wire::DeviceMode::Observe | wire::DeviceMode::Unspecified => Mode::Observe,
        },
        sweep_interval: device.sweep_every,
    });
    EnforcerConfig {
        devices: devices.collect(),
        brake,
        changes,
        cuts_while_away: config.message.offline_cuts() == wire::OfflineCuts::Apply,
    }
}

/// Tells the enforcer whether headquarters is connected.
pub(super) async fn presence(
    mut link: watch::Receiver<UplinkStatus>,
    presence: watch::Sender<bool>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let connected = link.borrow_and_update().state == LinkState::Connected;
        presence.send_if_modified(|before| std::mem::replace(before, connected) != connected);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // The uplink stops first at a clean stop.
            changed = link.changed() => if changed.is_err() {
                stop.cancelled().await;
                return Ok(());
            },
        }
    }
}
