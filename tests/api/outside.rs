//! Units outside the system: receivers whose part comes from papers, licences that are only said to be, and the border.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, Manifest, OIL, faults, release, warnings};
use crate::harness::{World, id, unit_body};

/// 瓦房店市.
const ELSEWHERE: &str = "210281";

async fn outside(world: &World, district: &District, country: &str) -> Uuid {
    let mut body = unit_body(&world.uscc(), "演示·系统外单位", ELSEWHERE);
    body["country"] = json!(country);
    id(&world.post(district.plant.who("clerk"), "/api/v1/units:external", body).await.ok()["done"][0]["subject_id"])
}

fn site_body() -> Value {
    json!({ "name": "外地场所", "division": ELSEWHERE, "address": "西郊路 9 号" })
}

/// A body for a unit outside the system, with the paper from which it is entered.
fn by_proxy(mut body: Value) -> Value {
    body["proxy"] = json!({ "source": "scanned_paper", "reference": "纸质联单扫描件 3 号" });
    body
}

async fn site(world: &World, district: &District, unit: Uuid) -> Uuid {
    let answer = world.post(district.plant.who("clerk"), &format!("/api/v1/units/{unit}/sites"), site_body()).await.ok();
    id(&answer["done"][0]["subject_id"])
}

fn licence(site: Uuid, source: Option<&str>) -> Value {
    let mut body = json!({
        "site_id": site, "number": "LN2102810009", "kind": "comprehensive", "issuer": "大连市生态环境局", "issued_on": "2026-01-01",
        "valid_from": "2026-01-01", "valid_to": "2026-11-24", "lines": [{ "codes": [OIL], "methods": ["R9"], "year_g": 1_000_000_000 }],
    });
    if let Some(source) = source {
        body["source"] = json!(source);
    }
    body
}

