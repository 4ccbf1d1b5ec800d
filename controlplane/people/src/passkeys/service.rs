use super::{
    NewPasskey, Passkey, PasskeyMade, RegistrationOptions, Site, ceremony,
    model::{Descriptor, Holder, KeyKind, Purpose, RelyingParty, Selection},
    public_key::ALGORITHMS,
    store::{self, PasskeyRow, Taken},
};
use crate::{
    factors,
    identity::{self, token_hash},
    tenancy,
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{PasskeyId, UserId},
    page::Page,
    secrets::{ShownOnce, fill_random},
    write_tx,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// How long a challenge is good, ms.
pub(super) const CHALLENGE_MS: i64 = 5 * 60_000;
/// Passkeys that a user may have.
const MAX_PASSKEYS: usize = 20;

/// Base64url as browsers write it; `None` for something else.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn random_challenge() -> [u8; 32] {
    let mut bytes = [0; 32];
    fill_random(&mut bytes);
    bytes
}

/// A new challenge, kept for one answer.
pub(super) async fn challenge(
    ctx: &Ctx,
    tx: &mut TenantTx,
    purpose: Purpose,
    user: Option<&UserId>,
    site: &Site,
) -> Result<ShownOnce, Error> {
    let challenge = encoded(&random_challenge());
    let now = ctx.now();
    let taken = Taken {
        purpose,
        user_id: user.cloned(),
        host: site.rp_id.clone(),
        expires_at: now.plus_millis(CHALLENGE_MS),
    };
    store::challenge_put(tx, &token_hash(&challenge), &taken, now).await?;
    Ok(challenge.into())
}

/// Takes the challenge that client data answer, in a transaction of its own: whatever comes of the answer, there is no second.
/// `None` when there is none that is good for this.
pub(super) async fn answered(
    ctx: &Ctx,
    client_data: &[u8],
    purpose: Purpose,
    user: Option<&UserId>,
    site: &Site,
) -> Result<bool, Error> {
    let Ok(challenge) = ceremony::challenge_of(client_data) else { return Ok(false) };
    // Not the request's own context: its claim commits with its effect.
    let system = Ctx::system(ctx.db().clone(), "passkeys");
    let taken =
        write_tx!(system, tx => { Ok(store::challenge_take(&mut tx, &token_hash(&challenge)).await?) })?;
    Ok(taken.is_some_and(|taken| {
        taken.purpose == purpose
            && taken.user_id.as_ref() == user
            && taken.host == site.rp_id
            && ctx.now() < taken.expires_at
    }))
}

/// Credentials of a user for a host, as a browser is told them.
pub(super) fn descriptors(rows: &[PasskeyRow], site: &Site) -> Vec<Descriptor> {
    let here = rows.iter().filter(|row| row.host == site.rp_id);
    here.map(|row| Descriptor { kind: "public-key", id: row.credential_id.clone() }).collect()
}

/// What a browser needs to make a passkey of the caller for the host that was asked.
///
/// # Errors
/// `not_a_person`, or without a fresh proof.
pub async fn registration_options(ctx: &Ctx, site: &Site) -> Result<RegistrationOptions, Error> {
    ctx.demand_proof()?;
    let user = identity::own_id(ctx)?;
    write_tx!(ctx, tx => {
        let of = identity::user_row(&mut tx, user).await?;
        let tenant = tenancy::settings(&mut tx).await?;
        let rows = store::passkeys_of(&mut tx, user).await?;
        let challenge = challenge(ctx, &mut tx, Purpose::Registration, Some(user), site).await?;
        audit::record(ctx, &mut tx, Entry::new("factor.passkey_begin", EntityRef::new("user", user))).await?;
        Ok(RegistrationOptions {
            challenge,
            rp: RelyingParty { id: site.rp_id.clone(), name: tenant.name },
            user: Holder { id: encoded(user.as_str().as_bytes()), name: of.email, display_name: of.name },
            pub_key_cred_params: ALGORITHMS.map(|alg| KeyKind { kind: "public-key", alg }).into(),
            timeout: CHALLENGE_MS,
            exclude_credentials: descriptors(&rows, site),
            authenticator_selection: Selection { resident_key: "preferred", user_verification: "preferred" },
            attestation: "none",
        })
    })
}

