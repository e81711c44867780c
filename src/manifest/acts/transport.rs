//! Acts on the road: assign, release, withdraw, take over, refuse, hand over, arrive, not received, sign late.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::ending;
use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::manifest::input::{Assign, DriverStep, HandOverLoad, LoadTogether, NotReceivedLoad, ReleaseLoad, SignLate, TakeBack};
use crate::manifest::parts::{Basis, HandOver, PartName, Release, ReleasedLine, RoadStep};
use crate::manifest::policy::Permit;
use crate::manifest::refusal::DomainRefusal;
use crate::manifest::store::Stored;
use crate::manifest::table::{self, Act, State};
use crate::manifest::work::{self, Said, Step};
use crate::manifest::{accounts, books, checks, graph, trips};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals, kinds};

/// The carrier names vehicle and crew; no state changes, and it may be changed until the take-over.
///
/// # Errors
/// 404, 403, 412, 409.
pub async fn assign(call: &Call, actor: &Actor, id: Uuid, body: Assign) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::Assign, &body.proxy).await?;
        let carrier = trips::carrier_party(tx.conn, permit.speaks_for()).await?;
        let leg_no = stored.record.leg();
        let mut step = Step::new(Act::Assign, tx.now());
        trips::joinable(tx.conn, body.trip.trip_id, id).await?;
        let assignment = trips::assignment(tx, &stored.record, leg_no, carrier, body.trip, step.claimed_at, &mut step.findings).await?;
        step.facts = json!({ "leg_no": leg_no, "trip_id": assignment.trip_id, "plate": assignment.plate });
        if stored.record.state == State::Offered {
            // The load was released to papers that were looked at; another vehicle must stand the same look.
            step.judged_as = Act::Release;
        }
        stored.record.assignments.insert(leg_no, assignment);
        work::finish(tx, stored, step.sealing(PartName::Assignment, leg_no)).await?;
        Ok(())
    })
    .await
}

/// The consignor gives the load: weighed masses, containers, papers again on the day.
///
/// # Errors
/// 422 where law refuses, with every refusal.
pub async fn release(call: &Call, actor: &Actor, id: Uuid, body: ReleaseLoad) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, _permit) = work::open(tx, actor, id, Act::Release, &body.proxy).await?;
        release_step(tx, actor, stored, body).await?;
        Ok(())
    })
    .await
}

async fn release_step(tx: &mut Tx<'_>, actor: &Actor, mut stored: Stored, body: ReleaseLoad) -> Result<Stored, Problem> {
    let mut step = Step::new(Act::Release, tx.now());
    step.confirmed = body.confirmed;
    let lines: Vec<ReleasedLine> = body
        .lines
        .into_iter()
        .map(|line| ReleasedLine { line: line.line, released_g: line.released_g.grams(), basis: line.basis, containers: line.containers })
        .collect();
    if let Some(paper_no) = &body.paper_no {
        let (id, consignor) = (stored.record.id, stored.record.consignment.consignor.unit_id);
        ending::paper_is_free(tx, actor, id, consignor, paper_no, "/paper_no").await?;
    }
    // Begun for a consignor outside the system, it travels on the paper that it was begun with.
    let begun_with = stored.record.consignment.elsewhere.as_ref().and_then(|elsewhere| elsewhere.paper_no.clone());
    let paper_no = body.paper_no.map(String::from).or(begun_with);
    checks::release(tx, &stored, &lines, paper_no.as_deref(), &mut step.findings).await?;
    let before = stored.record.clone();
    let release = Release { lines, released_at: tx.now(), paper_no };
    stored.record = stored.record.issued(Act::Release)?.release(release)?.into();
    checks::sent_on_mass(tx, &stored.record, &mut stored.flags, &mut step.findings).await?;
    step.postings = accounts::released(&before, &stored.record);
    step.facts = json!({ "leg_no": 1 });
    if let Some(release) = stored.record.release.clone() {
        books::out(tx, &actor.name, &stored.record, &release.lines, release.released_at, &mut step).await?;
    }
    work::finish(tx, stored, step.sealing(PartName::Release, 1)).await
}

