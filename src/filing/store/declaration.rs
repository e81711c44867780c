//! Queries on declarations, and on who may declare for a unit.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::domain::declaration::{DeclaredRow, Period};
use crate::platform::db::{Sql, TextRow};
use crate::platform::problem::Problem;
use crate::registry::{scoped_sql, shown};

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether a unit named another to declare for it on a day.
pub async fn is_agent(conn: &mut AsyncPgConnection, unit: Uuid, agent: Uuid, day: NaiveDate) -> Result<bool, Problem> {
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM filing_agents WHERE unit_id = $1 AND agent_id = $2 AND ended_at IS NULL \
         AND from_on <= $3 AND until_on >= $3) AS yes")
    .bind::<SqlUuid, _>(unit)
    .bind::<SqlUuid, _>(agent)
    .bind::<Date, _>(day)
    .load(conn)
    .await?
    .pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// Names who may declare for a unit.
pub async fn insert_agent(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    (unit, agent): (Uuid, Uuid),
    (from, until): (NaiveDate, NaiveDate),
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO filing_agents (id, unit_id, agent_id, from_on, until_on, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(agent)
        .bind::<Date, _>(from)
        .bind::<Date, _>(until)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Both units of an agency.
#[derive(diesel::QueryableByName)]
pub struct AgentKey {
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub agent_id: Uuid,
}

pub async fn agent_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<AgentKey>, Problem> {
    Ok(Sql("SELECT unit_id, agent_id FROM filing_agents WHERE id = $1").bind::<SqlUuid, _>(id).load(conn).await?.pop())
}

/// Ends it; false when it was ended already.
pub async fn end_agent(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count = Sql("UPDATE filing_agents SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// Who may declare for a unit (受托申报单位).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct FilingAgent {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = SqlUuid)]
    agent_id: Uuid,
    #[diesel(sql_type = Text)]
    agent_name: String,
    #[diesel(sql_type = Date)]
    from_on: NaiveDate,
    #[diesel(sql_type = Date)]
    until_on: NaiveDate,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const AGENTS: Sql = scoped_sql!(
    "SELECT x.id, x.unit_id, u.name AS unit_name, x.agent_id, a.name AS agent_name, x.from_on, x.until_on, x.ended_at, v.version \
     FROM filing_agents x JOIN units u ON u.id = x.unit_id JOIN units a ON a.id = x.agent_id JOIN streams v ON v.subject_id = x.id",
    "u.division",
    mine "x.unit_id = $1 OR x.agent_id = $1",
    filter "x.unit_id = $3 OR x.agent_id = $3"
);

/// A declaration as an act meets it.
#[derive(Debug, diesel::QueryableByName)]
pub struct StoredDeclaration {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Text)]
    pub period: String,
    #[diesel(sql_type = Integer)]
    pub revision: i32,
}

/// A declaration.
pub async fn get(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<StoredDeclaration>, Problem> {
    Ok(Sql(
        "SELECT d.id, d.site_id, d.unit_id, s.division, d.period, d.revision FROM declarations d JOIN sites s ON s.id = d.site_id WHERE d.id = $1",
    )
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

/// Begins a declaration with its first revision; false where the site declared the period already.
pub async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    (site, unit): (Uuid, Uuid),
    period: Period,
    is_late: bool,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO declarations (id, site_id, unit_id, period, from_on, until_on, due_on, state, revision, filed_at, is_late, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'sent', 1, $8, $9, $8) ON CONFLICT DO NOTHING")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(site)
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(period.to_string())
        .bind::<Date, _>(period.begins_on())
        .bind::<Date, _>(period.ends_on())
        .bind::<Date, _>(period.due_on())
        .bind::<Timestamptz, _>(now)
        .bind::<Bool, _>(is_late)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// A declaration as filed.
pub struct NewRevision<'a> {
    pub revision: i32,
    pub filer: Uuid,
    pub reason: Option<&'a str>,
    pub rows: &'a Value,
    pub bytes: &'a [u8],
    pub content_hash: &'a [u8; 32],
}

/// Keeps what was filed; a later revision restates the earlier, which stays.
pub async fn insert_revision(conn: &mut AsyncPgConnection, id: Uuid, new: &NewRevision<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO declaration_revisions (declaration_id, revision, filer_id, reason, rows, bytes, content_hash, filed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind::<SqlUuid, _>(id)
    .bind::<Integer, _>(new.revision)
    .bind::<SqlUuid, _>(new.filer)
    .bind::<Nullable<Text>, _>(new.reason)
    .bind::<Jsonb, _>(new.rows)
    .bind::<Binary, _>(new.bytes)
    .bind::<Binary, _>(&new.content_hash[..])
    .bind::<Timestamptz, _>(now)
    .execute(&mut *conn)
    .await?;
    Sql("UPDATE declarations SET state = 'sent', revision = $2, filed_at = $3, official_filing_no = NULL WHERE id = $1 AND revision < $2")
        .bind::<SqlUuid, _>(id)
        .bind::<Integer, _>(new.revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes the authority's number of the newest revision; false where it has one.
pub async fn acknowledge(
    conn: &mut AsyncPgConnection,
    stored: &StoredDeclaration,
    number: &str,
    by: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count = Sql("INSERT INTO declaration_acknowledgements (declaration_id, revision, official_filing_no, by_unit, made_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(stored.id)
    .bind::<Integer, _>(stored.revision)
    .bind::<Text, _>(number)
    .bind::<SqlUuid, _>(by)
    .bind::<Timestamptz, _>(now)
    .execute(&mut *conn)
    .await?;
    if count == 1 {
        Sql("UPDATE declarations SET state = 'acknowledged', official_filing_no = $2 WHERE id = $1")
            .bind::<SqlUuid, _>(stored.id)
            .bind::<Text, _>(number)
            .execute(conn)
            .await?;
    }
    Ok(count == 1)
}

#[derive(diesel::QueryableByName)]
struct RowsRow {
    #[diesel(sql_type = Jsonb)]
    rows: Value,
}

/// The newest rows that a site declared for some periods, in the order of the periods.
pub async fn rows_of(conn: &mut AsyncPgConnection, site: Uuid, periods: &[Period]) -> Result<Vec<Vec<DeclaredRow>>, Problem> {
    let periods: Vec<String> = periods.iter().map(ToString::to_string).collect();
    let rows: Vec<RowsRow> =
        Sql("SELECT r.rows FROM declarations d JOIN declaration_revisions r ON r.declaration_id = d.id AND r.revision = d.revision \
         WHERE d.site_id = $1 AND d.period = ANY($2) ORDER BY d.from_on")
        .bind::<SqlUuid, _>(site)
        .bind::<Array<Text>, _>(periods)
        .load(conn)
        .await?;
    rows.into_iter().map(|row| serde_json::from_value(row.rows).map_err(|error| Problem::internal(&error))).collect()
}

/// What a site filed for a period.
#[derive(diesel::QueryableByName)]
pub struct FiledPeriod {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub period: String,
    #[diesel(sql_type = Bool)]
    pub is_late: bool,
}

/// What a site filed for periods that begin in a year.
pub async fn filed_in(conn: &mut AsyncPgConnection, site: Uuid, year: i32) -> Result<Vec<FiledPeriod>, Problem> {
    Ok(Sql("SELECT d.id, d.period, d.is_late FROM declarations d WHERE d.site_id = $1 AND extract(year FROM d.from_on) = $2")
        .bind::<SqlUuid, _>(site)
        .bind::<Integer, _>(year)
        .load(conn)
        .await?)
}

/// A declaration in a list.
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Declaration {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = Text)]
    site_name: String,
    /// The declarant.
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = Text)]
    #[schema(value_type = Period)]
    period: String,
    #[diesel(sql_type = Date)]
    from_on: NaiveDate,
    #[diesel(sql_type = Date)]
    until_on: NaiveDate,
    /// Last day on which filing is in time.
    #[diesel(sql_type = Date)]
    due_on: NaiveDate,
    /// `sent`: filed; `acknowledged`: the authority gave its number.
    #[diesel(sql_type = Text)]
    state: String,
    /// More than 1: the earlier ones are restated.
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    /// The newest filing.
    #[diesel(sql_type = Timestamptz)]
    filed_at: DateTime<Utc>,
    /// First filed after its day.
    #[diesel(sql_type = Bool)]
    is_late: bool,
    #[diesel(sql_type = Nullable<Text>)]
    official_filing_no: Option<String>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

pub const DECLARATIONS: Sql = scoped_sql!(
    "SELECT x.id, x.site_id, s.name AS site_name, x.unit_id, u.name AS unit_name, x.period, x.from_on, x.until_on, x.due_on, x.state, x.revision, \
     x.filed_at, x.is_late, x.official_filing_no, v.version FROM declarations x JOIN sites s ON s.id = x.site_id JOIN units u ON u.id = x.unit_id \
     JOIN streams v ON v.subject_id = x.id",
    "s.division",
    mine "x.unit_id = $1 OR EXISTS (SELECT FROM filing_agents g WHERE g.unit_id = x.unit_id AND g.agent_id = $1 AND g.ended_at IS NULL \
     AND g.from_on <= $7 AND g.until_on >= $7)",
    filter "x.unit_id = $3 OR ($3 = $1 AND EXISTS (SELECT FROM declaration_revisions r WHERE r.declaration_id = x.id AND r.filer_id = $3))"
);

shown!(Declaration, FilingAgent);

/// The rows of a revision.
pub async fn revision_rows(conn: &mut AsyncPgConnection, id: Uuid, revision: i32) -> Result<Option<Value>, Problem> {
    let row: Option<RowsRow> = Sql("SELECT rows FROM declaration_revisions WHERE declaration_id = $1 AND revision = $2")
        .bind::<SqlUuid, _>(id)
        .bind::<Integer, _>(revision)
        .load(conn)
        .await?
        .pop();
    Ok(row.map(|row| row.rows))
}

/// Every revision of a declaration, newest first.
pub async fn history(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Value, Problem> {
    let row: Option<TextRow> =
        Sql("SELECT coalesce(json_agg(json_build_object('revision', r.revision, 'filer_id', r.filer_id, 'filer_name', u.name, \
         'reason', r.reason, 'filed_at', r.filed_at, 'is_restated', r.revision < d.revision, 'content_hash', encode(r.content_hash, 'hex'), \
         'official_filing_no', a.official_filing_no, 'acknowledged_at', a.made_at) ORDER BY r.revision DESC), '[]')::text AS doc \
         FROM declaration_revisions r JOIN declarations d ON d.id = r.declaration_id JOIN units u ON u.id = r.filer_id \
         LEFT JOIN declaration_acknowledgements a ON a.declaration_id = r.declaration_id AND a.revision = r.revision WHERE r.declaration_id = $1")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?
        .pop();
    row.map_or(Ok(Value::Null), |row| serde_json::from_str(&row.doc).map_err(|error| Problem::internal(&error)))
}
