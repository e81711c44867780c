//! Many manifests at once: five years in four prefectures, one in twenty with its whole life.
//!
//! Manifests that the API made are the patterns. A copy has ids, number, instants and days of its own, its parts are
//! hashed and its events chained anew, so every chain verifies. The mass graph and the accounts are not written, and the
//! copies of one life share its trip. Ids can be computed from the place in the row ([`BulkIds`]), for pgbench's sake.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Duration, NaiveDate, TimeZone, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::Failure;
use super::district::COUNTIES_COUNT;
use crate::evidence::{GENESIS, content_hash, event_hash};
use crate::platform::calendar::legal_day;
use crate::platform::clock::rfc3339;
use crate::platform::db::Sql;

/// Unit: manifests of one transaction.
const CHUNK: i64 = 5_000;
/// 2021-01-01 in Dalian. Unit: milliseconds since 1970.
const START_MS: i64 = 1_609_430_400_000;
/// Five years. Unit: milliseconds.
const SPAN_MS: i64 = 1_826 * 86_400_000;
/// One manifest in so many has its whole life.
const FULL_EACH: i64 = 20;

/// The ids of the copies.
#[derive(Debug, Clone, Copy)]
pub struct BulkIds {
    /// How many there are.
    pub count: i64,
}

impl BulkIds {
    /// Unit: milliseconds between two manifests.
    #[must_use]
    pub const fn step_ms(self) -> i64 {
        SPAN_MS / self.count
    }
    /// When the n-th was issued.
    #[must_use]
    pub const fn issued_ms(self, n: i64) -> i64 {
        START_MS + n * self.step_ms()
    }
    /// The n-th manifest.
    #[must_use]
    pub fn manifest(self, n: i64) -> Uuid {
        uuid7(self.issued_ms(n), n)
    }
    /// The same, as SQL over `:n`, for pgbench.
    #[must_use]
    pub fn sql(self) -> String {
        let ms = format!("({START_MS} + :n::bigint * {})", self.step_ms());
        format!("(lpad(to_hex({ms}), 12, '0') || '70008000' || lpad(to_hex(:n::bigint), 12, '0'))::uuid")
    }
}

fn uuid7(ms: i64, rest: i64) -> Uuid {
    let (ms, rest) = (u128::try_from(ms).unwrap_or_default(), u128::try_from(rest).unwrap_or_default());
    Uuid::from_u128((ms << 80) | (0x7000_8000 << 48) | (rest & 0xffff_ffff_ffff))
}

#[derive(diesel::QueryableByName)]
struct EventPattern {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    act: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: DateTime<Utc>,
}

#[derive(diesel::QueryableByName)]
struct PartPattern {
    #[diesel(sql_type = Text)]
    part: String,
    #[diesel(sql_type = Integer)]
    part_no: i32,
    #[diesel(sql_type = Integer)]
    v: i32,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Text)]
    hash: String,
}

#[derive(diesel::QueryableByName)]
struct HeadPattern {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Timestamptz)]
    issued_at: DateTime<Utc>,
}

/// A manifest to copy.
struct Pattern {
    id: Uuid,
    number: String,
    issued_at: DateTime<Utc>,
    parts: Vec<PartPattern>,
    events: Vec<EventPattern>,
    instants: Vec<(String, DateTime<Utc>)>,
    days: Vec<(String, NaiveDate)>,
}

impl Pattern {
    async fn read(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Self, Failure> {
        let head: HeadPattern = Sql("SELECT number, issued_at FROM manifests WHERE id = $1")
            .bind::<SqlUuid, _>(id)
            .load(conn)
            .await?
            .pop()
            .ok_or_else(|| Failure::new("a pattern is not there"))?;
        let parts: Vec<PartPattern> = Sql("SELECT part, part_no, v, convert_from(bytes, 'UTF8') AS text, encode(content_hash, 'hex') AS hash FROM manifest_parts WHERE manifest_id = $1")
            .bind::<SqlUuid, _>(id)
            .load(conn)
            .await?;
        let events: Vec<EventPattern> =
            Sql("SELECT id, act, convert_from(bytes, 'UTF8') AS text, recorded_at FROM events WHERE subject_id = $1 ORDER BY seq")
                .bind::<SqlUuid, _>(id)
                .load(conn)
                .await?;
        let texts = parts.iter().map(|part| &part.text).chain(events.iter().map(|event| &event.text));
        let words: BTreeSet<&str> = texts.flat_map(|text| text.split('"')).collect();
        let instants = words.iter().filter(|word| word.len() == 24).filter_map(|word| Some(((*word).to_owned(), word.parse().ok()?))).collect();
        let days = words.iter().filter(|word| word.len() == 10).filter_map(|word| Some(((*word).to_owned(), word.parse().ok()?))).collect();
        Ok(Self { id, number: head.number, issued_at: head.issued_at, parts, events, instants, days })
    }

    /// One more of it.
    fn copy(&self, n: i64, id: Uuid, issued_at: DateTime<Utc>, number: &str, rows: &mut Rows) {
        let later = issued_at - self.issued_at;
        let days = (legal_day(issued_at) - legal_day(self.issued_at)).num_days();
        let mut common = vec![(self.id.to_string(), id.to_string()), (format!("\"{}\"", self.number), format!("\"{number}\""))];
        common.extend(self.instants.iter().map(|(text, at)| (text.clone(), rfc3339(*at + later))));
        common.extend(self.days.iter().map(|(text, day)| (format!("\"{text}\""), format!("\"{}\"", *day + Duration::days(days)))));
        let written = |text: &str| common.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));

