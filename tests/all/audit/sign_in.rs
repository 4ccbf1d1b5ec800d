//! Valid calls about identity providers, and a log-in by one, at a double of an issuer.

use super::{
    calls::{call, version_of},
    walk::{
        Call,
        Leaves::{Asked, Changed, Made, Removed},
        Walk,
    },
};
use atalaya_tests::{
    harness::{Api, Issuer, IssuerSigns, OPENID_CLIENT},
    isp::{Isp, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};

const EMAIL: &str = "iris@netandina.example";

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    let issuer = Issuer::start(IssuerSigns::EdDsa).expect("a double starts");
    let new = json!({
        "name": "Cuenta de la empresa", "issuer": issuer.url(), "client_id": OPENID_CLIENT.0,
        "client_secret": OPENID_CLIENT.1, "allowed_domains": ["netandina.example"],
    });
    let kind = "identity_provider";
    let asked = isp.owner.post("/identity-providers/check", &json!({"issuer": issuer.url()}));
    assert_eq!(asked.expect("it can be asked")["verdict"], "usable");
    walk.changes_nothing("POST /identity-providers/check");
    let made = walk.call(call("POST /identity-providers", "/identity-providers", new, kind));
    assert_eq!(made["client_secret"], Value::Null, "{made}");
    let provider = id_of(&made).expect("an id");
    let path = format!("/identity-providers/{provider}");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let change = call("PATCH /identity-providers/{id}", &path, json!({"name": "Cuenta"}), kind);
    walk.call(Call { version, leaves: Changed, ..change });

    let iris = json!({"name": "Iris Mora", "email": EMAIL, "role": "cashier", "password": PASSWORD});
    let user = id_of(&isp.owner.post("/users", &iris).expect("somebody can be made")).expect("an id");
    let about = |operation, path, body: Option<Value>, leaves| Call {
        body,
        leaves,
        id: Some(&user),
        ..call(operation, path, Value::Null, "user")
    };
    let wanted = Some(json!({"provider_id": provider}));
    let of_user = format!("/users/{user}/identities");
    let allowed = walk.call(about("POST /users/{id}/identities", &of_user, wanted.clone(), Made));
    let gone = format!("{of_user}/{}", id_of(&allowed).expect("an id"));
    walk.call(about("DELETE /users/{id}/identities/{identity}", &gone, None, Removed));

    let anybody = || Api::forwarding(isp.control_plane.http(), "198.51.100.23");
    let her = anybody().logged_in(TENANT, EMAIL, PASSWORD).expect("she logs in");
    let own = walk.call_as(&her, &user, about("POST /me/identities", "/me/identities", wanted, Made));
    issuer.account("iris-0001", EMAIL);
    let begin = json!({"tenant": TENANT, "provider_id": provider});
    let (on_her_way, begun) = anybody().keeping("/session/identity-provider", &begin).expect("it can begin");
    walk.changes_nothing("POST /session/identity-provider");
    let back = issuer.visit(begun["url"].as_str().expect("it goes somewhere")).expect("it sends her back");
    let path = "/session/identity-provider/return";
    let enter = about("POST /session/identity-provider/return", path, Some(back.clone()), Asked);
    let session = walk.call_as(&on_her_way, &user, enter);
    assert_eq!(session["user"]["id"], user.as_str());
    let again = on_her_way.post(path, &back).expect_err("an attempt comes back once");
    assert_eq!((again.status, again.code()), (401, "wrong_login"));
    let mine = format!("/me/identities/{}", id_of(&own).expect("an id"));
    walk.call_as(&her, &user, about("DELETE /me/identities/{id}", &mine, None, Removed));
    // Reads need one that stays.
    isp.owner.post(&of_user, &json!({"provider_id": provider})).expect("it can be allowed again");

    let other = Issuer::start(IssuerSigns::EdDsa).expect("a double starts");
    let other = json!({
        "name": "Otra", "issuer": other.url(), "client_id": OPENID_CLIENT.0, "client_secret": OPENID_CLIENT.1,
    });
    let other = id_of(&isp.owner.post("/identity-providers", &other).expect("another one")).expect("an id");
    let path = format!("/identity-providers/{other}");
    let gone = call("DELETE /identity-providers/{id}", &path, Value::Null, kind);
    walk.call(Call { body: None, leaves: Removed, id: Some(&other), ..gone });
}
