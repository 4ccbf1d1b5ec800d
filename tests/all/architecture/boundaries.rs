//! What may stand in which file.

use super::{
    checked_in,
    sources::{Source, programs},
};

/// The domains: they have tables. The server has none.
const DOMAINS: &[&str] = &[
    "controlplane/places/",
    "controlplane/people/",
    "controlplane/money/",
    "controlplane/network/",
    "controlplane/operations/",
];

fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n{found:#?}");
}

/// Whether the text is a statement to a database.
fn is_statement(text: &str) -> bool {
    let words: Vec<_> = text.split_whitespace().take(3).collect();
    match words.as_slice() {
        ["SELECT" | "WITH" | "DELETE" | "INSERT", _, ..] => true,
        ["UPDATE", table, "SET"] => table.contains('_'),
        _ => false,
    }
}

#[test]
fn sql_stands_only_in_stores() {
    let mut found = Vec::new();
    for source in programs().filter(|source| !source.is_in(&["controlplane/kernel/"])) {
        let allowed = source.is_in(DOMAINS) && source.is_part("store");
        if allowed {
            continue;
        }
        let calls = source.uses("sql(").filter(|offset| {
            !source.code[..*offset].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        });
        let statements = source.strings.iter().filter(|s| is_statement(&s.text)).map(|s| s.offset);
        found.extend(calls.chain(statements).map(|offset| source.place(offset)));
    }
    found.sort();
    found.dedup();
    assert_none("SQL belongs in store.rs of its domain, or in the kernel", &found);
}

#[test]
fn axum_stands_only_in_http() {
    let mut found = Vec::new();
    for source in programs().filter(|source| !source.is_in(&["controlplane/server/"])) {
        // The facade of a domain merges its routers and names nothing else of the framework.
        let facade = source.path.ends_with("/src/lib.rs");
        for offset in source.uses("axum::") {
            let router = source.code[..offset].ends_with("utoipa_");
            if !(source.is_part("http") || facade && router) {
                found.push(source.place(offset));
            }
        }
    }
    assert_none("HTTP belongs in http.rs; a use case does not know who calls it", &found);
}

#[test]
fn the_wire_protocol_stands_only_at_the_two_ends() {
    const ENDS: &[&str] =
        &["agent/", "protocol/", "controlplane/server/src/gateway/", "controlplane/server/src/adapters/"];
    let outside = programs().filter(|source| !source.is_in(ENDS));
    let found: Vec<_> = outside
        .flat_map(|source| source.uses("atalaya_protocol").map(|offset| source.place(offset)))
        .collect();
    assert_none("messages are mapped to domain calls at the gateway; no domain knows them", &found);
}

#[test]
fn vendor_protocols_stand_only_in_drivers() {
    /// Words of the RouterOS API, object identifiers of SNMP.
    const VENDOR: &[&str] =
        &["/ppp/", "/ip/firewall/", "/queue/simple/", "/interface/", "=.proplist=", "1.3.6.1."];
    // The first prints lines that a person pastes; nothing of ours sends them.
    const ALLOWED: &[&str] = &["controlplane/network/src/devices/routeros_script.rs", "agent/src/driver/"];
    let outside = programs().filter(|source| !source.is_in(ALLOWED));
    let found: Vec<_> = outside
        .flat_map(|source| {
            let words = source.strings.iter().filter(|s| VENDOR.iter().any(|word| s.text.contains(word)));
            words.map(|literal| source.place(literal.offset))
        })
        .collect();
    assert_none("what a device wants to hear is its driver's business", &found);
}

/// The function that a byte stands in.
fn function_at(source: &Source, offset: usize) -> &str {
    let before = &source.code[..offset];
    let name = before.rfind("fn ").map_or("", |at| &before[at + 3..]);
    name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

#[test]
fn who_sees_all_tenants_is_listed() {
    let mut found: Vec<_> = programs()
        .flat_map(|source| {
            let handles = source.uses(".platform()").chain(source.uses("PlatformDb::new"));
            handles.map(|offset| format!("{}::{}", source.path, function_at(source, offset)))
        })
        .collect();
    found.sort();
    found.dedup();
    checked_in::list(
        "tests/all/architecture/platform.txt",
        "who may reach beyond one tenant; each line is a place where a tenant's data could leak",
        &found,
    );
}
