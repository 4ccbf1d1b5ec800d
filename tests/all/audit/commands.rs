//! What the command line changes leaves a row too: with the tenant, or with the installation.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::Api,
    isp::{Founded, OWNER, PASSWORD, TENANT},
};
use serde_json::{Value, json};

on_each_database!(a_command_leaves_its_row);

fn a_command_leaves_its_row(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let founded = Founded::start(database.options(folder.path())).expect("it starts");
    let Founded { control_plane, owner, tenant_id, owner_id } = &founded;
    let run =
        |command: &[&str], input: &str| control_plane.command(command, input).expect("the command is right");
    run(&["admin", "password", "--tenant", TENANT, "--email", OWNER], "another-password-2026");
    assert!(owner.get("/session").is_err(), "another password ends the sessions");
    let owner = control_plane.log_in(TENANT, OWNER, "another-password-2026").expect("the password was set");
    let site = owner.post("/sites", &json!({"name": "Cerro Alto"})).expect("a site can be made");
    let site = site["id"].as_str().expect("it has an id");
    let advertise = ["agent", "token", "create", "--tenant", TENANT, "--site", site, "--name"];
    // The command knows the gateway from the configuration only; the tokens themselves are made over the API here.
    let token = |name: &str| {
        let made = owner
            .post("/agent-tokens", &json!({"site_id": site, "name": name}))
            .expect("a token can be made");
        (
            made["id"].as_str().unwrap_or_default().to_owned(),
            made["agent_id"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert!(
        control_plane.command(&[&advertise[..], &["x"]].concat(), "").is_err(),
        "no address is configured"
    );
    let (withdrawn, _) = token("uno");
    run(&["agent", "token", "revoke", "--tenant", TENANT, &withdrawn], "");
    let (_, agent) = token("dos");
    run(&["agent", "revoke", "--tenant", TENANT, "--reason", "The machine was stolen", &agent], "");

    let page = owner.get("/audit?limit=200").expect("the audit trail can be read");
    let rows = page["items"].as_array().expect("a page has items");
    for (action, id) in [
        ("tenant.create", tenant_id),
        ("user.write", owner_id),
        ("user.password_set", owner_id),
        ("agent_token.withdraw", &withdrawn),
        ("agent.revoke", &agent),
    ] {
        let row = rows.iter().find(|row| row["action"] == action && row["entity_id"] == id.as_str());
        let row = row.unwrap_or_else(|| panic!("{action} left no row: {rows:#?}"));
        assert_eq!(row["actor_kind"], "command_line", "{row}");
        assert!(row["request_id"].as_str().is_some_and(|id| id.starts_with("cli-")), "{row}");
    }

    run(&["admin", "arm"], "");
    let refused = Api::log_in(control_plane.http(), "nowhere", OWNER, PASSWORD);
    let refused = refused.err().expect("there is no such ISP").problem["request_id"].clone();
    let platform: Vec<Value> = run(&["admin", "audit"], "")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row a line"))
        .collect();
    let find = |action: &str| platform.iter().find(|row| row["action"] == action).expect(action);
    let armed = find("installation.arm");
    assert_eq!(
        (&armed["actor_kind"], &armed["entity_kind"]),
        (&json!("command_line"), &json!("installation"))
    );
    assert!(armed["before_state"].is_string() && armed["after_state"].is_string(), "{armed}");
    assert_eq!(find("session.refuse")["request_id"], refused);
    assert_eq!(find("installation.create")["actor_kind"], "system");
}
