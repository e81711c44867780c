//! Signing without an own device, outages, incidents, and the feed that an ERP system follows.

use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};

use crate::district::{District, release};
use crate::harness::{Answer, Person, World, id, text};

async fn with_code(world: &World, device: &Person, path: &str, version: i64, key: &str, code: &str, body: Value) -> Answer {
    let request = world.request(actix_web::http::Method::POST, device, path).await;
    let request =
        request.insert_header(("Idempotency-Key", key)).insert_header(("If-Match", format!("\"{version}\""))).insert_header(("Liandan-Code", code));
    world.send(request.set_json(body)).await
}

async fn code_for(world: &World, district: &District, manifest: uuid::Uuid, act: &str) -> String {
    let body = json!({ "act": act, "user_id": district.carrier.who("driver").user });
    let answer = world.post(district.carrier.who("dispatcher"), &format!("/api/v1/manifests/{manifest}/one_time_codes"), body).await.ok();
    text(&answer["secret"]["code"])
}

#[actix_web::test]
async fn a_driver_without_a_phone_signs_by_a_code_told_by_voice() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let code = code_for(&world, &district, manifest.id, "take_over").await;
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let device = district.plant.who("signatory");
    let first = with_code(&world, device, &path, manifest.version, "k", &code, json!({ "plate": "辽B12345" })).await;
    let first = first.ok();
    // A lost answer is asked for again with the same key: the code is used up, the answer the same.
    let again = with_code(&world, device, &path, manifest.version, "k", &code, json!({ "plate": "辽B12345" })).await;
    assert_eq!(again.header("Idempotency-Replayed"), "true");
    assert_eq!(again.json, first);
    let events = world.get(&district.plant.admin, &format!("/api/v1/manifests/{}/events", manifest.id)).await.ok();
    let event = events["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(event["method"], "one_time_code");
    assert_eq!(id(&event["actor"]), district.carrier.who("driver").user);
    // Signer, maker of the code, and the person at the device.
    assert_eq!(id(&event["with"]), district.carrier.who("dispatcher").user);
    assert_eq!(id(&event["device_user"]), device.user);
    let issued = events["events"].as_array().unwrap()[0].clone();
    assert!(issued.get("device_user").is_none() && issued.get("api_key").is_none(), "{issued}");
}

#[actix_web::test]
async fn whoever_made_a_code_for_another_cannot_sign_with_it_himself() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let code = code_for(&world, &district, manifest.id, "take_over").await;
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let send = async |who: &Person, key: &str| with_code(&world, who, &path, manifest.version, key, &code, json!({ "plate": "辽B12345" })).await;
    let before = world.events().await;
    let refused = send(district.carrier.who("dispatcher"), "own").await.refused(403, "code-of-own-making");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("dispatcher-signed")), "{refused}");
    assert_eq!(world.events().await, before);
    // On another person's device it is good.
    send(district.plant.who("signatory"), "gate").await.ok();
}

#[actix_web::test]
async fn a_code_that_somebody_made_for_himself_is_his_to_use() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let driver = district.carrier.who("driver");
    let answer = world.post(driver, &format!("/api/v1/manifests/{}/one_time_codes", manifest.id), json!({ "act": "take_over" })).await.ok();
    let code = text(&answer["secret"]["code"]);
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    with_code(&world, driver, &path, manifest.version, "k", &code, json!({ "plate": "辽B12345" })).await.ok();
}

#[actix_web::test]
async fn codes_of_the_crew_die_when_another_is_assigned() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let old = code_for(&world, &district, manifest.id, "take_over").await;
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": district.trip() })).await.ok();
    manifest.took(&answer);
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let device = district.plant.who("signatory");
    let body = json!({ "plate": "辽B12345" });
    with_code(&world, device, &path, manifest.version, "old", &old, body.clone()).await.refused(401, "unauthenticated");
    let new = code_for(&world, &district, manifest.id, "take_over").await;
    with_code(&world, device, &path, manifest.version, "new", &new, body).await.ok();
}

