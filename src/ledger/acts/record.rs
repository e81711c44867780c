//! Recording an entry: what arose, what went into the store and out of it, what was used, disposed of, sent or counted.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{SUBJECT, Warnings, entry as shape, event};
use crate::catalogue::{self, CodeFacts, Listing};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{Actor, Uscc, transact};
use crate::ledger::booking::{Booking, ContainerAfter, EntryRow, FillingAfter, NewFilling, NewStock};
use crate::ledger::codes::{BatchNo, DigitalCode};
use crate::ledger::domain::{CountsAs, EntryContainer, EntryKind, LabelStatement, RecordEntry, RecordKind, is_use, prefix_of};
use crate::ledger::lots::{LotKind, NewEdge, NewLot};
use crate::ledger::refusal::LedgerRefusal;
use crate::ledger::stock::{Held, Stock, StockLot, Take};
use crate::ledger::store::{self, ContainerRow, FacilityRow, FillingRow, ShortRow};
use crate::ledger::{policy, rules};
use crate::platform::calendar::{legal_day, start_of};
use crate::platform::call::Call;
use crate::platform::mass::MassInput;
use crate::platform::problem::{Problem, Refusals, Text};
use crate::registry::Words;

/// Records an entry of the ledger of a site of the actor's unit.
///
/// Legal source: `eco_code_2026/532/para1`, `hj_1259_2022/6.3`.
///
/// # Errors
/// 403; every refusal of `LedgerRefusal` that a record can meet, all at once per stage.
pub async fn record_entry(call: &Call, actor: &Actor, entry: RecordEntry) -> Result<Outcome, Problem> {
    transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = policy::keeps_ledger(actor)?;
        book(tx, unit, &entry, None, "").await
    })
    .await
}

/// What an entry rests on, read before any lock.
struct Facts {
    uscc: Uscc,
    facility: Option<FacilityRow>,
    store: Option<FacilityRow>,
    codes: CodeFacts,
    is_use: bool,
    late_days: i64,
    label_digits: u8,
}

/// An entry under way.
struct Work<'e> {
    entry: &'e RecordEntry,
    at: &'e str,
    id: Uuid,
    unit: Uuid,
    code: String,
    happened_at: DateTime<Utc>,
    day: NaiveDate,
    facts: Facts,
    stock: Stock,
    booking: Booking,
    refusals: Refusals<LedgerRefusal>,
    warnings: Warnings,
    /// Containers as entered, for the entry.
    told: Vec<Value>,
    /// What was weighed of fillings.
    weighed: BTreeMap<Uuid, i64>,
    difference_g: i64,
}

