use super::{
    AutomaticCuts, CREATED, Countries, Dates, DayHours, LOCALES, Languages, Networks, NewTenant, OfflineCuts,
    Tenant, TenantChange, TenantState, UPDATED, WRITE, Weekdays, door, store,
};
use crate::{access::RoleList, identity::Origin, platform::PlatformCtx};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::TenantId,
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use std::sync::Arc;

/// The caller's tenant. Every user sees its name and formats, so no permission is asked.
///
/// # Errors
/// The database's.
pub async fn tenant_get(ctx: &Ctx) -> Result<Tenant, Error> {
    store::settings(&mut ctx.begin_read().await?).await
}

/// Makes a tenant with its key, at the command line's or the demo's request; the context to go on in it.
///
/// # Errors
/// Wrong fields, a slug that is taken.
pub async fn tenant_create(runtime: &Arc<Runtime>, new: NewTenant) -> Result<(Ctx, Tenant), Error> {
    tenant_create_by(&PlatformCtx::command_line(runtime.clone()), new).await
}

/// Makes a tenant with its key; the caller's context to go on in it.
///
/// # Errors
/// Wrong fields, a slug that is taken.
pub async fn tenant_create_by(platform: &PlatformCtx, new: NewTenant) -> Result<(Ctx, Tenant), Error> {
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 80);
    let slug_fits = (2..=40).contains(&new.slug.len())
        && new.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    validation.check(slug_fits, "/slug", "malformed", "2 to 40 lower-case letters, digits and hyphens");
    check_words(&mut validation, Some(&new.locale), Some(&new.country), None);
    validation.finish()?;
    let (runtime, now) = (platform.runtime(), platform.now());
    let tenant = Tenant {
        id: TenantId::new(now),
        slug: new.slug,
        name,
        country: new.country,
        currency: new.currency,
        time_zone: new.time_zone,
        locale: new.locale,
        brand_color: None,
        logo: None,
        logo_dark: None,
        grace_days: 5,
        debt_tolerance: 0,
        automatic_cuts: AutomaticCuts::OffUntilPreview,
        cut_brake_floor: 10,
        cut_brake_basis_points: 300,
        cut_brake_tenant_basis_points: 200,
        offline_cuts: OfflineCuts::Hold,
        two_person_cuts_from: 0,
        second_factor_roles: RoleList::default(),
        no_cut_weekdays: Weekdays::default(),
        no_cut_dates: Dates::default(),
        quiet_hours: DayHours::default(),
        cut_hours: DayHours::default(),
        languages: Languages::default(),
        allowed_networks: Networks::default(),
        allowed_countries: Countries::default(),
        state: TenantState::Active,
        state_reason: None,
        state_since: None,
        plan_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let ctx = platform.in_tenant(&tenant.id);
    write_tx!(ctx, tx => {
        store::tenant_insert(&mut tx, &tenant).await?;
        runtime.secrets.tenant_key_create(&mut tx, now).await?;
        let entity = EntityRef::new("tenant", &tenant.id);
        let entry = Entry::new("tenant.create", entity.clone()).after(&tenant)?;
        platform.record(&mut tx, entry.clone()).await?;
        audit::record(&ctx, &mut tx, entry).await?;
        let payload = serde_json::to_value(&tenant).map_err(Error::internal)?;
        events::emit(&ctx, &mut tx, NewEvent::new(CREATED, entity, payload)).await?;
        Ok(())
    })?;
    Ok((ctx, tenant))
}

/// Changes the settings that are still at `version`, from the machine itself.
///
/// # Errors
/// As [`tenant_update_from`].
pub async fn tenant_update(ctx: &Ctx, version: i64, change: TenantChange) -> Result<Tenant, Error> {
    update(ctx, version, change, None).await
}

/// Changes the settings that are still at `version`, for somebody who asks from an address.
///
/// # Errors
/// Changed meanwhile, wrong fields, lists that would lock the address out, or without `tenant.write`.
pub async fn tenant_update_from(
    ctx: &Ctx,
    version: i64,
    change: TenantChange,
    origin: &Origin,
) -> Result<Tenant, Error> {
    update(ctx, version, change, Some(origin)).await
}

