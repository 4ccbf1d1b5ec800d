use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, STEP_UP_MS, Scope,
    audit::{self, Entry},
    db::Handle,
    ids::TenantId,
    runtime::Runtime,
    time::Timestamp,
};
use std::sync::Arc;

/// The first argument of what is done to the installation: who, on which request, at what time. Only an operator who logged
/// in and the command line have one.
#[derive(Clone)]
pub struct PlatformCtx {
    runtime: Arc<Runtime>,
    principal: Principal,
    request_id: Arc<str>,
    proved_at: Option<Timestamp>,
}

impl PlatformCtx {
    /// For an operator, who showed at an instant who they are.
    pub(super) fn of_operator(
        runtime: Arc<Runtime>,
        principal: Principal,
        request_id: &str,
        proved_at: Timestamp,
    ) -> Self {
        Self { runtime, principal, request_id: request_id.into(), proved_at: Some(proved_at) }
    }
    /// For a person at the machine.
    pub fn command_line(runtime: Arc<Runtime>) -> Self {
        let request_id = audit::command_id().into();
        Self { runtime, principal: Principal::CommandLine, request_id, proved_at: None }
    }
    /// What the process shares.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }
    /// Who acts.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.runtime.clock.now()
    }
    /// Demands that an operator showed a short while ago who they are.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`].
    pub fn demand_proof(&self) -> Result<(), Error> {
        match self.proved_at {
            Some(at) if self.now() >= at.plus_millis(STEP_UP_MS) => Err(Error::StepUpRequired),
            _ => Ok(()),
        }
    }
    /// The same request in a tenant, for what the installation decides of it.
    pub fn in_tenant(&self, tenant: &TenantId) -> Ctx {
        let db = self.runtime.tenant(tenant.clone());
        Ctx::new(db, self.principal.clone(), Permissions::All, Scope::All, &self.request_id)
    }
    /// Writes a row into the installation's own trail, in the transaction of the change.
    ///
    /// # Errors
    /// The database's.
    pub async fn record(&self, tx: &mut impl Handle, entry: Entry) -> Result<(), Error> {
        audit::record_platform(tx, &self.principal, &self.request_id, self.now(), entry).await
    }
}