#[actix_web::test]
async fn a_site_of_a_unit_outside_the_system_is_recorded_by_whoever_deals_with_it_or_an_officer() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let unit = outside(&world, &district, "CN").await;
    let path = format!("/api/v1/units/{unit}/sites");
    world.post(district.plant.who("clerk"), &path, site_body()).await.ok();
    let officer = world.authority("210213").await;
    world.post(&officer.admin, &path, site_body()).await.ok();
    // Another partner that deals with it may add what it knows; it stands there as said by that partner.
    let added = world.post(district.works.who("clerk"), &path, site_body()).await.ok();
    assert_eq!(added["done"][0]["result"]["stated_by_unit"], json!(district.works.id));
    world.post(district.works.who("signatory"), &path, site_body()).await.refused(403, "forbidden");
    let newcomer = world.unverified_unit("演示·未核验", "210213").await;
    world.post(&newcomer.admin, &path, site_body()).await.refused(403, "forbidden");
    // A unit of the system speaks for itself.
    world.post(&officer.admin, &format!("/api/v1/units/{}/sites", district.works.id), site_body()).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_site_of_a_unit_outside_the_system_is_changed_by_its_partner_or_an_officer_only() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let unit = outside(&world, &district, "CN").await;
    let there = site(&world, &district, unit).await;
    let path = format!("/api/v1/sites/{there}/change");
    let mut body = site_body();
    body["address"] = json!("西郊路 11 号");
    let clerk = district.plant.who("clerk");
    world.post(clerk, &path, body.clone()).await.refused(428, "if-match-missing");
    let changed = world.post_seen(clerk, &path, 1, body.clone()).await.ok();
    let done = &changed["done"][0];
    assert_eq!((&done["act"], &done["version"]), (&json!("change_external_site"), &json!(2)));
    assert_eq!((&done["result"]["address"], &done["result"]["stated_by_unit"]), (&json!("西郊路 11 号"), &json!(district.plant.id)));
    let before = world.events().await;
    world.post_seen(clerk, &path, 1, body.clone()).await.refused(412, "stale-version");
    world.post_seen(district.works.who("clerk"), &path, 2, body.clone()).await.refused(403, "forbidden");
    world.post_seen(district.plant.who("signatory"), &path, 2, body.clone()).await.refused(403, "forbidden");
    let mut nowhere = body.clone();
    nowhere["division"] = json!("219999");
    world.post_seen(clerk, &path, 2, nowhere).await.refused(422, "unknown-division");
    assert_eq!(world.events().await, before);
    let officer = world.authority("210213").await;
    body["address"] = json!("西郊路 13 号");
    world.post_seen(&officer.admin, &path, 2, body.clone()).await.ok();
    assert_eq!(world.number(&format!("SELECT count(*) AS n FROM sites WHERE id = '{there}' AND address = '西郊路 13 号'")).await, 1);
    // A unit of the system changes its own sites, and nobody else does.
    let own = format!("/api/v1/sites/{}/change", district.works_site);
    world.post_seen(&officer.admin, &own, 1, body.clone()).await.refused(404, "not-found");
    world.post_seen(clerk, &own, 1, body).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_receiver_outside_the_system_takes_by_proxy_and_its_licence_is_only_a_claim() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let unit = outside(&world, &district, "CN").await;
    let there = site(&world, &district, unit).await;
    let flow = json!({ "site_id": district.plant_site, "year": 2026, "code": OIL, "receiver_id": unit, "method": "R9", "planned_g": 9_000_000 });
    world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
    let issue = async |receipt_on: &str| {
        let mut body = district.manifest(1_200_000);
        body["receiver_site_id"] = json!(there);
        body["planned_receipt_on"] = json!(receipt_on);
        world.post(clerk, "/api/v1/manifests:issue", body).await
    };
    // Nobody says that it has a licence: the law forbids to give it away.
    assert!(faults(&issue("2026-11-24").await.json).contains(&"receiver-not-licensed".to_owned()));
    world.post(clerk, "/api/v1/licences", licence(there, None)).await.refused(422, "unknown-unit-or-site");
    world.post(district.works.who("signatory"), "/api/v1/licences", licence(there, Some("听说"))).await.refused(403, "forbidden");
    let own = world.post(district.works.who("clerk"), "/api/v1/licences", licence(district.works_site, Some("本单位"))).await;
    own.refused(422, "source-only-of-others");
    world.post(clerk, "/api/v1/licences", licence(there, Some("省厅公示名单"))).await.ok();
    // The last day of the claimed licence, and the day after.
    let issued = issue("2026-11-24").await.ok();
    assert!(warnings(&issued).contains(&"receiver-licence-claimed".to_owned()), "{issued}");
    assert!(faults(&issue("2026-11-25").await.json).contains(&"receiver-not-licensed".to_owned()));
    let mut manifest = Manifest::of(&issued);
    district.bring_to(&world, &mut manifest, "assigned").await;
    let signatory = district.plant.who("signatory");
    let released = manifest.act(&world, signatory, "release", release(1_200_000)).await.ok();
    assert!(warnings(&released).contains(&"receiver-licence-claimed".to_owned()));
    manifest.took(&released);
    let driver = district.carrier.who("driver");
    for act in ["take_over", "arrive"] {
        let answer = manifest.act(&world, driver, act, json!({ "plate": "辽B12345" })).await.ok();
        manifest.took(&answer);
    }
    for act in ["receive", "confirm"] {
        manifest.act(&world, district.works.who("signatory"), act, by_proxy(json!({}))).await.refused(404, "not-found");
        manifest.act(&world, clerk, act, by_proxy(json!({}))).await.refused(403, "forbidden");
        let before = world.events().await;
        let problem = manifest.act(&world, signatory, act, json!({})).await.refused(422, "proxy-source-missing");
        assert_eq!(problem["errors"][0]["pointer"], "/proxy");
        assert_eq!(world.events().await, before);
        let answer = manifest.act(&world, signatory, act, by_proxy(json!({}))).await.ok();
        assert!(warnings(&answer).contains(&"by-proxy".to_owned()), "{answer}");
        manifest.took(&answer);
    }
    // Whoever reads it sees for whom it was entered and from what; the chain keeps it for ever.
    let doc = manifest.get(&world, district.carrier.who("driver")).await;
    let shown: Vec<_> = doc["proxies"].as_array().unwrap().iter().map(|one| (one["act"].clone(), one["proxy"].clone())).collect();
    let mark = json!({ "for_unit": unit, "source": "scanned_paper", "reference": "纸质联单扫描件 3 号" });
    assert_eq!(shown, [(json!("receive"), mark.clone()), (json!("confirm"), mark.clone())]);
    let evidence = world.get(signatory, &format!("/api/v1/manifests/{}/evidence", manifest.id)).await.ok();
    let last = evidence["chains"][0]["events"].as_array().unwrap().last().unwrap()["bytes"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["payload"]["proxy"], mark);
    assert_eq!(manifest.last["result"]["state"], "confirmed");
    assert!(manifest.last["result"]["flags"].to_string().contains("by-proxy"));
    assert!(manifest.last["result"]["flags"].to_string().contains("receiver-licence-claimed"));
}

