//! What a correction of a manifest changes in ledgers: the entries stand, and a row beside each says by how much.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::booking::{Booking, EntryRow, NewShort, ShortAfter};
use super::domain::{CountsAs, EntryKind};
use super::lots::{LotKind, NewEdge, NewLot};
use super::stock::Stock;
use super::store;
use crate::evidence::Tx;
use crate::platform::calendar::legal_day;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// By how much a line of a manifest changes what a ledger says.
#[derive(Debug, Clone, Copy)]
pub struct Amendment {
    /// `Sent`, `Received`, `Used` or `Disposed`; of the last two either stands for the treatment.
    pub column: CountsAs,
    /// Line of the manifest.
    pub line: i32,
    /// Which treatment of the line, from 0.
    pub nth: usize,
    /// Unit: grams.
    pub by_g: i64,
}

#[derive(diesel::QueryableByName, Clone)]
struct EntryOf {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    batch: String,
    #[diesel(sql_type = Text)]
    waste_code: String,
    #[diesel(sql_type = Text)]
    edition: String,
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = Timestamptz)]
    happened_at: DateTime<Utc>,
    /// What it still owes the ledger.
    #[diesel(sql_type = BigInt)]
    short_g: i64,
    /// The lot of the first container that it names: what is weighed otherwise was in it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    held_in: Option<Uuid>,
    /// Its own lot: what was sent, received or treated.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    lot_id: Option<Uuid>,
    /// The line as it left.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    released_id: Option<Uuid>,
}

const ENTRIES: Sql = Sql("SELECT x.id, x.site_id, x.unit_id, x.kind, x.batch, x.waste_code, x.edition, x.line, x.happened_at, \
     coalesce((SELECT h.left_g FROM ledger_shorts h WHERE h.entry_id = x.id), 0) AS short_g, \
     (SELECT (t->>'lot_id')::uuid FROM jsonb_array_elements(x.fillings) t WHERE t ? 'lot_id' LIMIT 1) AS held_in, \
     (SELECT l.id FROM lots l WHERE l.entry_id = x.id AND l.kind IN ('sent', 'received', 'treated') ORDER BY l.id LIMIT 1) AS lot_id, \
     (SELECT l.id FROM lots l WHERE l.manifest_id = $1 AND l.line = x.line AND l.kind = 'released' ORDER BY l.id DESC LIMIT 1) AS released_id \
     FROM ledger_entries x WHERE x.manifest_id = $1 AND x.kind <> 'corrected' AND x.line IS NOT NULL \
     AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = x.id) ORDER BY x.id");

#[derive(diesel::QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = SqlUuid)]
    lot_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    sink_id: Uuid,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
}

// What an entry took out of each lot, less what corrections gave back since; the last taken first.
const TAKEN: Sql = Sql(
    "SELECT g.from_id AS lot_id, min(g.to_id::text)::uuid AS sink_id, s.left_g, (sum(g.mass_g) - coalesce((SELECT sum(b.mass_g) FROM lot_edges b \
       JOIN ledger_entries c ON c.id = b.entry_id WHERE c.adjusts = $1 AND b.to_id = g.from_id AND b.kind = 'adjust' AND b.counts_as = $2), 0))::bigint AS mass_g \
     FROM lot_edges g JOIN lot_stocks s ON s.lot_id = g.from_id WHERE g.entry_id = $1 AND g.kind <> 'adjust' AND g.counts_as = $2 \
     GROUP BY g.from_id, s.left_g ORDER BY max(g.id::text) DESC",
);

/// Books what a correction of a manifest changes. `edges` are those that it adds to the graph: where they touch a lot of a
/// ledger, they count there.
///
/// # Errors
/// As the database.
pub async fn amended(tx: &mut Tx<'_>, manifest: Uuid, handler: &str, amendments: &[Amendment], edges: &mut Vec<NewEdge>) -> Result<Booking, Problem> {
    let mut booking = Booking::default();
    if amendments.iter().all(|one| one.by_g == 0) {
        return Ok(booking);
    }
    let entries: Vec<EntryOf> = ENTRIES.bind::<SqlUuid, _>(manifest).load(tx.conn).await?;
    let mut stocks: BTreeMap<(Uuid, String), Stock> = BTreeMap::new();
    let mut keys: Vec<(Uuid, String)> = entries.iter().map(|entry| (entry.site_id, entry.waste_code.clone())).collect();
    keys.sort();
    keys.dedup();
    for (site, code) in keys {
        store::lock_stocks(tx.conn, site, std::slice::from_ref(&code)).await?;
        let stock = store::stock(tx.conn, site, &code).await?;
        stocks.insert((site, code), stock);
    }
    let mut last = BTreeMap::new();
    for amendment in amendments.iter().filter(|one| one.by_g != 0) {
        let fits = |entry: &&EntryOf| {
            let is_kind = match amendment.column {
                CountsAs::Sent => entry.kind == "sent",
                CountsAs::Received => entry.kind == "received",
                _ => matches!(entry.kind.as_str(), "used_on_site" | "disposed_on_site"),
            };
            is_kind && entry.line == amendment.line
        };
        let Some(entry) = entries.iter().filter(fits).nth(amendment.nth) else { continue };
        let Some(stock) = stocks.get_mut(&(entry.site_id, entry.waste_code.clone())) else { continue };
        let id = tx.new_id();
        booking.entries.push(row_of(tx, entry, id, handler, manifest, amendment.by_g));
        let mut amend = Amend { tx, entry, id, stock, booking: &mut booking, manifest };
        match (amendment.column, amendment.by_g) {
            (CountsAs::Received, by_g) => amend.received(by_g, edges).await?,
            (column, by_g) if by_g > 0 => amend.more(column, by_g).await?,
            (column, by_g) => amend.less(column, -by_g).await?,
        }
        last.insert((entry.site_id, entry.waste_code.clone()), (id, entry.kind == "sent"));
    }
    for (key, stock) in &stocks {
        if let Some((id, is_sent)) = last.get(key) {
            booking.after(stock, *id, if *is_sent { "away" } else { "empty" }, key.0);
        }
    }
    Ok(booking)
}

