//! Legal days and working days (工作日) of China.
//!
//! No clock here: every instant comes from the caller. Deadlines are days of Asia/Shanghai, never of UTC: a confirm at
//! 00:01 there is a day later than one at 23:59, while UTC still shows the same day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Serialize};

/// The offset of Asia/Shanghai.
///
/// Fixed, because China has had one offset and no summer time since the autumn of 1991, and no deadline of ours is
/// older; so no time zone database is needed. Should summer time return, this is the place.
pub const SHANGHAI: FixedOffset = match FixedOffset::east_opt(SHANGHAI_AHEAD_S) {
    Some(offset) => offset,
    None => unreachable!(), // decided when compiling
};

/// Unit: seconds.
const SHANGHAI_AHEAD_S: i32 = 8 * 60 * 60;

/// From this day of December the notice of the next year may already move days.
///
/// The State Council's notice for a year sets the bridge days of its New Year holiday, and these reach back: the notice
/// for 2019 made 2018-12-29 a working day and 2018-12-31 a holiday.
const NEXT_YEARS_NOTICE_FROM_DECEMBER: u32 = 28;

/// The day in Asia/Shanghai on which an instant falls.
pub fn legal_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&SHANGHAI).date_naive()
}

/// An instant as people in Asia/Shanghai write it on paper: `2026-11-23 10:00`.
#[must_use]
pub fn local_text(at: DateTime<Utc>) -> String {
    at.with_timezone(&SHANGHAI).format("%Y-%m-%d %H:%M").to_string()
}

/// The first instant after a day in Asia/Shanghai: an act before it is in time, one at it is not.
pub fn end_of(last_day: NaiveDate) -> DateTime<Utc> {
    last_day
        .and_time(NaiveTime::MIN)
        .checked_add_signed(TimeDelta::hours(24) - TimeDelta::seconds(i64::from(SHANGHAI_AHEAD_S)))
        .map_or(DateTime::<Utc>::MAX_UTC, |end| end.and_utc())
}

/// The first instant of a day in Asia/Shanghai.
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN)
        .checked_sub_signed(TimeDelta::seconds(i64::from(SHANGHAI_AHEAD_S)))
        .map_or(DateTime::<Utc>::MIN_UTC, |start| start.and_utc())
}

/// The instant at which a clock on a wall in Dalian shows a time.
pub fn instant_of(wall: NaiveDateTime) -> DateTime<Utc> {
    wall.checked_sub_signed(TimeDelta::seconds(i64::from(SHANGHAI_AHEAD_S))).map_or(DateTime::<Utc>::MIN_UTC, |at| at.and_utc())
}

/// What a clock on a wall in Dalian shows at an instant.
pub fn wall_clock(at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&SHANGHAI).naive_local()
}

/// What an exceptional day is, against its weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// A day off (法定节假日 or a bridge day).
    Holiday,
    /// A Saturday or Sunday that is worked (调休上班).
    Workday,
}

/// A last day, and whether it may still move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deadline {
    /// The last day on which the act is in time, in Asia/Shanghai.
    pub last_day: NaiveDate,
    /// The calendar of a year that was counted through is not published: weekends were taken as off, all else as worked.
    pub provisional: bool,
}

/// Whether an act came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lateness {
    /// On the last day or before.
    OnTime,
    /// After a last day that stands.
    Late,
    /// After a last day that may still move: nobody may be called late for it.
    Unknown,
}

/// The working-day calendar as far as it is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkingDays {
    exceptions: BTreeMap<NaiveDate, DayKind>,
    published: BTreeSet<i32>,
}

impl WorkingDays {
    /// The calendar from the exceptional days and the years whose notice is loaded.
    ///
    /// A year without exceptional days must still be named as published. Of two entries for a day the later one holds.
    pub fn new(exceptions: impl IntoIterator<Item = (NaiveDate, DayKind)>, published: impl IntoIterator<Item = i32>) -> Self {
        Self { exceptions: exceptions.into_iter().collect(), published: published.into_iter().collect() }
    }

