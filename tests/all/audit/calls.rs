//! A valid call of each operation, in an order in which each has something to act on.

use super::{
    dead, imports, operators, staff,
    walk::{
        Call,
        Leaves::{Asked, Changed, Made, Removed},
        Walk,
    },
};
use atalaya_tests::{
    harness::{Api, wait_for, wait_until},
    isp::{Isp, id_of},
};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// A call without a version, about what the answer names.
pub(super) fn call<'c>(operation: &'static str, path: &'c str, body: Value, kind: &'static str) -> Call<'c> {
    Call { operation, path, version: None, body: Some(body), leaves: Made, kind, id: None, id_at: "/id" }
}

pub(super) fn version_of(api: &Api, path: &str, field: &str) -> i64 {
    api.get(path).expect("it can be read")[field].as_i64().expect("it has a version")
}

pub(crate) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    let customer = without_agents(isp, walk);
    // While the router observes.
    imports::all(isp, walk);
    devices(isp, walk);
    services(isp, walk, &customer);
    cut_run(isp, walk);
    staff::second_person(isp, walk);
    dead::all(isp, walk);
    agents(isp, walk);
}

/// Those for which no site has to have an agent; a customer of theirs.
pub(crate) fn without_agents(isp: &Isp, walk: &mut Walk<'_>) -> String {
    places(isp, walk);
    staff::all(isp, walk);
    operators::all(isp, walk);
    let customer = customers(isp, walk);
    notes(walk, &customer);
    exports(isp, walk, &customer);
    erasures(isp, walk);
    money(isp, walk, &customer);
    customer
}

fn places(isp: &Isp, walk: &mut Walk<'_>) {
    let site =
        id_of(&walk.call(call("POST /sites", "/sites", json!({"name": "Ladera"}), "site"))).expect("an id");
    let path = format!("/sites/{site}");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let renamed = call("PATCH /sites/{id}", &path, json!({"name": "Ladera Alta"}), "site");
    walk.call(Call { version, leaves: Changed, ..renamed });
}

fn customers(isp: &Isp, walk: &mut Walk<'_>) -> String {
    let new = call("POST /customers", "/customers", json!({"name": "Ñahui, Elena"}), "customer");
    let customer = id_of(&walk.call(new)).expect("an id");
    let path = format!("/customers/{customer}");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let change = call("PATCH /customers/{id}", &path, json!({"phone": "987654321"}), "customer");
    walk.call(Call { version, leaves: Changed, ..change });
    customer
}

fn notes(walk: &mut Walk<'_>, customer: &str) {
    let new = json!({"subject": customer, "text": "Llamar después de las 18 h"});
    let note = id_of(&walk.call(call("POST /notes", "/notes", new, "note"))).expect("an id");
    let path = format!("/notes/{note}");
    let pin = call("PATCH /notes/{id}", &path, json!({"pinned": true}), "note");
    walk.call(Call { version: Some(1), leaves: Changed, ..pin });
    let gone = call("DELETE /notes/{id}", &path, Value::Null, "note");
    walk.call(Call { body: None, leaves: Removed, id: Some(&note), ..gone });
    // The bytes of a file are the body, and JSON is a text.
    let path = format!("/files?subject={customer}&name=equipo.json");
    let new = call("POST /files", &path, json!({"serie": "FICT-0001"}), "file");
    let file = id_of(&walk.call(new)).expect("an id");
    let path = format!("/files/{file}");
    let gone = call("DELETE /files/{id}", &path, Value::Null, "file");
    walk.call(Call { body: None, leaves: Removed, id: Some(&file), ..gone });
}

