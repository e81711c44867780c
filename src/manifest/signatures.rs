//! Who signed a manifest (签署): read from its events, with the names of the day.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::identity::names::Names;
use crate::platform::app::App;
use crate::platform::problem::Problem;

/// An event as far as a signature needs it.
#[derive(Deserialize)]
struct Signed {
    seq: i64,
    act: String,
    actor: Option<Uuid>,
    unit: Option<Uuid>,
    method: String,
    with: Option<Uuid>,
    device_user: Option<Uuid>,
    api_key: Option<Uuid>,
    stands_in_for: Option<Uuid>,
    claimed_at: String,
    recorded_at: String,
    sealed: BTreeMap<String, IgnoredAny>,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    flags: Value,
    #[serde(default)]
    facts: Option<Facts>,
    #[serde(default)]
    proxy: Value,
}

#[derive(Deserialize, Default)]
struct Facts {
    #[serde(default)]
    leg_no: Value,
    #[serde(default)]
    signs: Value,
    #[serde(default)]
    reason: Value,
}

/// A unit's relation to the manifest, as the statement gives it.
#[derive(Deserialize)]
struct PartyRow {
    unit_id: Uuid,
    relation: String,
}

/// The signatures of a manifest, from its events and parties as JSON arrays.
///
/// # Errors
/// 500, if an event cannot be read; as the database.
pub async fn shown(app: &App, conn: &mut AsyncPgConnection, events: &str, parties: &str) -> Result<Value, Problem> {
    let broken = |error: serde_json::Error| Problem::internal(&error);
    let events: Vec<Signed> = serde_json::from_str(events).map_err(broken)?;
    let parties: Vec<PartyRow> = serde_json::from_str(parties).map_err(broken)?;
    let events: Vec<Signed> = events.into_iter().filter(|event| event.method != "system").collect();
    let mut ids: Vec<Uuid> =
        events.iter().flat_map(|event| [event.actor, event.unit, event.with, event.device_user, event.stands_in_for]).flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    let names = Names::of(app, conn, &ids).await?;
    Ok(events.iter().map(|event| event.shown(&names, &parties)).collect())
}

impl Signed {
    fn shown(&self, names: &Names, parties: &[PartyRow]) -> Value {
        let at = self.recorded_at.parse::<DateTime<Utc>>().ok();
        let name = |user: Uuid| at.and_then(|at| names.person(user, at));
        let person = |user: Option<Uuid>| user.map(|user| json!({ "user_id": user, "user_name": name(user) }));
        let mut relations: Vec<&str> = parties.iter().filter(|party| Some(party.unit_id) == self.unit).map(|party| party.relation.as_str()).collect();
        relations.sort_unstable();
        relations.dedup();
        let facts = self.payload.facts.as_ref();
        json!({
            "seq": self.seq,
            "act": self.act,
            "seals": self.sealed.keys().collect::<Vec<_>>(),
            "leg_no": facts.map(|facts| &facts.leg_no),
            "signs": facts.map(|facts| &facts.signs),
            "user_id": self.actor,
            "user_name": self.actor.and_then(name),
            "unit_id": self.unit,
            "unit_name": self.unit.and_then(|unit| names.unit(unit)),
            "relations": relations,
            "method": self.method,
            "with": person(self.with),
            "at_device_of": person(self.device_user),
            "api_key": self.api_key,
            "stands_in_for": person(self.stands_in_for.and_then(|membership| names.member(membership))),
            "claimed_at": self.claimed_at,
            "recorded_at": self.recorded_at,
            "flags": self.payload.flags,
            "reason": facts.map(|facts| &facts.reason),
            "proxy": self.payload.proxy,
        })
    }
}
