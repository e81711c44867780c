//! What came of a file: a summary for programs, and for people their own sheet with each row as it was read.

use std::collections::{BTreeMap, BTreeSet};

use rust_xlsxwriter::XlsxError;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::import::Request;
use super::kinds::{Import, Known};
use crate::catalogue;
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::lang::Lang;
use crate::platform::problem::{Problem, Text};
use crate::platform::table::write::Out;
use crate::platform::table::{BookRow, Cell, Filled, Kind, Mark, RowFault, SheetRow, template};

/// Faults and readings that a summary names; all of them stand in the sheet.
const NAMED_MAX: usize = 200;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Nothing: it has faults.
    #[default]
    Refused,
    /// Something new.
    Recorded,
    /// Something that was there is changed.
    Changed,
    /// It stood already as it says.
    Unchanged,
}

/// A row that was dealt with.
#[derive(Debug, Default)]
pub struct RowDone {
    /// What became of it.
    pub outcome: Outcome,
    /// Its values as they were read.
    pub values: Map<String, Value>,
    /// The values before a change.
    pub before: Option<Map<String, Value>>,
    /// Why it was refused.
    pub faults: Vec<RowFault>,
    /// How cells were read.
    pub readings: Vec<(&'static str, Text)>,
    /// What its sender should know beside.
    pub told: Vec<Text>,
    /// The thing.
    pub id: Option<Uuid>,
    /// Its version now.
    pub version: Option<i64>,
}

/// The names of articles by their keys.
pub type Articles = BTreeMap<String, String>;

/// An article as people call it: 第二十七条 is 27, a paragraph `para2`, an item a bare number.
fn spoken(title: &str, article: &str) -> String {
    let mut name = format!("《{title}》");
    for (place, part) in article.split('/').enumerate() {
        match (place, part.strip_prefix("para")) {
            (0, _) => name.push_str(&format!("第{part}条")),
            (_, Some(paragraph)) => name.push_str(&format!("第{paragraph}款")),
            (_, None) => name.push_str(&format!("（{part}）")),
        }
    }
    name
}

/// The names of all articles that rows were refused by.
///
/// # Errors
/// As the database.
pub async fn articles(app: &App, done: &[RowDone]) -> Result<Articles, Problem> {
    let keys: BTreeSet<&str> = done.iter().flat_map(|row| &row.faults).flat_map(|fault| fault.law.iter().copied()).collect();
    let (mut found, day) = (Articles::new(), legal_day(app.clock.now()));
    if keys.is_empty() {
        return Ok(found);
    }
    let mut conn = app.db.get().await?;
    for key in keys {
        let (law, article) = key.split_once('/').unwrap_or((key, ""));
        let title = catalogue::article(&mut conn, law, article, day).await?.map_or_else(|| law.to_owned(), |article| article.title);
        found.insert(key.to_owned(), spoken(&title, article));
    }
    Ok(found)
}

fn both(text: &Text) -> Value {
    json!({ "zh-CN": text.zh, "en": text.en })
}

/// The summary of a file.
pub fn result(kind: Import, request: &Request, filled: &Filled, done: &[RowDone]) -> Value {
    let count = |outcome: Outcome| done.iter().filter(|row| row.outcome == outcome).count();
    let sheet = kind.sheet();
    let letter_of = |column: Option<&str>| {
        let place = sheet.columns.iter().position(|one| Some(one.key) == column)?;
        filled.letters.get(place).cloned().flatten()
    };
    let written = |row: &SheetRow, column: Option<&str>| {
        let place = sheet.columns.iter().position(|one| Some(one.key) == column)?;
        row.cells.get(place).map(Cell::shown)
    };
    let rows = || filled.rows.iter().zip(done);
    let faults: Vec<Value> = rows()
        .flat_map(|(row, done)| done.faults.iter().map(move |fault| (row, fault)))
        .take(NAMED_MAX)
        .map(|(row, fault)| {
            json!({
                "row": row.no, "column": fault.column, "letter": letter_of(fault.column), "written": written(row, fault.column), "code": fault.code,
                "message": both(&fault.message), "legal": fault.law,
            })
        })
        .collect();
    let readings: Vec<Value> = rows()
        .flat_map(|(row, done)| done.readings.iter().map(move |(column, how)| (row, *column, how)))
        .take(NAMED_MAX)
        .map(|(row, column, how)| json!({ "row": row.no, "column": column, "letter": letter_of(Some(column)), "message": both(how) }))
        .collect();
    let notes: Vec<Value> = rows()
        .flat_map(|(row, done)| done.told.iter().map(move |told| (row, told)))
        .take(NAMED_MAX)
        .map(|(row, told)| json!({ "row": row.no, "message": both(told) }))
        .collect();
    let faults_all: usize = done.iter().map(|row| row.faults.len()).sum();
    json!({
        "mode": if request.check { "check" } else { "apply" }, "rows": done.len(), "recorded": count(Outcome::Recorded),
        "changed": count(Outcome::Changed), "unchanged": count(Outcome::Unchanged), "refused": count(Outcome::Refused),
        "faults": faults, "faults_all": faults_all, "notes": notes, "readings": readings, "ignored_columns": filled.ignored,
    })
}

/// The sheet that answers a file: each row as it was read, its bad cells in colour, what became of it and why.
///
/// # Errors
/// As the format.
pub fn book(
    kind: Import,
    lang: Lang,
    check: bool,
    known: &Known,
    filled: &Filled,
    done: &[RowDone],
    articles: &Articles,
) -> Result<Vec<u8>, XlsxError> {
    let rows: Vec<BookRow> = filled.rows.iter().zip(done).map(|(row, done)| book_row(kind, lang, check, known, row, done, articles)).collect();
    template::book(kind.sheet(), lang, &known.choices, &rows)
}

/// The template of a kind with what there is.
///
/// # Errors
/// As the format.
pub fn template_of(kind: Import, lang: Lang, known: &Known) -> Result<Vec<u8>, XlsxError> {
    let sheet = kind.sheet();
    let things = known.order.iter().filter_map(|id| known.present.get(id)).filter(|thing| thing.became.is_none());
    let rows: Vec<BookRow> = things
        .map(|thing| BookRow {
            key: Some(thing.id.to_string()),
            version: Some(thing.version),
            exists: true,
            cells: sheet
                .columns
                .iter()
                .map(|column| sheet.shown(column, thing.values.get(column.key).unwrap_or(&Value::Null), &known.choices, lang))
                .collect(),
            ..BookRow::default()
        })
        .collect();
    template::book(sheet, lang, &known.choices, &rows)
}

fn book_row(kind: Import, lang: Lang, check: bool, known: &Known, row: &SheetRow, done: &RowDone, articles: &Articles) -> BookRow {
    let sheet = kind.sheet();
    let thing = done.id.and_then(|id| known.present.get(&id));
    let (mut cells, mut marks) = (Vec::new(), Vec::new());
    for (column, cell) in sheet.columns.iter().zip(&row.cells) {
        let value = match column.kind {
            Kind::Shown => thing.and_then(|thing| thing.values.get(column.key)),
            _ => done.values.get(column.key),
        };
        cells.push(match (value, cell) {
            (Some(value), _) => sheet.shown(column, value, &known.choices, lang),
            (None, Cell::Empty) => Out::Empty,
            (None, Cell::Number(number)) => Out::Number(number.clone()),
            (None, other) => Out::Text(other.shown()),
        });
        let is_bad = done.faults.iter().any(|fault| fault.column == Some(column.key));
        let is_told = done.readings.iter().any(|(key, _)| *key == column.key);
        marks.push(if is_bad {
            Mark::Bad
        } else if is_told {
            Mark::Read
        } else {
            Mark::None
        });
    }
    BookRow {
        key: done.id.map(|id| id.to_string()).or_else(|| row.key.clone()),
        version: done.version.or(row.version),
        exists: done.id.is_some(),
        cells,
        marks,
        result: Some(sentence(kind, lang, check, done, articles)),
    }
}

/// What became of a row, in words.
fn sentence(kind: Import, lang: Lang, check: bool, done: &RowDone, articles: &Articles) -> String {
    let what = match (done.outcome, check) {
        (Outcome::Recorded, false) => Text::new("已登记", "Recorded"),
        (Outcome::Recorded, true) => Text::new("检查通过：将登记", "It would be recorded"),
        (Outcome::Changed, false) => Text::new("已变更", "Changed"),
        (Outcome::Changed, true) => Text::new("检查通过：将变更", "It would be changed"),
        (Outcome::Unchanged, _) => Text::new("无变化", "Nothing to do"),
        (Outcome::Refused, _) => Text::new("未通过", "Refused"),
    };
    let mut parts = vec![what.say(lang).to_owned()];
    let title_of = |key: &'static str| {
        let column = kind.sheet().columns.iter().find(|column| column.key == key);
        column.map_or(key, |column| match lang {
            Lang::ZhCn => column.title.0,
            Lang::En => column.title.1,
        })
    };
    for fault in &done.faults {
        let place = fault.column.map(|key| format!("{}: ", title_of(key))).unwrap_or_default();
        let law: Vec<&str> = fault.law.iter().filter_map(|key| articles.get(*key)).map(String::as_str).collect();
        let law = if law.is_empty() { String::new() } else { format!(" [{}]", law.join("、")) };
        parts.push(format!("{place}{}{law}", fault.message.say(lang)));
    }
    parts.extend(done.readings.iter().map(|(key, how)| format!("{}: {}", title_of(key), how.say(lang))));
    parts.extend(done.told.iter().map(|told| told.say(lang).to_owned()));
    if let Some(before) = &done.before {
        for column in kind.sheet().columns.iter().filter(|column| column.kind != Kind::Shown) {
            let (was, is) = (before.get(column.key), done.values.get(column.key));
            if was != is {
                let shown = |value: Option<&Value>| match kind.sheet().shown(column, value.unwrap_or(&Value::Null), &BTreeMap::new(), lang) {
                    Out::Empty => "—".to_owned(),
                    Out::Text(text) | Out::Number(text) => text,
                };
                parts.push(format!("{}: {} → {}", title_of(column.key), shown(was), shown(is)));
            }
        }
    }
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn an_article_is_called_as_people_call_it() {
        assert_eq!(spoken("危险废物转移管理办法", "27/para2"), "《危险废物转移管理办法》第27条第2款");
        assert_eq!(spoken("危险废物转移管理办法", "10/2"), "《危险废物转移管理办法》第10条（2）");
        assert_eq!(spoken("HJ 1259-2022", "5.2"), "《HJ 1259-2022》第5.2条");
    }
}
