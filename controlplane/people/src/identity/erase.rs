//! The end of what is held of somebody of the staff, and who could agree to such a thing.

use super::{User, store};
use crate::access::{self, AccessScope};
use atalaya_kernel::{Ctx, Error, Permission, db::TenantTx, ids::UserId};

/// Takes everything personal out of a user's own row, for the erasure of all that is held of them; their id stands for the name from
/// then on, and nobody logs in as them. Done twice it changes nothing. Without a permission, and without a row in the trail: the
/// erasure has one.
///
/// # Errors
/// Not found, or the database's.
pub async fn user_erase(ctx: &Ctx, tx: &mut TenantTx, id: &UserId) -> Result<(), Error> {
    let before = store::user_get(tx, id).await?;
    if before.erased_at.is_some() {
        return Ok(());
    }
    let after = User {
        name: id.to_string(),
        // `.invalid` is nobody's (RFC 2606 §2), and an e-mail is unique within the tenant.
        email: format!("{id}@erased.invalid"),
        disabled: true,
        version: before.version + 1,
        updated_at: ctx.now(),
        erased_at: Some(ctx.now()),
        ..before
    };
    Ok(store::user_empty(tx, &after).await?)
}

/// Whether somebody other than the caller could agree, as a second person, to what asks for these rights: not disabled, seeing the whole
/// ISP, and holding all of them.
///
/// # Errors
/// The database's.
pub async fn another_may(ctx: &Ctx, tx: &mut TenantTx, rights: &[Permission]) -> Result<bool, Error> {
    let (_, caller, _) = ctx.principal().parts();
    Ok(who_may(tx, rights).await?.iter().any(|user| user.as_str() != caller))
}

/// Who of the staff could do what asks for these rights of the whole ISP: not disabled, seeing all of it, and holding each.
pub(crate) async fn who_may(tx: &mut TenantTx, rights: &[Permission]) -> Result<Vec<UserId>, Error> {
    let mut found = Vec::new();
    for user in store::users_enabled(tx).await? {
        if user.scope != AccessScope::All {
            continue;
        }
        let held = access::rights_of(tx, &user.roles).await?;
        if rights.iter().all(|right| held.allow(*right)) {
            found.push(user.id);
        }
    }
    Ok(found)
}
