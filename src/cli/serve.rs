//! `liandan serve` and `liandan admin create`.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use super::boot::{self, Database, Purpose};
use super::metrics;
use super::settings::{LimitOptions, PlaceOptions, PublicUrl};
use crate::identity;
use crate::platform::app::{Limits, NumberMode};
use crate::platform::call::Call;
use crate::platform::clock::Clock;
use crate::platform::db::DbSettings;
use crate::platform::lang::Lang;

/// Options of `serve`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Address to listen on. Default 127.0.0.1:8080.
    #[arg(long, env = "LIANDAN_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Address that serves /metrics and nothing else; none without it.
    #[arg(long, env = "LIANDAN_ADMIN_LISTEN", value_name = "ADDR:PORT")]
    admin_listen: Option<SocketAddr>,
    /// Who gives manifests their numbers: `national` (default) or `local`. Fixed at the first start.
    #[arg(long, env = "LIANDAN_MODE")]
    mode: Option<NumberMode>,
    /// Database connections in the pool. Default 16.
    #[arg(long, env = "LIANDAN_CONNECTIONS", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: Option<u16>,
    /// Where the public reaches this installation (`https://…`): it begins the address in the code on every sheet. Without it
    /// that address begins with the host of whoever asks for the sheet.
    #[arg(long, env = "LIANDAN_PUBLIC_URL", value_name = "URL")]
    public_url: Option<PublicUrl>,
    #[command(flatten)]
    limits: LimitOptions,
}

/// Where the API is served when nothing is said.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When the start fails.
pub fn run(options: &Options) -> Result<(), Failure> {
    init_logs();
    let (place, file) = options.place.find()?;
    let limits = options.limits.over(&file.limits);
    let listen = options.listen.or(file.listen).unwrap_or(LISTEN);
    let admin_listen = options.admin_listen.or(file.admin_listen);
    let purpose = Purpose::Serve(options.mode.or(file.mode));
    let mut settings = DbSettings::default();
    if let Some(connections) = options.connections.or(file.connections) {
        settings.connections = usize::from(connections);
    }
    let public_url = options.public_url.clone().or(file.public_url);
    let database = Database::find(&place)?;
    actix_web::rt::System::new().block_on(async {
        let app = boot::open(&database.url, &database.data, purpose, Clock::system(), limits, &settings).await?;
        if let Some(url) = public_url {
            app.public_url.get_or_init(|| url.into_inner());
        }
        let end = End::listen()?;
        let running = boot::serve(&app, listen, workers())?;
        let admin = admin_listen.map(|address| metrics::listen(&app, address)).transpose()?;
        println!("liandan serves on http://{}/ (contract: /docs/), {}", running.address, database.describe());
        if let Some((address, _)) = &admin {
            println!("metrics on http://{address}/metrics");
        }
        end.come().await;
        running.stop().await;
        if let Some((_, handle)) = admin {
            handle.stop(true).await;
        }
        Ok::<(), Failure>(())
    })?;
    database.stop()
}

/// One worker a core.
#[must_use]
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get)
}

/// Ctrl-C or SIGTERM, heard from the moment this is made.
pub struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    /// Made before anybody is told that the server is ready: whoever ends it at once must not cut a request off.
    ///
    /// # Errors
    /// As the operating system.
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for either.
    pub async fn come(mut self) {
        tokio::select! { _ = self.interrupt.recv() => {}, _ = self.terminate.recv() => {} }
    }
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
pub fn create_admin(login: &str, uscc: &str, unit: &str, place: &PlaceOptions) -> Result<(), Failure> {
    init_logs();
    let uscc: identity::Uscc = uscc.parse().map_err(|error| Failure::new(format!("--uscc: {error}")))?;
    let mut password = String::new();
    std::io::stdin().take(1_000).read_to_string(&mut password)?;
    let database = Database::reach(&place.find()?.0)?;
    actix_web::rt::System::new().block_on(async {
        let app = boot::open(&database.url, &database.data, Purpose::Serve(None), Clock::system(), Limits::default(), &DbSettings::default()).await?;
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
