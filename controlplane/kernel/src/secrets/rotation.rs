//! Putting a new key in the place of an old one, without stopping anything.
//!
//! A tenant's: the new key is there and the old one retired in one transaction; from then on everything is sealed with the
//! new one, the old one goes on opening, and a job ([`super::reseal`]) brings over what lies under it and destroys it.
//!
//! The platform's, when the key outside the database is replaced: the new platform key is *announced* first, wrapped by the
//! new outside key and by the former one, so that every running process learns it with whichever it was started with; a
//! moment later it is *activated*, and the same job brings over the tenants' keys and the platform's own secrets. When
//! every process has been started with the new outside key, [`forget_former`] removes what the former one opens.

use super::{
    Owner, Wrapped,
    cipher::{Key, does_not_open},
    number,
    provider::InstallationKey,
    store::{self, Gone, PlatformKeyRow, WrapRow},
    tenant_key_context,
};
use crate::{
    Ctx, Error, Principal,
    audit::{self, Entry, command_id},
    events::EntityRef,
    ids::TenantId,
    jobs::{self, Job, NewJob},
    runtime::Runtime,
    write_tx,
};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// Kind of the job that brings values over to the newest key.
pub const RESEAL: &str = "secrets.reseal";
/// How long a platform key is announced before it is used: processes look each second.
pub const ANNOUNCED_MS: u64 = 3_000;

/// What came of asking for a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is there, by this number; values are being brought over.
    Begun(u32),
    /// The one before is still being brought over; that goes on, also if it had been given up.
    UnderWay(u32),
}

/// Keys of an owner that are not destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysThere {
    /// Number to seal with.
    pub newest: u32,
    /// Retired ones that something may still lie under.
    pub retired: Vec<u32>,
}

/// Gives a tenant a new key.
///
/// # Errors
/// The database's.
pub async fn rotate_tenant(ctx: &Ctx) -> Result<Rotation, Error> {
    write_tx!(ctx, tx => {
        let there = tenant_keys(&mut tx).await?;
        let tenant = tx.tenant().clone();
        tx.ring();
        if !there.retired.is_empty() {
            jobs::revive(&mut tx, RESEAL, &job_key(Some(&tenant), there.newest), ctx.now()).await?;
            return Ok(Rotation::UnderWay(there.newest));
        }
        let next = there.newest.checked_add(1).ok_or_else(|| Error::internal("keys have run out of numbers"))?;
        let runtime = tx.runtime().clone();
        // Retiring first: it waits for whoever is sealing, and of two who rotate the second finds nothing to retire.
        if store::tenant_keys_retire(&mut tx, ctx.now()).await? != 1 {
            return Ok(Rotation::UnderWay(next));
        }
        runtime.secrets.tenant_key_add(&mut tx, next, ctx.now()).await?;
        jobs::enqueue(&mut tx, reseal_job(Some(&tenant), next, ctx.now()), ctx.now()).await?;
        let entry = Entry::new("secret.rotate", EntityRef::new("tenant", &tenant))
            .before(&json!({"key": there.newest}))?
            .after(&json!({"key": next}))?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(Rotation::Begun(next))
    })
}

/// The tenant's keys.
///
/// # Errors
/// The database's, or [`Error::Internal`] for a tenant without a key.
pub async fn tenant_keys(tx: &mut crate::db::TenantTx) -> Result<KeysThere, Error> {
    let rows = store::tenant_keys(tx).await?;
    let of = |is_retired: bool| {
        rows.iter()
            .filter(move |(_, retired)| retired.is_some() == is_retired)
            .map(|(found, _)| number(*found))
    };
    let newest = of(false).next_back().ok_or_else(|| Error::internal("a tenant has no key"))??;
    Ok(KeysThere { newest, retired: of(true).collect::<Result<_, _>>()? })
}

