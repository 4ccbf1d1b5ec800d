//! Commands to a router and the rows that come back.

use zeroize::Zeroizing;

use super::codec::put_word;

/// A command: path, attributes, queries. Bytes are wiped on drop, for they may hold a password.
#[derive(Clone)]
pub(crate) struct Command {
    path: String,
    /// The words for a person: secrets masked.
    shown: Vec<String>,
    words: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The path alone: attributes may be secrets.
        f.debug_tuple("Command").field(&self.path).finish()
    }
}

impl Command {
    /// A command by its path, e.g. `/ppp/secret/print`.
    pub(crate) fn new(path: &str) -> Self {
        let mut words = Zeroizing::new(Vec::with_capacity(128));
        put_word(&mut words, path.as_bytes());
        Self { path: path.to_owned(), shown: vec![path.to_owned()], words }
    }

    /// Adds `=name=value`.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let word = Zeroizing::new(format!("={name}={value}"));
        // Growing in place would leave the old copy behind unwiped.
        let mut words = Zeroizing::new(Vec::with_capacity(self.words.len() + word.len() + 8));
        words.extend_from_slice(&self.words);
        put_word(&mut words, word.as_bytes());
        self.words = words;
        self.shown.push(masked(name, value));
        self
    }

    /// Asks for these columns alone: the cheapest optimisation there is on a router.
    #[must_use]
    pub(crate) fn columns(self, columns: &[&str]) -> Self {
        self.with(".proplist", &columns.join(","))
    }

    /// Adds a query word as it stands on the wire (`?name=x`, `?#|`). Order matters.
    #[must_use]
    pub(crate) fn query(mut self, word: &str) -> Self {
        put_word(&mut self.words, word.as_bytes());
        self.shown.push(word.to_owned());
        self
    }

    /// Rows whose `name` is any of `values`; no value = no restriction.
    #[must_use]
    pub(crate) fn any_of<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut count = 0_usize;
        for value in values {
            self = self.query(&format!("?{name}={value}"));
            count += 1;
        }
        for _ in 1..count {
            self = self.query("?#|");
        }
        self
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The words, secrets masked, for a transcript.
    pub(super) fn masked(&self) -> String {
        self.shown.join(" ")
    }

    /// The sentence on the wire, with its tag.
    pub(super) fn encode(&self, tag: u64) -> Zeroizing<Vec<u8>> {
        let tag = format!(".tag={tag}");
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.words.len() + tag.len() + 2));
        bytes.extend_from_slice(&self.words);
        put_word(&mut bytes, tag.as_bytes());
        put_word(&mut bytes, b"");
        bytes
    }
}

/// One row: attributes in the router's order. Unset attributes are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row(Vec<(String, String)>);

impl Row {
    /// The value of an attribute, `""` when it is unset.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A yes/no attribute (`true`, or `yes` on old versions); unset = no.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "yes")
    }

    pub(super) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// Bytes held, for the cap on replies.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len() + 48).sum()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Row {
    fn from(attributes: [(&str, &str); N]) -> Self {
        Self(attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// A finished command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Rows, in order.
    pub(crate) rows: Vec<Row>,
    /// `=ret=` of `!done`: the id of `add`, a count, a challenge.
    pub(crate) ret: Option<String>,
}

/// First word of a reply sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyKind {
    Row,
    Done,
    Trap,
    Fatal,
    Empty,
}

/// A reply sentence taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReplySentence {
    pub(super) kind: ReplyKind,
    pub(super) tag: Option<u64>,
    pub(super) row: Row,
    /// A word that is no attribute: the text of `!fatal`.
    pub(super) text: String,
}

impl ReplySentence {
    /// The words, secrets masked, for a transcript.
    pub(super) fn masked(&self) -> String {
        let tag = self.tag.map_or(String::new(), |tag| format!("{tag} "));
        let words: Vec<String> = self.row.0.iter().map(|(name, value)| masked(name, value)).collect();
        format!("{tag}{:?} {}{}", self.kind, words.join(" "), self.text)
    }
}

fn masked(name: &str, value: &str) -> String {
    let value = if matches!(name, "password" | "response" | "secret") { "***" } else { value };
    format!("={name}={value}")
}

/// Takes a sentence apart; `None` when its first word is no reply word.
pub(super) fn parse_reply(words: &[Vec<u8>]) -> Option<ReplySentence> {
    let (first, rest) = words.split_first()?;
    let kind = match first.as_slice() {
        b"!re" => ReplyKind::Row,
        b"!done" => ReplyKind::Done,
        b"!trap" => ReplyKind::Trap,
        b"!fatal" => ReplyKind::Fatal,
        b"!empty" => ReplyKind::Empty,
        _ => return None,
    };
    let mut sentence = ReplySentence { kind, tag: None, row: Row::default(), text: String::new() };
    for word in rest {
        let word = decode(word);
        if let Some(attribute) = word.strip_prefix('=') {
            // The value may hold '=' itself.
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            sentence.row.push(name.to_owned(), value.to_owned());
        } else if let Some(tag) = word.strip_prefix(".tag=") {
            sentence.tag = tag.parse().ok();
        } else {
            sentence.text = word;
        }
    }
    Some(sentence)
}

/// UTF-8, or CP1252 as old WinBox stored it; never fails.
fn decode(bytes: &[u8]) -> String {
    /// 0x80..=0x9F of Windows code page 1252; undefined places keep their C1 control.
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes
            .iter()
            .map(|byte| match byte {
                0x80..0xA0 => HIGH[usize::from(byte - 0x80)],
                other => char::from(*other),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&[u8]]) -> Vec<Vec<u8>> {
        words.iter().map(|word| word.to_vec()).collect()
    }

    #[test]
    fn a_value_may_hold_an_equals_sign_and_may_be_empty() {
        let sentence =
            parse_reply(&words(&[b"!re", b".tag=7", b"=comment=a=b", b"=profile=", b"=.id=*1A"])).unwrap();
        assert_eq!(sentence.tag, Some(7));
        assert_eq!(sentence.row.text("comment"), "a=b");
        assert_eq!(sentence.row.get("profile"), Some(""));
        assert_eq!(sentence.row.text(".id"), "*1A");
    }

    #[test]
    fn fatal_carries_bare_text() {
        let sentence = parse_reply(&words(&[b"!fatal", b"session terminated on request"])).unwrap();
        assert_eq!(
            (sentence.kind, sentence.text.as_str()),
            (ReplyKind::Fatal, "session terminated on request")
        );
    }

    #[test]
    fn comments_typed_in_old_winbox_are_read() {
        let sentence = parse_reply(&words(&[b"!re", b"=comment=Mu\xF1oz \x80"])).unwrap();
        assert_eq!(sentence.row.text("comment"), "Muñoz €");
    }

    #[test]
    fn no_secret_in_debug_output() {
        let command = Command::new("/ppp/secret/add").with("password", "hunter2");
        assert!(!format!("{command:?}").contains("hunter2"));
    }

    #[test]
    fn any_of_several_names() {
        let command = Command::new("/p").any_of("name", ["a", "b", "c"]);
        let mut expected = Vec::new();
        for word in ["/p", "?name=a", "?name=b", "?name=c", "?#|", "?#|"] {
            put_word(&mut expected, word.as_bytes());
        }
        assert_eq!(*command.words, expected);
    }
}