/// Books an entry, with its events; `replaces` is the entry that a correction reversed, `at` where the entry stands in the body.
pub(super) async fn book(tx: &mut Tx<'_>, unit: Uuid, entry: &RecordEntry, replaces: Option<Uuid>, at: &str) -> Result<(), Problem> {
    let now = tx.now();
    let happened_at = entry.happened_at.unwrap_or(now);
    let mut refusals = shape::check(entry, at);
    if happened_at > now {
        refusals.add(format!("{at}/happened_at"), LedgerRefusal::HappenedInFuture);
    }
    if entry.kind == RecordKind::Counted && legal_day(happened_at) != legal_day(now) {
        refusals.add(format!("{at}/happened_at"), LedgerRefusal::CountedAnotherDay);
    }
    let day = legal_day(happened_at);
    let facts = facts(tx, unit, entry, day, at, &mut refusals).await?;
    let Some(facts) = facts.filter(|_| refusals.is_empty()) else { return Err(refusals.or(()).err().map_or_else(Problem::not_found, Problem::from)) };
    let code = entry.code.to_string();
    let site = entry.site_id;
    let fillings: Vec<String> = entry.containers.iter().filter_map(|one| one.filling).map(|code| code.to_string()).collect();
    let containers: Vec<Uuid> = entry.containers.iter().filter_map(|one| one.container_id).collect();
    // A count may find another waste than the label says: then it is the label's stock that is counted.
    let code = match entry.kind {
        RecordKind::Counted if entry.containers.len() == 1 => {
            let named = store::fillings(tx.conn, &fillings, &containers).await?;
            named.first().filter(|one| one.site_id == Some(site)).map_or(code, |one| one.waste_code.clone())
        }
        _ => code,
    };
    let conn: &AsyncPgConnection = tx.conn;
    store::lock_stocks(conn, site, std::slice::from_ref(&code)).await?;
    let (stock, containers, fillings, sources, own_sources, shorts) = futures_util::try_join!(
        store::stock(conn, site, &code),
        store::lock_containers(conn, unit, &containers),
        store::fillings(conn, &fillings, &containers),
        store::lots_from(conn, site, &entry.sources),
        store::entries_of(conn, site, &entry.sources),
        store::shorts(conn, site, &code, start_of(day)),
    )?;
    for (index, _) in entry.sources.iter().enumerate().filter(|(_, source)| !own_sources.contains(source)) {
        refusals.add(format!("{at}/sources/{index}"), LedgerRefusal::SourceUnknown);
    }
    let mut work = Work {
        entry,
        at,
        id: tx.new_id(),
        unit,
        code,
        happened_at,
        day,
        facts,
        stock,
        booking: Booking::default(),
        refusals,
        warnings: Warnings::default(),
        told: Vec::new(),
        weighed: BTreeMap::new(),
        difference_g: 0,
    };
    let kind = EntryKind::from(entry.kind);
    let mass_g = match entry.kind {
        RecordKind::Generated | RecordKind::Received => work.arise(tx, &containers, &shorts).await?,
        RecordKind::Stored | RecordKind::TakenOut => work.shift(tx, &fillings, &sources).await?,
        RecordKind::UsedOnSite | RecordKind::DisposedOnSite | RecordKind::Sent => work.take(tx, &fillings, &sources).await?,
        RecordKind::Counted => work.count(tx, &fillings)?,
    };
    std::mem::replace(&mut work.refusals, Refusals::none()).or(())?;
    work.finish(tx, kind, mass_g, replaces).await
}

async fn facts(
    tx: &mut Tx<'_>,
    unit: Uuid,
    entry: &RecordEntry,
    day: NaiveDate,
    at: &str,
    refusals: &mut Refusals<LedgerRefusal>,
) -> Result<Option<Facts>, Problem> {
    let named: Vec<Uuid> = entry.facility_id.into_iter().chain(entry.stored.as_ref().map(|stored| stored.facility_id)).collect();
    let codes = [entry.code.to_string()];
    let conn: &AsyncPgConnection = tx.conn;
    let (site, facilities, codes) =
        futures_util::try_join!(store::site(conn, entry.site_id), store::facilities(conn, &named), catalogue::code_facts(conn, day, &codes))?;
    let Some(site) = site.filter(|site| site.unit_id == unit) else {
        refusals.add(format!("{at}/site_id"), LedgerRefusal::SiteNotOwn);
        return Ok(None);
    };
    let mut facility_of = |id: Option<Uuid>, place: &str, kinds: &[&str]| {
        let id = id?;
        let found = facilities.iter().find(|one| one.id == id && one.site_id == entry.site_id && kinds.contains(&one.kind.as_str())).cloned();
        if found.is_none() {
            refusals.add(format!("{at}/{place}"), LedgerRefusal::FacilityUnfit);
        }
        found
    };
    let kinds: &[&str] = match entry.kind {
        RecordKind::Stored | RecordKind::TakenOut | RecordKind::Counted => &["storage"],
        RecordKind::UsedOnSite => &["use"],
        RecordKind::DisposedOnSite => &["disposal"],
        RecordKind::Generated | RecordKind::Received | RecordKind::Sent => &["generation", "storage", "use", "disposal"],
    };
    let facility = facility_of(entry.facility_id, "facility_id", kinds);
    let store = facility_of(entry.stored.as_ref().map(|stored| stored.facility_id), "stored/facility_id", &["storage"]);
    let mut is_for_use = false;
    if let Some(method) = entry.method {
        let group = catalogue::method_group(tx.conn, &method.to_string()).await?;
        is_for_use = group.is_some_and(is_use);
        let fits = match entry.kind {
            RecordKind::UsedOnSite => is_for_use,
            RecordKind::DisposedOnSite => group.is_some() && !is_for_use,
            _ => group.is_some(),
        };
        if !fits {
            refusals.add(format!("{at}/method"), LedgerRefusal::MethodUnfit);
        }
    }
    let late_days = catalogue::parameter_integer(tx.conn, rules::LATE_DAYS, &site.division, day).await?;
    let digits =
        if entry.containers.is_empty() { 0 } else { catalogue::parameter_integer(tx.conn, rules::LABEL_SERIAL_DIGITS, &site.division, day).await? };
    let uscc = site.uscc.parse().map_err(|_| Problem::broken("a unit without a code"))?;
    let label_digits = u8::try_from(digits).unwrap_or(u8::MAX);
    Ok(Some(Facts { uscc, facility, store, codes, is_use: is_for_use, late_days, label_digits }))
}

