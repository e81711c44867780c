//! Acts on declarations (申报), and on who may declare for a unit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{event, refusals, refuse};
use crate::catalogue::{self, Listing, WasteCode, in_force_on};
use crate::evidence::{Head, NewEvent, Outcome, Tx, canonical, content_hash};
use crate::filing::domain::declaration::{DeclaredRow, OutsideShare, OwnShare, Period, PeriodKind, added_up, duties_of, repeated, unbalanced};
use crate::filing::domain::plan::ReceiverKind;
use crate::filing::store::declaration::{self as store, NewRevision, StoredDeclaration};
use crate::filing::store::plan as plans;
use crate::identity::{self, Actor, Role, transact};
use crate::ledger;
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::mass::{Grams, tonnes_text};
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text, kinds};
use crate::registry::{self, ManagementClass, PaperNo, Sentence, SiteProfile, Words, officer_of, own, verified_states_for};

refusals! {
    /// Why a declaration is refused, apart from rows that do not balance.
    DeclarationRefusal KINDS {
        /// Neither an own site nor one of a unit that named the actor's.
        NotOwnSite = 422 "declaration-site-not-own" "不是本单位或委托单位的场所" "It is no site of your unit, nor of one that named yours to declare",
        /// Declared already.
        Exists = 409 "declaration-exists" "该期间已申报；如有更正，请重新申报" "The period is declared already; restate it",
        /// The period still runs.
        PeriodRuns = 422 "period-not-ended" "申报期间尚未结束" "The period has not ended",
        /// A code in two rows.
        CodeTwice = 422 "declared-code-twice" "同一废物代码重复" "A waste code stands in two rows",
        /// The revision in force has the authority's number.
        AcknowledgedAlready = 409 "declaration-acknowledged-already" "本次申报已有回执编号" "This declaration has the authority's number already",
        /// A unit cannot name itself.
        AgentIsSelf = 422 "agent-is-self" "不能委托本单位" "A unit cannot name itself",
        /// No such unit, or not verified.
        AgentUnknown = 422 "agent-unknown" "受托单位不存在或未经核验" "There is no such unit, or nobody verified it",
        /// The days are in the wrong order.
        AgentDays = 422 "agent-days-out-of-order" "委托期限顺序有误" "The days are out of order",
        /// Ended already.
        AgentEnded = 409 "agent-ended-already" "委托已终止" "It has ended already",
    }
}

/// A row that does not balance.
pub static UNBALANCED: Kind =
    Kind::new(422, "declaration-unbalanced", "期初加产生不等于去向加期末", "What came does not equal what went and what is left");

/// A row that does not balance, with its two sides.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {comes_g} came, {goes_g} went or is left")]
struct Unbalanced {
    code: WasteCode,
    comes_g: i64,
    goes_g: i64,
}

impl Refusal for Unbalanced {
    fn kind(&self) -> &'static Kind {
        &UNBALANCED
    }
    fn text(&self) -> Text {
        let t = |g: i64| tonnes_text(Grams::try_from(g).unwrap_or(Grams::MAX));
        let (code, comes, goes, off) = (self.code, t(self.comes_g), t(self.goes_g), t((self.comes_g - self.goes_g).abs()));
        Text::new(
            format!("{code}：期初与产生共 {comes} 吨，自行、委外与期末共 {goes} 吨，相差 {off} 吨"),
            format!("{code}: {comes} t in store or generated, {goes} t treated, handed over or left; {off} t apart"),
        )
    }
}

/// Legal keys of declaring.
const DECLARE_LAW: &[&str] = &["eco_code_2026/532/para1", "solid_waste_law_2020/78/para1", "hj_1259_2022/7.2"];

/// Who declares for a site: its unit, or a third party that it named.
///
/// Legal source: `hj_1259_2022/7.1.3`.
async fn declares_for(conn: &mut AsyncPgConnection, actor: &Actor, owner: Uuid, today: NaiveDate) -> Result<Option<Uuid>, Problem> {
    let filer = verified_states_for(actor)?;
    let may = filer == owner || store::is_agent(conn, owner, filer, today).await?;
    Ok(may.then_some(filer))
}

