//! Secrets in memory: wiped when dropped, never printed.

use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a secret; wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
    /// The bytes, for the one place that uses them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}
impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// Text of a secret as it arrives in a request; wiped when dropped, never printed or serialised.
#[derive(Clone, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// The text, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl<'de> serde::Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer).map(Self::new)
    }
}
impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Text of a secret that one answer shows, once: wiped when dropped, never printed. The answer alone is made of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownOnce(Zeroizing<String>);

impl ShownOnce {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// The text, for the one place that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl From<String> for ShownOnce {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
impl serde::Serialize for ShownOnce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
impl fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownOnce(…)")
    }
}

/// Fills with random bytes of the operating system.
pub fn fill_random(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // Without randomness every key would be guessable: there is nothing sensible left to do.
        bytes.zeroize();
        std::process::abort();
    }
}

/// 32 random bytes as 64 hexadecimal digits.
pub fn random_token() -> String {
    let mut bytes = [0; 32];
    fill_random(&mut bytes);
    hex::encode(bytes)
}
