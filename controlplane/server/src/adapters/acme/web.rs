//! HTTP as the client of ACME asks for it, over the one that every outside service is asked with.

use atalaya_kernel::spans;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::{pin::Pin, time::Duration};
use ureq::{
    Agent,
    http::{Request, Response},
};

/// Longest answer that is read, bytes: a directory, an order, a chain.
const MAX_BYTES: u64 = 256 * 1024;

/// Longest request, bytes: a signed order.
const MAX_ASKED: usize = 256 * 1024;
/// How long a name may take to answer that is asked whether it leads here.
const NAME_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer of such a name that is looked at, bytes.
const MAX_NAME_BYTES: u64 = 1_024;

/// What plain HTTP says at an address, whatever its status.
pub(super) fn said(url: &str) -> Result<Vec<u8>, ureq::Error> {
    let config = Agent::config_builder()
        .timeout_global(Some(NAME_WITHIN))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build();
    let mut answer = config.new_agent().get(url).call()?;
    answer.body_mut().with_config().limit(MAX_NAME_BYTES).read_to_vec()
}

/// Asks on a thread of its own.
pub(super) struct Web(Agent);

impl Web {
    pub(super) fn new(agent: Agent) -> Self {
        Self(agent)
    }
}

impl HttpClient for Web {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let agent = self.0.clone();
        Box::pin(spans::within(spans::of_call("acme"), async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(Body::new(body), MAX_ASKED).await;
            let body = body.map_err(|error| Error::Other(Box::new(error)))?;
            let asked = tokio::task::spawn_blocking(move || ask(&agent, Request::from_parts(parts, body)));
            let answer = asked.await.map_err(|error| Error::Other(Box::new(error)))?;
            let (parts, body) = answer.map_err(|error| Error::Other(Box::new(error)))?.into_parts();
            Ok(BytesResponse { parts, body: Box::new(body) })
        }))
    }
}

fn ask(agent: &Agent, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
    let (parts, body) = request.into_parts();
    let answer = if body.is_empty() {
        agent.run(Request::from_parts(parts, ()))?
    } else {
        agent.run(Request::from_parts(parts, &body[..]))?
    };
    let (parts, mut body) = answer.into_parts();
    let body = body.with_config().limit(MAX_BYTES).read_to_vec()?;
    Ok(Response::from_parts(parts, Bytes::from(body)))
}
