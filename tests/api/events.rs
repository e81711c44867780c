//! The feed as a list and as a stream.

use std::net::SocketAddr;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use chrono::Duration;
use liandan::cli::boot::{self, Running};
use serde_json::{Value, json};

use crate::district::{District, Manifest, release};
use crate::harness::{JINZHOU, Person, World};

/// A server for what outlives a request; its jobs number events as they come.
fn serve(world: &World) -> Running {
    boot::serve(&world.app, SocketAddr::from(([127, 0, 0, 1], 0)), 1).unwrap()
}

/// A client that follows.
struct Follower {
    response: reqwest::Response,
    heard: String,
}

impl Follower {
    async fn open(running: &Running, token: &str, last_event_id: Option<i64>) -> Self {
        let mut request = reqwest::Client::new()
            .get(format!("http://{}/api/v1/events", running.address))
            .bearer_auth(token)
            .header("accept", "text/event-stream, application/json;q=0.5");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        Self { response: request.send().await.unwrap(), heard: String::new() }
    }

    fn status(&self) -> (u16, Option<&str>) {
        (self.response.status().as_u16(), self.response.headers().get("retry-after").and_then(|value| value.to_str().ok()))
    }

    /// Waits until something was said.
    async fn hear(&mut self, words: &str) {
        while !self.heard.contains(words) {
            let piece = self.response.chunk().await.unwrap().unwrap_or_else(|| panic!("ended without {words}: {}", self.heard));
            self.heard.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// Waits for the end; everything that was said.
    async fn end(mut self) -> String {
        while let Some(piece) = self.response.chunk().await.unwrap() {
            self.heard.push_str(std::str::from_utf8(&piece).unwrap());
        }
        self.heard
    }

    /// Places and documents of the events that were heard.
    fn events(&self) -> Vec<(i64, Value)> {
        let mut events = Vec::new();
        for block in self.heard.split("\n\n") {
            let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(id), Some(data)) = (line("id: "), line("data: ")) {
                events.push((id.parse().unwrap(), serde_json::from_str(data).unwrap()));
            }
        }
        events
    }
}

async fn assign(world: &World, district: &District, manifest: &mut Manifest) {
    let answer = manifest.act(world, district.carrier.who("dispatcher"), "assign", json!({ "trip": district.trip() })).await;
    manifest.took(&answer.ok());
}

async fn open(running: &Running, token: &Value) -> Follower {
    Follower::open(running, token.as_str().unwrap(), None).await
}

async fn follow(world: &World, running: &Running, person: &Person) -> Follower {
    Follower::open(running, &world.token(person).await, None).await
}

#[actix_web::test]
async fn a_stream_tells_what_the_list_tells_as_it_happens() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let running = serve(&world);
    let clerk = district.plant.who("clerk");
    let mut manifest = district.issue(&world, 1_200_000).await;
    let mut follower = follow(&world, &running, clerk).await;
    follower.hear("\"act\":\"issue\"").await;
    assert_eq!(follower.response.headers()["content-type"], "text/event-stream");
    assign(&world, &district, &mut manifest).await;
    follower.hear("\"act\":\"assign\"").await;
    let heard = follower.events();
    let list = world.get(clerk, "/api/v1/events").await.ok();
    assert_eq!(heard.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>(), *list["events"].as_array().unwrap());
    assert!(heard.iter().all(|(id, event)| event["feed_no"] == json!(id)));

    // Cut and taken up again: nothing twice, nothing left out.
    drop(follower);
    let answer = manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await;
    manifest.took(&answer.ok());
    let mut again = Follower::open(&running, &world.token(clerk).await, Some(heard[0].0)).await;
    again.hear("\"act\":\"release\"").await;
    let acts: Vec<Value> = again.events().iter().map(|(_, event)| event["event"]["act"].clone()).collect();
    assert_eq!(acts, [json!("assign"), json!("release")]);
    running.stop().await;
}

#[actix_web::test]
async fn a_place_that_the_feed_has_not_reached_is_refused_with_the_last_one() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let clerk = district.plant.who("clerk");
    district.issue(&world, 1_200_000).await;
    world.run_jobs().await;
    let last = world.get(clerk, "/api/v1/events").await.ok()["last"].as_i64().unwrap();
    assert!(last > 0);
    let ask = async |after: i64, left_at: Option<i64>, accept: &'static str| {
        let mut request = world.request(Method::GET, clerk, &format!("/api/v1/events?after={after}")).await.insert_header(("Accept", accept));
        if let Some(id) = left_at {
            request = request.insert_header(("Last-Event-ID", id.to_string()));
        }
        request
    };
    for accept in ["application/json", "text/event-stream"] {
        for (after, left_at, parameter) in
            [(last + 1, None, "after"), (0, Some(last + 1), "Last-Event-ID"), (last, Some(i64::pow(10, 17)), "Last-Event-ID")]
        {
            let problem = world.send(ask(after, left_at, accept).await).await.refused(400, "bad-parameter");
            assert_eq!((&problem["parameter"], &problem["last"]), (&json!(parameter), &json!(last)), "{accept}: {problem}");
        }
    }
    // At the end itself one waits, and the header goes before the parameter.
    for (after, left_at) in [(last, None), (last + 1, Some(last))] {
        let page = world.send(ask(after, left_at, "application/json").await).await.ok();
        assert_eq!((&page["events"], &page["after"]), (&json!([]), &json!(last)));
    }
    let running = serve(&world);
    let waiting = Follower::open(&running, &world.token(clerk).await, Some(last)).await;
    assert_eq!(waiting.status().0, 200);
    running.stop().await;
}

