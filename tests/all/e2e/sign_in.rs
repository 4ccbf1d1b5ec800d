//! Log-in by an identity provider: a running server, a double of an issuer, and a client that others wrote to see that the double
//! is true.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, Issuer, IssuerSigns, OPENID_CLIENT, Options, python},
    isp::{Founded, OWNER, TENANT, id_of},
};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Issuers of a test are on this machine, which is asked by permission alone.
const CONFIG: &str =
    "[http]\ntrusted_proxies = [\"127.0.0.0/8\"]\n[single_sign_on]\nnetworks = [\"127.0.0.1\"]\n";
const RETURN: &str = "/session/identity-provider/return";

on_each_database!(people_log_in_by_an_issuer);

fn people_log_in_by_an_issuer(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { config: Some(CONFIG.to_owned()), ..database.options(folder.path()) };
    let founded = Founded::start(options).expect("it starts");
    for (number, signs) in
        [IssuerSigns::Rs256, IssuerSigns::Es256, IssuerSigns::EdDsa].into_iter().enumerate()
    {
        let issuer = Issuer::start(signs).expect("a double starts");
        another_client_agrees(&issuer, signs);
        issuer.account("rosa-0001", OWNER);
        let provider = provider(&founded, &issuer);
        let refused = enters(&founded, &issuer, &provider).expect_err("nobody allowed it");
        assert_eq!((refused.status, refused.code()), (401, "wrong_login"));
        let wanted = json!({"provider_id": provider});
        founded.owner.post("/me/identities", &wanted).expect("she may allow it");
        let session = enters(&founded, &issuer, &provider).expect("the account is hers");
        assert_eq!(session["user"]["email"], OWNER, "{signs:?}");
        let mine = founded.owner.get("/me/identities").expect("they can be listed");
        assert_eq!(mine["items"][number]["state"], "linked", "{mine}");
        if number == 0 {
            a_stranger_on_the_way(&founded, &issuer, &provider);
        }
    }
    an_address_inside(&founded);
}

/// Somebody on the internet, at another address for each issuer: one address may log in only so often.
fn anybody(founded: &Founded, issuer: &Issuer) -> Api {
    let [high, low] = issuer.port().to_be_bytes();
    Api::forwarding(founded.control_plane.http(), &format!("198.51.{high}.{low}"))
}

fn provider(founded: &Founded, issuer: &Issuer) -> String {
    let new = json!({
        "name": "Issuer", "issuer": issuer.url(), "client_id": OPENID_CLIENT.0, "client_secret": OPENID_CLIENT.1,
    });
    let made = founded.owner.post("/identity-providers", &new).expect("its document can be read");
    let provider = id_of(&made).expect("an id");
    let offered = anybody(founded, issuer).get(&format!("/session/identity-providers?tenant={TENANT}"));
    assert!(offered.expect("anybody may ask").to_string().contains(&provider));
    provider
}

/// Somebody on their way to an issuer: their browser, and what it is to bring back.
fn begun(founded: &Founded, issuer: &Issuer, provider: &str) -> (Api, Value) {
    let begin = json!({"tenant": TENANT, "provider_id": provider});
    let begun = anybody(founded, issuer).keeping("/session/identity-provider", &begin);
    let (browser, begun) = begun.expect("a log-in begins");
    let back = issuer.visit(begun["url"].as_str().expect("it goes somewhere")).expect("it sends them back");
    (browser, back)
}

fn enters(
    founded: &Founded,
    issuer: &Issuer,
    provider: &str,
) -> Result<Value, atalaya_tests::harness::ApiError> {
    let (browser, back) = begun(founded, issuer, provider);
    let (inside, session) = browser.keeping(RETURN, &back)?;
    inside.get("/customers").expect("the cookie is a session's");
    Ok(session)
}

/// Whoever has only what the address says, or only the cookie, or both too late, does not enter.
fn a_stranger_on_the_way(founded: &Founded, issuer: &Issuer, provider: &str) {
    let refused = |said: Result<Value, atalaya_tests::harness::ApiError>, why: &str| {
        let error = said.expect_err(why);
        assert_eq!((error.status, error.code()), (401, "wrong_login"), "{why}");
    };
    let (browser, back) = begun(founded, issuer, provider);
    refused(anybody(founded, issuer).post(RETURN, &back), "another browser");
    refused(browser.post(RETURN, &back), "it came back before");
    let (browser, mut back) = begun(founded, issuer, provider);
    back["code"] = json!("another code");
    refused(browser.post(RETURN, &back), "a code that the issuer does not know");
    let (browser, mut back) = begun(founded, issuer, provider);
    back["iss"] = json!("https://evil.example");
    refused(browser.post(RETURN, &back), "another issuer's answer");
    let (mine, mut back) = begun(founded, issuer, provider);
    back["code"] = begun(founded, issuer, provider).1["code"].clone();
    refused(mine.post(RETURN, &back), "the code of another log-in");
    for state in ["", "nonsense", "nowhere.0000", "netandina.0000"] {
        refused(mine.post(RETURN, &json!({"state": state, "code": "x"})), state);
    }
}

/// Nobody is asked inside the network of the installation, but where the configuration says so.
fn an_address_inside(founded: &Founded) {
    for issuer in
        ["http://127.0.0.2:9", "https://10.0.0.1", "https://169.254.169.254", "http://issuer.example"]
    {
        let new = json!({"name": "X", "issuer": issuer, "client_id": "a", "client_secret": "b"});
        let refused = founded.owner.post("/identity-providers", &new).expect_err(issuer);
        assert_eq!((refused.status, refused.code()), (409, "issuer_unusable"), "{issuer}");
        assert!(refused.problem["detail"].to_string().contains("may not be asked"), "{refused}");
    }
}

/// oauthlib logs in at the double and is refused what it has to be refused; PyJWT verifies what it is given.
fn another_client_agrees(issuer: &Issuer, signs: IssuerSigns) {
    let Some(python) = python(&["jwt", "cryptography", "oauthlib"]) else { return };
    issuer.account("eva-0001", "eva@netandina.example");
    let mut child = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/sign_in.py"))
        .args([&issuer.url(), OPENID_CLIENT.0, "https://red.netandina.example/login/return"])
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the script starts");
    writeln!(child.stdin.take().expect("it has an input"), "{}", OPENID_CLIENT.1).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let claims = &said["claims"];
    assert_eq!((&claims["sub"], &claims["nonce"]), (&json!("eva-0001"), &json!("a nonce")));
    assert_eq!((&claims["email_verified"], &claims["iss"]), (&json!(true), &json!(issuer.url())));
    let algorithm = match signs {
        IssuerSigns::Rs256 => "RS256",
        IssuerSigns::Es256 => "ES256",
        IssuerSigns::EdDsa => "EdDSA",
    };
    assert_eq!(said["header"]["alg"], algorithm);
    let refused = json!({
        "code twice": "invalid_grant", "another verifier": "invalid_grant", "another redirect_uri": "invalid_grant",
        "another secret": "invalid_client",
    });
    assert_eq!(said["refused"], refused);
}
