//! Words: what of a field is kept to be found, and what a person may mean by what they type. Pure.

use crate::text::normalise;
use std::collections::BTreeSet;

/// Most letters of a word that are kept.
const LONGEST: usize = 64;
/// Letters of the shortest word that a mistyped one is compared with: shorter ones are all like each other.
const SHORTEST_TYPO: usize = 4;
/// Letters from which two mistakes are forgiven.
const TWO_MISTAKES: usize = 8;
/// Letters of the shortest word with a digit that is found by its end as well.
const SHORTEST_END: usize = 4;
/// What a word that is written from its end begins with; no other word holds it.
const FROM_END: char = '<';

/// How a field's text becomes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// Names: each word; one with marks in it (`garcia-lopez`) in parts and as a whole.
    Words,
    /// A number, perhaps with letters and marks (documents, phones, MAC addresses): marks do not matter, and it is found by its
    /// end too.
    Number,
    /// An address of the network or a user's name: as it is written.
    Verbatim,
    /// An e-mail: as it is written, and the parts of its name. Its host alone would find half of the customers.
    Email,
}

fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).take(LONGEST).collect()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty())
}

fn is_between(letter: char) -> bool {
    letter.is_whitespace() || ",;/()\"".contains(letter)
}

fn chunks(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_between).map(|chunk| chunk.trim_matches(|c: char| !c.is_alphanumeric()))
}

fn from_end(word: &str) -> String {
    std::iter::once(FROM_END).chain(word.chars().rev()).collect()
}

fn has_digit(word: &str) -> bool {
    word.chars().any(|letter| letter.is_ascii_digit())
}

/// The words that are kept of a field's text.
pub(super) fn kept(how: Text, text: &str) -> BTreeSet<String> {
    let text = normalise(text);
    let mut words = BTreeSet::new();
    match how {
        Text::Words => {
            for chunk in chunks(&text) {
                words.insert(letters(chunk));
                words.extend(parts(chunk).map(letters));
            }
        }
        Text::Number => {
            words.insert(letters(&text));
        }
        Text::Verbatim | Text::Email => {
            words.insert(text.chars().filter(|letter| !letter.is_whitespace()).take(LONGEST).collect());
            let name = if how == Text::Email { text.split('@').next().unwrap_or_default() } else { &text };
            // No bytes of addresses: they would find every device of a network.
            words.extend(
                parts(name).filter(|part| part.len() > 2 && part.contains(char::is_alphabetic)).map(letters),
            );
        }
    }
    words.remove("");
    let ends: Vec<_> = words
        .iter()
        .filter(|word| has_digit(word) && word.chars().count() >= SHORTEST_END && *word == &letters(word))
        .map(|word| from_end(word))
        .collect();
    words.extend(ends);
    words
}

/// One word of what a person typed: each of these beginnings would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As it was typed, comparable.
    pub(super) word: String,
    /// Beginnings of kept words.
    pub(super) beginnings: Vec<String>,
}

impl Wanted {
    fn of(chunk: &str) -> Self {
        let compact = letters(chunk);
        let mut beginnings = vec![compact.clone()];
        if chunk != compact {
            beginnings.push(chunk.chars().take(LONGEST).collect());
        }
        if has_digit(&compact) && compact.chars().count() >= SHORTEST_END {
            beginnings.push(from_end(&compact));
        }
        Self { word: compact, beginnings }
    }
}

/// What a person typed, word by word; at most `most`, the rest is not looked at. A number may be typed in groups.
pub(super) fn wanted(typed: &str, most: usize) -> Vec<Wanted> {
    let typed = normalise(typed);
    let is_number =
        has_digit(&typed) && typed.chars().all(|letter| letter.is_ascii_digit() || " +-()".contains(letter));
    if is_number {
        return vec![Wanted::of(&letters(&typed))];
    }
    chunks(&typed).filter(|chunk| !letters(chunk).is_empty()).take(most).map(Wanted::of).collect()
}

