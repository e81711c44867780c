//! What people and machines may do, who gave it to them, and how it is taken back.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use chrono::Duration;
use serde_json::{Value, json};

use crate::district::District;
use crate::harness::{JINZHOU, PASSWORD, Party, Person, World, id, text};

/// A key of a unit with roles: its id and itself.
async fn key(world: &World, party: &Party, roles: &[&str]) -> (uuid::Uuid, String) {
    let body = json!({ "name": "地磅", "roles": roles, "expires_at": (world.clock.now() + Duration::days(30)).to_rfc3339() });
    let made = world.post(&party.admin, "/api/v1/api_keys", body).await.ok();
    (id(&made["done"][0]["subject_id"]), text(&made["secret"]["api_key"]))
}

async fn delegate(world: &World, signatory: &Person, key: uuid::Uuid, acts: Value) -> crate::harness::Answer {
    let body = json!({ "acts": acts, "until_at": (world.clock.now() + Duration::days(1)).to_rfc3339() });
    world.post(signatory, &format!("/api/v1/api_keys/{key}/delegate_signing"), body).await
}

async fn end_session(world: &World, caller: impl Into<crate::harness::Caller<'_>>, session: &Value) -> crate::harness::Answer {
    world.send(world.request(Method::DELETE, caller, &format!("/api/v1/sessions/{}", id(session))).await).await
}

#[actix_web::test]
async fn a_key_weighs_as_it_is_and_signs_only_under_a_delegation_in_the_signatorys_name() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let (key_id, bridge) = key(&world, &district.works, &["weigher"]).await;
    let doc = manifest.get(&world, &district.works.admin).await;
    let trip = text(&doc["parts"]["assignment"][0]["content"]["trip_id"]);
    let weighing = json!({ "gross_g": 10_200_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号地磅" });
    world.post(&bridge, &format!("/api/v1/trips/{trip}/weigh"), weighing).await.ok();
    let weighed = &liandan::evidence::events_of(&mut world.owner().await, trip.parse().unwrap(), 0, 50).await.unwrap();
    let weighed = weighed.last().unwrap().document().unwrap();
    assert_eq!((&weighed["method"], &weighed["api_key"]), (&json!("api_key"), &json!(key_id)));
    assert_eq!((id(&weighed["actor"]), &weighed["with"]), (district.works.admin.user, &Value::Null), "no signature: whoever made the key answers");
    manifest.act(&world, &bridge, "receive", json!({})).await.refused(403, "forbidden");
    let signatory = district.works.who("signatory");
    delegate(&world, signatory, key_id, json!(["receive"])).await.ok();
    let path = format!("/api/v1/manifests/{}/receive", manifest.id);
    let first = world.act(&bridge, &path, Some(manifest.version), "k", json!({})).await;
    let again = world.act(&bridge, &path, Some(manifest.version), "k", json!({})).await;
    assert_eq!((first.status, again.header("Idempotency-Replayed"), &again.bytes), (200, "true", &first.bytes), "{}", again.json);
    let events = world.get(&district.works.admin, &format!("/api/v1/manifests/{}/events", manifest.id)).await.ok();
    let received = events["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&received["act"], &received["method"], &received["api_key"]), (&json!("receive"), &json!("delegated_key"), &json!(key_id)));
    assert_eq!((id(&received["actor"]), id(&received["membership"])), (signatory.user, signatory.membership));
    assert_eq!(id(&received["with"]), district.works.admin.user);
}

#[actix_web::test]
async fn a_clerks_key_issues_nothing_without_a_delegation() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (key_id, erp) = key(&world, &district.plant, &["clerk"]).await;
    let issue = async || world.post(&erp, "/api/v1/manifests:issue", district.manifest(1_200_000)).await;
    issue().await.refused(403, "forbidden");
    delegate(&world, district.plant.who("signatory"), key_id, json!(["issue"])).await.ok();
    issue().await.ok();
}

#[actix_web::test]
async fn a_delegation_is_of_known_acts_that_the_key_has_a_role_for_and_can_be_ended() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (signatory, works) = (district.works.who("signatory"), &district.works);
    let (key_id, bridge) = key(&world, works, &["weigher"]).await;
    for unknown in ["eat", "weigh"] {
        let refused = delegate(&world, signatory, key_id, json!([unknown])).await.refused(400, "bad-shape");
        assert_eq!(refused["errors"][0]["pointer"], "/acts/0");
    }
    let refused = delegate(&world, signatory, key_id, json!(["receive", "confirm"])).await.refused(422, "useless-delegation");
    assert_eq!(refused["errors"][0]["pointer"], "/acts/1");
    delegate(&world, signatory, key_id, json!(["receive"])).await.ok();
    let list = "/api/v1/signing_delegations";
    world.get(works.who("weigher"), list).await.refused(403, "forbidden");
    assert_eq!(world.get(&district.plant.admin, list).await.ok()["signing_delegations"], json!([]));
    let listed = world.get(signatory, list).await.ok()["signing_delegations"].clone();
    assert_eq!(
        (&listed[0]["acts"], &listed[0]["signatory_id"], &listed[0]["api_key_id"]),
        (&json!(["receive"]), &json!(signatory.user), &json!(key_id))
    );
    let path = format!("{list}/{}/end", id(&listed[0]["id"]));
    world.post(&district.plant.admin, &path, json!({})).await.refused(404, "not-found");
    world.post(works.who("clerk"), &path, json!({})).await.refused(403, "forbidden");
    world.post(&bridge, &path, json!({})).await.refused(403, "forbidden");
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    world.post(signatory, &path, json!({})).await.ok();
    manifest.act(&world, &bridge, "receive", json!({})).await.refused(403, "forbidden");
    world.post(signatory, &path, json!({})).await.refused(409, "delegation-ended");
    assert!(world.get(signatory, list).await.ok()["signing_delegations"][0]["revoked_at"].is_string());
}

