//! Applications for another province, their clocks, and who decides; what a division looks at closely; exports.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::attachments::upload;
use crate::district::{District, Manifest, OIL, Receiver, faults, site_in, warnings};
use crate::harness::{World, id, text, unit_body};

/// 长春市南关区: another province.
const CHANGCHUN: &str = "220102";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn application(district: &District, far: &Receiver) -> Value {
    json!({
        "site_id": district.plant_site, "receiver_id": far.party.id, "receiver_site_id": far.site, "code": OIL, "method": "R9",
        "applied_g": { "v": "100", "u": "t" }, "applied_on": "2026-11-02", "wished_from": "2026-12-01", "wished_until": "2027-06-30",
        "licence_valid_to": "2027-03-31",
    })
}

async fn applied(world: &World, district: &District, far: &Receiver) -> String {
    let answer = world.post(district.plant.who("clerk"), "/api/v1/approval_applications", application(district, far)).await.ok();
    format!("/api/v1/approval_applications/{}", id(&answer["done"][0]["subject_id"]))
}

fn step(step: &str, on: &str) -> Value {
    json!({ "step": step, "happened_on": on, "says": "见附件" })
}

#[actix_web::test]
async fn an_application_shows_its_clocks_and_becomes_an_approval_that_a_manifest_rests_on() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    let clerk = district.plant.who("clerk");
    let path = applied(&world, &district, &far).await;
    let shown = world.get(&far.party.admin, &path).await.ok();
    // Nobody told anything within five working days: accepted on the day it came.
    assert_eq!((&shown["accepted_on"], &shown["clocks"][0]["due_on"]), (&json!("2026-11-02"), &json!("2026-11-09")));
    for (version, (name, on)) in [("accepted", "2026-11-04"), ("consulted", "2026-11-10"), ("answered", "2026-11-20")].into_iter().enumerate() {
        let version = i64::try_from(version).unwrap() + 1;
        world.post_seen(clerk, &format!("{path}/record_step"), version, step(name, on)).await.ok();
    }
    let shown = world.get(clerk, &path).await.ok();
    let clocks: Vec<_> = shown["clocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["step"].as_str().unwrap(), one["due_on"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        clocks,
        [
            ("completeness", "2026-11-09", "kept"),
            ("opinion", "2026-11-11", "kept"),
            ("answer", "2026-11-24", "kept"),
            ("decision", "2026-11-27", "running")
        ]
    );
    let decision =
        json!({ "decision": "approved", "decision_no": "辽环函〔2026〕9号", "decided_on": "2026-11-23", "approved_g": { "v": "80", "u": "t" } });
    let done = world.post_seen(clerk, &format!("{path}/decide"), 4, decision.clone()).await.ok();
    assert_eq!(done["done"].as_array().unwrap().len(), 2);
    let approval = format!("/api/v1/approvals/{}", id(&done["done"][0]["subject_id"]));
    let approved = world.get(&far.party.admin, &approval).await.ok();
    assert_eq!((&approved["valid_to"], &approved["approved_g"], &approved["verified_at"]), (&json!("2027-03-31"), &json!(80_000_000), &Value::Null));
    let issued = world.post(clerk, "/api/v1/manifests:issue", far.manifest(&district, 1_200_000)).await.ok();
    assert!(warnings(&issued).contains(&"approval-not-verified".to_owned()));
    world.post_seen(clerk, &format!("{path}/decide"), 5, decision).await.refused(409, "application-closed");
    world.post_seen(clerk, &format!("{path}/withdraw"), 5, json!({ "reason": "不再转移" })).await.refused(409, "application-closed");
}

#[actix_web::test]
async fn only_an_authority_of_the_province_decides_itself() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    let path = applied(&world, &district, &far).await;
    let decision = json!({ "decision": "approved", "decision_no": "辽环函〔2026〕9号", "decided_on": "2026-11-23" });
    let (county, province, elsewhere) = (world.authority("210213").await, world.authority("210000").await, world.authority(CHANGCHUN).await);
    world.get(&county.admin, &path).await.ok();
    world.post_seen(&county.admin, &format!("{path}/decide"), 1, decision.clone()).await.refused(403, "forbidden");
    world.post_seen(&far.party.admin, &format!("{path}/decide"), 1, decision.clone()).await.refused(403, "forbidden");
    for stranger in [&elsewhere.admin, &district.carrier.admin] {
        world.post_seen(stranger, &format!("{path}/decide"), 1, decision.clone()).await.refused(404, "not-found");
        world.get(stranger, &path).await.refused(404, "not-found");
    }
    let viewer = world.add_person(&province, &["viewer"]).await;
    world.post_seen(&viewer, &format!("{path}/decide"), 1, decision.clone()).await.refused(403, "forbidden");
    world.post_seen(&province.admin, &format!("{path}/withdraw"), 1, json!({ "reason": "代撤" })).await.refused(403, "forbidden");
    let done = world.post_seen(&province.admin, &format!("{path}/decide"), 1, decision).await.ok();
    let approval = format!("/api/v1/approvals/{}", id(&done["done"][0]["subject_id"]));
    assert!(world.get(&district.plant.admin, &approval).await.ok()["verified_at"].is_string(), "nobody need verify what he decided himself");
    let issued = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", far.manifest(&district, 1_200_000)).await.ok();
    assert!(!warnings(&issued).contains(&"approval-not-verified".to_owned()));
}

