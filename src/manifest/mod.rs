//! Manifest (联单): the one core for all three streams.
//!
//! A header, parts that one act sealed each, parties, tasks. [`table`] says which act is possible when, by whom and under
//! which rules; policy, `next`, tasks and `docs/acts.md` read it. Invariants: a sealed part never changes, a correction is a
//! new revision; a fact act is never refused for law; masses of returns and re-consignments balance with what was refused.

pub mod accounts;
pub mod acts;
mod blank;
mod books;
mod checks;
pub mod corrections;
pub mod discrepancies;
pub mod domain;
pub mod drafts;
mod fate;
mod feed;
mod findings;
mod graph;
pub mod http;
pub mod incidents;
pub mod input;
mod list;
mod looks;
mod next;
pub mod number;
pub mod outage;
mod page;
pub mod parts;
mod policy;
pub mod prepare;
mod public;
mod read;
pub mod refusal;
pub mod reminders;
mod rules;
mod sheets;
mod signatures;
mod signing;
mod store;
pub mod stream;
pub mod table;
pub mod token;
pub mod trips;
mod words;
mod work;

pub use findings::Confirmation;
