//! The management plan (管理计划): its tables, and what is wrong in them. No clock and no I/O here.
//!
//! Only what cannot be read as a plan stops its filing: a code that no catalogue has, a receiver that does not exist, the same
//! way twice. All that rests on the standard alone is a warning, because its text is not held.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::{CodeFacts, Listing, MethodCode, WasteCode, edition_not_loaded};
use crate::ledger::WasteForm;
use crate::platform::mass::{Grams, MassInput, tonnes_text};
use crate::platform::problem::{Kind, Refusal, Text};
use crate::registry::{LicenceInForce, ManagementClass, Name, NoLicence, PaperNo, Sentence, Words};

/// A mass may come with its unit and is kept in grams.
pub(super) fn mass<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Grams, D::Error> {
    MassInput::deserialize(deserializer).map(MassInput::grams)
}

/// A person of the unit whom the authority can reach.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanContact {
    /// 姓名.
    pub name: Name,
    /// 联系电话.
    pub phone: Words<3, 30>,
}

/// An amount that is no mass of waste: a product, a raw material, a capacity (数量、单位).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanAmount)]
pub struct Amount {
    /// Number as written, with at most six places.
    #[schema(pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,6})?$", max_length = 19, example = "120000")]
    pub v: String,
    /// Unit as written.
    pub u: Words<1, 20>,
}

/// A product of a facility (产品产量).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanProduct)]
pub struct Product {
    /// 产品名称.
    pub name: Words<1, 120>,
    /// 中间产品 rather than 最终产品.
    #[serde(default)]
    pub is_intermediate: bool,
    /// 产量.
    pub amount: Amount,
}

/// A raw material (原辅料).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanMaterial)]
pub struct RawMaterial {
    /// 名称.
    pub name: Words<1, 120>,
    /// 种类: 辅料 rather than 原料.
    #[serde(default)]
    pub is_auxiliary: bool,
    /// 用量.
    pub amount: Amount,
}

/// A row of table A.2: a facility in which waste arises (产生危险废物的设施); only for key-supervised sites.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanFacilityRow)]
pub struct FacilityRow {
    /// 主要生产单元名称.
    pub production_unit: Words<1, 120>,
    /// 主要工艺名称.
    pub process: Words<1, 120>,
    /// 设施编码.
    pub facility_code: PaperNo,
    /// 设施名称.
    pub facility_name: Words<1, 120>,
    /// 污染防治设施参数.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub parameters: Vec<FacilityParameter>,
    /// 产品产量.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub products: Vec<Product>,
    /// 生产能力.
    #[serde(default)]
    pub capacity: Option<Amount>,
    /// 原辅料.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub materials: Vec<RawMaterial>,
}

/// A parameter of a facility that prevents pollution (污染防治设施参数).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanFacilityParameter)]
pub struct FacilityParameter {
    /// 参数名称.
    pub name: Words<1, 120>,
    /// 设计值.
    pub amount: Amount,
}

/// Where waste goes inside the site (内部治理方式及去向).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlanInnerWay)]
pub enum InnerWay {
    /// 自行利用设施.
    OwnUse,
    /// 自行处置设施.
    OwnDisposal,
    /// 贮存设施.
    Storage,
}

/// A facility inside the site to which waste goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanInnerDestination)]
pub struct InnerDestination {
    /// What it does.
    pub way: InnerWay,
    /// 设施编码.
    pub facility_code: PaperNo,
    /// 设计能力.
    #[serde(default)]
    pub capacity: Option<Amount>,
}

/// A row of table A.3: waste that arises (危险废物产生情况).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanGenerationRow)]
pub struct GenerationRow {
    /// 产生设施编码.
    pub facility_code: PaperNo,
    /// 产生设施名称.
    pub facility_name: Words<1, 120>,
    /// 对应产废环节.
    pub stage: Words<1, 120>,
    /// 行业俗称 or 内部名称.
    #[serde(default)]
    pub internal_name: Option<Words<1, 120>>,
    /// 废物代码.
    pub code: WasteCode,
    /// 有害成分名称.
    pub harmful: Words<1, 200>,
    /// 形态.
    pub form: WasteForm,
    /// 本年度预计产生量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub planned_g: Grams,
    /// How many, of counted things; the mass beside it counts.
    #[serde(default)]
    pub count: Option<Amount>,
    /// 内部治理方式及去向.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub inside: Vec<InnerDestination>,
}

