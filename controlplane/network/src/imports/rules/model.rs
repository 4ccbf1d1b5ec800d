use super::Read;
use atalaya_kernel::{
    ids::{CustomerId, PointId, ServiceId},
    text_enum,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What sort of row it is.
    #[schema(as = ImportRowKind)]
    pub enum RowKind {
        /// A PPP secret.
        Secret = "secret",
        /// A DHCP lease.
        Lease = "lease",
        /// A simple queue of one address.
        Queue = "queue",
        /// An entry of an address list.
        ListEntry = "list_entry",
    }
}

text_enum! {
    /// What is known of whose a row is.
    #[schema(as = ImportBin)]
    pub enum Bin {
        /// Nothing is left to decide.
        Exact = "exact",
        /// A person has to say yes.
        Suggested = "suggested",
        /// Nobody here is like it.
        Leftover = "leftover",
        /// It belongs to another row.
        Companion = "companion",
    }
}

text_enum! {
    /// What speaks for a candidate.
    #[schema(as = ImportReason)]
    pub enum Reason {
        /// The row carries the marker of a point of this service.
        Marker = "marker",
        /// The service is attached on this device by this user or address.
        Attached = "attached",
        /// The same user, letter by letter.
        User = "user",
        /// The same user but for upper and lower case, which a router tells apart.
        UserCase = "user_case",
        /// The same user but for dots, dashes and other signs.
        UserSpelling = "user_spelling",
        /// The same equipment.
        Mac = "mac",
        /// The same address.
        Address = "address",
        /// The comment has the customer's document.
        Document = "document",
        /// The comment has the customer's phone.
        Phone = "phone",
        /// The comment has a name like the customer's.
        Name = "name",
        /// The user is made of the customer's name.
        UserLikeName = "user_like_name",
    }
}

text_enum! {
    /// Why a person should look twice.
    #[schema(as = ImportDoubt)]
    pub enum Doubt {
        /// Another secret differs from this one by upper and lower case only.
        Twin = "twin",
        /// Two rows claim one service.
        Contended = "contended",
        /// Two services fit alike.
        Ambiguous = "ambiguous",
        /// It carries a marker of ours that no point has.
        StrangeMarker = "strange_marker",
    }
}

/// What a router has for one subscriber, in our words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// Names it among all rows of the listing.
    pub key: String,
    /// What sort of row.
    pub kind: RowKind,
    /// Name of the secret or the queue; empty for others.
    pub user: String,
    /// What somebody wrote beside it.
    pub comment: String,
    /// Fixed address; empty for none.
    pub address: String,
    /// Equipment that it is bound to, or that was seen last; empty for none.
    pub mac: String,
    /// PPP profile.
    pub profile: String,
    /// Address list that it is an entry of.
    pub list: String,
    /// Switched off by hand.
    pub disabled: bool,
}

/// A customer's service, or a customer without one, as rows are compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who.
    pub customer_id: CustomerId,
    /// Which service; none for a customer who has none.
    pub service_id: Option<ServiceId>,
    /// Name of the customer.
    pub name: String,
    /// Identity document.
    pub document: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// Users that it has on any device.
    pub users: Vec<String>,
    /// Fixed addresses and those of sessions seen.
    pub addresses: Vec<String>,
    /// Equipment seen.
    pub macs: Vec<String>,
    /// Its points on the device that was read.
    pub points: Vec<PointId>,
    /// Users by which it is attached on the device that was read.
    pub users_here: Vec<String>,
    /// Fixed addresses by which it is attached on the device that was read.
    pub addresses_here: Vec<String>,
}

/// Whose a row may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportCandidate)]
pub struct Candidate {
    /// Who.
    pub customer_id: CustomerId,
    /// Which service; none for a customer who has none yet.
    pub service_id: Option<ServiceId>,
    /// 1 to 99; 100 for what is exact.
    #[schema(example = 83)]
    pub score: i64,
    /// What speaks for it, strongest first.
    pub reasons: Vec<Reason>,
}

/// What was found out about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its bin.
    pub bin: Bin,
    /// One for an exact row, at most three for a suggested one, best first; none for others.
    pub candidates: Vec<Candidate>,
    /// Why a person should look twice.
    pub doubts: Vec<Doubt>,
    /// Key of the row that a companion belongs to.
    pub companion_of: Option<String>,
    /// What a pattern of the tenant read out of the comment.
    pub read: Option<Read>,
}
