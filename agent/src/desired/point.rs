//! One enforcement point as headquarters wants it, checked once on arrival.

use std::fmt;

use atalaya_protocol::wire;

/// Order of the desired states of one point: the timeline grows on a restored backup, the generation with each change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Order {
    /// Grows on every restore, move and fail-over of headquarters.
    pub timeline: u64,
    /// Grows with each change of the point.
    pub generation: u64,
}

impl From<wire::Order> for Order {
    fn from(order: wire::Order) -> Self {
        Self { timeline: order.timeline, generation: order.generation }
    }
}

impl From<Order> for wire::Order {
    fn from(order: Order) -> Self {
        Self { timeline: order.timeline, generation: order.generation }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.timeline, self.generation)
    }
}

/// What must be true of the subscriber at this point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Passes, at the plan's speed.
    Active,
    /// Cut.
    Suspended,
    /// Gone: rows of ours are removed, a fixed address stays cut until it is free, what is not ours is cut and left.
    Terminated,
}

/// Bits per second, seen from the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Speed {
    /// Towards the subscriber, bit/s.
    pub download_bps: u64,
    /// From the subscriber, bit/s.
    pub upload_bps: u64,
}

impl From<Speed> for wire::Speed {
    fn from(speed: Speed) -> Self {
        Self { download_bps: speed.download_bps, upload_bps: speed.upload_bps }
    }
}

/// How the subscriber reaches the network at this point.
#[derive(Clone, PartialEq, Eq)]
pub enum Access {
    /// A PPP secret.
    Pppoe {
        /// Name of the secret.
        user: String,
        /// PPP profile at full service.
        profile: String,
        /// Fixed address; `None` = the profile's pool.
        address: Option<String>,
        /// Password sealed to the agent's key; empty = leave the one that is there.
        sealed_password: Vec<u8>,
    },
    /// A fixed address, without `/32` or `/128`.
    Static {
        /// Address or prefix.
        address: String,
    },
    /// Something that this version of the agent does not know: reported, never acted on.
    Unsupported {
        /// What is not understood.
        why: String,
    },
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pppoe { user, profile, address, .. } => write!(f, "Pppoe({user}, {profile}, {address:?})"),
            Self::Static { address } => write!(f, "Static({address})"),
            Self::Unsupported { why } => write!(f, "Unsupported({why})"),
        }
    }
}

/// The desired state of one enforcement point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// `enp_…`
    pub id: String,
    /// The device at which it is enforced.
    pub device_id: String,
    /// Which desired state this is.
    pub order: Order,
    /// What must be true.
    pub status: Status,
    /// Plan speed; `None` = speed is not managed here.
    pub speed: Option<Speed>,
    /// How the subscriber reaches the network.
    pub access: Access,
    /// The first application of a cut may not come before this, Unix ms; 0 = no bound.
    pub not_before_ms: i64,
    /// The first application of a cut may not come after this, Unix ms; 0 = no bound.
    pub not_after_ms: i64,
    /// A technician holds it open until then, Unix ms; 0 = no.
    pub hold_open_until_ms: i64,
    /// A person released this very order: brake, timeline hold and the hold of too many changes do not apply.
    pub released: bool,
    /// Whether this cut was decided before a backup of headquarters was restored; `None` = headquarters does not say.
    pub before_restore: Option<bool>,
    /// Before-image of fields that we do not manage, for a row that has to be made anew.
    pub restore: Vec<(String, String)>,
    /// Marker in the comment of rows that we make; never empty.
    pub marker: String,
    /// A person recognised the row on the device as this subscriber's: it counts as ours, and gets the marker.
    pub adopt: bool,
    /// Of a terminated point: its fixed address, or a row that is not ours, was given to someone else, or a person
    /// released it. Nothing is cut for it any more.
    pub address_free: bool,
}

impl Point {
    /// Reads a message. What cannot be understood becomes [`Access::Unsupported`], so that one odd point never
    /// keeps the others from being enforced.
    pub fn from_wire(point: wire::DesiredPoint) -> Self {
        let known = match point.status() {
            wire::DesiredStatus::Active => Some(Status::Active),
            wire::DesiredStatus::Suspended => Some(Status::Suspended),
            wire::DesiredStatus::Terminated => Some(Status::Terminated),
            wire::DesiredStatus::Unspecified => None,
        };
        let method = point.method();
        let before_restore = match point.timeline_hold() {
            wire::TimelineHold::Waits => Some(true),
            wire::TimelineHold::None => Some(false),
            wire::TimelineHold::Unspecified => None,
        };
        let access = match (known, method, point.access) {
            (None, ..) => Access::Unsupported { why: "status of the point is unknown to this agent".into() },
            (_, wire::Method::Pppoe, Some(wire::desired_point::Access::Pppoe(pppoe))) => pppoe_access(pppoe),
            (_, wire::Method::StaticAddress, Some(wire::desired_point::Access::StaticAddress(fixed))) => {
                static_access(&fixed.address)
            }
            // A number that has no name here is `Unspecified` as an enum: it is told as it came.
            _ => Access::Unsupported { why: format!("method {} is unknown to this agent", point.method) },
        };
        let marker =
            if point.marker.is_empty() { format!("atalaya:{}", point.point_id) } else { point.marker };
        Self {
            id: point.point_id,
            device_id: point.device_id,
            order: point.order.unwrap_or_default().into(),
            status: known.unwrap_or(Status::Active),
            speed: point
                .speed
                .filter(|speed| speed.download_bps > 0 && speed.upload_bps > 0)
                .map(|speed| Speed { download_bps: speed.download_bps, upload_bps: speed.upload_bps }),
            access,
            not_before_ms: point.not_before_ms,
            not_after_ms: point.not_after_ms,
            hold_open_until_ms: point.hold_open_until_ms,
            released: point.released,
            before_restore,
            restore: point.restore.into_iter().map(|field| (field.name, field.value)).collect(),
            marker,
            adopt: point.adopt,
            address_free: point.address_free,
        }
    }

