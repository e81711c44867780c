//! Sites, licences, vehicles, papers, contracts; and what is lawful on a day.

use chrono::NaiveDate;
use liandan::catalogue::{MethodCode, Stage, WasteCode};
use liandan::registry::{self, NoLicence, Paper, Person, Plate};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{JINZHOU, Party, World, id, unit_body};

/// Shahekou (沙河口 and 甘井子 lie outside the first district).
const ELSEWHERE: &str = "210211";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn pair(code: &str, method: &str) -> (WasteCode, MethodCode) {
    (code.parse().unwrap(), method.parse().unwrap())
}

pub fn site_body(name: &str) -> Value {
    json!({ "name": name, "division": JINZHOU, "address": "大连市金州区五一路 1 号", "yearly": [{ "year": 2024, "g": 3_000_000 }, { "year": 2025, "g": { "v": "12", "u": "t" } }] })
}

fn licence_body(site: Uuid, number: &str) -> Value {
    json!({
        "site_id": site, "number": number, "kind": "comprehensive", "issuer": "辽宁省生态环境厅",
        "issued_on": "2024-03-01", "valid_from": "2024-03-01", "valid_to": "2027-03-31",
        "lines": [
            { "codes": ["900-249-08"], "methods": ["R9"], "year_g": { "v": "10000", "u": "t" } },
            { "categories": ["HW08"], "methods": ["R9", "D10"], "year_g": { "v": "500", "u": "t" } },
        ],
    })
}

async fn record(world: &World, party: &Party, path: &str, body: Value) -> Uuid {
    id(&world.post(&party.admin, path, body).await.ok()["done"][0]["subject_id"])
}

async fn site(world: &World, party: &Party) -> Uuid {
    record(world, party, "/api/v1/sites", site_body("一号场所")).await
}

async fn cover(world: &World, unit: Uuid, site: Uuid, on: &str, code: &str, method: &str) -> Result<String, NoLicence> {
    let conn = world.app.db.get().await.unwrap();
    let mut answers = registry::licence_cover(&conn, unit, site, day(on), &[pair(code, method)]).await.unwrap();
    answers.remove(0).map(|licence| licence.licence_no().to_owned())
}

#[actix_web::test]
async fn of_many_changes_a_stale_caller_hears_the_newest_fifty() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let path = format!("/api/v1/sites/{}/change", site(&world, &unit).await);
    for version in 1..=51 {
        world.post_seen(&unit.admin, &path, version, site_body("一号场所")).await.ok();
    }
    let told = |problem: &Value| {
        let versions: Vec<i64> = problem["events"].as_array().unwrap().iter().filter_map(|event| event["version"].as_i64()).collect();
        (versions.len(), versions.first().copied(), versions.last().copied(), problem["events_cut"].as_bool())
    };
    let all = world.post_seen(&unit.admin, &path, 2, site_body("一号场所")).await.refused(412, "stale-version");
    assert_eq!(told(&all), (50, Some(3), Some(52), Some(false)));
    let cut = world.post_seen(&unit.admin, &path, 1, site_body("一号场所")).await.refused(412, "stale-version");
    assert_eq!(told(&cut), (50, Some(3), Some(52), Some(true)));
    let ahead = world.post_seen(&unit.admin, &path, 53, site_body("一号场所")).await.refused(412, "stale-version");
    assert_eq!(told(&ahead), (0, None, None, Some(false)));
}

#[actix_web::test]
async fn a_site_shows_the_computed_and_the_decided_class() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let site = site(&world, &unit).await;
    let path = format!("/api/v1/sites/{site}");
    let shown = world.get(&unit.admin, &path).await.ok();
    assert_eq!((shown["computed_class"].as_str(), shown["decided_class"].as_str()), (Some("simplified"), None));
    let officer = world.authority(JINZHOU).await;
    let decision = json!({ "class": "key_supervised", "reason": "毗邻饮用水水源保护区" });
    world.post_seen(&unit.admin, &format!("{path}/decide_class"), 1, decision.clone()).await.refused(404, "not-found");
    world.post_seen(&officer.admin, &format!("{path}/decide_class"), 7, decision.clone()).await.refused(412, "stale-version");
    world.post_seen(&officer.admin, &format!("{path}/decide_class"), 1, decision).await.ok();
    let shown = world.get(&officer.admin, &path).await.ok();
    assert_eq!(
        (shown["computed_class"].as_str(), shown["decided_class"].as_str(), shown["management_class"].as_str(), shown["version"].as_i64()),
        (Some("simplified"), Some("key_supervised"), Some("key_supervised"), Some(2))
    );
    let mut changed = site_body("一号场所");
    changed["own_facility"] = json!(true);
    world.post_seen(&unit.admin, &format!("{path}/change"), 2, changed).await.ok();
    assert_eq!(world.get(&unit.admin, &path).await.ok()["computed_class"], "key_supervised");
}

