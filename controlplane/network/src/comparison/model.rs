use super::rules::{Class, NotKnown};
use crate::jobs::Field;
use atalaya_kernel::{
    ids::{ComparisonId, CustomerId, DeviceId, PointId, ServiceId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many findings of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ComparisonCount)]
pub struct Counted {
    /// Class.
    pub class: Class,
    /// Findings.
    pub count: i64,
}

/// Of how many points nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ComparisonNotKnownCount)]
pub struct NotKnownCount {
    /// Why.
    pub reason: NotKnown,
    /// Points; 0 where it holds for a router without points.
    pub count: i64,
}

/// A comparison of a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comparison {
    /// Which.
    pub id: ComparisonId,
    /// Of which router.
    pub device_id: DeviceId,
    /// Its name.
    #[schema(example = "Torre norte")]
    pub device_name: String,
    /// When the router was read; none where nothing is known.
    pub read_at: Option<Timestamp>,
    /// Points that are as they should be.
    pub in_order: i64,
    /// What is wrong, by class; all five.
    pub counts: Vec<Counted>,
    /// Of what nothing is known, by reason; those that there are.
    pub not_known: Vec<NotKnownCount>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Something that is wrong on a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComparisonFinding {
    /// What.
    pub class: Class,
    /// The point; none for a row that is nobody's.
    pub point_id: Option<PointId>,
    /// Its service.
    pub service_id: Option<ServiceId>,
    /// Its customer.
    pub customer_id: Option<CustomerId>,
    /// The customer's name.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
    /// The row, as table and name; empty where there is none.
    #[schema(example = "secrets/rquispe")]
    pub row: String,
    /// What of the row says so.
    pub facts: Vec<Field>,
}
