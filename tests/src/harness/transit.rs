//! A double of a transit engine: it answers as the encrypt and decrypt calls of Vault and OpenBao do, and keeps what it
//! was given instead of encrypting it. What it gives out tells nothing of it.

use super::double::{Asked, Double, Told, serve};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::HashMap, net::SocketAddr, sync::Arc};

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
        let state = State {
            token: token.to_owned(),
            version: 1,
            kept: HashMap::new(),
            is_sealed: false,
            calls: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let address = serve(state.clone())?;
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

impl Double for Arc<Mutex<State>> {
    fn decided(&self, asked: &Asked) -> Told {
        let (status, body) = decided(asked, &mut self.lock());
        Told::json(status, &body)
    }
}

fn decided(asked: &Asked, state: &mut State) -> (u16, Value) {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let refused = |status, why: &str| (status, json!({"errors": [why]}));
    if state.is_sealed {
        return refused(503, "Vault is sealed");
    }
    if asked.header("x-vault-token") != Some(&state.token) {
        return refused(403, "permission denied");
    }
    let verb = asked.path.strip_prefix("/v1/transit/").and_then(|rest| rest.strip_suffix(&format!("/{KEY}")));
    let (Some(verb), Some(NAMESPACE)) = (verb, asked.header("x-vault-namespace")) else {
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
