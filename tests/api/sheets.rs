//! What is printed, and what a stranger by the road sees of it.

use std::collections::BTreeSet;
use std::process::Command;

use chrono::{DateTime, Duration, Utc};
use diesel_async::SimpleAsyncConnection;
use liandan::manifest::token::{Numbered, Token};
use liandan::platform::sheet;
use serde_json::json;

use crate::cli::Folder;
use crate::district::{District, Manifest};
use crate::harness::{World, text};
use crate::pdf;

/// Where a person can look at what the tests print: set `LIANDAN_SHEETS` to a folder.
fn keep(name: &str, bytes: &[u8]) {
    if let Ok(folder) = std::env::var("LIANDAN_SHEETS") {
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

/// The text of a sheet without line breaks, which depend on widths.
async fn printed(world: &World, district: &District, manifest: &Manifest, name: &str) -> String {
    let answer = world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/{name}.pdf", manifest.id)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"), "{}", answer.json);
    keep(&format!("{name}-{}.pdf", world.next()), &answer.bytes);
    pdf::text(&answer.bytes).replace('\n', "")
}

/// Path of the public page that a sheet printed now opens.
async fn token_path(world: &World, district: &District, manifest: &Manifest) -> String {
    let told = world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/token", manifest.id)).await.ok();
    let url = text(&told["url"]);
    assert!(url.ends_with(&format!("/v/{}", text(&told["token"]))), "{url}");
    format!("/v/{}", text(&told["token"]))
}

/// That page.
async fn page_of(world: &World, district: &District, manifest: &Manifest) -> String {
    let path = token_path(world, district, manifest).await;
    String::from_utf8(world.get((), &path).await.bytes).unwrap()
}

#[actix_web::test]
async fn the_sheet_has_the_three_parts_of_the_form_with_masses_in_tonnes_and_the_signers_names() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_001).await;
    manifest.declared_g = 1_200_001;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let text = printed(&world, &district, &manifest, "sheet").await;
    for field in [
        "危险废物转移联单",
        "第一部分",
        "单位名称",
        "应急联系电话",
        "单位地址",
        "经办人",
        "联系电话",
        "交付时间",
        "废物名称",
        "废物代码",
        "危险特性",
        "形态",
        "有害成分名称",
        "包装方式",
        "包装数量",
        "移出量（吨）",
        "第二部分",
        "营运证件号",
        "驾驶员",
        "运输工具",
        "牌号",
        "运输起点",
        "实际起运时间",
        "经由地",
        "运输终点",
        "实际到达时间",
        "第三部分",
        "接受时间",
        "是否存在重大差异",
        "接受人处理意见",
        "接受量（吨）",
        "演示·非国家联单",
        "1.200001",
        "900-249-08",
        "辽B12345",
        "吸附棉、围堵、报告 0411-12369",
        "2026-11-23 10:00",
        "石油烃",
        "液态",
    ] {
        assert!(text.contains(field), "{field} is missing in {text}");
    }
}

#[test]
fn every_character_of_the_catalogues_is_in_the_font() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/data");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let missing: BTreeSet<char> = text.chars().filter(|one| !one.is_control() && !sheet::is_invisible(*one) && !sheet::has(*one)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", path.display());
    }
    // GB 2312 begins and ends with these, the table of 2013 has these names, and forms use these signs.
    assert!("啊阿埃齄齇喆堃珺镕昉≤≥℃³²№（），。、；：？！“”《》·…—％＋０９ＡＺａｚ〓".chars().all(sheet::has));
}

#[actix_web::test]
async fn the_same_sheet_is_the_same_file_and_a_character_that_no_font_has_does_not_keep_it_back() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut body = district.manifest(1_200_000);
    body["emergency_measures"] = json!("联系𠮷野，吸附");
    let manifest = Manifest::of(&world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok());
    let path = format!("/api/v1/manifests/{}/sheet.pdf", manifest.id);
    let (one, other) = (world.get(district.plant.who("clerk"), &path).await, world.get(district.plant.who("clerk"), &path).await);
    assert!(one.status == 200 && one.bytes == other.bytes);
    assert!(one.bytes.len() < 150_000, "{}", one.bytes.len());
    assert!(pdf::text(&one.bytes).contains("联系〓野，吸附"));
    assert_eq!(one.header("content-disposition"), format!("inline; filename=\"manifest-{}.pdf\"", manifest.number));
    // Parts that are still to come are printed blank.
    assert!(pdf::text(&one.bytes).contains("第三部分"));
}

