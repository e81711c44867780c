//! What a parameter may hold. No clock and no I/O here.

use chrono::NaiveDate;

/// The form of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// Rising whole numbers between two bounds, separated by `;`.
    Integers(i64, i64),
    /// Month and day, `03-31`.
    MonthDay,
    /// One of some words.
    OneOf(&'static [&'static str]),
}

/// Every parameter with its form; another key cannot be set, because nothing would read it.
pub const PARAMETERS: &[(&str, Form)] = &[
    ("mass_tolerance_bp", Form::Integer(0, 10_000)),
    ("mass_tolerance_floor_g", Form::Integer(0, 100_000_000)),
    ("plan_stand_in_until", Form::MonthDay),
    ("generator_storage_warn_days", Form::Integer(1, 3_660)),
    ("hirer_default", Form::OneOf(&["consignor", "receiver"])),
    ("manifest_serial_restarts", Form::OneOf(&["yearly"])),
    ("deadline_first_day_counts", Form::OneOf(&["false"])),
    ("correction_wait_working_days", Form::Integer(1, 60)),
    ("correction_remind_working_days", Form::Integers(1, 60)),
    ("unmetered_manifest_period", Form::OneOf(&["month", "quarter", "year"])),
    ("label_serial_digits", Form::Integer(1, 10)),
    ("ledger_late_days", Form::Integer(0, 366)),
    ("inbound_not_for_utilisation", Form::OneOf(&["warn", "off"])),
];

/// The form of a parameter.
#[must_use]
pub fn form_of(key: &str) -> Option<Form> {
    PARAMETERS.iter().find(|(name, _)| *name == key).map(|(_, form)| *form)
}

/// A whole number as it is stored: no sign but minus, no leading zero.
fn integer(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

impl Form {
    /// Whether a text is of this form.
    #[must_use]
    pub fn takes(self, text: &str) -> bool {
        match self {
            Self::Integer(min, max) => integer(text).is_some_and(|number| (min..=max).contains(&number)),
            Self::Integers(min, max) => {
                let numbers: Option<Vec<i64>> = text.split(';').map(integer).collect();
                numbers.is_some_and(|numbers| numbers.is_sorted_by(|a, b| a < b) && numbers.iter().all(|number| (min..=max).contains(number)))
            }
            // 2000 has a 29 February.
            Self::MonthDay => text.len() == 5 && NaiveDate::parse_from_str(&format!("2000-{text}"), "%Y-%m-%d").is_ok(),
            Self::OneOf(words) => words.contains(&text),
        }
    }
    /// The form in words, in Chinese and English.
    #[must_use]
    pub fn describe(self) -> (String, String) {
        match self {
            Self::Integer(min, max) => (format!("须为 {min} 至 {max} 的整数"), format!("It must be a whole number from {min} to {max}")),
            Self::Integers(min, max) => (
                format!("须为递增的整数，以分号分隔，每个在 {min} 至 {max} 之间"),
                format!("It must be rising whole numbers from {min} to {max}, separated by semicolons"),
            ),
            Self::MonthDay => ("须为月-日，例如 03-31".into(), "It must be month and day, for example 03-31".into()),
            Self::OneOf(words) => (format!("须为 {}", words.join("、")), format!("It must be one of: {}", words.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_up_to_their_edges() {
        let bp = form_of("mass_tolerance_bp").unwrap();
        for (text, taken) in
            [("0", true), ("10000", true), ("10001", false), ("-1", false), ("1.5", false), ("+5", false), ("007", false), ("", false)]
        {
            assert_eq!(bp.takes(text), taken, "{text}");
        }
        for (text, taken) in [("2;4", true), ("2", true), ("4;2", false), ("2;2", false), ("2;", false), ("", false), ("2;61", false)] {
            assert_eq!(form_of("correction_remind_working_days").unwrap().takes(text), taken, "{text}");
        }
        for (text, taken) in [("03-31", true), ("02-29", true), ("02-30", false), ("3-31", false), ("03-3 ", false)] {
            assert_eq!(Form::MonthDay.takes(text), taken, "{text}");
        }
        assert!(form_of("hirer_default").unwrap().takes("receiver") && !form_of("hirer_default").unwrap().takes("carrier"));
        assert_eq!(form_of("nothing"), None);
    }
}