#[actix_web::test]
async fn what_is_wrong_in_an_application_or_a_decision_is_told_at_once() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    let clerk = district.plant.who("clerk");
    let mut wrong = application(&district, &far);
    (wrong["applied_g"], wrong["applied_on"], wrong["wished_from"]) = (json!(0), json!("2026-11-24"), json!("2027-07-01"));
    wrong["receiver_site_id"] = json!(district.works_site);
    let problem = world.post(clerk, "/api/v1/approval_applications", wrong).await.refused(422, "rules-refuse");
    assert_eq!(faults(&problem), ["application-receiver-unknown", "application-no-mass", "application-day-in-future", "application-period-wrong"]);
    let mut near = application(&district, &far);
    (near["receiver_id"], near["receiver_site_id"]) = (json!(district.works.id), json!(district.works_site));
    world.post(clerk, "/api/v1/approval_applications", near).await.refused(422, "application-same-province");

    let path = applied(&world, &district, &far).await;
    let early = step("accepted", "2026-11-01");
    world.post_seen(clerk, &format!("{path}/record_step"), 1, early).await.refused(422, "application-day-too-early");
    let silent = json!({ "step": "completeness_notice", "happened_on": "2026-11-03" });
    world.post_seen(clerk, &format!("{path}/record_step"), 1, silent).await.refused(422, "application-says-nothing");
    let more = json!({ "decision": "approved", "decision_no": "1", "decided_on": "2026-11-23", "approved_g": { "v": "101", "u": "t" } });
    world.post_seen(clerk, &format!("{path}/decide"), 1, more).await.refused(422, "approved-more-than-applied");
    let refused = json!({ "decision": "refused", "decision_no": "2", "decided_on": "2026-11-23" });
    world.post_seen(clerk, &format!("{path}/decide"), 1, refused.clone()).await.refused(422, "application-says-nothing");
    let mut reasoned = refused;
    reasoned["reasons"] = json!("接受地不同意");
    world.post_seen(clerk, &format!("{path}/decide"), 1, reasoned).await.ok();
    assert_eq!(world.get(clerk, &path).await.ok()["application"]["state"], "refused");
    world.post(clerk, "/api/v1/manifests:issue", far.manifest(&district, 1_200_000)).await.refused(422, "approval-missing");
}

