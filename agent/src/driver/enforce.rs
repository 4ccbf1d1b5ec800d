//! The capability to keep subscribers as they should be.
//!
//! The driver compares and writes; whether, when and how many is decided elsewhere (`core::enforcement`). It works
//! on *sets* of points of one device, because a device that is asked 1,000 questions one by one is a slow device.
//! One change has two steps, so that a crash between them can be resolved by reading: [`Enforce::write`] changes the
//! configuration, [`Enforce::settle`] makes what is live follow it (sessions dropped, connections removed).

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use atalaya_protocol::wire;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::DeviceError;
use crate::desired::{Point, Speed, Status};

/// A point and what is to be true of it now.
#[derive(Clone)]
pub struct Want {
    /// The point.
    pub point: Arc<Point>,
    /// What to make true: the point's status, or active while it is held open.
    pub status: Status,
    /// This order was never applied: things that cannot be compared (a password that the device hides) are written.
    pub fresh: bool,
    /// Why the speed is left alone, when headquarters contradicts itself (one profile at two speeds).
    pub speed_conflict: Option<String>,
    /// Another point of the device, not terminated, has this very user name or address.
    pub taken: bool,
    /// Of a fixed address that ended: a point that is not terminated has an address of it, at whatever device of this
    /// agent and by whatever access. What stays on a list would cut that one.
    pub in_use: bool,
    /// User names of the device's points that are not terminated: a secret of such a name is that one's, whatever marker a
    /// copy brought along.
    pub users: Arc<HashSet<String>>,
    /// The subscriber's password, opened, when one came.
    pub password: Option<Zeroizing<String>>,
}

/// Without the password.
impl std::fmt::Debug for Want {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { point, status, fresh, speed_conflict, taken, in_use, users: _, password: _ } = self;
        let mut shown = f.debug_struct("Want");
        shown.field("point", point).field("status", status).field("fresh", fresh);
        shown.field("speed_conflict", speed_conflict).field("taken", taken).field("in_use", in_use);
        shown.finish_non_exhaustive()
    }
}

/// What tells one live session from the next of the same subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKey {
    /// The device's own number of the session; empty where it gives none.
    pub id: String,
    /// The subscriber's equipment, e.g. its MAC address.
    pub caller_id: String,
    /// Start by the agent's clock, Unix ms, give or take the device's resolution.
    pub since_ms: i64,
}

impl SessionKey {
    /// Whether both name one session. Without a session number: the same equipment, started within 3 s.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.id.is_empty() || other.id.is_empty() {
            return self.caller_id == other.caller_id
                && self.since_ms.saturating_sub(other.since_ms).saturating_abs() < 3_000;
        }
        self.id == other.id
    }
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which one.
    pub key: SessionKey,
    /// Address given to the subscriber.
    pub address: String,
}

/// What stands on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    /// The subscriber may pass.
    Active,
    /// Cut.
    Suspended,
    /// No row of the subscriber.
    Absent,
}

/// One point as read from the device, compared with what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRow {
    /// What stands there.
    pub status: RowStatus,
    /// Speed in force: of the live queue where there is one, else of its source.
    pub speed: Option<Speed>,
    /// Live sessions, oldest first.
    pub sessions: Vec<Session>,
    /// The row as read, secrets left out: (name, value).
    pub fields: Vec<(String, String)>,
    /// What a write would change: (name, new value), secrets shown as `(new)`. Empty: the configuration is as wanted.
    pub pending: Vec<(String, String)>,
    /// Sessions that do not live by the wanted configuration (or will not, once it is written) and must be dropped.
    pub stale: Vec<SessionKey>,
    /// The row says active and traffic does not pass all the same: the session still lives behind the wall, or a
    /// prefix stands on the cut list. What mends it gives service back, however little is written.
    pub walled: bool,
    /// Why this row must not be touched, in words for a person.
    pub blocked: Option<String>,
    /// What of the row is left as it is though it differs, and why, in words for a person: a speed, a comment, a row
    /// that is not ours to remove. Service is as wanted all the same.
    pub left: Option<String>,
}

impl ObservedRow {
    /// Configuration and live state are as wanted.
    pub fn is_in_place(&self) -> bool {
        self.pending.is_empty() && self.stale.is_empty() && self.blocked.is_none()
    }

    /// All that is to be written is our marker in its comment.
    pub fn lacks_marker_only(&self) -> bool {
        self.stale.is_empty()
            && !self.pending.is_empty()
            && self.pending.iter().all(|(name, _)| name == "comment")
    }

    /// All that is to be written takes something away that stands in somebody's way: an entry of a cut list, a queue. It
    /// takes service from nobody, however an end is called.
    pub fn only_frees(&self) -> bool {
        self.stale.is_empty()
            && !self.pending.is_empty()
            && self.pending.iter().all(|(name, _)| name == "address-list.removed" || name == "queue.removed")
    }
}

/// A change that was decided.
#[derive(Debug, Clone)]
pub struct Change {
    /// What is wanted.
    pub want: Want,
    /// The row on which the decision stands.
    pub row: ObservedRow,
}

/// A subscriber's row on the device, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// How it reaches the network.
    pub method: wire::Method,
    /// User name or address.
    pub name: String,
    /// Comment of the row.
    pub comment: String,
}

/// Reads and changes subscribers' rows of one device.
#[async_trait]
pub trait Enforce: Send + Sync {
    /// Every subscriber's row, whoever made it.
    ///
    /// # Errors
    /// Why the device could not be read.
    async fn list(&self) -> Result<Vec<Attachment>, DeviceError>;

    /// Reads the points and compares them with what is wanted; one row per want, in their order.
    ///
    /// # Errors
    /// Why the device could not be read.
    async fn read(&self, wants: &[Want]) -> Result<Vec<ObservedRow>, DeviceError>;

    /// Writes what is pending of each change; one outcome per change, in their order. An error that is not
    /// [`DeviceError::device_answered`] leaves it open whether the device did it: read before trying again.
    async fn write(&self, changes: &[Change]) -> Vec<Result<(), DeviceError>>;

    /// Makes what is live follow what was written: drops exactly the stale sessions of each change, removes live
    /// connections of cut addresses. One outcome per change. What is gone already is a success.
    async fn settle(&self, changes: &[Change]) -> Vec<Result<(), DeviceError>>;

    /// Live sessions of these points, cheaply; one list per want, in their order.
    ///
    /// # Errors
    /// Why the device could not be read.
    async fn sessions(&self, wants: &[Want]) -> Result<Vec<Vec<Session>>, DeviceError>;

    /// Whether cuts by each method would have an effect on this device, with exact lines to paste where not.
    ///
    /// # Errors
    /// Why the device could not be read.
    async fn can_bite(&self) -> Result<Vec<BiteCheck>, DeviceError>;

    /// Grows with each connection to the device that was let in: a change means the device was away.
    fn connections(&self) -> watch::Receiver<u64>;
}

/// One check of [`Enforce::can_bite`].
#[derive(Debug, Clone, PartialEq)]
pub struct BiteCheck {
    /// The method that it is about.
    pub method: wire::Method,
    /// What was found. [`wire::CheckStatus::Failed`] = a cut by this method would have no effect.
    pub check: wire::Check,
}
