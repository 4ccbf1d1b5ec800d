use super::{
    Approval, ApprovalList, ApprovalState, DECIDE, DECIDED, NewApproval, Operations, READ, REQUESTED,
    store::{self, Decision},
};
use atalaya_kernel::{
    Ctx, Error, Principal, Validation,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::{self, EntityRef, EventType, NewEvent},
    ids::{ApprovalId, UserId},
    list::ListQuery,
    page::Page,
    write_tx,
};
use serde_json::{Value, json};

/// A request is good for so long, ms.
const GOOD_MS: i64 = 24 * 3_600_000;

/// A person of the staff; a second *person* is what this is about.
fn person(ctx: &Ctx) -> Result<(&UserId, &str), Error> {
    match ctx.principal() {
        Principal::User { id, name } => Ok((id, name)),
        _ => Err(Error::conflict("not_a_person", "only people ask for and give approval")),
    }
}

/// One request.
///
/// # Errors
/// Not found, or without `approval.read`.
pub async fn approval_get(ctx: &Ctx, id: &ApprovalId) -> Result<Approval, Error> {
    ctx.authorize_whole(READ)?;
    let mut tx = ctx.begin_read().await?;
    Ok(store::approval_get(&mut tx, id).await?.at(ctx.now()))
}

/// Requests, newest first unless another order is asked for; only those that wait, when asked.
///
/// # Errors
/// Without `approval.read`, or a cursor of another list or order.
pub async fn approvals_list(ctx: &Ctx, asked: &ListQuery<ApprovalList>) -> Result<Page<Approval>, Error> {
    ctx.authorize_whole(READ)?;
    let mut tx = ctx.begin_read().await?;
    let page = store::approvals_list(&mut tx, asked, ctx.now()).await?;
    Ok(page.map(|row| row.at(ctx.now())))
}

/// Asks for a second person, in the transaction in which it turned out that one is needed. The caller has checked that
/// whoever asks may do it alone otherwise. Asked again while it waits, it is the same request.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn approval_request(ctx: &Ctx, tx: &mut TenantTx, new: NewApproval) -> Result<Approval, Error> {
    let (by, by_name) = person(ctx)?;
    let id = new.entity.id.as_str();
    if let Some(waiting) = store::pending_by_entity(tx, new.operation, [id], ctx.now()).await?.remove(id) {
        return Ok(waiting);
    }
    let now = ctx.now();
    let row = Approval {
        id: ApprovalId::new(now),
        operation: new.operation.to_owned(),
        entity_kind: new.entity.kind,
        entity_id: new.entity.id,
        summary: new.summary,
        state: ApprovalState::Pending,
        requested_by: by.clone(),
        requested_by_name: by_name.to_owned(),
        decided_by: None,
        decided_by_name: None,
        decided_at: None,
        reason: None,
        expires_at: now.plus_millis(GOOD_MS),
        created_at: now,
        payload: new.payload.to_string(),
    };
    store::approval_insert(tx, &row).await?;
    note(ctx, tx, REQUESTED, "approval.request", None, &row).await?;
    Ok(row)
}

/// Approves what somebody else asked for; it runs at once, as whoever approves.
///
/// # Errors
/// Not found, decided or expired, asked for by the caller, what the operation says, without `approval.decide` or the
/// operation's own right.
pub async fn approval_approve(
    ctx: &Ctx,
    operations: &Operations,
    id: &ApprovalId,
) -> Result<Approval, Error> {
    ctx.authorize_whole(DECIDE)?;
    let (by, by_name) = person(ctx)?;
    write_tx!(ctx, tx => {
        let before = waiting(ctx, &mut tx, id).await?;
        if before.requested_by == *by {
            return Err(Error::conflict("own_request", "somebody else approves what you asked for"));
        }
        let operation = operations.find(&before.operation);
        let operation = operation.ok_or_else(|| Error::conflict("unknown_operation", "nothing here does that any more"))?;
        ctx.authorize_whole(operation.permission())?;
        let decision = Decision { state: ApprovalState::Approved, by, by_name, reason: None, at: ctx.now() };
        let after = decide(ctx, &mut tx, &before, &decision, "approval.approve").await?;
        let payload: Value = serde_json::from_str(&before.payload).map_err(Error::internal)?;
        operation.run(ctx, &mut tx, &payload).await?;
        Ok(after)
    })
}

/// Rejects what somebody else asked for, or takes back what the caller asked for.
///
/// # Errors
/// Not found, decided or expired, without a reason, or without `approval.decide` for another's.
pub async fn approval_reject(ctx: &Ctx, id: &ApprovalId, reason: &str) -> Result<Approval, Error> {
    ctx.authorize_whole(READ)?;
    let (by, by_name) = person(ctx)?;
    let mut validation = Validation::new();
    let reason = validation.text(reason, "/reason", 400);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = waiting(ctx, &mut tx, id).await?;
        if before.requested_by != *by {
            ctx.authorize_whole(DECIDE)?;
        }
        let decision = Decision { state: ApprovalState::Rejected, by, by_name, reason: Some(&reason), at: ctx.now() };
        decide(ctx, &mut tx, &before, &decision, "approval.reject").await
    })
}

/// A request, for other use cases, without a permission.
pub(crate) async fn approval_row(tx: &mut TenantTx, id: &ApprovalId) -> Result<Approval, Error> {
    Ok(store::approval_get(tx, id).await?)
}

async fn waiting(ctx: &Ctx, tx: &mut TenantTx, id: &ApprovalId) -> Result<Approval, Error> {
    let row = store::approval_get(tx, id).await?.at(ctx.now());
    match row.state {
        ApprovalState::Pending => Ok(row),
        ApprovalState::Expired => {
            Err(Error::conflict("approval_expired", "it is older than a day: ask again"))
        }
        ApprovalState::Approved | ApprovalState::Rejected => {
            Err(Error::conflict("approval_decided", "it was decided before"))
        }
    }
}

async fn decide(
    ctx: &Ctx,
    tx: &mut TenantTx,
    before: &Approval,
    decision: &Decision<'_>,
    action: &'static str,
) -> Result<Approval, Error> {
    if !store::approval_decide(tx, &before.id, decision).await? {
        // Somebody else decided at the same moment: run again on what is there now.
        return Err(Error::Db(DbError::Conflict));
    }
    let after = store::approval_get(tx, &before.id).await?;
    note(ctx, tx, DECIDED, action, Some(before), &after).await?;
    Ok(after)
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    action: &'static str,
    before: Option<&Approval>,
    after: &Approval,
) -> Result<(), Error> {
    let entity = EntityRef::new("approval", &after.id);
    let mut entry = Entry::new(action, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    if let Some(reason) = &after.reason {
        entry = entry.reason(reason);
    }
    audit::record(ctx, tx, entry).await?;
    let facts = json!({
        "id": after.id, "operation": after.operation, "summary": after.summary, "state": after.state,
    });
    events::emit(ctx, tx, NewEvent::new(kind, entity, facts)).await?;
    Ok(())
}
