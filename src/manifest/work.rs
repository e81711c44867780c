//! What every act on a manifest does in the same order: lock → load → policy → version, then the act's own step, then
//! accounts → judgement → parts, header, parties, tasks → event.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::findings::{Confirmation, Findings};
use super::parts::{PartName, Proxy};
use super::policy::{self, Permit};
use super::refusal::DomainRefusal;
use super::store::{self, ByProxy, Stored, Task};
use super::table::{self, Act, ActClass};
use super::{checks, corrections, discrepancies, incidents, outage};
use crate::evidence::{Head, NewEvent, Tx};
use crate::identity::Actor;
use crate::ledger::accounts::{self, Posting};
use crate::ledger::{Booking, NewEdge, NewLot};
use crate::platform::calendar::legal_day;
use crate::platform::problem::{Problem, Refusals};

/// Kind of the subject in evidence.
pub const SUBJECT: &str = "manifest";

/// What an act adds to a manifest, once its domain step was taken.
pub struct Step {
    /// The act.
    pub act: Act,
    /// The act under whose rules its findings stand; another one where it changes what that one relied on.
    pub judged_as: Act,
    /// When the signer says it happened.
    pub claimed_at: DateTime<Utc>,
    /// Parts to seal, by name and number.
    pub seals: Vec<(PartName, i32)>,
    /// The act's own facts for the event.
    pub facts: Value,
    /// What rules found.
    pub findings: Findings,
    /// Warnings that the caller confirmed.
    pub confirmed: Vec<Confirmation>,
    /// Changes of mass accounts.
    pub postings: Vec<Posting>,
    /// Lots to make.
    pub lots: Vec<NewLot>,
    /// Mass that moves between lots.
    pub edges: Vec<NewEdge>,
    /// What the act writes into ledgers.
    pub booking: Booking,
}

impl Step {
    /// A step that seals nothing yet.
    #[must_use]
    pub fn new(act: Act, claimed_at: DateTime<Utc>) -> Self {
        Self {
            act,
            judged_as: act,
            claimed_at,
            seals: Vec::new(),
            facts: json!({}),
            findings: Findings::default(),
            confirmed: Vec::new(),
            postings: Vec::new(),
            lots: Vec::new(),
            edges: Vec::new(),
            booking: Booking::default(),
        }
    }
    /// With one more part to seal.
    #[must_use]
    pub fn sealing(mut self, part: PartName, part_no: i32) -> Self {
        self.seals.push((part, part_no));
        self
    }
    /// With the act's own facts.
    #[must_use]
    pub fn saying(mut self, facts: Value) -> Self {
        self.facts = facts;
        self
    }
}

/// What a body says of a unit outside the system that is acted for, and where it says so.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    proxy: Option<&'a Proxy>,
    at: &'static str,
}

impl<'a> Said<'a> {
    /// For an act that is never done for another.
    pub const NOTHING: Self = Self { proxy: None, at: "/proxy" };
    /// At a place of its own in a composite's body.
    #[must_use]
    pub const fn at(proxy: Option<&'a Proxy>, at: &'static str) -> Self {
        Self { proxy, at }
    }
    /// The mark for the event: needed where a unit outside the system is acted for, and only there.
    fn of(self, permit: &Permit) -> Result<Option<ByProxy>, Problem> {
        let refusal = match (permit.acts_for, self.proxy) {
            (None, None) => return Ok(None),
            (Some(for_unit), Some(proxy)) => return Ok(Some(ByProxy { for_unit, proxy: proxy.clone() })),
            (Some(_), None) => DomainRefusal::ProxySourceMissing,
            (None, Some(_)) => DomainRefusal::ProxyNotNeeded,
        };
        let mut refusals = Refusals::none();
        refusals.add(self.at, refusal);
        Err(refusals.into())
    }
}

impl<'a> From<&'a Option<Proxy>> for Said<'a> {
    fn from(proxy: &'a Option<Proxy>) -> Self {
        Self::at(proxy.as_ref(), "/proxy")
    }
}

/// Lock, load, policy, version, void, state: everything before the act's own step.
///
/// # Errors
/// 404, 403, 412, 428, 409; `proxy-source-missing`, `proxy-not-needed`.
pub async fn open(tx: &mut Tx<'_>, actor: &Actor, id: Uuid, act: Act, said: impl Into<Said<'_>>) -> Result<(Stored, Permit), Problem> {
    let jurisdiction: &[String] = if actor.is_officer() { &actor.jurisdiction } else { &[] };
    let (head, mut stored) = tx.lock_and(id, async |conn: &AsyncPgConnection| store::load(conn, id, Head::NEW, jurisdiction).await).await?;
    stored.head = head;
    let permit = policy::permit(tx, actor, &stored, act).await?;
    // An alarm waits for no version: whoever gives it cannot read first.
    if act != Act::ReportIncident {
        tx.seen(id, &stored.head).await?;
    }
    admissible(&stored, act)?;
    stored.by_proxy = said.into().of(&permit)?;
    Ok((stored, permit))
}

