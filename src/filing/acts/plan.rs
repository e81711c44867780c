//! Acts on management plans (管理计划). 备案 is filing and no approval: a plan is in force when it is filed, an officer comments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{event, refusals, refuse};
use crate::catalogue::{self, MethodCode, WasteCode, in_force_on};
use crate::evidence::{Head, NewEvent, Outcome, Tx, canonical, content_hash};
use crate::filing::domain::plan::{PlanFacts, PlanFault, PlanTables, ReceiverFacts, ReceiverKind, Route, check};
use crate::filing::rules::{PLAN_YEARS_AROUND, YEARLY_DUE};
use crate::filing::store::plan::{self as store, NewRevision, StoredPlan};
use crate::identity::{self, Actor, Role, transact};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::lang::Lang;
use crate::platform::problem::{Problem, Refusal, Refusals, Text, kinds};
use crate::registry::{self, LicenceInForce, NoLicence, PaperNo, Sentence, SiteProfile, Words, own, verified_states_for};

refusals! {
    /// Why an act on a plan is refused, apart from what is wrong in the plan itself.
    PlanRefusal KINDS {
        /// Not a site of the actor's unit.
        NotOwnSite = 422 "plan-site-not-own" "不是本单位的场所" "It is no site of your unit",
        /// The year is too far from the present one.
        YearTooFar = 422 "plan-year-too-far" "计划年度与当前年度相差过大" "The plan's year is too far from the present one",
        /// One plan for a site and year.
        Exists = 409 "plan-exists" "该场所该年度已有管理计划" "The site has a plan of this year already",
        /// Nothing to copy from.
        NothingToCopy = 422 "nothing-to-copy" "没有可复制的管理计划" "There is no plan to copy",
        /// Only a draft is written, filed or thrown away.
        FiledAlready = 409 "plan-filed-already" "计划已备案；如有变化，请变更后重新备案" "The plan is filed; what changes is filed again as a change",
        /// Only what was filed is acknowledged, commented on or changed.
        NotFiled = 409 "plan-not-filed" "计划尚未备案" "The plan is not filed yet",
        /// The revision in force has the authority's number.
        AcknowledgedAlready = 409 "plan-acknowledged-already" "本次备案已有备案编号" "This filing has the authority's number already",
        /// Nothing is different.
        NothingChanged = 422 "plan-not-changed" "与已备案的内容相同" "It is what was filed already",
    }
}

/// Legal keys of filing a plan.
const FILE_LAW: &[&str] = &["decree_23_2021/10/2", "eco_code_2026/532/para2", "solid_waste_law_2020/78/para2", "hj_1259_2022/5.2"];

/// The last day on which the plan of a year is filed in time.
///
/// Legal source: `hj_1259_2022/5.2`.
#[must_use]
pub fn due_on(year: i32) -> NaiveDate {
    let end = NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or_default();
    let (month, day) = *YEARLY_DUE.on(end);
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or(end)
}

/// What a draft answers: the thing and its version.
pub struct Draft {
    /// The plan.
    pub id: Uuid,
    /// For `If-Match`.
    pub version: i64,
}

fn as_json(tables: &PlanTables) -> Result<Value, Problem> {
    serde_json::to_value(tables).map_err(|error| Problem::internal(&error))
}

/// Keeps a new draft of a plan.
///
/// # Errors
/// 403; `plan-site-not-own`, `plan-year-too-far`, `plan-exists`.
pub async fn create(app: &App, actor: &Actor, (site, year): (Uuid, i32), tables: &PlanTables) -> Result<Draft, Problem> {
    let unit = verified_states_for(actor)?;
    let (id, now) = (app.clock.new_id(), app.clock.now());
    let mut conn = app.db.get().await?;
    let mut refusals = Refusals::none();
    if !registry::sites(&conn, &[site]).await?.iter().any(|facts| facts.unit_id() == unit) {
        refusals.add("/site_id", PlanRefusal::NotOwnSite);
    }
    if year.abs_diff(legal_day(now).year()) > PLAN_YEARS_AROUND.unsigned_abs() {
        refusals.add("/year", PlanRefusal::YearTooFar);
    }
    refusals.or(())?;
    if store::insert_draft(&mut conn, id, unit, (site, year), &as_json(tables)?, now).await? {
        Ok(Draft { id, version: 1 })
    } else {
        Err(refuse("/year", PlanRefusal::Exists))
    }
}

