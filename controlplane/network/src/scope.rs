//! The scope of a principal, as a piece of a statement.

use atalaya_kernel::{Scope, db::Query};

/// Adds a condition on a site's column: `before` opens it, `after` closes it (`" AND d.site_id IN "`, `""`). A partner's
/// and a customer's scope see no equipment at all.
pub(crate) fn within_sites(query: Query, scope: &Scope, before: &'static str, after: &'static str) -> Query {
    match scope {
        Scope::All => query,
        Scope::Sites(sites) => query.push(before).push_list(sites).push(after),
        Scope::Partner(_) | Scope::Customer(_) => query.push(" AND 1 = 0"),
    }
}

/// Whether equipment of a site may be seen.
pub(crate) fn sees_site(scope: &Scope, site: &atalaya_kernel::ids::SiteId) -> bool {
    match scope {
        Scope::All => true,
        Scope::Sites(sites) => sites.contains(site),
        Scope::Partner(_) | Scope::Customer(_) => false,
    }
}
