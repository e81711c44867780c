//! Every query on the tables of evidence.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::chain::Signer;
use super::verify::KeySet;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// An event as stored.
#[derive(diesel::QueryableByName, Debug, Clone)]
pub struct StoredEvent {
    /// Id, a UUIDv7.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The subject.
    #[diesel(sql_type = SqlUuid)]
    pub subject_id: Uuid,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub subject_kind: String,
    /// Place in the chain.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The subject's version after it.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    /// The act.
    #[diesel(sql_type = Text)]
    pub act: String,
    /// Hash of the event before.
    #[diesel(sql_type = Binary)]
    pub prev_hash: Vec<u8>,
    /// Its hash.
    #[diesel(sql_type = Binary)]
    pub hash: Vec<u8>,
    /// Its bytes.
    #[diesel(sql_type = Binary)]
    pub bytes: Vec<u8>,
    /// When it was recorded.
    #[diesel(sql_type = Timestamptz)]
    pub recorded_at: DateTime<Utc>,
}

impl StoredEvent {
    /// The event's document.
    ///
    /// # Errors
    /// 500: stored bytes that are not JSON.
    pub fn document(&self) -> Result<Value, Problem> {
        serde_json::from_slice(&self.bytes).map_err(|error| Problem::internal(&error))
    }
    /// Whether this person did it, or this key in whosever name.
    pub(super) fn is_by(&self, signer: &Signer) -> bool {
        let by_key = |document: &Value| signer.api_key.is_some_and(|key| document["api_key"] == serde_json::json!(key));
        self.document().is_ok_and(|document| document["actor"] == serde_json::json!(signer.user) || by_key(&document))
    }
    /// The unit for which it was done.
    pub(super) fn unit(&self) -> Option<Uuid> {
        self.document().ok()?["unit"].as_str()?.parse().ok()
    }
}

/// Events by id, in the order of the ids (UUIDv7: the order of the acts).
pub(super) async fn events_by_id(mut conn: &AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<StoredEvent>, Problem> {
    Ok(Sql("SELECT id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at FROM events WHERE id = ANY($1) ORDER BY id")
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut conn)
        .await?)
}

/// A subject's events from a place on, oldest first.
///
/// # Errors
/// As the database.
pub async fn events_of(conn: &mut AsyncPgConnection, subject: Uuid, after_seq: i64, limit: i32) -> Result<Vec<StoredEvent>, Problem> {
    Ok(Sql("SELECT id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at FROM events \
         WHERE subject_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
    .bind::<SqlUuid, _>(subject)
    .bind::<BigInt, _>(after_seq)
    .bind::<Integer, _>(limit)
    .load(conn)
    .await?)
}

/// A subject's events after a version, newest first.
pub(super) async fn events_since(mut conn: &AsyncPgConnection, subject: Uuid, version: i64, limit: i32) -> Result<Vec<StoredEvent>, Problem> {
    // A version is never ahead of its place in the chain, so the index on the place bounds what is read.
    Ok(Sql("SELECT id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at FROM events \
         WHERE subject_id = $1 AND seq > $2 AND version > $2 ORDER BY seq DESC LIMIT $3")
    .bind::<SqlUuid, _>(subject)
    .bind::<BigInt, _>(version)
    .bind::<Integer, _>(limit)
    .load(&mut conn)
    .await?)
}

/// Where the chain of a subject stands by its head row: what an export must reach.
///
/// # Errors
/// As the database.
pub async fn head_of(conn: &mut AsyncPgConnection, subject: Uuid) -> Result<Option<(i64, Vec<u8>)>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        seq: i64,
        #[diesel(sql_type = Binary)]
        head: Vec<u8>,
    }
    let row: Option<Row> = Sql("SELECT seq, head FROM streams WHERE subject_id = $1").bind::<SqlUuid, _>(subject).load(conn).await?.pop();
    Ok(row.map(|row| (row.seq, row.head)))
}

/// The installation's own keys for proofs, those of earlier days included.
///
/// # Errors
/// As the database.
pub async fn proof_keys(conn: &mut AsyncPgConnection) -> Result<KeySet, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        public_key: Vec<u8>,
    }
    let rows: Vec<Row> = Sql("SELECT public_key FROM signing_keys WHERE purpose = 'proof'").load(conn).await?;
    Ok(KeySet::of(rows.into_iter().map(|row| row.public_key)))
}

/// How many events wait for their place in the feed, and since when the oldest does.
///
/// # Errors
/// As the database.
pub async fn feed_lag(mut conn: &AsyncPgConnection) -> Result<(i64, Option<DateTime<Utc>>), Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        waiting: i64,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        oldest: Option<DateTime<Utc>>,
    }
    let row: Option<Row> =
        Sql("SELECT count(*) AS waiting, min(e.recorded_at) AS oldest FROM unfed u JOIN events e ON e.id = u.event_id").load(&mut conn).await?.pop();
    Ok(row.map_or((0, None), |row| (row.waiting, row.oldest)))
}

/// Notes that somebody looked at a subject.
///
/// # Errors
/// As the database.
pub async fn log_access(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    user: Uuid,
    unit: Option<Uuid>,
    subject: Uuid,
    what: &str,
    request_id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO access_log (id, user_id, unit_id, subject_id, what, request_id, looked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(user)
        .bind::<Nullable<SqlUuid>, _>(unit)
        .bind::<SqlUuid, _>(subject)
        .bind::<Text, _>(what)
        .bind::<SqlUuid, _>(request_id)
        .bind::<Timestamptz, _>(at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that somebody looked at several subjects at once; each has an id of its own.
///
/// # Errors
/// As the database.
pub async fn log_accesses(
    conn: &mut AsyncPgConnection,
    ids: &[Uuid],
    user: Uuid,
    unit: Option<Uuid>,
    subjects: &[Uuid],
    what: &str,
    request_id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO access_log (id, user_id, unit_id, subject_id, what, request_id, looked_at) \
         SELECT l.id, $2, $3, l.subject_id, $5, $6, $7 FROM unnest($1, $4) AS l (id, subject_id)")
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<SqlUuid, _>(user)
    .bind::<Nullable<SqlUuid>, _>(unit)
    .bind::<Array<SqlUuid>, _>(subjects)
    .bind::<Text, _>(what)
    .bind::<SqlUuid, _>(request_id)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets idempotency keys that are older than the promise of seven days, with a margin.
///
/// # Errors
/// As the database.
pub async fn forget_old_keys(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, Problem> {
    Ok(Sql("DELETE FROM idempotency_keys WHERE created_at < $1 - interval '14 days'").bind::<Timestamptz, _>(now).execute(conn).await?)
}
