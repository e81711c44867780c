//! Acts at the receiver's: receive, confirm, record treatment, and the gate in one call.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::json;
use uuid::Uuid;

use crate::catalogue;
use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::ledger::{LotKind, NewEdge, NewLot};
use crate::manifest::domain::Record;
use crate::manifest::findings::Findings;
use crate::manifest::input::{ConfirmLoad, DriverStep, Gate, GateArrival, ReceiveLoad, TreatLine};
use crate::manifest::parts::{
    Attribute, Basis, Decision, LineVerdict, PartName, Receipt, ReceivedLine, ReleasedLine, Treatment, Verdict, WeighingRef,
};
use crate::manifest::refusal::DomainRefusal;
use crate::manifest::store::Stored;
use crate::manifest::table::{self, Act, State};
use crate::manifest::work::{self, Said, Step};
use crate::manifest::{accounts, books, checks, graph, rules, trips};
use crate::platform::calendar::{Lateness, legal_day};
use crate::platform::call::Call;
use crate::platform::mass::Grams;
use crate::platform::problem::{Problem, Refusals};

/// The load is in. Never waits for a missing signature, and never refuses for law.
///
/// # Errors
/// 403, 409, 422 for lines that are not on the manifest.
pub async fn receive(call: &Call, actor: &Actor, id: Uuid, body: ReceiveLoad) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, _permit) = work::open(tx, actor, id, Act::Receive, &body.proxy).await?;
        receive_step(tx, actor, stored, body).await?;
        Ok(())
    })
    .await
}

/// The reason of a skipped signature where the gate gave none: the lorry does not wait for a sentence.
const NOT_GIVEN: &str = "not-given";

async fn receive_step(tx: &mut Tx<'_>, actor: &Actor, mut stored: Stored, body: ReceiveLoad) -> Result<Stored, Problem> {
    let mut step = Step::new(Act::Receive, tx.call.claim(body.claimed_at)?);
    let floor = latest_before_receipt(&stored);
    if step.claimed_at < floor {
        step.findings.plain(&table::CLOCK_CLAMPED, "/claimed_at");
        step.claimed_at = floor;
    }
    twice_or_unknown(&stored.record, body.masses.iter().map(|mass| mass.line))?;
    let given: Vec<(i32, Grams)> = body.masses.iter().map(|mass| (mass.line, mass.mass_g.grams())).collect();
    let seen = body.containers_seen.as_deref().unwrap_or_default();
    let (lines, weighings) = received_masses(tx, &stored, &given, seen, &mut step.findings).await?;
    if lines.iter().any(|line| line.basis == Basis::Estimated) {
        step.findings.plain(&table::MASS_ESTIMATED, "/masses");
    }
    if let Some(seen) = &body.containers_seen {
        checks::containers(&stored.record, seen, &mut step.findings);
    }
    let before = stored.record.clone();
    let at_gate = stored.record.before_receipt(Act::Receive)?;
    let is_reason_given = body.skip_reason.is_some();
    let skipped = at_gate.missing(body.skip_reason.as_deref().unwrap_or(NOT_GIVEN));
    if !is_reason_given && !skipped.is_empty() {
        step.findings.plain(&table::SKIP_REASON_MISSING, "/skip_reason");
    }
    for one in &skipped {
        let (zh, en) = (format!("缺少第 {} 段 {} 签字", one.leg_no, one.act), format!("The {} of leg {} is missing", one.act, one.leg_no));
        step.findings.add(&table::SIGNATURE_SKIPPED, "", zh, en);
    }
    step.facts = json!({ "received_on": legal_day(step.claimed_at), "skipped": skipped.len() });
    let receipt = Receipt { received_at: step.claimed_at, lines, weighings, skipped };
    stored.record = at_gate.receive(receipt)?.into();
    step.postings = accounts::received(&before, &stored.record);
    if !before.take_overs.contains_key(&1) {
        // Nobody signed for the road, and yet it has left.
        step.lots = graph::released_lots(tx, &stored.record);
        if before.release.is_some() || before.consignment.link.is_some() {
            step.edges = graph::sent_on(tx, &stored.record, &step.lots).await?;
        } else {
            // Nobody told of the release either: what was declared has left the giver's store.
            let given = books::out(tx, &actor.name, &stored.record, &undeclared(&stored.record), step.claimed_at, &mut step).await?;
            step.edges = given.into_lines(tx, &step.lots);
        }
    }
    work::finish(tx, stored, step.sealing(PartName::Receipt, 1)).await
}

