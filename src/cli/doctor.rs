//! `liandan doctor`: whether this installation is what it should be, proved by trying where trying is harmless.

use std::path::Path;

use chrono::{DateTime, Datelike, Utc};
use clap::Args;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde::Serialize;

use super::Failure;
use super::boot::Database;
use super::settings::PlaceOptions;
use crate::platform::calendar::legal_day;
use crate::platform::clock::Clock;
use crate::platform::db::{APP_ROLE, Sql};
use crate::platform::keys::Keys;
use crate::platform::migrate;

/// The feed follows within a second; beyond this something stands still. Unit: seconds.
const FEED_LAG_MAX_S: i64 = 60;
/// Tokens and claimed times are judged by our clock, the rest by nobody's: this much apart still harms nothing. Unit:
/// milliseconds.
const CLOCK_SKEW_MAX_MS: i64 = 2_000;

/// Options of `doctor`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Failed,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    detail: String,
}

/// What one check says; an error of its own is a failed check, not a failed command.
type Finding = Result<(Verdict, String), Failure>;

/// Runs all checks and prints them.
///
/// # Errors
/// When at least one check failed, or there is no database to check.
pub fn run(options: &Options) -> Result<(), Failure> {
    let (place, _) = options.place.find()?;
    // To look at an installation must not make one.
    if place.database_url.is_none() && !place.data.join("postgres").exists() {
        return Err(Failure::new(format!(
            "there is no installation in {}; name another folder with --data, or set DATABASE_URL",
            place.data.display()
        )));
    }
    let database = Database::reach(&place)?;
    let checks = actix_web::rt::System::new().block_on(all(&database.url, &database.data));
    database.stop()?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        for Check { name, verdict, detail } in &checks {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Failed => "FAILED",
            };
            println!("{name:<width$}  {word:<7}  {detail}");
        }
    }
    match checks.iter().filter(|check| check.verdict == Verdict::Failed).count() {
        0 => Ok(()),
        1 => Err(Failure::new("1 check failed")),
        failed => Err(Failure::new(format!("{failed} checks failed"))),
    }
}

async fn all(url: &str, data: &Path) -> Vec<Check> {
    let clock = Clock::system();
    let mut checks = Vec::new();
    let mut add = |name, finding: Finding| {
        let (verdict, detail) = finding.unwrap_or_else(|failure| (Verdict::Failed, failure.message));
        checks.push(Check { name, verdict, detail });
    };
    let mut owner = match AsyncPgConnection::establish(url).await {
        Ok(owner) => owner,
        Err(error) => {
            add("database reachable", Err(error.into()));
            return checks;
        }
    };
    let keys = data.join("keys");
    add("database reachable", version(&mut owner).await);
    add("clocks agree", clocks(&mut owner, &clock).await);
    add("schema at the newest step", schema(&mut owner).await);
    add("evidence cannot be changed", evidence(&mut owner).await);
    add("schema cannot be changed", ddl(&mut owner).await);
    add("keys are private", private(&keys));
    add("keys belong to the database", Keys::check(&mut owner, &keys).await.map(|()| good("token and proof")).map_err(Failure::from));
    add("feed follows", feed(&mut owner, clock.now()).await);
    add("catalogues loaded", catalogues(&mut owner).await);
    add("calendar published", calendar(&mut owner, clock.now()).await);
    checks
}

fn good(detail: impl Into<String>) -> (Verdict, String) {
    (Verdict::Ok, detail.into())
}

fn bad(detail: impl Into<String>) -> (Verdict, String) {
    (Verdict::Failed, detail.into())
}

fn one<T>(rows: Vec<T>) -> Result<T, Failure> {
    rows.into_iter().next().ok_or_else(|| Failure::new("no answer"))
}

#[derive(diesel::QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    value: String,
}

async fn version(owner: &mut AsyncPgConnection) -> Finding {
    let rows: Vec<TextRow> =
        Sql("SELECT current_setting('server_version') || ', data checksums ' || current_setting('data_checksums') AS value").load(owner).await?;
    Ok(good(format!("PostgreSQL {}", one(rows)?.value)))
}

#[derive(diesel::QueryableByName)]
struct InstantRow {
    #[diesel(sql_type = Timestamptz)]
    value: DateTime<Utc>,
}

async fn clocks(owner: &mut AsyncPgConnection, clock: &Clock) -> Finding {
    let before = clock.now();
    let rows: Vec<InstantRow> = Sql("SELECT clock_timestamp() AS value").load(owner).await?;
    let theirs = one(rows)?.value;
    // Their instant lies between ours before and after; outside of both it is wrong by that much.
    let skew_ms = (before - theirs).num_milliseconds().max((theirs - clock.now()).num_milliseconds()).max(0);
    let detail = format!("{skew_ms} ms apart");
    Ok(if skew_ms <= CLOCK_SKEW_MAX_MS { good(detail) } else { bad(detail) })
}

async fn schema(owner: &mut AsyncPgConnection) -> Finding {
    let steps = migrate::steps()?;
    let rows: Vec<TextRow> = Sql("SELECT version::text AS value FROM __diesel_schema_migrations ORDER BY version").load(owner).await?;
    let run: Vec<String> = rows.into_iter().map(|row| row.value).collect();
    let missing: Vec<&str> = steps.iter().filter(|step| !run.contains(step)).map(String::as_str).collect();
    let unknown: Vec<&str> = run.iter().filter(|step| !steps.contains(step)).map(String::as_str).collect();
    Ok(match (missing.as_slice(), unknown.as_slice()) {
        ([], []) => good(format!("{} steps", steps.len())),
        ([], _) => bad(format!("the database is ahead of this program by {}", unknown.join(", "))),
        _ => bad(format!("not run: {}", missing.join(", "))),
    })
}

