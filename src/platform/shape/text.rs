//! Characters that nobody sees. They make one name look like another, or a sealed text read otherwise than it is stored.

/// Whether a character may stand in no text: it shows nothing and steers the direction of writing, or has no width.
///
/// What scripts of the country need to be written right is not among them: the joiners and selectors of Mongolian and
/// Uyghur, and those that choose among the forms of a Han character.
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(character,
        // Line and paragraph separators, which some programs show as nothing.
        '\u{2028}' | '\u{2029}'
        // Marks, embeddings, overrides and isolates of direction.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // Without width: soft hyphen, grapheme joiner, zero-width space, word joiner and its kin, byte order mark.
        | '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
        // Fillers of Hangul and Khmer that stand for nothing.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}'
        // Annotations, shorthand, notes, tags.
        | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a text says anything: not only blanks (the full-width one among them) and characters that alone show nothing.
#[must_use]
pub fn has_content(text: &str) -> bool {
    text.chars().any(|character| !(character.is_whitespace() || character.is_control() || is_invisible(character) || shows_nothing_alone(character)))
}

const fn shows_nothing_alone(character: char) -> bool {
    matches!(character,
        // Joiners and selectors, and the blank of Braille.
        '\u{200c}' | '\u{200d}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{2800}')
}
