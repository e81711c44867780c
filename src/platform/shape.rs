//! The first of the two stages of a request: can the body be read at all?
//!
//! [`scan`] goes over the bytes once and finds what a JSON reader would hide or not survive: keys that occur twice,
//! depth, length, control characters. [`check_schema`] is for a body that is JSON but not the JSON we asked for: it
//! names every fault with its place, where a reader stops at the first.
//!
//! Invariants: what `scan` accepts, `serde_json` reads; neither recursion nor memory follows the sender's nesting; no
//! more than [`FAULTS_MAX`] faults leave this module. No clock and no I/O here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use crate::platform::lang::Lang;

/// Faults reported for one body; the rest is cut, so that a short body cannot demand a long answer.
pub const FAULTS_MAX: usize = 200;
/// Values listed in one sentence about an allowed value.
const ALLOWED_SHOWN_MAX: usize = 60;
/// Levels of `oneOf` inside `oneOf` that are followed.
const BRANCH_DEPTH_MAX: usize = 16;

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

/// One fault of a body and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) to the faulty place; to the missing member where one is missing.
    pub pointer: String,
    /// Stable name of the kind of fault, for programs.
    pub code: &'static str,
    /// The facts behind the code.
    pub detail: FaultDetail,
}

/// The facts of a fault, from which the sentences are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultDetail {
    /// The bytes are not UTF-8.
    NotUtf8 {
        /// Position of the first such byte, from 0.
        byte: usize,
    },
    /// The text is not JSON.
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Unit: characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: Syntax,
    },
    /// An object has the same key twice, so that two readers may see two different things.
    DuplicateKey {
        /// The key, decoded.
        key: String,
    },
    /// Nested too deeply; what is inside was not read.
    TooDeep {
        /// The deepest level allowed.
        max: usize,
    },
    /// A key is too long.
    KeyTooLong {
        /// Unit: characters.
        max: usize,
    },
    /// A string is too long.
    TooLong {
        /// Unit: characters.
        max: u64,
    },
    /// A string is too short.
    TooShort {
        /// Unit: characters.
        min: u64,
    },
    /// A number is written with too many characters.
    NumberTooLong {
        /// Unit: characters.
        max: usize,
    },
    /// A number that no reader here can hold exactly.
    NumberOutOfRange,
    /// A control character in a text; only line feed and tab may occur.
    ControlCharacter {
        /// Its code point.
        code_point: u32,
    },
    /// An array has too many items.
    TooManyItems {
        /// The most allowed.
        max: u64,
    },
    /// An array has too few items.
    TooFewItems {
        /// The fewest allowed.
        min: u64,
    },
    /// An array has an item twice.
    DuplicateItems,
    /// An object has too many members.
    TooManyMembers {
        /// The most allowed.
        max: u64,
    },
    /// An object has too few members.
    TooFewMembers {
        /// The fewest allowed.
        min: u64,
    },
    /// A member that the operation does not know.
    UnknownField {
        /// Its key.
        name: String,
    },
    /// A member that the operation needs.
    MissingField {
        /// Its key.
        name: String,
    },
    /// A value of another JSON type.
    WrongType {
        /// The types allowed.
        expected: Vec<JsonType>,
        /// The type found.
        found: JsonType,
    },
    /// A number is too small.
    TooSmall {
        /// The bound.
        min: String,
        /// Whether the bound itself is too small.
        exclusive: bool,
    },
    /// A number is too large.
    TooLarge {
        /// The bound.
        max: String,
        /// Whether the bound itself is too large.
        exclusive: bool,
    },
    /// A number is not a multiple.
    NotMultiple {
        /// Of what.
        of: String,
    },
    /// A value outside a closed list.
    NotAllowedValue {
        /// The list.
        allowed: Vec<String>,
    },
    /// A text of another form.
    WrongFormat {
        /// Name of the format, or the pattern where it has no name.
        format: String,
    },
    /// None of several forms fits, and none is clearly meant.
    NoForm,
    /// More than one form fits, so that the meaning is open.
    AmbiguousForm,
    /// Another keyword of the schema.
    Refused {
        /// The keyword.
        keyword: String,
    },
    /// The type of the value refused what the schema allows.
    WrongValue {
        /// The type's own words, in English.
        reason: String,
    },
}

/// What is wrong where the text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Nothing was sent, or only blanks.
    Empty,
    /// The text begins with a byte order mark.
    ByteOrderMark,
    /// The text ends in the middle.
    UnexpectedEnd,
    /// A character that cannot stand here.
    UnexpectedCharacter(char),
    /// A comma before a closing bracket.
    TrailingComma,
    /// Something follows the end.
    TrailingText,
    /// A number in a form that JSON does not have.
    BadNumber,
    /// A backslash that begins no known escape.
    BadEscape,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// A control character in a string that must be written as an escape.
    RawControlCharacter,
}

