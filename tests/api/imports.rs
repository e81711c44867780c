//! Tables that come in: row by row through the acts, as people fill them in.

use actix_web::http::Method;
use chrono::Duration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, OIL};
use crate::harness::{Answer, Caller, Party, World, id, text};
use crate::tables::xlsx_rows;

/// Sends a file in.
async fn send<'a>(world: &World, who: impl Into<Caller<'a>>, kind: &str, mode: &str, file: impl Into<Vec<u8>>) -> Answer {
    let key = format!("file-{}", world.next());
    send_under(world, who, &key, kind, mode, file).await
}

async fn send_under<'a>(world: &World, who: impl Into<Caller<'a>>, key: &str, kind: &str, mode: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = world.request(Method::POST, who, &format!("/api/v1/imports/{kind}?mode={mode}")).await;
    world.send(request.insert_header(("Idempotency-Key", key)).set_payload(file.into())).await
}

/// Sends a file in and lets it be worked on; the job when it is over.
async fn bring<'a>(world: &World, who: impl Into<Caller<'a>> + Copy, kind: &str, mode: &str, file: impl Into<Vec<u8>>) -> Value {
    let job = send(world, who, kind, mode, file).await;
    assert_eq!(job.status, 202, "{}", job.json);
    let path = text(&json!(job.header("location")));
    world.run_jobs().await;
    world.get(who, &path).await.ok()
}

fn counts(job: &Value) -> [i64; 4] {
    assert_eq!(job["state"], "done", "{job}");
    ["recorded", "changed", "unchanged", "refused"].map(|what| job["result"][what].as_i64().unwrap())
}

fn faults(job: &Value) -> Vec<(i64, String, String)> {
    let faults = job["result"]["faults"].as_array().unwrap().iter();
    faults.map(|fault| (fault["row"].as_i64().unwrap(), fault["column"].as_str().unwrap_or_default().to_owned(), text(&fault["code"]))).collect()
}

const FLOWS: &str = "场所,年度,废物代码,接受单位统一社会信用代码,利用处置方式,计划转移量（吨）,备案编号\r\n";

fn flows(works: &Party, rows: &[(&str, &str, &str)]) -> String {
    let rows = rows.iter().map(|(code, method, mass)| format!("一号厂区,2026年,{code},{},{method},\"{mass}\",BA-1\r\n", works.uscc));
    FLOWS.to_owned() + &rows.collect::<String>()
}

#[actix_web::test]
async fn a_plan_comes_in_as_people_type_it_and_the_same_file_again_changes_nothing() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let file = flows(&district.works, &[("900-214-08", "R9 ", "1,25吨"), ("９００－２１７－０８", "R9", "300kg"), ("90021908", "d10", "1,250")]);
    let before = world.events().await;
    let check = bring(&world, clerk, "plan_flows", "check", file.clone()).await;
    assert_eq!((counts(&check), world.events().await), ([3, 0, 0, 0], before), "a check keeps nothing: {check}");
    let job = bring(&world, clerk, "plan_flows", "apply", file.clone()).await;
    assert_eq!((counts(&job), world.events().await), ([3, 0, 0, 0], before + 3), "{job}");
    let listed = world.get(clerk, "/api/v1/plan_flows").await.ok();
    let stored: Vec<(Value, Value)> = listed["items"].as_array().unwrap().iter().map(|row| (row["code"].clone(), row["planned_g"].clone())).collect();
    assert_eq!(json!(stored[..3]), json!([["900-219-08", 1_250_000_000], ["900-217-08", 300_000], ["900-214-08", 1_250_000]]));
    // How it was read is told.
    let readings = &job["result"]["readings"];
    assert!(readings.as_array().unwrap().iter().any(|reading| reading["message"]["zh-CN"] == "“1,25吨”按“1.25 t”读取"), "{readings}");

    let again = bring(&world, clerk, "plan_flows", "apply", file.clone()).await;
    assert_eq!((counts(&again), world.events().await), ([0, 0, 3, 0], before + 3));
    let corrected = file.replace("300kg", "350kg");
    let changed = bring(&world, clerk, "plan_flows", "apply", corrected.clone()).await;
    assert_eq!((counts(&changed), world.events().await), ([0, 1, 2, 0], before + 4), "{changed}");
    assert_eq!(counts(&bring(&world, clerk, "plan_flows", "apply", corrected).await), [0, 0, 3, 0]);
}

