//! Trips (车次): one vehicle journey that carries legs of any number of manifests, with its weighings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::domain::Record;
use super::findings::Findings;
use super::input::{TripInput, WeighTrip, WeighingSide};
use super::parts::{Assignment, Basis, PaperShown, Party, Receipt, WeighingRef};
use super::table::{self, Act, Relation};
use super::work::SUBJECT;
use crate::catalogue;
use crate::evidence::{Head, NewEvent, Outcome, Tx};
use crate::identity::{self, Actor, Role};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::mass::{Grams, apportion};
use crate::platform::problem::{Problem, Text as Words, kinds};
use crate::registry::{self, Paper, Person};

/// A carrier as a party: a unit without a site.
///
/// # Errors
/// `bad-value` for a unit that is not there, and for a claim to a code that no officer verified.
pub async fn carrier_party(conn: &AsyncPgConnection, unit: Uuid) -> Result<Party, Problem> {
    let unit = identity::unit_by_id(conn, unit)
        .await?
        .filter(|unit| unit.verified_at.is_some() || unit.is_external)
        .ok_or_else(|| Problem::value("/carrier_id", Words::new("承运人不存在或尚未核验", "There is no such carrier, or it is not verified")))?;
    Ok(Party {
        unit_id: unit.id,
        uscc: unit.uscc,
        name: unit.name,
        site_id: None,
        address: unit.address,
        division: unit.division,
        phone: unit.contact_phone,
        contact_name: None,
        is_external: unit.is_external,
    })
}

#[derive(diesel::QueryableByName)]
struct TripRow {
    #[diesel(sql_type = SqlUuid)]
    carrier_id: Uuid,
    #[diesel(sql_type = Text)]
    plate: String,
}

