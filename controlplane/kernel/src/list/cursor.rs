//! Cursors: which list, in which order, and where the last page ended.

use super::Shape;
use crate::{
    Error,
    db::{Kind, Value},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

/// A cursor of a list in an order.
///
/// # Errors
/// A key without a JSON form.
pub(super) fn encode(shape: &Shape, order: &str, key: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_vec(&(shape.name, order, key)).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

/// The key in a cursor of this list in this order.
///
/// # Errors
/// [`Error::Invalid`] for another list's, another order's, and what is no cursor.
pub(super) fn decode<T: DeserializeOwned>(shape: &Shape, order: &str, cursor: &str) -> Result<T, Error> {
    let wrong = || Error::invalid("?cursor", "unknown", "not a cursor of this list; start without one");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (name, of_order, key): (String, String, Json) =
        serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if name != shape.name {
        return Err(wrong());
    }
    if of_order != order {
        let why = format!("this cursor is of sort={of_order}, not of {order}; start without one");
        return Err(Error::invalid("?cursor", "unknown", why));
    }
    serde_json::from_value(key).map_err(|_| wrong())
}

/// A column's value as it stands in a cursor.
pub(super) fn to_json(value: Value) -> Json {
    match value {
        Value::Text(text) => text.into(),
        Value::Int(number) => number.into(),
        Value::Bool(yes) => yes.into(),
        // No field is of these kinds.
        Value::Real(_) | Value::Bytes(_) => Json::Null,
    }
}

/// The value of a column of this kind; none when it cannot be one.
pub(super) fn from_json(kind: Kind, value: Json) -> Option<Value> {
    Some(match (kind, value) {
        (Kind::Text, Json::Null) => Value::Text(None),
        (Kind::Int, Json::Null) => Value::Int(None),
        (Kind::Bool, Json::Null) => Value::Bool(None),
        (Kind::Text, Json::String(text)) => text.into(),
        (Kind::Int, Json::Number(number)) => number.as_i64()?.into(),
        (Kind::Bool, Json::Bool(yes)) => yes.into(),
        _ => return None,
    })
}
