//! Lists and single things of the ledger, each within the caller's scope.
//!
//! Every statement takes `$1` unit and `$2` jurisdiction of the scope, `$3` only this unit, `$4` only this id, `$5` the last id
//! of the page before, `$6` how many; then its own filters.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::domain::{ContainerKind, ContainerState, EntryKind, Outside};
use crate::platform::db::{Sql, Statement};
use crate::platform::problem::Problem;
use crate::registry::Scope;

/// Which rows, in every list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    /// Only of this unit.
    pub unit: Option<Uuid>,
    /// Only this one.
    pub id: Option<Uuid>,
    /// Older than this.
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

fn scoped<'v>(sql: Sql, scope: &'v Scope, page: &Page) -> Statement<'v> {
    sql.bind::<Nullable<SqlUuid>, _>(scope.unit)
        .bind::<Array<Text>, _>(&scope.jurisdiction)
        .bind::<Nullable<SqlUuid>, _>(page.unit)
        .bind::<Nullable<SqlUuid>, _>(page.id)
        .bind::<Nullable<SqlUuid>, _>(page.before)
        .bind::<BigInt, _>(page.limit)
}

macro_rules! list_sql {
    ($select:expr, $mine:literal, $division:literal, $more:literal) => {
        Sql(concat!(
            $select,
            " WHERE (",
            $mine,
            " OR EXISTS (SELECT FROM division_paths p WHERE p.code = ",
            $division,
            " AND p.ancestor = ANY($2))) AND ($3 IS NULL OR x.unit_id = $3) AND ($4 IS NULL OR x.id = $4) AND ($5 IS NULL OR x.id < $5) AND ",
            $more,
            " ORDER BY x.id DESC LIMIT $6"
        ))
    };
}

/// A container of an entry, as it was entered.
#[derive(Serialize, ToSchema)]
pub struct EntryFilling {
    /// The container.
    container_id: Uuid,
    /// 数字识别码.
    filling: String,
    /// As measured. Unit: grams.
    mass_g: i64,
    /// As booked before. Unit: grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    booked_g: Option<i64>,
}

/// An entry of the ledger (台账记录).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Entry {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    #[schema(value_type = EntryKind)]
    kind: String,
    /// 批次编码; a reversal shows that of its entry.
    #[diesel(sql_type = Text)]
    batch: String,
    #[diesel(sql_type = Text)]
    code: String,
    /// Edition of the catalogue against which the code was looked up; empty where none is loaded.
    #[diesel(sql_type = Text)]
    edition: String,
    #[diesel(sql_type = Nullable<Text>)]
    common_name: Option<String>,
    /// As measured. Unit: grams.
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    /// Measured less booked. Unit: grams.
    #[diesel(sql_type = BigInt)]
    difference_g: i64,
    /// What the ledger did not hold when it was entered. Unit: grams.
    #[diesel(sql_type = BigInt)]
    short_g: i64,
    /// What of that no later entry has covered. Unit: grams.
    #[diesel(sql_type = BigInt)]
    short_left_g: i64,
    #[diesel(sql_type = Timestamptz)]
    happened_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_late: bool,
    #[diesel(sql_type = Bool)]
    is_piped: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    facility_id: Option<Uuid>,
    /// 设施编码.
    #[diesel(sql_type = Nullable<Text>)]
    facility_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    method: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    done_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    destination: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    #[schema(value_type = Option<Outside>)]
    receiver: Option<Value>,
    /// The manifest that made it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    manifest_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    line: Option<i32>,
    #[diesel(sql_type = Text)]
    handler: String,
    #[diesel(sql_type = Nullable<Text>)]
    carried_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    store_keeper: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
    #[diesel(sql_type = Jsonb)]
    #[schema(value_type = Vec<EntryFilling>)]
    fillings: Value,
    #[diesel(sql_type = Array<SqlUuid>)]
    sources: Vec<Uuid>,
    /// What a count found, where the label says another waste.
    #[diesel(sql_type = Nullable<Text>)]
    found_code: Option<String>,
    /// The entry that it reverses.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    reverses: Option<Uuid>,
    /// The entry of which it takes or adds a part, since the manifest was corrected.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    adjusts: Option<Uuid>,
    /// The entry in whose place it stands.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    replaces: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    is_reversed: bool,
    /// For `If-Match`; none for what a manifest or a correction made.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

