//! Notices: asked for once, sent when their time has come, and what becomes of them otherwise.

mod delivery;
mod links;
mod push;
mod security;
mod words;

use super::{log_in, tenant, user};
use atalaya_kernel::{
    Ctx, Permissions, Principal, Scope,
    events::Subscriptions,
    ids::UserId,
    jobs::{self, Handler},
    outbox::{self, Subscriber},
    page::PageQuery,
    secrets::SecretText,
    testing::World,
    write_tx,
};
use atalaya_people::{
    links::LinkJob,
    messaging::{
        self, Channel, Mail, MailError, Mailer, Notice, NoticeFilter, NoticeFollower, NoticeJob, Outbound,
        Recipient, Template, WebAddress,
    },
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

pub(super) const EMAIL: &str = "rosa@netandina.example";
const WEB: &str = "https://atalaya.example";

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn followers() -> Vec<Arc<dyn Subscriber>> {
    vec![Arc::new(NoticeFollower { operations: security::operations() })]
}

fn subscriptions() -> Subscriptions {
    Subscriptions::of(&followers())
}

/// A mail server that keeps what it is given, and does first what it was told.
#[derive(Default)]
struct Postbox {
    taken: Mutex<Vec<Mail>>,
    plan: Mutex<VecDeque<MailError>>,
}

#[async_trait::async_trait]
impl Mailer for Postbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if let Some(error) = self.plan.lock().unwrap().pop_front() {
            return Err(error);
        }
        self.taken.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// A world's post office.
pub(super) struct Post {
    postbox: Arc<Postbox>,
    outbound: Arc<Outbound>,
}

impl Post {
    pub(super) fn open() -> Self {
        let postbox = Arc::new(Postbox::default());
        let mailer: Arc<dyn Mailer> = postbox.clone();
        let web = WebAddress::new(WEB, None).unwrap();
        let outbound = Outbound { mail: Some((mailer, web)), ..Outbound::default() };
        Self { postbox, outbound: Arc::new(outbound) }
    }

    /// Tells it to refuse the next messages.
    fn refuse(&self, errors: impl IntoIterator<Item = MailError>) {
        self.postbox.plan.lock().unwrap().extend(errors);
    }

    /// Delivers what is due; what was sent.
    pub(super) async fn deliver(&self, world: &World) -> Vec<Mail> {
        deliver(world, &self.outbound).await;
        std::mem::take(&mut *self.postbox.taken.lock().unwrap())
    }
}

/// Who sends, on each channel.
fn handlers(outbound: &Arc<Outbound>) -> Vec<Arc<dyn Handler>> {
    let job = |channel: &Channel| NoticeJob { channel: *channel, outbound: outbound.clone() };
    Channel::ALL.iter().map(|channel| Arc::new(job(channel)) as Arc<dyn Handler>).collect()
}

async fn deliver(world: &World, outbound: &Arc<Outbound>) {
    while outbox::deliver_due(&world.runtime, &followers()).await.unwrap() > 0 {}
    let mut handlers = handlers(outbound);
    handlers.push(Arc::new(LinkJob));
    while jobs::run_due(&world.runtime, &handlers).await.unwrap() {}
}

/// As a person of the staff with these rights.
fn as_person(ctx: &Ctx, id: &UserId, permissions: Permissions) -> Ctx {
    let principal = Principal::User { id: id.clone(), name: "P".to_owned() };
    Ctx::new(ctx.db().clone(), principal, permissions, Scope::All, "test")
}

/// Asks for a notice in a transaction of its own; how many were made.
pub(crate) async fn notify(ctx: &Ctx, user: &UserId, template: &Template, key: &str) -> usize {
    let recipient = Recipient::User(user.clone());
    write_tx!(ctx, tx => { messaging::notify(ctx, &mut tx, &recipient, template, key).await }).unwrap()
}

/// Every notice of a tenant, newest first.
async fn notices(ctx: &Ctx) -> Vec<Notice> {
    messaging::notices_list(ctx, &NoticeFilter::default(), &PageQuery::default()).await.unwrap().items
}

/// Something that waits for the end of quiet hours and can be refused.
fn decided(summary: &str) -> Template {
    Template::ApprovalDecided {
        summary: summary.to_owned(),
        approved: true,
        by: "Luis <b>Vega</b>".to_owned(),
        reason: None,
    }
}
