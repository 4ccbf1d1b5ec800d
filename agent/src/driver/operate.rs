//! One-off work that a device does for somebody: what can be ordered, and where its output goes.

use async_trait::async_trait;
use atalaya_protocol::wire;

use super::DeviceError;

/// What a device is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Sends echo requests from the device.
    Ping(wire::Ping),
    /// Finds the way from the device to an address.
    Traceroute(wire::Traceroute),
}

impl Operation {
    /// The device that it is for.
    pub fn device_id(&self) -> &str {
        match self {
            Self::Ping(order) => &order.device_id,
            Self::Traceroute(order) => &order.device_id,
        }
    }
}

/// Takes what an operation says while it runs.
#[async_trait]
pub trait Output: Send + Sync {
    /// Keeps one part, in order.
    ///
    /// # Errors
    /// [`DeviceError::Local`] when it cannot be kept or is more than one operation may say: it should end.
    async fn put(&self, content: wire::job_part::Content) -> Result<(), DeviceError>;
}

/// Does one-off work on a device.
///
/// An operation ends when its future is dropped: the driver tells the device to stop. How long one may take is its
/// caller's business.
#[async_trait]
pub trait Operate: Send + Sync {
    /// Does it, and says what comes of it as it comes. What was said before an error counts.
    ///
    /// # Errors
    /// Why it could not be done, or not to its end.
    async fn operate(&self, operation: &Operation, output: &dyn Output) -> Result<(), DeviceError>;
}
