//! One forgery for each check, each rightly made in everything else.

use super::*;
use crate::openid::keys;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";
const NOW: i64 = 1_793_891_229;

struct Issuer(Ed25519KeyPair);

impl Issuer {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn jwk(&self, id: Option<&str>) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        if let Some(id) = id {
            key["kid"] = json!(id);
        }
        key
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes())))
    }
}

fn published(keys: &[Value]) -> Vec<Key> {
    keys::read(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "one", "typ": "JWT"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "10769150350006150715113082367", "aud": "client", "exp": NOW + 3_600, "iat": NOW, "nonce": "nonce",
        "email": "Rosa@NetAndina.example", "email_verified": true,
    })
}

/// Something with some of its members changed; null takes one away.
fn with(mut of: Value, changes: &Value) -> Value {
    let members = of.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    of
}

fn expected() -> Expected<'static> {
    Expected { issuer: ISSUER, client_id: "client", nonce: "nonce", now_s: NOW }
}

fn verified(header: &Value, claims: &Value) -> Result<Account, Refused> {
    let issuer = Issuer::new(1);
    verify(&issuer.sign(header, claims), &published(&[issuer.jwk(Some("one"))]), expected())
}

#[test]
fn a_true_token_says_who_entered() {
    let account = verified(&header(), &claims()).unwrap();
    assert_eq!(account.subject, "10769150350006150715113082367");
    assert_eq!(account.email.as_deref(), Some("rosa@netandina.example"));
    for fits in [
        json!({"aud": ["client"]}),
        json!({"azp": "client"}),
        json!({"email_verified": "true"}),
        json!({"exp": NOW - 59}),
        json!({"iat": NOW + 60, "nbf": NOW + 60}),
        json!({"iat": NOW - 660}),
        json!({"amr": ["mfa"], "anything": {"else": 1}}),
    ] {
        assert_eq!(verified(&header(), &with(claims(), &fits)).as_ref(), Ok(&account), "{fits}");
    }
    for fits in
        [json!({"typ": null}), json!({"typ": "jwt"}), json!({"kid": null}), json!({"jku": "https://x"})]
    {
        assert_eq!(verified(&with(header(), &fits), &claims()).as_ref(), Ok(&account), "{fits}");
    }
}

#[test]
fn each_claim_is_checked() {
    for (change, refused) in [
        (json!({"iss": "https://issuer.example/"}), Refused::Issuer),
        (json!({"iss": "https://evil.example"}), Refused::Issuer),
        (json!({"iss": GOOGLE_TOO}), Refused::Issuer),
        (json!({"iss": null}), Refused::Malformed),
        (json!({"aud": "other"}), Refused::Audience),
        (json!({"aud": []}), Refused::Audience),
        (json!({"aud": ["other", "another"]}), Refused::Audience),
        (json!({"aud": null}), Refused::Malformed),
        (json!({"aud": ["client", "other"]}), Refused::Audience),
        (json!({"aud": ["other", "client"], "azp": "client"}), Refused::Audience),
        (json!({"aud": "client "}), Refused::Audience),
        (json!({"azp": "other"}), Refused::AuthorizedParty),
        (json!({"exp": NOW - 60}), Refused::Ended),
        (json!({"exp": 0}), Refused::Ended),
        (json!({"exp": null}), Refused::Malformed),
        (json!({"exp": "tomorrow"}), Refused::Malformed),
        (json!({"iat": NOW + 61}), Refused::NotOfNow),
        (json!({"iat": NOW - 661}), Refused::NotOfNow),
        (json!({"iat": null}), Refused::Malformed),
        (json!({"nbf": NOW + 61}), Refused::NotOfNow),
        (json!({"nonce": "another"}), Refused::Nonce),
        (json!({"nonce": ""}), Refused::Nonce),
        (json!({"nonce": null}), Refused::Nonce),
        (json!({"sub": ""}), Refused::Subject),
        (json!({"sub": "x".repeat(256)}), Refused::Subject),
        (json!({"sub": null}), Refused::Malformed),
        (json!({"sub": 7}), Refused::Malformed),
    ] {
        assert_eq!(verified(&header(), &with(claims(), &change)), Err(refused), "{change}");
    }
}

#[test]
fn an_e_mail_that_is_not_verified_is_none() {
    for change in [
        json!({"email_verified": false}),
        json!({"email_verified": "false"}),
        json!({"email_verified": "yes"}),
        json!({"email_verified": null}),
        json!({"email": null}),
    ] {
        assert_eq!(verified(&header(), &with(claims(), &change)).unwrap().email, None, "{change}");
    }
    assert_eq!(verified(&header(), &with(claims(), &json!({"email_verified": 1}))), Err(Refused::Malformed));
}

