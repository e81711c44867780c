//! Queries on papers, export notices and transfers of industrial solid waste.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::domain::record::{Country, ExportStatement, GeneralTransferStatement, PaperKind, PaperStatement, TransferPurpose};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;
use crate::registry::{Words, scoped_sql, shown};

/// The files that a thing `x` names.
macro_rules! with_files {
    ($select:literal, $from:literal) => {
        concat!(
            $select,
            ", coalesce((SELECT jsonb_agg(encode(f.sha256, 'hex') ORDER BY f.sha256) FROM attachment_uses f WHERE f.subject_id = x.id), '[]') AS attachments, \
             v.version ",
            $from,
            " JOIN streams v ON v.subject_id = x.id"
        )
    };
}

/// Keeps a paper.
pub async fn insert_paper(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid, new: &PaperStatement, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO papers (id, unit_id, site_id, kind, number, issuer, issued_on, valid_to, says, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(new.site_id)
        .bind::<Text, _>(new.kind.as_str())
        .bind::<Nullable<Text>, _>(new.number.as_ref().map(Words::as_str))
        .bind::<Nullable<Text>, _>(new.issuer.as_ref().map(Words::as_str))
        .bind::<Date, _>(new.issued_on)
        .bind::<Nullable<Date>, _>(new.valid_to)
        .bind::<Nullable<Text>, _>(new.says.as_ref().map(Words::as_str))
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whose a paper is and where.
#[derive(diesel::QueryableByName)]
pub struct PaperKey {
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Text)]
    pub division: String,
}

pub async fn paper_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<PaperKey>, Problem> {
    Ok(Sql("SELECT p.unit_id, s.division FROM papers p JOIN sites s ON s.id = p.site_id WHERE p.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?
        .pop())
}

/// Takes a paper out of use; false when it was already.
pub async fn retire_paper(conn: &mut AsyncPgConnection, id: Uuid, today: NaiveDate) -> Result<bool, Problem> {
    let count = Sql("UPDATE papers SET retired_on = $2 WHERE id = $1 AND retired_on IS NULL")
        .bind::<SqlUuid, _>(id)
        .bind::<Date, _>(today)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// A paper that a unit keeps beside its plan (应急、保险、培训材料).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
#[schema(as = FilingPaper)]
pub struct PaperRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = Text)]
    #[schema(value_type = PaperKind)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    issuer: Option<String>,
    #[diesel(sql_type = Date)]
    issued_on: NaiveDate,
    #[diesel(sql_type = Nullable<Date>)]
    valid_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    says: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    retired_on: Option<NaiveDate>,
    /// Within its days and not taken out of use.
    #[diesel(sql_type = Bool)]
    is_in_force: bool,
    /// Days until its last one, that one not counted; negative after it. None where it has none.
    #[diesel(sql_type = Nullable<Integer>)]
    days_left: Option<i32>,
    /// Files by their hash.
    #[diesel(sql_type = Jsonb)]
    attachments: Value,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const PAPERS: Sql = scoped_sql!(
    with_files!(
        "SELECT x.id, x.unit_id, x.site_id, x.kind, x.number, x.issuer, x.issued_on, x.valid_to, x.says, x.retired_on, \
         x.issued_on <= $7 AND coalesce(x.valid_to >= $7, true) AND coalesce(x.retired_on > $7, true) AS is_in_force, x.valid_to - $7 AS days_left",
        "FROM papers x JOIN sites s ON s.id = x.site_id"
    ),
    "s.division",
    mine "x.unit_id = $1",
    filter "x.unit_id = $3"
);

