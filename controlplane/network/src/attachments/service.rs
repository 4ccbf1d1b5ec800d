use super::{
    Attachment, NewAttachment, WRITE, events,
    store::{self, AttachmentRow},
};
use crate::{
    devices::{self, DeviceKind},
    findable,
    provisioning::{self, AttachmentKind, NewPoint},
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
    ctx.authorize(WRITE)?;
    let now = ctx.now();
    let Access { user, address, profile } = check(&new)?;
    let id = AttachmentId::new(now);
    write_tx!(ctx, tx => {
        let of = services::service_find(&mut tx, service).await?;
        if of.status == Status::Terminated {
            return Err(Error::conflict("service_terminated", "the service has ended"));
        }
        check_devices(&mut tx, &new).await?;
        let runtime = tx.runtime().clone();
        let sealed_password = match &new.password {
            Some(password) => {
                let context = password_context(&id);
                Some(runtime.secrets.seal(&mut tx, &context, password.expose().as_bytes()).await?)
            }
            None => None,
        };
        let row = AttachmentRow {
            id: id.clone(),
            service_id: service.clone(),
            customer_id: of.customer_id.clone(),
            kind: new.kind,
            access_user: user.clone(),
            sealed_password,
            profile: profile.clone(),
            address: address.clone(),
            adopt: new.adopt,
            removed_at: None,
        };
        store::attachment_insert(&mut tx, &row, now).await?;
        let key = match new.kind {
            AttachmentKind::Pppoe => format!("pppoe/{}", user.as_deref().unwrap_or_default()),
            AttachmentKind::Static => format!("static/{}", address.as_deref().unwrap_or_default()),
        };
        let devices: Vec<DeviceId> = new.points.iter().map(|point| point.device_id.clone()).collect();
        provisioning::access_take_over(ctx, &mut tx, &devices, &key).await?;
        for point in &new.points {
            let point = NewPoint {
                id: PointId::new(now),
                attachment_id: &id,
                service_id: service,
                device_id: &point.device_id,
                access_key: &key,
            };
            provisioning::point_insert(&mut tx, &point, now).await.map_err(taken)?;
        }
        provisioning::service_sync(ctx, &mut tx, service).await?;
        findable::service_found_by(&mut tx, service, now).await?;
        let made = read(&mut tx, &id).await?;
        note(ctx, &mut tx, None, &made, &row).await?;
        Ok(made)
    })
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
    let found = devices::devices_by_ids(tx, &ids).await?;
    let mut validation = Validation::new();
    for (position, id) in ids.iter().enumerate() {
        let pointer = format!("/points/{position}/device_id");
        match found.iter().find(|device| device.id == *id) {
            None => validation.check(false, &pointer, "unknown", "no such device"),
            Some(device) => validation.check(
                device.kind == DeviceKind::Routeros,
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
    write_tx!(ctx, tx => {
        let row = store::attachment_get(&mut tx, id).await?;
        services::service_find(&mut tx, &row.service_id).await?;
        let before = read(&mut tx, id).await?;
        if provisioning::access_release(ctx, &mut tx, id).await? {
            let after = read(&mut tx, id).await?;
            let entry = Entry::new(WRITE.0, EntityRef::new("attachment", id));
            return audit::record(ctx, &mut tx, entry.before(&before)?.after(&after)?).await;
        }
        if row.removed_at.is_some() {
            return Err(Error::NotFound);
        }
        store::attachment_mark_removed(&mut tx, id, ctx.now()).await?;
        provisioning::service_sync(ctx, &mut tx, &row.service_id).await?;
        findable::service_found_by(&mut tx, &row.service_id, ctx.now()).await?;
        let after = read(&mut tx, id).await?;
        note(ctx, &mut tx, Some(&before), &after, &row).await
    })
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