#[actix_web::test]
async fn wrong_digits_of_one_party_do_not_keep_the_right_ones_of_another_waiting() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let code = code_for(&world, &district, manifest.id, "take_over").await;
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let send =
        async |who: &Person, key: &str, code: &str| with_code(&world, who, &path, manifest.version, key, code, json!({ "plate": "辽B12345" })).await;
    let (guesser, gate) = (district.works.who("weigher"), district.plant.who("signatory"));
    for n in 0..6 {
        send(guesser, &format!("w{n}"), wrong).await.refused(401, "unauthenticated");
        if n == 0 {
            assert_eq!(send(guesser, "at-once", &code).await.status, 429);
        }
        world.clock.advance(chrono::Duration::seconds(40));
    }
    send(guesser, "dead-for-him", &code).await.refused(401, "unauthenticated");
    send(gate, "k", &code).await.ok();
}

/// The same request again under its key, at once and when code and token have long ended: the same bytes, nothing written.
async fn says_the_same_again(world: &World, caller: &Person, path: &str, version: i64, body: Value, first: &Answer) {
    let events = world.events().await;
    for wait in [0, 30] {
        world.clock.advance(chrono::Duration::minutes(wait));
        let again = world.act(caller, path, Some(version), "k", body.clone()).await;
        assert_eq!((again.status, again.header("Idempotency-Replayed")), (200, "true"), "after {wait} minutes: {}", again.json);
        assert_eq!(again.bytes, first.bytes, "after {wait} minutes");
    }
    assert_eq!(world.events().await, events);
}

#[actix_web::test]
async fn the_gate_repeats_its_answer_although_the_drivers_code_is_used_up() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let code = code_for(&world, &district, manifest.id, "arrive").await;
    let path = format!("/api/v1/manifests/{}/gate", manifest.id);
    let body = json!({ "arrive": { "driver_code": code }, "receive": {} });
    let weigher = district.works.who("weigher");
    let first = world.act(weigher, &path, Some(manifest.version), "k", body.clone()).await;
    assert_eq!((first.status, first.header("Idempotency-Replayed")), (200, ""), "{}", first.json);
    says_the_same_again(&world, weigher, &path, manifest.version, body.clone(), &first).await;
    // Under another key it is another act, and what was seen is gone.
    world.act(weigher, &path, Some(manifest.version), "other", body).await.refused(412, "stale-version");
}

#[actix_web::test]
async fn loading_together_repeats_its_answer_although_the_drivers_token_has_ended() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let path = format!("/api/v1/manifests/{}/load", manifest.id);
    let token = world.token(district.carrier.who("driver")).await;
    let body = json!({ "release": release(1_200_000), "take_over": { "plate": "辽B12345" }, "driver_token": token });
    let signatory = district.plant.who("signatory");
    let first = world.act(signatory, &path, Some(manifest.version), "k", body.clone()).await;
    assert_eq!((first.status, first.header("Idempotency-Replayed")), (200, ""), "{}", first.json);
    says_the_same_again(&world, signatory, &path, manifest.version, body.clone(), &first).await;
    // Under another key the token is what it is: over.
    world.act(signatory, &path, Some(manifest.version), "other", body).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_code_told_by_voice_repeats_its_answer_after_it_died() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let code = code_for(&world, &district, manifest.id, "take_over").await;
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let device = district.plant.who("signatory");
    let send = async |key: &str| with_code(&world, device, &path, manifest.version, key, &code, json!({ "plate": "辽B12345" })).await;
    let first = send("k").await;
    assert_eq!(first.status, 200, "{}", first.json);
    // Asked for again and again, it costs the next code no try, whether it lives or not.
    let next = code_for(&world, &district, manifest.id, "take_over").await;
    for _ in 0..6 {
        assert_eq!(send("k").await.bytes, first.bytes);
    }
    assert_eq!(world.number("SELECT max(tries)::bigint AS n FROM one_time_codes WHERE used_at IS NULL").await, 0);
    assert_ne!(next, code);
    world.clock.advance(chrono::Duration::minutes(10));
    let again = send("k").await;
    assert_eq!((again.status, again.header("Idempotency-Replayed")), (200, "true"), "{}", again.json);
    assert_eq!(again.bytes, first.bytes);
    send("other").await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_first_password_does_not_sign_on_anothers_device() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let body = json!({ "person": { "login": "newdriver", "name": "新司机" }, "roles": ["driver"] });
    let first_password = text(&world.post(&district.carrier.admin, "/api/v1/users", body).await.ok()["secret"]["password"]);
    let session = world.log_in("newdriver", &first_password).await.ok();
    let body = json!({ "release": release(1_200_000), "take_over": { "plate": "辽B12345" }, "driver_token": session["access_token"] });
    manifest.act(&world, district.plant.who("signatory"), "load", body).await.refused(403, "first-password");
}

