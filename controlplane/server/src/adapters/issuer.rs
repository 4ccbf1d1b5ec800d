//! How issuers of identity providers are asked: a person of a tenant sets them.

use super::guarded::{Guarded, Unanswered};
use crate::config::SingleSignOn;
use atalaya_kernel::{secrets::SecretText, spans};
use atalaya_people::openid::{Fetched, IssuerError, IssuerWeb};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::time::Duration;
use ureq::{Agent, http::Response};

/// How long an issuer may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// Longest answer that is read, bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// Asks issuers over HTTP.
#[derive(Debug)]
pub struct Issuing(Guarded);

impl Issuing {
    /// With the networks of the configuration; asks nobody yet.
    pub fn new(settings: &SingleSignOn) -> Self {
        Self(Guarded::new(&settings.networks, ANSWER_WITHIN))
    }

    async fn ask(
        &self,
        url: &str,
        call: impl FnOnce(&Agent, &str) -> Result<Response<ureq::Body>, ureq::Error> + Send + 'static,
    ) -> Result<Fetched, IssuerError> {
        self.check(url)?;
        let asking = self.0.ask(url, move |agent, url| fetched(call(agent, url)?));
        let asked = spans::within(spans::of_call("issuer"), asking).await;
        asked.map_err(|error| match error {
            Unanswered::NotAllowed(why) => IssuerError::NotAllowed(why),
            Unanswered::Away(why) => IssuerError::Away(why),
        })
    }
}

fn fetched(mut answer: Response<ureq::Body>) -> Result<Fetched, ureq::Error> {
    let header = answer.headers().get("cache-control").and_then(|value| value.to_str().ok());
    let max_age_s = header.and_then(max_age);
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_BYTES).read_to_vec()?;
    Ok(Fetched { status, body, max_age_s })
}

/// `max-age` of a `Cache-Control`, s.
fn max_age(header: &str) -> Option<u64> {
    header
        .split(',')
        .filter_map(|directive| directive.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, seconds)| seconds.trim_matches('"').parse().ok())
}

#[async_trait::async_trait]
impl IssuerWeb for Issuing {
    fn check(&self, url: &str) -> Result<(), IssuerError> {
        self.0.check(url).map_err(|why| IssuerError::NotAllowed(format!("{url}: {why}")))
    }

    async fn get(&self, url: &str) -> Result<Fetched, IssuerError> {
        self.ask(url, |agent, url| agent.get(url).header("accept", "application/json").call()).await
    }

    async fn post(
        &self,
        url: &str,
        form: SecretText,
        basic: Option<SecretText>,
    ) -> Result<Fetched, IssuerError> {
        self.ask(url, move |agent, url| {
            let request = agent.post(url).header("accept", "application/json");
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let request = match &basic {
                Some(basic) => {
                    request.header("authorization", format!("Basic {}", STANDARD.encode(basic.expose())))
                }
                None => request,
            };
            request.send(form.expose())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::{super::guarded::tests::answering, *};

    fn issuing(networks: &[&str]) -> Issuing {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        Issuing::new(&SingleSignOn { networks })
    }

    #[test]
    fn an_address_that_is_refused_is_named() {
        let Err(IssuerError::NotAllowed(why)) = issuing(&[]).check("http://issuer.example") else {
            unreachable!("it is not https")
        };
        assert_eq!(why, "http://issuer.example: it has to be https://…");
    }

    #[tokio::test]
    async fn an_answer_is_read_within_bounds_and_no_redirect_is_followed() {
        let here = issuing(&["127.0.0.1"]);
        let (port, asked) = answering(
            b"HTTP/1.1 200 OK\r\ncache-control: public, Max-Age=600\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_vec(),
        );
        let answer = here.get(&format!("http://127.0.0.1:{port}/a?b=c")).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.max_age_s), (200, &b"{}"[..], Some(600)));
        assert!(asked.join().unwrap().starts_with("GET /a?b=c HTTP/1.1"));

        let (port, asked) = answering(
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        );
        let form = SecretText::new("a=b".to_owned());
        let basic = Some(SecretText::new("client:secret".to_owned()));
        let answer = here.post(&format!("http://127.0.0.1:{port}/token"), form, basic).await.unwrap();
        assert_eq!(answer.status, 302);
        let asked = asked.join().unwrap().to_lowercase();
        assert!(asked.contains("authorization: basic y2xpzw50onnly3jlda=="), "{asked}");
        assert!(asked.contains("content-type: application/x-www-form-urlencoded"), "{asked}");

        let long = vec![b'x'; 300 * 1024];
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", long.len());
        let (port, asked) = answering([head.into_bytes(), long].concat());
        let answer = here.get(&format!("http://127.0.0.1:{port}/")).await;
        assert!(matches!(answer, Err(IssuerError::Away(_))), "{answer:?}");
        drop(asked.join());
    }

    #[test]
    fn how_long_an_answer_may_be_kept() {
        for (header, wanted) in [
            ("max-age=19204", Some(19_204)),
            ("public, max-age=60, must-revalidate", Some(60)),
            ("max-age=\"7\"", Some(7)),
            ("no-store", None),
            ("s-maxage=60", None),
            ("max-age=soon", None),
            ("", None),
        ] {
            assert_eq!(max_age(header), wanted, "{header}");
        }
    }
}
