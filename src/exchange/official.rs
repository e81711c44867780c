//! An export of the national or a provincial system, read as it is and laid beside our manifests: which agree, which differ
//! and in what, which are not known here. It changes nothing.
//!
//! Which title means what is data: `official_columns.csv`. Several rows of one number are the wastes of one manifest.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use actix_web::web;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::import::Request;
use super::store::{self, OwnManifest};
use crate::identity::{Actor, Role};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::jobs::{self, Taken};
use crate::platform::lang::Lang;
use crate::platform::mass::{Grams, MassUnit, tonnes_text};
use crate::platform::problem::{Problem, kinds};
use crate::platform::table::write::Out;
use crate::platform::table::{BookRow, Cell, Choices, Column, Filled, Kind, Mark, Sheet, SheetRow, Typed, file, template};

/// Its name in addresses.
pub const NAME: &str = "official_manifests";
/// The job that does it.
pub const JOB: &str = "match_official_manifests";
/// Numbers that are looked up at once.
const NUMBERS_AT_ONCE: usize = 500;
/// Manifests that the summary names; all stand in the sheet.
const NAMED_MAX: usize = 200;

const SHEET: Sheet = Sheet {
    name: NAME,
    title: ("官方联单核对", "Official manifests"),
    help: ("与本系统联单按联单编号核对的结果；未保存任何内容。", "Laid beside the manifests here by their numbers; nothing was kept."),
    columns: &[
        Column { key: "official_no", title: ("联单编号", "Number"), kind: Kind::Code(40), required: true, locked: false },
        Column { key: "consignor_name", title: ("移出单位", "Consignor"), kind: Kind::Text(200), required: false, locked: false },
        Column { key: "receiver_name", title: ("接受单位", "Receiver"), kind: Kind::Text(200), required: false, locked: false },
        Column { key: "waste_code", title: ("废物代码", "Waste code"), kind: Kind::Code(20), required: false, locked: false },
        Column { key: "released_g", title: ("移出量（吨）", "Moved out (t)"), kind: Kind::Mass(MassUnit::T), required: false, locked: false },
        Column { key: "accepted_g", title: ("接受量（吨）", "Accepted (t)"), kind: Kind::Mass(MassUnit::T), required: false, locked: false },
        Column { key: "plate", title: ("车牌", "Plate"), kind: Kind::Code(40), required: false, locked: false },
        Column { key: "is_void", title: ("是否作废", "Void"), kind: Kind::YesNo, required: false, locked: false },
    ],
};

/// What a title of some system means here.
fn meaning(title: &str) -> Option<&'static str> {
    static TITLES: OnceLock<HashMap<String, &'static str>> = OnceLock::new();
    let titles = TITLES.get_or_init(|| {
        let mut reader = csv::Reader::from_reader(include_str!("official_columns.csv").as_bytes());
        let rows = reader.records().flatten();
        rows.filter_map(|row| {
            let key = SHEET.columns.iter().map(|column| column.key).find(|key| Some(*key) == row.get(1))?;
            Some((template::bare(row.get(0)?), key))
        })
        .collect()
    });
    titles.get(&template::bare(title)).copied()
}

/// Who may lay an export beside the manifests that he sees: whoever keeps a unit's papers, and officers.
///
/// # Errors
/// 403.
pub fn unit_of(actor: &Actor) -> Result<Uuid, Problem> {
    let roles = [Role::Clerk, Role::Signatory, Role::UnitAdmin, Role::Viewer, Role::Inspector, Role::Manager];
    actor.unit_id().filter(|_| roles.iter().any(|role| actor.roles.has(*role))).ok_or_else(|| Problem::of(&kinds::FORBIDDEN))
}

/// Reads an export, in a thread for such work.
///
/// # Errors
/// What is wrong with the file as a whole.
pub async fn read(bytes: Vec<u8>) -> Result<Filled, Problem> {
    let reading = web::block(move || SHEET.filled_as(&file::read(&bytes, "")?, meaning));
    reading.await.map_err(|error| Problem::internal(&error))?
}

/// How one manifest of the export stands.
#[derive(Default)]
struct Verdict {
    ours: Option<Uuid>,
    differences: Vec<Difference>,
}

/// One point in which the two systems differ.
struct Difference {
    column: &'static str,
    theirs: String,
    ours: String,
}

/// A row and what it says.
type Said<'a> = (&'a SheetRow, &'a Typed);

/// A name without the ways in which two clerks write it.
fn plain(name: &str) -> String {
    let half = |letter: char| match letter {
        '（' => '(',
        '）' => ')',
        other => other,
    };
    name.chars().filter(|letter| !letter.is_whitespace()).map(half).collect()
}