/// A row of table A.4: waste in store (危险废物贮存情况).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanStorageRow)]
pub struct StorageRow {
    /// 贮存设施编码.
    pub facility_code: PaperNo,
    /// 贮存设施类型.
    pub facility_type: Words<1, 60>,
    /// 废物代码.
    pub code: WasteCode,
    /// 有害成分名称.
    pub harmful: Words<1, 200>,
    /// 形态.
    pub form: WasteForm,
    /// 包装形式.
    pub packaging: Words<1, 60>,
    /// 本年度预计剩余贮存量: what lies there at the end of the year.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub left_g: Grams,
}

/// A row of table A.5: own use or disposal (自行利用/处置情况); only for key-supervised sites.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanOwnTreatmentRow)]
pub struct OwnTreatmentRow {
    /// 设施编码.
    pub facility_code: PaperNo,
    /// 废物代码.
    pub code: WasteCode,
    /// 有害成分名称.
    pub harmful: Words<1, 200>,
    /// 形态.
    pub form: WasteForm,
    /// 利用/处置方式代码.
    pub method: MethodCode,
    /// 本年度预计自行利用/处置量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub planned_g: Grams,
}

/// A row of table A.6: less waste, and less hazardous (减少危险废物产生量和降低危害性).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanReductionRow)]
pub struct ReductionRow {
    /// 废物代码.
    pub code: WasteCode,
    /// 本年度预计产生量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub planned_g: Grams,
    /// 本年度预计减少量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub cut_g: Grams,
    /// 措施.
    pub measures: Sentence,
}

/// What the receiver of a transfer is (接受单位类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FilingReceiverKind)]
pub enum ReceiverKind {
    /// 持有危险废物经营许可证的单位.
    LicenceHolder,
    /// 危险废物豁免管理单位.
    ExemptStage,
    /// 境外单位.
    Foreign,
}

/// A row of table A.7: a transfer (危险废物转移情况). Whether it leaves the province, and the licence, are read from the registry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanTransferRow)]
pub struct TransferRow {
    /// 废物代码.
    pub code: WasteCode,
    /// 有害成分名称.
    pub harmful: Words<1, 200>,
    /// 形态.
    pub form: WasteForm,
    /// 本年度预计转移量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub planned_g: Grams,
    /// 利用/处置方式代码.
    pub method: MethodCode,
    /// 接受单位类型.
    pub receiver_kind: ReceiverKind,
    /// 接受单位.
    pub receiver_id: Uuid,
    /// Its site, by which its licence is looked up.
    #[serde(default)]
    pub receiver_site_id: Option<Uuid>,
}

/// The tables of a plan that its unit writes. Table A.1 is read from unit and site when it is filed; the names, categories and
/// hazards of a code are the catalogue's.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanTables {
    /// 法定代表人 (A.1).
    #[serde(default)]
    pub legal_representative: Option<PlanContact>,
    /// 危险废物环境管理技术负责人 (A.1).
    #[serde(default)]
    pub technical_lead: Option<PlanContact>,
    /// 行业类别 (A.1); its code is the site's.
    #[serde(default)]
    pub industry_name: Option<Words<1, 120>>,
    /// A.2 产生危险废物的设施.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub a2: Vec<FacilityRow>,
    /// A.3 危险废物产生情况.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub a3: Vec<GenerationRow>,
    /// A.4 危险废物贮存情况.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub a4: Vec<StorageRow>,
    /// A.5 自行利用/处置情况.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub a5: Vec<OwnTreatmentRow>,
    /// A.6 减量化措施.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub a6: Vec<ReductionRow>,
    /// A.7 危险废物转移情况.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub a7: Vec<TransferRow>,
}

impl PlanTables {
    /// Every code with the pointer of its place, table by table.
    pub fn codes(&self) -> impl Iterator<Item = (String, WasteCode)> {
        fn rows<T>(table: &'static str, rows: &[T], code: fn(&T) -> WasteCode) -> impl Iterator<Item = (String, WasteCode)> {
            rows.iter().enumerate().map(move |(index, row)| (format!("/tables/{table}/{index}/code"), code(row)))
        }
        rows("a3", &self.a3, |row| row.code)
            .chain(rows("a4", &self.a4, |row| row.code))
            .chain(rows("a5", &self.a5, |row| row.code))
            .chain(rows("a6", &self.a6, |row| row.code))
            .chain(rows("a7", &self.a7, |row| row.code))
    }

