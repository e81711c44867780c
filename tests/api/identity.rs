//! Units, people, sessions, keys.

use std::str::FromStr;

use actix_web::test::TestRequest;
use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;
use liandan::identity::acts;
use serde_json::{Value, json};

use crate::harness::{Answer, JINZHOU, PASSWORD, World, id, registration, text};

const REGISTRATIONS: &str = "/api/v1/registrations";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::from_str(text).unwrap()
}

async fn refresh(world: &World, token: &str) -> Answer {
    world.send(TestRequest::post().uri("/api/v1/sessions:refresh").set_json(json!({ "refresh_token": token }))).await
}

async fn roles_of(world: &World, caller: &crate::harness::Person) -> Value {
    world.get(caller, "/api/v1/me").await.ok()["roles"].clone()
}

#[actix_web::test]
async fn a_unit_registers_and_an_officer_of_its_division_verifies_it() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["dispatcher"]).await;
    let me = world.get(&unit.admin, "/api/v1/me").await.ok();
    assert_eq!(me["is_verified"], true);
    assert_eq!(me["roles"], json!(["unit_admin", "clerk", "signatory"]));
    assert_eq!(roles_of(&world, unit.who("dispatcher")).await, json!(["dispatcher"]));
    let found = world.get(&unit.admin, &format!("/api/v1/units?q={}", unit.uscc)).await.ok();
    assert_eq!(found["units"][0]["id"], json!(unit.id));
    assert_eq!(found["units"][0]["version"], 2);
}

#[actix_web::test]
async fn a_unit_has_its_seat_in_a_known_division_below_the_country() {
    let world = World::new().await;
    let seat = |pointer: &str, problem: serde_json::Value| assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    let partner = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    for (index, nowhere) in ["999999", "000000"].into_iter().enumerate() {
        let claim = crate::harness::registration(&world.uscc(), "演示·无处", nowhere, &format!("nowhere{index}"));
        seat("/unit/division", world.post((), "/api/v1/registrations", claim).await.refused(422, "unknown-division"));
        let outside = crate::harness::unit_body(&world.uscc(), "演示·无处", nowhere);
        seat("/division", world.post(partner.who("clerk"), "/api/v1/units:external", outside).await.refused(422, "unknown-division"));
    }
    for (index, known) in ["210000", "210200", "210213", "JINPU"].into_iter().enumerate() {
        let claim = crate::harness::registration(&world.uscc(), "演示·有处", known, &format!("known{index}"));
        world.post((), "/api/v1/registrations", claim).await.ok();
        world.post(partner.who("clerk"), "/api/v1/units:external", crate::harness::unit_body(&world.uscc(), "演示·有处", known)).await.ok();
    }
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
async fn an_enterprise_verifies_nobody() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let other = world.unverified_unit("大连开发区电镀厂", JINZHOU).await;
    world.post_seen(&unit.admin, &format!("/api/v1/units/{}/verify", other.id), 1, json!({})).await.refused(404, "not-found");
    world.post_seen(&other.admin, &format!("/api/v1/units/{}/verify", other.id), 1, json!({})).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_registration_is_refused_for_a_wrong_check_digit() {
    let world = World::new().await;
    let body = registration("91210213MA0000001A", "大连金州化工有限公司", JINZHOU, "zhang");
    let problem = world.post((), REGISTRATIONS, body).await.refused(400, "bad-shape");
    assert_eq!(problem["errors"][0]["pointer"], "/unit/uscc");
    assert_eq!(world.events().await, 0);
}

#[actix_web::test]
async fn a_code_or_a_login_registers_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let (events, units) = (world.events().await, world.number("SELECT count(*) AS n FROM units").await);
    let twice = registration(&unit.uscc, "另一家公司", JINZHOU, "another");
    let problem = world.post((), REGISTRATIONS, twice).await.refused(409, "unit-exists");
    assert_eq!(problem["errors"][0]["pointer"], "/unit/uscc");
    let taken = registration(&world.uscc(), "另一家公司", JINZHOU, &unit.admin.login);
    world.post((), REGISTRATIONS, taken).await.refused(409, "login-taken");
    assert_eq!(world.events().await, events);
    assert_eq!(world.number("SELECT count(*) AS n FROM units").await, units, "a refused registration leaves no unit behind");
}

