//! The two codes that the ledger makes: of a batch (批次编码) and of a label (数字识别码). No clock and no I/O here.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::catalogue::WasteCode;
use crate::identity::Uscc;
use crate::platform::shape::FormatCheck;

/// The text formats of this module for [`crate::platform::shape::validator`].
pub const FORMATS: [FormatCheck; 1] = [("digital-code", |text| text.parse::<DigitalCode>().is_ok())];

/// How many digits the serial of a batch has at least. Unit: digits.
const BATCH_DIGITS: usize = 3;

/// What a batch is of.
///
/// Legal source: `hj_1259_2022/6.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// 产生.
    Generated,
    /// 入库.
    Stored,
    /// 出库.
    TakenOut,
    /// 自行利用.
    UsedOnSite,
    /// 自行处置.
    DisposedOnSite,
    /// 委外利用.
    SentForUse,
    /// 委外处置.
    SentForDisposal,
    /// 出口利用.
    ExportedForUse,
    /// 出口处置.
    ExportedForDisposal,
    /// 接收; ours, since the standard has no prefix for a licence holder's receipts.
    Received,
    /// 盘点; ours, as above.
    Counted,
}

impl Prefix {
    /// Every prefix.
    pub const ALL: [Self; 11] = [
        Self::Generated,
        Self::Stored,
        Self::TakenOut,
        Self::UsedOnSite,
        Self::DisposedOnSite,
        Self::SentForUse,
        Self::SentForDisposal,
        Self::ExportedForUse,
        Self::ExportedForDisposal,
        Self::Received,
        Self::Counted,
    ];
    /// The letters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "HWCS",
            Self::Stored => "HWRK",
            Self::TakenOut => "HWCK",
            Self::UsedOnSite => "HWZXLY",
            Self::DisposedOnSite => "HWZXCZ",
            Self::SentForUse => "HWWWLY",
            Self::SentForDisposal => "HWWWCZ",
            Self::ExportedForUse => "HWCKLY",
            Self::ExportedForDisposal => "HWCKCZ",
            Self::Received => "HWJS",
            Self::Counted => "HWPD",
        }
    }
}

/// A batch code (批次编码): prefix, day, and a serial of the site, prefix and day.
///
/// The letters end where the digits begin: `HWCK` (taken out) is also how `HWCKLY` (exported for use) begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchNo {
    /// What it is of.
    pub prefix: Prefix,
    /// The day.
    pub day: NaiveDate,
    /// From 1.
    pub serial: u32,
}

/// A text that is no batch code.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
#[error("a batch code is a known prefix, eight digits of a day and a serial of at least three digits")]
pub struct BatchNoRefusal;

impl fmt::Display for BatchNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:0BATCH_DIGITS$}", self.prefix.as_str(), self.day.format("%Y%m%d"), self.serial)
    }
}

/// A serial as printed: at least so many digits, and no zeros before a longer one, so that one number has one spelling.
fn serial(text: &str, at_least: usize) -> Option<u32> {
    let is_formed = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == at_least || text.len() > at_least && !text.starts_with('0'));
    text.parse().ok().filter(|serial| is_formed && *serial > 0)
}

fn day_of(digits: &str) -> Option<NaiveDate> {
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u32>().ok();
    let is_formed = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(4, 6)?, number(6, 8)?).filter(|_| is_formed)
}

impl FromStr for BatchNo {
    type Err = BatchNoRefusal;

    fn from_str(text: &str) -> Result<Self, BatchNoRefusal> {
        let digits_at = text.find(|letter: char| letter.is_ascii_digit()).ok_or(BatchNoRefusal)?;
        let (letters, digits) = text.split_at(digits_at);
        let prefix = Prefix::ALL.into_iter().find(|prefix| prefix.as_str() == letters).ok_or(BatchNoRefusal)?;
        let (day, rest) = digits.split_at_checked(8).ok_or(BatchNoRefusal)?;
        match (day_of(day), serial(rest, BATCH_DIGITS)) {
            (Some(day), Some(serial)) => Ok(Self { prefix, day, serial }),
            _ => Err(BatchNoRefusal),
        }
    }
}

/// The code on a label (数字识别码): unit, waste, day of generation or collection, serial; no hyphens.
///
/// Legal source: `hj_1276_2022`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct DigitalCode {
    /// 单位.
    pub uscc: Uscc,
    /// 废物.
    pub waste: WasteCode,
    /// 产生或收集日期.
    pub day: NaiveDate,
    serial: u32,
    /// Digits as printed; the standard's length is not verified, so each code keeps that of its division and day.
    digits: u8,
}

/// A text that is no code of a label.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
#[error("a label's code is 18 characters of the unit, 8 digits of the waste, 8 of the day and a serial of 1 to 10 digits")]
pub struct DigitalCodeRefusal;