#[actix_web::test]
async fn every_fault_of_a_site_is_told_at_once() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let mut body = site_body("一号场所");
    body["division"] = json!("999999");
    body["lon_e7"] = json!(1_217_000_000);
    body["yearly"] = json!([{ "year": 2026, "g": 1 }]);
    let problem = world.post(&unit.admin, "/api/v1/sites", body).await.refused(422, "rules-refuse");
    let codes: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["unknown-division", "half-point", "not-full-years"]);
    let mut body = site_body(" ");
    body["division"] = json!(5);
    let problem = world.post(&unit.admin, "/api/v1/sites", body).await.refused(400, "bad-shape");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{problem}");
}

/// A number begins with a prefecture and officers answer for a county: neither is known of a site in a whole province.
#[actix_web::test]
async fn a_site_lies_in_a_leaf_of_the_division_tree() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let in_division = |division: &str| {
        let mut body = site_body("一号场所");
        body["division"] = json!(division);
        body
    };
    for wide in ["000000", "210000", "210200"] {
        let problem = world.post(&unit.admin, "/api/v1/sites", in_division(wide)).await.refused(422, "division-too-wide");
        assert_eq!(problem["errors"][0]["pointer"], "/division");
    }
    world.post(&unit.admin, "/api/v1/sites", in_division("219999")).await.refused(422, "unknown-division");
    // 东莞市 has no counties; 金普新区 also runs places that no list names yet.
    for leaf in [JINZHOU, "441900", "JINPU"] {
        world.post(&unit.admin, "/api/v1/sites", in_division(leaf)).await.ok();
    }
    let site = site(&world, &unit).await;
    let path = format!("/api/v1/sites/{site}/change");
    world.post_seen(&unit.admin, &path, 1, in_division("210000")).await.refused(422, "division-too-wide");
    world.post_seen(&unit.admin, &path, 1, in_division("210211")).await.ok();
    let outside = unit_body(&world.uscc(), "演示·系统外单位", "210281");
    let clerk = unit.who("clerk");
    let outside = id(&world.post(clerk, "/api/v1/units:external", outside).await.ok()["done"][0]["subject_id"]);
    let path = format!("/api/v1/units/{outside}/sites");
    let there = |division: &str| json!({ "name": "外地场所", "division": division, "address": "西郊路 9 号" });
    world.post(clerk, &path, there("210000")).await.refused(422, "division-too-wide");
    world.post(clerk, &path, there("210281")).await.ok();
}

#[actix_web::test]
async fn sites_are_seen_by_their_unit_and_the_officers_of_their_division_only() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let site = site(&world, &unit).await;
    let path = format!("/api/v1/sites/{site}");
    world.get(&other.admin, &path).await.refused(404, "not-found");
    world.get(&world.authority(ELSEWHERE).await.admin, &path).await.refused(404, "not-found");
    world.get(&world.authority(JINZHOU).await.admin, &path).await.ok();
    world.post_seen(&other.admin, &format!("{path}/change"), 1, site_body("别人的场所")).await.refused(404, "not-found");
    world
        .post(&other.admin, &format!("{path}/facilities"), json!({ "code": "MF0001", "name": "焚烧炉", "kind": "disposal" }))
        .await
        .refused(404, "not-found");
    let list = |answer: Value| answer["items"].as_array().unwrap().len();
    assert_eq!(list(world.get(&unit.admin, "/api/v1/sites").await.ok()), 1);
    assert_eq!(list(world.get(&other.admin, "/api/v1/sites").await.ok()), 0);
    assert_eq!(list(world.get(&other.admin, &format!("/api/v1/sites?unit_id={}", unit.id)).await.ok()), 0);
    assert_eq!(list(world.get(&world.authority(JINZHOU).await.admin, "/api/v1/sites").await.ok()), 1);
    assert_eq!(list(world.get(&world.authority(ELSEWHERE).await.admin, "/api/v1/sites").await.ok()), 0);
}

