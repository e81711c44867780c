//! One act: one transaction that claims the idempotency key, does its work and appends its event.
//!
//! No act can forget the key, check mode or the proof, because only [`transact`] opens the transaction
//! and only [`Tx::append`] makes the answer.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use chrono::{DateTime, Utc};
use diesel::connection::TransactionDepthChange;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::chain::{GENESIS, NewEvent, Proof, Signer, event_hash};
use super::store::{self, StoredEvent};
use crate::platform::call::Call;
use crate::platform::clock::rfc3339;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, kinds};

/// Stands for the manifest number until the statement that takes it: 14 digits that no number has.
const NUMBER_PLACEHOLDER: &str = "00000000000000";

/// How many events a 412 tells. Unit: events, the newest.
const EVENTS_BETWEEN_MAX: i32 = 50;

/// An act that was done: all of it comes from its event, so a replay says the same.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Done {
    /// The act.
    pub act: String,
    /// Kind of the subject.
    pub subject_kind: String,
    /// The subject.
    pub subject_id: Uuid,
    /// The subject's version after the act, for the next `If-Match`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When the signer says it happened.
    pub claimed_at: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// What came of it: state, number, warnings and the act's own facts.
    pub result: Value,
    /// The installation's signature under the event; absent in check mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub proof: Option<Proof>,
}

/// The answer of an act, or of several in one transaction (a composite).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActAnswer {
    /// The acts in their order.
    pub done: Vec<Done>,
    /// Soft faults (软提示): stored in the events, shown here, food for alerts.
    pub warnings: Vec<Value>,
}

/// The answer of check mode.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckAnswer {
    /// What would be done.
    pub would: Vec<Done>,
    /// What would be warned of.
    pub warnings: Vec<Value>,
}

/// The open transaction of one act.
pub struct Tx<'c> {
    /// The connection; every query of the act goes through it.
    pub conn: &'c mut AsyncPgConnection,
    /// The request.
    pub call: &'c Call,
    signer: Signer,
    ids: std::vec::IntoIter<Uuid>,
    done: Vec<Done>,
    /// The commit went out with the last statement.
    ended: bool,
}

/// Whether an act writes anything after its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing: the commit may travel with the event.
    Nothing,
    /// More writes, or another event.
    More,
}

/// What [`transact`] gives back.
pub struct Outcome {
    done: Vec<Done>,
    /// Units for which a replayed answer was once given; empty otherwise.
    replayed_for: Vec<Uuid>,
    replayed: bool,
    check: bool,
}

#[derive(diesel::QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = Bool)]
    is_new: bool,
    #[diesel(sql_type = Nullable<Binary>)]
    fingerprint: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<SqlUuid>>)]
    event_ids: Option<Vec<Uuid>>,
    #[diesel(sql_type = Nullable<Bool>)]
    secret: Option<bool>,
}

// ON CONFLICT waits for a parallel twin to end; the second branch sees the twin's row only where it was
// committed before this statement began, so an empty answer means: look once more.
const CLAIM: Sql = Sql("WITH mine AS ( \
     INSERT INTO idempotency_keys (user_id, key, fingerprint, event_ids, secret, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (user_id, key) DO NOTHING RETURNING 1) \
     SELECT true AS is_new, NULL::bytea AS fingerprint, NULL::uuid[] AS event_ids, NULL::bool AS secret FROM mine \
     UNION ALL SELECT false, k.fingerprint, k.event_ids, k.secret FROM idempotency_keys k \
     WHERE k.user_id = $1 AND k.key = $2 AND NOT EXISTS (SELECT FROM mine)");

/// Runs `body` as one transaction with at most `acts` events.
///
/// `prelude` reads what the body needs of the caller beside the claim of the key: one round trip for both. With `secret`,
/// the answer is never repeated: a replay gets 409 `already-done`.
///
/// # Errors
/// What `body` refuses; 409 `still-running`, 409 `already-done`, 422 `idempotency-key-reused`, 503.
pub async fn transact<P, T, F>(call: &Call, signer: Signer, acts: usize, secret: bool, prelude: P, body: F) -> Result<Outcome, Problem>
where
    P: AsyncFnOnce(&AsyncPgConnection) -> Result<T, Problem>,
    F: AsyncFnOnce(&mut Tx<'_>, T) -> Result<(), Problem>,
{
    let mut conn = call.app.db.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *conn).await?;
    let result = run(&mut conn, call, signer, acts, secret, prelude, body).await;
    let is_open = AnsiTransactionManager::transaction_manager_status_mut(&mut *conn).transaction_depth()?.is_some();
    match result {
        // Ended by its last statement, in either way.
        result if !is_open => result,
        Ok(outcome) if outcome.replayed || outcome.check => {
            AnsiTransactionManager::rollback_transaction(&mut *conn).await?;
            Ok(outcome)
        }
        Ok(outcome) => {
            AnsiTransactionManager::commit_transaction(&mut *conn).await?;
            Ok(outcome)
        }
        Err(problem) => {
            // A connection that cannot roll back is thrown away by the pool; the refusal stands.
            if let Err(error) = AnsiTransactionManager::rollback_transaction(&mut *conn).await {
                tracing::warn!(%error, "rollback failed");
            }
            Err(problem)
        }
    }
}

