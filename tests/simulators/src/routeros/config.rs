//! What a simulated router is told before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::cpe::CpeConfig;
use super::version::Version;
use crate::clock::Pace;

/// How `/login` behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginMode {
    /// Name and password in one sentence (6.43 and later).
    Plain,
    /// MD5 challenge (before 6.43): `/login` answers `!done =ret=`.
    Challenge,
    /// Either: a `/login` without a name is answered with a challenge.
    Both,
}

/// A router user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserConfig {
    /// Name to log in with.
    pub name: String,
    /// Password; kept in clear, it is a simulator.
    pub password: String,
    /// Name of a row of `/user/group`: `full`, `read`, `write`, or one that `seed` adds.
    pub group: String,
}

/// What the traffic counters of physical interfaces show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterMode {
    /// Bytes that passed.
    #[default]
    Traffic,
    /// The number of times that this router served a counter value, so that every value ever served is
    /// unique and can be found again at the far end of the pipeline.
    ServeCount,
}

/// Everything about a simulated router. All fields have defaults; see [`SimConfig::default`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// Where the clear-text API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the API over TLS listens, if at all.
    pub listen_tls: Option<SocketAddr>,
    /// Personality.
    pub version: Version,
    /// Log-in; `None` follows the version.
    pub login: Option<LoginMode>,
    /// `/system/identity` name.
    pub identity: String,
    /// Board of `/system/resource` and `/system/routerboard`.
    pub board: String,
    /// Serial number of `/system/routerboard`.
    pub serial: String,
    /// Router users.
    pub users: Vec<UserConfig>,
    /// Number of Ethernet ports `ether1`…; `ether1` is the uplink.
    pub ethernet_ports: u16,
    /// What the counters of the Ethernet ports show.
    pub counters: CounterMode,
    /// Background traffic of each running Ethernet port, bits per second of device time.
    pub background_bps: u64,
    /// How device time passes.
    pub pace: Pace,
    /// Milliseconds of device time between two dials of a CPE without a session.
    pub redial_ms: u64,
    /// Milliseconds of device time that the router is unreachable in a reboot.
    pub boot_ms: u64,
    /// Milliseconds, wall time, between two echo requests of a tool.
    pub echo_interval_ms: u64,
    /// Seconds that the router's clock is ahead of (or, negative, behind) true time.
    pub clock_offset_s: i64,
    /// Commands executed as `admin` before the router listens: words of each sentence, such as
    /// `["/ppp/profile/add", "=name=10M", "=rate-limit=10M/10M"]`.
    pub seed: Vec<Vec<String>>,
    /// Subscribers' equipment.
    pub cpes: Vec<CpeConfig>,
    /// Users that the simulated RADIUS server behind `/radius` accepts.
    pub radius_users: Vec<String>,
    /// Seed of everything random.
    pub random_seed: u64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            listen_tls: None,
            version: Version::default(),
            login: None,
            identity: "sim-router".to_owned(),
            board: "CCR2004-1G-12S+2XS".to_owned(),
            serial: "SIM0000001".to_owned(),
            users: vec![UserConfig { name: "admin".into(), password: "admin".into(), group: "full".into() }],
            ethernet_ports: 4,
            counters: CounterMode::Traffic,
            background_bps: 8_000_000,
            pace: Pace::default(),
            redial_ms: 5_000,
            boot_ms: 2_000,
            echo_interval_ms: 1_000,
            clock_offset_s: 0,
            seed: Vec::new(),
            cpes: Vec::new(),
            radius_users: Vec::new(),
            random_seed: 1,
        }
    }
}

impl SimConfig {
    /// The log-in in force.
    pub fn login_mode(&self) -> LoginMode {
        self.login.unwrap_or(if self.version.plain_login() { LoginMode::Plain } else { LoginMode::Challenge })
    }

    /// Adds a command to the seed.
    #[must_use]
    pub fn with_command<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.seed.push(words.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a subscriber's equipment.
    #[must_use]
    pub fn with_cpe(mut self, cpe: CpeConfig) -> Self {
        self.cpes.push(cpe);
        self
    }

    /// Adds a user group with these policies (comma-separated) and a user of it.
    #[must_use]
    pub fn with_user(mut self, name: &str, password: &str, group: &str) -> Self {
        self.users.push(UserConfig { name: name.into(), password: password.into(), group: group.into() });
        self
    }

    /// A small ISP: plans `10M` and `50M`, a `cut` profile that puts its sessions on the address list
    /// `morosos`, a rule that drops forwarded traffic of that list except to the portal, and `subscribers`
    /// PPPoE subscribers `sub0001`…, each with a secret (password `pw-NAME`), a fixed address from
    /// 10.64.0.0/16 and, when `with_cpes`, a CPE that dials.
    #[must_use]
    pub fn isp(subscribers: u32, with_cpes: bool) -> Self {
        let mut config = Self::default()
            .with_command(["/ip/pool/add", "=name=subscribers", "=ranges=10.65.0.1-10.65.255.254"])
            .with_command([
                "/ppp/profile/add",
                "=name=10M",
                "=local-address=10.64.0.1",
                "=remote-address=subscribers",
                "=rate-limit=10M/10M",
            ])
            .with_command([
                "/ppp/profile/add",
                "=name=50M",
                "=local-address=10.64.0.1",
                "=remote-address=subscribers",
                "=rate-limit=20M/50M",
            ])
            .with_command([
                "/ppp/profile/add",
                "=name=cut",
                "=local-address=10.64.0.1",
                "=remote-address=subscribers",
                "=rate-limit=128k/128k",
                "=address-list=morosos",
            ])
            .with_command([
                "/ip/firewall/filter/add",
                "=chain=forward",
                "=action=accept",
                "=src-address-list=morosos",
                "=dst-address=192.0.2.10",
                "=comment=captive portal",
            ])
            .with_command([
                "/ip/firewall/filter/add",
                "=chain=forward",
                "=action=drop",
                "=src-address-list=morosos",
                "=comment=cut subscribers",
            ])
            .with_command([
                "/ip/firewall/filter/add",
                "=chain=forward",
                "=action=accept",
                "=connection-state=established,related",
            ]);
        for number in 1..=subscribers {
            let name = format!("sub{number:04}");
            let profile = if number % 3 == 0 { "50M" } else { "10M" };
            let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 64, 1, 0)).saturating_add(number));
            config = config.with_command([
                "/ppp/secret/add".to_owned(),
                format!("=name={name}"),
                format!("=password=pw-{name}"),
                "=service=pppoe".to_owned(),
                format!("=profile={profile}"),
                format!("=remote-address={address}"),
            ]);
            if with_cpes {
                config = config.with_cpe(CpeConfig::pppoe(&name, &format!("pw-{name}")));
            }
        }
        config
    }
}
