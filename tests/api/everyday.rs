//! The cases of every day, each as its users would tell it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, Manifest, Receiver, release, warnings};
use crate::harness::{Answer, JINZHOU, Party, World};

const DRIVER: &str = "辽B12345";

fn plate() -> Value {
    json!({ "plate": DRIVER })
}

async fn flags(world: &World, manifest: &Manifest, party: &Party) -> Vec<String> {
    let doc = manifest.get(world, &party.admin).await;
    doc["flags"].as_array().unwrap().iter().map(|flag| flag.as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn has(flags: &[String], flag: &str) {
    assert!(flags.iter().any(|one| one == flag), "{flag} in {flags:?}");
}

/// Another carrier with a truck, a driver and an escort whose papers are in order.
async fn other_carrier(world: &World, name: &str, truck: &str) -> (Party, Value) {
    let carrier = world.unit(name, "210213", &["dispatcher", "driver"]).await;
    let vehicle = json!({ "plate": truck, "kind": "truck", "permit_no": "大运 2", "permit_classes": ["9"], "permit_valid_to": "2027-12-31", "rated_load_g": 15_000_000, "gb19217": false });
    world.post(&carrier.admin, "/api/v1/vehicles", vehicle).await.ok();
    let permit = json!({ "number": "辽交运管许可危货 2 号", "classes": ["9"], "is_dangerous_goods": true, "valid_to": "2027-12-31" });
    world.post(&carrier.admin, "/api/v1/carrier_permits", permit).await.ok();
    let trip = json!({ "plate": truck, "driver_id": carrier.who("driver").user, "escort_name": "押运员乙", "waybill_no": "YD-2" });
    (carrier, trip)
}

async fn issue(world: &World, district: &District, body: Value) -> Answer {
    world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await
}

#[actix_web::test]
async fn the_same_as_last_week_is_one_call() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let earlier = district.issue(&world, 1_200_000).await;
    let body = json!({ "like": earlier.id, "planned_departure_on": "2026-11-30", "planned_receipt_on": "2026-12-01", "masses": [{ "line": 1, "mass_g": { "v": "1.3", "u": "t" } }] });
    let answer = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue_like", body.clone()).await.ok();
    let again = Manifest::of(&answer);
    let doc = again.get(&world, district.plant.who("clerk")).await;
    assert_eq!((again.number.as_str(), &doc["declared_g"], &doc["state"]), ("20262102000002", &json!(1_300_000), &json!("issued")));
    // Whose manifest it was decides who may repeat it.
    world.post(&district.works.admin, "/api/v1/manifests:issue_like", body).await.refused(404, "not-found");
    let wrong = json!({ "like": earlier.id, "planned_departure_on": "2026-11-30", "planned_receipt_on": "2026-12-01", "masses": [{ "line": 2, "mass_g": 5 }] });
    world.post(district.plant.who("clerk"), "/api/v1/manifests:issue_like", wrong).await.refused(422, "unknown-line");
}

#[actix_web::test]
async fn last_week_times_three_is_three_drafts_that_are_issued_one_by_one() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let earlier = district.issue(&world, 1_200_000).await;
    let body = json!({ "count": 3, "planned_departure_on": "2026-11-30", "planned_receipt_on": "2026-12-01" });
    let answer = world.post(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/duplicate", earlier.id), body).await.ok();
    let drafts = answer["drafts"].as_array().unwrap();
    assert_eq!((drafts.len(), world.number("SELECT count(*) AS n FROM manifests").await), (3, 1));
    let first = drafts[0]["id"].as_str().unwrap();
    let issued = world.post_seen(district.plant.who("clerk"), &format!("/api/v1/manifest_drafts/{first}/issue"), 1, json!({})).await.ok();
    assert_eq!(Manifest::of(&issued).id.to_string(), first);
    world.get(district.plant.who("clerk"), &format!("/api/v1/manifest_drafts/{first}")).await.refused(404, "not-found");
}

#[actix_web::test]
async fn consignor_and_driver_sign_on_one_phone_in_one_request() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let load = |plate: &str, token: String| json!({ "release": release(1_200_000), "take_over": { "plate": plate }, "driver_token": token });
    let token = world.token(district.carrier.who("driver")).await;
    // Both or nothing: a wrong plate keeps the release too from being written.
    let before = world.events().await;
    manifest.act(&world, district.plant.who("signatory"), "load", load("辽B99999", token.clone())).await.refused(422, "plate-differs");
    assert_eq!(world.events().await, before);
    // A token of somebody else is nobody's signature for the driver.
    let clerk = world.token(district.plant.who("clerk")).await;
    manifest.act(&world, district.plant.who("signatory"), "load", load(DRIVER, clerk)).await.refused(403, "forbidden");
    let answer = manifest.act(&world, district.plant.who("signatory"), "load", load(DRIVER, token)).await.ok();
    manifest.took(&answer);
    let acts: Vec<&str> = answer["done"].as_array().unwrap().iter().map(|done| done["act"].as_str().unwrap()).collect();
    assert_eq!((acts, &manifest.last["result"]["state"]), (vec!["release", "take_over"], &json!("in_transit")));
    let events = world.get(&district.plant.admin, &format!("/api/v1/manifests/{}/events", manifest.id)).await.ok();
    let by = |act: &str| events["events"].as_array().unwrap().iter().find(|event| event["act"] == act).unwrap()["actor"].clone();
    assert_ne!(by("release"), by("take_over"), "each signed in his own name");
}

