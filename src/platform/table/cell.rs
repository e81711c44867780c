//! What stands in a cell, and what somebody meant by it.
//!
//! People type 12.5 in full width, write the unit behind the figure, let a spreadsheet turn a code into a day. Each reader
//! here takes what can be meant in one way only, and says how it was read where that is not plain; what can be meant in
//! two ways is a fault that names both. No clock and no I/O here.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::fault::CellFault;
use crate::platform::mass::{Grams, MassTextRefusal, MassUnit, grams_of, tonnes_text};
use crate::platform::problem::Text;

/// Serial numbers that are taken for a day where a day is asked for: 1954 to 2119. Unit: days of a spreadsheet.
const SERIALS: std::ops::RangeInclusive<u32> = 20_000..=80_250;

/// A cell as it was read from a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// A text as typed.
    Text(String),
    /// A number, as plain decimal text.
    Number(String),
    /// Yes or no.
    Bool(bool),
    /// A day or an instant, which a spreadsheet keeps as a number with a format.
    Moment(NaiveDateTime),
    /// An error value such as `#REF!`.
    Error(String),
}

/// A value, and how it was read where that is not what stands in the cell letter by letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    /// The value.
    pub value: T,
    /// How it was read.
    pub how: Option<Text>,
}

impl<T> Read<T> {
    fn plain(value: T) -> Self {
        Self { value, how: None }
    }
    fn told(value: T, cell: &Cell, reading: &str) -> Self {
        let written = cell.shown();
        let how = (written != reading).then(|| Text::new(format!("“{written}”按“{reading}”读取"), format!("“{written}” was read as “{reading}”")));
        Self { value, how }
    }
}

/// What a reader gives: nothing for a blank cell.
pub type Reading<T> = Result<Option<Read<T>>, CellFault>;

impl Cell {
    /// The cell as its owner sees it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Number(text) | Self::Error(text) => text.clone(),
            Self::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.into(),
            Self::Moment(at) if at.time() == NaiveTime::MIN => at.date().to_string(),
            Self::Moment(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }

    /// Whether nobody sees anything in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => trimmed(text).is_empty(),
            _ => false,
        }
    }

    /// A day and time out of a spreadsheet's serial number; the first day is that of the workbook. Nothing beyond the
    /// calendar of a spreadsheet.
    #[must_use]
    pub fn of_serial(serial: &str, is_1904: bool) -> Option<Self> {
        moment_of(serial, is_1904).map(Self::Moment)
    }
}

/// The day and time of a serial number. The spreadsheet's 1900 has a 29 February, so days count from 1899-12-30 but for the
/// first two months, which nobody means.
fn moment_of(serial: &str, is_1904: bool) -> Option<NaiveDateTime> {
    let (days, fraction) = serial.split_once('.').unwrap_or((serial, ""));
    let days: u64 = days.parse().ok().filter(|days| *days <= 2_958_465)?;
    let start = if is_1904 { NaiveDate::from_ymd_opt(1904, 1, 1) } else { NaiveDate::from_ymd_opt(1899, 12, 30) }?;
    let day = start.checked_add_days(Days::new(days))?;
    // Nine places are ten microseconds of a day; a second is what people mean.
    let places: String = format!("{fraction:0<9}").chars().take(9).collect();
    let parts: u64 = places.parse().ok()?;
    let seconds = (parts * 86_400 + 500_000_000) / 1_000_000_000;
    let day = day.checked_add_days(Days::new(seconds / 86_400))?;
    NaiveTime::from_num_seconds_from_midnight_opt(u32::try_from(seconds % 86_400).ok()?, 0).map(|time| day.and_time(time))
}

/// Characters that nobody sees: they come with a copy out of a web page or a chat.
const fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A text without blanks at its ends, of whatever width, and without what nobody sees; a mark before it that only keeps a
/// spreadsheet from reading it (`'0123`) is none of it.
fn trimmed(text: &str) -> String {
    let seen: String = text
        .chars()
        .filter(|letter| !is_unseen(*letter))
        .map(|letter| if letter.is_whitespace() && !matches!(letter, '\n' | '\t') { ' ' } else { letter })
        .collect();
    let seen = seen.trim();
    match seen.strip_prefix(['\'', '’', '＇']) {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit() || super::write::begins_a_formula(first)) => rest.trim().to_owned(),
        _ => seen.to_owned(),
    }
}

