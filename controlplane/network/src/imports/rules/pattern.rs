//! Patterns of comments: how the people of an ISP write who a row is for, saved as they would say it (`{name} {document} NAP {box}`).
//!
//! - Words of a pattern stand in the comment, whatever their case and accents.
//! - A space or a sign of a pattern is any run of spaces and signs, or the border between letters and digits: `NAP {box}` fits
//!   `NAP4` too.
//! - A field takes what it can hold and no more ([`FieldKind`]); the whole comment has to be read, `{*}` takes what nobody wants.

use super::normalise;
use atalaya_kernel::text_enum;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt};
use utoipa::ToSchema;

/// Letters of a pattern at most.
pub const LONGEST_PATTERN: usize = 160;
/// Letters of a comment that are read; a router keeps about 255.
const LONGEST_COMMENT: usize = 512;

text_enum! {
    /// What a field of a pattern takes.
    pub enum FieldKind {
        /// Letters, two at least, and no digit.
        Name = "name",
        /// A word with five digits at least.
        Document = "document",
        /// Seven digits at least, in pieces or not.
        Phone = "phone",
        /// Anything.
        Address = "address",
        /// A word: the box or port that the line comes from.
        Box = "box",
        /// Anything short.
        Plan = "plan",
        /// What is passed over; may be nothing.
        Anything = "*",
    }
}

/// What a pattern read out of a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportRead)]
pub struct Read {
    /// Name.
    #[schema(example = "Rosa Quispe")]
    pub name: Option<String>,
    /// Identity document.
    #[schema(example = "40000017")]
    pub document: Option<String>,
    /// Phone.
    #[schema(example = "900000017")]
    pub phone: Option<String>,
    /// Where the service is.
    #[schema(example = "Jr. Los Olivos 123")]
    pub address: Option<String>,
    /// Box or port that the line comes from.
    #[serde(rename = "box")]
    #[schema(example = "4")]
    pub box_name: Option<String>,
    /// Plan as it is called there.
    #[schema(example = "Hogar 60M")]
    pub plan: Option<String>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// Nothing would be read.
    NoField,
    /// Longer than [`LONGEST_PATTERN`].
    TooLong,
    /// `{` without `}`, or the other way round.
    Unclosed,
    /// No field has this name.
    UnknownField(String),
    /// Two fields stand side by side: where one ends could not be told.
    SideBySide,
    /// A field stands twice.
    Twice(FieldKind),
}

impl PatternError {
    /// Stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoField => "required",
            Self::TooLong => "too_long",
            Self::Unclosed | Self::SideBySide => "malformed",
            Self::UnknownField(_) => "unknown",
            Self::Twice(_) => "duplicate",
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoField => f.write_str("a pattern reads one field at least, such as {name}"),
            Self::TooLong => write!(f, "at most {LONGEST_PATTERN} characters"),
            Self::Unclosed => f.write_str("a field is written {name}: a brace is missing"),
            Self::UnknownField(name) => {
                write!(f, "no field is called {name:?}; there are {}", FieldKind::WORDS.join(", "))
            }
            Self::SideBySide => f.write_str("write a space or a sign between two fields"),
            Self::Twice(kind) => write!(f, "the field {kind} stands twice"),
        }
    }
}

impl std::error::Error for PatternError {}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Field(FieldKind),
    /// Letters, comparable.
    Word(Vec<char>),
    Gap,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

impl Pattern {
    /// From what a person wrote.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        if text.chars().count() > LONGEST_PATTERN {
            return Err(PatternError::TooLong);
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if let Some(inside) = rest.strip_prefix('{') {
                let (name, after) = inside.split_once('}').ok_or(PatternError::Unclosed)?;
                let kind: FieldKind =
                    name.trim().parse().map_err(|_| PatternError::UnknownField(name.trim().to_owned()))?;
                if matches!(parts.last(), Some(Part::Field(_))) {
                    return Err(PatternError::SideBySide);
                }
                if kind != FieldKind::Anything && parts.contains(&Part::Field(kind)) {
                    return Err(PatternError::Twice(kind));
                }
                parts.push(Part::Field(kind));
                rest = after;
                continue;
            }
            if letter == '}' {
                return Err(PatternError::Unclosed);
            }
            rest = &rest[letter.len_utf8()..];
            match parts.last_mut() {
                Some(Part::Word(word)) if letter.is_alphanumeric() => word.push(plain(letter)),
                _ if letter.is_alphanumeric() => parts.push(Part::Word(vec![plain(letter)])),
                Some(Part::Gap) | None => {}
                Some(_) => parts.push(Part::Gap),
            }
        }
        if parts.last() == Some(&Part::Gap) {
            parts.pop();
        }
        let reads = |part: &Part| matches!(part, Part::Field(kind) if *kind != FieldKind::Anything);
        if !parts.iter().any(reads) {
            return Err(PatternError::NoField);
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a comment says by this pattern; none where it does not fit.
    pub fn read(&self, comment: &str) -> Option<Read> {
        let letters: Vec<char> = normalise::mended(comment).chars().take(LONGEST_COMMENT).collect();
        let is_part = |letter: &char| letter.is_alphanumeric() || OPENING.contains(*letter);
        // Signs around the comment say nothing.
        let from = letters.iter().position(is_part)?;
        let mut reader = Reader {
            parts: &self.parts,
            plain: letters.iter().map(|letter| plain(*letter)).collect(),
            letters,
            hopeless: HashSet::new(),
            taken: Vec::new(),
        };
        reader.fits(0, from).then(|| reader.read())
    }
}

/// A letter, comparable: lower case and without accent, one for one.
fn plain(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    atalaya_kernel::text::normalise(letter.encode_utf8(&mut [0; 4])).chars().next().unwrap_or(letter)
}