        let mut hashes = Vec::new();
        for part in &self.parts {
            let bytes = written(&part.text).into_bytes();
            let hash = content_hash(&bytes);
            hashes.push((part.hash.clone(), hex::encode(hash)));
            rows.part_manifests.push(id);
            rows.parts.push(part.part.clone());
            rows.part_nos.push(part.part_no);
            rows.part_formats.push(part.v);
            rows.part_bytes.push(bytes);
            rows.part_hashes.push(hash.to_vec());
        }
        let mut head = GENESIS;
        for (index, event) in self.events.iter().enumerate() {
            let (seq, recorded_at) = (i64::try_from(index).unwrap_or_default() + 1, event.recorded_at + later);
            let event_id = uuid7(recorded_at.timestamp_millis(), (n << 8) | seq);
            let text = written(&event.text).replace(&event.id.to_string(), &event_id.to_string());
            let bytes = hashes.iter().fold(text, |text, (from, to)| text.replace(from, to)).into_bytes();
            let hash = event_hash(&head, &bytes);
            rows.event_ids.push(event_id);
            rows.event_manifests.push(id);
            rows.event_seqs.push(seq);
            rows.event_acts.push(event.act.clone());
            rows.event_prevs.push(head.to_vec());
            rows.event_hashes.push(hash.to_vec());
            rows.event_bytes.push(bytes);
            rows.event_instants.push(recorded_at);
            head = hash;
        }
        rows.ids.push(id);
        rows.patterns.push(self.id);
        rows.numbers.push(number.to_owned());
        rows.issued_at.push(issued_at);
        rows.days.push(i32::try_from(days).unwrap_or_default());
        rows.seqs.push(i64::try_from(self.events.len()).unwrap_or_default());
        rows.heads.push(head.to_vec());
    }
}

/// Columns of the rows to write.
#[derive(Default)]
struct Rows {
    ids: Vec<Uuid>,
    patterns: Vec<Uuid>,
    numbers: Vec<String>,
    issued_at: Vec<DateTime<Utc>>,
    days: Vec<i32>,
    seqs: Vec<i64>,
    heads: Vec<Vec<u8>>,
    part_manifests: Vec<Uuid>,
    parts: Vec<String>,
    part_nos: Vec<i32>,
    part_formats: Vec<i32>,
    part_bytes: Vec<Vec<u8>>,
    part_hashes: Vec<Vec<u8>>,
    event_ids: Vec<Uuid>,
    event_manifests: Vec<Uuid>,
    event_seqs: Vec<i64>,
    event_acts: Vec<String>,
    event_prevs: Vec<Vec<u8>>,
    event_hashes: Vec<Vec<u8>>,
    event_bytes: Vec<Vec<u8>>,
    event_instants: Vec<DateTime<Utc>>,
}

const STREAMS: Sql = Sql("INSERT INTO streams (subject_id, subject_kind, seq, version, head) \
     SELECT x.id, 'manifest', x.seq, x.seq, x.head FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS x(id, seq, head)");
const EVENTS: Sql = Sql("WITH e AS (INSERT INTO events (id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at) \
     SELECT x.id, x.manifest, 'manifest', x.seq, x.seq, x.act, x.prev, x.hash, x.bytes, x.at \
     FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::timestamptz[]) AS x(id, manifest, seq, act, prev, hash, bytes, at) RETURNING id), \
     base AS (SELECT coalesce(max(feed_no), 0) AS last FROM feed) \
     INSERT INTO feed (feed_no, event_id) SELECT base.last + row_number() OVER (ORDER BY e.id), e.id FROM e, base");
