//! Sheets that people fill in: one description gives the template with their own rows, the reading of what comes back, and
//! the answer, which is the same template with the rows as they were read.
//!
//! Two columns that nobody sees carry a row's key and the version of the thing that it shows, so that a row is known again
//! wherever it was moved to. No clock and no I/O here.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use rust_xlsxwriter::{Color, DataValidation, Format, FormatAlign, Formula, ProtectionOptions, Workbook, Worksheet, XlsxError};
use serde_json::{Map, Value, json};

use super::cell::{self, Cell, Choice, Reading};
use super::fault::{CellFault, FileFault};
use super::file::{Grid, ROWS_MAX};
use super::write::{Out, put, sheet_name};
use crate::platform::calendar::instant_of;
use crate::platform::lang::Lang;
use crate::platform::mass::{MassUnit, tonnes_text};
use crate::platform::problem::{Problem, Text};

/// The header may stand below a title and some help. Unit: rows.
const HEADER_WITHIN: usize = 20;
/// Rows below the last one to which lists and formats reach.
const ROWS_BELOW: u32 = 2_000;
/// The titles of the two hidden columns, in no language.
const KEY_TITLE: &str = "row_key";
const VERSION_TITLE: &str = "row_version";
/// The title of an answer's last column, left out when the answer is sent in again.
const RESULT: (&str, &str) = ("处理结果", "Result");

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Prose of at most so many characters.
    Text(usize),
    /// A code or a number on a paper.
    Code(usize),
    /// A mass, in this unit where none is said.
    Mass(MassUnit),
    /// A whole number within bounds.
    Whole(i64, i64),
    /// A calendar day.
    Day,
    /// A day with a time.
    Moment,
    /// Yes or no.
    YesNo,
    /// One of a list.
    List,
    /// Several words with a mark between them.
    Words(usize),
    /// Shown to people, and not read.
    Shown,
}

/// A column of a sheet.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the body of an act.
    pub key: &'static str,
    /// Titles in Chinese and English.
    pub title: (&'static str, &'static str),
    /// What it holds.
    pub kind: Kind,
    /// Whether a row needs it.
    pub required: bool,
    /// Whether it is part of what the row is, and so does not change once the row exists.
    pub locked: bool,
}

/// A sheet that people fill in.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its title.
    pub title: (&'static str, &'static str),
    /// What to know before filling it in.
    pub help: (&'static str, &'static str),
    /// Its columns.
    pub columns: &'static [Column],
}

/// The lists of a sheet's columns, by key.
pub type Choices = BTreeMap<&'static str, Vec<Choice>>;

fn say(pair: (&'static str, &'static str), lang: Lang) -> &'static str {
    match lang {
        Lang::ZhCn => pair.0,
        Lang::En => pair.1,
    }
}

/// A fault of one cell, or of a row as a whole.
#[derive(Debug, Clone)]
pub struct RowFault {
    /// The column's key; none for the row.
    pub column: Option<&'static str>,
    /// Stable code.
    pub code: String,
    /// The sentence.
    pub message: Text,
    /// Articles.
    pub law: Vec<&'static str>,
}

/// A row as it came back.
#[derive(Debug, Clone, Default)]
pub struct SheetRow {
    /// The row in the file, from 1.
    pub no: usize,
    /// The hidden key.
    pub key: Option<String>,
    /// The hidden version.
    pub version: Option<i64>,
    /// A cell for each column of the sheet.
    pub cells: Vec<Cell>,
}

/// A sheet as it came back.
#[derive(Debug, Clone)]
pub struct Filled {
    /// Rows with something in them.
    pub rows: Vec<SheetRow>,
    /// For each column of the sheet the letter of that in the file.
    pub letters: Vec<Option<String>>,
    /// Titles in the file that mean nothing here.
    pub ignored: Vec<String>,
}

/// A row's values by key, and what was found on the way.
#[derive(Debug, Default)]
pub struct Typed {
    /// Values as the body of an act takes them.
    pub values: Map<String, Value>,
    /// Cells that cannot be read.
    pub faults: Vec<RowFault>,
    /// Cells that were read otherwise than letter by letter.
    pub readings: Vec<(&'static str, Text)>,
}

/// The letter of a column, as spreadsheets count.
#[must_use]
pub fn letter(column: usize) -> String {
    let (mut rest, mut letters) = (column + 1, Vec::new());
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// A title without marks and blanks, to find a column by.
#[must_use]
pub fn bare(title: &str) -> String {
    title.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '*' | '＊')).collect::<String>().to_lowercase()
}

