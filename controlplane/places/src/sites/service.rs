use super::{CREATED, NewSite, READ, Site, SiteChange, UPDATED, WRITE, store};
use atalaya_kernel::{
    Ctx, Error, Scope, Validation,
    audit::{self, Entry},
    events::{self, EntityRef, NewEvent},
    ids::SiteId,
    page::{Page, PageQuery},
    write_tx,
};

/// One site.
///
/// # Errors
/// Not found, or without `site.read`.
pub async fn site_get(ctx: &Ctx, id: &SiteId) -> Result<Site, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    Ok(store::site_get(&mut tx, id).await?)
}

/// Sites by name.
///
/// # Errors
/// Without `site.read`, or a cursor of another list.
pub async fn sites_list(ctx: &Ctx, search: Option<&str>, page: &PageQuery) -> Result<Page<Site>, Error> {
    ctx.authorize(READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::sites_list(&mut tx, search, page.after()?, limit + 1).await?;
    Page::of(rows, limit, |site| (site.name.clone(), site.id.clone()))
}

/// Makes a site.
///
/// # Errors
/// Wrong fields, or without `site.write`.
pub async fn site_create(ctx: &Ctx, new: NewSite) -> Result<Site, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 80);
    check_position(&mut validation, new.latitude, new.longitude);
    // A root would be outside of what its maker sees.
    let has_its_place = new.parent_id.is_some() || *ctx.scope() == Scope::All;
    validation.check(has_its_place, "/parent_id", "required", "a new site stands below one of yours");
    validation.finish()?;
    let now = ctx.now();
    let site = Site {
        id: SiteId::new(now),
        name,
        parent_id: new.parent_id,
        latitude: new.latitude,
        longitude: new.longitude,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    write_tx!(ctx, tx => {
        if let Some(parent) = &site.parent_id {
            store::site_exists(&mut tx, parent, "/parent_id").await?;
        }
        store::site_insert(&mut tx, &site).await?;
        let entity = EntityRef::new("site", &site.id);
        audit::record(ctx, &mut tx, Entry::new(WRITE.0, entity.clone()).after(&site)?).await?;
        let payload = serde_json::to_value(&site).map_err(Error::internal)?;
        events::emit(ctx, &mut tx, NewEvent::new(CREATED, entity, payload)).await?;
        Ok(site.clone())
    })
}

/// Changes a site that is still at `version`.
///
/// # Errors
/// Not found, changed meanwhile, a cycle, wrong fields, or without `site.write`.
pub async fn site_update(ctx: &Ctx, id: &SiteId, version: i64, change: SiteChange) -> Result<Site, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 80));
    check_position(&mut validation, change.latitude, change.longitude);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = store::site_get(&mut tx, id).await?;
        if let Some(parent) = &change.parent_id {
            store::site_exists(&mut tx, parent, "/parent_id").await?;
            if store::site_subtree(&mut tx, id).await?.contains(parent) {
                return Err(Error::invalid("/parent_id", "cycle", "a site cannot stand below itself"));
            }
        }
        let after = Site {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            parent_id: change.parent_id.clone().or_else(|| before.parent_id.clone()),
            latitude: change.latitude.or(before.latitude),
            longitude: change.longitude.or(before.longitude),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        if before.version != version || !store::site_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let entity = EntityRef::new("site", id);
        audit::record(ctx, &mut tx, Entry::new(WRITE.0, entity.clone()).before(&before)?.after(&after)?).await?;
        let payload = serde_json::to_value(&after).map_err(Error::internal)?;
        events::emit(ctx, &mut tx, NewEvent::new(UPDATED, entity, payload)).await?;
        Ok(after)
    })
}

fn check_position(validation: &mut Validation, latitude: Option<f64>, longitude: Option<f64>) {
    let within = |value: Option<f64>, limit: f64| value.is_none_or(|value| value.abs() <= limit);
    validation
        .check(within(latitude, 90.0), "/latitude", "out_of_range", "expected −90 to 90 degrees")
        .check(within(longitude, 180.0), "/longitude", "out_of_range", "expected −180 to 180 degrees");
}
