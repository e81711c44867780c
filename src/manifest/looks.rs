//! Who looked at manifests (查阅留痕): what officers' looks left behind, for those who answer for them and for those whose
//! manifests they are.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::identity::{Actor, Role, UnitKind};
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, kinds};

/// One look.
#[derive(diesel::QueryableByName, Serialize, ToSchema, Debug)]
#[schema(as = AccessLogEntry)]
pub struct Looked {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub looked_at: DateTime<Utc>,
    /// At what of it: `manifest`, `events`, `evidence` …
    #[diesel(sql_type = Text)]
    pub what: String,
    /// The manifest.
    #[diesel(sql_type = SqlUuid)]
    pub manifest_id: Uuid,
    /// The authority whose officer looked.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub unit_id: Option<Uuid>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub unit_name: Option<String>,
    /// The officer; told to a manager only.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub user_id: Option<Uuid>,
    /// His name; told to a manager only.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub user_name: Option<String>,
    /// The request, for the installation's own log.
    #[diesel(sql_type = SqlUuid)]
    pub request_id: Uuid,
}

const OF_A_UNIT: Sql = Sql("SELECT l.id, l.looked_at, l.what, l.subject_id AS manifest_id, l.unit_id, n.name AS unit_name, \
     CASE WHEN $5 THEN l.user_id END AS user_id, CASE WHEN $5 THEN u.name END AS user_name, l.request_id \
     FROM access_log l LEFT JOIN units n ON n.id = l.unit_id LEFT JOIN users u ON u.id = l.user_id \
     WHERE l.id < $1 AND ($3::uuid IS NULL OR l.subject_id = $3) \
     AND (EXISTS (SELECT FROM manifest_parties p WHERE p.manifest_id = l.subject_id AND p.unit_id = $4 AND NOT $5) \
     OR $5 AND (l.unit_id = $4 OR EXISTS (SELECT FROM manifest_places q JOIN division_paths d ON d.code = q.division \
     WHERE q.manifest_id = l.subject_id AND d.ancestor = ANY($6)))) ORDER BY l.id DESC LIMIT $2");

/// Whose looks an actor may read: a unit's administrator those at the unit's own manifests, without the officers' names; an
/// authority's manager those of his own officers and those at manifests of his divisions.
#[derive(Clone)]
pub struct LookScope {
    unit: Uuid,
    is_manager: bool,
    jurisdiction: Vec<String>,
}

impl LookScope {
    /// The scope of an actor.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn of(actor: &Actor) -> Result<Self, Problem> {
        match &actor.unit {
            Some(unit) if unit.kind == UnitKind::Authority && actor.roles.has(Role::Manager) => {
                Ok(Self { unit: unit.id, is_manager: true, jurisdiction: actor.jurisdiction.clone() })
            }
            Some(unit) if unit.kind == UnitKind::Enterprise && actor.roles.has(Role::UnitAdmin) => {
                Ok(Self { unit: unit.id, is_manager: false, jurisdiction: Vec::new() })
            }
            _ => Err(Problem::of(&kinds::FORBIDDEN)),
        }
    }
}

/// One page, newest first.
///
/// # Errors
/// As the database.
pub async fn page(conn: &mut AsyncPgConnection, scope: &LookScope, manifest: Option<Uuid>, before: Uuid, limit: i64) -> Result<Vec<Looked>, Problem> {
    Ok(OF_A_UNIT
        .bind::<SqlUuid, _>(before)
        .bind::<BigInt, _>(limit)
        .bind::<Nullable<SqlUuid>, _>(manifest)
        .bind::<SqlUuid, _>(scope.unit)
        .bind::<Bool, _>(scope.is_manager)
        .bind::<Array<Text>, _>(&scope.jurisdiction)
        .load(conn)
        .await?)
}
