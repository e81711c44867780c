//! Management plans: drawn up, checked, filed, changed, and what a manifest finds in them.

use actix_web::http::Method;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, Manifest, OIL, faults, warnings};
use crate::harness::{Answer, Caller, JINZHOU, World, id};

/// Paint waste, which the works' licence covers by its category.
const PAINT: &str = "900-041-49";

fn generated(code: &str, planned_g: i64) -> Value {
    json!({
        "facility_code": "MF0001", "facility_name": "一车间", "stage": "设备检修", "code": code, "harmful": "石油烃", "form": "liquid",
        "planned_g": planned_g, "inside": [{ "way": "storage", "facility_code": "TS001" }],
    })
}

fn moved(district: &District, code: &str, method: &str, planned_g: i64) -> Value {
    json!({
        "code": code, "harmful": "石油烃", "form": "liquid", "planned_g": planned_g, "method": method, "receiver_kind": "licence_holder",
        "receiver_id": district.works.id, "receiver_site_id": district.works_site,
    })
}

/// A plan that moves a hundred tonnes of oil to the works.
fn tables(district: &District) -> Value {
    json!({
        "legal_representative": { "name": "张三", "phone": "0411-87000001" }, "technical_lead": { "name": "李四", "phone": "0411-87000002" },
        "a3": [generated(OIL, 100_000_000)], "a7": [moved(district, OIL, "R9", 100_000_000)],
    })
}

async fn draft(world: &World, district: &District, year: i32, tables: Value) -> Uuid {
    let body = json!({ "site_id": district.plant_site, "year": year, "tables": tables });
    id(&world.post(district.plant.who("clerk"), "/api/v1/plans", body).await.ok()["id"])
}

async fn filed(world: &World, district: &District, year: i32, tables: Value) -> Uuid {
    let plan = draft(world, district, year, tables).await;
    world.post_seen(district.plant.who("clerk"), &format!("/api/v1/plans/{plan}/file"), 1, json!({})).await.ok();
    plan
}

async fn put<'a>(world: &World, who: impl Into<Caller<'a>>, plan: Uuid, seen: i64, body: Value) -> Answer {
    let request = world.request(Method::PUT, who, &format!("/api/v1/plans/{plan}")).await;
    world.send(request.insert_header(("If-Match", format!("\"{seen}\""))).set_json(body)).await
}

