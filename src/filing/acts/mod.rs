//! Acts of filing. Subjects with a chain: plan, plan_flow, declaration, filing_agent, approval_application, approval,
//! general_transfer, export_notice, paper, attachment. Names of persons stay out of the events.

use std::collections::BTreeMap;

use chrono::Datelike;
use serde_json::{Value, json};
use uuid::Uuid;

use super::domain::{ApprovalStatement, PlanFlowChange, PlanFlowStatement, approval_valid_to};
use super::rules::PLAN_YEARS_AROUND;
use super::store;
use crate::evidence::{Head, NewEvent, Outcome, Tx};
use crate::identity::{self, Actor, Role, transact};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text, kinds};
use crate::registry::{self, officer_of, own, verified_states_for};

pub mod application;
pub mod attachment;
pub mod declaration;
pub mod plan;
pub mod record;

/// Refusals that say no more than their kind: the enum, its kinds and both sentences, written once.
macro_rules! refusals {
    ($(#[$doc:meta])* $name:ident $kinds:ident { $($(#[$case_doc:meta])* $case:ident = $status:literal $code:literal $zh:literal $en:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        pub enum $name {
            $($(#[$case_doc])* #[error($en)] $case),*
        }

        /// The kinds of problem that go with them.
        pub static $kinds: &[$crate::platform::problem::Kind] = &[$($crate::platform::problem::Kind::new($status, $code, $zh, $en)),*];

        impl $crate::platform::problem::Refusal for $name {
            fn kind(&self) -> &'static $crate::platform::problem::Kind {
                &$kinds[*self as usize]
            }
            fn text(&self) -> $crate::platform::problem::Text {
                $crate::platform::problem::Text::new(self.kind().zh, self.kind().en)
            }
        }
    };
}
use refusals;

/// Every kind of problem of this room.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().chain(&super::domain::plan::PLAN_KINDS).chain(plan::KINDS)
    // REST
}

/// Why an act on a flow or an approval is refused.
#[derive(Debug, thiserror::Error)]
pub enum FilingRefusal {
    /// Not a site of the actor's unit.
    #[error("not an own site")]
    NotOwnSite,
    /// No such receiver, or the site is not the receiver's.
    #[error("unknown receiver")]
    UnknownReceiver,
    /// The year is too far from the present one.
    #[error("year {0} is too far away")]
    YearTooFar(i32),
    /// The plan names this way already.
    #[error("the flow exists")]
    FlowExists,
    /// An approval of nothing.
    #[error("no mass")]
    NoMass,
    /// Decided in the future.
    #[error("decided in the future")]
    DecidedInFuture,
    /// Out of force before it was decided.
    #[error("ends before the decision")]
    EndsBeforeDecision,
    /// Recorded already.
    #[error("the approval exists")]
    ApprovalExists,
    /// Verified already.
    #[error("the approval is verified")]
    ApprovalVerified,
    /// The plan of the year is filed: it is changed as a whole.
    #[error("the plan is filed")]
    PlanIsFiled,
}

/// The kinds of problem that go with them.
pub static KINDS: [Kind; 10] = [
    Kind::new(422, "not-own-site", "不是本单位的场所", "It is no site of your unit"),
    Kind::new(422, "unknown-receiver", "接受单位或其场所不存在", "There is no such receiver, or the site is not the receiver's"),
    Kind::new(422, "year-too-far", "计划年度与当前年度相差过大", "The plan's year is too far from the present one"),
    Kind::new(409, "plan-flow-exists", "计划中已有此流向，请变更该流向", "The plan has this flow already; change that one"),
    Kind::new(422, "no-mass", "数量须大于零", "The mass must be above zero"),
    Kind::new(422, "decided-in-future", "批准日期晚于今天", "The decision lies in the future"),
    Kind::new(422, "ends-before-decision", "有效期在批准之前已届满", "It would end before it was decided"),
    Kind::new(409, "approval-exists", "该批准已登记", "This approval is recorded already"),
    Kind::new(409, "approval-verified", "该批准已核验", "This approval is verified already"),
    Kind::new(409, "plan-is-filed", "该年度管理计划已备案，请变更计划并重新备案", "The plan of the year is filed; change the plan and file it again"),
];

