//! Acts on API keys and what they may sign.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{IdentityRefusal, administered, check_roles, event, names, new_secret, refuse};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::auth::{API_KEY_PREFIX, digest, forget_rights, transact};
use crate::identity::domain::{Actor, Role, Roles, SignedAct};
use crate::identity::store;
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals, kinds};

/// Makes an API key for the actor's unit; the key itself is told once and stored as a hash.
///
/// # Errors
/// 403 unless unit administrator, `role-of-other-kind`, `dates-out-of-order`.
pub async fn add_api_key(call: &Call, actor: &Actor, name: &str, roles: Roles, until: DateTime<Utc>) -> Result<(Outcome, String), Problem> {
    let secret = format!("{API_KEY_PREFIX}{}", new_secret(40));
    let digest = digest(&secret);
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        check_roles(roles, unit.1, "/roles")?;
        // A key that could make people and keys would outlive its own revocation.
        if roles.has(Role::UnitAdmin) || roles.has(Role::PlatformAdmin) {
            return Err(refuse("/roles", IdentityRefusal::RoleOfOtherKind(Role::UnitAdmin)));
        }
        let (id, now) = (tx.new_id(), tx.now());
        if until <= now {
            return Err(refuse("/expires_at", IdentityRefusal::DatesOutOfOrder));
        }
        store::insert_api_key(tx.conn, id, unit.0, name, &digest, roles, actor.user, now, until).await?;
        let payload = json!({ "api_key_id": id, "unit_id": unit.0, "roles": names(roles) });
        tx.append(&Head::NEW, event("api_key", id, "add_api_key", now, payload)).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, secret))
}

/// Revokes an API key; in force at once.
///
/// # Errors
/// 403, 404.
pub async fn revoke_api_key(call: &Call, actor: &Actor, key: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        let now = tx.now();
        if !store::revoke_api_key(tx.conn, key, unit.0, now).await? {
            return Err(Problem::not_found());
        }
        let head = tx.lock(key).await?;
        tx.append(&head, event("api_key", key, "revoke_api_key", now, json!({ "api_key_id": key }))).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// A signatory lets a key of his unit sign named acts in his name until a day.
///
/// # Errors
/// 403 unless the caller is a signatory himself, 404, `dates-out-of-order`, `useless-delegation`.
pub async fn delegate(call: &Call, actor: &Actor, key: Uuid, acts: Vec<SignedAct>, until: DateTime<Utc>) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (Some(membership), Some(unit)) = (actor.membership, actor.unit_id()) else { return Err(Problem::of(&kinds::FORBIDDEN)) };
        // A deputy hands his power on to nobody: the key would sign longer than he may.
        if !actor.roles.has(Role::Signatory) || actor.stands_in_for.is_some() {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let row = store::api_keys_of(tx.conn, unit).await?.into_iter().find(|row| row.id == key && row.revoked_at.is_none());
        let row = row.ok_or_else(Problem::not_found)?;
        let (id, now) = (tx.new_id(), tx.now());
        let mut refusals = Refusals::none();
        if until <= now {
            refusals.add("/until_at", IdentityRefusal::DatesOutOfOrder);
        }
        for (index, act) in acts.iter().enumerate() {
            if !act.roles().iter().any(|role| row.roles.iter().any(|held| held == role.as_str())) {
                refusals.add(format!("/acts/{index}"), IdentityRefusal::UselessDelegation(*act));
            }
        }
        refusals.or(())?;
        let acts: Vec<&str> = acts.iter().map(|act| act.as_str()).collect();
        let head = tx.lock(key).await?;
        store::insert_delegation(tx.conn, id, key, membership, &acts, now, until).await?;
        let payload = json!({ "delegation_id": id, "api_key_id": key, "signatory": actor.user, "acts": acts, "until_at": crate::platform::clock::rfc3339(until) });
        tx.append(&head, event("api_key", key, "delegate_signing", now, payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Ends a delegation; in force at once.
///
/// # Errors
/// 403 for anybody but the signatory himself and the unit's administrator, 404, `delegation-ended`.
pub async fn end_delegation(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = store::lock_delegation(tx.conn, id).await?.filter(|row| Some(row.unit_id) == actor.unit_id()).ok_or_else(Problem::not_found)?;
        let is_his = actor.session.is_some() && row.signatory_id == actor.user;
        if !(is_his || actor.roles.has(Role::UnitAdmin)) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let now = tx.now();
        if row.revoked_at.is_some() || row.until_at <= now {
            return Err(refuse("", IdentityRefusal::DelegationEnded));
        }
        let head = tx.lock(row.api_key_id).await?;
        store::end_delegation(tx.conn, id, now).await?;
        tx.append(&head, event("api_key", row.api_key_id, "end_delegation", now, json!({ "delegation_id": id, "api_key_id": row.api_key_id })))
            .await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}
