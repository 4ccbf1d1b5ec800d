//! The words, one file a language. A file says everything that can be said, so that the compiler finds a template without
//! words; what surrounds the words is [`super::render`]'s.

mod en;
mod es;
mod pt;
mod values;

use super::{FactorChange, IdentityChange, Template};
use atalaya_kernel::time::{TimeZone, Timestamp};

pub(super) use values::values;

/// Languages that there are words in: those of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Of Latin America.
    Spanish,
    /// For everybody else.
    English,
    /// Of Brazil.
    Portuguese,
}

impl Language {
    /// Of a locale of ours; Spanish for what is none.
    pub fn of(locale: &str) -> Self {
        match locale {
            "en" => Self::English,
            "pt-BR" => Self::Portuguese,
            _ => Self::Spanish,
        }
    }
    /// As of RFC 5646.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Spanish => "es-419",
            Self::English => "en",
            Self::Portuguese => "pt-BR",
        }
    }
}

/// What every text may name.
pub(super) struct Facts<'f> {
    pub(super) tenant_name: &'f str,
    pub(super) zone: &'f TimeZone,
}

impl Facts<'_> {
    /// An instant by the clock of the ISP: `2026-11-05 10:07 (America/Lima)`.
    fn clock(&self, at: Timestamp) -> String {
        let minute = at.minute_of_day_in(self.zone);
        format!("{} {:02}:{:02} ({})", at.date_in(self.zone), minute / 60, minute % 60, self.zone)
    }
}

/// What is said, without greeting and end.
pub(super) struct Said {
    pub(super) subject: String,
    pub(super) paragraphs: Vec<String>,
    /// Words of the link, where there is one.
    pub(super) link: &'static str,
}

impl Said {
    fn new(subject: impl Into<String>, paragraphs: Vec<String>) -> Self {
        Self { subject: subject.into(), paragraphs, link: "" }
    }
    fn with_link(mut self, words: &'static str) -> Self {
        self.link = words;
        self
    }
}

/// A template in a language.
pub(super) fn said(language: Language, template: &Template, facts: &Facts<'_>) -> Said {
    match language {
        Language::Spanish => es::said(template, facts),
        Language::English => en::said(template, facts),
        Language::Portuguese => pt::said(template, facts),
    }
}

/// What happened to second factors, as a sentence.
fn changed(language: Language, change: FactorChange) -> &'static str {
    match language {
        Language::Spanish => es::changed(change),
        Language::English => en::changed(change),
        Language::Portuguese => pt::changed(change),
    }
}

/// What happened to an account elsewhere, as a sentence.
fn account(language: Language, change: IdentityChange, provider: &str) -> String {
    match language {
        Language::Spanish => es::account(change, provider),
        Language::English => en::account(change, provider),
        Language::Portuguese => pt::account(change, provider),
    }
}

/// What was decided, within a sentence and as one.
fn decided(language: Language, approved: bool) -> (&'static str, &'static str) {
    match language {
        Language::Spanish => es::decided(approved),
        Language::English => en::decided(approved),
        Language::Portuguese => pt::decided(approved),
    }
}

/// The first line, to somebody.
pub(super) fn greeting(language: Language, name: &str) -> String {
    match language {
        Language::Spanish => format!("Hola, {name}:"),
        Language::English => format!("Hello {name},"),
        Language::Portuguese => format!("Olá, {name}:"),
    }
}

/// The last line: who sends it, and that nobody reads answers.
pub(super) fn farewell(language: Language, tenant_name: &str) -> String {
    match language {
        Language::Spanish => {
            format!("Este mensaje lo envió el sistema de {tenant_name}; nadie lee las respuestas.")
        }
        Language::English => {
            format!("The system of {tenant_name} sent this message; nobody reads answers to it.")
        }
        Language::Portuguese => {
            format!("Esta mensagem foi enviada pelo sistema de {tenant_name}; ninguém lê as respostas.")
        }
    }
}
