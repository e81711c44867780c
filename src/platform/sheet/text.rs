//! Lines of text: what is printable, how wide it is, where Chinese may break.

use super::font::{self, REPLACEMENT};

/// Must not begin a line (避头): what closes, and what belongs to the number before it.
const NOT_FIRST: &str = "，。、；：？！）】》」』〉〕”’%％℃°·…—～,.;:?!)]}³²";
/// Must not end a line (避尾).
const NOT_LAST: &str = "（【《「『〈〔“‘([{№￥¥$";

/// A text as it can be printed: line breaks become blanks, characters that show nothing or turn the direction of writing are
/// left out, and what the font lacks becomes [`REPLACEMENT`].
///
/// Left out are also soft hyphens, zero-width characters and the marks of bidirectional text: with them a name could be made
/// to read as another one.
#[must_use]
pub fn clean(text: &str) -> String {
    let shown = text.chars().filter_map(|character| match character {
        '\n' | '\r' | '\t' | '\u{a0}' | '\u{2028}' | '\u{2029}' => Some(' '),
        _ if is_invisible(character) => None,
        _ if font::has(character) => Some(character),
        _ => Some(REPLACEMENT),
    });
    shown.collect::<String>().trim().to_owned()
}

/// Characters that show nothing themselves but change how others are read: controls, zero-width characters, marks of
/// direction, variation selectors, tags.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
            | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// How wide a cleaned text is. Unit: 0.01 mm.
#[must_use]
pub fn width(text: &str, size: i32) -> i32 {
    font::face().map_or(0, |face| face.width(text, size))
}

/// Breaks a text into lines that are no wider than `room`.
///
/// Between Chinese characters a line may end anywhere but before what closes and after what opens; words, numbers and codes
/// stay whole, unless one is wider than a whole line. At least one line comes, an empty one for an empty text; paragraphs
/// (line breaks in the text) are kept.
#[must_use]
pub fn wrap(text: &str, size: i32, room: i32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        wrap_paragraph(&clean(paragraph), size, room, &mut lines);
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn wrap_paragraph(text: &str, size: i32, room: i32, lines: &mut Vec<String>) {
    let mut line = String::new();
    for piece in pieces(text) {
        if width(line.trim_end(), size) + width(piece.trim_end(), size) + blanks(&line, size) <= room {
            line.push_str(piece);
            continue;
        }
        if !line.trim().is_empty() {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        line.clear();
        // What is wider than a whole line is cut where it must.
        for character in piece.chars() {
            if !line.is_empty() && width(&line, size) + width(character.encode_utf8(&mut [0; 4]), size) > room {
                if character == ' ' {
                    continue;
                }
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line.trim_end().to_owned());
}

/// Width of the blanks at the end of a line that goes on.
fn blanks(line: &str, size: i32) -> i32 {
    width(line, size).saturating_sub(width(line.trim_end(), size))
}

/// What stays together on a line, with the blanks behind it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut before: Option<char> = None;
    for (at, character) in text.char_indices() {
        if before.is_some_and(|before| may_break(before, character)) {
            pieces.push(&text[from..at]);
            from = at;
        }
        before = Some(character);
    }
    pieces.push(&text[from..]);
    pieces
}

fn may_break(before: char, after: char) -> bool {
    if after == ' ' || NOT_FIRST.contains(after) || NOT_LAST.contains(before) {
        return false;
    }
    before == ' ' || is_wide(before) || is_wide(after)
}

/// Characters of Chinese writing, full-width forms and symbols among them; between two of them no blank is written.
fn is_wide(character: char) -> bool {
    u32::from(character) >= 0x2e80
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: i32 = crate::platform::sheet::size::CELL;

    #[test]
    fn chinese_breaks_anywhere_but_not_before_what_closes() {
        let lines = wrap("甲乙丙丁，戊己庚", CELL, CELL * 4);
        assert_eq!(lines, ["甲乙丙", "丁，戊己", "庚"]);
        assert_eq!(wrap("甲乙丙（丁）", CELL, CELL * 4), ["甲乙丙", "（丁）"]);
    }

    #[test]
    fn codes_and_numbers_stay_whole_and_an_endless_word_is_cut() {
        let lines = wrap("废物代码 900-249-08 与 20262102000001", CELL, CELL * 8);
        assert!(lines.iter().any(|line| line.contains("900-249-08")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("20262102000001")), "{lines:?}");
        let lines = wrap(&"x".repeat(500), CELL, CELL * 10);
        assert!(lines.len() > 10 && lines.iter().all(|line| width(line, CELL) <= CELL * 10));
        assert_eq!(lines.concat().len(), 500);
    }

    #[test]
    fn nothing_is_lost_and_no_line_is_too_wide() {
        let text = "废矿物油（HW08，900-249-08）1.25 t，应急电话 0411-87000000：吸附棉、围堵；泄漏时（含雨天）报告 12369。";
        for room in [CELL * 2, CELL * 5, CELL * 11, CELL * 40] {
            let lines = wrap(text, CELL, room);
            let kept: String = lines.concat().chars().filter(|character| *character != ' ').collect();
            assert_eq!(kept, text.replace(' ', ""), "{room}");
            // Only what must not be parted from its neighbour may stick out, and then nothing does: it is cut.
            assert!(lines.iter().all(|line| width(line, CELL) <= room), "{room}: {lines:?}");
        }
    }

    #[test]
    fn an_empty_text_is_one_empty_line_and_paragraphs_stay() {
        assert_eq!(wrap("", CELL, 1_000), [""]);
        assert_eq!(wrap("一\n\n二", CELL, 1_000), ["一", "", "二"]);
    }

    #[test]
    fn what_is_not_in_the_font_shows_as_missing_and_what_shows_nothing_is_left_out() {
        assert_eq!(clean("王\u{20bb7}野"), "王〓野");
        assert_eq!(clean("辽B\u{202e}54321\u{200b}"), "辽B54321");
        assert_eq!(clean(" 一\r\n二\t"), "一  二");
        assert!(!has_invisible("Ａ１㎡℃№"));
    }

    fn has_invisible(text: &str) -> bool {
        text.chars().any(is_invisible)
    }
}
