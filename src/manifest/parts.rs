//! Parts (联单各部分): what one act seals. A part's canonical bytes are the truth; the header only helps to find it.
//!
//! Every document has a format number `v`. Integers, strings and booleans only, so that canonical form is one form.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::Stage;
use crate::catalogue::code::{MethodCode, WasteCode};
use crate::ledger::WasteForm;
use crate::platform::mass::Grams;
use crate::registry::plate::Plate;

/// Format of today's parts.
pub const PART_FORMAT: i32 = 1;

/// Name of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// 移出信息, sealed by issue.
    Consignment,
    /// 派车信息 of leg n.
    Assignment,
    /// 交付 of leg 1: weighed masses and containers.
    Release,
    /// 接运 of leg n.
    TakeOver,
    /// 换车/交接 from leg n to leg n+1.
    HandOver,
    /// 到达 of leg n.
    Arrival,
    /// 入厂.
    Receipt,
    /// 接受人意见.
    Verdict,
    /// 利用处置 n.
    Treatment,
}

impl PartName {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consignment => "consignment",
            Self::Assignment => "assignment",
            Self::Release => "release",
            Self::TakeOver => "take_over",
            Self::HandOver => "hand_over",
            Self::Arrival => "arrival",
            Self::Receipt => "receipt",
            Self::Verdict => "verdict",
            Self::Treatment => "treatment",
        }
    }
}

/// A party as it was on the day: a later change of name never touches a signed part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// The unit.
    pub unit_id: Uuid,
    /// 统一社会信用代码.
    pub uscc: String,
    /// 单位名称.
    pub name: String,
    /// The site; none for a carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub site_id: Option<Uuid>,
    /// 单位地址.
    pub address: String,
    /// Division of the site.
    pub division: String,
    /// 应急联系电话.
    pub phone: String,
    /// 经办人.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub contact_name: Option<String>,
    /// Outside the system (系统外单位): nobody logs in for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub is_external: bool,
}

/// Stream (废物类别流).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// 危险废物.
    Hazardous,
    /// 医疗废物.
    Medical,
    /// 一般工业固体废物.
    General,
}

impl Stream {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hazardous => "hazardous",
            Self::Medical => "medical",
            Self::General => "general",
        }
    }
}

/// Where the part of a unit outside the system comes from (代录依据): nobody of that unit signs here, so whoever enters its
/// part names the paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// What it is taken from.
    pub source: ProxySource,
    /// Number or place under which it is found again; no name, phone or identity number of a person, for it is kept for ever.
    #[schema(min_length = 2, max_length = 200)]
    pub reference: String,
}

/// What a part is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxySource {
    /// 国家系统或对方系统中的记录.
    OfficialRecord,
    /// 纸质联单扫描件.
    ScannedPaper,
}

/// Who hired the carrier (托运人): only the consignor or the receiver may. Legal source: `decree_23_2021/31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hirer {
    /// 移出人.
    Consignor,
    /// 接受人.
    Receiver,
}

/// How a mass was found (计量依据).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// 地磅.
    Scale,
    /// 容器逐件称重.
    Containers,
    /// 社会公用衡器.
    PublicScale,
    /// 计量装置.
    Meter,
    /// 按车次净重分摊.
    Apportioned,
    /// 估算: warned of and flagged.
    Estimated,
}

/// Why the receiver may take a line (接受依据).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cover {
    /// By licence, for code and method, on the planned day of receipt.
    Licence {
        /// The licence.
        licence_id: Uuid,
        /// 经营许可证编号.
        licence_no: String,
        /// Its scope line, whose account counts the mass.
        licence_line_id: Uuid,
        /// Yearly scale of the line. Unit: grams.
        year_g: Grams,
    },
    /// By a licence that the unit outside the system is said to have; no officer verified it, and no account counts it.
    Claimed {
        /// The licence.
        licence_id: Uuid,
        /// 经营许可证编号.
        licence_no: String,
        /// Whence it is known.
        source: String,
    },
    /// By an exemption of this stage, its condition confirmed (豁免环节).
    Exemption {
        /// Number in the exemption list.
        seq: i32,
        /// Stage.
        stage: Stage,
        /// The condition as confirmed.
        condition: String,
    },
    /// To a unit abroad, by a notice that approves the export (出口核准通知单).
    Export {
        /// The notice.
        export_notice_id: Uuid,
        /// 出口核准通知单编号.
        approval_no: String,
    },
    /// Back to the own site (退回): no licence is asked.
    OwnSite,
    /// Nothing covered it: only a back-entry of what had happened anyway.
    NotCovered,
}

