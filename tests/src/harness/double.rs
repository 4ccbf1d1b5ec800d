//! A small web server, for doubles of services that others run: each connection is one request and its answer, on a thread of its
//! own; and the texts of addresses that they read and write.

use anyhow::Context;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// How long a caller may take to say what it wants.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

/// A request.
pub(super) struct Asked {
    pub(super) method: String,
    /// As it was sent.
    pub(super) path: String,
    /// What stands behind `?`, as it was sent.
    pub(super) query: String,
    /// By name in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What a caller gets.
pub(super) enum Told {
    /// An answer.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// None, until the caller has waited long enough and goes.
    Nothing,
}

/// A service that is doubled.
pub(super) trait Double: Send + Sync + 'static {
    /// Answers a request.
    fn decided(&self, asked: &Asked) -> Told;

    /// Whether it hangs up in the middle of a body instead of reading it.
    fn cuts_off(&self, _method: &str, _path: &str) -> bool {
        false
    }
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Told {
    /// JSON.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// Text of a media type.
    pub(super) fn text(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, headers: vec![("content-type", media_type.to_owned())], body: body.into() }
    }
}

/// Answers on a free port of this machine for as long as the test runs.
///
/// # Errors
/// No free port.
pub(super) fn serve(double: impl Double + Clone) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let double = double.clone();
            // A caller that went away is nobody's loss.
            thread::spawn(move || answer(&stream, &double).ok());
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream, double: &impl Double) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(ASKED_WITHIN))?;
    let Some(asked) = read(stream, double)? else { return Ok(()) };
    match double.decided(&asked) {
        Told::Nothing => {
            let _ = stream.read(&mut [0; 1]);
        }
        Told::Answer { status, headers, body } => {
            let headers = headers.iter().fold(String::new(), |mut lines, (name, value)| {
                let _ = write!(lines, "{name}: {value}\r\n");
                lines
            });
            // Asked by HEAD, it tells the size and gives nothing.
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
            )?;
            if asked.method != "HEAD" {
                stream.write_all(&body)?;
            }
        }
    }
    Ok(())
}

/// The request; none when its body was cut off.
fn read(mut stream: &TcpStream, double: &impl Double) -> anyhow::Result<Option<Asked>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let method = words.next().context("a request has a method")?.to_owned();
    let target = words.next().context("a request has a path")?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.get("expect").is_some_and(|value| value == "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_cut = double.cuts_off(&method, &path);
    let mut body = vec![0; if is_cut { length / 2 } else { length }];
    reader.read_exact(&mut body)?;
    Ok((!is_cut).then_some(Asked { method, path, query, headers, body }))
}

/// A text of an address as it was before it was escaped; none when it was not rightly.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Everything escaped but what RFC 3986 calls unreserved.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Names and values of a query, decoded.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    pairs.filter_map(|(name, value)| Some((decoded(name)?, decoded(value)?))).collect()
}
