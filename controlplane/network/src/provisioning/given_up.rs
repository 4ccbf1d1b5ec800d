//! Users and addresses of points that have ended, given up: to someone else, or because a person says so.
//!
//! The end of a service leaves its fixed address cut, for most routers forward what nothing forbids; and a secret that is
//! not ours is cut and left. Until then nobody else can have them on that device.

use super::{
    AttachmentKind, DesiredStatus, Outcome,
    store::{self, PointRow},
};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{AttachmentId, DeviceId},
};

/// Lets a new attachment have a user or an address of points that have ended. A PPP secret that its end will remove is
/// waited for: the new one gets a secret of its own.
///
/// # Errors
/// The database's.
pub(crate) async fn access_take_over(
    ctx: &Ctx,
    tx: &mut TenantTx,
    devices: &[DeviceId],
    access_key: &str,
) -> Result<(), Error> {
    let mut rows = store::points_ended_with(tx, devices, access_key).await?;
    rows.retain(stays_cut);
    give_up(ctx, tx, &rows).await
}

/// Gives up what the ended points of an attachment still have; whether there was anything.
///
/// # Errors
/// The database's.
pub(crate) async fn access_release(ctx: &Ctx, tx: &mut TenantTx, id: &AttachmentId) -> Result<bool, Error> {
    let mut rows = store::points_of_attachments(tx, std::slice::from_ref(id)).await?;
    // Not before the cut was read back: freed earlier, it would never be made.
    rows.retain(|row| row.access_key.is_some() && stays_cut(row) && is_answered(row));
    give_up(ctx, tx, &rows).await?;
    Ok(!rows.is_empty())
}

/// Whether something of an ended point stays on its device: an address, or a row that is not ours to remove.
fn stays_cut(row: &PointRow) -> bool {
    row.status == DesiredStatus::Terminated
        && (row.kind == AttachmentKind::Static
            || (row.o_outcome == Some(Outcome::Partly) && is_answered(row)))
}

/// Whether what was observed is what became of this order, not of an older one.
fn is_answered(row: &PointRow) -> bool {
    (row.o_timeline, row.o_generation) >= (Some(row.timeline), Some(row.generation))
}

/// Tells the agents so, by a desired state of its own.
async fn give_up(ctx: &Ctx, tx: &mut TenantTx, rows: &[PointRow]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut order = store::order_lock(tx).await?;
    for row in rows {
        order.generation += 1;
        let mut after = row.clone();
        (after.timeline, after.generation) = (order.timeline, order.generation);
        // A person's order, and no new cut: neither the brake nor the time by which the cut had to come is meant.
        (after.released, after.not_after) = (true, None);
        store::point_give_up(tx, &row.id).await?;
        store::point_desire(tx, &after, ctx.now()).await?;
    }
    store::generation_set(tx, order.generation).await?;
    tx.ring();
    Ok(())
}
