//! The router itself: tables, sessions, time. No sockets; everything here is synchronous.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::command::{Command, Reply, Trap};
use super::config::SimConfig;
use super::cpe::Cpe;
use super::firewall::Views;
use super::ledger::{Counters, ServeLog};
use super::menus;
use super::store::{RowId, Store};
use super::{print, verbs};
use crate::clock::SimClock;

/// Policies of the groups that every router has.
const GROUPS: &[(&str, &str)] = &[
    (
        "full",
        "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,rest-api",
    ),
    ("read", "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,rest-api"),
    (
        "write",
        "local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon,rest-api",
    ),
];

/// Who gives a command.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Name in `/user`; `None` is the simulator itself, which may do everything.
    pub(super) user: Option<String>,
    /// Policies that a fault takes away.
    pub(super) denied: Vec<String>,
}

impl Caller {
    /// The simulator itself: a hand on the router, not a client under test.
    pub(super) fn operator() -> Self {
        Self { user: None, denied: Vec::new() }
    }
}

/// State of the router and of the world behind it.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) config: SimConfig,
    pub(super) clock: Arc<SimClock>,
    pub(super) store: Store,
    pub(super) counters: Counters,
    pub(super) serve_log: ServeLog,
    pub(super) serve_count: u64,
    pub(super) booted_at: Duration,
    pub(super) sessions_made: u64,
    pub(super) cpes: Vec<Cpe>,
    /// Dials to come: (device time, position of the CPE).
    pub(super) due: BTreeSet<(Duration, usize)>,
    /// Which CPE's session made a dynamic row: (menu, `.id`) → position of the CPE.
    pub(super) owners: HashMap<(&'static str, RowId), usize>,
    pub(super) pool_cursor: HashMap<String, u64>,
    /// Addresses in use by sessions.
    pub(super) taken: HashSet<u32>,
    /// Traffic of sessions that are over, as the uplink still counts it.
    pub(super) gone_upload_bits: u64,
    pub(super) gone_download_bits: u64,
    views: Option<(u64, Arc<Views>)>,
}

impl Router {
    /// A router as the configuration describes it, booted, before its CPEs dial.
    ///
    /// # Errors
    /// The first command of the seed that is refused, with the router's message.
    pub(super) fn new(config: SimConfig, clock: Arc<SimClock>) -> Result<Self, String> {
        let now = clock.now();
        let cpes: Vec<Cpe> = config.cpes.iter().cloned().map(|cpe| Cpe::new(cpe, now)).collect();
        let mut router = Self {
            due: BTreeSet::new(),
            cpes,
            clock,
            store: Store::new(menus::all()),
            counters: Counters::default(),
            serve_log: ServeLog::default(),
            serve_count: 0,
            booted_at: now,
            sessions_made: 0,
            owners: HashMap::new(),
            pool_cursor: HashMap::new(),
            taken: HashSet::new(),
            gone_upload_bits: 0,
            gone_download_bits: 0,
            views: None,
            config,
        };
        router.furnish();
        for words in router.config.seed.clone() {
            let replies = router.execute(&Caller::operator(), &Command::parse(&words));
            if let Some(Reply::Trap(trap)) = replies.first() {
                return Err(format!("seed command {words:?}: {}", trap.message));
            }
        }
        router.counters = Counters::default();
        // Not earlier: a dial in the middle of the seed would meet half a configuration.
        for index in 0..router.cpes.len() {
            router.schedule(index, now);
        }
        Ok(router)
    }

