//! Every query on the tables of the catalogue.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::code::WasteCode;
use super::domain::{CodeFact, CodeFacts, MassTolerance, MethodGroup, Stage};
use crate::platform::calendar::{DayKind, WorkingDays};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// The root of the division tree.
pub(super) const ROOT: &str = "000000";

/// The editions of a kind on a day: `known` is in force, `used` has a table. `$1` is the day.
macro_rules! editions_on {
    ($kind:literal) => {
        concat!(
            "WITH known AS (SELECT edition, is_loaded FROM editions WHERE kind = '",
            $kind,
            "' AND in_force_from <= $1 AND (in_force_to IS NULL OR in_force_to >= $1) ORDER BY in_force_from DESC LIMIT 1), \
             used AS (SELECT coalesce((SELECT edition FROM known WHERE is_loaded), \
             (SELECT edition FROM editions WHERE kind = '",
            $kind,
            "' AND is_loaded ORDER BY in_force_from DESC LIMIT 1)) AS edition) "
        )
    };
}

#[derive(diesel::QueryableByName)]
struct CodeFactRow {
    #[diesel(sql_type = Nullable<Text>)]
    known: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    used: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    category: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    hazards: Option<String>,
}

const CODE_FACTS: Sql = Sql(concat!(
    editions_on!("hazardous"),
    "SELECT (SELECT edition FROM known) AS known, used.edition AS used, c.code, c.category, c.name, c.hazards \
     FROM used LEFT JOIN waste_codes c ON c.edition = used.edition AND c.code = ANY($2)"
));

/// What the catalogue of a day says of some codes.
///
/// # Errors
/// As the database.
pub async fn code_facts(mut conn: &AsyncPgConnection, day: NaiveDate, codes: &[String]) -> Result<CodeFacts, Problem> {
    let rows: Vec<CodeFactRow> = CODE_FACTS.bind::<Date, _>(day).bind::<Array<Text>, _>(codes).load(&mut conn).await?;
    let mut facts = CodeFacts::default();
    for row in rows {
        (facts.known, facts.used) = (row.known, row.used);
        if let (Some(code), Some(category), Some(name), Some(hazards)) = (row.code, row.category, row.name, row.hazards) {
            facts.listed.push(CodeFact { code, category, name, hazards });
        }
    }
    Ok(facts)
}

/// A row of the exemption list (危险废物豁免管理清单).
///
/// A code that matches never suffices: the description and the condition narrow it, and somebody must confirm them.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug, Clone)]
pub struct Exemption {
    /// Edition of the list.
    #[diesel(sql_type = Text)]
    pub edition: String,
    /// Row of the edition; with it, a line names the exemption that it relies on.
    #[diesel(sql_type = Integer)]
    pub row_no: i32,
    /// 序号 of the printed list.
    #[diesel(sql_type = Integer)]
    pub seq: i32,
    /// 废物类别/代码 as printed.
    #[diesel(sql_type = Text)]
    pub wastes: String,
    /// Whether the row names codes or categories; otherwise words alone say what it covers, and it may cover any code.
    #[diesel(sql_type = Bool)]
    pub names_code: bool,
    /// 危险废物.
    #[diesel(sql_type = Text)]
    pub description: String,
    /// 豁免环节 as printed.
    #[diesel(sql_type = Text)]
    pub stage: String,
    /// The stages of that: collection, transport, use, disposal.
    #[diesel(sql_type = Array<Text>)]
    pub stages: Vec<String>,
    /// 豁免条件.
    #[diesel(sql_type = Text)]
    pub condition: String,
    /// 豁免内容.
    #[diesel(sql_type = Text)]
    pub content: String,
}

const EXEMPTIONS: Sql = Sql(concat!(
    editions_on!("exemptions"),
    "SELECT e.edition, e.row_no, e.seq, e.wastes, e.code_kind IN ('code', 'category') AS names_code, e.description, e.stage, e.stages, \
     e.condition, e.content FROM used JOIN exemptions e ON e.edition = used.edition \
     WHERE ($2 IS NULL OR $2 = ANY(e.waste_codes) OR 'HW' || right($2, 2) = ANY(e.categories) OR e.code_kind IN ('description', 'other')) \
     AND ($3 IS NULL OR $3 = ANY(e.stages)) ORDER BY ($2 IS NOT NULL AND e.code_kind NOT IN ('code', 'category')), e.row_no"
));

