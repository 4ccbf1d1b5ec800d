use atalaya_kernel::{ids::SiteId, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A POP, node or tower.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Site {
    /// Which.
    pub id: SiteId,
    /// Name, unique within the tenant.
    #[schema(example = "Cerro Alto")]
    pub name: String,
    /// Site above it in the tree.
    pub parent_id: Option<SiteId>,
    /// Degrees north, WGS 84.
    #[schema(example = -13.52)]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    #[schema(example = -71.97)]
    pub longitude: Option<f64>,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A site to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// Name, unique within the tenant.
    #[schema(example = "Cerro Alto")]
    pub name: String,
    /// Site above it.
    pub parent_id: Option<SiteId>,
    /// Degrees north, −90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, −180 to 180.
    pub longitude: Option<f64>,
}

/// What to change of a site; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteChange {
    /// New name.
    pub name: Option<String>,
    /// New parent.
    pub parent_id: Option<SiteId>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}
