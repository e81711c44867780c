//! The one table of acts (操作表) and the one table of rules (规则表): policy, `next`, tasks and `docs/acts.md` read
//! them, so a lawyer reads what the program does.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::PartName;
use crate::identity::{Role, Roles};
use crate::platform::lang::Lang;
use crate::platform::problem::Kind;

/// Where a manifest stands (联单状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 已提交.
    Issued,
    /// 已交付待接运.
    Offered,
    /// 运输中.
    InTransit,
    /// 已到达.
    Arrived,
    /// 已入厂待确认.
    Received,
    /// 已确认接受.
    Confirmed,
    /// 部分接受.
    PartlyConfirmed,
    /// 已拒收.
    Refused,
    /// 已利用处置.
    Treated,
    /// 已取消.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Issued,
        Self::Offered,
        Self::InTransit,
        Self::Arrived,
        Self::Received,
        Self::Confirmed,
        Self::PartlyConfirmed,
        Self::Refused,
        Self::Treated,
        Self::Cancelled,
    ];
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Offered => "offered",
            Self::InTransit => "in_transit",
            Self::Arrived => "arrived",
            Self::Received => "received",
            Self::Confirmed => "confirmed",
            Self::PartlyConfirmed => "partly_confirmed",
            Self::Refused => "refused",
            Self::Treated => "treated",
            Self::Cancelled => "cancelled",
        }
    }
    /// Reads what [`Self::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// In what relation an actor stands to a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// 移出人.
    Consignor,
    /// 承运人 of the leg in question.
    Carrier,
    /// 接受人.
    Receiver,
    /// 持有人 on a return or re-consignment.
    Holder,
    /// 移出地主管部门.
    OfficerOfDeparture,
    /// 接受地主管部门.
    OfficerOfReceipt,
    /// 事故发生地主管部门.
    OfficerOfPlace,
}

impl Relation {
    /// As stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consignor => "consignor",
            Self::Carrier => "carrier",
            Self::Receiver => "receiver",
            Self::Holder => "holder",
            Self::OfficerOfDeparture => "officer_of_departure",
            Self::OfficerOfReceipt => "officer_of_receipt",
            Self::OfficerOfPlace => "officer_of_place",
        }
    }
}

/// An act upon a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// 提交.
    Issue,
    /// 派车.
    Assign,
    /// 交付.
    Release,
    /// 撤回交付.
    Withdraw,
    /// 接运.
    TakeOver,
    /// 拒运.
    RefuseTakeOver,
    /// 换车/交接.
    HandOver,
    /// 到达.
    Arrive,
    /// 未入厂.
    NotReceived,
    /// 过磅 (of the trip).
    Weigh,
    /// 入厂.
    Receive,
    /// 确认接受.
    Confirm,
    /// 利用处置.
    RecordTreatment,
    /// 退回/改送.
    SendOn,
    /// 途中退回/改送.
    TurnBack,
    /// 补签.
    SignLate,
    /// 取消.
    Cancel,
    /// 作废.
    Void,
    /// 补录.
    BackEnter,
    /// 更正.
    Correct,
    /// 同意更正.
    Agree,
    /// 不同意更正.
    Disagree,
    /// 事故报告.
    ReportIncident,
    /// 事故知悉.
    AcknowledgeIncident,
    /// 差异报告.
    ReportDiscrepancy,
    /// 差异知悉.
    AcknowledgeDiscrepancy,
    /// 去向核实.
    CheckFate,
    /// 登记国家联单编号.
    RecordOfficialNo,
}

/// Gate acts may refuse for law: the lorry stands still. Fact acts never do. The rest needs the line and is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActClass {
    /// 关口操作.
    Gate,
    /// 事实操作.
    Fact,
    /// 其他.
    Other,
}

/// One row of the act table.
pub struct ActRule {
    /// The act.
    pub act: Act,
    /// Its name on paper.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// Class.
    pub class: ActClass,
    /// States in which it is possible.
    pub from: &'static [State],
    /// Who may: any pair of relation and role.
    pub by: &'static [(Relation, Role)],
    /// The part that it seals.
    pub seals: Option<PartName>,
    /// Where the duty or the right stands.
    pub law: &'static [&'static str],
}

const BEFORE_RECEIPT: &[State] = &[State::Issued, State::Offered, State::InTransit, State::Arrived];
const NOT_CANCELLED: &[State] = &[
    State::Issued,
    State::Offered,
    State::InTransit,
    State::Arrived,
    State::Received,
    State::Confirmed,
    State::PartlyConfirmed,
    State::Refused,
    State::Treated,
];
const AFTER_RELEASE: &[State] =
    &[State::Offered, State::InTransit, State::Arrived, State::Received, State::Confirmed, State::PartlyConfirmed, State::Refused, State::Treated];
