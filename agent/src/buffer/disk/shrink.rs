//! Replacing an emptied database whose file has grown large.

use std::fs;
use std::path::Path;

use super::{DiskError, DiskLog, NEXT, file_bytes, guarded, open};

impl DiskLog {
    /// When nothing waits in it and its file exceeds `above` bytes: makes a new database beside it with the same
    /// epoch, next sequence, counters and series, and puts it in its place. A crash at any moment leaves one whole
    /// database: the new one counts from its rename on.
    pub(in super::super) fn shrink(&mut self, dir: &Path, above: u64) -> Result<(), DiskError> {
        if !self.heads.is_empty() || file_bytes(&self.path) <= above {
            return Ok(());
        }
        let number = open::newest(dir)?.unwrap_or(0) + 1;
        let fresh = open::make(dir, number, |fresh| {
            guarded(|| {
                for (from, to) in [(&self.series, &fresh.series), (&self.meta, &fresh.meta)] {
                    for entry in from {
                        let (key, value) = entry?;
                        to.insert(key, value)?;
                    }
                }
                fresh.log.insert(NEXT, &self.next.to_be_bytes())?;
                Ok(())
            })
        })?;
        let old = std::mem::replace(self, fresh);
        let old_path = old.path.clone();
        open::close(Box::new(old));
        fs::remove_dir_all(old_path)?;
        tracing::info!("buffer: an emptied database was replaced by a new one");
        Ok(())
    }
}
