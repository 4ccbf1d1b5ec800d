//! Desired state on its way to an agent.

use super::{
    AttachmentKind, DesiredAccess, DesiredPoint, HoldReason,
    store::{self, PointRow},
};
use crate::attachments;
use atalaya_kernel::{Ctx, Error, db::TenantTx, ids::AgentId, secrets::SecretText};

/// Points of an agent, and what it holds once it took them.
#[derive(Debug, Clone)]
pub struct DesiredSet {
    /// Timeline in force.
    pub timeline: i64,
    /// Highest generation among its points, or the one asked after.
    pub generation: i64,
    /// Whether these are all of its points: it forgets those that are not among them.
    pub is_whole: bool,
    /// Points changed after the generation asked for, or all of them.
    pub points: Vec<DesiredPoint>,
}

/// Points of an agent that changed after a generation; all of them for 0, and when one was let go since. Passwords are opened: seal
/// them to the agent.
///
/// # Errors
/// The database's.
pub async fn desired_since(ctx: &Ctx, agent: &AgentId, after: i64) -> Result<DesiredSet, Error> {
    let mut tx = ctx.begin_read().await?;
    let order = store::order_get(&mut tx).await?;
    // In this order: what is committed between the two reads is then in the second, and a point that was let go is never
    // passed over (generations commit one after the other).
    let mut rows = store::points_of_agent(&mut tx, agent, after).await?;
    let let_go = store::let_go_generation(&mut tx, agent, after).await?;
    let is_whole = after == 0 || let_go > after;
    if is_whole && after > 0 {
        rows = store::points_of_agent(&mut tx, agent, 0).await?;
    }
    let changed = rows.iter().map(|row| row.generation).max();
    let generation = if is_whole { changed.unwrap_or(0).max(let_go) } else { changed.unwrap_or(after) };
    let mut points = Vec::with_capacity(rows.len());
    for row in rows {
        points.push(point(&mut tx, row).await?);
    }
    Ok(DesiredSet { timeline: order.timeline, generation, is_whole, points })
}

async fn point(tx: &mut TenantTx, row: PointRow) -> Result<DesiredPoint, Error> {
    let desired = row.desired();
    let access = match row.kind {
        AttachmentKind::Pppoe => {
            let password = match &row.sealed_password {
                Some(sealed) => Some(password(tx, &row, sealed).await?),
                None => None,
            };
            DesiredAccess::Pppoe {
                user: row.access_user.unwrap_or_default(),
                password,
                profile: row.profile,
                address: row.address.unwrap_or_default(),
            }
        }
        AttachmentKind::Static => DesiredAccess::Static { address: row.address.unwrap_or_default() },
    };
    Ok(DesiredPoint {
        desired,
        access,
        not_after: row.not_after,
        hold_open_until: row.hold_open_until,
        released: row.released,
        adopt: row.adopt,
        // A user who is only detached keeps what stands on the router without our marker: it may not be theirs.
        address_free: row.access_key.is_none()
            || (row.kind == AttachmentKind::Pppoe && row.removed_at.is_some()),
        before_restore: row.hold_reason == Some(HoldReason::Timeline),
        restore: serde_json::from_str(&row.before_image).map_err(Error::internal)?,
        reason: row.reason,
        id: row.id,
        device_id: row.device_id,
    })
}

async fn password(tx: &mut TenantTx, row: &PointRow, sealed: &[u8]) -> Result<SecretText, Error> {
    let runtime = tx.runtime().clone();
    let context = attachments::password_context(&row.attachment_id);
    let plain = runtime.secrets.open(tx, &context, sealed).await?;
    let text = std::str::from_utf8(plain.expose()).map_err(Error::internal)?;
    Ok(SecretText::new(text.to_owned()))
}
