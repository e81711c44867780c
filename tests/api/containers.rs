//! Containers and what is in them: labels, codes, and their way over manifests.

use serde_json::{Value, json};

use crate::district::{District, Manifest, OIL, site};
use crate::harness::{JINZHOU, World, id, text};
use crate::ledger::{ACID, Books, kinds};

#[actix_web::test]
async fn a_drum_is_filled_once_under_a_label_of_its_own() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let stranger = world.unit("大连开发区电镀厂", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let drums = books.containers(3, true).await;
    let label = json!({ "form": "liquid", "main_components": "矿物油", "harmful_components": "石油烃", "precautions": "防火" });
    let body = json!({
        "label": label, "containers": [{ "container_id": drums[0], "mass_g": 180_000 }, { "container_id": drums[1], "mass_g": 170_000 }],
        "stored": { "facility_id": books.store },
    });
    let facts = books.done("generated", body).await;
    let codes: Vec<String> = facts["fillings"].as_array().unwrap().iter().map(|one| text(&one["filling"])).collect();
    assert_eq!(codes, [format!("{}9002490820261123001", unit.uscc), format!("{}9002490820261123002", unit.uscc)]);
    assert_eq!(books.closing(OIL).await, 350_000);
    let path = format!("/api/v1/fillings/{}", codes[0]);
    let scanned = world.get(unit.who("clerk"), &path).await.ok();
    let label = &scanned["label"];
    assert_eq!(
        (&label["category"], &label["mass_t"], &label["form"], &label["unit_name"], &label["precautions"]),
        (&json!("HW08"), &json!("0.18"), &json!("液态"), &json!("大连金州化工有限公司"), &json!("防火"))
    );
    assert_eq!(label["size"], json!({ "side_mm": 150, "labels": 1 }));
    assert_eq!(id(&scanned["filling"]["facility_id"]), books.store);
    world.get(stranger.who("clerk"), &path).await.refused(404, "not-found");
    world.get(unit.who("clerk"), "/api/v1/fillings/%00").await.refused(404, "not-found");
    // The same drum again is what is in it, counted twice.
    let again = books.record("generated", json!({ "containers": [{ "container_id": drums[0], "mass_g": 180_000 }] })).await;
    let problem = again.refused(409, "counted-twice");
    assert!(text(&problem["detail"]).contains("HWCS20261123001") && text(&problem["detail"]).contains(&codes[0]), "{problem}");
    // Another waste than the label says is not taken out of it.
    let wrong = json!({ "code": ACID, "containers": [{ "filling": codes[0] }], "facility_id": books.burner, "method": "D10" });
    let problem = books.record("disposed_on_site", wrong).await.refused(422, "filling-of-other-code");
    assert_eq!(problem["errors"][0]["pointer"], "/containers/0");
    // Part of it is used; then the rest, and the drum is empty and may be filled again.
    let part = |mass_g: i64| json!({ "containers": [{ "filling": codes[0], "mass_g": mass_g }], "facility_id": books.still, "method": "R9" });
    books.record("used_on_site", part(180_001)).await.refused(422, "more-than-is-there");
    let first = books.done("used_on_site", part(100_000)).await;
    books.done("used_on_site", part(80_000)).await;
    let problem = books.record("used_on_site", part(1)).await.refused(409, "filling-taken");
    assert!(text(&problem["detail"]).contains("HWZXLY20261123002"), "{problem}");
    let drum = |value: &Value| (text(&value["state"]), value["left_g"].as_i64());
    let scan = format!("/api/v1/containers/{}", drums[0]);
    assert_eq!(drum(&world.get(unit.who("clerk"), &scan).await.ok()), ("empty".into(), None));
    // A slip is put right, and the drum holds again what was not used.
    let correct = format!("/api/v1/ledger/entries/{}/correct", text(&first["entry_id"]));
    world.post_seen(unit.who("clerk"), &correct, 1, json!({ "reason": "未使用" })).await.ok();
    assert_eq!(drum(&world.get(unit.who("clerk"), &scan).await.ok()), ("filled".into(), Some(100_000)));
    assert_eq!(books.closing(OIL).await, 270_000);
    books.done("used_on_site", part(100_000)).await;
    assert_eq!(books.fill(drums[0], 10).await, format!("{}9002490820261123003", unit.uscc));
    let history = world.get(unit.who("clerk"), &scan).await.ok()["history"].clone();
    assert_eq!(history.as_array().unwrap().len(), 2);
    // A bag is for one filling; a slip is none.
    let bag = books.containers(1, false).await[0];
    let heavy = json!({ "containers": [{ "container_id": bag, "mass_g": 50_000 }], "stored": { "facility_id": books.store } });
    let slip = books.done("generated", heavy).await;
    let light =
        books.entry("generated", json!({ "containers": [{ "container_id": bag, "mass_g": 5_000 }], "stored": { "facility_id": books.store } }));
    let correct = format!("/api/v1/ledger/entries/{}/correct", text(&slip["entry_id"]));
    let before = books.closing(OIL).await;
    let answer = world.post_seen(unit.who("clerk"), &correct, 1, json!({ "reason": "多写一个零", "entry": light })).await.ok();
    assert_eq!(books.closing(OIL).await, before - 45_000, "what was stored at once is taken back with it");
    let again = text(&answer["done"][1]["result"]["fillings"][0]["filling"]);
    books.done("disposed_on_site", json!({ "containers": [{ "filling": again }], "facility_id": books.burner, "method": "D10" })).await;
    books.record("generated", json!({ "containers": [{ "container_id": bag, "mass_g": 5 }] })).await.refused(409, "container-not-reusable");
    let bag = books.containers(1, false).await[0];
    let code = books.fill(bag, 5).await;
    books.done("used_on_site", json!({ "containers": [{ "filling": code }], "facility_id": books.still, "method": "R9" })).await;
    books.record("generated", json!({ "containers": [{ "container_id": bag, "mass_g": 5 }] })).await.refused(409, "container-not-reusable");
}