/// The exemptions that may cover a code at a stage: those that name it first, then those that only describe.
///
/// # Errors
/// As the database.
pub async fn exemptions_for(conn: &mut AsyncPgConnection, day: NaiveDate, code: WasteCode, stage: Stage) -> Result<Vec<Exemption>, Problem> {
    list_exemptions(conn, day, Some(code), Some(stage)).await
}

pub(super) async fn list_exemptions(
    conn: &mut AsyncPgConnection,
    day: NaiveDate,
    code: Option<WasteCode>,
    stage: Option<Stage>,
) -> Result<Vec<Exemption>, Problem> {
    Ok(EXEMPTIONS
        .bind::<Date, _>(day)
        .bind::<Nullable<Text>, _>(code.map(|code| code.to_string()))
        .bind::<Nullable<Text>, _>(stage.map(Stage::as_str))
        .load(conn)
        .await?)
}

/// One exemption by its row.
///
/// # Errors
/// As the database.
pub async fn exemption(conn: &mut AsyncPgConnection, edition: &str, row_no: i32) -> Result<Option<Exemption>, Problem> {
    Ok(Sql("SELECT edition, row_no, seq, wastes, code_kind IN ('code', 'category') AS names_code, description, stage, stages, condition, content \
         FROM exemptions WHERE edition = $1 AND row_no = $2")
    .bind::<Text, _>(edition)
    .bind::<Integer, _>(row_no)
    .load(conn)
    .await?
    .pop())
}

/// A code as found.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
#[schema(as = ListedWaste)]
pub(super) struct WasteCodeRow {
    /// Edition whose table lists it.
    #[diesel(sql_type = Text)]
    pub edition: String,
    /// 废物代码.
    #[diesel(sql_type = Text)]
    #[schema(value_type = WasteCode)]
    pub code: String,
    /// 废物类别.
    #[diesel(sql_type = Text)]
    pub category: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub category_name: String,
    /// 行业来源.
    #[diesel(sql_type = Text)]
    pub industry: String,
    /// 危险废物 as the catalogue describes it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// 危险特性 as the catalogue writes them.
    #[diesel(sql_type = Text)]
    #[schema(value_type = super::code::Hazards)]
    pub hazards: String,
    /// Stages for which the exemption list names the code or its category; each under conditions.
    #[diesel(sql_type = Array<Text>)]
    #[schema(value_type = Vec<Stage>)]
    pub exempt_stages: Vec<String>,
}

const FIND_WASTE_CODES: Sql = Sql(concat!(
    editions_on!("hazardous"),
    ", x AS (SELECT coalesce((SELECT edition FROM editions WHERE kind = 'exemptions' AND is_loaded AND in_force_from <= $1 \
     AND (in_force_to IS NULL OR in_force_to >= $1) ORDER BY in_force_from DESC LIMIT 1), \
     (SELECT edition FROM editions WHERE kind = 'exemptions' AND is_loaded ORDER BY in_force_from DESC LIMIT 1)) AS edition) \
     SELECT c.edition, c.code, c.category, c.category_name, c.industry, c.name, c.hazards, \
     coalesce((SELECT array_agg(DISTINCT s ORDER BY s) FROM exemptions e, unnest(e.stages) s WHERE e.edition = x.edition \
     AND (c.code = ANY(e.waste_codes) OR c.category = ANY(e.categories))), '{}') AS exempt_stages \
     FROM used JOIN waste_codes c ON c.edition = used.edition CROSS JOIN x \
     WHERE ($2 <> '' AND starts_with(replace(c.code, '-', ''), $2)) OR c.category = upper($3) OR position(lower($3) IN lower(c.name)) > 0 \
     ORDER BY c.category, c.code LIMIT 50"
));

