//! Tables and forms (表格): rows of cells over common columns, with borders.

use super::text::wrap;
use super::{Ink, size, width};

/// How text stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left.
    Left,
    /// In the middle.
    Middle,
    /// At the right: numbers.
    Right,
}

/// What a cell is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What is filled in.
    Value,
    /// What the form says.
    Label,
    /// The name of a part, over the whole row.
    Part,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Text; its line breaks are kept.
    pub text: String,
    /// Columns that it covers.
    pub span: usize,
    /// What it is for.
    pub look: Look,
    /// How the text stands.
    pub align: Align,
}

impl Cell {
    /// What the form says.
    #[must_use]
    pub fn label(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: 1, look: Look::Label, align: Align::Middle }
    }
    /// What is filled in.
    #[must_use]
    pub fn value(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: 1, look: Look::Value, align: Align::Left }
    }
    /// A number.
    #[must_use]
    pub fn number(text: impl Into<String>) -> Self {
        Self { align: Align::Right, ..Self::value(text) }
    }
    /// A short word among others of its column.
    #[must_use]
    pub fn middle(text: impl Into<String>) -> Self {
        Self { align: Align::Middle, ..Self::value(text) }
    }
    /// The name of a part.
    #[must_use]
    pub fn part(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: 1, look: Look::Part, align: Align::Left }
    }
    /// Over several columns.
    #[must_use]
    pub fn over(mut self, columns: usize) -> Self {
        self.span = columns.max(1);
        self
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its cells, from the left.
    pub cells: Vec<Cell>,
    /// Height at least: where somebody writes by hand. Unit: 0.01 mm.
    pub height: i32,
    /// Whether it stays with the row below: the name of a part is never the last on a page.
    pub stays_with_next: bool,
}

impl Row {
    /// A row as high as its text.
    #[must_use]
    pub fn of(cells: impl IntoIterator<Item = Cell>) -> Self {
        Self { cells: cells.into_iter().collect(), height: 0, stays_with_next: false }
    }
    /// A row that stays with the one below.
    #[must_use]
    pub fn heading(cells: impl IntoIterator<Item = Cell>) -> Self {
        Self { stays_with_next: true, ..Self::of(cells) }
    }
    /// A row at least this high.
    #[must_use]
    pub fn high(mut self, height: i32) -> Self {
        self.height = height;
        self
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Widths. Unit: 0.01 mm.
    pub columns: Vec<i32>,
    /// Repeated on every page that the table goes on to.
    pub head: Vec<Row>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Size of the text.
    pub size: i32,
}

/// Blank between border and text. Unit: 0.01 mm.
const PADDING: i32 = 80;
/// Line of a border. Unit: 0.01 mm.
pub(super) const BORDER: i32 = 18;

/// A cell with its lines, placed in its row.
pub(super) struct Placed {
    pub x: i32,
    pub width: i32,
    pub lines: Vec<String>,
    pub look: Look,
    pub align: Align,
}

/// A row with its lines.
pub(super) struct Measured {
    pub cells: Vec<Placed>,
    pub height: i32,
    pub leading: i32,
    pub size: i32,
    pub stays_with_next: bool,
}

impl Table {
    /// A table with cells in the size of a form.
    #[must_use]
    pub fn new(columns: impl Into<Vec<i32>>) -> Self {
        Self { columns: columns.into(), head: Vec::new(), rows: Vec::new(), size: size::CELL }
    }
    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row::of(cells));
    }

    pub(super) fn measure(&self, row: &Row) -> Measured {
        let leading = self.size * 13 / 10;
        let (mut column, mut x) = (0, 0);
        let mut cells = Vec::new();
        for cell in &row.cells {
            let last = (column + cell.span).min(self.columns.len());
            let width: i32 = self.columns.get(column..last).unwrap_or_default().iter().sum();
            let lines = wrap(&cell.text, self.size, (width - 2 * PADDING).max(self.size));
            cells.push(Placed { x, width, lines, look: cell.look, align: cell.align });
            column = last;
            x += width;
        }
        let lines = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(1);
        let height = height_of(lines, leading).max(row.height);
        Measured { cells, height, leading, size: self.size, stays_with_next: row.stays_with_next }
    }
}

/// Height of a row with so many lines.
fn height_of(lines: usize, leading: i32) -> i32 {
    i32::try_from(lines).unwrap_or(i32::MAX / 10_000).saturating_mul(leading) + 2 * PADDING
}

impl Measured {
    /// Takes off what fits into this height, where the row is higher; nothing where not one line fits.
    pub(super) fn cut(&mut self, room: i32) -> Option<Self> {
        let fit = usize::try_from((room - 2 * PADDING) / self.leading.max(1)).unwrap_or(0);
        if fit == 0 {
            return None;
        }
        let mut cells = Vec::new();
        for cell in &mut self.cells {
            let rest = cell.lines.split_off(cell.lines.len().min(fit));
            let lines = std::mem::replace(&mut cell.lines, rest);
            cells.push(Placed { x: cell.x, width: cell.width, lines, look: cell.look, align: cell.align });
        }
        let left = self.cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0);
        self.height = height_of(left.max(1), self.leading);
        Some(Self { cells, height: height_of(fit, self.leading), leading: self.leading, size: self.size, stays_with_next: false })
    }
}

impl Placed {
    /// Ground of the cell.
    pub(super) const fn ground(&self) -> Option<Ink> {
        match self.look {
            Look::Value => None,
            Look::Label | Look::Part => Some(Ink::PALE),
        }
    }
    /// Where a line begins, from the left of the cell.
    pub(super) fn indent(&self, line: &str, size: i32) -> i32 {
        let free = self.width - width(line, size);
        match self.align {
            Align::Left => PADDING,
            Align::Middle => (free / 2).max(0),
            Align::Right => (free - PADDING).max(0),
        }
    }
}