impl Refusal for FilingRefusal {
    fn kind(&self) -> &'static Kind {
        &KINDS[match self {
            Self::NotOwnSite => 0,
            Self::UnknownReceiver => 1,
            Self::YearTooFar(_) => 2,
            Self::FlowExists => 3,
            Self::NoMass => 4,
            Self::DecidedInFuture => 5,
            Self::EndsBeforeDecision => 6,
            Self::ApprovalExists => 7,
            Self::ApprovalVerified => 8,
            Self::PlanIsFiled => 9,
        }]
    }
    fn text(&self) -> Text {
        match self {
            Self::YearTooFar(year) => Text::new(format!("{year} 年与当前年度相差过大"), format!("The year {year} is too far from the present one")),
            _ => Text::new(self.kind().zh, self.kind().en),
        }
    }
    fn law(&self) -> &'static [&'static str] {
        match self {
            Self::EndsBeforeDecision => &["decree_23_2021/27/para2"],
            _ => &[],
        }
    }
}

/// One refusal with its place.
pub(super) fn refuse<R: Refusal>(pointer: &str, refusal: R) -> Problem {
    let mut refusals = Refusals::none();
    refusals.add(pointer, refusal);
    refusals.into()
}

/// An event of this room, with the articles in force today.
pub(super) fn event(tx: &Tx<'_>, kind: &'static str, subject: Uuid, act: &'static str, law: &[&'static str], payload: Value) -> NewEvent {
    NewEvent {
        subject_kind: kind,
        subject,
        act,
        claimed_at: tx.now(),
        law: crate::catalogue::in_force_on(law, legal_day(tx.now())),
        sealed: BTreeMap::new(),
        payload,
    }
}

/// Whether the receiver exists, and the site, where one is named, is the receiver's.
pub(super) async fn is_receiver(tx: &mut Tx<'_>, receiver: Uuid, site: Option<Uuid>) -> Result<bool, Problem> {
    match site {
        None => Ok(identity::unit_by_id(tx.conn, receiver).await?.is_some()),
        Some(site) => Ok(registry::sites(tx.conn, &[site]).await?.iter().any(|facts| facts.unit_id() == receiver)),
    }
}

pub(super) async fn is_own_site(tx: &mut Tx<'_>, unit: Uuid, site: Uuid) -> Result<bool, Problem> {
    Ok(registry::sites(tx.conn, &[site]).await?.iter().any(|facts| facts.unit_id() == unit))
}

/// Records a flow of the yearly plan of a site of the actor's unit.
///
/// Legal source: `decree_23_2021/10/2`, `eco_code_2026/532/para2` (before 2026-08-15 `solid_waste_law_2020/78/para2`).
///
/// # Errors
/// 403; `not-own-site`, `unknown-receiver`, `year-too-far`, `plan-flow-exists`, `plan-is-filed`.
pub async fn record_plan_flow(call: &Call, actor: &Actor, flow: PlanFlowStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let now = tx.now();
        let mut refusals = Refusals::none();
        if !is_own_site(tx, unit, flow.site_id).await? {
            refusals.add("/site_id", FilingRefusal::NotOwnSite);
        }
        if !is_receiver(tx, flow.receiver_id, flow.receiver_site_id).await? {
            refusals.add("/receiver_id", FilingRefusal::UnknownReceiver);
        }
        if flow.year.abs_diff(legal_day(now).year()) > PLAN_YEARS_AROUND.unsigned_abs() {
            refusals.add("/year", FilingRefusal::YearTooFar(flow.year));
        }
        refusals.or(())?;
        if store::plan::is_filed(tx.conn, flow.site_id, flow.year).await? {
            return Err(refuse("/year", FilingRefusal::PlanIsFiled));
        }
        let id = tx.new_id();
        if !store::insert_plan_flow(tx.conn, id, unit, &flow, now).await? {
            return Err(refuse("", FilingRefusal::FlowExists));
        }
        let payload = json!({
            "plan_flow_id": id, "unit_id": unit, "site_id": flow.site_id, "year": flow.year, "code": flow.code, "receiver_id": flow.receiver_id,
            "receiver_site_id": flow.receiver_site_id, "method": flow.method, "planned_g": flow.planned_g.grams(), "filing_no": flow.filing_no,
        });
        tx.append(
            &Head::NEW,
            event(
                tx,
                "plan_flow",
                id,
                "record_plan_flow",
                &["decree_23_2021/10/2", "eco_code_2026/532/para2", "solid_waste_law_2020/78/para2"],
                payload,
            ),
        )
        .await?;
        Ok(())
    })
    .await
}

