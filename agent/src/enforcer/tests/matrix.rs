//! Every way to be cut on every version, whatever goes wrong meanwhile: judged by what the router forwards.
//!
//! A cell is an access, a version and a fault. In each the subscriber is cut, shows up again, is given back, and after
//! each step ten seconds of the router's time say whether a byte of theirs got through, of each family. A neighbour
//! passes all the while. By default each (access, fault) is tried on one version, a different one for each; with
//! `ATALAYA_TIER=soak` every cell is.

use atalaya_simulators::routeros::{CpeConfig, CpeState, Version, WriteEffect, WriteFault};
use futures::future::join_all;

use super::*;

/// How the subscriber reaches the network, and by which method they are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// PPPoE, address of the profile's pool.
    Pool,
    /// PPPoE, address of their own.
    Fixed,
    /// PPPoE with an IPv6 prefix of their own.
    PppoeV6,
    /// A fixed address.
    Static,
    /// A DHCP lease that always gives the same address, cut by that address.
    Lease,
    /// A fixed address of each family.
    StaticV6,
}

const REACHES: [Reach; 6] =
    [Reach::Pool, Reach::Fixed, Reach::PppoeV6, Reach::Static, Reach::Lease, Reach::StaticV6];
const VERSIONS: [Version; 4] =
    [Version::new(6, 42, 12), Version::new(6, 49, 10), Version::new(7, 10, 2), Version::new(7, 18, 2)];

/// What goes wrong while the cut is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// The router says done and does nothing, once.
    Lie,
    /// The router takes the write and the connection breaks before it says so.
    Disconnect,
    /// The router goes down between write and read-back.
    Reboot,
    /// Nobody gets in for a while.
    Sessions,
    /// The agent dies at this point.
    Killed(&'static str),
}

const FAULTS: [Fault; 9] = [
    Fault::None,
    Fault::Lie,
    Fault::Disconnect,
    Fault::Reboot,
    Fault::Sessions,
    Fault::Killed("enforcer.after_started"),
    Fault::Killed("enforcer.after_write"),
    Fault::Killed("enforcer.before_readback"),
    Fault::Killed("enforcer.before_report"),
];

#[derive(Debug, Clone, Copy)]
struct Cell {
    reach: Reach,
    version: Version,
    fault: Fault,
}

const VICTIM: &str = "victim";
const NEIGHBOUR: &str = "sub0002";
const PREFIX: &str = "2001:db8:5::/56";
const MAC: &str = "02:00:00:00:00:07";

impl Reach {
    fn has_ipv6(self) -> bool {
        matches!(self, Self::PppoeV6 | Self::StaticV6)
    }

    fn is_pppoe(self) -> bool {
        matches!(self, Self::Pool | Self::Fixed | Self::PppoeV6)
    }

    /// Address of who does not dial.
    fn address(self) -> &'static str {
        if self == Self::Lease { "10.30.0.7" } else { "10.70.0.5" }
    }

    /// A router with the subscriber and a neighbour, whose walls stand for both families.
    fn router(self, version: Version) -> SimConfig {
        let mut config = isp(2).with_command([
            "/ipv6/firewall/filter/add",
            "=chain=forward",
            "=action=drop",
            "=src-address-list=cortados",
        ]);
        config.version = version;
        config.boot_ms = 300;
        config.cpes.retain(|cpe| cpe.name == NEIGHBOUR);
        if self.is_pppoe() {
            let config = config.with_cpe(CpeConfig::pppoe(VICTIM, "pw"));
            let secret =
                ["/ppp/secret/add", "=name=victim", "=password=pw", "=service=pppoe", "=profile=10M"];
            let more: &[&str] = match self {
                Self::Fixed => &["=remote-address=10.64.9.9"],
                Self::PppoeV6 => &["=remote-ipv6-prefix=2001:db8:5::/56"],
                _ => &[],
            };
            return config.with_command(secret.iter().chain(more).copied());
        }
        let address = self.address();
        match self {
            Self::Lease => config.with_cpe(CpeConfig::dhcp(VICTIM, MAC)).with_command([
                "/ip/dhcp-server/lease/add".to_owned(),
                format!("=address={address}"),
                format!("=mac-address={MAC}"),
            ]),
            Self::StaticV6 => {
                config.with_cpe(CpeConfig::fixed(VICTIM, address.parse().unwrap()).with_ipv6(PREFIX))
            }
            _ => config.with_cpe(CpeConfig::fixed(VICTIM, address.parse().unwrap())),
        }
    }

    /// The points by which the subscriber is enforced.
    fn points(self, generation: u64, status: wire::DesiredStatus) -> Vec<wire::DesiredPoint> {
        if self.is_pppoe() {
            return vec![subscriber(VICTIM, generation, status)];
        }
        let at = |id: &str, address: &str| wire::DesiredPoint {
            method: wire::Method::StaticAddress.into(),
            access: Some(wire::desired_point::Access::StaticAddress(wire::StaticAccess {
                address: address.into(),
            })),
            speed: None,
            ..subscriber(id, generation, status)
        };
        let mut points = vec![at(VICTIM, self.address())];
        if self == Self::StaticV6 {
            points.push(at("victim-v6", PREFIX));
        }
        points
    }

    /// The menu in which the (last) write of a cut is made, and the verb.
    fn write(self) -> (&'static str, &'static str) {
        match self {
            Self::Pool | Self::Fixed | Self::PppoeV6 => ("/ppp/secret", "set"),
            Self::Static | Self::Lease => ("/ip/firewall/address-list", "add"),
            Self::StaticV6 => ("/ipv6/firewall/address-list", "add"),
        }
    }
}

