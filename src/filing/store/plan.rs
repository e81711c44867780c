//! Queries on plans.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::domain::plan::{PlanTables, TransferRow};
use crate::platform::db::{Sql, TextRow};
use crate::platform::problem::Problem;
use crate::registry::{ManagementClass, Words, scoped_sql, shown};

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether the plan of a site and year is filed.
pub async fn is_filed(conn: &mut AsyncPgConnection, site: Uuid, year: i32) -> Result<bool, Problem> {
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM plans WHERE site_id = $1 AND year = $2 AND state <> 'prepared') AS yes")
        .bind::<SqlUuid, _>(site)
        .bind::<Integer, _>(year)
        .load(conn)
        .await?
        .pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// A plan as an act meets it.
#[derive(Debug, diesel::QueryableByName)]
pub struct StoredPlan {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Integer)]
    pub year: i32,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    #[diesel(sql_type = BigInt)]
    pub draft_version: i64,
    #[diesel(sql_type = Jsonb)]
    pub tables: Value,
}

impl StoredPlan {
    /// Whether it is a draft still.
    pub fn is_draft(&self) -> bool {
        self.state == "prepared"
    }
    /// Its tables.
    pub fn tables(&self) -> Result<PlanTables, Problem> {
        serde_json::from_value(self.tables.clone()).map_err(|error| Problem::internal(&error))
    }
}

/// A plan; with `for_update` no other act changes it until this one ends.
pub async fn get(conn: &mut AsyncPgConnection, id: Uuid, for_update: bool) -> Result<Option<StoredPlan>, Problem> {
    const READ: Sql = Sql("SELECT p.id, p.site_id, p.unit_id, s.division, p.year, p.state, p.revision, p.draft_version, p.tables \
         FROM plans p JOIN sites s ON s.id = p.site_id WHERE p.id = $1");
    const LOCK: Sql = Sql("SELECT p.id, p.site_id, p.unit_id, s.division, p.year, p.state, p.revision, p.draft_version, p.tables \
         FROM plans p JOIN sites s ON s.id = p.site_id WHERE p.id = $1 FOR UPDATE OF p");
    Ok((if for_update { LOCK } else { READ }).bind::<SqlUuid, _>(id).load(conn).await?.pop())
}

/// The plan of a site and year.
pub async fn of_year(conn: &mut AsyncPgConnection, site: Uuid, year: i32) -> Result<Option<StoredPlan>, Problem> {
    Ok(Sql("SELECT p.id, p.site_id, p.unit_id, s.division, p.year, p.state, p.revision, p.draft_version, p.tables \
         FROM plans p JOIN sites s ON s.id = p.site_id WHERE p.site_id = $1 AND p.year = $2")
    .bind::<SqlUuid, _>(site)
    .bind::<Integer, _>(year)
    .load(conn)
    .await?
    .pop())
}

/// Keeps a new draft; false where the site has a plan of the year.
pub async fn insert_draft(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    (site, year): (Uuid, i32),
    tables: &Value,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count = Sql("INSERT INTO plans (id, site_id, unit_id, year, state, revision, draft_version, tables, is_late, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 'prepared', 0, 1, $5, false, $6, $6) ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(site)
    .bind::<SqlUuid, _>(unit)
    .bind::<Integer, _>(year)
    .bind::<Jsonb, _>(tables)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(count == 1)
}

/// Writes a draft anew, if it is the version that the caller saw; gives the next one.
pub async fn put_draft(conn: &mut AsyncPgConnection, id: Uuid, seen: i64, tables: &Value, now: DateTime<Utc>) -> Result<Option<i64>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        draft_version: i64,
    }
    let row: Option<Row> = Sql("UPDATE plans SET draft_version = draft_version + 1, tables = $3, updated_at = $4 \
         WHERE id = $1 AND state = 'prepared' AND draft_version = $2 RETURNING draft_version")
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(seen)
    .bind::<Jsonb, _>(tables)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?
    .pop();
    Ok(row.map(|row| row.draft_version))
}