#[actix_web::test]
async fn the_serial_of_a_label_grows_beyond_its_digits() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let drums = books.containers(2_000, true).await;
    for (half, count) in [(&drums[..500], 500), (&drums[500..999], 999), (&drums[999..1001], 1001)] {
        let containers: Vec<Value> = half.iter().map(|id| json!({ "container_id": id, "mass_g": 1_000 })).collect();
        let facts = books.done("generated", json!({ "containers": containers })).await;
        let last = text(&facts["fillings"].as_array().unwrap().last().unwrap()["filling"]);
        assert!(last.ends_with(&format!("20261123{count:03}")), "{last}");
    }
    assert_eq!(world.number("SELECT count(DISTINCT code) AS n FROM fillings").await, 1001);
    assert_eq!(books.closing(OIL).await, 1_001_000);
    let body = json!({ "site_id": books.site, "kind": "drum", "count": 2_001, "capacity_ml": 200_000, "is_reusable": true });
    world.post(unit.who("clerk"), "/api/v1/containers:batch", body).await.refused(400, "bad-shape");
}

/// A release of one line by containers.
fn release(containers: &[(&str, i64)], basis: &str) -> Value {
    let total: i64 = containers.iter().map(|(_, mass_g)| mass_g).sum();
    let containers: Vec<Value> = containers.iter().map(|(code, mass_g)| json!({ "code": code, "mass_g": mass_g })).collect();
    json!({ "lines": [{ "line": 1, "released_g": total, "basis": basis, "containers": containers }] })
}

async fn done(world: &World, manifest: &mut Manifest, who: &crate::harness::Person, act: &str, body: Value) -> Value {
    let answer = manifest.act(world, who, act, body).await.ok();
    manifest.took(&answer);
    answer
}