fn config_of(version: Version, port: u16, clock: Arc<AgentClock>) -> EnforcerConfig {
    let mut target = target(port);
    target.routeros.legacy_login = !version.plain_login();
    let device = Arc::new(RouterOs::new(target, clock));
    let sweep_interval = Duration::from_millis(500);
    let devices = vec![EnforcedDevice { device, mode: Mode::Enforce, sweep_interval }];
    EnforcerConfig { devices, ..EnforcerConfig::default() }
}

/// An agent on what `dir` holds, once its predecessor has let go of it.
async fn agent(cell: Cell, sim: Arc<RouterSim>, dir: &Path) -> Site {
    let site = Site::resume_after_kill(sim, dir, Mode::Observe).await;
    site.enforcer.configure(config_of(cell.version, site.sim.address().port(), site.clock.clone()));
    site
}

/// Whether bytes of each family get through within ten seconds of the router's time. A session that ended meanwhile
/// began to count again.
pub(super) fn forwards(sim: &RouterSim, cpe: &str) -> (bool, bool) {
    let bytes = |state: &CpeState| (state.upload_bytes + state.download_bytes, state.bytes_v6);
    let before = sim.cpe(cpe).unwrap();
    sim.advance(Duration::from_secs(10));
    let after = sim.cpe(cpe).unwrap();
    let same = before.session_age_ms <= after.session_age_ms && before.active_id == after.active_id;
    let from = if same { bytes(&before) } else { (0, 0) };
    (bytes(&after).0 > from.0, bytes(&after).1 > from.1)
}

/// Waits until every point of the subscriber is told to be so by this order.
async fn told_done(site: &mut Site, cell: Cell, generation: u64, status: wire::ObservedStatus) {
    for point in cell.reach.points(generation, wire::DesiredStatus::Active) {
        let is_done = |told: &wire::ObservedPoint| {
            told.order.is_some_and(|order| order.generation == generation)
                && told.status() == status
                && matches!(told.outcome(), wire::Outcome::Applied | wire::Outcome::InPlace)
        };
        site.told(&point.point_id, is_done).await;
    }
}

async fn eventually_forwards(sim: &RouterSim, cell: Cell, what: &str) {
    let families = (true, cell.reach.has_ipv6());
    eventually(&format!("{what}: {cell:?}"), || forwards(sim, VICTIM) == families).await;
}

const CHILD_DIR: &str = "ATALAYA_TEST_DIR";
const CHILD_PORT: &str = "ATALAYA_TEST_PORT";
const CHILD_REACH: &str = "ATALAYA_TEST_REACH";
const CHILD_VERSION: &str = "ATALAYA_TEST_VERSION";

/// The process that is killed: an enforcer that gets one cut to apply.
#[tokio::test]
#[ignore = "run by its parent, in a process of its own"]
async fn child() {
    let of = |name: &str| std::env::var(name).unwrap();
    let port = of(CHILD_PORT).parse().unwrap();
    let version: Version = of(CHILD_VERSION).parse().unwrap();
    let reach = *REACHES.iter().find(|reach| format!("{reach:?}") == of(CHILD_REACH)).unwrap();
    let stores = Stores::open(Path::new(&of(CHILD_DIR)), 1_000).unwrap();
    let clock = Arc::new(AgentClock::start());
    let (_presence, present) = watch::channel(true);
    let enforcer = Arc::new(Enforcer::new(&stores, clock.clone(), Arc::new(Plain), present).unwrap());
    enforcer.configure(config_of(version, port, clock));
    let points = reach.points(2, wire::DesiredStatus::Suspended);
    stores.desired.update(wire::DesiredUpdate { push_id: 2, points }).await.unwrap();
    let life = enforcer.run(CancellationToken::new());
    panic!("the fault point was not passed: {:?}", tokio::time::timeout(Duration::from_secs(20), life).await);
}

async fn killed(cell: Cell, point: &str, sim: &RouterSim, dir: &Path) {
    use std::os::unix::process::ExitStatusExt as _;
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["enforcer::tests::matrix::child", "--exact", "--ignored"])
        .env("ATALAYA_FAULT", point)
        .env(CHILD_DIR, dir)
        .env(CHILD_PORT, sim.address().port().to_string())
        .env(CHILD_REACH, format!("{:?}", cell.reach))
        .env(CHILD_VERSION, cell.version.to_string())
        .output()
        .await
        .unwrap();
    // SIGABRT: it died at the point, and not of a failed assertion.
    assert_eq!(child.status.signal(), Some(6), "{cell:?}: {}", String::from_utf8_lossy(&child.stdout));
}

