//! Things that the calls of the other walks used up, made anew: what can be voided, cut, ended or deleted once.

use super::examples::Examples;
use atalaya_tests::{
    harness::Api,
    isp::{Isp, OWNER, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};

/// Makes them, on the second site, whose agent is alive, and points the examples at them.
pub(super) fn set(isp: &Isp, operator: &Api, examples: &mut Examples) {
    let site = &isp.sites[1];
    let owner = &isp.owner;
    let make = |path: &str, body: Value| -> String {
        let made = owner.post(path, &body).unwrap_or_else(|error| panic!("{path}: {error}"));
        id_of(&made).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let price = json!({"amount": 4_000, "currency": "PEN"});
    let customer = &site.subscribers[0].customer;
    let bill = json!({"customer_id": customer, "description": "instalación", "amount": price, "due_on": "2026-01-10"});
    let reason = json!({"reason": "asked by the customer"});

    let invoice = make("/invoices", bill.clone());
    examples.add("POST /invoices", "/invoices", None, Some(bill));
    examples.add(
        "POST /invoices/{id}/void",
        &format!("/invoices/{invoice}/void"),
        None,
        Some(json!({"reason": "billed twice"})),
    );

    let plans = owner.get("/plans").expect("plans can be read");
    let plan = plans["items"][0]["id"].as_str().expect("there is a plan").to_owned();
    let wanted = json!({"customer_id": customer, "plan_id": plan, "site_id": site.id});
    let service = || make("/services", wanted.clone());
    examples.add("POST /services", "/services", None, Some(wanted.clone()));
    for action in ["cut", "terminate"] {
        let operation = format!("POST /services/{{id}}/{action}");
        examples.add(&operation, &format!("/services/{}/{action}", service()), None, Some(reason.clone()));
    }
    let cut = service();
    owner.post(&format!("/services/{cut}/cut"), &reason).expect("it can be cut");
    examples.add("POST /services/{id}/reconnect", &format!("/services/{cut}/reconnect"), None, Some(reason));
    let moved = service();
    examples.add(
        "POST /services/{id}/plan",
        &format!("/services/{moved}/plan"),
        None,
        Some(json!({"plan_id": plans["items"][1]["id"]})),
    );

    let attached = service();
    let pppoe = |user: &str| json!({"kind": "pppoe", "user": user, "password": "secreto-2026", "points": [{"device_id": site.router_id}]});
    let attachment = make(&format!("/services/{attached}/attachments"), pppoe("escenario-1"));
    examples.add("DELETE /attachments/{id}", &format!("/attachments/{attachment}"), None, None);
    examples.add(
        "POST /services/{id}/hold-open",
        &format!("/services/{}/hold-open", site.subscribers[1].service),
        None,
        Some(json!({"hours": 2})),
    );
    examples.add(
        "POST /services/{id}/attachments",
        &format!("/services/{}/attachments", service()),
        None,
        Some(pppoe("escenario-2")),
    );

    let antenna = |name: &str| json!({"site_id": site.id, "agent_id": site.agent_id, "name": name, "kind": "icmp", "host": "127.0.0.1"});
    let gone = make("/devices", antenna("Antena sur"));
    examples.add("DELETE /devices/{id}", &format!("/devices/{gone}"), None, None);
    let kept = make("/devices", antenna("Antena este"));
    let version = owner.get(&format!("/devices/{kept}")).expect("it can be read")["revision"].as_i64();
    examples.add(
        "PATCH /devices/{id}",
        &format!("/devices/{kept}"),
        version,
        Some(json!({"name": "Antena oeste"})),
    );
    examples.add("POST /devices", "/devices", None, Some(antenna("Antena centro")));
    let test = json!({"agent_id": site.agent_id, "kind": "icmp", "host": "127.0.0.1"});
    examples.add("POST /devices/connection-tests", "/devices/connection-tests", None, Some(test));
    examples.add(
        "POST /devices/{id}/plan",
        &format!("/devices/{}/plan", site.router_id),
        None,
        Some(json!({})),
    );
    examples.add(
        "POST /devices/{id}/diagnoses",
        &format!("/devices/{}/diagnoses", site.router_id),
        None,
        Some(json!({"kind": "traceroute", "address": "203.0.113.80", "count": 1})),
    );
    examples.add(
        "POST /devices/{id}/mode",
        &format!("/devices/{}/mode", site.router_id),
        None,
        Some(json!({"mode": "observe"})),
    );

    let token = make("/agent-tokens", json!({"site_id": site.id, "name": "agente sur"}));
    examples.add("DELETE /agent-tokens/{id}", &format!("/agent-tokens/{token}"), None, None);
    let key = make("/api-keys", json!({"name": "Auditoría", "permissions": ["invoice.read"]}));
    examples.add("DELETE /api-keys/{id}", &format!("/api-keys/{key}"), None, None);
    let role = make("/roles", json!({"name": "Guardia", "allow": ["customer.read"]}));
    examples.add("DELETE /roles/{id}", &format!("/roles/{role}"), None, None);

    let version = |path: &str, field: &str| -> Option<i64> {
        owner.get(path).unwrap_or_else(|error| panic!("{path}: {error}"))[field].as_i64()
    };
    let path = format!("/agents/{}", site.agent_id);
    examples.add(
        "PATCH /agents/{id}",
        &path,
        version(&path, "revision"),
        Some(json!({"name": "agente del sur"})),
    );
    examples.add("PATCH /tenant", "/tenant", version("/tenant", "version"), Some(json!({"grace_days": 4})));
    entering(isp, examples);
    installation(isp, operator, examples);
}

fn entering(isp: &Isp, examples: &mut Examples) {
    let pair = json!({"tenant": TENANT, "email": OWNER, "password": PASSWORD, "name": "Planillas"});
    let anybody = Api::forwarding(isp.control_plane.http(), "198.51.100.61");
    let granted = anybody.post("/tokens", &pair).expect("the password is right");
    let refresh = json!({"refresh_token": granted["refresh_token"]});
    examples.add("POST /tokens", "/tokens", None, Some(pair));
    examples.add("POST /tokens/refresh", "/tokens/refresh", None, Some(refresh));
    examples.add("POST /session/step-up", "/session/step-up", None, Some(json!({"password": PASSWORD})));
    let user = json!({"email": "sara@netandina.example", "name": "Sara Ríos", "role": "cashier", "password": PASSWORD});
    examples.add("POST /users", "/users", None, Some(user));
}

fn installation(isp: &Isp, operator: &Api, examples: &mut Examples) {
    let plan = |customers: u32| json!({"name": "Escenario", "customers": customers, "contact": "ventas@hosting.example"});
    let made = operator.post("/platform/plans", &plan(500)).expect("a plan can be made");
    let path = format!("/platform/plans/{}", id_of(&made).expect("it has an id"));
    examples.add("PUT /platform/plans/{id}", &path, Some(1), Some(plan(900)));
    let tenant = json!({"slug": "escenario", "name": "Escenario Net", "country": "PE", "currency": "PEN", "time_zone": "America/Lima"});
    let owner =
        json!({"tenant": tenant, "owner_email": "ines@escenario.example", "owner_name": "Inés Valle"});
    examples.add("POST /platform/tenants", "/platform/tenants", None, Some(owner));
    let tenant = id_of(&isp.owner.get("/tenant").expect("the settings can be read")).expect("it has an id");
    let reason = json!({"reason": "ticket 4711", "permissions": ["device.read"]});
    operator.visit(&tenant, &reason).expect("an operator can enter");
    let visits = isp.owner.get("/operator-visits").expect("the owner sees it");
    let visit = visits["items"][0]["id"].as_str().expect("a visit").to_owned();
    examples.add("DELETE /operator-visits/{id}", &format!("/operator-visits/{visit}"), None, None);
}
