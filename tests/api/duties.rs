//! What waits for somebody, and until when: an incident, a load that left without the national number, a silent voice.

use liandan::evidence::{Evidence, KeySet, Verdict, verify};
use serde_json::{Value, json};

use crate::district::{District, Manifest, release};
use crate::harness::{Caller, Person, World, id};

async fn waiting<'a>(world: &World, who: impl Into<Caller<'a>>) -> Vec<String> {
    let list = world.get(who, "/api/v1/manifests?waiting_for_me=true").await.ok();
    let acts = list["items"].as_array().unwrap().iter().flat_map(|item| item["waiting_for"].as_array().unwrap().clone());
    acts.map(|act| act.as_str().unwrap().to_owned()).collect()
}

async fn next<'a>(world: &World, who: impl Into<Caller<'a>>, manifest: &Manifest) -> Vec<String> {
    let next = world.get(who, &format!("/api/v1/manifests/{}/next", manifest.id)).await.ok();
    next["next"].as_array().unwrap().iter().map(|one| one["act"].as_str().unwrap().to_owned()).collect()
}

fn task(doc: &Value, act: &str) -> Option<Value> {
    doc["tasks"].as_array().unwrap().iter().find(|task| task["act"] == act).cloned()
}

#[actix_web::test]
async fn an_incident_waits_for_the_authority_of_its_place_and_the_consignor_until_each_takes_note() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let here = world.authority("210213").await;
    let there = world.authority("210211").await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let driver = district.carrier.who("driver");
    let nowhere = json!({ "kind": "leak", "place": "某地", "division": "219999" });
    let problem = manifest.act(&world, driver, "report_incident", nowhere).await.refused(422, "unknown-division");
    assert_eq!(problem["errors"][0]["pointer"], "/division");
    // Before the report the neighbour's authority does not even see it.
    world.get(&there.admin, &format!("/api/v1/manifests/{}", manifest.id)).await.refused(404, "not-found");
    let report = json!({ "kind": "leak", "place": "沈海高速 K900", "division": "210211" });
    manifest.took(&manifest.act(&world, driver, "report_incident", report).await.ok());
    assert_eq!(waiting(&world, &there.admin).await, ["acknowledge_incident"]);
    assert_eq!(waiting(&world, &district.plant.admin).await, ["acknowledge_incident"]);
    assert!(next(&world, &there.admin, &manifest).await.contains(&"acknowledge_incident".to_owned()));
    assert!(!next(&world, &here.admin, &manifest).await.contains(&"acknowledge_incident".to_owned()));
    let measures = json!({ "measures": "已派员到场，围堵并收集" });
    // The carrier reported it; the authority of departure has no duty here.
    manifest.act(&world, driver, "acknowledge_incident", measures.clone()).await.refused(403, "forbidden");
    manifest.act(&world, &here.admin, "acknowledge_incident", measures.clone()).await.refused(403, "forbidden");
    manifest.took(&manifest.act(&world, &there.admin, "acknowledge_incident", measures.clone()).await.ok());
    assert_eq!(manifest.last["result"]["facts"]["measures"], "已派员到场，围堵并收集");
    assert!(waiting(&world, &there.admin).await.is_empty());
    manifest.act(&world, &there.admin, "acknowledge_incident", measures.clone()).await.refused(409, "no-incident-open");
    // Other acts go on meanwhile, and the consignor's task stays.
    manifest.took(&manifest.act(&world, driver, "arrive", json!({ "plate": "辽B12345" })).await.ok());
    manifest.took(&manifest.act(&world, district.plant.who("clerk"), "acknowledge_incident", measures).await.ok());
    assert!(waiting(&world, &district.plant.admin).await.is_empty());
    let flags = manifest.flags(&world, &district).await;
    assert!(flags.contains(&"incident".to_owned()) && !flags.contains(&"incident-open".to_owned()), "{flags:?}");
}

