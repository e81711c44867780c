//! Acts that begin a manifest: issue, from a draft, like an earlier one, sending on what was refused, back-entry of paper.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Utc};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ending;
use crate::evidence::{After, Head, NewEvent, Outcome, Tx};
use crate::identity::{self, Actor};
use crate::ledger::accounts::Posting;
use crate::manifest::domain::Record;
use crate::manifest::drafts;
use crate::manifest::findings::{Confirmation, Findings};
use crate::manifest::input::{BackEnter, IssueLike, IssueManifest, LineInput, LineMassInput, MassInputDoc, SendOn};
use crate::manifest::number::PaperNo;
use crate::manifest::parts::{
    Basis, Consignment, Elsewhere, Link, LinkKind, PartName, Party, Receipt, ReceivedLine, Release, ReleasedLine, RoadStep,
};
use crate::manifest::refusal::DomainRefusal;
use crate::manifest::store::{self, ByProxy, Stored};
use crate::manifest::table::{self, Act, State};
use crate::manifest::work::{self, Marked as _, SUBJECT, Step};
use crate::manifest::{accounts, books, checks, graph, outage, policy, trips};
use crate::platform::app::NumberMode;
use crate::platform::calendar::{Lateness, legal_day};
use crate::platform::call::{Call, parse};
use crate::platform::db::Sql;
use crate::platform::mass::MassInput;
use crate::platform::problem::{Problem, Refusals, Text, kinds};

/// Issues a manifest (提交): every check of law at once, the number last.
///
/// # Errors
/// 403, 422 with every refusal.
pub async fn issue(call: &Call, actor: &Actor, body: IssueManifest) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let id = tx.new_id();
        issue_step(tx, actor, id, body).await
    })
    .await
}

/// Issues a draft; the draft is gone, the manifest has its id.
///
/// # Errors
/// 404, 412, 400 with all that the draft still lacks, and as [`issue`].
pub async fn issue_draft(call: &Call, actor: &Actor, draft: Uuid, confirmed: Vec<Confirmation>) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = actor.unit_id().ok_or_else(Problem::not_found)?;
        let (document, version) = drafts::get(tx.conn, draft, unit, true).await?.ok_or_else(Problem::not_found)?;
        call.seen(version)?;
        let mut body: IssueManifest = parse(&call.app, document.to_string().as_bytes())?;
        body.confirmed.extend(confirmed);
        drafts::delete(tx.conn, draft, unit).await?;
        issue_step(tx, actor, draft, body).await
    })
    .await
}

/// Issues what an earlier manifest of the same consignor says, with other days and masses: create and issue in one call.
///
/// # Errors
/// 404 for a manifest that is not the caller's, and as [`issue`].
pub async fn issue_like(call: &Call, actor: &Actor, body: IssueLike) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let earlier = earlier(tx, actor, body.like).await?;
        let manifest = like(&earlier, body.planned_departure_on, body.planned_receipt_on, &body.masses, body.confirmed)?;
        let id = tx.new_id();
        issue_step(tx, actor, id, manifest).await
    })
    .await
}

/// The consignment of an earlier manifest of the actor's own.
///
/// # Errors
/// 404.
pub async fn earlier(tx: &mut Tx<'_>, actor: &Actor, id: Uuid) -> Result<Consignment, Problem> {
    let stored = store::load(tx.conn, id, Head::NEW, &[]).await?;
    let consignment = stored.record.consignment;
    if Some(consignment.consignor.unit_id) == actor.unit_id() && consignment.link.is_none() { Ok(consignment) } else { Err(Problem::not_found()) }
}

