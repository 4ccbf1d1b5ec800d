use crate::provisioning::{AttachmentKind, Point};
use atalaya_kernel::{
    ids::{AttachmentId, DeviceId, ServiceId},
    secrets::SecretText,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One way in which a service reaches the network.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// Service.
    pub service_id: ServiceId,
    /// How.
    pub kind: AttachmentKind,
    /// PPP user.
    #[schema(example = "rquispe")]
    pub user: Option<String>,
    /// Fixed address or prefix.
    #[schema(example = "10.30.0.17")]
    pub address: Option<String>,
    /// PPP profile at full service; none = named after the plan's speed.
    #[schema(example = "fibra-100")]
    pub profile: Option<String>,
    /// Whether it is being taken away.
    pub removed: bool,
    /// Where it is enforced.
    pub points: Vec<Point>,
}

/// An attachment to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// How.
    pub kind: AttachmentKind,
    /// PPP user.
    #[schema(example = "rquispe")]
    pub user: Option<String>,
    /// PPP password; the one on the device is left as it is when absent.
    pub password: Option<SecretText>,
    /// Fixed address or prefix; demanded for `static`.
    #[schema(example = "10.30.0.17")]
    pub address: Option<String>,
    /// PPP profile at full service, where the device has its own.
    pub profile: Option<String>,
    /// Where it is enforced.
    pub points: Vec<NewAttachmentPoint>,
}

/// A point to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachmentPoint {
    /// Device.
    pub device_id: DeviceId,
}
