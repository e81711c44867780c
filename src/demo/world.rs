//! What a database is to the demonstration: nobody's, its own and finished, its own and broken off, or another's.
//!
//! The mark lies in a schema of its own, made before anything else and finished after everything else, so a start that was
//! broken off at any point is seen.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::platform::db::Sql;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// No table at all.
    Empty,
    /// A demonstration, finished.
    Finished(Made),
    /// A demonstration whose building was broken off.
    BrokenOff,
    /// Something else.
    Foreign,
}

/// What a world was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Seed.
    pub seed: u64,
    /// Day.
    pub as_of: NaiveDate,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Bool)]
    is_marked: bool,
    #[diesel(sql_type = BigInt)]
    others: i64,
}

#[derive(diesel::QueryableByName)]
struct WorldRow {
    #[diesel(sql_type = BigInt)]
    seed: i64,
    #[diesel(sql_type = Date)]
    as_of: NaiveDate,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
}

/// Looks at a database, as its owner, without changing it.
///
/// # Errors
/// As the database.
pub async fn look(conn: &mut AsyncPgConnection) -> Result<Found, diesel::result::Error> {
    let rows: Vec<CountRow> = Sql("SELECT to_regclass('liandan_demo.world') IS NOT NULL AS is_marked, \
         (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'liandan_demo') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%') AS others")
    .load(conn)
    .await?;
    if let Some(row) = rows.into_iter().next()
        && !row.is_marked
    {
        return Ok(if row.others == 0 { Found::Empty } else { Found::Foreign });
    }
    let rows: Vec<WorldRow> = Sql("SELECT seed, as_of, finished_at FROM liandan_demo.world").load(conn).await?;
    Ok(match rows.into_iter().next() {
        Some(row) if row.finished_at.is_some() => Found::Finished(Made { seed: row.seed.cast_unsigned(), as_of: row.as_of }),
        _ => Found::BrokenOff,
    })
}

/// Marks an empty database as the demonstration's, before anything is made.
///
/// # Errors
/// As the database.
pub async fn begin(conn: &mut AsyncPgConnection, made: Made, now: DateTime<Utc>) -> Result<(), diesel::result::Error> {
    conn.batch_execute(
        "CREATE SCHEMA IF NOT EXISTS liandan_demo; \
         CREATE TABLE IF NOT EXISTS liandan_demo.world (only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT world_has_one_row CHECK (only_row), \
            seed bigint NOT NULL, as_of date NOT NULL, started_at timestamptz NOT NULL, finished_at timestamptz); \
         DELETE FROM liandan_demo.world",
    )
    .await?;
    Sql("INSERT INTO liandan_demo.world (seed, as_of, started_at) VALUES ($1, $2, $3)")
        .bind::<BigInt, _>(made.seed.cast_signed())
        .bind::<Date, _>(made.as_of)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Marks the world as finished: the last statement of its building.
///
/// # Errors
/// As the database.
pub async fn finish(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<(), diesel::result::Error> {
    Sql("UPDATE liandan_demo.world SET finished_at = $1").bind::<Timestamptz, _>(now).execute(conn).await?;
    Ok(())
}

/// An account of the demonstration.
#[derive(Debug, Clone, diesel::QueryableByName, serde::Serialize)]
pub struct Account {
    /// Roles, by comma.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Login.
    #[diesel(sql_type = Text)]
    pub login: String,
    /// Name of the unit.
    #[diesel(sql_type = Text)]
    pub unit: String,
}

/// Every account, by login.
///
/// # Errors
/// As the database.
pub async fn accounts(conn: &mut AsyncPgConnection) -> Result<Vec<Account>, diesel::result::Error> {
    Sql("SELECT array_to_string(m.roles, ', ') AS role, u.login, n.name AS unit FROM users u JOIN memberships m ON m.user_id = u.id \
         JOIN units n ON n.id = m.unit_id WHERE m.ended_at IS NULL ORDER BY u.login")
    .load(conn)
    .await
}

/// How much there is, for the sentence at the start.
#[derive(Debug, diesel::QueryableByName)]
pub struct Size {
    /// Units.
    #[diesel(sql_type = BigInt)]
    pub units: i64,
    /// Manifests.
    #[diesel(sql_type = BigInt)]
    pub manifests: i64,
    /// Acts.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
}

/// Counts.
///
/// # Errors
/// As the database.
pub async fn size(conn: &mut AsyncPgConnection) -> Result<Option<Size>, diesel::result::Error> {
    let rows: Vec<Size> = Sql("SELECT (SELECT count(*) FROM units) AS units, (SELECT count(*) FROM manifests) AS manifests, \
         (SELECT count(*) FROM events) AS events")
    .load(conn)
    .await?;
    Ok(rows.into_iter().next())
}