/// A waste line (废物明细).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Number on the manifest, from 1.
    pub line: i32,
    /// 废物代码.
    pub waste_code: WasteCode,
    /// Edition of the catalogue in force on the planned move-out day.
    pub edition_in_force: String,
    /// Edition against which the code was checked.
    pub edition_used: String,
    /// 废物名称.
    pub name: String,
    /// 废物类别, for example HW08.
    pub category: String,
    /// 危险特性 as the catalogue prints it, comma and slash kept apart.
    pub hazards: String,
    /// 有害成分名称.
    pub harmful: String,
    /// 形态.
    pub form: WasteForm,
    /// 包装方式.
    pub packaging: String,
    /// 包装数量.
    pub packages: i32,
    /// 移出量, as declared. Unit: grams.
    pub declared_g: Grams,
    /// 利用处置方式代码.
    pub method: MethodCode,
    /// Why the receiver may take it.
    pub cover: Cover,
    /// The flow of the management plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub plan_flow: Option<FlowUsed>,
    /// The cross-province approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub approval: Option<ApprovalUsed>,
}

/// The flow of the management plan (管理计划转移去向) on which a line rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowUsed {
    /// The flow.
    pub flow_id: Uuid,
    /// Planned for the year. Unit: grams.
    pub planned_g: Grams,
}

/// The cross-province approval (跨省转移批准) on which a line rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalUsed {
    /// The approval.
    pub approval_id: Uuid,
    /// 批准文号.
    pub decision_no: String,
    /// Unit: grams.
    pub approved_g: Grams,
}

/// Why there is a manifest after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// 退回 to the consignor's own site.
    Return,
    /// 改送 to another receiver.
    ReConsignment,
}

impl LinkKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::ReConsignment => "re_consignment",
        }
    }
}

/// The manifest whose refused mass this one carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Kind.
    pub kind: LinkKind,
    /// The refused manifest.
    pub manifest_id: Uuid,
    /// Who has custody and releases (持有人): the refusing receiver, or the carrier whose load was turned back on the road.
    pub holder: Party,
}

/// 移出信息.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consignment {
    /// Stream.
    pub stream: Stream,
    /// 移出人.
    pub consignor: Party,
    /// 接受人.
    pub receiver: Party,
    /// 承运人 of leg 1.
    pub carrier: Party,
    /// 托运人.
    pub hirer: Hirer,
    /// 废物明细.
    pub lines: Vec<Line>,
    /// Planned day of move-out.
    pub planned_departure_on: NaiveDate,
    /// Planned day of receipt; the licence must be in force on it.
    pub planned_receipt_on: NaiveDate,
    /// 应急措施. Legal source: `decree_23_2021/10`.
    pub emergency_measures: String,
    /// Set on a return or re-consignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub link: Option<Link>,
    /// Set where it was begun for a consignor outside the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub elsewhere: Option<Elsewhere>,
}

/// What stands for the signature of a consignor outside the system (系统外移出人), whose papers are held elsewhere: at least
/// one of the two numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Elsewhere {
    /// 国家联单编号 that the national system gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub official_no: Option<String>,
    /// 纸质联单编号.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub paper_no: Option<String>,
    /// 跨省转移批准文号, as the consignor names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub approval_no: Option<String>,
}

