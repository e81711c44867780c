//! Queries on API keys and delegations.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::identity::domain::{Role, Roles};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// An API key as listed: never the key itself.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
pub struct ApiKeyRow {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its roles.
    #[diesel(sql_type = Array<Text>)]
    pub roles: Vec<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it ends.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_used_at: Option<DateTime<Utc>>,
}

pub(in crate::identity) async fn api_keys_of(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<ApiKeyRow>, Problem> {
    Ok(Sql("SELECT id, name, roles, created_at, expires_at, revoked_at, last_used_at FROM api_keys WHERE unit_id = $1 ORDER BY id DESC LIMIT 500")
        .bind::<SqlUuid, _>(unit)
        .load(conn)
        .await?)
}

pub(in crate::identity) async fn insert_api_key(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    name: &str,
    hash: &[u8],
    roles: Roles,
    by: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), Problem> {
    let roles: Vec<&str> = roles.iter().map(Role::as_str).collect();
    Sql("INSERT INTO api_keys (id, unit_id, name, key_hash, roles, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(name)
        .bind::<Binary, _>(hash)
        .bind::<Array<Text>, _>(roles)
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(until)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn revoke_api_key(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    Ok(Sql("UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE id = $1 AND unit_id = $2")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?
        == 1)
}

pub(in crate::identity) async fn insert_delegation(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    key: Uuid,
    signatory: Uuid,
    acts: &[&str],
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO signing_delegations (id, api_key_id, signatory_id, acts, from_at, until_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(key)
        .bind::<SqlUuid, _>(signatory)
        .bind::<Array<Text>, _>(acts)
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(until)
        .execute(conn)
        .await?;
    Ok(())
}

/// A signing delegation as listed.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
pub struct DelegationRow {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The key.
    #[diesel(sql_type = SqlUuid)]
    pub api_key_id: Uuid,
    /// The signatory in whose name it signs.
    #[diesel(sql_type = SqlUuid)]
    pub signatory_id: Uuid,
    /// His name.
    #[diesel(sql_type = Text)]
    pub signatory_name: String,
    /// What it signs.
    #[diesel(sql_type = Array<Text>)]
    pub acts: Vec<String>,
    /// From when.
    #[diesel(sql_type = Timestamptz)]
    pub from_at: DateTime<Utc>,
    /// Until when.
    #[diesel(sql_type = Timestamptz)]
    pub until_at: DateTime<Utc>,
    /// When it was ended before.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub revoked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = SqlUuid)]
    #[serde(skip)]
    pub unit_id: Uuid,
}

/// The delegations to the keys of a unit, the newest first.
pub(in crate::identity) async fn delegations_of(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<DelegationRow>, Problem> {
    Ok(Sql("SELECT d.id, d.api_key_id, m.user_id AS signatory_id, u.name AS signatory_name, d.acts, d.from_at, d.until_at, d.revoked_at, k.unit_id \
         FROM api_keys k JOIN signing_delegations d ON d.api_key_id = k.id JOIN memberships m ON m.id = d.signatory_id JOIN users u ON u.id = m.user_id \
         WHERE k.unit_id = $1 ORDER BY d.id DESC LIMIT 500")
    .bind::<SqlUuid, _>(unit)
    .load(conn)
    .await?)
}

pub(in crate::identity) async fn lock_delegation(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<DelegationRow>, Problem> {
    Ok(Sql("SELECT d.id, d.api_key_id, m.user_id AS signatory_id, u.name AS signatory_name, d.acts, d.from_at, d.until_at, d.revoked_at, k.unit_id \
         FROM signing_delegations d JOIN api_keys k ON k.id = d.api_key_id JOIN memberships m ON m.id = d.signatory_id JOIN users u ON u.id = m.user_id \
         WHERE d.id = $1 FOR UPDATE OF d")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(in crate::identity) async fn end_delegation(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE signing_delegations SET revoked_at = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Timestamptz, _>(now).execute(conn).await?;
    Ok(())
}
