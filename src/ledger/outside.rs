//! What the acts of a manifest write into ledgers: outside entries of whoever gives, receipts and treatments of whoever takes.
//!
//! A manifest never waits for a ledger. What its release draws is drawn from the containers that it names, then from the
//! stock, the oldest first; what the ledger does not hold is remembered as short, until a late entry covers it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::booking::{Booking, ContainerAfter, EntryRow, FillingAfter, Loaded, NewShort, NewStock};
use super::codes::BatchNo;
use super::domain::{CountsAs, EntryKind, Outside, OutsideKind, prefix_of};
use super::lots::{LotKind, NewEdge, NewLot};
use super::refusal::LedgerRefusal;
use super::reversal;
use super::stock::{Stock, StockLot};
use super::store::{self, FillingRow};
use crate::catalogue::MethodCode;
use crate::evidence::Tx;
use crate::platform::calendar::{legal_day, start_of};
use crate::platform::db::Sql;
use crate::platform::mass::{Grams, apportion};
use crate::platform::problem::{Problem, Refusals};

/// A line that leaves a site.
pub struct OutLine {
    /// Line of the manifest.
    pub line: i32,
    /// 废物代码.
    pub code: String,
    /// Edition against which it was checked.
    pub edition: String,
    /// As weighed. Unit: grams.
    pub mass_g: i64,
    /// Codes on the containers, with their masses. Unit: grams.
    pub containers: Vec<(String, i64)>,
    /// 利用处置方式.
    pub method: MethodCode,
}

/// What leaves a site under a manifest.
pub struct Outgoing<'o> {
    /// The site, and its unit.
    pub site: Uuid,
    /// Its unit.
    pub unit: Uuid,
    /// The manifest.
    pub manifest: Uuid,
    /// The refused manifest whose mass it carries: that lies in nobody's ledger, its fillings stay what they are.
    pub linked_from: Option<Uuid>,
    /// When it left.
    pub at: DateTime<Utc>,
    /// Who signs, for the entry.
    pub handler: &'o str,
    /// 接收单位.
    pub receiver: Outside,
    /// Lines.
    pub lines: Vec<OutLine>,
}

/// What a release did to the ledger.
#[derive(Default)]
pub struct Sent {
    /// To be written with the act.
    pub booking: Booking,
    /// What the ledger did not hold, by the line's place. Unit: grams. Empty where the site has not begun its ledger here.
    pub short: Vec<(usize, i64)>,
    /// Containers that were weighed otherwise than booked: place of the line, code, by how much. Unit: grams.
    pub differs: Vec<(usize, String, i64)>,
    /// Lots that it gave, by line: they go on as the lines that left.
    pub lots: Vec<(i32, Uuid, i64)>,
    /// For the event.
    pub facts: Vec<Value>,
}

/// Whether a method is use by its letter: R is, all others are booked as disposal.
const fn is_for_use(method: MethodCode) -> bool {
    method.letter() == 'R'
}

