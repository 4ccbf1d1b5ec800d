//! Words of an ISP's own in notices, by template and language; where it has none, ours are sent ([`super::say`]).
//!
//! - A *text* is a subject and paragraphs, with `{field}` where a value goes. Which fields a template has is the same in every
//!   language ([`TemplateField`]); one that it does not have is refused by its name when the text is saved.
//! - A paragraph that names a field which has nothing to say this time (a reason that nobody gave) is left out.
//! - Greeting, link and end stay ours: no text loses the link that sets a password, or says that somebody else wrote.
//! - Values are put in after the text was taken apart, and everything is escaped as ours is: nothing that somebody wrote
//!   becomes a field, a header or HTML.

pub(super) mod http;
mod sample;
mod service;
mod store;
mod text;

pub(super) use service::own_words;
pub use service::{notice_text_preview, notice_text_remove, notice_text_set, notice_texts_list};
pub(super) use text::fill;

use super::{NoticeKind, TemplateName};
use atalaya_kernel::{events::EventType, text_enum};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What a text may name: `{person}`.
    pub enum TemplateField {
        /// Name of whoever gets the notice.
        Person = "person",
        /// Name of the ISP.
        Isp = "isp",
        /// When it happened, by the ISP's clock.
        At = "at",
        /// Until when it is good, or lasts at most.
        Until = "until",
        /// Network address that it came from.
        Address = "address",
        /// What the browser said of itself.
        Browser = "browser",
        /// What happened, as a sentence.
        Change = "change",
        /// Name of the identity provider.
        Provider = "provider",
        /// Name of the key.
        Key = "key",
        /// Name of the program.
        Program = "program",
        /// Who runs the installation and came in.
        Operator = "operator",
        /// Why, in somebody's words; it may be empty.
        Reason = "reason",
        /// What was asked for.
        Summary = "summary",
        /// Who decided, or who asked for it.
        By = "by",
        /// What was decided, within a sentence.
        Decision = "decision",
        /// What was decided, as a sentence.
        Outcome = "outcome",
    }
}

pub(super) const TEXT_CHANGED: EventType = EventType {
    name: "notice.text_changed",
    version: 1,
    public: false,
    doc: "The ISP has other words for a notice, or ours again. Payload: template, language, own.",
};

/// Subject and paragraphs, with `{field}` where a value goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeWords {
    /// One line of at most 150 characters.
    #[schema(example = "Invitación a {isp}")]
    pub subject: String,
    /// Paragraphs with an empty line between them; at most 4000 characters.
    #[schema(example = "Ya puede trabajar con nosotros.\n\nEl enlace sirve hasta el {until}.")]
    pub text: String,
}

/// Words to be sent in place of ours.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeTextChange {
    /// One line of at most 150 characters.
    pub subject: String,
    /// Paragraphs with an empty line between them; at most 4000 characters.
    pub text: String,
    /// Version of the own words that they were made from; null: of ours.
    pub version: Option<i64>,
}

/// What is said in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeText {
    /// Of which template.
    pub template: TemplateName,
    /// es-419, en, pt-BR.
    #[schema(example = "es-419")]
    pub language: String,
    /// What is sent.
    pub words: NoticeWords,
    /// What would be sent if the ISP had no words of its own.
    pub ours: NoticeWords,
    /// Version of the own words; null: there are none.
    pub version: Option<i64>,
}

/// A template with its fields, and what is said in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeTemplate {
    /// Which.
    pub template: TemplateName,
    /// What it is about.
    pub kind: NoticeKind,
    /// What its texts may name.
    pub fields: Vec<TemplateField>,
    /// Each of the languages.
    pub texts: Vec<NoticeText>,
}

/// All templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeTemplates {
    /// In a fixed order.
    pub items: Vec<NoticeTemplate>,
}

/// A message as somebody would get it, filled with sample values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticePreview {
    /// One line.
    #[schema(example = "Nueva entrada a su cuenta")]
    pub subject: String,
    /// As plain text.
    #[schema(example = "Rosa, alguien entró con su cuenta.")]
    pub text: String,
    /// As HTML, without a logo.
    #[schema(example = "<p>Rosa, alguien entró con su cuenta.</p>")]
    pub html: String,
}
