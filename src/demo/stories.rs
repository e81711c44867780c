//! What happens to the manifests: one story for each way that a load can go, some of each. No clock and no I/O here.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};

use super::cast::{Cast, STREAMS, Way, c, carriers, escort, g, plate, r};
use super::random::Random;
use super::script::{Script, at};
use crate::platform::clock::rfc3339;

/// Unit: grams.
const TARE_G: i64 = 9_000_000;

/// How a story goes. The number beside each in [`STORIES`] is how often it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Treated,
    AtTheGate,
    OnOneDevice,
    SeveralLines,
    OneLorry,
    OtherProvince,
    PartAndReturn,
    RefusedAndReturned,
    SentOn,
    Cancelled,
    LateConfirmation,
    Skipped,
    SkippedAndSignedLate,
    ExternalCarrier,
    Discrepancy,
    Breakdown,
    BreakdownSameCarrier,
    NotReceived,
    Voided,
    OwnCorrection,
    TwoVoices,
    BackEntered,
    Incident,
    DispatcherSigns,
    Withdrawn,
    DriverRefuses,
    OtherTruck,
    Estimated,
    // Still open on the last day.
    OpenIssued,
    OpenAssigned,
    OpenOffered,
    OpenOnTheRoad,
    OpenArrived,
    OpenReceived,
    OpenConfirmed,
    OpenRefused,
    OpenPart,
    OpenCorrection,
    OpenSkipped,
    OpenReturn,
}

const STORIES: &[(Kind, usize)] = &[
    (Kind::Treated, 70),
    (Kind::AtTheGate, 30),
    (Kind::OnOneDevice, 10),
    (Kind::SeveralLines, 14),
    (Kind::OneLorry, 6),
    (Kind::OtherProvince, 8),
    (Kind::PartAndReturn, 8),
    (Kind::RefusedAndReturned, 8),
    (Kind::SentOn, 8),
    (Kind::Cancelled, 12),
    (Kind::LateConfirmation, 10),
    (Kind::Skipped, 6),
    (Kind::SkippedAndSignedLate, 5),
    (Kind::ExternalCarrier, 4),
    (Kind::Discrepancy, 12),
    (Kind::Breakdown, 6),
    (Kind::BreakdownSameCarrier, 4),
    (Kind::NotReceived, 6),
    (Kind::Voided, 4),
    (Kind::OwnCorrection, 6),
    (Kind::TwoVoices, 6),
    (Kind::BackEntered, 8),
    (Kind::Incident, 4),
    (Kind::DispatcherSigns, 5),
    (Kind::Withdrawn, 4),
    (Kind::DriverRefuses, 4),
    (Kind::OtherTruck, 5),
    (Kind::Estimated, 6),
    (Kind::OpenIssued, 14),
    (Kind::OpenAssigned, 10),
    (Kind::OpenOffered, 8),
    (Kind::OpenOnTheRoad, 10),
    (Kind::OpenArrived, 6),
    (Kind::OpenReceived, 10),
    (Kind::OpenConfirmed, 14),
    (Kind::OpenRefused, 3),
    (Kind::OpenPart, 4),
    (Kind::OpenCorrection, 4),
    (Kind::OpenSkipped, 4),
    (Kind::OpenReturn, 3),
];

impl Kind {
    const fn is_open(self) -> bool {
        matches!(
            self,
            Self::OpenIssued
                | Self::OpenAssigned
                | Self::OpenOffered
                | Self::OpenOnTheRoad
                | Self::OpenArrived
                | Self::OpenReceived
                | Self::OpenConfirmed
                | Self::OpenRefused
                | Self::OpenPart
                | Self::OpenCorrection
                | Self::OpenSkipped
                | Self::OpenReturn
        )
    }

    /// The latest first day, counted back from the last, that leaves room for the whole story. Unit: days.
    const fn length(self) -> i64 {
        match self {
            Self::LateConfirmation => 26,
            Self::PartAndReturn | Self::RefusedAndReturned | Self::SentOn => 12,
            Self::BackEntered => 8,
            Self::OpenReceived | Self::OpenConfirmed | Self::OpenPart | Self::OpenRefused | Self::OpenCorrection | Self::OpenReturn => 2,
            Self::OpenIssued | Self::OpenAssigned | Self::OpenOffered | Self::OpenOnTheRoad | Self::OpenArrived | Self::OpenSkipped => 1,
            _ => 9,
        }
    }
}

