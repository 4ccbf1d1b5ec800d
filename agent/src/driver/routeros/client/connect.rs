//! From an address to a stream that the router has let us in on.

use std::time::Duration;

use md5::Digest;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::codec::{CodecError, put_word, read_sentence};
use super::sentence::{ReplyKind, parse_reply};
use super::tls;
use super::trap::{Trap, TrapClass};
use crate::driver::{Credentials, DeviceError, Target, TlsMode};

/// A router on a tower's radio link answers within this, or is treated as away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Users behind RADIUS take seconds to be let in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(15);
const PORT_CLEAR: u16 = 8728;
const PORT_TLS: u16 = 8729;

/// A byte stream to the router.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream before log-in, and what was learnt on the way.
pub(crate) struct Opened {
    pub(super) stream: Box<dyn Stream>,
    /// SHA-256 of the router's certificate; `None` in clear.
    pub(crate) fingerprint: Option<[u8; 32]>,
}

/// Host and port of a target.
pub(crate) fn address(target: &Target) -> (String, u16) {
    let default = if target.tls == TlsMode::Off { PORT_CLEAR } else { PORT_TLS };
    (target.host.clone(), target.port.unwrap_or(default))
}

/// Opens TCP.
pub(crate) async fn open_tcp(target: &Target) -> Result<TcpStream, DeviceError> {
    let (host, port) = address(target);
    let connect = TcpStream::connect((host.as_str(), port));
    let stream = match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(DeviceError::Unreachable { words: format!("{host}:{port}: {error}") }),
        Err(_) => {
            return Err(DeviceError::Timeout {
                words: format!(
                    "{host}:{port} did not accept a connection within {} s",
                    CONNECT_TIMEOUT.as_secs()
                ),
            });
        }
    };
    // Small tagged commands must leave at once; a stream that refuses the option is only slower.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
    Ok(stream)
}

/// Puts TLS on it where the target asks for it.
pub(crate) async fn open_tls(target: &Target, tcp: TcpStream) -> Result<Opened, DeviceError> {
    let Some((config, verifier)) = tls::client_config(target.tls)? else {
        return Ok(Opened { stream: Box::new(tcp), fingerprint: None });
    };
    let name = ServerName::try_from(target.host.clone()).map_err(|_| DeviceError::Config {
        words: format!("{:?} is no host name or address", target.host),
    })?;
    let handshake = TlsConnector::from(config).connect(name, tcp);
    match tokio::time::timeout(CONNECT_TIMEOUT, handshake).await {
        Ok(Ok(stream)) => Ok(Opened { stream: Box::new(stream), fingerprint: verifier.seen() }),
        Ok(Err(error)) => Err(tls_error(&error, verifier.seen(), target.tls)),
        Err(_) => Err(DeviceError::Timeout { words: "TLS handshake".into() }),
    }
}

fn tls_error(error: &std::io::Error, seen: Option<[u8; 32]>, mode: TlsMode) -> DeviceError {
    if let (Some(seen), TlsMode::Pinned(pin)) = (seen, mode)
        && seen != pin
    {
        return DeviceError::Refused {
            words: format!(
                "its certificate has SHA-256 {}, pinned is {}",
                tls::fingerprint_text(&seen),
                tls::fingerprint_text(&pin)
            ),
        };
    }
    DeviceError::Protocol {
        words: format!("TLS: {error} (a router without a certificate on api-ssl offers only anonymous TLS)"),
    }
}

/// Whether the router is known to be 6.43 or later (it let us in by name and password before).
pub(crate) type KnownModern = bool;

/// Logs in; true = by name and password, false = by challenge.
///
/// The password leaves in clear only towards a router that has just shown that it knows no challenge (or showed it
/// on an earlier connection); inside TLS it may leave at once. With `legacy_login` it never does.
pub(crate) async fn log_in(
    target: &Target,
    opened: &mut Opened,
    known: KnownModern,
) -> Result<KnownModern, DeviceError> {
    let Credentials::UserPassword { user, password } = &target.credentials else {
        return Err(DeviceError::Config { words: "a RouterOS device needs a user and a password".into() });
    };
    let exchange = exchange(target, opened.stream.as_mut(), user, password, known);
    match tokio::time::timeout(LOGIN_TIMEOUT, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => Err(DeviceError::Timeout {
            words: format!("no answer to /login in {} s", LOGIN_TIMEOUT.as_secs()),
        }),
    }
}

