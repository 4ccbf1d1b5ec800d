use super::{
    Credentials, Device, DeviceChange, DeviceKind, DeviceMode, NewDevice, WRITE, events, findable,
    reading::show_one,
    store::{self, DeviceRow},
};
use crate::{agents, provisioning};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self as facts, EntityRef, NewEvent},
    ids::DeviceId,
    search, write_tx,
};
use atalaya_people::platform::plans::{self, Limit};
use serde_json::json;
use std::fmt::Display;

/// Context under which a device's credentials are sealed.
pub(crate) fn credentials_context(id: impl Display) -> String {
    format!("device/{id}/credentials")
}

/// Looks at what every device must satisfy; shared by adding, changing and testing.
pub(super) fn check(validation: &mut Validation, row: &DeviceRow, credentials: Option<&Credentials>) {
    validation
        .check(!row.host.is_empty(), "/host", "required", "an IP address or host name")
        .check(row.host.len() <= 253, "/host", "too_long", "at most 253 characters")
        .check(
            row.host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:%".contains(c)),
            "/host",
            "malformed",
            "an IP address or host name, without port or scheme",
        )
        .check(row.port != Some(0), "/port", "out_of_range", "1 to 65535")
        .check(
            (10..=3_600).contains(&row.measure_interval_s),
            "/measure_interval_s",
            "out_of_range",
            "10 to 3600 seconds",
        )
        .check(
            row.tls_fingerprint
                .as_ref()
                .is_none_or(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())),
            "/tls_fingerprint",
            "malformed",
            "64 hexadecimal digits (SHA-256)",
        )
        .check(
            !row.tls || row.kind == DeviceKind::Routeros,
            "/tls",
            "unsupported",
            "only RouterOS devices are spoken to over TLS",
        )
        .check(
            !row.legacy_login || row.kind == DeviceKind::Routeros,
            "/legacy_login",
            "unsupported",
            "only RouterOS devices are logged into by challenge",
        )
        .check(
            row.max_in_flight.is_none_or(|most| (1..=64).contains(&most)),
            "/max_in_flight",
            "out_of_range",
            "1 to 64 commands",
        );
    let fits = match (row.kind, credentials) {
        (_, None) => true,
        (DeviceKind::Routeros, Some(Credentials::UserPassword { user, .. })) => !user.trim().is_empty(),
        (DeviceKind::Snmp, Some(Credentials::Community { community })) => !community.is_empty(),
        (_, Some(_)) => false,
    };
    validation.check(
        fits,
        "/credentials",
        "wrong_kind",
        "RouterOS takes {user, password}, SNMP takes {community}, ICMP takes none",
    );
}

/// A row from a request; credentials stay outside.
pub(super) fn row_of(id: DeviceId, new: &NewDevice) -> DeviceRow {
    DeviceRow {
        id,
        site_id: new.site_id.clone(),
        agent_id: new.agent_id.clone(),
        name: new.name.trim().to_owned(),
        kind: new.kind,
        host: new.host.trim().to_owned(),
        port: new.port.map(i64::from),
        tls: new.tls,
        tls_fingerprint: fingerprint(new.tls_fingerprint.as_deref()),
        sealed_credentials: None,
        mode: DeviceMode::Observe,
        measure_interval_s: new.measure_interval_s.unwrap_or(60),
        ping: new.ping.unwrap_or(true),
        cut_profile: word_or(new.cut_profile.as_deref(), "cut"),
        cut_address_list: word_or(new.cut_address_list.as_deref(), "cortados"),
        legacy_login: new.legacy_login,
        max_in_flight: new.max_in_flight,
        version: 1,
    }
}

/// Colons are how some tools print it.
fn fingerprint(text: Option<&str>) -> Option<String> {
    let text = text?.trim().replace(':', "").to_ascii_lowercase();
    (!text.is_empty()).then_some(text)
}

fn word_or(text: Option<&str>, default: &str) -> String {
    text.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(default).to_owned()
}

pub(super) async fn seal(
    tx: &mut TenantTx,
    id: &DeviceId,
    credentials: Option<&Credentials>,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(credentials) = credentials else { return Ok(None) };
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(credentials).map_err(Error::internal)?);
    let runtime = tx.runtime().clone();
    runtime.secrets.seal(tx, &credentials_context(id), &plain).await.map(Some)
}

/// Adds a device; it observes.
///
/// # Errors
/// Wrong fields, unknown site or agent, `plan_limit_reached`, or without `device.write`.
pub async fn device_create(ctx: &Ctx, new: NewDevice) -> Result<Device, Error> {
    ctx.authorize(WRITE)?;
    let now = ctx.now();
    let mut row = row_of(DeviceId::new(now), &new);
    let mut validation = Validation::new();
    row.name = validation.text(&new.name, "/name", 80);
    check(&mut validation, &row, new.credentials.as_ref());
    validation.finish()?;
    write_tx!(ctx, tx => {
        atalaya_places::sites::site_exists(&mut tx, &row.site_id, "/site_id").await?;
        agents::agent_exists(&mut tx, &row.agent_id, "/agent_id").await?;
        if let Some(room) = plans::room(&mut tx, Limit::Devices).await? {
            room.take(store::devices_count(&mut tx).await?, 1)?;
        }
        let mut row = row.clone();
        row.sealed_credentials = seal(&mut tx, &row.id, new.credentials.as_ref()).await?;
        store::device_insert(&mut tx, &row, now).await?;
        search::put(&mut tx, &findable::entry(&row), now).await?;
        agents::config_signal(&mut tx, &row.agent_id).await?;
        let device = show_one(&mut tx, row).await?;
        let entity = EntityRef::new("device", &device.id);
        audit::record(ctx, &mut tx, Entry::new(WRITE.0, entity.clone()).after(&device)?).await?;
        let payload = serde_json::to_value(&device).map_err(Error::internal)?;
        facts::emit(ctx, &mut tx, NewEvent::new(events::CREATED, entity, payload).related("site_id", &device.site_id)).await?;
        Ok(device)
    })
}

