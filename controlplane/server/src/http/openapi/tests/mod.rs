//! What the document says of every operation.

mod schema;

use super::{PROBLEM, PROBLEM_TYPE, answers::NO_EXAMPLE, document};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The document as it is served.
fn served() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// Its operations: method, path, and what is said of them.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter().filter(|(_, value)| value["responses"].is_object());
        operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    all.collect()
}

/// The answers of an operation by status, those of all operations in the place of what refers to them.
fn answers<'d>(document: &'d Value, operation: &'d Value) -> Vec<(&'d str, &'d Value)> {
    let all = operation["responses"].as_object().unwrap().iter();
    let whole = |answer: &'d Value| match answer["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => answer,
    };
    all.map(|(status, answer)| (status.as_str(), whole(answer))).collect()
}

/// Names of an operation's parameters in a place.
fn parameters<'d>(operation: &'d Value, place: &str) -> Vec<&'d str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(|parameter| parameter["in"] == place)
        .filter_map(|parameter| parameter["name"].as_str())
        .collect()
}

#[test]
fn every_operation_says_what_a_problem_looks_like_and_the_public_ones_ask_for_nothing() {
    let document = served();
    let mut public = 0;
    for (method, path, operation) in operations(&document) {
        for (status, answer) in answers(&document, operation) {
            let is_problem = answer["content"][PROBLEM_TYPE]["schema"]["$ref"] == PROBLEM;
            let is_refusal = status == "default" || status.starts_with(['4', '5']);
            assert_eq!(is_problem, is_refusal, "{method} {path} {status}");
            let plain = &answer["content"]["application/json"]["schema"]["$ref"];
            assert_ne!(plain, PROBLEM, "{method} {path} {status}");
            assert!(
                answer["description"].as_str().is_some_and(|words| !words.is_empty()),
                "{method} {path} {status}"
            );
        }
        let asks_for_nothing = operation["security"] == Value::Array(Vec::new());
        assert_eq!(asks_for_nothing, operation["x-permission"] == "public", "{method} {path}");
        public += usize::from(asks_for_nothing);
    }
    assert!(public > 3, "{public}");
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = served();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{method} {path}: {name} is another's");
    }
    assert!(names.contains("get_customers_by_id"), "{names:?}");
}

#[test]
fn every_operation_lists_what_it_can_refuse_with() {
    let document = served();
    for (method, path, operation) in operations(&document) {
        let permission = operation["x-permission"].as_str().unwrap();
        let (is_public, is_platform) = (permission == "public", path.starts_with("/platform/"));
        let listed: BTreeSet<_> =
            answers(&document, operation).into_iter().map(|(status, _)| status).collect();
        let mut wanted = BTreeSet::from(["403"]);
        if !is_public {
            wanted.insert("401");
        }
        if !parameters(operation, "path").is_empty() {
            wanted.insert("404");
        }
        if parameters(operation, "header").contains(&"If-Match") {
            wanted.extend(["412", "428"]);
        }
        if parameters(operation, "header").contains(&"Idempotency-Key") {
            wanted.extend(["409", "422"]);
        }
        if operation["requestBody"].is_object() {
            wanted.extend(["413", "422"]);
        }
        if is_public && method != "get" || !is_public && !is_platform {
            wanted.insert("429");
        }
        let missing: Vec<_> = wanted.difference(&listed).collect();
        assert!(missing.is_empty(), "{method} {path}: {missing:?} is not among {listed:?}");
    }
}

/// A refusal is shown with its status, its code, and the type that ends with it.
#[test]
fn every_refusal_is_shown_as_it_is_answered() {
    let document = served();
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for (method, path, operation) in operations(&document) {
        for (status, answer) in answers(&document, operation) {
            let content = &answer["content"][PROBLEM_TYPE];
            if content.is_null() {
                continue;
            }
            let at = format!("{method} {path} {status}");
            let problem = &content["example"];
            let code =
                problem["code"].as_str().filter(|code| !code.is_empty()).unwrap_or_else(|| panic!("{at}"));
            assert_eq!(problem["type"], format!("https://atalaya.dev/problems/{code}"), "{at}");
            let words = answer["description"].as_str().unwrap();
            if status != "default" {
                assert_eq!(problem["status"].to_string(), status, "{at}");
                assert!(
                    words.starts_with(&format!("`{code}`: ")),
                    "{at}: {words:?} begins with another code"
                );
            }
            *codes.entry(code).or_default() += 1;
        }
    }
    for (code, least) in [("permission_missing", 100), ("invoice_void", 1), ("wrong_login", 5)] {
        assert!(codes.get(code).is_some_and(|count| *count >= least), "{code}: {codes:?}");
    }
}

/// An example that says nothing.
fn has_blank(example: &Value) -> bool {
    match example {
        Value::String(text) => text == NO_EXAMPLE,
        Value::Array(items) => items.iter().any(has_blank),
        Value::Object(fields) => fields.values().any(has_blank),
        _ => false,
    }
}

