//! The files of the repository, and Rust code told apart from its comments and strings.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// The folder of the workspace.
pub(super) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        tests.parent().expect("the crate of the tests is a folder of the workspace").to_owned()
    });
    &ROOT
}

/// Every file that is in the repository or about to be, relative to the root. Git says which those are, so that build
/// output and downloaded packages are never judged.
pub(super) fn paths() -> &'static [String] {
    static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
        let output = git.output().expect("git is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let list = String::from_utf8(output.stdout).expect("our paths are UTF-8");
        let mut paths: Vec<_> = list.split_terminator('\0').map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        // What was deleted and not committed yet is still listed.
        paths.retain(|path| root().join(path).is_file());
        assert!(paths.iter().any(|path| path == "Cargo.toml"), "{} is not the workspace", root().display());
        paths
    });
    &PATHS
}

/// The text of a file; `None` when it is not text.
pub(super) fn text(path: &str) -> Option<String> {
    String::from_utf8(fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))).ok()
}

/// A Rust file.
pub(super) struct Source {
    /// Relative to the root.
    pub(super) path: String,
    /// As it stands.
    pub(super) text: String,
    /// The same length, with comments and the insides of strings blanked.
    pub(super) code: String,
    /// What the strings hold, escapes as written.
    pub(super) strings: Vec<Literal>,
}

/// A string of the code.
pub(super) struct Literal {
    /// Byte at which it starts.
    pub(super) offset: usize,
    /// Its inside.
    pub(super) text: String,
}

impl Source {
    /// `path:line` of a byte.
    pub(super) fn place(&self, offset: usize) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}", self.path)
    }
    /// Places at which the code, not a comment and not a string, holds this.
    pub(super) fn uses(&self, needle: &str) -> impl Iterator<Item = usize> {
        self.code.match_indices(needle).map(|(offset, _)| offset)
    }
    /// Whether the path starts with one of these.
    pub(super) fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
    /// Whether the file, or a folder that it is in, has this name: `store.rs`, `store/audit.rs`.
    pub(super) fn is_part(&self, name: &str) -> bool {
        self.path.split('/').any(|part| part == name || part.strip_suffix(".rs") == Some(name))
    }
}

/// Every Rust file.
pub(super) fn all() -> &'static [Source] {
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let rust = paths().iter().filter(|path| path.ends_with(".rs"));
        rust.map(|path| split(path, text(path).unwrap_or_else(|| panic!("{path} is not UTF-8")))).collect()
    });
    &ALL
}

/// The code of our programs: `src` of every crate, without test equipment and without files of tests.
pub(super) fn programs() -> impl Iterator<Item = &'static Source> {
    all().iter().filter(|source| {
        source.path.contains("/src/")
            && !source.path.starts_with("tests/")
            && !source.is_part("tests")
            && !source.is_part("testing")
    })
}

/// A file with its code told apart.
pub(super) fn split(path: &str, text: String) -> Source {
    let mut lexer = Lexer { text: &text, at: 0, code: Vec::with_capacity(text.len()), strings: Vec::new() };
    while lexer.at < text.len() {
        lexer.step();
    }
    let Lexer { code, strings, .. } = lexer;
    let code = String::from_utf8(code).expect("blanks replace whole comments and strings");
    assert_eq!(code.len(), text.len(), "{path}: offsets must stay");
    Source { path: path.to_owned(), text, code, strings }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    code: Vec<u8>,
    strings: Vec<Literal>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment(rest));
        } else if let Some((open, inside, close)) = string(rest, self.code.last().copied()) {
            self.copy(open);
            self.strings.push(Literal { offset: self.at, text: rest[open..open + inside].to_owned() });
            self.blank(inside);
            self.copy(close);
        } else {
            let length = character(rest).unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
            self.copy(length);
        }
    }
    fn copy(&mut self, length: usize) {
        self.code.extend_from_slice(&self.text.as_bytes()[self.at..self.at + length]);
        self.at += length;
    }
    fn blank(&mut self, length: usize) {
        let bytes = &self.text.as_bytes()[self.at..self.at + length];
        self.code.extend(bytes.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        self.at += length;
    }
}

/// Length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Lengths of the opening, inside and closing of a string that starts here. A raw one starts with `r` that is not the
/// end of a name.
fn string(rest: &str, before: Option<u8>) -> Option<(usize, usize, usize)> {
    if let Some(inside) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = inside.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        return Some((1, end.unwrap_or(inside.len()), usize::from(end.is_some())));
    }
    // `b` of `br""` was copied as code before; that much of a name is no name.
    let in_a_name = before.is_some_and(|byte| (byte.is_ascii_alphanumeric() && byte != b'b') || byte == b'_');
    let raw = rest.strip_prefix('r').filter(|_| !in_a_name)?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let inside = raw[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close);
    Some((2 + hashes, end.unwrap_or(inside.len()), end.map_or(0, |_| close.len())))
}

/// Length of a character literal, so that `'"'` opens no string; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return inside[2..].find('\'').map(|end| 1 + 2 + end + 1);
    }
    inside[first.len_utf8()..].starts_with('\'').then(|| 1 + first.len_utf8() + 1)
}

#[test]
fn comments_and_strings_are_told_from_code() {
    let text = concat!(
        "let a = \"sql // \\\" x\"; // sql \"no\"\n/* /* sql */ sql */ let b = r#\"raw \" sql\"#; ",
        "let c = '\"'; fn f<'a>(d: &'a str) { br\"é\"; '\\''; for_r(\"e\") }\n"
    );
    let source = split("test.rs", text.to_owned());
    let strings: Vec<_> = source.strings.iter().map(|literal| literal.text.as_str()).collect();
    assert_eq!(strings, ["sql // \\\" x", "raw \" sql", "é", "e"]);
    assert!(!source.code.contains("sql"));
    assert!(source.code.contains("fn f<'a>(d: &'a str)"));
    assert_eq!(source.place(source.strings[1].offset), "test.rs:2");
}
