//! The list of manifests: a page is found in one narrow index, newest first, and only then read.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::policy::Scope;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Filters of the list.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Only with a task for the caller's unit.
    pub waiting_for_me: bool,
    /// State.
    pub state: Option<String>,
    /// Another party.
    pub party: Option<Uuid>,
    /// Waste code.
    pub code: Option<String>,
    /// Plate.
    pub plate: Option<String>,
    /// Any of the three numbers.
    pub number: Option<String>,
    /// Flag.
    pub flag: Option<String>,
    /// Issued on or after this day.
    pub from: Option<DateTime<Utc>>,
    /// Issued before the end of this day.
    pub until: Option<DateTime<Utc>>,
}

#[derive(diesel::QueryableByName)]
struct ListRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    doc: String,
}

// $1 the keys, $2 below which id, $3 how many, $4 the caller's unit, then the filters. Each key walks the primary key of one
// narrow table from the newest on, and the planner is left no other way, so a page costs the same at ten thousand
// manifests and at a million.
macro_rules! list_sql {
    ($keys:literal, $from:literal, $scope:expr) => {
        concat!(
            "WITH c AS (SELECT DISTINCT x.id FROM (",
            $keys,
            ") AS k(key) CROSS JOIN LATERAL (SELECT DISTINCT y.manifest_id AS id FROM ",
            $from,
            $scope,
            " AND y.manifest_id < $2 \
             AND ($5::text IS NULL OR m.state = $5) AND ($6::uuid IS NULL OR EXISTS (SELECT FROM manifest_parties q WHERE q.manifest_id = m.id AND q.unit_id = $6)) \
             AND ($7::text IS NULL OR $7 = ANY(m.codes)) AND ($8::text IS NULL OR $8 = ANY(m.plates)) \
             AND ($9::text IS NULL OR m.number = $9 OR m.official_no = $9 OR m.paper_no = $9) AND ($10::text IS NULL OR $10 = ANY(m.flags)) \
             AND ($11::timestamptz IS NULL OR m.issued_at >= $11) AND ($12::timestamptz IS NULL OR m.issued_at < $12) \
             ORDER BY y.manifest_id DESC LIMIT $3) x ORDER BY x.id DESC LIMIT $3) \
             SELECT m.id, json_build_object('id', m.id, 'stream', m.stream, 'state', m.state, 'version', s.version, 'number', m.number, 'official_no', m.official_no, \
             'issued_at', to_char(m.issued_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'is_void', m.voided_at IS NOT NULL, 'flags', m.flags, \
             'planned_departure_on', m.planned_departure_on, 'planned_receipt_on', m.planned_receipt_on, 'confirm_due_on', m.confirm_due_on, \
             'consignor_id', m.consignor_id, 'consignor_name', a.name, 'receiver_id', m.receiver_id, 'receiver_name', b.name, \
             'codes', m.codes, 'plates', m.plates, 'declared_g', m.declared_g, 'released_g', m.released_g, 'accepted_g', m.accepted_g, \
             'waiting_for', t.acts, 'reminded_of', t.reminded)::text AS doc \
             FROM c JOIN manifests m ON m.id = c.id JOIN streams s ON s.subject_id = m.id JOIN units a ON a.id = m.consignor_id JOIN units b ON b.id = m.receiver_id \
             CROSS JOIN LATERAL (SELECT coalesce(json_agg(t.act ORDER BY t.act), '[]') AS acts, \
             coalesce(json_agg(t.act ORDER BY t.act) FILTER (WHERE t.reminded_at IS NOT NULL), '[]') AS reminded \
             FROM manifest_tasks t WHERE t.manifest_id = m.id AND t.unit_id = $4) t ORDER BY m.id DESC"
        )
    };
}
// Where the keys are not the scope itself: $13 the caller's units, $14 an officer's divisions.
macro_rules! seen_by {
    () => {
        " AND (EXISTS (SELECT FROM manifest_parties q WHERE q.manifest_id = m.id AND q.unit_id = ANY($13)) \
         OR EXISTS (SELECT FROM manifest_places q JOIN division_paths d ON d.code = q.division WHERE q.manifest_id = m.id AND d.ancestor = ANY($14)))"
    };
}
const OF_UNITS: Sql =
    Sql(list_sql!("SELECT unnest($1::uuid[])", "manifest_parties y JOIN manifests m ON m.id = y.manifest_id WHERE y.unit_id = k.key", ""));
const OF_DIVISIONS: Sql = Sql(list_sql!(
    "SELECT DISTINCT code FROM division_paths WHERE ancestor = ANY($1::text[])",
    "manifest_places y JOIN manifests m ON m.id = y.manifest_id WHERE y.division = k.key",
    ""
));
const WAITING: Sql =
    Sql(list_sql!("SELECT unnest($1::uuid[])", "manifest_tasks y JOIN manifests m ON m.id = y.manifest_id WHERE y.unit_id = k.key", seen_by!()));
// A number names one manifest or few: found by its own indexes, not by walking all that the caller may see.
const BY_NUMBER: Sql = Sql(list_sql!(
    "SELECT unnest($1::text[])",
    "(SELECT id AS manifest_id FROM manifests WHERE number = k.key UNION SELECT id FROM manifests WHERE official_no = k.key \
     UNION SELECT id FROM manifests WHERE paper_no = k.key) y JOIN manifests m ON m.id = y.manifest_id WHERE true",
    seen_by!()
));

/// One page, newest first: id and document of each.
///
/// # Errors
/// As the database.
pub async fn page(conn: &mut AsyncPgConnection, scope: &Scope, filter: &Filter, before: Uuid, limit: i64) -> Result<Vec<(Uuid, String)>, Problem> {
    macro_rules! run {
        ($sql:ident, $type:ty, $keys:expr) => {
            $sql.bind::<Array<$type>, _>($keys)
                .bind::<SqlUuid, _>(before)
                .bind::<BigInt, _>(limit)
                .bind::<Nullable<SqlUuid>, _>(scope.unit)
                .bind::<Nullable<Text>, _>(filter.state.as_deref())
                .bind::<Nullable<SqlUuid>, _>(filter.party)
                .bind::<Nullable<Text>, _>(filter.code.as_deref())
                .bind::<Nullable<Text>, _>(filter.plate.as_deref())
                .bind::<Nullable<Text>, _>(filter.number.as_deref())
                .bind::<Nullable<Text>, _>(filter.flag.as_deref())
                .bind::<Nullable<Timestamptz>, _>(filter.from)
                .bind::<Nullable<Timestamptz>, _>(filter.until)
        };
        ($sql:ident, $type:ty, $keys:expr, $scope:ident) => {
            run!($sql, $type, $keys).bind::<Array<SqlUuid>, _>($scope.units()).bind::<Array<Text>, _>(&$scope.jurisdiction)
        };
    }
    let rows: Vec<ListRow> = if filter.waiting_for_me {
        run!(WAITING, SqlUuid, Vec::from_iter(scope.unit), scope).load(conn).await?
    } else if let Some(number) = &filter.number {
        run!(BY_NUMBER, Text, std::slice::from_ref(number), scope).load(conn).await?
    } else if scope.jurisdiction.is_empty() {
        run!(OF_UNITS, SqlUuid, scope.units()).load(conn).await?
    } else {
        run!(OF_DIVISIONS, Text, &scope.jurisdiction).load(conn).await?
    };
    Ok(rows.into_iter().map(|row| (row.id, row.doc)).collect())
}
