//! Who may speak: enrolment that is killed in the middle, a stranger's certificate, revocation from another process, and
//! two machines with one identity.

use super::{Database, on_each_database};
use atalaya_pki::JoinString;
use atalaya_tests::{
    harness::{Agent, Api, ControlPlane, wait_until},
    isp::{Founded, TENANT, id_of},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command, time::Duration};

const SOON: Duration = Duration::from_secs(60);
/// What revoking promises, and a second for a machine that runs other tests beside it.
const REVOKED_WITHIN: Duration = Duration::from_secs(3);

on_each_database!(an_agent_enrols_whatever_happens_and_a_revoked_one_is_out);

fn an_agent_enrols_whatever_happens_and_a_revoked_one_is_out(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hq, owner) = tenant(database, &folder.path().join("hq"));

    // Killed with the key on disk, with the request sent, with the certificate received: the same join string again gets
    // the same key its certificate.
    let join = join_string(&owner, "Cerro Alto");
    let home = folder.path().join("tower");
    let mut keys = Vec::new();
    for fault in ["enrol.after_key", "enrol.after_request", "enrol.before_keep"] {
        let said = Agent::enroll_with(&home, &join.text, Some(fault)).expect_err("it was killed");
        assert!(said.to_string().contains("signal"), "killed at {fault}: {said}");
        keys.push(fs::read(home.join("state/identity/key.pem")).expect("the key is on disk"));
    }
    Agent::enroll(&home, &join.text).expect("the same join string works again");
    keys.push(fs::read(home.join("state/identity/key.pem")).expect("the key is on disk"));
    keys.dedup();
    assert_eq!(keys.len(), 1, "one key throughout");

    // Another machine with the same join string is refused, and people are told.
    let thief = Agent::enroll(&folder.path().join("thief"), &join.text).expect_err("the token was used");
    assert!(thief.to_string().contains("used"), "in words: {thief}");
    assert!(events(&owner).contains(&"agent.enrolment_refused".to_owned()), "{:?}", events(&owner));

    // A gateway whose root is another than the join string says is not trusted.
    let mut wrong = JoinString::decode(&join_string(&owner, "Loma Verde").text).expect("a join string");
    wrong.root_fingerprint[0] ^= 1;
    let wrong = wrong.encode().expect("it is encoded again");
    let refused = Agent::enroll(&folder.path().join("pinned"), &wrong).expect_err("a wrong root");
    assert!(
        refused.to_string().contains("root is not the one that the join string names"),
        "in words: {refused}"
    );

    let mut agent = Agent::start(&home, None).expect("the agent starts");
    wait_until("the agent to be connected", SOON, || state(&owner, &join.agent) == "connected");

    // A second machine with a copy of the identity: the newer one wins, and both ends say so.
    let copy = folder.path().join("copy");
    copy_state(&home, &copy);
    let second = Agent::start(&copy, None).expect("the copy starts");
    wait_until("the first to be superseded", SOON, || link(&agent) == "superseded");
    wait_until("headquarters to tell people", SOON, || {
        seen(&owner, &join.agent)["duplicate_identity_at"].is_string()
    });
    wait_until("the copy to be connected", SOON, || link(&second) == "connected");
    assert!(events(&owner).contains(&"agent.duplicate_identity".to_owned()));
    drop(second);
    agent.restart(None).expect("it starts again");
    wait_until("the agent to be connected again", SOON, || link(&agent) == "connected");

    // Revoked by another process, while the server runs.
    let revoke = ["agent", "revoke", "--tenant", TENANT, "--reason", "The machine was stolen", &join.agent];
    hq.command(&revoke, "").expect("the command line can revoke");
    wait_until("its connection to be closed", REVOKED_WITHIN, || state(&owner, &join.agent) == "revoked");
    wait_until("the agent to know", SOON, || link(&agent) == "revoked");
    agent.restart(None).expect("it starts again");
    wait_until("the agent to be sent away at the door", SOON, || link(&agent) == "revoked");
    let events = events(&owner);
    assert!(events.contains(&"agent.revoked".to_owned()), "{events:?}");

    a_stranger_is_refused(database, folder.path(), &hq, &owner);
}

/// An agent of another installation, told to connect here: its root is not ours, and ours not its.
fn a_stranger_is_refused(database: Database, folder: &Path, hq: &ControlPlane, owner: &Api) {
    let (_elsewhere, stranger_owner) = tenant(database, &folder.join("elsewhere"));
    let join = join_string(&stranger_owner, "Valle Sur");
    let home = folder.join("stranger");
    Agent::enroll(&home, &join.text).expect("it enrols at home");
    let gateways = format!("gateways = [\"{}\"]\n", hq.options.gateway);
    fs::write(home.join("agent.toml"), gateways).expect("the agent's folder can be written");
    let stranger = Agent::start(&home, None).expect("the agent starts");
    wait_until("the stranger to say why it is not let in", SOON, || {
        let status = stranger.status();
        status["link"]["state"] == "waiting"
            && status["link"]["detail"].as_str().is_some_and(|why| !why.is_empty())
    });
    let agents = owner.get("/agents").expect("agents can be listed");
    let connected =
        agents["items"].as_array().expect("a list").iter().filter(|agent| agent["state"] == "connected");
    assert_eq!(connected.count(), 0, "nobody came in: {agents}");
}

struct Join {
    text: String,
    agent: String,
}

fn tenant(database: Database, folder: &Path) -> (ControlPlane, Api) {
    let Founded { control_plane, owner, .. } =
        Founded::start(database.options(folder)).expect("the control plane starts");
    (control_plane, owner)
}

fn join_string(owner: &Api, site: &str) -> Join {
    let site = id_of(&owner.post("/sites", &json!({"name": site})).expect("a site can be made"));
    let token =
        owner.post("/agent-tokens", &json!({"site_id": site.expect("an id")})).expect("a token can be made");
    let text = |name: &str| token[name].as_str().expect("a token has it").to_owned();
    Join { text: text("join_string"), agent: text("agent_id") }
}

fn seen(owner: &Api, agent: &str) -> Value {
    owner.get(&format!("/agents/{agent}")).unwrap_or_default()
}

fn state(owner: &Api, agent: &str) -> String {
    seen(owner, agent)["state"].as_str().unwrap_or_default().to_owned()
}

fn link(agent: &Agent) -> String {
    let status = agent.status();
    status["link"]["state"].as_str().unwrap_or_default().to_owned()
}

fn events(owner: &Api) -> Vec<String> {
    let events = owner.get("/events?limit=200").expect("events can be read");
    let events = events["items"].as_array().expect("a list").clone();
    events.iter().filter_map(|event| event["type"].as_str().map(str::to_owned)).collect()
}

/// Copies the identity of a running agent as somebody with a disk image has it.
fn copy_state(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    // The agent writes on meanwhile: a file that it replaces between being listed and being read fails the copy.
    wait_until("the state to be copied", SOON, || {
        let _ = fs::remove_dir_all(to.join("state"));
        let copied = Command::new("cp").arg("-a").arg(from.join("state")).arg(to).status();
        copied.expect("cp can be started").success()
    });
    // Its measurements are those of the machine that it was taken from.
    for data in ["buffer", "journal", "status.json"] {
        let path = to.join("state").join(data);
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}
