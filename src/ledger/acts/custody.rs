//! Reusable empties go home (空桶交接): sent by whoever emptied them, received by the unit that they belong to.

use diesel::sql_types::{Array, Bool, Date, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::event;
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{Actor, transact};
use crate::ledger::domain::{ReceiveEmpties, SendEmpties};
use crate::ledger::refusal::{LedgerRefusal, refuse};
use crate::ledger::{policy, store};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, Refusals, kinds};

#[derive(diesel::QueryableByName)]
struct EmptyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlText)]
    code: String,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_reusable: bool,
    #[diesel(sql_type = Bool)]
    is_here: bool,
}

/// Sends empties home from a site of the actor's unit.
///
/// # Errors
/// 403; `ledger-site-not-own`, `container-unknown`, `container-not-here`, `empty-is-waste`, `custody-not-to-owner`, `sent-in-future`.
pub async fn send_empties(call: &Call, actor: &Actor, body: SendEmpties) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = policy::keeps_ledger(actor)?;
        if !actor.is_verified() {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let mut refusals = Refusals::none();
        if store::site(tx.conn, body.site_id).await?.is_none_or(|site| site.unit_id != unit) {
            refusals.add("/site_id", LedgerRefusal::SiteNotOwn);
        }
        if body.sent_on > legal_day(tx.now()) {
            refusals.add("/sent_on", LedgerRefusal::SentInFuture);
        }
        let to = store::site(tx.conn, body.to_site_id).await?;
        let rows: Vec<EmptyRow> =
            Sql("SELECT c.id, c.code, c.unit_id, c.is_reusable, c.state = 'empty' AND c.site_id = $2 AS is_here FROM containers c \
             JOIN sites s ON s.id = c.site_id WHERE c.id = ANY($1) AND (s.unit_id = $3 OR c.unit_id = $3) ORDER BY c.id FOR UPDATE OF c")
            .bind::<Array<SqlUuid>, _>(&body.containers)
            .bind::<SqlUuid, _>(body.site_id)
            .bind::<SqlUuid, _>(unit)
            .load(tx.conn)
            .await?;
        for (index, id) in body.containers.iter().enumerate() {
            let place = format!("/containers/{index}");
            if body.containers.iter().take(index).any(|one| one == id) {
                refusals.add(place, LedgerRefusal::ContainerGivenTwice);
                continue;
            }
            match rows.iter().find(|row| row.id == *id) {
                // Of containers that are neither his nor on his sites nothing is told.
                None => refusals.add(place, LedgerRefusal::ContainerUnknown),
                Some(row) if !row.is_here => refusals.add(place, LedgerRefusal::ContainerNotHere { code: row.code.clone() }),
                Some(row) if !row.is_reusable => refusals.add(place, LedgerRefusal::EmptyIsWaste { code: row.code.clone() }),
                Some(row) if to.as_ref().is_none_or(|to| to.unit_id != row.unit_id) => {
                    refusals.add(place, LedgerRefusal::NotItsOwner { code: row.code.clone() });
                }
                Some(_) => {}
            }
        }
        let to = refusals.or(to)?.ok_or_else(|| refuse("/to_site_id", LedgerRefusal::SiteNotOwn))?;
        let (id, now) = (tx.new_id(), tx.now());
        Sql("WITH n AS (INSERT INTO custody_notes (id, unit_id, site_id, to_unit_id, to_site_id, plate, sent_on, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)), \
             k AS (INSERT INTO custody_containers (note_id, container_id) SELECT $1, unnest($9::uuid[])) \
             UPDATE containers SET state = 'away', filling_id = NULL WHERE id = ANY($9)")
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(body.site_id)
        .bind::<SqlUuid, _>(to.unit_id)
        .bind::<SqlUuid, _>(body.to_site_id)
        .bind::<SqlText, _>(body.plate.to_string())
        .bind::<Date, _>(body.sent_on)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(&body.containers)
        .execute(tx.conn)
        .await?;
        let payload = json!({
            "note_id": id, "unit_id": unit, "site_id": body.site_id, "to_unit_id": to.unit_id, "to_site_id": body.to_site_id, "plate": body.plate,
            "sent_on": body.sent_on, "containers": body.containers,
        });
        tx.append(&Head::NEW, event("custody_note", id, "send_empties", now, payload)).await?;
        Ok(())
    })
    .await
}

#[derive(diesel::QueryableByName)]
struct NoteRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    to_unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    to_site_id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    received_at: Option<chrono::DateTime<chrono::Utc>>,
    #[diesel(sql_type = Array<SqlUuid>)]
    containers: Vec<Uuid>,
}

/// The unit that they belong to receives its empties; one that did not come is named and stays away.
///
/// # Errors
/// 403, 404, 412; `custody-received`, `container-unknown`.
pub async fn receive_empties(call: &Call, actor: &Actor, id: Uuid, body: ReceiveEmpties) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let note: Option<NoteRow> = Sql("SELECT n.unit_id, n.to_unit_id, n.to_site_id, n.received_at, \
             (SELECT array_agg(k.container_id ORDER BY k.container_id) FROM custody_containers k WHERE k.note_id = n.id) AS containers \
             FROM custody_notes n WHERE n.id = $1")
        .bind::<SqlUuid, _>(id)
        .load(tx.conn)
        .await?
        .pop();
        let note = note.ok_or_else(Problem::not_found)?;
        if actor.unit_id() != Some(note.to_unit_id) {
            let is_sender = actor.unit_id() == Some(note.unit_id);
            return Err(if is_sender { Problem::of(&kinds::FORBIDDEN) } else { Problem::not_found() });
        }
        policy::keeps_ledger(actor)?;
        tx.seen(id, &head).await?;
        if note.received_at.is_some() {
            return Err(refuse("", LedgerRefusal::CustodyEnded));
        }
        let mut refusals = Refusals::none();
        for (index, _) in body.missing.iter().enumerate().filter(|(_, one)| !note.containers.contains(one)) {
            refusals.add(format!("/missing/{index}"), LedgerRefusal::ContainerUnknown);
        }
        refusals.or(())?;
        let now = tx.now();
        let come: Vec<Uuid> = note.containers.into_iter().filter(|one| !body.missing.contains(one)).collect();
        Sql("WITH n AS (UPDATE custody_notes SET received_at = $2 WHERE id = $1), \
             k AS (UPDATE custody_containers SET has_come = (container_id = ANY($3)) WHERE note_id = $1) \
             UPDATE containers SET state = 'empty', site_id = $4, filling_id = NULL WHERE id = ANY($3) AND state = 'away'")
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(&come)
        .bind::<SqlUuid, _>(note.to_site_id)
        .execute(tx.conn)
        .await?;
        let payload = json!({ "note_id": id, "come": come, "missing": body.missing });
        tx.append(&head, event("custody_note", id, "receive_empties", now, payload)).await?;
        Ok(())
    })
    .await
}
