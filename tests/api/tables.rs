//! Lists as files: what stands in the pages stands in the file, under titles in the caller's language.

use crate::district::District;
use crate::harness::{Answer, Caller, World};
use actix_web::http::Method;

/// The rows of a CSV answer, its mark and titles first.
pub fn csv_rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.json);
    let text = answer.bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The cells of a workbook answer.
pub fn xlsx_rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.json);
    let grid = liandan::platform::table::file::read(&answer.bytes, "").unwrap();
    grid.rows.iter().map(|row| row.iter().map(liandan::platform::table::Cell::shown).collect()).collect()
}

fn column(rows: &[Vec<String>], title: &str) -> Vec<String> {
    let at = rows[0].iter().position(|one| one == title).unwrap_or_else(|| panic!("no {title} in {:?}", rows[0]));
    rows[1..].iter().map(|row| row[at].clone()).collect()
}

async fn get_in_english<'a>(world: &World, who: impl Into<Caller<'a>>, path: &str) -> Answer {
    let request = world.request(Method::GET, who, path).await.insert_header(("Accept-Language", "en"));
    world.send(request).await
}

#[actix_web::test]
async fn a_list_is_a_file_with_titles_in_either_language_and_masses_in_grams_and_tonnes() {
    let world = World::new().await;
    let district = District::new(&world).await;
    district.flow(&world, "900-214-08", "D10", 1_250_001).await;
    let plant = &district.plant.admin;
    let answer = world.get(plant, "/api/v1/plan_flows?format=csv").await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"plan_flows-20261123.csv\"");
    let rows = csv_rows(&answer);
    assert_eq!(rows[0][..4], ["年度", "编码（废物代码）", "利用处置方式", "接受单位"]);
    assert_eq!(column(&rows, "计划量（克）"), ["1250001", "1000000000"]);
    assert_eq!(column(&rows, "计划量（吨）"), ["1.250001", "1000"]);
    assert_eq!(column(&rows, "编码（废物代码）"), ["900-214-08", "900-249-08"]);

    let answer = get_in_english(&world, plant, "/api/v1/plan_flows?format=xlsx").await;
    assert_eq!(answer.header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    let rows = xlsx_rows(&answer);
    assert_eq!((column(&rows, "Planned (t)"), column(&rows, "Receiver")), (vec!["1.250001".into(), "1000".into()], vec!["演示·处置中心".into(); 2]));
}

#[actix_web::test]
async fn a_file_holds_what_its_reader_may_see_and_no_more() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let manifest = district.issue(&world, 1_250_000).await;
    let stranger = world.unit("演示·外人", "210213", &[]).await;
    let officer = world.authority("210213").await;
    for path in ["/api/v1/manifests", "/api/v1/plan_flows", "/api/v1/vehicles", "/api/v1/sites"] {
        for format in ["csv", "xlsx"] {
            let rows = |answer: Answer| if format == "csv" { csv_rows(&answer) } else { xlsx_rows(&answer) };
            let theirs = rows(world.get(&stranger.admin, &format!("{path}?format={format}")).await);
            assert_eq!(theirs.len(), 1, "{path}: an empty list has its titles and nothing else");
            let seen = rows(world.get(&officer.admin, &format!("{path}?format={format}")).await);
            assert!(seen.len() > 1, "{path}");
        }
    }
    let rows = csv_rows(&world.get(&officer.admin, "/api/v1/manifests?format=csv&state=issued").await);
    assert_eq!(column(&rows, "标识"), [manifest.id.to_string()]);
    assert_eq!(column(&rows, "申报量（吨）"), ["1.25"]);
    assert_eq!(column(&rows, "提交时间（北京时间）"), ["2026-11-23 10:00:00"]);
    assert_eq!(column(&rows, "已作废"), ["否"]);
    assert_eq!(csv_rows(&world.get(&officer.admin, "/api/v1/manifests?format=csv&state=treated").await).len(), 1);
    world.get((), "/api/v1/manifests?format=csv").await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_file_goes_over_all_pages_newest_first() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let copies = "INSERT INTO plan_flows (id, site_id, unit_id, year, code, receiver_id, method, planned_g, created_at) \
         SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, f.site_id, f.unit_id, 3000 + n, f.code, f.receiver_id, f.method, n, f.created_at \
         FROM plan_flows f, generate_series(1, 4500) n LIMIT 4500";
    let streams = "INSERT INTO streams (subject_id, subject_kind, seq, version, head) SELECT id, 'plan_flow', 1, 1, sha256('') FROM plan_flows \
         ON CONFLICT DO NOTHING";
    use diesel_async::SimpleAsyncConnection;
    world.owner().await.batch_execute(&format!("{copies}; {streams}")).await.unwrap();
    for format in ["csv", "xlsx"] {
        let answer = world.get(&district.plant.admin, &format!("/api/v1/plan_flows?format={format}")).await;
        let rows = if format == "csv" { csv_rows(&answer) } else { xlsx_rows(&answer) };
        let grams: Vec<i64> = column(&rows, "计划量（克）").iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(grams.len(), 4_501, "{format}");
        assert_eq!((grams[1], grams[4_500]), (4_500, 1), "{format}: each once, newest first");
    }
}

