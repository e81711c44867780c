//! What a manifest shows to who may see it: who signed and by what name, its legs, open corrections, earlier revisions.

use serde_json::{Value, json};

use crate::district::{District, warnings};
use crate::harness::World;
use diesel_async::SimpleAsyncConnection;

#[actix_web::test]
async fn the_signatures_name_their_signers_as_they_were_called_on_the_day() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let driver = district.carrier.who("driver");
    let renamed = format!(
        "INSERT INTO user_names (user_id, from_at, name) VALUES ('{0}', '2026-11-23T12:00:00Z', '王五'); UPDATE users SET name = '王五' WHERE id = '{0}'",
        driver.user
    );
    manifest.took(&manifest.act(&world, driver, "take_over", json!({ "plate": "辽B12345" })).await.ok());
    world.owner().await.batch_execute(&renamed).await.unwrap();
    world.clock.set("2026-11-23T12:00:00Z".parse().unwrap());
    manifest.took(&manifest.act(&world, driver, "arrive", json!({ "plate": "辽B12345" })).await.ok());
    for who in [district.works.who("signatory"), &world.authority("210213").await.admin] {
        let doc = manifest.get(&world, who).await;
        let signed = |act: &str| doc["signatures"].as_array().unwrap().iter().find(|one| one["act"] == act).unwrap().clone();
        let issued = signed("issue");
        assert_eq!(
            (&issued["user_name"], &issued["unit_name"], &issued["relations"], &issued["method"], &issued["seals"]),
            (&json!("李四"), &json!("演示·化工厂"), &json!(["consignor"]), &json!("password"), &json!(["consignment/1/1"]))
        );
        assert_eq!(
            (&issued["user_id"], &issued["with"], &issued["at_device_of"]),
            (&json!(district.plant.who("clerk").user), &Value::Null, &Value::Null)
        );
        assert_eq!(signed("take_over")["user_name"], "李四");
        assert_eq!((&signed("arrive")["user_name"], &signed("arrive")["relations"]), (&json!("王五"), &json!(["carrier"])));
        let leg = &doc["legs"][0];
        assert_eq!((&leg["leg_no"], &leg["plate"], &leg["driver_name"]), (&json!(1), &json!("辽B12345"), &json!("李四")));
        assert_eq!((&leg["taken_over_at"], &leg["arrived_at"]), (&json!("2026-11-23T02:00:00Z"), &json!("2026-11-23T12:00:00Z")));
        assert_eq!((&doc["skipped"], &doc["corrections"]), (&json!([]), &json!([])));
    }
    let stranger = world.unit("演示·无关", "210213", &["signatory"]).await;
    world.get(stranger.who("signatory"), &format!("/api/v1/manifests/{}", manifest.id)).await.refused(404, "not-found");
}

#[actix_web::test]
async fn what_nobody_signed_is_shown_with_its_reason_until_it_is_signed_late() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let receive = json!({ "skip_reason": "司机手机没电" });
    manifest.took(&manifest.act(&world, district.works.who("weigher"), "receive", receive).await.ok());
    let shown = async |manifest: &crate::district::Manifest| {
        let doc = manifest.get(&world, district.plant.who("clerk")).await;
        doc["skipped"].as_array().unwrap().iter().map(|one| (one["act"].clone(), one["is_signed_since"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(shown(&manifest).await, [(json!("take_over"), json!(false)), (json!("arrive"), json!(false))]);
    let late = json!({ "happened_at": "2026-11-23T02:00:00Z", "reason": "手机没电" });
    let answer = manifest.act(&world, district.carrier.who("driver"), "sign_late", late).await.ok();
    assert!(warnings(&answer).contains(&"signed-late".to_owned()));
    manifest.took(&answer);
    assert_eq!(shown(&manifest).await, [(json!("take_over"), json!(true)), (json!("arrive"), json!(false))]);
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    let last = doc["signatures"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["act"], &last["signs"], &last["reason"]), (&json!("sign_late"), &json!("take_over"), &json!("手机没电")));
    assert!(last["flags"].to_string().contains("signed-late"));
    assert_eq!((&doc["skipped"][0]["reason"], &doc["skipped"][0]["unit_name"]), (&json!("司机手机没电"), &json!("演示·运输")));
}

#[actix_web::test]
async fn whoever_is_asked_to_agree_reads_what_would_change_and_who_has_spoken() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let changes = json!([
        { "part": "receipt", "part_no": 1, "pointer": "/lines/0/weighed_g", "value": 1_100_000 },
        { "part": "verdict", "part_no": 1, "pointer": "/lines/0/weighed_g", "value": 1_100_000 },
        { "part": "verdict", "part_no": 1, "pointer": "/lines/0/accepted_g", "value": 1_100_000 },
    ]);
    let body = json!({ "reason": "抄错", "changes": changes });
    manifest.took(&manifest.act(&world, district.carrier.who("dispatcher"), "correct", body).await.ok());
    manifest.took(&manifest.act(&world, district.works.who("signatory"), "agree", json!({})).await.ok());
    let doc = manifest.get(&world, district.plant.who("signatory")).await;
    let open = &doc["corrections"][0];
    assert_eq!((&open["changes"], &open["proposed_by_name"], &open["due_on"]), (&changes, &json!("演示·运输"), &json!("2026-11-30")));
    let voice = |unit: &str| open["voices"].as_array().unwrap().iter().find(|one| one["unit_name"] == unit).unwrap()["agreed_at"].is_string();
    assert_eq!((voice("演示·处置中心"), voice("演示·化工厂")), (true, false));
    assert_eq!(doc["parts"]["verdict"][0]["earlier"], json!([]));
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "agree", json!({})).await.ok());
    let doc = manifest.get(&world, district.plant.who("signatory")).await;
    assert_eq!(doc["corrections"], json!([]));
    let verdict = &doc["parts"]["verdict"][0];
    assert_eq!((&verdict["revision"], &verdict["content"]["lines"][0]["accepted_g"]), (&json!(2), &json!(1_100_000)));
    let earlier = &verdict["earlier"][0];
    assert_eq!((&earlier["revision"], &earlier["content"]["lines"][0]["accepted_g"]), (&json!(1), &json!(1_200_000)));
}
