//! Acts on a unit's things. Subjects with a chain: site, facility, closure, licence, exempt_receiver, vehicle,
//! certificate, carrier_permit, contract. Names of persons stay out of the events.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;

use crate::evidence::{NewEvent, Tx};
use crate::platform::calendar::legal_day;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text};

mod contract;
mod licence;
mod site;
mod transport;

pub use contract::{end_contract, record_contract};
pub use licence::{record_exempt_receiver, record_licence, verify_exempt_receiver, verify_licence, withdraw_licence};
pub use site::{change_site, decide_class, end_closure, give_closure, record_external_site, record_facility, record_site};
pub use transport::{
    change_vehicle, record_carrier_permit, record_certificate, record_vehicle, retire_carrier_permit, retire_certificate, retire_vehicle,
};

/// Why an act of the registry is refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryRefusal {
    /// Not in the division tree.
    #[error("unknown division {0}")]
    UnknownDivision(String),
    /// A province or prefecture that has counties below.
    #[error("division {0} has others below")]
    DivisionTooWide(String),
    /// Longitude without latitude, or the reverse.
    #[error("half a point")]
    HalfPoint,
    /// Not full years in a row before this one.
    #[error("not full years in a row")]
    NotFullYears,
    /// The facility's code is taken on this site.
    #[error("facility code taken")]
    FacilityExists,
    /// The days are in the wrong order.
    #[error("days out of order")]
    DaysOutOfOrder,
    /// Longer than the law gives.
    #[error("longer than {0} years")]
    ValidTooLong(u32),
    /// A scope line or exemption without a waste.
    #[error("no waste")]
    NoWaste,
    /// A scope without a line, a line without a method, an exemption without a stage.
    #[error("empty")]
    Empty,
    /// Verified already, or another entry of the same licence is.
    #[error("verified already")]
    VerifiedAlready,
    /// Only a verified licence can be withdrawn.
    #[error("not verified")]
    NotVerified,
    /// A suspension needs its last day, and only a suspension has one.
    #[error("only a suspension has a last day")]
    OnlySuspensionEnds,
    /// The unit has this vehicle already.
    #[error("vehicle exists")]
    VehicleExists,
    /// Retired or ended already.
    #[error("ended already")]
    EndedAlready,
    /// A load of nothing.
    #[error("no load")]
    NoLoad,
    /// Neither or both of account and name.
    #[error("one of account and name")]
    OnePerson,
    /// The account has no membership in the unit.
    #[error("not a member")]
    NotMember,
    /// The actor's unit is no party of the contract.
    #[error("not a party")]
    NotParty,
    /// A contract of a unit with itself.
    #[error("the same unit twice")]
    SameUnit,
    /// No such unit or site.
    #[error("unknown unit or site")]
    Unknown,
    /// A source for what the unit knows of itself.
    #[error("a source for an own paper")]
    OwnSource,
    /// A claim about another unit without its source.
    #[error("a claim without its source")]
    SourceMissing,
}