#[test]
fn only_a_key_of_the_issuer_signs_and_only_as_it_may() {
    let (issuer, evil) = (Issuer::new(1), Issuer::new(2));
    let keys = published(&[issuer.jwk(Some("one"))]);
    let read = |token: &str| verify(token, &keys, expected());
    assert_eq!(read(&evil.sign(&header(), &claims())), Err(Refused::Signature), "another key under its name");
    let brings = with(header(), &json!({"kid": "evil", "jwk": evil.jwk(Some("evil"))}));
    assert_eq!(read(&evil.sign(&brings, &claims())), Err(Refused::UnknownKey), "a key that it brings along");
    for algorithm in ["none", "None", "HS256", "RS512", "PS256", "ES256K", "EdDSA ", ""] {
        let header = with(header(), &json!({"alg": algorithm}));
        assert_eq!(read(&issuer.sign(&header, &claims())), Err(Refused::Algorithm), "{algorithm}");
    }
    for algorithm in ["RS256", "ES256"] {
        let header = with(header(), &json!({"alg": algorithm}));
        assert_eq!(read(&issuer.sign(&header, &claims())), Err(Refused::UnknownKey), "{algorithm}");
    }
    for (change, refused) in [
        (json!({"crit": ["exp"]}), Refused::Kind),
        (json!({"typ": "at+jwt"}), Refused::Kind),
        (json!({"kid": "two"}), Refused::UnknownKey),
        (json!({"kid": 1}), Refused::Malformed),
    ] {
        assert_eq!(read(&issuer.sign(&with(header(), &change), &claims())), Err(refused), "{change}");
    }
    // Two keys and no name: nobody can say which.
    let two = published(&[issuer.jwk(Some("one")), evil.jwk(Some("two"))]);
    let nameless = issuer.sign(&with(header(), &json!({"kid": null})), &claims());
    assert_eq!(verify(&nameless, &two, expected()), Err(Refused::UnknownKey));
    let twins = published(&[issuer.jwk(Some("one")), evil.jwk(Some("one"))]);
    assert_eq!(verify(&issuer.sign(&header(), &claims()), &twins, expected()), Err(Refused::UnknownKey));
    assert_eq!(verify(&issuer.sign(&header(), &claims()), &[], expected()), Err(Refused::UnknownKey));
}

#[test]
fn google_may_name_itself_by_its_host() {
    let issuer = Issuer::new(1);
    let keys = published(&[issuer.jwk(Some("one"))]);
    let google = Expected { issuer: GOOGLE, ..expected() };
    for name in [GOOGLE, GOOGLE_TOO] {
        let token = issuer.sign(&header(), &with(claims(), &json!({"iss": name})));
        assert!(verify(&token, &keys, google).is_ok(), "{name}");
    }
}

#[test]
fn an_account_is_of_a_domain_by_its_verified_e_mail_and_its_organisation() {
    let account = |email: Option<&str>, hosted_domain: Option<&str>| Account {
        subject: "1".to_owned(),
        email: email.map(str::to_owned),
        hosted_domain: hosted_domain.map(str::to_owned),
    };
    let taken = ["netandina.example".to_owned(), "b.example".to_owned()];
    let ours = Some("rosa@netandina.example");
    for (account, issuer, is_of) in [
        (account(ours, None), ISSUER, true),
        (account(Some("eva@b.example"), None), ISSUER, true),
        (account(Some("eva@sub.b.example"), None), ISSUER, false),
        (account(Some("eva@evil.example"), None), ISSUER, false),
        (account(Some("netandina.example"), None), ISSUER, false),
        (account(Some("a@b.example@evil.example"), None), ISSUER, false),
        (account(None, Some("netandina.example")), ISSUER, false),
        (account(ours, Some("netandina.example")), GOOGLE, true),
        (account(ours, None), GOOGLE, false),
        (account(ours, Some("evil.example")), GOOGLE, false),
        (account(ours, Some("evil.example")), ISSUER, false),
    ] {
        assert_eq!(account.is_of(&taken, issuer), is_of, "{account:?} {issuer}");
        assert!(account.is_of(&[], issuer));
    }
}

#[test]
fn no_changed_letter_is_believed_and_none_panics() {
    let issuer = Issuer::new(1);
    let keys = published(&[issuer.jwk(Some("one"))]);
    let token = issuer.sign(&header(), &claims());
    for at in 0..token.len() {
        for other in ["A", "-", ".", "é", ""] {
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            if changed != token {
                assert!(verify(&changed, &keys, expected()).is_err(), "{at} {other:?}");
            }
        }
        assert!(verify(&token[..at], &keys, expected()).is_err(), "cut at {at}");
    }
    for nonsense in ["", ".", "..", "a.b.c", &"x".repeat(20_000)] {
        assert_eq!(verify(nonsense, &keys, expected()), Err(Refused::Malformed));
    }
}