#[actix_web::test]
async fn what_somebody_typed_is_no_formula_in_a_file() {
    let world = World::new().await;
    let unit = world.unit("演示·化工厂", "210213", &["clerk"]).await;
    let truck = serde_json::json!({ "plate": "辽B12345", "kind": "truck", "permit_no": "=HYPERLINK(\"http://x\")", "permit_classes": ["9"], "permit_valid_to": "2027-12-31", "rated_load_g": 15_000_000 });
    world.post(&unit.admin, "/api/v1/vehicles", truck).await.ok();
    let csv = world.get(&unit.admin, "/api/v1/vehicles?format=csv").await;
    assert_eq!(column(&csv_rows(&csv), "许可证号"), ["'=HYPERLINK(\"http://x\")"]);
    let xlsx = world.get(&unit.admin, "/api/v1/vehicles?format=xlsx").await;
    assert_eq!(column(&xlsx_rows(&xlsx), "许可证号"), ["=HYPERLINK(\"http://x\")"], "a text in a workbook, not a formula");
    assert!(!String::from_utf8_lossy(&xlsx.bytes).contains("<f>"));
}

#[actix_web::test]
async fn a_file_is_the_whole_list_so_neither_cursor_nor_limit_goes_with_it() {
    let world = World::new().await;
    let unit = world.unverified_unit("演示·化工厂", "210213").await;
    for (query, name) in [("format=csv&limit=5", "limit"), ("format=xlsx&cursor=AAAA", "cursor"), ("format=pdf", "format")] {
        for path in ["/api/v1/sites", "/api/v1/manifests", "/api/v1/access_log"] {
            let refused = world.get(&unit.admin, &format!("{path}?{query}")).await.refused(400, "bad-parameter");
            assert_eq!(refused["parameter"], name, "{path}?{query}");
        }
    }
}

/// Lists that are no files yet. This list may only shrink.
const NO_FILE: &[&str] = &["list_jobs"];

/// Every list of the contract that comes in pages comes as a file too, and each of its columns has a title.
#[actix_web::test]
async fn every_list_in_pages_is_to_be_had_as_a_file_with_a_title_for_each_column() {
    let world = World::new().await;
    let unit = world.unit("演示·化工厂", "210213", &[]).await;
    let mut wrong = Vec::new();
    for (path, item) in world.app.contract["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
        let name = operation["operationId"].as_str().unwrap_or_default();
        if !schema.contains("PageOf") || NO_FILE.contains(&name) {
            continue;
        }
        let has_format = operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == "format");
        if !has_format {
            wrong.push(format!("{name} takes no format"));
            continue;
        }
        let path = path.replace("{unit_id}", &unit.id.to_string());
        let answer = get_in_english(&world, &unit.admin, &format!("{path}?format=csv")).await;
        for title in &csv_rows(&answer)[0] {
            if title.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') && title.contains('_') {
                wrong.push(format!("{name}: {title} has no title"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
