//! `/events` and `/audit`: what happened, and who did it.

use atalaya_kernel::{
    Ctx, Error, Permission,
    audit::{self, AuditRow},
    events::{self, Event, EventFilter},
    http::{Json, Query},
    ids::{AuditId, EventId},
    page::{Page, PageQuery},
};
use atalaya_operations::feed;
use atalaya_people::customers;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) const EVENT_READ: Permission = Permission::new("event.read");
pub(super) const AUDIT_READ: Permission = Permission::new("audit.read");

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(events_list)).routes(routes!(audit_list))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Types, separated by commas; `payment.*` takes all of a noun.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only about this id, or related to it.
    entity: Option<String>,
}

/// What happened, newest first. What the caller may not see is left out.
#[utoipa::path(get, path = "/events", tag = "events", params(EventQuery, PageQuery), responses((status = 200, body = Page<Event>)),
    extensions(("x-permission" = json!("event.read"))))]
async fn events_list(
    ctx: Ctx,
    Query(query): Query<EventQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Event>>, Error> {
    ctx.authorize(EVENT_READ)?;
    let limit = page.limit()?;
    let kinds =
        query.kind.iter().flat_map(|kinds| kinds.split(',')).map(|kind| kind.trim().to_owned()).collect();
    let filter = EventFilter {
        kinds,
        entity: query.entity,
        before: page.after::<EventId>()?,
        after: None,
        limit: limit + 1,
    };
    let rows = events::list(&mut ctx.begin_read().await?, &filter).await?;
    let mut page = Page::of(rows, limit, |event| event.id.clone())?;
    page.items = feed::visible(&ctx, page.items).await?;
    Ok(Json(page))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only about this id.
    entity_id: Option<String>,
    /// Only by this actor.
    actor: Option<String>,
}

/// Who did what, newest first. The trail is of the whole ISP: whoever sees a part of it only, does not see it.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery, PageQuery), responses((status = 200, body = Page<AuditRow>)),
    extensions(("x-permission" = json!("audit.read"))))]
async fn audit_list(
    ctx: Ctx,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AuditRow>>, Error> {
    ctx.authorize_whole(AUDIT_READ)?;
    let limit = page.limit()?;
    let before = page.after::<AuditId>()?;
    let mut tx = ctx.begin_read().await?;
    let rows =
        audit::list(&mut tx, query.entity_id.as_deref(), query.actor.as_deref(), before.as_ref(), limit + 1)
            .await?;
    let mut page = Page::of(rows, limit, |row| row.id.clone())?;
    page.items.iter_mut().try_for_each(|row| mask(&ctx, row))?;
    Ok(Json(page))
}

/// What of a customer the caller may not see is masked in the trail as it is everywhere.
fn mask(ctx: &Ctx, row: &mut AuditRow) -> Result<(), Error> {
    if row.entity_kind != "customer" {
        return Ok(());
    }
    for state in [&mut row.before_state, &mut row.after_state].into_iter().flatten() {
        let mut value = serde_json::from_str(state).map_err(Error::internal)?;
        customers::mask_state(ctx.permissions(), &mut value);
        *state = value.to_string();
    }
    Ok(())
}
