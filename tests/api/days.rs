//! Last days of what the registry holds, and claims that an officer has not seen yet: both sides of each edge.

use serde_json::{Value, json};

use crate::district::{District, Manifest, OIL, Receiver, faults, release, warnings};
use crate::harness::{World, id};

const CARRIES: [&str; 4] =
    ["carrier-permit-not-in-force", "driver-certificate-not-in-force", "escort-certificate-not-in-force", "vehicle-permit-not-in-force"];

fn has(codes: &[String], code: &str) -> bool {
    codes.iter().any(|one| one == code)
}

#[actix_web::test]
async fn contract_and_papers_hold_on_their_last_day_and_not_on_the_day_after() {
    let world = World::new().await;
    let district = District::new(&world).await;
    world.clock.set("2027-12-30T02:00:00Z".parse().unwrap());
    let mut issued = Vec::new();
    for (year, day, has_contract) in [(2027, "2027-12-31", true), (2028, "2028-01-01", false)] {
        let flow = json!({ "site_id": district.plant_site, "year": year, "code": OIL, "receiver_id": district.works.id, "method": "R9", "planned_g": 9_000_000 });
        world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
        let mut body = district.manifest(1_200_000);
        (body["planned_departure_on"], body["planned_receipt_on"]) = (json!(day), json!(day));
        let answer = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok();
        assert_eq!(has(&warnings(&answer), "contract-missing"), !has_contract, "{day}");
        let mut manifest = Manifest::of(&answer);
        district.bring_to(&world, &mut manifest, "assigned").await;
        issued.push(manifest);
    }
    // Midnight in Dalian decides, not that of UTC.
    world.clock.set("2027-12-31T15:59:59Z".parse().unwrap());
    issued[0].act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await.ok();
    world.clock.set("2027-12-31T16:00:00Z".parse().unwrap());
    let refused = issued[1].act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await;
    assert_eq!(refused.status, 422);
    let mut codes = faults(&refused.json);
    codes.sort();
    assert_eq!(codes, CARRIES);
}

#[actix_web::test]
async fn a_back_entry_is_judged_by_the_papers_of_the_day_on_which_it_happened() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // The papers of vehicle and crew ran out between the transfer and its entry; the plan's year has ended too.
    world.clock.set("2028-01-04T02:00:00Z".parse().unwrap());
    let enter = async |paper: &str, released_at: &str, received_at: &str| {
        let mut manifest = district.manifest(1_200_000);
        // What the paper had planned does not decide.
        (manifest["planned_departure_on"], manifest["planned_receipt_on"]) = (json!("2028-01-02"), json!("2028-01-02"));
        let body = json!({
            "manifest": manifest, "paper_no": paper, "reason": "国家系统停机", "trip": district.trip(),
            "released_at": released_at, "received_at": received_at,
        });
        let answer = world.post(district.plant.who("clerk"), "/api/v1/manifests:back_enter", body).await.ok();
        let entered = Manifest::of(&answer);
        let doc = entered.get(&world, district.plant.who("clerk")).await;
        (entered.flags(&world, &district).await, doc["parts"]["consignment"][0]["content"]["planned_departure_on"].clone())
    };
    let (flags, day) = enter("ZZ-1", "2027-12-31T02:00:00Z", "2027-12-31T15:59:59Z").await;
    assert!(!CARRIES.iter().any(|code| has(&flags, code)), "{flags:?}");
    assert_eq!(day, "2027-12-31");
    let (flags, day) = enter("ZZ-2", "2027-12-31T16:00:00Z", "2028-01-01T02:00:00Z").await;
    assert!(CARRIES.iter().all(|code| has(&flags, code)), "{flags:?}");
    assert_eq!(day, "2028-01-01");
}

#[actix_web::test]
async fn an_approval_that_no_officer_saw_is_flagged_until_one_verified_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = Receiver::new(&world, &district, "220102", 900_000_000_000).await;
    let body = json!({
        "site_id": district.plant_site, "receiver_id": far.party.id, "code": OIL, "method": "R9", "approved_g": 100_000_000,
        "decision_no": "辽环函 1", "decided_on": "2026-11-23", "applied_until": "2027-06-30", "licence_valid_to": "2027-03-31",
    });
    let approval = id(&world.post(&district.plant.admin, "/api/v1/approvals", body).await.ok()["done"][0]["subject_id"]);
    let issue = async || {
        let answer = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", far.manifest(&district, 1_200_000)).await.ok();
        (Manifest::of(&answer).flags(&world, &district).await, answer)
    };
    let (flags, answer) = issue().await;
    assert!(has(&flags, "approval-not-verified") && has(&warnings(&answer), "approval-not-verified"), "{answer}");
    let path = format!("/api/v1/approvals/{approval}/verify");
    let (here, there) = (world.authority("210213").await, world.authority("220102").await);
    world.post_seen(&there.admin, &path, 1, json!({})).await.refused(404, "not-found");
    world.post_seen(&district.plant.admin, &path, 1, json!({})).await.refused(403, "forbidden");
    world.post_seen(&here.admin, &path, 1, json!({})).await.ok();
    world.post_seen(&here.admin, &path, 2, json!({})).await.refused(409, "approval-verified");
    let (flags, answer) = issue().await;
    assert!(!has(&flags, "approval-not-verified") && !has(&warnings(&answer), "approval-not-verified"), "{answer}");
}

