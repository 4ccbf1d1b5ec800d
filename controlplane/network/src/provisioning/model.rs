use crate::{devices::DeviceMode, jobs::Field};
use atalaya_kernel::{
    ids::{AttachmentId, CustomerId, DeviceId, PointId, ServiceId},
    secrets::SecretText,
    text_enum,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

text_enum! {
    /// How an attachment reaches the network.
    pub enum AttachmentKind {
        /// PPP secret; cut = profile `cut` and session drop.
        Pppoe = "pppoe",
        /// Fixed address; cut = address list and removal of live connections.
        Static = "static",
    }
}

text_enum! {
    /// What must be true of a point.
    pub enum DesiredStatus {
        /// Passes, at the plan's speed.
        Active = "active",
        /// Cut.
        Suspended = "suspended",
        /// Gone: rows of ours are removed.
        Terminated = "terminated",
    }
}

text_enum! {
    /// Why a decided cut waits for a person.
    pub enum HoldReason {
        /// The hour's first cuts of the site are used up.
        Brake = "brake",
        /// It was decided before a backup was restored.
        Timeline = "timeline",
    }
}

text_enum! {
    /// What an agent read.
    pub enum ObservedStatus {
        /// Passes.
        Active = "active",
        /// Cut.
        Suspended = "suspended",
        /// No row of ours or of the subscriber on the device.
        Absent = "absent",
        /// Cannot be told.
        Unknown = "unknown",
    }
}

text_enum! {
    /// What became of a desired state.
    pub enum Outcome {
        /// Written and read back.
        Applied = "applied",
        /// Read; nothing differed.
        InPlace = "in_place",
        /// The device only observes: this would be done.
        WouldApply = "would_apply",
        /// Held by the agent's brake.
        HeldBrake = "held_brake",
        /// Held by the agent: decided before a backup was restored.
        HeldTimeline = "held_timeline",
        /// Headquarters was away.
        HeldOffline = "held_offline",
        /// A technician holds it open.
        HeldOpen = "held_open",
        /// Its time has not come.
        HeldNotYet = "held_not_yet",
        /// The agent's journal cannot be written.
        HeldDisk = "held_disk",
        /// Never applied in time.
        Expired = "expired",
        /// The device refused.
        Failed = "failed",
        /// Reverted twice within a day by someone else; left alone.
        Contested = "contested",
        /// Whether the device applied it cannot be known.
        Unknown = "unknown",
        /// The cut would have no effect on this device.
        NoEffect = "no_effect",
    }
}

impl Outcome {
    /// The device is as desired.
    pub fn is_in_place(self) -> bool {
        matches!(self, Self::Applied | Self::InPlace)
    }
    /// The agent waits, and a person can end it.
    pub fn is_held(self) -> bool {
        matches!(
            self,
            Self::HeldBrake
                | Self::HeldTimeline
                | Self::HeldOffline
                | Self::HeldOpen
                | Self::HeldNotYet
                | Self::HeldDisk
        )
    }
}

text_enum! {
    /// Where a point stands, in one word.
    pub enum PointState {
        /// The agent has not answered for the newest desired state.
        Pending = "pending",
        /// Read back as desired.
        Applied = "applied",
        /// The device observes: nothing is changed.
        WouldApply = "would_apply",
        /// A cut waits.
        Held = "held",
        /// The device did not take it, or it came too late.
        Failed = "failed",
        /// Someone else keeps reverting it.
        Contested = "contested",
        /// Cannot be known.
        Unknown = "unknown",
        /// The cut would have no effect there.
        NoEffect = "no_effect",
        /// Was as desired; someone changed it.
        Drift = "drift",
    }
}

text_enum! {
    /// State of a service on the network, in one word.
    pub enum NetworkState {
        /// Unblocked everywhere, and its session was seen where sessions exist.
        Online = "online",
        /// Unblocked, waiting for the customer's equipment.
        UnblockedWaiting = "unblocked_waiting",
        /// Cut everywhere, read back.
        Cut = "cut",
        /// On its way to the devices.
        Pending = "pending",
        /// Decided, and not true on a device: observing, held, refused.
        NotApplied = "not_applied",
        /// Cannot be known; a person should look.
        Unknown = "unknown",
        /// The service has no attachment.
        NoAttachment = "no_attachment",
    }
}

/// What must be true of a point.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Desired {
    /// Status.
    pub status: DesiredStatus,
    /// Grows on each restored backup.
    pub timeline: i64,
    /// Grows with each change.
    pub generation: i64,
    /// Bits per second to the subscriber; 0 = not managed.
    pub download_bps: i64,
    /// Bits per second from the subscriber; 0 = not managed.
    pub upload_bps: i64,
}

