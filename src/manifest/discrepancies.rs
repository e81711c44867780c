//! Discrepancies (差异): what came differs from the manifest; the receiver reports it to the authority of the place of receipt in
//! one act, filled in from his verdict, and that authority and the consignor take note.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::domain::Record;
use super::input::{AcknowledgeDiscrepancy, ReportDiscrepancy};
use super::store::{Stored, Task};
use super::table::{self, Act};
use super::work::{self, Step};
use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text as Words};

/// Flag on a manifest whose discrepancy was reported.
pub const REPORTED_FLAG: &str = "discrepancy-reported";
/// Flag on a manifest with a reported discrepancy of which somebody has not taken note.
pub const OPEN_FLAG: &str = "discrepancy-open";

/// Why an act on a discrepancy is refused.
#[derive(Debug, thiserror::Error)]
pub enum DiscrepancyRefusal {
    /// The verdict found none, or it is reported already.
    #[error("no discrepancy is left to report")]
    NothingToReport,
    /// No discrepancy waits for this unit.
    #[error("no discrepancy waits for this unit")]
    NoneOpen,
}

/// Kinds of problem of discrepancies.
pub static KINDS: [Kind; 2] = [
    Kind::new(409, "no-discrepancy-to-report", "没有待报告的差异", "No discrepancy is left to report"),
    Kind::new(409, "no-discrepancy-open", "没有待您知悉的差异", "No discrepancy waits for you"),
];

impl Refusal for DiscrepancyRefusal {
    fn kind(&self) -> &'static Kind {
        match self {
            Self::NothingToReport => &KINDS[0],
            Self::NoneOpen => &KINDS[1],
        }
    }
    fn text(&self) -> Words {
        Words::new(self.kind().zh, self.kind().en)
    }
}

#[derive(QueryableByName)]
struct UnitRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
}

/// Whether a discrepancy was found that nobody has reported.
#[must_use]
pub fn is_unreported(stored: &Stored) -> bool {
    stored.flags.contains(table::DISCREPANCY.kind.code) && !stored.flags.contains(REPORTED_FLAG)
}

/// What the report says of each line that differs, as the verdict has it.
fn lines(record: &Record) -> Vec<Value> {
    let verdict = record.verdict.iter().flat_map(|verdict| &verdict.lines);
    verdict
        .filter(|line| !line.differs.is_empty())
        .map(|line| {
            json!({
                "line": line.line, "differs": line.differs, "released_g": record.moved_g(line.line), "weighed_g": line.weighed_g,
                "accepted_g": line.accepted_g, "decision": line.decision, "reasons": line.reasons,
            })
        })
        .collect()
}

/// The receiver reports what came differently (差异报告) to the authority of the place of receipt; it leaves a task for that
/// authority and for the consignor.
///
/// Legal source: `decree_23_2021/18/para2`.
///
/// # Errors
/// 403, 404, 409; `no-discrepancy-to-report`.
pub async fn report(call: &Call, actor: &Actor, id: Uuid, body: ReportDiscrepancy) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::ReportDiscrepancy, &body.proxy).await?;
        if !is_unreported(&stored) {
            return Err(Refusals::from(DiscrepancyRefusal::NothingToReport).into());
        }
        let now = tx.now();
        let consignment = &stored.record.consignment;
        let (consignor, division) = (consignment.consignor.unit_id, &consignment.receiver.division);
        let authorities = identity::authorities_of(tx.conn, division, legal_day(now)).await?;
        Sql("INSERT INTO discrepancy_tasks (manifest_id, duty, unit_id, reported_by, reported_at) \
             SELECT $1, 'authority', a, $3, $4 FROM unnest($2::uuid[]) a UNION ALL SELECT $1, 'consignor', $5, $3, $4")
        .bind::<SqlUuid, _>(id)
        .bind::<Array<SqlUuid>, _>(&authorities)
        .bind::<SqlUuid, _>(permit.speaks_for())
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(consignor)
        .execute(tx.conn)
        .await?;
        let step = Step::new(Act::ReportDiscrepancy, now).saying(json!({
            "lines": lines(&stored.record), "division": division, "authorities": authorities, "note": body.note,
        }));
        stored.flags.extend([REPORTED_FLAG.to_owned(), OPEN_FLAG.to_owned()]);
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// The authority of the place of receipt, or the consignor, takes note of the reported discrepancy (差异知悉).
///
/// Legal source: `decree_23_2021/18/para2`.
///
/// # Errors
/// 403, 404, 409; `no-discrepancy-open`.
pub async fn acknowledge(call: &Call, actor: &Actor, id: Uuid, body: AcknowledgeDiscrepancy) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::AcknowledgeDiscrepancy, &body.proxy).await?;
        let now = tx.now();
        // The city may take note in the district's place: its jurisdiction holds that of the district.
        let noted: Vec<UnitRow> = Sql("UPDATE discrepancy_tasks SET acknowledged_at = $4 WHERE manifest_id = $1 AND acknowledged_at IS NULL \
             AND (duty = 'consignor' AND unit_id = $2 OR duty = 'authority' AND $3) RETURNING unit_id")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(permit.speaks_for())
        .bind::<Bool, _>(stored.officer_of.receipt)
        .bind::<Timestamptz, _>(now)
        .load(tx.conn)
        .await?;
        if noted.is_empty() {
            return Err(Refusals::from(DiscrepancyRefusal::NoneOpen).into());
        }
        if open(tx.conn, id, &stored.flags).await?.is_empty() {
            stored.flags.remove(OPEN_FLAG);
        }
        let noted: Vec<Uuid> = noted.into_iter().map(|row| row.unit_id).collect();
        let step = Step::new(Act::AcknowledgeDiscrepancy, now).saying(json!({ "told": noted, "note": body.note }));
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_consignor: bool,
}

async fn open(conn: &mut AsyncPgConnection, manifest: Uuid, flags: &BTreeSet<String>) -> Result<Vec<OpenRow>, Problem> {
    if !flags.contains(OPEN_FLAG) {
        return Ok(Vec::new());
    }
    let rows = Sql("SELECT unit_id, duty = 'consignor' AS is_consignor FROM discrepancy_tasks WHERE manifest_id = $1 AND acknowledged_at IS NULL")
        .bind::<SqlUuid, _>(manifest)
        .load(conn)
        .await?;
    Ok(rows)
}

/// Who must still report a discrepancy or take note of it. A void manifest owes no new report.
///
/// # Errors
/// As the database.
pub async fn waiting(conn: &mut AsyncPgConnection, stored: &Stored, act: Act) -> Result<Vec<Task>, Problem> {
    let mut tasks: Vec<Task> =
        open(conn, stored.record.id, &stored.flags).await?.into_iter().map(|row| (row.unit_id, Act::AcknowledgeDiscrepancy, None)).collect();
    if is_unreported(stored) && !stored.is_void && act != Act::Void {
        tasks.push((stored.record.consignment.receiver.unit_id, Act::ReportDiscrepancy, None));
    }
    Ok(tasks)
}

/// Whether a reported discrepancy waits for this caller: his unit as the consignor, or as the authority of the place of receipt.
///
/// # Errors
/// As the database.
pub async fn waits_for(conn: &mut AsyncPgConnection, stored: &Stored, unit: Option<Uuid>) -> Result<bool, Problem> {
    let rows = open(conn, stored.record.id, &stored.flags).await?;
    Ok(rows.iter().any(|row| if row.is_consignor { Some(row.unit_id) == unit } else { stored.officer_of.receipt }))
}
