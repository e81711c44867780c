//! Numbers: of manifests (联单编号) by law, of transfer records (转移记录编号) by the national form.
//!
//! The number of a manifest says where the waste left, not where it went nor whose head office it is. No check digit
//! exists. No clock, no counter and no I/O here.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::platform::shape::FormatCheck;

/// Serial numbers of one prefecture in one year; after the last one issuing is refused.
///
/// Legal source: `decree_23_2021/15` (six digits).
pub const MANIFEST_SERIAL_MAX: u32 = 999_999;

/// Transfer records of one site on one day: three digits.
pub const TRANSFER_RECORD_SERIAL_MAX: u32 = 999;

/// The text formats of this module for [`crate::platform::shape::validator`].
pub const FORMATS: [FormatCheck; 2] = [
    ("manifest-number", |text| text.parse::<ManifestNumber>().is_ok()),
    ("transfer-record-number", |text| text.parse::<TransferRecordNumber>().is_ok()),
];

/// The number of a manifest (联单编号): `YYYY` year, `PPPP` province and prefecture of departure, `NNNNNN` serial.
///
/// Legal source: `decree_23_2021/15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct ManifestNumber {
    year: u16,
    prefecture: u16,
    serial: u32,
}

/// Why there is no such number of a manifest.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestNumberRefusal {
    /// Not 14 digits; a county has none of them.
    #[error("a manifest number is 14 digits")]
    NotFourteenDigits,
    /// A year before 2000 or after 2099: most likely other digits stand there.
    #[error("a manifest number begins with a year of this century, not {found}")]
    YearOutOfRange {
        /// What stands there.
        found: i32,
    },
    /// Province or prefecture is 00, or more than four digits were given.
    #[error("{found:04} names no prefecture")]
    NoPrefecture {
        /// What stands there.
        found: u16,
    },
    /// Serials run from 000001 to 999999.
    #[error("a serial is 000001 to 999999, not {found}")]
    SerialOutOfRange {
        /// What stands there.
        found: u32,
    },
}

impl ManifestNumber {
    /// Puts a number together.
    ///
    /// # Errors
    /// A part is out of its range.
    pub fn compose(year: i32, prefecture: u16, serial: u32) -> Result<Self, ManifestNumberRefusal> {
        if !(2000..=2099).contains(&year) {
            return Err(ManifestNumberRefusal::YearOutOfRange { found: year });
        }
        let Ok(short_year) = u16::try_from(year) else {
            return Err(ManifestNumberRefusal::YearOutOfRange { found: year });
        };
        // GB/T 2260 begins with 11 (Beijing); a municipality has 01 as its prefecture.
        if !(1_101..=9_999).contains(&prefecture) || prefecture.is_multiple_of(100) {
            return Err(ManifestNumberRefusal::NoPrefecture { found: prefecture });
        }
        if !(1..=MANIFEST_SERIAL_MAX).contains(&serial) {
            return Err(ManifestNumberRefusal::SerialOutOfRange { found: serial });
        }
        Ok(Self { year: short_year, prefecture, serial })
    }

    /// The year of the legal day of issue.
    pub fn year(self) -> i32 {
        i32::from(self.year)
    }

    /// Province and prefecture of departure, four digits of GB/T 2260: 2102 is Dalian.
    pub const fn prefecture(self) -> u16 {
        self.prefecture
    }

    /// The serial within year and prefecture.
    pub const fn serial(self) -> u32 {
        self.serial
    }
}

impl fmt::Display for ManifestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}{:04}{:06}", self.year, self.prefecture, self.serial)
    }
}

impl FromStr for ManifestNumber {
    type Err = ManifestNumberRefusal;

    fn from_str(text: &str) -> Result<Self, ManifestNumberRefusal> {
        let refused = ManifestNumberRefusal::NotFourteenDigits;
        if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused);
        }
        let year = text.get(..4).and_then(|part| part.parse().ok()).ok_or(refused)?;
        let prefecture = text.get(4..8).and_then(|part| part.parse().ok()).ok_or(refused)?;
        let serial = text.get(8..).and_then(|part| part.parse().ok()).ok_or(refused)?;
        Self::compose(year, prefecture, serial)
    }
}

impl TryFrom<Cow<'_, str>> for ManifestNumber {
    type Error = ManifestNumberRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, ManifestNumberRefusal> {
        text.parse()
    }
}

impl From<ManifestNumber> for String {
    fn from(number: ManifestNumber) -> Self {
        number.to_string()
    }
}

impl PartialSchema for ManifestNumber {
    fn schema() -> RefOr<Schema> {
        text_schema("^20[0-9]{12}$", "manifest-number", "Number of a manifest (联单编号): year, prefecture of departure, serial")
    }
}

