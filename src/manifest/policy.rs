//! Who may see a manifest, and who may do what to it. Policy comes before state: an outsider must not learn even the
//! state of a manifest.

use uuid::Uuid;

use super::store::Stored;
use super::table::{Act, Relation};
use crate::evidence::Tx;
use crate::identity::{self, Actor, Role, Roles};
use crate::platform::problem::{Problem, Text};

/// What a reader may see; every read query takes one, so an unfiltered list cannot be written.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The reader's unit.
    pub unit: Option<Uuid>,
    /// Carriers for which the person drives, whatever unit the token names.
    pub drives_for: Vec<Uuid>,
    /// Divisions of an officer.
    pub jurisdiction: Vec<String>,
}

impl Scope {
    /// The scope of an actor.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        Self {
            unit: actor.unit_id(),
            drives_for: actor.drives_for.clone(),
            jurisdiction: if actor.is_officer() { actor.jurisdiction.clone() } else { Vec::new() },
        }
    }
    /// The units whose manifests it shows.
    #[must_use]
    pub fn units(&self) -> Vec<Uuid> {
        let mut units: Vec<Uuid> = self.unit.into_iter().chain(self.drives_for.iter().copied()).collect();
        units.sort_unstable();
        units.dedup();
        units
    }
}

/// Permission for one act on one manifest. Only [`permit`] makes one, so an act cannot forget to ask.
pub struct Permit {
    /// Relations of the actor.
    pub relations: Vec<Relation>,
    /// Roles that count here.
    pub roles: Roles,
    /// The unit for which the act counts.
    pub unit: Uuid,
    /// The unit outside the system that is acted for.
    pub acts_for: Option<Uuid>,
    _private: (),
}

impl Permit {
    /// Whether the dispatcher signs in the driver's place.
    #[must_use]
    pub fn is_instead_of_driver(&self) -> bool {
        self.acts_for.is_none() && !self.roles.has(Role::Driver)
    }
    /// The unit whose part it is.
    #[must_use]
    pub fn speaks_for(&self) -> Uuid {
        self.acts_for.unwrap_or(self.unit)
    }
}

/// Relations of a unit to a manifest for one act: most acts of a carrier belong to the present leg's, taking an offer back
/// to the one who offered, and correcting or reporting to every carrier that was on the road.
fn relations_for(stored: &Stored, unit: Uuid, act: Act) -> Vec<Relation> {
    let record = &stored.record;
    let mut relations = relations_of(stored, unit);
    relations.retain(|relation| *relation != Relation::Carrier);
    let is_carrier = match act {
        Act::Withdraw => record.assignments.get(&(record.leg() - 1)).is_some_and(|one| one.carrier.unit_id == unit),
        Act::Correct | Act::Agree | Act::Disagree | Act::ReportIncident | Act::SignLate => {
            record.carrier_id() == unit || record.assignments.values().any(|one| one.carrier.unit_id == unit)
        }
        _ => record.carrier_id() == unit,
    };
    if is_carrier {
        relations.push(Relation::Carrier);
    }
    // On a return the holder has the load: the consignor, who is elsewhere, cannot give it.
    if matches!(act, Act::Release | Act::Withdraw) && record.consignment.link.is_some() {
        relations.retain(|relation| *relation != Relation::Consignor);
    }
    relations
}

/// Relations of a unit to a manifest, by its present leg.
fn relations_of(stored: &Stored, unit: Uuid) -> Vec<Relation> {
    let record = &stored.record;
    let mut relations = Vec::new();
    if record.consignment.consignor.unit_id == unit {
        relations.push(Relation::Consignor);
    }
    if record.consignment.receiver.unit_id == unit {
        relations.push(Relation::Receiver);
    }
    if record.consignment.link.as_ref().is_some_and(|link| link.holder.unit_id == unit) {
        relations.push(Relation::Holder);
    }
    if record.carrier_id() == unit {
        relations.push(Relation::Carrier);
    }
    relations
}

fn officer_relations(stored: &Stored) -> impl Iterator<Item = Relation> {
    let of = stored.officer_of;
    [(of.departure, Relation::OfficerOfDeparture), (of.receipt, Relation::OfficerOfReceipt), (of.place, Relation::OfficerOfPlace)]
        .into_iter()
        .filter_map(|(is, relation)| is.then_some(relation))
}

