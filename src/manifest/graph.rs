//! What acts write into the mass graph (物质流图): lots and edges, append-only. A correction adds an edge, never a change.

use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::books::Lots;
use super::domain::Record;
use crate::evidence::Tx;
use crate::ledger::{LotKind, NewEdge, NewLot};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// One lot a line, made when it leaves: at the take-over, or at the receipt where that was skipped.
pub fn released_lots(tx: &Tx<'_>, record: &Record) -> Vec<NewLot> {
    let site = record.consignment.departure().site_id;
    record
        .consignment
        .lines
        .iter()
        .map(|line| NewLot {
            id: tx.new_id(),
            site,
            manifest: Some(record.id),
            line: Some(line.line),
            waste_code: line.waste_code.to_string(),
            kind: LotKind::Released,
            mass_g: record.moved_g(line.line),
            entry: None,
        })
        .collect()
}

/// What leaves comes out of the lots that the ledger gave; on a return or re-consignment, out of the refused lots.
///
/// # Errors
/// As the database.
pub async fn sent_on(tx: &mut Tx<'_>, record: &Record, lots: &[NewLot]) -> Result<Vec<NewEdge>, Problem> {
    let Some(link) = &record.consignment.link else { return Ok(Lots::of(tx, record).await?.into_lines(tx, lots)) };
    let mut refused = coded_lots_of(tx.conn, link.manifest_id, "refused").await?;
    let mut edges = Vec::new();
    for lot in lots {
        if let Some(at) = refused.iter().position(|(code, _)| *code == lot.waste_code) {
            edges.push(NewEdge { id: tx.new_id(), from: refused.remove(at).1, to: lot.id, mass_g: lot.mass_g, kind: "move", counts: None });
        }
    }
    Ok(edges)
}

/// What was accepted becomes the receiver's lot; what was refused stays a lot of its own. `sources` are the released lots.
pub fn decided_lots(tx: &Tx<'_>, record: &Record, sources: &[(i32, Uuid)]) -> (Vec<NewLot>, Vec<NewEdge>) {
    let (mut lots, mut edges) = (Vec::new(), Vec::new());
    for line in record.verdict.iter().flat_map(|verdict| &verdict.lines) {
        let Some(code) = record.consignment.line(line.line).map(|one| one.waste_code.to_string()) else { continue };
        for (kind, edge_kind, mass_g) in [(LotKind::Received, "accept", line.accepted_g.get()), (LotKind::Refused, "refuse", line.refused_g())] {
            if mass_g == 0 {
                continue;
            }
            let lot = NewLot {
                id: tx.new_id(),
                site: record.consignment.receiver.site_id,
                manifest: Some(record.id),
                line: Some(line.line),
                waste_code: code.clone(),
                kind,
                mass_g,
                entry: None,
            };
            if let Some((_, from)) = sources.iter().find(|(number, _)| *number == line.line) {
                edges.push(NewEdge { id: tx.new_id(), from: *from, to: lot.id, mass_g, kind: edge_kind, counts: None });
            }
            lots.push(lot);
        }
    }
    (lots, edges)
}

/// What was turned back on the road: all that left is refused, and waits on the lorry for the linked manifest.
///
/// # Errors
/// As the database.
pub async fn turned_back_lots(tx: &mut Tx<'_>, record: &Record) -> Result<(Vec<NewLot>, Vec<NewEdge>), Problem> {
    let (mut lots, mut edges) = (Vec::new(), Vec::new());
    for (line, from) in lots_of(tx.conn, record.id, "released").await? {
        let Some(one) = record.consignment.line(line) else { continue };
        let mass_g = record.moved_g(line);
        let lot = NewLot {
            id: tx.new_id(),
            site: None,
            manifest: Some(record.id),
            line: Some(line),
            waste_code: one.waste_code.to_string(),
            kind: LotKind::Refused,
            mass_g,
            entry: None,
        };
        edges.push(NewEdge { id: tx.new_id(), from, to: lot.id, mass_g, kind: "refuse", counts: None });
        lots.push(lot);
    }
    Ok((lots, edges))
}

