//! A proposal of manifests (拟单): from containers, receiver, carrier and vehicles to the lawful manifests that come out of
//! them. Nothing is kept: each proposal is tried as an issue in check mode, and issued by one more call.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::acts::issue;
use super::checks;
use super::input::{IssueManifest, LineInput, MassInputDoc};
use super::parts::Hirer;
use crate::catalogue::{self, MethodCode, WasteCode};
use crate::filing;
use crate::identity::Actor;
use crate::ledger::{self, Loadable};
use crate::platform::call::Call;
use crate::platform::lang::Lang;
use crate::platform::mass::{Grams, MassInput};
use crate::platform::problem::{Problem, Text};
use crate::registry::{self, Plate};

mod plan;

/// Lines of one manifest.
const LINES_MAX: usize = 50;

/// What shall be sent, and how.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepareManifests {
    /// The site that the waste leaves.
    pub consignor_site_id: Uuid,
    /// The site to which it goes.
    pub receiver_site_id: Uuid,
    /// 承运人.
    pub carrier_id: Uuid,
    /// 托运人.
    pub hirer: Hirer,
    /// 数字识别码 of the containers.
    #[schema(min_items = 1, max_items = 500)]
    pub containers: Vec<ContainerCode>,
    /// 牌号 of the vehicles, in the order in which they are filled.
    #[schema(min_items = 1, max_items = 10)]
    pub vehicles: Vec<Plate>,
    /// One manifest for each waste of a vehicle instead of one for all (`decree_23_2021/16` leaves the choice).
    #[serde(default)]
    #[schema(required = false)]
    pub one_per_waste: bool,
    /// Planned day of move-out.
    pub planned_departure_on: NaiveDate,
    /// Planned day of receipt.
    pub planned_receipt_on: NaiveDate,
    /// 应急措施.
    #[schema(min_length = 2, max_length = 1_000)]
    pub emergency_measures: String,
}

/// 数字识别码 of a container's filling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 60)]
pub struct ContainerCode(String);

/// A manifest that could be issued.
#[derive(Serialize, ToSchema)]
pub struct Proposal {
    /// For the call that issues them all.
    client_id: String,
    /// The vehicle.
    plate: Plate,
    /// Containers on it, in the order of the request.
    containers: Vec<String>,
    /// Unit: grams.
    mass_g: i64,
    /// Whether an issue would be taken as it stands.
    is_lawful: bool,
    /// The body of `POST /manifests:issue`.
    #[schema(value_type = IssueManifest)]
    manifest: IssueManifest,
    /// The lines of the release to come, with these containers.
    #[schema(value_type = Vec<Object>)]
    release_lines: Vec<Value>,
    /// What check mode says of the issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    check: Option<Value>,
    /// Why it could not be issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = crate::platform::problem::ProblemBody)]
    problem: Option<Value>,
}

/// Why a container is in no proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOutReason {
    /// No container of the unit has this code.
    ContainerUnknown,
    /// It stands on another site, or is on the road.
    NotOnThisSite,
    /// It is on a manifest that has not ended.
    OnManifest,
    /// Nothing is in it any more.
    Empty,
    /// Its label does not say form and harmful components.
    LabelMissing,
    /// The plan has no way of this waste to this receiver.
    PlanFlowMissing,
    /// No vehicle has room for it, or only beside what it may not ride with.
    NoRoom,
    /// The same code was named before.
    NamedTwice,
}

impl LeftOutReason {
    fn text(self) -> Text {
        match self {
            Self::ContainerUnknown => Text::new("本单位没有此识别码的容器", "Your unit has no container with this code"),
            Self::NotOnThisSite => Text::new("不在该移出场所", "It does not stand on this site"),
            Self::OnManifest => Text::new("已在另一份未办结的联单上", "It is on another manifest that has not ended"),
            Self::Empty => Text::new("容器内已无废物", "Nothing is in it any more"),
            Self::LabelMissing => Text::new("标签未填形态和有害成分", "Its label does not state form and harmful components"),
            Self::PlanFlowMissing => Text::new("管理计划没有此废物去往该接受人的流向", "The plan has no way of this waste to this receiver"),
            Self::NoRoom => {
                Text::new("所列车辆装不下，或只能与不相容废物同车", "No vehicle has room for it, or only beside what it may not ride with")
            }
            Self::NamedTwice => Text::new("识别码重复", "The code is named twice"),
        }
    }
}

/// A container that is in no proposal.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOut {
    /// Where it stands in the request.
    pointer: String,
    /// 数字识别码.
    container: String,
    /// Why.
    reason: LeftOutReason,
    /// In the caller's language.
    message: String,
    /// The manifest on which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    manifest_id: Option<Uuid>,
}

/// What comes out.
#[derive(Serialize, ToSchema)]
pub struct Prepared {
    /// Manifests, vehicle by vehicle.
    proposals: Vec<Proposal>,
    /// Pairs of categories among them that may not ride together, and were parted.
    apart: Vec<String>,
    /// Containers that could not be taken.
    left_out: Vec<LeftOut>,
}

