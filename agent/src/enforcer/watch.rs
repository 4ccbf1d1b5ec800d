//! After service was given back: looking for the subscriber's session at short intervals, so that "online" is told
//! within about a second of being true.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::wants;
use super::worker::Worker;
use crate::desired::Point;
use crate::driver::Enforce;

/// Most equipment redials within a minute; until then it is looked for often.
const OFTEN_MS: i64 = 60_000;
const OFTEN: Duration = Duration::from_millis(500);
/// Some has to start first. After this the sweep finds it.
const GIVE_UP_MS: i64 = 600_000;
const SELDOM: Duration = Duration::from_secs(3);

/// Points whose session is awaited, and since when (Unix ms).
#[derive(Default)]
pub(super) struct SessionWatch {
    since: HashMap<String, i64>,
    /// The device was away at the last look.
    away: bool,
}

impl SessionWatch {
    pub(super) fn add(&mut self, point: &str, now_ms: i64) {
        self.since.insert(point.to_owned(), now_ms);
    }

    /// When to look next; `None` = nobody is awaited.
    pub(super) fn next_in(&self, now_ms: i64) -> Option<Duration> {
        let newest = self.since.values().max()?;
        Some(if now_ms.saturating_sub(*newest) < OFTEN_MS && !self.away { OFTEN } else { SELDOM })
    }

    fn forget_old(&mut self, now_ms: i64) {
        self.since.retain(|_, since| now_ms.saturating_sub(*since).saturating_abs() < GIVE_UP_MS);
    }
}

impl Worker {
    /// Looks once; whoever is there gets a pass of their own, which reads and reports everything about them.
    pub(super) async fn look_for_sessions(&mut self, enforce: &dyn Enforce) {
        let now_ms = self.shared.clock.now_ms();
        self.watch.forget_old(now_ms);
        let awaited: Vec<Arc<Point>> = self
            .watch
            .since
            .keys()
            .filter_map(|id| self.shared.desired.point(id))
            .filter(|point| point.device_id == self.device_id)
            .collect();
        self.watch.since.retain(|id, _| awaited.iter().any(|point| point.id == *id));
        if awaited.is_empty() {
            return;
        }
        let wants = wants::build(&self.shared, &self.device_id, &awaited, now_ms);
        let looked = enforce.sessions(&wants).await;
        self.watch.away = looked.is_err();
        match looked {
            Ok(sessions) => {
                let online = awaited.iter().zip(sessions).filter(|(_, sessions)| !sessions.is_empty());
                for (point, _) in online {
                    self.watch.since.remove(&point.id);
                    self.inbox.point(&point.id);
                }
            }
            // The device is away: its next connection brings a sweep.
            Err(error) => {
                tracing::debug!(device = %self.device_id, %error, "sessions could not be looked for");
            }
        }
    }
}
