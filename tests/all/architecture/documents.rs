//! Documents made from the code: events, permissions, the API.

use super::{checked_in, sources::programs};
use atalaya_kernel::{Permissions, events::EventType};
use atalaya_people::access::{Role, permissions_of};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _};

fn events() -> Vec<(&'static str, Vec<EventType>)> {
    vec![
        ("places", atalaya_places::EVENTS.to_vec()),
        ("people", atalaya_people::EVENTS.concat()),
        ("money", atalaya_money::EVENTS.concat()),
        ("network", atalaya_network::EVENTS.to_vec()),
        ("operations", atalaya_operations::EVENTS.concat()),
    ]
}

const EVENTS_OPENING: &str = "# Events

An event is a fact, named `noun.verb_past`, written in the same transaction as the change that it tells of. Money's
events are decisions (`service.suspended`); the network's are effects that were read back from a device
(`attachment.cut`): \"you are online again\" follows the effect.

Who reads events: subscribers inside the control plane (at least once, in order for each entity), `GET /api/v1/events`
and the live stream `GET /api/v1/stream`. Only those marked *public* are meant for integrations. The version is that of
the payload's shape.

This page is generated from the `EVENTS` of the domains; do not edit it.
";

#[test]
fn events_doc() {
    let mut page = EVENTS_OPENING.to_owned();
    for (domain, mut events) in events() {
        events.sort_by_key(|event| event.name);
        write!(
            page,
            "\n## {domain}\n\n| event | version | public | when, and what it holds |\n|---|---|---|---|\n"
        )
        .expect("a string takes everything");
        for event in events {
            let public = if event.public { "yes" } else { "no" };
            let doc = event.doc.replace('|', "\\|");
            writeln!(page, "| `{}` | {} | {public} | {doc} |", event.name, event.version)
                .expect("a string takes everything");
        }
    }
    checked_in::document("docs/events.md", &page);
}

#[test]
fn events_are_named_once_and_explained() {
    let mut seen = BTreeSet::new();
    for event in events().into_iter().flat_map(|(_, events)| events) {
        assert!(seen.insert(event.name), "{} is published twice", event.name);
        let words: Vec<_> = event.name.split('.').collect();
        let word =
            |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(words.len() == 2 && words.iter().all(word), "{} is not noun.verb_past", event.name);
        assert!(event.version >= 1 && event.doc.ends_with('.'), "{} says nothing of itself", event.name);
    }
    // A type that is emitted but not in a list would be missing from the page.
    let mut unpublished = Vec::new();
    for source in programs().filter(|source| !source.path.starts_with("controlplane/kernel/")) {
        for offset in source.uses("EventType {") {
            let end = source.code[offset..].find('}').map_or(source.code.len(), |length| offset + length);
            let named = source.strings.iter().find(|s| (offset..end).contains(&s.offset));
            if let Some(name) = named.filter(|name| !seen.contains(name.text.as_str())) {
                unpublished.push(format!("{}: {}", source.place(offset), name.text));
            }
        }
    }
    assert!(unpublished.is_empty(), "not in the EVENTS of its domain: {unpublished:#?}");
}

#[test]
fn every_operation_of_the_api_names_a_permission() {
    let declared = atalaya_server::http::permissions();
    let names: BTreeSet<_> = declared.iter().map(|(permission, _)| permission.0).collect();
    assert_eq!(names.len(), declared.len(), "a permission is declared twice: {declared:#?}");
    for (permission, doc) in &declared {
        assert!(!doc.is_empty(), "{} says nothing of itself", permission.0);
    }
    let document =
        serde_json::to_value(atalaya_server::http::document()).expect("the document has a JSON form");
    let mut wrong = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("the document has paths") {
        for (method, operation) in operations.as_object().expect("a path has operations") {
            let permission = operation.get("x-permission").and_then(Value::as_str);
            match permission {
                Some("public" | "authenticated" | "platform") => {}
                Some(name) if names.contains(name) => {}
                other => wrong.push(format!("{method} {path}: {other:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "no permission, or one that no domain declares\n{wrong:#?}");
}

#[test]
fn a_role_holds_only_rights_that_somebody_asks_for() {
    let declared: BTreeSet<_> =
        atalaya_server::http::permissions().iter().map(|(permission, _)| permission.0).collect();
    for role in Role::ALL {
        let named = match permissions_of(*role) {
            Permissions::All => BTreeSet::new(),
            Permissions::AllBut(names) | Permissions::These(names) => names,
        };
        let unknown: Vec<_> = named.iter().filter(|name| !declared.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "{role:?} names {unknown:?}, which nothing asks for");
    }
}

#[test]
fn the_web_app_is_built_against_this_api() {
    let document = atalaya_server::http::document().to_pretty_json().expect("the document has a JSON form");
    checked_in::document("controlplane/web/openapi.json", &format!("{}\n", document.trim_end()));
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document =
        serde_json::to_value(atalaya_server::http::document()).expect("the document has a JSON form");
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 50, "only {} references were found", references.len());
    let dangling: Vec<_> = references
        .iter()
        .filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none())
        .collect();
    assert!(dangling.is_empty(), "types of the web app cannot be generated: {dangling:#?}");
}

/// Every `$ref` below `value`.
fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