/// What a correction adds to lots or takes from them. A lot stays as it was made; an `adjust` edge from or to a lot of its own
/// carries the difference. What a corrected verdict accepts or refuses for the first time becomes a lot of the usual kind.
///
/// # Errors
/// As the database.
pub async fn adjusted(tx: &mut Tx<'_>, before: &Record, after: &Record) -> Result<(Vec<NewLot>, Vec<NewEdge>), Problem> {
    let (mut lots, mut edges) = (Vec::new(), Vec::new());
    let released = lots_of(tx.conn, after.id, "released").await?;
    if released.is_empty() {
        // Nothing has left: the lots to come are made of what the record says then.
        return Ok((lots, edges));
    }
    let received = lots_of(tx.conn, after.id, "received").await?;
    let refused = lots_of(tx.conn, after.id, "refused").await?;
    let mut treated = lots_of(tx.conn, after.id, "treated").await?;
    treated.sort_unstable();
    let of = |lots: &[(i32, Uuid)], line: i32| lots.iter().find(|(number, _)| *number == line).map(|(_, id)| *id);
    for line in &after.consignment.lines {
        let number = line.line;
        let Some(source) = of(&released, number) else { continue };
        let new = |kind: LotKind, mass_g: i64| NewLot {
            id: tx.new_id(),
            site: after.consignment.receiver.site_id.filter(|_| matches!(kind, LotKind::Received | LotKind::Refused)),
            manifest: Some(after.id),
            line: Some(number),
            waste_code: line.waste_code.to_string(),
            kind,
            mass_g,
            entry: None,
        };
        let mut differences = vec![(Some(source), after.moved_g(number) - before.moved_g(number))];
        let verdict_of = |record: &Record| {
            let verdict = record.verdict.iter().flat_map(|verdict| &verdict.lines).find(|one| one.line == number);
            verdict.map_or((0, 0), |one| (one.accepted_g.get(), one.refused_g()))
        };
        let ((accepted_before, refused_before), (accepted_after, refused_after)) = (verdict_of(before), verdict_of(after));
        for (lot, kind, edge, by_g) in [
            (of(&received, number), LotKind::Received, "accept", accepted_after - accepted_before),
            (of(&refused, number), LotKind::Refused, "refuse", refused_after - refused_before),
        ] {
            if lot.is_none() && by_g > 0 {
                let made = new(kind, by_g);
                edges.push(NewEdge { id: tx.new_id(), from: source, to: made.id, mass_g: by_g, kind: edge, counts: None });
                lots.push(made);
            } else {
                differences.push((lot, by_g));
            }
        }
        // One lot a treatment, both in the order in which they were recorded.
        let mine = treated.iter().filter(|(line, _)| *line == number).map(|(_, id)| *id);
        for (treatment, lot) in after.treatments.iter().filter(|one| one.line == number).zip(mine) {
            let was_g = before.treatments.iter().find(|one| one.no == treatment.no).map_or(0, |one| one.treated_g.get());
            differences.push((Some(lot), treatment.treated_g.get() - was_g));
        }
        for (lot, by_g) in differences {
            let (Some(lot), true) = (lot, by_g != 0) else { continue };
            let other = new(LotKind::Adjusted, by_g.abs());
            let (from, to) = if by_g > 0 { (other.id, lot) } else { (lot, other.id) };
            edges.push(NewEdge { id: tx.new_id(), from, to, mass_g: by_g.abs(), kind: "adjust", counts: None });
            lots.push(other);
        }
    }
    Ok((lots, edges))
}

#[derive(diesel::QueryableByName)]
struct LotRow {
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The lots of a manifest of one kind, by line.
///
/// # Errors
/// As the database.
pub async fn lots_of(mut conn: &AsyncPgConnection, manifest: Uuid, kind: &str) -> Result<Vec<(i32, Uuid)>, Problem> {
    let rows: Vec<LotRow> = Sql("SELECT line, id FROM lots WHERE manifest_id = $1 AND kind = $2 AND line IS NOT NULL ORDER BY line, id DESC")
        .bind::<SqlUuid, _>(manifest)
        .bind::<Text, _>(kind)
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.id)).collect())
}

#[derive(diesel::QueryableByName)]
struct CodedLotRow {
    #[diesel(sql_type = Text)]
    waste_code: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The lots of a manifest of one kind, by waste code, in the order of its lines.
///
/// # Errors
/// As the database.
pub async fn coded_lots_of(conn: &mut AsyncPgConnection, manifest: Uuid, kind: &str) -> Result<Vec<(String, Uuid)>, Problem> {
    let rows: Vec<CodedLotRow> = Sql("SELECT waste_code, id FROM lots WHERE manifest_id = $1 AND kind = $2 ORDER BY line, id")
        .bind::<SqlUuid, _>(manifest)
        .bind::<Text, _>(kind)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.waste_code, row.id)).collect())
}
