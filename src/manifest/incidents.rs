//! Incidents (事故): any party reports one in two fields; the authority of the place and the consignor take note of it.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::input::{AcknowledgeIncident, ReportIncident};
use super::store::Task;
use super::table::{self, Act};
use super::work::{self, Step};
use crate::catalogue;
use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text as Words};

/// Flag on a manifest with an incident of which somebody has not taken note; while it stands, every act looks them up.
pub const OPEN_FLAG: &str = "incident-open";

/// Why an act on an incident is refused.
#[derive(Debug, thiserror::Error)]
pub enum IncidentRefusal {
    /// No such node of the division tree.
    #[error("no division {0}")]
    UnknownDivision(String),
    /// No incident waits for this unit.
    #[error("no incident waits for this unit")]
    NoneOpen,
}

/// Kinds of problem of incidents.
pub static KINDS: [Kind; 2] = [
    Kind::new(422, "unknown-division", "没有此行政区划代码", "There is no such division"),
    Kind::new(409, "no-incident-open", "没有待您知悉的事故", "No incident waits for you"),
];

impl Refusal for IncidentRefusal {
    fn kind(&self) -> &'static Kind {
        match self {
            Self::UnknownDivision(_) => &KINDS[0],
            Self::NoneOpen => &KINDS[1],
        }
    }
    fn text(&self) -> Words {
        match self {
            Self::UnknownDivision(code) => Words::new(format!("没有行政区划代码 {code}"), format!("There is no division {code}")),
            Self::NoneOpen => Words::new(self.kind().zh, self.kind().en),
        }
    }
}

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Any party reports an incident (事故报告), whatever version it saw; it leaves a task for the authority of the place and for the consignor.
///
/// Legal source: `decree_23_2021/9/para2`.
///
/// # Errors
/// 403, 404; `unknown-division`.
pub async fn report(call: &Call, actor: &Actor, id: Uuid, body: ReportIncident) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::ReportIncident, work::Said::NOTHING).await?;
        let division = body.division.unwrap_or_else(|| stored.record.consignment.departure().division.clone());
        if !catalogue::division_exists(tx.conn, &division).await? {
            let mut refusals = Refusals::none();
            refusals.add("/division", IncidentRefusal::UnknownDivision(division));
            return Err(refusals.into());
        }
        let (incident, now) = (tx.new_id(), tx.now());
        let authorities = identity::authorities_of(tx.conn, &division, legal_day(now)).await?;
        Sql("WITH i AS (INSERT INTO incidents (id, manifest_id, kind, place, division, reported_by, reported_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id), \
             m AS (INSERT INTO manifest_places (division, manifest_id) VALUES ($5, $2) ON CONFLICT DO NOTHING) \
             INSERT INTO incident_tasks (incident_id, duty, unit_id) SELECT i.id, 'authority', a FROM i, unnest($8::uuid[]) a UNION ALL SELECT i.id, 'consignor', $9 FROM i")
            .bind::<SqlUuid, _>(incident)
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(json!(body.kind).as_str().unwrap_or_default())
            .bind::<Text, _>(&body.place)
            .bind::<Text, _>(&division)
            .bind::<SqlUuid, _>(permit.unit)
            .bind::<Timestamptz, _>(now)
            .bind::<Array<SqlUuid>, _>(&authorities)
            .bind::<SqlUuid, _>(stored.record.consignment.consignor.unit_id)
            .execute(tx.conn)
            .await?;
        stored.flags.insert(OPEN_FLAG.to_owned());
        let mut step = Step::new(Act::ReportIncident, now).saying(json!({
            "incident_id": incident, "kind": body.kind, "place": body.place, "division": division, "authorities": authorities,
        }));
        step.findings.plain(&table::INCIDENT, "");
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// The authority of the place, or the consignor, takes note of every incident that waits for it (事故知悉) and says what is
/// being done. The version seen says which incidents these are.
///
/// # Errors
/// 403, 404; `no-incident-open`.
pub async fn acknowledge(call: &Call, actor: &Actor, id: Uuid, body: AcknowledgeIncident) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::AcknowledgeIncident, &body.proxy).await?;
        let now = tx.now();
        let jurisdiction: &[String] = if actor.is_officer() { &actor.jurisdiction } else { &[] };
        // The city may take note in the district's place: its jurisdiction holds that of the district.
        let noted: Vec<IdRow> = Sql("UPDATE incident_tasks t SET acknowledged_at = $4 FROM incidents i \
             WHERE i.id = t.incident_id AND i.manifest_id = $1 AND t.acknowledged_at IS NULL AND (t.duty = 'consignor' AND t.unit_id = $2 \
               OR t.duty = 'authority' AND EXISTS (SELECT FROM division_paths d WHERE d.code = i.division AND d.ancestor = ANY($3))) RETURNING i.id")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(permit.speaks_for())
        .bind::<Array<Text>, _>(jurisdiction)
        .bind::<Timestamptz, _>(now)
        .load(tx.conn)
        .await?;
        let noted: BTreeSet<Uuid> = noted.into_iter().map(|row| row.id).collect();
        if noted.is_empty() {
            return Err(Refusals::from(IncidentRefusal::NoneOpen).into());
        }
        if waiting(tx.conn, id, &stored.flags).await?.is_empty() {
            stored.flags.remove(OPEN_FLAG);
        }
        let step = Step::new(Act::AcknowledgeIncident, now).saying(json!({ "incident_ids": noted, "measures": body.measures }));
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// Who has not yet taken note of an incident.
///
/// # Errors
/// As the database.
pub async fn waiting(conn: &mut AsyncPgConnection, manifest: Uuid, flags: &BTreeSet<String>) -> Result<Vec<Task>, Problem> {
    if !flags.contains(OPEN_FLAG) {
        return Ok(Vec::new());
    }
    let rows: Vec<IdRow> = Sql("SELECT DISTINCT t.unit_id AS id FROM incident_tasks t JOIN incidents i ON i.id = t.incident_id \
         WHERE i.manifest_id = $1 AND t.acknowledged_at IS NULL")
    .bind::<SqlUuid, _>(manifest)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Act::AcknowledgeIncident, None)).collect())
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether an incident waits for this caller: his unit as the consignor, or his divisions as the authority.
///
/// # Errors
/// As the database.
pub async fn waits_for(
    conn: &mut AsyncPgConnection,
    manifest: Uuid,
    flags: &BTreeSet<String>,
    unit: Option<Uuid>,
    jurisdiction: &[String],
) -> Result<bool, Problem> {
    if !flags.contains(OPEN_FLAG) {
        return Ok(false);
    }
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM incident_tasks t JOIN incidents i ON i.id = t.incident_id \
         WHERE i.manifest_id = $1 AND t.acknowledged_at IS NULL AND (t.duty = 'consignor' AND t.unit_id = $2 \
           OR t.duty = 'authority' AND EXISTS (SELECT FROM division_paths d WHERE d.code = i.division AND d.ancestor = ANY($3)))) AS yes")
    .bind::<SqlUuid, _>(manifest)
    .bind::<Nullable<SqlUuid>, _>(unit)
    .bind::<Array<Text>, _>(jurisdiction)
    .load(conn)
    .await?
    .pop();
    Ok(row.is_some_and(|row| row.yes))
}
