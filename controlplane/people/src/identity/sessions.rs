//! Who a cookie belongs to, and what people do with their own sessions.

use super::{
    LoggedIn, Origin, SessionInfo, User,
    guard::{self, Source, Target},
    login, password, service, store,
};
use crate::{
    access, factors,
    passkeys::{self, PasskeyAnswer, Site},
    tenancy::{Tenant, TenantState},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{SessionId, TenantId, UserId},
    page::Page,
    runtime::Runtime,
    secrets::{SecretText, random_token},
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, sync::Arc};

/// Name of the cookie.
pub const SESSION_COOKIE: &str = "atalaya_session";
/// A session ends after so long without a request.
pub(super) const IDLE_MS: i64 = 12 * 3_600_000;
/// A session is written to at most this often.
const TOUCH_MS: i64 = 60_000;

/// How a token of ours is kept: 256 random bits need no salt and no slow hash.
pub(crate) fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// The next token of a session. It names the tenant, so that one statement within it finds session, user and settings.
pub(super) fn fresh_token(tenant: &TenantId) -> String {
    format!("{tenant}.{}", random_token())
}

/// The tenant that a cookie's token names. Whether it is the one of a session is seen by looking there.
fn tenant_of(token: &str) -> Option<TenantId> {
    token.split_once('.').and_then(|(tenant, _)| tenant.parse().ok())
}

/// What somebody may do, and where.
pub(crate) struct Rights {
    pub(crate) permissions: Permissions,
    pub(crate) scope: Scope,
    /// A role demands a second factor, and there is none: then nothing is permitted.
    pub(crate) factor_missing: bool,
}

/// What a user may do, and where.
pub(crate) async fn may(tx: &mut TenantTx, user: &User, tenant: &Tenant) -> Result<Rights, Error> {
    let scope = user.scope.spread(tx).await?;
    let factor_missing = factors::is_demanded(user, tenant) && !factors::has_factor(tx, &user.id).await?;
    let permissions = if factor_missing {
        Permissions::These(BTreeSet::new())
    } else {
        access::rights_of(tx, &user.roles).await?
    };
    Ok(Rights { permissions, scope, factor_missing })
}

/// A user, as whoever acts.
pub(crate) fn person(user: &User) -> Principal {
    Principal::User { id: user.id.clone(), name: user.name.clone() }
}

/// The context and session of a cookie's token; `None` when it is unknown, ended or its user disabled.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    runtime: &Arc<Runtime>,
    token: &str,
    origin: &Origin,
) -> Result<Option<(Ctx, LoggedIn)>, Error> {
    let Some(tenant_id) = tenant_of(token) else { return Ok(None) };
    let token_hash = hash(token);
    let now = runtime.clock.now();
    let system = Ctx::system(runtime.tenant(tenant_id), "session");
    let mut tx = system.begin_read().await?;
    let found = store::session_find(&mut tx, &token_hash, now).await?;
    let Some((session, user, tenant)) = found else { return Ok(None) };
    // With every request, so that another role or scope holds at once.
    let rights = may(&mut tx, &user, &tenant).await?;
    tx.rollback().await?;
    if user.disabled || !tenant.lets_in(origin) {
        return Ok(None);
    }
    if is_stale(session.last_seen_at, now) {
        write_tx!(system, tx => { Ok(store::session_touch(&mut tx, &token_hash, now, now.plus_millis(IDLE_MS)).await?) })?;
    }
    let ctx = Ctx::new(
        system.db().clone(),
        person(&user),
        rights.permissions.clone(),
        rights.scope,
        &origin.request_id,
    )
    .proved_at(session.proved_at)
    .read_only(tenant.state == TenantState::ReadOnly);
    let logged_in = LoggedIn {
        user,
        tenant,
        permissions: rights.permissions,
        factor_missing: rights.factor_missing,
        csrf_token: session.csrf_token,
        session_id: session.session_id,
        proved_at: session.proved_at,
    };
    Ok(Some((ctx, logged_in)))
}

fn is_stale(last_seen: Timestamp, now: Timestamp) -> bool {
    now >= last_seen.plus_millis(TOUCH_MS)
}

/// Ends the session of a token.
///
/// # Errors
/// The database's.
pub async fn log_out(ctx: &Ctx, token: &str) -> Result<(), Error> {
    let token_hash = hash(token);
    write_tx!(ctx, tx => {
        store::session_delete(&mut tx, &token_hash).await?;
        let user = own_id(ctx)?;
        service::sessions_ended(ctx, &mut tx, user).await?;
        audit::record(ctx, &mut tx, Entry::new("session.delete", EntityRef::new("user", user))).await
    })
}

/// The user behind a context; a key and the control plane itself have no sessions.
pub(crate) fn own_id(ctx: &Ctx) -> Result<&UserId, Error> {
    match ctx.principal() {
        Principal::User { id, .. } => Ok(id),
        _ => Err(not_a_session()),
    }
}

/// Whoever asks has no session: a key of a program.
pub(crate) fn not_a_session() -> Error {
    Error::conflict("not_a_person", "only a person who is logged in has this")
}

