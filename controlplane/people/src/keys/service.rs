use super::{ApiKey, ApiKeyMade, CREATED, NewApiKey, READ, REVOKED, WRITE, store, token};
use crate::{
    access::{self, AccessScope, Catalog},
    identity::{self, Origin},
    tenancy::{self, TenantState},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::ApiKeyId,
    page::{Page, PageQuery},
    runtime::Runtime,
    secrets::SecretText,
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use subtle::ConstantTimeEq;

/// When a key was last used is written at most this often.
const TOUCH_MS: i64 = 60_000;

/// One key.
///
/// # Errors
/// Not found, or without `api_key.read`.
pub async fn key_get(ctx: &Ctx, id: &ApiKeyId) -> Result<ApiKey, Error> {
    ctx.authorize_whole(READ)?;
    store::key_row(&mut ctx.begin_read().await?, id).await?.shown()
}

/// Keys, newest first, also those that were revoked.
///
/// # Errors
/// Without `api_key.read`, or a cursor of another list.
pub async fn keys_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<ApiKey>, Error> {
    ctx.authorize_whole(READ)?;
    let limit = page.limit()?;
    let rows = store::keys_list(&mut ctx.begin_read().await?, page.after()?, limit + 1).await?;
    let keys = rows.into_iter().map(store::KeyRow::shown).collect::<Result<Vec<_>, _>>()?;
    Page::of(keys, limit, |key| key.id.clone())
}

/// Makes a key; its token is shown this once.
///
/// # Errors
/// Wrong fields, rights beyond the caller's own, `not_a_person`, or without `api_key.write`.
pub async fn key_create(ctx: &Ctx, catalog: &Catalog, new: NewApiKey) -> Result<ApiKeyMade, Error> {
    ctx.authorize_whole(WRITE)?;
    let made_by = identity::own_id(ctx)?;
    let now = ctx.now();
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 60);
    validation
        .check(!new.permissions.is_empty(), "/permissions", "required", "name one right at least")
        .check(
            new.expires_at.is_none_or(|at| at > now),
            "/expires_at",
            "out_of_range",
            "a key that has expired is none",
        )
        .check(
            new.requests_per_minute.is_none_or(|count| (1..=1_000_000).contains(&count)),
            "/requests_per_minute",
            "out_of_range",
            "expected 1 to 1000000, or nothing",
        );
    catalog.check(&mut validation, &new.permissions);
    validation.finish()?;
    access::beyond(ctx.permissions(), &Permissions::These(new.permissions.clone()))?;
    let key = ApiKey {
        id: ApiKeyId::new(now),
        name,
        permissions: new.permissions,
        scope: new.scope.unwrap_or_default(),
        made_by: made_by.clone(),
        requests_per_minute: new.requests_per_minute,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        created_at: now,
    };
    let (token, secret_hash) = token::fresh(&key.id);
    write_tx!(ctx, tx => {
        key.scope.check(&mut tx).await?;
        store::key_insert(&mut tx, &key, &secret_hash).await?;
        note(ctx, &mut tx, CREATED, None, &key).await
    })?;
    Ok(ApiKeyMade { key, token: token.into() })
}

/// Requests that a key may make in a minute; none: as many as the plan has.
///
/// # Errors
/// Not found.
pub(crate) async fn requests_per_minute(tx: &mut TenantTx, id: &ApiKeyId) -> Result<Option<i64>, Error> {
    Ok(store::key_row(tx, id).await?.shown()?.requests_per_minute)
}

/// Makes a key worthless, at once and for ever.
///
/// # Errors
/// Not found, `key_revoked`, or without `api_key.write`.
pub async fn key_revoke(ctx: &Ctx, id: &ApiKeyId) -> Result<(), Error> {
    ctx.authorize_whole(WRITE)?;
    write_tx!(ctx, tx => {
        let before = store::key_row(&mut tx, id).await?.shown()?;
        if before.revoked_at.is_some() {
            return Err(Error::conflict("key_revoked", "this key was revoked before"));
        }
        store::key_revoke(&mut tx, id, ctx.now()).await?;
        let after = store::key_row(&mut tx, id).await?.shown()?;
        note(ctx, &mut tx, REVOKED, Some(&before), &after).await
    })
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    before: Option<&ApiKey>,
    after: &ApiKey,
) -> Result<(), Error> {
    let entity = EntityRef::new("api_key", &after.id);
    let mut entry = Entry::new(WRITE.0, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry).await?;
    let facts = json!({"id": after.id, "name": after.name, "permissions": after.permissions});
    events::emit(ctx, tx, NewEvent::new(kind, entity, facts)).await?;
    Ok(())
}

