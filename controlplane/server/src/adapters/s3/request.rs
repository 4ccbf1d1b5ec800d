//! One call to the store: address, signature, and what its answer means.

use super::{
    S3Settings, answer,
    signature::{self, Credentials, Unsigned, encoded},
};
use anyhow::{Context, bail};
use atalaya_kernel::{blobs::MAX_BYTES, time::Clock};
use bytes::Bytes;
use std::{fs, io, sync::Arc};
use ureq::http::Request;
use zeroize::Zeroizing;

/// Most bytes of an answer: a blob with what sealing adds, or a list.
const MAX_ANSWER: u64 = (MAX_BYTES + (1 << 20)) as u64;

/// What is asked.
#[derive(Debug)]
pub(super) enum Call {
    Put {
        key: String,
        body: Bytes,
    },
    Get {
        key: String,
    },
    /// So many bytes from one on; at least one.
    Range {
        key: String,
        from: u64,
        length: u64,
    },
    Head {
        key: String,
    },
    Delete {
        key: String,
    },
    List {
        prefix: String,
        after: String,
        most: usize,
    },
    /// Begins an upload in parts.
    Create {
        key: String,
    },
    /// The first one has number 1.
    Part {
        key: String,
        upload: String,
        number: usize,
        body: Bytes,
    },
    /// Makes an object of the parts, by what the store called each.
    Complete {
        key: String,
        upload: String,
        tags: Vec<String>,
    },
    Abort {
        key: String,
        upload: String,
    },
    /// Uploads that were begun and are no object yet, behind the last one that was listed.
    Uploads {
        prefix: String,
        after: Option<(String, String)>,
    },
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// What the store calls these bytes.
    pub(super) tag: Option<String>,
    /// Size of the object that was asked for, bytes.
    pub(super) length: Option<u64>,
}

/// A request before it is signed.
#[derive(Default)]
struct Asked<'a> {
    key: &'a str,
    query: Vec<(&'a str, &'a str)>,
    /// Value of the header `range`.
    range: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// Of an object, with nothing sent along.
    fn of(key: &'a str) -> Self {
        Self { key, ..Self::default() }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may succeed later.
    Passing(io::Error),
    /// It will not, until somebody mends something.
    Lasting(io::Error),
}

/// Makes calls.
#[derive(Debug)]
pub(super) struct Caller {
    /// Section of the configuration that errors name: `[blobs.s3]`.
    section: &'static str,
    pub(super) settings: S3Settings,
    agent: ureq::Agent,
    clock: ClockOf,
    /// `https` or `http`.
    scheme: &'static str,
    /// `s3.sa-east-1.amazonaws.com`, with its port where it is not the scheme's own.
    host: String,
}

struct ClockOf(Arc<dyn Clock>);

impl std::fmt::Debug for ClockOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Caller {
    pub(super) fn new(
        section: &'static str,
        settings: S3Settings,
        agent: ureq::Agent,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let (scheme, rest, own_port) = match settings.endpoint.split_once("://") {
            Some(("https", rest)) => ("https", rest, ":443"),
            Some(("http", rest)) => ("http", rest, ":80"),
            _ => bail!("it begins with https://"),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let host = host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase();
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            bail!("it is a host, perhaps with a port, and nothing more");
        }
        let host = if settings.path_style { host } else { format!("{}.{host}", settings.bucket) };
        Ok(Self { section, settings, agent, clock: ClockOf(clock), scheme, host })
    }

    fn path(&self, key: &str) -> String {
        let key = encoded(key, true);
        if self.settings.path_style { format!("/{}/{key}", self.settings.bucket) } else { format!("/{key}") }
    }

