//! What acts of the ledger read, most of it under the lock of a site's stock.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::stock::{Held, Stock, StockLot};
use crate::platform::calendar::legal_day;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// A site as its ledger needs it.
#[derive(diesel::QueryableByName)]
pub struct SiteRow {
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Text)]
    pub uscc: String,
    #[diesel(sql_type = Text)]
    pub division: String,
}

pub async fn site(mut conn: &AsyncPgConnection, id: Uuid) -> Result<Option<SiteRow>, Problem> {
    Ok(Sql("SELECT s.unit_id, u.uscc, s.division FROM sites s JOIN units u ON u.id = s.unit_id WHERE s.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(&mut conn)
        .await?
        .pop())
}

/// A facility as an entry names it.
#[derive(diesel::QueryableByName, Clone)]
pub struct FacilityRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub site_id: Uuid,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub capacity_g: Option<i64>,
    /// What stands in it now, all wastes.
    #[diesel(sql_type = BigInt)]
    pub holds_g: i64,
}

pub async fn facilities(mut conn: &AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<FacilityRow>, Problem> {
    Ok(Sql("SELECT f.id, f.site_id, f.code, f.kind, f.capacity_g, \
         coalesce((SELECT sum(l.left_g) FROM lot_stocks l WHERE l.site_id = f.site_id AND l.facility_id = f.id AND l.left_g > 0), 0)::bigint AS holds_g \
         FROM facilities f WHERE f.id = ANY($1)")
    .bind::<Array<SqlUuid>, _>(ids)
    .load(&mut conn)
    .await?)
}

/// Locks what a site holds of some wastes, in one order for all acts.
pub async fn lock_stocks(mut conn: &AsyncPgConnection, site: Uuid, codes: &[String]) -> Result<(), Problem> {
    Sql("INSERT INTO ledger_stocks (site_id, waste_code, left_g) SELECT $1, c, 0 FROM (SELECT DISTINCT unnest($2::text[]) AS c ORDER BY c) t \
         ON CONFLICT (site_id, waste_code) DO UPDATE SET left_g = ledger_stocks.left_g")
    .bind::<SqlUuid, _>(site)
    .bind::<Array<Text>, _>(codes)
    .execute(&mut conn)
    .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct LotRow {
    #[diesel(sql_type = SqlUuid)]
    lot_id: Uuid,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    facility_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    since_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    made_at: DateTime<Utc>,
}

#[derive(diesel::QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = SqlUuid)]
    container_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    lot_id: Uuid,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
}

/// What a site holds of one waste. Its stock is locked.
pub async fn stock(mut conn: &AsyncPgConnection, site: Uuid, code: &str) -> Result<Stock, Problem> {
    let mut second = conn;
    let lots = Sql("SELECT s.lot_id, s.left_g, s.facility_id, s.since_at, l.made_at FROM lot_stocks s JOIN lots l ON l.id = s.lot_id \
         WHERE s.site_id = $1 AND s.waste_code = $2 AND s.left_g > 0")
    .bind::<SqlUuid, _>(site)
    .bind::<Text, _>(code)
    .load::<LotRow>(&mut conn);
    let fillings =
        Sql("SELECT f.id, f.code, f.container_id, f.lot_id, f.left_g FROM fillings f WHERE f.site_id = $1 AND f.waste_code = $2 AND f.left_g > 0")
            .bind::<SqlUuid, _>(site)
            .bind::<Text, _>(code)
            .load::<HeldRow>(&mut second);
    let (lots, fillings) = futures_util::join!(lots, fillings);
    Ok(Stock::new(lots?.into_iter().map(StockLot::from).collect(), fillings?.into_iter().map(Held::from).collect()))
}

impl From<LotRow> for StockLot {
    fn from(row: LotRow) -> Self {
        Self { id: row.lot_id, left_g: row.left_g, facility: row.facility_id, since_at: row.since_at, made_on: legal_day(row.made_at) }
    }
}

impl From<HeldRow> for Held {
    fn from(row: HeldRow) -> Self {
        Self { id: row.id, code: row.code, container: row.container_id, lot: row.lot_id, left_g: row.left_g }
    }
}

/// A filling as an act names it.
#[derive(diesel::QueryableByName, Clone)]
pub struct FillingRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = SqlUuid)]
    pub container_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub site_id: Option<Uuid>,
    /// The unit whose site it is on.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub at_unit: Option<Uuid>,
    #[diesel(sql_type = Text)]
    pub waste_code: String,
    #[diesel(sql_type = BigInt)]
    pub left_g: i64,
    /// The manifest on which it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub manifest_id: Option<Uuid>,
    /// The manifest on which it was last.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub last_manifest_id: Option<Uuid>,
    /// Batch of the entry that took the last of it.
    #[diesel(sql_type = Nullable<Text>)]
    pub taken_batch: Option<String>,
}

