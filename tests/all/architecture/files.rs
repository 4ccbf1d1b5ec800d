//! How a file looks.

use super::sources::{all, paths, root, text};

/// Beyond it a file has more than one reason to change: it becomes a folder.
const MOST_LINES: usize = 400;

#[test]
fn a_file_is_short() {
    let long: Vec<_> = all()
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "at most {MOST_LINES} lines; split by reason to change\n{long:#?}");
}

#[test]
fn a_module_of_modules_opens_with_an_essay() {
    let silent: Vec<_> = all()
        .iter()
        .filter(|source| source.path.ends_with("/lib.rs") || source.path.ends_with("/mod.rs"))
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| &source.path)
        .collect();
    assert!(silent.is_empty(), "say what it is, what holds, what it must never do\n{silent:#?}");
}

/// Lines of hand-written files in which a word stands.
fn lines_with(words: &[&str], judged: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in paths().iter().filter(|path| judged(path)) {
        for (number, line) in text(path).unwrap_or_default().lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{path}:{}", number + 1));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    // Split, so that this file does not find itself.
    let later =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!"), concat!("unimple", "mented!")];
    let found = lines_with(&later, |path| {
        [".rs", ".ts", ".vue", ".mjs", ".js", ".css", ".sh", ".sql", ".proto", ".toml", ".service", ".yml"]
            .iter()
            .any(|suffix| path.ends_with(suffix))
    });
    assert!(found.is_empty(), "do it, or leave it out and file an issue\n{found:#?}");
}

/// Targets of the links of a page, without those that leave the repository.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn a_link_in_a_page_leads_somewhere() {
    let mut broken = Vec::new();
    for path in paths().iter().filter(|path| path.ends_with(".md")) {
        let page = text(path).unwrap_or_default();
        let folder = root().join(path).parent().map(ToOwned::to_owned).unwrap_or_default();
        let lost = links(&page).filter(|target| !folder.join(target).exists());
        broken.extend(lost.map(|target| format!("{path} → {target}")));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn nothing_names_the_machine_that_it_was_written_on() {
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "tgt")];
    let found = lines_with(&places, |_| true);
    assert!(found.is_empty(), "a path of one machine is nowhere else\n{found:#?}");
}
