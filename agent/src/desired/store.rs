//! The points held, on disk and in memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::{Mutex, RwLock};
use prost::Message;
use tokio::sync::Notify;

use super::{Access, Order, Point, Status};
use crate::journal::{Database, StorageError};
use crate::uplink::ports::{DesiredSink, PortError};

const TREE: &str = "desired";
const BASE_TIMELINE: &str = "base_timeline";
const TIMELINE: &str = "timeline";
/// Most points of one agent: a bound on what a peer can make us hold while a snapshot is under way.
const MAX_POINTS: usize = 100_000;

/// What changed since the enforcer last asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dirty {
    /// A new full set took effect: everything is compared and reported.
    pub all: bool,
    /// Points that changed.
    pub points: HashSet<String>,
}

/// The desired state of every point of this agent.
pub struct DesiredStore {
    database: Arc<Database>,
    held: RwLock<Held>,
    staging: tokio::sync::Mutex<Option<Staging>>,
    dirty: Mutex<Dirty>,
    changed: Notify,
}

#[derive(Default)]
struct Held {
    points: HashMap<String, Arc<Point>>,
    timeline: u64,
    /// Timeline in force when the agent first got a set: cuts of later ones wait for a person.
    base_timeline: Option<u64>,
}

struct Staging {
    push_id: u64,
    timeline: u64,
    next_part: u32,
    points: Vec<wire::DesiredPoint>,
}

impl DesiredStore {
    /// Reads what is held.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open(database: Arc<Database>) -> Result<Self, StorageError> {
        let held = database.run(|db| {
            let mut points = HashMap::new();
            for row in &db.open_tree(TREE)? {
                match wire::DesiredPoint::decode(row?.1.as_ref()) {
                    Ok(point) => {
                        let point = Point::from_wire(point);
                        points.insert(point.id.clone(), Arc::new(point));
                    }
                    // Headquarters sees by the digest that it is missing and sends a snapshot.
                    Err(error) => tracing::error!(%error, "a desired point on disk cannot be read"),
                }
            }
            let number = |key: &str| {
                db.get(key).map(|bytes| {
                    bytes.and_then(|bytes| bytes.as_ref().try_into().ok()).map(u64::from_be_bytes)
                })
            };
            Ok(Held {
                points,
                timeline: number(TIMELINE)?.unwrap_or(0),
                base_timeline: number(BASE_TIMELINE)?,
            })
        })?;
        Ok(Self {
            database,
            held: RwLock::new(held),
            staging: tokio::sync::Mutex::new(None),
            dirty: Mutex::new(Dirty { all: true, points: HashSet::new() }),
            changed: Notify::new(),
        })
    }

    /// Waits for a change; a change between two calls is not missed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What changed since the last call. After a start that is everything.
    pub fn take_dirty(&self) -> Dirty {
        std::mem::take(&mut *self.dirty.lock())
    }

    /// A point held.
    pub fn point(&self, id: &str) -> Option<Arc<Point>> {
        self.held.read().points.get(id).cloned()
    }

    /// All points of a device.
    pub fn of_device(&self, device: &str) -> Vec<Arc<Point>> {
        self.held.read().points.values().filter(|point| point.device_id == device).cloned().collect()
    }

    /// All points.
    pub fn everyone(&self) -> Vec<Arc<Point>> {
        self.held.read().points.values().cloned().collect()
    }

    /// Number of points over several devices: the size of a site, for the brake.
    pub fn count(&self, devices: &HashSet<String>) -> usize {
        self.held.read().points.values().filter(|point| devices.contains(&point.device_id)).count()
    }

    /// Cuts of a timeline above this one wait for a person.
    pub fn base_timeline(&self) -> u64 {
        self.held.read().base_timeline.unwrap_or(u64::MAX)
    }

    /// Puts newer points in force: on disk, then in memory. `only` is the whole set when it is given.
    async fn accept(&self, points: Vec<wire::DesiredPoint>, set: Option<u64>) -> Result<(), PortError> {
        let newer: Vec<(wire::DesiredPoint, Arc<Point>)> = {
            let held = self.held.read();
            let newer = |point: &wire::DesiredPoint| {
                let order: Order = point.order.unwrap_or_default().into();
                held.points.get(&point.point_id).is_none_or(|known| order > known.order)
            };
            points
                .iter()
                .filter(|point| newer(point))
                .map(|point| (point.clone(), Arc::new(Point::from_wire(point.clone()))))
                .collect()
        };
        let named: HashSet<&str> = points.iter().map(|point| point.point_id.as_str()).collect();
        let forgotten: Vec<String> = match set {
            Some(_) => {
                self.held.read().points.keys().filter(|id| !named.contains(id.as_str())).cloned().collect()
            }
            None => Vec::new(),
        };
        let highest = newer.iter().map(|(_, point)| point.order.timeline).max().unwrap_or(0);
        let timeline = set.unwrap_or(0).max(highest).max(self.held.read().timeline);
        let stored = self.persist(&newer, &forgotten, timeline).await;
        match stored {
            Ok(()) => self.take_in(newer, &forgotten, timeline, set.is_some()),
            Err(error) => {
                // Not acknowledged, so it will come again; but service is given back now, disk or no disk.
                let reconnections =
                    newer.into_iter().filter(|(_, point)| point.status == Status::Active).collect();
                self.take_in(reconnections, &[], timeline, false);
                return Err(PortError::Storage(error.to_string()));
            }
        }
        Ok(())
    }

    async fn persist(
        &self,
        newer: &[(wire::DesiredPoint, Arc<Point>)],
        forgotten: &[String],
        timeline: u64,
    ) -> Result<(), StorageError> {
        if self.database.failure().is_some() && !self.database.recover().await {
            return Err(StorageError(self.database.failure().unwrap_or_default()));
        }
        let mut batch = sled::Batch::default();
        for (point, _) in newer {
            batch.insert(point.point_id.as_bytes(), point.encode_to_vec());
        }
        for id in forgotten {
            batch.remove(id.as_bytes());
        }
        let base = self.held.read().base_timeline.unwrap_or(timeline);
        self.database.run(|db| {
            db.insert(TIMELINE, &timeline.to_be_bytes())?;
            db.insert(BASE_TIMELINE, &base.to_be_bytes())?;
            db.open_tree(TREE)?.apply_batch(batch)
        })?;
        self.database.confirm().await
    }

    fn take_in(
        &self,
        newer: Vec<(wire::DesiredPoint, Arc<Point>)>,
        forgotten: &[String],
        timeline: u64,
        whole_set: bool,
    ) {
        let mut dirty = HashSet::new();
        {
            let mut held = self.held.write();
            held.timeline = timeline;
            held.base_timeline.get_or_insert(timeline);
            for id in forgotten {
                held.points.remove(id);
            }
            for (_, point) in newer {
                let old = held.points.insert(point.id.clone(), point.clone());
                if old.is_none_or(|old| plan_of(&old) != plan_of(&point)) {
                    dirty.extend(same_profile(&held, &point));
                }
                dirty.insert(point.id.clone());
            }
        }
        let mut waiting = self.dirty.lock();
        waiting.all |= whole_set;
        waiting.points.extend(dirty);
        drop(waiting);
        self.changed.notify_one();
    }
}

