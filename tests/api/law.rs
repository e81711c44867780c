//! Law at the gate and beside it: the worked cases of the statutes, approvals and licences to the gram, and that acts of
//! fact never refuse for law.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::district::{District, Manifest, OIL, Receiver, faults, licence, release, site, unverified_licence, warnings};
use crate::harness::{Answer, World, id};

/// 长春市南关区: another province.
const CHANGCHUN: &str = "220102";

async fn issue(world: &World, district: &District, body: Value) -> Answer {
    world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await
}

async fn account(world: &World, kind: &str) -> (i64, i64) {
    let sum = |column: &str| format!("SELECT coalesce(sum({column}), 0)::bigint AS n FROM mass_accounts WHERE kind = '{kind}'");
    (world.number(&sum("reserved_g")).await, world.number(&sum("settled_g")).await)
}

async fn approve(world: &World, district: &District, receiver: &Receiver, approved_g: i64) {
    let body = json!({
        "site_id": district.plant_site, "receiver_id": receiver.party.id, "code": OIL, "method": "R9", "approved_g": approved_g,
        "decision_no": "辽环函 1", "decided_on": "2026-11-23", "applied_until": "2027-06-30", "licence_valid_to": "2027-03-31",
    });
    world.post(&district.plant.admin, "/api/v1/approvals", body).await.ok();
}

#[actix_web::test]
async fn a_number_has_year_prefecture_of_departure_and_serial_and_no_county() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let first = district.issue(&world, 1_000_000).await;
    let second = district.issue(&world, 1_000_000).await;
    assert_eq!((first.number.as_str(), second.number.as_str()), ("20262102000001", "20262102000002"));
    // 朝阳 is not the place of departure; county digits are no number at all.
    let other = json!({ "official_no": "20262113000123" });
    first.act(&world, district.plant.who("clerk"), "record_official_no", other).await.refused(422, "number-of-other-prefecture");
    let county = json!({ "official_no": "2026210213000123" });
    assert_eq!(first.act(&world, district.plant.who("clerk"), "record_official_no", county).await.status, 400);
    first.act(&world, district.plant.who("clerk"), "record_official_no", json!({ "official_no": "20262102000123" })).await.ok();
    let taken = json!({ "official_no": "20262102000123" });
    second.act(&world, district.plant.who("clerk"), "record_official_no", taken).await.refused(409, "official-number-taken");
}

#[actix_web::test]
async fn a_number_starts_again_each_year_of_the_legal_calendar() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // New Year in Dalian is eight hours before that of UTC.
    let mut numbers = Vec::new();
    for (at, day) in [("2026-11-23T02:00:00Z", "2026-11-23"), ("2026-12-31T15:59:59Z", "2026-12-31"), ("2026-12-31T16:00:00Z", "2027-01-01")] {
        world.clock.set(at.parse().unwrap());
        let mut body = district.manifest(1_000_000);
        (body["planned_departure_on"], body["planned_receipt_on"]) = (json!(day), json!(day));
        if day == "2027-01-01" {
            let flow = json!({ "site_id": district.plant_site, "year": 2027, "code": OIL, "receiver_id": district.works.id, "method": "R9", "planned_g": 9_000_000 });
            world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
        }
        numbers.push(Manifest::of(&issue(&world, &district, body).await.ok()).number);
    }
    assert_eq!(numbers, ["20262102000001", "20262102000002", "20272102000001"]);
}

#[actix_web::test]
async fn a_milk_run_of_two_plants_has_a_manifest_for_each_on_one_trip() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let other = world.unit("演示·第二工厂", "210213", &[]).await;
    let other_site = site(&world, &other, "厂区").await;
    let flow = json!({ "site_id": other_site, "year": 2026, "code": OIL, "receiver_id": district.works.id, "method": "R9", "planned_g": 9_000_000 });
    world.post(&other.admin, "/api/v1/plan_flows", flow).await.ok();
    let mut first = district.issue(&world, 1_200_000).await;
    let mut body = district.manifest(600_000);
    body["consignor_site_id"] = json!(other_site);
    // A plant cannot put another plant's waste on its own manifest.
    issue(&world, &district, body.clone()).await.refused(404, "not-found");
    let mut second = Manifest::of(&world.post(&other.admin, "/api/v1/manifests:issue", body).await.ok());
    district.bring_to(&world, &mut first, "assigned").await;
    let mut trip = district.trip();
    trip["trip_id"] = first.last["result"]["facts"]["trip_id"].clone();
    let answer = second.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
    second.took(&answer);
    assert_eq!(first.last["result"]["facts"]["trip_id"], second.last["result"]["facts"]["trip_id"]);
}