/// An earlier consignment as a new manifest.
///
/// # Errors
/// `unknown-line` for a mass of a line that is not there, `line-twice` for a second one, `nothing-declared` for none.
pub fn like(
    earlier: &Consignment,
    departure_on: chrono::NaiveDate,
    receipt_on: chrono::NaiveDate,
    masses: &[LineMassInput],
    confirmed: Vec<Confirmation>,
) -> Result<IssueManifest, Problem> {
    let mut refusals = Refusals::none();
    for (index, mass) in masses.iter().enumerate() {
        if earlier.line(mass.line).is_none() {
            refusals.add(format!("/masses/{index}/line"), DomainRefusal::UnknownLine { line: mass.line });
        } else if masses.iter().take(index).any(|one| one.line == mass.line) {
            refusals.add(format!("/masses/{index}/line"), DomainRefusal::LineTwice { line: mass.line });
        }
        if mass.mass_g.grams().is_zero() {
            refusals.add(format!("/masses/{index}/mass_g"), DomainRefusal::NothingDeclared { line: mass.line });
        }
    }
    refusals.or(())?;
    let (Some(consignor_site_id), Some(receiver_site_id)) = (earlier.consignor.site_id, earlier.receiver.site_id) else {
        return Err(Problem::broken("a consignment without its sites"));
    };
    let lines = earlier
        .lines
        .iter()
        .map(|line| LineInput {
            waste_code: line.waste_code,
            name: Some(line.name.clone()).filter(|name| !name.is_empty()),
            harmful: line.harmful.clone(),
            form: line.form,
            packaging: line.packaging.clone(),
            packages: line.packages,
            declared_g: masses.iter().find(|mass| mass.line == line.line).map_or(MassInputDoc(MassInput::from(line.declared_g)), |mass| mass.mass_g),
            method: line.method,
            exemption: match &line.cover {
                crate::manifest::parts::Cover::Exemption { seq, stage, condition } => {
                    Some(crate::manifest::input::ExemptionClaim { seq: *seq, stage: *stage, condition: condition.clone() })
                }
                _ => None,
            },
        })
        .collect();
    Ok(IssueManifest {
        consignor_site_id,
        receiver_site_id,
        carrier_id: earlier.carrier.unit_id,
        hirer: earlier.hirer,
        lines,
        planned_departure_on: departure_on,
        planned_receipt_on: receipt_on,
        emergency_measures: earlier.emergency_measures.clone(),
        contact_name: earlier.consignor.contact_name.clone(),
        confirmed,
        proxy: None,
        official_no: None,
        paper_no: None,
        approval_no: None,
    })
}

async fn issue_step(tx: &mut Tx<'_>, actor: &Actor, id: Uuid, body: IssueManifest) -> Result<(), Problem> {
    let (ends, carrier) = checks::ends(tx.conn, body.consignor_site_id, body.receiver_site_id, body.carrier_id).await?;
    let beginner = may_begin(actor, &ends, Act::Issue)?;
    policy::sign_by_key(tx, actor, Act::Issue)?;
    if body.planned_departure_on < legal_day(tx.now()) {
        // Plan, approval and catalogue are those of the day of departure: a past one would revive what has run out.
        let text = Text::new("计划移出日不得早于今日；已发生的转移请补录", "The planned departure is past; enter what has happened as a back-entry");
        return Err(Problem::value("/planned_departure_on", text));
    }
    let (given, elsewhere) = given(&beginner, &ends, &body, None, checks::impossible_masses(&body.lines, ""))?;
    if let Some(paper_no) = &body.paper_no {
        ending::paper_is_free(tx, actor, id, ends.departure.unit_id(), paper_no, "/paper_no").await?;
    }
    if let Some(official_no) = body.official_no {
        ending::official_no_is_free(tx, official_no, &ends.prefecture, "/official_no").await?;
    }
    let mut step = Step::new(Act::Issue, tx.now());
    let basics = checks::Basics { ends: &ends, carrier, link: None, elsewhere, vehicle_follows: true };
    let consignment = checks::issue(tx.conn, &body, basics, &mut step.findings).await?;
    step.confirmed = body.confirmed;
    if let Some(elsewhere) = &consignment.elsewhere {
        step.facts = json!(elsewhere);
    }
    let record = Record::new(id, consignment);
    let postings = accounts::issued(&record);
    begin(tx, record, &[(PartName::Consignment, 1)], &postings, step, &ends.prefecture, &given).await
}

/// Who begins a manifest.
#[derive(PartialEq, Eq)]
enum Beginner {
    /// The consignor himself.
    Consignor,
    /// The receiver, for a consignor outside the system (代录).
    Receiver,
    /// The receiver, for a consignor abroad: he is told that he may not, rather than that he sees no such consignor.
    Importer,
}