/// Keeps an export notice; false where the unit has one of this number.
pub async fn insert_export(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid, new: &ExportStatement, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO export_notices (id, unit_id, site_id, receiver_id, approval_no, notice_no, codes, importing_country, transit_countries, \
         importer, disposer, shipments, total_g, valid_from, valid_to, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(new.site_id)
        .bind::<SqlUuid, _>(new.receiver_id)
        .bind::<Text, _>(new.approval_no.as_str())
        .bind::<Text, _>(new.notice_no.as_str())
        .bind::<Array<Text>, _>(new.codes.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind::<Text, _>(new.importing_country.as_str())
        .bind::<Array<Text>, _>(new.transit_countries.iter().map(Country::as_str).collect::<Vec<_>>())
        .bind::<Text, _>(new.importer.as_str())
        .bind::<Text, _>(new.disposer.as_str())
        .bind::<Integer, _>(new.shipments)
        .bind::<BigInt, _>(new.total_g.grams().get())
        .bind::<Date, _>(new.valid_from)
        .bind::<Date, _>(new.valid_to)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// A notice that an export is approved (危险废物出口核准通知单).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct ExportNotice {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    receiver_id: Uuid,
    #[diesel(sql_type = Text)]
    receiver_name: String,
    #[diesel(sql_type = Text)]
    approval_no: String,
    #[diesel(sql_type = Text)]
    notice_no: String,
    #[diesel(sql_type = Array<Text>)]
    codes: Vec<String>,
    #[diesel(sql_type = Text)]
    importing_country: String,
    #[diesel(sql_type = Array<Text>)]
    transit_countries: Vec<String>,
    #[diesel(sql_type = Text)]
    importer: String,
    #[diesel(sql_type = Text)]
    disposer: String,
    #[diesel(sql_type = Integer)]
    shipments: i32,
    #[diesel(sql_type = BigInt)]
    total_g: i64,
    #[diesel(sql_type = Date)]
    valid_from: NaiveDate,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
    /// Files by their hash.
    #[diesel(sql_type = Jsonb)]
    attachments: Value,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const EXPORTS: Sql = scoped_sql!(
    with_files!(
        "SELECT x.id, x.unit_id, x.site_id, x.receiver_id, r.name AS receiver_name, x.approval_no, x.notice_no, x.codes, x.importing_country, \
         x.transit_countries, x.importer, x.disposer, x.shipments, x.total_g, x.valid_from, x.valid_to",
        "FROM export_notices x JOIN sites s ON s.id = x.site_id JOIN units r ON r.id = x.receiver_id"
    ),
    "s.division",
    mine "x.unit_id = $1",
    filter "x.unit_id = $3"
);

/// Keeps a transfer of industrial solid waste to another province.
pub async fn insert_general(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    new: &GeneralTransferStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO general_transfers (id, kind, consignor_id, site_id, receiver_id, code, purpose, mass_g, from_on, until_on, decision_no, decided_on, \
         told_origin_on, told_destination_on, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)")
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(new.purpose.asks_for())
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(new.site_id)
        .bind::<SqlUuid, _>(new.receiver_id)
        .bind::<Text, _>(new.code.to_string())
        .bind::<Text, _>(new.purpose.as_str())
        .bind::<BigInt, _>(new.mass_g.grams().get())
        .bind::<Date, _>(new.from_on)
        .bind::<Date, _>(new.until_on)
        .bind::<Nullable<Text>, _>(new.decision_no.as_ref().map(Words::as_str))
        .bind::<Nullable<Date>, _>(new.decided_on)
        .bind::<Nullable<Date>, _>(new.told_origin_on)
        .bind::<Nullable<Date>, _>(new.told_destination_on)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Industrial solid waste that goes to another province (一般工业固体废物跨省转移).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct GeneralTransfer {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    /// `general_approval` for storage and disposal, `general_notice` for use.
    #[diesel(sql_type = Text)]
    kind: String,
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
    #[schema(value_type = TransferPurpose)]
    purpose: String,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    #[diesel(sql_type = Date)]
    from_on: NaiveDate,
    #[diesel(sql_type = Date)]
    until_on: NaiveDate,
    #[diesel(sql_type = Nullable<Text>)]
    decision_no: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    decided_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    told_origin_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    told_destination_on: Option<NaiveDate>,
    /// Files by their hash.
    #[diesel(sql_type = Jsonb)]
    attachments: Value,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const GENERALS: Sql = scoped_sql!(
    with_files!(
        "SELECT x.id, x.kind, x.consignor_id, x.site_id, x.receiver_id, r.name AS receiver_name, x.code, x.purpose, x.mass_g, x.from_on, x.until_on, \
         x.decision_no, x.decided_on, x.told_origin_on, x.told_destination_on",
        "FROM general_transfers x JOIN sites s ON s.id = x.site_id JOIN units r ON r.id = x.receiver_id"
    ),
    "s.division",
    mine "x.consignor_id = $1 OR x.receiver_id = $1",
    filter "x.consignor_id = $3 OR x.receiver_id = $3"
);

shown!(PaperRow, ExportNotice, GeneralTransfer);