    /// Every method with the pointer of its place.
    pub fn methods(&self) -> impl Iterator<Item = (String, MethodCode)> {
        let own = self.a5.iter().enumerate().map(|(index, row)| (format!("/tables/a5/{index}/method"), row.method));
        own.chain(self.a7.iter().enumerate().map(|(index, row)| (format!("/tables/a7/{index}/method"), row.method)))
    }

    fn facilities(&self) -> impl Iterator<Item = (String, &str)> {
        let at = |table: &str, index: usize| format!("/tables/{table}/{index}/facility_code");
        let a2 = self.a2.iter().enumerate().map(move |(index, row)| (at("a2", index), row.facility_code.as_str()));
        let a3 = self.a3.iter().enumerate().map(move |(index, row)| (at("a3", index), row.facility_code.as_str()));
        let a4 = self.a4.iter().enumerate().map(move |(index, row)| (at("a4", index), row.facility_code.as_str()));
        let a5 = self.a5.iter().enumerate().map(move |(index, row)| (at("a5", index), row.facility_code.as_str()));
        let inside = self.a3.iter().enumerate().flat_map(|(row_no, row)| {
            let places = row.inside.iter().enumerate();
            places.map(move |(index, place)| (format!("/tables/a3/{row_no}/inside/{index}/facility_code"), place.facility_code.as_str()))
        });
        a2.chain(a3).chain(a4).chain(a5).chain(inside)
    }
}

/// Where a transfer goes (转移类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TransferRoute)]
pub enum Route {
    /// 省内.
    InProvince,
    /// 跨省.
    CrossProvince,
    /// 境外.
    Abroad,
}

/// What the registry knows of the receiver of a row of A.7.
#[derive(Debug, Clone)]
pub struct ReceiverFacts {
    /// Its name.
    pub name: String,
    /// Whether it sits abroad.
    pub is_foreign: bool,
    /// Where the load would go.
    pub route: Route,
    /// Whether the licence of its site covers the row; none where no site is named, or none is asked for.
    pub cover: Option<Result<LicenceInForce, NoLicence>>,
    /// Whether an officer verified it for an exempt stage of this waste.
    pub is_exempt: bool,
}

/// What the check of a plan rests on.
#[derive(Debug)]
pub struct PlanFacts {
    /// Class of the site (管理类别) on the day; none without any figure.
    pub class: Option<ManagementClass>,
    /// Codes of the facilities that the registry has of the site.
    pub facilities: BTreeSet<String>,
    /// What the catalogue of the day says.
    pub codes: CodeFacts,
    /// Methods that the list of methods does not have.
    pub unknown_methods: BTreeSet<String>,
    /// The receivers of A.7, row by row; none for a unit or site that is not there.
    pub receivers: Vec<Option<ReceiverFacts>>,
    /// What lay in store when the year began, by last year's plan as filed; none where there is no such plan.
    pub opening_g: Option<BTreeMap<WasteCode, i64>>,
    /// Whether a contingency plan of the site is in force.
    pub has_contingency_plan: bool,
    /// The last day on which filing is in time.
    pub due_on: NaiveDate,
    /// Whether that day is past and nothing was filed.
    pub is_late: bool,
}

