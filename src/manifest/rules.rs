//! Figures set by law for manifests, with their dates. What is local or only recalled is a parameter, not a constant.

use crate::platform::dated::Dated;

/// Time to confirm a receipt in the system.
///
/// Unit: working days after the legal day of receipt. Legal source: `decree_23_2021/18`.
pub const CONFIRM_WITHIN_WORKING_DAYS: Dated<u32> = Dated::always(5);

/// Time to enter a paper manifest afterwards.
///
/// Unit: working days after the transfer was completed. Legal source: `decree_23_2021/20`.
pub const BACK_ENTER_WITHIN_WORKING_DAYS: Dated<u32> = Dated::always(10);

/// From which share of the yearly scale a new licence is due; the share itself is included (20%以上).
///
/// Unit: per cent of the scale. Legal source: `hw_licence_2016/12`.
pub const LICENCE_REFUSED_FROM_PERCENT: Dated<i64> = Dated::always(120);

/// Time that a correction waits for its voices before the authority of the consignor decides.
///
/// Unit: working days. Our own rule: no article says it.
pub const CORRECTION_WAITS_WORKING_DAYS: u32 = 5;

/// When those whose voice is missing are reminded.
///
/// Unit: working days after the proposal. Our own rule: no article says it.
pub const CORRECTION_REMINDED_AT_WORKING_DAYS: [u32; 2] = [2, 4];

/// When a consignor is reminded to ask what became of what was accepted, and again after as long.
///
/// Unit: days after the receipt. Reason: `decree_23_2021/10` says in time and names no figure.
pub const FATE_CHECK_AFTER_DAYS: i64 = 90;
