//! What the command line does with operators.

use super::{NewOperator, Operator, store};
use crate::{
    identity::{email_checked, password},
    platform::PlatformCtx,
};
use atalaya_kernel::{
    Error, Validation, audit::Entry, events::EntityRef, ids::OperatorId, secrets::SecretText, write_tx,
};

/// Makes an operator.
///
/// # Errors
/// Wrong fields, or an e-mail that is taken.
pub async fn operator_create(ctx: &PlatformCtx, new: &NewOperator) -> Result<Operator, Error> {
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 80);
    let email = email_checked(&mut validation, &new.email);
    password::check(&mut validation, &new.password);
    validation.finish()?;
    let hash = password::hash(&new.password).await?;
    let now = ctx.now();
    let operator =
        Operator { id: OperatorId::new(now), email, name, disabled: false, app_since: None, created_at: now };
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        store::operator_insert(&mut tx, &operator, &hash).await?;
        let entry = Entry::new("operator.create", EntityRef::new("operator", &operator.id)).after(&operator)?;
        ctx.record(&mut tx, entry).await
    })?;
    Ok(operator)
}

/// The operator of an e-mail.
///
/// # Errors
/// Not found.
pub async fn operator_find(ctx: &PlatformCtx, email: &str) -> Result<Operator, Error> {
    let mut tx = ctx.runtime().platform().begin_read().await?;
    store::operator_by_email(&mut tx, &email.trim().to_lowercase()).await?.ok_or(Error::NotFound)
}

/// All operators, oldest first.
///
/// # Errors
/// The database's.
pub async fn operators_list(ctx: &PlatformCtx) -> Result<Vec<Operator>, Error> {
    Ok(store::operators_list(&mut ctx.runtime().platform().begin_read().await?).await?)
}

/// Sets a password and ends the operator's sessions.
///
/// # Errors
/// Not found, or a password too short or too long.
pub async fn password_set(ctx: &PlatformCtx, id: &OperatorId, password: &SecretText) -> Result<(), Error> {
    let mut validation = Validation::new();
    password::check(&mut validation, password);
    validation.finish()?;
    let hash = password::hash(password).await?;
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        store::operator_get(&mut tx, id).await?;
        store::password_write(&mut tx, id, &hash, ctx.now()).await?;
        store::sessions_delete(&mut tx, id).await?;
        ctx.record(&mut tx, Entry::new("operator.password_set", EntityRef::new("operator", id))).await
    })
}

/// Refuses an operator's log-in and ends the sessions, or lets it in again. Visits under way end with the next request.
///
/// # Errors
/// Not found.
pub async fn disabled_set(ctx: &PlatformCtx, id: &OperatorId, disabled: bool) -> Result<(), Error> {
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        let before = store::operator_get(&mut tx, id).await?;
        store::disabled_write(&mut tx, id, disabled, ctx.now()).await?;
        store::sessions_delete(&mut tx, id).await?;
        let after = Operator { disabled, ..before.clone() };
        let entity = EntityRef::new("operator", id);
        ctx.record(&mut tx, Entry::new("operator.disable", entity).before(&before)?.after(&after)?).await
    })
}

/// Takes away the authenticator app of an operator who lost it.
///
/// # Errors
/// Not found.
pub async fn app_reset(ctx: &PlatformCtx, id: &OperatorId) -> Result<(), Error> {
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        let before = store::operator_get(&mut tx, id).await?;
        store::app_put(&mut tx, id, None, ctx.now()).await?;
        let after = Operator { app_since: None, ..before.clone() };
        let entity = EntityRef::new("operator", id);
        ctx.record(&mut tx, Entry::new("operator.app_reset", entity).before(&before)?.after(&after)?).await
    })
}
