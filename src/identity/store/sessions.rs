//! Queries on sessions, refresh tokens and failed log-ins.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::IdRow;
use crate::evidence::Method;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

#[derive(diesel::QueryableByName)]
struct WaitRow {
    #[diesel(sql_type = Timestamptz)]
    next_try_at: DateTime<Utc>,
}

pub(in crate::identity) async fn next_try(conn: &mut AsyncPgConnection, account: &[u8], source: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    let row: Option<WaitRow> = Sql("SELECT next_try_at FROM login_failures WHERE account_hash = $1 AND source = $2")
        .bind::<Binary, _>(account)
        .bind::<Text, _>(source)
        .load(conn)
        .await?
        .pop();
    Ok(row.map(|row| row.next_try_at))
}

/// Counts a failure; the wait doubles from one second to five minutes.
pub(in crate::identity) async fn count_failure(
    conn: &mut AsyncPgConnection,
    account: &[u8],
    source: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO login_failures AS f (account_hash, source, failures, next_try_at) VALUES ($1, $2, 1, $3) \
         ON CONFLICT (account_hash, source) DO UPDATE SET failures = f.failures + 1, \
         next_try_at = CASE WHEN f.failures < 3 THEN $3 ELSE $3 + make_interval(secs => least(300, power(2, f.failures - 3))) END")
    .bind::<Binary, _>(account)
    .bind::<Text, _>(source)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn clear_failures(conn: &mut AsyncPgConnection, account: &[u8], source: &str) -> Result<(), Problem> {
    Sql("DELETE FROM login_failures WHERE account_hash = $1 AND source = $2")
        .bind::<Binary, _>(account)
        .bind::<Text, _>(source)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn insert_session(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    user: Uuid,
    membership: Option<Uuid>,
    method: Method,
    device: Option<&str>,
    by_first_password: bool,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO sessions (id, user_id, membership_id, device, created_at, expires_at, by_pin, by_first_password) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(user)
    .bind::<Nullable<SqlUuid>, _>(membership)
    .bind::<Nullable<Text>, _>(device)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(until)
    .bind::<Bool, _>(method == Method::Pin)
    .bind::<Bool, _>(by_first_password)
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn insert_refresh(conn: &mut AsyncPgConnection, hash: &[u8], session: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("INSERT INTO refresh_tokens (token_hash, session_id, issued_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind::<Binary, _>(hash)
        .bind::<SqlUuid, _>(session)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A refresh token with its session, locked.
#[derive(diesel::QueryableByName, Debug)]
pub(in crate::identity) struct RefreshRow {
    #[diesel(sql_type = SqlUuid)]
    pub session_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub membership_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub used_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    pub successor_unused: bool,
    #[diesel(sql_type = Bool)]
    pub by_pin: bool,
}

pub(in crate::identity) async fn lock_refresh(conn: &mut AsyncPgConnection, hash: &[u8]) -> Result<Option<RefreshRow>, Problem> {
    Ok(Sql("SELECT r.session_id, s.user_id, s.membership_id, r.used_at, s.ended_at, s.expires_at, s.by_pin, \
         coalesce((SELECT n.used_at IS NULL FROM refresh_tokens n WHERE n.token_hash = r.successor), false) AS successor_unused \
         FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id WHERE r.token_hash = $1 FOR UPDATE OF s")
    .bind::<Binary, _>(hash)
    .load(conn)
    .await?
    .pop())
}

pub(in crate::identity) async fn use_refresh(
    conn: &mut AsyncPgConnection,
    hash: &[u8],
    successor: &[u8],
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("WITH r AS (UPDATE refresh_tokens SET used_at = $3, successor = $2 WHERE token_hash = $1 RETURNING session_id) \
         UPDATE sessions SET expires_at = $4 WHERE id IN (SELECT session_id FROM r)")
    .bind::<Binary, _>(hash)
    .bind::<Binary, _>(successor)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(until)
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn end_session(conn: &mut AsyncPgConnection, session: Uuid, because: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE sessions SET ended_at = $2, ended_because = $3 WHERE id = $1 AND ended_at IS NULL")
        .bind::<SqlUuid, _>(session)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(because)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn end_sessions_of_user(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    except: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("UPDATE sessions SET ended_at = $2, ended_because = 'secret_changed' WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $3")
        .bind::<SqlUuid, _>(user)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<SqlUuid>, _>(except)
        .execute(conn)
        .await?;
    Ok(())
}

/// The unit whose device shows a live refresh token; the token is not used up.
pub(in crate::identity) async fn unit_of_device(conn: &mut AsyncPgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Uuid>, Problem> {
    let row: Option<IdRow> =
        Sql("SELECT m.unit_id AS id FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id JOIN memberships m ON m.id = s.membership_id \
         WHERE r.token_hash = $1 AND r.used_at IS NULL AND s.ended_at IS NULL AND s.expires_at > $2 AND m.ended_at IS NULL")
        .bind::<Binary, _>(hash)
        .bind::<Timestamptz, _>(now)
        .load(conn)
        .await?
        .pop();
    Ok(row.map(|row| row.id))
}

/// Forgets counters of failed log-ins that ended a day ago, so that made-up names do not fill the table.
///
/// # Errors
/// As the database.
pub async fn forget_old_failures(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, Problem> {
    Ok(Sql("DELETE FROM login_failures WHERE next_try_at < $1 - interval '1 day'").bind::<Timestamptz, _>(now).execute(conn).await?)
}

/// A session as its person sees it.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
pub struct OwnSession {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The membership that its tokens name.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub membership_id: Option<Uuid>,
    /// What the device was called at log-in.
    #[diesel(sql_type = Nullable<Text>)]
    pub device: Option<String>,
    /// Opened by PIN on a shared device.
    #[diesel(sql_type = Bool)]
    pub by_pin: bool,
    /// When it was opened.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it ends if it is not used.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// The one that asks.
    #[diesel(sql_type = Bool)]
    pub is_current: bool,
}

/// The living sessions of a person, the newest first.
pub(in crate::identity) async fn sessions_of(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    current: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<OwnSession>, Problem> {
    Ok(Sql("SELECT id, membership_id, device, by_pin, created_at, expires_at, id = $2 AS is_current FROM sessions \
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $3 ORDER BY id DESC LIMIT 500")
    .bind::<SqlUuid, _>(user)
    .bind::<SqlUuid, _>(current)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?)
}

/// Ends a living session of a person; false where it is none of his.
pub(in crate::identity) async fn end_own_session(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    session: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    Ok(Sql("UPDATE sessions SET ended_at = $3, ended_because = 'ended_by_person' WHERE id = $2 AND user_id = $1 AND ended_at IS NULL AND expires_at > $3")
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(session)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?
        == 1)
}