const AFTER_VERDICT: &[State] = &[State::Confirmed, State::PartlyConfirmed, State::Refused, State::Treated];
const ANY_PARTY: &[(Relation, Role)] = &[
    (Relation::Consignor, Role::Clerk),
    (Relation::Consignor, Role::Signatory),
    (Relation::Carrier, Role::Dispatcher),
    (Relation::Carrier, Role::Driver),
    (Relation::Receiver, Role::Clerk),
    (Relation::Receiver, Role::Signatory),
    (Relation::Receiver, Role::Weigher),
    (Relation::Holder, Role::Clerk),
    (Relation::Holder, Role::Signatory),
];
const VOICES: &[(Relation, Role)] = &[
    (Relation::Consignor, Role::Signatory),
    (Relation::Carrier, Role::Dispatcher),
    (Relation::Receiver, Role::Signatory),
    (Relation::Holder, Role::Signatory),
    (Relation::OfficerOfDeparture, Role::Manager),
];

macro_rules! acts { ($($act:ident $zh:literal $en:literal $class:ident $from:expr, $by:expr, $seals:expr, $law:expr;)*) => {
    /// Every act upon a manifest.
    pub const ACTS: &[ActRule] = &[$(ActRule { act: Act::$act, zh: $zh, en: $en, class: ActClass::$class, from: $from, by: $by, seals: $seals, law: $law }),*];
} }
acts! {
    Issue "提交" "Issue" Gate &[], &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory)], Some(PartName::Consignment), &["decree_23_2021/14"];
    Assign "派车" "Assign vehicle and crew" Gate &[State::Issued, State::Offered], &[(Relation::Carrier, Role::Dispatcher)], Some(PartName::Assignment), &["decree_23_2021/11"];
    Release "交付" "Release to the carrier" Gate &[State::Issued], &[(Relation::Consignor, Role::Signatory), (Relation::Holder, Role::Signatory), (Relation::Holder, Role::Dispatcher)], Some(PartName::Release), &["decree_23_2021/10", "decree_23_2021/13"];
    Withdraw "撤回" "Withdraw the offer" Other &[State::Offered], &[(Relation::Consignor, Role::Signatory), (Relation::Holder, Role::Signatory), (Relation::Holder, Role::Dispatcher), (Relation::Carrier, Role::Dispatcher)], None, &[];
    TakeOver "接运" "Take over" Gate &[State::Offered], &[(Relation::Carrier, Role::Driver), (Relation::Carrier, Role::Dispatcher)], Some(PartName::TakeOver), &["decree_23_2021/11"];
    RefuseTakeOver "拒运" "Refuse to take over" Other &[State::Offered], &[(Relation::Carrier, Role::Driver), (Relation::Carrier, Role::Dispatcher)], None, &["decree_23_2021/11"];
    HandOver "换车交接" "Hand over to another vehicle" Gate &[State::InTransit], &[(Relation::Carrier, Role::Driver), (Relation::Carrier, Role::Dispatcher)], Some(PartName::HandOver), &["decree_23_2021/17"];
    Arrive "到达" "Arrive" Fact &[State::InTransit], &[(Relation::Carrier, Role::Driver), (Relation::Carrier, Role::Dispatcher), (Relation::Receiver, Role::Weigher), (Relation::Receiver, Role::Signatory)], Some(PartName::Arrival), &["decree_23_2021/11"];
    NotReceived "未入厂" "Not received" Other &[State::InTransit, State::Arrived], &[(Relation::Carrier, Role::Driver), (Relation::Carrier, Role::Dispatcher), (Relation::Receiver, Role::Weigher), (Relation::Receiver, Role::Signatory)], None, &[];
    Weigh "过磅" "Weigh" Fact NOT_CANCELLED, &[(Relation::Receiver, Role::Weigher), (Relation::Consignor, Role::Weigher), (Relation::Holder, Role::Weigher), (Relation::Carrier, Role::Dispatcher)], None, &["decree_23_2021/10", "decree_23_2021/12"];
    Receive "入厂" "Receive at the gate" Fact BEFORE_RECEIPT, &[(Relation::Receiver, Role::Weigher), (Relation::Receiver, Role::Signatory)], Some(PartName::Receipt), &["decree_23_2021/12"];
    Confirm "确认接受" "Confirm acceptance" Fact &[State::Received], &[(Relation::Receiver, Role::Signatory)], Some(PartName::Verdict), &["decree_23_2021/12", "decree_23_2021/18"];
    RecordTreatment "利用处置" "Record use or disposal" Fact &[State::Confirmed, State::PartlyConfirmed], &[(Relation::Receiver, Role::Clerk), (Relation::Receiver, Role::Signatory)], Some(PartName::Treatment), &["decree_23_2021/12"];
    SendOn "退回或改送" "Return or send on" Gate &[State::Refused, State::PartlyConfirmed, State::Treated], &[(Relation::Receiver, Role::Signatory)], None, &[];
    TurnBack "途中退回或改送" "Turn back or send on from the road" Gate &[State::InTransit, State::Refused], &[(Relation::Consignor, Role::Signatory)], None, &[];
    SignLate "补签" "Sign late" Fact &[State::Arrived, State::Received, State::Confirmed, State::PartlyConfirmed, State::Refused, State::Treated], &[(Relation::Carrier, Role::Driver), (Relation::Carrier, Role::Dispatcher), (Relation::Consignor, Role::Signatory), (Relation::Holder, Role::Signatory)], None, &[];
    Cancel "取消" "Cancel" Other &[State::Issued], &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory)], None, &[];
    Void "作废" "Void" Other AFTER_RELEASE, &[(Relation::OfficerOfDeparture, Role::Manager), (Relation::OfficerOfDeparture, Role::Inspector)], None, &[];
    BackEnter "补录" "Enter afterwards from paper" Fact &[], &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory)], None, &["decree_23_2021/20"];
    Correct "更正" "Correct" Other NOT_CANCELLED, &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory), (Relation::Carrier, Role::Dispatcher), (Relation::Receiver, Role::Clerk), (Relation::Receiver, Role::Signatory), (Relation::Receiver, Role::Weigher), (Relation::Holder, Role::Signatory)], None, &[];
    Agree "同意更正" "Agree to the correction" Other NOT_CANCELLED, VOICES, None, &[];
    Disagree "不同意更正" "Disagree with the correction" Other NOT_CANCELLED, VOICES, None, &[];
    ReportIncident "事故报告" "Report an incident" Fact NOT_CANCELLED, ANY_PARTY, None, &["decree_23_2021/9"];
    AcknowledgeIncident "事故知悉" "Acknowledge the incident" Fact NOT_CANCELLED, &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory), (Relation::OfficerOfPlace, Role::Inspector), (Relation::OfficerOfPlace, Role::Manager)], None, &["decree_23_2021/9"];
    ReportDiscrepancy "差异报告" "Report a discrepancy" Fact AFTER_VERDICT, &[(Relation::Receiver, Role::Clerk), (Relation::Receiver, Role::Signatory)], None, &["decree_23_2021/18"];
    AcknowledgeDiscrepancy "差异知悉" "Acknowledge the discrepancy" Fact AFTER_VERDICT, &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory), (Relation::OfficerOfReceipt, Role::Inspector), (Relation::OfficerOfReceipt, Role::Manager)], None, &["decree_23_2021/18"];
    CheckFate "去向核实" "Check what became of it" Other &[State::Confirmed, State::PartlyConfirmed], &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory)], None, &["decree_23_2021/10"];
    RecordOfficialNo "登记国家联单编号" "Record the national number" Other NOT_CANCELLED, &[(Relation::Consignor, Role::Clerk), (Relation::Consignor, Role::Signatory)], None, &["decree_23_2021/15"];
}

