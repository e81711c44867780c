//! Masses: whole grams, exact, in a range that a manifest can hold.
//!
//! Whoever holds a [`Grams`] need not check it again. No float ever touches a mass: sums over a year, over parties and
//! over corrections must agree to the gram. No clock and no I/O here.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::platform::shape::FormatCheck;

/// The largest mass that is taken: a million tonnes, far above any licence, far below an overflow of sums.
///
/// Unit: g.
pub const MASS_MAX_G: i64 = 1_000_000_000_000;

/// The text formats of this module for [`crate::platform::shape::validator`].
pub const FORMATS: [FormatCheck; 3] = [
    ("mass-t", |text| grams_of(text, MassUnit::T).is_ok()),
    ("mass-kg", |text| grams_of(text, MassUnit::Kg).is_ok()),
    ("mass-g", |text| grams_of(text, MassUnit::G).is_ok()),
];

/// A mass (数量) between nothing and [`MASS_MAX_G`].
///
/// Unit: g.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Grams(i64);

/// A number of grams that is negative or above [`MASS_MAX_G`].
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
#[error("a mass must be 0 to {MASS_MAX_G} g, not {0} g")]
pub struct MassOutOfRange(pub i64);

impl Grams {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest mass.
    pub const MAX: Self = Self(MASS_MAX_G);

    /// The bare number, for the database and for arithmetic on ratios.
    ///
    /// Unit: g.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum; `None` above the largest mass.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::try_from(self.0.checked_add(other.0)?).ok()
    }

    /// The difference; `None` below nothing.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::try_from(self.0.checked_sub(other.0)?).ok()
    }

    /// The sum of many; `None` above the largest mass. (`Iterator::sum` could only panic there.)
    pub fn sum(masses: impl IntoIterator<Item = Self>) -> Option<Self> {
        masses.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<i64> for Grams {
    type Error = MassOutOfRange;

    fn try_from(grams: i64) -> Result<Self, MassOutOfRange> {
        if (0..=MASS_MAX_G).contains(&grams) { Ok(Self(grams)) } else { Err(MassOutOfRange(grams)) }
    }
}

impl From<Grams> for i64 {
    fn from(grams: Grams) -> Self {
        grams.0
    }
}

impl fmt::Display for Grams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialSchema for Grams {
    fn schema() -> RefOr<Schema> {
        grams_schema("Mass in whole grams").into()
    }
}

impl ToSchema for Grams {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Grams")
    }
}

fn grams_schema(description: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0_i64))
        .maximum(Some(MASS_MAX_G))
        .description(Some(description))
        .into()
}

/// The mass in tonnes as the form shows it: exact, without needless zeros (`1.25`, `0`, `0.000001`).
pub fn tonnes_text(mass: Grams) -> String {
    let (whole, rest) = (mass.0 / 1_000_000, mass.0 % 1_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
}

/// The mass in kilograms, exact, without needless zeros (`1.25`, `0`, `0.001`).
pub fn kilograms_text(mass: Grams) -> String {
    let (whole, rest) = (mass.0 / 1_000, mass.0 % 1_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
}

/// A unit that a mass may be given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MassUnit {
    /// Tonne (吨).
    #[serde(rename = "t")]
    T,
    /// Kilogram (千克).
    #[serde(rename = "kg")]
    Kg,
    /// Gram (克).
    #[serde(rename = "g")]
    G,
}

impl MassUnit {
    /// Every unit, largest first.
    pub const ALL: [Self; 3] = [Self::T, Self::Kg, Self::G];

    /// Decimal places down to the gram.
    const fn places(self) -> usize {
        match self {
            Self::T => 6,
            Self::Kg => 3,
            Self::G => 0,
        }
    }

    const fn symbol(self) -> &'static str {
        match self {
            Self::T => "t",
            Self::Kg => "kg",
            Self::G => "g",
        }
    }

    /// The pattern of exactly those texts that [`grams_of`] takes.
    const fn pattern(self) -> &'static str {
        match self {
            Self::T => r"^(1000000(\.0{1,6})?|(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?)$",
            Self::Kg => r"^(1000000000(\.0{1,3})?|(0|[1-9][0-9]{0,8})(\.[0-9]{1,3})?)$",
            Self::G => r"^(1000000000000|0|[1-9][0-9]{0,11})$",
        }
    }
}

