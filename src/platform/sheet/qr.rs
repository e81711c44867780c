//! QR codes (二维码), as squares.

use qrcode::{Color, EcLevel, QrCode};

/// A QR code: which of its squares are dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    /// Squares along a side, without the quiet zone.
    pub squares: i32,
    dark: Vec<bool>,
}

/// The empty margin that scanners want. Unit: squares.
pub const QUIET: i32 = 4;

impl Qr {
    /// The code of a text; none for one that is longer than a code can hold (about 2,300 bytes).
    ///
    /// A quarter of the code may be lost (level Q): sheets are folded, and labels get wet.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let code = [EcLevel::Q, EcLevel::M].into_iter().find_map(|level| QrCode::with_error_correction_level(text, level).ok())?;
        Some(Self { squares: i32::try_from(code.width()).ok()?, dark: code.to_colors().into_iter().map(|colour| colour == Color::Dark).collect() })
    }

    /// Runs of dark squares: row, first column, length.
    #[must_use]
    pub fn runs(&self) -> Vec<(i32, i32, i32)> {
        let mut runs: Vec<(i32, i32, i32)> = Vec::new();
        for (index, _) in self.dark.iter().enumerate().filter(|(_, is_dark)| **is_dark) {
            let Ok(index) = i32::try_from(index) else { break };
            let (row, column) = (index / self.squares, index % self.squares);
            match runs.last_mut() {
                Some((last, from, length)) if *last == row && *from + *length == column => *length += 1,
                _ => runs.push((row, column, 1)),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_the_dark_squares_and_a_text_too_long_gives_none() {
        let code = Qr::of("https://liandan.example/v/AAAA").unwrap();
        let covered: i32 = code.runs().iter().map(|(_, _, length)| length).sum();
        assert_eq!(covered, i32::try_from(code.dark.iter().filter(|is_dark| **is_dark).count()).unwrap());
        // The corner mark: seven dark squares, then a light one.
        assert_eq!(code.runs()[0], (0, 0, 7));
        assert_eq!(Qr::of(&"x".repeat(3_000)), None);
    }
}
