//! Query words of `print`: a stack machine over the properties of one row.
//!
//! Words are evaluated left to right on a stack whose bottom is an endless run of `true`; a row is wanted
//! when no `false` is left on the stack. (MikroTik manual, "API", section "Queries".) A query that names an
//! unknown property is not an error: it matches nothing, or, as `?-name`, everything.

use std::borrow::Cow;
use std::cmp::Ordering;

/// One parsed query word.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Present(String),
    Absent(String),
    Equal(String, String),
    Less(String, String),
    Greater(String, String),
    Operators(Vec<Operator>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Not,
    And,
    Or,
    /// Pushes a copy of the value at this index; 0 is the top.
    Copy(usize),
    /// Replaces the stack by the value at this index: `N` at the end of the operations.
    Keep(usize),
}

/// The query words of one command, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    steps: Vec<Step>,
}

impl Query {
    /// Parses words that begin with `?`.
    ///
    /// # Errors
    /// The word that is not a query, as typed.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let steps = words
            .into_iter()
            .map(|word| step(word).ok_or_else(|| word.to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self { steps })
    }

    /// True when there is nothing to match.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value that `name` must have in every wanted row, when the query is a plain conjunction that says
    /// so: lets a table use its index instead of reading all rows.
    pub fn required(&self, name: &str) -> Option<&str> {
        if self.steps.iter().any(|step| matches!(step, Step::Operators(_))) {
            return None;
        }
        self.steps.iter().find_map(|step| match step {
            Step::Equal(key, value) if key == name => Some(value.as_str()),
            Step::Present(_)
            | Step::Absent(_)
            | Step::Equal(..)
            | Step::Less(..)
            | Step::Greater(..)
            | Step::Operators(_) => None,
        })
    }

    /// The properties that the query looks at.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Present(key)
            | Step::Absent(key)
            | Step::Equal(key, _)
            | Step::Less(key, _)
            | Step::Greater(key, _) => Some(key.as_str()),
            Step::Operators(_) => None,
        })
    }

    /// Whether the row whose properties `get` reads is wanted.
    pub fn matches<'r>(&self, get: impl Fn(&str) -> Option<Cow<'r, str>>) -> bool {
        let mut stack: Vec<bool> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Present(key) => stack.push(get(key).is_some()),
                Step::Absent(key) => stack.push(get(key).is_none()),
                Step::Equal(key, value) => {
                    stack.push(get(key).is_some_and(|found| same(&found, value)));
                }
                Step::Less(key, value) => {
                    stack.push(get(key).is_some_and(|found| order(&found, value) == Ordering::Less));
                }
                Step::Greater(key, value) => {
                    stack.push(get(key).is_some_and(|found| order(&found, value) == Ordering::Greater));
                }
                Step::Operators(operators) => apply(operators, &mut stack),
            }
        }
        stack.into_iter().all(|value| value)
    }
}

fn apply(operators: &[Operator], stack: &mut Vec<bool>) {
    // The bottom is an endless run of `true`.
    for operator in operators {
        match operator {
            Operator::Not => {
                let top = stack.pop().unwrap_or(true);
                stack.push(!top);
            }
            Operator::And | Operator::Or => {
                let first = stack.pop().unwrap_or(true);
                let second = stack.pop().unwrap_or(true);
                stack.push(if *operator == Operator::And { first && second } else { first || second });
            }
            Operator::Copy(index) => stack.push(at(stack, *index)),
            Operator::Keep(index) => {
                let kept = at(stack, *index);
                stack.clear();
                stack.push(kept);
            }
        }
    }
}

fn at(stack: &[bool], index: usize) -> bool {
    stack.iter().rev().nth(index).copied().unwrap_or(true)
}

fn step(word: &str) -> Option<Step> {
    let body = word.strip_prefix('?')?;
    if let Some(operators) = body.strip_prefix('#') {
        return self::operators(operators).map(Step::Operators);
    }
    if let Some(key) = body.strip_prefix('-') {
        return Some(Step::Absent(key.to_owned()));
    }
    if let Some((key, value)) = body.strip_prefix('<').and_then(pair) {
        return Some(Step::Less(key, value));
    }
    if let Some((key, value)) = body.strip_prefix('>').and_then(pair) {
        return Some(Step::Greater(key, value));
    }
    let body = body.strip_prefix('=').unwrap_or(body);
    if body.is_empty() {
        return None;
    }
    Some(pair(body).map_or_else(|| Step::Present(body.to_owned()), |(key, value)| Step::Equal(key, value)))
}