/// Keeps a draft with the tables of the site's plan of another year.
///
/// # Errors
/// As [`create`]; `nothing-to-copy`.
pub async fn copy(app: &App, actor: &Actor, site: Uuid, from_year: i32, year: i32) -> Result<Draft, Problem> {
    let unit = verified_states_for(actor)?;
    let mut conn = app.db.get().await?;
    let source = store::of_year(&mut conn, site, from_year).await?.filter(|plan| plan.unit_id == unit);
    drop(conn);
    let source = source.ok_or_else(|| refuse("/from_year", PlanRefusal::NothingToCopy))?;
    create(app, actor, (site, year), &source.tables()?).await
}

/// A draft of the actor's unit.
async fn own_draft(conn: &mut AsyncPgConnection, actor: &Actor, id: Uuid) -> Result<StoredPlan, Problem> {
    let plan = store::get(conn, id, false).await?.ok_or_else(Problem::not_found)?;
    own(actor, plan.unit_id, outsider(conn, actor, &plan).await?)?;
    verified_states_for(actor)?;
    Ok(plan)
}

/// Writes a draft anew.
///
/// # Errors
/// 403, 404, 412; `plan-filed-already`.
pub async fn put(app: &App, actor: &Actor, id: Uuid, seen: i64, tables: &PlanTables) -> Result<Draft, Problem> {
    let mut conn = app.db.get().await?;
    let plan = own_draft(&mut conn, actor, id).await?;
    if !plan.is_draft() {
        return Err(refuse("", PlanRefusal::FiledAlready));
    }
    let version = store::put_draft(&mut conn, id, seen, &as_json(tables)?, app.clock.now()).await?;
    let version = version.ok_or_else(|| Problem::of(&kinds::STALE).with("version", plan.draft_version.into()))?;
    Ok(Draft { id, version })
}

/// Throws a draft away.
///
/// # Errors
/// 403, 404; `plan-filed-already`.
pub async fn delete(app: &App, actor: &Actor, id: Uuid) -> Result<(), Problem> {
    let mut conn = app.db.get().await?;
    own_draft(&mut conn, actor, id).await?;
    if store::delete_draft(&mut conn, id).await? { Ok(()) } else { Err(refuse("", PlanRefusal::FiledAlready)) }
}

/// What somebody gets who is not of the plan's unit: an officer sees what was filed, nobody else sees anything.
async fn outsider(conn: &mut AsyncPgConnection, actor: &Actor, plan: &StoredPlan) -> Result<&'static crate::platform::problem::Kind, Problem> {
    let may_see = !plan.is_draft() && identity::officer_sees(conn, actor, &plan.division).await?;
    Ok(if may_see { &kinds::FORBIDDEN } else { &kinds::NOT_FOUND })
}

