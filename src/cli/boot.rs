//! From settings to a running [`App`]: database, schema, keys, catalogues.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use diesel::sql_types::{Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::Failure;
use super::settings::Place;
use crate::platform::app::{App, Limits, NumberMode};
use crate::platform::clock::Clock;
use crate::platform::cluster::{Cluster, ClusterOptions};
use crate::platform::db::{Db, DbSettings, Sql};
use crate::platform::jobs;
use crate::platform::keys::Keys;
use crate::platform::metrics::Metrics;
use crate::platform::migrate::{self, Direction};
use crate::platform::problem::Problem;
use crate::platform::respond::respond;
use crate::{catalogue, contract, evidence, exchange, manifest};

/// Where the data are: a named server, or a cluster of our own that ends with us.
pub struct Database {
    /// Owner's address of the database.
    pub url: String,
    /// Data folder of this installation.
    pub data: PathBuf,
    cluster: Option<Cluster>,
}

impl Database {
    /// The database that was named, else a private cluster in the data folder.
    ///
    /// # Errors
    /// With exit code 78 where no PostgreSQL programs are found.
    pub fn find(place: &Place) -> Result<Self, Failure> {
        match &place.database_url {
            Some(url) => Ok(Self { url: url.clone(), data: place.data.clone(), cluster: None }),
            None => Self::start(place.data.clone(), true),
        }
    }

    /// As [`Database::find`], but where another process runs the cluster of this folder, a guest of it.
    ///
    /// # Errors
    /// As [`Database::find`].
    pub fn reach(place: &Place) -> Result<Self, Failure> {
        match Cluster::attach(&place.data).filter(|_| place.database_url.is_none()) {
            Some(url) => Ok(Self { url, data: place.data.clone(), cluster: None }),
            None => Self::find(place),
        }
    }

    /// A cluster that nobody keeps.
    ///
    /// # Errors
    /// As [`Database::find`].
    pub fn throw_away(data: PathBuf) -> Result<Self, Failure> {
        Self::start(data, false)
    }

    fn start(data: PathBuf, durable: bool) -> Result<Self, Failure> {
        let options = ClusterOptions { data: data.clone(), durable, max_connections: 100, shared_buffers: "256MB".into() };
        let cluster = Cluster::start(&options).map_err(|error| Failure { code: error.exit_code(), ..Failure::of(&error) })?;
        Ok(Self { url: cluster.url("postgres"), data, cluster: Some(cluster) })
    }

    /// A sentence for people: which database this is.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("private PostgreSQL {} in {}", cluster.major(), self.data.display()),
            None => "the database that was named".into(),
        }
    }

    /// Stops a private cluster.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(self) -> Result<(), Failure> {
        self.cluster.map_or(Ok(()), |cluster| cluster.stop().map_err(Failure::from))
    }
}

/// What an installation is for; written at first start and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Production, with the number mode that was asked for; a first start without one is `national`.
    Serve(Option<NumberMode>),
    /// The fictional district.
    Demo,
    /// Measurements.
    Bench,
    /// Tests.
    Test,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Serve(_) => "serve",
            Self::Demo => "demo",
            Self::Bench => "bench",
            Self::Test => "test",
        }
    }
    const fn numbers(self) -> NumberMode {
        match self {
            Self::Serve(None | Some(NumberMode::National)) => NumberMode::National,
            Self::Serve(Some(NumberMode::Local)) | Self::Demo | Self::Bench | Self::Test => NumberMode::Local,
        }
    }
}

#[derive(diesel::QueryableByName)]
struct InstallationRow {
    #[diesel(sql_type = Text)]
    number_mode: String,
    #[diesel(sql_type = Text)]
    purpose: String,
}

/// Migrates, opens keys and pool, loads catalogues.
///
/// # Errors
/// When any of it fails, or the database belongs to an installation of another purpose.
pub async fn open(url: &str, data: &Path, purpose: Purpose, clock: Clock, limits: Limits, db: &DbSettings) -> Result<Arc<App>, Failure> {
    migrate::run(url, Direction::Up)?;
    open_migrated(url, data, purpose, clock, limits, db).await
}

/// As [`open`], for a database at the present schema: the clone of one that was opened before.
///
/// # Errors
/// As [`open`].
pub async fn open_migrated(url: &str, data: &Path, purpose: Purpose, clock: Clock, limits: Limits, db: &DbSettings) -> Result<Arc<App>, Failure> {
    let mut owner = AsyncPgConnection::establish(url).await?;
    let now = clock.now();
    Sql("INSERT INTO installation (number_mode, purpose, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind::<Text, _>(purpose.numbers().as_str())
        .bind::<Text, _>(purpose.as_str())
        .bind::<Timestamptz, _>(now)
        .execute(&mut owner)
        .await?;
    let rows: Vec<InstallationRow> = Sql("SELECT number_mode, purpose FROM installation").load(&mut owner).await?;
    let found = rows.into_iter().next().ok_or_else(|| Failure::new("the installation has no row"))?;
    if found.purpose != purpose.as_str() {
        return Err(Failure::new(format!(
            "this database holds an installation made by `{}`; `{}` will not touch it: name another with DATABASE_URL or --data",
            found.purpose,
            purpose.as_str()
        )));
    }
    let numbers = if found.number_mode == NumberMode::National.as_str() { NumberMode::National } else { NumberMode::Local };
    if let Purpose::Serve(Some(wanted)) = purpose
        && wanted != numbers
    {
        return Err(Failure::new(format!(
            "this installation was begun in mode `{}` and stays in it; mode `{}` needs another database",
            numbers.as_str(),
            wanted.as_str()
        )));
    }
    let keys = Keys::open(&mut owner, &data.join("keys"), now).await?;
    catalogue::loader::load(&mut owner, now).await?;
    let working_days = catalogue::working_days(&mut owner).await?;
    let text_grades = catalogue::text_grades(&mut owner).await?;
    drop(owner);
    let db = Db::open(url, db, evidence::prepare)?;
    let contract = serde_json::to_value(contract::openapi())?;
    let kinds = contract::problem_kinds().into_iter().map(|kind| kind.code);
    let app = App {
        clock,
        metrics: Metrics::new(&contract, kinds, db.counts()),
        db,
        keys,
        numbers,
        limits,
        text_grades,
        working_days: RwLock::new(Arc::new(working_days)),
        public_url: std::sync::OnceLock::new(),
        data: data.to_owned(),
        contract,
        formats: contract::formats(),
        schemas: RwLock::default(),
        shelves: RwLock::default(),
    };
    Ok(Arc::new(app))
}

/// A worker takes what was accepted at once, unless it is still being started.
const TAKEN_WITHIN: Duration = Duration::from_millis(300);
/// Nobody waits longer for a server that is told to end.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
const STOP_POLL: Duration = Duration::from_millis(10);

/// A server that runs in this process.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    app: Arc<App>,
}