#[actix_web::test]
async fn a_bad_row_stops_no_other_and_is_named_cell_by_cell() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let mut file = flows(
        &district.works,
        &[("900-214-08", "R9", "很多"), ("900-217-08", "R99", "1"), ("900-219-08", "R9", "0.0000001"), ("900-220-08", "R9", "2")],
    );
    file += "一号厂区,2026,900-221-08,91210213MA0000000X,R9,1,\r\n不存在的厂,2026,900-222-08,,R9,1,\r\n一号厂区,2024,900-223-08,";
    file += &format!("{0},R9,1,\r\n一号厂区,2026,900-999-99,{0},R9,1,\r\n一号厂区,2026,900-220-08,{0},R9,3,\r\n", district.works.uscc);
    let before = world.events().await;
    let job = bring(&world, clerk, "plan_flows", "apply", file).await;
    assert_eq!((counts(&job), world.events().await), ([1, 0, 0, 8], before + 1), "{job}");
    let expected = [
        (2, "planned_g", "cell-not-a-number"),
        (3, "method", "cell-not-in-list"),
        (4, "planned_g", "cell-too-precise"),
        (6, "receiver_uscc", "bad-uscc"),
        (7, "site_id", "cell-not-in-list"),
        (7, "receiver_uscc", "cell-missing"),
        (8, "year", "year-too-far"),
    ];
    let found = faults(&job);
    for (row, column, code) in expected {
        assert!(found.contains(&(row, column.into(), code.into())), "{row} {column} {code} in {found:?}");
    }
    assert!(found.iter().any(|(row, column, _)| *row == 9 && column == "code"), "{found:?}");
    assert!(found.contains(&(10, String::new(), "row-twice".into())), "{found:?}");
    let fault = job["result"]["faults"].as_array().unwrap().iter().find(|fault| fault["row"] == 2).unwrap();
    assert_eq!((&fault["letter"], &fault["written"]), (&json!("F"), &json!("很多")));
    // The answer is the sheet, with the reason beside each row.
    let answer = world.get(clerk, &format!("/api/v1/jobs/{}/file", id(&job["id"]))).await;
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"plan_flows-result-20261123.xlsx\"");
    let rows = xlsx_rows(&answer);
    assert_eq!(rows[1].last().unwrap(), "处理结果");
    assert!(rows[2].last().unwrap().contains("“很多”不是数字"), "{:?}", rows[2]);
    assert!(rows[5].last().unwrap().starts_with("已登记"), "{:?}", rows[5]);
    // Sent in again as it is, it changes nothing.
    assert_eq!(counts(&bring(&world, clerk, "plan_flows", "apply", answer.bytes).await), [0, 0, 1, 8]);
}

#[actix_web::test]
async fn a_template_holds_the_units_own_rows_and_comes_back() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let template = world.get(clerk, "/api/v1/imports/plan_flows/template").await;
    let rows = xlsx_rows(&template);
    assert_eq!(rows[1][..4], ["row_key", "row_version", "场所*", "年度*"]);
    assert_eq!((rows.len(), rows[2][1].as_str(), rows[2][4].as_str(), rows[2][6].as_str()), (3, "1", OIL, "演示·处置中心"));
    let before = world.events().await;
    assert_eq!((counts(&bring(&world, clerk, "plan_flows", "apply", template.bytes.clone()).await), world.events().await), ([0, 0, 1, 0], before));
    world.get(&world.authority("210213").await.admin, "/api/v1/imports/plan_flows/template").await.refused(403, "forbidden");
    world.get(district.carrier.who("driver"), "/api/v1/imports/plan_flows/template").await.refused(403, "forbidden");
    world.get(clerk, "/api/v1/imports/everything/template").await.refused(404, "not-found");
    // The carrier's dispatcher has his vehicles.
    let fleet = world.get(district.carrier.who("dispatcher"), "/api/v1/imports/vehicles/template").await;
    assert_eq!(xlsx_rows(&fleet)[2][2], "辽B12345");
}

