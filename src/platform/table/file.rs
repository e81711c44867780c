//! From the bytes that somebody sent to a grid of cells, in bounded time and memory.
//!
//! What a file is, its content says and not its name. A workbook is a zip: its directory is looked at first, then every
//! entry is inflated once into nothing and counted, and only what stayed within bounds is read. Nothing in a file is
//! followed, computed or run. No clock here.

use std::io::{Cursor, Read as _};
use std::num::NonZeroU64;

use calamine::{Data, DataRef, Dimensions, Reader as _, SheetType, SheetVisible, Xlsx};
use zip::ZipArchive;

use super::cell::Cell;
use super::excel;
use super::fault::FileFault;

/// Rows of an import, below and with its header. Unit: rows.
pub const ROWS_MAX: usize = 20_000;
/// Columns of an import.
pub const COLUMNS_MAX: usize = 60;
/// Unit: characters of one cell.
pub const TEXT_MAX: usize = 2_000;
/// Text of all cells together, merged ones filled. Unit: bytes.
const ALL_TEXT_MAX: usize = 24_000_000;
/// Unit: entries of a workbook's zip; an honest one with some sheets and pictures has tens.
const ENTRIES_MAX: usize = 200;
/// Unit: bytes of one entry, inflated. Twenty thousand rows of sixty cells are about forty million.
const ENTRY_MAX: u64 = 64_000_000;
/// Unit: bytes of all entries, inflated.
const ENTRIES_BYTES_MAX: u64 = 100_000_000;
/// Tags of the workbook's texts: each text becomes a string in memory, an empty one too.
const TAGS_OF_TEXTS_MAX: usize = 6_000_000;
/// Tags of all else that is read whole: a style of five bytes becomes some hundred. A spreadsheet has 65,490 styles at most.
const TAGS_MAX: usize = 300_000;
/// How much an entry may grow; XML of tables grows tenfold, a bomb a thousandfold.
const RATIO_MAX: u64 = 100;
/// Below this an entry may grow as it likes. Unit: bytes, inflated.
const RATIO_FROM: u64 = 1_000_000;
/// Merged areas of a sheet.
const MERGED_MAX: usize = 10_000;
/// A header may stand below some rows of title and help. Unit: rows.
const ROWS_ABOVE: usize = 20;

/// The cells of a sheet from its first row and column on; every row has as many as were needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    /// Rows of cells.
    pub rows: Vec<Vec<Cell>>,
    text_bytes: usize,
}

impl Grid {
    /// The cell at a place; empty where nothing was read.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> &Cell {
        static EMPTY: Cell = Cell::Empty;
        self.rows.get(row).and_then(|row| row.get(column)).unwrap_or(&EMPTY)
    }

    fn put(&mut self, row: usize, column: usize, cell: Cell) -> Result<(), FileFault> {
        if row >= ROWS_MAX + ROWS_ABOVE {
            return Err(FileFault::TooManyRows(ROWS_MAX));
        }
        if column >= COLUMNS_MAX {
            return Err(FileFault::TooManyColumns(COLUMNS_MAX));
        }
        if let Cell::Text(text) = &cell {
            self.text_bytes += text.len();
            if self.text_bytes > ALL_TEXT_MAX || (text.len() > TEXT_MAX && text.chars().count() > TEXT_MAX) {
                return Err(FileFault::TooMuchText);
            }
        }
        if self.rows.len() <= row {
            self.rows.resize_with(row + 1, Vec::new);
        }
        if let Some(cells) = self.rows.get_mut(row) {
            if cells.len() <= column {
                cells.resize_with(column + 1, Cell::default);
            }
            if let Some(place) = cells.get_mut(column) {
                *place = cell;
            }
        }
        Ok(())
    }

    /// A merged area says one thing: its first cell's value is that of all its cells.
    fn fill(&mut self, area: &Dimensions) -> Result<(), FileFault> {
        let at = |(row, column): (u32, u32)| (usize::try_from(row).unwrap_or(usize::MAX), usize::try_from(column).unwrap_or(usize::MAX));
        let ((top, left), (bottom, right)) = (at(area.start), at(area.end));
        let value = self.cell(top, left).clone();
        // Only what has something in it, and no further than there are rows: a merged sheet's end is no data.
        if value == Cell::Empty || top >= self.rows.len() || right.min(COLUMNS_MAX) <= left && bottom <= top {
            return Ok(());
        }
        for row in top..=bottom.min(self.rows.len().saturating_sub(1)) {
            for column in left..=right.min(COLUMNS_MAX - 1) {
                if (row, column) != (top, left) {
                    self.put(row, column, value.clone())?;
                }
            }
        }
        Ok(())
    }
}

