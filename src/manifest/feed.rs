//! What a reader takes from the feed: events of the manifests that he may see, in one dense order, and reported incidents.

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::policy::Scope;
use super::read::Look;
use crate::evidence;
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::db::{Sql, TextRow};
use crate::platform::problem::Problem;

/// One event of the feed.
#[derive(diesel::QueryableByName)]
pub struct FeedRow {
    /// Its place.
    #[diesel(sql_type = BigInt)]
    pub feed_no: i64,
    /// The manifest.
    #[diesel(sql_type = SqlUuid)]
    subject: Uuid,
    /// The event as a document of one line.
    #[diesel(sql_type = Text)]
    pub doc: String,
}

/// What one look at the feed finds.
pub struct Page {
    /// Events that the reader may see.
    pub rows: Vec<FeedRow>,
    /// Where to go on.
    pub next: i64,
    /// The last place of the feed.
    pub last: i64,
    /// Whether more may follow at once.
    pub is_full: bool,
}

impl Page {
    /// The page as a document with the place to go on from.
    #[must_use]
    pub fn document(&self) -> String {
        let items: Vec<&str> = self.rows.iter().map(|row| row.doc.as_str()).collect();
        format!("{{\"events\":[{}],\"after\":{},\"last\":{}}}", items.join(","), self.next, self.last)
    }
}

/// How many places of the feed one request looks at; a reader with few manifests comes again with the cursor it got.
const WINDOW: i64 = 20_000;

/// The last place of the feed.
///
/// # Errors
/// As the database.
pub async fn last(mut conn: &AsyncPgConnection) -> Result<i64, Problem> {
    #[derive(diesel::QueryableByName)]
    struct LastRow {
        #[diesel(sql_type = BigInt)]
        last: i64,
    }
    let row: Option<LastRow> = Sql("SELECT coalesce(max(feed_no), 0) AS last FROM feed").load(&mut conn).await?.pop();
    Ok(row.map_or(0, |row| row.last))
}

/// Events after a place of the feed.
///
/// # Errors
/// As the database.
pub async fn page(conn: &mut AsyncPgConnection, scope: &Scope, after: i64, limit: i64) -> Result<Page, Problem> {
    // Read before the page: what is numbered meanwhile comes with the next one, and is never skipped.
    let last = last(conn).await?;
    let rows: Vec<FeedRow> = Sql("SELECT f.feed_no, m.id AS subject, json_build_object('feed_no', f.feed_no, 'version', e.version, 'hash', encode(e.hash, 'hex'), 'event', convert_from(e.bytes, 'UTF8')::json)::text AS doc \
         FROM feed f JOIN events e ON e.id = f.event_id JOIN manifests m ON m.id = e.subject_id \
         WHERE f.feed_no > $1 AND f.feed_no <= $2 AND (EXISTS (SELECT FROM manifest_parties p WHERE p.manifest_id = m.id AND p.unit_id = ANY($3)) \
           OR EXISTS (SELECT FROM manifest_places y JOIN division_paths d ON d.code = y.division WHERE y.manifest_id = m.id AND d.ancestor = ANY($4))) \
         ORDER BY f.feed_no LIMIT $5")
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(after.saturating_add(WINDOW).min(last))
    .bind::<Array<SqlUuid>, _>(scope.units())
    .bind::<Array<Text>, _>(&scope.jurisdiction)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let has_all = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    let next = match rows.last() {
        Some(row) if has_all => row.feed_no,
        _ => last.min(after.saturating_add(WINDOW)).max(after),
    };
    Ok(Page { rows, next, last, is_full: next < last })
}

/// An officer's look at events is a look at their manifests (查阅留痕).
///
/// # Errors
/// As the database.
pub async fn log_looks(app: &App, conn: &mut AsyncPgConnection, actor: &Actor, page: &Page, what: Look) -> Result<(), Problem> {
    if !actor.is_officer() || page.rows.is_empty() {
        return Ok(());
    }
    let mut subjects: Vec<Uuid> = page.rows.iter().map(|row| row.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let ids: Vec<Uuid> = subjects.iter().map(|_| app.clock.new_id()).collect();
    evidence::log_accesses(conn, &ids, actor.user, actor.unit_id(), &subjects, what.0, what.1, app.clock.now()).await
}

/// Incidents that concern the reader: of his manifests, or in his divisions.
///
/// # Errors
/// As the database.
pub async fn incidents(conn: &mut AsyncPgConnection, scope: &Scope, before: Uuid, limit: i64) -> Result<String, Problem> {
    let row: Option<TextRow> = Sql("SELECT json_build_object('items', coalesce(json_agg(x.doc ORDER BY x.id DESC), '[]'))::text AS doc FROM ( \
           SELECT i.id, json_build_object('id', i.id, 'manifest_id', i.manifest_id, 'number', m.number, 'kind', i.kind, 'place', i.place, 'division', i.division, \
             'reported_by', i.reported_by, 'reported_at', to_char(i.reported_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) AS doc \
           FROM incidents i JOIN manifests m ON m.id = i.manifest_id \
           WHERE i.id < $1 AND (EXISTS (SELECT FROM manifest_parties p WHERE p.manifest_id = m.id AND p.unit_id = ANY($2)) \
             OR EXISTS (SELECT FROM manifest_places y JOIN division_paths d ON d.code = y.division WHERE y.manifest_id = m.id AND d.ancestor = ANY($3))) \
           ORDER BY i.id DESC LIMIT $4) x")
    .bind::<SqlUuid, _>(before)
    .bind::<Array<SqlUuid>, _>(scope.units())
    .bind::<Array<Text>, _>(&scope.jurisdiction)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?
    .pop();
    Ok(row.map_or_else(|| "{\"items\":[]}".to_owned(), |row| row.doc))
}
