//! Every query on the tables of the manifest core.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::domain::Record;
use super::parts::{Link, PART_FORMAT, PartName, Proxy};
use super::table::{Act, Relation, State};
use crate::evidence::{Head, Tx, canonical, content_hash};
use crate::platform::calendar::{Deadline, WorkingDays, legal_day};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// A manifest as loaded under its lock.
pub struct Stored {
    /// Everything sealed.
    pub record: Record,
    /// Where its chain stands.
    pub head: Head,
    /// 联单编号 of this installation.
    pub number: Option<String>,
    /// 国家联单编号.
    pub official_no: Option<String>,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Flags so far.
    pub flags: BTreeSet<String>,
    /// Whether it is void.
    pub is_void: bool,
    /// Of which places the caller is an officer.
    pub officer_of: OfficerOf,
    /// For which unit outside the system the caller acts, and what it rests on.
    pub by_proxy: Option<ByProxy>,
}

/// An act for a unit outside the system (代录).
#[derive(Debug, Clone, serde::Serialize)]
pub struct ByProxy {
    /// The unit for which it counts.
    pub for_unit: Uuid,
    /// Where its part comes from.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// Of which places of a manifest somebody is an officer.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfficerOf {
    /// 移出地.
    pub departure: bool,
    /// 接受地.
    pub receipt: bool,
    /// 事故发生地, of any incident reported.
    pub place: bool,
}

/// Who must do what, until when.
pub type Task = (Uuid, Act, Option<NaiveDate>);

#[derive(diesel::QueryableByName)]
struct HeaderRow {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    official_no: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    issued_at: DateTime<Utc>,
    #[diesel(sql_type = Array<Text>)]
    flags: Vec<String>,
    #[diesel(sql_type = Bool)]
    is_void: bool,
    #[diesel(sql_type = Bool)]
    officer_of_departure: bool,
    #[diesel(sql_type = Bool)]
    officer_of_receipt: bool,
    #[diesel(sql_type = Bool)]
    officer_of_place: bool,
    #[diesel(sql_type = Text)]
    parts: String,
}

#[derive(serde::Deserialize)]
struct PartRow {
    part: PartName,
    part_no: i32,
    revision: i32,
    content: Value,
}

// The lock is taken by a statement of its own before this one: a row lock that had to wait would re-read the locked row
// only, and the parts of the act it waited for would be missing here.
const LOAD: Sql = Sql("SELECT m.state, m.number, m.official_no, m.issued_at, m.flags, m.voided_at IS NOT NULL AS is_void, \
     EXISTS (SELECT FROM division_paths d WHERE d.code = m.departure_division AND d.ancestor = ANY($2)) AS officer_of_departure, \
     EXISTS (SELECT FROM division_paths d WHERE d.code = m.destination_division AND d.ancestor = ANY($2)) AS officer_of_receipt, \
     EXISTS (SELECT FROM incidents i JOIN division_paths d ON d.code = i.division WHERE i.manifest_id = m.id AND d.ancestor = ANY($2)) AS officer_of_place, \
     (SELECT json_agg(json_build_object('part', p.part, 'part_no', p.part_no, 'revision', p.revision, 'content', convert_from(p.bytes, 'UTF8')::json)) \
      FROM (SELECT DISTINCT ON (part, part_no) part, part_no, revision, bytes FROM manifest_parts WHERE manifest_id = $1 ORDER BY part, part_no, revision DESC) p)::text AS parts \
     FROM manifests m WHERE m.id = $1");

/// Loads a manifest whose chain is locked.
///
/// # Errors
/// 404; 500 for parts that cannot be read.
pub async fn load(mut conn: &AsyncPgConnection, id: Uuid, head: Head, jurisdiction: &[String]) -> Result<Stored, Problem> {
    let row: HeaderRow =
        LOAD.bind::<SqlUuid, _>(id).bind::<Array<Text>, _>(jurisdiction).load(&mut conn).await?.pop().ok_or_else(Problem::not_found)?;
    let parts: Vec<PartRow> = serde_json::from_str(&row.parts).map_err(|error| Problem::internal(&error))?;
    let state = State::parse(&row.state).ok_or_else(|| Problem::broken("an unknown state is stored"))?;
    Ok(Stored {
        record: record_of(id, state, parts)?,
        head,
        number: row.number,
        official_no: row.official_no,
        issued_at: row.issued_at,
        flags: row.flags.into_iter().collect(),
        is_void: row.is_void,
        officer_of: OfficerOf { departure: row.officer_of_departure, receipt: row.officer_of_receipt, place: row.officer_of_place },
        by_proxy: None,
    })
}

