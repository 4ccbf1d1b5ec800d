//! What is made of one row, and taken back, each within a transaction.

use super::{
    RowResult,
    rules::{FoundRow, Intent, RowKind, draft},
    store::{ImportRecord, RowRecord, Said},
};
use crate::{
    attachments::{self, NewAttachment, NewAttachmentPoint},
    provisioning::AttachmentKind,
};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{CustomerId, ServiceId},
};
use atalaya_money::services::{self, NewService, Status};
use atalaya_people::{
    customers::{self, NewCustomer},
    tenancy,
};

/// Why a service is cut from its first moment on.
const CUT: &str = "was cut on the router when it was taken over";
/// Why a service ends again.
const UNDONE: &str = "the import that made it was taken back";
/// Profile of a secret that names none.
const DEFAULT_PROFILE: &str = "default";

/// Does what was decided about a row; the row as it is then, or nothing where there is nothing to do.
///
/// # Errors
/// `plan_missing`, and whatever making a customer, a service or an attachment refuses.
pub(super) async fn row_do(
    ctx: &Ctx,
    tx: &mut TenantTx,
    import: &ImportRecord,
    said: &Said,
    row: &RowRecord,
) -> Result<Option<RowRecord>, Error> {
    let found = row.found()?;
    let (intent, cut) = row.intent(said)?;
    let mut done = row.clone();
    let service = match intent {
        Intent::Nothing | Intent::Open => return Ok(None),
        Intent::Attach => row.service_id.clone().ok_or(Error::NotFound)?,
        Intent::AddService => {
            let customer = row.customer_id.clone().ok_or(Error::NotFound)?;
            service_add(ctx, tx, import, said, row, &found, customer, cut).await?
        }
        Intent::MakeCustomer => {
            let draft = draft(&found, row.read()?.as_ref());
            let new = NewCustomer {
                name: shortened(&draft.name, 160),
                document: draft.document.map(|text| shortened(&text, 40)),
                phone: draft.phone.map(|text| shortened(&text, 40)),
                email: None,
                address: draft.address.map(|text| shortened(&text, 240)),
                notes: draft.notes.map(|text| shortened(&text, 4_000)),
            };
            let customer = customers::customer_make(ctx, tx, &new).await?.id;
            done.made_customer = true;
            service_add(ctx, tx, import, said, row, &found, customer, cut).await?
        }
    };
    done.made_service = intent != Intent::Attach;
    let attachment =
        attachments::attachment_take_over(ctx, tx, &service, &attachment(import, &found)).await?;
    let service = services::service_find(tx, &service).await?;
    (done.failure, done.failure_code) = (None, None);
    done.result = Some(RowResult::Made);
    done.attachment_id = Some(attachment.id);
    done.customer_id = Some(service.customer_id);
    done.service_version = Some(service.version);
    done.service_id = Some(service.id);
    Ok(Some(done))
}

#[allow(clippy::too_many_arguments, reason = "one step of the function above")]
async fn service_add(
    ctx: &Ctx,
    tx: &mut TenantTx,
    import: &ImportRecord,
    said: &Said,
    row: &RowRecord,
    found: &FoundRow,
    customer_id: CustomerId,
    cut: bool,
) -> Result<ServiceId, Error> {
    let Some(plan) = said.plan(&found.profile) else {
        return Err(Error::conflict(
            "plan_missing",
            format!("no plan was chosen for the profile {:?}", found.profile),
        ));
    };
    // Months before it was taken over were billed elsewhere.
    let today = ctx.now().date_in(&tenancy::settings(tx).await?.time_zone);
    let new = NewService {
        customer_id,
        plan_id: plan.clone(),
        site_id: import.site_id.clone(),
        address: row.read()?.and_then(|read| read.address).map(|text| shortened(&text, 240)),
        starts_on: Some(today.end_of_month().plus_days(1)),
    };
    let service = services::service_make(ctx, tx, &new).await?.id;
    if cut {
        services::service_suspend(ctx, tx, &service, CUT).await?;
    }
    Ok(service)
}

/// How a row is attached. A secret is the subscriber's own, recognised by a person or by what is exact about it: it is
/// adopted. What else there is by an address has no owner, and nothing to adopt.
fn attachment(import: &ImportRecord, found: &FoundRow) -> NewAttachment {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let points = vec![NewAttachmentPoint { device_id: import.device_id.clone() }];
    match found.kind {
        RowKind::Secret => NewAttachment {
            kind: AttachmentKind::Pppoe,
            user: text(&found.user),
            password: None,
            address: text(&found.address),
            profile: text(&found.profile).or_else(|| Some(DEFAULT_PROFILE.to_owned())),
            points,
            adopt: true,
        },
        RowKind::Lease | RowKind::Queue | RowKind::ListEntry => NewAttachment {
            kind: AttachmentKind::Static,
            user: None,
            password: None,
            address: text(&found.address),
            profile: None,
            points,
            adopt: false,
        },
    }
}

fn shortened(text: &str, most: usize) -> String {
    text.trim().chars().take(most).collect()
}

/// Takes back what was made of a row, and leaves the router as it is: the way there is let go of, not ended. Nothing where somebody changed the service since, or it is gone.
///
/// # Errors
/// The database's.
pub(super) async fn row_undo(
    ctx: &Ctx,
    tx: &mut TenantTx,
    row: &RowRecord,
) -> Result<Option<RowRecord>, Error> {
    let (Some(service), Some(attachment)) = (&row.service_id, &row.attachment_id) else { return Ok(None) };
    let found = match services::service_find(tx, service).await {
        Ok(found) => found,
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    if Some(found.version) != row.service_version {
        return Ok(None);
    }
    match attachments::attachment_let_go(ctx, tx, attachment).await {
        // Somebody detached it: the way there is gone already.
        Ok(()) | Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    if row.made_service && found.status != Status::Terminated {
        services::service_end(ctx, tx, service, UNDONE).await?;
    }
    Ok(Some(RowRecord { result: None, ..row.clone() }))
}
