//! Copies in a folder, and the folder of this machine that every place needs for rehearsals.

use super::place::{Claim, CopyName, Found, PREFIX, Place};
use anyhow::{Context, bail};
use atalaya_kernel::{
    archive::{FileCopy, Unfinished},
    time::Timestamp,
};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What a copy is called while it is written (see `archive::FileCopy`).
const UNFINISHED: &str = "partial";
/// What the folder of a rehearsal's database begins with (see `archive::rehearse`).
const REHEARSAL: &str = "rehearsal-";

/// A folder with copies.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// This one; it is made, for its owner only, when a copy is.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    fn path(&self, name: &CopyName) -> PathBuf {
        self.0.join(name.as_str())
    }
}

impl Place for Folder {
    fn shown(&self, name: &CopyName) -> String {
        self.path(name).display().to_string()
    }

    fn scratch(&self) -> &Path {
        &self.0
    }

    fn claim(&self) -> anyhow::Result<Claim> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&self.0)
            .with_context(|| format!("cannot make the folder for copies {}", self.0.display()))?;
        let path = self.0.join(".lock");
        let file = fs::File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Claim::new(file)),
            Err(fs::TryLockError::WouldBlock) => {
                bail!("another copy is being made in {}: wait until it is done", self.0.display())
            }
            Err(fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Half a copy, and a rehearsal's database, which is not sealed.
    fn sweep(&self, _now: Timestamp) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let half =
                name.starts_with(PREFIX) && path.extension().is_some_and(|suffix| suffix == UNFINISHED);
            let removed = if half {
                fs::remove_file(&path)
            } else if name.starts_with(REHEARSAL) && path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                continue;
            };
            removed.with_context(|| format!("cannot remove what was left behind: {}", path.display()))?;
            tracing::warn!(path = %path.display(), "removed what a killed copy left behind");
        }
        Ok(())
    }

    fn list(&self) -> anyhow::Result<Vec<Found>> {
        let entries = match fs::read_dir(&self.0) {
            // None was made yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", self.0.display()))?,
        };
        let mut copies = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Ok(name) = entry.file_name().to_string_lossy().parse() {
                copies.push(Found { name, bytes: entry.metadata()?.len() });
            }
        }
        copies.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(copies)
    }

    fn begin(&self, name: &CopyName) -> io::Result<Box<dyn Unfinished>> {
        FileCopy::begin(&self.path(name))
    }

    fn open(&self, name: &CopyName) -> io::Result<Box<dyn io::Read + Send>> {
        FileCopy::open(&self.path(name))
    }

    fn remove(&self, name: &CopyName) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.path(name))?)
    }

    /// The newest such is kept for looking at.
    fn set_aside(&self, name: &CopyName) -> anyhow::Result<&'static str> {
        let path = self.path(name);
        fs::rename(path, self.0.join("spoiled")).context("the spoiled copy could not be set aside")?;
        Ok("it was set aside as spoiled")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::keep;

    const NOW: Timestamp = Timestamp::from_millis(1_793_891_229_000);

    #[test]
    fn one_makes_a_copy_at_a_time_and_what_a_killed_one_left_goes() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::new(temp.path().join("copies"));
        assert!(folder.list().unwrap().is_empty(), "there is no folder yet");
        let claim = folder.claim().unwrap();
        let root = folder.scratch().to_owned();
        fs::create_dir(root.join("rehearsal-abc")).unwrap();
        fs::write(root.join("rehearsal-abc/copy.db"), "open").unwrap();
        fs::write(root.join("atalaya-2026-11-05T150709Z.partial"), "half").unwrap();
        for mine in ["atalaya-2026-11-05T150709Z.copy", "notes.partial", "rehearsal-notes.txt"] {
            fs::write(root.join(mine), "mine").unwrap();
        }
        let refused = folder.claim().unwrap_err();
        assert!(refused.to_string().contains("another copy is being made"), "{refused}");
        assert!(root.join("rehearsal-abc").exists(), "who was refused touches nothing");

        drop(claim);
        let _claim = folder.claim().unwrap();
        folder.sweep(NOW).unwrap();
        let mut left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(
            left,
            [".lock", "atalaya-2026-11-05T150709Z.copy", "notes.partial", "rehearsal-notes.txt"]
        );
    }

    #[test]
    fn the_newest_are_kept_and_nothing_else_is_touched() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::new(temp.path());
        for day in 0..5 {
            let name = CopyName::free(NOW.plus_millis(day * 86_400_000), &[]);
            fs::write(folder.path(&name), "x").unwrap();
        }
        fs::write(temp.path().join("atalaya-notes.txt"), "mine").unwrap();
        keep(&folder, 2).unwrap();
        let left: Vec<_> =
            folder.list().unwrap().into_iter().map(|found| found.name.as_str().to_owned()).collect();
        assert_eq!(left, ["atalaya-2026-11-08T150709Z.copy", "atalaya-2026-11-09T150709Z.copy"]);
        assert!(temp.path().join("atalaya-notes.txt").exists());
        keep(&folder, 0).unwrap();
        assert_eq!(folder.list().unwrap().len(), 1, "the last good copy is never removed");
    }
}