async fn update(
    ctx: &Ctx,
    version: i64,
    change: TenantChange,
    origin: Option<&Origin>,
) -> Result<Tenant, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 80));
    check_words(
        &mut validation,
        change.locale.as_deref(),
        change.country.as_deref(),
        change.brand_color.as_deref(),
    );
    check_range(&mut validation, change.grace_days, "/grace_days", 0..=365);
    check_range(&mut validation, change.debt_tolerance, "/debt_tolerance", 0..=1_000_000_000);
    check_range(&mut validation, change.cut_brake_floor, "/cut_brake_floor", 0..=100_000);
    check_range(&mut validation, change.cut_brake_basis_points, "/cut_brake_basis_points", 0..=10_000);
    let share = change.cut_brake_tenant_basis_points;
    check_range(&mut validation, share, "/cut_brake_tenant_basis_points", 0..=10_000);
    check_range(&mut validation, change.two_person_cuts_from, "/two_person_cuts_from", 0..=1_000_000);
    validation.check(
        change.second_factor_roles.as_ref().is_none_or(|roles| roles.0.len() <= 50),
        "/second_factor_roles",
        "too_long",
        "at most 50 roles",
    );
    validation.check(
        change.no_cut_dates.as_ref().is_none_or(|dates| dates.0.len() <= 400),
        "/no_cut_dates",
        "too_long",
        "at most 400 dates",
    );
    let (networks, countries) = (change.allowed_networks.as_ref(), change.allowed_countries.as_ref());
    door::check(&mut validation, networks, countries, origin);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = store::settings(&mut tx).await?;
        if before.version != version {
            return Err(Error::VersionConflict { current: before.version });
        }
        if change.automatic_cuts == Some(AutomaticCuts::On) && before.automatic_cuts == AutomaticCuts::OffUntilPreview {
            return Err(Error::conflict("preview_first", "automatic cuts start with a previewed cut run"));
        }
        let after = apply(&before, &change, name.as_deref(), ctx);
        if !after.languages.contain(&after.locale) {
            let pointer = if change.languages.is_some() { "/languages" } else { "/locale" };
            let detail = format!("{} must be among the languages that are offered", after.locale);
            return Err(Error::invalid(pointer, "unknown", detail));
        }
        if let Some(origin) = origin.filter(|_| !change.force) {
            door::not_locked_out(&before, &after, origin)?;
        }
        write(ctx, &mut tx, &before, &after).await?;
        Ok(after)
    })
}

fn apply(before: &Tenant, change: &TenantChange, name: Option<&str>, ctx: &Ctx) -> Tenant {
    Tenant {
        name: name.unwrap_or(&before.name).to_owned(),
        time_zone: change.time_zone.clone().unwrap_or_else(|| before.time_zone.clone()),
        locale: change.locale.clone().unwrap_or_else(|| before.locale.clone()),
        country: change.country.clone().unwrap_or_else(|| before.country.clone()),
        brand_color: change
            .brand_color
            .clone()
            .or_else(|| before.brand_color.clone())
            .filter(|color| !color.is_empty()),
        grace_days: change.grace_days.unwrap_or(before.grace_days),
        debt_tolerance: change.debt_tolerance.unwrap_or(before.debt_tolerance),
        cut_brake_floor: change.cut_brake_floor.unwrap_or(before.cut_brake_floor),
        cut_brake_basis_points: change.cut_brake_basis_points.unwrap_or(before.cut_brake_basis_points),
        cut_brake_tenant_basis_points: change
            .cut_brake_tenant_basis_points
            .unwrap_or(before.cut_brake_tenant_basis_points),
        offline_cuts: change.offline_cuts.unwrap_or(before.offline_cuts),
        automatic_cuts: change.automatic_cuts.unwrap_or(before.automatic_cuts),
        two_person_cuts_from: change.two_person_cuts_from.unwrap_or(before.two_person_cuts_from),
        second_factor_roles: change
            .second_factor_roles
            .clone()
            .unwrap_or_else(|| before.second_factor_roles.clone()),
        no_cut_weekdays: change.no_cut_weekdays.clone().unwrap_or_else(|| before.no_cut_weekdays.clone()),
        no_cut_dates: change.no_cut_dates.clone().unwrap_or_else(|| before.no_cut_dates.clone()),
        quiet_hours: change.quiet_hours.unwrap_or(before.quiet_hours),
        cut_hours: change.cut_hours.unwrap_or(before.cut_hours),
        languages: change.languages.clone().unwrap_or_else(|| before.languages.clone()),
        allowed_networks: change.allowed_networks.clone().unwrap_or_else(|| before.allowed_networks.clone()),
        allowed_countries: change
            .allowed_countries
            .clone()
            .unwrap_or_else(|| before.allowed_countries.clone()),
        version: before.version + 1,
        updated_at: ctx.now(),
        ..before.clone()
    }
}

