//! Test equipment that runs the real programs: a control plane, agents, simulated routers, and a fictional ISP on top.
//! Used by the end-to-end tests and by the demo.

pub mod harness;
pub mod isp;
