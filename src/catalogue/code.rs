//! Codes of the national catalogue of hazardous waste: wastes, hazards, methods.
//!
//! Form only: whether a code is listed depends on the edition and the day, which the catalogue knows. No clock and no
//! I/O here.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::platform::problem::Text;
use crate::platform::shape::FormatCheck;

/// The text formats of this module for [`crate::platform::shape::validator`].
pub const FORMATS: [FormatCheck; 3] = [
    ("waste-code", |text| text.parse::<WasteCode>().is_ok()),
    ("hazards", |text| text.parse::<Hazards>().is_ok()),
    ("method-code", |text| text.parse::<MethodCode>().is_ok()),
];

/// The highest category that the catalogue has room for; some below it are not in use.
const CATEGORY_MAX: u8 = 50;

/// A waste code (废物代码) `III-NNN-CC`: industry, serial, category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct WasteCode {
    industry: u16,
    serial: u16,
    category: u8,
}

/// Why a text is no waste code.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WasteCodeRefusal {
    /// Not three, three and two digits with hyphens between; a leading `HW` is the category's, not the code's.
    #[error("a waste code has the form 900-249-08")]
    WrongForm,
    /// The last two digits are no category from 01 to 50.
    #[error("a waste code ends with a category from 01 to 50, not {found:02}")]
    NoSuchCategory {
        /// What stands there.
        found: u8,
    },
}

impl WasteCode {
    /// The category (废物类别) as the law writes it: `HW08`.
    pub fn category(self) -> String {
        format!("HW{:02}", self.category)
    }

    /// The category as a number, 1 to 50.
    pub const fn category_no(self) -> u8 {
        self.category
    }

    /// The industry (行业来源) as three digits; 900 is no particular one.
    pub const fn industry(self) -> u16 {
        self.industry
    }

    /// Whether the waste is in no list but was found hazardous by identification (`900-000-CC`).
    ///
    /// Such codes are valid although no edition's table has a row for them.
    pub const fn is_by_identification(self) -> bool {
        self.industry == 900 && self.serial == 0
    }
}

impl fmt::Display for WasteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}-{:03}-{:02}", self.industry, self.serial, self.category)
    }
}

impl FromStr for WasteCode {
    type Err = WasteCodeRefusal;

    fn from_str(text: &str) -> Result<Self, WasteCodeRefusal> {
        let formed =
            text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| if matches!(at, 3 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
        let part = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u16>().ok());
        let (true, Some(industry), Some(serial), Some(category)) = (formed, part(0, 3), part(4, 7), part(8, 10)) else {
            return Err(WasteCodeRefusal::WrongForm);
        };
        // Two digits, so that this never cuts.
        let category = u8::try_from(category).unwrap_or(u8::MAX);
        if !(1..=CATEGORY_MAX).contains(&category) {
            return Err(WasteCodeRefusal::NoSuchCategory { found: category });
        }
        Ok(Self { industry, serial, category })
    }
}

/// One hazard (危险特性).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Hazard {
    /// Toxic (毒性, Toxicity).
    T,
    /// Corrosive (腐蚀性, Corrosivity).
    C,
    /// Ignitable (易燃性, Ignitability).
    I,
    /// Reactive (反应性, Reactivity).
    R,
    /// Infectious (感染性, Infectivity).
    In,
}

impl Hazard {
    /// The letters of the catalogue.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::T => "T",
            Self::C => "C",
            Self::I => "I",
            Self::R => "R",
            Self::In => "In",
        }
    }

    /// The hazard in words, Chinese and English.
    #[must_use]
    pub const fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::T => ("毒性", "toxic"),
            Self::C => ("腐蚀性", "corrosive"),
            Self::I => ("易燃性", "flammable"),
            Self::R => ("反应性", "reactive"),
            Self::In => ("感染性", "infectious"),
        }
    }

    fn from_letters(letters: &str) -> Option<Self> {
        [Self::T, Self::C, Self::I, Self::R, Self::In].into_iter().find(|hazard| hazard.letters() == letters)
    }
}

