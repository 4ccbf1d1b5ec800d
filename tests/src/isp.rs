//! A fictional ISP on real programs: a control plane with a tenant, its sites with an agent, a simulated router and a
//! real `snmpd` each, plans, subscribers, and this month's and last month's invoices.

use crate::harness::{Agent, Api, ControlPlane, Options, Router, SnmpDevice, wait_until};
use anyhow::Context;
use atalaya_simulators::routeros::SimConfig;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// Slug of the tenant.
pub const TENANT: &str = "netandina";
/// Log-in of the owner.
pub const OWNER: &str = "rosa@netandina.example";
/// Password of everybody in the fiction.
pub const PASSWORD: &str = "atalaya-demo-2026";
/// Its logo, a PNG of 120 to 40 pixels.
pub const LOGO: &[u8] = include_bytes!("logo.png");
/// User and password of the simulated routers.
const ROUTER_USER: (&str, &str) = ("admin", "admin");
const COMMUNITY: &str = "netandina";

/// How large it is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Subscribers of each site.
    pub subscribers: u32,
    /// Sites.
    pub sites: u32,
}

/// One site with its equipment.
pub struct Site {
    /// Id.
    pub id: String,
    /// Its agent.
    pub agent: Agent,
    /// Id of the agent.
    pub agent_id: String,
    /// Its router.
    pub router: Router,
    /// Id of the router.
    pub router_id: String,
    /// Its switch.
    pub switch: SnmpDevice,
    /// Id of the switch.
    pub switch_id: String,
    /// Its subscribers, in order of their numbers.
    pub subscribers: Vec<Subscriber>,
}

/// One subscriber.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// PPP user and name of the equipment on the simulated router.
    pub user: String,
    /// Customer.
    pub customer: String,
    /// Service.
    pub service: String,
}

/// The whole of it.
pub struct Isp {
    /// The control plane.
    pub control_plane: ControlPlane,
    /// The owner, logged in.
    pub owner: Api,
    /// Sites.
    pub sites: Vec<Site>,
}

/// How many subscribers of a site are entered at the same time.
const CLERKS: usize = 3;
const SITE_NAMES: [&str; 4] = ["Cerro Alto", "Loma Verde", "Valle Sur", "Punta Norte"];
const FAMILY: [&str; 12] = [
    "Quispe", "Huamán", "Flores", "Rojas", "Mamani", "Chávez", "Ramos", "Castillo", "Vega", "Salazar",
    "Paredes", "Ñahui",
];
const GIVEN: [&str; 10] =
    ["Rosa", "Luis", "Carmen", "José", "Elena", "Jorge", "Pilar", "Miguel", "Sofía", "Raúl"];

