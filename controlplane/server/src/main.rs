//! `atalaya`: the control plane.
fn main() {}