/// Why a decimal text is no mass.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum MassTextRefusal {
    /// Nothing there.
    #[error("the mass is empty")]
    Empty,
    /// Blanks inside or around.
    #[error("a mass holds no blanks")]
    Blank,
    /// Below nothing.
    #[error("a mass is not negative")]
    Negative,
    /// An exponent, as in `1e3`.
    #[error("a mass is written without an exponent")]
    Exponent,
    /// Anything else that is not digits with at most one point; also `01`, `.5`, `5.` and `1,5`.
    #[error("a mass is digits with at most one decimal point")]
    NotDecimal,
    /// More places than the unit has down to the gram.
    #[error("a mass is not more precise than a gram")]
    TooPrecise,
    /// Above [`MASS_MAX_G`].
    #[error("a mass is at most {MASS_MAX_G} g")]
    TooLarge,
}

/// Reads a decimal text in a unit, exactly.
///
/// # Errors
/// The first reason why the text is no mass. Places beyond the gram are refused even where they are zeros: who writes
/// them claims a precision that no scale has.
pub fn grams_of(text: &str, unit: MassUnit) -> Result<Grams, MassTextRefusal> {
    if text.is_empty() {
        return Err(MassTextRefusal::Empty);
    }
    if text.contains(char::is_whitespace) {
        return Err(MassTextRefusal::Blank);
    }
    if text.starts_with('-') {
        return Err(MassTextRefusal::Negative);
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) && text.contains(['e', 'E']) {
        return Err(MassTextRefusal::Exponent);
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(MassTextRefusal::NotDecimal),
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        return Err(MassTextRefusal::NotDecimal);
    }
    if fraction.len() > unit.places() {
        return Err(MassTextRefusal::TooPrecise);
    }
    // Only digits are left, so that a failure to parse is one of size.
    let grams: i64 = format!("{whole}{fraction:0<places$}", places = unit.places()).parse().map_err(|_too_many_digits| MassTextRefusal::TooLarge)?;
    Grams::try_from(grams).map_err(|MassOutOfRange(_)| MassTextRefusal::TooLarge)
}

/// A mass as a client may give it: whole grams, or a decimal text with its unit (`{"v": "1.25", "u": "t"}`).
///
/// Only for requests; answers hold [`Grams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MassInput(Grams);

impl MassInput {
    /// The mass that was given.
    pub const fn grams(self) -> Grams {
        self.0
    }
}

impl From<MassInput> for Grams {
    fn from(input: MassInput) -> Self {
        input.0
    }
}

impl From<Grams> for MassInput {
    fn from(mass: Grams) -> Self {
        Self(mass)
    }
}

impl<'de> Deserialize<'de> for MassInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand: a derived untagged enum would answer every fault with "did not match any variant".
        deserializer.deserialize_any(MassVisitor)
    }
}

impl Serialize for MassInput {
    /// As grams, whatever unit it was given in.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

struct MassVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MassText<'a> {
    #[serde(borrow)]
    v: Cow<'a, str>,
    u: MassUnit,
}

impl<'de> Visitor<'de> for MassVisitor {
    type Value = MassInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole grams, or an object with the decimal text `v` and the unit `u`")
    }

    fn visit_i64<E: de::Error>(self, grams: i64) -> Result<MassInput, E> {
        Grams::try_from(grams).map(MassInput).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, grams: u64) -> Result<MassInput, E> {
        self.visit_i64(i64::try_from(grams).unwrap_or(i64::MAX))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MassInput, A::Error> {
        let text = MassText::deserialize(de::value::MapAccessDeserializer::new(map))?;
        grams_of(&text.v, text.u).map(MassInput).map_err(de::Error::custom)
    }
}

