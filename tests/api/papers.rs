//! Papers beside the plan, and industrial solid waste for another province.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::attachments::upload;
use crate::district::{District, faults};
use crate::harness::{JINZHOU, World, id, text};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn contingency(district: &District, valid_to: &str) -> Value {
    json!({
        "site_id": district.plant_site, "kind": "contingency_plan", "number": "210213-2026-011-L", "issuer": "金普新区生态环境分局",
        "issued_on": "2026-01-10", "valid_to": valid_to, "says": "三年修订一次",
    })
}

async fn warned(world: &World, district: &District, plan: &str) -> bool {
    let told = world.get(district.plant.who("clerk"), &format!("{plan}/check")).await.ok();
    told["warnings"].as_array().unwrap().iter().any(|one| one["code"] == "plan-contingency-missing")
}

#[actix_web::test]
async fn a_paper_counts_to_its_last_day_and_its_want_only_warns() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (clerk, officer) = (district.plant.who("clerk"), world.authority(JINZHOU).await);
    let plan = world.post(clerk, "/api/v1/plans", json!({ "site_id": district.plant_site, "year": 2026 })).await.ok();
    let plan = format!("/api/v1/plans/{}", id(&plan["id"]));
    assert!(warned(&world, &district, &plan).await);
    let mut body = contingency(&district, "2026-11-24");
    let hash = text(&upload(&world, clerk, b"%PDF-1.7 plan\n%%EOF\n").await.ok()["done"][0]["result"]["sha256"]);
    body["attachments"] = json!([hash]);
    let paper = format!("/api/v1/papers/{}", id(&world.post(clerk, "/api/v1/papers", body).await.ok()["done"][0]["subject_id"]));
    assert!(!warned(&world, &district, &plan).await);
    let shown = world.get(&officer.admin, &paper).await.ok();
    assert_eq!((&shown["is_in_force"], &shown["days_left"], &shown["attachments"]), (&json!(true), &json!(1), &json!([hash])));
    assert_eq!(world.get(&officer.admin, &format!("/api/v1/attachments/{hash}")).await.status, 200);
    world.get(&district.works.admin, &paper).await.refused(404, "not-found");
    world.clock.set(at("2026-11-25T00:00:00+08:00"));
    assert_eq!(world.get(clerk, &paper).await.ok()["is_in_force"], false);
    assert!(warned(&world, &district, &plan).await);
    // Nothing is refused for want of one.
    world.post_seen(clerk, &format!("{plan}/file"), 1, json!({})).await.ok();

    let reason = json!({ "reason": "已修订" });
    world.post_seen(&officer.admin, &format!("{paper}/retire"), 1, reason.clone()).await.refused(403, "forbidden");
    world.post_seen(&district.works.admin, &format!("{paper}/retire"), 1, reason.clone()).await.refused(404, "not-found");
    world.post_seen(clerk, &format!("{paper}/retire"), 1, reason.clone()).await.ok();
    world.post_seen(clerk, &format!("{paper}/retire"), 2, reason).await.refused(409, "paper-retired-already");
}

#[actix_web::test]
async fn a_paper_is_of_an_own_site_and_its_days_are_in_order() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let mut wrong = contingency(&district, "2026-01-09");
    wrong["site_id"] = json!(district.works_site);
    let problem = world.post(clerk, "/api/v1/papers", wrong).await.refused(422, "rules-refuse");
    assert_eq!(faults(&problem), ["record-site-not-own", "record-days-out-of-order"]);
    for kind in ["drill", "emergency_equipment", "liability_insurance", "training"] {
        let body = json!({ "site_id": district.plant_site, "kind": kind, "issued_on": "2026-11-01", "valid_to": "2026-11-20" });
        let answer = world.post(clerk, "/api/v1/papers", body).await.ok();
        assert_eq!(answer["warnings"][0]["code"], "paper-expired");
    }
    assert_eq!(world.get(clerk, "/api/v1/papers?limit=3").await.ok()["items"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn industrial_waste_for_another_province_is_approved_for_disposal_and_told_for_use() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let far = world.unit("演示·长春建材", "220102", &[]).await;
    let clerk = district.plant.who("clerk");
    let body = |purpose: &str, more: Value| {
        let mut body = json!({
            "site_id": district.plant_site, "receiver_id": far.id, "code": "900-001-S17", "purpose": purpose, "mass_g": { "v": "500", "u": "t" },
            "from_on": "2026-11-20", "until_on": "2027-11-19",
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let approved = json!({ "decision_no": "辽环固〔2026〕3号", "decided_on": "2026-11-18" });
    let told = json!({ "told_origin_on": "2026-11-18", "told_destination_on": "2026-11-19" });
    for (purpose, more) in [("use", json!({})), ("use", approved.clone()), ("disposal", told.clone()), ("storage", json!({ "decision_no": "1" }))] {
        world.post(clerk, "/api/v1/general_transfers", body(purpose, more)).await.refused(422, "general-not-whole");
    }
    let near = json!({ "receiver_id": district.works.id, "decision_no": "1", "decided_on": "2026-11-18" });
    world.post(clerk, "/api/v1/general_transfers", body("disposal", near)).await.refused(422, "general-same-province");
    let disposal = world.post(clerk, "/api/v1/general_transfers", body("disposal", approved)).await.ok();
    assert_eq!(disposal["done"][0]["result"]["kind"], "general_approval");
    let using = world.post(clerk, "/api/v1/general_transfers", body("use", told)).await.ok();
    assert_eq!((&using["done"][0]["result"]["kind"], &using["warnings"]), (&json!("general_notice"), &json!([])));
    let late = json!({ "told_origin_on": "2026-11-18", "told_destination_on": "2026-11-20" });
    let late = world.post(clerk, "/api/v1/general_transfers", body("use", late)).await.ok();
    assert_eq!(late["warnings"][0]["code"], "general-told-late");
    let path = format!("/api/v1/general_transfers/{}", id(&disposal["done"][0]["subject_id"]));
    world.get(&far.admin, &path).await.ok();
    world.get(&district.carrier.admin, &path).await.refused(404, "not-found");

    let mut conn = world.app.db.get().await.unwrap();
    let code = serde_json::from_value(json!("900-001-S17")).unwrap();
    for (on, purpose, found) in [
        ("2026-11-19", liandan::filing::TransferPurpose::Disposal, false),
        ("2026-11-20", liandan::filing::TransferPurpose::Disposal, true),
        ("2026-11-20", liandan::filing::TransferPurpose::Storage, false),
        ("2027-11-20", liandan::filing::TransferPurpose::Disposal, false),
    ] {
        let ends = (district.plant_site, far.id);
        let cover = liandan::filing::general_transfer_for(&mut conn, ends, &code, purpose, on.parse().unwrap()).await.unwrap();
        assert_eq!(cover.is_some(), found, "{on} {purpose:?}");
    }
}
