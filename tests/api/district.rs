//! A small district for manifest tests: a plant, a carrier, a treatment works, all papers in order.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Party, World, id};

/// The waste that most tests move: 废矿物油.
pub const OIL: &str = "900-249-08";

/// Everybody needed for a lawful transfer.
pub struct District {
    /// 移出人.
    pub plant: Party,
    /// Its site.
    pub plant_site: Uuid,
    /// 承运人.
    pub carrier: Party,
    /// 接受人.
    pub works: Party,
    /// Its site.
    pub works_site: Uuid,
    /// Its licence.
    pub licence: Uuid,
}

impl District {
    /// Made through the API, as its users would.
    pub async fn new(world: &World) -> Self {
        let plant = world.unit("演示·化工厂", "210213", &["clerk", "signatory"]).await;
        let carrier = world.unit("演示·运输", "210213", &["dispatcher", "driver"]).await;
        let works = world.unit("演示·处置中心", "210213", &["clerk", "signatory", "weigher"]).await;
        let plant_site = site(world, &plant, "一号厂区").await;
        let works_site = site(world, &works, "处置场").await;
        let licence = licence(
            world,
            &works,
            works_site,
            json!([{ "codes": [OIL], "categories": ["HW49"], "methods": ["R9", "D10"], "year_g": 10_000_000_000_i64 }]),
        )
        .await;
        let district = Self { plant, plant_site, carrier, works, works_site, licence };
        district.flow(world, OIL, "R9", 1_000_000_000).await;
        let carrier = &district.carrier;
        let truck = json!({ "plate": "辽B12345", "kind": "truck", "permit_no": "大运 1", "permit_classes": ["9"], "permit_valid_to": "2027-12-31", "rated_load_g": 15_000_000, "gb19217": false });
        world.post(&carrier.admin, "/api/v1/vehicles", truck).await.ok();
        let permit = json!({ "number": "辽交运管许可危货 1 号", "classes": ["9"], "is_dangerous_goods": true, "valid_to": "2027-12-31" });
        world.post(&carrier.admin, "/api/v1/carrier_permits", permit).await.ok();
        for (kind, person) in [("driver", json!({ "user_id": carrier.who("driver").user })), ("escort", json!({ "name": "押运员甲" }))] {
            let mut body = json!({ "kind": kind, "number": format!("{kind}-1"), "classes": ["9"], "valid_to": "2027-12-31" });
            body.as_object_mut().unwrap().extend(person.as_object().unwrap().clone());
            world.post(&carrier.admin, "/api/v1/certificates", body).await.ok();
        }
        let contract = json!({ "consignor_id": district.plant.id, "other_id": district.works.id, "number": "HT-1", "from_on": "2026-01-01", "until_on": "2027-12-31" });
        world.post(&district.plant.admin, "/api/v1/contracts", contract).await.ok();
        district
    }

    /// A flow of the plant's plan to the works.
    pub async fn flow(&self, world: &World, code: &str, method: &str, planned_g: i64) {
        let body =
            json!({ "site_id": self.plant_site, "year": 2026, "code": code, "receiver_id": self.works.id, "method": method, "planned_g": planned_g });
        world.post(&self.plant.admin, "/api/v1/plan_flows", body).await.ok();
    }

    /// The body of an issue with one line of oil.
    pub fn manifest(&self, declared_g: i64) -> Value {
        json!({
            "consignor_site_id": self.plant_site, "receiver_site_id": self.works_site, "carrier_id": self.carrier.id, "hirer": "consignor",
            "lines": [{ "waste_code": OIL, "harmful": "石油烃", "form": "liquid", "packaging": "200 L 铁桶", "packages": 6, "declared_g": declared_g, "method": "R9" }],
            "planned_departure_on": "2026-11-23", "planned_receipt_on": "2026-11-24", "emergency_measures": "吸附棉、围堵、报告 0411-12369",
        })
    }

