//! What cannot be read is refused completely, in the caller's language, and changes nothing.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::district::{District, Manifest};
use crate::harness::{Answer, JINZHOU, World, registration};

const REGISTRATIONS: &str = "/api/v1/registrations";

/// Sends a body as it stands.
async fn raw(world: &World, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = TestRequest::post().uri(REGISTRATIONS).insert_header(("Idempotency-Key", "raw")).insert_header(("Content-Type", content_type));
    world.send(request.set_payload(body.into())).await
}

fn codes(problem: &Value) -> Vec<(String, String)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["pointer"].as_str().unwrap().to_owned(), error["code"].as_str().unwrap().to_owned())).collect()
}

#[actix_web::test]
async fn what_is_not_there_is_404() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    for path in ["/no/such/thing", "/problems/no-such-kind", "/problems/%00"] {
        world.get((), path).await.refused(404, "not-found");
    }
    for path in ["/api/v1/no/such/thing", "/api/v1/units/not-an-id", "/api/v1/units/%00", "/api/v1/units/00000000-0000-0000-0000-000000000000"] {
        world.get(&unit.admin, path).await.refused(404, "not-found");
    }
}

#[actix_web::test]
async fn another_method_is_405_and_names_the_right_ones() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    for (method, path, allow) in [
        (Method::POST, "/health/live".to_owned(), "GET, HEAD"),
        (Method::DELETE, "/api/v1/invitations".to_owned(), "GET, HEAD, POST"),
        (Method::PUT, format!("/api/v1/units/{}", unit.id), "GET, HEAD"),
        (Method::GET, format!("/api/v1/units/{}/verify", unit.id), "POST"),
        (Method::TRACE, "/api/v1/me".to_owned(), "GET, HEAD"),
    ] {
        let answer = world.send(world.request(method, &unit.admin, &path).await).await;
        assert_eq!(answer.header("allow"), allow, "{path}");
        answer.refused(405, "method-not-allowed");
    }
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let visible = format!("/api/v1/units/{}", unit.id);
    for path in ["/health/live", "/health/ready", "/.well-known/liandan-keys", "/docs/", "/api-spec/openapi.json", "/api/v1/me", &visible] {
        let get = world.get(&unit.admin, path).await;
        let head = world.send(world.request(Method::HEAD, &unit.admin, path).await).await;
        assert_eq!((get.status, head.status), (200, 200), "{path}");
        assert!(!get.bytes.is_empty() && head.bytes.is_empty(), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
    }
    // What GET refuses, HEAD refuses; what is only for acts is not for HEAD.
    let refused = [("/api/v1/no/such/thing".to_owned(), 404), (format!("{visible}/verify"), 405), ("/api/v1/units".to_owned(), 400)];
    for (path, status) in refused {
        let head = world.send(world.request(Method::HEAD, &unit.admin, &path).await).await;
        assert_eq!((head.status, head.bytes.len()), (status, 0), "{path}");
        assert_eq!(head.header("content-type"), "application/problem+json");
    }
    let nobody = world.send(world.request(Method::HEAD, (), "/api/v1/me").await).await;
    assert_eq!((nobody.status, nobody.bytes.len()), (401, 0));
}

#[actix_web::test]
async fn the_contracts_page_is_found_without_its_slash() {
    let world = World::new().await;
    let answer = world.get((), "/docs").await;
    assert_eq!((answer.status, answer.header("location")), (307, "/docs/"));
    assert_eq!(world.get((), "/docs/").await.status, 200);
}

#[actix_web::test]
async fn a_body_of_two_megabytes_is_413() {
    let world = World::new().await;
    let problem = raw(&world, "application/json", vec![b' '; 2_000_000]).await.refused(413, "too-large");
    assert_eq!(problem["limit_bytes"], 1_000_000);
    assert_eq!(world.events().await, 0);
}

#[actix_web::test]
async fn only_json_is_taken() {
    let world = World::new().await;
    let body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang").to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonp", ""] {
        raw(&world, content_type, body.as_str()).await.refused(415, "unsupported-media-type");
    }
    let packed = TestRequest::post()
        .uri(REGISTRATIONS)
        .insert_header(("Idempotency-Key", "raw"))
        .insert_header(("Content-Type", "application/json"))
        .insert_header(("Content-Encoding", "gzip"));
    world.send(packed.set_payload(body)).await.refused(415, "unsupported-media-type");
    assert_eq!(world.events().await, 0);
}