/// Codes by the beginning of their digits (may be empty), by category, or by words of their name.
pub(super) async fn find_waste_codes(conn: &mut AsyncPgConnection, day: NaiveDate, digits: &str, words: &str) -> Result<Vec<WasteCodeRow>, Problem> {
    Ok(FIND_WASTE_CODES.bind::<Date, _>(day).bind::<Text, _>(digits).bind::<Text, _>(words).load(conn).await?)
}

#[derive(diesel::QueryableByName)]
struct TextCell {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The name of a category in an edition.
pub(super) async fn category_name(conn: &mut AsyncPgConnection, edition: &str, category: &str) -> Result<Option<String>, Problem> {
    let row: Option<TextCell> = Sql("SELECT category_name AS text FROM waste_codes WHERE edition = $1 AND category = $2 LIMIT 1")
        .bind::<Text, _>(edition)
        .bind::<Text, _>(category)
        .load(conn)
        .await?
        .pop();
    Ok(row.map(|row| row.text))
}

/// The group of a method; None for a code that is not in the list.
///
/// # Errors
/// As the database.
pub async fn method_group(conn: &mut AsyncPgConnection, code: &str) -> Result<Option<MethodGroup>, Problem> {
    let row: Option<TextCell> = Sql("SELECT method_group AS text FROM methods WHERE code = $1").bind::<Text, _>(code).load(conn).await?.pop();
    row.map(|row| MethodGroup::parse(&row.text).ok_or_else(|| Problem::broken("a method has no known group"))).transpose()
}

/// A method of recovery or disposal.
#[derive(diesel::QueryableByName, Debug)]
pub(super) struct MethodRow {
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub method_group: String,
    #[diesel(sql_type = Text)]
    pub name: String,
}

pub(super) async fn methods(conn: &mut AsyncPgConnection) -> Result<Vec<MethodRow>, Problem> {
    Ok(Sql("SELECT code, method_group, name FROM methods ORDER BY left(code, 1), substr(code, 2)::int").load(conn).await?)
}

/// A node of the division tree.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug, Clone)]
pub struct Division {
    /// GB/T 2260 code, or the name of a local node.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// country, province, prefecture, county or local.
    #[diesel(sql_type = Text)]
    pub level: String,
    /// The node above.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub parent_code: Option<String>,
    /// The four digits of a manifest number for departures from here.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub prefecture: Option<String>,
    /// Whether there are nodes below.
    #[diesel(sql_type = Bool)]
    pub has_children: bool,
}

impl Division {
    /// Whether a site may lie in it: a leaf, or a local node, which may hold places that no list names yet.
    #[must_use]
    pub fn holds_sites(&self) -> bool {
        !self.has_children || self.level == "local"
    }
}

const DIVISION: Sql = Sql("SELECT d.code, d.name, d.level, d.parent_code, d.prefecture, \
     EXISTS (SELECT FROM divisions c WHERE c.parent_code = d.code) AS has_children FROM divisions d WHERE d.code = $1");

/// A division.
///
/// # Errors
/// As the database.
pub async fn division(conn: &mut AsyncPgConnection, code: &str) -> Result<Option<Division>, Problem> {
    Ok(DIVISION.bind::<Text, _>(code).load(conn).await?.pop())
}

/// Whether there is such a division.
///
/// # Errors
/// As the database.
pub async fn division_exists(conn: &mut AsyncPgConnection, code: &str) -> Result<bool, Problem> {
    Ok(division(conn, code).await?.is_some())
}

/// The prefecture's four digits for a manifest number: `2102` for `210213` and for `JINPU`. None where there is no such
/// division, and for the root. A province has none of its own; it gives its first digits and `00`.
///
/// # Errors
/// As the database.
pub async fn division_of(conn: &mut AsyncPgConnection, code: &str) -> Result<Option<String>, Problem> {
    Ok(division(conn, code).await?.and_then(|division| division.prefecture))
}

pub(super) async fn divisions_below(conn: &mut AsyncPgConnection, parent: &str) -> Result<Vec<Division>, Problem> {
    Ok(Sql("SELECT d.code, d.name, d.level, d.parent_code, d.prefecture, \
         EXISTS (SELECT FROM divisions c WHERE c.parent_code = d.code) AS has_children FROM divisions d WHERE d.parent_code = $1 ORDER BY d.code")
    .bind::<Text, _>(parent)
    .load(conn)
    .await?)
}

/// An article of law, or its title alone where the text is not held.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug, Clone)]
pub struct Article {
    /// Id of the law in `laws.csv`.
    #[diesel(sql_type = Text)]
    pub law_id: String,
    /// Title of the law.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Article.
    #[diesel(sql_type = Text)]
    pub article: String,
    /// Whether the text of this article is here. Without it an article refuses nothing and enters no decision.
    #[diesel(sql_type = Bool)]
    pub text_held: bool,
    /// The text.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub text: Option<String>,
    /// official, two_copies or single_copy: below official, the printed text must be read before a decision.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub grade: Option<String>,
    /// First day, where it is known.
    #[diesel(sql_type = Nullable<Date>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub effective_from: Option<NaiveDate>,
    /// Last day; absent while no end is known.
    #[diesel(sql_type = Nullable<Date>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub effective_to: Option<NaiveDate>,
    /// Whether it is in force on the day asked for, as far as its days are known.
    #[diesel(sql_type = Bool)]
    pub is_in_force: bool,
    /// What is known of the text's source.
    #[diesel(sql_type = Text)]
    pub note: String,
}

const ARTICLE: Sql = Sql("SELECT l.law_id, l.title, $2::text AS article, a.text IS NOT NULL AS text_held, a.text, \
     CASE WHEN a.text IS NOT NULL THEN l.grade END AS grade, coalesce(a.effective_from, l.in_force_from) AS effective_from, \
     CASE WHEN a.text IS NOT NULL THEN a.effective_to ELSE l.in_force_to END AS effective_to, \
     coalesce(coalesce(a.effective_from, l.in_force_from) <= $3, true) \
     AND coalesce(CASE WHEN a.text IS NOT NULL THEN a.effective_to ELSE l.in_force_to END >= $3, true) AS is_in_force, l.note \
     FROM laws l LEFT JOIN legal_articles a ON a.law_id = l.law_id AND a.article = $2 WHERE l.law_id = $1 \
     ORDER BY (a.effective_from <= $3 AND (a.effective_to IS NULL OR a.effective_to >= $3)) DESC NULLS LAST, a.effective_from DESC LIMIT 1");

/// An article on a day: the text in force, else the newest with `is_in_force` false. None for a law nobody named.
///
/// # Errors
/// As the database.
pub async fn article(conn: &mut AsyncPgConnection, law: &str, article: &str, day: NaiveDate) -> Result<Option<Article>, Problem> {
    Ok(ARTICLE.bind::<Text, _>(law).bind::<Text, _>(article).bind::<Date, _>(day).load(conn).await?.pop())
}

#[derive(diesel::QueryableByName)]
struct GradeRow {
    #[diesel(sql_type = Text)]
    law_id: String,
    #[diesel(sql_type = Text)]
    grade: String,
}

/// How good the text of each law is that we hold: official, two_copies or single_copy.
///
/// # Errors
/// As the database.
pub async fn text_grades(conn: &mut AsyncPgConnection) -> Result<std::collections::BTreeMap<String, String>, Problem> {
    let rows: Vec<GradeRow> = Sql("SELECT law_id, grade FROM laws WHERE text_held AND grade IS NOT NULL").load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.law_id, row.grade)).collect())
}