/// What a manifest's release takes out of the ledger of the site that it leaves.
///
/// # Errors
/// `filling-on-manifest`, `filling-taken`, `filling-not-here`, `filling-of-other-code`, each at its container.
pub async fn released(tx: &mut Tx<'_>, out: &Outgoing<'_>) -> Result<Sent, Problem> {
    let named: Vec<String> = out.lines.iter().flat_map(|line| line.containers.iter().map(|(code, _)| code.clone())).collect();
    let codes: Vec<String> = out.lines.iter().map(|line| line.code.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let conn: &AsyncPgConnection = tx.conn;
    if out.linked_from.is_some() {
        let fillings = if named.is_empty() { Vec::new() } else { store::fillings(conn, &named, &[]).await? };
        return carried_on(tx, out, &fillings);
    }
    let day = legal_day(out.at);
    let is_export = out.receiver.kind == OutsideKind::Foreign;
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for line in &out.lines {
        *counts.entry(prefix_of(EntryKind::Sent, is_for_use(line.method), is_export)).or_default() += 1;
    }
    let (_, stocks, fillings, has_begun, serials) = futures_util::try_join!(
        store::lock_stocks(conn, out.site, &codes),
        try_join_all(codes.iter().map(|code| store::stock(conn, out.site, code))),
        async { if named.is_empty() { Ok(Vec::new()) } else { store::fillings(conn, &named, &[]).await } },
        store::has_begun(conn, out.site),
        try_join_all(counts.iter().map(|(prefix, count)| store::take_batches(conn, out.site, prefix.as_str(), day, *count))),
    )?;
    let mut stocks: BTreeMap<String, Stock> = codes.into_iter().zip(stocks).collect();
    let mut serials: BTreeMap<_, u32> = counts.into_keys().zip(serials).collect();
    let mut sent = Sent::default();
    let mut refusals = Refusals::none();
    let mut told_of: BTreeSet<String> = BTreeSet::new();
    let mut weighed: BTreeMap<String, BTreeMap<Uuid, i64>> = BTreeMap::new();
    let mut first_entry: BTreeMap<String, Uuid> = BTreeMap::new();
    for (index, line) in out.lines.iter().enumerate() {
        let Some(stock) = stocks.get_mut(&line.code) else { continue };
        let prefix = prefix_of(EntryKind::Sent, is_for_use(line.method), is_export);
        let serial = serials.get_mut(&prefix).map_or(1, |next| {
            *next += 1;
            *next - 1
        });
        let id = tx.new_id();
        let row = EntryRow {
            receiver: Some(json!(out.receiver)),
            method: Some(line.method.to_string()),
            ..entry_row(tx, out.site, out.unit, EntryKind::Sent, out.at)
        };
        let mut row = EntryRow {
            id,
            batch: BatchNo { prefix, day, serial }.to_string(),
            waste_code: line.code.clone(),
            edition: line.edition.clone(),
            mass_g: line.mass_g,
            manifest_id: Some(out.manifest),
            line: Some(line.line),
            handler: out.handler.to_owned(),
            ..row
        };
        first_entry.entry(line.code.clone()).or_insert(id);
        let (mut takes, mut want_g) = (Vec::new(), 0);
        let shares = shares_of(line.mass_g, &line.containers);
        for (place, ((code, _), share_g)) in line.containers.iter().zip(shares).enumerate() {
            let found = fillings.iter().find(|filling| filling.code == *code && (filling.unit_id == out.unit || filling.at_unit == Some(out.unit)));
            // A code that is no filling of ours is opaque, and draws on the stock like mass without a container.
            let Some(filling) = found else {
                want_g += share_g;
                continue;
            };
            if let Some(refusal) = unfit(filling, out, &line.code) {
                refusals.add(format!("/lines/{index}/containers/{place}/code"), refusal);
                continue;
            }
            let Some(held) = stock.filling(filling.id).cloned() else { continue };
            let by_g = share_g - held.left_g;
            if by_g != 0 {
                let other = adjusted(tx, out.site, &line.code, id, by_g.abs());
                sent.booking.lot(&other, out.at);
                let (from, to) = if by_g > 0 { (other.id, held.lot) } else { (held.lot, other.id) };
                let counts = Some((id, CountsAs::Adjusted));
                sent.booking.edge(&NewEdge { id: tx.new_id(), from, to, mass_g: by_g.abs(), kind: "adjust", counts }, out.at);
                stock.adjust(held.lot, Some(held.id), by_g);
                sent.booking.by(out.site, &line.code, by_g);
                row.difference_g += by_g;
                sent.differs.push((index, code.clone(), by_g));
            }
            weighed.entry(line.code.clone()).or_default().insert(held.id, share_g);
            takes.extend(stock.take_filling(held.id, share_g));
            sent.booking.loaded.push(Loaded {
                id: tx.new_id(),
                filling_id: held.id,
                manifest_id: out.manifest,
                line: line.line,
                mass_g: share_g,
                loaded_at: out.at,
            });
        }
        if line.containers.is_empty() {
            want_g = line.mass_g;
        }
        let (drawn, short_g) = stock.draw(want_g, day, |_| true);
        takes.extend(drawn);
        let given_g: i64 = takes.iter().map(|take| take.mass_g).sum();
        if given_g > 0 {
            let lot = NewLot {
                id: tx.new_id(),
                site: Some(out.site),
                manifest: Some(out.manifest),
                line: Some(line.line),
                waste_code: line.code.clone(),
                kind: LotKind::Sent,
                mass_g: given_g,
                entry: Some(id),
            };
            sent.booking.lot(&lot, out.at);
            for take in takes {
                let counts = Some((id, CountsAs::Sent));
                sent.booking.edge(&NewEdge { id: tx.new_id(), from: take.lot, to: lot.id, mass_g: take.mass_g, kind: "move", counts }, out.at);
                sent.booking.by(out.site, &line.code, -take.mass_g);
            }
            sent.lots.push((line.line, lot.id, given_g));
        }
        if short_g > 0 {
            row.short_g = short_g;
            sent.booking.shorts.push(NewShort {
                entry_id: id,
                site_id: out.site,
                waste_code: line.code.clone(),
                counts_as: CountsAs::Sent,
                happened_at: out.at,
                left_g: short_g,
                manifest_id: Some(out.manifest),
                line: Some(line.line),
            });
            if has_begun {
                sent.short.push((index, short_g));
            }
        }
        sent.facts.push(json!({
            "entry_id": id, "batch": row.batch, "code": row.waste_code, "mass_g": row.mass_g, "difference_g": row.difference_g, "short_g": short_g,
        }));
        sent.booking.entries.push(row);
    }
    refusals.or(())?;
    for (code, stock) in &stocks {
        let Some(entry) = first_entry.get(code) else { continue };
        sent.booking.after(stock, *entry, "away", out.site);
        // All entries of a waste are taken back together: one of them tells of its containers.
        if told_of.insert(code.clone())
            && let Some(row) = sent.booking.entries.iter_mut().find(|row| row.id == *entry)
        {
            row.fillings = json!(stock.told(weighed.get(code).unwrap_or(&BTreeMap::new()), &[]));
        }
    }
    Ok(sent)
}

/// What a line's mass is shared to over its containers. Unit: grams.
fn shares_of(mass_g: i64, containers: &[(String, i64)]) -> Vec<i64> {
    let weights: Vec<i64> = containers.iter().map(|(_, mass_g)| *mass_g).collect();
    let total = Grams::try_from(mass_g).unwrap_or(Grams::ZERO);
    apportion(total, &weights).into_iter().map(Grams::get).collect()
}

/// Why a filling cannot leave under this manifest.
fn unfit(filling: &FillingRow, out: &Outgoing<'_>, code: &str) -> Option<LedgerRefusal> {
    let name = || filling.code.clone();
    if let Some(manifest) = filling.manifest_id.filter(|manifest| *manifest != out.manifest) {
        return Some(LedgerRefusal::FillingOnManifest { code: name(), manifest: manifest.to_string() });
    }
    if let (0, Some(batch)) = (filling.left_g, &filling.taken_batch) {
        return Some(LedgerRefusal::FillingTaken { code: name(), batch: batch.clone() });
    }
    if filling.site_id != Some(out.site) {
        return Some(LedgerRefusal::FillingNotHere { code: name() });
    }
    (filling.waste_code != code).then(|| LedgerRefusal::FillingOfOtherCode { code: name(), waste: filling.waste_code.clone() })
}

/// On a return or re-consignment the fillings of the refused load go on, the same as they are.
fn carried_on(tx: &Tx<'_>, out: &Outgoing<'_>, fillings: &[FillingRow]) -> Result<Sent, Problem> {
    let mut sent = Sent::default();
    let mut refusals = Refusals::none();
    for (index, line) in out.lines.iter().enumerate() {
        let shares = shares_of(line.mass_g, &line.containers);
        for (place, ((code, _), mass_g)) in line.containers.iter().zip(shares).enumerate() {
            let Some(filling) = fillings.iter().find(|filling| filling.code == *code && filling.last_manifest_id == out.linked_from) else {
                continue;
            };
            if let Some(manifest) = filling.manifest_id {
                let refusal = LedgerRefusal::FillingOnManifest { code: code.clone(), manifest: manifest.to_string() };
                refusals.add(format!("/lines/{index}/containers/{place}/code"), refusal);
                continue;
            }
            let loaded = Loaded { id: tx.new_id(), filling_id: filling.id, manifest_id: out.manifest, line: line.line, mass_g, loaded_at: out.at };
            sent.booking.loaded.push(loaded);
        }
    }
    Ok(refusals.or(sent)?)
}

fn adjusted(tx: &Tx<'_>, site: Uuid, code: &str, entry: Uuid, mass_g: i64) -> NewLot {
    let kind = LotKind::Adjusted;
    NewLot { id: tx.new_id(), site: Some(site), manifest: None, line: None, waste_code: code.to_owned(), kind, mass_g, entry: Some(entry) }
}

/// An entry that a manifest makes, before it says what of.
fn entry_row(tx: &Tx<'_>, site: Uuid, unit: Uuid, kind: EntryKind, at: DateTime<Utc>) -> EntryRow {
    EntryRow {
        id: Uuid::nil(),
        site_id: site,
        unit_id: unit,
        kind,
        batch: String::new(),
        waste_code: String::new(),
        edition: String::new(),
        common_name: None,
        mass_g: 0,
        difference_g: 0,
        short_g: 0,
        happened_at: at,
        recorded_at: tx.now(),
        // Its own clocks say whether a manifest is late.
        is_late: false,
        is_piped: false,
        facility_id: None,
        method: None,
        done_at: None,
        destination: None,
        receiver: None,
        manifest_id: None,
        line: None,
        handler: String::new(),
        carried_by: None,
        store_keeper: None,
        note: None,
        fillings: json!([]),
        sources: Vec::new(),
        found_code: None,
        reverses: None,
        replaces: None,
        adjusts: None,
    }
}

/// A release is taken back: it was never so. What was drawn lies again where it lay, in its containers.
///
/// # Errors
/// As the database.
pub async fn taken_back(tx: &mut Tx<'_>, manifest: Uuid, handler: &str) -> Result<Booking, Problem> {
    let entries = reversal::sent_by(tx.conn, manifest).await?;
    let mut booking = match entries.as_slice().first() {
        None => Booking::default(),
        Some(first) => {
            let codes: Vec<String> = entries.iter().map(|entry| entry.waste_code.clone()).collect::<BTreeSet<_>>().into_iter().collect();
            store::lock_stocks(tx.conn, first.site_id, &codes).await?;
            reversal::reverse(tx, &entries, handler, None, false).await?
        }
    };
    booking.unload(manifest, tx.now());
    Ok(booking)
}

#[derive(diesel::QueryableByName)]
struct SentRow {
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
}

/// The lots that the ledger gave for a manifest, by line.
///
/// # Errors
/// As the database.
pub async fn sent_lots(mut conn: &AsyncPgConnection, manifest: Uuid) -> Result<Vec<(i32, Uuid, i64)>, Problem> {
    let rows: Vec<SentRow> = Sql("SELECT l.line, l.id, l.mass_g FROM lots l WHERE l.manifest_id = $1 AND l.kind = 'sent' AND l.line IS NOT NULL \
         AND NOT EXISTS (SELECT FROM ledger_entries r WHERE r.reverses = l.entry_id) ORDER BY l.line, l.id")
    .bind::<SqlUuid, _>(manifest)
    .load(&mut conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.id, row.mass_g)).collect())
}

