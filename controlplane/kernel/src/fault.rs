//! Named points at which an end-to-end test kills the process.
//!
//! `ATALAYA_FAULT=name:n` aborts at the n-th pass of that point (the first without `:n`). Only programs built with
//! debug assertions listen.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

static PLAN: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
    let text = if cfg!(debug_assertions) { std::env::var("ATALAYA_FAULT").ok()? } else { return None };
    let (name, count) =
        text.rsplit_once(':').map_or((text.as_str(), 1), |(name, count)| (name, count.parse().unwrap_or(1)));
    Some((name.to_owned(), count))
});
static PASSES: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);

/// Aborts here when the environment says so.
pub fn point(name: &str) {
    let Some((wanted, count)) = &*PLAN else { return };
    if wanted != name {
        return;
    }
    let Ok(mut passes) = PASSES.lock() else { return };
    let pass = passes.entry(name.to_owned()).or_default();
    *pass += 1;
    if pass == count {
        tracing::error!(fault = name, "aborting at a named fault point");
        std::process::abort();
    }
}

/// As [`point`], once what was just handed to the network stack has had time to leave: half a frame is cut off on the
/// peer's side only if that half went out.
pub async fn point_on_the_wire(name: &str) {
    if PLAN.as_ref().is_some_and(|(wanted, _)| wanted == name) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    point(name);
}
