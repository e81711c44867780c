//! Acts on applications for another province (跨省转移申请). The unit records what the provinces did; an authority of province
//! level may do it itself, and what it decides is verified by that.

use serde_json::json;
use uuid::Uuid;

use super::attachment::{Named, attach};
use super::{event, is_own_site, refusals, refuse};
use crate::evidence::{Head, Outcome, Tx};
use crate::filing::domain::application::{ApplicationStatement, Decision, DecisionStatement, StepStatement, WithdrawStatement};
use crate::filing::domain::{ApprovalStatement, approval_valid_to};
use crate::filing::store::application::{self as store, NewStep, StoredApplication};
use crate::filing::store::{insert_approval, verify_approval};
use crate::identity::{self, Actor, Role, transact};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::mass::Grams;
use crate::platform::problem::{Problem, Refusals, kinds};
use crate::registry::{self, SiteFacts, Words, verified_states_for};

refusals! {
    /// Why an act on an application is refused.
    ApplicationRefusal KINDS {
        /// Not a site of the actor's unit.
        NotOwnSite = 422 "application-site-not-own" "不是本单位的场所" "It is no site of your unit",
        /// No such receiver, or the site is not its.
        UnknownReceiver = 422 "application-receiver-unknown" "接受单位或其场所不存在" "There is no such receiver, or the site is not its",
        /// Both sites in one province.
        SameProvince = 422 "application-same-province" "移出地与接受地在同一省，不需要跨省转移批准" "Both sites lie in one province: no approval is needed",
        /// An application for nothing.
        NoMass = 422 "application-no-mass" "数量须大于零" "The mass must be above zero",
        /// The period ends before it begins.
        WrongPeriod = 422 "application-period-wrong" "申请期限顺序有误" "The period wished for ends before it begins",
        /// Later than today.
        InFuture = 422 "application-day-in-future" "日期晚于今天" "The day lies in the future",
        /// Before the application came.
        BeforeApplication = 422 "application-day-too-early" "日期早于申请日期" "The day is before that of the application",
        /// What is missing must be named.
        SaysNothing = 422 "application-says-nothing" "须写明内容或理由" "What is missing, or why, must be said in writing",
        /// Decided or withdrawn.
        Closed = 409 "application-closed" "申请已办结" "The application is decided or withdrawn",
        /// Out of force before it was decided.
        EndsBeforeDecision = 422 "application-ends-before-decision" "有效期在批准之前已届满" "It would end before it was decided",
        /// More than was applied for.
        MoreThanApplied = 422 "approved-more-than-applied" "批准数量大于申请数量" "More is approved than was applied for",
        /// The decision is recorded already.
        DecisionExists = 409 "decision-exists" "该批准文号已登记" "A decision with this number is recorded already",
    }
}

fn province(prefecture: Option<&str>) -> Option<String> {
    prefecture.and_then(|digits| digits.get(..2)).map(|digits| format!("{digits}0000"))
}

/// Who acts on an application, and whether as the authority that decides.
struct By {
    unit: Uuid,
    decides: bool,
}

/// Its unit, or an officer of the province of departure. The receiver sees it and may do nothing; an officer below the province
/// neither.
async fn acts_on(tx: &mut Tx<'_>, actor: &Actor, stored: &StoredApplication) -> Result<By, Problem> {
    if actor.unit_id() == Some(stored.consignor_id) {
        return Ok(By { unit: verified_states_for(actor)?, decides: false });
    }
    if actor.unit_id() == Some(stored.receiver_id) {
        return Err(Problem::of(&kinds::FORBIDDEN));
    }
    if !identity::officer_sees(tx.conn, actor, &stored.division).await? {
        return Err(Problem::not_found());
    }
    let has_role = actor.roles.has(Role::Inspector) || actor.roles.has(Role::Manager);
    let is_of_province = province(stored.prefecture.as_deref()).is_some_and(|code| actor.jurisdiction.contains(&code));
    match actor.unit_id() {
        Some(unit) if has_role && is_of_province => Ok(By { unit, decides: true }),
        _ => Err(Problem::of(&kinds::FORBIDDEN)),
    }
}

