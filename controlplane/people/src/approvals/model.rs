use atalaya_kernel::{
    Ctx, Error, Permission,
    db::TenantTx,
    events::EntityRef,
    ids::{ApprovalId, UserId},
    text_enum,
    time::Timestamp,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

text_enum! {
    /// What became of a request.
    pub enum ApprovalState {
        /// It waits for a second person.
        Pending = "pending",
        /// A second person approved, and it ran.
        Approved = "approved",
        /// A second person rejected it, or whoever asked took it back.
        Rejected = "rejected",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

/// A request for a second person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Approval {
    /// Which.
    pub id: ApprovalId,
    /// What would run.
    #[schema(example = "collections.execute")]
    pub operation: String,
    /// Kind of the thing that it is about.
    #[schema(example = "cut_run")]
    pub entity_kind: String,
    /// The thing.
    #[schema(example = "run_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub entity_id: String,
    /// What it would do, in English.
    #[schema(example = "Suspend 214 services")]
    pub summary: String,
    /// What became of it.
    pub state: ApprovalState,
    /// Who asked.
    pub requested_by: UserId,
    /// Name at the time.
    #[schema(example = "Rosa Quispe")]
    pub requested_by_name: String,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// Name at the time.
    pub decided_by_name: Option<String>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// What it runs with.
    #[serde(skip)]
    pub payload: String,
}

impl Approval {
    /// As it is now: what nobody decided in time has expired.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        if self.state == ApprovalState::Pending && now >= self.expires_at {
            self.state = ApprovalState::Expired;
        }
        self
    }
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct NewApproval {
    /// Name of the [`Operation`].
    pub operation: &'static str,
    /// What it is about: one request waits for each thing and operation.
    pub entity: EntityRef,
    /// What it would do, in English.
    pub summary: String,
    /// What it runs with; nothing secret.
    pub payload: serde_json::Value,
}

/// What can be asked for.
#[async_trait::async_trait]
pub trait Operation: Send + Sync + 'static {
    /// Name, as requests keep it.
    fn name(&self) -> &'static str;
    /// The right that whoever approves must have, as must whoever asked.
    fn permission(&self) -> Permission;
    /// Does it, in the transaction that notes the approval, as whoever approves.
    ///
    /// # Errors
    /// It cannot be done as things are now; nothing is noted then.
    async fn run(&self, ctx: &Ctx, tx: &mut TenantTx, payload: &serde_json::Value) -> Result<(), Error>;
}

/// Everything that can be asked for.
#[derive(Clone, Default)]
pub struct Operations(Vec<Arc<dyn Operation>>);

impl Operations {
    /// Of all domains.
    pub fn new(operations: Vec<Arc<dyn Operation>>) -> Self {
        Self(operations)
    }
    /// Which right an operation asks for; none where nothing here does it.
    pub(crate) fn right_of(&self, name: &str) -> Option<Permission> {
        self.find(name).map(|operation| operation.permission())
    }
    /// The operation of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<dyn Operation>> {
        self.0.iter().find(|operation| operation.name() == name)
    }
}
