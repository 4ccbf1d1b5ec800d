//! A double of a transit engine: it answers as the encrypt and decrypt calls of Vault and OpenBao do, and keeps what it
//! was given instead of encrypting it. What it gives out tells nothing of it.

use anyhow::Context;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// A running double.
pub struct TransitEngine {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    token: String,
    version: u32,
    kept: HashMap<String, String>,
    is_sealed: bool,
    calls: Vec<String>,
}

/// Name of its one key.
const KEY: &str = "atalaya";
/// Namespace that it demands.
const NAMESPACE: &str = "isp";

impl TransitEngine {
    /// Starts it with the token that it lets in.
    ///
    /// # Errors
    /// No free port.
    pub fn start(token: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let state = State {
            token: token.to_owned(),
            version: 1,
            kept: HashMap::new(),
            is_sealed: false,
            calls: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let serving = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A caller that went away is nobody's loss.
                let _ = answer(&stream, &serving);
            }
        });
        Ok(Self { address, state })
    }

    /// `[secrets.transit]` of a configuration file that names it.
    pub fn settings(&self, token_file: &std::path::Path) -> String {
        format!(
            "[secrets.transit]\naddress = \"http://{}\"\nkey = \"{KEY}\"\nnamespace = \"{NAMESPACE}\"\ntoken_file = \"{}\"\n",
            self.address,
            token_file.display()
        )
    }

    /// Lets another token in, and no longer the one before.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.state.lock().token);
    }

    /// Wraps with the next version of its key from here on.
    pub fn rotate(&self) {
        self.state.lock().version += 1;
    }

    /// Answers nothing any more, or again.
    pub fn seal(&self, is_sealed: bool) {
        self.state.lock().is_sealed = is_sealed;
    }

    /// What was called, in order: `encrypt` and `decrypt`.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().calls.clone()
    }
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).context("a request has a path")?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, answer) = decided(&path, &headers, &serde_json::from_slice(&body)?, &mut state.lock());
    let text = answer.to_string();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )?;
    Ok(())
}

fn decided(path: &str, headers: &HashMap<String, String>, body: &Value, state: &mut State) -> (u16, Value) {
    let refused = |status, why: &str| (status, json!({"errors": [why]}));
    let header = |name: &str| headers.get(name).map(String::as_str);
    if state.is_sealed {
        return refused(503, "Vault is sealed");
    }
    if header("x-vault-token") != Some(&state.token) {
        return refused(403, "permission denied");
    }
    let verb = path.strip_prefix("/v1/transit/").and_then(|rest| rest.strip_suffix(&format!("/{KEY}")));
    let (Some(verb), Some(NAMESPACE)) = (verb, header("x-vault-namespace")) else {
        return refused(404, "no handler for route");
    };
    state.calls.push(verb.to_owned());
    let given = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    match verb {
        "encrypt" => {
            let ciphertext = format!("vault:v{}:handle-{}", state.version, state.kept.len());
            state.kept.insert(ciphertext.clone(), given("plaintext"));
            (200, json!({"data": {"ciphertext": ciphertext, "key_version": state.version}}))
        }
        "decrypt" => match state.kept.get(&given("ciphertext")) {
            Some(plaintext) => (200, json!({"data": {"plaintext": plaintext}})),
            None => refused(400, "cipher: message authentication failed"),
        },
        _ => refused(404, "no handler for route"),
    }
}
