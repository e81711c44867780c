//! Why a cell or a file cannot be read, in both languages.

use crate::platform::problem::{Kind, Problem, Text};

/// Why a cell is not what its column asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellFault {
    /// A cell that must not be blank.
    #[error("missing")]
    Missing,
    /// `#REF!` and its like.
    #[error("an error value: {0}")]
    ErrorValue(String),
    /// No number.
    #[error("not a number: {0}")]
    NotANumber(String),
    /// A number that can be meant in two ways.
    #[error("{text} is {one} or {other}")]
    TwoReadings {
        /// As written.
        text: String,
        /// One way.
        one: String,
        /// The other.
        other: String,
    },
    /// Below nothing.
    #[error("negative")]
    Negative,
    /// Finer than a gram.
    #[error("too precise: {0}")]
    TooPrecise(String),
    /// Beyond any mass.
    #[error("too large: {0}")]
    TooLarge(String),
    /// No unit of mass that is known.
    #[error("unknown unit: {0}")]
    UnknownUnit(String),
    /// Not a whole number.
    #[error("not whole: {0}")]
    NotWhole(String),
    /// Outside the bounds.
    #[error("{number} is not within {min} to {max}")]
    OutOfBounds {
        /// The number.
        number: i64,
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// No day.
    #[error("not a day: {0}")]
    NotADay(String),
    /// A day that no calendar has.
    #[error("no such day: {0}")]
    NoSuchDay(String),
    /// A day that can be read as two.
    #[error("the year must come first: {0}")]
    YearNotFirst(String),
    /// A spreadsheet made a day of it.
    #[error("turned into a day: {0}")]
    TurnedIntoDay(String),
    /// Neither yes nor no.
    #[error("not yes or no: {0}")]
    NotYesNo(String),
    /// Not in the list.
    #[error("not in the list: {text}")]
    NotInList {
        /// As written.
        text: String,
        /// Some that are.
        some: Vec<Text>,
    },
    /// More than one in the list reads so.
    #[error("several in the list: {0}")]
    SeveralInList(String),
    /// Too long.
    #[error("{length} characters, at most {max}")]
    TooLong {
        /// Its length.
        length: usize,
        /// The most.
        max: usize,
    },
}

impl CellFault {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "cell-missing",
            Self::ErrorValue(_) => "cell-error-value",
            Self::NotANumber(_) => "cell-not-a-number",
            Self::TwoReadings { .. } => "cell-two-readings",
            Self::Negative => "cell-negative",
            Self::TooPrecise(_) => "cell-too-precise",
            Self::TooLarge(_) => "cell-too-large",
            Self::UnknownUnit(_) => "cell-unknown-unit",
            Self::NotWhole(_) => "cell-not-whole",
            Self::OutOfBounds { .. } => "cell-out-of-bounds",
            Self::NotADay(_) => "cell-not-a-day",
            Self::NoSuchDay(_) => "cell-no-such-day",
            Self::YearNotFirst(_) => "cell-year-not-first",
            Self::TurnedIntoDay(_) => "cell-turned-into-day",
            Self::NotYesNo(_) => "cell-not-yes-no",
            Self::NotInList { .. } => "cell-not-in-list",
            Self::SeveralInList(_) => "cell-several-in-list",
            Self::TooLong { .. } => "cell-too-long",
        }
    }

    /// The sentence.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::Missing => Text::new("此格必填", "This cell must be filled in"),
            Self::ErrorValue(error) => Text::new(format!("单元格为错误值 {error}，请改为数值"), format!("The cell holds the error {error}")),
            Self::NotANumber(text) => Text::new(format!("“{text}”不是数字"), format!("“{text}” is no number")),
            Self::TwoReadings { text, one, other } => Text::new(
                format!("“{text}”可读作 {one}，也可读作 {other}，请改写为其中一种"),
                format!("“{text}” can be read as {one} or as {other}; write one of them"),
            ),
            Self::Negative => Text::new("数量不能为负", "It must not be negative"),
            Self::TooPrecise(text) => Text::new(
                format!("{text} 精确到克以下，请四舍五入到克（吨的小数点后六位）"),
                format!("{text} is finer than a gram; round it to six places of a tonne"),
            ),
            Self::TooLarge(text) => Text::new(format!("{text} 过大"), format!("{text} is too large")),
            Self::UnknownUnit(unit) => {
                Text::new(format!("不识别的单位“{unit}”，请用吨、千克或克"), format!("“{unit}” is no unit known here; use t, kg or g"))
            }
            Self::NotWhole(text) => Text::new(format!("“{text}”须为整数"), format!("“{text}” must be a whole number")),
            Self::OutOfBounds { number, min, max } => {
                Text::new(format!("{number} 须在 {min} 至 {max} 之间"), format!("{number} must be from {min} to {max}"))
            }
            Self::NotADay(text) => Text::new(format!("“{text}”不是日期，请写作 2026-11-24"), format!("“{text}” is no day; write it as 2026-11-24")),
            Self::NoSuchDay(text) => Text::new(format!("日历中没有“{text}”这一天"), format!("No calendar has “{text}”")),
            Self::YearNotFirst(text) => Text::new(
                format!("“{text}”分不清年、月、日，请先写四位年份，如 2026-11-24"),
                format!("“{text}” leaves open which is the year; write four digits of the year first, as 2026-11-24"),
            ),
            Self::TurnedIntoDay(text) => Text::new(
                format!("表格软件把内容变成了日期（{text}）；请将该列设为“文本”后重新填写"),
                format!("The spreadsheet turned it into a day ({text}); format the column as text and type it again"),
            ),
            Self::NotYesNo(text) => Text::new(format!("“{text}”须为“是”或“否”"), format!("“{text}” must be yes or no")),
            Self::NotInList { text, some } => {
                let names = |pick: fn(&Text) -> &str| some.iter().map(pick).collect::<Vec<_>>().join("、");
                Text::new(
                    format!("“{text}”不在可选范围内（如：{}）", names(|text| &text.zh)),
                    format!("“{text}” is not in the list (for example: {})", names(|text| &text.en)),
                )
            }
            Self::SeveralInList(text) => {
                Text::new(format!("“{text}”对应多个选项，请从下拉列表选择"), format!("“{text}” fits more than one of the list"))
            }
            Self::TooLong { length, max } => {
                Text::new(format!("共 {length} 个字符，最多 {max} 个"), format!("It has {length} characters; at most {max} are taken"))
            }
        }
    }
}

