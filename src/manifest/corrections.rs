//! Corrections (更正): a new revision beside the old one, never a change of what was signed.
//!
//! Open from `issued` on. Who must agree: every party whose sealed part changes. A slip that its own author notices
//! before the next party has signed is corrected by him alone. After five working days without every voice, the authority
//! of the consignor decides.

use diesel::sql_types::{Array, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use super::checks::LINE_MAX_G;
use super::domain::{Record, check_containers};
use super::input::{Change, ProposeCorrection};
use super::parts::{Decision, PartName};
use super::refusal::DomainRefusal;
use super::store::{Stored, Task};
use super::table::{Act, Relation, State};
use super::work::{self, Step};
use super::{accounts, books, checks, graph, reminders, rules};
use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::{self, Call};
use crate::platform::db::Sql;
use crate::platform::lang::Lang;
use crate::platform::mass::MassInput;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text as Words, kinds};

/// Flag on a manifest with an open correction; while it stands, voices are looked up by every act.
pub const OPEN_FLAG: &str = "correction-open";

/// A place that may be corrected: the part, the pointer in it, and the body and member whose shape rules its value obeys.
struct Place {
    part: PartName,
    pattern: &'static str,
    body: &'static str,
    member: &'static str,
}

const fn place(part: PartName, pattern: &'static str, body: &'static str, member: &'static str) -> Place {
    Place { part, pattern, body, member }
}

/// What may be corrected. Identity of parties, codes, receiver and method are not slips: they need a cancel or void and a
/// new manifest.
const PLACES: &[Place] = &[
    place(PartName::Consignment, "/lines/*/declared_g", "LineInput", "declared_g"),
    place(PartName::Consignment, "/lines/*/name", "LineInput", "name"),
    place(PartName::Consignment, "/lines/*/harmful", "LineInput", "harmful"),
    place(PartName::Consignment, "/lines/*/form", "LineInput", "form"),
    place(PartName::Consignment, "/lines/*/packaging", "LineInput", "packaging"),
    place(PartName::Consignment, "/lines/*/packages", "LineInput", "packages"),
    place(PartName::Consignment, "/emergency_measures", "IssueManifest", "emergency_measures"),
    place(PartName::Consignment, "/consignor/contact_name", "IssueManifest", "contact_name"),
    place(PartName::Consignment, "/consignor/phone", "UnitBody", "contact_phone"),
    place(PartName::Assignment, "/driver_name", "TripInput", "driver_name"),
    place(PartName::Assignment, "/escort_name", "TripInput", "escort_name"),
    place(PartName::Assignment, "/waybill_no", "TripInput", "waybill_no"),
    place(PartName::Assignment, "/via", "TripInput", "via"),
    place(PartName::Release, "/lines/*/released_g", "ReleaseLineInput", "released_g"),
    place(PartName::Release, "/lines/*/basis", "ReleaseLineInput", "basis"),
    place(PartName::Receipt, "/lines/*/weighed_g", "LineMassInput", "mass_g"),
    place(PartName::Receipt, "/lines/*/basis", "ReleaseLineInput", "basis"),
    place(PartName::Verdict, "/lines/*/weighed_g", "LineMassInput", "mass_g"),
    place(PartName::Verdict, "/lines/*/accepted_g", "VerdictInput", "accepted_g"),
    place(PartName::Verdict, "/lines/*/decision", "VerdictInput", "decision"),
    place(PartName::Verdict, "/lines/*/note", "VerdictInput", "note"),
    place(PartName::Verdict, "/lines/*/reasons", "VerdictInput", "reasons"),
    place(PartName::Treatment, "/treated_g", "TreatLine", "treated_g"),
    place(PartName::Treatment, "/batch", "TreatLine", "batch"),
];

impl Place {
    fn of(change: &Change) -> Option<&'static Self> {
        PLACES.iter().find(|place| {
            place.part == change.part && {
                let (mut wanted, mut given) = (place.pattern.split('/'), change.pointer.split('/'));
                loop {
                    match (wanted.next(), given.next()) {
                        (None, None) => break true,
                        (Some("*"), Some(index)) if index.parse::<usize>().is_ok() => {}
                        (Some(want), Some(have)) if want == have => {}
                        _ => break false,
                    }
                }
            }
        })
    }
    fn is_mass(&self) -> bool {
        self.member.ends_with("_g")
    }
}

