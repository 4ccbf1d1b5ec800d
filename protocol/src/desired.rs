//! Desired state: what a point must say to be obeyed, and the digest by which both ends compare what they hold.

use sha2::{Digest, Sha256};

use crate::wire::{DesiredPoint, DesiredStatus, Method, Order, desired_point::Access};

/// Most points of one snapshot part, update or observed report: keeps the frame within its lane's limit.
pub const MAX_POINTS: usize = 256;

/// SHA-256 over the sorted (point, timeline, generation) triples that an end holds. Each triple is the id's length
/// (u32), the id, timeline (u64), generation (u64), big endian. Equal digests save a snapshot.
pub fn digest<'a>(points: impl IntoIterator<Item = (&'a str, Order)>) -> [u8; 32] {
    let mut points: Vec<_> = points.into_iter().collect();
    points.sort_unstable();
    let mut hash = Sha256::new();
    for (id, order) in points {
        hash.update(u32::try_from(id.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(id.as_bytes());
        hash.update(order.timeline.to_be_bytes());
        hash.update(order.generation.to_be_bytes());
    }
    hash.finalize().into()
}

/// Why a point is not obeyed.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPoint {
    /// A name that everything hangs on is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// No order, or (0, 0), which is before everything.
    #[error("point has no order")]
    NoOrder,
    /// Status or method is missing or of a newer version.
    #[error("{0} is unknown")]
    Unknown(&'static str),
    /// The access details are absent or of another method.
    #[error("access details do not fit the method")]
    AccessMismatch,
}

/// A point that passed every check, with its enums read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedPoint {
    /// Its order, above [`Order::NONE`].
    pub order: Order,
    /// What must be true.
    pub status: DesiredStatus,
    /// How.
    pub method: Method,
}

/// Checks that a point says all that enforcing it needs.
///
/// # Errors
/// [`InvalidPoint`]: the first thing that is wrong.
pub fn check(point: &DesiredPoint) -> Result<CheckedPoint, InvalidPoint> {
    for (name, value) in
        [("point_id", &point.point_id), ("device_id", &point.device_id), ("marker", &point.marker)]
    {
        if value.is_empty() {
            return Err(InvalidPoint::Empty(name));
        }
    }
    let order = point.order.filter(|order| *order > Order::NONE).ok_or(InvalidPoint::NoOrder)?;
    let status = point.status();
    if status == DesiredStatus::Unspecified {
        return Err(InvalidPoint::Unknown("status"));
    }
    let method = match (point.method(), &point.access) {
        (Method::Unspecified, _) => return Err(InvalidPoint::Unknown("method")),
        (Method::Pppoe, Some(Access::Pppoe(access))) if access.user.is_empty() => {
            return Err(InvalidPoint::Empty("pppoe.user"));
        }
        (Method::StaticAddress, Some(Access::StaticAddress(access))) if access.address.is_empty() => {
            return Err(InvalidPoint::Empty("static_address.address"));
        }
        (method @ Method::Pppoe, Some(Access::Pppoe(_)))
        | (method @ Method::StaticAddress, Some(Access::StaticAddress(_))) => method,
        _ => return Err(InvalidPoint::AccessMismatch),
    };
    Ok(CheckedPoint { order, status, method })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{PppoeAccess, StaticAccess};

    fn valid() -> DesiredPoint {
        DesiredPoint {
            point_id: "enp_1".into(),
            device_id: "dev_1".into(),
            marker: "atalaya:enp_1".into(),
            method: Method::Pppoe.into(),
            status: DesiredStatus::Active.into(),
            order: Some(Order { timeline: 1, generation: 1 }),
            access: Some(Access::Pppoe(PppoeAccess { user: "casa-12".into(), ..PppoeAccess::default() })),
            ..DesiredPoint::default()
        }
    }

    #[test]
    fn a_whole_point_passes() {
        let checked = check(&valid()).unwrap();
        assert_eq!(
            (checked.status, checked.method, checked.order.generation),
            (DesiredStatus::Active, Method::Pppoe, 1)
        );
    }

    #[test]
    fn whatever_is_missing_is_named() {
        let static_address = Access::StaticAddress(StaticAccess { address: "192.0.2.7".into() });
        let cases = [
            (DesiredPoint { point_id: String::new(), ..valid() }, InvalidPoint::Empty("point_id")),
            (DesiredPoint { order: None, ..valid() }, InvalidPoint::NoOrder),
            (DesiredPoint { order: Some(Order::NONE), ..valid() }, InvalidPoint::NoOrder),
            (DesiredPoint { status: 77, ..valid() }, InvalidPoint::Unknown("status")),
            (DesiredPoint { method: 0, ..valid() }, InvalidPoint::Unknown("method")),
            (DesiredPoint { access: None, ..valid() }, InvalidPoint::AccessMismatch),
            (DesiredPoint { access: Some(static_address), ..valid() }, InvalidPoint::AccessMismatch),
            (
                DesiredPoint { access: Some(Access::Pppoe(PppoeAccess::default())), ..valid() },
                InvalidPoint::Empty("pppoe.user"),
            ),
        ];
        for (point, error) in cases {
            assert_eq!(check(&point), Err(error));
        }
    }

    #[test]
    fn the_digest_ignores_the_order_of_listing_and_sees_every_change() {
        let order = |generation| Order { timeline: 1, generation };
        let held = digest([("enp_a", order(1)), ("enp_b", order(2))]);
        assert_eq!(held, digest([("enp_b", order(2)), ("enp_a", order(1))]));
        assert_ne!(held, digest([("enp_a", order(1)), ("enp_b", order(3))]));
        assert_ne!(held, digest([("enp_a", order(1))]));
        assert_ne!(digest([("ab", order(1))]), digest([("a", order(1))]));
    }
}