/// How the hazards of one code belong together, by the notes of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HazardRelation {
    /// Only one.
    Single,
    /// Comma: the first is certain, the others are possible.
    FirstCertainOthersPossible,
    /// Slash: one or more of them.
    OneOrMoreOf,
}

/// The hazards of a waste (危险特性) as the catalogue writes them, with their order: `T`, `T,I`, `T/In`.
///
/// Comma and slash mean different things; whoever flattens them into one set loses which hazard is certain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Hazards {
    letters: Vec<Hazard>,
    relation: HazardRelation,
}

/// Why a text lists no hazards.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum HazardsRefusal {
    /// Something other than T, C, I, R and In between the separators.
    #[error("hazards are T, C, I, R and In")]
    UnknownHazard,
    /// Comma and slash in one text: it cannot be said what is certain.
    #[error("hazards are separated by commas or by slashes, not by both")]
    MixedSeparators,
    /// A hazard twice.
    #[error("a hazard occurs twice")]
    Repeated,
}

impl Hazards {
    /// The hazards in the order of the catalogue; never empty.
    pub fn letters(&self) -> &[Hazard] {
        &self.letters
    }

    /// How they belong together.
    pub const fn relation(&self) -> HazardRelation {
        self.relation
    }

    /// The hazard that the waste has in any case; with a slash there is none.
    pub fn certain(&self) -> Option<Hazard> {
        match self.relation {
            HazardRelation::Single | HazardRelation::FirstCertainOthersPossible => self.letters.first().copied(),
            HazardRelation::OneOrMoreOf => None,
        }
    }

    /// The hazards in words, with what is certain kept apart from what may be.
    #[must_use]
    pub fn words(&self) -> Text {
        let words = |from: usize| self.letters.iter().skip(from).map(|hazard| hazard.word());
        let zh = |from| words(from).map(|word| word.0).collect::<Vec<_>>().join("、");
        let en = |from| words(from).map(|word| word.1).collect::<Vec<_>>().join(", ");
        match (self.relation, self.certain().map(Hazard::word)) {
            (HazardRelation::FirstCertainOthersPossible, Some(first)) => {
                Text::new(format!("{}，可能另有{}", first.0, zh(1)), format!("{}, perhaps also {}", first.1, en(1)))
            }
            (HazardRelation::OneOrMoreOf, _) => Text::new(format!("{}中的一种或几种", zh(0)), format!("one or more of: {}", en(0))),
            _ => Text::new(zh(0), en(0)),
        }
    }

    /// Whether the waste has this hazard for certain or possibly.
    pub fn may_be(&self, hazard: Hazard) -> bool {
        self.letters.contains(&hazard)
    }
}

impl fmt::Display for Hazards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.relation {
            HazardRelation::Single | HazardRelation::FirstCertainOthersPossible => ",",
            HazardRelation::OneOrMoreOf => "/",
        };
        for (index, hazard) in self.letters.iter().enumerate() {
            if index > 0 {
                f.write_str(separator)?;
            }
            f.write_str(hazard.letters())?;
        }
        Ok(())
    }
}

impl FromStr for Hazards {
    type Err = HazardsRefusal;

    fn from_str(text: &str) -> Result<Self, HazardsRefusal> {
        let relation = match (text.contains(','), text.contains('/')) {
            (true, true) => return Err(HazardsRefusal::MixedSeparators),
            (true, false) => HazardRelation::FirstCertainOthersPossible,
            (false, true) => HazardRelation::OneOrMoreOf,
            (false, false) => HazardRelation::Single,
        };
        let mut letters = Vec::new();
        for part in text.split([',', '/']) {
            let hazard = Hazard::from_letters(part).ok_or(HazardsRefusal::UnknownHazard)?;
            if letters.contains(&hazard) {
                return Err(HazardsRefusal::Repeated);
            }
            letters.push(hazard);
        }
        Ok(Self { letters, relation })
    }
}