impl ToSchema for ManifestNumber {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ManifestNumber")
    }
}

/// The number printed on a paper manifest (纸质联单编号), as told by whoever holds the paper: blanks around it and small letters
/// make no other number, since one paper is one manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct PaperNo(String);

/// Characters of a paper number at most.
pub const PAPER_NO_MAX: usize = 40;

/// Why there is no such paper number.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperNoRefusal {
    /// Blank, or longer than any that is printed.
    #[error("a paper number has 1 to 40 characters")]
    WrongLength,
}

impl PaperNo {
    /// As stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Cow<'_, str>> for PaperNo {
    type Error = PaperNoRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, PaperNoRefusal> {
        let text = text.trim().to_ascii_uppercase();
        if (1..=PAPER_NO_MAX).contains(&text.chars().count()) { Ok(Self(text)) } else { Err(PaperNoRefusal::WrongLength) }
    }
}

impl From<PaperNo> for String {
    fn from(number: PaperNo) -> Self {
        number.0
    }
}

impl PartialSchema for PaperNo {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(PAPER_NO_MAX))
            .pattern(Some("\\S"))
            .description(Some("Number printed on a paper manifest (纸质联单编号)"));
        Schema::from(schema.build()).into()
    }
}

impl ToSchema for PaperNo {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PaperNo")
    }
}

/// The number of a record of general industrial waste leaving a site (转移记录编号): `CC`, day, serial of that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct TransferRecordNumber {
    day: NaiveDate,
    serial: u32,
}

/// Why there is no such number of a transfer record.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferRecordNumberRefusal {
    /// Not `CC` and 11 digits.
    #[error("a transfer record number is CC and 11 digits")]
    WrongForm,
    /// Digits 1 to 8 are no day between 2000 and 2099.
    #[error("a transfer record number holds a day of this century")]
    NoSuchDay,
    /// Serials run from 001 to 999.
    #[error("a serial is 001 to 999, not {found}")]
    SerialOutOfRange {
        /// What stands there.
        found: u32,
    },
}

impl TransferRecordNumber {
    /// Puts a number together.
    ///
    /// # Errors
    /// The day is of another century, or the serial out of its range.
    pub fn compose(day: NaiveDate, serial: u32) -> Result<Self, TransferRecordNumberRefusal> {
        if !(2000..=2099).contains(&day.year()) {
            return Err(TransferRecordNumberRefusal::NoSuchDay);
        }
        if !(1..=TRANSFER_RECORD_SERIAL_MAX).contains(&serial) {
            return Err(TransferRecordNumberRefusal::SerialOutOfRange { found: serial });
        }
        Ok(Self { day, serial })
    }

    /// The legal day on which the waste left.
    pub const fn day(self) -> NaiveDate {
        self.day
    }

    /// The serial within site and day.
    pub const fn serial(self) -> u32 {
        self.serial
    }
}

impl fmt::Display for TransferRecordNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CC{:04}{:02}{:02}{:03}", self.day.year(), self.day.month(), self.day.day(), self.serial)
    }
}

impl FromStr for TransferRecordNumber {
    type Err = TransferRecordNumberRefusal;

    fn from_str(text: &str) -> Result<Self, TransferRecordNumberRefusal> {
        let refused = TransferRecordNumberRefusal::WrongForm;
        let digits = text.strip_prefix("CC").ok_or(refused)?;
        if digits.len() != 11 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused);
        }
        let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok()).ok_or(refused);
        let year = i32::try_from(part(0, 4)?).map_err(|_too_large| refused)?;
        let day = NaiveDate::from_ymd_opt(year, part(4, 6)?, part(6, 8)?);
        Self::compose(day.ok_or(TransferRecordNumberRefusal::NoSuchDay)?, part(8, 11)?)
    }
}

impl TryFrom<Cow<'_, str>> for TransferRecordNumber {
    type Error = TransferRecordNumberRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, TransferRecordNumberRefusal> {
        text.parse()
    }
}

impl From<TransferRecordNumber> for String {
    fn from(number: TransferRecordNumber) -> Self {
        number.to_string()
    }
}

impl PartialSchema for TransferRecordNumber {
    fn schema() -> RefOr<Schema> {
        text_schema("^CC20[0-9]{9}$", "transfer-record-number", "Number of a transfer record (转移记录编号): CC, day, serial of the day")
    }
}

impl ToSchema for TransferRecordNumber {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TransferRecordNumber")
    }
}

