use crate::devices::DeviceConfig;
use atalaya_kernel::{
    ids::{DeviceId, JobId},
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What is ordered.
    pub enum JobKind {
        /// Try to reach a device, stage by stage; changes nothing.
        TestConnection = "test_connection",
        /// Read a device and say what enforcing would do.
        PlanDevice = "plan_device",
        /// Compare desired and observed now.
        SweepDevice = "sweep_device",
    }
}

text_enum! {
    /// Where a job stands.
    pub enum JobStatus {
        /// No answer yet.
        Waiting = "waiting",
        /// Answered.
        Done = "done",
        /// The agent could not do it.
        Failed = "failed",
        /// No answer in time.
        TimedOut = "timed_out",
    }
}

text_enum! {
    /// Result of one stage.
    pub enum CheckStatus {
        /// As it should be.
        Passed = "passed",
        /// Works, with a weakness.
        Warning = "warning",
        /// Does not work.
        Failed = "failed",
        /// Could not be tried, because an earlier stage failed.
        Skipped = "skipped",
    }
}

/// An order, as the agent gets it. Holds credentials: it is sealed wherever it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobOrder {
    /// Try to reach this device.
    TestConnection {
        /// As it would be configured.
        device: Box<DeviceConfig>,
    },
    /// Read a device and plan.
    PlanDevice {
        /// Which.
        device_id: DeviceId,
    },
    /// Compare now.
    SweepDevice {
        /// Which.
        device_id: DeviceId,
    },
}

impl JobOrder {
    /// Its kind.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::TestConnection { .. } => JobKind::TestConnection,
            Self::PlanDevice { .. } => JobKind::PlanDevice,
            Self::SweepDevice { .. } => JobKind::SweepDevice,
        }
    }
    /// The device it is about, when that one is configured.
    pub fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::TestConnection { .. } => None,
            Self::PlanDevice { device_id } | Self::SweepDevice { device_id } => Some(device_id),
        }
    }
}

/// A job that its agent has not answered.
#[derive(Debug, Clone)]
pub struct PendingJob {
    /// Which.
    pub id: JobId,
    /// Not started after this.
    pub deadline_at: Timestamp,
    /// What to do.
    pub order: JobOrder,
}

/// What an agent found, for whoever says it in another language than that of the sentence beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Stable word: `unreachable`, `timeout`, `refused`, `rule_missing`, …
    #[schema(example = "refused")]
    pub code: String,
    /// Values of the sentence, by name; the device's own words are `words`.
    pub facts: Vec<Field>,
}

impl Finding {
    /// A finding without values.
    pub fn bare(code: &str) -> Self {
        Self { code: code.to_owned(), facts: Vec::new() }
    }
}

/// One stage of a connection test, or one check whether a cut can bite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Stable word: `ping`, `port`, `tls`, `login`, `rights`, `secrets`, `cut_profile`, …
    #[schema(example = "login")]
    pub code: String,
    /// Result.
    pub status: CheckStatus,
    /// What was found, in the device's own words where it has some.
    #[schema(example = "RouterOS 7.16.2")]
    pub detail: String,
    /// Exact lines to paste on the device; empty when none.
    #[schema(example = "")]
    pub remedy: String,
    /// What `detail` says; none from an older agent.
    #[serde(default)]
    pub finding: Option<Finding>,
}

/// What a connection test found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReport {
    /// Stages in order.
    pub stages: Vec<Check>,
    /// Hardware model.
    pub model: String,
    /// Software version.
    pub version: String,
    /// The name its operator gave it.
    pub identity: String,
}

/// A named value of a device's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Field {
    /// Attribute.
    #[schema(example = "profile")]
    pub name: String,
    /// Its value; secrets are left out.
    #[schema(example = "cut")]
    pub value: String,
}

/// What enforcing would do at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// `enp_…`
    pub point_id: String,
    /// `cut`, `reconnect`, `speed`, `create`, `terminate`.
    pub action: String,
    /// Row before.
    pub before: Vec<Field>,
    /// Row after.
    pub after: Vec<Field>,
}

/// What an agent read on a device, and what enforcing would change there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePlan {
    /// When it was read.
    pub read_at: Timestamp,
    /// Whether cuts can bite.
    pub checks: Vec<Check>,
    /// What would be done.
    pub changes: Vec<PlannedChange>,
    /// Points already as desired.
    pub in_place: i64,
    /// Rows that belong to no point of ours.
    pub foreign_rows: i64,
}

/// An agent's answer.
#[derive(Debug, Clone)]
pub struct JobOutcome {
    /// Done or failed.
    pub status: JobStatus,
    /// Why not, as a sentence.
    pub detail: String,
    /// What `detail` says; none when there is nothing to say, or from an older agent.
    pub finding: Option<Finding>,
    /// What a connection test found.
    pub connection: Option<ConnectionReport>,
    /// What a plan says.
    pub plan: Option<DevicePlan>,
}
