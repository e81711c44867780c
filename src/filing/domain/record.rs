//! Papers, export notices and transfers of industrial solid waste to another province. No clock and no I/O here.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::catalogue::WasteCode;
use crate::platform::blobs::BlobHash;
use crate::platform::mass::MassInput;
use crate::registry::{Name, PaperNo, Sentence, Words};

/// What a paper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FilingPaperKind)]
pub enum PaperKind {
    /// 突发环境事件应急预案: number and day of its filing; its last day is that of the next revision.
    ContingencyPlan,
    /// 应急演练: the day on which it was held; its last day is that of the next.
    Drill,
    /// 应急装备和物资清单.
    EmergencyEquipment,
    /// 环境污染强制责任保险.
    LiabilityInsurance,
    /// 培训记录.
    Training,
}

impl PaperKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContingencyPlan => "contingency_plan",
            Self::Drill => "drill",
            Self::EmergencyEquipment => "emergency_equipment",
            Self::LiabilityInsurance => "liability_insurance",
            Self::Training => "training",
        }
    }
}

/// A paper that a unit keeps beside its plan. It is a fact to be shown: nothing is refused for want of one.
///
/// Legal source: `decree_23_2021/9/para2`, `eco_code_2026/539`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FilingPaperStatement)]
pub struct PaperStatement {
    /// The site.
    pub site_id: Uuid,
    /// What it is.
    pub kind: PaperKind,
    /// Its number: 备案编号 of a contingency plan, 保单号.
    #[serde(default)]
    pub number: Option<PaperNo>,
    /// Who gave it, or with whom it was filed.
    #[serde(default)]
    pub issuer: Option<Name>,
    /// Its first day: filed, held, concluded.
    pub issued_on: NaiveDate,
    /// Its last day; open without it.
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    /// What it says, in a few words and without names of persons.
    #[serde(default)]
    pub says: Option<Words<2, 2_000>>,
    /// The paper itself.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

/// Why a paper no longer counts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RetireFilingPaper)]
pub struct RetirePaper {
    /// In words.
    pub reason: Sentence,
}

/// ISO 3166 code of a country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Country(String);

/// A text that is no country code.
#[derive(Debug, thiserror::Error)]
#[error("a country is two capital letters")]
pub struct CountryRefusal;

impl Country {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Cow<'_, str>> for Country {
    type Error = CountryRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, CountryRefusal> {
        let fits = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        fits.then(|| Self(text.into_owned())).ok_or(CountryRefusal)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.0
    }
}

impl PartialSchema for Country {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Z]{2}$")).examples(["JP"]);
        Schema::from(schema.description(Some("ISO 3166 code of a country")).build()).into()
    }
}

impl ToSchema for Country {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CountryCode")
    }
}

/// A notice that an export is approved (危险废物出口核准通知单).
///
/// Legal source: `hw_export_2008`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExportNoticeStatement)]
pub struct ExportStatement {
    /// The site.
    pub site_id: Uuid,
    /// The unit abroad.
    pub receiver_id: Uuid,
    /// 出口核准通知单编号.
    pub approval_no: PaperNo,
    /// Number of the notification under the Basel Convention.
    pub notice_no: PaperNo,
    /// Wastes.
    #[schema(min_items = 1, max_items = 100)]
    pub codes: Vec<WasteCode>,
    /// 进口国.
    pub importing_country: Country,
    /// 过境国.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub transit_countries: Vec<Country>,
    /// 进口者.
    pub importer: Name,
    /// 境外处置或利用者.
    pub disposer: Name,
    /// 运输次数.
    #[schema(minimum = 1, maximum = 100_000)]
    pub shipments: i32,
    /// 总量.
    pub total_g: MassInput,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_to: NaiveDate,
    /// Papers.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

/// A code of industrial solid waste (固体废物分类与代码): industry, serial, kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct SolidWasteCode(String);

/// A text that is no such code.
#[derive(Debug, thiserror::Error)]
#[error("a code of industrial solid waste has the form 900-001-S17")]
pub struct SolidWasteCodeRefusal;

impl TryFrom<Cow<'_, str>> for SolidWasteCode {
    type Error = SolidWasteCodeRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, SolidWasteCodeRefusal> {
        let fits = text.len() == 11
            && text.bytes().enumerate().all(|(at, byte)| match at {
                3 | 7 => byte == b'-',
                8 => byte == b'S',
                _ => byte.is_ascii_digit(),
            });
        fits.then(|| Self(text.into_owned())).ok_or(SolidWasteCodeRefusal)
    }
}

