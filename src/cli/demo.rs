//! `liandan demo`: makes the fictional district where there is none yet, and serves it.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Instant;

use actix_web::dev::ServerHandle;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Failure;
use super::boot::{self, Database, Purpose, Running};
use super::metrics;
use super::serve::{End, init_logs, workers};
use super::settings::Place;
use super::tour;
use crate::demo::world::{self, Account, Found, Made, Size};
use crate::demo::{self, Plan};
use crate::identity;
use crate::platform::app::Limits;
use crate::platform::calendar::{legal_day, start_of};
use crate::platform::call::Call;
use crate::platform::clock::Clock;
use crate::platform::cluster::default_data_dir;
use crate::platform::db::DbSettings;
use crate::platform::keys::write_private;
use crate::platform::lang::Lang;
use crate::platform::migrate::{self, Direction};

/// Where the one password lies, in the data folder.
pub(super) const PASSWORD_FILE: &str = "demo-password";
/// Unit: characters.
const PASSWORD_LENGTH: usize = 16;
const SEED: u64 = 1;
/// Decree 23, under which every manifest of the script lives, is in force from here.
const FIRST_AS_OF: Option<NaiveDate> = NaiveDate::from_ymd_opt(2022, 6, 1);

/// `demo` and what hangs on it.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Demo {
    #[command(subcommand)]
    command: Option<DemoCommand>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand, Debug)]
enum DemoCommand {
    /// Play one manifest over HTTP as each of its people in turn.
    Tour(tour::Options),
}

/// Options of `demo`.
#[derive(Args, Debug, Clone)]
pub struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", env = "LIANDAN_LISTEN")]
    pub(super) listen: SocketAddr,
    /// Data folder: keys, the password, and the private cluster where DATABASE_URL is not set.
    #[arg(long, env = "LIANDAN_DATA")]
    pub(super) data: Option<PathBuf>,
    /// Another seed, another district.
    #[arg(long)]
    seed: Option<u64>,
    /// The day from which the sixty days are counted back; today without it.
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// How many stories of each kind are told at most; all of them without it. Counts only where the district is made.
    #[arg(long, value_name = "COUNT")]
    stories: Option<usize>,
    /// Address that serves /metrics and nothing else; none without it.
    #[arg(long, env = "LIANDAN_ADMIN_LISTEN", value_name = "ADDR:PORT")]
    admin_listen: Option<SocketAddr>,
    /// Throw the demonstration of this database away and make it anew.
    #[arg(long)]
    reset: bool,
    /// One JSON object on standard output when ready, for scripts.
    #[arg(long)]
    json: bool,
}

impl Options {
    /// As a plain `demo`, at an address.
    pub(super) fn at(listen: SocketAddr, data: Option<PathBuf>) -> Self {
        Self { listen, data, seed: None, as_of: None, stories: None, admin_listen: None, reset: false, json: false }
    }
}

/// The folder of the demonstration; apart from that of `serve`, which it must not touch.
pub(super) fn data_dir(data: Option<&PathBuf>) -> PathBuf {
    data.cloned().unwrap_or_else(|| default_data_dir().join("demo"))
}

/// Makes, serves, waits for Ctrl-C; or the tour.
///
/// # Errors
/// When the start fails; exit code 78 where no PostgreSQL programs are found.
pub fn run(demo: &Demo) -> Result<(), Failure> {
    init_logs();
    if let Some(DemoCommand::Tour(options)) = &demo.command {
        return tour::run(options);
    }
    let options = &demo.options;
    with_demo(options, async |up: &Up| {
        let end = End::listen()?;
        if options.json {
            up.print_json()?
        } else {
            up.print()
        }
        end.come().await;
        Ok(())
    })
}

/// A demonstration that is being served.
pub(super) struct Up {
    pub(super) running: Running,
    admin: Option<(SocketAddr, ServerHandle)>,
    pub(super) password: String,
    database: String,
    data: PathBuf,
    accounts: Vec<Account>,
    size: Option<Size>,
    made: Made,
}

/// Starts everything, does the work while it serves, and stops everything.
pub(super) fn with_demo(options: &Options, work: impl AsyncFnOnce(&Up) -> Result<(), Failure>) -> Result<(), Failure> {
    let clock = Clock::system();
    let today = legal_day(clock.now());
    if let Some(as_of) = options.as_of
        && (as_of > today || Some(as_of) < FIRST_AS_OF)
    {
        return Err(Failure::new(format!("--as-of must be a day from 2022-06-01 to today ({today})")));
    }
    // Found out before minutes of work, not after.
    drop(TcpListener::bind(options.listen).map_err(|error| Failure::new(format!("cannot listen on {}: {error}", options.listen)))?);
    say("finding the database");
    let database = Database::find(&Place::of(data_dir(options.data.as_ref())))?;
    let result = actix_web::rt::System::new().block_on(async {
        let up = start(options, &database, &clock, today).await?;
        let done = work(&up).await;
        up.running.stop().await;
        if let Some((_, handle)) = up.admin {
            handle.stop(true).await;
        }
        done
    });
    let stopped = database.stop();
    result.and(stopped)
}

