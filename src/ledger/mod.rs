//! Ledger (台账): what each site holds and how it came and went, masses against limits, and the one mass graph beneath. It
//! knows of a manifest no more than its id.
//!
//! Invariants: entries, lots and edges only grow; a correction is a reversal beside its entry. What is left of a lot is
//! counted down under the lock of the site's stock, so that no gram is taken twice. A balance is found from lots and edges
//! alone, and equals what is left of the lots, to the gram. What was measured is never refused: the difference is booked.

pub mod accounts;
pub mod acts;
mod amend;
mod balance;
mod booking;
pub mod codes;
mod domain;
mod files;
pub mod http;
pub mod label;
mod labels;
mod loadable;
mod lots;
pub mod month_sheet;
mod outside;
mod policy;
mod print;
mod read;
mod refusal;
mod reversal;
mod rules;
mod stock;
mod store;

pub use amend::{Amendment, amended};
pub use balance::{Flow, Totals, totals};
pub use booking::Booking;
pub use codes::{BatchNo, DigitalCode, Prefix};
pub use domain::{CountsAs, LabelSize, Outside, OutsideKind, WasteForm, is_use};
pub use labels::{LabelFacts, labels};
pub use loadable::{Loadable, loadable};
pub use lots::{LotKind, NewEdge, NewLot};
pub use outside::{InLine, Incoming, OutLine, Outgoing, Sent, Treated, Treatment, received, released, sent_lots, taken_back, treated};
pub use refusal::KINDS;
