//! Queries on who brought a file in and what names it.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::identity::Actor;
use crate::platform::blobs::BlobHash;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Notes who brought a file in.
pub async fn insert(conn: &mut AsyncPgConnection, id: Uuid, hash: BlobHash, unit: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO attachments (id, sha256, unit_id, uploaded_at) VALUES ($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(id)
        .bind::<Binary, _>(&hash.bytes()[..])
        .bind::<SqlUuid, _>(unit)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// How much a unit brought in since an instant. Uploads of one unit wait for each other, so that none slips past the limit.
///
/// Unit: bytes.
pub async fn uploaded_since(conn: &mut AsyncPgConnection, unit: Uuid, since: DateTime<Utc>) -> Result<i64, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let key = i64::from_be_bytes(*unit.as_bytes().last_chunk().unwrap_or(&[0; 8]));
    Sql("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(key).execute(&mut *conn).await?;
    let row: Option<Row> = Sql("SELECT coalesce(sum(octet_length(b.bytes)), 0)::bigint AS bytes FROM attachments a JOIN blobs b USING (sha256) \
         WHERE a.unit_id = $1 AND a.uploaded_at > $2")
    .bind::<SqlUuid, _>(unit)
    .bind::<Timestamptz, _>(since)
    .load(conn)
    .await?
    .pop();
    Ok(row.map_or(0, |row| row.bytes))
}

#[derive(diesel::QueryableByName)]
struct SeenRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// For each hash, whether the actor may see the file: his unit brought it in, or something that he may see names it.
pub async fn may_see(conn: &mut AsyncPgConnection, actor: &Actor, hashes: &[BlobHash]) -> Result<Vec<bool>, Problem> {
    let jurisdiction: &[String] = if actor.is_officer() { &actor.jurisdiction } else { &[] };
    let rows: Vec<SeenRow> = Sql("SELECT EXISTS (SELECT FROM attachments a WHERE a.sha256 = w.sha256 AND a.unit_id = $2) \
         OR EXISTS (SELECT FROM attachment_uses u WHERE u.sha256 = w.sha256 AND ($2 = ANY(u.unit_ids) \
         OR EXISTS (SELECT FROM division_paths p WHERE p.code = u.division AND p.ancestor = ANY($3)))) AS yes \
         FROM unnest($1::bytea[]) WITH ORDINALITY AS w (sha256, place) ORDER BY w.place")
    .bind::<Array<Binary>, _>(hashes.iter().map(|hash| hash.bytes().to_vec()).collect::<Vec<_>>())
    .bind::<Nullable<SqlUuid>, _>(actor.unit_id())
    .bind::<Array<Text>, _>(jurisdiction)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.yes).collect())
}

/// What names a file.
pub struct NewUse<'a> {
    /// Kind of the thing.
    pub kind: &'a str,
    /// The thing.
    pub subject: Uuid,
    /// Its parties.
    pub units: &'a [Uuid],
    /// Whose officers see it.
    pub division: &'a str,
}

/// Notes that a thing names some files.
pub async fn insert_uses(conn: &mut AsyncPgConnection, new: &NewUse<'_>, hashes: &[BlobHash], now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO attachment_uses (sha256, subject_kind, subject_id, unit_ids, division, named_at) \
         SELECT w.sha256, $2, $3, $4, $5, $6 FROM unnest($1::bytea[]) AS w (sha256) ON CONFLICT DO NOTHING")
    .bind::<Array<Binary>, _>(hashes.iter().map(|hash| hash.bytes().to_vec()).collect::<Vec<_>>())
    .bind::<Text, _>(new.kind)
    .bind::<SqlUuid, _>(new.subject)
    .bind::<Array<SqlUuid>, _>(new.units)
    .bind::<Text, _>(new.division)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}