async fn carry(world: &World, district: &District, manifest: &mut Manifest) {
    done(world, manifest, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })).await;
    done(world, manifest, district.carrier.who("driver"), "arrive", json!({ "plate": "辽B12345" })).await;
}

#[actix_web::test]
async fn a_release_takes_its_drums_out_of_the_ledger_and_a_withdrawal_puts_them_back() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let plant = &district.plant;
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let drums = books.containers(3, true).await;
    let (a, b) = (books.fill(drums[0], 600_000).await, books.fill(drums[1], 600_000).await);
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let load = release(&[(&a, 600_000), (&b, 590_000)], "containers");
    let answer = done(&world, &mut manifest, plant.who("signatory"), "release", load.clone()).await;
    assert_eq!(crate::district::warnings(&answer), ["filling-mass-differs"]);
    let ledger = &answer["done"][0]["result"]["facts"]["ledger"][0];
    assert_eq!(
        (&ledger["batch"], &ledger["mass_g"], &ledger["difference_g"], &ledger["short_g"]),
        (&json!("HWWWLY20261123001"), &json!(1_190_000), &json!(-10_000), &json!(0))
    );
    assert_eq!(books.closing(OIL).await, 0);
    let breaks = books.breaks().await;
    assert_eq!((kinds(&breaks), &breaks[0]["filling"], &breaks[0]["mass_g"]), (vec!["released_less_than_content"], &json!(b), &json!(10_000)));
    // Whoever has another manifest cannot load them too.
    let mut other = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut other, "assigned").await;
    let problem = other.act(&world, plant.who("signatory"), "release", load.clone()).await.refused(409, "filling-on-manifest");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/0/containers/0/code");
    assert!(text(&problem["errors"][0]["message"]).contains(&manifest.id.to_string()));
    done(&world, &mut manifest, plant.who("signatory"), "withdraw", json!({ "reason": "重新称重" })).await;
    assert_eq!(books.closing(OIL).await, 1_200_000);
    assert_eq!(kinds(&books.breaks().await), [] as [&str; 0]);
    let scan = world.get(plant.who("clerk"), &format!("/api/v1/containers/{}", drums[1])).await.ok();
    assert_eq!((&scan["state"], &scan["left_g"]), (&json!("filled"), &json!(600_000)));
    done(&world, &mut manifest, plant.who("signatory"), "release", release(&[(&a, 600_000), (&b, 600_000)], "containers")).await;
    carry(&world, &district, &mut manifest).await;
    assert_eq!(books.closing(OIL).await, 0);
    // What left came out of the ledger: the released lot hangs on what was given.
    assert_eq!(world.number("SELECT sum(mass_g)::bigint AS n FROM lot_edges WHERE kind = 'send'").await, 1_200_000);
    let entries = world.get(plant.who("clerk"), "/api/v1/ledger/entries?kind=sent").await.ok();
    let entry = &entries["items"][0];
    assert_eq!((id(&entry["manifest_id"]), &entry["receiver"]["name"]), (manifest.id, &json!("演示·处置中心")));
    let correct = format!("/api/v1/ledger/entries/{}/correct", text(&entry["id"]));
    world.post_seen(plant.who("clerk"), &correct, 0, json!({ "reason": "笔误" })).await.refused(409, "entry-of-manifest");
}