/// The giver takes an offer back.
///
/// # Errors
/// 403 for anybody but the giver of this leg.
pub async fn withdraw(call: &Call, actor: &Actor, id: Uuid, body: TakeBack) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::Withdraw, &body.proxy).await?;
        if stored.record.giver_id() != permit.speaks_for() {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        back_to_giver(tx, &actor.name, stored, Step::new(Act::Withdraw, tx.now()).saying(json!({ "reason": body.reason }))).await
    })
    .await
}

/// The driver does not take the load.
///
/// # Errors
/// 403, 409.
pub async fn refuse_take_over(call: &Call, actor: &Actor, id: Uuid, body: TakeBack) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::RefuseTakeOver, &body.proxy).await?;
        let mut step = Step::new(Act::RefuseTakeOver, tx.now()).saying(json!({ "reason": body.reason }));
        if permit.is_instead_of_driver() {
            step.findings.plain(&table::DISPATCHER_SIGNED, "");
        }
        back_to_giver(tx, &actor.name, stored, step).await
    })
    .await
}

async fn back_to_giver(tx: &mut Tx<'_>, handler: &str, mut stored: Stored, mut step: Step) -> Result<(), Problem> {
    let before = stored.record.clone();
    let leg = before.leg();
    if leg > 1 {
        trips::leave(tx.conn, before.id, leg).await?;
    } else {
        books::back(tx, handler, &before, &mut step).await?;
    }
    stored.record = stored.record.offered(step.act)?.back_to_giver();
    step.postings = accounts::unreleased(&before, &stored.record);
    step = if leg == 1 { step.sealing(PartName::Release, 1) } else { step.sealing(PartName::HandOver, leg - 1).sealing(PartName::Assignment, leg) };
    work::finish(tx, stored, step).await?;
    Ok(())
}

/// The driver takes the load over.
///
/// # Errors
/// `plate-differs` where the plate is not the one assigned.
pub async fn take_over(call: &Call, actor: &Actor, id: Uuid, body: DriverStep) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::TakeOver, &body.proxy).await?;
        take_over_step(tx, actor, stored, &permit, body).await?;
        Ok(())
    })
    .await
}

async fn take_over_step(tx: &mut Tx<'_>, actor: &Actor, mut stored: Stored, permit: &Permit, body: DriverStep) -> Result<Stored, Problem> {
    let leg_no = stored.record.leg();
    let mut step = Step::new(Act::TakeOver, tx.call.claim(body.claimed_at)?);
    let handed_over = stored.record.hand_overs.get(&(leg_no - 1)).map(|hand_over| hand_over.at);
    let released = stored.record.release.as_ref().map(|release| release.released_at);
    let floor = handed_over.or(released).unwrap_or(stored.issued_at);
    let road = road_step(actor, &stored, permit, &body, floor, &mut step)?;
    if let Some(seen) = &body.containers_seen {
        checks::containers(&stored.record, seen, &mut step.findings);
    }
    checks::papers_again(tx.conn, &stored.record, step.claimed_at, &mut step.findings).await?;
    stored.record = stored.record.offered(Act::TakeOver)?.take_over(road)?.into();
    if leg_no == 1 {
        // Only now the mass has left: an offer may be taken back and made again.
        step.lots = graph::released_lots(tx, &stored.record);
        step.edges = graph::sent_on(tx, &stored.record, &step.lots).await?;
    }
    step.facts = json!({ "leg_no": leg_no });
    work::finish(tx, stored, step.sealing(PartName::TakeOver, leg_no)).await
}

