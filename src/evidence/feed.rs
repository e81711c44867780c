//! The feed: committed events in one dense order.
//!
//! Acts only append; one job at a time numbers what has become visible. An event not yet visible waits
//! its turn in `unfed`, so a late committer is never skipped.

use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};

use crate::platform::app::App;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Unit: events a round.
const ROUND: i64 = 1_000;

/// Numbers waiting events; gives how many. Runs nothing while another process holds the lease.
///
/// # Errors
/// As the database.
pub async fn run_feed(app: &App) -> Result<usize, Problem> {
    let mut conn = app.db.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *conn).await?;
    let result = number_waiting(&mut conn, app).await;
    match result {
        Ok(count) => AnsiTransactionManager::commit_transaction(&mut *conn).await.map(|()| count).map_err(Problem::from),
        Err(problem) => {
            AnsiTransactionManager::rollback_transaction(&mut *conn).await?;
            Err(problem)
        }
    }
}

async fn number_waiting(conn: &mut diesel_async::AsyncPgConnection, app: &App) -> Result<usize, Problem> {
    use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
    // The row's lock is the lease: it ends with the transaction, also when the process dies.
    Sql("INSERT INTO leases (name, holder, held_until) VALUES ('feed', $1, $2) ON CONFLICT (name) DO NOTHING")
        .bind::<SqlUuid, _>(app.clock.new_id())
        .bind::<Timestamptz, _>(app.clock.now())
        .execute(conn)
        .await?;
    if Sql("SELECT FROM leases WHERE name = 'feed' FOR UPDATE SKIP LOCKED").execute(conn).await? == 0 {
        return Ok(0);
    }
    Ok(Sql("WITH taken AS (DELETE FROM unfed WHERE event_id IN (SELECT event_id FROM unfed ORDER BY event_id LIMIT $1) RETURNING event_id), \
         base AS (SELECT coalesce(max(feed_no), 0) AS last FROM feed) \
         INSERT INTO feed (feed_no, event_id) SELECT base.last + row_number() OVER (ORDER BY taken.event_id), taken.event_id FROM taken, base")
    .bind::<BigInt, _>(ROUND)
    .execute(conn)
    .await?)
}
