//! Who is there, shown by a passkey: instead of a password, after one, or again.

use super::{
    AssertionOptions, PasskeyAnswer, Site,
    ceremony::{self, Known, Refused, Signed},
    model::Purpose,
    service::{CHALLENGE_MS, answered, challenge, decoded, descriptors},
    store::{self, PasskeyRow},
};
use crate::{
    factors,
    identity::{self, Entered, Origin, Shown},
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    events::EntityRef,
    ids::UserId,
    runtime::Runtime,
    secrets::SecretText,
    write_tx,
};
use serde_json::json;
use std::sync::Arc;

/// What a browser needs to show one of somebody's passkeys, or any that it has for this host.
async fn options(
    ctx: &Ctx,
    purpose: Purpose,
    user: Option<&UserId>,
    site: &Site,
) -> Result<AssertionOptions, Error> {
    write_tx!(ctx, tx => {
        let allow_credentials = match user {
            Some(user) => descriptors(&store::passkeys_of(&mut tx, user).await?, site),
            None => Vec::new(),
        };
        Ok(AssertionOptions {
            challenge: challenge(ctx, &mut tx, purpose, user, site).await?,
            timeout: CHALLENGE_MS,
            rp_id: site.rp_id.clone(),
            allow_credentials,
            user_verification: if purpose == Purpose::Entry { "required" } else { "preferred" },
        })
    })
}

/// What is needed to enter by a passkey alone.
///
/// # Errors
/// The database's. An ISP that is not there has options too: nobody learns which there are.
pub async fn enter_options(
    runtime: &Arc<Runtime>,
    slug: &str,
    site: &Site,
    origin: &Origin,
) -> Result<AssertionOptions, Error> {
    match identity::door_of(runtime, slug, origin).await? {
        Some((door, _)) => options(&door, Purpose::Entry, None, site).await,
        None => Ok(AssertionOptions {
            challenge: super::service::encoded(&super::service::random_challenge()).into(),
            timeout: CHALLENGE_MS,
            rp_id: site.rp_id.clone(),
            allow_credentials: Vec::new(),
            user_verification: "required",
        }),
    }
}

/// What is needed to follow a right password by a passkey; `None` when its user has none for this host, or the challenge of the
/// password is none.
///
/// # Errors
/// The database's.
pub async fn second_factor_options(
    runtime: &Arc<Runtime>,
    waiting: &SecretText,
    site: &Site,
    origin: &Origin,
) -> Result<Option<AssertionOptions>, Error> {
    let Some((door, _, user)) = identity::waiting(runtime, waiting, origin).await? else { return Ok(None) };
    let rows = store::passkeys_of(&mut door.begin_read().await?, &user.id).await?;
    if descriptors(&rows, site).is_empty() {
        return Ok(None);
    }
    options(&door, Purpose::SecondFactor, Some(&user.id), site).await.map(Some)
}

/// What is needed to show again who is there.
///
/// # Errors
/// `factor_missing` where the caller has no passkey for this host, `not_a_person`, or the database's.
pub async fn step_up_options(ctx: &Ctx, site: &Site) -> Result<AssertionOptions, Error> {
    let user = identity::own_id(ctx)?;
    let rows = store::passkeys_of(&mut ctx.begin_read().await?, user).await?;
    if descriptors(&rows, site).is_empty() {
        return Err(Error::conflict("factor_missing", "there is no passkey of yours for this address"));
    }
    options(ctx, Purpose::StepUp, Some(user), site).await
}

/// Enters by a passkey alone: it verified who is there, and is two factors in one. `None` for one that is wrong.
///
/// # Errors
/// The database's.
pub async fn enter(
    runtime: &Arc<Runtime>,
    slug: &str,
    answer: &PasskeyAnswer,
    site: &Site,
    origin: &Origin,
) -> Result<Option<Box<Entered>>, Error> {
    let Some((door, tenant)) = identity::door_of(runtime, slug, origin).await? else { return Ok(None) };
    if !tenant.lets_in(origin) {
        refuse(&door, EntityRef::new("tenant", &tenant.id), None, "the address is not let in", origin)
            .await?;
        return Ok(None);
    }
    let Some(id) = shown(&door, answer, Purpose::Entry, None, site, origin).await? else { return Ok(None) };
    let user = identity::user_row(&mut door.begin_read().await?, &id).await?;
    if user.disabled {
        refuse(&door, EntityRef::new("user", &id), None, "the user is disabled", origin).await?;
        return Ok(None);
    }
    identity::enter(runtime, tenant, user, Shown::Here, origin).await.map(Some)
}