/// The context of a key; `None` when it is unknown, wrong, expired, revoked, or its maker is disabled.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    runtime: &Arc<Runtime>,
    key: &SecretText,
    origin: &Origin,
) -> Result<Option<Ctx>, Error> {
    let Some((id, hash)) = token::parse(key) else { return Ok(None) };
    let mut platform = runtime.platform().begin_read().await?;
    let tenant = store::key_tenant(&mut platform, &id).await?;
    platform.rollback().await?;
    let Some(tenant) = tenant else { return Ok(None) };
    let system = Ctx::system(runtime.tenant(tenant), "api_key");
    let now = system.now();
    let mut tx = system.begin_read().await?;
    let row = store::key_row(&mut tx, &id).await?;
    let right: bool = hash.as_bytes().ct_eq(row.secret_hash.as_bytes()).into();
    let key = row.shown()?;
    let alive = key.revoked_at.is_none() && key.expires_at.is_none_or(|at| now < at);
    if !right || !alive {
        return Ok(None);
    }
    let maker = identity::user_row(&mut tx, &key.made_by).await?;
    if maker.disabled {
        return Ok(None);
    }
    let tenant = tenancy::settings(&mut tx).await?;
    if !tenant.lets_in(origin) {
        return Ok(None);
    }
    let of_maker = identity::may(&mut tx, &maker, &tenant).await?;
    let scope = narrowed(key.scope.spread(&mut tx).await?, &key.scope, of_maker.scope);
    tx.rollback().await?;
    touch(&system, &key, now).await?;
    let principal = Principal::ApiKey { id: key.id, name: key.name };
    let permissions = Permissions::These(access::common(key.permissions, &of_maker.permissions));
    let ctx = Ctx::new(system.db().clone(), principal, permissions, scope, &origin.request_id);
    Ok(Some(ctx.read_only(tenant.state == TenantState::ReadOnly)))
}

/// Of what a key may see, what its maker sees now.
fn narrowed(spread: Scope, own: &AccessScope, maker: Scope) -> Scope {
    match (own, spread, maker) {
        (AccessScope::All, _, maker) => maker,
        (_, spread, Scope::All) => spread,
        (_, Scope::Sites(of_key), Scope::Sites(of_maker)) => {
            Scope::Sites(of_key.intersection(&of_maker).cloned().collect())
        }
        // Of two kinds of scope nothing is common.
        _ => Scope::Sites(BTreeSet::new()),
    }
}

async fn touch(ctx: &Ctx, key: &ApiKey, now: Timestamp) -> Result<(), Error> {
    if key.last_used_at.is_some_and(|at| now < at.plus_millis(TOUCH_MS)) {
        return Ok(());
    }
    write_tx!(ctx, tx => { Ok(store::key_touch(&mut tx, &key.id, now).await?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::ids::SiteId;

    #[test]
    fn a_key_never_sees_more_than_its_maker() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (a, b) = (SiteId::new(now), SiteId::new(now));
        let sites = |ids: &[&SiteId]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
        let own = AccessScope::Sites { site_ids: sites(&[&a, &b]) };
        let spread = || Scope::Sites(sites(&[&a, &b]));
        assert_eq!(narrowed(Scope::All, &AccessScope::All, Scope::All), Scope::All);
        assert_eq!(
            narrowed(Scope::All, &AccessScope::All, Scope::Sites(sites(&[&a]))),
            Scope::Sites(sites(&[&a]))
        );
        assert_eq!(narrowed(spread(), &own, Scope::All), spread());
        assert_eq!(narrowed(spread(), &own, Scope::Sites(sites(&[&b]))), Scope::Sites(sites(&[&b])));
        let named: BTreeSet<String> = ["a.read", "b.read"].map(str::to_owned).into();
        let held = Permissions::AllBut(BTreeSet::from(["b.read".to_owned()]));
        assert_eq!(access::common(named, &held), BTreeSet::from(["a.read".to_owned()]));
    }
}
