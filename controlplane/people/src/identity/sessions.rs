//! Log-in, and who a cookie belongs to.

use super::{LoggedIn, User, password, permissions_of, store};
use crate::tenancy;
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    audit::{self, Entry},
    events::EntityRef,
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
    let ctx = context(runtime, &tenant, &user, &origin.request_id);
    write_tx!(ctx, tx => {
        let session = store::NewSession {
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
    Ok(Some((token, LoggedIn { user, tenant, csrf_token })))
}

/// Who refuses somebody who is nobody yet.
const DOOR: Principal = Principal::System("log-in");

/// A log-in that was refused: whose name was used, and where from.
fn refusal(entity: EntityRef, origin: &Origin) -> Result<Entry, Error> {
    Entry::new("session.refuse", entity)
        .after(&json!({"address": origin.address, "user_agent": origin.user_agent}))
}

fn context(runtime: &Arc<Runtime>, tenant: &tenancy::Tenant, user: &User, request_id: &str) -> Ctx {
    let principal = Principal::User { id: user.id.clone(), name: user.name.clone() };
    Ctx::new(runtime.tenant(tenant.id.clone()), principal, permissions_of(user.role), Scope::All, request_id)
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
    tx.rollback().await?;
    if user.disabled {
        return Ok(None);
    }
    if is_stale(session.last_seen_at, now) {
        write_tx!(system, tx => { Ok(store::session_touch(&mut tx, &token_hash, now, now.plus_millis(IDLE_MS)).await?) })?;
    }
    let ctx = context(runtime, &tenant, &user, request_id);
    Ok(Some((ctx, LoggedIn { user, tenant, csrf_token: session.csrf_token })))
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
        let (kind, id, _) = ctx.principal().parts();
        audit::record(ctx, &mut tx, Entry::new("session.delete", EntityRef::new(kind, id))).await
    })
}