async fn run<P, T, F>(
    conn: &mut AsyncPgConnection,
    call: &Call,
    signer: Signer,
    acts: usize,
    secret: bool,
    prelude: P,
    body: F,
) -> Result<Outcome, Problem>
where
    P: AsyncFnOnce(&AsyncPgConnection) -> Result<T, Problem>,
    F: AsyncFnOnce(&mut Tx<'_>, T) -> Result<(), Problem>,
{
    let ids: Vec<Uuid> = (0..acts).map(|_| call.new_id()).collect();
    let caller = if call.check {
        prelude(conn).await?
    } else {
        let shared: &AsyncPgConnection = conn;
        let (claimed, caller) = futures_util::join!(claim(shared, call, &signer, &ids, secret), prelude(shared));
        // A replay is told before anything about the caller's rights of today is asked of the act itself.
        if let Some((done, replayed_for)) = claimed? {
            return Ok(Outcome { done, replayed_for, replayed: true, check: false });
        }
        caller?
    };
    let mut tx = Tx { conn, call, signer, ids: ids.into_iter(), done: Vec::new(), ended: false };
    body(&mut tx, caller).await?;
    if tx.done.is_empty() {
        return Err(Problem::broken("an act ended without an event"));
    }
    Ok(Outcome { done: tx.done, replayed_for: Vec::new(), replayed: false, check: call.check })
}

/// Claims the key, or gives the stored answer.
async fn claim(
    mut conn: &AsyncPgConnection,
    call: &Call,
    signer: &Signer,
    ids: &[Uuid],
    secret: bool,
) -> Result<Option<(Vec<Done>, Vec<Uuid>)>, Problem> {
    let mut rows = Vec::new();
    for _ in 0..2 {
        rows = CLAIM
            .bind::<SqlUuid, _>(signer.user)
            .bind::<Text, _>(&call.key)
            .bind::<Binary, _>(&call.fingerprint[..])
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Bool, _>(secret)
            .bind::<Timestamptz, _>(call.now)
            .load::<ClaimRow>(&mut conn)
            .await?;
        if !rows.is_empty() {
            break;
        }
    }
    let row = rows.pop().ok_or_else(|| Problem::of(&kinds::STILL_RUNNING))?;
    if row.is_new {
        return Ok(None);
    }
    if row.fingerprint.as_deref() != Some(&call.fingerprint[..]) {
        return Err(Problem::of(&kinds::KEY_REUSED));
    }
    if row.secret == Some(true) {
        return Err(Problem::of(&kinds::ALREADY_DONE));
    }
    let events = store::events_by_id(conn, &row.event_ids.unwrap_or_default()).await?;
    // One act is the caller's own; a composite may hold another person's beside it.
    if !events.iter().any(|event| event.is_by(signer)) {
        return Err(Problem::not_found());
    }
    let units = events.iter().filter(|event| event.is_by(signer)).filter_map(StoredEvent::unit).collect();
    let done = events.iter().map(|event| Done::of(event, call)).collect::<Result<_, _>>()?;
    Ok(Some((done, units)))
}

impl Done {
    /// The answer that an event gives.
    pub(super) fn of(event: &StoredEvent, call: &Call) -> Result<Self, Problem> {
        let document = event.document()?;
        Ok(Self {
            act: event.act.clone(),
            subject_kind: event.subject_kind.clone(),
            subject_id: event.subject_id,
            version: event.version,
            claimed_at: document["claimed_at"].as_str().unwrap_or_default().to_owned(),
            recorded_at: rfc3339(event.recorded_at),
            result: document["payload"].clone(),
            proof: Some(Proof::sign(&call.app.keys.proof, event.subject_id, event.seq, &event.hash, event.recorded_at)?),
        })
    }
}

/// Where a chain stands; read under the lock of its subject.
#[derive(Debug, Clone)]
pub struct Head {
    /// Last place; 0 before the first event.
    pub seq: i64,
    /// Counter of `If-Match`.
    pub version: i64,
    /// Hash of the last event.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first event.
    pub const NEW: Self = Self { seq: 0, version: 0, hash: GENESIS };
}

#[derive(diesel::QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Binary)]
    head: Vec<u8>,
}