fn grams(mass: Option<MassInput>) -> Option<i64> {
    mass.map(|mass| mass.grams().get())
}

fn text<const MIN: usize, const MAX: usize>(words: Option<&Words<MIN, MAX>>) -> Option<String> {
    words.map(ToString::to_string)
}

impl Work<'_> {
    fn counts(&self, column: CountsAs) -> Option<(Uuid, CountsAs)> {
        Some((self.id, column))
    }

    fn new_lot(&self, tx: &Tx<'_>, kind: LotKind, mass_g: i64, entry: Uuid) -> NewLot {
        NewLot {
            id: tx.new_id(),
            site: Some(self.entry.site_id),
            manifest: None,
            line: None,
            waste_code: self.code.clone(),
            kind,
            mass_g,
            entry: Some(entry),
        }
    }

    fn edge(&mut self, tx: &Tx<'_>, from: Uuid, to: Uuid, mass_g: i64, kind: &'static str, counts: Option<(Uuid, CountsAs)>) {
        self.booking.edge(&NewEdge { id: tx.new_id(), from, to, mass_g, kind, counts }, self.happened_at);
    }

    /// 产生, 接收: new lots, each container a filling under a label of its own. What was sent before it was entered is covered first.
    async fn arise(&mut self, tx: &mut Tx<'_>, rows: &[ContainerRow], shorts: &[ShortRow]) -> Result<i64, Problem> {
        let entry = self.entry;
        let kind = if entry.kind == RecordKind::Generated { LotKind::Generated } else { LotKind::Received };
        let mut parts: Vec<(Option<(&EntryContainer, &ContainerRow)>, i64)> = Vec::new();
        for (index, one) in entry.containers.iter().enumerate() {
            let place = format!("{}/containers/{index}", self.at);
            let Some(row) = rows.iter().find(|row| Some(row.id) == one.container_id) else {
                self.refusals.add(format!("{place}/container_id"), LedgerRefusal::ContainerUnknown);
                continue;
            };
            if let (Some(filling), Some(batch)) = (&row.filling_code, &row.filled_batch)
                && row.state == "filled"
            {
                self.refusals.add(place, LedgerRefusal::CountedTwice { code: row.code.clone(), batch: batch.clone(), filling: filling.clone() });
            } else if row.state != "empty" || row.site_id != entry.site_id {
                self.refusals.add(place, LedgerRefusal::ContainerNotHere { code: row.code.clone() });
            } else if row.was_filled && !row.is_reusable {
                self.refusals.add(place, LedgerRefusal::NotReusable { code: row.code.clone() });
            }
            parts.push((Some((one, row)), grams(one.mass_g.or(entry.mass_g)).unwrap_or(0)));
        }
        if entry.containers.is_empty() {
            parts.push((None, grams(entry.mass_g).unwrap_or(0)));
        }
        if !self.refusals.is_empty() {
            return Ok(0);
        }
        let mass_g = parts.iter().map(|(_, mass_g)| mass_g).sum();
        let filled = parts.iter().filter(|(container, _)| container.is_some()).count();
        let mut serial = if filled == 0 { 0 } else { store::take_labels(tx.conn, self.unit, &self.code, self.day, filled).await? };
        let (mut lots, mut held, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (container, part_g) in parts {
            let lot = self.new_lot(tx, kind, part_g, self.id);
            self.booking.lot(&lot, self.happened_at);
            lots.push(StockLot { id: lot.id, left_g: part_g, facility: None, since_at: self.happened_at, made_on: self.day });
            let Some((one, row)) = container else { continue };
            let code = DigitalCode::new(self.facts.uscc, entry.code, self.day, serial, self.facts.label_digits).to_string();
            serial += 1;
            let id = tx.new_id();
            self.told.push(json!({ "container_id": row.id, "container": row.code, "filling_id": id, "filling": code, "mass_g": part_g }));
            held.push(Held { id, code, container: row.id, lot: lot.id, left_g: part_g });
            labels.push(self.label(one.label.as_ref().or(entry.label.as_ref())));
        }
        let mut fresh = Stock::new(lots.clone(), held.clone());
        // A drum filled after the lorry had left is not what it took; loose mass is told by the day alone.
        let earlier: Vec<ShortRow> = shorts.iter().filter(|short| filled == 0 || short.happened_at > self.happened_at).cloned().collect();
        self.booking.cover(tx, entry.site_id, &self.code, &mut fresh, &earlier);
        for lot in lots {
            let left_g = fresh.lot(lot.id).map_or(0, |lot| lot.left_g);
            self.booking.stock(NewStock {
                lot_id: lot.id,
                site_id: entry.site_id,
                waste_code: self.code.clone(),
                // The batch is not taken yet: it is written in when the entry has it.
                batch: String::new(),
                left_g,
                facility_id: None,
                since_at: self.happened_at,
            });
        }
        for (filling, label) in held.into_iter().zip(labels) {
            let left_g = fresh.filling(filling.id).map_or(0, |one| one.left_g);
            let is_here = left_g > 0;
            self.booking.fillings.push(NewFilling {
                id: filling.id,
                container_id: filling.container,
                unit_id: self.unit,
                entry_id: self.id,
                code: filling.code,
                waste_code: self.code.clone(),
                filled_on: self.day,
                filled_g: filling.left_g,
                label,
                site_id: Some(entry.site_id).filter(|_| is_here),
                lot_id: Some(filling.lot).filter(|_| is_here),
                left_g,
            });
            let state = if is_here { "filled" } else { "away" };
            self.booking.containers_after.push(ContainerAfter { id: filling.container, state, filling_id: Some(filling.id), site_id: None });
        }
        Ok(mass_g)
    }

    fn label(&self, stated: Option<&LabelStatement>) -> Value {
        let listed = match self.facts.codes.listing(self.entry.code) {
            Listing::Listed(fact) => Some(fact),
            _ => None,
        };
        json!({
            "name": text(self.entry.common_name.as_ref()).or_else(|| listed.map(|fact| fact.name.clone())), "hazards": listed.map(|fact| &fact.hazards), "stated": stated,
        })
    }

    /// The fillings that an entry names, each with its place; what cannot be is refused at its place.
    fn named<'f>(&mut self, rows: &'f [FillingRow], is_code_free: bool) -> Vec<(usize, &'f FillingRow)> {
        let mut found = Vec::new();
        for (index, one) in self.entry.containers.iter().enumerate() {
            let place = format!("{}/containers/{index}", self.at);
            let code = one.filling.map(|code| code.to_string());
            let row = rows.iter().find(|row| code.as_ref().is_some_and(|code| *code == row.code) || one.container_id == Some(row.container_id));
            // Of another unit's containers nothing is told.
            let Some(row) = row.filter(|row| row.unit_id == self.unit || row.at_unit == Some(self.unit)) else {
                self.refusals.add(place, LedgerRefusal::FillingUnknown);
                continue;
            };
            let refusal = if let Some(manifest) = row.manifest_id {
                Some(LedgerRefusal::FillingOnManifest { code: row.code.clone(), manifest: manifest.to_string() })
            } else if let (0, Some(batch)) = (row.left_g, &row.taken_batch) {
                Some(LedgerRefusal::FillingTaken { code: row.code.clone(), batch: batch.clone() })
            } else if row.site_id != Some(self.entry.site_id) {
                Some(LedgerRefusal::FillingNotHere { code: row.code.clone() })
            } else if row.waste_code != self.code && !is_code_free {
                Some(LedgerRefusal::FillingOfOtherCode { code: row.code.clone(), waste: row.waste_code.clone() })
            } else {
                None
            };
            match refusal {
                Some(refusal) => self.refusals.add(place, refusal),
                None if found.iter().any(|(_, other): &(usize, &FillingRow)| other.id == row.id) => {
                    self.refusals.add(place, LedgerRefusal::ContainerGivenTwice);
                }
                None => found.push((index, row)),
            }
        }
        found
    }

    /// What was weighed of a container beside what is booked: the difference is a fact, and stands in the balance.
    fn measure(&mut self, tx: &Tx<'_>, index: usize, filling: &FillingRow) -> Option<(Uuid, i64)> {
        let one = self.entry.containers.get(index)?;
        let held = self.stock.filling(filling.id)?.clone();
        let alone = self.entry.mass_g.filter(|_| self.entry.containers.len() == 1);
        let measured_g = grams(one.mass_g.or(alone)).unwrap_or(held.left_g);
        let by_g = measured_g - held.left_g;
        self.weighed.insert(held.id, measured_g);
        if by_g != 0 {
            self.difference(tx, held.lot, Some(held.id), by_g);
        }
        Some((held.lot, measured_g))
    }

    /// A measured difference, carried by an `adjust` edge to or from a lot of its own.
    fn difference(&mut self, tx: &Tx<'_>, lot: Uuid, filling: Option<Uuid>, by_g: i64) {
        let other = self.new_lot(tx, LotKind::Adjusted, by_g.abs(), self.id);
        self.booking.lot(&other, self.happened_at);
        let (from, to) = if by_g > 0 { (other.id, lot) } else { (lot, other.id) };
        let counts = self.counts(CountsAs::Adjusted);
        self.edge(tx, from, to, by_g.abs(), "adjust", counts);
        self.stock.adjust(lot, filling, by_g);
        self.booking.by(self.entry.site_id, &self.code.clone(), by_g);
        self.difference_g += by_g;
    }

    /// Draws what no container names; more than there is, is refused with the entries that took last.
    async fn drawn(&mut self, tx: &mut Tx<'_>, fits: impl Fn(&StockLot) -> bool) -> Result<Vec<Take>, Problem> {
        let want_g = grams(self.entry.mass_g).unwrap_or(0);
        let left_g = self.stock.left_g(self.day, &fits);
        if left_g < want_g {
            let batches = store::took_last(tx.conn, self.entry.site_id, &self.code).await?.join("、");
            let batches = if batches.is_empty() { "-".to_owned() } else { batches };
            self.refusals.add(format!("{}/mass_g", self.at), LedgerRefusal::MoreThanThere { want_g, left_g, batches });
            return Ok(Vec::new());
        }
        Ok(self.stock.draw(want_g, self.day, fits).0)
    }

    /// 入库, 出库: each lot becomes one of the new batch, and keeps its age; what is in containers goes along.
    async fn shift(&mut self, tx: &mut Tx<'_>, rows: &[FillingRow], sources: &[Uuid]) -> Result<i64, Problem> {
        let entry = self.entry;
        let is_stored = entry.kind == RecordKind::Stored;
        let to = entry.facility_id.filter(|_| is_stored);
        let from = entry.facility_id.filter(|_| !is_stored);
        let mut moves: Vec<(Take, Vec<Held>)> = Vec::new();
        if entry.containers.is_empty() {
            let before = self.stock.clone();
            let fits = |lot: &StockLot| {
                let is_there = if is_stored { lot.facility.is_none() } else { lot.facility.is_some() && (from.is_none() || lot.facility == from) };
                is_there && (sources.is_empty() || sources.contains(&lot.id))
            };
            for take in self.drawn(tx, fits).await? {
                // A lot that goes whole takes its containers along; a part was taken out of them.
                let is_whole = self.stock.lot(take.lot).is_some_and(|lot| lot.left_g == 0);
                let along = if is_whole { before.held_in(take.lot) } else { Vec::new() };
                moves.push((take, along));
            }
        } else {
            for (index, row) in self.named(rows, false) {
                let Some((_, mass_g)) = self.measure(tx, index, row) else { continue };
                let Some(held) = self.stock.filling(row.id).cloned() else { continue };
                if let Some(take) = self.stock.take_filling(row.id, mass_g) {
                    moves.push((take, vec![held]));
                }
            }
        }
        let mass_g = moves.iter().map(|(take, _)| take.mass_g).sum();
        let mut followed: Vec<FillingAfter> = Vec::new();
        for (take, along) in moves {
            let since_at = self.stock.lot(take.lot).map_or(self.happened_at, |lot| lot.since_at);
            let lot = self.new_lot(tx, LotKind::Moved, take.mass_g, self.id);
            self.booking.lot(&lot, self.happened_at);
            let counts = self.counts(CountsAs::Moved);
            self.edge(tx, take.lot, lot.id, take.mass_g, "move", counts);
            self.booking.by(entry.site_id, &self.code.clone(), -take.mass_g);
            self.booking.stock(NewStock {
                lot_id: lot.id,
                site_id: entry.site_id,
                waste_code: self.code.clone(),
                batch: String::new(),
                left_g: take.mass_g,
                facility_id: to,
                since_at,
            });
            followed.extend(along.into_iter().map(|held| FillingAfter {
                id: held.id,
                container: held.container,
                site_id: Some(entry.site_id),
                lot_id: Some(lot.id),
                left_g: held.left_g,
                taken_by: None,
            }));
        }
        // Drained containers stand empty; those that went along are still filled.
        let along: Vec<(Uuid, i64)> = followed.iter().map(|one| (one.id, one.left_g)).collect();
        self.told = self.stock.told(&self.weighed, &along);
        self.booking.after(&self.stock, self.id, "empty", entry.site_id);
        self.booking.follow(followed);
        Ok(mass_g)
    }

    /// 自行利用, 自行处置, 委外.
    async fn take(&mut self, tx: &mut Tx<'_>, rows: &[FillingRow], sources: &[Uuid]) -> Result<i64, Problem> {
        let entry = self.entry;
        let (kind, column, edge, emptied) = match entry.kind {
            RecordKind::UsedOnSite => (LotKind::Treated, CountsAs::Used, "treat", "empty"),
            RecordKind::DisposedOnSite => (LotKind::Treated, CountsAs::Disposed, "treat", "empty"),
            _ => (LotKind::Sent, CountsAs::Sent, "move", "away"),
        };
        let mut takes = Vec::new();
        if entry.containers.is_empty() {
            takes = self.drawn(tx, |lot: &StockLot| sources.is_empty() || sources.contains(&lot.id)).await?;
        } else {
            for (index, row) in self.named(rows, false) {
                // Part of a drum may be used; a whole one is what leaves.
                let part_g = entry.containers.get(index).and_then(|one| grams(one.mass_g)).filter(|_| column != CountsAs::Sent);
                let left_g = self.stock.filling(row.id).map_or(0, |held| held.left_g);
                let mass_g = match part_g {
                    Some(want_g) if want_g > left_g => {
                        let refusal = LedgerRefusal::MoreThanThere { want_g, left_g, batches: row.code.clone() };
                        self.refusals.add(format!("{}/containers/{index}/mass_g", self.at), refusal);
                        continue;
                    }
                    Some(part_g) => {
                        self.weighed.insert(row.id, part_g);
                        part_g
                    }
                    None => self.measure(tx, index, row).map_or(0, |(_, mass_g)| mass_g),
                };
                takes.extend(self.stock.take_filling(row.id, mass_g));
            }
        }
        let mass_g = takes.iter().map(|take| take.mass_g).sum();
        let sink = self.new_lot(tx, kind, mass_g, self.id);
        self.booking.lot(&sink, self.happened_at);
        for take in takes {
            let counts = self.counts(column);
            self.edge(tx, take.lot, sink.id, take.mass_g, edge, counts);
            self.booking.by(entry.site_id, &self.code.clone(), -take.mass_g);
        }
        self.told = self.stock.told(&self.weighed, &[]);
        self.booking.after(&self.stock, self.id, emptied, entry.site_id);
        Ok(mass_g)
    }

    /// 盘点: what is found against what is booked.
    fn count(&mut self, tx: &Tx<'_>, rows: &[FillingRow]) -> Result<i64, Problem> {
        let entry = self.entry;
        let mut mass_g = 0;
        if entry.containers.is_empty() {
            let facility = entry.facility_id;
            let fits = |lot: &StockLot| facility.is_none() || lot.facility == facility;
            mass_g = grams(entry.mass_g).unwrap_or(0);
            let by_g = mass_g - self.stock.left_g(self.day, fits);
            if by_g > 0 {
                let lot = self.new_lot(tx, LotKind::Counted, by_g, self.id);
                self.booking.lot(&lot, self.happened_at);
                self.booking.stock(NewStock {
                    lot_id: lot.id,
                    site_id: entry.site_id,
                    waste_code: self.code.clone(),
                    batch: String::new(),
                    left_g: by_g,
                    facility_id: facility,
                    since_at: self.happened_at,
                });
                self.difference_g += by_g;
            } else if by_g < 0 {
                let (takes, _) = self.stock.draw(-by_g, self.day, fits);
                let other = self.new_lot(tx, LotKind::Adjusted, -by_g, self.id);
                self.booking.lot(&other, self.happened_at);
                for take in takes {
                    let counts = self.counts(CountsAs::Adjusted);
                    self.edge(tx, take.lot, other.id, take.mass_g, "adjust", counts);
                    self.booking.by(entry.site_id, &self.code.clone(), -take.mass_g);
                }
                self.difference_g += by_g;
            }
        } else {
            let is_code_free = entry.containers.len() == 1;
            for (index, row) in self.named(rows, is_code_free) {
                mass_g += self.measure(tx, index, row).map_or(0, |(_, mass_g)| mass_g);
            }
        }
        self.told = self.stock.told(&self.weighed, &[]);
        self.booking.after(&self.stock, self.id, "empty", entry.site_id);
        Ok(mass_g)
    }

    fn warn(&mut self, now: DateTime<Utc>) -> bool {
        let late_days = if self.entry.is_piped { rules::PIPED_LATE_DAYS } else { self.facts.late_days };
        let is_late = (legal_day(now) - self.day).num_days() > late_days;
        if is_late {
            let text = Text::new(
                format!("{} 的记录于 {} 补登", self.day, legal_day(now)),
                format!("What happened on {} was entered on {}", self.day, legal_day(now)),
            );
            self.warnings.add("late-entry", format!("{}/happened_at", self.at), &text, &["hj_1259_2022/6.2"], now);
        }
        if self.difference_g != 0 {
            let by_g = self.difference_g;
            let text = Text::new(format!("实测与台账相差 {by_g} 克"), format!("What was measured differs from the ledger by {by_g} g"));
            self.warnings.add("measured-otherwise", self.at, &text, &[], now);
        }
        let code = self.entry.code;
        match self.facts.codes.listing(code) {
            Listing::Unlisted | Listing::Unknown => {
                let text = Text::new(format!("{code} 不在已载入的名录中"), format!("{code} is not in the loaded catalogue"));
                self.warnings.add("code-not-in-catalogue", format!("{}/code", self.at), &text, &[], now);
            }
            Listing::Listed(_) | Listing::ByIdentification => {}
        }
        is_late
    }

    fn warn_capacity(&mut self, store: &FacilityRow, in_g: i64, now: DateTime<Utc>) {
        let holds_g = store.holds_g + in_g;
        if let Some(capacity_g) = store.capacity_g.filter(|capacity_g| holds_g > *capacity_g) {
            let text = Text::new(
                format!("{} 贮存 {holds_g} 克，能力 {capacity_g} 克", store.code),
                format!("{} holds {holds_g} g, its capacity is {capacity_g} g", store.code),
            );
            self.warnings.add("over-capacity", format!("{}/facility_id", self.at), &text, &[], now);
        }
    }

    /// The entry's row, and its event as the last statement; what was stored at once is an entry of its own.
    async fn finish(mut self, tx: &mut Tx<'_>, kind: EntryKind, mass_g: i64, replaces: Option<Uuid>) -> Result<(), Problem> {
        let now = tx.now();
        let entry = self.entry;
        let site = entry.site_id;
        let is_export = entry.receiver.as_ref().is_some_and(|receiver| receiver.kind == crate::ledger::domain::OutsideKind::Foreign);
        let prefix = prefix_of(kind, self.facts.is_use, is_export);
        let serial = store::take_batches(tx.conn, site, prefix.as_str(), self.day, 1).await?;
        let batch = BatchNo { prefix, day: self.day, serial }.to_string();
        self.booking.name_batch(&batch);
        let is_late = self.warn(now);
        if let Some(store) = self.facts.facility.clone().filter(|_| entry.kind == RecordKind::Stored) {
            self.warn_capacity(&store, mass_g, now);
        }
        if let Some(store) = self.facts.store.clone() {
            self.warn_capacity(&store, mass_g, now);
        }
        let found_code = Some(entry.code.to_string()).filter(|found| *found != self.code);
        let row = EntryRow {
            id: self.id,
            site_id: site,
            unit_id: self.unit,
            kind,
            batch: batch.clone(),
            waste_code: self.code.clone(),
            edition: self.facts.codes.used.clone().unwrap_or_default(),
            common_name: text(entry.common_name.as_ref()),
            mass_g,
            difference_g: self.difference_g,
            short_g: 0,
            happened_at: self.happened_at,
            recorded_at: now,
            is_late,
            is_piped: entry.is_piped,
            facility_id: entry.facility_id,
            method: entry.method.map(|method| method.to_string()),
            done_at: entry.done_at,
            destination: text(entry.destination.as_ref()),
            receiver: entry.receiver.as_ref().map(|receiver| json!(receiver)),
            manifest_id: None,
            line: None,
            handler: entry.handler.to_string(),
            carried_by: text(entry.carried_by.as_ref()),
            store_keeper: text(entry.store_keeper.as_ref()),
            note: text(entry.note.as_ref()),
            fillings: json!(self.told),
            sources: entry.sources.clone(),
            found_code: found_code.clone(),
            reverses: None,
            replaces,
            adjusts: None,
        };
        let payload = |row: &EntryRow, warnings: &[Value]| {
            json!({
                "entry_id": row.id, "site_id": site, "kind": row.kind, "batch": row.batch, "code": row.waste_code, "found_code": row.found_code,
                "mass_g": row.mass_g, "difference_g": row.difference_g, "is_late": row.is_late, "facility_id": row.facility_id, "method": row.method,
                "receiver": row.receiver, "fillings": row.fillings, "sources": row.sources, "replaces": row.replaces, "warnings": warnings,
            })
        };
        let at_once = match &entry.stored {
            None => None,
            Some(stored) => {
                let id = tx.new_id();
                let kind = EntryKind::Stored;
                let prefix = prefix_of(kind, false, false);
                let serial = store::take_batches(tx.conn, site, prefix.as_str(), self.day, 1).await?;
                let batch = BatchNo { prefix, day: self.day, serial }.to_string();
                let (stored_g, told) = self.booking.store_at_once(tx, id, &batch, stored.facility_id, self.happened_at);
                let row = EntryRow {
                    id,
                    kind,
                    batch,
                    mass_g: stored_g,
                    difference_g: 0,
                    facility_id: Some(stored.facility_id),
                    store_keeper: text(stored.store_keeper.as_ref()),
                    sources: vec![self.id],
                    fillings: json!(told),
                    replaces: None,
                    ..row.clone()
                };
                Some(row)
            }
        };
        let main = event(SUBJECT, self.id, "record_entry", self.happened_at, payload(&row, &self.warnings.0));
        let second = at_once.as_ref().map(|row| event(SUBJECT, row.id, "record_entry", self.happened_at, payload(row, &[])));
        self.booking.entries.push(row);
        self.booking.entries.extend(at_once);
        let booking = self.booking;
        let write = async |conn: &AsyncPgConnection| booking.write(conn).await;
        tx.append_and(&Head::NEW, main, write).await?;
        if let Some(second) = second {
            tx.append(&Head::NEW, second).await?;
        }
        Ok(())
    }
}
