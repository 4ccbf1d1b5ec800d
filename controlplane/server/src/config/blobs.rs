//! `[blobs]`: where files and pictures lie.

use super::Config;
use crate::adapters::{S3Settings, S3Store};
use anyhow::bail;
use atalaya_kernel::{
    blobs::{BlobStore, FolderStore},
    time::Clock,
};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

/// Files and pictures.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blobs {
    /// Folder; `blobs` in the data folder when absent.
    pub folder: Option<PathBuf>,
    /// An object store instead of a folder.
    pub s3: Option<S3Settings>,
}

impl Config {
    /// The store that blobs lie in.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn blob_store(&self, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<dyn BlobStore>> {
        let folder = self.blobs.folder.clone();
        match &self.blobs.s3 {
            Some(_) if folder.is_some() => {
                bail!("[blobs] names a folder and [blobs.s3]: blobs lie in one of them")
            }
            Some(settings) => Ok(Arc::new(S3Store::new(settings.clone(), clock)?)),
            None => Ok(Arc::new(FolderStore::new(folder.unwrap_or_else(|| self.data_dir.join("blobs"))))),
        }
    }
}