/// What a declaration says.
pub struct Statement {
    /// The site.
    pub site: Uuid,
    /// The period.
    pub period: Period,
    /// Its rows.
    pub rows: Vec<DeclaredRow>,
}

/// What makes rows no declaration: two of one code, or one that does not balance. All of them at once.
fn admissible(rows: &[DeclaredRow]) -> Result<(), Problem> {
    let mut twice = Refusals::none();
    for index in repeated(rows) {
        twice.add(format!("/rows/{index}/code"), DeclarationRefusal::CodeTwice);
    }
    let mut off = Refusals::none();
    for (index, row) in unbalanced(rows) {
        off.add(format!("/rows/{index}"), Unbalanced { code: row.code, comes_g: row.comes_g(), goes_g: row.goes_g() });
    }
    match (twice.is_empty(), off.is_empty()) {
        (true, true) => Ok(()),
        (false, true) => Err(twice.into()),
        (true, false) => Err(off.into()),
        (false, false) => {
            let (first, second): (Problem, Problem) = (twice.into(), off.into());
            let mut both = Problem::of(&kinds::RULES);
            both.errors = first.errors.into_iter().chain(second.errors).collect();
            Err(both)
        }
    }
}

fn warning(code: &'static str, pointer: String, zh: String, en: String, law: &[&'static str], today: NaiveDate) -> Value {
    json!({ "code": code, "effect": "warn", "pointer": pointer, "message": { "zh-CN": zh, "en": en }, "legal": in_force_on(law, today) })
}

/// What is only told: an opening stock that is not the last closing one, a code that the catalogue lacks, a period that the class
/// does not ask for, a late day.
async fn warnings(
    conn: &mut AsyncPgConnection,
    profile: &SiteProfile,
    statement: &Statement,
    is_late: bool,
    today: NaiveDate,
) -> Result<Vec<Value>, Problem> {
    let mut told = Vec::new();
    let period = statement.period;
    if is_late {
        let due_on = period.due_on();
        let (zh, en) = (format!("应于 {due_on} 前申报"), format!("It was due on {due_on}"));
        told.push(warning("declaration-late", String::new(), zh, en, &["hj_1259_2022/7.2"], today));
    }
    if profile.class().is_some_and(|class| !duties_of(class).contains(&period.kind())) {
        let (zh, en) = ("该管理类别不要求此期间的申报".to_owned(), "The class of the site does not ask for this period".to_owned());
        told.push(warning("declaration-not-asked-for", "/period".into(), zh, en, &["hj_1259_2022/7.2"], today));
    }
    let codes: Vec<String> = statement.rows.iter().map(|row| row.code.to_string()).collect();
    let facts = catalogue::code_facts(conn, period.ends_on(), &codes).await?;
    let before = stock_before(conn, statement.site, period).await?;
    for (index, row) in statement.rows.iter().enumerate() {
        if matches!(facts.listing(row.code), Listing::Unlisted | Listing::Unknown) {
            let (zh, en) = (
                format!("{} 不在名录中，或当日名录尚未载入", row.code),
                format!("{} is not in the catalogue, or that of the day is not loaded", row.code),
            );
            told.push(warning("declared-code-not-listed", format!("/rows/{index}/code"), zh, en, &[], today));
        }
        if let Some(stock) = before.as_ref().map(|all| all.get(&row.code).copied().unwrap_or(Grams::ZERO)).filter(|stock| *stock != row.opening_g) {
            let (then, now) = (tonnes_text(stock), tonnes_text(row.opening_g));
            let (zh, en) = (
                format!("{}：上期期末 {then} 吨，本期期初 {now} 吨", row.code),
                format!("{}: {then} t were left, {now} t are there at the start", row.code),
            );
            told.push(warning("declaration-opening-differs", format!("/rows/{index}/opening_g"), zh, en, &[], today));
        }
    }
    Ok(told)
}

