//! The character U+0000: JSON and addresses can say it, and PostgreSQL keeps no text with it. Whoever sends one is told where.

use crate::Error;
use serde_json::Value;

const WHY: &str = "holds the character U+0000, which no text may";

/// Refuses JSON in which a text, or a name, holds it.
pub(super) fn refuse_in_json(body: &[u8]) -> Result<(), Error> {
    const ESCAPED: &[u8] = b"\\u0000";
    // Six letters that may also be an escaped backslash and a word: only then is it looked at closely.
    if !body.windows(ESCAPED.len()).any(|letters| letters == ESCAPED) {
        return Ok(());
    }
    // What cannot be read is refused by whoever reads it.
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
    match place(&value) {
        Some(pointer) => Err(Error::invalid(pointer, "malformed", WHY)),
        None => Ok(()),
    }
}

/// JSON pointer (RFC 6901) to the first text with it; for a name with it, to what holds the name.
fn place(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| Some(format!("/{at}{}", place(item)?)))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            if name.contains('\0') {
                return Some(String::new());
            }
            Some(format!("/{}{}", name.replace('~', "~0").replace('/', "~1"), place(item)?))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Refuses a query in which it stands, percent-encoded as it must be there.
pub(super) fn refuse_in_query(query: Option<&str>) -> Result<(), Error> {
    if query.is_some_and(|query| query.contains("%00")) {
        return Err(Error::invalid("?", "malformed", format!("a parameter {WHY}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Option<String> {
        match refuse_in_json(body.as_bytes()) {
            Ok(()) => None,
            Err(Error::Invalid(errors)) => Some(errors[0].pointer.clone()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_field_that_holds_it_is_named() {
        assert_eq!(refused(r#"{"name": "Rosa\u0000"}"#).as_deref(), Some("/name"));
        assert_eq!(refused(r#"{"a/b": [1, {"c": "\u0000"}]}"#).as_deref(), Some("/a~1b/1/c"));
        assert_eq!(refused(r#"{"it\u0000": 1}"#).as_deref(), Some(""));
        assert_eq!(refused(r#""\u0000""#).as_deref(), Some(""));
        for fine in [r#"{"name": "C:\\u0000"}"#, r#"{"name": "\u0001"}"#, r#"{"name": "\u0000"#, ""] {
            assert_eq!(refused(fine), None, "{fine}");
        }
        assert!(refuse_in_query(Some("q=%00")).is_err());
        assert!(refuse_in_query(Some("q=100%25")).is_ok() && refuse_in_query(None).is_ok());
    }
}
