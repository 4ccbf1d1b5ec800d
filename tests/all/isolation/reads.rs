//! A valid read of each operation that reads.

use crate::audit::dead::dead_job;
use atalaya_tests::{
    harness::{Api, bytes, wait_until},
    isp::{Isp, LOGO, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// Reads that are no JSON answer: a stream of events, and a ZIP; each has a test of its own.
const ELSEWHERE: [&str; 2] = ["GET /data-exports/{id}/parts/{number}", "GET /stream"];

/// E-mail of [`operator`].
pub(crate) const OPERATOR: &str = "lee@hosting.example";

/// A connection test, while there is an agent to ask; its id.
fn connection_test(isp: &Isp) -> String {
    let asked = json!({"agent_id": isp.sites[0].agent_id, "kind": "icmp", "host": "127.0.0.1"});
    let test = isp.owner.post("/devices/connection-tests", &asked).expect("it can be asked for");
    id_of(&test).expect("it has an id")
}

/// What was asked of agents while there were any: ids of orders.
pub(crate) struct Orders {
    test: String,
    diagnosis: String,
}

/// A connection test and a ping, while there is an agent to ask.
pub(crate) fn orders(isp: &Isp) -> Orders {
    let path = format!("/devices/{}/diagnoses", isp.sites[0].router_id);
    let ping = json!({"kind": "ping", "address": "192.0.2.7", "count": 1});
    let asked = isp.owner.post(&path, &ping).expect("it can be asked for");
    Orders { test: connection_test(isp), diagnosis: id_of(&asked).expect("it has an id") }
}

/// An operator of the installation, logged in.
pub(crate) fn operator(isp: &Isp) -> Api {
    let make = ["platform", "operator", "create", "--email", OPERATOR, "--name", "Lee Sur"];
    isp.control_plane.command(&make, PASSWORD).expect("an operator can be made");
    Api::operator(isp.control_plane.http(), OPERATOR, PASSWORD).expect("who can log in")
}

/// Operation and path with ids of ours.
pub(crate) fn all(isp: &Isp, orders: &Orders) -> Vec<(&'static str, String)> {
    let Orders { test, diagnosis } = orders;
    let site = &isp.sites[0];
    let subscriber = &site.subscribers[2];
    let first = |list: &str| -> String {
        let page = isp.owner.get(list).unwrap_or_else(|error| panic!("{list}: {error}"));
        let id = page["items"][0]["id"].as_str();
        id.unwrap_or_else(|| panic!("{list} has an item with an id: {page}")).to_owned()
    };
    let (invoice, payment, plan) = (first("/invoices"), first("/payments"), first("/plans"));
    let role = json!({"name": "Lectura", "allow": ["customer.read"]});
    let role = id_of(&isp.owner.post("/roles", &role).expect("a role can be made")).expect("it has an id");
    let (approval, session) = (first("/approvals"), first("/me/sessions"));
    assert!(!session.is_empty(), "the owner has a session");
    let imports = format!("/devices/{}/imports", site.router_id);
    let import = first(&imports);
    let (run, user) = (first("/collections/runs"), first("/users"));
    let tenant = isp.owner.get("/tenant").expect("the settings can be read");
    let tenant = id_of(&tenant).expect("it has an id");
    let new = json!({"subject": subscriber.customer, "text": "Llamar después de las 18 h"});
    let note = id_of(&isp.owner.post("/notes", &new).expect("a note can be left")).expect("it has an id");
    let path = format!("/files?subject={}&name=equipo.json", subscriber.customer);
    let file = isp.owner.post(&path, &json!({"serie": "FICT-0001"})).expect("a file can be left");
    let file = id_of(&file).expect("it has an id");
    let provider = first("/identity-providers");
    isp.owner.call("PUT", "/tenant/logo", None, Some(&bytes(LOGO))).expect("a logo can be set");
    let path = format!("/customers/{}/data-export", subscriber.customer);
    let export = id_of(&isp.owner.post(&path, &json!({})).expect("an export can be asked for"));
    let export = format!("/data-exports/{}", export.expect("it has an id"));
    wait_until("the export to be made", Duration::from_secs(30), || {
        isp.owner.get(&export).is_ok_and(|export| export["state"] == "ready")
    });
    let metric = "metric=device_up";
    let (service, customer) = (&subscriber.service, &subscriber.customer);
    vec![
        ("GET /agent-tokens", "/agent-tokens".to_owned()),
        ("GET /agents", "/agents".to_owned()),
        ("GET /agents/{id}", format!("/agents/{}", site.agent_id)),
        ("GET /agents/{id}/held-cuts", format!("/agents/{}/held-cuts", site.agent_id)),
        ("GET /api-keys", "/api-keys".to_owned()),
        ("GET /api-keys/{id}", format!("/api-keys/{}", first("/api-keys"))),
        ("GET /approvals", "/approvals".to_owned()),
        ("GET /approvals/{id}", format!("/approvals/{approval}")),
        ("GET /audit", "/audit".to_owned()),
        ("GET /audit/head", "/audit/head".to_owned()),
        ("GET /backups", "/backups".to_owned()),
        ("GET /brand/logo", format!("/brand/logo?tenant={TENANT}")),
        ("GET /collections/runs", "/collections/runs".to_owned()),
        ("GET /collections/runs/{id}", format!("/collections/runs/{run}")),
        ("GET /comparisons", "/comparisons".to_owned()),
        ("GET /comparisons/{id}/findings", format!("/comparisons/{}/findings", first("/comparisons"))),
        ("GET /customers", "/customers".to_owned()),
        ("GET /customers/{id}", format!("/customers/{customer}")),
        ("GET /customers/{id}/overview", format!("/customers/{customer}/overview")),
        ("GET /data-erasures", format!("/data-erasures?person={customer}")),
        ("GET /data-exports", format!("/data-exports?person={customer}")),
        ("GET /data-exports/{id}", export),
        ("GET /dead-letters", "/dead-letters".to_owned()),
        ("GET /dead-letters/{id}", format!("/dead-letters/{}", dead_job(isp, 'c'))),
        ("GET /devices", "/devices".to_owned()),
        ("GET /devices/connection-tests/{id}", format!("/devices/connection-tests/{test}")),
        ("GET /devices/diagnoses/{id}", format!("/devices/diagnoses/{diagnosis}")),
        ("GET /devices/diagnoses/{id}/output", format!("/devices/diagnoses/{diagnosis}/output?after=0")),
        ("GET /devices/{id}", format!("/devices/{}", site.router_id)),
        ("GET /devices/{id}/imports", imports),
        ("GET /devices/{id}/listings", format!("/devices/{}/listings", site.router_id)),
        ("GET /devices/{id}/plan", format!("/devices/{}/plan", site.router_id)),
        ("GET /devices/{id}/rows", format!("/devices/{}/rows?table=secrets", site.router_id)),
        ("GET /events", format!("/events?entity={service}")),
        ("GET /files", format!("/files?subject={customer}")),
        ("GET /files/{id}/content", format!("/files/{file}/content")),
        ("GET /home", "/home".to_owned()),
        ("GET /identity-providers", "/identity-providers".to_owned()),
        ("GET /identity-providers/{id}", format!("/identity-providers/{provider}")),
        ("GET /import-patterns", "/import-patterns".to_owned()),
        ("GET /imports/{id}", format!("/imports/{import}")),
        ("GET /imports/{id}/rows", format!("/imports/{import}/rows")),
        ("GET /invoices", "/invoices".to_owned()),
        ("GET /invoices/{id}", format!("/invoices/{invoice}")),
        ("GET /login-options", "/login-options".to_owned()),
        ("GET /me/identities", "/me/identities".to_owned()),
        ("GET /me/notices", "/me/notices".to_owned()),
        ("GET /me/passkeys", "/me/passkeys".to_owned()),
        ("GET /me/push-key", "/me/push-key".to_owned()),
        ("GET /me/push-subscriptions", "/me/push-subscriptions".to_owned()),
        ("GET /me/security", "/me/security".to_owned()),
        ("GET /me/sessions", "/me/sessions".to_owned()),
        ("GET /me/tokens", "/me/tokens".to_owned()),
        ("GET /metrics/last", format!("/metrics/last?{metric}&device={}", site.router_id)),
        ("GET /metrics/range", format!("/metrics/range?{metric}&from=0&to=1&device={}", site.router_id)),
        ("GET /metrics/series", format!("/metrics/series?{metric}&device={}", site.router_id)),
        ("GET /metrics/top", format!("/metrics/top?{metric}")),
        ("GET /notes", format!("/notes?subject={customer}")),
        ("GET /notes/{id}", format!("/notes/{note}")),
        ("GET /notice-templates", "/notice-templates".to_owned()),
        ("GET /notices", format!("/notices?user={user}")),
        ("GET /operator-visits", "/operator-visits".to_owned()),
        ("GET /payments", "/payments".to_owned()),
        ("GET /payments/{id}", format!("/payments/{payment}")),
        ("GET /permissions", "/permissions".to_owned()),
        ("GET /platform/audit", "/platform/audit".to_owned()),
        ("GET /platform/backups", "/platform/backups".to_owned()),
        ("GET /platform/plans", "/platform/plans".to_owned()),
        ("GET /platform/session", "/platform/session".to_owned()),
        ("GET /platform/tenants", "/platform/tenants".to_owned()),
        ("GET /platform/tenants/{id}", format!("/platform/tenants/{tenant}")),
        ("GET /platform/tenants/{id}/visits", format!("/platform/tenants/{tenant}/visits")),
        ("GET /plans", "/plans".to_owned()),
        ("GET /plans/{id}", format!("/plans/{plan}")),
        ("GET /roles", "/roles".to_owned()),
        ("GET /roles/{id}", format!("/roles/{role}")),
        ("GET /search", format!("/search?q={}", subscriber.user)),
        ("GET /services", format!("/services?customer={customer}")),
        ("GET /services/{id}", format!("/services/{service}")),
        ("GET /services/{id}/view", format!("/services/{service}/view")),
        ("GET /session", "/session".to_owned()),
        ("GET /session/identity-providers", format!("/session/identity-providers?tenant={TENANT}")),
        ("GET /sites", "/sites".to_owned()),
        ("GET /sites/{id}", format!("/sites/{}", site.id)),
        ("GET /tenant", "/tenant".to_owned()),
        ("GET /tenant/domain", "/tenant/domain".to_owned()),
        ("GET /tenant/logo", "/tenant/logo?theme=dark".to_owned()),
        ("GET /tenant/use", "/tenant/use".to_owned()),
        ("GET /timeline", format!("/timeline?subject={customer}")),
        ("GET /users", "/users".to_owned()),
        ("GET /users/{id}", format!("/users/{user}")),
        ("GET /users/{id}/identities", format!("/users/{user}/identities")),
    ]
}

/// Fails for a read of the document that is not among these, or that is and not in it.
pub(super) fn demand_every_operation(reads: &[(&'static str, String)]) {
    let document = serde_json::to_value(atalaya_server::http::document()).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("the document has paths");
    let of_the_document: BTreeSet<String> = paths
        .iter()
        .filter(|(_, methods)| methods["get"] != Value::Null)
        .map(|(path, _)| format!("GET {path}"))
        .filter(|operation| !ELSEWHERE.contains(&operation.as_str()))
        .collect();
    let here: BTreeSet<String> = reads.iter().map(|(operation, _)| (*operation).to_owned()).collect();
    assert_eq!(here, of_the_document, "each operation that reads is tried once");
}
