//! Load: some clients, each on its own connection, send requests without pause and note how long each took.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Failure;
use super::http::Client;

/// How long the requests are sent.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// Each once.
    Once,
    /// Round and round for this time.
    For(Duration),
}

/// One run.
pub struct Run {
    /// Answers.
    pub count: u64,
    /// Unit: microseconds from the first request to the last answer.
    pub elapsed_us: u64,
    /// Unit: microseconds, sorted.
    pub latencies_us: Vec<u64>,
    /// With [`How::Once`], the bodies in the order of the requests.
    pub bodies: Vec<Vec<u8>>,
}

/// Figures of one run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figures {
    /// Requests or transactions a second.
    pub per_second: u64,
    /// Median latency. Unit: microseconds.
    pub p50_us: u64,
    /// Unit: microseconds.
    pub p99_us: u64,
}

/// The run in the middle of several, with the slowest and the fastest.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// Of the run whose rate is the median.
    #[serde(flatten)]
    pub median: Figures,
    /// Slowest run.
    pub least_per_second: u64,
    /// Fastest run.
    pub most_per_second: u64,
}

/// The place in a sorted list below which this many percent lie.
#[must_use]
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Things a second.
#[must_use]
pub fn per_second(count: u64, elapsed_us: u64) -> u64 {
    count.saturating_mul(1_000_000) / elapsed_us.max(1)
}

/// A duration in whole microseconds.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Run {
    /// Rate and latencies.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            per_second: per_second(self.count, self.elapsed_us),
            p50_us: percentile(&self.latencies_us, 50),
            p99_us: percentile(&self.latencies_us, 99),
        }
    }
}

impl Spread {
    /// Of at least one run.
    #[must_use]
    pub fn of(mut runs: Vec<Figures>) -> Self {
        runs.sort_unstable_by_key(|run| run.per_second);
        let none = Figures { per_second: 0, p50_us: 0, p99_us: 0 };
        let at = |index: usize| runs.get(index).copied().unwrap_or(none);
        Self { median: at(runs.len() / 2), least_per_second: at(0).per_second, most_per_second: at(runs.len().saturating_sub(1)).per_second }
    }
}

/// Sends requests from some clients at once; any answer but a success ends the measurement.
///
/// # Errors
/// The first refusal, with its problem.
pub async fn run(address: SocketAddr, clients: usize, requests: Arc<Vec<Vec<u8>>>, how: How) -> Result<Run, Failure> {
    let (next, barrier) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(clients + 1)));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (requests, next, barrier) = (requests.clone(), next.clone(), barrier.clone());
        let mut client = Client::connect(address).await?;
        tasks.spawn(async move {
            barrier.wait().await;
            let began = Instant::now();
            let (mut latencies, mut bodies) = (Vec::new(), Vec::new());
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let request = match how {
                    How::Once => requests.get(index),
                    How::For(time) if began.elapsed() < time => requests.get(index % requests.len().max(1)),
                    How::For(_) => None,
                };
                let Some(request) = request else { break };
                let sent = Instant::now();
                let reply = client.send(request).await?;
                latencies.push(micros(sent.elapsed()));
                if reply.status >= 300 {
                    let head = String::from_utf8_lossy(request.get(..80.min(request.len())).unwrap_or_default()).into_owned();
                    let line = head.lines().next().unwrap_or_default().to_owned();
                    return Err(Failure::new(format!("{line}: {} {}", reply.status, String::from_utf8_lossy(&reply.body))));
                }
                if matches!(how, How::Once) {
                    bodies.push((index, reply.body));
                }
            }
            Ok::<_, Failure>((latencies, bodies))
        });
    }
    barrier.wait().await;
    let began = Instant::now();
    let (mut latencies_us, mut bodies) = (Vec::new(), Vec::new());
    while let Some(ended) = tasks.join_next().await {
        let (latencies, some) = ended??;
        latencies_us.extend(latencies);
        bodies.extend(some);
    }
    let elapsed_us = micros(began.elapsed());
    latencies_us.sort_unstable();
    bodies.sort_unstable_by_key(|(index, _)| *index);
    let count = u64::try_from(latencies_us.len()).unwrap_or(u64::MAX);
    Ok(Run { count, elapsed_us, latencies_us, bodies: bodies.into_iter().map(|(_, body)| body).collect() })
}