async fn delete<'a>(world: &World, who: impl Into<Caller<'a>>, plan: Uuid) -> Answer {
    world.send(world.request(Method::DELETE, who, &format!("/api/v1/plans/{plan}")).await).await
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn codes(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_plan_is_in_force_when_it_is_filed_and_nobody_approves_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let plan = draft(&world, &district, 2026, json!({})).await;
    let path = format!("/api/v1/plans/{plan}");
    let before = world.events().await;
    let written = put(&world, clerk, plan, 1, json!({ "tables": tables(&district) })).await.ok();
    assert_eq!(written["version"], 2);
    put(&world, clerk, plan, 1, json!({ "tables": {} })).await.refused(412, "stale-version");
    assert_eq!(world.events().await, before, "a draft leaves no trace");
    let would = world.act(clerk, &format!("{path}/file?mode=check"), Some(2), "unused", json!({})).await.ok();
    assert_eq!(would["would"][0]["act"], "file_plan");
    assert_eq!(world.get(clerk, &path).await.ok()["plan"]["state"], "prepared");

    let done = world.act(clerk, &format!("{path}/file"), Some(2), "file", json!({})).await;
    let again = world.act(clerk, &format!("{path}/file"), Some(2), "file", json!({})).await;
    assert_eq!((again.header("Idempotency-Replayed"), &again.bytes), ("true", &done.bytes));
    let result = done.ok()["done"][0]["result"].clone();
    assert_eq!((&result["state"], &result["revision"], &result["is_late"]), (&json!("sent"), &json!(1), &json!(true)));
    assert!(!result.to_string().contains("张三"), "no person in an event");
    let shown = world.get(clerk, &path).await.ok();
    assert_eq!((&shown["plan"]["state"], &shown["plan"]["official_filing_no"]), (&json!("sent"), &Value::Null), "our id is no filing number");
    assert_eq!((&shown["drawn"]["a1"]["uscc"], &shown["drawn"]["a7"][0]["route"]), (&json!(district.plant.uscc), &json!("in_province")));
    assert!(shown["drawn"]["a7"][0]["licence_no"].is_string());

    // What is filed is what manifests rest on.
    let flows = world.get(clerk, "/api/v1/plan_flows").await.ok();
    assert_eq!((flows["items"].as_array().unwrap().len(), &flows["items"][0]["planned_g"]), (1, &json!(100_000_000)));
    district.issue(&world, 1_200_000).await;
    world.post_seen(clerk, &format!("{path}/file"), 1, json!({})).await.refused(409, "plan-filed-already");
    put(&world, clerk, plan, 2, json!({ "tables": {} })).await.refused(409, "plan-filed-already");
    delete(&world, clerk, plan).await.refused(409, "plan-filed-already");
    let flow =
        json!({ "site_id": district.plant_site, "year": 2026, "code": PAINT, "receiver_id": district.works.id, "method": "R9", "planned_g": 1 });
    world.post(clerk, "/api/v1/plan_flows", flow).await.refused(409, "plan-is-filed");
    let flow = format!("/api/v1/plan_flows/{}/change", flows["items"][0]["id"].as_str().unwrap());
    world.post_seen(clerk, &flow, 1, json!({ "planned_g": 1 })).await.refused(409, "plan-is-filed");
}

#[actix_web::test]
async fn everything_wrong_in_a_plan_is_told_at_once_with_its_place() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let stranger = Uuid::from_u128(7);
    let mut wrong = json!({ "a3": [generated(OIL, 10)], "a7": [moved(&district, OIL, "R9", 5), moved(&district, OIL, "R9", 5), moved(&district, OIL, "R99", 5)] });
    wrong["a7"][2]["receiver_id"] = json!(stranger);
    let plan = draft(&world, &district, 2027, wrong).await;
    let told = world.get(clerk, &format!("/api/v1/plans/{plan}/check")).await.ok();
    assert_eq!(codes(&told["faults"]), ["plan-method-unknown", "plan-way-twice", "plan-receiver-unknown"]);
    let pointers: Vec<_> = told["faults"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect();
    assert_eq!(pointers, ["/tables/a7/2/method", "/tables/a7/1", "/tables/a7/2/receiver_id"]);
    let warned = codes(&told["warnings"]);
    for code in ["plan-contact-missing", "plan-contingency-missing", "plan-class-unknown", "plan-edition-not-loaded", "plan-facility-not-recorded"] {
        assert!(warned.contains(&code.to_owned()), "{code} in {warned:?}");
    }
    let problem = world.post_seen(clerk, &format!("/api/v1/plans/{plan}/file"), 1, json!({})).await.refused(422, "rules-refuse");
    assert_eq!(faults(&problem), codes(&told["faults"]));
    // What a licence does not cover is told and stops nothing: the plan is filed, and the manifest will be refused.
    let mut uncovered = tables(&district);
    uncovered["a7"] = json!([moved(&district, OIL, "D1", 1)]);
    put(&world, clerk, plan, 1, json!({ "tables": uncovered })).await.ok();
    let told = world.post_seen(clerk, &format!("/api/v1/plans/{plan}/file"), 2, json!({})).await.ok();
    assert!(codes(&told["warnings"]).contains(&"plan-receiver-not-licensed".to_owned()));
}

#[actix_web::test]
async fn a_plan_is_of_an_own_site_and_a_near_year_and_only_one() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let post =
        async |who: &crate::harness::Person, site: Uuid, year: i32| world.post(who, "/api/v1/plans", json!({ "site_id": site, "year": year })).await;
    post(clerk, district.works_site, 2026).await.refused(422, "plan-site-not-own");
    post(clerk, district.plant_site, 2024).await.refused(422, "plan-year-too-far");
    post(clerk, district.plant_site, 2025).await.ok();
    post(clerk, district.plant_site, 2025).await.refused(409, "plan-exists");
    post(district.plant.who("signatory"), district.plant_site, 2026).await.refused(403, "forbidden");
    let wrong = json!({ "site_id": district.plant_site, "year": 2026, "tables": { "a8": [] } });
    world.post(clerk, "/api/v1/plans", wrong).await.refused(400, "bad-shape");
}