impl DigitalCode {
    /// A code with its serial; a serial that outgrows its digits gets more of them rather than come twice.
    #[must_use]
    pub fn new(uscc: Uscc, waste: WasteCode, day: NaiveDate, serial: u32, digits: u8) -> Self {
        let needed = u8::try_from(serial.to_string().len()).unwrap_or(u8::MAX);
        Self { uscc, waste, day, serial, digits: digits.max(needed) }
    }
    /// From 1, for each unit, waste and day.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.serial
    }
}

impl fmt::Display for DigitalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waste = self.waste.to_string().replace('-', "");
        write!(f, "{}{waste}{}{:0digits$}", self.uscc.as_str(), self.day.format("%Y%m%d"), self.serial, digits = usize::from(self.digits))
    }
}

impl FromStr for DigitalCode {
    type Err = DigitalCodeRefusal;

    fn from_str(text: &str) -> Result<Self, DigitalCodeRefusal> {
        let part = |from: usize, to: usize| text.get(from..to).ok_or(DigitalCodeRefusal);
        let waste = part(18, 26)?;
        let waste = match (waste.get(..3), waste.get(3..6), waste.get(6..)) {
            (Some(industry), Some(serial), Some(category)) => format!("{industry}-{serial}-{category}"),
            _ => return Err(DigitalCodeRefusal),
        };
        let rest = text.get(34..).filter(|rest| (1..=10).contains(&rest.len())).ok_or(DigitalCodeRefusal)?;
        let number = rest.parse::<u32>().ok().filter(|number| *number > 0 && rest.bytes().all(|byte| byte.is_ascii_digit()));
        match (part(0, 18)?.parse(), waste.parse(), day_of(part(26, 34)?), number, u8::try_from(rest.len())) {
            (Ok(uscc), Ok(waste), Some(day), Some(serial), Ok(digits)) => Ok(Self { uscc, waste, day, serial, digits }),
            _ => Err(DigitalCodeRefusal),
        }
    }
}

impl TryFrom<Cow<'_, str>> for DigitalCode {
    type Error = DigitalCodeRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, DigitalCodeRefusal> {
        text.parse()
    }
}

impl From<DigitalCode> for String {
    fn from(code: DigitalCode) -> Self {
        code.to_string()
    }
}

impl PartialSchema for DigitalCode {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9A-HJ-NP-RTUW-Y]{18}[0-9]{17,26}$"))
            .format(Some(SchemaFormat::Custom("digital-code".into())))
            .description(Some("Code on a label (数字识别码): unit, waste, day, serial"));
        Schema::from(schema.build()).into()
    }
}

impl ToSchema for DigitalCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DigitalCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    #[test]
    fn a_batch_code_is_parsed_with_its_digits() {
        let read = |text: &str| text.parse::<BatchNo>().map(|batch| (batch.prefix, batch.serial));
        assert_eq!(read("HWCK20261123001"), Ok((Prefix::TakenOut, 1)));
        assert_eq!(read("HWCKLY20261123001"), Ok((Prefix::ExportedForUse, 1)));
        assert_eq!(read("HWCS202611231000"), Ok((Prefix::Generated, 1000)));
        for wrong in [
            "HWCK2026112301",
            "HWCK20261131001",
            "HWCKL20261123001",
            "20261123001",
            "HWCK",
            "HWCS20261123000",
            "HWCS202611230001",
            "HWCS2026112３001",
        ] {
            assert_eq!(wrong.parse::<BatchNo>(), Err(BatchNoRefusal), "{wrong}");
        }
        for prefix in Prefix::ALL {
            let batch = BatchNo { prefix, day: day(), serial: 7 };
            assert_eq!(batch.to_string().parse(), Ok(batch));
        }
    }

    #[test]
    fn a_labels_code_has_four_parts_and_grows_rather_than_come_twice() {
        let uscc = Uscc::from_stem("91210213MA0000001").unwrap();
        let waste: WasteCode = "900-249-08".parse().unwrap();
        let code = DigitalCode::new(uscc, waste, day(), 7, 3);
        let text = code.to_string();
        assert_eq!(text, format!("{}9002490820261123007", uscc.as_str()));
        assert_eq!(text.parse(), Ok(code));
        let grown = DigitalCode::new(uscc, waste, day(), 1000, 3).to_string();
        assert!(grown.ends_with("202611231000"));
        assert_eq!(grown.parse::<DigitalCode>().unwrap().serial(), 1000);
        for wrong in [
            &text[..34],
            &text.replace("20261123", "20261323"),
            &text.replace("90024908", "90024951"),
            &text.replace("007", "000"),
            &text.to_lowercase(),
        ] {
            assert_eq!(wrong.parse::<DigitalCode>(), Err(DigitalCodeRefusal), "{wrong}");
        }
    }
}
