//! Words and values of the registry: classes, kinds, what a unit states of its things. No clock and no I/O here.

use std::borrow::Cow;
use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::plate::Plate;
use super::rules;
use crate::catalogue::{MethodCode, Stage, WasteCode};
use crate::platform::mass::{Grams, MassInput};

/// A closed set of words that is stored as text: one spelling for JSON, contract and database.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        // One rule, not a rename a case: the contract's derive does not see a literal that a macro passes on.
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$case_doc])* $case),* }

        impl $name {
            /// As stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text),* }
            }
            /// Reads what [`Self::as_str`] writes.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$case),)* _ => None }
            }
        }
    };
}

words! {
    /// Management class of a site (管理类别).
    ///
    /// Legal source: `hj_1259_2022/4.2.1`.
    ManagementClass {
        /// 环境重点监管单位.
        KeySupervised = "key_supervised",
        /// 简化管理.
        Simplified = "simplified",
        /// 登记管理.
        Registered = "registered",
    }
}

words! {
    /// What a facility does.
    FacilityKind {
        /// 产生设施.
        Generation = "generation",
        /// 贮存设施.
        Storage = "storage",
        /// 自行利用设施.
        Use = "use",
        /// 自行处置设施.
        Disposal = "disposal",
    }
}

words! {
    /// Kind of licence (许可证类别).
    ///
    /// Legal source: `hw_licence_2016/3`.
    LicenceKind {
        /// 危险废物收集、贮存、处置综合经营许可证.
        Comprehensive = "comprehensive",
        /// 危险废物收集经营许可证.
        Collection = "collection",
    }
}

words! {
    /// Why a licence does not count.
    WithdrawalKind {
        /// 吊销.
        Revoked = "revoked",
        /// 注销.
        Cancelled = "cancelled",
        /// 暂扣, until a day.
        Suspended = "suspended",
    }
}

words! {
    /// Kind of vehicle.
    VehicleKind {
        /// 货车.
        Truck = "truck",
        /// 挂车.
        Trailer = "trailer",
        /// 罐车.
        Tanker = "tanker",
    }
}

words! {
    /// What a person's certificate (从业资格证) allows.
    ///
    /// Legal source: `road_transport_regulation/23`.
    CertificateKind {
        /// 驾驶员.
        Driver = "driver",
        /// 押运员.
        Escort = "escort",
        /// 装卸管理人员.
        Loader = "loader",
    }
}

/// A text of bounded length without blanks around it. Unit of both bounds: characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Words<const MIN: usize, const MAX: usize>(String);

/// A text that is too short or too long.
#[derive(Debug, thiserror::Error)]
#[error("a text of {min} to {max} characters is expected")]
pub struct WordsRefusal {
    min: usize,
    max: usize,
}

impl<const MIN: usize, const MAX: usize> Words<MIN, MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<Cow<'_, str>> for Words<MIN, MAX> {
    type Error = WordsRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, WordsRefusal> {
        let text = text.trim();
        if (MIN..=MAX).contains(&text.chars().count()) { Ok(Self(text.to_owned())) } else { Err(WordsRefusal { min: MIN, max: MAX }) }
    }
}

impl<const MIN: usize, const MAX: usize> From<Words<MIN, MAX>> for String {
    fn from(words: Words<MIN, MAX>) -> Self {
        words.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Words<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize> PartialSchema for Words<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        // A text of blanks has the length and says nothing.
        let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(MIN)).max_length(Some(MAX)).pattern(Some("\\S"));
        Schema::from(schema.description(Some("A text, blanks around it are dropped")).build()).into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Words<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Text{MIN}To{MAX}"))
    }
}

/// A name.
pub type Name = Words<2, 120>;
/// A number on a paper.
pub type PaperNo = Words<1, 60>;
/// A sentence or two.
pub type Sentence = Words<2, 500>;

/// A category of hazardous waste (废物类别): `HW01` to `HW50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Category(u8);

/// A text that is no category.
#[derive(Debug, thiserror::Error)]
#[error("a category is HW01 to HW50")]
pub struct CategoryRefusal;