#[actix_web::test]
async fn a_password_of_9_characters_is_refused_and_of_10_taken() {
    let world = World::new().await;
    for (length, status) in [(9, 422), (10, 201)] {
        let mut body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, &format!("login{length}"));
        body["password"] = json!("密码须由本人自己选择".chars().take(length).collect::<String>());
        assert_eq!(world.post((), REGISTRATIONS, body).await.status, status, "{length}");
    }
}

#[actix_web::test]
async fn a_replay_gives_the_same_bytes() {
    let world = World::new().await;
    let body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
    let first = world.act((), REGISTRATIONS, None, "once", body.clone()).await;
    world.clock.advance(Duration::days(1));
    let again = world.act((), REGISTRATIONS, None, "once", body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!(world.events().await, 1);
}

#[actix_web::test]
async fn a_key_belongs_to_one_request_only() {
    let world = World::new().await;
    let mut body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
    world.act((), REGISTRATIONS, None, "once", body.clone()).await.ok();
    body["unit"]["name"] = json!("大连金州化工二厂");
    world.act((), REGISTRATIONS, None, "once", body).await.refused(422, "idempotency-key-reused");
    assert_eq!(world.events().await, 1);
}

#[actix_web::test]
async fn a_refusal_leaves_its_key_free() {
    let world = World::new().await;
    let mut body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
    body["password"] = json!("short");
    world.act((), REGISTRATIONS, None, "once", body.clone()).await.refused(422, "secret-too-short");
    body["password"] = json!(PASSWORD);
    world.act((), REGISTRATIONS, None, "once", body).await.ok();
}

#[actix_web::test]
async fn parallel_twins_act_once() {
    let world = World::new().await;
    let body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
    let answers = join_all((0..8).map(|_| world.act((), REGISTRATIONS, None, "once", body.clone()))).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.bytes == answers[0].bytes), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed") == "true").count(), 7);
    assert_eq!(world.events().await, 1);
}

#[actix_web::test]
async fn check_mode_says_what_would_be_and_keeps_nothing() {
    let world = World::new().await;
    let body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
    let path = format!("{REGISTRATIONS}?mode=check");
    let would = world.post((), &path, body.clone()).await.ok();
    assert_eq!(would["would"][0]["act"], "register_unit");
    assert!(would["would"][0].get("proof").is_none());
    assert_eq!((world.events().await, world.number("SELECT count(*) AS n FROM idempotency_keys").await), (0, 0));
    let mut short = body;
    short["password"] = json!("short");
    world.post((), &path, short).await.refused(422, "secret-too-short");
}

#[actix_web::test]
async fn an_answer_with_a_secret_is_not_repeated() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let body = json!({ "person": { "login": "lisi", "name": "李四" }, "roles": ["driver"] });
    let first = world.act(&unit.admin, "/api/v1/users", None, "once", body.clone()).await.ok();
    assert!(first["secret"]["password"].as_str().is_some_and(|secret| secret.len() >= 12));
    world.act(&unit.admin, "/api/v1/users", None, "once", body).await.refused(409, "already-done");
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let mut wrong = world.log_in(&unit.admin.login, "not the password").await.refused(401, "unauthenticated");
    let mut unknown = world.log_in("nobody", "not the password").await.refused(401, "unauthenticated");
    wrong["request_id"] = Value::Null;
    unknown["request_id"] = Value::Null;
    assert_eq!(wrong, unknown);
    world.log_in("13800000000", PASSWORD).await.ok();
}

