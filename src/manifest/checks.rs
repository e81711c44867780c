//! Checks of law and reason (合规检查): facts from catalogue, registry and filing become findings; the rule table decides
//! what a finding does to the act.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::accounts;
use super::domain::Record;
use super::findings::Findings;
use super::input::{IssueManifest, LineInput};
use super::parts::{ApprovalUsed, Basis, Consignment, Cover, Elsewhere, FlowUsed, Line, LinkKind, Party, ReleasedLine, Stream};
use super::refusal::DomainRefusal;
use super::store::Stored;
use super::table;
use super::trips::judge_papers;
use super::work::SUBJECT;
use crate::catalogue::{self, Listing, MethodCode, WasteCode};
use crate::evidence::{NewEvent, Tx};
use crate::filing;
use crate::ledger::accounts::{AccountKind, Balance};
use crate::platform::app::NumberMode;
use crate::platform::calendar::legal_day;
use crate::platform::db::Sql;
use crate::platform::mass::Grams;
use crate::platform::problem::{Problem, Refusals, Text as Words};
use crate::registry::{self, NoLicence, SiteFacts};

/// What a line can hold at all: a lorry carries some 40 t, a ship a few thousand. No law says it; beyond it somebody has
/// mistaken the unit, and the mass would use up the receiver's licence for everybody.
///
/// Unit: grams.
pub const LINE_MAX_G: i64 = 10_000_000_000;

/// A line above this is asked "kg or t?": no lorry carries more. Unit: grams.
const LINE_LIKELY_MAX_G: i64 = 50_000_000;
/// A line below this is asked too. Unit: grams.
const LINE_LIKELY_MIN_G: i64 = 100;
/// A line this many times off the unit's own median is asked.
const MEDIAN_FACTOR: i64 = 1_000;

/// The two ends of a manifest, looked up together.
pub struct Ends {
    /// Whence.
    pub departure: SiteFacts,
    /// Whither.
    pub receiver: SiteFacts,
    /// Prefecture of departure, four digits: the place in a manifest number (`decree_23_2021/15`).
    pub prefecture: String,
    /// Whether they lie in different provinces.
    pub is_cross_province: bool,
}

/// Looks up both sites and the carrier.
///
/// # Errors
/// `bad-value` for a site that is not there, or whose division has no prefecture.
pub async fn ends(conn: &AsyncPgConnection, departure: Uuid, receiver: Uuid, carrier: Uuid) -> Result<(Ends, Party), Problem> {
    let wanted = [departure, receiver];
    // Independent look-ups travel together: one round trip for both.
    let (sites, carrier) = futures_util::try_join!(registry::sites(conn, &wanted), super::trips::carrier_party(conn, carrier))?;
    let find = |id: Uuid| sites.iter().find(|site| site.site_id() == id).cloned();
    let no_site = |pointer: &str| Problem::value(pointer, Words::new("场所不存在", "There is no such site"));
    let departure = find(departure).ok_or_else(|| no_site("/consignor_site_id"))?;
    let receiver = find(receiver).ok_or_else(|| no_site("/receiver_site_id"))?;
    let no_prefecture = || Problem::value("/consignor_site_id", Words::new("场所所在区划无法确定地级市", "The site's division has no prefecture"));
    // A province's own digits end in 00: no number begins with them.
    let from = departure.prefecture().filter(|digits| !digits.ends_with("00")).map(str::to_owned).ok_or_else(no_prefecture)?;
    // Abroad is no province: an export is approved in another way than a transfer between provinces.
    let is_cross_province = !receiver.is_foreign() && from.get(..2) != receiver.prefecture().ok_or_else(no_prefecture)?.get(..2);
    Ok((Ends { is_cross_province, prefecture: from, departure, receiver }, carrier))
}

/// A site as a party.
#[must_use]
pub fn party(site: &SiteFacts, contact_name: Option<String>) -> Party {
    Party {
        unit_id: site.unit_id(),
        uscc: site.uscc().to_owned(),
        name: site.unit_name().to_owned(),
        site_id: Some(site.site_id()),
        address: site.address().to_owned(),
        division: site.division().to_owned(),
        phone: site.contact_phone().to_owned(),
        contact_name,
        is_external: site.is_external(),
    }
}

/// What the lines rest on besides the ends.
pub struct Basics<'a> {
    /// Both ends.
    pub ends: &'a Ends,
    /// 承运人.
    pub carrier: Party,
    /// The original consignor and the holder, on a return or re-consignment.
    pub link: Option<(super::parts::Link, Party)>,
    /// What a consignor outside the system holds elsewhere.
    pub elsewhere: Option<Elsewhere>,
    /// Whether the vehicle is named by a later act; then the carrier alone is looked at now.
    pub vehicle_follows: bool,
}

/// What law and records say of every line, looked up together.
struct Law {
    codes: catalogue::CodeFacts,
    covers: Vec<Result<registry::LicenceInForce, NoLicence>>,
    flows: Vec<Option<filing::PlanInForce>>,
    approvals: Vec<Option<filing::ApprovalInForce>>,
    contract: Option<registry::ContractInForce>,
    hints: Hints,
    carrier_permit: registry::Paper,
}

/// Which questions an issue asks: a return to the own site asks for no licence, plan or approval, a re-consignment for all
/// but the plan and the contract. The plan of a consignor outside the system is held elsewhere.
struct Asks {
    consignor: bool,
    licence: bool,
    plan: bool,
    approval: bool,
}