    /// Makes a call once. `None`: there is no such object, or no such upload.
    pub(super) fn attempt(&self, call: &Call) -> Result<Option<Answer>, Failure> {
        match call {
            Call::Put { key, body } => self.send("PUT", &Asked { body, ..Asked::of(key) }, &[200]),
            Call::Get { key } => self.send("GET", &Asked::of(key), &[200]),
            Call::Range { key, from, length } => {
                let range = format!("bytes={from}-{}", from.saturating_add(length.saturating_sub(1)));
                // 200: the whole object, which may be what was asked for.
                self.send("GET", &Asked { range: Some(&range), ..Asked::of(key) }, &[200, 206])
            }
            Call::Head { key } => self.send("HEAD", &Asked::of(key), &[200]),
            Call::Delete { key } => self.send("DELETE", &Asked::of(key), &[200, 204]),
            Call::List { prefix, after, most } => {
                let most = most.to_string();
                let mut query = vec![("list-type", "2"), ("max-keys", most.as_str())];
                query.extend((!prefix.is_empty()).then_some(("prefix", prefix.as_str())));
                query.extend((!after.is_empty()).then_some(("start-after", after.as_str())));
                self.send("GET", &Asked { query, ..Asked::default() }, &[200])
            }
            Call::Create { key } => {
                let query = vec![("uploads", "")];
                self.send("POST", &Asked { query, ..Asked::of(key) }, &[200])
            }
            Call::Part { key, upload, number, body } => {
                let number = number.to_string();
                let query = vec![("partNumber", number.as_str()), ("uploadId", upload.as_str())];
                self.send("PUT", &Asked { query, body, ..Asked::of(key) }, &[200])
            }
            Call::Complete { key, upload, tags } => {
                let body = answer::parts(tags);
                let query = vec![("uploadId", upload.as_str())];
                let asked = Asked { query, body: body.as_bytes(), ..Asked::of(key) };
                let answer = self.send("POST", &asked, &[200])?;
                // It may say 200, work for minutes, and then say what went wrong.
                match answer.as_ref().and_then(|answer| answer::code(&answer.body)) {
                    Some(code) => Err(self.refused("POST", 200, &code)),
                    None => Ok(answer),
                }
            }
            Call::Abort { key, upload } => {
                let query = vec![("uploadId", upload.as_str())];
                self.send("DELETE", &Asked { query, ..Asked::of(key) }, &[200, 204])
            }
            Call::Uploads { prefix, after } => {
                let mut query = vec![("uploads", ""), ("max-uploads", "1000")];
                query.extend((!prefix.is_empty()).then_some(("prefix", prefix.as_str())));
                if let Some((key, upload)) = after {
                    query.extend([("key-marker", key.as_str()), ("upload-id-marker", upload.as_str())]);
                }
                self.send("GET", &Asked { query, ..Asked::default() }, &[200])
            }
        }
    }

    fn send(&self, method: &str, asked: &Asked<'_>, good: &[u16]) -> Result<Option<Answer>, Failure> {
        let Asked { key, query, range, body } = asked;
        let credentials =
            self.credentials().map_err(|error| Failure::Lasting(io::Error::other(format!("{error:#}"))))?;
        let (path, payload) = (self.path(key), signature::sha256(body));
        // `2026-11-05T15:07:09.123Z` without its marks and fraction.
        let instant: String = self.clock.0.now().to_string().chars().filter(|c| !"-:".contains(*c)).collect();
        let instant = format!("{}Z", instant.get(..15).unwrap_or_default());
        let mut headers =
            vec![("host", self.host.as_str()), ("x-amz-content-sha256", &payload), ("x-amz-date", &instant)];
        headers.extend(range.map(|range| ("range", range)));
        headers.extend(credentials.session.as_ref().map(|token| ("x-amz-security-token", token.as_str())));
        let unsigned = Unsigned { method, path: &path, query, headers: &headers, payload: &payload };
        let authorization =
            signature::authorization(&unsigned, &credentials, &instant, &self.settings.region);
        let mut uri = format!("{}://{}{path}", self.scheme, self.host);
        if !query.is_empty() {
            uri = format!("{uri}?{}", signature::query(query));
        }
        let mut request = Request::builder().method(method).uri(uri).header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(*body).map_err(|error| Failure::Lasting(io::Error::other(error)))?;
        let mut answer = self.agent.run(request).map_err(|error| {
            let section = self.section;
            Failure::Passing(self.away(&format!("{error} (is it up, and {section} endpoint right?)")))
        })?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name)?.to_str().ok();
        let (tag, length) = (header("etag").map(str::to_owned), header("content-length"));
        let length = length.and_then(|text| text.parse().ok());
        let read = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let read =
            read.map_err(|error| Failure::Passing(self.away(&format!("its answer broke off: {error}"))))?;
        if good.contains(&status) {
            return Ok(Some(Answer { body: read.into(), tag, length }));
        }
        let code = answer::code(&read).unwrap_or_else(|| "no code".to_owned());
        if status == 404 && code != "NoSuchBucket" {
            return Ok(None);
        }
        Err(self.refused(method, status, &code))
    }

    /// What an answer means that is no good one.
    fn refused(&self, method: &str, status: u16, code: &str) -> Failure {
        let mend = self.mend(status, code);
        let error = self.away(&format!("{method} answered {status} {code}: {mend}"));
        let is_busy = matches!(code, "InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout");
        let is_passing = matches!(status, 408 | 429 | 500..=599) || (status == 200 && is_busy);
        if is_passing { Failure::Passing(error) } else { Failure::Lasting(error) }
    }

    /// What a person can do about it.
    fn mend(&self, status: u16, code: &str) -> String {
        let section = self.section;
        match (status, code) {
            (_, "NoSuchBucket") => format!("make the bucket, or look at {section} bucket and path_style"),
            (_, "RequestTimeTooSkewed") => "the clock of this machine is wrong".to_owned(),
            (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => format!("look at {section} key_file"),
            (_, "AuthorizationHeaderMalformed") => format!("look at {section} region"),
            (403, _) => format!("the key of {section} key_file may not do this"),
            (301 | 307 | 400, _) => format!("look at {section} region, endpoint and path_style"),
            _ => "see its own log".to_owned(),
        }
    }

    fn away(&self, what: &str) -> io::Error {
        io::Error::other(format!("the object store at {}: {what}", self.settings.endpoint))
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        let (section, path) = (self.section, &self.settings.key_file);
        let text = fs::read_to_string(path)
            .with_context(|| format!("{section} key_file: cannot read {}", path.display()))?;
        parsed(&Zeroizing::new(text))
            .with_context(|| format!("{section} key_file: {} lacks a line", path.display()))
    }
}

