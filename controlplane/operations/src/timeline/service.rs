use crate::{feed, subject};
use atalaya_kernel::{
    Ctx, Error, Permission,
    events::Event,
    ids::EventId,
    page::{Page, PageQuery},
    timeline::{self as kept, Filter},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// See what happened.
pub(crate) const EVENT_READ: Permission = Permission::new("event.read");

/// Whose timeline, and what of it.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// Id of a customer, service, device, invoice or site.
    #[param(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub subject: String,
    /// Types, separated by commas; `payment.*` takes all of a noun.
    #[serde(rename = "type")]
    #[param(example = "payment.*,invoice.*")]
    pub kind: Option<String>,
    /// Only what this one did: id of a user, agent or key.
    pub actor: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// What.
    pub event: Event,
    /// The event that caused it, if one did and the caller may see that one too.
    pub cause: Option<Event>,
}

/// What happened to a thing, newest first.
///
/// # Errors
/// A thing that is not there or not seen, a cursor of another list, or without `event.read`.
pub async fn timeline(
    ctx: &Ctx,
    query: &TimelineQuery,
    page: &PageQuery,
) -> Result<Page<TimelineEntry>, Error> {
    ctx.authorize(EVENT_READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    subject::seen(ctx, &mut tx, &query.subject).await?;
    let kinds = query.kind.iter().flat_map(|kinds| kinds.split(','));
    let filter = Filter {
        kinds: kinds.map(|kind| kind.trim().to_owned()).collect(),
        actor: query.actor.clone(),
        before: page.after::<EventId>()?,
        limit: limit + 1,
    };
    let found = kept::events(&mut tx, &query.subject, &filter).await?;
    let Page { items, next_cursor } = Page::of(found, limit, |event| event.id.clone())?;
    let causes = kept::causes(&mut tx, &items).await?;
    tx.rollback().await?;
    let items = feed::visible(ctx, items).await?;
    let causes = feed::visible(ctx, causes).await?;
    let causes: BTreeMap<EventId, Event> =
        causes.into_iter().map(|cause| (cause.id.clone(), cause)).collect();
    let entry = |event: Event| {
        let cause = event.causation_id.as_ref().and_then(|id| causes.get(id)).cloned();
        TimelineEntry { event, cause }
    };
    Ok(Page { items: items.into_iter().map(entry).collect(), next_cursor })
}