#[actix_web::test]
async fn a_list_is_read_page_by_page() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(site(&world, &unit).await);
    }
    made.reverse();
    let first = world.get(&unit.admin, "/api/v1/sites?limit=2").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get(&unit.admin, &format!("/api/v1/sites?limit=2&cursor={cursor}")).await.ok();
    let ids: Vec<Uuid> = [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap()).map(|item| id(&item["id"])).collect();
    assert_eq!(ids, made);
    assert!(second["next_cursor"].is_null());
    for query in ["limit=0", "limit=501", "limit=x", "colour=red", "unit_id=7", "cursor=%00", "limit=1&limit=2"] {
        let problem = world.get(&unit.admin, &format!("/api/v1/sites?{query}")).await.refused(400, "bad-parameter");
        assert_eq!(problem["parameter"].as_str(), query.split('=').next(), "{query}");
    }
    let problem = world.get(&unit.admin, &format!("/api/v1/contracts?cursor={cursor}")).await.refused(400, "bad-parameter");
    assert_eq!(problem["parameter"], "cursor");
}

#[actix_web::test]
async fn a_facility_code_stands_once_on_a_site_and_a_closure_covers_its_days() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let site = site(&world, &unit).await;
    let facility = json!({ "code": "MF0001", "name": "焚烧炉", "kind": "disposal", "capacity_g": { "v": "30", "u": "t" } });
    record(&world, &unit, &format!("/api/v1/sites/{site}/facilities"), facility.clone()).await;
    world.post(&unit.admin, &format!("/api/v1/sites/{site}/facilities"), facility).await.refused(409, "facility-exists");
    assert_eq!(world.get(&unit.admin, "/api/v1/facilities").await.ok()["items"][0]["capacity_g"], 30_000_000);
    let closure = json!({ "from_on": "2026-12-01", "reason": "年度检修" });
    let closure = record(&world, &unit, &format!("/api/v1/sites/{site}/closures"), closure).await;
    let closed = async |on: &str| {
        let conn = world.app.db.get().await.unwrap();
        let sites = registry::sites(&conn, &[Uuid::nil(), site]).await.unwrap();
        assert_eq!((sites.len(), sites[0].unit_id(), sites[0].is_verified()), (1, unit.id, true));
        sites[0].closed_on(day(on)).map(str::to_owned)
    };
    assert_eq!((closed("2026-11-30").await, closed("2027-05-01").await.as_deref()), (None, Some("年度检修")));
    world
        .post_seen(&unit.admin, &format!("/api/v1/closures/{closure}/end"), 1, json!({ "until_on": "2026-11-29" }))
        .await
        .refused(422, "days-out-of-order");
    world.post_seen(&unit.admin, &format!("/api/v1/closures/{closure}/end"), 1, json!({ "until_on": "2026-12-10" })).await.ok();
    assert_eq!((closed("2026-12-10").await.as_deref(), closed("2026-12-11").await), (Some("年度检修"), None));
}

