use super::{
    NoticePreview, NoticeTemplate, NoticeTemplates, NoticeText, NoticeTextChange, NoticeWords, TEXT_CHANGED,
    TemplateField,
    sample::{invented, sample},
    store::{self, TextRow},
    text::{self, Wrong},
};
use crate::{
    messaging::{
        TemplateName,
        render::{self, Frame},
        say::{self, Facts, Language},
    },
    tenancy::{self, LOCALES, WRITE},
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    time::{TimeZone, Timestamp},
    write_tx,
};
use serde_json::json;
use std::cmp::Reverse;

/// Most letters of a subject.
const SUBJECT: usize = 150;
/// Most letters of a text.
const TEXT: usize = 4_000;

/// Every template with its fields, ours, and the ISP's own words. Whoever works there may see them.
///
/// # Errors
/// The database's.
pub async fn notice_texts_list(ctx: &Ctx) -> Result<NoticeTemplates, Error> {
    let mut tx = ctx.begin_read().await?;
    let zone = tenancy::settings(&mut tx).await?.time_zone;
    let own = store::texts_list(&mut tx).await?;
    tx.rollback().await?;
    let items = TemplateName::ALL.iter().map(|template| {
        let texts = LOCALES.iter().map(|language| {
            let own = own.iter().find(|row| row.template == *template && row.language == *language);
            shown(*template, language, own, &zone, ctx.now())
        });
        NoticeTemplate {
            template: *template,
            kind: sample(*template, ctx.now(), invented).kind(),
            fields: fields(*template, &zone, ctx.now()),
            texts: texts.collect(),
        }
    });
    Ok(NoticeTemplates { items: items.collect() })
}

/// Gives a template words of the ISP's own in a language.
///
/// # Errors
/// An unknown language, words that cannot be sent, changed meanwhile, or without `tenant.write`.
pub async fn notice_text_set(
    ctx: &Ctx,
    template: TemplateName,
    language: &str,
    change: NoticeTextChange,
) -> Result<NoticeText, Error> {
    ctx.authorize_whole(WRITE)?;
    let language = known(language)?;
    let words = NoticeWords { subject: change.subject, text: change.text };
    write_tx!(ctx, tx => {
        let zone = tenancy::settings(&mut tx).await?.time_zone;
        let words = checked(&words, &fields(template, &zone, ctx.now()))?;
        let before = store::text_find(&mut tx, template, language).await?;
        let current = before.as_ref().map(|row| row.version);
        let conflict = Error::VersionConflict { current: current.unwrap_or(0) };
        let after = TextRow {
            template,
            language: language.to_owned(),
            subject: words.subject,
            text: words.text,
            version: current.unwrap_or(0) + 1,
        };
        if change.version != current || !store::text_write(&mut tx, &after, ctx.now()).await? {
            return Err(conflict);
        }
        tell(ctx, &mut tx, before.as_ref(), Some(&after)).await?;
        Ok(shown(template, language, Some(&after), &zone, ctx.now()))
    })
}

/// Takes the ISP's own words away: ours are sent again.
///
/// # Errors
/// An unknown language, a template that has none, or without `tenant.write`.
pub async fn notice_text_remove(
    ctx: &Ctx,
    template: TemplateName,
    language: &str,
) -> Result<NoticeText, Error> {
    ctx.authorize_whole(WRITE)?;
    let language = known(language)?;
    write_tx!(ctx, tx => {
        let zone = tenancy::settings(&mut tx).await?.time_zone;
        let before = store::text_find(&mut tx, template, language).await?.ok_or(Error::NotFound)?;
        store::text_remove(&mut tx, template, language).await?;
        tell(ctx, &mut tx, Some(&before), None).await?;
        Ok(shown(template, language, None, &zone, ctx.now()))
    })
}

/// Words as somebody would get them, with sample values; nothing is kept or sent.
///
/// # Errors
/// An unknown language, or words that cannot be sent.
pub async fn notice_text_preview(
    ctx: &Ctx,
    template: TemplateName,
    language: &str,
    words: &NoticeWords,
) -> Result<NoticePreview, Error> {
    let language = known(language)?;
    let tenant = tenancy::tenant_get(ctx).await?;
    let words = checked(words, &fields(template, &tenant.time_zone, ctx.now()))?;
    let template = sample(template, ctx.now(), invented);
    let frame = Frame {
        language: Language::of(language),
        person: "Rosa Campos",
        tenant: &tenant,
        web: "https://…",
        logo: None,
        own: Some(&words),
    };
    let (subject, text, html) = render::composed(&template, &frame);
    Ok(NoticePreview { subject, text, html })
}

/// The ISP's own words for a template in a language.
pub(in crate::messaging) async fn own_words(
    tx: &mut TenantTx,
    template: TemplateName,
    language: Language,
) -> Result<Option<NoticeWords>, Error> {
    let row = store::text_find(tx, template, language.tag()).await?;
    Ok(row.map(|row| NoticeWords { subject: row.subject, text: row.text }))
}