impl Consignment {
    /// The site that the waste leaves: of the holder on a return, else of the consignor.
    #[must_use]
    pub fn departure(&self) -> &Party {
        self.link.as_ref().map_or(&self.consignor, |link| &link.holder)
    }
    /// A line by its number.
    #[must_use]
    pub fn line(&self, line: i32) -> Option<&Line> {
        self.lines.iter().find(|one| one.line == line)
    }
}

/// A place in evidence. Unit: 1e-7 degrees, WGS-84.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Latitude. Unit: 1e-7 degrees.
    #[schema(minimum = -900_000_000, maximum = 900_000_000)]
    pub lat_e7: i64,
    /// Longitude. Unit: 1e-7 degrees.
    #[schema(minimum = -1_800_000_000, maximum = 1_800_000_000)]
    pub lon_e7: i64,
}

/// What the papers of vehicle and people said on the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperShown {
    /// Which paper.
    pub paper: String,
    /// Number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub no: Option<String>,
    /// `held`, `expired` or `missing`.
    pub finding: String,
    /// Last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub valid_to: Option<NaiveDate>,
}

/// 派车信息: the trip of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// Leg, from 1.
    pub leg_no: i32,
    /// The trip.
    pub trip_id: Uuid,
    /// 承运人.
    pub carrier: Party,
    /// 牌号.
    pub plate: Plate,
    /// The driver's account; none where the carrier is outside the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub driver_id: Option<Uuid>,
    /// 驾驶员.
    pub driver_name: String,
    /// 押运员.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub escort_name: Option<String>,
    /// 危险货物运单编号.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub waybill_no: Option<String>,
    /// 运输起点.
    pub from: String,
    /// 运输终点.
    pub to: String,
    /// 经由地.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub via: Option<String>,
    /// Rated load. Unit: grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub rated_load_g: Option<Grams>,
    /// Papers as they were on the day.
    pub papers: Vec<PaperShown>,
}

/// A container as seen; its code is opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerMass {
    /// Code on the label.
    #[schema(min_length = 1, max_length = 60)]
    pub code: String,
    /// Unit: grams.
    pub mass_g: Grams,
}

/// A line as released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedLine {
    /// Line.
    pub line: i32,
    /// 移出量, weighed. Unit: grams.
    pub released_g: Grams,
    /// How it was found.
    pub basis: Basis,
    /// Containers on the vehicle.
    pub containers: Vec<ContainerMass>,
}

/// 交付.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// Lines.
    pub lines: Vec<ReleasedLine>,
    /// 交付时间.
    pub released_at: DateTime<Utc>,
    /// Set when release went on in outage mode: the paper number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub paper_no: Option<String>,
}

/// A step of the driver on a leg: taking over or arriving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoadStep {
    /// Leg.
    pub leg_no: i32,
    /// 牌号, as the driver sees it.
    pub plate: Plate,
    /// When.
    pub at: DateTime<Utc>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub place: Option<Place>,
    /// Why the dispatcher signed in the driver's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub instead_of_driver: Option<String>,
    /// Set when the signature came after a later party had gone on.
    pub is_late: bool,
    /// Set when the receiver's gate recorded the arrival in the driver's place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub by_gate: bool,
}

/// 换车/交接 on the road.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandOver {
    /// The leg that ends.
    pub leg_no: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub place: Option<Place>,
    /// Why: breakdown, multimodal transport.
    pub reason: String,
}

/// A signature that the receiver did not wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// The act.
    pub act: String,
    /// Leg.
    pub leg_no: i32,
    /// Whose signature is missing.
    pub unit_id: Uuid,
    /// Why it was skipped.
    pub reason: String,
}

/// A weighing that a receipt leans on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WeighingRef {
    /// The trip.
    pub trip_id: Uuid,
    /// Place in the trip's chain.
    pub seq: i64,
    /// Hash of that event, hex.
    pub hash: String,
}

/// A line as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedLine {
    /// Line.
    pub line: i32,
    /// Unit: grams.
    pub weighed_g: Grams,
    /// How it was found.
    pub basis: Basis,
    /// Codes of the containers seen.
    pub containers_seen: Vec<String>,
}