#[actix_web::test]
async fn nobody_overwrites_what_he_has_not_seen() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let (clerk, admin) = (district.plant.who("clerk"), &district.plant.admin);
    let flow = id(&world.get(clerk, "/api/v1/plan_flows").await.ok()["items"][0]["id"]);
    let row = |key: Uuid, version: i64, mass: &str| {
        format!("row_key,row_version,{FLOWS}{key},{version},一号厂区,2026,{OIL},{},R9,{mass},\r\n", district.works.uscc)
    };
    // The administrator recorded it, the clerk never saw it: not without its version.
    let blind = flows(&district.works, &[(OIL, "R9", "7")]);
    assert_eq!(faults(&bring(&world, clerk, "plan_flows", "apply", blind).await), [(2, String::new(), "row-exists".into())]);
    assert_eq!(counts(&bring(&world, clerk, "plan_flows", "apply", row(flow, 1, "8")).await), [0, 1, 0, 0]);
    // His own change does not stand in his way, the administrator's does.
    assert_eq!(counts(&bring(&world, clerk, "plan_flows", "apply", row(flow, 1, "9")).await), [0, 1, 0, 0]);
    world.post_seen(admin, &format!("/api/v1/plan_flows/{flow}/change"), 3, json!({ "planned_g": 5_000_000 })).await.ok();
    let stale = bring(&world, clerk, "plan_flows", "apply", row(flow, 1, "10")).await;
    assert_eq!(faults(&stale), [(2, String::new(), "row-stale".into())]);
    assert_eq!(world.get(clerk, &format!("/api/v1/plan_flows/{flow}")).await.ok()["planned_g"], 5_000_000);
    assert_eq!(counts(&bring(&world, clerk, "plan_flows", "apply", row(flow, 4, "10")).await), [0, 1, 0, 0]);
    // What a row is does not change, and another's key opens nothing.
    let other_code = row(flow, 5, "10").replace(OIL, "900-214-08");
    assert_eq!(faults(&bring(&world, clerk, "plan_flows", "apply", other_code).await), [(2, String::new(), "row-locked".into())]);
    let stranger = world.unit("演示·外人", "210213", &["clerk"]).await;
    crate::district::site(&world, &stranger, "一号厂区").await;
    let theirs = bring(&world, stranger.who("clerk"), "plan_flows", "apply", row(flow, 5, "1")).await;
    assert_eq!(faults(&theirs), [(2, String::new(), "row-unknown".into())]);
}

#[actix_web::test]
async fn vehicles_come_in_with_days_as_people_write_them() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let dispatcher = district.carrier.who("dispatcher");
    let head = "车牌,车辆类型,道路运输证号,类项,道路运输证有效期至,核定载质量（吨）\r\n";
    let file = format!(
        "{head}辽b·Ｄ1234,货车,大运 2,3;6.1,2027年12月31日,１５\r\n辽B1234挂,trailer,大运 3,9,46752,20000kg\r\n辽B12345,货车,大运 9,9,2028/1/5,15\r\n火星B1,货车,大运 4,9,2028-01-05,0\r\n"
    );
    let job = bring(&world, dispatcher, "vehicles", "apply", file.clone()).await;
    assert_eq!(counts(&job), [2, 0, 0, 2], "{job}");
    // The truck is the administrator's entry; the last plate is none.
    let found = faults(&job);
    assert_eq!((found[0].0, found[0].2.as_str(), found[1].0, found[1].1.as_str()), (4, "row-exists", 5, "plate"), "{found:?}");
    let listed = world.get(dispatcher, "/api/v1/vehicles").await.ok();
    let (trailer, truck) = (&listed["items"][0], &listed["items"][1]);
    assert_eq!((&truck["plate"], &truck["permit_classes"], &truck["rated_load_g"]), (&json!("辽BD1234"), &json!(["3", "6.1"]), &json!(15_000_000)));
    assert_eq!(
        (&trailer["plate"], &trailer["permit_valid_to"], &trailer["rated_load_g"]),
        (&json!("辽B1234挂"), &json!("2027-12-31"), &json!(20_000_000))
    );
    assert_eq!(counts(&bring(&world, dispatcher, "vehicles", "apply", file).await), [0, 0, 2, 2]);
}

