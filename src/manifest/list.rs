//! The list of manifests: a page is found in one narrow index, newest first, and only then read.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policy::Scope;
use super::table::{self, Relation, State};
use crate::identity::Role;
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

/// A manifest as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManifestListed)]
pub struct Item {
    /// What the header says.
    #[serde(flatten)]
    pub header: Header,
    /// Acts that wait for the caller's unit (待办).
    waiting_for: Vec<String>,
    /// Those among them that it was reminded of (已提醒).
    reminded_of: Vec<String>,
}

/// The header of a manifest.
#[derive(Debug, Serialize, ToSchema, QueryableByName)]
#[schema(as = ManifestHeader)]
pub struct Header {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// 废物类别: hazardous, medical or general.
    #[diesel(sql_type = Text)]
    stream: String,
    /// 状态.
    #[diesel(sql_type = Text)]
    #[schema(value_type = State, inline)]
    state: String,
    /// What `If-Match` takes.
    #[diesel(sql_type = BigInt)]
    version: i64,
    /// 联单编号 of this installation.
    #[diesel(sql_type = Nullable<Text>)]
    number: Option<String>,
    /// 国家联单编号.
    #[diesel(sql_type = Nullable<Text>)]
    official_no: Option<String>,
    /// When it was issued.
    #[diesel(sql_type = Timestamptz)]
    issued_at: DateTime<Utc>,
    /// 已作废.
    #[diesel(sql_type = Bool)]
    is_void: bool,
    /// What was noticed upon it.
    #[diesel(sql_type = Array<Text>)]
    flags: Vec<String>,
    /// 计划移出日.
    #[diesel(sql_type = Date)]
    planned_departure_on: NaiveDate,
    /// 计划接受日.
    #[diesel(sql_type = Date)]
    planned_receipt_on: NaiveDate,
    /// 确认期限, once received.
    #[diesel(sql_type = Nullable<Date>)]
    confirm_due_on: Option<NaiveDate>,
    /// 移出人.
    #[diesel(sql_type = SqlUuid)]
    consignor_id: Uuid,
    /// Its name at issue.
    #[diesel(sql_type = Text)]
    consignor_name: String,
    /// 接受人.
    #[diesel(sql_type = SqlUuid)]
    receiver_id: Uuid,
    /// Its name at issue.
    #[diesel(sql_type = Text)]
    receiver_name: String,
    /// 废物代码 of its lines.
    #[diesel(sql_type = Array<Text>)]
    codes: Vec<String>,
    /// 车牌 of its legs.
    #[diesel(sql_type = Array<Text>)]
    plates: Vec<String>,
    /// Mass planned, all lines, in grams.
    #[diesel(sql_type = BigInt)]
    declared_g: i64,
    /// Mass given, in grams.
    #[diesel(sql_type = Nullable<BigInt>)]
    released_g: Option<i64>,
    /// Mass accepted, in grams.
    #[diesel(sql_type = Nullable<BigInt>)]
    accepted_g: Option<i64>,
}

/// A manifest once for each act that waits for the caller's unit, or once: brought together here, since an aggregate for
/// each of fifty rows cost PostgreSQL a fifth of the page.
#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    header: Header,
    #[diesel(sql_type = Nullable<Text>)]
    act: Option<String>,
    #[diesel(sql_type = Bool)]
    is_reminded: bool,
}

fn together(rows: Vec<Row>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::with_capacity(rows.len());
    for Row { header, act, is_reminded } in rows {
        if items.last().is_none_or(|last| last.header.id != header.id) {
            items.push(Item { header, waiting_for: Vec::new(), reminded_of: Vec::new() });
        }
        // Where it waits for two of the caller's units, it is told once.
        if let (Some(act), Some(item)) = (act, items.last_mut())
            && item.waiting_for.last() != Some(&act)
        {
            if is_reminded {
                item.reminded_of.push(act.clone());
            }
            item.waiting_for.push(act);
        }
    }
    items
}