const HEADERS: Sql = Sql(
    "INSERT INTO manifests (id, stream, carriage, state, number, consignor_id, consignor_name, receiver_id, receiver_name, departure_division, destination_division, issued_at, \
     planned_departure_on, planned_receipt_on, received_on, confirm_due_on, confirm_due_provisional, declared_g, released_g, accepted_g, codes, plates, flags) \
     SELECT x.id, t.stream, t.carriage, t.state, x.number, t.consignor_id, t.consignor_name, t.receiver_id, t.receiver_name, t.departure_division, t.destination_division, x.issued_at, \
     t.planned_departure_on + x.days, t.planned_receipt_on + x.days, t.received_on + x.days, t.confirm_due_on + x.days, t.confirm_due_provisional, \
     t.declared_g, t.released_g, t.accepted_g, t.codes, t.plates, t.flags \
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::int[]) AS x(id, template, number, issued_at, days) JOIN manifests t ON t.id = x.template",
);
const PARTS: Sql = Sql(
    "INSERT INTO manifest_parts (manifest_id, part, part_no, revision, v, bytes, content_hash) SELECT x.manifest, x.part, x.part_no, 1, x.v, x.bytes, x.hash \
     FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bytea[], $6::bytea[]) AS x(manifest, part, part_no, v, bytes, hash)",
);
const PARTIES: Sql = Sql("INSERT INTO manifest_parties (unit_id, manifest_id, relation, leg_no) SELECT p.unit_id, x.id, p.relation, p.leg_no \
     FROM unnest($1::uuid[], $2::uuid[]) AS x(id, template) JOIN manifest_parties p ON p.manifest_id = x.template");
const PLACES: Sql = Sql("INSERT INTO manifest_places (division, manifest_id) SELECT p.division, x.id \
     FROM unnest($1::uuid[], $2::uuid[]) AS x(id, template) JOIN manifest_places p ON p.manifest_id = x.template");
const TASKS: Sql = Sql("INSERT INTO manifest_tasks (unit_id, manifest_id, act, due_on) SELECT k.unit_id, x.id, k.act, k.due_on + x.days \
     FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS x(id, template, days) JOIN manifest_tasks k ON k.manifest_id = x.template");

impl Rows {
    async fn write(&self, conn: &mut AsyncPgConnection) -> Result<(), Failure> {
        STREAMS.bind::<Array<SqlUuid>, _>(&self.ids).bind::<Array<BigInt>, _>(&self.seqs).bind::<Array<Binary>, _>(&self.heads).execute(conn).await?;
        EVENTS
            .bind::<Array<SqlUuid>, _>(&self.event_ids)
            .bind::<Array<SqlUuid>, _>(&self.event_manifests)
            .bind::<Array<BigInt>, _>(&self.event_seqs)
            .bind::<Array<Text>, _>(&self.event_acts)
            .bind::<Array<Binary>, _>(&self.event_prevs)
            .bind::<Array<Binary>, _>(&self.event_hashes)
            .bind::<Array<Binary>, _>(&self.event_bytes)
            .bind::<Array<Timestamptz>, _>(&self.event_instants)
            .execute(conn)
            .await?;
        HEADERS
            .bind::<Array<SqlUuid>, _>(&self.ids)
            .bind::<Array<SqlUuid>, _>(&self.patterns)
            .bind::<Array<Text>, _>(&self.numbers)
            .bind::<Array<Timestamptz>, _>(&self.issued_at)
            .bind::<Array<Integer>, _>(&self.days)
            .execute(conn)
            .await?;
        PARTS
            .bind::<Array<SqlUuid>, _>(&self.part_manifests)
            .bind::<Array<Text>, _>(&self.parts)
            .bind::<Array<Integer>, _>(&self.part_nos)
            .bind::<Array<Integer>, _>(&self.part_formats)
            .bind::<Array<Binary>, _>(&self.part_bytes)
            .bind::<Array<Binary>, _>(&self.part_hashes)
            .execute(conn)
            .await?;
        PARTIES.bind::<Array<SqlUuid>, _>(&self.ids).bind::<Array<SqlUuid>, _>(&self.patterns).execute(conn).await?;
        PLACES.bind::<Array<SqlUuid>, _>(&self.ids).bind::<Array<SqlUuid>, _>(&self.patterns).execute(conn).await?;
        TASKS
            .bind::<Array<SqlUuid>, _>(&self.ids)
            .bind::<Array<SqlUuid>, _>(&self.patterns)
            .bind::<Array<Integer>, _>(&self.days)
            .execute(conn)
            .await?;
        Ok(())
    }
}

