//! Examples for the document: a call that really works, for each operation.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A call that worked, or will once.
struct Example {
    /// Path with ids, and its query.
    path: String,
    version: Option<i64>,
    body: Option<Value>,
}

/// By operation, `POST /sites`; the last one wins.
#[derive(Default)]
pub(super) struct Examples(BTreeMap<String, Example>);

impl Examples {
    pub(super) fn add(&mut self, operation: &str, path: &str, version: Option<i64>, body: Option<Value>) {
        self.0.insert(operation.to_owned(), Example { path: path.to_owned(), version, body });
    }

    /// The document of all routes, with these in it.
    pub(super) fn into_document(self) -> Value {
        let mut document =
            serde_json::to_value(atalaya_server::http::document()).expect("the document is JSON");
        forget_answers(&mut document);
        for (operation, example) in &self.0 {
            let (method, path) = operation.split_once(' ').expect("a method and a path");
            let told =
                document["paths"].get_mut(path).and_then(|methods| methods.get_mut(method.to_lowercase()));
            let told = told.unwrap_or_else(|| panic!("{operation} is not in the document"));
            example.tell(path, told);
            if path.starts_with("/platform/") {
                // The operator's cookie goes with every call: that nobody gets in without it, the isolation walk shows.
                told["security"] = json!([]);
            }
        }
        document
    }
}

/// Takes the examples of answers out: their ids are nobody's, and would be asked for as if they were there. That they are what
/// their schemas say, a test of the document itself shows.
fn forget_answers(document: &mut Value) {
    let operations = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = operations.filter_map(Value::as_object_mut).flat_map(|methods| methods.values_mut());
    let answers = operations.filter_map(|operation| operation.get_mut("responses")?.as_object_mut());
    for answer in answers.flat_map(|answers| answers.values_mut()) {
        let contents = answer.get_mut("content").and_then(Value::as_object_mut);
        for content in contents.into_iter().flat_map(|contents| contents.values_mut()) {
            if let Some(content) = content.as_object_mut() {
                content.remove("example");
            }
        }
    }
}

impl Example {
    /// Puts this example into an operation of the document.
    fn tell(&self, template: &str, operation: &mut Value) {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut values: Map<String, Value> = template
            .split('/')
            .zip(path.split('/'))
            .filter_map(|(name, value)| {
                Some((name.strip_prefix('{')?.strip_suffix('}')?.to_owned(), json!(value)))
            })
            .collect();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            // A number where the document wants one.
            values.insert(name.to_owned(), value.parse::<i64>().map_or(json!(value), |number| json!(number)));
        }
        if let Some(version) = self.version {
            values.insert("If-Match".to_owned(), json!(format!("\"{version}\"")));
        }
        for parameter in
            operation.pointer_mut("/parameters").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            if let Some(value) = values.get(&name) {
                // Several may be given where the document says so; the call gave one.
                let is_list = parameter["schema"]["type"] == "array";
                parameter["example"] = if is_list { json!([value]) } else { value.clone() };
                // One of the schema would be tried as well, and is nobody's.
                for word in ["example", "examples"] {
                    parameter["schema"].as_object_mut().map(|schema| schema.remove(word));
                }
            }
        }
        if let Some(body) = self.body.as_ref().filter(|body| !body.is_null())
            && let Some(content) = operation.pointer_mut("/requestBody/content/application~1json")
        {
            content["example"] = body.clone();
        }
    }
}
