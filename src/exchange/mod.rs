//! Exchange (交换): files in, files out. So far what people keep in spreadsheets: a template with their own rows, and what
//! comes back, row by row, through the same acts as a request.
//!
//! Invariants: a row does nothing that its sender could not do by the API at that moment; a row stands alone; a file sent
//! twice changes nothing; nobody overwrites what he has not seen.

mod answer;
pub mod http;
mod import;
mod kinds;
mod official;
mod progress;
mod store;

pub use import::{KINDS, run_next};
pub use progress::end_all;
