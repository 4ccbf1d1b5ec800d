//! Use cases of the network on both databases.
#![allow(clippy::unwrap_used)]

mod agents;
mod causes;
mod devices;
mod diagnosing;
mod following;
mod found;
mod kept;
mod town;