#[actix_web::test]
async fn the_gate_weighs_receives_and_confirms_in_one_call() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let gate = json!({ "weigh": { "gross_g": 10_200_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号" }, "receive": {}, "confirm": {} });
    let person = world.add_person(&district.works, &["weigher", "signatory"]).await;
    let answer = manifest.act(&world, &person, "gate", gate).await.ok();
    let acts: Vec<&str> = answer["done"].as_array().unwrap().iter().map(|done| done["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["weigh", "receive", "confirm"]);
    manifest.took(&answer);
    assert_eq!((&manifest.last["result"]["state"], &manifest.last["result"]["facts"]["accepted_g"]), (&json!("confirmed"), &json!(1_200_000)));
    assert_eq!(flags(&world, &manifest, &district.plant).await, Vec::<String>::new());
}

#[actix_web::test]
async fn what_comes_next_is_named_in_the_callers_language() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let path = format!("/api/v1/manifests/{}/next", manifest.id);
    for (lang, name) in [("zh-CN", "确认接受"), ("en", "Confirm acceptance"), ("fr", "确认接受")] {
        let request = world.request(actix_web::http::Method::GET, district.works.who("signatory"), &path).await;
        let answer = world.send(request.insert_header(("Accept-Language", lang))).await.ok();
        let confirm = answer["next"].as_array().unwrap().iter().find(|next| next["act"] == "confirm").unwrap();
        assert_eq!((&confirm["name"], &confirm["version"]), (&json!(name), &json!(manifest.version)), "{lang}");
    }
}

/// What a caller may do now in one request: its name, its members with a mark behind those that must be there, what it lacks.
async fn together(world: &World, who: &crate::harness::Person, manifest: &Manifest) -> Vec<(String, String, Value)> {
    let answer = world.get(who, &format!("/api/v1/manifests/{}/next", manifest.id)).await.ok();
    let all = answer["together"].as_array().unwrap().iter();
    all.map(|one| {
        let name = one["together"].as_str().unwrap();
        assert_eq!((&one["method"], &one["version"]), (&json!("POST"), &json!(manifest.version)));
        assert_eq!(one["path"], json!(format!("/api/v1/manifests/{}/{name}", manifest.id)));
        let members = one["body"].as_array().unwrap().iter();
        let members = members.map(|member| format!("{}{}", member["member"].as_str().unwrap(), if member["is_required"] == true { "!" } else { "" }));
        (name.to_owned(), members.collect::<Vec<_>>().join(" "), one["lacks"].clone())
    })
    .collect()
}

#[actix_web::test]
async fn next_tells_of_load_and_gate_where_all_that_they_need_is_open_to_the_caller() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (consignor, weigher, signatory) = (district.plant.who("signatory"), district.works.who("weigher"), district.works.who("signatory"));
    let load = |lacks: Value| vec![("load".to_owned(), "release! take_over! driver_token!".to_owned(), lacks)];
    let gate = |members: &str| vec![("gate".to_owned(), members.to_owned(), json!([]))];
    let mut manifest = district.issue(&world, 1_200_000).await;
    assert_eq!(together(&world, consignor, &manifest).await, load(json!(["not-assigned"])));
    // Without a vehicle there is nothing to weigh: receipt and verdict for who may do both, the receipt alone is no composite.
    assert_eq!(together(&world, weigher, &manifest).await, []);
    assert_eq!(together(&world, signatory, &manifest).await, gate("receive! confirm"));
    district.bring_to(&world, &mut manifest, "assigned").await;
    assert_eq!(together(&world, consignor, &manifest).await, load(json!([])));
    assert_eq!(together(&world, weigher, &manifest).await, gate("weigh receive!"));
    assert_eq!(together(&world, district.plant.who("clerk"), &manifest).await, []);
    district.bring_to(&world, &mut manifest, "in_transit").await;
    assert_eq!(together(&world, consignor, &manifest).await, []);
    assert_eq!(together(&world, weigher, &manifest).await, gate("arrive weigh receive!"));
    assert_eq!(together(&world, district.carrier.who("driver"), &manifest).await, []);

    // Every entry says how and where, and what is said can be done.
    let answer = world.get(weigher, &format!("/api/v1/manifests/{}/next", manifest.id)).await.ok();
    assert!(answer["next"].as_array().unwrap().iter().all(|one| one["method"] == "POST" && one["path"].as_str().unwrap().starts_with("/api/v1/")));
    let body = json!({ "arrive": {}, "weigh": { "gross_g": 10_200_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号" }, "receive": {} });
    let path = answer["together"][0]["path"].as_str().unwrap();
    manifest.took(&world.post_seen(weigher, path, manifest.version, body).await.ok());
    assert_eq!((together(&world, weigher, &manifest).await, together(&world, signatory, &manifest).await), (vec![], vec![]));
}

#[actix_web::test]
async fn the_gate_keeps_nothing_when_the_weigher_may_not_confirm() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let before = world.events().await;
    let gate = json!({ "weigh": { "gross_g": 10_200_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号" }, "receive": {}, "confirm": {} });
    manifest.act(&world, district.works.who("weigher"), "gate", gate).await.refused(403, "forbidden");
    assert_eq!(world.events().await, before);
    assert_eq!(world.number("SELECT count(*) AS n FROM weighings").await, 0);
}

#[actix_web::test]
async fn sixty_confirmations_by_one_signature_have_a_result_each() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut items = Vec::new();
    for _ in 0..60 {
        let mut manifest = district.issue(&world, 1_200_000).await;
        let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({ "skip_reason": "补收" })).await.ok();
        manifest.took(&answer);
        items.push(json!({ "manifest_id": manifest.id, "version": manifest.version }));
    }
    items[17]["version"] = json!(1);
    items[18]["manifest_id"] = json!(Uuid::nil());
    let body = json!({ "items": items });
    let path = "/api/v1/manifests:confirm";
    let answer = world.act(district.works.who("signatory"), path, None, "sixty", body.clone()).await.ok();
    let results = answer["results"].as_array().unwrap();
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    let mut expected = vec![200; 60];
    (expected[17], expected[18]) = (412, 404);
    assert_eq!(statuses, expected);
    assert_eq!(results[17]["problem"]["version"], 2);
    assert_eq!(world.number("SELECT count(*) AS n FROM manifests WHERE state = 'confirmed'").await, 58);
    // The whole batch sent again confirms nothing twice.
    let before = world.events().await;
    let again = world.act(district.works.who("signatory"), path, None, "sixty", body).await.ok();
    assert_eq!(again["results"][0]["status"], 200);
    assert_eq!(world.events().await, before);
}

#[actix_web::test]
async fn a_mass_may_be_given_in_tonnes_or_grams_and_an_unlikely_one_is_asked_about() {
    let world = World::new().await;
    let district = District::new(&world).await;
    for (given, grams) in
        [(json!({ "v": "1.25", "u": "t" }), 1_250_000), (json!({ "v": "1250", "u": "kg" }), 1_250_000), (json!(1_250_001), 1_250_001)]
    {
        let mut body = district.manifest(1);
        body["lines"][0]["declared_g"] = given;
        let answer = issue(&world, &district, body).await.ok();
        let doc = Manifest::of(&answer).get(&world, district.plant.who("clerk")).await;
        assert_eq!(doc["declared_g"], grams);
        assert!(!warnings(&answer).contains(&"mass-unlikely".to_owned()), "{:?}", warnings(&answer));
    }
    for unlikely in [json!({ "v": "1250", "u": "t" }), json!({ "v": "0.00125", "u": "kg" })] {
        let mut body = district.manifest(1);
        body["lines"][0]["declared_g"] = unlikely;
        let answer = issue(&world, &district, body).await;
        if answer.status == 400 {
            continue; // More places than a gram has: no mass at all.
        }
        has(&warnings(&answer.ok()), "mass-unlikely");
    }
    for wrong in [json!({ "v": "1,25", "u": "t" }), json!({ "v": "1.25", "u": "lb" }), json!(1.5), json!(-1), json!("1.25 t")] {
        let mut body = district.manifest(1);
        body["lines"][0]["declared_g"] = wrong.clone();
        assert_eq!(issue(&world, &district, body).await.status, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn one_batch_on_three_lorries_is_three_manifests_that_add_up() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut ids = Vec::new();
    for (mass, truck) in [(15_000_000, "辽B10001"), (15_000_000, "辽B10002"), (7_123_457, "辽B10003")] {
        let mut manifest = district.issue(&world, mass).await;
        let mut trip = district.trip();
        trip["plate"] = json!(truck);
        let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
        manifest.took(&answer);
        ids.push(manifest.last["result"]["facts"]["trip_id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "one trip a lorry");
    assert_eq!(world.number("SELECT (reserved_g + settled_g)::bigint AS n FROM mass_accounts WHERE kind = 'plan_flow'").await, 37_123_457);
}

#[actix_web::test]
async fn one_lorry_with_several_manifests_and_receivers_shares_its_net_to_the_gram() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 900_000_000_000).await;
    let masses = [1_000_001, 333_333, 777];
    let mut manifests = Vec::new();
    let mut trip = district.trip();
    for (index, mass) in masses.into_iter().enumerate() {
        let body = if index == 2 { near.manifest(&district, mass) } else { district.manifest(mass) };
        let mut manifest = Manifest::of(&issue(&world, &district, body).await.ok());
        let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
        manifest.took(&answer);
        trip["trip_id"] = manifest.last["result"]["facts"]["trip_id"].clone();
        let answer = manifest.act(&world, district.plant.who("signatory"), "release", release(mass)).await.ok();
        manifest.took(&answer);
        let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", plate()).await.ok();
        manifest.took(&answer);
        manifests.push(manifest);
    }
    // Each receiver weighs what he takes off: the difference of the lorry with it and without.
    let net = 1_333_339;
    let weigh = |net: i64| json!({ "gross_g": 9_000_000 + net, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号" });
    let path = format!("/api/v1/trips/{}/weigh", trip["trip_id"].as_str().unwrap());
    world.post(near.party.who("weigher"), &path, weigh(780)).await.ok();
    world.post(district.works.who("weigher"), &path, weigh(net)).await.ok();
    let mut shares = Vec::new();
    for (index, manifest) in manifests.iter_mut().enumerate() {
        let weigher = if index == 2 { near.party.who("weigher") } else { district.works.who("weigher") };
        let answer = manifest.act(&world, weigher, "receive", json!({})).await.ok();
        manifest.took(&answer);
        let doc = manifest.get(&world, district.plant.who("clerk")).await;
        let line = &doc["parts"]["receipt"][0]["content"]["lines"][0];
        shares.push(line["weighed_g"].as_i64().unwrap());
    }
    assert_eq!((shares[0] + shares[1], shares[2]), (net, 780), "{shares:?}");
    for (share, mass) in shares.iter().zip(masses) {
        assert!((share - mass).abs() <= mass / 1_000 + 10, "{shares:?}");
    }
    // A trip of another carrier or plate cannot be joined.
    let manifest = district.issue(&world, 1_000_000).await;
    trip["plate"] = json!("辽B54321");
    manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.refused(422, "bad-value");
    // Somebody drives: the field that lacks is named.
    let nobody = json!({ "trip": { "plate": "辽B54321" } });
    let problem = manifest.act(&world, district.carrier.who("dispatcher"), "assign", nobody).await.refused(422, "bad-value");
    assert_eq!(problem["errors"][0]["pointer"], "/trip/driver_name");
}

#[actix_web::test]
async fn a_public_scale_weighs_all_that_is_on_the_lorry_whoever_receives_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let near = Receiver::new(&world, &district, "210213", 900_000_000_000).await;
    let mut trip = district.trip();
    let mut manifests = Vec::new();
    for (index, mass) in [1_000_001, 333_333, 777_777].into_iter().enumerate() {
        let body = if index == 2 { near.manifest(&district, mass) } else { district.manifest(mass) };
        let mut manifest = Manifest::of(&issue(&world, &district, body).await.ok());
        let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
        manifest.took(&answer);
        trip["trip_id"] = manifest.last["result"]["facts"]["trip_id"].clone();
        let answer = manifest.act(&world, district.plant.who("signatory"), "release", release(mass)).await.ok();
        manifest.took(&answer);
        let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", plate()).await.ok();
        manifest.took(&answer);
        manifests.push(manifest);
    }
    let net = 2_111_003;
    let weigh = json!({ "gross_g": 9_000_000 + net, "tare_g": 9_000_000, "side": "public", "scale": "公平秤" });
    world.post(district.works.who("weigher"), &format!("/api/v1/trips/{}/weigh", trip["trip_id"].as_str().unwrap()), weigh).await.ok();
    let mut sum = 0;
    for (index, manifest) in manifests.iter_mut().enumerate() {
        let weigher = if index == 2 { near.party.who("weigher") } else { district.works.who("weigher") };
        let answer = manifest.act(&world, weigher, "receive", json!({})).await.ok();
        manifest.took(&answer);
        let doc = manifest.get(&world, &district.plant.admin).await;
        sum += doc["parts"]["receipt"][0]["content"]["lines"][0]["weighed_g"].as_i64().unwrap();
    }
    assert_eq!(sum, net);
}

#[actix_web::test]
async fn a_breakdown_on_the_road_sends_the_load_on_with_another_carrier() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (second, trip) = other_carrier(&world, "演示·救援运输", "辽B67890").await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let hand_over = json!({ "reason": "发动机故障", "carrier_id": second.id, "trip": trip });
    let answer = manifest.act(&world, district.carrier.who("driver"), "hand_over", hand_over.clone()).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "offered");
    // The giver may take it back until the next one has it.
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "withdraw", json!({ "reason": "已修好" })).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "in_transit");
    let answer = manifest.act(&world, district.carrier.who("driver"), "hand_over", hand_over).await.ok();
    manifest.took(&answer);
    // The taker may not withdraw what he did not give, and the first driver may not take it over.
    manifest.act(&world, second.who("dispatcher"), "withdraw", json!({ "reason": "不去了" })).await.refused(403, "forbidden");
    manifest.act(&world, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B67890" })).await.refused(403, "forbidden");
    for act in ["take_over", "arrive"] {
        let answer = manifest.act(&world, second.who("driver"), act, json!({ "plate": "辽B67890" })).await.ok();
        manifest.took(&answer);
    }
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    let flags = flags(&world, &manifest, &district.plant).await;
    has(&flags, "handed-over-on-the-road");
    assert!(!flags.contains(&"signature-skipped".to_owned()), "{flags:?}");
    // The first carrier still sees what he carried.
    manifest.get(&world, district.carrier.who("dispatcher")).await;
}

#[actix_web::test]
async fn a_breakdown_may_go_on_with_another_truck_of_the_same_carrier_ten_times() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    for leg in 2..=10 {
        let mut trip = district.trip();
        trip["plate"] = json!(format!("辽B200{leg:02}"));
        let answer = manifest.act(&world, district.carrier.who("driver"), "hand_over", json!({ "reason": "换车", "trip": trip.clone() })).await.ok();
        manifest.took(&answer);
        let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", json!({ "plate": trip["plate"] })).await.ok();
        manifest.took(&answer);
    }
    let body = json!({ "reason": "换车", "trip": district.trip() });
    manifest.act(&world, district.carrier.who("driver"), "hand_over", body).await.refused(422, "too-many-legs");
}

#[actix_web::test]
async fn a_closed_receiver_lets_the_load_wait_or_go_back() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let answer = manifest.act(&world, district.carrier.who("driver"), "not_received", json!({ "reason": "closed", "note": "停电" })).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "in_transit");
    has(&flags(&world, &manifest, &district.plant).await, "not-received");
    // It waits, and is taken in the next day, or is refused whole and goes back.
    let answer = manifest.act(&world, district.carrier.who("driver"), "arrive", plate()).await.ok();
    manifest.took(&answer);
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    let verdict = json!({ "lines": [{ "line": 1, "decision": "none", "reasons": ["packaging_or_label"] }] });
    let answer = manifest.act(&world, district.works.who("signatory"), "confirm", verdict).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["state"], "refused");
    let send_on = json!({
        "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话", "planned_departure_on": "2026-11-25", "planned_receipt_on": "2026-11-25",
    });
    let answer = manifest.act(&world, district.works.who("signatory"), "send_on", send_on).await.ok();
    let back = Manifest::of(&answer).get(&world, &district.plant.admin).await;
    assert_eq!((&back["link_kind"], &back["declared_g"]), (&json!("return"), &json!(1_200_000)));
}

#[actix_web::test]
async fn the_dispatcher_signs_for_a_driver_without_a_phone_only_with_a_reason() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    manifest.act(&world, district.carrier.who("dispatcher"), "take_over", plate()).await.refused(422, "instead-reason-missing");
    let body = json!({ "plate": DRIVER, "instead_of_driver": "司机手机没电" });
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "take_over", body).await.ok();
    manifest.took(&answer);
    has(&flags(&world, &manifest, &district.plant).await, "dispatcher-signed");
    let doc = manifest.get(&world, &district.plant.admin).await;
    assert_eq!(doc["parts"]["take_over"][0]["content"]["instead_of_driver"], "司机手机没电");
}

