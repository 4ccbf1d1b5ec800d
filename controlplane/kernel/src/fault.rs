//! Named points at which an end-to-end test kills the process, or makes what runs there panic.
//!
//! `ATALAYA_FAULT=name:n` strikes at the n-th pass of that point (the first without `:n`). Only programs built with
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

/// Counts a pass of a point; whether it is the one at which the fault strikes.
fn strikes(name: &str) -> bool {
    let Some((wanted, count)) = &*PLAN else { return false };
    if wanted != name {
        return false;
    }
    let Ok(mut passes) = PASSES.lock() else { return false };
    let pass = passes.entry(name.to_owned()).or_default();
    *pass += 1;
    pass == count
}

/// Aborts here when the environment says so.
pub fn point(name: &str) {
    if strikes(name) {
        tracing::error!(fault = name, "aborting at a named fault point");
        std::process::abort();
    }
}

/// Panics here when the environment says so, and prints what is at hand, as a defect might that finds it to be wrong.
#[allow(clippy::panic, reason = "what a test asks for, of a program that was built for tests")]
pub fn panic_with(name: &str, at_hand: &dyn std::fmt::Debug) {
    if strikes(name) {
        panic!("panicking at the fault point {name} with {at_hand:?}");
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