#[actix_web::test]
async fn a_source_is_refused_where_nobody_outside_the_system_is_acted_for() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    let trip = json!({ "trip": district.trip() });
    let dispatcher = district.carrier.who("dispatcher");
    let problem = manifest.act(&world, dispatcher, "assign", by_proxy(trip.clone())).await.refused(422, "proxy-not-needed");
    assert_eq!(problem["errors"][0]["pointer"], "/proxy");
    manifest.took(&manifest.act(&world, dispatcher, "assign", trip).await.ok());
    let driver = json!({ "plate": "辽B12345" });
    let problem =
        manifest.act(&world, district.works.who("weigher"), "gate", json!({ "receive": by_proxy(json!({})) })).await.refused(422, "proxy-not-needed");
    assert_eq!(problem["errors"][0]["pointer"], "/receive/proxy");
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await.ok());
    manifest.act(&world, district.carrier.who("driver"), "take_over", by_proxy(driver.clone())).await.refused(422, "proxy-not-needed");
    let mut nameless = by_proxy(driver.clone());
    nameless["proxy"]["reference"] = json!("");
    manifest.act(&world, district.carrier.who("driver"), "take_over", nameless).await.refused(400, "bad-shape");
    manifest.took(&manifest.act(&world, district.carrier.who("driver"), "take_over", driver).await.ok());
    let doc = manifest.get(&world, district.plant.who("signatory")).await;
    assert_eq!((&doc["proxies"], doc["flags"].to_string().contains("by-proxy")), (&json!([]), false));
}

#[actix_web::test]
async fn both_ends_may_sign_for_a_carrier_outside_the_system_and_no_driver_is_said_to_be_missing() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let carrier = outside(&world, &district, "CN").await;
    let mut body = district.manifest(1_200_000);
    body["carrier_id"] = json!(carrier);
    let mut manifest = Manifest::of(&world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok());
    let trip = json!({ "trip": { "plate": "辽B99999", "driver_name": "外单位驾驶员", "escort_name": "外单位押运员", "waybill_no": "YD-9" } });
    let (consignor, receiver) = (district.plant.who("signatory"), district.works.who("signatory"));
    // What the carrier owes waits for its partner, who is told what the act lacks.
    let list = world.get(consignor, "/api/v1/manifests?waiting_for_me=true").await.ok();
    assert_eq!(list["items"][0]["waiting_for"], json!(["assign"]));
    for who in [consignor, receiver] {
        let next = world.get(who, &format!("/api/v1/manifests/{}/next", manifest.id)).await.ok();
        let assign = next["next"].as_array().unwrap().iter().find(|one| one["act"] == "assign").unwrap().clone();
        assert_eq!(assign["lacks"], json!(["proxy-source-missing"]));
        manifest.act(&world, who, "assign", trip.clone()).await.refused(422, "proxy-source-missing");
        manifest.took(&manifest.act(&world, who, "assign", by_proxy(trip.clone())).await.ok());
        assert_eq!(manifest.last["result"]["proxy"]["for_unit"], json!(carrier));
    }
    manifest.act(&world, district.works.who("clerk"), "assign", by_proxy(trip)).await.refused(403, "forbidden");
    // The receiver took the load in without a signature; what is skipped is signed late, each for its own unit.
    manifest.took(&manifest.act(&world, district.works.who("weigher"), "receive", json!({})).await.ok());
    let late = json!({ "happened_at": "2026-11-23T02:00:00Z", "reason": "外单位无系统账号" });
    manifest.act(&world, receiver, "sign_late", late.clone()).await.refused(422, "proxy-source-missing");
    manifest.took(&manifest.act(&world, receiver, "sign_late", by_proxy(late.clone())).await.ok());
    assert_eq!(manifest.last["result"]["facts"]["signs"], "take_over");
    // The consignor signs his own first, and then for the carrier too.
    manifest.act(&world, consignor, "sign_late", by_proxy(late.clone())).await.refused(422, "proxy-not-needed");
    manifest.took(&manifest.act(&world, consignor, "sign_late", late.clone()).await.ok());
    assert_eq!(manifest.last["result"]["facts"]["signs"], "release");
    manifest.act(&world, consignor, "sign_late", late.clone()).await.refused(422, "proxy-source-missing");
    manifest.took(&manifest.act(&world, consignor, "sign_late", by_proxy(late.clone())).await.ok());
    assert_eq!(manifest.last["result"]["facts"]["signs"], "arrive");
    manifest.act(&world, consignor, "sign_late", late).await.refused(409, "nothing-skipped");
    let flags = manifest.flags(&world, &district).await;
    assert!(flags.contains(&"by-proxy".to_owned()) && !flags.contains(&"dispatcher-signed".to_owned()), "{flags:?}");
    let doc = manifest.get(&world, consignor).await;
    assert_eq!(doc["proxies"].as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn waste_from_abroad_is_refused_and_a_domestic_unit_outside_the_system_is_not_called_abroad() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let issue = async |unit: Uuid| {
        let mut body = district.manifest(1_200_000);
        body["consignor_site_id"] = json!(site(&world, &district, unit).await);
        world.post(district.works.who("clerk"), "/api/v1/manifests:issue", body).await
    };
    let foreign = issue(outside(&world, &district, "KR").await).await;
    assert_eq!(foreign.status, 422);
    assert!(faults(&foreign.json).contains(&"foreign-consignor".to_owned()), "{}", foreign.json);
    // Who is at home but not in the system is entered by its receiver, who says from what.
    let problem = issue(outside(&world, &district, "CN").await).await;
    assert_eq!((problem.status, faults(&problem.json)), (422, vec!["proxy-source-missing".to_owned(), "proof-missing".to_owned()]));
}

