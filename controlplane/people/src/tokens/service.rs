use super::{
    FAMILY_MS, GRANTED, REFRESH_MS, REVOKED, TOKEN_MS, TokenFamily, TokenPair, TokenRequest,
    jwt::{self, Claims},
    keyring::{self, Signing},
    store,
};
use crate::{
    access::{self, Catalog},
    factors,
    identity::{self, Origin, token_hash},
    tenancy::TenantState,
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::{TenantId, TokenFamilyId, UserId},
    page::Page,
    runtime::Runtime,
    secrets::{SecretText, random_token},
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use std::sync::Arc;

/// Start of a refresh token, by which scanners for lost secrets know it.
const REFRESH_PREFIX: &str = "atr_";
/// Families that a user may have at once.
const MAX_FAMILIES: usize = 100;
/// Ended families are shown to nobody and forgotten after so long, ms.
const FORGET_MS: i64 = 30 * 86_400_000;

/// What asking for tokens comes to.
#[derive(Debug)]
pub enum Granted {
    /// A wrong pair of e-mail and password, a wrong code, a disabled user or an unknown tenant: one answer for all.
    Refused,
    /// The password is right, and a code is wanted too.
    CodeWanted,
    /// The first tokens of a family.
    Tokens(Box<TokenPair>),
}

/// A refresh token that was just made: as the program keeps it, and as we do.
pub(super) struct Fresh {
    pub(super) token: String,
    pub(super) hash: String,
}

impl Fresh {
    pub(super) fn new() -> Self {
        let token = format!("{REFRESH_PREFIX}{}", random_token());
        Self { hash: token_hash(&token), token }
    }
}

/// When a refresh token of a family ends that is given now.
pub(super) fn refresh_until(family: &TokenFamily, now: Timestamp) -> Timestamp {
    now.plus_millis(REFRESH_MS).min(family.expires_at)
}

/// The tokens of a family, as its program is answered.
pub(super) fn pair(
    signing: &Signing,
    tenant: &TenantId,
    user: &UserId,
    family: &TokenFamily,
    refresh: Fresh,
    now: Timestamp,
) -> Result<TokenPair, Error> {
    let iat = now.as_millis().div_euclid(1_000);
    let claims = Claims {
        iss: signing.issuer.clone(),
        aud: jwt::AUDIENCE.to_owned(),
        sub: user.clone(),
        tenant: tenant.clone(),
        client_id: family.id.clone(),
        iat,
        exp: iat + TOKEN_MS / 1_000,
        jti: random_token(),
    };
    Ok(TokenPair {
        access_token: jwt::sign(&signing.key, &signing.kid, &claims)?.into(),
        token_type: "Bearer",
        expires_in: TOKEN_MS / 1_000,
        refresh_token: refresh.token.into(),
        refresh_expires_at: refresh_until(family, now),
        family_id: family.id.clone(),
    })
}

/// Gives a program the first tokens of a person, who shows their password and, where they have one, a code of their second
/// factor: guessing is slowed down and audited as that of a log-in.
///
/// # Errors
/// Wrong fields, rights beyond the person's own, `factor_missing`, `too_many_programs`, too many failures from here, or the
/// database's.
pub async fn grant(
    runtime: &Arc<Runtime>,
    catalog: &Catalog,
    slug: &str,
    request: &TokenRequest,
    origin: &Origin,
) -> Result<Granted, Error> {
    let mut validation = Validation::new();
    let name = validation.text(&request.name, "/name", 60);
    if let Some(named) = &request.permissions {
        validation.check(
            !named.is_empty(),
            "/permissions",
            "required",
            "name one right at least, or leave it out",
        );
        catalog.check(&mut validation, named);
    }
    validation.finish()?;
    let proved = identity::password_right(runtime, slug, &request.email, &request.password, origin).await?;
    let Some((door, tenant, user)) = proved else { return Ok(Granted::Refused) };
    let mut tx = door.begin_read().await?;
    let wants_code = factors::has_factor(&mut tx, &user.id).await?;
    let rights = identity::may(&mut tx, &user, &tenant).await?;
    tx.rollback().await?;
    if wants_code {
        let Some(code) = &request.code else { return Ok(Granted::CodeWanted) };
        if !identity::code_right(&door, &user, code, origin).await? {
            return Ok(Granted::Refused);
        }
    }
    if rights.factor_missing {
        return Err(Error::conflict("factor_missing", "a role demands a second factor: enrol one first"));
    }
    if let Some(named) = &request.permissions {
        access::beyond(&rights.permissions, &Permissions::These(named.clone()))?;
    }
    let signing = keyring::signing(runtime).await?;
    let now = door.now();
    let family = TokenFamily {
        id: TokenFamilyId::new(now),
        name,
        permissions: request.permissions.clone(),
        address: origin.address.clone(),
        user_agent: origin.user_agent.clone(),
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_millis(FAMILY_MS),
    };
    let refresh = Fresh::new();
    let ctx = Ctx::new(
        door.db().clone(),
        identity::person(&user),
        rights.permissions,
        rights.scope,
        &origin.request_id,
    );
    write_tx!(ctx, tx => {
        store::families_forget(&mut tx, &user.id, now.plus_millis(-FORGET_MS)).await?;
        if store::families_of(&mut tx, &user.id, now).await?.len() >= MAX_FAMILIES {
            return Err(Error::conflict("too_many_programs", "revoke programs that are not used, or refresh instead of asking anew"));
        }
        store::family_insert(&mut tx, &user.id, &family).await?;
        store::refresh_insert(&mut tx, &refresh.hash, &family.id, None, now, refresh_until(&family, now)).await?;
        let entry = Entry::new("token.grant", EntityRef::new("token_family", &family.id)).after(&family)?;
        audit::record(&ctx, &mut tx, entry).await?;
        tell(&ctx, &mut tx, GRANTED, &user.id, &family, &origin.address).await
    })?;
    Ok(Granted::Tokens(Box::new(pair(&signing, &tenant.id, &user.id, &family, refresh, now)?)))
}

/// Publishes what became of a family.
pub(super) async fn tell(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    user: &UserId,
    family: &TokenFamily,
    address: &str,
) -> Result<(), Error> {
    let facts = json!({"user_id": user, "family_id": family.id, "name": family.name, "address": address});
    events::emit(ctx, tx, NewEvent::new(kind, EntityRef::new("token_family", &family.id), facts)).await?;
    Ok(())
}

/// The context of an access token; `None` when it is none of ours, has ended, its family was revoked, its user is disabled, or
/// the host that was asked is another tenant's.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    runtime: &Arc<Runtime>,
    token: &SecretText,
    here: Option<&TenantId>,
    origin: &Origin,
) -> Result<Option<Ctx>, Error> {
    let Some(claims) = keyring::read(runtime, token.expose()).await? else { return Ok(None) };
    if here.is_some_and(|here| *here != claims.tenant) {
        return Ok(None);
    }
    let system = Ctx::system(runtime.tenant(claims.tenant), "token");
    let mut tx = system.begin_read().await?;
    let kept = store::family_find(&mut tx, &claims.client_id).await?;
    let kept = kept.filter(|kept| kept.user_id == claims.sub && kept.is_alive(system.now()));
    let Some(kept) = kept else { return Ok(None) };
    let (user, tenant) = identity::user_and_tenant(&mut tx, &kept.user_id).await?;
    if user.disabled || !tenant.lets_in(origin) {
        return Ok(None);
    }
    let rights = identity::may(&mut tx, &user, &tenant).await?;
    tx.rollback().await?;
    let family = kept.family;
    let permissions = match family.permissions {
        Some(named) => Permissions::These(access::common(named, &rights.permissions)),
        None => rights.permissions,
    };
    let name = format!("{} ({})", user.name, family.name);
    let principal = Principal::Token { user: user.id, family: family.id, name };
    let ctx = Ctx::new(system.db().clone(), principal, permissions, rights.scope, &origin.request_id);
    Ok(Some(ctx.proved_at(family.created_at).read_only(tenant.state == TenantState::ReadOnly)))
}