/// Fillings by their codes or by the containers that hold them.
pub async fn fillings(mut conn: &AsyncPgConnection, codes: &[String], containers: &[Uuid]) -> Result<Vec<FillingRow>, Problem> {
    Ok(Sql("SELECT f.id, f.code, f.container_id, f.unit_id, f.site_id, s.unit_id AS at_unit, f.waste_code, f.left_g, o.manifest_id, \
         (SELECT t.manifest_id FROM loaded_fillings t WHERE t.filling_id = f.id ORDER BY t.id DESC LIMIT 1) AS last_manifest_id, \
         (SELECT e.batch FROM ledger_entries e WHERE e.id = f.taken_by) AS taken_batch \
         FROM fillings f LEFT JOIN sites s ON s.id = f.site_id LEFT JOIN loaded_fillings o ON o.filling_id = f.id AND o.ended_at IS NULL \
         WHERE f.id IN (SELECT x.id FROM fillings x WHERE x.code = ANY($1) UNION SELECT c.filling_id FROM containers c WHERE c.id = ANY($2))")
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<SqlUuid>, _>(containers)
    .load(&mut conn)
    .await?)
}

/// A container as an act names it, locked.
#[derive(diesel::QueryableByName, Clone)]
pub struct ContainerRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub site_id: Uuid,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Bool)]
    pub is_reusable: bool,
    #[diesel(sql_type = Bool)]
    pub was_filled: bool,
    /// 数字识别码 of what is in it.
    #[diesel(sql_type = Nullable<Text>)]
    pub filling_code: Option<String>,
    /// Batch of the entry that filled it.
    #[diesel(sql_type = Nullable<Text>)]
    pub filled_batch: Option<String>,
}

pub async fn lock_containers(mut conn: &AsyncPgConnection, unit: Uuid, ids: &[Uuid]) -> Result<Vec<ContainerRow>, Problem> {
    Ok(Sql("SELECT c.id, c.site_id, c.code, c.state, c.is_reusable, EXISTS (SELECT FROM fillings f WHERE f.container_id = c.id \
           AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = f.entry_id)) AS was_filled, \
         (SELECT f.code FROM fillings f WHERE f.id = c.filling_id) AS filling_code, \
         (SELECT e.batch FROM fillings f JOIN ledger_entries e ON e.id = f.entry_id WHERE f.id = c.filling_id) AS filled_batch \
         FROM containers c WHERE c.id = ANY($2) AND c.unit_id = $1 ORDER BY c.id FOR UPDATE OF c")
    .bind::<SqlUuid, _>(unit)
    .bind::<Array<SqlUuid>, _>(ids)
    .load(&mut conn)
    .await?)
}

#[derive(diesel::QueryableByName)]
struct LastRow {
    #[diesel(sql_type = Integer)]
    last: i32,
}

/// Takes serials of batches; gives the first of them.
pub async fn take_batches(mut conn: &AsyncPgConnection, site: Uuid, prefix: &str, day: NaiveDate, count: usize) -> Result<u32, Problem> {
    let rows: Vec<LastRow> = Sql("INSERT INTO ledger_batches (site_id, prefix, day, last) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (site_id, prefix, day) DO UPDATE SET last = ledger_batches.last + $4 RETURNING last")
    .bind::<SqlUuid, _>(site)
    .bind::<Text, _>(prefix)
    .bind::<Date, _>(day)
    .bind::<Integer, _>(i32::try_from(count).unwrap_or(i32::MAX))
    .load(&mut conn)
    .await?;
    first_of(&rows, count)
}

/// Takes serials of labels; gives the first of them.
pub async fn take_labels(mut conn: &AsyncPgConnection, unit: Uuid, code: &str, day: NaiveDate, count: usize) -> Result<u32, Problem> {
    let rows: Vec<LastRow> = Sql("INSERT INTO filling_serials (unit_id, waste_code, day, last) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (unit_id, waste_code, day) DO UPDATE SET last = filling_serials.last + $4 RETURNING last")
    .bind::<SqlUuid, _>(unit)
    .bind::<Text, _>(code)
    .bind::<Date, _>(day)
    .bind::<Integer, _>(i32::try_from(count).unwrap_or(i32::MAX))
    .load(&mut conn)
    .await?;
    first_of(&rows, count)
}

fn first_of(rows: &[LastRow], count: usize) -> Result<u32, Problem> {
    let last = rows.first().and_then(|row| u32::try_from(row.last).ok()).ok_or_else(|| Problem::broken("a counter gives nothing"))?;
    Ok(last.saturating_sub(u32::try_from(count).unwrap_or(0)) + 1)
}

/// What was sent or treated before the ledger held it.
#[derive(diesel::QueryableByName, Clone)]
pub struct ShortRow {
    #[diesel(sql_type = SqlUuid)]
    pub entry_id: Uuid,
    #[diesel(sql_type = Text)]
    pub counts_as: String,
    #[diesel(sql_type = Timestamptz)]
    pub happened_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub left_g: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub manifest_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub line: Option<i32>,
    /// The lot under which the line moves, where it has left.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub released_id: Option<Uuid>,
}

