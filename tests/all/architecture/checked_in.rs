//! Lists and documents that stand in the repository and must say what is true.

use super::sources::root;
use std::{env, fs, path::Path};

/// Whether the run was asked to write what differs.
const WRITE: &str = "ATALAYA_WRITE";

/// Fails when the file does not hold this text; with `ATALAYA_WRITE` set, writes it.
pub(super) fn document(path: &str, wanted: &str) {
    let file = root().join(path);
    let present = read(&file);
    if present == wanted {
        return;
    }
    if env::var_os(WRITE).is_some() {
        fs::write(&file, wanted).unwrap_or_else(|error| panic!("{path}: {error}"));
        return;
    }
    panic!(
        "{path} is not what the code says. First difference: {}\nWrite it anew: {WRITE}=1 cargo nextest run -p atalaya-tests architecture",
        difference(&present, wanted)
    );
}

/// Fails when the lines of a checked-in list are not these. Such a list is changed by hand: each line is a decision.
pub(super) fn list(path: &str, reason: &str, found: &[String]) {
    let text = read(&root().join(path));
    let listed: Vec<_> = lines(&text).collect();
    let new: Vec<_> = found.iter().filter(|line| !listed.contains(&line.as_str())).collect();
    let gone: Vec<_> = listed.iter().filter(|line| !found.iter().any(|f| f == *line)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "{path} ({reason})\nnot in the list: {new:#?}\nin the list, not in the code: {gone:#?}"
    );
}

/// What the lines say, without comments: `#` to the end of the line.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty())
}

fn read(file: &Path) -> String {
    match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

fn difference(present: &str, wanted: &str) -> String {
    let (mut have, mut want) = (present.lines(), wanted.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (have.next(), want.next()) {
            (None, None) => return "only line ends".to_owned(),
            (a, b) if a == b => {}
            (a, b) => {
                let shown =
                    |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("`{line}`"));
                return format!("line {number} is {}, should be {}", shown(a), shown(b));
            }
        }
    }
}