/// `name=value`; the value may hold further `=`, the name may not.
fn pair(body: &str) -> Option<(String, String)> {
    let (key, value) = body.split_once('=')?;
    Some((key.to_owned(), value.to_owned()))
}

fn operators(text: &str) -> Option<Vec<Operator>> {
    let mut out = Vec::new();
    let mut index: Option<usize> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            let digit = usize::try_from(digit).ok()?;
            index = Some(index.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            continue;
        }
        match (character, index.take()) {
            ('!', None) => out.push(Operator::Not),
            ('&', None) => out.push(Operator::And),
            ('|', None) => out.push(Operator::Or),
            ('.', None) => out.push(Operator::Copy(0)),
            ('.', Some(index)) => out.push(Operator::Copy(index)),
            _ => return None,
        }
    }
    if let Some(index) = index {
        out.push(Operator::Keep(index));
    }
    (!out.is_empty()).then_some(out)
}

/// Equality of a stored value and a queried one: `yes` and `true` are the same thing.
fn same(stored: &str, asked: &str) -> bool {
    stored == asked || matches!((stored, asked), ("true", "yes") | ("false", "no"))
}

/// Numbers by value, everything else by bytes.
fn order(stored: &str, asked: &str) -> Ordering {
    match (stored.parse::<i128>(), asked.parse::<i128>()) {
        (Ok(stored), Ok(asked)) => stored.cmp(&asked),
        _ => stored.cmp(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(words: &[&str], row: &[(&str, &str)]) -> bool {
        let query = Query::parse(words.iter().copied()).expect("valid query");
        query.matches(|name| {
            row.iter().find(|(key, _)| *key == name).map(|(_, value)| Cow::Owned((*value).to_owned()))
        })
    }

    #[test]
    fn words_of_the_manual() {
        let ether = [("type", "ether"), ("disabled", "false"), ("mtu", "1500")];
        assert!(matches(&[], &ether));
        assert!(matches(&["?type"], &ether));
        assert!(!matches(&["?-type"], &ether));
        assert!(matches(&["?comment", "?#!"], &ether));
        assert!(matches(&["?type=ether"], &ether));
        assert!(matches(&["?=type=ether"], &ether));
        assert!(matches(&["?<mtu=1600", "?>mtu=99"], &ether), "numbers compare by value");
        assert!(!matches(&["?type=ether", "?disabled=true"], &ether), "words are a conjunction");
        assert!(matches(&["?type=ether", "?type=vlan", "?#|"], &ether));
        assert!(!matches(&["?type=ether", "?type=vlan", "?#|!"], &ether), "operators chain in one word");
        assert!(matches(&["?type=a", "?type=b", "?type=ether", "?#|", "?#|"], &ether), "IN of three");
        assert!(matches(&["?type=ether", "?type=vlan", "?#!&"], &ether));
        assert!(!matches(&["?nothing=1"], &ether), "unknown property matches nothing");
        assert!(matches(&["?disabled=no"], &ether));
    }

    #[test]
    fn index_operators() {
        let row = [("a", "1")];
        assert!(matches(&["?a=1", "?#.&"], &row));
        assert!(matches(&["?a=2", "?a=1", "?#0"], &row), "a trailing index keeps that value alone");
        assert!(!matches(&["?a=2", "?a=1", "?#1"], &row));
    }

    #[test]
    fn a_conjunction_tells_its_index_key() {
        let query = Query::parse(["?name=juan", "?disabled=false"]).expect("valid");
        assert_eq!(query.required("name"), Some("juan"));
        let either = Query::parse(["?name=juan", "?name=ana", "?#|"]).expect("valid");
        assert_eq!(either.required("name"), None);
        assert!(Query::parse(["?#x"]).is_err());
    }
}
