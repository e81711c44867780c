//! Every query on the tables of identity; here those on units.

mod actors;
mod keys;
mod people;
mod sessions;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::domain::{Actor, UnitKind};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

pub(super) use actors::*;
pub(super) use keys::*;
pub use keys::{ApiKeyRow, DelegationRow};
pub(super) use people::*;
pub use people::{Deputy, driver_unit, phone_of};
pub(super) use sessions::*;
pub use sessions::{OwnSession, forget_old_failures};

/// A unit as stored.
#[derive(diesel::QueryableByName, Debug, Clone)]
pub struct UnitRow {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// 统一社会信用代码.
    #[diesel(sql_type = Text)]
    pub uscc: String,
    /// Name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Outside the system: a partner made it, nobody logs in for it.
    #[diesel(sql_type = Bool)]
    pub is_external: bool,
    /// ISO 3166 code of its country.
    #[diesel(sql_type = Text)]
    pub country: String,
    /// The partner that recorded it, for a unit outside the system.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub recorded_by: Option<Uuid>,
    /// Division of its seat.
    #[diesel(sql_type = Text)]
    pub division: String,
    /// Address.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// Phone.
    #[diesel(sql_type = Text)]
    pub contact_phone: String,
    /// When an officer verified it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub verified_at: Option<DateTime<Utc>>,
    /// When this claim lost to another of the same code.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
}

const UNIT_BY_ID: Sql = Sql(
    "SELECT id, uscc, name, kind, is_external, country, recorded_by, division, address, contact_phone, verified_at, ended_at FROM units WHERE id = $1",
);

/// A unit by id.
///
/// # Errors
/// As the database.
pub async fn unit_by_id(mut conn: &AsyncPgConnection, id: Uuid) -> Result<Option<UnitRow>, Problem> {
    Ok(UNIT_BY_ID.bind::<SqlUuid, _>(id).load(&mut conn).await?.pop())
}

pub(super) struct NewUnit<'a> {
    pub id: Uuid,
    pub uscc: &'a str,
    pub name: &'a str,
    pub kind: UnitKind,
    /// The partner that records it and its country, for a unit outside the system.
    pub external: Option<(Option<Uuid>, &'a str)>,
    pub division: &'a str,
    pub address: &'a str,
    pub contact_phone: &'a str,
    pub verified_at: Option<DateTime<Utc>>,
}

/// Inserts a unit; false when it is no claim and its USCC has a unit already.
pub(super) async fn insert_unit(conn: &mut AsyncPgConnection, unit: &NewUnit<'_>, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count = Sql(
        "INSERT INTO units (id, uscc, name, kind, is_external, division, address, contact_phone, verified_at, created_at, country, recorded_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (uscc) WHERE verified_at IS NOT NULL OR is_external DO NOTHING",
    )
    .bind::<SqlUuid, _>(unit.id)
    .bind::<Text, _>(unit.uscc)
    .bind::<Text, _>(unit.name)
    .bind::<Text, _>(unit.kind.as_str())
    .bind::<Bool, _>(unit.external.is_some())
    .bind::<Text, _>(unit.division)
    .bind::<Text, _>(unit.address)
    .bind::<Text, _>(unit.contact_phone)
    .bind::<Nullable<Timestamptz>, _>(unit.verified_at)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(unit.external.map_or("CN", |(_, country)| country))
    .bind::<Nullable<SqlUuid>, _>(unit.external.and_then(|(by, _)| by))
    .execute(conn)
    .await?;
    Ok(count == 1)
}

/// One of the units and claims of a USCC.
#[derive(diesel::QueryableByName, Debug)]
pub(super) struct SameUscc {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Bool)]
    pub is_external: bool,
    #[diesel(sql_type = Bool)]
    pub is_verified: bool,
}

/// Whoever gives a USCC its unit takes turns: a row that another is about to insert cannot be locked, a code can.
pub(super) async fn lock_uscc(conn: &mut AsyncPgConnection, uscc: &str) -> Result<(), Problem> {
    Sql("SELECT pg_advisory_xact_lock(hashtextextended('liandan/uscc/' || $1, 0))").bind::<Text, _>(uscc).execute(conn).await?;
    Ok(())
}

/// All living units and claims of a USCC, locked in the order of their ids: two officers take turns.
pub(super) async fn lock_same_uscc(conn: &mut AsyncPgConnection, uscc: &str) -> Result<Vec<SameUscc>, Problem> {
    Ok(Sql("SELECT id, is_external, verified_at IS NOT NULL AS is_verified FROM units WHERE uscc = $1 AND ended_at IS NULL ORDER BY id FOR UPDATE")
        .bind::<Text, _>(uscc)
        .load(conn)
        .await?)
}