impl TryFrom<Cow<'_, str>> for Category {
    type Error = CategoryRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, CategoryRefusal> {
        let digits = text.strip_prefix("HW").filter(|digits| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).filter(|number| (1..=50).contains(number)).map(Self).ok_or(CategoryRefusal)
    }
}

impl From<Category> for String {
    fn from(category: Category) -> Self {
        category.to_string()
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HW{:02}", self.0)
    }
}

impl PartialSchema for Category {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^HW(0[1-9]|[1-4][0-9]|50)$"));
        Schema::from(schema.description(Some("Category of hazardous waste (废物类别)")).build()).into()
    }
}

impl ToSchema for Category {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("WasteCategory")
    }
}

/// What came into being in one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearAmount {
    /// Calendar year.
    #[schema(minimum = 1990, maximum = 2200)]
    pub year: i32,
    /// Hazardous waste generated. Unit: g.
    pub g: Grams,
}

/// What came into being in one year, as a unit states it.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearStatement {
    /// Calendar year.
    #[schema(minimum = 1990, maximum = 2200)]
    pub year: i32,
    /// Hazardous waste generated.
    pub g: MassInput,
}

/// The figures behind a site's class.
#[derive(Debug, Clone, Copy)]
pub struct ClassFigures<'a> {
    /// Amounts of the full years of production.
    pub yearly: &'a [YearAmount],
    /// Amount by the environmental assessment (环评).
    pub eia_g: Option<Grams>,
    /// Amount by the discharge permit (排污许可证).
    pub permit_g: Option<Grams>,
    /// Waste arises in cycles longer than three years.
    pub is_long_cycle: bool,
    /// The site has a facility for its own use or disposal.
    pub own_facility: bool,
    /// The unit holds an operating licence for this site.
    pub is_licence_holder: bool,
}

/// The yearly amount by which a site is classed: the maximum of the last three full years, or of those since the start;
/// without a full year, or where the cycle is longer than three years, the larger of assessment and permit.
///
/// Legal source: `hj_1259_2022/4.2.3`.
#[must_use]
pub fn yearly_amount(figures: &ClassFigures<'_>) -> Option<Grams> {
    if figures.yearly.is_empty() || figures.is_long_cycle {
        return figures.eia_g.max(figures.permit_g);
    }
    let mut years: Vec<YearAmount> = figures.yearly.to_vec();
    years.sort_unstable_by_key(|amount| std::cmp::Reverse(amount.year));
    years.iter().take(rules::YEARS_COMPARED).map(|amount| amount.g).max()
}

/// The class of a site by law; an authority may decide otherwise, and both are kept. `None` without any figure.
///
/// Legal source: `hj_1259_2022/4.2.1`.
#[must_use]
pub fn management_class(figures: &ClassFigures<'_>, on: NaiveDate) -> Option<ManagementClass> {
    if figures.own_facility || figures.is_licence_holder {
        return Some(ManagementClass::KeySupervised);
    }
    yearly_amount(figures).map(|amount| match amount.get() {
        g if g >= *rules::KEY_SUPERVISED_FROM_G.on(on) => ManagementClass::KeySupervised,
        g if g >= *rules::SIMPLIFIED_FROM_G.on(on) => ManagementClass::Simplified,
        _ => ManagementClass::Registered,
    })
}

/// Whether the amounts are those of full years in a row that lie before a day's year.
#[must_use]
pub fn are_full_years(yearly: &[YearAmount], on: NaiveDate) -> bool {
    let mut years: Vec<i32> = yearly.iter().map(|amount| amount.year).collect();
    years.sort_unstable();
    years.windows(2).all(|pair| pair[0] + 1 == pair[1])
        && years.last().is_none_or(|last| *last < on.year())
        && years.first().is_none_or(|first| *first >= 1990)
}

/// The last day of a period of months or years after a day: the day of the same number, or the month's last.
#[must_use]
pub fn months_after(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(chrono::Months::new(months)).unwrap_or(NaiveDate::MAX)
}

