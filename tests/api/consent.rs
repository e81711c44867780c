//! That nobody is kept out of, made part of, or signed for by another without his word: claims, invitations, secrets, deputies.

use actix_web::test::TestRequest;
use chrono::Duration;
use serde_json::{Value, json};

use crate::district::{District, release};
use crate::harness::{JINZHOU, PASSWORD, World, id, registration, text, unit_body};

const REGISTRATIONS: &str = "/api/v1/registrations";
const INVITATIONS: &str = "/api/v1/invitations";

fn verify(unit: &Value) -> String {
    format!("/api/v1/units/{}/verify", id(unit))
}

/// The documents of a chain, oldest first.
async fn events(world: &World, subject: uuid::Uuid) -> Vec<Value> {
    let events = liandan::evidence::events_of(&mut world.owner().await, subject, 0, 50).await.unwrap();
    events.iter().map(|event| event.document().unwrap()).collect()
}

#[actix_web::test]
async fn of_two_claims_that_two_officers_verify_at_once_one_wins_and_the_other_knows_why() {
    let world = World::new().await;
    let officer = world.authority(JINZHOU).await;
    for round in 0..8 {
        let uscc = world.uscc();
        let mut claims = Vec::new();
        for side in ["a", "b", "c"] {
            let claim = world.post((), REGISTRATIONS, registration(&uscc, "本公司", JINZHOU, &format!("claim-{side}{round}"))).await.ok();
            claims.push(id(&claim["done"][0]["subject_id"]));
        }
        let path = |claim: usize| verify(&json!(claims[claim]));
        let (paths, body) = ([path(0), path(1)], json!({}));
        let (first, second) =
            futures_util::join!(world.post_seen(&officer.admin, &paths[0], 1, body.clone()), world.post_seen(&officer.admin, &paths[1], 1, body));
        let (won, lost, answer) = if first.status == 200 { (0, 1, second) } else { (1, 0, first) };
        answer.refused(409, "claim-ended");
        for (claim, last) in [(won, "verify_unit"), (lost, "end_claim"), (2, "end_claim")] {
            let chain = events(&world, claims[claim]).await;
            assert_eq!((chain.len(), text(&chain[1]["act"]).as_str()), (2, last));
        }
    }
}

#[actix_web::test]
async fn a_rehearsed_verification_ends_no_claim() {
    let world = World::new().await;
    let officer = world.authority(JINZHOU).await;
    let uscc = world.uscc();
    let stranger = world.post((), REGISTRATIONS, registration(&uscc, "冒名公司", JINZHOU, "stranger")).await.ok();
    let firm = world.post((), REGISTRATIONS, registration(&uscc, "大连金州化工有限公司", JINZHOU, "firm")).await.ok();
    let before = world.events().await;
    let path = format!("{}?mode=check", verify(&firm["done"][0]["subject_id"]));
    let would = world.post_seen(&officer.admin, &path, 1, json!({})).await.ok();
    assert_eq!(would["would"][0]["result"]["ended_claims"], json!([stranger["done"][0]["subject_id"]]));
    assert_eq!(world.events().await, before);
    let session = world.log_in("stranger", PASSWORD).await.ok();
    assert_eq!(session["memberships"].as_array().map(Vec::len), Some(1));
}

