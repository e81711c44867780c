//! Balances, breaks and totals: found from lots and edges alone, to the gram.
//!
//! A lot of a ledger counts what it was made of; an edge that a ledger counts takes from the lot it comes from, and an `adjust`
//! edge gives to the lot it goes to. So opening plus every column is closing by construction, and the truth of it is that
//! closing is what is left of the lots.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Date, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules;
use crate::catalogue;
use crate::platform::calendar::{WorkingDays, end_of, legal_day, start_of};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Every movement of a site's lots: code, batch, entry, column, signed mass, instant. `$1` is the site.
macro_rules! movements {
    () => {
        "WITH s AS (SELECT l.id, l.waste_code, l.mass_g, l.made_at, l.kind, l.entry_id, x.batch FROM lot_stocks x JOIN lots l ON l.id = x.lot_id \
           WHERE x.site_id = $1), \
         m AS (SELECT s.waste_code, s.batch, s.id AS lot_id, s.entry_id, s.made_at AS at, s.mass_g AS g, \
             CASE s.kind WHEN 'generated' THEN 'generated' WHEN 'received' THEN 'received' WHEN 'moved' THEN 'moved' ELSE 'adjusted' END AS col FROM s \
           UNION ALL SELECT s.waste_code, s.batch, s.id, e.entry_id, e.made_at, -e.mass_g, e.counts_as FROM lot_edges e JOIN s ON s.id = e.from_id \
             WHERE e.counts_as IS NOT NULL \
           UNION ALL SELECT s.waste_code, s.batch, s.id, e.entry_id, e.made_at, e.mass_g, e.counts_as FROM lot_edges e JOIN s ON s.id = e.to_id \
             WHERE e.counts_as IS NOT NULL AND e.kind = 'adjust') "
    };
}

macro_rules! columns {
    () => {
        "coalesce(sum(g) FILTER (WHERE at < $2), 0)::bigint AS opening_g, \
         coalesce(sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'generated'), 0)::bigint AS generated_g, \
         coalesce(sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'received'), 0)::bigint AS received_g, \
         coalesce(-sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'used'), 0)::bigint AS used_g, \
         coalesce(-sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'disposed'), 0)::bigint AS disposed_g, \
         coalesce(-sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'sent'), 0)::bigint AS sent_g, \
         coalesce(sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'moved'), 0)::bigint AS moved_g, \
         coalesce(sum(g) FILTER (WHERE at >= $2 AND at < $3 AND col = 'adjusted'), 0)::bigint AS adjusted_g, \
         coalesce(sum(g) FILTER (WHERE at < $3), 0)::bigint AS closing_g"
    };
}

/// A line of the balance (平衡). Opening, generated, received, moved and adjusted less used, disposed and sent is closing.
///
/// Unit: grams.
#[derive(diesel::QueryableByName, Debug, Serialize, ToSchema)]
pub struct BalanceRow {
    /// 废物代码.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// 批次编码 of the lots, where the balance is by batch.
    #[diesel(sql_type = Nullable<Text>)]
    pub batch: Option<String>,
    /// 期初.
    #[diesel(sql_type = BigInt)]
    pub opening_g: i64,
    /// 产生.
    #[diesel(sql_type = BigInt)]
    pub generated_g: i64,
    /// 接收.
    #[diesel(sql_type = BigInt)]
    pub received_g: i64,
    /// 自行利用.
    #[diesel(sql_type = BigInt)]
    pub used_g: i64,
    /// 自行处置.
    #[diesel(sql_type = BigInt)]
    pub disposed_g: i64,
    /// 委外.
    #[diesel(sql_type = BigInt)]
    pub sent_g: i64,
    /// Into the batch and out of it by storing and taking out; by code always nothing.
    #[diesel(sql_type = BigInt)]
    pub moved_g: i64,
    /// 计量差异.
    #[diesel(sql_type = BigInt)]
    pub adjusted_g: i64,
    /// 期末.
    #[diesel(sql_type = BigInt)]
    pub closing_g: i64,
}

const BY_CODE: Sql = Sql(concat!(movements!(), "SELECT waste_code AS code, NULL::text AS batch, ", columns!(), " FROM m GROUP BY 1 ORDER BY 1"));
const BY_BATCH: Sql =
    Sql(concat!(movements!(), "SELECT waste_code AS code, batch, ", columns!(), " FROM m GROUP BY 1, 2 ORDER BY 1, min(at), 2 LIMIT 5000"));

