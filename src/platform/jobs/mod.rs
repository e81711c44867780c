//! Jobs (任务): work that outlives its request, with progress to look at and a file as its answer.
//!
//! A job is queued by a request, taken by one process at a time under a lease, and taken again when its runner has given no
//! sign of life: so what it does must be the same when it is done twice. Here is the record of it; what a job does, its own
//! room knows. SQL never says now().

use chrono::{DateTime, Duration, Utc};
use diesel::sql_types::{BigInt, Binary, Integer, Jsonb, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use utoipa::ToSchema;
use uuid::Uuid;

use super::app::App;
use super::call::Call;
use super::db::Sql;
use super::problem::{Problem, Text, kinds};

/// Jobs of one unit that may wait or run at once.
const WAITING_MAX: i64 = 5;
/// How long a runner is believed without a sign of life.
const LEASE: Duration = Duration::minutes(2);
/// How often a job is begun before it is given up.
const ATTEMPTS_MAX: i32 = 3;
/// How long a job and its answer are kept.
const KEPT: Duration = Duration::days(30);

/// A job as its unit sees it.
#[derive(diesel::QueryableByName, Serialize, ToSchema, Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it does: `import_plan_flows` …
    #[diesel(sql_type = SqlText)]
    pub kind: String,
    /// `queued`, `running`, `done` or `failed`.
    #[diesel(sql_type = SqlText)]
    #[schema(value_type = JobState, inline)]
    pub state: String,
    /// Rows dealt with so far.
    #[diesel(sql_type = Integer)]
    #[schema(minimum = 0)]
    pub done_rows: i32,
    /// Rows in all.
    #[diesel(sql_type = Integer)]
    #[schema(minimum = 0)]
    pub total_rows: i32,
    /// What came of it; absent until it is done.
    #[diesel(sql_type = Nullable<Jsonb>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    pub result: Option<Value>,
    /// Name of the file that answers it, where there is one.
    #[diesel(sql_type = Nullable<SqlText>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub file_name: Option<String>,
    /// When it was asked for.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Where a job stands.
#[derive(Serialize, ToSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for a process.
    Queued,
    /// A process works on it.
    Running,
    /// It ended; what came of each row stands in its answer.
    Done,
    /// It could not be ended.
    Failed,
}

impl Job {
    /// Whether nothing of it will change.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }
}

/// A job that a request asks for.
pub struct Asked<'a> {
    /// For which unit.
    pub unit: Uuid,
    /// By whom.
    pub user: Uuid,
    /// What it does.
    pub kind: &'a str,
    /// What the runner needs beside the file.
    pub request: &'a Value,
    /// Rows in all.
    pub total_rows: usize,
    /// The file.
    pub input: &'a [u8],
}

/// A job that this process works on.
#[derive(diesel::QueryableByName)]
pub struct Taken {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// For which unit.
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    /// What it does.
    #[diesel(sql_type = SqlText)]
    pub kind: String,
    /// What the runner needs beside the file.
    #[diesel(sql_type = Jsonb)]
    pub request: Value,
    /// The file.
    #[diesel(sql_type = Binary)]
    pub input: Vec<u8>,
    /// How often it was begun, this time included.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = SqlUuid)]
    runner: Uuid,
}

/// The answer of a job.
pub struct Answer<'a> {
    /// What came of it.
    pub result: &'a Value,
    /// The file, with its name.
    pub file: Option<(&'a str, &'a [u8])>,
}

macro_rules! job_sql {
    ($rest:literal) => {
        Sql(concat!(
            "SELECT id, kind, state, done_rows, total_rows, result, output_name AS file_name, created_at, finished_at FROM jobs WHERE ",
            $rest
        ))
    };
}

/// Who waits for news of jobs in this process.
#[derive(Default)]
struct News(watch::Sender<u64>);

/// Hears of every change that this process makes to a job.
#[must_use]
pub fn news(app: &App) -> watch::Receiver<u64> {
    app.shelf::<News>().0.subscribe()
}

fn tell(app: &App) {
    app.shelf::<News>().0.send_modify(|count| *count = count.wrapping_add(1));
}

#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Binary)]
    fingerprint: Vec<u8>,
}