#[actix_web::test]
async fn what_came_differently_is_reported_in_one_act_to_the_authority_of_receipt_and_the_consignor() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let verdict = json!({ "lines": [{ "line": 1, "decision": "all", "differs": ["packaging"] }] });
    manifest.took(&manifest.act(&world, district.works.who("signatory"), "confirm", verdict).await.ok());
    let clerk = district.works.who("clerk");
    assert!(waiting(&world, clerk).await.contains(&"report_discrepancy".to_owned()));
    assert!(next(&world, clerk, &manifest).await.contains(&"report_discrepancy".to_owned()));
    assert!(!next(&world, district.plant.who("clerk"), &manifest).await.contains(&"acknowledge_discrepancy".to_owned()));
    manifest.act(&world, &officer.admin, "acknowledge_discrepancy", json!({})).await.refused(409, "no-discrepancy-open");
    manifest.act(&world, district.plant.who("clerk"), "report_discrepancy", json!({})).await.refused(403, "forbidden");
    manifest.took(&manifest.act(&world, clerk, "report_discrepancy", json!({})).await.ok());
    let line = &manifest.last["result"]["facts"]["lines"][0];
    assert_eq!((&line["line"], &line["differs"], &line["weighed_g"]), (&json!(1), &json!(["packaging"]), &json!(1_200_000)));
    manifest.act(&world, clerk, "report_discrepancy", json!({})).await.refused(409, "no-discrepancy-to-report");
    assert!(!waiting(&world, clerk).await.contains(&"report_discrepancy".to_owned()));
    for who in [&officer.admin, district.plant.who("clerk")] {
        assert!(waiting(&world, who).await.contains(&"acknowledge_discrepancy".to_owned()));
        assert!(next(&world, who, &manifest).await.contains(&"acknowledge_discrepancy".to_owned()));
        manifest.took(&manifest.act(&world, who, "acknowledge_discrepancy", json!({})).await.ok());
        assert!(!waiting(&world, who).await.contains(&"acknowledge_discrepancy".to_owned()));
    }
    let flags = manifest.flags(&world, &district).await;
    assert!(flags.contains(&"discrepancy-reported".to_owned()) && !flags.contains(&"discrepancy-open".to_owned()), "{flags:?}");
}

#[actix_web::test]
async fn without_a_difference_there_is_nothing_to_report() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let clerk = district.works.who("clerk");
    assert!(!next(&world, clerk, &manifest).await.contains(&"report_discrepancy".to_owned()));
    manifest.act(&world, clerk, "report_discrepancy", json!({})).await.refused(409, "no-discrepancy-to-report");
}

#[actix_web::test]
async fn a_load_that_left_on_paper_owes_its_number_ten_working_days_after_its_receipt() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let mut late = Vec::new();
    for (minute, number, paper_no) in [("15:59", "20262102000101", "P-7"), ("16:01", "20262102000102", "P-8")] {
        world.clock.set("2026-11-23T02:00:00Z".parse().unwrap());
        let mut manifest = district.issue(&world, 1_200_000).await;
        district.bring_to(&world, &mut manifest, "assigned").await;
        let signatory = district.plant.who("signatory");
        manifest.act(&world, signatory, "release", release(1_200_000)).await.refused(422, "official-number-missing");
        let mut paper = release(1_200_000);
        paper["paper_no"] = json!(paper_no);
        manifest.took(&manifest.act(&world, signatory, "release", paper).await.ok());
        // Until it is in, ten working days from the planned day of receipt, 2026-11-24, are shown.
        let doc = manifest.get(&world, &district.plant.admin).await;
        assert_eq!(task(&doc, "record_official_no").unwrap()["due_on"], "2026-12-08");
        assert_eq!(waiting(&world, &district.plant.admin).await.iter().filter(|act| *act == "record_official_no").count(), 1);
        for (who, act, body) in
            [(district.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })), (district.works.who("weigher"), "receive", json!({}))]
        {
            manifest.took(&manifest.act(&world, who, act, body).await.ok());
        }
        // It came in today, 2026-11-23.
        let doc = manifest.get(&world, &district.plant.admin).await;
        assert_eq!(task(&doc, "record_official_no").unwrap()["due_on"], "2026-12-07");
        world.clock.set(format!("2026-12-07T{minute}:00Z").parse().unwrap());
        let clerk = district.plant.who("clerk");
        manifest.took(&manifest.act(&world, clerk, "record_official_no", json!({ "official_no": number })).await.ok());
        let doc = manifest.get(&world, &district.plant.admin).await;
        assert!(task(&doc, "record_official_no").is_none());
        late.push(manifest.flags(&world, &district).await.contains(&"back-entered-late".to_owned()));
    }
    assert_eq!(late, [false, true], "late is a flag, never a refusal");
}