fn read<T: DeserializeOwned>(content: Value) -> Result<T, Problem> {
    serde_json::from_value(content).map_err(|error| Problem::internal(&error))
}

fn record_of(id: Uuid, state: State, parts: Vec<PartRow>) -> Result<Record, Problem> {
    let mut consignment = None;
    let (mut assignments, mut take_overs, mut hand_overs, mut arrivals) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut release, mut receipt, mut verdict, mut treatments) = (None, None, None, BTreeMap::new());
    let mut revisions = BTreeMap::new();
    for part in parts {
        revisions.insert((part.part, part.part_no), part.revision);
        // A part taken back (a release withdrawn) is sealed as JSON null; its revision still counts.
        if part.content.is_null() {
            continue;
        }
        match part.part {
            PartName::Consignment => consignment = Some(read(part.content)?),
            PartName::Assignment => drop(assignments.insert(part.part_no, read(part.content)?)),
            PartName::Release => release = Some(read(part.content)?),
            PartName::TakeOver => drop(take_overs.insert(part.part_no, read(part.content)?)),
            PartName::HandOver => drop(hand_overs.insert(part.part_no, read(part.content)?)),
            PartName::Arrival => drop(arrivals.insert(part.part_no, read(part.content)?)),
            PartName::Receipt => receipt = Some(read(part.content)?),
            PartName::Verdict => verdict = Some(read(part.content)?),
            PartName::Treatment => drop(treatments.insert(part.part_no, read(part.content)?)),
        }
    }
    Ok(Record {
        id,
        state,
        consignment: consignment.ok_or_else(|| Problem::broken("a manifest without its consignment"))?,
        assignments,
        release,
        take_overs,
        hand_overs,
        arrivals,
        receipt,
        verdict,
        treatments: treatments.into_values().collect(),
        revisions,
    })
}

/// A part ready to be stored.
pub struct SealedPart {
    /// Name.
    pub part: PartName,
    /// Number within the name.
    pub part_no: i32,
    /// Revision.
    pub revision: i32,
    bytes: Vec<u8>,
    hash: [u8; 32],
}

impl SealedPart {
    /// The name under which the event's `sealed` has it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.part.as_str(), self.part_no, self.revision)
    }
    /// Its content hash, hex.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        hex::encode(self.hash)
    }
}

/// Seals a part of a record as its next revision; None where the record has taken it back.
///
/// # Errors
/// 500, if it cannot be written.
pub fn seal(record: &mut Record, part: PartName, part_no: i32) -> Result<SealedPart, Problem> {
    let bytes = match part {
        PartName::Consignment => canonical(&record.consignment),
        PartName::Assignment => canonical(&record.assignments.get(&part_no)),
        PartName::Release => canonical(&record.release),
        PartName::TakeOver => canonical(&record.take_overs.get(&part_no)),
        PartName::HandOver => canonical(&record.hand_overs.get(&part_no)),
        PartName::Arrival => canonical(&record.arrivals.get(&part_no)),
        PartName::Receipt => canonical(&record.receipt),
        PartName::Verdict => canonical(&record.verdict),
        PartName::Treatment => canonical(&record.treatments.iter().find(|one| one.no == part_no)),
    }?;
    let revision = record.revisions.entry((part, part_no)).and_modify(|revision| *revision += 1).or_insert(1);
    Ok(SealedPart { part, part_no, revision: *revision, hash: content_hash(&bytes), bytes })
}