/// A part holds grams; a correction may give its mass in any unit, as every input may.
fn in_grams(changes: &mut [Change]) {
    for change in changes {
        if let Some(place) = Place::of(change)
            && place.is_mass()
            && let Ok(mass) = serde_json::from_value::<MassInput>(change.value.clone())
        {
            change.value = json!(mass.grams());
        }
    }
}

/// Why a correction is refused.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionRefusal {
    /// A place that cannot be corrected.
    #[error("{0} cannot be corrected")]
    NotCorrectable(String, PartName),
    /// The part is not there.
    #[error("no such part")]
    NoSuchPart,
    /// The new value does not fit.
    #[error("{}", .0.en)]
    DoesNotFit(Words),
    /// One is open already.
    #[error("a correction is open")]
    AnotherOpen,
    /// None is open, or not for this unit.
    #[error("no correction waits for this unit")]
    NoneOpen,
}

/// Kinds of problem of corrections.
pub static KINDS: [Kind; 5] = [
    Kind::new(422, "not-correctable", "此处不可更正", "This place cannot be corrected"),
    Kind::new(422, "no-such-part", "没有这一部分", "There is no such part"),
    Kind::new(422, "correction-does-not-fit", "更正后的内容不合规", "The corrected part does not hold together"),
    Kind::new(409, "correction-open", "已有待同意的更正", "A correction is open already"),
    Kind::new(409, "no-correction-open", "没有待您同意的更正", "No correction waits for you"),
];

impl Refusal for CorrectionRefusal {
    fn kind(&self) -> &'static Kind {
        &KINDS[match self {
            Self::NotCorrectable(..) => 0,
            Self::NoSuchPart => 1,
            Self::DoesNotFit(_) => 2,
            Self::AnotherOpen => 3,
            Self::NoneOpen => 4,
        }]
    }
    fn text(&self) -> Words {
        match self {
            Self::NotCorrectable(pointer, part) => {
                let places: Vec<&str> = PLACES.iter().filter(|place| place.part == *part).map(|place| place.pattern).collect();
                let (zh, en) = if places.is_empty() { ("无".to_owned(), "nothing".to_owned()) } else { (places.join("、"), places.join(", ")) };
                Words::new(
                    format!("{pointer} 不可更正；如当事方、代码有误，请作废后重新提交。此部分可更正：{zh}（* 为从 0 起的序号）"),
                    format!(
                        "{pointer} cannot be corrected; where party or code is wrong, void it and issue a new one. \
                         Of this part may be corrected: {en} (* is an index from 0)"
                    ),
                )
            }
            Self::DoesNotFit(why) => {
                Words::new(format!("更正后的内容不合规：{}", why.zh), format!("The corrected part does not hold together: {}", why.en))
            }
            Self::NoSuchPart | Self::AnotherOpen | Self::NoneOpen => Words::new(self.kind().zh, self.kind().en),
        }
    }
}

/// Whose signature is under a part.
fn author(record: &Record, part: PartName, part_no: i32) -> Option<Uuid> {
    let consignment = &record.consignment;
    match part {
        PartName::Consignment => Some(consignment.consignor.unit_id),
        PartName::Release => Some(consignment.departure().unit_id),
        PartName::Assignment | PartName::TakeOver | PartName::HandOver | PartName::Arrival => {
            record.assignments.get(&part_no).map(|one| one.carrier.unit_id)
        }
        PartName::Receipt | PartName::Verdict | PartName::Treatment => Some(consignment.receiver.unit_id),
    }
}

