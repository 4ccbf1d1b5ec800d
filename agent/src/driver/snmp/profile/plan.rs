//! What a device of a known profile is asked beside its interfaces, and what is remembered of it between two
//! measurements: when each part was read last, where long walks stand, what 32-bit counters were.
//!
//! A device has its time for vendor's tables in one measurement, and no more. A table that takes longer is read in
//! pieces: its walk stays where it is and goes on in the next measurement. Parts that fail are left alone for longer
//! and longer, up to an hour; the interfaces, which were read before, do not suffer from them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::eval::{self, Counters, InterfaceNames};
use super::schema::IndexForm;
use super::{Profile, Table};
use crate::clock::Clock;
use crate::driver::snmp::client::Client;
use crate::driver::snmp::habits::Habits;
use crate::driver::snmp::parse;
use crate::driver::snmp::state::Since;
use crate::driver::snmp::walk::{Held, TableWalk};
use crate::driver::{DeviceError, Identity, SampleSink};

/// What a vendor's tables may take of one measurement: far below the least time that the poller gives one.
const BUDGET: Duration = Duration::from_secs(5);
/// A walk that stood still for longer begins anew: what was read before it is too old to be one table with the rest.
const RESUME_WITHIN: Duration = Duration::from_secs(600);
/// A part that failed is left alone so long at first, and for an hour at most.
const FIRST_PAUSE: Duration = Duration::from_secs(120);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// How the single objects are called beside the tables.
const OBJECTS: &str = "objects";

/// A profile at work on one device.
pub(in crate::driver::snmp) struct Plan {
    profile: Arc<Profile>,
    /// Held over requests: a device is measured once at a time, and what a dropped measurement learnt stays.
    memory: Mutex<Memory>,
}

struct Memory {
    scalars: Vec<Pace>,
    tables: Vec<TableMemory>,
    counters: Counters,
}

struct TableMemory {
    pace: Pace,
    habits: Habits,
    walk: Option<Walking>,
}

/// A walk under way.
struct Walking {
    walk: TableWalk,
    begun: Duration,
    moved: Duration,
    /// See [`Counters::begin`].
    round: u32,
}

/// When a part is due.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    read: Option<Duration>,
    failures: u32,
}

impl Pace {
    /// A twentieth of the interval early is not too often: measurements come with some jitter.
    fn due(self, every: Duration, now: Duration) -> bool {
        let pause = match self.failures {
            0 => every.saturating_sub(every / 20),
            failures => every.max(FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(5)).min(LONGEST_PAUSE)),
        };
        self.read.is_none_or(|read| now >= read + pause)
    }

    fn well(&mut self, at: Duration) {
        *self = Self { read: Some(at), failures: 0 };
    }

    fn failed(&mut self, at: Duration) {
        *self = Self { read: Some(at), failures: self.failures.saturating_add(1) };
    }
}

impl Plan {
    /// Nothing read yet.
    pub(in crate::driver::snmp) fn new(profile: Arc<Profile>) -> Self {
        let habits = profile.quirks.max_repetitions.map_or(Habits::UNKNOWN, Habits::at_most);
        let table = |_: &Table| TableMemory { pace: Pace::default(), habits, walk: None };
        let memory = Memory {
            scalars: vec![Pace::default(); profile.scalars.len()],
            tables: profile.tables.iter().map(table).collect(),
            counters: Counters::default(),
        };
        Self { profile, memory: Mutex::new(memory) }
    }

    pub(in crate::driver::snmp) fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// Whether the interface tables are walked.
    pub(in crate::driver::snmp) fn walks_interfaces(&self) -> bool {
        self.profile.interfaces
    }

    /// Whether what is due at `now`, or under way, names interfaces in its labels.
    pub(in crate::driver::snmp) async fn needs_names(&self, now: Duration) -> bool {
        let memory = self.memory.lock().await;
        let mut tables = self.profile.tables.iter().zip(&memory.tables);
        tables.any(|(table, memory)| {
            table.index.contains(&IndexForm::Interface)
                && (memory.walk.is_some() || memory.pace.due(table.every, now))
        })
    }

    /// Puts what the profile's objects say in place of what the system group said.
    pub(in crate::driver::snmp) async fn identify(
        &self,
        client: &Client,
        identity: &mut Identity,
    ) -> Result<(), DeviceError> {
        let objects = &self.profile.identity;
        let parts = [
            (&objects.model, &mut identity.model),
            (&objects.version, &mut identity.version),
            (&objects.serial, &mut identity.serial),
        ];
        let asked: Vec<Vec<u8>> = parts.iter().filter_map(|(object, _)| (*object).clone()).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let mut values = client.get(&asked).await?.into_iter();
        for (_, part) in parts.into_iter().filter(|(object, _)| object.is_some()) {
            if let Some(Some(Held::Octets(bytes))) = values.next() {
                let text = parse::text(&bytes);
                if !text.is_empty() {
                    *part = text;
                }
            }
        }
        Ok(())
    }