    /// Whether a technician holds a cut point open at `now_ms`.
    pub fn is_held_open(&self, now_ms: i64) -> bool {
        self.status != Status::Active && now_ms < self.hold_open_until_ms
    }

    /// What to make true at `now_ms`: a point held open is wanted active whatever its status says.
    pub fn wanted(&self, now_ms: i64) -> Status {
        if self.is_held_open(now_ms) { Status::Active } else { self.status }
    }
}

fn pppoe_access(pppoe: wire::PppoeAccess) -> Access {
    if pppoe.user.is_empty() || pppoe.profile.is_empty() {
        return Access::Unsupported { why: "a PPPoE point needs a user and a profile".into() };
    }
    Access::Pppoe {
        user: pppoe.user,
        profile: pppoe.profile,
        address: (!pppoe.address.is_empty()).then(|| bare_address(&pppoe.address).to_owned()),
        sealed_password: pppoe.sealed_password.to_vec(),
    }
}

fn static_access(address: &str) -> Access {
    let bare = bare_address(address);
    let (host, length) = bare.split_once('/').unwrap_or((bare, ""));
    let whole_internet = length.parse::<u8>().is_ok_and(|length| length < 8);
    if host.parse::<std::net::IpAddr>().is_err() || whole_internet {
        return Access::Unsupported { why: format!("{address:?} is no fixed address") };
    }
    Access::Static { address: bare.to_owned() }
}

/// An address without the prefix length that says "one host": devices show either form.
pub fn bare_address(address: &str) -> &str {
    if address.contains(':') {
        address.strip_suffix("/128").unwrap_or(address)
    } else {
        address.strip_suffix("/32").unwrap_or(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_point_is_kept_but_never_acted_on() {
        let point = Point::from_wire(wire::DesiredPoint { point_id: "enp_1".into(), ..Default::default() });
        assert!(matches!(point.access, Access::Unsupported { .. }));
        assert_eq!(point.marker, "atalaya:enp_1");
    }

    /// A newer headquarters sends what this agent does not know: never acted on, whatever else the point says.
    #[test]
    fn a_method_or_an_access_of_a_newer_headquarters_is_refused() {
        use prost::Message as _;
        let pppoe = wire::PppoeAccess { user: "casa-12".into(), profile: "10M".into(), ..Default::default() };
        let known = wire::DesiredPoint {
            point_id: "enp_1".into(),
            method: wire::Method::Pppoe.into(),
            status: wire::DesiredStatus::Suspended.into(),
            access: Some(wire::desired_point::Access::Pppoe(pppoe)),
            ..Default::default()
        };
        assert!(matches!(Point::from_wire(known.clone()).access, Access::Pppoe { .. }));
        let of_a_new_method = Point::from_wire(wire::DesiredPoint { method: 77, ..known.clone() });
        assert_eq!(
            of_a_new_method.access,
            Access::Unsupported { why: "method 77 is unknown to this agent".into() }
        );
        let mut bytes = wire::DesiredPoint { access: None, ..known }.encode_to_vec();
        // Field 1023, two bytes: an access that has no name yet.
        bytes.extend_from_slice(&[0xfa, 0x3f, 2, 1, 2]);
        let of_a_new_access = Point::from_wire(wire::DesiredPoint::decode(&*bytes).unwrap());
        assert!(matches!(of_a_new_access.access, Access::Unsupported { .. }));
    }

    #[test]
    fn a_fixed_address_is_one_host_or_a_prefix_but_never_half_the_internet() {
        assert_eq!(static_access("10.0.0.5/32"), Access::Static { address: "10.0.0.5".into() });
        assert_eq!(static_access("2001:db8::/64"), Access::Static { address: "2001:db8::/64".into() });
        assert!(matches!(static_access("0.0.0.0/0"), Access::Unsupported { .. }));
        assert!(matches!(static_access("example.net"), Access::Unsupported { .. }));
    }
}
