//! What an ID token says, verified after OpenID Connect Core 1.0, §3.1.3.7, and RFC 8725. Pure.

use super::keys::{Algorithm, Key};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};
use subtle::ConstantTimeEq;

/// Longest token that is looked at, bytes: some issuers write every group of a person into it.
const MAX_BYTES: usize = 16_384;
/// How far the issuer's clock may be from ours, s.
const SKEW_S: i64 = 60;
/// Oldest token of a log-in, s: as long as an attempt is good.
const MAX_AGE_S: i64 = 600;
/// Longest `sub` (Core, §2), bytes.
const MAX_SUBJECT: usize = 255;

/// Google names itself by its host alone in some tokens; so its own documentation says.
const GOOGLE: &str = "https://accounts.google.com";
const GOOGLE_TOO: &str = "accounts.google.com";

/// Why a token is not believed; for the log and the audit row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the ID token is malformed")]
    Malformed,
    #[error("the ID token is signed in a way that is not taken")]
    Algorithm,
    #[error("the ID token is of another kind, or asks for more than is understood")]
    Kind,
    #[error("the ID token is signed with a key that the issuer does not publish")]
    UnknownKey,
    #[error("the signature of the ID token is wrong")]
    Signature,
    #[error("the ID token is another issuer's")]
    Issuer,
    #[error("the ID token is for somebody else")]
    Audience,
    #[error("the ID token was asked for by somebody else")]
    AuthorizedParty,
    #[error("the ID token has ended")]
    Ended,
    #[error("the ID token is not of now")]
    NotOfNow,
    #[error("the ID token was not asked for by this attempt")]
    Nonce,
    #[error("the ID token names nobody")]
    Subject,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    /// The issuer.
    pub(super) issuer: &'e str,
    /// For whom.
    pub(super) client_id: &'e str,
    /// Of the attempt.
    pub(super) nonce: &'e str,
    /// Seconds since 1970.
    pub(super) now_s: i64,
}

/// Who entered at the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// The issuer's name of the account.
    pub(super) subject: String,
    /// Its e-mail in lower case, if the issuer says that it verified it.
    pub(super) email: Option<String>,
    /// The organisation at Google that the account belongs to.
    pub(super) hosted_domain: Option<String>,
}

/// `jwk`, `jku` and `x5u` may stand there and are not read: a key that a token brings along proves nothing.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Verified {
    Flag(bool),
    /// Some issuers write it as a text.
    Text(String),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Verified>,
    hd: Option<String>,
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Who entered, if a key of the issuer signed it for this attempt.
pub(super) fn verify(token: &str, keys: &[Key], expected: Expected<'_>) -> Result<Account, Refused> {
    if token.len() > MAX_BYTES {
        return Err(Refused::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    let header: Header = decoded(header).ok_or(Refused::Malformed)?;
    let algorithm = Algorithm::named(&header.alg).ok_or(Refused::Algorithm)?;
    if header.crit.is_some() || header.typ.is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) {
        return Err(Refused::Kind);
    }
    let key = key_of(keys, algorithm, header.kid.as_deref())?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::Malformed)?;
    if !key.verifies(signed.as_bytes(), &signature) {
        return Err(Refused::Signature);
    }
    check(decoded(claims).ok_or(Refused::Malformed)?, expected)
}

/// The key that a token names; without a name the only one of its kind.
fn key_of<'k>(keys: &'k [Key], algorithm: Algorithm, id: Option<&str>) -> Result<&'k Key, Refused> {
    let mut fitting =
        keys.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(Refused::UnknownKey),
    }
}

fn check(claims: Claims, expected: Expected<'_>) -> Result<Account, Refused> {
    let also = expected.issuer == GOOGLE && claims.iss == GOOGLE_TOO;
    if claims.iss != expected.issuer && !also {
        return Err(Refused::Issuer);
    }
    let audiences = match &claims.aud {
        Audience::One(one) => std::slice::from_ref(one),
        Audience::Several(several) => several,
    };
    // One that is for others too is theirs to show us: there are no others whom an ISP has said it trusts.
    if audiences.is_empty() || audiences.iter().any(|audience| audience != expected.client_id) {
        return Err(Refused::Audience);
    }
    if claims.azp.is_some_and(|party| party != expected.client_id) {
        return Err(Refused::AuthorizedParty);
    }
    let now = expected.now_s;
    if now >= claims.exp.saturating_add(SKEW_S) {
        return Err(Refused::Ended);
    }
    let latest = now.saturating_add(SKEW_S);
    let begun = claims.iat <= latest && claims.nbf.is_none_or(|begin| begin <= latest);
    if !begun || claims.iat < now.saturating_sub(MAX_AGE_S + SKEW_S) {
        return Err(Refused::NotOfNow);
    }
    let same: bool =
        claims.nonce.as_deref().unwrap_or_default().as_bytes().ct_eq(expected.nonce.as_bytes()).into();
    if !same {
        return Err(Refused::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
        return Err(Refused::Subject);
    }
    let verified = match claims.email_verified {
        Some(Verified::Flag(flag)) => flag,
        Some(Verified::Text(text)) => text == "true",
        None => false,
    };
    let email = claims.email.filter(|_| verified).map(|email| email.trim().to_lowercase());
    let hosted_domain = claims.hd.map(|domain| domain.to_lowercase());
    Ok(Account { subject: claims.sub, email, hosted_domain })
}

impl Account {
    /// Whether it is of one of the domains that an ISP takes: its verified e-mail, and the organisation that it belongs to
    /// where the issuer says that. Google lets anybody make a private account with the e-mail of an organisation.
    pub(super) fn is_of(&self, domains: &[String], issuer: &str) -> bool {
        if domains.is_empty() {
            return true;
        }
        let domain = self.email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
        let takes = |domain: &str| domains.iter().any(|taken| taken == domain);
        let organised = match &self.hosted_domain {
            Some(organisation) => takes(organisation),
            None => issuer != GOOGLE,
        };
        domain.is_some_and(takes) && organised
    }
}

#[cfg(test)]
mod tests;
