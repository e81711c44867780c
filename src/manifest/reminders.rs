//! Reminders (催办) of a correction: a job, since nobody acts when nobody answers. Each is a system event on the manifest,
//! which moves no version, and a mark on the tasks of those who have not spoken.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

use super::rules::CORRECTION_REMINDED_AT_WORKING_DAYS;
use super::table::Act;
use super::work::SUBJECT;
use crate::evidence::{self, NewEvent};
use crate::identity;
use crate::platform::app::App;
use crate::platform::calendar::{WorkingDays, legal_day};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Corrections that one round of the job looks at.
const ROUND: i64 = 50;

/// The day of a reminder, counted from 0: the second and fourth working day; then, the due day being over, the authority of
/// the consignor is told once.
#[must_use]
pub fn day(calendar: &WorkingDays, proposed_on: NaiveDate, due_on: NaiveDate, reminded: usize) -> Option<NaiveDate> {
    match CORRECTION_REMINDED_AT_WORKING_DAYS.get(reminded) {
        Some(days) => Some(calendar.add_working_days(proposed_on, *days).last_day),
        None if reminded == CORRECTION_REMINDED_AT_WORKING_DAYS.len() => due_on.succ_opt(),
        None => None,
    }
}

#[derive(diesel::QueryableByName)]
struct DueRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    manifest_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = Timestamptz)]
    proposed_at: DateTime<Utc>,
    #[diesel(sql_type = Date)]
    due_on: NaiveDate,
    #[diesel(sql_type = Integer)]
    reminded: i32,
    #[diesel(sql_type = Text)]
    division: String,
    #[diesel(sql_type = Array<SqlUuid>)]
    waits_for: Vec<Uuid>,
}

/// Reminds where a reminder is due; gives how many there were. Each is a transaction of its own under the manifest's lock,
/// and looks again under it, so that two processes remind once.
///
/// # Errors
/// As the database.
pub async fn run(app: &App) -> Result<usize, Problem> {
    let today = legal_day(app.clock.now());
    let due: Vec<DueRow> = {
        let mut conn = app.db.get().await?;
        Sql("SELECT id, manifest_id FROM corrections WHERE state = 'open' AND remind_on <= $1 ORDER BY remind_on, id LIMIT $2")
            .bind::<Date, _>(today)
            .bind::<diesel::sql_types::BigInt, _>(ROUND)
            .load(&mut conn)
            .await?
    };
    let mut count = 0;
    for row in due {
        let said = evidence::by_system(app, row.manifest_id, async |conn: &mut AsyncPgConnection| remind(app, conn, &row, today).await).await?;
        count += usize::from(said);
    }
    Ok(count)
}

async fn remind(app: &App, conn: &mut AsyncPgConnection, due: &DueRow, today: NaiveDate) -> Result<Option<NewEvent>, Problem> {
    let open: Option<OpenRow> = Sql("SELECT c.proposed_at, c.due_on, c.reminded, m.departure_division AS division, \
         (SELECT coalesce(array_agg(v.unit_id ORDER BY v.unit_id), '{}') FROM correction_voices v WHERE v.correction_id = c.id AND v.agreed_at IS NULL) AS waits_for \
         FROM corrections c JOIN manifests m ON m.id = c.manifest_id WHERE c.id = $1 AND c.state = 'open' AND c.remind_on <= $2")
    .bind::<SqlUuid, _>(due.id)
    .bind::<Date, _>(today)
    .load(conn)
    .await?
    .pop();
    let Some(open) = open else { return Ok(None) };
    let now = app.clock.now();
    let mut reminded = usize::try_from(open.reminded).unwrap_or_default();
    let proposed_on = legal_day(open.proposed_at);
    // A server that stood still says once what it missed.
    let mut next = day(&app.working_days(), proposed_on, open.due_on, reminded);
    while next.is_some_and(|day| day <= today) {
        reminded += 1;
        next = day(&app.working_days(), proposed_on, open.due_on, reminded);
    }
    let authorities = if today > open.due_on { identity::authorities_of(conn, &open.division, today).await? } else { Vec::new() };
    Sql("WITH c AS (UPDATE corrections SET reminded = $2, remind_on = $3 WHERE id = $1), \
         t AS (UPDATE manifest_tasks SET reminded_at = $4 WHERE manifest_id = $5 AND act = $6) \
         INSERT INTO manifest_tasks (unit_id, manifest_id, act, due_on, reminded_at) SELECT a, $5, $6, $7, $4 FROM unnest($8::uuid[]) a ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(due.id)
    .bind::<Integer, _>(i32::try_from(reminded).unwrap_or(i32::MAX))
    .bind::<Nullable<Date>, _>(next)
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(due.manifest_id)
    .bind::<Text, _>(Act::Agree.as_str())
    .bind::<Date, _>(open.due_on)
    .bind::<Array<SqlUuid>, _>(&authorities)
    .execute(conn)
    .await?;
    let payload = json!({
        "correction_id": due.id, "reminder": reminded, "waits_for": open.waits_for, "authorities": authorities, "due_on": open.due_on, "warnings": [],
    });
    Ok(Some(NewEvent {
        subject_kind: SUBJECT,
        subject: due.manifest_id,
        act: "remind",
        claimed_at: now,
        law: Vec::new(),
        sealed: BTreeMap::new(),
        payload,
    }))
}