/// A line that a receiver accepted.
pub struct InLine {
    /// Line of the manifest.
    pub line: i32,
    /// Edition against which its code was checked.
    pub edition: String,
}

/// What comes into a site under a manifest.
pub struct Incoming<'i> {
    /// The site.
    pub site: Uuid,
    /// Its unit.
    pub unit: Uuid,
    /// The manifest.
    pub manifest: Uuid,
    /// When it came in.
    pub at: DateTime<Utc>,
    /// Who signs, for the entry.
    pub handler: &'i str,
    /// 来源单位.
    pub from: &'i str,
    /// The refused manifest whose mass comes in: what left under that one without a ledger is not covered by its return.
    pub linked_from: Option<Uuid>,
    /// Lines with something accepted.
    pub lines: Vec<InLine>,
}

/// What a receiver accepted goes into his ledger, and its containers onto his site. The lots are those of the manifest's
/// graph: they become lots of the ledger.
///
/// # Errors
/// As the database.
pub async fn received(tx: &mut Tx<'_>, incoming: &Incoming<'_>, lots: &mut [NewLot]) -> Result<Booking, Problem> {
    let mut booking = Booking::default();
    let day = legal_day(incoming.at);
    let codes: Vec<String> =
        lots.iter().filter(|lot| lot.kind == LotKind::Received).map(|lot| lot.waste_code.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let count = lots.iter().filter(|lot| lot.kind == LotKind::Received).count();
    let conn: &AsyncPgConnection = tx.conn;
    let prefix = prefix_of(EntryKind::Received, false, false);
    let (_, carried, shorts, mut serial) = futures_util::try_join!(
        store::lock_stocks(conn, incoming.site, &codes),
        store::on_the_way(conn, incoming.manifest),
        try_join_all(codes.iter().map(|code| store::shorts(conn, incoming.site, code, start_of(day)))),
        async { if count == 0 { Ok(0) } else { store::take_batches(conn, incoming.site, prefix.as_str(), day, count).await } },
    )?;
    let is_other = |short: &store::ShortRow| incoming.linked_from.is_none() || short.manifest_id != incoming.linked_from;
    let shorts = shorts.into_iter().map(|shorts| shorts.into_iter().filter(is_other).collect());
    let mut shorts: BTreeMap<String, Vec<_>> = codes.into_iter().zip(shorts).collect();
    for lot in lots.iter_mut().filter(|lot| lot.kind == LotKind::Received) {
        let Some(line) = incoming.lines.iter().find(|line| Some(line.line) == lot.line) else { continue };
        let id = tx.new_id();
        lot.entry = Some(id);
        let batch = BatchNo { prefix, day, serial }.to_string();
        serial += 1;
        let carried: Vec<_> = carried.iter().filter(|one| one.line == line.line).collect();
        let weights: Vec<i64> = carried.iter().map(|one| one.mass_g).collect();
        let shares = apportion(Grams::try_from(lot.mass_g).unwrap_or(Grams::ZERO), &weights);
        let mut told = Vec::new();
        for (one, share) in carried.iter().zip(shares).filter(|(_, share)| !share.is_zero()) {
            booking.fillings_after.push(FillingAfter {
                id: one.filling_id,
                container: one.container_id,
                site_id: Some(incoming.site),
                lot_id: Some(lot.id),
                left_g: share.get(),
                taken_by: None,
            });
            booking.containers_after.push(ContainerAfter {
                id: one.container_id,
                state: "filled",
                filling_id: Some(one.filling_id),
                site_id: Some(incoming.site),
            });
            told.push(json!({ "container_id": one.container_id, "filling_id": one.filling_id, "filling": one.code, "mass_g": share.get() }));
        }
        let row = EntryRow {
            handler: incoming.handler.to_owned(),
            note: None,
            ..entry_row(tx, incoming.site, incoming.unit, EntryKind::Received, incoming.at)
        };
        booking.entries.push(EntryRow {
            id,
            batch: batch.clone(),
            waste_code: lot.waste_code.clone(),
            edition: line.edition.clone(),
            mass_g: lot.mass_g,
            manifest_id: Some(incoming.manifest),
            line: Some(line.line),
            destination: Some(incoming.from.to_owned()),
            fillings: json!(told),
            ..row
        });
        // What came in drums of its own stands in them: it cannot be what went out before.
        let left_g = match shorts.get_mut(&lot.waste_code).filter(|shorts| carried.is_empty() && !shorts.is_empty()) {
            None => lot.mass_g,
            Some(shorts) => {
                let one = StockLot { id: lot.id, left_g: lot.mass_g, facility: None, since_at: incoming.at, made_on: day };
                let mut fresh = Stock::new(vec![one], Vec::new());
                booking.cover(tx, incoming.site, &lot.waste_code, &mut fresh, shorts);
                let left_g = fresh.lot(lot.id).map_or(0, |lot| lot.left_g);
                let mut covered_g = lot.mass_g - left_g;
                for short in shorts.iter_mut() {
                    let part_g = short.left_g.min(covered_g);
                    short.left_g -= part_g;
                    covered_g -= part_g;
                }
                shorts.retain(|short| short.left_g > 0);
                left_g
            }
        };
        booking.stock(NewStock {
            lot_id: lot.id,
            site_id: incoming.site,
            waste_code: lot.waste_code.clone(),
            batch,
            left_g,
            facility_id: None,
            since_at: incoming.at,
        });
    }
    if !carried.is_empty() {
        booking.unload(incoming.manifest, tx.now());
    }
    Ok(booking)
}

/// A treatment that a manifest records.
pub struct Treatment<'t> {
    /// The site.
    pub site: Uuid,
    /// Its unit.
    pub unit: Uuid,
    /// The manifest.
    pub manifest: Uuid,
    /// Its line.
    pub line: i32,
    /// The lot that was accepted.
    pub lot: Uuid,
    /// 废物代码.
    pub code: String,
    /// Edition against which it was checked.
    pub edition: String,
    /// Unit: grams.
    pub mass_g: i64,
    /// 利用处置方式.
    pub method: MethodCode,
    /// 完毕时间.
    pub at: DateTime<Utc>,
    /// The treating unit's own batch.
    pub batch: &'t str,
    /// Who records it.
    pub handler: &'t str,
}