/// A container that can go, with the way it goes.
struct Ready<'l> {
    place: usize,
    load: &'l Loadable,
    code: WasteCode,
    method: MethodCode,
}

/// Proposes manifests. `call` is in check mode.
///
/// # Errors
/// 404 for a site that is not the caller's; `bad-value` for a receiver or carrier that is not there.
pub async fn prepare(call: &Call, actor: &Actor, body: PrepareManifests) -> Result<Prepared, Problem> {
    let unit = actor.unit_id().ok_or_else(Problem::not_found)?;
    let conn = call.app.db.get().await?;
    let (ends, _carrier) = checks::ends(&conn, body.consignor_site_id, body.receiver_site_id, body.carrier_id).await?;
    if ends.departure.unit_id() != unit {
        return Err(Problem::not_found());
    }
    let named: Vec<String> = body.containers.iter().map(|code| code.0.clone()).collect();
    let plates: Vec<String> = body.vehicles.iter().map(ToString::to_string).collect();
    let loads = ledger::loadable(&conn, unit, &named).await?;
    let codes: Vec<String> = loads.iter().map(|load| load.waste_code.clone()).collect();
    let year = body.planned_departure_on.year();
    let (ways, rated) = futures_util::try_join!(
        filing::planned_methods(&conn, ends.departure.site_id(), year, ends.receiver.unit_id(), &codes),
        registry::rated_loads(&conn, body.carrier_id, &plates),
    )?;
    let mut left_out = Vec::new();
    let ready = ready(&body, &loads, &ways, &ends, call.lang, &mut left_out);
    let mut categories: Vec<String> = ready.iter().map(|one| one.code.category()).collect();
    categories.sort_unstable();
    categories.dedup();
    let apart = catalogue::pairs::incompatible_among(&conn, ends.departure.division(), &categories).await?;
    let pairs: Vec<(String, String)> = apart.iter().filter_map(|pair| pair.split_once(" / ")).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    drop(conn);
    let bearers: Vec<plan::Bearer> = plates.iter().map(|plate| plan::Bearer { rated_g: rated.get(plate).copied() }).collect();
    let weights: Vec<plan::Load> = ready.iter().map(|one| plan::Load { category: one.code.category(), mass_g: one.load.left_g }).collect();
    let placed = plan::distribute(&weights, &bearers, &pairs);
    for (one, _) in ready.iter().zip(&placed).filter(|(_, vehicle)| vehicle.is_none()) {
        left_out.push(leave_out(one.place, &one.load.code, LeftOutReason::NoRoom, None, call.lang));
    }
    let mut proposals = Vec::new();
    for (vehicle, plate) in body.vehicles.iter().enumerate() {
        let on_it: Vec<&Ready<'_>> = ready.iter().zip(&placed).filter(|(_, place)| **place == Some(vehicle)).map(|(one, _)| one).collect();
        for group in groups(&on_it, body.one_per_waste) {
            let client_id = (proposals.len() + 1).to_string();
            proposals.push(propose(call, actor, &body, plate, &group, client_id).await?);
        }
    }
    left_out.sort_by(|a, b| a.container.cmp(&b.container).then(a.pointer.cmp(&b.pointer)));
    Ok(Prepared { proposals, apart, left_out })
}

fn leave_out(place: usize, code: &str, reason: LeftOutReason, manifest_id: Option<Uuid>, lang: Lang) -> LeftOut {
    let text = reason.text();
    let message = match lang {
        Lang::ZhCn => text.zh,
        Lang::En => text.en,
    };
    LeftOut { pointer: format!("/containers/{place}"), container: code.to_owned(), reason, message: message.into_owned(), manifest_id }
}

/// The containers that can go; each of the others is named with its reason.
fn ready<'l>(
    body: &PrepareManifests,
    loads: &'l [Loadable],
    ways: &[(WasteCode, MethodCode)],
    ends: &checks::Ends,
    lang: Lang,
    left_out: &mut Vec<LeftOut>,
) -> Vec<Ready<'l>> {
    let mut ready: Vec<Ready<'l>> = Vec::new();
    for (place, ContainerCode(code)) in body.containers.iter().enumerate() {
        let mut leave = |reason, manifest| left_out.push(leave_out(place, code, reason, manifest, lang));
        let Some(load) = loads.iter().find(|load| load.code == *code) else {
            leave(LeftOutReason::ContainerUnknown, None);
            continue;
        };
        if body.containers.iter().take(place).any(|earlier| earlier.0 == *code) {
            leave(LeftOutReason::NamedTwice, None);
            continue;
        }
        if load.manifest.is_some() {
            leave(LeftOutReason::OnManifest, load.manifest);
            continue;
        }
        if load.left_g <= 0 {
            leave(LeftOutReason::Empty, None);
            continue;
        }
        if load.site != Some(ends.departure.site_id()) {
            leave(LeftOutReason::NotOnThisSite, None);
            continue;
        }
        if load.label.is_none() {
            leave(LeftOutReason::LabelMissing, None);
            continue;
        }
        match ways.iter().find(|(waste, _)| waste.to_string() == load.waste_code) {
            Some((code, method)) => ready.push(Ready { place, load, code: *code, method: *method }),
            None => leave(LeftOutReason::PlanFlowMissing, None),
        }
    }
    ready
}