#[actix_web::test]
async fn the_receiver_goes_on_and_the_driver_signs_late() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({ "skip_reason": "司机手机没电" })).await.ok();
    manifest.took(&answer);
    has(&flags(&world, &manifest, &district.plant).await, "signature-skipped");
    world.clock.set("2026-11-23T06:00:00Z".parse().unwrap());
    let late = json!({ "plate": DRIVER, "happened_at": "2026-11-23T03:00:00Z", "reason": "手机没电" });
    for signs in ["take_over", "arrive"] {
        let answer = manifest.act(&world, district.carrier.who("driver"), "sign_late", late.clone()).await.ok();
        manifest.took(&answer);
        assert_eq!(manifest.last["result"]["facts"]["signs"], signs);
        assert_eq!(manifest.last["result"]["state"], "received");
    }
    let doc = manifest.get(&world, &district.plant.admin).await;
    assert_eq!(doc["parts"]["take_over"][0]["content"]["is_late"], true);
    has(&flags(&world, &manifest, &district.plant).await, "signed-late");
    manifest.act(&world, district.carrier.who("driver"), "sign_late", late).await.refused(409, "nothing-skipped");
}

#[actix_web::test]
async fn a_load_weighed_on_one_side_only_says_so() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // The plant weighs, the receiver's bridge is down.
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    has(&flags(&world, &manifest, &district.plant).await, "mass-estimated");
    // The plant has no bridge, the receiver weighs.
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let estimated = json!({ "lines": [{ "line": 1, "released_g": 1_200_000, "basis": "estimated" }] });
    let answer = manifest.act(&world, district.plant.who("signatory"), "release", estimated).await.ok();
    manifest.took(&answer);
    has(&flags(&world, &manifest, &district.plant).await, "mass-estimated");
    let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", plate()).await.ok();
    manifest.took(&answer);
    manifest.weigh(&world, &district, 10_150_000, 9_000_000).await;
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    let doc = manifest.get(&world, &district.plant.admin).await;
    let line = &doc["parts"]["receipt"][0]["content"]["lines"][0];
    assert_eq!((&line["weighed_g"], &line["basis"]), (&json!(1_150_000), &json!("scale")));
}