/// Who signed after this part and so relied on it. Nobody: the author may mend his own slip alone.
fn signed_after(record: &Record, part: PartName, part_no: i32) -> Vec<Uuid> {
    let consignment = &record.consignment;
    let giver = record.release.as_ref().map(|_| consignment.departure().unit_id);
    let receiver = record.receipt.as_ref().map(|_| consignment.receiver.unit_id);
    let carriers = |legs: &mut dyn Iterator<Item = &i32>| -> Vec<Uuid> {
        legs.filter_map(|leg| record.assignments.get(leg)).map(|one| one.carrier.unit_id).collect()
    };
    match part {
        PartName::Consignment => carriers(&mut record.assignments.keys()).into_iter().chain(receiver).collect(),
        PartName::Release => carriers(&mut record.take_overs.keys()).into_iter().chain(receiver).collect(),
        PartName::Assignment => {
            let later = carriers(&mut record.take_overs.keys().filter(|leg| **leg >= part_no));
            giver.into_iter().chain(later).chain(receiver).collect()
        }
        PartName::TakeOver | PartName::HandOver | PartName::Arrival => {
            carriers(&mut record.take_overs.keys().filter(|leg| **leg > part_no)).into_iter().chain(receiver).collect()
        }
        // Nobody signs after the receiver, but both ends live by what was confirmed.
        PartName::Receipt if record.verdict.is_none() => Vec::new(),
        PartName::Receipt | PartName::Verdict | PartName::Treatment => vec![consignment.consignor.unit_id],
    }
}

/// Every voice that a correction needs beside its proposer's: the author of each part that changes, and all who relied on it.
fn voices_of(record: &Record, touched: &[(PartName, i32)], proposer: Uuid) -> BTreeSet<Uuid> {
    let authors = touched.iter().filter_map(|(part, no)| author(record, *part, *no));
    let later = touched.iter().flat_map(|(part, no)| signed_after(record, *part, *no));
    authors.chain(later).filter(|unit| *unit != proposer).collect()
}

/// Units on the manifest that nobody logs in for; their voice passes to the authority at once.
fn is_external(record: &Record, unit: Uuid) -> bool {
    let consignment = &record.consignment;
    let carriers = record.assignments.values().map(|one| &one.carrier);
    [&consignment.consignor, &consignment.receiver, &consignment.carrier]
        .into_iter()
        .chain(carriers)
        .any(|party| party.unit_id == unit && party.is_external)
}

/// A record with its changes made, and the parts that they touch.
type Corrected = (Record, Vec<(PartName, i32)>);

/// The record with the changes made: each value by the shape rules of the act that gave it first, each part read again into
/// its type.
fn apply(app: &App, record: &Record, changes: &[Change]) -> Result<Corrected, Problem> {
    let mut refusals = Refusals::none();
    let mut after = record.clone();
    let mut touched: BTreeSet<(PartName, i32)> = BTreeSet::new();
    for (index, change) in changes.iter().enumerate() {
        let at = format!("/changes/{index}");
        let Some(place) = Place::of(change) else {
            refusals.add(format!("{at}/pointer"), CorrectionRefusal::NotCorrectable(change.pointer.clone(), change.part));
            continue;
        };
        let faults = call::check_member(app, place.body, place.member, &change.value)?;
        if !faults.is_empty() {
            for fault in faults {
                let why = Words::new(fault.message(Lang::ZhCn), fault.message(Lang::En));
                refusals.add(format!("{at}/value{}", fault.pointer), CorrectionRefusal::DoesNotFit(why));
            }
            continue;
        }
        let Some(mut content) = content_of(&after, change.part, change.part_no) else {
            refusals.add(format!("{at}/part"), CorrectionRefusal::NoSuchPart);
            continue;
        };
        match content.pointer_mut(&change.pointer) {
            Some(place) => *place = change.value.clone(),
            None => match change.pointer.rsplit_once('/').and_then(|(parent, name)| Some((content.pointer_mut(parent)?.as_object_mut()?, name))) {
                // A field that was left out, such as a waybill number.
                Some((object, name)) => drop(object.insert(name.to_owned(), change.value.clone())),
                None => {
                    refusals.add(format!("{at}/pointer"), CorrectionRefusal::NoSuchPart);
                    continue;
                }
            },
        }
        if put_content(&mut after, change.part, change.part_no, content).is_err() {
            let why = Words::new("此处不能是这个值", "This place cannot hold such a value");
            refusals.add(format!("{at}/value"), CorrectionRefusal::DoesNotFit(why));
            continue;
        }
        touched.insert((change.part, change.part_no));
    }
    if touched.iter().any(|(part, _)| matches!(part, PartName::Verdict | PartName::Treatment)) {
        restate(&mut after);
    }
    if refusals.is_empty() {
        check_whole(&after, &touched, &mut refusals);
    }
    Ok(refusals.or((after, touched.into_iter().collect()))?)
}