#[derive(diesel::QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Names vehicle and crew of a leg: joins an open trip of the carrier, or starts one, and looks at the papers of the day.
///
/// # Errors
/// `bad-value` for a trip or driver that is not the carrier's.
pub async fn assignment(
    tx: &mut Tx<'_>,
    record: &Record,
    leg_no: i32,
    carrier: Party,
    input: TripInput,
    at: DateTime<Utc>,
    findings: &mut Findings,
) -> Result<Assignment, Problem> {
    let driver_name = match (input.driver_id, input.driver_name) {
        (Some(driver), name) => {
            let row: Option<NameRow> = Sql("SELECT u.name FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.id = $1 AND m.unit_id = $2 AND m.ended_at IS NULL AND 'driver' = ANY(m.roles) LIMIT 1")
                .bind::<SqlUuid, _>(driver)
                .bind::<SqlUuid, _>(carrier.unit_id)
                .load(tx.conn)
                .await?
                .pop();
            let known =
                row.ok_or_else(|| Problem::value("/trip/driver_id", Words::new("该驾驶员不属于承运人", "This driver is not the carrier's")))?;
            name.unwrap_or(known.name)
        }
        (None, Some(name)) => name,
        (None, None) => return Err(Problem::value("/trip/driver_name", Words::new("须填写驾驶员", "A driver is needed"))),
    };
    // Codes told to the crew of before die with it.
    let of_crew: Vec<&str> =
        table::ACTS.iter().filter(|rule| rule.by.contains(&(Relation::Carrier, Role::Driver))).map(|rule| rule.act.as_str()).collect();
    identity::one_time::end_codes(tx.conn, record.id, &of_crew, tx.now()).await?;
    let trip_id = match input.trip_id {
        Some(trip) => {
            let row: Option<TripRow> = Sql("SELECT carrier_id, plate FROM trips WHERE id = $1").bind::<SqlUuid, _>(trip).load(tx.conn).await?.pop();
            match row {
                Some(row) if row.carrier_id == carrier.unit_id && row.plate == input.plate.as_str() => trip,
                _ => {
                    return Err(Problem::value(
                        "/trip/trip_id",
                        Words::new("没有该承运人和车牌的此车次", "The carrier has no such trip with this plate"),
                    ));
                }
            }
        }
        None => tx.new_id(),
    };
    Sql("WITH t AS (INSERT INTO trips (id, carrier_id, plate, started_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING), \
         o AS (DELETE FROM trip_legs WHERE manifest_id = $5 AND leg_no = $6 AND trip_id <> $1) \
         INSERT INTO trip_legs (trip_id, manifest_id, leg_no) VALUES ($1, $5, $6) ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(trip_id)
    .bind::<SqlUuid, _>(carrier.unit_id)
    .bind::<Text, _>(input.plate.as_str())
    .bind::<Timestamptz, _>(at)
    .bind::<SqlUuid, _>(record.id)
    .bind::<Integer, _>(leg_no)
    .execute(tx.conn)
    .await?;
    let papers = papers(tx.conn, carrier.unit_id, &input.plate, input.driver_id, &driver_name, input.escort_name.as_deref(), legal_day(at)).await?;
    let shown = show_papers(&papers);
    judge_papers(&shown, findings);
    if input.waybill_no.is_none() {
        findings.plain(&table::WAYBILL_MISSING, "/trip/waybill_no");
    }
    let (from, to) = (record.consignment.departure().address.clone(), record.consignment.receiver.address.clone());
    Ok(Assignment {
        leg_no,
        trip_id,
        carrier,
        plate: input.plate,
        driver_id: input.driver_id,
        driver_name,
        escort_name: input.escort_name,
        waybill_no: input.waybill_no,
        from,
        to,
        via: input.via,
        rated_load_g: papers.rated_load_g(),
        papers: shown,
    })
}

fn show_papers(papers: &registry::Papers) -> Vec<PaperShown> {
    [
        ("carrier_permit", papers.carrier()),
        ("vehicle_permit", papers.vehicle()),
        ("driver_certificate", papers.driver()),
        ("escort_certificate", papers.escort()),
    ]
    .into_iter()
    .map(|(paper, finding)| {
        let (no, finding, valid_to) = match finding {
            Paper::Held { no, valid_to } => (Some(no.clone()), "held", Some(*valid_to)),
            Paper::Claimed { no, valid_to } => (Some(no.clone()), "claimed", Some(*valid_to)),
            Paper::Expired { no, valid_to } => (Some(no.clone()), "expired", Some(*valid_to)),
            Paper::Missing => (None, "missing", None),
        };
        PaperShown { paper: paper.to_owned(), no, finding: finding.to_owned(), valid_to }
    })
    .collect()
}

/// What papers that are missing or expired mean to the act; the rule's effect decides.
pub fn judge_papers(papers: &[PaperShown], findings: &mut Findings) {
    for paper in papers.iter().filter(|paper| paper.finding != "held") {
        let rule = match paper.paper.as_str() {
            "carrier_permit" => &table::CARRIER_PERMIT,
            "vehicle_permit" => &table::VEHICLE_PERMIT,
            "driver_certificate" => &table::DRIVER_CERTIFICATE,
            _ => &table::ESCORT_CERTIFICATE,
        };
        if paper.finding == "claimed" {
            // A person's name and number stay out; which paper it is says the sentence.
            let (zh, en) = match paper.paper.as_str() {
                "carrier_permit" => ("承运人经营许可", "the carrier's permit"),
                "vehicle_permit" => ("车辆道路运输证", "the vehicle's permit"),
                "driver_certificate" => ("驾驶员从业资格证", "the driver's certificate"),
                _ => ("押运员从业资格证", "the escort's certificate"),
            };
            findings.add(&table::TRANSPORT_PAPER_CLAIMED, "", format!("{zh}未经核验，仅为申报信息"), format!("Nobody verified {en}: it is a claim"));
            continue;
        }
        match (&paper.no, paper.valid_to) {
            // A person's certificate often bears his identity number: the chain keeps only that it ran out.
            (Some(_), Some(valid_to)) if paper.paper.ends_with("certificate") => {
                findings.add(rule, "", format!("{}：有效期至 {valid_to}", rule.kind.zh), format!("{}: it was valid to {valid_to}", rule.kind.en));
            }
            (Some(no), Some(valid_to)) => {
                findings.add(
                    rule,
                    "",
                    format!("{}：{no} 有效期至 {valid_to}", rule.kind.zh),
                    format!("{}: {no} was valid to {valid_to}", rule.kind.en),
                );
            }
            _ => findings.plain(rule, ""),
        }
    }
}

/// A load on a leg of the trip, a row for each of its lines.
#[derive(diesel::QueryableByName)]
struct LoadRow {
    #[diesel(sql_type = SqlUuid)]
    manifest_id: Uuid,
    #[diesel(sql_type = Integer)]
    leg_no: i32,
    /// Of the same receiver.
    #[diesel(sql_type = Bool)]
    is_own: bool,
    #[diesel(sql_type = Bool)]
    is_on_the_road: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    taken_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    handed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    received_at: Option<DateTime<Utc>>,
    /// Weighings of this trip that its receipt names.
    #[diesel(sql_type = diesel::sql_types::Array<BigInt>)]
    named: Vec<i64>,
    #[diesel(sql_type = Bool)]
    is_estimated: bool,
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = BigInt)]
    weight_g: i64,
}