/// What a treatment did to the ledger and the graph.
pub struct Treated {
    /// To be written with the act; the treated lot is in it.
    pub booking: Booking,
    /// For the event.
    pub fact: Value,
}

/// What was treated comes out of the accepted lot, wherever it was stored since; what the ledger no longer holds of it is short.
///
/// # Errors
/// As the database.
pub async fn treated(tx: &mut Tx<'_>, treatment: &Treatment<'_>) -> Result<Treated, Problem> {
    let day = legal_day(treatment.at);
    let is_use = is_for_use(treatment.method);
    let kind = if is_use { EntryKind::UsedOnSite } else { EntryKind::DisposedOnSite };
    let column = if is_use { CountsAs::Used } else { CountsAs::Disposed };
    let prefix = prefix_of(kind, is_use, false);
    let conn: &AsyncPgConnection = tx.conn;
    let (_, mut stock, lots, serial) = futures_util::try_join!(
        store::lock_stocks(conn, treatment.site, std::slice::from_ref(&treatment.code)),
        store::stock(conn, treatment.site, &treatment.code),
        store::lots_after(conn, treatment.lot),
        store::take_batches(conn, treatment.site, prefix.as_str(), day, 1),
    )?;
    let id = tx.new_id();
    let mut booking = Booking::default();
    let (takes, short_g) = stock.draw(treatment.mass_g, day, |lot| lots.contains(&lot.id));
    let lot = NewLot {
        id: tx.new_id(),
        site: Some(treatment.site),
        manifest: Some(treatment.manifest),
        line: Some(treatment.line),
        waste_code: treatment.code.clone(),
        kind: LotKind::Treated,
        mass_g: treatment.mass_g,
        entry: Some(id),
    };
    booking.lot(&lot, treatment.at);
    for take in takes {
        let counts = Some((id, column));
        booking.edge(&NewEdge { id: tx.new_id(), from: take.lot, to: lot.id, mass_g: take.mass_g, kind: "treat", counts }, treatment.at);
        booking.by(treatment.site, &treatment.code, -take.mass_g);
    }
    if short_g > 0 {
        // No ledger sees it, and yet it came of what was accepted.
        let edge = NewEdge { id: tx.new_id(), from: treatment.lot, to: lot.id, mass_g: short_g, kind: "treat", counts: None };
        booking.edge(&edge, treatment.at);
        booking.shorts.push(NewShort {
            entry_id: id,
            site_id: treatment.site,
            waste_code: treatment.code.clone(),
            counts_as: column,
            happened_at: treatment.at,
            left_g: short_g,
            manifest_id: Some(treatment.manifest),
            line: Some(treatment.line),
        });
    }
    booking.after(&stock, id, "empty", treatment.site);
    let batch = BatchNo { prefix, day, serial }.to_string();
    let fact = json!({ "entry_id": id, "batch": batch, "code": treatment.code, "mass_g": treatment.mass_g, "short_g": short_g });
    booking.entries.push(EntryRow {
        id,
        batch,
        waste_code: treatment.code.clone(),
        edition: treatment.edition.clone(),
        mass_g: treatment.mass_g,
        short_g,
        method: Some(treatment.method.to_string()),
        done_at: Some(treatment.at),
        manifest_id: Some(treatment.manifest),
        line: Some(treatment.line),
        handler: treatment.handler.to_owned(),
        note: Some(treatment.batch.to_owned()),
        fillings: json!(stock.told(&BTreeMap::new(), &[])),
        ..entry_row(tx, treatment.site, treatment.unit, kind, treatment.at)
    });
    Ok(Treated { booking, fact })
}
