//! What acts make of facts: figures that cannot be, papers and plates of the day, times that a paper states.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::district::{District, Manifest, faults, release, warnings};
use crate::harness::World;

/// Pointers of the faults of a problem.
fn pointers(problem: &Value) -> Vec<String> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|fault| fault["pointer"].as_str()).map(str::to_owned).collect()
}

fn back_entry(district: &District) -> Value {
    json!({
        "manifest": district.manifest(1_200_000), "paper_no": "ZZ-9", "reason": "国家系统停机", "trip": district.trip(),
        "released_at": "2026-11-20T02:00:00Z",
    })
}

#[actix_web::test]
async fn a_line_of_nothing_is_refused_at_its_place_and_a_line_of_one_gram_is_not() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    for nothing in [json!(0), json!({ "v": "0", "u": "t" })] {
        let mut body = district.manifest(1_200_000);
        body["lines"][0]["declared_g"] = nothing.clone();
        let before = world.events().await;
        let problem = world.post(clerk, "/api/v1/manifests:issue", body).await.refused(422, "nothing-declared");
        assert_eq!(pointers(&problem), ["/lines/0/declared_g"]);
        let mut body = back_entry(&district);
        body["manifest"]["lines"][0]["declared_g"] = nothing;
        let problem = world.post(clerk, "/api/v1/manifests:back_enter", body).await.refused(422, "nothing-declared");
        assert_eq!(pointers(&problem), ["/manifest/lines/0/declared_g"]);
        assert_eq!(world.events().await, before);
    }
    let earlier = district.issue(&world, 1).await;
    let like = |mass_g: i64| {
        json!({
            "like": earlier.id, "planned_departure_on": "2026-11-23", "planned_receipt_on": "2026-11-24",
            "masses": [{ "line": 1, "mass_g": mass_g }],
        })
    };
    let problem = world.post(clerk, "/api/v1/manifests:issue_like", like(0)).await.refused(422, "nothing-declared");
    assert_eq!(pointers(&problem), ["/masses/0/mass_g"]);
    world.post(clerk, "/api/v1/manifests:issue_like", like(1)).await.ok();
}

#[actix_web::test]
async fn a_draft_of_nothing_is_kept_and_cannot_be_issued() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let draft = world.post(clerk, "/api/v1/manifest_drafts", district.manifest(0)).await.ok();
    let path = format!("/api/v1/manifest_drafts/{}/issue", draft["id"].as_str().unwrap());
    world.post_seen(clerk, &path, 1, json!({})).await.refused(422, "nothing-declared");
}

#[actix_web::test]
async fn a_draft_may_be_half_done_and_says_at_its_issue_all_that_it_lacks() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let problem = world.post(clerk, "/api/v1/manifest_drafts", json!({ "emergency_measure": "x" })).await.refused(400, "bad-shape");
    assert_eq!(pointers(&problem), ["/emergency_measure"]);

    let whole = district.manifest(1_200_000);
    let mut half = whole.clone();
    for missing in ["receiver_site_id", "carrier_id"] {
        half.as_object_mut().unwrap().remove(missing);
    }
    half["lines"][0]["packages"] = json!("some");
    let draft = world.post(clerk, "/api/v1/manifest_drafts", half.clone()).await.ok();
    let path = format!("/api/v1/manifest_drafts/{}", draft["id"].as_str().unwrap());
    assert_eq!(world.get(clerk, &path).await.ok(), half);
    let problem = world.post_seen(clerk, &format!("{path}/issue"), 1, json!({})).await.refused(400, "bad-shape");
    for place in ["/receiver_site_id", "/carrier_id", "/lines/0/packages"] {
        assert!(pointers(&problem).iter().any(|one| one == place), "{place}: {problem}");
    }
    let put = world.request(Method::PUT, clerk, &path).await.insert_header(("If-Match", "\"1\"")).set_json(whole);
    world.send(put).await.ok();
    world.post_seen(clerk, &format!("{path}/issue"), 2, json!({})).await.ok();
}

