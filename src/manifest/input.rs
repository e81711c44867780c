//! What callers send to the acts of a manifest, parsed into types at the edge.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::findings::Confirmation;
use super::number::{ManifestNumber, PaperNo};
use super::parts::{Attribute, Basis, ContainerMass, Decision, Hirer, LinkKind, PartName, Place, Proxy, RefusalReason};
use crate::catalogue::Stage;
use crate::catalogue::code::{MethodCode, WasteCode};
use crate::ledger::WasteForm;
use crate::platform::mass::{Grams, MassInput};
use crate::registry::plate::Plate;

/// The receiver's exemption (豁免环节), its condition confirmed by the consignor.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptionClaim {
    /// Number in the exemption list.
    #[schema(minimum = 1, maximum = 100)]
    pub seq: i32,
    /// Stage of the exemption: `use` (利用) or `disposal` (处置).
    pub stage: Stage,
    /// The condition, confirmed in the consignor's words.
    #[schema(min_length = 2, max_length = 500)]
    pub condition: String,
}

/// A waste line to be issued.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineInput {
    /// 废物代码.
    pub waste_code: WasteCode,
    /// 废物名称; the catalogue's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// 有害成分名称.
    #[schema(min_length = 1, max_length = 200)]
    pub harmful: String,
    /// 形态.
    pub form: WasteForm,
    /// 包装方式.
    #[schema(min_length = 1, max_length = 60)]
    pub packaging: String,
    /// 包装数量; 0 for what is carried loose (散装).
    #[schema(minimum = 0, maximum = 100_000)]
    pub packages: i32,
    /// 移出量: grams, or `{"v": "1.25", "u": "t"}`.
    pub declared_g: MassInputDoc,
    /// 利用处置方式代码.
    pub method: MethodCode,
    /// Where the receiver needs no licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub exemption: Option<ExemptionClaim>,
}

/// A mass as a draft keeps it: read in any unit, written in grams.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct MassInputDoc(pub MassInput);

impl MassInputDoc {
    /// Unit: grams.
    #[must_use]
    pub fn grams(&self) -> Grams {
        self.0.grams()
    }
}
impl Serialize for MassInputDoc {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.grams().serialize(serializer)
    }
}
impl utoipa::PartialSchema for MassInputDoc {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        MassInput::schema()
    }
}
impl ToSchema for MassInputDoc {
    fn name() -> std::borrow::Cow<'static, str> {
        MassInput::name()
    }
}

/// A manifest to be issued; also the document of a draft.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueManifest {
    /// The site that the waste leaves.
    pub consignor_site_id: Uuid,
    /// The site to which it goes.
    pub receiver_site_id: Uuid,
    /// 承运人 of the first leg.
    pub carrier_id: Uuid,
    /// 托运人.
    pub hirer: Hirer,
    /// 废物明细.
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<LineInput>,
    /// Planned day of move-out.
    pub planned_departure_on: NaiveDate,
    /// Planned day of receipt.
    pub planned_receipt_on: NaiveDate,
    /// 应急措施.
    #[schema(min_length = 2, max_length = 1_000)]
    pub emergency_measures: String,
    /// 经办人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, min_length = 1, max_length = 60)]
    pub contact_name: Option<String>,
    /// Warnings that are confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20)]
    pub confirmed: Vec<Confirmation>,
    /// Where it comes from, if the receiver begins it for a consignor outside the system; else absent (代录依据).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
    /// 国家联单编号 of a consignor outside the system; in a back-entry of anybody, if the national system gave it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub official_no: Option<ManifestNumber>,
    /// 纸质联单编号 of a consignor outside the system, where there is no national number; a back-entry names its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub paper_no: Option<PaperNo>,
    /// 跨省转移批准文号 of a consignor outside the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, min_length = 2, max_length = 60)]
    pub approval_no: Option<String>,
}

/// "The same as last week": a manifest made from an earlier one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// How many.
    #[serde(default = "one")]
    #[schema(required = false, minimum = 1, maximum = 50)]
    pub count: u32,
    /// Planned day of move-out.
    pub planned_departure_on: NaiveDate,
    /// Planned day of receipt.
    pub planned_receipt_on: NaiveDate,
    /// Other masses than those of the earlier one.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub masses: Vec<LineMassInput>,
}
const fn one() -> u32 {
    1
}

/// Issue at once what an earlier manifest says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueLike {
    /// The earlier manifest.
    pub like: Uuid,
    /// Planned day of move-out.
    pub planned_departure_on: NaiveDate,
    /// Planned day of receipt.
    pub planned_receipt_on: NaiveDate,
    /// Other masses than those of the earlier one.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub masses: Vec<LineMassInput>,
    /// Warnings that are confirmed.
    #[serde(default)]
    #[schema(required = false, max_items = 20)]
    pub confirmed: Vec<Confirmation>,
}

