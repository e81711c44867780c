//! The steps of one load: who does what with which figures. No clock and no I/O here.

use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

use super::{Kind, Load};
use crate::demo::cast::{Cast, Generator, STREAMS, Way, c, carriers, escort, g, plate, r};
use crate::demo::random::Random;
use crate::demo::script::{Script, at};

/// Unit: grams.
const TARE_G: i64 = 9_000_000;

impl<'s> Load<'s> {
    pub(super) fn new(script: &'s mut Script, cast: &'s Cast, mut random: Random, made: usize, day: NaiveDate, kind: Kind) -> Self {
        let fits = |way: &Way| match kind {
            Kind::OtherProvince => way.receiver == 10,
            // Sent on to another of the same licence; both lie in this province.
            Kind::SentOn => way.receiver != 10 && STREAMS[way.stream].takers.len() > 1,
            _ => way.receiver != 10,
        };
        let several = |generator: &Generator| generator.ways.iter().any(|way| way.receiver != 10 && same_works(generator, way).len() > 1);
        let fitting: Vec<usize> = (0..cast.generators.len())
            .filter(|index| {
                let generator = &cast.generators[*index];
                match kind {
                    Kind::SeveralLines => several(generator),
                    // An officer of the new area voids.
                    Kind::Voided => generator.division == "210213" && generator.ways.iter().any(fits),
                    _ => generator.ways.iter().any(fits),
                }
            })
            .collect();
        let index = *random.one(&fitting);
        let generator = &cast.generators[index];
        let ways = if kind == Kind::SeveralLines {
            let shared: Vec<Vec<Way>> =
                generator.ways.iter().filter(|way| way.receiver != 10).map(|way| same_works(generator, way)).filter(|ways| ways.len() > 1).collect();
            random.one(&shared).clone()
        } else {
            let fitting: Vec<Way> = generator.ways.iter().copied().filter(fits).collect();
            vec![*random.one(&fitting)]
        };
        let most = if kind == Kind::OneLorry { 350 } else { 1_100 / i64::try_from(ways.len()).unwrap_or(1) };
        let declared_g: Vec<i64> = ways.iter().map(|_| random.from(30, most) * 10_000).collect();
        let (carrier, truck, driver) = (random.below(carriers()), random.below(3), random.below(2));
        let now = at(day, 8, 0) + Duration::seconds(random.from(0, 3_600));
        Self {
            script,
            cast,
            random,
            made,
            name: String::new(),
            day,
            now,
            consignor: g(index),
            receiver: ways[0].receiver,
            ways,
            carrier,
            truck,
            driver,
            released_g: declared_g.clone(),
            declared_g,
        }
    }

    /// Time goes on by some minutes around `minutes`.
    pub(super) fn wait(&mut self, minutes: i64) {
        self.now += Duration::seconds(self.random.from(minutes * 40, minutes * 80));
    }

    /// The working hours of a later day.
    pub(super) fn wait_days(&mut self, days: i64) {
        self.day += Duration::days(days);
        self.now = at(self.day, 8, 30) + Duration::seconds(self.random.from(0, 14_000));
    }

    pub(super) fn works(&self, role: &str) -> String {
        format!("{}-{role}", r(self.receiver))
    }
    pub(super) fn plant(&self, role: &str) -> String {
        format!("{}-{role}", self.consignor)
    }
    pub(super) fn haulier(&self, role: &str) -> String {
        format!("{}-{role}", c(self.carrier))
    }
    pub(super) fn driver(&self) -> String {
        self.haulier(&format!("driver{}", self.driver + 1))
    }
    pub(super) fn plate(&self) -> String {
        plate(self.carrier, self.truck)
    }

    pub(super) fn act(&mut self, who: &str, act: &str, body: Value) {
        let (now, name) = (self.now, self.name.clone());
        self.script.act(now, who, "manifests", &name, act, body);
    }

    pub(super) fn name_next(&mut self) -> String {
        self.made += 1;
        format!("m:{}", self.made)
    }

    pub(super) fn manifest(&mut self) -> Value {
        let lines: Vec<Value> = self
            .ways
            .iter()
            .zip(&self.declared_g)
            .map(|(way, grams)| {
                let stream = &STREAMS[way.stream];
                json!({
                    "waste_code": stream.code, "harmful": stream.harmful, "form": stream.form, "packaging": stream.packaging,
                    "packages": (grams / 200_000).max(1), "declared_g": grams, "method": stream.method,
                })
            })
            .collect();
        json!({
            "consignor_site_id": format!("$site:{}", self.consignor), "receiver_site_id": format!("$site:{}", r(self.receiver)),
            "carrier_id": format!("$unit:{}", c(self.carrier)), "hirer": "consignor", "lines": lines, "planned_departure_on": self.day,
            "planned_receipt_on": self.day + Duration::days(1), "emergency_measures": "佩戴防护用品，用吸附棉围堵，撤离无关人员，报告 12369",
        })
    }