#[actix_web::test]
async fn a_strangers_claim_does_not_keep_a_firm_from_its_code() {
    let world = World::new().await;
    let officer = world.authority(JINZHOU).await;
    let uscc = world.uscc();
    let stranger = world.post((), REGISTRATIONS, registration(&uscc, "冒名公司", JINZHOU, "stranger")).await.ok();
    let firm = world.post((), REGISTRATIONS, registration(&uscc, "大连金州化工有限公司", JINZHOU, "firm")).await.ok();
    let session = text(&world.log_in("stranger", PASSWORD).await.ok()["access_token"]);
    let done = world.post_seen(&officer.admin, &verify(&firm["done"][0]["subject_id"]), 1, json!({})).await.ok();
    assert_eq!(done["done"][0]["result"]["ended_claims"], json!([stranger["done"][0]["subject_id"]]));
    // The one who lost is told so and acts for nobody; his account stays his.
    world.get(&session, "/api/v1/me").await.refused(401, "unauthenticated");
    assert_eq!(world.log_in("stranger", PASSWORD).await.ok()["memberships"], json!([]));
    world.post_seen(&officer.admin, &verify(&stranger["done"][0]["subject_id"]), 1, json!({})).await.refused(409, "claim-ended");
    // His chain says why, and by whom; its version stays, so that the answer above is the one that helps.
    let (lost, won) = (id(&stranger["done"][0]["subject_id"]), id(&firm["done"][0]["subject_id"]));
    let chain = events(&world, lost).await;
    let acts: Vec<_> = chain.iter().map(|event| text(&event["act"])).collect();
    assert_eq!(acts, ["register_unit", "end_claim"]);
    assert_eq!(chain[1]["payload"], json!({ "claim_id": lost, "unit_id": won, "because": "other_claim_verified" }));
    assert_eq!(chain[1]["actor"], json!(officer.admin.user));
    assert_eq!(events(&world, won).await.len(), 2, "the winner's has nothing of it beside the verification");
    assert_eq!(world.number(&format!("SELECT version AS n FROM streams WHERE subject_id = '{lost}'")).await, 1);
    let found = world.get(&officer.admin, &format!("/api/v1/units?q={uscc}")).await.ok();
    assert_eq!(found["units"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["units"][0]["name"], "大连金州化工有限公司");
    world.post((), REGISTRATIONS, registration(&uscc, "又一家", JINZHOU, "third")).await.refused(409, "unit-exists");
}

#[actix_web::test]
async fn a_claim_is_no_party_of_a_manifest() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let claim = world.unverified_unit("演示·未核验", JINZHOU).await;
    let claimed_site = crate::district::site(&world, &claim, "厂区").await;
    let issue = async |member: &str, value: Value| {
        let mut body = district.manifest(1_200_000);
        body[member] = value;
        world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await
    };
    issue("carrier_id", json!(claim.id)).await.refused(422, "bad-value");
    let refused = issue("receiver_site_id", json!(claimed_site)).await;
    assert!(refused.status == 422 && refused.json.to_string().contains("unit-not-verified"), "{}", refused.json);
}

#[actix_web::test]
async fn a_firm_takes_over_the_unit_that_a_partner_recorded() {
    let world = World::new().await;
    let partner = world.unit("大连危险品运输公司", JINZHOU, &["clerk"]).await;
    let officer = world.authority(JINZHOU).await;
    let uscc = world.uscc();
    let recorded = world.post(partner.who("clerk"), "/api/v1/units:external", unit_body(&uscc, "伙伴所记", JINZHOU)).await.ok();
    let recorded = &recorded["done"][0]["subject_id"];
    world.post(partner.who("clerk"), "/api/v1/units:external", unit_body(&uscc, "再记一次", JINZHOU)).await.refused(409, "unit-exists");
    let claim = world.post((), REGISTRATIONS, registration(&uscc, "本公司", JINZHOU, "firm")).await.ok();
    let token = text(&world.log_in("firm", PASSWORD).await.ok()["access_token"]);
    let site = json!({ "name": "厂区", "division": JINZHOU, "address": "五一路 1 号", "yearly": [], "is_long_cycle": false, "own_facility": false });
    world.post(&token, "/api/v1/sites", site).await.ok();
    let done = world.post_seen(&officer.admin, &verify(&claim["done"][0]["subject_id"]), 1, json!({})).await.ok();
    assert_eq!((&done["done"][1]["act"], &done["done"][1]["subject_id"]), (&json!("verify_unit"), recorded));
    // The id of the partner's papers, the name and the site of the firm's own.
    let me = world.get(&token, "/api/v1/me").await.ok();
    assert_eq!((&me["unit_id"], &me["unit_name"], &me["is_verified"]), (recorded, &json!("本公司"), &json!(true)));
    let unit = world.get(&token, &format!("/api/v1/units/{}", id(recorded))).await.ok();
    assert_eq!((&unit["is_external"], &unit["version"]), (&json!(false), &json!(2)));
    assert_eq!(world.number(&format!("SELECT count(*) AS n FROM sites WHERE unit_id = '{}'", id(recorded))).await, 1);
}

