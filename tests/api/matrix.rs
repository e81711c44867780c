//! Three tables tried whole: every act from every state, every role of every party on every act, every operation by nobody
//! and by an outsider.

use std::collections::BTreeMap;

use actix_web::http::Method;
use liandan::identity::Roles;
use liandan::manifest::table::{ACTS, Act, ActClass, Relation, State};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, Manifest, OIL, release};
use crate::harness::{Answer, Party, Person, World, id};

const GRAMS: i64 = 1_200_000;
const RELATIONS: [Relation; 7] = [
    Relation::Consignor,
    Relation::Carrier,
    Relation::Receiver,
    Relation::Holder,
    Relation::OfficerOfDeparture,
    Relation::OfficerOfReceipt,
    Relation::OfficerOfPlace,
];
/// Acts that make a manifest rather than change one.
const BEGINNING: [Act; 2] = [Act::Issue, Act::BackEnter];

/// A body that the act would take.
fn body(district: &District, act: Act) -> Value {
    match act {
        Act::Issue => district.manifest(GRAMS),
        Act::Assign => json!({ "trip": district.trip() }),
        Act::Release => release(GRAMS),
        Act::Withdraw | Act::RefuseTakeOver | Act::Cancel | Act::Void | Act::Disagree => json!({ "reason": "情况有变" }),
        Act::TakeOver | Act::Arrive => json!({ "plate": "辽B12345" }),
        Act::HandOver => json!({ "reason": "故障", "trip": district.trip() }),
        Act::NotReceived => json!({ "reason": "closed" }),
        Act::Weigh => json!({ "gross_g": GRAMS + 9_000_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号" }),
        Act::Receive | Act::Confirm | Act::Agree => json!({}),
        Act::RecordTreatment => json!({ "line": 1, "method": "R9", "treated_g": 1000, "batch": "B1" }),
        Act::AcknowledgeIncident => json!({ "measures": "已派员处置" }),
        Act::ReportDiscrepancy | Act::AcknowledgeDiscrepancy | Act::CheckFate => json!({}),
        Act::SendOn | Act::TurnBack => json!({
            "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话", "planned_departure_on": "2026-11-25", "planned_receipt_on": "2026-11-25",
        }),
        Act::SignLate => json!({ "happened_at": "2026-11-23T02:00:00Z", "reason": "手机没电" }),
        Act::BackEnter => json!({
            "manifest": district.manifest(GRAMS), "paper_no": "P-1", "reason": "系统故障", "trip": district.trip(), "released_at": "2026-11-20T02:00:00Z",
        }),
        Act::Correct => {
            json!({ "reason": "笔误", "changes": [{ "part": "consignment", "part_no": 1, "pointer": "/emergency_measures", "value": "吸附" }] })
        }
        Act::ReportIncident => json!({ "kind": "leak", "place": "金州" }),
        Act::RecordOfficialNo => json!({ "official_no": "20262102000777" }),
    }
}

/// Somebody who may do the act.
fn who<'a>(district: &'a District, officer: &'a Party, act: Act) -> &'a Person {
    match act {
        Act::Issue
        | Act::Cancel
        | Act::BackEnter
        | Act::ReportIncident
        | Act::AcknowledgeIncident
        | Act::AcknowledgeDiscrepancy
        | Act::CheckFate
        | Act::RecordOfficialNo => district.plant.who("clerk"),
        Act::Release | Act::Withdraw | Act::TurnBack | Act::Agree | Act::Disagree => district.plant.who("signatory"),
        Act::Correct => district.plant.who("clerk"),
        Act::Assign => district.carrier.who("dispatcher"),
        Act::TakeOver | Act::RefuseTakeOver | Act::HandOver | Act::Arrive | Act::NotReceived | Act::SignLate => district.carrier.who("driver"),
        Act::Weigh | Act::Receive => district.works.who("weigher"),
        Act::Confirm | Act::SendOn => district.works.who("signatory"),
        Act::RecordTreatment | Act::ReportDiscrepancy => district.works.who("clerk"),
        Act::Void => &officer.admin,
    }
}

/// A manifest in a state.
async fn in_state(world: &World, district: &District, state: State) -> Manifest {
    let mut manifest = district.issue(world, GRAMS).await;
    match state {
        State::Issued => district.bring_to(world, &mut manifest, "assigned").await,
        State::Cancelled => {
            let answer = manifest.act(world, district.plant.who("clerk"), "cancel", json!({ "reason": "不运了" })).await.ok();
            manifest.took(&answer);
        }
        State::PartlyConfirmed | State::Refused => {
            district.bring_to(world, &mut manifest, "received").await;
            let (decision, accepted_g) = if state == State::Refused { ("none", 0) } else { ("part", 1_000_000) };
            let verdict = json!({ "lines": [{ "line": 1, "decision": decision, "accepted_g": accepted_g, "reasons": ["packaging_or_label"] }] });
            let answer = manifest.act(world, district.works.who("signatory"), "confirm", verdict).await.ok();
            manifest.took(&answer);
        }
        other => district.bring_to(world, &mut manifest, other.as_str()).await,
    }
    let doc = manifest.get(world, district.plant.who("clerk")).await;
    assert_eq!(doc["state"], state.as_str());
    manifest
}

async fn trip_of(world: &World, district: &District, manifest: &Manifest) -> Option<Uuid> {
    let doc = manifest.get(world, district.plant.who("clerk")).await;
    doc["parts"]["assignment"][0]["content"]["trip_id"].as_str().and_then(|text| text.parse().ok())
}

async fn attempt(world: &World, district: &District, manifest: &Manifest, person: &Person, act: Act, body: Value) -> Answer {
    if act == Act::Weigh {
        let trip = trip_of(world, district, manifest).await.unwrap_or_default();
        return world.post(person, &format!("/api/v1/trips/{trip}/weigh"), body).await;
    }
    manifest.act(world, person, act.as_str(), body).await
}

#[actix_web::test]
async fn from_every_state_exactly_the_acts_of_the_table_are_possible() {
    let mut wrong = Vec::new();
    for state in State::ALL {
        let world = World::new().await;
        let district = District::new(&world).await;
        let officer = world.authority("210213").await;
        let mut manifest = in_state(&world, &district, state).await;
        for rule in ACTS.iter().filter(|rule| !BEGINNING.contains(&rule.act) && rule.act != Act::Weigh) {
            let before = world.events().await;
            let answer = attempt(&world, &district, &manifest, who(&district, &officer, rule.act), rule.act, body(&district, rule.act)).await;
            let kind = answer.json["type"].as_str().unwrap_or_default().to_owned();
            let is_possible = rule.from.contains(&state);
            // Possible, but perhaps nothing calls for it: nothing refused to send on, no correction open, no signature missing.
            let is_told = match answer.status {
                200..300 => is_possible && world.events().await > before,
                409 if kind == "/problems/wrong-state" => !is_possible && answer.json["state"] == state.as_str(),
                409 => {
                    is_possible
                        && [
                            "/problems/nothing-to-send-on",
                            "/problems/no-correction-open",
                            "/problems/nothing-skipped",
                            "/problems/no-incident-open",
                            "/problems/no-discrepancy-to-report",
                            "/problems/no-discrepancy-open",
                            "/problems/not-turned-away",
                        ]
                        .contains(&kind.as_str())
                }
                _ => false,
            };
            if !is_told {
                wrong.push(format!("{} from {}: {} {kind}", rule.act.as_str(), state.as_str(), answer.status));
            }
            if answer.status >= 300 && world.events().await != before {
                wrong.push(format!("{} from {}: refused, and written", rule.act.as_str(), state.as_str()));
            }
            if answer.status < 300 {
                manifest = in_state(&world, &district, state).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[actix_web::test]
async fn a_void_manifest_sets_nothing_going_but_still_meets_its_lorry() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let mut wrong = Vec::new();
    for state in State::ALL.into_iter().filter(|state| Act::Void.rule().from.contains(state)) {
        let mut manifest = in_void(&world, &district, &officer, state).await;
        for rule in ACTS.iter().filter(|rule| !BEGINNING.contains(&rule.act) && rule.act != Act::Weigh) {
            if matches!(rule.act, Act::Correct | Act::Agree | Act::Disagree) {
                continue;
            }
            let before = world.events().await;
            let answer = attempt(&world, &district, &manifest, who(&district, &officer, rule.act), rule.act, body(&district, rule.act)).await;
            let kind = answer.json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/");
            // The lorry is on the road all the same: what happens to it is recorded.
            let expected: &[(u16, &str)] = match (rule.class, rule.from.contains(&state)) {
                (ActClass::Fact, true) => {
                    &[(200, ""), (409, "nothing-skipped"), (409, "no-incident-open"), (409, "no-discrepancy-to-report"), (409, "no-discrepancy-open")]
                }
                (ActClass::Fact, false) => &[(409, "wrong-state")],
                _ => &[(409, "voided")],
            };
            if !expected.contains(&(answer.status, kind)) || (answer.status != 200 && world.events().await != before) {
                wrong.push(format!("{} when void and {}: {} {kind}", rule.act.as_str(), state.as_str(), answer.status));
            }
            if answer.status == 200 {
                manifest = in_void(&world, &district, &officer, state).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // None of it counts for an account.
    assert_eq!(world.number("SELECT count(*) AS n FROM mass_accounts WHERE reserved_g <> 0 OR settled_g <> 0").await, 0);
}

async fn in_void(world: &World, district: &District, officer: &Party, state: State) -> Manifest {
    let mut manifest = in_state(world, district, state).await;
    let answer = manifest.act(world, &officer.admin, "void", json!({ "reason": "重复填写" })).await.ok();
    manifest.took(&answer);
    let doc = manifest.get(world, district.plant.who("clerk")).await;
    assert_eq!((&doc["state"], &doc["is_void"]), (&json!(state.as_str()), &json!(true)), "void is a flag beside the state");
    manifest
}

/// The checked-in table: act, then the roles of each relation.
fn role_table() -> BTreeMap<String, Vec<Vec<String>>> {
    include_str!("../data/role_act.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split(',');
            let act = cells.next().unwrap().to_owned();
            (act, cells.map(|cell| cell.split_whitespace().map(str::to_owned).collect()).collect())
        })
        .collect()
}

#[test]
fn the_table_of_acts_is_the_one_that_a_lawyer_read() {
    let table = role_table();
    assert_eq!(table.len(), ACTS.len());
    for rule in ACTS {
        let rows = &table[rule.act.as_str()];
        for (relation, allowed) in RELATIONS.iter().zip(rows) {
            for role in liandan::identity::Role::ALL {
                let says = allowed.contains(&role.as_str().to_owned());
                let does = rule.act.allows(&[*relation], Roles::default().with(role));
                assert_eq!(does, says, "{} by {}/{}", rule.act.as_str(), relation.as_str(), role.as_str());
            }
        }
    }
}

#[actix_web::test]
async fn each_role_of_each_party_may_do_what_the_table_says_and_no_more() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let table = role_table();
    let officer = world.authority("210213").await;
    let mut people: Vec<(Relation, &'static str, Person)> = Vec::new();
    for (relation, party) in [(Relation::Consignor, &district.plant), (Relation::Carrier, &district.carrier), (Relation::Receiver, &district.works)] {
        for role in ["unit_admin", "clerk", "signatory", "dispatcher", "driver", "weigher"] {
            people.push((relation, role, world.add_person(party, &[role]).await));
        }
    }
    for role in ["viewer", "inspector", "manager"] {
        people.push((Relation::OfficerOfDeparture, role, world.add_person(&officer, &[role]).await));
    }
    let mut wrong = Vec::new();
    for rule in ACTS.iter().filter(|rule| !BEGINNING.contains(&rule.act)) {
        // The state in which it is possible that lies furthest on: whoever may not do it is told so before the state is.
        let mut state = rule.from[0];
        if rule.act == Act::SendOn {
            state = State::Refused;
        }
        let mut manifest = in_state(&world, &district, state).await;
        for (relation, role, person) in &people {
            // On the first leg the consignor gives; a carrier withdraws what he handed over, which has its own test.
            if rule.act == Act::Withdraw && *relation == Relation::Carrier {
                continue;
            }
            let column = RELATIONS.iter().position(|one| one == relation).unwrap();
            // Departure and receipt lie in one division here, so its officers are those of both places.
            let receipt = RELATIONS.iter().position(|one| *one == Relation::OfficerOfReceipt).unwrap();
            let columns = if *relation == Relation::OfficerOfDeparture { vec![column, receipt] } else { vec![column] };
            let is_allowed = columns.iter().any(|column| table[rule.act.as_str()][*column].contains(&(*role).to_owned()));
            let mut body = body(&district, rule.act);
            if matches!(rule.act, Act::TakeOver | Act::Arrive | Act::HandOver) && *role == "dispatcher" {
                body["instead_of_driver"] = json!("司机手机没电");
            }
            if rule.act == Act::Weigh && *relation != Relation::Receiver {
                body["side"] = json!("departure");
            }
            if rule.act == Act::RecordOfficialNo {
                body["official_no"] = json!(format!("20262102{:06}", 100_000 + world.next()));
            }
            let before = world.events().await;
            let answer = attempt(&world, &district, &manifest, person, rule.act, body).await;
            let is_refused = answer.status == 403 || answer.status == 404;
            if is_allowed == is_refused {
                wrong.push(format!("{} by {}/{role}: {} {}", rule.act.as_str(), relation.as_str(), answer.status, answer.json["type"]));
            }
            if is_refused && world.events().await != before {
                wrong.push(format!("{} by {}/{role}: refused, and written", rule.act.as_str(), relation.as_str()));
            }
            if !is_refused {
                manifest = in_state(&world, &district, state).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Operations that need no credential. This list may only shrink.
const OPEN: &[&str] = &[
    "create_session",
    "switch_session",
    "refresh_session",
    "register_unit",
    "list_keys",
    "get_problem_kind",
    "get_live",
    "get_ready",
    "look_at_token",
];

struct Operation {
    id: String,
    method: Method,
    path: String,
    body: Value,
}

/// Every operation, with ids of the thing in its path, and a body of its schema's required members.
fn operations(world: &World, fill: impl Fn(&str) -> String) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in world.app.contract["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut filled = String::new();
            let mut rest = path.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                let (name, after) = after.split_once('}').unwrap();
                filled.push_str(before);
                filled.push_str(&fill(name));
                rest = after;
            }
            filled.push_str(rest);
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for (place, needed) in parameters.filter(|one| one["in"] == "query" && one["required"] == true).enumerate() {
                let value = sample(&world.app.contract, &needed["schema"]);
                let mark = if place == 0 { '?' } else { '&' };
                filled.push_str(&format!("{mark}{}={}", needed["name"].as_str().unwrap(), value.as_str().unwrap_or_default()));
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = sample(&world.app.contract, schema);
            let method = method.to_uppercase().parse().unwrap();
            found.push(Operation { id: operation["operationId"].as_str().unwrap().to_owned(), method, path: filled, body });
        }
    }
    found
}

/// A value that a schema takes, as far as shape goes.
fn sample(contract: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(contract, contract.pointer(name.trim_start_matches('#')).unwrap());
    }
    if let Some(first) = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array()?.iter().find(|one| one["type"] != "null")) {
        return sample(contract, first);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array().and_then(|all| all[0].as_str())).unwrap_or_default();
    match kind {
        "object" => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|name| (name.to_owned(), sample(contract, &schema["properties"][name]))).collect::<serde_json::Map<_, _>>().into()
        }
        "array" => json!([sample(contract, &schema["items"])]),
        "integer" | "number" => schema["minimum"].as_i64().unwrap_or(1).max(1).into(),
        "boolean" => false.into(),
        "string" => match schema["format"].as_str().unwrap_or_default() {
            "uuid" => "01890000-0000-7000-8000-000000000001".into(),
            "date" => "2026-11-24".into(),
            "date-time" => "2026-11-23T02:00:00Z".into(),
            "waste-code" => OIL.into(),
            "method-code" => "R9".into(),
            "manifest-number" => "20262102000777".into(),
            "plate" => "辽B12345".into(),
            _ => "x".repeat(usize::try_from(schema["minLength"].as_u64().unwrap_or(10).max(10)).unwrap()).into(),
        },
        _ => Value::Null,
    }
}

async fn call(world: &World, person: Option<&Person>, operation: &Operation) -> Answer {
    let mut request = match person {
        Some(person) => world.request(operation.method.clone(), person, &operation.path).await,
        None => world.request(operation.method.clone(), (), &operation.path).await,
    };
    if operation.method != Method::GET {
        let key = format!("key-{}", world.next());
        request = request.insert_header(("Idempotency-Key", key)).insert_header(("If-Match", "\"1\"")).set_json(&operation.body);
    }
    world.send(request).await
}

#[actix_web::test]
async fn without_a_credential_every_operation_but_a_few_is_401() {
    let world = World::new().await;
    let mut open = Vec::new();
    for operation in operations(&world, |_| Uuid::nil().to_string()) {
        let answer = call(&world, None, &operation).await;
        // A log-in that fails is 401 too, and is open all the same.
        if answer.status != 401 || OPEN.contains(&operation.id.as_str()) {
            open.push(operation.id);
        } else {
            answer.refused(401, "unauthenticated");
        }
    }
    open.sort();
    let mut expected = OPEN.to_vec();
    expected.sort_unstable();
    assert_eq!(open, expected);
}

#[actix_web::test]
async fn an_outsider_learns_nothing_of_what_is_not_his() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, GRAMS).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let trip = trip_of(&world, &district, &manifest).await.unwrap();
    let draft = world.post(district.plant.who("clerk"), "/api/v1/manifest_drafts", district.manifest(GRAMS)).await.ok();
    let stranger = world.unit("演示·外人", "210213", &[]).await;
    let everything = world.add_person(&stranger, &["unit_admin", "clerk", "signatory", "dispatcher", "driver", "weigher"]).await;
    let draft = id(&draft["id"]);
    let plan = json!({ "site_id": district.plant_site, "year": 2026 });
    let plan = id(&world.post(district.plant.who("clerk"), "/api/v1/plans", plan).await.ok()["id"]);
    let paper = json!({ "site_id": district.plant_site, "kind": "drill", "issued_on": "2026-11-01" });
    let paper = id(&world.post(district.plant.who("clerk"), "/api/v1/papers", paper).await.ok()["done"][0]["subject_id"]);
    let declared = json!({ "site_id": district.plant_site, "period": "2026-10", "rows": [] });
    let declared = id(&world.post(district.plant.who("clerk"), "/api/v1/declarations", declared).await.ok()["done"][0]["subject_id"]);
    let invitation = json!({ "login": "somebody", "roles": ["driver"] });
    let invitation = id(&world.post(&district.plant.admin, "/api/v1/invitations", invitation).await.ok()["done"][0]["subject_id"]);
    let of_others = |name: &str| match name {
        "manifest_id" => manifest.id.to_string(),
        "trip_id" => trip.to_string(),
        "draft_id" => draft.to_string(),
        "site_id" => district.plant_site.to_string(),
        "licence_id" => district.licence.to_string(),
        "unit_id" => district.plant.id.to_string(),
        "membership_id" => district.plant.who("clerk").membership.to_string(),
        "invitation_id" => invitation.to_string(),
        "plan_id" => plan.to_string(),
        "paper_id" => paper.to_string(),
        "declaration_id" => declared.to_string(),
        _ => Uuid::nil().to_string(),
    };
    // A unit's name and its licences are what partners look up before they deal with it; the rest is reference data.
    let public = ["get_unit", "get_licence", "list_unit_licences", "list_unit_exempt_receivers", "list_unit_vehicles", "list_unit_carrier_permits"];
    let mut wrong = Vec::new();
    let absent = Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0042).to_string();
    let (mut others, mut nothings) = (operations(&world, of_others), operations(&world, |_| absent.clone()));
    for operation in others.iter_mut().chain(&mut nothings).filter(|operation| operation.id == "load_manifest") {
        operation.body["driver_token"] = json!(world.token(&everything).await);
    }
    for (theirs, nothing) in others.iter().zip(&nothings) {
        if theirs.path == nothing.path
            || public.contains(&theirs.id.as_str())
            || ["get_waste_code", "get_problem_kind", "get_calendar"].contains(&theirs.id.as_str())
        {
            continue;
        }
        let before = world.events().await;
        let mut answer = call(&world, Some(&everything), theirs).await;
        let mut empty = call(&world, Some(&everything), nothing).await;
        if answer.status < 300 {
            wrong.push(format!("{}: {}", theirs.id, answer.status));
        }
        if !matches!(answer.status, 400 | 403 | 404) {
            wrong.push(format!("{}: {} {}", theirs.id, answer.status, answer.json));
        }
        if answer.status == 400 {
            wrong.push(format!("{}: the body was not even read: {}", theirs.id, answer.json["errors"]));
        }
        for one in [&mut answer, &mut empty] {
            if let Some(members) = one.json.as_object_mut() {
                members.remove("request_id");
            }
        }
        if theirs.path.contains(&manifest.id.to_string()) && (answer.status, &answer.json) != (empty.status, &empty.json) {
            wrong.push(format!("{} tells existing from absent: {} against {}", theirs.id, answer.json, empty.json));
        }
        if world.events().await != before {
            wrong.push(format!("{} wrote", theirs.id));
        }
    }
    let list = world.get(&everything, "/api/v1/manifests").await.ok();
    assert_eq!(list["items"], json!([]));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
