//! From a template to a message: greeting, words, link, end, as plain text and as HTML; or the few words that a browser shows.
//!
//! Everything that came from people (names, reasons, what a browser says of itself) is text: in HTML it is escaped, and the
//! subject is one line, so that nobody writes a header or a link of their own into somebody else's mail.

use super::{
    LOGO_CID, Mail, MailLogo, Template,
    say::{self, Facts, Language, Said},
    words::{self, NoticeWords},
};
use crate::{identity::User, push::Told, tenancy::Tenant};
use atalaya_kernel::{ids::NoticeId, secrets::SecretText, time::Timestamp};

/// Longest subject, characters.
const SUBJECT: usize = 150;
/// Longest title that a browser is told, characters; it shows fewer.
const TITLE: usize = 120;
/// Longest text that a browser is told, characters.
const TEXT: usize = 300;
/// Largest that a logo is shown, pixels; mail programs do not scale one by themselves.
const LOGO: (u32, u32) = (240, 48);

/// To whom, from whom, in which words, and where links lead.
pub(super) struct Frame<'f> {
    pub(super) language: Language,
    /// Name of whoever gets it.
    pub(super) person: &'f str,
    pub(super) tenant: &'f Tenant,
    /// Address of the web app, without a path.
    pub(super) web: &'f str,
    pub(super) logo: Option<&'f MailLogo>,
    /// The ISP's own words; none: ours.
    pub(super) own: Option<&'f NoticeWords>,
}

/// Which message it is, and who gets it.
pub(super) struct Setting<'s> {
    pub(super) id: &'s NoticeId,
    pub(super) created_at: Timestamp,
    pub(super) user: &'s User,
    pub(super) frame: Frame<'s>,
}

/// The message.
pub(super) fn mail(template: &Template, setting: &Setting<'_>) -> Mail {
    let Setting { user, frame, .. } = setting;
    let (subject, text, html) = composed(template, frame);
    Mail {
        id: setting.id.clone(),
        date: setting.created_at,
        from_name: one_line(&frame.tenant.name),
        to_name: one_line(&user.name),
        to: user.email.clone(),
        subject,
        language: frame.language.tag(),
        text: SecretText::new(text),
        html: SecretText::new(html),
        logo: frame.logo.cloned(),
    }
}

/// What is said: in the ISP's own words, or in ours.
fn said(template: &Template, frame: &Frame<'_>) -> Said {
    let facts = Facts { tenant_name: &frame.tenant.name, zone: &frame.tenant.time_zone };
    let ours = say::said(frame.language, template, &facts);
    let Some(own) = frame.own else { return ours };
    match words::fill(own, &say::values(frame.language, template, frame.person, &facts)) {
        Ok((subject, paragraphs)) => Said { subject, paragraphs, link: ours.link },
        // They were checked when they were saved, against the fields that there were then.
        Err(error) => {
            tracing::warn!(tenant = %frame.tenant.id, template = %template.name(), %error, "a notice goes in our words");
            ours
        }
    }
}

/// Subject, plain text and HTML.
pub(super) fn composed(template: &Template, frame: &Frame<'_>) -> (String, String, String) {
    let Frame { language, tenant, .. } = frame;
    let said = said(template, frame);
    let link = match template.link() {
        Some(secret) => Some(format!("{}/set-password#{}", frame.web, secret.0.expose())),
        None if said.link.is_empty() => None,
        None => Some(format!("{}{}", frame.web, template.page())),
    };
    let greeting = say::greeting(*language, &one_line(frame.person));
    let farewell = say::farewell(*language, &one_line(&tenant.name));
    let mut text = format!("{greeting}\n");
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"></head>\n<body>\n",
        language.tag()
    );
    if let Some(logo) = frame.logo {
        let (width, height) = fitted(logo.width, logo.height);
        let name = escaped(&one_line(&tenant.name));
        html.push_str(&format!(
            "<p><img src=\"cid:{LOGO_CID}\" alt=\"{name}\" width=\"{width}\" height=\"{height}\"></p>\n"
        ));
    }
    html.push_str(&format!("<p>{}</p>\n", escaped(&greeting)));
    for paragraph in &said.paragraphs {
        let paragraph = without_controls(paragraph);
        text.push_str(&format!("\n{paragraph}\n"));
        html.push_str(&format!("<p>{}</p>\n", escaped(&paragraph).replace('\n', "<br>\n")));
    }
    if let Some(link) = &link {
        text.push_str(&format!("\n{}:\n{link}\n", said.link));
        html.push_str(&format!("<p><a href=\"{}\">{}</a></p>\n", escaped(link), escaped(said.link)));
    }
    text.push_str(&format!("\n{farewell}\n"));
    html.push_str(&format!("<p>{}</p>\n</body></html>\n", escaped(&farewell)));
    (one_line(&said.subject).chars().take(SUBJECT).collect(), text, html)
}

/// The size at which a picture is shown: as it is, or smaller with the same shape. Its sides are some hundred pixels.
fn fitted(width: u32, height: u32) -> (u32, u32) {
    let (most_wide, most_high) = LOGO;
    let (width, height) = (width.max(1), height.max(1));
    let (wide, high) =
        if height > most_high { (width * most_high / height, most_high) } else { (width, height) };
    if wide > most_wide { (most_wide, (height * most_wide / width).max(1)) } else { (wide.max(1), high) }
}

/// What a browser shows: title and a few words. A template with a secret link is none for this way, so its link is not looked at.
pub(super) fn told(template: &Template, id: &NoticeId, frame: &Frame<'_>) -> Told {
    let said = said(template, frame);
    Told {
        lang: frame.language.tag(),
        title: shortened(&one_line(&said.subject), TITLE),
        text: shortened(&without_controls(&said.paragraphs.join("\n")), TEXT),
        path: template.page(),
        tag: id.to_string(),
    }
}

/// The beginning of a text that is too long.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let begin: String = text.chars().take(most - 1).collect();
    format!("{}…", begin.trim_end())
}

/// On one line, without characters that only control.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without characters that only control, but for the ends of lines.
fn without_controls(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect()
}

/// As text in HTML, also within quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_wrote_is_text() {
        assert_eq!(one_line("Net\r\nBcc: a@b.example \u{7}Andina"), "Net Bcc: a@b.example Andina");
        assert_eq!(escaped("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        assert_eq!(without_controls("a\u{1b}[31m\nb\r"), "a[31m\nb");
        assert_eq!([shortened("ñandú", 5), shortened("ñandú x", 6)], ["ñandú", "ñandú…"]);
    }

    #[test]
    fn a_logo_is_shown_in_its_own_shape() {
        for (of, shown) in [
            ((120, 40), (120, 40)),
            ((960, 192), (240, 48)),
            ((1_600, 16), (240, 2)),
            ((16, 1_600), (1, 48)),
            ((600, 60), (240, 24)),
        ] {
            assert_eq!(fitted(of.0, of.1), shown, "{of:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(text in any::<String>()) {
            prop_assert!(!one_line(&text).chars().any(char::is_control));
            let safe = escaped(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
        }
    }
}
