//! The one value that comes first in every use case: who asks, for which tenant, with which permissions, within which
//! scope, on which request, because of which event, at what time.

use crate::{
    Error,
    db::{Priority, TenantDb, TenantTx},
    idempotency::Claim,
    ids::{
        AgentId, ApiKeyId, CustomerId, EventId, OperatorId, PartnerId, SiteId, TenantId, TokenFamilyId,
        UserId,
    },
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
    /// A program with a key of its own.
    ApiKey {
        /// Which key.
        id: ApiKeyId,
        /// Name at the time.
        name: String,
    },
    /// A program that acts for a person of the staff, with tokens that it was given with their password.
    Token {
        /// For whom.
        user: UserId,
        /// Which program: the family of its tokens.
        family: TokenFamilyId,
        /// Name of the person at the time, and of the program.
        name: String,
    },
    /// A person who runs the installation.
    Operator {
        /// Who.
        id: OperatorId,
        /// Name at the time.
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
            Self::ApiKey { id, name } => ("api_key", id.to_string(), name.clone()),
            // The person's id, so that what is done for somebody is found with what they did.
            Self::Token { user, name, .. } => ("token", user.to_string(), name.clone()),
            Self::Operator { id, name } => ("operator", id.to_string(), name.clone()),
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
    /// A reseller's customers and sites. No table says yet which those are, so it sees nothing.
    Partner(PartnerId),
    /// One customer: the portal.
    Customer(CustomerId),
}

/// Whoever uses a dangerous right must have shown within this time who they are, ms.
pub const STEP_UP_MS: i64 = 10 * 60_000;

/// A named right, declared by the domain that asks for it, e.g. `invoice.void`: its name, and whether it is dangerous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(pub &'static str, bool);

impl Permission {
    /// An ordinary right.
    pub const fn new(name: &'static str) -> Self {
        Self(name, false)
    }
    /// A right whose misuse would hurt: a person must have logged in or stepped up a short while ago to use it.
    pub const fn dangerous(name: &'static str) -> Self {
        Self(name, true)
    }
    /// Whether it is dangerous.
    pub const fn is_dangerous(self) -> bool {
        self.1
    }
    /// The noun before the dot: rights of one noun belong together.
    pub fn group(self) -> &'static str {
        self.0.split('.').next().unwrap_or(self.0)
    }
}

/// The rights of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// Every right: owners, the command line and the control plane's own work.
    All,
    /// Every right but these.
    AllBut(BTreeSet<String>),
    /// These and no others.
    These(BTreeSet<String>),
}

impl Permissions {
    /// Whether the right is among them.
    pub fn allow(&self, permission: Permission) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(names) => !names.contains(permission.0),
            Self::These(names) => names.contains(permission.0),
        }
    }
    /// Whether whoever holds these holds all of the others too. A list that happens to name every right there is does not
    /// cover "every right": tomorrow there is one more.
    pub fn cover(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (Self::AllBut(without), Self::All) => without.is_empty(),
            (Self::AllBut(without), Self::AllBut(others)) => without.is_subset(others),
            (Self::AllBut(without), Self::These(others)) => without.is_disjoint(others),
            (Self::These(held), Self::These(others)) => others.is_subset(held),
            (Self::These(_), Self::All | Self::AllBut(_)) => false,
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
    /// When a person last showed who they are; none for whoever is not asked to.
    proved_at: Option<Timestamp>,
    read_only: bool,
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
            proved_at: None,
            read_only: false,
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
    /// The same for a person who showed at an instant who they are: dangerous rights ask for it again after
    /// [`STEP_UP_MS`].
    #[must_use]
    pub fn proved_at(mut self, instant: Timestamp) -> Self {
        self.proved_at = Some(instant);
        self
    }
    /// The same for somebody of a tenant whose state lets nothing be changed: the door refuses their changes, but for those
    /// of their own log-in.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }
    /// Whether the tenant's state lets nothing be changed.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }
    /// Demands a right.
    ///
    /// # Errors
    /// [`Error::Forbidden`] with its name; [`Error::StepUpRequired`] for a dangerous one when the person's proof is old.
    pub fn authorize(&self, permission: Permission) -> Result<(), Error> {
        if !self.permissions.allow(permission) {
            return Err(Error::Forbidden(permission.0));
        }
        if permission.is_dangerous() { self.demand_proof() } else { Ok(()) }
    }
    /// Demands a right over what is of the tenant as a whole: whoever sees a part of it only is refused.
    ///
    /// # Errors
    /// As [`Ctx::authorize`], and [`Error::Forbidden`] under a narrower scope.
    pub fn authorize_whole(&self, permission: Permission) -> Result<(), Error> {
        if self.scope != Scope::All {
            return Err(Error::Forbidden(permission.0));
        }
        self.authorize(permission)
    }
    /// Demands that a person showed a short while ago who they are.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`].
    pub fn demand_proof(&self) -> Result<(), Error> {
        match self.proved_at {
            Some(at) if self.now() >= at.plus_millis(STEP_UP_MS) => Err(Error::StepUpRequired),
            _ => Ok(()),
        }
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
    /// For reading, until it is dropped: each statement sees what is committed when it begins, so two of them may see two moments.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_read(&self) -> Result<TenantTx, Error> {
        Ok(self.db.begin(self.scope.clone(), None).await?)
    }
}
