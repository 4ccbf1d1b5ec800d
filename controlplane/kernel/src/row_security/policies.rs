//! Which policies a table wants, and the statements that make them.

use super::{
    Lack,
    catalogue::{Policy, Table, quoted},
};
use crate::db::reach;

/// What a platform transaction may do with a look-up's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// See them.
    Read,
    /// Change them too.
    Write,
}

/// A table whose rows a platform transaction sees beyond one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// Which.
    pub table: &'static str,
    /// How far.
    pub access: Access,
    /// Column that names the tenant.
    pub column: &'static str,
}

static LOOKUPS: &str = include_str!("../../../../migrations/lookups.txt");
const COLUMN: &str = "tenant_id";

/// The look-ups, as `migrations/lookups.txt` lists them. A line that is no look-up is left out, and then a test of the
/// list fails.
pub fn lookups() -> impl Iterator<Item = Lookup> {
    LOOKUPS.lines().filter_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let table = words.next()?;
        let access = match words.next()? {
            "read" => Access::Read,
            "write" => Access::Write,
            _ => return None,
        };
        Some(Lookup { table, access, column: words.next().unwrap_or(COLUMN) })
    })
}

/// A setting of the transaction, as PostgreSQL prints it back from its catalogue: what is there is compared with this.
fn setting(name: &str) -> String {
    format!("current_setting('{name}'::text, true)")
}

fn is_on(name: &str) -> String {
    format!("({} = 'on'::text)", setting(name))
}

/// The policies of a table; none for one that has no tenants.
fn wanted(table: &Table) -> Vec<Policy> {
    let lookup = lookups().find(|lookup| lookup.table == table.name);
    let Some(column) = lookup.map(|lookup| lookup.column).or(table.of_tenants.then_some(COLUMN)) else {
        return Vec::new();
    };
    let policy = |name: &str, command: &str, roles: &str, rows: String| Policy {
        table: table.name.clone(),
        name: name.to_owned(),
        permissive: true,
        command: command.to_owned(),
        roles: roles.to_owned(),
        rows,
        new_rows: String::new(),
    };
    let mut policies = vec![
        policy("atalaya_migration", "*", &table.owner, is_on(reach::MIGRATION)),
        policy("atalaya_tenant", "*", "", format!("({column} = {})", setting(reach::TENANT))),
    ];
    if let Some(lookup) = lookup {
        let command = if lookup.access == Access::Write { "*" } else { "r" };
        policies.push(policy("atalaya_platform", command, "", is_on(reach::PLATFORM)));
    }
    policies
}

/// What a table lacks, with the policies that it has. One of another name is taken away: it could let more through.
pub(super) fn lacking<'p>(table: &Table, present: impl Iterator<Item = &'p Policy>) -> Vec<Lack> {
    let wanted = wanted(table);
    if wanted.is_empty() {
        return Vec::new();
    }
    let name = quoted(&table.name);
    let mut statements = Vec::new();
    let present: Vec<_> = present.collect();
    for other in present.iter().filter(|policy| !wanted.contains(policy)) {
        statements.push(format!("DROP POLICY {} ON {name}", quoted(&other.name)));
    }
    for policy in wanted.iter().filter(|policy| !present.contains(policy)) {
        let command = if policy.command == "*" { "ALL" } else { "SELECT" };
        let roles = if policy.roles.is_empty() { "PUBLIC".to_owned() } else { quoted(&policy.roles) };
        statements.push(format!(
            "CREATE POLICY {} ON {name} FOR {command} TO {roles} USING {}",
            quoted(&policy.name),
            policy.rows
        ));
    }
    if !table.enabled {
        statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
    }
    if !table.forced {
        statements.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
    }
    statements.into_iter().map(|statement| Lack { table: table.name.clone(), statement }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table {
            name: name.to_owned(),
            owner: "owner".to_owned(),
            of_tenants: true,
            enabled: true,
            forced: true,
        }
    }

    #[test]
    fn every_line_of_the_list_is_a_lookup() {
        let lines = LOOKUPS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.count(), lookups().count());
        assert!(lookups().any(|lookup| lookup.column != COLUMN), "one names its tenant otherwise");
    }

    #[test]
    fn a_protected_table_lacks_nothing_and_a_foreign_policy_is_dropped() {
        for name in ["kernel_audit", "kernel_job", "kernel_event"] {
            let table = table(name);
            let present = wanted(&table);
            assert_eq!(lacking(&table, present.iter()), []);
            let open = Policy { name: "open".to_owned(), rows: "true".to_owned(), ..present[0].clone() };
            let found = lacking(&table, present.iter().chain([&open]));
            let [lack] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(lack.statement, format!("DROP POLICY \"open\" ON \"{name}\""));
        }
        let bare = Table { enabled: false, forced: false, ..table("kernel_new") };
        assert_eq!(lacking(&bare, std::iter::empty()).len(), 4, "two policies, enabled, forced");
        assert_eq!(lacking(&Table { of_tenants: false, ..bare }, std::iter::empty()), []);
    }
}