/// What the header and its lists say, all of it found from the record.
struct Header {
    plates: Vec<String>,
    codes: Vec<String>,
    declared_g: i64,
    released_g: Option<i64>,
    accepted_g: Option<i64>,
    received_on: Option<NaiveDate>,
    due: Option<Deadline>,
    paper_no: Option<String>,
    parties: Vec<(Uuid, Relation, i32)>,
    tasks: Vec<Task>,
}

impl Header {
    fn of(record: &Record, calendar: &WorkingDays, beside: &[Task]) -> Self {
        let received_on = record.receipt.as_ref().map(|receipt| legal_day(receipt.received_at));
        let due = received_on.map(|day| calendar.add_working_days(day, *super::rules::CONFIRM_WITHIN_WORKING_DAYS.on(day)));
        let mut codes: Vec<String> = record.consignment.lines.iter().map(|line| line.waste_code.to_string()).collect();
        codes.sort_unstable();
        codes.dedup();
        let mut plates: Vec<String> = record.assignments.values().map(|assignment| assignment.plate.to_string()).collect();
        plates.sort_unstable();
        plates.dedup();
        Self {
            plates,
            codes,
            declared_g: record.consignment.lines.iter().map(|line| line.declared_g.get()).sum(),
            released_g: record.release.as_ref().map(|release| release.lines.iter().map(|line| line.released_g.get()).sum()),
            accepted_g: record.verdict.as_ref().map(super::parts::Verdict::accepted_g),
            received_on,
            due,
            paper_no: paper_no_of(record).map(str::to_owned),
            parties: parties_of(record),
            tasks: tasks_of(record, due.map(|due| due.last_day), beside),
        }
    }
}

/// The paper under which the load travels, or travelled. A manifest that was cancelled gives its paper back.
fn paper_no_of(record: &Record) -> Option<&str> {
    let issued_on = record.consignment.elsewhere.as_ref().and_then(|elsewhere| elsewhere.paper_no.as_deref());
    record.release.as_ref().and_then(|release| release.paper_no.as_deref()).or(issued_on).filter(|_| record.state != State::Cancelled)
}

/// Who may see the manifest, and in what relation. Whoever never had the load, because the hand-over to him was taken back,
/// is no party: the rows follow the record.
#[must_use]
pub fn parties_of(record: &Record) -> Vec<(Uuid, Relation, i32)> {
    let consignment = &record.consignment;
    let mut parties = vec![
        (consignment.consignor.unit_id, Relation::Consignor, 0),
        (consignment.receiver.unit_id, Relation::Receiver, 0),
        (consignment.carrier.unit_id, Relation::Carrier, 1),
    ];
    if let Some(link) = &consignment.link {
        parties.push((link.holder.unit_id, Relation::Holder, 0));
    }
    parties.extend(record.assignments.iter().map(|(leg, assignment)| (assignment.carrier.unit_id, Relation::Carrier, *leg)));
    parties.sort_unstable();
    parties.dedup();
    parties
}

/// All refused mass is on its way: nobody is asked to send it on, until a linked manifest is cancelled or voided.
pub const SENT_ON: &str = "sent-on";