#[actix_web::test]
async fn a_wrong_weighing_is_struck_out_and_counts_no_more() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    manifest.weigh(&world, &district, 10_200_000, 9_000_000).await;
    manifest.weigh(&world, &district, 19_200_000, 9_000_000).await;
    let doc = manifest.get(&world, &district.plant.admin).await;
    let trip = doc["parts"]["assignment"][0]["content"]["trip_id"].as_str().unwrap().to_owned();
    let strike = json!({ "seq": 2, "reason": "误读" });
    world.post(district.works.who("weigher"), &format!("/api/v1/trips/{trip}/strike_weighing"), strike).await.ok();
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    let doc = manifest.get(&world, &district.plant.admin).await;
    assert_eq!(doc["parts"]["receipt"][0]["content"]["lines"][0]["weighed_g"], 1_200_000);
}

#[actix_web::test]
async fn a_driver_of_two_employers_signs_for_the_carrier_of_the_leg() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let other = world.unit("演示·另一运输", "210213", &["driver"]).await;
    // His log-in names the other employer; the first one adds him too.
    let driver = other.who("driver");
    let body = json!({ "login": driver.login, "roles": ["driver"] });
    let invited = world.post(&district.carrier.admin, "/api/v1/invitations", body).await.ok();
    let path = format!("/api/v1/invitations/{}/accept", invited["done"][0]["subject_id"].as_str().unwrap());
    world.post(driver, &path, json!({})).await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    let mut trip = district.trip();
    trip["driver_id"] = json!(driver.user);
    let answer = manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok();
    manifest.took(&answer);
    let certificate = json!({ "kind": "driver", "number": "driver-2", "classes": ["9"], "valid_to": "2027-12-31", "user_id": driver.user });
    world.post(&district.carrier.admin, "/api/v1/certificates", certificate).await.ok();
    let answer = manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await.ok();
    manifest.took(&answer);
    let answer = manifest.act(&world, driver, "take_over", plate()).await.ok();
    manifest.took(&answer);
    let events = world.get(&district.plant.admin, &format!("/api/v1/manifests/{}/events", manifest.id)).await.ok();
    let take_over = events["events"].as_array().unwrap().iter().find(|event| event["act"] == "take_over").unwrap();
    assert_eq!(take_over["unit"], json!(district.carrier.id));
}

