//! Where an answer leads: links from what was made, and from the first row of a list, to the operations that take its id.
//!
//! Nobody writes them: ids are typed, so that the answer's `id` and the parameter of a path say whether they belong together.

use super::{as_json, operations, permission};
use serde_json::Value;
use utoipa::openapi::{
    Content, OpenApi, RefOr,
    link::{Link, LinkBuilder},
    path::{Operation, ParameterIn},
};

/// An operation that an id is all it wants in its path.
struct Target {
    operation: String,
    method: &'static str,
    path: String,
    parameter: String,
    /// The schema of the parameter, where it has a name: each kind of id has one of its own.
    kind: Option<String>,
    summary: String,
}

impl Target {
    fn of(method: &'static str, path: &str, operation: &Operation) -> Option<Self> {
        let mut in_path = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path => Some(parameter),
            _ => None,
        });
        let (Some(parameter), None) = (in_path.next(), in_path.next()) else { return None };
        Some(Self {
            operation: operation.operation_id.clone()?,
            method,
            path: path.to_owned(),
            parameter: parameter.name.clone(),
            kind: as_json(&parameter.schema)["$ref"].as_str().map(str::to_owned),
            summary: operation.summary.clone().unwrap_or_default(),
        })
    }

    /// Whether it takes an id of this kind from an answer of this path, and whoever got the answer may ask it.
    fn takes(&self, from: &str, kind: Option<&str>) -> bool {
        let is_of = |part: &str, path: &str| path.starts_with(part);
        // An operator of the installation and somebody of an ISP are two, with different cookies; what is below `/me` is the
        // caller's own, and an id of somebody else's leads nowhere.
        let is_theirs = is_of("/platform/", &self.path) == is_of("/platform/", from)
            && (is_of("/me/", from) || !is_of("/me/", &self.path));
        // Where ids are plain texts, those of a list are of what stands below it.
        let is_below = self.path.strip_prefix(from).is_some_and(|rest| rest.starts_with("/{"));
        is_theirs && self.kind.as_deref() == kind && (kind.is_some() || is_below)
    }

    fn link(&self, id: &str) -> Link {
        LinkBuilder::new()
            .operation_id(self.operation.clone())
            .parameter(self.parameter.clone(), format!("$response.body#{id}"))
            .description(self.summary.clone())
            .build()
    }
}

/// Where the id of a new thing stands in an answer, and where that of the first row of a list.
const NEW: &str = "/id";
const FIRST_ROW: &str = "/items/0/id";

/// Puts the links into the document, for answers of which whoever gets them is logged in; `schemas` are its components, as JSON.
pub(super) fn follow(document: &mut OpenApi, schemas: &Value) {
    let mut targets = Vec::new();
    for (path, item) in &mut document.paths.paths {
        targets
            .extend(operations(item).filter_map(|(method, operation)| Target::of(method, path, operation)));
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item).filter(|(_, operation)| permission(operation) != "public")
        {
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                let Some(RefOr::T(Content { schema, .. })) = response.content.get("application/json") else {
                    continue;
                };
                let answer = as_json(schema);
                let Some(at) = leads_on(method, status, path) else { continue };
                let Some(id) = id_in(schemas, &answer, at) else { continue };
                let kind = id["$ref"].as_str();
                // What stands in a list is there already and in use: nothing is done to it by following a link.
                let fitting = targets.iter().filter(|target| at == NEW || target.method == "get");
                for target in fitting.filter(|target| target.takes(path, kind)) {
                    response.links.insert(target.operation.clone(), RefOr::T(target.link(at)));
                }
            }
        }
    }
}

/// Where an answer holds an id with which there is more to do, if it is of the kind that does. What acts on a thing answers with
/// the thing that the caller named: only what is new leads on.
fn leads_on(method: &str, status: &str, path: &str) -> Option<&'static str> {
    match (method, status) {
        ("post", "201") => Some(NEW),
        ("post", "200" | "202") if !path.contains('{') => Some(NEW),
        ("get", "200") => Some(FIRST_ROW),
        _ => None,
    }
}

/// The schema of the id that stands there.
fn id_in<'s>(schemas: &'s Value, answer: &'s Value, at: &str) -> Option<&'s Value> {
    if at == NEW {
        return field(schemas, answer, "id");
    }
    let items = field(schemas, answer, "items")?;
    field(schemas, items.get("items")?, "id")
}

/// The schema of a field of an object, wherever its parts are declared.
fn field<'s>(schemas: &'s Value, schema: &'s Value, name: &str) -> Option<&'s Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        return field(schemas, schemas.get(reference.rsplit('/').next()?)?, name);
    }
    let own = schema.get("properties").and_then(|fields| fields.get(name));
    own.or_else(|| schema["allOf"].as_array()?.iter().find_map(|part| field(schemas, part, name)))
}