#[actix_web::test]
async fn a_take_over_is_judged_by_the_papers_of_its_day_and_not_by_those_of_the_assignment() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    let mut trip = district.trip();
    trip["escort_name"] = json!("押运员乙");
    let assigned = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
    assert_eq!(warnings(&assigned), ["escort-certificate-not-in-force"]);
    manifest.took(&assigned);
    let escort = json!({ "name": "押运员乙", "kind": "escort", "number": "E-2", "classes": ["9"], "valid_to": "2026-11-23" });
    world.post(&district.carrier.admin, "/api/v1/certificates", escort).await.ok();
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await.ok());
    let driver = district.carrier.who("driver");
    let check = async || {
        let path = format!("/api/v1/manifests/{}/take_over?mode=check", manifest.id);
        let answer = world.post_seen(driver, &path, manifest.version, json!({ "plate": "辽B12345" })).await.ok();
        answer["warnings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(check().await.is_empty(), "the certificate came after the assignment");
    // The day after its last one.
    world.clock.set("2026-11-23T16:00:00Z".parse().unwrap());
    assert_eq!(check().await, ["escort-certificate-not-in-force"]);
}

#[actix_web::test]
async fn another_plate_at_the_arrival_is_recorded_with_a_flag_and_the_right_one_without() {
    for (plate, is_flagged) in [("辽B12345", false), ("辽BZ1001", true)] {
        let world = World::new().await;
        let district = District::new(&world).await;
        let mut manifest = district.issue(&world, 1_200_000).await;
        district.bring_to(&world, &mut manifest, "in_transit").await;
        let answer = manifest.act(&world, district.carrier.who("driver"), "arrive", json!({ "plate": plate })).await.ok();
        manifest.took(&answer);
        assert_eq!(warnings(&answer), if is_flagged { vec!["plate-differs".to_owned()] } else { Vec::new() });
        assert_eq!(manifest.flags(&world, &district).await.contains(&"plate-differs".to_owned()), is_flagged);
    }
}

#[actix_web::test]
async fn another_plate_in_a_late_signature_is_flagged() {
    for (plate, is_flagged) in [("辽B12345", false), ("辽BZ1001", true)] {
        let world = World::new().await;
        let district = District::new(&world).await;
        let mut manifest = district.issue(&world, 1_200_000).await;
        district.bring_to(&world, &mut manifest, "offered").await;
        let skipped = json!({ "skip_reason": "司机手机没电" });
        manifest.took(&manifest.act(&world, district.works.who("weigher"), "receive", skipped).await.ok());
        let late = json!({ "plate": plate, "happened_at": "2026-11-23T02:00:00Z", "reason": "手机没电" });
        let answer = manifest.act(&world, district.carrier.who("driver"), "sign_late", late).await.ok();
        assert_eq!(warnings(&answer).contains(&"plate-differs".to_owned()), is_flagged);
    }
}

#[actix_web::test]
async fn a_paper_cannot_state_times_in_the_wrong_order_and_all_of_them_are_named_at_once() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let enter = async |arrived_at: &str, received_at: &str| {
        let mut body = back_entry(&district);
        (body["arrived_at"], body["received_at"]) = (json!(arrived_at), json!(received_at));
        world.post(clerk, "/api/v1/manifests:back_enter", body).await
    };
    let before = world.events().await;
    let problem = enter("2026-11-20T01:59:59Z", "2026-11-19T03:10:00Z").await.refused(422, "times-out-of-order");
    assert_eq!(pointers(&problem), ["/arrived_at", "/received_at"]);
    let problem = enter("2026-11-20T03:00:00Z", "2026-11-20T02:59:59Z").await.refused(422, "times-out-of-order");
    assert_eq!(pointers(&problem), ["/received_at"]);
    assert_eq!(world.events().await, before);
    // One instant for all of it is possible, and is sealed as stated.
    let entered = Manifest::of(&enter("2026-11-20T02:00:00Z", "2026-11-20T02:00:00Z").await.ok());
    let doc = entered.get(&world, clerk).await;
    assert_eq!(doc["parts"]["receipt"][0]["content"]["received_at"], "2026-11-20T02:00:00Z");
}

#[actix_web::test]
async fn nothing_is_not_treated_and_one_gram_is() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let treat = |treated_g: i64| json!({ "line": 1, "method": "R9", "treated_g": treated_g, "batch": "B1" });
    let clerk = district.works.who("clerk");
    let problem = manifest.act(&world, clerk, "record_treatment", treat(0)).await.refused(422, "nothing-treated");
    assert_eq!((faults(&problem), pointers(&problem)), (vec!["nothing-treated".to_owned()], vec!["/treated_g".to_owned()]));
    manifest.act(&world, clerk, "record_treatment", treat(1)).await.ok();
}

