//! Queries on applications for another province.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Date, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::domain::application::{ApplicationStatement, Steps};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;
use crate::registry::{scoped_sql, shown};

/// Keeps an application.
pub async fn insert(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid, new: &ApplicationStatement, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO approval_applications (id, consignor_id, site_id, receiver_id, receiver_site_id, code, method, applied_g, applied_on, wished_from, \
         wished_until, licence_valid_to, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', $13)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(new.site_id)
        .bind::<SqlUuid, _>(new.receiver_id)
        .bind::<SqlUuid, _>(new.receiver_site_id)
        .bind::<Text, _>(new.code.to_string())
        .bind::<Text, _>(new.method.to_string())
        .bind::<BigInt, _>(new.applied_g.grams().get())
        .bind::<Date, _>(new.applied_on)
        .bind::<Date, _>(new.wished_from)
        .bind::<Date, _>(new.wished_until)
        .bind::<Date, _>(new.licence_valid_to)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// An application as an act meets it.
#[derive(Debug, diesel::QueryableByName)]
pub struct StoredApplication {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub consignor_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub receiver_id: Uuid,
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub prefecture: Option<String>,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub method: String,
    #[diesel(sql_type = BigInt)]
    pub applied_g: i64,
    #[diesel(sql_type = Date)]
    pub applied_on: NaiveDate,
    #[diesel(sql_type = Date)]
    pub wished_until: NaiveDate,
    #[diesel(sql_type = Date)]
    pub licence_valid_to: NaiveDate,
    #[diesel(sql_type = Text)]
    pub state: String,
}

/// An application.
pub async fn get(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<StoredApplication>, Problem> {
    Ok(Sql("SELECT a.id, a.consignor_id, a.site_id, a.receiver_id, s.division, d.prefecture, a.code, a.method, a.applied_g, a.applied_on, a.wished_until, \
         a.licence_valid_to, a.state FROM approval_applications a JOIN sites s ON s.id = a.site_id LEFT JOIN divisions d ON d.code = s.division \
         WHERE a.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?
        .pop())
}

/// A step of an application.
pub struct NewStep<'a> {
    pub kind: &'a str,
    pub happened_on: NaiveDate,
    pub number: Option<&'a str>,
    pub says: Option<&'a str>,
    pub by: Uuid,
}

/// Keeps a step.
pub async fn insert_step(conn: &mut AsyncPgConnection, id: Uuid, application: Uuid, new: &NewStep<'_>, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO application_steps (id, application_id, kind, happened_on, number, says, by_unit, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(application)
        .bind::<Text, _>(new.kind)
        .bind::<Date, _>(new.happened_on)
        .bind::<Nullable<Text>, _>(new.number)
        .bind::<Nullable<Text>, _>(new.says)
        .bind::<SqlUuid, _>(new.by)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends an application.
pub async fn close(conn: &mut AsyncPgConnection, id: Uuid, state: &str, approval: Option<Uuid>) -> Result<(), Problem> {
    Sql("UPDATE approval_applications SET state = $2, approval_id = $3 WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(state)
        .bind::<Nullable<SqlUuid>, _>(approval)
        .execute(conn)
        .await?;
    Ok(())
}

/// The days of its steps.
pub async fn steps(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Steps, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Date)]
        happened_on: NaiveDate,
    }
    let rows: Vec<Row> =
        Sql("SELECT kind, happened_on FROM application_steps WHERE application_id = $1 ORDER BY id").bind::<SqlUuid, _>(id).load(conn).await?;
    let last = |kinds: &[&str]| rows.iter().rev().find(|row| kinds.contains(&row.kind.as_str())).map(|row| row.happened_on);
    Ok(Steps {
        noticed_on: last(&["completeness_notice"]),
        accepted_on: last(&["accepted"]),
        consulted_on: last(&["consulted"]),
        answered_on: last(&["answered"]),
        decided_on: last(&["approved", "refused"]),
    })
}

/// An application for another province (跨省转移申请).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct ApprovalApplication {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    consignor_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    receiver_id: Uuid,
    #[diesel(sql_type = Text)]
    receiver_name: String,
    #[diesel(sql_type = SqlUuid)]
    receiver_site_id: Uuid,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = BigInt)]
    applied_g: i64,
    #[diesel(sql_type = Date)]
    pub applied_on: NaiveDate,
    #[diesel(sql_type = Date)]
    wished_from: NaiveDate,
    #[diesel(sql_type = Date)]
    wished_until: NaiveDate,
    #[diesel(sql_type = Date)]
    licence_valid_to: NaiveDate,
    /// open, approved, refused or withdrawn.
    #[diesel(sql_type = Text)]
    state: String,
    /// The approval that came of it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    approval_id: Option<Uuid>,
    /// What happened, in the order of its days.
    #[diesel(sql_type = Jsonb)]
    steps: Value,
    /// Papers by their hash.
    #[diesel(sql_type = Jsonb)]
    attachments: Value,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

pub const APPLICATIONS: Sql = scoped_sql!(
    "SELECT x.id, x.consignor_id, x.site_id, x.receiver_id, r.name AS receiver_name, x.receiver_site_id, x.code, x.method, x.applied_g, x.applied_on, \
     x.wished_from, x.wished_until, x.licence_valid_to, x.state, x.approval_id, \
     coalesce((SELECT jsonb_agg(jsonb_build_object('step', t.kind, 'happened_on', t.happened_on, 'number', t.number, 'says', t.says, \
       'recorded_by', t.by_unit, 'recorded_at', t.recorded_at) ORDER BY t.happened_on, t.id) FROM application_steps t WHERE t.application_id = x.id), '[]') AS steps, \
     coalesce((SELECT jsonb_agg(encode(f.sha256, 'hex') ORDER BY f.sha256) FROM attachment_uses f WHERE f.subject_id = x.id), '[]') AS attachments, \
     v.version FROM approval_applications x JOIN sites s ON s.id = x.site_id JOIN units r ON r.id = x.receiver_id \
     JOIN streams v ON v.subject_id = x.id",
    "s.division",
    mine "x.consignor_id = $1 OR x.receiver_id = $1",
    filter "x.consignor_id = $3 OR x.receiver_id = $3"
);

shown!(ApprovalApplication);
