//! Brings the reference data of this program into the database: each file once, by its SHA-256.
//!
//! Runs as the owner of the database. A changed file replaces the rows that it brought, all files in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Binary, Integer, Text, Timestamptz};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Two processes that start together take turns. The number only has to be the same everywhere.
const LOAD_LOCK: Sql = Sql("SELECT pg_advisory_xact_lock(119216391086447)");

/// A file and the statements that replace its rows.
///
/// `fill` gets the rows as one JSON array (`$1`: every column a text, and `row_no` from 1) and the edition (`$2`).
struct File {
    name: &'static str,
    edition: &'static str,
    text: &'static str,
    /// Each gets the edition as `$1`.
    clear: &'static [Sql],
    fill: Sql,
}

macro_rules! file {
    ($name:literal, $edition:literal, [$($clear:literal),*], $fill:literal) => {
        File { name: $name, edition: $edition, text: include_str!(concat!("data/", $name)), clear: &[$(Sql($clear)),*], fill: Sql($fill) }
    };
}

/// In the order in which they are loaded.
const FILES: [File; 12] = [
    file!(
        "editions.csv",
        "",
        ["DELETE FROM editions"],
        "INSERT INTO editions (kind, edition, in_force_from, in_force_to, is_loaded, source) \
         SELECT kind, edition, in_force_from::date, nullif(in_force_to, '')::date, loaded::boolean, source \
         FROM json_to_recordset($1::json) AS r(kind text, edition text, in_force_from text, in_force_to text, loaded text, source text)"
    ),
    file!(
        "hw_catalogue_2021.csv",
        "2021",
        ["DELETE FROM waste_codes WHERE edition = $1"],
        "INSERT INTO waste_codes (edition, code, category, category_name, industry, name, hazards) \
         SELECT $2, waste_code, category_code, category_name, industry_source, description, hazard_raw \
         FROM json_to_recordset($1::json) AS r(category_code text, category_name text, industry_source text, waste_code text, description text, hazard_raw text)"
    ),
    file!(
        "hw_exemption_2021.csv",
        "2021",
        ["DELETE FROM exemptions WHERE edition = $1"],
        "INSERT INTO exemptions (edition, row_no, seq, waste_codes, categories, code_kind, wastes, description, stage, stages, condition, content) \
         SELECT $2, row_no, seq::int, CASE WHEN code_kind = 'code' THEN string_to_array(waste_codes, ';') ELSE '{}' END, \
         CASE WHEN code_kind = 'category' THEN string_to_array(waste_codes, ';') ELSE '{}' END, code_kind, waste_codes, waste_description, exempt_stage, \
         CASE exempt_stage WHEN '收集' THEN ARRAY['collection'] WHEN '运输' THEN ARRAY['transport'] WHEN '利用' THEN ARRAY['use'] \
         WHEN '处置' THEN ARRAY['disposal'] WHEN '利用、处置' THEN ARRAY['use', 'disposal'] \
         WHEN '全部环节' THEN ARRAY['collection', 'transport', 'use', 'disposal'] END, exempt_condition, exempt_content \
         FROM json_to_recordset($1::json) AS r(row_no int, seq text, waste_codes text, code_kind text, waste_description text, exempt_stage text, \
         exempt_condition text, exempt_content text)"
    ),
    file!(
        "disposal_method_codes.csv",
        "2022",
        ["DELETE FROM methods"],
        "INSERT INTO methods (code, method_group, name) SELECT method_code, \"group\", name \
         FROM json_to_recordset($1::json) AS r(method_code text, \"group\" text, name text)"
    ),
    file!(
        "medical_waste_categories.csv",
        "2021",
        ["DELETE FROM medical_categories"],
        "INSERT INTO medical_categories (code, name, hazards, features, common_items, collection, feature_edition) \
         SELECT waste_code, category_name, hazard, feature_text, common_items_text, collection_text, feature_text_edition \
         FROM json_to_recordset($1::json) AS r(category_name text, waste_code text, hazard text, feature_text text, common_items_text text, \
         collection_text text, feature_text_edition text)"
    ),
    file!(
        "admin_divisions_gbt2260.csv",
        "2026-06",
        ["DELETE FROM division_paths", "DELETE FROM divisions"],
        "INSERT INTO divisions (code, name, level, parent_code, prefecture) \
         SELECT '000000', '中国', 'country', NULL, NULL UNION ALL \
         SELECT code, name, level, coalesce(nullif(parent_code, ''), '000000'), left(code, 4) \
         FROM json_to_recordset($1::json) AS r(code text, name text, level text, parent_code text)"
    ),
    // A local node takes its members out of their parent's direct care; digits of a number still come from GB/T 2260.
    file!(
        "local_nodes.csv",
        "",
        [],
        "WITH r AS (SELECT * FROM json_to_recordset($1::json) AS r(code text, name text, parent_code text, members text)), \
         n AS (INSERT INTO divisions (code, name, level, parent_code, prefecture) SELECT r.code, r.name, 'local', r.parent_code, p.prefecture \
         FROM r JOIN divisions p ON p.code = r.parent_code RETURNING code), \
         u AS (UPDATE divisions d SET parent_code = r.code FROM r WHERE d.code = ANY(string_to_array(r.members, ';')) RETURNING d.code, d.parent_code) \
         INSERT INTO division_paths (code, ancestor, distance) \
         WITH RECURSIVE t AS (SELECT d.code, coalesce(u.parent_code, d.parent_code) AS parent FROM divisions d LEFT JOIN u ON u.code = d.code \
         UNION ALL SELECT r.code, r.parent_code FROM r JOIN n ON n.code = r.code), \
         p AS (SELECT code, code AS ancestor, 0 AS distance, parent FROM t \
         UNION ALL SELECT p.code, t.code, p.distance + 1, t.parent FROM p JOIN t ON t.code = p.parent) \
         SELECT code, ancestor, distance FROM p"
    ),
    file!(
        "laws.csv",
        "",
        ["DELETE FROM laws"],
        "INSERT INTO laws (law_id, title, text_held, grade, in_force_from, in_force_to, note) \
         SELECT law_id, title, text_held::boolean, nullif(grade, ''), nullif(in_force_from, '')::date, nullif(in_force_to, '')::date, note \
         FROM json_to_recordset($1::json) AS r(law_id text, title text, text_held text, grade text, in_force_from text, in_force_to text, note text)"
    ),
    file!(
        "legal_articles.csv",
        "",
        ["DELETE FROM legal_articles"],
        "INSERT INTO legal_articles (law_id, article, effective_from, effective_to, text) \
         SELECT law_id, article, effective_from::date, nullif(effective_to, '')::date, text \
         FROM json_to_recordset($1::json) AS r(law_id text, article text, effective_from text, effective_to text, text text)"
    ),
    file!(
        "penalty_catalogue.csv",
        "2026",
        ["DELETE FROM penalties"],
        "INSERT INTO penalties (row_no, offence_key, offence, law_id, article, item, duty_article, effective_from, effective_to, fine_min_fen, \
         fine_max_fen, fine_formula, is_correction_first, fine_after_refusal_min_fen, fine_after_refusal_max_fen, person_fine_min_fen, \
         person_fine_max_fen, detention, other_measures) \
         SELECT row_no, offence_key, offence_zh, law_id, article, item, duty_article, effective_from::date, nullif(effective_to, '')::date, \
         nullif(fine_min_yuan, '')::bigint * 100, nullif(fine_max_yuan, '')::bigint * 100, fine_formula, correct_first = 'yes', \
         nullif(fine_after_refusal_min_yuan, '')::bigint * 100, nullif(fine_after_refusal_max_yuan, '')::bigint * 100, \
         nullif(person_fine_min_yuan, '')::bigint * 100, nullif(person_fine_max_yuan, '')::bigint * 100, detention, other_measures \
         FROM json_to_recordset($1::json) AS r(row_no int, offence_key text, offence_zh text, law_id text, article text, item text, duty_article text, \
         effective_from text, effective_to text, fine_min_yuan text, fine_max_yuan text, fine_formula text, correct_first text, \
         fine_after_refusal_min_yuan text, fine_after_refusal_max_yuan text, person_fine_min_yuan text, person_fine_max_yuan text, detention text, \
         other_measures text)"
    ),
    // A year is published once its notice is here: National Day (three days by law) always takes a weekday off, while
    // New Year's Day may fall on a weekend, and a notice reaches back into the December before.
    file!(
        "working_days.csv",
        "2025, 2026",
        ["DELETE FROM calendar_years", "DELETE FROM calendar_days"],
        "WITH d AS (INSERT INTO calendar_days (day, kind, name) SELECT \"on\"::date, kind, name \
         FROM json_to_recordset($1::json) AS r(\"on\" text, kind text, name text) RETURNING day, kind, name) \
         INSERT INTO calendar_years (year) SELECT DISTINCT extract(year FROM day)::int FROM d WHERE kind = 'holiday' AND name LIKE '%国庆节%'"
    ),
    // What an act has set stays.
    file!(
        "parameters.csv",
        "2026",
        ["DELETE FROM parameters WHERE event_seq IS NULL"],
        "INSERT INTO parameters (key, division, from_on, value, decided_by, note) \
         SELECT key, coalesce(nullif(division, ''), '000000'), \"from\"::date, value, decided_by, note \
         FROM json_to_recordset($1::json) AS r(key text, division text, \"from\" text, value text, decided_by text, note text) ON CONFLICT DO NOTHING"
    ),
];

