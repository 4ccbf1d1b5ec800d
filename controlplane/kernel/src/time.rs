//! Instants are UTC milliseconds; a tenant's time zone appears only at the edges. Nobody reads the machine's clock
//! but [`SystemClock`]; everything else is given a [`Clock`].

use std::{fmt, str::FromStr};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. RFC 3339 in JSON, BIGINT in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, sqlx::Type, utoipa::ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-11-05T15:07:09.000Z")]
pub struct Timestamp(i64);

impl Timestamp {
    /// From Unix milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }
    /// Unix milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    /// Later by this many milliseconds (earlier when negative), clamped at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// Later by a duration.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        self.plus_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }
    /// Calendar date of this instant in a time zone.
    pub fn date_in(self, zone: &TimeZone) -> Date {
        Date(self.to_jiff().to_zoned(zone.0.clone()).date())
    }
    /// Hour and minute of this instant in a time zone, for office hours.
    pub fn minute_of_day_in(self, zone: &TimeZone) -> u16 {
        let time = self.to_jiff().to_zoned(zone.0.clone()).time();
        u16::try_from(time.hour()).unwrap_or(0) * 60 + u16::try_from(time.minute()).unwrap_or(0)
    }
    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}
impl FromStr for Timestamp {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parsed: jiff::Timestamp = text
            .parse()
            .map_err(|_| format!("expected an instant such as 2026-11-05T15:07:09Z, got {text:?}"))?;
        Ok(Self(parsed.as_millisecond()))
    }
}
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
impl From<Timestamp> for crate::db::Value {
    fn from(at: Timestamp) -> Self {
        Self::Int(Some(at.0))
    }
}
impl crate::db::Column for Timestamp {
    const NULL: crate::db::Value = crate::db::Value::Int(None);
}

/// A calendar date without a zone: a due date is a date, not an instant. `YYYY-MM-DD` in JSON and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = Date, example = "2026-11-30")]
pub struct Date(jiff::civil::Date);

impl Date {
    /// A date from its parts; `None` when there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        jiff::civil::Date::new(year, month, day).ok().map(Self)
    }
    /// Year, month 1–12, day 1–31.
    pub fn parts(self) -> (i16, i8, i8) {
        (self.0.year(), self.0.month(), self.0.day())
    }
    /// Days from `earlier` to this date; negative when `earlier` is later.
    pub fn days_since(self, earlier: Self) -> i64 {
        i64::from((self.0 - earlier.0).get_days())
    }
    /// Later by days, clamped at the ends of the calendar.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().days(days)))
    }
    /// Midnight at the start of this date in a zone.
    pub fn start_in(self, zone: &TimeZone) -> Timestamp {
        self.0
            .to_zoned(zone.0.clone())
            .map_or(Timestamp(0), |zoned| Timestamp(zoned.timestamp().as_millisecond()))
    }
    /// Day of the week, Monday 1 to Sunday 7.
    pub fn weekday(self) -> i8 {
        self.0.weekday().to_monday_one_offset()
    }
    /// The first instant at which a clock in a zone shows this date and minute of the day (below 1440) or a later one: a time
    /// that is left out is the instant of the jump, one that comes twice the first of the two.
    pub fn first_at(self, minute_of_day: u16, zone: &TimeZone) -> Timestamp {
        let minute = i64::from(minute_of_day);
        let wall = self.0.to_datetime(jiff::civil::Time::midnight());
        let wall = wall.saturating_add(jiff::Span::new().minutes(minute));
        let ambiguous = zone.0.to_ambiguous_timestamp(wall);
        let is_left_out = matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
        let Ok(instant) = ambiguous.compatible() else { return Timestamp(0) };
        if !is_left_out {
            return Timestamp(instant.as_millisecond());
        }
        // Counted as if the clock had not been put forward it is the jump or after it.
        let after = instant.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(instant);
        let jump = zone.0.preceding(after).next().map_or(instant, |transition| transition.timestamp());
        Timestamp(jump.as_millisecond())
    }
    /// Last day of this date's month.
    #[must_use]
    pub fn end_of_month(self) -> Self {
        Self(self.0.last_of_month())
    }
    /// First day of this date's month.
    #[must_use]
    pub fn start_of_month(self) -> Self {
        Self(self.0.first_of_month())
    }
    /// Day of the week, 1 for Monday to 7 for Sunday (ISO 8601).
    pub fn iso_weekday(self) -> i8 {
        self.0.weekday().to_monday_one_offset()
    }
}
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl FromStr for Date {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("expected a date such as 2026-11-30, got {text:?}"))
    }
}
crate::text_column!(Date);

/// An IANA time zone. Text in JSON and in the database.
#[derive(Debug, Clone, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String, example = "America/Lima")]
pub struct TimeZone(jiff::tz::TimeZone);

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}
impl FromStr for TimeZone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        jiff::tz::TimeZone::get(text)
            .map(Self)
            .map_err(|_| format!("expected an IANA zone such as America/Lima, got {text:?}"))
    }
}
crate::text_column!(TimeZone);

/// Who tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that tests and rehearsals move by hand.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    /// Stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(at.as_millis()))
    }
    /// Moves on by milliseconds.
    pub fn advance_millis(&self, ms: i64) {
        self.0.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }
}
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_and_write_rfc3339() {
        let at: Timestamp = "2026-11-05T15:07:09.250Z".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-05T15:07:09.250Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn a_date_belongs_to_a_zone() {
        let lima: TimeZone = "America/Lima".parse().unwrap();
        let at: Timestamp = "2026-11-06T03:00:00Z".parse().unwrap();
        assert_eq!(at.date_in(&lima).to_string(), "2026-11-05");
        let day = Date::new(2026, 11, 5).unwrap();
        assert_eq!(day.start_in(&lima).to_string(), "2026-11-05T05:00:00.000Z");
        assert_eq!(Date::new(2026, 3, 1).unwrap().days_since(Date::new(2026, 2, 26).unwrap()), 3);
    }
}
