//! `liandan bench`: how fast this build is on this machine, beside what PostgreSQL alone could do here.
//!
//! One run starts a cluster of its own with fsync on, a server as a child, a district made through the API, and a load
//! generator that shares the machine with both. Every figure is the median of three runs.

mod acts;
mod bulk;
mod district;
mod http;
mod limit;
mod load;
mod reads;
mod report;
mod server;
mod tables;
mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use super::Failure;
use crate::platform::cluster::Cluster;
use district::District;
use report::Report;
use server::Server;

/// Runs of which the median is told.
const RUNS: usize = 3;
/// Clients at once, in turn.
const CLIENTS: [usize; 3] = [1, 16, 64];
/// Connections of the limit; the server has as many.
const CONNECTIONS: usize = 16;
/// Receivers over which issues are spread.
const RECEIVERS: usize = 50;

/// Options of `bench`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    part: Option<Part>,
    /// Lists over 10,000 manifests and not over a million; shorter runs.
    #[arg(long)]
    quick: bool,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Data folder, kept with its bulk-written manifests for the next run; else a new one that is thrown away.
    #[arg(long)]
    data: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum Part {
    /// The measured server: ends when standard input closes.
    #[command(hide = true)]
    Serve(server::ServeOptions),
    /// A durable cluster: ends when standard input closes.
    #[command(hide = true)]
    Cluster {
        /// Data folder.
        #[arg(long)]
        data: PathBuf,
        /// Database of the printed address.
        #[arg(long, default_value = "postgres")]
        database: String,
    },
    /// A long list as CSV and as XLSX: rows a second, and the most memory that the server holds.
    Tables {
        /// Rows of the list.
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(1..=5_000_000))]
        rows: i64,
        /// Print JSON instead of the table.
        #[arg(long)]
        json: bool,
    },
    /// Makes a district in a running `bench serve`; prints its accounts as JSON.
    #[command(hide = true)]
    District {
        /// Where it listens.
        #[arg(long)]
        address: SocketAddr,
        /// The administrator's password.
        #[arg(long, env = "LIANDAN_BENCH_PASSWORD", hide_env_values = true)]
        password: String,
        /// How many receivers.
        #[arg(long, default_value_t = 3)]
        receivers: usize,
    },
}

/// What all parts of a measurement share.
pub struct Bench {
    cluster: Cluster,
    data: PathBuf,
    socket: PathBuf,
    password: String,
    quick: bool,
}

impl Bench {
    /// The owner's connection to a database.
    async fn owner(&self, database: &str) -> Result<AsyncPgConnection, Failure> {
        Ok(AsyncPgConnection::establish(&self.cluster.url(database)).await?)
    }

    /// Makes a database, empty or as a copy; one of that name is dropped.
    async fn make(&self, database: &str, template: Option<&str>) -> Result<(), Failure> {
        let mut admin = self.owner("postgres").await?;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {database} TEMPLATE {}", template.unwrap_or("template1"))).await?;
        Ok(())
    }

    /// Drops a database.
    async fn drop(&self, database: &str) -> Result<(), Failure> {
        Ok(self.owner("postgres").await?.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?)
    }

    /// Starts a server on a database.
    async fn serve(&self, database: &str) -> Result<Server, Failure> {
        Server::start(&self.cluster.url(database), &self.data.join(database), &self.password).await
    }

    /// Starts a server whose statements are recorded.
    async fn serve_through(&self, port: u16, database: &str) -> Result<Server, Failure> {
        Server::start(&format!("postgresql://postgres@127.0.0.1:{port}/{database}"), &self.data.join(database), &self.password).await
    }

    fn forget_keys(&self, database: &str) -> Result<(), Failure> {
        match std::fs::remove_dir_all(self.data.join(database)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Says on standard error what goes on; standard output is for the result.
fn tell(what: &str) {
    eprintln!("bench: {what}");
}

/// Measures and prints.
///
/// # Errors
/// With exit code 78 where no PostgreSQL programs are found; a refusal by the measured server.
pub fn run(options: &Options) -> Result<(), Failure> {
    match &options.part {
        Some(Part::Serve(options)) => return server::serve(options),
        Some(Part::Tables { rows, json }) => return tables::run(*rows, *json),
        Some(Part::Cluster { data, database }) => return server::keep_cluster(data, database),
        Some(Part::District { address, password, receivers }) => {
            let district = runtime()?.block_on(District::make(*address, password, *receivers))?;
            println!("{}", serde_json::to_string(&district)?);
            return Ok(());
        }
        None => {}
    }
    let thrown_away = std::env::temp_dir().join(format!("liandan-bench-{}", std::process::id()));
    let data = options.data.clone().unwrap_or_else(|| thrown_away.clone());
    let result = measure(options, &data);
    if options.data.is_none() {
        let _ = std::fs::remove_dir_all(&thrown_away);
    }
    let report = result?;
    if options.json {
        println!("{}", serde_json::to_string(&report)?)
    } else {
        print!("{}", report.table())
    }
    Ok(())
}

/// One thread: the load generator is to leave the rest of the machine to what it measures.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn measure(options: &Options, data: &Path) -> Result<Report, Failure> {
    let cluster = server::start_cluster(data)?;
    let data = std::fs::canonicalize(data)?;
    let password = kept_password(&data)?;
    let mut bench = Bench { cluster, socket: PathBuf::new(), data, password, quick: options.quick };
    let report = runtime()?.block_on(async {
        tokio::select! {
            report = all(&mut bench) => report,
            _ = tokio::signal::ctrl_c() => Err(Failure::with_code("interrupted", 130)),
        }
    });
    bench.cluster.stop()?;
    report
}

/// The password of all accounts of this data folder, made at its first use.
fn kept_password(data: &Path) -> Result<String, Failure> {
    let path = data.join("bench.password");
    if let Ok(password) = std::fs::read_to_string(&path) {
        return Ok(password);
    }
    let password = format!("bench-{}", hex::encode(rand::random::<[u8; 12]>()));
    std::fs::write(&path, &password)?;
    Ok(password)
}

async fn all(bench: &mut Bench) -> Result<Report, Failure> {
    bench.socket = limit::socket(bench).await?;
    let mut report = Report::new(bench.quick);
    let measured = async {
        acts::measure(bench, &mut report).await?;
        reads::measure(bench, &mut report).await
    };
    if let Err(failure) = measured.await {
        // A long run is not lost for its last part.
        eprint!("{}", report.table());
        return Err(failure);
    }
    Ok(report)
}
