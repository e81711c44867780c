//! From drums to manifests: what is proposed, what is left out and why, and a clerk's month to its end.

use serde_json::{Value, json};

use crate::district::{District, Manifest, OIL};
use crate::harness::{World, id, text};
use crate::ledger::Books;
use crate::pdf;

/// Drums with labels, 180 kg each: their codes.
async fn drums(books: &Books<'_>, count: u32) -> Vec<String> {
    let label = json!({ "form": "liquid", "main_components": "矿物油", "harmful_components": "石油烃", "precautions": "防火" });
    let containers: Vec<Value> = books.containers(count, true).await.iter().map(|one| json!({ "container_id": one, "mass_g": 180_000 })).collect();
    let body = json!({ "label": label, "containers": containers, "stored": { "facility_id": books.store } });
    let facts = books.done("generated", body).await;
    facts["fillings"].as_array().unwrap().iter().map(|one| text(&one["filling"])).collect()
}

fn wanted(district: &District, containers: &[String], vehicles: &[&str]) -> Value {
    let manifest = district.manifest(1);
    json!({
        "consignor_site_id": manifest["consignor_site_id"], "receiver_site_id": manifest["receiver_site_id"], "carrier_id": manifest["carrier_id"],
        "hirer": "consignor", "containers": containers, "vehicles": vehicles, "planned_departure_on": manifest["planned_departure_on"],
        "planned_receipt_on": manifest["planned_receipt_on"], "emergency_measures": "沙土吸附",
    })
}

fn reasons(prepared: &Value) -> Vec<(String, String)> {
    prepared["left_out"].as_array().unwrap().iter().map(|one| (text(&one["pointer"]), text(&one["reason"]))).collect()
}

#[actix_web::test]
async fn drums_become_a_lawful_manifest_and_at_the_months_end_a_declaration() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let books = Books::of(&world, &district.plant.admin, clerk, district.plant_site).await;
    let codes = drums(&books, 3).await;
    let prepared = world.post(clerk, "/api/v1/manifests:prepare", wanted(&district, &codes, &["辽B12345"])).await.ok();
    assert_eq!((reasons(&prepared), prepared["proposals"].as_array().unwrap().len()), (vec![], 1), "{prepared}");
    let proposal = &prepared["proposals"][0];
    let line = &proposal["manifest"]["lines"][0];
    assert_eq!((&proposal["is_lawful"], &proposal["mass_g"]), (&json!(true), &json!(540_000)), "{proposal}");
    assert_eq!(
        (&line["waste_code"], &line["packages"], &line["packaging"], &line["harmful"], &line["form"], &line["method"]),
        (&json!(OIL), &json!(3), &json!("桶装"), &json!("石油烃"), &json!("liquid"), &json!("R9"))
    );
    assert_eq!(world.number("SELECT count(*) AS n FROM manifests").await, 0, "a proposal keeps nothing");
    // One more call issues them all; sent again it says the same.
    let items = json!({ "items": [{ "client_id": proposal["client_id"], "manifest": proposal["manifest"] }] });
    let issued = world.act(clerk, "/api/v1/manifests:issue_many", None, "k", items.clone()).await.ok();
    let again = world.act(clerk, "/api/v1/manifests:issue_many", None, "k", items).await.ok();
    assert_eq!((&issued["results"][0]["status"], &issued["results"][0]["answer"]["done"]), (&json!(201), &again["results"][0]["answer"]["done"]));
    let mut manifest = Manifest::of(&issued["results"][0]["answer"]);
    district.bring_to(&world, &mut manifest, "assigned").await;
    let release = json!({ "lines": proposal["release_lines"] });
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "release", release).await.ok());
    assert_eq!(books.closing(OIL).await, 0);
    // What is on an open manifest is not proposed again.
    let prepared = world.post(clerk, "/api/v1/manifests:prepare", wanted(&district, &codes, &["辽B12345"])).await.ok();
    assert_eq!(prepared["left_out"][0]["reason"], "on-manifest");
    assert_eq!(id(&prepared["left_out"][0]["manifest_id"]), manifest.id);
    // The month's declaration is drafted from the ledger, and balances.
    let path = format!("/api/v1/declarations/draft?site_id={}&period=2026-11", district.plant_site);
    let draft = world.get(clerk, &path).await.ok();
    let row = &draft["rows"][0];
    assert_eq!((&draft["source"], &row["code"]), (&json!("ledger"), &json!(OIL)), "{draft}");
    assert_eq!((&row["opening_g"], &row["generated_g"], &row["closing_g"]), (&json!(0), &json!(540_000), &json!(0)));
    let outside = &row["outside"][0];
    assert_eq!((&outside["g"], &outside["method"], id(&outside["receiver_id"])), (&json!(540_000), &json!("R9"), district.works.id));
    // Labels and the month on paper.
    let labels = world.post(clerk, "/api/v1/labels:print", json!({ "fillings": codes })).await;
    assert!(labels.status == 200 && pdf::text(&labels.bytes).replace('\n', "").contains(&codes[2]));
    assert_eq!(pdf::pages(&labels.bytes), 3);
    let stranger = district.works.who("clerk");
    world.post(stranger, "/api/v1/labels:print", json!({ "fillings": [codes[0]] })).await.refused(422, "bad-value");
    let month = world.get(clerk, &format!("/api/v1/ledger/month.pdf?site_id={}", district.plant_site)).await;
    let words = pdf::text(&month.bytes).replace('\n', "");
    assert!(["HWCS20261123001", "HWRK20261123001", "HWWWLY20261123001"].iter().all(|batch| words.contains(batch)), "{words}");
    world.get(stranger, &format!("/api/v1/ledger/month.pdf?site_id={}", district.plant_site)).await.refused(404, "not-found");
}

