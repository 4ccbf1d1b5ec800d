//! Days and a time of the day in a time zone, and the one instant of each such day.
//!
//! Clocks are put forward and back. A time that does not exist on a day (02:30, when 02:00 is followed by 03:00) is taken to
//! be the instant of the jump; one that exists twice, the first of the two. So each day has exactly one instant, and later
//! days have later ones, whatever the zone does. A day that a zone left out as a whole (Samoa, 30 December 2011) has its
//! instant at that jump too: what is due on the 30th is not forgotten.
//!
//! Whoever does something on a schedule asks for [`Schedule::due`] now and then, and uses the day as the key of what it does
//! ([`ask`]): a process that was away does the last one that it missed, and two processes do it once.

use crate::{
    db::{DbError, Handle},
    ids::TenantId,
    jobs::{self, NewJob},
    time::{Date, TimeZone, Timestamp},
};
use std::collections::BTreeSet;

/// Furthest that a day of the schedule can lie back or ahead: a month and a day of grace on both sides.
const REACH_DAYS: i32 = 33;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Which days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    Every,
    /// These days of the week, Monday 1 to Sunday 7.
    Of(BTreeSet<i8>),
    /// This day of each month, 1 to 31; the last one where a month is shorter.
    OfMonth(i8),
}

/// A time of the day on some days, in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    days: Days,
    minute_of_day: u16,
    zone: TimeZone,
}

/// A schedule that no day fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a schedule needs days of the week from 1 to 7, a day of the month from 1 to 31, and a minute below 1440"
)]
pub struct NoSuchDay;

impl Schedule {
    /// At a minute of the day, counted from midnight.
    ///
    /// # Errors
    /// [`NoSuchDay`] for days or minutes that there are not.
    pub fn new(days: Days, minute_of_day: u16, zone: TimeZone) -> Result<Self, NoSuchDay> {
        let is_sound = match &days {
            Days::Every => true,
            Days::Of(days) => !days.is_empty() && days.iter().all(|day| (1..=7).contains(day)),
            Days::OfMonth(day) => (1..=31).contains(day),
        };
        if is_sound && minute_of_day < DAY { Ok(Self { days, minute_of_day, zone }) } else { Err(NoSuchDay) }
    }

    /// Whether it is for a day.
    pub fn fits(&self, date: Date) -> bool {
        let (_, _, day) = date.parts();
        match &self.days {
            Days::Every => true,
            Days::Of(days) => days.contains(&date.weekday()),
            Days::OfMonth(wanted) => day == (*wanted).min(date.end_of_month().parts().2),
        }
    }

    /// The one instant of a day.
    pub fn instant_of(&self, date: Date) -> Timestamp {
        date.first_at(self.minute_of_day, &self.zone)
    }

    /// The last day whose instant has come.
    pub fn due(&self, now: Timestamp) -> Option<Date> {
        let today = now.date_in(&self.zone);
        // A day after today: a zone that goes back over midnight shows yesterday's date again.
        (-REACH_DAYS..=1)
            .rev()
            .map(|days| today.plus_days(days))
            .find(|date| self.fits(*date) && self.instant_of(*date) <= now)
    }

    /// The first day whose instant is yet to come, and that instant.
    pub fn next(&self, now: Timestamp) -> Option<(Date, Timestamp)> {
        let today = now.date_in(&self.zone);
        (-1..=REACH_DAYS)
            .map(|days| today.plus_days(days))
            .filter(|date| self.fits(*date))
            .map(|date| (date, self.instant_of(date)))
            .find(|(_, instant)| *instant > now)
    }
}

