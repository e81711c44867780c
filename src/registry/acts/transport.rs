//! Acts on what carriers need on the road: vehicles, people's certificates, operating permits.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{RegistryRefusal, event, refuse, texts, today};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{Actor, transact};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals};
use crate::registry::domain::{CarrierPermitStatement, CertificateStatement, VehicleStatement};
use crate::registry::store::Owned;
use crate::registry::{policy, store};

fn payload(id: Uuid, unit: Uuid, vehicle: &VehicleStatement) -> Value {
    json!({
        "vehicle_id": id, "unit_id": unit, "plate": vehicle.plate, "kind": vehicle.kind, "permit_no": vehicle.permit_no,
        "permit_classes": texts(&vehicle.permit_classes), "permit_valid_to": vehicle.permit_valid_to,
        "rated_load_g": vehicle.rated_load_g.grams(), "gb19217": vehicle.gb19217, "source": vehicle.source,
    })
}

fn check_vehicle(vehicle: &VehicleStatement) -> Result<(), Problem> {
    if vehicle.rated_load_g.grams().is_zero() { Err(refuse("/rated_load_g", RegistryRefusal::NoLoad)) } else { Ok(()) }
}

/// Records a vehicle of the actor's unit, or as a claim one of a unit outside the system.
///
/// # Errors
/// 403, 404; `source-missing`, `source-only-of-others`, `no-load`, `vehicle-exists`.
pub async fn record_vehicle(call: &Call, actor: &Actor, vehicle: VehicleStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = stated_unit(tx, actor, vehicle.unit_id, vehicle.source.is_some()).await?;
        check_vehicle(&vehicle)?;
        let (id, now) = (tx.new_id(), tx.now());
        if !store::insert_vehicle(tx.conn, id, unit, &vehicle, now).await? {
            return Err(refuse("/plate", RegistryRefusal::VehicleExists));
        }
        tx.append(&Head::NEW, event(tx, "vehicle", id, "record_vehicle", &["road_transport_regulation/23"], payload(id, unit, &vehicle))).await?;
        Ok(())
    })
    .await
}

/// States a vehicle anew, whole: a renewed permit, another load. Another plate is another vehicle's entry only where the
/// unit has it already.
///
/// # Errors
/// 403, 404, 412; `ended-already`, `no-load`, `vehicle-exists`.
pub async fn change_vehicle(call: &Call, actor: &Actor, id: Uuid, vehicle: VehicleStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (head, unit) = open(tx, actor, Owned::Vehicle, id).await?;
        if vehicle.unit_id.is_some_and(|stated| stated != unit) {
            return Err(refuse("/unit_id", RegistryRefusal::Unknown));
        }
        has_source(actor, unit, vehicle.source.is_some())?;
        check_vehicle(&vehicle)?;
        if !store::update_vehicle(tx.conn, id, &vehicle).await? {
            return Err(refuse("/plate", RegistryRefusal::VehicleExists));
        }
        tx.append(&head, event(tx, "vehicle", id, "change_vehicle", &["road_transport_regulation/23"], payload(id, unit, &vehicle))).await?;
        Ok(())
    })
    .await
}

/// Whose papers are stated: the actor's own unit's, or as a claim those of a unit outside the system.
async fn stated_unit(tx: &mut Tx<'_>, actor: &Actor, stated: Option<Uuid>, has_a_source: bool) -> Result<Uuid, Problem> {
    let unit = match stated.filter(|unit| Some(*unit) != actor.unit_id()) {
        None => policy::runs_fleet_of(actor)?,
        Some(unit) => {
            policy::adds_to_external(tx.conn, actor, unit).await?;
            unit
        }
    };
    has_source(actor, unit, has_a_source)?;
    Ok(unit)
}

/// What is said of another unit needs its source, and what a unit says of itself has none.
fn has_source(actor: &Actor, unit: Uuid, has_a_source: bool) -> Result<(), Problem> {
    match (actor.unit_id() == Some(unit), has_a_source) {
        (true, true) => Err(refuse("/source", RegistryRefusal::OwnSource)),
        (false, false) => Err(refuse("/source", RegistryRefusal::SourceMissing)),
        _ => Ok(()),
    }
}

