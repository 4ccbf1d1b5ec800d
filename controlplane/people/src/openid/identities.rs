//! Whose log-in an account at a provider may open: allowed by the user, or by somebody who may change them.

use super::{IDENTITY, Identity, IdentityState, NewIdentity, store};
use crate::identity::{self, User};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::{IdentityId, IdentityProviderId, UserId},
    page::Page,
    time::Timestamp,
    write_tx,
};
use serde_json::json;

/// How long an account may be linked after it was allowed, ms.
const ALLOWED_MS: i64 = 7 * 24 * 3_600_000;
/// Identities of a user.
const MAX_IDENTITIES: usize = 10;

pub(super) fn state(row: &store::IdentityRow, now: Timestamp) -> IdentityState {
    if row.subject.is_some() {
        IdentityState::Linked
    } else if now < row.allowed_until {
        IdentityState::Allowed
    } else {
        IdentityState::Expired
    }
}

fn shown(row: store::IdentityRow, now: Timestamp) -> Identity {
    Identity {
        state: state(&row, now),
        id: row.id,
        provider_id: row.provider_id,
        provider_name: row.provider_name,
        email: row.email,
        allowed_until: row.allowed_until,
        created_at: row.created_at,
        linked_at: row.linked_at,
        last_used_at: row.last_used_at,
    }
}

async fn list(ctx: &Ctx, user: &UserId) -> Result<Page<Identity>, Error> {
    let rows = store::identities_of(&mut ctx.begin_read().await?, user).await?;
    let items = rows.into_iter().map(|row| shown(row, ctx.now())).collect();
    Ok(Page { items, next_cursor: None })
}

/// The caller's identities, oldest first.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn own_identities(ctx: &Ctx) -> Result<Page<Identity>, Error> {
    list(ctx, identity::own_id(ctx)?).await
}

/// Identities of a user, oldest first.
///
/// # Errors
/// Not found, or without `user.read`.
pub async fn identities_of(ctx: &Ctx, user: &UserId) -> Result<Page<Identity>, Error> {
    ctx.authorize_whole(identity::READ)?;
    identity::user_row(&mut ctx.begin_read().await?, user).await?;
    list(ctx, user).await
}

/// Allows the first account with the caller's verified e-mail to be linked with their log-in.
///
/// # Errors
/// A provider that is not there, `identity_allowed`, `too_many_identities`, `not_a_person`, or without a fresh proof.
pub async fn own_identity_allow(ctx: &Ctx, new: &NewIdentity) -> Result<Identity, Error> {
    ctx.demand_proof()?;
    let user = identity::own_id(ctx)?;
    write_tx!(ctx, tx => {
        let user = identity::user_row(&mut tx, user).await?;
        allow(ctx, &mut tx, &user, &new.provider_id).await
    })
}

/// The same, for a user.
///
/// # Errors
/// Not found, a provider that is not there, `identity_allowed`, `too_many_identities`, somebody who holds more than the caller,
/// or without `user.write`.
pub async fn identity_allow(ctx: &Ctx, user: &UserId, new: &NewIdentity) -> Result<Identity, Error> {
    ctx.authorize_whole(identity::WRITE)?;
    write_tx!(ctx, tx => {
        let user = identity::user_row(&mut tx, user).await?;
        identity::may_change(ctx, &mut tx, &user).await?;
        allow(ctx, &mut tx, &user, &new.provider_id).await
    })
}

async fn allow(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user: &User,
    provider: &IdentityProviderId,
) -> Result<Identity, Error> {
    let provider = store::provider_row(tx, provider).await.map_err(|error| match Error::from(error) {
        Error::NotFound => Error::invalid("/provider_id", "unknown", "there is no such identity provider"),
        error => error,
    })?;
    let now = ctx.now();
    let rows = store::identities_of(tx, &user.id).await?;
    let waits = |row: &&store::IdentityRow| {
        row.provider_id == provider.id && state(row, now) == IdentityState::Allowed
    };
    if rows.iter().find(waits).is_some_and(|row| row.email == user.email) {
        return Err(Error::conflict("identity_allowed", "one is allowed already, and waits for its account"));
    }
    if rows.len() >= MAX_IDENTITIES {
        return Err(Error::conflict("too_many_identities", "remove one that is not used"));
    }
    let row = store::IdentityRow {
        id: IdentityId::new(now),
        user_id: user.id.clone(),
        provider_id: provider.id,
        provider_name: provider.name,
        email: user.email.clone(),
        subject: None,
        allowed_until: now.plus_millis(ALLOWED_MS),
        created_at: now,
        linked_at: None,
        last_used_at: None,
    };
    store::identity_insert(tx, &row).await?;
    tell(ctx, tx, &row, "allowed").await?;
    let identity = shown(row, now);
    let entry = Entry::new("identity.allow", EntityRef::new("user", &user.id)).after(&identity)?;
    audit::record(ctx, tx, entry).await?;
    Ok(identity)
}

/// Removes one of the caller's identities.
///
/// # Errors
/// Not found among the caller's, `not_a_person`, or without a fresh proof.
pub async fn own_identity_remove(ctx: &Ctx, id: &IdentityId) -> Result<(), Error> {
    ctx.demand_proof()?;
    let user = identity::own_id(ctx)?;
    write_tx!(ctx, tx => { remove(ctx, &mut tx, user, id).await })
}

/// Removes an identity of a user.
///
/// # Errors
/// Not found among the user's, somebody who holds more than the caller, or without `user.write`.
pub async fn identity_remove(ctx: &Ctx, user: &UserId, id: &IdentityId) -> Result<(), Error> {
    ctx.authorize_whole(identity::WRITE)?;
    write_tx!(ctx, tx => {
        let user = identity::user_row(&mut tx, user).await?;
        identity::may_change(ctx, &mut tx, &user).await?;
        remove(ctx, &mut tx, &user.id, id).await
    })
}

async fn remove(ctx: &Ctx, tx: &mut TenantTx, user: &UserId, id: &IdentityId) -> Result<(), Error> {
    let rows = store::identities_of(tx, user).await?;
    let row = rows.into_iter().find(|row| row.id == *id).ok_or(Error::NotFound)?;
    store::identity_delete(tx, id).await?;
    tell(ctx, tx, &row, "removed").await?;
    let entry = Entry::new("identity.remove", EntityRef::new("user", user)).before(&shown(row, ctx.now()))?;
    audit::record(ctx, tx, entry).await
}

/// Publishes that a user's identities are others than before.
pub(super) async fn tell(
    ctx: &Ctx,
    tx: &mut TenantTx,
    row: &store::IdentityRow,
    change: &str,
) -> Result<(), Error> {
    let facts = json!({
        "user_id": row.user_id, "provider_id": row.provider_id, "provider_name": row.provider_name, "change": change,
    });
    events::emit(ctx, tx, NewEvent::new(IDENTITY, EntityRef::new("user", &row.user_id), facts)).await?;
    Ok(())
}
