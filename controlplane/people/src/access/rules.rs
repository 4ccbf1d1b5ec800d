//! What several roles come to, and who may give what. Pure.

use super::{Role, builtin, model::Rights};
use atalaya_kernel::{Error, Permissions};
use serde_json::json;
use std::collections::BTreeSet;

/// What somebody with these roles may do: what one allows and none denies.
pub fn effective<'r>(roles: impl IntoIterator<Item = &'r Rights> + Clone) -> Permissions {
    let deny: BTreeSet<String> =
        roles.clone().into_iter().flat_map(|role| role.deny.iter().cloned()).collect();
    if roles.clone().into_iter().any(|role| role.everything) {
        return if deny.is_empty() { Permissions::All } else { Permissions::AllBut(deny) };
    }
    let allow = roles.into_iter().flat_map(|role| &role.allow);
    Permissions::These(allow.filter(|name| !deny.contains(*name)).cloned().collect())
}

/// The rights of a built-in role alone.
pub fn permissions_of(role: Role) -> Permissions {
    effective([&builtin::rights(role)])
}

/// Of named rights, those that somebody holds now.
pub(crate) fn common(named: BTreeSet<String>, held: &Permissions) -> BTreeSet<String> {
    named.into_iter().filter(|name| held.cover(&Permissions::These(BTreeSet::from([name.clone()])))).collect()
}

/// Fails when somebody would give, or act on, more than they hold.
///
/// # Errors
/// `beyond_own_rights`, with the names of what is missing where they can be named.
pub fn beyond(held: &Permissions, wanted: &Permissions) -> Result<(), Error> {
    if held.cover(wanted) {
        return Ok(());
    }
    let missing: Vec<&String> = match wanted {
        Permissions::These(names) => names
            .iter()
            .filter(|name| !held.cover(&Permissions::These(BTreeSet::from([(*name).clone()]))))
            .collect(),
        Permissions::All | Permissions::AllBut(_) => Vec::new(),
    };
    let detail = "nobody gives rights that they do not hold, or changes somebody who holds more";
    Err(Error::conflict_with("beyond_own_rights", detail, [("permissions", json!(missing))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }
    fn rights(allow: &[&str], deny: &[&str]) -> Rights {
        Rights { everything: false, allow: names(allow), deny: names(deny) }
    }

    #[test]
    fn deny_wins_whatever_the_order() {
        let (one, other) = (rights(&["a.read", "a.write"], &[]), rights(&["b.read"], &["a.write"]));
        let wanted = Permissions::These(names(&["a.read", "b.read"]));
        assert_eq!(effective([&one, &other]), wanted);
        assert_eq!(effective([&other, &one]), wanted);
        let everything = builtin::rights(Role::Owner);
        assert_eq!(effective([&everything]), Permissions::All);
        assert_eq!(effective([&everything, &other]), Permissions::AllBut(names(&["a.write"])));
        assert_eq!(effective([]), Permissions::These(BTreeSet::new()), "no role, no right");
    }

    #[test]
    fn nobody_gives_more_than_they_hold() {
        let (owner, admin) = (permissions_of(Role::Owner), permissions_of(Role::Admin));
        let clerk = permissions_of(Role::BillingClerk);
        for (held, wanted, may) in [
            (&owner, &owner, true),
            (&owner, &admin, true),
            (&admin, &owner, false),
            (&admin, &admin, true),
            (&admin, &clerk, true),
            (&clerk, &admin, false),
            (&clerk, &clerk, true),
        ] {
            assert_eq!(beyond(held, wanted).is_ok(), may, "{held:?} {wanted:?}");
        }
        let Err(Error::Conflict { code: "beyond_own_rights", params, .. }) =
            beyond(&clerk, &Permissions::These(names(&["customer.read", "agent.revoke"])))
        else {
            unreachable!("a clerk revokes no agent")
        };
        assert_eq!(params["permissions"], json!(["agent.revoke"]));
    }
}
