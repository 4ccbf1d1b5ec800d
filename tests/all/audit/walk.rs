//! One call after another, each looked up in the audit trail.

use atalaya_tests::harness::{Answer, Api};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an operation must leave behind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leaves {
    /// Something new: the state after.
    Made,
    /// Something else than before: both states, and they differ.
    Changed,
    /// Nothing any more: the state before.
    Removed,
    /// Something was asked for or set that has no state to show, such as a password.
    Asked,
}

/// What is done before each call, on the things that the call will be about.
type Before<'w> = Box<dyn FnMut(&Call<'_>) + 'w>;

/// The walk through the document.
pub(crate) struct Walk<'w> {
    owner: &'w Api,
    owner_id: String,
    covered: BTreeSet<String>,
    before: Option<Before<'w>>,
}

/// One call: `METHOD /path/of/the/document`, the path with ids, what it is about.
pub(crate) struct Call<'c> {
    pub(crate) operation: &'static str,
    pub(crate) path: &'c str,
    pub(crate) version: Option<i64>,
    pub(crate) body: Option<Value>,
    pub(crate) leaves: Leaves,
    /// Kind of the thing.
    pub(crate) kind: &'static str,
    /// Its id; found in the answer when absent.
    pub(crate) id: Option<&'c str>,
    /// JSON pointer to the id in the answer.
    pub(crate) id_at: &'static str,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(owner: &'w Api) -> Self {
        let session = owner.get("/session").expect("the owner is logged in");
        let owner_id = session["user"]["id"].as_str().expect("a user has an id").to_owned();
        Self { owner, owner_id, covered: BTreeSet::new(), before: None }
    }

    /// The same, with something that is done before each call.
    pub(crate) fn with_before(owner: &'w Api, before: impl FnMut(&Call<'_>) + 'w) -> Self {
        Self { before: Some(Box::new(before)), ..Self::new(owner) }
    }

    /// Calls as the owner; the answer's body.
    pub(crate) fn call(&mut self, call: Call<'_>) -> Value {
        let owner = self.owner;
        let actor = self.owner_id.clone();
        self.call_as(owner, &actor, call)
    }

    /// Calls as somebody, who must stand in the row.
    pub(crate) fn call_as(&mut self, who: &Api, actor: &str, call: Call<'_>) -> Value {
        if let Some(before) = &mut self.before {
            before(&call);
        }
        let Call { operation, path, version, body, .. } = &call;
        let method = operation.split(' ').next().expect("an operation begins with its method");
        let answer = who
            .call(method, path, *version, body.as_ref())
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        let rows = self.rows(&answer.request_id);
        demand_row(&rows, "user", &answer, actor, &call);
        self.covered.insert((*operation).to_owned());
        answer.body
    }

    /// Calls as an operator of the installation, who must stand in a row of the installation's own trail.
    pub(crate) fn call_as_operator(&mut self, who: &Api, actor: &str, call: Call<'_>) -> Value {
        self.call_reading_with(who, who, actor, call)
    }

    /// The same, the trail read by another log-in: the caller's may have ended.
    pub(crate) fn call_reading_with(
        &mut self,
        who: &Api,
        reader: &Api,
        actor: &str,
        call: Call<'_>,
    ) -> Value {
        if let Some(before) = &mut self.before {
            before(&call);
        }
        let Call { operation, path, version, body, .. } = &call;
        let method = operation.split(' ').next().expect("an operation begins with its method");
        let answer = who
            .call(method, path, *version, body.as_ref())
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        let page = reader.get("/platform/audit?limit=200").expect("the installation's trail can be read");
        let rows = page["items"].as_array().expect("a page has items").clone();
        let rows: Vec<_> =
            rows.into_iter().filter(|row| row["request_id"] == answer.request_id.as_str()).collect();
        demand_row(&rows, "operator", &answer, actor, &call);
        self.covered.insert((*operation).to_owned());
        answer.body
    }

    /// An operation that reads though it is posted: it has nothing to leave a row about.
    pub(crate) fn changes_nothing(&mut self, operation: &str) {
        self.covered.insert(operation.to_owned());
    }

    /// Rows of a request, from the API.
    pub(crate) fn rows(&self, request_id: &str) -> Vec<Value> {
        assert!(!request_id.is_empty(), "every answer names its request");
        let page = self.owner.get("/audit?limit=200").expect("the audit trail can be read");
        let rows = page["items"].as_array().expect("a page has items").clone();
        rows.into_iter().filter(|row| row["request_id"] == request_id).collect()
    }

    /// Rows about a thing, newest first.
    pub(crate) fn about(&self, id: &str) -> Vec<Value> {
        let page = self.owner.get(&format!("/audit?entity_id={id}")).expect("the audit trail can be read");
        page["items"].as_array().expect("a page has items").clone()
    }

    /// Fails for an operation of the document that was not called, or that is called and not in it.
    pub(crate) fn demand_every_operation(&self) {
        let document = serde_json::to_value(atalaya_server::http::document()).expect("the document is JSON");
        let paths = document["paths"].as_object().expect("the document has paths");
        let operations: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().expect("a path has methods");
                methods.keys().map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .filter(|operation| !operation.starts_with("GET "))
            .collect();
        assert!(operations.len() > 30, "the document lists what may change something");
        assert_eq!(self.covered, operations, "each operation that may change something is called once");
    }
}

/// Demands of the rows of a request one about its thing, by its caller, with the states that it leaves.
fn demand_row(rows: &[Value], kind: &str, answer: &Answer, actor: &str, call: &Call<'_>) {
    let id = call.id.or_else(|| answer.body.pointer(call.id_at)?.as_str()).unwrap_or_default();
    assert!(!id.is_empty(), "{}: which thing is it about? {}", call.operation, answer.body);
    let row = rows
        .iter()
        .find(|row| row["entity_kind"] == call.kind && row["entity_id"] == id)
        .unwrap_or_else(|| panic!("{} left no row about {} {id}: {rows:#?}", call.operation, call.kind));
    assert_eq!(row["actor_kind"], kind, "{}: {row}", call.operation);
    assert_eq!(row["actor_id"], actor, "{}: {row}", call.operation);
    for field in ["actor_name", "action", "occurred_at"] {
        assert!(row[field].as_str().is_some_and(|text| !text.is_empty()), "{}: {row}", call.operation);
    }
    let state = |field: &str| -> Option<Value> {
        let text = row[field].as_str()?;
        Some(serde_json::from_str(text).expect("a state is JSON"))
    };
    let (before, after) = (state("before_state"), state("after_state"));
    let complete = match call.leaves {
        Leaves::Made => before.is_none() && after.is_some(),
        Leaves::Changed => before.is_some() && after.is_some() && before != after,
        Leaves::Removed => before.is_some(),
        Leaves::Asked => true,
    };
    assert!(complete, "{} must leave {:?}: {row}", call.operation, call.leaves);
}
