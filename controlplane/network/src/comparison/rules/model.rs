use crate::{
    inventory::{ListingRow, RowTable},
    jobs::Field,
    provisioning::AttachmentKind,
};
use atalaya_kernel::{
    ids::{CustomerId, PointId, ServiceId},
    text_enum,
    time::Timestamp,
};
use std::collections::BTreeMap;

text_enum! {
    /// What is wrong.
    #[schema(as = ComparisonClass)]
    pub enum Class {
        /// Should pass, and is cut on the router.
        PaidButCut = "paid_but_cut",
        /// Should be cut, and passes on the router.
        CutButOnline = "cut_but_online",
        /// A row of the router that nobody here is attached by.
        UnknownToUs = "unknown_to_us",
        /// Attached here, and not on the router.
        NotInRouter = "not_in_router",
        /// Passes as it should, in another way than it should.
        Differs = "differs",
    }
}

text_enum! {
    /// Why nothing is known.
    #[schema(as = ComparisonNotKnown)]
    pub enum NotKnown {
        /// The router was not read within a week.
        NoListing = "no_listing",
        /// It was read longer ago than six hours.
        ListingOld = "listing_old",
        /// It only observes: what is there is nobody's order.
        Observes = "observes",
        /// The table in which it would stand was not read.
        NotListed = "not_listed",
        /// It was ordered while the router was read, or shortly before.
        Changing = "changing",
        /// A cut that waits for a person.
        Held = "held",
    }
}

/// What should be true of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Passes.
    Passes,
    /// Cut.
    Cut,
    /// Either: a cut that waits for a person.
    Held,
    /// No row of ours is left.
    Gone,
}

/// A point on the router that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Point.
    pub point_id: PointId,
    /// Its service.
    pub service_id: ServiceId,
    /// Its customer.
    pub customer_id: CustomerId,
    /// How it is attached.
    pub kind: AttachmentKind,
    /// User; empty for a fixed address.
    pub user: String,
    /// Fixed address; empty for none.
    pub address: String,
    /// Profile at full service; empty where none is ordered.
    pub profile: String,
    /// What should be true.
    pub expected: Expected,
    /// When that was ordered last.
    pub changed_at: Timestamp,
}

/// How the router cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutting<'c> {
    /// By this profile.
    pub profile: &'c str,
    /// By this address list.
    pub list: &'c str,
}

/// A reading of the router.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// When it was read.
    pub read_at: Timestamp,
    /// The tables that were read.
    pub tables: &'r [RowTable],
    /// Their rows.
    pub rows: &'r [ListingRow],
}

/// The router itself.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'s> {
    /// Whether we order there.
    pub enforces: bool,
    /// How it cuts.
    pub cutting: Cutting<'s>,
    /// Its newest complete reading; none where there is none.
    pub reading: Option<Reading<'s>>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub class: Class,
    /// Position of the subject whom it is about; none for a row that is nobody's.
    pub subject: Option<usize>,
    /// The row, as table and name; empty where there is none.
    pub row: String,
    /// What of the row says so.
    pub facts: Vec<Field>,
}

/// What a comparison of a router says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// What is wrong, in the order of the subjects, rows that are nobody's last.
    pub findings: Vec<Finding>,
    /// Points that are as they should be.
    pub in_order: i64,
    /// Points of which nothing is known, by reason. A reason that holds for the whole router stands here even where it has no points.
    pub not_known: BTreeMap<NotKnown, i64>,
}