/// What left without a release: as declared, in nobody knows which containers.
fn undeclared(record: &Record) -> Vec<ReleasedLine> {
    let lines = record.consignment.lines.iter();
    lines.map(|line| ReleasedLine { line: line.line, released_g: line.declared_g, basis: Basis::Estimated, containers: Vec::new() }).collect()
}

/// A mass that the gate gives twice for a line, or for a line that is not there, is refused at its place.
fn twice_or_unknown(record: &Record, lines: impl Iterator<Item = i32>) -> Result<(), Refusals<DomainRefusal>> {
    let (mut refusals, mut seen) = (Refusals::none(), Vec::new());
    for (index, line) in lines.enumerate() {
        if record.consignment.line(line).is_none() {
            refusals.add(format!("/masses/{index}/line"), DomainRefusal::UnknownLine { line });
        } else if seen.contains(&line) {
            refusals.add(format!("/masses/{index}/line"), DomainRefusal::LineTwice { line });
        }
        seen.push(line);
    }
    refusals.or(())
}

/// No receipt before what came before it.
fn latest_before_receipt(stored: &Stored) -> DateTime<Utc> {
    let record = &stored.record;
    let steps = record.take_overs.values().chain(record.arrivals.values()).map(|step| step.at);
    steps.chain(record.release.as_ref().map(|release| release.released_at)).max().unwrap_or(stored.issued_at)
}

/// Masses by line: given by the gate, else the trip's net shared over what was on the vehicle, else what was released. A mass
/// is weighed in containers only where containers are named; a mere figure is an estimate. Both are held against the bridge.
async fn received_masses(
    tx: &mut Tx<'_>,
    stored: &Stored,
    given: &[(i32, Grams)],
    seen: &[String],
    findings: &mut Findings,
) -> Result<(Vec<ReceivedLine>, Vec<WeighingRef>), Problem> {
    let record = &stored.record;
    let shares = match record.assignment() {
        Some(assignment) => trips::shares(tx.conn, assignment.trip_id, record, stored.issued_at).await?,
        None => None,
    };
    if let Some(shares) = shares.as_ref().filter(|_| !given.is_empty()) {
        let share_g: i64 = given.iter().filter_map(|(line, _)| shares.lines.get(line)).map(|mass| mass.get()).sum();
        let given_g: i64 = given.iter().map(|(_, mass)| mass.get()).sum();
        let tolerance = catalogue::mass_tolerance(tx.conn, &record.consignment.receiver.division, legal_day(tx.now())).await?;
        if tolerance.is_exceeded(share_g, given_g) {
            let (zh, en) =
                (format!("填报 {given_g} 克，车次过磅折合 {share_g} 克"), format!("{given_g} g given, the trip was weighed at {share_g} g of it"));
            findings.add(&table::MASS_DIFFERS_FROM_WEIGHING, "/masses", zh, en);
        }
    }
    let mut lines = Vec::new();
    for line in &record.consignment.lines {
        let containers = record.release.iter().flat_map(|release| &release.lines).find(|one| one.line == line.line).map(|one| &one.containers);
        let containers_seen: Vec<String> =
            containers.into_iter().flatten().filter(|container| seen.contains(&container.code)).map(|container| container.code.clone()).collect();
        let (weighed_g, basis) = match (given.iter().find(|(number, _)| *number == line.line), &shares) {
            (Some((_, mass)), _) => {
                let is_listed = containers.is_some_and(|containers| !containers.is_empty());
                let is_named = !containers_seen.is_empty() || !is_listed && !seen.is_empty();
                (*mass, if is_named { Basis::Containers } else { Basis::Estimated })
            }
            (None, Some(shares)) => shares.of(line.line),
            (None, None) => (Grams::try_from(record.moved_g(line.line)).unwrap_or(Grams::ZERO), Basis::Estimated),
        };
        lines.push(ReceivedLine { line: line.line, weighed_g, basis, containers_seen });
    }
    Ok((lines, shares.map(|shares| shares.weighing).into_iter().collect()))
}