/// A mass for a line.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineMassInput {
    /// Line, from 1.
    #[schema(minimum = 1, maximum = 50)]
    pub line: i32,
    /// Grams, or `{"v": "1.25", "u": "t"}`.
    pub mass_g: MassInputDoc,
}

/// The vehicle and crew of a leg.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TripInput {
    /// An open trip of the same carrier and plate to join; a new one without it.
    #[serde(default)]
    #[schema(required = false)]
    pub trip_id: Option<Uuid>,
    /// 牌号.
    pub plate: Plate,
    /// The driver's account.
    #[serde(default)]
    #[schema(required = false)]
    pub driver_id: Option<Uuid>,
    /// 驾驶员; needed where no account is named.
    #[serde(default)]
    #[schema(required = false, min_length = 1, max_length = 60)]
    pub driver_name: Option<String>,
    /// 押运员.
    #[serde(default)]
    #[schema(required = false, min_length = 1, max_length = 60)]
    pub escort_name: Option<String>,
    /// 危险货物运单编号.
    #[serde(default)]
    #[schema(required = false, min_length = 1, max_length = 60)]
    pub waybill_no: Option<String>,
    /// 经由地.
    #[serde(default)]
    #[schema(required = false, min_length = 1, max_length = 200)]
    pub via: Option<String>,
}

/// 派车.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// The trip.
    pub trip: TripInput,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// A line to be released.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLineInput {
    /// Line.
    #[schema(minimum = 1, maximum = 50)]
    pub line: i32,
    /// 移出量.
    pub released_g: MassInputDoc,
    /// How it was found.
    pub basis: Basis,
    /// Containers on the vehicle.
    #[serde(default)]
    #[schema(required = false, max_items = 500)]
    pub containers: Vec<ContainerMass>,
}

/// 交付.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLoad {
    /// Every line.
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<ReleaseLineInput>,
    /// Paper number, where outage mode is on or there is no national number yet.
    #[serde(default)]
    #[schema(required = false)]
    pub paper_no: Option<PaperNo>,
    /// Warnings that are confirmed.
    #[serde(default)]
    #[schema(required = false, max_items = 20)]
    pub confirmed: Vec<Confirmation>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// A step of the driver.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DriverStep {
    /// 牌号, as the driver sees it.
    pub plate: Plate,
    /// Where.
    #[serde(default)]
    #[schema(required = false)]
    pub place: Option<Place>,
    /// When, from a device that had no signal.
    #[serde(default)]
    #[schema(required = false)]
    pub claimed_at: Option<DateTime<Utc>>,
    /// Why the dispatcher signs in the driver's place.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 400)]
    pub instead_of_driver: Option<String>,
    /// Codes of the containers seen.
    #[serde(default)]
    #[schema(required = false, max_items = 2_000)]
    pub containers_seen: Option<Vec<String>>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// A reason in words.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithReason {
    /// Why.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
}

/// Something is not done after all (撤回、拒运、取消).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBack {
    /// Why.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 换车/交接.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverLoad {
    /// Why.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
    /// Carrier of the next leg; the same without it.
    #[serde(default)]
    #[schema(required = false)]
    pub carrier_id: Option<Uuid>,
    /// Vehicle and crew of the next leg.
    pub trip: TripInput,
    /// Where.
    #[serde(default)]
    #[schema(required = false)]
    pub place: Option<Place>,
    /// When, from a device that had no signal.
    #[serde(default)]
    #[schema(required = false)]
    pub claimed_at: Option<DateTime<Utc>>,
    /// Why the dispatcher signs in the driver's place.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 400)]
    pub instead_of_driver: Option<String>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// Why a load could not be received.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotReceivedReason {
    /// 停止接收.
    Closed,
    /// 设备故障.
    Breakdown,
    /// 天气.
    Weather,
}

/// 未入厂.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotReceivedLoad {
    /// Why.
    pub reason: NotReceivedReason,
    /// In words.
    #[serde(default)]
    #[schema(required = false, min_length = 1, max_length = 400)]
    pub note: Option<String>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// Which bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeighingSide {
    /// At the place of departure.
    Departure,
    /// At the receiver's.
    Receipt,
    /// A public scale.
    Public,
}