const ENTRIES: Sql = list_sql!(
    "SELECT x.id, x.site_id, x.unit_id, x.kind, x.batch, x.waste_code AS code, x.edition, x.common_name, x.mass_g, x.difference_g, x.short_g, \
     coalesce((SELECT h.left_g FROM ledger_shorts h WHERE h.entry_id = x.id), 0) AS short_left_g, x.happened_at, x.recorded_at, x.is_late, x.is_piped, \
     x.facility_id, (SELECT f.code FROM facilities f WHERE f.id = x.facility_id) AS facility_code, x.method, x.done_at, x.destination, x.receiver, \
     x.manifest_id, x.line, x.handler, x.carried_by, x.store_keeper, x.note, \
     coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('container_id', t->'container_id', 'filling', t->'filling', 'mass_g', t->'mass_g', \
       'booked_g', t->'booked_g'))) FROM jsonb_array_elements(x.fillings) t), '[]') AS fillings, x.sources, x.found_code, x.reverses, x.adjusts, x.replaces, \
     EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id) AS is_reversed, coalesce(v.version, 0) AS version \
     FROM ledger_entries x JOIN sites s ON s.id = x.site_id LEFT JOIN streams v ON v.subject_id = x.id",
    "x.unit_id = $1",
    "s.division",
    "($7 IS NULL OR x.site_id = $7) AND ($8 IS NULL OR x.kind = $8) AND ($9 IS NULL OR x.waste_code = $9) \
     AND ($10 IS NULL OR x.happened_at >= $10) AND ($11 IS NULL OR x.happened_at < $11)"
);

/// Filters of entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntryFilter<'f> {
    pub site: Option<Uuid>,
    pub kind: Option<EntryKind>,
    pub code: Option<&'f str>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

pub async fn entries(conn: &mut AsyncPgConnection, scope: &Scope, page: &Page, filter: &EntryFilter<'_>) -> Result<Vec<Entry>, Problem> {
    Ok(scoped(ENTRIES, scope, page)
        .bind::<Nullable<SqlUuid>, _>(filter.site)
        .bind::<Nullable<Text>, _>(filter.kind.map(EntryKind::as_str))
        .bind::<Nullable<Text>, _>(filter.code)
        .bind::<Nullable<Timestamptz>, _>(filter.from)
        .bind::<Nullable<Timestamptz>, _>(filter.until)
        .load(conn)
        .await?)
}

/// A container (容器) with what is in it.
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Container {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    /// Made by the server, once per unit.
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    #[schema(value_type = ContainerKind)]
    kind: String,
    /// Unit: millilitres.
    #[diesel(sql_type = BigInt)]
    capacity_ml: i64,
    #[diesel(sql_type = Bool)]
    is_reusable: bool,
    #[diesel(sql_type = Text)]
    #[schema(value_type = ContainerState)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    material: Option<String>,
    /// 数字识别码 of what is in it.
    #[diesel(sql_type = Nullable<Text>)]
    filling: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    waste_code: Option<String>,
    /// What is left in it. Unit: grams.
    #[diesel(sql_type = Nullable<BigInt>)]
    left_g: Option<i64>,
    /// Every filling that it ever had, the newest first, at most 100.
    #[diesel(sql_type = Array<Text>)]
    history: Vec<String>,
}

const CONTAINERS: Sql = list_sql!(
    "SELECT x.id, x.unit_id, x.site_id, x.code, x.kind, x.capacity_ml, x.is_reusable, x.state, x.material, f.code AS filling, f.waste_code, f.left_g, \
     coalesce((SELECT array_agg(h.code ORDER BY h.id DESC) FROM (SELECT y.id, y.code FROM fillings y WHERE y.container_id = x.id ORDER BY y.id DESC LIMIT 100) h), '{}') AS history \
     FROM containers x JOIN sites s ON s.id = x.site_id LEFT JOIN fillings f ON f.id = x.filling_id",
    "x.unit_id = $1",
    "s.division",
    "($7 IS NULL OR x.site_id = $7) AND ($8 IS NULL OR x.state = $8)"
);

pub async fn containers(
    conn: &mut AsyncPgConnection,
    scope: &Scope,
    page: &Page,
    site: Option<Uuid>,
    state: Option<ContainerState>,
) -> Result<Vec<Container>, Problem> {
    Ok(scoped(CONTAINERS, scope, page)
        .bind::<Nullable<SqlUuid>, _>(site)
        .bind::<Nullable<Text>, _>(state.map(ContainerState::as_str))
        .load(conn)
        .await?)
}

