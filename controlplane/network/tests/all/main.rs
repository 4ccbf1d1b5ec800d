//! Use cases of the network on both databases.
#![allow(clippy::unwrap_used)]

mod agents;
mod causes;
mod comparing;
mod devices;
mod diagnosing;
mod following;
mod found;
mod imports;
mod kept;
mod listings;
mod making;
mod town;
