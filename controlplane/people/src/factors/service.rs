use super::{CHANGED, recovery, store, totp};
use crate::{
    identity::{self, User, note_changed, own_id, user_row},
    passkeys,
    tenancy::{self, Tenant},
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::UserId,
    secrets::{SecretText, ShownOnce, fill_random},
    time::Timestamp,
    write_tx,
};
use serde::Serialize;
use serde_json::json;
use std::fmt::Display;
use utoipa::ToSchema;

/// What an app is set up with; shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct Enrolment {
    /// The secret in base 32, to be typed.
    #[schema(value_type = String, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: ShownOnce,
    /// The address that apps read from a picture.
    #[schema(
        value_type = String,
        example = "otpauth://totp/NetAndina:rosa%40netandina.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=NetAndina&algorithm=SHA1&digits=6&period=30"
    )]
    pub uri: ShownOnce,
}

/// How somebody's log-in is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Security {
    /// Since when an authenticator app is asked for; null when none is.
    pub app_since: Option<Timestamp>,
    /// Passkeys, for any host name of the installation.
    pub passkeys: i64,
    /// Recovery codes that were not taken.
    pub recovery_codes_left: i64,
    /// Whether one of the caller's roles demands a second factor.
    pub factor_demanded: bool,
}

/// Context under which the secret of a user's app is sealed.
pub(crate) fn secret_context(user: impl Display) -> String {
    format!("user/{user}/totp")
}

/// How the caller's log-in is protected.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn security_get(ctx: &Ctx) -> Result<Security, Error> {
    let user = own_id(ctx)?;
    let mut tx = ctx.begin_read().await?;
    let app = store::app_get(&mut tx, user).await?;
    let user = user_row(&mut tx, user).await?;
    Ok(Security {
        app_since: app.and_then(|app| app.confirmed_at),
        passkeys: passkeys::count(&mut tx, &user.id).await?,
        recovery_codes_left: store::codes_left(&mut tx, &user.id).await?,
        factor_demanded: is_demanded(&user, &tenancy::settings(&mut tx).await?),
    })
}

/// Whether one of a user's roles demands a second factor.
pub(crate) fn is_demanded(user: &User, tenant: &Tenant) -> bool {
    user.roles.iter().any(|role| tenant.second_factor_roles.0.contains(role))
}

/// The app of a user, once it is asked for.
async fn app_of(tx: &mut TenantTx, user: &UserId) -> Result<Option<store::AppRow>, Error> {
    Ok(store::app_get(tx, user).await?.filter(|app| app.confirmed_at.is_some()))
}

/// Whether a user has a second factor that is asked for: an app, or a passkey.
pub(crate) async fn has_factor(tx: &mut TenantTx, user: &UserId) -> Result<bool, Error> {
    Ok(app_of(tx, user).await?.is_some() || passkeys::count(tx, user).await? > 0)
}

/// After one was removed: that there is another, or that none is demanded; without any, recovery codes stand in for nothing.
///
/// # Errors
/// `factor_demanded`.
pub(crate) async fn demand_another(tx: &mut TenantTx, user: &UserId) -> Result<(), Error> {
    if has_factor(tx, user).await? {
        return Ok(());
    }
    let of = user_row(tx, user).await?;
    if is_demanded(&of, &tenancy::settings(tx).await?) {
        return Err(Error::conflict("factor_demanded", "a role of yours demands a second factor"));
    }
    Ok(store::codes_put(tx, user, &[]).await?)
}

/// Publishes that something about a user's second factors is another than before.
pub(crate) async fn tell(ctx: &Ctx, tx: &mut TenantTx, user: &UserId, change: &str) -> Result<(), Error> {
    let facts = json!({"user_id": user, "change": change});
    events::emit(ctx, tx, NewEvent::new(CHANGED, EntityRef::new("user", user), facts)).await?;
    Ok(())
}

/// Starts the enrolment of an app; nothing asks for it before [`app_confirm`].
///
/// # Errors
/// `factor_enrolled`, `not_a_person`, or without a fresh proof.
pub async fn app_enrol(ctx: &Ctx) -> Result<Enrolment, Error> {
    ctx.demand_proof()?;
    let user = own_id(ctx)?;
    let mut secret = [0; totp::SECRET_BYTES];
    fill_random(&mut secret);
    write_tx!(ctx, tx => {
        if app_of(&mut tx, user).await?.is_some() {
            return Err(Error::conflict("factor_enrolled", "an app is enrolled: remove it first"));
        }
        let of = user_row(&mut tx, user).await?;
        let tenant = tenancy::settings(&mut tx).await?;
        let runtime = tx.runtime().clone();
        let sealed = runtime.secrets.seal(&mut tx, &secret_context(user), &secret).await?;
        store::app_put(&mut tx, user, &sealed, ctx.now()).await?;
        audit::record(ctx, &mut tx, Entry::new("factor.enrol", EntityRef::new("user", user))).await?;
        let text = totp::base32(&secret);
        Ok(Enrolment { uri: totp::uri(&tenant.name, &of.email, &text).into(), secret: text.into() })
    })
}

/// Ends the enrolment with a first code: from now on the app is asked for. The recovery codes, shown once.
///
/// # Errors
/// `code_wrong`, `factor_missing`, `factor_enrolled`, `not_a_person`, or without a fresh proof.
pub async fn app_confirm(ctx: &Ctx, code: &SecretText) -> Result<Vec<ShownOnce>, Error> {
    ctx.demand_proof()?;
    let user = own_id(ctx)?;
    let codes = fresh_codes();
    write_tx!(ctx, tx => {
        let app = store::app_get(&mut tx, user).await?;
        let app = app.ok_or_else(|| Error::conflict("factor_missing", "start the enrolment of an app first"))?;
        if app.confirmed_at.is_some() {
            return Err(Error::conflict("factor_enrolled", "this app is confirmed already"));
        }
        if !code_take(ctx, &mut tx, user, &app, code).await? {
            return Err(Error::invalid("/code", "wrong", "this is not the code that the app shows now"));
        }
        codes_keep(ctx, &mut tx, user, &codes).await?;
        let entry = Entry::new("factor.confirm", EntityRef::new("user", user));
        audit::record(ctx, &mut tx, entry.before(&json!({"app": false}))?.after(&json!({"app": true}))?).await?;
        tell(ctx, &mut tx, user, "app_added").await?;
        Ok(codes.clone())
    })
}

