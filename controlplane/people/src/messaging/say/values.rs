//! What a text of an ISP's own may name: the values of a template, in words.

use super::{Facts, Language, account, changed, decided};
use crate::messaging::{Template, TemplateField};

/// Each field of a template with its value; empty where there is nothing to say.
pub(in crate::messaging) type Values = Vec<(TemplateField, String)>;

/// The values of a template, to a person.
pub(in crate::messaging) fn values(
    language: Language,
    template: &Template,
    person: &str,
    facts: &Facts<'_>,
) -> Values {
    use TemplateField as Field;
    let mut values = vec![(Field::Person, person.to_owned()), (Field::Isp, facts.tenant_name.to_owned())];
    values.extend(match template {
        Template::NewBrowser { at, address, user_agent } => vec![
            (Field::At, facts.clock(*at)),
            (Field::Address, address.clone()),
            (Field::Browser, user_agent.clone()),
        ],
        Template::PasswordChanged { at } => vec![(Field::At, facts.clock(*at))],
        Template::FactorChanged { at, change } => {
            vec![(Field::At, facts.clock(*at)), (Field::Change, changed(language, *change).to_owned())]
        }
        Template::IdentityChanged { at, change, provider } => vec![
            (Field::At, facts.clock(*at)),
            (Field::Change, account(language, *change, provider)),
            (Field::Provider, provider.clone()),
        ],
        Template::KeyMade { at, name } => {
            vec![(Field::At, facts.clock(*at)), (Field::Key, name.clone())]
        }
        Template::ProgramGranted { at, name, address } | Template::TokenReused { at, name, address } => {
            vec![
                (Field::At, facts.clock(*at)),
                (Field::Program, name.clone()),
                (Field::Address, address.clone()),
            ]
        }
        Template::VisitBegun { at, until, operator, reason } => vec![
            (Field::At, facts.clock(*at)),
            (Field::Until, facts.clock(*until)),
            (Field::Operator, operator.clone()),
            (Field::Reason, reason.clone()),
        ],
        Template::GuessingSlowed { at, address } => {
            vec![(Field::At, facts.clock(*at)), (Field::Address, address.clone())]
        }
        Template::Invitation { expires_at, .. } | Template::Reset { expires_at, .. } => {
            vec![(Field::Until, facts.clock(*expires_at))]
        }
        Template::ApprovalDecided { summary, approved, by, reason } => {
            let (decision, outcome) = decided(language, *approved);
            vec![
                (Field::Outcome, outcome.to_owned()),
                (Field::By, by.clone()),
                (Field::Decision, decision.to_owned()),
                (Field::Summary, summary.clone()),
                (Field::Reason, reason.clone().unwrap_or_default()),
            ]
        }
        Template::ApprovalRequested { summary, by, until, .. } => vec![
            (Field::By, by.clone()),
            (Field::Summary, summary.clone()),
            (Field::Until, facts.clock(*until)),
        ],
    });
    values
}
