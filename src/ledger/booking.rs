//! What one act writes into the ledger and the graph: gathered as plain rows, written by one statement.
//!
//! One statement, because a release must not cost a round trip for each table. The rows travel as one JSON document, so that
//! it is the same statement whatever an act has to write.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::domain::{CountsAs, EntryKind};
use super::lots::{LotKind, NewEdge, NewLot};
use super::stock::Stock;
use super::store::ShortRow;
use crate::evidence::Tx;
use crate::platform::calendar::legal_day;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// A row of `ledger_entries`.
#[derive(Debug, Clone, Serialize)]
pub struct EntryRow {
    pub id: Uuid,
    pub site_id: Uuid,
    pub unit_id: Uuid,
    pub kind: EntryKind,
    pub batch: String,
    pub waste_code: String,
    pub edition: String,
    pub common_name: Option<String>,
    pub mass_g: i64,
    pub difference_g: i64,
    pub short_g: i64,
    pub happened_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub is_late: bool,
    pub is_piped: bool,
    pub facility_id: Option<Uuid>,
    pub method: Option<String>,
    pub done_at: Option<DateTime<Utc>>,
    pub destination: Option<String>,
    pub receiver: Option<Value>,
    pub manifest_id: Option<Uuid>,
    pub line: Option<i32>,
    pub handler: String,
    pub carried_by: Option<String>,
    pub store_keeper: Option<String>,
    pub note: Option<String>,
    /// Containers with their codes and masses, as they were entered.
    pub fillings: Value,
    pub sources: Vec<Uuid>,
    /// What a count found to be another waste than the label says.
    pub found_code: Option<String>,
    pub reverses: Option<Uuid>,
    pub replaces: Option<Uuid>,
    /// The entry of which a correction of its manifest takes or adds a part.
    pub adjusts: Option<Uuid>,
}

#[derive(Debug, Clone, Serialize)]
struct LotRow {
    id: Uuid,
    site_id: Option<Uuid>,
    manifest_id: Option<Uuid>,
    line: Option<i32>,
    waste_code: String,
    kind: &'static str,
    mass_g: i64,
    made_at: DateTime<Utc>,
    entry_id: Option<Uuid>,
}

#[derive(Debug, Clone, Serialize)]
struct EdgeRow {
    id: Uuid,
    from_id: Uuid,
    to_id: Uuid,
    mass_g: i64,
    kind: &'static str,
    made_at: DateTime<Utc>,
    entry_id: Option<Uuid>,
    counts_as: Option<CountsAs>,
}

/// A new row of `lot_stocks`.
#[derive(Debug, Clone, Serialize)]
pub struct NewStock {
    pub lot_id: Uuid,
    pub site_id: Uuid,
    pub waste_code: String,
    pub batch: String,
    pub left_g: i64,
    pub facility_id: Option<Uuid>,
    pub since_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct LotAfter {
    lot_id: Uuid,
    left_g: i64,
}

/// A new row of `fillings`.
#[derive(Debug, Clone, Serialize)]
pub struct NewFilling {
    pub id: Uuid,
    pub container_id: Uuid,
    pub unit_id: Uuid,
    pub entry_id: Uuid,
    pub code: String,
    pub waste_code: String,
    pub filled_on: NaiveDate,
    pub filled_g: i64,
    pub label: Value,
    pub site_id: Option<Uuid>,
    pub lot_id: Option<Uuid>,
    pub left_g: i64,
}

/// A filling as an act leaves it.
#[derive(Debug, Clone, Serialize)]
pub struct FillingAfter {
    pub id: Uuid,
    #[serde(skip)]
    pub container: Uuid,
    pub site_id: Option<Uuid>,
    pub lot_id: Option<Uuid>,
    pub left_g: i64,
    pub taken_by: Option<Uuid>,
}

/// A container as an act leaves it.
#[derive(Debug, Clone, Serialize)]
pub struct ContainerAfter {
    pub id: Uuid,
    pub state: &'static str,
    pub filling_id: Option<Uuid>,
    /// Where it is now; where it was, if nothing is said.
    pub site_id: Option<Uuid>,
}

/// What an entry took beyond what the ledger held.
#[derive(Debug, Clone, Serialize)]
pub struct NewShort {
    pub entry_id: Uuid,
    pub site_id: Uuid,
    pub waste_code: String,
    pub counts_as: CountsAs,
    pub happened_at: DateTime<Utc>,
    pub left_g: i64,
    pub manifest_id: Option<Uuid>,
    pub line: Option<i32>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ShortAfter {
    pub entry_id: Uuid,
    pub left_g: i64,
}

/// A filling on its way under a manifest.
#[derive(Debug, Clone, Serialize)]
pub struct Loaded {
    pub id: Uuid,
    pub filling_id: Uuid,
    pub manifest_id: Uuid,
    pub line: i32,
    pub mass_g: i64,
    pub loaded_at: DateTime<Utc>,
}

/// The end of a filling's way under a manifest.
#[derive(Debug, Clone, Serialize)]
pub struct Unloaded {
    pub manifest_id: Uuid,
    pub ended_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize)]
struct StockRow {
    site_id: Uuid,
    waste_code: String,
    by_g: i64,
}

/// Everything that one act writes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Booking {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entries: Vec<EntryRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<LotRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edges: Vec<EdgeRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) stocks: Vec<NewStock>,
    #[serde(serialize_with = "as_lots")]
    lots_after: BTreeMap<Uuid, i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fillings: Vec<NewFilling>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fillings_after: Vec<FillingAfter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) containers_after: Vec<ContainerAfter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) shorts: Vec<NewShort>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) shorts_after: Vec<ShortAfter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) loaded: Vec<Loaded>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unloaded: Vec<Unloaded>,
    #[serde(serialize_with = "as_rows")]
    changes: BTreeMap<(Uuid, String), i64>,
}

