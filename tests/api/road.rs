//! Turned away on the road, arrived by the gate's word, and a mass graph that balances whatever was taken back.

use serde_json::{Value, json};

use crate::district::{District, Manifest, Receiver, release};
use crate::harness::{Caller, World};

/// What a manifest's lots of one kind hold today: as made, with what corrections added and took.
async fn standing(world: &World, manifest: &Manifest, kind: &str) -> i64 {
    let id = manifest.id;
    world
        .number(&format!(
            "SELECT coalesce(sum(l.mass_g + (SELECT coalesce(sum(e.mass_g), 0) FROM lot_edges e WHERE e.to_id = l.id AND e.kind = 'adjust') \
             - (SELECT coalesce(sum(e.mass_g), 0) FROM lot_edges e WHERE e.from_id = l.id AND e.kind = 'adjust')), 0)::bigint AS n \
             FROM lots l WHERE l.manifest_id = '{id}' AND l.kind = '{kind}'"
        ))
        .await
}

async fn accounts(world: &World) -> i64 {
    world.number("SELECT coalesce(sum(abs(reserved_g) + abs(settled_g)), 0)::bigint AS n FROM mass_accounts").await
}

/// Reserved and settled grams of every account of a kind.
async fn account(world: &World, kind: &str) -> (i64, i64) {
    let sum = |column: &str| format!("SELECT coalesce(sum({column}), 0)::bigint AS n FROM mass_accounts WHERE kind = '{kind}'");
    (world.number(&sum("reserved_g")).await, world.number(&sum("settled_g")).await)
}

async fn done<'a>(world: &World, manifest: &mut Manifest, who: impl Into<Caller<'a>>, act: &str, body: Value) {
    let answer = manifest.act(world, who, act, body).await.ok();
    manifest.took(&answer);
}

#[actix_web::test]
async fn a_load_that_the_receiver_turned_away_goes_back_from_the_road_whole() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let signatory = district.plant.who("signatory");
    let back = json!({
        "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "本单位决定",
        "planned_departure_on": "2026-11-23", "planned_receipt_on": "2026-11-24",
    });
    manifest.act(&world, signatory, "turn_back", back.clone()).await.refused(409, "not-turned-away");
    done(&world, &mut manifest, district.carrier.who("driver"), "arrive", json!({ "plate": "辽B12345" })).await;
    done(&world, &mut manifest, district.works.who("weigher"), "not_received", json!({ "reason": "closed" })).await;
    manifest.act(&world, district.works.who("signatory"), "turn_back", back.clone()).await.refused(403, "forbidden");
    let answer = manifest.act(&world, signatory, "turn_back", back.clone()).await.ok();
    manifest.took(&answer);
    let mut linked = Manifest::of(&answer);
    assert_eq!(account(&world, "licence_line").await, (0, 0), "it never came to this receiver");
    assert_eq!(account(&world, "plan_flow").await, (0, 1_200_000), "it has moved out all the same");
    let doc = manifest.get(&world, signatory).await;
    assert_eq!((&doc["state"], doc.get("received_on")), (&json!("refused"), Some(&Value::Null)));
    manifest.act(&world, signatory, "turn_back", back.clone()).await.refused(409, "nothing-to-send-on");
    let doc = linked.get(&world, signatory).await;
    assert_eq!((&doc["declared_g"], &doc["linked_from"]), (&json!(1_200_000), &json!(manifest.id)));
    assert_eq!(doc["parts"]["consignment"][0]["content"]["link"]["holder"]["unit_id"], json!(district.carrier.id));

    // Cancelled, the consignor is asked again; void, nothing is given back twice.
    done(&world, &mut linked, signatory, "cancel", json!({ "reason": "改送" })).await;
    let list = world.get(signatory, "/api/v1/manifests?waiting_for_me=true").await.ok();
    assert_eq!(list["items"][0]["waiting_for"], json!(["turn_back"]));
    let answer = manifest.act(&world, signatory, "turn_back", back).await.ok();
    manifest.took(&answer);
    let mut linked = Manifest::of(&answer);

    // The carrier holds and gives; the consignor's own site takes it in.
    done(&world, &mut linked, district.carrier.who("dispatcher"), "assign", json!({ "trip": district.trip() })).await;
    linked.act(&world, signatory, "release", release(1_200_000)).await.refused(403, "forbidden");
    done(&world, &mut linked, district.carrier.who("dispatcher"), "release", release(1_200_000)).await;
    done(&world, &mut linked, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })).await;
    done(&world, &mut linked, signatory, "receive", json!({})).await;
    done(&world, &mut linked, signatory, "confirm", json!({})).await;
    assert_eq!(linked.last["result"]["state"], "confirmed");
    for (one, kind) in [(&manifest, "released"), (&manifest, "refused"), (&linked, "released"), (&linked, "received")] {
        assert_eq!(standing(&world, one, kind).await, 1_200_000, "{kind}");
    }
    assert_eq!(world.number("SELECT sum(mass_g)::bigint AS n FROM lot_edges WHERE kind = 'move'").await, 1_200_000);
    let officer = world.authority("210213").await;
    done(&world, &mut manifest, &officer.admin, "void", json!({ "reason": "归档" })).await;
    assert_eq!(accounts(&world).await, 0);
}

