//! One integration binary.

mod architecture;
mod audit;
mod contract;
mod e2e;
mod isolation;
mod planted;
mod wire;
