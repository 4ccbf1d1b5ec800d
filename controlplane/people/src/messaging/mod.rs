//! Notices to people: what the system tells somebody outside its own pages.
//!
//! A *notice* is one message to one recipient on one *channel*: a row that says what became of it. [`notify`] writes it in the
//! transaction of whatever it tells of, so that nothing is told that did not happen and nothing that happened is forgotten;
//! asking again with the same key makes nothing. A job sends it ([`NoticeJob`]), again and again while the other end is away,
//! and at last as a dead letter that a person can have tried again.
//!
//! - **waiting** until its time has come, **sent** when the other end took it, **held** when it was decided not to send it
//!   (the channel is off, its recipient does not want it or is disabled, it came along with a copy), **failed** when the
//!   other end refused it or was away for too long. Held and failed say why.
//! - *Channels*: mail to everybody, and web push to each browser that somebody switched on ([`crate::push`]), with a row for each.
//!   A link goes by mail alone.
//! - *Kinds*: by mail, security notices cannot be refused, nor can what somebody asked for (a link). Anything else can be refused per
//!   channel. What is not about security and was not asked for waits for the end of the ISP's quiet hours.
//! - *Once, as far as the channel allows*: what is sent carries an id that is made of the row's own. A process that dies after
//!   the mail server took a message and before that was noted sends it again under the same `Message-ID`, by which mail
//!   programs and a person recognise the second; SMTP has no more to offer. A browser shows the second in place of the first.
//! - *A day*: what is pushed and reached nobody within a day is of no use any more.
//! - What a template is filled with is sealed in the row and removed once it is sent or given up: it may hold a link that sets
//!   a password. Events and log lines name the template and the recipient's id, never what was said.
//! - The words are ours, in three languages ([`say`]), or the ISP's own ([`words`]).

mod deliver;
mod follow;
pub mod http;
mod mailer;
mod model;
mod queue;
mod render;
mod say;
mod send;
mod service;
mod store;
mod template;
mod words;

pub use follow::NoticeFollower;
pub use mailer::{LOGO_CID, Mail, MailError, MailLogo, Mailer, Outbound, WebAddress};
pub use model::{
    Channel, ChoiceChange, Notice, NoticeChoice, NoticeFilter, NoticeKind, NoticePreferences, NoticeReason,
    NoticeState, PreferenceChange, Recipient,
};
pub(crate) use queue::is_known;
pub use queue::notify;
pub use say::Language;
pub use send::NoticeJob;
pub(crate) use send::values_context;
pub use service::{forget, hold_waiting, notices_list, preferences_change, preferences_get};
pub use template::{FactorChange, IdentityChange, LinkSecret, Template, TemplateName};
pub use words::{
    NoticePreview, NoticeTemplate, NoticeTemplates, NoticeText, NoticeTextChange, NoticeWords, TemplateField,
    notice_text_preview, notice_text_remove, notice_text_set, notice_texts_list,
};

use atalaya_kernel::{Permission, events::EventType};

/// See what was sent to everybody; one's own notices everybody sees.
pub const READ: Permission = Permission::new("notice.read");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[(READ, "See which notices were sent to whom")];

const QUEUED: EventType = EventType {
    name: "notice.queued",
    version: 1,
    public: false,
    doc: "A notice to somebody waits to be sent. Payload: id, user_id, kind, template, channel, send_at.",
};
const SENT: EventType = EventType {
    name: "notice.sent",
    version: 1,
    public: false,
    doc: "The other end took a notice. Payload: id, user_id, kind, template, channel.",
};
const HELD: EventType = EventType {
    name: "notice.held",
    version: 1,
    public: false,
    doc: "A notice is not sent. Payload: id, user_id, kind, template, channel, reason.",
};
const FAILED: EventType = EventType {
    name: "notice.failed",
    version: 1,
    public: false,
    doc: "A notice could not be sent. Payload: id, user_id, kind, template, channel, reason.",
};

pub(crate) const EVENTS: &[EventType] = &[QUEUED, SENT, HELD, FAILED, words::TEXT_CHANGED];
