//! Every query on the tables of identity.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::domain::{ActingUnit, Actor, Delegation, Role, Roles, UnitKind};
use crate::evidence::Method;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

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
}

const UNIT_BY_ID: Sql = Sql("SELECT id, uscc, name, kind, is_external, division, address, contact_phone, verified_at FROM units WHERE id = $1");
const UNIT_BY_USCC: Sql = Sql("SELECT id, uscc, name, kind, is_external, division, address, contact_phone, verified_at FROM units WHERE uscc = $1");

/// A unit by id.
///
/// # Errors
/// As the database.
pub async fn unit_by_id(mut conn: &AsyncPgConnection, id: Uuid) -> Result<Option<UnitRow>, Problem> {
    Ok(UNIT_BY_ID.bind::<SqlUuid, _>(id).load(&mut conn).await?.pop())
}

/// A unit by USCC.
///
/// # Errors
/// As the database.
pub async fn unit_by_uscc(conn: &mut AsyncPgConnection, uscc: &str) -> Result<Option<UnitRow>, Problem> {
    Ok(UNIT_BY_USCC.bind::<Text, _>(uscc).load(conn).await?.pop())
}

pub(super) struct NewUnit<'a> {
    pub id: Uuid,
    pub uscc: &'a str,
    pub name: &'a str,
    pub kind: UnitKind,
    pub is_external: bool,
    pub division: &'a str,
    pub address: &'a str,
    pub contact_phone: &'a str,
    pub verified_at: Option<DateTime<Utc>>,
}

/// Inserts a unit; false when its USCC is there already.
pub(super) async fn insert_unit(conn: &mut AsyncPgConnection, unit: &NewUnit<'_>, now: DateTime<Utc>) -> Result<bool, Problem> {
    let count = Sql("INSERT INTO units (id, uscc, name, kind, is_external, division, address, contact_phone, verified_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (uscc) DO NOTHING")
    .bind::<SqlUuid, _>(unit.id)
    .bind::<Text, _>(unit.uscc)
    .bind::<Text, _>(unit.name)
    .bind::<Text, _>(unit.kind.as_str())
    .bind::<Bool, _>(unit.is_external)
    .bind::<Text, _>(unit.division)
    .bind::<Text, _>(unit.address)
    .bind::<Text, _>(unit.contact_phone)
    .bind::<Nullable<Timestamptz>, _>(unit.verified_at)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(count == 1)
}