/// The subscriber's session at a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ObservedSession {
    /// Whether there is one.
    pub present: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Its address.
    #[schema(example = "10.20.0.17")]
    pub address: String,
    /// MAC address of the caller.
    #[schema(example = "02:00:5E:10:00:17")]
    pub caller_id: String,
}

/// What was read back at a point.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Observed {
    /// Status.
    pub status: ObservedStatus,
    /// What became of the desired state.
    pub outcome: Outcome,
    /// The desired state answered.
    pub timeline: i64,
    /// The desired state answered.
    pub generation: i64,
    /// The device's own words, or the reason of a hold.
    #[schema(example = "")]
    pub detail: String,
    /// When it was read.
    pub read_at: Timestamp,
    /// When a change of ours last took effect.
    pub applied_at: Option<Timestamp>,
    /// When the cut last took effect.
    pub cut_at: Option<Timestamp>,
    /// When the subscriber was last unblocked.
    pub unblocked_at: Option<Timestamp>,
    /// When the session after it was seen.
    pub session_seen_at: Option<Timestamp>,
    /// The session.
    pub session: ObservedSession,
}

/// One (device, method) at which an attachment is enforced.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Point {
    /// Which.
    pub id: PointId,
    /// Where.
    pub device_id: DeviceId,
    /// Its name.
    #[schema(example = "Torre norte")]
    pub device_name: String,
    /// Whether it may be changed.
    pub device_mode: DeviceMode,
    /// What must be true.
    pub desired: Desired,
    /// What was read back; none before the first report.
    pub observed: Option<Observed>,
    /// Where it stands.
    pub state: PointState,
    /// Why a cut waits: `brake`, `timeline`, `offline`, `open`, `not_yet`, `disk`, `expired`.
    pub held_reason: Option<String>,
    /// A person holds it open until then.
    pub hold_open_until: Option<Timestamp>,
    /// How the attachment reaches the network; decides whether there are sessions to be seen.
    #[serde(skip)]
    pub kind: AttachmentKind,
}

/// State of a service on the network.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ServiceNetwork {
    /// In one word.
    pub state: NetworkState,
    /// Points at which it is enforced.
    pub points_total: i64,
    /// Points read back as desired.
    pub points_applied: i64,
    /// When the last of them was unblocked.
    pub unblocked_at: Option<Timestamp>,
    /// When its session was seen after that.
    pub session_seen_at: Option<Timestamp>,
    /// When the cut took effect.
    pub cut_at: Option<Timestamp>,
    /// What keeps it from being applied, in the device's own words.
    #[schema(example = "")]
    pub detail: String,
}

/// Whom a point serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointOwner {
    /// Attachment.
    pub attachment_id: AttachmentId,
    /// Service.
    pub service_id: ServiceId,
    /// Customer.
    pub customer_id: CustomerId,
}

/// How the subscriber reaches the network, as an agent needs it.
#[derive(Debug, Clone)]
pub enum DesiredAccess {
    /// A PPP secret.
    Pppoe {
        /// Name of the secret.
        user: String,
        /// None = leave the password that is there.
        password: Option<SecretText>,
        /// Profile at full service.
        profile: String,
        /// Fixed address; empty = the profile's pool.
        address: String,
    },
    /// A fixed address.
    Static {
        /// Address or prefix.
        address: String,
    },
}

/// A point's desired state, as an agent gets it.
#[derive(Debug, Clone)]
pub struct DesiredPoint {
    /// Which.
    pub id: PointId,
    /// Where.
    pub device_id: DeviceId,
    /// Status, speed and order.
    pub desired: Desired,
    /// How.
    pub access: DesiredAccess,
    /// The first application of a cut may not come after this.
    pub not_after: Option<Timestamp>,
    /// A technician holds it open until then.
    pub hold_open_until: Option<Timestamp>,
    /// A person released this very cut.
    pub released: bool,
    /// Whether it was decided before a backup was restored and waits for a person.
    pub before_restore: bool,
    /// Before-image of fields that we do not manage.
    pub restore: Vec<Field>,
    /// Why, for people.
    pub reason: String,
}

/// What an agent read back, as an answer to one desired state.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Point.
    pub point_id: PointId,
    /// The desired state answered.
    pub timeline: i64,
    /// The desired state answered.
    pub generation: i64,
    /// Status.
    pub status: ObservedStatus,
    /// What became of it.
    pub outcome: Outcome,
    /// The device's own words.
    pub detail: String,
    /// Whether it differs though it was applied before.
    pub drift: bool,
    /// The session.
    pub session: ObservedSession,
    /// When it was read.
    pub read_at: Timestamp,
    /// When a change of ours took effect; none in this report.
    pub applied_at: Option<Timestamp>,
    /// The row before our change, secrets left out.
    pub before: Vec<Field>,
}
