//! A stretch of the day, such as the hours in which people are left in peace.

use atalaya_kernel::{
    schedule::{Days, Schedule},
    time::{TimeZone, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use utoipa::ToSchema;

/// From a time of the day until another, by the ISP's clock; over midnight when the first is the later one. `21:00-08:00`, or
/// empty for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "21:00-08:00")]
pub struct DayHours(Option<(u16, u16)>);

/// A text that is no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected two different times such as 21:00-08:00, or nothing")]
pub struct NoDayHours;

impl DayHours {
    /// Whether there are none.
    pub fn is_none(self) -> bool {
        self.0.is_none()
    }
    /// The end of the hours that an instant lies in; none outside of them.
    pub fn end_after(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (from, until) = self.0?;
        // Minutes of a day were checked when they were read.
        let begins = Schedule::new(Days::Every, from, zone.clone()).ok()?;
        let ends = Schedule::new(Days::Every, until, zone.clone()).ok()?;
        let day = begins.due(now)?;
        let end = ends.instant_of(if until > from { day } else { day.plus_days(1) });
        (now < end).then_some(end)
    }
    /// As they are kept.
    pub(super) fn to_column(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((from, until)) = self.0 else { return Ok(()) };
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let is_two = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(is_two(hour) && is_two(minute)) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

impl FromStr for DayHours {
    type Err = NoDayHours;
    fn from_str(text: &str) -> Result<Self, NoDayHours> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let (from, until) = text.split_once('-').ok_or(NoDayHours)?;
        match (minute(from), minute(until)) {
            (Some(from), Some(until)) if from != until => Ok(Self(Some((from, until)))),
            _ => Err(NoDayHours),
        }
    }
}
impl TryFrom<String> for DayHours {
    type Error = NoDayHours;
    fn try_from(text: String) -> Result<Self, NoDayHours> {
        text.parse()
    }
}
impl From<DayHours> for String {
    fn from(hours: DayHours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(hours: &str, zone: &str, now: &str) -> Option<String> {
        let hours: DayHours = hours.parse().unwrap();
        let now: Timestamp = now.parse().unwrap();
        hours.end_after(now, &zone.parse().unwrap()).map(|end| end.to_string())
    }

    #[test]
    fn a_night_ends_in_the_morning_by_the_isps_clock() {
        let lima = |now| end("21:00-08:00", "America/Lima", now);
        assert_eq!(lima("2026-11-06T01:59:59Z"), None, "20:59:59");
        assert_eq!(lima("2026-11-06T02:00:00Z").as_deref(), Some("2026-11-06T13:00:00.000Z"));
        assert_eq!(lima("2026-11-06T12:59:59Z").as_deref(), Some("2026-11-06T13:00:00.000Z"));
        assert_eq!(lima("2026-11-06T13:00:00Z"), None, "08:00");
        let siesta = |now| end("13:00-15:00", "America/Lima", now);
        assert_eq!(siesta("2026-11-06T18:30:00Z").as_deref(), Some("2026-11-06T20:00:00.000Z"));
        assert_eq!(siesta("2026-11-06T20:00:00Z"), None);
        assert_eq!(end("", "America/Lima", "2026-11-06T05:00:00Z"), None);
    }

    #[test]
    fn the_clock_is_put_forward_and_back_within_a_night() {
        // Madrid: 02:00 becomes 03:00 on 29 March 2026, and 03:00 becomes 02:00 on 25 October.
        let madrid = |hours, now| end(hours, "Europe/Madrid", now);
        let spring = madrid("23:00-07:00", "2026-03-28T22:30:00Z");
        assert_eq!(spring.as_deref(), Some("2026-03-29T05:00:00.000Z"));
        let autumn = madrid("23:00-07:00", "2026-10-24T22:30:00Z");
        assert_eq!(autumn.as_deref(), Some("2026-10-25T06:00:00.000Z"));
        // A night that ends at a time that is left out ends with the jump; at one that comes twice, the first time.
        assert_eq!(
            madrid("23:00-02:30", "2026-03-29T00:30:00Z").as_deref(),
            Some("2026-03-29T01:00:00.000Z")
        );
        assert_eq!(
            madrid("23:00-02:30", "2026-10-25T00:00:00Z").as_deref(),
            Some("2026-10-25T00:30:00.000Z")
        );
        assert_eq!(madrid("23:00-02:30", "2026-10-25T00:45:00Z"), None);
    }

    #[test]
    fn hours_come_back_as_they_were_kept() {
        for text in ["21:00-08:00", "00:00-06:30", ""] {
            let hours: DayHours = text.parse().unwrap();
            assert_eq!(hours.to_column(), text);
        }
        for wrong in
            ["21-08", "21:00", "24:00-08:00", "21:60-08:00", "08:00-08:00", "+1:00-08:00", "21:00-8:00"]
        {
            assert!(wrong.parse::<DayHours>().is_err(), "{wrong}");
        }
    }
}
