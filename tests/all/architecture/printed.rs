//! What holds a secret cannot be printed: a line of the log, a panic and an error show what `{:?}` of a value gives.
//!
//! A type that derives `Debug` keeps secrets in `SecretText`, `SecretBytes` or `ShownOnce`, which print nothing of
//! themselves. `Zeroizing` does not: it is wiped and printed.

use super::sources::{Source, programs, split};

/// Last words of the names of fields that hold secrets.
const SECRET: &[&str] = &[
    "password",
    "secret",
    "token",
    "community",
    "codes",
    "challenge",
    "join_string",
    "credentials",
    "private_key",
];
/// Sealed, a hash, or nothing without the cookie that it goes with.
const HARMLESS: &[&str] = &["sealed_", "csrf_token"];
/// Types that are printed as they are.
const PRINTED: &[&str] = &["String", "Vec<u8>", "Vec<String>", "Bytes", "&str", "&'static str", "[u8; 32]"];

/// The insides of the type that is declared next, without its attributes.
fn body(code: &str, from: usize) -> Option<(usize, &str)> {
    let declared = ["struct ", "enum "].iter().filter_map(|kind| code[from..].find(kind)).min()? + from;
    let open = declared + code[declared..].find(['{', ';', '('])?;
    if !code[open..].starts_with('{') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, letter) in code[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return Some((open, &code[open..open + at])),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Places of fields that a derived `Debug` would print and must not.
fn told(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for derive in source.uses("derive(") {
        let Some(end) = source.code[derive..].find(')').map(|end| derive + end) else { continue };
        if !source.code[derive..end].contains("Debug") {
            continue;
        }
        let Some((open, inside)) = body(&source.code, end) else { continue };
        let mut at = open;
        for line in inside.split_inclusive('\n') {
            let field = line.trim().trim_end_matches(',').rsplit_once(": ").map(|(name, kind)| {
                let name = name.rsplit([' ', '{', '(']).next().unwrap_or_default();
                (name, kind.trim_start_matches("Option<").trim_end_matches('>'))
            });
            if let Some((name, kind)) = field {
                let named = SECRET.iter().any(|word| name.ends_with(word))
                    && !HARMLESS.iter().any(|word| name.starts_with(word));
                let printed = PRINTED.iter().any(|word| kind == word.trim_end_matches('>'));
                if kind.contains("Zeroizing") || (named && printed) {
                    found.push(format!("{} {}", source.place(at), line.trim()));
                }
            }
            at += line.len();
        }
    }
    found
}

#[test]
fn what_holds_a_secret_is_not_printed() {
    let found: Vec<_> = programs().flat_map(told).collect();
    assert!(
        found.is_empty(),
        "keep it in SecretText, SecretBytes or ShownOnce, or write `Debug` by hand\n{found:#?}"
    );
}

#[test]
fn a_printed_secret_is_found() {
    let text = "
#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub sealed_password: Vec<u8>,
    pub csrf_token: String,
    pub community: Option<Zeroizing<String>>,
    pub token: SecretText,
}
#[derive(Debug)]
enum Answer {
    No,
    Yes {
        challenge: String,
    },
}
#[derive(Clone)]
struct Quiet {
    password: String,
}
";
    let source = split("x.rs", text.to_owned());
    let wanted = [
        "x.rs:5 pub password: String,",
        "x.rs:8 pub community: Option<Zeroizing<String>>,",
        "x.rs:15 challenge: String,",
    ];
    assert_eq!(told(&source), wanted);
}