#[actix_web::test]
async fn drums_go_into_the_receivers_ledger_and_out_of_it_when_they_are_treated() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (plant, works) = (&district.plant, &district.works);
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let theirs = Books::of(&world, &works.admin, works.who("clerk"), district.works_site).await;
    let drums = books.containers(2, true).await;
    let (a, b) = (books.fill(drums[0], 600_000).await, books.fill(drums[1], 600_000).await);
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    done(&world, &mut manifest, plant.who("signatory"), "release", release(&[(&a, 600_000), (&b, 600_000)], "containers")).await;
    carry(&world, &district, &mut manifest).await;
    manifest.weigh(&world, &district, 10_180_000, 9_000_000).await;
    let seen = json!({ "containers_seen": [a, "别家的桶"] });
    let answer = done(&world, &mut manifest, works.who("weigher"), "receive", seen).await;
    assert_eq!(crate::district::warnings(&answer), ["containers-differ"]);
    done(&world, &mut manifest, works.who("signatory"), "confirm", json!({})).await;
    assert_eq!(theirs.closing(OIL).await, 1_180_000);
    let scanned = world.get(works.who("clerk"), &format!("/api/v1/fillings/{a}")).await.ok();
    assert_eq!(
        (id(&scanned["filling"]["site_id"]), &scanned["filling"]["left_g"], &scanned["filling"]["manifest_id"]),
        (district.works_site, &json!(590_000), &Value::Null)
    );
    // It is stored there, and the manifest's treatment finds it where it stands.
    theirs.done("stored", json!({ "mass_g": 1_180_000, "facility_id": theirs.store })).await;
    let treatment = |grams: i64| json!({ "line": 1, "method": "R9", "treated_g": grams, "batch": "B1" });
    let answer = done(&world, &mut manifest, works.who("clerk"), "record_treatment", treatment(1_000_000)).await;
    assert_eq!(answer["done"][0]["result"]["facts"]["ledger"][0]["batch"], "HWZXLY20261123001");
    assert_eq!(theirs.closing(OIL).await, 180_000);
    // What was used by the ledger's own entry is not there a second time: the treatment stands, and is named.
    theirs.done("used_on_site", json!({ "mass_g": 100_000, "facility_id": theirs.still, "method": "R9" })).await;
    done(&world, &mut manifest, works.who("clerk"), "record_treatment", treatment(180_000)).await;
    assert_eq!(theirs.closing(OIL).await, 0);
    let breaks = theirs.breaks().await;
    assert_eq!((kinds(&breaks), &breaks[0]["mass_g"]), (vec!["treated_without_ledger"], &json!(100_000)));
    let row = theirs.balance("").await.pop().unwrap();
    assert_eq!((&row["received_g"], &row["used_g"]), (&json!(1_180_000), &json!(1_180_000)));
}

#[actix_web::test]
async fn what_leaves_without_the_ledger_is_flagged_until_a_late_entry_covers_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let plant = &district.plant;
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    // A site that keeps its ledger elsewhere is not told so at each lorry.
    let mut first = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut first, "in_transit").await;
    assert!(!first.flags(&world, &district).await.contains(&"ledger-short".to_owned()));
    assert_eq!(kinds(&books.breaks().await), ["sent_without_ledger"]);
    // An entry of today does not cover it: it might be what arose since. One from before does, whenever it was entered.
    books.done("generated", json!({ "mass_g": 1_300_000, "happened_at": "2026-11-22T02:00:00Z" })).await;
    assert_eq!(books.closing(OIL).await, 100_000);
    assert_eq!(kinds(&books.breaks().await), [] as [&str; 0]);
    assert_eq!(world.number("SELECT sum(mass_g)::bigint AS n FROM lot_edges WHERE kind = 'send'").await, 1_200_000);
    let mut second = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut second, "offered").await;
    assert!(second.flags(&world, &district).await.contains(&"ledger-short".to_owned()));
    let breaks = books.breaks().await;
    assert_eq!((kinds(&breaks), &breaks[0]["mass_g"], id(&breaks[0]["manifest_id"])), (vec!["sent_without_ledger"], &json!(1_100_000), second.id));
    assert_eq!(books.closing(OIL).await, 0);
    done(&world, &mut second, plant.who("signatory"), "withdraw", json!({ "reason": "改日" })).await;
    assert_eq!(books.closing(OIL).await, 100_000);
    assert_eq!(kinds(&books.breaks().await), [] as [&str; 0]);
}

