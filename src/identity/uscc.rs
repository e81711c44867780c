//! The unified social credit code (统一社会信用代码, USCC): what names a unit everywhere.
//!
//! Strict: no trimming, no lower case. A code is a key; two spellings of one key become two units. The region digits
//! are those of the registering authority, perhaps of a division long renamed, so they are not checked against today's
//! list. No clock and no I/O here.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::platform::shape::FormatCheck;

/// Unit: characters.
const LENGTH: usize = 18;
/// The characters of GB 32100-2015 in the order of their values; I, O, S, V and Z are left out.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The weights of GB 32100-2015: powers of 3 modulo 31.
const WEIGHTS: [usize; LENGTH - 1] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// The text format of this module for [`crate::platform::shape::validator`].
pub const FORMAT: FormatCheck = ("uscc", |text| text.parse::<Uscc>().is_ok());

/// A unified social credit code (统一社会信用代码) with the right check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Uscc([u8; LENGTH]);

/// Why a text is no unified social credit code.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsccRefusal {
    /// Not 18 characters (17 for a stem).
    #[error("the unified social credit code has {found} characters")]
    WrongLength {
        /// Unit: characters.
        found: usize,
    },
    /// A character outside the alphabet: lower case, blank, or one of I, O, S, V and Z.
    #[error("character {position} of the unified social credit code cannot be {found:?}")]
    ForbiddenCharacter {
        /// From 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// The first character names no registering department: it is 1 to 9, A, N or Y.
    #[error("a unified social credit code does not begin with {found:?}")]
    UnknownDepartment {
        /// What stands there.
        found: char,
    },
    /// The region digits (characters 3 to 8) are not all digits.
    #[error("characters 3 to 8 of the unified social credit code must be digits")]
    RegionNotDigits,
    /// The last character does not fit the others: most likely a slip of the pen.
    #[error("the check digit of the unified social credit code is wrong")]
    WrongCheckDigit {
        /// What would fit.
        expected: char,
    },
}

impl Uscc {
    /// Completes the first 17 characters with their check digit.
    ///
    /// # Errors
    /// As for parsing, but for the check digit.
    pub fn from_stem(stem: &str) -> Result<Self, UsccRefusal> {
        let check = check_digit(stem)?;
        let mut code = [check; LENGTH];
        for (to, from) in code.iter_mut().zip(stem.bytes()) {
            *to = from;
        }
        Ok(Self(code))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        // Every character is ASCII by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The division of the registering authority as written, perhaps a historic one (登记管理机关行政区划码).
    pub fn region(&self) -> &str {
        self.as_str().get(2..8).unwrap_or_default()
    }
}

/// The check digit of 17 characters, once they are fit to have one.
fn check_digit(stem: &str) -> Result<u8, UsccRefusal> {
    if stem.chars().count() != LENGTH - 1 {
        return Err(UsccRefusal::WrongLength { found: stem.chars().count() });
    }
    let mut sum = 0;
    for (index, (character, weight)) in stem.chars().zip(WEIGHTS).enumerate() {
        let position = index + 1;
        sum += weight * value(character).ok_or(UsccRefusal::ForbiddenCharacter { position, found: character })?;
        if index == 0 && !matches!(character, '1'..='9' | 'A' | 'N' | 'Y') {
            return Err(UsccRefusal::UnknownDepartment { found: character });
        }
        if (2..8).contains(&index) && !character.is_ascii_digit() {
            return Err(UsccRefusal::RegionNotDigits);
        }
    }
    Ok(ALPHABET.get((31 - sum % 31) % 31).copied().unwrap_or_default())
}

fn value(character: char) -> Option<usize> {
    ALPHABET.iter().position(|known| char::from(*known) == character)
}

impl FromStr for Uscc {
    type Err = UsccRefusal;

    fn from_str(text: &str) -> Result<Self, UsccRefusal> {
        let found = text.chars().count();
        let Some((last_at, last)) = text.char_indices().next_back().filter(|_| found == LENGTH) else {
            return Err(UsccRefusal::WrongLength { found });
        };
        let code = Self::from_stem(text.get(..last_at).unwrap_or_default())?;
        if value(last).is_none() {
            return Err(UsccRefusal::ForbiddenCharacter { position: LENGTH, found: last });
        }
        if code.as_str() == text {
            return Ok(code);
        }
        Err(UsccRefusal::WrongCheckDigit { expected: code.as_str().chars().next_back().unwrap_or_default() })
    }
}

impl TryFrom<Cow<'_, str>> for Uscc {
    type Error = UsccRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, UsccRefusal> {
        text.parse()
    }
}