/// The caller's programs, newest first.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn families_list(ctx: &Ctx) -> Result<Page<TokenFamily>, Error> {
    let user = identity::own_id(ctx)?;
    let items = store::families_of(&mut ctx.begin_read().await?, user, ctx.now()).await?;
    Ok(Page { items, next_cursor: None })
}

/// Ends one of the caller's programs.
///
/// # Errors
/// Not found among the caller's that go on, or `not_a_person`.
pub async fn family_revoke(ctx: &Ctx, id: &TokenFamilyId) -> Result<(), Error> {
    let user = identity::own_id(ctx)?;
    write_tx!(ctx, tx => {
        let kept = store::family_find(&mut tx, id).await?;
        let kept = kept.filter(|kept| kept.user_id == *user && kept.is_alive(ctx.now())).ok_or(Error::NotFound)?;
        let address = kept.family.address.clone();
        end(ctx, &mut tx, user, &kept.family, ("token.revoke", REVOKED), &address).await
    })
}

/// Ends a family, with its row and its event, which is of the address that made it end.
pub(super) async fn end(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user: &UserId,
    family: &TokenFamily,
    (action, kind): (&'static str, EventType),
    address: &str,
) -> Result<(), Error> {
    store::families_revoke(tx, user, Some(&family.id), ctx.now()).await?;
    let entry = Entry::new(action, EntityRef::new("token_family", &family.id)).before(family)?;
    audit::record(ctx, tx, entry.after(&json!({"revoked_at": ctx.now(), "address": address}))?).await?;
    tell(ctx, tx, kind, user, family, address).await
}

/// Ends every program of a user whose password is another one or who was disabled; what ended them tells of it.
pub(crate) async fn families_end(ctx: &Ctx, tx: &mut TenantTx, user: &UserId) -> Result<(), Error> {
    let ended = store::families_revoke(tx, user, None, ctx.now()).await?;
    for id in ended {
        let entry = Entry::new("token.revoke", EntityRef::new("token_family", &id));
        audit::record(ctx, tx, entry.after(&json!({"revoked_at": ctx.now()}))?).await?;
        let facts = json!({"user_id": user, "family_id": id, "name": null, "address": null});
        events::emit(ctx, tx, NewEvent::new(REVOKED, EntityRef::new("token_family", &id), facts)).await?;
    }
    Ok(())
}