/// Something wrong in a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFault {
    /// Not in the catalogue of the day.
    #[error("code {0} is not listed")]
    CodeNotListed(WasteCode),
    /// Not in the list of methods.
    #[error("method {0} is unknown")]
    MethodUnknown(MethodCode),
    /// No such unit, or the site is not its.
    #[error("unknown receiver")]
    ReceiverUnknown,
    /// The same waste, receiver and method in an earlier row.
    #[error("the same way as row {0}")]
    SameWay(usize),
    /// The class asks for a table that is empty.
    #[error("table {0} is empty")]
    TableMissing(&'static str),
    /// Nothing says which class the site has.
    #[error("no class")]
    ClassUnknown,
    /// The catalogue in force is not loaded.
    #[error("edition not loaded")]
    EditionNotLoaded(String, String),
    /// Not in the newest loaded catalogue, and that of the day is not here.
    #[error("code {0} is not in the loaded edition")]
    CodeNotInLoadedEdition(WasteCode),
    /// The registry has no such facility.
    #[error("facility {0} is not recorded")]
    FacilityNotRecorded(String),
    /// A.1 lacks a person.
    #[error("no contact")]
    ContactMissing,
    /// No licence of the receiver's site covers the row.
    #[error("no licence covers: {0:?}")]
    NotLicensed(Box<NoLicence>, String),
    /// No site is named, so no licence can be looked up.
    #[error("no site of the receiver")]
    SiteNotNamed,
    /// Stated as one kind of receiver, known as another.
    #[error("another kind of receiver")]
    OtherKind,
    /// No verified exempt stage.
    #[error("not verified as exempt")]
    NotExempt,
    /// Moved, treated or stored, and it arises nowhere.
    #[error("{0} arises nowhere")]
    ArisesNowhere(WasteCode),
    /// What arises is not what goes.
    #[error("{code}: {comes_g} comes, {goes_g} goes")]
    Unbalanced {
        /// The waste.
        code: WasteCode,
        /// A.3 and what lay there.
        comes_g: i64,
        /// A.4, A.5 and A.7.
        goes_g: i64,
    },
    /// More is cut than would arise.
    #[error("the cut is larger than the amount")]
    CutTooLarge,
    /// No contingency plan in force.
    #[error("no contingency plan")]
    ContingencyPlanMissing,
    /// Filed after its day.
    #[error("late, due on {0}")]
    Late(NaiveDate),
}

/// Kinds of what may be wrong in a plan. The first four stop its filing.
pub static PLAN_KINDS: [Kind; 18] = [
    Kind::new(422, "plan-code-not-listed", "废物代码不在名录中", "The waste code is not in the catalogue"),
    Kind::new(422, "plan-method-unknown", "利用处置方式代码不存在", "There is no such method"),
    Kind::new(422, "plan-receiver-unknown", "接受单位或其场所不存在", "There is no such receiver, or the site is not its"),
    Kind::new(422, "plan-way-twice", "同一废物、去向和方式重复", "The same waste, receiver and method stand twice"),
    Kind::new(422, "plan-table-missing", "该管理类别应填的表格为空", "A table that the class asks for is empty"),
    Kind::new(422, "plan-class-unknown", "场所尚无可据以确定管理类别的数据", "No figure says which class the site has"),
    Kind::new(422, "plan-edition-not-loaded", "当日名录版本尚未载入", "The day's edition of the catalogue is not loaded"),
    Kind::new(422, "plan-code-not-in-loaded-edition", "废物代码不在已载入的名录中", "The code is not in the loaded edition"),
    Kind::new(422, "plan-facility-not-recorded", "设施未登记", "The facility is not recorded"),
    Kind::new(422, "plan-contact-missing", "未填写法定代表人或技术负责人", "Legal representative or technical lead is missing"),
    Kind::new(422, "plan-receiver-not-licensed", "未见接受单位的有效许可", "No licence of the receiver covers this"),
    Kind::new(
        422,
        "plan-receiver-site-missing",
        "未填写接受单位的场所，无法核对许可证",
        "Without the receiver's site its licence cannot be looked up",
    ),
    Kind::new(422, "plan-receiver-kind-differs", "接受单位类型与登记不符", "The kind of receiver differs from what is recorded"),
    Kind::new(422, "plan-unbalanced", "产生量与去向不平衡", "What arises and what goes differ"),
    Kind::new(422, "plan-cut-too-large", "预计减少量大于预计产生量", "More is cut than arises"),
    Kind::new(422, "plan-contingency-missing", "未登记有效的应急预案", "No contingency plan in force is recorded"),
    Kind::new(422, "plan-late", "超过申报备案期限", "Filed after its day"),
    Kind::new(422, "plan-not-generated", "表 A.3 未列出该废物", "Table A.3 does not have this waste"),
];

impl PlanFault {
    /// Whether a plan with it cannot be filed.
    #[must_use]
    pub const fn stops(&self) -> bool {
        matches!(self, Self::CodeNotListed(_) | Self::MethodUnknown(_) | Self::ReceiverUnknown | Self::SameWay(_))
    }
}

