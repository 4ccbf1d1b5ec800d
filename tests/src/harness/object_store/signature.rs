//! Signature Version 4, judged from what the S3 API reference says and not by the product's own code.

use super::{KEY_ID, REGION, SECRET, SKEW_S, now_s};
use crate::harness::double::{Asked, decoded, encoded, pairs};
use ring::{digest, hmac};
use std::fmt::Write as _;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// Seconds of `20130524T000000Z`.
pub(super) fn instant(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    // Days since 1970 in a year that begins in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Whether a request is signed by whom it says, or the code of the refusal.
pub(super) fn verify(asked: &Asked) -> Result<(), &'static str> {
    let header = |name: &str| asked.headers.get(name).map(String::as_str).unwrap_or_default();
    let malformed = "AuthorizationHeaderMalformed";
    let given = header("authorization").strip_prefix("AWS4-HMAC-SHA256").ok_or("AccessDenied")?;
    let field = |name: &str| {
        given.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).ok_or(malformed)
    };
    let (credential, signed, signature) =
        (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let (id, scope) = credential.split_once('/').ok_or(malformed)?;
    let stamp = header("x-amz-date");
    let day = stamp.get(..8).ok_or(malformed)?;
    if scope != format!("{day}/{REGION}/s3/aws4_request") {
        return Err(malformed);
    }
    if id != KEY_ID {
        return Err("InvalidAccessKeyId");
    }
    if instant(stamp).is_none_or(|sent| (sent - now_s()).abs() > SKEW_S) {
        return Err("RequestTimeTooSkewed");
    }
    let payload = header("x-amz-content-sha256");
    if payload != hex(digest::digest(&digest::SHA256, &asked.body).as_ref()) {
        return Err("XAmzContentSHA256Mismatch");
    }
    let names: Vec<_> = signed.split(';').collect();
    if !names.is_sorted()
        || ["host", "x-amz-content-sha256", "x-amz-date"].iter().any(|name| !names.contains(name))
    {
        return Err(malformed);
    }
    let mut query: Vec<_> = pairs(&asked.query)
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    query.sort();
    let path: Vec<_> = asked
        .path
        .split('/')
        .map(|part| decoded(part).map(|part| encoded(&part)))
        .collect::<Option<_>>()
        .ok_or(malformed)?;
    let mut canonical = format!("{}\n{}\n{}\n", asked.method, path.join("/"), query.join("&"));
    for name in &names {
        let _ = writeln!(canonical, "{name}:{}", header(name));
    }
    let _ = write!(canonical, "\n{signed}\n{payload}");
    let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}");
    let key = [day, REGION, "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    if signature == hex(&mac(&key, &to_sign)) { Ok(()) } else { Err("SignatureDoesNotMatch") }
}
