//! System events (系统事件): the installation's own word on a subject.

use diesel::sql_types::{BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use uuid::Uuid;

use super::act::{APPEND, AppendRow, lock};
use super::chain::{Method, NewEvent, Signer, event_hash};
use crate::platform::app::App;
use crate::platform::problem::Problem;

/// Runs `body` under the subject's lock and appends the event that it gives, all in one transaction; gives whether there was
/// one. The event has its place in the chain but moves no version, so nobody's `If-Match` goes stale by it.
///
/// # Errors
/// 404 for a subject without a chain; what `body` refuses.
pub async fn by_system<F>(app: &App, subject: Uuid, body: F) -> Result<bool, Problem>
where
    F: AsyncFnOnce(&mut AsyncPgConnection) -> Result<Option<NewEvent>, Problem>,
{
    let mut conn = app.db.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *conn).await?;
    match append(&mut conn, app, subject, body).await {
        Ok(said) => {
            AnsiTransactionManager::commit_transaction(&mut *conn).await?;
            Ok(said)
        }
        Err(problem) => {
            AnsiTransactionManager::rollback_transaction(&mut *conn).await?;
            Err(problem)
        }
    }
}

async fn append<F>(conn: &mut AsyncPgConnection, app: &App, subject: Uuid, body: F) -> Result<bool, Problem>
where
    F: AsyncFnOnce(&mut AsyncPgConnection) -> Result<Option<NewEvent>, Problem>,
{
    let head = lock(conn, subject).await?;
    let Some(event) = body(conn).await? else { return Ok(false) };
    let signer = Signer { user: Uuid::nil(), membership: None, unit: None, method: Method::System, with: None, stands_in_for: None };
    let (id, now, seq) = (app.clock.new_id(), app.clock.now(), head.seq + 1);
    let bytes = event.bytes(id, seq, &signer, now, id)?;
    let rows: Vec<AppendRow> = APPEND
        .bind::<SqlUuid, _>(subject)
        .bind::<Text, _>(event.subject_kind)
        .bind::<BigInt, _>(seq)
        .bind::<BigInt, _>(head.version)
        .bind::<Binary, _>(&event_hash(&head.hash, &bytes)[..])
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(event.act)
        .bind::<Binary, _>(&head.hash[..])
        .bind::<Binary, _>(&bytes[..])
        .bind::<Timestamptz, _>(now)
        .load(conn)
        .await?;
    if rows.len() == 1 { Ok(true) } else { Err(Problem::broken("a chain moved under its lock")) }
}