#[actix_web::test]
async fn a_weighing_struck_after_the_receipt_marks_every_manifest_that_rests_on_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    let weighing = &doc["parts"]["receipt"][0]["content"]["weighings"][0];
    let (trip, seq) = (weighing["trip_id"].as_str().unwrap().to_owned(), weighing["seq"].clone());
    let other = json!({ "gross_g": 10_000_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号地磅" });
    let weigher = district.works.who("weigher");
    let second = world.post(weigher, &format!("/api/v1/trips/{trip}/weigh"), other).await.ok()["done"][0]["version"].clone();
    let strike = async |seq: &Value| {
        world.post(weigher, &format!("/api/v1/trips/{trip}/strike_weighing"), json!({ "seq": seq, "reason": "车未停稳" })).await.ok();
        manifest.flags(&world, &district).await.contains(&"weighing-struck".to_owned())
    };
    assert!(!strike(&second).await, "nothing rests on the second one");
    assert!(strike(&seq).await);
    // Its version stays, and its chain says why.
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    assert_eq!(doc["version"], manifest.version);
    let last = doc["signatures"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["act"], &last["reason"]), (&json!("weighing_struck"), &json!("车未停稳")));
    let evidence: liandan::evidence::Evidence =
        serde_json::from_value(world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/evidence", manifest.id)).await.ok()).unwrap();
    let keys = liandan::evidence::KeySet::parse(&world.get((), "/.well-known/liandan-keys").await.ok());
    assert_eq!(liandan::evidence::verify(&evidence, Some(&keys)), liandan::evidence::Verdict::Valid);
}

#[actix_web::test]
async fn a_treatment_by_another_method_than_accepted_is_flagged() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    for (method, is_flagged) in [("R9", false), ("D10", true)] {
        let body = json!({ "line": 1, "method": method, "treated_g": 600_000, "batch": "B1" });
        let answer = manifest.act(&world, district.works.who("clerk"), "record_treatment", body).await.ok();
        manifest.took(&answer);
        assert_eq!(warnings(&answer).contains(&"method-differs".to_owned()), is_flagged, "{method}");
    }
    assert!(manifest.flags(&world, &district).await.contains(&"method-differs".to_owned()));
}

#[actix_web::test]
async fn a_net_beyond_the_rated_load_is_warned_of_and_one_beyond_twice_of_it_is_asked_whether_kg_or_t() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let doc = manifest.get(&world, district.works.who("weigher")).await;
    let path = format!("/api/v1/trips/{}/weigh", doc["parts"]["assignment"][0]["content"]["trip_id"].as_str().unwrap());
    // The truck is rated for 15 t.
    for (net_g, told) in [
        (15_000_000, None),
        (15_000_001, Some("rated-load-exceeded")),
        (30_000_000, Some("rated-load-exceeded")),
        (30_000_001, Some("mass-unlikely")),
    ] {
        let body = json!({ "gross_g": net_g + 9_000_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号地磅" });
        let answer = world.post(district.works.who("weigher"), &path, body).await.ok();
        assert_eq!(warnings(&answer), Vec::from_iter(told.map(str::to_owned)), "{net_g}");
    }
}

#[actix_web::test]
async fn a_skipped_signature_without_a_reason_says_so_and_the_lorry_goes_in() {
    for (body, reason) in [(json!({}), "not-given"), (json!({ "skip_reason": "司机手机没电" }), "司机手机没电")] {
        let world = World::new().await;
        let district = District::new(&world).await;
        let manifest = district.issue(&world, 1_200_000).await;
        let answer = manifest.act(&world, district.works.who("weigher"), "receive", body).await.ok();
        assert_eq!(warnings(&answer).contains(&"skip-reason-not-given".to_owned()), reason == "not-given");
        let doc = manifest.get(&world, district.plant.who("clerk")).await;
        assert!(doc["skipped"].as_array().unwrap().iter().all(|one| one["reason"] == reason), "{doc}");
    }
}

#[actix_web::test]
async fn nothing_skipped_needs_no_reason() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    assert!(!warnings(&answer).contains(&"skip-reason-not-given".to_owned()));
}

