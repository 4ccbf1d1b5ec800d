//! What the store says, in XML: of a list and of an error no more than is needed.

use atalaya_kernel::{blobs::Listed, time::Timestamp};
use std::io;

/// A part of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) listed: Vec<Listed>,
    /// Whether there is more.
    pub(super) is_truncated: bool,
}

/// The stable word of an error.
pub(super) fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let code = inside(text, "Code").next()?;
    Some(code.chars().filter(char::is_ascii_alphanumeric).take(60).collect())
}

/// An answer to ListObjectsV2.
pub(super) fn list(body: &[u8]) -> io::Result<Page> {
    let malformed = || io::Error::other("the object store's list cannot be read");
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let is_truncated = match inside(text, "IsTruncated").next() {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(malformed()),
    };
    let listed = inside(text, "Contents").map(|object| {
        let key = unescaped(inside(object, "Key").next()?)?;
        let written_at = inside(object, "LastModified").next()?.parse::<Timestamp>().ok()?;
        Some(Listed { key, written_at })
    });
    let listed: Option<Vec<_>> = listed.collect();
    Ok(Page { listed: listed.ok_or_else(malformed)?, is_truncated })
}

/// What stands between `<name>` and `</name>`, each time; no element that is asked for holds another one of its name.
fn inside<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('<')?;
            rest = after;
            let Some(opened) = after.strip_prefix(name).and_then(|after| after.strip_prefix('>')) else {
                continue;
            };
            let (inside, after) = opened.split_at(opened.find(&format!("</{name}>"))?);
            rest = after;
            return Some(inside);
        }
    })
}

/// A text with its entities replaced.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, after) = after.split_once(';')?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let text = "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <Name>isp</Name><Prefix/><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>\
            <Contents><Key>ten_1/blb_1</Key><LastModified>2026-11-05T15:07:09.000Z</LastModified><ETag>&quot;x&quot;</ETag>\
            <Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>\n\
            <Contents><Key>a&amp;b &lt;&#x41;&#66;</Key><LastModified>2026-11-05T15:07:10Z</LastModified></Contents>\
            </ListBucketResult>";
        let page = list(text.as_bytes()).unwrap();
        assert!(page.is_truncated);
        let keys: Vec<_> = page.listed.iter().map(|listed| listed.key.as_str()).collect();
        assert_eq!(keys, ["ten_1/blb_1", "a&b <AB"]);
        assert_eq!(page.listed[0].written_at, Timestamp::from_millis(1_793_891_229_000));
        let empty = list(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>").unwrap();
        assert_eq!(empty, Page { listed: Vec::new(), is_truncated: false });
        for wrong in [
            "",
            "<html>",
            "<IsTruncated>false</IsTruncated><Contents><Key>x</Key></Contents>",
            "<IsTruncated>no</IsTruncated>",
        ] {
            assert!(list(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_has_a_word() {
        let text = b"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>";
        assert_eq!(code(text).as_deref(), Some("NoSuchBucket"));
        assert_eq!(code(b"<html>busy</html>"), None);
    }
}