/// A weighing that stands.
#[derive(diesel::QueryableByName)]
struct WeighingRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    net_g: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Bool)]
    is_public: bool,
    #[diesel(sql_type = Timestamptz)]
    weighed_at: DateTime<Utc>,
}

impl LoadRow {
    /// The receiver's own bridge weighs what he takes from the vehicle, a public scale all that is on it.
    const fn meets(&self, weighing: &WeighingRow) -> bool {
        self.is_own || weighing.is_public
    }
    /// Whether the load was on the vehicle when it was weighed: taken over on this leg, and neither handed over nor taken off
    /// yet. Where the take-over was skipped, only the receipt tells that it was there.
    fn was_on(&self, weighing: &WeighingRow) -> bool {
        let was_taken = self.taken_at.map(|at| at <= weighing.weighed_at);
        self.meets(weighing)
            && match (self.handed_at, self.received_at) {
                (Some(handed_at), _) => weighing.is_public && was_taken == Some(true) && handed_at > weighing.weighed_at,
                (None, Some(_)) if self.named.contains(&weighing.seq) => true,
                (None, Some(received_at)) => {
                    (weighing.is_public || self.named.is_empty()) && was_taken != Some(false) && received_at > weighing.weighed_at
                }
                (None, None) => self.is_on_the_road && was_taken == Some(true),
            }
    }
    /// Whether it was taken off unweighed before: then the empty vehicle's tare weighs it.
    fn was_off(&self, weighing: &WeighingRow) -> bool {
        self.meets(weighing)
            && self.handed_at.is_none()
            && self.received_at.is_some_and(|at| at <= weighing.weighed_at)
            && (self.is_estimated || self.named.contains(&weighing.seq))
    }
}

/// What a manifest's lines get of a trip's net.
pub struct Shares {
    /// By line.
    pub lines: BTreeMap<i32, Grams>,
    /// The weighing.
    pub weighing: WeighingRef,
    /// Whether one line had the whole vehicle: then its mass was weighed, not shared.
    pub is_alone: bool,
}

impl Shares {
    /// The mass of a line, and how it was found.
    #[must_use]
    pub fn of(&self, line: i32) -> (Grams, Basis) {
        (self.lines.get(&line).copied().unwrap_or(Grams::ZERO), if self.is_alone { Basis::Scale } else { Basis::Apportioned })
    }
}

/// The trip's net at the receiver's, shared over the loads that were on the vehicle and their lines: by released mass, else by
/// the declared, to the gram (largest remainder, ties by manifest id and line).
///
/// Before the receipt the last weighing that stands counts, unless it was made before the load was on the vehicle. After it
/// the weighing that the receipt names, shared with what else came off by it; for an estimated receipt a weighing made since,
/// of the vehicle from which nothing was to come any more.
///
/// # Errors
/// As the database.
pub async fn shares(mut conn: &AsyncPgConnection, trip: Uuid, record: &Record, issued_at: DateTime<Utc>) -> Result<Option<Shares>, Problem> {
    let mut same: &AsyncPgConnection = conn;
    let (weighings, loads): (Vec<WeighingRow>, Vec<LoadRow>) = futures_util::try_join!(
        async {
            Sql("SELECT seq, gross_g - tare_g AS net_g, hash, side = 'public' AS is_public, weighed_at FROM weighings \
                 WHERE trip_id = $1 AND struck_at IS NULL AND (side = 'public' OR side = 'receipt' AND weighed_by = $2) ORDER BY seq")
            .bind::<SqlUuid, _>(trip)
            .bind::<SqlUuid, _>(record.consignment.receiver.unit_id)
            .load(&mut conn)
            .await
        },
        async { LOADS.bind::<SqlUuid, _>(trip).bind::<SqlUuid, _>(record.id).load(&mut same).await },
    )?;
    let leg = record.leg();
    let taken = record.take_overs.get(&leg).map(|step| step.at).or_else(|| record.hand_overs.get(&(leg - 1)).map(|step| step.at));
    let on_since = taken.or_else(|| record.release.as_ref().map(|release| release.released_at)).unwrap_or(issued_at);
    let receipt = record.receipt.as_ref();
    let named = receipt.iter().flat_map(|receipt| &receipt.weighings).filter(|one| one.trip_id == trip).map(|one| one.seq).max();
    let is_weighed = receipt.is_some_and(Receipt::is_weighed);
    // A second weighing replaces the first for its load; the last one that stands counts.
    let weighing =
        weighings.into_iter().rfind(|one| if is_weighed { Some(one.seq) == named } else { one.weighed_at >= on_since && Some(one.seq) > named });
    let Some(weighing) = weighing else { return Ok(None) };
    let is_mine = |load: &LoadRow| load.manifest_id == record.id && load.leg_no == leg;
    let mut others = loads.iter().filter(|load| load.manifest_id != record.id);
    let was_off = !is_weighed && receipt.is_some_and(|receipt| receipt.received_at <= weighing.weighed_at);
    if was_off && others.any(|load| load.was_on(&weighing) && !load.was_off(&weighing)) {
        return Ok(None);
    }
    let is_shared = |load: &LoadRow| {
        let is_other = load.manifest_id != record.id;
        is_mine(load) || is_other && if was_off { load.was_off(&weighing) } else { load.was_on(&weighing) }
    };
    let sharing: Vec<&LoadRow> = loads.iter().filter(|load| is_shared(load)).collect();
    let weights: Vec<i64> = sharing.iter().map(|load| load.weight_g).collect();
    let total = Grams::try_from(weighing.net_g).map_err(|error| Problem::internal(&error))?;
    let parts = apportion(total, &weights);
    let lines = sharing.iter().zip(parts).filter(|(load, _)| is_mine(load)).map(|(load, mass)| (load.line, mass)).collect();
    let is_alone = sharing.len() == 1;
    Ok(Some(Shares { is_alone, lines, weighing: WeighingRef { trip_id: trip, seq: weighing.seq, hash: hex::encode(&weighing.hash) } }))
}

