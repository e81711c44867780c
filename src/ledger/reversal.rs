//! Taking an entry back: every edge that it made gets its opposite, every lot that it made is emptied. Nothing is changed.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::booking::{Booking, ContainerAfter, EntryRow, FillingAfter};
use super::domain::{CountsAs, EntryKind};
use super::lots::{LotKind, NewEdge, NewLot};
use super::refusal::{LedgerRefusal, refuse};
use crate::evidence::Tx;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// An entry to be reversed.
#[derive(diesel::QueryableByName, Clone)]
pub struct Stored {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub batch: String,
    #[diesel(sql_type = Text)]
    pub waste_code: String,
    #[diesel(sql_type = Text)]
    pub edition: String,
    #[diesel(sql_type = BigInt)]
    pub mass_g: i64,
    #[diesel(sql_type = Timestamptz)]
    pub happened_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub manifest_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    pub is_reversed: bool,
}

macro_rules! select_entries {
    () => {
        "SELECT x.id, x.site_id, x.unit_id, x.kind, x.batch, x.waste_code, x.edition, x.mass_g, x.happened_at, x.manifest_id, \
         EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id) AS is_reversed FROM ledger_entries x "
    };
}

/// One entry.
pub async fn entry(mut conn: &AsyncPgConnection, id: Uuid) -> Result<Option<Stored>, Problem> {
    Ok(Sql(concat!(select_entries!(), "WHERE x.id = $1")).bind::<SqlUuid, _>(id).load(&mut conn).await?.pop())
}

/// What went into a store in the same call in which it arose: one cannot be wrong and the other right.
pub async fn stored_at_once(mut conn: &AsyncPgConnection, id: Uuid) -> Result<Vec<Stored>, Problem> {
    Ok(Sql(concat!(
        select_entries!(),
        "JOIN ledger_entries o ON o.id = $1 WHERE x.site_id = o.site_id AND x.kind = 'stored' AND x.sources = ARRAY[o.id] AND x.recorded_at = o.recorded_at \
         AND o.kind IN ('generated', 'received') AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id)"
    ))
    .bind::<SqlUuid, _>(id)
    .load(&mut conn)
    .await?)
}

/// What a manifest's release wrote and nobody took back.
pub async fn sent_by(mut conn: &AsyncPgConnection, manifest: Uuid) -> Result<Vec<Stored>, Problem> {
    Ok(Sql(concat!(
        select_entries!(),
        "WHERE x.manifest_id = $1 AND (x.kind = 'sent' OR x.adjusts IS NOT NULL) AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id) ORDER BY x.id"
    ))
    .bind::<SqlUuid, _>(manifest)
    .load(&mut conn)
    .await?)
}

#[derive(diesel::QueryableByName)]
struct EdgeRow {
    #[diesel(sql_type = SqlUuid)]
    entry_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    from_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    to_id: Uuid,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    #[diesel(sql_type = Text)]
    counts_as: String,
    #[diesel(sql_type = Timestamptz)]
    made_at: DateTime<Utc>,
    /// What is left of the lot that it comes from, where that lies in the ledger.
    #[diesel(sql_type = Nullable<BigInt>)]
    from_left_g: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    to_left_g: Option<i64>,
}

#[derive(diesel::QueryableByName)]
struct LotRow {
    #[diesel(sql_type = SqlUuid)]
    entry_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    lot_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
    #[diesel(sql_type = Timestamptz)]
    made_at: DateTime<Utc>,
}

#[derive(diesel::QueryableByName)]
struct FillingRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    entry_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    container_id: Uuid,
    /// Made by the entry itself.
    #[diesel(sql_type = Bool)]
    is_new: bool,
    /// Where it is now, and what it holds.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    lot_id: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
    /// Where it was before the entry, and what the entry took.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    lot_before: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    taken_g: i64,
    #[diesel(sql_type = Bool)]
    is_on_manifest: bool,
    /// The entry that filled its container anew.
    #[diesel(sql_type = Nullable<Text>)]
    refilled_by: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct BatchRow {
    #[diesel(sql_type = Text)]
    batch: String,
}

fn column_of(text: &str) -> CountsAs {
    match text {
        "generated" => CountsAs::Generated,
        "received" => CountsAs::Received,
        "used" => CountsAs::Used,
        "disposed" => CountsAs::Disposed,
        "sent" => CountsAs::Sent,
        "moved" => CountsAs::Moved,
        _ => CountsAs::Adjusted,
    }
}