    /// Whether a day is worked: as published, else Monday to Friday.
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        match self.exceptions.get(&day) {
            Some(DayKind::Workday) => true,
            Some(DayKind::Holiday) => false,
            None => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// Whether a day's kind can no longer change.
    fn is_settled(&self, day: NaiveDate) -> bool {
        let of_next_year = day.month() == 12 && day.day() >= NEXT_YEARS_NOTICE_FROM_DECEMBER;
        self.published.contains(&day.year()) && (!of_next_year || self.exceptions.contains_key(&day) || self.published.contains(&(day.year() + 1)))
    }

    /// The last of `n` working days, counted from the day after `from`.
    ///
    /// The day of the event itself is not counted. Legal source: `civil_code_2020/201`.
    pub fn add_working_days(&self, from: NaiveDate, n: u32) -> Deadline {
        let mut deadline = Deadline { last_day: from, provisional: false };
        let mut left = n;
        while left > 0 {
            // The end of chrono's calendar, 260,000 years away: stop there.
            let Some(next) = deadline.last_day.checked_add_days(Days::new(1)) else {
                return Deadline { provisional: true, ..deadline };
            };
            deadline.last_day = next;
            deadline.provisional |= !self.is_settled(next);
            left -= u32::from(self.is_working_day(next));
        }
        deadline
    }

    /// Whether an act at an instant came in time.
    ///
    /// A provisional deadline is never `Late`. Up to its last day it counts as kept, because that day is what the user
    /// was shown; the caller computes deadlines again when a year is published.
    pub fn is_late(&self, at: DateTime<Utc>, deadline: Deadline) -> Lateness {
        if at < end_of(deadline.last_day) {
            Lateness::OnTime
        } else if deadline.provisional {
            Lateness::Unknown
        } else {
            Lateness::Late
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// The days of 2026 that these tests need, in the manner of a State Council notice.
    fn year_2026() -> WorkingDays {
        let holidays = (1..=7).map(|d| (NaiveDate::from_ymd_opt(2026, 10, d).unwrap(), DayKind::Holiday));
        WorkingDays::new(holidays.chain([(day("2026-10-10"), DayKind::Workday)]), [2026])
    }

    #[test]
    fn a_legal_day_begins_at_16_hours_utc() {
        assert_eq!(legal_day(at("2026-11-30T15:59:59Z")), day("2026-11-30"));
        assert_eq!(legal_day(at("2026-11-30T16:00:00Z")), day("2026-12-01"));
        assert_eq!(end_of(day("2026-11-30")), at("2026-12-01T00:00:00+08:00"));
        assert_eq!(start_of(day("2026-11-30")), at("2026-11-30T00:00:00+08:00"));
        assert_eq!(start_of(NaiveDate::MIN), DateTime::<Utc>::MIN_UTC);
        assert!(end_of(NaiveDate::MAX) > start_of(NaiveDate::MAX));
    }

    #[test]
    fn worked_case_19_3() {
        let calendar = year_2026();
        let received_on = legal_day(at("2026-11-23T10:00:00+08:00"));
        let deadline = calendar.add_working_days(received_on, 5);
        assert_eq!(deadline, Deadline { last_day: day("2026-11-30"), provisional: false });
        assert_eq!(calendar.is_late(at("2026-11-30T23:59:59+08:00"), deadline), Lateness::OnTime);
        assert_eq!(calendar.is_late(at("2026-12-01T00:00:00+08:00"), deadline), Lateness::Late);
        assert_eq!(calendar.is_late(at("2026-12-01T00:01:00+08:00"), deadline), Lateness::Late);
    }

    #[test]
    fn holidays_are_left_out_and_worked_saturdays_count() {
        let calendar = year_2026();
        // Wed 2026-09-30: Thu 1 to Wed 7 October off; Thu 8, Fri 9, Sat 10 worked; Mon 12, Tue 13.
        assert_eq!(calendar.add_working_days(day("2026-09-30"), 2).last_day, day("2026-10-09"));
        assert_eq!(calendar.add_working_days(day("2026-09-30"), 3).last_day, day("2026-10-10"));
        assert_eq!(calendar.add_working_days(day("2026-09-30"), 5).last_day, day("2026-10-13"));
        assert_eq!(calendar.add_working_days(day("2026-10-03"), 0).last_day, day("2026-10-03"));
        assert!(calendar.is_working_day(day("2026-10-10")) && !calendar.is_working_day(day("2026-10-11")));
    }

    #[test]
    fn an_unpublished_year_makes_a_deadline_provisional() {
        let calendar = year_2026();
        let inside = calendar.add_working_days(day("2026-12-18"), 5);
        assert_eq!(inside, Deadline { last_day: day("2026-12-25"), provisional: false });
        let over = calendar.add_working_days(day("2026-12-29"), 5);
        assert_eq!(over, Deadline { last_day: day("2027-01-05"), provisional: true });
        assert_eq!(calendar.is_late(at("2027-01-05T23:59:59+08:00"), over), Lateness::OnTime);
        assert_eq!(calendar.is_late(at("2027-01-06T00:00:00+08:00"), over), Lateness::Unknown);
        assert_eq!(calendar.is_late(at("2029-01-06T00:00:00+08:00"), over), Lateness::Unknown);
        assert!(WorkingDays::default().add_working_days(day("2026-05-04"), 1).provisional);
    }

    #[test]
    fn the_next_years_notice_reaches_back_to_december() {
        let one_day = |last: &str, calendar: &WorkingDays| calendar.add_working_days(day(last).pred_opt().unwrap(), 1);
        assert!(!one_day("2026-12-25", &year_2026()).provisional);
        assert!(one_day("2026-12-28", &year_2026()).provisional);
        assert!(!one_day("2026-12-28", &WorkingDays::new([], [2026, 2027])).provisional);
        // 2018-12-28 was a Friday; the notice for 2019 made Saturday a working day and Monday a holiday.
        let published = WorkingDays::new(
            [(day("2018-12-29"), DayKind::Workday), (day("2018-12-31"), DayKind::Holiday), (day("2019-01-01"), DayKind::Holiday)],
            [2018, 2019],
        );
        assert_eq!(published.add_working_days(day("2018-12-28"), 2), Deadline { last_day: day("2019-01-02"), provisional: false });
    }

    proptest! {
        #[test]
        fn a_deadline_is_a_working_day_n_days_on(offset in 0_u64..700, n in 1_u32..60) {
            let calendar = year_2026();
            let from = day("2026-01-01") + Days::new(offset);
            let deadline = calendar.add_working_days(from, n);
            prop_assert!(calendar.is_working_day(deadline.last_day));
            let counted = from.iter_days().skip(1).take_while(|d| *d <= deadline.last_day).filter(|d| calendar.is_working_day(*d)).count();
            prop_assert_eq!(counted, n as usize);
        }

        #[test]
        fn an_instant_lies_inside_its_legal_day(seconds in 700_000_000_i64..4_000_000_000) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            prop_assert!(start_of(legal_day(at)) <= at && at < end_of(legal_day(at)));
        }
    }
}