fn reason_of(reason: &NoLicence) -> (&'static str, &'static str) {
    match reason {
        NoLicence::None => ("该场所没有经营许可证", "the site has no licence"),
        NoLicence::Expired { .. } => ("许可证已届满", "the licence has run out"),
        NoLicence::NotYet => ("许可证尚未生效", "the licence is not yet in force"),
        NoLicence::Withdrawn => ("许可证已被吊销、注销或暂扣", "the licence is revoked, cancelled or suspended"),
        NoLicence::CodeNotInScope => ("许可范围不含此废物代码", "the waste is not in the licence's scope"),
        NoLicence::MethodNotInScope => ("许可范围不含此利用处置方式", "the method is not in the licence's scope"),
        NoLicence::NotVerified | NoLicence::Claimed { .. } => ("许可证未经核验", "no officer has verified the licence"),
    }
}

impl Refusal for PlanFault {
    fn kind(&self) -> &'static Kind {
        &PLAN_KINDS[match self {
            Self::CodeNotListed(_) => 0,
            Self::MethodUnknown(_) => 1,
            Self::ReceiverUnknown => 2,
            Self::SameWay(_) => 3,
            Self::TableMissing(_) => 4,
            Self::ClassUnknown => 5,
            Self::EditionNotLoaded(..) => 6,
            Self::CodeNotInLoadedEdition(_) => 7,
            Self::FacilityNotRecorded(_) => 8,
            Self::ContactMissing => 9,
            Self::NotLicensed(..) => 10,
            Self::SiteNotNamed => 11,
            Self::OtherKind | Self::NotExempt => 12,
            Self::Unbalanced { .. } => 13,
            Self::CutTooLarge => 14,
            Self::ContingencyPlanMissing => 15,
            Self::Late(_) => 16,
            Self::ArisesNowhere(_) => 17,
        }]
    }

    fn text(&self) -> Text {
        match self {
            Self::CodeNotListed(code) => Text::new(format!("{code} 不在名录中"), format!("{code} is not in the catalogue")),
            Self::MethodUnknown(method) => Text::new(format!("没有方式代码 {method}"), format!("There is no method {method}")),
            Self::SameWay(row) => {
                Text::new(format!("与第 {} 行的废物、去向和方式相同", row + 1), format!("Waste, receiver and method are those of row {}", row + 1))
            }
            Self::TableMissing(table) => Text::new(format!("该管理类别应填写表 {table}"), format!("The class of this site asks for table {table}")),
            Self::EditionNotLoaded(known, used) => edition_not_loaded(known, used),
            Self::CodeNotInLoadedEdition(code) => Text::new(
                format!("{code} 不在已载入的名录中，当日版本未载入，无法核实"),
                format!("{code} is not in the loaded edition, and that of the day is not here"),
            ),
            Self::FacilityNotRecorded(code) => Text::new(format!("场所未登记设施 {code}"), format!("The site has no facility {code} on record")),
            Self::NotLicensed(reason, name) => {
                let (zh, en) = reason_of(reason);
                Text::new(format!("{name}：{zh}"), format!("{name}: {en}"))
            }
            Self::NotExempt => Text::new("该单位的豁免环节未经核验", "No officer has verified the exempt stage of this unit"),
            Self::Unbalanced { code, comes_g, goes_g } => {
                let t = |g: &i64| tonnes_text(Grams::try_from(*g).unwrap_or(Grams::MAX));
                let (comes, goes, off) = (t(comes_g), t(goes_g), t(&(comes_g - goes_g).abs()));
                Text::new(
                    format!("{code}：年初贮存与产生共 {comes} 吨，贮存、自行利用处置与转移共 {goes} 吨，相差 {off} 吨"),
                    format!("{code}: {comes} t in store or arising, {goes} t stored, treated or moved; {off} t apart"),
                )
            }
            Self::ArisesNowhere(code) => Text::new(format!("表 A.3 未列出 {code}"), format!("Table A.3 does not have {code}")),
            Self::Late(due_on) => Text::new(format!("应于 {due_on} 前备案"), format!("It was due on {due_on}")),
            Self::ReceiverUnknown
            | Self::ClassUnknown
            | Self::ContactMissing
            | Self::SiteNotNamed
            | Self::OtherKind
            | Self::CutTooLarge
            | Self::ContingencyPlanMissing => Text::new(self.kind().zh, self.kind().en),
        }
    }

    fn law(&self) -> &'static [&'static str] {
        match self {
            Self::NotLicensed(..) | Self::NotExempt => &["eco_code_2026/534", "solid_waste_law_2020/80"],
            Self::ContingencyPlanMissing => &["eco_code_2026/539", "decree_23_2021/9/para2"],
            Self::Late(_) => &["hj_1259_2022/5.2"],
            _ => &[],
        }
    }
}