/// What the check of a plan rests on, and the site as the registry has it.
///
/// # Errors
/// As the database.
pub async fn facts(
    conn: &mut AsyncPgConnection,
    plan: &StoredPlan,
    tables: &PlanTables,
    today: NaiveDate,
) -> Result<(PlanFacts, SiteProfile), Problem> {
    let profile = registry::site_profile(conn, plan.site_id, today).await?.ok_or_else(|| Problem::broken("a plan without its site"))?;
    let first = NaiveDate::from_ymd_opt(plan.year, 1, 1).unwrap_or(today);
    let last = NaiveDate::from_ymd_opt(plan.year, 12, 31).unwrap_or(today);
    // A licence is asked for on a day of the plan's year.
    let day = today.clamp(first, last);
    let codes: BTreeSet<String> = tables.codes().map(|(_, code)| code.to_string()).collect();
    let codes = catalogue::code_facts(conn, day, &codes.into_iter().collect::<Vec<_>>()).await?;
    let mut unknown_methods = BTreeSet::new();
    for method in tables.methods().map(|(_, method)| method.to_string()).collect::<BTreeSet<_>>() {
        if catalogue::method_group(conn, &method).await?.is_none() {
            unknown_methods.insert(method);
        }
    }
    let receivers = receivers(conn, tables, &profile, day).await?;
    let before = store::of_year(conn, plan.site_id, plan.year - 1).await?.filter(|before| !before.is_draft());
    let opening_g = before.map(|before| before.tables()).transpose()?.map(|before| {
        let mut sums: BTreeMap<WasteCode, i64> = BTreeMap::new();
        for row in before.a4 {
            *sums.entry(row.code).or_default() += row.left_g.get();
        }
        sums
    });
    let due_on = due_on(plan.year);
    let facts = PlanFacts {
        class: profile.class(),
        facilities: profile.facility_codes.iter().cloned().collect(),
        codes,
        unknown_methods,
        receivers,
        opening_g,
        has_contingency_plan: store::has_contingency_plan(conn, plan.site_id, today).await?,
        due_on,
        is_late: plan.is_draft() && today > due_on,
    };
    Ok((facts, profile))
}

async fn receivers(
    conn: &mut AsyncPgConnection,
    tables: &PlanTables,
    profile: &SiteProfile,
    day: NaiveDate,
) -> Result<Vec<Option<ReceiverFacts>>, Problem> {
    let rows = store::receivers(conn, &tables.a7, day).await?;
    let mut covers = covers(conn, tables, day).await?;
    let province = |prefecture: &Option<String>| prefecture.as_deref().and_then(|digits| digits.get(..2)).map(str::to_owned);
    let own = province(&profile.prefecture);
    let facts = rows.into_iter().enumerate().map(|(index, row)| {
        let route = match (row.is_foreign, province(&row.prefecture)) {
            (true, _) => Route::Abroad,
            (false, other) if other == own => Route::InProvince,
            (false, _) => Route::CrossProvince,
        };
        row.is_there.then(|| ReceiverFacts {
            name: row.name.unwrap_or_default(),
            is_foreign: row.is_foreign,
            route,
            cover: covers.remove(&index),
            is_exempt: row.is_exempt,
        })
    });
    Ok(facts.collect())
}

/// For the rows that rest on a licence and name a site: whether one covers. One question for each site.
async fn covers(
    conn: &mut AsyncPgConnection,
    tables: &PlanTables,
    day: NaiveDate,
) -> Result<BTreeMap<usize, Result<LicenceInForce, NoLicence>>, Problem> {
    type Asked = (Vec<usize>, Vec<(WasteCode, MethodCode)>);
    let mut by_site: BTreeMap<(Uuid, Uuid), Asked> = BTreeMap::new();
    for (index, row) in tables.a7.iter().enumerate().filter(|(_, row)| row.receiver_kind == ReceiverKind::LicenceHolder) {
        let Some(site) = row.receiver_site_id else { continue };
        let (places, pairs) = by_site.entry((row.receiver_id, site)).or_default();
        places.push(index);
        pairs.push((row.code, row.method));
    }
    let mut covers = BTreeMap::new();
    for ((unit, site), (places, pairs)) in by_site {
        covers.extend(places.into_iter().zip(registry::licence_cover(conn, unit, site, day, &pairs).await?));
    }
    Ok(covers)
}

/// What is wrong in a plan, in the two heaps that it falls into.
pub struct Checked {
    /// What stops its filing.
    pub refusals: Refusals<PlanFault>,
    /// What is only told.
    pub warnings: Vec<Value>,
}