#[actix_web::test]
async fn an_approval_is_used_to_the_last_gram_and_not_beyond() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    issue(&world, &district, far.manifest(&district, 1_000_000)).await.refused(422, "approval-missing");
    approve(&world, &district, &far, 100_000_000).await;
    issue(&world, &district, far.manifest(&district, 48_000_000)).await.ok();
    issue(&world, &district, far.manifest(&district, 49_500_000)).await.ok();
    let before = (world.events().await, account(&world, "approval").await);
    let problem = issue(&world, &district, far.manifest(&district, 3_000_000)).await.refused(422, "approval-exceeded");
    assert!(problem["legal"].as_array().unwrap().contains(&json!({ "law": "decree_23_2021", "article": "28", "text": "single_copy" })), "{problem}");
    assert!(problem.to_string().contains("2500000"), "{problem}");
    assert_eq!((world.events().await, account(&world, "approval").await), before);
    issue(&world, &district, far.manifest(&district, 2_500_001)).await.refused(422, "approval-exceeded");
    issue(&world, &district, far.manifest(&district, 2_500_000)).await.ok();
    assert_eq!(account(&world, "approval").await, (100_000_000, 0));
    issue(&world, &district, far.manifest(&district, 1)).await.refused(422, "approval-exceeded");
}

#[actix_web::test]
async fn the_first_use_of_an_approval_cannot_exceed_it_either() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    approve(&world, &district, &far, 2_000_000).await;
    issue(&world, &district, far.manifest(&district, 2_000_001)).await.refused(422, "approval-exceeded");
    assert_eq!(account(&world, "approval").await, (0, 0));
}

#[actix_web::test]
async fn of_eight_issues_at_once_exactly_those_pass_that_the_approval_holds() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    approve(&world, &district, &far, 10_000_000).await;
    let all = (0..8).map(|_| issue(&world, &district, far.manifest(&district, 3_000_000)));
    let answers = futures_util::future::join_all(all).await;
    let passed = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(passed, 3, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.refused(422, "approval-exceeded");
    }
    assert_eq!(account(&world, "approval").await, (9_000_000, 0));
    // Numbers have no gap: what was refused took none.
    assert_eq!(world.number("SELECT last_serial::bigint AS n FROM manifest_numbers").await, 3);
}

#[actix_web::test]
async fn more_released_than_the_approval_has_left_stays_with_the_consignor() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    approve(&world, &district, &far, 10_000_000).await;
    let mut manifest = Manifest::of(&issue(&world, &district, far.manifest(&district, 9_000_000)).await.ok());
    district.bring_to(&world, &mut manifest, "assigned").await;
    manifest.act(&world, district.plant.who("signatory"), "release", release(10_000_001)).await.refused(422, "approval-exceeded");
    assert_eq!(account(&world, "approval").await, (9_000_000, 0));
    let answer = manifest.act(&world, district.plant.who("signatory"), "release", release(10_000_000)).await.ok();
    manifest.took(&answer);
    assert_eq!(account(&world, "approval").await, (0, 10_000_000));
}

#[actix_web::test]
async fn an_approval_ends_with_the_receivers_licence() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    approve(&world, &district, &far, 100_000_000).await;
    let flow =
        json!({ "site_id": district.plant_site, "year": 2027, "code": OIL, "receiver_id": far.party.id, "method": "R9", "planned_g": 900_000_000 });
    world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
    for (day, is_covered) in [("2027-03-31", true), ("2027-04-01", false)] {
        let mut body = far.manifest(&district, 1_000_000);
        (body["planned_departure_on"], body["planned_receipt_on"]) = (json!(day), json!(day));
        let answer = issue(&world, &district, body).await;
        if is_covered {
            answer.ok();
        } else {
            answer.refused(422, "approval-missing");
        }
    }
}