/// What the driver's steps share: whose hand, whose vehicle, which time.
fn road_step(actor: &Actor, stored: &Stored, permit: &Permit, body: &DriverStep, floor: DateTime<Utc>, step: &mut Step) -> Result<RoadStep, Problem> {
    let leg_no = stored.record.leg();
    if step.claimed_at < floor {
        step.findings.plain(&table::CLOCK_CLAMPED, "/claimed_at");
        step.claimed_at = floor;
    }
    let by_gate = !Act::TakeOver.allows(&permit.relations, permit.roles);
    if by_gate {
        step.findings.plain(&table::ARRIVED_BY_GATE, "");
    } else if permit.is_instead_of_driver() {
        if body.instead_of_driver.is_none() {
            let mut refusals = Refusals::none();
            refusals.add("/instead_of_driver", DomainRefusal::InsteadReasonMissing);
            return Err(refusals.into());
        }
        step.findings.plain(&table::DISPATCHER_SIGNED, "");
    } else if permit.acts_for.is_none()
        && stored.record.assignment().is_some_and(|assignment| assignment.driver_id.is_some_and(|driver| driver != actor.user))
    {
        step.findings.plain(&table::OTHER_DRIVER, "");
    }
    let instead_of_driver = body.instead_of_driver.clone().filter(|_| !by_gate && permit.is_instead_of_driver());
    Ok(RoadStep { leg_no, plate: body.plate.clone(), at: step.claimed_at, place: body.place, instead_of_driver, is_late: false, by_gate })
}

/// The load goes to another vehicle on the road; the next driver takes it over.
///
/// # Errors
/// `too-many-legs`.
pub async fn hand_over(call: &Call, actor: &Actor, id: Uuid, body: HandOverLoad) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::HandOver, &body.proxy).await?;
        let leg_no = stored.record.leg();
        let mut step = Step::new(Act::HandOver, tx.call.claim(body.claimed_at)?);
        if permit.is_instead_of_driver() {
            if body.instead_of_driver.is_none() {
                return Err(Refusals::from(DomainRefusal::InsteadReasonMissing).into());
            }
            step.findings.plain(&table::DISPATCHER_SIGNED, "");
        }
        let assigned = stored.record.assignment().and_then(|assignment| assignment.driver_id);
        if permit.acts_for.is_none() && !permit.is_instead_of_driver() && assigned.is_some_and(|driver| driver != actor.user) {
            step.findings.plain(&table::OTHER_DRIVER, "");
        }
        step.findings.plain(&table::BREAKDOWN, "");
        if let Some(floor) = stored.record.take_overs.get(&leg_no).map(|taken| taken.at).filter(|floor| step.claimed_at < *floor) {
            step.findings.plain(&table::CLOCK_CLAMPED, "/claimed_at");
            step.claimed_at = floor;
        }
        let carrier = trips::carrier_party(tx.conn, body.carrier_id.unwrap_or_else(|| stored.record.carrier_id())).await?;
        trips::joinable(tx.conn, body.trip.trip_id, id).await?;
        let next = trips::assignment(tx, &stored.record, leg_no + 1, carrier, body.trip, step.claimed_at, &mut step.findings).await?;
        step.facts = json!({ "leg_no": leg_no, "next_trip_id": next.trip_id, "plate": next.plate, "reason": body.reason });
        let hand_over = HandOver { leg_no, at: step.claimed_at, place: body.place, reason: body.reason };
        stored.record = stored.record.in_transit(Act::HandOver)?.hand_over(hand_over, next)?.into();
        work::finish(tx, stored, step.sealing(PartName::HandOver, leg_no).sealing(PartName::Assignment, leg_no + 1)).await?;
        Ok(())
    })
    .await
}

/// The driver is at the receiver's gate; the gate itself may say so.
///
/// # Errors
/// 403, 409.
pub async fn arrive(call: &Call, actor: &Actor, id: Uuid, body: DriverStep) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::Arrive, &body.proxy).await?;
        arrive_step(tx, actor, stored, &permit, body).await?;
        Ok(())
    })
    .await
}

/// The driver signs the arrival, or the receiver's gate tells of it.
pub(super) async fn arrive_step(tx: &mut Tx<'_>, actor: &Actor, mut stored: Stored, permit: &Permit, body: DriverStep) -> Result<Stored, Problem> {
    let leg_no = stored.record.leg();
    let mut step = Step::new(Act::Arrive, tx.call.claim(body.claimed_at)?);
    let floor = stored.record.take_overs.get(&leg_no).map_or(stored.issued_at, |taken| taken.at);
    let road = road_step(actor, &stored, permit, &body, floor, &mut step)?;
    checks::plate(&stored.record, leg_no, &road.plate, &mut step.findings);
    step.facts = json!({ "leg_no": leg_no, "by_gate": road.by_gate });
    stored.record = stored.record.in_transit(Act::Arrive)?.arrive(road).into();
    work::finish(tx, stored, step.sealing(PartName::Arrival, leg_no)).await
}

