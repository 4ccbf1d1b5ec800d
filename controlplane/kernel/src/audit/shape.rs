//! What a tenant's trail is sorted and filtered by. It grows with the years, so it has no order but that of time, which its key has.

use super::AuditRow;
use crate::{
    Error,
    db::TenantTx,
    ids::AuditId,
    list::{Field, Kind, List, ListQuery, Select, Shape},
    page::Page,
    time::Timestamp,
};

/// The list of what people and programs did.
#[derive(Debug)]
pub struct Trail;

impl List for Trail {
    const SHAPE: &'static Shape = &Shape {
        name: "audit",
        fields: &[&[
            Field::of("occurred_at", Kind::Instant, "occurred_at")
                .sorts_as("id", Kind::Id(AuditId::PREFIX))
                .ranges(),
            Field::by_hand("action", Kind::Text)
                .says("Actions; `invoice.*` takes all of a noun.")
                .such_as("invoice.*,payment.register"),
            Field::of("actor", Kind::Text, "actor_id")
                .matches()
                .says("Id of who did it, or name of the job."),
            Field::of("actor_kind", Kind::Text, "actor_kind")
                .matches()
                .says("Such as `user`, `agent`, `system`, `command_line`."),
            Field::of("entity_id", Kind::Text, "entity_id").matches(),
            Field::of("entity_kind", Kind::Text, "entity_kind").matches().such_as("invoice"),
            Field::of("request_id", Kind::Text, "request_id").matches(),
            Field::by_hand("from", Kind::Instant)
                .says("As `occurred_at_gte`.")
                .such_as("2026-11-01T00:00:00Z"),
            Field::by_hand("to", Kind::Instant).says("As `occurred_at_lt`."),
        ]],
        order: "-occurred_at",
        id: "id",
    };
}

const ROWS: Select = Select {
    columns: "id, occurred_at, actor_kind, actor_id, actor_name, action, entity_kind, entity_id, before_state, after_state, \
              reason, request_id, position, \
              CASE WHEN position IS NOT NULL AND content_salt IS NULL THEN true ELSE false END AS content_erased",
    from: "kernel_audit WHERE tenant_id = ",
};

/// Rows of the tenant, newest first unless the other way round is asked for.
///
/// # Errors
/// A cursor of another list or order, or the database's.
pub async fn page(tx: &mut TenantTx, asked: &ListQuery<Trail>) -> Result<Page<AuditRow>, Error> {
    let (from, to) = (asked.given_one::<Timestamp>("from")?, asked.given_one::<Timestamp>("to")?);
    let actions = asked.given("action");
    asked
        .fetch(tx, ROWS, |query, _| {
            let mut query = query.and_any_name("action", actions);
            if let Some(from) = from {
                query = query.push(" AND occurred_at >= ").push_bind(from);
            }
            match to {
                Some(to) => query.push(" AND occurred_at < ").push_bind(to),
                None => query,
            }
        })
        .await
}
