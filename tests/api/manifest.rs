//! The life of a hazardous-waste manifest, and the cases of every day.

use serde_json::{Value, json};

use crate::district::{District, release};
use crate::harness::World;

#[actix_web::test]
async fn a_load_goes_from_consignor_to_treatment_and_its_evidence_verifies() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    assert_eq!(manifest.number, "20262102000001");
    district.bring_to(&world, &mut manifest, "treated").await;
    assert_eq!(manifest.last["result"]["state"], "treated");
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    assert_eq!(doc["accepted_g"], 1_200_000);
    assert_eq!(doc["flags"], json!([]));
    assert_eq!(doc["confirm_due_on"], "2026-11-30");

    let evidence: liandan::evidence::Evidence =
        serde_json::from_value(world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/evidence", manifest.id)).await.ok()).unwrap();
    let keys = liandan::evidence::KeySet::parse(&world.get((), "/.well-known/liandan-keys").await.ok());
    assert_eq!(liandan::evidence::verify(&evidence, Some(&keys)), liandan::evidence::Verdict::Valid);
}

#[actix_web::test]
async fn issue_outside_the_plan_is_refused_with_a_ready_change() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut body = district.manifest(1_200_000);
    body["lines"][0]["method"] = json!("D10");
    let problem = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.refused(422, "plan-flow-missing");
    let help = &problem["help"][0];
    world.post(&district.plant.admin, help["path"].as_str().unwrap(), help["body"].clone()).await.ok();
    let mut body = district.manifest(1_200_000);
    body["lines"][0]["method"] = json!("D10");
    world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok();
}

#[actix_web::test]
async fn check_mode_says_what_would_be_and_keeps_nothing() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let before = world.events().await;
    let answer = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue?mode=check", district.manifest(1_200_000)).await.ok();
    assert_eq!(answer["would"][0]["act"], "issue");
    assert_eq!(world.events().await, before);
    assert_eq!(district.issue(&world, 1_200_000).await.number, "20262102000001");
}

#[actix_web::test]
async fn the_lorry_at_the_gate_is_never_turned_away_by_the_software() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    // Nobody signed before the receiver.
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({ "skip_reason": "司机手机没电" })).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "received");
    let flags = manifest.flags(&world, &district).await;
    assert!(flags.contains(&"signature-skipped".to_owned()), "{flags:?}");
    let answer = manifest.act(&world, district.works.who("signatory"), "confirm", json!({})).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "confirmed");
}

#[actix_web::test]
async fn a_confirmation_is_late_from_the_first_instant_after_the_fifth_working_day() {
    for (at, late) in [("2026-11-30T15:59:59Z", false), ("2026-11-30T16:00:00Z", true)] {
        let world = World::new().await;
        let district = District::new(&world).await;
        let mut manifest = district.issue(&world, 1_200_000).await;
        district.bring_to(&world, &mut manifest, "received").await;
        world.clock.set(at.parse().unwrap());
        let answer = manifest.act(&world, district.works.who("signatory"), "confirm", json!({})).await.ok();
        manifest.took(&answer);
        assert_eq!(manifest.last["result"]["facts"]["is_late"], json!(late), "{at}");
    }
}

#[actix_web::test]
async fn refused_mass_goes_back_and_the_masses_balance() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let verdict = json!({ "lines": [{ "line": 1, "decision": "part", "accepted_g": 1_000_000, "reasons": ["packaging_or_label"] }] });
    let answer = manifest.act(&world, district.works.who("signatory"), "confirm", verdict).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "partly_confirmed");
    let send_on = json!({
        "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话 11-24", "planned_departure_on": "2026-11-25", "planned_receipt_on": "2026-11-25",
    });
    let answer = manifest.act(&world, district.works.who("signatory"), "send_on", send_on.clone()).await.ok();
    manifest.took(&answer);
    let back = crate::district::Manifest::of(&answer);
    let doc = back.get(&world, district.plant.who("clerk")).await;
    assert_eq!(doc["declared_g"], 200_000);
    assert_eq!(doc["link_kind"], "return");
    manifest.act(&world, district.works.who("signatory"), "send_on", send_on).await.refused(409, "nothing-to-send-on");
}

#[actix_web::test]
async fn a_wrong_plate_is_stopped_at_the_take_over_and_can_be_corrected_before() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    manifest.act(&world, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B99999" })).await.refused(422, "plate-differs");
    let mut trip = district.trip();
    trip["plate"] = json!("辽B99999");
    // The load was released to papers that were looked at: a truck without them does not slip in afterwards.
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip.clone() })).await;
    answer.refused(422, "vehicle-permit-not-in-force");
    let truck = json!({ "plate": "辽B99999", "kind": "truck", "permit_no": "大运 2", "permit_classes": ["9"], "permit_valid_to": "2027-12-31", "rated_load_g": 15_000_000, "gb19217": false });
    world.post(&district.carrier.admin, "/api/v1/vehicles", truck).await.ok();
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
    manifest.took(&answer);
    let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B99999" })).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["warnings"], json!([]));
}

#[actix_web::test]
async fn two_at_the_last_step_and_exactly_one_wins() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let confirm = || manifest.act(&world, district.works.who("signatory"), "confirm", json!({}));
    let answers = futures_util::future::join(confirm(), confirm()).await;
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[actix_web::test]
async fn release_with_expired_papers_is_refused_on_the_day_of_release() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    world.clock.set("2028-01-03T02:00:00Z".parse().unwrap());
    let problem = manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await;
    assert_eq!(problem.status, 422);
    let codes: Vec<&str> = problem.json["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
    for code in ["carrier-permit-not-in-force", "vehicle-permit-not-in-force", "driver-certificate-not-in-force", "escort-certificate-not-in-force"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert!(
        problem.json["legal"]
            .as_array()
            .unwrap()
            .iter()
            .any(|legal| *legal == json!({ "law": "decree_23_2021", "article": "13", "text": "single_copy" })),
        "{}",
        problem.json
    );
    let _: &Value = &problem.json;
}

#[actix_web::test]
async fn who_has_sent_refused_mass_on_is_asked_no_more_until_that_manifest_is_cancelled() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let verdict = json!({ "lines": [{ "line": 1, "decision": "none", "reasons": ["packaging_or_label"] }] });
    let signatory = district.works.who("signatory");
    let answer = manifest.act(&world, signatory, "confirm", verdict).await.ok();
    manifest.took(&answer);
    let is_asked = async || {
        let list = world.get(signatory, "/api/v1/manifests?waiting_for_me=true").await.ok();
        let next = world.get(signatory, &format!("/api/v1/manifests/{}/next", manifest.id)).await.ok().to_string();
        let listed = list["items"].as_array().unwrap().iter().any(|item| item["id"] == json!(manifest.id));
        assert_eq!(listed, next.contains("send_on"), "list and next say the same");
        listed
    };
    assert!(is_asked().await);
    let send_on = json!({
        "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话 11-24", "planned_departure_on": "2026-11-25", "planned_receipt_on": "2026-11-25",
    });
    let answer = manifest.act(&world, signatory, "send_on", send_on.clone()).await.ok();
    assert!(!is_asked().await);
    let back = crate::district::Manifest::of(&answer);
    back.act(&world, district.plant.who("clerk"), "cancel", json!({ "reason": "改为改送" })).await.ok();
    assert!(is_asked().await);
}
