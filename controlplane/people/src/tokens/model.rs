use atalaya_kernel::{
    ids::{TokenFamilyId, UserId},
    secrets::{SecretText, ShownOnce},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A program that acts for a person, by the family of its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenFamily {
    /// Which.
    pub id: TokenFamilyId,
    /// What the program is called.
    #[schema(example = "Contabilidad")]
    pub name: String,
    /// Names of rights; of these, what its user has counts. Null: everything that its user may.
    #[schema(example = json!(["invoice.read", "payment.read"]))]
    pub permissions: Option<BTreeSet<String>>,
    /// Address that it last got tokens from.
    #[schema(example = "198.51.100.7")]
    pub address: String,
    /// What it said of itself then.
    #[schema(example = "contabilidad/2.1")]
    pub user_agent: String,
    /// When it was given its first tokens.
    pub created_at: Timestamp,
    /// When it last got tokens.
    pub last_used_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

/// Who wants tokens, for which program.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Slug of the ISP, where the host name does not select it.
    #[schema(example = "netandina")]
    pub tenant: Option<String>,
    /// The person's e-mail.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
    /// The person's password.
    pub password: SecretText,
    /// Six digits of the person's app or a recovery code, where one is enrolled.
    pub code: Option<SecretText>,
    /// What the program is called, for the person's list.
    #[schema(example = "Contabilidad")]
    pub name: String,
    /// Names of rights, of those that the person has; everything that the person may when absent.
    #[schema(example = json!(["invoice.read", "payment.read"]))]
    pub permissions: Option<BTreeSet<String>>,
}

/// What a program was given; each is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenPair {
    /// What the program sends as `Authorization: Bearer …`: a JWT, signed with Ed25519.
    #[schema(value_type = String, example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ii4uLiJ9.….…")]
    pub access_token: ShownOnce,
    /// `Bearer`.
    #[schema(value_type = String, example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// Gives the next pair, once.
    #[schema(value_type = String, example = "atr_3f…")]
    pub refresh_token: ShownOnce,
    /// When the refresh token ends unused.
    pub refresh_expires_at: Timestamp,
    /// The family, as the person's list shows it.
    pub family_id: TokenFamilyId,
}

/// A family with whose it is.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) family: TokenFamily,
    pub(super) user_id: UserId,
    pub(super) revoked_at: Option<Timestamp>,
}

impl Kept {
    /// Whether its tokens count.
    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.family.expires_at
    }
}