#[actix_web::test]
async fn an_outage_starts_the_same_clock_without_a_paper_number() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let platform = world.platform_admin().await;
    world.post(&*platform, "/api/v1/outages", json!({ "reason": "国家系统停机维护" })).await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "offered").await;
    let doc = manifest.get(&world, &district.plant.admin).await;
    assert_eq!(task(&doc, "record_official_no").unwrap()["due_on"], "2026-12-08");
    // Taken back, nothing has left and nothing is owed.
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "withdraw", json!({ "reason": "改期" })).await.ok());
    assert!(task(&manifest.get(&world, &district.plant.admin).await, "record_official_no").is_none());
}

#[actix_web::test]
async fn a_silent_voice_is_reminded_on_the_second_and_fourth_working_day_and_then_the_authority_is_told() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let change = json!({ "part": "release", "part_no": 1, "pointer": "/lines/0/released_g", "value": 1_100_000 });
    let body = json!({ "reason": "笔误", "changes": [change] });
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "correct", body).await.ok());
    let count = "SELECT count(*) AS n FROM events WHERE act = 'remind'";
    let dispatcher = district.carrier.who("dispatcher");
    for (at, reminders) in [
        ("2026-11-24T15:59:59Z", 0),
        ("2026-11-24T16:00:00Z", 1),
        ("2026-11-26T15:59:59Z", 1),
        ("2026-11-26T16:00:00Z", 2),
        ("2026-11-30T15:59:59Z", 2),
        ("2026-11-30T16:00:00Z", 3),
        ("2026-12-10T02:00:00Z", 3),
    ] {
        world.clock.set(at.parse().unwrap());
        world.run_jobs().await;
        assert_eq!(world.number(count).await, reminders, "{at}");
        let list = world.get(dispatcher, "/api/v1/manifests?waiting_for_me=true").await.ok();
        assert_eq!(list["items"][0]["reminded_of"] == json!(["agree"]), reminders > 0, "{at}: {list}");
        assert_eq!(waiting(&world, &officer.admin).await, vec!["agree"; usize::from(reminders == 3)], "{at}");
        assert_eq!(next(&world, &officer.admin, &manifest).await.contains(&"agree".to_owned()), reminders == 3, "{at}");
    }
    // No version moved: what was seen before the reminders still does.
    manifest.took(&manifest.act(&world, dispatcher, "agree", json!({})).await.ok());
    assert_eq!(manifest.last["result"]["facts"]["applied"], true);
    assert!(waiting(&world, &officer.admin).await.is_empty());
    let path = format!("/api/v1/manifests/{}/evidence", manifest.id);
    let evidence: Evidence = serde_json::from_value(world.get(&district.plant.admin, &path).await.ok()).unwrap();
    let keys = KeySet::parse(&world.get((), "/.well-known/liandan-keys").await.ok());
    assert_eq!(verify(&evidence, Some(&keys)), Verdict::Valid);
}

#[actix_web::test]
async fn next_asks_every_voice_and_nobody_else() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let other = world.unit("演示·第二运输", "210213", &["dispatcher", "driver"]).await;
    let trip = json!({ "plate": "辽B54321", "driver_id": other.who("driver").user, "escort_name": "乙", "waybill_no": "YD-2" });
    let body = json!({ "reason": "故障", "carrier_id": other.id, "trip": trip });
    manifest.took(&manifest.act(&world, district.carrier.who("driver"), "hand_over", body.clone()).await.ok());
    manifest.get(&world, other.who("dispatcher")).await;
    manifest.took(&manifest.act(&world, district.carrier.who("dispatcher"), "withdraw", json!({ "reason": "修好了" })).await.ok());
    // Who never had the load has nothing to see.
    world.get(other.who("dispatcher"), &format!("/api/v1/manifests/{}", manifest.id)).await.refused(404, "not-found");
    manifest.took(&manifest.act(&world, district.carrier.who("driver"), "hand_over", body).await.ok());
    manifest.took(&manifest.act(&world, other.who("driver"), "take_over", json!({ "plate": "辽B54321" })).await.ok());
    let change = json!({ "part": "release", "part_no": 1, "pointer": "/lines/0/released_g", "value": 1_100_000 });
    let body = json!({ "reason": "笔误", "changes": [change] });
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "correct", body).await.ok());
    let said = |acts: Vec<String>| (acts.contains(&"agree".to_owned()), acts.contains(&"disagree".to_owned()));
    assert_eq!(said(next(&world, district.carrier.who("dispatcher"), &manifest).await), (true, true), "the carrier of the first leg");
    assert_eq!(said(next(&world, other.who("dispatcher"), &manifest).await), (true, true), "the carrier of the second leg");
    assert_eq!(said(next(&world, district.works.who("signatory"), &manifest).await), (false, false), "nobody asked the receiver yet");
    assert_eq!(said(next(&world, district.plant.who("signatory"), &manifest).await), (false, true), "the proposer may take it back");
}

