//! Log-in: a password, then a code where one is wanted, then a session.

use super::{
    BROWSER_ADDED, Entered, GUESSING_SLOWED, LoggedIn, User,
    guard::{self, Source, Target},
    password, sessions, store,
};
use crate::{
    factors,
    tenancy::{self, Tenant},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, STEP_UP_MS, Scope,
    audit::{self, Entry},
    events::{self, EntityRef, NewEvent},
    ids::{SessionId, TenantId, UserId},
    runtime::Runtime,
    secrets::{SecretText, ShownOnce, random_token},
    time::Timestamp,
    write_tx,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// How long a right password waits for its code, ms.
const CHALLENGE_MS: i64 = 5 * 60_000;
/// Context under which a challenge is sealed.
const CHALLENGE: &str = "login-challenge";

/// Where a log-in came from, for the list of sessions and the audit row.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// `User-Agent`, cut.
    pub user_agent: String,
    /// Address of the peer.
    pub address: String,
    /// Request id.
    pub request_id: String,
    /// Token of the cookie of a browser that was here before.
    pub browser: Option<SecretText>,
    /// The country of the address.
    pub whereabouts: Whereabouts,
}

/// In which country an address is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whereabouts {
    /// The installation has no file that would say.
    #[default]
    NotLookedFor,
    /// The file does not know.
    Unknown,
    /// ISO 3166 code.
    In(String),
}

/// What a log-in comes to.
#[derive(Debug)]
pub enum LogIn {
    /// A wrong pair of e-mail and password, a disabled user or an unknown tenant: the caller gives one answer for all.
    Refused,
    /// The password is right; a code is wanted with this challenge, until then.
    SecondFactor {
        /// To be sent with the code.
        challenge: ShownOnce,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Somebody is in.
    In(Box<Entered>),
}

/// Who refuses somebody who is nobody yet.
const DOOR: Principal = Principal::System("log-in");

/// A right password that waits for its code; sealed, so that nobody can make one.
#[derive(Serialize, Deserialize)]
struct Challenge {
    tenant: TenantId,
    user: UserId,
    expires_at: Timestamp,
    /// Hash of the password's hash: another password makes it worthless.
    password: String,
}

/// A log-in that was refused: whose name was used, and where from.
fn refusal(entity: EntityRef, origin: &Origin) -> Result<Entry, Error> {
    Entry::new("session.refuse", entity)
        .after(&json!({"address": origin.address, "user_agent": origin.user_agent}))
}

/// The context of whoever is nobody yet, for what is kept of their trying.
pub(crate) fn at_the_door(runtime: &Arc<Runtime>, tenant: &TenantId, origin: &Origin) -> Ctx {
    Ctx::new(runtime.tenant(tenant.clone()), DOOR, Permissions::All, Scope::All, &origin.request_id)
}

/// Logs a user in. What was refused is audited too.
///
/// # Errors
/// Too many failures from here, or the database's.
pub async fn log_in(
    runtime: &Arc<Runtime>,
    slug: &str,
    email: &str,
    secret: &SecretText,
    origin: &Origin,
) -> Result<LogIn, Error> {
    let Some((ctx, tenant, user)) = password_right(runtime, slug, email, secret, origin).await? else {
        return Ok(LogIn::Refused);
    };
    follow(runtime, &ctx, tenant, user, Shown::Here, origin).await
}

/// Who somebody was shown to, who enters without a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// To us, just now: dangerous operations are possible for a while.
    Here,
    /// To somebody else, who knows when: they ask for a proof first.
    Elsewhere,
}

/// What follows the first factor of a user: the second one, where they have one, or a session.
///
/// # Errors
/// The database's.
pub(crate) async fn follow(
    runtime: &Arc<Runtime>,
    ctx: &Ctx,
    tenant: Tenant,
    user: User,
    shown: Shown,
    origin: &Origin,
) -> Result<LogIn, Error> {
    // However somebody shows who they are.
    if !tenant.lets_in(origin) {
        return Ok(LogIn::Refused);
    }
    let mut tx = ctx.begin_read().await?;
    let wants_code = factors::has_factor(&mut tx, &user.id).await?;
    let kept = store::password_hash(&mut tx, &user.id).await?;
    tx.rollback().await?;
    if !wants_code {
        return enter(runtime, tenant, user, shown, origin).await.map(LogIn::In);
    }
    let expires_at = ctx.now().plus_millis(CHALLENGE_MS);
    let challenge =
        Challenge { tenant: tenant.id, user: user.id, expires_at, password: sessions::hash(&kept) };
    let plain = serde_json::to_vec(&challenge).map_err(Error::internal)?;
    let sealed = runtime.secrets.seal_passing(CHALLENGE, &plain)?;
    Ok(LogIn::SecondFactor { challenge: URL_SAFE_NO_PAD.encode(sealed).into(), expires_at })
}