/// The seven look-ups are independent, so they travel together: one round trip.
async fn law(conn: &AsyncPgConnection, input: &IssueManifest, ends: &Ends, consignor: Uuid, asks: &Asks) -> Result<Law, Problem> {
    let (departure, receiver) = (&ends.departure, &ends.receiver);
    let (departs_on, receipt_on) = (input.planned_departure_on, input.planned_receipt_on);
    let pairs: Vec<(WasteCode, MethodCode)> = input.lines.iter().map(|line| (line.waste_code, line.method)).collect();
    let codes: Vec<String> = pairs.iter().map(|(code, _)| code.to_string()).collect();
    let categories: Vec<String> = pairs.iter().map(|(code, _)| code.category()).collect();
    let (codes, covers, flows, approvals, contract, hints, carrier_permit) = futures_util::try_join!(
        catalogue::code_facts(conn, departs_on, &codes),
        async {
            if !asks.licence {
                return Ok(Vec::new());
            }
            registry::licence_cover(conn, receiver.unit_id(), receiver.site_id(), receipt_on, &pairs).await
        },
        async {
            if !asks.plan {
                return Ok(Vec::new());
            }
            filing::plan_flows_for(conn, departure.site_id(), departs_on, receiver.unit_id(), &pairs).await
        },
        async {
            if !asks.approval {
                return Ok(Vec::new());
            }
            filing::approvals_for(conn, consignor, receiver.unit_id(), departs_on, &pairs).await
        },
        async {
            if !asks.consignor {
                return Ok(None);
            }
            registry::contract_between(conn, departure.unit_id(), receiver.unit_id(), departs_on).await
        },
        hints(conn, consignor, &codes, &categories, departure.division()),
        registry::carrier_permit(conn, input.carrier_id, departs_on),
    )?;
    Ok(Law { codes, covers, flows, approvals, contract, hints, carrier_permit })
}

/// Checks a manifest to be issued and makes its consignment: every fault of every line at once.
///
/// # Errors
/// As the database; rules only add findings.
pub async fn issue(conn: &mut AsyncPgConnection, input: &IssueManifest, basics: Basics<'_>, findings: &mut Findings) -> Result<Consignment, Problem> {
    let Ends { departure, receiver, is_cross_province, .. } = basics.ends;
    let kind = basics.link.as_ref().map(|(link, _)| link.kind);
    if input.planned_receipt_on < input.planned_departure_on {
        return Err(Problem::value("/planned_receipt_on", Words::new("计划接受日早于计划移出日", "The planned receipt is before the departure")));
    }
    let licence = kind != Some(LinkKind::Return);
    let asks =
        Asks { consignor: kind.is_none(), licence, plan: kind.is_none() && basics.elsewhere.is_none(), approval: *is_cross_province && licence };
    let consignor_unit = basics.link.as_ref().map_or(departure.unit_id(), |(_, consignor)| consignor.unit_id);
    let law = law(conn, input, basics.ends, consignor_unit, &asks).await?;
    whole(input, basics.ends, &law, &asks, findings);
    // Whoever names a unit that may not carry learns it now and not at the loading place.
    if basics.vehicle_follows && matches!(law.carrier_permit, registry::Paper::Missing | registry::Paper::Expired { .. }) {
        findings.plain(&table::CARRIER_PERMIT, "/carrier_id");
    }
    if basics.elsewhere.is_some() {
        findings.plain(&table::PLAN_ELSEWHERE, "/consignor_site_id");
    }
    let named = basics.elsewhere.as_ref().and_then(|elsewhere| elsewhere.approval_no.as_deref());
    // What goes back is asked nothing.
    if licence {
        screen_inbound(conn, input, basics.ends, findings).await?;
    }
    let mut plan_change = plan_change(conn, &law, basics.ends, input).await?;
    let mut lines = Vec::new();
    for (index, line) in input.lines.iter().enumerate() {
        let at = format!("/lines/{index}");
        let (name, category, hazards) = listed(&law.codes, line, &at, findings);
        let mass_g = line.declared_g.grams();
        unlikely_mass(mass_g, law.hints.median_g(&line.waste_code.to_string()), &format!("{at}/declared_g"), findings);
        let cover = cover_of(conn, line, law.covers.get(index), basics.ends, input, &at, findings).await?;
        lines.push(Line {
            line: i32::try_from(index).unwrap_or(i32::MAX).saturating_add(1),
            waste_code: line.waste_code,
            edition_in_force: law.codes.known.clone().unwrap_or_default(),
            edition_used: law.codes.used.clone().unwrap_or_default(),
            name: line.name.clone().unwrap_or(name),
            category,
            hazards,
            harmful: line.harmful.clone(),
            form: line.form,
            packaging: line.packaging.clone(),
            packages: line.packages,
            declared_g: mass_g,
            method: line.method,
            cover,
            plan_flow: flow_of(line, law.flows.get(index), basics.ends, input, &mut plan_change, &at, findings),
            approval: approval_of(line, law.approvals.get(index), named, receiver, &at, findings),
        });
    }
    let (consignor, link) = match basics.link {
        Some((link, consignor)) => (consignor, Some(link)),
        None => (party(departure, input.contact_name.clone()), None),
    };
    Ok(Consignment {
        stream: Stream::Hazardous,
        consignor,
        receiver: party(receiver, None),
        carrier: basics.carrier,
        hirer: input.hirer,
        lines,
        planned_departure_on: input.planned_departure_on,
        planned_receipt_on: input.planned_receipt_on,
        emergency_measures: input.emergency_measures.clone(),
        link,
        elsewhere: basics.elsewhere,
    })
}

