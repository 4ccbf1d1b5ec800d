//! Sending a notice whose time has come.

use super::{
    Channel, FAILED, HELD, Mail, MailError, MailLogo, NoticeKind, NoticeReason, NoticeState, Outbound, SENT,
    Template,
    queue::{About, tell},
    render::{self, Frame, Setting},
    say::Language,
    service,
    store::{self, Outcome, Pending},
    words,
};
use crate::{
    identity,
    tenancy::{self, Logo, LogoTheme},
};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    fault,
    ids::NoticeId,
    jobs::{self, Handler, Job, NewJob},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use serde::Deserialize;
use serde_json::json;
use std::{fmt::Display, sync::Arc};

/// Kind of the jobs.
pub(super) const JOB: &str = "people.notice";
/// Words of another system that are kept, characters.
const DETAIL: usize = 300;

/// Context under which the values of a notice are sealed.
pub(crate) fn values_context(id: impl Display) -> String {
    format!("notice/{id}/values")
}

/// Sends notices.
pub struct NoticeJob(pub Arc<Outbound>);

#[derive(Deserialize)]
struct Payload {
    notice: NoticeId,
}

/// What is to be done about a notice now.
enum Turn {
    /// It was settled before.
    Nothing,
    /// Not to be sent, and why.
    Hold(NoticeReason),
    /// Not before this.
    Wait(Timestamp),
    /// To be sent.
    Send(Box<Mail>),
}

#[async_trait::async_trait]
impl Handler for NoticeJob {
    fn kind(&self) -> &'static str {
        JOB
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let tenant = job.tenant_id.clone().ok_or_else(|| Error::internal("a notice is a tenant's"))?;
        let payload: Payload = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let ctx = Ctx::system(runtime.tenant(tenant), "messaging");
        let logo = if self.0.sends_mail() { logo_of(&ctx).await } else { None };
        let mut tx = ctx.begin_read().await?;
        let row = store::notice_pending(&mut tx, &payload.notice).await?;
        let (turn, link) = self.turn(&ctx, &mut tx, &row, logo.as_ref()).await?;
        tx.rollback().await?;
        match turn {
            Turn::Nothing => Ok(()),
            Turn::Hold(reason) => settle(&ctx, job, &row, &Outcome::held(reason, ctx.now())).await,
            Turn::Wait(until) => postpone(&ctx, job, &row, until).await,
            Turn::Send(mail) => self.send(&ctx, job, &row, &mail, link.as_deref()).await,
        }
    }
}

impl NoticeJob {
    /// What is to be done, and the secret that no error may quote.
    async fn turn(
        &self,
        ctx: &Ctx,
        tx: &mut TenantTx,
        row: &Pending,
        logo: Option<&MailLogo>,
    ) -> Result<(Turn, Option<String>), Error> {
        // One that failed is here again because a person asked for it.
        let Some(sealed) = row
            .sealed_values
            .as_ref()
            .filter(|_| matches!(row.state, NoticeState::Waiting | NoticeState::Failed))
        else {
            return Ok((Turn::Nothing, None));
        };
        let hold = |reason| Ok((Turn::Hold(reason), None));
        if self.0.safe_mode {
            return hold(NoticeReason::SafeMode);
        }
        let Some((_, web)) = &self.0.mail else { return hold(NoticeReason::ChannelOff) };
        let now = ctx.now();
        if row.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return hold(NoticeReason::Expired);
        }
        let user = identity::user_row(tx, &row.user_id).await?;
        if user.disabled {
            return hold(NoticeReason::UserDisabled);
        }
        let wants = service::wants(tx, &user.id).await?;
        if wants.refuses(row.kind, row.channel) {
            return hold(NoticeReason::Refused);
        }
        let tenant = tenancy::settings(tx).await?;
        if row.kind.waits()
            && let Some(until) = tenant.quiet_hours.end_after(now, &tenant.time_zone)
        {
            return Ok((Turn::Wait(until), None));
        }
        let opened = ctx.db().runtime().secrets.open(tx, &values_context(&row.id), sealed).await?;
        let template: Template = serde_json::from_slice(opened.expose()).map_err(Error::internal)?;
        let domain = tenancy::domain(tx).await?;
        // One that was chosen while it was offered is no choice any more.
        let chosen = wants.locale.as_deref().filter(|locale| tenant.languages.contain(locale));
        let language = Language::of(chosen.unwrap_or(&tenant.locale));
        let own = words::own_words(tx, template.name(), language).await?;
        let web = web.of_tenant(&tenant.slug, domain.as_deref());
        let frame =
            Frame { language, person: &user.name, tenant: &tenant, web: &web, logo, own: own.as_ref() };
        let setting = Setting { id: &row.id, created_at: row.created_at, user: &user, frame };
        let link = template.link().map(|(secret, _)| secret.0.expose().to_owned());
        Ok((Turn::Send(Box::new(render::mail(&template, &setting))), link))
    }

    async fn send(
        &self,
        ctx: &Ctx,
        job: &Job,
        row: &Pending,
        mail: &Mail,
        link: Option<&str>,
    ) -> Result<(), Error> {
        let Channel::Mail = row.channel;
        let Some((mailer, _)) = &self.0.mail else { return Err(Error::internal("there was a mail server")) };
        let taken = mailer.send(mail).await;
        // From here on the server may have it, and nobody here knows.
        fault::point("notice-handed-over");
        let now = ctx.now();
        let words = |said: &str| quoted(said, link);
        match taken {
            Ok(()) => settle(ctx, job, row, &Outcome::sent(&mail.to, now)).await,
            Err(MailError::Refused(said)) => {
                let said = words(&said);
                let outcome = Outcome::failed(NoticeReason::Rejected, &said, false, now);
                settle(ctx, job, row, &outcome).await
            }
            Err(MailError::Later(said)) => {
                let said = words(&said);
                note_attempt(ctx, job, row, &said).await?;
                Err(Error::Unavailable(said))
            }
        }
    }
}

