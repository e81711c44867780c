//! What a caller hears of his limit, and an operator of the process.

use crate::harness::{JINZHOU, World};

#[actix_web::test]
async fn every_counted_answer_says_what_is_left() {
    let world = World::with_limits(|limits| limits.requests_per_minute = 3).await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    for (path, status, left) in [
        ("/api/v1/me", 200, "\"credential\";r=2;t=20"),
        ("/api/v1/no/such/thing", 404, "\"credential\";r=1;t=40"),
        ("/api/v1/me", 200, "\"credential\";r=0;t=60"),
    ] {
        let answer = world.get(&unit.admin, path).await;
        assert_eq!((answer.status, answer.header("ratelimit"), answer.header("ratelimit-policy")), (status, left, "\"credential\";q=3;w=60"));
    }
    let answer = world.get(&unit.admin, "/api/v1/me").await;
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), ("\"credential\";r=0;t=60", "\"credential\";q=3;w=60"));
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    answer.refused(429, "too-many-requests");

    // Others are counted for themselves, and whoever is nobody is not counted.
    let other = world.unverified_unit("大连开发区电镀厂", JINZHOU).await;
    assert_eq!(world.get(&other.admin, "/api/v1/me").await.header("ratelimit"), "\"credential\";r=2;t=20");
    let nobody = world.get("ldk_made_up", "/api/v1/me").await;
    assert_eq!((nobody.status, nobody.header("ratelimit")), (401, ""));
}

#[actix_web::test]
async fn a_limit_that_is_lifted_is_not_told() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let answer = world.get(&unit.admin, "/api/v1/me").await;
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), ("", ""));
}

#[actix_web::test]
async fn requests_and_refusals_are_counted_under_names_of_the_contract() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    for path in ["/api/v1/me", "/api/v1/me", "/api/v1/units/00000000-0000-0000-0000-000000000000", "/api/v1/secret-7", "/secret-8"] {
        world.get(&unit.admin, path).await;
    }
    let text = liandan::cli::metrics::text(&world.app).await.unwrap();
    for line in [
        "liandan_requests_total{operation=\"get_me\",status=\"2xx\"} 2",
        "liandan_requests_total{operation=\"get_unit\",status=\"4xx\"} 1",
        "liandan_requests_total{operation=\"other\",status=\"4xx\"} 2",
        "liandan_request_seconds_count{operation=\"get_me\"} 2",
        "liandan_refused_total{kind=\"not-found\"} 3",
        "liandan_database_up 1",
        "liandan_feed_events_waiting 1",
        "liandan_event_streams_open 0",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} in {text}");
    }
    assert!(!text.contains("secret"), "a path is no label");
    world.run_jobs().await;
    assert!(liandan::cli::metrics::text(&world.app).await.unwrap().contains("liandan_feed_events_waiting 0"));
}
