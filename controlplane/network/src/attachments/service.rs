use super::{
    Attachment, NewAttachment, WRITE, events,
    store::{self, AttachmentRow},
};
use crate::{
    devices::{self, DeviceKind},
    findable,
    provisioning::{self, AttachmentKind, NewPoint, PointState},
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::{self as facts, EntityRef, NewEvent},
    ids::{AttachmentId, DeviceId, PointId, ServiceId},
    write_tx,
};
use atalaya_money::services::{self, Status};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    net::IpAddr,
};

/// Context under which an attachment's password is sealed.
pub(crate) fn password_context(id: impl Display) -> String {
    format!("attachment/{id}/password")
}

/// Most devices that enforce one attachment.
const MAX_POINTS: usize = 8;

/// Attaches a service to the network.
///
/// # Errors
/// Service not found or ended, wrong fields, a user or address that is taken on the device, or without
/// `attachment.write`.
pub async fn attachment_create(
    ctx: &Ctx,
    service: &ServiceId,
    new: NewAttachment,
) -> Result<Attachment, Error> {
    let access = checked(ctx, &new)?;
    write_tx!(ctx, tx => { add(ctx, &mut tx, service, &new, &access, Speed::OfThePlan).await })
}

/// Attaches a service within a transaction that does more than that.
///
/// # Errors
/// As [`attachment_create`].
pub async fn attachment_make(
    ctx: &Ctx,
    tx: &mut TenantTx,
    service: &ServiceId,
    new: &NewAttachment,
) -> Result<Attachment, Error> {
    let access = checked(ctx, new)?;
    add(ctx, tx, service, new, &access, Speed::OfThePlan).await
}

/// Attaches a service to what stands on the device already: its speed is left as it is there. Within a transaction that does more.
///
/// # Errors
/// As [`attachment_create`].
pub async fn attachment_take_over(
    ctx: &Ctx,
    tx: &mut TenantTx,
    service: &ServiceId,
    new: &NewAttachment,
) -> Result<Attachment, Error> {
    let access = checked(ctx, new)?;
    add(ctx, tx, service, new, &access, Speed::AsItIs).await
}

/// What becomes of the speed on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speed {
    OfThePlan,
    AsItIs,
}

/// What the attachment that somebody asks for takes, if they may.
fn checked(ctx: &Ctx, new: &NewAttachment) -> Result<Access, Error> {
    ctx.authorize(WRITE)?;
    check(new)
}

async fn add(
    ctx: &Ctx,
    tx: &mut TenantTx,
    service: &ServiceId,
    new: &NewAttachment,
    access: &Access,
    speed: Speed,
) -> Result<Attachment, Error> {
    let now = ctx.now();
    let of = services::service_find(tx, service).await?;
    if of.status == Status::Terminated {
        return Err(Error::conflict("service_terminated", "the service has ended"));
    }
    check_devices(tx, new).await?;
    let id = AttachmentId::new(now);
    let runtime = tx.runtime().clone();
    let sealed_password = match &new.password {
        Some(password) => {
            let context = password_context(&id);
            Some(runtime.secrets.seal(tx, &context, password.expose().as_bytes()).await?)
        }
        None => None,
    };
    let row = AttachmentRow {
        id: id.clone(),
        service_id: service.clone(),
        customer_id: of.customer_id.clone(),
        kind: new.kind,
        access_user: access.user.clone(),
        sealed_password,
        profile: access.profile.clone(),
        address: access.address.clone(),
        adopt: new.adopt,
        speed_managed: speed == Speed::OfThePlan,
        removed_at: None,
    };
    store::attachment_insert(tx, &row, now).await?;
    let key = access_key(new.kind, access.user.as_deref(), access.address.as_deref());
    let devices: Vec<DeviceId> = new.points.iter().map(|point| point.device_id.clone()).collect();
    provisioning::access_take_over(ctx, tx, &devices, &key).await?;
    for point in &new.points {
        let point = NewPoint {
            id: PointId::new(now),
            attachment_id: &id,
            service_id: service,
            device_id: &point.device_id,
            access_key: &key,
        };
        provisioning::point_insert(tx, &point, now).await.map_err(taken)?;
    }
    provisioning::service_sync(ctx, tx, service).await?;
    findable::service_found_by(tx, service, now).await?;
    let made = read(tx, &id).await?;
    note(ctx, tx, None, &made, &row).await?;
    Ok(made)
}