/// Throws a draft away; false where it is none any more.
pub async fn delete_draft(conn: &mut AsyncPgConnection, id: Uuid) -> Result<bool, Problem> {
    Ok(Sql("DELETE FROM plans WHERE id = $1 AND state = 'prepared'").bind::<SqlUuid, _>(id).execute(conn).await? == 1)
}

/// What the registry says of the receiver of a row of A.7.
#[derive(diesel::QueryableByName)]
pub struct ReceiverRow {
    #[diesel(sql_type = Bool)]
    pub is_there: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Bool)]
    pub is_foreign: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub prefecture: Option<String>,
    #[diesel(sql_type = Bool)]
    pub is_exempt: bool,
}

/// The receivers of A.7, in the order of its rows.
pub async fn receivers(conn: &mut AsyncPgConnection, rows: &[TransferRow], day: NaiveDate) -> Result<Vec<ReceiverRow>, Problem> {
    let units: Vec<Uuid> = rows.iter().map(|row| row.receiver_id).collect();
    let sites: Vec<Option<Uuid>> = rows.iter().map(|row| row.receiver_site_id).collect();
    let codes: Vec<String> = rows.iter().map(|row| row.code.to_string()).collect();
    let categories: Vec<String> = rows.iter().map(|row| row.code.category()).collect();
    Ok(Sql(
        "SELECT u.id IS NOT NULL AND (w.site IS NULL OR s.id IS NOT NULL) AS is_there, u.name, coalesce(u.country <> 'CN', false) AS is_foreign, \
         coalesce(sd.prefecture, ud.prefecture) AS prefecture, \
         EXISTS (SELECT FROM exempt_receivers e WHERE e.unit_id = u.id AND e.verified_at IS NOT NULL AND e.valid_from <= $5 AND e.valid_to >= $5 \
         AND (w.code = ANY(e.codes) OR w.category = ANY(e.categories)) AND e.stages && ARRAY['use', 'disposal']) AS is_exempt \
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS w (receiver, site, code, category, place) \
         LEFT JOIN units u ON u.id = w.receiver AND u.ended_at IS NULL LEFT JOIN sites s ON s.id = w.site AND s.unit_id = u.id \
         LEFT JOIN divisions sd ON sd.code = s.division LEFT JOIN divisions ud ON ud.code = u.division ORDER BY w.place",
    )
    .bind::<Array<SqlUuid>, _>(units)
    .bind::<Array<Nullable<SqlUuid>>, _>(sites)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<Text>, _>(categories)
    .bind::<Date, _>(day)
    .load(conn)
    .await?)
}

/// Whether a contingency plan of the site is in force.
pub async fn has_contingency_plan(conn: &mut AsyncPgConnection, site: Uuid, day: NaiveDate) -> Result<bool, Problem> {
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM papers WHERE site_id = $1 AND kind = 'contingency_plan' AND issued_on <= $2 \
         AND (valid_to IS NULL OR valid_to >= $2) AND (retired_on IS NULL OR retired_on > $2)) AS yes")
    .bind::<SqlUuid, _>(site)
    .bind::<Date, _>(day)
    .load(conn)
    .await?
    .pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// A filing of a plan.
pub struct NewRevision<'a> {
    pub revision: i32,
    pub class: Option<ManagementClass>,
    pub reason: Option<&'a str>,
    pub tables: &'a Value,
    pub bytes: &'a [u8],
    pub content_hash: &'a [u8; 32],
    pub is_late: bool,
}