#[actix_web::test]
async fn what_cannot_go_is_left_out_with_its_reason_and_lorries_are_not_overloaded() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let books = Books::of(&world, &district.plant.admin, clerk, district.plant_site).await;
    let codes = drums(&books, 3).await;
    let bare = books.fill(books.containers(1, true).await[0], 5_000).await;
    let small = json!({
        "plate": "辽B54321", "kind": "truck", "permit_no": "大运 2", "permit_classes": ["9"], "permit_valid_to": "2027-12-31", "rated_load_g": 360_000, "gb19217": false,
    });
    world.post(&district.carrier.admin, "/api/v1/vehicles", small).await.ok();
    let named = [codes[0].clone(), codes[0].clone(), "91210213MA000000009002490820261123001".to_owned(), bare, codes[1].clone(), codes[2].clone()];
    let prepared = world.post(clerk, "/api/v1/manifests:prepare", wanted(&district, &named, &["辽B54321"])).await.ok();
    let mut told = reasons(&prepared);
    told.sort();
    let reason = |pointer: &str, reason: &str| (pointer.to_owned(), reason.to_owned());
    let expected = [
        reason("/containers/1", "named-twice"),
        reason("/containers/2", "container-unknown"),
        reason("/containers/3", "label-missing"),
        reason("/containers/5", "no-room"),
    ];
    assert_eq!(told, expected, "360 kg is two drums, and not a gram more");
    assert_eq!(prepared["proposals"][0]["containers"], json!([codes[0], codes[1]]));
    // A second lorry takes the rest.
    let prepared = world.post(clerk, "/api/v1/manifests:prepare", wanted(&district, &codes, &["辽B54321", "辽B12345"])).await.ok();
    let plates: Vec<&Value> = prepared["proposals"].as_array().unwrap().iter().map(|one| &one["plate"]).collect();
    assert_eq!((reasons(&prepared), plates), (vec![], vec![&json!("辽B54321"), &json!("辽B12345")]));
    // Strangers learn nothing, and each item stands alone.
    let stranger = district.works.who("clerk");
    world.post(stranger, "/api/v1/manifests:prepare", wanted(&district, &codes, &["辽B12345"])).await.refused(404, "not-found");
    let twice = json!({ "items": [
        { "client_id": "1", "manifest": district.manifest(1_000_000) }, { "client_id": "1", "manifest": district.manifest(1_000_000) },
    ] });
    let problem = world.post(clerk, "/api/v1/manifests:issue_many", twice).await.refused(422, "bad-value");
    assert_eq!(problem["errors"][0]["pointer"], "/items/1/client_id");
    let mut nothing = district.manifest(1_000_000);
    nothing["lines"][0]["waste_code"] = json!("900-999-08");
    let mixed = json!({ "items": [{ "client_id": "1", "manifest": nothing }, { "client_id": "2", "manifest": district.manifest(1_000_000) }] });
    let results = world.post(clerk, "/api/v1/manifests:issue_many", mixed).await.ok()["results"].clone();
    assert_eq!((&results[0]["status"], &results[1]["status"]), (&json!(422), &json!(201)), "{results}");
}

#[actix_web::test]
async fn a_counted_loss_is_not_hidden_in_what_is_declared_as_generated() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let books = Books::of(&world, &district.plant.admin, clerk, district.plant_site).await;
    books.done("generated", json!({ "mass_g": 1_000_000 })).await;
    books.done("counted", json!({ "mass_g": 970_000 })).await;
    let path = format!("/api/v1/declarations/draft?site_id={}&period=2026-11", district.plant_site);
    let draft = world.get(clerk, &path).await.ok();
    let row = &draft["rows"][0];
    assert_eq!((&row["generated_g"], &row["closing_g"]), (&json!(1_000_000), &json!(970_000)), "{draft}");
    world.clock.set("2026-12-01T02:00:00Z".parse().unwrap());
    let body = json!({ "site_id": district.plant_site, "period": "2026-11", "rows": draft["rows"] });
    let problem = world.post(clerk, "/api/v1/declarations", body).await.refused(422, "declaration-unbalanced");
    assert_eq!(problem["errors"][0]["pointer"], "/rows/0");
}