impl From<SolidWasteCode> for String {
    fn from(code: SolidWasteCode) -> Self {
        code.0
    }
}

impl fmt::Display for SolidWasteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialSchema for SolidWasteCode {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{3}-[0-9]{3}-S[0-9]{2}$")).examples(["900-001-S17"]);
        Schema::from(schema.description(Some("Code of industrial solid waste (固体废物分类与代码)")).build()).into()
    }
}

impl ToSchema for SolidWasteCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SolidWasteCode")
    }
}

/// What industrial solid waste goes to another province for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GeneralTransferPurpose)]
pub enum TransferPurpose {
    /// 贮存.
    Storage,
    /// 处置.
    Disposal,
    /// 利用.
    Use,
}

impl TransferPurpose {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Disposal => "disposal",
            Self::Use => "use",
        }
    }
    /// What the law asks for: an approval for storage and disposal, information to both provinces beforehand for use (before
    /// 2026-08-15 a filing with the province of departure, which is recorded as the same).
    ///
    /// Legal source: `eco_code_2026/476/para1`, `eco_code_2026/476/para2`.
    #[must_use]
    pub const fn asks_for(self) -> &'static str {
        match self {
            Self::Storage | Self::Disposal => "general_approval",
            Self::Use => "general_notice",
        }
    }
}

/// Industrial solid waste that goes to another province: the approval that was given, or the information that was sent.
///
/// Legal source: `eco_code_2026/476/para1`, `eco_code_2026/476/para2`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneralTransferStatement {
    /// The site.
    pub site_id: Uuid,
    /// Receiver.
    pub receiver_id: Uuid,
    /// Waste.
    pub code: SolidWasteCode,
    /// What for.
    pub purpose: TransferPurpose,
    /// Mass.
    pub mass_g: MassInput,
    /// First day of the transfers.
    pub from_on: NaiveDate,
    /// Last day.
    pub until_on: NaiveDate,
    /// 批准文号; for storage and disposal.
    #[serde(default)]
    pub decision_no: Option<PaperNo>,
    /// Day of the approval; for storage and disposal.
    #[serde(default)]
    pub decided_on: Option<NaiveDate>,
    /// When the province of departure was told; for use.
    #[serde(default)]
    pub told_origin_on: Option<NaiveDate>,
    /// When the province of destination was told; for use.
    #[serde(default)]
    pub told_destination_on: Option<NaiveDate>,
    /// Papers.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

impl GeneralTransferStatement {
    /// Whether what the purpose asks for is there, and nothing else.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        let (approved, half) = (self.decision_no.is_some() && self.decided_on.is_some(), self.decision_no.is_some() || self.decided_on.is_some());
        let told = self.told_origin_on.is_some() && self.told_destination_on.is_some();
        let half_told = self.told_origin_on.is_some() || self.told_destination_on.is_some();
        match self.purpose {
            TransferPurpose::Use => told && !half,
            TransferPurpose::Storage | TransferPurpose::Disposal => approved && !half_told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_industrial_waste_and_of_countries_are_written_one_way() {
        let code = |text: &'static str| SolidWasteCode::try_from(Cow::Borrowed(text)).is_ok();
        assert!(code("900-001-S17"));
        for wrong in ["900-001-17", "900-001-s17", "900001S17", "900-001-S1", "900-001-S171", ""] {
            assert!(!code(wrong), "{wrong}");
        }
        let country = |text: &'static str| Country::try_from(Cow::Borrowed(text)).is_ok();
        assert!(country("JP") && !country("jp") && !country("JPN") && !country(""));
    }
}