#[actix_web::test]
async fn the_back_off_stops_a_source_and_not_the_user() {
    let world = World::with_limits(|limits| limits.logins_per_minute = 1_000_000).await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let login = unit.admin.login.as_str();
    let from = async |source: &str, secret: &str| acts::log_in(&world.app, login, secret, acts::How::Password, None, None, source).await.map(drop);
    for _ in 0..4 {
        assert_eq!(from("203.0.113.9", "guess").await.unwrap_err().status, 401);
    }
    let refused = from("203.0.113.9", PASSWORD).await.unwrap_err();
    assert_eq!((refused.status, refused.retry_after), (429, Some(1)), "even the right password waits");
    from("198.51.100.7", PASSWORD).await.unwrap();
    world.clock.advance(Duration::milliseconds(999));
    assert_eq!(from("203.0.113.9", PASSWORD).await.unwrap_err().status, 429);
    world.clock.advance(Duration::milliseconds(1));
    from("203.0.113.9", PASSWORD).await.unwrap();
}

#[actix_web::test]
async fn the_back_off_doubles_up_to_five_minutes() {
    let world = World::with_limits(|limits| limits.logins_per_minute = 1_000_000).await;
    let try_once = async || acts::log_in(&world.app, "nobody", "guess", acts::How::Password, None, None, "203.0.113.9").await.map(drop).unwrap_err();
    let mut waits = Vec::new();
    while waits.len() < 12 {
        let problem = try_once().await;
        if let Some(wait) = problem.retry_after {
            waits.push(wait);
            world.clock.advance(Duration::seconds(i64::from(wait)));
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
}

#[actix_web::test]
async fn a_source_is_its_peer_and_not_what_a_header_says() {
    let world = World::with_limits(|limits| limits.logins_per_minute = 3).await;
    let mut statuses = Vec::new();
    for n in 0..4 {
        let request = TestRequest::post()
            .uri("/api/v1/sessions")
            .insert_header(("X-Forwarded-For", format!("203.0.113.{n}")))
            .insert_header(("Forwarded", format!("for=203.0.113.{n}")))
            .set_json(json!({ "login": format!("nobody{n}"), "password": "guess" }));
        statuses.push(world.send(request).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429]);
}

#[actix_web::test]
async fn a_refresh_token_used_twice_ends_its_family() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let first = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["refresh_token"]);
    let second = text(&refresh(&world, &first).await.ok()["refresh_token"]);
    let third = refresh(&world, &second).await.ok();
    let access = text(&third["access_token"]);
    world.get(&access, "/api/v1/me").await.ok();
    refresh(&world, &first).await.refused(401, "unauthenticated");
    refresh(&world, &text(&third["refresh_token"])).await.refused(401, "unauthenticated");
    world.get(&access, "/api/v1/me").await.refused(401, "unauthenticated");
    world.get(&unit.admin, "/api/v1/me").await.ok();
}

#[actix_web::test]
async fn a_lost_answer_is_repeated_for_10_seconds() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let first = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["refresh_token"]);
    let lost = refresh(&world, &first).await.ok();
    world.clock.advance(Duration::seconds(10));
    let repeated = refresh(&world, &first).await.ok();
    assert_eq!(lost["refresh_token"], repeated["refresh_token"]);
    world.clock.advance(Duration::milliseconds(1));
    refresh(&world, &first).await.refused(401, "unauthenticated");
    refresh(&world, &text(&lost["refresh_token"])).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn twenty_parallel_refreshes_leave_one_live_successor() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let first = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["refresh_token"]);
    let before = world.number("SELECT count(*) AS n FROM refresh_tokens WHERE used_at IS NULL").await;
    let answers = join_all((0..20).map(|_| refresh(&world, &first))).await;
    let successor = answers[0].json["refresh_token"].clone();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.json["refresh_token"] == successor), "{answers:?}");
    assert_eq!(world.number("SELECT count(*) AS n FROM refresh_tokens WHERE used_at IS NULL").await, before);
    refresh(&world, &text(&successor)).await.ok();
}

