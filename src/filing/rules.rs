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
