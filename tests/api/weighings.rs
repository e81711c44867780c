//! What a weighing of a lorry says of the loads on it: only of those that were on it, and each of them once.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::district::{District, Manifest, release, warnings};
use crate::harness::World;

const PLATE: &str = "辽B12345";
const DIFFERS: &str = "mass-differs-from-weighing";
const ESTIMATED: &str = "mass-estimated";

/// A lorry, and the clock that goes on between two acts.
struct Lorry {
    world: World,
    district: District,
    trip: Value,
}

impl Lorry {
    async fn new() -> Self {
        let world = World::new().await;
        let district = District::new(&world).await;
        let trip = district.trip();
        Self { world, district, trip }
    }
    fn tick(&self) {
        self.world.clock.set(self.world.clock.now() + TimeDelta::minutes(1));
    }
    /// Does an act and goes on.
    async fn act(&self, manifest: &mut Manifest, act: &str, body: Value) -> Value {
        self.tick();
        let who = match act {
            "assign" => self.district.carrier.who("dispatcher"),
            "release" => self.district.plant.who("signatory"),
            "confirm" => self.district.works.who("signatory"),
            "receive" | "gate" => self.district.works.who("weigher"),
            _ => self.district.carrier.who("driver"),
        };
        let answer = manifest.act(&self.world, who, act, body).await.ok();
        manifest.took(&answer);
        answer
    }
    /// A manifest that is to go with it.
    async fn assigned(&mut self) -> Manifest {
        let mut manifest = self.district.issue(&self.world, 1_200_000).await;
        self.act(&mut manifest, "assign", json!({ "trip": self.trip })).await;
        self.trip["trip_id"] = manifest.last["result"]["facts"]["trip_id"].clone();
        manifest
    }
    /// A manifest whose load is on it.
    async fn loaded(&mut self) -> Manifest {
        let mut manifest = self.assigned().await;
        self.act(&mut manifest, "release", release(1_200_000)).await;
        self.act(&mut manifest, "take_over", json!({ "plate": PLATE })).await;
        manifest
    }
    async fn weigh(&self, gross_g: i64, tare_g: i64) {
        self.tick();
        let path = format!("/api/v1/trips/{}/weigh", self.trip["trip_id"].as_str().unwrap());
        let body = json!({ "gross_g": gross_g, "tare_g": tare_g, "side": "receipt", "scale": "1 号" });
        self.world.post(self.district.works.who("weigher"), &path, body).await.ok();
    }
    async fn weigh_at_departure(&self, net_g: i64) {
        self.tick();
        let path = format!("/api/v1/trips/{}/weigh", self.trip["trip_id"].as_str().unwrap());
        let body = json!({ "gross_g": 9_000_000 + net_g, "tare_g": 9_000_000, "side": "departure", "scale": "1 号" });
        self.world.post(self.district.carrier.who("dispatcher"), &path, body).await.ok();
    }
    /// The first line of a part as it stands, by mass and basis.
    async fn line(&self, manifest: &Manifest, part: &str) -> (i64, String) {
        let doc = manifest.get(&self.world, &self.district.plant.admin).await;
        let revisions = doc["parts"][part].as_array().unwrap();
        let last = revisions.iter().max_by_key(|one| one["revision"].as_i64()).unwrap();
        let line = &last["content"]["lines"][0];
        (line["weighed_g"].as_i64().unwrap(), line["basis"].as_str().unwrap().to_owned())
    }
    async fn receive(&self, manifest: &mut Manifest) -> (i64, String) {
        self.act(manifest, "receive", json!({})).await;
        self.line(manifest, "receipt").await
    }
}

fn mass(grams: i64, basis: &str) -> (i64, String) {
    (grams, basis.to_owned())
}

