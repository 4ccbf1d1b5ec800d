//! Pure state machines: they take `now` and inputs and say what to do. No I/O, no clock, no randomness of their own.

pub mod backoff;
pub mod brake;
pub mod changes;
pub mod enforcement;
pub mod schedule;
