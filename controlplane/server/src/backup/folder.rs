//! The folder that copies lie in.

use anyhow::{Context, bail};
use atalaya_kernel::time::Timestamp;
use std::{
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const PREFIX: &str = "atalaya-";
const SUFFIX: &str = "copy";
/// What a copy is called while it is written (see `archive::save`).
const UNFINISHED: &str = "partial";
/// What the folder of a rehearsal's database begins with (see `archive::rehearse`).
const REHEARSAL: &str = "rehearsal-";

/// The right to make a copy in a folder; given back when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(super) struct Claim {
    _locked: fs::File,
}

/// Copies, oldest first by name.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Opens it, made when absent, for its owner only.
    pub(super) fn open(root: PathBuf) -> anyhow::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&root)
            .with_context(|| format!("cannot make the folder for copies {}", root.display()))?;
        Ok(Self(root))
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    /// `atalaya-2026-11-05T150709Z.copy`: in order of time, and a name that every file system takes. A second that has a
    /// copy already gives its name to nobody else.
    pub(super) fn path_for(&self, now: Timestamp) -> PathBuf {
        let mut moment = now;
        loop {
            let text = moment.to_string().replace(':', "");
            let text = text.split('.').next().unwrap_or_default();
            let path = self.0.join(format!("{PREFIX}{text}Z.{SUFFIX}"));
            if !path.exists() {
                return path;
            }
            moment = moment.plus_millis(1_000);
        }
    }

    /// Lets nobody else make a copy here meanwhile, and removes what a process that was killed left behind: half a copy,
    /// and a rehearsal's database, which is not sealed.
    ///
    /// # Errors
    /// Somebody else is making one; a folder that cannot be written.
    pub(super) fn claim(&self) -> anyhow::Result<Claim> {
        let path = self.0.join(".lock");
        let file = fs::File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                bail!("another copy is being made in {}: wait until it is done", self.0.display())
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        self.sweep()?;
        Ok(Claim { _locked: file })
    }

    fn sweep(&self) -> anyhow::Result<()> {
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

    fn copies(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut copies = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with(PREFIX) && path.extension().is_some_and(|suffix| suffix == SUFFIX) {
                copies.push(path);
            }
        }
        copies.sort();
        Ok(copies)
    }

    /// Fails when a copy of the last one's size, and its rehearsal of several times that, might fill the disk: the
    /// database usually lies on the same one, and it goes first.
    pub(super) fn has_room(&self) -> anyhow::Result<()> {
        let last = self.copies()?.last().map(fs::metadata).transpose()?.map_or(0, |metadata| metadata.len());
        let needed = last.saturating_mul(12).max(64 << 20);
        let disk = rustix::fs::statvfs(&self.0)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < needed {
            bail!(
                "{} has {} MiB free and a copy with its rehearsal may need {}: free some or name another folder ([backup] folder)",
                self.0.display(),
                free >> 20,
                needed >> 20
            );
        }
        Ok(())
    }

    /// Removes all but the newest.
    pub(super) fn keep(&self, newest: u32) -> anyhow::Result<()> {
        let mut copies = self.copies()?;
        let surplus = copies.len().saturating_sub(usize::try_from(newest.max(1))?);
        for path in copies.drain(..surplus) {
            fs::remove_file(&path)
                .with_context(|| format!("cannot remove the old copy {}", path.display()))?;
        }
        Ok(())
    }

    /// Takes a copy that does not come back out of the row of good ones; the newest such is kept for looking at.
    pub(super) fn spoiled(&self, path: &Path) -> anyhow::Result<()> {
        fs::rename(path, self.0.join("spoiled")).context("the spoiled copy could not be set aside")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_makes_a_copy_at_a_time_and_what_a_killed_one_left_goes() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path().join("copies")).unwrap();
        let claim = folder.claim().unwrap();
        let root = folder.root().to_owned();
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
        let folder = Folder::open(temp.path().join("copies")).unwrap();
        let start = Timestamp::from_millis(1_793_891_229_000);
        assert!(folder.path_for(start).ends_with("atalaya-2026-11-05T150709Z.copy"));
        for day in 0..5 {
            fs::write(folder.path_for(start.plus_millis(day * 86_400_000)), "x").unwrap();
        }
        assert!(folder.path_for(start).ends_with("atalaya-2026-11-05T150710Z.copy"), "the second is taken");
        fs::write(folder.root().join("atalaya-notes.txt"), "mine").unwrap();
        folder.keep(2).unwrap();
        let left: Vec<_> =
            folder.copies().unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(left, ["atalaya-2026-11-08T150709Z.copy", "atalaya-2026-11-09T150709Z.copy"]);
        assert!(folder.root().join("atalaya-notes.txt").exists());
        folder.keep(0).unwrap();
        assert_eq!(folder.copies().unwrap().len(), 1, "the last good copy is never removed");
    }
}
