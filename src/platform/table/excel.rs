//! Numbers as a spreadsheet holds them: binary floats, which leave this module as decimal text and never as floats.
//!
//! No arithmetic is done on them. A spreadsheet shows and keeps 15 significant digits, so that is what a number says:
//! `0.1 + 0.2`, stored as 0.30000000000000004, stands as 0.3 in front of whoever typed it.

/// Digits that a spreadsheet keeps of a number, less the one before the point.
const DIGITS_BEHIND: usize = 14;
/// Beyond this power of ten a number is no quantity that anybody typed.
const POWER_MAX: i32 = 30;

/// A number as plain decimal text, exact to the digits that a spreadsheet shows; nothing for what is no number.
#[must_use]
pub fn decimal_text(value: f64) -> Option<String> {
    let scientific = format!("{value:.DIGITS_BEHIND$e}");
    let (mantissa, power) = scientific.split_once('e')?;
    let power: i32 = power.parse().ok().filter(|power: &i32| power.abs() <= POWER_MAX)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".into());
    }
    let whole = usize::try_from(power + 1).unwrap_or(0);
    let (whole, fraction) = if power < 0 {
        let zeros = usize::try_from(-power - 1).unwrap_or(0);
        ("0".to_owned(), format!("{}{digits}", "0".repeat(zeros)))
    } else if digits.len() <= whole {
        (format!("{digits:0<whole$}"), String::new())
    } else {
        let (before, behind) = digits.split_at(whole);
        (before.to_owned(), behind.to_owned())
    };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// The number that a cell is written with; our texts have no more digits than it keeps.
#[must_use]
pub fn number_of(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_says_what_the_spreadsheet_shows() {
        for (stored, text) in [
            ("0", "0"),
            ("-0", "0"),
            ("1.25", "1.25"),
            ("0.30000000000000004", "0.3"),
            ("1e21", "1000000000000000000000"),
            ("0.000001", "0.000001"),
            ("-12.5", "-12.5"),
            ("46350", "46350"),
            ("0.1", "0.1"),
            ("999999999999999", "999999999999999"),
            ("100", "100"),
            ("1.005", "1.005"),
        ] {
            assert_eq!(decimal_text(stored.parse().unwrap()).as_deref(), Some(text), "{stored}");
        }
        for nothing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE] {
            assert_eq!(decimal_text(nothing), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(whole in 0_u32..1_000_000, fraction in 0_u32..1_000_000) {
            let text = format!("{whole}.{fraction:06}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            prop_assert_eq!(decimal_text(number_of(text).unwrap()), Some(text.to_owned()));
        }

        #[test]
        fn any_number_is_survived(bits in any::<u64>()) {
            let _ = decimal_text(f64::from_bits(bits));
        }
    }
}