/// A warning as every act tells it.
fn warning(pointer: &str, fault: &PlanFault, today: NaiveDate) -> Value {
    let Text { zh, en } = fault.text();
    json!({
        "code": fault.kind().code, "effect": "warn", "pointer": pointer, "message": { "zh-CN": zh, "en": en },
        "legal": in_force_on(fault.law(), today),
    })
}

fn sorted(found: Vec<(String, PlanFault)>, today: NaiveDate) -> Checked {
    let mut checked = Checked { refusals: Refusals::none(), warnings: Vec::new() };
    for (pointer, fault) in found {
        if fault.stops() {
            checked.refusals.add(pointer, fault);
        } else {
            checked.warnings.push(warning(&pointer, &fault, today));
        }
    }
    checked
}

/// Everything that is wrong in a plan as it stands, for its unit and, once it is filed, for its officers.
///
/// # Errors
/// 404.
pub async fn checked(app: &App, actor: &Actor, id: Uuid, lang: Lang) -> Result<(Vec<Value>, Vec<Value>), Problem> {
    let mut conn = app.db.get().await?;
    let plan = store::get(&mut conn, id, false).await?.ok_or_else(Problem::not_found)?;
    if actor.unit_id() != Some(plan.unit_id) && outsider(&mut conn, actor, &plan).await? == &kinds::NOT_FOUND {
        return Err(Problem::not_found());
    }
    let today = legal_day(app.clock.now());
    let tables = plan.tables()?;
    let (facts, _) = facts(&mut conn, &plan, &tables, today).await?;
    let checked = sorted(check(&tables, &facts), today);
    let faults = checked.refusals.iter().map(|(pointer, fault)| {
        json!({ "pointer": pointer, "code": fault.kind().code, "message": fault.text().say(lang), "legal": in_force_on(fault.law(), today) })
    });
    Ok((faults.collect(), checked.warnings))
}

/// Table A.1 and what else is read from registry and catalogue, frozen with the filing.
fn drawn(tables: &PlanTables, facts: &PlanFacts, profile: &SiteProfile) -> Value {
    let a7 = tables.a7.iter().zip(&facts.receivers).map(|(_, receiver)| {
        let receiver = receiver.as_ref();
        let licence_no = receiver.and_then(|facts| facts.cover.as_ref()?.as_ref().ok()).map(LicenceInForce::licence_no);
        json!({ "route": receiver.map(|facts| facts.route), "receiver_name": receiver.map(|facts| &facts.name), "licence_no": licence_no })
    });
    let codes =
        facts.codes.listed.iter().map(|fact| json!({ "code": fact.code, "category": fact.category, "name": fact.name, "hazards": fact.hazards }));
    json!({
        "a1": {
            "unit_name": profile.unit_name, "uscc": profile.uscc, "registered_address": profile.unit_address, "site_name": profile.name,
            "site_address": profile.address, "division": profile.division, "industry": profile.industry, "lon_e7": profile.lon_e7,
            "lat_e7": profile.lat_e7, "permit_no": profile.permit_no, "eia_no": profile.eia_no, "management_class": facts.class,
        },
        "a7": a7.collect::<Vec<_>>(),
        "codes": codes.collect::<Vec<_>>(),
        "edition": { "in_force": facts.codes.known, "used": facts.codes.used },
    })
}