/// What is in a container, wherever it is (一次装填).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Filling {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// 数字识别码.
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = SqlUuid)]
    container_id: Uuid,
    #[diesel(sql_type = Text)]
    container: String,
    /// The unit whose label it bears.
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    waste_code: String,
    #[diesel(sql_type = Date)]
    filled_on: NaiveDate,
    /// Unit: grams.
    #[diesel(sql_type = BigInt)]
    filled_g: i64,
    /// Unit: grams.
    #[diesel(sql_type = BigInt)]
    left_g: i64,
    /// Where it is; none on the road, or when it is empty.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    site_id: Option<Uuid>,
    /// The store in which it stands.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    facility_id: Option<Uuid>,
    /// The manifest on which it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    manifest_id: Option<Uuid>,
}

impl Filling {
    /// The unit whose label it bears.
    pub const fn unit_id(&self) -> Uuid {
        self.unit_id
    }
}

macro_rules! select_fillings {
    () => {
        "SELECT x.id, x.code, x.container_id, c.code AS container, x.unit_id, x.waste_code, x.filled_on, x.filled_g, x.left_g, x.site_id, l.facility_id, o.manifest_id \
         FROM fillings x JOIN containers c ON c.id = x.container_id JOIN ledger_entries e ON e.id = x.entry_id JOIN sites s ON s.id = e.site_id \
         LEFT JOIN lot_stocks l ON l.lot_id = x.lot_id LEFT JOIN loaded_fillings o ON o.filling_id = x.id AND o.ended_at IS NULL"
    };
}
const FILLINGS: Sql = list_sql!(
    select_fillings!(),
    // Whose label it bears, and on whose site it is.
    "(x.unit_id = $1 OR EXISTS (SELECT FROM sites h WHERE h.id = x.site_id AND h.unit_id = $1))",
    "s.division",
    "($7 IS NULL OR x.site_id = $7) AND ($8 IS NULL OR x.code = $8) AND ($9 IS NULL OR x.waste_code = $9)"
);

pub async fn fillings(
    conn: &mut AsyncPgConnection,
    scope: &Scope,
    page: &Page,
    site: Option<Uuid>,
    code: Option<&str>,
    waste: Option<&str>,
) -> Result<Vec<Filling>, Problem> {
    Ok(scoped(FILLINGS, scope, page)
        .bind::<Nullable<SqlUuid>, _>(site)
        .bind::<Nullable<Text>, _>(code)
        .bind::<Nullable<Text>, _>(waste)
        .load(conn)
        .await?)
}

/// A custody note (空桶交接单).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct CustodyNote {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Who sends.
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    /// To whom they belong.
    #[diesel(sql_type = SqlUuid)]
    to_unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    to_site_id: Uuid,
    #[diesel(sql_type = Text)]
    plate: String,
    #[diesel(sql_type = Date)]
    sent_on: NaiveDate,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    received_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Array<SqlUuid>)]
    containers: Vec<Uuid>,
    /// What did not come, as the receipt says.
    #[diesel(sql_type = Array<SqlUuid>)]
    missing: Vec<Uuid>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

const CUSTODY_NOTES: Sql = list_sql!(
    "SELECT x.id, x.unit_id, x.site_id, x.to_unit_id, x.to_site_id, x.plate, x.sent_on, x.received_at, \
     coalesce((SELECT array_agg(k.container_id ORDER BY k.container_id) FROM custody_containers k WHERE k.note_id = x.id), '{}') AS containers, \
     coalesce((SELECT array_agg(k.container_id ORDER BY k.container_id) FROM custody_containers k WHERE k.note_id = x.id AND NOT k.has_come), '{}') AS missing, \
     v.version FROM custody_notes x JOIN sites s ON s.id = x.site_id JOIN streams v ON v.subject_id = x.id",
    "(x.unit_id = $1 OR x.to_unit_id = $1)",
    "s.division",
    "true"
);

pub async fn custody_notes(conn: &mut AsyncPgConnection, scope: &Scope, page: &Page) -> Result<Vec<CustodyNote>, Problem> {
    Ok(scoped(CUSTODY_NOTES, scope, page).load(conn).await?)
}

/// A site whose ledger a caller may read.
#[derive(diesel::QueryableByName)]
pub struct SeenSite {
    #[diesel(sql_type = Text)]
    pub division: String,
}

/// A site, if this scope may see its ledger.
pub async fn site(conn: &mut AsyncPgConnection, scope: &Scope, id: Uuid) -> Result<Option<SeenSite>, Problem> {
    Ok(Sql("SELECT s.division FROM sites s WHERE s.id = $3 AND (s.unit_id = $1 \
         OR EXISTS (SELECT FROM division_paths p WHERE p.code = s.division AND p.ancestor = ANY($2)))")
    .bind::<Nullable<SqlUuid>, _>(scope.unit)
    .bind::<Array<Text>, _>(&scope.jurisdiction)
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await?
    .pop())
}
