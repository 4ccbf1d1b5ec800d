//! The timeline: what keeps a restored backup from cutting people who paid.

use super::{events, store};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::{self as facts, EntityRef, NewEvent},
    ids::{AgentId, DeviceId, PointId},
    write_tx,
};
use atalaya_people::tenancy::{self, AutomaticCuts};
use serde_json::json;

/// A place in the order of desired states; compared as a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Timeline.
    pub timeline: i64,
    /// Generation.
    pub generation: i64,
}

/// No order of ours comes near: what an agent says beyond it is no order, and raising the timeline past it would leave
/// no number for the next one.
const MOST: Position = Position { timeline: 1 << 32, generation: 1 << 48 };

/// What an agent should hold.
#[derive(Debug, Clone)]
pub struct Held {
    /// Timeline in force.
    pub timeline: i64,
    /// Highest generation over its points and those that were let go; 0 when there is none.
    pub generation: i64,
    /// Order of each of its points.
    pub points: Vec<(PointId, Position)>,
}

/// Compares the highest order that an agent holds with what was given out here and raises the timeline when the agent is
/// ahead; then what it should hold.
///
/// # Errors
/// The database's.
pub async fn timeline_check(ctx: &Ctx, agent: &AgentId, highest: Position) -> Result<Held, Error> {
    write_tx!(ctx, tx => {
        check_within(ctx, &mut tx, agent, highest).await?;
        let order = store::order_get(&mut tx).await?;
        let points: Vec<(PointId, Position)> = store::points_of_agent(&mut tx, agent, 0)
            .await?
            .into_iter()
            .map(|point| (point.id, Position { timeline: point.timeline, generation: point.generation }))
            .collect();
        let let_go = store::let_go_generation(&mut tx, agent, 0).await?;
        let generation = points.iter().map(|(_, at)| at.generation).max().unwrap_or(0).max(let_go);
        Ok(Held { timeline: order.timeline, generation, points })
    })
}

/// Raises the timeline when `seen` was never given out here.
pub(super) async fn check_within(
    ctx: &Ctx,
    tx: &mut TenantTx,
    agent: &AgentId,
    seen: Position,
) -> Result<(), Error> {
    let known = store::order_get(tx).await?;
    if seen <= (Position { timeline: known.timeline, generation: known.generation }) {
        return Ok(());
    }
    if seen.timeline > MOST.timeline || seen.generation > MOST.generation {
        tracing::warn!(%agent, ?seen, "an agent claims an order that nobody can have given it: ignored");
        return Ok(());
    }
    let known = store::order_lock(tx).await?;
    let ours = Position { timeline: known.timeline, generation: known.generation };
    if seen <= ours {
        return Ok(());
    }
    raise(ctx, tx, ours, seen, EntityRef::new("agent", agent)).await?;
    tracing::warn!(%agent, "an agent holds newer state than this database: all cuts wait for a person");
    Ok(())
}

/// Raises the timeline of a database that was restored from a copy, before any agent can tell: what the copy says is owed
/// may have been paid since. Every cut waits for a person; reconnections are applied.
///
/// # Errors
/// The database's.
pub async fn timeline_raise(ctx: &Ctx) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        let known = store::order_lock(&mut tx).await?;
        let ours = Position { timeline: known.timeline, generation: known.generation };
        raise(ctx, &mut tx, ours, ours, EntityRef::new("tenant", ctx.tenant())).await
    })
}

/// Raises it beyond `ours` and what was `seen`. `because` is who showed that this database is a copy.
async fn raise(
    ctx: &Ctx,
    tx: &mut TenantTx,
    ours: Position,
    seen: Position,
    because: EntityRef,
) -> Result<(), Error> {
    let raised = Position {
        timeline: seen.timeline.max(ours.timeline).saturating_add(1),
        generation: seen.generation.max(ours.generation).saturating_add(1),
    };
    store::timeline_raise(tx, raised.timeline, raised.generation, ctx.now()).await?;
    // What the copy says is owed may have been paid since: no run without a person who looks first.
    tenancy::automatic_cuts_set(ctx, tx, AutomaticCuts::OffUntilPreview).await?;
    let note = |at: Position| json!({"timeline": at.timeline, "generation": at.generation});
    let entry =
        Entry::new("network.timeline_raise", because.clone()).before(&note(ours))?.after(&note(raised))?;
    audit::record(ctx, tx, entry).await?;
    let payload = json!({"timeline": raised.timeline, "agent_held": note(seen)});
    facts::emit(ctx, tx, NewEvent::new(events::TIMELINE_RAISED, because, payload)).await?;
    Ok(())
}

/// Gives the points of a device a new generation, so that whoever talks to it next gets them.
pub(crate) async fn points_restamp(ctx: &Ctx, tx: &mut TenantTx, device: &DeviceId) -> Result<(), Error> {
    let order = store::order_lock(tx).await?;
    let generation = order.generation + 1;
    if store::points_stamp(tx, device, generation, ctx.now()).await? > 0 {
        store::generation_set(tx, generation).await?;
    }
    Ok(())
}
