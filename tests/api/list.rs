//! The list of manifests: each filter finds what it names and nothing else, and nobody finds what he may not see.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::District;
use crate::harness::{Caller, World};

async fn found<'a>(world: &World, who: impl Into<Caller<'a>>, query: &str) -> Vec<Value> {
    let page = world.get(who, &format!("/api/v1/manifests?{query}")).await.ok();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

#[actix_web::test]
async fn each_filter_finds_what_it_names_and_nothing_else() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut carried = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut carried, "confirmed").await;
    let issued = district.issue(&world, 800_000).await;
    let officer = world.authority("210213").await;
    let (moved, waits) = (json!(carried.id), json!(issued.id));
    let number = carried.get(&world, &district.plant.admin).await["number"].as_str().unwrap().to_owned();
    let works = district.works.id;
    for (query, expected) in [
        ("state=confirmed".to_owned(), vec![&moved]),
        ("state=treated".to_owned(), vec![]),
        ("plate=%E8%BE%BDB12345".to_owned(), vec![&moved]),
        ("plate=%E8%BE%BDB99999".to_owned(), vec![]),
        ("code=900-249-08".to_owned(), vec![&waits, &moved]),
        ("code=900-214-08".to_owned(), vec![]),
        (format!("party={works}"), vec![&waits, &moved]),
        (format!("party={}", Uuid::nil()), vec![]),
        (format!("number={number}"), vec![&moved]),
        (format!("number={number}&state=issued"), vec![]),
        ("number=20262102999999".to_owned(), vec![]),
        ("from=2026-11-23".to_owned(), vec![&waits, &moved]),
        ("from=2026-11-24".to_owned(), vec![]),
        ("until=2026-11-23".to_owned(), vec![&waits, &moved]),
        ("until=2026-11-22".to_owned(), vec![]),
        ("flag=incident".to_owned(), vec![]),
    ] {
        for who in [&district.plant.admin, &officer.admin] {
            assert_eq!(found(&world, who, &query).await.iter().collect::<Vec<_>>(), expected, "{query}");
        }
    }
    let report = json!({ "kind": "leak", "place": "厂区道路", "division": "210213" });
    issued.act(&world, district.plant.who("clerk"), "report_incident", report).await.ok();
    assert_eq!(found(&world, &district.plant.admin, "flag=incident").await, [waits]);
}

#[actix_web::test]
async fn a_number_finds_nothing_for_who_may_not_see_its_manifest() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let manifest = district.issue(&world, 1_200_000).await;
    let number = manifest.get(&world, &district.plant.admin).await["number"].as_str().unwrap().to_owned();
    let stranger = world.unit("大连旁人化工有限公司", "210213", &[]).await;
    let elsewhere = world.authority("210211").await;
    for who in [&stranger.admin, &elsewhere.admin] {
        assert!(found(&world, who, &format!("number={number}")).await.is_empty());
    }
    assert_eq!(found(&world, &world.authority("210213").await.admin, &format!("number={number}")).await, [json!(manifest.id)]);
}

#[actix_web::test]
async fn a_task_opens_nothing_once_the_place_is_another_authoritys() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    let there = world.authority("210211").await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let report = json!({ "kind": "leak", "place": "沈海高速 K900", "division": "210211" });
    manifest.act(&world, district.carrier.who("driver"), "report_incident", report).await.ok();
    assert_eq!(found(&world, &there.admin, "waiting_for_me=true").await, [json!(manifest.id)]);
    let moved = format!("UPDATE jurisdictions SET division = '210212' WHERE unit_id = '{}' RETURNING 1::bigint AS n", there.id);
    assert_eq!(world.number(&moved).await, 1);
    // Rights are read again at the latest after a second; a new session reads them at once.
    assert!(found(&world, &world.add_person(&there, &["viewer"]).await, "waiting_for_me=true").await.is_empty());
}

#[actix_web::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(json!(district.issue(&world, 200_000).await.id));
    }
    made.reverse();
    for who in [&district.plant.admin, &world.authority("210213").await.admin] {
        let (mut seen, mut path) = (Vec::new(), "/api/v1/manifests?limit=2".to_owned());
        loop {
            let page = world.get(who, &path).await.ok();
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/v1/manifests?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, made);
    }
}
