//! An installation into which secrets are planted, and what is done with it.

use super::Needle;
use crate::{audit::staff::app_code, e2e::Database};
use atalaya_pki::JoinString;
use atalaya_simulators::routeros::SimConfig;
use atalaya_tests::{
    harness::{Agent, Api, ControlPlane, Exchange, Options, Router, SnmpDevice, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);
/// No secret: it has to be found.
pub(super) const CUSTOMER: &str = "Quispe Mamani, control-cliente";
const EVA: &str = "eva.salas@netandina.example";

/// What is planted by us; what the programs make themselves is added on the way. With letters that forms differ in.
const USER_PASSWORD: &str = "Clave/\"de+Eva ñ-51c7e9a0";
const NEW_PASSWORD: &str = "Otra?clave=de\\Eva-b83d02f6";
const WRONG_PASSWORD: &str = "Equivocada&clave-77e1d4c5";
const ROUTER_PASSWORD: &str = "Rt/\"clave+r0uter-2a9f6d13";
const ROUTER_WRONG: &str = "Rt-equivocada\\-e40b7c98";
const COMMUNITY: &str = "comunidad6d21b5f8e3";
const PPP_PASSWORD: &str = "Ppp/\"subscriptor+9c3e1f47";
const MISPLACED: &str = "Mal/\"puesta-0d8b6e2c71";

/// What happened, and what is to be looked for.
pub(super) struct Scene {
    pub(super) isp: Founded,
    pub(super) agent: Agent,
    pub(super) transcript: Arc<Mutex<Vec<Exchange>>>,
    pub(super) events: Arc<Mutex<Vec<u8>>>,
    pub(super) enrolment: String,
    pub(super) commands: Vec<String>,
    pub(super) needles: Vec<Needle>,
    owner: Api,
    _devices: (Router, SnmpDevice),
}

impl Scene {
    pub(super) fn play(database: Database, folder: &Path) -> Self {
        let options = Options { log: Some("debug".to_owned()), ..database.options(folder) };
        let isp = Founded::start(options).expect("it starts");
        let transcript = Arc::new(Mutex::new(Vec::new()));
        let address = isp.control_plane.http();
        let owner = Api::anonymous(address).written_down(&transcript);
        let owner = owner.logged_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
        let events = Arc::new(Mutex::new(Vec::new()));
        listen(address, owner.cookie(), events.clone());

        let router = router(&folder.join("devices/router"));
        let switch =
            SnmpDevice::start(&folder.join("devices/switch"), "SW-1", COMMUNITY).expect("snmpd starts");
        let site =
            id_of(&owner.post("/sites", &json!({"name": "Cerro Alto"})).expect("a site")).expect("an id");
        let token =
            owner.post("/agent-tokens", &json!({"site_id": site, "name": "uno"})).expect("a join string");
        let join = token["join_string"].as_str().expect("it is shown").to_owned();
        let home = folder.join("agent");
        let enrolment = Agent::enroll(&home, &join).expect("the agent enrols");
        let again = Agent::enroll(&folder.join("devices/thief"), &join).expect_err("a token is taken once");
        let agent = Agent::start_logging(&home, "debug").expect("the agent starts");
        let agent_id = token["agent_id"].as_str().expect("it has an agent").to_owned();

        let mut scene = Self {
            isp,
            agent,
            transcript,
            events,
            enrolment: format!("{enrolment}\n{again:#}"),
            commands: Vec::new(),
            needles: Vec::new(),
            owner,
            _devices: (router, switch),
        };
        let token = JoinString::decode(&join).expect("a join string").token;
        scene.look_for("join token", &token, &["answer to POST /agent-tokens"]);
        scene.staff();
        scene.devices(&site, &agent_id);
        scene.misplaced();
        scene.copies_and_keys();
        scene.killed();
        scene
    }

    fn look_for(&mut self, name: &'static str, secret: &str, shown_in: &'static [&'static str]) {
        self.needles.push(Needle { name, secret: secret.as_bytes().to_vec(), shown_in });
    }

    fn anybody(&self) -> Api {
        Api::anonymous(self.isp.control_plane.http()).written_down(&self.transcript)
    }

    /// Passwords, links, second factors, keys and sessions, right and wrong.
    fn staff(&mut self) {
        let new = json!({"name": "Eva Salas", "email": EVA, "role": "cashier"});
        let user = id_of(&self.owner.post("/users", &new).expect("somebody can be invited")).expect("an id");
        let link = self.owner.post(&format!("/users/{user}/link"), &Value::Null).expect("a link can be made");
        let token = link["token"].as_str().expect("it is shown").to_owned();
        let anybody = self.anybody();
        anybody.post("/password-links/look", &json!({"token": token})).expect("it says whose it is");
        let used = json!({"token": token, "password": USER_PASSWORD});
        anybody.post("/password-links/use", &used).expect("it sets a password");
        anybody.post("/password-links/use", &used).expect_err("once");
        self.look_for("token of a link", &token, &["/link"]);
        assert!(self.anybody().logged_in(TENANT, EVA, WRONG_PASSWORD).is_err());
        let eva = self.anybody().logged_in(TENANT, EVA, USER_PASSWORD).expect("the password is right");
        let cookie =
            eva.cookie().split_once('=').map(|(_, value)| value.to_owned()).expect("a session has a cookie");
        self.look_for("session", &cookie, &["answer to POST /session"]);

        let enrolment = eva.post("/me/app", &Value::Null).expect("an app can be set up");
        let secret = enrolment["secret"].as_str().expect("it is shown").to_owned();
        eva.post("/me/app/confirm", &json!({"code": "000000"})).expect_err("a wrong code");
        let codes =
            eva.post("/me/app/confirm", &json!({"code": app_code(&secret, -1)})).expect("a right one");
        self.look_for("secret of an app", &secret, &["answer to POST /me/app"]);
        let bytes = base32(&secret);
        self.needles.push(Needle { name: "bytes of an app's secret", secret: bytes, shown_in: &[] });
        if let Some(code) = codes["codes"][0].as_str() {
            self.look_for("recovery code", code, &["answer to POST /me/app/confirm"]);
        }
        let change = json!({"current": USER_PASSWORD, "password": NEW_PASSWORD});
        eva.post("/me/password", &change).expect("a password can be changed");
        let wrong = json!({"current": WRONG_PASSWORD, "password": NEW_PASSWORD});
        eva.post("/me/password", &wrong).expect_err("the current one is another");
        self.look_for("password", USER_PASSWORD, &[]);
        self.look_for("new password", NEW_PASSWORD, &[]);
        self.look_for("wrong password", WRONG_PASSWORD, &[]);

        let key = json!({"name": "Contabilidad", "permissions": ["customer.read"]});
        let key = self.owner.post("/api-keys", &key).expect("a key can be made");
        let token = key["token"].as_str().expect("it is shown").to_owned();
        let program = Api::with_key(self.isp.control_plane.http(), &token).written_down(&self.transcript);
        program.get("/customers").expect("a program asks with it");
        program.post("/sites", &json!({"name": "X"})).expect_err("and may do no more");
        let secret = token.rsplit('_').next().expect("a key ends in its secret").to_owned();
        self.look_for("API key", &secret, &["answer to POST /api-keys"]);
    }

    /// Credentials of devices and subscribers, right and wrong, all the way onto a router.
    fn devices(&mut self, site: &str, agent: &str) {
        let (router, switch) = (self._devices.0.api, self._devices.1.address);
        let device = |kind: &str, address: SocketAddr, credentials: Value| {
            json!({
                "site_id": site, "agent_id": agent, "name": kind, "kind": kind, "host": address.ip().to_string(),
                "port": address.port(), "tls": false, "credentials": credentials, "measure_interval_s": 10,
            })
        };
        let login = |password: &str| json!({"user": "atalaya", "password": password});
        for (kind, address, credentials) in [
            ("routeros", router, login(ROUTER_WRONG)),
            ("routeros", router, login(ROUTER_PASSWORD)),
            ("snmp", switch, json!({"community": COMMUNITY})),
        ] {
            let mut test = device(kind, address, credentials);
            test.as_object_mut().expect("an object").remove("name");
            let test = self.owner.post("/devices/connection-tests", &test).expect("a test can be asked for");
            let path = format!("/devices/connection-tests/{}", id_of(&test).expect("an id"));
            wait_until("the connection test", SOON, || {
                self.owner.get(&path).is_ok_and(|test| test["status"] != "waiting")
            });
        }
        let script = json!({"name": "RB-1", "agent_id": agent});
        let script = self.owner.post("/devices/routeros-script", &script).expect("a script can be made");
        let made = script["password"].as_str().expect("it is shown").to_owned();
        self.look_for("password of a script", &made, &["answer to POST /devices/routeros-script"]);

        let mut with_list = device("routeros", router, login(ROUTER_WRONG));
        with_list["cut_address_list"] = json!("morosos");
        let made = self.owner.post("/devices", &with_list).expect("a router can be added");
        let id = id_of(&made).expect("an id");
        // Refused, or kept waiting by a router that has seen too many wrong passwords: it is not the right one.
        wait_until("the agent to fail at the router", SOON, || {
            let device = self.owner.get(&format!("/devices/{id}"));
            device.is_ok_and(|device| device["state"] == "refuses" || device["state"] == "silent")
        });
        let version = made["version"].as_i64().expect("a version");
        let right = json!({"credentials": login(ROUTER_PASSWORD)});
        self.owner.patch(&format!("/devices/{id}"), version, &right).expect("credentials can be changed");
        let switch = device("snmp", switch, json!({"community": COMMUNITY}));
        let switch =
            id_of(&self.owner.post("/devices", &switch).expect("a switch can be added")).expect("an id");
        for device in [&id, &switch] {
            wait_until("the device to answer", SOON, || {
                self.owner.get(&format!("/devices/{device}")).is_ok_and(|device| device["state"] == "answers")
            });
        }
        self.enforce(&id);
        self.subscriber(site, &id);
        for (name, secret) in [
            ("password of a router", ROUTER_PASSWORD),
            ("wrong password of a router", ROUTER_WRONG),
            ("community", COMMUNITY),
            ("password of a subscriber", PPP_PASSWORD),
            // What the router had before, and the agent reads.
            ("former password of a subscriber", "pw-sub0001"),
        ] {
            self.look_for(name, secret, &[]);
        }
    }

    fn enforce(&self, router: &str) {
        let plan = format!("/devices/{router}/plan");
        self.owner.post(&plan, &json!({})).expect("a plan can be asked for");
        wait_until("the plan", SOON, || self.owner.get(&plan).is_ok_and(|plan| plan["status"] == "ready"));
        let mode = json!({"mode": "enforce"});
        self.owner.post(&format!("/devices/{router}/mode"), &mode).expect("it can be enforced");
    }

    /// Somebody whose dial-in gets a password of ours.
    fn subscriber(&self, site: &str, router: &str) {
        let made = |path: &str, body: Value| {
            id_of(&self.owner.post(path, &body).unwrap_or_else(|error| panic!("{path}: {error}")))
                .expect("an id")
        };
        let price = json!({"amount": 5_900, "currency": "PEN"});
        let plan =
            json!({"name": "Hogar 10", "download_bps": 10_000_000, "upload_bps": 10_000_000, "price": price});
        let plan = made("/plans", plan);
        let customer = made("/customers", json!({"name": CUSTOMER}));
        let service =
            json!({"customer_id": customer, "plan_id": plan, "site_id": site, "starts_on": "2026-01-01"});
        let service = made("/services", service);
        let attachment = json!({
            "kind": "pppoe", "user": "sub0001", "password": PPP_PASSWORD, "profile": "10M", "points": [{"device_id": router}],
        });
        made(&format!("/services/{service}/attachments"), attachment);
        wait_until("the password to be on the router", SOON, || {
            let rows = self._devices.0.operate(&["/ppp/secret/print"]).to_string();
            rows.contains("9c3e1f47")
        });
    }

    /// Secrets where they do not belong: the parser of a request must not quote them.
    fn misplaced(&mut self) {
        for (path, body) in [
            ("/devices", json!({"credentials": MISPLACED}).to_string()),
            ("/session", json!({"tenant": TENANT, "email": OWNER, "password": [MISPLACED]}).to_string()),
            ("/api-keys", json!({"name": "x", "permissions": MISPLACED}).to_string()),
            ("/users", json!({"name": "x", "email": EVA, "role": MISPLACED}).to_string()),
            ("/customers", format!("{{\"name\": \"{MISPLACED}")),
            ("/password-links/use", json!({"token": MISPLACED, "password": MISPLACED}).to_string()),
            ("/me/app/confirm", json!({"code": MISPLACED}).to_string()),
        ] {
            for api in [&self.owner, &self.anybody()] {
                api.post_text(path, &body).expect_err("it makes no sense");
            }
        }
        let stranger = Api::with_key(self.isp.control_plane.http(), MISPLACED).written_down(&self.transcript);
        stranger.get("/customers").expect_err("there is no such key");
        self.look_for("misplaced secret", MISPLACED, &[]);
    }

    fn copies_and_keys(&mut self) {
        let said = |words: &[&str]| {
            let outcome = self.isp.control_plane.command(words, "");
            outcome.unwrap_or_else(|error| format!("{error:#}"))
        };
        let mut commands = vec![said(&["backup"]), said(&["secrets", "rotate", "--tenant", TENANT])];
        wait_until("values to be brought over", SOON, || !said(&["secrets", "status"]).contains("retired"));
        commands.extend([said(&["secrets", "status"]), said(&["audit", "verify"]), said(&["backup"])]);
        commands.push(said(&[
            "admin",
            "password",
            "--tenant",
            TENANT,
            "--email",
            "nobody@netandina.example",
        ]));
        self.commands.extend(commands);
        let key = self.isp.control_plane.options.folder.join("data/installation-key");
        let key = fs::read_to_string(key).expect("the key is a file");
        let bytes: Vec<u8> = (0..key.len() / 2)
            .map(|at| u8::from_str_radix(&key[at * 2..at * 2 + 2], 16).expect("hexadecimal digits"))
            .collect();
        self.needles.push(Needle {
            name: "installation key",
            secret: bytes,
            shown_in: &["data/installation-key"],
        });
    }

    /// Both programs die without warning and come back.
    fn killed(&mut self) {
        self.agent.process.kill().expect("the agent can be killed");
        self.isp.control_plane.restart(None).expect("it starts again");
        self.agent = Agent::start_logging(self.agent.folder(), "debug").expect("the agent starts again");
        let owner = self.anybody().logged_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
        let agents = || owner.get("/agents").ok().map(|agents| agents.to_string()).unwrap_or_default();
        wait_until("the agent to be back", SOON, || {
            agents().contains("\"connected\":true") || agents().contains("\"state\":\"connected\"")
        });
        for path in [
            "/customers",
            "/devices",
            "/events?limit=200",
            "/audit?limit=200",
            "/users",
            "/api-keys",
            "/sessions",
            "/home",
        ] {
            // Some are not everybody's: what matters is what is answered.
            let _ = owner.get(path);
        }
        self.owner = owner;
    }

    /// Ends both programs as an operator does.
    pub(super) fn stop(&mut self) {
        self.agent.process.stop(SOON).expect("the agent stops when asked");
        let ControlPlane { process, .. } = &mut self.isp.control_plane;
        process.stop(SOON).expect("the control plane stops when asked");
    }
}

fn router(folder: &Path) -> Router {
    let config = SimConfig::isp(3, true).with_user("atalaya", ROUTER_PASSWORD, "full");
    Router::start(folder, &serde_json::to_value(&config).expect("it has a JSON form"))
        .expect("the router starts")
}

/// Reads the live stream for as long as it lasts.
fn listen(address: SocketAddr, cookie: &str, into: Arc<Mutex<Vec<u8>>>) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "GET /api/v1/stream HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\naccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it takes a request");
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read) = stream.read(&mut bytes) {
            if read == 0 {
                return;
            }
            into.lock().extend_from_slice(&bytes[..read]);
        }
    });
}

fn base32(text: &str) -> Vec<u8> {
    let value = |letter| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base 32");
    let bits: String = text.chars().map(|letter| format!("{:05b}", value(letter))).collect();
    (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits")).collect()
}
