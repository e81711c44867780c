//! One pass over the bytes, before anything is built from them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use super::FAULTS_MAX;
use super::fault::{Fault, FaultDetail, Syntax, push_segment};
use super::text::is_invisible;

/// What a body may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Arrays and objects inside each other; the outermost counts as one. Below the 128 that `serde_json` survives.
    pub depth: usize,
    /// Unit: characters (Unicode scalar values) of one decoded string.
    pub string_chars: usize,
    /// Unit: characters of one decoded key. Our longest is under 50; a fault repeats the key in its pointer.
    pub key_chars: usize,
    /// Items of one array.
    pub array_items: usize,
    /// Unit: characters of one number as written; no number of ours needs more than 20.
    pub number_chars: usize,
}

impl Limits {
    /// The limits of every operation that names no others.
    pub const DEFAULT: Self = Self { depth: 32, string_chars: 20_000, key_chars: 200, array_items: 5_000, number_chars: 64 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Looks over the bytes of a body before anything is built from them.
///
/// # Errors
/// All faults of keys, strings, numbers and arrays together, up to [`FAULTS_MAX`]. What cannot be read past (not UTF-8,
/// not JSON, too deep) comes last and ends the scan.
pub fn scan(bytes: &[u8], limits: &Limits) -> Result<(), Vec<Fault>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            return Err(vec![Fault::new("", FaultDetail::NotUtf8 { byte: error.valid_up_to() })]);
        }
    };
    let mut scanner = Scanner { text, at: 0, open: Vec::new(), faults: Vec::new(), limits };
    if let Err(Stop) = scanner.run() {
        // The scanner has noted why it stopped.
    }
    if scanner.faults.is_empty() { Ok(()) } else { Err(scanner.faults) }
}

/// The scan cannot go on; the reason is the last fault noted.
struct Stop;

enum Open<'a> {
    Object { keys: HashSet<Cow<'a, str>>, key: Cow<'a, str> },
    Array { index: usize },
}

enum Expect {
    Value,
    FirstKeyOrEnd,
    Key,
    FirstItemOrEnd,
    CommaOrEnd,
}

struct Scanner<'a, 'l> {
    text: &'a str,
    at: usize,
    /// What is open around the current place; never longer than the depth allowed, and the only stack there is.
    open: Vec<Open<'a>>,
    faults: Vec<Fault>,
    limits: &'l Limits,
}