/// The tables that a class asks for, with their names.
///
/// Legal source: `hj_1259_2022/5.1`.
#[must_use]
pub const fn tables_of(class: ManagementClass) -> &'static [&'static str] {
    match class {
        ManagementClass::KeySupervised => &["A.2", "A.3", "A.4", "A.5", "A.6", "A.7"],
        ManagementClass::Simplified => &["A.3", "A.4", "A.6", "A.7"],
        ManagementClass::Registered => &["A.3", "A.7"],
    }
}

/// Everything that is wrong in a plan, each with its place.
#[must_use]
pub fn check(tables: &PlanTables, facts: &PlanFacts) -> Vec<(String, PlanFault)> {
    let mut found = Vec::new();
    whole(tables, facts, &mut found);
    codes(tables, facts, &mut found);
    for (pointer, method) in tables.methods().filter(|(_, method)| facts.unknown_methods.contains(&method.to_string())) {
        found.push((pointer, PlanFault::MethodUnknown(method)));
    }
    for (pointer, code) in tables.facilities().filter(|(_, code)| !facts.facilities.contains(*code)) {
        found.push((pointer, PlanFault::FacilityNotRecorded(code.to_owned())));
    }
    transfers(tables, facts, &mut found);
    balance(tables, facts, &mut found);
    for (index, _) in tables.a6.iter().enumerate().filter(|(_, row)| row.cut_g > row.planned_g) {
        found.push((format!("/tables/a6/{index}/cut_g"), PlanFault::CutTooLarge));
    }
    found
}

fn whole(tables: &PlanTables, facts: &PlanFacts, found: &mut Vec<(String, PlanFault)>) {
    if facts.is_late {
        found.push((String::new(), PlanFault::Late(facts.due_on)));
    }
    if tables.legal_representative.is_none() {
        found.push(("/tables/legal_representative".into(), PlanFault::ContactMissing));
    }
    if tables.technical_lead.is_none() {
        found.push(("/tables/technical_lead".into(), PlanFault::ContactMissing));
    }
    if !facts.has_contingency_plan {
        found.push((String::new(), PlanFault::ContingencyPlanMissing));
    }
    let Some(class) = facts.class else {
        found.push((String::new(), PlanFault::ClassUnknown));
        return;
    };
    for table in tables_of(class) {
        let (member, is_empty) = match *table {
            "A.2" => ("a2", tables.a2.is_empty()),
            "A.3" => ("a3", tables.a3.is_empty()),
            "A.4" => ("a4", tables.a4.is_empty()),
            // Own use or disposal is a table only where there is any.
            "A.5" => ("a5", tables.a5.is_empty() && tables.a3.iter().flat_map(|row| &row.inside).any(|place| place.way != InnerWay::Storage)),
            "A.6" => ("a6", tables.a6.is_empty()),
            _ => ("a7", tables.a7.is_empty()),
        };
        if is_empty {
            found.push((format!("/tables/{member}"), PlanFault::TableMissing(table)));
        }
    }
}

fn codes(tables: &PlanTables, facts: &PlanFacts, found: &mut Vec<(String, PlanFault)>) {
    if let (Some(known), false) = (&facts.codes.known, facts.codes.is_edition_loaded()) {
        found.push((String::new(), PlanFault::EditionNotLoaded(known.clone(), facts.codes.used.clone().unwrap_or_default())));
    }
    for (pointer, code) in tables.codes() {
        match facts.codes.listing(code) {
            Listing::Listed(_) | Listing::ByIdentification => {}
            Listing::Unlisted => found.push((pointer, PlanFault::CodeNotListed(code))),
            Listing::Unknown => found.push((pointer, PlanFault::CodeNotInLoadedEdition(code))),
        }
    }
}

