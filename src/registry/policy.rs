//! Who may do what in the registry, and who sees what.

use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::identity::{self, Actor, Role};
use crate::platform::problem::{Kind, Problem, kinds};

/// The unit that an actor may speak for in the registry: its clerk or administrator. A unit not yet verified may state
/// its things too, since the officer looks at them when he verifies it.
///
/// # Errors
/// 403.
pub fn states_for(actor: &Actor) -> Result<Uuid, Problem> {
    let forbidden = || Problem::of(&kinds::FORBIDDEN);
    let unit = actor.unit.as_ref().filter(|unit| unit.kind == identity::UnitKind::Enterprise).ok_or_else(forbidden)?;
    if actor.roles.has(Role::Clerk) || actor.roles.has(Role::UnitAdmin) { Ok(unit.id) } else { Err(forbidden()) }
}

/// As `states_for`, and a carrier's dispatcher beside them: vehicles and people's papers are his daily work.
///
/// # Errors
/// 403.
pub fn runs_fleet_of(actor: &Actor) -> Result<Uuid, Problem> {
    match actor.unit_id() {
        Some(unit) if actor.roles.has(Role::Dispatcher) => Ok(unit),
        _ => states_for(actor),
    }
}

/// As `states_for`, for what touches another unit: the own unit must have been verified.
///
/// # Errors
/// 403.
pub fn verified_states_for(actor: &Actor) -> Result<Uuid, Problem> {
    let unit = states_for(actor)?;
    if actor.is_verified() { Ok(unit) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}

/// Who adds to what is known of a unit outside the system (系统外单位): any verified unit that deals with it, since what it says
/// is a claim and names it; or any officer.
///
/// # Errors
/// 404 unless there is such a unit outside the system, 403 for others.
pub async fn adds_to_external(conn: &AsyncPgConnection, actor: &Actor, unit: Uuid) -> Result<(), Problem> {
    identity::unit_by_id(conn, unit).await?.filter(|unit| unit.is_external && unit.ended_at.is_none()).ok_or_else(Problem::not_found)?;
    if actor.is_officer() && (actor.roles.has(Role::Inspector) || actor.roles.has(Role::Manager)) {
        return Ok(());
    }
    verified_states_for(actor).map(drop)
}

/// Who changes what stands of a unit outside the system: the partner that recorded it, or any officer.
///
/// # Errors
/// 404 unless there is such a unit outside the system, 403 for others.
pub async fn states_for_external(conn: &AsyncPgConnection, actor: &Actor, unit: Uuid) -> Result<(), Problem> {
    let stored = identity::unit_by_id(conn, unit).await?.filter(|unit| unit.is_external && unit.ended_at.is_none());
    let stored = stored.ok_or_else(Problem::not_found)?;
    if actor.is_officer() && (actor.roles.has(Role::Inspector) || actor.roles.has(Role::Manager)) {
        return Ok(());
    }
    let own = verified_states_for(actor)?;
    if stored.recorded_by == Some(own) { Ok(()) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}

/// The unit itself. `outsider` is what others get: `NOT_FOUND`, or `FORBIDDEN` where everybody may see the thing.
///
/// # Errors
/// As `outsider` says.
pub fn own(actor: &Actor, owner: Uuid, outsider: &'static Kind) -> Result<(), Problem> {
    if actor.unit_id() == Some(owner) { Ok(()) } else { Err(Problem::of(outsider)) }
}

/// An officer whose jurisdiction contains the division and who has one of the roles; `outsider` as in [`own`].
///
/// # Errors
/// As `outsider` says outside the jurisdiction, 403 without a role.
pub async fn officer_of(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    division: &str,
    roles: &[Role],
    outsider: &'static Kind,
) -> Result<Uuid, Problem> {
    if !identity::officer_sees(conn, actor, division).await? {
        return Err(Problem::of(outsider));
    }
    let unit = actor.unit_id().ok_or_else(|| Problem::of(outsider))?;
    if roles.iter().any(|role| actor.roles.has(*role)) { Ok(unit) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}

/// What an actor may see: the things of his own unit, and of an authority's divisions. Every scoped query takes one.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) unit: Option<Uuid>,
    pub(crate) jurisdiction: Vec<String>,
}

/// What this actor may see.
#[must_use]
pub fn visible_to(actor: &Actor) -> Scope {
    let jurisdiction = if actor.is_officer() { actor.jurisdiction.clone() } else { Vec::new() };
    Scope { unit: actor.unit_id(), jurisdiction }
}
