//! Asking for a notice.

use super::{Channel, NoticeKind, QUEUED, Recipient, Template, send, store};
use crate::{push, tenancy};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::{NoticeId, PushSubscriptionId, UserId},
    jobs::{self, NewJob},
    secrets::SecretBytes,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// How long something that is pushed is of use, ms: a device that was off for longer is not told any more.
const PUSHED_MS: i64 = 86_400_000;

/// Asks for a notice on every channel, in the transaction of what it tells of; how many were made. Asking again with the same
/// key makes none.
///
/// # Errors
/// The database's.
pub async fn notify(
    ctx: &Ctx,
    tx: &mut TenantTx,
    recipient: &Recipient,
    template: &Template,
    dedupe_key: &str,
) -> Result<usize, Error> {
    let Recipient::User(user) = recipient;
    let (kind, now) = (template.kind(), ctx.now());
    let tenant = tenancy::settings(tx).await?;
    let wait = if kind.waits() { tenant.quiet_hours.end_after(now, &tenant.time_zone) } else { None };
    let values = SecretBytes::new(serde_json::to_vec(template).map_err(Error::internal)?);
    let asked = Asked { ctx, user, kind, template, values, dedupe_key, send_at: wait.unwrap_or(now) };
    // Everybody has a row for mail, so it tells whether this was asked for before; which browsers there are changes.
    if !asked.on(tx, Channel::Mail, None).await? {
        return Ok(0);
    }
    let mut made = 1;
    if Channel::Push.carries(kind) {
        for browser in push::recipients(tx, user).await? {
            made += usize::from(asked.on(tx, Channel::Push, Some(&browser)).await?);
        }
    }
    Ok(made)
}

/// What is asked for on each channel.
struct Asked<'a> {
    ctx: &'a Ctx,
    user: &'a UserId,
    kind: NoticeKind,
    template: &'a Template,
    /// What the template is filled with, to be sealed.
    values: SecretBytes,
    dedupe_key: &'a str,
    send_at: Timestamp,
}

impl Asked<'_> {
    /// Writes the row of a channel, and of a browser where it has several, with its job and its event; whether there was none.
    async fn on(
        &self,
        tx: &mut TenantTx,
        channel: Channel,
        browser: Option<&PushSubscriptionId>,
    ) -> Result<bool, Error> {
        let Self { ctx, user, kind, template, send_at, .. } = *self;
        let now = ctx.now();
        let id = NoticeId::new(now);
        let runtime = tx.runtime().clone();
        let sealed = runtime.secrets.seal(tx, &send::values_context(&id), self.values.expose()).await?;
        let dedupe_key = match browser {
            Some(browser) => format!("{}/{browser}", self.dedupe_key),
            None => self.dedupe_key.to_owned(),
        };
        let new = store::NewNotice {
            id: &id,
            user_id: user,
            kind,
            template: template.name(),
            channel,
            subscription_id: browser,
            dedupe_key: &dedupe_key,
            sealed_values: &sealed,
            send_at,
            expires_at: match channel {
                Channel::Mail => template.until(),
                Channel::Push => {
                    let pushed = send_at.plus_millis(PUSHED_MS);
                    Some(template.until().map_or(pushed, |until| until.min(pushed)))
                }
            },
            now,
        };
        if !store::notice_insert(tx, &new).await? {
            return Ok(false);
        }
        let job = NewJob {
            kind: send::job_kind(channel),
            tenant: Some(tx.tenant().clone()),
            payload: json!({"notice": id}),
            dedupe_key: id.to_string(),
            run_at: send_at,
        };
        jobs::enqueue(tx, job, now).await?;
        let template = new.template.as_str();
        let about = About { id: &id, user, kind: kind.as_str(), template, channel };
        tell(ctx, tx, QUEUED, &about, &[("send_at", json!(send_at))]).await?;
        Ok(true)
    }
}

/// Whether a recipient was told this already, or is about to be.
pub(crate) async fn is_known(
    tx: &mut TenantTx,
    recipient: &Recipient,
    dedupe_key: &str,
) -> Result<bool, Error> {
    let Recipient::User(user) = recipient;
    Ok(store::notice_known(tx, user, dedupe_key).await?)
}

/// What events say of a notice.
pub(super) struct About<'a> {
    pub(super) id: &'a NoticeId,
    pub(super) user: &'a UserId,
    pub(super) kind: &'a str,
    pub(super) template: &'a str,
    pub(super) channel: Channel,
}

/// Publishes what became of a notice.
pub(super) async fn tell(
    ctx: &Ctx,
    tx: &mut TenantTx,
    event: EventType,
    about: &About<'_>,
    further: &[(&str, Value)],
) -> Result<(), Error> {
    let mut facts = Map::from_iter([
        ("id".to_owned(), json!(about.id)),
        ("user_id".to_owned(), json!(about.user)),
        ("kind".to_owned(), json!(about.kind)),
        ("template".to_owned(), json!(about.template)),
        ("channel".to_owned(), json!(about.channel)),
    ]);
    facts.extend(further.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let event = NewEvent::new(event, EntityRef::new("notice", about.id), Value::Object(facts));
    events::emit(ctx, tx, event).await?;
    Ok(())
}