#[actix_web::test]
async fn nobody_becomes_a_member_without_accepting() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["driver", "clerk"]).await;
    let other = world.unit("大连危险品运输公司", JINZHOU, &["clerk"]).await;
    let driver = unit.who("driver");
    let invite = async |login: &str| world.post(&other.admin, INVITATIONS, json!({ "login": login, "roles": ["driver"] })).await;
    world.post(other.who("clerk"), INVITATIONS, json!({ "login": driver.login, "roles": ["driver"] })).await.refused(403, "forbidden");
    // The answer is the same whether or not somebody has that log-in.
    let (known, unknown) = (invite(&driver.login).await.ok(), invite("nobody.at.all").await.ok());
    let members = |value: &Value| value["done"][0]["result"].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
    assert_eq!(members(&known), members(&unknown));
    let me = world.get(driver, "/api/v1/me").await.ok();
    assert_eq!((me["memberships"].as_array().map(Vec::len), &me["invitations"][0]["unit_id"]), (Some(1), &json!(other.id)));
    let path = format!("{INVITATIONS}/{}", id(&known["done"][0]["subject_id"]));
    world.post(unit.who("clerk"), &format!("{path}/accept"), json!({})).await.refused(404, "not-found");
    world.post(driver, &format!("{path}/accept"), json!({})).await.ok();
    world.post(driver, &format!("{path}/accept"), json!({})).await.refused(409, "invitation-ended");
    assert_eq!(world.get(driver, "/api/v1/me").await.ok()["memberships"].as_array().map(Vec::len), Some(2));
    invite(&driver.login).await.refused(409, "member-already");
}

#[actix_web::test]
async fn an_invitation_waits_14_days_and_can_be_declined_or_withdrawn() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["driver", "clerk"]).await;
    let other = world.unit("大连危险品运输公司", JINZHOU, &[]).await;
    let invite = async |login: &str| {
        let answer = world.post(&other.admin, INVITATIONS, json!({ "login": login, "roles": ["driver"] })).await.ok();
        format!("{INVITATIONS}/{}", id(&answer["done"][0]["subject_id"]))
    };
    let (driver, clerk) = (unit.who("driver"), unit.who("clerk"));
    let declined = invite(&driver.login).await;
    // One at a time; whether the log-in exists makes no difference.
    for login in [driver.login.as_str(), "nobody.at.all"] {
        if login != driver.login {
            invite(login).await;
        }
        world.post(&other.admin, INVITATIONS, json!({ "login": login, "roles": ["driver"] })).await.refused(409, "invited-already");
    }
    world.post(clerk, &format!("{declined}/end"), json!({})).await.refused(404, "not-found");
    assert_eq!(world.post(driver, &format!("{declined}/end"), json!({})).await.ok()["done"][0]["result"]["ended_as"], "declined");
    let withdrawn = invite(&driver.login).await;
    assert_eq!(world.post(&other.admin, &format!("{withdrawn}/end"), json!({})).await.ok()["done"][0]["result"]["ended_as"], "withdrawn");
    for path in [declined, withdrawn] {
        world.post(driver, &format!("{path}/accept"), json!({})).await.refused(409, "invitation-ended");
    }
    let (old, late) = (invite(&driver.login).await, invite(&clerk.login).await);
    world.clock.advance(Duration::days(14) - Duration::milliseconds(1));
    world.post(driver, &format!("{old}/accept"), json!({})).await.ok();
    world.clock.advance(Duration::milliseconds(1));
    world.post(clerk, &format!("{late}/accept"), json!({})).await.refused(409, "invitation-ended");
    // One that expired stands in nobody's way.
    invite(&clerk.login).await;
}

