//! Units, people, sessions, keys.

use serde_json::json;

use crate::harness::{JINZHOU, World, registration};

#[actix_web::test]
async fn a_unit_registers_and_an_officer_of_its_division_verifies_it() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["dispatcher"]).await;
    let me = world.get(&unit.admin, "/api/v1/me").await.ok();
    assert_eq!(me["is_verified"], true);
    assert_eq!(me["roles"], json!(["unit_admin", "clerk", "signatory"]));
    let me = world.get(unit.who("dispatcher"), "/api/v1/me").await.ok();
    assert_eq!(me["roles"], json!(["dispatcher"]));
}

#[actix_web::test]
async fn an_officer_of_another_division_does_not_even_see_it() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let stranger = world.authority("210211").await;
    world.post_seen(&stranger.admin, &format!("/api/v1/units/{}/verify", unit.id), 1, json!({})).await.refused(404, "not-found");
    assert_eq!(world.get(&unit.admin, "/api/v1/me").await.ok()["is_verified"], false);
}

#[actix_web::test]
async fn a_registration_is_refused_for_a_wrong_check_digit() {
    let world = World::new().await;
    let body = registration("91210213MA0000001A", "大连金州化工有限公司", JINZHOU, "zhang");
    let problem = world.post((), "/api/v1/registrations", body).await.refused(400, "bad-shape");
    assert_eq!(problem["errors"][0]["pointer"], "/unit/uscc");
    assert_eq!(world.events().await, 0);
}
