//! Names as of a day (当日姓名): events hold ids, whoever may read them sees names.
//!
//! Kept in the process, because the same few people sign all manifests of a unit: a reading asks the database only about whom
//! it has not met within the last ten seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::platform::app::App;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// A new name must be seen soon; those of earlier days never change.
const KEPT: Duration = Duration::seconds(10);
/// Entries; beyond it all are forgotten, so that memory stays bounded.
const ENTRIES_MAX: usize = 20_000;

#[derive(diesel::QueryableByName, Clone)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    from_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
}

const KNOWN: Sql = Sql("SELECT user_id AS id, from_at, name, NULL::uuid AS user_id FROM user_names WHERE user_id = ANY($1) \
     UNION ALL SELECT id, NULL, name, NULL FROM units WHERE id = ANY($1) \
     UNION ALL SELECT id, NULL, '', user_id FROM memberships WHERE id = ANY($1)");

/// What is known of one id, and since when.
type Known = (DateTime<Utc>, Arc<[Row]>);

#[derive(Default)]
struct Cache(Mutex<HashMap<Uuid, Known>>);

/// The names of people, units and memberships that one reading needs.
#[derive(Default)]
pub struct Names(HashMap<Uuid, Arc<[Row]>>);

impl Names {
    /// Looks up whoever stands behind these ids: users, units, memberships.
    ///
    /// # Errors
    /// As the database.
    pub async fn of(app: &App, conn: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Self, Problem> {
        let mut names = Self::default();
        names.learn(app, conn, ids).await?;
        let people: Vec<Uuid> = names.0.values().flat_map(|rows| rows.iter()).filter_map(|row| row.user_id).collect();
        if !people.is_empty() {
            names.learn(app, conn, &people).await?;
        }
        Ok(names)
    }

    async fn learn(&mut self, app: &App, conn: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<(), Problem> {
        let (cache, now) = (app.shelf::<Cache>(), app.clock.now());
        let mut unknown = Vec::new();
        {
            let kept = cache.0.lock().unwrap_or_else(PoisonError::into_inner);
            for id in ids {
                match kept.get(id) {
                    Some((at, rows)) if now - *at < KEPT && *at <= now => drop(self.0.insert(*id, rows.clone())),
                    _ => unknown.push(*id),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let mut found: HashMap<Uuid, Vec<Row>> = unknown.iter().map(|id| (*id, Vec::new())).collect();
        for row in KNOWN.bind::<Array<SqlUuid>, _>(&unknown).load::<Row>(conn).await? {
            found.entry(row.id).or_default().push(row);
        }
        let mut kept = cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() > ENTRIES_MAX {
            kept.clear();
        }
        for (id, rows) in found {
            let rows: Arc<[Row]> = rows.into();
            kept.insert(id, (now, rows.clone()));
            self.0.insert(id, rows);
        }
        Ok(())
    }

    /// A person's name at an instant.
    #[must_use]
    pub fn person(&self, user: Uuid, at: DateTime<Utc>) -> Option<&str> {
        let rows = self.0.get(&user)?.iter().filter(|row| row.from_at.is_some_and(|from| from <= at));
        rows.max_by_key(|row| row.from_at).map(|row| row.name.as_str())
    }
    /// A unit's name.
    #[must_use]
    pub fn unit(&self, unit: Uuid) -> Option<&str> {
        self.0.get(&unit)?.iter().find(|row| row.from_at.is_none() && row.user_id.is_none()).map(|row| row.name.as_str())
    }
    /// Whose membership it is.
    #[must_use]
    pub fn member(&self, membership: Uuid) -> Option<Uuid> {
        self.0.get(&membership)?.iter().find_map(|row| row.user_id)
    }
}