/// Files that are only right together: when one changed, both are loaded again.
const TOGETHER: [&str; 2] = ["admin_divisions_gbt2260.csv", "local_nodes.csv"];

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedFile {
    /// Name.
    pub file: &'static str,
    /// Edition; empty where the rows name their own.
    pub edition: &'static str,
    /// Rows of the file.
    pub rows: i32,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Whether this run brought it in.
    pub is_new: bool,
}

/// What became of every file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReport {
    /// The files in the order of loading.
    pub files: Vec<LoadedFile>,
}

#[derive(diesel::QueryableByName)]
struct FileRow {
    #[diesel(sql_type = Text)]
    file: String,
    #[diesel(sql_type = Integer)]
    rows: i32,
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
}

const RECORDED: Sql = Sql("SELECT file, rows, sha256 FROM loaded_files");

/// Loads what is not loaded yet, or has changed.
///
/// # Errors
/// 500 when a file cannot be read, or does not fit its table.
pub async fn load(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<LoadReport, Problem> {
    let hashes = FILES.map(|file| <[u8; 32]>::from(Sha256::digest(file.text.as_bytes())));
    let recorded = RECORDED.load::<FileRow>(conn).await?;
    if let Some(report) = unchanged(&hashes, &recorded) {
        return Ok(report);
    }
    AnsiTransactionManager::begin_transaction(conn).await?;
    match load_changed(conn, &hashes, now).await {
        Ok(report) => {
            AnsiTransactionManager::commit_transaction(conn).await?;
            Ok(report)
        }
        Err(problem) => {
            AnsiTransactionManager::rollback_transaction(conn).await?;
            Err(problem)
        }
    }
}

fn recorded_rows(name: &str, hash: &[u8; 32], recorded: &[FileRow]) -> Option<i32> {
    recorded.iter().find(|row| row.file == name && row.sha256 == hash).map(|row| row.rows)
}

/// The report, if every file is recorded as it is.
fn unchanged(hashes: &[[u8; 32]; FILES.len()], recorded: &[FileRow]) -> Option<LoadReport> {
    let files = FILES.iter().zip(hashes).map(|(file, hash)| {
        let rows = recorded_rows(file.name, hash, recorded)?;
        Some(LoadedFile { file: file.name, edition: file.edition, rows, sha256: *hash, is_new: false })
    });
    files.collect::<Option<_>>().map(|files| LoadReport { files })
}

async fn load_changed(conn: &mut AsyncPgConnection, hashes: &[[u8; 32]; FILES.len()], now: DateTime<Utc>) -> Result<LoadReport, Problem> {
    LOAD_LOCK.execute(conn).await?;
    // Another process may have loaded everything while this one waited.
    let recorded = RECORDED.load::<FileRow>(conn).await?;
    let both_recorded = FILES
        .iter()
        .zip(hashes)
        .filter(|(file, _)| TOGETHER.contains(&file.name))
        .all(|(file, hash)| recorded_rows(file.name, hash, &recorded).is_some());
    let mut files = Vec::with_capacity(FILES.len());
    for (file, hash) in FILES.iter().zip(hashes) {
        let known = recorded_rows(file.name, hash, &recorded).filter(|_| both_recorded || !TOGETHER.contains(&file.name));
        let rows = match known {
            Some(rows) => rows,
            None => replace(conn, file, hash, now).await?,
        };
        files.push(LoadedFile { file: file.name, edition: file.edition, rows, sha256: *hash, is_new: known.is_none() });
    }
    Ok(LoadReport { files })
}

async fn replace(conn: &mut AsyncPgConnection, file: &File, hash: &[u8; 32], now: DateTime<Utc>) -> Result<i32, Problem> {
    let rows = rows_of(file.text)?;
    let count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
    let document = serde_json::to_string(&rows).map_err(|error| Problem::internal(&error))?;
    for clear in file.clear {
        clear.bind::<Text, _>(file.edition).execute(conn).await?;
    }
    file.fill.bind::<Text, _>(&document).bind::<Text, _>(file.edition).execute(conn).await?;
    Sql("INSERT INTO loaded_files (file, edition, sha256, rows, loaded_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (file) DO UPDATE SET edition = excluded.edition, sha256 = excluded.sha256, rows = excluded.rows, loaded_at = excluded.loaded_at")
    .bind::<Text, _>(file.name)
    .bind::<Text, _>(file.edition)
    .bind::<Binary, _>(&hash[..])
    .bind::<Integer, _>(count)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(count)
}

/// The rows of a CSV as texts by column, each with its number.
fn rows_of(text: &str) -> Result<Vec<Map<String, Value>>, Problem> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (index, row) in reader.deserialize::<BTreeMap<String, String>>().enumerate() {
        let row = row.map_err(|error| Problem::internal(&error))?;
        let mut map: Map<String, Value> = row.into_iter().map(|(column, value)| (column, Value::String(value))).collect();
        map.insert("row_no".into(), (index + 1).into());
        rows.push(map);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::code::{Hazards, MethodCode, WasteCode};
    use super::super::domain::MethodGroup;
    use super::super::rules;
    use super::*;

    fn rows(name: &str) -> Vec<Map<String, Value>> {
        rows_of(FILES.iter().find(|file| file.name == name).unwrap().text).unwrap()
    }

    #[test]
    fn every_file_has_the_rows_that_its_sources_note_says() {
        let sources = include_str!("data/SOURCES.md");
        for file in &FILES {
            let line = sources.lines().find(|line| line.starts_with(&format!("| `{}` |", file.name))).unwrap();
            assert_eq!(line.split('|').nth(2).unwrap().trim(), rows_of(file.text).unwrap().len().to_string(), "{}", file.name);
            assert!(
                line.contains(&hex::encode(Sha256::digest(file.text.as_bytes()))),
                "{}: the hash in SOURCES.md is not that of the file",
                file.name
            );
        }
    }

    #[test]
    fn every_waste_code_is_well_formed_and_ends_with_its_category() {
        let rows = rows("hw_catalogue_2021.csv");
        let codes: BTreeSet<&str> = rows.iter().map(|row| row["waste_code"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), codes.len()), (467, 467));
        for row in &rows {
            let code: WasteCode = row["waste_code"].as_str().unwrap().parse().unwrap();
            assert_eq!(row["category_code"].as_str().unwrap(), code.category());
            let hazards = row["hazard_raw"].as_str().unwrap();
            assert_eq!(hazards.parse::<Hazards>().unwrap().to_string(), hazards);
        }
    }

    #[test]
    fn every_exemption_names_listed_codes_and_a_known_stage() {
        let (exemptions, catalogue) = (rows("hw_exemption_2021.csv"), rows("hw_catalogue_2021.csv"));
        assert_eq!(exemptions.len(), 57);
        for row in &exemptions {
            assert!(["收集", "运输", "利用", "处置", "利用、处置", "全部环节"].contains(&row["exempt_stage"].as_str().unwrap()));
            let column = match row["code_kind"].as_str().unwrap() {
                "code" => "waste_code",
                "category" => "category_code",
                _ => continue,
            };
            for code in row["waste_codes"].as_str().unwrap().split(';') {
                assert!(catalogue.iter().any(|listed| listed[column] == code), "{code}");
            }
        }
    }

    #[test]
    fn every_method_has_a_code_and_a_group() {
        for row in rows("disposal_method_codes.csv") {
            row["method_code"].as_str().unwrap().parse::<MethodCode>().unwrap();
            assert!(MethodGroup::parse(row["group"].as_str().unwrap()).is_some());
        }
    }

    #[test]
    fn every_parameter_has_a_form_that_takes_its_default() {
        let rows = rows("parameters.csv");
        for row in &rows {
            let key = row["key"].as_str().unwrap();
            assert!(rules::form_of(key).unwrap().takes(row["value"].as_str().unwrap()), "{key}");
        }
        for (key, _) in rules::PARAMETERS {
            assert!(rows.iter().any(|row| row["key"] == *key), "{key} has no default");
        }
    }

    #[test]
    fn every_parent_is_a_division() {
        let (divisions, nodes, parameters) = (rows("admin_divisions_gbt2260.csv"), rows("local_nodes.csv"), rows("parameters.csv"));
        let codes: BTreeSet<&str> = divisions.iter().map(|row| row["code"].as_str().unwrap()).collect();
        assert_eq!(codes.len(), divisions.len());
        assert!(divisions.iter().map(|row| row["parent_code"].as_str().unwrap()).all(|parent| parent.is_empty() || codes.contains(parent)));
        for node in &nodes {
            assert!(node["members"].as_str().unwrap().split(';').all(|member| codes.contains(member)));
            assert!(codes.contains(node["parent_code"].as_str().unwrap()));
        }
        for division in parameters.iter().map(|row| &row["division"]) {
            assert!(division == "" || codes.contains(division.as_str().unwrap()) || nodes.iter().any(|node| node["code"] == *division));
        }
    }

    /// Law and article of a legal key; None for other texts.
    fn key_of(text: &str) -> Option<(&str, &str)> {
        let mut parts = text.split('/');
        let (law, article) = (parts.next()?, parts.next()?);
        let is_id = !law.is_empty() && law.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        (is_id && article.starts_with(|c: char| c.is_ascii_digit())).then_some((law, article))
    }

    fn files_below(folder: &std::path::Path, ending: &str, found: &mut Vec<(std::path::PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, ending, found);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }

    fn held_articles() -> (BTreeMap<String, bool>, BTreeSet<(String, String)>) {
        let text = |row: &Map<String, Value>, column: &str| row[column].as_str().unwrap().to_owned();
        let laws = rows("laws.csv").iter().map(|row| (text(row, "law_id"), row["text_held"] == "true")).collect();
        (laws, rows("legal_articles.csv").iter().map(|row| (text(row, "law_id"), text(row, "article"))).collect())
    }

    #[test]
    fn every_legal_key_has_its_law_and_its_held_article() {
        let (laws, articles) = held_articles();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let (mut documents, mut sources) = (Vec::new(), Vec::new());
        files_below(&root.join("docs/legal"), "md", &mut documents);
        files_below(&root.join("src"), "rs", &mut sources);
        let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let in_documents: Vec<String> = documents.iter().flat_map(|(_, text)| quoted(text)).filter(|key| key_of(key).is_some()).collect();
        assert!(in_documents.len() > 200, "only {} keys were found", in_documents.len());
        let in_sources = sources.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.contains("Legal source:")).flat_map(quoted);
        let in_notes =
            rows("parameters.csv").iter().map(|row| row["note"].as_str().unwrap().split(';').next().unwrap().to_owned()).collect::<Vec<_>>();
        let used: Vec<String> = in_sources.chain(in_notes).filter(|key| key_of(key).is_some()).collect();
        for key in in_documents.iter().chain(&used) {
            let (law, article) = key_of(key).unwrap();
            let held = laws.get(law).unwrap_or_else(|| panic!("{key}: no such law"));
            assert!(!held || articles.contains(&(law.into(), article.into())), "{key}: no such article");
        }
        for key in &used {
            let (law, article) = key_of(key).unwrap();
            assert!(in_documents.iter().any(|known| key_of(known) == Some((law, article))), "{key} is not in docs/legal");
        }
    }

    #[test]
    fn every_penalty_and_every_article_belongs_to_a_held_law() {
        let (laws, articles) = held_articles();
        for (law, _) in &articles {
            assert_eq!(laws.get(law), Some(&true), "{law} has articles and is not held");
        }
        for penalty in rows("penalty_catalogue.csv") {
            let key = (penalty["law_id"].as_str().unwrap().to_owned(), penalty["article"].as_str().unwrap().to_owned());
            assert!(articles.contains(&key), "{key:?}");
        }
    }
}