#[derive(diesel::QueryableByName)]
struct AppendRow {
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Binary)]
    bytes: Vec<u8>,
}

const APPEND: Sql = Sql("WITH s AS ( \
     INSERT INTO streams (subject_id, subject_kind, seq, version, head) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (subject_id) DO UPDATE SET seq = excluded.seq, version = excluded.version, head = excluded.head \
     WHERE streams.seq = excluded.seq - 1 RETURNING subject_id), \
     e AS (INSERT INTO events (id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at) \
     SELECT $6, s.subject_id, $2, $3, $4, $7, $8, $5, $9, $10 FROM s RETURNING id, hash, bytes), \
     u AS (INSERT INTO unfed (event_id) SELECT id FROM e) \
     SELECT hash, bytes FROM e");

// The number is the last thing taken, so its row is locked for the shortest time: gapless, since a
// rollback gives it back, and its digits are joined into the event's bytes by the statement itself.
const APPEND_NUMBERED: Sql = Sql("WITH n AS ( \
     INSERT INTO manifest_numbers (prefecture, year, last_serial) VALUES ($9, $10, 1) \
     ON CONFLICT (prefecture, year) DO UPDATE SET last_serial = manifest_numbers.last_serial + 1 \
     WHERE manifest_numbers.last_serial < 999999 RETURNING last_serial), \
     d AS (SELECT $10::text || $9 || lpad(last_serial::text, 6, '0') AS number FROM n), \
     b AS (SELECT number, $7 || convert_to(number, 'UTF8') || $8 AS bytes FROM d), \
     h AS (SELECT number, bytes, sha256('\\x01'::bytea || $6 || bytes) AS hash FROM b), \
     m AS (UPDATE manifests SET number = h.number FROM h WHERE manifests.id = $1 RETURNING manifests.id), \
     s AS (INSERT INTO streams (subject_id, subject_kind, seq, version, head) \
     SELECT m.id, $2, 1, 1, h.hash FROM h, m RETURNING subject_id), \
     e AS (INSERT INTO events (id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at) \
     SELECT $3, s.subject_id, $2, 1, 1, $4, $6, h.hash, h.bytes, $5 FROM s, h RETURNING id, hash, bytes), \
     u AS (INSERT INTO unfed (event_id) SELECT id FROM e) \
     SELECT hash, bytes FROM e");

/// What [`APPEND_NUMBERED`] is given beside the bytes.
struct Numbered<'a> {
    subject: Uuid,
    kind: &'a str,
    id: Uuid,
    act: &'a str,
    at: DateTime<Utc>,
    prefecture: &'a str,
    year: i32,
}

impl Numbered<'_> {
    async fn append(&self, mut conn: &AsyncPgConnection, before: &[u8], behind: &[u8]) -> Result<Vec<AppendRow>, Problem> {
        Ok(APPEND_NUMBERED
            .bind::<SqlUuid, _>(self.subject)
            .bind::<Text, _>(self.kind)
            .bind::<SqlUuid, _>(self.id)
            .bind::<Text, _>(self.act)
            .bind::<Timestamptz, _>(self.at)
            .bind::<Binary, _>(&GENESIS[..])
            .bind::<Binary, _>(before)
            .bind::<Binary, _>(behind)
            .bind::<Text, _>(self.prefecture)
            .bind::<diesel::sql_types::Integer, _>(self.year)
            .load(&mut conn)
            .await?)
    }
}

/// Prepares, on a new connection, the one statement that a commit travels with: were it prepared only when it is sent, the
/// commit would overtake it. (Then nothing would be lost: `must_have_event` would refuse the commit.)
pub fn prepare(conn: &mut AsyncPgConnection) -> BoxFuture<'_, diesel::QueryResult<()>> {
    async {
        AnsiTransactionManager::begin_transaction(&mut *conn).await?;
        let nobody =
            Numbered { subject: Uuid::nil(), kind: "manifest", id: Uuid::nil(), act: "", at: DateTime::UNIX_EPOCH, prefecture: "0000", year: 0 };
        // No manifest has this id, so it writes a counter alone, which is taken back.
        let _ = nobody.append(conn, &[], &[]).await;
        AnsiTransactionManager::rollback_transaction(conn).await
    }
    .boxed()
}