/// Asks the refusing receiver again (the consignor where the load was turned back on the road), since a manifest that carried the refused mass is no more. The source stays locked by
/// this act, so none of its own acts can bring the flag back.
///
/// # Errors
/// As the database.
pub async fn ask_to_send_on_again(tx: &mut Tx<'_>, link: &Link) -> Result<(), Problem> {
    tx.lock(link.manifest_id).await?;
    Sql("WITH m AS (UPDATE manifests SET flags = array_remove(flags, $2) WHERE id = $1 RETURNING receiver_id, consignor_id, received_on), \
         w AS (SELECT received_on, CASE WHEN received_on IS NULL THEN consignor_id ELSE receiver_id END AS asked, \
           CASE WHEN received_on IS NULL THEN receiver_id ELSE consignor_id END AS partner FROM m) \
         INSERT INTO manifest_tasks (unit_id, manifest_id, act) SELECT CASE WHEN u.is_external THEN w.partner ELSE w.asked END, $1, \
         CASE WHEN w.received_on IS NULL THEN $4 ELSE $3 END FROM w JOIN units u ON u.id = w.asked ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(link.manifest_id)
    .bind::<Text, _>(SENT_ON)
    .bind::<Text, _>(Act::SendOn.as_str())
    .bind::<Text, _>(Act::TurnBack.as_str())
    .execute(tx.conn)
    .await?;
    Ok(())
}

/// Who must do what next: what the state gives, and what stands beside it (voices of a correction, incidents, back-entry).
#[must_use]
pub fn tasks_of(record: &Record, due: Option<NaiveDate>, beside: &[Task]) -> Vec<Task> {
    let consignment = &record.consignment;
    let (receiver, giver, carrier) = (consignment.receiver.unit_id, consignment.departure().unit_id, record.carrier_id());
    let mut tasks = match record.state {
        State::Issued if record.assignment().is_none() => vec![(carrier, Act::Assign, None)],
        State::Issued => vec![(giver, Act::Release, Some(consignment.planned_departure_on))],
        State::Offered => vec![(carrier, Act::TakeOver, None)],
        State::InTransit => vec![(carrier, Act::Arrive, None), (receiver, Act::Receive, Some(consignment.planned_receipt_on))],
        State::Arrived => vec![(receiver, Act::Receive, None)],
        State::Received => vec![(receiver, Act::Confirm, due)],
        State::Confirmed | State::PartlyConfirmed if record.is_return() => Vec::new(),
        State::Confirmed | State::PartlyConfirmed => vec![(receiver, Act::RecordTreatment, None)],
        State::Refused if record.is_turned_back() => vec![(consignment.consignor.unit_id, Act::TurnBack, None)],
        State::Refused | State::Treated | State::Cancelled => Vec::new(),
    };
    if record.verdict.as_ref().is_some_and(|verdict| verdict.refused_g() > 0) {
        tasks.push((receiver, Act::SendOn, None));
    }
    for skipped in record.unsigned() {
        tasks.push((skipped.unit_id, Act::SignLate, None));
    }
    tasks.extend_from_slice(beside);
    for (unit, ..) in &mut tasks {
        *unit = record.on_behalf(*unit);
    }
    tasks.sort_unstable();
    tasks.dedup_by_key(|(unit, act, _)| (*unit, *act));
    tasks
}

// What both statements below share: parts, parties and tasks. A new manifest also brings its header.
macro_rules! save_sql {
    ($header:literal) => {
        concat!(
            "WITH h AS (",
            $header,
            "), p AS (INSERT INTO manifest_parts (manifest_id, part, part_no, revision, v, bytes, content_hash) \
             SELECT $1, t.part, t.part_no, t.revision, $12, t.bytes, t.hash FROM unnest($13::text[], $14::int[], $15::int[], $16::bytea[], $17::bytea[]) AS t(part, part_no, revision, bytes, hash)), \
             u AS (INSERT INTO manifest_parties (unit_id, manifest_id, relation, leg_no) SELECT t.unit, $1, t.relation, t.leg FROM unnest($18::uuid[], $19::text[], $20::int[]) AS t(unit, relation, leg) \
             ON CONFLICT DO NOTHING), \
             x AS (DELETE FROM manifest_parties y WHERE y.manifest_id = $1 AND NOT EXISTS (SELECT FROM unnest($18::uuid[], $19::text[], $20::int[]) AS t(unit, relation, leg) \
             WHERE t.unit = y.unit_id AND t.relation = y.relation AND t.leg = y.leg_no)), \
             d AS (DELETE FROM manifest_tasks k WHERE k.manifest_id = $1 AND NOT EXISTS (SELECT FROM unnest($21::uuid[], $22::text[]) AS t(unit, act) WHERE t.unit = k.unit_id AND t.act = k.act)) \
             INSERT INTO manifest_tasks (unit_id, manifest_id, act, due_on) SELECT t.unit, $1, t.act, t.due FROM unnest($21::uuid[], $22::text[], $23::date[]) AS t(unit, act, due) \
             ON CONFLICT (unit_id, manifest_id, act) DO UPDATE SET due_on = excluded.due_on"
        )
    };
}
const SAVE: Sql = Sql(save_sql!(
    "UPDATE manifests SET state = $2, plates = $3, codes = $4, declared_g = $5, released_g = $6, accepted_g = $7, received_on = $8, \
     confirm_due_on = $9, confirm_due_provisional = $10, flags = $11, paper_no = $24 WHERE id = $1"
));
const SAVE_NEW: Sql = Sql(save_sql!(
    "INSERT INTO manifests (id, state, plates, codes, declared_g, released_g, accepted_g, received_on, confirm_due_on, confirm_due_provisional, flags, paper_no, \
     stream, carriage, consignor_id, receiver_id, departure_division, destination_division, issued_at, planned_departure_on, planned_receipt_on, link_kind, linked_from, official_no, consignor_name, receiver_name) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $24, $25, 'vehicle', $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37)), \
     places AS (INSERT INTO manifest_places (division, manifest_id) SELECT DISTINCT t.place, $1 FROM unnest(ARRAY[$28, $29]) AS t(place)"
));

/// What only a new manifest has to say.
pub struct Beginning<'a> {
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// 国家联单编号, where it is known from the beginning.
    pub official_no: Option<&'a str>,
}