/// A text in half width, for what is no prose: figures, days, codes.
fn folded(text: &str) -> String {
    trimmed(text)
        .chars()
        .map(|letter| match letter {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
            '。' => '.',
            '、' => ',',
            '–' | '—' | '−' | '‐' | '‑' | '‒' | '―' => '-',
            other => other,
        })
        .collect()
}

/// What stands for "nothing" in a form's cell.
fn is_placeholder(folded: &str) -> bool {
    matches!(folded, "" | "/" | "-" | "--" | "\\")
}

/// A text: names, addresses, reasons.
///
/// # Errors
/// An error value, a text that is too long. Unit of `max`: characters.
pub fn text(cell: &Cell, max: usize) -> Reading<String> {
    let value = match cell {
        Cell::Error(error) => return Err(CellFault::ErrorValue(error.clone())),
        Cell::Text(text) => trimmed(text),
        other => other.shown(),
    };
    if value.is_empty() {
        return Ok(None);
    }
    let length = value.chars().count();
    if length > max { Err(CellFault::TooLong { length, max }) } else { Ok(Some(Read::plain(value))) }
}

/// A code or a number on a paper: half width, upper case, one kind of hyphen.
///
/// # Errors
/// An error value; a day, which is what a spreadsheet made of a code such as `3-1-08`.
pub fn code(cell: &Cell, max: usize) -> Reading<String> {
    let value = match cell {
        Cell::Moment(_) => return Err(CellFault::TurnedIntoDay(cell.shown())),
        Cell::Text(text) => folded(text).to_uppercase(),
        Cell::Number(number) => number.clone(),
        other => return text(other, max),
    };
    if is_placeholder(&value) {
        return Ok(None);
    }
    let length = value.chars().count();
    if length > max { Err(CellFault::TooLong { length, max }) } else { Ok(Some(Read::told(value.clone(), cell, &value))) }
}