    pub(super) fn issue(&mut self) {
        let (now, who, body) = (self.now, self.plant("clerk"), self.manifest());
        self.name = self.name_next();
        self.script.make(now, &who, "/manifests:issue", body, vec![("/done/0/subject_id", self.name.clone())]);
    }

    pub(super) fn trip(&mut self) -> Value {
        let number = self.random.from(100_000, 999_999);
        json!({
            "plate": self.plate(), "driver_id": format!("$user:{}", self.driver()), "escort_name": escort(self.carrier, self.driver),
            "waybill_no": format!("YD{number}"),
        })
    }

    pub(super) fn trip_name(&self) -> String {
        format!("t:{}", self.name.trim_start_matches("m:"))
    }

    pub(super) fn assign(&mut self) {
        self.wait(40);
        let (trip, name, who) = (self.trip(), self.trip_name(), self.haulier("dispatcher"));
        self.assign_with(&who, trip, name);
    }

    pub(super) fn assign_with(&mut self, who: &str, trip: Value, name: String) {
        let (now, on) = (self.now, self.name.clone());
        self.script.act(now, who, "manifests", &on, "assign", json!({ "trip": trip })).binds = vec![("/done/0/result/facts/trip_id", name)];
    }

    pub(super) fn release_body(&mut self, basis: &str) -> Value {
        // A bridge at the plant tells up to 30 kg more or less than the clerk wrote.
        self.released_g = self.declared_g.clone().into_iter().map(|grams| grams + self.random.from(-3, 3) * 10_000).collect();
        let lines: Vec<Value> = self
            .released_g
            .iter()
            .enumerate()
            .map(|(index, grams)| {
                let containers: Vec<Value> = (1..=2).map(|no| json!({ "code": format!("{}-{}-{no}", self.name.replace(':', ""), index + 1), "mass_g": if no == 1 { grams / 2 } else { grams - grams / 2 } })).collect();
                json!({ "line": index + 1, "released_g": grams, "basis": basis, "containers": containers })
            })
            .collect();
        json!({ "lines": lines })
    }

    pub(super) fn release(&mut self, basis: &str) {
        self.wait(60);
        let (who, body) = (self.plant("signatory"), self.release_body(basis));
        self.act(&who, "release", body);
    }

    pub(super) fn take_over(&mut self) {
        self.wait(8);
        let (who, plate) = (self.driver(), self.plate());
        self.act(&who, "take_over", json!({ "plate": plate, "place": { "lat_e7": 390_600_000, "lon_e7": 1_218_200_000 } }));
    }

    pub(super) fn arrive(&mut self) {
        self.wait(90);
        let (who, plate) = (self.driver(), self.plate());
        self.act(&who, "arrive", json!({ "plate": plate }));
    }

    pub(super) fn weigh_body(&self, net_g: i64) -> Value {
        json!({ "gross_g": TARE_G + net_g, "tare_g": TARE_G, "side": "receipt", "scale": "1 号地磅" })
    }

    pub(super) fn weigh(&mut self, net_g: i64) {
        self.wait(6);
        let (now, who, body, trip) = (self.now, self.works("weigher"), self.weigh_body(net_g), self.trip_name());
        self.script.make(now, &who, &format!("/trips/${trip}/weigh"), body, Vec::new());
    }

    /// What the receiver's bridge says: a few kilograms off, which agrees.
    pub(super) fn net(&mut self) -> i64 {
        self.released_g.iter().sum::<i64>() + self.random.from(-15, 15) * 1_000
    }

    pub(super) fn receive(&mut self) {
        self.wait(4);
        let who = self.works("weigher");
        self.act(&who, "receive", json!({}));
    }

    pub(super) fn confirm(&mut self) {
        self.wait(120);
        let who = self.works("signatory");
        self.act(&who, "confirm", json!({}));
    }

    pub(super) fn treat(&mut self) {
        let days = self.random.from(1, 3);
        self.wait_days(days);
        for index in 0..self.ways.len() {
            self.wait(10);
            let who = self.works("clerk");
            let (method, batch) = (STREAMS[self.ways[index].stream].method, format!("P{}", self.random.from(1_000, 9_999)));
            // All that was accepted is not known to a script; the player puts in what the answer to the confirmation said.
            let body = json!({ "line": index + 1, "method": method, "treated_g": format!("$accepted:{}:{}", self.name, index), "batch": batch });
            self.act(&who, "record_treatment", body);
        }
    }

    /// From issue to the receiver's gate.
    pub(super) fn bring(&mut self) {
        self.issue();
        self.assign();
        self.release("scale");
        self.take_over();
        self.arrive();
    }

    pub(super) fn bring_in(&mut self) {
        self.bring();
        let net = self.net();
        self.weigh(net);
        self.receive();
    }
}

/// The ways of a generator that lead to the same works as one of them.
fn same_works(generator: &Generator, way: &Way) -> Vec<Way> {
    generator.ways.iter().copied().filter(|other| other.receiver == way.receiver).collect()
}
