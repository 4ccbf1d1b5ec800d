//! Texts with fields: taken apart, and put together with values.

use super::{NoticeWords, TemplateField};

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::messaging) enum Wrong {
    /// It names what the template does not have.
    #[error("{{{0}}} is no field of this template")]
    Unknown(String),
    /// A brace without its partner.
    #[error("a field stands in braces, such as {{isp}}: one of them has no partner")]
    Brace,
}

/// Words, or a place for a value.
enum Part<'t> {
    Words(&'t str),
    Field(TemplateField),
}

fn parts<'t>(text: &'t str, is_known: impl Fn(TemplateField) -> bool) -> Result<Vec<Part<'t>>, Wrong> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (words, braced) = rest.split_at(at);
        let (name, after) =
            braced.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or(Wrong::Brace)?;
        if name.contains('{') {
            return Err(Wrong::Brace);
        }
        let field = name.trim().parse::<TemplateField>().ok().filter(|field| is_known(*field));
        parts.push(Part::Words(words));
        parts.push(Part::Field(field.ok_or_else(|| Wrong::Unknown(name.chars().take(40).collect()))?));
        rest = after;
    }
    parts.push(Part::Words(rest));
    Ok(parts)
}

/// Checks a text against the fields of its template.
pub(super) fn check(text: &str, fields: &[TemplateField]) -> Result<(), Wrong> {
    parts(text, |field| fields.contains(&field)).map(drop)
}

fn value(values: &[(TemplateField, String)], field: TemplateField) -> Option<&str> {
    values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
}

/// Puts the values in; whether all of them had something to say.
fn filled(text: &str, values: &[(TemplateField, String)]) -> Result<(String, bool), Wrong> {
    let mut all = true;
    let mut whole = String::with_capacity(text.len());
    for part in parts(text, |field| value(values, field).is_some())? {
        match part {
            Part::Words(words) => whole.push_str(words),
            Part::Field(field) => {
                let value = value(values, field).unwrap_or_default();
                all &= !value.is_empty();
                whole.push_str(value);
            }
        }
    }
    Ok((whole, all))
}

/// Paragraphs: what stands between empty lines.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for line in text.lines().map(str::trim_end) {
        match all.last_mut() {
            Some(last) if !line.is_empty() => {
                if !last.is_empty() {
                    last.push('\n');
                }
                last.push_str(line);
            }
            _ => all.push(String::new()),
        }
    }
    all.retain(|paragraph| !paragraph.is_empty());
    all
}

/// Subject and paragraphs with their values; a paragraph of which a value is empty is left out.
pub(in crate::messaging) fn fill(
    words: &NoticeWords,
    values: &[(TemplateField, String)],
) -> Result<(String, Vec<String>), Wrong> {
    let (subject, _) = filled(&words.subject, values)?;
    let mut said = Vec::new();
    for paragraph in paragraphs(&words.text) {
        let (paragraph, all) = filled(&paragraph, values)?;
        if all {
            said.push(paragraph);
        }
    }
    Ok((subject, said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> NoticeWords {
        NoticeWords { subject: "{isp}".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_text_names_its_fields_and_no_others() {
        let fields = [TemplateField::Isp, TemplateField::At];
        assert_eq!(check("En {isp}, el { at }.", &fields), Ok(()));
        assert_eq!(
            check("{address}", &fields),
            Err(Wrong::Unknown("address".to_owned())),
            "another template's"
        );
        assert_eq!(check("{nombre}", &fields), Err(Wrong::Unknown("nombre".to_owned())));
        for text in ["{isp", "isp}", "{{isp}}", "{", "}{", "{is{at}"] {
            assert_eq!(check(text, &fields), Err(Wrong::Brace), "{text}");
        }
    }

    #[test]
    fn a_paragraph_with_nothing_to_say_is_left_out() {
        let values = [
            (TemplateField::Isp, "Net{at}Andina".to_owned()),
            (TemplateField::Reason, String::new()),
            (TemplateField::At, "hoy".to_owned()),
        ];
        let text = "De {isp}\r\nel {at}.  \n\n \nMotivo: {reason}\n\n\nAdiós.\n";
        let (subject, said) = fill(&words(text), &values).unwrap();
        assert_eq!(subject, "Net{at}Andina", "what somebody wrote is no field");
        assert_eq!(said, ["De Net{at}Andina\nel hoy.", "Adiós."]);
        assert!(fill(&words("{address}"), &values).is_err());
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down_and_what_is_checked_can_be_filled(text in "[{} a-z\n]{0,40}|.*") {
            let fields = [TemplateField::Isp, TemplateField::At];
            let values = fields.map(|field| (field, "x".to_owned()));
            prop_assert_eq!(check(&text, &fields).is_ok(), fill(&words(&text), &values).is_ok());
        }
    }
}