impl ActRule {
    /// The act's name in a language.
    #[must_use]
    pub const fn name(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::ZhCn => self.zh,
            Lang::En => self.en,
        }
    }
}

impl Act {
    /// Its row.
    #[must_use]
    pub fn rule(self) -> &'static ActRule {
        // The table has every act (a test says so); the first row keeps this total without a panic.
        ACTS.iter().find(|rule| rule.act == self).unwrap_or(&ACTS[0])
    }
    /// As written in events and paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Assign => "assign",
            Self::Release => "release",
            Self::Withdraw => "withdraw",
            Self::TakeOver => "take_over",
            Self::RefuseTakeOver => "refuse_take_over",
            Self::HandOver => "hand_over",
            Self::Arrive => "arrive",
            Self::NotReceived => "not_received",
            Self::Weigh => "weigh",
            Self::Receive => "receive",
            Self::Confirm => "confirm",
            Self::RecordTreatment => "record_treatment",
            Self::SendOn => "send_on",
            Self::TurnBack => "turn_back",
            Self::SignLate => "sign_late",
            Self::Cancel => "cancel",
            Self::Void => "void",
            Self::BackEnter => "back_enter",
            Self::Correct => "correct",
            Self::Agree => "agree",
            Self::Disagree => "disagree",
            Self::ReportIncident => "report_incident",
            Self::AcknowledgeIncident => "acknowledge_incident",
            Self::ReportDiscrepancy => "report_discrepancy",
            Self::AcknowledgeDiscrepancy => "acknowledge_discrepancy",
            Self::CheckFate => "check_fate",
            Self::RecordOfficialNo => "record_official_no",
        }
    }
    /// Whether any pair of a relation and a role may do it.
    #[must_use]
    pub fn allows(self, relations: &[Relation], roles: Roles) -> bool {
        self.rule().by.iter().any(|(relation, role)| relations.contains(relation) && roles.has(*role))
    }
}

