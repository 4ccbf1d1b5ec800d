//! What a browser and an authenticator said, verified after W3C Web Authentication Level 2, §7.1 and §7.2. Pure.

use super::{cbor::Value, public_key::PublicKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Longest credential id (Level 3, §4), bytes.
const MAX_ID: usize = 1_023;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Why something is not believed; for the log and the audit row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the client data is malformed")]
    ClientData,
    #[error("the client data is of another ceremony")]
    Kind,
    #[error("another origin")]
    Origin,
    #[error("asked from within another page")]
    CrossOrigin,
    #[error("bound to a connection of another kind than ours")]
    TokenBinding,
    #[error("the authenticator data is malformed")]
    AuthenticatorData,
    #[error("a credential for another site")]
    RelyingParty,
    #[error("nobody was there")]
    NotPresent,
    #[error("the authenticator did not verify who was there")]
    NotVerified,
    #[error("a kind of attestation that was not asked for")]
    Attestation,
    #[error("a kind of key that was not asked for")]
    Key,
    #[error("somebody else than the authenticator names")]
    Holder,
    #[error("the signature is wrong")]
    Signature,
    #[error("the counter went back: there may be a copy of the authenticator")]
    Counter,
}

/// For which site something was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The relying party: the host name.
    pub rp_id: String,
    /// `https://host[:port]`.
    pub origin: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
    token_binding: Option<TokenBinding>,
}

/// How the browser says that it bound the ceremony to its connection (Level 2, §5.8.1).
#[derive(Deserialize)]
struct TokenBinding {
    status: String,
}

/// The challenge that client data answers, before anything of them is believed: it says which ceremony this is.
pub(super) fn challenge_of(client_data: &[u8]) -> Result<String, Refused> {
    serde_json::from_slice(client_data)
        .map(|data: ClientData| data.challenge)
        .map_err(|_| Refused::ClientData)
}

/// §7.1 steps 5 to 11, §7.2 steps 9 to 14; the challenge was looked up by its value.
fn client_data_check(client_data: &[u8], kind: &str, site: &Site) -> Result<(), Refused> {
    let data: ClientData = serde_json::from_slice(client_data).map_err(|_| Refused::ClientData)?;
    if data.kind != kind {
        return Err(Refused::Kind);
    }
    if data.origin != site.origin {
        return Err(Refused::Origin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(Refused::CrossOrigin);
    }
    // No connection of ours has one: a browser that could and did not is as good as one that could not.
    if data.token_binding.is_some_and(|binding| binding.status != "supported") {
        return Err(Refused::TokenBinding);
    }
    Ok(())
}

/// Authenticator data (§6.1).
#[derive(Debug)]
struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    counter: u32,
    credential: Option<NewCredential>,
}

/// A credential that an authenticator made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewCredential {
    pub(super) id: Vec<u8>,
    /// COSE, as it was sent: it is kept like this.
    pub(super) public_key: Vec<u8>,
}

impl AuthenticatorData {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let (flags, rest) = rest.split_first()?;
        let (counter, mut rest) = rest.split_first_chunk::<4>()?;
        let mut credential = None;
        if flags & CREDENTIAL != 0 {
            let (_model, behind) = rest.split_first_chunk::<16>()?;
            let (length, behind) = behind.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, behind) = behind.split_at_checked(length).filter(|_| (1..=MAX_ID).contains(&length))?;
            let (_, after) = Value::read(behind)?;
            let public_key = behind.get(..behind.len() - after.len())?.to_vec();
            credential = Some(NewCredential { id: id.to_vec(), public_key });
            rest = after;
        }
        if flags & EXTENSIONS != 0 {
            let (extensions, after) = Value::read(rest)?;
            if !matches!(extensions, Value::Map(_)) {
                return None;
            }
            rest = after;
        }
        // What is backed up could be (Level 3, §6.1.3).
        let consistent = flags & BACKED_UP == 0 || flags & BACKUP_ELIGIBLE != 0;
        let counter = u32::from_be_bytes(*counter);
        (rest.is_empty() && consistent).then_some(Self {
            rp_id_hash: *rp_id_hash,
            flags: *flags,
            counter,
            credential,
        })
    }

    /// §7.1 steps 13 to 15, §7.2 steps 15 to 17.
    fn check(&self, site: &Site, verified: bool) -> Result<(), Refused> {
        let wanted: [u8; 32] = Sha256::digest(site.rp_id.as_bytes()).into();
        if self.rp_id_hash != wanted {
            return Err(Refused::RelyingParty);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(Refused::NotPresent);
        }
        if verified && self.flags & USER_VERIFIED == 0 {
            return Err(Refused::NotVerified);
        }
        Ok(())
    }
}

/// A credential that was made for us, with its counter.
pub(super) fn registered(
    client_data: &[u8],
    attestation: &[u8],
    site: &Site,
) -> Result<(NewCredential, u32), Refused> {
    client_data_check(client_data, "webauthn.create", site)?;
    let (object, rest) = Value::read(attestation).ok_or(Refused::AuthenticatorData)?;
    let data = object.of("authData").and_then(Value::as_bytes).filter(|_| rest.is_empty());
    let data = data.and_then(AuthenticatorData::parse).ok_or(Refused::AuthenticatorData)?;
    // None was asked for, and a statement that nobody verifies says nothing.
    let is_none = object.of("fmt") == Some(&Value::Text("none".to_owned()))
        && object.of("attStmt") == Some(&Value::Map(Vec::new()));
    if !is_none {
        return Err(Refused::Attestation);
    }
    // Who registers has just shown who they are: that somebody is there is enough.
    data.check(site, false)?;
    let credential = data.credential.ok_or(Refused::AuthenticatorData)?;
    key_of(&credential.public_key)?;
    Ok((credential, data.counter))
}

fn key_of(cose: &[u8]) -> Result<PublicKey, Refused> {
    let (key, rest) = Value::read(cose).ok_or(Refused::Key)?;
    PublicKey::of(&key).filter(|_| rest.is_empty()).ok_or(Refused::Key)
}

/// A credential as it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) public_key: &'k [u8],
    pub(super) counter: u32,
}

/// What an authenticator signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'s> {
    pub(super) client_data: &'s [u8],
    pub(super) authenticator_data: &'s [u8],
    pub(super) signature: &'s [u8],
}

/// The counter of an assertion that a known credential signed for us; `verified`: the authenticator must have verified who was
/// there, as it must when nothing else does.
pub(super) fn asserted(
    signed: Signed<'_>,
    known: Known<'_>,
    site: &Site,
    verified: bool,
) -> Result<u32, Refused> {
    client_data_check(signed.client_data, "webauthn.get", site)?;
    let data = AuthenticatorData::parse(signed.authenticator_data).ok_or(Refused::AuthenticatorData)?;
    data.check(site, verified)?;
    let message = [signed.authenticator_data, &Sha256::digest(signed.client_data)].concat();
    if !key_of(known.public_key)?.verifies(&message, signed.signature) {
        return Err(Refused::Signature);
    }
    // §7.2 step 21. One that counts nothing stays at nought.
    let counts = data.counter != 0 || known.counter != 0;
    if counts && data.counter <= known.counter {
        return Err(Refused::Counter);
    }
    Ok(data.counter)
}

#[cfg(test)]
mod tests;