/// What a waste still owes the ledger, the oldest first. The stock is locked.
pub async fn shorts(mut conn: &AsyncPgConnection, site: Uuid, code: &str, from: DateTime<Utc>) -> Result<Vec<ShortRow>, Problem> {
    Ok(Sql("SELECT s.entry_id, s.counts_as, s.happened_at, s.left_g, s.manifest_id, s.line, \
         (SELECT l.id FROM lots l WHERE s.counts_as = 'sent' AND l.manifest_id = s.manifest_id AND l.line = s.line AND l.kind = 'released' \
          ORDER BY l.id DESC LIMIT 1) AS released_id \
         FROM ledger_shorts s WHERE s.site_id = $1 AND s.waste_code = $2 AND s.left_g > 0 AND s.happened_at >= $3 ORDER BY s.happened_at, s.entry_id")
    .bind::<SqlUuid, _>(site)
    .bind::<Text, _>(code)
    .bind::<Timestamptz, _>(from)
    .load(&mut conn)
    .await?)
}

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The lots that entries made, and those into which they were moved since.
pub async fn lots_from(mut conn: &AsyncPgConnection, site: Uuid, entries: &[Uuid]) -> Result<Vec<Uuid>, Problem> {
    let rows: Vec<IdRow> = Sql("WITH RECURSIVE r AS (SELECT l.id FROM lots l WHERE l.entry_id = ANY($2) AND l.site_id = $1 \
         UNION SELECT e.to_id FROM lot_edges e JOIN r ON e.from_id = r.id WHERE e.kind = 'move' AND e.counts_as = 'moved') SELECT id FROM r")
    .bind::<SqlUuid, _>(site)
    .bind::<Array<SqlUuid>, _>(entries)
    .load(&mut conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A lot, and those into which it was moved since.
pub async fn lots_after(mut conn: &AsyncPgConnection, lot: Uuid) -> Result<Vec<Uuid>, Problem> {
    let rows: Vec<IdRow> = Sql("WITH RECURSIVE r AS (SELECT $1::uuid AS id UNION SELECT e.to_id FROM lot_edges e JOIN r ON e.from_id = r.id \
         WHERE e.kind = 'move' AND e.counts_as = 'moved') SELECT id FROM r")
    .bind::<SqlUuid, _>(lot)
    .load(&mut conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A filling on its way.
#[derive(diesel::QueryableByName)]
pub struct OnTheWay {
    #[diesel(sql_type = SqlUuid)]
    pub filling_id: Uuid,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = SqlUuid)]
    pub container_id: Uuid,
    #[diesel(sql_type = Integer)]
    pub line: i32,
    #[diesel(sql_type = BigInt)]
    pub mass_g: i64,
}

/// The fillings that a manifest carries.
pub async fn on_the_way(mut conn: &AsyncPgConnection, manifest: Uuid) -> Result<Vec<OnTheWay>, Problem> {
    Ok(Sql("SELECT o.filling_id, f.code, f.container_id, o.line, o.mass_g FROM loaded_fillings o JOIN fillings f ON f.id = o.filling_id \
         WHERE o.manifest_id = $1 AND o.ended_at IS NULL ORDER BY o.line, f.code")
    .bind::<SqlUuid, _>(manifest)
    .load(&mut conn)
    .await?)
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether a site has begun its ledger here: whoever keeps it elsewhere is not told at each manifest that it is short.
pub async fn has_begun(mut conn: &AsyncPgConnection, site: Uuid) -> Result<bool, Problem> {
    let rows: Vec<YesRow> =
        Sql("SELECT EXISTS (SELECT FROM ledger_entries WHERE site_id = $1 AND kind IN ('generated', 'received', 'counted')) AS yes")
            .bind::<SqlUuid, _>(site)
            .load(&mut conn)
            .await?;
    Ok(rows.iter().any(|row| row.yes))
}

/// Which of some entries are of a site.
pub async fn entries_of(mut conn: &AsyncPgConnection, site: Uuid, ids: &[Uuid]) -> Result<Vec<Uuid>, Problem> {
    let rows: Vec<IdRow> = Sql("SELECT id FROM ledger_entries WHERE site_id = $1 AND id = ANY($2)")
        .bind::<SqlUuid, _>(site)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(diesel::QueryableByName)]
struct BatchRow {
    #[diesel(sql_type = Text)]
    batch: String,
}

/// The entries that took most lately of a waste: those in the way of somebody who finds nothing left.
pub async fn took_last(conn: &mut AsyncPgConnection, site: Uuid, code: &str) -> Result<Vec<String>, Problem> {
    let rows: Vec<BatchRow> = Sql("SELECT batch FROM (SELECT DISTINCT e.id, e.batch FROM ledger_entries e JOIN lot_edges g ON g.entry_id = e.id \
         WHERE e.site_id = $1 AND e.waste_code = $2 AND e.kind IN ('sent', 'used_on_site', 'disposed_on_site', 'counted') \
         AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = e.id) ORDER BY e.id DESC LIMIT 3) t ORDER BY id DESC")
    .bind::<SqlUuid, _>(site)
    .bind::<Text, _>(code)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.batch).collect())
}