/// Destroys the tenant's retired keys, once nothing lies under them.
pub(super) async fn destroy_tenant_keys(ctx: &Ctx) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        let there = tenant_keys(&mut tx).await?;
        if store::tenant_keys_destroy(&mut tx).await? == 0 {
            return Ok(());
        }
        let entity = EntityRef::new("tenant", tx.tenant());
        let entry = Entry::new("secret.destroy_key", entity).before(&json!({"keys": there.retired}))?;
        audit::record(ctx, &mut tx, entry.after(&json!({"key": there.newest}))?).await
    })?;
    ctx.db().runtime().secrets.ring.forget_tenants();
    Ok(())
}

/// The platform's keys; `None` while the installation key does everything itself.
///
/// # Errors
/// The database's.
pub async fn platform_keys(runtime: &Runtime) -> Result<Option<KeysThere>, Error> {
    let (rows, _) = read(runtime).await?;
    let Some(newest) = rows.iter().find(|row| row.is_current()) else { return Ok(None) };
    let retired = rows.iter().filter(|row| row.retired_at.is_some()).map(|row| number(row.number));
    Ok(Some(KeysThere { newest: number(newest.number)?, retired: retired.collect::<Result<_, _>>()? }))
}

/// By which outside keys the platform's newest key is wrapped.
///
/// # Errors
/// The database's.
pub async fn wrapped_by(runtime: &Runtime) -> Result<Vec<String>, Error> {
    let (rows, wraps) = read(runtime).await?;
    let newest = rows.iter().find(|row| row.is_current()).map(|row| row.number);
    Ok(wraps.into_iter().filter(|wrap| Some(wrap.number) == newest).map(|wrap| wrap.wrapped_by).collect())
}

async fn read(runtime: &Runtime) -> Result<(Vec<PlatformKeyRow>, Vec<WrapRow>), Error> {
    let mut tx = runtime.platform().begin_read().await?;
    let read = store::platform_keys(&mut tx).await?;
    tx.rollback().await?;
    Ok(read)
}

/// Looks for platform keys that another process made and for those that were destroyed; at start, and each second.
///
/// # Errors
/// The database's, or a key that none of this process's outside keys opens; those that open are known all the same.
pub async fn learn(runtime: &Runtime) -> Result<(), Error> {
    let (rows, wraps) = read(runtime).await?;
    let Some(newest) = rows.iter().find(|row| row.is_current()) else { return Ok(()) };
    let secrets = &runtime.secrets;
    let known = secrets.ring.learnt();
    let (mut keys, mut failed) = (BTreeMap::new(), None);
    for row in &rows {
        let number = number(row.number)?;
        let found = match known.get(&number) {
            Some(key) => Ok(key.clone()),
            None => unwrap(runtime, row.number, &wraps).await,
        };
        match found {
            Ok(key) => drop(keys.insert(number, key)),
            Err(error) => failed = Some(error),
        }
    }
    secrets.ring.learn(keys, number(newest.number)?);
    failed.map_or(Ok(()), Err)
}

/// Forgets tenants' keys in memory; those that are not destroyed are opened again when they are needed.
pub fn forget(runtime: &Runtime) {
    runtime.secrets.ring.forget_tenants();
}

async fn unwrap(runtime: &Runtime, of: i64, wraps: &[WrapRow]) -> Result<Key, Error> {
    let secrets = &runtime.secrets;
    let mut failed = None;
    for wrap in wraps.iter().filter(|wrap| wrap.number == of) {
        let Some(provider) = secrets.providers.iter().find(|provider| provider.knows(&wrap.wrapped_by))
        else {
            failed = failed.or_else(|| Some(secrets.not_ours(&wrap.wrapped_by)));
            continue;
        };
        if wrap.wrapped.is_empty() {
            return provider.installation_key().map(|key| key.0.clone()).ok_or_else(does_not_open);
        }
        let wrapped = Wrapped { by: wrap.wrapped_by.clone(), bytes: wrap.wrapped.clone() };
        match provider.unwrap(&platform_context(number(of)?), &wrapped).await {
            Ok(opened) => return Key::new(opened.expose()),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| Error::internal(format!("platform key {of} is wrapped by nothing"))))
}

fn platform_context(number: u32) -> String {
    format!("kernel_platform_key/{number}")
}