#[actix_web::test]
async fn what_is_not_json_says_where() {
    let world = World::new().await;
    for body in ["{", "{\"unit\": }", "nonsense", "{} {}", "\u{feff}{}", "{\"a\": NaN}"] {
        let problem = raw(&world, "application/json", body).await.refused(400, "unreadable");
        assert!(codes(&problem).iter().any(|(_, code)| code == "not-json"), "{body}: {problem}");
    }
    raw(&world, "application/json", b"{\"a\": \"\xff\"}".to_vec()).await.refused(400, "unreadable");
    assert_eq!(world.events().await, 0);
}

#[actix_web::test]
async fn what_a_reader_would_hide_is_named() {
    let world = World::new().await;
    let depth = format!("{{\"unit\": {}{}}}", "[".repeat(40), "]".repeat(40));
    for (body, pointer, code) in [
        (r#"{"password": "a", "password": "b"}"#.to_owned(), "/password", "duplicate-key"),
        (r#"{"unit": {"name": "a", "n\u0061me": "b"}}"#.to_owned(), "/unit/name", "duplicate-key"),
        (r#"{"password": "nul \u0000"}"#.to_owned(), "/password", "control-character"),
        (format!("{{\"password\": \"{}\"}}", "x".repeat(20_001)), "/password", "too-long"),
        (depth, &format!("/unit{}", "/0".repeat(31)), "too-deep"),
    ] {
        let problem = raw(&world, "application/json", body).await.refused(400, "bad-shape");
        assert!(codes(&problem).contains(&(pointer.to_owned(), code.to_owned())), "{problem}");
    }
    raw(&world, "application/json", "[".repeat(100_000)).await.refused(400, "bad-shape");
    assert_eq!(world.events().await, 0);
}

#[actix_web::test]
async fn a_doubled_key_hides_no_other_fault() {
    let world = World::new().await;
    let body = r#"{"password": "a", "password": "b", "unit": 5, "colour": "green"}"#;
    let problem = raw(&world, "application/json", body).await.refused(400, "bad-shape");
    for (pointer, code) in [("/password", "duplicate-key"), ("/unit", "wrong-type"), ("/colour", "unknown-field"), ("/person", "missing-field")] {
        assert!(codes(&problem).contains(&(pointer.to_owned(), code.to_owned())), "{pointer}: {problem}");
    }
}

#[actix_web::test]
async fn every_fault_of_a_query_is_named_at_once() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let query = "limit=501&state=lost&party=7&from=2026-02-29&plate=X&bogus=1&code=%00&number=1&number=2";
    let problem = world.get(&unit.admin, &format!("/api/v1/manifests?{query}")).await.refused(400, "bad-parameter");
    let expected = [
        ("/limit", "too-large"),
        ("/state", "not-allowed-value"),
        ("/party", "wrong-format"),
        ("/from", "wrong-format"),
        ("/plate", "wrong-format"),
        ("/bogus", "unknown-field"),
        ("/code", "control-character"),
        ("/number", "duplicate-key"),
    ];
    for (pointer, code) in expected {
        assert!(codes(&problem).contains(&(pointer.to_owned(), code.to_owned())), "{pointer}: {problem}");
    }
    assert!(problem["parameter"].is_string());
    world.get(&unit.admin, "/api/v1/manifests?limit=500&state=issued&from=2024-02-29&waiting_for_me=false&number=%201%20").await.ok();
}

#[actix_web::test]
async fn every_fault_of_a_body_is_named_at_once() {
    let world = World::new().await;
    let mut body = registration("91210213MA0000001A", "大连金州化工有限公司", JINZHOU, "z");
    body["unit"]["name"] = json!(7);
    body["unit"]["colour"] = json!("green");
    body["person"]["phone"] = json!({});
    body.as_object_mut().unwrap().remove("password");
    let problem = raw(&world, "application/json", body.to_string()).await.refused(400, "bad-shape");
    let mut found = codes(&problem);
    found.sort();
    let expected = [
        ("/password", "missing-field"),
        ("/person/login", "wrong-format"),
        ("/person/phone", "wrong-type"),
        ("/unit/colour", "unknown-field"),
        ("/unit/name", "wrong-type"),
        ("/unit/uscc", "wrong-format"),
    ];
    let missing: Vec<_> = expected.iter().filter(|(pointer, code)| !found.contains(&((*pointer).to_owned(), (*code).to_owned()))).collect();
    assert!(missing.is_empty(), "missing {missing:?} in {found:?}");
    for body in ["[]", "null", "\"text\"", "17"] {
        let problem = raw(&world, "application/json", body).await.refused(400, "bad-shape");
        assert_eq!(codes(&problem), [(String::new(), "wrong-type".to_owned())], "{body}");
    }
    assert_eq!(world.events().await, 0);
}

#[actix_web::test]
async fn lengths_and_patterns_of_the_contract_hold() {
    let world = World::new().await;
    for (pointer, value, code) in [
        ("/unit/name", "甲".to_owned(), "too-short"),
        ("/unit/name", "甲".repeat(121), "too-long"),
        ("/person/login", "with blank".to_owned(), "wrong-format"),
        ("/password", "x".repeat(201), "too-long"),
    ] {
        let mut body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
        *body.pointer_mut(pointer).unwrap() = json!(value);
        let problem = raw(&world, "application/json", body.to_string()).await.refused(400, "bad-shape");
        assert_eq!(codes(&problem), [(pointer.to_owned(), code.to_owned())]);
    }
    let mut body = registration(&world.uscc(), "大连金州化工有限公司", JINZHOU, "zhang");
    body["unit"]["name"] = json!("甲".repeat(120));
    raw(&world, "application/json", body.to_string()).await.ok();
    assert_eq!(world.events().await, 1);
}

#[actix_web::test]
async fn a_refusal_speaks_the_callers_language() {
    let world = World::new().await;
    for (wanted, lang, title) in
        [("", "zh-CN", "未登录或凭证无效"), ("fr", "zh-CN", "未登录或凭证无效"), ("en-GB, zh;q=0.5", "en", "No valid credential")]
    {
        let request = TestRequest::get().uri("/api/v1/me").insert_header(("Accept-Language", wanted));
        let answer = world.send(request).await;
        assert_eq!(answer.header("content-language"), lang);
        assert_eq!(answer.refused(401, "unauthenticated")["title"], title);
    }
    let request = TestRequest::post().uri(REGISTRATIONS).insert_header(("Accept-Language", "en")).insert_header(("Idempotency-Key", "raw"));
    let problem = world.send(request.set_json(json!({ "unit": 1 }))).await.refused(400, "bad-shape");
    assert_eq!(problem["errors"][0]["message"], "The field “person” is missing.");
}

#[actix_web::test]
async fn the_headers_of_an_act_are_checked_before_anything_is_done() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let officer = world.authority(JINZHOU).await;
    let other = world.unverified_unit("大连开发区电镀厂", JINZHOU).await;
    let events = world.events().await;
    let path = format!("/api/v1/units/{}/verify", other.id);
    let without_key = world.request(Method::POST, &officer.admin, &path).await.set_json(json!({}));
    world.send(without_key).await.refused(400, "idempotency-key-missing");
    let long = "k".repeat(101);
    for key in ["", "with blank", "中文", long.as_str()] {
        let request = world.request(Method::POST, &officer.admin, &path).await;
        let request = request.insert_header(("Idempotency-Key", key.as_bytes())).insert_header(("If-Match", "\"1\"")).set_json(json!({}));
        world.send(request).await.refused(400, "bad-parameter");
    }
    for seen in ["x", "-1", "W/\"1\"", "*", "99999999999999999999"] {
        let request = world.request(Method::POST, &officer.admin, &path).await;
        let request = request.insert_header(("Idempotency-Key", "k")).insert_header(("If-Match", seen)).set_json(json!({}));
        world.send(request).await.refused(400, "bad-parameter");
    }
    world.post(&officer.admin, &path, json!({})).await.refused(428, "if-match-missing");
    let stale = world.post_seen(&officer.admin, &path, 7, json!({})).await.refused(412, "stale-version");
    assert_eq!((&stale["version"], &stale["seen"]), (&json!(1), &json!(7)));
    world.post_seen(&officer.admin, &format!("{path}?mode=really"), 1, json!({})).await.refused(400, "bad-parameter");
    world.post_seen(&unit.admin, &path, 7, json!({})).await.refused(404, "not-found");
    assert_eq!(world.events().await, events);
    world.post_seen(&officer.admin, &path, 1, json!({})).await.ok();
}

#[actix_web::test]
async fn a_legal_form_is_not_filled_in_with_blanks_or_with_what_nobody_sees() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    let issue = async |change: &dyn Fn(&mut Value)| {
        let mut body = district.manifest(1_200_000);
        change(&mut body);
        world.post(clerk, "/api/v1/manifests:issue", body).await
    };
    let events = world.events().await;
    for blank in ["   ", "　", "\t\n", "\u{a0}", "\u{200d}"] {
        let problem = issue(&|body| (body["lines"][0]["harmful"], body["lines"][0]["packaging"]) = (json!(blank), json!(blank)))
            .await
            .refused(400, "bad-shape");
        let mut found = codes(&problem);
        found.sort();
        assert_eq!(found, ["/lines/0/harmful", "/lines/0/packaging"].map(|pointer| (pointer.to_owned(), "blank".to_owned())), "{blank:?}");
    }
    for hidden in ["\u{202e}\u{200b}", "石油\u{202e}烃", "石\u{200b}油烃", "\u{feff}石油烃", "石油烃\u{200e}"] {
        let problem = issue(&|body| body["lines"][0]["harmful"] = json!(hidden)).await.refused(400, "bad-shape");
        assert!(codes(&problem).contains(&("/lines/0/harmful".to_owned(), "invisible-character".to_owned())), "{hidden:?}: {problem}");
    }
    let problem = issue(&|body| body["emergency_measures"] = json!("　　　")).await.refused(400, "bad-shape");
    assert_eq!(problem["errors"][0]["message"], "不得为空白，须填写可见的文字。");
    // The same for a reason, and for a name.
    let mut manifest = Manifest::of(&issue(&|_| ()).await.ok());
    manifest.act(&world, clerk, "cancel", json!({ "reason": "  　" })).await.refused(400, "bad-shape");
    let mut firm = registration(&world.uscc(), "    ", JINZHOU, "zhang");
    firm["person"]["name"] = json!("张\u{202e}三");
    let found = codes(&world.post((), REGISTRATIONS, firm).await.refused(400, "bad-shape"));
    assert!(
        found.contains(&("/unit/name".to_owned(), "blank".to_owned()))
            && found.contains(&("/person/name".to_owned(), "invisible-character".to_owned())),
        "{found:?}"
    );
    assert_eq!(world.events().await, events + 1);
    // What is typed between words stays.
    manifest.took(&manifest.act(&world, clerk, "cancel", json!({ "reason": "　不运了　(改期)" })).await.ok());
}