impl<'a> Scanner<'a, '_> {
    fn run(&mut self) -> Result<(), Stop> {
        if self.text.starts_with('\u{feff}') {
            return self.not_json(0, Syntax::ByteOrderMark);
        }
        self.skip_blanks();
        if self.peek().is_none() {
            return self.not_json(self.at, Syntax::Empty);
        }
        let mut expect = Expect::Value;
        loop {
            self.skip_blanks();
            expect = match expect {
                Expect::Value => self.value()?,
                Expect::FirstItemOrEnd if self.take(b']') => self.close(),
                Expect::FirstItemOrEnd => Expect::Value,
                Expect::FirstKeyOrEnd if self.take(b'}') => self.close(),
                Expect::FirstKeyOrEnd | Expect::Key => self.key()?,
                Expect::CommaOrEnd => match self.open.last_mut() {
                    None if self.at == self.text.len() => return Ok(()),
                    None => return self.not_json(self.at, Syntax::TrailingText),
                    Some(Open::Array { index }) => {
                        let next = *index + 1;
                        if self.take(b']') {
                            self.close()
                        } else if self.take(b',') {
                            self.next_item(next)?
                        } else {
                            return self.unexpected();
                        }
                    }
                    Some(Open::Object { .. }) => {
                        if self.take(b'}') {
                            self.close()
                        } else if self.take(b',') {
                            self.refuse_closing(b'}')?;
                            Expect::Key
                        } else {
                            return self.unexpected();
                        }
                    }
                },
            };
            if self.faults.len() >= FAULTS_MAX {
                return Err(Stop);
            }
        }
    }

    fn next_item(&mut self, next: usize) -> Result<Expect, Stop> {
        self.refuse_closing(b']')?;
        if next == self.limits.array_items {
            // Once for each array, and at the array: the item over the limit has no fault of its own.
            let pointer = self.pointer(self.open.len() - 1);
            self.faults.push(Fault::new(pointer, FaultDetail::TooManyItems { max: next as u64 }));
        }
        if let Some(Open::Array { index }) = self.open.last_mut() {
            *index = next;
        }
        Ok(Expect::Value)
    }

    fn refuse_closing(&mut self, closing: u8) -> Result<(), Stop> {
        self.skip_blanks();
        if self.peek() == Some(closing) { self.not_json(self.at, Syntax::TrailingComma) } else { Ok(()) }
    }

    fn close(&mut self) -> Expect {
        self.open.pop();
        Expect::CommaOrEnd
    }

    fn value(&mut self) -> Result<Expect, Stop> {
        let Some(first) = self.peek() else {
            return self.unexpected();
        };
        match first {
            b'{' | b'[' => {
                if self.open.len() >= self.limits.depth {
                    let pointer = self.pointer(self.open.len());
                    self.faults.push(Fault::new(pointer, FaultDetail::TooDeep { max: self.limits.depth }));
                    return Err(Stop);
                }
                self.at += 1;
                if first == b'{' {
                    self.open.push(Open::Object { keys: HashSet::new(), key: Cow::Borrowed("") });
                    return Ok(Expect::FirstKeyOrEnd);
                }
                self.open.push(Open::Array { index: 0 });
                return Ok(Expect::FirstItemOrEnd);
            }
            b'"' => {
                let string = self.string()?;
                let pointer_depth = self.open.len();
                if string.chars > self.limits.string_chars {
                    let max = self.limits.string_chars as u64;
                    self.note(pointer_depth, FaultDetail::TooLong { max });
                }
                if let Some(code_point) = string.control {
                    self.note(pointer_depth, FaultDetail::ControlCharacter { code_point });
                }
                if let Some(code_point) = string.invisible {
                    self.note(pointer_depth, FaultDetail::InvisibleCharacter { code_point });
                }
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => return self.unexpected(),
        }
        Ok(Expect::CommaOrEnd)
    }

    fn key(&mut self) -> Result<Expect, Stop> {
        if self.peek() != Some(b'"') {
            return self.unexpected();
        }
        let start = self.at;
        let string = self.string()?;
        let object = self.open.len().saturating_sub(1);
        if let Some(code_point) = string.control {
            self.note(object, FaultDetail::ControlCharacter { code_point });
        }
        if let Some(code_point) = string.invisible {
            self.note(object, FaultDetail::InvisibleCharacter { code_point });
        }
        let mut key = match string.escaped {
            false => Cow::Borrowed(self.text.get(start + 1..self.at - 1).unwrap_or_default()),
            // Escapes were checked while scanning, so that this never falls back.
            true => Cow::Owned(serde_json::from_str(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default()),
        };
        if string.chars > self.limits.key_chars {
            self.note(object, FaultDetail::KeyTooLong { max: self.limits.key_chars });
            key = Cow::Owned(key.chars().take(self.limits.key_chars).collect());
        }
        let Some(Open::Object { keys, key: current }) = self.open.last_mut() else {
            return self.unexpected();
        };
        current.clone_from(&key);
        if keys.contains(&key) {
            self.note(object + 1, FaultDetail::DuplicateKey { key: key.into_owned() });
        } else {
            keys.insert(key);
        }
        self.skip_blanks();
        if self.take(b':') { Ok(Expect::Value) } else { self.unexpected() }
    }

    fn string(&mut self) -> Result<Scanned, Stop> {
        self.at += 1;
        let mut scanned = Scanned { chars: 0, control: None, invisible: None, escaped: false };
        loop {
            let Some(byte) = self.peek() else {
                return self.unexpected();
            };
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(scanned);
                }
                b'\\' => {
                    scanned.escaped = true;
                    let character = self.escape()?;
                    scanned.see(character);
                }
                0x00..=0x1f => return self.not_json(self.at, Syntax::RawControlCharacter),
                0x20..=0x7f => {
                    scanned.see(u32::from(byte));
                    self.at += 1;
                }
                _ => {
                    // A string begins and ends at whole characters, so that there always is one here.
                    let Some(character) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
                        return self.unexpected();
                    };
                    scanned.see(u32::from(character));
                    self.at += character.len_utf8();
                }
            }
        }
    }

    /// Reads an escape and gives its code point.
    fn escape(&mut self) -> Result<u32, Stop> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else {
            return self.unexpected();
        };
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => u32::from(letter),
            b'b' => 0x08,
            b't' => 0x09,
            b'n' => 0x0a,
            b'f' => 0x0c,
            b'r' => 0x0d,
            b'u' => {
                let unit = self.hex(start)?;
                match unit {
                    0xd800..=0xdbff => {
                        if !(self.take(b'\\') && self.take(b'u')) {
                            return self.not_json(start, Syntax::LoneSurrogate);
                        }
                        let low = self.hex(start)?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return self.not_json(start, Syntax::LoneSurrogate);
                        }
                        0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                    }
                    0xdc00..=0xdfff => return self.not_json(start, Syntax::LoneSurrogate),
                    other => other,
                }
            }
            _ => return self.not_json(start, Syntax::BadEscape),
        })
    }

    fn hex(&mut self, start: usize) -> Result<u32, Stop> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let mut unit = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(value) => unit = unit * 16 + value,
                None => return self.not_json(start, Syntax::BadEscape),
            }
        }
        if digits.len() < 4 {
            return self.not_json(start, Syntax::UnexpectedEnd);
        }
        self.at += 4;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let negative = self.take(b'-');
        let digits = self.digits();
        let leading_zero = digits > 1 && self.text.as_bytes().get(start + usize::from(negative)) == Some(&b'0');
        let mut whole = true;
        let mut good = digits > 0 && !leading_zero;
        if self.take(b'.') {
            whole = false;
            good &= self.digits() > 0;
        }
        if self.take(b'e') || self.take(b'E') {
            whole = false;
            let _sign = self.take(b'+') || self.take(b'-');
            good &= self.digits() > 0;
        }
        if !good {
            return self.not_json(start, Syntax::BadNumber);
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let depth = self.open.len();
        if text.len() > self.limits.number_chars {
            self.note(depth, FaultDetail::NumberTooLong { max: self.limits.number_chars });
        } else if whole && text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
            // A reader would take it for a float and drop digits without a word.
            self.note(depth, FaultDetail::NumberOutOfRange);
        } else if !whole && !text.parse::<f64>().is_ok_and(f64::is_finite) {
            self.note(depth, FaultDetail::NumberOutOfRange);
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str) -> Result<(), Stop> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        self.unexpected()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn unexpected<T>(&mut self) -> Result<T, Stop> {
        let problem = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => Syntax::UnexpectedCharacter(found),
            None => Syntax::UnexpectedEnd,
        };
        self.not_json(self.at, problem)
    }

    fn not_json<T>(&mut self, at: usize, problem: Syntax) -> Result<T, Stop> {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        self.note(self.open.len(), FaultDetail::NotJson { line, column, problem });
        Err(Stop)
    }

    fn note(&mut self, depth: usize, detail: FaultDetail) {
        self.faults.push(Fault::new(self.pointer(depth), detail));
    }

    /// The pointer to the place inside the first `depth` open containers.
    fn pointer(&self, depth: usize) -> String {
        let mut pointer = String::new();
        for open in self.open.iter().take(depth) {
            match open {
                Open::Object { key, .. } => push_segment(&mut pointer, key),
                Open::Array { index } => {
                    let _infallible = write!(pointer, "/{index}");
                }
            }
        }
        pointer
    }
}

struct Scanned {
    chars: usize,
    /// The first control character.
    control: Option<u32>,
    /// The first character that nobody sees.
    invisible: Option<u32>,
    escaped: bool,
}

impl Scanned {
    fn see(&mut self, code_point: u32) {
        self.chars += 1;
        let forbidden = matches!(code_point, 0x00..=0x08 | 0x0b..=0x1f | 0x7f..=0x9f);
        if forbidden && self.control.is_none() {
            self.control = Some(code_point);
        }
        if self.invisible.is_none() && char::from_u32(code_point).is_some_and(is_invisible) {
            self.invisible = Some(code_point);
        }
    }
}
