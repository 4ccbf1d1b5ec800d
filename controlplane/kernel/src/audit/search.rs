//! Reading a trail: newest first, by who, what, on which thing and when.

use super::COLUMNS;
use crate::{
    Error,
    db::{DbError, Handle, PlatformTx, Query, TenantTx, sql},
    ids::AuditId,
    time::Timestamp,
};
use serde::Serialize;

/// A row as it is shown.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct AuditRow {
    /// Id, sortable by time.
    pub id: AuditId,
    /// When.
    pub occurred_at: Timestamp,
    /// `user`, `agent`, `system`, `command_line`.
    #[schema(example = "user")]
    pub actor_kind: String,
    /// Typed id, or the name of the job.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub actor_id: String,
    /// Name at the time; empty once it was erased.
    #[schema(example = "Rosa Quispe")]
    pub actor_name: String,
    /// What was done.
    #[schema(example = "customer.update")]
    pub action: String,
    /// Kind of the thing.
    #[schema(example = "customer")]
    pub entity_kind: String,
    /// The thing.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub entity_id: String,
    /// JSON before, when there was something.
    #[schema(example = "{\"phone\":null}")]
    pub before_state: Option<String>,
    /// JSON after, when there is something.
    #[schema(example = "{\"phone\":\"+51 999 000 111\"}")]
    pub after_state: Option<String>,
    /// What the person gave as reason.
    pub reason: Option<String>,
    /// Request that did it.
    #[schema(example = "c0ffee00c0ffee00c0ffee00")]
    pub request_id: String,
    /// Place in the trail's chain; none until it is sealed, some seconds after the change.
    #[schema(example = 1204)]
    pub position: Option<i64>,
    /// Whether states and reason were erased because they were a person's; their hash stays in the chain.
    pub content_erased: bool,
}

/// Which rows a reader wants.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Actions; `invoice.*` takes a noun's all. Empty = all.
    pub actions: Vec<String>,
    /// Only by this actor.
    pub actor_id: Option<String>,
    /// Only by actors of this kind.
    pub actor_kind: Option<String>,
    /// Only on this thing.
    pub entity_id: Option<String>,
    /// Only on things of this kind.
    pub entity_kind: Option<String>,
    /// Only of this request.
    pub request_id: Option<String>,
    /// Only since then.
    pub from: Option<Timestamp>,
    /// Only before then.
    pub to: Option<Timestamp>,
    /// Only rows with an id below this one, to page backwards in time.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: i64,
}

/// What is shown beside [`COLUMNS`].
const SHOWN: &str = ", position, CASE WHEN position IS NOT NULL AND content_salt IS NULL THEN true ELSE false END AS content_erased";

/// Newest rows of the tenant first.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut TenantTx, filter: &AuditFilter) -> Result<Vec<AuditRow>, Error> {
    let query = sql("SELECT ")
        .push(COLUMNS)
        .push(SHOWN)
        .push(" FROM kernel_audit WHERE tenant_id = ")
        .push_bind(tx.tenant());
    Ok(filtered(tx, query, filter).await?)
}

/// Newest rows about the installation itself.
///
/// # Errors
/// The database's.
pub async fn list_platform(tx: &mut PlatformTx, filter: &AuditFilter) -> Result<Vec<AuditRow>, Error> {
    let query = sql("SELECT ").push(COLUMNS).push(SHOWN).push(" FROM kernel_platform_audit WHERE true");
    Ok(filtered(tx, query, filter).await?)
}

async fn filtered(
    tx: &mut impl Handle,
    query: Query,
    filter: &AuditFilter,
) -> Result<Vec<AuditRow>, DbError> {
    let mut query = query.and_any_name("action", &filter.actions);
    for (condition, value) in [
        (" AND actor_id = ", &filter.actor_id),
        (" AND actor_kind = ", &filter.actor_kind),
        (" AND entity_id = ", &filter.entity_id),
        (" AND entity_kind = ", &filter.entity_kind),
        (" AND request_id = ", &filter.request_id),
    ] {
        if let Some(value) = value {
            query = query.push(condition).push_bind(value);
        }
    }
    if let Some(from) = filter.from {
        query = query.push(" AND occurred_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query = query.push(" AND occurred_at < ").push_bind(to);
    }
    if let Some(before) = &filter.before {
        query = query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit).fetch_all(tx).await
}
