//! Issuers as they are known for now: discovery documents and keys, kept for a while, asked again no more often than is good for
//! them.

use super::{
    form,
    id_token::{self, Account, Expected},
    issuer::{Discovery, Fetched, IssuerError, IssuerWeb, document_of},
    keys::{self, Key},
};
use atalaya_kernel::{secrets::SecretText, time::Timestamp};
use parking_lot::Mutex;
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc};

/// Shortest and longest time that an answer is kept, ms, whatever its issuer says.
const KEPT_MS: (i64, i64) = (5 * 60_000, 24 * 3_600_000);
/// Keys are asked for again, for one that is not known, at most this often, ms.
const AGAIN_MS: i64 = 60_000;
/// An issuer that did not answer is left alone for so long, ms.
const AWAY_MS: i64 = 10_000;
/// Issuers that are remembered.
const MAX_ISSUERS: usize = 1_000;

/// The issuers of an installation.
pub struct Issuers {
    web: Arc<dyn IssuerWeb>,
    known: Mutex<HashMap<String, Known>>,
}

/// What is known of an issuer.
#[derive(Default, Clone)]
struct Known {
    discovery: Option<(Arc<Discovery>, Timestamp)>,
    keys: Option<(Arc<Vec<Key>>, Timestamp)>,
    /// When keys were last asked for.
    keys_asked_at: Option<Timestamp>,
    /// Why it did not answer, and when.
    away: Option<(IssuerError, Timestamp)>,
}

/// What the token endpoint said.
pub(super) enum Redeemed {
    /// A token, which nobody verified yet.
    IdToken(SecretText),
    /// It refuses the code, with a word of RFC 6749, §5.2.
    Refused(String),
}

/// A code to be redeemed, and by whom.
pub(super) struct Redemption<'r> {
    pub(super) code: &'r SecretText,
    pub(super) redirect_uri: &'r str,
    pub(super) verifier: &'r str,
    pub(super) client_id: &'r str,
    pub(super) client_secret: &'r str,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<SecretText>,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
}

fn kept_until(fetched: &Fetched, now: Timestamp) -> Timestamp {
    let said = fetched.max_age_s.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0);
    now.plus_millis(said.saturating_mul(1_000).clamp(KEPT_MS.0, KEPT_MS.1))
}

impl Issuers {
    /// None is known yet.
    pub fn new(web: Arc<dyn IssuerWeb>) -> Self {
        Self { web, known: Mutex::new(HashMap::new()) }
    }

    /// How they are reached.
    pub(super) fn web(&self) -> &dyn IssuerWeb {
        &*self.web
    }

    fn known(&self, issuer: &str) -> Known {
        self.known.lock().get(issuer).cloned().unwrap_or_default()
    }

    fn learn(&self, issuer: &str, what: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock();
        if known.len() >= MAX_ISSUERS && !known.contains_key(issuer) {
            // They are asked again; that is all that is lost.
            known.clear();
        }
        what(known.entry(issuer.to_owned()).or_default());
    }