/// What an attachment takes on a device: no two there share it.
pub(crate) fn access_key(kind: AttachmentKind, user: Option<&str>, address: Option<&str>) -> String {
    match kind {
        AttachmentKind::Pppoe => format!("pppoe/{}", user.unwrap_or_default()),
        AttachmentKind::Static => format!("static/{}", address.unwrap_or_default()),
    }
}

/// What an attachment takes on its devices, checked and trimmed.
struct Access {
    user: Option<String>,
    address: Option<String>,
    profile: Option<String>,
}

fn check(new: &NewAttachment) -> Result<Access, Error> {
    let mut validation = Validation::new();
    let user = validation.optional_text(new.user.as_deref(), "/user", 64);
    let address = validation.optional_text(new.address.as_deref(), "/address", 64);
    let profile = validation.optional_text(new.profile.as_deref(), "/profile", 64);
    let devices: BTreeSet<&DeviceId> = new.points.iter().map(|point| &point.device_id).collect();
    validation
        .check(!new.points.is_empty(), "/points", "required", "name one device at least")
        .check(new.points.len() <= MAX_POINTS, "/points", "too_long", format!("at most {MAX_POINTS} devices"))
        .check(devices.len() == new.points.len(), "/points", "duplicate", "each device once")
        .check(
            address.as_deref().is_none_or(is_address),
            "/address",
            "malformed",
            "an IP address, or a prefix such as 10.30.0.16/30",
        )
        .check(
            new.password
                .as_ref()
                .is_none_or(|password| (1..=128).contains(&password.expose().chars().count())),
            "/password",
            "out_of_range",
            "1 to 128 characters",
        );
    match new.kind {
        AttachmentKind::Pppoe => {
            validation.check(user.is_some(), "/user", "required", "a PPPoE attachment has a user");
        }
        AttachmentKind::Static => {
            validation
                .check(address.is_some(), "/address", "required", "a fixed attachment has an address")
                .check(user.is_none(), "/user", "unexpected", "a fixed attachment has no user")
                .check(
                    new.password.is_none(),
                    "/password",
                    "unexpected",
                    "a fixed attachment has no password",
                )
                .check(!new.adopt, "/adopt", "unexpected", "a fixed attachment has no row to recognise");
        }
    }
    validation.finish()?;
    Ok(Access { user, address, profile })
}

fn is_address(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    // A prefix of zero would be everybody.
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| (8..=most).contains(&bits)))
}

async fn check_devices(tx: &mut TenantTx, new: &NewAttachment) -> Result<(), Error> {
    let ids: Vec<DeviceId> = new.points.iter().map(|point| point.device_id.clone()).collect();
    let kinds = devices::device_kinds(tx, &ids).await?;
    let mut validation = Validation::new();
    for (position, id) in ids.iter().enumerate() {
        let pointer = format!("/points/{position}/device_id");
        match kinds.get(id) {
            None => validation.check(false, &pointer, "unknown", "no such device"),
            Some(kind) => validation.check(
                *kind == DeviceKind::Routeros,
                &pointer,
                "unsupported",
                "subscribers are enforced on RouterOS devices",
            ),
        };
    }
    validation.finish()
}

fn taken(error: DbError) -> Error {
    if error.violates_unique("network_point", &["tenant_id", "device_id", "access_key"]) {
        Error::conflict("access_taken", "this user or address is already attached on that device")
    } else {
        error.into()
    }
}

/// Takes an attachment away; its rows on the devices go, and then it is forgotten. A fixed address stays cut until it is
/// given to someone else, and so does a user whose row is not ours; of one that has ended already, this releases them.
///
/// # Errors
/// Not found, taken away before, or without `attachment.write`.
pub async fn attachment_remove(ctx: &Ctx, id: &AttachmentId) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    write_tx!(ctx, tx => { remove(ctx, &mut tx, id, Rows::Go).await })
}

/// Takes an attachment away as if it had never been, within a transaction that does more than that: what stands on the device stays,
/// and its user or address is free at once. Its agent learns of it by [`let_go_tell`]. For what was taken over by mistake with
/// [`attachment_take_over`].
///
/// # Errors
/// As [`attachment_remove`].
pub async fn attachment_let_go(ctx: &Ctx, tx: &mut TenantTx, id: &AttachmentId) -> Result<(), Error> {
    remove(ctx, tx, id, Rows::Stay).await
}

/// Has the agent of a device forget what was let go there, once all of it is.
///
/// # Errors
/// The database's, or without `attachment.write`.
pub async fn let_go_tell(ctx: &Ctx, tx: &mut TenantTx, device: &DeviceId) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    provisioning::let_go_tell(tx, device).await
}