/// 过磅.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeighTrip {
    /// 毛重.
    pub gross_g: MassInputDoc,
    /// 皮重.
    pub tare_g: MassInputDoc,
    /// Which bridge.
    pub side: WeighingSide,
    /// Name or number of the scale.
    #[schema(min_length = 1, max_length = 60)]
    pub scale: String,
    /// When, from a bridge that had no signal.
    #[serde(default)]
    #[schema(required = false)]
    pub claimed_at: Option<DateTime<Utc>>,
}

/// Strike out a wrong weighing.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StrikeWeighing {
    /// Its place in the trip's chain.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Why.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
}

/// 入厂. Masses come from the trip's weighings; without one they are the released masses, marked estimated.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveLoad {
    /// When, from a gate that had no signal.
    #[serde(default)]
    #[schema(required = false)]
    pub claimed_at: Option<DateTime<Utc>>,
    /// Masses by line; from container weighings where `containers_seen` names containers of the line, else estimated.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub masses: Vec<LineMassInput>,
    /// Codes of the containers seen.
    #[serde(default)]
    #[schema(required = false, max_items = 2_000)]
    pub containers_seen: Option<Vec<String>>,
    /// Why signatures before this one are missing.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 400)]
    pub skip_reason: Option<String>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 接受人意见 on a line.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictInput {
    /// Line.
    #[schema(minimum = 1, maximum = 50)]
    pub line: i32,
    /// Decision.
    pub decision: Decision,
    /// 接受量; the weighed mass without it where all is accepted, nothing where none is.
    #[serde(default)]
    #[schema(required = false)]
    pub accepted_g: Option<MassInputDoc>,
    /// 拟利用处置方式; the consignor's without it.
    #[serde(default)]
    #[schema(required = false)]
    pub method: Option<MethodCode>,
    /// Attributes that differ; the mass is compared by the program.
    #[serde(default)]
    #[schema(required = false, max_items = 5)]
    pub differs: Vec<Attribute>,
    /// Why not whole.
    #[serde(default)]
    #[schema(required = false, max_items = 6)]
    pub reasons: Vec<RefusalReason>,
    /// In words.
    #[serde(default)]
    #[schema(required = false, min_length = 1, max_length = 400)]
    pub note: Option<String>,
}

/// 确认接受. Without lines everything is accepted as weighed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmLoad {
    /// A verdict for every line; empty accepts all.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub lines: Vec<VerdictInput>,
    /// When, from a gate that had no signal.
    #[serde(default)]
    #[schema(required = false)]
    pub claimed_at: Option<DateTime<Utc>>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 利用处置记录.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TreatLine {
    /// Line.
    #[schema(minimum = 1, maximum = 50)]
    pub line: i32,
    /// 利用处置方式代码.
    pub method: MethodCode,
    /// Mass.
    pub treated_g: MassInputDoc,
    /// 批次.
    #[schema(min_length = 1, max_length = 60)]
    pub batch: String,
    /// When it was done, if not now.
    #[serde(default)]
    #[schema(required = false)]
    pub done_at: Option<DateTime<Utc>>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 补签: a signature that the receiver did not wait for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignLate {
    /// 牌号, for a driver's step.
    #[serde(default)]
    #[schema(required = false)]
    pub plate: Option<Plate>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// Why it comes late.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 事故报告 in two fields.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportIncident {
    /// What happened.
    pub kind: IncidentKind,
    /// Where, in words.
    #[schema(min_length = 2, max_length = 200)]
    pub place: String,
    /// Division of the place; that of departure without it.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 12)]
    pub division: Option<String>,
}

/// 事故知悉.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeIncident {
    /// What is being done about it.
    #[schema(min_length = 2, max_length = 400)]
    pub measures: String,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 差异报告; lines, attributes and masses are those of the verdict.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportDiscrepancy {
    /// What the receiver adds to it.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 400)]
    pub note: Option<String>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 差异知悉.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeDiscrepancy {
    /// What is being done about it.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 400)]
    pub note: Option<String>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 去向核实.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckFate {
    /// What the receiver answered.
    #[serde(default)]
    #[schema(required = false, min_length = 2, max_length = 400)]
    pub note: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// 泄漏.
    Leak,
    /// 交通事故.
    TrafficAccident,
    /// 火灾或爆炸.
    Fire,
    /// 丢失或被盗.
    Loss,
    /// 其他.
    Other,
}

/// 国家联单编号.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOfficialNo {
    /// 14 digits: year, prefecture of departure, serial.
    pub official_no: ManifestNumber,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 退回或改送.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendOn {
    /// Back to the consignor's own site, or on to another receiver.
    pub kind: LinkKind,
    /// The site to which it goes; the consignor's own on a return.
    #[serde(default)]
    #[schema(required = false)]
    pub receiver_site_id: Option<Uuid>,
    /// 承运人.
    pub carrier_id: Uuid,
    /// How the original consignor agreed beforehand: letter, call, number.
    #[schema(min_length = 2, max_length = 200)]
    pub consignor_agreed: String,
    /// Planned day of move-out.
    pub planned_departure_on: NaiveDate,
    /// Planned day of receipt.
    pub planned_receipt_on: NaiveDate,
    /// Warnings that are confirmed.
    #[serde(default)]
    #[schema(required = false, max_items = 20)]
    pub confirmed: Vec<Confirmation>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default)]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// 补录 of a paper manifest, as far as the paper proves.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackEnter {
    /// What the paper says of the consignment. Its planned days become those on which it happened: law is judged by them.
    pub manifest: IssueManifest,
    /// Paper number.
    pub paper_no: PaperNo,
    /// Why paper was used.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
    /// 牌号 and crew.
    pub trip: TripInput,
    /// 交付时间.
    pub released_at: DateTime<Utc>,
    /// 到达时间.
    #[serde(default)]
    #[schema(required = false)]
    pub arrived_at: Option<DateTime<Utc>>,
    /// 接受时间, where the paper has the receiver's part.
    #[serde(default)]
    #[schema(required = false)]
    pub received_at: Option<DateTime<Utc>>,
}

/// A change of one place in a part.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Part.
    pub part: PartName,
    /// Number of the part.
    #[schema(minimum = 1, maximum = 50)]
    pub part_no: i32,
    /// JSON pointer into its content; `*` is an index from 0. These may be corrected:
    /// `consignment`: `/lines/*/declared_g`, `/lines/*/name`, `/lines/*/harmful`, `/lines/*/form`, `/lines/*/packaging`, `/lines/*/packages`, `/emergency_measures`, `/consignor/contact_name`, `/consignor/phone`.
    /// `assignment`: `/driver_name`, `/escort_name`, `/waybill_no`, `/via`.
    /// `release`: `/lines/*/released_g`, `/lines/*/basis`.
    /// `receipt`: `/lines/*/weighed_g`, `/lines/*/basis`.
    /// `verdict`: `/lines/*/weighed_g`, `/lines/*/accepted_g`, `/lines/*/decision`, `/lines/*/note`, `/lines/*/reasons`.
    /// `treatment`: `/treated_g`, `/batch`.
    #[schema(min_length = 2, max_length = 100)]
    pub pointer: String,
    /// The new value.
    pub value: serde_json::Value,
}

