//! What an ISP holds of a person, handed out to them: a copy of everything in ZIP files, made by a job, to be fetched for a week.
//!
//! - What is in it, the domains decide, table by table and column by column ([`atalaya_kernel::personal`]); the files that were left
//!   with the person's things come with it.
//! - Whoever may export sees all of it unmasked: the right asks for a proof of who one is each time, also to fetch, and each time
//!   leaves its row in the audit trail. For their own data everybody on the staff needs no right, but the proof.
//! - Its bytes are sealed as those of any file; after a week they are gone.

mod bundle;
pub mod http;
mod job;
mod readme;
mod service;

pub use job::{ExportJob, expire};
pub use service::{PartContent, export_get, export_request, exports_list, part_download};

use atalaya_kernel::{
    Ctx, Error, Permission, Principal,
    db::TenantTx,
    events::EventType,
    ids::UserId,
    personal::{self, Held, Person},
};
use atalaya_people::{customers, identity};

/// Get a copy of everything that is held of a customer.
pub const EXPORT_CUSTOMER: Permission = Permission::dangerous("customer.export");
/// Get a copy of everything that is held of a user.
pub const EXPORT_USER: Permission = Permission::dangerous("user.export");

pub(crate) const PERMISSIONS: [(Permission, &str); 2] = [
    (EXPORT_CUSTOMER, "Get a copy of everything that is held of a customer, nothing masked"),
    (EXPORT_USER, "Get a copy of everything that is held of a user"),
];

const REQUESTED: EventType = EventType {
    name: "data_export.requested",
    version: 1,
    public: false,
    doc: "A copy of what is held of a person was asked for. Payload: id, person_kind, person_id.",
};
const READY: EventType = EventType {
    name: "data_export.ready",
    version: 1,
    public: false,
    doc: "A copy of what is held of a person can be fetched. Payload: id, person_kind, person_id.",
};

pub(crate) const EVENTS: [EventType; 2] = [REQUESTED, READY];

/// What every domain holds of persons, in the order in which one leads to the next.
pub const HELD: &[&[Held]] =
    &[atalaya_people::HELD, atalaya_money::HELD, atalaya_network::HELD, personal::HELD];

/// Which right an export of a person asks for.
const fn right(person: &Person) -> Permission {
    match person {
        Person::Customer(_) => EXPORT_CUSTOMER,
        Person::User(_) => EXPORT_USER,
    }
}

/// Whether the caller is this user, and no program that acts for them.
fn is_own(ctx: &Ctx, user: &UserId) -> bool {
    matches!(ctx.principal(), Principal::User { id, .. } if id == user)
}

/// Whether the caller has what an export of a person asks for, proof aside.
fn may(ctx: &Ctx, person: &Person) -> bool {
    match person {
        Person::User(user) if is_own(ctx, user) => true,
        Person::User(_) => *ctx.scope() == atalaya_kernel::Scope::All && ctx.permissions().allow(EXPORT_USER),
        Person::Customer(_) => ctx.permissions().allow(EXPORT_CUSTOMER),
    }
}

/// Demands the right and the proof.
fn authorize(ctx: &Ctx, person: &Person) -> Result<(), Error> {
    match person {
        Person::User(user) if is_own(ctx, user) => ctx.demand_proof(),
        Person::User(_) => ctx.authorize_whole(EXPORT_USER),
        Person::Customer(_) => ctx.authorize(EXPORT_CUSTOMER),
    }
}

/// Demands that there is such a person, and that the caller may see them.
async fn seen(ctx: &Ctx, tx: &mut TenantTx, person: &Person) -> Result<(), Error> {
    match person {
        Person::Customer(id) => customers::customer_find(tx, id).await.map(drop),
        Person::User(id) => {
            let user = identity::user_row(tx, id).await?;
            if is_own(ctx, id) { Ok(()) } else { identity::may_change(ctx, tx, &user).await }
        }
    }
}
