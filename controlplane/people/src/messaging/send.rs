//! Sending a notice whose time has come.

use super::{
    Channel, FAILED, HELD, MailLogo, NoticeReason, NoticeState, Outbound, SENT, Template,
    deliver::{Handed, Message, To, logo_of},
    queue::{About, tell},
    say::Language,
    service,
    store::{self, Outcome, Pending},
    words,
};
use crate::{
    approvals::{self, ApprovalState},
    identity, push, tenancy,
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

/// Longest that an attempt is put off because of those before it, as a power of two of seconds.
const SLOWEST: i64 = 10;

/// Kind of the jobs of a channel: one that is away holds back no other.
pub(super) const fn job_kind(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "people.notice",
        Channel::Push => "people.push",
    }
}

/// Context under which the values of a notice are sealed.
pub(crate) fn values_context(id: impl Display) -> String {
    format!("notice/{id}/values")
}

/// Sends notices of a channel.
pub struct NoticeJob {
    /// Which.
    pub channel: Channel,
    /// What can leave.
    pub outbound: Arc<Outbound>,
}

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
    Send(Box<Message>),
}

#[async_trait::async_trait]
impl Handler for NoticeJob {
    fn kind(&self) -> &'static str {
        job_kind(self.channel)
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let tenant = job.tenant_id.clone().ok_or_else(|| Error::internal("a notice is a tenant's"))?;
        let payload: Payload = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let ctx = Ctx::system(runtime.tenant(tenant), "messaging");
        let logo = match self.channel {
            Channel::Mail if self.outbound.sends_mail() => logo_of(&ctx).await,
            Channel::Mail | Channel::Push => None,
        };
        let mut tx = ctx.begin_read().await?;
        let row = store::notice_pending(&mut tx, &payload.notice).await?;
        let turn = self.turn(&ctx, &mut tx, &row, logo.as_ref()).await?;
        tx.rollback().await?;
        match turn {
            Turn::Nothing => Ok(()),
            Turn::Hold(reason) => settle(&ctx, job, &row, &Outcome::held(reason, ctx.now())).await,
            Turn::Wait(until) => postpone(&ctx, job, &row, until).await,
            Turn::Send(message) => self.send(&ctx, job, &row, &message).await,
        }
    }
}

impl NoticeJob {
    async fn turn(
        &self,
        ctx: &Ctx,
        tx: &mut TenantTx,
        row: &Pending,
        logo: Option<&MailLogo>,
    ) -> Result<Turn, Error> {
        // One that failed is here again because a person asked for it.
        let Some(sealed) = row
            .sealed_values
            .as_ref()
            .filter(|_| matches!(row.state, NoticeState::Waiting | NoticeState::Failed))
        else {
            return Ok(Turn::Nothing);
        };
        if self.outbound.safe_mode {
            return Ok(Turn::Hold(NoticeReason::SafeMode));
        }
        if !self.outbound.offers(row.channel) {
            return Ok(Turn::Hold(NoticeReason::ChannelOff));
        }
        let now = ctx.now();
        if row.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Ok(Turn::Hold(NoticeReason::Expired));
        }
        let user = identity::user_row(tx, &row.user_id).await?;
        if user.disabled {
            return Ok(Turn::Hold(NoticeReason::UserDisabled));
        }
        let wants = service::wants(tx, &user.id).await?;
        if wants.refuses(row.kind, row.channel) {
            return Ok(Turn::Hold(NoticeReason::Refused));
        }
        let tenant = tenancy::settings(tx).await?;
        if row.kind.waits()
            && let Some(until) = tenant.quiet_hours.end_after(now, &tenant.time_zone)
        {
            return Ok(Turn::Wait(until));
        }
        let opened = ctx.db().runtime().secrets.open(tx, &values_context(&row.id), sealed).await?;
        let template: Template = serde_json::from_slice(opened.expose()).map_err(Error::internal)?;
        if let Template::ApprovalRequested { id, .. } = &template
            && approvals::approval_row(tx, id).await?.at(now).state != ApprovalState::Pending
        {
            // Somebody decided while it waited for the morning.
            return Ok(Turn::Hold(NoticeReason::Expired));
        }
        // One that was chosen while it was offered is no choice any more.
        let chosen = wants.locale.as_deref().filter(|locale| tenant.languages.contain(locale));
        let language = Language::of(chosen.unwrap_or(&tenant.locale));
        let own = words::own_words(tx, template.name(), language).await?;
        let to = To { user: &user, tenant: &tenant, language, own: own.as_ref(), logo };
        Ok(match self.outbound.message(ctx, tx, row, &to, &template).await? {
            Ok(message) => Turn::Send(Box::new(message)),
            Err(reason) => Turn::Hold(reason),
        })
    }

    async fn send(&self, ctx: &Ctx, job: &Job, row: &Pending, message: &Message) -> Result<(), Error> {
        let handed = self.outbound.hand_over(ctx, message).await?;
        // From here on the other end may have it, and nobody here knows.
        fault::point("notice-handed-over");
        let now = ctx.now();
        match handed {
            Handed::Taken(address) => settle(ctx, job, row, &Outcome::sent(&address, now)).await,
            Handed::Refused(said) => {
                settle(ctx, job, row, &Outcome::failed(NoticeReason::Rejected, &said, false, now)).await
            }
            Handed::Gone => {
                let outcome = Outcome { tried: true, ..Outcome::held(NoticeReason::Gone, now) };
                settle(ctx, job, row, &outcome).await
            }
            Handed::Later(said, Some(after_s)) if after_s > 0 => put_off(ctx, job, row, &said, after_s).await,
            Handed::Later(said, _) => {
                note_attempt(ctx, job, row, &said).await?;
                Err(Error::Unavailable(said))
            }
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

async fn settle(ctx: &Ctx, job: &Job, row: &Pending, outcome: &Outcome<'_>) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        write_down(ctx, &mut tx, row, outcome).await?;
        jobs::complete(&mut tx, job).await
    })
}

