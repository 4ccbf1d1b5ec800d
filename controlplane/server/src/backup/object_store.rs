//! Copies in an object store that speaks the S3 protocol. Rehearsals, and the right to make a copy, are a folder's of this machine.

use super::{
    folder::Folder,
    place::{Claim, CopyName, Found, PREFIX, Place},
};
use crate::adapters::{S3Client, S3Settings};
use anyhow::Context;
use atalaya_kernel::{
    archive::Unfinished,
    time::{Clock, Timestamp},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Age at which an upload that never became a copy is nobody's any more, ms: another server of the same installation may be
/// at one that is younger.
const FORGOTTEN_MS: i64 = 24 * 3_600_000;

/// A bucket with copies, or what is below a prefix of it.
#[derive(Debug)]
pub struct ObjectStore {
    client: S3Client,
    here: Folder,
}

impl ObjectStore {
    /// Prepares calls; makes none. `scratch` is a folder of this machine, made when a copy is.
    ///
    /// # Errors
    /// A setting of `[backup.s3]` that cannot be, named.
    pub fn new(
        settings: S3Settings,
        clock: Arc<dyn Clock>,
        scratch: impl Into<PathBuf>,
    ) -> anyhow::Result<Self> {
        Ok(Self { client: S3Client::new("[backup.s3]", settings, clock)?, here: Folder::new(scratch) })
    }
}

impl Place for ObjectStore {
    fn shown(&self, name: &CopyName) -> String {
        self.client.shown(name.as_str())
    }

    fn scratch(&self) -> &Path {
        self.here.scratch()
    }

    fn claim(&self) -> anyhow::Result<Claim> {
        self.here.claim()
    }

    fn sweep(&self, now: Timestamp) -> anyhow::Result<()> {
        self.here.sweep(now)?;
        let is_ours = |name: &str| name.parse::<CopyName>().is_ok();
        match self.client.abort_uploads(PREFIX, now.plus_millis(-FORGOTTEN_MS), is_ours) {
            Ok(0) => {}
            Ok(uploads) => {
                tracing::warn!(uploads, "aborted what killed copies left behind in the object store");
            }
            // They take room that is paid for, and no more: a store that does not list them can still take a copy.
            Err(error) => tracing::warn!(%error, "uploads that were left behind cannot be looked for"),
        }
        Ok(())
    }

    fn list(&self) -> anyhow::Result<Vec<Found>> {
        let stored = self.client.stored(PREFIX)?;
        let copies = stored.into_iter().filter_map(|object| {
            let name = object.key.parse().ok()?;
            Some(Found { name, bytes: object.bytes })
        });
        let mut copies: Vec<_> = copies.collect();
        copies.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(copies)
    }

    fn begin(&self, name: &CopyName) -> io::Result<Box<dyn Unfinished>> {
        Ok(Box::new(self.client.begin(name.as_str())?))
    }

    fn open(&self, name: &CopyName) -> io::Result<Box<dyn io::Read + Send>> {
        Ok(Box::new(self.client.open(name.as_str())?))
    }

    fn remove(&self, name: &CopyName) -> anyhow::Result<()> {
        Ok(self.client.remove(name.as_str())?)
    }

    /// An object has no other name to go by.
    fn set_aside(&self, name: &CopyName) -> anyhow::Result<&'static str> {
        self.remove(name).context("the spoiled copy could not be removed")?;
        Ok("it was removed")
    }
}