#[actix_web::test]
async fn a_code_serves_one_act_once_and_dies_after_five_wrong_tries_or_ten_minutes() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let path = |act: &str| format!("/api/v1/manifests/{}/{act}", manifest.id);
    let device = district.plant.who("signatory");
    let code = code_for(&world, &district, manifest.id, "take_over").await;
    // Not for another act.
    with_code(&world, device, &path("refuse_take_over"), manifest.version, "k1", &code, json!({ "reason": "不接" }))
        .await
        .refused(401, "unauthenticated");
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    for n in 0..5 {
        let answer = with_code(&world, device, &path("take_over"), manifest.version, &format!("w{n}"), wrong, json!({ "plate": "辽B12345" })).await;
        answer.refused(401, "unauthenticated");
        // At once again: the wait grows.
        let answer = with_code(&world, device, &path("take_over"), manifest.version, &format!("v{n}"), &code, json!({ "plate": "辽B12345" })).await;
        assert!(n == 4 && answer.status == 401 || answer.status == 429, "{n}: {}", answer.status);
        world.clock.advance(chrono::Duration::seconds(40));
    }
    with_code(&world, device, &path("take_over"), manifest.version, "dead", &code, json!({ "plate": "辽B12345" }))
        .await
        .refused(401, "unauthenticated");
    let fresh = code_for(&world, &district, manifest.id, "take_over").await;
    world.clock.advance(chrono::Duration::minutes(10));
    with_code(&world, device, &path("take_over"), manifest.version, "old", &fresh, json!({ "plate": "辽B12345" }))
        .await
        .refused(401, "unauthenticated");
    let fresh = code_for(&world, &district, manifest.id, "take_over").await;
    with_code(&world, device, &path("take_over"), manifest.version, "good", &fresh, json!({ "plate": "辽B12345" })).await.ok();
}

#[actix_web::test]
async fn codes_of_the_crew_die_when_the_load_is_handed_over() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let old = code_for(&world, &district, manifest.id, "arrive").await;
    let mut next = district.trip();
    next["plate"] = json!("辽B54321");
    let answer = manifest.act(&world, district.carrier.who("driver"), "hand_over", json!({ "reason": "车辆故障", "trip": next })).await.ok();
    manifest.took(&answer);
    manifest.took(&manifest.act(&world, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B54321" })).await.ok());
    let path = format!("/api/v1/manifests/{}/arrive", manifest.id);
    let device = district.works.who("weigher");
    let body = json!({ "plate": "辽B54321" });
    with_code(&world, device, &path, manifest.version, "old", &old, body.clone()).await.refused(401, "unauthenticated");
    let new = code_for(&world, &district, manifest.id, "arrive").await;
    with_code(&world, device, &path, manifest.version, "new", &new, body).await.ok();
}

#[actix_web::test]
async fn a_code_dies_after_a_hundred_tries_of_whoever_they_are() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let body = json!({ "plate": "辽B12345" });
    for (tries, lives) in [(99, true), (100, false)] {
        let code = code_for(&world, &district, manifest.id, "take_over").await;
        // As after that many tries of others, of whom each has but five.
        world.owner().await.batch_execute(&format!("UPDATE one_time_codes SET tries = {tries} WHERE used_at IS NULL")).await.unwrap();
        let mode = format!("{path}?mode=check");
        let answer = with_code(&world, district.plant.who("signatory"), &mode, manifest.version, "k", &code, body.clone()).await;
        assert_eq!(answer.status == 200, lives, "{tries}: {}", answer.json);
    }
}

#[actix_web::test]
async fn nobody_makes_a_code_for_a_person_of_another_unit() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let body = json!({ "act": "take_over", "user_id": district.carrier.who("driver").user });
    let path = format!("/api/v1/manifests/{}/one_time_codes", manifest.id);
    world.post(&district.plant.admin, &path, body.clone()).await.refused(404, "not-found");
    world.post(district.works.who("weigher"), &path, body).await.refused(404, "not-found");
    // Not even the administrator of the unit speaks for its signatory.
    let body = json!({ "act": "confirm", "user_id": district.works.who("signatory").user });
    world.post(&district.works.admin, &path, body).await.refused(403, "forbidden");
}