#[actix_web::test]
async fn a_batch_sent_again_with_one_item_put_right_repeats_the_answers_of_the_others() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut both = Vec::new();
    for _ in 0..2 {
        let mut manifest = district.issue(&world, 1_200_000).await;
        district.bring_to(&world, &mut manifest, "received").await;
        both.push(manifest);
    }
    let signatory = district.works.who("signatory");
    let send = async |second: i64| {
        let items = json!([{ "manifest_id": both[0].id, "version": both[0].version }, { "manifest_id": both[1].id, "version": second }]);
        world.act(signatory, "/api/v1/manifests:confirm", None, "batch-1", json!({ "items": items })).await.ok()["results"].clone()
    };
    let first = send(both[1].version - 1).await;
    assert_eq!((&first[0]["status"], &first[1]["status"]), (&json!(200), &json!(412)));
    let again = send(both[1].version).await;
    assert_eq!((&again[0], &again[1]["status"]), (&first[0], &json!(200)));
    // Another verdict under the same key is another act.
    let items =
        json!([{ "manifest_id": both[0].id, "version": both[0].version, "lines": [{ "line": 1, "decision": "none", "reasons": ["no_capacity"] }] }]);
    let other = world.act(signatory, "/api/v1/manifests:confirm", None, "batch-1", json!({ "items": items })).await.ok();
    assert_eq!(other["results"][0]["problem"]["type"], "/problems/idempotency-key-reused");
}

#[actix_web::test]
async fn an_incident_is_reported_whatever_version_was_seen() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let path = format!("/api/v1/manifests/{}/report_incident", manifest.id);
    let driver = district.carrier.who("driver");
    let body = json!({ "kind": "leak", "place": "鹤大高速 1102 km" });
    world.post(driver, &path, body.clone()).await.ok();
    world.post_seen(driver, &path, 1, body.clone()).await.ok();
    let stranger = world.unit("演示·无关", "210213", &["signatory"]).await;
    world.post(stranger.who("signatory"), &path, body).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_carrier_without_a_permit_is_told_of_at_the_issue_and_one_with_a_permit_is_not() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let issue = async |carrier: uuid::Uuid| {
        let mut body = district.manifest(1_200_000);
        body["carrier_id"] = json!(carrier);
        warnings(&world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok())
    };
    assert!(!issue(district.carrier.id).await.contains(&"carrier-permit-not-in-force".to_owned()));
    assert!(issue(district.plant.id).await.contains(&"carrier-permit-not-in-force".to_owned()));
}

#[actix_web::test]
async fn refusing_for_another_reason_needs_it_in_words() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let verdict = |reason: &str, note: Value| json!({ "lines": [{ "line": 1, "decision": "none", "reasons": [reason], "note": note }] });
    let signatory = district.works.who("signatory");
    let problem = manifest.act(&world, signatory, "confirm", verdict("other", Value::Null)).await.refused(422, "note-missing");
    assert_eq!(pointers(&problem), ["/lines/0/note"]);
    let path = format!("/api/v1/manifests/{}/confirm?mode=check", manifest.id);
    world.post_seen(signatory, &path, manifest.version, verdict("no_capacity", Value::Null)).await.ok();
    manifest.act(&world, signatory, "confirm", verdict("other", json!("库房漏雨"))).await.ok();
}

#[actix_web::test]
async fn a_slip_in_the_national_number_is_mended_until_the_carrier_has_acted() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    let clerk = district.plant.who("clerk");
    let record = |number: &str| json!({ "official_no": number });
    manifest.took(&manifest.act(&world, clerk, "record_official_no", record("20262102000017")).await.ok());
    manifest.act(&world, clerk, "record_official_no", record("20262102000017")).await.refused(409, "official-number-recorded");
    manifest.took(&manifest.act(&world, clerk, "record_official_no", record("20262102000071")).await.ok());
    assert_eq!(manifest.last["result"]["facts"]["instead_of"], "20262102000017");
    assert_eq!(manifest.get(&world, clerk).await["official_no"], "20262102000071");
    // The number that was a slip is free again.
    let mut other = district.issue(&world, 1_200_000).await;
    other.took(&other.act(&world, clerk, "record_official_no", record("20262102000017")).await.ok());
    district.bring_to(&world, &mut manifest, "assigned").await;
    let problem = manifest.act(&world, clerk, "record_official_no", record("20262102000018")).await.refused(409, "official-number-recorded");
    assert!(problem["detail"].as_str().unwrap().contains("20262102000071"), "{problem}");
}
