//! What answers look like: an example of each, made of the examples of its fields, so that nobody writes one that the code
//! leaves behind.

use super::{as_json, operations};
use serde_json::{Map, Value, json};
use utoipa::openapi::{OpenApi, RefOr};

/// How deep schemas may lie in each other before an example leaves the rest out: one may name itself.
const DEEPEST: usize = 32;

/// What a text without an example of its own shows. No answer does: a test looks for it.
pub(super) const NO_EXAMPLE: &str = "text";

/// Puts an example into each answer that has none; `schemas` are the document's components, as JSON.
pub(super) fn show(document: &mut OpenApi, schemas: &Value) {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            for response in operation.responses.responses.values_mut() {
                let RefOr::T(response) = response else { continue };
                for (kind, content) in &mut response.content {
                    let RefOr::T(content) = content else { continue };
                    if content.schema.is_some() && content.example.is_none() && content.examples.is_empty() {
                        content.example = Some(answer(schemas, kind, &as_json(&content.schema)));
                    }
                }
            }
        }
    }
}

/// An answer of a content type: JSON, an event of the live stream as it is sent, or the bytes of a file.
fn answer(schemas: &Value, kind: &str, schema: &Value) -> Value {
    match kind {
        "text/event-stream" => {
            let event = example(schemas, schema, "", 0);
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            json!(format!("id: {}\nevent: {}\ndata: {event}\n\n", text("id"), text("type")))
        }
        "application/json" => example(schemas, schema, "", 0),
        _ => json!("(bytes)"),
    }
}

/// An example of a schema that stands in a field of this name.
fn example(schemas: &Value, schema: &Value, field: &str, depth: usize) -> Value {
    let own =
        schema.get("example").or_else(|| schema.get("examples")?.get(0)).or_else(|| schema.get("const"));
    if let Some(own) = own {
        return own.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().find(|value| !value.is_null()).cloned().unwrap_or_default();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    let of = |schema: &Value, field: &str| example(schemas, schema, field, depth + 1);
    if let Some(reference) = schema["$ref"].as_str() {
        let named = reference.rsplit('/').next().and_then(|name| schemas.get(name));
        return named.map(|named| of(named, field)).unwrap_or_default();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let fields = parts.iter().filter_map(|part| match of(part, field) {
            Value::Object(fields) => Some(fields),
            _ => None,
        });
        return fields.flatten().collect::<Map<_, _>>().into();
    }
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let may_lack = choices.iter().any(|choice| choice["type"] == "null");
        if may_lack && is_of_few(field) {
            return Value::Null;
        }
        let first = choices.iter().find(|choice| choice["type"] != "null");
        return first.map(|first| of(first, field)).unwrap_or_default();
    }
    let (kind, may_lack) = type_of(schema);
    if may_lack && is_of_few(field) {
        return Value::Null;
    }
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            fields.map(|(name, schema)| (name.clone(), of(schema, name))).collect::<Map<_, _>>().into()
        }
        "array" => match schema["prefixItems"].as_array() {
            Some(places) => places.iter().map(|place| of(place, field)).collect(),
            None => json!([of(&schema["items"], field)]),
        },
        "integer" => json!(schema["minimum"].as_i64().map_or(1, |least| least.max(1))),
        "number" => json!(1.0),
        "boolean" => json!(false),
        "string" => json!(NO_EXAMPLE),
        _ => Value::Null,
    }
}

/// The type of a schema, and whether null may stand in its place.
fn type_of(schema: &Value) -> (&str, bool) {
    match &schema["type"] {
        Value::Array(kinds) => {
            let kind = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null");
            (kind.unwrap_or_default(), kinds.iter().any(|kind| kind == "null"))
        }
        kind => (kind.as_str().unwrap_or_default(), false),
    }
}

/// Whether a field that may be null is so for most things: what has not happened, and why it did.
fn is_of_few(field: &str) -> bool {
    let ends = ["_at", "_on", "_until", "_by", "_by_name", "_cursor", "reason", "failure", "error", "since"];
    ends.iter().any(|end| field.ends_with(end))
}