/// The balance of a site between two days, both included.
pub async fn balance(conn: &mut AsyncPgConnection, site: Uuid, from: NaiveDate, on: NaiveDate, by_batch: bool) -> Result<Vec<BalanceRow>, Problem> {
    let sql = if by_batch { BY_BATCH } else { BY_CODE };
    Ok(sql.bind::<SqlUuid, _>(site).bind::<Timestamptz, _>(start_of(from)).bind::<Timestamptz, _>(end_of(on)).load(conn).await?)
}

/// Mass of one kind by its way: a treatment by method, what was sent by receiver, licence and method. Unit: grams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// `used`, `disposed` or `sent`.
    pub column: String,
    /// 利用处置方式.
    pub method: Option<String>,
    /// 接收单位: kind, name, number; for what was sent.
    pub receiver: Option<Value>,
    /// Out of the ledger's lots.
    pub mass_g: i64,
    /// Sent or treated without the ledger having held it: it is no part of the balance.
    pub short_g: i64,
}

/// What a declaration says of one waste. Opening, generated, received and adjusted less every flow is closing. Unit: grams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// 废物代码.
    pub code: String,
    /// 期初.
    pub opening_g: i64,
    /// 产生.
    pub generated_g: i64,
    /// 接收.
    pub received_g: i64,
    /// 计量差异.
    pub adjusted_g: i64,
    /// 期末.
    pub closing_g: i64,
    /// 自行利用、自行处置 by method, 委外 by receiver.
    pub flows: Vec<Flow>,
}

#[derive(diesel::QueryableByName)]
struct FlowRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    col: String,
    #[diesel(sql_type = Nullable<Text>)]
    method: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    receiver: Option<Value>,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    #[diesel(sql_type = BigInt)]
    short_g: i64,
}

// A correction counts for the way of the entry that it corrects.
const FLOWS: Sql = Sql(concat!(
    movements!(),
    "SELECT code, col, method, receiver, sum(mass_g)::bigint AS mass_g, sum(short_g)::bigint AS short_g FROM ( \
       SELECT m.waste_code AS code, m.col, o.method, o.receiver, -m.g AS mass_g, 0::bigint AS short_g FROM m JOIN ledger_entries e ON e.id = m.entry_id \
         JOIN ledger_entries o ON o.id = coalesce(e.reverses, e.adjusts, e.id) WHERE m.at >= $2 AND m.at < $3 AND m.col IN ('used', 'disposed', 'sent') \
       UNION ALL SELECT h.waste_code, h.counts_as, o.method, o.receiver, 0, h.left_g FROM ledger_shorts h JOIN ledger_entries e ON e.id = h.entry_id \
         JOIN ledger_entries o ON o.id = coalesce(e.adjusts, e.id) \
         WHERE h.site_id = $1 AND h.happened_at >= $2 AND h.happened_at < $3 AND h.left_g > 0) t \
     GROUP BY 1, 2, 3, 4 HAVING sum(mass_g) <> 0 OR sum(short_g) <> 0 ORDER BY 1, 2, 3, 4"
));

/// What a site's ledger says of each waste between two days, both included: for declarations.
///
/// Legal source: `hj_1259_2022/7.2`.
///
/// # Errors
/// As the database.
pub async fn totals(conn: &mut AsyncPgConnection, site: Uuid, from: NaiveDate, to: NaiveDate) -> Result<Vec<Totals>, Problem> {
    let rows = balance(conn, site, from, to, false).await?;
    let flows: Vec<FlowRow> =
        FLOWS.bind::<SqlUuid, _>(site).bind::<Timestamptz, _>(start_of(from)).bind::<Timestamptz, _>(end_of(to)).load(conn).await?;
    let mut all: Vec<Totals> = rows
        .into_iter()
        .map(|row| Totals {
            code: row.code,
            opening_g: row.opening_g,
            generated_g: row.generated_g,
            received_g: row.received_g,
            adjusted_g: row.adjusted_g,
            closing_g: row.closing_g,
            flows: Vec::new(),
        })
        .collect();
    for row in flows {
        let flow = Flow { column: row.col, method: row.method, receiver: row.receiver, mass_g: row.mass_g, short_g: row.short_g };
        match all.iter_mut().find(|one| one.code == row.code) {
            Some(one) => one.flows.push(flow),
            // Sent, and the ledger never held any of it.
            None => all.push(Totals { code: row.code, opening_g: 0, generated_g: 0, received_g: 0, adjusted_g: 0, closing_g: 0, flows: vec![flow] }),
        }
    }
    Ok(all)
}

