//! Vehicle plates (车牌, GA 36): their form, so that one vehicle has one spelling.
//!
//! A sanity check, not a register: whether a plate was ever issued only the register of vehicles knows. No clock and
//! no I/O here.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::platform::shape::FormatCheck;

/// The short names of the provinces that a civil plate begins with.
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

/// The text format of this module for [`crate::platform::shape::validator`].
pub const FORMAT: FormatCheck = ("plate", |text| text.parse::<Plate>().is_ok());

/// A vehicle plate (车牌) in its one spelling: upper case, no dot, no blank (`辽B12345`, `辽BD12345`, `辽B1234挂`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Plate(String);

/// What a plate's form says about the vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlateKind {
    /// Five letters and digits.
    Common,
    /// Six: a small new-energy vehicle (小型新能源), its letter (D, F …) first.
    NewEnergySmall,
    /// Six: a large new-energy vehicle (大型新能源), its letter last.
    NewEnergyLarge,
    /// A trailer (挂车).
    Trailer,
    /// Admitted from Hong Kong (港).
    HongKong,
    /// Admitted from Macao (澳).
    Macao,
    /// A driving school's (学).
    Training,
    /// The police's (警).
    Police,
}

/// Why a text is no plate.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlateRefusal {
    /// Not 7 characters, and not 8 either.
    #[error("a plate has 7 characters, of a new-energy vehicle 8, not {found}")]
    WrongLength {
        /// Unit: characters, without the dot.
        found: usize,
    },
    /// The first character is no province.
    #[error("a plate begins with the short name of a province, not {found:?}")]
    UnknownProvince {
        /// What stands there.
        found: char,
    },
    /// The second character is no letter from A to Z but I (O marks official vehicles).
    #[error("the second character of a plate is a letter, not {found:?}")]
    NoOfficeLetter {
        /// What stands there.
        found: char,
    },
    /// A character that no plate has; the letters I and O are left out.
    #[error("character {position} of a plate cannot be {found:?}")]
    ForbiddenCharacter {
        /// From 1, without the dot.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// 8 characters, but no new-energy letter stands third before digits or last after digits.
    #[error("a plate of 8 characters is a new-energy vehicle's: its letter (D, F …) third or last, else digits")]
    NotNewEnergy,
}

impl Plate {
    /// The plate in its one spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the form says about the vehicle.
    pub fn kind(&self) -> PlateKind {
        let (third, last) = (self.0.chars().nth(2).unwrap_or_default(), self.0.chars().next_back().unwrap_or_default());
        match last {
            '挂' => PlateKind::Trailer,
            '港' => PlateKind::HongKong,
            '澳' => PlateKind::Macao,
            '学' => PlateKind::Training,
            '警' => PlateKind::Police,
            _ if self.0.chars().count() == 7 => PlateKind::Common,
            _ if is_energy_mark(third) => PlateKind::NewEnergySmall,
            _ => PlateKind::NewEnergyLarge,
        }
    }
}

/// The letter of a new-energy vehicle: D, then A, B, C and E for electric ones, F, then G, H, J and K for the others
/// (GA 36-2018). D and F were issued first; large cities have gone on to the next letters.
const fn is_energy_mark(letter: char) -> bool {
    matches!(letter, 'A'..='H' | 'J' | 'K')
}

/// Digits and letters without I and O.
const fn is_mark(character: char) -> bool {
    matches!(character, '0'..='9' | 'A'..='Z') && !matches!(character, 'I' | 'O')
}

impl FromStr for Plate {
    type Err = PlateRefusal;

    fn from_str(text: &str) -> Result<Self, PlateRefusal> {
        let mut characters = Vec::with_capacity(8);
        let mut found = 0;
        for (index, character) in text.chars().enumerate() {
            // The dot that is painted on the plate, in the ways in which it is typed.
            if index == 2 && matches!(character, '·' | '•' | '・' | ' ' | '\u{3000}') {
                continue;
            }
            found += 1;
            if characters.len() < 8 {
                characters.push(character.to_ascii_uppercase());
            }
        }
        match characters.as_slice() {
            [province, office, marks @ ..] if found == 7 || found == 8 => {
                if !PROVINCES.contains(*province) {
                    return Err(PlateRefusal::UnknownProvince { found: *province });
                }
                if !office.is_ascii_uppercase() || *office == 'I' {
                    return Err(PlateRefusal::NoOfficeLetter { found: *office });
                }
                check_marks(marks)?;
            }
            _ => return Err(PlateRefusal::WrongLength { found }),
        }
        Ok(Self(characters.into_iter().collect()))
    }
}