/// The credentials of a file; of several sections, the first value of each name.
fn parsed(text: &str) -> anyhow::Result<Credentials> {
    let value = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(name, _)| name.trim() == wanted)?;
        Some(found.1.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Ok(Credentials {
        id: value("aws_access_key_id").context("aws_access_key_id = …")?,
        secret: Zeroizing::new(value("aws_secret_access_key").context("aws_secret_access_key = …")?),
        session: value("aws_session_token").map(Zeroizing::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::SystemClock;

    fn caller(endpoint: &str, path_style: bool) -> anyhow::Result<Caller> {
        let text = format!(
            "endpoint = \"{endpoint}\"\nbucket = \"isp\"\nkey_file = \"/nowhere\"\npath_style = {path_style}"
        );
        let agent = ureq::Agent::config_builder().build().new_agent();
        Caller::new("[blobs.s3]", toml::from_str(&text)?, agent, Arc::new(SystemClock))
    }

    #[test]
    fn the_bucket_is_part_of_the_path_or_of_the_host() {
        for (endpoint, path_style, host, path) in [
            ("https://s3.example", true, "s3.example", "/isp/ten_1/blb_1"),
            ("https://S3.example:443/", false, "isp.s3.example", "/ten_1/blb_1"),
            ("http://127.0.0.1:9000", true, "127.0.0.1:9000", "/isp/ten_1/blb_1"),
        ] {
            let caller = caller(endpoint, path_style).unwrap();
            assert_eq!((caller.host.as_str(), caller.path("ten_1/blb_1").as_str()), (host, path));
        }
        for wrong in ["s3.example", "https://", "https://s3.example/isp", "https://me@s3.example"] {
            assert!(caller(wrong, true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_file_is_read_as_other_programs_write_it() {
        let text = "[default]\naws_access_key_id = AKIA1\naws_secret_access_key=a/b+c=\n[other]\naws_access_key_id = no\n";
        let found = parsed(text).unwrap();
        assert_eq!((found.id.as_str(), found.secret.as_str()), ("AKIA1", "a/b+c="));
        assert!(found.session.is_none());
        let Err(error) = parsed("aws_access_key_id = AKIA1\naws_secret_access_key =\n") else {
            panic!("no secret")
        };
        assert!(error.to_string().contains("aws_secret_access_key"), "{error}");
    }
}
