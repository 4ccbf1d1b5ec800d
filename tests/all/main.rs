//! One integration binary.

mod architecture;
mod e2e;
mod wire;
