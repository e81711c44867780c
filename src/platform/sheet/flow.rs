//! Lays out from above to below, page after page (排版): text, tables, and what stands on every page.

use chrono::{DateTime, Utc};

use super::table::{BORDER, Measured, Table};
use super::text::{clean, wrap};
use super::{Ink, Look, Mark, Page, Qr, Sheet, size, width};

/// Size of the paper. Unit: 0.01 mm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

impl Format {
    /// A4 upright.
    pub const A4: Self = Self { width: 21_000, height: 29_700 };
    /// A4 across.
    pub const A4_ACROSS: Self = Self { width: 29_700, height: 21_000 };
    /// A square label.
    #[must_use]
    pub const fn square(side: i32) -> Self {
        Self { width: side, height: side }
    }
}

/// Blank around a page. Unit: 0.01 mm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    /// Left and right.
    pub side: i32,
    /// Above.
    pub above: i32,
    /// Below, with the footer in it.
    pub below: i32,
}

impl Margins {
    /// Of a sheet that is filed.
    pub const SHEET: Self = Self { side: 1_500, above: 1_300, below: 1_500 };
}

/// Words across every page, under its text: what the sheet is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The words.
    pub words: String,
    /// Their colour.
    pub ink: Ink,
}

/// A document under way.
pub struct Flow {
    format: Format,
    margins: Margins,
    stamps: Vec<Stamp>,
    footer: String,
    pages: Vec<Page>,
    marks: Vec<Mark>,
    y: i32,
}

impl Flow {
    /// Begins a document; the footer stands at the left of each page's foot, the number of the page at the right.
    #[must_use]
    pub fn new(format: Format, margins: Margins, stamps: Vec<Stamp>, footer: &str) -> Self {
        let mut flow = Self { format, margins, stamps, footer: clean(footer), pages: Vec::new(), marks: Vec::new(), y: 0 };
        flow.begin_page();
        flow
    }

    /// Width between the margins. Unit: 0.01 mm.
    #[must_use]
    pub const fn room(&self) -> i32 {
        self.format.width - 2 * self.margins.side
    }
    /// What is left on this page. Unit: 0.01 mm.
    #[must_use]
    pub const fn left(&self) -> i32 {
        self.format.height - self.margins.below - self.y
    }
    /// How far down this page is used. Unit: 0.01 mm.
    #[must_use]
    pub const fn y(&self) -> i32 {
        self.y
    }

    fn begin_page(&mut self) {
        self.y = self.margins.above;
        let stamps: Vec<Mark> = self.stamps.iter().enumerate().flat_map(|(index, stamp)| across(self.format, index, stamp)).collect();
        self.marks.extend(stamps);
    }

    /// Goes on to the next page.
    pub fn new_page(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        self.pages.push(Page { width: self.format.width, height: self.format.height, marks });
        self.begin_page();
    }

    /// Leaves a blank, where the page goes on.
    pub fn space(&mut self, height: i32) {
        self.y = (self.y + height).min(self.format.height - self.margins.below);
    }

