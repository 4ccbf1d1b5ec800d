//! Desired state on its way to an agent.

use super::{
    sealing::{SealError, seal_to},
    values::{millis, unsigned},
};
use atalaya_network::{
    jobs::Field,
    provisioning::{DesiredAccess, DesiredPoint, DesiredStatus},
};
use atalaya_protocol::wire;

pub(super) fn desired_point(point: &DesiredPoint, key: &[u8]) -> Result<wire::DesiredPoint, SealError> {
    let (method, access) = access(&point.access, key)?;
    let desired = &point.desired;
    let managed = desired.download_bps > 0 && desired.upload_bps > 0;
    Ok(wire::DesiredPoint {
        point_id: point.id.to_string(),
        device_id: point.device_id.to_string(),
        method: method.into(),
        order: Some(wire::Order {
            timeline: unsigned(desired.timeline),
            generation: unsigned(desired.generation),
        }),
        status: match desired.status {
            DesiredStatus::Active => wire::DesiredStatus::Active,
            DesiredStatus::Suspended => wire::DesiredStatus::Suspended,
            DesiredStatus::Terminated => wire::DesiredStatus::Terminated,
        }
        .into(),
        speed: managed.then(|| wire::Speed {
            download_bps: unsigned(desired.download_bps),
            upload_bps: unsigned(desired.upload_bps),
        }),
        not_before_ms: 0,
        not_after_ms: millis(point.not_after),
        hold_open_until_ms: millis(point.hold_open_until),
        released: point.released,
        adopt: point.adopt,
        address_free: point.address_free,
        timeline_hold: match (desired.status, point.before_restore) {
            (DesiredStatus::Active, _) => wire::TimelineHold::Unspecified,
            (_, true) => wire::TimelineHold::Waits,
            (_, false) => wire::TimelineHold::None,
        }
        .into(),
        restore: point.restore.iter().map(field).collect(),
        marker: format!("atalaya:{}", point.id),
        reason: point.reason.clone(),
        access: Some(access),
    })
}

fn access(
    access: &DesiredAccess,
    key: &[u8],
) -> Result<(wire::Method, wire::desired_point::Access), SealError> {
    use wire::desired_point::Access;
    Ok(match access {
        DesiredAccess::Pppoe { user, password, profile, address } => {
            let sealed_password = match password {
                Some(password) => seal_to(key, password.expose().as_bytes())?.into(),
                None => Default::default(),
            };
            let (user, profile, address) = (user.clone(), profile.clone(), address.clone());
            (
                wire::Method::Pppoe,
                Access::Pppoe(wire::PppoeAccess { user, sealed_password, profile, address }),
            )
        }
        DesiredAccess::Static { address } => (
            wire::Method::StaticAddress,
            Access::StaticAddress(wire::StaticAccess { address: address.clone() }),
        ),
    })
}

pub(super) fn field(field: &Field) -> wire::Field {
    wire::Field { name: field.name.clone(), value: field.value.clone() }
}
