//! The join string: all that a new agent needs, on one line that survives a chat window.
//!
//! `atalaya-join:v1:` and base64url (no padding) of: number of addresses u8, each `length u8 | text`; token
//! `length u8 | text`; fingerprint of the root, 32 bytes; checksum, the first 4 bytes of SHA-256 over all before. The
//! checksum is against clipped copies, not against people: who can change the line can make a new one.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const PREFIX: &str = "atalaya-join:";
const VERSION: &str = "v1:";
const CHECKSUM_BYTES: usize = 4;
const MAX_CHARS: usize = 4_096;

/// What a join string says.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinString {
    /// Where the gateway answers, `host:port`, best first.
    pub gateways: Vec<String>,
    /// One-time token, in the clear.
    pub token: String,
    /// SHA-256 of the installation's root certificate.
    pub root_fingerprint: [u8; 32],
}

/// Without the token.
impl fmt::Debug for JoinString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinString").field("gateways", &self.gateways).finish_non_exhaustive()
    }
}

/// Why a text is no join string, with what to do.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// Something else was pasted.
    #[error("this is not a join string: it must start with `{PREFIX}`; copy the whole line that was printed")]
    NotAJoinString,
    /// Made by a newer control plane.
    #[error("this join string is of a version that this agent does not know: install a newer agent")]
    UnknownVersion,
    /// Characters are missing or changed.
    #[error("this join string is damaged: copy it again, whole and without line breaks")]
    Damaged,
    /// A part is empty or too long to be written.
    #[error("a join string needs 1 to 16 gateway addresses and a token, each 1 to 255 bytes")]
    Incomplete,
}

impl JoinString {
    /// The line to print.
    ///
    /// # Errors
    /// [`JoinError::Incomplete`].
    pub fn encode(&self) -> Result<String, JoinError> {
        let count = u8::try_from(self.gateways.len()).map_err(|_| JoinError::Incomplete)?;
        if !(1..=16).contains(&count) {
            return Err(JoinError::Incomplete);
        }
        let mut bytes = vec![count];
        for text in self.gateways.iter().chain([&self.token]) {
            let length = u8::try_from(text.len()).map_err(|_| JoinError::Incomplete)?;
            if length == 0 {
                return Err(JoinError::Incomplete);
            }
            bytes.push(length);
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(&self.root_fingerprint);
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        Ok(format!("{PREFIX}{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a line; spaces around it do not matter.
    ///
    /// # Errors
    /// [`JoinError`], in words for a terminal.
    pub fn decode(text: &str) -> Result<Self, JoinError> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(JoinError::NotAJoinString)?;
        let encoded = rest.strip_prefix(VERSION).ok_or(JoinError::UnknownVersion)?;
        if encoded.len() > MAX_CHARS {
            return Err(JoinError::Damaged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| JoinError::Damaged)?;
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(JoinError::Damaged)?;
        if checksum(body) != *sum {
            return Err(JoinError::Damaged);
        }
        let (&count, mut input) = body.split_first().ok_or(JoinError::Damaged)?;
        let gateways = (0..count).map(|_| take_text(&mut input)).collect::<Option<Vec<_>>>();
        let token = take_text(&mut input);
        match (gateways, token, <[u8; 32]>::try_from(input)) {
            (Some(gateways), Some(token), Ok(root_fingerprint)) if !gateways.is_empty() => {
                Ok(Self { gateways, token, root_fingerprint })
            }
            _ => Err(JoinError::Damaged),
        }
    }
}

fn take_text(input: &mut &[u8]) -> Option<String> {
    let (&length, rest) = input.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(length))?;
    *input = rest;
    std::str::from_utf8(text).ok().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}