/// Serials of the years: dense within year and prefecture, in the order of issue.
struct Serials {
    /// Of each prefecture: the year and its last serial.
    last: Vec<(i32, i32)>,
    prefectures: Vec<String>,
}

impl Serials {
    /// The number of the next manifest of a prefecture; also whether a year ended before it.
    fn next(&mut self, prefecture: usize, year: i32) -> (String, Option<(String, i32, i32)>) {
        let name = self.prefectures.get(prefecture).cloned().unwrap_or_default();
        let Some(last) = self.last.get_mut(prefecture) else { return (String::new(), None) };
        let ended = (last.0 != year && last.1 > 0).then(|| (name.clone(), last.0, last.1));
        *last = if last.0 == year { (year, last.1 + 1) } else { (year, 1) };
        (format!("{year}{name}{:06}", last.1), ended)
    }
    fn rest(&self) -> Vec<(String, i32, i32)> {
        self.prefectures.iter().cloned().zip(&self.last).filter(|(_, last)| last.1 > 0).map(|(name, last)| (name, last.0, last.1)).collect()
    }
}

/// Writes `count` copies of patterns, in the order of issue. `short` and `full` hold patterns by consignor: the n-th copy
/// is of consignor n modulo their number.
///
/// # Errors
/// As the database.
pub async fn load(url: &str, count: i64, short: &[Vec<Uuid>], full: &[Uuid], mut tell: impl FnMut(i64)) -> Result<BulkIds, Failure> {
    let mut conn = AsyncPgConnection::establish(url).await?;
    // What foreign keys would look up row by row is right by construction; the CHECKs on hashes stay in force.
    conn.batch_execute("SET session_replication_role = replica; SET TIME ZONE 'UTC'; SET synchronous_commit = off").await?;
    let mut shorts = Vec::new();
    for ids in short {
        let mut patterns = Vec::new();
        for id in ids {
            patterns.push(Pattern::read(&mut conn, *id).await?);
        }
        shorts.push(patterns);
    }
    let mut fulls = Vec::new();
    for id in full {
        fulls.push(Pattern::read(&mut conn, *id).await?);
    }
    let prefectures = fulls.iter().filter_map(|pattern| pattern.number.get(4..8).map(str::to_owned)).collect::<Vec<_>>();
    let mut serials = Serials { last: vec![(0, 0); prefectures.len()], prefectures };
    let mut ended = Vec::new();
    let ids = BulkIds { count };
    for begin in (0..count).step_by(usize::try_from(CHUNK).unwrap_or(1)) {
        let mut rows = Rows::default();
        for n in begin..(begin + CHUNK).min(count) {
            let issued_at = Utc.timestamp_millis_opt(ids.issued_ms(n)).single().unwrap_or_default();
            let consignor = usize::try_from(n).unwrap_or_default() % COUNTIES_COUNT;
            let round = usize::try_from(n).unwrap_or_default() / COUNTIES_COUNT;
            // Every twentieth round has whole lives, of all consignors in turn.
            let pattern = if i64::try_from(round).unwrap_or_default() % FULL_EACH == 0 {
                fulls.get(consignor)
            } else {
                shorts.get(consignor).and_then(|patterns| patterns.get(round % patterns.len().max(1)))
            };
            let (number, before) = serials.next(consignor, legal_day(issued_at).year());
            ended.extend(before);
            if let Some(pattern) = pattern {
                pattern.copy(n, ids.manifest(n), issued_at, &number, &mut rows);
            }
        }
        conn.batch_execute("BEGIN").await?;
        rows.write(&mut conn).await?;
        conn.batch_execute("COMMIT").await?;
        tell(begin);
    }
    ended.extend(serials.rest());
    for (prefecture, year, last) in ended {
        Sql("INSERT INTO manifest_numbers (prefecture, year, last_serial) VALUES ($1, $2, $3)")
            .bind::<Text, _>(prefecture)
            .bind::<Integer, _>(year)
            .bind::<Integer, _>(last)
            .execute(&mut conn)
            .await?;
    }
    conn.batch_execute("VACUUM (ANALYZE)").await?;
    conn.batch_execute("CHECKPOINT").await?;
    Ok(ids)
}