#[actix_web::test]
async fn a_refused_load_leaves_the_licence_and_stays_on_plan_and_approval_wherever_it_was_refused() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // 长春市南关区: another province.
    let far = Receiver::new(&world, &district, "220102", 1_000_000_000).await;
    let approval = json!({
        "site_id": district.plant_site, "receiver_id": far.party.id, "code": "900-249-08", "method": "R9", "approved_g": 10_000_000,
        "decision_no": "辽环函 1", "decided_on": "2026-11-23", "applied_until": "2027-06-30", "licence_valid_to": "2027-03-31",
    });
    world.post(&district.plant.admin, "/api/v1/approvals", approval).await.ok();
    let officer = world.authority("210213").await;
    for (times, at_the_gate) in [(1, true), (2, false)] {
        let issued = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", far.manifest(&district, 1_200_000)).await.ok();
        let mut manifest = Manifest::of(&issued);
        district.bring_to(&world, &mut manifest, "arrived").await;
        if at_the_gate {
            done(&world, &mut manifest, far.party.who("weigher"), "receive", json!({})).await;
            let verdict = json!({ "lines": [{ "line": 1, "decision": "none", "reasons": ["packaging_or_label"] }] });
            done(&world, &mut manifest, far.party.who("signatory"), "confirm", verdict).await;
        } else {
            done(&world, &mut manifest, far.party.who("weigher"), "not_received", json!({ "reason": "closed" })).await;
            let back = json!({
                "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "本单位决定",
                "planned_departure_on": "2026-11-23", "planned_receipt_on": "2026-11-24",
            });
            done(&world, &mut manifest, district.plant.who("signatory"), "turn_back", back).await;
        }
        assert_eq!(manifest.last["result"]["state"], "refused");
        assert_eq!(account(&world, "licence_line").await, (0, 0));
        assert_eq!(account(&world, "plan_flow").await, (0, times * 1_200_000));
        assert_eq!(account(&world, "approval").await, (0, times * 1_200_000));
        if !at_the_gate {
            // A corrected mass corrects what has moved out, and a void gives all of it back.
            let change = json!({ "part": "release", "part_no": 1, "pointer": "/lines/0/released_g", "value": 1_100_000 });
            done(&world, &mut manifest, district.plant.who("signatory"), "correct", json!({ "reason": "笔误", "changes": [change] })).await;
            done(&world, &mut manifest, district.carrier.who("dispatcher"), "agree", json!({})).await;
            assert_eq!((account(&world, "approval").await, account(&world, "licence_line").await), ((0, 2_300_000), (0, 0)));
            done(&world, &mut manifest, &officer.admin, "void", json!({ "reason": "归档" })).await;
            assert_eq!((account(&world, "approval").await, account(&world, "licence_line").await), ((0, 1_200_000), (0, 0)));
            assert_eq!(account(&world, "plan_flow").await, (0, 1_200_000));
        }
    }
}

