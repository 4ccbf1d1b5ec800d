//! A decided cut run outlives the process that carries it out.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, ControlPlane, Options, wait_for},
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};
use std::time::Duration;

/// More than two chunks of the job.
const DEBTORS: usize = 45;

on_each_database!(a_killed_cut_run_goes_on_by_itself_and_cuts_nobody_twice);

fn a_killed_cut_run_goes_on_by_itself_and_cuts_nobody_twice(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fault = Some("collections.between_chunks:2".to_owned());
    let options = Options { fault, ..database.options(folder.path()) };
    let Founded { mut control_plane, owner, .. } = Founded::start(options).expect("it starts");
    let debtors = debtors(&owner);
    let run = owner.post("/collections/runs", &json!({})).expect("a run can be previewed");
    let path = format!("/collections/runs/{}", id_of(&run).expect("a run has an id"));
    let paid = json!({"customer_id": debtors[0].0, "amount": {"amount": 5_900, "currency": "PEN"}, "method": "cash"});
    owner.post("/payments", &paid).expect("one of them pays after the preview");

    let decided = owner.post(&format!("{path}/execute"), &json!({"expected_services": DEBTORS}));
    assert_eq!(decided.expect("a run can be executed")["state"], "executing", "it answers at once");
    control_plane.process.wait_for_abort(Duration::from_secs(30));
    let options = Options { fault: None, ..control_plane.options.clone() };
    drop(control_plane);
    let control_plane = ControlPlane::start(options).expect("it starts again");
    let owner = control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
    let left = owner.get(&path).expect("the run can be read");
    assert_eq!(left["state"], "executing", "two chunks were done: {}", left["totals"]);

    let done = wait_for("the run to go on by itself", Duration::from_secs(60), || {
        owner.get(&path).ok().filter(|run| run["state"] == "done")
    });
    let totals = &done["totals"];
    assert_eq!((&totals["decided"], &totals["failed"]), (&json!(DEBTORS), &json!(0)), "{totals}");
    assert_eq!(totals["suspended"], json!(DEBTORS - 1), "who paid is left alone");
    for (customer, service) in &debtors {
        let cuts = events(&owner, "service.suspended", service);
        assert_eq!(cuts, usize::from(*customer != debtors[0].0), "{service} is cut once");
    }
    assert_eq!(
        events(&owner, "collections.*", run["id"].as_str().unwrap_or_default()),
        2,
        "previewed, executed"
    );
}

fn events(owner: &Api, kind: &str, entity: &str) -> usize {
    let page = owner.get(&format!("/events?type={kind}&entity={entity}")).expect("events can be read");
    page["items"].as_array().map_or(0, Vec::len)
}

/// Customers with a service and an old invoice each.
fn debtors(owner: &Api) -> Vec<(String, String)> {
    let id = |answer: Value| id_of(&answer).expect("it has an id");
    let site = id(owner.post("/sites", &json!({"name": "Cerro Alto"})).expect("a site"));
    let price = json!({"amount": 5_900, "currency": "PEN"});
    let plan =
        json!({"name": "Hogar 10", "download_bps": 10_000_000, "upload_bps": 10_000_000, "price": price});
    let plan = id(owner.post("/plans", &plan).expect("a plan"));
    let debtor = |number: usize| {
        let customer = json!({"name": format!("Customer {number:03}")});
        let customer = id(owner.post("/customers", &customer).expect("a customer"));
        let service = json!({"customer_id": customer, "plan_id": plan, "site_id": site});
        let service = id(owner.post("/services", &service).expect("a service"));
        let bill = json!({
            "customer_id": customer, "service_id": service, "description": "octubre", "amount": price, "due_on": "2026-01-10",
        });
        owner.post("/invoices", &bill).expect("an invoice");
        (customer, service)
    };
    (0..DEBTORS).map(debtor).collect()
}
