//! Objects that come in parts: CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload and
//! ListMultipartUploads, as the S3 API reference says.

use super::{Lies, State, error, now_s, signature::hex, told, utc};
use crate::harness::double::{Asked, Told};
use ring::digest;
use std::{collections::BTreeMap, fmt::Write as _};

/// Fewest bytes of a part that is not the last.
const SMALLEST: usize = 5 << 20;

/// An upload that is no object yet.
pub(super) struct Upload {
    pub(super) key: String,
    /// Unix s.
    pub(super) begun: i64,
    parts: BTreeMap<usize, Vec<u8>>,
}

impl Upload {
    pub(super) fn of(key: &str) -> Self {
        Self { key: key.to_owned(), begun: now_s(), parts: BTreeMap::new() }
    }
}

/// What bytes are called.
pub(super) fn tag(bytes: &[u8]) -> String {
    let digest = hex(digest::digest(&digest::SHA256, bytes).as_ref());
    format!("\"{}\"", &digest[..32])
}

/// Answers a call that is about an upload; none when it is about something else.
pub(super) fn decided(
    asked: &Asked,
    key: &str,
    query: &[(String, String)],
    state: &mut State,
) -> Option<Told> {
    let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let (is_all, upload) = (value("uploads").is_some(), value("uploadId"));
    let told = match (asked.method.as_str(), upload) {
        ("GET", None) if is_all && key.is_empty() => {
            told(200, list(value("prefix").unwrap_or_default(), state))
        }
        ("POST", None) if is_all => {
            state.begun += 1;
            let name = format!("upload&{}", state.begun);
            let text = format!(
                "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Key>{key}</Key><UploadId>{}</UploadId></InitiateMultipartUploadResult>",
                name.replace('&', "&amp;")
            );
            state.uploads.insert(name, Upload::of(key));
            told(200, text.into_bytes())
        }
        ("PUT", Some(upload)) => {
            let number = value("partNumber")?.parse().ok()?;
            part(upload, number, asked, state)
        }
        ("POST", Some(upload)) => complete(upload, &String::from_utf8_lossy(&asked.body), state),
        ("DELETE", Some(upload)) => match state.uploads.remove(upload) {
            Some(_) => told(204, Vec::new()),
            None => told(404, error("NoSuchUpload")),
        },
        _ => return None,
    };
    Some(told)
}

fn part(upload: &str, number: usize, asked: &Asked, state: &mut State) -> Told {
    if state.failing_parts > 0 {
        state.failing_parts -= 1;
        return told(500, error("InternalError"));
    }
    let Some(upload) = state.uploads.get_mut(upload) else { return told(404, error("NoSuchUpload")) };
    if !(1..=10_000).contains(&number) {
        return told(400, error("InvalidArgument"));
    }
    upload.parts.insert(number, asked.body.clone());
    Told::Answer { status: 200, headers: vec![("etag", tag(&asked.body))], body: Vec::new() }
}

fn complete(name: &str, text: &str, state: &mut State) -> Told {
    let Some(upload) = state.uploads.get(name) else { return told(404, error("NoSuchUpload")) };
    let Some(named) = named(text) else { return told(400, error("MalformedXML")) };
    if !named.is_sorted_by(|one, other| one.0 < other.0) {
        return told(400, error("InvalidPartOrder"));
    }
    let mut bytes = Vec::new();
    for (at, (number, called)) in named.iter().enumerate() {
        let Some(part) = upload.parts.get(number).filter(|part| tag(part) == *called) else {
            return told(400, error("InvalidPart"));
        };
        if at + 1 < named.len() && part.len() < SMALLEST {
            return told(400, error("EntityTooSmall"));
        }
        bytes.extend_from_slice(part);
    }
    if state.lies == Lies::FailsWith200 {
        state.lies = Lies::Never;
        return told(200, error("InternalError"));
    }
    let key = upload.key.clone();
    state.uploads.remove(name);
    state.objects.insert(key, (bytes, now_s()));
    if state.lies == Lies::LosesAnAnswer {
        state.lies = Lies::Never;
        return told(503, error("ServiceUnavailable"));
    }
    told(200, b"<?xml version=\"1.0\"?><CompleteMultipartUploadResult/>".to_vec())
}

/// Numbers and tags of the parts that somebody names.
fn named(text: &str) -> Option<Vec<(usize, String)>> {
    let inside = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inside, _)| inside.replace("&quot;", "\""))
    };
    let parts = text.split("<Part>").skip(1);
    let parts: Option<Vec<_>> =
        parts.map(|part| Some((inside(part, "PartNumber")?.parse().ok()?, inside(part, "ETag")?))).collect();
    parts.filter(|parts| !parts.is_empty())
}

fn list(prefix: &str, state: &State) -> Vec<u8> {
    let mut text =
        String::from("<?xml version=\"1.0\"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated>");
    for (name, upload) in state.uploads.iter().filter(|(_, upload)| upload.key.starts_with(prefix)) {
        let _ = write!(
            text,
            "<Upload><Key>{}</Key><UploadId>{}</UploadId><Initiated>{}</Initiated></Upload>",
            upload.key,
            name.replace('&', "&amp;"),
            utc(upload.begun)
        );
    }
    text.push_str("</ListMultipartUploadsResult>");
    text.into_bytes()
}
