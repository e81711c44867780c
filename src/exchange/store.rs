//! Every query of this room: what stands of a unit, as its tables show it.

use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::kinds::Present;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;
use crate::platform::table::Choice;

#[derive(diesel::QueryableByName)]
struct NamedRow {
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Text)]
    label: String,
}

impl From<NamedRow> for Choice {
    fn from(row: NamedRow) -> Self {
        Self::same(row.value, row.label)
    }
}

/// The sites of a unit by name; one that shares its name has its address beside it.
pub async fn own_sites(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<Choice>, Problem> {
    let rows: Vec<NamedRow> =
        Sql("SELECT s.id::text AS value, CASE WHEN count(*) OVER (PARTITION BY s.name) > 1 THEN s.name || '（' || s.address || '）' \
         ELSE s.name END AS label FROM sites s WHERE s.unit_id = $1 ORDER BY s.name, s.id")
        .bind::<SqlUuid, _>(unit)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Choice::from).collect())
}

/// The methods of recovery and disposal.
pub async fn methods(conn: &mut AsyncPgConnection) -> Result<Vec<Choice>, Problem> {
    let rows: Vec<NamedRow> =
        Sql("SELECT code AS value, code || ' ' || name AS label FROM methods ORDER BY left(code, 1), substr(code, 2)::int").load(conn).await?;
    Ok(rows.into_iter().map(Choice::from).collect())
}

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The unit of a code: the one that an officer verified or a partner recorded.
pub async fn unit_of(conn: &mut AsyncPgConnection, uscc: &str) -> Result<Option<Uuid>, Problem> {
    let rows: Vec<IdRow> = Sql(
        "SELECT id FROM units WHERE uscc = $1 AND ended_at IS NULL AND (verified_at IS NOT NULL OR is_external) ORDER BY verified_at IS NULL LIMIT 1",
    )
    .bind::<Text, _>(uscc)
    .load(conn)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.id))
}

#[derive(diesel::QueryableByName)]
struct FlowRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = Integer)]
    year: i32,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    receiver_uscc: String,
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
}

/// The flows of a unit's own plans, newest year first, as many as a file may have rows.
pub async fn plan_flows(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<Present>, Problem> {
    let rows: Vec<FlowRow> =
        Sql("SELECT f.id, v.version, f.site_id, f.year, f.code, r.uscc AS receiver_uscc, r.name AS receiver_name, f.receiver_site_id, \
         f.method, f.planned_g, f.filing_no FROM plan_flows f JOIN units r ON r.id = f.receiver_id JOIN streams v ON v.subject_id = f.id \
         WHERE f.unit_id = $1 ORDER BY f.year DESC, f.code, f.id LIMIT 20000")
        .bind::<SqlUuid, _>(unit)
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Present {
            id: row.id,
            version: row.version,
            values: values(json!({
                "site_id": row.site_id, "year": row.year, "code": row.code, "receiver_uscc": row.receiver_uscc, "receiver_name": row.receiver_name,
                "method": row.method, "planned_g": row.planned_g, "filing_no": row.filing_no,
            })),
            beside: values(json!({ "receiver_site_id": row.receiver_site_id })),
        })
        .collect())
}

#[derive(diesel::QueryableByName)]
struct VehicleRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    plate: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    permit_no: String,
    #[diesel(sql_type = Array<Text>)]
    permit_classes: Vec<String>,
    #[diesel(sql_type = Date)]
    permit_valid_to: chrono::NaiveDate,
    #[diesel(sql_type = BigInt)]
    rated_load_g: i64,
    #[diesel(sql_type = Bool)]
    gb19217: bool,
}

/// A unit's own vehicles in use, as many as a file may have rows.
pub async fn vehicles(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<Present>, Problem> {
    let rows: Vec<VehicleRow> =
        Sql("SELECT x.id, v.version, x.plate, x.kind, x.permit_no, x.permit_classes, x.permit_valid_to, x.rated_load_g, x.gb19217 \
         FROM vehicles x JOIN streams v ON v.subject_id = x.id \
         WHERE x.unit_id = $1 AND x.retired_on IS NULL AND x.claim_source IS NULL ORDER BY x.plate, x.id LIMIT 20000")
        .bind::<SqlUuid, _>(unit)
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Present {
            id: row.id,
            version: row.version,
            values: values(json!({
                "plate": row.plate, "kind": row.kind, "permit_no": row.permit_no, "permit_classes": row.permit_classes,
                "permit_valid_to": row.permit_valid_to, "rated_load_g": row.rated_load_g, "gb19217": row.gb19217,
            })),
            beside: Map::new(),
        })
        .collect())
}

/// The members of an object that say something.
fn values(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}
