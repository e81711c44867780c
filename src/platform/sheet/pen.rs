//! Draws a [`Sheet`] as PDF/A-2u: the form for keeping documents in which every glyph must map back to its character. The
//! only place with floats: the library wants points.
#![expect(clippy::float_arithmetic, reason = "lengths become points here, for paper only; no mass, money or time is among them")]

use chrono::{Datelike, Timelike};
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use super::font::{Face, face};
use super::qr::QUIET;
use super::{Ink, Mark, Qr, Sheet, SheetError};

/// A bold letter is one with an outline this thick. Unit: parts of its size.
const BOLD: f32 = 1.0 / 28.0;

/// Draws a sheet; the same sheet gives the same bytes.
///
/// # Errors
/// See [`SheetError`]; none of them comes from what stands on the sheet.
pub fn pdf(sheet: &Sheet) -> Result<Vec<u8>, SheetError> {
    let face = face()?;
    let refused = |error: &dyn std::fmt::Debug| SheetError::Document(format!("{error:?}"));
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_U).finish().map_err(|error| refused(&error))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(metadata(sheet));
    for page in &sheet.pages {
        let absent = || SheetError::Page { width: page.width, height: page.height };
        let settings = PageSettings::from_wh(points(page.width), points(page.height)).ok_or_else(absent)?;
        let mut drawn = document.start_page_with(settings);
        let mut surface = drawn.surface();
        for mark in &page.marks {
            draw(&mut surface, face, mark);
        }
        surface.finish();
        drawn.finish();
    }
    document.finish().map_err(|error| refused(&error))
}

fn metadata(sheet: &Sheet) -> Metadata {
    let at = sheet.made_at;
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    let made_at = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new().title(sheet.title.clone()).language(sheet.language.to_owned()).creator("Liandan".to_owned()).creation_date(made_at)
}

/// Points of a length in 0.01 mm.
fn points(length: i32) -> f32 {
    length as f32 * 72.0 / 2_540.0
}

fn fill(ink: Ink) -> Fill {
    Fill { paint: krilla::color::rgb::Color::new(ink.0, ink.1, ink.2).into(), opacity: NormalizedF32::ONE, rule: krilla::paint::FillRule::default() }
}

fn stroke(ink: Ink, width: f32) -> Stroke {
    Stroke { paint: krilla::color::rgb::Color::new(ink.0, ink.1, ink.2).into(), width, ..Stroke::default() }
}

fn draw(surface: &mut Surface<'_>, face: &Face, mark: &Mark) {
    match mark {
        Mark::Text { x, y, size, text, ink, is_bold, turn } => {
            let size = points(*size);
            surface.set_fill(Some(fill(*ink)));
            surface.set_stroke(is_bold.then(|| stroke(*ink, size * BOLD)));
            let at = Point::from_xy(points(*x), points(*y));
            let glyphs = glyphs(face, text);
            if *turn == 0 {
                surface.draw_glyphs(at, &glyphs, face.font.clone(), text, size, false);
            } else {
                surface.push_transform(&Transform::from_rotate_at(-(*turn as f32), at.x, at.y));
                surface.draw_glyphs(at, &glyphs, face.font.clone(), text, size, false);
                surface.pop();
            }
        }
        Mark::Box { x, y, w, h, fill: ground, line } => {
            let Some(rect) = Rect::from_xywh(points(*x), points(*y), points(*w), points(*h)) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            let Some(path) = path.finish() else { return };
            if ground.is_some() || line.is_some() {
                surface.set_fill(ground.map(fill));
                surface.set_stroke(line.map(|(ink, width)| stroke(ink, points(width))));
                surface.draw_path(&path);
            }
        }
        Mark::Qr { x, y, side, code } => draw_code(surface, (*x, *y, *side), code),
    }
}

/// One path of all dark squares: a scanner sees no seams between them.
fn draw_code(surface: &mut Surface<'_>, (x, y, side): (i32, i32, i32), code: &Qr) {
    let square = points(side) / (code.squares + 2 * QUIET) as f32;
    let place = |from: i32, squares: i32| points(from) + square * (squares + QUIET) as f32;
    let mut path = PathBuilder::new();
    for (row, column, length) in code.runs() {
        if let Some(rect) = Rect::from_xywh(place(x, column), place(y, row), square * length as f32, square) {
            path.push_rect(rect);
        }
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(fill(Ink::BLACK)));
        surface.set_stroke(None);
        surface.draw_path(&path);
    }
}

fn glyphs(face: &Face, text: &str) -> Vec<KrillaGlyph> {
    let glyph = |(at, character): (usize, char)| {
        let glyph = face.glyph(character)?;
        let range = at..at + character.len_utf8();
        Some(KrillaGlyph::new(GlyphId::new(glyph.id), glyph.advance as f32 / 1_000.0, 0.0, 0.0, 0.0, range, None))
    };
    text.char_indices().filter_map(glyph).collect()
}