/// What breaks a balance, or a limit of the store, by name.
#[derive(diesel::QueryableByName, Debug, Serialize, ToSchema)]
pub struct Break {
    /// counted_short, counted_over, released_less_than_content, released_more, measured_otherwise, sent_without_ledger,
    /// treated_without_ledger, wrong_code, late_entry, over_capacity or over_age.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// 废物代码; none for a store.
    #[diesel(sql_type = Nullable<Text>)]
    pub code: Option<String>,
    /// 批次编码.
    #[diesel(sql_type = Nullable<Text>)]
    pub batch: Option<String>,
    /// The entry.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub entry_id: Option<Uuid>,
    /// 数字识别码.
    #[diesel(sql_type = Nullable<Text>)]
    pub filling: Option<String>,
    /// 设施编码.
    #[diesel(sql_type = Nullable<Text>)]
    pub facility: Option<String>,
    /// The manifest.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub manifest_id: Option<Uuid>,
    /// By how much. Unit: grams.
    #[diesel(sql_type = BigInt)]
    pub mass_g: i64,
    /// When it happened.
    #[diesel(sql_type = Date)]
    pub on: NaiveDate,
    /// What the label or the plan of the store says instead: another waste, a last day, a capacity in grams.
    #[diesel(sql_type = Nullable<Text>)]
    pub instead: Option<String>,
}

const BREAKS: Sql = Sql("WITH e AS (SELECT x.* FROM ledger_entries x WHERE x.site_id = $1 AND x.happened_at < $2 AND x.kind <> 'corrected' \
       AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id)), \
     f AS (SELECT e.*, t->>'filling' AS filling, (t->>'mass_g')::bigint - (t->>'booked_g')::bigint AS by_g FROM e, jsonb_array_elements(e.fillings) t \
       WHERE e.difference_g <> 0 AND t ? 'booked_g'), \
     d AS (SELECT f.id, f.kind, f.waste_code, f.batch, f.filling, f.manifest_id, f.by_g, f.happened_at FROM f WHERE f.by_g <> 0 \
       UNION ALL SELECT e.id, e.kind, e.waste_code, e.batch, NULL, e.manifest_id, e.difference_g, e.happened_at FROM e \
         WHERE e.difference_g <> 0 AND NOT EXISTS (SELECT FROM f WHERE f.id = e.id AND f.by_g <> 0) \
       UNION ALL SELECT x.id, 'sent', x.waste_code, x.batch, NULL, x.manifest_id, x.difference_g, x.happened_at FROM ledger_entries x \
         WHERE x.site_id = $1 AND x.happened_at < $2 AND x.adjusts IS NOT NULL AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id) \
         AND EXISTS (SELECT FROM lot_edges g WHERE g.entry_id = x.id AND g.counts_as = 'adjusted')) \
     SELECT CASE WHEN d.kind = 'counted' THEN CASE WHEN d.by_g < 0 THEN 'counted_short' ELSE 'counted_over' END \
         WHEN d.kind = 'sent' THEN CASE WHEN d.by_g < 0 THEN 'released_less_than_content' ELSE 'released_more' END ELSE 'measured_otherwise' END AS kind, \
       d.waste_code AS code, d.batch, d.id AS entry_id, d.filling, NULL::text AS facility, d.manifest_id, abs(d.by_g) AS mass_g, \
       (d.happened_at AT TIME ZONE 'Asia/Shanghai')::date AS on, NULL::text AS instead FROM d \
     UNION ALL SELECT CASE h.counts_as WHEN 'sent' THEN 'sent_without_ledger' ELSE 'treated_without_ledger' END, h.waste_code, e.batch, e.id, NULL, NULL, \
       h.manifest_id, h.left_g, (h.happened_at AT TIME ZONE 'Asia/Shanghai')::date, NULL FROM ledger_shorts h JOIN ledger_entries e ON e.id = h.entry_id \
       WHERE h.site_id = $1 AND h.left_g > 0 AND h.happened_at < $2 \
     UNION ALL SELECT 'wrong_code', e.waste_code, e.batch, e.id, e.fillings->0->>'filling', NULL, e.manifest_id, e.mass_g, \
       (e.happened_at AT TIME ZONE 'Asia/Shanghai')::date, e.found_code FROM e WHERE e.found_code IS NOT NULL \
     UNION ALL SELECT 'late_entry', e.waste_code, e.batch, e.id, NULL, NULL, e.manifest_id, e.mass_g, (e.happened_at AT TIME ZONE 'Asia/Shanghai')::date, \
       (e.recorded_at AT TIME ZONE 'Asia/Shanghai')::date::text FROM e WHERE e.is_late \
     UNION ALL SELECT 'over_capacity', NULL, NULL, NULL, NULL, c.code, NULL, c.holds_g - c.capacity_g, $3, c.capacity_g::text \
       FROM (SELECT a.code, a.capacity_g, (SELECT sum(l.left_g) FROM lot_stocks l WHERE l.site_id = $1 AND l.facility_id = a.id)::bigint AS holds_g \
         FROM facilities a WHERE a.site_id = $1 AND a.kind = 'storage' AND a.capacity_g IS NOT NULL) c WHERE $4 AND c.holds_g > c.capacity_g \
     ORDER BY 9 DESC, 1, 4 LIMIT 2000");

