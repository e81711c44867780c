//! Declarations: who owes which, what balances, what stays, and who may declare for another.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, OIL, faults};
use crate::harness::{JINZHOU, World, id};
use crate::registry::site_body;

const PAINT: &str = "900-041-49";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn row(code: &str, opening: i64, generated: i64, moved: i64, closing: i64) -> Value {
    let outside = json!([{ "receiver_kind": "licence_holder", "receiver_name": "演示·处置中心", "receiver_no": "LN1", "province": "210000", "method": "R9", "g": moved }]);
    json!({
        "code": code, "opening_g": opening, "generated_g": { "v": generated.to_string(), "u": "kg" }, "closing_g": closing,
        "outside": if moved == 0 { json!([]) } else { outside },
    })
}

fn october(district: &District, rows: Value) -> Value {
    json!({ "site_id": district.plant_site, "period": "2026-10", "rows": rows })
}

fn codes(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_declaration_balances_row_by_row_and_stays_as_it_was_filed() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (clerk, officer) = (district.plant.who("clerk"), world.authority(JINZHOU).await);
    let off = october(&district, json!([row(OIL, 5_000, 10, 9_000, 6_000), row(OIL, 0, 0, 0, 0), row(PAINT, 0, 1, 0, 999)]));
    let problem = world.post(clerk, "/api/v1/declarations", off).await.refused(422, "rules-refuse");
    let told: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect();
    assert_eq!((told, faults(&problem)[1].as_str()), (vec!["/rows/1/code".to_owned(), "/rows/2".to_owned()], "declaration-unbalanced"));

    let body = october(&district, json!([row(OIL, 5_000, 10, 9_000, 6_000)]));
    let before = world.events().await;
    world.act(clerk, "/api/v1/declarations?mode=check", None, "unused", body.clone()).await.ok();
    assert_eq!(world.events().await, before);
    let done = world.act(clerk, "/api/v1/declarations", None, "october", body.clone()).await;
    let again = world.act(clerk, "/api/v1/declarations", None, "october", body.clone()).await;
    assert_eq!((done.status, again.header("Idempotency-Replayed"), &again.bytes), (201, "true", &done.bytes));
    let done = done.ok();
    assert!(codes(&done["warnings"]).contains(&"declaration-late".to_owned()), "it was due on the 15th: {done}");
    let path = format!("/api/v1/declarations/{}", id(&done["done"][0]["subject_id"]));
    world.post(clerk, "/api/v1/declarations", body).await.refused(409, "declaration-exists");

    let number = |text: &str| json!({ "official_filing_no": text });
    world.post_seen(&district.works.admin, &format!("{path}/acknowledge"), 1, number("HZ-1")).await.refused(404, "not-found");
    world.post_seen(&officer.admin, &format!("{path}/acknowledge"), 1, number("HZ-1")).await.ok();
    world.post_seen(clerk, &format!("{path}/acknowledge"), 2, number("HZ-2")).await.refused(409, "declaration-acknowledged-already");

    let restated = json!({ "reason": "漏记一桶", "rows": [row(OIL, 5_000, 11, 9_000, 7_000)] });
    world.post_seen(&district.works.admin, &format!("{path}/restate"), 2, restated.clone()).await.refused(404, "not-found");
    world.post_seen(&officer.admin, &format!("{path}/restate"), 2, restated.clone()).await.refused(403, "forbidden");
    world.post_seen(clerk, &format!("{path}/restate"), 1, restated.clone()).await.refused(412, "stale-version");
    world.post_seen(clerk, &format!("{path}/restate"), 2, restated).await.ok();
    let now = world.get(clerk, &path).await.ok();
    assert_eq!((&now["declaration"]["revision"], &now["declaration"]["official_filing_no"]), (&json!(2), &Value::Null));
    assert_eq!((&now["rows"][0]["generated_g"], &now["is_restated"]), (&json!(11_000), &json!(false)));
    let first = world.get(&officer.admin, &format!("{path}?revision=1")).await.ok();
    assert_eq!((&first["rows"][0]["generated_g"], &first["is_restated"]), (&json!(10_000), &json!(true)));
    assert_eq!(now["revisions"][1]["official_filing_no"], "HZ-1");
    world.get(&district.works.admin, &path).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_period_is_declared_after_it_ended_and_late_after_the_fifteenth() {
    for (now, period, ok, late) in [
        ("2026-11-30T23:59:59+08:00", "2026-11", false, false),
        ("2026-12-01T00:00:00+08:00", "2026-11", true, false),
        ("2026-12-15T23:59:59+08:00", "2026-11", true, false),
        ("2026-12-16T00:00:00+08:00", "2026-11", true, true),
        ("2027-01-15T12:00:00+08:00", "2026-Q4", true, false),
        ("2027-03-31T23:59:59+08:00", "2026", true, false),
        ("2027-04-01T00:00:00+08:00", "2026", true, true),
    ] {
        let world = World::new().await;
        let plant = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
        let site = id(&world.post(&plant.admin, "/api/v1/sites", site_body("一号场所")).await.ok()["done"][0]["subject_id"]);
        world.clock.set(at(now));
        let answer = world.post(&plant.admin, "/api/v1/declarations", json!({ "site_id": site, "period": period, "rows": [] })).await;
        if ok {
            assert_eq!(answer.ok()["done"][0]["result"]["is_late"], late, "{now}");
        } else {
            answer.refused(422, "period-not-ended");
        }
    }
    let world = World::new().await;
    let plant = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    for wrong in ["2026-13", "2026-Q5", "26-01", "2026-1"] {
        let body = json!({ "site_id": Uuid::from_u128(1), "period": wrong, "rows": [] });
        world.post(&plant.admin, "/api/v1/declarations", body).await.refused(400, "bad-shape");
    }
}

#[actix_web::test]
async fn a_site_sees_what_it_owes_by_its_class() {
    let world = World::new().await;
    let plant = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    // 12 t a year: 简化管理.
    let site = id(&world.post(&plant.admin, "/api/v1/sites", site_body("一号场所")).await.ok()["done"][0]["subject_id"]);
    let late = json!({ "site_id": site, "period": "2026-Q3", "rows": [] });
    world.post(&plant.admin, "/api/v1/declarations", late).await.ok();
    let path = format!("/api/v1/declarations/duties?site_id={site}");
    let told = world.get(&plant.admin, &path).await.ok();
    let states: Vec<_> =
        told["duties"].as_array().unwrap().iter().map(|duty| (duty["period"].as_str().unwrap(), duty["state"].as_str().unwrap())).collect();
    assert_eq!(told["management_class"], "simplified");
    assert_eq!(states, [("2026-Q1", "overdue"), ("2026-Q2", "overdue"), ("2026-Q3", "filed_late"), ("2026-Q4", "running"), ("2026", "running")]);
    world.clock.set(at("2027-01-10T10:00:00+08:00"));
    let told = world.get(&plant.admin, &format!("{path}&year=2026")).await.ok();
    assert_eq!((&told["duties"][3]["state"], &told["duties"][3]["due_on"]), (&json!("due"), &json!("2027-01-15")));
    let monthly = json!({ "site_id": site, "period": "2026-12", "rows": [] });
    let answer = world.post(&plant.admin, "/api/v1/declarations", monthly).await.ok();
    assert!(codes(&answer["warnings"]).contains(&"declaration-not-asked-for".to_owned()));
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    world.get(&other.admin, &path).await.refused(404, "not-found");
    world.get(&other.admin, &format!("/api/v1/declarations/draft?site_id={site}&period=2026-12")).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_draft_goes_on_from_what_was_declared_before() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let draft = async |period: &str| {
        let path = format!("/api/v1/declarations/draft?site_id={}&period={period}", district.plant_site);
        world.get(clerk, &path).await.ok()
    };
    assert_eq!(draft("2026-10").await["rows"], json!([]));
    world.post(clerk, "/api/v1/declarations", october(&district, json!([row(OIL, 0, 10, 4_000, 6_000)]))).await.ok();
    let november = draft("2026-11").await;
    assert_eq!((&november["source"], &november["rows"][0]["opening_g"], &november["due_on"]), (&json!("typed"), &json!(6_000), &json!("2026-12-15")));
    world.clock.set(at("2027-01-05T10:00:00+08:00"));
    let next = json!({ "site_id": district.plant_site, "period": "2026-11", "rows": [row(OIL, 5_000, 1, 0, 6_000)] });
    let answer = world.post(clerk, "/api/v1/declarations", next).await.ok();
    assert_eq!(codes(&answer["warnings"]).iter().filter(|code| *code == "declaration-opening-differs").count(), 1);
    let year = draft("2026").await;
    assert_eq!(
        (&year["source"], &year["rows"][0]["generated_g"], &year["rows"][0]["closing_g"]),
        (&json!("declared"), &json!(11_000), &json!(6_000))
    );
    assert_eq!(year["rows"][0]["outside"][0]["g"], 4_000);
}

#[actix_web::test]
async fn a_third_party_declares_while_it_is_named_and_is_shown_as_the_filer() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let agent = world.unit("大连环保管家有限公司", JINZHOU, &[]).await;
    let body = october(&district, json!([row(OIL, 0, 10, 4_000, 6_000)]));
    world.post(&agent.admin, "/api/v1/declarations", body.clone()).await.refused(422, "declaration-site-not-own");
    let named = |agent: Uuid, until: &str| json!({ "agent_id": agent, "from_on": "2026-01-01", "until_on": until });
    let clerk = district.plant.who("clerk");
    world.post(clerk, "/api/v1/filing_agents", named(district.plant.id, "2026-12-31")).await.refused(422, "agent-is-self");
    world.post(clerk, "/api/v1/filing_agents", named(Uuid::from_u128(3), "2025-12-31")).await.refused(422, "rules-refuse");
    let agency = id(&world.post(clerk, "/api/v1/filing_agents", named(agent.id, "2026-11-23")).await.ok()["done"][0]["subject_id"]);
    let declared = id(&world.post(&agent.admin, "/api/v1/declarations", body).await.ok()["done"][0]["subject_id"]);
    let path = format!("/api/v1/declarations/{declared}");
    let shown = world.get(clerk, &path).await.ok();
    assert_eq!((&shown["declaration"]["unit_id"], &shown["revisions"][0]["filer_id"]), (&json!(district.plant.id), &json!(agent.id)));
    world.get(&agent.admin, &path).await.ok();
    assert_eq!(world.get(&agent.admin, "/api/v1/declarations").await.ok()["items"].as_array().unwrap().len(), 1);

    // It ends with its last day, and when either unit ends it.
    let restated = json!({ "reason": "漏记一桶", "rows": [row(OIL, 0, 11, 4_000, 7_000)] });
    let end = format!("/api/v1/filing_agents/{agency}/end");
    world.post_seen(&district.works.admin, &end, 1, json!({})).await.refused(404, "not-found");
    world.clock.set(at("2026-11-24T10:00:00+08:00"));
    world.post_seen(&agent.admin, &format!("{path}/restate"), 1, restated.clone()).await.refused(404, "not-found");
    world.get(&agent.admin, &path).await.refused(404, "not-found");
    world.post_seen(&agent.admin, &end, 1, json!({})).await.ok();
    world.post_seen(clerk, &end, 2, json!({})).await.refused(409, "agent-ended-already");
    world.post_seen(clerk, &format!("{path}/restate"), 1, restated).await.ok();
}