pub(super) async fn set_verified(conn: &mut AsyncPgConnection, unit: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE units SET verified_at = $2 WHERE id = $1").bind::<SqlUuid, _>(unit).bind::<Timestamptz, _>(now).execute(conn).await?;
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

pub(super) async fn insert_user(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    login: &str,
    name: &str,
    phone: Option<&str>,
    password_hash: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO users (id, login, name, phone, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (login) DO NOTHING")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(login)
            .bind::<Text, _>(name)
            .bind::<Nullable<Text>, _>(phone)
            .bind::<Nullable<Text>, _>(password_hash)
            .bind::<Timestamptz, _>(now)
            .execute(conn)
            .await?;
    Ok(count == 1)
}

pub(super) async fn insert_membership(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    user: Uuid,
    unit: Uuid,
    roles: Roles,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let roles: Vec<&str> = roles.iter().map(Role::as_str).collect();
    Sql("INSERT INTO memberships (id, user_id, unit_id, roles, started_at) VALUES ($1, $2, $3, $4, $5)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(unit)
        .bind::<Array<Text>, _>(roles)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A membership as stored.
#[derive(diesel::QueryableByName, Debug, Clone)]
pub(super) struct MembershipRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Text)]
    pub unit_name: String,
    #[diesel(sql_type = Text)]
    pub unit_kind: String,
    #[diesel(sql_type = Text)]
    pub user_name: String,
    #[diesel(sql_type = Text)]
    pub login: String,
    #[diesel(sql_type = Array<Text>)]
    pub roles: Vec<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
}

pub(super) async fn memberships_of_user(conn: &mut AsyncPgConnection, user: Uuid) -> Result<Vec<MembershipRow>, Problem> {
    Ok(Sql("SELECT m.id, m.user_id, m.unit_id, n.name AS unit_name, n.kind AS unit_kind, u.name AS user_name, u.login, m.roles, m.ended_at \
         FROM memberships m JOIN units n ON n.id = m.unit_id JOIN users u ON u.id = m.user_id \
         WHERE m.user_id = $1 AND m.ended_at IS NULL ORDER BY m.started_at, m.id")
    .bind::<SqlUuid, _>(user)
    .load(conn)
    .await?)
}

pub(super) async fn memberships_of_unit(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<MembershipRow>, Problem> {
    Ok(Sql("SELECT m.id, m.user_id, m.unit_id, n.name AS unit_name, n.kind AS unit_kind, u.name AS user_name, u.login, m.roles, m.ended_at \
         FROM memberships m JOIN units n ON n.id = m.unit_id JOIN users u ON u.id = m.user_id \
         WHERE m.unit_id = $1 ORDER BY m.id LIMIT 500")
    .bind::<SqlUuid, _>(unit)
    .load(conn)
    .await?)
}

pub(super) async fn membership_by_id(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<MembershipRow>, Problem> {
    Ok(Sql("SELECT m.id, m.user_id, m.unit_id, n.name AS unit_name, n.kind AS unit_kind, u.name AS user_name, u.login, m.roles, m.ended_at \
         FROM memberships m JOIN units n ON n.id = m.unit_id JOIN users u ON u.id = m.user_id WHERE m.id = $1")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(super) async fn end_membership(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("WITH m AS (UPDATE memberships SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING id) \
         UPDATE sessions SET ended_at = $2, ended_because = 'membership_ended' WHERE membership_id IN (SELECT id FROM m) AND ended_at IS NULL")
    .bind::<SqlUuid, _>(id)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn set_roles(conn: &mut AsyncPgConnection, id: Uuid, roles: Roles) -> Result<(), Problem> {
    let roles: Vec<&str> = roles.iter().map(Role::as_str).collect();
    Sql("UPDATE memberships SET roles = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Array<Text>, _>(roles).execute(conn).await?;
    Ok(())
}

pub(super) async fn insert_deputy(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    membership: Uuid,
    deputy: Uuid,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<(), Problem> {
    Sql("INSERT INTO deputies (id, membership_id, deputy_id, from_on, until_on) VALUES ($1, $2, $3, $4, $5)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(membership)
        .bind::<SqlUuid, _>(deputy)
        .bind::<Date, _>(from)
        .bind::<Date, _>(until)
        .execute(conn)
        .await?;
    Ok(())
}

/// What log-in needs of an account.
#[derive(diesel::QueryableByName, Debug, Clone)]
pub(super) struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub password_hash: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub pin_hash: Option<String>,
}

/// Accounts under a login or phone: a phone is no unique key, so there may be several.
pub(super) async fn accounts(conn: &mut AsyncPgConnection, name: &str) -> Result<Vec<AccountRow>, Problem> {
    Ok(Sql("SELECT id, password_hash, pin_hash FROM users WHERE login = $1 \
         UNION SELECT id, password_hash, pin_hash FROM users WHERE phone = $1 ORDER BY id LIMIT 5")
    .bind::<Text, _>(name)
    .load(conn)
    .await?)
}

/// The purpose is asked in the statement itself: no other installation can lose its passwords by this.
pub(super) async fn share_secret(conn: &mut AsyncPgConnection, hash: &str) -> Result<usize, Problem> {
    Ok(Sql("UPDATE users SET password_hash = $1 WHERE EXISTS (SELECT FROM installation WHERE purpose = 'demo')")
        .bind::<Text, _>(hash)
        .execute(conn)
        .await?)
}

pub(super) async fn set_secret(conn: &mut AsyncPgConnection, user: Uuid, password_hash: Option<&str>, pin_hash: Option<&str>) -> Result<(), Problem> {
    Sql("UPDATE users SET password_hash = coalesce($2, password_hash), pin_hash = coalesce($3, pin_hash) WHERE id = $1")
        .bind::<SqlUuid, _>(user)
        .bind::<Nullable<Text>, _>(password_hash)
        .bind::<Nullable<Text>, _>(pin_hash)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct WaitRow {
    #[diesel(sql_type = Timestamptz)]
    next_try_at: DateTime<Utc>,
}

pub(super) async fn next_try(conn: &mut AsyncPgConnection, account: &[u8], source: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    let row: Option<WaitRow> = Sql("SELECT next_try_at FROM login_failures WHERE account_hash = $1 AND source = $2")
        .bind::<Binary, _>(account)
        .bind::<Text, _>(source)
        .load(conn)
        .await?
        .pop();
    Ok(row.map(|row| row.next_try_at))
}

/// Counts a failure; the wait doubles from one second to five minutes.
pub(super) async fn count_failure(conn: &mut AsyncPgConnection, account: &[u8], source: &str, now: DateTime<Utc>) -> Result<(), Problem> {
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

pub(super) async fn clear_failures(conn: &mut AsyncPgConnection, account: &[u8], source: &str) -> Result<(), Problem> {
    Sql("DELETE FROM login_failures WHERE account_hash = $1 AND source = $2")
        .bind::<Binary, _>(account)
        .bind::<Text, _>(source)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn insert_session(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    user: Uuid,
    membership: Option<Uuid>,
    method: Method,
    device: Option<&str>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), Problem> {
    Sql("INSERT INTO sessions (id, user_id, membership_id, device, created_at, expires_at, by_pin) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(user)
        .bind::<Nullable<SqlUuid>, _>(membership)
        .bind::<Nullable<Text>, _>(device)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(until)
        .bind::<Bool, _>(method == Method::Pin)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn insert_refresh(conn: &mut AsyncPgConnection, hash: &[u8], session: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
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
pub(super) struct RefreshRow {
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

pub(super) async fn lock_refresh(conn: &mut AsyncPgConnection, hash: &[u8]) -> Result<Option<RefreshRow>, Problem> {
    Ok(Sql("SELECT r.session_id, s.user_id, s.membership_id, r.used_at, s.ended_at, s.expires_at, s.by_pin, \
         coalesce((SELECT n.used_at IS NULL FROM refresh_tokens n WHERE n.token_hash = r.successor), false) AS successor_unused \
         FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id WHERE r.token_hash = $1 FOR UPDATE OF s")
    .bind::<Binary, _>(hash)
    .load(conn)
    .await?
    .pop())
}

pub(super) async fn use_refresh(
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

pub(super) async fn end_session(conn: &mut AsyncPgConnection, session: Uuid, because: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE sessions SET ended_at = $2, ended_because = $3 WHERE id = $1 AND ended_at IS NULL")
        .bind::<SqlUuid, _>(session)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(because)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn end_sessions_of_user(conn: &mut AsyncPgConnection, user: Uuid, except: Option<Uuid>, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE sessions SET ended_at = $2, ended_because = 'secret_changed' WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $3")
        .bind::<SqlUuid, _>(user)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<SqlUuid>, _>(except)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct ActorRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    unit_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    unit_kind: Option<String>,
    #[diesel(sql_type = Bool)]
    is_verified: bool,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    jurisdiction: Vec<String>,
    #[diesel(sql_type = Text)]
    delegations: String,
    #[diesel(sql_type = Array<SqlUuid>)]
    drives_for: Vec<Uuid>,
}

impl ActorRow {
    fn into_actor(self, membership: Option<Uuid>, session: Option<Uuid>, api_key: Option<Vec<u8>>, method: Method) -> Actor {
        let unit = match (self.unit_id, self.unit_name, self.unit_kind.as_deref().and_then(UnitKind::parse)) {
            (Some(id), Some(name), Some(kind)) => Some(ActingUnit { id, name, kind, is_verified: self.is_verified }),
            _ => None,
        };
        Actor {
            user: self.user_id,
            name: self.user_name,
            membership,
            unit,
            roles: self.roles.iter().filter_map(|role| Role::parse(role)).collect(),
            method,
            jurisdiction: self.jurisdiction,
            session,
            api_key,
            by_code: None,
            drives_for: self.drives_for,
            delegations: serde_json::from_str::<Vec<Delegation>>(&self.delegations).unwrap_or_default(),
        }
    }
}

/// The actor of a session, with the rights of this moment; None when session or membership ended.
pub(super) async fn actor_of_session(
    mut conn: &AsyncPgConnection,
    session: Uuid,
    membership: Option<Uuid>,
    method: Method,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Option<Actor>, Problem> {
    let row: Option<ActorRow> = Sql("SELECT u.id AS user_id, u.name AS user_name, n.id AS unit_id, n.name AS unit_name, n.kind AS unit_kind, \
         coalesce(n.verified_at IS NOT NULL, false) AS is_verified, \
         coalesce(m.roles, '{}') || coalesce((SELECT array_agg(DISTINCT r) FROM deputies d JOIN memberships p ON p.id = d.membership_id, unnest(p.roles) r \
           WHERE d.deputy_id = m.id AND p.ended_at IS NULL AND $4 BETWEEN d.from_on AND d.until_on AND r = 'signatory'), '{}') AS roles, \
         coalesce((SELECT array_agg(j.division) FROM jurisdictions j WHERE j.unit_id = n.id AND j.from_on <= $4 AND (j.until_on IS NULL OR j.until_on >= $4)), '{}') AS jurisdiction, \
         '[]'::text AS delegations, coalesce((SELECT array_agg(DISTINCT x.unit_id) FROM memberships x WHERE x.user_id = u.id AND x.ended_at IS NULL AND 'driver' = ANY(x.roles)), '{}') AS drives_for \
         FROM sessions s JOIN users u ON u.id = s.user_id \
         LEFT JOIN memberships m ON m.id = $2 AND m.user_id = u.id AND m.ended_at IS NULL LEFT JOIN units n ON n.id = m.unit_id \
         WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $3 AND ($2 IS NULL OR m.id IS NOT NULL)")
    .bind::<SqlUuid, _>(session)
    .bind::<Nullable<SqlUuid>, _>(membership)
    .bind::<Timestamptz, _>(now)
    .bind::<Date, _>(today)
    .load(&mut conn)
    .await?
    .pop();
    Ok(row.map(|row| row.into_actor(membership, Some(session), None, method)))
}

/// The actor of an API key, with its delegations in force.
pub(super) async fn actor_of_key(mut conn: &AsyncPgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Actor>, Problem> {
    let row: Option<ActorRow> =
        Sql("WITH k AS (UPDATE api_keys SET last_used_at = $2 WHERE key_hash = $1 AND revoked_at IS NULL AND expires_at > $2 \
         AND (last_used_at IS NULL OR last_used_at < $2 - interval '1 minute') RETURNING id), \
         a AS (SELECT * FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL AND expires_at > $2) \
         SELECT a.created_by AS user_id, a.name AS user_name, n.id AS unit_id, n.name AS unit_name, n.kind AS unit_kind, \
         n.verified_at IS NOT NULL AS is_verified, a.roles, '{}'::text[] AS jurisdiction, \
         coalesce((SELECT json_agg(json_build_object('signatory', m.user_id, 'acts', d.acts)) FROM signing_delegations d \
           JOIN memberships m ON m.id = d.signatory_id AND m.ended_at IS NULL \
           WHERE d.api_key_id = a.id AND d.revoked_at IS NULL AND d.from_at <= $2 AND d.until_at > $2), '[]')::text AS delegations, '{}'::uuid[] AS drives_for \
         FROM a JOIN units n ON n.id = a.unit_id LEFT JOIN k ON true \
         WHERE EXISTS (SELECT FROM memberships m WHERE m.user_id = a.created_by AND m.unit_id = a.unit_id AND m.ended_at IS NULL)")
        .bind::<Binary, _>(hash)
        .bind::<Timestamptz, _>(now)
        .load(&mut conn)
        .await?
        .pop();
    Ok(row.map(|row| row.into_actor(None, None, Some(hash.to_vec()), Method::ApiKey)))
}

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The membership under which a driver acts for a carrier today.
///
/// # Errors
/// As the database.
pub async fn driver_unit(conn: &mut AsyncPgConnection, user: Uuid, carrier: Uuid) -> Result<Option<Uuid>, Problem> {
    let row: Option<IdRow> =
        Sql("SELECT id FROM memberships WHERE user_id = $1 AND unit_id = $2 AND ended_at IS NULL AND 'driver' = ANY(roles) LIMIT 1")
            .bind::<SqlUuid, _>(user)
            .bind::<SqlUuid, _>(carrier)
            .load(conn)
            .await?
            .pop();
    Ok(row.map(|row| row.id))
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
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

pub(super) async fn api_keys_of(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<ApiKeyRow>, Problem> {
    Ok(Sql("SELECT id, name, roles, created_at, expires_at, revoked_at, last_used_at FROM api_keys WHERE unit_id = $1 ORDER BY id DESC LIMIT 500")
        .bind::<SqlUuid, _>(unit)
        .load(conn)
        .await?)
}

pub(super) async fn insert_api_key(
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

pub(super) async fn revoke_api_key(conn: &mut AsyncPgConnection, id: Uuid, unit: Uuid, now: DateTime<Utc>) -> Result<bool, Problem> {
    Ok(Sql("UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE id = $1 AND unit_id = $2")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?
        == 1)
}

pub(super) async fn insert_delegation(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    key: Uuid,
    signatory: Uuid,
    acts: &[String],
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

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

pub(super) async fn count_platform_admins(conn: &mut AsyncPgConnection) -> Result<i64, Problem> {
    let row: Option<CountRow> =
        Sql("SELECT count(*) AS n FROM memberships WHERE ended_at IS NULL AND 'platform_admin' = ANY(roles)").load(conn).await?.pop();
    Ok(row.map_or(0, |row| row.n))
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
    Ok(Sql("SELECT u.id, u.uscc, u.name, u.kind, u.is_external, u.verified_at IS NOT NULL AS is_verified, u.division, u.address, u.contact_phone, s.version \
         FROM units u JOIN streams s ON s.subject_id = u.id WHERE u.id = $1")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(super) async fn find_units(conn: &mut AsyncPgConnection, q: &str) -> Result<Vec<FoundUnit>, Problem> {
    Ok(Sql("SELECT u.id, u.uscc, u.name, u.kind, u.is_external, u.verified_at IS NOT NULL AS is_verified, u.division, u.address, u.contact_phone, s.version \
         FROM units u JOIN streams s ON s.subject_id = u.id WHERE u.uscc = $1 OR position($1 IN u.name) > 0 ORDER BY u.name, u.id LIMIT 50")
    .bind::<Text, _>(q)
    .load(conn)
    .await?)
}

/// The unit whose device shows a live refresh token; the token is not used up.
pub(super) async fn unit_of_device(conn: &mut AsyncPgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Uuid>, Problem> {
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

/// The actor of a person in a unit, for one act by one-time code.
pub(super) async fn actor_of_member(
    mut conn: &AsyncPgConnection,
    user: Uuid,
    unit: Uuid,
    today: NaiveDate,
    by_code: super::one_time::ByCode,
) -> Result<Option<Actor>, Problem> {
    use diesel::QueryableByName;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        membership_id: Uuid,
        #[diesel(embed)]
        actor: ActorRow,
    }
    let row: Option<Row> =
        Sql("SELECT m.id AS membership_id, u.id AS user_id, u.name AS user_name, n.id AS unit_id, n.name AS unit_name, n.kind AS unit_kind, \
         n.verified_at IS NOT NULL AS is_verified, \
         m.roles || coalesce((SELECT array_agg(DISTINCT r) FROM deputies d JOIN memberships p ON p.id = d.membership_id, unnest(p.roles) r \
           WHERE d.deputy_id = m.id AND p.ended_at IS NULL AND $3 BETWEEN d.from_on AND d.until_on AND r = 'signatory'), '{}') AS roles, \
         '{}'::text[] AS jurisdiction, '[]'::text AS delegations, '{}'::uuid[] AS drives_for \
         FROM memberships m JOIN users u ON u.id = m.user_id JOIN units n ON n.id = m.unit_id \
         WHERE m.user_id = $1 AND m.unit_id = $2 AND m.ended_at IS NULL ORDER BY m.id LIMIT 1")
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(unit)
        .bind::<Date, _>(today)
        .load(&mut conn)
        .await?
        .pop();
    Ok(row.map(|row| Actor { by_code: Some(by_code), ..row.actor.into_actor(Some(row.membership_id), None, None, Method::OneTimeCode) }))
}

/// Forgets counters of failed log-ins that ended a day ago, so that made-up names do not fill the table.
///
/// # Errors
/// As the database.
pub async fn forget_old_failures(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, Problem> {
    Ok(Sql("DELETE FROM login_failures WHERE next_try_at < $1 - interval '1 day'").bind::<Timestamptz, _>(now).execute(conn).await?)
}