#[actix_web::test]
async fn the_spring_festival_moves_the_deadline_and_an_unpublished_year_never_makes_it_late() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let flow = json!({ "site_id": district.plant_site, "year": 2027, "code": "900-249-08", "receiver_id": district.works.id, "method": "R9", "planned_g": 900_000_000 });
    world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
    // Friday 2026-02-13: Saturday is a working day, then eight days of holiday, then four working days.
    world.clock.set("2026-02-13T02:00:00Z".parse().unwrap());
    let mut body = district.manifest(1_000_000);
    (body["planned_departure_on"], body["planned_receipt_on"]) = (json!("2026-02-13"), json!("2026-02-13"));
    let mut manifest = Manifest::of(&issue(&world, &district, body).await.ok());
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    let doc = manifest.get(&world, &district.plant.admin).await;
    assert_eq!((&doc["confirm_due_on"], &doc["confirm_due_provisional"]), (&json!("2026-02-27"), &json!(false)));
    // No calendar of 2027 is published: the date is shown as provisional, and a month later nothing is late.
    world.clock.set("2027-02-01T02:00:00Z".parse().unwrap());
    let mut body = district.manifest(1_000_000);
    (body["planned_departure_on"], body["planned_receipt_on"]) = (json!("2027-02-01"), json!("2027-02-01"));
    let mut manifest = Manifest::of(&issue(&world, &district, body).await.ok());
    let answer = manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok();
    manifest.took(&answer);
    let doc = manifest.get(&world, &district.plant.admin).await;
    assert_eq!((&doc["confirm_due_on"], &doc["confirm_due_provisional"]), (&json!("2027-02-08"), &json!(true)));
    world.clock.set("2027-03-15T02:00:00Z".parse().unwrap());
    let answer = manifest.act(&world, district.works.who("signatory"), "confirm", json!({})).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["result"]["facts"]["is_late"], false);
}

