use super::{DONE, ERASE_CUSTOMER, ERASE_USER, STARTED, job, may_see, right};
use atalaya_kernel::{
    Ctx, Error, Permission, Principal, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::CustomerId,
    page::{Page, PageQuery},
    personal::{
        Person, PersonKind,
        erasures::{self, DataErasure, ErasureState},
    },
    write_tx,
};
use atalaya_money::{
    billing,
    services::{self, Status},
};
use atalaya_network::attachments;
use atalaya_people::{
    approvals::{self, Approval, NewApproval, Operation},
    customers, identity,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What came of asking for an erasure: it has begun, or a second person has to agree first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasureAsked {
    /// The erasure, which a job is carrying out.
    pub erasure: Option<DataErasure>,
    /// What waits for a second person; nothing is done before.
    pub approval: Option<Approval>,
}

/// What a second person agrees to.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    person: String,
    reason: String,
    requested_by: String,
}

/// Asks that everything personal be taken out of what is held of a person. It begins at once where nobody else of the ISP could agree to
/// it.
///
/// # Errors
/// A person who is not there or not seen, `already_erased`, `erasure_pending`, `customer_has_services`, `customer_is_connected`,
/// `customer_owes`, `user_enabled`, `own_user`, no reason, without the right, or without a fresh proof.
pub async fn erasure_ask(ctx: &Ctx, person: &Person, reason: &str) -> Result<ErasureAsked, Error> {
    ctx.authorize_whole(right(person))?;
    let mut validation = Validation::new();
    let reason = validation.text(reason, "/reason", 400);
    validation.finish()?;
    let (_, requested_by, _) = ctx.principal().parts();
    let asked = Asked { person: person.id().to_owned(), reason, requested_by };
    write_tx!(ctx, tx => {
        ready(ctx, &mut tx, person).await?;
        if identity::another_may(ctx, &mut tx, &[approvals::DECIDE, right(person)]).await? {
            let new = NewApproval {
                operation: right(person).0,
                entity: person.entity(),
                summary: format!("Erase what is held of a {}", person.kind()),
                payload: serde_json::to_value(&asked).map_err(Error::internal)?,
            };
            let approval = approvals::approval_request(ctx, &mut tx, new).await?;
            return Ok(ErasureAsked { erasure: None, approval: Some(approval) });
        }
        let erasure = begin(ctx, &mut tx, person, &asked).await?;
        Ok(ErasureAsked { erasure: Some(erasure), approval: None })
    })
}

/// An erasure that somebody asked for and somebody else agrees to.
#[derive(Debug, Clone, Copy)]
pub struct Decided(pub PersonKind);

#[async_trait::async_trait]
impl Operation for Decided {
    fn name(&self) -> &'static str {
        self.permission().0
    }
    fn permission(&self) -> Permission {
        match self.0 {
            PersonKind::Customer => ERASE_CUSTOMER,
            PersonKind::User => ERASE_USER,
        }
    }
    async fn run(&self, ctx: &Ctx, tx: &mut TenantTx, payload: &Value) -> Result<(), Error> {
        let asked: Asked = serde_json::from_value(payload.clone()).map_err(Error::internal)?;
        let person = Person::of(&asked.person).filter(|person| person.kind() == self.0);
        let person = person.ok_or_else(|| Error::internal("an erasure is of a person of its sort"))?;
        ready(ctx, tx, &person).await?;
        begin(ctx, tx, &person, &asked).await.map(drop)
    }
}

/// Erasures of a person: one at most.
///
/// # Errors
/// An id of nobody, without the right, or a cursor of another list.
pub async fn erasures_list(ctx: &Ctx, person: &str, page: &PageQuery) -> Result<Page<DataErasure>, Error> {
    let person = Person::of(person).ok_or(Error::NotFound)?;
    if !may_see(ctx, &person) {
        return Err(Error::Forbidden(right(&person).0));
    }
    let mut tx = ctx.begin_read().await?;
    match &person {
        Person::Customer(id) => customers::customer_find(&mut tx, id).await.map(drop)?,
        Person::User(id) => identity::user_row(&mut tx, id).await.map(drop)?,
    }
    erasures::erasures_list(&mut tx, &person, page).await
}

/// Demands that there is such a person, whom the caller may see and about whom nothing is going on any more.
async fn ready(ctx: &Ctx, tx: &mut TenantTx, person: &Person) -> Result<(), Error> {
    match person {
        Person::Customer(id) => customers::customer_find(tx, id).await.map(drop)?,
        Person::User(id) => {
            let user = identity::user_row(tx, id).await?;
            identity::may_change(ctx, tx, &user).await?;
            if matches!(ctx.principal(), Principal::User { id: caller, .. } if caller == id) {
                return Err(Error::conflict("own_user", "somebody else erases you"));
            }
            if !user.disabled {
                return Err(Error::conflict("user_enabled", "disable the user first"));
            }
        }
    }
    if let Some(erasure) = erasures::erasure_of(tx, person).await? {
        return Err(match erasure.state {
            ErasureState::Pending => Error::conflict("erasure_pending", "it is being done"),
            ErasureState::Done => Error::conflict("already_erased", "it was done before"),
        });
    }
    match person {
        Person::Customer(id) => nothing_open(tx, id).await,
        Person::User(_) => Ok(()),
    }
}

/// Demands that a customer is served no more, stands on no device and owes nothing.
async fn nothing_open(tx: &mut TenantTx, id: &CustomerId) -> Result<(), Error> {
    let all = services::services_of_customers(tx, std::slice::from_ref(id)).await?;
    if all.iter().any(|service| service.status != Status::Terminated) {
        return Err(Error::conflict("customer_has_services", "end the customer's services first"));
    }
    let ids: Vec<_> = all.into_iter().map(|service| service.id).collect();
    if !attachments::attachments_of_services(tx, &ids).await?.is_empty() {
        let detail = "the customer still stands on a device: remove the connections, and wait until an agent has done it";
        return Err(Error::conflict("customer_is_connected", detail));
    }
    if billing::owes(tx, id).await? {
        return Err(Error::conflict(
            "customer_owes",
            "the debt could not be claimed: settle or void it first",
        ));
    }
    Ok(())
}

async fn begin(ctx: &Ctx, tx: &mut TenantTx, person: &Person, asked: &Asked) -> Result<DataErasure, Error> {
    let erasure = erasures::erasure_insert(ctx, tx, person, &asked.requested_by, &asked.reason).await?;
    job::ask(ctx, tx, &erasure.id).await?;
    note(ctx, tx, STARTED, person, None, &erasure).await?;
    Ok(erasure)
}

/// Notes in the transaction that ends its job that an erasure is done.
pub(super) async fn finished(ctx: &Ctx, tx: &mut TenantTx, before: &DataErasure) -> Result<(), Error> {
    if !erasures::erasure_finish(ctx, tx, &before.id).await? {
        return Ok(());
    }
    let after = erasures::erasure_get(tx, &before.id).await?;
    note(ctx, tx, DONE, &before.person()?, Some(before), &after).await
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    person: &Person,
    before: Option<&DataErasure>,
    after: &DataErasure,
) -> Result<(), Error> {
    let entity = EntityRef::new("data_erasure", &after.id);
    let mut entry = Entry::new(right(person).0, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry.reason(&after.reason)).await?;
    let facts = json!({"id": after.id, "person_kind": person.kind(), "person_id": person.id()});
    let related = format!("{}_id", person.kind());
    events::emit(ctx, tx, NewEvent::new(kind, entity, facts).related(&related, person.id())).await?;
    Ok(())
}