/// Each is waited for: its job ends in rows of its own.
fn exports(isp: &Isp, walk: &mut Walk<'_>, customer: &str) {
    let session = isp.owner.get("/session").expect("the owner is logged in");
    let user = session["user"]["id"].as_str().expect("a user has an id");
    let calls = [
        ("POST /customers/{id}/data-export", format!("/customers/{customer}/data-export")),
        ("POST /users/{id}/data-export", format!("/users/{user}/data-export")),
        ("POST /me/data-export", "/me/data-export".to_owned()),
    ];
    for (operation, path) in calls {
        let asked = Call { body: None, ..call(operation, &path, Value::Null, "data_export") };
        let export = id_of(&walk.call(asked)).expect("an id");
        wait_until("the export to be made", SOON, || {
            isp.owner.get(&format!("/data-exports/{export}")).is_ok_and(|export| export["state"] == "ready")
        });
    }
}

/// There is a second owner by now: both ask for a second person's yes.
fn erasures(isp: &Isp, walk: &mut Walk<'_>) {
    let owner = &isp.owner;
    let customer =
        id_of(&owner.post("/customers", &json!({"name": "Ríos, Ana"})).expect("a customer can be made"));
    let new = json!({"name": "Ana Ríos", "email": "ana@netandina.example", "role": "support"});
    let user = id_of(&owner.post("/users", &new).expect("a user can be made")).expect("an id");
    let version = version_of(owner, &format!("/users/{user}"), "version");
    owner
        .patch(&format!("/users/{user}"), version, &json!({"disabled": true}))
        .expect("a user can be disabled");
    let calls = [
        ("POST /customers/{id}/erasure", format!("/customers/{}/erasure", customer.expect("an id"))),
        ("POST /users/{id}/erasure", format!("/users/{user}/erasure")),
    ];
    for (operation, path) in calls {
        let asked = call(operation, &path, json!({"reason": "asked for in writing"}), "approval");
        walk.call(Call { id_at: "/approval/id", ..asked });
    }
}

fn money(isp: &Isp, walk: &mut Walk<'_>, customer: &str) {
    let price = json!({"amount": 4_000, "currency": "PEN"});
    let new = json!({"name": "Campo 5", "download_bps": 5_000_000, "upload_bps": 1_000_000, "price": price});
    let plan = id_of(&walk.call(call("POST /plans", "/plans", new, "plan"))).expect("an id");
    let path = format!("/plans/{plan}");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let change = call("PATCH /plans/{id}", &path, json!({"name": "Campo 5 M"}), "plan");
    walk.call(Call { version, leaves: Changed, ..change });

    let bill = |description: &str| json!({"customer_id": customer, "description": description, "amount": price, "due_on": "2026-01-10"});
    let wrong = id_of(&walk.call(call("POST /invoices", "/invoices", bill("instalación"), "invoice")))
        .expect("an id");
    let path = format!("/invoices/{wrong}/void");
    let void = call("POST /invoices/{id}/void", &path, json!({"reason": "billed twice"}), "invoice");
    walk.call(Call { leaves: Changed, ..void });
    isp.owner.post("/invoices", &bill("router")).expect("an invoice can be issued");
    let paid = json!({"customer_id": customer, "amount": price, "method": "cash"});
    let payment = call("POST /payments", "/payments", paid, "payment");
    walk.call(Call { id_at: "/payment/id", ..payment });

    let month = call(
        "POST /invoices/billing-runs",
        "/invoices/billing-runs",
        json!({"month": "2026-03"}),
        "billing_run",
    );
    walk.call(Call { id: Some("2026-03-01"), ..month });
}