impl From<Uscc> for String {
    fn from(code: Uscc) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uscc({self})")
    }
}

impl PartialSchema for Uscc {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[1-9ANY][0-9A-HJ-NP-RTUW-Y][0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}$"))
            .format(Some(SchemaFormat::Custom("uscc".into())))
            .description(Some("Unified social credit code (统一社会信用代码) with its check digit"));
        Schema::from(schema.build()).into()
    }
}

impl ToSchema for Uscc {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Uscc")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VECTORS: &str = include_str!("../../tests/data/uscc_test_vectors.csv");

    #[test]
    fn every_vector_gets_its_verdict() {
        let (mut valid, mut invalid) = (0, 0);
        for row in csv::Reader::from_reader(VECTORS.as_bytes()).records() {
            let row = row.unwrap();
            let parsed = row[0].parse::<Uscc>();
            assert_eq!(parsed.is_ok(), &row[1] == "valid", "{row:?} {parsed:?}");
            match parsed {
                Ok(code) => {
                    valid += 1;
                    assert_eq!(code.to_string(), row[0]);
                    assert_eq!(code.region(), &row[4]);
                    assert_eq!(Uscc::from_stem(&row[0][..17]), Ok(code));
                }
                Err(_) => invalid += 1,
            }
        }
        assert_eq!((valid, invalid), (58, 4));
    }

    #[test]
    fn each_refusal_says_which() {
        use UsccRefusal as R;
        for (text, refusal) in [
            ("", R::WrongLength { found: 0 }),
            ("9111000060003734", R::WrongLength { found: 16 }),
            ("91110000600037341L0", R::WrongLength { found: 19 }),
            (" 91110000600037341L", R::WrongLength { found: 19 }),
            ("91110000600037341l", R::ForbiddenCharacter { position: 18, found: 'l' }),
            ("91110000600037341码", R::ForbiddenCharacter { position: 18, found: '码' }),
            ("9111000060003IOZSV", R::ForbiddenCharacter { position: 14, found: 'I' }),
            ("a1110000600037341K", R::ForbiddenCharacter { position: 1, found: 'a' }),
            ("９1110000600037341L", R::ForbiddenCharacter { position: 1, found: '９' }),
            ("01110000600037341L", R::UnknownDepartment { found: '0' }),
            ("B1110000600037341L", R::UnknownDepartment { found: 'B' }),
            ("9111000A600037341L", R::RegionNotDigits),
            ("91110000600037341N", R::WrongCheckDigit { expected: 'L' }),
            ("A1110000600037341L", R::WrongCheckDigit { expected: 'K' }),
        ] {
            assert_eq!(text.parse::<Uscc>(), Err(refusal), "{text}");
        }
        for first in "123456789ANY".chars() {
            assert!(Uscc::from_stem(&format!("{first}1110000600037341")).is_ok());
        }
    }

    #[test]
    fn json_carries_the_bare_text() {
        let code: Uscc = "91110000600037341L".parse().unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"91110000600037341L\"");
        assert_eq!(serde_json::from_str::<Uscc>("\"91110000600037341L\"").unwrap(), code);
        assert_eq!(serde_json::from_value::<Uscc>("91110000600037341L".into()).unwrap(), code);
        assert!(serde_json::from_str::<Uscc>("\"91110000600037341N\"").is_err());
        assert!(serde_json::from_str::<Uscc>("91110000").is_err());
    }

    proptest! {
        #[test]
        fn a_stem_completed_can_be_parsed_and_one_changed_character_cannot(
            stem in "[1-9ANY][0-9A-HJ-NP-RTUW-Y][0-9]{6}[0-9A-HJ-NP-RTUW-Y]{9}", at in 8_usize..18, other in "[0-9A-HJ-NP-RTUW-Y]",
        ) {
            let code = Uscc::from_stem(&stem).unwrap();
            prop_assert_eq!(code.as_str().parse::<Uscc>(), Ok(code));
            let mut changed = code.to_string();
            changed.replace_range(at..=at, &other);
            prop_assert_eq!(changed.parse::<Uscc>().is_ok(), changed == code.as_str());
        }

        #[test]
        fn any_text_is_survived(text in ".{0,20}") {
            prop_assert!(text.parse::<Uscc>().is_err());
        }
    }
}