    /// Issues; gives the manifest.
    pub async fn issue(&self, world: &World, declared_g: i64) -> Manifest {
        let answer = world.post(self.plant.who("clerk"), "/api/v1/manifests:issue", self.manifest(declared_g)).await.ok();
        Manifest::of(&answer)
    }

    /// The body that names truck and crew.
    pub fn trip(&self) -> Value {
        json!({ "plate": "辽B12345", "driver_id": self.carrier.who("driver").user, "escort_name": "押运员甲", "waybill_no": "YD-1" })
    }

    /// Brings a manifest to a state of the straight life.
    pub async fn bring_to(&self, world: &World, manifest: &mut Manifest, state: &str) {
        let grams = manifest.declared_g;
        for (reached, step) in [("assigned", 0), ("offered", 1), ("in_transit", 2), ("arrived", 3), ("received", 4), ("confirmed", 5), ("treated", 6)]
        {
            let answer = match step {
                0 => manifest.act(world, self.carrier.who("dispatcher"), "assign", json!({ "trip": self.trip() })).await,
                1 => manifest.act(world, self.plant.who("signatory"), "release", release(grams)).await,
                2 => manifest.act(world, self.carrier.who("driver"), "take_over", json!({ "plate": "辽B12345" })).await,
                3 => manifest.act(world, self.carrier.who("driver"), "arrive", json!({ "plate": "辽B12345" })).await,
                4 => {
                    manifest.weigh(world, self, grams + 9_000_000, 9_000_000).await;
                    manifest.act(world, self.works.who("weigher"), "receive", json!({})).await
                }
                5 => manifest.act(world, self.works.who("signatory"), "confirm", json!({})).await,
                _ => {
                    manifest
                        .act(
                            world,
                            self.works.who("clerk"),
                            "record_treatment",
                            json!({ "line": 1, "method": "R9", "treated_g": grams, "batch": "B1" }),
                        )
                        .await
                }
            };
            manifest.took(&answer.ok());
            if reached == state {
                return;
            }
        }
    }
}

/// The body of a release of one line.
pub fn release(grams: i64) -> Value {
    json!({ "lines": [{ "line": 1, "released_g": grams, "basis": "scale", "containers": [{ "code": "C1", "mass_g": grams }] }] })
}

/// A site of a unit.
pub async fn site(world: &World, party: &Party, name: &str) -> Uuid {
    site_in(world, party, name, "210213").await
}

/// A site of a unit in another division.
pub async fn site_in(world: &World, party: &Party, name: &str, division: &str) -> Uuid {
    let body = json!({ "name": name, "division": division, "address": "五一路 1 号", "yearly": [], "is_long_cycle": false, "own_facility": false });
    id(&world.post(&party.admin, "/api/v1/sites", body).await.ok()["done"][0]["subject_id"])
}

/// A verified licence.
pub async fn licence(world: &World, party: &Party, site: Uuid, lines: Value) -> Uuid {
    licence_in(world, party, site, lines, "210213").await
}

/// A verified licence in another division.
pub async fn licence_in(world: &World, party: &Party, site: Uuid, lines: Value, division: &str) -> Uuid {
    let licence = unverified_licence(world, party, site, lines).await;
    let officer = world.authority(division).await;
    world.post_seen(&officer.admin, &format!("/api/v1/licences/{licence}/verify"), 1, json!({})).await.ok();
    licence
}

/// A licence that no officer has seen yet, in force until the end of 2029.
pub async fn unverified_licence(world: &World, party: &Party, site: Uuid, lines: Value) -> Uuid {
    let body = json!({
        "site_id": site, "number": format!("LN{}", world.next()), "kind": "comprehensive", "issuer": "辽宁省生态环境厅",
        "issued_on": "2025-01-01", "valid_from": "2025-01-01", "valid_to": "2029-12-31", "lines": lines,
    });
    id(&world.post(&party.admin, "/api/v1/licences", body).await.ok()["done"][0]["subject_id"])
}

/// A manifest as its users follow it.
pub struct Manifest {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: String,
    /// Version last seen.
    pub version: i64,
    /// What was declared.
    pub declared_g: i64,
    /// The last act's result.
    pub last: Value,
}