impl Sheet {
    /// Finds the columns by their titles and takes the rows below.
    ///
    /// # Errors
    /// Without a header, or one that lacks a needed column; without rows; too many of them.
    pub fn filled(&self, grid: &Grid) -> Result<Filled, Problem> {
        self.filled_as(grid, |_| None)
    }

    /// As [`Sheet::filled`], with titles of others beside our own: `meaning` gives the key that one stands for.
    ///
    /// # Errors
    /// As [`Sheet::filled`].
    pub fn filled_as(&self, grid: &Grid, meaning: impl Fn(&str) -> Option<&'static str>) -> Result<Filled, Problem> {
        let place_of = |title: &str| {
            let (named, key) = (bare(title), meaning(title));
            self.columns
                .iter()
                .position(|column| named == bare(column.title.0) || named == bare(column.title.1) || named == column.key || Some(column.key) == key)
        };
        let places = |row: &[Cell]| row.iter().filter(|cell| place_of(&cell.shown()).is_some()).count();
        let header = (0..grid.rows.len().min(HEADER_WITHIN)).max_by_key(|row| (grid.rows.get(*row).map_or(0, |row| places(row)), usize::MAX - row));
        let header = header.filter(|row| grid.rows.get(*row).is_some_and(|row| places(row) > 0)).ok_or(FileFault::NoHeader)?;
        let mut at: Vec<Option<usize>> = vec![None; self.columns.len()];
        let (mut key_at, mut version_at, mut ignored) = (None, None, Vec::new());
        for (column, title) in grid.rows.get(header).into_iter().flatten().enumerate() {
            let title = title.shown();
            match place_of(&title).and_then(|place| at.get_mut(place)) {
                Some(place @ None) => *place = Some(column),
                // The same title twice: which one is meant, nobody can say.
                Some(Some(_)) => return Err(no_header(&format!("列“{title}”重复"), &format!("the column “{title}” stands twice"))),
                None if bare(&title) == KEY_TITLE => key_at = Some(column),
                None if bare(&title) == VERSION_TITLE => version_at = Some(column),
                None if title.trim().is_empty() || bare(&title) == bare(RESULT.0) || bare(&title) == bare(RESULT.1) => {}
                None => ignored.push(title),
            }
        }
        let missing: Vec<&Column> =
            self.columns.iter().zip(&at).filter(|(column, at)| column.required && at.is_none()).map(|(column, _)| column).collect();
        if !missing.is_empty() {
            let names = |pick: fn(&Column) -> &'static str| missing.iter().map(|column| pick(column)).collect::<Vec<_>>().join("、");
            return Err(no_header(
                &format!("缺少列：{}", names(|column| column.title.0)),
                &format!("missing columns: {}", names(|column| column.title.1)),
            ));
        }
        let mut rows = Vec::new();
        for row in header + 1..grid.rows.len() {
            let cells: Vec<Cell> = at.iter().map(|at| at.map_or(Cell::Empty, |column| grid.cell(row, column).clone())).collect();
            let is_read = |(column, cell): (&Column, &Cell)| column.kind != Kind::Shown && !cell.is_blank();
            if !self.columns.iter().zip(&cells).any(is_read) {
                continue;
            }
            if rows.len() == ROWS_MAX {
                return Err(FileFault::TooManyRows(ROWS_MAX).into());
            }
            let hidden = |at: Option<usize>| at.map(|column| grid.cell(row, column).shown()).filter(|text| !text.is_empty());
            rows.push(SheetRow { no: row + 1, key: hidden(key_at), version: hidden(version_at).and_then(|text| text.parse().ok()), cells });
        }
        if rows.is_empty() {
            return Err(FileFault::NoRows.into());
        }
        Ok(Filled { rows, letters: at.iter().map(|at| at.map(letter)).collect(), ignored })
    }

