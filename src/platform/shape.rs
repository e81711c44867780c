//! The first of the two stages of a request: can the body be read at all?
//!
//! [`scan`] goes over the bytes once and finds what a JSON reader would hide or not survive: keys that occur twice,
//! depth, length, control characters, characters that nobody sees. [`check_schema`] is for a body that is JSON but not the JSON we asked for: it
//! names every fault with its place, where a reader stops at the first.
//!
//! Invariants: what `scan` accepts, `serde_json` reads; neither recursion nor memory follows the sender's nesting; no
//! more than [`FAULTS_MAX`] faults leave this module. No clock and no I/O here.

mod fault;
mod scan;
mod schema;
#[cfg(test)]
mod tests;
mod text;

pub use fault::{Fault, FaultDetail, Syntax};
pub use scan::{Limits, scan};
pub use schema::{FormatCheck, check_schema, validator};
pub use text::has_content;

/// Faults reported for one body; the rest is cut, so that a short body cannot demand a long answer.
pub const FAULTS_MAX: usize = 200;
