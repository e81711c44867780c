//! Every query on the tables of the registry.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::domain::{
    CarrierPermitStatement, CertificateStatement, ClosureStatement, ContractStatement, ExemptStatement, FacilityStatement, LicenceStatement,
    ManagementClass, ScopeLine, SiteStatement, VehicleStatement, WithdrawalKind, Words,
};
use crate::platform::db::Sql;
use crate::platform::mass::{Grams, MassInput};
use crate::platform::problem::{Kind, Problem, kinds};

mod lists;

pub use lists::*;

/// An optional text as the database takes it.
fn opt<const MIN: usize, const MAX: usize>(words: Option<&Words<MIN, MAX>>) -> Option<&str> {
    words.map(Words::as_str)
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn grams(mass: Option<MassInput>) -> Option<i64> {
    mass.map(|mass| mass.grams().get())
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether a person has a membership in a unit now.
pub async fn is_member(conn: &mut AsyncPgConnection, user: Uuid, unit: Uuid) -> Result<bool, Problem> {
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND unit_id = $2 AND ended_at IS NULL) AS yes")
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(unit)
        .load(conn)
        .await?
        .pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// Whose a site is and where.
#[derive(diesel::QueryableByName)]
pub struct SiteKey {
    /// Its unit.
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    /// Its division.
    #[diesel(sql_type = Text)]
    pub division: String,
}

/// Whose a site is and where.
pub async fn site_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<SiteKey>, Problem> {
    Ok(Sql("SELECT unit_id, division FROM sites WHERE id = $1").bind::<SqlUuid, _>(id).load(conn).await?.pop())
}

pub async fn insert_site(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    site: &SiteStatement,
    class: Option<ManagementClass>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO sites (id, name, division, address, contact_phone, lon_e7, lat_e7, industry, permit_no, eia_no, yearly, eia_g, permit_g, \
         is_long_cycle, own_facility, class_by_figures, unit_id, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)")
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(site.name.as_str())
    .bind::<Text, _>(site.division.as_str())
    .bind::<Text, _>(site.address.as_str())
    .bind::<Nullable<Text>, _>(opt(site.contact_phone.as_ref()))
    .bind::<Nullable<Integer>, _>(site.lon_e7)
    .bind::<Nullable<Integer>, _>(site.lat_e7)
    .bind::<Nullable<Text>, _>(opt(site.industry.as_ref()))
    .bind::<Nullable<Text>, _>(opt(site.permit_no.as_ref()))
    .bind::<Nullable<Text>, _>(opt(site.eia_no.as_ref()))
    .bind::<Jsonb, _>(serde_json::json!(site.years()))
    .bind::<Nullable<BigInt>, _>(grams(site.eia_g))
    .bind::<Nullable<BigInt>, _>(grams(site.permit_g))
    .bind::<Bool, _>(site.is_long_cycle)
    .bind::<Bool, _>(site.own_facility)
    .bind::<Nullable<Text>, _>(class.map(ManagementClass::as_str))
    .bind::<SqlUuid, _>(unit)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update_site(conn: &mut AsyncPgConnection, id: Uuid, site: &SiteStatement, class: Option<ManagementClass>) -> Result<(), Problem> {
    Sql("UPDATE sites SET name = $2, division = $3, address = $4, contact_phone = $5, lon_e7 = $6, lat_e7 = $7, industry = $8, permit_no = $9, \
         eia_no = $10, yearly = $11, eia_g = $12, permit_g = $13, is_long_cycle = $14, own_facility = $15, class_by_figures = $16 WHERE id = $1")
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(site.name.as_str())
    .bind::<Text, _>(site.division.as_str())
    .bind::<Text, _>(site.address.as_str())
    .bind::<Nullable<Text>, _>(opt(site.contact_phone.as_ref()))
    .bind::<Nullable<Integer>, _>(site.lon_e7)
    .bind::<Nullable<Integer>, _>(site.lat_e7)
    .bind::<Nullable<Text>, _>(opt(site.industry.as_ref()))
    .bind::<Nullable<Text>, _>(opt(site.permit_no.as_ref()))
    .bind::<Nullable<Text>, _>(opt(site.eia_no.as_ref()))
    .bind::<Jsonb, _>(serde_json::json!(site.years()))
    .bind::<Nullable<BigInt>, _>(grams(site.eia_g))
    .bind::<Nullable<BigInt>, _>(grams(site.permit_g))
    .bind::<Bool, _>(site.is_long_cycle)
    .bind::<Bool, _>(site.own_facility)
    .bind::<Nullable<Text>, _>(class.map(ManagementClass::as_str))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn decide_class(conn: &mut AsyncPgConnection, id: Uuid, class: ManagementClass, reason: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE sites SET decided_class = $2, decided_reason = $3, decided_at = $4 WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(class.as_str())
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts a facility; false when the site has one with this code.
pub async fn insert_facility(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    site: Uuid,
    facility: &FacilityStatement,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count = Sql("INSERT INTO facilities (id, site_id, code, name, kind, capacity_g, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (site_id, code) DO NOTHING")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(site)
    .bind::<Text, _>(facility.code.as_str())
    .bind::<Text, _>(facility.name.as_str())
    .bind::<Text, _>(facility.kind.as_str())
    .bind::<Nullable<BigInt>, _>(grams(facility.capacity_g))
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(count == 1)
}

pub async fn insert_closure(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    site: Uuid,
    closure: &ClosureStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO closures (id, site_id, from_on, until_on, reason, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(site)
        .bind::<Date, _>(closure.from_on)
        .bind::<Nullable<Date>, _>(closure.until_on)
        .bind::<Text, _>(closure.reason.as_str())
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whose a closure is and when it began.
#[derive(diesel::QueryableByName)]
pub struct ClosureKey {
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Date)]
    pub from_on: NaiveDate,
}

pub async fn closure_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<ClosureKey>, Problem> {
    Ok(Sql("SELECT s.unit_id, c.from_on FROM closures c JOIN sites s ON s.id = c.site_id WHERE c.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?
        .pop())
}

pub async fn end_closure(conn: &mut AsyncPgConnection, id: Uuid, until: NaiveDate) -> Result<(), Problem> {
    Sql("UPDATE closures SET until_on = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Date, _>(until).execute(conn).await?;
    Ok(())
}

pub async fn insert_licence(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    licence: &LicenceStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO licences (id, unit_id, site_id, number, kind, issuer, issued_on, valid_from, valid_to, created_at, claim_source) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(unit)
    .bind::<SqlUuid, _>(licence.site_id)
    .bind::<Text, _>(licence.number.as_str())
    .bind::<Text, _>(licence.kind.as_str())
    .bind::<Text, _>(licence.issuer.as_str())
    .bind::<Date, _>(licence.issued_on)
    .bind::<Date, _>(licence.valid_from)
    .bind::<Date, _>(licence.valid_to)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Text>, _>(opt(licence.source.as_ref()))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_licence_line(conn: &mut AsyncPgConnection, id: Uuid, licence: Uuid, line_no: i32, line: &ScopeLine) -> Result<(), Problem> {
    Sql("INSERT INTO licence_lines (id, licence_id, line_no, codes, categories, methods, year_g) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(licence)
        .bind::<Integer, _>(line_no)
        .bind::<Array<Text>, _>(texts(&line.codes))
        .bind::<Array<Text>, _>(texts(&line.categories))
        .bind::<Array<Text>, _>(texts(&line.methods))
        .bind::<BigInt, _>(Grams::from(line.year_g).get())
        .execute(conn)
        .await?;
    Ok(())
}

/// Where a licence's site lies, and whether it counts.
#[derive(diesel::QueryableByName)]
pub struct LicenceKey {
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Bool)]
    pub is_verified: bool,
}

pub async fn licence_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<LicenceKey>, Problem> {
    Ok(Sql("SELECT s.division, l.verified_at IS NOT NULL AS is_verified FROM licences l JOIN sites s ON s.id = l.site_id WHERE l.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?
        .pop())
}

/// Marks a licence verified; false where it, or another entry of the same paper, is already.
pub async fn verify_licence(conn: &mut AsyncPgConnection, id: Uuid, by: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count = Sql("UPDATE licences l SET verified_at = $3, verified_by = $2 WHERE l.id = $1 AND l.verified_at IS NULL")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await;
    unique(count)
}

/// Whether a row was written; false where a unique index says that it is there already.
fn unique(count: diesel::QueryResult<usize>) -> Result<bool, Problem> {
    use diesel::result::{DatabaseErrorKind, Error};
    match count {
        Ok(count) => Ok(count == 1),
        // The transaction is of no more use, which is right: the act refuses.
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub async fn insert_withdrawal(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    licence: Uuid,
    kind: WithdrawalKind,
    from: NaiveDate,
    until: Option<NaiveDate>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO licence_withdrawals (id, licence_id, kind, from_on, until_on, reason, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(licence)
        .bind::<Text, _>(kind.as_str())
        .bind::<Date, _>(from)
        .bind::<Nullable<Date>, _>(until)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn insert_exempt_receiver(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    exempt: &ExemptStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let stages: Vec<&str> = exempt.stages.iter().map(|stage| stage.as_str()).collect();
    Sql(
        "INSERT INTO exempt_receivers (id, unit_id, stages, exemption_seq, codes, categories, condition, evidence, valid_from, valid_to, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(unit)
    .bind::<Array<Text>, _>(stages)
    .bind::<Integer, _>(exempt.exemption_seq)
    .bind::<Array<Text>, _>(texts(&exempt.codes))
    .bind::<Array<Text>, _>(texts(&exempt.categories))
    .bind::<Text, _>(exempt.condition.as_str())
    .bind::<Text, _>(exempt.evidence.as_str())
    .bind::<Date, _>(exempt.valid_from)
    .bind::<Date, _>(exempt.valid_to)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct UnitIdRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
}

pub async fn exempt_receiver_owner(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Uuid>, Problem> {
    let row: Option<UnitIdRow> = Sql("SELECT unit_id FROM exempt_receivers WHERE id = $1").bind::<SqlUuid, _>(id).load(conn).await?.pop();
    Ok(row.map(|row| row.unit_id))
}

pub async fn verify_exempt_receiver(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    Ok(Sql("UPDATE exempt_receivers SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL")
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?
        == 1)
}

/// Inserts a vehicle; false when the unit has one with this plate in use.
pub async fn insert_vehicle(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    vehicle: &VehicleStatement,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO vehicles (id, plate, kind, permit_no, permit_classes, permit_valid_to, rated_load_g, gb19217, unit_id, created_at, claim_source) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING")
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(vehicle.plate.as_str())
        .bind::<Text, _>(vehicle.kind.as_str())
        .bind::<Text, _>(vehicle.permit_no.as_str())
        .bind::<Array<Text>, _>(texts(&vehicle.permit_classes))
        .bind::<Date, _>(vehicle.permit_valid_to)
        .bind::<BigInt, _>(vehicle.rated_load_g.grams().get())
        .bind::<Bool, _>(vehicle.gb19217)
        .bind::<SqlUuid, _>(unit)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Text>, _>(opt(vehicle.source.as_ref()))
        .execute(conn)
        .await?;
    Ok(count == 1)
}

/// Changes a vehicle; false when the unit has another one with this plate in use.
pub async fn update_vehicle(conn: &mut AsyncPgConnection, id: Uuid, vehicle: &VehicleStatement) -> Result<bool, Problem> {
    let count = Sql("UPDATE vehicles SET plate = $2, kind = $3, permit_no = $4, permit_classes = $5, permit_valid_to = $6, rated_load_g = $7, \
         gb19217 = $8, claim_source = $9 WHERE id = $1")
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(vehicle.plate.as_str())
    .bind::<Text, _>(vehicle.kind.as_str())
    .bind::<Text, _>(vehicle.permit_no.as_str())
    .bind::<Array<Text>, _>(texts(&vehicle.permit_classes))
    .bind::<Date, _>(vehicle.permit_valid_to)
    .bind::<BigInt, _>(vehicle.rated_load_g.grams().get())
    .bind::<Bool, _>(vehicle.gb19217)
    .bind::<Nullable<Text>, _>(opt(vehicle.source.as_ref()))
    .execute(conn)
    .await;
    unique(count)
}

pub async fn insert_certificate(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    certificate: &CertificateStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO certificates (id, unit_id, user_id, name, kind, number, classes, valid_to, created_at, claim_source) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(unit)
    .bind::<Nullable<SqlUuid>, _>(certificate.user_id)
    .bind::<Nullable<Text>, _>(opt(certificate.name.as_ref()))
    .bind::<Text, _>(certificate.kind.as_str())
    .bind::<Text, _>(certificate.number.as_str())
    .bind::<Array<Text>, _>(texts(&certificate.classes))
    .bind::<Date, _>(certificate.valid_to)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Text>, _>(opt(certificate.source.as_ref()))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_carrier_permit(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    permit: &CarrierPermitStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO carrier_permits (id, unit_id, number, classes, is_dangerous_goods, valid_to, created_at, claim_source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(permit.number.as_str())
        .bind::<Array<Text>, _>(texts(&permit.classes))
        .bind::<Bool, _>(permit.is_dangerous_goods)
        .bind::<Date, _>(permit.valid_to)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Text>, _>(opt(permit.source.as_ref()))
        .execute(conn)
        .await?;
    Ok(())
}

/// What is owned by one unit and can be taken out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    Vehicle,
    Certificate,
    CarrierPermit,
}

impl Owned {
    /// What somebody else gets: a person's papers are hidden, the others everybody may check.
    pub const fn outsider(self) -> &'static Kind {
        match self {
            Self::Certificate => &kinds::NOT_FOUND,
            Self::Vehicle | Self::CarrierPermit => &kinds::FORBIDDEN,
        }
    }
}

/// Whose it is, and since when it is out of use.
#[derive(diesel::QueryableByName)]
pub struct OwnedRow {
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Nullable<Date>)]
    pub retired_on: Option<NaiveDate>,
}

pub async fn owned(conn: &mut AsyncPgConnection, what: Owned, id: Uuid) -> Result<Option<OwnedRow>, Problem> {
    let sql = match what {
        Owned::Vehicle => Sql("SELECT unit_id, retired_on FROM vehicles WHERE id = $1"),
        Owned::Certificate => Sql("SELECT unit_id, retired_on FROM certificates WHERE id = $1"),
        Owned::CarrierPermit => Sql("SELECT unit_id, retired_on FROM carrier_permits WHERE id = $1"),
    };
    Ok(sql.bind::<SqlUuid, _>(id).load(conn).await?.pop())
}

pub async fn retire(conn: &mut AsyncPgConnection, what: Owned, id: Uuid, day: NaiveDate) -> Result<(), Problem> {
    let sql = match what {
        Owned::Vehicle => Sql("UPDATE vehicles SET retired_on = $2 WHERE id = $1"),
        Owned::Certificate => Sql("UPDATE certificates SET retired_on = $2 WHERE id = $1"),
        Owned::CarrierPermit => Sql("UPDATE carrier_permits SET retired_on = $2 WHERE id = $1"),
    };
    sql.bind::<SqlUuid, _>(id).bind::<Date, _>(day).execute(conn).await?;
    Ok(())
}

pub async fn insert_contract(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    by: Uuid,
    contract: &ContractStatement,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO contracts (id, consignor_id, other_id, number, from_on, until_on, recorded_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(contract.consignor_id)
    .bind::<SqlUuid, _>(contract.other_id)
    .bind::<Text, _>(contract.number.as_str())
    .bind::<Date, _>(contract.from_on)
    .bind::<Date, _>(contract.until_on)
    .bind::<SqlUuid, _>(by)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// The parties and days of a contract.
#[derive(diesel::QueryableByName)]
pub struct ContractKey {
    #[diesel(sql_type = SqlUuid)]
    pub consignor_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub other_id: Uuid,
    #[diesel(sql_type = Date)]
    pub from_on: NaiveDate,
    #[diesel(sql_type = Date)]
    pub until_on: NaiveDate,
}

pub async fn contract_key(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<ContractKey>, Problem> {
    Ok(Sql("SELECT consignor_id, other_id, from_on, until_on FROM contracts WHERE id = $1").bind::<SqlUuid, _>(id).load(conn).await?.pop())
}

pub async fn end_contract(conn: &mut AsyncPgConnection, id: Uuid, until: NaiveDate) -> Result<(), Problem> {
    Sql("UPDATE contracts SET until_on = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Date, _>(until).execute(conn).await?;
    Ok(())
}
