//! `/api/openapi.json`, generated from the routes themselves.

use atalaya_people::{identity::SESSION_COOKIE, platform::operators::OPERATOR_COOKIE};
use axum::{Json, response::IntoResponse};
use std::sync::LazyLock;
use utoipa::openapi::{
    Components, Content, Info, OpenApi, Ref, RefOr, Required, Response, Server,
    path::{Operation, ParameterBuilder, ParameterIn, PathItem},
    schema::{ArrayItems, ObjectBuilder, Schema, Type},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);

/// The document of all routes.
pub fn document() -> OpenApi {
    let mut document = super::api(crate::app::extra_routes())
        .merge(super::operator_api())
        .merge(atalaya_people::public_router())
        .into_openapi();
    document.info = Info::builder()
        .title("Atalaya")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("An ISP from the tower to the ledger. Money is in minor units, speeds in bits per second, instants in RFC 3339 UTC."))
        .build();
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key of a program: *Settings, Keys*, or `POST /api-keys`."))
        .build();
    let csrf = ApiKeyValue::with_description(
        "x-csrf-token",
        "Beside a cookie, for whatever changes something; the log-in's answer says it.",
    );
    let session = ApiKeyValue::with_description(SESSION_COOKIE, "Of a person: `POST /session` sets it.");
    let operator = ApiKeyValue::with_description(
        OPERATOR_COOKIE,
        "Of an operator of the installation: `POST /platform/session` sets it.",
    );
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("key", SecurityScheme::Http(key));
    components.add_security_scheme("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf)));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    components.add_security_scheme("operator", SecurityScheme::ApiKey(ApiKey::Cookie(operator)));
    for (path, item) in &mut document.paths.paths {
        let of_the_installation = path.starts_with("/platform/");
        if let Some(post) = &mut item.post
            && !of_the_installation
            && !is_public(post)
        {
            happens_once(post);
        }
        for (changes, operation) in operations(item) {
            complete(operation);
            operation.security = Some(who(operation, of_the_installation, changes));
        }
    }
    components_of(&mut document).for_each(forgive);
    document.servers = Some(vec![Server::new("/api/v1")]);
    document
}

fn components_of(document: &mut OpenApi) -> impl Iterator<Item = &mut RefOr<Schema>> {
    document.components.iter_mut().flat_map(|components| components.schemas.values_mut())
}

/// A list that names a thing twice means it once, and nobody is refused for it.
fn forgive(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Array(array) => {
            array.unique_items = false;
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                forgive(items);
            }
        }
        Schema::Object(object) => object.properties.values_mut().for_each(forgive),
        Schema::OneOf(parts) => parts.items.iter_mut().for_each(forgive),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(forgive),
        Schema::AnyOf(parts) => parts.items.iter_mut().for_each(forgive),
        _ => {}
    }
}

const PROBLEM: &str = "#/components/schemas/Problem";
/// Content type of a problem document (RFC 9457, section 3).
const PROBLEM_TYPE: &str = "application/problem+json";

/// The operations of a path, and whether each may change something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let changing = [put, post, delete, patch].into_iter().flatten().map(|operation| (true, operation));
    get.iter_mut().map(|operation| (false, operation)).chain(changing)
}

fn is_public(operation: &Operation) -> bool {
    let extensions = serde_json::to_value(&operation.extensions).unwrap_or_default();
    extensions["x-permission"] == "public"
}

/// The key by which a request that comes again has its effect once: the door sees to it for every `POST` of somebody of an ISP
/// ([`super::idempotent`]). Where a handler demands one, it says so itself.
fn happens_once(post: &mut Operation) {
    const NAME: &str = "Idempotency-Key";
    let parameters = post.parameters.get_or_insert_with(Vec::new);
    if parameters.iter().any(|known| matches!(known, RefOr::T(known) if known.name == NAME)) {
        return;
    }
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200));
    let key = ParameterBuilder::new()
        .name(NAME)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Chosen by the caller, for a request that may have to be sent again: within 48 h it has its effect once and is answered alike",
        ))
        .schema(Some(RefOr::T(Schema::Object(text.build()))));
    parameters.push(RefOr::T(key.build()));
}

/// How a caller shows who it is: any one of these; none for what is public.
fn who(operation: &Operation, of_the_installation: bool, changes: bool) -> Vec<SecurityRequirement> {
    if is_public(operation) {
        return Vec::new();
    }
    let none = Vec::<String>::new;
    let by_cookie = |name: &str| {
        let cookie = SecurityRequirement::new(name, none());
        if changes { cookie.add("csrf", none()) } else { cookie }
    };
    if of_the_installation {
        return vec![by_cookie("operator")];
    }
    vec![SecurityRequirement::new("key", none()), by_cookie("session")]
}

/// What is the same for every operation, so that no handler has to say it: problems have a content type of their own and may
/// come with any status, and a version stands in quotes.
fn complete(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        let is_problem = |content: &RefOr<Content>| matches!(content, RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) if schema.ref_location == PROBLEM);
        if response.content.get("application/json").is_some_and(is_problem)
            && let Some(content) = response.content.shift_remove("application/json")
        {
            response.content.insert(PROBLEM_TYPE.to_owned(), content);
        }
    }
    let mut problem = Response::new("What went wrong: `code` says it to programs, `detail` to people");
    let content = Content::new(Some(RefOr::Ref(Ref::new(PROBLEM))));
    problem.content.insert(PROBLEM_TYPE.to_owned(), RefOr::T(content));
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem));
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Header
            && parameter.name == "If-Match"
        {
            let version = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^\"[1-9][0-9]{0,17}\"$"))
                .examples(["\"1\""]);
            parameter.schema = Some(RefOr::T(Schema::Object(version.build())));
        }
    }
}

pub(super) async fn serve() -> impl IntoResponse {
    Json(&*DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_says_what_a_problem_looks_like_and_the_public_ones_ask_for_nothing() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let mut public = 0;
        for (path, item) in paths {
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(_, value)| value["responses"].is_object())
            {
                let default = &operation["responses"]["default"]["content"][PROBLEM_TYPE]["schema"]["$ref"];
                assert_eq!(default, PROBLEM, "{method} {path}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let plain = &response["content"]["application/json"]["schema"]["$ref"];
                    assert_ne!(plain, PROBLEM, "{method} {path} {status}");
                }
                let asks_for_nothing = operation["security"] == Value::Array(Vec::new());
                assert_eq!(asks_for_nothing, operation["x-permission"] == "public", "{method} {path}");
                public += usize::from(asks_for_nothing);
            }
        }
        assert!(public > 3, "{public}");
    }

    #[test]
    fn every_post_that_can_be_sent_again_says_how() {
        let document = serde_json::to_value(document()).unwrap();
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
        let document = serde_json::to_value(document()).unwrap();
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
        let document = serde_json::to_value(document()).unwrap();
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
}