/// Makes the platform's first key known on first start, and learns what there is. Where this process has an installation
/// key that is number 0, which earlier releases sealed with; otherwise a new one is made and wrapped. `tenants` are those
/// there are: the key is tried on them before it is written down as theirs.
///
/// # Errors
/// The database's, a provider's, or an installation key that does not open what is there.
pub async fn establish(runtime: &Arc<Runtime>, tenants: &[TenantId]) -> Result<(), Error> {
    let (rows, _) = read(runtime).await?;
    if rows.is_empty() {
        let oldest = runtime.secrets.providers.iter().rev().find_map(|provider| provider.installation_key());
        let (first, wraps) = match oldest {
            Some(key) => {
                prove(runtime, tenants, key).await?;
                (Owner::Platform.first(), vec![Wrapped { by: key.name(), bytes: Vec::new() }])
            }
            None => (1, wrap_by_all(runtime, 1, &Key::random()).await?),
        };
        let (platform, now) = (runtime.platform(), runtime.clock.now());
        write_tx!(platform, tx => {
            if store::platform_key_insert(&mut tx, first, Some(now), now).await? {
                for wrapped in &wraps {
                    store::wrap_insert(&mut tx, first, wrapped.clone(), now).await?;
                }
            }
            Ok(())
        })?;
    }
    learn(runtime).await
}

/// Whether an installation key is the one that sealed the tenants' keys.
async fn prove(runtime: &Arc<Runtime>, tenants: &[TenantId], key: &InstallationKey) -> Result<(), Error> {
    for tenant in tenants {
        let ctx = Ctx::system(runtime.tenant(tenant.clone()), "secrets");
        let mut tx = ctx.begin_read().await?;
        let row = store::tenant_key(&mut tx, Owner::Tenant.first()).await?;
        tx.rollback().await?;
        let Some(row) = row else { continue };
        let context = tenant_key_context(tenant, Owner::Tenant.first());
        return key.0.open(&context, &row.wrapped).map(drop).map_err(|_| {
            Error::Unavailable(format!(
                "the installation key {} is not the one that sealed this database: put that one back (docs/operations/keys.md)",
                key.name()
            ))
        });
    }
    Ok(())
}

/// By every outside key that this process has: whoever was started with one of them opens it.
async fn wrap_by_all(runtime: &Runtime, number: u32, key: &Key) -> Result<Vec<Wrapped>, Error> {
    let mut wraps = Vec::new();
    for provider in &runtime.secrets.providers {
        wraps.push(provider.wrap(&platform_context(number), key.bytes()).await?);
    }
    Ok(wraps)
}

/// Makes a new platform key that nothing is sealed with yet, and has all keys wrapped by the outside key in use.
/// [`activate`] it after [`ANNOUNCED_MS`].
///
/// # Errors
/// The database's, a provider's, or another process that does the same.
pub async fn announce(runtime: &Runtime) -> Result<Rotation, Error> {
    learn(runtime).await?;
    let (rows, _) = read(runtime).await?;
    let newest = rows.iter().find(|row| row.is_current()).map(|row| row.number);
    let newest = number(newest.ok_or_else(|| Error::internal("the platform has no key yet"))?)?;
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    if rows.iter().any(|row| row.retired_at.is_some()) {
        write_tx!(platform, tx => { Ok(jobs::revive(&mut tx, RESEAL, &job_key(None, newest), now).await?) })?;
        return Ok(Rotation::UnderWay(newest));
    }
    // One that was announced and never used keeps its number: another process may know it under that.
    let last = rows.iter().map(|row| row.number).max().unwrap_or_default();
    let next = number(last)?.checked_add(1).ok_or_else(|| Error::internal("keys have run out of numbers"))?;
    let wraps = wrap_by_all(runtime, next, &Key::random()).await?;
    let held = runtime.secrets.ring.platform(newest).ok_or_else(does_not_open)?;
    let again = wrap_by_all(runtime, newest, &held).await?;
    write_tx!(platform, tx => {
        store::platform_keys_destroy(&mut tx, Gone::Announced).await?;
        if !store::platform_key_insert(&mut tx, next, None, now).await? {
            return Err(Error::conflict("rotation_under_way", "another process is announcing a key"));
        }
        for (number, wraps) in [(next, &wraps), (newest, &again)] {
            for wrapped in wraps {
                store::wrap_insert(&mut tx, number, wrapped.clone(), now).await?;
            }
        }
        let entry = Entry::new("secret.announce_key", EntityRef::new("platform_key", next));
        let by: Vec<_> = wraps.iter().map(|wrapped| &wrapped.by).collect();
        audit::record_platform(&mut tx, &Principal::CommandLine, &command_id(), now, entry.after(&json!({"wrapped_by": by}))?).await
    })?;
    learn(runtime).await?;
    Ok(Rotation::Begun(next))
}