/// Only the consignor's own clerks and signatories begin a manifest, and for one outside the system the receiver's; a
/// stranger's site is not even told of.
fn may_begin(actor: &Actor, ends: &checks::Ends, act: Act) -> Result<Beginner, Problem> {
    let (consignor, receiver) = (&ends.departure, &ends.receiver);
    let beginner = match actor.unit_id() {
        Some(unit) if unit == consignor.unit_id() => Beginner::Consignor,
        Some(unit) if unit == receiver.unit_id() && consignor.is_foreign() && act == Act::Issue => Beginner::Importer,
        Some(unit) if unit == receiver.unit_id() && consignor.is_external() && !consignor.is_foreign() => Beginner::Receiver,
        _ => return Err(Problem::not_found()),
    };
    if act.allows(&[table::Relation::Consignor], actor.roles) { Ok(beginner) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}

/// What is known of a manifest beside its parts when it begins.
#[derive(Default)]
struct Given {
    by_proxy: Option<ByProxy>,
    official_no: Option<String>,
}

/// What stands for the signature of a consignor outside the system: where it comes from, and a number that proves his
/// manifest. A consignor of the system has nothing held elsewhere. `paper_no` is that of a back-entry, which anybody makes
/// from paper, with the national number if there is one by now. `refusals` are those that stand already.
fn given(
    beginner: &Beginner,
    ends: &checks::Ends,
    body: &IssueManifest,
    paper_no: Option<&PaperNo>,
    mut refusals: Refusals<DomainRefusal>,
) -> Result<(Given, Option<Elsewhere>), Refusals<DomainRefusal>> {
    let at = if paper_no.is_some() { "/manifest" } else { "" };
    let mut given = Given { by_proxy: None, official_no: body.official_no.map(|number| number.to_string()) };
    if *beginner != Beginner::Receiver {
        let held = [
            (body.proxy.is_some(), "proxy", DomainRefusal::ProxyNotNeeded),
            (body.official_no.is_some() && paper_no.is_none(), "official_no", DomainRefusal::NotHeldElsewhere),
            (body.paper_no.is_some(), "paper_no", DomainRefusal::NotHeldElsewhere),
            (body.approval_no.is_some(), "approval_no", DomainRefusal::NotHeldElsewhere),
        ];
        // Whoever would import is told of the ban alone.
        for (_, name, refusal) in held.into_iter().filter(|(is_given, ..)| *is_given && *beginner == Beginner::Consignor) {
            refusals.add(format!("{at}/{name}"), refusal);
        }
        return refusals.or((given, None));
    }
    match &body.proxy {
        Some(proxy) => given.by_proxy = Some(ByProxy { for_unit: ends.departure.unit_id(), proxy: proxy.clone() }),
        None => refusals.add(format!("{at}/proxy"), DomainRefusal::ProxySourceMissing),
    }
    if body.paper_no.is_some() && paper_no.is_some() {
        // A back-entry names its paper once.
        refusals.add(format!("{at}/paper_no"), DomainRefusal::NotHeldElsewhere);
    }
    let paper_no = paper_no.or(body.paper_no.as_ref());
    if paper_no.is_none() && body.official_no.is_none() {
        refusals.add(format!("{at}/official_no"), DomainRefusal::ProofMissing);
    }
    let elsewhere = Elsewhere {
        official_no: given.official_no.clone(),
        paper_no: paper_no.map(|number| number.as_str().to_owned()),
        approval_no: body.approval_no.clone(),
    };
    refusals.or((given, Some(elsewhere)))
}

/// Writes a new manifest: accounts, judgement, header, parts, parties, tasks, and the event with the number last.
async fn begin(
    tx: &mut Tx<'_>,
    mut record: Record,
    seals: &[(PartName, i32)],
    postings: &[Posting],
    mut step: Step,
    prefecture: &str,
    given: &Given,
) -> Result<(), Problem> {
    let by_proxy = given.by_proxy.as_ref();
    let (id, issued_at) = (record.id, tx.now());
    let balances = crate::ledger::accounts::post(tx.conn, postings).await?;
    checks::judge_balances(&record, &balances, &mut step.findings);
    if by_proxy.is_some() {
        step.findings.plain(&table::BY_PROXY, "");
    }
    // Plan, approval and licence are those of the day of departure, and so is the law that asks for them.
    let day = if step.act == Act::BackEnter { legal_day(step.claimed_at) } else { record.consignment.planned_departure_on };
    let passed = std::mem::take(&mut step.findings).judge(step.act, &step.confirmed, day)?;
    let flags: BTreeSet<String> = passed.flags.iter().map(|flag| (*flag).to_owned()).collect();
    let mut parts = Vec::new();
    for (part, part_no) in seals {
        parts.push(store::seal(&mut record, *part, *part_no)?);
    }
    let event = NewEvent {
        subject_kind: SUBJECT,
        subject: id,
        act: step.act.as_str(),
        claimed_at: step.claimed_at,
        law: passed.law,
        sealed: parts.iter().map(|part| (part.name(), part.hash_hex())).collect(),
        payload: json!({ "state": record.state, "number": Value::Null, "flags": passed.flags, "warnings": passed.warnings, "facts": step.facts }),
    }
    .by_proxy(by_proxy);
    let calendar = tx.call.app.working_days();
    let beginning = store::Beginning { issued_at, official_no: given.official_no.as_deref() };
    let beside = Vec::from_iter(outage::task(&tx.call.app, &record, &flags, given.official_no.as_deref()));
    let write = async |conn: &AsyncPgConnection| store::save(conn, &record, Some(&beginning), &flags, &parts, &calendar, &beside).await;
    // Digits 1 to 4 are the year of issue on the legal calendar (decree_23_2021/15).
    match tx.call.app.numbers {
        NumberMode::Local => {
            // A back-entry makes its lots afterwards.
            let after = if step.act == Act::BackEnter { After::More } else { After::Nothing };
            drop(tx.append_numbered(event, prefecture, legal_day(issued_at).year(), after, write).await?);
        }
        NumberMode::National => {
            tx.append_and(&Head::NEW, event, write).await?;
        }
    }
    Ok(())
}

/// Sends refused mass on: back to the consignor's own site, or to another licensed receiver. The refusing receiver holds
/// and releases; the original consignor stays the party of that name and agreed beforehand.
///
/// # Errors
/// `nothing-to-send-on` where all refused mass is on its way; 422 as [`issue`].
pub async fn send_on(call: &Call, actor: &Actor, id: Uuid, body: SendOn) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::SendOn, &body.proxy).await?;
        debug_assert_eq!(permit.speaks_for(), stored.record.consignment.receiver.unit_id);
        let refused = stored.record.verdict.iter().flat_map(|verdict| &verdict.lines).map(|line| (line.line, line.refused_g())).collect();
        let site = stored.record.consignment.receiver.site_id.ok_or_else(|| Problem::broken("a receiver without its site"))?;
        let step = Step::new(Act::SendOn, tx.now());
        send(tx, stored, step, Sending { site, holder: None, masses: refused }, body).await
    })
    .await
}