#[actix_web::test]
async fn refused_drums_go_home_as_the_same_fillings() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (plant, works) = (&district.plant, &district.works);
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let drum = books.containers(1, true).await[0];
    let code = books.fill(drum, 1_200_000).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let load = release(&[(&code, 1_200_000)], "containers");
    done(&world, &mut manifest, plant.who("signatory"), "release", load.clone()).await;
    carry(&world, &district, &mut manifest).await;
    manifest.weigh(&world, &district, 10_200_000, 9_000_000).await;
    done(&world, &mut manifest, works.who("weigher"), "receive", json!({})).await;
    let refuse = json!({ "lines": [{ "line": 1, "decision": "none", "reasons": ["packaging_or_label"] }] });
    done(&world, &mut manifest, works.who("signatory"), "confirm", refuse).await;
    let body = json!({
        "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话同意", "planned_departure_on": "2026-11-24", "planned_receipt_on": "2026-11-24",
    });
    let answer = done(&world, &mut manifest, works.who("signatory"), "send_on", body).await;
    let mut back = Manifest::of(&answer);
    done(&world, &mut back, district.carrier.who("dispatcher"), "assign", json!({ "trip": district.trip() })).await;
    done(&world, &mut back, works.who("signatory"), "release", load).await;
    let scanned = world.get(plant.who("clerk"), &format!("/api/v1/fillings/{code}")).await.ok();
    assert_eq!(id(&scanned["filling"]["manifest_id"]), back.id);
    carry(&world, &district, &mut back).await;
    let home = world.add_person(plant, &["weigher", "signatory"]).await;
    let mass = json!({ "masses": [{ "line": 1, "mass_g": 1_200_000 }] });
    done(&world, &mut back, &home, "receive", mass).await;
    done(&world, &mut back, &home, "confirm", json!({})).await;
    let scanned = world.get(plant.who("clerk"), &format!("/api/v1/fillings/{code}")).await.ok();
    assert_eq!((id(&scanned["filling"]["site_id"]), &scanned["filling"]["left_g"]), (district.plant_site, &json!(1_200_000)));
    assert_eq!(books.closing(OIL).await, 1_200_000);
}

#[actix_web::test]
async fn a_corrected_manifest_is_corrected_in_both_ledgers() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (plant, works) = (&district.plant, &district.works);
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let theirs = Books::of(&world, &works.admin, works.who("clerk"), district.works_site).await;
    books.done("generated", json!({ "mass_g": 2_000_000 })).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    assert_eq!((books.closing(OIL).await, theirs.closing(OIL).await), (800_000, 1_200_000));
    theirs.done("stored", json!({ "mass_g": 1_100_000, "facility_id": theirs.store })).await;
    let correct = async |manifest: &mut Manifest, changes: Value| {
        done(&world, manifest, plant.who("signatory"), "correct", json!({ "reason": "笔误", "changes": changes })).await;
        for party in [district.carrier.who("dispatcher"), works.who("signatory")] {
            done(&world, manifest, party, "agree", json!({})).await;
        }
        assert_eq!(manifest.last["result"]["facts"]["applied"], true);
    };
    let change = |part: &str, pointer: &str, value: Value| json!({ "part": part, "part_no": 1, "pointer": pointer, "value": value });
    let less = json!([
        change("release", "/lines/0/released_g", json!(1_150_000)),
        change("verdict", "/lines/0/accepted_g", json!(1_000_000)),
        change("verdict", "/lines/0/decision", json!("part")),
        change("verdict", "/lines/0/reasons", json!(["packaging_or_label"])),
    ]);
    correct(&mut manifest, less).await;
    assert_eq!((books.closing(OIL).await, theirs.closing(OIL).await), (850_000, 1_000_000));
    correct(&mut manifest, json!([change("release", "/lines/0/released_g", json!(2_100_000))])).await;
    assert_eq!((books.closing(OIL).await, theirs.closing(OIL).await), (0, 1_000_000));
    let breaks = books.breaks().await;
    assert_eq!((kinds(&breaks), &breaks[0]["mass_g"]), (vec!["sent_without_ledger"], &json!(100_000)), "2,000,000 g were there");
}