async fn write_down(ctx: &Ctx, tx: &mut TenantTx, row: &Pending, outcome: &Outcome<'_>) -> Result<(), Error> {
    store::notice_settle(tx, &row.id, outcome).await?;
    if let Some(browser) = &row.subscription_id {
        match (outcome.state, outcome.reason) {
            (NoticeState::Sent, _) => push::reached(ctx, tx, browser).await?,
            (NoticeState::Held, Some(NoticeReason::Gone)) => push::end(ctx, tx, browser).await?,
            _ => {}
        }
    }
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

/// The other end said when to come again: another job does, then, and later each time; until the notice is of no use.
async fn put_off(ctx: &Ctx, job: &Job, row: &Pending, said: &str, after_s: u64) -> Result<(), Error> {
    let now = ctx.now();
    let slower = 1_000_i64 << row.attempts.clamp(0, SLOWEST);
    let asked = i64::try_from(after_s).unwrap_or(i64::MAX).saturating_mul(1_000);
    let until = now.plus_millis(asked.max(slower));
    let until = row.expires_at.map_or(until, |expires_at| until.min(expires_at));
    let outcome = Outcome {
        state: NoticeState::Waiting,
        ..Outcome::failed(NoticeReason::Unreachable, said, true, now)
    };
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, now).await?;
        write_down(ctx, &mut tx, row, &outcome).await?;
        again(&mut tx, job, row, until, now).await
    })
}

/// Its attempts ended within quiet hours: another job takes it up when they are over.
async fn postpone(ctx: &Ctx, job: &Job, row: &Pending, until: Timestamp) -> Result<(), Error> {
    debug_assert!(row.kind.waits(), "security does not wait");
    write_tx!(ctx, tx => {
        let now = ctx.now();
        jobs::hold(&mut tx, job, now).await?;
        again(&mut tx, job, row, until, now).await
    })
}

/// Ends a job, and asks for another one in its place.
async fn again(
    tx: &mut TenantTx,
    job: &Job,
    row: &Pending,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    store::notice_postpone(tx, &row.id, until, now).await?;
    let next = NewJob {
        kind: job_kind(row.channel),
        tenant: Some(tx.tenant().clone()),
        payload: json!({"notice": row.id}),
        dedupe_key: format!("{}/{}", row.id, until.as_millis()),
        run_at: until,
    };
    jobs::enqueue(tx, next, now).await?;
    jobs::complete(tx, job).await
}
