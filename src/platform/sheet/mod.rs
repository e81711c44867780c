//! Sheets of paper (单据): text, tables, boxes and QR codes on pages, as PDF/A-2u with a font of our own; no word of the domain.
//!
//! Two steps. A [`Flow`] lays out in whole hundredths of a millimetre and gives a [`Sheet`], plain data that a test can
//! read; [`pdf`] draws it. Invariants: no font of the machine and no network is used; a character outside the font prints as
//! [`REPLACEMENT`] and the sheet still comes; every glyph maps back to its character, so text is searched and copied; the
//! same sheet gives the same bytes. No clock and no database here.

mod flow;
mod font;
mod pen;
mod press;
mod qr;
mod table;
mod text;

pub use flow::{Flow, Format, Margins, Stamp};
pub use font::{REPLACEMENT, has};
pub use pen::pdf;
pub use press::{Press, answer};
pub use qr::Qr;
pub use table::{Align, Cell, Look, Row, Table};
pub use text::{clean, is_invisible, width, wrap};

use chrono::{DateTime, Utc};

/// A colour on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink(pub u8, pub u8, pub u8);

impl Ink {
    /// Text and lines.
    pub const BLACK: Self = Self(0, 0, 0);
    /// What stands on a dark ground.
    pub const WHITE: Self = Self(255, 255, 255);
    /// What is said beside.
    pub const GREY: Self = Self(90, 90, 90);
    /// Ground of labels of a form.
    pub const PALE: Self = Self(238, 238, 238);
    /// What must not be overlooked.
    pub const RED: Self = Self(192, 0, 0);
    /// Words across a page, under its text.
    pub const PALE_RED: Self = Self(252, 228, 228);
}

/// Sizes of text. Unit: 0.01 mm; beside each the points, and the Chinese size where there is one.
pub mod size {
    /// 7.5 pt, 六号: notes.
    pub const NOTE: i32 = 265;
    /// 9 pt, 小五: cells of a form.
    pub const CELL: i32 = 318;
    /// 10.5 pt, 五号: text.
    pub const TEXT: i32 = 370;
    /// 14 pt, 四号: headings.
    pub const HEADING: i32 = 494;
    /// 18 pt, 小二: titles.
    pub const TITLE: i32 = 635;
}

/// One thing on a page; all lengths in 0.01 mm from the upper left corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A line of text that begins at `x` on the base line `y`.
    Text {
        /// From the left.
        x: i32,
        /// Base line, from above.
        y: i32,
        /// Size.
        size: i32,
        /// The text, already [`clean`].
        text: String,
        /// Colour.
        ink: Ink,
        /// Whether it is bold.
        is_bold: bool,
        /// Turned anticlockwise around its beginning. Unit: degrees.
        turn: i32,
    },
    /// A rectangle.
    Box {
        /// From the left.
        x: i32,
        /// From above.
        y: i32,
        /// Width.
        w: i32,
        /// Height.
        h: i32,
        /// Ground.
        fill: Option<Ink>,
        /// Border and its width.
        line: Option<(Ink, i32)>,
    },
    /// A QR code with its quiet zone inside the side.
    Qr {
        /// From the left.
        x: i32,
        /// From above.
        y: i32,
        /// Side of the whole.
        side: i32,
        /// The code.
        code: Qr,
    },
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Unit: 0.01 mm.
    pub width: i32,
    /// Unit: 0.01 mm.
    pub height: i32,
    /// In the order of drawing.
    pub marks: Vec<Mark>,
}

/// A laid out document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Title in the file's properties.
    pub title: String,
    /// Language of the text (BCP 47).
    pub language: &'static str,
    /// When it was made; the clock is the caller's.
    pub made_at: DateTime<Utc>,
    /// Its pages.
    pub pages: Vec<Page>,
}

impl Sheet {
    /// All text, page by page, in the order of drawing.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.pages.iter().flat_map(|page| &page.marks).filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Why no sheet came: a fault of this program, never of what stands on the sheet.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The font that is built in.
    #[error("the built-in font cannot be read")]
    Font,
    /// A page without extent.
    #[error("a page of {width} by {height} hundredths of a millimetre")]
    Page {
        /// Width.
        width: i32,
        /// Height.
        height: i32,
    },
    /// What the PDF library says.
    #[error("the document cannot be written: {0}")]
    Document(String),
}