async fn exchange(
    target: &Target,
    stream: &mut dyn Stream,
    user: &str,
    password: &str,
    known: KnownModern,
) -> Result<KnownModern, DeviceError> {
    let legacy = target.routeros.legacy_login;
    if legacy || (target.tls == TlsMode::Off && !known) {
        match say(stream, &[Zeroizing::new("/login".to_owned())]).await? {
            Ok(Some(challenge)) => {
                return answer_challenge(stream, user, password, &challenge).await.map(|()| false);
            }
            Ok(None) | Err(_) if legacy => {
                return Err(DeviceError::Refused {
                    words: "the router offers no log-in by challenge (6.43 or later): turn legacy_login off"
                        .into(),
                });
            }
            Ok(None) => {}
            // What an unnamed user is told says nothing of ours; anything else (too many sessions) does.
            Err(trap) if matches!(trap.class, TrapClass::Auth | TrapClass::Other) && !is_limit(&trap) => {}
            Err(trap) => return Err(trap.into()),
        }
    }
    let words = [
        Zeroizing::new("/login".to_owned()),
        Zeroizing::new(format!("=name={user}")),
        Zeroizing::new(format!("=password={password}")),
    ];
    match say(stream, &words).await? {
        Ok(None) => Ok(true),
        Ok(Some(challenge)) => answer_challenge(stream, user, password, &challenge).await.map(|()| false),
        Err(trap) => Err(trap.into()),
    }
}

fn is_limit(trap: &Trap) -> bool {
    let message = trap.message.to_lowercase();
    message.contains("too many") || message.contains("session")
}

async fn answer_challenge(
    stream: &mut dyn Stream,
    user: &str,
    password: &str,
    challenge: &str,
) -> Result<(), DeviceError> {
    let challenge = unhex(challenge)
        .ok_or_else(|| DeviceError::Protocol { words: "the log-in challenge is not hexadecimal".into() })?;
    let response = challenge_response(password, &challenge);
    let words =
        ["/login".to_owned(), format!("=name={user}"), format!("=response={response}")].map(Zeroizing::new);
    match say(stream, &words).await? {
        Ok(_) => Ok(()),
        Err(trap) => Err(trap.into()),
    }
}

/// `00` + hex(MD5(0x00, password, challenge)), as every version before 6.43 wants it.
fn challenge_response(password: &str, challenge: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hash = md5::Md5::new();
    hash.update([0]);
    hash.update(password.as_bytes());
    hash.update(challenge);
    hash.finalize().iter().fold("00".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || text.len() > 256 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// One untagged exchange before the tags begin: `Ok(ret)` or the trap.
async fn say(
    stream: &mut dyn Stream,
    words: &[Zeroizing<String>],
) -> Result<Result<Option<String>, Trap>, DeviceError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    for word in words {
        put_word(&mut bytes, word.as_bytes());
    }
    put_word(&mut bytes, b"");
    stream.write_all(&bytes).await.map_err(CodecError::Io).map_err(lost)?;
    stream.flush().await.map_err(CodecError::Io).map_err(lost)?;
    let mut trap = None;
    loop {
        let words = read_sentence(stream).await.map_err(lost)?;
        let sentence = parse_reply(&words)
            .ok_or_else(|| DeviceError::Protocol { words: "this does not speak the RouterOS API".into() })?;
        match sentence.kind {
            ReplyKind::Trap => trap = Some(Trap::new(sentence.row.text("message").to_owned())),
            ReplyKind::Done => {
                return Ok(match trap {
                    Some(trap) => Err(trap),
                    None => Ok(sentence.row.get("ret").map(str::to_owned)),
                });
            }
            ReplyKind::Fatal => {
                // A router that closes after a refusal says so in the trap before.
                return match trap {
                    Some(trap) => Ok(Err(trap)),
                    None => Err(DeviceError::Device { words: sentence.text }),
                };
            }
            ReplyKind::Row | ReplyKind::Empty => {}
        }
    }
}

/// A stream that broke, as an error of the device.
pub(super) fn lost(error: CodecError) -> DeviceError {
    match error {
        CodecError::Io(error) => DeviceError::Unreachable { words: format!("connection lost: {error}") },
        CodecError::Reserved(_) | CodecError::TooLong { .. } => {
            DeviceError::Protocol { words: error.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_to_a_challenge() {
        // MD5 over 00 "secret" 0123456789abcdef0123456789abcdef, computed with coreutils' md5sum.
        let challenge = unhex("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(challenge_response("secret", &challenge), "00ebbe7c3df6b3d902bfd1f355c6e63289");
    }

    #[test]
    fn odd_challenges_are_refused() {
        assert_eq!(unhex("abc"), None);
        assert_eq!(unhex("zz"), None);
        assert_eq!(unhex("ñ"), None);
        assert_eq!(unhex(""), None);
    }
}
