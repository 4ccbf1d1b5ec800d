use atalaya_kernel::{
    ids::{IdentityId, IdentityProviderId},
    secrets::SecretText,
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An issuer that people of an ISP may log in by; without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IdentityProvider {
    /// Which.
    pub id: IdentityProviderId,
    /// What the button on the log-in page says.
    #[schema(example = "Google")]
    pub name: String,
    /// Its address, as it names itself.
    #[schema(example = "https://accounts.google.com")]
    pub issuer: String,
    /// Name of the ISP's application there.
    #[schema(example = "1234567890-abc.apps.googleusercontent.com")]
    pub client_id: String,
    /// Domains of which an account's verified e-mail must be; empty: any.
    #[schema(example = json!(["netandina.example"]))]
    pub allowed_domains: Vec<String>,
    /// Whether people may log in by it.
    pub enabled: bool,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An identity provider, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListedProvider {
    /// The provider.
    #[serde(flatten)]
    pub provider: IdentityProvider,
    /// Accounts there that open somebody's log-in.
    pub linked: i64,
}

/// An identity provider to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentityProvider {
    /// What the button on the log-in page says.
    #[schema(example = "Google")]
    pub name: String,
    /// Its address, as it names itself; below it lies `/.well-known/openid-configuration`. It never changes.
    #[schema(example = "https://accounts.google.com")]
    pub issuer: String,
    /// Name of the ISP's application there.
    #[schema(example = "1234567890-abc.apps.googleusercontent.com")]
    pub client_id: String,
    /// Secret of the ISP's application there; it is never shown again.
    pub client_secret: SecretText,
    /// Domains of which an account's verified e-mail must be; empty: any.
    #[serde(default)]
    #[schema(example = json!(["netandina.example"]))]
    pub allowed_domains: Vec<String>,
    /// Whether people may log in by it; they may when absent.
    pub enabled: Option<bool>,
}

/// What is to be another; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderChange {
    /// What the button on the log-in page says.
    pub name: Option<String>,
    /// Name of the ISP's application there.
    pub client_id: Option<String>,
    /// Secret of the ISP's application there.
    pub client_secret: Option<SecretText>,
    /// Domains of which an account's verified e-mail must be; empty: any.
    pub allowed_domains: Option<Vec<String>>,
    /// Whether people may log in by it.
    pub enabled: Option<bool>,
}

text_enum! {
    /// Whether people could log in by an issuer.
    pub enum IssuerVerdict {
        /// They could.
        Usable = "usable",
        /// Its address, or one that it names, is one that this installation does not ask.
        NotAllowed = "not_allowed",
        /// It does not answer.
        Away = "away",
        /// It answers, and not what it should.
        Wrong = "wrong",
    }
}

/// An issuer to be asked whether people could log in by it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerToCheck {
    /// Its address, as it names itself.
    #[schema(example = "https://accounts.google.com")]
    pub issuer: String,
}

/// What an issuer answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IssuerReport {
    /// Whether people could log in by it.
    pub verdict: IssuerVerdict,
    /// What is wrong, for whoever has to mend it.
    #[schema(example = "its answer is wrong: its discovery document is of another issuer")]
    pub detail: Option<String>,
    /// Where browsers would be sent to.
    #[schema(example = "https://accounts.google.com/o/oauth2/v2/auth")]
    pub authorization_endpoint: Option<String>,
    /// Whether it says that it verifies e-mails, without which nobody is linked; absent when it does not say what it says.
    pub says_email_verified: Option<bool>,
}

/// A button on the log-in page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct ProviderChoice {
    /// Which.
    pub id: IdentityProviderId,
    /// What it says.
    #[schema(example = "Google")]
    pub name: String,
}

text_enum! {
    /// How far an identity is.
    pub enum IdentityState {
        /// The first account with the user's verified e-mail will be linked.
        Allowed = "allowed",
        /// None came in time.
        Expired = "expired",
        /// An account is linked and opens the log-in.
        Linked = "linked",
    }
}

/// An account at an identity provider that opens a user's log-in, or may be linked with it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Identity {
    /// Which.
    pub id: IdentityId,
    /// At which provider.
    pub provider_id: IdentityProviderId,
    /// Name of the provider.
    #[schema(example = "Google")]
    pub provider_name: String,
    /// E-mail that the account has to verify, or had verified when it was linked.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
    /// How far it is.
    pub state: IdentityState,
    /// Until when an account can be linked.
    pub allowed_until: Timestamp,
    /// When it was allowed.
    pub created_at: Timestamp,
    /// When an account was linked.
    pub linked_at: Option<Timestamp>,
    /// When it last opened the log-in.
    pub last_used_at: Option<Timestamp>,
}

/// An identity to be allowed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentity {
    /// At which provider.
    pub provider_id: IdentityProviderId,
}