/// Loads of a trip, each as it stands: never what is cancelled or void, but the one that is asked for. A release that was
/// taken back weighs nothing; then the declared mass shares.
const LOADS: Sql =
    Sql("SELECT l.manifest_id, l.leg_no, m.receiver_id = me.receiver_id AS is_own, m.state IN ('in_transit', 'arrived') AS is_on_the_road, \
       (t.doc->>'at')::timestamptz AS taken_at, (h.doc->>'at')::timestamptz AS handed_at, (r.doc->>'received_at')::timestamptz AS received_at, \
       ARRAY(SELECT (w->>'seq')::bigint FROM json_array_elements(r.doc->'weighings') w WHERE w->>'trip_id' = l.trip_id::text) AS named, \
       EXISTS (SELECT FROM json_array_elements(r.doc->'lines') y WHERE y->>'basis' = 'estimated') AS is_estimated, \
       (x->>'line')::int AS line, coalesce((x->>'released_g')::bigint, (x->>'declared_g')::bigint) AS weight_g \
     FROM trip_legs l JOIN manifests m ON m.id = l.manifest_id JOIN manifests me ON me.id = $2 \
     LEFT JOIN LATERAL (SELECT convert_from(p.bytes, 'UTF8')::json AS doc FROM manifest_parts p \
         WHERE p.manifest_id = l.manifest_id AND p.part = 'take_over' AND p.part_no = l.leg_no ORDER BY p.revision DESC LIMIT 1) t ON true \
     LEFT JOIN LATERAL (SELECT convert_from(p.bytes, 'UTF8')::json AS doc FROM manifest_parts p \
         WHERE p.manifest_id = l.manifest_id AND p.part = 'hand_over' AND p.part_no = l.leg_no ORDER BY p.revision DESC LIMIT 1) h ON true \
     LEFT JOIN LATERAL (SELECT convert_from(p.bytes, 'UTF8')::json AS doc FROM manifest_parts p \
         WHERE p.manifest_id = l.manifest_id AND p.part = 'receipt' ORDER BY p.revision DESC LIMIT 1) r ON true \
     CROSS JOIN LATERAL (SELECT q.bytes FROM (SELECT DISTINCT ON (p.part) p.part, p.bytes FROM manifest_parts p \
         WHERE p.manifest_id = l.manifest_id AND p.part IN ('release', 'consignment') ORDER BY p.part, p.revision DESC) q \
       WHERE q.bytes <> 'null'::bytea ORDER BY (q.part = 'release') DESC LIMIT 1) p \
     CROSS JOIN LATERAL json_array_elements(convert_from(p.bytes, 'UTF8')::json->'lines') x \
     WHERE l.trip_id = $1 AND (l.manifest_id = $2 OR m.state <> 'cancelled' AND m.voided_at IS NULL) ORDER BY l.manifest_id, l.leg_no, line");

/// What a trip was weighed at where it departs, and what else goes with it from there.
pub struct AtDeparture {
    /// Whether anybody weighed it there.
    pub is_weighed: bool,
    /// The last weighing that stands. Unit: grams.
    pub net_g: Option<i64>,
    /// What else was released onto the vehicle. Unit: grams.
    pub released_g: i64,
    /// What else is to be released onto it, as declared. Unit: grams.
    pub pending_g: i64,
}