/// 入厂.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// 接受时间: starts the five working days of `decree_23_2021/18`.
    pub received_at: DateTime<Utc>,
    /// Lines, with provisional masses.
    pub lines: Vec<ReceivedLine>,
    /// Weighings that were used.
    pub weighings: Vec<WeighingRef>,
    /// Signatures that were not waited for.
    pub skipped: Vec<Skipped>,
}

impl Receipt {
    /// Whether a weighing of the trip gave the mass of a line.
    #[must_use]
    pub fn is_weighed(&self) -> bool {
        self.lines.iter().any(|line| matches!(line.basis, Basis::Scale | Basis::Apportioned))
    }
}

/// What the receiver decides on a line (处理意见).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// 接受.
    All,
    /// 部分接受.
    Part,
    /// 拒绝.
    None,
}

impl Decision {
    /// Whether an accepted mass says the same as the decision.
    #[must_use]
    pub const fn fits(self, accepted_g: i64, weighed_g: i64) -> bool {
        match self {
            Self::All => accepted_g == weighed_g && accepted_g > 0,
            Self::Part => accepted_g > 0 && accepted_g < weighed_g,
            Self::None => accepted_g == 0,
        }
    }
}

/// The five attributes in which a load may differ (是否存在重大差异). Legal source: `decree_23_2021/18`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// 名称.
    Name,
    /// 数量.
    Mass,
    /// 特性.
    Hazard,
    /// 形态.
    Form,
    /// 包装方式.
    Packaging,
}

/// Why a line was not accepted whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// 与联单不符.
    DiffersFromManifest,
    /// 超出许可范围.
    OutsideLicence,
    /// 包装破损或标签缺失.
    PackagingOrLabel,
    /// 不能利用处置.
    NotTreatable,
    /// 贮存能力不足.
    NoCapacity,
    /// 其他.
    Other,
}

/// 接受人意见 on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineVerdict {
    /// Line.
    pub line: i32,
    /// Decision.
    pub decision: Decision,
    /// Unit: grams.
    pub weighed_g: Grams,
    /// How it was found.
    pub basis: Basis,
    /// 接受量. Unit: grams.
    pub accepted_g: Grams,
    /// 拟利用处置方式.
    pub method: MethodCode,
    /// Attributes that differ from the manifest.
    pub differs: Vec<Attribute>,
    /// Why not whole.
    pub reasons: Vec<RefusalReason>,
    /// In the receiver's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub note: Option<String>,
}

impl LineVerdict {
    /// Whether it rests on another reason that nobody put in words.
    #[must_use]
    pub fn lacks_note(&self) -> bool {
        self.reasons.contains(&RefusalReason::Other) && self.note.as_ref().is_none_or(|note| note.trim().is_empty())
    }
    /// What stays with the holder. Unit: grams.
    #[must_use]
    pub fn refused_g(&self) -> i64 {
        self.weighed_g.get() - self.accepted_g.get()
    }
}

/// 接受信息.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Lines.
    pub lines: Vec<LineVerdict>,
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
    /// Last day on which it was in time.
    pub due_on: NaiveDate,
    /// Whether it came later.
    pub is_late: bool,
}

impl Verdict {
    /// Accepted in all. Unit: grams.
    #[must_use]
    pub fn accepted_g(&self) -> i64 {
        self.lines.iter().map(|line| line.accepted_g.get()).sum()
    }
    /// Refused in all. Unit: grams.
    #[must_use]
    pub fn refused_g(&self) -> i64 {
        self.lines.iter().map(LineVerdict::refused_g).sum()
    }
}

/// 利用处置记录.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Treatment {
    /// Number, from 1.
    pub no: i32,
    /// Line.
    pub line: i32,
    /// 利用处置方式代码.
    pub method: MethodCode,
    /// Unit: grams.
    pub treated_g: Grams,
    /// 批次.
    pub batch: String,
    /// 完毕时间.
    pub done_at: DateTime<Utc>,
}
