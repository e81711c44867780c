//! Tables on their way out: CSV piece by piece, workbooks through a file that has no name.
//!
//! Nothing that somebody typed becomes a formula in somebody else's spreadsheet: a text that would begin one is marked in
//! CSV, and a workbook holds it as text.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom};
use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::excel;

/// Rows of one sheet; a spreadsheet ends at 1,048,576.
const SHEET_ROWS_MAX: u32 = 1_000_000;
/// Unit: characters that a cell of a spreadsheet holds.
const CELL_MAX: usize = 32_000;

/// A cell on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number, as plain decimal text of at most 15 digits.
    Number(String),
}

/// Whether a text that begins so would be computed by a spreadsheet; the wide forms are in some languages.
#[must_use]
pub const fn begins_a_formula(first: char) -> bool {
    matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// A text that no spreadsheet computes.
fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(begins_a_formula) || text.trim_start().starts_with(begins_a_formula) {
        return format!("'{text}").into();
    }
    text.into()
}

/// The byte order mark by which a spreadsheet knows UTF-8.
pub const BOM: &[u8] = "\u{FEFF}".as_bytes();

/// Adds one row to a CSV text (RFC 4180).
pub fn csv_row(out: &mut Vec<u8>, cells: &[Out]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let text = match cell {
            Out::Empty => continue,
            Out::Number(number) => {
                out.extend_from_slice(number.as_bytes());
                continue;
            }
            Out::Text(text) => harmless(text),
        };
        if text.contains(['"', ',', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A workbook written row by row, whose rows lie on the disk and not in memory.
pub struct RowWriter {
    workbook: Workbook,
    titles: Vec<String>,
    name: String,
    bold: Format,
    row: u32,
    sheets: u32,
}

/// What can go wrong while a workbook is written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk.
    #[error("a workbook cannot be written: {0}")]
    Disk(#[from] io::Error),
    /// The format.
    #[error("a workbook cannot be written: {0}")]
    Format(#[from] XlsxError),
}

/// The name of a sheet as a spreadsheet takes it: 31 characters, and none of those that its formulas use.
#[must_use]
pub fn sheet_name(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'')).take(25).collect()
}

impl RowWriter {
    /// Begins a workbook of one sheet with its titles; the rows lie in this folder until it is finished.
    ///
    /// # Errors
    /// As the disk.
    pub fn new(folder: &Path, name: &str, titles: Vec<String>) -> Result<Self, WriteError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder)?;
        let mut writer = Self { workbook, titles, name: sheet_name(name), bold: Format::new().set_bold(), row: 0, sheets: 0 };
        writer.add_sheet()?;
        Ok(writer)
    }

    fn add_sheet(&mut self) -> Result<(), WriteError> {
        self.sheets += 1;
        let name = if self.sheets == 1 { self.name.clone() } else { format!("{} ({})", self.name, self.sheets) };
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, title) in self.titles.iter().enumerate() {
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            sheet.set_column_width(column, 18)?;
            sheet.write_string_with_format(0, column, title, &self.bold)?;
        }
        self.row = 1;
        Ok(())
    }

    /// Writes one row; a full sheet is followed by another with the same titles.
    ///
    /// # Errors
    /// As the disk.
    pub fn row(&mut self, cells: &[Out]) -> Result<(), WriteError> {
        if self.row > SHEET_ROWS_MAX {
            self.add_sheet()?;
        }
        let last = usize::try_from(self.sheets - 1).unwrap_or(0);
        let row = self.row;
        let sheet = self.workbook.worksheet_from_index(last)?;
        for (column, cell) in cells.iter().enumerate() {
            put(sheet, row, u16::try_from(column).unwrap_or(u16::MAX), cell, None)?;
        }
        self.row += 1;
        Ok(())
    }

    /// The finished workbook, from its beginning.
    ///
    /// # Errors
    /// As the disk.
    pub fn finish(mut self, folder: &Path) -> Result<File, WriteError> {
        let mut file = tempfile::tempfile_in(folder)?;
        self.workbook.save_to_writer(BufWriter::new(&mut file))?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// Writes a cell as what it is: a text never as a formula.
///
/// # Errors
/// As the format.
pub fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Out, format: Option<&Format>) -> Result<(), XlsxError> {
    match (cell, format) {
        (Out::Empty, None) => {}
        (Out::Empty, Some(format)) => {
            sheet.write_blank(row, column, format)?;
        }
        (Out::Number(text), format) => match (excel::number_of(text), format) {
            (Some(number), None) => {
                sheet.write_number(row, column, number)?;
            }
            (Some(number), Some(format)) => {
                sheet.write_number_with_format(row, column, number, format)?;
            }
            (None, _) => {
                sheet.write_string(row, column, text)?;
            }
        },
        (Out::Text(text), format) => {
            let text: String = text.chars().take(CELL_MAX).collect();
            match format {
                None => sheet.write_string(row, column, text)?,
                Some(format) => sheet.write_string_with_format(row, column, text, format)?,
            };
        }
    }
    Ok(())
}
