//! Words and values of filing. No clock and no I/O here.

pub mod application;
pub mod declaration;
pub mod plan;
pub mod record;

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::APPROVAL_MONTHS;
use crate::catalogue::{MethodCode, WasteCode};
use crate::platform::blobs::BlobHash;
use crate::platform::mass::MassInput;
use crate::registry::{PaperNo, months_after};

/// The last day of an approval: twelve months, but neither beyond the period applied for nor beyond the rest of the
/// receiver's licence.
///
/// Legal source: `decree_23_2021/27/para2`.
#[must_use]
pub fn approval_valid_to(decided_on: NaiveDate, applied_until: NaiveDate, licence_valid_to: NaiveDate) -> NaiveDate {
    months_after(decided_on, *APPROVAL_MONTHS.on(decided_on)).min(applied_until).min(licence_valid_to)
}

/// A flow of a site's yearly plan (管理计划的转移流向).
///
/// Legal source: `decree_23_2021/10/2`, `eco_code_2026/532/para2`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanFlowStatement {
    /// The site whose plan it is.
    pub site_id: Uuid,
    /// Year of the plan.
    #[schema(minimum = 1990, maximum = 2200)]
    pub year: i32,
    /// Waste.
    pub code: WasteCode,
    /// Receiver.
    pub receiver_id: Uuid,
    /// The receiver's site, where the plan names it.
    #[serde(default)]
    pub receiver_site_id: Option<Uuid>,
    /// Method.
    pub method: MethodCode,
    /// Mass planned for the year.
    pub planned_g: MassInput,
    /// 备案编号.
    #[serde(default)]
    pub filing_no: Option<PaperNo>,
}

/// What may change in a flow; another waste, receiver or method is another flow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanFlowChange {
    /// Mass planned for the year.
    pub planned_g: MassInput,
    /// The receiver's site, where the plan names it.
    #[serde(default)]
    pub receiver_site_id: Option<Uuid>,
    /// 备案编号 of the changed plan.
    #[serde(default)]
    pub filing_no: Option<PaperNo>,
}

/// An approval for another province (跨省转移批准).
///
/// Legal source: `decree_23_2021/27/para1`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalStatement {
    /// The site of the consignor.
    pub site_id: Uuid,
    /// Receiver.
    pub receiver_id: Uuid,
    /// Waste.
    pub code: WasteCode,
    /// Method.
    pub method: MethodCode,
    /// Mass approved.
    pub approved_g: MassInput,
    /// 批准文号.
    pub decision_no: PaperNo,
    /// Day of the decision.
    pub decided_on: NaiveDate,
    /// Last day of the period applied for.
    pub applied_until: NaiveDate,
    /// Last day of the receiver's licence, from the copy in the application.
    pub licence_valid_to: NaiveDate,
    /// The decision itself and other papers, by their hash.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn an_approval_ends_with_the_first_of_three() {
        let decided = day(2026, 11, 23);
        assert_eq!(approval_valid_to(decided, day(2027, 6, 30), day(2027, 3, 31)), day(2027, 3, 31));
        assert_eq!(approval_valid_to(decided, day(2027, 2, 28), day(2027, 3, 31)), day(2027, 2, 28));
        assert_eq!(approval_valid_to(decided, day(2030, 1, 1), day(2030, 1, 1)), day(2027, 11, 23));
        assert_eq!(approval_valid_to(day(2028, 2, 29), day(2030, 1, 1), day(2030, 1, 1)), day(2029, 2, 28));
    }
}