#[actix_web::test]
async fn a_licence_warns_from_its_whole_scale_and_refuses_from_a_fifth_more() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 10_000_000_000).await;
    let below = issue(&world, &district, near.manifest(&district, 9_999_999_999)).await.ok();
    assert!(!warnings(&below).contains(&"licence-scale-exceeded".to_owned()), "{:?}", warnings(&below));
    let whole = issue(&world, &district, near.manifest(&district, 1)).await.ok();
    assert!(warnings(&whole).contains(&"licence-scale-exceeded".to_owned()), "{:?}", warnings(&whole));
    let before = (world.events().await, account(&world, "licence_line").await);
    issue(&world, &district, near.manifest(&district, 2_000_000_000)).await.refused(422, "licence-scale-exceeded-by-20");
    assert_eq!((world.events().await, account(&world, "licence_line").await), before);
    let last = issue(&world, &district, near.manifest(&district, 1_999_999_999)).await.ok();
    assert!(warnings(&last).contains(&"licence-scale-exceeded".to_owned()), "{:?}", warnings(&last));
    issue(&world, &district, near.manifest(&district, 1)).await.refused(422, "licence-scale-exceeded-by-20");
    assert_eq!(account(&world, "licence_line").await, (11_999_999_999, 0));
}

#[actix_web::test]
async fn of_eight_issues_at_once_exactly_those_pass_that_the_licence_holds() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 10_000_000).await;
    let all = (0..8).map(|_| issue(&world, &district, near.manifest(&district, 2_000_000)));
    let answers = futures_util::future::join_all(all).await;
    // Five make 10 t; the sixth would make 12 t, which is 20 % more.
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.refused(422, "licence-scale-exceeded-by-20");
    }
    assert_eq!(account(&world, "licence_line").await, (10_000_000, 0));
}

#[actix_web::test]
async fn the_planned_mass_of_the_year_only_warns() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let exact = issue(&world, &district, district.manifest(1_000_000_000)).await.ok();
    assert!(!warnings(&exact).contains(&"plan-mass-exceeded".to_owned()));
    let beyond = issue(&world, &district, district.manifest(1_000_000)).await.ok();
    assert!(warnings(&beyond).contains(&"plan-mass-exceeded".to_owned()), "{:?}", warnings(&beyond));
}

#[actix_web::test]
async fn a_licence_that_is_expired_withdrawn_unverified_or_of_another_scope_refuses() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // The day of receipt counts, not the day of issue.
    let mut late = district.manifest(1_000_000);
    late["planned_receipt_on"] = json!("2030-01-01");
    let problem = issue(&world, &district, late).await.refused(422, "receiver-not-licensed");
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("2029-12-31"), "{problem}");

    district.flow(&world, OIL, "D1", 1_000_000_000).await;
    let mut method = district.manifest(1_000_000);
    method["lines"][0]["method"] = json!("D1");
    issue(&world, &district, method).await.refused(422, "receiver-not-licensed");

    district.flow(&world, "900-214-08", "R9", 1_000_000_000).await;
    let mut code = district.manifest(1_000_000);
    code["lines"][0]["waste_code"] = json!("900-214-08");
    issue(&world, &district, code).await.refused(422, "receiver-not-licensed");

    let fresh = world.unit("演示·新建处置", "210213", &[]).await;
    let fresh_site = site(&world, &fresh, "处置场").await;
    let lines = json!([{ "codes": [OIL], "methods": ["R9"], "year_g": 1_000_000_000 }]);
    unverified_licence(&world, &fresh, fresh_site, lines).await;
    let flow = json!({ "site_id": district.plant_site, "year": 2026, "code": OIL, "receiver_id": fresh.id, "method": "R9", "planned_g": 9_000_000 });
    world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
    let mut unverified = district.manifest(1_000_000);
    unverified["receiver_site_id"] = json!(fresh_site);
    issue(&world, &district, unverified).await.refused(422, "receiver-not-licensed");

    let mut manifest = district.issue(&world, 1_000_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let officer = world.authority("210213").await;
    let withdrawal = json!({ "kind": "revoked", "from_on": "2026-11-23", "reason": "吊销决定" });
    world.post_seen(&officer.admin, &format!("/api/v1/licences/{}/withdraw", district.licence), 2, withdrawal).await.ok();
    issue(&world, &district, district.manifest(1_000_000)).await.refused(422, "receiver-not-licensed");
    // Issued before, but looked at again on the day of the release.
    manifest.act(&world, district.plant.who("signatory"), "release", release(1_000_000)).await.refused(422, "receiver-not-licensed");
}