/// Seals a filing, sets the flows by it and gives the event.
async fn seal(tx: &mut Tx<'_>, plan: &StoredPlan, tables: &PlanTables, reason: Option<&Sentence>) -> Result<NewEvent, Problem> {
    let now = tx.now();
    let today = legal_day(now);
    let (facts, profile) = facts(tx.conn, plan, tables, today).await?;
    let checked = sorted(check(tables, &facts), today);
    checked.refusals.or(())?;
    let revision = plan.revision + 1;
    let written = as_json(tables)?;
    let bytes = canonical(&json!({
        "v": 1, "plan_id": plan.id, "site_id": plan.site_id, "year": plan.year, "revision": revision, "tables": written,
        "drawn": drawn(tables, &facts, &profile),
    }))?;
    let hash = content_hash(&bytes);
    let new = NewRevision {
        revision,
        class: facts.class,
        reason: reason.map(Words::as_str),
        tables: &written,
        bytes: &bytes,
        content_hash: &hash,
        is_late: facts.is_late,
    };
    store::insert_revision(tx.conn, plan.id, &new, now).await?;
    let ids: Vec<Uuid> = tables.a7.iter().map(|_| tx.new_id()).collect();
    let flows = store::set_flows(tx.conn, plan, &tables.a7, &ids, now).await?;
    let act = if revision == 1 { "file_plan" } else { "change_plan" };
    let payload = json!({
        "plan_id": plan.id, "unit_id": plan.unit_id, "site_id": plan.site_id, "year": plan.year, "state": "sent", "revision": revision,
        "management_class": facts.class, "due_on": facts.due_on, "is_late": facts.is_late, "reason": reason, "flows": flows,
        "warnings": checked.warnings,
    });
    let mut event = event(tx, "plan", plan.id, act, FILE_LAW, payload);
    event.sealed = BTreeMap::from([("plan".to_owned(), hex::encode(hash))]);
    Ok(event)
}

/// Files a plan: from now on it is in force. Nobody approves it.
///
/// Legal source: `eco_code_2026/532/para2`, `hj_1259_2022/5.2`.
///
/// # Errors
/// 403, 404, 412; `plan-filed-already`, and all that stops a plan.
pub async fn file(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let plan = store::get(tx.conn, id, true).await?.ok_or_else(Problem::not_found)?;
        own(actor, plan.unit_id, outsider(tx.conn, actor, &plan).await?)?;
        verified_states_for(actor)?;
        if !plan.is_draft() {
            let head = tx.lock(id).await?;
            tx.seen(id, &head).await?;
            return Err(refuse("", PlanRefusal::FiledAlready));
        }
        tx.call.seen(plan.draft_version)?;
        let event = seal(tx, &plan, &plan.tables()?, None).await?;
        tx.append(&Head::NEW, event).await?;
        Ok(())
    })
    .await
}

/// A filed plan under its lock, with the head of its chain.
async fn filed(tx: &mut Tx<'_>, id: Uuid) -> Result<StoredPlan, Problem> {
    store::get(tx.conn, id, true).await?.ok_or_else(Problem::not_found)
}

/// Files a changed plan: the earlier filing stays as it was sealed.
///
/// Legal source: `hj_1259_2022/5.2`.
///
/// # Errors
/// 403, 404, 412; `plan-not-filed`, `plan-not-changed`, and all that stops a plan.
pub async fn change(call: &Call, actor: &Actor, id: Uuid, reason: &Sentence, tables: &PlanTables) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let plan = filed(tx, id).await?;
        own(actor, plan.unit_id, outsider(tx.conn, actor, &plan).await?)?;
        verified_states_for(actor)?;
        if plan.is_draft() {
            return Err(refuse("", PlanRefusal::NotFiled));
        }
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        if as_json(&plan.tables()?)? == as_json(tables)? {
            return Err(refuse("/tables", PlanRefusal::NothingChanged));
        }
        let event = seal(tx, &plan, tables, Some(reason)).await?;
        tx.append(&head, event).await?;
        Ok(())
    })
    .await
}

/// An officer of the site's division, or the unit itself: both learn the authority's number.
async fn officer_or_unit(tx: &mut Tx<'_>, actor: &Actor, plan: &StoredPlan) -> Result<Uuid, Problem> {
    if actor.unit_id() == Some(plan.unit_id) {
        return verified_states_for(actor);
    }
    let outsider = outsider(tx.conn, actor, plan).await?;
    if outsider == &kinds::NOT_FOUND {
        return Err(Problem::not_found());
    }
    registry::officer_of(tx.conn, actor, &plan.division, &[Role::Inspector, Role::Manager], outsider).await
}