#[actix_web::test]
async fn a_session_lives_30_days_without_use_and_ends_at_log_out() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let first = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["refresh_token"]);
    world.clock.advance(Duration::days(30) - Duration::milliseconds(1));
    let session = refresh(&world, &first).await.ok();
    world.clock.advance(Duration::days(30));
    refresh(&world, &text(&session["refresh_token"])).await.refused(401, "unauthenticated");

    let session = world.log_in(&unit.admin.login, PASSWORD).await.ok();
    let access = text(&session["access_token"]);
    let request = world.request(actix_web::http::Method::DELETE, &access, "/api/v1/sessions/current").await;
    assert_eq!(world.send(request).await.status, 204);
    world.get(&access, "/api/v1/me").await.refused(401, "unauthenticated");
    refresh(&world, &text(&session["refresh_token"])).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_deputy_signs_from_the_first_day_to_the_last() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["dispatcher"]).await;
    let deputy = unit.who("dispatcher");
    let path = format!("/api/v1/memberships/{}/name_deputy", unit.admin.membership);
    world.post(&unit.admin, &path, json!({ "deputy_id": deputy.membership, "from_on": "2026-11-25", "until_on": "2026-11-27" })).await.ok();
    // Days are those of Dalian, eight hours ahead.
    for (moment, signs) in
        [("2026-11-24T15:59:59.999Z", false), ("2026-11-24T16:00:00Z", true), ("2026-11-27T15:59:59.999Z", true), ("2026-11-27T16:00:00Z", false)]
    {
        world.clock.set(at(moment));
        let roles = roles_of(&world, deputy).await;
        assert_eq!(roles.as_array().unwrap().contains(&json!("signatory")), signs, "{moment}: {roles}");
    }
}

#[actix_web::test]
async fn a_deputy_falls_with_the_signatory_and_needs_one() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["signatory", "dispatcher", "driver"]).await;
    let (signatory, deputy) = (unit.who("signatory"), unit.who("dispatcher"));
    let days = json!({ "deputy_id": deputy.membership, "from_on": "2026-11-23", "until_on": "2026-11-23" });
    let path = |person: &crate::harness::Person| format!("/api/v1/memberships/{}/name_deputy", person.membership);
    world.post(&unit.admin, &path(unit.who("driver")), days.clone()).await.refused(422, "not-signatory");
    let backwards = json!({ "deputy_id": deputy.membership, "from_on": "2026-11-24", "until_on": "2026-11-23" });
    world.post(&unit.admin, &path(signatory), backwards).await.refused(422, "dates-out-of-order");
    world.post(&unit.admin, &path(signatory), days).await.ok();
    assert_eq!(roles_of(&world, deputy).await, json!(["signatory", "dispatcher"]));
    world.post(&unit.admin, &format!("/api/v1/memberships/{}/end", signatory.membership), json!({})).await.ok();
    assert_eq!(roles_of(&world, deputy).await, json!(["dispatcher"]));
}

#[actix_web::test]
async fn an_ended_membership_is_refused_at_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let clerk = unit.who("clerk");
    world.get(clerk, "/api/v1/me").await.ok();
    let path = format!("/api/v1/memberships/{}/end", clerk.membership);
    world.post(&unit.admin, &path, json!({})).await.ok();
    world.get(clerk, "/api/v1/me").await.refused(401, "unauthenticated");
    world.post(&unit.admin, &path, json!({})).await.refused(409, "membership-ended");
}

#[actix_web::test]
async fn changed_roles_count_at_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let clerk = unit.who("clerk");
    assert_eq!(roles_of(&world, clerk).await, json!(["clerk"]));
    let path = format!("/api/v1/memberships/{}/set_roles", clerk.membership);
    world.post(&unit.admin, &path, json!({ "roles": ["weigher"] })).await.ok();
    assert_eq!(roles_of(&world, clerk).await, json!(["weigher"]));
    world.post(&unit.admin, &path, json!({ "roles": ["inspector"] })).await.refused(422, "role-of-other-kind");
    world.post(&unit.admin, &path, json!({ "roles": [] })).await.refused(422, "no-role");
    world.post(clerk, &path, json!({ "roles": ["unit_admin"] })).await.refused(403, "forbidden");
}

#[actix_web::test]
async fn a_stranger_administers_nothing_here() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let clerk = unit.who("clerk").membership;
    world.post(&other.admin, &format!("/api/v1/memberships/{clerk}/end"), json!({})).await.refused(404, "not-found");
    world.post(&other.admin, &format!("/api/v1/memberships/{clerk}/set_roles"), json!({ "roles": ["driver"] })).await.refused(404, "not-found");
}

