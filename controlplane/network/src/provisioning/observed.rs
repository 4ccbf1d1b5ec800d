//! What agents read back becomes what people see, and the effects become events.

use super::{
    Observation, Observed, events,
    rules::{self, Effect},
    store::{self, PointRow},
    sync::point_event,
    timeline::{self, Position},
};
use crate::findable;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    events::{self as facts},
    ids::AgentId,
    write_tx,
};
use serde_json::json;

/// Takes a report of an agent in; one that was taken in before changes nothing. Points of other agents are left alone,
/// whatever it says.
///
/// # Errors
/// The database's; nothing of the report counts then, and it must come again.
pub async fn observed_record(
    ctx: &Ctx,
    agent: &AgentId,
    report: i64,
    digest: &str,
    seen: &[Observation],
) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        if !store::report_insert(&mut tx, agent, report, digest, ctx.now()).await? {
            return Ok(());
        }
        let mut highest = Position::default();
        for observation in seen {
            highest = highest.max(Position { timeline: observation.timeline, generation: observation.generation });
            if let Some(row) = store::point_of_agent(&mut tx, agent, &observation.point_id).await? {
                point_observed(ctx, &mut tx, &row, observation).await?;
            }
        }
        // An answer to an order that was never given here: this database is an older copy.
        timeline::check_within(ctx, &mut tx, agent, highest).await?;
        Ok(())
    })
}

async fn point_observed(
    ctx: &Ctx,
    tx: &mut TenantTx,
    row: &PointRow,
    seen: &Observation,
) -> Result<(), Error> {
    let known = row.observed();
    let Some(absorbed) = rules::absorb(&row.desired(), row.kind, known.as_ref(), seen) else { return Ok(()) };
    store::observed_put(tx, &row.id, &absorbed.observed, seen.drift).await?;
    if row.hold_reason.is_some() && row.status != super::DesiredStatus::Active && seen.outcome.is_in_place() {
        store::point_hold_over(tx, &row.id).await?;
    }
    if !seen.before.is_empty() && seen.applied_at.is_some() {
        let image = serde_json::to_string(&seen.before).map_err(Error::internal)?;
        store::point_before_image(tx, &row.id, &image).await?;
    }
    let session = |observed: &Observed| {
        (observed.session.present, observed.session.address.clone(), observed.session.caller_id.clone())
    };
    let is_elsewhere = known.as_ref().map(session) != Some(session(&absorbed.observed));
    let mut is_forgotten = false;
    let device = &row.device_name;
    for effect in absorbed.effects {
        let event = match effect {
            Effect::Cut(at) => {
                point_event(events::CUT, row, json!({"device": device, "at": at, "detail": seen.detail}))
            }
            Effect::Unblocked(at) => {
                point_event(events::RECONNECTED, row, json!({"device": device, "at": at}))
            }
            Effect::SessionSeen(at) => {
                let payload = json!({"device": device, "at": at, "address": seen.session.address});
                point_event(events::SESSION_SEEN, row, payload)
            }
            Effect::Failed => {
                let payload = json!({"device": device, "outcome": seen.outcome, "detail": seen.detail});
                point_event(events::APPLY_FAILED, row, payload)
            }
            Effect::Gone => {
                store::point_forget(tx, &row.id, ctx.now()).await?;
                is_forgotten = true;
                continue;
            }
        };
        facts::emit(ctx, tx, event).await?;
    }
    if is_elsewhere || is_forgotten {
        findable::service_found_by(tx, &row.service_id, ctx.now()).await?;
    }
    Ok(())
}