/// What the declaration of the period before left in store; none where there is no such declaration.
async fn stock_before(conn: &mut AsyncPgConnection, site: Uuid, period: Period) -> Result<Option<BTreeMap<WasteCode, Grams>>, Problem> {
    let before = store::rows_of(conn, site, &[period.before()]).await?.pop();
    Ok(before.map(|rows| rows.into_iter().map(|row| (row.code, row.closing_g)).collect()))
}

/// Seals a declaration and gives its event.
async fn seal(
    tx: &mut Tx<'_>,
    id: Uuid,
    statement: &Statement,
    (revision, filer, reason): (i32, Uuid, Option<&Sentence>),
    is_late: bool,
) -> Result<NewEvent, Problem> {
    let now = tx.now();
    let today = legal_day(now);
    let profile = registry::site_profile(tx.conn, statement.site, today).await?.ok_or_else(Problem::not_found)?;
    let warnings = warnings(tx.conn, &profile, statement, is_late, today).await?;
    let rows = serde_json::to_value(&statement.rows).map_err(|error| Problem::internal(&error))?;
    let period = statement.period;
    let bytes = canonical(&json!({
        "v": 1, "declaration_id": id, "site_id": statement.site, "period": period, "revision": revision, "rows": rows,
        "declarant": { "unit_id": profile.unit_id, "name": profile.unit_name, "uscc": profile.uscc, "management_class": profile.class() },
        "filer_id": filer,
    }))?;
    let hash = content_hash(&bytes);
    let new = NewRevision { revision, filer, reason: reason.map(Words::as_str), rows: &rows, bytes: &bytes, content_hash: &hash };
    store::insert_revision(tx.conn, id, &new, now).await?;
    let act = if revision == 1 { "file_declaration" } else { "restate_declaration" };
    let payload = json!({
        "declaration_id": id, "site_id": statement.site, "unit_id": profile.unit_id, "filer_id": filer, "period": period, "revision": revision,
        "state": "sent", "due_on": period.due_on(), "is_late": is_late, "reason": reason, "rows": statement.rows.len(), "warnings": warnings,
    });
    let mut event = event(tx, "declaration", id, act, DECLARE_LAW, payload);
    event.sealed = BTreeMap::from([("declaration".to_owned(), hex::encode(hash))]);
    Ok(event)
}

/// Declares what happened at a site in a period. It stays as it was filed.
///
/// Legal source: `eco_code_2026/532/para1`, `hj_1259_2022/7.2`.
///
/// # Errors
/// 403; `declaration-site-not-own`, `period-not-ended`, `declared-code-twice`, `declaration-unbalanced`, `declaration-exists`.
pub async fn file(call: &Call, actor: &Actor, statement: Statement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (id, now) = (tx.new_id(), tx.now());
        let today = legal_day(now);
        verified_states_for(actor)?;
        let owner = registry::sites(tx.conn, &[statement.site]).await?.first().map(registry::SiteFacts::unit_id);
        let filer = match owner {
            Some(owner) => declares_for(tx.conn, actor, owner, today).await?,
            None => None,
        };
        let (Some(owner), Some(filer)) = (owner, filer) else { return Err(refuse("/site_id", DeclarationRefusal::NotOwnSite)) };
        if statement.period.ends_on() >= today {
            return Err(refuse("/period", DeclarationRefusal::PeriodRuns));
        }
        admissible(&statement.rows)?;
        let is_late = today > statement.period.due_on();
        if !store::insert(tx.conn, id, (statement.site, owner), statement.period, is_late, now).await? {
            return Err(refuse("/period", DeclarationRefusal::Exists));
        }
        let event = seal(tx, id, &statement, (1, filer, None), is_late).await?;
        tx.append(&Head::NEW, event).await?;
        Ok(())
    })
    .await
}

/// What somebody gets who does not declare for the site.
async fn outsider(conn: &mut AsyncPgConnection, actor: &Actor, stored: &StoredDeclaration) -> Result<&'static Kind, Problem> {
    Ok(if identity::officer_sees(conn, actor, &stored.division).await? { &kinds::FORBIDDEN } else { &kinds::NOT_FOUND })
}