/// Every operation that is not a look, each with a path that leads nowhere.
fn changing() -> Vec<(Method, String)> {
    let contract = serde_json::to_value(liandan::contract::openapi()).unwrap();
    let mut all = Vec::new();
    for (template, operations) in contract["paths"].as_object().unwrap() {
        let segments = template.split('/').map(|segment| if segment.starts_with('{') { "00000000-0000-0000-0000-000000000000" } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        for method in operations.as_object().unwrap().keys().filter(|method| *method != "get") {
            all.push((method.to_ascii_uppercase().parse().unwrap(), path.clone()));
        }
    }
    all
}

#[actix_web::test]
async fn no_act_takes_a_parameter_that_it_does_not_know() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let events = world.events().await;
    let changing = changing();
    assert!(changing.len() > 80, "{}", changing.len());
    for (method, path) in changing {
        for (query, parameter) in [("check=true", "check"), ("mode=chek", "mode"), ("mode=check&Mode=check", "Mode")] {
            let request = world.request(method.clone(), &unit.admin, &format!("{path}?{query}")).await;
            let request = request.insert_header(("Idempotency-Key", "k")).insert_header(("If-Match", "1")).set_json(json!({}));
            let answer = world.send(request).await;
            assert_eq!(answer.status, 400, "{method} {path}?{query}: {}", answer.json);
            let problem = answer.refused(400, "bad-parameter");
            let named: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
            assert!(named.contains(&format!("/{parameter}").as_str()), "{method} {path}?{query}: {problem}");
        }
    }
    assert_eq!(world.events().await, events);
    // The session was not ended either, and the one right word is still taken.
    let site = json!({ "name": "一号场所", "division": JINZHOU, "address": "大连市金州区五一路 1 号" });
    world.post(&unit.admin, "/api/v1/sites?mode=check", site.clone()).await.ok();
    assert_eq!(world.events().await, events);
    world.post(&unit.admin, "/api/v1/sites", site).await.ok();
    assert_eq!(world.events().await, events + 1);
}

#[actix_web::test]
async fn a_query_that_cannot_be_read_is_400() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    for query in ["", "?q=", "?q=a", "?q=ab&colour=green", "?q=a%00b", "?q=ab&q=cd"] {
        let answer = world.get(&unit.admin, &format!("/api/v1/units{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.json);
        answer.refused(400, "bad-parameter");
    }
    assert_eq!(world.get(&unit.admin, "/api/v1/units?q=%E9%87%91%E5%B7%9E").await.ok()["units"].as_array().map(Vec::len), Some(1));
}
