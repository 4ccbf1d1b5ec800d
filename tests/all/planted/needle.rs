//! Forms in which a secret may lie somewhere.

use std::{collections::BTreeSet, fmt::Write};

/// Shortest piece that is looked for: less would be found by chance.
const SHORTEST: usize = 8;

/// A form of a secret.
pub(super) struct Form {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Every form of a secret, each as the bytes that are looked for.
pub(super) fn forms(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms: BTreeSet<_> = forms_by_name(secret).into_iter().map(|form| form.bytes).collect();
    // Any of them in a text within JSON, as an answer has it that tells what was stored as JSON.
    let again: Vec<_> =
        forms.iter().filter_map(|form| Some(json(std::str::from_utf8(form).ok()?).into_bytes())).collect();
    forms.extend(again);
    assert!(
        forms.iter().all(|form| form.len() >= SHORTEST),
        "a secret of {} bytes is too short",
        secret.len()
    );
    forms
}

/// The forms by themselves.
pub(super) fn forms_by_name(secret: &[u8]) -> Vec<Form> {
    let form = |name: &str, bytes: Vec<u8>| Form { name: name.to_owned(), bytes };
    let hex = secret.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let mut forms = vec![
        form("hex-upper", hex.to_uppercase().into_bytes()),
        form("hex", hex.into_bytes()),
        form("url-upper", percent(secret, true)),
        form("url", percent(secret, false)),
        // As a list of numbers, which is how Rust prints bytes.
        form("numbers", secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes()),
    ];
    for (name, alphabet) in [("base64", &STANDARD), ("base64url", &URL_SAFE)] {
        forms.extend((0..3).map(|shift| form(&format!("{name}-{shift}"), base64(secret, shift, alphabet))));
    }
    forms.push(form("raw", secret.to_vec()));
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = json(text);
        // As a program writes it that escapes more than it must: `/`, and what is not ASCII.
        let more: String = json.replace('/', "\\/").chars().fold(String::new(), |mut text, c| {
            if c.is_ascii() {
                text.push(c);
            } else {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
            text
        });
        let debug = format!("{text:?}");
        forms.extend([
            form("json", json.into_bytes()),
            form("json-more", more.into_bytes()),
            // And as Rust's own `{:?}` does.
            form("debug", debug.as_bytes()[1..debug.len() - 1].to_vec()),
        ]);
    }
    forms
}

/// A text as it stands between the quotes of JSON.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

const STANDARD: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The letters that a secret alone decides when `shift` bytes stand before it in what is encoded, and anything after it.
fn base64(secret: &[u8], shift: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bit = |at: usize| {
        let byte = (at / 8).checked_sub(shift).map_or(0, |at| secret[at]);
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let first = (shift * 8).div_ceil(6);
    let end = (shift + secret.len()) * 8 / 6;
    (first..end)
        .map(|letter| alphabet[(0..6).fold(0, |value, at| value << 1 | bit(letter * 6 + at))])
        .collect()
}

/// As in a URL.
fn percent(secret: &[u8], upper: bool) -> Vec<u8> {
    let mut text = String::new();
    for byte in secret {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else if upper {
            let _ = write!(text, "%{byte:02X}");
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text.into_bytes()
}

#[test]
fn a_secret_is_looked_for_in_every_form() {
    let forms = forms("Pá/\"x?~secret".as_bytes());
    let has = |text: &str| forms.contains(text.as_bytes());
    assert!(has("Pá/\"x?~secret"), "raw");
    assert!(has("50c3a12f22783f7e736563726574") && has("50C3A12F22783F7E736563726574"), "hexadecimal");
    assert!(has("P%C3%A1%2F%22x%3F~secret") && has("P%c3%a1%2f%22x%3f~secret"), "of a URL");
    assert!(has("Pá/\\\"x?~secret") && has("P\\u00e1\\/\\\"x?~secret"), "of JSON");
    assert!(has("Pá/\\\\\\\"x?~secret"), "of JSON within JSON");
    assert!(has("80, 195, 161, 47, 34, 120, 63, 126, 115, 101, 99, 114, 101, 116"), "of a debugger");
    // What other encoders give, with none, one and two bytes before it.
    for text in [
        "UMOhLyJ4P35zZWNyZX",
        "DDoS8ieD9+c2VjcmV0",
        "Qw6EvIng/fnNlY3Jld",
        "DDoS8ieD9-c2VjcmV0",
        "Qw6EvIng_fnNlY3Jld",
    ] {
        assert!(has(text), "base 64, {text}: {forms:?}");
    }
}
