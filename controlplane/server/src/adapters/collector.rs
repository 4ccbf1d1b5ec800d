//! A collector of traces (OTLP over HTTP, protobuf). The libraries of OpenTelemetry write what is sent; the way to it is the one to
//! every service that the installation is told of.
//!
//! They call from a thread of their own, one call after the other: it may wait here, and nothing else does.

use super::outside::Outside;
use crate::config::Traces as Settings;
use anyhow::{Context, bail};
use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, header};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use parking_lot::Mutex;
use prost::Message;
use std::{fmt, sync::Arc, time::Duration};
use ureq::{Agent, http::Uri};

/// How long a call may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Longest answer that is read, bytes: how many spans it did not take, and a sentence.
const MAX_BYTES: u64 = 64 * 1024;

/// Makes calls. Clones share what was said.
#[derive(Clone)]
pub(crate) struct Collector {
    agent: Agent,
    endpoint: Arc<str>,
    headers: Arc<[(HeaderName, HeaderValue)]>,
    said: Arc<Mutex<Said>>,
}

/// What came of the last calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Spans that were not taken out of a batch that was.
    pub(crate) rejected: u64,
    /// Why there was no good answer.
    pub(crate) wrong: Option<String>,
}

/// `ExportTraceServiceResponse` of OTLP 1.x.
#[derive(Message)]
struct Taken {
    #[prost(message, optional, tag = "1")]
    partly: Option<Partly>,
}

/// `ExportTracePartialSuccess`. The sentence with it is not read: it may quote a span.
#[derive(Message)]
struct Partly {
    #[prost(int64, tag = "1")]
    rejected: i64,
}

/// Headers may hold a credential.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Collector {
    /// Prepares calls; makes none.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let outside = Outside {
            section: "[traces]",
            setting: "endpoint",
            address: &settings.endpoint,
            ca_file: settings.ca_file.as_deref(),
            within: ANSWER_WITHIN,
        };
        check(&settings.endpoint)?;
        Ok(Self {
            agent: outside.agent()?,
            endpoint: settings.endpoint.as_str().into(),
            headers: settings.further_headers()?.into(),
            said: Arc::default(),
        })
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it said since this was last asked.
    pub(crate) fn said(&self) -> Said {
        std::mem::take(&mut self.said.lock())
    }

    fn post(&self, body: &[u8]) -> Result<Response<Bytes>, ureq::Error> {
        let post = self.agent.post(&*self.endpoint).header(header::CONTENT_TYPE, "application/x-protobuf");
        let post = self.headers.iter().fold(post, |post, (name, value)| post.header(name, value));
        let (parts, mut body) = post.send(body)?.into_parts();
        let body = body.with_config().limit(MAX_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

/// Whether an address names what takes traces, and holds no credential: it is shown in the log.
fn check(address: &str) -> anyhow::Result<()> {
    let uri = address.parse::<Uri>().context("[traces] endpoint is no address")?;
    if uri.path().len() < 2 {
        bail!("[traces] endpoint is the whole address, with its path: https://collector.example/v1/traces");
    }
    if uri.query().is_some() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        bail!("[traces] endpoint is shown in the log and holds no credential: put it into [traces] headers");
    }
    Ok(())
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.post(request.body());
        let mut said = self.said.lock();
        match &answer {
            Ok(answer) if answer.status().is_success() => {
                // What cannot be read says nothing of spans that were not taken.
                let partly = Taken::decode(&answer.body()[..]).ok().and_then(|taken| taken.partly);
                let rejected = partly.map_or(0, |partly| u64::try_from(partly.rejected).unwrap_or(0));
                *said = Said { rejected: said.rejected.saturating_add(rejected), wrong: None };
            }
            Ok(answer) => said.wrong = Some(format!("it answered {}", answer.status().as_u16())),
            Err(error) => said.wrong = Some(error.to_string()),
        }
        Ok(answer?)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::guarded::tests::answering, *};

    fn collector(port: u16) -> Collector {
        Collector::new(&Settings::at(format!("http://127.0.0.1:{port}/v1/traces"))).unwrap()
    }

    async fn sent(collector: &Collector) -> Result<Response<Bytes>, HttpError> {
        collector.send_bytes(Request::new(Bytes::from_static(b"spans"))).await
    }

    fn told(status: &str, body: &[u8]) -> Vec<u8> {
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn what_it_says_is_told_in_words_and_numbers() {
        let (port, asked) = answering(told("200 OK", b""));
        let here = collector(port);
        assert_eq!(sent(&here).await.unwrap().status(), 200);
        assert_eq!(here.said(), Said::default());
        let asked = asked.join().unwrap().to_lowercase();
        assert!(asked.starts_with("post /v1/traces http/1.1"), "{asked}");
        assert!(asked.contains("content-type: application/x-protobuf"), "{asked}");

        // Three of them were not taken.
        let (port, asked) = answering(told("200 OK", &[0x0a, 0x02, 0x08, 0x03]));
        let here = collector(port);
        sent(&here).await.unwrap();
        assert_eq!((here.said(), here.said()), (Said { rejected: 3, wrong: None }, Said::default()));
        drop(asked.join());

        let (port, asked) = answering(told("503 Later", b"hunter2"));
        let here = collector(port);
        assert_eq!(sent(&here).await.unwrap().status(), 503);
        assert_eq!(here.said().wrong.as_deref(), Some("it answered 503"));
        drop(asked.join());
        assert!(sent(&here).await.is_err(), "nobody is there any more");
        assert!(here.said().wrong.is_some());
    }
}