/// What concerns the manifest as a whole.
fn whole(input: &IssueManifest, ends: &Ends, law: &Law, asks: &Asks, findings: &mut Findings) {
    let (departure, receiver, receipt_on) = (&ends.departure, &ends.receiver, input.planned_receipt_on);
    if let Some(text) = law.codes.warning() {
        findings.add(&table::EDITION_NOT_LOADED, "", text.zh, text.en);
    }
    // Of a unit outside the system nobody says more than its partner: verified is what registers here.
    if asks.consignor && !departure.is_verified() && !departure.is_external() {
        findings.plain(&table::UNIT_NOT_VERIFIED, "/consignor_site_id");
    }
    // A claim to a code may be anybody's.
    if !receiver.is_verified() && !receiver.is_external() {
        findings.plain(&table::UNIT_NOT_VERIFIED, "/receiver_site_id");
    }
    if asks.consignor && departure.is_foreign() {
        findings.plain(&table::FOREIGN_CONSIGNOR, "/consignor_site_id");
    }
    if let Some(reason) = receiver.closed_on(receipt_on) {
        closed(receipt_on, reason, "/planned_receipt_on", findings);
    }
    if asks.consignor && law.contract.is_none() {
        findings.plain(&table::CONTRACT_MISSING, "/receiver_site_id");
    }
    incompatible(&law.hints.incompatible, "/lines", findings);
}

/// The receiver gave notice that it takes nothing on the day: no law forbids to send the load, so whoever sends it says why.
fn closed(day: NaiveDate, reason: &str, at: &str, findings: &mut Findings) {
    let (zh, en) = (format!("接受人公告 {day} 停止接收：{reason}"), format!("The receiver is closed on {day}: {reason}"));
    findings.add(&table::SITE_CLOSED, at, zh, en);
}

/// Pairs of categories that may not be on one vehicle.
fn incompatible(pairs: &[String], at: &str, findings: &mut Findings) {
    for pair in pairs {
        findings.add(&table::INCOMPATIBLE, at, format!("{pair} 不相容，不得同车"), format!("{pair} may not ride together"));
    }
}

/// Categories on a trip that are given or about to be: all its manifests that are not yet at their end.
const ON_TRIP: Sql =
    Sql("SELECT DISTINCT 'HW' || right(c.code, 2) AS doc FROM trip_legs t JOIN manifests m ON m.id = t.manifest_id, unnest(m.codes) AS c (code) \
     WHERE t.trip_id = $1 AND (m.id = $2 OR m.state IN ('offered', 'in_transit'))");

/// Categories of what is on the vehicle already and of what is given now, whosesoever manifests they are.
async fn on_one_vehicle(mut conn: &AsyncPgConnection, manifest: Uuid, trip: Uuid) -> Result<Vec<String>, Problem> {
    let rows: Vec<crate::platform::db::TextRow> = ON_TRIP.bind::<SqlUuid, _>(trip).bind::<SqlUuid, _>(manifest).load(&mut conn).await?;
    Ok(rows.into_iter().map(|row| row.doc).collect())
}

/// What a division looks at closely (从严控制): waste from another province that is not for use. Never a move for use, nor one inside
/// a province; it only tells, since a hindrance by place would be unlawful.
async fn screen_inbound(conn: &mut AsyncPgConnection, input: &IssueManifest, ends: &Ends, findings: &mut Findings) -> Result<(), Problem> {
    if !ends.is_cross_province {
        return Ok(());
    }
    let value = catalogue::parameter(conn, "inbound_not_for_utilisation", ends.receiver.division(), input.planned_receipt_on).await?;
    if value.as_deref() != Some("warn") {
        return Ok(());
    }
    for (index, line) in input.lines.iter().enumerate() {
        // Of methods that some sources call use nobody is told.
        let group = catalogue::method_group(conn, &line.method.to_string()).await?;
        if matches!(group, Some(catalogue::MethodGroup::Disposal | catalogue::MethodGroup::MedicalDisposal)) {
            findings.plain(&table::INBOUND_SCREENED, format!("/lines/{index}/method"));
        }
    }
    Ok(())
}

/// The change of a filed plan that would cover all lines outside it at once; none where no plan is filed.
async fn plan_change(conn: &mut AsyncPgConnection, law: &Law, ends: &Ends, input: &IssueManifest) -> Result<Option<serde_json::Value>, Problem> {
    let outside = input.lines.iter().zip(&law.flows).filter(|(_, flow)| flow.is_none());
    let wanted: Vec<filing::Wanted> = outside
        .map(|(line, _)| filing::Wanted {
            code: line.waste_code,
            method: line.method,
            form: line.form,
            harmful: line.harmful.clone(),
            mass_g: line.declared_g.grams(),
        })
        .collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let (departure, receiver) = (&ends.departure, &ends.receiver);
    let plan = (departure.site_id(), input.planned_departure_on.year());
    filing::change_ready(conn, plan, (receiver.unit_id(), receiver.site_id(), receiver.is_foreign()), &wanted).await
}

