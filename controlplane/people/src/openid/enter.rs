//! A log-in that goes to a provider and comes back.

use super::{
    IdentityState, Issuers, ProviderChoice,
    directory::{Redeemed, Redemption},
    form,
    id_token::{Account, Expected},
    identities::{state, tell},
    secret_context,
    store::{self, Attempt, IdentityRow, ProviderRow},
};
use crate::identity::{self, LogIn, Origin, Shown, User, token_hash};
use atalaya_kernel::{
    Ctx, Error, Permissions, Scope,
    audit::{self, Entry},
    events::EntityRef,
    ids::IdentityProviderId,
    runtime::Runtime,
    secrets::{SecretText, ShownOnce, random_token},
    write_tx,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// How long a log-in may be on its way, ms.
pub(super) const ATTEMPT_MS: i64 = 10 * 60_000;
/// Where providers send the browser back to: a page of the web app, which posts what it was given.
const RETURN: &str = "/login/return";
/// Longest code of a provider, bytes.
const MAX_CODE: usize = 4_096;

/// A log-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser is to go.
    pub url: ShownOnce,
    /// What it is to keep until it comes back.
    pub browser: ShownOnce,
}

/// What a browser brings back from a provider.
#[derive(Debug, Clone)]
pub struct Returned {
    /// Of the attempt.
    pub state: SecretText,
    /// The code; none when the provider refused.
    pub code: Option<SecretText>,
    /// Why the provider refused.
    pub error: Option<String>,
    /// Who the provider says it is (RFC 9207).
    pub issuer: Option<String>,
}

/// Where providers send people back to whose pages are of an origin.
pub(super) fn redirect_uri(web_origin: &str) -> String {
    format!("{web_origin}{RETURN}")
}

/// What only this browser can make of this attempt: the nonce, and the verifier of its code (RFC 7636).
fn made_of(what: &str, browser: &SecretText, state: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{what}\n{}\n{state}", browser.expose())))
}

/// Providers that people of an ISP may log in by; none where there is no such ISP.
///
/// # Errors
/// The database's.
pub async fn choices(
    runtime: &Arc<Runtime>,
    slug: &str,
    origin: &Origin,
) -> Result<Vec<ProviderChoice>, Error> {
    match identity::door_of(runtime, slug, origin).await? {
        Some((door, _)) => Ok(store::choices(&mut door.begin_read().await?).await?),
        None => Ok(Vec::new()),
    }
}

/// Begins a log-in. `browser`: what the browser kept of an earlier one, so that several tabs can be on their way.
///
/// # Errors
/// Not found, switched off, or a provider that cannot be asked.
pub async fn begin(
    runtime: &Arc<Runtime>,
    issuers: &Issuers,
    slug: &str,
    provider: &IdentityProviderId,
    web_origin: &str,
    browser: Option<&SecretText>,
    origin: &Origin,
) -> Result<Begun, Error> {
    let Some((door, _)) = identity::door_of(runtime, slug, origin).await? else {
        return Err(Error::NotFound);
    };
    let provider = store::provider_row(&mut door.begin_read().await?, provider).await?;
    if !provider.enabled {
        return Err(Error::NotFound);
    }
    let now = door.now();
    let about = issuers.discovery(&provider.issuer, now).await;
    let about = about.map_err(|error| error.unavailable(&provider.issuer))?;
    let browser = match browser {
        Some(kept) if kept.expose().len() == 64 => kept.clone(),
        _ => SecretText::new(random_token()),
    };
    // Asked by an address nobody but the state says which ISP it is of.
    let state = format!("{slug}.{}", random_token());
    let attempt = Attempt {
        provider_id: provider.id.clone(),
        browser_hash: token_hash(browser.expose()),
        redirect_uri: redirect_uri(web_origin),
        expires_at: now.plus_millis(ATTEMPT_MS),
    };
    write_tx!(door, tx => { Ok(store::attempt_put(&mut tx, &token_hash(&state), &attempt, now).await?) })?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(made_of("verifier", &browser, &state)));
    let query = form::encoded(&[
        ("response_type", "code"),
        ("client_id", &provider.client_id),
        ("redirect_uri", &attempt.redirect_uri),
        ("scope", "openid email"),
        ("state", &state),
        ("nonce", &made_of("nonce", &browser, &state)),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let at = &about.authorization_endpoint;
    let joint = if at.contains('?') { '&' } else { '?' };
    Ok(Begun { url: format!("{at}{joint}{query}").into(), browser: browser.expose().to_owned().into() })
}

/// The slug of the ISP that a state is of.
pub(super) fn slug_of(state: &SecretText) -> Option<String> {
    state.expose().split_once('.').map(|(slug, _)| slug.to_owned())
}

/// Ends a log-in with what the browser brought back. The provider stands in for the password: what follows a right one follows.
///
/// # Errors
/// A provider that cannot be asked, or the database's.
pub async fn finish(
    runtime: &Arc<Runtime>,
    issuers: &Issuers,
    slug: &str,
    returned: &Returned,
    browser: Option<&SecretText>,
    origin: &Origin,
) -> Result<LogIn, Error> {
    let Some((door, tenant)) = identity::door_of(runtime, slug, origin).await? else {
        return Ok(LogIn::Refused);
    };
    let coming = Coming { door: &door, issuers, origin };
    let (provider, account) = match coming.account(returned, browser).await? {
        Ok(found) => found,
        Err(reason) => return coming.refuse(EntityRef::new("tenant", &tenant.id), None, &reason).await,
    };
    let user = match coming.whose(&provider, &account).await? {
        Ok(user) => user,
        Err(Closed { of, reason }) => {
            let of = of.unwrap_or_else(|| EntityRef::new("tenant", &tenant.id));
            return coming.refuse(of, Some(&provider.id), reason).await;
        }
    };
    identity::follow(runtime, &door, tenant, user, Shown::Elsewhere, origin).await
}

/// Why an account opens no log-in.
struct Closed {
    /// Whose it would be.
    of: Option<EntityRef>,
    reason: &'static str,
}

impl Closed {
    fn to(user: &User, reason: &'static str) -> Self {
        Self { of: Some(EntityRef::new("user", &user.id)), reason }
    }
}

/// Somebody on their way in.
struct Coming<'c> {
    door: &'c Ctx,
    issuers: &'c Issuers,
    origin: &'c Origin,
}

