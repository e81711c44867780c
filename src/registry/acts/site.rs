//! Acts on sites, their facilities and closures.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{RegistryRefusal, event, refuse, today};
use crate::catalogue;
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{Actor, Role, transact};
use crate::platform::call::Call;
use crate::platform::mass::MassInput;
use crate::platform::problem::{Problem, Refusals, kinds};
use crate::registry::domain::{ClosureStatement, FacilityStatement, ManagementClass, Sentence, SiteStatement, are_full_years, management_class};
use crate::registry::{policy, store};

/// Records a site of the actor's unit.
///
/// # Errors
/// 403; `unknown-division`, `division-too-wide`, `half-point`, `not-full-years`.
pub async fn record_site(call: &Call, actor: &Actor, site: SiteStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = policy::states_for(actor)?;
        let class = check_site(tx, &site).await?;
        let id = tx.new_id();
        store::insert_site(tx.conn, id, unit, &site, class, tx.now()).await?;
        let payload = payload(id, unit, &site, class);
        tx.append(&Head::NEW, event(tx, "site", id, "record_site", &["hj_1259_2022/4.2.1"], payload)).await?;
        Ok(())
    })
    .await
}

/// Records a site of a unit outside the system, anywhere in the country: it may then receive by manifest.
///
/// # Errors
/// 403, 404; `unknown-division`, `division-too-wide`, `half-point`, `not-full-years`.
pub async fn record_external_site(call: &Call, actor: &Actor, unit: Uuid, site: SiteStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        policy::adds_to_external(tx.conn, actor, unit).await?;
        let class = check_site(tx, &site).await?;
        let id = tx.new_id();
        store::insert_site(tx.conn, id, unit, &site, class, tx.now()).await?;
        let mut payload = payload(id, unit, &site, class);
        payload["stated_by_unit"] = json!(actor.unit_id());
        tx.append(&Head::NEW, event(tx, "site", id, "record_external_site", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// States a site anew, whole: its own unit, or for a unit outside the system the partner that recorded it, or an officer.
///
/// # Errors
/// 403, 404, 412, and those of [`record_site`].
pub async fn change_site(call: &Call, actor: &Actor, id: Uuid, site: SiteStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::site_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let is_own = actor.unit_id() == Some(stored.unit_id);
        if is_own {
            policy::states_for(actor)?;
        } else {
            policy::states_for_external(tx.conn, actor, stored.unit_id).await?;
        }
        tx.seen(id, &head).await?;
        let class = check_site(tx, &site).await?;
        store::update_site(tx.conn, id, &site, class).await?;
        let mut payload = payload(id, stored.unit_id, &site, class);
        let new = if is_own {
            event(tx, "site", id, "change_site", &["hj_1259_2022/4.2.1"], payload)
        } else {
            payload["stated_by_unit"] = json!(actor.unit_id());
            event(tx, "site", id, "change_external_site", &[], payload)
        };
        tx.append(&head, new).await?;
        Ok(())
    })
    .await
}

fn payload(id: Uuid, unit: Uuid, site: &SiteStatement, class: Option<ManagementClass>) -> serde_json::Value {
    json!({
        "site_id": id, "unit_id": unit, "name": site.name, "division": site.division, "address": site.address,
        "lon_e7": site.lon_e7, "lat_e7": site.lat_e7, "industry": site.industry, "permit_no": site.permit_no, "eia_no": site.eia_no,
        "yearly": site.years(), "eia_g": site.eia_g.map(MassInput::grams), "permit_g": site.permit_g.map(MassInput::grams),
        "is_long_cycle": site.is_long_cycle, "own_facility": site.own_facility, "class_by_figures": class,
    })
}

async fn check_site(tx: &mut Tx<'_>, site: &SiteStatement) -> Result<Option<ManagementClass>, Problem> {
    let (day, years) = (today(tx), site.years());
    let mut refusals = Refusals::none();
    match catalogue::division(tx.conn, site.division.as_str()).await? {
        None => refusals.add("/division", RegistryRefusal::UnknownDivision(site.division.to_string())),
        Some(division) if !division.holds_sites() => refusals.add("/division", RegistryRefusal::DivisionTooWide(division.code)),
        Some(_) => {}
    }
    let within = |value: Option<i32>, most: i32| value.is_none_or(|value| (-most..=most).contains(&value));
    if site.lon_e7.is_some() != site.lat_e7.is_some() || !within(site.lon_e7, 1_800_000_000) || !within(site.lat_e7, 900_000_000) {
        refusals.add("/lon_e7", RegistryRefusal::HalfPoint);
    }
    if !are_full_years(&years, day) {
        refusals.add("/yearly", RegistryRefusal::NotFullYears);
    }
    refusals.or(management_class(&site.figures(&years), day)).map_err(Problem::from)
}

/// The authority decides on a site's class; the computed one is kept beside it.
///
/// Legal source: `hj_1259_2022/4.2.2`.
///
/// # Errors
/// 404 outside the jurisdiction, 403 unless manager, 412.
pub async fn decide_class(call: &Call, actor: &Actor, id: Uuid, class: ManagementClass, reason: Sentence) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::site_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        policy::officer_of(tx.conn, actor, &stored.division, &[Role::Manager], &kinds::NOT_FOUND).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        store::decide_class(tx.conn, id, class, reason.as_str(), now).await?;
        let payload = json!({ "site_id": id, "decided_class": class, "reason": reason });
        tx.append(&head, event(tx, "site", id, "decide_class", &["hj_1259_2022/4.2.2"], payload)).await?;
        Ok(())
    })
    .await
}

