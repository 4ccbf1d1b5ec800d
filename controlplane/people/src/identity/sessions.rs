//! Log-in, and who a cookie belongs to.

use super::{LoggedIn, SessionInfo, User, password, service, store};
use crate::{access, tenancy};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{SessionId, UserId},
    page::Page,
    runtime::Runtime,
    secrets::{SecretText, random_token},
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Name of the cookie.
pub const SESSION_COOKIE: &str = "atalaya_session";
/// A session ends after so long without a request.
const IDLE_MS: i64 = 12 * 3_600_000;
/// A session is written to at most this often.
const TOUCH_MS: i64 = 60_000;

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Where a log-in came from, for the list of sessions and the audit row.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// `User-Agent`, cut.
    pub user_agent: String,
    /// Address of the peer.
    pub address: String,
    /// Request id.
    pub request_id: String,
}

/// Logs a user in; the cookie's token and whose it is. `None` for a wrong pair of e-mail and password, a disabled user
/// or an unknown tenant: the caller gives one answer for all. What was refused is audited too.
///
/// # Errors
/// The database's.
pub async fn log_in(
    runtime: &Arc<Runtime>,
    slug: &str,
    email: &str,
    secret: &SecretText,
    origin: &Origin,
) -> Result<Option<(String, LoggedIn)>, Error> {
    let mut platform = runtime.platform().begin_read().await?;
    let tenant = tenancy::find_tenant(&mut platform, slug).await?;
    platform.rollback().await?;
    let Some(tenant) = tenant else {
        password::verify(secret, None).await?;
        let (platform, now) = (runtime.platform(), runtime.clock.now());
        write_tx!(platform, tx => {
            // What was typed is not kept: it may be a password in the wrong field.
            let entry = refusal(EntityRef::new("installation", "log-in"), origin)?;
            audit::record_platform(&mut tx, &DOOR, &origin.request_id, now, entry).await
        })?;
        return Ok(None);
    };
    let ctx =
        Ctx::new(runtime.tenant(tenant.id.clone()), DOOR, Permissions::All, Scope::All, &origin.request_id);
    let mut tx = ctx.begin_read().await?;
    let known = store::user_by_email(&mut tx, &email.trim().to_lowercase()).await?;
    let user = known.clone().filter(|user| !user.disabled);
    let hash_kept = match &user {
        Some(user) => Some(store::password_hash(&mut tx, &user.id).await?),
        None => None,
    };
    tx.rollback().await?;
    let right = password::verify(secret, hash_kept).await?;
    let Some(user) = user.filter(|_| right) else {
        let entity = match &known {
            Some(user) => EntityRef::new("user", &user.id),
            None => EntityRef::new("tenant", &tenant.id),
        };
        write_tx!(ctx, tx => { audit::record(&ctx, &mut tx, refusal(entity.clone(), origin)?).await })?;
        return Ok(None);
    };
    let (token, csrf_token) = (random_token(), random_token());
    let token_hash = hash(&token);
    let now = runtime.clock.now();
    let session_id = SessionId::new(now);
    let mut tx = ctx.begin_read().await?;
    let (permissions, scope) = may(&mut tx, &user).await?;
    tx.rollback().await?;
    let ctx = Ctx::new(ctx.db().clone(), person(&user), permissions.clone(), scope, &origin.request_id);
    write_tx!(ctx, tx => {
        let session = store::NewSession {
            id: &session_id,
            token_hash: &token_hash,
            user: &user.id,
            csrf_token: &csrf_token,
            now,
            expires_at: now.plus_millis(IDLE_MS),
            user_agent: &origin.user_agent,
            address: &origin.address,
        };
        store::session_insert(&mut tx, session).await?;
        let entry = Entry::new("session.create", EntityRef::new("user", &user.id)).after(&origin.address)?;
        audit::record(&ctx, &mut tx, entry).await
    })?;
    Ok(Some((token, LoggedIn { user, tenant, permissions, csrf_token, session_id, proved_at: now })))
}

