//! Days on which nobody is cut without a person.

use atalaya_kernel::time::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A list of days that cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownDay(String);

/// Days of the week, 1 for Monday to 7 for Sunday (ISO 8601).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "BTreeSet<i8>", into = "BTreeSet<i8>")]
#[schema(value_type = Vec<i32>, example = json!([6, 7]))]
pub struct Weekdays(BTreeSet<i8>);

impl Weekdays {
    /// Whether the day of a date is among them.
    pub fn contain(&self, date: Date) -> bool {
        self.0.contains(&date.iso_weekday())
    }
    /// As they are kept: numbers separated by commas.
    pub(super) fn to_column(&self) -> String {
        joined(self.0.iter())
    }
}
impl TryFrom<BTreeSet<i8>> for Weekdays {
    type Error = UnknownDay;
    fn try_from(days: BTreeSet<i8>) -> Result<Self, UnknownDay> {
        match days.iter().find(|day| !(1..=7).contains(*day)) {
            Some(day) => Err(UnknownDay(format!("expected 1 (Monday) to 7 (Sunday), got {day}"))),
            None => Ok(Self(days)),
        }
    }
}
impl From<Weekdays> for BTreeSet<i8> {
    fn from(days: Weekdays) -> Self {
        days.0
    }
}
impl TryFrom<String> for Weekdays {
    type Error = UnknownDay;
    fn try_from(text: String) -> Result<Self, UnknownDay> {
        Self::try_from(parsed::<i8>(&text)?)
    }
}

/// Dates by the tenant's calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<String>, example = json!(["2026-12-25"]))]
pub struct Dates(pub BTreeSet<Date>);

impl Dates {
    /// As they are kept: separated by commas.
    pub(super) fn to_column(&self) -> String {
        joined(self.0.iter())
    }
}
impl TryFrom<String> for Dates {
    type Error = UnknownDay;
    fn try_from(text: String) -> Result<Self, UnknownDay> {
        parsed(&text).map(Self)
    }
}

fn joined(days: impl Iterator<Item = impl ToString>) -> String {
    days.map(|day| day.to_string()).collect::<Vec<_>>().join(",")
}

fn parsed<T: std::str::FromStr + Ord>(text: &str) -> Result<BTreeSet<T>, UnknownDay> {
    let words = text.split(',').filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| UnknownDay(format!("{word:?} is no day")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_come_back_as_they_were_kept() {
        let sunday: Date = "2026-11-29".parse().unwrap();
        let days = Weekdays::try_from(BTreeSet::from([6, 7])).unwrap();
        assert!(days.contain(sunday) && !days.contain(sunday.plus_days(1)));
        assert_eq!(Weekdays::try_from(days.to_column()).unwrap(), days);
        assert!(serde_json::from_str::<Weekdays>("[0]").is_err());
        let dates = Dates(BTreeSet::from([sunday, sunday.plus_days(30)]));
        assert_eq!(dates.to_column(), "2026-11-29,2026-12-29");
        assert_eq!(Dates::try_from(dates.to_column()).unwrap(), dates);
        assert_eq!(Dates::try_from(String::new()).unwrap(), Dates::default());
    }
}