/// Profile and speed: where they change, every subscriber of the profile is concerned.
fn plan_of(point: &Point) -> (Option<&str>, Option<super::Speed>) {
    match &point.access {
        Access::Pppoe { profile, .. } => (Some(profile), point.speed),
        Access::Static { .. } | Access::Unsupported { .. } => (None, None),
    }
}

fn same_profile(held: &Held, point: &Point) -> Vec<String> {
    let (Some(profile), _) = plan_of(point) else { return Vec::new() };
    let same = |other: &&Arc<Point>| {
        other.device_id == point.device_id && plan_of(other).0 == Some(profile) && other.speed != point.speed
    };
    held.points.values().filter(same).map(|other| other.id.clone()).collect()
}

#[async_trait]
impl DesiredSink for DesiredStore {
    async fn snapshot_part(&self, part: wire::DesiredSnapshot) -> Result<(), PortError> {
        let mut staging = self.staging.lock().await;
        if part.timeline < self.held.read().timeline {
            *staging = None;
            return Err(PortError::Refused(format!("timeline {} is behind the one held", part.timeline)));
        }
        if part.part == 0 {
            *staging = Some(Staging {
                push_id: part.push_id,
                timeline: part.timeline,
                next_part: 0,
                points: Vec::new(),
            });
        }
        let fits = |staging: &Staging| {
            staging.push_id == part.push_id
                && staging.timeline == part.timeline
                && staging.next_part == part.part
        };
        let Some(open) = staging.as_mut().filter(|staging| fits(staging)) else {
            *staging = None;
            return Err(PortError::Refused("a part of a snapshot that did not begin here".into()));
        };
        if open.points.len().saturating_add(part.points.len()) > MAX_POINTS {
            *staging = None;
            return Err(PortError::Refused(format!("more than {MAX_POINTS} points")));
        }
        open.points.extend(part.points);
        open.next_part = open.next_part.saturating_add(1);
        if !part.last {
            return Ok(());
        }
        let Some(whole) = staging.take() else { return Ok(()) };
        self.accept(whole.points, Some(whole.timeline)).await
    }

    async fn update(&self, update: wire::DesiredUpdate) -> Result<(), PortError> {
        // One at a time: what is newer is judged by what is held.
        let _one_at_a_time = self.staging.lock().await;
        self.accept(update.points, None).await
    }

    fn highest_order(&self) -> wire::Order {
        let held = self.held.read();
        let highest = held.points.values().map(|point| point.order).max().unwrap_or_default();
        // An empty set on a new timeline still says which timeline the agent has seen.
        highest.max(Order { timeline: held.timeline, generation: 0 }).into()
    }

    fn digest(&self) -> [u8; 32] {
        let held = self.held.read();
        atalaya_protocol::desired::digest(
            held.points.values().map(|point| (point.id.as_str(), point.order.into())),
        )
    }
}

#[cfg(test)]
mod tests;
