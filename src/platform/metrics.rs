//! What is counted of a running process, for Prometheus.
//!
//! Every label has a bounded set of values: operations and kinds of refusal come from the contract, the rest is `other`. A
//! request looks its counters up by a name that it already carries, and allocates nothing.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::db::{Counts, PoolLoad};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the latency histogram; the aims of the benchmark (15 and 20 ms) lie on bounds. Unit: seconds.
const SECONDS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What belongs to no operation of the contract: other paths, and what the framework refuses itself.
const OTHER: &str = "other";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AnsweredLabels {
    operation: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    operation: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusedLabels {
    kind: &'static str,
}

/// The counters of one operation, each made when it is first needed: what never happened is not shown.
#[derive(Default)]
struct Operation {
    name: String,
    answered: [OnceLock<Counter>; CLASSES.len()],
    seconds: OnceLock<Histogram>,
}

impl Operation {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

/// Levels that are read at the moment of a look, not counted on the way.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// The pool.
    pub pool: PoolLoad,
    /// Password hashes under way.
    pub hashes_running: usize,
    /// Log-ins that wait for one.
    pub hashes_waiting: usize,
    /// Events without a number yet, and the age of the oldest in seconds; nothing where the database did not answer.
    pub feed: Option<(i64, i64)>,
    /// Open event streams.
    pub streams: usize,
}

#[derive(Default)]
struct Gauges {
    pool_in_use: Gauge,
    pool_waiting: Gauge,
    pool_max: Gauge,
    hashes_running: Gauge,
    hashes_waiting: Gauge,
    database_up: Gauge,
    feed_waiting: Gauge,
    feed_lag_s: Gauge,
    streams: Gauge,
}

/// A request under way, until this is dropped.
pub struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    answered: Family<AnsweredLabels, Counter>,
    seconds: Family<OperationLabels, Histogram, fn() -> Histogram>,
    refused: Family<RefusedLabels, Counter>,
    hashes: Counter,
    under_way: Gauge,
    operations: HashMap<String, Operation>,
    other: Operation,
    kinds: HashMap<&'static str, OnceLock<Counter>>,
    gauges: Gauges,
}

impl Metrics {
    /// Metrics of the operations in a contract and of kinds of refusal.
    #[must_use]
    pub fn new(contract: &Value, kinds: impl Iterator<Item = &'static str>, counts: &Counts) -> Self {
        let mut registry = Registry::with_prefix("liandan");
        let answered = Family::default();
        let seconds = Family::<OperationLabels, Histogram, fn() -> Histogram>::new_with_constructor(|| Histogram::new(SECONDS));
        let refused = Family::default();
        registry.register("requests", "Answers by operation and class of status", answered.clone());
        registry.register("request_seconds", "Time until the answer's head", seconds.clone());
        registry.register("refused", "Refusals by kind of problem", refused.clone());
        let hashes = Counter::default();
        registry.register("password_hashes", "Password hashes begun, of log-ins and of new passwords", hashes.clone());
        let under_way = Gauge::default();
        registry.register("requests_under_way", "Requests whose answer has not begun", under_way.clone());
        let gauges = Gauges::default();
        for (name, help, gauge) in [
            ("pool_connections_in_use", "Database connections taken from the pool", &gauges.pool_in_use),
            ("pool_requests_waiting", "Requests that wait for a database connection", &gauges.pool_waiting),
            ("pool_connections_max", "Database connections that there may be", &gauges.pool_max),
            ("password_hashes_running", "Password hashes under way", &gauges.hashes_running),
            ("password_hashes_waiting", "Log-ins that wait for a password hash", &gauges.hashes_waiting),
            ("database_up", "Whether the database answered this look", &gauges.database_up),
            ("feed_events_waiting", "Events that have no place in the feed yet", &gauges.feed_waiting),
            ("feed_lag_seconds", "Age of the oldest event without a place in the feed", &gauges.feed_lag_s),
            ("event_streams_open", "Open event streams", &gauges.streams),
        ] {
            registry.register(name, help, gauge.clone());
        }
        counts.register(&mut registry);
        let operations = contract["paths"]
            .as_object()
            .into_iter()
            .flat_map(|paths| paths.values())
            .filter_map(Value::as_object)
            .flat_map(|item| item.values())
            .filter_map(|operation| operation["operationId"].as_str())
            .map(|name| (name.to_owned(), Operation::named(name)))
            .collect();
        let kinds = kinds.map(|kind| (kind, OnceLock::new())).collect();
        Self { registry, answered, seconds, refused, hashes, under_way, operations, other: Operation::named(OTHER), kinds, gauges }
    }

    /// Counts an answer. The name is that of its route, which is its operation's in the contract.
    pub fn answered(&self, operation: Option<&str>, status: u16, took: Duration) {
        let operation = operation.and_then(|name| self.operations.get(name)).unwrap_or(&self.other);
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        if let (Some(slot), Some(status)) = (operation.answered.get(class), CLASSES.get(class)) {
            slot.get_or_init(|| self.answered.get_or_create_owned(&AnsweredLabels { operation: operation.name.clone(), status })).inc();
        }
        let labels = || OperationLabels { operation: operation.name.clone() };
        operation.seconds.get_or_init(|| self.seconds.get_or_create_owned(&labels())).observe(took.as_secs_f64());
    }

    /// Counts a refusal by its kind.
    pub fn refused(&self, code: &'static str) {
        match self.kinds.get_key_value(code) {
            Some((kind, slot)) => {
                slot.get_or_init(|| self.refused.get_or_create_owned(&RefusedLabels { kind })).inc();
            }
            None => {
                self.refused.get_or_create(&RefusedLabels { kind: OTHER }).inc();
            }
        }
    }

    /// Counts a request that begins.
    #[must_use]
    pub fn begin(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    /// How many requests are under way.
    #[must_use]
    pub fn under_way(&self) -> i64 {
        self.under_way.get()
    }

    /// Counts a password hash.
    pub fn hashed(&self) {
        self.hashes.inc();
    }

    /// Everything as text, with the levels of this moment.
    ///
    /// # Errors
    /// Never in practice; a text that cannot be written.
    pub fn text(&self, levels: &Levels) -> Result<String, std::fmt::Error> {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let gauges = &self.gauges;
        gauges.pool_in_use.set(whole(levels.pool.in_use));
        gauges.pool_waiting.set(whole(levels.pool.waiting));
        gauges.pool_max.set(whole(levels.pool.max));
        gauges.hashes_running.set(whole(levels.hashes_running));
        gauges.hashes_waiting.set(whole(levels.hashes_waiting));
        gauges.streams.set(whole(levels.streams));
        gauges.database_up.set(i64::from(levels.feed.is_some()));
        // Where the database is away the last known lag stays: `database_up` says how much it is worth.
        if let Some((waiting, lag_s)) = levels.feed {
            gauges.feed_waiting.set(waiting);
            gauges.feed_lag_s.set(lag_s);
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}
