use crate::{
    access::{AccessScope, RoleKey},
    tenancy::Tenant,
};
use atalaya_kernel::{
    Permissions,
    ids::{SessionId, UserId},
    secrets::{SecretText, ShownOnce},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person of the tenant's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Which.
    pub id: UserId,
    /// Name.
    #[schema(example = "Rosa Quispe")]
    pub name: String,
    /// E-mail, lower case; the log-in name.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
    /// First role.
    pub role: RoleKey,
    /// Every role, the first one first.
    pub roles: Vec<RoleKey>,
    /// Of which part of the ISP the user sees anything.
    pub scope: AccessScope,
    /// Whether log-in is refused.
    pub disabled: bool,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
    /// When everything personal was taken out; the id stands for the name since.
    pub erased_at: Option<Timestamp>,
}

/// A user to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Name.
    pub name: String,
    /// E-mail; the log-in name.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
    /// The only role; or give `roles`.
    pub role: Option<RoleKey>,
    /// Every role.
    pub roles: Option<Vec<RoleKey>>,
    /// Of which part of the ISP the user sees anything; everything when absent.
    pub scope: Option<AccessScope>,
    /// First password, 10 to 128 characters; without one the user is invited by `POST /users/{id}/link`.
    pub password: Option<SecretText>,
}

/// What to change; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Name.
    pub name: Option<String>,
    /// The only role from now on; or give `roles`.
    pub role: Option<RoleKey>,
    /// Every role from now on.
    pub roles: Option<Vec<RoleKey>>,
    /// Of which part of the ISP the user sees anything from now on.
    pub scope: Option<AccessScope>,
    /// Whether log-in is refused.
    pub disabled: Option<bool>,
}

/// Who a session belongs to.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The user.
    pub user: User,
    /// The ISP.
    pub tenant: Tenant,
    /// What the user may do.
    pub permissions: Permissions,
    /// Whether the user may do nothing before enrolling a second factor, which a role demands.
    pub factor_missing: bool,
    /// Which session.
    pub session_id: SessionId,
    /// When the user last showed who they are.
    pub proved_at: Timestamp,
    /// To be sent back as `X-CSRF-Token` with every change.
    pub csrf_token: String,
}

/// Somebody who has just logged in.
#[derive(Debug, Clone)]
pub struct Entered {
    /// Token of the session's cookie.
    pub token: ShownOnce,
    /// Token of the cookie by which the browser is known again.
    pub browser: ShownOnce,
    /// Whose session it is.
    pub logged_in: LoggedIn,
}

/// A log-in of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct SessionInfo {
    /// Which.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last asked for anything, to the minute.
    pub last_seen_at: Timestamp,
    /// What the browser said of itself at log-in.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0")]
    pub user_agent: String,
    /// Address that it logged in from.
    #[schema(example = "198.51.100.7")]
    pub address: String,
    /// Whether it is the one that asks.
    pub current: bool,
}
