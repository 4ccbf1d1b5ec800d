//! `application/x-www-form-urlencoded`, as requests to issuers want it.

use crate::factors::totp::escaped;

/// Names and values, `a=b&c=d`.
pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&")
}

/// Name and secret for `Authorization: Basic` (RFC 6749, §2.3.1): each escaped before they are joined.
pub(super) fn joined(name: &str, secret: &str) -> String {
    format!("{}:{}", escaped(name), escaped(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_unreserved_is_escaped() {
        assert_eq!(encoded(&[("a b", "c&d=é"), ("e", "-._~9Z")]), "a%20b=c%26d%3D%C3%A9&e=-._~9Z");
        assert_eq!(encoded(&[]), "");
        assert_eq!(joined("a:b", "c d"), "a%3Ab:c%20d");
    }
}