fn say(sentence: &str) {
    eprintln!("liandan demo: {sentence}");
}

async fn start(options: &Options, database: &Database, clock: &Clock, today: NaiveDate) -> Result<Up, Failure> {
    let mut owner = AsyncPgConnection::establish(&database.url).await?;
    let password_file = database.data.join(PASSWORD_FILE);
    let found = world::look(&mut owner).await?;
    let wanted = Made { seed: options.seed.unwrap_or(SEED), as_of: options.as_of.unwrap_or(today) };
    let made = match found {
        Found::Foreign => {
            return Err(Failure::new(
                "this database holds other data than a demonstration; nothing was touched: name an empty one with DATABASE_URL, or another folder with --data",
            ));
        }
        Found::Finished(made) if !options.reset => {
            if options.seed.is_some_and(|seed| seed != made.seed) || options.as_of.is_some_and(|as_of| as_of != made.as_of) {
                return Err(Failure::new(format!(
                    "this database holds the demonstration of --seed {} --as-of {}; --reset makes the other one in its place",
                    made.seed, made.as_of
                )));
            }
            made
        }
        Found::Finished(_) | Found::BrokenOff => {
            say(if options.reset { "throwing the old district away" } else { "the building was broken off; it begins anew" });
            clear(&mut owner, database, wanted, clock, &password_file).await?;
            build(database, wanted, options.stories).await?;
            wanted
        }
        Found::Empty => {
            world::begin(&mut owner, wanted, clock.now()).await?;
            clear_files(database, &password_file)?;
            build(database, wanted, options.stories).await?;
            wanted
        }
    };
    let app = boot::open(&database.url, &database.data, Purpose::Demo, clock.clone(), Limits::default(), &DbSettings::default()).await?;
    let password = match std::fs::read_to_string(&password_file) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => {
            let password = identity::acts::new_secret(PASSWORD_LENGTH);
            identity::acts::share_secret(&app, &password).await?;
            write_private(&password_file, password.as_bytes())?;
            password
        }
    };
    // Last of all: until here the next start would begin anew.
    world::finish(&mut owner, clock.now()).await?;
    let accounts = world::accounts(&mut owner).await?;
    let size = world::size(&mut owner).await?;
    let admin = options.admin_listen.map(|address| metrics::listen(&app, address)).transpose()?;
    let running = boot::serve(&app, options.listen, workers())?;
    Ok(Up { running, admin, password, database: database.describe(), data: database.data.clone(), accounts, size, made })
}

/// Takes back every step of our own schema and nothing else; the mark stays until the new world is finished.
async fn clear(owner: &mut AsyncPgConnection, database: &Database, made: Made, clock: &Clock, password_file: &Path) -> Result<(), Failure> {
    world::begin(owner, made, clock.now()).await?;
    migrate::run(&database.url, Direction::Discard)?;
    clear_files(database, password_file)
}