/// Why a file cannot be taken as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// Neither a workbook nor text in columns.
    #[error("no table")]
    NotATable,
    /// The format of before 2007, a binary one, or a page that only bears the name.
    #[error("an old or foreign format")]
    OldFormat,
    /// Behind a password.
    #[error("encrypted")]
    Locked,
    /// With a program inside.
    #[error("macros")]
    Macros,
    /// It would unpack beyond measure.
    #[error("unpacks too large")]
    Bomb,
    /// Cut, or made by nothing that follows the format.
    #[error("broken")]
    Broken,
    /// Too many rows.
    #[error("more than {0} rows")]
    TooManyRows(usize),
    /// Too many columns.
    #[error("more than {0} columns")]
    TooManyColumns(usize),
    /// A cell with too long a text, or too much text in all.
    #[error("too much text")]
    TooMuchText,
    /// Neither UTF-8 nor GB18030.
    #[error("unknown encoding")]
    UnknownEncoding,
    /// No row that names the columns.
    #[error("no header")]
    NoHeader,
    /// A header and nothing below.
    #[error("no rows")]
    NoRows,
}

/// Kinds of problem of this module.
pub static KINDS: [Kind; 12] = [
    Kind::new(422, "not-a-table", "文件不是可读取的表格", "The file is no table that can be read"),
    Kind::new(422, "table-old-format", "不支持此文件格式，请另存为 .xlsx", "This format is not taken; save it as .xlsx"),
    Kind::new(422, "table-locked", "文件已加密，请取消密码后再上传", "The file is encrypted; remove the password first"),
    Kind::new(422, "table-has-macros", "文件含有宏，请另存为不含宏的 .xlsx", "The file has macros; save it as .xlsx without them"),
    Kind::new(422, "table-unpacks-too-large", "文件解压后过大", "The file would unpack beyond measure"),
    Kind::new(422, "table-broken", "文件已损坏，无法读取", "The file is broken and cannot be read"),
    Kind::new(422, "table-too-many-rows", "表格行数过多", "The table has too many rows"),
    Kind::new(422, "table-too-many-columns", "表格列数过多", "The table has too many columns"),
    Kind::new(422, "table-too-much-text", "单元格文字过长或文字总量过大", "A cell has too long a text, or the table too much of it"),
    Kind::new(422, "table-unknown-encoding", "无法识别文字编码，请存为 UTF-8 或 GB18030", "The encoding is neither UTF-8 nor GB18030"),
    Kind::new(422, "table-no-header", "找不到表头，请使用模板", "No row names the columns; use the template"),
    Kind::new(422, "table-no-rows", "表头下没有数据", "There is nothing below the header"),
];

impl FileFault {
    /// The kind of problem.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        &KINDS[match self {
            Self::NotATable => 0,
            Self::OldFormat => 1,
            Self::Locked => 2,
            Self::Macros => 3,
            Self::Bomb => 4,
            Self::Broken => 5,
            Self::TooManyRows(_) => 6,
            Self::TooManyColumns(_) => 7,
            Self::TooMuchText => 8,
            Self::UnknownEncoding => 9,
            Self::NoHeader => 10,
            Self::NoRows => 11,
        }]
    }
}

impl From<FileFault> for Problem {
    fn from(fault: FileFault) -> Self {
        let kind = fault.kind();
        match fault {
            FileFault::TooManyRows(max) => {
                Self::new(kind, Text::new(format!("最多 {max} 行，请分成几个文件"), format!("At most {max} rows are taken; split the file")))
            }
            FileFault::TooManyColumns(max) => Self::new(kind, Text::new(format!("最多 {max} 列"), format!("At most {max} columns are taken"))),
            _ => Self::of(kind),
        }
    }
}