#[actix_web::test]
async fn a_load_that_never_came_onto_the_lorry_takes_no_part_of_its_weight() {
    for refused in [false, true] {
        let mut lorry = Lorry::new().await;
        let (mut a, mut b) = (lorry.loaded().await, lorry.assigned().await);
        if refused {
            lorry.act(&mut b, "release", release(1_200_000)).await;
            lorry.act(&mut b, "refuse_take_over", json!({ "reason": "包装破损" })).await;
        }
        lorry.weigh(10_200_000, 9_000_000).await;
        assert_eq!(lorry.receive(&mut a).await, mass(1_200_000, "scale"), "refused: {refused}");
        let verdict = json!({ "lines": [{ "line": 1, "decision": "all", "accepted_g": 1_200_000 }] });
        lorry.act(&mut a, "confirm", verdict).await;
    }
    // What is on it shares.
    let mut lorry = Lorry::new().await;
    let (mut a, _b) = (lorry.loaded().await, lorry.loaded().await);
    lorry.weigh(10_200_000, 9_000_000).await;
    assert_eq!(lorry.receive(&mut a).await, mass(600_000, "apportioned"));
}

#[actix_web::test]
async fn a_load_that_went_on_with_another_lorry_takes_no_part_of_the_weight_of_the_first() {
    let mut lorry = Lorry::new().await;
    let (mut a, mut b) = (lorry.loaded().await, lorry.loaded().await);
    let mut next = lorry.district.trip();
    next["plate"] = json!("辽B67890");
    lorry.act(&mut b, "hand_over", json!({ "reason": "发动机故障", "trip": next })).await;
    lorry.weigh(10_200_000, 9_000_000).await;
    assert_eq!(lorry.receive(&mut a).await, mass(1_200_000, "scale"));
}

#[actix_web::test]
async fn loads_received_without_a_take_over_share_as_soon_as_they_are_received() {
    let mut lorry = Lorry::new().await;
    let (mut a, mut b) = (lorry.assigned().await, lorry.assigned().await);
    lorry.weigh(11_400_000, 9_000_000).await;
    // Nobody tells yet that the second one is on it.
    assert_eq!(lorry.receive(&mut a).await, mass(2_400_000, "scale"));
    assert_eq!(lorry.receive(&mut b).await, mass(1_200_000, "apportioned"));
    for manifest in [&mut a, &mut b] {
        lorry.act(manifest, "confirm", json!({})).await;
        assert_eq!(lorry.line(manifest, "verdict").await, mass(1_200_000, "apportioned"));
        assert_eq!(lorry.line(manifest, "receipt").await, mass(1_200_000, "apportioned"));
    }
}

#[actix_web::test]
async fn a_trip_is_joined_only_while_something_on_it_is_still_to_arrive() {
    let mut lorry = Lorry::new().await;
    let mut a = lorry.loaded().await;
    let mut b = lorry.loaded().await;
    lorry.act(&mut a, "receive", json!({})).await;
    let mut joined = lorry.assigned().await;
    lorry.act(&mut b, "receive", json!({})).await;
    // Its own crew may still be named anew, and nothing else is open.
    lorry.act(&mut joined, "assign", json!({ "trip": lorry.trip })).await;
    lorry.act(&mut joined, "receive", json!({})).await;
    let late = lorry.district.issue(&lorry.world, 1_200_000).await;
    let body = json!({ "trip": lorry.trip });
    let problem = late.act(&lorry.world, lorry.district.carrier.who("dispatcher"), "assign", body).await.refused(422, "bad-value");
    assert_eq!(problem["errors"][0]["pointer"], "/trip/trip_id");
    // On the road it is refused as well.
    let mut moving = late;
    lorry.act(&mut moving, "assign", json!({ "trip": lorry.district.trip() })).await;
    lorry.act(&mut moving, "release", release(1_200_000)).await;
    lorry.act(&mut moving, "take_over", json!({ "plate": PLATE })).await;
    let body = json!({ "reason": "换车", "trip": lorry.trip });
    moving.act(&lorry.world, lorry.district.carrier.who("driver"), "hand_over", body).await.refused(422, "bad-value");
}