fn as_rows<S: serde::Serializer>(changes: &BTreeMap<(Uuid, String), i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.iter().map(|((site_id, waste_code), by_g)| StockRow {
        site_id: *site_id,
        waste_code: waste_code.clone(),
        by_g: *by_g,
    }))
}

fn as_lots<S: serde::Serializer>(lots: &BTreeMap<Uuid, i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lots.iter().map(|(lot_id, left_g)| LotAfter { lot_id: *lot_id, left_g: *left_g }))
}

impl Booking {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.lots.is_empty() && self.edges.is_empty() && self.loaded.is_empty() && self.unloaded.is_empty()
    }

    /// Lots and edges of one instant.
    pub fn graph(&mut self, lots: &[NewLot], edges: &[NewEdge], at: DateTime<Utc>) {
        for lot in lots {
            self.lot(lot, at);
        }
        for edge in edges {
            self.edge(edge, at);
        }
    }

    pub(super) fn lot(&mut self, lot: &NewLot, made_at: DateTime<Utc>) {
        self.lots.push(LotRow {
            id: lot.id,
            site_id: lot.site,
            manifest_id: lot.manifest,
            line: lot.line,
            waste_code: lot.waste_code.clone(),
            kind: lot.kind.as_str(),
            mass_g: lot.mass_g,
            made_at,
            entry_id: lot.entry,
        });
    }

    pub(super) fn edge(&mut self, edge: &NewEdge, made_at: DateTime<Utc>) {
        self.edges.push(EdgeRow {
            id: edge.id,
            from_id: edge.from,
            to_id: edge.to,
            mass_g: edge.mass_g,
            kind: edge.kind,
            made_at,
            entry_id: edge.counts.map(|(entry, _)| entry),
            counts_as: edge.counts.map(|(_, column)| column),
        });
    }

    /// A new lot of a ledger: what is left of it counts in the site's stock.
    pub(super) fn stock(&mut self, stock: NewStock) {
        self.by(stock.site_id, &stock.waste_code, stock.left_g);
        self.stocks.push(stock);
    }

    /// A change of what a site holds. Unit: grams.
    pub(super) fn by(&mut self, site: Uuid, waste_code: &str, by_g: i64) {
        *self.changes.entry((site, waste_code.to_owned())).or_default() += by_g;
    }

    /// What draws changed. `taken_by` is the entry that took what is empty now; `emptied` is where an emptied container stands:
    /// `empty` on the site, or `away` with its content. A filling that is gone has no place.
    pub(super) fn after(&mut self, stock: &Stock, taken_by: Uuid, emptied: &'static str, site: Uuid) {
        for lot in stock.changed_lots() {
            self.lots_after.insert(lot.id, lot.left_g);
        }
        for filling in stock.changed_fillings() {
            let is_gone = filling.left_g == 0;
            self.fillings_after.push(FillingAfter {
                id: filling.id,
                container: filling.container,
                site_id: Some(site).filter(|_| !is_gone),
                lot_id: Some(filling.lot).filter(|_| !is_gone),
                left_g: filling.left_g,
                taken_by: Some(taken_by).filter(|_| is_gone),
            });
            if is_gone {
                let filling_id = Some(filling.id).filter(|_| emptied == "away");
                self.containers_after.push(ContainerAfter { id: filling.container, state: emptied, filling_id, site_id: None });
            }
        }
    }

    /// Fillings that went along with their lot: whatever the draw made of them, they are where these say.
    pub(super) fn follow(&mut self, followed: Vec<FillingAfter>) {
        self.fillings_after.retain(|after| followed.iter().all(|one| one.id != after.id));
        self.containers_after.retain(|after| followed.iter().all(|one| one.container != after.id));
        self.fillings_after.extend(followed);
    }

    /// New lots lie in the ledger under the batch of the entry that makes them.
    pub(super) fn name_batch(&mut self, batch: &str) {
        for stock in self.stocks.iter_mut().filter(|stock| stock.batch.is_empty()) {
            batch.clone_into(&mut stock.batch);
        }
    }

    /// What arose goes into a store at once: each new lot becomes one of the store's batch. Gives the mass, in grams, and what the
    /// entry tells of its containers.
    pub(super) fn store_at_once(&mut self, tx: &Tx<'_>, entry: Uuid, batch: &str, facility: Uuid, at: DateTime<Utc>) -> (i64, Vec<Value>) {
        let (mut stored_g, mut told) = (0, Vec::new());
        for index in 0..self.stocks.len() {
            let Some(stock) = self.stocks.get_mut(index).filter(|stock| stock.left_g > 0) else { continue };
            let (from, mass_g) = (stock.lot_id, std::mem::take(&mut stock.left_g));
            let new = NewStock { lot_id: tx.new_id(), batch: batch.to_owned(), left_g: mass_g, facility_id: Some(facility), ..stock.clone() };
            let lot = NewLot {
                id: new.lot_id,
                site: Some(new.site_id),
                manifest: None,
                line: None,
                waste_code: new.waste_code.clone(),
                kind: LotKind::Moved,
                mass_g,
                entry: Some(entry),
            };
            self.lot(&lot, at);
            self.edge(&NewEdge { id: tx.new_id(), from, to: new.lot_id, mass_g, kind: "move", counts: Some((entry, CountsAs::Moved)) }, at);
            for filling in self.fillings.iter_mut().filter(|filling| filling.lot_id == Some(from)) {
                filling.lot_id = Some(new.lot_id);
                told.push(json!({
                    "container_id": filling.container_id, "filling_id": filling.id, "filling": filling.code, "lot_id": from, "mass_g": filling.left_g,
                    "booked_g": filling.left_g, "left_g": filling.left_g,
                }));
            }
            self.stocks.push(new);
            stored_g += mass_g;
        }
        (stored_g, told)
    }

    /// A lot as an act leaves it. Unit: grams.
    pub(super) fn lot_after(&mut self, lot_id: Uuid, left_g: i64) {
        self.lots_after.insert(lot_id, left_g);
    }

    /// Takes over what another part of the same act writes.
    pub fn join(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.lots.extend(other.lots);
        self.edges.extend(other.edges);
        self.stocks.extend(other.stocks);
        self.lots_after.extend(other.lots_after);
        self.fillings.extend(other.fillings);
        self.fillings_after.extend(other.fillings_after);
        self.containers_after.extend(other.containers_after);
        self.shorts.extend(other.shorts);
        self.shorts_after.extend(other.shorts_after);
        self.loaded.extend(other.loaded);
        self.unloaded.extend(other.unloaded);
        for (key, by_g) in other.changes {
            *self.changes.entry(key).or_default() += by_g;
        }
    }

    /// What a manifest carries is on it no more.
    pub fn unload(&mut self, manifest_id: Uuid, ended_at: DateTime<Utc>) {
        self.unloaded.push(Unloaded { manifest_id, ended_at });
    }

    /// What went out before the ledger held it takes what comes late, the oldest first.
    pub(super) fn cover(&mut self, tx: &Tx<'_>, site: Uuid, code: &str, fresh: &mut Stock, shorts: &[ShortRow]) {
        for short in shorts {
            let (takes, left_g) = fresh.draw(short.left_g, legal_day(short.happened_at), |_| true);
            if takes.is_empty() {
                break;
            }
            let (kind, column, edge) = match short.counts_as.as_str() {
                "sent" => (LotKind::Sent, CountsAs::Sent, "move"),
                "used" => (LotKind::Treated, CountsAs::Used, "treat"),
                _ => (LotKind::Treated, CountsAs::Disposed, "treat"),
            };
            let sink = NewLot {
                id: tx.new_id(),
                site: Some(site),
                manifest: short.manifest_id,
                line: short.line,
                waste_code: code.to_owned(),
                kind,
                mass_g: short.left_g - left_g,
                entry: Some(short.entry_id),
            };
            self.lot(&sink, short.happened_at);
            for take in takes {
                let counts = Some((short.entry_id, column));
                self.edge(&NewEdge { id: tx.new_id(), from: take.lot, to: sink.id, mass_g: take.mass_g, kind: edge, counts }, short.happened_at);
            }
            if let Some(released) = short.released_id {
                let edge = NewEdge { id: tx.new_id(), from: sink.id, to: released, mass_g: sink.mass_g, kind: "send", counts: None };
                self.edge(&edge, short.happened_at);
            }
            self.shorts_after.push(ShortAfter { entry_id: short.entry_id, left_g });
        }
    }

    /// Ids of the entries that it makes.
    pub fn entry_ids(&self) -> impl Iterator<Item = Uuid> {
        self.entries.iter().map(|entry| entry.id)
    }

    /// Writes everything in one statement.
    ///
    /// # Errors
    /// As the database.
    pub async fn write(&self, mut conn: &AsyncPgConnection) -> Result<(), Problem> {
        if self.is_empty() {
            return Ok(());
        }
        let document = serde_json::to_string(self).map_err(|error| Problem::internal(&error))?;
        // Most acts on the road touch the graph alone, and need not run past every table of the ledger.
        let touches_graph_alone = self.entries.is_empty() && self.loaded.is_empty() && self.unloaded.is_empty() && self.stocks.is_empty();
        let sql = if touches_graph_alone { GRAPH } else { BOOK };
        sql.bind::<Text, _>(document).execute(&mut conn).await?;
        Ok(())
    }
}