#[actix_web::test]
async fn a_licence_covers_once_verified_and_the_nearest_reason_is_told() {
    let world = World::new().await;
    let unit = world.unit("大连东泰产业废弃物处理有限公司", JINZHOU, &[]).await;
    let site = site(&world, &unit).await;
    assert_eq!(cover(&world, unit.id, site, "2026-11-23", "900-249-08", "R9").await, Err(NoLicence::None));
    let licence = record(&world, &unit, "/api/v1/licences", licence_body(site, "LN2102130001")).await;
    assert_eq!(cover(&world, unit.id, site, "2026-11-23", "900-249-08", "R9").await, Err(NoLicence::NotVerified));
    let verify = format!("/api/v1/licences/{licence}/verify");
    world.post_seen(&unit.admin, &verify, 1, json!({})).await.refused(403, "forbidden");
    world.post_seen(&world.authority(ELSEWHERE).await.admin, &verify, 1, json!({})).await.refused(403, "forbidden");
    let officer = world.authority(JINZHOU).await;
    world.post_seen(&officer.admin, &verify, 1, json!({})).await.ok();
    world.post_seen(&officer.admin, &verify, 2, json!({})).await.refused(409, "verified-already");
    for (on, code, method, wanted) in [
        ("2026-11-23", "900-249-08", "R9", Ok("LN2102130001".to_owned())),
        ("2026-11-23", "900-214-08", "D10", Ok("LN2102130001".to_owned())),
        ("2027-03-31", "900-249-08", "R9", Ok("LN2102130001".to_owned())),
        ("2027-04-01", "900-249-08", "R9", Err(NoLicence::Expired { valid_to: day("2027-03-31") })),
        ("2024-02-29", "900-249-08", "R9", Err(NoLicence::NotYet)),
        ("2026-11-23", "900-249-08", "D1", Err(NoLicence::MethodNotInScope)),
        ("2026-11-23", "900-047-49", "R9", Err(NoLicence::CodeNotInScope)),
    ] {
        assert_eq!(cover(&world, unit.id, site, on, code, method).await, wanted, "{on} {code} {method}");
    }
    // An exact code speaks before a category; every pair is answered in its place, by one statement.
    let conn = world.app.db.get().await.unwrap();
    let pairs = [pair("900-214-08", "R9"), pair("900-249-08", "R9"), pair("900-047-49", "R9"), pair("900-249-08", "R9")];
    let before = world.app.db.counts().statements();
    let answers = registry::licence_cover(&conn, unit.id, site, day("2026-11-23"), &pairs).await.unwrap();
    assert_eq!(world.app.db.counts().statements() - before, 1);
    let scales: Vec<Option<i64>> = answers.iter().map(|answer| answer.as_ref().ok().map(|licence| licence.year_g().get())).collect();
    assert_eq!(scales, [Some(500_000_000), Some(10_000_000_000), None, Some(10_000_000_000)]);
    let shown = world.get(&unit.admin, &format!("/api/v1/sites/{site}")).await.ok();
    assert_eq!((shown["is_licence_holder"].as_bool(), shown["computed_class"].as_str()), (Some(true), Some("key_supervised")));
}

