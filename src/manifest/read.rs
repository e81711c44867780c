//! Reading a manifest: evidence for export, what the caller may do next, events.

use serde_json::Value;
use uuid::Uuid;

use super::next::{Asked, Next, next};
use super::policy::{self, Scope};
use super::store::{self, Stored};
use super::{corrections, discrepancies, incidents};
use crate::evidence::{self, Evidence, ExportedChain, ExportedEvent, ExportedPart, Head, Proof, StoredEvent};
use crate::identity::Actor;
use crate::platform::app::{App, NumberMode};
use crate::platform::calendar::legal_day;
use crate::platform::clock::rfc3339;
use crate::platform::lang::Lang;
use crate::platform::problem::Problem;

/// Unit: events of one chain in an export; a manifest has a few dozen.
const EVENTS_MAX: i32 = 2_000;

/// What is looked at, and in which request: officers' looks are logged (查阅留痕).
#[derive(Clone, Copy)]
pub struct Look(pub &'static str, pub Uuid);

/// A manifest for reading, if the actor may see it.
///
/// # Errors
/// 404.
pub async fn visible(app: &App, conn: &mut diesel_async::AsyncPgConnection, actor: &Actor, id: Uuid, what: Look) -> Result<(Stored, i64), Problem> {
    let version = store::get(conn, id, &Scope::of(actor)).await?.ok_or_else(Problem::not_found)?.version;
    let jurisdiction = if actor.is_officer() { actor.jurisdiction.as_slice() } else { &[] };
    let mut stored = store::load(conn, id, Head::NEW, jurisdiction).await?;
    if actor.is_officer() {
        evidence::log_access(conn, app.clock.new_id(), actor.user, actor.unit_id(), id, what.0, what.1, app.clock.now()).await?;
    }
    stored.head.version = version;
    Ok((stored, version))
}

/// What the caller may do now.
///
/// # Errors
/// 404.
pub async fn next_of(app: &App, actor: &Actor, id: Uuid, look: Look, lang: Lang) -> Result<Next, Problem> {
    let mut conn = app.db.get().await?;
    let (stored, _) = visible(app, &mut conn, actor, id, look).await?;
    let standing = policy::standing(&mut conn, actor, &stored).await?;
    let today = legal_day(app.clock.now());
    let say = corrections::say_of(&mut conn, &stored.record, &stored.flags, standing.unit, standing.is_authority, today).await?;
    let jurisdiction: &[String] = if actor.is_officer() { &actor.jurisdiction } else { &[] };
    let incident = incidents::waits_for(&mut conn, id, &stored.flags, standing.unit, jurisdiction).await?;
    let discrepancy = discrepancies::waits_for(&mut conn, &stored, standing.unit).await?;
    Ok(next(&stored, &standing, Asked { say, incident, discrepancy }, app.numbers == NumberMode::National, lang))
}

/// The whole evidence of a manifest: its chain, the chains of its trips, every part of every revision, signed.
///
/// # Errors
/// 404.
pub async fn evidence(app: &App, actor: &Actor, id: Uuid, look: Look) -> Result<Evidence, Problem> {
    let mut conn = app.db.get().await?;
    let (stored, _) = visible(app, &mut conn, actor, id, look).await?;
    let mut chains = vec![chain(&mut conn, app, id, "manifest").await?];
    let mut trips: Vec<Uuid> = stored.record.assignments.values().map(|assignment| assignment.trip_id).collect();
    trips.extend(stored.record.receipt.iter().flat_map(|receipt| &receipt.weighings).map(|weighing| weighing.trip_id));
    trips.sort_unstable();
    trips.dedup();
    for trip in trips {
        let chain = chain(&mut conn, app, trip, "trip").await?;
        if !chain.events.is_empty() {
            chains.push(chain);
        }
    }
    let parts = store::all_parts(&mut conn, id).await?;
    let parts = parts.into_iter().map(|(name, bytes)| ExportedPart { name, subject_id: id, bytes }).collect();
    let mut evidence = Evidence {
        format: evidence::FORMAT.to_owned(),
        exported_at: rfc3339(app.clock.now()),
        subject_id: id,
        chains,
        parts,
        kid: app.keys.proof.kid.clone(),
        signature: String::new(),
    };
    evidence.signature = hex::encode(app.keys.proof.sign(&evidence.signed_bytes()?));
    Ok(evidence)
}

async fn chain(conn: &mut diesel_async::AsyncPgConnection, app: &App, subject: Uuid, kind: &str) -> Result<ExportedChain, Problem> {
    let events = evidence::events_of(conn, subject, 0, EVENTS_MAX).await?;
    // Signed is the head that the chain itself names, not the last event that was read: a tail that is gone must show.
    let recorded_at = events.last().map_or_else(|| app.clock.now(), |last| last.recorded_at);
    let (seq, hash) = evidence::head_of(conn, subject).await?.unwrap_or((0, evidence::GENESIS.to_vec()));
    let head = Proof::sign(&app.keys.proof, subject, seq, &hash, recorded_at)?;
    let events = events
        .into_iter()
        .map(|event| {
            Ok(ExportedEvent {
                seq: event.seq,
                prev_hash: hex::encode(&event.prev_hash),
                hash: hex::encode(&event.hash),
                bytes: String::from_utf8(event.bytes).map_err(|error| Problem::internal(&error))?,
            })
        })
        .collect::<Result<_, Problem>>()?;
    Ok(ExportedChain { subject_kind: kind.to_owned(), subject_id: subject, events, head })
}

/// An event as a reader sees it: its document, with place and hash.
///
/// # Errors
/// 500 for stored bytes that are not JSON.
pub fn shown(event: &StoredEvent) -> Result<Value, Problem> {
    let mut document = event.document()?;
    document["hash"] = hex::encode(&event.hash).into();
    document["version"] = event.version.into();
    Ok(document)
}