/// Writes header, new parts, parties and tasks of a record in one statement.
///
/// # Errors
/// As the database.
pub async fn save(
    mut conn: &AsyncPgConnection,
    record: &Record,
    beginning: Option<&Beginning<'_>>,
    flags: &BTreeSet<String>,
    parts: &[SealedPart],
    calendar: &WorkingDays,
    beside: &[Task],
) -> Result<(), Problem> {
    let mut header = Header::of(record, calendar, beside);
    header.tasks.retain(|(_, act, _)| !matches!(act, Act::SendOn | Act::TurnBack) || !flags.contains(SENT_ON));
    macro_rules! shared {
        ($sql:ident) => {
            $sql.bind::<SqlUuid, _>(record.id)
                .bind::<Text, _>(record.state.as_str())
                .bind::<Array<Text>, _>(header.plates)
                .bind::<Array<Text>, _>(header.codes)
                .bind::<BigInt, _>(header.declared_g)
                .bind::<Nullable<BigInt>, _>(header.released_g)
                .bind::<Nullable<BigInt>, _>(header.accepted_g)
                .bind::<Nullable<Date>, _>(header.received_on)
                .bind::<Nullable<Date>, _>(header.due.map(|due| due.last_day))
                .bind::<Bool, _>(header.due.is_some_and(|due| due.provisional))
                .bind::<Array<Text>, _>(flags.iter().map(String::as_str).collect::<Vec<_>>())
                .bind::<Integer, _>(PART_FORMAT)
                .bind::<Array<Text>, _>(parts.iter().map(|part| part.part.as_str()).collect::<Vec<_>>())
                .bind::<Array<Integer>, _>(parts.iter().map(|part| part.part_no).collect::<Vec<_>>())
                .bind::<Array<Integer>, _>(parts.iter().map(|part| part.revision).collect::<Vec<_>>())
                .bind::<Array<Binary>, _>(parts.iter().map(|part| &part.bytes[..]).collect::<Vec<_>>())
                .bind::<Array<Binary>, _>(parts.iter().map(|part| &part.hash[..]).collect::<Vec<_>>())
                .bind::<Array<SqlUuid>, _>(header.parties.iter().map(|party| party.0).collect::<Vec<_>>())
                .bind::<Array<Text>, _>(header.parties.iter().map(|party| party.1.as_str()).collect::<Vec<_>>())
                .bind::<Array<Integer>, _>(header.parties.iter().map(|party| party.2).collect::<Vec<_>>())
                .bind::<Array<SqlUuid>, _>(header.tasks.iter().map(|task| task.0).collect::<Vec<_>>())
                .bind::<Array<Text>, _>(header.tasks.iter().map(|task| task.1.as_str()).collect::<Vec<_>>())
                .bind::<Array<Nullable<Date>>, _>(header.tasks.iter().map(|task| task.2).collect::<Vec<_>>())
                .bind::<Nullable<Text>, _>(header.paper_no)
        };
    }
    let consignment = &record.consignment;
    match beginning {
        None => shared!(SAVE).execute(&mut conn).await?,
        Some(beginning) => {
            shared!(SAVE_NEW)
                .bind::<Text, _>(consignment.stream.as_str())
                .bind::<SqlUuid, _>(consignment.consignor.unit_id)
                .bind::<SqlUuid, _>(consignment.receiver.unit_id)
                .bind::<Text, _>(&consignment.departure().division)
                .bind::<Text, _>(&consignment.receiver.division)
                .bind::<Timestamptz, _>(beginning.issued_at)
                .bind::<Date, _>(consignment.planned_departure_on)
                .bind::<Date, _>(consignment.planned_receipt_on)
                .bind::<Nullable<Text>, _>(consignment.link.as_ref().map(|link| link.kind.as_str()))
                .bind::<Nullable<SqlUuid>, _>(consignment.link.as_ref().map(|link| link.manifest_id))
                .bind::<Nullable<Text>, _>(beginning.official_no)
                .bind::<Text, _>(&consignment.consignor.name)
                .bind::<Text, _>(&consignment.receiver.name)
                .execute(&mut conn)
                .await?
        }
    };
    Ok(())
}

