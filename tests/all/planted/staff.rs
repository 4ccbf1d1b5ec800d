//! What people are let in with.

use super::{
    Needle,
    scene::{EVA, Scene},
};
use crate::audit::staff::app_code;
use atalaya_tests::{
    harness::Api,
    isp::{TENANT, id_of},
};
use serde_json::{Value, json};

/// What is planted by us; what the programs make themselves is added on the way. With letters that forms differ in.
const USER_PASSWORD: &str = "Clave/\"de+Eva ñ-51c7e9a0";
const NEW_PASSWORD: &str = "Otra?clave=de\\Eva-b83d02f6";
const WRONG_PASSWORD: &str = "Equivocada&clave-77e1d4c5";

impl Scene {
    /// Passwords, links, second factors, keys and sessions, right and wrong.
    pub(super) fn staff(&mut self) {
        let new = json!({"name": "Eva Salas", "email": EVA, "role": "cashier"});
        let user = id_of(&self.owner.post("/users", &new).expect("somebody can be invited")).expect("an id");
        // Sent as well: it waits in its row, for a server that is away.
        let link = self.owner.post(&format!("/users/{user}/link"), &json!({"send": true}));
        let link = link.expect("a link can be made");
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
        self.needles.push(Needle::new("bytes of an app's secret", &bytes, &[]));
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
}

fn base32(text: &str) -> Vec<u8> {
    let value = |letter| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base 32");
    let bits: String = text.chars().map(|letter| format!("{:05b}", value(letter))).collect();
    (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits")).collect()
}