#[actix_web::test]
async fn a_suspended_licence_counts_again_and_a_revoked_one_never() {
    let world = World::new().await;
    let unit = world.unit("大连东泰产业废弃物处理有限公司", JINZHOU, &[]).await;
    let officer = world.authority(JINZHOU).await;
    let site = site(&world, &unit).await;
    let licence = record(&world, &unit, "/api/v1/licences", licence_body(site, "LN2102130001")).await;
    let withdraw = format!("/api/v1/licences/{licence}/withdraw");
    let suspension = json!({ "kind": "suspended", "from_on": "2026-12-01", "until_on": "2026-12-31", "reason": "超范围经营" });
    world.post_seen(&officer.admin, &withdraw, 1, suspension.clone()).await.refused(409, "not-verified");
    world.post_seen(&officer.admin, &format!("/api/v1/licences/{licence}/verify"), 1, json!({})).await.ok();
    world
        .post_seen(&officer.admin, &withdraw, 2, json!({ "kind": "suspended", "from_on": "2026-12-01", "reason": "超范围经营" }))
        .await
        .refused(422, "only-suspension-ends");
    world.post_seen(&officer.admin, &withdraw, 2, suspension).await.ok();
    for (on, good) in [("2026-11-30", true), ("2026-12-01", false), ("2026-12-31", false), ("2027-01-01", true)] {
        let wanted = if good { Ok("LN2102130001".to_owned()) } else { Err(NoLicence::Withdrawn) };
        assert_eq!(cover(&world, unit.id, site, on, "900-249-08", "R9").await, wanted, "{on}");
    }
    world.post_seen(&officer.admin, &withdraw, 3, json!({ "kind": "revoked", "from_on": "2027-01-15", "reason": "吊销决定" })).await.ok();
    assert_eq!(cover(&world, unit.id, site, "2027-02-01", "900-249-08", "R9").await, Err(NoLicence::Withdrawn));
    // Partners may check: another unit sees licence, scope and withdrawals.
    let partner = world.unverified_unit("大连开发区电镀厂", JINZHOU).await;
    let seen = world.get(&partner.admin, &format!("/api/v1/units/{}/licences", unit.id)).await.ok();
    let item = &seen["items"][0];
    assert_eq!(
        (item["is_in_force"].as_bool(), item["lines"].as_array().unwrap().len(), item["withdrawals"].as_array().unwrap().len()),
        (Some(true), 2, 2)
    );
    world.get(&partner.admin, &format!("/api/v1/licences/{licence}")).await.ok();
    world.get((), &format!("/api/v1/licences/{licence}")).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_licence_keeps_to_the_law_and_to_its_holder() {
    let world = World::new().await;
    let unit = world.unit("大连东泰产业废弃物处理有限公司", JINZHOU, &[]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let (site, foreign) = (site(&world, &unit).await, site(&world, &other).await);
    let mut body = licence_body(foreign, "LN2102130001");
    body["valid_to"] = json!("2029-03-02");
    body["lines"][0]["codes"] = json!([]);
    let problem = world.post(&unit.admin, "/api/v1/licences", body).await.refused(422, "rules-refuse");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/valid_to", "/lines/0/codes", "/site_id"]);
    assert_eq!(problem["legal"][0], json!({ "law": "hw_licence_2016", "article": "13/para1", "text": "two_copies" }));
    // Two entries of one paper: the second is not verified.
    let officer = world.authority(JINZHOU).await;
    let first = record(&world, &unit, "/api/v1/licences", licence_body(site, "LN2102130001")).await;
    let second = record(&world, &other, "/api/v1/licences", licence_body(foreign, "LN2102130001")).await;
    world.post_seen(&officer.admin, &format!("/api/v1/licences/{first}/verify"), 1, json!({})).await.ok();
    world.post_seen(&officer.admin, &format!("/api/v1/licences/{second}/verify"), 1, json!({})).await.refused(409, "verified-already");
}

#[actix_web::test]
async fn an_exempt_stage_counts_once_verified() {
    let world = World::new().await;
    let unit = world.unit("大连金属冶炼有限公司", JINZHOU, &[]).await;
    let officer = world.authority(JINZHOU).await;
    let exempt = json!({
        "stages": ["use"], "exemption_seq": 8, "codes": ["900-249-08"], "condition": "封口处于打开状态、静置无滴漏且经打包压块后用于金属冶炼",
        "evidence": "现场核查记录", "valid_from": "2026-01-01", "valid_to": "2026-12-31",
    });
    let exempt = record(&world, &unit, "/api/v1/exempt_receivers", exempt).await;
    let found = async |code: &str, stage: Stage, on: &str| {
        let mut conn = world.app.db.get().await.unwrap();
        registry::exempt_receiver(&mut conn, unit.id, code.parse().unwrap(), stage, day(on)).await.unwrap().map(|exempt| exempt.exemption_seq())
    };
    assert_eq!(found("900-249-08", Stage::Use, "2026-12-31").await, None);
    world.post_seen(&officer.admin, &format!("/api/v1/exempt_receivers/{exempt}/verify"), 1, json!({})).await.ok();
    assert_eq!(found("900-249-08", Stage::Use, "2026-12-31").await, Some(8));
    assert_eq!(found("900-249-08", Stage::Use, "2027-01-01").await, None);
    assert_eq!(found("900-249-08", Stage::Transport, "2026-12-31").await, None);
    assert_eq!(found("900-214-08", Stage::Use, "2026-12-31").await, None);
}

#[actix_web::test]
async fn the_papers_of_a_trip_are_facts_of_the_day() {
    let world = World::new().await;
    let carrier = world.unit("大连顺达危险品运输有限公司", JINZHOU, &["driver", "dispatcher"]).await;
    let plate: Plate = "辽B12345".parse().unwrap();
    let vehicle = json!({
        "plate": "辽b·12345", "kind": "truck", "permit_no": "210213000001", "permit_classes": ["3", "6.1"], "permit_valid_to": "2026-12-31",
        "rated_load_g": { "v": "9.8", "u": "t" },
    });
    let driver = carrier.who("driver");
    let made = world.post(carrier.who("dispatcher"), "/api/v1/vehicles", vehicle.clone()).await.ok();
    let vehicle_id = id(&made["done"][0]["subject_id"]);
    world.post(&carrier.admin, "/api/v1/vehicles", vehicle.clone()).await.refused(409, "vehicle-exists");
    world.post(driver, "/api/v1/vehicles", vehicle.clone()).await.refused(403, "forbidden");
    record(&world, &carrier, "/api/v1/carrier_permits", json!({ "number": "大字210213号", "is_dangerous_goods": true, "valid_to": "2028-01-01" }))
        .await;
    record(
        &world,
        &carrier,
        "/api/v1/certificates",
        json!({ "user_id": driver.user, "kind": "driver", "number": "210213199001011234", "valid_to": "2027-06-30" }),
    )
    .await;
    let escort =
        record(&world, &carrier, "/api/v1/certificates", json!({ "name": "赵六", "kind": "escort", "number": "E-1", "valid_to": "2026-11-30" }))
            .await;
    let papers = async |on: &str| {
        let conn = world.app.db.get().await.unwrap();
        registry::transport_papers(&conn, carrier.id, &plate, Some(Person::User(driver.user)), Some(Person::Named("赵六")), day(on)).await.unwrap()
    };
    let today = papers("2026-11-23").await;
    assert!(today.vehicle().is_held() && today.carrier().is_held() && today.driver().is_held() && today.escort().is_held());
    assert_eq!((today.vehicle_id(), today.rated_load_g().map(|g| g.get()), today.is_for_medical()), (Some(vehicle_id), Some(9_800_000), false));
    let later = papers("2027-01-01").await;
    assert_eq!(later.vehicle(), &Paper::Expired { no: "210213000001".into(), valid_to: day("2026-12-31") });
    assert_eq!(later.escort(), &Paper::Expired { no: "E-1".into(), valid_to: day("2026-11-30") });
    assert!(later.driver().is_held());
    let mut renewed = vehicle.clone();
    renewed["permit_valid_to"] = json!("2027-12-31");
    world.post_seen(&carrier.admin, &format!("/api/v1/vehicles/{vehicle_id}/change"), 1, renewed).await.ok();
    assert!(papers("2027-01-01").await.vehicle().is_held());
    world.post_seen(&carrier.admin, &format!("/api/v1/certificates/{escort}/retire"), 1, json!({})).await.ok();
    assert_eq!(papers("2026-11-23").await.escort(), &Paper::Missing);
    world.post_seen(&carrier.admin, &format!("/api/v1/vehicles/{vehicle_id}/retire"), 2, json!({})).await.ok();
    let retired = papers("2026-11-23").await;
    assert_eq!((retired.vehicle(), retired.rated_load_g()), (&Paper::Missing, None));
    world.post_seen(&carrier.admin, &format!("/api/v1/vehicles/{vehicle_id}/retire"), 3, json!({})).await.refused(409, "ended-already");
    record(&world, &carrier, "/api/v1/vehicles", vehicle).await;
}

#[actix_web::test]
async fn vehicles_are_open_to_partners_and_peoples_papers_are_not() {
    let world = World::new().await;
    let carrier = world.unit("大连顺达危险品运输有限公司", JINZHOU, &[]).await;
    let partner = world.unit("大连开发区电镀厂", JINZHOU, &["driver"]).await;
    let certificate = json!({ "name": "赵六", "kind": "escort", "number": "210213199001011234", "valid_to": "2026-11-30" });
    let certificate_id = record(&world, &carrier, "/api/v1/certificates", certificate.clone()).await;
    let path = format!("/api/v1/certificates/{certificate_id}");
    world.get(&partner.admin, &path).await.refused(404, "not-found");
    assert_eq!(world.get(&world.authority(JINZHOU).await.admin, &path).await.ok()["name"], "赵六");
    world.get(&world.authority(ELSEWHERE).await.admin, &path).await.refused(404, "not-found");
    assert_eq!(world.get(&partner.admin, &format!("/api/v1/certificates?unit_id={}", carrier.id)).await.ok()["items"], json!([]));
    world.get(&partner.admin, &format!("/api/v1/units/{}/vehicles", carrier.id)).await.ok();
    world.get(&partner.admin, &format!("/api/v1/units/{}/carrier_permits", carrier.id)).await.ok();
    // What identifies the person stays out of the chain, which nothing can be erased from.
    let leaks = "SELECT count(*) AS n FROM events WHERE position(convert_to('赵六', 'UTF8') IN bytes) > 0 OR position('210213199001011234'::bytea IN bytes) > 0";
    assert_eq!(world.number(leaks).await, 0);
    let mut both = certificate;
    both["user_id"] = json!(carrier.admin.user);
    world.post(&carrier.admin, "/api/v1/certificates", both).await.refused(422, "one-person");
    let stranger = json!({ "user_id": partner.who("driver").user, "kind": "driver", "number": "1", "valid_to": "2027-01-01" });
    world.post(&carrier.admin, "/api/v1/certificates", stranger).await.refused(422, "not-member");
}

#[actix_web::test]
async fn a_contract_is_recorded_by_one_party_and_holds_for_both() {
    let world = World::new().await;
    let consignor = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let receiver = world.unit("大连东泰产业废弃物处理有限公司", JINZHOU, &[]).await;
    let third = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let body =
        json!({ "consignor_id": consignor.id, "other_id": receiver.id, "number": "HT-2026-1", "from_on": "2026-01-01", "until_on": "2026-12-31" });
    world.post(&third.admin, "/api/v1/contracts", body.clone()).await.refused(422, "not-party");
    let contract = record(&world, &receiver, "/api/v1/contracts", body).await;
    let until = async |a: Uuid, b: Uuid, on: &str| {
        let conn = world.app.db.get().await.unwrap();
        registry::contract_between(&conn, a, b, day(on)).await.unwrap().map(|contract| contract.until())
    };
    assert_eq!(until(consignor.id, receiver.id, "2026-12-31").await, Some(day("2026-12-31")));
    assert_eq!(until(receiver.id, consignor.id, "2026-01-01").await, Some(day("2026-12-31")));
    assert_eq!(until(consignor.id, receiver.id, "2027-01-01").await, None);
    assert_eq!(until(consignor.id, third.id, "2026-06-01").await, None);
    let path = format!("/api/v1/contracts/{contract}");
    world.get(&third.admin, &path).await.refused(404, "not-found");
    world.post_seen(&third.admin, &format!("{path}/end"), 1, json!({ "until_on": "2026-11-30" })).await.refused(404, "not-found");
    world.post_seen(&consignor.admin, &format!("{path}/end"), 1, json!({ "until_on": "2026-11-30" })).await.ok();
    assert_eq!(until(consignor.id, receiver.id, "2026-12-01").await, None);
}

#[actix_web::test]
async fn check_mode_keeps_nothing() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let before = world.events().await;
    let would = world.post(&unit.admin, "/api/v1/sites?mode=check", site_body("一号场所")).await.ok();
    assert_eq!(would["would"][0]["act"], "record_site");
    assert_eq!((world.events().await, world.number("SELECT count(*) AS n FROM sites").await), (before, 0));
}

#[actix_web::test]
async fn a_closure_given_by_mistake_is_withdrawn_from_its_first_day() {
    let world = World::new().await;
    let district = crate::district::District::new(&world).await;
    let clerk = district.works.who("clerk");
    let path = format!("/api/v1/sites/{}/closures", district.works_site);
    let given = world.post(clerk, &path, json!({ "from_on": "2026-11-24", "reason": "检修" })).await.ok();
    let closure = given["done"][0]["subject_id"].as_str().unwrap().to_owned();
    let issue = async || world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", district.manifest(1_200_000)).await;
    assert_eq!(issue().await.status, 422, "the receiver is closed on the planned day");
    let end = format!("/api/v1/closures/{closure}/end");
    world.post_seen(clerk, &end, 1, json!({ "until_on": "2026-11-22" })).await.refused(422, "days-out-of-order");
    world.post_seen(clerk, &end, 1, json!({ "until_on": "2026-11-23" })).await.ok();
    issue().await.ok();
}