/// The flow of the plan, or the refusal with the change made ready: that of the filed plan, told once for all lines, else a flow.
fn flow_of(
    line: &LineInput,
    flow: Option<&Option<filing::PlanInForce>>,
    ends: &Ends,
    input: &IssueManifest,
    change: &mut Option<serde_json::Value>,
    at: &str,
    findings: &mut Findings,
) -> Option<FlowUsed> {
    let (year, code, method, to) = (input.planned_departure_on.year(), line.waste_code, line.method, ends.receiver.unit_name());
    if let Some(flow) = flow? {
        if flow.is_of_last_year() {
            let (zh, en) = (
                format!("{year} 年管理计划尚未备案，暂以上年度计划为准"),
                format!("The plan of {year} is not filed yet; that of the year before stands in"),
            );
            findings.add(&table::PLAN_OF_LAST_YEAR, at, zh, en);
        }
        return Some(FlowUsed { flow_id: flow.flow_id(), planned_g: flow.planned_g() });
    }
    let help = match change {
        // Taken by the first line outside the plan: it holds the rows of all of them.
        Some(change) => change.take(),
        None => json!({
            "act": "record_plan_flow", "method": "POST", "path": "/api/v1/plan_flows",
            "body": {
                "site_id": ends.departure.site_id(), "year": year, "code": code, "receiver_id": ends.receiver.unit_id(),
                "receiver_site_id": ends.receiver.site_id(), "method": method, "planned_g": line.declared_g.grams(),
            },
        }),
    };
    let (zh, en) = (
        format!("管理计划 {year} 年未包含 {code} 以 {method} 方式转移至{to}；可按 help 中的内容变更计划"),
        format!("The plan of {year} has no flow of {code} by {method} to {to}; help holds the change ready"),
    );
    if help.is_null() {
        findings.add(&table::PLAN_MISSING, at, zh, en);
    } else {
        findings.with_help(&table::PLAN_MISSING, at, zh, en, help);
    }
    None
}

/// The approval in force, or the refusal. One that a consignor outside the system names is his claim: no account counts it.
fn approval_of(
    line: &LineInput,
    approval: Option<&Option<filing::ApprovalInForce>>,
    named: Option<&str>,
    receiver: &SiteFacts,
    at: &str,
    findings: &mut Findings,
) -> Option<ApprovalUsed> {
    if let Some(approval) = approval? {
        let decision_no = approval.decision_no().to_owned();
        if !approval.is_verified() {
            let (zh, en) = (format!("批准 {decision_no} 未经核验"), format!("Approval {decision_no} is not verified"));
            findings.add(&table::APPROVAL_NOT_VERIFIED, at, zh, en);
        }
        return Some(ApprovalUsed { approval_id: approval.approval_id(), decision_no, approved_g: approval.approved_g() });
    }
    if let Some(named) = named {
        let (zh, en) = (format!("批准 {named} 未在本系统登记，未经核验"), format!("Approval {named} is not recorded here and nobody verified it"));
        findings.add(&table::APPROVAL_NOT_VERIFIED, at, zh, en);
        return None;
    }
    let (code, to) = (line.waste_code, receiver.unit_name());
    findings.add(&table::APPROVAL_MISSING, at, format!("{code} 跨省转移至{to}未见有效批准"), format!("No approval in force for {code} to {to}"));
    None
}

/// What only warns: the unit's own habits, and pairs that may not ride together where a table of pairs is loaded.
#[derive(Default, serde::Deserialize)]
struct Hints {
    #[serde(default)]
    medians: std::collections::BTreeMap<String, i64>,
    #[serde(default)]
    incompatible: Vec<String>,
}

impl Hints {
    fn median_g(&self, code: &str) -> Option<i64> {
        self.medians.get(code).copied()
    }
}

/// Manifests of the unit that are looked at for its habit; a habit of one is none.
const HINTS: Sql = Sql("SELECT json_build_object( \
     'medians', (SELECT coalesce(json_object_agg(x.code, x.median), '{}') FROM (SELECT h.code, percentile_disc(0.5) WITHIN GROUP (ORDER BY h.declared_g) AS median \
        FROM (SELECT unnest(m.codes) AS code, m.declared_g FROM (SELECT y.manifest_id FROM manifest_parties y WHERE y.unit_id = $1 AND y.relation = 'consignor' \
          ORDER BY y.manifest_id DESC LIMIT 10) y JOIN manifests m ON m.id = y.manifest_id) h WHERE h.code = ANY($2) GROUP BY h.code HAVING count(*) >= 3) x), \
     'incompatible', (SELECT coalesce(json_agg(DISTINCT i.a || ' / ' || i.b), '[]') FROM incompatible_pairs l JOIN division_paths d ON d.ancestor = l.division, \
        unnest(l.categories_a, l.categories_b) AS i (a, b) WHERE d.code = $4 AND i.a = ANY($3) AND i.b = ANY($3)) \
     )::text AS doc");

async fn hints(mut conn: &AsyncPgConnection, consignor: Uuid, codes: &[String], categories: &[String], division: &str) -> Result<Hints, Problem> {
    let row: Option<crate::platform::db::TextRow> = HINTS
        .bind::<SqlUuid, _>(consignor)
        .bind::<Array<Text>, _>(codes)
        .bind::<Array<Text>, _>(categories)
        .bind::<Text, _>(division)
        .load(&mut conn)
        .await?
        .pop();
    row.map_or_else(|| Ok(Hints::default()), |row| serde_json::from_str(&row.doc).map_err(|error| Problem::internal(&error)))
}

/// Name, category and hazards of a code on the day.
fn listed(facts: &catalogue::CodeFacts, line: &LineInput, at: &str, findings: &mut Findings) -> (String, String, String) {
    let code = line.waste_code;
    let unknown = || (line.name.clone().unwrap_or_default(), code.category(), String::new());
    match facts.listing(code) {
        Listing::Listed(fact) => (fact.name.clone(), fact.category.clone(), fact.hazards.clone()),
        Listing::ByIdentification => {
            findings.plain(&table::CODE_BY_IDENTIFICATION, format!("{at}/waste_code"));
            unknown()
        }
        Listing::Unknown => {
            findings.plain(&table::CODE_NOT_IN_LOADED_EDITION, format!("{at}/waste_code"));
            unknown()
        }
        Listing::Unlisted => {
            findings.add(
                &table::CODE_NOT_LISTED,
                format!("{at}/waste_code"),
                format!("{code} 不在当日施行的名录中"),
                format!("{code} is not in the catalogue of that day"),
            );
            unknown()
        }
    }
}

