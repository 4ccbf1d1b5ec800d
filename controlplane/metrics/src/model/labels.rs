//! The identity of a series: sorted label pairs, the metric's name among them.

use std::fmt;
use std::sync::Arc;

/// The label that holds the metric's name, as Prometheus has it.
pub const METRIC_NAME: &str = "__name__";

const MAX_LABELS: usize = 32;
const MAX_NAME_BYTES: usize = 128;
const MAX_VALUE_BYTES: usize = 1024;

/// Why a set of pairs cannot identify a series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// No metric name was given.
    #[error("a series has a metric name")]
    NoMetricName,
    /// A metric or label name that the Prometheus data model forbids.
    #[error("{0:?} is not a valid name")]
    Name(String),
    /// A value longer than 1,024 bytes.
    #[error("the value of label {0:?} is too long")]
    ValueTooLong(String),
    /// More than 32 labels.
    #[error("a series has at most 32 labels, this one has {0}")]
    TooMany(usize),
    /// One name twice.
    #[error("label {0:?} occurs twice")]
    Duplicate(String),
}

/// Sorted, unique label pairs including [`METRIC_NAME`]; cheap to clone.
///
/// A label with an empty value is the same as no label (Prometheus data model), so such pairs are dropped.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(Box<str>, Box<str>)]>);

impl Labels {
    /// Labels of `metric` with `pairs` in any order.
    ///
    /// # Errors
    /// Names outside `[a-zA-Z_][a-zA-Z0-9_]*` (a metric's may hold `:`), duplicates, and sizes beyond the bounds.
    pub fn new<N, V>(metric: &str, pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, LabelError>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let metric = (METRIC_NAME.to_owned(), metric.to_owned());
        let pairs = pairs.into_iter().map(|(n, v)| (n.as_ref().to_owned(), v.as_ref().to_owned()));
        Self::from_pairs(std::iter::once(metric).chain(pairs))
    }

    /// Labels from pairs in any order, one of which is [`METRIC_NAME`] (the shape of a remote-write request).
    ///
    /// # Errors
    /// As [`Labels::new`].
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, LabelError> {
        let mut sorted = Vec::new();
        for (name, value) in pairs {
            if value.is_empty() {
                continue;
            }
            check_pair(&name, &value)?;
            sorted.push((name.into_boxed_str(), value.into_boxed_str()));
            if sorted.len() > MAX_LABELS {
                return Err(LabelError::TooMany(sorted.len()));
            }
        }
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|w| w[0].0 == w[1].0) {
            return Err(LabelError::Duplicate(twice[0].0.to_string()));
        }
        let labels = Self(sorted.into());
        if labels.get(METRIC_NAME).is_none() {
            return Err(LabelError::NoMetricName);
        }
        Ok(labels)
    }

    /// The metric's name.
    #[must_use]
    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    /// Value of one label.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// All pairs by name, the metric's name among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }
}

fn check_pair(name: &str, value: &str) -> Result<(), LabelError> {
    if name == METRIC_NAME {
        if !is_name(value, true) {
            return Err(LabelError::Name(value.to_owned()));
        }
    } else if !is_name(name, false) {
        return Err(LabelError::Name(name.to_owned()));
    }
    if value.len() > MAX_VALUE_BYTES {
        return Err(LabelError::ValueTooLong(name.to_owned()));
    }
    Ok(())
}

fn is_name(text: &str, colon: bool) -> bool {
    let allowed = |c: char| c == '_' || c.is_ascii_alphanumeric() || (colon && c == ':');
    text.len() <= MAX_NAME_BYTES
        && text.chars().all(allowed)
        && text.starts_with(|c: char| !c.is_ascii_digit())
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{", self.metric())?;
        let others = self.iter().filter(|(n, _)| *n != METRIC_NAME);
        for (i, (name, value)) in others.enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_empty_values_do_not_matter() {
        let a = Labels::new("up", [("site", "norte"), ("device", "r1"), ("rack", "")]).unwrap();
        let b = Labels::new("up", [("device", "r1"), ("site", "norte")]).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.metric(), "up");
        assert_eq!(a.get("rack"), None);
        assert_eq!(a.to_string(), r#"up{device="r1",site="norte"}"#);
    }

    #[test]
    fn invalid_sets_are_refused() {
        assert_eq!(Labels::new("9up", [("a", "b")]), Err(LabelError::Name("9up".into())));
        assert_eq!(Labels::new("up", [("a-b", "b")]), Err(LabelError::Name("a-b".into())));
        assert_eq!(Labels::new("up", [("a", "1"), ("a", "2")]), Err(LabelError::Duplicate("a".into())));
        assert_eq!(Labels::from_pairs([("a".into(), "b".into())]), Err(LabelError::NoMetricName));
        let long = "x".repeat(2000);
        assert_eq!(Labels::new("up", [("a", long)]), Err(LabelError::ValueTooLong("a".into())));
    }
}
