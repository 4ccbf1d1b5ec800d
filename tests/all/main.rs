//! One integration binary.

mod wire;