/// The ISP's logo for a message. One that cannot be read holds no message back.
async fn logo_of(ctx: &Ctx) -> Option<MailLogo> {
    match tenancy::logo_get(ctx, LogoTheme::Light).await {
        Ok(Logo { media_type, width, height, content, .. }) => {
            Some(MailLogo { media_type, width, height, content: content.into() })
        }
        Err(Error::NotFound) => None,
        Err(error) => {
            tracing::warn!(tenant = %ctx.tenant(), %error, "a message goes without the logo");
            None
        }
    }
}

impl<'o> Outcome<'o> {
    fn held(reason: NoticeReason, now: Timestamp) -> Self {
        let state = NoticeState::Held;
        Self { state, reason: Some(reason), detail: None, address: None, keep: false, tried: false, now }
    }
    fn sent(address: &'o str, now: Timestamp) -> Self {
        let (state, address) = (NoticeState::Sent, Some(address));
        Self { state, reason: None, detail: None, address, keep: false, tried: true, now }
    }
    fn failed(reason: NoticeReason, detail: &'o str, keep: bool, now: Timestamp) -> Self {
        let (state, detail) = (NoticeState::Failed, Some(detail));
        Self { state, reason: Some(reason), detail, address: None, keep, tried: true, now }
    }
}

/// What another system said, short, without the secret that it may have read in the message.
fn quoted(said: &str, link: Option<&str>) -> String {
    let said = match link {
        Some(secret) if !secret.is_empty() => said.replace(secret, "…"),
        _ => said.to_owned(),
    };
    said.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(DETAIL).collect()
}

async fn settle(ctx: &Ctx, job: &Job, row: &Pending, outcome: &Outcome<'_>) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        write_down(ctx, &mut tx, row, outcome).await?;
        jobs::complete(&mut tx, job).await
    })
}

async fn write_down(ctx: &Ctx, tx: &mut TenantTx, row: &Pending, outcome: &Outcome<'_>) -> Result<(), Error> {
    store::notice_settle(tx, &row.id, outcome).await?;
    let event = match outcome.state {
        NoticeState::Sent => SENT,
        NoticeState::Held => HELD,
        NoticeState::Failed => FAILED,
        NoticeState::Waiting => return Ok(()),
    };
    let about = About {
        id: &row.id,
        user: &row.user_id,
        kind: row.kind.as_str(),
        template: row.template.as_str(),
        channel: row.channel,
    };
    let reason = outcome.reason.map(|reason| ("reason", json!(reason)));
    tell(ctx, tx, event, &about, reason.as_slice()).await
}

/// An attempt that did not succeed: the job comes again, later each time, and after the last one a person is needed.
async fn note_attempt(ctx: &Ctx, job: &Job, row: &Pending, said: &str) -> Result<(), Error> {
    let reason = NoticeReason::Unreachable;
    let mut outcome = Outcome::failed(reason, said, true, ctx.now());
    if job.attempts < jobs::MAX_ATTEMPTS {
        outcome.state = NoticeState::Waiting;
    }
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        write_down(ctx, &mut tx, row, &outcome).await
    })
}

/// Its attempts ended within quiet hours: another job takes it up when they are over.
async fn postpone(ctx: &Ctx, job: &Job, row: &Pending, until: Timestamp) -> Result<(), Error> {
    debug_assert!(row.kind != NoticeKind::Security, "security does not wait");
    write_tx!(ctx, tx => {
        let now = ctx.now();
        jobs::hold(&mut tx, job, now).await?;
        store::notice_postpone(&mut tx, &row.id, until, now).await?;
        let next = NewJob {
            kind: JOB,
            tenant: Some(tx.tenant().clone()),
            payload: json!({"notice": row.id}),
            dedupe_key: format!("{}/{}", row.id, until.as_millis()),
            run_at: until,
        };
        jobs::enqueue(&mut tx, next, now).await?;
        jobs::complete(&mut tx, job).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_read_in_the_message_is_not_kept() {
        let said = "550 spam:\r\nhttps://isp.example/set-password#00ff00ff is listed";
        let kept = quoted(said, Some("00ff00ff"));
        assert_eq!(kept, "550 spam:  https://isp.example/set-password#… is listed");
        assert_eq!(quoted(&"x".repeat(1_000), None).len(), DETAIL);
    }
}
