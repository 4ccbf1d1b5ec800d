//! Everything of one tenant: its series, its fresh samples, its segments.
//!
//! Tenants share the log and nothing else; each has a directory of its own, which goes as a whole when the tenant goes.

mod buckets;
mod query;
mod reader;
mod seal;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::head::Head;
use super::index::SeriesIndex;
use super::received::Received;
use super::segment::Segment;
use crate::model::TenantKey;

pub(crate) use query::{evaluate_range, evaluate_top, newest};
pub(crate) use reader::Reader;
pub(crate) use seal::{Sealed, seal};
pub(crate) use view::View;

/// Name of the file with a tenant's series, in the format of the log.
pub(crate) const SERIES_LOG: &str = "series";

/// One tenant of the store.
pub(crate) struct Tenant {
    pub(crate) number: u32,
    pub(crate) key: TenantKey,
    pub(crate) dir: PathBuf,
    pub(crate) state: Mutex<TenantState>,
}

/// What changes about a tenant.
#[derive(Default)]
pub(crate) struct TenantState {
    pub(crate) index: SeriesIndex,
    pub(crate) head: Head,
    /// Rows on their way into segments.
    pub(crate) sealing: Option<Arc<Head>>,
    /// By resolution, in the order of the manifest.
    pub(crate) segments: [Vec<Arc<Segment>>; 3],
    pub(crate) received: Received,
    /// Bytes and series of the series log that the manifest vouches for.
    pub(crate) series_bytes: u64,
    pub(crate) series_logged: u32,
}

impl Tenant {
    pub(crate) fn new(number: u32, key: TenantKey, store: &Path, state: TenantState) -> Arc<Self> {
        let dir = directory(store, number);
        Arc::new(Self { number, key, dir, state: Mutex::new(state) })
    }
}

/// Directory of a tenant: its number and not its key, which comes from outside.
pub(crate) fn directory(store: &Path, number: u32) -> PathBuf {
    store.join(format!("tenant-{number}"))
}

/// Whether a path in the store is the directory of some tenant.
pub(crate) fn is_tenant(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("tenant-"))
}