/// A consignor outside the system somewhere, recorded by the works, and the body of an issue from there to the works.
async fn from_elsewhere(world: &World, district: &District, division: &str) -> (Uuid, Value) {
    let clerk = district.works.who("clerk");
    let body = unit_body(&world.uscc(), "演示·外区产废单位", division);
    let unit = id(&world.post(clerk, "/api/v1/units:external", body).await.ok()["done"][0]["subject_id"]);
    let site = json!({ "name": "外区厂区", "division": division, "address": "北郊路 3 号" });
    let answer = world.post(clerk, &format!("/api/v1/units/{unit}/sites"), site).await.ok();
    let mut body = district.manifest(1_200_000);
    body["consignor_site_id"] = answer["done"][0]["subject_id"].clone();
    (unit, body)
}

#[actix_web::test]
async fn a_load_from_a_consignor_outside_the_system_is_begun_by_its_receiver_with_a_number_that_proves_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (unit, plain) = from_elsewhere(&world, &district, ELSEWHERE).await;
    let (clerk, signatory) = (district.works.who("clerk"), district.works.who("signatory"));
    let issue = "/api/v1/manifests:issue";
    let before = world.events().await;
    let problem = world.post(clerk, issue, by_proxy(plain.clone())).await.refused(422, "proof-missing");
    assert_eq!(problem["errors"][0]["pointer"], "/official_no");
    let mut body = by_proxy(plain.clone());
    body["official_no"] = json!("20262113000123");
    world.post(clerk, issue, body.clone()).await.refused(422, "number-of-other-prefecture");
    body["official_no"] = json!("20262102000123");
    body["paper_no"] = json!("WF-1");
    // Nobody but the receiver enters it, and not everybody there.
    for (who, status, code) in [(district.plant.who("clerk"), 404, "not-found"), (district.works.who("weigher"), 403, "forbidden")] {
        world.post(who, issue, body.clone()).await.refused(status, code);
    }
    assert_eq!(world.events().await, before);
    let issued = world.post(clerk, issue, body.clone()).await.ok();
    let found = warnings(&issued);
    assert!(found.contains(&"plan-held-elsewhere".to_owned()) && found.contains(&"by-proxy".to_owned()), "{found:?}");
    let mut manifest = Manifest::of(&issued);
    assert_eq!((manifest.number.as_str(), &manifest.last["result"]["proxy"]["for_unit"]), ("20262102000001", &json!(unit)));
    let doc = manifest.get(&world, clerk).await;
    assert_eq!((&doc["official_no"], &doc["paper_no"], &doc["proxies"][0]["act"]), (&json!("20262102000123"), &json!("WF-1"), &json!("issue")));
    let elsewhere = json!({ "official_no": "20262102000123", "paper_no": "WF-1" });
    assert_eq!(doc["parts"]["consignment"][0]["content"]["elsewhere"], elsewhere);
    // Neither number proves a second one.
    let mut again = by_proxy(plain.clone());
    again["official_no"] = json!("20262102000123");
    world.post(clerk, issue, again.clone()).await.refused(409, "official-number-taken");
    again["official_no"] = json!("20262102000124");
    again["paper_no"] = json!("WF-1");
    let problem = world.post(clerk, issue, again).await.refused(409, "paper-number-taken");
    assert_eq!(problem["manifest_id"], json!(manifest.id));

    // The consignor's part is entered by the receiver all along; what it owes waits for him.
    manifest.took(&manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": district.trip() })).await.ok());
    let list = world.get(signatory, "/api/v1/manifests?waiting_for_me=true").await.ok();
    assert_eq!(list["items"][0]["waiting_for"], json!(["release"]));
    manifest.act(&world, signatory, "release", release(1_200_000)).await.refused(422, "proxy-source-missing");
    manifest.act(&world, district.plant.who("signatory"), "release", by_proxy(release(1_200_000))).await.refused(404, "not-found");
    for (who, act, body) in [
        (signatory, "release", by_proxy(release(1_200_000))),
        (district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })),
        (district.works.who("weigher"), "receive", json!({})),
        (signatory, "confirm", json!({})),
    ] {
        manifest.took(&manifest.act(&world, who, act, body).await.ok());
    }
    assert_eq!(manifest.last["result"]["state"], "confirmed");
    assert_eq!(world.number("SELECT count(*) AS n FROM mass_accounts WHERE kind <> 'licence_line'").await, 0);
    assert_eq!(world.number("SELECT sum(settled_g)::bigint AS n FROM mass_accounts").await, 1_200_000);
}

