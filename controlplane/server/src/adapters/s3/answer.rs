//! What the store says, in XML: of a list and of an error no more than is needed; and the one thing that is said to it so.

use atalaya_kernel::{blobs::Listed, time::Timestamp};
use std::{fmt::Write as _, io};

/// An object of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) listed: Listed,
    /// Its size, bytes, where the store says it.
    pub(super) bytes: Option<u64>,
}

/// An upload in parts that is no object yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) key: String,
    pub(super) upload: String,
    pub(super) at: Timestamp,
}

/// A part of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) found: Vec<T>,
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
pub(super) fn list(body: &[u8]) -> io::Result<Page<Object>> {
    page(body, "Contents", |object| {
        let key = unescaped(inside(object, "Key").next()?)?;
        let written_at = inside(object, "LastModified").next()?.parse::<Timestamp>().ok()?;
        let bytes = inside(object, "Size").next().and_then(|size| size.parse().ok());
        Some(Object { listed: Listed { key, written_at }, bytes })
    })
}

/// An answer to ListMultipartUploads.
pub(super) fn uploads(body: &[u8]) -> io::Result<Page<Begun>> {
    page(body, "Upload", |upload| {
        Some(Begun {
            key: unescaped(inside(upload, "Key").next()?)?,
            upload: unescaped(inside(upload, "UploadId").next()?)?,
            at: inside(upload, "Initiated").next()?.parse::<Timestamp>().ok()?,
        })
    })
}

fn page<T>(body: &[u8], element: &str, read: impl Fn(&str) -> Option<T>) -> io::Result<Page<T>> {
    let malformed = || io::Error::other("the object store's list cannot be read");
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let is_truncated = match inside(text, "IsTruncated").next() {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(malformed()),
    };
    let found: Option<Vec<_>> = inside(text, element).map(read).collect();
    Ok(Page { found: found.ok_or_else(malformed)?, is_truncated })
}

/// The name of the upload that CreateMultipartUpload began.
pub(super) fn upload(body: &[u8]) -> Option<String> {
    let name = unescaped(inside(std::str::from_utf8(body).ok()?, "UploadId").next()?)?;
    Some(name).filter(|name| !name.is_empty())
}

/// What CompleteMultipartUpload is asked with: the parts in order, by what the store called each.
pub(super) fn parts(tags: &[String]) -> String {
    let mut text = String::from("<CompleteMultipartUpload>");
    for (number, tag) in (1_usize..).zip(tags) {
        let tag = tag.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let _ = write!(text, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    }
    text.push_str("</CompleteMultipartUpload>");
    text
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
        let keys: Vec<_> = page.found.iter().map(|object| object.listed.key.as_str()).collect();
        assert_eq!(keys, ["ten_1/blb_1", "a&b <AB"]);
        assert_eq!([page.found[0].bytes, page.found[1].bytes], [Some(5), None]);
        assert_eq!(page.found[0].listed.written_at, Timestamp::from_millis(1_793_891_229_000));
        let empty = list(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>").unwrap();
        assert_eq!(empty, Page { found: Vec::new(), is_truncated: false });
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
    fn uploads_are_read_and_parts_are_named() {
        let text = "<ListMultipartUploadsResult><Bucket>isp</Bucket><IsTruncated>false</IsTruncated>\
            <Upload><Key>atalaya/x.copy</Key><UploadId>a&amp;b</UploadId><Initiated>2026-11-05T15:07:09.000Z</Initiated>\
            </Upload></ListMultipartUploadsResult>";
        let begun = Begun {
            key: "atalaya/x.copy".to_owned(),
            upload: "a&b".to_owned(),
            at: Timestamp::from_millis(1_793_891_229_000),
        };
        assert_eq!(uploads(text.as_bytes()).unwrap(), Page { found: vec![begun], is_truncated: false });
        assert!(uploads(b"<IsTruncated>false</IsTruncated><Upload><Key>x</Key></Upload>").is_err());
        assert_eq!(upload(b"<R><Key>x</Key><UploadId>u-1</UploadId></R>").as_deref(), Some("u-1"));
        assert_eq!(upload(b"<R><UploadId></UploadId></R>"), None);
        assert_eq!(
            parts(&["\"a\"".to_owned(), "b".to_owned()]),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>b</ETag></Part></CompleteMultipartUpload>"
        );
    }

    #[test]
    fn an_error_has_a_word() {
        let text = b"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>";
        assert_eq!(code(text).as_deref(), Some("NoSuchBucket"));
        assert_eq!(code(b"<html>busy</html>"), None);
    }
}