impl FaultDetail {
    /// The stable name of this kind of fault.
    pub const fn code(&self) -> &'static str {
        match self {
            // JSON is UTF-8 by definition (RFC 8259).
            Self::NotUtf8 { .. } | Self::NotJson { .. } => "not-json",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::TooDeep { .. } => "too-deep",
            Self::KeyTooLong { .. } | Self::TooLong { .. } | Self::NumberTooLong { .. } => "too-long",
            Self::TooShort { .. } => "too-short",
            Self::NumberOutOfRange => "number-out-of-range",
            Self::ControlCharacter { .. } => "control-character",
            Self::TooManyItems { .. } => "too-many-items",
            Self::TooFewItems { .. } => "too-few-items",
            Self::DuplicateItems => "duplicate-items",
            Self::TooManyMembers { .. } => "too-many-members",
            Self::TooFewMembers { .. } => "too-few-members",
            Self::UnknownField { .. } => "unknown-field",
            Self::MissingField { .. } => "missing-field",
            Self::WrongType { .. } => "wrong-type",
            Self::TooSmall { .. } => "too-small",
            Self::TooLarge { .. } => "too-large",
            Self::NotMultiple { .. } => "not-multiple",
            Self::NotAllowedValue { .. } => "not-allowed-value",
            Self::WrongFormat { .. } => "wrong-format",
            Self::NoForm => "no-form-fits",
            Self::AmbiguousForm => "ambiguous-form",
            Self::Refused { .. } => "refused",
            Self::WrongValue { .. } => "wrong-value",
        }
    }
}

impl Fault {
    /// A fault at a place; the code follows from the facts.
    pub fn new(pointer: impl Into<String>, detail: FaultDetail) -> Self {
        Self { pointer: pointer.into(), code: detail.code(), detail }
    }

    /// The fault of a value that its type refused although the schema allows it, in the type's own words.
    pub fn value(pointer: impl Into<String>, reason: &str) -> Self {
        Self::new(pointer, FaultDetail::WrongValue { reason: reason.to_owned() })
    }

    /// The sentence for the client.
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::ZhCn => self.detail.chinese(),
            Lang::En => self.detail.english(),
        }
    }
}

impl FaultDetail {
    fn english(&self) -> String {
        match self {
            Self::NotUtf8 { byte } => format!("The body is not UTF-8 (byte {byte})."),
            Self::NotJson { line, column, problem } => format!("Not JSON: line {line}, column {column}: {}.", problem.english()),
            Self::DuplicateKey { key } => {
                format!("The key “{key}” occurs more than once in this object.")
            }
            Self::TooDeep { max } => format!("Nested more than {max} levels deep."),
            Self::KeyTooLong { max } => {
                format!("A key of this object has more than {max} characters.")
            }
            Self::TooLong { max } => format!("At most {max} characters are allowed."),
            Self::TooShort { min } => format!("At least {min} characters are needed."),
            Self::NumberTooLong { max } => {
                format!("A number may be written with at most {max} characters.")
            }
            Self::NumberOutOfRange => "This number is outside the range that can be read exactly.".into(),
            Self::ControlCharacter { code_point } => {
                format!("The control character U+{code_point:04X} is not allowed; only line feed and tab are.")
            }
            Self::TooManyItems { max } => format!("At most {max} items are allowed."),
            Self::TooFewItems { min } => format!("At least {min} items are needed."),
            Self::DuplicateItems => "An item occurs more than once.".into(),
            Self::TooManyMembers { max } => format!("At most {max} members are allowed."),
            Self::TooFewMembers { min } => format!("At least {min} members are needed."),
            Self::UnknownField { name } => format!("The field “{name}” is not known here."),
            Self::MissingField { name } => format!("The field “{name}” is missing."),
            Self::WrongType { expected, found } => {
                let expected: Vec<&str> = expected.iter().map(|kind| kind.as_str()).collect();
                format!("Must be {}, not {}.", expected.join(" or "), found.as_str())
            }
            Self::TooSmall { min, exclusive: false } => format!("Must be at least {min}."),
            Self::TooSmall { min, exclusive: true } => format!("Must be greater than {min}."),
            Self::TooLarge { max, exclusive: false } => format!("Must be at most {max}."),
            Self::TooLarge { max, exclusive: true } => format!("Must be less than {max}."),
            Self::NotMultiple { of } => format!("Must be a multiple of {of}."),
            Self::NotAllowedValue { allowed } => {
                format!("Must be one of: {}.", shown(allowed, ", "))
            }
            Self::WrongFormat { format } => match format_words(format) {
                Some((_, english)) => format!("Must be {english}."),
                None => format!("Does not have the form {format}."),
            },
            Self::NoForm => "Fits none of the allowed forms.".into(),
            Self::AmbiguousForm => "Fits more than one of the allowed forms.".into(),
            Self::Refused { keyword } => format!("Not allowed here (schema keyword {keyword})."),
            Self::WrongValue { reason } => format!("The value is not acceptable: {reason}."),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::NotUtf8 { byte } => format!("请求正文不是 UTF-8 编码（第 {byte} 字节）。"),
            Self::NotJson { line, column, problem } => format!("不是合法的 JSON：第 {line} 行第 {column} 列，{}。", problem.chinese()),
            Self::DuplicateKey { key } => format!("同一对象中字段“{key}”重复出现。"),
            Self::TooDeep { max } => format!("嵌套超过 {max} 层。"),
            Self::KeyTooLong { max } => format!("该对象中有字段名超过 {max} 个字符。"),
            Self::TooLong { max } => format!("最多 {max} 个字符。"),
            Self::TooShort { min } => format!("至少 {min} 个字符。"),
            Self::NumberTooLong { max } => format!("数字最多写 {max} 个字符。"),
            Self::NumberOutOfRange => "数字超出可精确读取的范围。".into(),
            Self::ControlCharacter { code_point } => {
                format!("不允许控制字符 U+{code_point:04X}，仅允许换行和制表符。")
            }
            Self::TooManyItems { max } => format!("最多 {max} 项。"),
            Self::TooFewItems { min } => format!("至少 {min} 项。"),
            Self::DuplicateItems => "存在重复项。".into(),
            Self::TooManyMembers { max } => format!("最多 {max} 个字段。"),
            Self::TooFewMembers { min } => format!("至少 {min} 个字段。"),
            Self::UnknownField { name } => format!("未知字段“{name}”。"),
            Self::MissingField { name } => format!("缺少字段“{name}”。"),
            Self::WrongType { expected, found } => {
                let expected: Vec<&str> = expected.iter().map(|kind| chinese_type(*kind)).collect();
                format!("类型应为{}，实为{}。", expected.join("或"), chinese_type(*found))
            }
            Self::TooSmall { min, exclusive: false } => format!("不得小于 {min}。"),
            Self::TooSmall { min, exclusive: true } => format!("必须大于 {min}。"),
            Self::TooLarge { max, exclusive: false } => format!("不得大于 {max}。"),
            Self::TooLarge { max, exclusive: true } => format!("必须小于 {max}。"),
            Self::NotMultiple { of } => format!("必须是 {of} 的倍数。"),
            Self::NotAllowedValue { allowed } => {
                format!("只能是下列之一：{}。", shown(allowed, "、"))
            }
            Self::WrongFormat { format } => match format_words(format) {
                Some((chinese, _)) => format!("应为{chinese}。"),
                None => format!("格式不符（应符合 {format}）。"),
            },
            Self::NoForm => "不符合任何一种允许的形式。".into(),
            Self::AmbiguousForm => "同时符合多种形式，含义不明。".into(),
            Self::Refused { keyword } => format!("此处不允许（模式关键字 {keyword}）。"),
            Self::WrongValue { reason } => format!("值无效：{reason}。"),
        }
    }
}

