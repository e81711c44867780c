//! Figures of law of this room.

use crate::platform::dated::Dated;

/// How long an approval for another province is valid at most.
///
/// Unit: months. Legal source: `decree_23_2021/27/para2`.
pub const APPROVAL_MONTHS: Dated<u32> = Dated::always(12);

/// How far a plan's year may lie from the present one: last year's flows are completed late, next year's are filed early.
///
/// Unit: years. Reason: a mistyped year would be found by nobody.
pub const PLAN_YEARS_AROUND: i32 = 1;

/// Last day on which the plan of a year and the declaration of the year before are in time.
///
/// Unit: month and day. Legal source: `hj_1259_2022/5.2`, `hj_1259_2022/7.2`.
pub const YEARLY_DUE: Dated<(u32, u32)> = Dated::always((3, 31));

/// Last day, in the month that follows, on which a declaration of a month or quarter is in time.
///
/// Unit: day of the month. Legal source: `hj_1259_2022/7.2`.
pub const PERIOD_DUE_DAY: Dated<u32> = Dated::always(15);

/// Time to tell an applicant what is missing; after that the application counts as accepted on the day it came.
///
/// Unit: working days. Legal source: `decree_23_2021/23`.
pub const COMPLETENESS_WORKING_DAYS: Dated<u32> = Dated::always(5);

/// Time for the first opinion, and with it the letter to the other province, from the acceptance on.
///
/// Unit: working days. Legal source: `decree_23_2021/24`.
pub const OPINION_WORKING_DAYS: Dated<u32> = Dated::always(5);

/// Time for the answer of the receiving province, from the letter on.
///
/// Unit: working days. Legal source: `decree_23_2021/25`.
pub const ANSWER_WORKING_DAYS: Dated<u32> = Dated::always(10);

/// Time for the decision, from the answer on.
///
/// Unit: working days. Legal source: `decree_23_2021/26`.
pub const DECISION_WORKING_DAYS: Dated<u32> = Dated::always(5);

/// How much a unit may upload in a day and a night.
///
/// Unit: bytes. Reason: a year of papers of a large plant fits, and nobody fills the disk.
pub const UPLOAD_DAY_MAX: i64 = 200_000_000;
