//! What a part of an export says of itself, in the language of the ISP: one file of words a language.

mod en;
mod es;
mod pt;

use atalaya_kernel::{personal::Person, time::Timestamp};
use atalaya_people::{messaging::Language, tenancy::Tenant};

/// Something in a part.
pub(super) enum Listed {
    /// Rows as JSON.
    Rows {
        /// Name of the file.
        name: String,
        /// As `Held` calls it.
        document: &'static str,
        /// How many.
        rows: usize,
    },
    /// A file that was left with something of the person.
    File {
        /// Name of the file.
        name: String,
    },
}

/// What the text names.
struct Facts<'f> {
    tenant: &'f str,
    person: &'f str,
    made: String,
    part: usize,
}

/// The words of a language.
struct Words {
    /// Heading and the sentences before the list.
    opening: fn(&Facts<'_>) -> String,
    /// `12 rows`.
    rows: fn(usize) -> String,
    /// What is said of a file that was left.
    file: &'static str,
    /// What is not in it.
    closing: &'static str,
    /// What each document is.
    documents: &'static [(&'static str, &'static str)],
}

const fn words(language: Language) -> &'static Words {
    match language {
        Language::Spanish => &es::WORDS,
        Language::English => &en::WORDS,
        Language::Portuguese => &pt::WORDS,
    }
}

/// What a document is; its name, which says it too, when nobody has found words yet.
fn described<'w>(words: &'w Words, document: &'w str) -> &'w str {
    words.documents.iter().find(|(name, _)| *name == document).map_or(document, |(_, what)| what)
}

/// The text of a part.
pub(super) fn text(
    tenant: &Tenant,
    person: &Person,
    at: Timestamp,
    part: usize,
    listed: &[Listed],
) -> String {
    let words = words(Language::of(&tenant.locale));
    let minute = at.minute_of_day_in(&tenant.time_zone);
    let day = at.date_in(&tenant.time_zone);
    let made = format!("{day} {:02}:{:02} ({})", minute / 60, minute % 60, tenant.time_zone);
    let facts = Facts { tenant: &tenant.name, person: person.id(), made, part };
    let lines = listed.iter().map(|listed| match listed {
        Listed::Rows { name, document, rows } => {
            format!("- {name}: {} ({})", described(words, document), (words.rows)(*rows))
        }
        Listed::File { name } => format!("- {name}: {}", words.file),
    });
    let lines: Vec<String> = lines.collect();
    format!("{}\n\n{}\n\n{}\n", (words.opening)(&facts), lines.join("\n"), words.closing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::HELD;

    #[test]
    fn every_document_has_words_in_every_language() {
        for language in [Language::Spanish, Language::English, Language::Portuguese] {
            let documents = words(language).documents;
            for held in HELD.iter().flat_map(|list| list.iter()).filter(|held| held.is_shown()) {
                let found = documents.iter().find(|(name, _)| *name == held.document);
                assert!(found.is_some_and(|(_, what)| !what.is_empty()), "{}", held.document);
            }
        }
    }

    #[test]
    fn no_words_are_of_a_document_that_there_is_not() {
        for (name, _) in words(Language::English).documents {
            let there = HELD.iter().flat_map(|list| list.iter()).any(|held| held.document == *name);
            assert!(there, "{name}");
        }
    }
}
