//! What became of what was sent (去向核实): the consignor verifies in time what the receiver did with it
//! (`decree_23_2021/10`). The decree names no days, so lateness here is a list and never a fault.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::input::CheckFate;
use super::policy::Scope;
use super::table::Act;
use super::work::{self, Said, Step};
use crate::evidence::{Outcome, Tx};
use crate::identity::{self, Actor};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// The consignor has asked what became of the load and says so. It is asked again when as many days have passed as before.
///
/// # Errors
/// 404, 403, 412, 409 for what is not yet accepted or is treated already.
pub async fn check(call: &Call, actor: &Actor, id: Uuid, body: CheckFate) -> Result<Outcome, Problem> {
    identity::transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (stored, permit) = work::open(tx, actor, id, Act::CheckFate, Said::NOTHING).await?;
        let (check, now) = (tx.new_id(), tx.now());
        Sql("INSERT INTO fate_checks (id, manifest_id, unit_id, checked_at, note) VALUES ($1, $2, $3, $4, $5)")
            .bind::<SqlUuid, _>(check)
            .bind::<SqlUuid, _>(id)
            .bind::<SqlUuid, _>(permit.speaks_for())
            .bind::<Timestamptz, _>(now)
            .bind::<Nullable<Text>, _>(body.note.as_deref())
            .execute(tx.conn)
            .await?;
        let step = Step::new(Act::CheckFate, now).saying(json!({ "fate_check_id": check, "note": body.note }));
        work::finish(tx, stored, step).await?;
        Ok(())
    })
    .await
}

/// A load of which nobody has said what became of it.
#[derive(Debug, diesel::QueryableByName, Serialize, ToSchema)]
pub struct Untreated {
    /// The manifest.
    #[diesel(sql_type = SqlUuid)]
    pub manifest_id: Uuid,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
    /// 联单编号 of this installation.
    #[diesel(sql_type = Nullable<Text>)]
    number: Option<String>,
    /// 国家联单编号.
    #[diesel(sql_type = Nullable<Text>)]
    official_no: Option<String>,
    /// 移出人.
    #[diesel(sql_type = SqlUuid)]
    consignor_id: Uuid,
    /// Its name at issue.
    #[diesel(sql_type = Text)]
    consignor_name: String,
    /// 接受人.
    #[diesel(sql_type = SqlUuid)]
    receiver_id: Uuid,
    /// Its name at issue.
    #[diesel(sql_type = Text)]
    receiver_name: String,
    /// 废物代码 of its lines.
    #[diesel(sql_type = Array<Text>)]
    codes: Vec<String>,
    /// Mass accepted, in grams.
    #[diesel(sql_type = Nullable<BigInt>)]
    accepted_g: Option<i64>,
    /// 接受日.
    #[diesel(sql_type = Date)]
    received_on: NaiveDate,
    /// Days since then.
    #[diesel(sql_type = BigInt)]
    days: i64,
    /// When the consignor asked last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    checked_at: Option<DateTime<Utc>>,
}

const UNTREATED: Sql = Sql(
    "SELECT m.id AS manifest_id, s.version, m.number, m.official_no, m.consignor_id, m.consignor_name, m.receiver_id, m.receiver_name, m.codes, \
     m.accepted_g, m.received_on, ($3::date - m.received_on)::bigint AS days, c.checked_at \
     FROM manifests m JOIN streams s ON s.subject_id = m.id \
     LEFT JOIN LATERAL (SELECT max(f.checked_at) AS checked_at FROM fate_checks f WHERE f.manifest_id = m.id) c ON true \
     WHERE m.state IN ('confirmed', 'partly_confirmed') AND m.voided_at IS NULL AND m.link_kind IS DISTINCT FROM 'return' AND m.received_on <= $4 AND m.id < $5 \
     AND (c.checked_at IS NULL OR c.checked_at < $6) \
     AND (m.consignor_id = ANY($1) OR EXISTS (SELECT FROM division_paths d WHERE d.code = m.departure_division AND d.ancestor = ANY($2))) \
     ORDER BY m.id DESC LIMIT $7",
);

/// Loads received so many days ago or more, of which no treatment is recorded and after which nobody has asked for so long:
/// a consignor's own, an officer's of his divisions.
///
/// # Errors
/// As the database.
pub async fn untreated(
    conn: &mut AsyncPgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    after_days: i64,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Untreated>, Problem> {
    let (today, after) = (legal_day(now), Duration::days(after_days));
    Ok(UNTREATED
        .bind::<Array<SqlUuid>, _>(scope.units())
        .bind::<Array<Text>, _>(&scope.jurisdiction)
        .bind::<Date, _>(today)
        .bind::<Date, _>(today - after)
        .bind::<SqlUuid, _>(before)
        .bind::<Timestamptz, _>(now - after)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?)
}
