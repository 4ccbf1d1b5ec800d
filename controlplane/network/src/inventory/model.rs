use super::field;
use atalaya_kernel::{
    Permissions,
    ids::{DeviceId, ListingId, PointId},
    text_enum,
    time::Timestamp,
};
use atalaya_people::customers::{MASK, SEE_CONTACT};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

text_enum! {
    /// A table of a device.
    pub enum RowTable {
        /// PPP secrets.
        Secrets = "secrets",
        /// PPP sessions that are up.
        Sessions = "sessions",
        /// PPP profiles.
        Profiles = "profiles",
        /// DHCP leases.
        Leases = "leases",
        /// Simple queues.
        Queues = "queues",
        /// Entries of address lists.
        ListEntries = "list_entries",
        /// Address pools.
        Pools = "pools",
        /// PPPoE servers.
        Servers = "servers",
    }
}

text_enum! {
    /// Where a listing stands.
    pub enum ListingState {
        /// Parts are coming.
        Receiving = "receiving",
        /// All of it is here.
        Complete = "complete",
        /// It broke off.
        Failed = "failed",
        /// It is being forgotten.
        Stale = "stale",
    }
}

/// A row of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingRow {
    /// Which table.
    pub table: RowTable,
    /// Tells it from the other rows of its table.
    pub key: String,
    /// What the device says of it; words in [`field`].
    pub fields: BTreeMap<String, String>,
}

impl ListingRow {
    /// What a field says; nothing when it is not there.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }
    /// Whether a field says yes.
    pub fn flag(&self, field: &str) -> bool {
        self.text(field) == "true"
    }
}

/// The end of a listing, as its agent says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingEnd {
    /// Parts that there are.
    pub parts: i64,
    /// When the device was read.
    pub read_at: Timestamp,
    /// Whether every table was printed to its end.
    pub complete: bool,
    /// Why not, for people.
    pub detail: String,
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartTaken {
    /// Kept.
    Kept,
    /// It was kept before.
    Repeated,
    /// Nobody waits for it any more.
    NotWanted,
}

/// A reading of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listing {
    /// Which.
    pub id: ListingId,
    /// Of which device.
    pub device_id: DeviceId,
    /// Where it stands.
    pub state: ListingState,
    /// The tables that were asked for.
    pub tables: Vec<RowTable>,
    /// Rows of a complete one.
    pub rows: i64,
    /// When the device was read; none before the end.
    pub read_at: Option<Timestamp>,
    /// Why it failed.
    #[schema(example = "the agent did not go on")]
    pub detail: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// A row of a device's newest listing, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeviceRow {
    /// Table.
    pub table: RowTable,
    /// Tells it from the other rows of its table.
    #[schema(example = "rquispe")]
    pub key: String,
    /// What the device says of it. The comment is masked for whoever may not see phones.
    pub fields: BTreeMap<String, String>,
    /// The point that it is a row of; none for a row that is not ours.
    pub point_id: Option<PointId>,
}

impl DeviceRow {
    /// As somebody with these rights may see it: a comment often holds a name and a phone.
    #[must_use]
    pub(crate) fn masked_for(mut self, permissions: &Permissions) -> Self {
        if !permissions.allow(SEE_CONTACT)
            && let Some(comment) = self.fields.get_mut(field::COMMENT).filter(|comment| !comment.is_empty())
        {
            *comment = MASK.to_string().repeat(5);
        }
        self
    }
}
