//! The device as configured, credentials opened.

use std::fmt;

use zeroize::Zeroizing;

/// How a connection to the device is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// In clear.
    #[default]
    Off,
    /// TLS with any certificate: private against a listener, not against an impostor. Told as such.
    AnyCertificate,
    /// TLS with exactly this certificate (SHA-256 of its DER).
    Pinned([u8; 32]),
}

/// What opens a device. Wiped from memory on drop; never shown.
#[derive(Clone, Default)]
pub enum Credentials {
    /// None given.
    #[default]
    None,
    /// A user and a password.
    UserPassword {
        /// Login name.
        user: String,
        /// Password.
        password: Zeroizing<String>,
    },
    /// SNMP v2c community.
    SnmpV2c {
        /// The community, as secret as a password.
        community: Zeroizing<String>,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::UserPassword { .. } => "UserPassword(..)",
            Self::SnmpV2c { .. } => "SnmpV2c(..)",
        })
    }
}

/// How cuts are made on a RouterOS device; defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterosOptions {
    /// PPP profile of a cut subscriber.
    pub cut_profile: String,
    /// Address list of cut fixed addresses.
    pub cut_address_list: String,
    /// Log in by challenge (RouterOS before 6.43).
    pub legacy_login: bool,
}

impl Default for RouterosOptions {
    fn default() -> Self {
        Self { cut_profile: "cut".into(), cut_address_list: "cortados".into(), legacy_login: false }
    }
}

/// One device as headquarters configured it, ready for its driver.
#[derive(Debug, Clone)]
pub struct Target {
    /// `dev_…`
    pub device_id: String,
    /// `sit_…`
    pub site_id: String,
    /// Its name, for people.
    pub name: String,
    /// routeros, snmp, icmp, …
    pub kind: String,
    /// IP address or host name.
    pub host: String,
    /// `None` = default of the kind.
    pub port: Option<u16>,
    /// Protection of the connection.
    pub tls: TlsMode,
    /// Opened credentials.
    pub credentials: Credentials,
    /// Most commands in flight at once; 0 = default of the kind.
    pub max_in_flight: usize,
    /// Settings of the RouterOS kind.
    pub routeros: RouterosOptions,
}
