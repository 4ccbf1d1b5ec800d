//! Asking for a notice.

use super::{Channel, QUEUED, Recipient, Template, send, store};
use crate::tenancy;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::{NoticeId, UserId},
    jobs::{self, NewJob},
};
use serde_json::{Map, Value, json};

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
    let send_at = wait.unwrap_or(now);
    let values = zeroizing(template)?;
    let runtime = tx.runtime().clone();
    let mut made = 0;
    for channel in Channel::ALL {
        let id = NoticeId::new(now);
        let sealed = runtime.secrets.seal(tx, &send::values_context(&id), values.expose()).await?;
        let new = store::NewNotice {
            id: &id,
            user_id: user,
            kind,
            template: template.name(),
            channel: *channel,
            dedupe_key,
            sealed_values: &sealed,
            send_at,
            expires_at: template.link().map(|(_, expires_at)| expires_at),
            now,
        };
        if !store::notice_insert(tx, &new).await? {
            continue;
        }
        let job = NewJob {
            kind: send::JOB,
            tenant: Some(tx.tenant().clone()),
            payload: json!({"notice": id}),
            dedupe_key: id.to_string(),
            run_at: send_at,
        };
        jobs::enqueue(tx, job, now).await?;
        let about =
            About { id: &id, user, kind: kind.as_str(), template: new.template.as_str(), channel: *channel };
        tell(ctx, tx, QUEUED, &about, &[("send_at", json!(send_at))]).await?;
        made += 1;
    }
    Ok(made)
}

/// What a template is filled with, to be sealed.
fn zeroizing(template: &Template) -> Result<atalaya_kernel::secrets::SecretBytes, Error> {
    Ok(atalaya_kernel::secrets::SecretBytes::new(serde_json::to_vec(template).map_err(Error::internal)?))
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