#[actix_web::test]
async fn next_of_a_void_manifest_says_why_only_facts_are_open() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let path = format!("/api/v1/manifests/{}/next", manifest.id);
    assert!(world.get(district.carrier.who("driver"), &path).await.ok().get("note").is_none());
    manifest.took(&manifest.act(&world, &officer.admin, "void", json!({ "reason": "重复填写" })).await.ok());
    let shown = world.get(district.carrier.who("driver"), &path).await.ok();
    assert!(shown["note"]["zh-CN"].as_str().unwrap().contains("作废"), "{shown}");
    let acts = next(&world, district.carrier.who("driver"), &manifest).await;
    assert!(acts.contains(&"arrive".to_owned()) && !acts.contains(&"hand_over".to_owned()), "{acts:?}");
}

#[actix_web::test]
async fn a_problem_shows_how_good_the_text_of_its_law_is() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut body = district.manifest(1_200_000);
    body["lines"][0]["method"] = json!("D1");
    let problem = world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await;
    assert_eq!(problem.status, 422, "{}", problem.json);
    let legal = problem.json["legal"].as_array().unwrap().clone();
    assert!(legal.contains(&json!({ "law": "eco_code_2026", "article": "534", "text": "single_copy" })), "{legal:?}");
    assert!(legal.contains(&json!({ "law": "hw_licence_2016", "article": "15", "text": "two_copies" })), "{legal:?}");
    assert!(legal.iter().all(|one| one["law"] != "solid_waste_law_2020"), "repealed on the day of departure: {legal:?}");
}

#[actix_web::test]
async fn what_is_not_treated_ninety_days_after_its_receipt_is_listed_until_somebody_asked_for_it() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (officer, stranger) = (world.authority("210213").await, world.unit("演示·旁观者", "210213", &["clerk"]).await);
    let clerk = district.plant.who("clerk");
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let listed = async |who: &Person| {
        let page = world.get(who, "/api/v1/untreated").await.ok();
        page["items"].as_array().unwrap().iter().map(|one| (id(&one["manifest_id"]), one["days"].as_i64().unwrap())).collect::<Vec<_>>()
    };
    let day = chrono::Duration::days(1);
    world.clock.advance(day * 89);
    assert_eq!(listed(clerk).await, []);
    world.clock.advance(day);
    assert_eq!(listed(clerk).await, [(manifest.id, 90)]);
    assert_eq!(listed(&officer.admin).await, [(manifest.id, 90)]);
    assert_eq!(listed(district.works.who("clerk")).await, [], "the duty is the consignor's");
    manifest.act(&world, stranger.who("clerk"), "check_fate", json!({})).await.refused(404, "not-found");
    manifest.act(&world, district.works.who("clerk"), "check_fate", json!({})).await.refused(403, "forbidden");
    manifest.took(&manifest.act(&world, clerk, "check_fate", json!({ "note": "电话：排在下月炉次" })).await.ok());
    assert_eq!(listed(clerk).await, []);
    // Asked once is not treated: it comes again.
    world.clock.advance(day * 90 + chrono::Duration::milliseconds(1));
    assert_eq!(listed(clerk).await, [(manifest.id, 180)]);
    let treat = json!({ "line": 1, "method": "R9", "treated_g": 1_200_000, "batch": "B1" });
    manifest.took(&manifest.act(&world, district.works.who("clerk"), "record_treatment", treat).await.ok());
    assert_eq!(listed(clerk).await, []);
    assert_eq!(manifest.act(&world, clerk, "check_fate", json!({})).await.status, 409);
}
