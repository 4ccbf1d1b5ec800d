//! Subscribers' equipment: what dials, what gets through, and how much.
//!
//! A CPE is a customer's router as seen from the ISP's. It wants a session, retries at the redial interval
//! while it has none, and pushes traffic at its demand as soon as the router lets it (see `traffic`).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::firewall::TrafficVerdict;
use super::router::Router;
use super::store::RowId;
use super::{dhcp, hotspot, ppp, value};

/// One subscriber's equipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpeConfig {
    /// Its name in the simulator; not known to the router.
    pub name: String,
    /// How it reaches the network.
    pub access: CpeAccess,
    /// What the subscriber would download if nothing held them back, bits per second.
    #[serde(default = "default_download")]
    pub download_bps: u64,
    /// What the subscriber would upload if nothing held them back, bits per second.
    #[serde(default = "default_upload")]
    pub upload_bps: u64,
    /// Plugged in.
    #[serde(default = "plugged_in")]
    pub powered: bool,
    /// IPv6 address or prefix that it has beside a fixed IPv4 address. What a PPP session gets stands in its secret
    /// (`remote-ipv6-prefix`).
    #[serde(default)]
    pub ipv6: Option<String>,
}

fn default_download() -> u64 {
    2_000_000
}

fn default_upload() -> u64 {
    400_000
}

fn plugged_in() -> bool {
    true
}

/// How a CPE reaches the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CpeAccess {
    /// PPPoE with name and password.
    Pppoe {
        /// Name of the secret.
        username: String,
        /// Password the CPE sends.
        password: String,
        /// Its MAC address, the router's `caller-id`.
        mac: String,
    },
    /// A fixed address, always there.
    Static {
        /// The address.
        address: Ipv4Addr,
    },
    /// A DHCP lease.
    Dhcp {
        /// Its MAC address.
        mac: String,
    },
    /// A hotspot user, who logs in again whenever they are logged out.
    Hotspot {
        /// Name of the user.
        username: String,
        /// Password that the CPE sends.
        password: String,
        /// Its MAC address.
        mac: String,
    },
}

impl CpeConfig {
    /// A PPPoE CPE named like its secret, with a MAC address made of the name.
    pub fn pppoe(username: &str, password: &str) -> Self {
        Self::with_access(
            username,
            CpeAccess::Pppoe {
                username: username.to_owned(),
                password: password.to_owned(),
                mac: mac_of(username),
            },
        )
    }

    /// A CPE on a fixed address.
    pub fn fixed(name: &str, address: Ipv4Addr) -> Self {
        Self::with_access(name, CpeAccess::Static { address })
    }

    /// The same CPE with an IPv6 address or prefix beside.
    #[must_use]
    pub fn with_ipv6(mut self, prefix: &str) -> Self {
        self.ipv6 = Some(prefix.to_owned());
        self
    }

    /// A CPE that takes its address by DHCP.
    pub fn dhcp(name: &str, mac: &str) -> Self {
        Self::with_access(name, CpeAccess::Dhcp { mac: mac.to_owned() })
    }

    /// A CPE that logs in to the hotspot, named like its user.
    pub fn hotspot(username: &str, password: &str) -> Self {
        let access = CpeAccess::Hotspot {
            username: username.to_owned(),
            password: password.to_owned(),
            mac: mac_of(username),
        };
        Self::with_access(username, access)
    }

    fn with_access(name: &str, access: CpeAccess) -> Self {
        Self {
            name: name.to_owned(),
            access,
            download_bps: default_download(),
            upload_bps: default_upload(),
            powered: true,
            ipv6: None,
        }
    }
}

/// A locally administered MAC address that follows from a name (FNV-1a).
fn mac_of(name: &str) -> String {
    let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let bytes = hash.to_be_bytes();
    format!("02:{:02X}:{:02X}:{:02X}:{:02X}:{:02X}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4])
}

/// What a session holds on the router; all of it goes when the session goes.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) active: Option<RowId>,
    /// The menu of that row.
    pub(super) active_menu: &'static str,
    pub(super) interface: Option<RowId>,
    pub(super) interface_name: String,
    pub(super) queue: Option<RowId>,
    pub(super) list_entries: Vec<RowId>,
    pub(super) address: Ipv4Addr,
    /// The address that the customer uses of their IPv6 prefix, when they have one.
    pub(super) ipv6: Option<Ipv6Addr>,
    pub(super) since: Duration,
}