#[actix_web::test]
async fn waste_from_outside_the_system_is_not_issued() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let stranger = world.unverified_unit("演示·未核验", "210213").await;
    let stranger_site = site(&world, &stranger, "厂区").await;
    let mut body = district.manifest(1_000_000);
    body["consignor_site_id"] = json!(stranger_site);
    let problem = world.post(&stranger.admin, "/api/v1/manifests:issue", body).await;
    assert_eq!(problem.status, 422, "{}", problem.json);
    assert!(faults(&problem.json).contains(&"unit-not-verified".to_owned()), "{}", problem.json);
}

#[actix_web::test]
async fn a_code_that_no_loaded_table_has_needs_a_confirmation_and_a_malformed_one_is_no_request() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // The edition of 2025 is in force and not loaded: every issue says so.
    let listed = issue(&world, &district, district.manifest(1_000_000)).await.ok();
    assert!(warnings(&listed).contains(&"catalogue-edition-not-loaded".to_owned()), "{:?}", warnings(&listed));

    district.flow(&world, "900-999-49", "R9", 1_000_000_000).await;
    let mut unknown = district.manifest(1_000_000);
    unknown["lines"][0]["waste_code"] = json!("772-099-49");
    district.flow(&world, "772-099-49", "R9", 1_000_000_000).await;
    let before = world.events().await;
    let problem = issue(&world, &district, unknown.clone()).await;
    assert_eq!((problem.status, faults(&problem.json)), (422, vec!["waste-code-not-in-loaded-edition".to_owned()]), "{}", problem.json);
    assert_eq!(world.events().await, before);
    unknown["confirmed"] = json!([{ "code": "waste-code-not-in-loaded-edition", "reason": "见 2025 年版名录" }]);
    let answer = issue(&world, &district, unknown).await.ok();
    let kept = answer["done"][0]["result"]["warnings"].as_array().unwrap();
    assert!(kept.iter().any(|warning| warning["confirmed_because"] == "见 2025 年版名录"), "{kept:?}");

    for code in ["90024908", "900-249-8", "900-249-51", "abc", ""] {
        let mut malformed = district.manifest(1_000_000);
        malformed["lines"][0]["waste_code"] = json!(code);
        let problem = issue(&world, &district, malformed).await;
        assert_eq!(problem.status, 400, "{code}: {}", problem.json);
    }
}

/// A smelter that takes drums, baled, under the exemption of its stage.
async fn smelter(world: &World, district: &District, code: &str, stage: &str, seq: i64) -> uuid::Uuid {
    let smelter = world.unit("演示·钢厂", "210213", &[]).await;
    let place = site(world, &smelter, "炼钢车间").await;
    let body = json!({
        "stages": [stage], "exemption_seq": seq, "codes": [code], "condition": "封口打开、静置无滴漏、打包压块", "evidence": "现场核查记录 1 号",
        "valid_from": "2026-01-01", "valid_to": "2027-12-31",
    });
    let exempt = id(&world.post(&smelter.admin, "/api/v1/exempt_receivers", body).await.ok()["done"][0]["subject_id"]);
    let officer = world.authority("210213").await;
    world.post_seen(&officer.admin, &format!("/api/v1/exempt_receivers/{exempt}/verify"), 1, json!({})).await.ok();
    let flow =
        json!({ "site_id": district.plant_site, "year": 2026, "code": code, "receiver_id": smelter.id, "method": "R4", "planned_g": 900_000_000 });
    world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
    place
}