fn text<'a>(typed: &'a Typed, key: &str) -> Option<&'a str> {
    typed.values.get(key).and_then(Value::as_str)
}

/// Lays the rows of one number beside our manifest.
fn compare(rows: &[Said<'_>], ours: &OwnManifest) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |column: &'static str, theirs: String, ours: String| {
        if !found.iter().any(|one: &Difference| one.column == column && one.theirs == theirs) {
            found.push(Difference { column, theirs, ours });
        }
    };
    for (_, typed) in rows {
        for (column, name) in [("consignor_name", &ours.consignor_name), ("receiver_name", &ours.receiver_name)] {
            if let Some(theirs) = text(typed, column).filter(|theirs| plain(theirs) != plain(name)) {
                differ(column, theirs.to_owned(), name.clone());
            }
        }
        if let Some(theirs) = text(typed, "waste_code").filter(|theirs| !ours.codes.iter().any(|code| code == theirs)) {
            differ("waste_code", theirs.to_owned(), ours.codes.join("; "));
        }
        if let Some(theirs) = text(typed, "plate").filter(|theirs| !ours.plates.iter().any(|plate| theirs.replace('·', "") == *plate)) {
            differ("plate", theirs.to_owned(), ours.plates.join("; "));
        }
        if let Some(theirs) = typed.values.get("is_void").and_then(Value::as_bool).filter(|theirs| *theirs != ours.is_void) {
            differ("is_void", if theirs { "是" } else { "否" }.to_owned(), if ours.is_void { "是" } else { "否" }.to_owned());
        }
    }
    for (column, own) in [("released_g", ours.released_g), ("accepted_g", ours.accepted_g)] {
        let masses: Vec<i64> = rows.iter().filter_map(|(_, typed)| typed.values.get(column).and_then(Value::as_i64)).collect();
        // A manifest of several wastes is the sum of its rows, where each of them says its part.
        if masses.len() == rows.len() {
            let sum = masses.iter().fold(0_i64, |sum, mass| sum.saturating_add(*mass));
            if own != Some(sum) {
                let show = |grams: i64| Grams::try_from(grams).map(tonnes_text).unwrap_or_default();
                differ(column, show(sum), own.map_or_else(|| "—".to_owned(), show));
            }
        }
    }
    found
}

/// Does the job.
///
/// # Errors
/// As the database; 401 and 403 when the sender's rights ended.
pub async fn run(app: &Arc<App>, job: &Taken, request: &Request, input: Vec<u8>) -> Result<(), Problem> {
    let filled = read(input).await?;
    let typed: Vec<Typed> = filled.rows.iter().map(|row| SHEET.typed(row, &Choices::new())).collect();
    let mut by_number: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, typed) in typed.iter().enumerate().filter(|(_, typed)| typed.faults.is_empty()) {
        if let Some(number) = text(typed, "official_no") {
            by_number.entry(number.to_owned()).or_default().push(place);
        }
    }
    let numbers: Vec<String> = by_number.keys().cloned().collect();
    let mut ours: HashMap<String, OwnManifest> = HashMap::new();
    for (done, some) in numbers.chunks(NUMBERS_AT_ONCE).enumerate() {
        if !job.progress(app, done * NUMBERS_AT_ONCE).await? {
            return Ok(());
        }
        let mut conn = app.db.get().await?;
        let actor = request.standing.actor(&conn, app.clock.now()).await?;
        if unit_of(&actor)? != job.unit_id {
            return Err(Problem::not_found());
        }
        let jurisdiction = if actor.is_officer() { actor.jurisdiction.clone() } else { Vec::new() };
        for found in store::manifests_by_number(&mut conn, some, job.unit_id, &jurisdiction).await? {
            ours.extend(found.official_no.iter().chain(&found.number).map(|number| (number.clone(), found.clone())).collect::<Vec<_>>());
        }
    }
    let verdicts: BTreeMap<&str, Verdict> = by_number
        .iter()
        .map(|(number, places)| {
            let rows: Vec<Said<'_>> = places.iter().filter_map(|place| Some((filled.rows.get(*place)?, typed.get(*place)?))).collect();
            let own = ours.get(number);
            let differences = own.map(|own| compare(&rows, own)).unwrap_or_default();
            (number.as_str(), Verdict { ours: own.map(|own| own.id), differences })
        })
        .collect();
    let result = summary(&filled, &typed, &verdicts);
    let rows: Vec<BookRow> = filled.rows.iter().zip(&typed).map(|(row, typed)| book_row(row, typed, &verdicts, request.lang)).collect();
    let lang = request.lang;
    let book = web::block(move || template::book(&SHEET, lang, &Choices::new(), &rows));
    let book = book.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    let name = format!("{NAME}-result-{}.xlsx", legal_day(app.clock.now()).format("%Y%m%d"));
    job.finish(app, &jobs::Answer { result: &result, file: Some((&name, &book)) }).await
}