impl AtDeparture {
    /// The weighing, where a release fits it neither alone, nor with what was released beside it, nor with all that is to go.
    #[must_use]
    pub fn differing(&self, released_g: i64, tolerance: &catalogue::MassTolerance) -> Option<i64> {
        let with = released_g.saturating_add(self.released_g);
        let sums = [released_g, with, with.saturating_add(self.pending_g)];
        self.net_g.filter(|net_g| sums.iter().all(|sum| tolerance.is_exceeded(*net_g, *sum)))
    }
}

/// The weighing of a trip at the departure of a manifest; that of another place of departure says nothing of this load.
///
/// # Errors
/// As the database.
pub async fn at_departure(mut conn: &AsyncPgConnection, trip: Uuid, record: &Record) -> Result<AtDeparture, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_weighed: bool,
        #[diesel(sql_type = Nullable<BigInt>)]
        net_g: Option<i64>,
        #[diesel(sql_type = BigInt)]
        released_g: i64,
        #[diesel(sql_type = BigInt)]
        pending_g: i64,
    }
    let row: Option<Row> = Sql(
        "WITH w AS (SELECT seq, gross_g - tare_g AS net_g, side, weighed_by FROM weighings WHERE trip_id = $1 AND struck_at IS NULL AND side IN ('departure', 'public')), \
         o AS (SELECT m.consignor_id, m.released_g, m.declared_g FROM trip_legs l JOIN manifests m ON m.id = l.manifest_id \
           WHERE l.trip_id = $1 AND m.id <> $2 AND m.state IN ('issued', 'offered', 'in_transit', 'arrived') AND m.voided_at IS NULL \
           AND NOT EXISTS (SELECT FROM trip_legs n WHERE n.manifest_id = m.id AND n.leg_no > l.leg_no)) \
         SELECT EXISTS (SELECT FROM w) AS is_weighed, \
           (SELECT w.net_g FROM w WHERE w.side = 'departure' AND (w.weighed_by = $3 OR NOT EXISTS (SELECT FROM o WHERE o.consignor_id <> $4)) ORDER BY w.seq DESC LIMIT 1) AS net_g, \
           coalesce((SELECT sum(o.released_g) FROM o WHERE o.consignor_id = $4), 0)::bigint AS released_g, \
           coalesce((SELECT sum(o.declared_g) FROM o WHERE o.consignor_id = $4 AND o.released_g IS NULL), 0)::bigint AS pending_g",
    )
    .bind::<SqlUuid, _>(trip)
    .bind::<SqlUuid, _>(record.id)
    .bind::<SqlUuid, _>(record.consignment.departure().unit_id)
    .bind::<SqlUuid, _>(record.consignment.consignor.unit_id)
    .load(&mut conn)
    .await?
    .pop();
    Ok(row.map_or(AtDeparture { is_weighed: false, net_g: None, released_g: 0, pending_g: 0 }, |row| AtDeparture {
        is_weighed: row.is_weighed,
        net_g: row.net_g,
        released_g: row.released_g,
        pending_g: row.pending_g,
    }))
}

/// A trip is joined while something on it is still to arrive; afterwards the vehicle's next journey is a trip of its own, with
/// weighings of its own.
///
/// # Errors
/// `bad-value` for a trip whose other loads are all delivered or gone.
pub async fn joinable(conn: &mut AsyncPgConnection, trip: Option<Uuid>, manifest: Uuid) -> Result<(), Problem> {
    let Some(trip) = trip else { return Ok(()) };
    let over: Vec<crate::platform::db::TextRow> = Sql("SELECT t.plate AS doc FROM trips t WHERE t.id = $1 \
         AND NOT EXISTS (SELECT FROM trip_legs l WHERE l.trip_id = t.id AND l.manifest_id = $2) \
         AND NOT EXISTS (SELECT FROM trip_legs l JOIN manifests m ON m.id = l.manifest_id WHERE l.trip_id = t.id AND m.voided_at IS NULL \
           AND m.state IN ('issued', 'offered', 'in_transit', 'arrived') \
           AND NOT EXISTS (SELECT FROM trip_legs n WHERE n.manifest_id = m.id AND n.leg_no > l.leg_no))")
    .bind::<SqlUuid, _>(trip)
    .bind::<SqlUuid, _>(manifest)
    .load(conn)
    .await?;
    if over.is_empty() {
        return Ok(());
    }
    let why = Words::new("该车次已结束，其联单均已入厂或终结，请新建车次", "This trip is over: nothing on it is still to arrive; start a new one");
    Err(Problem::value("/trip/trip_id", why))
}