#[actix_web::test]
async fn what_is_wrong_with_a_file_is_told_at_once_and_makes_no_job() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let lines = format!("{FLOWS}{}", "一号厂区,2026,900-214-08,x,R9,1,\r\n".repeat(20_100));
    for (file, status, code) in [
        (vec![b'x'; 10_000_001], 413, "too-large"),
        (b"MZ\x90\x00 renamed".to_vec(), 422, "not-a-table"),
        (b"<html>".to_vec(), 422, "table-old-format"),
        (b"PK\x03\x04 and then nothing".to_vec(), 422, "table-broken"),
        (Vec::new(), 422, "not-a-table"),
        (lines.into_bytes(), 422, "table-too-many-rows"),
        ("x,".repeat(300).into_bytes(), 422, "table-too-many-columns"),
        ("a,b\r\n1,2\r\n".into(), 422, "table-no-header"),
        (FLOWS.into(), 422, "table-no-rows"),
    ] {
        send(&world, clerk, "plan_flows", "apply", file).await.refused(status, code);
    }
    send(&world, clerk, "plan_flows", "aply", FLOWS).await.refused(400, "bad-parameter");
    let without = world.request(Method::POST, clerk, "/api/v1/imports/plan_flows").await.insert_header(("Idempotency-Key", "k")).set_payload(FLOWS);
    world.send(without).await.refused(400, "bad-parameter");
    send(&world, district.carrier.who("driver"), "plan_flows", "apply", FLOWS).await.refused(403, "forbidden");
    assert_eq!(world.get(clerk, "/api/v1/jobs").await.ok()["items"], json!([]));
}

#[actix_web::test]
async fn a_job_is_asked_for_once_by_its_key_and_belongs_to_its_unit() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let file = flows(&district.works, &[("900-214-08", "R9", "1")]);
    let first = send_under(&world, clerk, "k", "plan_flows", "apply", file.clone()).await.ok();
    assert_eq!((&first["state"], &first["total_rows"]), (&json!("queued"), &json!(1)));
    assert_eq!(id(&send_under(&world, clerk, "k", "plan_flows", "apply", file.clone()).await.ok()["id"]), id(&first["id"]));
    send_under(&world, clerk, "k", "plan_flows", "check", file.clone()).await.refused(422, "idempotency-key-reused");
    let path = format!("/api/v1/jobs/{}", id(&first["id"]));
    world.get(clerk, &format!("{path}/file")).await.refused(404, "not-found");
    for who in [&district.works.admin, &world.authority("210213").await.admin] {
        for rest in ["", "/file", "/progress"] {
            world.get(who, &format!("{path}{rest}")).await.refused(404, "not-found");
        }
    }
    world.run_jobs().await;
    assert_eq!(world.get(clerk, &path).await.ok()["done_rows"], 1);
    let followed = world.get(clerk, &format!("{path}/progress")).await;
    assert_eq!(followed.header("content-type"), "text/event-stream");
    let said = String::from_utf8(followed.bytes).unwrap();
    assert!(said.starts_with("event: end\ndata: {") && said.contains("\"state\":\"done\""), "{said}");
    let listed = world.get(&district.plant.admin, "/api/v1/jobs?limit=1").await.ok();
    assert_eq!(id(&listed["items"][0]["id"]), id(&first["id"]));
    // Of one unit five wait at most.
    for _ in 0..5 {
        send(&world, clerk, "plan_flows", "check", file.clone()).await.ok();
    }
    let refused = send(&world, clerk, "plan_flows", "check", file.clone()).await;
    assert_eq!(refused.header("retry-after"), "30");
    refused.refused(429, "too-many-requests");
    world.run_jobs().await;
    send(&world, clerk, "plan_flows", "check", file).await.ok();
    world.run_jobs().await;
}

#[actix_web::test]
async fn a_job_whose_process_died_is_taken_again_and_does_nothing_twice() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let file = flows(&district.works, &[("900-214-08", "R9", "1"), ("900-217-08", "R9", "2")]);
    let before = world.events().await;
    let job = id(&send(&world, clerk, "plan_flows", "apply", file).await.ok()["id"]);
    // A process takes it, does nothing, and dies.
    drop(liandan::platform::jobs::take(&world.app).await.unwrap().unwrap());
    world.run_jobs().await;
    assert_eq!(world.get(clerk, &format!("/api/v1/jobs/{job}")).await.ok()["state"], "running");
    world.clock.advance(Duration::minutes(3));
    world.run_jobs().await;
    let done = world.get(clerk, &format!("/api/v1/jobs/{job}")).await.ok();
    assert_eq!((counts(&done), world.events().await), ([2, 0, 0, 0], before + 2));
    // One that ends its process every time is given up.
    let file = flows(&district.works, &[("900-219-08", "R9", "1")]);
    let job = id(&send(&world, clerk, "plan_flows", "apply", file).await.ok()["id"]);
    for _ in 0..3 {
        drop(liandan::platform::jobs::take(&world.app).await.unwrap().unwrap());
        world.clock.advance(Duration::minutes(3));
    }
    world.run_jobs().await;
    assert_eq!((world.get(clerk, &format!("/api/v1/jobs/{job}")).await.ok()["state"].clone(), world.events().await), (json!("failed"), before + 2));
}