#[actix_web::test]
async fn drums_exempt_at_use_go_to_a_smelter_without_a_licence_but_with_a_manifest() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let place = smelter(&world, &district, OIL, "use", 8).await;
    let mut body = district.manifest(1_000_000);
    body["receiver_site_id"] = json!(place);
    body["lines"][0]["method"] = json!("R4");
    issue(&world, &district, body.clone()).await.refused(422, "receiver-not-licensed");
    // Another exemption than the one confirmed does not cover it.
    body["lines"][0]["exemption"] = json!({ "seq": 9, "stage": "use", "condition": "打包压块" });
    let problem = issue(&world, &district, body.clone()).await;
    assert!(faults(&problem.json).contains(&"exemption-condition-not-confirmed".to_owned()), "{}", problem.json);
    body["lines"][0]["exemption"] = json!({ "seq": 8, "stage": "use", "condition": "封口打开、静置无滴漏、打包压块" });
    let mut manifest = Manifest::of(&issue(&world, &district, body).await.ok());
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    let cover = &doc["parts"]["consignment"][0]["content"]["lines"][0]["cover"];
    assert_eq!((&cover["kind"], &cover["condition"]), (&json!("exemption"), &json!("封口打开、静置无滴漏、打包压块")));
    // Exempt at use is not exempt on the road: papers are asked for, and no licence has an account.
    let mut trip = district.trip();
    trip["plate"] = json!("辽B00001");
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
    manifest.took(&answer);
    manifest.act(&world, district.plant.who("signatory"), "release", release(1_000_000)).await.refused(422, "vehicle-permit-not-in-force");
    assert_eq!(account(&world, "licence_line").await, (0, 0));
}

#[actix_web::test]
async fn unbroken_batteries_exempt_on_the_road_still_need_a_licensed_receiver() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let place = smelter(&world, &district, "900-052-31", "transport", 18).await;
    let mut body = district.manifest(1_000_000);
    body["receiver_site_id"] = json!(place);
    body["lines"][0]["waste_code"] = json!("900-052-31");
    body["lines"][0]["form"] = json!("solid");
    body["lines"][0]["method"] = json!("R4");
    body["lines"][0]["exemption"] = json!({ "seq": 18, "stage": "transport", "condition": "防雨、防渗漏、防遗撒" });
    let problem = issue(&world, &district, body.clone()).await;
    assert_eq!(problem.status, 422, "{}", problem.json);
    assert!(faults(&problem.json).contains(&"receiver-not-licensed".to_owned()), "{}", problem.json);
}

#[actix_web::test]
async fn a_closed_receiver_is_a_warning_to_confirm() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let closure = json!({ "from_on": "2026-11-24", "until_on": "2026-11-26", "reason": "检修" });
    world.post(&district.works.admin, &format!("/api/v1/sites/{}/closures", district.works_site), closure).await.ok();
    let mut body = district.manifest(1_000_000);
    let problem = issue(&world, &district, body.clone()).await;
    assert_eq!((problem.status, faults(&problem.json)), (422, vec!["receiver-closed".to_owned()]), "{}", problem.json);
    body["confirmed"] = json!([{ "code": "receiver-closed", "reason": "已与对方约好" }]);
    issue(&world, &district, body).await.ok();
}

#[actix_web::test]
async fn a_receiver_that_closes_after_the_issue_is_confirmed_at_the_release_for_the_day_of_receipt() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let close = async |from_on: &str, until_on: &str| {
        let closure = json!({ "from_on": from_on, "until_on": until_on, "reason": "检修" });
        world.post(&district.works.admin, &format!("/api/v1/sites/{}/closures", district.works_site), closure).await.ok();
    };
    // It is expected on the 24th: the days before and after it do not matter.
    close("2026-11-23", "2026-11-23").await;
    close("2026-11-25", "2026-11-26").await;
    let mut open = district.issue(&world, 1_000_000).await;
    district.bring_to(&world, &mut open, "assigned").await;
    let mut late = district.issue(&world, 1_000_000).await;
    district.bring_to(&world, &mut late, "assigned").await;
    let signatory = district.plant.who("signatory");
    let released = open.act(&world, signatory, "release", release(1_000_000)).await.ok();
    assert!(!warnings(&released).contains(&"receiver-closed".to_owned()), "{released}");
    // Released two days later it comes on that day, and that day it is closed.
    world.clock.set("2026-11-25T02:00:00Z".parse().unwrap());
    let before = world.events().await;
    let problem = late.act(&world, signatory, "release", release(1_000_000)).await;
    assert_eq!((problem.status, faults(&problem.json)), (422, vec!["receiver-closed".to_owned()]), "{}", problem.json);
    assert_eq!(world.events().await, before);
    let mut body = release(1_000_000);
    body["confirmed"] = json!([{ "code": "receiver-closed", "reason": "已与对方约好" }]);
    let released = late.act(&world, signatory, "release", body).await.ok();
    assert!(warnings(&released).contains(&"receiver-closed".to_owned()), "{released}");
}

