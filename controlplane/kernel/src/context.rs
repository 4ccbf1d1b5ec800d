//! The one value that comes first in every use case: who asks, for which tenant, with which permissions, within which
//! scope, on which request, because of which event, at what time.

use crate::{
    Error,
    db::{Priority, TenantDb, TenantTx},
    idempotency::Claim,
    ids::{AgentId, CustomerId, EventId, SiteId, TenantId, UserId},
    time::{Clock, Timestamp},
};
use std::{collections::BTreeSet, sync::Arc};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person of the tenant's staff.
    User {
        /// Who.
        id: UserId,
        /// Name at the time, for audit rows that outlive the account.
        name: String,
    },
    /// The daemon at a site.
    Agent(AgentId),
    /// The control plane itself: the name of the job or subscriber.
    System(&'static str),
    /// A person at the machine's command line.
    CommandLine,
}

impl Principal {
    /// Kind, id and name, as audit rows and events keep them.
    pub fn parts(&self) -> (&'static str, String, String) {
        match self {
            Self::User { id, name } => ("user", id.to_string(), name.clone()),
            Self::Agent(id) => ("agent", id.to_string(), id.to_string()),
            Self::System(name) => ("system", (*name).to_owned(), (*name).to_owned()),
            Self::CommandLine => ("command_line", "cli".to_owned(), "command line".to_owned()),
        }
    }
}

/// What of the tenant a principal may see; every list and read applies it in `store.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything of the tenant.
    All,
    /// These sites, their subtrees already spread out.
    Sites(BTreeSet<SiteId>),
    /// One customer: the portal.
    Customer(CustomerId),
}

/// A named right, declared by the domain that asks for it, e.g. `invoice.void`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(pub &'static str);

/// The rights of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// Every right: owners, the command line and the control plane's own work.
    All,
    /// These and no others.
    These(BTreeSet<String>),
}

impl Permissions {
    /// Whether the right is among them.
    pub fn allow(&self, permission: Permission) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(permission.0),
        }
    }
}

/// The context of a use case; cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    db: TenantDb,
    principal: Principal,
    permissions: Arc<Permissions>,
    scope: Scope,
    request_id: Arc<str>,
    causation: Option<EventId>,
    priority: Priority,
    claim: Option<Arc<Claim>>,
}

impl Ctx {
    /// For somebody who was identified.
    pub fn new(
        db: TenantDb,
        principal: Principal,
        permissions: Permissions,
        scope: Scope,
        request_id: &str,
    ) -> Self {
        let permissions = Arc::new(permissions);
        Self {
            db,
            principal,
            permissions,
            scope,
            request_id: request_id.into(),
            causation: None,
            priority: Priority::Interactive,
            claim: None,
        }
    }
    /// For the control plane's own work: subscribers, jobs, reconcilers.
    pub fn system(db: TenantDb, name: &'static str) -> Self {
        Self::new(db, Principal::System(name), Permissions::All, Scope::All, name)
    }
    /// The same, as the consequence of an event.
    #[must_use]
    pub fn caused_by(mut self, event: EventId) -> Self {
        self.causation = Some(event);
        self
    }
    /// The same, giving way to people at the database's writer.
    #[must_use]
    pub fn in_bulk(mut self) -> Self {
        self.priority = Priority::Bulk;
        self
    }
    /// The same, for a request that must have its effect once: the claim commits with the first write.
    #[must_use]
    pub fn once(mut self, claim: Claim) -> Self {
        self.claim = Some(Arc::new(claim));
        self
    }
    /// Demands a right.
    ///
    /// # Errors
    /// [`Error::Forbidden`] with its name.
    pub fn authorize(&self, permission: Permission) -> Result<(), Error> {
        if self.permissions.allow(permission) { Ok(()) } else { Err(Error::Forbidden(permission.0)) }
    }
    /// Who acts.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    /// The rights.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }
    /// What may be seen.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
    /// Whose data.
    pub fn tenant(&self) -> &TenantId {
        self.db.tenant()
    }
    /// The way to the tenant's tables, to hand on to another context of the same tenant.
    pub fn db(&self) -> &TenantDb {
        &self.db
    }
    /// Id of the request, in every answer, log line and audit row.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
    /// The event that caused this, when one did.
    pub fn causation(&self) -> Option<&EventId> {
        self.causation.as_ref()
    }
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.db.runtime().clock.now()
    }
    /// The clock, for work that goes on.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.db.runtime().clock
    }
    /// A write transaction; prefer [`crate::write_tx!`], which runs again when the database asks for it.
    ///
    /// # Errors
    /// The database's, or [`crate::idempotency::REPEATED`] when another request with the same key had the effect.
    pub async fn begin_write(&self) -> Result<TenantTx, Error> {
        let mut tx = self.db.begin(self.scope.clone(), Some(self.priority)).await?;
        if let Some(claim) = &self.claim {
            claim.hold(&mut tx, self.now()).await?;
        }
        Ok(tx)
    }
    /// A read transaction; dropped, it ends.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_read(&self) -> Result<TenantTx, Error> {
        Ok(self.db.begin(self.scope.clone(), None).await?)
    }
}
