//! Names that are like a customer's: written in any order, shortened, mistyped, without accents, glued to a user.
//!
//! A rare word says more than a common one: each word of the customers' names weighs by how few of them have it. Words that no name
//! has are looked for among those that share pieces of three letters with them.

use super::normalise::{compact, words};
use std::collections::{BTreeMap, HashMap};

/// Words that stand in names and tell nobody apart.
const PARTICLES: &[&str] =
    &["da", "de", "del", "do", "dos", "don", "dona", "el", "la", "las", "los", "sr", "sra", "srta"];
/// A word that more customers share than this is not where the search begins, unless there is no other.
const COMMON: usize = 200;
/// What a name adds at most where one word of it is found: below what a suggestion needs, it only helps others.
const ONE_WORD: u32 = 30;
/// Where two words are found.
const TWO_WORDS: u32 = 70;
/// Where more are.
const MORE_WORDS: u32 = 80;
/// How close a mistyped word is, per cent.
const MISTYPED: u32 = 80;
/// How close a shortened word is, per cent.
const SHORTENED: u32 = 60;
/// A word of fewer letters is not guessed at.
const GUESSED_FROM: usize = 4;
/// A longer word of a comment is none of a name.
const LONGEST: usize = 24;

/// The words of all names.
pub(super) struct Names {
    tokens: HashMap<String, usize>,
    spelled: Vec<Vec<char>>,
    /// Known by each word, in order.
    holders: Vec<Vec<usize>>,
    weights: Vec<u32>,
    /// Words of each known, each once.
    of_known: Vec<Vec<usize>>,
    grams: HashMap<[char; 3], Vec<usize>>,
}

/// Whether a word may be part of a name.
fn of_name(word: &str) -> bool {
    word.chars().count() >= 2 && word.chars().all(char::is_alphabetic) && !PARTICLES.contains(&word)
}

fn grams(letters: &[char]) -> Vec<[char; 3]> {
    let mut padded = Vec::with_capacity(letters.len() + 2);
    padded.push('^');
    padded.extend_from_slice(letters);
    padded.push('$');
    padded.windows(3).filter_map(|three| <[char; 3]>::try_from(three).ok()).collect()
}

