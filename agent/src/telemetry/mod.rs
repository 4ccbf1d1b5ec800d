//! From a measured value to bytes in the buffer.
//!
//! A *series* (metric name, device, labels, kind) is registered once and referred to by its *number*. Samples of all
//! devices are collected for about a second, packed by column into a *block*, appended to the buffer and confirmed:
//! that is the moment from which a sample survives a power cut, and from which it may leave.
//!
//! Stamps are taken in the machine's own time and moved by the clock's offset when the block is packed, so that all
//! stamps of a block carry the same offset and can be corrected together later.
//!
//! What this module must never do: keep a text per sample, hold more than a bounded number of samples outside of the
//! buffer, or give one number two meanings within an epoch.

mod packer;
mod series;
mod source;

pub use packer::{DeviceSamples, Packer, Sample};
pub use series::Registry;
pub use source::BufferedSamples;