    /// Leaves an issuer alone that just did not answer as it should.
    fn left_alone(&self, issuer: &str, now: Timestamp) -> Result<(), IssuerError> {
        match self.known(issuer).away {
            Some((error, at)) if now < at.plus_millis(AWAY_MS) => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads a document of an issuer, and until when it may be kept; remembers when it cannot be had.
    async fn read<T>(
        &self,
        issuer: &str,
        url: &str,
        now: Timestamp,
        read: impl FnOnce(&[u8]) -> Result<T, IssuerError> + Send,
    ) -> Result<(T, Timestamp), IssuerError> {
        let what = match self.web.get(url).await {
            Ok(fetched) if fetched.status == 200 => {
                read(&fetched.body).map(|what| (what, kept_until(&fetched, now)))
            }
            Ok(fetched) => Err(IssuerError::Wrong(format!("status {} for {url}", fetched.status))),
            Err(error) => Err(error),
        };
        self.learn(issuer, |known| known.away = what.as_ref().err().map(|error| (error.clone(), now)));
        what
    }

    /// The discovery document of an issuer.
    pub(super) async fn discovery(
        &self,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Arc<Discovery>, IssuerError> {
        if let Some((discovery, until)) = self.known(issuer).discovery
            && now < until
        {
            return Ok(discovery);
        }
        self.left_alone(issuer, now)?;
        self.discovery_anew(issuer, now).await
    }

    /// The same, asked for now.
    async fn discovery_anew(&self, issuer: &str, now: Timestamp) -> Result<Arc<Discovery>, IssuerError> {
        let read = |body: &[u8]| Discovery::read(body, issuer, self.web()).map(Arc::new);
        let (discovery, until) = self.read(issuer, &document_of(issuer), now, read).await?;
        self.learn(issuer, |known| known.discovery = Some((discovery.clone(), until)));
        Ok(discovery)
    }

    /// The keys of an issuer; asked for anew when they are older than they may be, or when one is not among them.
    async fn keys(
        &self,
        about: &Discovery,
        anew: bool,
        now: Timestamp,
    ) -> Result<Arc<Vec<Key>>, IssuerError> {
        let known = self.known(&about.issuer);
        if let Some((keys, until)) = known.keys {
            let asked_lately = known.keys_asked_at.is_some_and(|at| now < at.plus_millis(AGAIN_MS));
            if (now < until && !anew) || (anew && asked_lately) {
                return Ok(keys);
            }
        }
        self.left_alone(&about.issuer, now)?;
        self.keys_anew(about, now).await
    }

    /// The same, asked for now.
    async fn keys_anew(&self, about: &Discovery, now: Timestamp) -> Result<Arc<Vec<Key>>, IssuerError> {
        // Before the answer: of many who ask at once not each asks the issuer.
        self.learn(&about.issuer, |known| known.keys_asked_at = Some(now));
        let read = |body: &[u8]| {
            let wrong = || IssuerError::Wrong("its keys cannot be read".to_owned());
            keys::read(body).map(Arc::new).ok_or_else(wrong)
        };
        let (keys, until) = self.read(&about.issuer, &about.jwks_uri, now, read).await?;
        self.learn(&about.issuer, |known| known.keys = Some((keys.clone(), until)));
        Ok(keys)
    }

    /// Whether an issuer answers as it should, asked now whatever is known of it.
    ///
    /// # Errors
    /// Why people could not log in by it.
    pub(super) async fn look(&self, issuer: &str, now: Timestamp) -> Result<Arc<Discovery>, IssuerError> {
        self.web.check(issuer)?;
        let about = self.discovery_anew(issuer, now).await?;
        if self.keys_anew(&about, now).await?.is_empty() {
            return Err(IssuerError::Wrong("it publishes no key of RS256, ES256 or EdDSA".to_owned()));
        }
        Ok(about)
    }

    /// Who entered, as a token of an issuer says. For a key that is not known its keys are asked for once more.
    pub(super) async fn verify(
        &self,
        about: &Discovery,
        token: &SecretText,
        expected: Expected<'_>,
        now: Timestamp,
    ) -> Result<Result<Account, id_token::Refused>, IssuerError> {
        let keys = self.keys(about, false, now).await?;
        let verified = id_token::verify(token.expose(), &keys, expected);
        if verified != Err(id_token::Refused::UnknownKey) {
            return Ok(verified);
        }
        let keys = self.keys(about, true, now).await?;
        Ok(id_token::verify(token.expose(), &keys, expected))
    }

    /// Redeems a code (RFC 6749, §4.1.3; RFC 7636, §4.5).
    pub(super) async fn redeem(
        &self,
        about: &Discovery,
        what: &Redemption<'_>,
    ) -> Result<Redeemed, IssuerError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", what.code.expose()),
            ("redirect_uri", what.redirect_uri),
            ("code_verifier", what.verifier),
            ("client_id", what.client_id),
        ];
        let basic = if about.wants_secret_in_form() {
            form.push(("client_secret", what.client_secret));
            None
        } else {
            Some(SecretText::new(form::joined(what.client_id, what.client_secret)))
        };
        let form = SecretText::new(form::encoded(&form));
        let fetched = self.web.post(&about.token_endpoint, form, basic).await?;
        match fetched.status {
            200 => serde_json::from_slice::<Tokens>(&fetched.body)
                .ok()
                .and_then(|tokens| tokens.id_token)
                .map(Redeemed::IdToken)
                .ok_or_else(|| IssuerError::Wrong("there is no ID token".to_owned())),
            400..=499 => {
                let denied = serde_json::from_slice::<Denied>(&fetched.body).map(|denied| denied.error);
                Ok(Redeemed::Refused(denied.unwrap_or_else(|_| format!("status {}", fetched.status))))
            }
            status => Err(IssuerError::Away(format!("its token endpoint answered {status}"))),
        }
    }
}