#[actix_web::test]
async fn what_a_consignor_of_the_system_has_is_not_held_elsewhere() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let mut body = by_proxy(district.manifest(1_200_000));
    for (field, value) in [("official_no", "20262102000123"), ("paper_no", "P-1"), ("approval_no", "辽环函 1")] {
        body[field] = json!(value);
    }
    let problem = world.post(clerk, "/api/v1/manifests:issue", body).await;
    let pointers: Vec<_> = problem.json["errors"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert_eq!((problem.status, pointers), (422, vec!["/proxy", "/official_no", "/paper_no", "/approval_no"]));
}

#[actix_web::test]
async fn a_load_from_another_province_needs_an_approval_that_is_named_and_a_name_alone_is_flagged() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // 长春市南关区.
    let (_, plain) = from_elsewhere(&world, &district, "220102").await;
    let clerk = district.works.who("clerk");
    let mut body = by_proxy(plain);
    body["official_no"] = json!("20262201000123");
    let problem = world.post(clerk, "/api/v1/manifests:issue", body.clone()).await.refused(422, "approval-missing");
    assert!(problem["legal"].to_string().contains("536"), "{problem}");
    body["approval_no"] = json!("吉环函 9");
    let issued = world.post(clerk, "/api/v1/manifests:issue", body).await.ok();
    assert!(warnings(&issued).contains(&"approval-not-verified".to_owned()), "{issued}");
    let manifest = Manifest::of(&issued);
    assert_eq!(manifest.number, "20262201000001", "the number is of the place of departure");
    let doc = manifest.get(&world, clerk).await;
    assert_eq!(doc["parts"]["consignment"][0]["content"]["elsewhere"]["approval_no"], "吉环函 9");
    assert!(doc["flags"].to_string().contains("approval-not-verified"));
    // Inside the province nobody asks for one.
    let (_, near) = from_elsewhere(&world, &district, ELSEWHERE).await;
    let mut body = by_proxy(near);
    body["paper_no"] = json!("WF-1");
    let issued = world.post(clerk, "/api/v1/manifests:issue", body).await.ok();
    assert!(!warnings(&issued).contains(&"approval-not-verified".to_owned()), "{issued}");
}

