use atalaya_kernel::{ids::RoleId, text_column, text_enum, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};
use utoipa::{PartialSchema, ToSchema};

text_enum! {
    /// The roles that every tenant has.
    pub enum Role {
        /// Everything.
        Owner = "owner",
        /// Everything but making owners.
        Admin = "admin",
        /// Customers, invoices, payments, collections.
        BillingClerk = "billing_clerk",
        /// Takes payments at the counter.
        Cashier = "cashier",
        /// Devices, agents, services; no money.
        NocOperator = "noc_operator",
        /// Sites, devices and customers of the day's work.
        Technician = "technician",
        /// Answers customers: sees what they have and owe, reconnects, changes their data.
        Support = "support",
        /// A reseller: sees, makes and serves customers.
        Partner = "partner",
        /// Sees, changes nothing.
        ReadOnly = "read_only",
    }
}

/// A role, built in or the tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKey {
    /// One that every tenant has.
    BuiltIn(Role),
    /// One that the tenant made.
    Own(RoleId),
}

impl From<Role> for RoleKey {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}
impl fmt::Display for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => role.fmt(f),
            Self::Own(id) => id.fmt(f),
        }
    }
}
impl FromStr for RoleKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Own(id));
        }
        text.parse().map(Self::BuiltIn)
    }
}
text_column!(RoleKey);

impl PartialSchema for RoleKey {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("Name of a built-in role, or id (`rol_…`) of one that the ISP made."))
            .examples(["technician"])
            .into()
    }
}
impl ToSchema for RoleKey {}

/// Several roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct RoleList(pub Vec<RoleKey>);

impl RoleList {
    /// As it is kept: words separated by commas.
    pub(crate) fn to_column(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}
impl TryFrom<String> for RoleList {
    type Error = UnknownRole;
    fn try_from(text: String) -> Result<Self, UnknownRole> {
        let words = text.split(',').filter(|word| !word.is_empty());
        words.map(str::parse).collect::<Result<_, _>>().map(Self).map_err(UnknownRole)
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownRole(String);

/// What a role allows and denies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Whether it allows every right there is.
    pub everything: bool,
    /// Rights that it allows.
    pub allow: BTreeSet<String>,
    /// Rights that it denies, whatever other roles allow.
    pub deny: BTreeSet<String>,
}

/// A role as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffRole {
    /// Which.
    pub id: RoleKey,
    /// The word of a built-in role; null for the ISP's own.
    pub built_in: Option<Role>,
    /// Name; of a built-in role its word, which people read translated.
    #[schema(example = "Night shift")]
    pub name: String,
    /// What it is for.
    #[schema(example = "Answers the phone at night")]
    pub description: String,
    /// Names of rights that it allows; `*` for every one.
    #[schema(example = json!(["customer.read", "service.reconnect"]))]
    pub allow: BTreeSet<String>,
    /// Names of rights that it denies, whatever other roles allow.
    #[schema(example = json!(["invoice.void"]))]
    pub deny: BTreeSet<String>,
    /// How many users have it.
    pub users: i64,
    /// Grows with each change; 0 for a built-in role, which is never changed.
    pub version: i64,
    /// When made; null for a built-in role.
    pub created_at: Option<Timestamp>,
    /// When last changed; null for a built-in role.
    pub updated_at: Option<Timestamp>,
}

/// A role to be made.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Name, unique within the tenant.
    #[schema(example = "Night shift")]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// A role whose rights are taken where none are given here.
    pub copy_of: Option<RoleKey>,
    /// Names of rights that it allows.
    #[schema(example = json!(["customer.read", "service.reconnect"]))]
    pub allow: Option<BTreeSet<String>>,
    /// Names of rights that it denies, whatever other roles allow.
    pub deny: Option<BTreeSet<String>>,
}

/// What to change of a role; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// Name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Names of rights that it allows.
    pub allow: Option<BTreeSet<String>>,
    /// Names of rights that it denies.
    pub deny: Option<BTreeSet<String>>,
}