/// The state that the corrected verdict and treatments give.
fn restate(record: &mut Record) {
    if let Some(verdict) = &record.verdict {
        let is_treated = !record.treatments.is_empty() && record.is_all_treated();
        record.state = if is_treated { State::Treated } else { super::domain::state_of(verdict) };
    }
}

/// Masses that must hold together after a correction as they did before.
fn check_whole(record: &Record, touched: &BTreeSet<(PartName, i32)>, refusals: &mut Refusals<CorrectionRefusal>) {
    let mut add = |zh: String, en: String| refusals.add("/changes", CorrectionRefusal::DoesNotFit(Words::new(zh, en)));
    for line in &record.consignment.lines {
        if line.declared_g.is_zero() {
            add(format!("第 {} 项移出量为零", line.line), format!("line {}: nothing was declared", line.line));
        }
        if line.declared_g.get() > LINE_MAX_G {
            let text = DomainRefusal::LineTooHeavy { line: line.line }.text();
            add(text.zh.into_owned(), text.en.into_owned());
        }
    }
    if let Some(release) = record.release.as_ref().filter(|_| touched.contains(&(PartName::Release, 1))) {
        for (_, refusal) in check_containers(&release.lines).iter() {
            let text = refusal.text();
            add(text.zh.into_owned(), text.en.into_owned());
        }
    }
    for line in record.verdict.iter().flat_map(|verdict| &verdict.lines) {
        let number = line.line;
        if !line.decision.fits(line.accepted_g.get(), line.weighed_g.get()) {
            add(format!("第 {number} 项意见与接受量矛盾"), format!("line {number}: the decision contradicts the mass"));
        }
        if line.decision != Decision::All && line.reasons.is_empty() {
            add(format!("第 {number} 项未全部接受须说明理由"), format!("line {number}: not accepting all needs a reason"));
        }
        if line.lacks_note() {
            add(format!("第 {number} 项理由为“其他”时须文字说明"), format!("line {number}: another reason must be put in words"));
        }
        let came_g = record.receipt.iter().flat_map(|receipt| &receipt.lines).find(|one| one.line == number).map(|one| one.weighed_g);
        if came_g.is_some_and(|came_g| came_g != line.weighed_g) {
            add(format!("第 {number} 项入厂量与意见中的过磅量不同"), format!("line {number}: receipt and verdict differ"));
        }
        if line.accepted_g > line.weighed_g {
            add(format!("第 {number} 项接受量大于过磅量"), format!("line {number}: accepted exceeds weighed"));
        }
        if record.treated_g(number) > line.accepted_g.get() {
            add(format!("第 {number} 项已利用处置量大于接受量"), format!("line {number}: treated exceeds accepted"));
        }
    }
}

fn content_of(record: &Record, part: PartName, no: i32) -> Option<Value> {
    match part {
        PartName::Consignment => Some(json!(record.consignment)),
        PartName::Assignment => record.assignments.get(&no).map(|one| json!(one)),
        PartName::Release => record.release.as_ref().map(|one| json!(one)),
        PartName::TakeOver => record.take_overs.get(&no).map(|one| json!(one)),
        PartName::HandOver => record.hand_overs.get(&no).map(|one| json!(one)),
        PartName::Arrival => record.arrivals.get(&no).map(|one| json!(one)),
        PartName::Receipt => record.receipt.as_ref().map(|one| json!(one)),
        PartName::Verdict => record.verdict.as_ref().map(|one| json!(one)),
        PartName::Treatment => record.treatments.iter().find(|one| one.no == no).map(|one| json!(one)),
    }
}