#[actix_web::test]
async fn a_job_has_the_rights_that_its_sender_has_when_it_runs() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let file = flows(&district.works, &[("900-214-08", "R9", "1")]);
    let job = id(&send(&world, clerk, "plan_flows", "apply", file.clone()).await.ok()["id"]);
    let roles = format!("/api/v1/memberships/{}/set_roles", clerk.membership);
    world.post(&district.plant.admin, &roles, json!({ "roles": ["driver"] })).await.ok();
    let before = world.events().await;
    world.run_jobs().await;
    let failed = world.get(&district.plant.admin, &format!("/api/v1/jobs/{job}")).await.ok();
    assert_eq!((&failed["state"], &failed["result"]["code"], world.events().await), (&json!("failed"), &json!("forbidden"), before));
    // A key of the unit brings a plan in as a clerk does.
    let body = json!({ "name": "ERP", "roles": ["clerk"], "expires_at": (world.clock.now() + Duration::days(30)).to_rfc3339() });
    let made = world.post(&district.plant.admin, "/api/v1/api_keys", body).await.ok();
    let key = text(&made["secret"]["api_key"]);
    let job = id(&send(&world, &key, "plan_flows", "apply", file).await.ok()["id"]);
    world.run_jobs().await;
    assert_eq!(counts(&world.get(&key, &format!("/api/v1/jobs/{job}")).await.ok()), [1, 0, 0, 0]);
}

const DRAFTS: &str = "自编号,移出场所,接受场所,承运单位,托运人,废物代码,有害成分名称,形态,包装方式,包装数量,移出量（吨）,拟利用处置方式,计划移出日,计划接受日,应急措施\r\n";

fn draft(own_number: &str, mass: &str, measures: &str) -> String {
    format!(
        "{own_number},一号厂区,演示·处置中心 / 处置场,演示·运输,移出人,90024908,石油烃,液态,200 L 铁桶,6桶,{mass},R9,2026年11月23日,2026/11/24,{measures}\r\n"
    )
}

#[actix_web::test]
async fn drafts_come_in_by_their_own_numbers_and_say_what_their_issue_would_meet() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let file = format!("{DRAFTS}{}{}", draft("A-1", "1.2吨", "吸附棉、围堵"), draft("A-2", "1.5", "吸附棉").replace(",R9,", ",D10,"));
    let before = world.events().await;
    let check = bring(&world, clerk, "manifest_drafts", "check", file.clone()).await;
    assert_eq!(counts(&check), [2, 0, 0, 0], "{check}");
    let drafts = async || world.get(clerk, "/api/v1/manifest_drafts").await.ok()["drafts"].as_array().unwrap().clone();
    assert!(drafts().await.is_empty());
    let job = bring(&world, clerk, "manifest_drafts", "apply", file.clone()).await;
    assert_eq!((counts(&job), drafts().await.len(), world.events().await), ([2, 0, 0, 0], 2, before), "{job}");
    // The plan has no flow to D10: told now, refused at the issue.
    let notes = job["result"]["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["row"] == 3 && note["message"]["zh-CN"].as_str().unwrap().contains("管理计划")), "{notes:?}");
    assert_eq!(counts(&bring(&world, clerk, "manifest_drafts", "apply", file.clone()).await), [0, 0, 2, 0]);
    let corrected = file.replace("1.2吨", "1.3吨");
    assert_eq!(counts(&bring(&world, clerk, "manifest_drafts", "apply", corrected.clone()).await), [0, 1, 1, 0]);
    let kept = drafts().await;
    let first = kept.iter().find(|draft| draft["document"]["lines"][0]["method"] == "R9").unwrap();
    assert_eq!((&first["document"]["lines"][0]["declared_g"], &first["version"]), (&json!(1_300_000), &json!(2)));

    // Issued, the row is a manifest: the same row again is no news, another under its number is refused.
    let issue = format!("/api/v1/manifest_drafts/{}/issue", id(&first["id"]));
    let issued = world.post_seen(clerk, &issue, 2, json!({})).await.ok();
    assert_eq!(id(&issued["done"][0]["subject_id"]), id(&first["id"]));
    assert_eq!(counts(&bring(&world, clerk, "manifest_drafts", "apply", corrected).await), [0, 0, 2, 0]);
    let reused = bring(&world, clerk, "manifest_drafts", "apply", format!("{DRAFTS}{}", draft("A-1", "9", "吸附棉"))).await;
    assert_eq!(faults(&reused), [(2, String::new(), "row-issued".into())]);
    // A colleague's draft is not written over unseen.
    let colleague = world.add_person(&district.plant, &["clerk"]).await;
    let other = format!("{DRAFTS}{}", draft("A-2", "9", "吸附棉"));
    assert_eq!(faults(&bring(&world, &colleague, "manifest_drafts", "apply", other).await), [(2, String::new(), "row-exists".into())]);
    let template = world.get(&colleague, "/api/v1/imports/manifest_drafts/template").await;
    let rows = xlsx_rows(&template);
    assert_eq!((rows.len(), rows[2][2].as_str(), rows[2][13].as_str()), (3, "A-2", "1.5"));
    assert_eq!(counts(&bring(&world, &colleague, "manifest_drafts", "apply", template.bytes).await), [0, 0, 1, 0]);
    let strange = bring(&world, clerk, "manifest_drafts", "apply", format!("{DRAFTS}{}", draft("A-3", "1", "x"))).await;
    assert_eq!(faults(&strange), [(2, "emergency_measures".into(), "too-short".into())]);
}

