//! Every query on drafts (草稿): plain documents of a unit, without events.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::platform::db::{Sql, TextRow};
use crate::platform::problem::Problem;

/// A draft with its version.
///
/// # Errors
/// As the database.
pub async fn get(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid, for_update: bool) -> Result<Option<(Value, i64)>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        document: String,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    const READ: Sql = Sql("SELECT document::text AS document, version FROM manifest_drafts WHERE id = $1 AND unit_id = $2");
    const LOCK: Sql = Sql("SELECT document::text AS document, version FROM manifest_drafts WHERE id = $1 AND unit_id = $2 FOR UPDATE");
    let row: Option<Row> = (if for_update { LOCK } else { READ }).bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(unit).load(conn).await?.pop();
    row.map(|row| Ok((serde_json::from_str(&row.document).map_err(|error| Problem::internal(&error))?, row.version))).transpose()
}

/// Writes a draft: version 1 when new, else the next one if the caller saw the present; None when it is stale or absent.
///
/// # Errors
/// As the database.
pub async fn put(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    document: &Value,
    seen: Option<i64>,
    at: DateTime<Utc>,
) -> Result<Option<i64>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let rows: Vec<Row> = match seen {
        None => {
            Sql("INSERT INTO manifest_drafts (id, unit_id, version, document, updated_at) VALUES ($1, $2, 1, $3::text::jsonb, $4) RETURNING version")
                .bind::<SqlUuid, _>(id)
                .bind::<SqlUuid, _>(unit)
                .bind::<Text, _>(document.to_string())
                .bind::<Timestamptz, _>(at)
                .load(conn)
                .await?
        }
        Some(seen) => {
            Sql("UPDATE manifest_drafts SET version = version + 1, document = $3::text::jsonb, updated_at = $4 WHERE id = $1 AND unit_id = $2 AND version = $5 RETURNING version")
                .bind::<SqlUuid, _>(id)
                .bind::<SqlUuid, _>(unit)
                .bind::<Text, _>(document.to_string())
                .bind::<Timestamptz, _>(at)
                .bind::<BigInt, _>(seen)
                .load(conn)
                .await?
        }
    };
    Ok(rows.into_iter().next().map(|row| row.version))
}

/// Makes drafts of one document, all or none: one statement.
///
/// # Errors
/// As the database.
pub async fn add(conn: &mut AsyncPgConnection, ids: &[Uuid], unit: Uuid, document: &Value, at: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO manifest_drafts (id, unit_id, version, document, updated_at) SELECT d, $2, 1, $3::text::jsonb, $4 FROM unnest($1::uuid[]) d")
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(document.to_string())
        .bind::<Timestamptz, _>(at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a draft.
///
/// # Errors
/// As the database.
pub async fn delete(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid) -> Result<bool, Problem> {
    Ok(Sql("DELETE FROM manifest_drafts WHERE id = $1 AND unit_id = $2").bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(unit).execute(conn).await? == 1)
}

/// The drafts of a unit, newest first, as one document.
///
/// # Errors
/// As the database.
pub async fn list(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<String, Problem> {
    let row: Option<TextRow> = Sql("SELECT json_build_object('drafts', coalesce(json_agg(json_build_object('id', d.id, 'version', d.version, 'document', d.document) ORDER BY d.id DESC), '[]'))::text AS doc \
         FROM (SELECT id, version, document FROM manifest_drafts WHERE unit_id = $1 ORDER BY id DESC LIMIT 500) d")
    .bind::<SqlUuid, _>(unit)
    .load(conn)
    .await?
    .pop();
    Ok(row.map_or_else(String::new, |row| row.doc))
}
