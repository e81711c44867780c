//! What every request shares.

use std::any::TypeId;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use serde_json::Value;

use super::calendar::WorkingDays;
use super::clock::Clock;
use super::db::Db;
use super::keys::Keys;
use super::metrics::Metrics;

/// Who gives a manifest its number; fixed at first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberMode {
    /// The installation itself: demo, bench and tests. Every sheet says 演示·非国家联单.
    Local,
    /// The national system: the official number is entered or exchanged.
    National,
}

impl NumberMode {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::National => "national",
        }
    }
}

impl std::str::FromStr for NumberMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Local, Self::National].into_iter().find(|mode| mode.as_str() == text).ok_or("must be `national` or `local`")
    }
}

/// Limits, each a named setting, so that a benchmark or a fuzzer can lift it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Unit: bytes of a JSON body.
    pub body_bytes: usize,
    /// Time for a whole request body to arrive.
    pub body_time: std::time::Duration,
    /// Requests a minute for one credential; 0 lifts the limit.
    pub requests_per_minute: u32,
    /// Log-in attempts a minute from one source; 0 lifts the limit and the back-off.
    pub logins_per_minute: u32,
    /// Looks at public pages a minute from one source; 0 lifts the limit.
    pub looks_per_minute: u32,
    /// Password hashes at once; more wait in a queue eight times as long, and then get 503.
    pub hashes_at_once: usize,
    /// Event streams at once.
    pub streams: usize,
    /// Event streams at once for one credential.
    pub streams_per_credential: usize,
    /// Argon2id memory. Unit: KiB. OWASP: 19,456 with two passes.
    pub hash_memory_kib: u32,
    /// Argon2id passes.
    pub hash_passes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1_000_000,
            body_time: std::time::Duration::from_secs(20),
            requests_per_minute: 1_200,
            logins_per_minute: 30,
            looks_per_minute: 60,
            hashes_at_once: 1,
            streams: 200,
            streams_per_credential: 4,
            hash_memory_kib: 19_456,
            hash_passes: 2,
        }
    }
}

/// The shared state of one process.
pub struct App {
    /// Time and ids.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// The installation's keys.
    pub keys: Keys,
    /// Who gives numbers.
    pub numbers: NumberMode,
    /// Limits.
    pub limits: Limits,
    /// What is counted of this process.
    pub metrics: Metrics,
    /// The working-day calendar (工作日), reloaded when a new one is loaded.
    pub working_days: RwLock<Arc<WorkingDays>>,
    /// How good the text of each law is that we hold, by its id; shown wherever an article is.
    pub text_grades: super::problem::TextGrades,
    /// Where the public reaches this installation (`https://…`, no slash at the end), for addresses on paper; without it they
    /// begin with the host that the caller named.
    pub public_url: std::sync::OnceLock<String>,
    /// Where secrets and data of this process lie.
    pub data: PathBuf,
    /// The printed contract, from which body schemas are taken.
    pub contract: Value,
    /// Checks of the value types behind the contract's formats.
    pub formats: Vec<super::shape::FormatCheck>,
    /// Compiled body schemas by wire type.
    pub schemas: RwLock<HashMap<TypeId, Arc<jsonschema::Validator>>>,
    /// Features keep their process-wide caches here, by type.
    pub shelves: RwLock<HashMap<TypeId, Arc<dyn std::any::Any + Send + Sync>>>,
}

impl App {
    /// The present calendar.
    #[must_use]
    pub fn working_days(&self) -> Arc<WorkingDays> {
        self.working_days.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// A feature's process-wide cache, made on first use.
    pub fn shelf<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let key = TypeId::of::<T>();
        let found = self.shelves.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key).cloned();
        let any = found.unwrap_or_else(|| {
            let mut shelves = self.shelves.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            shelves.entry(key).or_insert_with(|| Arc::new(T::default())).clone()
        });
        any.downcast::<T>().unwrap_or_default()
    }
}