/// Declares a period anew: the earlier declaration stays and shows as restated.
///
/// # Errors
/// 403, 404, 412; `declared-code-twice`, `declaration-unbalanced`.
pub async fn restate(call: &Call, actor: &Actor, id: Uuid, reason: &Sentence, rows: Vec<DeclaredRow>) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::get(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let today = legal_day(tx.now());
        let is_agent = match actor.unit_id() {
            Some(unit) => store::is_agent(tx.conn, stored.unit_id, unit, today).await?,
            None => false,
        };
        if !is_agent {
            own(actor, stored.unit_id, outsider(tx.conn, actor, &stored).await?)?;
        }
        let filer = declares_for(tx.conn, actor, stored.unit_id, today).await?.ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        admissible(&rows)?;
        // Read again under the lock: the revision may have moved.
        let stored = store::get(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let period: Period = stored.period.parse().map_err(|_| Problem::broken("a declaration of no period"))?;
        let statement = Statement { site: stored.site_id, period, rows };
        let event = seal(tx, id, &statement, (stored.revision + 1, filer, Some(reason)), false).await?;
        tx.append(&head, event).await?;
        Ok(())
    })
    .await
}

/// Notes the number that the authority gave to the newest filing: by its officer, or by the unit that was told.
///
/// # Errors
/// 403, 404, 412; `declaration-acknowledged-already`.
pub async fn acknowledge(call: &Call, actor: &Actor, id: Uuid, number: &PaperNo) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::get(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let by = if actor.unit_id() == Some(stored.unit_id) {
            verified_states_for(actor)?
        } else {
            let outsider = outsider(tx.conn, actor, &stored).await?;
            officer_of(tx.conn, actor, &stored.division, &[Role::Inspector, Role::Manager], outsider).await?
        };
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        let stored = store::get(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let now = tx.now();
        if !store::acknowledge(tx.conn, &stored, number.as_str(), by, now).await? {
            return Err(refuse("", DeclarationRefusal::AcknowledgedAlready));
        }
        let payload =
            json!({ "declaration_id": id, "revision": stored.revision, "state": "acknowledged", "official_filing_no": number, "by_unit": by });
        tx.append(&head, event(tx, "declaration", id, "acknowledge_declaration", &["hj_1259_2022/7.2"], payload)).await?;
        Ok(())
    })
    .await
}

/// Whence a draft has its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeclarationDraftSource)]
pub enum DraftSource {
    /// Added up from the declarations of the year's parts.
    Declared,
    /// The ledger's totals of the period.
    Ledger,
    /// The stock of the declaration before and the codes of the plan; the masses are to be typed.
    Typed,
}

/// The rows of a declaration as far as they are known: from the year's parts, else from the ledger, else what is to be typed.
async fn draft_rows(conn: &mut AsyncPgConnection, site: Uuid, period: Period) -> Result<(DraftSource, Vec<DeclaredRow>), Problem> {
    if period.kind() == PeriodKind::Year {
        for kind in [PeriodKind::Month, PeriodKind::Quarter] {
            let parts = store::rows_of(conn, site, &Period::all_of(period.year(), kind)).await?;
            if !parts.is_empty() {
                return Ok((DraftSource::Declared, added_up(&parts)));
            }
        }
    }
    let totals = ledger::totals(conn, site, period.begins_on(), period.ends_on()).await?;
    if !totals.is_empty() {
        return Ok((DraftSource::Ledger, ledger_rows(conn, &totals).await?));
    }
    let mut rows: BTreeMap<WasteCode, DeclaredRow> = BTreeMap::new();
    for (code, stock) in stock_before(conn, site, period).await?.unwrap_or_default() {
        rows.insert(code, DeclaredRow::quiet(code, stock));
    }
    if let Some(plan) = plans::of_year(conn, site, period.year()).await?.filter(|plan| !plan.is_draft()) {
        for row in plan.tables()?.a3 {
            rows.entry(row.code).or_insert_with(|| DeclaredRow::quiet(row.code, Grams::ZERO));
        }
    }
    Ok((DraftSource::Typed, rows.into_values().collect()))
}