/// A fine or other measure of the penalty catalogue (处罚目录).
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
#[schema(as = Penalty)]
pub(super) struct PenaltyRow {
    /// The same for an offence under old and new law, where the two agree.
    #[diesel(sql_type = Text)]
    pub offence_key: String,
    /// 违法行为.
    #[diesel(sql_type = Text)]
    pub offence: String,
    /// Law that punishes.
    #[diesel(sql_type = Text)]
    pub law_id: String,
    /// Its article.
    #[diesel(sql_type = Text)]
    pub article: String,
    /// Item or paragraph; empty for the whole article.
    #[diesel(sql_type = Text)]
    pub item: String,
    /// Articles of the duty, separated by `;`.
    #[diesel(sql_type = Text)]
    pub duty_article: String,
    /// First day.
    #[diesel(sql_type = Date)]
    pub effective_from: NaiveDate,
    /// Last day.
    #[diesel(sql_type = Nullable<Date>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub effective_to: Option<NaiveDate>,
    /// Unit: fen.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub fine_min_fen: Option<i64>,
    /// Unit: fen.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub fine_max_fen: Option<i64>,
    /// What the amounts depend on, in words; amounts in it are yuan.
    #[diesel(sql_type = Text)]
    pub fine_formula: String,
    /// Whether an order to correct comes first, and a fine only after refusal.
    #[diesel(sql_type = Bool)]
    pub is_correction_first: bool,
    /// Unit: fen.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub fine_after_refusal_min_fen: Option<i64>,
    /// Unit: fen.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub fine_after_refusal_max_fen: Option<i64>,
    /// For the persons in charge. Unit: fen.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub person_fine_min_fen: Option<i64>,
    /// For the persons in charge. Unit: fen.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub person_fine_max_fen: Option<i64>,
    /// 拘留: no, if_serious or yes.
    #[diesel(sql_type = Text)]
    pub detention: String,
    /// 其他措施.
    #[diesel(sql_type = Text)]
    pub other_measures: String,
    /// Grade of the law's text: below official, the printed text must be read before a decision.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub grade: Option<String>,
}

