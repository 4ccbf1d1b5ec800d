//! What people are told of what happened: security notices, what waits for them, and what became of their requests.

use super::{FactorChange, IdentityChange, Recipient, Template, notify};
use crate::{
    approvals::{self, ApprovalState, Operations},
    identity,
};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    events::Event,
    ids::{ApprovalId, UserId},
    outbox::Subscriber,
    time::Timestamp,
    write_tx,
};
use serde_json::Value;

/// Asks for notices when something happened that somebody is to know of.
pub struct NoticeFollower {
    /// What can wait for a second person: each says which right it takes to decide.
    pub operations: Operations,
}

/// Whom to tell what, once for each key.
type Told = Option<(Vec<UserId>, Template, String)>;

#[async_trait::async_trait]
impl Subscriber for NoticeFollower {
    fn name(&self) -> &'static str {
        "people.notices"
    }

    fn events(&self) -> &'static [&'static str] {
        &[
            "api_key.created",
            "approval.decided",
            "approval.requested",
            "browser.added",
            "factor.changed",
            "guessing.slowed",
            "identity.changed",
            "operator_visit.begun",
            "password.changed",
            "token.granted",
            "token.reused",
        ]
    }

    async fn handle(&self, ctx: &Ctx, event: &Event) -> Result<(), Error> {
        write_tx!(ctx, tx => {
            let Some((users, template, key)) = told(ctx, &mut tx, &self.operations, event).await? else { return Ok(()) };
            for user in users {
                notify(ctx, &mut tx, &Recipient::User(user), &template, &key).await?;
            }
            Ok(())
        })
    }
}

/// A text of an event's payload.
fn text(event: &Event, name: &str) -> Result<String, Error> {
    let value = event.payload.get(name).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| Error::internal(format!("{} has no {name}", event.kind)))
}

/// A text of an event's payload that is something.
fn parsed<T: std::str::FromStr>(event: &Event, name: &str) -> Result<T, Error> {
    let text = text(event, name)?;
    text.parse().map_err(|_| Error::internal(format!("{}: {name} is another than expected", event.kind)))
}

async fn told(ctx: &Ctx, tx: &mut TenantTx, operations: &Operations, event: &Event) -> Result<Told, Error> {
    let at = event.occurred_at;
    let mut key = event.id.to_string();
    let template = match event.kind.as_str() {
        "browser.added" => Template::NewBrowser {
            at,
            address: text(event, "address")?,
            user_agent: text(event, "user_agent")?,
        },
        "password.changed" => Template::PasswordChanged { at },
        "factor.changed" => Template::FactorChanged { at, change: parsed::<FactorChange>(event, "change")? },
        "identity.changed" => Template::IdentityChanged {
            at,
            change: parsed::<IdentityChange>(event, "change")?,
            provider: text(event, "provider_name")?,
        },
        "token.granted" => {
            Template::ProgramGranted { at, name: text(event, "name")?, address: text(event, "address")? }
        }
        "token.reused" => {
            Template::TokenReused { at, name: text(event, "name")?, address: text(event, "address")? }
        }
        "guessing.slowed" => {
            // Once a day: somebody who guesses from many places must not fill a mailbox.
            let zone = crate::tenancy::settings(tx).await?.time_zone;
            key = format!("guessing.slowed/{}", at.date_in(&zone));
            Template::GuessingSlowed { at, address: text(event, "address")? }
        }
        "api_key.created" => {
            // Only a person makes one.
            let Ok(maker) = event.actor.id.parse::<UserId>() else { return Ok(None) };
            return Ok(Some((vec![maker], Template::KeyMade { at, name: text(event, "name")? }, key)));
        }
        "operator_visit.begun" => {
            let template = Template::VisitBegun {
                at,
                until: parsed::<Timestamp>(event, "until")?,
                operator: text(event, "operator_name")?,
                reason: text(event, "reason")?,
            };
            return Ok(Some((identity::owners(tx).await?, template, key)));
        }
        "approval.decided" => {
            let id: ApprovalId = parsed(event, "id")?;
            return Ok(decided(approvals::approval_row(tx, &id).await?, key));
        }
        "approval.requested" => {
            let id: ApprovalId = parsed(event, "id")?;
            let approval = approvals::approval_row(tx, &id).await?.at(ctx.now());
            return requested(tx, operations, approval, key).await;
        }
        other => return Err(Error::internal(format!("{other} was not asked for by {}", ctx.request_id()))),
    };
    Ok(Some((vec![parsed::<UserId>(event, "user_id")?], template, key)))
}

/// Whoever may decide is told that something waits, and not who asked for it.
async fn requested(
    tx: &mut TenantTx,
    operations: &Operations,
    approval: approvals::Approval,
    key: String,
) -> Result<Told, Error> {
    let Some(right) = operations.right_of(&approval.operation) else { return Ok(None) };
    if approval.state != ApprovalState::Pending {
        return Ok(None);
    }
    let rights = [approvals::READ, approvals::DECIDE, right];
    let mut users = identity::who_may(tx, &rights).await?;
    users.retain(|user| *user != approval.requested_by);
    let template = Template::ApprovalRequested {
        id: approval.id,
        summary: approval.summary,
        by: approval.requested_by_name,
        until: approval.expires_at,
    };
    Ok(Some((users, template, key)))
}

/// Whoever asked is told what somebody else decided.
fn decided(approval: approvals::Approval, key: String) -> Told {
    let by = approval.decided_by_name?;
    if approval.decided_by.as_ref() == Some(&approval.requested_by) {
        return None;
    }
    let template = Template::ApprovalDecided {
        summary: approval.summary,
        approved: approval.state == ApprovalState::Approved,
        by,
        reason: approval.reason,
    };
    Some((vec![approval.requested_by], template, key))
}
