//! One message on its channel: made of a template, handed over, and what the other end said to it.

use super::{
    Channel, Mail, MailError, MailLogo, NoticeKind, NoticeReason, Outbound, Template,
    render::{self, Frame, Setting},
    say::Language,
    store::Pending,
    words::NoticeWords,
};
use crate::{
    identity::User,
    push::{self, Failed, PushSubscription, Receiver, Told, Urgency, Way},
    tenancy::{self, Logo, LogoTheme, Tenant},
};
use atalaya_kernel::{Ctx, Error, db::TenantTx, time::Timestamp};
use std::time::Duration;

/// Words of another system that are kept, characters.
const DETAIL: usize = 300;

/// A message that is ready to leave.
pub(super) enum Message {
    Mail {
        mail: Mail,
        /// The secret that no error may quote.
        link: Option<String>,
    },
    Push {
        browser: PushSubscription,
        receiver: Receiver,
        told: Told,
        way: Way,
    },
}

/// How handing it over went. The other end's words are short, and quote no secret of the message.
pub(super) enum Handed {
    /// Taken, at an address or in a browser.
    Taken(String),
    /// Never; why.
    Refused(String),
    /// Nobody is there any more.
    Gone,
    /// Later; why, and how long the other end wants to be left in peace, s.
    Later(String, Option<u64>),
}

/// To whom, and in which words.
pub(super) struct To<'t> {
    pub(super) user: &'t User,
    pub(super) tenant: &'t Tenant,
    pub(super) language: Language,
    /// The ISP's own words; none: ours.
    pub(super) own: Option<&'t NoticeWords>,
    /// Its logo, for mail.
    pub(super) logo: Option<&'t MailLogo>,
}

impl Outbound {
    /// Whether anything leaves on a channel.
    pub(super) const fn offers(&self, channel: Channel) -> bool {
        match channel {
            Channel::Mail => self.mail.is_some(),
            Channel::Push => self.push.is_some(),
        }
    }

    /// The message of a notice; or why there is none.
    pub(super) async fn message(
        &self,
        ctx: &Ctx,
        tx: &mut TenantTx,
        row: &Pending,
        to: &To<'_>,
        template: &Template,
    ) -> Result<Result<Message, NoticeReason>, Error> {
        let To { user, tenant, language, own, logo } = *to;
        let frame = Frame { language, person: &user.name, tenant, web: "", logo, own };
        match row.channel {
            Channel::Mail => {
                let Some((_, web)) = &self.mail else { return Ok(Err(NoticeReason::ChannelOff)) };
                let domain = tenancy::domain(tx).await?;
                let web = web.of_tenant(&tenant.slug, domain.as_deref());
                let frame = Frame { web: &web, ..frame };
                let setting = Setting { id: &row.id, created_at: row.created_at, user, frame };
                let link = template.link().map(|secret| secret.0.expose().to_owned());
                Ok(Ok(Message::Mail { mail: render::mail(template, &setting), link }))
            }
            Channel::Push => {
                let browser = match &row.subscription_id {
                    Some(id) => push::subscription_row(tx, id).await?,
                    None => None,
                };
                let Some((browser, receiver)) = browser else { return Ok(Err(NoticeReason::Gone)) };
                let told = render::told(template, &row.id, &frame);
                let urgency = if row.kind == NoticeKind::Security { Urgency::High } else { Urgency::Normal };
                let way = Way { ttl: left(row, ctx.now()), urgency };
                Ok(Ok(Message::Push { browser, receiver, told, way }))
            }
        }
    }

    /// Hands a message over.
    pub(super) async fn hand_over(&self, ctx: &Ctx, message: &Message) -> Result<Handed, Error> {
        let there_was = || Error::internal("there was such a channel when the message was made");
        match message {
            Message::Mail { mail, link } => {
                let (mailer, _) = self.mail.as_ref().ok_or_else(there_was)?;
                let words = |said: &str| quoted(said, link.as_deref());
                Ok(match mailer.send(mail).await {
                    Ok(()) => Handed::Taken(mail.to.clone()),
                    Err(MailError::Refused(said)) => Handed::Refused(words(&said)),
                    Err(MailError::Later(said)) => Handed::Later(words(&said), None),
                })
            }
            Message::Push { browser, receiver, told, way } => {
                let offer = self.push.as_ref().ok_or_else(there_was)?;
                Ok(match push::send(ctx, offer, receiver, told, way).await? {
                    Ok(()) => Handed::Taken(browser.name.clone()),
                    Err(Failed::Gone) => Handed::Gone,
                    Err(Failed::Never(said)) => Handed::Refused(quoted(&said, None)),
                    Err(Failed::Later(said, after_s)) => Handed::Later(quoted(&said, None), after_s),
                })
            }
        }
    }
}

/// The ISP's logo for a message. One that cannot be read holds no message back.
pub(super) async fn logo_of(ctx: &Ctx) -> Option<MailLogo> {
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

/// For how long a notice is still of use.
fn left(row: &Pending, now: Timestamp) -> Duration {
    let until = row.expires_at.unwrap_or(now).as_millis();
    Duration::from_millis(u64::try_from(until - now.as_millis()).unwrap_or(0))
}

/// What another system said, short, without the secret that it may have read in the message.
fn quoted(said: &str, link: Option<&str>) -> String {
    let said = match link {
        Some(secret) if !secret.is_empty() => said.replace(secret, "…"),
        _ => said.to_owned(),
    };
    said.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(DETAIL).collect()
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