fn pairs(division: &str, pairs: Value) -> Value {
    json!({ "division": division, "source": "演示·不相容危险废物对照表（2026 年第 1 号）", "pairs": pairs })
}

const LOAD: &str = "/api/v1/incompatible_pairs:load";

#[actix_web::test]
async fn a_division_loads_its_incompatible_pairs_from_a_document_and_nobody_else_does() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (here, there) = (world.authority("210213").await, world.authority("220102").await);
    let held = async || world.get(district.plant.who("clerk"), "/api/v1/incompatible_pairs?division=210213").await.ok();
    assert_eq!(held().await["is_loaded"], false);
    let body = pairs("210213", json!([{ "a": "HW49", "b": "HW08" }, { "a": "HW08", "b": "HW49" }]));
    world.post(&there.admin, LOAD, body.clone()).await.refused(403, "forbidden");
    world.post(district.plant.who("clerk"), LOAD, body.clone()).await.refused(403, "forbidden");
    world.post(&here.admin, LOAD, pairs("210213", json!([{ "a": "HW08", "b": "HW08" }]))).await.refused(422, "same-category");
    assert_eq!(world.post(&here.admin, LOAD, pairs("210213", json!([{ "a": "HW51", "b": "HW08" }]))).await.status, 400);
    let mut nameless = body.clone();
    nameless["source"] = json!("");
    assert_eq!(world.post(&here.admin, LOAD, nameless).await.status, 400);
    world.post(&here.admin, LOAD, body.clone()).await.ok();
    let lists = held().await;
    assert_eq!((&lists["is_loaded"], &lists["lists"][0]["pairs"]), (&json!(true), &json!([{ "a": "HW08", "b": "HW49" }])));
    // What holds already is not written over unseen; the platform's administrator may take it back.
    world.post(&here.admin, LOAD, body).await.refused(428, "if-match-missing");
    world.post_seen(&*world.platform_admin().await, LOAD, 1, pairs("210213", json!([]))).await.ok();
    assert_eq!(held().await["is_loaded"], false);
}

#[actix_web::test]
async fn incompatible_wastes_are_refused_on_one_manifest_and_on_one_vehicle() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let other = "900-047-49";
    district.flow(&world, other, "R9", 900_000_000).await;
    let issue = async |codes: &[&str]| {
        let mut body = district.manifest(1_200_000);
        let lines = codes.iter().map(|code| {
            let mut line = body["lines"][0].clone();
            line["waste_code"] = json!(code);
            line
        });
        body["lines"] = lines.collect();
        world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await
    };
    // No pairs are loaded: nothing is checked, and nothing is invented.
    issue(&[OIL, other]).await.ok();
    let (mut oil, mut solvent) = (Manifest::of(&issue(&[OIL]).await.ok()), Manifest::of(&issue(&[other]).await.ok()));
    let dispatcher = district.carrier.who("dispatcher");
    let mut trip = district.trip();
    let answer = oil.act(&world, dispatcher, "assign", json!({ "trip": trip.clone() })).await.ok();
    oil.took(&answer);
    trip["trip_id"] = oil.last["result"]["facts"]["trip_id"].clone();
    let answer = solvent.act(&world, dispatcher, "assign", json!({ "trip": trip })).await.ok();
    solvent.took(&answer);
    let here = world.authority("210213").await;
    world.post(&here.admin, LOAD, pairs("210213", json!([{ "a": "HW06", "b": "HW08" }]))).await.ok();
    issue(&[OIL, other]).await.ok();
    world.post_seen(&here.admin, LOAD, 1, pairs("210213", json!([{ "a": "HW08", "b": "HW49" }]))).await.ok();
    issue(&[OIL]).await.ok();
    issue(&[OIL, other]).await.refused(422, "incompatible-wastes");
    // The first load is on the vehicle; the second may not join it.
    let signatory = district.plant.who("signatory");
    oil.act(&world, signatory, "release", release(1_200_000)).await.ok();
    solvent.act(&world, signatory, "release", release(1_200_000)).await.refused(422, "incompatible-wastes");
}
