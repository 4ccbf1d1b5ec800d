//! From what was decided about a service to what must be true at its points, and from what was read back there to what
//! people see.
//!
//! Words: the *desired* state of a point is ordered by (timeline, generation); a *hold* is a cut that is decided and
//! waits for a person; to *release* is to let such a cut pass. *Observed* is what an agent read back, as an answer to one
//! desired state.
//!
//! Invariants:
//! - [`service_sync`] reads the service as it is and writes desired state where it differs. Subscribers, the periodic
//!   reconcile and use cases all go through it, so that order, loss and repetition of events change nothing.
//! - Only a service that is suspended or ended now can be cut by it; one that is active is never held back.
//! - A cut that no person asked for counts against the site's brake and the ISP's; beyond either the cut is held and the
//!   subscriber stays online.
//! - Generations grow over the whole tenant under one row's lock. An agent that holds a higher order than was ever given
//!   out here shows that this database is an older copy: the timeline is raised, and every cut waits for a person.
//!
//! It must never derive a cut from an event's payload, and never call a cut done that was not read back.

pub mod events;
mod given_up;
mod held;
pub mod http;
mod model;
mod observed;
mod pushes;
mod reconcile;
mod rules;
mod store;
mod sync;
mod timeline;

pub use held::{HeldCut, HeldCuts, Released, held_cuts_list, held_cuts_release, hold_open};
pub use model::{
    AttachmentKind, Desired, DesiredAccess, DesiredPoint, DesiredStatus, HoldReason, NetworkState,
    Observation, Observed, ObservedSession, ObservedStatus, Outcome, Point, PointOwner, PointState,
    ServiceNetwork,
};
pub use observed::observed_record;
pub use pushes::{DesiredSet, desired_since};
pub use reconcile::{Reconciler, ServiceFollower, reconcile_tenant};
pub use sync::service_sync;
pub(crate) use sync::{let_go_tell, points_let_go};
pub use timeline::{Held, Position, timeline_check, timeline_raise};

pub(crate) use given_up::{access_release, access_take_over};
pub(crate) use store::{
    NewPoint, forgotten_points_drop, point_insert, points_by_access, points_of_attachments,
    points_of_devices, points_owners,
};
pub(crate) use timeline::points_restamp;

use atalaya_kernel::{
    Error, Permission,
    db::TenantTx,
    ids::{CustomerId, DeviceId, PointId, ServiceId},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// Release cuts that were held: the right to cut.
pub const RELEASE: Permission = atalaya_money::services::SUSPEND;
/// Hold a service open for some hours: the right to reconnect.
pub const HOLD_OPEN: Permission = atalaya_money::services::RECONNECT;

/// State on the network of services, folded over their points; every id asked for is in the answer.
///
/// # Errors
/// The database's.
pub async fn network_state_of(
    tx: &mut TenantTx,
    ids: &[ServiceId],
) -> Result<BTreeMap<ServiceId, ServiceNetwork>, Error> {
    let mut points: BTreeMap<ServiceId, Vec<Point>> = ids.iter().map(|id| (id.clone(), Vec::new())).collect();
    for row in store::points_of_services(tx, ids).await? {
        if let Some(of_service) = points.get_mut(&row.service_id) {
            of_service.push(row.shown());
        }
    }
    Ok(points.into_iter().map(|(id, points)| (id, rules::fold(&points))).collect())
}

/// A point as it is ordered now, for comparisons with what its device says.
#[derive(Debug, Clone)]
pub(crate) struct PointNow {
    pub(crate) id: PointId,
    pub(crate) service_id: ServiceId,
    pub(crate) customer_id: CustomerId,
    pub(crate) kind: AttachmentKind,
    pub(crate) user: String,
    pub(crate) address: String,
    /// Profile at full service.
    pub(crate) profile: String,
    pub(crate) status: DesiredStatus,
    /// Its cut waits: for a person, or because the agent says so.
    pub(crate) is_held: bool,
    pub(crate) hold_open_until: Option<Timestamp>,
    /// When it was ordered last.
    pub(crate) changed_at: Timestamp,
}

/// Points of a device that its agent was told of, for whoever has found the device.
pub(crate) async fn points_of_device(tx: &mut TenantTx, device: &DeviceId) -> Result<Vec<PointNow>, Error> {
    let rows = store::points_on_device(tx, device).await?;
    let told = rows.into_iter().filter(|row| row.generation > 0);
    let point = |row: store::PointRow| {
        let order = (row.timeline, row.generation);
        let waits = row.observed().is_some_and(|observed| {
            (observed.timeline, observed.generation) >= order
                && (observed.outcome.is_held() || observed.outcome == Outcome::Expired)
        });
        PointNow {
            is_held: row.hold_reason.is_some() || waits,
            id: row.id,
            service_id: row.service_id,
            customer_id: row.customer_id,
            kind: row.kind,
            user: row.access_user.unwrap_or_default(),
            address: row.address.unwrap_or_default(),
            profile: row.profile,
            status: row.status,
            hold_open_until: row.hold_open_until,
            changed_at: row.changed_at,
        }
    };
    Ok(told.map(point).collect())
}

/// Services with a point whose desired state was not read back, for the home page.
///
/// # Errors
/// The database's.
pub async fn services_not_applied(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(store::services_not_applied(tx).await?)
}
