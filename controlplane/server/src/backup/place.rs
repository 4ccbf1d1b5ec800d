//! What a place for copies can do, whatever it is.

use atalaya_kernel::{archive::Unfinished, blobs::is_key, time::Timestamp};
use std::{fmt, fs, io, path::Path, str::FromStr};

pub(super) const PREFIX: &str = "atalaya-";
const SUFFIX: &str = ".copy";

/// A place that copies lie in. Its functions take as long as a disk or a network does: they are for a thread that may block.
pub trait Place: Send + Sync + 'static {
    /// Where a copy of this name lies, for people and for the journal.
    fn shown(&self, name: &CopyName) -> String;

    /// Folder of this machine that a rehearsal may make its database in; there once somebody has a [`Claim`].
    fn scratch(&self) -> &Path;

    /// Lets nobody else on this machine make a copy here meanwhile.
    ///
    /// # Errors
    /// Somebody else is making one; a scratch folder that cannot be made.
    fn claim(&self) -> anyhow::Result<Claim>;

    /// Removes what a process that was killed left behind. For whoever has the claim.
    ///
    /// # Errors
    /// Something that cannot be removed.
    fn sweep(&self, now: Timestamp) -> anyhow::Result<()>;

    /// The copies that are whole, oldest first.
    ///
    /// # Errors
    /// The place's.
    fn list(&self) -> anyhow::Result<Vec<Found>>;

    /// Begins a copy.
    ///
    /// # Errors
    /// The place's.
    fn begin(&self, name: &CopyName) -> io::Result<Box<dyn Unfinished>>;

    /// Opens one.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or the place's.
    fn open(&self, name: &CopyName) -> io::Result<Box<dyn io::Read + Send>>;

    /// Removes one.
    ///
    /// # Errors
    /// The place's.
    fn remove(&self, name: &CopyName) -> anyhow::Result<()>;

    /// Takes one that does not come back out of the row of good ones, and says what became of it.
    ///
    /// # Errors
    /// The place's.
    fn set_aside(&self, name: &CopyName) -> anyhow::Result<&'static str>;
}

/// The right to make a copy; given back when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Claim {
    _locked: fs::File,
}

impl Claim {
    pub(super) fn new(locked: fs::File) -> Self {
        Self { _locked: locked }
    }
}

/// A copy that lies in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: CopyName,
    /// Its size, bytes.
    pub bytes: u64,
}

/// Name of a copy: `atalaya-2026-11-05T150709Z.copy`. In order of time, and one that every file system and store takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CopyName(String);

impl CopyName {
    /// Of a copy that is begun at an instant. A second that has a copy already gives its name to nobody else.
    pub fn free(now: Timestamp, taken: &[Found]) -> Self {
        let mut moment = now;
        loop {
            let text = moment.to_string().replace(':', "");
            let name = Self(format!("{PREFIX}{}Z{SUFFIX}", text.split('.').next().unwrap_or_default()));
            if taken.iter().all(|found| found.name != name) {
                return name;
            }
            moment = moment.plus_millis(1_000);
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CopyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no name of a copy.
#[derive(Debug, thiserror::Error)]
#[error("expected the name of a copy such as atalaya-2026-11-05T150709Z.copy, got {0:?}")]
pub struct NotACopy(String);

impl FromStr for CopyName {
    type Err = NotACopy;
    fn from_str(text: &str) -> Result<Self, NotACopy> {
        let is_name =
            text.starts_with(PREFIX) && text.ends_with(SUFFIX) && is_key(text) && !text.contains('/');
        if is_name { Ok(Self(text.to_owned())) } else { Err(NotACopy(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_second_that_no_other_copy_has() {
        let now = Timestamp::from_millis(1_793_891_229_000);
        let first = CopyName::free(now, &[]);
        assert_eq!(first.as_str(), "atalaya-2026-11-05T150709Z.copy");
        let taken = [Found { name: first.clone(), bytes: 1 }];
        let second = CopyName::free(now, &taken);
        assert_eq!(second.as_str(), "atalaya-2026-11-05T150710Z.copy");
        assert!(first < second);
        assert_eq!(first.as_str().parse::<CopyName>().unwrap(), first);
        for wrong in
            ["", "atalaya-notes.txt", "notes.copy", "atalaya-a/b.copy", "../atalaya-x.copy", "atalaya-é.copy"]
        {
            assert!(wrong.parse::<CopyName>().is_err(), "{wrong}");
        }
    }
}