#[actix_web::test]
async fn a_load_that_is_sent_on_or_turned_back_meets_the_closure_of_its_next_receiver() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let closure = json!({ "from_on": "2026-11-25", "until_on": "2026-11-25", "reason": "停产" });
    world.post(&district.plant.admin, &format!("/api/v1/sites/{}/closures", district.plant_site), closure).await.ok();
    let mut refused = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut refused, "received").await;
    let verdict = json!({ "lines": [{ "line": 1, "decision": "none", "reasons": ["packaging_or_label"] }] });
    refused.took(&refused.act(&world, district.works.who("signatory"), "confirm", verdict).await.ok());
    let mut turned = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut turned, "arrived").await;
    turned.took(&turned.act(&world, district.works.who("weigher"), "not_received", json!({ "reason": "closed" })).await.ok());
    for (manifest, who, act) in [(&refused, district.works.who("signatory"), "send_on"), (&turned, district.plant.who("signatory"), "turn_back")] {
        let mut body = json!({
            "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话", "planned_departure_on": "2026-11-24", "planned_receipt_on": "2026-11-25",
        });
        let problem = manifest.act(&world, who, act, body.clone()).await;
        assert_eq!((problem.status, faults(&problem.json)), (422, vec!["receiver-closed".to_owned()]), "{act}: {}", problem.json);
        let mut open = body.clone();
        open["planned_receipt_on"] = json!("2026-11-24");
        let checked = world.post_seen(who, &format!("/api/v1/manifests/{}/{act}?mode=check", manifest.id), manifest.version, open).await.ok();
        assert!(!checked["would"].to_string().contains("receiver-closed"), "{checked}");
        body["confirmed"] = json!([{ "code": "receiver-closed", "reason": "门卫值守" }]);
        let answer = manifest.act(&world, who, act, body).await.ok();
        assert!(warnings(&answer).contains(&"receiver-closed".to_owned()), "{act}: {answer}");
    }
}

#[actix_web::test]
async fn a_fact_is_never_refused_for_law() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 10_000_000).await;
    let mut manifest = Manifest::of(&issue(&world, &district, near.manifest(&district, 9_000_000)).await.ok());
    district.bring_to(&world, &mut manifest, "in_transit").await;
    // Meanwhile the licence is revoked, and thrice its scale comes to the gate, weeks late and unsigned.
    let officer = world.authority("210213").await;
    let withdrawal = json!({ "kind": "revoked", "from_on": "2026-11-23", "reason": "吊销决定" });
    world.post_seen(&officer.admin, &format!("/api/v1/licences/{}/withdraw", near.licence), 2, withdrawal).await.ok();
    let masses = json!({ "masses": [{ "line": 1, "mass_g": 30_000_000 }] });
    let answer = manifest.act(&world, near.party.who("weigher"), "receive", masses).await.ok();
    manifest.took(&answer);
    world.clock.set("2026-12-20T02:00:00Z".parse().unwrap());
    let answer = manifest.act(&world, near.party.who("signatory"), "confirm", json!({})).await.ok();
    manifest.took(&answer);
    let treatment = json!({ "line": 1, "method": "R9", "treated_g": 30_000_000, "batch": "B1" });
    let answer = manifest.act(&world, near.party.who("clerk"), "record_treatment", treatment).await.ok();
    manifest.took(&answer);
    let flags: BTreeSet<String> = manifest.flags(&world, &district).await.into_iter().collect();
    for flag in ["signature-skipped", "confirmed-late", "discrepancy", "licence-scale-exceeded", "receiver-not-licensed"] {
        assert!(flags.contains(flag), "{flag} in {flags:?}");
    }
    assert_eq!(account(&world, "licence_line").await, (0, 30_000_000));
}

#[actix_web::test]
async fn a_second_licence_line_of_the_site_keeps_its_own_account() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let lines = json!([{ "codes": ["900-214-08"], "methods": ["R9"], "year_g": 1_000_000 }]);
    licence(&world, &district.works, district.works_site, lines).await;
    district.flow(&world, "900-214-08", "R9", 1_000_000_000).await;
    let mut body = district.manifest(1_100_000);
    let mut second = body["lines"][0].clone();
    second["waste_code"] = json!("900-214-08");
    body["lines"].as_array_mut().unwrap().push(second);
    issue(&world, &district, body.clone()).await.ok();
    // One line is refused, so the whole is, and the other line's account keeps nothing of it.
    let before = account(&world, "licence_line").await;
    let problem = issue(&world, &district, body).await.refused(422, "licence-scale-exceeded-by-20");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/1");
    assert_eq!(account(&world, "licence_line").await, before);
}

