//! Time and ids, injected. Nothing else in the program may ask the machine what time it is.
//!
//! Instants are cut to milliseconds, so that what is stored, hashed and answered is the same text.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    ids: Arc<std::sync::Mutex<ContextV7>>,
}

#[derive(Clone)]
enum Source {
    System,
    /// Milliseconds since the epoch, moved by hand: tests and the demo's past.
    Scripted(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { source: Source::System, ids: Arc::default() }
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn scripted(start: DateTime<Utc>) -> Self {
        Self { source: Source::Scripted(Arc::new(AtomicI64::new(start.timestamp_millis()))), ids: Arc::default() }
    }

    /// The present instant, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let millis = match &self.source {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            Source::System => Utc::now().timestamp_millis(),
            Source::Scripted(millis) => millis.load(Ordering::SeqCst),
        };
        Utc.timestamp_millis_opt(millis).single().unwrap_or_default()
    }

    /// Moves a scripted clock forward (or back, for a story told out of order); a system clock stays.
    pub fn set(&self, at: DateTime<Utc>) {
        if let Source::Scripted(millis) = &self.source {
            millis.store(at.timestamp_millis(), Ordering::SeqCst);
        }
    }

    /// Moves a scripted clock by a duration.
    pub fn advance(&self, by: chrono::Duration) {
        self.set(self.now() + by);
    }

    /// A new UUIDv7 of this clock; ids of one process ascend.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let context = self.ids.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }
}

/// An instant as every answer, event and part writes it: RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