/// Asks for the job of the last day whose instant has come; asking again changes nothing. `name` tells this schedule from
/// others of the same kind and tenant.
///
/// # Errors
/// The database's.
pub async fn ask(
    tx: &mut impl Handle,
    schedule: &Schedule,
    kind: &'static str,
    tenant: Option<&TenantId>,
    name: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let Some(day) = schedule.due(now) else { return Ok(()) };
    let whose = tenant.map_or("", |tenant| tenant.as_str());
    let job = NewJob {
        kind,
        tenant: tenant.cloned(),
        payload: serde_json::json!({ "day": day }),
        dedupe_key: format!("{whose}/{name}/{day}"),
        run_at: schedule.instant_of(day),
    };
    jobs::enqueue(tx, job, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule(days: Days, time: &str, zone: &str) -> Schedule {
        let (hour, minute) = time.split_once(':').unwrap();
        let minute = hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap();
        Schedule::new(days, minute, zone.parse().unwrap()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_that_does_not_exist_or_exists_twice_is_one_instant() {
        for (zone, time, day, instant) in [
            ("Europe/Madrid", "02:30", "2026-03-28", "2026-03-28T01:30:00Z"),
            // 02:00 is followed by 03:00.
            ("Europe/Madrid", "02:30", "2026-03-29", "2026-03-29T01:00:00Z"),
            ("Europe/Madrid", "02:00", "2026-03-29", "2026-03-29T01:00:00Z"),
            ("Europe/Madrid", "03:00", "2026-03-29", "2026-03-29T01:00:00Z"),
            // 03:00 is followed by 02:00.
            ("Europe/Madrid", "02:30", "2026-10-25", "2026-10-25T00:30:00Z"),
            ("America/Santiago", "00:30", "2026-09-06", "2026-09-06T04:00:00Z"),
            ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:30:00Z"),
            ("America/Lima", "02:30", "2026-03-29", "2026-03-29T07:30:00Z"),
            // There was no such day.
            ("Pacific/Apia", "12:00", "2011-12-30", "2011-12-30T10:00:00Z"),
        ] {
            let found = schedule(Days::Every, time, zone).instant_of(day.parse().unwrap());
            assert_eq!(found, at(instant), "{zone} {day} {time}: {found}");
        }
    }

    #[test]
    fn some_days_only() {
        let sundays = schedule(Days::Of([7].into()), "08:00", "America/Lima");
        assert_eq!(sundays.due(at("2026-11-27T12:00:00Z")), Some("2026-11-22".parse().unwrap()));
        let (day, instant) = sundays.next(at("2026-11-27T12:00:00Z")).unwrap();
        assert_eq!((day.to_string(), instant), ("2026-11-29".to_owned(), at("2026-11-29T13:00:00Z")));
        let last = schedule(Days::OfMonth(31), "00:00", "America/Lima");
        for (now, due) in [
            ("2026-03-01T12:00:00Z", "2026-02-28"),
            ("2026-03-31T04:59:59Z", "2026-02-28"),
            ("2026-03-31T05:00:00Z", "2026-03-31"),
        ] {
            assert_eq!(last.due(at(now)), Some(due.parse().unwrap()), "{now}");
        }
        let zone = || "UTC".parse().unwrap();
        for days in [Days::Of([].into()), Days::Of([0].into()), Days::OfMonth(32), Days::OfMonth(0)] {
            assert!(Schedule::new(days, 0, zone()).is_err());
        }
        assert!(Schedule::new(Days::Every, 1440, zone()).is_err());
    }

    const ZONES: &[&str] = &[
        "UTC",
        "America/Lima",
        "America/Santiago",
        "America/Sao_Paulo",
        "America/New_York",
        "America/Havana",
        "America/Nuuk",
        "America/Scoresbysund",
        "Europe/Madrid",
        "Africa/Casablanca",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kwajalein",
    ];

    proptest! {
        /// Somebody looks at odd moments for some days: each day is found due exactly once, in order, not before the clock on
        /// the wall shows its time, and at the first look after that.
        #[test]
        fn each_day_is_due_exactly_once(
            zone in proptest::sample::select(ZONES),
            minute in 0_u16..DAY,
            start in 0_i64..20_000,
            steps in proptest::collection::vec(60_000_i64..50_000_000, 20..60),
        ) {
            let schedule = Schedule::new(Days::Every, minute, zone.parse().unwrap()).unwrap();
            let mut now = at("1980-01-01T00:00:00Z").plus_millis(start * 86_400_000);
            let mut before = schedule.due(now).unwrap();
            for step in steps {
                let (next, instant) = schedule.next(now).unwrap();
                prop_assert_eq!(next, before.plus_days(1), "what comes next is the day after the last");
                now = now.plus_millis(step);
                let due = schedule.due(now).unwrap();
                prop_assert_eq!(due > before, instant <= now, "due when its instant has come, at {}", now);
                prop_assert!(due >= before, "never an earlier day again");
                let mut day = before;
                while day < due {
                    let following = day.plus_days(1);
                    prop_assert!(schedule.instant_of(day) <= schedule.instant_of(following));
                    day = following;
                }
                let instant = schedule.instant_of(due);
                let wall = (instant.date_in(&schedule.zone), instant.minute_of_day_in(&schedule.zone));
                prop_assert!(wall >= (due, minute), "not before its time: {:?}", wall);
                let just_before = instant.plus_millis(-1);
                let wall = (just_before.date_in(&schedule.zone), just_before.minute_of_day_in(&schedule.zone));
                prop_assert!(wall < (due, minute), "and at the first moment after it: {:?}", wall);
                before = due;
            }
        }
    }
}