fn customer_name(number: u32) -> String {
    let pick =
        |names: &[&'static str], step: u32| names[usize::try_from(number / step).unwrap_or(0) % names.len()];
    format!("{} {}, {}", pick(&FAMILY, 1), pick(&FAMILY, 7), pick(&GIVEN, 3))
}

/// Configuration of a simulated router with subscribers that dial, whose plans are called as ours are.
fn router_config(site: usize, subscribers: u32) -> anyhow::Result<SimConfig> {
    let mut config = SimConfig::isp(subscribers, true);
    config.identity = format!("RB-{}", site + 1);
    config.serial = format!("SIM{:07}", site + 1);
    config.random_seed = u64::try_from(site)? + 1;
    Ok(config)
}

/// A control plane with a tenant and its owner, and nothing else yet.
pub struct Founded {
    /// The control plane.
    pub control_plane: ControlPlane,
    /// The owner, logged in.
    pub owner: Api,
    /// Id of the tenant.
    pub tenant_id: String,
    /// Id of the owner.
    pub owner_id: String,
}

impl Founded {
    /// Starts it and makes both on the command line.
    ///
    /// # Errors
    /// A program that does not start, or a command that fails.
    pub fn start(options: Options) -> anyhow::Result<Self> {
        let control_plane = ControlPlane::start(options)?;
        let tenant = [
            "--slug",
            TENANT,
            "--name",
            "NetAndina",
            "--country",
            "PE",
            "--currency",
            "PEN",
            "--time-zone",
            "America/Lima",
        ];
        let tenant_id =
            control_plane.command(&[&["admin", "tenant", "create"][..], &tenant[..]].concat(), "")?;
        let user = ["admin", "user", "create", "--tenant", TENANT, "--email", OWNER, "--name", "Rosa Campos"];
        let owner_id = control_plane.command(&user, PASSWORD)?;
        let owner = control_plane.log_in(TENANT, OWNER, PASSWORD)?;
        Ok(Self { control_plane, owner, tenant_id, owner_id })
    }
}

impl Isp {
    /// Starts everything in a folder and fills it.
    ///
    /// # Errors
    /// A program that does not start, or an answer that was not expected.
    pub fn start(folder: &Path, options: Options, size: Size) -> anyhow::Result<Self> {
        Self::start_with(folder, options, size, |_| {})
    }

    /// The same with routers that differ from the usual: `shape` is given each router's configuration.
    ///
    /// # Errors
    /// A program that does not start, or an answer that was not expected.
    pub fn start_with(
        folder: &Path,
        options: Options,
        size: Size,
        shape: impl Fn(&mut SimConfig),
    ) -> anyhow::Result<Self> {
        let Founded { control_plane, owner, .. } = Founded::start(options)?;
        let plans = plans(&owner)?;
        let configs: Vec<SimConfig> = (0..size.sites)
            .map(|index| {
                let mut config = router_config(usize::try_from(index)?, size.subscribers)?;
                shape(&mut config);
                Ok(config)
            })
            .collect::<anyhow::Result<_>>()?;
        // Sites beside each other: a person waits for the demo.
        let sites = in_parallel(configs.iter().enumerate(), |(index, config)| {
            site(folder, &owner, index, size.subscribers, &plans, config)
        })?;
        Ok(Self { control_plane, owner, sites })
    }
}

/// Does something with each of some things, each in a thread of its own; the outcomes in their order.
///
/// # Errors
/// The first one of an outcome.
pub fn in_parallel<T: Send, U: Send>(
    things: impl Iterator<Item = T>,
    work: impl Fn(T) -> anyhow::Result<U> + Sync,
) -> anyhow::Result<Vec<U>> {
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = things.map(|thing| scope.spawn(move || work(thing))).collect();
        let outcomes = running.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked, as it says above")))
        });
        outcomes.collect()
    })
}

/// The plans, by the name of the router's profile.
fn plans(owner: &Api) -> anyhow::Result<Vec<(&'static str, String)>> {
    let plan = |name: &str, down: u64, up: u64, price: u64| -> anyhow::Result<String> {
        let body = json!({"name": name, "download_bps": down, "upload_bps": up, "price": {"amount": price, "currency": "PEN"}});
        id_of(&owner.post("/plans", &body)?)
    };
    Ok(vec![
        ("10M", plan("Hogar 10", 10_000_000, 10_000_000, 5_900)?),
        ("50M", plan("Hogar 50", 50_000_000, 20_000_000, 8_900)?),
    ])
}

/// The id of an answer.
///
/// # Errors
/// There is none.
pub fn id_of(answer: &Value) -> anyhow::Result<String> {
    answer["id"].as_str().map(str::to_owned).with_context(|| format!("no id in {answer}"))
}

