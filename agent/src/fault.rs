//! Named points at which a test kills the process, to prove what survives.
//!
//! `ATALAYA_FAULT=name[:n]` makes the n-th pass (default the first) of [`point`]`("name")` abort the process as a
//! power cut would: no destructor runs, no buffer is flushed. `ATALAYA_WITNESS=FILE` makes [`witness`] append a line
//! to that file for each step of the buffer, so that a test knows which samples were confirmed when the process died.
//! Both are honoured only in programs built with debug assertions; in a release build they are empty.

#[cfg(debug_assertions)]
mod armed {
    use std::fs::File;
    use std::io::Write as _;
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

    pub(super) fn wanted(name: &str) -> bool {
        ARMED.get_or_init(from_environment).as_ref().is_some_and(|armed| armed.name == name)
    }

    static WITNESS: OnceLock<Option<File>> = OnceLock::new();

    fn witness_file() -> Option<File> {
        let path = std::env::var_os("ATALAYA_WITNESS")?;
        match File::options().create(true).append(true).open(&path) {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::error!(%error, ?path, "the witness file does not open");
                std::process::abort();
            }
        }
    }

    pub(super) fn witness(line: impl FnOnce() -> String) {
        let Some(mut file) = WITNESS.get_or_init(witness_file).as_ref() else { return };
        // One write each: a line is there whole or not at all when the process is killed.
        if let Err(error) = file.write_all((line() + "\n").as_bytes()) {
            tracing::error!(%error, "a line of the witness is lost, so its test means nothing");
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

/// As [`point`], once what was just handed to the network stack has had time to leave: half a frame is cut off on the
/// peer's side only if that half went out.
pub async fn point_on_the_wire(name: &str) {
    #[cfg(debug_assertions)]
    if armed::wanted(name) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    point(name);
}

/// Tells the witness file, if there is one, what happened.
#[inline]
pub fn witness(line: impl FnOnce() -> String) {
    #[cfg(debug_assertions)]
    armed::witness(line);
    #[cfg(not(debug_assertions))]
    let _ = line;
}