#[actix_web::test]
async fn a_weighing_made_before_a_load_was_on_the_lorry_says_nothing_of_it() {
    let mut lorry = Lorry::new().await;
    let (mut a, _b) = (lorry.loaded().await, lorry.assigned().await);
    lorry.weigh(10_300_000, 9_000_000).await;
    assert_eq!(lorry.receive(&mut a).await, mass(1_300_000, "scale"));
    let mut c = lorry.loaded().await;
    assert_eq!(lorry.receive(&mut c).await, mass(1_200_000, "estimated"));
    // Weighed on its way out it would have counted.
    let mut d = lorry.loaded().await;
    lorry.weigh(10_250_000, 9_000_000).await;
    assert_eq!(lorry.receive(&mut d).await, mass(1_250_000, "scale"));
}

#[actix_web::test]
async fn two_loads_weighed_off_one_after_the_other_have_each_its_own_mass() {
    let mut lorry = Lorry::new().await;
    let (mut a, mut c) = (lorry.loaded().await, lorry.loaded().await);
    lorry.weigh(11_400_000, 10_200_000).await;
    // Until the second one is weighed, the first weighing may be of both.
    assert_eq!(lorry.receive(&mut a).await, mass(600_000, "apportioned"));
    lorry.weigh(10_200_000, 9_000_000).await;
    assert_eq!(lorry.receive(&mut c).await, mass(1_200_000, "scale"));
    for manifest in [&mut a, &mut c] {
        lorry.act(manifest, "confirm", json!({})).await;
        assert_eq!(lorry.line(manifest, "verdict").await, mass(1_200_000, "scale"));
    }
    // Where the second one never was on it, the first has its own at once.
    let mut lorry = Lorry::new().await;
    let (mut a, _waiting) = (lorry.loaded().await, lorry.assigned().await);
    lorry.weigh(11_400_000, 10_200_000).await;
    assert_eq!(lorry.receive(&mut a).await, mass(1_200_000, "scale"));
}

#[actix_web::test]
async fn a_lorry_weighed_empty_after_the_receipt_weighs_what_came_off_it() {
    let mut lorry = Lorry::new().await;
    let (mut a, mut b) = (lorry.loaded().await, lorry.loaded().await);
    for manifest in [&mut a, &mut b] {
        assert_eq!(lorry.receive(manifest).await, mass(1_200_000, "estimated"));
    }
    lorry.weigh(11_500_000, 9_000_000).await;
    // More than was released may be accepted, up to the weighed mass and not a gram above.
    let accept = |grams: i64| json!({ "lines": [{ "line": 1, "decision": "all", "accepted_g": grams }] });
    let signatory = lorry.district.works.who("signatory");
    a.act(&lorry.world, signatory, "confirm", accept(1_250_001)).await.refused(422, "accepted-exceeds-weighed");
    let answer = lorry.act(&mut a, "confirm", accept(1_250_000)).await;
    assert!(!warnings(&answer).contains(&ESTIMATED.to_owned()), "{answer}");
    assert_eq!(a.last["result"]["facts"]["reweighed"][0]["trip_id"], lorry.trip["trip_id"]);
    lorry.act(&mut b, "confirm", json!({})).await;
    for manifest in [&a, &b] {
        assert_eq!(lorry.line(manifest, "verdict").await, mass(1_250_000, "apportioned"));
        assert_eq!(lorry.line(manifest, "receipt").await, mass(1_250_000, "apportioned"));
    }
    // Without a weighing the estimate stands, and it is said again.
    let mut lorry = Lorry::new().await;
    let mut a = lorry.loaded().await;
    lorry.receive(&mut a).await;
    let answer = lorry.act(&mut a, "confirm", json!({})).await;
    assert!(warnings(&answer).contains(&ESTIMATED.to_owned()), "{answer}");
    assert_eq!(lorry.line(&a, "verdict").await, mass(1_200_000, "estimated"));
}

#[actix_web::test]
async fn a_weighing_of_what_is_still_on_the_lorry_says_nothing_of_what_came_off_before() {
    let mut lorry = Lorry::new().await;
    let (mut a, mut c) = (lorry.loaded().await, lorry.loaded().await);
    assert_eq!(lorry.receive(&mut a).await, mass(1_200_000, "estimated"));
    lorry.weigh(10_300_000, 9_000_000).await;
    assert_eq!(lorry.receive(&mut c).await, mass(1_300_000, "scale"));
    lorry.act(&mut a, "confirm", json!({})).await;
    assert_eq!(lorry.line(&a, "verdict").await, mass(1_200_000, "estimated"));
}

