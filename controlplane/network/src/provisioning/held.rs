//! Cuts that wait for a person, and points that a person keeps open.

use super::{DesiredStatus, HOLD_OPEN, RELEASE, events, network_state_of, store, sync::point_event};
use crate::agents;
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    events::{self as facts, EntityRef},
    ids::{AgentId, CustomerId, PointId, ServiceId},
    write_tx,
};
use atalaya_money::services;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Longest time for which a service is held open, hours.
const MAX_HOLD_HOURS: i64 = 72;

/// A cut that waits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeldCut {
    /// Point.
    pub point_id: PointId,
    /// Service.
    pub service_id: ServiceId,
    /// Name of its customer.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
    /// Device.
    #[schema(example = "Torre norte")]
    pub device_name: String,
    /// `brake`, `timeline`, `offline`, `open`, `not_yet`, `disk`, `expired`.
    #[schema(example = "brake")]
    pub reason: String,
}

/// Cuts of an agent that wait.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeldCuts {
    /// All of them.
    pub items: Vec<HeldCut>,
}

/// Which cuts a person lets pass.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// Points.
    pub point_ids: Vec<PointId>,
}

/// Cuts of an agent that wait for a person.
///
/// # Errors
/// Agent not found, or without `agent.read`.
pub async fn held_cuts_list(ctx: &Ctx, agent: &AgentId) -> Result<HeldCuts, Error> {
    agents::agent_get(ctx, agent).await?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::points_held(&mut tx, agent).await?;
    let customers: Vec<CustomerId> = rows.iter().map(|row| row.customer_id.clone()).collect();
    let names: BTreeMap<CustomerId, String> =
        atalaya_people::customers::customers_by_ids(&mut tx, &customers)
            .await?
            .into_iter()
            .map(|customer| (customer.id, customer.name))
            .collect();
    let items = rows.into_iter().filter_map(|row| {
        let point = row.shown();
        Some(HeldCut {
            reason: point.held_reason?,
            customer_name: names.get(&row.customer_id).cloned().unwrap_or_default(),
            point_id: row.id,
            service_id: row.service_id,
            device_name: row.device_name,
        })
    });
    Ok(HeldCuts { items: items.collect() })
}

/// Lets held cuts pass: of services that are still to be cut, and of no others.
///
/// # Errors
/// Agent not found, no points named, or without `service.suspend`.
pub async fn held_cuts_release(ctx: &Ctx, agent: &AgentId, points: &[PointId]) -> Result<HeldCuts, Error> {
    ctx.authorize(RELEASE)?;
    let mut validation = Validation::new();
    validation.check(!points.is_empty(), "/point_ids", "required", "name the points to release");
    validation.check(points.len() <= 5_000, "/point_ids", "too_long", "at most 5000 at once");
    validation.finish()?;
    let wanted: BTreeSet<&PointId> = points.iter().collect();
    write_tx!(ctx, tx => {
        let mut order = store::order_lock(&mut tx).await?;
        let rows = store::points_held(&mut tx, agent).await?;
        let ids: Vec<ServiceId> = rows.iter().map(|row| row.service_id.clone()).collect();
        let services: BTreeMap<ServiceId, services::Status> = services::services_by_ids(&mut tx, &ids)
            .await?
            .into_iter()
            .map(|service| (service.id, service.status))
            .collect();
        for row in rows.iter().filter(|row| wanted.contains(&row.id)) {
            // Paid since: the hold is over without a cut.
            let status = match services.get(&row.service_id) {
                Some(services::Status::Suspended) => DesiredStatus::Suspended,
                Some(services::Status::Terminated) => DesiredStatus::Terminated,
                Some(services::Status::Active) | None => continue,
            };
            let before = row.shown();
            order.generation += 1;
            let mut after = row.clone();
            after.status = if row.removed_at.is_some() { DesiredStatus::Terminated } else { status };
            after.hold_reason = None;
            after.released = true;
            after.not_after = None;
            after.hold_open_until = None;
            (after.timeline, after.generation) = (order.timeline, order.generation);
            store::point_desire(&mut tx, &after, ctx.now()).await?;
            let entity = EntityRef::new("attachment", &row.attachment_id);
            let entry = Entry::new("cut.release", entity).before(&before)?.after(&after.shown())?;
            audit::record(ctx, &mut tx, entry).await?;
            let payload = json!({"reason": before.held_reason, "device": row.device_name});
            facts::emit(ctx, &mut tx, point_event(events::RELEASED, row, payload)).await?;
        }
        store::generation_set(&mut tx, order.generation).await?;
        Ok(())
    })?;
    held_cuts_list(ctx, agent).await
}

/// Keeps a service open for some hours, whatever was decided; 0 ends it.
///
/// # Errors
/// Service not found or without points, hours out of 0 to 72, or without `service.reconnect`.
pub async fn hold_open(ctx: &Ctx, id: &ServiceId, hours: i64) -> Result<super::ServiceNetwork, Error> {
    ctx.authorize(HOLD_OPEN)?;
    let mut validation = Validation::new();
    validation.check(
        (0..=MAX_HOLD_HOURS).contains(&hours),
        "/hours",
        "out_of_range",
        format!("0 to {MAX_HOLD_HOURS} hours"),
    );
    validation.finish()?;
    let until = (hours > 0).then(|| ctx.now().plus_millis(hours.saturating_mul(3_600_000)));
    write_tx!(ctx, tx => {
        services::service_find(&mut tx, id).await?;
        let mut order = store::order_lock(&mut tx).await?;
        let rows = store::points_of_service(&mut tx, id).await?;
        let before = rows.iter().filter_map(|row| row.hold_open_until).max();
        if rows.iter().all(|row| row.status == DesiredStatus::Active) {
            return Err(Error::conflict("not_cut", "the service is not cut: there is nothing to hold open"));
        }
        for row in rows.iter().filter(|row| row.status == DesiredStatus::Suspended) {
            order.generation += 1;
            let mut after = row.clone();
            after.hold_open_until = until;
            (after.timeline, after.generation) = (order.timeline, order.generation);
            store::point_desire(&mut tx, &after, ctx.now()).await?;
        }
        store::generation_set(&mut tx, order.generation).await?;
        let entry = Entry::new("service.hold_open", EntityRef::new("service", id))
            .before(&json!({"until": before}))?
            .after(&json!({"until": until}))?;
        audit::record(ctx, &mut tx, entry).await?;
        tx.ring();
        Ok(())
    })?;
    let mut tx = ctx.begin_read().await?;
    network_state_of(&mut tx, std::slice::from_ref(id)).await?.remove(id).ok_or(Error::NotFound)
}