/// The receiver turned the lorry away: the consignor sends the whole load back or to another receiver while it is on the
/// road. The carrier holds it and releases; this manifest ends refused, and what counted for it goes back.
///
/// # Errors
/// `not-turned-away` where the load may still go in; `nothing-to-send-on` where it is on its way, or the receiver holds it;
/// 422 as [`issue`].
pub async fn turn_back(call: &Call, actor: &Actor, id: Uuid, body: SendOn) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, _permit) = work::open(tx, actor, id, Act::TurnBack, &body.proxy).await?;
        let mut step = Step::new(Act::TurnBack, tx.now());
        step.judged_as = Act::SendOn;
        let record = stored.record.clone();
        let leg_no = record.leg();
        if record.state == State::InTransit {
            if !was_turned_away(tx, id, leg_no).await? {
                return Err(Refusals::from(DomainRefusal::NotTurnedAway { leg_no }).into());
            }
            step.postings = accounts::turned_back(&record);
            (step.lots, step.edges) = graph::turned_back_lots(tx, &record).await?;
            // Its containers wait on the lorry for the linked manifest.
            step.booking.unload(id, tx.now());
            stored.record = stored.record.in_transit(Act::TurnBack)?.turn_back();
        }
        if !stored.record.is_turned_back() {
            return Err(Refusals::from(DomainRefusal::NothingToSendOn).into());
        }
        let assignment = record.assignment().ok_or(Refusals::from(DomainRefusal::NotAssigned { leg_no }))?;
        // A lorry has no site: the place of departure, its authority and its number stay those of the consignor.
        let site = record.consignment.consignor.site_id.ok_or_else(|| Problem::broken("a consignor without its site"))?;
        let holder = Party {
            division: record.consignment.consignor.division.clone(),
            address: format!("在途 {}", assignment.plate),
            ..assignment.carrier.clone()
        };
        let masses = record.consignment.lines.iter().map(|line| (line.line, record.moved_g(line.line))).collect();
        send(tx, stored, step, Sending { site, holder: Some(holder), masses }, body).await
    })
    .await
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    yes: bool,
}