impl Running {
    /// Takes no more requests and waits for those under way; event streams have no end of their own, so they are ended.
    pub async fn stop(self) {
        manifest::stream::end_all(&self.app);
        exchange::end_all(&self.app);
        // The server's own stop drops what was accepted and no worker has taken yet, and ends idle workers at once, with the
        // database connections that they opened and others are using. So it comes when all is answered.
        self.handle.pause().await;
        let began = Instant::now();
        while began.elapsed() < TAKEN_WITHIN || (self.app.metrics.under_way() > 0 && began.elapsed() < ANSWERED_WITHIN) {
            tokio::time::sleep(STOP_POLL).await;
        }
        self.handle.stop(true).await;
    }
}

/// Binds and serves; jobs run beside it.
///
/// # Errors
/// When the address cannot be bound.
pub fn serve(app: &Arc<App>, listen: SocketAddr, workers: usize) -> Result<Running, Failure> {
    let running = serve_alone(app, listen, workers)?;
    actix_web::rt::spawn(short_jobs(app.clone()));
    for _ in 0..TABLES_AT_ONCE {
        actix_web::rt::spawn(tables(app.clone()));
    }
    Ok(running)
}

/// Binds and serves without any job: whoever scripts the clock also says when jobs run.
///
/// # Errors
/// As [`serve`].
pub fn serve_alone(app: &Arc<App>, listen: SocketAddr, workers: usize) -> Result<Running, Failure> {
    let shared = web::Data::from(app.clone());
    let server = HttpServer::new(move || actix_web::App::new().app_data(shared.clone()).configure(contract::mount).wrap(from_fn(respond)))
        .workers(workers)
        .client_request_timeout(Duration::from_secs(10))
        .shutdown_timeout(20)
        .disable_signals()
        .bind(listen)
        .map_err(|error| Failure::new(format!("cannot listen on {listen}: {error}")))?;
    let address = server.addrs().into_iter().next().ok_or_else(|| Failure::new("no address was bound"))?;
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(Running { address, handle, app: app.clone() })
}

/// Background work of one process; every job is idempotent and takes turns with other processes.
async fn short_jobs(app: Arc<App>) {
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    // Rounds that a stall kept from running are not made up for: each takes all that waits, and a database that is away
    // would be hammered.
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut round: u64 = 0;
    loop {
        tick.tick().await;
        if let Err(problem) = run_short_jobs(&app).await {
            tracing::warn!(%problem, "a job failed; it is tried again");
        }
        if round.is_multiple_of(ROUNDS_AN_HOUR)
            && let Err(problem) = forget_old(&app).await
        {
            tracing::warn!(%problem, "housekeeping failed; it is tried again");
        }
        round += 1;
    }
}

/// Tables that come in, one row after the other: beside the short jobs, which would wait for them.
async fn tables(app: Arc<App>) {
    // News of this process come at once; what others queued, or left behind, is looked for now and then.
    let mut news = jobs::news(&app);
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! { _ = tick.tick() => {}, _ = news.changed() => {} }
        if let Err(problem) = exchange::run_next(&app).await {
            tracing::warn!(%problem, "a table was interrupted; its job is taken again");
        }
    }
}

/// How many of them one process works on.
const TABLES_AT_ONCE: usize = 2;

/// One round of every job; gives how much was done, so that a test can run them until nothing is left.
///
/// # Errors
/// As the jobs.
pub async fn run_jobs_once(app: &Arc<App>) -> Result<usize, Problem> {
    Ok(exchange::run_next(app).await? + run_short_jobs(app).await?)
}

async fn run_short_jobs(app: &App) -> Result<usize, Problem> {
    // What a job says goes through the feed too, so the feed comes after it.
    let done = manifest::reminders::run(app).await? + evidence::run_feed(app).await?;
    manifest::stream::wake(app).await?;
    Ok(done)
}

/// Four rounds a second.
const ROUNDS_AN_HOUR: u64 = 4 * 3_600;

/// Forgets what was promised for a time only.
async fn forget_old(app: &App) -> Result<(), Problem> {
    let (mut conn, now) = (app.db.get().await?, app.clock.now());
    evidence::forget_old_keys(&mut conn, now).await?;
    crate::identity::forget_old_failures(&mut conn, now).await?;
    crate::platform::jobs::forget_old(&mut conn, now).await?;
    Ok(())
}