/// Locks a thing of the actor's fleet that is still in use.
async fn open(tx: &mut Tx<'_>, actor: &Actor, what: Owned, id: Uuid) -> Result<(Head, Uuid), Problem> {
    let head = tx.lock(id).await?;
    let stored = store::owned(tx.conn, what, id).await?.ok_or_else(Problem::not_found)?;
    let unit = stored.unit_id;
    if actor.unit_id() == Some(unit) {
        policy::runs_fleet_of(actor)?;
    } else if policy::states_for_external(tx.conn, actor, unit).await.is_err() {
        return Err(Problem::of(what.outsider()));
    }
    tx.seen(id, &head).await?;
    if stored.retired_on.is_some() {
        return Err(refuse("", RegistryRefusal::EndedAlready));
    }
    Ok((head, unit))
}

async fn retire(call: &Call, actor: &Actor, what: Owned, kind: &'static str, act: &'static str, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (head, unit) = open(tx, actor, what, id).await?;
        let day = today(tx);
        store::retire(tx.conn, what, id, day).await?;
        tx.append(&head, event(tx, kind, id, act, &[], json!({ format!("{kind}_id"): id, "unit_id": unit, "retired_on": day }))).await?;
        Ok(())
    })
    .await
}

/// Takes a vehicle out of use from today on.
///
/// # Errors
/// 403, 404, 412; `ended-already`.
pub async fn retire_vehicle(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    retire(call, actor, Owned::Vehicle, "vehicle", "retire_vehicle", id).await
}

/// Records a certificate of somebody of the actor's unit. The name and, since it is often the identity number, the
/// certificate's number stay out of the event.
///
/// # Errors
/// 403, 404; `one-person`, `not-member`, `source-missing`, `source-only-of-others`.
pub async fn record_certificate(call: &Call, actor: &Actor, certificate: CertificateStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = stated_unit(tx, actor, certificate.unit_id, certificate.source.is_some()).await?;
        let mut refusals = Refusals::none();
        if certificate.user_id.is_some() == certificate.name.is_some() {
            refusals.add("/user_id", RegistryRefusal::OnePerson);
        } else if let Some(user) = certificate.user_id
            && !store::is_member(tx.conn, user, unit).await?
        {
            refusals.add("/user_id", RegistryRefusal::NotMember);
        }
        refusals.or(())?;
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_certificate(tx.conn, id, unit, &certificate, now).await?;
        let payload = json!({
            "certificate_id": id, "unit_id": unit, "user_id": certificate.user_id, "kind": certificate.kind,
            "classes": texts(&certificate.classes), "valid_to": certificate.valid_to, "source": certificate.source,
        });
        tx.append(&Head::NEW, event(tx, "certificate", id, "record_certificate", &["road_transport_regulation/23"], payload)).await?;
        Ok(())
    })
    .await
}

/// Takes a certificate out of use from today on.
///
/// # Errors
/// 403, 404, 412; `ended-already`.
pub async fn retire_certificate(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    retire(call, actor, Owned::Certificate, "certificate", "retire_certificate", id).await
}

/// Records the operating permit of the actor's unit, or as a claim that of a unit outside the system.
///
/// # Errors
/// 403, 404; `source-missing`, `source-only-of-others`.
pub async fn record_carrier_permit(call: &Call, actor: &Actor, permit: CarrierPermitStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = stated_unit(tx, actor, permit.unit_id, permit.source.is_some()).await?;
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_carrier_permit(tx.conn, id, unit, &permit, now).await?;
        let payload = json!({
            "carrier_permit_id": id, "unit_id": unit, "number": permit.number, "classes": texts(&permit.classes),
            "is_dangerous_goods": permit.is_dangerous_goods, "valid_to": permit.valid_to, "source": permit.source,
        });
        tx.append(&Head::NEW, event(tx, "carrier_permit", id, "record_carrier_permit", &["road_transport_regulation/23"], payload)).await?;
        Ok(())
    })
    .await
}

/// Takes an operating permit out of use from today on.
///
/// # Errors
/// 403, 404, 412; `ended-already`.
pub async fn retire_carrier_permit(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    retire(call, actor, Owned::CarrierPermit, "carrier_permit", "retire_carrier_permit", id).await
}