#[actix_web::test]
async fn a_device_without_a_signal_claims_its_time_and_is_clamped_or_refused() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    world.clock.set("2026-11-23T04:00:00Z".parse().unwrap());
    let at = |time: &str| json!({ "plate": DRIVER, "claimed_at": time });
    // Eleven minutes ahead is no clock; ten are, and count as now.
    let before = world.events().await;
    manifest.act(&world, district.carrier.who("driver"), "take_over", at("2026-11-23T04:11:00Z")).await.refused(422, "bad-value");
    assert_eq!(world.events().await, before);
    let answer = manifest.act(&world, district.carrier.who("driver"), "take_over", at("2026-11-23T04:10:00Z")).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["claimed_at"], "2026-11-23T04:00:00.000Z");
    // The queue brings an arrival of an hour ago, before the take-over: clamped to it, and flagged.
    world.clock.set("2026-11-23T05:00:00Z".parse().unwrap());
    let answer = manifest.act(&world, district.carrier.who("driver"), "arrive", at("2026-11-23T03:00:00Z")).await.ok();
    manifest.took(&answer);
    assert_eq!(manifest.last["claimed_at"], "2026-11-23T04:00:00.000Z");
    has(&flags(&world, &manifest, &district.plant).await, "claimed-time-clamped");
}