/// A site as its unit states it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteStatement {
    /// 场所名称.
    pub name: Name,
    /// Division: GB/T 2260 code or a local node; a leaf.
    #[schema(example = "JINPU")]
    pub division: Words<2, 12>,
    /// 生产经营场所地址.
    pub address: Words<2, 200>,
    /// Phone of the site; the unit's own without it.
    #[serde(default)]
    pub contact_phone: Option<Words<3, 30>>,
    /// Longitude, WGS-84. Unit: 1e-7 degrees.
    #[schema(minimum = -1_800_000_000, maximum = 1_800_000_000)]
    #[serde(default)]
    pub lon_e7: Option<i32>,
    /// Latitude, WGS-84. Unit: 1e-7 degrees.
    #[schema(minimum = -900_000_000, maximum = 900_000_000)]
    #[serde(default)]
    pub lat_e7: Option<i32>,
    /// 行业代码 (GB/T 4754).
    #[serde(default)]
    pub industry: Option<Words<1, 10>>,
    /// 排污许可证编号 or 登记表编号.
    #[serde(default)]
    pub permit_no: Option<PaperNo>,
    /// 环评批复文号 or 备案编号.
    #[serde(default)]
    pub eia_no: Option<PaperNo>,
    /// Amounts of the last full years of production, in a row; fewer than three where production is younger.
    #[schema(max_items = 10)]
    #[serde(default)]
    pub yearly: Vec<YearStatement>,
    /// Yearly amount by the environmental assessment.
    #[serde(default)]
    pub eia_g: Option<MassInput>,
    /// Yearly amount by the discharge permit.
    #[serde(default)]
    pub permit_g: Option<MassInput>,
    /// Waste arises in cycles longer than three years.
    #[serde(default)]
    pub is_long_cycle: bool,
    /// The site has a facility for its own use or disposal (自行利用处置设施).
    #[serde(default)]
    pub own_facility: bool,
}

impl SiteStatement {
    /// The amounts of the years.
    #[must_use]
    pub fn years(&self) -> Vec<YearAmount> {
        self.yearly.iter().map(|stated| YearAmount { year: stated.year, g: stated.g.grams() }).collect()
    }
    /// The figures behind the class, apart from a licence.
    #[must_use]
    pub fn figures<'a>(&self, years: &'a [YearAmount]) -> ClassFigures<'a> {
        ClassFigures {
            yearly: years,
            eia_g: self.eia_g.map(MassInput::grams),
            permit_g: self.permit_g.map(MassInput::grams),
            is_long_cycle: self.is_long_cycle,
            own_facility: self.own_facility,
            is_licence_holder: false,
        }
    }
}

/// A facility of a site (设施).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityStatement {
    /// 设施编码 of the discharge permit, else by HJ 608; once per site.
    pub code: PaperNo,
    /// 设施名称.
    pub name: Name,
    /// What it does.
    pub kind: FacilityKind,
    /// Yearly capacity, of a store what it holds.
    #[serde(default)]
    pub capacity_g: Option<MassInput>,
}

/// A notice that a site stands still or takes nothing (停产、停止接收通知).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosureStatement {
    /// First day.
    pub from_on: NaiveDate,
    /// Last day; open without it.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
    /// Why.
    pub reason: Sentence,
}

/// One line of a licence's scope.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeLine {
    /// Waste codes.
    #[schema(max_items = 600)]
    #[serde(default)]
    pub codes: Vec<WasteCode>,
    /// Whole categories.
    #[schema(max_items = 50)]
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Methods.
    #[schema(min_items = 1, max_items = 40)]
    pub methods: Vec<MethodCode>,
    /// Yearly scale (年经营规模).
    pub year_g: MassInput,
}

/// An operating licence (危险废物经营许可证) as its holder states it.
///
/// Legal source: `hw_licence_2016/10`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenceStatement {
    /// The site of the facility.
    pub site_id: Uuid,
    /// 许可证编号.
    pub number: PaperNo,
    /// Kind.
    pub kind: LicenceKind,
    /// 发证机关.
    pub issuer: Name,
    /// 发证日期.
    pub issued_on: NaiveDate,
    /// First day of validity.
    pub valid_from: NaiveDate,
    /// Last day of validity.
    pub valid_to: NaiveDate,
    /// Scope.
    #[schema(min_items = 1, max_items = 200)]
    pub lines: Vec<ScopeLine>,
    /// Only for a unit outside the system, and needed there: whence this is known, such as the register or a copy.
    #[serde(default)]
    pub source: Option<Sentence>,
}