/// Whether a code belongs to a unit of the system already.
pub(super) async fn is_taken(conn: &mut AsyncPgConnection, uscc: &str) -> Result<bool, Problem> {
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM units WHERE uscc = $1 AND verified_at IS NOT NULL AND NOT is_external) AS yes")
        .bind::<Text, _>(uscc)
        .load(conn)
        .await?
        .pop();
    Ok(row.is_some_and(|row| row.yes))
}

pub(super) async fn set_verified(conn: &mut AsyncPgConnection, unit: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE units SET verified_at = $2 WHERE id = $1").bind::<SqlUuid, _>(unit).bind::<Timestamptz, _>(now).execute(conn).await?;
    Ok(())
}

/// The firm itself takes the place of the unit that a partner recorded: its own facts, its people, its things.
pub(super) async fn take_over(conn: &mut AsyncPgConnection, claim: Uuid, unit: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("SELECT move_to_unit($1, $2)").bind::<SqlUuid, _>(claim).bind::<SqlUuid, _>(unit).execute(conn).await?;
    Sql("WITH c AS (UPDATE units SET ended_at = $3 WHERE id = $1 RETURNING name, kind, division, address, contact_phone) \
         UPDATE units u SET is_external = false, country = 'CN', verified_at = $3, name = c.name, kind = c.kind, division = c.division, address = c.address, \
         contact_phone = c.contact_phone FROM c WHERE u.id = $2")
    .bind::<SqlUuid, _>(claim)
    .bind::<SqlUuid, _>(unit)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends claims that lost, with the memberships and sessions in them.
pub(super) async fn end_claims(conn: &mut AsyncPgConnection, claims: &[Uuid], now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("WITH u AS (UPDATE units SET ended_at = $2 WHERE id = ANY($1) RETURNING id), \
         m AS (UPDATE memberships SET ended_at = $2 WHERE unit_id IN (SELECT id FROM u) AND ended_at IS NULL RETURNING id) \
         UPDATE sessions SET ended_at = $2, ended_because = 'claim_ended' WHERE membership_id IN (SELECT id FROM m) AND ended_at IS NULL")
    .bind::<Array<SqlUuid>, _>(claims)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_jurisdiction(conn: &mut AsyncPgConnection, unit: Uuid, division: &str, from: NaiveDate) -> Result<(), Problem> {
    Sql("INSERT INTO jurisdictions (unit_id, division, from_on) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(division)
        .bind::<Date, _>(from)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether a unit may have its seat in a division: any known one below the country.
pub(super) async fn may_be_seat(conn: &mut AsyncPgConnection, division: &str) -> Result<bool, Problem> {
    let row: Option<YesRow> =
        Sql("SELECT EXISTS (SELECT FROM divisions WHERE code = $1 AND level <> 'country') AS yes").bind::<Text, _>(division).load(conn).await?.pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// Whether a division lies in an officer's jurisdiction.
///
/// # Errors
/// As the database.
pub async fn officer_sees(conn: &mut AsyncPgConnection, actor: &Actor, division: &str) -> Result<bool, Problem> {
    if !actor.is_officer() {
        return Ok(false);
    }
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM division_paths p WHERE p.code = $1 AND p.ancestor = ANY($2)) AS yes")
        .bind::<Text, _>(division)
        .bind::<Array<Text>, _>(&actor.jurisdiction)
        .load(conn)
        .await?
        .pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// A unit as found, with its version.
#[derive(diesel::QueryableByName, Debug)]
pub(super) struct FoundUnit {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub uscc: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Bool)]
    pub is_external: bool,
    #[diesel(sql_type = Text)]
    pub country: String,
    #[diesel(sql_type = Bool)]
    pub is_verified: bool,
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Text)]
    pub contact_phone: String,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

pub(super) async fn found_unit(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<FoundUnit>, Problem> {
    Ok(Sql("SELECT u.id, u.uscc, u.name, u.kind, u.is_external, u.country, u.verified_at IS NOT NULL AS is_verified, u.division, u.address, u.contact_phone, s.version \
         FROM units u JOIN streams s ON s.subject_id = u.id WHERE u.id = $1")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(super) async fn find_units(conn: &mut AsyncPgConnection, q: &str) -> Result<Vec<FoundUnit>, Problem> {
    Ok(Sql("SELECT u.id, u.uscc, u.name, u.kind, u.is_external, u.country, u.verified_at IS NOT NULL AS is_verified, u.division, u.address, u.contact_phone, s.version \
         FROM units u JOIN streams s ON s.subject_id = u.id WHERE (u.uscc = $1 OR position($1 IN u.name) > 0) AND u.ended_at IS NULL \
         ORDER BY u.verified_at IS NULL, u.name, u.id LIMIT 50")
    .bind::<Text, _>(q)
    .load(conn)
    .await?)
}