impl Syntax {
    fn english(self) -> String {
        match self {
            Self::Empty => "the body is empty".into(),
            Self::ByteOrderMark => "the body begins with a byte order mark".into(),
            Self::UnexpectedEnd => "the text ends too early".into(),
            Self::UnexpectedCharacter(found) => format!("unexpected character {found:?}"),
            Self::TrailingComma => "a comma before a closing bracket".into(),
            Self::TrailingText => "text after the end".into(),
            Self::BadNumber => "a number in a form that JSON does not have".into(),
            Self::BadEscape => "an unknown escape".into(),
            Self::LoneSurrogate => "half of a surrogate pair".into(),
            Self::RawControlCharacter => "a control character that is not escaped".into(),
        }
    }

    fn chinese(self) -> String {
        match self {
            Self::Empty => "正文为空".into(),
            Self::ByteOrderMark => "正文以字节顺序标记（BOM）开头".into(),
            Self::UnexpectedEnd => "内容不完整".into(),
            Self::UnexpectedCharacter(found) => format!("此处不应出现字符 {found:?}"),
            Self::TrailingComma => "右括号前多了逗号".into(),
            Self::TrailingText => "结尾之后还有内容".into(),
            Self::BadNumber => "数字写法不合法".into(),
            Self::BadEscape => "转义写法不合法".into(),
            Self::LoneSurrogate => "代理对不完整".into(),
            Self::RawControlCharacter => "控制字符未转义".into(),
        }
    }
}

fn chinese_type(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "空值",
        JsonType::Boolean => "布尔值",
        JsonType::Integer => "整数",
        JsonType::Number => "数字",
        JsonType::String => "字符串",
        JsonType::Array => "数组",
        JsonType::Object => "对象",
    }
}