    /// Draws at a place of its own; nothing moves.
    pub fn place(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// A QR code at the right margin, its upper side at `y`.
    pub fn code_at_right(&mut self, y: i32, side: i32, code: Qr) {
        self.marks.push(Mark::Qr { x: self.format.width - self.margins.side - side, y, side, code });
    }

    /// Text from the left margin over the whole width, or what `right` leaves of it.
    pub fn text(&mut self, text: &str, size: i32, ink: Ink, is_bold: bool, right: i32) {
        for line in wrap(text, size, self.room() - right) {
            self.line(line, size, ink, is_bold, self.margins.side);
        }
    }

    /// A line in the middle of what `right` leaves.
    pub fn centred(&mut self, text: &str, size: i32, ink: Ink, right: i32) {
        for line in wrap(text, size, self.room() - right) {
            let x = self.margins.side + ((self.room() - right - width(&line, size)) / 2).max(0);
            self.line(line, size, ink, true, x);
        }
    }

    fn line(&mut self, text: String, size: i32, ink: Ink, is_bold: bool, x: i32) {
        let leading = size * 14 / 10;
        if self.left() < leading {
            self.new_page();
        }
        self.y += leading;
        let y = self.y - leading * 3 / 10;
        if !text.is_empty() {
            self.marks.push(Mark::Text { x, y, size, text, ink, is_bold, turn: 0 });
        }
    }

    /// Words in a box over the whole width, white on a ground or in the ground's colour within a line of it.
    pub fn banner(&mut self, text: &str, size: i32, ink: Ink, is_filled: bool) {
        let lines = wrap(text, size, self.room() - 400);
        let (leading, padding) = (size * 13 / 10, size / 2);
        let height = leading * i32::try_from(lines.len()).unwrap_or(1) + 2 * padding;
        if self.left() < height {
            self.new_page();
        }
        let (fill, line) = if is_filled { (Some(ink), None) } else { (None, Some((ink, 50))) };
        self.marks.push(Mark::Box { x: self.margins.side, y: self.y, w: self.room(), h: height, fill, line });
        let mut y = self.y + padding;
        for line in lines {
            y += leading;
            let x = self.margins.side + ((self.room() - width(&line, size)) / 2).max(0);
            let ink = if is_filled { Ink::WHITE } else { ink };
            self.marks.push(Mark::Text { x, y: y - leading * 28 / 100, size, text: line, ink, is_bold: true, turn: 0 });
        }
        self.y += height;
    }

    /// A table; it goes on over pages, with its head on each. A row that is higher than a page is cut.
    pub fn table(&mut self, table: &Table) {
        let head: Vec<Measured> = table.head.iter().map(|row| table.measure(row)).collect();
        let head_height: i32 = head.iter().map(|row| row.height).sum();
        let first = table.rows.first().map_or(0, |row| table.measure(row).height);
        if self.left() < head_height + first.min(self.body() / 2) {
            self.new_page();
        }
        self.rows(&head);
        let mut rows = table.rows.iter().map(|row| table.measure(row)).peekable();
        while let Some(mut row) = rows.next() {
            let follower = rows.peek().filter(|_| row.stays_with_next).map_or(0, |next| next.height.min(self.body() / 3));
            if self.left() < row.height + follower {
                let is_too_high = row.height + head_height > self.body();
                if !is_too_high {
                    self.new_page();
                    self.rows(&head);
                }
                let fresh = self.margins.above + head_height;
                while row.height > self.left() {
                    match row.cut(self.left()) {
                        Some(part) => self.one_row(&part),
                        // Not a line fits on a whole page under this head: it is printed beyond the edge rather than never.
                        None if self.y <= fresh => break,
                        None => {}
                    }
                    self.new_page();
                    self.rows(&head);
                }
            }
            self.one_row(&row);
        }
    }

    /// Height of a page between the margins.
    const fn body(&self) -> i32 {
        self.format.height - self.margins.above - self.margins.below
    }

    fn rows(&mut self, rows: &[Measured]) {
        for row in rows {
            self.one_row(row);
        }
    }

    fn one_row(&mut self, row: &Measured) {
        for cell in &row.cells {
            let x = self.margins.side + cell.x;
            let line = Some((Ink::BLACK, BORDER));
            self.marks.push(Mark::Box { x, y: self.y, w: cell.width, h: row.height, fill: cell.ground(), line });
            let lines = i32::try_from(cell.lines.len()).unwrap_or(0);
            // A label stands in the middle of its row, what is filled in as well: most rows have one line.
            let mut y = self.y + ((row.height - lines * row.leading) / 2).max(0);
            for text in &cell.lines {
                y += row.leading;
                if !text.is_empty() {
                    let x = x + cell.indent(text, row.size);
                    let y = y - row.leading * 28 / 100;
                    let is_bold = cell.look == Look::Part;
                    self.marks.push(Mark::Text { x, y, size: row.size, text: text.clone(), ink: Ink::BLACK, is_bold, turn: 0 });
                }
            }
        }
        self.y += row.height;
    }

    /// Ends the document: each page gets its footer and its number.
    #[must_use]
    pub fn finish(mut self, title: &str, language: &'static str, made_at: DateTime<Utc>) -> Sheet {
        let marks = std::mem::take(&mut self.marks);
        self.pages.push(Page { width: self.format.width, height: self.format.height, marks });
        let of = self.pages.len();
        let y = self.format.height - self.margins.below * 55 / 100;
        for (index, page) in self.pages.iter_mut().enumerate() {
            let number = if language == "en" { format!("page {} of {of}", index + 1) } else { format!("第 {} 页 共 {of} 页", index + 1) };
            let x = self.format.width - self.margins.side - width(&number, size::NOTE);
            let mut line = |x, text: String| page.marks.push(Mark::Text { x, y, size: size::NOTE, text, ink: Ink::GREY, is_bold: false, turn: 0 });
            let room = self.format.width - 2 * self.margins.side - width(&number, size::NOTE) - 300;
            if let Some(footer) = wrap(&self.footer, size::NOTE, room).into_iter().next().filter(|text| !text.is_empty()) {
                line(self.margins.side, footer);
            }
            line(x, number);
        }
        Sheet { title: clean(title), language, made_at, pages: self.pages }
    }
}

/// The words of a stamp from below left to above right, twice on a page; several stamps stand between each other.
fn across(format: Format, index: usize, stamp: &Stamp) -> Vec<Mark> {
    let text = clean(&stamp.words);
    let shift = i32::try_from(index).unwrap_or(0) * 3_500;
    // The longer the words, the smaller: they must be read whole.
    let wide = format.width * 4 / 5;
    let fit = width(&text, 1_000).max(1);
    let size = (i64::from(wide) * 1_000 / i64::from(fit)).clamp(500, 2_000);
    let size = i32::try_from(size).unwrap_or(500);
    (0..2)
        .map(|nth| {
            let y = format.height * (nth + 1) / 2 - format.height / 12 + shift;
            Mark::Text { x: format.width / 8, y, size, text: text.clone(), ink: stamp.ink, is_bold: true, turn: 30 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::sheet::{Cell, Row};

    fn flow() -> Flow {
        Flow::new(Format::A4, Margins::SHEET, Vec::new(), "脚注")
    }

    fn end(flow: Flow) -> Sheet {
        flow.finish("测试", "zh-CN", DateTime::UNIX_EPOCH)
    }

    fn is_inside(page: &Page) -> bool {
        page.marks.iter().all(|mark| match mark {
            Mark::Text { x, y, size, text, turn: 0, .. } => *x >= 0 && x + width(text, *size) <= page.width && *y <= page.height,
            Mark::Box { x, y, w, h, .. } => *x >= 0 && x + w <= page.width && *y >= 0 && y + h <= page.height,
            _ => true,
        })
    }

    #[test]
    fn a_long_table_goes_on_with_its_head_on_every_page_and_loses_no_row() {
        let mut table = Table::new([3_000, 15_000]);
        table.head.push(Row::of([Cell::label("序号"), Cell::label("名称")]));
        for number in 1..=150 {
            table.row([Cell::number(number.to_string()), Cell::value(format!("第{number}行"))]);
        }
        let mut flow = flow();
        flow.table(&table);
        let sheet = end(flow);
        assert!(sheet.pages.len() >= 3, "{}", sheet.pages.len());
        assert_eq!(sheet.text().matches("序号").count(), sheet.pages.len());
        for number in 1..=150 {
            assert!(sheet.text().contains(&format!("第{number}行")), "{number}");
        }
        assert!(sheet.pages.iter().all(is_inside));
        assert!(sheet.text().contains(&format!("第 1 页 共 {} 页", sheet.pages.len())));
    }

    #[test]
    fn a_row_higher_than_a_page_is_cut_and_loses_nothing() {
        let mut table = Table::new([3_000, 5_000]);
        table.head.push(Row::of([Cell::label("序号"), Cell::label("名称")]));
        table.row([Cell::value("1"), Cell::value("甲".repeat(4_000))]);
        table.row([Cell::value("2"), Cell::value("末")]);
        let mut flow = flow();
        flow.space(20_000);
        flow.table(&table);
        let sheet = end(flow);
        assert_eq!(sheet.text().matches('甲').count(), 4_000);
        assert!(sheet.text().contains('末') && sheet.pages.len() > 2);
        assert!(sheet.pages.iter().all(is_inside));
    }

    #[test]
    fn the_name_of_a_part_is_never_the_last_on_a_page() {
        for space in (20_000..26_500).step_by(100) {
            let mut table = Table::new([18_000]);
            table.rows.push(Row::heading([Cell::part("第二部分")]));
            table.row([Cell::value("内容")]);
            let mut flow = flow();
            flow.space(space);
            flow.table(&table);
            let sheet = end(flow);
            let page = sheet.pages.iter().find(|page| page.marks.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if text == "第二部分")));
            assert!(page.unwrap().marks.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if text == "内容")), "{space}");
        }
    }
}
