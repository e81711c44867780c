//! What acts on a manifest write into the ledgers of its two ends (台账联动): a manifest never waits for a ledger, and each
//! gram that it moves is looked for there.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::domain::Record;
use super::parts::{Cover, Party, ReleasedLine};
use super::table;
use super::work::Step;
use crate::evidence::Tx;
use crate::ledger::{self, Amendment, CountsAs, InLine, Incoming, LotKind, NewEdge, OutLine, Outgoing, Outside, OutsideKind, Treatment};
use crate::platform::problem::Problem;
use crate::registry::Words;

/// The site of a party that keeps its ledger here.
fn keeper(party: &Party) -> Option<(Uuid, Uuid)> {
    party.site_id.filter(|_| !party.is_external).map(|site| (site, party.unit_id))
}

/// 接收单位 as the outside entry names it.
fn outside(record: &Record) -> Result<Outside, Problem> {
    let name = Words::try_from(std::borrow::Cow::Borrowed(record.consignment.receiver.name.as_str())).map_err(|error| Problem::internal(&error))?;
    let covers = || record.consignment.lines.iter().map(|line| &line.cover);
    let number = covers().find_map(|cover| match cover {
        Cover::Licence { licence_no, .. } | Cover::Claimed { licence_no, .. } => Some(licence_no.clone()),
        Cover::Export { approval_no, .. } => Some(approval_no.clone()),
        Cover::Exemption { .. } | Cover::OwnSite | Cover::NotCovered => None,
    });
    let kind = if covers().any(|cover| matches!(cover, Cover::Export { .. })) {
        OutsideKind::Foreign
    } else if number.is_none() && covers().any(|cover| matches!(cover, Cover::Exemption { .. })) {
        OutsideKind::ExemptUnit
    } else {
        OutsideKind::LicenceHolder
    };
    let number = number.and_then(|number| Words::try_from(std::borrow::Cow::Owned(number)).ok());
    Ok(Outside { kind, name, number })
}

/// The outside entry (委外) of what leaves, drawn from its containers and else from the stock.
///
/// # Errors
/// A filling that is elsewhere, on another manifest, gone, or of another waste.
pub async fn out(
    tx: &mut Tx<'_>,
    handler: &str,
    record: &Record,
    lines: &[ReleasedLine],
    at: DateTime<Utc>,
    step: &mut Step,
) -> Result<Lots, Problem> {
    let consignment = &record.consignment;
    let Some((site, unit)) = keeper(consignment.departure()) else { return Ok(Lots::default()) };
    let lines = lines.iter().filter_map(|line| {
        let one = consignment.line(line.line)?;
        Some(OutLine {
            line: line.line,
            code: one.waste_code.to_string(),
            edition: one.edition_used.clone(),
            mass_g: line.released_g.get(),
            containers: line.containers.iter().map(|container| (container.code.clone(), container.mass_g.get())).collect(),
            method: one.method,
        })
    });
    let linked_from = consignment.link.as_ref().map(|link| link.manifest_id);
    let outgoing = Outgoing { site, unit, manifest: record.id, linked_from, at, handler, receiver: outside(record)?, lines: lines.collect() };
    let sent = ledger::released(tx, &outgoing).await?;
    for (index, short_g) in &sent.short {
        let (zh, en) = (format!("台账库存不足，缺 {short_g} 克未经登记"), format!("The ledger does not hold {short_g} g of it"));
        step.findings.add(&table::LEDGER_SHORT, format!("/lines/{index}"), zh, en);
    }
    for (index, code, by_g) in &sent.differs {
        let (zh, en) = (format!("{code} 交付重量与台账相差 {by_g} 克"), format!("{code} was weighed {by_g} g off what the ledger says"));
        step.findings.add(&table::FILLING_DIFFERS, format!("/lines/{index}/containers"), zh, en);
    }
    if !sent.facts.is_empty() {
        step.facts["ledger"] = json!(sent.facts);
    }
    step.booking = sent.booking;
    Ok(Lots(sent.lots))
}

/// Lots that a ledger gave, by line.
#[derive(Default)]
pub struct Lots(Vec<(i32, Uuid, i64)>);

impl Lots {
    /// Those of a manifest that was released before.
    ///
    /// # Errors
    /// As the database.
    pub async fn of(tx: &Tx<'_>, record: &Record) -> Result<Self, Problem> {
        if record.consignment.link.is_some() || keeper(record.consignment.departure()).is_none() {
            return Ok(Self::default());
        }
        Ok(Self(ledger::sent_lots(tx.conn, record.id).await?))
    }

    /// They go on as the lines that left.
    pub fn into_lines(self, tx: &Tx<'_>, released: &[ledger::NewLot]) -> Vec<NewEdge> {
        let edges = self.0.into_iter().filter_map(|(line, from, mass_g)| {
            let to = released.iter().find(|lot| lot.line == Some(line))?.id;
            Some(NewEdge { id: tx.new_id(), from, to, mass_g, kind: "send", counts: None })
        });
        edges.collect()
    }
}

