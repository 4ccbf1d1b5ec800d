//! `atalaya-agent`: the daemon at a site.
fn main() {}