/// An event as a 412 tells it; the caller may see the subject, the payload is read with its events.
fn between(event: &StoredEvent) -> Result<Value, Problem> {
    let document = event.document()?;
    Ok(json!({
        "seq": event.seq, "version": event.version, "act": event.act, "unit": document["unit"],
        "claimed_at": document["claimed_at"], "recorded_at": rfc3339(event.recorded_at),
    }))
}

pub(super) async fn lock(mut conn: &AsyncPgConnection, subject: Uuid) -> Result<Head, Problem> {
    let row: Option<HeadRow> =
        Sql("SELECT seq, version, head FROM streams WHERE subject_id = $1 FOR UPDATE").bind::<SqlUuid, _>(subject).load(&mut conn).await?.pop();
    let row = row.ok_or_else(Problem::not_found)?;
    Ok(Head { seq: row.seq, version: row.version, hash: row.head.try_into().map_err(|_| Problem::broken("a head is not 32 bytes"))? })
}

/// Appends under the subject's lock without moving its version, so nobody's `If-Match` goes stale by it.
pub(super) async fn append_still(
    mut conn: &AsyncPgConnection,
    head: &Head,
    event: &NewEvent,
    signer: &Signer,
    (id, request_id): (Uuid, Uuid),
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let seq = head.seq + 1;
    let bytes = event.bytes(id, seq, signer, now, request_id)?;
    let rows: Vec<AppendRow> = APPEND
        .bind::<SqlUuid, _>(event.subject)
        .bind::<Text, _>(event.subject_kind)
        .bind::<BigInt, _>(seq)
        .bind::<BigInt, _>(head.version)
        .bind::<Binary, _>(&event_hash(&head.hash, &bytes)[..])
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(event.act)
        .bind::<Binary, _>(&head.hash[..])
        .bind::<Binary, _>(&bytes[..])
        .bind::<Timestamptz, _>(now)
        .load(&mut conn)
        .await?;
    if rows.len() == 1 { Ok(()) } else { Err(Problem::broken("a chain moved under its lock")) }
}

