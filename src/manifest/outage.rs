//! Outage mode (停网模式): while it is open, loads leave on paper numbers and are entered afterwards; the clock of that duty.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::domain::Record;
use super::rules;
use super::store::Task;
use super::table::{self, Act, State};
use crate::evidence::{Head, NewEvent, Outcome, Tx};
use crate::identity::{self, Actor, Role};
use crate::platform::app::{App, NumberMode};
use crate::platform::calendar::{Deadline, WorkingDays, legal_day};
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, kinds};

/// Until when a transfer that ended on this day must have been entered (补录期限).
#[must_use]
pub fn due(calendar: &WorkingDays, ended_on: chrono::NaiveDate) -> Deadline {
    calendar.add_working_days(ended_on, *rules::BACK_ENTER_WITHIN_WORKING_DAYS.on(ended_on))
}

/// Until when a load that left without the national number must have it: the clock runs from the day of receipt, and until
/// then from the planned one, so that a date is seen from the first day on. None where nothing is owed.
#[must_use]
pub fn back_entry(app: &App, record: &Record, flags: &BTreeSet<String>, official_no: Option<&str>) -> Option<Deadline> {
    let has_left = record.release.is_some() || record.receipt.is_some();
    let on_paper = [&table::ON_PAPER, &table::BACK_ENTERED].iter().any(|rule| flags.contains(rule.kind.code));
    if app.numbers != NumberMode::National || official_no.is_some() || !has_left || !on_paper || record.state == State::Cancelled {
        return None;
    }
    let received_on = record.receipt.as_ref().map(|receipt| legal_day(receipt.received_at));
    let released_on = record.release.as_ref().map(|release| legal_day(release.released_at));
    let planned_on = record.consignment.planned_receipt_on;
    Some(due(&app.working_days(), received_on.unwrap_or_else(|| released_on.map_or(planned_on, |day| day.max(planned_on)))))
}

/// The consignor's task of entering the national number afterwards.
#[must_use]
pub fn task(app: &App, record: &Record, flags: &BTreeSet<String>, official_no: Option<&str>) -> Option<Task> {
    let deadline = back_entry(app, record, flags, official_no)?;
    Some((record.consignment.consignor.unit_id, Act::RecordOfficialNo, Some(deadline.last_day)))
}

fn event(outage: Uuid, act: &'static str, at: DateTime<Utc>, payload: serde_json::Value) -> NewEvent {
    NewEvent { subject_kind: "outage", subject: outage, act, claimed_at: at, law: vec!["decree_23_2021/20"], sealed: BTreeMap::new(), payload }
}

/// A platform administrator opens outage mode with a reason.
///
/// # Errors
/// 403; 409 `conflict` while one is open.
pub async fn open(call: &Call, actor: &Actor, reason: &str) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        if !actor.roles.has(Role::PlatformAdmin) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let (id, now) = (tx.new_id(), tx.now());
        let opened = Sql("INSERT INTO outages (id, opened_by, opened_at, reason) SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM outages WHERE closed_at IS NULL)")
            .bind::<SqlUuid, _>(id)
            .bind::<SqlUuid, _>(actor.user)
            .bind::<Timestamptz, _>(now)
            .bind::<Text, _>(reason)
            .execute(tx.conn)
            .await?;
        if opened == 0 {
            return Err(Problem::of(&kinds::CONFLICT));
        }
        tx.append(&Head::NEW, event(id, "open_outage", now, json!({ "outage_id": id, "reason": reason }))).await?;
        Ok(())
    })
    .await
}

/// Closes outage mode.
///
/// # Errors
/// 403, 404, 412.
pub async fn close(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        if !actor.roles.has(Role::PlatformAdmin) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        let closed = Sql("UPDATE outages SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL")
            .bind::<SqlUuid, _>(id)
            .bind::<Timestamptz, _>(now)
            .execute(tx.conn)
            .await?;
        if closed == 0 {
            return Err(Problem::not_found());
        }
        tx.append(&head, event(id, "close_outage", now, json!({ "outage_id": id }))).await?;
        Ok(())
    })
    .await
}

/// An outage, as everybody may see it.
#[derive(diesel::QueryableByName, serde::Serialize, utoipa::ToSchema)]
pub struct Outage {
    /// Id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Why.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// From when.
    #[diesel(sql_type = Timestamptz)]
    pub opened_at: DateTime<Utc>,
    /// Until when; absent while it is open.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub closed_at: Option<DateTime<Utc>>,
}

/// The latest outages, newest first.
///
/// # Errors
/// As the database.
pub async fn list(app: &App) -> Result<Vec<Outage>, Problem> {
    let mut conn = app.db.get().await?;
    Ok(Sql("SELECT id, reason, opened_at, closed_at FROM outages ORDER BY id DESC LIMIT 100").load(&mut conn).await?)
}
