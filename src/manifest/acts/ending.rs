//! Acts that end or mark a manifest: cancel, void, official number.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::manifest::input::{RecordOfficialNo, TakeBack, WithReason};
use crate::manifest::number::{ManifestNumber, PaperNo};
use crate::manifest::table::{self, Act, State};
use crate::manifest::work::{self, Step};
use crate::manifest::{accounts, checks, outage, store};
use crate::platform::calendar::Lateness;
use crate::platform::call::Call;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text as Words};

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
    /// This manifest has another one, and others have relied on it.
    #[error("recorded already")]
    Recorded {
        /// What was recorded.
        number: String,
    },
    /// Another manifest of the consignor carries the paper.
    #[error("the paper is taken")]
    PaperTaken {
        /// That manifest, where the caller may see it.
        on: Option<Uuid>,
        /// Its number.
        number: Option<String>,
    },
}

/// Kinds of problem of official numbers.
pub static KINDS: [Kind; 4] = [
    Kind::new(422, "number-of-other-prefecture", "联单编号的地级市与移出地不符", "The number is of another prefecture than that of departure"),
    Kind::new(409, "official-number-taken", "该国家联单编号已登记在另一联单上", "Another manifest has this number"),
    Kind::new(409, "official-number-recorded", "国家联单编号已登记", "The national number is recorded already"),
    Kind::new(409, "paper-number-taken", "该移出人的这份纸质联单已登记在另一联单上", "Another manifest of this consignor carries this paper"),
];

impl Refusal for NumberRefusal {
    fn kind(&self) -> &'static Kind {
        match self {
            Self::OtherPrefecture { .. } => &KINDS[0],
            Self::Taken => &KINDS[1],
            Self::Recorded { .. } => &KINDS[2],
            Self::PaperTaken { .. } => &KINDS[3],
        }
    }
    fn text(&self) -> Words {
        match self {
            Self::OtherPrefecture { given, departure } => Words::new(
                format!("编号第 5 至 8 位为 {given}，移出地为 {departure}"),
                format!("Digits 5 to 8 are {given}, the departure is {departure}"),
            ),
            Self::Taken => Words::new(KINDS[1].zh, KINDS[1].en),
            Self::PaperTaken { on: Some(on), number } => {
                let name = number.clone().unwrap_or_else(|| on.to_string());
                Words::new(
                    format!("该纸质联单已登记为联单 {name}；请在该联单上登记国家联单编号，或经主管部门作废后再补录"),
                    format!("This paper is manifest {name} already; enter the national number there, or have it voided before you enter it again"),
                )
            }
            Self::Recorded { number } => Words::new(
                format!("已登记为 {number}；承运人派车后不得改填，如有误请主管部门作废后重新提交或补录"),
                format!(
                    "It is {number}; once the carrier has named its vehicle it cannot be entered anew: if it is wrong, have the manifest voided and issue or back-enter it again"
                ),
            ),
            Self::PaperTaken { on: None, .. } => Words::new(KINDS[3].zh, KINDS[3].en),
        }
    }
    fn law(&self) -> &'static [&'static str] {
        match self {
            Self::OtherPrefecture { .. } => &["decree_23_2021/15"],
            Self::Taken | Self::Recorded { .. } | Self::PaperTaken { .. } => &[],
        }
    }
    fn help(&self) -> Option<Value> {
        match self {
            Self::PaperTaken { on: Some(on), .. } => {
                Some(json!({ "act": Act::RecordOfficialNo, "method": "POST", "path": format!("/api/v1/manifests/{on}/record_official_no") }))
            }
            _ => None,
        }
    }
}

/// One paper of a consignor is one manifest: whoever would carry it a second time is told which manifest has it.
///
/// # Errors
/// `paper-number-taken`, with `manifest_id` where the caller may see that manifest.
pub(super) async fn paper_is_free(
    tx: &mut Tx<'_>,
    actor: &Actor,
    manifest: Uuid,
    consignor: Uuid,
    paper_no: &PaperNo,
    pointer: &str,
) -> Result<(), Problem> {
    let Some(other) = store::on_paper(tx.conn, manifest, consignor, paper_no.as_str(), actor.unit_id()).await? else { return Ok(()) };
    let on = other.is_seen.then_some(other.id);
    let mut refusals = Refusals::none();
    refusals.add(pointer, NumberRefusal::PaperTaken { on, number: other.number });
    let problem = Problem::from(refusals);
    Err(match on {
        Some(on) => problem.with("manifest_id", json!(on)),
        None => problem,
    })
}