/// The receipt as the weighings tell by now, where that is something else: a load that was estimated may have been weighed
/// since, and of those that came with it more is known than at the gate. What the receiver corrected himself stands.
async fn weighed_by_now(tx: &mut Tx<'_>, stored: &Stored) -> Result<Option<Receipt>, Problem> {
    let record = &stored.record;
    let (Some(receipt), Some(assignment)) = (&record.receipt, record.assignment()) else { return Ok(None) };
    let is_first = record.revisions.get(&(PartName::Receipt, 1)) == Some(&1);
    if !is_first || receipt.lines.iter().all(|line| line.basis == Basis::Containers) {
        return Ok(None);
    }
    let Some(shares) = trips::shares(tx.conn, assignment.trip_id, record, stored.issued_at).await? else { return Ok(None) };
    let mut amended = receipt.clone();
    // A line is weighed anew by what weighed it, or, where nothing has yet, for the first time.
    let is_weighed = receipt.is_weighed();
    for line in amended.lines.iter_mut().filter(|line| line.basis != Basis::Containers && (line.basis != Basis::Estimated || !is_weighed)) {
        (line.weighed_g, line.basis) = shares.of(line.line);
    }
    amended.weighings = vec![shares.weighing];
    Ok(Some(amended).filter(|amended| amended != receipt))
}

/// The receiver's signatory decides on what came.
///
/// # Errors
/// 403, 409, 422 for shape; never for law, lateness or a full licence.
pub async fn confirm(call: &Call, actor: &Actor, id: Uuid, body: ConfirmLoad) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, _permit) = work::open(tx, actor, id, Act::Confirm, &body.proxy).await?;
        confirm_step(tx, actor, stored, body).await?;
        Ok(())
    })
    .await
}

async fn confirm_step(tx: &mut Tx<'_>, actor: &Actor, mut stored: Stored, body: ConfirmLoad) -> Result<Stored, Problem> {
    let mut step = Step::new(Act::Confirm, tx.call.claim(body.claimed_at)?);
    if let Some(receipt) = weighed_by_now(tx, &stored).await? {
        let before = stored.record.clone();
        step.facts["reweighed"] = json!(receipt.weighings);
        stored.record.receipt = Some(receipt);
        step.postings = accounts::corrected(&before, &stored.record);
        step = step.sealing(PartName::Receipt, 1);
    }
    let received = stored.record.clone().received(Act::Confirm)?;
    let received_at = received.receipt().received_at;
    if step.claimed_at < received_at {
        step.findings.plain(&table::CLOCK_CLAMPED, "/claimed_at");
        step.claimed_at = received_at;
    }
    let day = legal_day(received_at);
    let calendar = tx.call.app.working_days();
    let deadline = calendar.add_working_days(day, *rules::CONFIRM_WITHIN_WORKING_DAYS.on(day));
    // The duty to enter it in the system is judged by when it was entered, not by what a device claims.
    let is_late = calendar.is_late(tx.now(), deadline) == Lateness::Late;
    if is_late {
        let (zh, en) = (format!("应于 {} 前确认", deadline.last_day), format!("It was due by {}", deadline.last_day));
        step.findings.add(&table::CONFIRMED_LATE, "", zh, en);
    }
    let tolerance = catalogue::mass_tolerance(tx.conn, &received.record().consignment.receiver.division, day).await?;
    let lines = verdicts(&received, &body, |moved_g, weighed_g| tolerance.is_exceeded(moved_g, weighed_g));
    for (index, line) in lines.iter().enumerate() {
        if !line.differs.is_empty() {
            let names: Vec<&str> = line.differs.iter().map(|attribute| attribute_zh(*attribute)).collect();
            let moved_g = received.record().moved_g(line.line);
            step.findings.add(
                &table::DISCREPANCY,
                format!("/lines/{index}"),
                format!("第 {} 项 {} 不符：移出 {moved_g} 克，到货 {} 克", line.line, names.join("、"), line.weighed_g),
                format!("Line {} differs: {moved_g} g left, {} g came", line.line, line.weighed_g),
            );
        }
        if line.basis == Basis::Estimated {
            step.findings.plain(&table::MASS_ESTIMATED, format!("/lines/{index}"));
        }
    }
    let conn: &AsyncPgConnection = tx.conn;
    let (_, released) = futures_util::try_join!(
        checks::licence_at_receipt(conn, received.record(), &lines, day, &mut step.findings),
        graph::lots_of(conn, received.record().id, "released"),
    )?;
    let verdict = Verdict { lines, signed_at: step.claimed_at, due_on: deadline.last_day, is_late };
    if verdict.refused_g() > 0 {
        let refused_g = verdict.refused_g();
        step.findings.add(
            &table::REFUSED_MASS,
            "",
            format!("拒收 {refused_g} 克，须退回或改送"),
            format!("{refused_g} g were refused; return them or send them on"),
        );
    }
    let before = stored.record.clone();
    stored.record = received.confirm(verdict)?.into();
    step.postings.extend(accounts::confirmed(&before, &stored.record));
    (step.lots, step.edges) = graph::decided_lots(tx, &stored.record, &released);
    books::into_store(tx, &actor.name, &stored.record, &mut step).await?;
    let verdict = stored.record.verdict.as_ref();
    step.facts["accepted_g"] = json!(verdict.map(Verdict::accepted_g));
    step.facts["refused_g"] = json!(verdict.map(Verdict::refused_g));
    step.facts["due_on"] = json!(deadline.last_day);
    step.facts["is_late"] = json!(is_late);
    work::finish(tx, stored, step.sealing(PartName::Verdict, 1)).await
}