impl Tx<'_> {
    /// The present instant of this act.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.call.now
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.call.new_id()
    }

    /// Who signs the coming events.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Changes the signer: a driver's unit is known only once the leg is read, a code names another person.
    pub fn sign_as(&mut self, signer: Signer) {
        self.signer = signer;
    }

    /// Locks a subject and tells where its chain stands.
    ///
    /// # Errors
    /// 404 when it has no chain; 409 when it cannot be locked in time.
    pub async fn lock(&mut self, subject: Uuid) -> Result<Head, Problem> {
        lock(self.conn, subject).await
    }

    /// Locks a subject and reads beside it, in one round trip: the server runs the second statement after the first, with
    /// a snapshot of its own, so it sees what the lock waited for.
    ///
    /// # Errors
    /// As [`Tx::lock`] and `read`.
    pub async fn lock_and<T>(
        &mut self,
        subject: Uuid,
        read: impl AsyncFnOnce(&AsyncPgConnection) -> Result<T, Problem>,
    ) -> Result<(Head, T), Problem> {
        let conn: &AsyncPgConnection = self.conn;
        let (head, value) = futures_util::join!(lock(conn, subject), read(conn));
        Ok((head?, value?))
    }

    /// Compares the version that the caller saw with the subject's present one. Comes after policy: what happened meanwhile
    /// is told, so that a device which was offline can decide and go on.
    ///
    /// # Errors
    /// 428 without `If-Match`; 412 with the present version and the events between.
    pub async fn seen(&mut self, subject: Uuid, head: &Head) -> Result<(), Problem> {
        let seen = self.call.must_have_seen()?;
        let Err(problem) = self.call.seen(head.version) else { return Ok(()) };
        let mut events = store::events_since(self.conn, subject, seen, EVENTS_BETWEEN_MAX + 1).await?;
        let most = usize::try_from(EVENTS_BETWEEN_MAX).unwrap_or(usize::MAX);
        let cut = events.len() > most;
        events.truncate(most);
        // The newest were read first; they are told in their order.
        let events = events.iter().rev().map(between).collect::<Result<Vec<_>, _>>()?;
        Err(problem.with("events", events.into()).with("events_cut", cut.into()))
    }

    /// Appends the event: the act's last statement. Gives the head after it.
    ///
    /// # Errors
    /// 500 when the chain moved although it was locked.
    pub async fn append(&mut self, head: &Head, event: NewEvent) -> Result<Head, Problem> {
        self.append_and(head, event, async |_: &AsyncPgConnection| Ok(())).await
    }

    /// Appends, to the chain of another subject, what this act brings about there: its history says why, its version stays.
    ///
    /// It is no part of the act's answer, so there may be any number of them: the key holds no place for each.
    ///
    /// # Errors
    /// As [`Tx::lock`] and [`Tx::append`].
    pub async fn append_aside(&mut self, event: NewEvent) -> Result<(), Problem> {
        let head = self.lock(event.subject).await?;
        if self.call.check {
            return Ok(());
        }
        let ids = (self.call.new_id(), self.call.request_id);
        append_still(self.conn, &head, &event, &self.signer, ids, self.call.now).await
    }

    /// Appends the event together with the act's other writes, in one round trip.
    ///
    /// # Errors
    /// As [`Tx::append`] and `write`.
    pub async fn append_and(
        &mut self,
        head: &Head,
        event: NewEvent,
        write: impl AsyncFnOnce(&AsyncPgConnection) -> Result<(), Problem>,
    ) -> Result<Head, Problem> {
        let next = Head { seq: head.seq + 1, version: head.version + 1, hash: GENESIS };
        let id = self.ids.next().ok_or_else(|| Problem::broken("more events than the key holds"))?;
        let bytes = event.bytes(id, next.seq, &self.signer, self.call.now, self.call.request_id)?;
        let hash = event_hash(&head.hash, &bytes);
        let mut conn: &AsyncPgConnection = self.conn;
        if self.call.check {
            write(conn).await?;
        } else {
            let append = APPEND
                .bind::<SqlUuid, _>(event.subject)
                .bind::<Text, _>(event.subject_kind)
                .bind::<BigInt, _>(next.seq)
                .bind::<BigInt, _>(next.version)
                .bind::<Binary, _>(&hash[..])
                .bind::<SqlUuid, _>(id)
                .bind::<Text, _>(event.act)
                .bind::<Binary, _>(&head.hash[..])
                .bind::<Binary, _>(&bytes[..])
                .bind::<Timestamptz, _>(self.call.now);
            let (written, rows) = futures_util::join!(write(conn), append.load::<AppendRow>(&mut conn));
            written?;
            if rows?.len() != 1 {
                return Err(Problem::broken("a chain moved under its lock"));
            }
        }
        self.remember(event, next.version, next.seq, &hash)?;
        Ok(Head { hash, ..next })
    }

    /// Appends the first event of a manifest and takes its local number in the same statement.
    ///
    /// The payload's `number` must be `Value::Null`; it is set here. With [`After::Nothing`] the commit travels with the
    /// statement, so that all of the year and place wait for one another only while PostgreSQL itself is at work.
    ///
    /// # Errors
    /// `numbers-exhausted` at 999,999; 500 otherwise.
    pub async fn append_numbered(
        &mut self,
        mut event: NewEvent,
        prefecture: &str,
        year: i32,
        after: After,
        write: impl AsyncFnOnce(&AsyncPgConnection) -> Result<(), Problem>,
    ) -> Result<(Head, String), Problem> {
        if self.ended {
            return Err(Problem::broken("an event after the commit"));
        }
        let id = self.ids.next().ok_or_else(|| Problem::broken("more events than the key holds"))?;
        event.payload["number"] = json!(NUMBER_PLACEHOLDER);
        let bytes = event.bytes(id, 1, &self.signer, self.call.now, self.call.request_id)?;
        let needle = format!("\"number\":\"{NUMBER_PLACEHOLDER}\"");
        let at =
            bytes.windows(needle.len()).position(|window| window == needle.as_bytes()).ok_or_else(|| Problem::broken("no place for the number"))?;
        let start = at + "\"number\":\"".len();
        let (before, behind) = (&bytes[..start], &bytes[start + NUMBER_PLACEHOLDER.len()..]);
        let mut conn: &AsyncPgConnection = self.conn;
        if self.call.check {
            write(conn).await?;
            event.payload["number"] = Value::Null;
            let hash = event_hash(&GENESIS, &bytes);
            self.remember(event, 1, 1, &hash)?;
            return Ok((Head { seq: 1, version: 1, hash }, String::new()));
        }
        let numbered = Numbered { subject: event.subject, kind: event.subject_kind, id, act: event.act, at: self.call.now, prefecture, year };
        let rows = match after {
            After::More => {
                // The number comes last on the wire too: its row is locked by all of the year and place.
                let (written, rows) = futures_util::join!(write(conn), numbered.append(conn, before, behind));
                written.and(rows)?
            }
            After::Nothing => {
                // Nothing else may be under way when the commit goes out.
                write(conn).await?;
                // One message: where the event is not there, the check fails and the commit is not reached.
                let end = format!("SELECT must_have_event('{id}'); COMMIT");
                let (rows, committed) = futures_util::join!(numbered.append(conn, before, behind), conn.batch_execute(&end));
                let status = AnsiTransactionManager::transaction_manager_status_mut(self.conn);
                if committed.is_ok() {
                    status.transaction_state()?.change_transaction_depth(TransactionDepthChange::DecreaseDepth)?;
                    self.ended = true;
                }
                let rows = rows?;
                if !rows.is_empty() {
                    committed?;
                }
                rows
            }
        };
        let row = rows.into_iter().next().ok_or_else(|| Problem::of(&NUMBERS_EXHAUSTED))?;
        let number =
            row.bytes.get(start..start + NUMBER_PLACEHOLDER.len()).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default().to_owned();
        event.payload["number"] = json!(number);
        let hash: [u8; 32] = row.hash.try_into().map_err(|_| Problem::broken("a hash is not 32 bytes"))?;
        self.remember(event, 1, 1, &hash)?;
        Ok((Head { seq: 1, version: 1, hash }, number))
    }

    fn remember(&mut self, event: NewEvent, version: i64, seq: i64, hash: &[u8]) -> Result<(), Problem> {
        let proof = if self.call.check { None } else { Some(Proof::sign(&self.call.app.keys.proof, event.subject, seq, hash, self.call.now)?) };
        self.done.push(Done {
            act: event.act.to_owned(),
            subject_kind: event.subject_kind.to_owned(),
            subject_id: event.subject,
            version,
            claimed_at: rfc3339(event.claimed_at),
            recorded_at: rfc3339(self.call.now),
            result: event.payload,
            proof,
        });
        Ok(())
    }
}

