//! Brings a database to the present schema, as its owner, and gives the application its few rights.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::db::{APP_ROLE, Sql};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
/// Two processes that start together take turns. The number only has to be the same everywhere.
const MIGRATION_LOCK: i64 = 0x006c_6961_6e64_616e;

/// Why a database could not be brought to the present schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error("cannot connect to the database: {0}")]
    Connect(#[from] diesel::ConnectionError),
    /// A step failed.
    #[error("a migration failed: {0}")]
    Step(String),
    /// Something else in the database.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
    /// Steps back would drop what was acknowledged.
    #[error("this database holds events; its steps are not taken back")]
    HoldsEvents,
    /// The thread.
    #[error("the migration thread ended early")]
    Thread,
}

/// Direction of a run; the reverse is for the check that every `down.sql` is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// All pending steps.
    Up,
    /// All steps back; refused over events.
    Down,
    /// All steps back, events and all: only in an installation whose purpose is the demonstration.
    Discard,
}

/// Runs the migrations in a thread of their own: the harness blocks in place, which a single-threaded
/// runtime cannot.
///
/// # Errors
/// See [`MigrateError`].
pub fn run(url: &str, direction: Direction) -> Result<usize, MigrateError> {
    let url = url.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| MigrateError::Step(error.to_string()))?;
        runtime.block_on(run_here(&url, direction))
    })
    .join()
    .map_err(|_| MigrateError::Thread)?
}

async fn run_here(url: &str, direction: Direction) -> Result<usize, MigrateError> {
    let mut conn = AsyncPgConnection::establish(url).await?;
    Sql("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(MIGRATION_LOCK).execute(&mut conn).await?;
    // Nothing acknowledged may be lost: not by a slip on a command line either.
    let must_stay = match direction {
        Direction::Up => false,
        Direction::Down => holds_events(&mut conn).await?,
        Direction::Discard => holds_events(&mut conn).await? && !is_demo(&mut conn).await?,
    };
    if must_stay {
        return Err(MigrateError::HoldsEvents);
    }
    let mut harness = AsyncMigrationHarness::new(conn);
    let done = match direction {
        Direction::Up => harness.run_pending_migrations(MIGRATIONS).map(|steps| steps.len()),
        Direction::Down | Direction::Discard => harness.revert_all_migrations(MIGRATIONS).map(|steps| steps.len()),
    }
    .map_err(|error| MigrateError::Step(error.to_string()))?;
    let mut conn = harness.into_inner();
    if direction == Direction::Up {
        conn.batch_execute(&grants()).await?;
    }
    Sql("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(MIGRATION_LOCK).execute(&mut conn).await?;
    Ok(done)
}

#[derive(diesel::QueryableByName)]
struct YesRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    yes: bool,
}

async fn holds_events(conn: &mut AsyncPgConnection) -> Result<bool, MigrateError> {
    let there: Vec<YesRow> = Sql("SELECT to_regclass('public.events') IS NOT NULL AS yes").load(conn).await?;
    if !there.iter().any(|row| row.yes) {
        return Ok(false);
    }
    let rows: Vec<YesRow> = Sql("SELECT EXISTS (SELECT FROM events) AS yes").load(conn).await?;
    Ok(rows.iter().any(|row| row.yes))
}

async fn is_demo(conn: &mut AsyncPgConnection) -> Result<bool, MigrateError> {
    let rows: Vec<YesRow> = Sql("SELECT EXISTS (SELECT FROM installation WHERE purpose = 'demo') AS yes").load(conn).await?;
    Ok(rows.iter().any(|row| row.yes))
}

/// The application may read and write, but evidence only grows: a table whose trigger refuses change
/// gives SELECT and INSERT alone. So a new append-only table needs no line here.
fn grants() -> String {
    format!(
        r"DO $$
DECLARE t record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        BEGIN
            CREATE ROLE {APP_ROLE} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, '{APP_ROLE}', 'MEMBER') THEN
        EXECUTE format('GRANT {APP_ROLE} TO %I', current_user);
    END IF;
    -- PostgreSQL 14 still lets everybody make tables here; without a grant to take back this only warns.
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO {APP_ROLE};
    FOR t IN
        SELECT c.oid::regclass AS name,
               EXISTS (SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
                       WHERE g.tgrelid = c.oid AND p.proname = 'refuse_change') AS append_only
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> '__diesel_schema_migrations'
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM {APP_ROLE}', t.name);
        IF t.append_only THEN
            EXECUTE format('GRANT SELECT, INSERT ON %s TO {APP_ROLE}', t.name);
        ELSE
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {APP_ROLE}', t.name);
        END IF;
    END LOOP;
    GRANT SELECT ON __diesel_schema_migrations TO {APP_ROLE};
END
$$"
    )
}

/// The versions of all steps of this program, oldest first.
///
/// # Errors
/// Never in practice; a step whose name cannot be read.
pub fn steps() -> Result<Vec<String>, MigrateError> {
    let steps: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(|error| MigrateError::Step(error.to_string()))?;
    let mut versions: Vec<String> = steps.iter().map(|step| step.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}