/// Writes every story into the script; gives how many manifests they make.
pub fn tell(script: &mut Script, cast: &Cast, seed: u64) -> usize {
    let days = (cast.as_of - cast.first_day).num_days();
    let mut made = 0;
    let mut number = 0;
    for (kind, times) in STORIES {
        for _ in 0..*times {
            number += 1;
            let mut random = Random::of(seed, number);
            let span = if kind.is_open() { random.from(kind.length(), kind.length() + 2) } else { random.from(kind.length(), days) };
            let mut load = Load::new(script, cast, random, made, cast.as_of - Duration::days(span), *kind);
            load.play(*kind);
            made = load.made;
        }
    }
    made
}

/// One load with the people who move it.
struct Load<'s> {
    script: &'s mut Script,
    cast: &'s Cast,
    random: Random,
    /// Manifests made so far, by all stories.
    made: usize,
    name: String,
    day: NaiveDate,
    now: DateTime<Utc>,
    consignor: String,
    receiver: usize,
    ways: Vec<Way>,
    carrier: usize,
    truck: usize,
    driver: usize,
    declared_g: Vec<i64>,
    released_g: Vec<i64>,
}

impl<'s> Load<'s> {
    fn new(script: &'s mut Script, cast: &'s Cast, mut random: Random, made: usize, day: NaiveDate, kind: Kind) -> Self {
        let fits = |way: &Way| match kind {
            Kind::OtherProvince => way.receiver == 10,
            // Sent on to another of the same licence; both lie in this province.
            Kind::SentOn => way.receiver != 10 && STREAMS[way.stream].takers.len() > 1,
            _ => way.receiver != 10,
        };
        let several =
            |generator: &super::cast::Generator| generator.ways.iter().any(|way| way.receiver != 10 && same_works(generator, way).len() > 1);
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
    fn wait(&mut self, minutes: i64) {
        self.now += Duration::seconds(self.random.from(minutes * 40, minutes * 80));
    }

    /// The working hours of a later day.
    fn wait_days(&mut self, days: i64) {
        self.day += Duration::days(days);
        self.now = at(self.day, 8, 30) + Duration::seconds(self.random.from(0, 14_000));
    }

    fn works(&self, role: &str) -> String {
        format!("{}-{role}", r(self.receiver))
    }
    fn plant(&self, role: &str) -> String {
        format!("{}-{role}", self.consignor)
    }
    fn haulier(&self, role: &str) -> String {
        format!("{}-{role}", c(self.carrier))
    }
    fn driver(&self) -> String {
        self.haulier(&format!("driver{}", self.driver + 1))
    }
    fn plate(&self) -> String {
        plate(self.carrier, self.truck)
    }

    fn act(&mut self, who: &str, act: &str, body: Value) {
        let (now, name) = (self.now, self.name.clone());
        self.script.act(now, who, "manifests", &name, act, body);
    }

    fn name_next(&mut self) -> String {
        self.made += 1;
        format!("m:{}", self.made)
    }

    fn manifest(&mut self) -> Value {
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

    fn issue(&mut self) {
        let (now, who, body) = (self.now, self.plant("clerk"), self.manifest());
        self.name = self.name_next();
        self.script.make(now, &who, "/manifests:issue", body, vec![("/done/0/subject_id", self.name.clone())]);
    }

    fn trip(&mut self) -> Value {
        let number = self.random.from(100_000, 999_999);
        json!({
            "plate": self.plate(), "driver_id": format!("$user:{}", self.driver()), "escort_name": escort(self.carrier, self.driver),
            "waybill_no": format!("YD{number}"),
        })
    }

    fn trip_name(&self) -> String {
        format!("t:{}", self.name.trim_start_matches("m:"))
    }

    fn assign(&mut self) {
        self.wait(40);
        let (trip, name, who) = (self.trip(), self.trip_name(), self.haulier("dispatcher"));
        self.assign_with(&who, trip, name);
    }

    fn assign_with(&mut self, who: &str, trip: Value, name: String) {
        let (now, on) = (self.now, self.name.clone());
        self.script.act(now, who, "manifests", &on, "assign", json!({ "trip": trip })).binds = vec![("/done/0/result/facts/trip_id", name)];
    }

    fn release_body(&mut self, basis: &str) -> Value {
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

    fn release(&mut self, basis: &str) {
        self.wait(60);
        let (who, body) = (self.plant("signatory"), self.release_body(basis));
        self.act(&who, "release", body);
    }

    fn take_over(&mut self) {
        self.wait(8);
        let (who, plate) = (self.driver(), self.plate());
        self.act(&who, "take_over", json!({ "plate": plate, "place": { "lat_e7": 390_600_000, "lon_e7": 1_218_200_000 } }));
    }

    fn arrive(&mut self) {
        self.wait(90);
        let (who, plate) = (self.driver(), self.plate());
        self.act(&who, "arrive", json!({ "plate": plate }));
    }

    fn weigh_body(&self, net_g: i64) -> Value {
        json!({ "gross_g": TARE_G + net_g, "tare_g": TARE_G, "side": "receipt", "scale": "1 号地磅" })
    }

    fn weigh(&mut self, net_g: i64) {
        self.wait(6);
        let (now, who, body, trip) = (self.now, self.works("weigher"), self.weigh_body(net_g), self.trip_name());
        self.script.make(now, &who, &format!("/trips/${trip}/weigh"), body, Vec::new());
    }

    /// What the receiver's bridge says: a few kilograms off, which agrees.
    fn net(&mut self) -> i64 {
        self.released_g.iter().sum::<i64>() + self.random.from(-15, 15) * 1_000
    }

    fn receive(&mut self) {
        self.wait(4);
        let who = self.works("weigher");
        self.act(&who, "receive", json!({}));
    }

    fn confirm(&mut self) {
        self.wait(120);
        let who = self.works("signatory");
        self.act(&who, "confirm", json!({}));
    }

    fn treat(&mut self) {
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
    fn bring(&mut self) {
        self.issue();
        self.assign();
        self.release("scale");
        self.take_over();
        self.arrive();
    }

    fn bring_in(&mut self) {
        self.bring();
        let net = self.net();
        self.weigh(net);
        self.receive();
    }

    fn play(&mut self, kind: Kind) {
        match kind {
            Kind::Treated | Kind::SeveralLines | Kind::OtherProvince => {
                self.bring_in();
                self.confirm();
                self.treat();
            }
            Kind::AtTheGate => self.at_the_gate(),
            Kind::OnOneDevice => self.on_one_device(),
            Kind::OneLorry => self.one_lorry(),
            Kind::PartAndReturn | Kind::RefusedAndReturned | Kind::SentOn => self.refuse_and_send_on(kind),
            Kind::Cancelled => {
                self.issue();
                self.wait(180);
                let (who, reason) = (self.plant("clerk"), *self.random.one(&["产量不足，改期转移", "车辆临时检修", "信息填写有误，重新提交"]));
                self.act(&who, "cancel", json!({ "reason": reason }));
            }
            Kind::LateConfirmation => {
                self.bring_in();
                // Longer than five working days whatever holidays lie between.
                self.wait_days(17);
                self.confirm();
                self.treat();
            }
            Kind::Skipped | Kind::SkippedAndSignedLate | Kind::OpenSkipped => self.skipped(kind),
            Kind::ExternalCarrier => self.external_carrier(),
            Kind::Discrepancy => {
                self.bring();
                let net = self.released_g.iter().sum::<i64>() * self.random.from(88, 95) / 100 - 30_000;
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::Breakdown | Kind::BreakdownSameCarrier => self.breakdown(kind),
            Kind::NotReceived => {
                self.bring();
                self.wait(10);
                let (who, reason) = (self.works("weigher"), *self.random.one(&["closed", "breakdown", "weather"]));
                self.act(&who, "not_received", json!({ "reason": reason, "note": "次日再来" }));
                self.wait_days(1);
                self.arrive();
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::Voided => {
                self.bring_in();
                self.wait_days(2);
                self.act("jinpu-inspector", "void", json!({ "reason": "联单重复填报，经现场核查作废" }));
            }
            Kind::OwnCorrection => {
                self.issue();
                self.wait(12);
                let (who, packages) = (self.plant("clerk"), self.random.from(2, 9));
                let change = json!({ "part": "consignment", "part_no": 1, "pointer": "/lines/0/packages", "value": packages });
                self.act(&who, "correct", json!({ "changes": [change], "reason": "包装数量录入有误" }));
                self.assign();
                self.release("scale");
                self.take_over();
                self.arrive();
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::TwoVoices | Kind::OpenCorrection => {
                self.bring_in();
                self.confirm();
                self.wait(60);
                let who = self.works("signatory");
                let change = json!({ "part": "verdict", "part_no": 1, "pointer": "/lines/0/note", "value": "含水率偏高，已与移出单位核对" });
                self.act(&who, "correct", json!({ "changes": [change], "reason": "补充接受意见说明" }));
                if kind == Kind::TwoVoices {
                    self.wait_days(1);
                    let who = self.plant("signatory");
                    self.act(&who, "agree", json!({}));
                    self.treat();
                }
            }
            Kind::BackEntered => self.back_entered(),
            Kind::Incident => {
                self.issue();
                self.assign();
                self.release("scale");
                self.take_over();
                self.wait(30);
                let who = self.driver();
                self.act(&who, "report_incident", json!({ "kind": "leak", "place": "演示高速 12 公里处，一桶渗漏，已围堵" }));
                self.arrive();
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::DispatcherSigns => {
                self.issue();
                self.assign();
                self.release("scale");
                self.wait(20);
                let (who, plate) = (self.haulier("dispatcher"), self.plate());
                let body = json!({ "plate": plate, "instead_of_driver": "驾驶员手机没电，电话确认" });
                self.act(&who, "take_over", body.clone());
                self.wait(90);
                self.act(&who, "arrive", body);
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::Withdrawn | Kind::DriverRefuses => {
                self.issue();
                self.assign();
                self.release("scale");
                self.wait(15);
                let (who, act, reason) = if kind == Kind::Withdrawn {
                    (self.plant("signatory"), "withdraw", "装车后发现标签有误，重新交付")
                } else {
                    (self.driver(), "refuse_take_over", "包装破损，不具备运输条件")
                };
                self.act(&who, act, json!({ "reason": reason }));
                self.release("scale");
                self.take_over();
                self.arrive();
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::OtherTruck => {
                self.issue();
                self.assign();
                self.wait(10);
                self.truck = (self.truck + 1) % 3;
                self.assign();
                self.release("scale");
                self.take_over();
                self.arrive();
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::Estimated => {
                self.issue();
                self.assign();
                self.release("estimated");
                self.take_over();
                self.arrive();
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::OpenIssued => self.issue(),
            Kind::OpenAssigned => {
                self.issue();
                self.assign();
            }
            Kind::OpenOffered => {
                self.issue();
                self.assign();
                self.release("scale");
            }
            Kind::OpenOnTheRoad => {
                self.issue();
                self.assign();
                self.release("scale");
                self.take_over();
            }
            Kind::OpenArrived => self.bring(),
            Kind::OpenReceived => self.bring_in(),
            Kind::OpenConfirmed => {
                self.bring_in();
                self.confirm();
            }
            Kind::OpenRefused | Kind::OpenPart => {
                self.bring_in();
                self.refuse(kind == Kind::OpenPart);
            }
            Kind::OpenReturn => {
                self.bring_in();
                self.refuse(false);
                self.send_on("return", None);
            }
        }
    }

    /// Weighed, received and confirmed in one call, the signatory at the gate.
    fn at_the_gate(&mut self) {
        self.bring();
        self.wait(8);
        let net = self.net();
        let (who, weigh) = (self.works("gate"), self.weigh_body(net));
        self.act(&who, "gate", json!({ "weigh": weigh, "receive": {}, "confirm": {} }));
        self.treat();
    }

    /// Released and taken over on one device at the loading place.
    fn on_one_device(&mut self) {
        self.issue();
        self.assign();
        self.wait(60);
        let (who, release, plate) = (self.plant("signatory"), self.release_body("scale"), self.plate());
        let body = json!({ "release": release, "take_over": { "plate": plate }, "driver_token": format!("$token:{}", self.driver()) });
        self.act(&who, "load", body);
        self.arrive();
        let net = self.net();
        self.weigh(net);
        self.receive();
        self.confirm();
        self.treat();
    }

    /// Three plants, one lorry, one weighing that is shared over all.
    fn one_lorry(&mut self) {
        let receiver = self.receiver;
        let stops: Vec<(String, Way)> = self
            .cast
            .generators
            .iter()
            .enumerate()
            .filter_map(|(index, generator)| generator.ways.iter().find(|way| way.receiver == receiver).map(|way| (g(index), *way)))
            .take(6)
            .collect();
        let (truck, driver) = (self.truck, self.driver);
        let mut loads: Vec<(String, String, i64)> = Vec::new();
        let mut shared = String::new();
        for (consignor, way) in stops.into_iter().take(3) {
            (self.consignor, self.ways, self.truck, self.driver) = (consignor, vec![way], truck, driver);
            self.declared_g = vec![self.random.from(50, 350) * 10_000];
            self.issue();
            self.wait(20);
            let mut trip = self.trip();
            if shared.is_empty() {
                shared = self.trip_name();
            } else {
                trip["trip_id"] = json!(format!("${shared}"));
            }
            let who = self.haulier("dispatcher");
            let name = self.trip_name();
            self.assign_with(&who, trip, name);
            self.release("scale");
            self.take_over();
            loads.push((self.name.clone(), self.consignor.clone(), self.released_g[0]));
        }
        let mut first = true;
        for (name, consignor, _) in &loads {
            (self.name, self.consignor) = (name.clone(), consignor.clone());
            if first {
                self.arrive();
            } else {
                self.wait(1);
                let (who, plate) = (self.driver(), self.plate());
                self.act(&who, "arrive", json!({ "plate": plate }));
            }
            first = false;
        }
        let net = loads.iter().map(|(_, _, grams)| grams).sum::<i64>() + 8_000;
        self.weigh(net);
        for (name, consignor, _) in &loads {
            (self.name, self.consignor) = (name.clone(), consignor.clone());
            self.receive();
        }
        for (name, consignor, _) in loads {
            (self.name, self.consignor) = (name, consignor);
            self.confirm();
        }
    }

    fn refuse(&mut self, part: bool) {
        self.wait(100);
        let who = self.works("signatory");
        let reason = *self.random.one(&["packaging_or_label", "differs_from_manifest", "no_capacity"]);
        let line = if part {
            json!({ "line": 1, "decision": "part", "accepted_g": self.released_g[0] / 2, "reasons": [reason], "note": "部分包装破损" })
        } else {
            json!({ "line": 1, "decision": "none", "reasons": [reason], "note": "与联单不符，不予接受" })
        };
        self.act(&who, "confirm", json!({ "lines": [line] }));
    }

    /// Makes the linked manifest and goes on with it.
    fn send_on(&mut self, kind: &str, to: Option<usize>) {
        self.wait_days(1);
        let (now, who, on) = (self.now, self.works("signatory"), self.name.clone());
        let mut body = json!({
            "kind": kind, "carrier_id": format!("$unit:{}", c(self.carrier)), "consignor_agreed": "电话确认，已存录音", "planned_departure_on": self.day,
            "planned_receipt_on": self.day,
        });
        if let Some(to) = to {
            body["receiver_site_id"] = json!(format!("$site:{}", r(to)));
        }
        let next = self.name_next();
        self.script.act(now, &who, "manifests", &on, "send_on", body).binds = vec![("/done/1/subject_id", next.clone())];
        self.name = next;
    }

    fn refuse_and_send_on(&mut self, kind: Kind) {
        self.bring_in();
        let part = kind == Kind::PartAndReturn;
        self.refuse(part);
        let holder = self.works("signatory");
        let source = self.name.clone();
        let to = match kind {
            Kind::SentOn => STREAMS[self.ways[0].stream].takers.iter().copied().find(|one| *one != self.receiver && *one != 10),
            _ => None,
        };
        self.send_on(if to.is_some() { "re_consignment" } else { "return" }, to);
        self.assign();
        self.wait(30);
        let line = json!({ "line": 1, "released_g": format!("$refused:{source}:0"), "basis": "scale" });
        self.act(&holder, "release", json!({ "lines": [line] }));
        self.take_over();
        self.arrive();
        match to {
            Some(to) => {
                self.receiver = to;
                self.receive();
                self.confirm();
                self.treat();
            }
            None => {
                // Home again: the plant's own people receive.
                self.wait(10);
                let (weigher, signatory) = (self.plant("weigher"), self.plant("signatory"));
                self.act(&weigher, "receive", json!({}));
                self.wait(30);
                self.act(&signatory, "confirm", json!({}));
            }
        }
    }

    /// The receiver did not wait for the driver's signatures.
    fn skipped(&mut self, kind: Kind) {
        self.issue();
        self.assign();
        self.release("scale");
        let taken = self.now + Duration::minutes(12);
        self.wait(150);
        let net = self.net();
        self.weigh(net);
        self.wait(4);
        let who = self.works("weigher");
        self.act(&who, "receive", json!({ "skip_reason": "驾驶员手机没电，先入厂" }));
        if kind == Kind::OpenSkipped {
            return;
        }
        self.confirm();
        if kind == Kind::SkippedAndSignedLate {
            self.wait_days(1);
            let (who, plate) = (self.driver(), self.plate());
            self.act(&who, "sign_late", json!({ "plate": plate, "happened_at": rfc3339(taken), "reason": "前一日手机没电" }));
            self.wait(2);
            self.act(&who, "sign_late", json!({ "plate": plate, "happened_at": rfc3339(taken + Duration::minutes(95)), "reason": "前一日手机没电" }));
        }
        self.treat();
    }

    /// A carrier outside the system: nobody of it signs, and the lorry is let in all the same.
    fn external_carrier(&mut self) {
        let (now, who, mut body) = (self.now, self.plant("clerk"), self.manifest());
        body["carrier_id"] = json!("$unit:x01");
        self.name = self.name_next();
        self.script.make(now, &who, "/manifests:issue", body, vec![("/done/0/subject_id", self.name.clone())]);
        self.wait(300);
        let (weigher, grams) = (self.works("weigher"), self.declared_g[0]);
        self.act(&weigher, "receive", json!({ "masses": [{ "line": 1, "mass_g": grams }], "skip_reason": "承运单位在系统外，凭纸质记录入厂" }));
        self.confirm();
        self.treat();
    }

    /// The lorry breaks down; another one, also of another carrier, takes the load.
    fn breakdown(&mut self, kind: Kind) {
        self.issue();
        self.assign();
        self.release("scale");
        self.take_over();
        self.wait(40);
        let giver = self.driver();
        if kind == Kind::Breakdown {
            self.carrier = (self.carrier + 1) % carriers();
        } else {
            self.truck = (self.truck + 1) % 3;
        }
        let (trip, on, now, carrier) = (self.trip(), self.name.clone(), self.now, c(self.carrier));
        let body = json!({ "reason": "车辆故障，途中换车", "carrier_id": format!("$unit:{carrier}"), "trip": trip });
        let name = self.trip_name();
        self.script.act(now, &giver, "manifests", &on, "hand_over", body).binds = vec![("/done/0/result/facts/next_trip_id", name)];
        self.wait(50);
        self.take_over();
        self.arrive();
        let net = self.net();
        self.weigh(net);
        self.receive();
        self.confirm();
        self.treat();
    }

    /// The network was down: paper first, entered afterwards.
    fn back_entered(&mut self) {
        let released_at = at(self.day, 9, 30);
        let manifest = self.manifest();
        let trip = self.trip();
        self.wait_days(3);
        let (now, who) = (self.now, self.plant("clerk"));
        self.name = self.name_next();
        let body = json!({
            "manifest": manifest, "paper_no": format!("ZZ{:05}", self.made), "reason": "当日网络中断", "trip": trip, "released_at": rfc3339(released_at),
            "arrived_at": rfc3339(released_at + Duration::minutes(95)), "received_at": rfc3339(released_at + Duration::minutes(110)),
        });
        self.script.make(now, &who, "/manifests:back_enter", body, vec![("/done/0/subject_id", self.name.clone())]);
        self.confirm();
        self.treat();
    }
}

/// The ways of a generator that lead to the same works as one of them.
fn same_works(generator: &super::cast::Generator, way: &Way) -> Vec<Way> {
    generator.ways.iter().copied().filter(|other| other.receiver == way.receiver).collect()
}