fn row_of(tx: &Tx<'_>, entry: &EntryOf, id: Uuid, handler: &str, manifest: Uuid, by_g: i64) -> EntryRow {
    EntryRow {
        id,
        site_id: entry.site_id,
        unit_id: entry.unit_id,
        kind: EntryKind::Corrected,
        batch: entry.batch.clone(),
        waste_code: entry.waste_code.clone(),
        edition: entry.edition.clone(),
        common_name: None,
        mass_g: by_g.abs(),
        difference_g: by_g,
        short_g: 0,
        happened_at: entry.happened_at,
        recorded_at: tx.now(),
        is_late: false,
        is_piped: false,
        facility_id: None,
        method: None,
        done_at: None,
        destination: None,
        receiver: None,
        manifest_id: Some(manifest),
        line: Some(entry.line),
        handler: handler.to_owned(),
        carried_by: None,
        store_keeper: None,
        note: None,
        fillings: json!([]),
        sources: Vec::new(),
        found_code: None,
        reverses: None,
        replaces: None,
        adjusts: Some(entry.id),
    }
}

/// One amendment under way.
struct Amend<'a, 't, 'c> {
    tx: &'a mut Tx<'t>,
    entry: &'a EntryOf,
    id: Uuid,
    stock: &'a mut Stock,
    booking: &'c mut Booking,
    manifest: Uuid,
}

