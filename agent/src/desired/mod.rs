//! What headquarters wants of this site's subscribers, on disk.
//!
//! A point is replaced only by a higher (timeline, generation); a full set takes effect as a whole with its last
//! part. What is acknowledged is durable. The set is mirrored in memory, so that a disk that fails later never keeps
//! the agent from giving service back. It must never hold an opened password: those stay sealed until the moment
//! they are written to a device.

mod address;
mod point;
mod store;

pub use address::{Addresses, span};
pub use point::{Access, Order, Point, Speed, Status, bare_address};
pub use store::DesiredStore;