/// The code of a method of recovery or disposal (利用处置方式代码): a letter and one or two digits (`R9`, `D10`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct MethodCode {
    letter: char,
    number: u8,
    /// A leading zero is part of the code as written: `D01` is not the `D1` of our list.
    digits: u8,
}

/// A text that is no method code.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
#[error("a method code is R, D, C, Y or G and one or two digits")]
pub struct MethodCodeRefusal;

impl MethodCode {
    /// The letter: R recovery (利用), D disposal (处置), C other, Y medical waste, G chromium slag.
    pub const fn letter(self) -> char {
        self.letter
    }
}

impl fmt::Display for MethodCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:0digits$}", self.letter, self.number, digits = usize::from(self.digits))
    }
}

impl FromStr for MethodCode {
    type Err = MethodCodeRefusal;

    fn from_str(text: &str) -> Result<Self, MethodCodeRefusal> {
        let mut characters = text.chars();
        let letter = characters.next().filter(|letter| matches!(letter, 'R' | 'D' | 'C' | 'Y' | 'G'));
        let rest = characters.as_str();
        let digits = match rest.len() {
            1 => 1,
            2 => 2,
            _ => return Err(MethodCodeRefusal),
        };
        match (letter, rest.parse()) {
            (Some(letter), Ok(number)) if rest.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self { letter, number, digits }),
            _ => Err(MethodCodeRefusal),
        }
    }
}