#[actix_web::test]
async fn a_first_password_opens_nothing_but_its_own_change() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let body = json!({ "person": { "login": "lisi", "name": "李四" }, "roles": ["clerk"] });
    let first = text(&world.post(&unit.admin, "/api/v1/users", body).await.ok()["secret"]["password"]);
    let token = text(&world.log_in("lisi", &first).await.ok()["access_token"]);
    assert_eq!(world.get(&token, "/api/v1/me").await.ok()["must_change_password"], true);
    world.get(&token, "/api/v1/memberships").await.refused(403, "first-password");
    world.post(&token, "/api/v1/sites", json!({})).await.refused(403, "first-password");
    // A PIN is no password.
    world.post(&token, "/api/v1/me/change_secret", json!({ "current_password": first, "pin": "246810" })).await.ok();
    world.get(&token, "/api/v1/memberships").await.refused(403, "first-password");
    world.post(&token, "/api/v1/me/change_secret", json!({ "current_password": first, "password": PASSWORD })).await.ok();
    world.get(&token, "/api/v1/memberships").await.ok();
    let again = text(&world.log_in("lisi", PASSWORD).await.ok()["access_token"]);
    assert_eq!(world.get(&again, "/api/v1/me").await.ok()["must_change_password"], false);
}

#[actix_web::test]
async fn guesses_at_the_present_password_wait_as_at_log_in_and_only_in_their_session() {
    let world = World::with_limits(|limits| limits.logins_per_minute = 1_000_000).await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let stolen = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["access_token"]);
    let own = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["access_token"]);
    let body = |current: &str| json!({ "current_password": current, "pin": "246810" });
    let path = "/api/v1/me/change_secret";
    for _ in 0..4 {
        world.post(&stolen, path, body("guess")).await.refused(403, "forbidden");
    }
    assert_eq!(world.post(&stolen, path, body(PASSWORD)).await.status, 429, "even the right password waits");
    world.clock.advance(Duration::milliseconds(999));
    assert_eq!(world.post(&stolen, path, body(PASSWORD)).await.status, 429);
    world.clock.advance(Duration::milliseconds(1));
    world.post(&stolen, path, body("guess")).await.refused(403, "forbidden");
    world.post(&own, path, body(PASSWORD)).await.ok();
    world
        .send(TestRequest::get().uri("/api/v1/me").insert_header(("Authorization", format!("Bearer {stolen}"))))
        .await
        .refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_deputys_event_names_in_whose_place_he_signs() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (signatory, clerk) = (district.plant.who("signatory"), district.plant.who("clerk"));
    let days = json!({ "deputy_id": clerk.membership, "from_on": "2026-11-23", "until_on": "2026-11-30" });
    let path = format!("/api/v1/memberships/{}/name_deputy", signatory.membership);
    world.post(&district.plant.admin, &path, days).await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    manifest.act(&world, clerk, "release", release(1_200_000)).await.ok();
    let events = world.get(clerk, &format!("/api/v1/manifests/{}/events", manifest.id)).await.ok();
    let of = |act: &str| events["events"].as_array().unwrap().iter().find(|event| event["act"] == act).unwrap().clone();
    let released = of("release");
    assert_eq!((&released["actor"], &released["membership"]), (&json!(clerk.user), &json!(clerk.membership)));
    assert_eq!(released["stands_in_for"], json!(signatory.membership));
    // What the clerk may do himself, he did for himself.
    assert_eq!(of("issue")["stands_in_for"], Value::Null);
}

#[actix_web::test]
async fn a_unit_that_a_partner_records_while_an_officer_verifies_it_is_one_unit_in_the_end() {
    let world = World::new().await;
    let partner = world.unit("大连危险品运输公司", JINZHOU, &["clerk"]).await;
    let officer = world.authority(JINZHOU).await;
    for round in 0..8 {
        let uscc = world.uscc();
        let claim = world.post((), REGISTRATIONS, registration(&uscc, "本公司", JINZHOU, &format!("firm{round}"))).await.ok();
        let path = verify(&claim["done"][0]["subject_id"]);
        let (recorded, verified) = futures_util::join!(
            world.post(partner.who("clerk"), "/api/v1/units:external", unit_body(&uscc, "伙伴所记", JINZHOU)),
            world.post_seen(&officer.admin, &path, 1, json!({})),
        );
        verified.ok();
        if recorded.status != 201 {
            recorded.refused(409, "unit-exists");
        }
        let units = format!("SELECT count(*) AS n FROM units WHERE uscc = '{uscc}' AND verified_at IS NOT NULL AND NOT is_external");
        assert_eq!(world.number(&units).await, 1);
    }
}
