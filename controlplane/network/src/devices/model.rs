use crate::jobs::Finding;
use atalaya_kernel::{
    ids::{AgentId, DeviceId, SiteId},
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;
use zeroize::ZeroizeOnDrop;

text_enum! {
    /// How a device is spoken to.
    pub enum DeviceKind {
        /// MikroTik RouterOS, binary API.
        Routeros = "routeros",
        /// SNMP v2c.
        Snmp = "snmp",
        /// Echo requests only.
        Icmp = "icmp",
    }
}

text_enum! {
    /// Whether the system may change a device.
    pub enum DeviceMode {
        /// Read and report what would be done; change nothing.
        Observe = "observe",
        /// Keep the device as desired.
        Enforce = "enforce",
    }
}

text_enum! {
    /// What a device last did when it was asked.
    pub enum DeviceState {
        /// Nothing heard yet.
        Unknown = "unknown",
        /// It answers.
        Answers = "answers",
        /// No answer.
        Silent = "silent",
        /// It answers and refuses us: wrong password, missing right.
        Refuses = "refuses",
    }
}

/// What a device is logged into with. Never shown, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, ZeroizeOnDrop)]
#[serde(untagged, deny_unknown_fields)]
pub enum Credentials {
    /// RouterOS.
    UserPassword {
        /// User.
        #[schema(example = "atalaya")]
        user: String,
        /// Password.
        #[schema(format = Password)]
        password: String,
    },
    /// SNMP v2c.
    Community {
        /// Community.
        #[schema(format = Password)]
        community: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserPassword { .. } => "UserPassword(…)",
            Self::Community { .. } => "Community(…)",
        })
    }
}

/// Anything an agent talks to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Name, unique within the tenant.
    #[schema(example = "BRAS Cerro Alto")]
    pub name: String,
    /// How it is spoken to.
    pub kind: DeviceKind,
    /// IP address or host name, as the agent reaches it.
    #[schema(example = "10.20.0.1")]
    pub host: String,
    /// Port; none = the kind's own.
    #[schema(example = 8729)]
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// SHA-256 of its certificate when pinned, hexadecimal.
    #[schema(example = "9f1c3a5e0b7d2f4a6c8e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a2c4e6b8d1f3a")]
    pub tls_fingerprint: Option<String>,
    /// Whether there are credentials.
    pub has_credentials: bool,
    /// Where it stands.
    pub site_id: SiteId,
    /// Name of that site.
    #[schema(example = "Cerro Alto")]
    pub site_name: String,
    /// Agent that talks to it.
    pub agent_id: AgentId,
    /// Whether the system may change it.
    pub mode: DeviceMode,
    /// Seconds between measurements.
    pub measure_interval_s: i64,
    /// Whether it is pinged beside its own measurement: latency, jitter and loss.
    pub ping: bool,
    /// PPP profile of a cut subscriber.
    #[schema(example = "atalaya-cut")]
    pub cut_profile: String,
    /// Address list of cut fixed addresses.
    #[schema(example = "atalaya-cut")]
    pub cut_address_list: String,
    /// What it last did when asked.
    pub state: DeviceState,
    /// In its own words where it has some.
    #[schema(example = "")]
    pub state_detail: String,
    /// What `state_detail` says; none when there is nothing to say, or from an older agent.
    pub state_finding: Option<Finding>,
    /// Since when.
    pub state_since: Option<Timestamp>,
    /// Last answer.
    pub last_answer_at: Option<Timestamp>,
    /// Hardware model.
    #[schema(example = "CCR2004-1G-12S+2XS")]
    pub model: String,
    /// Software version.
    #[schema(example = "7.16.2")]
    pub version: String,
    /// Serial number.
    #[schema(example = "HEX0000TEST")]
    pub serial: String,
    /// The name its operator gave it.
    #[schema(example = "torre-norte")]
    pub identity: String,
    /// Seconds since its last start, when last asked.
    pub uptime_s: i64,
    /// Enforcement points on it.
    pub points_total: i64,
    /// Those that are not as desired.
    pub points_differ: i64,
    /// Version for `If-Match`.
    pub revision: i64,
}

/// A device to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// Where it stands.
    pub site_id: SiteId,
    /// Agent that talks to it.
    pub agent_id: AgentId,
    /// Name, unique within the tenant.
    pub name: String,
    /// How it is spoken to.
    pub kind: DeviceKind,
    /// IP address or host name.
    pub host: String,
    /// Port; the kind's own when absent.
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    #[serde(default)]
    pub tls: bool,
    /// SHA-256 of its certificate, 64 hexadecimal digits; any certificate when absent.
    pub tls_fingerprint: Option<String>,
    /// What it is logged into with.
    pub credentials: Option<Credentials>,
    /// Seconds between measurements, 10 to 3600; 60 when absent.
    pub measure_interval_s: Option<i64>,
    /// Whether it is pinged beside its own measurement; yes when absent.
    pub ping: Option<bool>,
    /// PPP profile of a cut subscriber; `cut` when absent.
    pub cut_profile: Option<String>,
    /// Address list of cut fixed addresses; `cortados` when absent.
    pub cut_address_list: Option<String>,
}

/// What to change of a device; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChange {
    /// Other site.
    pub site_id: Option<SiteId>,
    /// Other agent.
    pub agent_id: Option<AgentId>,
    /// New name.
    pub name: Option<String>,
    /// New address.
    pub host: Option<String>,
    /// New port.
    pub port: Option<u16>,
    /// TLS or not.
    pub tls: Option<bool>,
    /// Pinned certificate; an empty text unpins.
    pub tls_fingerprint: Option<String>,
    /// New credentials.
    pub credentials: Option<Credentials>,
    /// Seconds between measurements.
    pub measure_interval_s: Option<i64>,
    /// Whether it is pinged beside its own measurement.
    pub ping: Option<bool>,
    /// PPP profile of a cut subscriber.
    pub cut_profile: Option<String>,
    /// Address list of cut fixed addresses.
    pub cut_address_list: Option<String>,
}

/// The mode that a device shall have.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeChange {
    /// New mode.
    pub mode: DeviceMode,
}
