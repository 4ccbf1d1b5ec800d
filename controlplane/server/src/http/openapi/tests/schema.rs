//! Whether a value is what a schema of the document says. Enough of JSON Schema for the schemas that are made here; others judge
//! the document as a whole (schemathesis).

use atalaya_kernel::time::{Date, Timestamp};
use serde_json::Value;

/// The places of a value that are other than the schema says, each with why.
pub(super) fn faults(schemas: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    judge(schemas, schema, value, "", &mut found);
    found
}

fn fits(schemas: &Value, schema: &Value, value: &Value) -> bool {
    faults(schemas, schema, value).is_empty()
}

fn judge(schemas: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut fault = |says: String| found.push(format!("{at}: {says}, and there is {value}"));
    if schema == false {
        fault("nothing may be here".to_owned());
        return;
    }
    if let Some(kinds) = kinds(schema)
        && !kinds.iter().any(|kind| is_a(kind, value))
    {
        fault(format!("expected {kinds:?}"));
        return;
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        fault(format!("expected one of {values:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        fault(format!("expected {}", schema["const"]));
    }
    if let Some(number) = value.as_f64() {
        if schema["minimum"].as_f64().is_some_and(|least| number < least) {
            fault(format!("expected at least {}", schema["minimum"]));
        }
        if schema["maximum"].as_f64().is_some_and(|most| number > most) {
            fault(format!("expected at most {}", schema["maximum"]));
        }
    }
    if let Some(text) = value.as_str() {
        let length = u64::try_from(text.chars().count()).unwrap();
        if schema["minLength"].as_u64().is_some_and(|least| length < least)
            || schema["maxLength"].as_u64().is_some_and(|most| length > most)
        {
            fault(format!("expected {} to {} characters", schema["minLength"], schema["maxLength"]));
        }
        let is_one = match schema["format"].as_str() {
            Some("date-time") => text.parse::<Timestamp>().is_ok(),
            Some("date") => text.parse::<Date>().is_ok(),
            _ => true,
        };
        if !is_one {
            fault(format!("expected a {}", schema["format"]));
        }
    }
    for field in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(field).is_none() {
            fault(format!("{field} is missing"));
        }
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[word].as_array()
            && !choices.iter().any(|choice| fits(schemas, choice, value))
        {
            fault(format!("it is none of {}", schema[word]));
        }
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        judge(schemas, &schemas[name], value, at, found);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        judge(schemas, part, value, at, found);
    }
    parts(schemas, schema, value, at, found);
}

/// The fields of an object and the places of a list.
fn parts(schemas: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(field), _) | (None, Some(field)) => {
                judge(schemas, field, value, &format!("{at}/{name}"), found);
            }
            (None, None) => {}
        }
    }
    let places = schema["prefixItems"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (number, value) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(schema) = places.get(number).or_else(|| schema.get("items")) {
            judge(schemas, schema, value, &format!("{at}/{number}"), found);
        }
    }
}

/// The types that a schema allows; none where it does not say.
fn kinds(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        kind => kind.as_str().map(|kind| vec![kind]),
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[test]
fn a_value_is_judged_by_its_schema() {
    use serde_json::json;
    let schemas = json!({"Row": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "minLength": 2},
            "size": {"type": ["integer", "null"], "minimum": 0},
            "at": {"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "place": {"type": "array", "prefixItems": [{"type": "integer"}], "items": false},
        },
        "additionalProperties": false,
    }});
    let row = json!({"$ref": "#/components/schemas/Row"});
    for good in [
        json!({"id": "ab"}),
        json!({"id": "ab", "size": null, "at": null, "kind": "b", "place": [1]}),
        json!({"id": "ab", "size": 3, "at": "2026-11-05T15:07:09.000Z"}),
    ] {
        assert_eq!(faults(&schemas, &row, &good), Vec::<String>::new());
    }
    for wrong in [
        json!(null),
        json!({}),
        json!({"id": "a"}),
        json!({"id": "ab", "size": -1}),
        json!({"id": "ab", "size": 1.5}),
        json!({"id": "ab", "at": "yesterday"}),
        json!({"id": "ab", "kind": "c"}),
        json!({"id": "ab", "place": [1, 2]}),
        json!({"id": "ab", "other": 1}),
    ] {
        assert_eq!(faults(&schemas, &row, &wrong).len(), 1, "{wrong}");
    }
}
