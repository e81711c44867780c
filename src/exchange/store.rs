//! Every query of this room: what stands of a unit, as its tables show it.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::kinds::{Present, Written};
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
            written: None,
            became: None,
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
            written: None,
            became: None,
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

/// Where a unit's plan lets its waste go: the named sites of its receivers, and those with a licence.
pub async fn receiver_sites(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<Choice>, Problem> {
    let rows: Vec<NamedRow> = Sql("SELECT DISTINCT s.id::text AS value, u.name || ' / ' || s.name AS label \
         FROM plan_flows f JOIN units u ON u.id = f.receiver_id JOIN sites s ON s.unit_id = u.id \
         WHERE f.unit_id = $1 AND (s.id = f.receiver_site_id OR EXISTS (SELECT FROM licences l WHERE l.site_id = s.id)) ORDER BY label, value LIMIT 2000")
    .bind::<SqlUuid, _>(unit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(Choice::from).collect())
}

/// Units with a carrier's permit; one that shares its name has its code beside it.
pub async fn carriers(conn: &mut AsyncPgConnection) -> Result<Vec<Choice>, Problem> {
    let rows: Vec<NamedRow> =
        Sql("SELECT u.id::text AS value, CASE WHEN count(*) OVER (PARTITION BY u.name) > 1 THEN u.name || '（' || u.uscc || '）' \
         ELSE u.name END AS label FROM units u WHERE u.ended_at IS NULL AND (u.verified_at IS NOT NULL OR u.is_external) \
         AND EXISTS (SELECT FROM carrier_permits p WHERE p.unit_id = u.id AND p.retired_on IS NULL) ORDER BY u.name, u.id LIMIT 2000")
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Choice::from).collect())
}

#[derive(diesel::QueryableByName)]
struct WrittenRow {
    #[diesel(sql_type = Text)]
    own_number: String,
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    #[diesel(sql_type = Binary)]
    content: Vec<u8>,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = BigInt)]
    written_version: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    version: Option<i64>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    document: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    manifest_no: Option<String>,
    #[diesel(sql_type = Bool)]
    is_issued: bool,
}

/// What a unit's rows became: drafts as they stand now, and manifests that drafts became. A draft that was thrown away is
/// nothing any more.
pub async fn written_drafts(conn: &mut AsyncPgConnection, unit: Uuid, kind: &str) -> Result<Vec<Present>, Problem> {
    let rows: Vec<WrittenRow> =
        Sql("SELECT r.ref AS own_number, r.subject_id, r.content, r.user_id, r.version AS written_version, d.version, d.document, \
         coalesce(m.official_no, m.number) AS manifest_no, m.id IS NOT NULL AS is_issued FROM import_rows r \
         LEFT JOIN manifest_drafts d ON d.id = r.subject_id AND d.unit_id = r.unit_id \
         LEFT JOIN manifests m ON m.id = r.subject_id AND m.consignor_id = r.unit_id \
         WHERE r.unit_id = $1 AND r.kind = $2 AND (d.id IS NOT NULL OR m.id IS NOT NULL) ORDER BY r.written_at DESC, r.ref LIMIT 20000")
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(kind)
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let document = row.document.unwrap_or_default();
            let lines = document["lines"].as_array().map_or(0, Vec::len);
            Present {
                id: row.subject_id,
                version: row.version.unwrap_or(row.written_version),
                values: super::kinds::draft_values(&row.own_number, &document),
                beside: values(json!({ "lines": lines })),
                written: Some(Written { by: row.user_id, version: row.written_version, content: row.content }),
                became: row.is_issued.then(|| row.manifest_no.unwrap_or_default()),
            }
        })
        .collect())
}

/// The document of a row's own number: a new one, or the one that it had.
pub async fn claim_ref(
    conn: &mut AsyncPgConnection,
    unit: Uuid,
    kind: &str,
    own_number: &str,
    subject: Uuid,
    user: Uuid,
    now: DateTime<Utc>,
) -> Result<Uuid, Problem> {
    let rows: Vec<IdRow> = Sql("INSERT INTO import_rows (unit_id, kind, ref, subject_id, content, user_id, version, written_at) \
         VALUES ($1, $2, $3, $4, sha256(''), $5, 0, $6) ON CONFLICT (unit_id, kind, ref) DO UPDATE SET written_at = excluded.written_at \
         RETURNING subject_id AS id")
    .bind::<SqlUuid, _>(unit)
    .bind::<Text, _>(kind)
    .bind::<Text, _>(own_number)
    .bind::<SqlUuid, _>(subject)
    .bind::<SqlUuid, _>(user)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?;
    rows.into_iter().next().map(|row| row.id).ok_or_else(|| Problem::broken("a row's number was not kept"))
}

/// Takes note of what a row said, and of the version that came of it.
pub async fn note_ref(
    conn: &mut AsyncPgConnection,
    unit: Uuid,
    kind: &str,
    own_number: &str,
    content: &[u8],
    user: Uuid,
    version: i64,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("UPDATE import_rows SET content = $4, user_id = $5, version = $6, written_at = $7 WHERE unit_id = $1 AND kind = $2 AND ref = $3")
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(kind)
        .bind::<Text, _>(own_number)
        .bind::<Binary, _>(content)
        .bind::<SqlUuid, _>(user)
        .bind::<BigInt, _>(version)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A manifest of ours as an export of another system is laid beside it.
#[derive(diesel::QueryableByName, Debug, Clone)]
pub struct OwnManifest {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub official_no: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub number: Option<String>,
    #[diesel(sql_type = Text)]
    pub consignor_name: String,
    #[diesel(sql_type = Text)]
    pub receiver_name: String,
    #[diesel(sql_type = Array<Text>)]
    pub codes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub plates: Vec<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub released_g: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub accepted_g: Option<i64>,
    #[diesel(sql_type = Bool)]
    pub is_void: bool,
}

/// Manifests by their numbers, among those that a unit is a party of or an authority answers for.
pub async fn manifests_by_number(
    conn: &mut AsyncPgConnection,
    numbers: &[String],
    unit: Uuid,
    jurisdiction: &[String],
) -> Result<Vec<OwnManifest>, Problem> {
    Ok(Sql("SELECT m.id, m.official_no, m.number, m.consignor_name, m.receiver_name, m.codes, m.plates, m.released_g, m.accepted_g, \
         m.voided_at IS NOT NULL AS is_void FROM manifests m \
         WHERE m.id IN (SELECT id FROM manifests WHERE official_no = ANY($1) UNION SELECT id FROM manifests WHERE number = ANY($1)) \
         AND (EXISTS (SELECT FROM manifest_parties p WHERE p.manifest_id = m.id AND p.unit_id = $2) \
         OR EXISTS (SELECT FROM manifest_places q JOIN division_paths d ON d.code = q.division WHERE q.manifest_id = m.id AND d.ancestor = ANY($3)))")
    .bind::<Array<Text>, _>(numbers)
    .bind::<SqlUuid, _>(unit)
    .bind::<Array<Text>, _>(jurisdiction)
    .load(conn)
    .await?)
}