/// What becomes of the rows on the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Go,
    Stay,
}

async fn remove(ctx: &Ctx, tx: &mut TenantTx, id: &AttachmentId, rows: Rows) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    let row = store::attachment_get(tx, id).await?;
    let service = services::service_find(tx, &row.service_id).await?;
    let before = read(tx, id).await?;
    if rows == Rows::Go && provisioning::access_release(ctx, tx, id).await? {
        let after = read(tx, id).await?;
        let entry = Entry::new(WRITE.0, EntityRef::new("attachment", id));
        return audit::record(ctx, tx, entry.before(&before)?.after(&after)?).await;
    }
    if row.removed_at.is_some() {
        return Err(Error::NotFound);
    }
    if rows == Rows::Go && service.status == Status::Terminated {
        demand_answered(ctx, tx, id, &row.service_id).await?;
    }
    store::attachment_mark_removed(tx, id, ctx.now()).await?;
    if rows == Rows::Stay {
        provisioning::points_let_go(ctx, tx, id).await?;
    }
    provisioning::service_sync(ctx, tx, &row.service_id).await?;
    findable::service_found_by(tx, &row.service_id, ctx.now()).await?;
    let after = read(tx, id).await?;
    note(ctx, tx, Some(&before), &after, &row).await
}

/// Refuses while the end of a service is on its way to the devices: detached now, who has ended would be let go before the
/// cut was made.
async fn demand_answered(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: &AttachmentId,
    service: &ServiceId,
) -> Result<(), Error> {
    // The end may have come this moment.
    provisioning::service_sync(ctx, tx, service).await?;
    let waits = [PointState::Pending, PointState::Held];
    if read(tx, id).await?.points.iter().any(|point| waits.contains(&point.state)) {
        return Err(Error::conflict("still_ending", "its end was not read back on the device yet"));
    }
    Ok(())
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    before: Option<&Attachment>,
    after: &Attachment,
    row: &AttachmentRow,
) -> Result<(), Error> {
    let entity = EntityRef::new("attachment", &after.id);
    let mut entry = Entry::new(WRITE.0, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry).await?;
    let kind = if before.is_some() { events::REMOVED } else { events::CREATED };
    let payload = serde_json::to_value(after).map_err(Error::internal)?;
    let event = NewEvent::new(kind, entity, payload)
        .related("service_id", &after.service_id)
        .related("customer_id", &row.customer_id);
    facts::emit(ctx, tx, event).await?;
    Ok(())
}

async fn read(tx: &mut TenantTx, id: &AttachmentId) -> Result<Attachment, Error> {
    let row = store::attachment_get(tx, id).await?;
    shown(tx, vec![row]).await?.into_iter().next().ok_or(Error::NotFound)
}

async fn shown(tx: &mut TenantTx, rows: Vec<AttachmentRow>) -> Result<Vec<Attachment>, Error> {
    let ids: Vec<AttachmentId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut points: BTreeMap<AttachmentId, Vec<provisioning::Point>> = BTreeMap::new();
    for point in provisioning::points_of_attachments(tx, &ids).await? {
        points.entry(point.attachment_id.clone()).or_default().push(point.shown());
    }
    let attachments = rows.into_iter().map(|row| Attachment {
        points: points.remove(&row.id).unwrap_or_default(),
        id: row.id,
        service_id: row.service_id,
        kind: row.kind,
        user: row.access_user,
        address: row.address,
        profile: row.profile,
        adopt: row.adopt,
        removed: row.removed_at.is_some(),
    });
    Ok(attachments.collect())
}

/// Attachments of services, by service; those taken away are shown until their rows are gone. For services that the
/// caller has read, and so may see.
///
/// # Errors
/// The database's.
pub async fn attachments_of_services(
    tx: &mut TenantTx,
    ids: &[ServiceId],
) -> Result<BTreeMap<ServiceId, Vec<Attachment>>, Error> {
    let rows = store::attachments_of_services(tx, ids).await?;
    let mut by_service: BTreeMap<ServiceId, Vec<Attachment>> = BTreeMap::new();
    for attachment in shown(tx, rows).await? {
        if !(attachment.removed && attachment.points.is_empty()) {
            by_service.entry(attachment.service_id.clone()).or_default().push(attachment);
        }
    }
    Ok(by_service)
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn only_addresses_and_narrow_prefixes() {
        for good in ["10.30.0.17", "10.30.0.16/30", "2001:db8:1::/56"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "rquispe", "0.0.0.0/0", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
