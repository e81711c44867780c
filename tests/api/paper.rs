//! Paper manifests: one paper of a consignor is one manifest, and what is owed for it ends when it was dealt with.

use serde_json::{Value, json};

use crate::district::{District, Manifest, release, site};
use crate::harness::{Answer, World};

fn on_paper(paper_no: &str) -> Value {
    let mut body = release(1_200_000);
    body["paper_no"] = json!(paper_no);
    body
}

async fn back_enter(world: &World, district: &District, paper_no: &str) -> Answer {
    let body = json!({
        "manifest": district.manifest(1_200_000), "paper_no": paper_no, "reason": "国家系统停机", "trip": district.trip(),
        "released_at": "2026-11-20T02:00:00Z",
    });
    world.post(district.plant.who("clerk"), "/api/v1/manifests:back_enter", body).await
}

async fn assigned(world: &World, district: &District) -> Manifest {
    let mut manifest = district.issue(world, 1_200_000).await;
    district.bring_to(world, &mut manifest, "assigned").await;
    manifest
}

/// Back-entries that somebody still owes.
async fn owed(world: &World) -> i64 {
    world.number("SELECT count(*) AS n FROM manifest_tasks WHERE act = 'record_official_no'").await
}

#[actix_web::test]
async fn a_paper_that_is_on_a_manifest_already_is_not_entered_again_and_the_refusal_names_that_manifest() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let signatory = district.plant.who("signatory");
    let mut first = assigned(&world, &district).await;
    first.took(&first.act(&world, signatory, "release", on_paper("zz-001")).await.ok());
    let doc = first.get(&world, signatory).await;
    assert_eq!(doc["paper_no"], "ZZ-001", "the paper is found from the release on");
    let before = world.events().await;
    for same in ["ZZ-001", " zz-001 "] {
        let problem = back_enter(&world, &district, same).await.refused(409, "paper-number-taken");
        assert_eq!((&problem["manifest_id"], &problem["errors"][0]["pointer"]), (&json!(first.id), &json!("/paper_no")));
        assert!(problem["detail"].as_str().unwrap().contains(&first.id.to_string()), "{problem}");
        assert!(problem["help"][0]["path"].as_str().unwrap().contains(&first.id.to_string()), "{problem}");
    }
    let second = assigned(&world, &district).await;
    second.act(&world, signatory, "release", on_paper("ZZ-001")).await.refused(409, "paper-number-taken");
    assert_eq!(world.events().await, before + 2, "nothing but the issue and the assignment of the second");
    // Another paper of the same consignor is another manifest, entered first or last.
    let entered = Manifest::of(&back_enter(&world, &district, "ZZ-002").await.ok());
    let problem = second.act(&world, signatory, "release", on_paper("ZZ-002")).await.refused(409, "paper-number-taken");
    assert_eq!(problem["manifest_id"], json!(entered.id));
}

#[actix_web::test]
async fn the_same_paper_number_of_another_consignor_is_another_paper() {
    let world = World::new().await;
    let mut district = District::new(&world).await;
    back_enter(&world, &district, "ZZ-001").await.ok();
    back_enter(&world, &district, "ZZ-001").await.refused(409, "paper-number-taken");
    let other = world.unit("演示·另一工厂", "210213", &["clerk", "signatory"]).await;
    district.plant_site = site(&world, &other, "二号厂区").await;
    district.plant = other;
    // A fact: that no plan covers it is flagged.
    back_enter(&world, &district, "ZZ-001").await.ok();
    assert_eq!(world.number("SELECT count(*) AS n FROM manifests WHERE paper_no = 'ZZ-001'").await, 2);
}

#[actix_web::test]
async fn a_release_taken_back_gives_its_paper_back() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let signatory = district.plant.who("signatory");
    let mut manifest = assigned(&world, &district).await;
    manifest.took(&manifest.act(&world, signatory, "release", on_paper("ZZ-001")).await.ok());
    assert_eq!(owed(&world).await, 1);
    manifest.took(&manifest.act(&world, signatory, "withdraw", json!({ "reason": "改期" })).await.ok());
    assert_eq!((owed(&world).await, &manifest.get(&world, signatory).await["paper_no"]), (0, &Value::Null));
    back_enter(&world, &district, "ZZ-001").await.ok();
}

#[actix_web::test]
async fn what_is_owed_for_a_paper_ends_with_its_national_number_or_when_its_manifest_is_void() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let mut wrong = assigned(&world, &district).await;
    wrong.took(&wrong.act(&world, district.plant.who("signatory"), "release", on_paper("ZZ-001")).await.ok());
    assert_eq!(owed(&world).await, 1);
    wrong.took(&wrong.act(&world, &officer.admin, "void", json!({ "reason": "应补录为另一联单" })).await.ok());
    assert_eq!(owed(&world).await, 0, "for what is void nothing is owed, and nobody could do it");
    // A void manifest frees its paper, but only once.
    let mut entered = Manifest::of(&back_enter(&world, &district, "ZZ-001").await.ok());
    back_enter(&world, &district, "ZZ-001").await.refused(409, "paper-number-taken");
    assert_eq!(owed(&world).await, 1);
    let number = json!({ "official_no": "20262102000101" });
    entered.took(&entered.act(&world, district.plant.who("clerk"), "record_official_no", number).await.ok());
    assert_eq!(owed(&world).await, 0);
    let problem = back_enter(&world, &district, "ZZ-001").await.refused(409, "paper-number-taken");
    assert!(problem["detail"].as_str().unwrap().contains("20262102000101"), "{problem}");
    // What happens to a void load on the road brings no duty back.
    wrong.took(&wrong.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok());
    assert_eq!(owed(&world).await, 0);
}