/// The ledger's totals as rows to be declared. What was received or came back, and what weighing found otherwise, has no column
/// in the form: such a row does not balance, is named when it is filed, and its clerk settles it knowingly.
async fn ledger_rows(conn: &mut AsyncPgConnection, totals: &[ledger::Totals]) -> Result<Vec<DeclaredRow>, Problem> {
    let name_of = |flow: &ledger::Flow| flow.receiver.as_ref().and_then(|receiver| receiver["name"].as_str()).map(str::to_owned);
    let names: Vec<String> = totals.iter().flat_map(|total| &total.flows).filter_map(name_of).collect();
    let known = store::units_named(conn, &names).await?;
    let mut rows = Vec::new();
    for total in totals {
        let (mut own, mut outside) = (Vec::new(), Vec::new());
        for flow in total.flows.iter().filter(|flow| flow.mass_g > 0) {
            let (Some(method), Ok(g)) = (flow.method.as_deref().and_then(|method| method.parse().ok()), Grams::try_from(flow.mass_g)) else {
                continue;
            };
            let Some(name) = name_of(flow) else {
                own.push(OwnShare { method, g });
                continue;
            };
            let unit = known.iter().find(|unit| unit.name == name);
            let receiver = flow.receiver.as_ref();
            let Ok(receiver_name) = Words::try_from(Cow::Owned(name)) else { continue };
            // The province of a unit that is not known here is typed: 未知 is no division, and says so.
            let province = unit.and_then(|unit| unit.division.get(..2)).map_or_else(|| "未知".to_owned(), |head| format!("{head}0000"));
            outside.push(OutsideShare {
                receiver_kind: match receiver.and_then(|receiver| receiver["kind"].as_str()) {
                    Some("exempt_unit") => ReceiverKind::ExemptStage,
                    Some("foreign") => ReceiverKind::Foreign,
                    _ => ReceiverKind::LicenceHolder,
                },
                receiver_id: unit.map(|unit| unit.id),
                receiver_name,
                receiver_no: receiver.and_then(|receiver| receiver["number"].as_str()).and_then(|no| Words::try_from(Cow::Owned(no.to_owned())).ok()),
                province: Words::try_from(Cow::Owned(province)).map_err(|error| Problem::internal(&error))?,
                method,
                g,
            });
        }
        let grams = |mass_g: i64| Grams::try_from(mass_g.max(0)).unwrap_or(Grams::ZERO);
        rows.push(DeclaredRow {
            code: total.code.parse::<WasteCode>().map_err(|error| Problem::internal(&error))?,
            opening_g: grams(total.opening_g),
            generated_g: grams(total.generated_g),
            own,
            outside,
            closing_g: grams(total.closing_g),
        });
    }
    Ok(rows)
}

/// A site that the actor declares for, or whose officer he is.
async fn visible_site(conn: &mut AsyncPgConnection, actor: &Actor, site: Uuid, today: NaiveDate) -> Result<SiteProfile, Problem> {
    let profile = registry::site_profile(conn, site, today).await?.ok_or_else(Problem::not_found)?;
    let is_filer = match actor.unit_id() {
        Some(unit) => unit == profile.unit_id || store::is_agent(conn, profile.unit_id, unit, today).await?,
        None => false,
    };
    if is_filer || identity::officer_sees(conn, actor, &profile.division).await? { Ok(profile) } else { Err(Problem::not_found()) }
}

/// Drafts the declaration of a site and period.
///
/// # Errors
/// 404.
pub async fn draft(app: &App, actor: &Actor, site: Uuid, period: Period) -> Result<(DraftSource, Vec<DeclaredRow>), Problem> {
    let mut conn = app.db.get().await?;
    visible_site(&mut conn, actor, site, legal_day(app.clock.now())).await?;
    draft_rows(&mut conn, site, period).await
}

/// How a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeclarationDutyState)]
pub enum DutyState {
    /// The period runs.
    Running,
    /// It has ended, and there is time.
    Due,
    /// Its day is past and nothing was filed.
    Overdue,
    /// Filed in time.
    Filed,
    /// Filed after its day.
    FiledLate,
}