/// A decimal number in its one spelling: `1234.5`, `0.3`; never a sign.
fn decimal(folded: &str) -> Result<String, CellFault> {
    let not_a_number = || CellFault::NotANumber(folded.to_owned());
    let text = folded.strip_prefix('+').unwrap_or(folded).trim();
    if text.starts_with('-') && text[1..].trim_start().starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Err(CellFault::Negative);
    }
    if text.is_empty() || !text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ',' | ' ')) {
        return Err(not_a_number());
    }
    let groups = |part: &str, mark: char| {
        let mut groups = part.split(mark);
        let first = groups.next().unwrap_or_default();
        (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
    };
    let bare = |part: &str| part.replace([',', '.', ' '], "");
    let (whole, fraction) = match (text.matches(',').count(), text.matches('.').count(), text.contains(' ')) {
        (0, 0, false) => (text.to_owned(), String::new()),
        (0, 1, false) => text.split_once('.').map(|(whole, rest)| (whole.to_owned(), rest.to_owned())).unwrap_or_default(),
        // Blanks part thousands, or two figures ran into each other.
        (0, 0, true) if groups(text, ' ') => (bare(text), String::new()),
        (0, 1, true) => match text.split_once('.') {
            Some((whole, rest)) if groups(whole, ' ') && !rest.contains(' ') => (bare(whole), rest.to_owned()),
            _ => return Err(not_a_number()),
        },
        (0, 0, true) => {
            let parts: Vec<&str> = text.split_whitespace().collect();
            return Err(CellFault::TwoReadings { text: text.to_owned(), one: parts.concat(), other: parts.join(".") });
        }
        // One comma before three digits parts thousands, as people here write; not behind a single zero. Else it is a point.
        (1, 0, false) => match text.split_once(',') {
            Some((whole, rest)) if rest.len() == 3 && groups(text, ',') && whole != "0" && !whole.starts_with('0') => (bare(text), String::new()),
            Some((whole, rest)) if !whole.is_empty() && !rest.is_empty() => (whole.to_owned(), rest.to_owned()),
            _ => return Err(not_a_number()),
        },
        (_, 0, false) if groups(text, ',') => (bare(text), String::new()),
        (0, _, false) if groups(text, '.') => (bare(text), String::new()),
        (_, 1, false) => match text.split_once('.') {
            Some((whole, rest)) if !rest.contains(',') && groups(whole, ',') => (bare(whole), rest.to_owned()),
            Some(_) => match text.split_once(',') {
                Some((whole, rest)) if groups(whole, '.') && !rest.contains(['.', ',']) => (bare(whole), rest.to_owned()),
                _ => return Err(not_a_number()),
            },
            None => return Err(not_a_number()),
        },
        (1, _, false) => match text.split_once(',') {
            Some((whole, rest)) if groups(whole, '.') && !rest.contains('.') => (bare(whole), rest.to_owned()),
            _ => return Err(not_a_number()),
        },
        _ => {
            let one = bare(text);
            let other = text.rsplit_once([',', '.', ' ']).map(|(whole, rest)| format!("{}.{rest}", bare(whole))).unwrap_or_default();
            return Err(CellFault::TwoReadings { text: text.to_owned(), one, other });
        }
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(not_a_number());
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    Ok(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// Names of units, as people write them behind a figure.
fn unit_of(name: &str) -> Result<MassUnit, CellFault> {
    match name.to_lowercase().as_str() {
        "t" | "ton" | "tons" | "tonne" | "tonnes" | "吨" | "公吨" => Ok(MassUnit::T),
        "kg" | "kgs" | "㎏" | "公斤" | "千克" => Ok(MassUnit::Kg),
        "g" | "克" => Ok(MassUnit::G),
        _ => Err(CellFault::UnknownUnit(name.to_owned())),
    }
}

const fn unit_name(unit: MassUnit) -> &'static str {
    match unit {
        MassUnit::T => "t",
        MassUnit::Kg => "kg",
        MassUnit::G => "g",
    }
}

/// A mass: a figure in the column's unit, or with its own unit behind it; exact to the gram.
///
/// # Errors
/// What is no figure, or can be read in two ways, is negative, finer than a gram or beyond measure.
pub fn mass(cell: &Cell, unit: MassUnit) -> Reading<Grams> {
    let folded = match cell {
        Cell::Error(error) => return Err(CellFault::ErrorValue(error.clone())),
        Cell::Moment(_) => return Err(CellFault::TurnedIntoDay(cell.shown())),
        Cell::Text(text) => folded(text),
        other => other.shown(),
    };
    if is_placeholder(&folded) {
        return Ok(None);
    }
    let figure_ends = folded.rfind(|letter: char| letter.is_ascii_digit() || letter == '.').map_or(0, |at| at + 1);
    let (figure, behind) = folded.split_at(figure_ends);
    if figure.is_empty() {
        return Err(CellFault::NotANumber(folded));
    }
    let (said, behind) = (!behind.trim().is_empty(), behind.trim());
    let unit = if said { unit_of(behind)? } else { unit };
    let text = decimal(figure.trim())?;
    let grams = grams_of(&text, unit).map_err(|refusal| match refusal {
        MassTextRefusal::TooPrecise => CellFault::TooPrecise(format!("{text} {}", unit_name(unit))),
        MassTextRefusal::TooLarge => CellFault::TooLarge(format!("{text} {}", unit_name(unit))),
        _ => CellFault::NotANumber(folded.clone()),
    })?;
    Ok(Some(if cell.shown() == text { Read::plain(grams) } else { Read::told(grams, cell, &format!("{} t", tonnes_text(grams))) }))
}

/// A whole number; a word of its own kind behind it is dropped (`2026年`, `6个`).
///
/// # Errors
/// What is no whole number in the bounds.
pub fn whole(cell: &Cell, min: i64, max: i64) -> Reading<i64> {
    let folded = match cell {
        Cell::Error(error) => return Err(CellFault::ErrorValue(error.clone())),
        Cell::Text(text) => folded(text),
        other => other.shown(),
    };
    if is_placeholder(&folded) {
        return Ok(None);
    }
    let figure = folded.trim_end_matches(['年', '度', '个', '件', '桶', '袋', '箱', '只', '号']).trim();
    let text = decimal(figure)?;
    let number: i64 = text.parse().map_err(|_| CellFault::NotWhole(folded.clone()))?;
    if !(min..=max).contains(&number) {
        return Err(CellFault::OutOfBounds { number, min, max });
    }
    Ok(Some(Read::told(number, cell, &text)))
}

/// A calendar day.
///
/// # Errors
/// What is no day, or can be read as two.
pub fn day(cell: &Cell) -> Reading<NaiveDate> {
    let Some(read) = moment(cell)? else { return Ok(None) };
    let date = read.value.date();
    Ok(Some(Read::told(date, cell, &date.to_string())))
}

/// A day with a time of the wall clock; without one the day's beginning.
///
/// # Errors
/// As [`day`].
pub fn moment(cell: &Cell) -> Reading<NaiveDateTime> {
    let found = match cell {
        Cell::Empty | Cell::Bool(_) if cell.is_blank() => return Ok(None),
        Cell::Error(error) => return Err(CellFault::ErrorValue(error.clone())),
        Cell::Moment(at) => return Ok(Some(Read::plain(*at))),
        Cell::Number(number) => day_of_number(number)?,
        Cell::Text(text) => {
            let folded = folded(text);
            if is_placeholder(&folded) {
                return Ok(None);
            }
            moment_of_text(&folded)?
        }
        other => return Err(CellFault::NotADay(other.shown())),
    };
    let told = if found.time() == NaiveTime::MIN { found.date().to_string() } else { found.format("%Y-%m-%d %H:%M:%S").to_string() };
    Ok(Some(Read::told(found, cell, &told)))
}

fn day_of_number(number: &str) -> Result<NaiveDateTime, CellFault> {
    let not_a_day = || CellFault::NotADay(number.to_owned());
    if number.len() == 8 && number.bytes().all(|digit| digit.is_ascii_digit()) {
        return eight_digits(number);
    }
    let days: u32 = number.split('.').next().unwrap_or_default().parse().map_err(|_| not_a_day())?;
    if !SERIALS.contains(&days) {
        return Err(not_a_day());
    }
    moment_of(number, false).ok_or_else(not_a_day)
}

fn eight_digits(digits: &str) -> Result<NaiveDateTime, CellFault> {
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse().ok()).unwrap_or(0);
    calendar_day(digits, part(0, 4), part(4, 6), part(6, 8)).map(|day| day.and_time(NaiveTime::MIN))
}

fn calendar_day(text: &str, year: u32, month: u32, day: u32) -> Result<NaiveDate, CellFault> {
    let year = i32::try_from(year).ok().filter(|year| (1900..=2200).contains(year));
    year.and_then(|year| NaiveDate::from_ymd_opt(year, month, day)).ok_or_else(|| CellFault::NoSuchDay(text.to_owned()))
}

fn moment_of_text(text: &str) -> Result<NaiveDateTime, CellFault> {
    if text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return eight_digits(text);
    }
    let not_a_day = || CellFault::NotADay(text.to_owned());
    // A serial number as text: a column formatted as text keeps the number of a day that was pasted.
    if text.len() == 5 && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return day_of_number(text);
    }
    // The figures of the day, then those of the time, whatever stands between them.
    let marks_day = |letter: char| matches!(letter, '年' | '月' | '日' | '号' | '/' | '-' | '.' | ',');
    let marks_time = |letter: char| matches!(letter, ':' | '时' | '点' | '分' | '秒' | 'T' | '日' | '号');
    let day_ends = text.find([' ', 'T']).or_else(|| text.find(['日', '号']).map(|at| at + '日'.len_utf8())).unwrap_or(text.len());
    let (day, time) = text.split_at(day_ends);
    let figures = |part: &str, mark: &dyn Fn(char) -> bool| -> Option<Vec<(u32, usize)>> {
        part.split(|letter: char| mark(letter) || letter == ' ')
            .filter(|figure| !figure.is_empty())
            .map(|figure| figure.parse().ok().filter(|_| figure.len() <= 4).map(|number| (number, figure.len())))
            .collect()
    };
    let day_figures = figures(day, &marks_day).ok_or_else(not_a_day)?;
    let date = match day_figures.as_slice() {
        [(year, 4), (month, ..=2), (day, ..=2)] => calendar_day(text, *year, *month, *day)?,
        [(_, ..=2), (_, ..=2), (_, 2 | 4)] => return Err(CellFault::YearNotFirst(text.to_owned())),
        _ => return Err(not_a_day()),
    };
    let time_figures = figures(time, &marks_time).ok_or_else(not_a_day)?;
    let clock = match time_figures.as_slice() {
        [] => Some(NaiveTime::MIN),
        [(hour, _), (minute, _)] => NaiveTime::from_hms_opt(*hour, *minute, 0),
        [(hour, _), (minute, _), (second, _)] => NaiveTime::from_hms_opt(*hour, *minute, *second),
        _ => None,
    };
    clock.map(|clock| date.and_time(clock)).ok_or_else(not_a_day)
}

