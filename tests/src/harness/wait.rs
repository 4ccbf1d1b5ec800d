//! Waiting for something to become true: asked again and again until a deadline, never slept for.

use std::time::{Duration, Instant};

const BETWEEN: Duration = Duration::from_millis(25);

/// Asks until there is an answer.
///
/// # Panics
/// At the deadline, with what was waited for.
#[allow(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "the one place where a test pauses between two questions"
)]
pub fn wait_for<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < within, "waited {} s for: {what}", within.as_secs());
        std::thread::sleep(BETWEEN);
    }
}

/// Asks until the answer is yes.
///
/// # Panics
/// At the deadline, with what was waited for.
pub fn wait_until(what: &str, within: Duration, mut ask: impl FnMut() -> bool) {
    wait_for(what, within, || ask().then_some(()));
}

/// A pause between two questions, for loops that end another way than [`wait_for`].
#[allow(clippy::disallowed_methods, reason = "see the top of this file")]
pub(super) fn pause() {
    std::thread::sleep(BETWEEN);
}
