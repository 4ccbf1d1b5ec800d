use super::{
    NewPushSubscription, PushKey, PushOffer, PushSubscription,
    encryption::{AUTH, decoded, is_point},
    key,
    model::Receiver,
    store::{self, SubscriptionRow},
};
use crate::identity;
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{PushSubscriptionId, UserId},
    page::Page,
    write_tx,
};
use sha2::{Digest, Sha256};
use std::fmt::Display;

/// Browsers that a user may have.
const MAX_BROWSERS: usize = 10;
/// Longest address that is taken, bytes; those of the push services of today have about 200.
const MAX_ENDPOINT: usize = 1_000;

/// Context under which a browser's address and keys are sealed.
pub(crate) fn receiver_context(id: impl Display) -> String {
    format!("push/{id}/receiver")
}

fn off() -> Error {
    Error::conflict("push_off", "this installation pushes nothing: [push] of its configuration")
}

/// What a browser is told to subscribe with.
///
/// # Errors
/// `push_off`, `not_a_person`, or the database's.
pub async fn public_key(ctx: &Ctx, offer: Option<&PushOffer>) -> Result<PushKey, Error> {
    identity::own_id(ctx)?;
    offer.ok_or_else(off)?;
    let pair = key::identity(ctx.db().runtime()).await?;
    Ok(PushKey { public_key: pair.public_key() })
}

/// What was given, if a message could be encrypted for it and sent there.
fn checked(new: &NewPushSubscription, offer: &PushOffer) -> Result<(String, Receiver), Error> {
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 80);
    let endpoint = new.endpoint.expose();
    validation.check(endpoint.len() <= MAX_ENDPOINT, "/endpoint", "too_long", "longer than an address is");
    if let Err(error) = offer.web.check(endpoint) {
        validation.check(false, "/endpoint", "not_allowed", error.to_string());
    }
    let public_key = decoded(&new.p256dh).filter(|bytes| is_point(bytes));
    validation.check(public_key.is_some(), "/p256dh", "malformed", "expected a point on P-256, base64url");
    let auth = decoded(new.auth.expose()).is_some_and(|bytes| bytes.len() == AUTH);
    validation.check(auth, "/auth", "malformed", "expected 16 bytes, base64url");
    validation.finish()?;
    let public_key = public_key.unwrap_or_default();
    Ok((name, Receiver { endpoint: new.endpoint.clone(), public_key, auth: new.auth.clone() }))
}

/// Switches a browser on for the caller. One that is known is what it says now; one that was another user's is theirs no more.
///
/// # Errors
/// Wrong fields, `push_off`, `too_many_browsers`, or `not_a_person`.
pub async fn subscription_create(
    ctx: &Ctx,
    offer: Option<&PushOffer>,
    new: &NewPushSubscription,
) -> Result<PushSubscription, Error> {
    let user = identity::own_id(ctx)?;
    let offer = offer.ok_or_else(off)?;
    let (name, receiver) = checked(new, offer)?;
    let endpoint_hash = hex::encode(Sha256::digest(receiver.endpoint.expose()));
    let (now, bytes) = (ctx.now(), receiver.to_bytes()?);
    write_tx!(ctx, tx => {
        let known = store::subscription_at(&mut tx, &endpoint_hash).await?;
        let (known, foreign) = match known {
            Some(row) if row.user_id == *user => (Some(row), None),
            other => (None, other),
        };
        if let Some(row) = foreign {
            remove(ctx, &mut tx, &row).await?;
        }
        if known.is_none() && store::subscriptions_of(&mut tx, user).await?.len() >= MAX_BROWSERS {
            return Err(Error::conflict("too_many_browsers", "remove one that is not used"));
        }
        let id = known.as_ref().map_or_else(|| PushSubscriptionId::new(now), |row| row.id.clone());
        let runtime = tx.runtime().clone();
        let sealed_receiver = runtime.secrets.seal(&mut tx, &receiver_context(&id), bytes.expose()).await?;
        let row = SubscriptionRow {
            id,
            user_id: user.clone(),
            name: name.clone(),
            endpoint_hash: endpoint_hash.clone(),
            sealed_receiver,
            created_at: known.as_ref().map_or(now, |row| row.created_at),
            last_used_at: known.as_ref().and_then(|row| row.last_used_at),
        };
        store::subscription_put(&mut tx, &row).await?;
        let entry = Entry::new("push.subscribe", EntityRef::new("push_subscription", &row.id));
        let entry = match &known {
            Some(before) => entry.before(&before.shown())?,
            None => entry,
        };
        audit::record(ctx, &mut tx, entry.after(&row.shown())?).await?;
        Ok(row.shown())
    })
}

/// The caller's browsers, oldest first.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn subscriptions_list(ctx: &Ctx) -> Result<Page<PushSubscription>, Error> {
    let user = identity::own_id(ctx)?;
    let rows = store::subscriptions_of(&mut ctx.begin_read().await?, user).await?;
    Ok(Page { items: rows.iter().map(SubscriptionRow::shown).collect(), next_cursor: None })
}

/// Switches one of the caller's browsers off.
///
/// # Errors
/// Not found among the caller's, or `not_a_person`.
pub async fn subscription_delete(ctx: &Ctx, id: &PushSubscriptionId) -> Result<(), Error> {
    let user = identity::own_id(ctx)?;
    write_tx!(ctx, tx => {
        let row = store::subscription_get(&mut tx, id).await?;
        let row = row.filter(|row| row.user_id == *user).ok_or(Error::NotFound)?;
        remove(ctx, &mut tx, &row).await
    })
}

/// Removes a browser, and says so.
pub(super) async fn remove(ctx: &Ctx, tx: &mut TenantTx, row: &SubscriptionRow) -> Result<(), Error> {
    store::subscription_delete(tx, &row.id).await?;
    let entry = Entry::new("push.unsubscribe", EntityRef::new("push_subscription", &row.id));
    audit::record(ctx, tx, entry.before(&row.shown())?).await
}

/// Browsers that a user switched on.
pub(crate) async fn recipients(tx: &mut TenantTx, user: &UserId) -> Result<Vec<PushSubscriptionId>, Error> {
    Ok(store::subscriptions_of(tx, user).await?.into_iter().map(|row| row.id).collect())
}

/// A browser and how it is reached; none when it was removed.
pub(crate) async fn subscription_row(
    tx: &mut TenantTx,
    id: &PushSubscriptionId,
) -> Result<Option<(PushSubscription, Receiver)>, Error> {
    let Some(row) = store::subscription_get(tx, id).await? else { return Ok(None) };
    let runtime = tx.runtime().clone();
    let opened = runtime.secrets.open(tx, &receiver_context(id), &row.sealed_receiver).await?;
    Ok(Some((row.shown(), Receiver::from_bytes(opened.expose())?)))
}