impl Names {
    pub(super) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut all = Self {
            tokens: HashMap::new(),
            spelled: Vec::new(),
            holders: Vec::new(),
            weights: Vec::new(),
            of_known: Vec::new(),
            grams: HashMap::new(),
        };
        for (known, name) in names.enumerate() {
            let mut tokens: Vec<usize> =
                words(name).into_iter().filter(|word| of_name(word)).map(|word| all.token(word)).collect();
            tokens.sort_unstable();
            tokens.dedup();
            for token in &tokens {
                all.holders[*token].push(known);
            }
            all.of_known.push(tokens);
        }
        let known = all.of_known.len();
        all.weights =
            all.holders.iter().map(|holders| (known / holders.len().max(1) + 1).ilog2() + 1).collect();
        all
    }

    fn token(&mut self, word: String) -> usize {
        if let Some(token) = self.tokens.get(&word) {
            return *token;
        }
        let token = self.spelled.len();
        let letters: Vec<char> = word.chars().collect();
        for gram in grams(&letters) {
            let of_gram = self.grams.entry(gram).or_default();
            if of_gram.last() != Some(&token) {
                of_gram.push(token);
            }
        }
        self.spelled.push(letters);
        self.holders.push(Vec::new());
        self.tokens.insert(word, token);
        token
    }

    /// Words of names that a word may stand for, and how close each is, per cent.
    fn meant(&self, word: &str) -> Vec<(usize, u32)> {
        if let Some(token) = self.tokens.get(word) {
            return vec![(*token, 100)];
        }
        let letters: Vec<char> = word.chars().collect();
        if !(GUESSED_FROM..=LONGEST).contains(&letters.len()) {
            return Vec::new();
        }
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for gram in grams(&letters) {
            for token in self.grams.get(&gram).into_iter().flatten() {
                *shared.entry(*token).or_default() += 1;
            }
        }
        let near = shared.into_iter().filter(|(_, grams)| *grams >= 2).filter_map(|(token, _)| {
            let spelled = &self.spelled[token];
            if spelled.starts_with(&letters) {
                return Some((token, SHORTENED));
            }
            let most = if letters.len() >= 8 { 2 } else { 1 };
            let apart = spelled.len().abs_diff(letters.len()) > most;
            (!apart && spelled.len() >= GUESSED_FROM && slips(spelled, &letters) <= most)
                .then_some((token, MISTYPED))
        });
        near.collect()
    }

    /// Known whose names are like these words, with what that says, per cent.
    pub(super) fn alike(&self, said: &[String], memory: &mut Memory) -> Vec<(usize, u32)> {
        let mut found: BTreeMap<usize, u32> = BTreeMap::new();
        for word in said.iter().filter(|word| of_name(word)) {
            let meant = memory.0.entry(word.clone()).or_insert_with(|| self.meant(word));
            for (token, closeness) in meant {
                let best = found.entry(*token).or_default();
                *best = (*best).max(*closeness);
            }
        }
        let mut tokens: Vec<(usize, u32)> = found.into_iter().collect();
        tokens.sort_by_key(|(token, _)| (self.holders[*token].len(), *token));
        let mut sums: BTreeMap<usize, (u32, usize)> = BTreeMap::new();
        for (position, (token, closeness)) in tokens.iter().enumerate() {
            let weight = self.weights[*token] * closeness;
            let add = |sum: &mut (u32, usize)| {
                sum.0 += weight;
                sum.1 += 1;
            };
            if position == 0 || self.holders[*token].len() <= COMMON {
                self.holders[*token].iter().for_each(|known| add(sums.entry(*known).or_default()));
            } else {
                let have = sums.iter_mut().filter(|(known, _)| self.of_known[**known].contains(token));
                have.for_each(|(_, sum)| add(sum));
            }
        }
        let scored = sums.into_iter().map(|(known, (weight, count))| {
            let all: u32 = self.of_known[known].iter().map(|token| self.weights[*token]).sum();
            let most = match count {
                0 | 1 => ONE_WORD,
                2 => TWO_WORDS,
                _ => MORE_WORDS,
            };
            (known, (weight / all.max(1)).min(100) * most / 100)
        });
        scored.filter(|(_, score)| *score > 0).collect()
    }

    /// Known of whose names a user is made: `rquispe`, `quisper`, `rosaquispe`, `rmquispe`, each with a number behind it or without.
    pub(super) fn made_of(&self, user: &str) -> Vec<usize> {
        let user = compact(user);
        let letters: Vec<char> =
            user.trim_end_matches(|letter: char| letter.is_ascii_digit()).chars().collect();
        if letters.len() < 5 || letters.len() > 2 * LONGEST {
            return Vec::new();
        }
        let mut found = Vec::new();
        for at in 1..letters.len() {
            let (head, tail) = letters.split_at(at);
            for (short, long) in [(head, tail), (tail, head)] {
                let token = self.tokens.get(&long.iter().collect::<String>());
                let Some(token) = token.filter(|_| long.len() >= 4) else { continue };
                let fits = |known: &&usize| self.rest_fits(**known, *token, short);
                found.extend(self.holders[*token].iter().filter(fits));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether the rest of a user is another word of the name, or the beginnings of one or two others.
    fn rest_fits(&self, known: usize, but: usize, rest: &[char]) -> bool {
        let others = || {
            let tokens = self.of_known[known].iter().filter(move |token| **token != but);
            tokens.map(move |token| &self.spelled[*token])
        };
        let begins = |letter: char| others().filter(move |spelled| spelled.first() == Some(&letter)).count();
        match rest {
            [one] => begins(*one) > 0,
            [one, two] if one == two => begins(*one) > 1,
            [one, two] => begins(*one) > 0 && begins(*two) > 0,
            _ => others().any(|spelled| spelled == rest),
        }
    }
}

/// What was found out about words before: comments repeat them.
#[derive(Default)]
pub(super) struct Memory(HashMap<String, Vec<(usize, u32)>>);

/// Slips of the finger between two words: letters left out, put in, changed, or two that changed places.
fn slips(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, wanted) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != wanted);
            let mut best = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && one[row - 1] == *wanted && other[column - 1] == *letter {
                best = best.min(before_last[column - 1] + 1);
            }
            next.push(best);
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWN: [&str; 6] = [
        "Quispe Mamani, Rosa",
        "Juan Pérez Gómez",
        "Juan Pérez López",
        "González Ñahui, María del Carmen",
        "Luis Huamán",
        "Bodega",
    ];

    fn alike(comment: &str) -> Vec<(usize, u32)> {
        let mut found = Names::of(TOWN.into_iter()).alike(&words(comment), &mut Memory::default());
        found.sort_by_key(|(known, score)| (std::cmp::Reverse(*score), *known));
        found
    }

    #[test]
    fn the_most_alike_comes_first() {
        for (comment, known) in [
            ("ROSA QUISPE 987", 0),
            ("perez gomez juan nap 4", 1),
            ("JUAN PEREZ LOPES", 2),
            ("ma carmen gonzales nahui", 3),
            ("Huaman Luis", 4),
        ] {
            let found = alike(comment);
            assert_eq!(found.first().map(|(known, _)| *known), Some(known), "{comment}: {found:?}");
            assert!(found[0].1 >= 40, "{comment}: {found:?}");
        }
        assert!(alike("bodega")[0].1 <= ONE_WORD, "one word alone is never enough");
        assert!(alike("nap 4 puerto 3").is_empty());
    }

    #[test]
    fn users_are_made_of_names() {
        let names = Names::of(TOWN.into_iter());
        for (user, known) in [
            ("rquispe", 0),
            ("quisper01", 0),
            ("rosaquispe", 0),
            ("rmquispe", 0),
            ("l.huaman", 4),
            ("HuamanLuis", 4),
        ] {
            assert_eq!(names.made_of(user), [known], "{user}");
        }
        assert_eq!(names.made_of("jperez"), [1, 2]);
        for user in ["xquispe", "quispe", "admin", "", "123456", "ppp-user-77"] {
            assert!(names.made_of(user).is_empty(), "{user}");
        }
    }

    #[test]
    fn slips_are_counted() {
        let count = |one: &str, other: &str| {
            slips(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
        };
        for (one, other, slips) in [
            ("perez", "perez", 0),
            ("perez", "peres", 1),
            ("perez", "preez", 1),
            ("perez", "prez", 1),
            ("", "ab", 2),
        ] {
            assert_eq!(count(one, other), slips, "{one} {other}");
        }
    }
}