/// One declaration that a site owes.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[schema(as = DeclarationDuty)]
pub struct Duty {
    period: Period,
    kind: PeriodKind,
    /// Last day on which filing is in time.
    due_on: NaiveDate,
    state: DutyState,
    declaration_id: Option<Uuid>,
}

/// What a site owes of a year, by the class that it has today.
///
/// # Errors
/// 404.
pub async fn duties(app: &App, actor: &Actor, site: Uuid, year: Option<i32>) -> Result<(i32, Option<ManagementClass>, Vec<Duty>), Problem> {
    let today = legal_day(app.clock.now());
    let year = year.unwrap_or_else(|| today.year());
    let mut conn = app.db.get().await?;
    let class = visible_site(&mut conn, actor, site, today).await?.class();
    let filed = store::filed_in(&mut conn, site, year).await?;
    let periods = class.map(duties_of).into_iter().flatten().flat_map(|kind| Period::all_of(year, *kind));
    let duties = periods.map(|period| {
        let declaration = filed.iter().find(|one| one.period == period.to_string());
        let state = match declaration {
            Some(one) if one.is_late => DutyState::FiledLate,
            Some(_) => DutyState::Filed,
            None if period.ends_on() >= today => DutyState::Running,
            None if period.due_on() >= today => DutyState::Due,
            None => DutyState::Overdue,
        };
        Duty { period, kind: period.kind(), due_on: period.due_on(), state, declaration_id: declaration.map(|one| one.id) }
    });
    Ok((year, class, duties.collect()))
}

/// Names a unit that may declare for the actor's, for some time.
///
/// Legal source: `hj_1259_2022/7.1.3`.
///
/// # Errors
/// 403; `agent-is-self`, `agent-unknown`, `agent-days-out-of-order`.
pub async fn name_agent(call: &Call, actor: &Actor, agent: Uuid, (from, until): (NaiveDate, NaiveDate)) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let mut refusals = Refusals::none();
        if agent == unit {
            refusals.add("/agent_id", DeclarationRefusal::AgentIsSelf);
        } else if identity::unit_by_id(tx.conn, agent).await?.is_none_or(|row| row.is_external || row.verified_at.is_none() || row.ended_at.is_some())
        {
            refusals.add("/agent_id", DeclarationRefusal::AgentUnknown);
        }
        if until < from {
            refusals.add("/until_on", DeclarationRefusal::AgentDays);
        }
        refusals.or(())?;
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_agent(tx.conn, id, (unit, agent), (from, until), now).await?;
        let payload = json!({ "filing_agent_id": id, "unit_id": unit, "agent_id": agent, "from_on": from, "until_on": until });
        tx.append(&Head::NEW, event(tx, "filing_agent", id, "name_filing_agent", &["hj_1259_2022/7.1.3"], payload)).await?;
        Ok(())
    })
    .await
}

/// Ends it: by the unit that named, or by the one that was named.
///
/// # Errors
/// 403, 404, 412; `agent-ended-already`.
pub async fn end_agent(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::agent_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        if actor.unit_id() != Some(stored.agent_id) {
            own(actor, stored.unit_id, &kinds::NOT_FOUND)?;
        }
        verified_states_for(actor)?;
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        if !store::end_agent(tx.conn, id, now).await? {
            return Err(refuse("", DeclarationRefusal::AgentEnded));
        }
        tx.append(&head, event(tx, "filing_agent", id, "end_filing_agent", &[], json!({ "filing_agent_id": id }))).await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_every_row_is_told_at_once() {
        let row = |code: &str, closing: i64| DeclaredRow {
            closing_g: Grams::try_from(closing).unwrap(),
            ..DeclaredRow::quiet(code.parse().unwrap(), Grams::try_from(5).unwrap())
        };
        assert!(admissible(&[row("900-249-08", 5), row("900-041-49", 5)]).is_ok());
        let problem = admissible(&[row("900-249-08", 5), row("900-249-08", 4), row("900-041-49", 6)]).unwrap_err();
        let told: Vec<_> = problem.errors.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(told, [("/rows/1/code", "declared-code-twice"), ("/rows/1", "declaration-unbalanced"), ("/rows/2", "declaration-unbalanced")]);
    }
}