/// Keeps a filing and makes it the plan in force.
pub async fn insert_revision(conn: &mut AsyncPgConnection, id: Uuid, new: &NewRevision<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO plan_revisions (plan_id, revision, management_class, reason, bytes, content_hash, filed_at, is_late) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind::<SqlUuid, _>(id)
    .bind::<Integer, _>(new.revision)
    .bind::<Nullable<Text>, _>(new.class.map(ManagementClass::as_str))
    .bind::<Nullable<Text>, _>(new.reason)
    .bind::<Binary, _>(new.bytes)
    .bind::<Binary, _>(&new.content_hash[..])
    .bind::<Timestamptz, _>(now)
    .bind::<Bool, _>(new.is_late)
    .execute(&mut *conn)
    .await?;
    // Late is the first filing of a year; a change is made when there is something to change.
    Sql("UPDATE plans SET state = 'sent', revision = $2, tables = $3, filed_at = $4, is_late = is_late OR $5, official_filing_no = NULL, \
         updated_at = $4 WHERE id = $1")
    .bind::<SqlUuid, _>(id)
    .bind::<Integer, _>(new.revision)
    .bind::<Jsonb, _>(new.tables)
    .bind::<Timestamptz, _>(now)
    .bind::<Bool, _>(new.is_late)
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the flows of a site's year those of its plan: a way keeps its flow and so its account, a new one gets a flow, and one
/// that the plan leaves out is withdrawn.
pub async fn set_flows(
    conn: &mut AsyncPgConnection,
    plan: &StoredPlan,
    rows: &[TransferRow],
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let kept: Vec<Row> = Sql("INSERT INTO plan_flows AS f (id, site_id, unit_id, year, code, receiver_id, receiver_site_id, method, planned_g, plan_id, created_at) \
         SELECT w.id, $2, $3, $4, w.code, w.receiver, w.site, w.method, w.g, $1, $5 \
         FROM unnest($6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::text[], $11::bigint[]) AS w (id, code, receiver, site, method, g) \
         ON CONFLICT (site_id, year, receiver_id, code, method) DO UPDATE SET receiver_site_id = excluded.receiver_site_id, planned_g = excluded.planned_g, \
         plan_id = excluded.plan_id, withdrawn_at = NULL RETURNING f.id")
    .bind::<SqlUuid, _>(plan.id)
    .bind::<SqlUuid, _>(plan.site_id)
    .bind::<SqlUuid, _>(plan.unit_id)
    .bind::<Integer, _>(plan.year)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.code.to_string()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.receiver_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.receiver_site_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.method.to_string()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.planned_g.get()).collect::<Vec<_>>())
    .load(&mut *conn)
    .await?;
    let kept: Vec<Uuid> = kept.into_iter().map(|row| row.id).collect();
    Sql("UPDATE plan_flows SET withdrawn_at = $4 WHERE site_id = $1 AND year = $2 AND withdrawn_at IS NULL AND id <> ALL($3)")
        .bind::<SqlUuid, _>(plan.site_id)
        .bind::<Integer, _>(plan.year)
        .bind::<Array<SqlUuid>, _>(&kept)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(kept)
}