/// Marks a manifest void.
///
/// # Errors
/// As the database.
pub async fn set_void(conn: &mut AsyncPgConnection, id: Uuid, at: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE manifests SET voided_at = $2 WHERE id = $1").bind::<SqlUuid, _>(id).bind::<Timestamptz, _>(at).execute(conn).await?;
    Ok(())
}

/// Stores the national number; false when another manifest has it.
///
/// # Errors
/// As the database.
pub async fn set_official_no(conn: &mut AsyncPgConnection, id: Uuid, number: &str) -> Result<bool, Problem> {
    Ok(Sql(
        "UPDATE manifests m SET official_no = $2 WHERE m.id = $1 AND NOT EXISTS (SELECT FROM manifests o WHERE o.official_no = $2 AND o.id <> $1)",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(number)
    .execute(conn)
    .await?
        == 1)
}

/// Whether a manifest has this national number.
///
/// # Errors
/// As the database.
pub async fn has_official_no(conn: &mut AsyncPgConnection, number: &str) -> Result<bool, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        has: bool,
    }
    let row: Option<Row> = Sql("SELECT EXISTS (SELECT FROM manifests WHERE official_no = $1) AS has").bind::<Text, _>(number).load(conn).await?.pop();
    Ok(row.is_some_and(|row| row.has))
}

/// A manifest that carries a paper already.
#[derive(diesel::QueryableByName)]
pub struct OnPaper {
    /// The manifest.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its number, national before ours.
    #[diesel(sql_type = Nullable<Text>)]
    pub number: Option<String>,
    /// Whether the caller's unit is a party to it.
    #[diesel(sql_type = Bool)]
    pub is_seen: bool,
}

/// The manifest of this consignor, not void, that carries the paper; another one than `id`.
///
/// # Errors
/// As the database.
pub async fn on_paper(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    consignor: Uuid,
    paper_no: &str,
    unit: Option<Uuid>,
) -> Result<Option<OnPaper>, Problem> {
    Ok(Sql("SELECT m.id, coalesce(m.official_no, m.number) AS number, EXISTS (SELECT FROM manifest_parties y WHERE y.manifest_id = m.id AND y.unit_id = $4) AS is_seen \
         FROM manifests m WHERE m.consignor_id = $2 AND m.paper_no = $3 AND m.voided_at IS NULL AND m.id <> $1")
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(consignor)
    .bind::<Text, _>(paper_no)
    .bind::<Nullable<SqlUuid>, _>(unit)
    .load(conn)
    .await?
    .pop())
}

