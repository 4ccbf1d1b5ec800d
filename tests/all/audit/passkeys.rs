//! Valid calls about passkeys, with an authenticator in software.

use super::{
    authenticator::Authenticator,
    calls::call,
    walk::{
        Call,
        Leaves::{Asked, Removed},
        Walk,
    },
};
use atalaya_tests::{
    harness::Api,
    isp::{Isp, PASSWORD, TENANT},
};
use serde_json::{Value, json};

const EMAIL: &str = "ines@netandina.example";
/// A host name: browsers make no passkey for an address.
const HOST: &str = "localhost";
const ORIGIN: &str = "http://localhost";

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    let new = json!({"name": "Inés Soto", "email": EMAIL, "role": "cashier", "password": PASSWORD});
    isp.owner.post("/users", &new).expect("somebody can be made");
    let anybody = || Api::forwarding(isp.control_plane.http(), "198.51.100.22").asking(HOST);
    let ines = anybody().logged_in(TENANT, EMAIL, PASSWORD).expect("she logs in");
    let session = ines.get("/session").expect("she is there");
    let user = session["user"]["id"].as_str().expect("with an id");
    let about = |operation, path, body: Option<Value>| Call {
        body,
        leaves: Asked,
        id: Some(user),
        ..call(operation, path, Value::Null, "user")
    };
    let mut phone = Authenticator::new(b"phone of ines");
    let options = about("POST /me/passkeys/options", "/me/passkeys/options", None);
    let options = walk.call_as(&ines, user, options);
    let keep = json!({"name": "Teléfono", "credential": phone.make(&options, ORIGIN)});
    let made = walk.call_as(&ines, user, about("POST /me/passkeys", "/me/passkeys", Some(keep)));
    assert_eq!(made["recovery_codes"].as_array().map(Vec::len), Some(10), "{made}");
    let passkey = made["passkey"]["id"].as_str().expect("it has an id");

    let options = json!({"tenant": TENANT});
    let options = anybody().post("/session/passkey/options", &options).expect("anybody may ask");
    walk.changes_nothing("POST /session/passkey/options");
    let enter = json!({"tenant": TENANT, "credential": phone.sign(&options, ORIGIN)});
    walk.call_as(&anybody(), user, about("POST /session/passkey", "/session/passkey", Some(enter.clone())));
    let again = anybody().post("/session/passkey", &enter).expect_err("a challenge is answered once");
    assert_eq!((again.status, again.code()), (401, "wrong_login"));

    let credentials = json!({"tenant": TENANT, "email": EMAIL, "password": PASSWORD});
    let wanted = anybody().post("/session", &credentials).expect("the password is right");
    let challenge = json!({"challenge": wanted["challenge"]});
    let options = anybody().post("/session/second-factor/options", &challenge).expect("she has a passkey");
    walk.changes_nothing("POST /session/second-factor/options");
    let answer = json!({"challenge": wanted["challenge"], "passkey": phone.sign(&options, ORIGIN)});
    anybody().post("/session/second-factor", &answer).expect("she is in");

    let options = ines.post("/session/step-up/options", &Value::Null).expect("she has a passkey");
    walk.changes_nothing("POST /session/step-up/options");
    let signed = phone.sign(&options, ORIGIN);
    let by_address = Api::forwarding(isp.control_plane.http(), "198.51.100.22");
    let by_address = by_address.post("/session/passkey/options", &json!({"tenant": TENANT}));
    assert_eq!(by_address.expect_err("an address is no host name").code(), "passkey_host");
    let path = format!("/me/passkeys/{passkey}");
    let gone = Call { leaves: Removed, ..about("DELETE /me/passkeys/{id}", &path, None) };
    walk.call_as(&ines, user, gone);
    let gone = ines.post("/session/step-up", &json!({"passkey": signed})).expect_err("it is gone");
    assert_eq!(gone.code(), "wrong_login");
}