/// Penalties in force on a day, by their key, or by words of the offence.
pub(super) async fn penalties(
    conn: &mut AsyncPgConnection,
    day: NaiveDate,
    offence_key: Option<&str>,
    words: Option<&str>,
) -> Result<Vec<PenaltyRow>, Problem> {
    Ok(Sql("SELECT p.offence_key, p.offence, p.law_id, p.article, p.item, p.duty_article, p.effective_from, p.effective_to, p.fine_min_fen, \
         p.fine_max_fen, p.fine_formula, p.is_correction_first, p.fine_after_refusal_min_fen, p.fine_after_refusal_max_fen, p.person_fine_min_fen, \
         p.person_fine_max_fen, p.detention, p.other_measures, l.grade FROM penalties p LEFT JOIN laws l ON l.law_id = p.law_id \
         WHERE p.effective_from <= $1 AND (p.effective_to IS NULL OR p.effective_to >= $1) \
         AND ($2 IS NULL OR p.offence_key = $2) AND ($3 IS NULL OR position($3 IN p.offence) > 0) ORDER BY p.row_no LIMIT 500")
    .bind::<Date, _>(day)
    .bind::<Nullable<Text>, _>(offence_key)
    .bind::<Nullable<Text>, _>(words)
    .load(conn)
    .await?)
}

/// A day that differs from the plain week.
#[derive(diesel::QueryableByName, Debug)]
pub(super) struct DayRow {
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub name: String,
}

impl DayRow {
    pub(super) fn day_kind(&self) -> DayKind {
        if self.kind == "workday" { DayKind::Workday } else { DayKind::Holiday }
    }
}

#[derive(diesel::QueryableByName)]
struct YearRow {
    #[diesel(sql_type = Integer)]
    year: i32,
}

/// The working-day calendar as loaded.
///
/// # Errors
/// As the database.
pub async fn working_days(conn: &mut AsyncPgConnection) -> Result<WorkingDays, Problem> {
    let days: Vec<DayRow> = Sql("SELECT day, kind, name FROM calendar_days").load(conn).await?;
    let years: Vec<YearRow> = Sql("SELECT year FROM calendar_years").load(conn).await?;
    Ok(WorkingDays::new(days.iter().map(|row| (row.day, row.day_kind())), years.into_iter().map(|row| row.year)))
}