#[test]
fn every_answer_and_every_body_has_an_example_that_its_schema_allows() {
    let document = served();
    let schemas = &document["components"]["schemas"];
    let (mut wrong, mut shown) = (Vec::new(), 0);
    for (method, path, operation) in operations(&document) {
        let answers =
            answers(&document, operation).into_iter().map(|(status, answer)| (status, &answer["content"]));
        for (of, contents) in answers.chain([("body", &operation["requestBody"]["content"])]) {
            for (kind, content) in contents.as_object().into_iter().flatten() {
                let at = format!("{method} {path} {of} {kind}");
                let example = &content["example"];
                if !content["schema"].is_object() {
                    continue;
                }
                shown += 1;
                if example.is_null() {
                    wrong.push(format!("{at}: no example"));
                } else if has_blank(example) {
                    wrong.push(format!("{at}: a text in it has no example: {example}"));
                } else if kind.ends_with("json") {
                    let faults = schema::faults(schemas, &content["schema"], example);
                    wrong.extend(faults.into_iter().map(|fault| format!("{at}{fault}")));
                } else if !example.is_string() {
                    wrong.push(format!("{at}: {example} is no text"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {shown}: {wrong:#?}", wrong.len());
    assert!(shown > 600, "{shown}");
}

#[test]
fn every_link_leads_to_an_operation_that_takes_what_it_gives() {
    let document = served();
    let schemas = &document["components"]["schemas"];
    let by_name: BTreeMap<_, _> =
        operations(&document).into_iter().map(|(.., to)| (to["operationId"].as_str().unwrap(), to)).collect();
    let mut followed = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let from = operation["operationId"].as_str().unwrap();
        for (status, answer) in answers(&document, operation) {
            for (name, link) in answer["links"].as_object().into_iter().flatten() {
                let at = format!("{method} {path} {status} {name}");
                let to = link["operationId"]
                    .as_str()
                    .and_then(|to| by_name.get(to))
                    .unwrap_or_else(|| panic!("{at}"));
                let given: Vec<_> = link["parameters"].as_object().unwrap().iter().collect();
                let [(parameter, expression)] = given[..] else { panic!("{at}: {link}") };
                assert_eq!(parameters(to, "path"), [parameter.as_str()], "{at}");
                // What the answer is shown with has something there.
                let place = expression.as_str().unwrap().strip_prefix("$response.body#").unwrap();
                let content = &answer["content"]["application/json"];
                assert!(
                    content["example"].pointer(place).is_some_and(Value::is_string),
                    "{at}: {expression}"
                );
                assert!(schema::faults(schemas, &content["schema"], &content["example"]).is_empty(), "{at}");
                followed.insert((from, link["operationId"].as_str().unwrap()));
            }
        }
    }
    for expected in [
        ("post_customers", "get_customers_by_id"),
        ("post_services", "post_services_by_id_cut"),
        ("get_invoices", "get_invoices_by_id"),
        ("post_services_by_id_attachments", "delete_attachments_by_id"),
    ] {
        assert!(followed.contains(&expected), "{expected:?} is not among {followed:?}");
    }
    let reads_of_lists = followed.iter().filter(|(from, _)| from.starts_with("get_"));
    assert!(reads_of_lists.clone().all(|(_, to)| to.starts_with("get_")), "{followed:?}");
    assert!(followed.len() > 60, "{}: {followed:?}", followed.len());
}

#[test]
fn every_post_that_can_be_sent_again_says_how() {
    let document = served();
    let mut told = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let keys = operation["parameters"].as_array().into_iter().flatten();
            let keys = keys.filter(|parameter| parameter["name"] == "Idempotency-Key").count();
            let is_private = operation["x-permission"] != "public" && !path.starts_with("/platform/");
            let wanted = usize::from(method == "post" && is_private);
            assert_eq!(keys, wanted, "{method} {path}");
            told += keys;
        }
    }
    assert!(told > 40, "{told}");
}

#[test]
fn every_operation_says_what_it_does_and_shows_a_body() {
    let document = served();
    let mut bodies = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in
            item.as_object().unwrap().iter().filter(|(_, value)| value["responses"].is_object())
        {
            assert!(
                operation["summary"].as_str().is_some_and(|text| text.len() > 3),
                "{method} {path}: a summary"
            );
            for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                bodies += 1;
                let example = &content["example"];
                let is_shown =
                    if kind == "application/json" { example.is_object() } else { example.is_string() };
                assert!(is_shown, "{method} {path}: an example of the body");
            }
        }
    }
    assert!(bodies > 40, "{bodies}");
}

/// Objects of answers whose fields no schema can name, and why.
const OPEN: [(&str, &str); 3] = [
    ("Problem.params", "values for the sentence of each code, which docs/api.md lists"),
    ("Event.payload", "the facts of each kind of event, which docs/events.md lists"),
    ("Page_Event.items[].payload", "the same, in a list"),
];

#[test]
fn what_is_answered_has_fields_with_names() {
    let document = served();
    let mut open = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        nameless(schema, name, &mut open);
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for response in operation["responses"].as_object().into_iter().flat_map(|all| all.values()) {
                for content in response["content"].as_object().into_iter().flat_map(|all| all.values()) {
                    nameless(&content["schema"], &format!("{method} {path}"), &mut open);
                }
            }
        }
    }
    let declared: BTreeSet<_> = OPEN.iter().map(|(at, _)| (*at).to_owned()).collect();
    assert_eq!(open, declared);
}

/// Adds each place of a schema that takes any value, or an object of any fields.
fn nameless(schema: &Value, at: &str, open: &mut BTreeSet<String>) {
    // `false`: nothing more, as behind the places of a tuple.
    if schema == false
        || schema["$ref"].is_string()
        || schema["enum"].is_array()
        || schema["const"].is_string()
    {
        return;
    }
    let parts = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array());
    let parts: Vec<_> = parts.flatten().collect();
    let has = |name: &str| {
        schema["type"] == name
            || schema["type"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
    };
    if schema["type"].is_null() && parts.is_empty()
        || has("object") && schema["properties"].is_null() && !schema["additionalProperties"].is_object()
    {
        open.insert(at.to_owned());
    }
    parts.iter().for_each(|part| nameless(part, at, open));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        nameless(field, &format!("{at}.{name}"), open);
    }
    if has("array") {
        nameless(&schema["items"], &format!("{at}[]"), open);
    }
    if schema["additionalProperties"].is_object() {
        nameless(&schema["additionalProperties"], &format!("{at}.*"), open);
    }
}
