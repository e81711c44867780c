//! Queries on people, memberships and deputies.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::IdRow;
use crate::identity::domain::{Role, Roles};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

pub(in crate::identity) async fn insert_user(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    login: &str,
    name: &str,
    phone: Option<&str>,
    password_hash: &str,
    has_first_password: bool,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let count =
        Sql("INSERT INTO users (id, login, name, phone, password_hash, has_first_password, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (login) DO NOTHING")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(login)
            .bind::<Text, _>(name)
            .bind::<Nullable<Text>, _>(phone)
            .bind::<Text, _>(password_hash)
            .bind::<Bool, _>(has_first_password)
            .bind::<Timestamptz, _>(now)
            .execute(conn)
            .await?;
    Ok(count == 1)
}

pub(in crate::identity) async fn insert_membership(
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
pub(in crate::identity) struct MembershipRow {
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

pub(in crate::identity) async fn memberships_of_user(conn: &mut AsyncPgConnection, user: Uuid) -> Result<Vec<MembershipRow>, Problem> {
    Ok(Sql("SELECT m.id, m.user_id, m.unit_id, n.name AS unit_name, n.kind AS unit_kind, u.name AS user_name, u.login, m.roles, m.ended_at \
         FROM memberships m JOIN units n ON n.id = m.unit_id JOIN users u ON u.id = m.user_id \
         WHERE m.user_id = $1 AND m.ended_at IS NULL ORDER BY m.started_at, m.id")
    .bind::<SqlUuid, _>(user)
    .load(conn)
    .await?)
}

pub(in crate::identity) async fn memberships_of_unit(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Vec<MembershipRow>, Problem> {
    Ok(Sql("SELECT m.id, m.user_id, m.unit_id, n.name AS unit_name, n.kind AS unit_kind, u.name AS user_name, u.login, m.roles, m.ended_at \
         FROM memberships m JOIN units n ON n.id = m.unit_id JOIN users u ON u.id = m.user_id \
         WHERE m.unit_id = $1 ORDER BY m.id LIMIT 500")
    .bind::<SqlUuid, _>(unit)
    .load(conn)
    .await?)
}

pub(in crate::identity) async fn membership_by_id(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<MembershipRow>, Problem> {
    Ok(Sql("SELECT m.id, m.user_id, m.unit_id, n.name AS unit_name, n.kind AS unit_kind, u.name AS user_name, u.login, m.roles, m.ended_at \
         FROM memberships m JOIN units n ON n.id = m.unit_id JOIN users u ON u.id = m.user_id WHERE m.id = $1")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(in crate::identity) async fn end_membership(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("WITH m AS (UPDATE memberships SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING id) \
         UPDATE sessions SET ended_at = $2, ended_because = 'membership_ended' WHERE membership_id IN (SELECT id FROM m) AND ended_at IS NULL")
    .bind::<SqlUuid, _>(id)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn set_roles(conn: &mut AsyncPgConnection, id: Uuid, roles: Roles) -> Result<(), Problem> {
    let roles: Vec<&str> = roles.iter().map(Role::as_str).collect();
    Sql("UPDATE memberships SET roles = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Array<Text>, _>(roles).execute(conn).await?;
    Ok(())
}

pub(in crate::identity) async fn insert_deputy(
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
pub(in crate::identity) struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub password_hash: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub pin_hash: Option<String>,
    #[diesel(sql_type = Bool)]
    pub has_first_password: bool,
}

/// The phone of a person, for a form that the law wants it on.
///
/// # Errors
/// As the database.
pub async fn phone_of(conn: &mut AsyncPgConnection, user: Uuid) -> Result<Option<String>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        phone: Option<String>,
    }
    let row: Option<Row> = Sql("SELECT phone FROM users WHERE id = $1").bind::<SqlUuid, _>(user).load(conn).await?.pop();
    Ok(row.and_then(|row| row.phone))
}

/// Accounts under a login or phone: a phone is no unique key, so there may be several.
pub(in crate::identity) async fn accounts(conn: &mut AsyncPgConnection, name: &str) -> Result<Vec<AccountRow>, Problem> {
    Ok(Sql("SELECT id, password_hash, pin_hash, has_first_password FROM users WHERE login = $1 \
         UNION SELECT id, password_hash, pin_hash, has_first_password FROM users WHERE phone = $1 ORDER BY id LIMIT 5")
    .bind::<Text, _>(name)
    .load(conn)
    .await?)
}

/// The account of a person who is logged in.
pub(in crate::identity) async fn account_by_id(conn: &mut AsyncPgConnection, user: Uuid) -> Result<Option<AccountRow>, Problem> {
    Ok(Sql("SELECT id, password_hash, pin_hash, has_first_password FROM users WHERE id = $1").bind::<SqlUuid, _>(user).load(conn).await?.pop())
}

/// The purpose is asked in the statement itself: no other installation can lose its passwords by this.
pub(in crate::identity) async fn share_secret(conn: &mut AsyncPgConnection, hash: &str) -> Result<usize, Problem> {
    Ok(Sql("UPDATE users SET password_hash = $1, has_first_password = false WHERE EXISTS (SELECT FROM installation WHERE purpose = 'demo')")
        .bind::<Text, _>(hash)
        .execute(conn)
        .await?)
}

pub(in crate::identity) async fn set_secret(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    password_hash: Option<&str>,
    pin_hash: Option<&str>,
) -> Result<(), Problem> {
    Sql("UPDATE users SET password_hash = coalesce($2, password_hash), pin_hash = coalesce($3, pin_hash), \
         has_first_password = has_first_password AND $2 IS NULL WHERE id = $1")
    .bind::<SqlUuid, _>(user)
    .bind::<Nullable<Text>, _>(password_hash)
    .bind::<Nullable<Text>, _>(pin_hash)
    .execute(conn)
    .await?;
    Ok(())
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
struct CountRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

pub(in crate::identity) async fn count_platform_admins(conn: &mut AsyncPgConnection) -> Result<i64, Problem> {
    let row: Option<CountRow> =
        Sql("SELECT count(*) AS n FROM memberships WHERE ended_at IS NULL AND 'platform_admin' = ANY(roles)").load(conn).await?.pop();
    Ok(row.map_or(0, |row| row.n))
}

/// An invitation that waits for an answer.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
pub struct Invitation {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The unit that invites.
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub unit_name: String,
    /// The log-in that is invited.
    #[diesel(sql_type = Text)]
    pub login: String,
    /// Roles in the unit.
    #[diesel(sql_type = Array<Text>)]
    pub roles: Vec<String>,
    /// Until when it can be accepted.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// When it was accepted, declined or withdrawn.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(skip)]
    pub ended_at: Option<DateTime<Utc>>,
}

/// Inserts an invitation; false where this log-in has an open one of the unit. One that expired is ended by it.
pub(in crate::identity) async fn insert_invitation(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    unit: Uuid,
    login: &str,
    roles: Roles,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, Problem> {
    let roles: Vec<&str> = roles.iter().map(Role::as_str).collect();
    Sql("UPDATE invitations SET ended_at = $3, ended_as = 'expired' WHERE unit_id = $1 AND login = $2 AND ended_at IS NULL AND expires_at <= $3")
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(login)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    let count = Sql("INSERT INTO invitations (id, unit_id, login, roles, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (unit_id, login) WHERE ended_at IS NULL DO NOTHING")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(unit)
    .bind::<Text, _>(login)
    .bind::<Array<Text>, _>(roles)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(until)
    .execute(conn)
    .await?;
    Ok(count == 1)
}

/// What waits for a person.
pub(in crate::identity) async fn invitations_of_user(
    conn: &mut AsyncPgConnection,
    user: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Invitation>, Problem> {
    Ok(Sql("SELECT i.id, i.unit_id, n.name AS unit_name, i.login, i.roles, i.expires_at, i.ended_at FROM users u JOIN invitations i ON i.login = u.login \
         JOIN units n ON n.id = i.unit_id WHERE u.id = $1 AND i.ended_at IS NULL AND i.expires_at > $2 ORDER BY i.id LIMIT 50")
    .bind::<SqlUuid, _>(user)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?)
}

/// What a unit waits for.
pub(in crate::identity) async fn invitations_of_unit(
    conn: &mut AsyncPgConnection,
    unit: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Invitation>, Problem> {
    Ok(Sql(
        "SELECT i.id, i.unit_id, n.name AS unit_name, i.login, i.roles, i.expires_at, i.ended_at FROM invitations i JOIN units n ON n.id = i.unit_id \
         WHERE i.unit_id = $1 AND i.ended_at IS NULL AND i.expires_at > $2 ORDER BY i.id DESC LIMIT 500",
    )
    .bind::<SqlUuid, _>(unit)
    .bind::<Timestamptz, _>(now)
    .load(conn)
    .await?)
}

pub(in crate::identity) async fn lock_invitation(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Invitation>, Problem> {
    Ok(Sql(
        "SELECT i.id, i.unit_id, n.name AS unit_name, i.login, i.roles, i.expires_at, i.ended_at FROM invitations i JOIN units n ON n.id = i.unit_id \
         WHERE i.id = $1 FOR UPDATE OF i",
    )
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(in crate::identity) async fn end_invitation(conn: &mut AsyncPgConnection, id: Uuid, ended_as: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE invitations SET ended_at = $2, ended_as = $3 WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(ended_as)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a log-in is this person's.
pub(in crate::identity) async fn has_login(conn: &mut AsyncPgConnection, user: Uuid, login: &str) -> Result<bool, Problem> {
    let row: Option<IdRow> =
        Sql("SELECT id FROM users WHERE id = $1 AND login = $2").bind::<SqlUuid, _>(user).bind::<Text, _>(login).load(conn).await?.pop();
    Ok(row.is_some())
}

/// Keeps others from taking the last administrator away meanwhile.
pub(in crate::identity) async fn lock_unit(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<(), Problem> {
    Sql("SELECT id FROM units WHERE id = $1 FOR UPDATE").bind::<SqlUuid, _>(unit).execute(conn).await?;
    Ok(())
}

/// Whether a unit has an administrator beside this membership.
pub(in crate::identity) async fn has_other_admin(conn: &mut AsyncPgConnection, unit: Uuid, membership: Uuid) -> Result<bool, Problem> {
    let row: Option<IdRow> =
        Sql("SELECT id FROM memberships WHERE unit_id = $1 AND id <> $2 AND ended_at IS NULL AND 'unit_admin' = ANY(roles) LIMIT 1")
            .bind::<SqlUuid, _>(unit)
            .bind::<SqlUuid, _>(membership)
            .load(conn)
            .await?
            .pop();
    Ok(row.is_some())
}

/// Gives a person a first password that another tells him; his PIN goes with the old one.
pub(in crate::identity) async fn reset_secret(conn: &mut AsyncPgConnection, user: Uuid, password_hash: &str) -> Result<(), Problem> {
    Sql("UPDATE users SET password_hash = $2, pin_hash = NULL, has_first_password = true WHERE id = $1")
        .bind::<SqlUuid, _>(user)
        .bind::<Text, _>(password_hash)
        .execute(conn)
        .await?;
    Ok(())
}

/// A deputy as listed.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema, Debug)]
pub struct Deputy {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Membership of the signatory.
    #[diesel(sql_type = SqlUuid)]
    pub membership_id: Uuid,
    /// His name.
    #[diesel(sql_type = Text)]
    pub signatory_name: String,
    /// Membership of the deputy.
    #[diesel(sql_type = SqlUuid)]
    pub deputy_id: Uuid,
    /// His name.
    #[diesel(sql_type = Text)]
    pub deputy_name: String,
    /// First day.
    #[diesel(sql_type = Date)]
    pub from_on: NaiveDate,
    /// Last day.
    #[diesel(sql_type = Date)]
    pub until_on: NaiveDate,
    /// When it was ended before its last day.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = SqlUuid)]
    #[serde(skip)]
    pub unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    #[serde(skip)]
    pub user_id: Uuid,
}

/// The deputies of a unit, the newest first; of one membership, where it is named, on either side.
pub(in crate::identity) async fn deputies_of(conn: &mut AsyncPgConnection, unit: Uuid, membership: Option<Uuid>) -> Result<Vec<Deputy>, Problem> {
    Ok(Sql("SELECT d.id, d.membership_id, p.name AS signatory_name, d.deputy_id, q.name AS deputy_name, d.from_on, d.until_on, d.ended_at, m.unit_id, m.user_id \
         FROM memberships m JOIN deputies d ON d.membership_id = m.id JOIN users p ON p.id = m.user_id JOIN memberships n ON n.id = d.deputy_id \
         JOIN users q ON q.id = n.user_id WHERE m.unit_id = $1 AND ($2::uuid IS NULL OR $2 IN (d.membership_id, d.deputy_id)) ORDER BY d.id DESC LIMIT 500")
    .bind::<SqlUuid, _>(unit)
    .bind::<Nullable<SqlUuid>, _>(membership)
    .load(conn)
    .await?)
}

pub(in crate::identity) async fn lock_deputy(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Deputy>, Problem> {
    Ok(Sql("SELECT d.id, d.membership_id, p.name AS signatory_name, d.deputy_id, q.name AS deputy_name, d.from_on, d.until_on, d.ended_at, m.unit_id, m.user_id \
         FROM deputies d JOIN memberships m ON m.id = d.membership_id JOIN users p ON p.id = m.user_id JOIN memberships n ON n.id = d.deputy_id \
         JOIN users q ON q.id = n.user_id WHERE d.id = $1 FOR UPDATE OF d")
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}

pub(in crate::identity) async fn end_deputy(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE deputies SET ended_at = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Timestamptz, _>(now).execute(conn).await?;
    Ok(())
}

/// Whether a log-in is a member of a unit already.
pub(in crate::identity) async fn is_member(conn: &mut AsyncPgConnection, unit: Uuid, login: &str) -> Result<bool, Problem> {
    let row: Option<IdRow> =
        Sql("SELECT m.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.login = $2 AND m.unit_id = $1 AND m.ended_at IS NULL LIMIT 1")
            .bind::<SqlUuid, _>(unit)
            .bind::<Text, _>(login)
            .load(conn)
            .await?
            .pop();
    Ok(row.is_some())
}