fn devices(isp: &Isp, walk: &mut Walk<'_>) {
    let site = &isp.sites[0];
    let new = json!({
        "site_id": site.id, "agent_id": site.agent_id, "name": "Antena", "kind": "icmp", "host": "127.0.0.1",
    });
    let device = id_of(&walk.call(call("POST /devices", "/devices", new, "device"))).expect("an id");
    let path = format!("/devices/{device}");
    let version = Some(version_of(&isp.owner, &path, "revision"));
    let change = call("PATCH /devices/{id}", &path, json!({"name": "Antena norte"}), "device");
    walk.call(Call { version, leaves: Changed, ..change });
    let gone = Call {
        body: None,
        leaves: Removed,
        id: Some(&device),
        ..call("DELETE /devices/{id}", &path, Value::Null, "device")
    };
    walk.call(gone);

    let about_agent =
        |operation, path, body| Call { id: Some(&site.agent_id), ..call(operation, path, body, "agent") };
    let script = json!({"name": "RB-9", "agent_id": site.agent_id});
    walk.call(Call {
        leaves: Asked,
        ..about_agent("POST /devices/routeros-script", "/devices/routeros-script", script)
    });
    let test = json!({"agent_id": site.agent_id, "kind": "icmp", "host": "127.0.0.1"});
    walk.call(about_agent("POST /devices/connection-tests", "/devices/connection-tests", test));

    let router = format!("/devices/{}", site.router_id);
    wait_until("the router to answer", SOON, || {
        isp.owner.get(&router).is_ok_and(|device| device["state"] == "answers")
    });
    let plan = format!("{router}/plan");
    let about_router =
        |operation, path, body| Call { id: Some(&site.router_id), ..call(operation, path, body, "device") };
    walk.call(Call { leaves: Asked, ..about_router("POST /devices/{id}/plan", &plan, json!({})) });
    wait_until("the plan of the router", SOON, || {
        isp.owner.get(&plan).is_ok_and(|plan| plan["status"] == "ready")
    });
    let diagnoses = format!("{router}/diagnoses");
    // Long enough to be stopped: nobody has the address.
    let ping = json!({"kind": "ping", "address": "192.0.2.7", "count": 100});
    let asked =
        walk.call(Call { leaves: Asked, ..about_router("POST /devices/{id}/diagnoses", &diagnoses, ping) });
    let stop = format!("/devices/diagnoses/{}/cancel", id_of(&asked).expect("an id"));
    walk.call(Call {
        leaves: Asked,
        ..about_router("POST /devices/diagnoses/{id}/cancel", &stop, json!({}))
    });
    let mode = format!("{router}/mode");
    walk.call(Call {
        leaves: Changed,
        ..about_router("POST /devices/{id}/mode", &mode, json!({"mode": "enforce"}))
    });
}

fn services(isp: &Isp, walk: &mut Walk<'_>, customer: &str) {
    let site = &isp.sites[0];
    let plans = isp.owner.get("/plans").expect("plans can be read");
    let plan = |name: &str| {
        let items = plans["items"].as_array().expect("a page has items");
        let found = items.iter().find(|plan| plan["name"] == name).expect("the plan is there");
        found["id"].as_str().expect("a plan has an id").to_owned()
    };
    let new = json!({"customer_id": customer, "plan_id": plan("Hogar 10"), "site_id": site.id});
    let service = id_of(&walk.call(call("POST /services", "/services", new, "service"))).expect("an id");
    let at = |action: &str| format!("/services/{service}/{action}");
    let path = at("attachments");
    let new = json!({"kind": "pppoe", "user": "elena", "password": "secreto-2026", "points": [{"device_id": site.router_id}]});
    let attachment =
        id_of(&walk.call(call("POST /services/{id}/attachments", &path, new, "attachment"))).expect("an id");
    let path = at("plan");
    let change = call("POST /services/{id}/plan", &path, json!({"plan_id": plan("Hogar 50")}), "service");
    walk.call(Call { leaves: Changed, ..change });

    let reason = json!({"reason": "asked by the customer"});
    let path = at("cut");
    walk.call(Call { leaves: Changed, ..call("POST /services/{id}/cut", &path, reason.clone(), "service") });
    let view = at("view");
    wait_until("the cut to be told to the network", SOON, || {
        let seen = isp.owner.get(&view).expect("a service can be read");
        seen["attachments"][0]["points"][0]["desired"]["status"] == "suspended"
    });
    let path = at("hold-open");
    let hold = call("POST /services/{id}/hold-open", &path, json!({"hours": 2}), "service");
    walk.call(Call { leaves: Changed, id: Some(&service), ..hold });
    let path = at("reconnect");
    walk.call(Call {
        leaves: Changed,
        ..call("POST /services/{id}/reconnect", &path, reason.clone(), "service")
    });
    let path = format!("/attachments/{attachment}");
    let detach = call("DELETE /attachments/{id}", &path, Value::Null, "attachment");
    walk.call(Call { body: None, leaves: Changed, id: Some(&attachment), ..detach });
    let path = at("terminate");
    walk.call(Call { leaves: Changed, ..call("POST /services/{id}/terminate", &path, reason, "service") });
}