fn known(language: &str) -> Result<&'static str, Error> {
    LOCALES.iter().copied().find(|known| *known == language).ok_or(Error::NotFound)
}

fn fields(template: TemplateName, zone: &TimeZone, at: Timestamp) -> Vec<TemplateField> {
    let facts = Facts { tenant_name: "", zone };
    let values = say::values(Language::Spanish, &sample(template, at, invented), "", &facts);
    values.into_iter().map(|(field, _)| field).collect()
}

/// Words that can be sent, without spaces around them.
fn checked(words: &NoticeWords, fields: &[TemplateField]) -> Result<NoticeWords, Error> {
    let mut validation = Validation::new();
    let subject = validation.text(&words.subject, "/subject", SUBJECT);
    let text = words.text.trim().replace("\r\n", "\n");
    validation.check(!text.is_empty(), "/text", "required", "expected at least a paragraph").check(
        text.chars().count() <= TEXT,
        "/text",
        "too_long",
        format!("at most {TEXT} characters"),
    );
    for (pointer, words) in [("/subject", &subject), ("/text", &text)] {
        let Err(wrong) = text::check(words, fields) else { continue };
        let code = match wrong {
            Wrong::Unknown(_) => "unknown_field",
            Wrong::Brace => "brace",
        };
        let all = fields.iter().map(|field| format!("{{{field}}}")).collect::<Vec<_>>().join(", ");
        validation.check(false, pointer, code, format!("{wrong}; there are {all}"));
    }
    validation.finish()?;
    Ok(NoticeWords { subject, text })
}

fn shown(
    template: TemplateName,
    language: &str,
    own: Option<&TextRow>,
    zone: &TimeZone,
    at: Timestamp,
) -> NoticeText {
    let ours = ours(template, Language::of(language), zone, at);
    let words = own.map(|row| NoticeWords { subject: row.subject.clone(), text: row.text.clone() });
    NoticeText {
        template,
        language: language.to_owned(),
        words: words.unwrap_or_else(|| ours.clone()),
        ours,
        version: own.map(|row| row.version),
    }
}

/// Our words as a text with fields: they are said of values that occur nowhere else, and each is then its field again.
fn ours(template: TemplateName, language: Language, zone: &TimeZone, at: Timestamp) -> NoticeWords {
    let mark = |field: TemplateField| format!("\u{1}{field}\u{1}");
    let isp = mark(TemplateField::Isp);
    let facts = Facts { tenant_name: &isp, zone };
    let marked = sample(template, at, mark);
    let mut values = say::values(language, &marked, &mark(TemplateField::Person), &facts);
    // A sentence before the words in it.
    values.sort_by_key(|(_, value)| Reverse(value.len()));
    let said = say::said(language, &marked, &facts);
    let as_fields = |text: String| {
        values.iter().fold(text, |text, (field, value)| text.replace(value.as_str(), &format!("{{{field}}}")))
    };
    NoticeWords { subject: as_fields(said.subject), text: as_fields(said.paragraphs.join("\n\n")) }
}

/// Audit row and event.
async fn tell(
    ctx: &Ctx,
    tx: &mut TenantTx,
    before: Option<&TextRow>,
    after: Option<&TextRow>,
) -> Result<(), Error> {
    let Some(TextRow { template, language, .. }) = after.or(before) else { return Ok(()) };
    let entity = EntityRef::new("notice_text", format!("{template}/{language}"));
    let state = |row: &TextRow| json!({"subject": row.subject, "text": row.text, "version": row.version});
    let mut entry = Entry::new("notice.text", entity.clone());
    if let Some(before) = before {
        entry = entry.before(&state(before))?;
    }
    if let Some(after) = after {
        entry = entry.after(&state(after))?;
    }
    audit::record(ctx, tx, entry).await?;
    let facts = json!({"template": template, "language": language, "own": after.is_some()});
    events::emit(ctx, tx, NewEvent::new(TEXT_CHANGED, entity, facts)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ours, taken apart into fields and filled again, say what they said.
    #[test]
    fn our_words_can_be_sent_as_an_isps_own() {
        let (zone, at): (TimeZone, Timestamp) =
            ("America/Lima".parse().unwrap(), "2026-11-05T15:07:00Z".parse().unwrap());
        let facts = Facts { tenant_name: "NetAndina", zone: &zone };
        for template in TemplateName::ALL {
            for language in LOCALES.iter().map(|locale| Language::of(locale)) {
                let ours = ours(*template, language, &zone, at);
                assert!(!ours.text.contains('\u{1}') && !ours.subject.contains('\u{1}'), "{ours:?}");
                assert_eq!(checked(&ours, &fields(*template, &zone, at)).ok().as_ref(), Some(&ours));
                let said_of = sample(*template, at, invented);
                let said = say::said(language, &said_of, &facts);
                let values = say::values(language, &said_of, "Rosa", &facts);
                let filled = text::fill(&ours, &values).unwrap();
                assert_eq!(filled, (said.subject, said.paragraphs), "{template} in {language:?}");
            }
        }
    }
}