/// The prefecture's numbers of a year are used up.
pub static NUMBERS_EXHAUSTED: crate::platform::problem::Kind =
    crate::platform::problem::Kind::new(409, "numbers-exhausted", "本年度联单编号已用尽", "The year's manifest numbers are used up");

fn warnings_of(done: &[Done]) -> Vec<Value> {
    done.iter().filter_map(|done| done.result.get("warnings")?.as_array()).flatten().cloned().collect()
}

impl Outcome {
    /// The answer's body.
    #[must_use]
    pub fn body(&self) -> Value {
        let warnings = warnings_of(&self.done);
        if self.check { json!(CheckAnswer { would: self.done.clone(), warnings }) } else { json!(ActAnswer { done: self.done.clone(), warnings }) }
    }
    /// Units for which a replayed answer was once given: the caller must still belong to them.
    #[must_use]
    pub fn replayed_for(&self) -> &[Uuid] {
        &self.replayed_for
    }
    /// What was done.
    #[must_use]
    pub fn done(&self) -> &[Done] {
        &self.done
    }
    /// The body with what must be told once and never stored.
    #[must_use]
    pub fn body_with(&self, secret: Value) -> Value {
        let mut body = self.body();
        body["secret"] = secret;
        body
    }
    fn respond(&self, status: StatusCode, body: &Value) -> HttpResponse {
        let mut builder = HttpResponse::build(status);
        if let Some(last) = self.done.last().filter(|_| !self.check) {
            builder.insert_header((header::ETAG, format!("\"{}\"", last.version)));
        }
        if self.replayed {
            builder.insert_header(("Idempotency-Replayed", "true"));
        }
        builder.json(body)
    }
}

/// 200 with the acts' answer.
#[must_use]
pub fn answer(outcome: &Outcome) -> HttpResponse {
    outcome.respond(StatusCode::OK, &outcome.body())
}

/// 201 with the acts' answer (200 in check mode), and a secret shown this once.
#[must_use]
pub fn created(outcome: &Outcome, secret: Option<Value>) -> HttpResponse {
    let body = secret.map_or_else(|| outcome.body(), |secret| outcome.body_with(secret));
    outcome.respond(if outcome.check { StatusCode::OK } else { StatusCode::CREATED }, &body)
}