#[actix_web::test]
async fn an_official_export_is_laid_beside_our_manifests_and_changes_nothing() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut moved = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut moved, "confirmed").await;
    let other = district.issue(&world, 800_000).await;
    let clerk = district.plant.who("clerk");
    let number = |doc: Value| text(&doc["number"]);
    let (moved, other) = (number(moved.get(&world, clerk).await), number(other.get(&world, clerk).await));
    let file = format!(
        "危险废物转移联单导出,,,,,,\r\n转移联单编号,移出单位名称,接收单位名称,危险废物代码,移出量（吨）,接收量（吨）,车牌号,运输单位\r\n\
         {moved},演示·化工厂,演示·处置中心,900-249-08,1.2000,1.2,辽B12345,x\r\n{other},演示·化工厂,某某处置公司,900-249-08,0.8,,辽B99999,x\r\n\
         20262102999999,甲,乙,900-249-08,1,1,辽B1,x\r\n{other},演示·化工厂,演示·处置中心,900-249-08,很多,,,\r\n"
    );
    let (gb, before) = (encoding_rs::GB18030.encode(&file).0.into_owned(), world.events().await);
    let job = bring(&world, clerk, "official_manifests", "check", gb.clone()).await;
    let result = &job["result"];
    assert_eq!((&result["manifests"], &result["matching"], &result["unreadable_rows"]), (&json!(3), &json!(1), &json!(1)), "{job}");
    assert_eq!((&result["unknown"], &result["ignored_columns"]), (&json!(["20262102999999"]), &json!(["运输单位"])));
    let differing = &result["differing"][0];
    let columns: Vec<&str> = differing["differences"].as_array().unwrap().iter().map(|one| one["column"].as_str().unwrap()).collect();
    assert_eq!((differing["number"].as_str(), columns), (Some(other.as_str()), vec!["receiver_name", "plate", "released_g"]));
    let rows = xlsx_rows(&world.get(clerk, &format!("/api/v1/jobs/{}/file", id(&job["id"]))).await);
    assert_eq!(rows[2].last().unwrap(), "一致");
    assert!(rows[3].last().unwrap().contains("官方“某某处置公司”，本系统“演示·处置中心”"), "{:?}", rows[3]);
    assert_eq!(world.events().await, before);
    send(&world, clerk, "official_manifests", "apply", gb.clone()).await.refused(400, "bad-parameter");
    // Of others' manifests nothing is told; an officer compares those of his divisions.
    let stranger = world.unit("演示·外人", "210213", &[]).await;
    assert_eq!(bring(&world, &stranger.admin, "official_manifests", "check", gb.clone()).await["result"]["unknown_all"], 3);
    let officer = world.authority("210213").await;
    assert_eq!(bring(&world, &officer.admin, "official_manifests", "check", gb).await["result"]["matching"], 1);
    send(&world, district.carrier.who("driver"), "official_manifests", "check", "联单编号\r\n1\r\n").await.refused(403, "forbidden");
}