/// Notes the number that the authority gave to the filing in force (备案编号): by its officer, or by the unit that was told.
///
/// # Errors
/// 403, 404, 412; `plan-not-filed`, `plan-acknowledged-already`.
pub async fn acknowledge(call: &Call, actor: &Actor, id: Uuid, number: &PaperNo) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let plan = filed(tx, id).await?;
        let by = officer_or_unit(tx, actor, &plan).await?;
        if plan.is_draft() {
            return Err(refuse("", PlanRefusal::NotFiled));
        }
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        if !store::acknowledge(tx.conn, &plan, number.as_str(), by, now).await? {
            return Err(refuse("", PlanRefusal::AcknowledgedAlready));
        }
        let payload = json!({ "plan_id": id, "revision": plan.revision, "state": "acknowledged", "official_filing_no": number, "by_unit": by });
        tx.append(&head, event(tx, "plan", id, "acknowledge_plan", &["hj_1259_2022/5.2"], payload)).await?;
        Ok(())
    })
    .await
}

/// An officer says what he thinks of a plan; it stays in force all the same.
///
/// # Errors
/// 403, 404, 412.
pub async fn comment(call: &Call, actor: &Actor, id: Uuid, comment: &Words<2, 2_000>) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let plan = filed(tx, id).await?;
        let is_own = actor.unit_id() == Some(plan.unit_id);
        let outsider = if is_own { &kinds::FORBIDDEN } else { outsider(tx.conn, actor, &plan).await? };
        if plan.is_draft() {
            return Err(Problem::of(outsider));
        }
        let by = registry::officer_of(tx.conn, actor, &plan.division, &[Role::Inspector, Role::Manager], outsider).await?;
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        let (comment_id, now) = (tx.new_id(), tx.now());
        store::insert_comment(tx.conn, comment_id, &plan, by, comment, now).await?;
        let payload = json!({ "plan_id": id, "revision": plan.revision, "comment": comment, "by_unit": by });
        tx.append(&head, event(tx, "plan", id, "comment_plan", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// A way that a manifest needs and the plan does not have.
pub struct Wanted {
    /// Waste.
    pub code: WasteCode,
    /// Method.
    pub method: MethodCode,
    /// The waste's form, as the plan writes it.
    pub form: crate::ledger::WasteForm,
    /// 有害成分.
    pub harmful: String,
    /// Unit: grams.
    pub mass_g: crate::platform::mass::Grams,
}

/// The change that would make a filed plan cover some ways to a receiver, ready to be sent; none where no plan is filed.
///
/// # Errors
/// As the database.
pub async fn change_ready(
    conn: &mut AsyncPgConnection,
    (site, year): (Uuid, i32),
    (receiver, receiver_site, is_foreign): (Uuid, Uuid, bool),
    wanted: &[Wanted],
) -> Result<Option<Value>, Problem> {
    let Some(plan) = store::of_year(conn, site, year).await?.filter(|plan| !plan.is_draft()) else { return Ok(None) };
    let mut tables = plan.tables()?;
    let kind = if is_foreign { ReceiverKind::Foreign } else { ReceiverKind::LicenceHolder };
    for way in wanted {
        let row = json!({
            "code": way.code, "harmful": way.harmful, "form": way.form, "planned_g": way.mass_g, "method": way.method,
            "receiver_kind": kind, "receiver_id": receiver, "receiver_site_id": receiver_site,
        });
        tables.a7.push(serde_json::from_value(row).map_err(|error| Problem::internal(&error))?);
    }
    let version = crate::filing::store::version_of(conn, plan.id).await?;
    Ok(Some(json!({
        "act": "change_plan", "method": "POST", "path": format!("/api/v1/plans/{}/change", plan.id), "if_match": version,
        "body": { "reason": "新增转移去向", "tables": tables },
    })))
}