impl Amend<'_, '_, '_> {
    fn edge(&mut self, from: Uuid, to: Uuid, mass_g: i64, kind: &'static str, column: CountsAs) {
        let edge = NewEdge { id: self.tx.new_id(), from, to, mass_g, kind, counts: Some((self.id, column)) };
        self.booking.edge(&edge, self.entry.happened_at);
    }

    fn lot(&mut self, kind: LotKind, mass_g: i64) -> Uuid {
        let of_line = kind != LotKind::Adjusted;
        let lot = NewLot {
            id: self.tx.new_id(),
            site: Some(self.entry.site_id),
            // An outside or treated lot of the line, which graph and ledger look up by it.
            manifest: Some(self.manifest).filter(|_| of_line),
            line: Some(self.entry.line).filter(|_| of_line),
            waste_code: self.entry.waste_code.clone(),
            kind,
            mass_g,
            entry: Some(self.id),
        };
        self.booking.lot(&lot, self.entry.happened_at);
        lot.id
    }

    fn by(&mut self, by_g: i64) {
        self.booking.by(self.entry.site_id, &self.entry.waste_code, by_g);
    }

    /// More went out than the entry says: out of its container, whose content was more then, or out of the stock.
    async fn more(&mut self, column: CountsAs, by_g: i64) -> Result<(), Problem> {
        let column = self.column(column);
        // What was treated is a lot of the manifest's own, to which its correction adds the difference.
        let kind = if column == CountsAs::Sent { LotKind::Sent } else { LotKind::Adjusted };
        let edge = if column == CountsAs::Sent { "move" } else { "treat" };
        if let (CountsAs::Sent, Some(lot)) = (column, self.entry.held_in) {
            let other = self.lot(LotKind::Adjusted, by_g);
            self.edge(other, lot, by_g, "adjust", CountsAs::Adjusted);
            let sink = self.lot(kind, by_g);
            self.edge(lot, sink, by_g, edge, column);
            self.go_on(sink, by_g);
            return Ok(());
        }
        let day = legal_day(self.entry.happened_at);
        let own = match column {
            CountsAs::Sent => None,
            _ => Some(self.accepted().await?),
        };
        let (takes, short_g) = self.stock.draw(by_g, day, |lot| own.as_ref().is_none_or(|lots| lots.contains(&lot.id)));
        let given_g = by_g - short_g;
        if given_g > 0 {
            let sink = self.lot(kind, given_g);
            for take in takes {
                self.edge(take.lot, sink, take.mass_g, edge, column);
            }
            self.by(-given_g);
            self.go_on(sink, given_g);
        }
        if short_g > 0 {
            self.booking.shorts.push(NewShort {
                entry_id: self.id,
                site_id: self.entry.site_id,
                waste_code: self.entry.waste_code.clone(),
                counts_as: column,
                happened_at: self.entry.happened_at,
                left_g: short_g,
                manifest_id: Some(self.manifest),
                line: Some(self.entry.line),
            });
        }
        Ok(())
    }

    /// What a treatment is of: use and disposal are one thing to a manifest.
    fn column(&self, column: CountsAs) -> CountsAs {
        match self.entry.kind.as_str() {
            "used_on_site" => CountsAs::Used,
            "disposed_on_site" => CountsAs::Disposed,
            _ => column,
        }
    }

    /// The line goes on with what was given beside.
    fn go_on(&mut self, sink: Uuid, mass_g: i64) {
        if let Some(released) = self.entry.released_id.filter(|_| self.entry.kind == "sent") {
            let edge = NewEdge { id: self.tx.new_id(), from: sink, to: released, mass_g, kind: "send", counts: None };
            self.booking.edge(&edge, self.entry.happened_at);
        }
    }

    /// The lots into which what the line's receiver accepted was moved.
    async fn accepted(&mut self) -> Result<Vec<Uuid>, Problem> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = SqlUuid)]
            id: Uuid,
        }
        let row: Option<Row> = Sql("SELECT id FROM lots WHERE manifest_id = $1 AND line = $2 AND kind = 'received' ORDER BY id DESC LIMIT 1")
            .bind::<SqlUuid, _>(self.manifest)
            .bind::<Integer, _>(self.entry.line)
            .load(self.tx.conn)
            .await?
            .pop();
        let conn: &AsyncPgConnection = self.tx.conn;
        match row {
            Some(row) => store::lots_after(conn, row.id).await,
            None => Ok(Vec::new()),
        }
    }

    /// Less went out than the entry says: what it owed first; else its container held less, or it lies in the stock again.
    async fn less(&mut self, column: CountsAs, less_g: i64) -> Result<(), Problem> {
        let column = self.column(column);
        let owed_g = less_g.min(self.entry.short_g);
        if owed_g > 0 {
            self.booking.shorts_after.push(ShortAfter { entry_id: self.entry.id, left_g: self.entry.short_g - owed_g });
        }
        let mut left_g = less_g - owed_g;
        if left_g == 0 {
            return Ok(());
        }
        let taken: Vec<TakenRow> = TAKEN.bind::<SqlUuid, _>(self.entry.id).bind::<Text, _>(column.as_str()).load(self.tx.conn).await?;
        for one in taken {
            let part_g = one.mass_g.min(left_g);
            if part_g <= 0 {
                continue;
            }
            left_g -= part_g;
            self.edge(one.sink_id, one.lot_id, part_g, "adjust", column);
            if self.entry.held_in.is_some() && column == CountsAs::Sent {
                // It was weighed wrong: the drum went with what it held, and held less.
                let other = self.lot(LotKind::Adjusted, part_g);
                self.edge(one.lot_id, other, part_g, "adjust", CountsAs::Adjusted);
            } else {
                match self.stock.lot(one.lot_id) {
                    Some(_) => self.stock.adjust(one.lot_id, None, part_g),
                    None => self.booking.lot_after(one.lot_id, one.left_g + part_g),
                }
                self.by(part_g);
            }
        }
        Ok(())
    }

    /// More or less was accepted: the graph's own edge counts in the receiver's ledger, as of the receipt.
    async fn received(&mut self, by_g: i64, edges: &mut Vec<NewEdge>) -> Result<(), Problem> {
        let Some(lot) = self.entry.lot_id else { return Ok(()) };
        let touches = |edge: &NewEdge| edge.kind == "adjust" && edge.counts.is_none() && (edge.to == lot || edge.from == lot);
        let Some(at) = edges.iter().position(touches) else { return Ok(()) };
        let edge = edges.remove(at);
        let counts = Some((self.id, CountsAs::Received));
        if by_g > 0 {
            self.booking.edge(&NewEdge { counts, ..edge }, self.entry.happened_at);
            match self.stock.lot(lot) {
                Some(_) => self.stock.adjust(lot, None, by_g),
                None => self.booking.lot_after(lot, by_g),
            }
            self.by(by_g);
            return Ok(());
        }
        // What was stored since comes back out of its store; what is gone, no ledger holds any more.
        let conn: &AsyncPgConnection = self.tx.conn;
        let lots = store::lots_after(conn, lot).await?;
        let (takes, gone_g) = self.stock.draw(-by_g, legal_day(self.tx.now()), |one| lots.contains(&one.id));
        for take in takes.iter().filter(|take| take.lot != lot) {
            self.edge(take.lot, lot, take.mass_g, "adjust", CountsAs::Moved);
        }
        self.by(by_g + gone_g);
        if edge.mass_g > gone_g {
            self.booking.edge(&NewEdge { counts, mass_g: edge.mass_g - gone_g, ..edge.clone() }, self.entry.happened_at);
        }
        if gone_g > 0 {
            edges.push(NewEdge { id: self.tx.new_id(), mass_g: gone_g, ..edge });
        }
        Ok(())
    }
}