fn put_content(record: &mut Record, part: PartName, no: i32, content: Value) -> Result<(), serde_json::Error> {
    use serde_json::from_value as read;
    match part {
        PartName::Consignment => record.consignment = read(content)?,
        PartName::Assignment => drop(record.assignments.insert(no, read(content)?)),
        PartName::Release => record.release = Some(read(content)?),
        PartName::TakeOver => drop(record.take_overs.insert(no, read(content)?)),
        PartName::HandOver => drop(record.hand_overs.insert(no, read(content)?)),
        PartName::Arrival => drop(record.arrivals.insert(no, read(content)?)),
        PartName::Receipt => record.receipt = Some(read(content)?),
        PartName::Verdict => record.verdict = Some(read(content)?),
        PartName::Treatment => {
            let treatment: super::parts::Treatment = read(content)?;
            record.treatments.retain(|one| one.no != no);
            record.treatments.push(treatment);
            record.treatments.sort_by_key(|one| one.no);
        }
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct VoiceRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
}

/// Units whose voice an open correction still lacks.
///
/// # Errors
/// As the database.
pub async fn open_voices(conn: &mut AsyncPgConnection, manifest: Uuid, flags: &BTreeSet<String>) -> Result<Vec<Uuid>, Problem> {
    if !flags.contains(OPEN_FLAG) {
        return Ok(Vec::new());
    }
    let rows: Vec<VoiceRow> =
        Sql("SELECT v.unit_id FROM correction_voices v JOIN corrections c ON c.id = v.correction_id WHERE c.manifest_id = $1 AND c.state = 'open' AND v.agreed_at IS NULL")
            .bind::<SqlUuid, _>(manifest)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.unit_id).collect())
}

/// What a reader may say to an open correction.
#[derive(Debug, Default, Clone, Copy)]
pub struct Say {
    /// He may agree.
    pub agree: bool,
    /// He may refuse, or take his own proposal back.
    pub disagree: bool,
}

/// What a unit, or an officer of the place of departure, may say now: whoever is asked, whatever leg was his.
///
/// # Errors
/// As the database.
pub async fn say_of(
    conn: &mut AsyncPgConnection,
    record: &Record,
    flags: &BTreeSet<String>,
    unit: Option<Uuid>,
    is_authority: bool,
    today: chrono::NaiveDate,
) -> Result<Say, Problem> {
    let waiting = open_voices(conn, record.id, flags).await?;
    if waiting.is_empty() {
        return Ok(Say::default());
    }
    let Some(open) = open_correction(conn, record.id).await? else { return Ok(Say::default()) };
    let is_asked = unit.is_some_and(|unit| waiting.contains(&unit));
    let (is_over, speaks_for) = (today > open.due_on, waiting.iter().any(|unit| is_external(record, *unit)));
    Ok(Say {
        agree: is_asked || is_authority && (is_over || speaks_for),
        disagree: is_asked || is_authority && is_over || unit == Some(open.proposed_by),
    })
}

/// Who must still voice an opinion, until when: the parties asked, and after the due day the authority of the consignor.
///
/// # Errors
/// As the database.
pub async fn waiting(tx: &mut Tx<'_>, record: &Record, flags: &BTreeSet<String>) -> Result<Vec<Task>, Problem> {
    if !flags.contains(OPEN_FLAG) {
        return Ok(Vec::new());
    }
    let Some(open) = open_correction(tx.conn, record.id).await? else { return Ok(Vec::new()) };
    let mut units = open_voices(tx.conn, record.id, flags).await?;
    let today = legal_day(tx.now());
    if today > open.due_on || units.iter().any(|unit| is_external(record, *unit)) {
        units.extend(identity::authorities_of(tx.conn, &record.consignment.departure().division, today).await?);
    }
    Ok(units.into_iter().map(|unit| (unit, Act::Agree, Some(open.due_on))).collect())
}

#[derive(diesel::QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    document: String,
    #[diesel(sql_type = Date)]
    due_on: chrono::NaiveDate,
    #[diesel(sql_type = SqlUuid)]
    proposed_by: Uuid,
}