/// The national number of a manifest that begins here with it: of the prefecture of departure, and on no other manifest.
///
/// # Errors
/// `number-of-other-prefecture`, `official-number-taken`.
pub(super) async fn official_no_is_free(tx: &mut Tx<'_>, number: ManifestNumber, departure: &str, pointer: &str) -> Result<(), Problem> {
    let mut refusals = Refusals::none();
    let given = format!("{:04}", number.prefecture());
    if given != departure {
        refusals.add(pointer, NumberRefusal::OtherPrefecture { given, departure: departure.to_owned() });
    } else if store::has_official_no(tx.conn, &number.to_string()).await? {
        refusals.add(pointer, NumberRefusal::Taken);
    }
    Ok(refusals.or(())?)
}

/// Takes a manifest back before anything left (取消); it keeps its number, every reservation goes back.
///
/// # Errors
/// 403, 409.
pub async fn cancel(call: &Call, actor: &Actor, id: Uuid, body: TakeBack) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::Cancel, &body.proxy).await?;
        let mut step = Step::new(Act::Cancel, tx.now()).saying(json!({ "reason": body.reason }));
        step.postings = accounts::cancelled(&stored.record);
        stored.record = stored.record.issued(Act::Cancel)?.cancel();
        if let Some(link) = &stored.record.consignment.link {
            store::ask_to_send_on_again(tx, link).await?;
        }
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
        let (stored, _permit) = work::open(tx, actor, id, Act::Void, work::Said::NOTHING).await?;
        let mut step = Step::new(Act::Void, tx.now()).saying(json!({ "reason": body.reason }));
        step.postings = accounts::voided(&stored.record);
        let now = tx.now();
        store::set_void(tx.conn, id, now).await?;
        if let Some(link) = &stored.record.consignment.link {
            store::ask_to_send_on_again(tx, link).await?;
        }
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// The consignor's clerk enters the number that the national system gave (国家联单编号); a slip he mends by entering it anew,
/// until the carrier has acted upon it.
///
/// # Errors
/// `number-of-other-prefecture`, `official-number-taken`, `official-number-recorded`.
pub async fn record_official_no(call: &Call, actor: &Actor, id: Uuid, body: RecordOfficialNo) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::RecordOfficialNo, &body.proxy).await?;
        let text = body.official_no.to_string();
        let departure = checks::prefecture_of(tx.conn, &stored.record.consignment.departure().division).await?;
        let mut refusals = Refusals::none();
        let given = text.get(4..8).unwrap_or_default().to_owned();
        if departure.as_deref() != Some(given.as_str()) {
            refusals.add("/official_no", NumberRefusal::OtherPrefecture { given, departure: departure.unwrap_or_default() });
        }
        let before = stored.official_no.take();
        // What began with the number has it sealed.
        let is_relied_on =
            stored.record.state != State::Issued || stored.record.assignment().is_some() || stored.record.consignment.elsewhere.is_some();
        if let Some(number) = before.clone().filter(|before| is_relied_on || *before == text) {
            return Err(Refusals::from(NumberRefusal::Recorded { number }).into());
        }
        if refusals.is_empty() && !store::set_official_no(tx.conn, id, &text).await? {
            refusals.add("/official_no", NumberRefusal::Taken);
        }
        refusals.or(())?;
        let mut step = Step::new(Act::RecordOfficialNo, tx.now()).saying(json!({ "official_no": text }));
        if let Some(before) = before {
            step.facts["instead_of"] = json!(before);
        }
        let owed = outage::back_entry(&tx.call.app, &stored.record, &stored.flags, None);
        if let Some(deadline) = owed {
            step.facts["due_on"] = json!(deadline.last_day);
            // Before the load is in, the transfer has not ended and nothing can be late.
            if stored.record.receipt.is_some() && call.app.working_days().is_late(tx.now(), deadline) == Lateness::Late {
                let (zh, en) = (format!("应于 {} 前补录", deadline.last_day), format!("It was due by {}", deadline.last_day));
                step.findings.add(&table::BACK_ENTERED_LATE, "", zh, en);
            }
        }
        stored.official_no = Some(text);
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}
