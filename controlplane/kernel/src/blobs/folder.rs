//! Blobs in a folder, for its owner's eyes.

use super::store::{BlobStore, Listed, demand_key};
use crate::time::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// What a file is called while it is written.
const UNFINISHED: &str = ".partial";

/// Blobs in a folder. A file is on the disk, under its name, and its folder knows it, before [`BlobStore::put`] returns.
#[derive(Debug, Clone)]
pub struct FolderStore(PathBuf);

impl FolderStore {
    /// In this folder, made when first needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    fn path(&self, key: &str) -> io::Result<PathBuf> {
        demand_key(key)?;
        Ok(self.0.join(key))
    }
}

/// Whether a key is that of a file which was never finished: its process died.
pub(super) fn is_unfinished(key: &str) -> bool {
    key.ends_with(UNFINISHED)
}

#[async_trait::async_trait]
impl BlobStore for FolderStore {
    async fn put(&self, key: &str, bytes: Vec<u8>) -> io::Result<()> {
        let path = self.path(key)?;
        let work = move || {
            let folder = path.parent().ok_or_else(|| io::Error::other("a blob has a folder"))?;
            make(folder)?;
            let mut unfinished = path.clone().into_os_string();
            unfinished.push(UNFINISHED);
            let mut options = File::options();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(folder)?.sync_all()
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(key)?;
        absent_is(tokio::task::spawn_blocking(move || fs::read(path).map(Some)).await, None)
    }

    async fn delete(&self, key: &str) -> io::Result<()> {
        let path = self.path(key)?;
        absent_is(tokio::task::spawn_blocking(move || fs::remove_file(path)).await, ())
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        let (root, wanted) = (self.0.clone(), Wanted::new(prefix, after, limit));
        let listed = move || {
            let mut found = Vec::new();
            walk(&root, "", &wanted, &mut found)?;
            Ok(found)
        };
        tokio::task::spawn_blocking(listed).await.map_err(io::Error::other)?
    }
}

/// What is not there is no failure.
fn absent_is<T>(outcome: Result<io::Result<T>, tokio::task::JoinError>, absent: T) -> io::Result<T> {
    match outcome.map_err(io::Error::other)? {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(absent),
        outcome => outcome,
    }
}

/// Makes a folder and those above it, each known to the one above before this returns.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        // Another writer was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }?;
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

/// Which keys a list is asked for.
struct Wanted {
    prefix: String,
    after: String,
    limit: usize,
}

impl Wanted {
    fn new(prefix: &str, after: &str, limit: usize) -> Self {
        Self { prefix: prefix.to_owned(), after: after.to_owned(), limit }
    }

    /// Whether keys that begin with this text may be among them.
    fn may_hold(&self, beginning: &str) -> bool {
        let fits = beginning.starts_with(&self.prefix) || self.prefix.starts_with(beginning);
        fits && (beginning > self.after.as_str() || self.after.starts_with(beginning))
    }

    fn is(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && key > self.after.as_str()
    }
}

/// Keys below a folder, in the order of their bytes.
fn walk(folder: &Path, prefix: &str, wanted: &Wanted, found: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Nothing was stored yet, or another process removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let mut key = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let is_folder = entry.file_type()?.is_dir();
        if is_folder {
            key.push('/');
        }
        names.push((key, is_folder, entry));
    }
    // A folder with its `/`, which is how its keys go on.
    names.sort_by(|one, other| one.0.cmp(&other.0));
    for (key, is_folder, entry) in names {
        if found.len() >= wanted.limit {
            return Ok(());
        }
        if is_folder {
            if wanted.may_hold(&key) {
                walk(&entry.path(), &key, wanted, found)?;
            }
        } else if wanted.is(&key) {
            match written_at(&entry) {
                Ok(written_at) => found.push(Listed { key, written_at }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn written_at(entry: &fs::DirEntry) -> io::Result<Timestamp> {
    let modified = entry.metadata()?.modified()?;
    let since = modified.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok(Timestamp::from_millis(i64::try_from(since.as_millis()).map_err(io::Error::other)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    async fn keys(store: &FolderStore, prefix: &str, after: &str, limit: usize) -> Vec<String> {
        store.list(prefix, after, limit).await.unwrap().into_iter().map(|listed| listed.key).collect()
    }

    #[tokio::test]
    async fn blobs_come_back_and_keys_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path().join("a/b"));
        assert_eq!(keys(&store, "", "", 9).await, Vec::<String>::new());
        store.put("ten_1/logo/light.svg", b"<svg/>".to_vec()).await.unwrap();
        assert_eq!(store.get("ten_1/logo/light.svg").await.unwrap().unwrap(), b"<svg/>");
        let path = folder.path().join("a/b/ten_1/logo/light.svg");
        for (path, mode) in [(path.as_path(), 0o600), (path.parent().unwrap(), 0o700)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
        store.put("ten_1/logo/light.svg", b"<svg>".to_vec()).await.unwrap();
        assert_eq!(store.get("ten_1/logo/light.svg").await.unwrap().unwrap(), b"<svg>");
        store.delete("ten_1/logo/light.svg").await.unwrap();
        store.delete("ten_1/logo/light.svg").await.unwrap();
        assert_eq!(store.get("ten_1/logo/light.svg").await.unwrap(), None);
        for key in ["../etc/passwd", "/etc/passwd", "a//b", "", "a/.hidden", "a/b c"] {
            assert!(store.get(key).await.is_err(), "{key}");
            assert!(store.put(key, Vec::new()).await.is_err(), "{key}");
        }
    }

    #[tokio::test]
    async fn keys_are_listed_in_the_order_of_their_bytes_page_by_page() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path());
        // `-` and `.` sort before `/`, `0` after it: a folder is not where its bare name would be.
        let mut all = ["a", "a-b", "a.b/x", "a/x", "a/y/z", "a0", "b/x", "c.partial"];
        for key in all {
            if key != "a" {
                store.put(key, b"x".to_vec()).await.unwrap();
            }
        }
        all.sort_unstable();
        let all = &all[1..];
        assert_eq!(keys(&store, "", "", 99).await, all);
        let mut paged = Vec::new();
        loop {
            let page = keys(&store, "", paged.last().map_or("", String::as_str), 2).await;
            let is_last = page.len() < 2;
            paged.extend(page);
            if is_last {
                break;
            }
        }
        assert_eq!(paged, all);
        assert_eq!(keys(&store, "a/", "", 9).await, ["a/x", "a/y/z"]);
        assert_eq!(keys(&store, "a/", "a/x", 9).await, ["a/y/z"]);
        assert_eq!(keys(&store, "b/", "z", 9).await, Vec::<String>::new());
    }
}