impl Manifest {
    /// Out of the answer of an issue.
    pub fn of(answer: &Value) -> Self {
        let done = answer["done"].as_array().unwrap().last().unwrap();
        Self {
            id: id(&done["subject_id"]),
            number: done["result"]["number"].as_str().unwrap_or_default().to_owned(),
            version: done["version"].as_i64().unwrap(),
            declared_g: 1_200_000,
            last: done.clone(),
        }
    }
    /// An act with the version last seen.
    pub async fn act<'a>(&self, world: &World, who: impl Into<crate::harness::Caller<'a>>, act: &str, body: Value) -> crate::harness::Answer {
        world.post_seen(who, &format!("/api/v1/manifests/{}/{act}", self.id), self.version, body).await
    }
    /// Remembers an answer.
    pub fn took(&mut self, answer: &Value) {
        let done = answer["done"].as_array().unwrap().iter().rfind(|done| done["subject_id"] == json!(self.id)).unwrap();
        self.version = done["version"].as_i64().unwrap();
        self.last = done.clone();
    }
    /// Weighs its trip at the receiver's.
    pub async fn weigh(&self, world: &World, district: &District, gross_g: i64, tare_g: i64) {
        let doc = self.get(world, &district.works.admin).await;
        let trip = &doc["parts"]["assignment"][0]["content"]["trip_id"];
        let body = json!({ "gross_g": gross_g, "tare_g": tare_g, "side": "receipt", "scale": "1 号地磅" });
        world.post(district.works.who("weigher"), &format!("/api/v1/trips/{}/weigh", trip.as_str().unwrap()), body).await.ok();
    }
    /// As somebody sees it.
    pub async fn get<'a>(&self, world: &World, who: impl Into<crate::harness::Caller<'a>>) -> Value {
        world.get(who, &format!("/api/v1/manifests/{}", self.id)).await.ok()
    }
    /// Flags so far.
    pub async fn flags(&self, world: &World, district: &District) -> Vec<String> {
        let doc = self.get(world, &district.plant.admin).await;
        doc["flags"].as_array().unwrap().iter().map(|flag| flag.as_str().unwrap().to_owned()).collect()
    }
}

/// Another receiver with a verified licence for oil.
pub struct Receiver {
    /// 接受人.
    pub party: Party,
    /// Its site.
    pub site: Uuid,
    /// Its licence.
    pub licence: Uuid,
}

impl Receiver {
    /// Somewhere, with a yearly scale; the plant has a plan and a contract for it.
    pub async fn new(world: &World, district: &District, division: &str, year_g: i64) -> Self {
        let party = world.unit(&format!("演示·接受{}", world.next()), division, &["clerk", "signatory", "weigher"]).await;
        let site = site_in(world, &party, "处置场", division).await;
        let lines = json!([{ "codes": [OIL], "categories": [], "methods": ["R9"], "year_g": year_g }]);
        let licence = licence_in(world, &party, site, lines, division).await;
        let flow = json!({ "site_id": district.plant_site, "year": 2026, "code": OIL, "receiver_id": party.id, "method": "R9", "planned_g": 900_000_000_000_i64 });
        world.post(&district.plant.admin, "/api/v1/plan_flows", flow).await.ok();
        Self { party, site, licence }
    }

    /// The body of an issue from the plant to here.
    pub fn manifest(&self, district: &District, declared_g: i64) -> Value {
        let mut body = district.manifest(declared_g);
        body["receiver_site_id"] = json!(self.site);
        body
    }
}

/// Codes of the warnings of the last act in an answer.
pub fn warnings(answer: &Value) -> Vec<String> {
    let warnings = answer["done"].as_array().and_then(|done| done.last()).and_then(|done| done["result"]["warnings"].as_array());
    warnings.into_iter().flatten().filter_map(|warning| warning["code"].as_str()).map(str::to_owned).collect()
}

/// Codes of the faults of a problem.
pub fn faults(problem: &Value) -> Vec<String> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["code"].as_str()).map(str::to_owned).collect()
}