fn transfers(tables: &PlanTables, facts: &PlanFacts, found: &mut Vec<(String, PlanFault)>) {
    let mut ways = BTreeMap::new();
    for (index, row) in tables.a7.iter().enumerate() {
        let at = format!("/tables/a7/{index}");
        if let Some(first) = ways.get(&(row.code, row.receiver_id, row.method)) {
            found.push((at.clone(), PlanFault::SameWay(*first)));
        } else {
            ways.insert((row.code, row.receiver_id, row.method), index);
        }
        let Some(receiver) = facts.receivers.get(index).and_then(Option::as_ref) else {
            found.push((format!("{at}/receiver_id"), PlanFault::ReceiverUnknown));
            continue;
        };
        if receiver.is_foreign != (row.receiver_kind == ReceiverKind::Foreign) {
            found.push((format!("{at}/receiver_kind"), PlanFault::OtherKind));
            continue;
        }
        match (row.receiver_kind, row.receiver_site_id, &receiver.cover) {
            (ReceiverKind::LicenceHolder, None, _) => found.push((format!("{at}/receiver_site_id"), PlanFault::SiteNotNamed)),
            (ReceiverKind::LicenceHolder, Some(_), Some(Err(reason))) => {
                found.push((at, PlanFault::NotLicensed(Box::new(reason.clone()), receiver.name.clone())));
            }
            (ReceiverKind::ExemptStage, ..) if !receiver.is_exempt => found.push((at, PlanFault::NotExempt)),
            _ => {}
        }
    }
}