/// Records a facility of a site of the actor's unit.
///
/// # Errors
/// 403, 404; `facility-exists`.
pub async fn record_facility(call: &Call, actor: &Actor, site: Uuid, facility: FacilityStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::site_key(tx.conn, site).await?.ok_or_else(Problem::not_found)?;
        policy::own(actor, stored.unit_id, &kinds::NOT_FOUND)?;
        policy::states_for(actor)?;
        let (id, now) = (tx.new_id(), tx.now());
        if !store::insert_facility(tx.conn, id, site, &facility, now).await? {
            return Err(refuse("/code", RegistryRefusal::FacilityExists));
        }
        let payload = json!({
            "facility_id": id, "site_id": site, "code": facility.code, "name": facility.name, "kind": facility.kind,
            "capacity_g": facility.capacity_g.map(MassInput::grams),
        });
        tx.append(&Head::NEW, event(tx, "facility", id, "record_facility", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// Gives notice that a site stands still or takes nothing.
///
/// # Errors
/// 403, 404; `days-out-of-order`.
pub async fn give_closure(call: &Call, actor: &Actor, site: Uuid, closure: ClosureStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::site_key(tx.conn, site).await?.ok_or_else(Problem::not_found)?;
        policy::own(actor, stored.unit_id, &kinds::NOT_FOUND)?;
        policy::states_for(actor)?;
        if closure.until_on.is_some_and(|until| until < closure.from_on) {
            return Err(refuse("/until_on", RegistryRefusal::DaysOutOfOrder));
        }
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_closure(tx.conn, id, site, &closure, now).await?;
        let payload =
            json!({ "closure_id": id, "site_id": site, "from_on": closure.from_on, "until_on": closure.until_on, "reason": closure.reason });
        tx.append(&Head::NEW, event(tx, "closure", id, "give_closure", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// Names the last day of a closure: the site works again the day after. The day before its first one withdraws it whole.
///
/// # Errors
/// 403, 404, 412; `days-out-of-order`.
pub async fn end_closure(call: &Call, actor: &Actor, id: Uuid, until: NaiveDate) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::closure_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        policy::own(actor, stored.unit_id, &kinds::NOT_FOUND)?;
        policy::states_for(actor)?;
        tx.seen(id, &head).await?;
        if stored.from_on.pred_opt().is_some_and(|before| until < before) {
            return Err(refuse("/until_on", RegistryRefusal::DaysOutOfOrder));
        }
        store::end_closure(tx.conn, id, until).await?;
        tx.append(&head, event(tx, "closure", id, "end_closure", &[], json!({ "closure_id": id, "until_on": until }))).await?;
        Ok(())
    })
    .await
}