    /// What every router has out of the box.
    fn furnish(&mut self) {
        let config = self.config.clone();
        let mut put = |menu: &'static str, properties: &[(&str, &str)]| {
            self.store.table_mut(menu).insert(properties, false);
        };
        put("/system/identity", &[("name", &config.identity)]);
        put(
            "/system/resource",
            &[
                ("version", &format!("{} (stable)", config.version)),
                ("build-time", "2025-01-01 00:00:00"),
                ("total-memory", "4294967296"),
                ("cpu", "ARM64"),
                ("cpu-count", "4"),
                ("cpu-frequency", "1700"),
                ("free-hdd-space", "98566144"),
                ("total-hdd-space", "134217728"),
                ("architecture-name", "arm64"),
                ("board-name", &config.board),
                ("platform", "MikroTik"),
            ],
        );
        let firmware = config.version.to_string();
        put(
            "/system/routerboard",
            &[
                ("routerboard", "true"),
                ("model", &config.board),
                ("serial-number", &config.serial),
                ("firmware-type", "al64"),
                ("current-firmware", &firmware),
                ("upgrade-firmware", &firmware),
            ],
        );
        for menu in ["/system/clock", "/radius/incoming", "/ppp/aaa"] {
            put(menu, &[]);
        }
        for (name, policy) in GROUPS {
            put("/user/group", &[("name", name), ("policy", policy)]);
        }
        for user in &config.users {
            put("/user", &[("name", &user.name), ("password", &user.password), ("group", &user.group)]);
        }
        for name in ["default", "default-encryption"] {
            put("/ppp/profile", &[("name", name), ("default", "true")]);
        }
        put("/ip/hotspot/user/profile", &[("name", "default"), ("default", "true")]);
        for port in 1..=config.ethernet_ports {
            let [high, low] = port.to_be_bytes();
            put(
                "/interface",
                &[
                    ("name", &format!("ether{port}")),
                    ("default-name", &format!("ether{port}")),
                    ("type", "ether"),
                    ("mtu", "1500"),
                    ("actual-mtu", "1500"),
                    ("mac-address", &format!("02:00:5E:00:{high:02X}:{low:02X}")),
                    ("running", "true"),
                ],
            );
        }
    }

    /// Lets device time catch up: dials that are due.
    pub(super) fn advance(&mut self) {
        let now = self.clock.now();
        self.dial_due(now);
    }

    /// The CPE whose session made a dynamic row.
    pub(super) fn owner(&self, menu: &'static str, id: RowId) -> Option<usize> {
        self.owners.get(&(menu, id)).copied()
    }

    /// Brings the byte counters of all CPEs up to `now`.
    pub(super) fn accrue_all(&mut self, now: Duration) {
        for index in 0..self.cpes.len() {
            self.accrue(index, now);
        }
    }

    /// Executes one command, at once and whole.
    pub(super) fn execute(&mut self, caller: &Caller, command: &Command) -> Vec<Reply> {
        self.advance();
        self.counters.commands += 1;
        let outcome = self.check_policy(caller, command).and_then(|()| match command.verb.as_str() {
            "print" | "getall" => print::print(self, caller, command),
            "reboot" if command.menu == "/system" => Ok(vec![Reply::Done(None)]),
            _ => verbs::write(self, command),
        });
        outcome.unwrap_or_else(|trap| {
            self.counters.traps += 1;
            Reply::failure(trap)
        })
    }

    fn check_policy(&self, caller: &Caller, command: &Command) -> Result<(), Trap> {
        let needed = match command.verb.as_str() {
            "print" | "getall" | "listen" => "read",
            "reboot" if command.menu == "/system" => "reboot",
            _ if command.menu.starts_with("/user") => "policy",
            _ => "write",
        };
        if self.allows(caller, needed) { Ok(()) } else { Err(Trap::new("not enough permissions (9)")) }
    }

    /// Whether the caller's group has a policy. Read at each command: a change of the group counts at once.
    pub(super) fn allows(&self, caller: &Caller, policy: &str) -> bool {
        let Some(user) = &caller.user else { return true };
        if caller.denied.iter().any(|denied| denied == policy) {
            return false;
        }
        let group = self.store.table("/user").named(user).map(|row| row.text("group"));
        let policies = group.and_then(|group| self.store.table("/user/group").named(group));
        policies.is_some_and(|row| row.text("policy").split(',').any(|held| held == policy))
    }

    /// The compiled rules of this moment.
    pub(super) fn views(&mut self) -> Arc<Views> {
        let menus = [
            "/ip/firewall/filter",
            "/ip/firewall/nat",
            "/ip/firewall/address-list",
            "/ipv6/firewall/filter",
            "/ipv6/firewall/address-list",
            "/queue/simple",
        ];
        let stamp = menus.iter().map(|menu| self.store.table(menu).revision()).sum();
        match &self.views {
            Some((seen, views)) if *seen == stamp => Arc::clone(views),
            _ => {
                let views = Arc::new(Views::compile(&self.store));
                self.views = Some((stamp, Arc::clone(&views)));
                views
            }
        }
    }

    /// The router forgets what is dynamic and its sessions; CPEs dial again once it is back.
    pub(super) fn reboot(&mut self) {
        let now = self.clock.now();
        self.accrue_all(now);
        let up_again = now.saturating_add(Duration::from_millis(self.config.boot_ms));
        self.due.clear();
        for index in 0..self.cpes.len() {
            self.end_session(index);
            self.schedule(index, up_again);
        }
        self.store.forget_dynamic();
        self.gone_upload_bits = 0;
        self.gone_download_bits = 0;
        self.booted_at = up_again;
        self.counters.reboots += 1;
    }

    /// Local date and time as this version writes them in values.
    pub(super) fn local_time_text(&self) -> String {
        let (date, time) = self.local_time();
        format!("{date} {time}")
    }

    /// Local date and time as `/system/clock` shows them.
    pub(super) fn local_time(&self) -> (String, String) {
        let offset_ms = self.config.clock_offset_s.saturating_mul(1_000);
        let device_ms = i64::try_from(self.clock.device_unix_ms()).unwrap_or(i64::MAX);
        let timestamp = jiff::Timestamp::from_millisecond(device_ms.saturating_add(offset_ms))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(jiff::tz::TimeZone::UTC);
        let date = if self.config.version.iso_dates() {
            timestamp.strftime("%Y-%m-%d").to_string()
        } else {
            timestamp.strftime("%b/%d/%Y").to_string().to_lowercase()
        };
        (date, timestamp.strftime("%H:%M:%S").to_string())
    }
}
