//! Acts on invitations (邀请): a person becomes a member of a unit only by his own word. Subject with a chain: invitation;
//! the acceptance stands on the person's chain.

use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::people::head_of;
use super::{IdentityRefusal, administered, check_roles, event, names, refuse};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::auth::{forget_rights, transact};
use crate::identity::domain::{Actor, Role, Roles};
use crate::identity::store;
use crate::platform::call::Call;
use crate::platform::problem::{Problem, kinds};

/// How long an invitation waits.
pub const INVITATION_LIFE: Duration = Duration::days(14);

/// Invites the holder of a log-in into the actor's unit. No account is looked up, so the answer tells nothing of who has
/// one; a phone invites nobody, since anybody may write another's number on his own account.
///
/// # Errors
/// 403 unless administrator of a verified unit; `no-role`, `role-of-other-kind`, `member-already`, `invited-already`.
pub async fn invite(call: &Call, actor: &Actor, login: &str, roles: Roles) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        if !actor.is_verified() {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        check_roles(roles, unit.1, "/roles")?;
        let (id, now) = (tx.new_id(), tx.now());
        // Who is a member, and who was invited, the unit knows; of other accounts this tells nothing.
        if store::is_member(tx.conn, unit.0, login).await? {
            return Err(refuse("/login", IdentityRefusal::MemberAlready));
        }
        if !store::insert_invitation(tx.conn, id, unit.0, login, roles, now, now + INVITATION_LIFE).await? {
            return Err(refuse("/login", IdentityRefusal::InvitedAlready));
        }
        let payload = json!({ "invitation_id": id, "unit_id": unit.0, "roles": names(roles) });
        tx.append(&Head::NEW, event("invitation", id, "invite", now, payload)).await?;
        Ok(())
    })
    .await
}

/// The invited person accepts, in a session of his own: from now he is a member.
///
/// # Errors
/// 404 for another's invitation, 403 for a key, `invitation-ended`, `member-already`.
pub async fn accept_invitation(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let of_invitation = tx.lock(id).await?;
        let invitation = mine(tx, actor, id).await?;
        let now = tx.now();
        if invitation.ended_at.is_some() || invitation.expires_at <= now {
            return Err(refuse("", IdentityRefusal::InvitationEnded));
        }
        let head = head_of(tx, actor.user).await?;
        if store::memberships_of_user(tx.conn, actor.user).await?.iter().any(|row| row.unit_id == invitation.unit_id) {
            return Err(refuse("", IdentityRefusal::MemberAlready));
        }
        let membership = tx.new_id();
        let roles: Roles = invitation.roles.iter().filter_map(|role| Role::parse(role)).collect();
        store::insert_membership(tx.conn, membership, actor.user, invitation.unit_id, roles, now).await?;
        store::end_invitation(tx.conn, id, "accepted", now).await?;
        let payload = json!({
            "user_id": actor.user, "membership_id": membership, "unit_id": invitation.unit_id, "invitation_id": id, "roles": names(roles),
        });
        tx.append(&head, event("user", actor.user, "accept_invitation", now, payload)).await?;
        tx.append(&of_invitation, event("invitation", id, "end_invitation", now, json!({ "invitation_id": id, "ended_as": "accepted" }))).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// The person declines, or the unit's administrator withdraws.
///
/// # Errors
/// 404, `invitation-ended`.
pub async fn end_invitation(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let invitation = store::lock_invitation(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let ended_as = if administered(actor).is_ok_and(|unit| unit.0 == invitation.unit_id) {
            "withdrawn"
        } else {
            mine(tx, actor, id).await?;
            "declined"
        };
        let now = tx.now();
        if invitation.ended_at.is_some() || invitation.expires_at <= now {
            return Err(refuse("", IdentityRefusal::InvitationEnded));
        }
        store::end_invitation(tx.conn, id, ended_as, now).await?;
        tx.append(&head, event("invitation", id, "end_invitation", now, json!({ "invitation_id": id, "ended_as": ended_as }))).await?;
        Ok(())
    })
    .await
}

/// An invitation that names the caller's own log-in; a key is nobody who could consent.
async fn mine(tx: &mut Tx<'_>, actor: &Actor, id: Uuid) -> Result<store::Invitation, Problem> {
    let invitation = store::lock_invitation(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
    if !store::has_login(tx.conn, actor.user, &invitation.login).await? {
        return Err(Problem::not_found());
    }
    if actor.session.is_some() { Ok(invitation) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}
