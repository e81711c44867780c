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
async fn a_site_of_a_unit_outside_the_system_is_recorded_by_its_partner_or_an_officer_only() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let unit = outside(&world, &district, "CN").await;
    let path = format!("/api/v1/units/{unit}/sites");
    world.post(district.plant.who("clerk"), &path, site_body()).await.ok();
    let officer = world.authority("210213").await;
    world.post(&officer.admin, &path, site_body()).await.ok();
    world.post(district.works.who("clerk"), &path, site_body()).await.refused(403, "forbidden");
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
    world.post(district.works.who("clerk"), "/api/v1/licences", licence(there, Some("听说"))).await.refused(403, "forbidden");
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
        manifest.act(&world, district.works.who("signatory"), act, json!({})).await.refused(404, "not-found");
        let answer = manifest.act(&world, signatory, act, json!({})).await.ok();
        assert!(warnings(&answer).contains(&"by-proxy".to_owned()), "{answer}");
        manifest.took(&answer);
    }
    assert_eq!(manifest.last["result"]["state"], "confirmed");
    assert!(manifest.last["result"]["flags"].to_string().contains("by-proxy"));
    assert!(manifest.last["result"]["flags"].to_string().contains("receiver-licence-claimed"));
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
    // Who is at home but not in the system issues nothing here, and nobody issues in its place.
    issue(outside(&world, &district, "CN").await).await.refused(404, "not-found");
}
