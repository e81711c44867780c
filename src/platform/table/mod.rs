//! Tables (表格): workbooks and CSV, read as people fill them in and written as their spreadsheets take them.
//!
//! [`mod@file`] makes a grid of cells out of whatever was sent, in bounded memory; [`cell`] reads what stands in one, exactly
//! and aloud; [`template`] joins both to sheets with known columns; [`write`](mod@write) and [`export`] are the way out.
//! Invariants: no float leaves [`excel`]; nothing in a file is computed, followed or run; no text becomes a formula.

pub mod cell;
pub mod excel;
pub mod export;
pub mod fault;
pub mod file;
pub mod template;
#[cfg(test)]
mod tests;
pub mod write;

pub use cell::{Cell, Choice};
pub use fault::{CellFault, FileFault, KINDS};
pub use template::{BookRow, Choices, Column, Filled, Kind, Mark, RowFault, Sheet, SheetRow, Typed};