#[actix_web::test]
async fn a_draft_is_its_units_alone_and_a_filed_plan_its_officers_too() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (clerk, officer) = (district.plant.who("clerk"), world.authority(JINZHOU).await);
    let plan = draft(&world, &district, 2026, tables(&district)).await;
    let path = format!("/api/v1/plans/{plan}");
    for outsider in [&officer.admin, &district.works.admin] {
        for read in [path.clone(), format!("{path}/check")] {
            world.get(outsider, &read).await.refused(404, "not-found");
        }
        for act in ["file", "comment", "acknowledge"] {
            let body = match act {
                "comment" => json!({ "comment": "请补充" }),
                "acknowledge" => json!({ "official_filing_no": "BA-1" }),
                _ => json!({}),
            };
            world.post_seen(outsider, &format!("{path}/{act}"), 1, body).await.refused(404, "not-found");
        }
        put(&world, outsider, plan, 1, json!({ "tables": {} })).await.refused(404, "not-found");
        delete(&world, outsider, plan).await.refused(404, "not-found");
    }
    assert_eq!(world.get(&officer.admin, "/api/v1/plans").await.ok()["items"], json!([]));
    world.post_seen(clerk, &format!("{path}/file"), 1, json!({})).await.ok();
    world.get(&officer.admin, &path).await.ok();
    world.get(&district.works.admin, &path).await.refused(404, "not-found");
    world.post_seen(&officer.admin, &format!("{path}/change"), 1, json!({ "reason": "代改", "tables": {} })).await.refused(403, "forbidden");

    let comment = json!({ "comment": "贮存设施编码与排污许可证不一致，请核对" });
    world.post_seen(clerk, &format!("{path}/comment"), 1, comment.clone()).await.refused(403, "forbidden");
    world.post_seen(&officer.admin, &format!("{path}/comment"), 1, comment.clone()).await.ok();
    let viewer = world.add_person(&officer, &["viewer"]).await;
    world.post_seen(&viewer, &format!("{path}/comment"), 2, comment.clone()).await.refused(403, "forbidden");
    let shown = world.get(clerk, &path).await.ok();
    assert_eq!((&shown["comments"][0]["comment"], &shown["plan"]["state"]), (&comment["comment"], &json!("sent")), "a comment takes nothing away");
}