#[actix_web::test]
async fn a_void_a_corrected_and_a_back_entered_manifest_say_so_on_paper() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    let changes = json!([{ "part": "consignment", "part_no": 1, "pointer": "/emergency_measures", "value": "砂土覆盖" }]);
    let answer = manifest.act(&world, district.plant.who("clerk"), "correct", json!({ "reason": "笔误", "changes": changes })).await.ok();
    manifest.took(&answer);
    let text = printed(&world, &district, &manifest, "sheet").await;
    assert!(text.contains("第 2 版") && text.contains("本联单经更正") && text.contains("砂土覆盖") && !text.contains("吸附棉"), "{text}");

    district.bring_to(&world, &mut manifest, "in_transit").await;
    let answer = manifest.act(&world, &officer.admin, "void", json!({ "reason": "重复填写" })).await.ok();
    manifest.took(&answer);
    let text = printed(&world, &district, &manifest, "sheet").await;
    assert!(text.contains("作　废") && text.contains("作废：重复填写"), "{text}");
    let page = page_of(&world, &district, &manifest).await;
    assert!(page.contains("作废") && !page.contains("有效"), "{page}");

    let body = json!({
        "manifest": district.manifest(1_200_000), "paper_no": "ZZ-001", "reason": "国家系统停机", "trip": district.trip(),
        "released_at": "2026-11-20T02:00:00Z",
    });
    let entered = Manifest::of(&world.post(district.plant.who("clerk"), "/api/v1/manifests:back_enter", body).await.ok());
    let text = printed(&world, &district, &entered, "sheet").await;
    assert!(text.contains("补录联单") && text.contains("ZZ-001") && text.contains("国家系统停机"), "{text}");
}

#[actix_web::test]
async fn a_return_names_the_holder_and_the_original_consignor() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "received").await;
    let verdict =
        json!({ "lines": [{ "line": 1, "decision": "part", "accepted_g": 1_000_000, "reasons": ["packaging_or_label"], "differs": ["packaging"] }] });
    let answer = manifest.act(&world, district.works.who("signatory"), "confirm", verdict).await.ok();
    manifest.took(&answer);
    let text = printed(&world, &district, &manifest, "sheet").await;
    assert!(text.contains("是：包装方式") && text.contains("部分接受：包装破损或标签缺失"), "{text}");
    let send_on = json!({
        "kind": "return", "carrier_id": district.carrier.id, "consignor_agreed": "电话 11-24", "planned_departure_on": "2026-11-25", "planned_receipt_on": "2026-11-25",
    });
    let answer = manifest.act(&world, district.works.who("signatory"), "send_on", send_on).await.ok();
    manifest.took(&answer);
    let back = Manifest::of(&answer);
    let text = printed(&world, &district, &back, "sheet").await;
    assert!(text.contains("退回：由持有人 演示·处置中心 交付") && text.contains("原移出人 演示·化工厂"), "{text}");
    assert!(text.contains(&format!("原联单编号 {}", manifest.number)), "{text}");
}

#[actix_web::test]
async fn the_dispatch_sheet_says_what_an_accident_asks_for() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let text = printed(&world, &district, &manifest, "dispatch").await;
    for said in [
        "车辆 辽B12345",
        "应急联系电话 0411-87000000",
        "吸附棉、围堵",
        "毒性",
        "900-249-08",
        "200 L 铁桶 × 6",
        "运输起点",
        "押运员甲",
        "YD-1",
        "演示·非国家联单",
    ] {
        assert!(text.contains(said), "{said} is missing in {text}");
    }
}

#[actix_web::test]
async fn only_a_national_number_makes_the_page_say_valid_and_it_follows_the_load() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    let text = printed(&world, &district, &manifest, "sheet").await;
    assert!(text.contains("国家联单编号：尚无国家联单号") && !text.contains("演示·非国家联单"), "{text}");
    let page = page_of(&world, &district, &manifest).await;
    assert!(page.contains("尚无国家联单号") && !page.contains("有效"), "{page}");

    let number = json!({ "official_no": "20262102000101" });
    manifest.took(&manifest.act(&world, district.plant.who("clerk"), "record_official_no", number).await.ok());
    assert!(printed(&world, &district, &manifest, "sheet").await.contains("国家联单编号：20262102000101"));
    let page = page_of(&world, &district, &manifest).await;
    assert!(page.contains("<b>有效</b>") && page.contains("20262102000101") && page.contains("尚未派车"), "{page}");
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let page = page_of(&world, &district, &manifest).await;
    for said in ["<b>有效·运输中</b>", "辽B12345", "900-249-08", "毒性", "0411-87000000", "金州区"] {
        assert!(page.contains(said), "{said} in {page}");
    }
    let receive = json!({ "skip_reason": "司机手机没电" });
    manifest.took(&manifest.act(&world, district.works.who("weigher"), "receive", receive).await.ok());
    let page = page_of(&world, &district, &manifest).await;
    assert!(page.contains("已送达") && !page.contains("有效"), "{page}");
}

