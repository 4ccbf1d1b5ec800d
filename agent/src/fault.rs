//! Named points at which a test kills the process, to prove what survives.
//!
//! `ATALAYA_FAULT=name[:n]` makes the n-th pass (default the first) of [`point`]`("name")` abort the process as a
//! power cut would: no destructor runs, no buffer is flushed. Honoured only in programs built with debug assertions;
//! in a release build [`point`] is empty.

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Armed {
        name: String,
        passes_left: AtomicU32,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    fn from_environment() -> Option<Armed> {
        let text = std::env::var("ATALAYA_FAULT").ok()?;
        let (name, passes) = match text.split_once(':') {
            Some((name, count)) => (name, count.parse().ok()?),
            None => (text.as_str(), 1),
        };
        Some(Armed { name: name.to_owned(), passes_left: AtomicU32::new(passes) })
    }

    pub(super) fn pass(name: &str) {
        let Some(armed) = ARMED.get_or_init(from_environment) else { return };
        if armed.name == name && armed.passes_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}

/// Passes the fault point `name`; aborts the process when `ATALAYA_FAULT` asks for this very pass.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}