/// Keys and password belong to the world that is gone.
fn clear_files(database: &Database, password_file: &Path) -> Result<(), Failure> {
    for gone in [std::fs::remove_dir_all(database.data.join("keys")), std::fs::remove_file(password_file)] {
        if let Err(error) = gone
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Plays the script against a server of our own on a clock that the script moves.
async fn build(database: &Database, made: Made, stories: Option<usize>) -> Result<(), Failure> {
    let Plan { steps, setting_up, manifests, units } = demo::plan(made.seed, made.as_of, stories);
    let began = Instant::now();
    let clock = Clock::scripted(steps.first().map_or_else(|| start_of(made.as_of), |step| step.at));
    // Nobody will log in with a password of these hours: it is replaced before the world is served.
    let limits = Limits {
        hash_memory_kib: 8,
        hash_passes: 1,
        hashes_at_once: 4,
        requests_per_minute: 0,
        logins_per_minute: 0,
        looks_per_minute: 0,
        ..Limits::default()
    };
    say("migrating and loading the catalogues");
    let app = boot::open(&database.url, &database.data, Purpose::Demo, clock.clone(), limits, &DbSettings::default()).await?;
    let throw_away = identity::acts::new_secret(PASSWORD_LENGTH);
    let call = Call {
        lang: Lang::ZhCn,
        request_id: clock.new_id(),
        now: clock.now(),
        check: false,
        key: "demo-first".into(),
        seen: None,
        fingerprint: [0; 32],
        app: app.clone(),
    };
    let uscc = identity::Uscc::from_stem("91210213000000000").map_err(|error| Failure::of(&error))?;
    let outcome = identity::acts::create_first_admin(&call, uscc, "演示·平台运营方", "platform", &throw_away).await?;
    let user = outcome.done().first().and_then(|done| done.result["user_id"].as_str()?.parse().ok());
    let known = HashMap::from([("user:platform".to_owned(), user.ok_or_else(|| Failure::new("the first administrator has no id"))?)]);
    let running = boot::serve_alone(&app, SocketAddr::from(([127, 0, 0, 1], 0)), workers())?;
    let mut progress = Progress::new(steps.len(), setting_up, units, manifests);
    let played = demo::play(&app, &format!("http://{}", running.address), &throw_away, known, &steps, |done| progress.step(done)).await;
    running.stop().await;
    played?;
    while boot::run_jobs_once(&app).await? > 0 {}
    progress.end();
    say(&format!("{units} units and {manifests} manifests made in {} s by {} acts", began.elapsed().as_secs(), steps.len()));
    Ok(())
}

/// A bar on a terminal, some lines elsewhere; always on standard error.
struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    setting_up: usize,
    units: usize,
    manifests: usize,
    said: usize,
}

impl Progress {
    fn new(total: usize, setting_up: usize, units: usize, manifests: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            if let Ok(style) = ProgressStyle::with_template("{msg:<44} {bar:30} {pos}/{len} {eta}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, total, setting_up, units, manifests, said: 0 }
    }

    fn step(&mut self, done: usize) {
        let doing = if done <= self.setting_up {
            format!("registering {} units and their papers", self.units)
        } else {
            format!("driving {} manifests through sixty days", self.manifests)
        };
        let tenth = done * 10 / self.total.max(1);
        match &self.bar {
            Some(bar) => {
                bar.set_message(doing);
                bar.set_position(done as u64);
            }
            None if tenth > self.said => {
                self.said = tenth;
                say(&format!("{doing}: {done} of {} acts", self.total));
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Accounts shown at the start: one for each role.
const SHOWN: [&str; 13] = [
    "g01-clerk",
    "g01-signatory",
    "g01-admin",
    "c01-dispatcher",
    "c01-driver1",
    "r01-weigher",
    "r01-signatory",
    "r01-clerk",
    "jinpu-viewer",
    "jinpu-inspector",
    "jinpu-manager",
    "dalian-manager",
    "platform",
];

impl Up {
    fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    fn print_json(&self) -> Result<(), Failure> {
        let accounts: Vec<_> = self
            .accounts
            .iter()
            .map(|account| json!({ "role": account.role, "login": account.login, "password": self.password, "unit": account.unit }))
            .collect();
        let mut ready = json!({ "url": self.url(), "accounts": accounts, "database": self.database });
        if let Some((address, _)) = &self.admin {
            ready["metrics"] = json!(format!("http://{address}/metrics"));
        }
        println!("{}", serde_json::to_string(&ready)?);
        Ok(())
    }

    fn print(&self) {
        let (url, password) = (self.url(), &self.password);
        println!("\nLiandan 联单 · 演示 (a fictional district; 演示·非国家联单)");
        if let Some(size) = &self.size {
            let Made { seed, as_of } = self.made;
            println!("{} units, {} manifests, {} events (seed {seed}, as of {as_of})", size.units, size.manifests, size.events);
        }
        println!("  API       {url}/api/v1\n  contract  {url}/docs/\n  database  {}", self.database);
        if let Some((address, _)) = &self.admin {
            println!("  metrics   http://{address}/metrics");
        }
        println!("  password  {password}   (of every account; also in {})\n", self.data.join(PASSWORD_FILE).display());
        println!("  {:<36}{:<18}unit", "role", "login");
        for account in SHOWN.iter().filter_map(|login| self.accounts.iter().find(|account| account.login == *login)) {
            println!("  {:<36}{:<18}{}", account.role, account.login, account.unit);
        }
        println!("  … {} accounts in all: generators g01 to g40, carriers c01 to c08, receivers r01 to r11\n", self.accounts.len());
        println!("What waits for the receiver r01:");
        println!(
            "TOKEN=$(curl -s {url}/api/v1/sessions -H 'Content-Type: application/json' -d '{{\"login\":\"r01-signatory\",\"password\":\"{password}\"}}' | sed -E 's/.*\"access_token\":\"([^\"]+)\".*/\\1/'); \
             curl -s \"{url}/api/v1/manifests?waiting_for_me=true&limit=5\" -H \"Authorization: Bearer $TOKEN\"\n"
        );
        println!("One manifest from hand to hand, in another terminal: liandan demo tour --url {url} --data {}\nCtrl-C ends.", self.data.display());
    }
}
