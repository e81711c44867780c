//! Acts on people (人员): accounts, memberships, deputies, secrets.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::sessions::BackOff;
use super::{
    IdentityRefusal, PASSWORD_MIN, PIN_MIN, PersonFacts, Secret, administered, check_length, check_roles, event, insert_person, names, new_secret,
    refuse,
};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::auth::{forget_rights, transact};
use crate::identity::domain::{Actor, Role, Roles};
use crate::identity::{password, store};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals, Text, kinds};

/// Adds a person to the actor's unit. The password is made here and told once: nobody chooses another's.
///
/// # Errors
/// 403 unless unit administrator; `login-taken`, `no-role`, `role-of-other-kind`.
pub async fn add_user(call: &Call, actor: &Actor, person: PersonFacts, roles: Roles) -> Result<(Outcome, String), Problem> {
    let secret = new_secret(12);
    let hash = password::hash(&call.app, &secret).await?;
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        check_roles(roles, unit.1, "/roles")?;
        let (user, membership) = insert_person(tx, &person, unit.0, Secret::Told(&hash), roles).await?;
        let payload = json!({ "user_id": user, "membership_id": membership, "unit_id": unit.0, "roles": names(roles) });
        tx.append(&Head::NEW, event("user", user, "add_user", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, secret))
}

/// A first administrator registered with his unit has no chain of his own yet.
pub(super) async fn head_of(tx: &mut Tx<'_>, user: Uuid) -> Result<Head, Problem> {
    match tx.lock(user).await {
        Err(problem) if problem.status == 404 => Ok(Head::NEW),
        other => other,
    }
}

/// Ends a membership today. Signatures keep the name of their day; open tasks belong to the unit.
///
/// # Errors
/// 403, 404, `membership-ended`.
pub async fn end_membership(call: &Call, actor: &Actor, membership: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = own_membership(tx, actor, membership).await?;
        let head = head_of(tx, row.user_id).await?;
        let now = tx.now();
        store::end_membership(tx.conn, membership, now).await?;
        tx.append(&head, event("user", row.user_id, "end_membership", now, json!({ "membership_id": membership, "unit_id": row.unit_id }))).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Changes the roles of a membership; in force at once.
///
/// # Errors
/// 403, 404, `membership-ended`, `no-role`, `role-of-other-kind`.
pub async fn set_roles(call: &Call, actor: &Actor, membership: Uuid, roles: Roles) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        check_roles(roles, administered(actor)?.1, "/roles")?;
        let row = own_membership(tx, actor, membership).await?;
        let head = head_of(tx, row.user_id).await?;
        store::set_roles(tx.conn, membership, roles).await?;
        let payload = json!({ "membership_id": membership, "unit_id": row.unit_id, "roles": names(roles) });
        tx.append(&head, event("user", row.user_id, "set_roles", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Names a deputy for a signatory between two days, both included.
///
/// # Errors
/// 403, 404, `not-signatory`, `dates-out-of-order`.
pub async fn name_deputy(call: &Call, actor: &Actor, membership: Uuid, deputy: Uuid, from: NaiveDate, until: NaiveDate) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = own_membership(tx, actor, membership).await?;
        own_membership(tx, actor, deputy).await?;
        let mut refusals = Refusals::none();
        if !row.roles.iter().any(|role| role == Role::Signatory.as_str()) {
            refusals.add("/membership_id", IdentityRefusal::NotSignatory);
        }
        if until < from || (until - from).num_days() > 366 {
            refusals.add("/until_on", IdentityRefusal::DatesOutOfOrder);
        }
        refusals.or(())?;
        let head = head_of(tx, row.user_id).await?;
        let id = tx.new_id();
        store::insert_deputy(tx.conn, id, membership, deputy, from, until).await?;
        let payload = json!({ "membership_id": membership, "deputy_id": deputy, "from_on": from, "until_on": until });
        tx.append(&head, event("user", row.user_id, "name_deputy", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

async fn own_membership(tx: &mut Tx<'_>, actor: &Actor, membership: Uuid) -> Result<store::MembershipRow, Problem> {
    let unit = administered(actor)?;
    let row = store::membership_by_id(tx.conn, membership).await?.filter(|row| row.unit_id == unit.0).ok_or_else(Problem::not_found)?;
    if row.ended_at.is_some() { Err(refuse("", IdentityRefusal::MembershipEnded)) } else { Ok(row) }
}

/// Changes the caller's own password or PIN; other sessions of the person end. Tries at the present password wait as those
/// at log-in do, counted for the session: whoever stole one cannot lock the person out of another.
///
/// # Errors
/// 403 when the present password is wrong or a key calls, 429, `secret-too-short`, 503.
pub async fn change_secret(call: &Call, actor: &Actor, current: &str, password: Option<&str>, pin: Option<&str>) -> Result<Outcome, Problem> {
    let Some(session) = actor.session else { return Err(Problem::of(&kinds::FORBIDDEN)) };
    // What can be refused without hashing is refused before it.
    for (secret, min, pointer) in [(password, PASSWORD_MIN, "/password"), (pin, PIN_MIN, "/pin")] {
        secret.map_or(Ok(()), |secret| check_length(secret, min, pointer))?;
    }
    let source = session.to_string();
    let backoff = BackOff::of(&call.app, &format!("change_secret/{}", actor.user), &source);
    backoff.admit().await?;
    let account = {
        let mut conn = call.app.db.get().await?;
        store::account_by_id(&mut conn, actor.user).await?
    };
    if !password::matches(&call.app, current, account.and_then(|account| account.password_hash).as_deref()).await? {
        backoff.failed().await?;
        return Err(Problem::forbidden(Text::new("当前密码不正确", "The present password is wrong")));
    }
    backoff.passed().await?;
    let mut hashes = (None, None);
    if let Some(secret) = password {
        hashes.0 = Some(password::hash(&call.app, secret).await?);
    }
    if let Some(secret) = pin {
        hashes.1 = Some(password::hash(&call.app, secret).await?);
    }
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = head_of(tx, actor.user).await?;
        let now = tx.now();
        store::set_secret(tx.conn, actor.user, hashes.0.as_deref(), hashes.1.as_deref()).await?;
        store::end_sessions_of_user(tx.conn, actor.user, actor.session, now).await?;
        tx.append(&head, event("user", actor.user, "change_secret", now, json!({ "password": hashes.0.is_some(), "pin": hashes.1.is_some() })))
            .await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}
