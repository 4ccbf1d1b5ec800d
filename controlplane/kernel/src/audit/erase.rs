//! Taking a person's values out of a trail. What stays is that something was done, when, on which id, and the hashes: the
//! chain holds without the values.

use super::{chain, trail::Trail};
use crate::{Error, db::TenantTx};

/// Erases states and reasons of the rows about some things, such as a customer and their services: 5,000 at most, for SQLite binds
/// no more. Rows changed. The caller records it.
///
/// # Errors
/// The database's.
pub async fn erase_content(tx: &mut TenantTx, entity_ids: &[String]) -> Result<u64, Error> {
    const SET: &str = "before_state = NULL, after_state = NULL, reason = NULL, content_salt = NULL";
    erase(tx, SET, "entity_id", entity_ids).await
}

/// Erases the name of an actor, such as a former employee; rows changed. Their id stays. The caller records it.
///
/// # Errors
/// The database's.
pub async fn erase_actor(tx: &mut TenantTx, actor_id: &str) -> Result<u64, Error> {
    erase(tx, "actor_name = '', actor_salt = NULL", "actor_id", &[actor_id.to_owned()]).await
}

async fn erase(
    tx: &mut TenantTx,
    set: &'static str,
    whose: &'static str,
    ids: &[String],
) -> Result<u64, Error> {
    let (trail, now) = (Trail::of_tenant(tx.tenant()), tx.runtime().clock.now());
    // Not while a row is being sealed with the values that go away.
    trail.head_lock(tx, &chain::START, now).await?;
    Ok(trail.erase(tx, set, whose, ids).await?)
}