#[actix_web::test]
async fn a_release_corrected_before_the_road_is_taken_back_whole() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let plant = &district.plant;
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let drum = books.containers(1, true).await[0];
    let code = books.fill(drum, 600_000).await;
    books.done("generated", json!({ "mass_g": 50_000 })).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    done(&world, &mut manifest, plant.who("signatory"), "release", release(&[(&code, 600_000)], "scale")).await;
    let changes = json!([{ "part": "release", "part_no": 1, "pointer": "/lines/0/released_g", "value": 580_000 }]);
    done(&world, &mut manifest, plant.who("signatory"), "correct", json!({ "reason": "看错秤", "changes": changes })).await;
    // The drum went as it is, and held less than the books said.
    assert_eq!(books.closing(OIL).await, 50_000);
    let row = books.balance("").await.pop().unwrap();
    assert_eq!((&row["sent_g"], &row["adjusted_g"]), (&json!(580_000), &json!(-20_000)));
    assert_eq!(kinds(&books.breaks().await), ["released_less_than_content"]);
    done(&world, &mut manifest, plant.who("signatory"), "withdraw", json!({ "reason": "改日" })).await;
    assert_eq!(books.closing(OIL).await, 650_000);
    let row = books.balance("").await.pop().unwrap();
    assert_eq!((&row["sent_g"], &row["adjusted_g"]), (&json!(0), &json!(0)));
}

#[actix_web::test]
async fn empties_go_home_on_a_note_and_what_did_not_come_stays_away() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (plant, works) = (&district.plant, &district.works);
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let theirs = Books::of(&world, &works.admin, works.who("clerk"), district.works_site).await;
    let drums = books.containers(2, true).await;
    let bag = books.containers(1, false).await[0];
    let mut load = Vec::new();
    for container in [drums[0], drums[1], bag] {
        load.push(books.fill(container, 400_000).await);
    }
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let load: Vec<(&str, i64)> = load.iter().map(|code| (code.as_str(), 400_000)).collect();
    done(&world, &mut manifest, plant.who("signatory"), "release", release(&load, "containers")).await;
    carry(&world, &district, &mut manifest).await;
    manifest.weigh(&world, &district, 10_200_000, 9_000_000).await;
    done(&world, &mut manifest, works.who("weigher"), "receive", json!({})).await;
    done(&world, &mut manifest, works.who("signatory"), "confirm", json!({})).await;
    let note = |containers: Value| json!({ "site_id": district.works_site, "to_site_id": district.plant_site, "containers": containers, "plate": "辽B12345", "sent_on": "2026-11-23" });
    // What is full does not go home.
    world.post(works.who("clerk"), "/api/v1/custody_notes", note(json!([drums[0]]))).await.refused(409, "container-not-here");
    let treatment = json!({ "line": 1, "method": "R9", "treated_g": 1_200_000, "batch": "B1" });
    done(&world, &mut manifest, works.who("clerk"), "record_treatment", treatment).await;
    assert_eq!(theirs.closing(OIL).await, 0);
    // A bag is waste when it is empty.
    world.post(works.who("clerk"), "/api/v1/custody_notes", note(json!([bag]))).await.refused(422, "empty-is-waste");
    let mut elsewhere = note(json!([drums[0]]));
    elsewhere["to_site_id"] = json!(district.works_site);
    world.post(works.who("clerk"), "/api/v1/custody_notes", elsewhere).await.refused(422, "custody-not-to-owner");
    let sent = world.post(works.who("clerk"), "/api/v1/custody_notes", note(json!(drums))).await.ok();
    let id = text(&sent["done"][0]["subject_id"]);
    books.record("generated", json!({ "containers": [{ "container_id": drums[0], "mass_g": 5 }] })).await.refused(409, "container-not-here");
    let path = format!("/api/v1/custody_notes/{id}");
    let body = json!({ "missing": [drums[1]] });
    world.post_seen(works.who("clerk"), &format!("{path}/receive"), 1, body.clone()).await.refused(403, "forbidden");
    world.post_seen(&district.carrier.admin, &format!("{path}/receive"), 1, body.clone()).await.refused(404, "not-found");
    world.post_seen(plant.who("clerk"), &format!("{path}/receive"), 1, body.clone()).await.ok();
    world.post_seen(plant.who("clerk"), &format!("{path}/receive"), 2, body).await.refused(409, "custody-received");
    assert_eq!(world.get(works.who("clerk"), &path).await.ok()["missing"], json!([drums[1]]));
    books.fill(drums[0], 5).await;
    let away = format!("/api/v1/containers/{}", drums[1]);
    assert_eq!(world.get(plant.who("clerk"), &away).await.ok()["state"], "away");
    world.post(works.who("clerk"), &format!("{away}/retire"), json!({})).await.refused(404, "not-found");
    world.post(plant.who("clerk"), &format!("{away}/retire"), json!({})).await.ok();
    world.post(plant.who("clerk"), &format!("{away}/retire"), json!({})).await.refused(409, "container-not-retirable");
    world.post(plant.who("clerk"), &format!("/api/v1/containers/{}/retire", drums[0]), json!({})).await.refused(409, "container-not-retirable");
}

