//! The end of what an ISP holds of a person: name, contact, papers, words and log-ins go; the books stay, which the law wants, and by
//! then nothing in them says who it was.
//!
//! - What becomes of each table, the domains say ([`atalaya_kernel::personal::Erased`]). A job carries it out, table by table: broken
//!   off, it goes on where it was; done twice, it changes nothing.
//! - A customer goes who is served no more, stands on no device and owes nothing; a user, who is disabled. Nobody erases themselves.
//! - It cannot be undone. So whoever decides it proves who they are, and where somebody else of the ISP could agree, somebody else
//!   must.
//! - Copies of the installation that were made before hold the person until they are removed.

pub mod http;
mod job;
mod service;

pub use job::ErasureJob;
pub use service::{Decided, ErasureAsked, erasure_ask, erasures_list};

use atalaya_kernel::{
    Ctx, Permission,
    events::EventType,
    personal::{self, Erased, Person},
};

/// Take everything personal out of what is held of a customer.
pub const ERASE_CUSTOMER: Permission = Permission::dangerous("customer.erase");
/// Take everything personal out of what is held of a user.
pub const ERASE_USER: Permission = Permission::dangerous("user.erase");

pub(crate) const PERMISSIONS: [(Permission, &str); 2] = [
    (ERASE_CUSTOMER, "Take everything personal out of what is held of a customer, for ever"),
    (ERASE_USER, "Take everything personal out of what is held of a disabled user, for ever"),
];

const STARTED: EventType = EventType {
    name: "data_erasure.started",
    version: 1,
    public: false,
    doc: "It was decided that a person's data is taken out. Payload: id, person_kind, person_id.",
};
const DONE: EventType = EventType {
    name: "data_erasure.done",
    version: 1,
    public: true,
    doc: "A person's data was taken out: whoever keeps a copy elsewhere takes it out there too. Payload: id, person_kind, person_id.",
};

pub(crate) const EVENTS: [EventType; 2] = [STARTED, DONE];

/// What becomes of what each domain holds, in the order in which one table leads to the next.
pub const ERASED: &[&[Erased]] =
    &[atalaya_people::ERASED, atalaya_money::ERASED, atalaya_network::ERASED, personal::ERASED];

/// Which right the erasure of a person asks for.
const fn right(person: &Person) -> Permission {
    match person {
        Person::Customer(_) => ERASE_CUSTOMER,
        Person::User(_) => ERASE_USER,
    }
}

/// Whether the caller may see the erasure of a person.
fn may_see(ctx: &Ctx, person: &Person) -> bool {
    *ctx.scope() == atalaya_kernel::Scope::All && ctx.permissions().allow(right(person))
}