/// Yes or no.
///
/// # Errors
/// Anything else.
pub fn yes_no(cell: &Cell) -> Reading<bool> {
    let word = match cell {
        Cell::Error(error) => return Err(CellFault::ErrorValue(error.clone())),
        Cell::Bool(yes) => return Ok(Some(Read::plain(*yes))),
        Cell::Text(text) => folded(text).to_lowercase(),
        other => other.shown(),
    };
    match word.as_str() {
        "" => Ok(None),
        "是" | "有" | "yes" | "y" | "true" | "√" | "✓" | "1" => Ok(Some(Read::plain(true))),
        "否" | "无" | "no" | "n" | "false" | "×" | "x" | "0" | "/" | "-" => Ok(Some(Read::plain(false))),
        _ => Err(CellFault::NotYesNo(cell.shown())),
    }
}

/// One value that a list allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is meant.
    pub value: String,
    /// How it stands in the list, in each language.
    pub label: Text,
}

impl Choice {
    /// A value that looks the same in both languages.
    #[must_use]
    pub fn same(value: impl Into<String>, label: impl Into<String>) -> Self {
        let label: String = label.into();
        Self { value: value.into(), label: Text::new(label.clone(), label) }
    }
}

/// A value out of a list: as it stands there in either language, or what it stands for.
///
/// # Errors
/// What is not in the list.
pub fn choice(cell: &Cell, allowed: &[Choice]) -> Reading<String> {
    let word = match cell {
        Cell::Error(error) => return Err(CellFault::ErrorValue(error.clone())),
        Cell::Text(text) => folded(text),
        other => other.shown(),
    };
    if word.is_empty() {
        return Ok(None);
    }
    let is_it = |label: &str| folded(label).eq_ignore_ascii_case(&word);
    let found: Vec<&Choice> = allowed.iter().filter(|choice| is_it(&choice.value) || is_it(&choice.label.zh) || is_it(&choice.label.en)).collect();
    match found.as_slice() {
        [one] => Ok(Some(Read::plain(one.value.clone()))),
        [] => Err(CellFault::NotInList { text: cell.shown(), some: allowed.iter().take(5).map(|choice| choice.label.clone()).collect() }),
        _ => Err(CellFault::SeveralInList(cell.shown())),
    }
}

/// A day in the one spelling of our sheets.
#[must_use]
pub fn day_text(day: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

/// An instant of the wall clock in the one spelling of our sheets.
#[must_use]
pub fn moment_text(at: NaiveDateTime) -> String {
    format!("{} {:02}:{:02}:{:02}", day_text(at.date()), at.hour(), at.minute(), at.second())
}
