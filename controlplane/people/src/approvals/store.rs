use super::{Approval, ApprovalState};
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::{ApprovalId, UserId},
    list::{Asked, Select},
    page::Page,
    time::Timestamp,
};
use std::collections::BTreeMap;

const ROWS: Select = Select {
    columns: "id, operation, payload, entity_kind, entity_id, summary, state, requested_by, requested_by_name, decided_by, \
              decided_by_name, decided_at, reason, expires_at, created_at",
    from: "people_approval WHERE tenant_id = ",
};

pub(super) async fn approval_get(tx: &mut TenantTx, id: &ApprovalId) -> Result<Approval, DbError> {
    ROWS.query(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn approvals_list(
    tx: &mut TenantTx,
    asked: &Asked,
    now: Timestamp,
) -> Result<Page<Approval>, Error> {
    let states: Vec<ApprovalState> = asked.given_all("state")?;
    let waiting = asked.given_one("waiting")?.unwrap_or(false).then_some(ApprovalState::Pending);
    let narrow = |query, _: &TenantTx| in_state(in_state(query, &states, now), waiting.as_slice(), now);
    asked.fetch(tx, ROWS, narrow).await
}

/// In one of these states; none = all.
fn in_state(mut query: Query, states: &[ApprovalState], now: Timestamp) -> Query {
    for (at, state) in states.iter().enumerate() {
        query = query.push(if at == 0 { " AND (" } else { " OR " });
        query = match state {
            ApprovalState::Pending => query.push("state = 'pending' AND expires_at > ").push_bind(now),
            ApprovalState::Expired => query.push("state = 'pending' AND expires_at <= ").push_bind(now),
            ApprovalState::Approved | ApprovalState::Rejected => query.push("state = ").push_bind(*state),
        };
    }
    if states.is_empty() { query } else { query.push(")") }
}

/// The requests that wait about some things, by the thing's id; for other domains.
///
/// # Errors
/// The database's.
pub async fn pending_by_entity(
    tx: &mut TenantTx,
    operation: &str,
    entities: impl IntoIterator<Item = &str>,
    now: Timestamp,
) -> Result<BTreeMap<String, Approval>, Error> {
    let rows: Vec<Approval> = ROWS
        .query(tx)
        .push(" AND state = 'pending' AND expires_at > ")
        .push_bind(now)
        .push(" AND operation = ")
        .push_bind(operation)
        .push(" AND entity_id IN ")
        .push_list(entities)
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.entity_id.clone(), row)).collect())
}

pub(super) async fn approval_insert(tx: &mut TenantTx, row: &Approval) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_approval (tenant_id, id, operation, payload, entity_kind, entity_id, summary, state, requested_by, \
         requested_by_name, expires_at, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12)")
    .bind(tenant)
    .bind(&row.id)
    .bind(&row.operation)
    .bind(&row.payload)
    .bind(&row.entity_kind)
    .bind(&row.entity_id)
    .bind(&row.summary)
    .bind(row.state)
    .bind(&row.requested_by)
    .bind(&row.requested_by_name)
    .bind(row.expires_at)
    .bind(row.created_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// What was decided, by whom.
pub(super) struct Decision<'d> {
    pub(super) state: ApprovalState,
    pub(super) by: &'d UserId,
    pub(super) by_name: &'d str,
    pub(super) reason: Option<&'d str>,
    pub(super) at: Timestamp,
}

/// Notes a decision on a request that still waits; whether it did.
pub(super) async fn approval_decide(
    tx: &mut TenantTx,
    id: &ApprovalId,
    decision: &Decision<'_>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_approval SET state = $1, decided_by = $2, decided_by_name = $3, decided_at = $4, reason = $5, \
                    version = version + 1, updated_at = $4 WHERE tenant_id = $6 AND id = $7 AND state = 'pending' AND expires_at > $4")
    .bind(decision.state)
    .bind(decision.by)
    .bind(decision.by_name)
    .bind(decision.at)
    .bind(decision.reason)
    .bind(tenant)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
