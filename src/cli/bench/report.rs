//! What was measured, as a table for people and one object for scripts.

use serde::Serialize;

use super::load::Spread;
use super::{CONNECTIONS, RUNS};

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether `--quick` was given.
    pub quick: bool,
    /// Cores of this machine, shared by server, PostgreSQL and load generator.
    pub cores: usize,
    /// What was measured over HTTP.
    pub rows: Vec<Row>,
    /// What PostgreSQL alone did with the same statements.
    pub limits: Vec<Limit>,
    /// Memory of the server right after 64 clients. Unit: KiB.
    pub server_kib: u64,
    /// What could not be measured, and why.
    pub notes: Vec<String>,
}

/// One thing at one number of clients.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What.
    pub what: String,
    /// Clients at once.
    pub clients: usize,
    /// Figures.
    #[serde(flatten)]
    pub spread: Spread,
    /// CPU time of the server for one request. Unit: microseconds.
    pub server_cpu_us: u64,
    /// Rate in percent of each limit it is compared with.
    pub percent_of: Vec<(String, u64)>,
}

/// One limit.
#[derive(Debug, Serialize)]
pub struct Limit {
    /// Its name; rows of `what` are compared with it.
    pub name: String,
    /// What it limits.
    pub what: String,
    /// Numbers of clients that are compared with it.
    pub clients: Vec<usize>,
    /// Figures.
    #[serde(flatten)]
    pub spread: Spread,
    /// Mean round trips of one act, in tenths; 0 where unknown.
    pub trips_tenths: u64,
}

impl Report {
    /// An empty one.
    #[must_use]
    pub fn new(quick: bool) -> Self {
        Self { quick, cores: crate::cli::serve::workers(), rows: Vec::new(), limits: Vec::new(), server_kib: 0, notes: Vec::new() }
    }

    /// Adds a limit and compares the rows that it is for.
    pub fn limit(&mut self, limit: Limit) {
        for row in self.rows.iter_mut().filter(|row| row.what == limit.what && limit.clients.contains(&row.clients)) {
            let percent = row.spread.median.per_second * 100 / limit.spread.median.per_second.max(1);
            row.percent_of.push((limit.name.clone(), percent));
        }
        self.limits.push(limit);
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "median of {RUNS} runs; {} cores shared by server, PostgreSQL (fsync on) and load generator; p50 and p99 in ms\n\n{:<34}{:>8}{:>9}{:>16}{:>9}{:>9}{:>9}  % of limit\n",
            self.cores, "over HTTP", "clients", "per s", "least - most", "p50", "p99", "CPU us"
        );
        for row in &self.rows {
            let percent: Vec<String> = row.percent_of.iter().map(|(name, percent)| format!("{percent} of {name}")).collect();
            text += &format!("{:<34}{:>8}{}{:>9}  {}\n", row.what, row.clients, figures(&row.spread), row.server_cpu_us, percent.join(", "));
        }
        text += &format!(
            "\n{:<34}{:>8}{:>9}{:>16}{:>9}{:>9}{:>9}\n",
            "the same statements alone", "conns", "per s", "least - most", "p50", "p99", "trips"
        );
        for limit in &self.limits {
            let connections = if limit.name == "pgbench-64" { 64 } else { CONNECTIONS };
            let trips = if limit.trips_tenths > 0 { tenths(limit.trips_tenths) } else { "-".into() };
            text += &format!("{:<34}{connections:>8}{}{trips:>9}\n", format!("{} ({})", limit.what, limit.name), figures(&limit.spread));
        }
        text += &format!("\nserver memory after 64 clients: {} MB\n", self.server_kib / 1024);
        for note in &self.notes {
            text += &format!("note: {note}\n");
        }
        text
    }
}

fn tenths(number: u64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

fn millis(us: u64) -> String {
    if us == 0 { "-".into() } else { format!("{}.{:02}", us / 1_000, us % 1_000 / 10) }
}

fn figures(spread: &Spread) -> String {
    let Spread { median, least_per_second, most_per_second } = spread;
    let range = format!("{least_per_second} - {most_per_second}");
    format!("{:>9}{range:>16}{:>9}{:>9}", median.per_second, millis(median.p50_us), millis(median.p99_us))
}