/// A CPE in the world.
#[derive(Debug)]
pub(super) struct Cpe {
    pub(super) config: CpeConfig,
    pub(super) session: Option<Session>,
    pub(super) next_dial: Duration,
    pub(super) refused: Option<String>,
    pub(super) connection: Option<RowId>,
    pub(super) connection_v6: Option<RowId>,
    pub(super) accrued_at: Duration,
    /// Bits per second that passed at the last look, upload and download.
    pub(super) passing: Option<(u64, u64)>,
    /// Bits, so that short intervals are not rounded away.
    pub(super) upload_bits: u64,
    pub(super) download_bits: u64,
    /// The same over IPv6, which is counted apart.
    pub(super) passing_v6: Option<(u64, u64)>,
    pub(super) upload_bits_v6: u64,
    pub(super) download_bits_v6: u64,
}

impl Cpe {
    pub(super) fn new(config: CpeConfig, now: Duration) -> Self {
        Self {
            config,
            session: None,
            next_dial: now,
            refused: None,
            connection: None,
            connection_v6: None,
            accrued_at: now,
            passing: None,
            upload_bits: 0,
            download_bits: 0,
            passing_v6: None,
            upload_bits_v6: 0,
            download_bits_v6: 0,
        }
    }

    pub(super) fn upload_bytes(&self) -> u64 {
        self.upload_bits / 8
    }

    pub(super) fn download_bytes(&self) -> u64 {
        self.download_bits / 8
    }

    /// Bits per second that pass now, upload and download.
    pub(super) fn current_bps(&self) -> (u64, u64) {
        self.passing.unwrap_or_default()
    }

    /// Counters start again with every session, as those of its interface do.
    pub(super) fn start_counting(&mut self, now: Duration) {
        self.accrued_at = now;
        self.passing = None;
        self.upload_bits = 0;
        self.download_bits = 0;
        self.passing_v6 = None;
        self.upload_bits_v6 = 0;
        self.download_bits_v6 = 0;
    }
}

/// What a CPE is doing, for a test to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpeState {
    /// Its name.
    pub name: String,
    /// Plugged in.
    pub powered: bool,
    /// Its address while it has a session.
    pub address: Option<Ipv4Addr>,
    /// `.id` of its row in `/ppp/active`.
    pub active_id: Option<String>,
    /// Milliseconds of device time since the session began.
    pub session_age_ms: Option<u64>,
    /// Why the last dial was refused.
    pub refused: Option<String>,
    /// Would a packet of this customer pass?
    pub verdict: TrafficVerdict,
    /// Bytes uploaded in this session.
    pub upload_bytes: u64,
    /// Bytes downloaded in this session.
    pub download_bytes: u64,
    /// Would a packet of this customer pass over IPv6? `None` for one who has none.
    pub verdict_v6: Option<TrafficVerdict>,
    /// Bytes of both directions that passed over IPv6 in this session.
    pub bytes_v6: u64,
}

impl Router {
    /// Lets every CPE whose time has come dial, up to device time `now`.
    pub(super) fn dial_due(&mut self, now: Duration) {
        while let Some(&(at, index)) = self.due.first() {
            if at > now {
                break;
            }
            self.due.pop_first();
            self.dial(index, at);
        }
    }

    fn dial(&mut self, index: usize, at: Duration) {
        let Some(cpe) = self.cpes.get(index) else { return };
        if !cpe.config.powered || cpe.next_dial != at {
            return;
        }
        let retry = Duration::from_millis(self.config.redial_ms.max(1));
        let has_session = cpe.session.is_some();
        match cpe.config.access.clone() {
            CpeAccess::Pppoe { .. } | CpeAccess::Hotspot { .. } if has_session => {}
            CpeAccess::Pppoe { username, password, mac } => {
                let outcome = ppp::dial(self, index, &username, &password, &mac, at);
                self.dialled(index, outcome, at.saturating_add(retry));
            }
            CpeAccess::Hotspot { username, password, mac } => {
                let outcome = hotspot::log_in(self, index, &username, &password, &mac, at);
                self.dialled(index, outcome, at.saturating_add(retry));
            }
            CpeAccess::Static { address } => {
                if cpe.session.is_none() {
                    let ipv6 = cpe.config.ipv6.as_deref().and_then(value::host_of);
                    self.begin_session(index, Session { ipv6, ..Session::bare(address, at) }, at);
                }
            }
            CpeAccess::Dhcp { mac } => {
                dhcp::renew(self, index, &mac, at);
                self.schedule(index, at.saturating_add(retry));
            }
        }
    }