async fn open_correction(conn: &mut AsyncPgConnection, manifest: Uuid) -> Result<Option<OpenRow>, Problem> {
    Ok(Sql("SELECT id, document::text AS document, due_on, proposed_by FROM corrections WHERE manifest_id = $1 AND state = 'open'")
        .bind::<SqlUuid, _>(manifest)
        .load(conn)
        .await?
        .pop())
}

/// Under which act's rules a correction stands. While the load has not left, moving more is as good as the gate act that
/// said how much, and is refused as that is; afterwards it states a fact.
fn judged_as(before: &Record, after: &Record, act: Act) -> Act {
    let is_more = after.consignment.lines.iter().any(|line| after.moved_g(line.line) > before.moved_g(line.line));
    match before.state {
        State::Issued if is_more => Act::Issue,
        State::Offered if is_more && !before.has_left() => Act::Release,
        _ => act,
    }
}

/// Proposes a correction, or makes it at once where it is the author's own slip that nobody signed over.
///
/// # Errors
/// `not-correctable`, `no-such-part`, `correction-does-not-fit`, `correction-open`.
pub async fn correct(call: &Call, actor: &Actor, id: Uuid, mut body: ProposeCorrection) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::Correct, work::Said::NOTHING).await?;
        if stored.flags.contains(OPEN_FLAG) {
            return Err(Refusals::from(CorrectionRefusal::AnotherOpen).into());
        }
        in_grams(&mut body.changes);
        let (after, touched) = apply(&call.app, &stored.record, &body.changes)?;
        let voices = voices_of(&stored.record, &touched, permit.unit);
        let mut step = Step::new(Act::Correct, tx.now());
        if voices.is_empty() {
            step.judged_as = judged_as(&stored.record, &after, Act::Correct);
            checks::sent_on_mass(tx, &after, &mut stored.flags, &mut step.findings).await?;
            step.postings = accounts::corrected(&stored.record, &after);
            (step.lots, step.edges) = graph::adjusted(tx, &stored.record, &after).await?;
            books::corrected(tx, &actor.name, &stored.record, &after, &mut step).await?;
            step.seals = touched;
            step.facts = json!({ "changes": body.changes, "reason": body.reason, "applied": true });
            stored.record = Record { revisions: stored.record.revisions.clone(), ..after };
            stored.flags.insert("corrected".to_owned());
            work::finish(tx, stored, step).await?;
            return Ok(());
        }
        let (correction, now) = (tx.new_id(), tx.now());
        let due = call.app.working_days().add_working_days(legal_day(now), rules::CORRECTION_WAITS_WORKING_DAYS);
        let remind_on = reminders::day(&call.app.working_days(), legal_day(now), due.last_day, 0);
        Sql("WITH c AS (INSERT INTO corrections (id, manifest_id, proposed_by, proposed_at, due_on, document, state, remind_on) VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, 'open', $8) RETURNING id) \
             INSERT INTO correction_voices (correction_id, unit_id) SELECT c.id, v FROM c, unnest($7::uuid[]) v")
            .bind::<SqlUuid, _>(correction)
            .bind::<SqlUuid, _>(id)
            .bind::<SqlUuid, _>(permit.unit)
            .bind::<Timestamptz, _>(now)
            .bind::<Date, _>(due.last_day)
            .bind::<Text, _>(json!(body.changes).to_string())
            .bind::<Array<SqlUuid>, _>(voices.iter().copied().collect::<Vec<_>>())
            .bind::<Nullable<Date>, _>(remind_on)
            .execute(tx.conn)
            .await?;
        stored.flags.insert(OPEN_FLAG.to_owned());
        step.facts = json!({ "correction_id": correction, "changes": body.changes, "reason": body.reason, "applied": false, "needs": voices, "due_on": due.last_day });
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// A party agrees; on the last voice the new revisions are sealed and the mass differences booked. After the due day the
/// authority of the consignor agrees for all who were silent.
///
/// # Errors
/// `no-correction-open`.
pub async fn agree(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::Agree, work::Said::NOTHING).await?;
        let open = open_correction(tx.conn, id).await?.ok_or(Refusals::from(CorrectionRefusal::NoneOpen))?;
        let now = tx.now();
        let by_authority = permit.relations.contains(&Relation::OfficerOfDeparture);
        let waiting = open_voices(tx.conn, id, &stored.flags).await?;
        let given_for: Vec<Uuid> = if !by_authority {
            vec![permit.unit]
        } else if legal_day(now) > open.due_on {
            waiting
        } else {
            waiting.into_iter().filter(|unit| is_external(&stored.record, *unit)).collect()
        };
        if by_authority && given_for.is_empty() {
            return Err(Problem::forbidden(Words::new(
                format!("各方可在 {} 前表示意见", open.due_on),
                format!("The parties may speak until {}", open.due_on),
            )));
        }
        let given = Sql("UPDATE correction_voices SET agreed_at = $3 WHERE correction_id = $1 AND agreed_at IS NULL AND unit_id = ANY($2)")
            .bind::<SqlUuid, _>(open.id)
            .bind::<Array<SqlUuid>, _>(&given_for)
            .bind::<Timestamptz, _>(now)
            .execute(tx.conn)
            .await?;
        if given == 0 {
            return Err(Refusals::from(CorrectionRefusal::NoneOpen).into());
        }
        let left = open_voices(tx.conn, id, &stored.flags).await?;
        let mut step =
            Step::new(Act::Agree, now).saying(json!({ "correction_id": open.id, "applied": left.is_empty(), "by_authority": by_authority }));
        if left.is_empty() {
            apply_open(tx, &actor.name, &mut stored, &mut step, &open).await?;
        }
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