impl PartialSchema for MassInput {
    /// One object a unit, because the places allowed differ: so the schema takes exactly what the reader takes.
    fn schema() -> RefOr<Schema> {
        let mut forms = OneOfBuilder::new()
            .description(Some("A mass: whole grams, or a decimal text `v` with its unit `u`, exact to the gram"))
            .item(grams_schema("Whole grams"));
        for unit in MassUnit::ALL {
            let text = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(unit.pattern()))
                .format(Some(SchemaFormat::Custom(format!("mass-{}", unit.symbol()))));
            let symbol = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([unit.symbol()]));
            forms = forms.item(
                ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .property("v", text)
                    .required("v")
                    .property("u", symbol)
                    .required("u")
                    .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false))),
            );
        }
        Schema::from(forms.build()).into()
    }
}

impl ToSchema for MassInput {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("MassInput")
    }
}

/// Shares a mass by weights, to the gram: the largest remainders get the grams left over, ties go to the lower index.
///
/// The shares always add up to the total; without any positive weight they are as equal as grams allow. A negative
/// weight counts as none. No weights, no shares: the only case in which nothing is handed out.
pub fn apportion(total: Grams, weights: &[i64]) -> Vec<Grams> {
    let mut weights: Vec<i128> = weights.iter().map(|weight| i128::from(*weight).max(0)).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    let all: i128 = weights.iter().sum();
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = total.0;
    for (index, weight) in weights.iter().enumerate() {
        // At most 10^12 times 2^63: far inside 128 bits.
        let product = i128::from(total.0) * weight;
        // A share is at most the total, so that it fits and the range holds.
        let share = i64::try_from(product / all).unwrap_or(0);
        shares.push(Grams(share));
        remainders.push((std::cmp::Reverse(product % all), index));
        left -= share;
    }
    remainders.sort_unstable();
    for (_, index) in remainders {
        if left == 0 {
            break;
        }
        if let Some(share) = shares.get_mut(index) {
            share.0 += 1;
            left -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::platform::shape::{check_schema, validator};

    fn g(grams: i64) -> Grams {
        Grams::try_from(grams).unwrap()
    }

    #[test]
    fn the_range_is_inclusive_at_both_ends() {
        assert_eq!(Grams::try_from(0), Ok(Grams::ZERO));
        assert_eq!(Grams::try_from(-1), Err(MassOutOfRange(-1)));
        assert_eq!(Grams::try_from(1_000_000_000_000), Ok(Grams::MAX));
        assert_eq!(Grams::try_from(1_000_000_000_001), Err(MassOutOfRange(1_000_000_000_001)));
        assert_eq!(serde_json::from_str::<Grams>("1000000000000").unwrap(), Grams::MAX);
        for text in ["-1", "1000000000001", "1.0", "\"1\"", "18446744073709551615", "null"] {
            assert!(serde_json::from_str::<Grams>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&g(5)).unwrap(), "5");
        assert_eq!(g(5).to_string(), "5");
    }

    #[test]
    fn sums_and_differences_stay_in_range() {
        assert_eq!(Grams::MAX.checked_add(g(0)), Some(Grams::MAX));
        assert_eq!(Grams::MAX.checked_add(g(1)), None);
        assert_eq!(g(3).checked_sub(g(3)), Some(Grams::ZERO));
        assert_eq!(g(3).checked_sub(g(4)), None);
        assert_eq!(Grams::sum([g(1), g(2), g(3)]), Some(g(6)));
        assert_eq!(Grams::sum([Grams::MAX, g(1)]), None);
        assert_eq!(Grams::sum([]), Some(Grams::ZERO));
    }

    #[test]
    fn tonnes_are_shown_exactly() {
        for (grams, text) in [
            (0, "0"),
            (1, "0.000001"),
            (1_250_000, "1.25"),
            (1_000_000, "1"),
            (100_000_000, "100"),
            (1_000_000_000_000, "1000000"),
            (999_999, "0.999999"),
        ] {
            assert_eq!(tonnes_text(g(grams)), text);
        }
    }

    #[test]
    fn decimal_texts_are_read_exactly() {
        for (text, unit, grams) in [
            ("1.25", MassUnit::T, 1_250_000),
            ("0.000001", MassUnit::T, 1),
            ("0.1", MassUnit::T, 100_000),
            ("1000000.000000", MassUnit::T, MASS_MAX_G),
            ("1.5", MassUnit::Kg, 1_500),
            ("1000000000", MassUnit::Kg, MASS_MAX_G),
            ("7", MassUnit::G, 7),
            ("0", MassUnit::G, 0),
        ] {
            assert_eq!(grams_of(text, unit), Ok(g(grams)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_their_reason() {
        use MassTextRefusal as R;
        for (text, unit, reason) in [
            ("", MassUnit::T, R::Empty),
            (" 1", MassUnit::T, R::Blank),
            ("1\u{3000}", MassUnit::T, R::Blank),
            ("1 000", MassUnit::Kg, R::Blank),
            ("-1", MassUnit::T, R::Negative),
            ("-0", MassUnit::T, R::Negative),
            ("1e3", MassUnit::G, R::Exponent),
            ("1.5E3", MassUnit::G, R::Exponent),
            ("+1", MassUnit::G, R::NotDecimal),
            ("01", MassUnit::G, R::NotDecimal),
            (".5", MassUnit::T, R::NotDecimal),
            ("5.", MassUnit::T, R::NotDecimal),
            ("5.", MassUnit::G, R::NotDecimal),
            ("1,5", MassUnit::T, R::NotDecimal),
            ("1.2.3", MassUnit::T, R::NotDecimal),
            ("１", MassUnit::T, R::NotDecimal),
            ("1t", MassUnit::T, R::NotDecimal),
            ("0.0000001", MassUnit::T, R::TooPrecise),
            ("1.0000000", MassUnit::T, R::TooPrecise),
            ("1.0001", MassUnit::Kg, R::TooPrecise),
            ("1.0", MassUnit::G, R::TooPrecise),
            ("1000000.000001", MassUnit::T, R::TooLarge),
            ("1000000000001", MassUnit::G, R::TooLarge),
            ("99999999999999999999999999", MassUnit::T, R::TooLarge),
        ] {
            assert_eq!(grams_of(text, unit), Err(reason), "{text}");
        }
    }

    #[test]
    fn both_forms_of_input_are_read() {
        let read = |value: serde_json::Value| serde_json::from_value::<MassInput>(value).map(MassInput::grams);
        assert_eq!(read(json!(1_250_000)).unwrap(), g(1_250_000));
        assert_eq!(read(json!({"v": "1.25", "u": "t"})).unwrap(), g(1_250_000));
        assert_eq!(read(json!({"u": "kg", "v": "1.25"})).unwrap(), g(1_250));
        assert_eq!(serde_json::from_str::<MassInput>(r#"{"v":"\u0031","u":"g"}"#).unwrap().grams(), g(1));
        for refused in [
            json!(-1),
            json!(1.5),
            json!(1.0),
            json!("1.25 t"),
            json!(null),
            json!(MASS_MAX_G + 1),
            json!(u64::MAX),
            json!([]),
            json!({"v": 1.25, "u": "t"}),
            json!({"v": "1.25"}),
            json!({"u": "t"}),
            json!({"v": "1.25", "u": "T"}),
            json!({"v": "1.25", "u": "lb"}),
            json!({"v": "1.25", "u": "t", "x": 1}),
            json!({"v": "1.2500000", "u": "t"}),
        ] {
            assert!(read(refused.clone()).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_schema_of_grams_is_an_integer_in_range() {
        assert_eq!(
            serde_json::to_value(Grams::schema()).unwrap(),
            json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": MASS_MAX_G, "description": "Mass in whole grams"})
        );
    }

    #[test]
    fn the_schema_names_the_fault_in_a_mass() {
        let schema = serde_json::to_value(MassInput::schema()).unwrap();
        let validator = validator(&schema, &FORMATS).unwrap();
        let fault = |value: serde_json::Value| {
            let faults = check_schema(&validator, &value);
            assert_eq!(faults.len(), 1, "{faults:?}");
            (faults[0].pointer.clone(), faults[0].code)
        };
        assert_eq!(fault(json!(-1)), (String::new(), "too-small"));
        assert_eq!(fault(json!({"v": "1.2345678", "u": "t"})), ("/v".into(), "wrong-format"));
        assert_eq!(fault(json!({"v": "1.2345", "u": "kg"})), ("/v".into(), "wrong-format"));
        assert_eq!(fault(json!({"v": "1", "u": "lb"})), ("/u".into(), "not-allowed-value"));
        assert_eq!(fault(json!({"v": "1"})), ("/u".into(), "missing-field"));
        assert_eq!(fault(json!("1 t")), (String::new(), "wrong-type"));
    }

    #[test]
    fn shares_follow_the_largest_remainder() {
        let shares = |total: i64, weights: &[i64]| apportion(g(total), weights).into_iter().map(Grams::get).collect::<Vec<_>>();
        assert_eq!(shares(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(shares(100, &[1, 2, 4]), [14, 29, 57]);
        assert_eq!(shares(11, &[0, 0, 0]), [4, 4, 3]);
        assert_eq!(shares(11, &[-5, 1, 0]), [0, 11, 0]);
        assert_eq!(shares(1, &[0, 7]), [0, 1]);
        assert_eq!(shares(5, &[]), Vec::<i64>::new());
        assert_eq!(shares(MASS_MAX_G, &[i64::MAX, i64::MAX]), [MASS_MAX_G / 2; 2]);
    }

    proptest! {
        #[test]
        fn shares_add_up_exactly(total in 0..=MASS_MAX_G, weights in proptest::collection::vec(prop_oneof![Just(0), 0..1_000_i64, any::<i64>()], 1..40)) {
            let shares = apportion(g(total), &weights);
            prop_assert_eq!(shares.len(), weights.len());
            prop_assert_eq!(Grams::sum(shares.iter().copied()), Some(g(total)));
        }

        #[test]
        fn no_share_is_a_gram_off(total in 0..=MASS_MAX_G, weights in proptest::collection::vec(1..1_000_000_i64, 1..20)) {
            let all: i128 = weights.iter().copied().map(i128::from).sum();
            for (share, weight) in apportion(g(total), &weights).iter().zip(&weights) {
                let off = i128::from(share.get()) * all - i128::from(total) * i128::from(*weight);
                prop_assert!(off.abs() < all);
            }
        }

        #[test]
        fn tonnes_text_reads_back(grams in 0..=MASS_MAX_G) {
            prop_assert_eq!(grams_of(&tonnes_text(g(grams)), MassUnit::T), Ok(g(grams)));
        }

        #[test]
        fn the_schema_takes_what_the_reader_takes(v in r"(0|1|9|\.|1000000|00|-|e| ){0,8}", u in prop_oneof![Just("t"), Just("kg"), Just("g")]) {
            let schema = serde_json::to_value(MassInput::schema()).unwrap();
            // Without our formats: the pattern alone must say it, for a client has nothing else.
            let validator = validator(&schema, &[]).unwrap();
            let value = json!({"v": v, "u": u});
            prop_assert_eq!(validator.is_valid(&value), serde_json::from_value::<MassInput>(value).is_ok());
        }
    }
}