fn correction(part: &str, member: &str, mass_g: i64) -> Value {
    let change = json!({ "part": part, "part_no": 1, "pointer": format!("/lines/0/{member}"), "value": mass_g });
    json!({ "reason": "笔误", "changes": [change] })
}

#[actix_web::test]
async fn a_correction_before_the_load_has_left_meets_the_limits_of_the_gate_and_one_after_it_states_a_fact() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, CHANGCHUN, 900_000_000_000).await;
    approve(&world, &district, &far, 10_000_000).await;
    let mut manifest = Manifest::of(&issue(&world, &district, far.manifest(&district, 1_000_000)).await.ok());
    let clerk = district.plant.who("clerk");
    manifest.act(&world, clerk, "correct", correction("consignment", "declared_g", 10_000_001)).await.refused(422, "approval-exceeded");
    let answer = manifest.act(&world, clerk, "correct", correction("consignment", "declared_g", 10_000_000)).await.ok();
    manifest.took(&answer);
    assert_eq!(account(&world, "approval").await, (10_000_000, 0));
    let signatory = district.plant.who("signatory");
    district.bring_to(&world, &mut manifest, "assigned").await;
    let answer = manifest.act(&world, signatory, "release", release_loose(10_000)).await.ok();
    manifest.took(&answer);
    manifest.act(&world, signatory, "correct", correction("release", "released_g", 10_000_001)).await.refused(422, "approval-exceeded");
    let answer = manifest.act(&world, signatory, "correct", correction("release", "released_g", 10_000_000)).await.ok();
    manifest.took(&answer);
    assert_eq!(account(&world, "approval").await, (0, 10_000_000));
    let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })).await.ok();
    manifest.took(&answer);
    let answer = manifest.act(&world, signatory, "correct", correction("release", "released_g", 11_000_000)).await.ok();
    manifest.took(&answer);
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "agree", json!({})).await.ok();
    manifest.took(&answer);
    assert_eq!(account(&world, "approval").await, (0, 11_000_000));
    assert!(manifest.flags(&world, &district).await.contains(&"approval-exceeded".to_owned()));
}

fn release_loose(grams: i64) -> Value {
    json!({ "lines": [{ "line": 1, "released_g": grams, "basis": "scale", "containers": [] }] })
}

#[actix_web::test]
async fn a_correction_cannot_use_up_a_receivers_licence_and_its_refusal_tells_nobody_what_others_send() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 10_000_000_000).await;
    let (first, clerk) = (Manifest::of(&issue(&world, &district, near.manifest(&district, 9_000_000_000)).await.ok()), district.plant.who("clerk"));
    let mut second = Manifest::of(&issue(&world, &district, near.manifest(&district, 1_000_000)).await.ok());
    let more = correction("consignment", "declared_g", 3_000_000_000);
    let problem = second.act(&world, clerk, "correct", more).await.refused(422, "licence-scale-exceeded-by-20");
    assert!(problem.to_string().contains("2998999999") && !problem.to_string().contains("9001000000"), "{problem}");
    let answer = second.act(&world, clerk, "correct", correction("consignment", "declared_g", 2_999_999_999)).await.ok();
    second.took(&answer);
    let problem = issue(&world, &district, near.manifest(&district, 1)).await.refused(422, "licence-scale-exceeded-by-20");
    assert!(["used up", "用完"].iter().any(|words| problem.to_string().contains(words)), "{problem}");
    // Less is never refused.
    second.act(&world, clerk, "correct", correction("consignment", "declared_g", 1)).await.ok();
    first.act(&world, clerk, "correct", correction("consignment", "declared_g", 10_000_000_001)).await.refused(422, "correction-does-not-fit");
    first.act(&world, clerk, "correct", correction("consignment", "declared_g", 10_000_000_000)).await.ok();
}

#[actix_web::test]
async fn a_line_holds_ten_thousand_tonnes_and_not_a_gram_more() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 900_000_000_000).await;
    issue(&world, &district, near.manifest(&district, 10_000_000_001)).await.refused(422, "line-too-heavy");
    issue(&world, &district, near.manifest(&district, 10_000_000_000)).await.ok();
}