#[actix_web::test]
async fn the_authoritys_number_belongs_to_one_filing() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (clerk, officer) = (district.plant.who("clerk"), world.authority(JINZHOU).await);
    let plan = filed(&world, &district, 2026, tables(&district)).await;
    let path = format!("/api/v1/plans/{plan}");
    let number = |text: &str| json!({ "official_filing_no": text });
    world.post_seen(&district.works.admin, &format!("{path}/acknowledge"), 1, number("BA-1")).await.refused(404, "not-found");
    world.post_seen(&officer.admin, &format!("{path}/acknowledge"), 1, number("BA-1")).await.ok();
    world.post_seen(clerk, &format!("{path}/acknowledge"), 2, number("BA-2")).await.refused(409, "plan-acknowledged-already");
    let shown = world.get(clerk, &path).await.ok();
    assert_eq!((&shown["plan"]["state"], &shown["plan"]["official_filing_no"]), (&json!("acknowledged"), &json!("BA-1")));
    assert_eq!(world.get(clerk, "/api/v1/plan_flows").await.ok()["items"][0]["filing_no"], "BA-1");

    let mut changed = tables(&district);
    changed["a7"][0]["planned_g"] = json!(90_000_000);
    let change = |tables: &Value| json!({ "reason": "产量下降", "tables": tables });
    world.post_seen(clerk, &format!("{path}/change"), 2, change(&tables(&district))).await.refused(422, "plan-not-changed");
    world.post_seen(clerk, &format!("{path}/change"), 2, change(&changed)).await.ok();
    let shown = world.get(clerk, &path).await.ok();
    assert_eq!((&shown["plan"]["state"], &shown["plan"]["official_filing_no"]), (&json!("sent"), &Value::Null));
    assert_eq!((&shown["revisions"][0]["revision"], &shown["revisions"][1]["official_filing_no"]), (&json!(2), &json!("BA-1")));
    let first = world.get(clerk, &format!("{path}?revision=1")).await.ok();
    assert_eq!((&first["tables"]["a7"][0]["planned_g"], &first["shown_revision"]), (&json!(100_000_000), &json!(1)), "as it was sealed");
    world.get(clerk, &format!("{path}?revision=3")).await.refused(404, "not-found");
    world.post_seen(clerk, &format!("{path}/acknowledge"), 3, number("BA-2")).await.ok();
}

#[actix_web::test]
async fn a_manifest_outside_the_plan_finds_the_change_of_the_plan_made_ready() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let plan = filed(&world, &district, 2026, tables(&district)).await;
    let manifest = district.issue(&world, 1_200_000).await;
    let flow = |manifest: &Value| manifest["parts"]["consignment"][0]["content"]["lines"][0]["plan_flow"]["flow_id"].clone();
    let first = flow(&manifest.get(&world, clerk).await);

    let mut outside = district.manifest(1_200_000);
    outside["lines"][0]["method"] = json!("D10");
    let mut paint = outside["lines"][0].clone();
    paint["waste_code"] = json!(PAINT);
    outside["lines"].as_array_mut().unwrap().push(paint);
    let problem = world.post(clerk, "/api/v1/manifests:issue", outside.clone()).await;
    let problem = problem.json;
    assert_eq!(faults(&problem).iter().filter(|code| *code == "plan-flow-missing").count(), 2, "{problem}");
    let help = problem["help"].as_array().unwrap();
    assert_eq!(help.len(), 1, "one change for both lines");
    assert_eq!(help[0]["path"], format!("/api/v1/plans/{plan}/change"));
    let changed =
        world.post_seen(clerk, help[0]["path"].as_str().unwrap(), help[0]["if_match"].as_i64().unwrap(), help[0]["body"].clone()).await.ok();
    assert_eq!(changed["done"][0]["result"]["revision"], 2);
    let issued = world.post(clerk, "/api/v1/manifests:issue", outside).await;
    assert!(!faults(&issued.json).contains(&"plan-flow-missing".to_owned()), "{}", issued.json);
    let again = district.issue(&world, 1_200_000).await;
    assert_eq!(flow(&again.get(&world, clerk).await), first, "the account of a way goes on over the filings");

    // What a later filing leaves out is no longer planned; what rests on it goes on.
    let mut less = tables(&district);
    less["a7"] = json!([moved(&district, PAINT, "D10", 1)]);
    world.post_seen(clerk, &format!("/api/v1/plans/{plan}/change"), 2, json!({ "reason": "停产", "tables": less })).await.ok();
    world.post(clerk, "/api/v1/manifests:issue", district.manifest(1_200_000)).await.refused(422, "plan-flow-missing");
    let mut manifest = manifest;
    district.bring_to(&world, &mut manifest, "confirmed").await;
}

