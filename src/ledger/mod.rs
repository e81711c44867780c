//! Ledger (台账): masses against limits, and the one mass graph. Both only grow or balance; neither knows
//! what a manifest is beyond its id.

pub mod accounts;
pub mod label;
mod lots;
pub mod month_sheet;

pub use lots::{LotKind, NewEdge, NewLot, insert_edges, insert_lots};