/// Makes the cut while the cell's fault is on. Gives back the agent that is there afterwards.
async fn cut(cell: Cell, site: Site, dir: &Path) -> Site {
    let (menu, verb) = cell.reach.write();
    let once = |effect| {
        let fault = WriteFault::on(menu, effect).verb(verb).times(1);
        site.sim.update_faults(|faults| faults.writes.push(fault));
    };
    match cell.fault {
        Fault::None => {}
        Fault::Lie => once(WriteEffect::Lie),
        Fault::Disconnect => once(WriteEffect::ApplyThenDisconnect),
        Fault::Reboot => once(WriteEffect::ApplyThenReboot),
        Fault::Sessions => {
            site.sim.update_faults(|faults| faults.max_sessions = Some(0));
            site.sim.drop_connections();
        }
        Fault::Killed(point) => {
            let sim = site.kill().await;
            eventually("the database is free", || Stores::open(dir, 1_000).is_ok()).await;
            killed(cell, point, &sim, dir).await;
            return agent(cell, sim, dir).await;
        }
    }
    site.want(cell.reach.points(2, wire::DesiredStatus::Suspended)).await;
    if cell.fault == Fault::Sessions {
        let mut site = site;
        site.told_outcome(VICTIM, wire::Outcome::Failed).await;
        assert!(site.sim.passes_traffic(VICTIM).unwrap().passes(), "nothing was done yet: {cell:?}");
        site.sim.clear_faults();
        return site;
    }
    site
}

async fn run(cell: Cell) {
    let dir = tempfile::tempdir().unwrap();
    let sim = Arc::new(RouterSim::start(cell.reach.router(cell.version)).await.unwrap());
    let mut site = agent(cell, sim, dir.path()).await;
    site.want(cell.reach.points(1, wire::DesiredStatus::Active)).await;
    site.told_outcome(VICTIM, wire::Outcome::InPlace).await;
    eventually_forwards(&site.sim, cell, "passes at first").await;

    let mut site = cut(cell, site, dir.path()).await;
    // Said to be cut: from then on not a byte gets through.
    told_done(&mut site, cell, 2, wire::ObservedStatus::Suspended).await;
    assert_eq!(forwards(&site.sim, VICTIM), (false, false), "is cut: {cell:?}");
    site.sweep().await;
    assert!(site.stores.journal.unfinished("dev_1").is_empty(), "{cell:?}");
    assert_eq!(forwards(&site.sim, VICTIM), (false, false), "stays cut: {cell:?}");
    assert!(forwards(&site.sim, NEIGHBOUR).0, "the neighbour passes: {cell:?}");
    // The equipment is restarted: whoever thinks that this helps shall be wrong.
    site.sim.set_powered(VICTIM, false);
    site.sim.set_powered(VICTIM, true);
    eventually("the equipment is back", || site.sim.cpe(VICTIM).unwrap().address.is_some()).await;
    assert_eq!(forwards(&site.sim, VICTIM), (false, false), "reappears cut: {cell:?}");

    site.want(cell.reach.points(3, wire::DesiredStatus::Active)).await;
    told_done(&mut site, cell, 3, wire::ObservedStatus::Active).await;
    eventually_forwards(&site.sim, cell, "is given back").await;
    site.sweep().await;
    eventually_forwards(&site.sim, cell, "stays given back").await;
    assert!(site.stores.journal.unfinished("dev_1").is_empty(), "{cell:?}");
    assert!(forwards(&site.sim, NEIGHBOUR).0, "the neighbour passes still: {cell:?}");
    site.finish().await;
}

/// A fault with every reach, on one version each or on all.
async fn each_reach(number: usize) {
    let soak = std::env::var("ATALAYA_TIER").is_ok_and(|tier| tier == "soak");
    let fault = FAULTS[number];
    let cells = REACHES.iter().enumerate().flat_map(|(at, reach)| {
        let versions = VERSIONS.iter().enumerate();
        let chosen = versions.filter(move |(version, _)| soak || *version == (at + number) % VERSIONS.len());
        chosen.map(move |(_, version)| Cell { reach: *reach, version: *version, fault })
    });
    join_all(cells.map(run)).await;
}

#[tokio::test]
async fn a_cut_is_a_cut() {
    each_reach(0).await;
}

#[tokio::test]
async fn a_cut_by_a_router_that_lies() {
    each_reach(1).await;
}

#[tokio::test]
async fn a_cut_whose_answer_is_lost() {
    each_reach(2).await;
}

#[tokio::test]
async fn a_cut_before_a_reboot() {
    each_reach(3).await;
}

#[tokio::test]
async fn a_cut_on_a_router_out_of_sessions() {
    each_reach(4).await;
}

#[tokio::test]
async fn a_cut_by_an_agent_that_dies_after_started() {
    each_reach(5).await;
}

#[tokio::test]
async fn a_cut_by_an_agent_that_dies_after_the_write() {
    each_reach(6).await;
}

#[tokio::test]
async fn a_cut_by_an_agent_that_dies_before_the_read_back() {
    each_reach(7).await;
}

#[tokio::test]
async fn a_cut_by_an_agent_that_dies_before_the_report() {
    each_reach(8).await;
}