/// By licence, by exemption with its condition confirmed, abroad by an export notice, or back to the own site; else the ban of `eco_code_2026/534`.
async fn cover_of(
    conn: &mut AsyncPgConnection,
    line: &LineInput,
    cover: Option<&Result<registry::LicenceInForce, NoLicence>>,
    ends: &Ends,
    input: &IssueManifest,
    at: &str,
    findings: &mut Findings,
) -> Result<Cover, Problem> {
    let (receiver, day) = (&ends.receiver, input.planned_receipt_on);
    if cover.is_some() && receiver.is_foreign() {
        let (site, departs_on) = (ends.departure.site_id(), input.planned_departure_on);
        if let Some(export) = filing::export_for(conn, site, receiver.unit_id(), line.waste_code, departs_on).await? {
            return Ok(Cover::Export { export_notice_id: export.export_notice_id(), approval_no: export.approval_no().to_owned() });
        }
    }
    let reason = match cover {
        None => return Ok(Cover::OwnSite),
        Some(Ok(licence)) => {
            return Ok(Cover::Licence {
                licence_id: licence.licence_id(),
                licence_no: licence.licence_no().to_owned(),
                licence_line_id: licence.line_id(),
                year_g: licence.year_g(),
            });
        }
        // Who stays outside the system has nobody to show its licence to an officer here: a claim warns.
        Some(Err(NoLicence::Claimed { licence_id, licence_no, source })) if receiver.is_external() => {
            claimed(licence_no, source, at, findings);
            return Ok(Cover::Claimed { licence_id: *licence_id, licence_no: licence_no.clone(), source: source.clone() });
        }
        Some(Err(reason)) => reason,
    };
    if let Some(claim) = &line.exemption {
        // Exempt at collection or on the road says nothing about who may receive it.
        let exempt = match claim.stage {
            stage @ (catalogue::Stage::Use | catalogue::Stage::Disposal) => {
                registry::exempt_receiver(conn, receiver.unit_id(), line.waste_code, stage, day).await?
            }
            catalogue::Stage::Collection | catalogue::Stage::Transport => None,
        };
        if let Some(exempt) = exempt.filter(|exempt| exempt.exemption_seq() == claim.seq) {
            return Ok(Cover::Exemption { seq: exempt.exemption_seq(), stage: claim.stage, condition: claim.condition.clone() });
        }
        findings.plain(&table::EXEMPTION_NOT_CONFIRMED, format!("{at}/exemption"));
    }
    let (zh, en) = match reason {
        NoLicence::None => ("该场所没有经营许可证".to_owned(), "the site has no licence".to_owned()),
        NoLicence::Expired { valid_to } => (format!("许可证有效期至 {valid_to}"), format!("the licence ran out on {valid_to}")),
        NoLicence::NotYet => ("许可证尚未生效".to_owned(), "the licence is not yet in force".to_owned()),
        NoLicence::Withdrawn => ("许可证已被吊销、注销或暂扣".to_owned(), "the licence is revoked, cancelled or suspended".to_owned()),
        NoLicence::CodeNotInScope => ("许可范围不含此废物代码".to_owned(), "the waste is not in the licence's scope".to_owned()),
        NoLicence::MethodNotInScope => ("许可范围不含此利用处置方式".to_owned(), "the method is not in the licence's scope".to_owned()),
        NoLicence::NotVerified | NoLicence::Claimed { .. } => {
            ("许可证尚未经主管部门核验".to_owned(), "no officer has verified the licence".to_owned())
        }
    };
    findings.add(
        &table::RECEIVER_NOT_LICENSED,
        at,
        format!("{}（{day}）不得接受 {}（{}）：{zh}", receiver.unit_name(), line.waste_code, line.method),
        format!("{} may not take {} by {} on {day}: {en}", receiver.unit_name(), line.waste_code, line.method),
    );
    // Only a fact act goes on from here; it stores that nothing covered the line.
    Ok(Cover::NotCovered)
}

/// The licence of a receiver outside the system rests on another's word.
fn claimed(licence_no: &str, source: &str, at: &str, findings: &mut Findings) {
    let (zh, en) = (format!("许可证 {licence_no} 未经核验，来源：{source}"), format!("Licence {licence_no} is not verified; source: {source}"));
    findings.add(&table::RECEIVER_LICENCE_CLAIMED, at, zh, en);
}

/// "kg or t?": beyond what a lorry carries, below what anybody ships, or far off the unit's own median.
pub fn unlikely_mass(mass: Grams, median_g: Option<i64>, at: &str, findings: &mut Findings) {
    let mass_g = mass.get();
    let off_median = median_g.is_some_and(|median| median > 0 && (mass_g > median.saturating_mul(MEDIAN_FACTOR) || mass_g < median / MEDIAN_FACTOR));
    if !(LINE_LIKELY_MIN_G..=LINE_LIKELY_MAX_G).contains(&mass_g) || off_median {
        let tonnes = crate::platform::mass::tonnes_text(mass);
        findings.add(&table::MASS_UNLIKELY, at, format!("{tonnes} 吨？请确认单位是 kg 还是 t"), format!("{tonnes} t? Please check: kg or t"));
    }
}

