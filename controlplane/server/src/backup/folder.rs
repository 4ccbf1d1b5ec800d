//! The folder that copies lie in.

use anyhow::{Context, bail};
use atalaya_kernel::time::Timestamp;
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

const PREFIX: &str = "atalaya-";
const SUFFIX: &str = "copy";

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

    /// `atalaya-2026-11-05T150709Z.copy`: in order of time, and a name that every file system takes.
    pub(super) fn path_for(&self, now: Timestamp) -> PathBuf {
        let text = now.to_string().replace(':', "");
        let text = text.split('.').next().unwrap_or_default();
        self.0.join(format!("{PREFIX}{text}Z.{SUFFIX}"))
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
    fn the_newest_are_kept_and_nothing_else_is_touched() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path().join("copies")).unwrap();
        let start = Timestamp::from_millis(1_793_891_229_000);
        assert!(folder.path_for(start).ends_with("atalaya-2026-11-05T150709Z.copy"));
        for day in 0..5 {
            fs::write(folder.path_for(start.plus_millis(day * 86_400_000)), "x").unwrap();
        }
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
