//! An installation into which secrets are planted, and what is done with it.

use super::Needle;
use crate::e2e::Database;
use atalaya_pki::JoinString;
use atalaya_simulators::routeros::SimConfig;
use atalaya_tests::{
    harness::{
        Agent, Api, ControlPlane, Exchange, MAIL_PASSWORD, ObjectStore, Options, Router, SnmpDevice,
        object_store, run_command, wait_until,
    },
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
const CUSTOMER: &str = "Quispe Mamani, Carmen";
pub(super) const EVA: &str = "eva.salas@netandina.example";

/// What is planted by us; what the programs make themselves is added on the way. With letters that forms differ in.
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
    pub(super) commands: Vec<(String, String)>,
    pub(super) needles: Vec<Needle>,
    pub(super) owner: Api,
    /// Where copies go.
    pub(super) store: ObjectStore,
    /// And what the configuration says of it.
    copies: String,
    _devices: (Router, SnmpDevice),
}

impl Scene {
    pub(super) fn play(database: Database, folder: &Path) -> Self {
        // A mail server that is away: what is to be sent lies there, and is tried again and again.
        let password = folder.join("devices/mail-password");
        fs::create_dir_all(folder.join("devices")).expect("a folder can be made");
        fs::write(&password, MAIL_PASSWORD).expect("a file can be written");
        let config = format!(
            "[mail]\nhost = \"127.0.0.1\"\nport = 9\nencryption = \"none\"\nuser = \"avisos\"\npassword = \"file:{}\"\n\
             from = \"avisos@isp.example\"\nweb = \"https://isp.example\"\n",
            password.display()
        );
        let store = ObjectStore::start().expect("it starts");
        let copies = store.copies(&folder.join("devices/store-key")).expect("a file can be written");
        let here = "networks = [\"127.0.0.1\"]";
        let config = format!("[single_sign_on]\n{here}\n[push]\n{here}\n{config}{copies}");
        let log = Some("debug".to_owned());
        let options = Options { log, config: Some(config), ..database.options(folder) };
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
            store,
            copies,
            _devices: (router, switch),
        };
        scene.look_for("password of the mail server", MAIL_PASSWORD, &[]);
        scene.look_for("secret of the object store", object_store::SECRET, &[]);
        let token = JoinString::decode(&join).expect("a join string").token;
        scene.look_for("join token", &token, &["answer to POST /agent-tokens"]);
        scene.staff();
        scene.sign_in();
        scene.push();
        scene.devices(&site, &agent_id);
        scene.misplaced();
        scene.keys();
        scene.copied_and_rotated();
        scene.keys();
        scene.killed();
        scene.restored(&folder.join("restored"));
        scene
    }

    pub(super) fn look_for(&mut self, name: &str, secret: &str, shown_in: &'static [&'static str]) {
        self.needles.push(Needle::new(name, secret.as_bytes(), shown_in));
    }

    pub(super) fn anybody(&self) -> Api {
        Api::anonymous(self.isp.control_plane.http()).written_down(&self.transcript)
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
        let version = self.owner.get(&format!("/devices/{id}")).expect("it can be read")["revision"].as_i64();
        let version = version.expect("a revision");
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
            ("/identity-providers", json!({"name": "x", "client_secret": [MISPLACED]}).to_string()),
            (
                "/me/push-subscriptions",
                json!({"name": "x", "endpoint": MISPLACED, "p256dh": "", "auth": MISPLACED}).to_string(),
            ),
            ("/session/identity-provider/return", json!({"state": MISPLACED, "code": MISPLACED}).to_string()),
        ] {
            for api in [&self.owner, &self.anybody()] {
                api.post_text(path, &body).expect_err("it makes no sense");
            }
        }
        let stranger = Api::with_key(self.isp.control_plane.http(), MISPLACED).written_down(&self.transcript);
        stranger.get("/customers").expect_err("there is no such key");
        self.look_for("misplaced secret", MISPLACED, &[]);
    }

    /// What a command of the program says, also when it fails.
    fn said(&self, words: &[&str]) -> String {
        let outcome = self.isp.control_plane.command(words, "");
        outcome.unwrap_or_else(|error| format!("{error:#}"))
    }

    fn copied_and_rotated(&mut self) {
        let nobody = ["admin", "password", "--tenant", TENANT, "--email", "nobody@netandina.example"];
        let commands: [&[&str]; 6] = [
            &["backup"],
            &["secrets", "rotate", "--tenant", TENANT],
            &["secrets", "status"],
            &["audit", "verify"],
            &["backup"],
            &nobody,
        ];
        for words in commands {
            if words == ["secrets", "status"] {
                wait_until("values to be brought over", SOON, || !self.said(words).contains("retired"));
            }
            self.commands.push((words.join(" "), self.said(words)));
        }
    }

    /// The newest copy, put back elsewhere: what is sealed stays sealed in it, once its own seal is off.
    fn restored(&mut self, folder: &Path) {
        let data = self.isp.control_plane.options.folder.join("data");
        let options = Options { config: Some(self.copies.clone()), ..Options::in_folder(folder) };
        fs::create_dir_all(folder.join("data")).expect("a folder can be made");
        fs::copy(data.join("installation-key"), folder.join("data/installation-key"))
            .expect("the key comes along");
        let said = run_command(&options, &["restore", "s3:newest"], "").expect("the copy comes back");
        assert!(said.contains("restored: "), "{said}");
        self.commands.push(("restore".to_owned(), said));
    }

    /// Both programs die without warning and come back.
    fn killed(&mut self) {
        self.agent.process.kill().expect("the agent can be killed");
        self.isp.control_plane.restart(None).expect("it starts again");
        self.agent = Agent::start_logging(self.agent.folder(), "debug").expect("the agent starts again");
        let owner = self.anybody().logged_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
        listen(self.isp.control_plane.http(), owner.cookie(), self.events.clone());
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
            "/identity-providers",
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