/// Records an application of the actor's unit.
///
/// Legal source: `decree_23_2021/22/para1`, `decree_23_2021/22/para2`.
///
/// # Errors
/// 403; all that is wrong in it at once.
pub async fn record(call: &Call, actor: &Actor, new: ApplicationStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let now = tx.now();
        let ends = registry::sites(tx.conn, &[new.site_id, new.receiver_site_id]).await?;
        let find = |id: Uuid| ends.iter().find(|site| site.site_id() == id);
        let (from, to) = (find(new.site_id), find(new.receiver_site_id));
        let mut refusals = Refusals::none();
        if !is_own_site(tx, unit, new.site_id).await? {
            refusals.add("/site_id", ApplicationRefusal::NotOwnSite);
        }
        if to.is_none_or(|site| site.unit_id() != new.receiver_id) {
            refusals.add("/receiver_site_id", ApplicationRefusal::UnknownReceiver);
        } else if from.and_then(|site| province(site.prefecture())) == to.and_then(|site| province(site.prefecture())) {
            refusals.add("/receiver_site_id", ApplicationRefusal::SameProvince);
        }
        if new.applied_g.grams().is_zero() {
            refusals.add("/applied_g", ApplicationRefusal::NoMass);
        }
        if new.applied_on > legal_day(now) {
            refusals.add("/applied_on", ApplicationRefusal::InFuture);
        }
        if new.wished_until < new.wished_from {
            refusals.add("/wished_until", ApplicationRefusal::WrongPeriod);
        }
        refusals.or(())?;
        let id = tx.new_id();
        store::insert(tx.conn, id, unit, &new, now).await?;
        let division = from.map(SiteFacts::division).unwrap_or_default();
        let units = [unit, new.receiver_id];
        attach(tx, actor, &Named { kind: "approval_application", subject: id, units: &units, division }, &new.attachments).await?;
        let payload = json!({
            "application_id": id, "consignor_id": unit, "site_id": new.site_id, "receiver_id": new.receiver_id, "receiver_site_id": new.receiver_site_id,
            "code": new.code, "method": new.method, "applied_g": new.applied_g.grams(), "applied_on": new.applied_on, "wished_from": new.wished_from,
            "wished_until": new.wished_until, "licence_valid_to": new.licence_valid_to, "attachments": new.attachments, "state": "open",
        });
        let law = &["decree_23_2021/22/para1", "decree_23_2021/22/para2"];
        tx.append(&Head::NEW, event(tx, "approval_application", id, "record_application", law, payload)).await?;
        Ok(())
    })
    .await
}

/// Opens an application for an act: policy, version, and that it is not decided.
async fn open(tx: &mut Tx<'_>, actor: &Actor, id: Uuid) -> Result<(StoredApplication, By, Head), Problem> {
    let stored = store::get(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
    let by = acts_on(tx, actor, &stored).await?;
    let head = tx.lock(id).await?;
    tx.seen(id, &head).await?;
    let stored = store::get(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
    if stored.state != "open" {
        return Err(refuse("", ApplicationRefusal::Closed));
    }
    Ok((stored, by, head))
}

fn day_fits(stored: &StoredApplication, day: chrono::NaiveDate, today: chrono::NaiveDate, at: &str, refusals: &mut Refusals<ApplicationRefusal>) {
    if day > today {
        refusals.add(at, ApplicationRefusal::InFuture);
    } else if day < stored.applied_on {
        refusals.add(at, ApplicationRefusal::BeforeApplication);
    }
}

/// Records what an authority did with an application.
///
/// Legal source: `decree_23_2021/23`, `decree_23_2021/24`, `decree_23_2021/25`.
///
/// # Errors
/// 403, 404, 412; `application-closed`, `application-day-in-future`, `application-day-too-early`, `application-says-nothing`.
pub async fn record_step(call: &Call, actor: &Actor, id: Uuid, new: StepStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, by, head) = open(tx, actor, id).await?;
        let now = tx.now();
        let mut refusals = Refusals::none();
        day_fits(&stored, new.happened_on, legal_day(now), "/happened_on", &mut refusals);
        if new.step == crate::filing::domain::application::ApplicationStep::CompletenessNotice && new.says.is_none() {
            refusals.add("/says", ApplicationRefusal::SaysNothing);
        }
        refusals.or(())?;
        let step = NewStep {
            kind: new.step.as_str(),
            happened_on: new.happened_on,
            number: new.number.as_ref().map(Words::as_str),
            says: new.says.as_ref().map(Words::as_str),
            by: by.unit,
        };
        let step_id = tx.new_id();
        store::insert_step(tx.conn, step_id, id, &step, now).await?;
        let units = [stored.consignor_id, stored.receiver_id];
        attach(tx, actor, &Named { kind: "approval_application", subject: id, units: &units, division: &stored.division }, &new.attachments).await?;
        let payload = json!({
            "application_id": id, "step": new.step, "happened_on": new.happened_on, "number": new.number, "says": new.says, "by_unit": by.unit,
            "attachments": new.attachments,
        });
        let law = &["decree_23_2021/23", "decree_23_2021/24", "decree_23_2021/25"];
        tx.append(&head, event(tx, "approval_application", id, "record_application_step", law, payload)).await?;
        Ok(())
    })
    .await
}