/// What a user may do, and where.
async fn may(tx: &mut TenantTx, user: &User) -> Result<(Permissions, Scope), Error> {
    Ok((access::rights_of(tx, &user.roles).await?, user.scope.spread(tx).await?))
}

fn person(user: &User) -> Principal {
    Principal::User { id: user.id.clone(), name: user.name.clone() }
}

/// Who refuses somebody who is nobody yet.
const DOOR: Principal = Principal::System("log-in");

/// A log-in that was refused: whose name was used, and where from.
fn refusal(entity: EntityRef, origin: &Origin) -> Result<Entry, Error> {
    Entry::new("session.refuse", entity)
        .after(&json!({"address": origin.address, "user_agent": origin.user_agent}))
}

/// The context and session of a cookie's token; `None` when it is unknown, ended or its user disabled.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    runtime: &Arc<Runtime>,
    token: &str,
    request_id: &str,
) -> Result<Option<(Ctx, LoggedIn)>, Error> {
    let token_hash = hash(token);
    let now = runtime.clock.now();
    let mut platform = runtime.platform().begin_read().await?;
    let session = store::session_find(&mut platform, &token_hash).await?;
    platform.rollback().await?;
    let Some(session) = session.filter(|session| now < session.expires_at) else { return Ok(None) };
    let system = Ctx::system(runtime.tenant(session.tenant_id.clone()), "session");
    let mut tx = system.begin_read().await?;
    let user = store::user_get(&mut tx, &session.user_id).await?;
    let tenant = tenancy::settings(&mut tx).await?;
    // With every request, so that another role or scope holds at once.
    let (permissions, scope) = may(&mut tx, &user).await?;
    tx.rollback().await?;
    if user.disabled {
        return Ok(None);
    }
    if is_stale(session.last_seen_at, now) {
        write_tx!(system, tx => { Ok(store::session_touch(&mut tx, &token_hash, now, now.plus_millis(IDLE_MS)).await?) })?;
    }
    let db = runtime.tenant(session.tenant_id);
    let ctx =
        Ctx::new(db, person(&user), permissions.clone(), scope, request_id).proved_at(session.proved_at);
    let logged_in = LoggedIn {
        user,
        tenant,
        permissions,
        csrf_token: session.csrf_token,
        session_id: session.id,
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

/// Whoever asks has no session: a key, or a token of a program.
pub(crate) fn not_a_session() -> Error {
    Error::conflict("not_a_person", "only a person who is logged in has this")
}

/// Takes the password of whoever is logged in as a fresh proof of who they are: the session's new token, or none when it is
/// wrong. What was refused is audited too.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn step_up(ctx: &Ctx, session: &SessionId, secret: &SecretText) -> Result<Option<String>, Error> {
    let user = own_id(ctx)?;
    let mut tx = ctx.begin_read().await?;
    let kept = store::password_hash(&mut tx, user).await?;
    tx.rollback().await?;
    let right = password::verify(secret, Some(kept)).await?;
    if !right {
        let entry = Entry::new("session.step_up_refuse", EntityRef::new("user", user));
        write_tx!(ctx, tx => { audit::record(ctx, &mut tx, entry.clone()).await })?;
        return Ok(None);
    }
    let token = random_token();
    write_tx!(ctx, tx => {
        prove(ctx, &mut tx, session, &token).await?;
        audit::record(ctx, &mut tx, Entry::new("session.step_up", EntityRef::new("user", user))).await
    })?;
    Ok(Some(token))
}

/// Gives a session its next token, in the transaction of the proof.
pub(crate) async fn prove(
    ctx: &Ctx,
    tx: &mut TenantTx,
    session: &SessionId,
    token: &str,
) -> Result<(), Error> {
    if store::session_prove(tx, session, &hash(token), ctx.now()).await? {
        Ok(())
    } else {
        // It ended meanwhile.
        Err(Error::Unauthenticated)
    }
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
