use super::rules::{Bin, Candidate, Decision, Doubt, Draft, How, Intent, Meaning, Read, RowKind};
use atalaya_kernel::{
    ids::{AttachmentId, CustomerId, DeviceId, ImportId, ImportPatternId, PlanId, ServiceId, SiteId},
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// Where an import stands.
    pub enum ImportState {
        /// Its rows are being compared.
        Preparing = "preparing",
        /// People decide.
        Open = "open",
        /// What was decided is being carried out.
        Running = "running",
        /// What was made is being taken back.
        Undoing = "undoing",
        /// It was taken back, or another one followed.
        Closed = "closed",
    }
}

text_enum! {
    /// What became of a row.
    #[schema(as = ImportRowResult)]
    pub enum RowResult {
        /// Done.
        Made = "made",
        /// It could not be done.
        Failed = "failed",
    }
}

/// An import to begin, from the newest reading of the device.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// Site of services that are made; the device's when absent.
    pub site_id: Option<SiteId>,
}

/// The plan of services that are made from rows with a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportPlan)]
pub struct PlanOf {
    /// Profile of the row; empty for all that have no line of their own.
    #[schema(example = "100M")]
    pub profile: String,
    /// Plan.
    pub plan_id: PlanId,
}

/// What the rows of a group mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportAnswer)]
pub struct Answer {
    /// Key of the group.
    #[schema(example = "disabled/100M/cut")]
    pub group: String,
    /// What its rows mean.
    pub meaning: Meaning,
}

/// What to change of an import; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportChange {
    /// Answers, all of them.
    pub answers: Option<Vec<Answer>>,
    /// Plans by profile, all of them.
    pub plans: Option<Vec<PlanOf>>,
}

/// A decision about a row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportDecision)]
pub struct Decided {
    /// Which row.
    #[schema(example = "secrets/rquispe")]
    pub row: String,
    /// What becomes of it; none takes a decision back.
    pub decision: Option<Decision>,
    /// The service that it is, when accepted; the first candidate when neither is named.
    pub service_id: Option<ServiceId>,
    /// The customer who gets a service, when accepted.
    pub customer_id: Option<CustomerId>,
}

/// How many rows there are of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportTotals {
    /// All.
    pub rows: i64,
    /// Nothing is left to decide about whose they are.
    pub exact: i64,
    /// A person has to say yes.
    pub suggested: i64,
    /// Nobody here is like them.
    pub leftover: i64,
    /// They belong to other rows.
    pub companion: i64,
    /// Done.
    pub made: i64,
    /// Could not be done.
    pub failed: i64,
    /// Would attach a service that is there.
    pub attach: i64,
    /// Would make a service for a customer who is there.
    pub add_service: i64,
    /// Would make a customer with a service.
    pub make_customer: i64,
    /// Of those three: would be made cut.
    pub cut: i64,
    /// Of those three: have no plan yet, and would fail.
    pub without_plan: i64,
    /// Wait for a person.
    pub open: i64,
}

/// Rows that do not pass and are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportGroup {
    /// Key of the group.
    #[schema(example = "disabled/100M/cut")]
    pub key: String,
    /// How its rows are kept from passing.
    pub how: How,
    /// The profile or the list.
    #[schema(example = "100M")]
    pub what: String,
    /// What the comments say that it means.
    pub said: Option<Meaning>,
    /// What a person said that it means.
    pub meaning: Option<Meaning>,
    /// Rows.
    pub rows: i64,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Import {
    /// Which.
    pub id: ImportId,
    /// Of which device.
    pub device_id: DeviceId,
    /// Where it stands.
    pub state: ImportState,
    /// When the device was read.
    pub read_at: Timestamp,
    /// Site of services that are made.
    pub site_id: SiteId,
    /// Plans by profile.
    pub plans: Vec<PlanOf>,
    /// Rows that do not pass, and what they mean.
    pub groups: Vec<ImportGroup>,
    /// What there is and what would be done: the dry run.
    pub totals: ImportTotals,
    /// Grows with each change of answers and plans.
    pub version: i64,
    /// When begun.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

/// An import in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportSummary {
    /// Which.
    pub id: ImportId,
    /// Of which device.
    pub device_id: DeviceId,
    /// Where it stands.
    pub state: ImportState,
    /// When the device was read.
    pub read_at: Timestamp,
    /// When begun.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

/// A row of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportRow {
    /// Which.
    #[schema(example = "secrets/rquispe")]
    pub key: String,
    /// What sort of row.
    pub kind: RowKind,
    /// User.
    #[schema(example = "rquispe")]
    pub user: String,
    /// What somebody wrote beside it.
    #[schema(example = "Rosa Quispe 900000017 NAP 4")]
    pub comment: String,
    /// Address.
    #[schema(example = "10.30.0.17")]
    pub address: String,
    /// Equipment.
    #[schema(example = "AA:BB:CC:00:00:01")]
    pub mac: String,
    /// Profile.
    #[schema(example = "100M")]
    pub profile: String,
    /// Switched off by hand.
    pub disabled: bool,
    /// What is known of whose it is.
    pub bin: Bin,
    /// Whose it may be.
    pub candidates: Vec<Candidate>,
    /// Why a person should look twice.
    pub doubts: Vec<Doubt>,
    /// The row that it belongs to.
    #[schema(example = "leases/10.30.0.91")]
    pub companion_of: Option<String>,
    /// What a pattern read out of the comment.
    pub read: Option<Read>,
    /// Key of its group, when it does not pass.
    #[schema(example = "disabled/100M/cut")]
    pub group: Option<String>,
    /// What a person decided.
    pub decision: Option<Decision>,
    /// What would be done.
    pub intent: Intent,
    /// Whether it would be made cut.
    pub cut: bool,
    /// Who would be made.
    pub draft: Draft,
    /// What became of it.
    pub result: Option<RowResult>,
    /// Why it could not be done.
    #[schema(example = "this user or address is already attached on that device")]
    pub failure: Option<String>,
    /// Stable word of the failure.
    #[schema(example = "access_taken")]
    pub failure_code: Option<String>,
    /// Whom it is for.
    pub customer_id: Option<CustomerId>,
    /// Which service.
    pub service_id: Option<ServiceId>,
    /// How it is attached.
    pub attachment_id: Option<AttachmentId>,
}

/// Which rows of an import a list shows.
#[derive(Debug, Clone, Default)]
pub struct RowsWanted {
    /// Of this bin.
    pub bin: Option<Bin>,
    /// Of this group.
    pub group: Option<String>,
    /// With this result.
    pub result: Option<RowResult>,
    /// About which nobody decided and nothing was done.
    pub undecided: bool,
    /// With this in user, address, equipment or comment.
    pub text: Option<String>,
}

/// How the people of an ISP write who a row is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct ImportPattern {
    /// Which.
    pub id: ImportPatternId,
    /// As they write it.
    #[schema(example = "{name} {document} NAP {box}")]
    pub pattern: String,
    /// When it was saved.
    pub created_at: Timestamp,
}

/// A pattern to be saved.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewImportPattern)]
pub struct NewPattern {
    /// As people write it.
    #[schema(example = "{name} {document} NAP {box}")]
    pub pattern: String,
}