/// A unit that may receive without a licence because an exemption covers its stage (豁免环节接受单位).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptStatement {
    /// Exempt stages.
    #[schema(min_items = 1, max_items = 4)]
    pub stages: Vec<Stage>,
    /// Number in the exemption list (豁免管理清单).
    #[schema(minimum = 1, maximum = 999)]
    pub exemption_seq: i32,
    /// Waste codes.
    #[schema(max_items = 600)]
    #[serde(default)]
    pub codes: Vec<WasteCode>,
    /// Whole categories.
    #[schema(max_items = 50)]
    #[serde(default)]
    pub categories: Vec<Category>,
    /// The condition (豁免条件) that the unit confirms to meet, in its words.
    pub condition: Sentence,
    /// What proves it.
    pub evidence: Sentence,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_to: NaiveDate,
}

/// A vehicle (车辆) with its road transport permit (道路运输证).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VehicleStatement {
    /// 车牌.
    pub plate: Plate,
    /// Kind.
    pub kind: VehicleKind,
    /// 道路运输证号.
    pub permit_no: PaperNo,
    /// Classes and items of dangerous goods on the permit, for example `3`, `6.1`.
    #[schema(max_items = 30)]
    pub permit_classes: Vec<Words<1, 10>>,
    /// Last day of the permit.
    pub permit_valid_to: NaiveDate,
    /// 核定载质量.
    pub rated_load_g: MassInput,
    /// Meets the requirements for medical waste (GB 19217).
    #[serde(default)]
    pub gb19217: bool,
    /// Of a unit outside the system, which the caller states for it; the caller's own without it.
    #[serde(default)]
    #[schema(required = false)]
    pub unit_id: Option<Uuid>,
    /// Only for a unit outside the system, and needed there: whence this is known, such as a register or a copy.
    #[serde(default)]
    #[schema(required = false)]
    pub source: Option<Sentence>,
}

/// A person's certificate (从业资格证): of somebody with an account, or by bare name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateStatement {
    /// The person's account; exactly one of `user_id` and `name`.
    #[serde(default)]
    pub user_id: Option<Uuid>,
    /// The person's name, where there is no account.
    #[serde(default)]
    pub name: Option<Words<1, 60>>,
    /// What it allows.
    pub kind: CertificateKind,
    /// Number.
    pub number: PaperNo,
    /// Classes of dangerous goods.
    #[schema(max_items = 30)]
    #[serde(default)]
    pub classes: Vec<Words<1, 10>>,
    /// Last day.
    pub valid_to: NaiveDate,
    /// Of a unit outside the system, which the caller states for it; the caller's own without it.
    #[serde(default)]
    #[schema(required = false)]
    pub unit_id: Option<Uuid>,
    /// Only for a unit outside the system, and needed there: whence this is known, such as a register or a copy.
    #[serde(default)]
    #[schema(required = false)]
    pub source: Option<Sentence>,
}

/// A carrier's operating permit (道路运输经营许可证).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarrierPermitStatement {
    /// Number.
    pub number: PaperNo,
    /// Classes of dangerous goods.
    #[schema(max_items = 30)]
    #[serde(default)]
    pub classes: Vec<Words<1, 10>>,
    /// Whether it allows dangerous goods at all.
    pub is_dangerous_goods: bool,
    /// Last day.
    pub valid_to: NaiveDate,
    /// Of a unit outside the system, which the caller states for it; the caller's own without it.
    #[serde(default)]
    #[schema(required = false)]
    pub unit_id: Option<Uuid>,
    /// Only for a unit outside the system, and needed there: whence this is known, such as a register or a copy.
    #[serde(default)]
    #[schema(required = false)]
    pub source: Option<Sentence>,
}