/// New recovery codes.
pub(crate) fn fresh_codes() -> Vec<ShownOnce> {
    std::iter::repeat_with(|| recovery::fresh().into()).take(recovery::CODES).collect()
}

/// Keeps recovery codes in the place of those before.
pub(crate) async fn codes_keep(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user: &UserId,
    codes: &[ShownOnce],
) -> Result<(), Error> {
    let hashes: Vec<String> =
        codes.iter().map(|code| recovery::hash(ctx.tenant(), user, code.expose())).collect();
    Ok(store::codes_put(tx, user, &hashes).await?)
}

/// New recovery codes, shown once; the old ones are worthless.
///
/// # Errors
/// `factor_missing`, `not_a_person`, or without a fresh proof.
pub async fn recovery_renew(ctx: &Ctx) -> Result<Vec<ShownOnce>, Error> {
    ctx.demand_proof()?;
    let user = own_id(ctx)?;
    let codes = fresh_codes();
    write_tx!(ctx, tx => {
        if !has_factor(&mut tx, user).await? {
            return Err(Error::conflict("factor_missing", "recovery codes stand in for a second factor: enrol one first"));
        }
        codes_keep(ctx, &mut tx, user, &codes).await?;
        audit::record(ctx, &mut tx, Entry::new("factor.recovery_renew", EntityRef::new("user", user))).await?;
        tell(ctx, &mut tx, user, "recovery_renewed").await
    })?;
    Ok(codes)
}

/// Removes the caller's app; with the last second factor go the recovery codes.
///
/// # Errors
/// `factor_demanded` where a role wants one and this is the last, `not_a_person`, or without a fresh proof.
pub async fn app_remove(ctx: &Ctx) -> Result<(), Error> {
    ctx.demand_proof()?;
    let user = own_id(ctx)?;
    write_tx!(ctx, tx => {
        let had = app_of(&mut tx, user).await?.is_some();
        store::app_delete(&mut tx, user).await?;
        demand_another(&mut tx, user).await?;
        let entry = Entry::new("factor.remove", EntityRef::new("user", user));
        audit::record(ctx, &mut tx, entry.before(&json!({"app": had}))?.after(&json!({"app": false}))?).await?;
        tell(ctx, &mut tx, user, "app_removed").await
    })
}

/// Removes somebody else's app, passkeys and recovery codes, who lost them.
///
/// # Errors
/// Not found, somebody who holds more than the caller, or without `user.write`.
pub async fn app_reset(ctx: &Ctx, user: &UserId) -> Result<(), Error> {
    ctx.authorize_whole(identity::WRITE)?;
    write_tx!(ctx, tx => {
        let of = user_row(&mut tx, user).await?;
        identity::may_change(ctx, &mut tx, &of).await?;
        forget(ctx, &mut tx, user).await?;
        note_changed(ctx, &mut tx, &of).await
    })
}

async fn forget(ctx: &Ctx, tx: &mut TenantTx, user: &UserId) -> Result<(), Error> {
    let (app, keys) = (app_of(tx, user).await?.is_some(), passkeys::count(tx, user).await?);
    store::app_delete(tx, user).await?;
    passkeys::delete_all(tx, user).await?;
    store::codes_put(tx, user, &[]).await?;
    let entry = Entry::new("factor.reset", EntityRef::new("user", user));
    let (before, after) = (json!({"app": app, "passkeys": keys}), json!({"app": false, "passkeys": 0}));
    audit::record(ctx, tx, entry.before(&before)?.after(&after)?).await?;
    tell(ctx, tx, user, "reset").await
}

/// Whether a code is right, of the app or a recovery code; taken, it is worthless.
pub(crate) async fn check(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user: &UserId,
    code: &SecretText,
) -> Result<bool, Error> {
    if let Some(app) = app_of(tx, user).await?
        && code_take(ctx, tx, user, &app, code).await?
    {
        return Ok(true);
    }
    // Codes stand in for a factor that there is.
    if !has_factor(tx, user).await? {
        return Ok(false);
    }
    let hash = recovery::hash(ctx.tenant(), user, code.expose());
    if !store::code_take(tx, user, &hash, ctx.now()).await? {
        return Ok(false);
    }
    let left = store::codes_left(tx, user).await?;
    let entry =
        Entry::new("factor.recovery_use", EntityRef::new("user", user)).after(&json!({"left": left}))?;
    audit::record(ctx, tx, entry).await?;
    tell(ctx, tx, user, "recovery_used").await?;
    Ok(true)
}

async fn code_take(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user: &UserId,
    app: &store::AppRow,
    code: &SecretText,
) -> Result<bool, Error> {
    let runtime = tx.runtime().clone();
    let secret = runtime.secrets.open(tx, &secret_context(user), &app.sealed_secret).await?;
    let now = ctx.now();
    let typed: String = code.expose().chars().filter(|letter| !letter.is_whitespace()).collect();
    match totp::step_of(secret.expose(), &typed, now.as_millis().div_euclid(1_000), app.last_step) {
        Some(step) => Ok(store::app_step_take(tx, user, step, now).await?),
        None => Ok(false),
    }
}