/// What is said to whoever wants to change something of a tenant that is read-only.
pub fn read_only(tenant: &Tenant) -> Error {
    read_only_since(tenant.state_reason.as_deref().unwrap_or_default(), tenant.state_since)
}

/// The answer to a change of an ISP that is read-only: why, and since when.
pub fn read_only_since(reason: &str, since: Option<Timestamp>) -> Error {
    Error::conflict_with(
        "tenant_read_only",
        "nothing can be changed until the operator of this installation makes the ISP active again; nobody is cut meanwhile",
        [("reason", reason.into()), ("since", since.map(|since| since.to_string()).into())],
    )
}

/// Turns automatic cuts on or off within another use case's transaction: executing the first previewed cut run.
///
/// # Errors
/// The database's.
pub async fn automatic_cuts_set(ctx: &Ctx, tx: &mut TenantTx, value: AutomaticCuts) -> Result<(), Error> {
    let before = store::settings(tx).await?;
    if before.automatic_cuts == value {
        return Ok(());
    }
    let after = Tenant {
        automatic_cuts: value,
        version: before.version + 1,
        updated_at: ctx.now(),
        ..before.clone()
    };
    write(ctx, tx, &before, &after).await
}

/// Takes the lists of addresses away, at the command line's request: somebody locked themselves out. Whether there were any.
///
/// # Errors
/// The database's.
pub async fn door_open(ctx: &Ctx) -> Result<bool, Error> {
    write_tx!(ctx, tx => {
        let before = store::settings(&mut tx).await?;
        let after = Tenant {
            allowed_networks: Networks::default(),
            allowed_countries: Countries::default(),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        let there_were = (&before.allowed_networks, &before.allowed_countries)
            != (&after.allowed_networks, &after.allowed_countries);
        if there_were {
            write(ctx, &mut tx, &before, &after).await?;
        }
        Ok(there_were)
    })
}

/// Writes the row if it is still at `expected`; what tells of it is the caller's.
pub(crate) async fn row_write(tx: &mut TenantTx, after: &Tenant, expected: i64) -> Result<(), Error> {
    if store::tenant_write(tx, after, expected).await? {
        Ok(())
    } else {
        Err(Error::VersionConflict { current: expected })
    }
}

/// Writes what was changed, with the row and the event that tell of it.
pub(super) async fn write(
    ctx: &Ctx,
    tx: &mut TenantTx,
    before: &Tenant,
    after: &Tenant,
) -> Result<(), Error> {
    row_write(tx, after, before.version).await?;
    let entity = EntityRef::new("tenant", &after.id);
    audit::record(ctx, tx, Entry::new(WRITE.0, entity.clone()).before(before)?.after(after)?).await?;
    let payload = serde_json::to_value(after).map_err(Error::internal)?;
    events::emit(ctx, tx, NewEvent::new(UPDATED, entity, payload)).await?;
    Ok(())
}

fn check_words(
    validation: &mut Validation,
    locale: Option<&str>,
    country: Option<&str>,
    color: Option<&str>,
) {
    let country_fits = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let color_fits = |color: &str| {
        color.len() == 7 && color.starts_with('#') && color[1..].bytes().all(|b| b.is_ascii_hexdigit())
    };
    validation
        .check(
            locale.is_none_or(|locale| LOCALES.contains(&locale)),
            "/locale",
            "unknown",
            "expected es-419, en or pt-BR",
        )
        .check(
            country.is_none_or(country_fits),
            "/country",
            "malformed",
            "expected two capital letters such as PE",
        )
        .check(
            color.is_none_or(|color| color.is_empty() || color_fits(color)),
            "/brand_color",
            "malformed",
            "expected a colour such as #1F56C4, or nothing to take it away",
        );
}

fn check_range(
    validation: &mut Validation,
    value: Option<i64>,
    pointer: &str,
    range: std::ops::RangeInclusive<i64>,
) {
    let text = format!("expected {} to {}", range.start(), range.end());
    validation.check(value.is_none_or(|value| range.contains(&value)), pointer, "out_of_range", text);
}
