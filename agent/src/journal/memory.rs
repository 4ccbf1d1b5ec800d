//! What is remembered of each point, in memory and on disk.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Database, StorageError};
use crate::core::enforcement::PointMemory;

const TREE: &str = "memory";

/// [`PointMemory`] by point.
pub struct Memories {
    database: Arc<Database>,
    points: Mutex<HashMap<String, PointMemory>>,
}

impl Memories {
    /// Reads them all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open(database: Arc<Database>) -> Result<Self, StorageError> {
        let points = database.run(|db| {
            let mut points = HashMap::new();
            for row in &db.open_tree(TREE)? {
                let (key, bytes) = row?;
                // One that cannot be read counts as never seen: bounds and brake apply again, which is the safe side.
                if let (Ok(key), Ok(memory)) = (String::from_utf8(key.to_vec()), postcard::from_bytes(&bytes))
                {
                    points.insert(key, memory);
                }
            }
            Ok(points)
        })?;
        Ok(Self { database, points: Mutex::new(points) })
    }

    /// What is remembered of a point; nothing = the default.
    pub fn of(&self, point: &str) -> PointMemory {
        self.points.lock().get(point).cloned().unwrap_or_default()
    }

    /// Keeps what changed. Not confirmed: it rides with the next confirmation.
    ///
    /// # Errors
    /// When the database refuses; what changed holds in memory all the same.
    pub fn keep(&self, changed: Vec<(String, PointMemory)>) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        let mut any = false;
        {
            let mut points = self.points.lock();
            for (point, memory) in changed {
                if points.get(&point) == Some(&memory) {
                    continue;
                }
                let bytes = postcard::to_stdvec(&memory).map_err(|error| StorageError(error.to_string()))?;
                batch.insert(point.as_bytes(), bytes);
                points.insert(point, memory);
                any = true;
            }
        }
        if any { self.database.run(|db| db.open_tree(TREE)?.apply_batch(batch)) } else { Ok(()) }
    }
}
