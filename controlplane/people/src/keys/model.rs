use crate::access::AccessScope;
use atalaya_kernel::{
    ids::{ApiKeyId, UserId},
    secrets::ShownOnce,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A key of a program, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// What it is for.
    #[schema(example = "Accounting")]
    pub name: String,
    /// Names of rights; of these, what its maker has counts.
    #[schema(example = json!(["invoice.read", "payment.read"]))]
    pub permissions: BTreeSet<String>,
    /// Of which part of the ISP it sees anything; of this, what its maker sees.
    pub scope: AccessScope,
    /// Requests in a minute at most; null: as many as the ISP's plan has.
    #[schema(example = 600)]
    pub requests_per_minute: Option<i64>,
    /// Who made it.
    pub made_by: UserId,
    /// When it stops working; null: when it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    #[schema(example = "Accounting")]
    pub name: String,
    /// Names of rights, of those that the caller has.
    #[schema(example = json!(["invoice.read", "payment.read"]))]
    pub permissions: BTreeSet<String>,
    /// Of which part of the ISP it sees anything; everything that the caller sees when absent.
    pub scope: Option<AccessScope>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// Requests in a minute at most; as many as the ISP's plan has when absent.
    pub requests_per_minute: Option<i64>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyMade {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKey,
    /// What the program sends as `Authorization: Bearer …`. Shown this once.
    #[schema(value_type = String, example = "atk_01jd3k5m7nf8v9q0r1s2t3w4x5_…")]
    pub token: ShownOnce,
}
