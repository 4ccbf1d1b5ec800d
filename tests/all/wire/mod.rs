//! The wire, both ends for real: the agent's uplink and the gateway over QUIC on loopback, with everything behind
//! them (devices, database) replaced by small recorders. Clocks stand still and belong to the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed test")]

mod backend;
mod certificates;
mod headquarters;
mod hostile;
mod jobs;
mod metrics;
mod network;
mod outage;
mod site;

use std::{future::Future, time::Duration};

/// 2026-11-22, Unix ms: the true time of these tests.
const NOW_MS: i64 = 1_795_305_600_000;
const DAY_MS: i64 = 86_400_000;

/// Polls until a condition holds.
async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let patience = Duration::from_secs(20);
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(patience, holds).await.is_ok(), "not within {patience:?}: {what}");
}
