//! A script: what somebody sends at a moment. Pure data, so that the same seed and day give the same script, whatever
//! ids and keys the run makes.
//!
//! A text `$name` in a path or a body stands for what an earlier answer was bound to. No clock and no I/O here.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::Value;

use crate::platform::calendar::start_of;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When; the script's clock never goes back.
    pub at: DateTime<Utc>,
    /// Login of the person; empty for a stranger.
    pub who: String,
    /// Path below `/api/v1`.
    pub path: String,
    /// Body.
    pub body: Value,
    /// The thing whose version was seen.
    pub seen: Option<String>,
    /// What the answer gives names to: JSON pointer, name.
    pub binds: Vec<(&'static str, String)>,
}

/// A script in the making.
#[derive(Debug, Default)]
pub struct Script {
    /// The steps, in the order in which they were written.
    pub steps: Vec<Step>,
}

impl Script {
    /// Adds a request that makes something.
    pub fn make(&mut self, at: DateTime<Utc>, who: &str, path: &str, body: Value, binds: Vec<(&'static str, String)>) {
        self.steps.push(Step { at, who: who.to_owned(), path: path.to_owned(), body, seen: None, binds });
    }

    /// Adds an act upon a named thing: `on` is its name, `act` the last word of the path.
    pub fn act(&mut self, at: DateTime<Utc>, who: &str, things: &str, on: &str, act: &str, body: Value) -> &mut Step {
        let step = Step { at, who: who.to_owned(), path: format!("/{things}/${on}/{act}"), body, seen: Some(on.to_owned()), binds: Vec::new() };
        self.steps.push(step);
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// The steps by time; those of one moment stay as they were written.
    #[must_use]
    pub fn in_order(mut self) -> Vec<Step> {
        self.steps.sort_by_key(|step| step.at);
        self.steps
    }
}

/// An instant of a legal day. Unit of both: as on the clock in Dalian.
#[must_use]
pub fn at(day: NaiveDate, hour: i64, minute: i64) -> DateTime<Utc> {
    start_of(day) + Duration::hours(hour) + Duration::minutes(minute)
}
