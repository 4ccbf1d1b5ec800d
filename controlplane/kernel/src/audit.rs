//! Who did what, when, to what, on which request, with the state before and after. Written in the transaction of the
//! change, so that there is no change without its row and no row without its change.
//!
//! Values that name secrets are never handed in; the caller gives what the API shows.
//!
//! What concerns one tenant stands with the tenant ([`record`]); what concerns the installation itself, with the platform
//! ([`record_platform`]).
//!
//! Some seconds later the row is sealed into the trail's chain of hashes ([`seal`]). Whoever changes, removes or cuts off
//! rows in the database afterwards is found by [`verify`], and whoever writes the whole chain anew by a head that was
//! exported before ([`head`]). Personal values can be erased without breaking it ([`erase_content`], [`erase_actor`]).

use crate::{
    Ctx, Error, Principal,
    db::{Handle, TenantTx, Value, sql},
    events::EntityRef,
    ids::AuditId,
    secrets::random_token,
    time::Timestamp,
};
use serde::Serialize;

mod chain;
mod erase;
mod seal;
mod search;
mod shape;
mod trail;
mod verify;

pub use erase::{erase_actor, erase_content};
pub use seal::{AuditHead, head, head_platform, seal, seal_platform};
pub use search::{AuditFilter, AuditRow, list, list_platform};
pub use shape::{Trail, page};
pub use trail::PLATFORM;
pub use verify::{
    ExportedHead, Fault, Verified, continues, continues_platform, heads_of, verify, verify_platform,
};

/// A row about to be written.
#[derive(Debug, Clone)]
pub struct Entry {
    action: &'static str,
    entity: EntityRef,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    reason: Option<String>,
}

impl Entry {
    /// An action, named as its permission is (`service.suspend`), on a thing.
    pub fn new(action: &'static str, entity: EntityRef) -> Self {
        Self { action, entity, before: None, after: None, reason: None }
    }
    /// The state before.
    ///
    /// # Errors
    /// A value that has no JSON form.
    pub fn before(mut self, value: &impl Serialize) -> Result<Self, Error> {
        self.before = Some(serde_json::to_value(value).map_err(Error::internal)?);
        Ok(self)
    }
    /// The state after.
    ///
    /// # Errors
    /// A value that has no JSON form.
    pub fn after(mut self, value: &impl Serialize) -> Result<Self, Error> {
        self.after = Some(serde_json::to_value(value).map_err(Error::internal)?);
        Ok(self)
    }
    /// What the person gave as reason.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }
    /// Values of [`COLUMNS`].
    fn values(self, who: &Principal, request_id: &str, now: Timestamp) -> [Value; 12] {
        let (actor_kind, actor_id, actor_name) = who.parts();
        [
            AuditId::new(now).into(),
            now.into(),
            actor_kind.into(),
            actor_id.into(),
            actor_name.into(),
            self.action.into(),
            self.entity.kind.into(),
            self.entity.id.into(),
            self.before.map(|value| value.to_string()).into(),
            self.after.map(|value| value.to_string()).into(),
            self.reason.into(),
            request_id.into(),
        ]
    }
}

/// Columns that both tables have.
const COLUMNS: &str = "id, occurred_at, actor_kind, actor_id, actor_name, action, entity_kind, entity_id, before_state, \
                       after_state, reason, request_id";

/// A request id for a command, which no HTTP layer gave one.
pub fn command_id() -> String {
    format!("cli-{}", &random_token()[..20])
}

/// Writes the row.
///
/// # Errors
/// The database's.
pub async fn record(ctx: &Ctx, tx: &mut TenantTx, entry: Entry) -> Result<(), Error> {
    let tenant = Value::from(tx.tenant());
    let values = entry.values(ctx.principal(), ctx.request_id(), ctx.now());
    sql("INSERT INTO kernel_audit (tenant_id, ")
        .push(COLUMNS)
        .push(") VALUES ")
        .push_list(std::iter::once(tenant).chain(values))
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes a row about the installation itself, in the transaction of the change: the platform's, or a tenant's for what an
/// operator does to it.
///
/// # Errors
/// The database's.
pub async fn record_platform(
    tx: &mut impl Handle,
    who: &Principal,
    request_id: &str,
    now: Timestamp,
    entry: Entry,
) -> Result<(), Error> {
    sql("INSERT INTO kernel_platform_audit (")
        .push(COLUMNS)
        .push(") VALUES ")
        .push_list(entry.values(who, request_id, now))
        .execute(tx)
        .await?;
    Ok(())
}

/// Several rows, for bulk use cases.
///
/// # Errors
/// The database's.
pub async fn record_many(ctx: &Ctx, tx: &mut TenantTx, entries: Vec<Entry>) -> Result<(), Error> {
    for entry in entries {
        record(ctx, tx, entry).await?;
    }
    Ok(())
}
