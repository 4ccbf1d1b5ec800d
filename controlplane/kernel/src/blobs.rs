//! Files and pictures, by key. Local disk by default; an object store later behind the same trait.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where blobs lie. Keys look like `tenant/kind/name` and hold letters, digits, `.`, `_`, `-` and `/` only.
#[async_trait::async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores durably, replacing what was there.
    ///
    /// # Errors
    /// A bad key or the disk's.
    async fn put(&self, key: &str, bytes: Vec<u8>) -> io::Result<()>;
    /// Reads; `None` when there is nothing.
    ///
    /// # Errors
    /// A bad key or the disk's.
    async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>>;
    /// Removes; nothing there is fine.
    ///
    /// # Errors
    /// A bad key or the disk's.
    async fn delete(&self, key: &str) -> io::Result<()>;
    /// Keys of all there are, in order.
    ///
    /// # Errors
    /// The disk's.
    async fn list(&self) -> io::Result<Vec<String>>;
}

/// Blobs in a directory.
#[derive(Debug, Clone)]
pub struct LocalBlobs(PathBuf);

impl LocalBlobs {
    /// In this directory, made when first needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    fn path(&self, key: &str) -> io::Result<PathBuf> {
        let sane = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if key.split('/').all(sane) {
            Ok(self.0.join(key))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("bad blob key {key:?}")))
        }
    }
}

#[async_trait::async_trait]
impl Blobs for LocalBlobs {
    async fn put(&self, key: &str, bytes: Vec<u8>) -> io::Result<()> {
        let path = self.path(key)?;
        let work = move || {
            use std::io::Write;
            let folder = path.parent().ok_or_else(|| io::Error::other("a blob has a folder"))?;
            fs::create_dir_all(folder)?;
            let temporary = path.with_extension("partial");
            let mut file = fs::File::create(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            fs::File::open(folder)?.sync_all()
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(key)?;
        match tokio::task::spawn_blocking(move || fs::read(path)).await.map_err(io::Error::other)? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &str) -> io::Result<()> {
        let path = self.path(key)?;
        match tokio::task::spawn_blocking(move || fs::remove_file(path)).await.map_err(io::Error::other)? {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn list(&self) -> io::Result<Vec<String>> {
        let root = self.0.clone();
        tokio::task::spawn_blocking(move || {
            let mut keys = Vec::new();
            walk(&root, "", &mut keys)?;
            keys.sort();
            Ok(keys)
        })
        .await
        .map_err(io::Error::other)?
    }
}

/// Keys below a folder; what is still being written is none yet.
fn walk(folder: &Path, prefix: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let key = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &key, keys)?;
        } else if !key.ends_with(".partial") {
            keys.push(key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blobs_come_back_and_keys_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::new(folder.path());
        blobs.put("ten_1/logo/light.svg", b"<svg/>".to_vec()).await.unwrap();
        assert_eq!(blobs.get("ten_1/logo/light.svg").await.unwrap().unwrap(), b"<svg/>");
        assert_eq!(blobs.list().await.unwrap(), ["ten_1/logo/light.svg"]);
        blobs.delete("ten_1/logo/light.svg").await.unwrap();
        blobs.delete("ten_1/logo/light.svg").await.unwrap();
        assert_eq!(blobs.get("ten_1/logo/light.svg").await.unwrap(), None);
        for key in ["../etc/passwd", "/etc/passwd", "a//b", "", "a/.hidden"] {
            assert!(blobs.get(key).await.is_err(), "{key}");
        }
    }
}