    /// Reads a row's cells as what their columns hold.
    #[must_use]
    pub fn typed(&self, row: &SheetRow, choices: &Choices) -> Typed {
        let mut typed = Typed::default();
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            let read = match column.kind {
                Kind::Shown => continue,
                Kind::Text(max) => value(cell::text(cell, max), Value::from),
                Kind::Code(max) => value(cell::code(cell, max), Value::from),
                Kind::Mass(unit) => value(cell::mass(cell, unit), |grams| json!(grams)),
                Kind::Whole(min, max) => value(cell::whole(cell, min, max), Value::from),
                Kind::Day => value(cell::day(cell), |day| cell::day_text(day).into()),
                Kind::Moment => value(cell::moment(cell), |at: NaiveDateTime| json!(instant_of(at))),
                Kind::YesNo => value(cell::yes_no(cell), Value::from),
                Kind::List => value(cell::choice(cell, choices.get(column.key).map_or(&[], Vec::as_slice)), Value::from),
                Kind::Words(max) => value(cell::code(cell, max), |text: String| {
                    text.split([';', ',', '；', '，', ' ', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().into()
                }),
            };
            match read {
                Ok(Some((value, how))) => {
                    typed.readings.extend(how.map(|how| (column.key, how)));
                    typed.values.insert(column.key.to_owned(), value);
                }
                Ok(None) if column.required => typed.fault(column, &CellFault::Missing),
                Ok(None) => {}
                Err(fault) => typed.fault(column, &fault),
            }
        }
        typed
    }

    /// A value as the sheet shows it.
    #[must_use]
    pub fn shown(&self, column: &Column, value: &Value, choices: &Choices, lang: Lang) -> Out {
        match (column.kind, value) {
            (_, Value::Null) => Out::Empty,
            (Kind::Mass(_), value) => {
                let grams = value.as_i64().and_then(|grams| grams.try_into().ok());
                grams.map_or(Out::Empty, |grams| {
                    Out::Number(match column.kind {
                        Kind::Mass(MassUnit::T) => tonnes_text(grams),
                        Kind::Mass(MassUnit::Kg) => crate::platform::mass::kilograms_text(grams),
                        _ => grams.to_string(),
                    })
                })
            }
            (Kind::YesNo, value) => Out::Text(say(if value.as_bool() == Some(true) { YES } else { NO }, lang).to_owned()),
            (Kind::List, Value::String(text)) => {
                let label = choices.get(column.key).and_then(|all| all.iter().find(|choice| choice.value == *text));
                Out::Text(label.map_or_else(|| text.clone(), |choice| choice.label.say(lang).to_owned()))
            }
            (_, Value::String(text)) => Out::Text(text.clone()),
            (_, Value::Number(number)) => Out::Number(number.to_string()),
            (_, Value::Array(words)) => Out::Text(words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")),
            (_, other) => Out::Text(other.to_string()),
        }
    }
}

const YES: (&str, &str) = ("是", "yes");
const NO: (&str, &str) = ("否", "no");

fn no_header(zh: &str, en: &str) -> Problem {
    Problem::new(FileFault::NoHeader.kind(), Text::new(format!("表头有误：{zh}"), format!("The header is wrong: {en}")))
}

/// A value and how it was read.
type Valued = Result<Option<(Value, Option<Text>)>, CellFault>;

fn value<T>(reading: Reading<T>, into: impl FnOnce(T) -> Value) -> Valued {
    Ok(reading?.map(|read| (into(read.value), read.how)))
}

impl Typed {
    fn fault(&mut self, column: &Column, fault: &CellFault) {
        self.faults.push(RowFault { column: Some(column.key), code: fault.code().to_owned(), message: fault.text(), law: Vec::new() });
    }
}

/// How a cell of an answer stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Not at all.
    #[default]
    None,
    /// It was read otherwise than it stood.
    Read,
    /// It was refused.
    Bad,
}

/// A row of a workbook on its way out.
#[derive(Debug, Clone, Default)]
pub struct BookRow {
    /// The hidden key.
    pub key: Option<String>,
    /// The hidden version.
    pub version: Option<i64>,
    /// Whether the thing exists, so that what it is cannot be changed.
    pub exists: bool,
    /// A cell for each column.
    pub cells: Vec<Out>,
    /// How they stand out; as good as none where it is shorter.
    pub marks: Vec<Mark>,
    /// What came of it; in an answer only.
    pub result: Option<String>,
}

/// Formats of one column.
struct Formats {
    open: Format,
    shut: Format,
    read: Format,
    bad: Format,
}

impl Formats {
    fn of(kind: Kind) -> Self {
        // As text a code stays what was typed; a spreadsheet would make a day of `3-1-08`.
        let base = match kind {
            Kind::Text(_) | Kind::Code(_) | Kind::Words(_) | Kind::List | Kind::YesNo | Kind::Shown => Format::new().set_num_format("@"),
            Kind::Day => Format::new().set_num_format("yyyy-mm-dd"),
            Kind::Moment => Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            Kind::Mass(_) | Kind::Whole(..) => Format::new(),
        };
        let open = if kind == Kind::Shown { base.clone().set_background_color(SHUT) } else { base.clone().set_unlocked() };
        Self {
            shut: base.clone().set_background_color(SHUT),
            read: base.clone().set_unlocked().set_background_color(Color::RGB(0xFF_F2CC)),
            bad: base.set_unlocked().set_background_color(Color::RGB(0xF8_CBAD)),
            open,
        }
    }
}

const SHUT: Color = Color::RGB(0xED_EDED);

/// A workbook of a sheet: a template with the rows that there are, or an answer.
///
/// # Errors
/// As the format.
pub fn book(sheet: &Sheet, lang: Lang, choices: &Choices, rows: &[BookRow]) -> Result<Vec<u8>, XlsxError> {
    let is_answer = rows.iter().any(|row| row.result.is_some());
    let mut workbook = Workbook::new();
    let page = workbook.add_worksheet();
    page.set_name(sheet_name(say(sheet.title, lang)))?;
    let columns = u16::try_from(sheet.columns.len()).unwrap_or(u16::MAX);
    let help = Format::new().set_text_wrap().set_align(FormatAlign::Top).set_font_color(Color::RGB(0x59_5959));
    page.merge_range(0, 2, 0, (columns + 1).max(3), say(sheet.help, lang), &help)?;
    page.set_row_height(0, 64)?;
    page.set_freeze_panes(2, 0)?;
    let head = Format::new().set_bold().set_text_wrap().set_background_color(Color::RGB(0xDD_EBF7));
    for (column, title) in [(0, KEY_TITLE), (1, VERSION_TITLE)] {
        page.write_string(1, column, title)?;
        page.set_column_hidden(column)?;
    }
    let last_row = u32::try_from(rows.len()).unwrap_or(0) + ROWS_BELOW;
    let mut lists: Vec<(String, Vec<String>)> = Vec::new();
    for (at, column) in (2_u16..).zip(sheet.columns) {
        let formats = Formats::of(column.kind);
        let mark = if column.required { "*" } else { "" };
        page.write_string_with_format(1, at, format!("{}{mark}", say(column.title, lang)), &head)?;
        page.set_column_width(at, if matches!(column.kind, Kind::Text(_) | Kind::List | Kind::Shown) { 26 } else { 18 })?;
        page.set_column_format(at, &formats.open)?;
        let list: Option<Vec<String>> = match column.kind {
            Kind::YesNo => Some(vec![say(YES, lang).to_owned(), say(NO, lang).to_owned()]),
            Kind::List => choices.get(column.key).map(|all| all.iter().map(|choice| choice.label.say(lang).to_owned()).collect()),
            _ => None,
        };
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            let letter = letter(lists.len());
            let rule = DataValidation::new().allow_list_formula(Formula::new(format!("=lists!${letter}$1:${letter}${}", list.len())));
            page.add_data_validation(2, at, last_row, at, &rule)?;
            lists.push((letter, list));
        }
        for (row, content) in (2_u32..).zip(rows) {
            let place = usize::from(at - 2);
            let mark = content.marks.get(place).copied().unwrap_or_default();
            let format = match mark {
                Mark::Bad => &formats.bad,
                Mark::Read => &formats.read,
                Mark::None if column.locked && content.exists => &formats.shut,
                Mark::None => &formats.open,
            };
            put(page, row, at, content.cells.get(place).unwrap_or(&Out::Empty), Some(format))?;
        }
    }
    hidden_columns(page, rows)?;
    if is_answer {
        let at = columns + 2;
        let wrapped = Format::new().set_text_wrap().set_unlocked();
        page.write_string_with_format(1, at, say(RESULT, lang), &head)?;
        page.set_column_width(at, 60)?;
        for (row, content) in (2_u32..).zip(rows) {
            put(page, row, at, &Out::Text(content.result.clone().unwrap_or_default()), Some(&wrapped))?;
        }
    }
    // Without a password: it keeps a slip of the hand out, nobody's will.
    page.protect_with_options(&ProtectionOptions {
        format_cells: true,
        format_columns: true,
        format_rows: true,
        insert_rows: true,
        delete_rows: true,
        sort: true,
        use_autofilter: true,
        ..ProtectionOptions::default()
    });
    if !lists.is_empty() {
        let hidden = workbook.add_worksheet();
        hidden.set_name("lists")?;
        for (column, (_, list)) in (0_u16..).zip(&lists) {
            for (row, label) in (0_u32..).zip(list) {
                put(hidden, row, column, &Out::Text(label.clone()), None)?;
            }
        }
        hidden.set_hidden(true);
    }
    workbook.save_to_buffer()
}

fn hidden_columns(page: &mut Worksheet, rows: &[BookRow]) -> Result<(), XlsxError> {
    for (row, content) in (2_u32..).zip(rows) {
        if let Some(key) = &content.key {
            put(page, row, 0, &Out::Text(key.clone()), None)?;
        }
        if let Some(version) = content.version {
            put(page, row, 1, &Out::Number(version.to_string()), None)?;
        }
    }
    Ok(())
}