const fn side_str(side: WeighingSide) -> &'static str {
    match side {
        WeighingSide::Departure => "departure",
        WeighingSide::Receipt => "receipt",
        WeighingSide::Public => "public",
    }
}

/// Weighs a trip inside an act's transaction; the event goes to the trip's own chain.
///
/// # Errors
/// `bad-value` where the tare is not below the gross.
pub async fn weigh_step(tx: &mut Tx<'_>, trip: Uuid, body: WeighTrip) -> Result<(), Problem> {
    let (gross_g, tare_g) = (body.gross_g.grams().get(), body.tare_g.grams().get());
    if gross_g <= tare_g {
        return Err(Problem::value("/tare_g", Words::new("皮重须小于毛重", "The tare must be below the gross")));
    }
    let claimed_at = tx.call.claim(body.claimed_at)?;
    let head = trip_head(tx, trip).await?;
    let warnings = unlikely_net(tx.conn, trip, gross_g - tare_g).await?.judge(Act::Weigh, &[], legal_day(claimed_at))?.warnings;
    let payload = json!({
        "trip_id": trip, "gross_g": gross_g, "tare_g": tare_g, "net_g": gross_g - tare_g, "side": body.side, "scale": body.scale, "warnings": warnings,
    });
    let event =
        NewEvent { subject_kind: "trip", subject: trip, act: "weigh", claimed_at, law: vec!["decree_23_2021/12"], sealed: BTreeMap::new(), payload };
    let by = tx.signer().unit.unwrap_or_default();
    let after = tx.append(&head, event).await?;
    Sql("INSERT INTO weighings (trip_id, seq, gross_g, tare_g, side, weighed_by, weighed_at, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind::<SqlUuid, _>(trip)
        .bind::<BigInt, _>(after.seq)
        .bind::<BigInt, _>(gross_g)
        .bind::<BigInt, _>(tare_g)
        .bind::<Text, _>(side_str(body.side))
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(claimed_at)
        .bind::<Binary, _>(&after.hash[..])
        .execute(tx.conn)
        .await?;
    Ok(())
}

/// A net above twice the rated load is asked "kg or t?": what is merely overloaded is less. Where the load is not known, no
/// lorry carries more than this. Unit: grams.
const NET_LIKELY_MAX_G: i64 = 50_000_000;

/// A net that the vehicle cannot have carried: warned of, never refused, since the bridge says it.
async fn unlikely_net(conn: &mut AsyncPgConnection, trip: Uuid, net_g: i64) -> Result<Findings, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        rated_load_g: i64,
    }
    let row: Option<Row> =
        Sql("SELECT v.rated_load_g FROM trips t JOIN vehicles v ON v.unit_id = t.carrier_id AND v.plate = t.plate AND v.retired_on IS NULL \
         WHERE t.id = $1 ORDER BY v.claim_source IS NOT NULL LIMIT 1")
        .bind::<SqlUuid, _>(trip)
        .load(conn)
        .await?
        .pop();
    let mut findings = Findings::default();
    let rated = row.map(|row| row.rated_load_g);
    let tonnes = crate::platform::mass::tonnes_text(Grams::try_from(net_g).unwrap_or(Grams::MAX));
    if net_g > rated.map_or(NET_LIKELY_MAX_G, |rated| rated.saturating_mul(2)) {
        let (zh, en) = (format!("净重 {tonnes} 吨？请确认单位是 kg 还是 t"), format!("{tonnes} t net? Please check: kg or t"));
        findings.add(&table::MASS_UNLIKELY, "/gross_g", zh, en);
    } else if let Some(rated) = rated.filter(|rated| net_g > *rated) {
        findings.add(
            &table::OVERLOAD,
            "/gross_g",
            format!("净重 {net_g} 克，核定载质量 {rated} 克"),
            format!("{net_g} g net, the rated load is {rated} g"),
        );
    }
    Ok(findings)
}

async fn trip_head(tx: &mut Tx<'_>, trip: Uuid) -> Result<Head, Problem> {
    match tx.lock(trip).await {
        Err(problem) if problem.status == 404 => Ok(Head::NEW),
        other => other,
    }
}

#[derive(diesel::QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = diesel::sql_types::Array<Text>)]
    relations: Vec<String>,
}