#[actix_web::test]
async fn a_typed_mass_is_an_estimate_until_containers_are_named_and_is_held_against_the_bridge() {
    for (grams, seen, basis, differs) in [
        (1, None, "estimated", true),
        (1_300_000, None, "estimated", false),
        (1_300_000, Some("C1"), "containers", false),
        (1_300_000, Some("C9"), "estimated", false),
        (1, Some("C1"), "containers", true),
    ] {
        let mut lorry = Lorry::new().await;
        let mut a = lorry.loaded().await;
        let mut receive = json!({ "masses": [{ "line": 1, "mass_g": grams }] });
        if let Some(code) = seen {
            receive["containers_seen"] = json!([code]);
        }
        let weigh = json!({ "gross_g": 10_300_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号" });
        let answer = lorry.act(&mut a, "gate", json!({ "arrive": {}, "weigh": weigh, "receive": receive })).await;
        let told = warnings(&answer);
        assert_eq!(lorry.line(&a, "receipt").await, mass(grams, basis));
        assert_eq!((told.contains(&DIFFERS.to_owned()), told.contains(&ESTIMATED.to_owned())), (differs, basis == "estimated"), "{told:?}");
        assert_eq!(a.flags(&lorry.world, &lorry.district).await.contains(&DIFFERS.to_owned()), differs);
        // The weighing was there already: the gate's figure stands.
        lorry.act(&mut a, "confirm", json!({})).await;
        assert_eq!(lorry.line(&a, "verdict").await, mass(grams, basis));
    }
}

#[actix_web::test]
async fn a_typed_mass_differs_from_the_bridge_only_beyond_the_tolerance() {
    for (net_g, differs) in [(1_219_999, false), (1_220_000, true), (1_180_001, false), (1_180_000, true)] {
        let mut lorry = Lorry::new().await;
        let mut a = lorry.loaded().await;
        lorry.weigh(9_000_000 + net_g, 9_000_000).await;
        let answer = lorry.act(&mut a, "receive", json!({ "masses": [{ "line": 1, "mass_g": 1_200_000 }] })).await;
        assert_eq!(warnings(&answer).contains(&DIFFERS.to_owned()), differs, "{net_g}");
    }
}

#[actix_web::test]
async fn a_release_is_held_against_the_weighing_at_its_departure() {
    for (net_g, differs) in [(3_000_000, true), (1_220_000, true), (1_219_999, false), (1_200_000, false)] {
        let mut lorry = Lorry::new().await;
        let mut a = lorry.assigned().await;
        lorry.weigh_at_departure(net_g).await;
        let answer = lorry.act(&mut a, "release", release(1_200_000)).await;
        assert_eq!(warnings(&answer).contains(&DIFFERS.to_owned()), differs, "{net_g}");
    }
    // One weighing of two loads fits both, whichever is released first.
    let mut lorry = Lorry::new().await;
    let (mut a, mut b) = (lorry.assigned().await, lorry.assigned().await);
    lorry.weigh_at_departure(2_400_000).await;
    for manifest in [&mut a, &mut b] {
        let answer = lorry.act(manifest, "release", release(1_200_000)).await;
        assert!(!warnings(&answer).contains(&DIFFERS.to_owned()), "{answer}");
    }
}

#[actix_web::test]
async fn a_share_of_a_net_that_nobody_weighed_is_an_estimate() {
    for weighed in [false, true] {
        let mut lorry = Lorry::new().await;
        let mut a = lorry.assigned().await;
        if weighed {
            lorry.weigh_at_departure(1_200_000).await;
        }
        let body = json!({ "lines": [{ "line": 1, "released_g": 1_200_000, "basis": "apportioned" }] });
        let answer = lorry.act(&mut a, "release", body).await;
        assert_eq!(warnings(&answer).contains(&ESTIMATED.to_owned()), !weighed, "{answer}");
    }
}
