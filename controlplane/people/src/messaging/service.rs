use super::{
    Channel, ChoiceChange, Notice, NoticeChoice, NoticeFilter, NoticeKind, NoticePreferences,
    PreferenceChange, READ, store,
};
use crate::{
    identity,
    tenancy::{self, LOCALES},
};
use atalaya_kernel::{
    Ctx, Error, Principal, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::UserId,
    page::{Page, PageQuery},
    write_tx,
};
use serde_json::json;
use std::collections::BTreeSet;

/// How long what a failed notice is filled with is kept for a person to have it tried again, ms.
const VALUES_MS: i64 = 30 * 86_400_000;
/// How long it is kept what became of a notice, ms.
const ROWS_MS: i64 = 180 * 86_400_000;

/// Notices, newest first: of everybody for whoever may see them, one's own for a person who may not.
///
/// # Errors
/// Without `notice.read` for a program, or a cursor of another list.
pub async fn notices_list(ctx: &Ctx, filter: &NoticeFilter, page: &PageQuery) -> Result<Page<Notice>, Error> {
    let only = match (ctx.authorize_whole(READ), ctx.principal()) {
        (Ok(()), _) => None,
        (Err(_), Principal::User { id, .. }) => Some(id),
        (Err(error), _) => return Err(error),
    };
    let limit = page.limit()?;
    let after = page.after()?;
    let rows = store::notices_list(&mut ctx.begin_read().await?, filter, only, after, limit + 1).await?;
    Page::of(rows, limit, |notice| notice.id.clone())
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) locale: Option<String>,
    refused: BTreeSet<(NoticeKind, Channel)>,
    version: i64,
}

impl Wants {
    /// Whether a notice is refused; what cannot be is not, whatever the row says.
    pub(super) fn refuses(&self, kind: NoticeKind, channel: Channel) -> bool {
        channel.may_refuse(kind) && self.refused.contains(&(kind, channel))
    }
    fn shown(&self) -> NoticePreferences {
        let pairs =
            NoticeKind::ALL.iter().flat_map(|kind| Channel::ALL.iter().map(|channel| (*kind, *channel)));
        let pairs = pairs.filter(|(kind, channel)| channel.carries(*kind));
        let choice = |(kind, channel): (NoticeKind, Channel)| NoticeChoice {
            kind,
            channel,
            wanted: !self.refuses(kind, channel),
            may_be_refused: channel.may_refuse(kind),
        };
        NoticePreferences {
            locale: self.locale.clone(),
            choices: pairs.map(choice).collect(),
            version: self.version,
        }
    }
    fn kept(&self) -> store::PreferenceRow {
        let refused: Vec<_> =
            self.refused.iter().map(|(kind, channel)| format!("{kind}/{channel}")).collect();
        store::PreferenceRow {
            locale: self.locale.clone(),
            refused: refused.join(","),
            version: self.version,
        }
    }
}

/// A pair as it is kept.
fn pair(text: &str) -> Result<(NoticeKind, Channel), Error> {
    let (kind, channel) = text.split_once('/').ok_or_else(|| Error::internal("expected kind/channel"))?;
    Ok((
        kind.parse().map_err(|e: String| Error::internal(e))?,
        channel.parse().map_err(|e: String| Error::internal(e))?,
    ))
}

/// What a user wants; for the job that sends.
pub(super) async fn wants(tx: &mut TenantTx, user: &UserId) -> Result<Wants, Error> {
    let Some(row) = store::preference_get(tx, user).await? else {
        return Ok(Wants { locale: None, refused: BTreeSet::new(), version: 1 });
    };
    let words = row.refused.split(',').filter(|word| !word.is_empty());
    Ok(Wants {
        refused: words.map(pair).collect::<Result<_, _>>()?,
        locale: row.locale,
        version: row.version,
    })
}

/// What the caller wants.
///
/// # Errors
/// `not_a_person`, or the database's.
pub async fn preferences_get(ctx: &Ctx) -> Result<NoticePreferences, Error> {
    let user = identity::own_id(ctx)?;
    Ok(wants(&mut ctx.begin_read().await?, user).await?.shown())
}

/// Changes what the caller wants, where it is still at `version`.
///
/// # Errors
/// A kind that cannot be refused, an unknown language, changed meanwhile, or `not_a_person`.
pub async fn preferences_change(
    ctx: &Ctx,
    version: i64,
    change: &PreferenceChange,
) -> Result<NoticePreferences, Error> {
    let user = identity::own_id(ctx)?;
    let mut validation = Validation::new();
    let locale = change.locale.as_deref();
    validation.check(
        locale.is_none_or(|locale| locale.is_empty() || LOCALES.contains(&locale)),
        "/locale",
        "unknown",
        "expected es-419, en, pt-BR, or nothing",
    );
    for (number, choice) in change.choices.iter().enumerate() {
        let pointer = format!("/choices/{number}/wanted");
        let detail = "notices of this kind cannot be refused";
        let may = choice.channel.may_refuse(choice.kind);
        validation.check(choice.wanted || may, &pointer, "not_refusable", detail);
    }
    validation.finish()?;
    write_tx!(ctx, tx => {
        if let Some(locale) = locale.filter(|locale| !locale.is_empty())
            && !tenancy::settings(&mut tx).await?.languages.contain(locale)
        {
            return Err(Error::invalid("/locale", "unknown", "the ISP does not offer this language"));
        }
        let before = wants(&mut tx, user).await?;
        let mut after = before.clone();
        if let Some(locale) = locale {
            after.locale = (!locale.is_empty()).then(|| locale.to_owned());
        }
        for ChoiceChange { kind, channel, wanted } in &change.choices {
            if *wanted {
                after.refused.remove(&(*kind, *channel));
            } else {
                after.refused.insert((*kind, *channel));
            }
        }
        after.version = before.version + 1;
        let written = store::preference_write(&mut tx, user, &after.kept(), version, ctx.now()).await?;
        if before.version != version || !written {
            return Err(Error::VersionConflict { current: before.version });
        }
        let (before, after) = (before.shown(), after.shown());
        let entry = Entry::new("notice.choose", EntityRef::new("user", user)).before(&before)?.after(&after)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(after)
    })
}

/// Holds every notice that waits: a copy is about to be armed, and its original sends them. How many did.
///
/// # Errors
/// The database's.
pub async fn hold_waiting(ctx: &Ctx) -> Result<u64, Error> {
    write_tx!(ctx, tx => {
        let held = store::notices_hold(&mut tx, ctx.now()).await?;
        if held > 0 {
            let entity = EntityRef::new("tenant", ctx.tenant());
            let entry = Entry::new("notice.hold", entity).after(&json!({"held": held}))?;
            audit::record(ctx, &mut tx, entry).await?;
        }
        Ok(held)
    })
}

/// Forgets what is only kept for a while; for the control plane's own housekeeping.
///
/// # Errors
/// The database's.
pub async fn forget(ctx: &Ctx) -> Result<(), Error> {
    let now = ctx.now();
    write_tx!(ctx, tx => {
        store::notices_forget(&mut tx, now.plus_millis(-VALUES_MS), now.plus_millis(-ROWS_MS), now).await?;
        Ok(())
    })
}
