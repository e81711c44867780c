//! Acts on people (人员): accounts, memberships, deputies, secrets.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::sessions::BackOff;
use super::{
    IdentityRefusal, PASSWORD_MIN, PIN_MIN, PersonFacts, Secret, administered, check_roles, check_secret, event, insert_person, names, new_secret,
    refuse,
};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::auth::{forget_rights, transact};
use crate::identity::domain::{Actor, Role, Roles};
use crate::identity::{password, store};
use crate::platform::calendar::legal_day;
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
/// 403, 404, `membership-ended`, `last-admin`.
pub async fn end_membership(call: &Call, actor: &Actor, membership: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = own_membership(tx, actor, membership).await?;
        keep_an_admin(tx, &row).await?;
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
/// 403, 404, `membership-ended`, `no-role`, `role-of-other-kind`, `last-admin`.
pub async fn set_roles(call: &Call, actor: &Actor, membership: Uuid, roles: Roles) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        check_roles(roles, administered(actor)?.1, "/roles")?;
        let row = own_membership(tx, actor, membership).await?;
        if !roles.has(Role::UnitAdmin) {
            keep_an_admin(tx, &row).await?;
        }
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
/// 403, 404, `not-signatory`, `deputy-of-oneself`, `dates-out-of-order` (also where it would begin before today).
pub async fn name_deputy(call: &Call, actor: &Actor, membership: Uuid, deputy: Uuid, from: NaiveDate, until: NaiveDate) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = own_membership(tx, actor, membership).await?;
        own_membership(tx, actor, deputy).await?;
        let mut refusals = Refusals::none();
        if !row.roles.iter().any(|role| role == Role::Signatory.as_str()) {
            refusals.add("/membership_id", IdentityRefusal::NotSignatory);
        }
        if deputy == membership {
            refusals.add("/deputy_id", IdentityRefusal::DeputyOfOneself);
        }
        // Nobody becomes entitled afterwards to what he signed before.
        if from < legal_day(tx.now()) {
            refusals.add("/from_on", IdentityRefusal::DatesOutOfOrder);
        }
        if until < from || (until - from).num_days() > 366 {
            refusals.add("/until_on", IdentityRefusal::DatesOutOfOrder);
        }
        refusals.or(())?;
        let head = head_of(tx, row.user_id).await?;
        let id = tx.new_id();
        store::insert_deputy(tx.conn, id, membership, deputy, from, until).await?;
        let payload = json!({ "id": id, "membership_id": membership, "deputy_id": deputy, "from_on": from, "until_on": until });
        tx.append(&head, event("user", row.user_id, "name_deputy", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Ends a deputy's time before its last day; in force at once.
///
/// # Errors
/// 403 for anybody but the unit's administrator and the signatory himself, 404, `deputy-ended`.
pub async fn end_deputy(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let deputy =
            store::lock_deputy(tx.conn, id).await?.filter(|deputy| Some(deputy.unit_id) == actor.unit_id()).ok_or_else(Problem::not_found)?;
        if !(actor.roles.has(Role::UnitAdmin) || actor.membership == Some(deputy.membership_id)) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let now = tx.now();
        if deputy.ended_at.is_some() || deputy.until_on < legal_day(now) {
            return Err(refuse("", IdentityRefusal::DeputyEnded));
        }
        let head = head_of(tx, deputy.user_id).await?;
        store::end_deputy(tx.conn, id, now).await?;
        let payload = json!({ "id": id, "membership_id": deputy.membership_id, "deputy_id": deputy.deputy_id });
        tx.append(&head, event("user", deputy.user_id, "end_deputy", now, payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Gives a member who lost his password a new first one, told once. All his sessions end, his PIN with them, and the new
/// password opens nothing but the change to an own one.
///
/// The unit's administrator does it for those who belong to his unit alone: of anybody else he would get the rights in another
/// unit. The platform's administrator does it for administrators of units and for those who belong to several.
///
/// # Errors
/// 403, 404, `membership-ended`, `member-elsewhere`, 503.
pub async fn reset_password(call: &Call, actor: &Actor, membership: Uuid) -> Result<(Outcome, String), Problem> {
    let secret = new_secret(12);
    let hash = password::hash(&call.app, &secret).await?;
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        if actor.session.is_none() {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let unit = administered(actor)?.0;
        let is_platform = actor.roles.has(Role::PlatformAdmin);
        let row = store::membership_by_id(tx.conn, membership).await?;
        let row = row.filter(|row| row.unit_id == unit || is_platform).ok_or_else(Problem::not_found)?;
        if row.ended_at.is_some() {
            return Err(refuse("", IdentityRefusal::MembershipEnded));
        }
        let elsewhere = store::memberships_of_user(tx.conn, row.user_id).await?.iter().any(|one| one.unit_id != row.unit_id);
        let is_admin = row.roles.iter().any(|role| role == Role::UnitAdmin.as_str());
        if is_platform && row.unit_id != unit && !is_admin && !elsewhere {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        if !is_platform && elsewhere {
            return Err(refuse("", IdentityRefusal::MemberElsewhere));
        }
        let head = head_of(tx, row.user_id).await?;
        let now = tx.now();
        store::reset_secret(tx.conn, row.user_id, &hash).await?;
        store::end_sessions_of_user(tx.conn, row.user_id, None, now).await?;
        let payload = json!({ "user_id": row.user_id, "membership_id": membership, "unit_id": row.unit_id });
        tx.append(&head, event("user", row.user_id, "reset_password", now, payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok((outcome, secret))
}

/// A unit without an administrator could never get one again.
async fn keep_an_admin(tx: &mut Tx<'_>, row: &store::MembershipRow) -> Result<(), Problem> {
    if !row.roles.iter().any(|role| role == Role::UnitAdmin.as_str()) {
        return Ok(());
    }
    store::lock_unit(tx.conn, row.unit_id).await?;
    if store::has_other_admin(tx.conn, row.unit_id, row.id).await? { Ok(()) } else { Err(refuse("", IdentityRefusal::LastAdmin)) }
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
        secret.map_or(Ok(()), |secret| check_secret(secret, min, pointer))?;
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