/// The conversions that serde and OpenAPI need of a value that is one text.
macro_rules! text_value {
    ($type:ident, $refusal:ident, $format:literal, $pattern:literal, $description:literal) => {
        impl TryFrom<Cow<'_, str>> for $type {
            type Error = $refusal;

            fn try_from(text: Cow<'_, str>) -> Result<Self, $refusal> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let schema = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some($pattern))
                    .format(Some(SchemaFormat::Custom($format.into())))
                    .description(Some($description));
                Schema::from(schema.build()).into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    };
}

text_value!(
    WasteCode,
    WasteCodeRefusal,
    "waste-code",
    "^[0-9]{3}-[0-9]{3}-(0[1-9]|[1-4][0-9]|50)$",
    "Waste code (废物代码): industry, serial, category"
);
text_value!(
    Hazards,
    HazardsRefusal,
    "hazards",
    "^(T|C|I|R|In)((,(T|C|I|R|In))*|(/(T|C|I|R|In))*)$",
    "Hazards (危险特性): a comma means the first is certain and the others possible, a slash one or more of them"
);
text_value!(MethodCode, MethodCodeRefusal, "method-code", "^[RDCYG][0-9]{1,2}$", "Method of recovery or disposal (利用处置方式代码)");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_waste_code_names_its_category() {
        let code: WasteCode = "900-249-08".parse().unwrap();
        assert_eq!((code.industry(), code.category().as_str(), code.category_no()), (900, "HW08", 8));
        assert_eq!(code.to_string(), "900-249-08");
        assert_eq!("071-001-08".parse::<WasteCode>().unwrap().to_string(), "071-001-08");
        assert!("900-000-49".parse::<WasteCode>().unwrap().is_by_identification());
        assert!(!"900-001-49".parse::<WasteCode>().unwrap().is_by_identification());
        assert!(!"261-000-49".parse::<WasteCode>().unwrap().is_by_identification());
    }

    #[test]
    fn categories_run_from_01_to_50() {
        assert!("900-001-01".parse::<WasteCode>().is_ok());
        assert!("900-001-50".parse::<WasteCode>().is_ok());
        assert_eq!("900-001-00".parse::<WasteCode>(), Err(WasteCodeRefusal::NoSuchCategory { found: 0 }));
        assert_eq!("900-001-51".parse::<WasteCode>(), Err(WasteCodeRefusal::NoSuchCategory { found: 51 }));
        for text in ["", "90024908", "900-249-8", "HW900-249-08", "900-249-08 ", "900_249_08", "900-+49-08", "９00-249-8", "9000-24-08", "900-249-0a"]
        {
            assert_eq!(text.parse::<WasteCode>(), Err(WasteCodeRefusal::WrongForm), "{text}");
        }
    }

    #[test]
    fn comma_and_slash_stay_apart() {
        let comma: Hazards = "T,I".parse().unwrap();
        let slash: Hazards = "T/I".parse().unwrap();
        assert_ne!(comma, slash);
        assert_eq!((comma.relation(), comma.certain()), (HazardRelation::FirstCertainOthersPossible, Some(Hazard::T)));
        assert_eq!((slash.relation(), slash.certain()), (HazardRelation::OneOrMoreOf, None));
        assert!(comma.may_be(Hazard::I) && slash.may_be(Hazard::I) && !comma.may_be(Hazard::In));
        assert_ne!("C,T".parse::<Hazards>(), "T,C".parse::<Hazards>());
        for text in ["T", "In", "T,I", "C,T", "T/In", "T/C/I/R", "T/C/I/R/In", "T,I,R"] {
            assert_eq!(text.parse::<Hazards>().unwrap().to_string(), text);
        }
        assert_eq!("In".parse::<Hazards>().unwrap().relation(), HazardRelation::Single);
        for (text, refusal) in [
            ("", HazardsRefusal::UnknownHazard),
            ("t", HazardsRefusal::UnknownHazard),
            ("T, I", HazardsRefusal::UnknownHazard),
            ("T,", HazardsRefusal::UnknownHazard),
            ("/", HazardsRefusal::UnknownHazard),
            ("TI", HazardsRefusal::UnknownHazard),
            ("T,I/R", HazardsRefusal::MixedSeparators),
            ("T,T", HazardsRefusal::Repeated),
        ] {
            assert_eq!(text.parse::<Hazards>(), Err(refusal), "{text}");
        }
    }

    #[test]
    fn method_codes_are_a_letter_and_one_or_two_digits() {
        for text in ["R1", "R15", "D10", "C3", "Y16", "G29", "D01", "R0", "R00"] {
            assert_eq!(text.parse::<MethodCode>().unwrap().to_string(), text);
        }
        for text in ["", "R", "R100", "A1", "r1", "R1a", "R+1", "R 1", " R1", "１R", "R１", "DD"] {
            assert_eq!(text.parse::<MethodCode>(), Err(MethodCodeRefusal), "{text}");
        }
        assert_eq!("D10".parse::<MethodCode>().unwrap().letter(), 'D');
    }

    #[test]
    fn json_carries_the_bare_texts() {
        assert_eq!(serde_json::to_string(&"900-249-08".parse::<WasteCode>().unwrap()).unwrap(), "\"900-249-08\"");
        assert_eq!(serde_json::from_str::<Hazards>("\"T\\/In\"").unwrap().to_string(), "T/In");
        assert_eq!(serde_json::from_value::<MethodCode>("R9".into()).unwrap().to_string(), "R9");
        assert!(serde_json::from_str::<WasteCode>("\"x\"").is_err());
    }

    proptest! {
        #[test]
        fn the_pattern_takes_what_the_parser_takes(text in "[RDCYGX]?[0-9a]{0,3}|[0-9]{3}-[0-9]{3}-[0-6][0-9]|((T|C|I|R|In|x)[,/]?){0,4}") {
            fn agrees<V: ToSchema + FromStr>(text: &str) -> bool {
                let schema = serde_json::to_value(V::schema()).unwrap_or_default();
                let validator = crate::platform::shape::validator(&schema, &[]).unwrap();
                validator.is_valid(&text.into()) == text.parse::<V>().is_ok()
            }
            prop_assert!(agrees::<WasteCode>(&text));
            prop_assert!(agrees::<MethodCode>(&text));
            // A hazard twice is beyond a pattern.
            if text.parse::<Hazards>() != Err(HazardsRefusal::Repeated) {
                prop_assert!(agrees::<Hazards>(&text));
            }
        }
    }
}
