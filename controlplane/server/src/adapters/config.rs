//! Configuration on its way to an agent.

use super::{
    sealing::{SealError, seal_to},
    values::{small, unsigned},
};
use atalaya_network::devices::{AgentConfig, Credentials, DeviceConfig, DeviceMode};
use atalaya_protocol::wire;
use prost::Message;
use zeroize::Zeroizing;

/// How often an agent compares everything, ms.
const SWEEP_INTERVAL_MS: u32 = 300_000;

pub(super) fn agent_config(config: &AgentConfig) -> Result<wire::AgentConfig, SealError> {
    let devices = config.devices.iter().map(|device| device_config(device, &config.sealing_key));
    Ok(wire::AgentConfig {
        version: unsigned(config.version),
        sites: config
            .sites
            .iter()
            .map(|(id, name)| wire::SiteConfig { site_id: id.to_string(), name: name.clone() })
            .collect(),
        devices: devices.collect::<Result<_, _>>()?,
        brake: Some(wire::Brake {
            per_hour_floor: small(config.brake_floor),
            per_hour_basis_points: small(config.brake_basis_points),
            changes: Some(wire::ChangeBrake {
                per_hour_floor: small(config.change_floor),
                per_hour_basis_points: small(config.change_basis_points),
                per_minute: small(config.changes_per_minute),
            }),
        }),
        offline_cuts: if config.cuts_while_away { wire::OfflineCuts::Apply } else { wire::OfflineCuts::Hold }
            .into(),
        time_zone: config.time_zone.clone(),
    })
}

pub(super) fn device_config(device: &DeviceConfig, key: &[u8]) -> Result<wire::DeviceConfig, SealError> {
    Ok(wire::DeviceConfig {
        device_id: device.device_id.clone(),
        site_id: device.site_id.to_string(),
        name: device.name.clone(),
        kind: device.kind.to_string(),
        host: device.host.clone(),
        port: device.port.map_or(0, u32::from),
        tls: device.tls,
        tls_fingerprint: device
            .tls_fingerprint
            .as_deref()
            .and_then(|text| hex::decode(text).ok())
            .unwrap_or_default()
            .into(),
        sealed_credentials: match &device.credentials {
            Some(credentials) => seal_to(key, &credentials_bytes(credentials))?.into(),
            None => Default::default(),
        },
        mode: match device.mode {
            DeviceMode::Observe => wire::DeviceMode::Observe,
            DeviceMode::Enforce => wire::DeviceMode::Enforce,
        }
        .into(),
        measure_interval_ms: small(device.measure_interval_s.saturating_mul(1_000)),
        sweep_interval_ms: SWEEP_INTERVAL_MS,
        max_in_flight: 0,
        routeros: Some(wire::RouterosSettings {
            cut_profile: device.cut_profile.clone(),
            cut_address_list: device.cut_address_list.clone(),
            legacy_login: false,
        }),
        without_ping: !device.ping,
    })
}

fn credentials_bytes(credentials: &Credentials) -> Zeroizing<Vec<u8>> {
    use wire::credentials::Kind;
    let kind = match credentials {
        Credentials::UserPassword { user, password } => {
            Kind::UserPassword(wire::UserPassword { user: user.clone(), password: password.clone() })
        }
        Credentials::Community { community } => {
            Kind::SnmpV2c(wire::SnmpCommunity { community: community.clone() })
        }
    };
    Zeroizing::new(wire::Credentials { kind: Some(kind) }.encode_to_vec())
}