/// Reads a file as a table.
///
/// # Errors
/// What it is instead of a table, or in what it goes beyond measure; never for what a cell says.
pub fn read(bytes: &[u8], sheet: &str) -> Result<Grid, FileFault> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => read_workbook(bytes, sheet),
        // The container of .xls, and of an .xlsx behind a password.
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Err(if contains(bytes, &wide("EncryptedPackage")) { FileFault::Locked } else { FileFault::OldFormat }),
        _ => read_text(bytes),
    }
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// The name of an entry as a reader of workbooks looks for it.
fn name_of<R: std::io::Read>(entry: &zip::read::ZipFile<'_, R>) -> Result<String, FileFault> {
    let name = entry.name().map_err(|_| FileFault::Broken)?.to_lowercase().replace('\\', "/");
    Ok(name.trim_start_matches('/').to_owned())
}

/// Looks at a workbook's directory, and counts what its entries really hold.
fn check_zip(bytes: &[u8]) -> Result<(), FileFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| FileFault::Broken)?;
    if archive.len() > ENTRIES_MAX {
        return Err(FileFault::Bomb);
    }
    let (mut declared, mut has_workbook, mut is_binary) = (0_u64, false, false);
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| FileFault::Broken)?;
        let name = name_of(&entry)?;
        if entry.encrypted() {
            return Err(FileFault::Locked);
        }
        if name.ends_with("vbaproject.bin") || name.starts_with("xl/macrosheets/") {
            return Err(FileFault::Macros);
        }
        has_workbook |= name == "xl/workbook.xml";
        is_binary |= name == "xl/workbook.bin" || name == "content.xml";
        declared = declared.saturating_add(entry.size());
        let grows = entry.size() / entry.compressed_size().max(1);
        if entry.size() > ENTRY_MAX || declared > ENTRIES_BYTES_MAX || (entry.size() > RATIO_FROM && grows > RATIO_MAX) {
            return Err(FileFault::Bomb);
        }
    }
    if !has_workbook {
        return Err(if is_binary { FileFault::OldFormat } else { FileFault::NotATable });
    }
    // What the directory says may be a lie: each entry is inflated once, as far as it may go, and thrown away.
    let (mut all, mut buffer) = (0_u64, vec![0_u8; 65_536]);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| FileFault::Broken)?;
        let name = name_of(&entry)?;
        // Sheets are read cell by cell, whatever is in them; pictures and the like are not read at all.
        let tags_max = match name.as_str() {
            "xl/sharedstrings.xml" => TAGS_OF_TEXTS_MAX,
            name if name.starts_with("xl/worksheets/") || !(name.ends_with(".xml") || name.ends_with(".rels")) => usize::MAX,
            _ => TAGS_MAX,
        };
        let compressed = entry.compressed_size().max(1);
        let (mut inflated, mut tags) = (0_u64, 0_usize);
        loop {
            let read = entry.read(&mut buffer).map_err(|_| FileFault::Broken)?;
            if read == 0 {
                break;
            }
            inflated += u64::try_from(read).unwrap_or(u64::MAX);
            tags += buffer.iter().take(read).filter(|byte| **byte == b'<').count();
            if tags > tags_max
                || inflated > ENTRY_MAX
                || all + inflated > ENTRIES_BYTES_MAX
                || (inflated > RATIO_FROM && inflated / compressed > RATIO_MAX)
            {
                return Err(FileFault::Bomb);
            }
        }
        all += inflated;
    }
    Ok(())
}