fn key_body(world: &World, roles: &[&str]) -> Value {
    json!({ "name": "地磅", "roles": roles, "expires_at": (world.clock.now() + Duration::days(1)).to_rfc3339() })
}

#[actix_web::test]
async fn an_api_key_is_shown_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let body = key_body(&world, &["weigher"]);
    let made = world.act(&unit.admin, "/api/v1/api_keys", None, "once", body.clone()).await.ok();
    let secret = text(&made["secret"]["api_key"]);
    assert!(secret.starts_with("ldk_"));
    world.act(&unit.admin, "/api/v1/api_keys", None, "once", body).await.refused(409, "already-done");
    let listed = world.get(&unit.admin, "/api/v1/api_keys").await;
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(&secret));
    assert_eq!(listed.ok()["api_keys"][0]["id"], made["done"][0]["subject_id"]);
    assert_eq!(
        world.number(&format!("SELECT count(*) AS n FROM events WHERE position(convert_to('{secret}', 'UTF8') IN bytes) > 0")).await,
        0,
        "the chain holds no secret"
    );
}

#[actix_web::test]
async fn an_api_key_does_what_it_is_for_until_it_ends() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    world.post(unit.who("clerk"), "/api/v1/api_keys", key_body(&world, &["weigher"])).await.refused(403, "forbidden");
    world.post(&unit.admin, "/api/v1/api_keys", key_body(&world, &["manager"])).await.refused(422, "role-of-other-kind");
    let made = world.post(&unit.admin, "/api/v1/api_keys", key_body(&world, &["weigher"])).await.ok();
    let key = text(&made["secret"]["api_key"]);
    let me = world.get(&key, "/api/v1/me").await.ok();
    assert_eq!((&me["roles"], &me["unit_id"]), (&json!(["weigher"]), &json!(unit.id)));
    let user = json!({ "person": { "login": "lisi", "name": "李四" }, "roles": ["driver"] });
    world.post(&key, "/api/v1/users", user).await.refused(403, "forbidden");
    // Rights of a look-up may be a second old, so the last second is seen from two seconds before.
    world.clock.advance(Duration::days(1) - Duration::seconds(2));
    world.get(&key, "/api/v1/me").await.ok();
    world.clock.advance(Duration::seconds(2));
    world.get(&key, "/api/v1/me").await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_revoked_key_is_refused_at_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let made = world.post(&unit.admin, "/api/v1/api_keys", key_body(&world, &["weigher"])).await.ok();
    let (key, path) = (text(&made["secret"]["api_key"]), format!("/api/v1/api_keys/{}/revoke", id(&made["done"][0]["subject_id"])));
    world.post(&other.admin, &path, json!({})).await.refused(404, "not-found");
    world.get(&key, "/api/v1/me").await.ok();
    world.post(&unit.admin, &path, json!({})).await.ok();
    world.get(&key, "/api/v1/me").await.refused(401, "unauthenticated");
    world.get("ldk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/api/v1/me").await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn only_a_signatory_lets_a_key_sign() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let made = world.post(&unit.admin, "/api/v1/api_keys", key_body(&world, &["weigher"])).await.ok();
    let path = format!("/api/v1/api_keys/{}/delegate_signing", id(&made["done"][0]["subject_id"]));
    let until = |by: Duration| json!({ "acts": ["receive"], "until_at": (world.clock.now() + by).to_rfc3339() });
    world.post(unit.who("clerk"), &path, until(Duration::hours(1))).await.refused(403, "forbidden");
    world.post(&other.admin, &path, until(Duration::hours(1))).await.refused(404, "not-found");
    world.post(&unit.admin, &path, until(Duration::zero())).await.refused(422, "dates-out-of-order");
    let done = world.post(&unit.admin, &path, until(Duration::hours(1))).await.ok();
    assert_eq!(done["done"][0]["result"]["signatory"], json!(unit.admin.user));
    world.post(&text(&made["secret"]["api_key"]), &path, until(Duration::hours(1))).await.refused(403, "forbidden");
}

