//! System events (系统事件): the installation's own word on a subject.

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use uuid::Uuid;

use super::act::{append_still, lock};
use super::chain::{NewEvent, Signer};
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
    let signer = Signer::system();
    let id = app.clock.new_id();
    append_still(conn, &head, &event, &signer, (id, id), app.clock.now()).await?;
    Ok(true)
}