/// What accounts said to the postings of an act.
pub fn judge_balances(record: &Record, balances: &[Balance], findings: &mut Findings) {
    for balance in balances {
        let lines = record.consignment.lines.iter().enumerate();
        match balance.kind {
            AccountKind::PlanFlow => {
                let hit = lines.filter_map(|(index, line)| Some((index, line.plan_flow.as_ref()?))).find(|(_, flow)| flow.flow_id == balance.owner);
                if let Some((index, flow)) = hit.filter(|(_, flow)| balance.sum_g > flow.planned_g.get()) {
                    let (zh, en) = sums("本年度计划", "planned for the year", balance.sum_g, flow.planned_g.get());
                    findings.add(&table::PLAN_MASS_EXCEEDED, format!("/lines/{index}"), zh, en);
                }
            }
            AccountKind::Approval => {
                let hit = lines.filter_map(|(index, line)| Some((index, line.approval.as_ref()?))).find(|(_, one)| one.approval_id == balance.owner);
                if let Some((index, approval)) = hit.filter(|(_, one)| !balance.is_booked || balance.sum_g > one.approved_g.get()) {
                    let left_g = approval.approved_g.get() - balance.sum_g;
                    let (zh, en) = if balance.is_booked {
                        sums("批准", "approved", balance.sum_g, approval.approved_g.get())
                    } else {
                        (
                            format!("批准文号 {} 仅余 {left_g} 克", approval.decision_no),
                            format!("Only {left_g} g are left of approval {}", approval.decision_no),
                        )
                    };
                    findings.add(&table::APPROVAL_EXCEEDED, format!("/lines/{index}"), zh, en);
                }
            }
            AccountKind::LicenceLine => {
                let hit = lines
                    .filter_map(|(index, line)| match &line.cover {
                        Cover::Licence { licence_line_id, year_g, .. } => Some((index, *licence_line_id, year_g.get())),
                        Cover::Claimed { .. } | Cover::Exemption { .. } | Cover::Export { .. } | Cover::OwnSite | Cover::NotCovered => None,
                    })
                    .find(|(_, line, _)| *line == balance.owner);
                if let Some((index, _, year_g)) = hit {
                    // The account is that of all consignors: none is told what the others have sent.
                    if !balance.is_booked {
                        let limit_g = accounts::licence_limit_g(year_g, record.consignment.planned_receipt_on);
                        let (zh, en) = match limit_g - balance.sum_g {
                            ..=0 => ("接受人本年度许可经营规模已用完".to_owned(), "The licence's scale of the year is used up".to_owned()),
                            left_g => (
                                format!("接受人本年度许可经营规模仅余 {left_g} 克"),
                                format!("Only {left_g} g are left of the licence's scale of the year"),
                            ),
                        };
                        findings.add(&table::LICENCE_SCALE_120, format!("/lines/{index}"), zh, en);
                    } else if balance.sum_g >= year_g {
                        findings.plain(&table::LICENCE_SCALE_EXCEEDED, format!("/lines/{index}"));
                    }
                }
            }
        }
    }
}

fn sums(zh: &str, en: &str, sum_g: i64, limit_g: i64) -> (String, String) {
    (format!("{zh} {limit_g} 克，已占用 {sum_g} 克"), format!("{limit_g} g {en}, {sum_g} g taken"))
}

#[derive(diesel::QueryableByName)]
struct OutageRow {
    #[diesel(sql_type = Bool)]
    is_open: bool,
}