// The whole manifest in one statement, visibility included: the hot read. Its events come as they are stored: taking them
// apart here cost five times the rest of the statement.
const GET: Sql = Sql(
    "WITH p AS (SELECT DISTINCT ON (part, part_no) part, part_no, revision, content_hash, convert_from(bytes, 'UTF8')::json AS content \
       FROM manifest_parts WHERE manifest_id = $1 ORDER BY part, part_no, revision DESC) \
     SELECT json_build_object( \
     'id', m.id, 'stream', m.stream, 'state', m.state, 'version', s.version, 'number', m.number, 'official_no', m.official_no, 'paper_no', m.paper_no, \
     'number_note', CASE WHEN m.official_no IS NULL AND m.number IS NULL THEN '尚无国家联单号' WHEN m.official_no IS NULL THEN '演示·非国家联单' END, \
     'issued_at', to_char(m.issued_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'is_void', m.voided_at IS NOT NULL, 'flags', m.flags, \
     'planned_departure_on', m.planned_departure_on, 'planned_receipt_on', m.planned_receipt_on, 'received_on', m.received_on, \
     'confirm_due_on', m.confirm_due_on, 'confirm_due_provisional', m.confirm_due_provisional, \
     'declared_g', m.declared_g, 'released_g', m.released_g, 'accepted_g', m.accepted_g, \
     'linked_from', m.linked_from, 'link_kind', m.link_kind, \
     'links', (SELECT coalesce(json_agg(json_build_object('manifest_id', l.id, 'number', l.number, 'kind', l.link_kind, 'declared_g', l.declared_g) ORDER BY l.id), '[]') FROM manifests l WHERE l.linked_from = m.id), \
     'tasks', (SELECT coalesce(json_agg(json_build_object('unit_id', t.unit_id, 'act', t.act, 'due_on', t.due_on, 'reminded_at', to_char(t.reminded_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) ORDER BY t.act), '[]') FROM manifest_tasks t WHERE t.manifest_id = m.id), \
     'proxies', CASE WHEN 'by-proxy' = ANY(m.flags) THEN (SELECT coalesce(json_agg(json_build_object('seq', e.seq, 'act', e.act, \
        'recorded_at', to_char(e.recorded_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'proxy', e.proxy) ORDER BY e.seq), '[]') \
        FROM (SELECT x.seq, x.act, x.recorded_at, convert_from(x.bytes, 'UTF8')::json->'payload'->'proxy' AS proxy FROM events x WHERE x.subject_id = m.id) e \
        WHERE e.proxy IS NOT NULL) ELSE '[]' END, \
     'skipped', (SELECT coalesce(json_agg(json_build_object('act', k->'act', 'leg_no', k->'leg_no', 'unit_id', k->'unit_id', 'unit_name', w.name, 'reason', k->'reason', \
        'is_signed_since', EXISTS (SELECT FROM p o WHERE o.part = CASE k->>'act' WHEN 'arrive' THEN 'arrival' ELSE k->>'act' END \
          AND o.part_no = (k->>'leg_no')::int AND json_typeof(o.content) = 'object'))), '[]') \
        FROM p CROSS JOIN LATERAL json_array_elements(p.content->'skipped') k LEFT JOIN units w ON w.id = (k->>'unit_id')::uuid WHERE p.part = 'receipt'), \
     'legs', (SELECT coalesce(json_agg(json_build_object('leg_no', a.part_no, 'trip_id', a.content->'trip_id', 'carrier_id', a.content->'carrier'->'unit_id', \
        'carrier_name', a.content->'carrier'->'name', 'plate', a.content->'plate', 'driver_id', a.content->'driver_id', 'driver_name', a.content->'driver_name', \
        'escort_name', a.content->'escort_name', 'from', a.content->'from', 'to', a.content->'to', 'taken_over_at', t.content->'at', \
        'handed_over_at', h.content->'at', 'arrived_at', r.content->'at') ORDER BY a.part_no), '[]') \
        FROM p a LEFT JOIN p t ON t.part = 'take_over' AND t.part_no = a.part_no LEFT JOIN p h ON h.part = 'hand_over' AND h.part_no = a.part_no \
        LEFT JOIN p r ON r.part = 'arrival' AND r.part_no = a.part_no WHERE a.part = 'assignment' AND json_typeof(a.content) = 'object'), \
     'corrections', CASE WHEN 'correction-open' = ANY(m.flags) THEN (SELECT json_agg(json_build_object('correction_id', c.id, 'proposed_by', c.proposed_by, \
        'proposed_by_name', w.name, 'proposed_at', to_char(c.proposed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'due_on', c.due_on, 'changes', c.document, \
        'voices', (SELECT json_agg(json_build_object('unit_id', v.unit_id, 'unit_name', o.name, \
          'agreed_at', to_char(v.agreed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) ORDER BY v.unit_id) \
          FROM correction_voices v JOIN units o ON o.id = v.unit_id WHERE v.correction_id = c.id)) ORDER BY c.id) \
        FROM corrections c JOIN units w ON w.id = c.proposed_by WHERE c.manifest_id = m.id AND c.state = 'open') ELSE '[]' END, \
     'parts', (SELECT json_object_agg(g.part, g.list) FROM (SELECT p.part, json_agg(json_build_object('part_no', p.part_no, 'revision', p.revision, \
        'content_hash', encode(p.content_hash, 'hex'), 'content', p.content, \
        'earlier', CASE WHEN p.revision > 1 THEN (SELECT json_agg(json_build_object('revision', b.revision, 'content_hash', encode(b.content_hash, 'hex'), \
          'content', convert_from(b.bytes, 'UTF8')::json) ORDER BY b.revision DESC) FROM manifest_parts b \
          WHERE b.manifest_id = $1 AND b.part = p.part AND b.part_no = p.part_no AND b.revision < p.revision) ELSE '[]' END) ORDER BY p.part_no) AS list \
        FROM p GROUP BY p.part) g) \
     )::text AS doc, s.version, \
     (SELECT '[' || string_agg(convert_from(e.bytes, 'UTF8'), ',' ORDER BY e.seq) || ']' FROM events e WHERE e.subject_id = m.id) AS events, \
     (SELECT coalesce(json_agg(json_build_object('unit_id', y.unit_id, 'relation', y.relation)), '[]')::text FROM manifest_parties y WHERE y.manifest_id = m.id) AS parties \
     FROM manifests m JOIN streams s ON s.subject_id = m.id \
     WHERE m.id = $1 AND (EXISTS (SELECT FROM manifest_parties y WHERE y.manifest_id = m.id AND (y.unit_id = $2 OR (y.relation = 'carrier' AND y.unit_id = ANY($3)))) \
       OR EXISTS (SELECT FROM manifest_places y JOIN division_paths d ON d.code = y.division WHERE y.manifest_id = m.id AND d.ancestor = ANY($4)))",
);

