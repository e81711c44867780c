//! The parts of a measurement that run as processes of their own: the server, so that memory and CPU time are its own,
//! and a cluster that outlives a killed server.
//!
//! Both end when their standard input closes, so they never outlive who started them.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::Args;

use super::Failure;
use crate::cli::boot::{self, Purpose};
use crate::cli::serve::{self, End};
use crate::cli::settings::{FileLimits, LimitOptions};
use crate::identity::Uscc;
use crate::platform::call::Call;
use crate::platform::clock::Clock;
use crate::platform::cluster::{Cluster, ClusterOptions};
use crate::platform::db::DbSettings;
use crate::platform::lang::Lang;

/// Log-in name of the administrator of every installation made for measuring.
pub const ADMIN: &str = "platform";

/// Options of `bench serve`.
#[derive(Args, Debug)]
pub struct ServeOptions {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address of the database.
    #[arg(long, env = "DATABASE_URL")]
    database_url: String,
    /// Folder of the keys.
    #[arg(long)]
    data: PathBuf,
    /// Password of the administrator, who is made where there is none.
    #[arg(long, env = "LIANDAN_BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    #[command(flatten)]
    limits: LimitOptions,
}

/// Serves an installation made for measuring until standard input closes.
///
/// # Errors
/// When the start fails.
pub fn serve(options: &ServeOptions) -> Result<(), Failure> {
    serve::init_logs();
    let limits = options.limits.over(&FileLimits::default());
    actix_web::rt::System::new().block_on(async {
        let (url, settings) = (&options.database_url, DbSettings::default());
        let app = boot::open(url, &options.data, Purpose::Bench, Clock::system(), limits, &settings).await?;
        let call = Call {
            lang: Lang::En,
            request_id: app.clock.new_id(),
            now: app.clock.now(),
            check: false,
            key: "admin-create".into(),
            seen: None,
            fingerprint: [0; 32],
            app: app.clone(),
        };
        let uscc = Uscc::from_stem("91210213MA9999999").map_err(|error| Failure::of(&error))?;
        // After the first start there is one already, which is as good.
        match crate::identity::acts::create_first_admin(&call, uscc, "演示·平台运营方", ADMIN, &options.password).await {
            Err(problem) if problem.status >= 500 => return Err(problem.into()),
            _ => {}
        }
        let end = End::listen()?;
        let running = boot::serve(&app, options.listen, serve::workers())?;
        println!("serves {}", running.address);
        tokio::select! {
            () = end.come() => {}
            () = input_closed() => {}
        }
        running.stop().await;
        Ok::<(), Failure>(())
    })
}

/// Keeps a durable cluster until standard input closes; prints the address of a database.
///
/// # Errors
/// When the cluster does not start or stop.
pub fn keep_cluster(data: &Path, database: &str) -> Result<(), Failure> {
    let cluster = start_cluster(data)?;
    println!("url {}", cluster.url(database));
    let mut sink = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut sink);
    cluster.stop().map_err(Failure::from)
}

/// A cluster as measurements want it: durable, like one of `serve`.
///
/// # Errors
/// With exit code 78 where no PostgreSQL programs are found.
pub fn start_cluster(data: &Path) -> Result<Cluster, Failure> {
    let options = ClusterOptions { data: data.to_owned(), durable: true, max_connections: 200, shared_buffers: "512MB".into() };
    Cluster::start(&options).map_err(|error| Failure { code: error.exit_code(), ..Failure::of(&error) })
}

async fn input_closed() {
    let (told, closed) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut sink = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut sink);
        drop(told);
    });
    let _ = closed.await;
}

/// A server that runs as a child.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts one on a database; its limits of rate are lifted. It may reach the database through a task of this very
    /// runtime, so nothing here blocks the thread.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(url: &str, keys: &Path, password: &str) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bench", "serve", "--requests-per-minute", "0", "--logins-per-minute", "0", "--data"])
            .arg(keys)
            .env("DATABASE_URL", url)
            .env("LIANDAN_BENCH_PASSWORD", password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            out.map_or(Ok(0), |out| BufReader::new(out).read_line(&mut line)).map(|_| line)
        })
        .await??;
        match line.trim().strip_prefix("serves ").and_then(|address| address.parse().ok()) {
            Some(address) => Ok(Self { child, address }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err(Failure::new("the measured server did not come up; its reason stands above"))
            }
        }
    }

    /// Memory that the server holds now. Unit: KiB; 0 where the system does not say.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }

    /// The most memory that the server held since its start, or since it was told to forget. Unit: KiB; 0 where the system
    /// does not say.
    #[must_use]
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }

    /// Lets the peak begin at what the server holds now, where the system can.
    pub fn forget_peak(&self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    /// CPU time that the server used so far. Unit: clock ticks of 10 ms; 0 where the system does not say.
    #[must_use]
    pub fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // Fields 14 and 15; the name before them, in parentheses, may hold spaces.
        let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
    }

    /// Ends it and waits until its connections are gone.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        tokio::task::spawn_blocking(move || self.child.wait()).await??;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
