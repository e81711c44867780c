//! Reads the text of a printed sheet back, as whoever searches or copies it would: by the maps from glyphs to characters
//! that the file itself carries, never by knowing its font.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::ZlibDecoder;

/// The text of a PDF, a line for each run that was drawn.
pub fn text(pdf: &[u8]) -> String {
    assert!(pdf.starts_with(b"%PDF-1."), "no PDF");
    let streams = streams(pdf);
    let mut map = BTreeMap::new();
    for stream in streams.iter().filter(|stream| stream.contains("beginbfchar") || stream.contains("beginbfrange")) {
        read_map(stream, &mut map);
    }
    assert!(!map.is_empty(), "nothing maps glyphs to characters");
    let mut out = String::new();
    for stream in streams.iter().filter(|stream| stream.contains("]TJ\nET")) {
        for run in runs(stream) {
            out.extend(run.chunks(2).map(|pair| {
                let glyph = u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
                map.get(&glyph).copied().unwrap_or_else(|| panic!("glyph {glyph} maps to nothing"))
            }));
            out.push('\n');
        }
    }
    out
}

/// Pages of a PDF.
pub fn pages(pdf: &[u8]) -> usize {
    let text: String = pdf.iter().map(|byte| char::from(*byte)).collect();
    let objects = streams(pdf).join("\n") + &text;
    objects.matches("/Type /Page\n").count() + objects.matches("/Type/Page/").count() + objects.matches("/Type/Page\n").count()
}

/// Every stream that is text when inflated, each byte as one character.
fn streams(pdf: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = pdf;
    while let Some(at) = find(rest, b"stream\n") {
        let from = at + b"stream\n".len();
        let Some(length) = find(&rest[from..], b"\nendstream") else { break };
        let bytes = &rest[from..from + length];
        let mut inflated = Vec::new();
        if ZlibDecoder::new(bytes).read_to_end(&mut inflated).is_err() {
            inflated = bytes.to_vec();
        }
        found.push(inflated.iter().map(|byte| char::from(*byte)).collect());
        rest = &rest[from + length + b"\nendstream".len()..];
    }
    found
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(text, 16).unwrap()
}

fn utf16(text: &str) -> char {
    let units: Vec<u16> = text.as_bytes().chunks(4).map(|unit| u16::try_from(hex(std::str::from_utf8(unit).unwrap())).unwrap()).collect();
    String::from_utf16(&units).unwrap().chars().next().unwrap()
}

fn read_map(stream: &str, map: &mut BTreeMap<u16, char>) {
    let mut kind = "";
    for line in stream.lines() {
        if line.ends_with("beginbfchar") {
            kind = "char";
        } else if line.ends_with("beginbfrange") {
            kind = "range";
        } else if line.starts_with("endbf") {
            kind = "";
        }
        let codes: Vec<&str> = line.split(['<', '>']).skip(1).step_by(2).collect();
        match (kind, codes.as_slice()) {
            ("char", [glyph, character]) => {
                map.insert(u16::try_from(hex(glyph)).unwrap(), utf16(character));
            }
            ("range", [from, until, first]) => {
                for (nth, glyph) in (hex(from)..=hex(until)).enumerate() {
                    map.insert(u16::try_from(glyph).unwrap(), char::from_u32(hex(first) + u32::try_from(nth).unwrap()).unwrap());
                }
            }
            _ => {}
        }
    }
}

/// The strings that are shown, in `(…)` or `<…>`; those of one operator are one run.
fn runs(stream: &str) -> Vec<Vec<u8>> {
    let bytes: Vec<u8> = stream.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    let (mut runs, mut run, mut at) = (Vec::new(), Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'(' => at = read_literal(&bytes, at + 1, &mut run),
            b'<' if bytes.get(at + 1) != Some(&b'<') => {
                let end = at + bytes[at..].iter().position(|byte| *byte == b'>').unwrap();
                let digits: String = bytes[at + 1..end].iter().map(|byte| char::from(*byte)).collect();
                run.extend(digits.as_bytes().chunks(2).map(|pair| u8::try_from(hex(std::str::from_utf8(pair).unwrap())).unwrap()));
                at = end;
            }
            b'T' if matches!(bytes.get(at + 1), Some(b'j' | b'J')) => runs.push(std::mem::take(&mut run)),
            _ => {}
        }
        at += 1;
    }
    runs
}

/// A literal string from its first byte; gives the place of its closing bracket.
fn read_literal(bytes: &[u8], mut at: usize, run: &mut Vec<u8>) -> usize {
    let mut depth = 1;
    loop {
        match bytes[at] {
            b'\\' => {
                at += 1;
                match bytes[at] {
                    b'n' => run.push(b'\n'),
                    b'r' => run.push(b'\r'),
                    b't' => run.push(b'\t'),
                    b'b' => run.push(8),
                    b'f' => run.push(12),
                    b'0'..=b'7' => {
                        let digits = bytes[at..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                        let value = bytes[at..at + digits].iter().fold(0_u32, |value, byte| value * 8 + u32::from(byte - b'0'));
                        run.push(u8::try_from(value & 0xff).unwrap());
                        at += digits - 1;
                    }
                    other => run.push(other),
                }
            }
            b'(' => {
                depth += 1;
                run.push(b'(');
            }
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
                run.push(b')');
            }
            other => run.push(other),
        }
        at += 1;
    }
}