/// Takes an announced key into use and has everything brought over to it.
///
/// # Errors
/// The database's, or a key that is not announced (any more).
pub async fn activate(runtime: &Runtime, number: u32) -> Result<(), Error> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => {
        store::platform_keys_retire(&mut tx, now).await?;
        if !store::platform_key_activate(&mut tx, number, now).await? {
            return Err(Error::conflict("not_announced", format!("platform key {number} is not announced")));
        }
        jobs::enqueue(&mut tx, reseal_job(None, number, now), now).await?;
        let entry = Entry::new("secret.rotate", EntityRef::new("platform_key", number));
        audit::record_platform(&mut tx, &Principal::CommandLine, &command_id(), now, entry).await
    })?;
    learn(runtime).await
}

/// Destroys the platform's retired keys, once nothing lies under them.
pub(super) async fn destroy_platform_keys(runtime: &Runtime, job: &Job) -> Result<(), Error> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => {
        let destroyed = store::platform_keys_destroy(&mut tx, Gone::Retired).await?;
        if destroyed > 0 {
            let entry = Entry::new("secret.destroy_key", EntityRef::new("job", &job.id));
            let entry = entry.after(&json!({"destroyed": destroyed}))?;
            audit::record_platform(&mut tx, &Principal::System("secrets"), job.id.as_str(), now, entry).await?;
        }
        Ok(())
    })?;
    learn(runtime).await
}

/// Removes what outside keys other than the one in use open; the names of those keys.
///
/// # Errors
/// [`Error::Conflict`] while something still needs a former key, or the database's.
pub async fn forget_former(runtime: &Runtime) -> Result<Vec<String>, Error> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    let first =
        runtime.secrets.providers.first().ok_or_else(|| Error::internal("there is no key provider"))?;
    write_tx!(platform, tx => {
        let (rows, wraps) = store::platform_keys(&mut tx).await?;
        let is_ours = |wrap: &&WrapRow| first.knows(&wrap.wrapped_by);
        if rows.iter().any(|row| !row.is_current()) {
            return Err(Error::conflict("rotation_under_way", "values are still being brought over: see `atalaya secrets status`"));
        }
        if !rows.iter().all(|row| wraps.iter().filter(is_ours).any(|wrap| wrap.number == row.number)) {
            return Err(Error::conflict(
                "not_wrapped",
                format!("{} does not wrap the platform's key yet: `atalaya secrets rotate --installation-key`", first.shown()),
            ));
        }
        let mut gone = Vec::new();
        for wrap in wraps.iter().filter(|wrap| !is_ours(wrap)) {
            store::wrap_delete(&mut tx, wrap.number, &wrap.wrapped_by).await?;
            gone.push(wrap.wrapped_by.clone());
        }
        if !gone.is_empty() {
            let entry = Entry::new("secret.forget_former", EntityRef::new("platform_key", first.shown()));
            let entry = entry.before(&json!({"wrapped_by": gone}))?;
            audit::record_platform(&mut tx, &Principal::CommandLine, &command_id(), now, entry).await?;
        }
        Ok(gone)
    })
}

fn job_key(tenant: Option<&TenantId>, number: u32) -> String {
    tenant.map_or_else(|| format!("platform/{number}"), |tenant| format!("{tenant}/{number}"))
}

fn reseal_job(tenant: Option<&TenantId>, number: u32, now: crate::time::Timestamp) -> NewJob {
    NewJob {
        kind: RESEAL,
        tenant: tenant.cloned(),
        payload: json!({ "key": number }),
        dedupe_key: job_key(tenant, number),
        run_at: now,
    }
}