/// A manifest as it is shown; the document lacks the signatures, which [`super::signatures`] makes of the events.
#[derive(diesel::QueryableByName)]
pub struct Shown {
    /// A JSON object.
    #[diesel(sql_type = Text)]
    pub doc: String,
    /// Version.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    /// A JSON array of its events.
    #[diesel(sql_type = Text)]
    pub events: String,
    /// A JSON array of its parties.
    #[diesel(sql_type = Text)]
    pub parties: String,
}

/// A manifest as it is shown, if this scope may see it.
///
/// # Errors
/// As the database.
pub async fn get(conn: &mut AsyncPgConnection, id: Uuid, scope: &super::policy::Scope) -> Result<Option<Shown>, Problem> {
    Ok(GET
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<SqlUuid>, _>(scope.unit)
        .bind::<Array<SqlUuid>, _>(&scope.drives_for)
        .bind::<Array<Text>, _>(&scope.jurisdiction)
        .load(conn)
        .await?
        .pop())
}

/// Every part of every revision, for export.
///
/// # Errors
/// As the database.
pub async fn all_parts(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Vec<(String, String)>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        bytes: String,
    }
    let rows: Vec<Row> = Sql("SELECT part || '/' || part_no || '/' || revision AS name, convert_from(bytes, 'UTF8') AS bytes FROM manifest_parts WHERE manifest_id = $1 ORDER BY part, part_no, revision")
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.bytes)).collect())
}