fn was_carrier(stored: &Stored, unit: Uuid) -> bool {
    stored.record.consignment.carrier.unit_id == unit || stored.record.assignments.values().any(|assignment| assignment.carrier.unit_id == unit)
}

/// Asks whether the actor may do the act, and makes the signer what the act needs: a driver acts for the carrier of the
/// leg whatever unit the token names, a key in the name of its delegator.
///
/// # Errors
/// 404 where the actor may not even see the manifest, 403 where the act is not his.
pub async fn permit(tx: &mut Tx<'_>, actor: &Actor, stored: &Stored, act: Act) -> Result<Permit, Problem> {
    let mut relations = actor.unit_id().map(|unit| relations_for(stored, unit, act)).unwrap_or_default();
    if actor.is_officer() {
        relations.extend(officer_relations(stored));
    }
    let proxied = by_proxy(actor.unit_id(), actor.roles, stored, act);
    let is_turn = proxied.is_none() || actor.unit_id().is_some_and(|unit| is_turn_of(stored, act, unit));
    if is_turn && act.allows(&relations, actor.roles) {
        let unit = actor.unit_id().ok_or_else(Problem::not_found)?;
        if actor.api_key.is_some() {
            sign_by_key(tx, actor, act)?;
        }
        sign_as_deputy(tx, actor, act, &relations);
        return Ok(Permit { relations, roles: actor.roles, unit, acts_for: None, _private: () });
    }
    // A driver with two employers: the acting unit comes from the leg.
    let carrier = stored.record.carrier_id();
    let driver = Roles::default().with(Role::Driver);
    if act.allows(&[Relation::Carrier], driver)
        && actor.session.is_some()
        && let Some(membership) = identity::driver_unit(tx.conn, actor.user, carrier).await?
    {
        let mut signer = tx.signer().clone();
        signer.unit = Some(carrier);
        signer.membership = Some(membership);
        tx.sign_as(signer);
        return Ok(Permit { relations: vec![Relation::Carrier], roles: driver, unit: carrier, acts_for: None, _private: () });
    }
    if let Some(permit) = proxied {
        // Only a signatory enters another's part, so a key needs his delegation, and a deputy does it in his principal's place.
        if actor.api_key.is_some() {
            sign_by_key(tx, actor, act)?;
        }
        sign_as_deputy(tx, actor, act, &[]);
        return Ok(permit);
    }
    let is_party = actor.unit_id().is_some_and(|unit| !relations_of(stored, unit).is_empty());
    let may_see = !relations.is_empty() || is_party || actor.unit_id().is_some_and(|unit| was_carrier(stored, unit));
    if may_see {
        let needed: Vec<String> = act.rule().by.iter().map(|(relation, role)| format!("{}/{}", relation.as_str(), role.as_str())).collect();
        let detail = Text::new(
            format!("{}须由以下身份之一进行：{}", act.rule().zh, needed.join("、")),
            format!("{} belongs to one of: {}", act.as_str(), needed.join(", ")),
        );
        Err(Problem::forbidden(detail))
    } else {
        Err(Problem::not_found())
    }
}

/// A unit outside the system has no users: a signatory of the consignor, the receiver or the holder enters its part from its
/// papers, marked as such. A bridge's figure is nobody's part.
fn by_proxy(unit: Option<Uuid>, roles: Roles, stored: &Stored, act: Act) -> Option<Permit> {
    let record = &stored.record;
    let consignment = &record.consignment;
    let partners = [&consignment.consignor, &consignment.receiver].into_iter().chain(consignment.link.as_ref().map(|link| &link.holder));
    let unit = unit.filter(|unit| partners.into_iter().any(|party| party.unit_id == *unit && !party.is_external))?;
    if !roles.has(Role::Signatory) || act == Act::Weigh {
        return None;
    }
    let roles = roles.with(Role::Dispatcher);
    let others = record.everybody().filter(|party| party.is_external).map(|party| party.unit_id);
    others.filter(|one| is_turn_of(stored, act, *one)).find_map(|one| {
        let relations = relations_for(stored, one, act);
        act.allows(&relations, roles).then_some(Permit { relations, roles, unit, acts_for: Some(one), _private: () })
    })
}

