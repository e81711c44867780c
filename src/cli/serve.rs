//! `liandan serve` and `liandan admin create`.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::boot::{self, Database, Purpose};
use super::limits::LimitOptions;
use crate::identity;
use crate::platform::app::Limits;
use crate::platform::call::Call;
use crate::platform::clock::Clock;
use crate::platform::db::DbSettings;
use crate::platform::lang::Lang;

/// Options of `serve`.
#[derive(Args, Debug)]
pub struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", env = "LIANDAN_LISTEN")]
    listen: SocketAddr,
    /// Data folder: keys, and the private cluster where DATABASE_URL is not set.
    #[arg(long, env = "LIANDAN_DATA")]
    data: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), data: None, limits: LimitOptions::default() }
    }
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When the start fails.
pub fn run(options: &Options) -> Result<(), Failure> {
    init_logs();
    let limits = options.limits.limits()?;
    let database = Database::find(options.data.clone(), true)?;
    actix_web::rt::System::new().block_on(async {
        let app = boot::open(&database.url, &database.data, Purpose::Serve, Clock::system(), limits, &DbSettings::default()).await?;
        let running = boot::serve(&app, options.listen, workers())?;
        println!("liandan serves on http://{}/ (contract: /docs/), {}", running.address, database.describe());
        wait_for_end().await;
        running.handle.stop(true).await;
        Ok::<(), Failure>(())
    })?;
    database.stop()
}

/// One worker a core.
#[must_use]
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get)
}

/// Until Ctrl-C or SIGTERM.
pub async fn wait_for_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Logs to standard error; RUST_LOG chooses, warnings by default.
pub fn init_logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).json().try_init();
}

/// Makes the first administrator; the password comes from standard input, never from the command line.
///
/// # Errors
/// When there is one already, or the database is not to be had.
pub fn create_admin(login: &str, uscc: &str, unit: &str, data: Option<PathBuf>) -> Result<(), Failure> {
    init_logs();
    let uscc: identity::Uscc = uscc.parse().map_err(|error| Failure::new(format!("--uscc: {error}")))?;
    let mut password = String::new();
    std::io::stdin().take(1_000).read_to_string(&mut password)?;
    let database = Database::reach(data)?;
    actix_web::rt::System::new().block_on(async {
        let app = boot::open(&database.url, &database.data, Purpose::Serve, Clock::system(), Limits::default(), &DbSettings::default()).await?;
        let call = Call {
            lang: Lang::ZhCn,
            request_id: app.clock.new_id(),
            now: app.clock.now(),
            check: false,
            // Never the same: a second run must be refused, not taken for a repetition of the first.
            key: format!("admin-create-{}", app.clock.new_id()),
            seen: None,
            fingerprint: [0; 32],
            app,
        };
        identity::acts::create_first_admin(&call, uscc, unit, login, password.trim_end_matches(['\r', '\n'])).await?;
        println!("administrator {login} created");
        Ok::<(), Failure>(())
    })?;
    database.stop()
}