impl Coming<'_> {
    /// Which account entered at which provider, or why that is not believed.
    async fn account(
        &self,
        returned: &Returned,
        browser: Option<&SecretText>,
    ) -> Result<Result<(ProviderRow, Account), String>, Error> {
        let door = self.door;
        let refused = |reason: &str| Ok(Err(reason.to_owned()));
        let state = returned.state.expose();
        // In a transaction of its own: whatever comes of it, there is no second time.
        let attempt = write_tx!(door, tx => { Ok(store::attempt_take(&mut tx, &token_hash(state)).await?) })?;
        let now = door.now();
        let Some(attempt) = attempt.filter(|attempt| now < attempt.expires_at) else {
            return refused("an attempt that nobody began, that came back before, or took too long");
        };
        let Some(browser) = browser.filter(|kept| is_same(&token_hash(kept.expose()), &attempt.browser_hash))
        else {
            return refused("the attempt was begun in another browser");
        };
        let provider = store::provider_row(&mut door.begin_read().await?, &attempt.provider_id).await?;
        if !provider.enabled {
            return refused("the identity provider was switched off");
        }
        if let Some(error) = &returned.error {
            let error: String = error.chars().take(100).collect();
            return refused(&format!("the identity provider said: {error}"));
        }
        let Some(code) = returned.code.as_ref().filter(|code| code.expose().len() <= MAX_CODE) else {
            return refused("the identity provider gave no code");
        };
        let unavailable = |error: super::IssuerError| error.unavailable(&provider.issuer);
        let about = self.issuers.discovery(&provider.issuer, now).await.map_err(unavailable)?;
        let said = returned.issuer.as_deref();
        let missing = said.is_none() && about.authorization_response_iss_parameter_supported;
        if missing || said.is_some_and(|said| said != about.issuer) {
            return refused("the answer is another issuer's");
        }
        let runtime = door.db().runtime().clone();
        let mut tx = door.begin_read().await?;
        let sealed = &provider.sealed_secret;
        let secret = runtime.secrets.open(&mut tx, &secret_context(&provider.id), sealed).await?;
        tx.rollback().await?;
        let client_secret = std::str::from_utf8(secret.expose()).map_err(Error::internal)?;
        let redemption = Redemption {
            code,
            redirect_uri: &attempt.redirect_uri,
            verifier: &made_of("verifier", browser, state),
            client_id: &provider.client_id,
            client_secret,
        };
        let token = match self.issuers.redeem(&about, &redemption).await.map_err(unavailable)? {
            Redeemed::IdToken(token) => token,
            Redeemed::Refused(error) => {
                let error: String = error.chars().take(100).collect();
                return refused(&format!("the identity provider does not redeem the code: {error}"));
            }
        };
        let nonce = made_of("nonce", browser, state);
        let expected = Expected {
            issuer: &provider.issuer,
            client_id: &provider.client_id,
            nonce: &nonce,
            now_s: now.as_millis().div_euclid(1_000),
        };
        match self.issuers.verify(&about, &token, expected, now).await.map_err(unavailable)? {
            Ok(account) => Ok(Ok((provider, account))),
            Err(reason) => refused(&reason.to_string()),
        }
    }

    /// Whose log-in an account opens, and about whom it is when it opens none. The e-mail counts for the first time only.
    async fn whose(&self, provider: &ProviderRow, account: &Account) -> Result<Result<User, Closed>, Error> {
        let door = self.door;
        let mut tx = door.begin_read().await?;
        let known = store::identity_by_subject(&mut tx, &provider.id, &account.subject).await?;
        if !account.is_of(&provider.domains()?, &provider.issuer) {
            let of = known.map(|row| EntityRef::new("user", &row.user_id));
            return Ok(Err(Closed { of, reason: "the account is of no domain that the ISP takes" }));
        }
        if let Some(row) = known {
            let user = identity::user_row(&mut tx, &row.user_id).await?;
            tx.rollback().await?;
            return self.opened(user, &row).await;
        }
        let Some(email) = &account.email else {
            return Ok(Err(Closed {
                of: None,
                reason: "an account that is not linked, without a verified e-mail",
            }));
        };
        let Some(user) = identity::user_by_email(&mut tx, email).await? else {
            return Ok(Err(Closed {
                of: None,
                reason: "an account that is not linked, and nobody here has its e-mail",
            }));
        };
        let rows = store::identities_of(&mut tx, &user.id).await?;
        tx.rollback().await?;
        let waits = |row: &IdentityRow| {
            row.provider_id == provider.id
                && row.email == *email
                && state(row, door.now()) == IdentityState::Allowed
        };
        let Some(row) = rows.into_iter().find(waits) else {
            return Ok(Err(Closed::to(&user, "an account that is not linked, and the user allowed none")));
        };
        self.link(user, &row, account).await
    }

    /// Links an account with the user who allowed it.
    async fn link(
        &self,
        user: User,
        row: &IdentityRow,
        account: &Account,
    ) -> Result<Result<User, Closed>, Error> {
        if user.disabled {
            return Ok(Err(Closed::to(&user, "the user is disabled")));
        }
        let ctx = self.as_user(&user);
        let linked = write_tx!(ctx, tx => {
            if !store::identity_link(&mut tx, &row.id, &account.subject, ctx.now()).await? {
                return Ok(false);
            }
            let facts = json!({
                "identity": row.id, "provider": row.provider_id, "email": row.email, "address": self.origin.address,
            });
            let entry = Entry::new("identity.link", EntityRef::new("user", &user.id)).after(&facts)?;
            audit::record(&ctx, &mut tx, entry).await?;
            tell(&ctx, &mut tx, row, "linked").await?;
            Ok(true)
        })?;
        if !linked {
            return Ok(Err(Closed::to(&user, "another account was linked meanwhile")));
        }
        self.opened(user, row).await
    }

    /// Notes that an account opened a log-in.
    async fn opened(&self, user: User, row: &IdentityRow) -> Result<Result<User, Closed>, Error> {
        if user.disabled {
            return Ok(Err(Closed::to(&user, "the user is disabled")));
        }
        let ctx = self.as_user(&user);
        let facts = json!({"identity": row.id, "provider": row.provider_id, "address": self.origin.address});
        let entry = Entry::new("identity.use", EntityRef::new("user", &user.id)).after(&facts)?;
        let used = write_tx!(ctx, tx => {
            if !store::identity_used(&mut tx, &row.id, ctx.now()).await? {
                return Ok(false);
            }
            audit::record(&ctx, &mut tx, entry.clone()).await?;
            Ok(true)
        })?;
        Ok(if used { Ok(user) } else { Err(Closed::to(&user, "the account was unlinked meanwhile")) })
    }

    /// Whoever is behind an account, for what is written down of it; with no right at all.
    fn as_user(&self, user: &User) -> Ctx {
        let nothing = Permissions::These(std::collections::BTreeSet::new());
        Ctx::new(self.door.db().clone(), identity::person(user), nothing, Scope::All, &self.origin.request_id)
    }

    /// Writes down why somebody is not let in; they are not told.
    async fn refuse(
        &self,
        of: EntityRef,
        provider: Option<&IdentityProviderId>,
        reason: &str,
    ) -> Result<LogIn, Error> {
        let door = self.door;
        let origin = self.origin;
        let facts = json!({
            "address": origin.address, "user_agent": origin.user_agent, "provider": provider, "reason": reason,
        });
        let entry = Entry::new("session.refuse", of).after(&facts)?;
        write_tx!(door, tx => { audit::record(door, &mut tx, entry.clone()).await })?;
        Ok(LogIn::Refused)
    }
}

fn is_same(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}