/// Whether an act that the table gives to several is this unit's now: only the giver takes an offer back, and only who was
/// skipped signs late.
fn is_turn_of(stored: &Stored, act: Act, unit: Uuid) -> bool {
    match act {
        Act::Withdraw => stored.record.giver_id() == unit,
        Act::SignLate => stored.record.unsigned().any(|skipped| skipped.unit_id == unit),
        _ => true,
    }
}

/// What a deputy may do only as the signatory's deputy, he signs in that signatory's place; all else for himself.
fn sign_as_deputy(tx: &mut Tx<'_>, actor: &Actor, act: Act, relations: &[Relation]) {
    let own: Roles = actor.roles.iter().filter(|role| *role != Role::Signatory).collect();
    let mut signer = tx.signer().clone();
    signer.stands_in_for = actor.stands_in_for.filter(|_| !act.allows(relations, own));
    tx.sign_as(signer);
}

/// A key signs only under a delegation by a named signatory, whatever its roles. What is no signature (a bridge's figure, a
/// crew, a copied number, an alarm) it may do as it is.
///
/// # Errors
/// 403 without a delegation for the act.
pub fn sign_by_key(tx: &mut Tx<'_>, actor: &Actor, act: Act) -> Result<(), Problem> {
    if actor.api_key.is_none() {
        return Ok(());
    }
    if !identity::SignedAct::ALL.iter().any(|signed| signed.as_str() == act.as_str()) {
        // An act of a composite before it may have had another signer.
        tx.sign_as(actor.signer());
        return Ok(());
    }
    let delegation = actor
        .delegation(act.as_str())
        .ok_or_else(|| Problem::forbidden(Text::new("API 密钥没有签字人对此操作的委托", "The API key has no signatory's delegation for this act")))?;
    tx.sign_as(actor.signer_under(delegation));
    Ok(())
}

/// How an actor stands to a manifest, for reading `next`.
pub struct Standing {
    /// The unit of the token.
    pub unit: Option<Uuid>,
    /// Whether he is an officer of the place of departure.
    pub is_authority: bool,
    officer: Vec<Relation>,
    roles: Roles,
    /// Whether he drives for the carrier of the present leg, whatever unit the token names.
    drives: bool,
}

impl Standing {
    /// Whether [`permit`] would let him do the act: relations depend on it, as a carrier of an earlier leg still has a voice.
    #[must_use]
    pub fn allows(&self, stored: &Stored, act: Act) -> bool {
        self.allows_himself(stored, act) || by_proxy(self.unit, self.roles, stored, act).is_some()
    }
    /// Whether he would do it for a unit outside the system.
    #[must_use]
    pub fn is_by_proxy(&self, stored: &Stored, act: Act) -> bool {
        !(self.allows_himself(stored, act) && self.unit.is_some_and(|unit| is_turn_of(stored, act, unit)))
            && by_proxy(self.unit, self.roles, stored, act).is_some()
    }
    fn allows_himself(&self, stored: &Stored, act: Act) -> bool {
        let mut relations = self.unit.map(|unit| relations_for(stored, unit, act)).unwrap_or_default();
        relations.extend(&self.officer);
        act.allows(&relations, self.roles) || self.drives && act.allows(&[Relation::Carrier], Roles::default().with(Role::Driver))
    }
}

/// How an actor stands to a manifest.
///
/// # Errors
/// As the database.
pub async fn standing(conn: &mut diesel_async::AsyncPgConnection, actor: &Actor, stored: &Stored) -> Result<Standing, Problem> {
    let officer: Vec<Relation> = if actor.is_officer() { officer_relations(stored).collect() } else { Vec::new() };
    let drives = identity::driver_unit(conn, actor.user, stored.record.carrier_id()).await?.is_some();
    let is_authority = officer.contains(&Relation::OfficerOfDeparture);
    Ok(Standing { unit: actor.unit_id(), is_authority, officer, roles: actor.roles, drives })
}
