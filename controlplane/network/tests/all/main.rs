//! Use cases of the network on both databases.
#![allow(clippy::unwrap_used)]

mod agents;
mod devices;
mod following;
mod found;
mod town;