/// Changes a flow; a changed plan is filed again.
///
/// Legal source: `hj_1259_2022/5.2`.
///
/// # Errors
/// 403, 404, 412; `unknown-receiver`, `plan-is-filed`.
pub async fn change_plan_flow(call: &Call, actor: &Actor, id: Uuid, change: PlanFlowChange) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::flow_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        // The receiver sees the flow, but the plan is the consignor's.
        let outsider = if actor.unit_id() == Some(stored.receiver_id) { &kinds::FORBIDDEN } else { &kinds::NOT_FOUND };
        own(actor, stored.unit_id, outsider)?;
        verified_states_for(actor)?;
        if stored.plan_id.is_some() {
            return Err(refuse("", FilingRefusal::PlanIsFiled));
        }
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        if change.receiver_site_id.is_some() && !is_receiver(tx, stored.receiver_id, change.receiver_site_id).await? {
            return Err(refuse("/receiver_site_id", FilingRefusal::UnknownReceiver));
        }
        store::change_plan_flow(tx.conn, id, &change).await?;
        let payload = json!({
            "plan_flow_id": id, "receiver_site_id": change.receiver_site_id, "planned_g": change.planned_g.grams(), "filing_no": change.filing_no,
        });
        tx.append(&head, event(tx, "plan_flow", id, "change_plan_flow", &["hj_1259_2022/5.2"], payload)).await?;
        Ok(())
    })
    .await
}

/// Records an approval for another province that the actor's unit was given.
///
/// Legal source: `decree_23_2021/27/para1`, `decree_23_2021/27/para2`.
///
/// # Errors
/// 403; `not-own-site`, `unknown-receiver`, `no-mass`, `decided-in-future`, `ends-before-decision`, `approval-exists`, `attachment-unknown`.
pub async fn record_approval(call: &Call, actor: &Actor, approval: ApprovalStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let now = tx.now();
        let valid_to = approval_valid_to(approval.decided_on, approval.applied_until, approval.licence_valid_to);
        let mut refusals = Refusals::none();
        if !is_own_site(tx, unit, approval.site_id).await? {
            refusals.add("/site_id", FilingRefusal::NotOwnSite);
        }
        if !is_receiver(tx, approval.receiver_id, None).await? {
            refusals.add("/receiver_id", FilingRefusal::UnknownReceiver);
        }
        if approval.approved_g.grams().is_zero() {
            refusals.add("/approved_g", FilingRefusal::NoMass);
        }
        if approval.decided_on > legal_day(now) {
            refusals.add("/decided_on", FilingRefusal::DecidedInFuture);
        }
        if valid_to < approval.decided_on {
            refusals.add("/decided_on", FilingRefusal::EndsBeforeDecision);
        }
        refusals.or(())?;
        let id = tx.new_id();
        if !store::insert_approval(tx.conn, id, unit, &approval, valid_to, now).await? {
            return Err(refuse("/decision_no", FilingRefusal::ApprovalExists));
        }
        let division = registry::sites(tx.conn, &[approval.site_id]).await?.first().map(|site| site.division().to_owned()).unwrap_or_default();
        let named = attachment::Named { kind: "approval", subject: id, units: &[unit, approval.receiver_id], division: &division };
        attachment::attach(tx, actor, &named, &approval.attachments).await?;
        let payload = json!({
            "approval_id": id, "consignor_id": unit, "site_id": approval.site_id, "receiver_id": approval.receiver_id, "code": approval.code,
            "method": approval.method, "approved_g": approval.approved_g.grams(), "decision_no": approval.decision_no,
            "decided_on": approval.decided_on, "applied_until": approval.applied_until, "licence_valid_to": approval.licence_valid_to,
            "valid_to": valid_to, "attachments": approval.attachments,
        });
        tx.append(&Head::NEW, event(tx, "approval", id, "record_approval", &["decree_23_2021/27/para1", "decree_23_2021/27/para2"], payload)).await?;
        Ok(())
    })
    .await
}

/// An officer of the division of departure verifies an approval against the decision itself.
///
/// Legal source: `decree_23_2021/27/para1`.
///
/// # Errors
/// 404 outside the jurisdiction, 403 for a mere viewer, 412; `approval-verified`.
pub async fn verify_approval(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::approval_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        // Both units see the approval; that they may not verify it is no secret to them.
        let is_party = actor.unit_id().is_some_and(|unit| unit == stored.consignor_id || unit == stored.receiver_id);
        let outsider = if is_party { &kinds::FORBIDDEN } else { &kinds::NOT_FOUND };
        let by = officer_of(tx.conn, actor, &stored.division, &[Role::Inspector, Role::Manager], outsider).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        if !store::verify_approval(tx.conn, id, by, now).await? {
            return Err(refuse("", FilingRefusal::ApprovalVerified));
        }
        let payload = json!({ "approval_id": id, "verified_by": by });
        tx.append(&head, event(tx, "approval", id, "verify_approval", &["decree_23_2021/27/para1"], payload)).await?;
        Ok(())
    })
    .await
}