/// Who may weigh at which side: the receiver's weigher at the receipt, the giver's weigher or the carrier's dispatcher at
/// the departure, any of them on a public scale. The mass at the receipt is the receiver's alone.
async fn may_weigh(conn: &mut AsyncPgConnection, actor: &Actor, trip: Uuid, side: Option<WeighingSide>) -> Result<(), Problem> {
    let row: Option<StandingRow> = Sql("SELECT coalesce(array_agg(DISTINCT p.relation), '{}') AS relations FROM trip_legs l \
         JOIN manifest_parties p ON p.manifest_id = l.manifest_id WHERE l.trip_id = $1 AND p.unit_id = $2")
    .bind::<SqlUuid, _>(trip)
    .bind::<Nullable<SqlUuid>, _>(actor.unit_id())
    .load(conn)
    .await?
    .pop();
    let relations = row.map(|row| row.relations).unwrap_or_default();
    if relations.is_empty() {
        return Err(Problem::not_found());
    }
    let is = |relation: Relation| relations.iter().any(|one| one == relation.as_str());
    let (weigher, dispatcher) = (actor.roles.has(Role::Weigher), actor.roles.has(Role::Dispatcher));
    let at_receipt = is(Relation::Receiver) && weigher;
    let at_departure = (is(Relation::Consignor) || is(Relation::Holder)) && weigher || is(Relation::Carrier) && dispatcher;
    let may = match side {
        Some(WeighingSide::Receipt) => at_receipt,
        Some(WeighingSide::Departure) => at_departure,
        Some(WeighingSide::Public) | None => at_receipt || at_departure,
    };
    if may { Ok(()) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}

/// Takes a leg off its trip, when its offer was taken back.
///
/// # Errors
/// As the database.
pub async fn leave(conn: &mut AsyncPgConnection, manifest: Uuid, leg_no: i32) -> Result<(), Problem> {
    Sql("DELETE FROM trip_legs WHERE manifest_id = $1 AND leg_no = $2").bind::<SqlUuid, _>(manifest).bind::<Integer, _>(leg_no).execute(conn).await?;
    Ok(())
}

/// Weighs a trip (过磅): any number of times, at either side.
///
/// # Errors
/// 404, 403, `bad-value`.
pub async fn weigh(call: &Call, actor: &Actor, trip: Uuid, body: WeighTrip) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        may_weigh(tx.conn, actor, trip, Some(body.side)).await?;
        weigh_step(tx, trip, body).await
    })
    .await
}

/// Strikes out a wrong weighing; it stays in the chain and counts no more.
///
/// # Errors
/// 404 for a weighing that is not there or was struck, or that another unit made.
pub async fn strike_weighing(call: &Call, actor: &Actor, trip: Uuid, seq: i64, reason: &str) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        may_weigh(tx.conn, actor, trip, None).await?;
        let head = tx.lock(trip).await?;
        let now = tx.now();
        let struck = Sql("UPDATE weighings SET struck_at = $3 WHERE trip_id = $1 AND seq = $2 AND struck_at IS NULL AND weighed_by = $4")
            .bind::<SqlUuid, _>(trip)
            .bind::<BigInt, _>(seq)
            .bind::<Timestamptz, _>(now)
            .bind::<Nullable<SqlUuid>, _>(actor.unit_id())
            .execute(tx.conn)
            .await?;
        if struck == 0 {
            return Err(Problem::not_found());
        }
        let payload = json!({ "trip_id": trip, "struck_seq": seq, "reason": reason, "warnings": [] });
        let event = NewEvent {
            subject_kind: "trip",
            subject: trip,
            act: "strike_weighing",
            claimed_at: now,
            law: Vec::new(),
            sealed: BTreeMap::new(),
            payload,
        };
        tx.append(&head, event).await?;
        for manifest in resting_on(tx.conn, trip, seq).await? {
            let payload = json!({ "trip_id": trip, "struck_seq": seq, "facts": { "reason": reason }, "flags": [STRUCK], "warnings": [] });
            let (sealed, law) = (BTreeMap::new(), Vec::new());
            let aside = NewEvent { subject_kind: SUBJECT, subject: manifest, act: "weighing_struck", claimed_at: now, law, sealed, payload };
            tx.append_aside(aside).await?;
            Sql("UPDATE manifests SET flags = array_append(flags, $2) WHERE id = $1 AND NOT $2 = ANY(flags)")
                .bind::<SqlUuid, _>(manifest)
                .bind::<Text, _>(STRUCK)
                .execute(tx.conn)
                .await?;
        }
        Ok(())
    })
    .await
}

/// Flag of a manifest whose receipt rests on a weighing that was struck.
const STRUCK: &str = table::WEIGHING_STRUCK.kind.code;