/// What the release wrote is taken back with it.
///
/// # Errors
/// As the database.
pub async fn back(tx: &mut Tx<'_>, handler: &str, record: &Record, step: &mut Step) -> Result<(), Problem> {
    if keeper(record.consignment.departure()).is_some() || record.consignment.link.is_some() {
        step.booking = ledger::taken_back(tx, record.id, handler).await?;
    }
    Ok(())
}

/// What the receiver accepted goes into his ledger (接收), as of the receipt.
///
/// # Errors
/// As the database.
pub async fn into_store(tx: &mut Tx<'_>, handler: &str, record: &Record, step: &mut Step) -> Result<(), Problem> {
    let receiver = &record.consignment.receiver;
    let at = record.receipt.as_ref().map_or(step.claimed_at, |receipt| receipt.received_at);
    if let Some((site, unit)) = keeper(receiver) {
        let lines = record.consignment.lines.iter().map(|line| InLine { line: line.line, edition: line.edition_used.clone() });
        let from = &record.consignment.consignor.name;
        let linked_from = record.consignment.link.as_ref().map(|link| link.manifest_id);
        let incoming = Incoming { site, unit, manifest: record.id, at, handler, from, linked_from, lines: lines.collect() };
        step.booking = ledger::received(tx, &incoming, &mut step.lots).await?;
    } else {
        step.booking.unload(record.id, tx.now());
    }
    // The lots are as old as the receipt, whenever it was confirmed.
    let (lots, edges) = (std::mem::take(&mut step.lots), std::mem::take(&mut step.edges));
    step.booking.graph(&lots, &edges, at);
    Ok(())
}

/// What a correction changes: each entry of a ledger that it touches stands, with a row beside it that says by how much; what is
/// accepted for the first time is received.
///
/// # Errors
/// As the database.
pub async fn corrected(tx: &mut Tx<'_>, handler: &str, before: &Record, after: &Record, step: &mut Step) -> Result<(), Problem> {
    let mut amendments = Vec::new();
    for line in after.consignment.lines.iter().map(|line| line.line) {
        amendments.push(Amendment { column: CountsAs::Sent, line, nth: 0, by_g: after.moved_g(line) - before.moved_g(line) });
        if before.accepted_g(line) > 0 {
            amendments.push(Amendment { column: CountsAs::Received, line, nth: 0, by_g: after.accepted_g(line) - before.accepted_g(line) });
        }
        for (nth, treatment) in after.treatments.iter().filter(|one| one.line == line).enumerate() {
            let was_g = before.treatments.iter().find(|one| one.no == treatment.no).map_or(0, |one| one.treated_g.get());
            amendments.push(Amendment { column: CountsAs::Used, line, nth, by_g: treatment.treated_g.get() - was_g });
        }
    }
    step.booking = ledger::amended(tx, after.id, handler, &amendments, &mut step.edges).await?;
    let (mut accepted, others): (Vec<_>, Vec<_>) = std::mem::take(&mut step.lots).into_iter().partition(|lot| lot.kind == LotKind::Received);
    step.lots = others;
    if accepted.is_empty() {
        return Ok(());
    }
    let at = after.receipt.as_ref().map_or(step.claimed_at, |receipt| receipt.received_at);
    if let Some((site, unit)) = keeper(&after.consignment.receiver) {
        let lines = after.consignment.lines.iter().map(|line| InLine { line: line.line, edition: line.edition_used.clone() });
        let incoming = Incoming {
            site,
            unit,
            manifest: after.id,
            at,
            handler,
            from: &after.consignment.consignor.name,
            linked_from: None,
            lines: lines.collect(),
        };
        let received = ledger::received(tx, &incoming, &mut accepted).await?;
        step.booking.join(received);
    }
    step.booking.graph(&accepted, &[], at);
    Ok(())
}

/// What is treated comes out of the receiver's ledger (自行利用处置); false where he keeps none here.
///
/// # Errors
/// As the database.
pub async fn treat(tx: &mut Tx<'_>, handler: &str, record: &Record, lot: Uuid, no: i32, step: &mut Step) -> Result<bool, Problem> {
    let Some((site, unit)) = keeper(&record.consignment.receiver) else { return Ok(false) };
    let Some(treatment) = record.treatments.iter().find(|one| one.no == no) else { return Ok(false) };
    let Some(line) = record.consignment.line(treatment.line) else { return Ok(false) };
    let treatment = Treatment {
        site,
        unit,
        manifest: record.id,
        line: line.line,
        lot,
        code: line.waste_code.to_string(),
        edition: line.edition_used.clone(),
        mass_g: treatment.treated_g.get(),
        method: treatment.method,
        at: step.claimed_at,
        batch: &treatment.batch,
        handler,
    };
    let treated = ledger::treated(tx, &treatment).await?;
    step.booking = treated.booking;
    step.facts["ledger"] = json!([treated.fact]);
    Ok(true)
}
