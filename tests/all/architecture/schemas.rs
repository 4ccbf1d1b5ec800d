//! One name, one schema. What makes the API document joins schemas of one name without a word, and the web app would
//! be built against the shape that happened to come last.

use super::sources::{Source, programs};
use std::collections::BTreeMap;

/// The word that starts here.
fn word(code: &str) -> &str {
    let end = code.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$')).unwrap_or(code.len());
    &code[..end]
}

/// The name of the type that is declared next, and the byte at which it stands.
fn next_type(code: &str, from: usize) -> Option<(usize, &str)> {
    let starts = ["struct ", "enum "].map(|kind| code[from..].find(kind).map(|at| from + at + kind.len()));
    let at = starts.into_iter().flatten().min()?;
    Some((at, word(&code[at..])))
}

/// The other name that attributes give a schema.
fn renamed(attributes: &str) -> Option<&str> {
    attributes.split("schema(").skip(1).find_map(|rest| {
        let (_, name) = rest[..rest.find(')')?].split_once("as = ")?;
        Some(word(name))
    })
}

/// Names of the schemas that a file declares: by `derive(ToSchema)` (under another name with `schema(as = …)`), by
/// `impl ToSchema for`, by `text_enum!` (under another name too), and by `ids!`.
fn declared(source: &Source) -> Vec<(usize, String)> {
    let code = source.code.as_str();
    let mut found = Vec::new();
    for derive in source.uses("derive(") {
        let Some(end) = code[derive..].find(')').map(|end| derive + end) else { continue };
        if !code[derive..end].contains("ToSchema") {
            continue;
        }
        let Some((at, name)) = next_type(code, end) else { continue };
        found.push((at, renamed(&code[end..at]).unwrap_or(name).to_owned()));
    }
    for start in source.uses("text_enum! {") {
        let Some((at, name)) = next_type(code, start) else { continue };
        found.push((at, renamed(&code[start..at]).unwrap_or(name).to_owned()));
    }
    for start in source.uses("\nids! {") {
        let end = code[start..].find("\n}").map_or(code.len(), |end| start + end);
        for (at, _) in code[start..end].match_indices(" = ") {
            let name = code[start..start + at].rsplit(char::is_whitespace).next().unwrap_or_default();
            found.push((start + at - name.len(), name.to_owned()));
        }
    }
    for start in source.uses("impl ToSchema for ") {
        let at = start + "impl ToSchema for ".len();
        found.push((at, word(&code[at..]).to_owned()));
    }
    // The macros themselves name no type.
    found.retain(|(_, name)| !name.starts_with('$'));
    found
}

/// Name → where it is declared.
fn places<'s>(sources: impl Iterator<Item = &'s Source>) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (at, name) in declared(source) {
            places.entry(name).or_default().push(source.place(at));
        }
    }
    places
}

fn of_the_control_plane() -> BTreeMap<String, Vec<String>> {
    places(programs().filter(|source| source.is_in(&["controlplane/"])))
}

fn twice(places: BTreeMap<String, Vec<String>>) -> Vec<(String, Vec<String>)> {
    places.into_iter().filter(|(_, places)| places.len() > 1).collect()
}

#[test]
fn a_schema_has_a_name_of_its_own() {
    let twice = twice(of_the_control_plane());
    assert!(twice.is_empty(), "give one of them another name, or `#[schema(as = …)]`\n{twice:#?}");
}

#[test]
fn every_schema_of_the_document_is_found_in_the_sources() {
    let document =
        serde_json::to_value(atalaya_server::http::document()).expect("the document has a JSON form");
    let schemas = document["components"]["schemas"].as_object().map(serde_json::Map::keys);
    let places = of_the_control_plane();
    // `Page_Device` is a `Page` of `Device`.
    let missing: Vec<_> = schemas
        .expect("the document has schemas")
        .filter(|name| !name.split('_').all(|part| places.contains_key(part)))
        .collect();
    assert!(missing.is_empty(), "declared in a way that is not looked for: {missing:#?}");
}

#[test]
fn two_types_of_one_name_are_found() {
    let text = r#"
/// One. derive(ToSchema) struct Comment
#[derive(Debug, ToSchema)]
pub struct Point { a: i64 }
mod other {
    #[derive(utoipa::ToSchema, Clone)]
    pub enum Point { A }
    #[derive(Clone, ToSchema)]
    #[schema(as = DevicePoint)]
    pub struct Point2<T>(T);
    #[derive(Clone)]
    pub struct Point;
}
text_enum! {
    /// A state.
    pub enum State { On = "on", }
}
text_enum! {
    /// Another one.
    #[schema(as = DeviceState2)]
    pub enum State2 { On = "on", }
}

impl ToSchema for Key {}

ids! {
    /// Customer.
    CustomerId = "cus";
    SiteId = "sit";
}
"#;
    let source = super::sources::split("x.rs", text.to_owned());
    let names: Vec<_> = declared(&source).into_iter().map(|(_, name)| name).collect();
    assert_eq!(
        names,
        ["Point", "Point", "DevicePoint", "State", "DeviceState2", "CustomerId", "SiteId", "Key"]
    );
    let found = twice(places(std::iter::once(&source)));
    assert_eq!(found, [("Point".to_owned(), vec!["x.rs:4".to_owned(), "x.rs:7".to_owned()])]);
}