const GRAPH: Sql = Sql("WITH d AS MATERIALIZED (SELECT $1::text::json AS j), \
     l AS (INSERT INTO lots (id, site_id, manifest_id, line, waste_code, kind, mass_g, made_at, entry_id) \
       SELECT r.id, r.site_id, r.manifest_id, r.line, r.waste_code, r.kind, r.mass_g, r.made_at, r.entry_id \
       FROM d, json_to_recordset(d.j->'lots') AS r(id uuid, site_id uuid, manifest_id uuid, line int, waste_code text, kind text, mass_g bigint, \
       made_at timestamptz, entry_id uuid)) \
     INSERT INTO lot_edges (id, from_id, to_id, mass_g, kind, made_at, entry_id, counts_as) \
       SELECT r.id, r.from_id, r.to_id, r.mass_g, r.kind, r.made_at, r.entry_id, r.counts_as \
       FROM d, json_to_recordset(d.j->'edges') AS r(id uuid, from_id uuid, to_id uuid, mass_g bigint, kind text, made_at timestamptz, entry_id uuid, \
       counts_as text)");

// Foreign keys among the new rows are looked at when the statement ends. Rows that it updates were there before it.
const BOOK: Sql = Sql("WITH d AS MATERIALIZED (SELECT $1::text::json AS j), \
     e AS (INSERT INTO ledger_entries (id, site_id, unit_id, kind, batch, waste_code, edition, common_name, mass_g, difference_g, short_g, happened_at, \
       recorded_at, is_late, is_piped, facility_id, method, done_at, destination, receiver, manifest_id, line, handler, carried_by, store_keeper, note, \
       fillings, sources, found_code, reverses, replaces, adjusts) \
       SELECT r.id, r.site_id, r.unit_id, r.kind, r.batch, r.waste_code, r.edition, r.common_name, r.mass_g, r.difference_g, r.short_g, r.happened_at, \
       r.recorded_at, r.is_late, r.is_piped, r.facility_id, r.method, r.done_at, r.destination, r.receiver, r.manifest_id, r.line, r.handler, r.carried_by, \
       r.store_keeper, r.note, r.fillings, r.sources, r.found_code, r.reverses, r.replaces, r.adjusts \
       FROM d, json_to_recordset(d.j->'entries') AS r(id uuid, site_id uuid, unit_id uuid, kind text, batch text, waste_code text, edition text, \
       common_name text, mass_g bigint, difference_g bigint, short_g bigint, happened_at timestamptz, recorded_at timestamptz, is_late boolean, \
       is_piped boolean, facility_id uuid, method text, done_at timestamptz, destination text, receiver jsonb, manifest_id uuid, line int, handler text, \
       carried_by text, store_keeper text, note text, fillings jsonb, sources uuid[], found_code text, reverses uuid, replaces uuid, adjusts uuid)), \
     l AS (INSERT INTO lots (id, site_id, manifest_id, line, waste_code, kind, mass_g, made_at, entry_id) \
       SELECT r.id, r.site_id, r.manifest_id, r.line, r.waste_code, r.kind, r.mass_g, r.made_at, r.entry_id \
       FROM d, json_to_recordset(d.j->'lots') AS r(id uuid, site_id uuid, manifest_id uuid, line int, waste_code text, kind text, mass_g bigint, \
       made_at timestamptz, entry_id uuid)), \
     g AS (INSERT INTO lot_edges (id, from_id, to_id, mass_g, kind, made_at, entry_id, counts_as) \
       SELECT r.id, r.from_id, r.to_id, r.mass_g, r.kind, r.made_at, r.entry_id, r.counts_as \
       FROM d, json_to_recordset(d.j->'edges') AS r(id uuid, from_id uuid, to_id uuid, mass_g bigint, kind text, made_at timestamptz, entry_id uuid, \
       counts_as text)), \
     s AS (INSERT INTO lot_stocks (lot_id, site_id, waste_code, batch, left_g, facility_id, since_at) \
       SELECT r.lot_id, r.site_id, r.waste_code, r.batch, r.left_g, r.facility_id, r.since_at \
       FROM d, json_to_recordset(d.j->'stocks') AS r(lot_id uuid, site_id uuid, waste_code text, batch text, left_g bigint, facility_id uuid, \
       since_at timestamptz)), \
     a AS (UPDATE lot_stocks x SET left_g = r.left_g FROM d, json_to_recordset(d.j->'lots_after') AS r(lot_id uuid, left_g bigint) \
       WHERE x.lot_id = r.lot_id), \
     f AS (INSERT INTO fillings (id, container_id, unit_id, entry_id, code, waste_code, filled_on, filled_g, label, site_id, lot_id, left_g) \
       SELECT r.id, r.container_id, r.unit_id, r.entry_id, r.code, r.waste_code, r.filled_on, r.filled_g, r.label, r.site_id, r.lot_id, r.left_g \
       FROM d, json_to_recordset(d.j->'fillings') AS r(id uuid, container_id uuid, unit_id uuid, entry_id uuid, code text, waste_code text, \
       filled_on date, filled_g bigint, label jsonb, site_id uuid, lot_id uuid, left_g bigint)), \
     b AS (UPDATE fillings x SET site_id = r.site_id, lot_id = r.lot_id, left_g = r.left_g, taken_by = r.taken_by \
       FROM d, json_to_recordset(d.j->'fillings_after') AS r(id uuid, site_id uuid, lot_id uuid, left_g bigint, taken_by uuid) WHERE x.id = r.id), \
     c AS (UPDATE containers x SET state = r.state, filling_id = r.filling_id, site_id = coalesce(r.site_id, x.site_id) \
       FROM d, json_to_recordset(d.j->'containers_after') AS r(id uuid, state text, filling_id uuid, site_id uuid) WHERE x.id = r.id), \
     h AS (INSERT INTO ledger_shorts (entry_id, site_id, waste_code, counts_as, happened_at, left_g, manifest_id, line) \
       SELECT r.entry_id, r.site_id, r.waste_code, r.counts_as, r.happened_at, r.left_g, r.manifest_id, r.line \
       FROM d, json_to_recordset(d.j->'shorts') AS r(entry_id uuid, site_id uuid, waste_code text, counts_as text, happened_at timestamptz, \
       left_g bigint, manifest_id uuid, line int)), \
     i AS (UPDATE ledger_shorts x SET left_g = r.left_g FROM d, json_to_recordset(d.j->'shorts_after') AS r(entry_id uuid, left_g bigint) \
       WHERE x.entry_id = r.entry_id), \
     o AS (INSERT INTO loaded_fillings (id, filling_id, manifest_id, line, mass_g, loaded_at) \
       SELECT r.id, r.filling_id, r.manifest_id, r.line, r.mass_g, r.loaded_at \
       FROM d, json_to_recordset(d.j->'loaded') AS r(id uuid, filling_id uuid, manifest_id uuid, line int, mass_g bigint, loaded_at timestamptz)), \
     u AS (UPDATE loaded_fillings x SET ended_at = r.ended_at \
       FROM d, json_to_recordset(d.j->'unloaded') AS r(manifest_id uuid, ended_at timestamptz) WHERE x.manifest_id = r.manifest_id AND x.ended_at IS NULL) \
     UPDATE ledger_stocks x SET left_g = x.left_g + r.by_g \
       FROM d, json_to_recordset(d.j->'changes') AS r(site_id uuid, waste_code text, by_g bigint) \
       WHERE x.site_id = r.site_id AND x.waste_code = r.waste_code AND r.by_g <> 0");
