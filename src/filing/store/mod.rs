//! Every query on the tables of filing, but those that give evidence.

pub mod application;
pub mod attachment;
pub mod declaration;
pub mod plan;
pub mod record;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::domain::{ApprovalStatement, PlanFlowChange, PlanFlowStatement};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;
use crate::registry::{PaperNo, scoped_sql, shown};

/// Inserts a flow; false when the plan has it already.
pub async fn insert_plan_flow(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    flow: &PlanFlowStatement,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO plan_flows (id, site_id, unit_id, year, code, receiver_id, receiver_site_id, method, planned_g, filing_no, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(flow.site_id)
        .bind::<SqlUuid, _>(unit)
        .bind::<Integer, _>(flow.year)
        .bind::<Text, _>(flow.code.to_string())
        .bind::<SqlUuid, _>(flow.receiver_id)
        .bind::<Nullable<SqlUuid>, _>(flow.receiver_site_id)
        .bind::<Text, _>(flow.method.to_string())
        .bind::<BigInt, _>(flow.planned_g.grams().get())
        .bind::<Nullable<Text>, _>(flow.filing_no.as_ref().map(PaperNo::as_str))
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// Whose a flow is and to whom it goes.
#[derive(diesel::QueryableByName)]
pub struct FlowKey {
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub receiver_id: Uuid,
    /// The filed plan that names it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub plan_id: Option<Uuid>,
}

pub async fn flow_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<FlowKey>, Problem> {
    Ok(Sql("SELECT unit_id, receiver_id, plan_id FROM plan_flows WHERE id = $1").bind::<SqlUuid, _>(id).load(conn).await?.pop())
}

pub async fn change_plan_flow(conn: &mut AsyncPgConnection, id: Uuid, change: &PlanFlowChange) -> Result<(), Problem> {
    Sql("UPDATE plan_flows SET planned_g = $2, receiver_site_id = $3, filing_no = $4 WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<BigInt, _>(change.planned_g.grams().get())
        .bind::<Nullable<SqlUuid>, _>(change.receiver_site_id)
        .bind::<Nullable<Text>, _>(change.filing_no.as_ref().map(PaperNo::as_str))
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts an approval; false when this decision was recorded already.
pub async fn insert_approval(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    approval: &ApprovalStatement,
    valid_to: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO approvals (id, consignor_id, site_id, receiver_id, code, method, approved_g, decision_no, decided_on, applied_until, \
         licence_valid_to, valid_to, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(approval.site_id)
        .bind::<SqlUuid, _>(approval.receiver_id)
        .bind::<Text, _>(approval.code.to_string())
        .bind::<Text, _>(approval.method.to_string())
        .bind::<BigInt, _>(approval.approved_g.grams().get())
        .bind::<Text, _>(approval.decision_no.as_str())
        .bind::<Date, _>(approval.decided_on)
        .bind::<Date, _>(approval.applied_until)
        .bind::<Date, _>(approval.licence_valid_to)
        .bind::<Date, _>(valid_to)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// Whose an approval is and where its load leaves.
#[derive(diesel::QueryableByName)]
pub struct ApprovalKey {
    #[diesel(sql_type = SqlUuid)]
    pub consignor_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub receiver_id: Uuid,
    #[diesel(sql_type = Text)]
    pub division: String,
}

pub async fn approval_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<ApprovalKey>, Problem> {
    Ok(Sql("SELECT a.consignor_id, a.receiver_id, s.division FROM approvals a JOIN sites s ON s.id = a.site_id WHERE a.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?
        .pop())
}

/// Marks an approval as verified; false when it was already.
pub async fn verify_approval(conn: &mut AsyncPgConnection, id: Uuid, by: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count = Sql("UPDATE approvals SET verified_at = $2, verified_by = $3 WHERE id = $1 AND verified_at IS NULL")
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(by)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// A flow of a plan (管理计划的转移流向).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct PlanFlow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Integer)]
    year: i32,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = SqlUuid)]
    receiver_id: Uuid,
    #[diesel(sql_type = Text)]
    receiver_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    receiver_site_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = BigInt)]
    planned_g: i64,
    #[diesel(sql_type = Nullable<Text>)]
    filing_no: Option<String>,
    /// The filed plan that names it; such a flow is changed with its plan.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    plan_id: Option<Uuid>,
    /// Since when a later filing leaves it out.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    withdrawn_at: Option<DateTime<Utc>>,
    /// For `If-Match`; 0 for a flow that came with a filed plan.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const PLAN_FLOWS: Sql = scoped_sql!(
    "SELECT x.id, x.site_id, x.unit_id, x.year, x.code, x.receiver_id, r.name AS receiver_name, x.receiver_site_id, x.method, x.planned_g, \
     x.filing_no, x.plan_id, x.withdrawn_at, coalesce(v.version, 0) AS version FROM plan_flows x JOIN sites s ON s.id = x.site_id \
     JOIN units r ON r.id = x.receiver_id LEFT JOIN streams v ON v.subject_id = x.id",
    "s.division",
    mine "x.unit_id = $1 OR x.receiver_id = $1",
    filter "x.unit_id = $3 OR x.receiver_id = $3"
);

/// An approval for another province (跨省转移批准).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Approval {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    consignor_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    receiver_id: Uuid,
    #[diesel(sql_type = Text)]
    receiver_name: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = BigInt)]
    approved_g: i64,
    #[diesel(sql_type = Text)]
    decision_no: String,
    #[diesel(sql_type = Date)]
    decided_on: NaiveDate,
    #[diesel(sql_type = Date)]
    applied_until: NaiveDate,
    #[diesel(sql_type = Date)]
    licence_valid_to: NaiveDate,
    /// The first of twelve months, the period applied for and the receiver's licence.
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
    /// When an officer verified it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    verified_at: Option<DateTime<Utc>>,
    /// Papers by their hash.
    #[diesel(sql_type = Jsonb)]
    attachments: Value,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const APPROVALS: Sql = scoped_sql!(
    "SELECT x.id, x.consignor_id, x.site_id, x.receiver_id, r.name AS receiver_name, x.code, x.method, x.approved_g, x.decision_no, x.decided_on, \
     x.applied_until, x.licence_valid_to, x.valid_to, x.verified_at, \
     coalesce((SELECT jsonb_agg(encode(f.sha256, 'hex') ORDER BY f.sha256) FROM attachment_uses f WHERE f.subject_id = x.id), '[]') AS attachments, \
     v.version FROM approvals x JOIN sites s ON s.id = x.site_id \
     JOIN units r ON r.id = x.receiver_id JOIN streams v ON v.subject_id = x.id",
    "s.division",
    mine "x.consignor_id = $1 OR x.receiver_id = $1",
    filter "x.consignor_id = $3 OR x.receiver_id = $3"
);

shown!(PlanFlow, Approval);

/// The version of a thing with a chain; 0 without one.
pub async fn version_of(conn: &mut AsyncPgConnection, subject: Uuid) -> Result<i64, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let row: Option<Row> = Sql("SELECT version FROM streams WHERE subject_id = $1").bind::<SqlUuid, _>(subject).load(conn).await?.pop();
    Ok(row.map_or(0, |row| row.version))
}
