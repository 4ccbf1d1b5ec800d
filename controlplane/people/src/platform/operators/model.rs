use atalaya_kernel::{ids::OperatorId, secrets::SecretText, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A person who runs the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Operator {
    /// Which.
    pub id: OperatorId,
    /// E-mail, lower case; the log-in name.
    #[schema(example = "noc@hosting.example")]
    pub email: String,
    /// Name.
    #[schema(example = "Iván Paredes")]
    pub name: String,
    /// Whether log-in is refused.
    pub disabled: bool,
    /// Since when an authenticator app is asked for.
    #[sqlx(rename = "totp_confirmed_at")]
    pub app_since: Option<Timestamp>,
    /// When made.
    pub created_at: Timestamp,
}

/// An operator to be made.
#[derive(Debug, Clone)]
pub struct NewOperator {
    /// E-mail.
    pub email: String,
    /// Name.
    pub name: String,
    /// First password, 10 to 128 characters.
    pub password: SecretText,
}

/// A log-in of an operator.
#[derive(Debug, Clone)]
pub struct OperatorSession {
    /// Who.
    pub operator: Operator,
    /// To be sent back as `X-CSRF-Token` with every change.
    pub csrf_token: String,
    /// When the operator last showed who they are.
    pub proved_at: Timestamp,
    /// Which session, as it is kept.
    pub(super) token_hash: String,
}
