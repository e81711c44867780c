//! Wire types and routes of the catalogue. No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acts::{self, ParameterFacts};
use super::code::{MethodCode, WasteCode};
use super::domain::{CodeFacts, Listing, MethodGroup, Stage};
use super::pairs::{self, Category, PairList};
use super::store::{self, Article, Division, EditionRow, Exemption, PenaltyRow, WasteCodeRow};
use crate::evidence::{ActAnswer, answer};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::calendar::{DayKind, WorkingDays, legal_day};
use crate::platform::call::{Act, ActHeaders, ActMode};
use crate::platform::problem::{Problem, ProblemBody, Text};
use crate::platform::query::{NoQuery, Query};

/// A code with or without its hyphens.
fn code_in(text: &str) -> Option<WasteCode> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { format!("{}-{}-{}", &text[..3], &text[3..6], &text[6..]).parse().ok() } else { text.parse().ok() }
}

fn wrong_code(name: &str) -> Problem {
    Problem::parameter(name, Text::new("须为废物代码，例如 900-249-08", "It must be a waste code, for example 900-249-08"))
}

/// What every answer from an edition says.
#[derive(Serialize, ToSchema)]
pub struct EditionUsed {
    /// The edition in force on the day; absent where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    in_force: Option<String>,
    /// The edition whose table was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    used: Option<String>,
    /// Whether the two are one; else a code that is missing here may stand in the right table.
    is_loaded: bool,
}

impl EditionUsed {
    fn new(in_force: Option<String>, used: Option<String>) -> Self {
        Self { is_loaded: in_force.is_some() && in_force == used, in_force, used }
    }
}

/// Find waste codes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindWasteCodes {
    /// Beginning of a code with or without hyphens, a category (`HW08`), or part of a name.
    #[param(min_length = 1, max_length = 60)]
    q: String,
    /// The day whose edition counts; today without it.
    #[param(required = false)]
    on: Option<NaiveDate>,
}

/// Waste codes.
#[derive(Serialize, ToSchema)]
pub struct WasteCodes {
    edition: EditionUsed,
    waste_codes: Vec<WasteCodeRow>,
}

/// Waste codes by code, category or name.
#[utoipa::path(
    tag = "catalogue", operation_id = "find_waste_codes", security(("bearer" = [])), params(FindWasteCodes),
    responses((status = 200, description = "At most 50", body = WasteCodes),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/waste_codes")]
pub async fn find_waste_codes(app: web::Data<App>, _actor: Actor, Query(query): Query<FindWasteCodes>) -> Result<HttpResponse, Problem> {
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let words = query.q.as_str();
    let is_code = words.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let digits = if is_code { words.replace('-', "") } else { String::new() };
    let mut conn = app.db.get().await?;
    let facts = store::code_facts(&conn, on, &[]).await?;
    let waste_codes = store::find_waste_codes(&mut conn, on, &digits, words).await?;
    Ok(HttpResponse::Ok().json(WasteCodes { edition: EditionUsed::new(facts.known, facts.used), waste_codes }))
}

/// The day that decides.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct On {
    /// The day that decides; today without it.
    #[param(required = false)]
    on: Option<NaiveDate>,
}

/// One waste code.
#[derive(Serialize, ToSchema)]
pub struct OneWasteCode {
    edition: EditionUsed,
    /// 废物代码.
    code: WasteCode,
    /// 废物类别.
    category: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    category_name: Option<String>,
    /// Whether the table has it. `900-000-CC` is in no table and valid: found hazardous by a test.
    is_listed: bool,
    /// The row of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    listed: Option<WasteCodeRow>,
    /// Exemptions that name the code or its category; each holds for its stage and under its condition only.
    exemptions: Vec<Exemption>,
}

