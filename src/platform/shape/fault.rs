//! What can be wrong with a body, and how it is said in both languages.

use jsonschema::JsonType;

use crate::platform::lang::Lang;

/// Values listed in one sentence about an allowed value.
const ALLOWED_SHOWN_MAX: usize = 60;

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
    /// A character that nobody sees.
    InvisibleCharacter {
        /// Its code point.
        code_point: u32,
    },
    /// A text that must say something holds only blanks, or what nobody sees.
    Blank,
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
            Self::InvisibleCharacter { .. } => "invisible-character",
            Self::Blank => "blank",
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
            Self::InvisibleCharacter { code_point } => {
                format!(
                    "The character U+{code_point:04X} is not allowed: nobody sees it. It often comes along when a text is copied; type the text anew."
                )
            }
            Self::Blank => "Must not be blank: it needs a text that can be seen.".into(),
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
            Self::InvisibleCharacter { code_point } => {
                format!("不允许不可见字符 U+{code_point:04X}，多由复制粘贴带入，请删除后重新录入。")
            }
            Self::Blank => "不得为空白，须填写可见的文字。".into(),
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
pub(super) fn format_words(format: &str) -> Option<(&'static str, &'static str)> {
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

pub(super) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for character in segment.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