fn read_workbook(bytes: &[u8], sheet: &str) -> Result<Grid, FileFault> {
    check_zip(bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let is_1904 = workbook.has_1904_epoch();
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|found| found.typ == SheetType::WorkSheet && (found.visible == SheetVisible::Visible || found.name == sheet))
        .map(|found| found.name.clone())
        .collect();
    let name = sheets.iter().find(|name| *name == sheet).or_else(|| sheets.first()).ok_or(FileFault::NotATable)?;
    let merged = workbook.merge_cells_by_sheet_name(name).unwrap_or_default();
    if merged.len() > MERGED_MAX {
        return Err(FileFault::Bomb);
    }
    let mut grid = Grid::default();
    let mut cells = workbook.worksheet_cells_reader(name).map_err(|error| broken(&error))?;
    while let Some(found) = cells.next_cell().map_err(|error| broken(&error))? {
        let (row, column) = found.get_position();
        let cell = cell_of(found.get_value(), is_1904);
        if cell != Cell::Empty {
            grid.put(usize::try_from(row).unwrap_or(usize::MAX), usize::try_from(column).unwrap_or(usize::MAX), cell)?;
        }
    }
    drop(cells);
    // Areas that overlap would be filled again and again; together they are no larger than the sheet.
    let mut left = NonZeroU64::new(u64::try_from((ROWS_MAX + ROWS_ABOVE) * COLUMNS_MAX).unwrap_or(1)).map_or(1, NonZeroU64::get);
    for area in &merged {
        let rows = u64::from(area.end.0.saturating_sub(area.start.0)).min(u64::try_from(grid.rows.len()).unwrap_or(u64::MAX)) + 1;
        let columns = u64::from(area.end.1.saturating_sub(area.start.1)).min(u64::try_from(COLUMNS_MAX).unwrap_or(1)) + 1;
        left = left.checked_sub(rows.saturating_mul(columns)).ok_or(FileFault::Bomb)?;
        grid.fill(area)?;
    }
    Ok(grid)
}

fn broken(error: &calamine::XlsxError) -> FileFault {
    tracing::debug!(%error, "a workbook cannot be read");
    FileFault::Broken
}

fn cell_of(value: &DataRef<'_>, is_1904: bool) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => excel::decimal_text(*number).map_or_else(|| Cell::Text(number.to_string()), Cell::Number),
        DataRef::String(text) => text_cell(text),
        DataRef::SharedString(text) => text_cell(text),
        DataRef::Bool(yes) => Cell::Bool(*yes),
        DataRef::DateTime(at) => {
            let Some(serial) = excel::decimal_text(at.as_f64()) else { return Cell::Empty };
            let moment = if at.is_datetime() { Cell::of_serial(&serial, is_1904) } else { None };
            moment.unwrap_or(Cell::Number(serial))
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text_cell(text),
        DataRef::Error(error) => Cell::Error(Data::Error(error.clone()).to_string()),
    }
}

fn text_cell(text: &str) -> Cell {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
}

/// The text of a file: by its byte order mark, else UTF-8, else GB18030, which has GBK and GB 2312 in it.
fn decode(bytes: &[u8]) -> Result<String, FileFault> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, is_wrong) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        return if is_wrong { Err(FileFault::UnknownEncoding) } else { Ok(text.into_owned()) };
    }
    // Programs, pictures and archives have it; a table in text has not.
    if bytes.contains(&0) {
        return Err(FileFault::NotATable);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let (text, is_wrong) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    if is_wrong { Err(FileFault::UnknownEncoding) } else { Ok(text.into_owned()) }
}

fn read_text(bytes: &[u8]) -> Result<Grid, FileFault> {
    if bytes.is_empty()
        || [&b"%PDF"[..], b"{\\rtf", b"MZ", b"\x7fELF", b"\x89PNG", b"\xFF\xD8\xFF", b"GIF8", b"Rar!", b"7z\xBC\xAF"]
            .iter()
            .any(|mark| bytes.starts_with(mark))
    {
        return Err(FileFault::NotATable);
    }
    let text = decode(bytes)?;
    // Many systems write a page or an XML of their own and call it .xls.
    if text.trim_start().starts_with('<') {
        return Err(FileFault::OldFormat);
    }
    let first = text.lines().next().unwrap_or_default();
    let separator = [b'\t', b';', b','].into_iter().max_by_key(|mark| first.bytes().filter(|byte| byte == mark).count()).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let (mut grid, mut record, mut row) = (Grid::default(), csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).map_err(|_| FileFault::Broken)? {
        for (column, text) in record.iter().enumerate() {
            if let Cell::Text(text) = text_cell(text) {
                grid.put(row, column, Cell::Text(text))?;
            }
        }
        row += 1;
        if row > ROWS_MAX + ROWS_ABOVE {
            return Err(FileFault::TooManyRows(ROWS_MAX));
        }
    }
    Ok(grid)
}