#[actix_web::test]
async fn a_delegation_ends_with_the_role_of_who_gave_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let signatory = district.works.who("signatory");
    let (key_id, bridge) = key(&world, &district.works, &["weigher"]).await;
    delegate(&world, signatory, key_id, json!(["receive"])).await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "arrived").await;
    let path = format!("/api/v1/memberships/{}/set_roles", signatory.membership);
    world.post(&district.works.admin, &path, json!({ "roles": ["clerk"] })).await.ok();
    manifest.act(&world, &bridge, "receive", json!({})).await.refused(403, "forbidden");
    world.post(&district.works.admin, &path, json!({ "roles": ["signatory"] })).await.ok();
    manifest.act(&world, &bridge, "receive", json!({})).await.ok();
}

#[actix_web::test]
async fn the_last_administrator_cannot_be_taken_away() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let path = |person: &Person, act: &str| format!("/api/v1/memberships/{}/{act}", person.membership);
    world.post(&unit.admin, &path(&unit.admin, "set_roles"), json!({ "roles": ["clerk"] })).await.refused(409, "last-admin");
    world.post(&unit.admin, &path(&unit.admin, "end"), json!({})).await.refused(409, "last-admin");
    // Other roles may come and go.
    world.post(&unit.admin, &path(&unit.admin, "set_roles"), json!({ "roles": ["unit_admin"] })).await.ok();
    let clerk = unit.who("clerk");
    world.post(&unit.admin, &path(clerk, "set_roles"), json!({ "roles": ["unit_admin", "clerk"] })).await.ok();
    // Of two who take each other's away at once, one stays.
    let (mine, his) = (path(&unit.admin, "end"), path(clerk, "end"));
    let (a, b) = futures_util::join!(world.post(clerk, &mine, json!({})), world.post(&unit.admin, &his, json!({})));
    assert!((a.status == 200) != (b.status == 200), "{} {}", a.json, b.json);
    assert_eq!(
        world
            .number(&format!(
                "SELECT count(*) AS n FROM memberships WHERE unit_id = '{}' AND ended_at IS NULL AND 'unit_admin' = ANY(roles)",
                unit.id
            ))
            .await,
        1
    );
}

#[actix_web::test]
async fn a_member_who_lost_his_password_gets_a_first_one_again() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["driver", "clerk"]).await;
    let other = world.unit("大连危险品运输公司", JINZHOU, &[]).await;
    let driver = unit.who("driver");
    let path = format!("/api/v1/memberships/{}/reset_password", driver.membership);
    world.post(unit.who("clerk"), &path, json!({})).await.refused(403, "forbidden");
    world.post(&other.admin, &path, json!({})).await.refused(404, "not-found");
    let before = text(&world.log_in(&driver.login, &driver.password).await.ok()["access_token"]);
    let answer = world.act(&unit.admin, &path, None, "once", json!({})).await;
    assert_eq!(answer.status, 201);
    let first = text(&answer.ok()["secret"]["password"]);
    world.act(&unit.admin, &path, None, "once", json!({})).await.refused(409, "already-done");
    world.get(&before, "/api/v1/me").await.refused(401, "unauthenticated");
    world.log_in(&driver.login, &driver.password).await.refused(401, "unauthenticated");
    let token = text(&world.log_in(&driver.login, &first).await.ok()["access_token"]);
    world.get(&token, "/api/v1/memberships").await.refused(403, "first-password");
    world.post(&token, "/api/v1/me/change_secret", json!({ "current_password": first, "password": PASSWORD })).await.ok();
    world.get(&token, "/api/v1/memberships").await.ok();
}