/// Queues a job; a request sent again finds the one that it made.
///
/// # Errors
/// 422 for a key that asked for something else, 429 beyond what may wait for one unit.
pub async fn queue(call: &Call, asked: &Asked<'_>) -> Result<Uuid, Problem> {
    let mut conn = call.app.db.get().await?;
    let id = call.new_id();
    let made =
        Sql("INSERT INTO jobs (id, unit_id, user_id, kind, request, key, fingerprint, state, done_rows, total_rows, attempts, input, created_at) \
         SELECT $1, $2, $3, $4, $5, $6, $7, 'queued', 0, $8, 0, $9, $10 \
         WHERE (SELECT count(*) FROM jobs WHERE unit_id = $2 AND state IN ('queued', 'running')) < $11 ON CONFLICT (user_id, key) DO NOTHING")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(asked.unit)
        .bind::<SqlUuid, _>(asked.user)
        .bind::<SqlText, _>(asked.kind)
        .bind::<Jsonb, _>(asked.request)
        .bind::<SqlText, _>(&call.key)
        .bind::<Binary, _>(&call.fingerprint[..])
        .bind::<Integer, _>(i32::try_from(asked.total_rows).unwrap_or(i32::MAX))
        .bind::<Binary, _>(asked.input)
        .bind::<Timestamptz, _>(call.now)
        .bind::<BigInt, _>(WAITING_MAX)
        .execute(&mut conn)
        .await?;
    if made == 1 {
        tell(&call.app);
        return Ok(id);
    }
    match of_key(&mut conn, asked.user, &call.key).await? {
        Some(row) if row.fingerprint == call.fingerprint => Ok(row.id),
        Some(_) => Err(Problem::of(&kinds::KEY_REUSED)),
        None => Err(Problem {
            retry_after: Some(30),
            ..Problem::new(
                &kinds::TOO_MANY,
                Text::new(format!("本单位已有 {WAITING_MAX} 个任务在等待，请稍后再试"), format!("{WAITING_MAX} jobs of your unit wait already")),
            )
        }),
    }
}

async fn of_key(conn: &mut AsyncPgConnection, user: Uuid, key: &str) -> Result<Option<KeyRow>, Problem> {
    let found = Sql("SELECT id, fingerprint FROM jobs WHERE user_id = $1 AND key = $2");
    Ok(found.bind::<SqlUuid, _>(user).bind::<SqlText, _>(key).load(conn).await?.pop())
}

/// The job that a request made before, where it is this very request.
///
/// # Errors
/// 422 for a key that asked for something else.
pub async fn repeated(call: &Call, user: Uuid) -> Result<Option<Uuid>, Problem> {
    let mut conn = call.app.db.get().await?;
    match of_key(&mut conn, user, &call.key).await? {
        Some(row) if row.fingerprint == call.fingerprint => Ok(Some(row.id)),
        Some(_) => Err(Problem::of(&kinds::KEY_REUSED)),
        None => Ok(None),
    }
}

/// Takes the oldest job that waits, or whose runner died; `None` when there is none.
///
/// # Errors
/// As the database.
pub async fn take(app: &App) -> Result<Option<Taken>, Problem> {
    let (mut conn, now) = (app.db.get().await?, app.clock.now());
    // A job that ends its runner every time must not be begun for ever.
    let given_up = Sql("UPDATE jobs SET state = 'failed', runner = NULL, held_until = NULL, input = NULL, finished_at = $1 \
         WHERE id IN (SELECT id FROM jobs WHERE state = 'running' AND held_until < $1 AND attempts >= $2 FOR UPDATE SKIP LOCKED)")
    .bind::<Timestamptz, _>(now)
    .bind::<Integer, _>(ATTEMPTS_MAX)
    .execute(&mut conn)
    .await?;
    let taken: Option<Taken> = Sql("UPDATE jobs SET state = 'running', runner = $1, held_until = $3, attempts = attempts + 1, done_rows = 0 \
         WHERE id = (SELECT id FROM jobs WHERE state = 'queued' OR state = 'running' AND held_until < $2 \
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, unit_id, kind, request, input, attempts, runner")
    .bind::<SqlUuid, _>(app.clock.new_id())
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now + LEASE)
    .load(&mut conn)
    .await?
    .pop();
    if given_up > 0 || taken.is_some() {
        tell(app);
    }
    Ok(taken)
}