#[actix_web::test]
async fn outage_mode_is_opened_with_a_reason_by_the_platform_alone() {
    let world = World::new().await;
    let district = District::new(&world).await;
    world.post(&district.plant.admin, "/api/v1/outages", json!({ "reason": "停网" })).await.refused(403, "forbidden");
    let platform = world.platform_admin().await;
    let answer = world.post(&*platform, "/api/v1/outages", json!({ "reason": "国家系统停机维护" })).await.ok();
    let outage = id(&answer["done"][0]["subject_id"]);
    world.post(&*platform, "/api/v1/outages", json!({ "reason": "再开一次" })).await.refused(409, "conflict");
    let shown = world.get(&district.plant.admin, "/api/v1/outages").await.ok();
    assert_eq!(shown["outages"][0]["reason"], "国家系统停机维护");
    world.post_seen(&*platform, &format!("/api/v1/outages/{outage}/close"), 1, json!({})).await.ok();
    assert!(world.get(&district.plant.admin, "/api/v1/outages").await.ok()["outages"][0]["closed_at"].is_string());
}

#[actix_web::test]
async fn an_incident_reaches_the_authority_of_its_place_and_no_stranger() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let report = json!({ "kind": "leak", "place": "沈海高速 K900", "division": "210213" });
    manifest.act(&world, district.carrier.who("driver"), "report_incident", report).await.ok();
    let officer = world.authority("210213").await;
    let seen = world.get(&officer.admin, "/api/v1/incidents").await.ok();
    assert_eq!(seen["items"][0]["place"], "沈海高速 K900");
    let seen = world.get(district.plant.who("clerk"), "/api/v1/incidents").await.ok();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    let stranger = world.unit("演示·路人", "210224", &["clerk"]).await;
    let seen = world.get(stranger.who("clerk"), "/api/v1/incidents").await.ok();
    assert_eq!(seen["items"], json!([]));
}

#[actix_web::test]
async fn the_feed_gives_a_unit_its_own_events_once_each_in_order() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await.ok();
    world.run_jobs().await;
    let mut acts = Vec::new();
    let mut after = 0;
    loop {
        let page = world.get(district.plant.who("clerk"), &format!("/api/v1/events?after={after}&limit=1")).await.ok();
        acts.extend(page["events"].as_array().unwrap().iter().map(|event| text(&event["event"]["act"])));
        let next = page["after"].as_i64().unwrap();
        if next == after {
            break;
        }
        after = next;
    }
    assert_eq!(acts, ["issue", "assign", "release"]);
    let stranger = world.unit("演示·路人", "210224", &["clerk"]).await;
    assert_eq!(world.get(stranger.who("clerk"), "/api/v1/events").await.ok()["events"], json!([]));
}

#[actix_web::test]
async fn the_part_of_a_carrier_outside_the_system_is_entered_by_the_consignor_and_marked() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let body = crate::harness::unit_body(&world.uscc(), "演示·外地运输", "210283");
    let outside = id(&world.post(district.plant.who("clerk"), "/api/v1/units:external", body).await.ok()["done"][0]["subject_id"]);
    let mut body = district.manifest(1_200_000);
    body["carrier_id"] = json!(outside);
    let mut manifest = crate::district::Manifest::of(&world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok());
    let trip = json!({ "plate": "辽B77777", "driver_name": "外地司机", "waybill_no": "W1" });
    manifest.act(&world, district.plant.who("clerk"), "assign", json!({ "trip": trip.clone() })).await.refused(403, "forbidden");
    let body = json!({ "trip": trip, "proxy": { "source": "official_record", "reference": "国家系统派车单 77" } });
    let answer = manifest.act(&world, district.plant.who("signatory"), "assign", body).await.ok();
    manifest.took(&answer);
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    assert_eq!(id(&doc["parts"]["assignment"][0]["content"]["carrier"]["unit_id"]), outside);
    // Its papers are nowhere: the law keeps the load in the yard.
    let problem = manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await;
    assert_eq!(problem.status, 422);
    // The receiver is never stopped by it.
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "received");
}
