//! On which days the laws that rules cite are in force (施行日期): an article is cited for a day on which it holds.

use chrono::NaiveDate;

/// Year, month, day.
type Day = (i32, u32, u32);

/// First and last day of each law that came or went while records may reach back. The same as in
/// `laws.csv`, which a test compares; what is not here is in force on every day that a record can name.
const DAYS: [(&str, Day, Option<Day>); 3] =
    [("eco_code_2026", (2026, 8, 15), None), ("solid_waste_law_2020", (2020, 9, 1), Some((2026, 8, 14))), ("decree_23_2021", (2022, 1, 1), None)];

/// The keys whose law is in force on a day. A rule names the article of the old law beside that of the new one.
#[must_use]
pub fn in_force_on(keys: &[&'static str], day: NaiveDate) -> Vec<&'static str> {
    use chrono::Datelike;
    let day = (day.year(), day.month(), day.day());
    let holds = |key: &str| {
        let law = key.split('/').next().unwrap_or_default();
        DAYS.iter().find(|(id, ..)| *id == law).is_none_or(|(_, from, until)| *from <= day && until.is_none_or(|until| day <= until))
    };
    keys.iter().copied().filter(|key| holds(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["eco_code_2026/534", "solid_waste_law_2020/80", "hw_licence_2016/15"];

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn the_code_is_cited_from_its_first_day_on_and_the_old_law_until_the_day_before() {
        assert_eq!(in_force_on(&KEYS, day(2026, 8, 14)), ["solid_waste_law_2020/80", "hw_licence_2016/15"]);
        assert_eq!(in_force_on(&KEYS, day(2026, 8, 15)), ["eco_code_2026/534", "hw_licence_2016/15"]);
    }

    #[test]
    fn the_days_are_those_of_the_list_of_laws() {
        let rows = csv::Reader::from_reader(include_str!("data/laws.csv").as_bytes()).into_records().collect::<Result<Vec<_>, _>>().unwrap();
        for (id, from, until) in DAYS {
            let row = rows.iter().find(|row| &row[0] == id).unwrap();
            let text = |(y, m, d): Day| day(y, m, d).to_string();
            assert_eq!((row[4].to_owned(), row[5].to_owned()), (text(from), until.map(text).unwrap_or_default()), "{id}");
        }
    }
}