/// The exceptional days of a year, and whether its notice is here.
pub(super) async fn calendar_year(conn: &mut AsyncPgConnection, year: i32) -> Result<(Vec<DayRow>, bool), Problem> {
    let days = Sql("SELECT day, kind, name FROM calendar_days WHERE extract(year FROM day) = $1 ORDER BY day").bind::<Integer, _>(year);
    let days = days.load(conn).await?;
    let years: Vec<YearRow> = Sql("SELECT year FROM calendar_years WHERE year = $1").bind::<Integer, _>(year).load(conn).await?;
    Ok((days, !years.is_empty()))
}

/// An edition.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
#[schema(as = Edition)]
pub(super) struct EditionRow {
    /// hazardous, exemptions, methods or medical.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Edition.
    #[diesel(sql_type = Text)]
    pub edition: String,
    /// First day.
    #[diesel(sql_type = Date)]
    pub in_force_from: NaiveDate,
    /// Last day; absent while no end is known.
    #[diesel(sql_type = Nullable<Date>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub in_force_to: Option<NaiveDate>,
    /// Whether its table is here; else the newest loaded one is used in its place.
    #[diesel(sql_type = Bool)]
    pub is_loaded: bool,
    /// Where it comes from.
    #[diesel(sql_type = Text)]
    pub source: String,
}

pub(super) async fn editions(conn: &mut AsyncPgConnection) -> Result<Vec<EditionRow>, Problem> {
    Ok(Sql("SELECT kind, edition, in_force_from, in_force_to, is_loaded, source FROM editions ORDER BY kind, in_force_from").load(conn).await?)
}

#[derive(diesel::QueryableByName)]
struct EditionPair {
    #[diesel(sql_type = Nullable<Text>)]
    known: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    used: Option<String>,
}

/// The exemption list's edition in force on a day, and the one used.
pub(super) async fn exemption_editions(conn: &mut AsyncPgConnection, day: NaiveDate) -> Result<(Option<String>, Option<String>), Problem> {
    const PAIR: Sql = Sql(concat!(editions_on!("exemptions"), "SELECT (SELECT edition FROM known) AS known, edition AS used FROM used"));
    let row: Option<EditionPair> = PAIR.bind::<Date, _>(day).load(conn).await?.pop();
    Ok(row.map_or((None, None), |row| (row.known, row.used)))
}

/// A file of reference data as loaded.
#[derive(diesel::QueryableByName, Debug)]
pub(super) struct LoadedFileRow {
    #[diesel(sql_type = Text)]
    pub file: String,
    #[diesel(sql_type = Text)]
    pub edition: String,
    #[diesel(sql_type = Binary)]
    pub sha256: Vec<u8>,
    #[diesel(sql_type = Integer)]
    pub rows: i32,
    #[diesel(sql_type = Timestamptz)]
    pub loaded_at: DateTime<Utc>,
}

pub(super) async fn loaded_files(conn: &mut AsyncPgConnection) -> Result<Vec<LoadedFileRow>, Problem> {
    Ok(Sql("SELECT file, edition, sha256, rows, loaded_at FROM loaded_files ORDER BY file").load(conn).await?)
}

/// A parameter as it holds in a division on a day.
#[derive(diesel::QueryableByName, Debug)]
pub(super) struct ParameterRow {
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Date)]
    pub from_on: NaiveDate,
    #[diesel(sql_type = Text)]
    pub value: String,
    #[diesel(sql_type = Text)]
    pub decided_by: String,
    #[diesel(sql_type = Text)]
    pub note: String,
}

// The root holds for a code that is in no tree, too, such as an old one.
const PARAMETERS: Sql = Sql("SELECT DISTINCT ON (p.key) p.key, p.division, p.from_on, p.value, p.decided_by, \
     coalesce((SELECT n.note FROM parameters n WHERE n.key = p.key AND n.event_seq IS NULL ORDER BY n.from_on DESC LIMIT 1), '') AS note \
     FROM (SELECT ancestor, distance FROM division_paths WHERE code = $2 UNION ALL SELECT '000000', 1000) d \
     JOIN parameters p ON p.division = d.ancestor \
     WHERE (cardinality($1) = 0 OR p.key = ANY($1)) AND p.from_on <= $3 ORDER BY p.key, d.distance, p.from_on DESC");

