//! One refresh token gives the next pair.

use super::{
    RETRY_MS, REUSED, REVOKED, TokenFamily, TokenPair, keyring,
    model::Kept,
    service::{Fresh, end, pair, refresh_until},
    store,
};
use crate::{
    identity::{self, Origin, User, guard::Source, token_hash},
    tenancy,
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::TenantId,
    runtime::Runtime,
    secrets::SecretText,
    write_tx,
};
use serde_json::json;
use std::sync::Arc;

/// What a refresh token turned out to be.
enum Turn {
    /// It gave the next one.
    Next(Box<TokenFamily>, Box<User>),
    /// It ended, or its family or user did; or it was in two hands, and its family ended now.
    Over,
}

/// Where a token is used from: a retry comes from there too.
fn place(origin: &Origin) -> String {
    token_hash(&format!("{}\n{}", Source::address(&origin.address).as_str(), origin.user_agent))
}

/// The context at the door of the tenant that a refresh token belongs to; `None` when it is unknown, or the host that was asked
/// is another tenant's.
async fn owner(
    runtime: &Arc<Runtime>,
    hash: &str,
    here: Option<&TenantId>,
    origin: &Origin,
) -> Result<Option<Ctx>, Error> {
    let mut platform = runtime.platform().begin_read().await?;
    let tenant = store::refresh_tenant(&mut platform, hash).await?;
    platform.rollback().await?;
    let tenant = tenant.filter(|tenant| here.is_none_or(|here| here == tenant));
    Ok(tenant.map(|tenant| identity::at_the_door(runtime, &tenant, origin)))
}

/// The family of a refresh token, held until the transaction ends, and its user.
async fn held(tx: &mut TenantTx, hash: &str) -> Result<(Kept, User), Error> {
    let id = store::refresh_get(tx, hash).await?.family_id;
    store::family_hold(tx, &id).await?;
    let kept = store::family_find(tx, &id).await?.ok_or(Error::NotFound)?;
    let user = identity::user_row(tx, &kept.user_id).await?;
    Ok((kept, user))
}

/// The next tokens for a refresh token; `None` when it is unknown, ended or revoked. One that two have ends its family.
///
/// # Errors
/// The database's.
pub async fn refresh(
    runtime: &Arc<Runtime>,
    presented: &SecretText,
    here: Option<&TenantId>,
    origin: &Origin,
) -> Result<Option<TokenPair>, Error> {
    let hash = token_hash(presented.expose());
    let Some(door) = owner(runtime, &hash, here, origin).await? else { return Ok(None) };
    let tenant = tenancy::tenant_get(&door).await?;
    if !tenant.lets_in(origin) {
        return Ok(None);
    }
    // Before the token is spent: what fails here costs nothing.
    let signing = keyring::signing(runtime).await?;
    let next = Fresh::new();
    let turn = write_tx!(door, tx => { turn(&door, &mut tx, &hash, &next.hash, origin).await })?;
    match turn {
        Turn::Over => Ok(None),
        Turn::Next(family, user) => {
            pair(&signing, door.tenant(), &user.id, &family, next, door.now()).map(Some)
        }
    }
}

async fn turn(door: &Ctx, tx: &mut TenantTx, hash: &str, next: &str, origin: &Origin) -> Result<Turn, Error> {
    let now = door.now();
    let (kept, user) = held(tx, hash).await?;
    // Read while the family is held: another process may have taken it a moment ago.
    let token = store::refresh_get(tx, hash).await?;
    if !kept.is_alive(now) || now >= token.expires_at || user.disabled {
        return Ok(Turn::Over);
    }
    let family = kept.family;
    let from = place(origin);
    match token.spent_at {
        None => store::refresh_spend(tx, hash, &from, now).await?,
        Some(spent_at) => {
            let may_be_lost = now < spent_at.plus_millis(RETRY_MS) && token.spent_from == from;
            if !(may_be_lost && store::successor_void(tx, hash, now).await?) {
                end(door, tx, &user.id, &family, ("token.reuse", REUSED), &origin.address).await?;
                return Ok(Turn::Over);
            }
        }
    }
    store::refresh_forget(tx, &family.id, now).await?;
    store::refresh_insert(tx, next, &family.id, Some(hash), now, refresh_until(&family, now)).await?;
    store::family_touch(tx, &family.id, origin, now).await?;
    let ctx = as_person(door, &user, origin);
    let facts = json!({"address": origin.address, "user_agent": origin.user_agent, "again": token.spent_at.is_some()});
    let entry = Entry::new("token.refresh", EntityRef::new("token_family", &family.id)).after(&facts)?;
    audit::record(&ctx, tx, entry).await?;
    Ok(Turn::Next(Box::new(family), Box::new(user)))
}

/// The same request as the person whose token it showed.
fn as_person(door: &Ctx, user: &User, origin: &Origin) -> Ctx {
    let (permissions, scope) = (door.permissions().clone(), door.scope().clone());
    Ctx::new(door.db().clone(), identity::person(user), permissions, scope, &origin.request_id)
}

/// Ends the family of a refresh token, for a program that is done. An unknown or ended one is as good as revoked (RFC 7009).
///
/// # Errors
/// The database's.
pub async fn revoke(
    runtime: &Arc<Runtime>,
    presented: &SecretText,
    here: Option<&TenantId>,
    origin: &Origin,
) -> Result<(), Error> {
    let hash = token_hash(presented.expose());
    let Some(door) = owner(runtime, &hash, here, origin).await? else { return Ok(()) };
    write_tx!(door, tx => {
        let (kept, user) = held(&mut tx, &hash).await?;
        if !kept.is_alive(door.now()) {
            return Ok(());
        }
        let ctx = as_person(&door, &user, origin);
        end(&ctx, &mut tx, &user.id, &kept.family, ("token.revoke", REVOKED), &origin.address).await
    })
}