/// Records the decision; an approval becomes one that manifests rest on. Where the authority of the province decides here itself,
/// nobody need verify it.
///
/// Legal source: `decree_23_2021/26`, `decree_23_2021/27/para1`, `decree_23_2021/27/para2`.
///
/// # Errors
/// 403, 404, 412; `application-closed`, and what is wrong in the decision.
pub async fn decide(call: &Call, actor: &Actor, id: Uuid, new: DecisionStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, by, head) = open(tx, actor, id).await?;
        let now = tx.now();
        let approved_g = new.approved_g.map_or(stored.applied_g, |mass| mass.grams().get());
        let valid_to = approval_valid_to(new.decided_on, stored.wished_until, stored.licence_valid_to);
        let mut refusals = Refusals::none();
        day_fits(&stored, new.decided_on, legal_day(now), "/decided_on", &mut refusals);
        match new.decision {
            Decision::Refused if new.reasons.is_none() => refusals.add("/reasons", ApplicationRefusal::SaysNothing),
            Decision::Refused => {}
            Decision::Approved => {
                if approved_g == 0 {
                    refusals.add("/approved_g", ApplicationRefusal::NoMass);
                }
                if approved_g > stored.applied_g {
                    refusals.add("/approved_g", ApplicationRefusal::MoreThanApplied);
                }
                if valid_to < new.decided_on {
                    refusals.add("/decided_on", ApplicationRefusal::EndsBeforeDecision);
                }
            }
        }
        refusals.or(())?;
        let kind = match new.decision {
            Decision::Approved => "approved",
            Decision::Refused => "refused",
        };
        let approval = match new.decision {
            Decision::Approved => Some(approve(tx, actor, &stored, &new, (approved_g, valid_to), &by).await?),
            Decision::Refused => None,
        };
        let step = NewStep {
            kind,
            happened_on: new.decided_on,
            number: Some(new.decision_no.as_str()),
            says: new.reasons.as_ref().map(Words::as_str),
            by: by.unit,
        };
        let step_id = tx.new_id();
        store::insert_step(tx.conn, step_id, id, &step, now).await?;
        store::close(tx.conn, id, kind, approval).await?;
        let units = [stored.consignor_id, stored.receiver_id];
        attach(tx, actor, &Named { kind: "approval_application", subject: id, units: &units, division: &stored.division }, &new.attachments).await?;
        let payload = json!({
            "application_id": id, "state": kind, "decision_no": new.decision_no, "decided_on": new.decided_on, "reasons": new.reasons,
            "approval_id": approval, "by_unit": by.unit, "is_own_decision": by.decides, "attachments": new.attachments,
        });
        tx.append(&head, event(tx, "approval_application", id, "decide_application", &["decree_23_2021/26"], payload)).await?;
        Ok(())
    })
    .await
}

/// Makes the approval that a decision gives.
async fn approve(
    tx: &mut Tx<'_>,
    actor: &Actor,
    stored: &StoredApplication,
    new: &DecisionStatement,
    (approved_g, valid_to): (i64, chrono::NaiveDate),
    by: &By,
) -> Result<Uuid, Problem> {
    let read = |_| Problem::broken("an application of no code or method");
    let approval = ApprovalStatement {
        site_id: stored.site_id,
        receiver_id: stored.receiver_id,
        code: stored.code.parse().map_err(read)?,
        method: stored.method.parse().map_err(|_| Problem::broken("an application of no code or method"))?,
        approved_g: Grams::try_from(approved_g).map_err(|error| Problem::internal(&error))?.into(),
        decision_no: new.decision_no.clone(),
        decided_on: new.decided_on,
        applied_until: stored.wished_until,
        licence_valid_to: stored.licence_valid_to,
        attachments: new.attachments.clone(),
    };
    let (id, now) = (tx.new_id(), tx.now());
    if !insert_approval(tx.conn, id, stored.consignor_id, &approval, valid_to, now).await? {
        return Err(refuse("/decision_no", ApplicationRefusal::DecisionExists));
    }
    let units = [stored.consignor_id, stored.receiver_id];
    attach(tx, actor, &Named { kind: "approval", subject: id, units: &units, division: &stored.division }, &approval.attachments).await?;
    if by.decides {
        verify_approval(tx.conn, id, by.unit, now).await?;
    }
    let payload = json!({
        "approval_id": id, "application_id": stored.id, "consignor_id": stored.consignor_id, "site_id": stored.site_id, "receiver_id": stored.receiver_id,
        "code": approval.code, "method": approval.method, "approved_g": approved_g, "decision_no": approval.decision_no,
        "decided_on": approval.decided_on, "applied_until": approval.applied_until, "licence_valid_to": approval.licence_valid_to,
        "valid_to": valid_to, "attachments": approval.attachments, "verified_by": by.decides.then_some(by.unit),
    });
    let law = &["decree_23_2021/27/para1", "decree_23_2021/27/para2"];
    tx.append(&Head::NEW, event(tx, "approval", id, "record_approval", law, payload)).await?;
    Ok(id)
}

/// Takes an application back.
///
/// # Errors
/// 403, 404, 412; `application-closed`.
pub async fn withdraw(call: &Call, actor: &Actor, id: Uuid, new: WithdrawStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (_, by, head) = open(tx, actor, id).await?;
        if by.decides {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let (step_id, now) = (tx.new_id(), tx.now());
        let step = NewStep { kind: "withdrawn", happened_on: legal_day(now), number: None, says: Some(new.reason.as_str()), by: by.unit };
        store::insert_step(tx.conn, step_id, id, &step, now).await?;
        store::close(tx.conn, id, "withdrawn", None).await?;
        let payload = json!({ "application_id": id, "state": "withdrawn", "reason": new.reason });
        tx.append(&head, event(tx, "approval_application", id, "withdraw_application", &[], payload)).await?;
        Ok(())
    })
    .await
}
