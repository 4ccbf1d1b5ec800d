//! `/events` and `/audit`: what happened, and who did it.

use atalaya_kernel::{
    Ctx, Error, Permission,
    audit::{self, AuditHead, AuditRow, Trail},
    events::{self, Event, EventFilter},
    http::{Json, Problem, Query},
    ids::EventId,
    list::ListQuery,
    page::{Page, PageQuery},
    timeline::{self, Filter},
};
use atalaya_operations::feed;
use atalaya_people::customers;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) const EVENT_READ: Permission = Permission::new("event.read");
pub(super) const AUDIT_READ: Permission = Permission::new("audit.read");

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(events_list)).routes(routes!(audit_list)).routes(routes!(audit_head))
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

/// Names separated by commas.
fn names(list: Option<&str>) -> Vec<String> {
    list.iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect()
}

/// What happened, newest first. What the caller may not see is left out.
///
/// It has no other order: it is read along with the live stream, of which it is the past, and comes of one index for all and of
/// another for one thing, both in the order of ids.
#[utoipa::path(get, path = "/events", tag = "events", params(EventQuery, PageQuery), responses((status = 200, body = Page<Event>)),
    extensions(("x-permission" = json!("event.read"))))]
async fn events_list(
    ctx: Ctx,
    Query(query): Query<EventQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Event>>, Error> {
    ctx.authorize(EVENT_READ)?;
    let limit = page.limit()?;
    let (kinds, before) = (names(query.kind.as_deref()), page.after::<EventId>()?);
    let mut tx = ctx.begin_read().await?;
    let rows = match query.entity {
        Some(entity) => {
            let filter = Filter { kinds, actor: None, before, limit: limit + 1 };
            timeline::events(&mut tx, &entity, &filter).await?
        }
        None => {
            let filter = EventFilter { kinds, before, after: None, limit: limit + 1 };
            events::list(&mut tx, &filter).await?
        }
    };
    drop(tx);
    let mut page = Page::of(rows, limit, |event| event.id.clone())?;
    page.items = feed::visible(&ctx, page.items).await?;
    Ok(Json(page))
}

/// Who did what, newest first unless the other way round is asked for. The trail is of the whole ISP: whoever sees a part of it
/// only, does not see it.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery<Trail>),
    responses((status = 200, body = Page<AuditRow>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("audit.read"))))]
async fn audit_list(ctx: Ctx, asked: ListQuery<Trail>) -> Result<Json<Page<AuditRow>>, Error> {
    ctx.authorize_whole(AUDIT_READ)?;
    let mut page = audit::page(&mut ctx.begin_read().await?, &asked).await?;
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

/// Where the chain of the audit trail ends, and how far sealing is behind. Kept elsewhere, it shows later whether the trail
/// was cut off or written anew: `atalaya audit verify --head FILE`.
#[utoipa::path(get, path = "/audit/head", tag = "audit", responses((status = 200, body = AuditHead)),
    extensions(("x-permission" = json!("audit.read"))))]
async fn audit_head(ctx: Ctx) -> Result<Json<AuditHead>, Error> {
    ctx.authorize_whole(AUDIT_READ)?;
    audit::head(&ctx).await.map(Json)
}