#[actix_web::test]
async fn the_gate_tells_of_the_arrival_or_the_driver_signs_it_there() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let weigher = district.works.who("weigher");
    for by_driver in [false, true] {
        let mut manifest = district.issue(&world, 1_200_000).await;
        district.bring_to(&world, &mut manifest, "in_transit").await;
        let mut arrive = json!({});
        if by_driver {
            let path = format!("/api/v1/manifests/{}/one_time_codes", manifest.id);
            let driver = district.carrier.who("driver");
            let answer = world.post(driver, &path, json!({ "act": "arrive" })).await.ok();
            arrive["driver_code"] = answer["secret"]["code"].clone();
        }
        let body = json!({ "arrive": arrive, "receive": {} });
        let path = format!("/api/v1/manifests/{}/gate", manifest.id);
        let key = format!("gate-{by_driver}");
        let first = world.act(weigher, &path, Some(manifest.version), &key, body.clone()).await;
        manifest.took(&first.clone().ok());
        let doc = manifest.get(&world, &district.works.admin).await;
        assert_eq!(doc["parts"]["receipt"][0]["content"]["skipped"], json!([]), "an arrival that is told of is not skipped");
        assert_eq!(doc["parts"]["arrival"][0]["content"].get("by_gate").is_some(), !by_driver);
        let flags = manifest.flags(&world, &district).await;
        assert_eq!(flags.contains(&"arrived-by-gate".to_owned()), !by_driver);
        assert!(!flags.contains(&"signature-skipped".to_owned()), "{flags:?}");
    }
}

#[actix_web::test]
async fn an_offer_taken_back_and_made_again_leaves_one_set_of_lots() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    done(&world, &mut manifest, district.plant.who("signatory"), "withdraw", json!({ "reason": "重新称重" })).await;
    assert_eq!(standing(&world, &manifest, "released").await, 0, "nothing has left");
    done(&world, &mut manifest, district.plant.who("signatory"), "release", release(1_100_000)).await;
    done(&world, &mut manifest, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })).await;
    assert_eq!(standing(&world, &manifest, "released").await, 1_100_000);
}

#[actix_web::test]
async fn a_correction_after_the_take_over_adjusts_the_graph() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let change = |part: &str, pointer: &str, value: Value| json!({ "part": part, "part_no": 1, "pointer": pointer, "value": value });
    let changes = json!([
        change("release", "/lines/0/released_g", json!(1_250_000)),
        change("verdict", "/lines/0/accepted_g", json!(1_000_000)),
        change("verdict", "/lines/0/decision", json!("part")),
        change("verdict", "/lines/0/reasons", json!(["packaging_or_label"])),
    ]);
    let body = json!({ "reason": "笔误", "changes": changes });
    done(&world, &mut manifest, district.plant.who("signatory"), "correct", body).await;
    for party in [district.carrier.who("dispatcher"), district.works.who("signatory")] {
        done(&world, &mut manifest, party, "agree", json!({})).await;
    }
    assert_eq!(manifest.last["result"]["facts"]["applied"], true);
    assert_eq!(standing(&world, &manifest, "released").await, 1_250_000);
    assert_eq!(standing(&world, &manifest, "received").await, 1_000_000);
    assert_eq!(standing(&world, &manifest, "refused").await, 200_000);
}

#[actix_web::test]
async fn a_line_given_twice_is_refused_at_the_second_place() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let mut twice = release(600_000);
    let again = json!({ "line": 1, "released_g": 600_000, "basis": "scale" });
    twice["lines"].as_array_mut().unwrap().push(again);
    let problem = manifest.act(&world, district.plant.who("signatory"), "release", twice).await.refused(422, "line-twice");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/1/line");
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let masses = json!([{ "line": 1, "mass_g": 1_000_000 }, { "line": 1, "mass_g": 200_000 }]);
    let problem =
        manifest.act(&world, district.works.who("weigher"), "receive", json!({ "masses": masses.clone() })).await.refused(422, "line-twice");
    assert_eq!(problem["errors"][0]["pointer"], "/masses/1/line");
    let body = json!({ "count": 3, "planned_departure_on": "2026-11-25", "planned_receipt_on": "2026-11-26", "masses": masses });
    let path = format!("/api/v1/manifests/{}/duplicate", manifest.id);
    world.post(district.plant.who("clerk"), &path, body).await.refused(422, "line-twice");
    assert_eq!(world.number("SELECT count(*) AS n FROM manifest_drafts").await, 0);
}
