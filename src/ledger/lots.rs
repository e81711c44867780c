//! The mass graph (物质流图): lots and the edges that move mass between them. Append-only.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// What a lot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LotKind {
    /// A waste line that left its site.
    Released,
    /// What a receiver accepted of it.
    Received,
    /// What a receiver refused of it.
    Refused,
    /// What was used or disposed of.
    Treated,
    /// What a correction added to a lot or took from it.
    Adjusted,
}

impl LotKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Received => "received",
            Self::Refused => "refused",
            Self::Treated => "treated",
            Self::Adjusted => "adjusted",
        }
    }
}

/// A lot to be made.
#[derive(Debug, Clone)]
pub struct NewLot {
    /// Id.
    pub id: Uuid,
    /// Where the mass is.
    pub site: Option<Uuid>,
    /// The manifest under which it moves.
    pub manifest: Option<Uuid>,
    /// Its line there.
    pub line: Option<i32>,
    /// Waste code.
    pub waste_code: String,
    /// Kind.
    pub kind: LotKind,
    /// Unit: grams.
    pub mass_g: i64,
}

/// Mass that moves from one lot to another.
#[derive(Debug, Clone)]
pub struct NewEdge {
    /// Id.
    pub id: Uuid,
    /// From.
    pub from: Uuid,
    /// To.
    pub to: Uuid,
    /// Unit: grams.
    pub mass_g: i64,
    /// `accept`, `refuse`, `treat`, `move`, or `adjust` between a lot and what a correction adds or takes.
    pub kind: &'static str,
}

/// Makes lots in one statement.
///
/// # Errors
/// As the database.
pub async fn insert_lots(mut conn: &AsyncPgConnection, lots: &[NewLot], at: DateTime<Utc>) -> Result<(), Problem> {
    if lots.is_empty() {
        return Ok(());
    }
    Sql("INSERT INTO lots (id, site_id, manifest_id, line, waste_code, kind, mass_g, made_at) \
         SELECT t.id, t.site_id, t.manifest_id, t.line, t.waste_code, t.kind, t.mass_g, $8 \
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::bigint[]) AS t(id, site_id, manifest_id, line, waste_code, kind, mass_g)")
    .bind::<Array<SqlUuid>, _>(lots.iter().map(|lot| lot.id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(lots.iter().map(|lot| lot.site).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(lots.iter().map(|lot| lot.manifest).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(lots.iter().map(|lot| lot.line).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lots.iter().map(|lot| lot.waste_code.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lots.iter().map(|lot| lot.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(lots.iter().map(|lot| lot.mass_g).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(at)
    .execute(&mut conn)
    .await?;
    Ok(())
}

/// Makes edges in one statement.
///
/// # Errors
/// As the database.
pub async fn insert_edges(mut conn: &AsyncPgConnection, edges: &[NewEdge], at: DateTime<Utc>) -> Result<(), Problem> {
    if edges.is_empty() {
        return Ok(());
    }
    Sql("INSERT INTO lot_edges (id, from_id, to_id, mass_g, kind, made_at) SELECT t.id, t.from_id, t.to_id, t.mass_g, t.kind, $6 \
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[]) AS t(id, from_id, to_id, mass_g, kind)")
    .bind::<Array<SqlUuid>, _>(edges.iter().map(|edge| edge.id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(edges.iter().map(|edge| edge.from).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(edges.iter().map(|edge| edge.to).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(edges.iter().map(|edge| edge.mass_g).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(edges.iter().map(|edge| edge.kind).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(at)
    .execute(&mut conn)
    .await?;
    Ok(())
}