/// What a format is called in both languages, so that no clerk has to read a pattern.
fn format_words(format: &str) -> Option<(&'static str, &'static str)> {
    Some(match format {
        "uuid" => ("UUID", "a UUID"),
        "date" => ("日期（YYYY-MM-DD）", "a date (YYYY-MM-DD)"),
        "date-time" => ("带时区的时间（RFC 3339，如 2026-11-23T02:00:00Z）", "a time with offset (RFC 3339, such as 2026-11-23T02:00:00Z)"),
        "email" => ("电子邮件地址", "an e-mail address"),
        "uri" => ("网址", "a URI"),
        "mass-t" => ("以吨计的数量：十进制，至多 6 位小数，不超过 1000000", "a mass in t: decimal, at most 6 places, at most 1000000"),
        "mass-kg" => ("以千克计的数量：十进制，至多 3 位小数，不超过 1000000000", "a mass in kg: decimal, at most 3 places, at most 1000000000"),
        "mass-g" => ("以克计的数量：整数，不超过 1000000000000", "a mass in g: whole, at most 1000000000000"),
        "uscc" => ("统一社会信用代码（18 位，校验码须正确）", "a unified social credit code (18 characters, with the right check digit)"),
        "plate" => ("车牌号", "a vehicle plate"),
        "manifest-number" => ("联单编号（14 位：年份 4、行政区划 4、流水号 6）", "a manifest number (14 digits: year 4, prefecture 4, serial 6)"),
        "transfer-record-number" => ("转移记录编号（CC、日期 8 位、序号 3 位）", "a transfer record number (CC, date of 8 digits, serial of 3)"),
        "waste-code" => ("废物代码（如 900-249-08）", "a waste code (such as 900-249-08)"),
        "hazards" => ("危险特性（如 T,I 或 T/In）", "hazards (such as T,I or T/In)"),
        "method-code" => ("利用处置方式代码（如 R9、D10）", "a method code (such as R9 or D10)"),
        _ => return None,
    })
}

fn shown(allowed: &[String], separator: &str) -> String {
    let mut text = allowed.iter().take(ALLOWED_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(separator);
    if allowed.len() > ALLOWED_SHOWN_MAX {
        text.push('…');
    }
    text
}

fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for character in segment.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
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
        let mut scanned = Scanned { chars: 0, control: None, escaped: false };
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
                _ => {
                    // A continuation byte belongs to the character before it.
                    if byte & 0b1100_0000 != 0b1000_0000 {
                        scanned.see(u32::from(byte));
                    }
                    self.at += 1;
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
    control: Option<u32>,
    escaped: bool,
}

impl Scanned {
    fn see(&mut self, code_point: u32) {
        self.chars += 1;
        let forbidden = matches!(code_point, 0x00..=0x08 | 0x0b..=0x1f | 0x7f);
        if forbidden && self.control.is_none() {
            self.control = Some(code_point);
        }
    }
}

/// A text format that a schema names and that a pattern cannot express, such as a check digit.
pub type FormatCheck = (&'static str, fn(&str) -> bool);

/// Makes the validator of an operation: formats are asserted, ours among them.
///
/// # Errors
/// The schema itself is not valid; the text says where.
pub fn validator(schema: &Value, formats: &[FormatCheck]) -> Result<Validator, String> {
    let mut options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    for (name, accepts) in formats {
        options = options.with_format(*name, *accepts);
    }
    options.build(schema).map_err(|error| format!("{}: {error}", error.schema_path()))
}

/// Lists what is wrong with a body that its reader refused, up to [`FAULTS_MAX`] faults.
///
/// Where a place may have one of several forms, the faults are those of the form that was most likely meant.
pub fn check_schema(validator: &Validator, value: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        if faults.len() >= FAULTS_MAX {
            break;
        }
        explain(&error, value, 0, &mut faults);
    }
    faults.truncate(FAULTS_MAX);
    drop_repeats(&mut faults);
    faults
}

/// One sentence a place and kind is enough: a named format says more than the pattern beside it.
fn drop_repeats(faults: &mut Vec<Fault>) {
    let named: HashSet<String> = faults
        .iter()
        .filter(|fault| matches!(&fault.detail, FaultDetail::WrongFormat { format } if format_words(format).is_some()))
        .map(|fault| fault.pointer.clone())
        .collect();
    let mut seen = Vec::<Fault>::new();
    faults.retain(|fault| {
        let shadowed =
            matches!(&fault.detail, FaultDetail::WrongFormat { format } if format_words(format).is_none()) && named.contains(&fault.pointer);
        let keep = !shadowed && !seen.contains(fault);
        if keep {
            seen.push(fault.clone());
        }
        keep
    });
}

fn explain(error: &ValidationError<'_>, root: &Value, depth: usize, faults: &mut Vec<Fault>) {
    use ValidationErrorKind as Kind;
    let place = error.instance_path().as_str();
    let member = |name: &str| {
        let mut pointer = place.to_owned();
        push_segment(&mut pointer, name);
        pointer
    };
    let detail = match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            faults.extend(unexpected.iter().take(FAULTS_MAX).map(|name| Fault::new(member(name), FaultDetail::UnknownField { name: name.clone() })));
            return;
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            faults.push(Fault::new(member(name), FaultDetail::MissingField { name: name.to_owned() }));
            return;
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            if depth < BRANCH_DEPTH_MAX {
                let branches = context.iter().map(|errors| Branch::read(errors, root, place, depth + 1)).collect();
                faults.extend(Branch::most_likely(branches, place));
                return;
            }
            FaultDetail::NoForm
        }
        Kind::OneOfMultipleValid { .. } => FaultDetail::AmbiguousForm,
        Kind::FalseSchema => {
            // An object that may hold nothing: the validator stops at its first member and gives the object's place.
            let object = root.pointer(place).and_then(Value::as_object);
            if let Some(object) = object.filter(|_| error.schema_path().as_str().ends_with("/additionalProperties")) {
                let unknown = object.keys().take(FAULTS_MAX).map(|name| Fault::new(member(name), FaultDetail::UnknownField { name: name.clone() }));
                faults.extend(unknown);
                return;
            }
            let name = error.instance_path().iter().last().map(|segment| segment.to_string());
            FaultDetail::UnknownField { name: name.unwrap_or_default() }
        }
        Kind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(kind) => vec![*kind],
                TypeKind::Multiple(kinds) => kinds.iter().collect(),
            };
            FaultDetail::WrongType { expected, found: found_type(error.instance()) }
        }
        Kind::Enum { options } => match options.as_ref() {
            Value::Array(options) => FaultDetail::NotAllowedValue { allowed: options.iter().map(plain).collect() },
            other => FaultDetail::NotAllowedValue { allowed: vec![plain(other)] },
        },
        Kind::Constant { expected_value } => FaultDetail::NotAllowedValue { allowed: vec![plain(expected_value)] },
        Kind::Minimum { limit } => FaultDetail::TooSmall { min: limit.to_string(), exclusive: false },
        Kind::ExclusiveMinimum { limit } => FaultDetail::TooSmall { min: limit.to_string(), exclusive: true },
        Kind::Maximum { limit } => FaultDetail::TooLarge { max: limit.to_string(), exclusive: false },
        Kind::ExclusiveMaximum { limit } => FaultDetail::TooLarge { max: limit.to_string(), exclusive: true },
        Kind::MultipleOf { multiple_of } => FaultDetail::NotMultiple { of: multiple_of.to_string() },
        Kind::MaxLength { limit } => FaultDetail::TooLong { max: *limit },
        Kind::MinLength { limit } => FaultDetail::TooShort { min: *limit },
        Kind::MaxItems { limit } => FaultDetail::TooManyItems { max: *limit },
        Kind::AdditionalItems { limit } => FaultDetail::TooManyItems { max: *limit as u64 },
        Kind::MinItems { limit } => FaultDetail::TooFewItems { min: *limit },
        Kind::MaxProperties { limit } => FaultDetail::TooManyMembers { max: *limit },
        Kind::MinProperties { limit } => FaultDetail::TooFewMembers { min: *limit },
        Kind::UniqueItems => FaultDetail::DuplicateItems,
        Kind::Format { format } => FaultDetail::WrongFormat { format: format.clone() },
        Kind::Pattern { pattern } => FaultDetail::WrongFormat { format: pattern.clone() },
        other => FaultDetail::Refused { keyword: other.keyword().to_owned() },
    };
    faults.push(Fault::new(place, detail));
}