/// Whether the receiver's gate stayed shut on this leg; only the chain knows the leg.
async fn was_turned_away(tx: &mut Tx<'_>, id: Uuid, leg_no: i32) -> Result<bool, Problem> {
    let row: Option<YesRow> = Sql("SELECT EXISTS (SELECT FROM events e WHERE e.subject_id = $1 AND e.act = $2 \
         AND (convert_from(e.bytes, 'UTF8')::json->'payload'->'facts'->>'leg_no')::int = $3) AS yes")
    .bind::<diesel::sql_types::Uuid, _>(id)
    .bind::<diesel::sql_types::Text, _>(Act::NotReceived.as_str())
    .bind::<diesel::sql_types::Integer, _>(leg_no)
    .load(tx.conn)
    .await?
    .pop();
    Ok(row.is_some_and(|row| row.yes))
}

/// Whence refused mass goes on.
struct Sending {
    /// The site that gives the number its place.
    site: Uuid,
    /// Who has custody, where that is not the site's unit.
    holder: Option<Party>,
    /// Refused mass by line. Unit: grams.
    masses: Vec<(i32, i64)>,
}

/// Marks the refused manifest and begins the linked one, which takes all that is left.
async fn send(tx: &mut Tx<'_>, mut stored: Stored, mut step: Step, sending: Sending, body: SendOn) -> Result<(), Problem> {
    let record = stored.record.clone();
    let id = record.id;
    let left = refused_left(tx, &record, &sending.masses).await?;
    if left.is_empty() {
        return Err(Refusals::from(DomainRefusal::NothingToSendOn).into());
    }
    let own_site = record.consignment.consignor.site_id.ok_or_else(|| Problem::broken("a consignor without its site"))?;
    let to = match (body.kind, body.receiver_site_id) {
        (LinkKind::Return, Some(site)) if site != own_site => {
            let text = Text::new(
                "退回只能回到移出人原场所；送往其他场所请用改送",
                "A return goes back to the consignor's own site; to another site it is re_consignment",
            );
            return Err(Problem::value("/receiver_site_id", text));
        }
        (LinkKind::Return, _) => own_site,
        (LinkKind::ReConsignment, Some(site)) => site,
        (LinkKind::ReConsignment, None) => {
            return Err(Problem::value("/receiver_site_id", Text::new("改送须指明接受场所", "Sending on needs a receiver's site")));
        }
    };
    let (ends, carrier) = checks::ends(tx.conn, sending.site, to, body.carrier_id).await?;
    let holder = sending.holder.unwrap_or_else(|| checks::party(&ends.departure, None));
    let link = Link { kind: body.kind, manifest_id: id, holder };
    let lines = left
        .iter()
        .filter_map(|(line, mass_g)| {
            let from = record.consignment.line(*line)?;
            Some(LineInput {
                waste_code: from.waste_code,
                name: Some(from.name.clone()).filter(|name| !name.is_empty()),
                harmful: from.harmful.clone(),
                form: from.form,
                packaging: from.packaging.clone(),
                packages: from.packages,
                declared_g: MassInputDoc(MassInput::from(crate::platform::mass::Grams::try_from(*mass_g).ok()?)),
                method: from.method,
                exemption: None,
            })
        })
        .collect();
    let manifest = IssueManifest {
        consignor_site_id: sending.site,
        receiver_site_id: to,
        carrier_id: body.carrier_id,
        hirer: crate::manifest::parts::Hirer::Consignor,
        lines,
        planned_departure_on: body.planned_departure_on,
        planned_receipt_on: body.planned_receipt_on,
        emergency_measures: record.consignment.emergency_measures.clone(),
        contact_name: None,
        confirmed: body.confirmed,
        proxy: None,
        official_no: None,
        paper_no: None,
        approval_no: None,
    };
    let next = tx.new_id();
    step.facts = json!({ "linked_manifest_id": next, "kind": body.kind, "consignor_agreed": body.consignor_agreed });
    let mut findings = Findings::default();
    let basics =
        checks::Basics { ends: &ends, carrier, link: Some((link, record.consignment.consignor.clone())), elsewhere: None, vehicle_follows: true };
    let consignment = checks::issue(tx.conn, &manifest, basics, &mut findings).await?;
    step.confirmed.clone_from(&manifest.confirmed);
    // It takes all that is left.
    stored.flags.insert(store::SENT_ON.to_owned());
    let by_proxy = stored.by_proxy.clone();
    work::finish(tx, stored, step).await?;
    // The new manifest is issued under the rules of the act that made it.
    let mut issue = Step::new(Act::SendOn, tx.now()).saying(json!({ "linked_from": id, "kind": body.kind }));
    issue.findings = findings;
    issue.confirmed = manifest.confirmed;
    let record = Record::new(next, consignment);
    let postings = accounts::issued(&record);
    begin(tx, record, &[(PartName::Consignment, 1)], &postings, issue, &ends.prefecture, &Given { by_proxy, official_no: None }).await
}

