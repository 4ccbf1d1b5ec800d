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
    Put { key: String, body: Bytes },
    Get { key: String },
    Delete { key: String },
    List { prefix: String, after: String, most: usize },
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
        Ok(Self { settings, agent, clock: ClockOf(clock), scheme, host })
    }

    fn path(&self, key: &str) -> String {
        let key = encoded(key, true);
        if self.settings.path_style { format!("/{}/{key}", self.settings.bucket) } else { format!("/{key}") }
    }

    /// Makes a call once. `None`: there is no such object.
    pub(super) fn attempt(&self, call: &Call) -> Result<Option<Bytes>, Failure> {
        match call {
            Call::Put { key, body } => self.send("PUT", key, &[], body, &[200]),
            Call::Get { key } => self.send("GET", key, &[], &[], &[200]),
            Call::Delete { key } => self.send("DELETE", key, &[], &[], &[200, 204]),
            Call::List { prefix, after, most } => {
                let most = most.to_string();
                let mut query = vec![("list-type", "2"), ("max-keys", most.as_str())];
                query.extend((!prefix.is_empty()).then_some(("prefix", prefix.as_str())));
                query.extend((!after.is_empty()).then_some(("start-after", after.as_str())));
                self.send("GET", "", &query, &[], &[200])
            }
        }
    }

    fn send(
        &self,
        method: &str,
        key: &str,
        query: &[(&str, &str)],
        body: &[u8],
        good: &[u16],
    ) -> Result<Option<Bytes>, Failure> {
        let credentials =
            self.credentials().map_err(|error| Failure::Lasting(io::Error::other(format!("{error:#}"))))?;
        let (path, payload) = (self.path(key), signature::sha256(body));
        // `2026-11-05T15:07:09.123Z` without its marks and fraction.
        let instant: String = self.clock.0.now().to_string().chars().filter(|c| !"-:".contains(*c)).collect();
        let instant = format!("{}Z", instant.get(..15).unwrap_or_default());
        let mut headers =
            vec![("host", self.host.as_str()), ("x-amz-content-sha256", &payload), ("x-amz-date", &instant)];
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
        let request = request.body(body).map_err(|error| Failure::Lasting(io::Error::other(error)))?;
        let mut answer = self.agent.run(request).map_err(|error| {
            Failure::Passing(self.away(&format!("{error} (is it up, and [blobs.s3] endpoint right?)")))
        })?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let read =
            read.map_err(|error| Failure::Passing(self.away(&format!("its answer broke off: {error}"))))?;
        if good.contains(&status) {
            return Ok(Some(read.into()));
        }
        let code = answer::code(&read).unwrap_or_else(|| "no code".to_owned());
        if status == 404 && code != "NoSuchBucket" {
            return Ok(None);
        }
        let error = self.away(&format!("{method} answered {status} {code}: {}", mend(status, &code)));
        let is_passing = matches!(status, 408 | 429 | 500..=599);
        Err(if is_passing { Failure::Passing(error) } else { Failure::Lasting(error) })
    }

    fn away(&self, what: &str) -> io::Error {
        io::Error::other(format!("the object store at {}: {what}", self.settings.endpoint))
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        let path = &self.settings.key_file;
        let text = fs::read_to_string(path)
            .with_context(|| format!("[blobs.s3] key_file: cannot read {}", path.display()))?;
        parsed(&Zeroizing::new(text))
            .with_context(|| format!("[blobs.s3] key_file: {} lacks a line", path.display()))
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

/// What a person can do about an answer.
fn mend(status: u16, code: &str) -> &'static str {
    match (status, code) {
        (_, "NoSuchBucket") => "make the bucket, or look at [blobs.s3] bucket and path_style",
        (_, "RequestTimeTooSkewed") => "the clock of this machine is wrong",
        (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => "look at [blobs.s3] key_file",
        (_, "AuthorizationHeaderMalformed") => "look at [blobs.s3] region",
        (403, _) => "the key of [blobs.s3] key_file may not do this",
        (301 | 307 | 400, _) => "look at [blobs.s3] region, endpoint and path_style",
        _ => "see its own log",
    }
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
        Caller::new(toml::from_str(&text)?, agent, Arc::new(SystemClock))
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