#[actix_web::test]
async fn with_the_national_number_nothing_is_owed_and_with_a_paper_the_receiver_owes_it() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let (_, plain) = from_elsewhere(&world, &district, ELSEWHERE).await;
    let (clerk, signatory) = (district.works.who("clerk"), district.works.who("signatory"));
    for (field, value, owes) in [("official_no", "20262102000123", false), ("paper_no", "WF-1", true)] {
        let mut body = by_proxy(plain.clone());
        body[field] = json!(value);
        let mut manifest = Manifest::of(&world.post(clerk, "/api/v1/manifests:issue", body).await.ok());
        manifest.took(&manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": district.trip() })).await.ok());
        let released = manifest.act(&world, signatory, "release", by_proxy(release(1_200_000))).await.ok();
        manifest.took(&released);
        assert_eq!(warnings(&released).contains(&"released-on-paper".to_owned()), owes, "{released}");
        let owed = async || {
            world
                .number(&format!(
                    "SELECT count(*) AS n FROM manifest_tasks WHERE act = 'record_official_no' AND manifest_id = '{}' AND unit_id = '{}'",
                    manifest.id, district.works.id
                ))
                .await
        };
        assert_eq!(owed().await, i64::from(owes));
        if owes {
            let number = json!({ "official_no": "20262102000124" });
            manifest.act(&world, signatory, "record_official_no", number.clone()).await.refused(422, "proxy-source-missing");
            manifest.act(&world, signatory, "record_official_no", by_proxy(number)).await.ok();
            assert_eq!(owed().await, 0);
        }
    }
}

#[actix_web::test]
async fn a_paper_from_elsewhere_is_entered_afterwards_by_the_receiver() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let (unit, plain) = from_elsewhere(&world, &district, ELSEWHERE).await;
    let clerk = district.works.who("clerk");
    let enter = async |manifest: Value, who| {
        let body = json!({
            "manifest": manifest, "paper_no": "WF-1", "reason": "移出地系统停机", "trip": district.trip(), "released_at": "2026-11-20T02:00:00Z",
        });
        world.post(who, "/api/v1/manifests:back_enter", body).await
    };
    let problem = enter(plain.clone(), clerk).await.refused(422, "proxy-source-missing");
    assert_eq!(problem["errors"][0]["pointer"], "/manifest/proxy");
    enter(by_proxy(plain.clone()), district.plant.who("clerk")).await.refused(404, "not-found");
    let entered = enter(by_proxy(plain), clerk).await.ok();
    assert!(warnings(&entered).contains(&"plan-held-elsewhere".to_owned()), "{entered}");
    assert_eq!(Manifest::of(&entered).last["result"]["proxy"]["for_unit"], json!(unit));
    assert_eq!(world.number("SELECT count(*) AS n FROM manifest_tasks WHERE act = 'record_official_no'").await, 1);
    // A consignor of the system with the national number in hand owes nothing more.
    let mut own = district.manifest(1_200_000);
    own["official_no"] = json!("20262102000130");
    let entered = enter(own, district.plant.who("clerk")).await.ok();
    let doc = Manifest::of(&entered).get(&world, district.plant.who("clerk")).await;
    assert_eq!((&doc["official_no"], &doc["paper_no"]), (&json!("20262102000130"), &json!("WF-1")));
    assert_eq!(world.number("SELECT count(*) AS n FROM manifest_tasks WHERE act = 'record_official_no'").await, 1);
    // Nothing from abroad is entered by anybody.
    let abroad = outside(&world, &district, "KR").await;
    let mut body = by_proxy(district.manifest(1_200_000));
    body["consignor_site_id"] = json!(site(&world, &district, abroad).await);
    enter(body, clerk).await.refused(404, "not-found");
}

