//! Copies of the installation, as its operator and as an ISP on it sees them: which were tried and how they went.
//!
//! A copy holds every tenant or none. An ISP is told that there is a good one and since when; where it lies, how large it is
//! and why one failed is the operator's business.

pub mod http;
mod service;

pub use service::{ask, list, list_for_operator};

use atalaya_kernel::{archive::journal, ids::BackupId, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// How a copy went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// It is being made.
    Running,
    /// It is whole, and its restore was rehearsed.
    Good,
    /// There is none.
    Failed,
    /// The process ended meanwhile.
    Interrupted,
}

/// What kind of place a copy lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupTarget {
    /// A folder of the machine that made it.
    Folder,
    /// An object store that speaks the S3 protocol.
    S3,
}

impl BackupTarget {
    /// By how the journal names the place.
    fn of(path: &str) -> Self {
        if path.starts_with("s3://") { Self::S3 } else { Self::Folder }
    }
}

/// A copy as an ISP sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupSeen {
    /// How it went.
    pub state: BackupState,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it was rehearsed, or failed.
    pub finished_at: Option<Timestamp>,
}

/// A copy as the operator of the installation sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupRow {
    /// Which.
    pub id: BackupId,
    /// What everybody may see.
    #[serde(flatten)]
    pub seen: BackupSeen,
    /// Where it lies: a path of the machine that made it, or bucket and key.
    #[schema(example = "s3://isp-copies/atalaya/atalaya-2026-11-05T073000Z.copy")]
    pub path: String,
    /// What kind of place that is.
    pub target: BackupTarget,
    /// Size of the file, bytes.
    #[schema(example = 48_210_000)]
    pub bytes: Option<i64>,
    /// Rows in it.
    #[schema(example = 182_304)]
    pub total_rows: Option<i64>,
    /// Why there is none.
    pub error: Option<String>,
}

/// How it went. One that has not ended is being made, unless a later one was begun: two are never made at once.
fn seen(backup: &journal::Backup, newest: bool) -> BackupSeen {
    let state = match (backup.finished_at, backup.verified_at) {
        (_, Some(_)) => BackupState::Good,
        (Some(_), None) => BackupState::Failed,
        (None, None) if newest => BackupState::Running,
        (None, None) => BackupState::Interrupted,
    };
    BackupSeen { state, started_at: backup.started_at, finished_at: backup.finished_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_kind_of_its_place() {
        assert_eq!(BackupTarget::of("s3://isp/a.copy"), BackupTarget::S3);
        for folder in ["/var/lib/atalaya/backups/a.copy", "s3/a.copy", ""] {
            assert_eq!(BackupTarget::of(folder), BackupTarget::Folder, "{folder}");
        }
    }
}