    fn dialled(&mut self, index: usize, outcome: Result<(), String>, next: Duration) {
        match outcome {
            Ok(()) => self.counters.dials_accepted += 1,
            Err(reason) => {
                self.counters.dials_refused += 1;
                self.cpes[index].refused = Some(reason);
                self.schedule(index, next);
            }
        }
    }

    pub(super) fn schedule(&mut self, index: usize, at: Duration) {
        if let Some(cpe) = self.cpes.get_mut(index) {
            cpe.next_dial = at;
            self.due.insert((at, index));
        }
    }

    pub(super) fn begin_session(&mut self, index: usize, session: Session, now: Duration) {
        self.owners.extend(session.rows().map(|row| (row, index)));
        self.taken.insert(session.address.into());
        let cpe = &mut self.cpes[index];
        cpe.session = Some(session);
        cpe.refused = None;
        // Judged at the next look, not here: thousands may dial in the same moment.
        cpe.start_counting(now);
    }

    /// Ends a session and takes along what it made on the router.
    pub(super) fn end_session(&mut self, index: usize) -> Option<Session> {
        let cpe = self.cpes.get_mut(index)?;
        let session = cpe.session.take()?;
        let connection = cpe.connection.take();
        let connection_v6 = cpe.connection_v6.take();
        cpe.passing = None;
        let (up, down) = (cpe.upload_bits, cpe.download_bits);
        self.gone_upload_bits = self.gone_upload_bits.saturating_add(up);
        self.gone_download_bits = self.gone_download_bits.saturating_add(down);
        self.cpes[index].start_counting(Duration::ZERO);
        self.taken.remove(&session.address.into());
        for (menu, id) in session.rows() {
            self.owners.remove(&(menu, id));
            self.store.table_mut(menu).remove(id);
        }
        for entry in &session.list_entries {
            self.store.table_mut("/ip/firewall/address-list").remove(*entry);
        }
        if let Some(connection) = connection {
            self.store.table_mut("/ip/firewall/connection").remove(connection);
        }
        if let Some(connection) = connection_v6 {
            self.store.table_mut("/ipv6/firewall/connection").remove(connection);
        }
        Some(session)
    }

    /// What a CPE is doing.
    pub(super) fn cpe_state(&mut self, index: usize, now: Duration) -> Option<CpeState> {
        self.accrue(index, now);
        let (verdict, verdict_v6) = (self.verdict(index), self.verdict_v6(index));
        let cpe = self.cpes.get(index)?;
        let session = cpe.session.as_ref();
        let age = session.map(|session| now.saturating_sub(session.since).as_millis());
        Some(CpeState {
            name: cpe.config.name.clone(),
            powered: cpe.config.powered,
            address: session.map(|session| session.address),
            active_id: session.and_then(|session| session.active).map(|id| id.to_string()),
            session_age_ms: age.map(|age| u64::try_from(age).unwrap_or(u64::MAX)),
            refused: cpe.refused.clone(),
            verdict,
            upload_bytes: cpe.upload_bytes(),
            download_bytes: cpe.download_bytes(),
            verdict_v6,
            bytes_v6: cpe.upload_bits_v6.saturating_add(cpe.download_bits_v6) / 8,
        })
    }
}

impl Session {
    /// The rows that belong to this session alone: (menu, `.id`).
    fn rows(&self) -> impl Iterator<Item = (&'static str, RowId)> {
        let rows =
            [(self.active_menu, self.active), ("/interface", self.interface), ("/queue/simple", self.queue)];
        rows.into_iter().filter_map(|(menu, id)| Some((menu, id?)))
    }

    /// A session that made nothing on the router.
    pub(super) fn bare(address: Ipv4Addr, since: Duration) -> Self {
        Self {
            active: None,
            active_menu: "/ppp/active",
            interface: None,
            interface_name: String::new(),
            queue: None,
            list_entries: Vec::new(),
            address,
            ipv6: None,
            since,
        }
    }
}
