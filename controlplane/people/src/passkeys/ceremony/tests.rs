//! The vectors of W3C Web Authentication Level 3, §16, and what is changed in them.

use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// By name: registration and authentication, hexadecimal.
fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn site() -> Site {
    Site { rp_id: "example.org".to_owned(), origin: "https://example.org".to_owned() }
}

struct Vector {
    client_data: Vec<u8>,
    attestation: Vec<u8>,
    get_client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

impl Vector {
    fn of(name: &str) -> Self {
        let vectors = vectors();
        let bytes =
            |part: &str, field: &str| hex::decode(vectors[name][part][field].as_str().unwrap()).unwrap();
        for (part, field) in [("registration", "clientDataJSON"), ("authentication", "clientDataJSON")] {
            let challenge = URL_SAFE_NO_PAD.encode(bytes(part, "challenge"));
            assert_eq!(challenge_of(&bytes(part, field)), Ok(challenge));
        }
        Self {
            client_data: bytes("registration", "clientDataJSON"),
            attestation: bytes("registration", "attestationObject"),
            get_client_data: bytes("authentication", "clientDataJSON"),
            authenticator_data: bytes("authentication", "authenticatorData"),
            signature: bytes("authentication", "signature"),
        }
    }

    fn registered(&self) -> Result<(NewCredential, u32), Refused> {
        registered(&self.client_data, &self.attestation, &site())
    }

    fn asserted(&self, public_key: &[u8], site: &Site, verified: bool) -> Result<u32, Refused> {
        let signed = Signed {
            client_data: &self.get_client_data,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
        };
        asserted(signed, Known { public_key, counter: 0 }, site, verified)
    }

    /// The key of a registration whose attestation is another than we ask for.
    fn key_anyway(&self) -> Vec<u8> {
        let (object, _) = Value::read(&self.attestation).unwrap();
        let data = AuthenticatorData::parse(object.of("authData").unwrap().as_bytes().unwrap()).unwrap();
        data.credential.unwrap().public_key
    }
}

#[test]
fn each_algorithm_registers_and_signs() {
    for name in ["none-es256", "none-es256-long-credential-id"] {
        let vector = Vector::of(name);
        let (credential, counter) = vector.registered().unwrap();
        assert_eq!(counter, 0, "{name}");
        assert_eq!(vector.asserted(&credential.public_key, &site(), false), Ok(0), "{name}");
    }
    for name in ["packed-rs256", "packed-eddsa"] {
        let vector = Vector::of(name);
        assert_eq!(vector.registered(), Err(Refused::Attestation), "{name}: none was asked for");
        let key = vector.key_anyway();
        assert_eq!(vector.asserted(&key, &site(), false), Ok(0), "{name}");
        let other = Vector::of("none-es256").key_anyway();
        assert_eq!(vector.asserted(&other, &site(), false), Err(Refused::Signature), "{name}");
    }
}

#[test]
fn a_page_within_another_is_refused() {
    for name in ["none-es256-crossOrigin", "none-es256-topOrigin"] {
        let vector = Vector::of(name);
        assert_eq!(vector.registered(), Err(Refused::CrossOrigin), "{name}");
        assert_eq!(
            vector.asserted(&vector.key_anyway(), &site(), false),
            Err(Refused::CrossOrigin),
            "{name}"
        );
    }
}

#[test]
fn another_site_another_ceremony_and_nobody_there_are_refused() {
    let vector = Vector::of("none-es256");
    let key = vector.key_anyway();
    let at = |rp_id: &str, origin: &str| Site { rp_id: rp_id.to_owned(), origin: origin.to_owned() };
    for (site, refused) in [
        (at("example.org", "https://example.org:8443"), Refused::Origin),
        (at("example.org", "http://example.org"), Refused::Origin),
        (at("evil.example", "https://example.org"), Refused::RelyingParty),
    ] {
        assert_eq!(vector.asserted(&key, &site, false), Err(refused));
        assert_eq!(registered(&vector.client_data, &vector.attestation, &site), Err(refused));
    }
    assert_eq!(vector.asserted(&key, &site(), true), Err(Refused::NotVerified));
    assert_eq!(registered(&vector.get_client_data, &vector.attestation, &site()), Err(Refused::Kind));
    let swapped = Vector { get_client_data: vector.client_data, ..Vector::of("none-es256") };
    assert_eq!(swapped.asserted(&key, &site(), false), Err(Refused::Kind));
    let mut absent = Vector::of("none-es256");
    absent.authenticator_data[32] &= !USER_PRESENT;
    assert_eq!(absent.asserted(&key, &site(), false), Err(Refused::NotPresent));
    let mut strange = Vector::of("none-es256");
    strange.authenticator_data[32] = USER_PRESENT | BACKED_UP;
    assert_eq!(strange.asserted(&key, &site(), false), Err(Refused::AuthenticatorData));
}

#[test]
fn no_changed_byte_is_believed_and_none_panics() {
    let vector = Vector::of("none-es256");
    let key = vector.key_anyway();
    let signed = |client_data: &[u8], data: &[u8], signature: &[u8], key: &[u8]| {
        let signed = Signed { client_data, authenticator_data: data, signature };
        asserted(signed, Known { public_key: key, counter: 0 }, &site(), false)
    };
    let parts = [&vector.get_client_data, &vector.authenticator_data, &vector.signature, &key];
    for (which, part) in parts.iter().enumerate() {
        for at in 0..part.len() {
            for bit in [0x01, 0x80] {
                let mut changed = parts.map(Clone::clone);
                changed[which][at] ^= bit;
                let [client_data, data, signature, key] = &changed;
                assert!(signed(client_data, data, signature, key).is_err(), "{which} {at} {bit}");
            }
            let mut cut = parts.map(Clone::clone);
            cut[which].truncate(at);
            let [client_data, data, signature, key] = &cut;
            assert!(signed(client_data, data, signature, key).is_err(), "{which} cut at {at}");
        }
    }
    for at in 0..vector.attestation.len() {
        let cut = registered(&vector.client_data, &vector.attestation[..at], &site());
        assert!(cut.is_err(), "cut at {at}");
        let mut changed = vector.attestation.clone();
        changed[at] ^= 0x80;
        // What is refused is refused; an id may be any bytes.
        let _ = registered(&vector.client_data, &changed, &site());
    }
}

/// A key that signs what a forger would need signed.
struct Signer(ring::signature::Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(ring::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
    }

    /// `{1: 1, 3: -8, -1: 6, -2: bytes}`
    fn cose(&self) -> Vec<u8> {
        let public = ring::signature::KeyPair::public_key(&self.0).as_ref();
        [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], public].concat()
    }