/// 更正.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeCorrection {
    /// What changes.
    #[schema(min_items = 1, max_items = 20)]
    pub changes: Vec<Change>,
    /// Why.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
}

/// release + take_over on one device at the loading place.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadTogether {
    /// The consignor's part.
    pub release: ReleaseLoad,
    /// The driver's part.
    pub take_over: DriverStep,
    /// The driver's login on this device: his own access token.
    #[schema(min_length = 10, max_length = 2_000)]
    pub driver_token: String,
}

/// The arrival, as the gate tells of it or the driver signs it by his code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateArrival {
    /// Where.
    #[serde(default)]
    #[schema(required = false)]
    pub place: Option<Place>,
    /// When, from a gate that had no signal.
    #[serde(default)]
    #[schema(required = false)]
    pub claimed_at: Option<DateTime<Utc>>,
    /// The driver's one-time code for `arrive`; without it the gate tells of the arrival, and it is flagged.
    #[serde(default)]
    #[schema(required = false, min_length = 8, max_length = 8)]
    pub driver_code: Option<String>,
}

/// arrive + weigh + receive + confirm at the gate.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The arrival, where nobody has told of it yet.
    #[serde(default)]
    #[schema(required = false)]
    pub arrive: Option<GateArrival>,
    /// The weighing.
    #[serde(default)]
    #[schema(required = false)]
    pub weigh: Option<WeighTrip>,
    /// The receipt.
    pub receive: ReceiveLoad,
    /// The verdict, where the signatory is at the gate.
    #[serde(default)]
    #[schema(required = false)]
    pub confirm: Option<ConfirmLoad>,
}

/// One of many confirmations.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmItem {
    /// The manifest.
    pub manifest_id: Uuid,
    /// The version seen.
    #[schema(minimum = 1)]
    pub version: i64,
    /// The verdict; without lines everything is accepted as weighed.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub lines: Vec<VerdictInput>,
    /// Where the part comes from, if it is entered for a unit outside the system; else absent (代录依据).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub proxy: Option<Proxy>,
}

/// Many confirmations by one signature.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmMany {
    /// Each is an act of its own with its own result.
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<ConfirmItem>,
}
