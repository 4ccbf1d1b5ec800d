//! Signature Version 4 of AWS, as object stores demand it: "Authenticating Requests: Using the Authorization Header (AWS
//! Signature Version 4)" of the Amazon S3 API reference.

use ring::hmac;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use zeroize::Zeroizing;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a caller is known by.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Zeroizing<String>,
    /// Of short-lived ones.
    pub(super) session: Option<Zeroizing<String>>,
}

/// A request to be signed.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    /// Encoded by [`encoded`], `/` left as it is.
    pub(super) path: &'a str,
    /// Names and values, not encoded.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Lower-case names and trimmed values; `host` is among them.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body, hexadecimal.
    pub(super) payload: &'a str,
}

/// Letters, digits and `-._~` stay; the rest of the bytes become `%XX`.
pub(super) fn encoded(text: &str, keep_slash: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `a=1&b=2`, by the order of encoded names.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut pairs: Vec<_> =
        pairs.iter().map(|(name, value)| (encoded(name, false), encoded(value, false))).collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// SHA-256, hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The `Authorization` header of a request at an instant (`20130524T000000Z`) to a region.
pub(super) fn authorization(
    request: &Unsigned<'_>,
    credentials: &Credentials,
    instant: &str,
    region: &str,
) -> String {
    let mut headers = request.headers.to_vec();
    headers.sort_unstable();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines = headers.iter().fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "{name}:{value}");
        lines
    });
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        request.method,
        request.path,
        query(request.query),
        request.payload
    );
    let day = instant.get(..8).unwrap_or_default();
    let scope = format!("{day}/{region}/s3/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{instant}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let first = Zeroizing::new(format!("AWS4{}", *credentials.secret));
    let key =
        mac(mac(mac(mac(first.as_bytes(), day).as_ref(), region).as_ref(), "s3").as_ref(), "aws4_request");
    let signature = hex::encode(mac(key.as_ref(), &to_sign));
    format!("{ALGORITHM} Credential={}/{scope},SignedHeaders={names},Signature={signature}", credentials.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// The examples of the S3 API reference, section named at the top.
    #[test]
    fn the_examples_of_the_reference_are_signed_as_it_says() {
        let credentials = Credentials {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Zeroizing::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            session: None,
        };
        let body = sha256(b"Welcome to Amazon S3.");
        let common = [("host", "examplebucket.s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z")];
        let with = |more: &[(&'static str, &str)]| {
            common
                .iter()
                .chain(more)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Vec<_>>()
        };
        let path = format!("/{}", encoded("test$file.text", true));
        for (method, path, query, headers, payload, signature) in [
            (
                "GET",
                "/test.txt",
                &[][..],
                with(&[("range", "bytes=0-9"), ("x-amz-content-sha256", EMPTY)]),
                EMPTY,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "PUT",
                path.as_str(),
                &[][..],
                with(&[
                    ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-content-sha256", &body),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ]),
                body.as_str(),
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                "GET",
                "/",
                &[("lifecycle", "")][..],
                with(&[("x-amz-content-sha256", EMPTY)]),
                EMPTY,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "GET",
                "/",
                &[("prefix", "J"), ("max-keys", "2")][..],
                with(&[("x-amz-content-sha256", EMPTY)]),
                EMPTY,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let unsigned = Unsigned { method, path, query, headers: &headers, payload };
            let header = authorization(&unsigned, &credentials, "20130524T000000Z", "us-east-1");
            assert!(header.ends_with(&format!("Signature={signature}")), "{method} {path}: {header}");
        }
    }
}
