//! What can be said, with the values that it is said of.

use super::NoticeKind;
use atalaya_kernel::{ids::ApprovalId, secrets::SecretText, text_enum, time::Timestamp};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;

/// The token of a link that sets a password: sealed in the row, in clear in the message alone.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LinkSecret(pub SecretText);

impl Serialize for LinkSecret {
    /// For the sealed column, and nothing else: a template is serialised there alone.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

text_enum! {
    /// What happened to somebody's second factors.
    pub enum FactorChange {
        /// An authenticator app was added.
        AppAdded = "app_added",
        /// It was removed.
        AppRemoved = "app_removed",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// One was removed.
        PasskeyRemoved = "passkey_removed",
        /// The counter of one went back: there may be a copy.
        PasskeyCopied = "passkey_copied",
        /// There are new recovery codes.
        RecoveryRenewed = "recovery_renewed",
        /// A recovery code was used.
        RecoveryUsed = "recovery_used",
        /// Somebody else removed all of them.
        Reset = "reset",
    }
}

text_enum! {
    /// What happened to an account elsewhere that opens somebody's log-in.
    pub enum IdentityChange {
        /// The first account with their verified e-mail may be linked.
        Allowed = "allowed",
        /// One was linked, and opens their log-in from now on.
        Linked = "linked",
        /// It opens their log-in no more.
        Removed = "removed",
    }
}

text_enum! {
    /// Which of the templates.
    pub enum TemplateName {
        /// Somebody logged in from a browser that was not known.
        NewBrowser = "new_browser",
        /// The password is another one.
        PasswordChanged = "password_changed",
        /// The second factors are others than before.
        FactorChanged = "factor_changed",
        /// An account elsewhere opens the log-in, or does no more.
        IdentityChanged = "identity_changed",
        /// An API key was made.
        KeyMade = "key_made",
        /// A program acts for its recipient.
        ProgramGranted = "program_granted",
        /// A program's token is in two hands.
        TokenReused = "token_reused",
        /// An operator of the installation is in the ISP.
        VisitBegun = "visit_begun",
        /// Somebody guesses at the log-in.
        GuessingSlowed = "guessing_slowed",
        /// A link that sets the first password.
        Invitation = "invitation",
        /// A link that sets another password.
        Reset = "reset",
        /// A second person decided.
        ApprovalDecided = "approval_decided",
        /// A second person is wanted.
        ApprovalRequested = "approval_requested",
    }
}

/// A template and its values. Not printable: some hold a link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum Template {
    /// Somebody logged in from a browser that was not known.
    NewBrowser {
        /// When.
        at: Timestamp,
        /// Where from.
        address: String,
        /// What the browser said of itself.
        user_agent: String,
    },
    /// The password is another one.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// The second factors are others than before.
    FactorChanged {
        /// When.
        at: Timestamp,
        /// What happened.
        change: FactorChange,
    },
    /// An account elsewhere opens the log-in, may be linked with it, or does no more.
    IdentityChanged {
        /// When.
        at: Timestamp,
        /// What happened.
        change: IdentityChange,
        /// Name of the identity provider.
        provider: String,
    },
    /// The recipient, or somebody with their session, made an API key.
    KeyMade {
        /// When.
        at: Timestamp,
        /// Its name.
        name: String,
    },
    /// A program got tokens with the recipient's password.
    ProgramGranted {
        /// When.
        at: Timestamp,
        /// Name of the program.
        name: String,
        /// Where from.
        address: String,
    },
    /// A refresh token came twice.
    TokenReused {
        /// When.
        at: Timestamp,
        /// Name of the program.
        name: String,
        /// Where from, the second time.
        address: String,
    },
    /// An operator of the installation entered the ISP.
    VisitBegun {
        /// When.
        at: Timestamp,
        /// Until when at most.
        until: Timestamp,
        /// Who.
        operator: String,
        /// What for, in their words.
        reason: String,
    },
    /// Guesses at the recipient's log-in are slowed down.
    GuessingSlowed {
        /// When.
        at: Timestamp,
        /// Where from.
        address: String,
    },
    /// A link that sets the first password.
    Invitation {
        /// What the link carries.
        link: LinkSecret,
        /// Until when it is good.
        expires_at: Timestamp,
    },
    /// A link that sets another password.
    Reset {
        /// What the link carries.
        link: LinkSecret,
        /// Until when it is good.
        expires_at: Timestamp,
    },
    /// What became of something that the recipient asked a second person for.
    ApprovalDecided {
        /// What it would do.
        summary: String,
        /// Whether it was approved.
        approved: bool,
        /// Who decided.
        by: String,
        /// Why it was rejected, in their words.
        reason: Option<String>,
    },
    /// Something waits for a second person, who may be the recipient.
    ApprovalRequested {
        /// Which request.
        id: ApprovalId,
        /// What it would do.
        summary: String,
        /// Who asked.
        by: String,
        /// Until when it can be decided.
        until: Timestamp,
    },
}

impl Template {
    /// Which.
    pub const fn name(&self) -> TemplateName {
        match self {
            Self::NewBrowser { .. } => TemplateName::NewBrowser,
            Self::PasswordChanged { .. } => TemplateName::PasswordChanged,
            Self::FactorChanged { .. } => TemplateName::FactorChanged,
            Self::IdentityChanged { .. } => TemplateName::IdentityChanged,
            Self::KeyMade { .. } => TemplateName::KeyMade,
            Self::ProgramGranted { .. } => TemplateName::ProgramGranted,
            Self::TokenReused { .. } => TemplateName::TokenReused,
            Self::VisitBegun { .. } => TemplateName::VisitBegun,
            Self::GuessingSlowed { .. } => TemplateName::GuessingSlowed,
            Self::Invitation { .. } => TemplateName::Invitation,
            Self::Reset { .. } => TemplateName::Reset,
            Self::ApprovalDecided { .. } => TemplateName::ApprovalDecided,
            Self::ApprovalRequested { .. } => TemplateName::ApprovalRequested,
        }
    }
    /// What it is about.
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::Invitation { .. } | Self::Reset { .. } => NoticeKind::Access,
            Self::ApprovalDecided { .. } | Self::ApprovalRequested { .. } => NoticeKind::Approval,
            _ => NoticeKind::Security,
        }
    }
    /// The page of the app that says more.
    pub(super) fn page(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::VisitBegun { .. } => "/settings/installation",
            Self::ApprovalDecided { .. } => "/notices",
            Self::ApprovalRequested { id, .. } => return Cow::Owned(format!("/approvals/{id}")),
            _ => "/profile",
        })
    }
    /// Until when it is of any use; none: for as long as it takes.
    pub(super) const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Invitation { expires_at, .. } | Self::Reset { expires_at, .. } => Some(*expires_at),
            Self::ApprovalRequested { until, .. } => Some(*until),
            _ => None,
        }
    }
    /// The secret of the link in it.
    pub(super) const fn link(&self) -> Option<&LinkSecret> {
        match self {
            Self::Invitation { link, .. } | Self::Reset { link, .. } => Some(link),
            _ => None,
        }
    }
}