/// The entries that took what an entry made.
async fn in_the_way(mut conn: &AsyncPgConnection, lots: &[Uuid], own: &[Uuid]) -> Result<String, Problem> {
    let rows: Vec<BatchRow> = Sql("SELECT DISTINCT e.batch FROM lot_edges g JOIN ledger_entries e ON e.id = g.entry_id \
         WHERE g.from_id = ANY($1) AND NOT e.id = ANY($2) AND e.kind <> 'corrected' AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = e.id) \
         ORDER BY e.batch LIMIT 20")
    .bind::<Array<SqlUuid>, _>(lots)
    .bind::<Array<SqlUuid>, _>(own)
    .load(&mut conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.batch).collect::<Vec<_>>().join("、"))
}

/// Reverses entries of one site, whose stocks are locked. What an entry made must still be there. `is_typed` says that
/// somebody corrects an entry; a release that is taken back is no such thing.
///
/// # Errors
/// `entry-in-the-way`.
pub async fn reverse(tx: &mut Tx<'_>, entries: &[Stored], handler: &str, reason: Option<&str>, is_typed: bool) -> Result<Booking, Problem> {
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
    let conn: &AsyncPgConnection = tx.conn;
    let (mut first, mut second, mut third) = (conn, conn, conn);
    let edges = Sql("SELECT g.entry_id, g.from_id, g.to_id, g.mass_g, g.counts_as, g.made_at, a.left_g AS from_left_g, b.left_g AS to_left_g \
         FROM lot_edges g LEFT JOIN lot_stocks a ON a.lot_id = g.from_id LEFT JOIN lot_stocks b ON b.lot_id = g.to_id \
         WHERE g.entry_id = ANY($1) AND g.counts_as IS NOT NULL ORDER BY g.id")
    .bind::<Array<SqlUuid>, _>(&ids)
    .load::<EdgeRow>(&mut first);
    let lots = Sql("SELECT l.entry_id, s.lot_id, l.kind, l.mass_g, s.left_g, l.made_at FROM lots l JOIN lot_stocks s ON s.lot_id = l.id \
         WHERE l.entry_id = ANY($1) ORDER BY l.id")
    .bind::<Array<SqlUuid>, _>(&ids)
    .load::<LotRow>(&mut second);
    let fillings =
        Sql("SELECT f.id, e.id AS entry_id, f.container_id, f.entry_id = e.id AS is_new, f.lot_id, f.left_g, (t->>'lot_id')::uuid AS lot_before, \
         (coalesce((t->>'booked_g')::bigint, 0) - coalesce((t->>'left_g')::bigint, 0)) AS taken_g, \
         EXISTS (SELECT FROM loaded_fillings o WHERE o.filling_id = f.id AND o.ended_at IS NULL) AS is_on_manifest, \
         (SELECT n.batch FROM containers c JOIN fillings y ON y.id = c.filling_id JOIN ledger_entries n ON n.id = y.entry_id \
          WHERE c.id = f.container_id AND c.state = 'filled' AND y.id <> f.id) AS refilled_by \
         FROM ledger_entries e CROSS JOIN LATERAL jsonb_array_elements(e.fillings) t JOIN fillings f ON f.id = (t->>'filling_id')::uuid \
         WHERE e.id = ANY($1) ORDER BY f.id")
        .bind::<Array<SqlUuid>, _>(&ids)
        .load::<FillingRow>(&mut third);
    let (edges, lots, fillings) = futures_util::join!(edges, lots, fillings);
    let (edges, lots, fillings) = (edges?, lots?, fillings?);

    // What one of the entries moved on, comes back with it.
    let back_g = |lot: Uuid| -> i64 { edges.iter().filter(|edge| edge.from_id == lot).map(|edge| edge.mass_g).sum() };
    let gone: Vec<Uuid> = lots.iter().filter(|lot| lot.left_g + back_g(lot.lot_id) < lot.mass_g).map(|lot| lot.lot_id).collect();
    let short: Vec<Uuid> = edges
        .iter()
        .filter(|edge| edge.counts_as == "adjusted" && edge.from_left_g.is_none() && edge.to_left_g.is_some_and(|left_g| left_g < edge.mass_g))
        .map(|edge| edge.to_id)
        .collect();
    let refilled = fillings.iter().filter(|filling| filling.left_g == 0).find_map(|filling| filling.refilled_by.clone());
    let moved_on = fillings.iter().any(|filling| is_typed && filling.is_on_manifest);
    if !gone.is_empty() || !short.is_empty() || moved_on || refilled.is_some() {
        let batches = match refilled {
            Some(batch) => batch,
            None => in_the_way(conn, &[gone, short].concat(), &ids).await?,
        };
        return Err(refuse("", LedgerRefusal::EntryInTheWay { batches }));
    }

    let mut booking = Booking::default();
    let (now, mut left) = (tx.now(), std::collections::BTreeMap::<Uuid, i64>::new());
    let Some(site) = entries.first().map(|entry| entry.site_id) else { return Ok(booking) };
    let reversals: Vec<(Uuid, Uuid)> = entries.iter().map(|entry| (entry.id, tx.new_id())).collect();
    let reversal_of = |entry: Uuid| reversals.iter().find(|(one, _)| *one == entry).map(|(_, id)| *id);
    let code_of = |entry: Uuid| entries.iter().find(|one| one.id == entry).map(|one| one.waste_code.clone()).unwrap_or_default();
    for entry in entries {
        let Some(id) = reversal_of(entry.id) else { continue };
        booking.entries.push(EntryRow {
            id,
            site_id: site,
            unit_id: entry.unit_id,
            kind: EntryKind::Corrected,
            batch: entry.batch.clone(),
            waste_code: entry.waste_code.clone(),
            edition: entry.edition.clone(),
            common_name: None,
            mass_g: entry.mass_g,
            difference_g: 0,
            short_g: 0,
            // It was never so: the books of that day are right again, and show when they were put right.
            happened_at: entry.happened_at,
            recorded_at: now,
            is_late: false,
            is_piped: false,
            facility_id: None,
            method: None,
            done_at: None,
            destination: None,
            receiver: None,
            manifest_id: entry.manifest_id,
            line: None,
            handler: handler.to_owned(),
            carried_by: None,
            store_keeper: None,
            note: reason.map(str::to_owned),
            fillings: json!([]),
            sources: Vec::new(),
            found_code: None,
            reverses: Some(entry.id),
            replaces: None,
            adjusts: None,
        });
        booking.shorts_after.push(super::booking::ShortAfter { entry_id: entry.id, left_g: 0 });
    }
    let mut change = |booking: &mut Booking, lot: Uuid, was_g: i64, code: &str, by_g: i64| {
        let now_g = left.entry(lot).or_insert(was_g);
        *now_g += by_g;
        let left_g = *now_g;
        booking.lot_after(lot, left_g);
        booking.by(site, code, by_g);
    };
    for edge in &edges {
        let Some(reversal) = reversal_of(edge.entry_id) else { continue };
        let code = code_of(edge.entry_id);
        let counts = Some((reversal, column_of(&edge.counts_as)));
        booking.edge(&NewEdge { id: tx.new_id(), from: edge.to_id, to: edge.from_id, mass_g: edge.mass_g, kind: "adjust", counts }, edge.made_at);
        if let Some(was_g) = edge.from_left_g {
            change(&mut booking, edge.from_id, was_g, &code, edge.mass_g);
        }
        if let Some(was_g) = edge.to_left_g {
            change(&mut booking, edge.to_id, was_g, &code, -edge.mass_g);
        }
    }
    // What came out of nothing goes back to it.
    for lot in lots.iter().filter(|lot| lot.kind != "moved") {
        let Some(reversal) = reversal_of(lot.entry_id) else { continue };
        let code = code_of(lot.entry_id);
        let column = match lot.kind.as_str() {
            "generated" => CountsAs::Generated,
            "received" => CountsAs::Received,
            _ => CountsAs::Adjusted,
        };
        let sink = NewLot {
            id: tx.new_id(),
            site: Some(site),
            manifest: None,
            line: None,
            waste_code: code.clone(),
            kind: LotKind::Adjusted,
            mass_g: lot.mass_g,
            entry: Some(reversal),
        };
        booking.lot(&sink, lot.made_at);
        let edge = NewEdge { id: tx.new_id(), from: lot.lot_id, to: sink.id, mass_g: lot.mass_g, kind: "adjust", counts: Some((reversal, column)) };
        booking.edge(&edge, lot.made_at);
        change(&mut booking, lot.lot_id, lot.left_g, &code, -lot.mass_g);
    }
    let made: Vec<Uuid> = lots.iter().map(|lot| lot.lot_id).collect();
    let is_undone = |filling: &FillingRow| fillings.iter().any(|other| other.id == filling.id && other.is_new);
    for filling in fillings.iter().filter(|filling| filling.is_new || !is_undone(filling)) {
        let reversal = reversal_of(filling.entry_id);
        let mut after = FillingAfter { id: filling.id, container: filling.container_id, site_id: None, lot_id: None, left_g: 0, taken_by: reversal };
        if !filling.is_new {
            let is_where_it_was = filling.lot_id.is_none_or(|lot| Some(lot) == filling.lot_before || made.contains(&lot));
            let (Some(lot), true) = (filling.lot_before, is_where_it_was) else { continue };
            after = FillingAfter { site_id: Some(site), lot_id: Some(lot), left_g: filling.left_g + filling.taken_g, taken_by: None, ..after };
        }
        let (state, filling_id) = if filling.is_new { ("empty", None) } else { ("filled", Some(filling.id)) };
        booking.containers_after.push(ContainerAfter { id: filling.container_id, state, filling_id, site_id: None });
        booking.fillings_after.push(after);
    }
    Ok(booking)
}