#[actix_web::test]
async fn one_key_twice_is_one_act_and_another_body_under_it_is_refused() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let path = "/api/v1/manifests:issue";
    let first = world.act(clerk, path, None, "one-key", district.manifest(1_200_000)).await;
    let second = world.act(clerk, path, None, "one-key", district.manifest(1_200_000)).await;
    assert_eq!((first.status, second.status, second.header("idempotency-replayed")), (201, 201, "true"));
    assert_eq!(first.json, second.json);
    assert_eq!(world.number("SELECT count(*) AS n FROM manifests").await, 1);
    world.act(clerk, path, None, "one-key", district.manifest(1_300_000)).await.refused(422, "idempotency-key-reused");
    // Two at once are one act too.
    let twice = || world.act(clerk, path, None, "twin-key", district.manifest(1_200_000));
    let answers = futures_util::future::join(twice(), twice()).await;
    assert_eq!(answers.0.json["done"], answers.1.json["done"]);
    assert_eq!(world.number("SELECT count(*) AS n FROM manifests").await, 2);
    // A refusal keeps no key: the same key may be used again once its cause is gone.
    let mut outside = district.manifest(1_200_000);
    outside["lines"][0]["method"] = json!("D10");
    world.act(clerk, path, None, "again", outside.clone()).await.refused(422, "plan-flow-missing");
    district.flow(&world, "900-249-08", "D10", 9_000_000).await;
    world.act(clerk, path, None, "again", outside).await.ok();
}

