//! A template filled with what might have happened, for whoever writes its words.

use crate::messaging::{FactorChange, IdentityChange, LinkSecret, Template, TemplateField, TemplateName};
use atalaya_kernel::{ids::ApprovalId, secrets::SecretText, time::Timestamp};

/// What a sample says: people and things of a fiction.
pub(super) fn invented(field: TemplateField) -> String {
    let text = match field {
        TemplateField::Address => "198.51.100.24",
        TemplateField::Browser => "Firefox 146, Linux",
        TemplateField::Provider => "Google",
        TemplateField::Key => "Contabilidad",
        TemplateField::Program => "Caja móvil",
        TemplateField::Operator => "Olga Norte",
        TemplateField::Reason => "Ticket 4711",
        TemplateField::Summary => "214 · S/ 12 500",
        TemplateField::By => "Luis Vega",
        // Made of the others, or of the ISP and of the person.
        _ => "…",
    };
    text.to_owned()
}

/// A template at an instant, with texts that somebody gives.
pub(super) fn sample(name: TemplateName, at: Timestamp, text: impl Fn(TemplateField) -> String) -> Template {
    use TemplateField as Field;
    let later = at.plus_millis(3_600_000);
    let link = || LinkSecret(SecretText::new("…".to_owned()));
    match name {
        TemplateName::NewBrowser => {
            Template::NewBrowser { at, address: text(Field::Address), user_agent: text(Field::Browser) }
        }
        TemplateName::PasswordChanged => Template::PasswordChanged { at },
        TemplateName::FactorChanged => Template::FactorChanged { at, change: FactorChange::AppAdded },
        TemplateName::IdentityChanged => {
            Template::IdentityChanged { at, change: IdentityChange::Linked, provider: text(Field::Provider) }
        }
        TemplateName::KeyMade => Template::KeyMade { at, name: text(Field::Key) },
        TemplateName::ProgramGranted => {
            Template::ProgramGranted { at, name: text(Field::Program), address: text(Field::Address) }
        }
        TemplateName::TokenReused => {
            Template::TokenReused { at, name: text(Field::Program), address: text(Field::Address) }
        }
        TemplateName::VisitBegun => Template::VisitBegun {
            at,
            until: later,
            operator: text(Field::Operator),
            reason: text(Field::Reason),
        },
        TemplateName::GuessingSlowed => Template::GuessingSlowed { at, address: text(Field::Address) },
        TemplateName::Invitation => Template::Invitation { link: link(), expires_at: later },
        TemplateName::Reset => Template::Reset { link: link(), expires_at: later },
        TemplateName::ApprovalDecided => Template::ApprovalDecided {
            summary: text(Field::Summary),
            approved: false,
            by: text(Field::By),
            reason: Some(text(Field::Reason)),
        },
        TemplateName::ApprovalRequested => Template::ApprovalRequested {
            id: ApprovalId::new(at),
            summary: text(Field::Summary),
            by: text(Field::By),
            until: later,
        },
    }
}