#[derive(diesel::QueryableByName)]
struct SentRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    waste_code: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    mass_g: i64,
}

/// Refused mass of each line that no linked manifest carries yet. The refused manifest is locked, so two cannot both take it.
async fn refused_left(tx: &mut Tx<'_>, record: &Record, refused: &[(i32, i64)]) -> Result<Vec<(i32, i64)>, Problem> {
    let sent: Vec<SentRow> = Sql(
        "SELECT x->>'waste_code' AS waste_code, sum((x->>'declared_g')::bigint)::bigint AS mass_g FROM manifests m \
         CROSS JOIN LATERAL (SELECT p.bytes FROM manifest_parts p WHERE p.manifest_id = m.id AND p.part = 'consignment' ORDER BY p.revision DESC LIMIT 1) p \
         CROSS JOIN LATERAL json_array_elements(convert_from(p.bytes, 'UTF8')::json->'lines') x \
         WHERE m.linked_from = $1 AND m.state <> 'cancelled' AND m.voided_at IS NULL GROUP BY 1",
    )
    .bind::<diesel::sql_types::Uuid, _>(record.id)
    .load(tx.conn)
    .await?;
    let mut sent: BTreeMap<String, i64> = sent.into_iter().map(|row| (row.waste_code, row.mass_g)).collect();
    let mut left = Vec::new();
    for (line, mass_g) in refused.iter().copied() {
        let Some(code) = record.consignment.line(line).map(|one| one.waste_code.to_string()) else { continue };
        let taken = sent.entry(code).or_default();
        let covered = mass_g.min(*taken);
        *taken -= covered;
        if mass_g > covered {
            left.push((line, mass_g - covered));
        }
    }
    Ok(left)
}