/// Whether a word is one that people mistype: a name and no number, in which every digit counts.
pub(super) fn is_mistaken(word: &str) -> bool {
    word.chars().count() >= SHORTEST_TYPO && word.chars().all(char::is_alphabetic)
}

/// The pieces of three letters of a word, its beginning and end counted as letters.
pub(super) fn grams(word: &str) -> BTreeSet<String> {
    let padded: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
    padded.windows(3).map(|piece| piece.iter().collect()).collect()
}

/// Whether a known word is what somebody meant who typed another: one letter too many, too few, another or two swapped; twice in
/// a long word.
pub(super) fn is_like(typed: &str, known: &str) -> bool {
    let forgiven = if typed.chars().count() >= TWO_MISTAKES { 2 } else { 1 };
    distance(typed, known) <= forgiven
}

/// Letters to insert, remove, replace, or swap with the next to make one word of the other (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before_last = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != against);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let is_swapped =
                row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *against;
            if is_swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        (before_last, last) = (last, current);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(how: Text, text: &str) -> Vec<String> {
        kept(how, text).into_iter().collect()
    }

    #[test]
    fn words_are_kept_so_that_they_are_found() {
        assert_eq!(of(Text::Words, "Quispe Ñahui, José"), ["jose", "nahui", "quispe"]);
        assert_eq!(of(Text::Words, "García-López"), ["garcia", "garcialopez", "lopez"]);
        assert_eq!(of(Text::Number, "+51 987-654-321"), ["51987654321", "<12345678915"]);
        assert_eq!(of(Text::Number, "123"), ["123"], "its end is its beginning");
        assert_eq!(of(Text::Number, "AA:BB:CC:00:11:2F"), ["<f21100ccbbaa", "aabbcc00112f"]);
        assert_eq!(of(Text::Verbatim, "10.30.0.17"), ["10.30.0.17"]);
        assert_eq!(of(Text::Verbatim, "rosa.quispe"), ["quispe", "rosa", "rosa.quispe"]);
        assert_eq!(of(Text::Email, "Rosa.Quispe@example.org"), ["quispe", "rosa", "rosa.quispe@example.org"]);
        assert_eq!(of(Text::Words, " - "), Vec::<String>::new());
    }

    #[test]
    fn what_is_typed_begins_a_word() {
        let beginnings = |typed: &str| -> Vec<Vec<String>> {
            wanted(typed, 6).into_iter().map(|wanted| wanted.beginnings).collect()
        };
        assert_eq!(beginnings("  JOSÉ quis"), [["jose"], ["quis"]]);
        assert_eq!(beginnings("987 654-321"), [["987654321", "<123456789"]]);
        assert_eq!(beginnings("10.30.0.1"), [["103001", "10.30.0.1", "<100301"]]);
        assert_eq!(beginnings("aa:bb"), [["aabb", "aa:bb"]]);
        assert_eq!(beginnings("- , ;"), Vec::<Vec<String>>::new());
        assert_eq!(wanted("a b c d", 2).len(), 2);
    }

    #[test]
    fn mistakes_are_forgiven_in_words_and_not_in_numbers() {
        for (typed, known) in [
            ("quipse", "quispe"),
            ("qispe", "quispe"),
            ("quisppe", "quispe"),
            ("mamany", "mamani"),
            ("gonsales", "gonzalez"),
        ] {
            assert!(is_mistaken(typed) && is_like(typed, known), "{typed} {known}");
        }
        for (typed, known) in [("rosa", "luis"), ("quispe", "quinto"), ("mamani", "marian")] {
            assert!(!is_like(typed, known), "{typed} {known}");
        }
        assert!(!is_mistaken("ana") && !is_mistaken("40112233") && !is_mistaken("cto12"));
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ca", "ac"), 1);
        assert_eq!(distance("abc", "abc"), 0);
        let common = grams("quipse").intersection(&grams("quispe")).count();
        assert!(common >= 3, "one mistake leaves pieces in common: {common}");
    }
}
