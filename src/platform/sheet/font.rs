//! The one font of all sheets (字体): built in, read once. How it was made stands in `font/README.md`.

use std::collections::HashMap;
use std::sync::OnceLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::SheetError;

const BYTES: &[u8] = include_bytes!("font/NotoSansSC-subset.ttf");

/// Printed for a character that the font does not have (缺字符号): a reader sees that something stood there.
pub const REPLACEMENT: char = '〓';

/// How a character is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    /// Number in the font.
    pub id: u32,
    /// Unit: thousandths of the size.
    pub advance: i32,
}

/// The font as it was read.
pub(super) struct Face {
    /// As the PDF library wants it.
    pub font: krilla::text::Font,
    glyphs: HashMap<char, Glyph>,
}

/// The font.
///
/// # Errors
/// Never in practice: the file is built in, and a test reads it.
pub(super) fn face() -> Result<&'static Face, SheetError> {
    static FACE: OnceLock<Option<Face>> = OnceLock::new();
    FACE.get_or_init(read).as_ref().ok_or(SheetError::Font)
}

fn read() -> Option<Face> {
    let font = FontRef::new(BYTES).ok()?;
    let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
    // The font has 1,000 units in its em, so an advance is in thousandths as it stands.
    let has_thousandths = font.metrics(Size::unscaled(), LocationRef::default()).units_per_em == 1_000;
    let mut glyphs = HashMap::new();
    for (code, id) in font.charmap().mappings() {
        if let (Some(character), Some(advance)) = (char::from_u32(code), metrics.advance_width(id)) {
            glyphs.insert(character, Glyph { id: id.to_u32(), advance: advance as i32 });
        }
    }
    let font = krilla::text::Font::new(BYTES.into(), 0)?;
    (has_thousandths && glyphs.contains_key(&REPLACEMENT)).then_some(Face { font, glyphs })
}

impl Face {
    /// How a character is drawn; one that is not there as [`REPLACEMENT`].
    pub(super) fn glyph(&self, character: char) -> Option<Glyph> {
        self.glyphs.get(&character).or_else(|| self.glyphs.get(&REPLACEMENT)).copied()
    }
    /// Unit: 0.01 mm, for a size in the same.
    pub(super) fn width(&self, text: &str, size: i32) -> i32 {
        let thousandths: i64 = text.chars().filter_map(|character| self.glyph(character)).map(|glyph| i64::from(glyph.advance)).sum();
        i32::try_from(thousandths * i64::from(size) / 1_000).unwrap_or(i32::MAX)
    }
}

/// Whether the font has a character.
#[must_use]
pub fn has(character: char) -> bool {
    face().is_ok_and(|face| face.glyphs.contains_key(&character))
}