/// Checks at release: the number, the papers and the licence again on the day, the masses.
///
/// # Errors
/// As the database; rules only add findings.
pub async fn release(
    tx: &mut Tx<'_>,
    stored: &Stored,
    lines: &[ReleasedLine],
    paper_no: Option<&str>,
    findings: &mut Findings,
) -> Result<(), Problem> {
    let record = &stored.record;
    let today = legal_day(tx.now());
    if tx.call.app.numbers == NumberMode::National && stored.official_no.is_none() && paper_no.is_none() {
        let row: Option<OutageRow> = Sql("SELECT EXISTS (SELECT FROM outages WHERE closed_at IS NULL) AS is_open").load(tx.conn).await?.pop();
        let is_outage = row.is_some_and(|row| row.is_open);
        findings.plain(if is_outage { &table::ON_PAPER } else { &table::OFFICIAL_NO_MISSING }, "");
    }
    if paper_no.is_some() && stored.official_no.is_none() {
        findings.plain(&table::ON_PAPER, "/paper_no");
    }
    for (index, line) in lines.iter().enumerate() {
        if line.basis == Basis::Estimated {
            findings.add(
                &table::MASS_ESTIMATED,
                format!("/lines/{index}/basis"),
                format!("第 {} 项未经称重", line.line),
                format!("Line {} was not weighed", line.line),
            );
        }
        unlikely_mass(
            line.released_g,
            record.consignment.line(line.line).map(|one| one.declared_g.get()),
            &format!("/lines/{index}/released_g"),
            findings,
        );
    }
    if let Some(assignment) = record.assignment() {
        let total: i64 = lines.iter().map(|line| line.released_g.get()).sum();
        if let Some(rated) = assignment.rated_load_g.filter(|rated| total > rated.get()) {
            findings.add(
                &table::OVERLOAD,
                "/lines",
                format!("共 {total} 克，核定载质量 {rated} 克"),
                format!("{total} g in all, the rated load is {rated} g"),
            );
        }
        // Papers are looked at again on the day of the release, not trusted from the day of the assignment.
        let conn: &AsyncPgConnection = tx.conn;
        let (fresh, categories, weighed) = futures_util::try_join!(
            super::trips::papers_of(conn, assignment, today),
            on_one_vehicle(conn, record.id, assignment.trip_id),
            super::trips::at_departure(conn, assignment.trip_id, record),
        )?;
        judge_papers(&fresh, findings);
        if weighed.net_g.is_some() {
            let tolerance = catalogue::mass_tolerance(tx.conn, &record.consignment.departure().division, today).await?;
            if let Some(net_g) = weighed.differing(total, &tolerance) {
                let (zh, en) =
                    (format!("交付 {total} 克，车次过磅净重 {net_g} 克"), format!("{total} g released, the trip was weighed at {net_g} g net"));
                findings.add(&table::MASS_DIFFERS_FROM_WEIGHING, "/lines", zh, en);
            }
        }
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.basis == Basis::Apportioned && !weighed.is_weighed) {
            let (zh, en) =
                (format!("第 {} 项按净重分摊，而车次未过磅", line.line), format!("Line {} is a share of a net that nobody weighed", line.line));
            findings.add(&table::MASS_ESTIMATED, format!("/lines/{index}/basis"), zh, en);
        }
        if categories.len() > 1 {
            let division = &record.consignment.consignor.division;
            incompatible(&catalogue::pairs::incompatible_among(tx.conn, division, &categories).await?, "", findings);
        }
        if assignment.waybill_no.is_none() {
            findings.plain(&table::WAYBILL_MISSING, "");
        }
    }
    let approved: Vec<&Line> = record.consignment.lines.iter().filter(|line| line.approval.is_some()).collect();
    if !approved.is_empty() {
        let pairs: Vec<(WasteCode, MethodCode)> = approved.iter().map(|line| (line.waste_code, line.method)).collect();
        let (consignor, receiver) = (record.consignment.consignor.unit_id, record.consignment.receiver.unit_id);
        let found = filing::approvals_for(tx.conn, consignor, receiver, today, &pairs).await?;
        for (line, _) in approved.iter().zip(found).filter(|(_, approval)| approval.is_none()) {
            let code = line.waste_code;
            findings.add(
                &table::APPROVAL_MISSING,
                "",
                format!("{code} 的跨省转移批准在 {today} 已不再有效"),
                format!("On {today} no approval is in force for {code}"),
            );
        }
    }
    let licensed: Vec<&Line> =
        record.consignment.lines.iter().filter(|line| matches!(line.cover, Cover::Licence { .. } | Cover::Claimed { .. })).collect();
    let Some(site) = record.consignment.receiver.site_id else { return Ok(()) };
    let pairs: Vec<(WasteCode, MethodCode)> = licensed.iter().map(|line| (line.waste_code, line.method)).collect();
    let receipt_on = record.consignment.planned_receipt_on.max(today);
    let (conn, receiver): (&AsyncPgConnection, _) = (tx.conn, record.consignment.receiver.unit_id);
    let (covers, reason) = futures_util::try_join!(
        async { if pairs.is_empty() { Ok(Vec::new()) } else { registry::licence_cover(conn, receiver, site, receipt_on, &pairs).await } },
        registry::closed_on(conn, site, receipt_on),
    )?;
    if let Some(reason) = reason {
        closed(receipt_on, &reason, "", findings);
    }
    for (line, cover) in licensed.iter().zip(covers) {
        if let (Err(NoLicence::Claimed { licence_no, source, .. }), Cover::Claimed { .. }) = (&cover, &line.cover) {
            claimed(licence_no, source, "", findings);
        } else if cover.is_err() {
            let (zh, en) = (
                format!("接受人许可证在 {receipt_on} 不再覆盖 {}", line.waste_code),
                format!("On {receipt_on} no licence covers {}", line.waste_code),
            );
            findings.add(&table::RECEIVER_NOT_LICENSED, "", zh, en);
        }
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct SentRow {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    line: i32,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    mass_g: i64,
}

/// Refused mass that goes back or on, released beside what was left of it when it was sent: neither more comes out of it
/// nor does any of it go missing unseen. The difference stays named on both manifests.
///
/// # Errors
/// As the database.
pub async fn sent_on_mass(tx: &mut Tx<'_>, record: &Record, flags: &mut BTreeSet<String>, findings: &mut Findings) -> Result<(), Problem> {
    let (Some(link), Some(release)) = (&record.consignment.link, &record.release) else { return Ok(()) };
    // The first revision: a correction of what is declared does not change what was refused.
    let sent: Vec<SentRow> = Sql("SELECT (x->>'line')::int AS line, (x->>'declared_g')::bigint AS mass_g FROM manifest_parts p \
         CROSS JOIN LATERAL json_array_elements(convert_from(p.bytes, 'UTF8')::json->'lines') x \
         WHERE p.manifest_id = $1 AND p.part = 'consignment' AND p.revision = 1")
    .bind::<diesel::sql_types::Uuid, _>(record.id)
    .load(tx.conn)
    .await?;
    let tolerance = catalogue::mass_tolerance(tx.conn, &record.consignment.departure().division, legal_day(tx.now())).await?;
    let mut differs = false;
    for (index, line) in release.lines.iter().enumerate() {
        let Some(sent_g) = sent.iter().find(|one| one.line == line.line).map(|one| one.mass_g) else { continue };
        let released_g = line.released_g.get();
        if tolerance.is_exceeded(sent_g, released_g) {
            differs = true;
            findings.add(
                &table::RETURN_DIFFERS,
                format!("/lines/{index}/released_g"),
                format!("第 {} 项交付 {released_g} 克，待退回或改送的拒收量为 {sent_g} 克", line.line),
                format!("Line {}: {released_g} g released, {sent_g} g of the refused mass were left for it", line.line),
            );
        }
    }
    let flag = table::RETURN_DIFFERS.kind.code;
    flags.remove(flag);
    tx.lock(link.manifest_id).await?;
    let changed = Sql("UPDATE manifests SET flags = CASE WHEN $3 THEN array_append(flags, $2) ELSE array_remove(flags, $2) END \
         WHERE id = $1 AND ($2 = ANY(flags)) <> $3")
    .bind::<diesel::sql_types::Uuid, _>(link.manifest_id)
    .bind::<diesel::sql_types::Text, _>(flag)
    .bind::<Bool, _>(differs)
    .execute(tx.conn)
    .await?;
    if changed > 0 {
        // What another manifest is flagged with stands in its own chain too.
        let payload = json!({
            "linked_manifest_id": record.id, "facts": { "differs": differs }, "flags": if differs { vec![flag] } else { Vec::new() }, "warnings": [],
        });
        let (sealed, law, claimed_at) = (std::collections::BTreeMap::new(), Vec::new(), tx.now());
        tx.append_aside(NewEvent { subject_kind: SUBJECT, subject: link.manifest_id, act: "return_compared", claimed_at, law, sealed, payload })
            .await?;
    }
    Ok(())
}

/// Papers that ran out, or came, between release and the road: looked at anew on the day of the driver's step, which is
/// flagged and never stopped.
///
/// # Errors
/// As the database.
pub async fn papers_again(conn: &mut AsyncPgConnection, record: &Record, at: DateTime<Utc>, findings: &mut Findings) -> Result<(), Problem> {
    if let Some(assignment) = record.assignment() {
        judge_papers(&super::trips::papers_of(conn, assignment, legal_day(at)).await?, findings);
    }
    Ok(())
}

/// The plate seen beside the one assigned to a leg: what has happened is not refused, and not kept silent either.
pub fn plate(record: &Record, leg_no: i32, seen: &registry::Plate, findings: &mut Findings) {
    if let Some(assigned) = record.assignments.get(&leg_no).map(|assignment| &assignment.plate).filter(|plate| *plate != seen) {
        findings.add(
            &table::PLATE_DIFFERS,
            "/plate",
            format!("实际车牌 {seen}，派车为 {assigned}"),
            format!("The plate is {seen}, {assigned} is assigned"),
        );
    }
}

/// A line of nothing is no line, and one beyond [`LINE_MAX_G`] no load: no law says so, and no manifest can hold it.
#[must_use]
pub fn impossible_masses(lines: &[LineInput], at: &str) -> Refusals<DomainRefusal> {
    let mut refusals = Refusals::none();
    for (index, given) in lines.iter().enumerate() {
        let line = i32::try_from(index).unwrap_or(i32::MAX).saturating_add(1);
        let refusal = match given.declared_g.grams() {
            mass if mass.is_zero() => DomainRefusal::NothingDeclared { line },
            mass if mass.get() > LINE_MAX_G => DomainRefusal::LineTooHeavy { line },
            _ => continue,
        };
        refusals.add(format!("{at}/lines/{index}/declared_g"), refusal);
    }
    refusals
}

/// Names each container that is missing, or that nobody released.
pub fn containers(record: &Record, seen: &[String], findings: &mut Findings) {
    let released: Vec<&String> =
        record.release.iter().flat_map(|release| &release.lines).flat_map(|line| &line.containers).map(|container| &container.code).collect();
    let missing: Vec<&str> = released.iter().filter(|code| !seen.contains(code)).map(|code| code.as_str()).collect();
    let foreign: Vec<&str> = seen.iter().filter(|code| !released.contains(code)).map(String::as_str).collect();
    if !missing.is_empty() || !foreign.is_empty() {
        findings.add(
            &table::CONTAINERS_DIFFER,
            "/containers_seen",
            format!("缺少：{}；多出：{}", missing.join("、"), foreign.join("、")),
            format!("Missing: {}; foreign: {}", missing.join(", "), foreign.join(", ")),
        );
    }
}

/// The four digits of a division's prefecture.
///
/// # Errors
/// As the database.
pub async fn prefecture_of(conn: &mut AsyncPgConnection, division: &str) -> Result<Option<String>, Problem> {
    catalogue::division_of(conn, division).await
}

/// What was accepted, under the licence of the day of receipt and by the method that the receiver names: a gap is flagged,
/// never refused, since the load is in.
///
/// # Errors
/// As the database.
pub async fn licence_at_receipt(
    conn: &AsyncPgConnection,
    record: &Record,
    verdicts: &[super::parts::LineVerdict],
    day: NaiveDate,
    findings: &mut Findings,
) -> Result<(), Problem> {
    let receiver = &record.consignment.receiver;
    let licensed = |line: i32| {
        record.consignment.line(line).filter(|one| matches!(one.cover, Cover::Licence { .. } | Cover::Claimed { .. } | Cover::NotCovered))
    };
    let accepted: Vec<(&Line, MethodCode)> =
        verdicts.iter().filter(|one| !one.accepted_g.is_zero()).filter_map(|one| Some((licensed(one.line)?, one.method))).collect();
    let (Some(site), false) = (receiver.site_id, accepted.is_empty()) else { return Ok(()) };
    let pairs: Vec<(WasteCode, MethodCode)> = accepted.iter().map(|(line, method)| (line.waste_code, *method)).collect();
    let covers = registry::licence_cover(conn, receiver.unit_id, site, day, &pairs).await?;
    for ((line, method), cover) in accepted.iter().zip(covers) {
        let code = line.waste_code;
        match (cover, &line.cover) {
            (Ok(_), _) => continue,
            (Err(NoLicence::Claimed { licence_no, source, .. }), Cover::Claimed { .. }) => {
                claimed(&licence_no, &source, "", findings);
                continue;
            }
            (Err(_), _) => {}
        }
        findings.add(
            &table::RECEIVER_NOT_LICENSED,
            "",
            format!("{day} 无许可证覆盖 {code}（{method}）"),
            format!("On {day} no licence covers {code} by {method}"),
        );
    }
    Ok(())
}
