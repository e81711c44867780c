//! What the hot paths cost in round trips to PostgreSQL: a count that fails here is a slower answer everywhere.

use serde_json::{Value, json};

use crate::district::{District, Manifest, release};
use crate::harness::World;

/// Unit: round trips of one act, BEGIN and COMMIT included; statements that travel together are one.
const ROUND_TRIPS_MAX: u64 = 10;

/// What one request took.
struct Cost {
    act: &'static str,
    statements: u64,
    round_trips: u64,
    prepared: u64,
}

/// The straight life, act by act.
async fn life(world: &World, district: &District) -> Vec<Cost> {
    let counts = world.app.db.counts();
    let mut costs = Vec::new();
    macro_rules! measured {
        ($act:literal, $request:expr) => {{
            let before = (counts.statements(), counts.round_trips(), counts.prepared());
            let answer = $request.await;
            costs.push(Cost {
                act: $act,
                statements: counts.statements() - before.0,
                round_trips: counts.round_trips() - before.1,
                prepared: counts.prepared() - before.2,
            });
            answer.ok()
        }};
    }
    let grams = 1_200_000;
    // Tokens first, so that no log-in falls into an act.
    for who in [
        district.plant.who("clerk"),
        district.plant.who("signatory"),
        district.carrier.who("dispatcher"),
        district.carrier.who("driver"),
        district.works.who("weigher"),
        district.works.who("signatory"),
        district.works.who("clerk"),
    ] {
        world.get(who, "/api/v1/me").await;
    }
    let mut manifest =
        Manifest::of(&measured!("issue", world.post(district.plant.who("clerk"), "/api/v1/manifests:issue", district.manifest(grams))));
    macro_rules! act {
        ($act:literal, $who:expr, $body:expr) => {{
            let answer = measured!($act, manifest.act(world, $who, $act, $body));
            manifest.took(&answer);
        }};
    }
    let plate = || json!({ "plate": "辽B12345" });
    act!("assign", district.carrier.who("dispatcher"), json!({ "trip": district.trip() }));
    act!("release", district.plant.who("signatory"), release(grams));
    act!("take_over", district.carrier.who("driver"), plate());
    act!("arrive", district.carrier.who("driver"), plate());
    let doc: Value = manifest.get(world, &district.works.admin).await;
    let trip = doc["parts"]["assignment"][0]["content"]["trip_id"].as_str().unwrap().to_owned();
    let weighing = json!({ "gross_g": grams + 9_000_000, "tare_g": 9_000_000, "side": "receipt", "scale": "1 号地磅" });
    measured!("weigh", world.post(district.works.who("weigher"), &format!("/api/v1/trips/{trip}/weigh"), weighing));
    act!("receive", district.works.who("weigher"), json!({}));
    act!("confirm", district.works.who("signatory"), json!({}));
    let treatment = json!({ "line": 1, "method": "R9", "treated_g": grams, "batch": "B1" });
    act!("record_treatment", district.works.who("clerk"), treatment);
    let _ = measured!("get", world.get(district.works.who("clerk"), &format!("/api/v1/manifests/{}", manifest.id)));
    let _ = measured!("list", world.get(district.works.who("clerk"), "/api/v1/manifests?limit=50"));
    costs
}

#[actix_web::test]
async fn a_hot_read_is_one_round_trip_an_act_at_most_ten_and_nothing_is_prepared_twice() {
    let world = World::new().await;
    let district = District::new(&world).await;
    // Every connection prepares for itself; one request after another uses only one.
    life(&world, &district).await;
    life(&world, &district).await;
    let costs = life(&world, &district).await;
    let table: String =
        costs.iter().map(|cost| format!("{}: {} round trips, {} statements\n", cost.act, cost.round_trips, cost.statements)).collect();
    println!("{table}");
    let anew: Vec<&str> = costs.iter().filter(|cost| cost.prepared > 0).map(|cost| cost.act).collect();
    assert!(anew.is_empty(), "prepared anew: {anew:?}");
    for cost in costs {
        let most = if matches!(cost.act, "get" | "list") { 1 } else { ROUND_TRIPS_MAX };
        assert!(cost.round_trips <= most, "{} takes {} round trips:\n{table}", cost.act, cost.round_trips);
    }
}
