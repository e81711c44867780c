//! Acts on the ledger. Subjects with a chain: ledger_entry, container_batch, container, custody_note.

mod containers;
mod correct;
mod custody;
mod entry;
mod record;

pub use containers::{register_containers, retire_container};
pub use correct::correct_entry;
pub use custody::{receive_empties, send_empties};
pub use record::record_entry;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::catalogue;
use crate::evidence::NewEvent;
use crate::platform::calendar::legal_day;
use crate::platform::problem::Text;

/// Kind of the subject in evidence.
pub(super) const SUBJECT: &str = "ledger_entry";

/// Where the duty to keep a ledger stands.
const LAW: &[&str] = &["eco_code_2026/532/para1", "solid_waste_law_2020/78/para1", "hj_1259_2022/6.3"];

/// What does not stop an entry, for its answer and its event.
#[derive(Default)]
struct Warnings(Vec<Value>);

impl Warnings {
    fn add(&mut self, code: &'static str, pointer: impl Into<String>, text: &Text, legal: &[&'static str], at: DateTime<Utc>) {
        self.0.push(json!({
            "code": code, "effect": "warn", "pointer": pointer.into(), "message": { "zh-CN": text.zh, "en": text.en },
            "legal": catalogue::in_force_on(legal, legal_day(at)),
        }));
    }
}

fn event(kind: &'static str, subject: Uuid, act: &'static str, claimed_at: DateTime<Utc>, payload: Value) -> NewEvent {
    NewEvent {
        subject_kind: kind,
        subject,
        act,
        claimed_at,
        law: catalogue::in_force_on(LAW, legal_day(claimed_at)),
        sealed: BTreeMap::new(),
        payload,
    }
}
