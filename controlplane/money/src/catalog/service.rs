use super::{CREATED, NewPlan, Plan, PlanChange, READ, UPDATED, WRITE, store};
use atalaya_kernel::{
    Ctx, Error, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::PlanId,
    money::Money,
    page::{Page, PageQuery},
    write_tx,
};
use atalaya_people::tenancy;

/// Fastest plan that makes sense, bits per second: one terabit.
const MAX_BPS: i64 = 1_000_000_000_000;

/// What is sold is the same at every site; a partner sells at prices of their own, of which there are none yet.
fn sees_what_is_sold(ctx: &Ctx) -> bool {
    !matches!(ctx.scope(), Scope::Partner(_))
}

/// One plan.
///
/// # Errors
/// Not found, or without `plan.read`.
pub async fn plan_get(ctx: &Ctx, id: &PlanId) -> Result<Plan, Error> {
    ctx.authorize(READ)?;
    if !sees_what_is_sold(ctx) {
        return Err(Error::NotFound);
    }
    store::plan_find(&mut ctx.begin_read().await?, id).await
}

/// Plans by name.
///
/// # Errors
/// Without `plan.read`, or a cursor of another list.
pub async fn plans_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<Plan>, Error> {
    ctx.authorize(READ)?;
    let limit = page.limit()?;
    let after = page.after()?;
    let mut rows = Vec::new();
    if sees_what_is_sold(ctx) {
        rows = store::plans_list(&mut ctx.begin_read().await?, after, limit + 1).await?;
    }
    Page::of(rows, limit, |plan| (plan.name.clone(), plan.id.clone()))
}

/// Makes a plan.
///
/// # Errors
/// Wrong fields, or without `plan.write`.
pub async fn plan_create(ctx: &Ctx, new: NewPlan) -> Result<Plan, Error> {
    ctx.authorize_whole(WRITE)?;
    let now = ctx.now();
    let mut validation = Validation::new();
    let plan = Plan {
        id: PlanId::new(now),
        name: validation.text(&new.name, "/name", 80),
        download_bps: new.download_bps,
        upload_bps: new.upload_bps,
        price: new.price,
        active: new.active.unwrap_or(true),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check(&mut validation, &plan);
    validation.finish()?;
    write_tx!(ctx, tx => {
        check_currency(&mut tx, plan.price).await?;
        store::plan_insert(&mut tx, &plan).await?;
        note(ctx, &mut tx, CREATED, None, &plan).await
    })?;
    Ok(plan)
}

/// Changes a plan that is still at `version`.
///
/// # Errors
/// Not found, changed meanwhile, wrong fields, or without `plan.write`.
pub async fn plan_update(ctx: &Ctx, id: &PlanId, version: i64, change: PlanChange) -> Result<Plan, Error> {
    ctx.authorize_whole(WRITE)?;
    write_tx!(ctx, tx => {
        let before = store::plan_find(&mut tx, id).await?;
        let mut validation = Validation::new();
        let after = Plan {
            name: validation.text(change.name.as_deref().unwrap_or(&before.name), "/name", 80),
            download_bps: change.download_bps.unwrap_or(before.download_bps),
            upload_bps: change.upload_bps.unwrap_or(before.upload_bps),
            price: change.price.unwrap_or(before.price),
            active: change.active.unwrap_or(before.active),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        check(&mut validation, &after);
        validation.finish()?;
        check_currency(&mut tx, after.price).await?;
        if before.version != version || !store::plan_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        note(ctx, &mut tx, UPDATED, Some(&before), &after).await?;
        Ok(after)
    })
}

fn check(validation: &mut Validation, plan: &Plan) {
    let speed = "expected 1,000 to 1,000,000,000,000 bits per second";
    validation
        .check((1_000..=MAX_BPS).contains(&plan.download_bps), "/download_bps", "out_of_range", speed)
        .check((1_000..=MAX_BPS).contains(&plan.upload_bps), "/upload_bps", "out_of_range", speed)
        .check(
            (0..=1_000_000_000_000).contains(&plan.price.amount),
            "/price/amount",
            "out_of_range",
            "expected 0 or more minor units",
        );
}

async fn check_currency(tx: &mut TenantTx, price: Money) -> Result<(), Error> {
    let tenant = tenancy::settings(tx).await?;
    if price.currency == tenant.currency {
        return Ok(());
    }
    Err(Error::invalid("/price/currency", "unknown", format!("this ISP's currency is {}", tenant.currency)))
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    before: Option<&Plan>,
    after: &Plan,
) -> Result<(), Error> {
    let entity = EntityRef::new("plan", &after.id);
    let mut entry = Entry::new(WRITE.0, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry).await?;
    let payload = serde_json::to_value(after).map_err(Error::internal)?;
    events::emit(ctx, tx, NewEvent::new(kind, entity, payload)).await?;
    Ok(())
}
