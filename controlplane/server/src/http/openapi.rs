//! `/api/openapi.json`, generated from the routes themselves. What follows from what a route declares is added here, in one
//! place: what it can refuse ([`refusals`]), what its answers look like ([`answers`]), where they lead ([`links`]).

mod answers;
mod links;
mod refusals;

use atalaya_people::{identity::SESSION_COOKIE, platform::operators::OPERATOR_COOKIE};
use axum::{Json, response::IntoResponse};
use serde::Serialize;
use serde_json::Value;
use std::sync::LazyLock;
use utoipa::openapi::{
    Components, Content, Info, OpenApi, RefOr, Required, Server,
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
    components.responses.extend(refusals::shared());
    for (path, item) in &mut document.paths.paths {
        let of_the_installation = path.starts_with("/platform/");
        for (method, operation) in operations(item) {
            operation.operation_id = Some(name(method, path));
            if method == "post" && !of_the_installation && permission(operation) != "public" {
                happens_once(operation);
            }
            complete(operation);
            operation.security = Some(who(operation, of_the_installation, method != "get"));
            refusals::list(method, path, operation);
        }
    }
    components_of(&mut document).for_each(forgive);
    let schemas =
        document.components.as_ref().map(|components| as_json(&components.schemas)).unwrap_or_default();
    answers::show(&mut document, &schemas);
    links::follow(&mut document, &schemas);
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

/// The operations of a path, with their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The name of an operation, which no other has: its method and the words of its path, `get_customers_by_id`.
fn name(method: &str, path: &str) -> String {
    let words = path.split('/').filter(|part| !part.is_empty()).map(|part| {
        let parameter = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        parameter.map_or_else(|| format!("_{}", part.replace('-', "_")), |name| format!("_by_{name}"))
    });
    [method.to_owned()].into_iter().chain(words).collect()
}

/// Whose operation it is: a right, or `authenticated`, `platform`, `public`.
fn permission(operation: &Operation) -> String {
    as_json(&operation.extensions)["x-permission"].as_str().unwrap_or_default().to_owned()
}

/// A part of the document as JSON.
fn as_json(part: &impl Serialize) -> Value {
    // What has no JSON form is null, and the tests of the document look at all of it.
    serde_json::to_value(part).unwrap_or_default()
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
    if permission(operation) == "public" {
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

/// What is the same for every operation, so that no handler has to say it: problems have a content type of their own, a success
/// has words, and a version stands in quotes.
fn complete(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            response.description = words(status).to_owned();
        }
        let is_problem = |content: &RefOr<Content>| matches!(content, RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) if schema.ref_location == PROBLEM);
        if response.content.get("application/json").is_some_and(is_problem)
            && let Some(content) = response.content.shift_remove("application/json")
        {
            response.content.insert(PROBLEM_TYPE.to_owned(), content);
        }
    }
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

/// What an answer says that its operation has no words for; none for a refusal, which has its own ([`refusals`]).
fn words(status: &str) -> &'static str {
    match status {
        "200" => "As it is now",
        "201" => "Made",
        "202" => "Taken on, and not over yet",
        "204" => "Done",
        "304" => "As the caller has it",
        _ => "",
    }
}

pub(super) async fn serve() -> impl IntoResponse {
    Json(&*DOCUMENT)
}

#[cfg(test)]
mod tests;