/// The manifests of one vehicle: one for all its wastes, or one for each; a manifest has at most fifty lines.
fn groups<'r, 'l>(on_it: &[&'r Ready<'l>], one_per_waste: bool) -> Vec<Vec<&'r Ready<'l>>> {
    let mut by_code: BTreeMap<String, Vec<&'r Ready<'l>>> = BTreeMap::new();
    for one in on_it {
        by_code.entry(one.load.waste_code.clone()).or_default().push(one);
    }
    let wastes: Vec<Vec<&'r Ready<'l>>> = by_code.into_values().collect();
    let lines = if one_per_waste { 1 } else { LINES_MAX };
    wastes.chunks(lines).map(|chunk| chunk.concat()).collect()
}

async fn propose(
    call: &Call,
    actor: &Actor,
    body: &PrepareManifests,
    plate: &Plate,
    group: &[&Ready<'_>],
    client_id: String,
) -> Result<Proposal, Problem> {
    let mut by_code: BTreeMap<String, Vec<&Ready<'_>>> = BTreeMap::new();
    for one in group {
        by_code.entry(one.load.waste_code.clone()).or_default().push(one);
    }
    let (mut lines, mut release_lines) = (Vec::new(), Vec::new());
    for same in by_code.values() {
        let Some(first) = same.first() else { continue };
        let mass_g: i64 = same.iter().map(|one| one.load.left_g).sum();
        let containers: Vec<Value> = same.iter().map(|one| json!({ "code": one.load.code, "mass_g": one.load.left_g })).collect();
        release_lines.push(json!({ "line": lines.len() + 1, "released_g": mass_g, "basis": "containers", "containers": containers }));
        lines.push(line(first, same, mass_g)?);
    }
    let manifest = IssueManifest {
        consignor_site_id: body.consignor_site_id,
        receiver_site_id: body.receiver_site_id,
        carrier_id: body.carrier_id,
        hirer: body.hirer,
        lines,
        planned_departure_on: body.planned_departure_on,
        planned_receipt_on: body.planned_receipt_on,
        emergency_measures: body.emergency_measures.clone(),
        contact_name: None,
        confirmed: Vec::new(),
        proxy: None,
        official_no: None,
        paper_no: None,
        approval_no: None,
    };
    let (check, problem) = match issue::issue(call, actor, manifest.clone()).await {
        Ok(outcome) => (Some(outcome.body()), None),
        // The server's own trouble is no property of a proposal.
        Err(problem) if problem.status >= 500 => return Err(problem),
        Err(problem) => (None, Some(problem.body(call.lang, &call.request_id.to_string(), &call.app.text_grades))),
    };
    Ok(Proposal {
        client_id,
        plate: plate.clone(),
        containers: group.iter().map(|one| one.load.code.clone()).collect(),
        mass_g: group.iter().map(|one| one.load.left_g).sum(),
        is_lawful: problem.is_none(),
        manifest,
        release_lines,
        check,
        problem,
    })
}

/// A waste of a vehicle as a line: what its labels say, each thing once.
fn line(first: &Ready<'_>, same: &[&Ready<'_>], mass_g: i64) -> Result<LineInput, Problem> {
    let label = first.load.label.as_ref().ok_or_else(|| Problem::broken("a container without its label is ready"))?;
    let mut packagings: Vec<&str> = same.iter().map(|one| packaging(&one.load.container_kind)).collect();
    packagings.sort_unstable();
    packagings.dedup();
    let mut harmful: Vec<String> = same.iter().filter_map(|one| one.load.label.as_ref()).map(|label| label.harmful_components.to_string()).collect();
    harmful.sort_unstable();
    harmful.dedup();
    Ok(LineInput {
        waste_code: first.code,
        name: first.load.name.clone().filter(|name| !name.is_empty()),
        harmful: harmful.join("、").chars().take(200).collect(),
        form: label.form,
        packaging: packagings.join("、"),
        packages: i32::try_from(same.len()).unwrap_or(i32::MAX),
        declared_g: MassInputDoc(MassInput::from(Grams::try_from(mass_g).map_err(|error| Problem::internal(&error))?)),
        method: first.method,
        exemption: None,
    })
}

/// 包装方式 of a kind of container.
fn packaging(kind: &str) -> &'static str {
    match kind {
        "drum" => "桶装",
        "bag" => "袋装",
        "box" => "箱装",
        "ibc" => "吨桶",
        "tank" => "罐装",
        "heap" => "散装",
        "pipe" => "管道",
        _ => "其他",
    }
}