#[actix_web::test]
async fn a_plan_is_late_from_the_first_of_april_on_by_the_day_in_dalian() {
    for (now, late) in [("2027-03-31T23:59:59+08:00", false), ("2027-04-01T00:00:00+08:00", true)] {
        let world = World::new().await;
        let district = District::new(&world).await;
        let plan = draft(&world, &district, 2027, tables(&district)).await;
        world.clock.set(at(now));
        let done = world.post_seen(district.plant.who("clerk"), &format!("/api/v1/plans/{plan}/file"), 1, json!({})).await.ok();
        assert_eq!(done["done"][0]["result"]["is_late"], late, "{now}");
        assert_eq!(codes(&done["warnings"]).contains(&"plan-late".to_owned()), late);
        let listed = world.get(district.plant.who("clerk"), "/api/v1/plans").await.ok();
        assert_eq!((&listed["items"][0]["is_late"], &listed["items"][0]["due_on"]), (&json!(late), &json!("2027-03-31")));
    }
}

async fn issued_on(world: &World, district: &District, day: &str, next: &str) -> Answer {
    world.clock.set(at(&format!("{day}T10:00:00+08:00")));
    let mut body = district.manifest(1_200_000);
    (body["planned_departure_on"], body["planned_receipt_on"]) = (json!(day), json!(next));
    world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await
}

#[actix_web::test]
async fn last_years_plan_stands_in_to_the_end_of_march_and_not_beside_a_new_one() {
    let world = World::new().await;
    let district = District::new(&world).await;
    for (day, next) in [("2027-01-01", "2027-01-02"), ("2027-03-31", "2027-04-01")] {
        let answer = issued_on(&world, &district, day, next).await.ok();
        assert!(warnings(&answer).contains(&"plan-of-last-year".to_owned()), "{day}");
        Manifest::of(&answer);
    }
    issued_on(&world, &district, "2027-04-01", "2027-04-02").await.refused(422, "plan-flow-missing");
    // A division may set another day.
    world.clock.set(at("2027-02-01T10:00:00+08:00"));
    let mut other = tables(&district);
    other["a7"] = json!([moved(&district, PAINT, "R9", 1)]);
    let plan = draft(&world, &district, 2027, other).await;
    let answer = issued_on(&world, &district, "2027-02-01", "2027-02-02").await.ok();
    assert!(warnings(&answer).contains(&"plan-of-last-year".to_owned()), "a draft is no plan yet");
    world.post_seen(district.plant.who("clerk"), &format!("/api/v1/plans/{plan}/file"), 1, json!({})).await.ok();
    let problem = issued_on(&world, &district, "2027-02-01", "2027-02-02").await.refused(422, "plan-flow-missing");
    assert_eq!(problem["help"][0]["act"], "change_plan");
}

#[actix_web::test]
async fn the_new_year_begins_with_a_copy_of_the_old_plan() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let copy = json!({ "site_id": district.plant_site, "from_year": 2026, "year": 2027 });
    world.post(clerk, "/api/v1/plans:copy", copy.clone()).await.refused(422, "nothing-to-copy");
    filed(&world, &district, 2026, tables(&district)).await;
    world.post(&district.works.admin, "/api/v1/plans:copy", copy.clone()).await.refused(422, "nothing-to-copy");
    let made = id(&world.post(clerk, "/api/v1/plans:copy", copy.clone()).await.ok()["id"]);
    world.post(clerk, "/api/v1/plans:copy", copy).await.refused(409, "plan-exists");
    let shown = world.get(clerk, &format!("/api/v1/plans/{made}")).await.ok();
    assert_eq!(
        (&shown["plan"]["year"], &shown["plan"]["state"], &shown["tables"]["a7"][0]["planned_g"]),
        (&json!(2027), &json!("prepared"), &json!(100_000_000))
    );
    assert_eq!(delete(&world, clerk, made).await.status, 204);
    world.get(clerk, &format!("/api/v1/plans/{made}")).await.refused(404, "not-found");
}
