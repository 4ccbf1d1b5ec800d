//! When an ISP cuts without a person.

use super::{Dates, DayHours, Tenant, Weekdays};
use atalaya_kernel::time::{TimeZone, Timestamp};

impl Tenant {
    /// Whether somebody may be cut at an instant without a person: within the hours of cuts, on a day that is not spared. What is
    /// not cut now is cut in the next hour that allows it, if the debt is still there: whoever cuts looks again and again.
    pub fn cuts_alone_at(&self, now: Timestamp) -> bool {
        let times = Times {
            weekdays: &self.no_cut_weekdays,
            dates: &self.no_cut_dates,
            hours: self.cut_hours,
            zone: &self.time_zone,
        };
        times.allow(now)
    }
}

/// What of the settings says when.
struct Times<'t> {
    /// Spared.
    weekdays: &'t Weekdays,
    /// Spared.
    dates: &'t Dates,
    /// Cut in; none: at any hour.
    hours: DayHours,
    zone: &'t TimeZone,
}

impl Times<'_> {
    fn allow(&self, now: Timestamp) -> bool {
        // The day of the instant itself: of a night of cuts, the part after midnight belongs to the day that it is.
        let day = now.date_in(self.zone);
        let is_spared = self.weekdays.contain(day) || self.dates.0.contains(&day);
        !is_spared && (self.hours.is_none() || self.hours.end_after(now, self.zone).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// And whether its clock is never put forward or back.
    const ZONES: [(&str, bool); 4] = [
        ("America/Lima", true),
        ("America/Santiago", false),
        ("Europe/Madrid", false),
        ("Asia/Kathmandu", true),
    ];
    /// From the first hour of 2026.
    const BEGIN_MS: i64 = 1_767_225_600_000;
    const MINUTE_MS: i64 = 60_000;

    fn hours(from: u16, until: u16) -> DayHours {
        let text = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60);
        text.parse().unwrap()
    }

    #[test]
    fn a_night_of_cuts_spares_the_day_that_begins_in_it() {
        let (zone, hours) = ("America/Lima".parse().unwrap(), "22:00-06:00".parse().unwrap());
        let sunday = Weekdays::try_from(BTreeSet::from([7])).unwrap();
        let times = Times { weekdays: &sunday, dates: &Dates::default(), hours, zone: &zone };
        let allows = |now: &str| times.allow(now.parse().unwrap());
        assert!(allows("2026-11-08T04:59:59Z"), "Saturday, 23:59");
        assert!(!allows("2026-11-08T05:00:00Z"), "Sunday, 00:00");
        assert!(!allows("2026-11-09T04:59:59Z"), "Sunday, 23:59");
        assert!(allows("2026-11-09T05:00:00Z") && !allows("2026-11-09T11:00:00Z"), "Monday until 06:00");
    }

    proptest! {
        /// By a clock that is never put forward or back, the hours are those that it shows.
        #[test]
        fn nobody_is_cut_at_an_hour_that_the_clock_does_not_show(
            from in 0..1_440_u16, length in 1..1_440_u16, minutes in 0..525_600_i64, seconds in 0..60_i64,
        ) {
            let (zone, until) = ("America/Lima".parse().unwrap(), (from + length) % 1_440);
            let now = Timestamp::from_millis(BEGIN_MS + minutes * MINUTE_MS + seconds * 1_000);
            let times = Times { weekdays: &Weekdays::default(), dates: &Dates::default(), hours: hours(from, until), zone: &zone };
            let shown = now.minute_of_day_in(&zone);
            let since = (shown + 1_440 - from) % 1_440;
            prop_assert_eq!(times.allow(now), since < length, "{} in {}", shown, times.hours);
        }

        /// Whatever is spared, and whatever the clock does: a day that is not spared has its hours, so a cut comes, and only then.
        #[test]
        fn a_cut_that_waits_has_its_hour(
            (zone, is_steady) in prop::sample::select(&ZONES[..]), from in 0..1_440_u16, length in 61..1_440_u16,
            spared in prop::collection::btree_set(1..=7_i8, 0..6), day in 0..365_i32, ahead in 0..4_i32,
        ) {
            let (zone, until): (TimeZone, _) = (zone.parse().unwrap(), (from + length) % 1_440);
            let now = Timestamp::from_millis(BEGIN_MS + i64::from(day) * 1_440 * MINUTE_MS);
            let dates = Dates(BTreeSet::from([now.date_in(&zone).plus_days(ahead)]));
            let weekdays = Weekdays::try_from(spared).unwrap();
            let times = Times { weekdays: &weekdays, dates: &dates, hours: hours(from, until), zone: &zone };
            let mut waited = (0..14 * 48).map(|half_hours| now.plus_millis(half_hours * 30 * MINUTE_MS));
            let first = waited.find(|instant| times.allow(*instant));
            prop_assert!(first.is_some(), "{} in {zone}: nobody is cut within two weeks", times.hours);
            let first = first.unwrap();
            let date = first.date_in(&zone);
            prop_assert!(!weekdays.contain(date) && !dates.0.contains(&date));
            let end = times.hours.end_after(first, &zone).unwrap();
            prop_assert!(end > first);
            // Where the clock jumps over the rest of the day, the next hours begin as these end.
            prop_assert!(!is_steady || times.hours.end_after(end, &zone).is_none(), "until {end}, and no longer");
        }
    }
}
