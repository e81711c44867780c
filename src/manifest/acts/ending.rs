//! Acts that end or mark a manifest: cancel, void, incident, official number.

use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::manifest::input::{RecordOfficialNo, ReportIncident, WithReason};
use crate::manifest::store;
use crate::manifest::table::{self, Act};
use crate::manifest::work::{self, Step};
use crate::manifest::{accounts, checks};
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text as Words, kinds};

/// Why an official number is refused.
#[derive(Debug, thiserror::Error)]
pub enum NumberRefusal {
    /// Digits 5 to 8 are not the prefecture of departure.
    #[error("prefecture {given}, departure {departure}")]
    OtherPrefecture {
        /// As given.
        given: String,
        /// Of the place of departure.
        departure: String,
    },
    /// Another manifest has it.
    #[error("taken")]
    Taken,
}

/// Kinds of problem of official numbers.
pub static KINDS: [Kind; 2] = [
    Kind::new(422, "number-of-other-prefecture", "联单编号的地级市与移出地不符", "The number is of another prefecture than that of departure"),
    Kind::new(409, "official-number-taken", "该国家联单编号已登记在另一联单上", "Another manifest has this number"),
];

impl Refusal for NumberRefusal {
    fn kind(&self) -> &'static Kind {
        match self {
            Self::OtherPrefecture { .. } => &KINDS[0],
            Self::Taken => &KINDS[1],
        }
    }
    fn text(&self) -> Words {
        match self {
            Self::OtherPrefecture { given, departure } => Words::new(
                format!("编号第 5 至 8 位为 {given}，移出地为 {departure}"),
                format!("Digits 5 to 8 are {given}, the departure is {departure}"),
            ),
            Self::Taken => Words::new(KINDS[1].zh, KINDS[1].en),
        }
    }
    fn law(&self) -> &'static [&'static str] {
        match self {
            Self::OtherPrefecture { .. } => &["decree_23_2021/15"],
            Self::Taken => &[],
        }
    }
}

/// Takes a manifest back before anything left (取消); it keeps its number, every reservation goes back.
///
/// # Errors
/// 403, 409.
pub async fn cancel(call: &Call, actor: &Actor, id: Uuid, body: WithReason) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::Cancel).await?;
        let mut step = Step::new(Act::Cancel, tx.now()).saying(json!({ "reason": body.reason }));
        step.postings = accounts::cancelled(&stored.record);
        stored.record = stored.record.issued(Act::Cancel)?.cancel();
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// An officer of the place of departure voids a manifest (作废): a flag with its reason, never a delete.
///
/// # Errors
/// 403, 404, 409.
pub async fn void(call: &Call, actor: &Actor, id: Uuid, body: WithReason) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, _permit) = work::open(tx, actor, id, Act::Void).await?;
        let mut step = Step::new(Act::Void, tx.now()).saying(json!({ "reason": body.reason }));
        step.postings = accounts::voided(&stored.record);
        let now = tx.now();
        store::set_void(tx.conn, id, now).await?;
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// Any party reports an incident (事故报告) in two fields; it leaves a task for the authority of the place.
///
/// # Errors
/// 403, 404.
pub async fn report_incident(call: &Call, actor: &Actor, id: Uuid, body: ReportIncident) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::ReportIncident).await?;
        let division = body.division.unwrap_or_else(|| stored.record.consignment.departure().division.clone());
        let (incident, now) = (tx.new_id(), tx.now());
        Sql("INSERT INTO incidents (id, manifest_id, kind, place, division, reported_by, reported_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind::<SqlUuid, _>(incident)
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(json!(body.kind).as_str().unwrap_or_default())
            .bind::<Text, _>(&body.place)
            .bind::<Text, _>(&division)
            .bind::<SqlUuid, _>(permit.unit)
            .bind::<Timestamptz, _>(now)
            .execute(tx.conn)
            .await?;
        let mut step = Step::new(Act::ReportIncident, now)
            .saying(json!({ "incident_id": incident, "kind": body.kind, "place": body.place, "division": division }));
        step.findings.plain(&table::INCIDENT, "");
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// The consignor's clerk enters the number that the national system gave (国家联单编号).
///
/// # Errors
/// `number-of-other-prefecture`, `official-number-taken`.
pub async fn record_official_no(call: &Call, actor: &Actor, id: Uuid, body: RecordOfficialNo) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::RecordOfficialNo).await?;
        let text = body.official_no.to_string();
        let departure = checks::prefecture_of(tx.conn, &stored.record.consignment.departure().division).await?;
        let mut refusals = Refusals::none();
        let given = text.get(4..8).unwrap_or_default().to_owned();
        if departure.as_deref() != Some(given.as_str()) {
            refusals.add("/official_no", NumberRefusal::OtherPrefecture { given, departure: departure.unwrap_or_default() });
        }
        if stored.official_no.is_some() {
            return Err(Problem::of(&kinds::CONFLICT));
        }
        if refusals.is_empty() && !store::set_official_no(tx.conn, id, &text).await? {
            refusals.add("/official_no", NumberRefusal::Taken);
        }
        refusals.or(())?;
        stored.official_no = Some(text.clone());
        let step = Step::new(Act::RecordOfficialNo, tx.now()).saying(json!({ "official_no": text }));
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}