#[actix_web::test]
async fn a_stale_version_is_told_the_present_one() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let path = format!("/api/v1/manifests/{}/take_over", manifest.id);
    let problem = world.post_seen(district.carrier.who("driver"), &path, manifest.version - 1, plate()).await.refused(412, "stale-version");
    assert_eq!((&problem["version"], &problem["seen"]), (&json!(manifest.version), &json!(manifest.version - 1)));
    let meanwhile = problem["events"].as_array().unwrap();
    assert_eq!((meanwhile.len(), &meanwhile[0]["act"], &problem["events_cut"]), (1, &json!("release"), &json!(false)));
    assert_eq!((&meanwhile[0]["version"], &meanwhile[0]["unit"]), (&json!(manifest.version), &json!(district.plant.id)));
    // A driver who saw nothing after the issue hears all of it, in its order.
    let problem = world.post_seen(district.carrier.who("driver"), &path, 1, plate()).await.refused(412, "stale-version");
    let acts: Vec<&str> = problem["events"].as_array().unwrap().iter().filter_map(|event| event["act"].as_str()).collect();
    assert_eq!(acts, ["assign", "release"]);
    let stranger = world.unit("大连旅顺化工有限公司", JINZHOU, &["driver"]).await;
    let hidden = world.post_seen(stranger.who("driver"), &path, 1, plate()).await.refused(404, "not-found");
    assert_eq!((&hidden["events"], &hidden["version"]), (&json!(null), &json!(null)));
    world.post(district.carrier.who("driver"), &path, plate()).await.refused(428, "if-match-missing");
    world.post_seen(district.carrier.who("driver"), &path, manifest.version, plate()).await.ok();
}
