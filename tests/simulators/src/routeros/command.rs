//! Sentences with meaning: a command that came in, the replies that go out.

use super::query::Query;

/// A command sentence, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// `/ppp/secret` of `/ppp/secret/print`; empty for `/login`, `/quit`, `/cancel`.
    pub menu: String,
    /// The last part of the command word.
    pub verb: String,
    /// Words `=name=value`, in order.
    pub attributes: Vec<(String, String)>,
    /// Words that begin with `?`, in order.
    pub queries: Vec<String>,
    /// The value of `.tag`, if any.
    pub tag: Option<String>,
}

impl Command {
    /// Takes a sentence apart. Words that are none of the known kinds are not part of a command and are
    /// skipped.
    pub fn parse(words: &[String]) -> Self {
        let mut words = words.iter();
        let path = words.next().map(String::as_str).unwrap_or_default();
        let (menu, verb) = path.rsplit_once('/').unwrap_or(("", path));
        let mut command = Self {
            menu: menu.to_owned(),
            verb: verb.to_owned(),
            attributes: Vec::new(),
            queries: Vec::new(),
            tag: None,
        };
        for word in words {
            if let Some(tag) = word.strip_prefix(".tag=") {
                command.tag = Some(tag.to_owned());
            } else if let Some(attribute) = word.strip_prefix('=') {
                // A name may begin with a dot, a value may hold further `=`.
                let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
                command.attributes.push((name.to_owned(), value.to_owned()));
            } else if word.starts_with('?') {
                command.queries.push(word.clone());
            }
        }
        command
    }

    /// The value of an attribute word.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the command changes something.
    pub fn is_write(&self) -> bool {
        matches!(
            self.verb.as_str(),
            "add" | "set" | "unset" | "remove" | "enable" | "disable" | "move" | "comment" | "make-static"
        )
    }

    /// The query words as a query.
    ///
    /// # Errors
    /// The trap for the word that is no query.
    pub fn query(&self) -> Result<Query, Trap> {
        Query::parse(self.queries.iter().map(String::as_str))
            .map_err(|word| Trap::new(format!("invalid query word {word}")))
    }
}

/// An error of one command. The connection goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// `category` of the reply, where the router gives one.
    pub category: Option<u8>,
    /// Text for people, and, in want of anything better, for programs.
    pub message: String,
}

impl Trap {
    /// A trap without category.
    pub fn new(message: impl Into<String>) -> Self {
        Self { category: None, message: message.into() }
    }

    /// A trap with category.
    pub fn categorised(category: u8, message: impl Into<String>) -> Self {
        Self { category: Some(category), message: message.into() }
    }

    /// The row that a command names is not there.
    pub fn no_such_item() -> Self {
        Self::new("no such item")
    }
}

/// One reply sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A row.
    Re(Vec<(String, String)>),
    /// There are no rows.
    Empty,
    /// An error; a `Done` follows.
    Trap(Trap),
    /// End of the command, perhaps with a result.
    Done(Option<String>),
    /// End of the connection.
    Fatal(String),
}

impl Reply {
    /// The words of the sentence.
    pub fn words(&self, tag: Option<&str>) -> Vec<String> {
        let (kind, rest) = match self {
            Self::Re(properties) => {
                ("!re", properties.iter().map(|(key, value)| format!("={key}={value}")).collect())
            }
            Self::Empty => ("!empty", Vec::new()),
            Self::Trap(trap) => {
                let category = trap.category.map(|number| format!("=category={number}"));
                ("!trap", category.into_iter().chain([format!("=message={}", trap.message)]).collect())
            }
            Self::Done(result) => {
                ("!done", result.iter().map(|value| format!("=ret={value}")).collect::<Vec<_>>())
            }
            Self::Fatal(text) => ("!fatal", vec![text.clone()]),
        };
        let tag = tag.map(|tag| format!(".tag={tag}"));
        std::iter::once(kind.to_owned()).chain(tag).chain(rest).collect()
    }

    /// The replies to a command that failed.
    pub fn failure(trap: Trap) -> Vec<Self> {
        vec![Self::Trap(trap), Self::Done(None)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_taken_apart() {
        let words = ["/ppp/secret/set", "=.id=*3F", "=comment=a=b", "=disabled", "?name=x", ".tag=7"];
        let command = Command::parse(&words.map(str::to_owned));
        assert_eq!((command.menu.as_str(), command.verb.as_str()), ("/ppp/secret", "set"));
        assert_eq!(command.get(".id"), Some("*3F"));
        assert_eq!(command.get("comment"), Some("a=b"), "only the first two = divide");
        assert_eq!(command.get("disabled"), Some(""));
        assert_eq!(command.queries, ["?name=x"]);
        assert_eq!(command.tag.as_deref(), Some("7"));
    }

    #[test]
    fn reply_words() {
        let trap = Reply::Trap(Trap::categorised(2, "interrupted"));
        assert_eq!(trap.words(Some("7")), ["!trap", ".tag=7", "=category=2", "=message=interrupted"]);
        assert_eq!(Reply::Fatal("bye".into()).words(None), ["!fatal", "bye"], "no = before the text");
        assert_eq!(Reply::Done(Some("*1".into())).words(None), ["!done", "=ret=*1"]);
    }
}