/// The door of a tenant; `None` where there is none of this slug.
///
/// # Errors
/// The database's.
pub(crate) async fn door_of(
    runtime: &Arc<Runtime>,
    slug: &str,
    origin: &Origin,
) -> Result<Option<(Ctx, Tenant)>, Error> {
    let mut platform = runtime.platform().begin_read().await?;
    let tenant = tenancy::find_tenant(&mut platform, slug).await?;
    platform.rollback().await?;
    Ok(tenant.map(|tenant| (at_the_door(runtime, &tenant.id, origin), tenant)))
}

/// The tenant and user of a right pair of e-mail and password; `None` for any other.
///
/// # Errors
/// Too many failures from here, or the database's.
pub(crate) async fn password_right(
    runtime: &Arc<Runtime>,
    slug: &str,
    email: &str,
    secret: &SecretText,
    origin: &Origin,
) -> Result<Option<(Ctx, Tenant, User)>, Error> {
    let Some((ctx, tenant)) = door_of(runtime, slug, origin).await? else {
        password::verify(secret, None).await?;
        let (platform, now) = (runtime.platform(), runtime.clock.now());
        write_tx!(platform, tx => {
            // What was typed is not kept: it may be a password in the wrong field.
            let entry = refusal(EntityRef::new("installation", "log-in"), origin)?;
            audit::record_platform(&mut tx, &DOOR, &origin.request_id, now, entry).await
        })?;
        return Ok(None);
    };
    if !tenant.lets_in(origin) {
        // As long as another, and the same answer: nothing is said of who is there.
        password::verify(secret, None).await?;
        write_tx!(ctx, tx => {
            audit::record(&ctx, &mut tx, refusal(EntityRef::new("tenant", &tenant.id), origin)?).await
        })?;
        return Ok(None);
    }
    let email = email.trim().to_lowercase();
    let mut tx = ctx.begin_read().await?;
    let known = store::user_by_email(&mut tx, &email).await?;
    let source = match &known {
        Some(user) => {
            source(&mut tx, user, origin).await?.unwrap_or_else(|| Source::address(&origin.address))
        }
        None => Source::address(&origin.address),
    };
    let user = known.clone().filter(|user| !user.disabled);
    let kept = match &user {
        Some(user) => Some(store::password_hash(&mut tx, &user.id).await?),
        None => None,
    };
    tx.rollback().await?;
    let target = Target::password(&email);
    let counted = guard::count(&ctx, &target, &source).await?;
    let right = password::verify(secret, kept).await?;
    if let Some(user) = user.filter(|_| right) {
        guard::clear(&ctx, &target, &source).await?;
        return Ok(Some((ctx, tenant, user)));
    }
    let entity = match &known {
        Some(user) => EntityRef::new("user", &user.id),
        None => EntityRef::new("tenant", &tenant.id),
    };
    write_tx!(ctx, tx => {
        audit::record(&ctx, &mut tx, refusal(entity.clone(), origin)?).await?;
        match &known {
            Some(user) if counted.begins_to_wait() => guessing_slowed(&ctx, &mut tx, user, origin).await,
            _ => Ok(()),
        }
    })?;
    Ok(None)
}

/// Tells that guesses at a user's log-in wait from here on.
async fn guessing_slowed(
    ctx: &Ctx,
    tx: &mut atalaya_kernel::db::TenantTx,
    user: &User,
    origin: &Origin,
) -> Result<(), Error> {
    let facts = json!({"user_id": user.id, "address": origin.address});
    events::emit(ctx, tx, NewEvent::new(GUESSING_SLOWED, EntityRef::new("user", &user.id), facts)).await?;
    Ok(())
}

/// The browser that a user has been in from before, as the source of a guess.
async fn source(
    tx: &mut atalaya_kernel::db::TenantTx,
    user: &User,
    origin: &Origin,
) -> Result<Option<Source>, Error> {
    let Some(token) = &origin.browser else { return Ok(None) };
    let hash = sessions::hash(token.expose());
    Ok(store::browser_known(tx, &hash, &user.id).await?.then(|| Source::browser(&hash)))
}

/// Ends a log-in that a code was wanted for; none for a challenge that is none or too old, or a wrong code.
///
/// # Errors
/// Too many failures, or the database's.
pub async fn second_factor(
    runtime: &Arc<Runtime>,
    challenge: &SecretText,
    code: &SecretText,
    origin: &Origin,
) -> Result<Option<Box<Entered>>, Error> {
    let Some((ctx, tenant, user)) = waiting(runtime, challenge, origin).await? else { return Ok(None) };
    if !code_right(&ctx, &user, code, origin).await? {
        return Ok(None);
    }
    enter(runtime, tenant, user, Shown::Here, origin).await.map(Some)
}

