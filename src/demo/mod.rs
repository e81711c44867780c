//! The demonstration (演示): a fictional district and the last sixty days of its manifests.
//!
//! A script is written first, as pure data from a seed and a day ([`plan`]); then it is played against the API on a clock
//! that the script moves ([`play`]), so every line of it went through the same acts as a user's. Others use the two and
//! [`world`], which remembers what a database holds. Invariants: structure depends on seed and day alone; ids, keys and the
//! password do not; a world that was not finished is never served.

mod cast;
mod play;
mod random;
mod script;
mod stories;
pub mod world;

use chrono::NaiveDate;

pub use cast::escort;
pub use play::{Trouble, play};
pub use script::Step;

/// How far back the manifests go. Unit: days.
pub const DAYS: i64 = 60;

/// What will be played.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// Steps by time.
    pub steps: Vec<Step>,
    /// How many of them set the district up.
    pub setting_up: usize,
    /// Manifests that they make.
    pub manifests: usize,
    /// Units that they make, the platform's own apart.
    pub units: usize,
}

/// Writes the script of a seed and a day, with as many stories of each kind as there are to tell or as `stories` says;
/// everything in it lies before that day.
#[must_use]
pub fn plan(seed: u64, as_of: NaiveDate, stories: Option<usize>) -> Plan {
    let mut script = script::Script::default();
    let cast = cast::set_up(&mut script, seed, as_of, DAYS);
    let setting_up = script.steps.len();
    let units = script.steps.iter().flat_map(|step| &step.binds).filter(|(_, name)| name.starts_with("unit:")).count();
    let manifests = stories::tell(&mut script, &cast, seed, stories.unwrap_or(usize::MAX));
    Plan { steps: script.in_order(), setting_up, manifests, units }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;

    use super::*;
    use crate::platform::calendar::{legal_day, start_of};

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn the_same_seed_and_day_give_the_same_script() {
        assert_eq!(plan(1, day(2026, 11, 24), None), plan(1, day(2026, 11, 24), None));
        assert_ne!(plan(1, day(2026, 11, 24), None), plan(2, day(2026, 11, 24), None));
    }

    #[test]
    fn fewer_stories_leave_the_units_and_one_of_each_kind() {
        let (all, few) = (plan(1, day(2026, 11, 24), None), plan(1, day(2026, 11, 24), Some(1)));
        assert_eq!((few.units, few.setting_up), (all.units, all.setting_up));
        assert!((40..80).contains(&few.manifests), "{}", few.manifests);
        assert_eq!(plan(1, day(2026, 11, 24), Some(0)).manifests, 0);
        assert_eq!(plan(1, day(2026, 11, 24), Some(1_000)), all);
    }

    #[test]
    fn sites_are_recorded_with_years_that_are_full_by_then_in_every_month() {
        for (year, month) in (1..=12).map(|month| (2026, month)).chain([(2025, 12)]) {
            for of_month in [1, 4, 5, 10, 13, 14, 28] {
                let plan = plan(1, day(year, month, of_month), Some(0));
                let sites: Vec<_> = plan.steps.iter().filter(|step| step.path == "/sites").collect();
                assert!(!sites.is_empty());
                for step in sites {
                    let last = step.body["yearly"].as_array().unwrap().iter().filter_map(|amount| amount["year"].as_i64()).max();
                    assert_eq!(last, Some(i64::from(legal_day(step.at).year()) - 1), "{}", step.at);
                }
            }
        }
    }

    #[test]
    fn the_district_is_as_large_as_promised_and_lies_in_the_past() {
        for (seed, as_of) in [(1, day(2026, 11, 24)), (7, day(2026, 1, 20)), (99, day(2026, 3, 1))] {
            let plan = plan(seed, as_of, None);
            assert!(plan.units >= 60 && plan.manifests >= 300, "{} units, {} manifests", plan.units, plan.manifests);
            assert!(plan.steps.iter().all(|step| step.at < start_of(as_of)));
            let first = plan.steps.iter().filter(|step| step.path.starts_with("/manifests")).map(|step| step.at).min().unwrap();
            assert!((as_of - legal_day(first)).num_days() <= DAYS);
        }
    }
}