/// Signs that a field may begin with.
const OPENING: &str = "+(#";
/// Signs that a field may end with.
const CLOSING: &str = ").";

/// One comment that is being read.
struct Reader<'p> {
    parts: &'p [Part],
    letters: Vec<char>,
    plain: Vec<char>,
    /// Parts and places from which it is known to fail: without it, fields would be tried against each other without end.
    hopeless: HashSet<(usize, usize)>,
    /// Fields, where they begin and end.
    taken: Vec<(FieldKind, usize, usize)>,
}

impl Reader<'_> {
    /// Whether the parts from one on fit the letters from a place on.
    fn fits(&mut self, part: usize, at: usize) -> bool {
        if self.hopeless.contains(&(part, at)) {
            return false;
        }
        let parts = self.parts;
        let fits = match parts.get(part) {
            None => self.letters[at..].iter().all(|letter| !letter.is_alphanumeric()),
            Some(Part::Gap) => self.gap(part, at),
            Some(Part::Word(word)) => {
                let end = at + word.len();
                self.plain.get(at..end) == Some(word.as_slice())
                    && self.starts(at)
                    && self.fits(part + 1, end)
            }
            Some(Part::Field(kind)) => self.field(*kind, part, at),
        };
        if !fits {
            self.hopeless.insert((part, at));
        }
        fits
    }

    /// Whether a word may start at a place: not within another one.
    fn starts(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.letters.get(before));
        match (before, self.letters.get(at)) {
            (Some(before), Some(letter)) if before.is_alphanumeric() && letter.is_alphanumeric() => {
                before.is_numeric() != letter.is_numeric()
            }
            _ => true,
        }
    }

    fn gap(&mut self, part: usize, at: usize) -> bool {
        let signs = self.letters[at..].iter().take_while(|letter| !letter.is_alphanumeric()).count();
        let kept =
            self.letters[at..at + signs].iter().rev().take_while(|sign| OPENING.contains(**sign)).count();
        // What opens the next field (`+51 …`) is its own, or is passed over.
        let ends = [at + signs - kept, at + signs];
        ends.into_iter()
            .any(|end| (end > at || self.starts(at) || end == self.letters.len()) && self.fits(part + 1, end))
    }

    fn field(&mut self, kind: FieldKind, part: usize, at: usize) -> bool {
        let longest =
            self.letters[at..].iter().take_while(|letter| holds(kind, **letter)).count().min(most(kind));
        let passed_over = kind == FieldKind::Anything;
        let fewest = usize::from(!passed_over);
        for step in fewest..=longest {
            // As much as it can hold; of what nobody wants, as little as will do.
            let length = if passed_over { step } else { longest + fewest - step };
            let end = at + length;
            if !is_whole(kind, &self.letters[at..end]) || !(self.starts(end) || length == 0) {
                continue;
            }
            self.taken.push((kind, at, end));
            if self.fits(part + 1, end) {
                return true;
            }
            self.taken.pop();
        }
        false
    }

    fn read(&self) -> Read {
        let mut read = Read::default();
        for (kind, from, to) in &self.taken {
            let text: String = self.letters[*from..*to].iter().collect();
            let text = Some(bare(&text.split_whitespace().collect::<Vec<_>>().join(" ")).to_owned());
            match kind {
                FieldKind::Name => read.name = text,
                FieldKind::Document => read.document = text,
                FieldKind::Phone => read.phone = text,
                FieldKind::Address => read.address = text,
                FieldKind::Box => read.box_name = text,
                FieldKind::Plan => read.plan = text,
                FieldKind::Anything => {}
            }
        }
        read
    }
}

/// A text without the parentheses that it stands in as a whole.
fn bare(text: &str) -> &str {
    let inside = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inside.filter(|inside| !inside.contains(['(', ')'])).unwrap_or(text)
}

/// Letters that a field takes at most.
fn most(kind: FieldKind) -> usize {
    match kind {
        FieldKind::Name => 120,
        FieldKind::Document | FieldKind::Phone => 24,
        FieldKind::Address => 200,
        FieldKind::Box => 16,
        FieldKind::Plan => 40,
        FieldKind::Anything => LONGEST_COMMENT,
    }
}

/// Whether a letter may stand in a field.
fn holds(kind: FieldKind, letter: char) -> bool {
    match kind {
        FieldKind::Name => letter.is_alphabetic() || letter.is_whitespace() || "'’.,-".contains(letter),
        FieldKind::Document => letter.is_ascii_alphanumeric() || "-.".contains(letter),
        FieldKind::Phone => letter.is_ascii_digit() || letter.is_whitespace() || "+()-.".contains(letter),
        FieldKind::Box => letter.is_alphanumeric() || "-_./".contains(letter),
        FieldKind::Address | FieldKind::Plan | FieldKind::Anything => true,
    }
}

/// Whether letters make a whole field.
fn is_whole(kind: FieldKind, letters: &[char]) -> bool {
    if kind == FieldKind::Anything {
        return true;
    }
    let edges = match letters {
        [] => false,
        [first, .., last] => {
            let opens = first.is_alphanumeric() || OPENING.contains(*first);
            opens && (last.is_alphanumeric() || CLOSING.contains(*last))
        }
        [one] => one.is_alphanumeric(),
    };
    let digits = letters.iter().filter(|letter| letter.is_ascii_digit()).count();
    edges
        && match kind {
            FieldKind::Name => letters.iter().filter(|letter| letter.is_alphabetic()).count() >= 2,
            FieldKind::Document => digits >= 5,
            FieldKind::Phone => digits >= 7,
            FieldKind::Address | FieldKind::Box | FieldKind::Plan | FieldKind::Anything => true,
        }
}
