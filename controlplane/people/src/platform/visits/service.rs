use super::{BEGUN, END, ENDED, NewVisit, READ, Visit, Visiting, store};
use crate::{
    access::Catalog,
    identity::token_hash,
    platform::{PlatformCtx, operators},
    tenancy,
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::{TenantId, VisitId},
    page::{Page, PageQuery},
    runtime::Runtime,
    secrets::random_token,
    write_tx,
};
use std::sync::Arc;

/// How long a visit is when nothing is said, and at most, minutes.
const MINUTES: (i64, i64) = (60, 8 * 60);

/// The end of the names of rights that let look and change nothing; every visit has them.
const READS: &str = ".read";

/// Enters a tenant; the token of the visit's cookie, the token that changes are sent with, and the visit.
///
/// # Errors
/// No such tenant, wrong fields, or a log-in that is too long ago.
pub async fn visit_begin(
    ctx: &PlatformCtx,
    catalog: &Catalog,
    tenant: &TenantId,
    new: &NewVisit,
) -> Result<(String, Visit), Error> {
    ctx.demand_proof()?;
    let Principal::Operator { id: operator_id, name } = ctx.principal().clone() else {
        return Err(Error::conflict("not_an_operator", "only an operator who is logged in enters a tenant"));
    };
    let mut validation = Validation::new();
    let reason = validation.text(&new.reason, "/reason", 240);
    let minutes = new.minutes.unwrap_or(MINUTES.0);
    let text = format!("expected 1 to {}", MINUTES.1);
    validation.check((1..=MINUTES.1).contains(&minutes), "/minutes", "out_of_range", text);
    catalog.check(&mut validation, &new.permissions);
    validation.finish()?;
    let looks =
        catalog.all().iter().filter(|right| right.name.ends_with(READS)).map(|right| right.name.to_owned());
    let now = ctx.now();
    let visit = Visit {
        id: VisitId::new(now),
        operator_id,
        operator_name: name,
        reason,
        permissions: looks.chain(new.permissions.iter().cloned()).collect(),
        started_at: now,
        until: now.plus_millis(minutes * 60_000),
        ended_at: None,
        ended_by: None,
        open: true,
    };
    let (token, csrf_token) = (random_token(), random_token());
    let of_tenant = ctx.in_tenant(tenant);
    write_tx!(of_tenant, tx => {
        // That there is one.
        tenancy::settings(&mut tx).await?;
        store::visit_insert(&mut tx, &visit, &token_hash(&token), &csrf_token).await?;
        let entry = Entry::new("operator_visit.begin", EntityRef::new("operator_visit", &visit.id));
        let entry = entry.after(&visit)?.reason(&visit.reason);
        ctx.record(&mut tx, entry.clone()).await?;
        audit::record(&of_tenant, &mut tx, entry).await?;
        emit(&of_tenant, &mut tx, BEGUN, &visit).await
    })?;
    Ok((token, visit))
}

async fn emit(ctx: &Ctx, tx: &mut TenantTx, kind: events::EventType, visit: &Visit) -> Result<(), Error> {
    let payload = serde_json::to_value(visit).map_err(Error::internal)?;
    events::emit(ctx, tx, NewEvent::new(kind, EntityRef::new("operator_visit", &visit.id), payload)).await?;
    Ok(())
}

/// The context of a visit's cookie; `None` when it is unknown, over, or its operator may not log in any more.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    runtime: &Arc<Runtime>,
    token: &str,
    request_id: &str,
) -> Result<Option<(Ctx, Visiting)>, Error> {
    let token_hash = token_hash(token);
    let mut platform = runtime.platform().begin_read().await?;
    let Some(tenant) = store::token_tenant(&mut platform, &token_hash).await? else { return Ok(None) };
    platform.rollback().await?;
    let system = Ctx::system(runtime.tenant(tenant), "visit");
    let mut tx = system.begin_read().await?;
    let row = store::visit_by_token(&mut tx, &token_hash).await?;
    let tenant = tenancy::settings(&mut tx).await?;
    tx.rollback().await?;
    let csrf_token = row.csrf_token.clone();
    let visit = row.shown(system.now())?;
    let mut platform = runtime.platform().begin_read().await?;
    let is_enabled = operators::is_enabled(&mut platform, &visit.operator_id).await?;
    platform.rollback().await?;
    if !visit.open || !is_enabled {
        return Ok(None);
    }
    let principal = Principal::Operator { id: visit.operator_id.clone(), name: visit.operator_name.clone() };
    let permissions = Permissions::These(visit.permissions.clone());
    // Dangerous rights want a fresh log-in, which is the one that the visit began with: they end after ten minutes.
    let ctx = Ctx::new(system.db().clone(), principal, permissions, Scope::All, request_id)
        .proved_at(visit.started_at);
    Ok(Some((ctx, Visiting { visit, tenant, csrf_token })))
}

/// Visits of the caller's tenant, newest first.
///
/// # Errors
/// Without `operator_visit.read`, or a cursor of another list.
pub async fn visits_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<Visit>, Error> {
    ctx.authorize_whole(READ)?;
    listed(ctx, page).await
}

/// Visits of a tenant, newest first, for operators.
///
/// # Errors
/// A cursor of another list.
pub async fn visits_of_tenant(
    ctx: &PlatformCtx,
    tenant: &TenantId,
    page: &PageQuery,
) -> Result<Page<Visit>, Error> {
    listed(&ctx.in_tenant(tenant), page).await
}

async fn listed(ctx: &Ctx, page: &PageQuery) -> Result<Page<Visit>, Error> {
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    tenancy::settings(&mut tx).await?;
    let rows = store::visits_list(&mut tx, page.after()?, limit + 1).await?;
    let visits = rows.into_iter().map(|row| row.shown(ctx.now())).collect::<Result<Vec<_>, _>>()?;
    Page::of(visits, limit, |visit| visit.id.clone())
}

/// Ends a visit at once, as somebody of the tenant.
///
/// # Errors
/// Not found, `visit_over`, or without `operator_visit.end`.
pub async fn visit_end(ctx: &Ctx, id: &VisitId) -> Result<(), Error> {
    ctx.authorize_whole(END)?;
    ended(ctx, id).await
}

/// Ends the visit that asks.
///
/// # Errors
/// `visit_over`.
pub async fn visit_end_own(ctx: &Ctx, visiting: &Visiting) -> Result<(), Error> {
    ended(ctx, &visiting.visit.id).await
}

/// Ends a visit, as an operator.
///
/// # Errors
/// Not found, or `visit_over`.
pub async fn visit_end_as_operator(ctx: &PlatformCtx, tenant: &TenantId, id: &VisitId) -> Result<(), Error> {
    ended(&ctx.in_tenant(tenant), id).await
}

async fn ended(ctx: &Ctx, id: &VisitId) -> Result<(), Error> {
    let (_, _, by) = ctx.principal().parts();
    write_tx!(ctx, tx => {
        let before = store::visit_get(&mut tx, id).await?.shown(ctx.now())?;
        if !store::visit_end(&mut tx, id, &by, ctx.now()).await? {
            return Err(Error::conflict("visit_over", "this visit is over"));
        }
        let after = store::visit_get(&mut tx, id).await?.shown(ctx.now())?;
        let entry = Entry::new("operator_visit.end", EntityRef::new("operator_visit", id)).before(&before)?.after(&after)?;
        audit::record(ctx, &mut tx, entry.clone()).await?;
        audit::record_platform(&mut tx, ctx.principal(), ctx.request_id(), ctx.now(), entry).await?;
        emit(ctx, &mut tx, ENDED, &after).await
    })
}
