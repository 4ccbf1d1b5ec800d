//! How push services are reached (RFC 8030): a browser names them.

use super::guarded::{Guarded, Unanswered};
use crate::config::Network;
use atalaya_kernel::spans;
use atalaya_people::push::{PushAnswer, PushRequest, PushWeb, PushWebError};
use jiff::fmt::rfc2822;
use std::{io::Read, time::Duration};
use ureq::http::HeaderMap;

/// How long a push service may take to take a message.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// How much of what it says is read, bytes.
const WORDS: u64 = 400;

/// Hands messages to push services over HTTP.
#[derive(Debug)]
pub struct Pushing(Guarded);

impl Pushing {
    /// With networks in which push services may be asked although they are not of the public internet; asks nobody yet.
    pub fn new(networks: &[Network]) -> Self {
        Self(Guarded::new(networks, ANSWER_WITHIN))
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// `Retry-After`, s (RFC 9110 §10.2.3). A date is measured by the other end's own clock, which it says beside it.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let value = header(headers, "retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let instant = |text: &str| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().as_second());
    u64::try_from(instant(value)? - instant(header(headers, "date")?)?).ok()
}

#[async_trait::async_trait]
impl PushWeb for Pushing {
    fn check(&self, endpoint: &str) -> Result<(), PushWebError> {
        self.0.check(endpoint).map_err(|why| PushWebError::NotAllowed(why.to_owned()))
    }

    async fn post(&self, push: PushRequest) -> Result<PushAnswer, PushWebError> {
        let endpoint = push.endpoint.clone();
        let asked = self.0.ask(endpoint.expose(), move |agent, url| {
            let request = agent
                .post(url)
                .header("authorization", push.authorization.expose())
                .header("content-encoding", "aes128gcm")
                .header("content-type", "application/octet-stream")
                .header("ttl", push.ttl.as_secs().to_string())
                .header("urgency", push.urgency.as_str())
                .header("topic", &push.topic);
            let answer = request.send(&push.body[..])?;
            let (status, retry_after_s) = (answer.status().as_u16(), retry_after(answer.headers()));
            let mut words = Vec::new();
            // Words that break off are words.
            let _ = answer.into_body().into_reader().take(WORDS).read_to_end(&mut words);
            Ok(PushAnswer { status, retry_after_s, words: String::from_utf8_lossy(&words).into_owned() })
        });
        spans::within(spans::of_call("push"), asked).await.map_err(|error| match error {
            Unanswered::NotAllowed(why) => PushWebError::NotAllowed(why),
            Unanswered::Away(why) => PushWebError::Away(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::guarded::tests::answering, *};
    use atalaya_kernel::secrets::SecretText;
    use atalaya_people::push::Urgency;

    async fn told(answer: &str) -> (Result<PushAnswer, PushWebError>, String) {
        let (port, asked) = answering(answer.as_bytes().to_vec());
        let push = PushRequest {
            endpoint: SecretText::new(format!("http://127.0.0.1:{port}/send/abc")),
            authorization: SecretText::new("vapid t=a.b.c, k=d".to_owned()),
            ttl: Duration::from_secs(86_400),
            urgency: Urgency::High,
            topic: "ntc_0".to_owned(),
            body: vec![1, 2, 3],
        };
        let told = Pushing::new(&["127.0.0.1".parse().unwrap()]).post(push).await;
        (told, asked.join().unwrap().to_lowercase())
    }

    #[tokio::test]
    async fn a_message_is_posted_as_rfc_8030_says() {
        let (told, asked) =
            told("HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert_eq!(told, Ok(PushAnswer { status: 201, retry_after_s: None, words: String::new() }));
        assert!(asked.starts_with("post /send/abc http/1.1"), "{asked}");
        for header in [
            "authorization: vapid t=a.b.c, k=d",
            "content-encoding: aes128gcm",
            "ttl: 86400",
            "urgency: high",
            "topic: ntc_0",
            "content-length: 3",
        ] {
            assert!(asked.contains(header), "{header}: {asked}");
        }
    }

    #[tokio::test]
    async fn when_to_come_again_is_a_number_or_a_date() {
        let date = "date: Fri, 06 Nov 2026 08:49:37 GMT\r\n";
        for (headers, wanted) in [
            ("retry-after: 120\r\n".to_owned(), Some(120)),
            (format!("{date}retry-after: Fri, 06 Nov 2026 08:51:37 GMT\r\n"), Some(120)),
            (format!("{date}retry-after: Fri, 06 Nov 2026 08:40:00 GMT\r\n"), None),
            ("retry-after: Fri, 06 Nov 2026 08:51:37 GMT\r\n".to_owned(), None),
            ("retry-after: soon\r\n".to_owned(), None),
            (String::new(), None),
        ] {
            let answer = format!(
                "HTTP/1.1 429 Slow\r\n{headers}content-length: 9\r\nconnection: close\r\n\r\nslow down"
            );
            let (told, _) = told(&answer).await;
            let wanted = PushAnswer { status: 429, retry_after_s: wanted, words: "slow down".to_owned() };
            assert_eq!(told, Ok(wanted), "{headers}");
        }
    }

    #[tokio::test]
    async fn a_service_inside_is_not_asked() {
        let public = Pushing::new(&[]);
        for inside in ["http://127.0.0.1:9/x", "https://10.0.0.1/x", "http://push.example/x", "push.example"]
        {
            let Err(PushWebError::NotAllowed(why)) = public.check(inside) else {
                unreachable!("{inside} may not be asked")
            };
            assert!(!why.contains("10.0.0.1") && !why.contains("/x"), "an address is a secret: {why}");
        }
    }
}
