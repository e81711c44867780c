//! Figures of law of this room.

use super::domain::LicenceKind;
use crate::platform::dated::Dated;

/// From this yearly amount on a site is key-supervised.
///
/// Unit: g. Legal source: `hj_1259_2022/4.2.1`.
pub const KEY_SUPERVISED_FROM_G: Dated<i64> = Dated::always(100_000_000);

/// From this yearly amount on a site is simplified; below it is registered.
///
/// Unit: g. Legal source: `hj_1259_2022/4.2.1`.
pub const SIMPLIFIED_FROM_G: Dated<i64> = Dated::always(10_000_000);

/// How many of the last years the yearly amount is the maximum of.
///
/// Unit: years. Legal source: `hj_1259_2022/4.2.3`.
pub const YEARS_COMPARED: usize = 3;

/// The longest validity of a licence by its kind.
///
/// Unit: years. Legal source: `hw_licence_2016/13/para1`.
#[must_use]
pub const fn licence_years_max(kind: LicenceKind) -> u32 {
    match kind {
        LicenceKind::Comprehensive => 5,
        LicenceKind::Collection => 3,
    }
}
