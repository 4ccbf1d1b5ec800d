//! The authenticator app of an operator.

use super::{OperatorSession, store};
use crate::{
    factors::{Enrolment, totp},
    platform::PlatformCtx,
};
use atalaya_kernel::{
    Error,
    audit::Entry,
    db::PlatformTx,
    events::EntityRef,
    ids::OperatorId,
    runtime::Runtime,
    secrets::{SecretText, fill_random},
    time::Timestamp,
    write_tx,
};
use serde_json::json;

/// What the app calls the installation.
const ISSUER: &str = "Atalaya platform";

/// The context that the secret of an operator's app is sealed in.
pub(crate) fn secret_context(id: &str) -> String {
    format!("operator/{id}/totp")
}

/// Starts the enrolment of an app; nothing asks for it before [`app_confirm`].
///
/// # Errors
/// `factor_enrolled`, or without a fresh proof.
pub async fn app_enrol(ctx: &PlatformCtx, session: &OperatorSession) -> Result<Enrolment, Error> {
    ctx.demand_proof()?;
    let operator = &session.operator;
    let mut secret = [0; totp::SECRET_BYTES];
    fill_random(&mut secret);
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        if store::credentials(&mut tx, &operator.id).await?.totp_confirmed_at.is_some() {
            return Err(Error::conflict("factor_enrolled", "an app is enrolled: remove it first"));
        }
        let context = secret_context(operator.id.as_str());
        let sealed = ctx.runtime().secrets.seal_platform(&mut tx, &context, &secret).await?;
        store::app_put(&mut tx, &operator.id, Some(sealed), ctx.now()).await?;
        ctx.record(&mut tx, Entry::new("operator.app_enrol", EntityRef::new("operator", &operator.id))).await
    })?;
    let text = totp::base32(&secret);
    Ok(Enrolment { uri: totp::uri(ISSUER, &operator.email, &text).into(), secret: text.into() })
}

/// Ends the enrolment with a first code: from now on the app is asked for.
///
/// # Errors
/// `wrong`, `factor_missing`, `factor_enrolled`, or without a fresh proof.
pub async fn app_confirm(
    ctx: &PlatformCtx,
    session: &OperatorSession,
    code: &SecretText,
) -> Result<(), Error> {
    ctx.demand_proof()?;
    let id = &session.operator.id;
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        let kept = store::credentials(&mut tx, id).await?;
        if kept.totp_confirmed_at.is_some() {
            return Err(Error::conflict("factor_enrolled", "this app is confirmed already"));
        }
        if kept.totp_sealed.is_none() {
            return Err(Error::conflict("factor_missing", "start the enrolment of an app first"));
        }
        if !code_take(ctx.runtime(), &mut tx, id, &kept, code, ctx.now()).await? {
            return Err(Error::invalid("/code", "wrong", "this is not the code that the app shows now"));
        }
        let entry = Entry::new("operator.app_confirm", EntityRef::new("operator", id));
        ctx.record(&mut tx, entry.before(&json!({"app": false}))?.after(&json!({"app": true}))?).await
    })
}

/// Removes the caller's app.
///
/// # Errors
/// Without a fresh proof.
pub async fn app_remove(ctx: &PlatformCtx, session: &OperatorSession) -> Result<(), Error> {
    ctx.demand_proof()?;
    let id = &session.operator.id;
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        let had = store::credentials(&mut tx, id).await?.totp_confirmed_at.is_some();
        store::app_put(&mut tx, id, None, ctx.now()).await?;
        let entry = Entry::new("operator.app_remove", EntityRef::new("operator", id));
        ctx.record(&mut tx, entry.before(&json!({"app": had}))?.after(&json!({"app": false}))?).await
    })
}

/// Whether a code is the one that the app shows; taken, it is worthless.
pub(super) async fn code_take(
    runtime: &Runtime,
    tx: &mut PlatformTx,
    id: &OperatorId,
    kept: &store::Credentials,
    code: &SecretText,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(sealed) = &kept.totp_sealed else { return Ok(false) };
    let secret = runtime.secrets.open_platform(&secret_context(id.as_str()), sealed)?;
    let typed: String = code.expose().chars().filter(|letter| !letter.is_whitespace()).collect();
    match totp::step_of(secret.expose(), &typed, now.as_millis().div_euclid(1_000), kept.totp_last_step) {
        Some(step) => Ok(store::app_step_take(tx, id, step, now).await?),
        None => Ok(false),
    }
}
