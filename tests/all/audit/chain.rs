//! The audit trail of a running control plane is sealed, its heads are exported, and a command finds what was done to it
//! in the database.

use super::{Database, on_each_database};
use crate::e2e::block_on;
use atalaya_kernel::testing::{execute, postgres_urls};
use atalaya_tests::{
    harness::{Options, run_command, wait_for, wait_until},
    isp::{Founded, TENANT},
};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const SOON: Duration = Duration::from_secs(30);

on_each_database!(the_trail_is_sealed_and_tampering_is_found);

/// Writes past the program.
fn tamper(options: &Options, statement: &str) {
    let url = match &options.database {
        Some(url) => block_on(postgres_urls(url)).superuser,
        None => format!("sqlite:{}", options.folder.join("data/atalaya.db").display()),
    };
    block_on(execute(&url, statement)).expect("the database can be written");
}

fn verify(options: &Options, arguments: &[&str]) -> Result<String, String> {
    run_command(options, &[&["audit", "verify"], arguments].concat(), "").map_err(|error| error.to_string())
}

fn the_trail_is_sealed_and_tampering_is_found(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let founded = Founded::start(database.options(folder.path())).expect("it starts");
    let Founded { control_plane, owner, tenant_id, .. } = &founded;
    let options = &control_plane.options;
    for name in ["Cerro Alto", "Cerro Bajo", "Río Seco"] {
        owner.post("/sites", &json!({"name": name})).expect("a site can be made");
    }
    let sealed = || {
        wait_for("every row to be sealed", SOON, || {
            let head = owner.get("/audit/head").ok()?;
            (head["unsealed"] == 0 && head["position"].as_i64()? >= 4).then_some(head)
        })
    };
    let head = sealed();
    assert_eq!((&head["trail"], &head["lag_ms"]), (&json!(tenant_id), &json!(0)));
    let said = verify(options, &[]).expect("nobody touched it");
    assert!(said.contains("platform: ") && said.contains(&format!("{tenant_id}: ")), "{said}");

    // The server exports the heads by itself, and the command gives the same.
    let file = options.folder.join("data/audit-heads.jsonl");
    let exported = || -> Option<Value> {
        let text = fs::read_to_string(&file).ok()?;
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a head a line"));
        lines.into_iter().find(|line| line["trail"] == json!(tenant_id))
    };
    wait_until("the head to be exported", SOON, || {
        exported().is_some_and(|line| line["chain"] == head["chain"])
    });
    let kept = folder.path().join("kept.jsonl");
    let printed = control_plane.command(&["audit", "head", "--tenant", TENANT], "").expect("it is printed");
    assert_eq!(serde_json::from_str::<Value>(&printed).expect("JSON")["chain"], head["chain"]);
    fs::write(&kept, &printed).expect("a file can be written");
    let kept = kept.to_str().expect("a plain name");
    verify(options, &["--tenant", TENANT, "--head", kept]).expect("it continues the head");

    // Cut off at the end, with the database's own head made to fit.
    let position = head["position"].as_i64().expect("a number");
    let last = position - 1;
    tamper(
        options,
        &format!("DELETE FROM kernel_audit WHERE tenant_id = '{tenant_id}' AND position > {last}"),
    );
    let fit = "UPDATE kernel_audit_head SET position = (SELECT MAX(position) FROM kernel_audit a \
               WHERE a.tenant_id = kernel_audit_head.tenant_id), chain = (SELECT chain FROM kernel_audit a \
               WHERE a.tenant_id = kernel_audit_head.tenant_id ORDER BY position DESC LIMIT 1)";
    tamper(options, fit);
    verify(options, &["--tenant", TENANT]).expect("alone it fits together");
    let cut =
        verify(options, &["--tenant", TENANT, "--head", kept]).expect_err("it is shorter than the head");
    let said = format!("cut off: it ends at position {last}, and an exported head is at {position}");
    assert!(cut.contains(&said), "{cut}");

    // A further change does not cover it up: the file keeps the head that is not continued.
    owner.post("/sites", &json!({"name": "Pampa"})).expect("a site can be made");
    wait_until("the new row to be sealed", SOON, || {
        owner.get("/audit/head").is_ok_and(|now| now["unsealed"] == 0 && now["position"] == position)
    });
    assert_eq!(exported().expect("it is there")["chain"], head["chain"], "it was exported over");
    let rewritten = verify(options, &["--head", kept]).expect_err("another row is in that place");
    assert!(rewritten.contains(&format!("at position {position} the chain is not the one")), "{rewritten}");

    // One row changed: its id is named.
    let rows = owner.get("/audit?entity_kind=site&action=site.*").expect("it can be searched");
    let row = rows["items"].as_array().expect("items").last().expect("the first site").clone();
    let (id, at) = (row["id"].as_str().expect("an id"), row["position"].as_i64().expect("it is sealed"));
    tamper(options, &format!("UPDATE kernel_audit SET after_state = '{{}}' WHERE id = '{id}'"));
    let changed = verify(options, &[]).expect_err("a row was changed");
    assert!(changed.contains(&format!("{tenant_id}: row {id} at position {at} was changed")), "{changed}");
}
