//! Correcting an entry: a reversal beside it, and perhaps a new entry; the original stays.

use diesel_async::AsyncPgConnection;
use serde_json::json;
use uuid::Uuid;

use super::{SUBJECT, event, record};
use crate::evidence::{Outcome, Tx};
use crate::identity::{Actor, transact};
use crate::ledger::domain::{CorrectEntry, EntryKind};
use crate::ledger::refusal::{LedgerRefusal, refuse};
use crate::ledger::reversal;
use crate::ledger::{policy, store};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, kinds};

/// Corrects an entry: reverses what it moved, as of the time for which it was entered, and enters what is right.
///
/// # Errors
/// 403, 404, 412; `entry-reversed`, `entry-is-reversal`, `entry-of-manifest`, `entry-in-the-way`, and those of a record.
pub async fn correct_entry(call: &Call, actor: &Actor, id: Uuid, body: CorrectEntry) -> Result<Outcome, Problem> {
    transact(call, actor, 3, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = reversal::entry(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        if actor.unit_id() != Some(stored.unit_id) {
            return Err(Problem::not_found());
        }
        let unit = policy::keeps_ledger(actor)?;
        if stored.kind == EntryKind::Corrected.as_str() {
            return Err(refuse("", LedgerRefusal::EntryIsReversal));
        }
        if let Some(manifest) = stored.manifest_id {
            return Err(refuse("", LedgerRefusal::EntryOfManifest { manifest: manifest.to_string() }));
        }
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        if body.entry.as_ref().is_some_and(|entry| entry.site_id != stored.site_id) {
            return Err(refuse("/entry/site_id", LedgerRefusal::OtherSite));
        }
        let conn: &AsyncPgConnection = tx.conn;
        store::lock_stocks(conn, stored.site_id, std::slice::from_ref(&stored.waste_code)).await?;
        // Read again under the lock: another may have reversed it meanwhile.
        let stored = reversal::entry(tx.conn, id).await?.ok_or_else(|| Problem::of(&kinds::NOT_FOUND))?;
        if stored.is_reversed {
            return Err(refuse("", LedgerRefusal::EntryReversed));
        }
        let mut entries = reversal::stored_at_once(tx.conn, id).await?;
        entries.insert(0, stored.clone());
        let reversed = reversal::reverse(tx, &entries, &actor.name, Some(body.reason.as_str()), true).await?;
        let reversals: Vec<Uuid> = reversed.entry_ids().collect();
        let payload = json!({
            "entry_id": id, "site_id": stored.site_id, "batch": stored.batch, "code": stored.waste_code, "mass_g": stored.mass_g, "reversals": reversals,
            "reason": body.reason, "is_replaced": body.entry.is_some(),
        });
        let write = async |conn: &AsyncPgConnection| reversed.write(conn).await;
        tx.append_and(&head, event(SUBJECT, id, "correct_entry", tx.now(), payload), write).await?;
        if let Some(entry) = &body.entry {
            record::book(tx, unit, entry, Some(id), "/entry").await?;
        }
        Ok(())
    })
    .await
}