fn summary(filled: &Filled, typed: &[Typed], verdicts: &BTreeMap<&str, Verdict>) -> Value {
    let count = |is: fn(&Verdict) -> bool| verdicts.values().filter(|verdict| is(verdict)).count();
    let differing: Vec<Value> = verdicts
        .iter()
        .filter(|(_, verdict)| !verdict.differences.is_empty())
        .take(NAMED_MAX)
        .map(|(number, verdict)| {
            let differences: Vec<Value> =
                verdict.differences.iter().map(|one| json!({ "column": one.column, "theirs": one.theirs, "ours": one.ours })).collect();
            json!({ "number": number, "manifest_id": verdict.ours, "differences": differences })
        })
        .collect();
    let unknown: Vec<&&str> = verdicts.iter().filter(|(_, verdict)| verdict.ours.is_none()).map(|(number, _)| number).take(NAMED_MAX).collect();
    json!({
        "mode": "check", "rows": filled.rows.len(), "manifests": verdicts.len(),
        "matching": count(|verdict| verdict.ours.is_some() && verdict.differences.is_empty()),
        "differing_all": count(|verdict| !verdict.differences.is_empty()), "differing": differing,
        "unknown_all": count(|verdict| verdict.ours.is_none()), "unknown": unknown,
        "unreadable_rows": typed.iter().filter(|typed| !typed.faults.is_empty()).count(), "ignored_columns": filled.ignored,
    })
}

fn book_row(row: &SheetRow, typed: &Typed, verdicts: &BTreeMap<&str, Verdict>, lang: Lang) -> BookRow {
    let none = Map::new();
    let values = if typed.faults.is_empty() { &typed.values } else { &none };
    let verdict = text(typed, "official_no").filter(|_| typed.faults.is_empty()).and_then(|number| verdicts.get(number));
    let say = |zh: &str, en: &str| match lang {
        Lang::ZhCn => zh.to_owned(),
        Lang::En => en.to_owned(),
    };
    let title =
        |key: &str| SHEET.columns.iter().find(|column| column.key == key).map_or(key.to_owned(), |column| say(column.title.0, column.title.1));
    let result = match verdict {
        None => typed.faults.iter().map(|fault| fault.message.say(lang)).collect::<Vec<_>>().join("\n"),
        Some(Verdict { ours: None, .. }) => say("本系统没有此联单", "No such manifest here"),
        Some(verdict) if verdict.differences.is_empty() => say("一致", "They agree"),
        Some(verdict) => {
            let lines = verdict.differences.iter().map(|one| match lang {
                Lang::ZhCn => format!("{}：官方“{}”，本系统“{}”", title(one.column), one.theirs, one.ours),
                Lang::En => format!("{}: “{}” there, “{}” here", title(one.column), one.theirs, one.ours),
            });
            lines.collect::<Vec<_>>().join("\n")
        }
    };
    let cells = SHEET.columns.iter().zip(&row.cells).map(|(column, cell)| match (values.get(column.key), cell) {
        (Some(value), _) => SHEET.shown(column, value, &Choices::new(), lang),
        (None, Cell::Empty) => Out::Empty,
        (None, other) => Out::Text(other.shown()),
    });
    let is_bad = |key: &str| {
        typed.faults.iter().any(|fault| fault.column == Some(key))
            || verdict.is_some_and(|verdict| verdict.differences.iter().any(|one| one.column == key))
    };
    BookRow {
        cells: cells.collect(),
        marks: SHEET.columns.iter().map(|column| if is_bad(column.key) { Mark::Bad } else { Mark::None }).collect(),
        result: Some(result),
        ..BookRow::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_title_of_the_map_means_a_column() {
        let mut reader = csv::Reader::from_reader(include_str!("official_columns.csv").as_bytes());
        for row in reader.records().flatten() {
            assert_eq!(meaning(row.get(0).unwrap()), SHEET.columns.iter().map(|column| column.key).find(|key| Some(*key) == row.get(1)), "{row:?}");
        }
        assert_eq!(meaning("备注"), None);
        assert_eq!(meaning(" 移出量（吨） *"), Some("released_g"));
    }

    #[test]
    fn a_name_is_the_same_in_either_width() {
        assert_eq!(plain("大连某某（集团）有限公司 "), plain("大连某某(集团) 有限公司"));
    }
}
