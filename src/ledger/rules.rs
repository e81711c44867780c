//! Figures of this room.

use crate::platform::dated::Dated;

/// Up to this capacity a label of 100 mm will do.
///
/// Unit: millilitres. Legal source: `hj_1276_2022`.
pub const LABEL_100_MM_TO_ML: i64 = 50_000;

/// Up to this capacity a label of 150 mm will do; above it there are two of 200 mm.
///
/// Unit: millilitres. Legal source: `hj_1276_2022`.
pub const LABEL_150_MM_TO_ML: i64 = 450_000;

/// How long a licence holder may store.
///
/// Unit: days. Legal source: `eco_code_2026/535/para3`.
pub const LICENCE_HOLDER_STORES_DAYS: Dated<i64> = Dated::always(365);

/// How soon a holder of a collection licence passes on what it collected.
///
/// Unit: working days after the day of receipt. Legal source: `hw_licence_2016/20`.
pub const COLLECTOR_PASSES_ON_WORKING_DAYS: Dated<u32> = Dated::always(90);

/// Parameter: entries per container that come later than so many days are marked late.
pub const LATE_DAYS: &str = "ledger_late_days";

/// Parameter: digits of a label's serial.
pub const LABEL_SERIAL_DIGITS: &str = "label_serial_digits";

/// Parameter: days in a generator's store before a warning.
pub const GENERATOR_STORAGE_WARN_DAYS: &str = "generator_storage_warn_days";

/// What is piped is entered daily: the day after is in time.
///
/// Unit: days. Legal source: `hj_1259_2022/6.2`.
pub const PIPED_LATE_DAYS: i64 = 1;
