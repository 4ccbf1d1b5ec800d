//! The menus that the router has: what their rows may hold and which verbs they know.
//!
//! A menu is data. What its rows *mean* (a session, a rule) stands in `ppp`, `firewall`, `dhcp`; what a
//! verb does to any table stands in `verbs`.

mod firewall;
mod hotspot;
mod interface;
mod ip;
mod ppp;
mod queue;
mod system;
mod user;

/// What an attribute accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything.
    Text,
    /// `yes`, `no`, `true`, `false`; shown as `true` or `false`.
    Bool,
    /// A whole number in this range.
    Number {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// One IP address, or an address with prefix length.
    Address,
    /// An IP address, a network, a range, or a DNS name (as address lists take).
    AddressSpec,
    /// `upload/download` or one rate for both, as in `10M/20M`; may be followed by burst values.
    RatePair,
    /// The name of a row of this menu.
    Reference(&'static str),
}

/// One attribute of a menu.
#[derive(Debug)]
pub(super) struct Attribute {
    /// Its name on the wire.
    pub(super) name: &'static str,
    /// What it accepts.
    pub(super) kind: Kind,
    /// Value of a new row that does not set it; `None` leaves it unset.
    pub(super) default: Option<&'static str>,
    /// Shown only to users with the policy `sensitive`.
    pub(super) sensitive: bool,
    /// Set by the router alone: a client that sets it gets `unknown parameter`.
    pub(super) read_only: bool,
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, default: None, sensitive: false, read_only: false }
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

const fn text(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Text)
}

const fn flag(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Bool).or("false")
}

const fn shown(name: &'static str) -> Attribute {
    text(name).read_only()
}

/// Rows that may not exist twice.
#[derive(Debug)]
pub(super) struct Unique {
    /// Attributes that together must differ.
    pub(super) attributes: &'static [&'static str],
    /// What the router says otherwise.
    pub(super) message: &'static str,
}

/// Which verbs a menu knows besides `print`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing: rows are read.
    Read,
    /// `remove` alone.
    Remove,
    /// `set`, `enable`, `disable`.
    Set,
    /// Everything.
    Full,
}

/// A menu.
#[derive(Debug)]
pub(super) struct Menu {
    /// Its path, as in `/ppp/secret`.
    pub(super) path: &'static str,
    /// The property that names a row (indexed); `.id` words may hold it when it is `name`.
    pub(super) key: &'static str,
    /// One row without `.id` instead of a list.
    pub(super) single: bool,
    /// Order of the rows has a meaning: `move` and `place-before` work.
    pub(super) ordered: bool,
    /// Rows show the flag `dynamic`.
    pub(super) shows_dynamic: bool,
    /// A client may change and remove dynamic rows too.
    pub(super) dynamic_writable: bool,
    /// Verbs.
    pub(super) access: Access,
    /// Attributes.
    pub(super) attributes: &'static [Attribute],
    /// Attributes that `add` demands.
    pub(super) required: &'static [&'static str],
    /// Properties computed at the time of reading.
    pub(super) live: &'static [&'static str],
    /// Rows that may not exist twice.
    pub(super) unique: Option<Unique>,
}

impl Menu {
    /// A list of rows named by `name`, with all verbs.
    const fn list(path: &'static str, attributes: &'static [Attribute]) -> Self {
        Self {
            path,
            key: "name",
            single: false,
            ordered: false,
            shows_dynamic: false,
            dynamic_writable: false,
            access: Access::Full,
            attributes,
            required: &[],
            live: &[],
            unique: None,
        }
    }

    /// A menu of one row.
    const fn single(path: &'static str, access: Access, attributes: &'static [Attribute]) -> Self {
        Self { single: true, access, ..Self::list(path, attributes) }
    }

    /// The attribute of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

/// All menus of the router.
pub(super) fn all() -> impl Iterator<Item = &'static Menu> {
    [
        system::MENUS,
        user::MENUS,
        interface::MENUS,
        ip::MENUS,
        ppp::MENUS,
        queue::MENUS,
        firewall::MENUS,
        hotspot::MENUS,
    ]
    .into_iter()
    .flatten()
}