/// A written contract (合同) of a consignor with a receiver or carrier; either party's clerk records it.
///
/// Legal source: `decree_23_2021/10/1`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractStatement {
    /// The consignor.
    pub consignor_id: Uuid,
    /// The receiver or carrier.
    pub other_id: Uuid,
    /// Number.
    pub number: PaperNo,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day.
    pub until_on: NaiveDate,
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_000_000;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    fn grams(tonnes: i64) -> Option<Grams> {
        Some(Grams::try_from(tonnes * T).unwrap())
    }

    fn years(amounts: &[(i32, i64)]) -> Vec<YearAmount> {
        amounts.iter().map(|(year, g)| YearAmount { year: *year, g: Grams::try_from(*g).unwrap() }).collect()
    }

    const NONE: ClassFigures<'static> =
        ClassFigures { yearly: &[], eia_g: None, permit_g: None, is_long_cycle: false, own_facility: false, is_licence_holder: false };

    fn class(figures: ClassFigures<'_>) -> Option<ManagementClass> {
        management_class(&figures, day())
    }

    #[test]
    fn the_worked_cases_hold() {
        let three = years(&[(2023, 80 * T), (2024, 120 * T), (2025, 90 * T)]);
        assert_eq!(yearly_amount(&ClassFigures { yearly: &three, ..NONE }), grams(120));
        assert_eq!(class(ClassFigures { yearly: &three, ..NONE }), Some(ManagementClass::KeySupervised));
        assert_eq!(class(ClassFigures { eia_g: grams(12), permit_g: grams(9), ..NONE }), Some(ManagementClass::Simplified));
        let small = years(&[(2025, 3 * T)]);
        assert_eq!(class(ClassFigures { yearly: &small, own_facility: true, ..NONE }), Some(ManagementClass::KeySupervised));
        assert_eq!(class(ClassFigures { yearly: &small, is_licence_holder: true, ..NONE }), Some(ManagementClass::KeySupervised));
        let sixty = years(&[(2025, 60 * T)]);
        assert_eq!(class(ClassFigures { yearly: &sixty, ..NONE }), Some(ManagementClass::Simplified));
    }

    #[test]
    fn both_sides_of_every_edge() {
        for (g, wanted) in [
            (0, ManagementClass::Registered),
            (10 * T - 1, ManagementClass::Registered),
            (10 * T, ManagementClass::Simplified),
            (100 * T - 1, ManagementClass::Simplified),
            (100 * T, ManagementClass::KeySupervised),
        ] {
            assert_eq!(class(ClassFigures { yearly: &years(&[(2025, g)]), ..NONE }), Some(wanted), "{g}");
        }
        assert_eq!(class(NONE), None);
    }

    #[test]
    fn only_the_last_three_years_count_and_long_cycles_go_by_the_papers() {
        let four = years(&[(2025, 5 * T), (2022, 500 * T), (2024, 6 * T), (2023, 7 * T)]);
        assert_eq!(yearly_amount(&ClassFigures { yearly: &four, ..NONE }), grams(7));
        let long = ClassFigures { yearly: &four, is_long_cycle: true, eia_g: grams(40), permit_g: grams(30), ..NONE };
        assert_eq!(yearly_amount(&long), grams(40));
    }

    #[test]
    fn years_stand_in_a_row_before_this_one() {
        assert!(are_full_years(&[], day()));
        assert!(are_full_years(&years(&[(2025, 1), (2024, 1)]), day()));
        assert!(!are_full_years(&years(&[(2026, 1)]), day()), "this year is not full");
        assert!(!are_full_years(&years(&[(2023, 1), (2025, 1)]), day()));
        assert!(!are_full_years(&years(&[(2025, 1), (2025, 2)]), day()));
    }

    #[test]
    fn categories_and_texts_have_one_form() {
        for (text, good) in [("HW08", true), ("HW50", true), ("HW00", false), ("HW51", false), ("hw08", false), ("HW8", false), ("08", false)] {
            assert_eq!(Category::try_from(Cow::Borrowed(text)).is_ok(), good, "{text}");
        }
        assert_eq!(serde_json::from_str::<Words<2, 3>>("\" 中文 \"").unwrap().as_str(), "中文");
        assert!(serde_json::from_str::<Words<2, 3>>("\" 中 \"").is_err());
        assert!(serde_json::from_str::<Words<2, 3>>("\"abcd\"").is_err());
    }
}