#[actix_web::test]
async fn the_papers_of_an_application_are_seen_by_those_who_see_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    let officer = world.authority("210213").await;
    let clerk = district.plant.who("clerk");
    let paper = b"%PDF-1.7 contract\n%%EOF\n";
    let theirs = b"%PDF-1.7 of somebody else\n%%EOF\n";
    let hash = text(&upload(&world, clerk, paper).await.ok()["done"][0]["result"]["sha256"]);
    let foreign = text(&upload(&world, &district.carrier.admin, theirs).await.ok()["done"][0]["result"]["sha256"]);
    let mut body = application(&district, &far);
    body["attachments"] = json!([hash, foreign]);
    let problem = world.post(clerk, "/api/v1/approval_applications", body.clone()).await.refused(422, "attachment-unknown");
    assert_eq!(problem["errors"][0]["pointer"], "/attachments/1", "naming a hash opens nothing");
    let file = format!("/api/v1/attachments/{hash}");
    world.get(&far.party.admin, &file).await.refused(404, "not-found");
    body["attachments"] = json!([hash]);
    world.post(clerk, "/api/v1/approval_applications", body).await.ok();
    for reader in [&far.party.admin, &officer.admin] {
        assert_eq!(world.get(reader, &file).await.bytes, paper);
    }
    world.get(&district.carrier.admin, &file).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_load_from_another_province_that_is_not_for_use_is_looked_at_and_let_in() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let plant = world.unit("演示·长春化工", CHANGCHUN, &["clerk"]).await;
    let site = site_in(&world, &plant, "厂区", CHANGCHUN).await;
    let mut told = Vec::new();
    for method in ["R9", "D10"] {
        let flow =
            json!({ "site_id": site, "year": 2026, "code": OIL, "receiver_id": district.works.id, "method": method, "planned_g": 1_000_000_000 });
        world.post(&plant.admin, "/api/v1/plan_flows", flow).await.ok();
        let approval = json!({
            "site_id": site, "receiver_id": district.works.id, "code": OIL, "method": method, "approved_g": 100_000_000,
            "decision_no": "吉环函 1", "decided_on": "2026-11-23", "applied_until": "2027-06-30", "licence_valid_to": "2027-03-31",
        });
        world.post(&plant.admin, "/api/v1/approvals", approval).await.ok();
        let mut body = district.manifest(1_200_000);
        (body["consignor_site_id"], body["lines"][0]["method"]) = (json!(site), json!(method));
        let answer = world.post(plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok();
        told.push(warnings(&answer).contains(&"inbound-not-for-use".to_owned()));
    }
    assert_eq!(told, [false, true]);
    // Inside the province nobody is looked at, whatever it is for.
    district.flow(&world, OIL, "D10", 1_000_000_000).await;
    let mut near = district.manifest(1_200_000);
    near["lines"][0]["method"] = json!("D10");
    let answer = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", near).await.ok();
    assert!(!warnings(&answer).contains(&"inbound-not-for-use".to_owned()));
}

async fn abroad(world: &World, district: &District) -> (Uuid, Uuid) {
    let clerk = district.plant.who("clerk");
    let mut body = unit_body(&world.uscc(), "演示·境外处置者", "210281");
    body["country"] = json!("JP");
    let unit = id(&world.post(clerk, "/api/v1/units:external", body).await.ok()["done"][0]["subject_id"]);
    let site = json!({ "name": "境外场所", "division": "210281", "address": "1-1 Kitakyushu" });
    (unit, id(&world.post(clerk, &format!("/api/v1/units/{unit}/sites"), site).await.ok()["done"][0]["subject_id"]))
}

#[actix_web::test]
async fn a_unit_abroad_receives_under_an_export_notice_and_not_without() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let (unit, site) = abroad(&world, &district).await;
    let flow = json!({ "site_id": district.plant_site, "year": 2026, "code": OIL, "receiver_id": unit, "method": "R9", "planned_g": 1_000_000_000 });
    world.post(clerk, "/api/v1/plan_flows", flow).await.ok();
    let mut body = district.manifest(1_200_000);
    body["receiver_site_id"] = json!(site);
    let problem = world.post(clerk, "/api/v1/manifests:issue", body.clone()).await;
    assert!(faults(&problem.json).contains(&"receiver-not-licensed".to_owned()), "{}", problem.json);
    let notice = |receiver: Uuid, until: &str| {
        json!({
            "site_id": district.plant_site, "receiver_id": receiver, "approval_no": "环固函核〔2026〕1号", "notice_no": "CN000001", "codes": [OIL],
            "importing_country": "JP", "transit_countries": [], "importer": "演示·境外进口者", "disposer": "演示·境外处置者", "shipments": 3,
            "total_g": { "v": "50", "u": "t" }, "valid_from": "2026-11-01", "valid_to": until,
        })
    };
    world.post(clerk, "/api/v1/export_notices", notice(district.works.id, "2026-12-31")).await.refused(422, "export-receiver-not-foreign");
    let kept = world.post(clerk, "/api/v1/export_notices", notice(unit, "2027-11-01")).await.ok();
    assert_eq!(kept["warnings"][0]["code"], "export-longer-than-a-year");
    world.post(clerk, "/api/v1/export_notices", notice(unit, "2027-11-01")).await.refused(409, "export-exists");
    let shown = format!("/api/v1/export_notices/{}", id(&kept["done"][0]["subject_id"]));
    assert_eq!(world.get(clerk, &shown).await.ok()["codes"], json!([OIL]));
    world.get(&district.works.admin, &shown).await.refused(404, "not-found");
    let issued = world.post(clerk, "/api/v1/manifests:issue", body).await.ok();
    let manifest = Manifest::of(&issued).get(&world, clerk).await;
    assert_eq!(manifest["parts"]["consignment"][0]["content"]["lines"][0]["cover"]["approval_no"], "环固函核〔2026〕1号", "{manifest}");
    world.clock.set(at("2026-11-24T10:00:00+08:00"));
}