#[derive(diesel::QueryableByName)]
struct AgeRow {
    #[diesel(sql_type = Text)]
    waste_code: String,
    #[diesel(sql_type = Text)]
    batch: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    entry_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    since_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_received: bool,
    #[diesel(sql_type = Nullable<Text>)]
    filling: Option<String>,
}

// What was left on the day, and whether the mass was received from others: that of a store made of it was, too.
const AGES: Sql = Sql(concat!(
    movements!(),
    "SELECT m.waste_code, m.batch, min(l.entry_id::text)::uuid AS entry_id, x.since_at, sum(m.g)::bigint AS left_g, \
     EXISTS (WITH RECURSIVE r AS (SELECT m.lot_id AS id UNION SELECT e.from_id FROM lot_edges e JOIN r ON e.to_id = r.id WHERE e.counts_as = 'moved' AND e.kind = 'move') \
       SELECT FROM r JOIN lots o ON o.id = r.id WHERE o.kind = 'received') AS is_received, \
     (SELECT f.code FROM fillings f WHERE f.lot_id = m.lot_id LIMIT 1) AS filling \
     FROM m JOIN lot_stocks x ON x.lot_id = m.lot_id JOIN lots l ON l.id = m.lot_id \
     WHERE m.at < $2 AND x.since_at < $3 GROUP BY m.waste_code, m.batch, m.lot_id, x.since_at HAVING sum(m.g) > 0 ORDER BY x.since_at LIMIT 2000"
));

#[derive(diesel::QueryableByName)]
struct HolderRow {
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Every break of a site up to a day, the newest first; a store's capacity is that of now.
pub async fn breaks(
    conn: &mut AsyncPgConnection,
    site: Uuid,
    division: &str,
    on: NaiveDate,
    today: NaiveDate,
    calendar: &WorkingDays,
) -> Result<Vec<Break>, Problem> {
    let mut found: Vec<Break> = BREAKS
        .bind::<SqlUuid, _>(site)
        .bind::<Timestamptz, _>(end_of(on))
        .bind::<Date, _>(on)
        .bind::<diesel::sql_types::Bool, _>(on >= today)
        .load(conn)
        .await?;
    let licences: Vec<HolderRow> =
        Sql("SELECT DISTINCT l.kind FROM licences l WHERE l.site_id = $1 AND l.verified_at IS NOT NULL AND l.valid_from <= $2 AND l.valid_to >= $2")
            .bind::<SqlUuid, _>(site)
            .bind::<Date, _>(on)
            .load(conn)
            .await?;
    let own_days = catalogue::parameter_integer(conn, rules::GENERATOR_STORAGE_WARN_DAYS, division, on).await?;
    let (is_holder, is_collector) = (!licences.is_empty(), licences.iter().any(|licence| licence.kind == "collection"));
    let holder_days = *rules::LICENCE_HOLDER_STORES_DAYS.on(on);
    // Ninety working days are more than ninety days: nothing younger can be over any limit.
    let shortest = own_days.min(if is_collector { 90 } else { holder_days });
    let before = start_of(on - chrono::TimeDelta::days(shortest));
    let ages: Vec<AgeRow> = AGES.bind::<SqlUuid, _>(site).bind::<Timestamptz, _>(end_of(on)).bind::<Timestamptz, _>(before).load(conn).await?;
    for age in ages {
        let since = legal_day(age.since_at);
        let last_day = match (age.is_received, is_collector, is_holder) {
            (true, true, _) => calendar.add_working_days(since, *rules::COLLECTOR_PASSES_ON_WORKING_DAYS.on(on)).last_day,
            (true, false, true) => since + chrono::TimeDelta::days(holder_days),
            _ => since + chrono::TimeDelta::days(own_days),
        };
        if on > last_day {
            found.push(Break {
                kind: "over_age".to_owned(),
                code: Some(age.waste_code),
                batch: Some(age.batch),
                entry_id: age.entry_id,
                filling: age.filling,
                facility: None,
                manifest_id: None,
                mass_g: age.left_g,
                on: since,
                instead: Some(last_day.to_string()),
            });
        }
    }
    Ok(found)
}