/// Manifests whose receipt names the weighing, in the order in which they are locked.
async fn resting_on(conn: &mut AsyncPgConnection, trip: Uuid, seq: i64) -> Result<Vec<Uuid>, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        manifest_id: Uuid,
    }
    let rows: Vec<Row> = Sql("SELECT DISTINCT l.manifest_id FROM trip_legs l CROSS JOIN LATERAL (SELECT p.bytes FROM manifest_parts p \
         WHERE p.manifest_id = l.manifest_id AND p.part = 'receipt' ORDER BY p.revision DESC LIMIT 1) p \
         CROSS JOIN LATERAL json_array_elements(convert_from(p.bytes, 'UTF8')::json->'weighings') w \
         WHERE l.trip_id = $1 AND w->>'trip_id' = l.trip_id::text AND (w->>'seq')::bigint = $2 ORDER BY l.manifest_id")
    .bind::<SqlUuid, _>(trip)
    .bind::<BigInt, _>(seq)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.manifest_id).collect())
}

#[derive(diesel::QueryableByName)]
struct TripDocRow {
    #[diesel(sql_type = Text)]
    doc: String,
}

/// A trip with its legs and weighings, for a unit that is a party to one of them.
///
/// # Errors
/// As the database.
pub async fn get(conn: &mut AsyncPgConnection, trip: Uuid, scope: &super::policy::Scope) -> Result<Option<String>, Problem> {
    let row: Option<TripDocRow> = Sql("SELECT json_build_object('id', t.id, 'carrier_id', t.carrier_id, 'plate', t.plate, \
         'started_at', to_char(t.started_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'version', coalesce(s.version, 0), \
         'legs', (SELECT coalesce(json_agg(json_build_object('manifest_id', l.manifest_id, 'leg_no', l.leg_no, 'number', m.number, 'state', m.state) ORDER BY l.manifest_id), '[]') \
           FROM trip_legs l JOIN manifests m ON m.id = l.manifest_id JOIN manifest_parties p ON p.manifest_id = m.id AND p.unit_id = ANY($2) WHERE l.trip_id = t.id), \
         'weighings', (SELECT coalesce(json_agg(json_build_object('seq', w.seq, 'gross_g', w.gross_g, 'tare_g', w.tare_g, 'net_g', w.gross_g - w.tare_g, 'side', w.side, \
           'weighed_at', to_char(w.weighed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'is_struck', w.struck_at IS NOT NULL, 'hash', encode(w.hash, 'hex')) ORDER BY w.seq), '[]') FROM weighings w WHERE w.trip_id = t.id) \
         )::text AS doc FROM trips t LEFT JOIN streams s ON s.subject_id = t.id \
         WHERE t.id = $1 AND EXISTS (SELECT FROM trip_legs l JOIN manifests m ON m.id = l.manifest_id WHERE l.trip_id = t.id AND ( \
           EXISTS (SELECT FROM manifest_parties p WHERE p.manifest_id = m.id AND p.unit_id = ANY($2)) \
           OR EXISTS (SELECT FROM manifest_places y JOIN division_paths d ON d.code = y.division WHERE y.manifest_id = m.id AND d.ancestor = ANY($3))))")
    .bind::<SqlUuid, _>(trip)
    .bind::<diesel::sql_types::Array<SqlUuid>, _>(scope.units())
    .bind::<diesel::sql_types::Array<Text>, _>(&scope.jurisdiction)
    .load(conn)
    .await?
    .pop();
    Ok(row.map(|row| row.doc))
}

/// The papers of an assigned vehicle and crew as they are on another day.
///
/// # Errors
/// As the database.
pub async fn papers_of(conn: &AsyncPgConnection, assignment: &Assignment, day: chrono::NaiveDate) -> Result<Vec<PaperShown>, Problem> {
    let papers = papers(
        conn,
        assignment.carrier.unit_id,
        &assignment.plate,
        assignment.driver_id,
        &assignment.driver_name,
        assignment.escort_name.as_deref(),
        day,
    )
    .await?;
    Ok(show_papers(&papers))
}

async fn papers(
    conn: &AsyncPgConnection,
    carrier: Uuid,
    plate: &registry::Plate,
    driver: Option<Uuid>,
    driver_name: &str,
    escort: Option<&str>,
    day: chrono::NaiveDate,
) -> Result<registry::Papers, Problem> {
    let driver = driver.map_or(Person::Named(driver_name), Person::User);
    registry::transport_papers(conn, carrier, plate, Some(driver), escort.map(Person::Named), day).await
}
