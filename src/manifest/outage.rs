//! Outage mode (停网模式): while it is open, loads leave on paper numbers and are entered afterwards.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use crate::evidence::{Head, NewEvent, Outcome, Tx};
use crate::identity::{self, Actor, Role};
use crate::platform::app::App;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, kinds};

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