/// Changes a device that is still at `version`. Another address, agent or log-in puts it back to `observe`: what is
/// behind it may be another machine.
///
/// # Errors
/// Not found, changed meanwhile, wrong fields, or without `device.write`.
pub async fn device_update(
    ctx: &Ctx,
    id: &DeviceId,
    version: i64,
    change: DeviceChange,
) -> Result<Device, Error> {
    ctx.authorize(WRITE)?;
    write_tx!(ctx, tx => {
        let before = store::device_get(&mut tx, id).await?;
        let mut after = changed(&before, &change);
        let mut validation = Validation::new();
        after.name = validation.text(&after.name, "/name", 80);
        check(&mut validation, &after, change.credentials.as_ref());
        validation.finish()?;
        if change.site_id.is_some() {
            atalaya_places::sites::site_exists(&mut tx, &after.site_id, "/site_id").await?;
        }
        if change.agent_id.is_some() {
            agents::agent_exists(&mut tx, &after.agent_id, "/agent_id").await?;
        }
        if change.credentials.is_some() {
            after.sealed_credentials = seal(&mut tx, id, change.credentials.as_ref()).await?;
        }
        if (&before.host, &before.agent_id, before.port) != (&after.host, &after.agent_id, after.port) {
            after.mode = DeviceMode::Observe;
        }
        if before.version != version || !store::device_write(&mut tx, &after, version, ctx.now()).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        search::put(&mut tx, &findable::entry(&after), ctx.now()).await?;
        for agent in [&before.agent_id, &after.agent_id] {
            agents::config_signal(&mut tx, agent).await?;
        }
        if before.agent_id != after.agent_id {
            // The new agent must get every point of the device, whatever it has seen before.
            provisioning::points_restamp(ctx, &mut tx, id).await?;
        }
        let (before, after) = (show_one(&mut tx, before).await?, show_one(&mut tx, after).await?);
        let entity = EntityRef::new("device", id);
        audit::record(ctx, &mut tx, Entry::new(WRITE.0, entity.clone()).before(&before)?.after(&after)?).await?;
        let payload = serde_json::to_value(&after).map_err(Error::internal)?;
        facts::emit(ctx, &mut tx, NewEvent::new(events::UPDATED, entity, payload).related("site_id", &after.site_id)).await?;
        Ok(after)
    })
}

fn changed(before: &DeviceRow, change: &DeviceChange) -> DeviceRow {
    let text = |new: &Option<String>, old: &str| {
        new.as_deref().map_or_else(|| old.to_owned(), |text| text.trim().to_owned())
    };
    DeviceRow {
        site_id: change.site_id.clone().unwrap_or_else(|| before.site_id.clone()),
        agent_id: change.agent_id.clone().unwrap_or_else(|| before.agent_id.clone()),
        name: text(&change.name, &before.name),
        host: text(&change.host, &before.host),
        port: change.port.map(i64::from).or(before.port),
        tls: change.tls.unwrap_or(before.tls),
        tls_fingerprint: match &change.tls_fingerprint {
            Some(text) => fingerprint(Some(text)),
            None => before.tls_fingerprint.clone(),
        },
        measure_interval_s: change.measure_interval_s.unwrap_or(before.measure_interval_s),
        ping: change.ping.unwrap_or(before.ping),
        cut_profile: word_or(change.cut_profile.as_deref(), &before.cut_profile),
        cut_address_list: word_or(change.cut_address_list.as_deref(), &before.cut_address_list),
        legacy_login: change.legacy_login.unwrap_or(before.legacy_login),
        max_in_flight: match change.max_in_flight {
            None => before.max_in_flight,
            Some(most) => (most != 0).then_some(most),
        },
        version: before.version + 1,
        ..before.clone()
    }
}

/// Removes a device on which nothing is enforced.
///
/// # Errors
/// Not found, services attached to it, or without `device.write`.
pub async fn device_delete(ctx: &Ctx, id: &DeviceId) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    write_tx!(ctx, tx => {
        let row = store::device_get(&mut tx, id).await?;
        provisioning::forgotten_points_drop(&mut tx, id).await?;
        let agent = row.agent_id.clone();
        let before = show_one(&mut tx, row).await?;
        store::device_delete(&mut tx, id).await?;
        search::remove(&mut tx, id.as_str()).await?;
        agents::config_signal(&mut tx, &agent).await?;
        let entity = EntityRef::new("device", id);
        audit::record(ctx, &mut tx, Entry::new(WRITE.0, entity.clone()).before(&before)?).await?;
        let event = NewEvent::new(events::REMOVED, entity, json!({"name": before.name}));
        facts::emit(ctx, &mut tx, event.related("site_id", &before.site_id)).await?;
        Ok(())
    })
}
