//! Acts on units (单位): registration, verification, partners outside the system, authorities.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{IdentityRefusal, PASSWORD_MIN, PersonFacts, Secret, UnitFacts, check_secret, event, insert_person, new_secret, refuse};
use crate::evidence::{self, Head, Method, Outcome, Signer, Tx};
use crate::identity::auth::{forget_rights, transact};
use crate::identity::domain::{Actor, Role, UnitKind};
use crate::identity::password;
use crate::identity::store::{self, NewUnit};
use crate::identity::uscc::Uscc;
use crate::platform::call::Call;
use crate::platform::problem::{Problem, kinds};

/// Registers an enterprise with its first administrator, who is also clerk and signatory. It is a claim: it cannot act
/// before an officer verified it, and it keeps nobody else from claiming the same code.
///
/// # Errors
/// `unknown-division`, `unit-exists` once a claim was verified, `login-taken`, `secret-too-short`.
pub async fn register(call: &Call, unit: UnitFacts, person: PersonFacts, secret: &str) -> Result<Outcome, Problem> {
    check_secret(secret, PASSWORD_MIN, "/password")?;
    let hash = password::hash(&call.app, secret).await?;
    // Nobody is logged in yet: the key is unique within the unit's own code.
    let stand_in = Uuid::new_v5(&Uuid::NAMESPACE_OID, unit.uscc.as_str().as_bytes());
    let signer = Signer {
        user: stand_in,
        membership: None,
        unit: None,
        method: Method::Password,
        with: None,
        device_user: None,
        api_key: None,
        stands_in_for: None,
    };
    evidence::transact(call, signer, 1, false, nobody, async |tx: &mut Tx<'_>, ()| {
        check_seat(tx, &unit.division, "/unit/division").await?;
        if store::is_taken(tx.conn, unit.uscc.as_str()).await? {
            return Err(refuse("/unit/uscc", IdentityRefusal::UnitExists));
        }
        let id = insert_unit(tx, &unit, UnitKind::Enterprise, None, None).await?;
        let roles = [Role::UnitAdmin, Role::Clerk, Role::Signatory].into_iter().collect();
        let (user, membership) = insert_person(tx, &person, id, Secret::Own(&hash), roles).await?;
        let payload = json!({ "unit_id": id, "uscc": unit.uscc, "user_id": user, "membership_id": membership });
        tx.append(&Head::NEW, event("unit", id, "register_unit", tx.now(), payload)).await?;
        Ok(())
    })
    .await
}

/// A unit's seat: any known division below the country; county, prefecture or province.
async fn check_seat(tx: &mut Tx<'_>, division: &str, pointer: &str) -> Result<(), Problem> {
    if store::may_be_seat(tx.conn, division).await? { Ok(()) } else { Err(refuse(pointer, IdentityRefusal::UnknownDivision(division.to_owned()))) }
}

/// Acts without a logged-in caller have no rights to read.
async fn nobody(_: &diesel_async::AsyncPgConnection) -> Result<(), Problem> {
    Ok(())
}

async fn insert_unit(
    tx: &mut Tx<'_>,
    unit: &UnitFacts,
    kind: UnitKind,
    external: Option<(Option<Uuid>, &str)>,
    verified_at: Option<DateTime<Utc>>,
) -> Result<Uuid, Problem> {
    let id = tx.new_id();
    let now = tx.now();
    let new = NewUnit {
        id,
        uscc: unit.uscc.as_str(),
        name: &unit.name,
        kind,
        external,
        division: &unit.division,
        address: &unit.address,
        contact_phone: &unit.contact_phone,
        verified_at,
    };
    if external.is_some() || verified_at.is_some() {
        store::lock_uscc(tx.conn, unit.uscc.as_str()).await?;
    }
    if store::insert_unit(tx.conn, &new, now).await? {
        return Ok(id);
    }
    let problem = refuse("/unit/uscc", IdentityRefusal::UnitExists);
    if external.is_none() {
        return Err(problem);
    }
    // Whoever would record a partner that stands here already is told which one, and goes on with that.
    let there = store::lock_same_uscc(tx.conn, unit.uscc.as_str()).await?.into_iter().find(|one| one.is_external || one.is_verified);
    Err(match there {
        Some(there) => problem.with("unit_id", json!(there.id)),
        None => problem,
    })
}

