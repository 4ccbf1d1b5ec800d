//! One integration binary.

mod architecture;
mod audit;
mod e2e;
mod isolation;
mod planted;
mod wire;
