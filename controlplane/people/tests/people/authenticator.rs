//! An authenticator in software, and the browser around it: what `navigator.credentials` would do with our options.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// One credential on a device.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    /// Whose it is, as it was told when the credential was made.
    user: Option<String>,
    /// Grows with each signature.
    pub(crate) counter: u32,
    /// Whether it verifies who is there, with a finger or a number.
    pub(crate) verifies: bool,
}

impl Authenticator {
    /// With a key of its own.
    pub(crate) fn new(id: &[u8]) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random)
            .expect("its own key");
        Self { key, id: id.to_vec(), user: None, counter: 0, verifies: true }
    }

    fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
        let data =
            json!({"type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    /// Hash of the relying party, flags, counter.
    fn data(&mut self, rp_id: &Value, flags: u8) -> Vec<u8> {
        self.counter += 1;
        let hash = Sha256::digest(rp_id.as_str().expect("a host name").as_bytes());
        let verified = if self.verifies { 0x04 } else { 0 };
        [&hash[..], &[0x01 | verified | flags], &self.counter.to_be_bytes()].concat()
    }

    /// Makes the credential; `RegistrationResponseJSON`.
    pub(crate) fn make(&mut self, options: &Value, origin: &str) -> Value {
        self.user = options["user"]["id"].as_str().map(str::to_owned);
        let point = self.key.public_key().as_ref().to_vec();
        let (x, y) = point[1..].split_at(32);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let key = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y].concat();
        let length = u16::try_from(self.id.len()).expect("a short id").to_be_bytes();
        let id = self.id.clone();
        let data = [&self.data(&options["rp"]["id"], 0x40)[..], &[0; 16], &length, &id, &key].concat();
        let size = u8::try_from(data.len()).expect("a short id");
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..], &[size], &data].concat();
        json!({
            "id": base64url(&id), "rawId": base64url(&id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(&Self::client_data("webauthn.create", options, origin)),
                "attestationObject": base64url(&object),
                "transports": ["internal"],
            },
        })
    }

    /// Signs; `AuthenticationResponseJSON`.
    pub(crate) fn sign(&mut self, options: &Value, origin: &str) -> Value {
        let client_data = Self::client_data("webauthn.get", options, origin);
        let data = self.data(&options["rpId"], 0);
        let message = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).expect("it signs");
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(&client_data),
                "authenticatorData": base64url(&data),
                "signature": base64url(signature.as_ref()),
                "userHandle": self.user,
            },
        })
    }
}