/// Keeps a passkey that a browser made. Whoever had no second factor is given recovery codes, shown this once.
///
/// # Errors
/// Wrong fields, `passkey_refused`, `passkey_enrolled`, `too_many_passkeys`, `not_a_person`, or without a fresh proof.
pub async fn passkey_create(ctx: &Ctx, site: &Site, new: &NewPasskey) -> Result<PasskeyMade, Error> {
    ctx.demand_proof()?;
    let user = identity::own_id(ctx)?;
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 60);
    validation.finish()?;
    let response = &new.credential.response;
    let (Some(id), Some(client_data), Some(attestation)) = (
        decoded(&new.credential.raw_id),
        decoded(&response.client_data),
        decoded(&response.attestation_object),
    ) else {
        return Err(Error::invalid("/credential", "malformed", "expected base64url"));
    };
    if !answered(ctx, &client_data, Purpose::Registration, Some(user), site).await? {
        return Err(refused("the challenge was not asked for here, was used, or is too old"));
    }
    let (credential, counter) = ceremony::registered(&client_data, &attestation, site).map_err(refused)?;
    if credential.id != id {
        return Err(refused("it is of another credential"));
    }
    let now = ctx.now();
    let row = PasskeyRow {
        id: PasskeyId::new(now),
        user_id: user.clone(),
        name,
        host: site.rp_id.clone(),
        credential_id: encoded(&credential.id),
        public_key: encoded(&credential.public_key),
        counter: i64::from(counter),
        created_at: now,
        last_used_at: None,
    };
    let codes = factors::fresh_codes();
    write_tx!(ctx, tx => {
        if store::passkeys_of(&mut tx, user).await?.len() >= MAX_PASSKEYS {
            return Err(Error::conflict("too_many_passkeys", "remove one that is not used"));
        }
        let first = !factors::has_factor(&mut tx, user).await?;
        store::passkey_insert(&mut tx, &row).await?;
        if first {
            factors::codes_keep(ctx, &mut tx, user, &codes).await?;
        }
        let passkey = row.clone().shown();
        let entry = Entry::new("factor.passkey_add", EntityRef::new("user", user)).after(&passkey)?;
        audit::record(ctx, &mut tx, entry).await?;
        factors::tell(ctx, &mut tx, user, "passkey_added").await?;
        Ok(PasskeyMade { passkey, recovery_codes: if first { codes.clone() } else { Vec::new() } })
    })
}

fn refused(reason: impl std::fmt::Display) -> Error {
    Error::conflict("passkey_refused", format!("this passkey cannot be kept: {reason}"))
}

/// The caller's passkeys, oldest first, also those for other host names.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn passkeys_list(ctx: &Ctx) -> Result<Page<Passkey>, Error> {
    let user = identity::own_id(ctx)?;
    let rows = store::passkeys_of(&mut ctx.begin_read().await?, user).await?;
    Ok(Page { items: rows.into_iter().map(PasskeyRow::shown).collect(), next_cursor: None })
}

/// Removes one of the caller's passkeys; with the last second factor go the recovery codes.
///
/// # Errors
/// Not found among the caller's, `factor_demanded` where a role wants one and this is the last, `not_a_person`, or without a
/// fresh proof.
pub async fn passkey_delete(ctx: &Ctx, id: &PasskeyId) -> Result<(), Error> {
    ctx.demand_proof()?;
    let user = identity::own_id(ctx)?;
    write_tx!(ctx, tx => {
        let rows = store::passkeys_of(&mut tx, user).await?;
        let row = rows.into_iter().find(|row| row.id == *id).ok_or(Error::NotFound)?;
        store::passkey_delete(&mut tx, id).await?;
        factors::demand_another(&mut tx, user).await?;
        let entry = Entry::new("factor.passkey_remove", EntityRef::new("user", user)).before(&row.shown())?;
        audit::record(ctx, &mut tx, entry).await?;
        factors::tell(ctx, &mut tx, user, "passkey_removed").await
    })
}
