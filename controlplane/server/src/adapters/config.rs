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
        max_in_flight: small(device.max_in_flight.unwrap_or(0)),
        routeros: Some(wire::RouterosSettings {
            cut_profile: device.cut_profile.clone(),
            cut_address_list: device.cut_address_list.clone(),
            legacy_login: device.legacy_login,
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

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{ids::SiteId, time::Timestamp};
    use atalaya_network::devices::DeviceKind;

    #[test]
    fn how_a_device_is_spoken_to_travels() {
        let device = DeviceConfig {
            device_id: "dev_1".to_owned(),
            site_id: SiteId::new(Timestamp::from_millis(1)),
            name: "BRAS".to_owned(),
            kind: DeviceKind::Routeros,
            host: "192.0.2.1".to_owned(),
            port: None,
            tls: false,
            tls_fingerprint: None,
            credentials: None,
            mode: DeviceMode::Observe,
            measure_interval_s: 60,
            ping: true,
            cut_profile: "cut".to_owned(),
            cut_address_list: "cortados".to_owned(),
            legacy_login: true,
            max_in_flight: Some(2),
        };
        let told = device_config(&device, &[]).expect("there is nothing to seal");
        let routeros = told.routeros.expect("it is a router");
        assert_eq!((told.max_in_flight, routeros.legacy_login), (2, true));
        let usual = DeviceConfig { max_in_flight: None, ..device };
        let told = device_config(&usual, &[]).expect("there is nothing to seal");
        assert_eq!(told.max_in_flight, 0, "the kind's own");
    }
}