/// Tries a statement as the application, in a transaction that is always rolled back; true where it was refused for want
/// of a right.
async fn is_denied(owner: &mut AsyncPgConnection, statement: &str) -> Result<bool, Failure> {
    owner.batch_execute(&format!("BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL ROLE {APP_ROLE}")).await?;
    let result = owner.batch_execute(statement).await;
    owner.batch_execute("ROLLBACK").await?;
    Ok(match result {
        Ok(()) => false,
        Err(error) => {
            let message = error.to_string();
            message.contains("permission denied") || message.contains("must be owner")
        }
    })
}

#[derive(diesel::QueryableByName)]
struct TableRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    column: String,
}

async fn evidence(owner: &mut AsyncPgConnection) -> Finding {
    let tables: Vec<TableRow> = Sql("SELECT DISTINCT c.oid::regclass::text AS name, quote_ident(a.attname) AS column \
         FROM pg_class c JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgenabled <> 'D' JOIN pg_proc p ON p.oid = g.tgfoid AND p.proname = 'refuse_change' \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 ORDER BY 1")
    .load(owner)
    .await?;
    if !tables.iter().any(|table| table.name == "events") {
        return Ok(bad("the trigger on events is gone"));
    }
    let mut allowed = Vec::new();
    for TableRow { name, column } in &tables {
        // Rights are checked before the first row is looked at, so nothing is touched even where they are too wide.
        for statement in
            [format!("UPDATE {name} SET {column} = {column} WHERE false"), format!("DELETE FROM {name} WHERE false"), format!("TRUNCATE {name}")]
        {
            if !is_denied(owner, &statement).await? {
                allowed.push(statement);
            }
        }
    }
    Ok(if allowed.is_empty() {
        good(format!("{} tables, as {APP_ROLE}", tables.len()))
    } else {
        bad(format!("{APP_ROLE} may: {}", allowed.join("; ")))
    })
}

async fn ddl(owner: &mut AsyncPgConnection) -> Finding {
    let mut allowed = Vec::new();
    for statement in [
        "CREATE TABLE doctor_tries_this (n int)",
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DROP FUNCTION refuse_change() CASCADE",
        "SET LOCAL session_replication_role = replica",
    ] {
        if !is_denied(owner, statement).await? {
            allowed.push(statement);
        }
    }
    Ok(if allowed.is_empty() { good(format!("as {APP_ROLE}")) } else { bad(format!("{APP_ROLE} may: {}", allowed.join("; "))) })
}

fn private(folder: &Path) -> Finding {
    use std::os::unix::fs::MetadataExt;
    // Ours is the owner of this process; where there is no /proc, the folder's.
    let own_uid = std::fs::metadata("/proc/self").or_else(|_| std::fs::metadata(folder)).map(|found| found.uid())?;
    let mut open = Vec::new();
    let mode = std::fs::metadata(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        open.push(format!("{} has mode {mode:o}", folder.display()));
    }
    for path in Keys::files(folder) {
        let found = std::fs::metadata(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        if found.mode() & 0o777 != 0o600 {
            open.push(format!("{} has mode {:o}", path.display(), found.mode() & 0o777));
        }
        if found.uid() != own_uid {
            open.push(format!("{} belongs to user {}", path.display(), found.uid()));
        }
    }
    Ok(if open.is_empty() { good(folder.display().to_string()) } else { bad(open.join("; ")) })
}

#[derive(diesel::QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<DateTime<Utc>>,
}

async fn feed(owner: &mut AsyncPgConnection, now: DateTime<Utc>) -> Finding {
    let rows: Vec<WaitingRow> =
        Sql("SELECT count(*) AS waiting, min(e.recorded_at) AS oldest FROM unfed u JOIN events e ON e.id = u.event_id").load(owner).await?;
    let row = one(rows)?;
    let lag_s = row.oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0));
    let detail = format!("{} events wait, the oldest for {lag_s} s", row.waiting);
    Ok(if lag_s <= FEED_LAG_MAX_S { good(detail) } else { bad(detail) })
}

#[derive(diesel::QueryableByName)]
struct FilesRow {
    #[diesel(sql_type = BigInt)]
    files: i64,
    #[diesel(sql_type = Array<Text>)]
    absent: Vec<String>,
}

async fn catalogues(owner: &mut AsyncPgConnection) -> Finding {
    // An edition that is known and not held is named, not refused: the newest one loaded stands in for it.
    let rows: Vec<FilesRow> = Sql("SELECT (SELECT count(*) FROM loaded_files) AS files, \
         coalesce((SELECT array_agg(kind || ' ' || edition ORDER BY kind, edition) FROM editions WHERE NOT is_loaded), '{}') AS absent")
    .load(owner)
    .await?;
    let row = one(rows)?;
    let mut detail = format!("{} files", row.files);
    if !row.absent.is_empty() {
        detail.push_str(&format!("; known but not held: {}", row.absent.join(", ")));
    }
    Ok(if row.files > 0 { good(detail) } else { bad(detail) })
}

#[derive(diesel::QueryableByName)]
struct YearRow {
    #[diesel(sql_type = Integer)]
    year: i32,
}

async fn calendar(owner: &mut AsyncPgConnection, now: DateTime<Utc>) -> Finding {
    let rows: Vec<YearRow> = Sql("SELECT year FROM calendar_years ORDER BY year").load(owner).await?;
    let years: Vec<String> = rows.iter().map(|row| row.year.to_string()).collect();
    let this_year = legal_day(now).year();
    let detail = format!("published: {}", years.join(", "));
    Ok(if rows.iter().any(|row| row.year == this_year) { good(detail) } else { bad(format!("{this_year} is missing; {detail}")) })
}