/// The type as a person would name it: 5 is an integer, not a number.
fn found_type(value: &Value) -> JsonType {
    if value.is_i64() || value.is_u64() { JsonType::Integer } else { JsonType::from(value) }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One of several allowed forms, with what is wrong if it was meant.
struct Branch {
    faults: Vec<Fault>,
    /// How unlikely it was meant: 2 another JSON type, 1 another tag, 0 neither.
    tier: u8,
    /// Members missing or unknown at the place itself; a form that was meant has most of its members.
    strange_members: usize,
}

impl Branch {
    fn read(errors: &[ValidationError<'_>], root: &Value, place: &str, depth: usize) -> Self {
        let mut faults = Vec::new();
        for error in errors.iter().take(FAULTS_MAX) {
            explain(error, root, depth, &mut faults);
        }
        let tier = faults.iter().map(|fault| Self::tier(fault, place)).max().unwrap_or(0);
        let strange_members = faults
            .iter()
            .filter(|fault| matches!(fault.detail, FaultDetail::MissingField { .. } | FaultDetail::UnknownField { .. }))
            .filter(|fault| is_member(&fault.pointer, place))
            .count();
        Self { faults, tier, strange_members }
    }

    fn tier(fault: &Fault, place: &str) -> u8 {
        match &fault.detail {
            FaultDetail::WrongType { .. } if fault.pointer == place => 2,
            FaultDetail::NotAllowedValue { .. } if fault.pointer == place => 1,
            // A member with one single allowed value is a tag.
            FaultDetail::NotAllowedValue { allowed } if allowed.len() == 1 && is_member(&fault.pointer, place) => 1,
            _ => 0,
        }
    }

    /// The faults of the form that was most likely meant; of forms equally likely, those that they share.
    fn most_likely(branches: Vec<Self>, place: &str) -> Vec<Fault> {
        let rank = |branch: &Self| (branch.tier, branch.strange_members, branch.faults.len());
        let Some(best) = branches.iter().map(rank).min() else {
            return vec![Fault::new(place, FaultDetail::NoForm)];
        };
        if best.0 > 0 {
            let likely: Vec<Self> = branches.into_iter().filter(|branch| branch.tier == best.0).collect();
            return Self::merged(&likely, best.0, place);
        }
        let mut likely = branches.into_iter().filter(|branch| rank(branch) == best);
        let mut shared = likely.next().map(|branch| branch.faults).unwrap_or_default();
        for other in likely {
            shared.retain(|fault| other.faults.contains(fault));
        }
        if shared.is_empty() { vec![Fault::new(place, FaultDetail::NoForm)] } else { shared }
    }

    /// No form has the type (or the tag) that was sent: says which ones there are, all in one fault.
    fn merged(branches: &[Self], tier: u8, place: &str) -> Vec<Fault> {
        let (mut types, mut found, mut values, mut tag) = (Vec::new(), None, Vec::new(), None::<&str>);
        for fault in branches.iter().flat_map(|branch| &branch.faults).filter(|fault| Self::tier(fault, place) == tier) {
            match &fault.detail {
                FaultDetail::WrongType { expected, found: seen } => {
                    found = Some(*seen);
                    add_new(&mut types, expected);
                }
                FaultDetail::NotAllowedValue { allowed } if tag.is_none_or(|tag| tag == fault.pointer) => {
                    tag = Some(&fault.pointer);
                    add_new(&mut values, allowed);
                }
                _ => {}
            }
        }
        vec![match (found, tag) {
            (Some(found), _) => Fault::new(place, FaultDetail::WrongType { expected: types, found }),
            (None, Some(tag)) => Fault::new(tag, FaultDetail::NotAllowedValue { allowed: values }),
            (None, None) => Fault::new(place, FaultDetail::NoForm),
        }]
    }
}

fn add_new<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}

fn is_member(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).and_then(|rest| rest.strip_prefix('/')).is_some_and(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        let faults = scan(text.as_bytes(), &Limits::DEFAULT).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn at(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
        vec![(pointer.to_owned(), code)]
    }

    #[test]
    fn plain_json_passes() {
        for text in ["{}", " [ ] ", "null", "-0.5e+3", r#"{"a":[1,2,{"b":"\u4e2d\ud83d\ude00\n\t"}],"c":{"a":1}}"#, "\t\"危险废物\"\r\n", "0"] {
            assert_eq!(faults(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "  ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "[1 2]",
            "{\"a\" 1}",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "NaN",
            "tru",
            "'a'",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"a\nb\"",
            "{} {}",
            "[1],",
            "\u{feff}{}",
            "]",
            "[}",
            "{\"a\":}",
            "//x\n1",
            "\"\\u+123\"",
            "--1",
            "\u{a0}1",
        ] {
            assert_eq!(faults(text).last().map(|fault| fault.1), Some("not-json"), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
        assert_eq!(scan(b"\"\xff\"", &Limits::DEFAULT).unwrap_err()[0].detail, FaultDetail::NotUtf8 { byte: 1 });
        let fault = &scan("{\n  \"名\": x}".as_bytes(), &Limits::DEFAULT).unwrap_err()[0];
        assert_eq!(fault.detail, FaultDetail::NotJson { line: 2, column: 8, problem: Syntax::UnexpectedCharacter('x') });
        assert_eq!(fault.pointer, "/名");
    }

    #[test]
    fn a_key_twice_is_found_at_every_level() {
        assert_eq!(faults(r#"{"a":1,"a":2}"#), at("/a", "duplicate-key"));
        assert_eq!(faults(r#"{"a":1,"\u0061":2}"#), at("/a", "duplicate-key"));
        assert_eq!(
            faults(r#"{"x":[0,{"m/n~":1,"m/n~":{"k":1,"k":1}}]}"#),
            [at("/x/1/m~1n~0", "duplicate-key"), at("/x/1/m~1n~0/k", "duplicate-key")].concat()
        );
        assert_eq!(faults(r#"{"":1,"":2}"#), at("/", "duplicate-key"));
        assert_eq!(faults(r#"[{"a":1},{"a":1}]"#), []);
        assert_eq!(faults(r#"{"a":{"a":1}}"#), []);
    }

    #[test]
    fn depth_32_passes_and_33_does_not() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(faults(&nested(32)), []);
        assert_eq!(faults(&nested(33)), at(&"/0".repeat(32), "too-deep"));
        assert_eq!(faults(&"[".repeat(100_000)), at(&"/0".repeat(32), "too-deep"));
        assert_eq!(faults(&"{\"a\":".repeat(100_000)), at(&"/a".repeat(32), "too-deep"));
    }

    #[test]
    fn length_is_counted_in_decoded_characters() {
        let text = |chars: usize| format!("{{\"t\":\"{}\"}}", "危".repeat(chars));
        assert_eq!(faults(&text(20_000)), []);
        assert_eq!(faults(&text(20_001)), at("/t", "too-long"));
        assert_eq!(faults(&format!("\"{}\"", "\\ud83d\\ude00".repeat(20_000))), []);
        assert_eq!(faults(&format!("\"{}\"", "\\u0041".repeat(20_001))), at("", "too-long"));
        let key = |chars: usize| format!("{{\"o\":{{\"{}\":1}}}}", "k".repeat(chars));
        assert_eq!(faults(&key(200)), []);
        assert_eq!(faults(&key(201)), at("/o", "too-long"));
    }

    #[test]
    fn arrays_hold_5000_items() {
        let array = |items: usize| format!("{{\"a\":[{}]}}", vec!["1"; items].join(","));
        assert_eq!(faults(&array(5_000)), []);
        assert_eq!(faults(&array(5_001)), at("/a", "too-many-items"));
        assert_eq!(faults(&array(6_000)), at("/a", "too-many-items"));
    }

    #[test]
    fn control_characters_are_refused_but_line_feed_and_tab() {
        for code in (0..=0x1f).chain([0x7f]) {
            let expected = if code == 9 || code == 10 { vec![] } else { at("/0", "control-character") };
            assert_eq!(faults(&format!("[\"x\\u{code:04x}\"]")), expected, "{code:x}");
        }
        assert_eq!(faults("[\"\u{7f}\"]"), at("/0", "control-character"));
        assert_eq!(faults("[\"\u{80}\\u0020\"]"), []);
        assert_eq!(faults(r#"{"a\u0000":1}"#), at("", "control-character"));
        assert_eq!(faults(r#""\r""#), at("", "control-character"));
    }

    #[test]
    fn numbers_are_read_exactly_or_refused() {
        for text in ["9223372036854775807", "18446744073709551615", "-9223372036854775808", "1e308", &format!("0.{}", "1".repeat(62))] {
            assert_eq!(faults(text), [], "{text}");
        }
        for text in ["18446744073709551616", "-9223372036854775809", "1e309"] {
            assert_eq!(faults(text), at("", "number-out-of-range"), "{text}");
        }
        assert_eq!(faults(&format!("0.{}", "1".repeat(63))), at("", "too-long"));
    }

    #[test]
    fn faults_are_collected_and_bounded() {
        assert_eq!(
            faults(r#"{"a":1,"a":"\u0001","b":[}"#),
            [at("/a", "duplicate-key"), at("/a", "control-character"), at("/b/0", "not-json")].concat()
        );
        assert_eq!(faults(&format!("[{}]", vec!["\"\\u0000\""; 1_000].join(","))).len(), FAULTS_MAX);
    }

    proptest! {
        #[test]
        fn what_passes_can_be_read(text in r#"([\[\]{},:"]|"a"|"b":|-?[0-9]{1,3}|\.|e|true|null| |\\|u00|\\ud83d){0,12}"#) {
            let read = serde_json::from_str::<Value>(&text).is_ok();
            match scan(text.as_bytes(), &Limits::DEFAULT) {
                Ok(()) => prop_assert!(read),
                Err(faults) => prop_assert!(!read || faults.iter().all(|fault| fault.code != "not-json")),
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if scan(&bytes, &Limits::DEFAULT).is_ok() {
                prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
            }
        }
    }

    fn schema_faults(schema: &Value, value: &Value) -> Vec<(String, &'static str)> {
        let validator = validator(schema, &[("even-length", |text| text.len() % 2 == 0)]).unwrap();
        let faults = check_schema(&validator, value);
        for fault in &faults {
            assert!(fault.message(Lang::En).ends_with('.') && fault.message(Lang::ZhCn).ends_with('。'), "{fault:?}");
        }
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn body() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["unit", "lines"],
            "properties": {
                "unit": {"type": "string", "format": "uuid"},
                "note": {"type": ["string", "null"], "maxLength": 5, "minLength": 2},
                "stream": {"type": "string", "enum": ["hazardous", "medical"]},
                "code": {"type": "string", "pattern": "^[0-9]{3}$"},
                "even": {"type": "string", "format": "even-length"},
                "lines": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/$defs/Line"}},
            },
            "$defs": {
                "Line": {"type": "object", "additionalProperties": false, "required": ["mass"],
                    "properties": {"mass": {"$ref": "#/$defs/Mass"}, "act": {"$ref": "#/$defs/Act"}, "why": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/Why"}]}}},
                "Mass": {"oneOf": [
                    {"type": "integer", "minimum": 0, "maximum": 100},
                    {"type": "object", "additionalProperties": false, "required": ["v", "u"],
                        "properties": {"v": {"type": "string", "pattern": "^[0-9]+$"}, "u": {"type": "string", "enum": ["t"]}}},
                    {"type": "object", "additionalProperties": false, "required": ["v", "u"],
                        "properties": {"v": {"type": "string", "pattern": "^[0-9]{2}$"}, "u": {"type": "string", "enum": ["kg"]}}},
                ]},
                "Act": {"oneOf": [
                    {"type": "object", "required": ["kind", "by"], "properties": {"kind": {"const": "take"}, "by": {"type": "string"}}},
                    {"type": "object", "required": ["kind", "on"], "properties": {"kind": {"const": "give"}, "on": {"type": "string"}}},
                ]},
                "Why": {"type": "object", "required": ["reason"], "properties": {"reason": {"type": "string"}}},
            }
        })
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let sent = json!({
            "extra": 1, "m/n": 2, "note": "123456", "stream": "general", "code": "12", "even": "odd",
            "lines": [{"mass": 5}, {"mas": 5}, {"mass": 1}],
        });
        let mut found = schema_faults(&body(), &sent);
        found.sort();
        let expected = [
            ("/code", "wrong-format"),
            ("/even", "wrong-format"),
            ("/extra", "unknown-field"),
            ("/lines", "too-many-items"),
            ("/lines/1/mas", "unknown-field"),
            ("/lines/1/mass", "missing-field"),
            ("/m~1n", "unknown-field"),
            ("/note", "too-long"),
            ("/stream", "not-allowed-value"),
            ("/unit", "missing-field"),
        ];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        let good = json!({"unit": "0190a5e0-0000-7000-8000-000000000000", "note": null, "lines": [{"mass": {"v": "12", "u": "kg"}, "why": null}]});
        assert_eq!(schema_faults(&body(), &good), []);
    }

    #[test]
    fn the_likely_form_is_explained() {
        let line = |line: Value| schema_faults(&body(), &json!({"unit": "0190a5e0-0000-7000-8000-000000000000", "lines": [line]}));
        assert_eq!(line(json!({"mass": -1})), at("/lines/0/mass", "too-small"));
        assert_eq!(line(json!({"mass": 101})), at("/lines/0/mass", "too-large"));
        assert_eq!(line(json!({"mass": "5 t"})), at("/lines/0/mass", "wrong-type"));
        assert_eq!(line(json!({"mass": 1.5})), at("/lines/0/mass", "wrong-type"));
        assert_eq!(line(json!({"mass": {"v": "1,5", "u": "t"}})), at("/lines/0/mass/v", "wrong-format"));
        assert_eq!(line(json!({"mass": {"v": "1", "u": "kg"}})), at("/lines/0/mass/v", "wrong-format"));
        assert_eq!(line(json!({"mass": {"v": "1", "u": "lb"}})), at("/lines/0/mass/u", "not-allowed-value"));
        assert_eq!(line(json!({"mass": {"v": "1"}})), at("/lines/0/mass/u", "missing-field"));
        assert_eq!(line(json!({"mass": {"v": 1, "u": "t"}})), at("/lines/0/mass/v", "wrong-type"));
        assert_eq!(line(json!({"mass": 1, "act": {"kind": "give"}})), at("/lines/0/act/on", "missing-field"));
        assert_eq!(line(json!({"mass": 1, "act": {"by": "x"}})), at("/lines/0/act/kind", "missing-field"));
        assert_eq!(line(json!({"mass": 1, "act": {"kind": "lose"}})), at("/lines/0/act/kind", "not-allowed-value"));
        assert_eq!(line(json!({"mass": 1, "why": {"reason": 5}})), at("/lines/0/why/reason", "wrong-type"));
        assert_eq!(line(json!({"mass": 1, "why": {}})), at("/lines/0/why/reason", "missing-field"));
        let validator = validator(&body(), &[]).unwrap();
        let faults = check_schema(&validator, &json!({"unit": 1, "lines": [{"mass": true}]}));
        assert_eq!(faults[0].message(Lang::ZhCn), "类型应为整数或对象，实为布尔值。");
        assert_eq!(faults[0].message(Lang::En), "Must be integer or object, not boolean.");
    }

    #[test]
    fn a_named_format_hides_the_pattern_beside_it() {
        let schema = json!({"type": "string", "pattern": "^[0-9A-Z]{18}$", "format": "uscc"});
        let validator = validator(&schema, &[("uscc", |_| false)]).unwrap();
        let faults = check_schema(&validator, &json!("x"));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].message(Lang::ZhCn), "应为统一社会信用代码（18 位，校验码须正确）。");
    }

    #[test]
    fn an_object_that_may_hold_nothing_names_each_member() {
        let empty = json!({"type": "object", "properties": {"o": {"type": "object", "additionalProperties": false}, "no": false}});
        let found = schema_faults(&empty, &json!({"o": {"a": 1, "b/c": 2}, "no": 3}));
        assert_eq!(found, [at("/no", "unknown-field"), at("/o/a", "unknown-field"), at("/o/b~1c", "unknown-field")].concat());
    }

    #[test]
    fn schema_faults_are_bounded() {
        let schema = json!({"type": "array", "items": {"type": "string"}});
        let many = Value::from(vec![1; 1_000]);
        assert_eq!(schema_faults(&schema, &many).len(), FAULTS_MAX);
        let closed = json!({"oneOf": [{"type": "null"}, {"type": "object", "additionalProperties": false}]});
        let members: serde_json::Map<String, Value> = (0..100_000).map(|n| (n.to_string(), Value::Null)).collect();
        assert_eq!(schema_faults(&closed, &Value::Object(members)).len(), FAULTS_MAX);
    }
}