/// What a rule does to an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// 拒绝: the law says may not.
    Refuse,
    /// 须确认的警示: goes on only with `confirmed: [{code, reason}]`.
    MustConfirm,
    /// 警示: in `warnings`, stored.
    Warn,
    /// 标记: in `warnings`, stored, and a flag on the manifest.
    Flag,
}

impl Effect {
    /// As printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::MustConfirm => "must_confirm",
            Self::Warn => "warn",
            Self::Flag => "flag",
        }
    }
}

/// One rule of law or of reason, with its effect on each act.
pub struct Rule {
    /// Stable code, status and titles.
    pub kind: Kind,
    /// Articles of every time; those in force on the day that decides are cited.
    pub law: &'static [&'static str],
    /// Effect on each act that it meets.
    pub effects: &'static [(Act, Effect)],
}

impl Rule {
    /// Its effect on an act.
    #[must_use]
    pub fn effect(&self, act: Act) -> Option<Effect> {
        self.effects.iter().find(|(one, _)| *one == act).map(|(_, effect)| *effect)
    }
}

macro_rules! rules { ($($name:ident = $status:literal $code:literal $zh:literal $en:literal [$($law:literal),*] {$($act:ident: $effect:ident),*};)*) => {
    $(#[doc = $en] pub static $name: Rule = Rule { kind: Kind::new($status, $code, $zh, $en), law: &[$($law),*], effects: &[$((Act::$act, Effect::$effect)),*] };)*
    /// Every rule, in the order of the printed table.
    pub static REQUIREMENTS: &[&Rule] = &[$(&$name),*];
} }
rules! {
    CODE_NOT_LISTED = 422 "waste-code-not-listed" "废物代码不在名录中" "The waste code is not in the catalogue of that day" [] {Issue: Refuse, SendOn: Warn, BackEnter: Flag};
    EDITION_NOT_LOADED = 422 "catalogue-edition-not-loaded" "当日名录版本尚未载入，按最新已载入版本核对" "The day's edition is not loaded; the newest loaded one was used" [] {Issue: Warn, SendOn: Warn, BackEnter: Warn};
    CODE_NOT_IN_LOADED_EDITION = 422 "waste-code-not-in-loaded-edition" "废物代码不在已载入的名录版本中，当日版本未载入，无法核实" "The code is not in the loaded edition, and the day's edition is not loaded" [] {Issue: MustConfirm, SendOn: Warn, BackEnter: Flag};
    CODE_BY_IDENTIFICATION = 422 "waste-code-by-identification" "鉴别认定的危险废物代码（900-000-xx）" "A code given by identification; it is not in the table" [] {Issue: Warn, SendOn: Warn, BackEnter: Warn};
    PLAN_MISSING = 422 "plan-flow-missing" "管理计划未包含此废物、去向或方式" "The management plan does not cover this code, receiver and method" ["decree_23_2021/14"] {Issue: Refuse, BackEnter: Flag};
    PLAN_OF_LAST_YEAR = 422 "plan-of-last-year" "本年度管理计划尚未备案，暂以上年度计划为准" "The plan of the year is not filed yet; that of the year before stands in" [] {Issue: Warn, BackEnter: Warn};
    PLAN_ELSEWHERE = 422 "plan-held-elsewhere" "移出人在系统外，其管理计划无法在此核对" "The consignor is outside the system: its management plan cannot be checked here" ["decree_23_2021/14"] {Issue: Flag, BackEnter: Flag};
    PLAN_MASS_EXCEEDED = 422 "plan-mass-exceeded" "超出管理计划本年度转移量" "The year's planned mass is exceeded" [] {Issue: Warn, Release: Warn, Receive: Flag, Confirm: Flag, BackEnter: Flag, Correct: Warn, Agree: Warn};
    RECEIVER_NOT_LICENSED = 422 "receiver-not-licensed" "接受人无有效的经营许可证覆盖此废物和方式" "No licence of the receiver in force on the day covers code and method" ["eco_code_2026/534", "solid_waste_law_2020/80", "hw_licence_2016/15"] {Issue: Refuse, Release: Refuse, SendOn: Refuse, Confirm: Flag, BackEnter: Flag};
    RECEIVER_LICENCE_CLAIMED = 422 "receiver-licence-claimed" "系统外接受人的许可证未经核验，仅为申报信息" "The licence of the receiver outside the system is a claim that no officer verified" ["eco_code_2026/534", "solid_waste_law_2020/80"] {Issue: Flag, Release: Warn, SendOn: Flag, Confirm: Flag, BackEnter: Flag};
    EXEMPTION_NOT_CONFIRMED = 422 "exemption-condition-not-confirmed" "豁免条件须逐项确认" "The condition of the exemption must be confirmed" [] {Issue: Refuse, SendOn: Refuse, BackEnter: Flag};
    LICENCE_SCALE_EXCEEDED = 422 "licence-scale-exceeded" "已达到或超过许可证年经营规模" "The yearly scale of the licence is reached or exceeded" [] {Issue: Warn, Release: Warn, SendOn: Warn, Receive: Flag, Confirm: Flag, BackEnter: Flag, Correct: Flag, Agree: Flag};
    LICENCE_SCALE_120 = 422 "licence-scale-exceeded-by-20" "超过许可证年经营规模百分之二十以上" "The yearly scale is exceeded by 20 % or more" ["hw_licence_2016/12"] {Issue: Refuse, Release: Refuse, SendOn: Refuse};
    APPROVAL_MISSING = 422 "approval-missing" "跨省转移未经批准" "No cross-province approval in force covers this" ["eco_code_2026/536", "solid_waste_law_2020/82", "decree_23_2021/21"] {Issue: Refuse, Release: Refuse, SendOn: Refuse, BackEnter: Flag};
    APPROVAL_NOT_VERIFIED = 422 "approval-not-verified" "跨省转移批准未经主管部门核验，仅为申报信息" "The approval is a claim that no officer verified" ["eco_code_2026/536", "solid_waste_law_2020/82"] {Issue: Flag, SendOn: Flag, BackEnter: Flag};
    APPROVAL_EXCEEDED = 422 "approval-exceeded" "超出跨省转移批准的重量" "More than the approved mass" ["decree_23_2021/28"] {Issue: Refuse, Release: Refuse, SendOn: Refuse, Receive: Flag, Confirm: Flag, BackEnter: Flag, Correct: Flag, Agree: Flag};
    INBOUND_SCREENED = 422 "inbound-not-for-use" "接受地从严控制不作为资源利用的危险废物跨省移入" "The place of receipt looks closely at waste from another province that is not for use" [] {Issue: Warn, SendOn: Warn, BackEnter: Warn};
    FOREIGN_CONSIGNOR = 422 "foreign-consignor" "禁止进口固体废物" "Solid waste may not be imported" ["eco_code_2026/477", "solid_waste_law_2020/23"] {Issue: Refuse, BackEnter: Flag};
    UNIT_NOT_VERIFIED = 422 "unit-not-verified" "单位尚未核验" "The unit is not verified" [] {Issue: Refuse, BackEnter: Flag};
    SITE_CLOSED = 422 "receiver-closed" "接受人已公告当日停止接收" "The receiver has announced that it is closed on that day" [] {Issue: MustConfirm, Release: MustConfirm, SendOn: MustConfirm};
    CONTRACT_MISSING = 422 "contract-missing" "未登记书面合同" "No written contract is recorded" ["decree_23_2021/10"] {Issue: Warn, BackEnter: Warn};
    INCOMPATIBLE = 422 "incompatible-wastes" "不相容的危险废物不得混运" "Incompatible wastes may not ride together" ["eco_code_2026/535", "solid_waste_law_2020/81"] {Issue: Refuse, Release: Refuse, SendOn: Refuse, BackEnter: Flag};
    MASS_UNLIKELY = 422 "mass-unlikely" "数量异常，请确认单位是 kg 还是 t" "The mass is unlikely: kg or t?" [] {Issue: Warn, Release: Warn, SendOn: Warn, BackEnter: Warn, Weigh: Warn};
    CARRIER_PERMIT = 422 "carrier-permit-not-in-force" "承运人无有效的危险货物道路运输经营许可" "The carrier's permit is missing or expired" ["decree_23_2021/13"] {Issue: Warn, SendOn: Warn, Assign: Warn, Release: Refuse, TakeOver: Flag, HandOver: Flag, BackEnter: Flag};
    VEHICLE_PERMIT = 422 "vehicle-permit-not-in-force" "车辆道路运输证缺失或已过期" "The vehicle's permit is missing or expired" ["decree_23_2021/13"] {Assign: Warn, Release: Refuse, TakeOver: Flag, HandOver: Flag, BackEnter: Flag};
    DRIVER_CERTIFICATE = 422 "driver-certificate-not-in-force" "驾驶员从业资格证缺失或已过期" "The driver's certificate is missing or expired" ["decree_23_2021/13"] {Assign: Warn, Release: Refuse, TakeOver: Flag, HandOver: Flag, BackEnter: Flag};
    ESCORT_CERTIFICATE = 422 "escort-certificate-not-in-force" "押运员从业资格证缺失或已过期" "The escort's certificate is missing or expired" ["decree_23_2021/13"] {Assign: Warn, Release: Refuse, TakeOver: Flag, HandOver: Flag, BackEnter: Flag};
    TRANSPORT_PAPER_CLAIMED = 422 "transport-paper-claimed" "系统外承运人的运输证件未经核验，仅为申报信息" "A paper of the carrier outside the system is a claim that nobody verified" ["decree_23_2021/13"] {Assign: Flag, Release: Warn, TakeOver: Flag, HandOver: Flag, BackEnter: Flag};
    WAYBILL_MISSING = 422 "waybill-missing" "未填写危险货物运单编号" "The waybill number is missing" [] {Assign: Warn, Release: Warn, HandOver: Warn, BackEnter: Warn};
    MASS_ESTIMATED = 422 "mass-estimated" "移出量为估算，未经称重" "The mass is estimated, not weighed" ["decree_23_2021/10"] {Release: Flag, Receive: Flag, Confirm: Flag};
    MASS_DIFFERS_FROM_WEIGHING = 422 "mass-differs-from-weighing" "数量与车次过磅不符" "The mass is not what the trip was weighed at" [] {Release: Warn, Receive: Flag};
    OVERLOAD = 422 "rated-load-exceeded" "超过车辆核定载质量" "More than the vehicle's rated load" [] {Release: Warn, Weigh: Warn};
    OFFICIAL_NO_MISSING = 422 "official-number-missing" "尚无国家联单号，不得交付" "There is no national number yet" ["decree_23_2021/14"] {Release: Refuse};
    ON_PAPER = 422 "released-on-paper" "无国家联单号交付，转移完成后十个工作日内须补录" "Released without the national number; it must be entered within ten working days after the transfer ended" ["decree_23_2021/20"] {Release: Flag};
    PLATE_DIFFERS = 422 "plate-differs" "车牌与派车不符" "The plate is not the one assigned" [] {Arrive: Flag, SignLate: Flag};
    CONTAINERS_DIFFER = 422 "containers-differ" "所见容器与交付不一致" "The containers seen are not those released" ["decree_23_2021/12", "decree_23_2021/13"] {TakeOver: Flag, Receive: Flag};
    LEDGER_SHORT = 422 "ledger-short" "台账库存不足，移出量未全部登记" "The ledger does not hold all that leaves" ["eco_code_2026/532", "solid_waste_law_2020/78"] {Release: Flag, Receive: Flag, BackEnter: Flag};
    FILLING_DIFFERS = 422 "filling-mass-differs" "容器交付重量与台账不同" "A container was weighed otherwise than the ledger says" [] {Release: Warn};
    OTHER_DRIVER = 422 "other-driver" "签字驾驶员与派车不同" "Another driver than the one assigned signed" [] {TakeOver: Flag, Arrive: Flag, HandOver: Flag};
    DISPATCHER_SIGNED = 422 "dispatcher-signed" "调度员代驾驶员签字" "The dispatcher signed in the driver's place" [] {TakeOver: Flag, Arrive: Flag, HandOver: Flag, RefuseTakeOver: Flag};
    ARRIVED_BY_GATE = 422 "arrived-by-gate" "到达由接受人门岗登记，驾驶员未签字" "The receiver's gate recorded the arrival; the driver did not sign" [] {Arrive: Flag};
    SIGNATURE_SKIPPED = 422 "signature-skipped" "缺少前一环节签字" "An earlier signature is missing" [] {Receive: Flag};
    SIGNED_LATE = 422 "signed-late" "事后补签" "Signed afterwards" [] {SignLate: Flag};
    CONFIRMED_LATE = 422 "confirmed-late" "超过五个工作日确认" "Confirmed later than five working days after the day of receipt" ["decree_23_2021/18"] {Confirm: Flag};
    METHOD_DIFFERS = 422 "method-differs" "利用处置方式与接受时所定不同" "Treated by another method than it was accepted for" [] {RecordTreatment: Flag};
    WEIGHING_STRUCK = 422 "weighing-struck" "入厂所依据的过磅记录已作废" "A weighing on which the receipt rests was struck out" [] {Weigh: Flag};
    SKIP_REASON_MISSING = 422 "skip-reason-not-given" "缺少前一环节签字而未说明原因" "An earlier signature is missing and nobody said why" [] {Receive: Warn};
    DISCREPANCY = 422 "discrepancy" "到货与联单不符" "What came differs from the manifest" ["decree_23_2021/18"] {Confirm: Flag};
    REFUSED_MASS = 422 "refused-mass" "有拒收量，须退回或改送" "Mass was refused; it must be returned or sent on" [] {Confirm: Flag};
    RETURN_DIFFERS = 422 "return-differs-from-refused" "退回或改送的交付量与拒收量不符" "What is released is not the refused mass that was left for it" [] {Release: Flag, Correct: Flag, Agree: Flag};
    CLOCK_CLAMPED = 422 "claimed-time-clamped" "设备时间早于前一环节，已按前一环节时间记录" "The device's time was before the act before it and was clamped" [] {TakeOver: Flag, Arrive: Flag, HandOver: Flag, Receive: Flag, Confirm: Flag, RecordTreatment: Flag};
    BACK_ENTERED = 422 "back-entered" "纸质联单补录" "Entered afterwards from paper" ["decree_23_2021/20"] {BackEnter: Flag};
    BACK_ENTERED_LATE = 422 "back-entered-late" "超过十个工作日补录" "Entered later than ten working days after the transfer ended" ["decree_23_2021/20"] {BackEnter: Flag, RecordOfficialNo: Flag};
    BREAKDOWN = 422 "handed-over-on-the-road" "途中换车" "The load changed the vehicle on the road" [] {HandOver: Flag};
    NOT_RECEIVED = 422 "not-received" "到厂未能入厂" "The load could not be received" [] {NotReceived: Flag};
    BY_PROXY = 422 "by-proxy" "由合作方代系统外单位登记" "Entered by a partner for a unit outside the system" [] {Issue: Flag, Assign: Flag, Release: Flag, Withdraw: Flag, TakeOver: Flag, RefuseTakeOver: Flag, HandOver: Flag, Arrive: Flag, NotReceived: Flag, Receive: Flag, Confirm: Flag, RecordTreatment: Flag, SendOn: Flag, TurnBack: Flag, SignLate: Flag, Cancel: Flag, BackEnter: Flag, AcknowledgeIncident: Flag, RecordOfficialNo: Flag};
    INCIDENT = 422 "incident" "已报告事故" "An incident was reported" ["decree_23_2021/9"] {ReportIncident: Flag};
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Every act. An act that is new meets the match below, which the compiler keeps whole.
    const ALL_ACTS: [Act; 28] = [
        Act::Issue,
        Act::Assign,
        Act::Release,
        Act::Withdraw,
        Act::TakeOver,
        Act::RefuseTakeOver,
        Act::HandOver,
        Act::Arrive,
        Act::NotReceived,
        Act::Weigh,
        Act::Receive,
        Act::Confirm,
        Act::RecordTreatment,
        Act::SendOn,
        Act::TurnBack,
        Act::SignLate,
        Act::Cancel,
        Act::Void,
        Act::BackEnter,
        Act::Correct,
        Act::Agree,
        Act::Disagree,
        Act::ReportIncident,
        Act::AcknowledgeIncident,
        Act::ReportDiscrepancy,
        Act::AcknowledgeDiscrepancy,
        Act::CheckFate,
        Act::RecordOfficialNo,
    ];

    /// The place of an act in [`ALL_ACTS`]; exhaustive, so that an act added to the enum must be added there too.
    const fn place(act: Act) -> usize {
        match act {
            Act::Issue => 0,
            Act::Assign => 1,
            Act::Release => 2,
            Act::Withdraw => 3,
            Act::TakeOver => 4,
            Act::RefuseTakeOver => 5,
            Act::HandOver => 6,
            Act::Arrive => 7,
            Act::NotReceived => 8,
            Act::Weigh => 9,
            Act::Receive => 10,
            Act::Confirm => 11,
            Act::RecordTreatment => 12,
            Act::SendOn => 13,
            Act::TurnBack => 14,
            Act::SignLate => 15,
            Act::Cancel => 16,
            Act::Void => 17,
            Act::BackEnter => 18,
            Act::Correct => 19,
            Act::Agree => 20,
            Act::Disagree => 21,
            Act::ReportIncident => 22,
            Act::AcknowledgeIncident => 23,
            Act::ReportDiscrepancy => 24,
            Act::AcknowledgeDiscrepancy => 25,
            Act::CheckFate => 26,
            Act::RecordOfficialNo => 27,
        }
    }

    #[test]
    fn every_act_has_exactly_one_row() {
        for (index, act) in ALL_ACTS.into_iter().enumerate() {
            assert_eq!(place(act), index);
            assert_eq!(ACTS.iter().filter(|rule| rule.act == act).count(), 1, "{act:?}");
            assert_eq!(act.rule().act, act);
            assert!(!act.rule().by.is_empty(), "nobody may {act:?}");
        }
        assert_eq!(ACTS.len(), ALL_ACTS.len());
    }

    #[test]
    fn every_rule_has_its_code_once_and_a_say_in_some_act() {
        let codes: BTreeSet<&str> = REQUIREMENTS.iter().map(|rule| rule.kind.code).collect();
        assert_eq!(codes.len(), REQUIREMENTS.len());
        for rule in REQUIREMENTS {
            assert!(!rule.effects.is_empty(), "{} meets no act", rule.kind.code);
            let acts: BTreeSet<Act> = rule.effects.iter().map(|(act, _)| *act).collect();
            assert_eq!(acts.len(), rule.effects.len(), "{} names an act twice", rule.kind.code);
        }
    }

    #[test]
    fn only_a_gate_act_is_refused_for_law_or_waits_for_a_confirmation() {
        for rule in REQUIREMENTS {
            for (act, effect) in rule.effects {
                let stops = matches!(effect, Effect::Refuse | Effect::MustConfirm);
                assert!(!stops || act.rule().class == ActClass::Gate, "{} stops {act:?}", rule.kind.code);
            }
        }
    }

    /// Articles held, by law, and whether the law's text is held at all.
    fn held() -> (BTreeMap<String, bool>, BTreeSet<(String, String)>) {
        let read = |text: &'static str| csv::Reader::from_reader(text.as_bytes()).into_records().collect::<Result<Vec<_>, _>>().unwrap();
        let laws = read(include_str!("../catalogue/data/laws.csv"));
        let articles = read(include_str!("../catalogue/data/legal_articles.csv"));
        (
            laws.iter().map(|row| (row[0].to_owned(), &row[2] == "true")).collect(),
            articles.iter().map(|row| (row[0].to_owned(), row[2].to_owned())).collect(),
        )
    }

    #[test]
    fn every_article_is_held_and_stands_in_the_notes() {
        let (laws, articles) = held();
        let acts = ACTS.iter().map(|rule| (rule.act.as_str(), rule.law));
        let rules = REQUIREMENTS.iter().map(|rule| (rule.kind.code, rule.law));
        for (who, key) in acts.chain(rules).flat_map(|(who, law)| law.iter().map(move |key| (who, *key))) {
            let (law, rest) = key.split_once('/').unwrap();
            let article = rest.split('/').next().unwrap().to_owned();
            let notes = if laws[law] { format!("{law}.md") } else { "not_held.md".to_owned() };
            let notes = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/legal").join(notes)).unwrap();
            assert!(!laws[law] || articles.contains(&(law.to_owned(), article.clone())), "{who}: the text of {key} is not held");
            assert!([format!("`{law}/{article}`"), format!("`{law}/{article}/")].iter().any(|form| notes.contains(form)), "{who}: no note on {key}");
        }
    }

    #[test]
    fn what_a_key_may_sign_under_a_delegation_is_every_act_but_those_that_are_no_signature() {
        use crate::identity::SignedAct;
        let no_signature = [
            Act::Assign,
            Act::Weigh,
            Act::ReportIncident,
            Act::AcknowledgeIncident,
            Act::ReportDiscrepancy,
            Act::AcknowledgeDiscrepancy,
            Act::CheckFate,
            Act::RecordOfficialNo,
        ];
        let signed: BTreeSet<&str> = SignedAct::ALL.into_iter().map(SignedAct::as_str).collect();
        let expected: BTreeSet<&str> = ALL_ACTS.into_iter().filter(|act| !no_signature.contains(act)).map(Act::as_str).collect();
        assert_eq!(signed, expected);
        for act in ALL_ACTS {
            let Some(signed) = SignedAct::ALL.into_iter().find(|signed| signed.as_str() == act.as_str()) else { continue };
            let needed: BTreeSet<Role> = act.rule().by.iter().map(|(_, role)| *role).collect();
            assert_eq!(needed, signed.roles().iter().copied().collect(), "{}", act.as_str());
        }
    }

    #[test]
    fn an_article_whose_text_is_not_held_refuses_nothing() {
        let (laws, _) = held();
        for rule in REQUIREMENTS.iter().filter(|rule| rule.effects.iter().any(|(_, effect)| *effect == Effect::Refuse)) {
            assert!(rule.law.iter().all(|key| laws[key.split('/').next().unwrap()]), "{}", rule.kind.code);
        }
    }
}