/// The day of the first defaults (`parameters.csv`).
const PARAMETERS_SINCE: NaiveDate = match NaiveDate::from_ymd_opt(2022, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// Some parameters, all without a key: the nearest division wins, then the latest day.
pub(super) async fn parameters(conn: &mut AsyncPgConnection, keys: &[&str], division: &str, day: NaiveDate) -> Result<Vec<ParameterRow>, Problem> {
    // Nothing is set for the days before the first default, and what happened then is still entered: the first value holds.
    let day = day.max(PARAMETERS_SINCE);
    Ok(PARAMETERS.bind::<Array<Text>, _>(keys).bind::<Text, _>(division).bind::<Date, _>(day).load(conn).await?)
}

/// A parameter in a division on a day: the nearest division wins, then the latest day.
///
/// # Errors
/// As the database.
pub async fn parameter(conn: &mut AsyncPgConnection, key: &str, division: &str, day: NaiveDate) -> Result<Option<String>, Problem> {
    Ok(parameters(conn, &[key], division, day).await?.pop().map(|row| row.value))
}

fn integer_of(rows: &[ParameterRow], key: &str) -> Result<i64, Problem> {
    rows.iter()
        .find(|row| row.key == key)
        .and_then(|row| row.value.parse().ok())
        .ok_or_else(|| Problem::broken("a parameter of the program has no number"))
}

/// A parameter that is a number; every one of them has a default for the whole country.
///
/// # Errors
/// 500 when it has none, or no number.
pub async fn parameter_integer(conn: &mut AsyncPgConnection, key: &str, division: &str, day: NaiveDate) -> Result<i64, Problem> {
    integer_of(&parameters(conn, &[key], division, day).await?, key)
}

/// From where on a mass does not agree.
///
/// # Errors
/// As [`parameter_integer`].
pub async fn mass_tolerance(conn: &mut AsyncPgConnection, division: &str, day: NaiveDate) -> Result<MassTolerance, Problem> {
    let keys = ["mass_tolerance_bp", "mass_tolerance_floor_g"];
    let rows = parameters(conn, &keys, division, day).await?;
    Ok(MassTolerance { bp: integer_of(&rows, keys[0])?, floor_g: integer_of(&rows, keys[1])? })
}

/// Holds back every other setter of the same parameter until this transaction ends; it may have no row to lock yet.
pub(super) async fn lock_parameter(conn: &mut AsyncPgConnection, subject: Uuid) -> Result<(), Problem> {
    let key = i64::from_be_bytes(*subject.as_bytes().first_chunk().unwrap_or(&[0; 8]));
    Sql("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(key).execute(conn).await?;
    Ok(())
}

pub(super) struct NewParameter<'a> {
    pub key: &'a str,
    pub division: &'a str,
    pub from_on: NaiveDate,
    pub value: &'a str,
    pub decided_by: &'a str,
    pub event_seq: i64,
}

/// Sets a parameter from a day on; a value set for the same day before is replaced, its event stays.
pub(super) async fn set_parameter(conn: &mut AsyncPgConnection, new: &NewParameter<'_>) -> Result<(), Problem> {
    Sql("INSERT INTO parameters (key, division, from_on, value, decided_by, note, event_seq) VALUES ($1, $2, $3, $4, $5, '', $6) \
         ON CONFLICT (key, division, from_on) DO UPDATE SET value = excluded.value, decided_by = excluded.decided_by, note = '', \
         event_seq = excluded.event_seq")
    .bind::<Text, _>(new.key)
    .bind::<Text, _>(new.division)
    .bind::<Date, _>(new.from_on)
    .bind::<Text, _>(new.value)
    .bind::<Text, _>(new.decided_by)
    .bind::<BigInt, _>(new.event_seq)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// The versions of some subjects; those without a chain are left out.
pub(super) async fn versions(conn: &mut AsyncPgConnection, subjects: &[Uuid]) -> Result<Vec<(Uuid, i64)>, Problem> {
    let rows: Vec<VersionRow> =
        Sql("SELECT subject_id, version FROM streams WHERE subject_id = ANY($1)").bind::<Array<SqlUuid>, _>(subjects).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, row.version)).collect())
}