impl Taken {
    /// Says how far it is, which is the sign of life; false when another runner has it by now.
    ///
    /// # Errors
    /// As the database.
    pub async fn progress(&self, app: &App, done_rows: usize) -> Result<bool, Problem> {
        let mut conn = app.db.get().await?;
        let held = Sql("UPDATE jobs SET done_rows = $3, held_until = $4 WHERE id = $1 AND runner = $2")
            .bind::<SqlUuid, _>(self.id)
            .bind::<SqlUuid, _>(self.runner)
            .bind::<Integer, _>(i32::try_from(done_rows).unwrap_or(i32::MAX))
            .bind::<Timestamptz, _>(app.clock.now() + LEASE)
            .execute(&mut conn)
            .await?;
        tell(app);
        Ok(held == 1)
    }

    /// Ends it with its answer, unless another runner has it by now.
    ///
    /// # Errors
    /// As the database.
    pub async fn finish(&self, app: &App, answer: &Answer<'_>) -> Result<(), Problem> {
        self.end(app, "done", Some(answer.result), answer.file).await
    }

    /// Ends it without one.
    ///
    /// # Errors
    /// As the database.
    pub async fn fail(&self, app: &App, why: &Value) -> Result<(), Problem> {
        self.end(app, "failed", Some(why), None).await
    }

    async fn end(&self, app: &App, state: &str, result: Option<&Value>, file: Option<(&str, &[u8])>) -> Result<(), Problem> {
        let mut conn = app.db.get().await?;
        Sql("UPDATE jobs SET state = $3, runner = NULL, held_until = NULL, input = NULL, finished_at = $4, result = $5, output_name = $6, output = $7, \
             done_rows = CASE WHEN $3 = 'done' THEN total_rows ELSE done_rows END WHERE id = $1 AND runner = $2")
        .bind::<SqlUuid, _>(self.id)
        .bind::<SqlUuid, _>(self.runner)
        .bind::<SqlText, _>(state)
        .bind::<Timestamptz, _>(app.clock.now())
        .bind::<Nullable<Jsonb>, _>(result)
        .bind::<Nullable<SqlText>, _>(file.map(|(name, _)| name))
        .bind::<Nullable<Binary>, _>(file.map(|(_, bytes)| bytes))
        .execute(&mut conn)
        .await?;
        tell(app);
        Ok(())
    }
}

/// One job of a unit.
///
/// # Errors
/// 404 for what is not there or another unit's.
pub async fn get(app: &App, unit: Uuid, id: Uuid) -> Result<Job, Problem> {
    let mut conn = app.db.get().await?;
    let found: Option<Job> = job_sql!("id = $1 AND unit_id = $2").bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(unit).load(&mut conn).await?.pop();
    found.ok_or_else(Problem::not_found)
}

/// Jobs of a unit, newest first.
///
/// # Errors
/// As the database.
pub async fn page(app: &App, unit: Uuid, before: Option<Uuid>, limit: i64) -> Result<Vec<Job>, Problem> {
    let mut conn = app.db.get().await?;
    let of_unit = job_sql!("unit_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3");
    Ok(of_unit.bind::<SqlUuid, _>(unit).bind::<Nullable<SqlUuid>, _>(before).bind::<BigInt, _>(limit).load(&mut conn).await?)
}

#[derive(diesel::QueryableByName)]
struct FileRow {
    #[diesel(sql_type = SqlText)]
    name: String,
    #[diesel(sql_type = Binary)]
    bytes: Vec<u8>,
}

/// The file that answers a job of a unit, with its name.
///
/// # Errors
/// 404 while there is none.
pub async fn file(app: &App, unit: Uuid, id: Uuid) -> Result<(String, Vec<u8>), Problem> {
    let mut conn = app.db.get().await?;
    let found = Sql("SELECT output_name AS name, output AS bytes FROM jobs WHERE id = $1 AND unit_id = $2 AND output IS NOT NULL");
    let row: Option<FileRow> = found.bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(unit).load(&mut conn).await?.pop();
    row.map(|row| (row.name, row.bytes)).ok_or_else(Problem::not_found)
}

/// Forgets jobs that ended long ago, files and all.
///
/// # Errors
/// As the database.
pub async fn forget_old(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, Problem> {
    Ok(Sql("DELETE FROM jobs WHERE finished_at < $1").bind::<Timestamptz, _>(now - KEPT).execute(conn).await?)
}
