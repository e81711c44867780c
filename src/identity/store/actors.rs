//! From a session, key or membership to an [`Actor`] with the rights of this moment.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, Binary, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::evidence::Method;
use crate::identity::domain::{ActingUnit, Actor, ByKey, Delegation, Role, UnitKind};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

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
    #[diesel(sql_type = Nullable<SqlUuid>)]
    stands_in_for: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    by_first_password: bool,
}

impl ActorRow {
    fn into_actor(self, membership: Option<Uuid>, session: Option<Uuid>, api_key: Option<ByKey>, method: Method) -> Actor {
        let unit = match (self.unit_id, self.unit_name, self.unit_kind.as_deref().and_then(UnitKind::parse)) {
            (Some(id), Some(name), Some(kind)) => Some(ActingUnit { id, name, kind, is_verified: self.is_verified }),
            _ => None,
        };
        Actor {
            user: self.user_id,
            name: self.user_name,
            membership,
            unit,
            stands_in_for: self.stands_in_for,
            by_first_password: self.by_first_password,
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
pub(in crate::identity) async fn actor_of_session(
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
           WHERE d.deputy_id = m.id AND d.ended_at IS NULL AND p.ended_at IS NULL AND $4 BETWEEN d.from_on AND d.until_on AND r = 'signatory'), '{}') AS roles, \
         coalesce((SELECT array_agg(j.division) FROM jurisdictions j WHERE j.unit_id = n.id AND j.from_on <= $4 AND (j.until_on IS NULL OR j.until_on >= $4)), '{}') AS jurisdiction, \
         '[]'::text AS delegations, coalesce((SELECT array_agg(DISTINCT x.unit_id) FROM memberships x WHERE x.user_id = u.id AND x.ended_at IS NULL AND 'driver' = ANY(x.roles)), '{}') AS drives_for, \
         (SELECT d.membership_id FROM deputies d JOIN memberships p ON p.id = d.membership_id AND p.ended_at IS NULL AND 'signatory' = ANY(p.roles) \
           WHERE d.deputy_id = m.id AND d.ended_at IS NULL AND $4 BETWEEN d.from_on AND d.until_on AND NOT 'signatory' = ANY(m.roles) ORDER BY d.id LIMIT 1) AS stands_in_for, s.by_first_password AND u.has_first_password AS by_first_password \
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
pub(in crate::identity) async fn actor_of_key(mut conn: &AsyncPgConnection, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Actor>, Problem> {
    use diesel::QueryableByName;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        key_id: Uuid,
        #[diesel(embed)]
        actor: ActorRow,
    }
    let row: Option<Row> =
        Sql("WITH k AS (UPDATE api_keys SET last_used_at = $2 WHERE key_hash = $1 AND revoked_at IS NULL AND expires_at > $2 \
         AND (last_used_at IS NULL OR last_used_at < $2 - interval '1 minute') RETURNING id), \
         a AS (SELECT * FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL AND expires_at > $2) \
         SELECT a.id AS key_id, a.created_by AS user_id, a.name AS user_name, n.id AS unit_id, n.name AS unit_name, n.kind AS unit_kind, \
         n.verified_at IS NOT NULL AS is_verified, a.roles, '{}'::text[] AS jurisdiction, \
         coalesce((SELECT json_agg(json_build_object('signatory', m.user_id, 'membership', m.id, 'acts', d.acts) ORDER BY d.id) FROM signing_delegations d \
           JOIN memberships m ON m.id = d.signatory_id AND m.ended_at IS NULL AND 'signatory' = ANY(m.roles) \
           WHERE d.api_key_id = a.id AND d.revoked_at IS NULL AND d.from_at <= $2 AND d.until_at > $2), '[]')::text AS delegations, '{}'::uuid[] AS drives_for, NULL::uuid AS stands_in_for, false AS by_first_password \
         FROM a JOIN units n ON n.id = a.unit_id LEFT JOIN k ON true \
         WHERE EXISTS (SELECT FROM memberships m WHERE m.user_id = a.created_by AND m.unit_id = a.unit_id AND m.ended_at IS NULL)")
        .bind::<Binary, _>(hash)
        .bind::<Timestamptz, _>(now)
        .load(&mut conn)
        .await?
        .pop();
    Ok(row.map(|row| row.actor.into_actor(None, None, Some(ByKey { id: row.key_id, hash: hash.to_vec() }), Method::ApiKey)))
}

/// The actor of a person in a unit, for one act by one-time code.
pub(in crate::identity) async fn actor_of_member(
    mut conn: &AsyncPgConnection,
    user: Uuid,
    unit: Uuid,
    today: NaiveDate,
    by_code: crate::identity::one_time::ByCode,
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
           WHERE d.deputy_id = m.id AND d.ended_at IS NULL AND p.ended_at IS NULL AND $3 BETWEEN d.from_on AND d.until_on AND r = 'signatory'), '{}') AS roles, \
         '{}'::text[] AS jurisdiction, '[]'::text AS delegations, '{}'::uuid[] AS drives_for, \
         (SELECT d.membership_id FROM deputies d JOIN memberships p ON p.id = d.membership_id AND p.ended_at IS NULL AND 'signatory' = ANY(p.roles) \
           WHERE d.deputy_id = m.id AND d.ended_at IS NULL AND $3 BETWEEN d.from_on AND d.until_on AND NOT 'signatory' = ANY(m.roles) ORDER BY d.id LIMIT 1) AS stands_in_for, false AS by_first_password \
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
