//! People whom a thing does not concern, and what they are told.

use atalaya_tests::{
    harness::{Answer, Api, ApiError, ControlPlane},
    isp::PASSWORD,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Another ISP of the same installation.
const OTHER: &str = "otra-red";

/// Operations that are there for people who are not logged in: they have no foreign thing to be about.
const FOR_EVERYBODY: [&str; 2] = ["POST /session", "GET /login-options"];

/// The owner of another tenant, and nobody.
pub(super) struct Outsiders {
    stranger: Api,
    nobody: Api,
}

impl Outsiders {
    /// Makes the other tenant and logs its owner in.
    pub(super) fn settle(control_plane: &ControlPlane) -> Self {
        let tenant = ["--slug", OTHER, "--name", "Otra Red", "--country", "PE", "--currency", "PEN"];
        let zone = ["--time-zone", "America/Lima"];
        let make = [&["admin", "tenant", "create"][..], &tenant[..], &zone[..]].concat();
        control_plane.command(&make, "").expect("another tenant can be made");
        let email = "ana@otrared.example";
        let user = ["admin", "user", "create", "--tenant", OTHER, "--email", email, "--name", "Ana Otra"];
        control_plane.command(&user, PASSWORD).expect("it gets an owner");
        let stranger = control_plane.log_in(OTHER, email, PASSWORD).expect("who can log in");
        Self { stranger, nobody: Api::anonymous(control_plane.http()) }
    }

    /// Tries what the owner is about to do.
    pub(super) fn try_call(
        &self,
        operation: &str,
        method: &str,
        path: &str,
        version: Option<i64>,
        body: Option<&Value>,
    ) {
        if FOR_EVERYBODY.contains(&operation) {
            return;
        }
        // Logging out is answered alike whoever asks; the stranger still needs its session.
        if operation != "DELETE /session" {
            refuse_nobody(operation, self.nobody.call(method, path, version, body));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let ids = ids_in(&format!("{path} {text}"));
        if ids.is_empty() {
            // About nothing that exists: the stranger's own tenant is changed, as is its right.
            return;
        }
        let real = self.stranger.call(method, path, version, body);
        let twin = twin_of(body.map_or("null", |_| text.as_str()), &ids);
        let twin: Option<Value> = body.map(|_| serde_json::from_str(&twin).expect("ids are plain text"));
        let unreal = self.stranger.call(method, &twin_of(path, &ids), version, twin.as_ref());
        same_refusal(operation, real, unreal);
    }

    /// Tries to read what the owner reads.
    pub(super) fn try_read(&self, operation: &str, path: &str, ours: &Value) {
        if FOR_EVERYBODY.contains(&operation) {
            return;
        }
        refuse_nobody(operation, self.nobody.call("GET", path, None, None));
        let ids = ids_in(path);
        let real = self.stranger.call("GET", path, None, None);
        let in_the_path = operation.contains('{');
        if in_the_path {
            let unreal = self.stranger.call("GET", &twin_of(path, &ids), None, None);
            return same_refusal(operation, real, unreal);
        }
        // A list of its own things, or of none; a foreign id in a filter finds nothing.
        let Ok(Answer { body, .. }) = real else {
            let unreal = self.stranger.call("GET", &twin_of(path, &ids), None, None);
            return same_refusal(operation, real, unreal);
        };
        let theirs = ids_in(&body.to_string());
        let foreign: Vec<String> = ids_in(&ours.to_string())
            .intersection(&theirs)
            .filter(|id| !ids.contains(*id))
            .cloned()
            .collect();
        assert!(foreign.is_empty(), "{operation}: a stranger reads {foreign:?}");
    }
}

fn refuse_nobody(operation: &str, answer: Result<Answer, ApiError>) {
    let error = answer.err().unwrap_or_else(|| panic!("{operation}: nobody is let in"));
    assert_eq!((error.status, error.code()), (401, "unauthenticated"), "{operation}: {error}");
    assert!(ids_in(&error.problem.to_string()).is_empty(), "{operation}: nobody learns an id: {error}");
}

/// Both are refused, with the same words.
fn same_refusal(operation: &str, real: Result<Answer, ApiError>, unreal: Result<Answer, ApiError>) {
    let refusal = |what: &str, answer: Result<Answer, ApiError>| {
        let error = match answer {
            Err(error) => error,
            Ok(answer) => panic!("{operation}: a stranger's call about {what} succeeds: {}", answer.body),
        };
        let mut problem = error.problem;
        problem["request_id"] = Value::Null;
        let text = problem.to_string();
        let nameless = ids_in(&text).iter().fold(text.clone(), |text, id| text.replace(id.as_str(), "ID"));
        (error.status, nameless)
    };
    let (real, unreal) = (refusal("our thing", real), refusal("nothing", unreal));
    assert!((400..500).contains(&real.0), "{operation}: {real:?}");
    assert_eq!(real, unreal, "{operation}: a stranger can tell that our thing exists");
}

/// Ids of things (`dev_01j…`) in a text.
fn ids_in(text: &str) -> BTreeSet<String> {
    let is_id = |word: &&str| {
        let Some((prefix, rest)) = word.split_once('_') else { return false };
        prefix.len() == 3
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
            && rest.len() == 26
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(is_id).map(str::to_owned).collect()
}

/// The text with each id replaced by one of the same kind that never existed.
fn twin_of(text: &str, ids: &BTreeSet<String>) -> String {
    ids.iter().fold(text.to_owned(), |text, id| {
        // The last letters are random: reversed they are another's of the same moment.
        let (head, tail) = id.split_at(id.len() - 8);
        let other: String = tail.chars().rev().collect();
        let other = if other == tail { "00000000".to_owned() } else { other };
        text.replace(id.as_str(), &format!("{head}{other}"))
    })
}
