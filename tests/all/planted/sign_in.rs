//! What lies between us and an issuer: the secret of the ISP's application there, and what a log-in carries.

use super::scene::Scene;
use atalaya_tests::{
    harness::{ISSUER_ACCESS_TOKEN, Issuer, IssuerSigns, OPENID_CLIENT},
    isp::{OWNER, TENANT, id_of},
};
use serde_json::json;

/// What a person typed first.
const WRONG_SECRET: &str = "Emisor/\"equivocado+3f9a61c2";

impl Scene {
    /// A provider with a wrong secret and with the right one, and a log-in with each.
    pub(super) fn sign_in(&mut self) {
        let issuer = Issuer::start(IssuerSigns::EdDsa).expect("a double starts");
        let new = json!({
            "name": "Issuer", "issuer": issuer.url(), "client_id": OPENID_CLIENT.0, "client_secret": WRONG_SECRET,
        });
        let made = self.owner.post("/identity-providers", &new).expect("its document can be read");
        let provider = id_of(&made).expect("an id");
        issuer.account("rosa-0001", OWNER);
        self.owner.post("/me/identities", &json!({"provider_id": provider})).expect("she may allow it");
        self.returns(&issuer, &provider, false);
        let right = json!({"client_secret": OPENID_CLIENT.1});
        self.owner.patch(&format!("/identity-providers/{provider}"), 1, &right).expect("it can be changed");
        self.returns(&issuer, &provider, true);
        self.look_for("client secret", OPENID_CLIENT.1, &[]);
        self.look_for("wrong client secret", WRONG_SECRET, &[]);
        self.look_for("access token of an issuer", ISSUER_ACCESS_TOKEN, &[]);
        let token = issuer.last_token().expect("it gave one");
        self.look_for("ID token", &token, &[]);
    }

    /// There and back.
    fn returns(&mut self, issuer: &Issuer, provider: &str, enters: bool) {
        const BEGINS: &[&str] = &["answer to POST /session/identity-provider"];
        let begin = json!({"tenant": TENANT, "provider_id": provider});
        let (browser, begun) =
            self.anybody().keeping("/session/identity-provider", &begin).expect("a log-in begins");
        let cookie = browser.cookie().split_once('=').map(|(_, value)| value.to_owned());
        let back =
            issuer.visit(begun["url"].as_str().expect("it goes somewhere")).expect("it sends them back");
        let entered = browser.keeping("/session/identity-provider/return", &back);
        assert_eq!(entered.is_ok(), enters, "{:?}", entered.map(|(_, session)| session));
        self.look_for(
            &format!("what binds a log-in to its browser ({enters})"),
            &cookie.expect("a cookie"),
            BEGINS,
        );
        let (code, state) = (back["code"].as_str(), back["state"].as_str());
        self.look_for(&format!("code of an issuer ({enters})"), code.expect("it gave one"), &[]);
        let (_, random) = state.and_then(|state| state.split_once('.')).expect("a state names the ISP");
        self.look_for(&format!("state of a log-in ({enters})"), random, BEGINS);
    }
}