fn text_schema(pattern: &str, format: &str, description: &str) -> RefOr<Schema> {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .format(Some(SchemaFormat::Custom(format.into())))
        .description(Some(description));
    Schema::from(schema.build()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use ManifestNumberRefusal as R;

    #[test]
    fn worked_case_19_1() {
        let number: ManifestNumber = "20262102000123".parse().unwrap();
        assert_eq!((number.year(), number.prefecture(), number.serial()), (2026, 2102, 123));
        // 2113 is Chaoyang: a number of its own, but not one of Dalian.
        assert_ne!("20262113000123".parse::<ManifestNumber>().unwrap().prefecture(), number.prefecture());
        // A county's two digits make it too long.
        assert_eq!("2026210213000123".parse::<ManifestNumber>(), Err(R::NotFourteenDigits));
    }

    #[test]
    fn each_part_has_its_range() {
        assert_eq!(ManifestNumber::compose(2000, 1101, 1).unwrap().to_string(), "20001101000001");
        assert_eq!(ManifestNumber::compose(2099, 9999, 999_999).unwrap().to_string(), "20999999999999");
        assert_eq!(ManifestNumber::compose(1999, 2102, 1), Err(R::YearOutOfRange { found: 1999 }));
        assert_eq!(ManifestNumber::compose(2100, 2102, 1), Err(R::YearOutOfRange { found: 2100 }));
        assert_eq!(ManifestNumber::compose(2026, 2102, 0), Err(R::SerialOutOfRange { found: 0 }));
        assert_eq!(ManifestNumber::compose(2026, 2102, 1_000_000), Err(R::SerialOutOfRange { found: 1_000_000 }));
        for prefecture in [0, 1_001, 1_100, 2_100, 10_000] {
            assert_eq!(ManifestNumber::compose(2026, prefecture, 1), Err(R::NoPrefecture { found: prefecture }));
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in
            ["", "2026210200012", "202621020001234", "2026210200012a", " 20262102000123", "+2026210200012", "２0262102000123", "2026-2102-0001"]
        {
            assert_eq!(text.parse::<ManifestNumber>(), Err(R::NotFourteenDigits), "{text}");
        }
        assert!(serde_json::from_str::<ManifestNumber>("20262102000123").is_err());
        assert_eq!(serde_json::from_str::<ManifestNumber>("\"20262102000123\"").unwrap().serial(), 123);
    }

    #[test]
    fn a_paper_number_is_the_same_with_blanks_around_it_and_in_small_letters() {
        let read = |text: String| PaperNo::try_from(Cow::from(text)).map(|number| number.as_str().to_owned());
        assert_eq!(read(" zz-001\n".into()), Ok("ZZ-001".into()));
        assert_eq!(read("号".repeat(40)), Ok("号".repeat(40)));
        assert_eq!(read("号".repeat(41)), Err(PaperNoRefusal::WrongLength));
        assert_eq!(read("　 ".into()), Err(PaperNoRefusal::WrongLength));
    }

    #[test]
    fn transfer_records_are_numbered_by_day() {
        let number: TransferRecordNumber = "CC20261123001".parse().unwrap();
        assert_eq!((number.day().to_string().as_str(), number.serial()), ("2026-11-23", 1));
        assert_eq!(number.to_string(), "CC20261123001");
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"CC20261123001\"");
        use TransferRecordNumberRefusal as T;
        for (text, refusal) in [
            ("", T::WrongForm),
            ("cc20261123001", T::WrongForm),
            ("CC2026112300", T::WrongForm),
            ("CC202611230011", T::WrongForm),
            ("CC2026112300x", T::WrongForm),
            ("CC20260229001", T::NoSuchDay),
            ("CC19991231001", T::NoSuchDay),
            ("CC21000101001", T::NoSuchDay),
            ("CC20261123000", T::SerialOutOfRange { found: 0 }),
        ] {
            assert_eq!(text.parse::<TransferRecordNumber>(), Err(refusal), "{text}");
        }
        assert!("CC20240229999".parse::<TransferRecordNumber>().is_ok());
        assert_eq!(TransferRecordNumber::compose(number.day(), 1_000), Err(T::SerialOutOfRange { found: 1_000 }));
    }

    proptest! {
        #[test]
        fn numbers_read_back(year in 2000..=2099_i32, province in 11_u16..99, city in 1_u16..100, serial in 1..=MANIFEST_SERIAL_MAX) {
            let number = ManifestNumber::compose(year, province * 100 + city, serial).unwrap();
            prop_assert_eq!(number.to_string().len(), 14);
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,16}") {
            let _ = (text.parse::<ManifestNumber>(), text.parse::<TransferRecordNumber>());
        }
    }
}
