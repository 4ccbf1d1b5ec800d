//! A list's parameters in the OpenAPI document.

use super::{Field, Kind, List, ListQuery, MAX_KEYS, field::Test};
use crate::page::PageQuery;
use serde_json::{Value, json};
use utoipa::{
    IntoParams,
    openapi::{
        RefOr, Required,
        path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
        schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

impl<L: List> IntoParams for ListQuery<L> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let shape = L::SHAPE;
        let mut all = PageQuery::into_params(|| Some(ParameterIn::Query));
        let words = shape.sort_words();
        if !words.is_empty() {
            let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
            let doc = format!(
                "Order, at most {MAX_KEYS} names; `-` turns one around; `{}` when absent.",
                shape.order
            );
            let example = shape.order.split(',').collect::<Vec<_>>();
            all.push(several("sort", &doc, word).example(Some(json!(example))).build());
        }
        all.extend(shape.fields().flat_map(|field| field.tests().map(move |test| parameter(field, test))));
        all
    }
}

fn parameter(field: &'static Field, test: Test) -> Parameter {
    let name = format!("{}{}", field.name, test.suffix());
    let kind = test.kind(field.kind);
    let doc = [test_doc(test, kind), field.doc].join(" ");
    if test.takes_several(kind) {
        return several(&name, doc.trim(), schema(kind)).example(example(field, true)).build();
    }
    let example = if test == Test::Set { None } else { example(field, false) };
    one(&name, doc.trim(), schema(kind).into()).example(example).build()
}

fn test_doc(test: Test, kind: Kind) -> &'static str {
    match (test, kind) {
        (Test::OneOf, _) => "One of these.",
        (Test::NoneOf, _) => "None of these.",
        (Test::AtLeast, Kind::Instant | Kind::Date) => "Then or later.",
        (Test::Above, Kind::Instant | Kind::Date) => "Later.",
        (Test::AtMost, Kind::Instant | Kind::Date) => "Then or earlier.",
        (Test::Below, Kind::Instant | Kind::Date) => "Earlier.",
        (Test::AtLeast, _) => "So much or more.",
        (Test::Above, _) => "More.",
        (Test::AtMost, _) => "So much or less.",
        (Test::Below, _) => "Less.",
        (Test::Set, _) => "Whether there is one.",
        (Test::ByHand, _) => "",
    }
}

fn example(field: &'static Field, is_several: bool) -> Option<Value> {
    let text = field.example?;
    if is_several {
        return Some(json!(text.split(',').collect::<Vec<_>>()));
    }
    Some(text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)))
}

fn one(name: &str, doc: &str, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(doc))
        .schema(Some(schema))
}

/// Values separated by commas.
fn several(name: &str, doc: &str, of: ObjectBuilder) -> ParameterBuilder {
    let schema = ArrayBuilder::new().items(of).into();
    one(name, doc, schema).style(Some(ParameterStyle::Form)).explode(Some(false))
}

fn schema(kind: Kind) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    match kind {
        Kind::Text | Kind::Search => text,
        Kind::Words(words) => text.enum_values(Some(words.iter().copied())),
        Kind::Id(prefix) => text
            .pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")))
            .examples([format!("{prefix}_01jd3k5m7nf8v9q0r1s2t3w4x5")]),
        Kind::Instant => text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        Kind::Date => text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))),
        Kind::Int => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))),
        Kind::Bool => ObjectBuilder::new().schema_type(Type::Boolean),
    }
}