/// What somebody shows of who they are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Their password.
    Password(SecretText),
    /// A code of their second factor.
    Code(SecretText),
    /// A passkey, for a site.
    Passkey(Box<(PasskeyAnswer, Site)>),
}

/// Takes a fresh proof of who is logged in: the session's new token, or none when it is wrong. What was refused is audited
/// too.
///
/// # Errors
/// Too many failures, `not_a_person`, or the database's.
pub async fn step_up(
    ctx: &Ctx,
    session: &LoggedIn,
    proof: &Proof,
    origin: &Origin,
) -> Result<Option<String>, Error> {
    let user = own_id(ctx)?;
    let right = match proof {
        Proof::Password(secret) => own_password_right(ctx, session, secret).await?,
        Proof::Code(code) => login::code_right(ctx, &session.user, code, origin).await?,
        Proof::Passkey(shown) => passkeys::proved(ctx, user, &shown.0, &shown.1, origin).await?,
    };
    if !right {
        return Ok(None);
    }
    let token = fresh_token(ctx.tenant());
    write_tx!(ctx, tx => {
        prove(ctx, &mut tx, &session.session_id, &token).await?;
        audit::record(ctx, &mut tx, Entry::new("session.step_up", EntityRef::new("user", user))).await
    })?;
    Ok(Some(token))
}

/// Whether a password is the one of whoever is logged in. A session's failures count for it alone.
async fn own_password_right(ctx: &Ctx, session: &LoggedIn, secret: &SecretText) -> Result<bool, Error> {
    let user = &session.user;
    let (target, source) = (Target::password(&user.email), Source::session(&session.session_id));
    let mut tx = ctx.begin_read().await?;
    let kept = store::password_hash(&mut tx, &user.id).await?;
    tx.rollback().await?;
    guard::count(ctx, &target, &source).await?;
    if password::verify(secret, Some(kept)).await? {
        guard::clear(ctx, &target, &source).await?;
        return Ok(true);
    }
    let entry = Entry::new("session.step_up_refuse", EntityRef::new("user", &user.id));
    write_tx!(ctx, tx => { audit::record(ctx, &mut tx, entry.clone()).await })?;
    Ok(false)
}

/// Gives a session its next token, in the transaction of the proof.
async fn prove(ctx: &Ctx, tx: &mut TenantTx, session: &SessionId, token: &str) -> Result<(), Error> {
    if store::session_prove(tx, session, &hash(token), ctx.now()).await? {
        Ok(())
    } else {
        // It ended meanwhile.
        Err(Error::Unauthenticated)
    }
}

/// Changes the password of whoever is logged in, who shows the old one: the session's new token, or none when the old one is
/// wrong. Every other session of theirs ends.
///
/// # Errors
/// A password too short or too long, too many failures, `not_a_person`, or the database's.
pub async fn password_change(
    ctx: &Ctx,
    session: &LoggedIn,
    old: &SecretText,
    new: &SecretText,
) -> Result<Option<String>, Error> {
    own_id(ctx)?;
    let mut validation = Validation::new();
    password::check(&mut validation, new);
    validation.finish()?;
    if !own_password_right(ctx, session, old).await? {
        return Ok(None);
    }
    let kept = password::hash(new).await?;
    let token = fresh_token(ctx.tenant());
    write_tx!(ctx, tx => {
        let user = store::user_get(&mut tx, &session.user.id).await?;
        service::password_replace(ctx, &mut tx, &user, &kept, Some(&session.session_id)).await?;
        prove(ctx, &mut tx, &session.session_id, &token).await
    })?;
    Ok(Some(token))
}

/// The caller's sessions, the last used first.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn sessions_list(ctx: &Ctx, current: &SessionId) -> Result<Page<SessionInfo>, Error> {
    let user = own_id(ctx)?;
    let mut items = store::sessions_of(&mut ctx.begin_read().await?, user, ctx.now()).await?;
    for session in &mut items {
        session.current = session.id == *current;
    }
    Ok(Page { items, next_cursor: None })
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// Not found among the caller's, or `not_a_person`.
pub async fn session_revoke(ctx: &Ctx, id: &SessionId) -> Result<(), Error> {
    let user = own_id(ctx)?;
    write_tx!(ctx, tx => {
        if !store::session_delete_of(&mut tx, user, id).await? {
            return Err(Error::NotFound);
        }
        service::sessions_ended(ctx, &mut tx, user).await?;
        let entry = Entry::new("session.revoke", EntityRef::new("user", user)).before(id)?;
        audit::record(ctx, &mut tx, entry).await
    })
}

/// Ends every session of the caller but the one that asks.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn sessions_revoke_others(ctx: &Ctx, current: &SessionId) -> Result<(), Error> {
    let user = own_id(ctx)?;
    write_tx!(ctx, tx => {
        let ended = store::sessions_delete(&mut tx, user, Some(current)).await?;
        if ended > 0 {
            service::sessions_ended(ctx, &mut tx, user).await?;
        }
        let entry = Entry::new("session.revoke_others", EntityRef::new("user", user)).after(&json!({"ended": ended}))?;
        audit::record(ctx, &mut tx, entry).await
    })
}