#[actix_web::test]
async fn the_page_is_small_without_script_and_names_nobody() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut body = district.manifest(1_234_567);
    body["lines"][0]["name"] = json!("<script>alert(1)</script>废油");
    let mut manifest = Manifest::of(&world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", body).await.ok());
    manifest.declared_g = 1_234_567;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let path = token_path(&world, &district, &manifest).await;
    let answer = world.get((), &path).await;
    let page = String::from_utf8(answer.bytes.clone()).unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(answer.bytes.len() < 30_000 && page.contains("演示·非国家联单") && !page.contains("有效"));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;废油"), "{page}");
    for name in ["李四", "押运员甲", "演示·化工厂", "1.234567", "1234567"] {
        assert!(!page.contains(name), "{name} in {page}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"));

    let request = world.request(actix_web::http::Method::GET, (), &path).await.insert_header(("Accept-Language", "en"));
    let page = String::from_utf8(world.send(request).await.bytes).unwrap();
    assert!(page.contains("DEMONSTRATION") && page.contains("on the road") && page.contains("Looked up 2 times today"), "{page}");
    assert_eq!(world.number("SELECT count(*) AS n FROM token_looks WHERE shown = 'demonstration' AND looked_on = '2026-11-23'").await, 2);
    assert!(world.owner().await.batch_execute("DELETE FROM token_looks").await.is_err(), "what only grows cannot be taken away");
}

#[actix_web::test]
async fn a_token_ends_a_day_after_the_planned_arrival_and_a_forged_one_looks_like_none() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "in_transit").await;
    let path = token_path(&world, &district, &manifest).await;
    // Planned for the 24th: good all the 25th.
    for (at, is_good) in [("2026-11-25T15:59:59Z", true), ("2026-11-25T16:00:00Z", false)] {
        world.clock.set(at.parse().unwrap());
        let page = String::from_utf8(world.get((), &path).await.bytes).unwrap();
        assert_eq!((page.contains("辽B12345"), page.contains("凭证已过期")), (is_good, !is_good), "{at}: {page}");
    }
    let before = world.number("SELECT count(*) AS n FROM token_looks").await;
    let forged = format!("{}A{}", &path[..60], &path[61..]);
    let pages = futures_util::future::join_all(["/v/nothing", &forged, "/v/AAAA"].map(|path| world.get((), path))).await;
    for answer in &pages {
        assert_eq!((answer.status, &answer.bytes), (404, &pages[0].bytes));
        assert!(String::from_utf8_lossy(&answer.bytes).contains("无法识别"));
    }
    assert_eq!(world.number("SELECT count(*) AS n FROM token_looks").await, before, "what is not ours leaves nothing behind");
}

#[actix_web::test]
async fn a_sheet_whose_truck_was_changed_shows_both_plates() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let path = token_path(&world, &district, &manifest).await;
    let truck = json!({ "plate": "辽B99999", "kind": "truck", "permit_no": "大运 2", "permit_classes": ["9"], "permit_valid_to": "2027-12-31", "rated_load_g": 15_000_000, "gb19217": false });
    world.post(&district.carrier.admin, "/api/v1/vehicles", truck).await.ok();
    let mut trip = district.trip();
    trip["plate"] = json!("辽B99999");
    manifest.took(&manifest.act(&world, district.carrier.who("dispatcher"), "assign", json!({ "trip": trip })).await.ok());
    let page = String::from_utf8(world.get((), &path).await.bytes).unwrap();
    assert!(page.contains("<span class=\"plate\">辽B99999</span>") && page.contains("辽B12345：打印单据时的车辆不同"), "{page}");
}