fn site(
    folder: &Path,
    owner: &Api,
    index: usize,
    subscribers: u32,
    plans: &[(&str, String)],
    config: &SimConfig,
) -> anyhow::Result<Site> {
    let folder = folder.join(format!("site-{}", index + 1));
    let id = id_of(&owner.post("/sites", &json!({"name": SITE_NAMES[index % SITE_NAMES.len()]}))?)?;
    let router = Router::start(&folder.join("router"), &serde_json::to_value(config)?)?;
    let switch = SnmpDevice::start(&folder.join("switch"), &format!("SW-{}", index + 1), COMMUNITY)?;

    let token =
        owner.post("/agent-tokens", &json!({"site_id": id, "name": format!("agente-{}", index + 1)}))?;
    let join = token["join_string"].as_str().context("a token has a join string")?;
    let agent_id = token["agent_id"].as_str().context("a token has an agent")?.to_owned();
    let home = folder.join("agent");
    Agent::enroll(&home, join)?;
    let agent = Agent::start(&home, None)?;

    let device = |kind: &str,
                  name: String,
                  address: std::net::SocketAddr,
                  credentials: Value|
     -> anyhow::Result<String> {
        let mut body = json!({
            "site_id": id, "agent_id": agent_id, "name": name, "kind": kind, "host": address.ip().to_string(), "port": address.port(),
            "tls": false, "credentials": credentials, "measure_interval_s": 10,
        });
        if kind == "routeros" {
            // The list that the simulated router's rules wall.
            body["cut_address_list"] = json!("morosos");
        }
        id_of(&owner.post("/devices", &body)?)
    };
    let router_id = device(
        "routeros",
        format!("RB-{}", index + 1),
        router.api,
        json!({"user": ROUTER_USER.0, "password": ROUTER_USER.1}),
    )?;
    let switch_id =
        device("snmp", format!("SW-{}", index + 1), switch.address, json!({"community": COMMUNITY}))?;

    let first = u32::try_from(index)? * subscribers;
    let numbers: Vec<u32> = (1..=subscribers).collect();
    let made = in_parallel(numbers.chunks(numbers.len().div_ceil(CLERKS).max(1)), |numbers| {
        let one = |number: &u32| subscriber(owner, &id, &router_id, *number, first + number, plans);
        numbers.iter().map(one).collect::<anyhow::Result<Vec<_>>>()
    })?;
    let subscribers = made.into_iter().flatten().collect();
    Ok(Site { id, agent, agent_id, router, router_id, switch, switch_id, subscribers })
}

fn subscriber(
    owner: &Api,
    site: &str,
    router: &str,
    number: u32,
    overall: u32,
    plans: &[(&str, String)],
) -> anyhow::Result<Subscriber> {
    // As the simulated router has them: every third on the faster plan.
    let (profile, plan) = &plans[usize::from(number.is_multiple_of(3))];
    let user = format!("sub{number:04}");
    let customer = json!({
        "name": customer_name(overall),
        "document": format!("{:08}", 40_000_000 + overall),
        "phone": format!("9{:08}", 10_000_000 + overall),
        "address": format!("Jr. Los Ejemplos {overall}"),
    });
    let customer = id_of(&owner.post("/customers", &customer)?)?;
    let service =
        json!({"customer_id": customer, "plan_id": plan, "site_id": site, "starts_on": "2026-01-01"});
    let service = id_of(&owner.post("/services", &service)?)?;
    let attachment =
        json!({"kind": "pppoe", "user": user, "profile": profile, "points": [{"device_id": router}]});
    owner.post(&format!("/services/{service}/attachments"), &attachment)?;
    Ok(Subscriber { user, customer, service })
}

impl Site {
    /// What its agent says of itself, from the status file; null before the first one.
    pub fn status(&self) -> Value {
        self.agent.status()
    }

    /// Waits until the agent has read the router, and switches the router to `enforce`.
    ///
    /// # Errors
    /// The router cannot be enforced.
    pub fn enforce(&self, owner: &Api) -> anyhow::Result<()> {
        let plan = format!("/devices/{}/plan", self.router_id);
        let within = Duration::from_secs(60);
        wait_until("the router to answer", within, || {
            owner
                .get(&format!("/devices/{}", self.router_id))
                .is_ok_and(|device| device["state"] == "answers")
        });
        owner.post(&plan, &json!({}))?;
        wait_until("the plan of the router", within, || {
            owner.get(&plan).is_ok_and(|plan| plan["status"] == "ready")
        });
        owner.post(&format!("/devices/{}/mode", self.router_id), &json!({"mode": "enforce"}))?;
        Ok(())
    }
}