const fn attribute_zh(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Name => "名称",
        Attribute::Mass => "数量",
        Attribute::Hazard => "特性",
        Attribute::Form => "形态",
        Attribute::Packaging => "包装方式",
    }
}

/// The verdict on every line; without lines everything is accepted as weighed.
fn verdicts(received: &crate::manifest::domain::Received, body: &ConfirmLoad, differs_in_mass: impl Fn(i64, i64) -> bool) -> Vec<LineVerdict> {
    let record = received.record();
    let mut lines = Vec::new();
    let all: Vec<_> = if body.lines.is_empty() {
        record
            .consignment
            .lines
            .iter()
            .map(|line| crate::manifest::input::VerdictInput {
                line: line.line,
                decision: Decision::All,
                accepted_g: None,
                method: None,
                differs: Vec::new(),
                reasons: Vec::new(),
                note: None,
            })
            .collect()
    } else {
        body.lines.clone()
    };
    for input in all {
        let weighed = received.weighed(input.line);
        let weighed_g = weighed.map_or(Grams::ZERO, |one| one.weighed_g);
        let accepted_g = match (input.accepted_g, input.decision) {
            (Some(mass), _) => mass.grams(),
            (None, Decision::All) => weighed_g,
            (None, Decision::Part | Decision::None) => Grams::ZERO,
        };
        let mut differs = input.differs;
        if differs_in_mass(record.moved_g(input.line), weighed_g.get()) && !differs.contains(&Attribute::Mass) {
            differs.push(Attribute::Mass);
        }
        // An unknown line is refused by the domain; until then it needs some method to be a value at all.
        let Some(method) = input.method.or_else(|| record.consignment.line(input.line).or(record.consignment.lines.first()).map(|line| line.method))
        else {
            continue;
        };
        lines.push(LineVerdict {
            line: input.line,
            decision: input.decision,
            weighed_g,
            basis: weighed.map_or(Basis::Estimated, |one| one.basis),
            accepted_g,
            method,
            differs,
            reasons: input.reasons,
            note: input.note,
        });
    }
    lines
}

/// Use or disposal of what was accepted; the consignor sees it.
///
/// # Errors
/// `treated-exceeds-accepted`.
pub async fn record_treatment(call: &Call, actor: &Actor, id: Uuid, body: TreatLine) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::RecordTreatment, &body.proxy).await?;
        if stored.record.is_return() {
            return Err(Refusals::from(DomainRefusal::ReturnIsBack).into());
        }
        let mut step = Step::new(Act::RecordTreatment, tx.call.claim(body.done_at)?);
        let floor = stored.record.receipt.as_ref().map_or(stored.issued_at, |receipt| receipt.received_at);
        if step.claimed_at < floor {
            step.findings.plain(&table::CLOCK_CLAMPED, "/done_at");
            step.claimed_at = floor;
        }
        let no = i32::try_from(stored.record.treatments.len()).unwrap_or(i32::MAX) + 1;
        let treatment =
            Treatment { no, line: body.line, method: body.method, treated_g: body.treated_g.grams(), batch: body.batch, done_at: step.claimed_at };
        step.facts = json!({ "line": treatment.line, "treated_g": treatment.treated_g, "method": treatment.method, "batch": treatment.batch });
        let accepted = stored.record.verdict.iter().flat_map(|verdict| &verdict.lines).find(|one| one.line == body.line).map(|one| one.method);
        if let Some(accepted) = accepted.filter(|accepted| *accepted != body.method) {
            let (zh, en) = (format!("接受时定为 {accepted}，实际为 {}", body.method), format!("Accepted for {accepted}, treated by {}", body.method));
            step.findings.add(&table::METHOD_DIFFERS, "/method", zh, en);
        }
        let code = stored.record.consignment.line(body.line).map(|line| line.waste_code.to_string());
        stored.record = stored.record.decided(Act::RecordTreatment)?.record_treatment(treatment)?;
        if let (Some(code), Some((_, from))) =
            (code, graph::lots_of(tx.conn, id, "received").await?.into_iter().find(|(number, _)| *number == body.line))
        {
            let is_booked = books::treat(tx, &actor.name, &stored.record, from, no, &mut step).await?;
            if !is_booked {
                let (mass_g, site, kind) = (body.treated_g.grams().get(), stored.record.consignment.receiver.site_id, LotKind::Treated);
                let lot = NewLot { id: tx.new_id(), site, manifest: Some(id), line: Some(body.line), waste_code: code, kind, mass_g, entry: None };
                step.edges.push(NewEdge { id: tx.new_id(), from, to: lot.id, mass_g, kind: "treat", counts: None });
                step.lots.push(lot);
            }
        }
        work::finish(tx, stored, step.sealing(PartName::Treatment, no)).await?;
        Ok(())
    })
    .await
}