#[actix_web::test]
async fn every_unit_may_look_up_and_use_what_stands_of_a_unit_outside_the_system() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let body = unit_body(&world.uscc(), "演示·系统外单位", ELSEWHERE);
    let unit = world.post(clerk, "/api/v1/units:external", body.clone()).await.ok()["done"][0]["subject_id"].clone();
    let there = site(&world, &district, id(&unit)).await;
    // A second partner is told which unit it is, and finds its site.
    let other = district.works.who("clerk");
    let problem = world.post(other, "/api/v1/units:external", body).await.refused(409, "unit-exists");
    assert_eq!(problem["unit_id"], unit);
    for who in [clerk, other] {
        assert_eq!(world.get(who, &format!("/api/v1/sites/{there}")).await.ok()["id"], json!(there));
        let list = world.get(who, &format!("/api/v1/sites?unit_id={}", unit.as_str().unwrap())).await.ok();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }
    // The sites of units of the system stay their own, and nobody's own list grows.
    world.get(other, &format!("/api/v1/sites/{}", district.plant_site)).await.refused(404, "not-found");
    assert_eq!(world.get(other, "/api/v1/sites").await.ok()["items"].as_array().unwrap().len(), 1);
    let officer = world.authority("210213").await;
    let seen = world.get(&officer.admin, "/api/v1/sites").await.ok();
    assert!(seen["items"].as_array().unwrap().iter().all(|one| one["id"] != json!(there)));
}

#[actix_web::test]
async fn the_papers_of_a_carrier_outside_the_system_are_claims_that_flag_and_let_the_load_go() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let carrier = outside(&world, &district, "CN").await;
    let clerk = district.plant.who("clerk");
    let truck = json!({ "plate": "辽B99999", "kind": "truck", "permit_no": "外运 1", "permit_classes": ["9"], "permit_valid_to": "2026-11-23", "rated_load_g": 15_000_000 });
    let permit = json!({ "number": "外危货 1 号", "classes": ["9"], "is_dangerous_goods": true, "valid_to": "2026-11-23" });
    let driver = json!({ "name": "外单位驾驶员", "kind": "driver", "number": "W-1", "valid_to": "2026-11-23" });
    let escort = json!({ "name": "外单位押运员", "kind": "escort", "number": "W-2", "valid_to": "2026-11-23" });
    let papers = [("vehicles", truck), ("carrier_permits", permit), ("certificates", driver), ("certificates", escort)];
    for (what, paper) in &papers {
        let path = format!("/api/v1/{what}");
        let mut body = paper.clone();
        body["unit_id"] = json!(carrier);
        world.post(clerk, &path, body.clone()).await.refused(422, "source-missing");
        body["source"] = json!("道路运输许可证复印件");
        world.post(district.plant.who("signatory"), &path, body.clone()).await.refused(403, "forbidden");
        let done = world.post(clerk, &path, body.clone()).await.ok()["done"][0].clone();
        assert_eq!(done["result"]["unit_id"], json!(carrier));
        let one = format!("{path}/{}", done["subject_id"].as_str().unwrap());
        assert_eq!(world.get(clerk, &one).await.ok()["source"], "道路运输许可证复印件", "{what}");
        // Of a unit of the system nobody else says anything, and it names no source for its own.
        body["unit_id"] = json!(district.carrier.id);
        world.post(clerk, &path, body.clone()).await.refused(404, "not-found");
        body["unit_id"] = json!(district.plant.id);
        world.post(clerk, &path, body).await.refused(422, "source-only-of-others");
    }
    let mut body = district.manifest(1_200_000);
    body["carrier_id"] = json!(carrier);
    let mut manifest = Manifest::of(&world.post(clerk, "/api/v1/manifests:issue", body).await.ok());
    let trip = json!({ "trip": { "plate": "辽B99999", "driver_name": "外单位驾驶员", "escort_name": "外单位押运员", "waybill_no": "YD-9" } });
    let signatory = district.plant.who("signatory");
    let assigned = manifest.act(&world, signatory, "assign", by_proxy(trip)).await.ok();
    let told = warnings(&assigned);
    assert_eq!(told.iter().filter(|code| *code == "transport-paper-claimed").count(), 4, "{told:?}");
    manifest.took(&assigned);
    let released = manifest.act(&world, signatory, "release", release(1_200_000)).await.ok();
    assert_eq!(warnings(&released).iter().filter(|code| *code == "transport-paper-claimed").count(), 4);
    manifest.took(&released);
    manifest.took(&manifest.act(&world, signatory, "withdraw", json!({ "reason": "明日再发" })).await.ok());
    // The day after the last one of all four papers.
    world.clock.set("2026-11-23T16:00:00Z".parse().unwrap());
    let problem = manifest.act(&world, signatory, "release", release(1_200_000)).await;
    assert_eq!((problem.status, faults(&problem.json).len()), (422, 4), "{}", problem.json);
    assert!(manifest.flags(&world, &district).await.contains(&"transport-paper-claimed".to_owned()));
}