/// Whose right password waits for a second factor; `None` for a challenge that is none or too old, or whose user was disabled or
/// has another password.
///
/// # Errors
/// The database's.
pub(crate) async fn waiting(
    runtime: &Arc<Runtime>,
    challenge: &SecretText,
    origin: &Origin,
) -> Result<Option<(Ctx, Tenant, User)>, Error> {
    let Some(challenge) = opened(runtime, challenge) else { return Ok(None) };
    let ctx = at_the_door(runtime, &challenge.tenant, origin);
    if ctx.now() >= challenge.expires_at {
        return Ok(None);
    }
    let mut tx = ctx.begin_read().await?;
    let user = store::user_get(&mut tx, &challenge.user).await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let kept = store::password_hash(&mut tx, &user.id).await?;
    tx.rollback().await?;
    let counts = !user.disabled && tenant.lets_in(origin) && sessions::hash(&kept) == challenge.password;
    Ok(counts.then_some((ctx, tenant, user)))
}

fn opened(runtime: &Arc<Runtime>, challenge: &SecretText) -> Option<Challenge> {
    let sealed = URL_SAFE_NO_PAD.decode(challenge.expose()).ok()?;
    let plain = runtime.secrets.open_platform(CHALLENGE, &sealed).ok()?;
    serde_json::from_slice(plain.expose()).ok()
}

/// Whether a code of a user's second factor is right; a wrong one is counted and audited.
///
/// # Errors
/// Too many failures, or the database's.
pub(crate) async fn code_right(
    ctx: &Ctx,
    user: &User,
    code: &SecretText,
    origin: &Origin,
) -> Result<bool, Error> {
    let mut tx = ctx.begin_read().await?;
    let source = source(&mut tx, user, origin).await?.unwrap_or_else(Source::anybody);
    tx.rollback().await?;
    let target = Target::factor(&user.id);
    let counted = guard::count(ctx, &target, &source).await?;
    let right = write_tx!(ctx, tx => { factors::check(ctx, &mut tx, &user.id, code).await })?;
    if right {
        guard::clear(ctx, &target, &source).await?;
        return Ok(true);
    }
    let entity = EntityRef::new("user", &user.id);
    write_tx!(ctx, tx => {
        audit::record(ctx, &mut tx, refusal(entity.clone(), origin)?).await?;
        if counted.begins_to_wait() { guessing_slowed(ctx, &mut tx, user, origin).await } else { Ok(()) }
    })?;
    Ok(false)
}

/// Makes a session of somebody who has shown who they are, and remembers the browser.
pub(crate) async fn enter(
    runtime: &Arc<Runtime>,
    tenant: Tenant,
    user: User,
    shown: Shown,
    origin: &Origin,
) -> Result<Box<Entered>, Error> {
    let (token, csrf_token) = (sessions::fresh_token(&tenant.id), random_token());
    let now = runtime.clock.now();
    let proved_at = match shown {
        Shown::Here => now,
        Shown::Elsewhere => now.plus_millis(-STEP_UP_MS),
    };
    let session_id = SessionId::new(now);
    let door = at_the_door(runtime, &tenant.id, origin);
    let mut tx = door.begin_read().await?;
    let rights = sessions::may(&mut tx, &user, &tenant).await?;
    let known = source(&mut tx, &user, origin).await?.is_some();
    tx.rollback().await?;
    let browser = match &origin.browser {
        Some(token) if known => token.expose().to_owned(),
        _ => random_token(),
    };
    let principal = sessions::person(&user);
    let ctx = Ctx::new(
        door.db().clone(),
        principal,
        rights.permissions.clone(),
        rights.scope.clone(),
        &origin.request_id,
    );
    write_tx!(ctx, tx => {
        let session = store::NewSession {
            id: &session_id,
            token_hash: &sessions::hash(&token),
            user: &user.id,
            csrf_token: &csrf_token,
            now,
            expires_at: now.plus_millis(sessions::IDLE_MS),
            proved_at,
            user_agent: &origin.user_agent,
            address: &origin.address,
        };
        store::session_insert(&mut tx, session).await?;
        store::browser_put(&mut tx, &sessions::hash(&browser), &user.id, now).await?;
        let entry = Entry::new("session.create", EntityRef::new("user", &user.id)).after(&origin.address)?;
        audit::record(&ctx, &mut tx, entry).await?;
        if !known {
            let facts = json!({"user_id": user.id, "address": origin.address, "user_agent": origin.user_agent});
            events::emit(&ctx, &mut tx, NewEvent::new(BROWSER_ADDED, EntityRef::new("user", &user.id), facts)).await?;
        }
        Ok(())
    })?;
    let logged_in = LoggedIn {
        user,
        tenant,
        permissions: rights.permissions,
        factor_missing: rights.factor_missing,
        csrf_token,
        session_id,
        proved_at,
    };
    Ok(Box::new(Entered { token: token.into(), browser: browser.into(), logged_in }))
}