#[actix_web::test]
async fn one_source_may_look_only_so_often() {
    let world = World::with_limits(|limits| limits.looks_per_minute = 2).await;
    for status in [404, 404, 429] {
        let answer = world.get((), "/v/nothing").await;
        assert_eq!(answer.status, status);
        if status == 429 {
            answer.refused(429, "too-many-requests");
        }
    }
}

#[actix_web::test]
async fn an_officers_look_at_a_sheet_is_written_down() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority("210213").await;
    let manifest = district.issue(&world, 1_200_000).await;
    for name in ["sheet.pdf", "dispatch.pdf", "token"] {
        assert_eq!(world.get(&officer.admin, &format!("/api/v1/manifests/{}/{name}", manifest.id)).await.status, 200);
    }
    let looks = world.get(&officer.admin, &format!("/api/v1/access_log?manifest_id={}", manifest.id)).await.ok();
    let what: BTreeSet<&str> = looks["items"].as_array().unwrap().iter().filter_map(|look| look["what"].as_str()).collect();
    assert_eq!(what, BTreeSet::from(["dispatch", "sheet", "token"]));
}

#[actix_web::test]
async fn a_token_is_checked_without_a_network() {
    let world = World::new().await;
    // By the machine's clock: the command has no other.
    let district = District::new(&world).await;
    let (folder, now) = (Folder::new("token"), liandan::platform::clock::Clock::system().now());
    let keys = folder.0.join("keys.json");
    std::fs::write(&keys, &world.get((), "/.well-known/liandan-keys").await.bytes).unwrap();
    let says = |token: &str, keys: &std::path::Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_liandan")).args(["verify-token", token, "--keys"]).arg(keys).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        (output.status.code().unwrap(), text)
    };
    let manifest = district.issue(&world, 1_200_000).await;
    let told = world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/token", manifest.id)).await.ok();
    let token = text(&told["token"]);
    assert_eq!(told["expires_at"], "2026-11-25T16:00:00Z");
    let is_good = now < "2026-11-25T16:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let (code, sentence) = says(&text(&told["url"]), &keys);
    assert_eq!((code, sentence.split(':').next()), if is_good { (0, Some("valid")) } else { (2, Some("expired")) }, "{sentence}");
    assert!(sentence.contains(&manifest.id.to_string()) && sentence.contains("no national manifest"), "{sentence}");
    let ends = Token { manifest: manifest.id, number: Numbered::Not, plates: vec!["辽B12345".into()], expires_at: now - Duration::seconds(1) };
    let (code, sentence) = says(&ends.sign(&world.app.keys.proof), &keys);
    assert!(code == 2 && sentence.starts_with("expired") && sentence.contains("辽B12345"), "{sentence}");
    let lasts = Token { expires_at: now + Duration::hours(1), ..ends };
    assert_eq!(says(&lasts.sign(&world.app.keys.proof), &keys).0, 0);
    assert_eq!(says(&lasts.sign(&world.app.keys.token), &keys).0, 1, "a key for another purpose");
    for unreadable in ["nothing", &token[..token.len() - 4], ""] {
        assert_eq!(says(unreadable, &keys).0, 2, "{unreadable}");
    }
    assert_eq!(says(&token, &folder.0.join("absent.json")).0, 66);
}

#[actix_web::test]
async fn blank_forms_for_an_outage_have_numbers_of_their_own_on_which_a_load_may_leave() {
    let world = World::national().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let answer = world.get(clerk, "/api/v1/manifests:blank.pdf?count=3").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"));
    keep("blank.pdf", &answer.bytes);
    let text = pdf::text(&answer.bytes);
    let numbers: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("纸质联单编号：")).collect();
    assert_eq!((numbers.len(), text.matches("演示·化工厂").count() >= 3), (3, true), "{text}");
    assert!(text.contains("第 3 页 共 3 页") && text.contains("第三部分"), "each form is one page: {text}");
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let mut release = crate::district::release(1_200_000);
    release["paper_no"] = json!(numbers.first().unwrap());
    manifest.act(&world, district.plant.who("signatory"), "release", release).await.ok();

    assert_eq!(world.get(clerk, "/api/v1/manifests:blank.pdf").await.status, 200);
    for count in ["0", "51", "x"] {
        world.get(clerk, &format!("/api/v1/manifests:blank.pdf?count={count}")).await.refused(400, "bad-parameter");
    }
    let officer = world.authority("210213").await;
    world.get(&officer.admin, "/api/v1/manifests:blank.pdf").await.refused(403, "forbidden");
}
