//! Figures that the law changes: each with the days from which it holds.
//!
//! No clock here: the caller names the day that decides, which is rarely today.

use chrono::{Datelike, NaiveDate};

/// A figure of law and its amendments.
///
/// Const constructible, so that a figure stands beside its source in `rules.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated<T: 'static> {
    /// What held before every amendment.
    pub original: T,
    /// Each first day (year, month, day) and the figure from that day on, in any order.
    pub amended: &'static [((i32, u32, u32), T)],
}

impl<T: 'static> Dated<T> {
    /// A figure that was never amended.
    pub const fn always(original: T) -> Self {
        Self { original, amended: &[] }
    }

    /// The figure in force on a day: that of the last amendment whose first day is not after it.
    pub fn on(&self, day: NaiveDate) -> &T {
        let day = (day.year(), day.month(), day.day());
        self.amended.iter().filter(|(from, _)| *from <= day).max_by_key(|(from, _)| *from).map_or(&self.original, |(_, figure)| figure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: Dated<u32> = Dated { original: 5, amended: &[((2027, 1, 1), 3), ((2026, 8, 15), 4)] };

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn an_amendment_holds_from_its_first_day() {
        assert_eq!(*DAYS.on(day(1990, 1, 1)), 5);
        assert_eq!(*DAYS.on(day(2026, 8, 14)), 5);
        assert_eq!(*DAYS.on(day(2026, 8, 15)), 4);
        assert_eq!(*DAYS.on(day(2026, 12, 31)), 4);
        assert_eq!(*DAYS.on(day(2027, 1, 1)), 3);
        assert_eq!(*DAYS.on(day(2099, 1, 1)), 3);
        assert_eq!(*Dated::always(7).on(day(2026, 1, 1)), 7);
    }
}