// $1 the keys, $2 below which id, $3 how many, $4 the unit of the caller's token, then the filters, $13 his units, $14 what
// waits for a driver, which counts at any of them. Each key walks the primary key of one narrow table from the newest on, and
// the planner is left no other way, so a page costs the same at ten thousand manifests and at a million. Columns come as they
// are: written as JSON there, a page cost PostgreSQL twice the time.
macro_rules! list_sql {
    ($keys:literal, $from:literal, $scope:expr) => {
        concat!(
            "WITH c AS (SELECT DISTINCT ON (x.id) x.* FROM (",
            $keys,
            ") AS k(key) CROSS JOIN LATERAL (SELECT DISTINCT ON (y.manifest_id) m.id, m.stream, m.state, m.number, m.official_no, m.issued_at, m.voided_at, \
             m.flags, m.planned_departure_on, m.planned_receipt_on, m.confirm_due_on, m.consignor_id, m.consignor_name, m.receiver_id, m.receiver_name, m.codes, m.plates, \
             m.declared_g, m.released_g, m.accepted_g FROM ",
            $from,
            $scope,
            " AND y.manifest_id < $2 \
             AND ($5::text IS NULL OR m.state = $5) AND ($6::uuid IS NULL OR EXISTS (SELECT FROM manifest_parties q WHERE q.manifest_id = m.id AND q.unit_id = $6)) \
             AND ($7::text IS NULL OR $7 = ANY(m.codes)) AND ($8::text IS NULL OR $8 = ANY(m.plates)) \
             AND ($9::text IS NULL OR m.number = $9 OR m.official_no = $9 OR m.paper_no = upper($9)) AND ($10::text IS NULL OR $10 = ANY(m.flags)) \
             AND ($11::timestamptz IS NULL OR m.issued_at >= $11) AND ($12::timestamptz IS NULL OR m.issued_at < $12) \
             ORDER BY y.manifest_id DESC LIMIT $3) x ORDER BY x.id DESC LIMIT $3) \
             SELECT c.id, c.stream, c.state, s.version, c.number, c.official_no, c.issued_at, c.voided_at IS NOT NULL AS is_void, c.flags, \
             c.planned_departure_on, c.planned_receipt_on, c.confirm_due_on, c.consignor_id, c.consignor_name, c.receiver_id, c.receiver_name, \
             c.codes, c.plates, c.declared_g, c.released_g, c.accepted_g, t.act, t.reminded_at IS NOT NULL AS is_reminded \
             FROM c JOIN streams s ON s.subject_id = c.id LEFT JOIN manifest_tasks t ON t.manifest_id = c.id \
             AND t.unit_id = ANY($13) AND (t.unit_id = $4 OR t.act = ANY($14)) \
             ORDER BY c.id DESC, t.act"
        )
    };
}
// Where the keys are not the scope itself: $15 an officer's divisions.
macro_rules! seen_by {
    () => {
        " AND (EXISTS (SELECT FROM manifest_parties q WHERE q.manifest_id = m.id AND q.unit_id = ANY($13)) \
         OR EXISTS (SELECT FROM manifest_places q JOIN division_paths d ON d.code = q.division WHERE q.manifest_id = m.id AND d.ancestor = ANY($15)))"
    };
}
const OF_UNITS: Sql =
    Sql(list_sql!("SELECT unnest($1::uuid[])", "manifest_parties y JOIN manifests m ON m.id = y.manifest_id WHERE y.unit_id = k.key", ""));
const OF_DIVISIONS: Sql = Sql(list_sql!(
    "SELECT DISTINCT code FROM division_paths WHERE ancestor = ANY($1::text[])",
    "manifest_places y JOIN manifests m ON m.id = y.manifest_id WHERE y.division = k.key",
    ""
));
const WAITING: Sql = Sql(list_sql!(
    "SELECT unnest($1::uuid[])",
    "manifest_tasks y JOIN manifests m ON m.id = y.manifest_id WHERE y.unit_id = k.key AND (y.unit_id = $4 OR y.act = ANY($14))",
    seen_by!()
));
// A number names one manifest or few: found by its own indexes, not by walking all that the caller may see.
const BY_NUMBER: Sql = Sql(list_sql!(
    "SELECT unnest($1::text[])",
    "(SELECT id AS manifest_id FROM manifests WHERE number = k.key UNION SELECT id FROM manifests WHERE official_no = k.key \
     UNION SELECT id FROM manifests WHERE paper_no = upper(k.key)) y JOIN manifests m ON m.id = y.manifest_id WHERE true",
    seen_by!()
));

/// One page, newest first.
///
/// # Errors
/// As the database.
pub async fn page(conn: &mut AsyncPgConnection, scope: &Scope, filter: &Filter, before: Uuid, limit: i64) -> Result<Vec<Item>, Problem> {
    // A driver with two employers has what waits for him at either, whatever unit the token names.
    let of_drivers: Vec<&str> =
        table::ACTS.iter().filter(|rule| rule.by.contains(&(Relation::Carrier, Role::Driver))).map(|rule| rule.act.as_str()).collect();
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
                .bind::<Array<SqlUuid>, _>(scope.units())
                .bind::<Array<Text>, _>(&of_drivers)
        };
        ($sql:ident, $type:ty, $keys:expr, $scope:ident) => {
            run!($sql, $type, $keys).bind::<Array<Text>, _>(&$scope.jurisdiction)
        };
    }
    let rows = if filter.waiting_for_me {
        run!(WAITING, SqlUuid, scope.units(), scope).load(conn).await?
    } else if let Some(number) = &filter.number {
        run!(BY_NUMBER, Text, std::slice::from_ref(number), scope).load(conn).await?
    } else if scope.jurisdiction.is_empty() {
        run!(OF_UNITS, SqlUuid, scope.units()).load(conn).await?
    } else {
        run!(OF_DIVISIONS, Text, &scope.jurisdiction).load(conn).await?
    };
    Ok(together(rows))
}