/// A run of two debtors, of whom one is taken out; the other's cut waits for a person, who releases it.
fn cut_run(isp: &Isp, walk: &mut Walk<'_>) {
    let site = &isp.sites[0];
    for debtor in &site.subscribers[..2] {
        let bill = json!({
            "customer_id": debtor.customer, "service_id": debtor.service, "description": "octubre",
            "amount": {"amount": 5_900, "currency": "PEN"}, "due_on": "2026-01-10",
        });
        isp.owner.post("/invoices", &bill).expect("an invoice can be issued");
    }
    let run = walk.call(call("POST /collections/runs", "/collections/runs", json!({}), "cut_run"));
    let services = run["totals"]["services"].as_i64().expect("a run has totals");
    assert!(services >= 2, "{run}");
    let path = format!("/collections/runs/{}/items", run["id"].as_str().unwrap_or_default());
    let spared =
        json!({"service_ids": [site.subscribers[1].service], "included": false, "reason": "promised to pay"});
    let out = call("PATCH /collections/runs/{id}/items", &path, spared, "cut_run");
    walk.call(Call { leaves: Changed, ..out });
    let path = format!("/collections/runs/{}/execute", run["id"].as_str().unwrap_or_default());
    let execute = call(
        "POST /collections/runs/{id}/execute",
        &path,
        json!({"expected_services": services - 1}),
        "cut_run",
    );
    walk.call(Call { leaves: Changed, ..execute });

    let held = format!("/agents/{}/held-cuts", site.agent_id);
    let cut = wait_for("the cut to be held by the brake", SOON, || {
        let held = isp.owner.get(&held).expect("held cuts can be read");
        let items = held["items"].as_array().expect("a list");
        items.iter().find(|cut| cut["service_id"] == site.subscribers[0].service.as_str()).cloned()
    });
    let view = isp
        .owner
        .get(&format!("/services/{}/view", site.subscribers[0].service))
        .expect("a service can be read");
    let attachment = view["attachments"][0]["id"].as_str().expect("it has an attachment").to_owned();
    let path = format!("{held}/release");
    let release = call(
        "POST /agents/{id}/held-cuts/release",
        &path,
        json!({"point_ids": [cut["point_id"]]}),
        "attachment",
    );
    walk.call(Call { leaves: Changed, id: Some(&attachment), ..release });
}

fn agents(isp: &Isp, walk: &mut Walk<'_>) {
    let site = &isp.sites[0];
    let new = json!({"site_id": site.id, "name": "agente de reserva"});
    let token =
        id_of(&walk.call(call("POST /agent-tokens", "/agent-tokens", new, "agent_token"))).expect("an id");
    let path = format!("/agent-tokens/{token}");
    let withdraw = call("DELETE /agent-tokens/{id}", &path, Value::Null, "agent_token");
    walk.call(Call { body: None, leaves: Removed, id: Some(&token), ..withdraw });

    let path = format!("/agents/{}", site.agent_id);
    let version = Some(version_of(&isp.owner, &path, "revision"));
    let rename = call("PATCH /agents/{id}", &path, json!({"name": "agente norte"}), "agent");
    walk.call(Call { version, leaves: Changed, ..rename });
    let path = format!("{path}/revoke");
    let revoke =
        call("POST /agents/{id}/revoke", &path, json!({"reason": "The machine was stolen"}), "agent");
    walk.call(Call { leaves: Changed, ..revoke });
}