/// The gate stays shut: closed, broken down, weather. The load waits, or goes back by a return.
///
/// # Errors
/// 403, 409.
pub async fn not_received(call: &Call, actor: &Actor, id: Uuid, body: NotReceivedLoad) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::NotReceived, &body.proxy).await?;
        let mut step =
            Step::new(Act::NotReceived, tx.now()).saying(json!({ "reason": body.reason, "note": body.note, "leg_no": stored.record.leg() }));
        step.findings.plain(&table::NOT_RECEIVED, "");
        if stored.record.state == State::Arrived {
            stored.record = stored.record.arrived(Act::NotReceived)?.turn_away();
        }
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// A signature that the receiver did not wait for, given afterwards and marked late. No state changes.
///
/// # Errors
/// `nothing-skipped` where none of the caller's signatures is missing.
pub async fn sign_late(call: &Call, actor: &Actor, id: Uuid, body: SignLate) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::SignLate, &body.proxy).await?;
        let skipped = stored.record.unsigned().find(|skipped| skipped.unit_id == permit.speaks_for()).cloned();
        let skipped = skipped.ok_or(Refusals::from(DomainRefusal::NothingSkipped))?;
        let mut step = Step::new(Act::SignLate, tx.call.claim(Some(body.happened_at))?);
        step.findings.plain(&table::SIGNED_LATE, "");
        step.facts = json!({ "signs": skipped.act, "leg_no": skipped.leg_no, "reason": body.reason });
        let leg_no = skipped.leg_no;
        let before = stored.record.clone();
        if let Some(seen) = &body.plate {
            checks::plate(&stored.record, leg_no, seen, &mut step.findings);
        }
        let plate = body.plate.or_else(|| stored.record.assignments.get(&leg_no).map(|assignment| assignment.plate.clone()));
        let road = plate.map(|plate| RoadStep {
            leg_no,
            plate,
            at: step.claimed_at,
            place: None,
            instead_of_driver: Some(body.reason),
            is_late: true,
            by_gate: false,
        });
        step = match (skipped.act.as_str(), road) {
            ("take_over", Some(road)) => {
                stored.record.take_overs.insert(leg_no, road);
                step.sealing(PartName::TakeOver, leg_no)
            }
            ("arrive", Some(road)) => {
                stored.record.arrivals.insert(leg_no, road);
                step.sealing(PartName::Arrival, leg_no)
            }
            ("release", _) => {
                // What left is what was declared: nobody weighed it before it went.
                let lines = stored.record.consignment.lines.iter();
                let lines =
                    lines.map(|line| ReleasedLine { line: line.line, released_g: line.declared_g, basis: Basis::Estimated, containers: Vec::new() });
                stored.record.release = Some(Release { lines: lines.collect(), released_at: step.claimed_at, paper_no: None });
                step.sealing(PartName::Release, 1)
            }
            _ => return Err(Refusals::from(DomainRefusal::NotAssigned { leg_no }).into()),
        };
        step.postings = accounts::released_late(&before, &stored.record);
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// release and take_over on one device at the loading place: two people, one request, one transaction.
///
/// # Errors
/// As the two acts; nothing is kept unless both are done.
pub async fn load_together(call: &Call, actor: &Actor, id: Uuid, body: LoadTogether) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        // Not before the key is claimed: a lost answer may be asked for when the driver's token has long ended.
        let driver = identity::actor_of_token(tx.conn, call, &body.driver_token).await?;
        let (stored, _permit) = work::open(tx, actor, id, Act::Release, Said::at(body.release.proxy.as_ref(), "/release/proxy")).await?;
        let mut stored = release_step(tx, actor, stored, body.release).await?;
        tx.sign_as(driver.signer());
        let permit = work::go_on(tx, &driver, &mut stored, Act::TakeOver, Said::at(body.take_over.proxy.as_ref(), "/take_over/proxy")).await?;
        take_over_step(tx, &driver, stored, &permit, body.take_over).await?;
        Ok(())
    })
    .await
}