    /// Reads what is due at `begun`. What fails is told by `snmp_table_read_ok` and in the log, and comes again later.
    pub(in crate::driver::snmp) async fn read(
        &self,
        client: &Client,
        names: &InterfaceNames,
        since: Since,
        begun: Duration,
        clock: &dyn Clock,
        sink: &mut SampleSink<'_>,
    ) {
        let mut memory = self.memory.lock().await;
        let Memory { scalars, tables, counters } = &mut *memory;
        if since == Since::Start {
            counters.forget();
        }
        for table in tables.iter_mut() {
            let stale = table.walk.as_ref().is_some_and(|walk| begun > walk.moved + RESUME_WITHIN);
            if since == Since::Start || stale {
                table.walk = None;
            }
        }
        if self.scalars(client, scalars, counters, begun, sink).await.is_err() {
            return;
        }
        // What was not begun goes first, so that a table of many pieces does not starve the others.
        let due = |at: &usize| {
            let every = self.profile.tables.get(*at).map(|table| table.every);
            let table = tables.get(*at);
            every
                .zip(table)
                .is_some_and(|(every, table)| table.walk.is_none() && table.pace.due(every, begun))
        };
        let going = |at: &usize| tables.get(*at).is_some_and(|table| table.walk.is_some());
        let all = 0..self.profile.tables.len();
        let order: Vec<usize> = all.clone().filter(due).chain(all.filter(going)).collect();
        for at in order {
            let (Some(profile), Some(memory)) = (self.profile.tables.get(at), tables.get_mut(at)) else {
                continue;
            };
            let walking = memory.walk.get_or_insert_with(|| Walking {
                walk: TableWalk::new(profile.columns()),
                begun: clock.elapsed(),
                moved: clock.elapsed(),
                round: counters.begin(),
            });
            let labels = [("table", profile.name.as_str())];
            let outcome = loop {
                if clock.elapsed() >= begun + BUDGET {
                    return;
                }
                let bulk = self.profile.understands_bulk();
                if let Err(error) = client.advance(&mut walking.walk, &mut memory.habits, bulk).await {
                    break Err(error);
                }
                walking.moved = clock.elapsed();
                for row in walking.walk.take_whole() {
                    eval::row(profile, at, &row, names, counters, sink);
                }
                if walking.walk.ended() {
                    break Ok(walking.walk.rows());
                }
            };
            let (walk_begun, round) = (walking.begun, walking.round);
            memory.walk = None;
            sink.gauge("snmp_table_read_ok", &labels, outcome.is_ok());
            match outcome {
                Ok(rows) => {
                    memory.pace.well(walk_begun);
                    counters.walked(at, round);
                    sink.gauge("snmp_table_rows", &labels, i64::try_from(rows).unwrap_or(i64::MAX));
                }
                Err(error) => {
                    memory.pace.failed(clock.elapsed());
                    tracing::debug!(profile = self.profile.id, table = profile.name, %error, "table");
                    if matches!(error, DeviceError::Timeout { .. } | DeviceError::Unreachable { .. }) {
                        return;
                    }
                }
            }
        }
    }

    async fn scalars(
        &self,
        client: &Client,
        paces: &mut [Pace],
        counters: &mut Counters,
        now: Duration,
        sink: &mut SampleSink<'_>,
    ) -> Result<(), DeviceError> {
        let all = self.profile.scalars.iter().zip(paces).enumerate();
        let mut due: Vec<_> = all.filter(|(_, (scalar, pace))| pace.due(scalar.every, now)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let asked: Vec<Vec<u8>> = due.iter().map(|(_, (scalar, _))| scalar.object.clone()).collect();
        let values = client.get(&asked).await;
        sink.gauge("snmp_table_read_ok", &[("table", OBJECTS)], values.is_ok());
        for (_, (_, pace)) in &mut due {
            if values.is_ok() { pace.well(now) } else { pace.failed(now) }
        }
        let values = values.inspect_err(|error| {
            tracing::debug!(profile = self.profile.id, %error, "objects");
        })?;
        for ((at, (scalar, _)), value) in due.iter().zip(&values) {
            eval::scalar(scalar, *at, value.as_ref(), counters, sink);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_due_at_its_interval_and_rests_after_failures() {
        let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
        let mut pace = Pace::default();
        assert!(pace.due(minute, Duration::ZERO));
        pace.well(minute);
        assert!(!pace.due(minute, minute + 56 * second));
        assert!(pace.due(minute, minute + 57 * second));
        assert!(pace.due(Duration::ZERO, minute));
        pace.failed(minute);
        assert!(!pace.due(Duration::ZERO, 2 * minute));
        assert!(pace.due(Duration::ZERO, 3 * minute));
        for _ in 0..40 {
            pace.failed(minute);
        }
        assert!(!pace.due(minute, minute + 3_599 * second));
        assert!(pace.due(minute, minute + LONGEST_PAUSE));
    }
}