/// An officer of the division verifies a unit (核验): of all claims for a code this one is the unit.
///
/// Other claims end, with the memberships in them, and the chain of each says so. Where a partner recorded the firm as a unit outside the system, that
/// unit is taken over: it keeps its id and its history, and gets the claim's facts, people and things.
///
/// # Errors
/// 404 outside the jurisdiction, 403 for a mere viewer, 412; `claim-ended`, `unit-exists` where another unit holds the code.
pub async fn verify_unit(call: &Call, actor: &Actor, unit: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 2, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::unit_by_id(tx.conn, unit).await?.ok_or_else(Problem::not_found)?;
        if !store::officer_sees(tx.conn, actor, &stored.division).await? {
            return Err(Problem::not_found());
        }
        if !(actor.roles.has(Role::Inspector) || actor.roles.has(Role::Manager)) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        // Before any chain: of two officers who verify two claims of one code, each would else hold the chain in which the
        // other must write that its claim lost.
        store::lock_uscc(tx.conn, &stored.uscc).await?;
        let head = tx.lock(unit).await?;
        tx.seen(unit, &head).await?;
        let (claims, others): (Vec<_>, Vec<_>) = store::lock_same_uscc(tx.conn, &stored.uscc).await?.into_iter().partition(|one| one.id == unit);
        let claim = claims.into_iter().next().ok_or_else(|| refuse("", IdentityRefusal::ClaimEnded))?;
        if others.iter().any(|other| other.is_verified && !other.is_external) {
            return Err(refuse("", IdentityRefusal::UnitExists));
        }
        let now = tx.now();
        let recorded = others.iter().find(|other| other.is_external).map(|other| other.id);
        // Whoever verifies what a partner recorded says that the firm exists, not that none of its claims is true.
        let lost: Vec<Uuid> =
            if claim.is_external { Vec::new() } else { others.iter().filter(|other| !other.is_external).map(|other| other.id).collect() };
        store::end_claims(tx.conn, &lost, now).await?;
        for claim in &lost {
            let payload = json!({ "unit_id": recorded.unwrap_or(unit), "claim_id": claim, "because": "other_claim_verified" });
            tx.append_aside(event("unit", *claim, "end_claim", now, payload)).await?;
        }
        let payload = json!({ "unit_id": recorded.unwrap_or(unit), "claim_id": unit, "uscc": stored.uscc, "ended_claims": lost });
        match recorded {
            Some(recorded) => {
                let of_unit = tx.lock(recorded).await?;
                store::take_over(tx.conn, unit, recorded, now).await?;
                tx.append(
                    &head,
                    event("unit", unit, "end_claim", now, json!({ "unit_id": recorded, "claim_id": unit, "because": "took_over_unit" })),
                )
                .await?;
                tx.append(&of_unit, event("unit", recorded, "verify_unit", now, payload)).await?;
            }
            None => {
                store::set_verified(tx.conn, unit, now).await?;
                tx.append(&head, event("unit", unit, "verify_unit", now, payload)).await?;
            }
        }
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// A partner outside the system (系统外单位): it has no users, its part comes from papers or by one-time code.
///
/// # Errors
/// 403 unless a clerk or dispatcher of a verified unit; `unknown-division`, `unit-exists`.
pub async fn add_external_unit(call: &Call, actor: &Actor, unit: UnitFacts, country: String) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        if !actor.is_verified() || !(actor.roles.has(Role::Clerk) || actor.roles.has(Role::Dispatcher)) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        check_seat(tx, &unit.division, "/division").await?;
        let now = tx.now();
        let id = insert_unit(tx, &unit, UnitKind::Enterprise, Some((actor.unit_id(), &country)), None).await?;
        tx.append(
            &Head::NEW,
            event(
                "unit",
                id,
                "add_external_unit",
                now,
                json!({ "unit_id": id, "uscc": unit.uscc, "country": country, "made_by_unit": actor.unit_id() }),
            ),
        )
        .await?;
        Ok(())
    })
    .await
}

/// Makes an authority (主管部门) with its jurisdiction and its first manager; the password is told once.
///
/// # Errors
/// 403 unless platform administrator; `unknown-division`, `unit-exists`, `login-taken`.
pub async fn add_authority(
    call: &Call,
    actor: &Actor,
    unit: UnitFacts,
    divisions: Vec<String>,
    person: PersonFacts,
) -> Result<(Outcome, String), Problem> {
    let secret = new_secret(12);
    let hash = password::hash(&call.app, &secret).await?;
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        if !actor.roles.has(Role::PlatformAdmin) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        check_seat(tx, &unit.division, "/unit/division").await?;
        let now = tx.now();
        let id = insert_unit(tx, &unit, UnitKind::Authority, None, Some(now)).await?;
        for division in &divisions {
            store::insert_jurisdiction(tx.conn, id, division, crate::platform::calendar::legal_day(now)).await?;
        }
        let roles = [Role::UnitAdmin, Role::Viewer, Role::Inspector, Role::Manager].into_iter().collect();
        let (user, membership) = insert_person(tx, &person, id, Secret::Told(&hash), roles).await?;
        let payload = json!({ "unit_id": id, "divisions": divisions, "user_id": user, "membership_id": membership });
        tx.append(&Head::NEW, event("unit", id, "add_authority", now, payload)).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, secret))
}

/// The first administrator, made by `liandan admin create` on the machine itself; refused once there is one.
///
/// # Errors
/// `admin-exists`, `login-taken`.
pub async fn create_first_admin(call: &Call, uscc: Uscc, unit_name: &str, login: &str, secret: &str) -> Result<Outcome, Problem> {
    check_secret(secret, PASSWORD_MIN, "/password")?;
    let hash = password::hash(&call.app, secret).await?;
    let signer = Signer::system();
    evidence::transact(call, signer, 1, false, nobody, async |tx: &mut Tx<'_>, ()| {
        if store::count_platform_admins(tx.conn).await? > 0 {
            return Err(refuse("", IdentityRefusal::AdminExists));
        }
        let unit = UnitFacts { uscc, name: unit_name.to_owned(), division: "000000".into(), address: String::new(), contact_phone: String::new() };
        let now = tx.now();
        let id = insert_unit(tx, &unit, UnitKind::Platform, None, Some(now)).await?;
        let person = PersonFacts { login: login.to_owned(), name: login.to_owned(), phone: None };
        let roles = [Role::UnitAdmin, Role::PlatformAdmin].into_iter().collect();
        let (user, membership) = insert_person(tx, &person, id, Secret::Own(&hash), roles).await?;
        let payload = json!({ "unit_id": id, "user_id": user, "membership_id": membership });
        tx.append(&Head::NEW, event("unit", id, "create_first_admin", now, payload)).await?;
        Ok(())
    })
    .await
}
