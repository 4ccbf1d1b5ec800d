//! What the buffer survives.

mod crash;
mod faults;
mod power_cut;
mod writer;