/// A waste code on a day.
#[utoipa::path(
    tag = "catalogue", operation_id = "get_waste_code", security(("bearer" = [])), params(("code" = WasteCode, Path), On),
    responses((status = 200, description = "The code", body = OneWasteCode),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/waste_codes/{code}")]
pub async fn get_waste_code(app: web::Data<App>, _actor: Actor, code: Path<String>, Query(query): Query<On>) -> Result<HttpResponse, Problem> {
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let code = code_in(&code).ok_or_else(|| wrong_code("code"))?;
    let mut conn = app.db.get().await?;
    let facts: CodeFacts = store::code_facts(&conn, on, &[code.to_string()]).await?;
    let listed = match facts.listing(code) {
        Listing::Listed(_) => {
            let text = code.to_string();
            store::find_waste_codes(&mut conn, on, &text.replace('-', ""), &text).await?.into_iter().find(|row| row.code == text)
        }
        Listing::ByIdentification => None,
        Listing::Unknown | Listing::Unlisted => return Err(Problem::not_found()),
    };
    let category_name = match (&listed, &facts.used) {
        (Some(row), _) => Some(row.category_name.clone()),
        (None, Some(used)) => store::category_name(&mut conn, used, &code.category()).await?,
        (None, None) => None,
    };
    let exemptions = store::list_exemptions(&mut conn, on, Some(code), None).await?.into_iter().filter(|row| row.names_code).collect();
    let edition = EditionUsed::new(facts.known, facts.used);
    Ok(HttpResponse::Ok().json(OneWasteCode {
        edition,
        code,
        category: code.category(),
        category_name,
        is_listed: listed.is_some(),
        listed,
        exemptions,
    }))
}

/// A method of recovery or disposal.
#[derive(Serialize, ToSchema)]
#[schema(as = TreatmentMethod)]
pub struct Method {
    /// 利用处置方式代码.
    code: MethodCode,
    /// What it belongs to.
    method_group: MethodGroup,
    /// 名称.
    name: String,
}

/// Methods.
#[derive(Serialize, ToSchema)]
pub struct Methods {
    methods: Vec<Method>,
}

/// The methods of recovery and disposal.
#[utoipa::path(
    tag = "catalogue", operation_id = "list_methods", security(("bearer" = [])),
    responses((status = 200, description = "All methods", body = Methods),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/methods")]
pub async fn list_methods(app: web::Data<App>, _actor: Actor, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let mut methods = Vec::new();
    for row in store::methods(&mut conn).await? {
        let (Ok(code), Some(method_group)) = (row.code.parse(), MethodGroup::parse(&row.method_group)) else {
            return Err(Problem::broken("a method has no code or group"));
        };
        methods.push(Method { code, method_group, name: row.name });
    }
    Ok(HttpResponse::Ok().json(Methods { methods }))
}

/// List divisions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDivisions {
    /// The node whose children are wanted; the provinces without it.
    #[param(required = false, min_length = 2, max_length = 12)]
    parent: Option<String>,
}

/// Divisions.
#[derive(Serialize, ToSchema)]
pub struct Divisions {
    /// The node asked for.
    parent: Division,
    /// The nodes right below it.
    divisions: Vec<Division>,
}

/// The divisions right below one.
#[utoipa::path(
    tag = "catalogue", operation_id = "list_divisions", security(("bearer" = [])), params(ListDivisions),
    responses((status = 200, description = "The node and its children", body = Divisions),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/divisions")]
pub async fn list_divisions(app: web::Data<App>, _actor: Actor, Query(query): Query<ListDivisions>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let parent = division_in(&mut conn, "parent", query.parent.as_deref().unwrap_or(store::ROOT)).await?;
    let divisions = store::divisions_below(&mut conn, &parent.code).await?;
    Ok(HttpResponse::Ok().json(Divisions { parent, divisions }))
}

async fn division_in(conn: &mut diesel_async::AsyncPgConnection, name: &str, code: &str) -> Result<Division, Problem> {
    let found = store::division(conn, code).await?;
    found.ok_or_else(|| Problem::parameter(name, Text::new("没有此行政区划", "There is no such division")))
}

/// An article of law on a day.
#[utoipa::path(
    tag = "catalogue", operation_id = "get_legal_article", security(("bearer" = [])),
    params(("law_id" = String, Path, example = "decree_23_2021"), ("article" = String, Path, example = "18"), On),
    responses((status = 200, description = "The article; without text where it is not held", body = Article),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/legal_articles/{law_id}/{article}")]
pub async fn get_legal_article(
    app: web::Data<App>,
    _actor: Actor,
    path: Path<(String, String)>,
    Query(query): Query<On>,
) -> Result<HttpResponse, Problem> {
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let (law, article) = path.into_inner();
    let is_id = |text: &str, max: usize| text.len() <= max && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
    if !is_id(&law, 60) || !is_id(&article, 12) {
        return Err(Problem::not_found());
    }
    let mut conn = app.db.get().await?;
    let article = store::article(&mut conn, &law, &article, on).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(article))
}

/// List exemptions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListExemptions {
    /// Only those that may cover this code, with or without hyphens: named first, then those that only describe.
    #[param(max_length = 12, example = "900-249-08")]
    code: Option<String>,
    /// Only those of this stage.
    #[param(required = false, inline)]
    stage: Option<Stage>,
    /// The day whose edition counts; today without it.
    #[param(required = false)]
    on: Option<NaiveDate>,
}

/// Exemptions.
#[derive(Serialize, ToSchema)]
pub struct Exemptions {
    edition: EditionUsed,
    exemptions: Vec<Exemption>,
}

/// The exemption list, or the part that may cover a code.
#[utoipa::path(
    tag = "catalogue", operation_id = "list_exemptions", security(("bearer" = [])), params(ListExemptions),
    responses((status = 200, description = "Exemptions; each holds for its stage and under its condition only", body = Exemptions),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/exemptions")]
pub async fn list_exemptions(app: web::Data<App>, _actor: Actor, Query(query): Query<ListExemptions>) -> Result<HttpResponse, Problem> {
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let code = query.code.map(|text| code_in(&text).ok_or_else(|| wrong_code("code"))).transpose()?;
    let mut conn = app.db.get().await?;
    let (known, used) = store::exemption_editions(&mut conn, on).await?;
    let exemptions = store::list_exemptions(&mut conn, on, code, query.stage).await?;
    Ok(HttpResponse::Ok().json(Exemptions { edition: EditionUsed::new(known, used), exemptions }))
}

/// Find penalties.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindPenalties {
    /// Key of an offence.
    #[param(required = false, min_length = 1, max_length = 60, example = "hw_label_missing")]
    offence_key: Option<String>,
    /// Part of the offence in words.
    #[param(required = false, min_length = 1, max_length = 60)]
    q: Option<String>,
    /// The day of the act; today without it.
    #[param(required = false)]
    on: Option<NaiveDate>,
}

/// Penalties.
#[derive(Serialize, ToSchema)]
pub struct Penalties {
    penalties: Vec<PenaltyRow>,
}

/// The penalties of a day, by offence. The law of the act's day counts unless that of the decision is lighter.
#[utoipa::path(
    tag = "catalogue", operation_id = "find_penalties", security(("bearer" = [])), params(FindPenalties),
    responses((status = 200, description = "Penalties", body = Penalties),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/penalties")]
pub async fn find_penalties(app: web::Data<App>, _actor: Actor, Query(query): Query<FindPenalties>) -> Result<HttpResponse, Problem> {
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let (key, words) = (query.offence_key.as_deref(), query.q.as_deref());
    if key.is_some() && words.is_some() {
        return Err(Problem::parameter("q", Text::new("offence_key 与 q 只能用一个", "Give offence_key or q, not both")));
    }
    let mut conn = app.db.get().await?;
    Ok(HttpResponse::Ok().json(Penalties { penalties: store::penalties(&mut conn, on, key, words).await? }))
}

/// A day that differs from the plain week.
#[derive(Serialize, ToSchema)]
pub struct CalendarDay {
    /// The day.
    day: NaiveDate,
    /// holiday: a weekday off; workday: a weekend day worked.
    #[schema(value_type = String, pattern = "^(holiday|workday)$")]
    kind: DayKind,
    /// The holiday it belongs to.
    name: String,
}

/// A year of the working-day calendar.
#[derive(Serialize, ToSchema)]
pub struct CalendarYear {
    /// The year.
    year: i32,
    /// Whether the State Council's notice is loaded; else weekends count as off, all else as worked, and deadlines may move.
    is_published: bool,
    /// Working days of the year as far as known.
    working_days: u32,
    /// Days that differ from the plain week.
    days: Vec<CalendarDay>,
}

/// The working days of a year.
#[utoipa::path(
    tag = "catalogue", operation_id = "get_calendar", security(("bearer" = [])),
    params(("year" = i32, Path, minimum = 2000, maximum = 2100, example = 2026)),
    responses((status = 200, description = "The year, published or provisional", body = CalendarYear),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/calendar/{year}")]
pub async fn get_calendar(app: web::Data<App>, _actor: Actor, year: Path<String>, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    let wrong = || Problem::parameter("year", Text::new("须为 2000 至 2100 的年份", "It must be a year from 2000 to 2100"));
    let year = Some(year.as_str()).filter(|text| text.len() == 4).and_then(|text| text.parse().ok()).filter(|year| (2000..=2100).contains(year));
    let year: i32 = year.ok_or_else(wrong)?;
    let first = NaiveDate::from_ymd_opt(year, 1, 1).ok_or_else(wrong)?;
    let mut conn = app.db.get().await?;
    let (rows, is_published) = store::calendar_year(&mut conn, year).await?;
    let calendar = WorkingDays::new(rows.iter().map(|row| (row.day, row.day_kind())), []);
    let worked = first.iter_days().take_while(|day| day.year() == year).filter(|day| calendar.is_working_day(*day)).count();
    let days = rows.into_iter().map(|row| CalendarDay { day: row.day, kind: row.day_kind(), name: row.name }).collect();
    Ok(HttpResponse::Ok().json(CalendarYear { year, is_published, working_days: u32::try_from(worked).unwrap_or_default(), days }))
}

/// A file of reference data.
#[derive(Serialize, ToSchema)]
pub struct ReferenceFile {
    /// Name.
    file: String,
    /// Edition; empty where the rows name their own.
    edition: String,
    /// Rows.
    rows: i32,
    /// SHA-256, hex.
    sha256: String,
    /// When it was loaded.
    loaded_at: DateTime<Utc>,
}

/// Editions.
#[derive(Serialize, ToSchema)]
pub struct Editions {
    editions: Vec<EditionRow>,
    files: Vec<ReferenceFile>,
}

/// Which editions are known and loaded, and from which files.
#[utoipa::path(
    tag = "catalogue", operation_id = "list_editions", security(("bearer" = [])),
    responses((status = 200, description = "Editions and files", body = Editions),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/editions")]
pub async fn list_editions(app: web::Data<App>, _actor: Actor, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let editions = store::editions(&mut conn).await?;
    let files = store::loaded_files(&mut conn).await?.into_iter().map(|row| ReferenceFile {
        file: row.file,
        edition: row.edition,
        rows: row.rows,
        sha256: hex::encode(row.sha256),
        loaded_at: row.loaded_at,
    });
    Ok(HttpResponse::Ok().json(Editions { editions, files: files.collect() }))
}

/// List parameters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Where; the whole country without it.
    #[param(required = false, min_length = 2, max_length = 12, example = "210213")]
    division: Option<String>,
    /// The day that decides; today without it.
    #[param(required = false)]
    on: Option<NaiveDate>,
}

/// A parameter as it holds.
#[derive(Serialize, ToSchema)]
pub struct Parameter {
    /// Which.
    key: String,
    /// Value.
    value: String,
    /// The division that set it: the one asked for, or the nearest above.
    division: String,
    /// First day.
    from_on: NaiveDate,
    /// The decision it rests on.
    decided_by: String,
    /// What it means, beginning with the legal key where there is one.
    note: String,
    /// Subject of this key's chain in the division asked for.
    subject_id: Uuid,
    /// Version of that chain, for `If-Match`; 0 until it is first set there.
    version: i64,
}

/// Parameters.
#[derive(Serialize, ToSchema)]
pub struct ParameterList {
    parameters: Vec<Parameter>,
}

/// The parameters that hold in a division on a day.
#[utoipa::path(
    tag = "catalogue", operation_id = "list_parameters", security(("bearer" = [])), params(ListParameters),
    responses((status = 200, description = "Parameters; the nearest division wins", body = ParameterList),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/parameters")]
pub async fn list_parameters(app: web::Data<App>, _actor: Actor, Query(query): Query<ListParameters>) -> Result<HttpResponse, Problem> {
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let division = query.division.as_deref().unwrap_or(store::ROOT);
    let mut conn = app.db.get().await?;
    division_in(&mut conn, "division", division).await?;
    let rows = store::parameters(&mut conn, &[], division, on).await?;
    let subjects: Vec<Uuid> = rows.iter().map(|row| acts::subject_of(&row.key, division)).collect();
    let versions = store::versions(&mut conn, &subjects).await?;
    let parameters = rows.into_iter().zip(subjects).map(|(row, subject_id)| Parameter {
        version: versions.iter().find(|(subject, _)| *subject == subject_id).map_or(0, |(_, version)| *version),
        key: row.key,
        value: row.value,
        division: row.division,
        from_on: row.from_on,
        decided_by: row.decided_by,
        note: row.note,
        subject_id,
    });
    Ok(HttpResponse::Ok().json(ParameterList { parameters: parameters.collect() }))
}

fn decision<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_named = (2..=200).contains(&text.chars().count()) && text.chars().any(|c| !c.is_whitespace());
    if is_named { Ok(text) } else { Err(serde::de::Error::custom("a decision is named in 2 to 200 characters")) }
}

/// A parameter to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetParameter {
    /// Which.
    #[schema(min_length = 2, max_length = 60, pattern = "^[a-z][a-z0-9_]{1,59}$", example = "mass_tolerance_bp")]
    key: String,
    /// Where, all divisions below included.
    #[schema(min_length = 2, max_length = 12, example = "JINPU")]
    division: String,
    /// First day, today or later.
    from_on: NaiveDate,
    /// Value, in the parameter's own form.
    #[schema(min_length = 1, max_length = 200, example = "100")]
    value: String,
    /// The decision it rests on: title or number of the paper.
    #[serde(deserialize_with = "decision")]
    #[schema(min_length = 2, max_length = 200, pattern = "\\S")]
    decided_by: String,
}

/// Set a parameter for a division and all below it.
#[utoipa::path(
    tag = "catalogue", operation_id = "set_parameter", security(("bearer" = [])), request_body = SetParameter, params(ActHeaders, ActMode),
    responses((status = 200, description = "Set", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/parameters:set")]
pub async fn set_parameter(actor: Actor, act: Act<SetParameter>) -> Result<HttpResponse, Problem> {
    let body = act.body;
    let facts = ParameterFacts { key: body.key, division: body.division, from_on: body.from_on, value: body.value, decided_by: body.decided_by };
    Ok(answer(&acts::set_parameter(&act.call, &actor, facts).await?))
}

/// Two categories that may not be mixed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// One.
    #[schema(pattern = "^HW(0[1-9]|[1-4][0-9]|50)$", example = "HW06")]
    a: String,
    /// The other.
    #[schema(pattern = "^HW(0[1-9]|[1-4][0-9]|50)$", example = "HW34")]
    b: String,
}

/// The incompatible pairs of a division.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadPairs {
    /// Where they hold, all divisions below included.
    #[schema(min_length = 2, max_length = 12, example = "JINPU")]
    division: String,
    /// The document that they stand in: title and number.
    #[serde(deserialize_with = "decision")]
    #[schema(min_length = 2, max_length = 200, pattern = "\\S")]
    source: String,
    /// All of them; none takes the list back.
    #[schema(max_items = 1000)]
    pairs: Vec<Pair>,
}

/// Load the incompatible pairs of a division, whole.
#[utoipa::path(
    tag = "catalogue", operation_id = "load_incompatible_pairs", security(("bearer" = [])), request_body = LoadPairs, params(ActHeaders, ActMode),
    responses((status = 200, description = "Loaded", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/incompatible_pairs:load")]
pub async fn load_incompatible_pairs(actor: Actor, act: Act<LoadPairs>) -> Result<HttpResponse, Problem> {
    let category = |text: &str| {
        let wrong = Text::new("须为 HW01 至 HW50", "It must be a category HW01 to HW50");
        text.parse::<Category>().map_err(|()| Problem::value("/pairs", wrong))
    };
    let body = act.body;
    let mut pairs = Vec::new();
    for pair in &body.pairs {
        pairs.push((category(&pair.a)?, category(&pair.b)?));
    }
    let list = PairList { division: body.division, source: body.source, pairs };
    Ok(answer(&pairs::load_incompatible_pairs(&act.call, &actor, list).await?))
}

/// A loaded list.
#[derive(Serialize, ToSchema)]
pub struct LoadedPairs {
    /// The division that loaded it.
    division: String,
    /// The document that it stands in.
    source: String,
    loaded_at: DateTime<Utc>,
    pairs: Vec<Pair>,
}

/// What holds in a division.
#[derive(Serialize, ToSchema)]
pub struct PairLists {
    /// Whether any pairs are loaded: without, nothing is checked.
    is_loaded: bool,
    lists: Vec<LoadedPairs>,
}

/// Where.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPairs {
    /// Division: GB/T 2260 code or a local node; the country without it.
    #[param(min_length = 2, max_length = 12)]
    division: Option<String>,
}

/// The incompatible pairs that hold in a division.
#[utoipa::path(
    tag = "catalogue", operation_id = "list_incompatible_pairs", security(("bearer" = [])), params(ListPairs),
    responses((status = 200, description = "Its own list and those above", body = PairLists),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/incompatible_pairs")]
pub async fn list_incompatible_pairs(app: web::Data<App>, _actor: Actor, Query(query): Query<ListPairs>) -> Result<HttpResponse, Problem> {
    let division = query.division.as_deref().unwrap_or(store::ROOT);
    let mut conn = app.db.get().await?;
    division_in(&mut conn, "division", division).await?;
    let lists: Vec<LoadedPairs> = pairs::lists(&mut conn, division)
        .await?
        .into_iter()
        .map(|list| LoadedPairs {
            division: list.division,
            source: list.source,
            loaded_at: list.loaded_at,
            pairs: list.categories_a.into_iter().zip(list.categories_b).map(|(a, b)| Pair { a, b }).collect(),
        })
        .collect();
    Ok(HttpResponse::Ok().json(PairLists { is_loaded: !lists.is_empty(), lists }))
}
