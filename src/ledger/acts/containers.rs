//! Registering containers.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::event;
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{Actor, transact};
use crate::ledger::domain::{LabelSize, RegisterContainers};
use crate::ledger::refusal::{LedgerRefusal, refuse};
use crate::ledger::{policy, store};
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, kinds};

#[derive(diesel::QueryableByName)]
struct LastRow {
    #[diesel(sql_type = BigInt)]
    last: i64,
}

/// Registers containers, all alike, under codes that the server makes: `RQ` and a serial of the unit.
///
/// # Errors
/// 403; `ledger-site-not-own`.
pub async fn register_containers(call: &Call, actor: &Actor, body: RegisterContainers) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = policy::keeps_ledger(actor)?;
        if store::site(tx.conn, body.site_id).await?.is_none_or(|site| site.unit_id != unit) {
            return Err(refuse("/site_id", LedgerRefusal::SiteNotOwn));
        }
        let count = i32::try_from(body.count).unwrap_or(i32::MAX);
        let rows: Vec<LastRow> = Sql("INSERT INTO container_serials (unit_id, last) VALUES ($1, $2) \
             ON CONFLICT (unit_id) DO UPDATE SET last = container_serials.last + $2 RETURNING last")
        .bind::<SqlUuid, _>(unit)
        .bind::<Integer, _>(count)
        .load(tx.conn)
        .await?;
        let last = rows.as_slice().first().map_or(0, |row| row.last);
        let codes: Vec<String> = (last - i64::from(count) + 1..=last).map(|serial| format!("RQ{serial:06}")).collect();
        let ids: Vec<Uuid> = codes.iter().map(|_| tx.new_id()).collect();
        Sql("INSERT INTO containers (id, unit_id, site_id, code, kind, capacity_ml, is_reusable, state, material, created_at) \
             SELECT t.id, $1, $2, t.code, $5, $6, $7, 'empty', $8, $9 FROM unnest($3::uuid[], $4::text[]) AS t(id, code)")
        .bind::<SqlUuid, _>(unit)
        .bind::<SqlUuid, _>(body.site_id)
        .bind::<Array<SqlUuid>, _>(&ids)
        .bind::<Array<SqlText>, _>(&codes)
        .bind::<SqlText, _>(body.kind.as_str())
        .bind::<BigInt, _>(body.capacity_ml)
        .bind::<Bool, _>(body.is_reusable)
        .bind::<Nullable<SqlText>, _>(body.material.as_ref().map(crate::registry::Words::as_str))
        .bind::<Timestamptz, _>(tx.now())
        .execute(tx.conn)
        .await?;
        let containers: Vec<_> = ids.iter().zip(&codes).map(|(id, code)| json!({ "container_id": id, "code": code })).collect();
        let batch = tx.new_id();
        let payload = json!({
            "site_id": body.site_id, "kind": body.kind, "capacity_ml": body.capacity_ml, "is_reusable": body.is_reusable,
            "label_size": LabelSize::of(body.capacity_ml), "containers": containers,
        });
        tx.append(&Head::NEW, event("container_batch", batch, "register_containers", tx.now(), payload)).await?;
        Ok(())
    })
    .await
}

#[derive(diesel::QueryableByName)]
struct OwnRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlText)]
    code: String,
}

/// Takes a container out of use; what it held stays in its history.
///
/// # Errors
/// 403, 404; `container-not-retirable` while it is filled.
pub async fn retire_container(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row: Option<OwnRow> =
            Sql("SELECT unit_id, code FROM containers WHERE id = $1 FOR UPDATE").bind::<SqlUuid, _>(id).load(tx.conn).await?.pop();
        let row = row.filter(|row| actor.unit_id() == Some(row.unit_id)).ok_or_else(|| Problem::of(&kinds::NOT_FOUND))?;
        policy::keeps_ledger(actor)?;
        let count = Sql("UPDATE containers SET state = 'retired' WHERE id = $1 AND state IN ('empty', 'away') \
             AND NOT EXISTS (SELECT FROM fillings f WHERE f.container_id = $1 AND f.left_g > 0)")
        .bind::<SqlUuid, _>(id)
        .execute(tx.conn)
        .await?;
        if count == 0 {
            return Err(refuse("", LedgerRefusal::NotRetirable { code: row.code }));
        }
        let payload = json!({ "container_id": id, "code": row.code });
        tx.append(&Head::NEW, event("container", id, "retire_container", tx.now(), payload)).await?;
        Ok(())
    })
    .await
}