#[actix_web::test]
async fn nobody_gets_by_a_reset_the_rights_of_a_person_in_another_unit() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["driver", "clerk"]).await;
    let other = world.unit("大连危险品运输公司", JINZHOU, &[]).await;
    let platform = world.platform_admin().await;
    let reset = |person: &Person| format!("/api/v1/memberships/{}/reset_password", person.membership);
    let driver = unit.who("driver");
    // The platform does it for administrators of units, and for nobody whose own administrator can.
    world.post(&*platform, &reset(driver), json!({})).await.refused(403, "forbidden");
    let invited = world.post(&other.admin, "/api/v1/invitations", json!({ "login": driver.login, "roles": ["driver"] })).await.ok();
    world.post(driver, &format!("/api/v1/invitations/{}/accept", id(&invited["done"][0]["subject_id"])), json!({})).await.ok();
    world.post(&unit.admin, &reset(driver), json!({})).await.refused(409, "member-elsewhere");
    world.post(&*platform, &reset(driver), json!({})).await.ok();
    let first = text(&world.post(&*platform, &reset(&unit.admin), json!({})).await.ok()["secret"]["password"]);
    world.log_in(&unit.admin.login, &first).await.ok();
}

#[actix_web::test]
async fn a_person_sees_his_sessions_and_ends_one() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let body = json!({ "login": unit.admin.login, "password": PASSWORD, "device": "门卫平板" });
    let lost = text(&world.send(TestRequest::post().uri("/api/v1/sessions").set_json(body)).await.ok()["access_token"]);
    let own = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["access_token"]);
    let sessions = world.get(&own, "/api/v1/sessions").await.ok()["sessions"].clone();
    let named = sessions.as_array().unwrap().iter().find(|one| one["device"] == "门卫平板").unwrap().clone();
    assert_eq!(named["is_current"], false);
    assert_eq!(sessions.as_array().unwrap().iter().filter(|one| one["is_current"] == true).count(), 1);
    let stranger = world.unverified_unit("大连开发区电镀厂", JINZHOU).await;
    end_session(&world, &stranger.admin, &named["id"]).await.refused(404, "not-found");
    world.get(&lost, "/api/v1/me").await.ok();
    assert_eq!(end_session(&world, &own, &named["id"]).await.status, 204);
    world.get(&lost, "/api/v1/me").await.refused(401, "unauthenticated");
    world.get(&own, "/api/v1/me").await.ok();
    end_session(&world, &own, &named["id"]).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_key_has_no_sessions() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let (_, key) = key(&world, &unit, &["clerk"]).await;
    world.get(&key, "/api/v1/sessions").await.refused(403, "forbidden");
}

#[actix_web::test]
async fn deputies_are_listed_and_ended_at_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["signatory", "dispatcher", "clerk"]).await;
    let (signatory, deputy) = (unit.who("signatory"), unit.who("dispatcher"));
    let name = async |deputy: &Person, from: &str, until: &str| {
        let body = json!({ "deputy_id": deputy.membership, "from_on": from, "until_on": until });
        world.post(&unit.admin, &format!("/api/v1/memberships/{}/name_deputy", signatory.membership), body).await
    };
    name(signatory, "2026-11-23", "2026-11-24").await.refused(422, "deputy-of-oneself");
    // Today is 23 November: yesterday is over, today is not.
    let refused = name(deputy, "2026-11-22", "2026-11-24").await.refused(422, "dates-out-of-order");
    assert_eq!(refused["errors"][0]["pointer"], "/from_on");
    name(deputy, "2026-11-23", "2026-11-24").await.ok();
    let list = async |who: &Person| world.get(who, "/api/v1/deputies").await.ok()["deputies"].as_array().unwrap().clone();
    assert_eq!(
        (list(&unit.admin).await.len(), list(signatory).await.len(), list(deputy).await.len(), list(unit.who("clerk")).await.len()),
        (1, 1, 1, 0)
    );
    let roles = async || world.get(deputy, "/api/v1/me").await.ok()["roles"].clone();
    assert_eq!(roles().await, json!(["signatory", "dispatcher"]));
    let path = format!("/api/v1/deputies/{}/end", id(&list(signatory).await[0]["id"]));
    let stranger = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    world.post(&stranger.admin, &path, json!({})).await.refused(404, "not-found");
    world.post(deputy, &path, json!({})).await.refused(403, "forbidden");
    world.post(signatory, &path, json!({})).await.ok();
    assert_eq!(roles().await, json!(["dispatcher"]));
    world.post(&unit.admin, &path, json!({})).await.refused(409, "deputy-ended");
    assert!(list(&unit.admin).await[0]["ended_at"].is_string());
}

