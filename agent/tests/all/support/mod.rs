//! Helpers.

pub(crate) mod enrolled;
pub(crate) mod mount;

use std::time::Duration;

/// Whether full counts were asked for.
pub(crate) fn soak() -> bool {
    std::env::var("ATALAYA_TIER").is_ok_and(|tier| tier == "soak")
}

/// Polls until `done`, or fails with `what` after `limit`.
#[allow(clippy::disallowed_methods)] // The tests' own clock and pause.
pub(crate) fn wait_for(limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a tool that a test needs is there. Where it must be (CI) and is not, the test fails; elsewhere it says so.
pub(crate) fn tool_or_skip(tool: &str, present: bool) -> bool {
    if !present {
        assert!(std::env::var("CI").is_err(), "{tool} is not installed");
        eprintln!("NOT TESTED: {tool} is not installed");
    }
    present
}
