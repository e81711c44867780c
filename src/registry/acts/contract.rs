//! Acts on contracts.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{RegistryRefusal, event, refuse};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{self, Actor, transact};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals};
use crate::registry::domain::ContractStatement;
use crate::registry::{policy, store};

/// Records a contract; the clerk of either party does it once for both.
///
/// Legal source: `decree_23_2021/10/1`.
///
/// # Errors
/// 403; `same-unit`, `not-party`, `unknown-unit-or-site`, `days-out-of-order`.
pub async fn record_contract(call: &Call, actor: &Actor, contract: ContractStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = policy::verified_states_for(actor)?;
        let mut refusals = Refusals::none();
        if contract.consignor_id == contract.other_id {
            refusals.add("/other_id", RegistryRefusal::SameUnit);
        }
        if ![contract.consignor_id, contract.other_id].contains(&unit) {
            refusals.add("", RegistryRefusal::NotParty);
        }
        for (pointer, party) in [("/consignor_id", contract.consignor_id), ("/other_id", contract.other_id)] {
            if identity::unit_by_id(tx.conn, party).await?.is_none() {
                refusals.add(pointer, RegistryRefusal::Unknown);
            }
        }
        if contract.until_on < contract.from_on {
            refusals.add("/until_on", RegistryRefusal::DaysOutOfOrder);
        }
        refusals.or(())?;
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_contract(tx.conn, id, unit, &contract, now).await?;
        let payload = json!({
            "contract_id": id, "consignor_id": contract.consignor_id, "other_id": contract.other_id, "number": contract.number,
            "from_on": contract.from_on, "until_on": contract.until_on,
        });
        tx.append(&Head::NEW, event(tx, "contract", id, "record_contract", &["decree_23_2021/10/1"], payload)).await?;
        Ok(())
    })
    .await
}

/// Ends a contract earlier: names its last day.
///
/// # Errors
/// 403, 404, 412; `days-out-of-order`.
pub async fn end_contract(call: &Call, actor: &Actor, id: Uuid, until: NaiveDate) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::contract_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let unit = actor.unit_id().filter(|unit| [stored.consignor_id, stored.other_id].contains(unit)).ok_or_else(Problem::not_found)?;
        policy::verified_states_for(actor)?;
        tx.seen(id, &head).await?;
        if until < stored.from_on || until > stored.until_on {
            return Err(refuse("/until_on", RegistryRefusal::DaysOutOfOrder));
        }
        store::end_contract(tx.conn, id, until).await?;
        let payload = json!({ "contract_id": id, "ended_by": unit, "until_on": until });
        tx.append(&head, event(tx, "contract", id, "end_contract", &[], payload)).await?;
        Ok(())
    })
    .await
}
