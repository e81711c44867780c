//! Plan flows and approvals for another province.

use chrono::NaiveDate;
use liandan::catalogue::{MethodCode, WasteCode};
use liandan::filing;
use serde_json::{Value, json};

use crate::harness::{JINZHOU, Party, World, id};
use crate::registry::site_body;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn pair(code: &str, method: &str) -> (WasteCode, MethodCode) {
    (code.parse().unwrap(), method.parse().unwrap())
}

async fn site(world: &World, party: &Party) -> Value {
    world.post(&party.admin, "/api/v1/sites", site_body("一号场所")).await.ok()["done"][0]["subject_id"].clone()
}

#[actix_web::test]
async fn a_plan_names_waste_receiver_and_method() {
    let world = World::new().await;
    let consignor = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let receiver = world.unit("大连东泰产业废弃物处理有限公司", JINZHOU, &[]).await;
    let third = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let site = site(&world, &consignor).await;
    let body = json!({ "site_id": site, "year": 2026, "code": "900-249-08", "receiver_id": receiver.id, "method": "R9", "planned_g": { "v": "12", "u": "t" } });
    let flow = id(&world.post(&consignor.admin, "/api/v1/plan_flows", body.clone()).await.ok()["done"][0]["subject_id"]);
    world.post(&consignor.admin, "/api/v1/plan_flows", body.clone()).await.refused(409, "plan-flow-exists");
    world.post(&third.admin, "/api/v1/plan_flows", body.clone()).await.refused(422, "not-own-site");
    let mut late = body;
    late["year"] = json!(2024);
    world.post(&consignor.admin, "/api/v1/plan_flows", late).await.refused(422, "year-too-far");
    let path = format!("/api/v1/plan_flows/{flow}");
    world.get(&receiver.admin, &path).await.ok();
    world.get(&third.admin, &path).await.refused(404, "not-found");
    let change = json!({ "planned_g": { "v": "20", "u": "t" }, "filing_no": "BA-2026-0001" });
    world.post_seen(&receiver.admin, &format!("{path}/change"), 1, change.clone()).await.refused(403, "forbidden");
    world.post_seen(&third.admin, &format!("{path}/change"), 1, change.clone()).await.refused(404, "not-found");
    world.post_seen(&consignor.admin, &format!("{path}/change"), 1, change).await.ok();
    let conn = world.app.db.get().await.unwrap();
    let pairs = [pair("900-214-08", "R9"), pair("900-249-08", "R9"), pair("900-249-08", "D10")];
    let before = world.app.db.counts().statements();
    let flows = filing::plan_flows_for(&conn, id(&site), day("2026-11-23"), receiver.id, &pairs).await.unwrap();
    assert_eq!(world.app.db.counts().statements() - before, 1);
    let found: Vec<_> = flows.iter().map(|flow| flow.as_ref().map(|flow| (flow.planned_g().get(), flow.filing_no()))).collect();
    assert_eq!(found, [None, Some((20_000_000, Some("BA-2026-0001"))), None]);
    assert_eq!(filing::plan_flows_for(&conn, id(&site), day("2027-04-01"), receiver.id, &pairs).await.unwrap(), [None, None, None]);
}

#[actix_web::test]
async fn an_approval_holds_until_the_first_of_three_days() {
    let world = World::new().await;
    let consignor = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let receiver = world.unit("吉林某资源有限公司", JINZHOU, &[]).await;
    let site = site(&world, &consignor).await;
    let body = json!({
        "site_id": site, "receiver_id": receiver.id, "code": "900-249-08", "method": "R9", "approved_g": { "v": "100", "u": "t" },
        "decision_no": "辽环函〔2026〕1号", "decided_on": "2026-11-23", "applied_until": "2027-06-30", "licence_valid_to": "2027-03-31",
    });
    let mut wrong = body.clone();
    wrong["decided_on"] = json!("2026-11-24");
    wrong["approved_g"] = json!(0);
    let problem = world.post(&consignor.admin, "/api/v1/approvals", wrong).await.refused(422, "rules-refuse");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    let approval = id(&world.post(&consignor.admin, "/api/v1/approvals", body.clone()).await.ok()["done"][0]["subject_id"]);
    world.post(&consignor.admin, "/api/v1/approvals", body).await.refused(409, "approval-exists");
    assert_eq!(world.get(&receiver.admin, &format!("/api/v1/approvals/{approval}")).await.ok()["valid_to"], "2027-03-31");
    let conn = world.app.db.get().await.unwrap();
    for (on, good) in [("2026-11-22", false), ("2026-11-23", true), ("2027-03-31", true), ("2027-04-01", false)] {
        let pairs = [pair("900-249-08", "D10"), pair("900-249-08", "R9")];
        let found = filing::approvals_for(&conn, consignor.id, receiver.id, day(on), &pairs).await.unwrap();
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, good], "{on}");
    }
}