/// Kinds of problem of this room.
pub static KINDS: [Kind; 22] = [
    Kind::new(422, "unknown-division", "行政区划不存在", "There is no such division"),
    Kind::new(422, "half-point", "经度和纬度须同时填写", "Longitude and latitude go together"),
    Kind::new(422, "not-full-years", "须为本年度以前连续的完整年度", "The years must be full, in a row, and before this one"),
    Kind::new(409, "facility-exists", "该场所已有此设施编码", "The site has a facility with this code"),
    Kind::new(422, "days-out-of-order", "日期顺序有误", "The days are out of order"),
    Kind::new(422, "valid-too-long", "有效期超过法定年限", "The validity is longer than the law gives"),
    Kind::new(422, "no-waste", "至少需要一个废物代码或类别", "At least one waste code or category is needed"),
    Kind::new(422, "empty-list", "至少需要一项", "At least one is needed"),
    Kind::new(409, "verified-already", "已核验，或同一许可证已有核验记录", "It, or another entry of the same paper, is verified already"),
    Kind::new(409, "not-verified", "尚未核验", "It is not verified"),
    Kind::new(422, "only-suspension-ends", "暂扣须填写截止日期，其他情形不得填写", "A suspension needs its last day, and only a suspension has one"),
    Kind::new(409, "vehicle-exists", "本单位已登记此车牌", "The unit has this vehicle already"),
    Kind::new(409, "ended-already", "已停用或终止", "It has ended already"),
    Kind::new(422, "no-load", "核定载质量须大于零", "The rated load must be above zero"),
    Kind::new(422, "one-person", "人员账号与姓名须且只须填一项", "Exactly one of account and name is needed"),
    Kind::new(422, "not-member", "该人员不属于本单位", "This person is no member of the unit"),
    Kind::new(422, "not-party", "本单位不是合同一方", "Your unit is no party of this contract"),
    Kind::new(422, "same-unit", "合同双方不能为同一单位", "Both parties are the same unit"),
    Kind::new(422, "unknown-unit-or-site", "单位或场所不存在", "There is no such unit or site"),
    Kind::new(422, "source-only-of-others", "本单位的许可证和证件不填写来源", "A source is given only for a unit outside the system"),
    Kind::new(422, "source-missing", "代系统外单位填报须说明来源", "What is stated of a unit outside the system needs its source"),
    Kind::new(422, "division-too-wide", "场所须填写最末一级行政区划", "A site lies in one division that has no others below"),
];

impl Refusal for RegistryRefusal {
    fn kind(&self) -> &'static Kind {
        &KINDS[match self {
            Self::UnknownDivision(_) => 0,
            Self::HalfPoint => 1,
            Self::NotFullYears => 2,
            Self::FacilityExists => 3,
            Self::DaysOutOfOrder => 4,
            Self::ValidTooLong(_) => 5,
            Self::NoWaste => 6,
            Self::Empty => 7,
            Self::VerifiedAlready => 8,
            Self::NotVerified => 9,
            Self::OnlySuspensionEnds => 10,
            Self::VehicleExists => 11,
            Self::EndedAlready => 12,
            Self::NoLoad => 13,
            Self::OnePerson => 14,
            Self::NotMember => 15,
            Self::NotParty => 16,
            Self::SameUnit => 17,
            Self::Unknown => 18,
            Self::OwnSource => 19,
            Self::SourceMissing => 20,
            Self::DivisionTooWide(_) => 21,
        }]
    }
    fn text(&self) -> Text {
        match self {
            Self::UnknownDivision(code) => Text::new(format!("行政区划 {code} 不存在"), format!("There is no division {code}")),
            Self::DivisionTooWide(code) => {
                Text::new(format!("行政区划 {code} 还有下级，请填写所在区、县"), format!("Division {code} has others below; name the county"))
            }
            Self::ValidTooLong(years) => {
                Text::new(format!("此类许可证有效期最长 {years} 年"), format!("Such a licence is valid for at most {years} years"))
            }
            _ => Text::new(self.kind().zh, self.kind().en),
        }
    }
    fn law(&self) -> &'static [&'static str] {
        match self {
            Self::ValidTooLong(_) => &["hw_licence_2016/13/para1"],
            _ => &[],
        }
    }
}

/// One refusal at its place.
fn refuse(pointer: &str, refusal: RegistryRefusal) -> Problem {
    let mut refusals = Refusals::none();
    refusals.add(pointer, refusal);
    refusals.into()
}

/// An event of this room, online: claimed when recorded.
fn event(tx: &Tx<'_>, kind: &'static str, subject: Uuid, act: &'static str, law: &[&'static str], payload: Value) -> NewEvent {
    NewEvent { subject_kind: kind, subject, act, claimed_at: tx.now(), law: law.to_vec(), sealed: BTreeMap::new(), payload }
}

/// The legal day of this act.
fn today(tx: &Tx<'_>) -> NaiveDate {
    legal_day(tx.now())
}

/// Texts for an array column.
fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