/// Notes the authority's number of a filing; false where it has one.
pub async fn acknowledge(conn: &mut AsyncPgConnection, plan: &StoredPlan, number: &str, by: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count = Sql("INSERT INTO plan_acknowledgements (plan_id, revision, official_filing_no, by_unit, made_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(plan.id)
    .bind::<Integer, _>(plan.revision)
    .bind::<Text, _>(number)
    .bind::<SqlUuid, _>(by)
    .bind::<Timestamptz, _>(now)
    .execute(&mut *conn)
    .await?;
    if count == 0 {
        return Ok(false);
    }
    Sql("UPDATE plans SET state = 'acknowledged', official_filing_no = $2, updated_at = $3 WHERE id = $1")
        .bind::<SqlUuid, _>(plan.id)
        .bind::<Text, _>(number)
        .bind::<Timestamptz, _>(now)
        .execute(&mut *conn)
        .await?;
    Sql("UPDATE plan_flows SET filing_no = $2 WHERE plan_id = $1 AND withdrawn_at IS NULL")
        .bind::<SqlUuid, _>(plan.id)
        .bind::<Text, _>(number)
        .execute(conn)
        .await?;
    Ok(true)
}

/// Keeps what an officer says of a plan.
pub async fn insert_comment(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    plan: &StoredPlan,
    by: Uuid,
    comment: &Words<2, 2_000>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO plan_comments (id, plan_id, revision, by_unit, comment, made_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(plan.id)
        .bind::<Integer, _>(plan.revision)
        .bind::<SqlUuid, _>(by)
        .bind::<Text, _>(comment.as_str())
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A plan in a list.
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Plan {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = Text)]
    site_name: String,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = Integer)]
    year: i32,
    /// `prepared`: a draft; `sent`: filed and in force; `acknowledged`: the authority gave its number.
    #[diesel(sql_type = Text)]
    state: String,
    /// How often it was filed.
    #[diesel(sql_type = Integer)]
    revision: i32,
    /// Last day on which filing is in time.
    #[diesel(sql_type = Date)]
    due_on: NaiveDate,
    /// First filed after that day.
    #[diesel(sql_type = Bool)]
    is_late: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    filed_at: Option<DateTime<Utc>>,
    /// 备案编号 of the revision in force; none until the authority gave it.
    #[diesel(sql_type = Nullable<Text>)]
    official_filing_no: Option<String>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

// A draft is nobody's business but its unit's. The day in March is `YEARLY_DUE`.
pub const PLANS: Sql = scoped_sql!(
    "SELECT x.id, x.site_id, s.name AS site_name, x.unit_id, u.name AS unit_name, x.year, x.state, x.revision, make_date(x.year, 3, 31) AS due_on, \
     x.is_late, x.filed_at, x.official_filing_no, coalesce(v.version, x.draft_version) AS version FROM plans x JOIN sites s ON s.id = x.site_id \
     JOIN units u ON u.id = x.unit_id LEFT JOIN streams v ON v.subject_id = x.id",
    "CASE WHEN x.state <> 'prepared' THEN s.division END",
    mine "x.unit_id = $1",
    filter "x.unit_id = $3"
);

shown!(Plan);

/// Filings, numbers and comments of a plan, as one document.
pub async fn history(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Value, Problem> {
    let row: Option<TextRow> = Sql("SELECT json_build_object( \
         'revisions', coalesce((SELECT json_agg(json_build_object('revision', r.revision, 'management_class', r.management_class, 'reason', r.reason, \
           'filed_at', r.filed_at, 'is_late', r.is_late, 'content_hash', encode(r.content_hash, 'hex'), 'official_filing_no', a.official_filing_no, \
           'acknowledged_at', a.made_at) ORDER BY r.revision DESC) \
           FROM plan_revisions r LEFT JOIN plan_acknowledgements a USING (plan_id, revision) WHERE r.plan_id = $1), '[]'), \
         'comments', coalesce((SELECT json_agg(json_build_object('revision', c.revision, 'by', u.name, 'comment', c.comment, 'made_at', c.made_at) \
           ORDER BY c.id DESC) FROM plan_comments c JOIN units u ON u.id = c.by_unit WHERE c.plan_id = $1), '[]'))::text AS doc")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop();
    row.map_or(Ok(Value::Null), |row| serde_json::from_str(&row.doc).map_err(|error| Problem::internal(&error)))
}

/// A filing as it was sealed.
pub async fn sealed(conn: &mut AsyncPgConnection, id: Uuid, revision: i32) -> Result<Option<Value>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        bytes: Vec<u8>,
    }
    let row: Option<Row> = Sql("SELECT bytes FROM plan_revisions WHERE plan_id = $1 AND revision = $2")
        .bind::<SqlUuid, _>(id)
        .bind::<Integer, _>(revision)
        .load(conn)
        .await?
        .pop();
    row.map(|row| serde_json::from_slice(&row.bytes).map_err(|error| Problem::internal(&error))).transpose()
}
