//! Which series a question is about.

use super::{Labels, METRIC_NAME};

/// A condition on one label's value. An absent label has the empty value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Exactly this value (PromQL `=`).
    Equals(String),
    /// Any other value, or no such label (PromQL `!=`).
    NotEquals(String),
    /// One of these (PromQL `=~"a|b"`).
    In(Vec<String>),
    /// Begins so (PromQL `=~"a.*"`).
    Prefix(String),
}

impl Test {
    /// Whether a value (empty if the label is absent) passes.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Equals(wanted) => value == wanted,
            Self::NotEquals(other) => value != other,
            Self::In(list) => list.iter().any(|wanted| wanted == value),
            Self::Prefix(start) => value.starts_with(start.as_str()),
        }
    }
}

/// A label and the condition on its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// Label name; [`METRIC_NAME`] for the metric.
    pub name: String,
    /// Condition on the value.
    pub test: Test,
}

/// Series that pass every matcher; with none, every series of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector(Vec<Matcher>);

impl Selector {
    /// Every series of the tenant.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Series of one metric.
    #[must_use]
    pub fn metric(name: &str) -> Self {
        Self::all().with(METRIC_NAME, Test::Equals(name.to_owned()))
    }

    /// Adds a condition.
    #[must_use]
    pub fn with(mut self, name: &str, test: Test) -> Self {
        self.0.push(Matcher { name: name.to_owned(), test });
        self
    }

    /// Adds the condition that label `name` has `value`.
    #[must_use]
    pub fn label(self, name: &str, value: &str) -> Self {
        self.with(name, Test::Equals(value.to_owned()))
    }

    /// The conditions, all of which must hold.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.0
    }

    /// Whether a series passes.
    #[must_use]
    pub fn accepts(&self, labels: &Labels) -> bool {
        self.0.iter().all(|m| m.test.accepts(labels.get(&m.name).unwrap_or_default()))
    }
}