/// What no paper can state, all at once: times in the wrong order, a line of nothing.
fn impossible(body: &BackEnter) -> Refusals<DomainRefusal> {
    let mut refusals = checks::impossible_masses(&body.manifest.lines, "/manifest");
    let steps = [("released_at", Some(body.released_at)), ("arrived_at", body.arrived_at), ("received_at", body.received_at)];
    let stated: Vec<(&'static str, DateTime<Utc>)> = steps.into_iter().filter_map(|(name, at)| Some((name, at?))).collect();
    for (index, (name, at)) in stated.iter().enumerate() {
        if let Some((after, _)) = stated.iter().take(index).find(|(_, before)| at < before) {
            refusals.add(format!("/{name}"), DomainRefusal::TimesOutOfOrder { at: name, after });
        }
    }
    refusals
}

/// Enters a paper manifest afterwards (补录): to the state that the paper proves, flagged, with its number and reason.
///
/// A fact act: what moved has moved, so law flags and never refuses. Law, edition and licence are those of the day on the
/// paper; the ten working days of `decree_23_2021/20` are judged by today.
///
/// # Errors
/// 403, 422 for shape only: `times-out-of-order`, `nothing-declared`.
pub async fn back_enter(call: &Call, actor: &Actor, body: BackEnter) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let manifest = &body.manifest;
        let (ends, carrier) = checks::ends(tx.conn, manifest.consignor_site_id, manifest.receiver_site_id, manifest.carrier_id).await?;
        let beginner = may_begin(actor, &ends, Act::BackEnter)?;
        policy::sign_by_key(tx, actor, Act::BackEnter)?;
        let (given, elsewhere) = given(&beginner, &ends, manifest, Some(&body.paper_no), impossible(&body))?;
        if let Some(official_no) = manifest.official_no {
            ending::official_no_is_free(tx, official_no, &ends.prefecture, "/manifest/official_no").await?;
        }
        let id = tx.new_id();
        ending::paper_is_free(tx, actor, id, ends.departure.unit_id(), &body.paper_no, "/paper_no").await?;
        let released_at = tx.call.claim(Some(body.released_at))?;
        let arrived_at = body.arrived_at.map(|at| tx.call.claim(Some(at))).transpose()?;
        let received_at = body.received_at.map(|at| tx.call.claim(Some(at))).transpose()?;
        let ended_at = received_at.or(arrived_at).unwrap_or(released_at);
        let mut step = Step::new(Act::BackEnter, released_at);
        step.findings.plain(&table::BACK_ENTERED, "");
        let ended_on = legal_day(ended_at);
        let deadline = outage::due(&call.app.working_days(), ended_on);
        if call.app.working_days().is_late(tx.now(), deadline) == Lateness::Late {
            let (zh, en) = (format!("应于 {} 前补录", deadline.last_day), format!("It was due by {}", deadline.last_day));
            step.findings.add(&table::BACK_ENTERED_LATE, "", zh, en);
        }
        let basics = checks::Basics { ends: &ends, carrier: carrier.clone(), link: None, elsewhere, vehicle_follows: false };
        // The law of the days on which it happened, whatever days the paper had planned.
        let departed_on = legal_day(released_at);
        let received_on = received_at.or(arrived_at).map_or(manifest.planned_receipt_on.max(departed_on), legal_day);
        let happened = IssueManifest { planned_departure_on: departed_on, planned_receipt_on: received_on, ..manifest.clone() };
        let consignment = checks::issue(tx.conn, &happened, basics, &mut step.findings).await?;
        step.facts = json!({ "paper_no": body.paper_no, "reason": body.reason, "due_on": deadline.last_day });
        if let Some(official_no) = &given.official_no {
            step.facts["official_no"] = json!(official_no);
        }
        let mut record = Record::new(id, consignment);
        let mut seals = vec![(PartName::Consignment, 1), (PartName::Assignment, 1), (PartName::Release, 1), (PartName::TakeOver, 1)];
        let assignment = trips::assignment(tx, &record, 1, carrier, body.trip, released_at, &mut step.findings).await?;
        let mut postings = accounts::issued(&record);
        let before = record.clone();
        // The paper's masses are those that left; how they were found the paper does not say.
        let lines = record.consignment.lines.iter();
        let lines = lines
            .map(|line| ReleasedLine { line: line.line, released_g: line.declared_g, basis: Basis::Estimated, containers: Vec::new() })
            .collect();
        record.release = Some(Release { lines, released_at, paper_no: Some(body.paper_no.into()) });
        let road = |at| RoadStep {
            leg_no: 1,
            plate: assignment.plate.clone(),
            at,
            place: None,
            instead_of_driver: Some(body.reason.clone()),
            is_late: true,
            by_gate: false,
        };
        record.take_overs.insert(1, road(released_at));
        record.state = State::InTransit;
        if let Some(arrived_at) = arrived_at {
            record.arrivals.insert(1, road(arrived_at));
            record.state = State::Arrived;
            seals.push((PartName::Arrival, 1));
        }
        record.assignments.insert(1, assignment);
        postings.extend(accounts::released(&before, &record));
        if let Some(received_at) = received_at {
            let before = record.clone();
            let lines = record.consignment.lines.iter();
            let lines =
                lines.map(|line| ReceivedLine { line: line.line, weighed_g: line.declared_g, basis: Basis::Estimated, containers_seen: Vec::new() });
            record.receipt = Some(Receipt { received_at, lines: lines.collect(), weighings: Vec::new(), skipped: Vec::new() });
            record.state = State::Received;
            seals.push((PartName::Receipt, 1));
            postings.extend(accounts::received(&before, &record));
        }
        // A fact act: what moved on paper has moved, whatever the accounts say.
        for posting in &mut postings {
            posting.at_most_g = None;
        }
        let lots = graph::released_lots(tx, &record);
        let left = record.release.as_ref().map(|release| release.lines.clone()).unwrap_or_default();
        let edges = books::out(tx, &actor.name, &record, &left, released_at, &mut step).await?.into_lines(tx, &lots);
        let mut booking = std::mem::take(&mut step.booking);
        booking.graph(&lots, &edges, released_at);
        begin(tx, record, &seals, &postings, step, &ends.prefecture, &given).await?;
        booking.write(tx.conn).await
    })
    .await
}