/// The gate in one call: the arrival where nobody told of it, weigh the trip, receive, and confirm where the signatory is
/// there. `driver` signs the arrival by his one-time code; without him the gate tells of it.
///
/// # Errors
/// As the acts; nothing is kept unless all are done.
pub async fn gate(call: &Call, actor: &Actor, driver: Option<&Actor>, id: Uuid, body: Gate) -> Result<Outcome, Problem> {
    let acts = 1 + usize::from(body.arrive.is_some()) + usize::from(body.weigh.is_some()) + usize::from(body.confirm.is_some());
    identity::transact(call, actor, acts, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        // Where the gate is entered for a receiver outside the system, one source stands under all of it.
        let proxy = body.receive.proxy.clone();
        let said = Said::at(proxy.as_ref(), "/receive/proxy");
        let (mut stored, _permit) = work::open(tx, actor, id, Act::Receive, said).await?;
        if let Some(arrive) = body.arrive
            && stored.record.state == State::InTransit
        {
            stored = arrive_at_gate(tx, actor, driver, stored, arrive, said).await?;
        }
        if let Some(weigh) = body.weigh {
            let leg_no = stored.record.leg();
            let trip = stored.record.assignment().map(|assignment| assignment.trip_id);
            let trip = trip.ok_or(Refusals::from(DomainRefusal::NotAssigned { leg_no }))?;
            work::go_on(tx, actor, &mut stored, Act::Weigh, Said::NOTHING).await?;
            trips::weigh_step(tx, trip, weigh).await?;
        }
        work::go_on(tx, actor, &mut stored, Act::Receive, said).await?;
        stored = receive_step(tx, actor, stored, body.receive).await?;
        if let Some(confirm) = body.confirm {
            let own = confirm.proxy.clone();
            let said = own.as_ref().map_or(said, |own| Said::at(Some(own), "/confirm/proxy"));
            work::go_on(tx, actor, &mut stored, Act::Confirm, said).await?;
            confirm_step(tx, actor, stored, confirm).await?;
        }
        Ok(())
    })
    .await
}

async fn arrive_at_gate(
    tx: &mut Tx<'_>,
    gate: &Actor,
    driver: Option<&Actor>,
    mut stored: Stored,
    arrive: GateArrival,
    said: Said<'_>,
) -> Result<Stored, Problem> {
    let leg_no = stored.record.leg();
    let plate = stored.record.assignment().map(|assignment| assignment.plate.clone());
    let plate = plate.ok_or(Refusals::from(DomainRefusal::NotAssigned { leg_no }))?;
    let body = DriverStep { plate, place: arrive.place, claimed_at: arrive.claimed_at, instead_of_driver: None, containers_seen: None, proxy: None };
    let Some(driver) = driver else {
        let permit = work::go_on(tx, gate, &mut stored, Act::Arrive, said).await?;
        return super::transport::arrive_step(tx, gate, stored, &permit, body).await;
    };
    let gatekeeper = tx.signer().clone();
    let driver = identity::fresh(tx.conn, driver, tx.now()).await?;
    tx.sign_as(driver.signer());
    let permit = work::go_on(tx, &driver, &mut stored, Act::Arrive, Said::NOTHING).await?;
    let stored = super::transport::arrive_step(tx, &driver, stored, &permit, body).await?;
    tx.sign_as(gatekeeper);
    Ok(stored)
}