/// What arises in the year and what lay there before must be stored, treated or moved. What lay there is known from last year's
/// plan alone; without one, more may go than arises.
fn balance(tables: &PlanTables, facts: &PlanFacts, found: &mut Vec<(String, PlanFault)>) {
    let (mut comes, mut goes): (BTreeMap<WasteCode, i64>, BTreeMap<WasteCode, i64>) = (BTreeMap::new(), BTreeMap::new());
    for row in &tables.a3 {
        *comes.entry(row.code).or_default() += row.planned_g.get();
    }
    let stored = tables.a4.iter().map(|row| (row.code, row.left_g));
    let treated = tables.a5.iter().map(|row| (row.code, row.planned_g));
    let moved = tables.a7.iter().map(|row| (row.code, row.planned_g));
    for (code, mass) in stored.chain(treated).chain(moved) {
        *goes.entry(code).or_default() += mass.get();
    }
    let opening = |code: WasteCode| facts.opening_g.as_ref().and_then(|all| all.get(&code)).copied().unwrap_or(0);
    // A registered site states no stock, so what does not go may lie there.
    let states_stock = facts.class != Some(ManagementClass::Registered);
    for (index, row) in tables.a3.iter().enumerate() {
        if tables.a3.iter().position(|other| other.code == row.code) != Some(index) {
            continue;
        }
        let comes_g = comes.get(&row.code).copied().unwrap_or(0).saturating_add(opening(row.code));
        let goes_g = goes.get(&row.code).copied().unwrap_or(0);
        let is_off = (states_stock && goes_g < comes_g) || (goes_g > comes_g && facts.opening_g.is_some());
        if is_off {
            found.push((format!("/tables/a3/{index}/planned_g"), PlanFault::Unbalanced { code: row.code, comes_g, goes_g }));
        }
    }
    for (pointer, code) in tables.codes() {
        let is_named_before = comes.contains_key(&code) || opening(code) > 0;
        if !is_named_before {
            found.push((pointer, PlanFault::ArisesNowhere(code)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::CodeFact;

    fn tables(value: serde_json::Value) -> PlanTables {
        serde_json::from_value(value).unwrap()
    }

    fn oil(planned_g: i64) -> serde_json::Value {
        json!({ "facility_code": "MF1", "facility_name": "车间", "stage": "检修", "code": "900-249-08", "harmful": "石油烃", "form": "liquid", "planned_g": planned_g })
    }

    fn to(receiver: u128, planned_g: i64) -> serde_json::Value {
        json!({ "code": "900-249-08", "harmful": "石油烃", "form": "liquid", "planned_g": planned_g, "method": "R9", "receiver_kind": "licence_holder", "receiver_id": Uuid::from_u128(receiver) })
    }

    fn facts(class: ManagementClass, receivers: usize) -> PlanFacts {
        let receiver = ReceiverFacts { name: "处置中心".into(), is_foreign: false, route: Route::InProvince, cover: None, is_exempt: false };
        let fact = CodeFact { code: "900-249-08".into(), category: "HW08".into(), name: "其他".into(), hazards: "T,I".into() };
        PlanFacts {
            class: Some(class),
            facilities: BTreeSet::from(["MF1".to_owned()]),
            codes: CodeFacts { known: Some("2021".into()), used: Some("2021".into()), listed: vec![fact] },
            unknown_methods: BTreeSet::new(),
            receivers: vec![Some(receiver); receivers],
            opening_g: None,
            has_contingency_plan: true,
            due_on: NaiveDate::from_ymd_opt(2026, 3, 31).unwrap(),
            is_late: false,
        }
    }

    fn names(found: &[(String, PlanFault)]) -> Vec<(&str, &str)> {
        found.iter().map(|(pointer, fault)| (pointer.as_str(), fault.kind().code)).collect()
    }

    fn contacts(mut value: serde_json::Value) -> PlanTables {
        let person = json!({ "name": "张三", "phone": "0411-87000000" });
        value["legal_representative"] = person.clone();
        value["technical_lead"] = person;
        tables(value)
    }

    #[test]
    fn each_class_is_asked_for_its_own_tables() {
        let missing = |class| {
            let found = check(&contacts(json!({})), &facts(class, 0));
            found.iter().map(|(pointer, _)| pointer.trim_start_matches("/tables/").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(missing(ManagementClass::Registered), ["a3", "a7"]);
        assert_eq!(missing(ManagementClass::Simplified), ["a3", "a4", "a6", "a7"]);
        // Own treatment is a table of those alone that have any.
        assert_eq!(missing(ManagementClass::KeySupervised), ["a2", "a3", "a4", "a6", "a7"]);
    }

    #[test]
    fn a_way_stands_once_and_its_receiver_exists() {
        let plan = contacts(json!({ "a3": [oil(10)], "a7": [to(1, 4), to(2, 5), to(1, 1)] }));
        let mut known = facts(ManagementClass::Registered, 3);
        known.receivers[1] = None;
        let found = check(&plan, &known);
        let stops: Vec<_> = found.iter().filter(|(_, fault)| fault.stops()).map(|(pointer, fault)| (pointer.as_str(), fault.kind().code)).collect();
        assert_eq!(stops, [("/tables/a7/1/receiver_id", "plan-receiver-unknown"), ("/tables/a7/2", "plan-way-twice")]);
    }

    #[test]
    fn what_arises_goes_somewhere_to_the_gram() {
        let stored = |left_g: i64| json!([{ "facility_code": "MF1", "facility_type": "贮存库", "code": "900-249-08", "harmful": "石油烃", "form": "liquid", "packaging": "桶", "left_g": left_g }]);
        let cut = json!([{ "code": "900-249-08", "planned_g": 10, "cut_g": 1, "measures": "改进工艺" }]);
        let off = |left_g: i64, opening: Option<i64>| {
            let plan = contacts(json!({ "a3": [oil(10)], "a4": stored(left_g), "a6": cut, "a7": [to(1, 8)] }));
            let mut known = facts(ManagementClass::Simplified, 1);
            known.opening_g = opening.map(|g| BTreeMap::from([("900-249-08".parse().unwrap(), g)]));
            names(&check(&plan, &known)).iter().any(|(_, code)| *code == "plan-unbalanced")
        };
        assert!(!off(2, None) && off(1, None), "what is left out is told");
        assert!(!off(3, None), "it may have lain there: nobody knows");
        assert!(off(3, Some(0)) && !off(3, Some(1)) && off(3, Some(2)));
    }

    #[test]
    fn a_code_is_refused_only_against_the_catalogue_of_the_day() {
        let mut row = oil(10);
        row["code"] = json!("900-250-08");
        let plan = contacts(json!({ "a3": [row], "a7": [to(1, 10)] }));
        let mut known = facts(ManagementClass::Registered, 1);
        let found = check(&plan, &known);
        assert!(names(&found).contains(&("/tables/a3/0/code", "plan-code-not-listed")));
        assert!(names(&found).contains(&("/tables/a7/0/code", "plan-not-generated")));
        known.codes.known = Some("2025".into());
        let found = check(&plan, &known);
        assert!(!found.iter().any(|(_, fault)| fault.stops()));
        assert!(names(&found).contains(&("/tables/a3/0/code", "plan-code-not-in-loaded-edition")));
    }
}