#[actix_web::test]
async fn what_comes_in_drums_is_not_taken_for_what_went_out_before() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let books = Books::of(&world, &district.plant.admin, district.plant.who("clerk"), district.plant_site).await;
    let works = Books::of(&world, &district.works.admin, district.works.who("clerk"), district.works_site).await;
    let drums = books.containers(2, true).await;
    let mut codes = Vec::new();
    for (drum, mass_g) in [(drums[0], 100_000), (drums[1], 60_000)] {
        let code = books.fill(drum, mass_g).await;
        let mut manifest = district.issue(&world, mass_g).await;
        district.bring_to(&world, &mut manifest, "assigned").await;
        done(&world, &mut manifest, district.plant.who("signatory"), "release", release(&[(&code, mass_g)], "containers")).await;
        done(&world, &mut manifest, district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })).await;
        let seen = json!({ "containers_seen": [code], "masses": [{ "line": 1, "mass_g": mass_g }] });
        done(&world, &mut manifest, district.works.who("weigher"), "receive", seen).await;
        done(&world, &mut manifest, district.works.who("signatory"), "confirm", json!({})).await;
        if codes.is_empty() {
            // The stock count loses the first drum; what is treated of it then was not there.
            works.done("counted", json!({ "mass_g": 0 })).await;
            let treated = json!({ "line": 1, "method": "R9", "treated_g": mass_g, "batch": "B1" });
            done(&world, &mut manifest, district.works.who("clerk"), "record_treatment", treated).await;
        }
        codes.push(code);
    }
    assert_eq!(works.closing(OIL).await, 60_000, "the second drum is there, whole");
    let part = json!({ "containers": [{ "filling": codes[1] }], "facility_id": works.still, "method": "R9" });
    works.done("used_on_site", part).await;
    assert_eq!(works.closing(OIL).await, 0);
}

#[actix_web::test]
async fn a_drum_filled_after_the_lorry_left_is_not_what_it_took_and_one_from_before_is() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let books = Books::of(&world, &district.plant.admin, district.plant.who("clerk"), district.plant_site).await;
    let drums = books.containers(2, true).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    world.clock.advance(chrono::Duration::hours(1));
    books.fill(drums[0], 80_000).await;
    assert_eq!(books.closing(OIL).await, 80_000, "it stands in the yard");
    // Entered now, filled before the lorry came the same day: it went with it.
    let before = json!({ "containers": [{ "container_id": drums[1], "mass_g": 1_200_000 }], "happened_at": "2026-11-22T23:00:00Z" });
    books.done("generated", before).await;
    assert_eq!(books.closing(OIL).await, 80_000);
    assert_eq!(kinds(&books.breaks().await), [] as [&str; 0]);
}