#[actix_web::test]
async fn secrets_that_anybody_would_try_first_are_not_taken() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let change = async |secret: Value| {
        let mut body = json!({ "current_password": PASSWORD });
        body.as_object_mut().unwrap().extend(secret.as_object().unwrap().clone());
        world.post(&unit.admin, "/api/v1/me/change_secret", body).await
    };
    let refused = change(json!({ "pin": "123456" })).await.refused(422, "secret-guessable");
    assert_eq!(refused["errors"][0]["pointer"], "/pin");
    change(json!({ "password": "0123456789" })).await.refused(422, "secret-guessable");
    let mut body = crate::harness::registration(&world.uscc(), "新公司", JINZHOU, "newfirm");
    body["password"] = json!("1234567890");
    world.post((), "/api/v1/registrations", body).await.refused(422, "secret-guessable");
    change(json!({ "pin": "123465" })).await.ok();
}

#[actix_web::test]
async fn two_credentials_in_one_request_are_none() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let token = world.token(&unit.admin).await;
    let bearer = ("Authorization", format!("Bearer {token}"));
    let request = || TestRequest::get().uri("/api/v1/me").append_header(bearer.clone());
    world.send(request()).await.ok();
    let refused = world.send(request().append_header(bearer.clone())).await.refused(400, "bad-parameter");
    assert_eq!(refused["parameter"], "authorization");
}

#[actix_web::test]
async fn what_waits_for_a_driver_waits_for_him_whatever_unit_his_token_names() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let other = world.unit("演示·第二运输", "210213", &["driver"]).await;
    let driver = other.who("driver");
    let invited = world.post(&district.carrier.admin, "/api/v1/invitations", json!({ "login": driver.login, "roles": ["driver"] })).await.ok();
    world.post(driver, &format!("/api/v1/invitations/{}/accept", id(&invited["done"][0]["subject_id"])), json!({})).await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    let waiting = async || world.get(driver, "/api/v1/manifests?waiting_for_me=true").await.ok()["items"].clone();
    // Naming vehicle and crew is no driver's work.
    assert_eq!(waiting().await, json!([]));
    district.bring_to(&world, &mut manifest, "offered").await;
    let items = waiting().await;
    assert_eq!((&items[0]["id"], items[0]["waiting_for"].as_array().unwrap().contains(&json!("take_over"))), (&json!(manifest.id), true), "{items}");
    let stranger = world.unit("演示·第三运输", "210213", &["driver"]).await;
    assert_eq!(world.get(stranger.who("driver"), "/api/v1/manifests?waiting_for_me=true").await.ok()["items"], json!([]));
}

#[actix_web::test]
async fn a_unit_sees_which_authority_looked_at_its_manifests_and_a_manager_who_did() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let manifest = district.issue(&world, 1_200_000).await;
    let (own, far) = (world.authority("210213").await, world.authority("210224").await);
    let log = async |who: &Person, query: &str| world.get(who, &format!("/api/v1/access_log{query}")).await.ok()["items"].as_array().unwrap().clone();
    assert!(log(&district.plant.admin, "").await.is_empty());
    manifest.get(&world, &own.admin).await;
    world.get(&own.admin, &format!("/api/v1/manifests/{}/events", manifest.id)).await.ok();
    let seen = log(&district.plant.admin, "").await;
    assert_eq!(seen.iter().map(|look| text(&look["what"])).collect::<Vec<_>>(), ["events", "manifest"]);
    assert_eq!((id(&seen[0]["manifest_id"]), id(&seen[0]["unit_id"])), (manifest.id, own.id));
    assert!(seen[0].get("user_id").is_none() && seen[0].get("user_name").is_none(), "an officer's name is for his manager: {}", seen[0]);
    let seen = log(&own.admin, &format!("?manifest_id={}", manifest.id)).await;
    assert_eq!((seen.len(), id(&seen[0]["user_id"])), (2, own.admin.user));
    assert!(log(&far.admin, "").await.is_empty(), "another place's manager");
    let stranger = world.unit("演示·路人", "210224", &["clerk"]).await;
    assert!(log(&stranger.admin, "").await.is_empty());
    world.get(district.plant.who("clerk"), "/api/v1/access_log").await.refused(403, "forbidden");
    let page = world.get(&own.admin, "/api/v1/access_log?limit=1").await.ok();
    let next = world.get(&own.admin, &format!("/api/v1/access_log?limit=1&cursor={}", text(&page["next_cursor"]))).await.ok();
    assert_eq!((&next["items"][0]["what"], next.get("next_cursor")), (&json!("manifest"), None));
}
