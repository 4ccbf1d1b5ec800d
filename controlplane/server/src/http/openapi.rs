//! `/api/openapi.json`, generated from the routes themselves.

use axum::{Json, response::IntoResponse};
use std::sync::LazyLock;
use utoipa::openapi::{
    Components, Content, Info, OpenApi, Ref, RefOr, Response, Server,
    path::{Operation, ParameterIn, PathItem},
    schema::{ObjectBuilder, Schema, Type},
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
        "Beside the cookie of `POST /session`, whose answer says it.",
    );
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("key", SecurityScheme::Http(key));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Header(csrf)));
    document.security =
        Some(["key", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new())).into());
    document.paths.paths.values_mut().flat_map(operations).for_each(complete);
    document.servers = Some(vec![Server::new("/api/v1")]);
    document
}

const PROBLEM: &str = "#/components/schemas/Problem";
/// Content type of a problem document (RFC 9457, section 3).
const PROBLEM_TYPE: &str = "application/problem+json";

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// What is the same for every operation, so that no handler has to say it: problems have a content type of their own and may
/// come with any status, a version stands in quotes, and what is public asks for no log-in.
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
    let extensions = serde_json::to_value(&operation.extensions).unwrap_or_default();
    if extensions["x-permission"] == "public" {
        operation.security = Some(Vec::new());
    }
}

pub(super) async fn serve() -> impl IntoResponse {
    Json(&*DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

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
}