    /// Rightly signed, whatever it says.
    fn asserts(&self, client_data: &str, data: &[u8], known: u32, verified: bool) -> Result<u32, Refused> {
        let client_data = client_data.as_bytes();
        let signature = self.0.sign(&[data, &Sha256::digest(client_data)].concat());
        let signed = Signed { client_data, authenticator_data: data, signature: signature.as_ref() };
        let cose = self.cose();
        asserted(signed, Known { public_key: &cose, counter: known }, &site(), verified)
    }
}

/// Authenticator data for a relying party.
fn data(rp_id: &str, flags: u8, counter: u32) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(rp_id.as_bytes()).into();
    [&hash[..], &[flags], &counter.to_be_bytes()].concat()
}

const GET: &str = r#"{"type":"webauthn.get","challenge":"AA","origin":"https://example.org"}"#;

#[test]
fn what_is_rightly_signed_but_says_something_else_is_refused() {
    let signer = Signer::new();
    let verified = USER_PRESENT | USER_VERIFIED;
    let here = data("example.org", verified, 1);
    assert_eq!(signer.asserts(GET, &here, 0, true), Ok(1));
    let with = |more: &str| format!("{},{more}}}", GET.trim_end_matches('}'));
    assert_eq!(signer.asserts(&with(r#""tokenBinding":{"status":"supported"}"#), &here, 0, true), Ok(1));
    assert_eq!(signer.asserts(&with(r#""extra":[1]"#), &here, 0, true), Ok(1), "browsers may add members");
    for (client_data, refused) in [
        (GET.replace("example.org", "evil.example"), Refused::Origin),
        (GET.replace("https", "http"), Refused::Origin),
        (GET.replace("example.org", "sub.example.org"), Refused::Origin),
        (GET.replace("webauthn.get", "webauthn.create"), Refused::Kind),
        (GET.replace("webauthn.get", "payment.get"), Refused::Kind),
        (with(r#""crossOrigin":true"#), Refused::CrossOrigin),
        (with(r#""topOrigin":"https://example.org""#), Refused::CrossOrigin),
        (with(r#""tokenBinding":{"status":"present","id":"AA"}"#), Refused::TokenBinding),
        (GET.replace("origin", "place"), Refused::ClientData),
        (format!("{GET}{GET}"), Refused::ClientData),
    ] {
        assert_eq!(signer.asserts(&client_data, &here, 0, true), Err(refused), "{client_data}");
    }
    for (data, refused) in [
        (data("evil.example", verified, 1), Refused::RelyingParty),
        (data("example.org", USER_VERIFIED, 1), Refused::NotPresent),
        (data("example.org", 0, 1), Refused::NotPresent),
        (data("example.org", USER_PRESENT, 1), Refused::NotVerified),
        (data("example.org", verified | BACKED_UP, 1), Refused::AuthenticatorData),
        (data("example.org", verified | CREDENTIAL, 1), Refused::AuthenticatorData),
        (data("example.org", verified | EXTENSIONS, 1), Refused::AuthenticatorData),
        ([here, vec![0]].concat(), Refused::AuthenticatorData),
    ] {
        assert_eq!(signer.asserts(GET, &data, 0, true), Err(refused), "{data:?}");
    }
    let present = data("example.org", USER_PRESENT, 1);
    assert_eq!(signer.asserts(GET, &present, 0, false), Ok(1), "not demanded, not missed");
}

#[test]
fn a_registration_of_nobody_or_of_another_key_is_refused() {
    let create = GET.replace("webauthn.get", "webauthn.create");
    let made = |rp_id: &str, flags: u8, key: &[u8], format: &str, statement: &[u8]| {
        let new = [&data(rp_id, flags, 0)[..], &[0; 16], &[0, 2], b"id", key].concat();
        let size = u8::try_from(new.len()).unwrap();
        let named = [&[0x60 | u8::try_from(format.len()).unwrap()][..], format.as_bytes()].concat();
        let object =
            [&b"\xa3\x63fmt"[..], &named[..], b"\x67attStmt", statement, b"\x68authData\x58", &[size], &new]
                .concat();
        registered(create.as_bytes(), &object, &site()).map(|(credential, _)| credential.id)
    };
    let (key, both) = (Signer::new().cose(), USER_PRESENT | CREDENTIAL);
    assert_eq!(made("example.org", both, &key, "none", b"\xa0"), Ok(b"id".to_vec()));
    assert_eq!(made("evil.example", both, &key, "none", b"\xa0"), Err(Refused::RelyingParty));
    assert_eq!(made("example.org", CREDENTIAL, &key, "none", b"\xa0"), Err(Refused::NotPresent));
    assert_eq!(made("example.org", USER_PRESENT, &key, "none", b"\xa0"), Err(Refused::AuthenticatorData));
    assert_eq!(made("example.org", both, &key, "packed", b"\xa0"), Err(Refused::Attestation));
    assert_eq!(made("example.org", both, &key, "none", b"\xa1\x00\x00"), Err(Refused::Attestation));
    // {1: 1, 3: -7, …}: a kind of key and an algorithm that do not belong together; and -35, ES384.
    let other = |algorithm: &[u8]| [&key[..3], &[3], algorithm, &key[5..]].concat();
    assert_eq!(made("example.org", both, &other(&[0x27]), "none", b"\xa0"), Ok(b"id".to_vec()));
    for algorithm in [&[0x26][..], &[0x38, 34], &[0x39, 1, 0]] {
        assert_eq!(made("example.org", both, &other(algorithm), "none", b"\xa0"), Err(Refused::Key));
    }
}

#[test]
fn a_counter_that_goes_back_is_refused() {
    let signer = Signer::new();
    let sign = |counter: u32, known: u32| {
        signer.asserts(GET, &data("example.org", USER_PRESENT, counter), known, false)
    };
    for (counter, known, wanted) in [
        (0, 0, Ok(0)),
        (1, 0, Ok(1)),
        (8, 7, Ok(8)),
        (7, 7, Err(Refused::Counter)),
        (6, 7, Err(Refused::Counter)),
        (0, 7, Err(Refused::Counter)),
    ] {
        assert_eq!(sign(counter, known), wanted, "{counter} after {known}");
    }
}