#[actix_web::test]
async fn a_stream_shows_nothing_of_others_and_ends_with_the_server() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let stranger = world.unit("大连旅顺化工有限公司", JINZHOU, &["clerk"]).await;
    let running = serve(&world);
    let outside = follow(&world, &running, stranger.who("clerk")).await;
    let mut inside = follow(&world, &running, district.plant.who("clerk")).await;
    district.issue(&world, 1_200_000).await;
    inside.hear("\"act\":\"issue\"").await;
    running.stop().await;
    let heard = outside.end().await;
    assert!(!heard.contains("\"act\"") && heard.ends_with("event: end\ndata: {\"reason\":\"shutdown\"}\n\n"), "{heard}");
    assert!(inside.end().await.contains("\"reason\":\"shutdown\""));
}

#[actix_web::test]
async fn a_stream_ends_with_its_session_and_with_its_token() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let running = serve(&world);
    let mut revoked = follow(&world, &running, district.works.who("clerk")).await;
    let mut expired = follow(&world, &running, district.plant.who("clerk")).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    revoked.hear("\"act\":\"issue\"").await;
    expired.hear("\"act\":\"issue\"").await;
    let log_out = world.request(Method::DELETE, district.works.who("clerk"), "/api/v1/sessions/current").await;
    assert_eq!(world.send(log_out).await.status, 204);
    assign(&world, &district, &mut manifest).await;
    let heard = revoked.end().await;
    assert!(!heard.contains("\"act\":\"assign\"") && heard.contains("\"reason\":\"credential\""), "{heard}");
    expired.hear("\"act\":\"assign\"").await;

    world.clock.advance(Duration::minutes(15));
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "release", release(1_200_000)).await.ok());
    let heard = expired.end().await;
    assert!(!heard.contains("\"act\":\"release\"") && heard.contains("\"reason\":\"credential\""), "{heard}");
    running.stop().await;
}

#[actix_web::test]
async fn streams_are_counted_for_each_credential_and_in_all() {
    let world = World::with_limits(|limits| (limits.streams, limits.streams_per_credential) = (5, 2)).await;
    let district = District::new(&world).await;
    let running = serve(&world);
    let (clerk, driver) = (district.plant.who("clerk"), district.carrier.who("driver"));
    let (first, second) = (follow(&world, &running, clerk).await, follow(&world, &running, clerk).await);
    assert_eq!((first.status().0, second.status().0), (200, 200));
    assert_eq!(follow(&world, &running, clerk).await.status(), (429, Some("3")));
    // A token that was renewed is the same session.
    let session = world.log_in(&driver.login, &driver.password).await.ok();
    let ours = [open(&running, &session["access_token"]).await, open(&running, &session["access_token"]).await];
    world.clock.advance(Duration::seconds(1));
    let renew = TestRequest::post().uri("/api/v1/sessions:refresh").set_json(json!({ "refresh_token": session["refresh_token"] }));
    let renewed = world.send(renew).await.ok();
    assert_ne!(renewed["access_token"], session["access_token"]);
    assert_eq!(open(&running, &renewed["access_token"]).await.status(), (429, Some("3")));
    // Another session of the same person is one of its own, and then the room is full.
    let third = follow(&world, &running, driver).await;
    assert_eq!(third.status().0, 200);
    assert_eq!(follow(&world, &running, district.works.who("clerk")).await.status(), (503, Some("1")));
    running.stop().await;
    for follower in ours.into_iter().chain([first, second, third]) {
        follower.end().await;
    }
    assert_eq!(liandan::manifest::stream::open_streams(&world.app), 0);
}

#[actix_web::test]
async fn more_streams_than_connections_leave_room_for_acts() {
    // The pool of a test has four connections.
    let world = World::with_limits(|limits| limits.streams_per_credential = 10).await;
    let district = District::new(&world).await;
    let running = serve(&world);
    let mut followers = Vec::new();
    for _ in 0..6 {
        followers.push(follow(&world, &running, district.plant.who("clerk")).await);
    }
    district.issue(&world, 1_200_000).await;
    for follower in &mut followers {
        follower.hear("\"act\":\"issue\"").await;
    }
    running.stop().await;
}

#[actix_web::test]
async fn an_officer_who_reads_the_feed_has_looked_at_its_manifests() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority(JINZHOU).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    assign(&world, &district, &mut manifest).await;
    district.issue(&world, 1_200_000).await;
    world.run_jobs().await;
    let looks = "SELECT count(*) AS n FROM access_log WHERE what = 'events'";
    world.get(district.plant.who("clerk"), "/api/v1/events").await.ok();
    assert_eq!(world.number(looks).await, 0, "a party's own manifests");
    let read = world.get(&officer.admin, "/api/v1/events").await.ok();
    assert_eq!((read["events"].as_array().map(Vec::len), world.number(looks).await), (Some(3), 2), "one look a manifest");
    world.get(&officer.admin, &format!("/api/v1/events?after={}", read["after"])).await.ok();
    assert_eq!(world.number(looks).await, 2, "nothing was shown");
    let running = serve(&world);
    let mut follower = follow(&world, &running, &officer.admin).await;
    follower.hear("\"act\":\"assign\"").await;
    running.stop().await;
    assert_eq!(world.number(looks).await, 4);
}

#[actix_web::test]
async fn a_place_that_is_none_is_refused() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    for place in ["", "x", "-1", "+1", "1.5", "1234567890123456789"] {
        let request = world.request(Method::GET, &unit.admin, "/api/v1/events").await;
        let request = request.insert_header(("Accept", "text/event-stream")).insert_header(("Last-Event-ID", place));
        world.send(request).await.refused(400, "bad-parameter");
    }
}
