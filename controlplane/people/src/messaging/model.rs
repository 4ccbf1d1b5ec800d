use super::TemplateName;
use atalaya_kernel::{
    ids::{NoticeId, UserId},
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

text_enum! {
    /// Which way a notice goes.
    pub enum Channel {
        /// E-mail, to the address that the user logs in with.
        Mail = "mail",
        /// Web push, to each browser that the user switched on.
        Push = "push",
    }
}

impl Channel {
    /// Whether notices of a kind go this way at all: a link that lets somebody in is shown on no screen that may be locked.
    pub const fn carries(self, kind: NoticeKind) -> bool {
        match self {
            Self::Mail => true,
            Self::Push => !matches!(kind, NoticeKind::Access),
        }
    }
    /// Whether somebody may not want notices of a kind this way. A browser is switched on because somebody wants to; what
    /// cannot be refused comes by mail.
    pub const fn may_refuse(self, kind: NoticeKind) -> bool {
        match self {
            Self::Mail => !matches!(kind, NoticeKind::Security | NoticeKind::Access),
            Self::Push => true,
        }
    }
}

text_enum! {
    /// What a notice is about, as far as somebody can want it or not.
    pub enum NoticeKind {
        /// Something about the log-in of its recipient, or about who may see the ISP. By mail it cannot be refused; it does not
        /// wait.
        Security = "security",
        /// A link that somebody asked for. It cannot be refused and does not wait.
        Access = "access",
        /// Something waits for a second person, who may be its recipient; or what became of it, to whoever asked.
        Approval = "approval",
    }
}

impl NoticeKind {
    /// Whether it waits for the end of the quiet hours.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Approval)
    }
}

text_enum! {
    /// What became of a notice.
    pub enum NoticeState {
        /// It is to be sent when its time has come, and again while the other end is away.
        Waiting = "waiting",
        /// The other end took it.
        Sent = "sent",
        /// It was decided not to send it.
        Held = "held",
        /// The other end refused it, or was away for too long.
        Failed = "failed",
    }
}

text_enum! {
    /// Why a notice is held or failed.
    pub enum NoticeReason {
        /// The installation has no such channel: `[mail]` or `[push]` of its configuration.
        ChannelOff = "channel_off",
        /// Its recipient does not want such notices.
        Refused = "refused",
        /// Its recipient may not log in any more.
        UserDisabled = "user_disabled",
        /// It came along with a copy, whose original sends it.
        SafeMode = "safe_mode",
        /// Its time was over before it could be sent.
        Expired = "expired",
        /// The browser takes no more, and was removed; or its user had switched it off meanwhile.
        Gone = "gone",
        /// The other end does not take it; `detail` has its words.
        Rejected = "rejected",
        /// The other end was away, or not willing, until the last attempt; `detail` has the last one's words.
        Unreachable = "unreachable",
    }
}

/// Who gets a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A person of the tenant's staff.
    User(UserId),
}

/// A notice and what became of it; not what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Notice {
    /// Which.
    pub id: NoticeId,
    /// To whom.
    pub user_id: UserId,
    /// What it is about.
    pub kind: NoticeKind,
    /// What it says.
    pub template: TemplateName,
    /// Which way.
    pub channel: Channel,
    /// What became of it.
    pub state: NoticeState,
    /// Why it is held or failed; of one that waits, why the last attempt failed.
    pub reason: Option<NoticeReason>,
    /// The same in the words of the other end.
    #[schema(example = "the mail server said: 550 no such user")]
    pub detail: Option<String>,
    /// Address that it went to, or what the browser is called; null before it was sent.
    #[schema(example = "rosa@netandina.example")]
    pub address: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// Not before.
    pub send_at: Timestamp,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// Which notices are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoticeFilter {
    /// Only to this user.
    pub user: Option<UserId>,
    /// Only in this state.
    pub state: Option<NoticeState>,
}

/// What somebody wants of one kind on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeChoice {
    /// What about.
    pub kind: NoticeKind,
    /// Which way.
    pub channel: Channel,
    /// Whether it is sent.
    pub wanted: bool,
    /// Whether it can be refused.
    pub may_be_refused: bool,
}

/// What somebody wants of notices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticePreferences {
    /// Language: es-419, en, pt-BR; null: that of the ISP.
    #[schema(example = "es-419")]
    pub locale: Option<String>,
    /// Every kind on every channel that carries it.
    pub choices: Vec<NoticeChoice>,
    /// Grows with each change.
    pub version: i64,
}

/// One choice that changes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceChange {
    /// What about.
    pub kind: NoticeKind,
    /// Which way.
    pub channel: Channel,
    /// Whether it is to be sent.
    pub wanted: bool,
}

/// What to change; absent fields and choices stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferenceChange {
    /// Language: es-419, en, pt-BR; empty: that of the ISP.
    pub locale: Option<String>,
    /// Choices that change.
    #[serde(default)]
    pub choices: Vec<ChoiceChange>,
}