#[actix_web::test]
async fn a_pin_opens_nothing_without_a_live_token_of_the_device() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["driver"]).await;
    let driver = unit.who("driver");
    let secrets = |pin: &str| json!({ "current_password": driver.password, "pin": pin });
    world.post(driver, "/api/v1/me/change_secret", secrets("12345")).await.refused(422, "secret-too-short");
    world.post(driver, "/api/v1/me/change_secret", secrets("246810")).await.ok();
    let switch = async |pin: &str, device: &str| {
        let body = json!({ "login": driver.login, "pin": pin, "device_token": device });
        world.send(TestRequest::post().uri("/api/v1/sessions:switch").set_json(body)).await
    };
    let device = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["refresh_token"]);
    switch("246810", "no such token").await.refused(401, "unauthenticated");
    switch("135791", &device).await.refused(401, "unauthenticated");
    let session = switch("246810", &device).await.ok();
    assert_eq!(session["user_id"], json!(driver.user));
    let next = text(&refresh(&world, &device).await.ok()["refresh_token"]);
    switch("246810", &device).await.refused(401, "unauthenticated");
    switch("246810", &next).await.ok();
    world.log_in(&driver.login, "246810").await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_new_password_ends_the_other_sessions() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let here = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["access_token"]);
    let there = text(&world.log_in(&unit.admin.login, PASSWORD).await.ok()["access_token"]);
    let body = |current: &str| json!({ "current_password": current, "password": "another good one" });
    world.post(&here, "/api/v1/me/change_secret", body("wrong")).await.refused(403, "forbidden");
    world.post(&here, "/api/v1/me/change_secret", body(PASSWORD)).await.ok();
    world.get(&here, "/api/v1/me").await.ok();
    world.get(&there, "/api/v1/me").await.refused(401, "unauthenticated");
    world.log_in(&unit.admin.login, PASSWORD).await.refused(401, "unauthenticated");
    world.log_in(&unit.admin.login, "another good one").await.ok();
}

#[actix_web::test]
async fn one_person_acts_for_each_of_his_units() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["driver"]).await;
    let other = world.unit("大连危险品运输公司", JINZHOU, &[]).await;
    let driver = unit.who("driver");
    let invited = world.post(&other.admin, "/api/v1/invitations", json!({ "login": driver.login, "roles": ["driver"] })).await.ok();
    let path = format!("/api/v1/invitations/{}/accept", id(&invited["done"][0]["subject_id"]));
    let added = world.post(driver, &path, json!({})).await.ok();
    let membership = &added["done"][0]["result"]["membership_id"];
    let body = json!({ "login": driver.login, "password": driver.password, "membership_id": membership });
    let session = world.send(TestRequest::post().uri("/api/v1/sessions").set_json(body)).await.ok();
    assert_eq!(session["memberships"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.get(&text(&session["access_token"]), "/api/v1/me").await.ok()["unit_id"], json!(other.id));
    let stolen = json!({ "login": driver.login, "password": driver.password, "membership_id": unit.admin.membership });
    world.send(TestRequest::post().uri("/api/v1/sessions").set_json(stolen)).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn there_is_one_first_administrator_and_only_he_makes_authorities() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let body = json!({
        "unit": crate::harness::unit_body(&world.uscc(), "甘井子生态环境分局", "210211"), "divisions": ["210211"],
        "person": { "login": "officer", "name": "李科长" },
    });
    world.post(&unit.admin, "/api/v1/authorities", body.clone()).await.refused(403, "forbidden");
    world.post(&world.authority(JINZHOU).await.admin, "/api/v1/authorities", body.clone()).await.refused(403, "forbidden");
    world.post(&*world.platform_admin().await, "/api/v1/authorities", body).await.ok();
    let call = world.call("second-admin");
    let second = acts::create_first_admin(&call, world.uscc().parse().unwrap(), "另一运营方", "second", PASSWORD).await;
    assert_eq!(second.map(drop).unwrap_err().code, "admin-exists");
}