/// Ends a log-in by a passkey after a right password; `None` for one that is wrong.
///
/// # Errors
/// The database's.
pub async fn second_factor(
    runtime: &Arc<Runtime>,
    waiting: &SecretText,
    answer: &PasskeyAnswer,
    site: &Site,
    origin: &Origin,
) -> Result<Option<Box<Entered>>, Error> {
    let Some((door, tenant, user)) = identity::waiting(runtime, waiting, origin).await? else {
        return Ok(None);
    };
    let proved = shown(&door, answer, Purpose::SecondFactor, Some(&user.id), site, origin).await?;
    if proved.is_none() {
        return Ok(None);
    }
    identity::enter(runtime, tenant, user, Shown::Here, origin).await.map(Some)
}

/// Whether a passkey of somebody who is logged in shows again that they are there.
pub(crate) async fn proved(
    ctx: &Ctx,
    user: &UserId,
    answer: &PasskeyAnswer,
    site: &Site,
    origin: &Origin,
) -> Result<bool, Error> {
    Ok(shown(ctx, answer, Purpose::StepUp, Some(user), site, origin).await?.is_some())
}

/// What of an answer is bytes.
struct Answer {
    credential_id: String,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

impl Answer {
    fn of(answer: &PasskeyAnswer) -> Option<Self> {
        let response = &answer.response;
        Some(Self {
            // As it is kept: written in one way.
            credential_id: super::service::encoded(&decoded(&answer.raw_id)?),
            client_data: decoded(&response.client_data)?,
            authenticator_data: decoded(&response.authenticator_data)?,
            signature: decoded(&response.signature)?,
            user_handle: match &response.user_handle {
                Some(handle) => Some(decoded(handle)?),
                None => None,
            },
        })
    }
}

/// Whose passkey an answer shows; what was refused is audited, as a wrong password is.
async fn shown(
    ctx: &Ctx,
    answer: &PasskeyAnswer,
    purpose: Purpose,
    user: Option<&UserId>,
    site: &Site,
    origin: &Origin,
) -> Result<Option<UserId>, Error> {
    let of = match user {
        Some(user) => EntityRef::new("user", user),
        None => EntityRef::new("tenant", ctx.tenant()),
    };
    let Some(answer) = Answer::of(answer) else {
        return refuse(ctx, of, None, "what came is not base64url", origin).await;
    };
    if !answered(ctx, &answer.client_data, purpose, user, site).await? {
        return refuse(
            ctx,
            of,
            None,
            "a challenge that was not asked for, was answered, or is too old",
            origin,
        )
        .await;
    }
    let mut tx = ctx.begin_read().await?;
    let row = store::passkey_by_credential(&mut tx, &answer.credential_id).await?;
    tx.rollback().await?;
    let Some(row) = row.filter(|row| row.host == site.rp_id && user.is_none_or(|user| *user == row.user_id))
    else {
        return refuse(ctx, of, None, "a credential that is not known here", origin).await;
    };
    let of = EntityRef::new("user", &row.user_id);
    let counter = match judged(&answer, &row, purpose, site) {
        Ok(counter) => counter,
        Err(reason) => {
            if reason == Refused::Counter {
                write_tx!(ctx, tx => { factors::tell(ctx, &mut tx, &row.user_id, "passkey_copied").await })?;
            }
            return refuse(ctx, of, Some(&row), &reason.to_string(), origin).await;
        }
    };
    let counted = write_tx!(ctx, tx => {
        Ok(store::passkey_used(&mut tx, &row.id, row.counter, i64::from(counter), ctx.now()).await?)
    })?;
    if !counted {
        // Two at once with one counter: one of them is a copy, or a repetition.
        return refuse(ctx, of, Some(&row), "its counter was used meanwhile, or it was removed", origin)
            .await;
    }
    Ok(Some(row.user_id))
}

fn judged(answer: &Answer, row: &PasskeyRow, purpose: Purpose, site: &Site) -> Result<u32, Refused> {
    // §7.2 step 6: whoever was not named before is named by the authenticator.
    let named = match &answer.user_handle {
        Some(handle) => handle == row.user_id.as_str().as_bytes(),
        None => purpose != Purpose::Entry,
    };
    let (Some(public_key), Ok(counter)) = (decoded(&row.public_key), u32::try_from(row.counter)) else {
        return Err(Refused::Key);
    };
    if !named {
        return Err(Refused::Holder);
    }
    let signed = Signed {
        client_data: &answer.client_data,
        authenticator_data: &answer.authenticator_data,
        signature: &answer.signature,
    };
    let known = Known { public_key: &public_key, counter };
    ceremony::asserted(signed, known, site, purpose == Purpose::Entry)
}

/// Writes down why an answer is not believed; whoever sent it is not told.
async fn refuse(
    ctx: &Ctx,
    of: EntityRef,
    row: Option<&PasskeyRow>,
    reason: &str,
    origin: &Origin,
) -> Result<Option<UserId>, Error> {
    let facts = json!({
        "address": origin.address, "user_agent": origin.user_agent, "passkey": row.map(|row| &row.id), "reason": reason,
    });
    let entry = Entry::new("session.refuse", of).after(&facts)?;
    write_tx!(ctx, tx => { audit::record(ctx, &mut tx, entry.clone()).await })?;
    Ok(None)
}