/// Checks what follows province and office letter: five marks, or six of a new-energy vehicle.
fn check_marks(marks: &[char]) -> Result<(), PlateRefusal> {
    for (index, mark) in marks.iter().enumerate() {
        let closing = marks.len() == 5 && index == 4 && matches!(mark, '挂' | '港' | '澳' | '学' | '警');
        if !is_mark(*mark) && !closing {
            return Err(PlateRefusal::ForbiddenCharacter { position: index + 3, found: *mark });
        }
    }
    let digits = |marks: &[char]| marks.iter().all(char::is_ascii_digit);
    match marks {
        // Small: its letter, then a letter or digit, then four digits. Large: five digits, then its letter.
        [first, _, rest @ .., last] if marks.len() == 6 => {
            let small = is_energy_mark(*first) && digits(rest) && last.is_ascii_digit();
            let large = is_energy_mark(*last) && digits(marks.get(..5).unwrap_or_default());
            if small || large { Ok(()) } else { Err(PlateRefusal::NotNewEnergy) }
        }
        _ => Ok(()),
    }
}

impl TryFrom<Cow<'_, str>> for Plate {
    type Error = PlateRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, PlateRefusal> {
        text.parse()
    }
}

impl From<Plate> for String {
    fn from(plate: Plate) -> Self {
        plate.0
    }
}

impl fmt::Display for Plate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialSchema for Plate {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(7))
            .max_length(Some(9))
            .format(Some(SchemaFormat::Custom("plate".into())))
            .description(Some("Vehicle plate (车牌); letters are made upper case, a dot or blank after the second character is dropped"));
        Schema::from(schema.build()).into()
    }
}

impl ToSchema for Plate {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Plate")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_has_one_spelling_and_a_kind() {
        for (text, plate, kind) in [
            ("辽B12345", "辽B12345", PlateKind::Common),
            ("辽b·a2c4z", "辽BA2C4Z", PlateKind::Common),
            ("辽B 12345", "辽B12345", PlateKind::Common),
            ("京O12345", "京O12345", PlateKind::Common),
            ("辽BD12345", "辽BD12345", PlateKind::NewEnergySmall),
            ("辽B·FA2345", "辽BFA2345", PlateKind::NewEnergySmall),
            ("辽B12345d", "辽B12345D", PlateKind::NewEnergyLarge),
            ("辽B12345F", "辽B12345F", PlateKind::NewEnergyLarge),
            ("粤BA12345", "粤BA12345", PlateKind::NewEnergySmall),
            ("辽B1234挂", "辽B1234挂", PlateKind::Trailer),
            ("粤Z1234港", "粤Z1234港", PlateKind::HongKong),
            ("粤Z1234澳", "粤Z1234澳", PlateKind::Macao),
            ("辽B1234学", "辽B1234学", PlateKind::Training),
            ("辽B1234警", "辽B1234警", PlateKind::Police),
        ] {
            let parsed: Plate = text.parse().unwrap();
            assert_eq!((parsed.as_str(), parsed.kind()), (plate, kind), "{text}");
            assert_eq!(plate.parse(), Ok(parsed));
        }
    }

    #[test]
    fn each_refusal_says_which() {
        use PlateRefusal as R;
        for (text, refusal) in [
            ("", R::WrongLength { found: 0 }),
            ("辽B1234", R::WrongLength { found: 6 }),
            ("辽B·1234", R::WrongLength { found: 6 }),
            ("辽B1234567", R::WrongLength { found: 9 }),
            ("辽B··12345", R::ForbiddenCharacter { position: 3, found: '·' }),
            ("AB12345", R::UnknownProvince { found: 'A' }),
            ("台B12345", R::UnknownProvince { found: '台' }),
            ("辽112345", R::NoOfficeLetter { found: '1' }),
            ("辽I12345", R::NoOfficeLetter { found: 'I' }),
            ("辽B1234O", R::ForbiddenCharacter { position: 7, found: 'O' }),
            ("辽Bi2345", R::ForbiddenCharacter { position: 3, found: 'I' }),
            ("辽B123-5", R::ForbiddenCharacter { position: 6, found: '-' }),
            ("辽B123挂4", R::ForbiddenCharacter { position: 6, found: '挂' }),
            ("辽B12345挂", R::ForbiddenCharacter { position: 8, found: '挂' }),
            ("辽B１2345", R::ForbiddenCharacter { position: 3, found: '１' }),
            ("辽B123456", R::NotNewEnergy),
            ("辽BL12345", R::NotNewEnergy),
            ("辽BDAB345", R::NotNewEnergy),
            ("辽B1234AD", R::NotNewEnergy),
        ] {
            assert_eq!(text.parse::<Plate>(), Err(refusal), "{text}");
        }
    }

    #[test]
    fn json_carries_the_one_spelling() {
        let plate: Plate = serde_json::from_str("\"辽b·12345\"").unwrap();
        assert_eq!(serde_json::to_string(&plate).unwrap(), "\"辽B12345\"");
        assert!(serde_json::from_str::<Plate>("\"辽B1234\"").is_err());
    }

    proptest! {
        #[test]
        fn spelling_is_stable(text in "[辽京x][A-Za-z1][·]?[0-9A-HJa-z挂]{4,6}") {
            if let Ok(plate) = text.parse::<Plate>() {
                prop_assert_eq!(plate.as_str().parse::<Plate>(), Ok(plate.clone()));
            }
        }

        #[test]
        fn any_text_is_survived(text in ".{0,12}") {
            let _ = text.parse::<Plate>();
        }
    }
}