async fn apply_open(tx: &mut Tx<'_>, handler: &str, stored: &mut Stored, step: &mut Step, open: &OpenRow) -> Result<(), Problem> {
    let changes: Vec<Change> = serde_json::from_str(&open.document).map_err(|error| Problem::internal(&error))?;
    let (after, touched) = apply(&tx.call.app, &stored.record, &changes)?;
    step.judged_as = judged_as(&stored.record, &after, Act::Agree);
    checks::sent_on_mass(tx, &after, &mut stored.flags, &mut step.findings).await?;
    step.postings = accounts::corrected(&stored.record, &after);
    (step.lots, step.edges) = graph::adjusted(tx, &stored.record, &after).await?;
    books::corrected(tx, handler, &stored.record, &after, step).await?;
    step.seals = touched;
    step.facts["changes"] = json!(changes);
    let revisions: BTreeMap<_, _> = stored.record.revisions.clone();
    stored.record = Record { revisions, ..after };
    close(tx, open.id, "applied").await?;
    stored.flags.remove(OPEN_FLAG);
    stored.flags.insert("corrected".to_owned());
    Ok(())
}

async fn close(tx: &mut Tx<'_>, correction: Uuid, state: &str) -> Result<(), Problem> {
    Sql("UPDATE corrections SET state = $2 WHERE id = $1").bind::<SqlUuid, _>(correction).bind::<Text, _>(state).execute(tx.conn).await?;
    Ok(())
}

/// A party whose voice is asked does not agree: the correction falls.
///
/// # Errors
/// `no-correction-open`.
pub async fn disagree(call: &Call, actor: &Actor, id: Uuid, reason: &str) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (mut stored, permit) = work::open(tx, actor, id, Act::Disagree, work::Said::NOTHING).await?;
        let open = open_correction(tx.conn, id).await?.ok_or(Refusals::from(CorrectionRefusal::NoneOpen))?;
        // The proposer withdraws it, a voice that is asked says no, or after the due day the authority does.
        let is_asked = open_voices(tx.conn, id, &stored.flags).await?.contains(&permit.unit);
        let by_authority = permit.relations.contains(&Relation::OfficerOfDeparture) && legal_day(tx.now()) > open.due_on;
        if !is_asked && !by_authority && open.proposed_by != permit.unit {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        close(tx, open.id, "rejected").await?;
        stored.flags.remove(OPEN_FLAG);
        let step = Step::new(Act::Disagree, tx.now()).saying(json!({ "correction_id": open.id, "reason": reason }));
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}
