use super::{Facts, Said};
use crate::messaging::{FactorChange, IdentityChange, Template};

const NOT_YOU: &str = "If this was not you, change your password now, end your other sessions under Profile and security, \
                       and tell an owner of the ISP.";

pub(super) fn changed(change: FactorChange) -> &'static str {
    match change {
        FactorChange::AppAdded => "An authenticator app was added to your log-in.",
        FactorChange::AppRemoved => "The authenticator app was removed from your log-in.",
        FactorChange::PasskeyAdded => "A passkey was added to your log-in.",
        FactorChange::PasskeyRemoved => "A passkey was removed from your log-in.",
        FactorChange::PasskeyCopied => {
            "A passkey of yours was refused: its counter went back, so there may be a copy of it. Remove it and make a new one."
        }
        FactorChange::RecoveryRenewed => "New recovery codes were made; the old ones are worthless.",
        FactorChange::RecoveryUsed => "A recovery code was used to log in or to confirm something.",
        FactorChange::Reset => {
            "Somebody who may do so removed your second factors: the app, passkeys and recovery codes."
        }
    }
}

pub(super) fn account(change: IdentityChange, provider: &str) -> String {
    match change {
        IdentityChange::Allowed => format!(
            "An account at {provider} may be linked with your log-in: the first one that enters with your verified e-mail, for seven days."
        ),
        IdentityChange::Linked => {
            format!("An account at {provider} was linked: from now on it logs in as you.")
        }
        IdentityChange::Removed => {
            format!("The account at {provider} that was allowed or linked no longer logs in as you.")
        }
    }
}

/// What was decided, within a sentence and as one.
pub(super) fn decided(approved: bool) -> (&'static str, &'static str) {
    if approved {
        ("approved", "Your request was approved")
    } else {
        ("rejected", "Your request was rejected")
    }
}

pub(super) fn said(template: &Template, facts: &Facts<'_>) -> Said {
    let isp = facts.tenant_name;
    match template {
        Template::NewBrowser { at, address, user_agent } => Said::new(
            format!("New log-in at {isp}"),
            vec![
                "Somebody logged in with your e-mail from a browser that was not known.".to_owned(),
                format!("When: {}\nFrom: {address}\nBrowser: {user_agent}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::PasswordChanged { at } => Said::new(
            format!("Your password at {isp} was changed"),
            vec![format!("Your password was changed on {}.", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::FactorChanged { at, change } => Said::new(
            format!("Your second factor at {isp}"),
            vec![changed(*change).to_owned(), format!("When: {}", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::IdentityChanged { at, change, provider } => Said::new(
            format!("Another way to log in at {isp}"),
            vec![account(*change, provider), format!("When: {}", facts.clock(*at)), NOT_YOU.to_owned()],
        ),
        Template::KeyMade { at, name } => Said::new(
            format!("A key for a program was made at {isp}"),
            vec![
                format!("The API key “{name}” was made with your log-in on {}.", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::ProgramGranted { at, name, address } => Said::new(
            format!("A program acts for you at {isp}"),
            vec![
                format!("The program “{name}” got access with your password."),
                format!("When: {}\nFrom: {address}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::TokenReused { at, name, address } => Said::new(
            format!("Access of a program at {isp} was ended"),
            vec![
                format!(
                    "A token of the program “{name}” came a second time, so somebody else may have a copy. Its access was ended."
                ),
                format!("When: {}\nFrom: {address}", facts.clock(*at)),
                NOT_YOU.to_owned(),
            ],
        ),
        Template::VisitBegun { at, until, operator, reason } => Said::new(
            format!("An operator of the installation entered {isp}"),
            vec![
                format!("{operator}, who runs the installation, entered your ISP. Reason: {reason}"),
                format!("From: {}\nUntil at most: {}", facts.clock(*at), facts.clock(*until)),
                "You see what is done under Audit, and can end the visit under Visits of the installation."
                    .to_owned(),
            ],
        ),
        Template::GuessingSlowed { at, address } => Said::new(
            format!("Somebody tries to log in as you at {isp}"),
            vec![
                "Several log-ins with your e-mail were refused, and further ones from there have to wait. \
                 You can log in as always."
                    .to_owned(),
                format!("When: {}\nFrom: {address}", facts.clock(*at)),
                "If it was you, use “forgot password” or ask somebody who may set one. If not, see that your password is \
                 nowhere else and that you have a second factor."
                    .to_owned(),
            ],
        ),
        Template::Invitation { expires_at, .. } => Said::new(
            format!("You are invited to {isp}"),
            vec![
                format!("You can work with the system of {isp}. Set your password first."),
                format!("The link is good once, until {}.", facts.clock(*expires_at)),
            ],
        )
        .with_link("Set the password"),
        Template::Reset { expires_at, .. } => Said::new(
            format!("Set another password at {isp}"),
            vec![
                "Somebody asked for a link with which you set another password.".to_owned(),
                format!("The link is good once, until {}.", facts.clock(*expires_at)),
                "If it was not you, do nothing: your password stays as it is.".to_owned(),
            ],
        )
        .with_link("Set another password"),
        Template::ApprovalDecided { summary, approved, by, reason } => {
            let (became, subject) = decided(*approved);
            let mut paragraphs = vec![format!("{by} {became} what you asked for: {summary}")];
            paragraphs.extend(reason.as_ref().map(|reason| format!("Reason: {reason}")));
            Said::new(subject, paragraphs)
        }
        Template::ApprovalRequested { summary, by, until, .. } => Said::new(
            format!("Something waits for your approval at {isp}"),
            vec![
                format!("{by} asked for this and it waits for another person: {summary}"),
                format!("Nothing is done until somebody approves it. It can be decided until {}", facts.clock(*until)),
            ],
        )
        .with_link("See and decide"),
    }
}
