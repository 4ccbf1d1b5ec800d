use crate::tenancy::Tenant;
use atalaya_kernel::{
    Error,
    ids::{OperatorId, VisitId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// An operator of the installation in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Visit {
    /// Which.
    pub id: VisitId,
    /// Who.
    pub operator_id: OperatorId,
    /// Name at the time.
    #[schema(example = "Iván Paredes")]
    pub operator_name: String,
    /// What for.
    #[schema(example = "Ticket 4711: the cut run does not start")]
    pub reason: String,
    /// Names of the rights that it has.
    #[schema(example = json!(["device.read"]))]
    pub permissions: BTreeSet<String>,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
    /// Who ended it before its time: a name.
    pub ended_by: Option<String>,
    /// Whether it goes on.
    pub open: bool,
}

/// A visit to begin.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVisit {
    /// What for; the tenant reads it.
    #[schema(example = "Ticket 4711: the cut run does not start")]
    pub reason: String,
    /// Minutes until it ends by itself, at most 480; 60 when absent.
    pub minutes: Option<i64>,
    /// Rights beyond those of looking; none when absent.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
}

/// A visit that asks for something, as `LoggedIn` is for a user.
#[derive(Debug, Clone)]
pub struct Visiting {
    /// The visit.
    pub visit: Visit,
    /// Where.
    pub tenant: Tenant,
    /// To be sent back as `X-CSRF-Token` with every change.
    pub csrf_token: String,
}

/// A visit as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct VisitRow {
    pub(super) id: VisitId,
    pub(super) operator_id: OperatorId,
    pub(super) operator_name: String,
    pub(super) reason: String,
    pub(super) permissions: String,
    pub(super) csrf_token: String,
    pub(super) started_at: Timestamp,
    pub(super) until_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) ended_by: Option<String>,
}

impl VisitRow {
    pub(super) fn shown(self, now: Timestamp) -> Result<Visit, Error> {
        Ok(Visit {
            permissions: serde_json::from_str(&self.permissions).map_err(Error::internal)?,
            open: self.ended_at.is_none() && now < self.until_at,
            id: self.id,
            operator_id: self.operator_id,
            operator_name: self.operator_name,
            reason: self.reason,
            started_at: self.started_at,
            until: self.until_at,
            ended_at: self.ended_at,
            ended_by: self.ended_by,
        })
    }
}