/// The further acts of a composite: policy again, the version is that of the act before.
///
/// # Errors
/// 403, 409; `proxy-source-missing`, `proxy-not-needed`.
pub async fn go_on(tx: &mut Tx<'_>, actor: &Actor, stored: &mut Stored, act: Act, said: Said<'_>) -> Result<Permit, Problem> {
    let permit = policy::permit(tx, actor, stored, act).await?;
    admissible(stored, act)?;
    stored.by_proxy = said.of(&permit)?;
    Ok(permit)
}

/// Whether an act is open on a void manifest: facts, and what sets them right.
#[must_use]
pub fn is_open_when_void(act: Act) -> bool {
    act.rule().class == ActClass::Fact || matches!(act, Act::Correct | Act::Agree | Act::Disagree)
}

fn admissible(stored: &Stored, act: Act) -> Result<(), Problem> {
    // A void manifest still meets its lorry: what happens is recorded, but nothing new is set going.
    if stored.is_void && !is_open_when_void(act) {
        return Err(Refusals::from(DomainRefusal::Voided).into());
    }
    if act.rule().from.contains(&stored.record.state) { Ok(()) } else { Err(stored.record.clone().wrong_state(act)) }
}

/// Books, judges, writes and appends: everything after the act's own step. The event is the last statement.
///
/// # Errors
/// 422 with all refusals of law at once.
pub async fn finish(tx: &mut Tx<'_>, mut stored: Stored, mut step: Step) -> Result<Stored, Problem> {
    if stored.is_void {
        // Its accounts were given back when it was voided.
        step.postings.clear();
    }
    let balances = accounts::post(tx.conn, &step.postings).await?;
    checks::judge_balances(&stored.record, &balances, &mut step.findings);
    if stored.by_proxy.is_some() {
        step.findings.plain(&table::BY_PROXY, "");
    }
    let passed = step.findings.judge(step.judged_as, &step.confirmed, legal_day(step.claimed_at))?;
    stored.flags.extend(passed.flags.iter().map(|flag| (*flag).to_owned()));
    let mut parts = Vec::new();
    for (part, part_no) in &step.seals {
        parts.push(store::seal(&mut stored.record, *part, *part_no)?);
    }
    let calendar = tx.call.app.working_days();
    let beside = beside(tx, &stored, step.act).await?;
    let event = NewEvent {
        subject_kind: SUBJECT,
        subject: stored.record.id,
        act: step.act.as_str(),
        claimed_at: step.claimed_at,
        law: passed.law,
        sealed: parts.iter().map(|part| (part.name(), part.hash_hex())).collect::<BTreeMap<_, _>>(),
        payload: json!({
            "state": stored.record.state,
            "number": stored.number,
            "flags": passed.flags,
            "warnings": passed.warnings,
            "facts": step.facts,
        }),
    }
    .by_proxy(stored.by_proxy.as_ref());
    let (record, flags) = (&stored.record, &stored.flags);
    let mut booking = step.booking;
    booking.graph(&step.lots, &step.edges, step.claimed_at);
    let write = async |conn: &AsyncPgConnection| {
        // Together: neither statement looks at what the other writes.
        futures_util::try_join!(store::save(conn, record, None, flags, &parts, &calendar, &beside), booking.write(conn)).map(drop)
    };
    stored.head = tx.append_and(&stored.head, event, write).await?;
    Ok(stored)
}

/// Whose part it is beside whose hand.
pub trait Marked {
    /// With the mark of an act for a unit outside the system, where it is one.
    #[must_use]
    fn by_proxy(self, mark: Option<&ByProxy>) -> Self;
}

impl Marked for NewEvent {
    fn by_proxy(mut self, mark: Option<&ByProxy>) -> Self {
        if let Some(mark) = mark {
            self.payload["proxy"] = json!(mark);
        }
        self
    }
}

/// Tasks that stand beside those of the state. Flags say whether there is anything to look up.
async fn beside(tx: &mut Tx<'_>, stored: &Stored, act: Act) -> Result<Vec<Task>, Problem> {
    let (record, flags) = (&stored.record, &stored.flags);
    let mut tasks = corrections::waiting(tx, record, flags).await?;
    tasks.extend(incidents::waiting(tx.conn, record.id, flags).await?);
    tasks.extend(discrepancies::waiting(tx.conn, stored, act).await?);
    // Nothing is owed for what is void, from the act on that makes it so.
    if !stored.is_void && act != Act::Void {
        tasks.extend(outage::task(&tx.call.app, record, flags, stored.official_no.as_deref()));
    }
    Ok(tasks)
}
